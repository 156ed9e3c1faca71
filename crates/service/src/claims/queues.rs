//! How auditors share the claims of a queue: taking the next one, giving one back, handing one over.

use recourse_domain::access::{Act, Permit, Role};
use recourse_domain::catalog::{ReviewQueue, Stored};
use recourse_domain::claims::{Assignee, Assignment, Claim, Verb};
use recourse_domain::ids::{Code, UserId};
use recourse_domain::text::Violation;
use recourse_proto::v1::claim_queue_service_server::ClaimQueueService;
use recourse_proto::{Method, v1};
use recourse_repository::{StoreError, Tx};
use tonic::{Request, Response, Status};

use super::{COLLECTION, audience, found_for, refused_step, replay, shown};
use crate::api::Api;
use crate::catalog;
use crate::context::Call;
use crate::convert::{Reader, claims as convert_claims};
use crate::error::{Answer, Refusal};

const QUEUES: &str = "reviewQueues";

#[tonic::async_trait]
impl ClaimQueueService for Api {
    async fn take_next_claim(
        &self,
        request: Request<v1::TakeNextClaimRequest>,
    ) -> Result<Response<v1::TakeNextClaimResponse>, Status> {
        let (call, request) =
            Call::command(&self.inner, Method::ClaimQueueServiceTakeNextClaim, request, |r| &mut r.request_id)?;
        call.answer(take_next(&call, request).await)
    }

    async fn release_review(&self, request: Request<v1::ReleaseReviewRequest>) -> Result<Response<v1::Claim>, Status> {
        let (call, request) =
            Call::command(&self.inner, Method::ClaimQueueServiceReleaseReview, request, |r| &mut r.request_id)?;
        call.answer(release(&call, request).await)
    }

    async fn reassign_claim(&self, request: Request<v1::ReassignClaimRequest>) -> Result<Response<v1::Claim>, Status> {
        let (call, request) =
            Call::command(&self.inner, Method::ClaimQueueServiceReassignClaim, request, |r| &mut r.request_id)?;
        call.answer(reassign(&call, request).await)
    }
}

/// Takes the claim of a queue that is due first into the caller's review.
///
/// On PostgreSQL a claim that another auditor is just taking is locked, and passed over; whatever meets
/// nevertheless is seen by the claim's version, and the command looks again.
async fn take_next(call: &Call, request: v1::TakeNextClaimRequest) -> Answer<v1::TakeNextClaimResponse> {
    let mut reader = Reader::default();
    let queue = reader.named("queue", QUEUES, &request.queue);
    let queue = reader.finish(queue).map_err(Refusal::invalid)?;
    let queue = &queue;
    call.run(
        false,
        |tx| {
            Box::pin(async move {
                known_queue(tx, call, queue.as_ref()).await?;
                let user = call.actor()?.user;
                let Some(stored) = tx.next_in_queue(call.scope()?, queue.as_ref(), user).await? else {
                    return Ok((String::new(), v1::TakeNextClaimResponse { claim: None }));
                };
                let permit = call.permit(Act::DecideClaim(stored.value.parties()))?;
                let name = convert_claims::name(stored.id);
                let claim =
                    stored.value.clone().start_review(user, call.now).map_err(|error| refused_step(&name, error))?;
                let taken = saved(tx, call, &permit, &stored, claim, (Verb::StartReview, &["state", "auditor"])).await;
                let taken = taken.map_err(Refusal::unless_overtaken)?;
                Ok((name, v1::TakeNextClaimResponse { claim: Some(shown(call, &taken)?) }))
            })
        },
        |name| {
            Box::pin(async move {
                let claim = if name.is_empty() { None } else { Some(replay(call, name).await?) };
                Ok(v1::TakeNextClaimResponse { claim })
            })
        },
    )
    .await
}

/// Gives a claim in the caller's review back to its queue.
async fn release(call: &Call, request: v1::ReleaseReviewRequest) -> Answer<v1::Claim> {
    let (name, etag) = (request.name.as_str(), request.etag.as_str());
    call.run(
        false,
        |tx| {
            Box::pin(async move {
                let stored = found_for(tx, call, name, etag).await?;
                let permit = call.permit(Act::DecideClaim(stored.value.parties()))?;
                let claim = stored
                    .value
                    .clone()
                    .release_review(permit.actor().user)
                    .map_err(|error| refused_step(name, error))?;
                let released =
                    saved(tx, call, &permit, &stored, claim, (Verb::ReleaseReview, &["state", "auditor"])).await;
                let released = released.map_err(|error| Refusal::unless_stale(error, name))?;
                Ok((name.to_owned(), shown(call, &released)?))
            })
        },
        |name| replay(call, name),
    )
    .await
}

/// Hands a claim to another auditor, or puts it into another queue.
async fn reassign(call: &Call, request: v1::ReassignClaimRequest) -> Answer<v1::Claim> {
    let v1::ReassignClaimRequest { name, etag, request_id: _, auditor, queue, note } = request;
    let mut reader = Reader::default();
    let auditor = reader.named_id("auditor", "users", &auditor).map(UserId);
    let queue = reader.named("queue", QUEUES, &queue);
    if auditor.is_some() == queue.is_some() {
        reader.refuse(Violation::new(
            "auditor",
            "EITHER_OR",
            "name either the auditor who shall review it or the queue where it shall wait",
            "请填写接手的审核员或等待的队列，二者择一",
        ));
    }
    let to = auditor.map(Assignee::Auditor).or(queue.map(Assignee::Queue));
    let to = reader.whole(|| to).map_err(Refusal::invalid)?;
    let assignment = Assignment { to, by: call.actor()?.user, note };
    let (name, etag, assignment) = (name.as_str(), etag.as_str(), &assignment);
    call.run(
        false,
        |tx| {
            Box::pin(async move {
                let stored = found_for(tx, call, name, etag).await?;
                let permit = call.permit(Act::DecideClaim(stored.value.parties()))?;
                match &assignment.to {
                    Assignee::Auditor(auditor) => may_decide(tx, call, &stored.value, *auditor).await?,
                    Assignee::Queue(queue) => known_queue(tx, call, Some(queue)).await?,
                }
                let claim = stored
                    .value
                    .clone()
                    .reassign(assignment.clone(), call.now)
                    .map_err(|error| refused_step(name, error))?;
                let paths = &["state", "auditor", "queue", "routing"][..];
                let handed = saved(tx, call, &permit, &stored, claim, (Verb::Reassign, paths)).await;
                let handed = handed.map_err(|error| Refusal::unless_stale(error, name))?;
                Ok((name.to_owned(), shown(call, &handed)?))
            })
        },
        |name| replay(call, name),
    )
    .await
}

async fn saved(
    tx: &mut Tx<'_>,
    call: &Call,
    permit: &Permit,
    stored: &Stored<Claim>,
    claim: Claim,
    (verb, paths): (Verb, &[&str]),
) -> Result<Stored<Claim>, StoreError> {
    let name = convert_claims::name(claim.id.0);
    tx.seal(&name, claim.id.0).await;
    let paths = paths.iter().map(|path| (*path).to_owned()).collect();
    let note = call.note(verb.word(), name, COLLECTION, paths, &audience(&claim));
    tx.update_claim(permit, stored, claim, note).await
}

async fn known_queue(tx: &mut Tx<'_>, call: &Call, queue: Option<&Code>) -> Answer<()> {
    let Some(code) = queue else { return Ok(()) };
    let known = tx.record::<ReviewQueue>(&call.everything()?, code.as_str()).await?;
    // Claims may still wait in a queue that is retired.
    if known.is_some() { Ok(()) } else { Err(Refusal::invalid(vec![catalog::unknown("queue", QUEUES, code.as_str())])) }
}

/// Whoever is given a claim must be one who could decide it.
async fn may_decide(tx: &mut Tx<'_>, call: &Call, claim: &Claim, auditor: UserId) -> Answer<()> {
    if claim.parties().are_claimed_by(auditor) {
        return Err(Refusal::field(
            "auditor",
            "CREATED_THE_CLAIM",
            "this person created, submitted or defended the claim and can't decide it; name another auditor",
            "该人员曾创建、提交此索赔或为其申诉，不能审核；请指定其他审核员",
        ));
    }
    let user = tx.user(&call.everything()?, auditor.0).await?;
    let is_auditor = user.is_some_and(|(stored, _)| {
        let user = stored.value;
        let holds = user.memberships.iter().any(|membership| membership.roles.contains(&Role::Auditor));
        holds && !user.disabled && !user.erased
    });
    if is_auditor {
        return Ok(());
    }
    Err(Refusal::field(
        "auditor",
        "NOT_AN_AUDITOR",
        "there is no active auditor of this name; name one as users/{id}",
        "没有此名称的有效审核员；请以 users/{id} 指定",
    ))
}
