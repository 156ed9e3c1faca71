//! Appeals against decisions on claims.

use recourse_domain::access::{Act, Right};
use recourse_domain::catalog::Stored;
use recourse_domain::claims::{AppealError, Claim, Review, StateWord, Verb};
use recourse_domain::query::order::Order;
use recourse_domain::query::page::{Key, Keys};
use recourse_proto::redact::Redact;
use recourse_proto::v1::appeal_service_server::AppealService;
use recourse_proto::v1::error_reason::Code as Reason;
use recourse_proto::{Method, v1};
use recourse_repository::{StoreError, Tx};
use tonic::{Request, Response, Status};

use crate::api::Api;
use crate::attachments::unknown_attachments;
use crate::claims::{
    COLLECTION, audience, count_submitted_reading, effects, found_for, post_decision, refused_review, refused_step,
};
use crate::context::{Boxed, Call};
use crate::convert::{self, claims as convert_claims, names};
use crate::error::{Answer, Refusal};
use crate::goodwill_budgets;
use crate::lists::{self, ListInput};
use crate::recovery_claims;
use crate::settings;

#[tonic::async_trait]
impl AppealService for Api {
    async fn create_appeal(&self, request: Request<v1::CreateAppealRequest>) -> Result<Response<v1::Appeal>, Status> {
        let (call, request) =
            Call::command(&self.inner, Method::AppealServiceCreateAppeal, request, |r| &mut r.request_id)?;
        call.answer(create(&call, request).await)
    }

    async fn get_appeal(&self, request: Request<v1::GetAppealRequest>) -> Result<Response<v1::Appeal>, Status> {
        let (call, request) = Call::read(&self.inner, Method::AppealServiceGetAppeal, request)?;
        call.answer(get(&call, &request.name).await)
    }

    async fn list_appeals(
        &self,
        request: Request<v1::ListAppealsRequest>,
    ) -> Result<Response<v1::ListAppealsResponse>, Status> {
        let (call, request) = Call::read(&self.inner, Method::AppealServiceListAppeals, request)?;
        call.answer(list(&call, request).await)
    }

    async fn decide_appeal(&self, request: Request<v1::DecideAppealRequest>) -> Result<Response<v1::Appeal>, Status> {
        let (call, request) =
            Call::command(&self.inner, Method::AppealServiceDecideAppeal, request, |r| &mut r.request_id)?;
        call.answer(decide(&call, request).await)
    }

    async fn withdraw_appeal(
        &self,
        request: Request<v1::WithdrawAppealRequest>,
    ) -> Result<Response<v1::Appeal>, Status> {
        let (call, request) =
            Call::command(&self.inner, Method::AppealServiceWithdrawAppeal, request, |r| &mut r.request_id)?;
        call.answer(withdraw(&call, request).await)
    }
}

/// Appeals against lines of a decision. Nothing that was posted moves: the entries stand until it is decided.
async fn create(call: &Call, request: v1::CreateAppealRequest) -> Answer<v1::Appeal> {
    let new = convert_claims::read_appeal(request.appeal.unwrap_or_default());
    let (parent, new) = (request.parent.as_str(), &new);
    call.run(
        request.validate_only,
        |tx| {
            Box::pin(async move {
                let stored = found_for(tx, call, parent, "").await?;
                let permit = call.permit(Act::SubmitClaim(stored.value.parties()))?;
                let unknown = unknown_attachments(tx, &new.evidence, Some(stored.value.station)).await?;
                Refusal::check(unknown.into_iter().map(|found| found.under("appeal")).collect())?;
                let setting = settings::in_force(tx, call.today()).await?;
                let claim = stored
                    .value
                    .clone()
                    .appeal(new.clone(), permit.actor().author(), call.now, &setting)
                    .map_err(|error| refused(parent, error))?;
                let number = claim.open_appeal().map_or(0, |appeal| appeal.number);
                let changed: &[&str] = match stored.value.escalation {
                    Some(_) => &["appeals", "open_appeal", "escalation"],
                    None => &["appeals", "open_appeal"],
                };
                let saved = Saved { claim, number, verb: Verb::Appeal, changed };
                save(tx, call, &permit, &stored, saved).await
            })
        },
        |name| replay(call, name),
    )
    .await
}

/// Decides the lines under appeal in a further round, and posts what it changes.
async fn decide(call: &Call, request: v1::DecideAppealRequest) -> Answer<v1::Appeal> {
    convert::require_etag(&request.etag)?;
    let verdicts = convert_claims::read_verdicts(&request.line_decisions).map_err(Refusal::invalid)?;
    let review = Review {
        auditor: call.actor()?.user,
        level: call.actor()?.approval_level,
        may_grant_goodwill: call.actor()?.rights.contains(&Right::Goodwill),
        verdicts,
        note: request.note,
        internal_note: request.internal_note,
    };
    let (name, etag, review) = (request.name.as_str(), request.etag.as_str(), &review);
    let (claim_name, number) = parts(name)?;
    let claim_name = claim_name.as_str();
    call.run(
        false,
        |tx| {
            Box::pin(async move {
                let stored = found_for(tx, call, claim_name, etag).await?;
                stored.value.appeal_of(number).ok_or_else(|| Refusal::not_found(name))?;
                let permit = call.permit(Act::DecideAfterColleague(stored.value.parties()))?;
                let setting = settings::in_force(tx, call.today()).await?;
                let claim = stored
                    .value
                    .clone()
                    .decide_appeal(number, review.clone(), call.now, call.today(), &setting)
                    .map_err(|error| refused(name, error))?;
                expect_job_is_free(tx, name, &stored.value, &claim).await?;
                let claim = goodwill_budgets::draw(tx, call, &permit, &setting, &stored.value, claim).await?;
                effects::decide(tx, call, &permit, &claim).await?;
                recovery_claims::after_decision(tx, call, &permit, name, &claim).await?;
                post_decision(tx, call, &permit, &claim).await?;
                // The reading of a claim that came to be approved counts again, and the reverse.
                let (before, after) = (stored.value.state.word(), claim.state.word());
                if before == StateWord::Rejected && after == StateWord::Approved {
                    count_submitted_reading(tx, call, &permit, &claim).await?;
                } else if before == StateWord::Approved && after == StateWord::Rejected {
                    tx.retract_claim_readings(&permit, claim.id).await?;
                }
                let changed = &["appeals", "open_appeal", "decisions", "state", "lines", "totals"];
                let saved = Saved { claim, number, verb: Verb::DecideAppeal, changed };
                save(tx, call, &permit, &stored, saved).await
            })
        },
        |name| replay(call, name),
    )
    .await
}

/// Takes an open appeal back.
async fn withdraw(call: &Call, request: v1::WithdrawAppealRequest) -> Answer<v1::Appeal> {
    let (name, etag) = (request.name.as_str(), request.etag.as_str());
    let (claim_name, number) = parts(name)?;
    let claim_name = claim_name.as_str();
    call.run(
        false,
        |tx| {
            Box::pin(async move {
                let stored = found_for(tx, call, claim_name, etag).await?;
                stored.value.appeal_of(number).ok_or_else(|| Refusal::not_found(name))?;
                let permit = call.permit(Act::SubmitClaim(stored.value.parties()))?;
                let claim = stored
                    .value
                    .clone()
                    .withdraw_appeal(number, permit.actor().user, call.now)
                    .map_err(|error| refused(name, error))?;
                let changed = &["appeals", "open_appeal"];
                let saved = Saved { claim, number, verb: Verb::WithdrawAppeal, changed };
                save(tx, call, &permit, &stored, saved).await
            })
        },
        |name| replay(call, name),
    )
    .await
}

async fn get(call: &Call, name: &str) -> Answer<v1::Appeal> {
    let (claim_name, number) = parts(name)?;
    let stored = stored(call, &claim_name).await?;
    shown(call, &stored, number)?.ok_or_else(|| Refusal::not_found(name))
}

async fn list(call: &Call, request: v1::ListAppealsRequest) -> Answer<v1::ListAppealsResponse> {
    let stored = stored(call, &request.parent).await?;
    let input = ListInput {
        page_size: request.page_size,
        page_token: request.page_token,
        within: request.parent,
        ..ListInput::default()
    };
    let query = lists::query(call, &input, &[], Order::by_number())?;
    let after = match &query.after {
        Some(Keys { value: Key::Number(number), .. }) => *number,
        Some(_) | None => 0,
    };
    let size = usize::try_from(query.page_size).unwrap_or(usize::MAX);
    let mut rest = stored.value.appeals.iter().filter(|appeal| i64::from(appeal.number) > after);
    let mut appeals = Vec::new();
    let mut next = None;
    for appeal in rest.by_ref().take(size) {
        appeals.extend(shown(call, &stored, appeal.number)?);
        next = Some(Keys { value: Key::Number(i64::from(appeal.number)), id: stored.id });
    }
    let next = next.filter(|_| rest.next().is_some());
    Ok(v1::ListAppealsResponse { appeals, next_page_token: lists::next_token(call, &input, next)? })
}

async fn stored(call: &Call, claim_name: &str) -> Answer<Stored<Claim>> {
    let id = names::uuid_in(claim_name, COLLECTION)?;
    call.inner.store.claim(call.scope()?, id).await?.ok_or_else(|| Refusal::not_found(claim_name))
}

/// The claim's name and the appeal's number, of `claims/{id}/appeals/{n}`.
fn parts(name: &str) -> Answer<(String, u32)> {
    let (id, number) = names::child_in(name, COLLECTION, "appeals")?;
    let number = number.parse().map_err(|_| Refusal::not_found(name))?;
    Ok((format!("{COLLECTION}/{id}"), number))
}

/// A claim whose appeal moved.
struct Saved<'s> {
    claim: Claim,
    number: u32,
    verb: Verb,
    changed: &'s [&'s str],
}

async fn save(
    tx: &mut Tx<'_>,
    call: &Call,
    permit: &recourse_domain::access::Permit,
    before: &Stored<Claim>,
    saved: Saved<'_>,
) -> Answer<(String, v1::Appeal)> {
    let Saved { claim, number, verb, changed } = saved;
    let name = claim.appeal_name(number);
    let resource = convert_claims::name(claim.id.0);
    tx.seal(&name, claim.id.0).await;
    let paths = changed.iter().map(|path| (*path).to_owned()).collect();
    let note = call.note(verb.word(), resource.clone(), COLLECTION, paths, &audience(&claim));
    let stored = tx.update_claim(permit, before, claim, note).await.map_err(|error| match error {
        StoreError::Stale => Refusal::stale(&resource),
        // Somebody claims the job at this moment: looked at again, that claim is found.
        StoreError::AlreadyExists { what } if what.contains("open_job_key") => StoreError::Retry.into(),
        other => other.into(),
    })?;
    let message = shown(call, &stored, number)?.ok_or_else(|| Refusal::not_found(&name))?;
    Ok((name, message))
}

/// A rejected claim lets go of its repair order's job, and the station may have claimed that anew: it is not paid
/// twice.
async fn expect_job_is_free(tx: &mut Tx<'_>, name: &str, before: &Claim, after: &Claim) -> Answer<()> {
    if before.state.word().is_live() || !after.state.word().is_live() {
        return Ok(());
    }
    let Some(key) = after.job_key() else { return Ok(()) };
    let Some(other) = tx.claim_of_job(after.id, &key).await? else { return Ok(()) };
    let number = other.number;
    Err(Refusal::new(
        Reason::StateConflict,
        format!(
            "claim {number} of the station claims this job of the repair order since; reject the lines here, or have \
             that claim withdrawn or rejected first"
        ),
        format!("该服务站其后已以索赔单 {number} 申报该工单的此项目；请在此驳回申诉的行，或先撤回或驳回该索赔单"),
    )
    .with("resource", name))
}

fn shown(call: &Call, stored: &Stored<Claim>, number: u32) -> Answer<Option<v1::Appeal>> {
    let Some(appeal) = stored.value.appeal_of(number) else { return Ok(None) };
    let own = call.actor()?.orgs.contains(&stored.value.station);
    let mut message = convert_claims::show_appeal(stored, appeal, call.lang)?;
    message.redact(&call.viewer(own));
    Ok(Some(message))
}

fn replay<'a>(call: &'a Call, name: String) -> Boxed<'a, Answer<v1::Appeal>> {
    Box::pin(async move { get(call, &name).await })
}

fn refused(name: &str, error: AppealError) -> Refusal {
    let text = error.text();
    match error {
        AppealError::Transition(error) => refused_step(name, error),
        AppealError::Lines(violations) => Refusal::invalid(violations),
        AppealError::Review(error) => refused_review(name, error),
        AppealError::SameAuditor => Refusal::new(Reason::SamePerson, text.en, text.zh_cn).with("resource", name),
        AppealError::LevelTooLow => Refusal::new(Reason::NotPermitted, text.en, text.zh_cn).with("resource", name),
        AppealError::TooLate { .. } | AppealError::OpenAlready { .. } | AppealError::NotOpen => {
            Refusal::new(Reason::StateConflict, text.en, text.zh_cn).with("resource", name)
        }
    }
}
