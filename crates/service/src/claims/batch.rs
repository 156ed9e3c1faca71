//! Claims in bulk. Every item is a call of its own, with its own transaction, key and refusal; the batch only runs
//! them one after the other, so that of two alike the first is done and the second told, and stops when its time is
//! over.

use std::time::Duration;

use prost::Message;
use recourse_domain::spelling::Normalization;
use recourse_proto::google::rpc;
use recourse_proto::status::Details;
use recourse_proto::v1::claim_item::Result as Written;
use recourse_proto::v1::error_reason::Code as Reason;
use recourse_proto::v1::submitted_item::Result as Submitted;
use recourse_proto::validate::Validate;
use recourse_proto::{Method, v1};
use sha2::{Digest, Sha256};
use tokio::time::Instant;
use tonic::Status;
use uuid::{Builder, Uuid};

use super::{draft, normalized, saying, submit, upsert};
use crate::context::{Boxed, Call};
use crate::error::{Answer, Refusal};
use crate::events::server_stopping;

/// What is kept of a call's time for the answer to be written; of a short one half.
const FOR_THE_ANSWER: Duration = Duration::from_secs(1);

/// Batches that are worked on at once: the other places of calls are for those who wait for one answer.
pub(crate) const BATCHES_AT_ONCE: usize = 8;

/// What became of one item.
struct Done<T> {
    index: i32,
    result: Result<T, v1::ItemError>,
    replayed: bool,
    /// The key that it has, or would have had.
    request_id: String,
}

/// Creates drafts, each by itself.
pub(super) async fn create(
    call: &Call,
    batch: v1::BatchCreateClaimsRequest,
    mut items: Vec<v1::CreateClaimRequest>,
) -> Answer<v1::BatchCreateClaimsResponse> {
    let key = batch_key(&batch.request_id);
    let mut said = Vec::with_capacity(items.len());
    for item in &mut items {
        item.validate_only |= batch.validate_only;
        said.push(normalized(&mut item.claim));
    }
    let kind: ItemKind<v1::CreateClaimRequest, v1::Claim> = ItemKind {
        method: Method::ClaimServiceCreateClaim,
        key: |request| &mut request.request_id,
        act: |call, request| Box::pin(draft::create(call, request)),
    };
    let done = each(call, key, items, &kind).await?;
    let (succeeded, refused) = (count(&done, true), count(&done, false));
    Ok(v1::BatchCreateClaimsResponse { items: claim_items(call, done, &said), succeeded, refused })
}

/// Changes or creates claims, each by itself.
pub(super) async fn update(
    call: &Call,
    batch: v1::BatchUpdateClaimsRequest,
    mut items: Vec<v1::UpdateClaimRequest>,
) -> Answer<v1::BatchUpdateClaimsResponse> {
    let key = batch_key(&batch.request_id);
    let mut said = Vec::with_capacity(items.len());
    for item in &mut items {
        item.validate_only |= batch.validate_only;
        said.push(normalized(&mut item.claim));
    }
    let kind: ItemKind<v1::UpdateClaimRequest, v1::Claim> = ItemKind {
        method: Method::ClaimServiceUpdateClaim,
        key: |request| &mut request.request_id,
        act: |call, request| Box::pin(upsert::update(call, request)),
    };
    let done = each(call, key, items, &kind).await?;
    let (succeeded, refused) = (count(&done, true), count(&done, false));
    Ok(v1::BatchUpdateClaimsResponse { items: claim_items(call, done, &said), succeeded, refused })
}

/// The results of items that write a claim, each with what its spelling was taken for.
fn claim_items(call: &Call, done: Vec<Done<v1::Claim>>, said: &[Vec<Normalization>]) -> Vec<v1::ClaimItem> {
    done.into_iter()
        .zip(said)
        .map(|(done, said)| v1::ClaimItem {
            index: done.index,
            result: Some(match done.result {
                Ok(claim) => Written::Claim(saying(call, claim, said)),
                Err(error) => Written::Error(error),
            }),
            replayed: done.replayed,
            request_id: done.request_id,
        })
        .collect()
}

/// Submits claims, each by itself.
pub(super) async fn submit(
    call: &Call,
    batch: v1::BatchSubmitClaimsRequest,
    mut items: Vec<v1::SubmitClaimRequest>,
) -> Answer<v1::BatchSubmitClaimsResponse> {
    let key = batch_key(&batch.request_id);
    for item in &mut items {
        item.validate_only |= batch.validate_only;
    }
    let kind: ItemKind<v1::SubmitClaimRequest, v1::SubmitClaimResponse> = ItemKind {
        method: Method::ClaimServiceSubmitClaim,
        key: |request| &mut request.request_id,
        act: |call, request| Box::pin(submit::submit(call, request)),
    };
    let done = each(call, key, items, &kind).await?;
    let (succeeded, refused) = (count(&done, true), count(&done, false));
    let items = done.into_iter().map(|done| v1::SubmittedItem {
        index: done.index,
        result: Some(match done.result {
            Ok(submitted) => Submitted::Submitted(submitted),
            Err(error) => Submitted::Error(error),
        }),
        replayed: done.replayed,
        request_id: done.request_id,
    });
    Ok(v1::BatchSubmitClaimsResponse { items: items.collect(), succeeded, refused })
}

/// The call that an item is.
struct ItemKind<M, T> {
    method: Method,
    key: fn(&mut M) -> &mut String,
    act: for<'c> fn(&'c Call, M) -> Boxed<'c, Answer<T>>,
}

/// Runs the items in order, as far as the time of the call goes. Once one was not tried, none after it is: a
/// repeat then finds the rest as it was sent.
async fn each<M, T>(call: &Call, key: Option<Uuid>, items: Vec<M>, kind: &ItemKind<M, T>) -> Answer<Vec<Done<T>>>
where
    M: Validate + Message,
{
    let _place = call.inner.batches.try_acquire().map_err(|_| too_many_batches())?;
    let ends = call.deadline.map(last_moment);
    let mut not_tried: Option<Refusal> = None;
    let mut all = Vec::with_capacity(items.len());
    for (index, mut message) in (0_i32..).zip(items) {
        if not_tried.is_none() {
            not_tried = obstacle(call, ends);
        }
        let request_id = (kind.key)(&mut message);
        if let Some(key) = key.filter(|_| request_id.is_empty()) {
            *request_id = derived_key(key, kind.method, index).to_string();
        }
        let request_id = request_id.clone();
        let done = match &not_tried {
            Some(why) => Err(why.clone().status(call.lang)),
            None => one(call, message, kind, ends).await,
        };
        all.push(match done {
            Ok((value, replayed)) => Done { index, result: Ok(value), replayed, request_id },
            Err(status) => Done { index, result: Err(item_error(&status)), replayed: false, request_id },
        });
    }
    Ok(all)
}

fn too_many_batches() -> Refusal {
    let mut refusal = Refusal::new(
        Reason::Overloaded,
        format!(
            "{BATCHES_AT_ONCE} batches are worked on already; nothing of this one was done, send it again in a moment"
        ),
        format!("正在处理的批次已达 {BATCHES_AT_ONCE} 个；本批未执行，请稍后重新发送"),
    );
    refusal.retry_after = Some(1);
    refusal
}

/// Until when items are worked on.
fn last_moment(deadline: Instant) -> Instant {
    let now = Instant::now();
    let left = deadline.saturating_duration_since(now);
    now + left.saturating_sub(FOR_THE_ANSWER.min(left / 2))
}

/// Why no further item is tried, if there is a reason.
fn obstacle(call: &Call, ends: Option<Instant>) -> Option<Refusal> {
    if *call.inner.stopping.borrow() {
        return Some(server_stopping());
    }
    if ends.is_none_or(|ends| Instant::now() < ends) {
        return None;
    }
    let mut refusal = Refusal::new(
        Reason::Overloaded,
        "the time of the call was over before this item: nothing of it was done; send the batch again with the same request_id, or fewer at once",
        "处理到此条之前请求时间已用完：此条未执行；请用相同的 request_id 重新发送，或减少每批数量",
    );
    refusal.retry_after = Some(1);
    Some(refusal)
}

/// Runs one item; whether it had been done before.
async fn one<M, T>(call: &Call, message: M, kind: &ItemKind<M, T>, ends: Option<Instant>) -> Result<(T, bool), Status>
where
    M: Validate + Message,
{
    let (item, message) = call.item(kind.method, message, kind.key).map_err(|refusal| call.refused(refusal))?;
    let act = (kind.act)(&item, message);
    let done = match ends {
        // What is dropped here is rolled back, or was committed: its key tells which when it is sent again.
        Some(ends) => tokio::time::timeout_at(ends, act).await.unwrap_or_else(|_| Err(cut_off())),
        None => act.await,
    };
    let value = done.map_err(|refusal| item.refused(refusal))?;
    Ok((value, item.was_replayed()))
}

fn cut_off() -> Refusal {
    let mut refusal = Refusal::new(
        Reason::RequestTimeout,
        "the time of the call was over while this item was worked on; send the batch again with the same request_id",
        "处理此条时请求时间已用完；请用相同的 request_id 重新发送",
    );
    refusal.retry_after = Some(1);
    refusal
}

/// A refusal in the form of a batch: what the status of a call alone would have said.
fn item_error(status: &Status) -> v1::ItemError {
    let details = Details::of(status);
    let text = |localized: Option<rpc::LocalizedMessage>, plain: &str| {
        localized.map_or_else(|| plain.to_owned(), |localized| localized.message)
    };
    v1::ItemError {
        code: status.code() as i32,
        reason: Reason::from_str_name(&details.reason).unwrap_or_default().into(),
        detail: text(details.localized, status.message()),
        metadata: details.metadata,
        violations: details
            .violations
            .into_iter()
            .map(|violation| v1::ItemViolation {
                description: text(violation.localized_message, &violation.description),
                field: violation.field,
                reason: violation.reason,
            })
            .collect(),
        retry_after_seconds: details
            .retry_after
            .and_then(|delay| i32::try_from(delay.as_secs()).ok())
            .unwrap_or_default(),
    }
}

/// The batch's own key; its form was checked with the batch.
fn batch_key(request_id: &str) -> Option<Uuid> {
    Uuid::parse_str(request_id).ok()
}

/// The key of an item that brings none: it follows from the batch's key and the item's place, so that the same
/// batch has the same keys whenever it is sent.
fn derived_key(batch: Uuid, method: Method, index: i32) -> Uuid {
    let mut hasher = Sha256::new();
    hasher.update(batch.as_bytes());
    hasher.update(method.full_name());
    hasher.update(index.to_be_bytes());
    let digest = hasher.finalize();
    let bytes = digest.first_chunk::<16>().copied().unwrap_or_default();
    Builder::from_custom_bytes(bytes).into_uuid()
}

fn count<T>(done: &[Done<T>], succeeded: bool) -> i32 {
    let found = done.iter().filter(|done| done.result.is_ok() == succeeded).count();
    i32::try_from(found).unwrap_or(i32::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_keys_of_items_follow_from_batch_and_place() {
        let (batch, other) = (Uuid::from_u128(1), Uuid::from_u128(2));
        let create = Method::ClaimServiceCreateClaim;
        let first = derived_key(batch, create, 0);
        assert_eq!(first, derived_key(batch, create, 0));
        let others = [
            derived_key(batch, create, 1),
            derived_key(other, create, 0),
            derived_key(batch, Method::ClaimServiceSubmitClaim, 0),
        ];
        assert!(!others.contains(&first));
        assert_eq!(first.get_version_num(), 8, "no key of a caller's is made like this");
    }

    #[test]
    fn an_item_says_what_the_call_alone_would_have_said() {
        let refusal = Refusal::field("claim.vin", "BAD", "not a VIN", "不是 VIN").with("resource", "claims/1");
        let error = item_error(&refusal.status(recourse_domain::text::Lang::ZhCn));
        assert_eq!((error.code(), error.reason()), (rpc::Code::InvalidArgument, Reason::InvalidFields));
        assert_eq!(error.detail, "claim.vin：不是 VIN");
        assert_eq!(error.metadata.get("resource").map(String::as_str), Some("claims/1"));
        let violation = &error.violations[0];
        assert_eq!(
            (violation.field.as_str(), violation.reason.as_str(), violation.description.as_str()),
            ("claim.vin", "BAD", "不是 VIN")
        );
        assert_eq!(error.retry_after_seconds, 0);
        assert_eq!(item_error(&cut_off().status(recourse_domain::text::Lang::En)).retry_after_seconds, 1);
    }
}
