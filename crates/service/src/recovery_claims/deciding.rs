//! The manufacturer's side: who is liable, the issue, disputes, waivers.

use recourse_domain::access::Act;
use recourse_domain::catalog::Stored;
use recourse_domain::claims::Claim;
use recourse_domain::recovery_claims::{Basis, RecoveryClaim, RecoveryError, Verb, liability};
use recourse_proto::v1;
use recourse_repository::Tx;

use super::answering::step;
use super::arising::{facts_with, insert, new_recovery};
use super::{found, moment, refused, replay, saved, shown};
use crate::appraisals::share_claim;
use crate::context::Call;
use crate::convert::organizations::read_bp;
use crate::convert::recovery_claims::{read_missing_things, read_resolutions};
use crate::convert::{self, Reader};
use crate::error::{Answer, Refusal};
use crate::settings;

async fn claim_of(tx: &mut Tx<'_>, call: &Call, recovery: &RecoveryClaim) -> Answer<Stored<Claim>> {
    let claim = tx.claim(&call.everything()?, recovery.claim.0).await?;
    claim.ok_or_else(|| Refusal::fault(format!("claim {} of recovery {} is missing", recovery.claim, recovery.id)))
}

/// Says who is liable, where nobody knew.
pub(super) async fn assign(call: &Call, request: v1::AssignRecoveryClaimRequest) -> Answer<v1::RecoveryClaim> {
    convert::require_etag(&request.etag)?;
    let mut reader = Reader::default();
    let supplier = reader.needed_name("supplier", "suppliers", &request.supplier);
    let supplier = reader.whole(|| supplier).map_err(Refusal::invalid)?;
    let (supplier, share, request) = (&supplier, read_bp(request.share_bp), &request);
    let name = request.name.as_str();
    call.run(
        false,
        |tx| {
            Box::pin(async move {
                let stored = found(tx, call, name, &request.etag).await?;
                let claim = claim_of(tx, call, &stored.value).await?.value;
                let permit = call.permit(Act::DecideClaim(claim.parties()))?;
                let facts = facts_with(tx, call, &claim, std::slice::from_ref(supplier)).await?;
                // Whoever assigns another recovery of the claim at this moment takes of the same whole.
                tx.hold_claim(claim.id.0).await?;
                let others = tx.recoveries_of_claims(&call.everything()?, &[claim.id]).await?;
                let others: Vec<RecoveryClaim> = others.into_iter().map(|stored| stored.value).collect();
                let beside = stored.value.shares_beside(&others, share);
                let (shares, place) = beside.map_err(|error| refused(name, error))?;
                let basis = (Basis::Assigned, request.reason.clone());
                let liable = liability::liable(&claim, &facts, supplier, (&shares, place), basis);
                let assigned = stored.value.clone().assign(liable, &claim, permit.actor().user);
                let assigned = assigned.map_err(|error| refused(name, error))?.beside(&others)?;
                let stored = saved(tx, call, &permit, &stored, assigned, Verb::Assign).await?;
                Ok((name.to_owned(), shown(call, &stored)?))
            })
        },
        |name| replay(call, name),
    )
    .await
}

/// Issues a recovery claim: its supplier gets sight of the claim in the same step.
pub(super) async fn issue(call: &Call, request: v1::IssueRecoveryClaimRequest) -> Answer<v1::RecoveryClaim> {
    let missing = read_missing_things("waits_for", &request.waits_for).map_err(Refusal::invalid)?;
    let (missing, request) = (&missing, &request);
    let name = request.name.as_str();
    call.run(
        false,
        |tx| {
            Box::pin(async move {
                let stored = found(tx, call, name, &request.etag).await?;
                let permit = call.permit(Act::HandleRecovery)?;
                let proof = request.delivery_proof.clone();
                // By the decision that stands now: one may have been taken while somebody said who is liable.
                let claim = claim_of(tx, call, &stored.value).await?.value;
                let priced = stored.value.clone().priced(&claim)?;
                let stored = if priced == stored.value {
                    stored
                } else {
                    saved(tx, call, &permit, &stored, priced, Verb::Adjust).await?
                };
                let issued = stored.value.clone().issue(missing, proof, permit.actor().user, call.now);
                let issued = issued.map_err(|error| refused(name, error))?;
                let supplier = issued.supplier.as_ref().map(|liable| liable.org);
                share_claim(tx, call, &permit, issued.claim, supplier).await?;
                let stored = saved(tx, call, &permit, &stored, issued, Verb::Issue).await?;
                Ok((name.to_owned(), shown(call, &stored)?))
            })
        },
        |name| replay(call, name),
    )
    .await
}

/// Decides the lines in dispute. What goes to another supplier becomes a recovery claim of its own.
pub(super) async fn resolve(call: &Call, request: v1::ResolveRecoveryClaimRequest) -> Answer<v1::RecoveryClaim> {
    convert::require_etag(&request.etag)?;
    let resolutions = read_resolutions(&request.lines).map_err(Refusal::invalid)?;
    let (resolutions, request) = (&resolutions, &request);
    let name = request.name.as_str();
    call.run(
        false,
        |tx| {
            Box::pin(async move {
                let stored = found(tx, call, name, &request.etag).await?;
                let permit = call.permit(Act::DecideDispute {
                    issued_by: stored.value.issue.as_ref().map(|issue| issue.by),
                    decided_by: stored.value.decided_by,
                })?;
                let resolved = stored.value.clone().resolve(resolutions, request.reason.clone(), moment(call));
                let (resolved, gone) = resolved.map_err(|error| refused(name, error))?;
                if let (false, Some(liable)) = (gone.is_empty(), &stored.value.supplier) {
                    let claim = claim_of(tx, call, &stored.value).await?.value;
                    let codes: Vec<_> = gone.iter().map(|(code, _)| code.clone()).collect();
                    let facts = facts_with(tx, call, &claim, &codes).await?;
                    // Whoever lets another line go to the same supplier at this moment takes of the same contract.
                    tx.hold_claim(claim.id.0).await?;
                    let others = tx.recoveries_of_claims(&call.everything()?, &[claim.id]).await?;
                    let mut others: Vec<RecoveryClaim> = others.into_iter().map(|stored| stored.value).collect();
                    for (code, lines) in gone {
                        let share = (liable.shares.as_slice(), liable.place);
                        let basis = (Basis::Rerouted, name.to_owned());
                        let other = liability::liable(&claim, &facts, &code, share, basis);
                        let only = Some(lines.into_iter().collect());
                        let new = new_recovery(call, &permit, Some(permit.actor().user), only);
                        // Who is asked for another line of the claim already has one contract for both.
                        let arisen = RecoveryClaim::arise(new, &claim, other)?.beside(&others)?;
                        let arisen = arisen.adjust(&claim, moment(call)).map_err(|error| refused(name, error))?;
                        others.push(arisen.clone());
                        insert(tx, call, &permit, arisen).await?;
                    }
                }
                let stored = saved(tx, call, &permit, &stored, resolved, Verb::Resolve).await?;
                Ok((name.to_owned(), shown(call, &stored)?))
            })
        },
        |name| replay(call, name),
    )
    .await
}

/// Asks to give a recovery up; what is at most the limit of the setting is given up at once.
pub(super) async fn waive(call: &Call, request: v1::WaiveRecoveryClaimRequest) -> Answer<v1::RecoveryClaim> {
    convert::require_etag(&request.etag)?;
    let request = &request;
    let name = request.name.as_str();
    call.run(
        false,
        |tx| {
            Box::pin(async move {
                let stored = found(tx, call, name, &request.etag).await?;
                let permit = call.permit(Act::HandleRecovery)?;
                let setting = settings::in_force(tx, call.today()).await?;
                let alone = stored.value.at_stake()?.is_some_and(|amount| setting.waives_alone(amount));
                let (by, recovery) = (permit.actor().user, stored.value.clone());
                let asked = recovery.waive(request.reason.clone(), by, call.now);
                let (waived, verb) = match asked {
                    Ok(asked) if alone => (asked.confirm_waiver(by, moment(call)), Verb::ConfirmWaiver),
                    asked => (asked, Verb::Waive),
                };
                let waived = waived.map_err(|error| refused(name, error))?;
                let stored = saved(tx, call, &permit, &stored, waived, verb).await?;
                Ok((name.to_owned(), shown(call, &stored)?))
            })
        },
        |name| replay(call, name),
    )
    .await
}

/// A second person gives it up.
pub(super) async fn confirm_waiver(call: &Call, request: v1::RecoveryStepRequest) -> Answer<v1::RecoveryClaim> {
    convert::require_etag(&request.etag)?;
    let name = request.name.as_str();
    let leave = |recovery: &RecoveryClaim| match &recovery.waiver {
        Some(waiver) => Ok(Act::ConfirmForColleague { colleague: waiver.asked_by }),
        None => Err(refused(name, RecoveryError::NothingToConfirm)),
    };
    step(call, (name, request.etag.as_str()), Verb::ConfirmWaiver, leave, |recovery, permit| {
        recovery.confirm_waiver(permit.actor().user, moment(call))
    })
    .await
}
