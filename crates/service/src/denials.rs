//! The log of refused attempts: who tried what without leave, and how often.
//!
//! It stands outside of every command's transaction, never slows a call and never fails one: a refusal adds
//! one to a count in memory, and the counts are written together every few seconds. Of a flood of different
//! attempts, those beyond the bound are counted without their names.

use std::collections::HashMap;
use std::future::Future;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use recourse_domain::catalog::FieldKind;
use recourse_domain::ids::UserId;
use recourse_domain::query::order::Order;
use recourse_proto::v1;
use recourse_proto::v1::error_reason::Code as Reason;
use recourse_repository::{DENIAL_FIELDS, DenialRow};

use crate::api::{Api, Inner};
use crate::context::Call;
use crate::convert::timestamp;
use crate::error::{Answer, Refusal};
use crate::lists::{self, ListInput};

/// How often counts are written.
const WRITE: Duration = Duration::from_secs(2);
/// Different attempts that are told apart between two writes.
const MAX_DIFFERENT: usize = 1_000;
/// Rows that are kept at most.
const KEEP: u32 = 200_000;

/// Refused attempts that wait to be written.
#[derive(Default)]
pub(crate) struct Denials {
    waiting: Mutex<HashMap<Attempt, i64>>,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
struct Attempt {
    actor: Option<UserId>,
    rpc: &'static str,
    reason: Reason,
    resource: Option<String>,
}

impl Denials {
    /// Notes a refused attempt.
    pub(crate) fn note(&self, actor: Option<UserId>, rpc: &'static str, reason: Reason, resource: Option<String>) {
        let attempt = Attempt { actor, rpc, reason, resource };
        let mut waiting = self.waiting.lock().unwrap_or_else(PoisonError::into_inner);
        if waiting.len() < MAX_DIFFERENT || waiting.contains_key(&attempt) {
            *waiting.entry(attempt).or_default() += 1;
        } else {
            // Rpcs and reasons are few: this bound has a bound.
            *waiting.entry(Attempt { actor: None, resource: None, ..attempt }).or_default() += 1;
        }
    }

    /// Notes a refusal, if it is one of leave.
    pub(crate) fn note_refusal(&self, actor: Option<UserId>, rpc: &'static str, refusal: &Refusal) {
        if is_denial(refusal.reason) {
            self.note(actor, rpc, refusal.reason, refusal.metadata.get("resource").cloned());
        }
    }

    fn take(&self) -> HashMap<Attempt, i64> {
        std::mem::take(&mut *self.waiting.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

/// Whether a refusal says that somebody tried what is not theirs.
fn is_denial(reason: Reason) -> bool {
    matches!(reason, Reason::RoleNotAllowed | Reason::NotPermitted | Reason::SamePerson)
}

impl Api {
    /// Writes refused attempts until `stop`, and what is left then.
    pub async fn write_denials(self, stop: impl Future<Output = ()> + Send) {
        let mut stop = std::pin::pin!(stop);
        loop {
            tokio::select! {
                () = &mut stop => {
                    self.write_waiting_denials().await;
                    return;
                }
                () = tokio::time::sleep(WRITE) => self.write_waiting_denials().await,
            }
        }
    }

    async fn write_waiting_denials(&self) {
        let now = self.inner.wall.now();
        let rows: Vec<DenialRow> = self
            .inner
            .denials
            .take()
            .into_iter()
            .map(|(attempt, times)| DenialRow {
                id: self.inner.ids.new_id(),
                time: now,
                actor: attempt.actor,
                actor_org: None,
                rpc: attempt.rpc.to_owned(),
                reason: attempt.reason.as_str_name().to_owned(),
                resource: attempt.resource,
                times,
            })
            .collect();
        if let Err(error) = self.inner.store.log_denials(&rows, KEEP).await {
            let lost: i64 = rows.iter().map(|row| row.times).sum();
            tracing::warn!(%error, lost, "refused attempts could not be written");
        }
    }

    /// Notes what stopped a call before its handler: see [`admission`](crate::admission).
    pub fn note_denial(&self, actor: Option<UserId>, rpc: &'static str, refusal: &Refusal) {
        note(&self.inner, actor, rpc, refusal);
    }
}

/// Notes a refusal of the access rule, or of a token that was shown and is not valid.
fn note(inner: &Arc<Inner>, actor: Option<UserId>, rpc: &'static str, refusal: &Refusal) {
    if refusal.reason == Reason::TokenInvalid {
        inner.denials.note(None, rpc, refusal.reason, None);
    } else {
        inner.denials.note_refusal(actor, rpc, refusal);
    }
}

/// A page of refused attempts.
pub(crate) async fn list(call: &Call, request: v1::ListDenialsRequest) -> Answer<v1::ListDenialsResponse> {
    let input = ListInput {
        page_size: request.page_size,
        page_token: request.page_token,
        filter: request.filter,
        order_by: request.order_by,
        ..ListInput::default()
    };
    let order = Order { column: "time", kind: FieldKind::Time, descending: true };
    let query = lists::query(call, &input, DENIAL_FIELDS, order)?;
    let page = call.inner.store.denials(call.scope()?, &query).await?;
    let denials = page
        .items
        .into_iter()
        .map(|row| v1::Denial {
            denial_id: row.id.to_string(),
            denial_time: timestamp(row.time),
            actor: row.actor.map(|actor| format!("users/{actor}")).unwrap_or_default(),
            rpc: row.rpc,
            reason: row.reason,
            resource: row.resource.unwrap_or_default(),
            times: row.times,
        })
        .collect();
    Ok(v1::ListDenialsResponse { denials, next_page_token: lists::next_token(call, &input, page.next)? })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn alike_attempts_are_one_and_a_flood_is_bounded() {
        let denials = Denials::default();
        for _ in 0..3 {
            denials.note(None, "a/B", Reason::NotPermitted, None);
        }
        assert_eq!(denials.take().into_values().collect::<Vec<_>>(), [3]);
        for number in 0..5_000_u128 {
            let actor = UserId(uuid::Uuid::from_u128(number));
            denials.note(Some(actor), "a/B", Reason::NotPermitted, Some(format!("claims/{number}")));
        }
        let taken = denials.take();
        assert_eq!(taken.len(), MAX_DIFFERENT + 1);
        assert_eq!(taken.values().sum::<i64>(), 5_000, "none is lost");
        assert!(denials.take().is_empty());
    }
}
