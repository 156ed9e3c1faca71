//! Claims: from a station's draft to the decision that stands in the ledger.

mod adjudication;
mod approval;
mod batch;
mod components;
mod copy;
mod draft;
pub(crate) mod effects;
mod evidence;
mod exchange;
mod facts;
mod holds;
mod precheck;
mod queues;
mod reading;
mod review;
mod submit;
mod track;
mod upsert;
mod watch;

use recourse_domain::access::Scope;
use recourse_domain::catalog::{Setting, Stored};
use recourse_domain::change::Audience;
use recourse_domain::claims::{Claim, TransitionError};
use recourse_domain::money::MoneyError;
use recourse_domain::spelling::Normalization;
use recourse_proto::redact::Redact;
use recourse_proto::v1::claim_service_server::ClaimService;
use recourse_proto::v1::error_reason::Code as Reason;
use recourse_proto::{Method, v1};
use recourse_repository::Tx;
use tonic::{Request, Response, Status};

pub(crate) use batch::BATCHES_AT_ONCE;
pub(crate) use review::{post_decision, refused_review, settle_newest};
pub(crate) use submit::count_submitted_reading;

use crate::api::Api;
use crate::context::Call;
use crate::convert::{self, claims as convert_claims, names};
use crate::error::{Answer, Refusal};
use crate::settings;

/// Name of the collection.
pub(crate) const COLLECTION: &str = "claims";

#[tonic::async_trait]
impl ClaimService for Api {
    async fn create_claim(&self, mut request: Request<v1::CreateClaimRequest>) -> Result<Response<v1::Claim>, Status> {
        let said = normalized(&mut request.get_mut().claim);
        let (call, request) =
            Call::command(&self.inner, Method::ClaimServiceCreateClaim, request, |r| &mut r.request_id)?;
        call.answer(draft::create(&call, request).await.map(|claim| saying(&call, claim, &said)))
    }

    async fn get_claim(&self, request: Request<v1::GetClaimRequest>) -> Result<Response<v1::Claim>, Status> {
        let (call, request) = Call::read(&self.inner, Method::ClaimServiceGetClaim, request)?;
        call.answer(reading::get(&call, &request.name).await)
    }

    async fn list_claims(
        &self,
        request: Request<v1::ListClaimsRequest>,
    ) -> Result<Response<v1::ListClaimsResponse>, Status> {
        let (call, request) = Call::read(&self.inner, Method::ClaimServiceListClaims, request)?;
        call.answer(reading::list(&call, request).await)
    }

    async fn update_claim(&self, mut request: Request<v1::UpdateClaimRequest>) -> Result<Response<v1::Claim>, Status> {
        let said = normalized(&mut request.get_mut().claim);
        let (call, request) =
            Call::command(&self.inner, Method::ClaimServiceUpdateClaim, request, |r| &mut r.request_id)?;
        call.answer(upsert::update(&call, request).await.map(|claim| saying(&call, claim, &said)))
    }

    async fn submit_claim(
        &self,
        request: Request<v1::SubmitClaimRequest>,
    ) -> Result<Response<v1::SubmitClaimResponse>, Status> {
        let (call, request) =
            Call::command(&self.inner, Method::ClaimServiceSubmitClaim, request, |r| &mut r.request_id)?;
        call.answer(submit::submit(&call, request).await)
    }

    async fn start_review(&self, request: Request<v1::StartReviewRequest>) -> Result<Response<v1::Claim>, Status> {
        let (call, request) =
            Call::command(&self.inner, Method::ClaimServiceStartReview, request, |r| &mut r.request_id)?;
        call.answer(review::start(&call, request).await)
    }

    async fn adjudicate_claim(
        &self,
        request: Request<v1::AdjudicateClaimRequest>,
    ) -> Result<Response<v1::Claim>, Status> {
        let (call, request) =
            Call::command(&self.inner, Method::ClaimServiceAdjudicateClaim, request, |r| &mut r.request_id)?;
        call.answer(review::adjudicate(&call, request).await)
    }

    async fn approve_decision(
        &self,
        request: Request<v1::ApproveDecisionRequest>,
    ) -> Result<Response<v1::Claim>, Status> {
        let (call, request) =
            Call::command(&self.inner, Method::ClaimServiceApproveDecision, request, |r| &mut r.request_id)?;
        call.answer(approval::approve(&call, request).await)
    }

    async fn decline_decision(
        &self,
        request: Request<v1::DeclineDecisionRequest>,
    ) -> Result<Response<v1::Claim>, Status> {
        let (call, request) =
            Call::command(&self.inner, Method::ClaimServiceDeclineDecision, request, |r| &mut r.request_id)?;
        call.answer(approval::decline(&call, request).await)
    }

    async fn return_claim(&self, request: Request<v1::ReturnClaimRequest>) -> Result<Response<v1::Claim>, Status> {
        let (call, request) =
            Call::command(&self.inner, Method::ClaimServiceReturnClaim, request, |r| &mut r.request_id)?;
        call.answer(review::return_for_correction(&call, request).await)
    }

    async fn withdraw_claim(&self, request: Request<v1::WithdrawClaimRequest>) -> Result<Response<v1::Claim>, Status> {
        let (call, request) =
            Call::command(&self.inner, Method::ClaimServiceWithdrawClaim, request, |r| &mut r.request_id)?;
        call.answer(submit::withdraw(&call, request).await)
    }

    async fn get_claim_revision(
        &self,
        request: Request<v1::GetClaimRevisionRequest>,
    ) -> Result<Response<v1::ClaimRevision>, Status> {
        let (call, request) = Call::read(&self.inner, Method::ClaimServiceGetClaimRevision, request)?;
        call.answer(reading::revision(&call, &request.name).await)
    }

    async fn list_claim_revisions(
        &self,
        request: Request<v1::ListClaimRevisionsRequest>,
    ) -> Result<Response<v1::ListClaimRevisionsResponse>, Status> {
        let (call, request) = Call::read(&self.inner, Method::ClaimServiceListClaimRevisions, request)?;
        call.answer(reading::revisions(&call, request).await)
    }

    async fn diff_claim_revisions(
        &self,
        request: Request<v1::DiffClaimRevisionsRequest>,
    ) -> Result<Response<v1::DiffClaimRevisionsResponse>, Status> {
        let (call, request) = Call::read(&self.inner, Method::ClaimServiceDiffClaimRevisions, request)?;
        call.answer(reading::diff(&call, request).await)
    }

    async fn precheck_claim(
        &self,
        mut request: Request<v1::PrecheckClaimRequest>,
    ) -> Result<Response<v1::PrecheckClaimResponse>, Status> {
        let said = normalized(&mut request.get_mut().claim);
        let (call, request) = Call::read(&self.inner, Method::ClaimServicePrecheckClaim, request)?;
        call.answer(precheck::precheck(&call, request).await.map(|mut answer| {
            answer.claim = answer.claim.map(|claim| saying(&call, claim, &said));
            answer
        }))
    }

    async fn copy_claim(&self, request: Request<v1::CopyClaimRequest>) -> Result<Response<v1::Claim>, Status> {
        let (call, request) =
            Call::command(&self.inner, Method::ClaimServiceCopyClaim, request, |r| &mut r.request_id)?;
        call.answer(copy::copy(&call, request).await)
    }

    async fn record_rescue_track(
        &self,
        request: Request<v1::RecordRescueTrackRequest>,
    ) -> Result<Response<v1::RecordRescueTrackResponse>, Status> {
        let (call, request) =
            Call::command(&self.inner, Method::ClaimServiceRecordRescueTrack, request, |r| &mut r.request_id)?;
        call.answer(track::record(&call, request).await)
    }
}

/// Brings what a station wrote into its one spelling, before anything of it is checked.
fn normalized(claim: &mut Option<v1::Claim>) -> Vec<Normalization> {
    claim.as_mut().map(convert_claims::normalize).unwrap_or_default()
}

/// The answer to a request that had some things spelled otherwise.
fn saying(call: &Call, claim: v1::Claim, said: &[Normalization]) -> v1::Claim {
    v1::Claim { normalizations: convert_claims::show_normalizations(said, call.lang), ..claim }
}

/// The claim as the caller may see it.
fn shown(call: &Call, stored: &Stored<Claim>) -> Answer<v1::Claim> {
    let actor = call.actor()?;
    let mut message = convert_claims::show(stored, call.now, call.lang)?;
    message.redact(&call.viewer(actor.orgs.contains(&stored.value.station)));
    Ok(message)
}

/// The claim of a public name, if the scope reaches it.
async fn found(tx: &mut Tx<'_>, scope: &Scope, name: &str) -> Answer<Stored<Claim>> {
    let id = names::uuid_in(name, COLLECTION)?;
    tx.claim(scope, id).await?.ok_or_else(|| Refusal::not_found(name))
}

/// The claim of a public name for a command: within reach, and as the caller read it.
pub(crate) async fn found_for(tx: &mut Tx<'_>, call: &Call, name: &str, etag: &str) -> Answer<Stored<Claim>> {
    let stored = found(tx, call.scope()?, name).await?;
    convert::check_etag(etag, stored.version, name)?;
    Ok(stored)
}

/// The same, with the setting in force, in one trip to the store.
async fn found_with_setting(tx: &mut Tx<'_>, call: &Call, name: &str, etag: &str) -> Answer<(Stored<Claim>, Setting)> {
    let id = names::uuid_in(name, COLLECTION)?;
    let (scope, everything) = (call.scope()?, settings::lookup_scope()?);
    let mut found = tx.gather(&everything).claim(scope, id).every::<Setting>().read().await?;
    let stored = found.claim()?.ok_or_else(|| Refusal::not_found(name))?;
    convert::check_etag(etag, stored.version, name)?;
    Ok((stored, settings::of(&found.values::<Setting>()?, call.today())))
}

/// Who may follow the changes of a claim: its station, and those that were given sight of it.
pub(crate) fn audience(claim: &Claim) -> Audience {
    let mut orgs = vec![claim.station];
    orgs.extend(&claim.shared_with);
    Audience::Organizations(orgs)
}

/// A step that the claim's state does not allow.
pub(crate) fn refused_step(name: &str, error: TransitionError) -> Refusal {
    let text = error.text();
    let mut refusal = Refusal::new(Reason::StateConflict, text.en, text.zh_cn).with("resource", name);
    if let TransitionError::WrongState { verb, state } = error {
        refusal = refusal.with("state", state.word()).with("verb", verb.word());
    }
    refusal
}

impl From<MoneyError> for Refusal {
    fn from(error: MoneyError) -> Self {
        let text = error.text();
        Refusal::field("claim.lines", "AMOUNT_OUT_OF_RANGE", text.en, text.zh_cn)
    }
}

/// Answers a repeated command from the claim's present state.
fn replay<'a>(call: &'a Call, name: String) -> crate::context::Boxed<'a, Answer<v1::Claim>> {
    Box::pin(async move { reading::get(call, &name).await })
}
