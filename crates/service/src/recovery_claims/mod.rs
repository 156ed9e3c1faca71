//! Recovery claims: what suppliers are asked to bear, what they answer, and what stands.

mod answering;
mod arising;
mod deciding;
mod reading;

use recourse_domain::access::Permit;
use recourse_domain::catalog::Stored;
use recourse_domain::change::Audience;
use recourse_domain::ledger::Entry;
use recourse_domain::posting_rules;
use recourse_domain::recovery_claims::{Moment, RecoveryClaim, RecoveryError, Unresolved, Verb};
use recourse_proto::redact::Redact;
use recourse_proto::v1;
use recourse_proto::v1::error_reason::Code as Reason;
use recourse_proto::v1::recovery_service_server::RecoveryService;
use recourse_repository::{StoreError, Tx};

use crate::context::{Boxed, Call};
use crate::convert::{self, names, recovery_claims as convert_recoveries};
use crate::error::{Answer, Refusal};
use crate::rpcs::rpcs;

pub(crate) use answering::pass_silence;
pub(crate) use arising::{after_decision, facts_of};

/// Name of the collection.
const COLLECTION: &str = "recoveryClaims";

rpcs! {
    RecoveryService
    commands {
    assign_recovery_claim AssignRecoveryClaimRequest -> RecoveryClaim,
        RecoveryServiceAssignRecoveryClaim = deciding::assign;
    issue_recovery_claim IssueRecoveryClaimRequest -> RecoveryClaim, RecoveryServiceIssueRecoveryClaim = deciding::issue;
    record_recovery_delivery RecordRecoveryDeliveryRequest -> RecoveryClaim,
        RecoveryServiceRecordRecoveryDelivery = answering::record_delivery;
    pause_recovery_claim RecoveryClockRequest -> RecoveryClaim, RecoveryServicePauseRecoveryClaim = answering::pause;
    resume_recovery_claim RecoveryClockRequest -> RecoveryClaim, RecoveryServiceResumeRecoveryClaim = answering::resume;
    answer_recovery_claim AnswerRecoveryClaimRequest -> RecoveryClaim,
        RecoveryServiceAnswerRecoveryClaim = answering::answer;
    confirm_recovery_answer RecoveryStepRequest -> RecoveryClaim,
        RecoveryServiceConfirmRecoveryAnswer = answering::confirm_answer;
    batch_answer_recovery_claims BatchAnswerRecoveryClaimsRequest -> BatchAnswerRecoveryClaimsResponse,
        RecoveryServiceBatchAnswerRecoveryClaims = answering::batch_answer;
    resolve_recovery_claim ResolveRecoveryClaimRequest -> RecoveryClaim,
        RecoveryServiceResolveRecoveryClaim = deciding::resolve;
    waive_recovery_claim WaiveRecoveryClaimRequest -> RecoveryClaim, RecoveryServiceWaiveRecoveryClaim = deciding::waive;
    confirm_recovery_waiver RecoveryStepRequest -> RecoveryClaim,
        RecoveryServiceConfirmRecoveryWaiver = deciding::confirm_waiver;
    }
    readings {
    get_recovery_claim GetRecoveryClaimRequest -> RecoveryClaim, RecoveryServiceGetRecoveryClaim = reading::get;
    list_recovery_claims ListRecoveryClaimsRequest -> ListRecoveryClaimsResponse,
        RecoveryServiceListRecoveryClaims = reading::list;
    }
}

/// The recovery claim as the caller may see it.
fn shown(call: &Call, stored: &Stored<RecoveryClaim>) -> Answer<v1::RecoveryClaim> {
    let actor = call.actor()?;
    let own = stored.value.supplier.as_ref().is_some_and(|liable| actor.orgs.contains(&liable.org));
    let mut message = convert_recoveries::show(stored, call.now)?;
    message.redact(&call.viewer(own));
    Ok(message)
}

/// The recovery claim of a public name for a command: within reach, and as the caller read it.
async fn found(tx: &mut Tx<'_>, call: &Call, name: &str, etag: &str) -> Answer<Stored<RecoveryClaim>> {
    let id = names::uuid_in(name, COLLECTION)?;
    let stored = tx.recovery_claim(call.scope()?, id).await?.ok_or_else(|| Refusal::not_found(name))?;
    convert::check_etag(etag, stored.version, name)?;
    Ok(stored)
}

/// Writes the next version of a recovery claim; recoveries of the same supplier that arose after it have more of the
/// contract left, or less, when it takes another part of it.
async fn saved(
    tx: &mut Tx<'_>,
    call: &Call,
    permit: &Permit,
    before: &Stored<RecoveryClaim>,
    recovery: RecoveryClaim,
    verb: Verb,
) -> Answer<Stored<RecoveryClaim>> {
    let moves = recovery.supplier.is_some() && before.value.takes()? != recovery.takes()?;
    let stored = written(tx, call, permit, before, recovery, verb).await?;
    if moves {
        follow_siblings(tx, call, permit, &stored.value).await?;
    }
    Ok(stored)
}

/// Lets the later recoveries of the same claim and supplier follow what one of them takes of the contract.
async fn follow_siblings(tx: &mut Tx<'_>, call: &Call, permit: &Permit, moved: &RecoveryClaim) -> Answer<()> {
    let everything = call.everything()?;
    let mut all = tx.recoveries_of_claims(&everything, &[moved.claim]).await?;
    if !all.iter().any(|stored| stored.value.comes_after(moved)) {
        return Ok(());
    }
    let claim = tx.claim(&everything, moved.claim.0).await?;
    let claim = claim.ok_or_else(|| Refusal::fault(format!("claim {} of {} is missing", moved.claim, moved.id)))?;
    all.sort_by_key(|stored| (stored.value.arise_time, stored.value.id));
    let mut earlier: Vec<RecoveryClaim> = Vec::with_capacity(all.len());
    for stored in all {
        let mut recovery = stored.value.clone();
        if recovery.comes_after(moved) {
            let name = convert_recoveries::named(stored.id);
            let adjusted = recovery.beside(&earlier)?.adjust(&claim.value, moment(call));
            recovery = adjusted.map_err(|error| refused(&name, error))?;
            if recovery != stored.value {
                written(tx, call, permit, &stored, recovery.clone(), Verb::Adjust).await?;
            }
        }
        earlier.push(recovery);
    }
    Ok(())
}

/// Writes the next version of a recovery claim with its change row, and posts what it noted to be posted.
async fn written(
    tx: &mut Tx<'_>,
    call: &Call,
    permit: &Permit,
    before: &Stored<RecoveryClaim>,
    recovery: RecoveryClaim,
    verb: Verb,
) -> Answer<Stored<RecoveryClaim>> {
    let name = convert_recoveries::named(recovery.id.0);
    for posted in recovery.postings.iter().skip(before.value.postings.len()) {
        let Some(proposal) = posting_rules::recovery_posted(&recovery, posted)? else { continue };
        let actor = permit.actor();
        let entry = Entry::of(proposal, call.new_id(), call.now, actor.user, actor.org)
            .map_err(|error| Refusal::fault(format!("posting of {name}: {error}")))?;
        tx.insert_entry(permit, &entry).await.map_err(|error| match error {
            // Its cause is the next posting of this version: somebody else moved the same version first.
            StoreError::AlreadyExists { .. } => Refusal::stale(&name),
            other => other.into(),
        })?;
    }
    let paths = paths(verb).iter().map(|path| (*path).to_owned()).collect();
    let note = call.note(verb.word(), name.clone(), COLLECTION, paths, &audience(&recovery));
    tx.update_recovery_claim(permit, before, recovery, note).await.map_err(|error| Refusal::unless_stale(error, &name))
}

/// Which fields a verb changes.
fn paths(verb: Verb) -> &'static [&'static str] {
    match verb {
        Verb::Assign => &["state", "supplier", "share_bp", "lines", "total"],
        Verb::Issue => &["state", "issue_time", "answer_due_time", "pauses"],
        Verb::RecordDelivery => &["delivery_proof"],
        Verb::Pause | Verb::Resume => &["pauses", "answer_due_time"],
        Verb::Answer | Verb::ConfirmAnswer | Verb::Resolve => &["state", "lines", "confirmed_total"],
        Verb::PassSilence => &["state", "lines", "confirmed_total", "escalated"],
        Verb::Waive => &["waiver"],
        Verb::ConfirmWaiver => &["state", "waiver"],
        Verb::Adjust => &["state", "lines", "total", "confirmed_total"],
    }
}

/// Who may follow its changes: its supplier, once it is issued.
fn audience(recovery: &RecoveryClaim) -> Audience {
    match (&recovery.issue, &recovery.supplier) {
        (Some(_), Some(liable)) => Audience::Organizations(vec![liable.org]),
        (None, _) | (_, None) => Audience::Oem,
    }
}

/// When the call happens.
fn moment(call: &Call) -> Moment {
    Moment { now: call.now, today: call.today() }
}

/// A step that the recovery claim does not allow.
fn refused(name: &str, error: RecoveryError) -> Refusal {
    let conflict = |en: &str, zh: &str| Refusal::new(Reason::StateConflict, en, zh).with("resource", name);
    match error {
        RecoveryError::WrongState { verb, state } => {
            let possible: Vec<&str> = verb.from().iter().map(|state| state.word()).collect();
            let possible = possible.join(", ");
            Refusal::new(
                Reason::StateConflict,
                format!("the recovery claim is {}; {} is possible in {possible}", state.word(), verb.word()),
                format!("追偿单状态为 {}；{} 仅可在 {possible} 状态执行", state.word(), verb.word()),
            )
            .with("resource", name)
            .with("state", state.word())
            .with("verb", verb.word())
        }
        RecoveryError::Invalid(found) => Refusal::invalid(found),
        RecoveryError::NotChargeable(why) => not_chargeable(why),
        RecoveryError::NothingToConfirm => conflict(
            "nothing waits for a second person; a colleague records an answer, or asks for a waiver, first",
            "没有待第二人确认的内容；请先由同事登记答复或申请豁免",
        ),
        RecoveryError::NotDue => conflict(
            "the supplier has neither answered nor let its time pass; wait for its answer, or record its letter",
            "供应商尚未答复，且答复期限未到；请等待答复，或登记其函件答复",
        ),
        RecoveryError::Money(error) => error.into(),
    }
}

fn not_chargeable(why: Unresolved) -> Refusal {
    let (en, zh) = match why {
        Unresolved::NoSupplier => ("the supplier does not exist or is retired", "供应商不存在或已停用"),
        Unresolved::SeveralSuppliers => ("several suppliers can have made the piece", "可能有多家供应商"),
        Unresolved::NoShareAgreement => ("no share agreement is in force", "没有生效的份额协议"),
        Unresolved::NoContract => (
            "the supplier has no recovery contract for this part on the repair date; add it to the supplier first",
            "维修日该供应商对此零件没有追偿合同；请先在供应商资料中补充",
        ),
        Unresolved::OtherCurrency => (
            "the supplier's currency is not the claim's, and no exchange rate is in force on the repair date; create one first",
            "供应商币种与索赔单币种不同，且维修日没有生效的汇率；请先建立汇率",
        ),
    };
    Refusal::field("supplier", "NOT_CHARGEABLE", en, zh)
}

/// Answers a repeated command from the recovery claim's present state.
fn replay(call: &Call, name: String) -> Boxed<'_, Answer<v1::RecoveryClaim>> {
    Box::pin(async move { reading::get(call, v1::GetRecoveryClaimRequest { name }).await })
}
