//! Review queues: the message of the contract ⇄ the record of the domain.

use recourse_domain::catalog::{ReviewQueue, Stored};
use recourse_domain::claims::Kind;
use recourse_domain::text::Violation;
use recourse_proto::v1;

use super::claims::{read_kind, show_kind};
use super::{Reader, etag, timestamp};

/// The queue as its reader sees it.
pub(crate) fn show(stored: &Stored<ReviewQueue>) -> v1::ReviewQueue {
    let ReviewQueue { code, display_name, display_name_zh, kinds, regions, external_ref } = &stored.value;
    v1::ReviewQueue {
        name: format!("reviewQueues/{code}"),
        etag: etag(stored.version),
        display_name: display_name.clone(),
        display_name_zh: display_name_zh.clone(),
        kinds: show_kinds(kinds),
        regions: regions.clone(),
        external_ref: external_ref.clone(),
        active: stored.retire_time.is_none(),
        create_time: timestamp(stored.create_time),
        update_time: timestamp(stored.update_time),
        retire_time: stored.retire_time.and_then(timestamp),
    }
}

/// The record under a code.
pub(crate) fn read(message: v1::ReviewQueue, code: &str) -> Result<ReviewQueue, Vec<Violation>> {
    let v1::ReviewQueue {
        name: _,
        etag: _,
        display_name,
        display_name_zh,
        kinds,
        regions,
        external_ref,
        active: _,
        create_time: _,
        update_time: _,
        retire_time: _,
    } = message;
    let mut reader = Reader::default();
    let code = reader.code("name", code);
    let kinds = read_kinds(&mut reader, "kinds", &kinds);
    reader.whole(|| Some(ReviewQueue { code: code?, display_name, display_name_zh, kinds, regions, external_ref }))
}

/// Kinds of claim.
pub(crate) fn show_kinds(kinds: &[Kind]) -> Vec<i32> {
    kinds.iter().map(|kind| show_kind(*kind).into()).collect()
}

/// Kinds of claim, each a known one.
pub(crate) fn read_kinds(reader: &mut Reader, at: &str, kinds: &[i32]) -> Vec<Kind> {
    let known = kinds.iter().enumerate();
    known.filter_map(|(index, kind)| reader.choice(&format!("{at}[{index}]"), *kind, read_kind)).collect()
}
