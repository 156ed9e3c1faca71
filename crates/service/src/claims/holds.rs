//! Holding a claim and letting it go on; and what time does to holds, to overdue reviews and to overdue appeals.

use chrono::{DateTime, Days, NaiveDate, Utc};
use recourse_domain::access::Act;
use recourse_domain::catalog::Setting;
use recourse_domain::claims::{Claim, Hold, PauseReason, TransitionError, Verb};
use recourse_proto::v1::claim_hold_service_server::ClaimHoldService;
use recourse_proto::{Method, v1};
use recourse_repository::DueDecision;
use tonic::{Request, Response, Status};
use uuid::Uuid;

use super::review::saved;
use super::{found_for, refused_step, replay};
use crate::api::Api;
use crate::context::Call;
use crate::convert::{Reader, claims as convert_claims};
use crate::error::{Answer, Refusal};
use crate::settings;

/// Claims that are looked at in one go.
const BATCH: u32 = 100;
/// The name under which time acts on claims.
const JOB: &str = "claim-deadlines";
/// What an escalation changes.
const ESCALATION_PATHS: &[&str] = &["escalation", "queue", "routing"];
/// What a hold, and its end, changes.
const HOLD_PATHS: &[&str] =
    &["review_hold", "pauses", "waits_for", "review_due_time", "answer_due_time", "appeal_due_time"];

#[tonic::async_trait]
impl ClaimHoldService for Api {
    async fn hold_claim(&self, request: Request<v1::HoldClaimRequest>) -> Result<Response<v1::Claim>, Status> {
        let (call, request) =
            Call::command(&self.inner, Method::ClaimHoldServiceHoldClaim, request, |r| &mut r.request_id)?;
        call.answer(hold(&call, request).await)
    }

    async fn release_hold(&self, request: Request<v1::ReleaseHoldRequest>) -> Result<Response<v1::Claim>, Status> {
        let (call, request) =
            Call::command(&self.inner, Method::ClaimHoldServiceReleaseHold, request, |r| &mut r.request_id)?;
        call.answer(release(&call, request).await)
    }
}

/// Holds a claim: nobody decides it, and its clocks stand.
async fn hold(call: &Call, request: v1::HoldClaimRequest) -> Answer<v1::Claim> {
    let v1::HoldClaimRequest { name, etag, request_id: _, reason, until_date, internal_note } = request;
    let mut reader = Reader::default();
    let reason = reader.choice("reason", reason, convert_claims::read_pause_reason);
    let until = reader.date("until_date", until_date.as_ref());
    let reason: PauseReason = reader.whole(|| reason).map_err(Refusal::invalid)?;
    if until.is_some_and(|day| day < call.today()) {
        return Err(Refusal::field(
            "until_date",
            "IN_THE_PAST",
            "the last day of a hold is today or later",
            "搁置的最后一天须为今天或以后",
        ));
    }
    let hold = Hold {
        reason,
        hold_time: call.now,
        until,
        end_time: until.map(|day| end_of(call, day)),
        held_by: call.actor()?.user,
        internal_note,
    };
    let held = move |claim: Claim| claim.hold_for(hold.clone());
    step(call, &name, &etag, Verb::Hold, held).await
}

/// Lets a held claim go on.
async fn release(call: &Call, request: v1::ReleaseHoldRequest) -> Answer<v1::Claim> {
    step(call, &request.name, &request.etag, Verb::ReleaseHold, |claim| claim.release_hold(call.now)).await
}

/// The end of a day where the deployment is.
fn end_of(call: &Call, day: NaiveDate) -> DateTime<Utc> {
    let next = day.checked_add_days(Days::new(1));
    next.map_or(DateTime::<Utc>::MAX_UTC, |next| call.inner.zone.start_of(next))
}

async fn step(
    call: &Call,
    name: &str,
    etag: &str,
    verb: Verb,
    step: impl Fn(Claim) -> Result<Claim, TransitionError> + Send + Sync,
) -> Answer<v1::Claim> {
    let step = &step;
    call.run(
        false,
        |tx| {
            Box::pin(async move {
                let stored = found_for(tx, call, name, etag).await?;
                let permit = call.permit(Act::DecideClaim(stored.value.parties()))?;
                let claim = step(stored.value.clone()).map_err(|error| refused_step(name, error))?;
                saved(tx, call, &permit, stored, claim, verb, HOLD_PATHS).await
            })
        },
        |name| replay(call, name),
    )
    .await
}

impl Api {
    /// Ends holds whose last day is over.
    pub(crate) async fn end_holds(&self) -> Answer<()> {
        let job = || Call::job(&self.inner, JOB, Method::ClaimServiceGetClaim);
        let call = job();
        for id in self.inner.store.ended_holds(call.scope()?, call.now, BATCH).await? {
            let call = job();
            let ended = pass(&call, id, (Verb::ReleaseHold, HOLD_PATHS), |claim, _| claim.end_overdue_hold(call.now));
            if let Err(refusal) = ended.await {
                tracing::info!(claim = %id, reason = refusal.text.en, "the hold did not end");
            }
        }
        Ok(())
    }

    /// Escalates decisions that are overdue, on claims and on appeals. The furthest step comes first, so that none is
    /// taken step by step that is due for the last. Only what is due is asked for.
    pub(crate) async fn escalate_decisions(&self) -> Answer<()> {
        let call = Call::job(&self.inner, JOB, Method::ClaimServiceGetClaim);
        let setting = settings::now(&self.inner.store, call.today()).await?;
        let mut steps: Vec<_> = (1_u32..).zip(&setting.escalations).collect();
        steps.reverse();
        for (level, step) in steps {
            for decision in DueDecision::ALL {
                self.escalate_to(&call, decision, (level, step.due_before(call.now))).await?;
            }
        }
        Ok(())
    }

    async fn escalate_to(&self, call: &Call, decision: DueDecision, reached: (u32, DateTime<Utc>)) -> Answer<()> {
        let mut after = None;
        loop {
            let overdue =
                self.inner.store.decisions_to_escalate(call.scope()?, decision, reached, after, BATCH).await?;
            let Some(last) = overdue.last() else { return Ok(()) };
            after = Some(*last);
            for (_, id) in overdue {
                let call = Call::job(&self.inner, JOB, Method::ClaimServiceGetClaim);
                let step = (Verb::Escalate, ESCALATION_PATHS);
                let escalated = pass(&call, id, step, |claim, setting| claim.escalate(call.now, setting));
                match escalated.await {
                    Ok(()) => {}
                    // The store asks for patience: all of it is done again the next time.
                    Err(refusal) if refusal.is_retryable() => return Err(refusal),
                    // Decided in this very moment, or another server was faster: nothing is left to do.
                    Err(refusal) => {
                        tracing::debug!(claim = %id, reason = refusal.text.en, "the decision was not escalated");
                    }
                }
            }
        }
    }
}

/// A step that time takes.
async fn pass(
    call: &Call,
    id: Uuid,
    (verb, paths): (Verb, &[&str]),
    step: impl Fn(Claim, &Setting) -> Result<Claim, TransitionError> + Send + Sync,
) -> Answer<()> {
    let permit = call.permit(Act::EnforceDeadline)?;
    let (permit, step) = (&permit, &step);
    call.run(
        false,
        |tx| {
            Box::pin(async move {
                let name = convert_claims::name(id);
                let stored = tx.claim(call.scope()?, id).await?.ok_or_else(|| Refusal::not_found(&name))?;
                let setting = settings::in_force(tx, call.today()).await?;
                let claim = step(stored.value.clone(), &setting).map_err(|error| refused_step(&name, error))?;
                let (name, _) = saved(tx, call, permit, stored, claim, verb, paths).await?;
                Ok((name, ()))
            })
        },
        |_| Box::pin(async { Ok(()) }),
    )
    .await
}
