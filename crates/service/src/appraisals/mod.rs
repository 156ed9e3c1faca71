//! Appraisals: ordered by an auditor, worked on by an appraiser, decided by the manufacturer.

mod deciding;
mod ordering;
mod reading;
mod sight;
mod working;

use recourse_domain::access::{Permit, Scope};
use recourse_domain::appraisals::{Appraisal, AppraisalError, Verb};
use recourse_domain::catalog::{Appraiser, Stored};
use recourse_domain::change::Audience;
use recourse_domain::ids::OrgId;
use recourse_proto::redact::Redact;
use recourse_proto::v1;
use recourse_proto::v1::appraisal_service_server::AppraisalService;
use recourse_proto::v1::error_reason::Code as Reason;
use recourse_repository::{StoreError, Tx};

use crate::context::{Boxed, Call};
use crate::convert::{self, appraisals as convert_appraisals, names};
use crate::error::{Answer, Refusal};
use crate::rpcs::rpcs;

pub(crate) use sight::{end_access, share_claim};

/// Name of the collection.
const COLLECTION: &str = "appraisals";

rpcs! {
    AppraisalService
    commands {
    create_appraisal CreateAppraisalRequest -> Appraisal, AppraisalServiceCreateAppraisal = ordering::create;
    accept_appraisal AcceptAppraisalRequest -> Appraisal, AppraisalServiceAcceptAppraisal = working::accept;
    decline_appraisal AppraisalNoteRequest -> Appraisal, AppraisalServiceDeclineAppraisal = working::decline;
    start_appraisal AppraisalStepRequest -> Appraisal, AppraisalServiceStartAppraisal = working::start;
    request_appraisal_information AppraisalNoteRequest -> Appraisal,
        AppraisalServiceRequestAppraisalInformation = working::request_information;
    provide_appraisal_information AppraisalNoteRequest -> Appraisal,
        AppraisalServiceProvideAppraisalInformation = working::provide_information;
    share_appraisal_draft ShareAppraisalDraftRequest -> Appraisal,
        AppraisalServiceShareAppraisalDraft = working::share_draft;
    comment_appraisal AppraisalNoteRequest -> Appraisal, AppraisalServiceCommentAppraisal = working::comment;
    object_to_appraisal AppraisalNoteRequest -> Appraisal, AppraisalServiceObjectToAppraisal = working::object;
    conclude_appraisal ConcludeAppraisalRequest -> Appraisal, AppraisalServiceConcludeAppraisal = working::conclude;
    decide_liability DecideLiabilityRequest -> Appraisal, AppraisalServiceDecideLiability = deciding::decide_liability;
    finalize_appraisal AppraisalStepRequest -> Appraisal, AppraisalServiceFinalizeAppraisal = deciding::finalize;
    cancel_appraisal AppraisalNoteRequest -> Appraisal, AppraisalServiceCancelAppraisal = deciding::cancel;
    reassign_appraisal ReassignAppraisalRequest -> Appraisal, AppraisalServiceReassignAppraisal = ordering::reassign;
    supersede_appraisal ReassignAppraisalRequest -> Appraisal, AppraisalServiceSupersedeAppraisal = ordering::supersede;
    }
    readings {
    get_appraisal GetAppraisalRequest -> Appraisal, AppraisalServiceGetAppraisal = reading::get;
    list_appraisals ListAppraisalsRequest -> ListAppraisalsResponse, AppraisalServiceListAppraisals = reading::list;
    get_evidence_pack GetEvidencePackRequest -> EvidencePack, AppraisalServiceGetEvidencePack = reading::pack;
    verify_appraisal VerifyAppraisalRequest -> VerifyAppraisalResponse,
        AppraisalServiceVerifyAppraisal = reading::verify;
    }
}

/// The appraisal as the caller may see it.
fn shown(call: &Call, stored: &Stored<Appraisal>) -> Answer<v1::Appraisal> {
    let actor = call.actor()?;
    let mut message = convert_appraisals::show(stored, |org| actor.orgs.contains(&org));
    let party = actor.orgs.iter().any(|org| stored.value.party(*org).is_some());
    message.redact(&call.viewer(party));
    Ok(message)
}

/// The appraisal of a public name for a command: within reach, and as the caller read it.
async fn found(tx: &mut Tx<'_>, scope: &Scope, name: &str, etag: &str) -> Answer<Stored<Appraisal>> {
    let id = names::uuid_in(name, COLLECTION)?;
    let stored = tx.appraisal(scope, id).await?.ok_or_else(|| Refusal::not_found(name))?;
    convert::check_etag(etag, stored.version, name)?;
    Ok(stored)
}

/// The record of an appraisal's organisation.
async fn appraiser_of(tx: &mut Tx<'_>, call: &Call, appraisal: &Appraisal) -> Answer<Appraiser> {
    let found = tx.record_by_id::<Appraiser>(&call.everything()?, appraisal.appraiser.0).await?;
    let missing =
        || Refusal::fault(format!("appraiser {} of appraisal {} is missing", appraisal.appraiser, appraisal.id));
    Ok(found.ok_or_else(missing)?.value)
}

/// Writes the next version of an appraisal with its change row.
async fn saved(
    tx: &mut Tx<'_>,
    call: &Call,
    permit: &Permit,
    before: &Stored<Appraisal>,
    appraisal: Appraisal,
    verb: Verb,
) -> Answer<Stored<Appraisal>> {
    let name = convert_appraisals::named(appraisal.id.0);
    let paths = paths(verb).iter().map(|path| (*path).to_owned()).collect();
    let note = call.note(verb.word(), name.clone(), COLLECTION, paths, &audience(&appraisal));
    tx.update_appraisal(permit, before, appraisal, note).await.map_err(|error| match error {
        StoreError::Stale => Refusal::stale(&name),
        StoreError::AlreadyExists { what } if what.contains("open_claim_id") => already_open(&name),
        other => other.into(),
    })
}

/// Which fields a verb changes.
fn paths(verb: Verb) -> &'static [&'static str] {
    match verb {
        Verb::Accept => &["state", "expert"],
        Verb::Start | Verb::Supersede => &["state"],
        Verb::Finalize => &["state", "fee_date"],
        Verb::Decline | Verb::Cancel | Verb::Reassign => &["state", "reason"],
        Verb::RequestInformation | Verb::ProvideInformation => &["state", "pauses", "due_time"],
        Verb::ShareDraft => &["state", "draft"],
        Verb::Comment | Verb::Object => &["remarks"],
        Verb::Conclude => &["state", "conclusion", "fee"],
        Verb::DecideLiability => &["liability"],
        Verb::EndAccess => &["access_end_time"],
    }
}

/// Who may follow the changes of an appraisal: the appraiser, the station, and suppliers once they see a draft.
fn audience(appraisal: &Appraisal) -> Audience {
    let mut orgs = vec![appraisal.station];
    orgs.push(appraisal.appraiser);
    if appraisal.draft.is_some() {
        orgs.extend(suppliers(appraisal));
    }
    Audience::Organizations(orgs)
}

fn suppliers(appraisal: &Appraisal) -> impl Iterator<Item = OrgId> {
    appraisal.suppliers.iter().map(|(org, _)| *org)
}

/// A step that the appraisal does not allow.
fn refused(name: &str, error: AppraisalError) -> Refusal {
    match error {
        AppraisalError::WrongState { verb, state } => {
            let possible: Vec<&str> = verb.from().iter().map(|state| state.word()).collect();
            let possible = possible.join(", ");
            Refusal::new(
                Reason::StateConflict,
                format!("the appraisal is {}; {} is possible in {possible}", state.word(), verb.word()),
                format!("鉴定状态为 {}；{} 仅可在 {possible} 状态执行", state.word(), verb.word()),
            )
            .with("resource", name)
            .with("state", state.word())
            .with("verb", verb.word())
        }
        AppraisalError::Invalid(found) => Refusal::invalid(found),
        AppraisalError::LiabilityMissing => Refusal::new(
            Reason::StateConflict,
            "liability is not decided yet; decide it with decideLiability first",
            "尚未作出责任判定；请先执行 decideLiability",
        )
        .with("resource", name),
        AppraisalError::LevelTooLow { fee } => Refusal::new(
            Reason::NotPermitted,
            format!("the fee of {fee} would be owed, which is beyond your level of approval; leave it to a colleague of a higher one"),
            format!("定稿后应付鉴定费 {fee}，超出您的批准级别；请由更高级别的审核员处理"),
        )
        .with("resource", name),
    }
}

fn already_open(name: &str) -> Refusal {
    Refusal::new(
        Reason::StateConflict,
        "another appraisal of this claim is open; wait until it ends, or reassign it",
        "该索赔单已有进行中的鉴定；请等待其结束，或改派",
    )
    .with("resource", name)
}

/// Answers a repeated command from the appraisal's present state.
fn replay(call: &Call, name: String) -> Boxed<'_, Answer<v1::Appraisal>> {
    Box::pin(async move { reading::get(call, v1::GetAppraisalRequest { name }).await })
}
