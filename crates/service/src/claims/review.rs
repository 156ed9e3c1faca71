//! The auditor's side: taking a claim into review, deciding it line by line, returning it for correction.

use recourse_domain::access::{Act, Right};
use recourse_domain::claims::{Claim, Outcome, Returning, Review, ReviewError, Verb};
use recourse_domain::ledger::Entry;
use recourse_domain::posting_rules;
use recourse_proto::v1;
use recourse_proto::v1::error_reason::Code as Reason;
use recourse_repository::{StoreError, Tx};

use super::{COLLECTION, audience, effects, found_for, found_with_setting, refused_step, replay, shown};
use crate::context::Call;
use crate::convert::{self, Reader, claims as convert_claims};
use crate::error::{Answer, Refusal};
use crate::goodwill_budgets;
use crate::recovery_claims;
use recourse_domain::access::Permit;
use recourse_domain::catalog::Stored;

/// Takes a claim into review. Another auditor's claim is taken over, with a change row that says so.
pub(super) async fn start(call: &Call, request: v1::StartReviewRequest) -> Answer<v1::Claim> {
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
                    .start_review(permit.actor().user, call.now)
                    .map_err(|error| refused_step(name, error))?;
                saved(tx, call, &permit, stored, claim, Verb::StartReview, &["state", "auditor"]).await
            })
        },
        |name| replay(call, name),
    )
    .await
}

/// Decides every line of the revision that the auditor read.
///
/// The decision is one round; it posts one balanced entry under its own cause, so neither a retry nor a
/// second server posts it twice. What a rejected claim had marked is undone.
pub(super) async fn adjudicate(call: &Call, request: v1::AdjudicateClaimRequest) -> Answer<v1::Claim> {
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
    call.run(
        false,
        |tx| {
            Box::pin(async move {
                let (stored, setting) = found_with_setting(tx, call, name, etag).await?;
                let permit = call.permit(Act::DecideClaim(stored.value.parties()))?;
                let claim = stored
                    .value
                    .clone()
                    .adjudicate(review.clone(), call.now, call.today(), &setting)
                    .map_err(|error| refused_review(name, error))?;
                let claim = goodwill_budgets::draw(tx, call, &permit, &setting, &stored.value, claim).await?;
                settle_newest(tx, call, &permit, name, &stored.value, &claim).await?;
                let changed = ["state", "decisions", "proposed_decision", "lines", "totals"];
                saved(tx, call, &permit, stored, claim, Verb::Adjudicate, &changed).await
            })
        },
        |name| replay(call, name),
    )
    .await
}

/// Returns a claim to its station for correction, with reasons and a deadline.
pub(super) async fn return_for_correction(call: &Call, request: v1::ReturnClaimRequest) -> Answer<v1::Claim> {
    convert::require_etag(&request.etag)?;
    let mut reader = Reader::default();
    let reasons = convert_claims::read_reasons(&mut reader, "reasons", &request.reasons);
    let reasons = reader.finish(reasons).map_err(Refusal::invalid)?;
    if reasons.is_empty() {
        return Err(Refusal::field(
            "reasons",
            "REQUIRED",
            "a return says at least one reason, so that the station knows what to correct",
            "退单至少填写一个原因，以便服务站更正",
        ));
    }
    let returning = Returning {
        auditor: call.actor()?.user,
        reasons,
        note: request.note.clone(),
        internal_note: request.internal_note.clone(),
    };
    let (request, returning) = (&request, &returning);
    let name = request.name.as_str();
    call.run(
        false,
        |tx| {
            Box::pin(async move {
                let (stored, setting) = found_with_setting(tx, call, name, &request.etag).await?;
                let permit = call.permit(Act::DecideClaim(stored.value.parties()))?;
                let claim = stored
                    .value
                    .clone()
                    .return_(returning.clone(), call.now, &setting)
                    .map_err(|error| refused_step(name, error))?;
                effects::follow(tx, call, &permit, &claim).await?;
                let changed = ["state", "last_return", "answer_due_time"];
                saved(tx, call, &permit, stored, claim, Verb::Return, &changed).await
            })
        },
        |name| replay(call, name),
    )
    .await
}

/// What a decision that came to stand brings with it: its entry, what suppliers are asked to bear, and the end of what a rejected claim had marked.
/// A decision that waits for a higher level brings nothing yet.
pub(crate) async fn settle_newest(
    tx: &mut Tx<'_>,
    call: &Call,
    permit: &Permit,
    name: &str,
    before: &Claim,
    claim: &Claim,
) -> Answer<()> {
    if claim.decisions.len() == before.decisions.len() {
        return Ok(());
    }
    effects::decide(tx, call, permit, claim).await?;
    recovery_claims::after_decision(tx, call, permit, name, claim).await?;
    post_decision(tx, call, permit, claim).await?;
    if claim.decisions.last().is_some_and(|round| round.outcome == Outcome::Rejected) {
        tx.retract_claim_readings(permit, claim.id).await?;
    }
    Ok(())
}

/// Posts what the newest decision of a claim changes.
pub(crate) async fn post_decision(tx: &mut Tx<'_>, call: &Call, permit: &Permit, claim: &Claim) -> Answer<()> {
    let Some(proposal) = posting_rules::newest_decision(claim)? else { return Ok(()) };
    let actor = permit.actor();
    let entry = Entry::of(proposal, call.new_id(), call.now, actor.user, actor.org)
        .map_err(|error| Refusal::fault(format!("decision of claim {}: {error}", claim.id)))?;
    tx.insert_entry(permit, &entry).await.map_err(|error| match error {
        // Its cause is the round of this version of the claim: somebody else decided the same version first.
        StoreError::AlreadyExists { .. } => Refusal::stale(&convert_claims::name(claim.id.0)),
        other => other.into(),
    })
}

/// Writes the claim as a step left it, with its change row.
pub(super) async fn saved(
    tx: &mut Tx<'_>,
    call: &Call,
    permit: &Permit,
    stored: Stored<Claim>,
    claim: Claim,
    verb: Verb,
    changed: &[&str],
) -> Answer<(String, v1::Claim)> {
    let name = convert_claims::name(claim.id.0);
    if claim == stored.value {
        let message = shown(call, &stored)?;
        return Ok((name, message));
    }
    tx.seal(&name, claim.id.0).await;
    let paths = changed.iter().map(|path| (*path).to_owned()).collect();
    let note = call.note(verb.word(), name.clone(), COLLECTION, paths, &audience(&claim));
    let stored =
        tx.update_claim(permit, &stored, claim, note).await.map_err(|error| Refusal::unless_stale(error, &name))?;
    let message = shown(call, &stored)?;
    Ok((name, message))
}

/// A decision that was not taken.
pub(crate) fn refused_review(name: &str, error: ReviewError) -> Refusal {
    match error {
        ReviewError::Transition(error) => refused_step(name, error),
        ReviewError::Verdicts(found) => Refusal::invalid(found),
        ReviewError::GoodwillRightMissing => Refusal::new(
            Reason::NotPermitted,
            "goodwill takes the right GOODWILL, which you have not; leave it out, or ask a colleague who has it",
            "善意补偿需要 GOODWILL 权限，您没有该权限；请去掉善意部分，或由有此权限的同事处理",
        )
        .with("right", "GOODWILL"),
        ReviewError::Money(error) => error.into(),
    }
}
