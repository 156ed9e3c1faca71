//! The supplier's side: its answers, its time, its silence; and what is recorded on its behalf.

use std::collections::BTreeMap;

use recourse_domain::access::{Act, Permit, Role};
use recourse_domain::catalog::Stored;
use recourse_domain::ids::OrgId;
use recourse_domain::recovery_claims::{LineAnswer, RecoveryClaim, RecoveryError, Verb};
use recourse_proto::{Method, v1};
use recourse_repository::Tx;
use uuid::Uuid;

use super::{COLLECTION, found, moment, refused, replay, saved, shown};
use crate::context::Call;
use crate::convert::recovery_claims::{named, read_answers, read_missing_things};
use crate::convert::{self, names};
use crate::error::{Answer, Refusal};

/// A step on one recovery claim that needs nothing but itself.
pub(super) async fn step(
    call: &Call,
    (name, etag): (&str, &str),
    verb: Verb,
    leave: impl Fn(&RecoveryClaim) -> Answer<Act> + Send + Sync,
    act: impl Fn(RecoveryClaim, &Permit) -> Result<RecoveryClaim, RecoveryError> + Send + Sync,
) -> Answer<v1::RecoveryClaim> {
    let (leave, act) = (&leave, &act);
    call.run(
        false,
        |tx| {
            Box::pin(async move {
                let stored = found(tx, call, name, etag).await?;
                let permit = call.permit(leave(&stored.value)?)?;
                let next = act(stored.value.clone(), &permit).map_err(|error| refused(name, error))?;
                let stored = saved(tx, call, &permit, &stored, next, verb).await?;
                Ok((name.to_owned(), shown(call, &stored)?))
            })
        },
        |name| replay(call, name),
    )
    .await
}

/// The supplier that is asked; without one nobody can answer.
fn asked(recovery: &RecoveryClaim) -> OrgId {
    recovery.supplier.as_ref().map_or(OrgId::EVERYONE, |liable| liable.org)
}

/// Who may keep the clock: the supplier says that something is missing, the manufacturer says both.
fn keeper(call: &Call, recovery: &RecoveryClaim) -> Answer<Act> {
    let supplier = asked(recovery);
    let own = call.actor()?.has(Role::Supplier);
    Ok(if own { Act::AnswerRecovery { supplier } } else { Act::HandleRecovery })
}

/// Records the proof that the supplier received it.
pub(super) async fn record_delivery(
    call: &Call,
    request: v1::RecordRecoveryDeliveryRequest,
) -> Answer<v1::RecoveryClaim> {
    let place = (request.name.as_str(), request.etag.as_str());
    step(
        call,
        place,
        Verb::RecordDelivery,
        |_| Ok(Act::HandleRecovery),
        |recovery, _| recovery.record_delivery(request.delivery_proof.clone()),
    )
    .await
}

/// Says that something is missing.
pub(super) async fn pause(call: &Call, request: v1::RecoveryClockRequest) -> Answer<v1::RecoveryClaim> {
    let missing = read_missing_things("missing", &[request.missing]).map_err(Refusal::invalid)?;
    let place = (request.name.as_str(), request.etag.as_str());
    step(
        call,
        place,
        Verb::Pause,
        |recovery| keeper(call, recovery),
        |recovery, _| missing.iter().try_fold(recovery, |recovery, missing| recovery.pause(*missing, call.now)),
    )
    .await
}

/// Says that it is there.
pub(super) async fn resume(call: &Call, request: v1::RecoveryClockRequest) -> Answer<v1::RecoveryClaim> {
    let missing = read_missing_things("missing", &[request.missing]).map_err(Refusal::invalid)?;
    let place = (request.name.as_str(), request.etag.as_str());
    step(
        call,
        place,
        Verb::Resume,
        |_| Ok(Act::HandleRecovery),
        |recovery, _| missing.iter().try_fold(recovery, |recovery, missing| recovery.resume(*missing, call.now)),
    )
    .await
}

/// The supplier answers; or the manufacturer records what it wrote, for a second person to confirm.
pub(super) async fn answer(call: &Call, request: v1::AnswerRecoveryClaimRequest) -> Answer<v1::RecoveryClaim> {
    let answers = read_answers(&request.lines).map_err(Refusal::invalid)?;
    let place = (request.name.as_str(), request.etag.as_str());
    if call.actor()?.has(Role::Supplier) {
        let leave = |recovery: &RecoveryClaim| Ok(Act::AnswerRecovery { supplier: asked(recovery) });
        return step(call, place, Verb::Answer, leave, |recovery, _| recovery.answer(answers.clone(), moment(call)))
            .await;
    }
    if request.letter.trim().is_empty() {
        return Err(Refusal::field(
            "letter",
            "REQUIRED",
            "name the letter in which the supplier answered; a second person confirms the record",
            "请填写供应商答复的函件编号；登记后须由第二人确认",
        ));
    }
    step(
        call,
        place,
        Verb::Answer,
        |_| Ok(Act::HandleRecovery),
        |recovery, permit| {
            recovery.record_answer(answers.clone(), request.letter.clone(), permit.actor().user, call.now)
        },
    )
    .await
}

/// A second person confirms an answer that a colleague recorded.
pub(super) async fn confirm_answer(call: &Call, request: v1::RecoveryStepRequest) -> Answer<v1::RecoveryClaim> {
    convert::require_etag(&request.etag)?;
    let name = request.name.as_str();
    let leave = |recovery: &RecoveryClaim| match &recovery.pending_answer {
        Some(pending) => Ok(Act::ConfirmForColleague { colleague: pending.by }),
        None => Err(refused(name, RecoveryError::NothingToConfirm)),
    };
    let place = (name, request.etag.as_str());
    step(call, place, Verb::ConfirmAnswer, leave, |recovery, _| recovery.confirm_answer(moment(call))).await
}

/// One answer of a batch.
struct Batched<'r> {
    name: &'r str,
    etag: &'r str,
    id: Uuid,
    answers: Vec<(u32, LineAnswer)>,
}

/// A supplier answers many at once: all of them, or none. They are read with one query.
pub(super) async fn batch_answer(
    call: &Call,
    request: v1::BatchAnswerRecoveryClaimsRequest,
) -> Answer<v1::BatchAnswerRecoveryClaimsResponse> {
    let mut batch: Vec<Batched<'_>> = Vec::with_capacity(request.requests.len());
    for (index, one) in request.requests.iter().enumerate() {
        let answers = read_answers(&one.lines).map_err(|found| {
            Refusal::invalid(
                found.into_iter().map(|violation| violation.under(&format!("requests[{index}]"))).collect(),
            )
        })?;
        let id = names::uuid_in(&one.name, COLLECTION)?;
        if batch.iter().any(|earlier| earlier.id == id) {
            let field = format!("requests[{index}].name");
            return Err(Refusal::field(&field, "DUPLICATE", "is in the batch twice", "批次中重复"));
        }
        batch.push(Batched { name: &one.name, etag: &one.etag, id, answers });
    }
    let batch = &batch;
    call.run(
        false,
        |tx| {
            Box::pin(async move {
                let ids: Vec<Uuid> = batch.iter().map(|one| one.id).collect();
                let all = tx.recovery_claims_of_keys(call.scope()?, &ids).await?;
                let mut all: BTreeMap<Uuid, Stored<RecoveryClaim>> =
                    all.into_iter().map(|stored| (stored.id, stored)).collect();
                let mut recovery_claims = Vec::with_capacity(batch.len());
                for one in batch {
                    let stored = all.remove(&one.id).ok_or_else(|| Refusal::not_found(one.name))?;
                    recovery_claims.push(answered(tx, call, one, stored).await?);
                }
                let response = v1::BatchAnswerRecoveryClaimsResponse { recovery_claims };
                Ok((format!("{COLLECTION}:batchAnswer"), response))
            })
        },
        |_| Box::pin(replayed(call, batch)),
    )
    .await
}

async fn answered(
    tx: &mut Tx<'_>,
    call: &Call,
    one: &Batched<'_>,
    stored: Stored<RecoveryClaim>,
) -> Answer<v1::RecoveryClaim> {
    convert::check_etag(one.etag, stored.version, one.name)?;
    let permit = call.permit(Act::AnswerRecovery { supplier: asked(&stored.value) })?;
    let next = stored.value.clone().answer(one.answers.clone(), moment(call));
    let next = next.map_err(|error| refused(one.name, error))?;
    shown(call, &saved(tx, call, &permit, &stored, next, Verb::Answer).await?)
}

/// A repeated batch is answered from the present state of what it names.
async fn replayed(call: &Call, batch: &[Batched<'_>]) -> Answer<v1::BatchAnswerRecoveryClaimsResponse> {
    let mut recovery_claims = Vec::with_capacity(batch.len());
    for one in batch {
        recovery_claims.push(replay(call, one.name.to_owned()).await?);
    }
    Ok(v1::BatchAnswerRecoveryClaimsResponse { recovery_claims })
}

/// Lets a supplier's silence have its consequence.
pub(crate) async fn pass_silence(call: &Call, id: Uuid) -> Answer<()> {
    debug_assert_eq!(call.method, Method::RecoveryServiceGetRecoveryClaim);
    let name = named(id);
    step(
        call,
        (&name, ""),
        Verb::PassSilence,
        |_| Ok(Act::EnforceDeadline),
        |recovery, _| recovery.pass_silence(moment(call)),
    )
    .await
    .map(|_| ())
}
