//! The feed of everything that a caller may see, page by page: cursors, and what is told of a change.

use std::collections::BTreeSet;

use recourse_domain::access;
use recourse_domain::ids::OrgId;
use recourse_proto::v1::error_reason::Code as Reason;
use recourse_proto::{Method, v1};
use recourse_repository::FeedItem;

use super::{COLLECTIONS, paths_for};
use crate::admission::rule_of;
use crate::context::Call;
use crate::convert::{etag, timestamp};
use crate::error::{Answer, Refusal};

/// Who reads the feed, and what of it.
pub(crate) struct Reading {
    /// The organisations whose changes are read.
    pub orgs: BTreeSet<OrgId>,
    pub(super) collections: Vec<String>,
    pub(super) position: i64,
}

/// Begins to follow the changes of some types after a cursor.
pub(crate) async fn begin(call: &Call, cursor: &str, types: &[String]) -> Answer<Reading> {
    let (orgs, collections) = reading(call, types)?;
    Ok(Reading { orgs, collections, position: position(call, cursor).await? })
}

fn reading(call: &Call, types: &[String]) -> Answer<(BTreeSet<OrgId>, Vec<String>)> {
    if let Some((index, asked)) =
        types.iter().enumerate().find(|(_, asked)| !COLLECTIONS.iter().any(|(name, _)| name == asked))
    {
        let known: Vec<&str> = COLLECTIONS.iter().map(|(name, _)| *name).collect();
        return Err(Refusal::field(
            &format!("types[{index}]"),
            "UNKNOWN_TYPE",
            format!("{asked} is no type of resource; the types are {}", known.join(", ")),
            format!("没有资源类型 {asked}；可用类型：{}", known.join(", ")),
        ));
    }
    let actor = call.actor()?;
    let readable = |method: Method| access::authorize(actor, &rule_of(method)).is_ok();
    let collections = COLLECTIONS
        .iter()
        .filter(|(name, method)| (types.is_empty() || types.iter().any(|asked| asked == name)) && readable(*method))
        .map(|(name, _)| (*name).to_owned())
        .collect();
    Ok((call.scope()?.audience(), collections))
}

/// The position of a cursor. Cursors are positions; they are opaque to callers and harmless to guess, for
/// the reader's own scope decides what is told.
async fn position(call: &Call, cursor: &str) -> Answer<i64> {
    let ends = call.inner.store.feed_ends().await?;
    let bad = || {
        Refusal::field(
            "cursor",
            "BAD_CURSOR",
            "a cursor comes from an answer before; leave it out to begin at the oldest change, or use now",
            "cursor 须取自之前的应答；留空表示从最早的变更开始，或使用 now",
        )
    };
    match cursor {
        "" => Ok(ends.oldest),
        "now" => Ok(ends.newest),
        cursor => {
            let position: i64 =
                cursor.strip_prefix('c').and_then(|number| i64::from_str_radix(number, 36).ok()).ok_or_else(bad)?;
            if position < 0 || position > ends.newest {
                return Err(bad());
            }
            if position < ends.oldest {
                return Err(cursor_expired());
            }
            Ok(position)
        }
    }
}

/// The refusal of a place in the feed after which something is not kept any more.
pub(super) fn cursor_expired() -> Refusal {
    Refusal::new(
        Reason::CursorExpired,
        "the cursor is older than what is kept; take cursor=now, list the resources afresh, then follow from there",
        "cursor 已过期；请先以 cursor=now 取得新的 cursor，再重新列出资源，然后从该处继续",
    )
}

/// The cursor of a position.
pub(crate) fn cursor(position: i64) -> String {
    let mut digits = Vec::new();
    let mut rest = position.unsigned_abs();
    loop {
        let digit = u32::try_from(rest % 36).unwrap_or_default();
        digits.push(char::from_digit(digit, 36).unwrap_or('0'));
        rest /= 36;
        if rest == 0 {
            break;
        }
    }
    digits.push('c');
    digits.iter().rev().collect()
}

/// A page of the feed, and the cursor after it.
pub(super) async fn changes(call: &Call, request: v1::ListChangesRequest) -> Answer<v1::ListChangesResponse> {
    let (orgs, collections) = reading(call, &request.types)?;
    let size = match u32::try_from(request.page_size).unwrap_or_default() {
        0 => 50,
        size => size.min(1000),
    };
    let page = loop {
        let start = position(call, &request.cursor).await?;
        match call.inner.store.feed_page(&orgs, start, Some(&collections), size).await? {
            Some(page) => break page,
            // The oldest change that is kept is another one by now; a cursor is looked at again, and has expired.
            None => continue,
        }
    };
    let changes = page.items.iter().map(|found| item(call, found)).collect::<Answer<_>>()?;
    Ok(v1::ListChangesResponse { changes, next_cursor: cursor(page.position), has_more: page.has_more })
}

pub(super) fn item(call: &Call, item: &FeedItem) -> Answer<v1::ChangeItem> {
    let change = &item.change;
    Ok(v1::ChangeItem {
        cursor: cursor(item.position),
        resource: change.resource.clone(),
        r#type: change.collection.clone(),
        verb: change.verb.clone(),
        changed_paths: paths_for(call, change)?,
        etag: etag(change.version),
        event_time: timestamp(change.time),
        command_id: change.command.to_string(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cursor_reads_back_as_its_position() {
        for position in [0, 1, 35, 36, 1_000_000, i64::MAX] {
            let text = cursor(position);
            let read = text.strip_prefix('c').and_then(|number| i64::from_str_radix(number, 36).ok());
            assert_eq!(read, Some(position), "{text}");
        }
    }
}
