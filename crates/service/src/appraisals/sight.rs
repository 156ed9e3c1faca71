//! Sight of a claim: given to an appraiser with the order and to a supplier that becomes a party, and taken again.
//! The claim's change row says so in the same transaction (`shared`, `unshared`).

use recourse_domain::access::{Act, Permit};
use recourse_domain::catalog::Stored;
use recourse_domain::change::Audience;
use recourse_domain::claims::Claim;
use recourse_domain::ids::{ClaimId, OrgId};
use recourse_repository::Tx;
use uuid::Uuid;

use super::{found, refused, saved};
use crate::claims::audience as claim_audience;
use crate::context::Call;
use crate::convert::appraisals::named;
use crate::error::{Answer, Refusal};
use recourse_domain::appraisals::Verb;

/// The claim of a key, with the system's own reach: whoever acts on its appraisal may not see all of it.
pub(super) async fn claim_of(tx: &mut Tx<'_>, call: &Call, id: ClaimId) -> Answer<Stored<Claim>> {
    let found = tx.claim(&call.everything()?, id.0).await?;
    found.ok_or_else(|| Refusal::fault(format!("claim {id} of an appraisal is missing")))
}

/// Writes the next version of a claim that an appraisal or recovery changed. `also` are organisations that the row is
/// told to beside those that see the claim now: those that just lost sight.
pub(super) async fn save_claim(
    tx: &mut Tx<'_>,
    call: &Call,
    permit: &Permit,
    before: &Stored<Claim>,
    claim: Claim,
    verb: &'static str,
    also: &[OrgId],
) -> Answer<Stored<Claim>> {
    let name = format!("claims/{}", claim.id);
    let mut orgs = claim_audience(&claim).orgs();
    orgs.extend(also);
    let mut paths = if before.value.state == claim.state {
        Vec::new()
    } else {
        ["awaiting_appraisal", "pauses", "review_due_time"].map(str::to_owned).to_vec()
    };
    if before.value.proposal != claim.proposal {
        paths.push("proposed_decision".to_owned());
    }
    let note = call.note(verb, name.clone(), "claims", paths, &Audience::Organizations(orgs));
    tx.update_claim(permit, before, claim, note).await.map_err(|error| Refusal::unless_stale(error, &name))
}

/// Gives organisations sight of a claim; those that have it already change nothing.
pub(crate) async fn share_claim(
    tx: &mut Tx<'_>,
    call: &Call,
    permit: &Permit,
    claim: ClaimId,
    orgs: impl IntoIterator<Item = OrgId>,
) -> Answer<()> {
    let stored = claim_of(tx, call, claim).await?;
    let mut shared = stored.value.clone();
    for org in orgs {
        if !shared.is_shared_with(org) {
            tx.give_sight(permit, claim, org, call.now).await?;
            shared = shared.share_with(org);
        }
    }
    if shared != stored.value {
        save_claim(tx, call, permit, &stored, shared, "shared", &[]).await?;
    }
    Ok(())
}

/// Ends the access of the appraiser of a final appraisal whose days are over.
pub(crate) async fn end_access(call: &Call, id: Uuid) -> Answer<()> {
    let permit = call.permit(Act::EnforceDeadline)?;
    let permit = &permit;
    call.run(
        false,
        |tx| {
            Box::pin(async move {
                let name = named(id);
                let stored = found(tx, call.scope()?, &name, "").await?;
                let org = stored.value.appraiser;
                let ended = stored.value.clone().end_access().map_err(|error| refused(&name, error))?;
                let claim = claim_of(tx, call, ended.claim).await?;
                if claim.value.is_shared_with(org) {
                    tx.take_sight(permit, ended.claim, org).await?;
                    let unshared = claim.value.clone().unshare(org);
                    save_claim(tx, call, permit, &claim, unshared, "unshared", &[org]).await?;
                }
                saved(tx, call, permit, &stored, ended, Verb::EndAccess).await?;
                Ok((name, ()))
            })
        },
        |_| Box::pin(async { Ok(()) }),
    )
    .await
}
