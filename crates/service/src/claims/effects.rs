//! What a step of a claim does beside the claim itself: it uses authorisations and gives them back, reserves an
//! entitlement and releases it, takes the work of a campaign, gives an authorisation, and closes the claim that
//! gave one.
//!
//! Everything follows from where the claim stands after the step, so every step asks the same. All of it is
//! written before a command is sealed: the claim's own version comes last. Whoever was overtaken by another
//! claim runs again and is told by a finding.

use recourse_domain::access::Permit;
use recourse_domain::authorizations::Authorization;
use recourse_domain::catalog::Stored;
use recourse_domain::change::Audience;
use recourse_domain::claims::{Claim, Effect, EntitlementChoice, Facts, Kind, StateWord, Verb};
use recourse_domain::entitlements::ServiceEntitlement;
use recourse_domain::ids::{AuthorizationId, EntitlementId};
use recourse_proto::v1::error_reason::Code as Reason;
use recourse_repository::{StoreError, Tx};
use uuid::Uuid;

use super::{COLLECTION, audience, components, facts};
use crate::campaigns::effects as campaigns;
use crate::context::Call;
use crate::convert::claims as convert_claims;
use crate::error::{Answer, Refusal};
use crate::settings;

/// After a submission: uses what its lines name, and reserves its entitlement.
pub(super) async fn reserve(tx: &mut Tx<'_>, call: &Call, permit: &Permit, claim: &Claim, facts: &Facts) -> Answer<()> {
    use_authorizations(tx, call, permit, claim).await?;
    campaigns::take(tx, call, permit, claim, facts).await?;
    if claim.kind != Kind::RunningInMaintenance {
        return Ok(());
    }
    // Whoever holds it now was faster than the facts.
    take_entitlement(tx, call, permit, claim, facts, Refusal::overtaken).await
}

/// After any other step: what the claim holds no longer is given back, what was approved is final.
pub(crate) async fn follow(tx: &mut Tx<'_>, call: &Call, permit: &Permit, claim: &Claim) -> Answer<()> {
    use_authorizations(tx, call, permit, claim).await?;
    if campaigns::follow(tx, call, permit, claim).await? {
        let facts = facts::gather(tx, call, claim).await?;
        campaigns::take_again(tx, call, permit, claim, &facts).await?;
    }
    if claim.kind != Kind::RunningInMaintenance {
        return Ok(());
    }
    let held = tx.entitlements_of_claim(claim.id).await?;
    if held.is_empty() && claim.state.word() == StateWord::Approved {
        // A rejection had released it, and an appeal against that succeeded.
        let facts = facts::gather(tx, call, claim).await?;
        return take_entitlement(tx, call, permit, claim, &facts, claimed_since).await;
    }
    for held in held {
        let after = held.value.clone().reconciled(claim).map_err(|_| Refusal::overtaken())?;
        let verb = if after.state.holder().is_some() { "use" } else { "release" };
        save_entitlement(tx, call, permit, &held, after, verb, &holder_audience(claim)).await?;
    }
    Ok(())
}

/// Takes the entitlement that a claim chooses, and lets go of any other that it holds.
async fn take_entitlement(
    tx: &mut Tx<'_>,
    call: &Call,
    permit: &Permit,
    claim: &Claim,
    facts: &Facts,
    taken: fn() -> Refusal,
) -> Answer<()> {
    let (chosen, is_issued) = match claim.entitlement(facts) {
        EntitlementChoice::Issued(issued) => (issued.id, true),
        EntitlementChoice::OfPolicy { policy, service, warranty_start } => {
            let Some(vehicle) = &facts.vehicle else { return Ok(()) };
            let key = (EntitlementId(call.new_id()), call.new_id());
            let new = ServiceEntitlement::of_policy(vehicle, warranty_start, policy, service, key, call.today());
            let reserved = new.reconciled(claim).map_err(|_| Refusal::overtaken())?;
            let inserted = insert_entitlement(tx, call, permit, reserved, &holder_audience(claim)).await?;
            (inserted.value.id, false)
        }
        // A finding has said so.
        EntitlementChoice::Missing => return Ok(()),
    };
    for held in tx.entitlements_of_claim(claim.id).await? {
        if held.value.id != chosen {
            let released = held.value.clone().released();
            save_entitlement(tx, call, permit, &held, released, "release", &holder_audience(claim)).await?;
        }
    }
    if !is_issued {
        return Ok(());
    }
    let everything = call.everything()?;
    let stored = tx.entitlement(&everything, chosen.0).await?.ok_or_else(Refusal::overtaken)?;
    let after = stored.value.clone().reconciled(claim).map_err(|_| taken())?;
    save_entitlement(tx, call, permit, &stored, after, "reserve", &holder_audience(claim)).await
}

/// After a decision: what follows from any step, and the authorisation that an approved request gives. A later
/// decision changes what that allows, and takes it back where nothing is approved any more.
pub(crate) async fn decide(tx: &mut Tx<'_>, call: &Call, permit: &Permit, claim: &Claim) -> Answer<()> {
    follow(tx, call, permit, claim).await?;
    match claim.kind.spec().effect() {
        Effect::Pays => return Ok(()),
        Effect::Authorizes => {}
    }
    let (id, seed, today) = (AuthorizationId(call.new_id()), call.new_id(), call.today());
    if let Some(stored) = tx.authorization_of_claim(claim.id).await? {
        let items = stored.value.clone().reissued(claim, today);
        return save_authorization(tx, call, permit, &stored, items, "reissue", &["items", "state"]).await;
    }
    let setting = settings::in_force(tx, today).await?;
    let Some(new) = Authorization::issue(claim, id, seed, today, &setting) else { return Ok(()) };
    let paths = Vec::new();
    let note = call.note("issue", new.name(), "authorizations", paths, &Audience::Organizations(vec![new.station]));
    tx.insert_authorization(permit, new, note).await.map_err(|error| match error {
        // Its readable number is drawn by chance, and another round may have been faster.
        StoreError::AlreadyExists { .. } => Refusal::overtaken(),
        other => other.into(),
    })?;
    Ok(())
}

/// Uses, settles or gives back what the lines name, and closes claims whose authorisation is over.
async fn use_authorizations(tx: &mut Tx<'_>, call: &Call, permit: &Permit, claim: &Claim) -> Answer<()> {
    let named = claim.named_authorizations();
    if named.is_empty() || claim.kind.spec().effect() == Effect::Authorizes {
        return Ok(());
    }
    let mut over = Vec::new();
    for stored in tx.named_authorizations(claim.station, &named).await? {
        let after = stored.value.clone().reconciled(claim, call.today()).map_err(|_| Refusal::overtaken())?;
        if after == stored.value {
            continue;
        }
        let verb = if after.uses.iter().any(|used| used.claim == claim.id) { "use" } else { "giveBack" };
        if let Some(certificate) = after.certificate.as_ref().filter(|_| after.certificate != stored.value.certificate)
        {
            components::note(tx, call, permit, claim, certificate).await?;
        }
        over.extend(after.is_over().then_some(after.claim.0));
        save_authorization(tx, call, permit, &stored, after, verb, &["uses", "state", "certificate"]).await?;
    }
    close_givers(tx, call, permit, over).await
}

/// Closes the claims that gave authorisations of which nothing more will come.
pub(crate) async fn close_givers(tx: &mut Tx<'_>, call: &Call, permit: &Permit, claims: Vec<Uuid>) -> Answer<()> {
    for stored in tx.claims_of(&claims.into_iter().collect()).await? {
        if stored.value.state.word() != StateWord::Approved {
            continue;
        }
        let name = convert_claims::name(stored.id);
        let closed = stored.value.clone().close(call.now).map_err(|error| super::refused_step(&name, error))?;
        let paths = vec!["state".to_owned()];
        let note = call.note(Verb::Close.word(), name, COLLECTION, paths, &audience(&closed));
        tx.update_claim(permit, &stored, closed, note).await.map_err(Refusal::unless_overtaken)?;
    }
    Ok(())
}

/// Writes a changed authorisation.
pub(crate) async fn save_authorization(
    tx: &mut Tx<'_>,
    call: &Call,
    permit: &Permit,
    stored: &Stored<Authorization>,
    after: Authorization,
    verb: &'static str,
    changed: &[&str],
) -> Answer<()> {
    let paths = changed.iter().map(|path| (*path).to_owned()).collect();
    let audience = Audience::Organizations(vec![after.station]);
    let note = call.note(verb, after.name(), "authorizations", paths, &audience);
    tx.update_authorization(permit, stored, after, note).await.map_err(Refusal::unless_overtaken)?;
    Ok(())
}

/// Writes a new entitlement.
pub(crate) async fn insert_entitlement(
    tx: &mut Tx<'_>,
    call: &Call,
    permit: &Permit,
    new: ServiceEntitlement,
    audience: &Audience,
) -> Answer<Stored<ServiceEntitlement>> {
    let note = call.note("issue", new.name(), "serviceEntitlements", Vec::new(), audience);
    tx.insert_entitlement(permit, new, note).await.map_err(|error| match error {
        StoreError::AlreadyExists { .. } => Refusal::overtaken(),
        other => other.into(),
    })
}

/// Writes a changed entitlement, if it changed.
pub(crate) async fn save_entitlement(
    tx: &mut Tx<'_>,
    call: &Call,
    permit: &Permit,
    stored: &Stored<ServiceEntitlement>,
    after: ServiceEntitlement,
    verb: &'static str,
    audience: &Audience,
) -> Answer<()> {
    if after == stored.value {
        return Ok(());
    }
    let paths = vec!["state".to_owned(), "claim".to_owned()];
    let note = call.note(verb, after.name(), "serviceEntitlements", paths, audience);
    tx.update_entitlement(permit, stored, after, note).await.map_err(Refusal::unless_overtaken)?;
    Ok(())
}

fn holder_audience(claim: &Claim) -> Audience {
    Audience::Organizations(vec![claim.station])
}

/// One service is paid once, also where the first claim on it was rejected wrongly.
fn claimed_since() -> Refusal {
    Refusal::new(
        Reason::StateConflict,
        "this free service has been given to another claim since, or was taken back; it can't be approved a second time",
        "此次免费保养其后已由其他索赔单享用或已作废，不能重复核准",
    )
}
