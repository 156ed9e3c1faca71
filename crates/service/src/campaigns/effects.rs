//! What a step of a claim does to its vehicle's place in a campaign: a submission takes the work, an approval
//! completes it, everything that ends the claim without one gives it back.
//!
//! It follows from where the claim stands after the step and is written in its transaction. Whoever was overtaken
//! by another claim runs again and is told by a finding.

use recourse_domain::access::Permit;
use recourse_domain::catalog::{CampaignVehicle, CampaignVehicleState, Stored};
use recourse_domain::change::Audience;
use recourse_domain::claims::{Claim, Facts, StateWord};
use recourse_domain::ids::Code;
use recourse_domain::vin::Vin;
use recourse_proto::v1::error_reason::Code as Reason;
use recourse_repository::{StoreError, Tx};

use crate::context::Call;
use crate::error::{Answer, Refusal};

/// After a submission: takes the work that the claim names, and lets go of any other that it holds.
pub(crate) async fn take(tx: &mut Tx<'_>, call: &Call, permit: &Permit, claim: &Claim, facts: &Facts) -> Answer<()> {
    let remedy = claim.chosen_remedy(facts).map(|remedy| &remedy.id);
    if concerns(claim) {
        let held = tx.campaign_vehicles_of_claim(claim.id).await?;
        let stays = follow_all(tx, call, permit, claim, remedy, &held).await?;
        if !stays && claim.covering_campaign(facts).is_some() {
            return begin(tx, call, permit, claim, remedy, Refusal::overtaken).await;
        }
    }
    Ok(())
}

/// After any other step; whether the work must be taken again: a rejection had given it back, and an appeal
/// against that succeeded.
pub(crate) async fn follow(tx: &mut Tx<'_>, call: &Call, permit: &Permit, claim: &Claim) -> Answer<bool> {
    if !concerns(claim) {
        return Ok(false);
    }
    let held = tx.campaign_vehicles_of_claim(claim.id).await?;
    let stays = follow_all(tx, call, permit, claim, None, &held).await?;
    Ok(!stays && claim.header.campaign.is_some() && claim.state.word() == StateWord::Approved)
}

/// Takes the work again that a claim had given back.
pub(crate) async fn take_again(
    tx: &mut Tx<'_>,
    call: &Call,
    permit: &Permit,
    claim: &Claim,
    facts: &Facts,
) -> Answer<()> {
    let remedy = claim.chosen_remedy(facts).map(|remedy| &remedy.id);
    begin(tx, call, permit, claim, remedy, claimed_since).await
}

/// Whether a claim names a campaign, or can have named one: its header changes after a submission only while it
/// is returned.
fn concerns(claim: &Claim) -> bool {
    claim.header.campaign.is_some() || claim.last_return.is_some()
}

/// Lets every row that the claim holds follow it; whether it holds the one of its campaign still.
async fn follow_all(
    tx: &mut Tx<'_>,
    call: &Call,
    permit: &Permit,
    claim: &Claim,
    remedy: Option<&Code>,
    held: &[Stored<CampaignVehicle>],
) -> Answer<bool> {
    let mut stays = false;
    for stored in held {
        let after = stored.value.clone().reconciled(claim, remedy).map_err(|_| Refusal::overtaken())?;
        let is_held = after.state.job().is_some_and(|job| job.claim == claim.id);
        stays |= is_held;
        if after == stored.value {
            continue;
        }
        let verb = verb_of(&after);
        save(tx, call, permit, Some(stored), after, verb, claim).await?;
    }
    Ok(stays)
}

/// Takes the work on the claim's vehicle, which nobody else may hold.
async fn begin(
    tx: &mut Tx<'_>,
    call: &Call,
    permit: &Permit,
    claim: &Claim,
    remedy: Option<&Code>,
    taken: fn() -> Refusal,
) -> Answer<()> {
    let vin = claim.header.vin.as_deref().and_then(|vin| Vin::parse(vin).ok());
    let Some((campaign, vin)) = claim.header.campaign.clone().zip(vin) else { return Ok(()) };
    let key = CampaignVehicle::key_of(&campaign, &vin);
    let stored = tx.record::<CampaignVehicle>(&call.everything()?, &key).await?;
    let before = stored.as_ref().map_or_else(|| CampaignVehicle::open(campaign, vin, false), |row| row.value.clone());
    let after = before.reconciled(claim, remedy).map_err(|_| taken())?;
    let verb = verb_of(&after);
    save(tx, call, permit, stored.as_ref(), after, verb, claim).await
}

/// What became of the vehicle, as a verb.
fn verb_of(after: &CampaignVehicle) -> &'static str {
    match &after.state {
        CampaignVehicleState::Open | CampaignVehicleState::Exempt(_) => "reopen",
        CampaignVehicleState::InProgress(_) => "begin",
        CampaignVehicleState::Completed(_) => "complete",
    }
}

async fn save(
    tx: &mut Tx<'_>,
    call: &Call,
    permit: &Permit,
    before: Option<&Stored<CampaignVehicle>>,
    after: CampaignVehicle,
    verb: &'static str,
    claim: &Claim,
) -> Answer<()> {
    let paths = ["state", "claim", "station", "remedy", "completion_date"].map(str::to_owned).to_vec();
    // The station follows the end of its own work too.
    let audience = Audience::Organizations(vec![claim.station]);
    super::write(tx, call, permit, before, after, (verb, paths), &audience).await.map_err(|error| match error {
        StoreError::Stale | StoreError::AlreadyExists { .. } => Refusal::overtaken(),
        other => other.into(),
    })?;
    Ok(())
}

/// The work is done once, also where the first claim for it was rejected wrongly.
fn claimed_since() -> Refusal {
    Refusal::new(
        Reason::StateConflict,
        "the campaign's work on this vehicle has been claimed by another claim since, or the vehicle is exempt; it \
         can't be approved a second time",
        "该车辆的活动作业其后已由其他索赔单申报或已豁免，不能重复核准",
    )
}
