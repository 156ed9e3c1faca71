//! Everything that a check of a claim needs to know, gathered in a fixed number of queries however many
//! lines the claim has.

use std::collections::{BTreeMap, BTreeSet};

use chrono::Duration;
use recourse_domain::authorizations::Authorization;
use recourse_domain::catalog::{
    FailureCode, LaborOperation, Part, PartSupply, RescueTariff, Setting, Station, WarrantyPolicy,
};
use recourse_domain::claims::track::{self, TrackSummary};
use recourse_domain::claims::{
    Claim, EarlierRepair, Facts, Kind, Line, LineType, SharedTrip, SimilarClaim, Supplemented,
};
use recourse_domain::entitlements::ServiceEntitlement;
use recourse_domain::ids::Code;
use recourse_domain::vehicle::Vehicle;
use recourse_domain::vin::Vin;
use recourse_repository::Tx;
use uuid::Uuid;

use super::evidence;
use crate::catalog::by_code;
use crate::context::Call;
use crate::error::{Answer, Refusal};
use crate::settings;

/// Gathers the facts about a claim. They are read with the system's own reach: a check must see what its
/// caller may not, and says no more of it than the caller may know.
pub(super) async fn gather(tx: &mut Tx<'_>, call: &Call, claim: &Claim) -> Answer<Facts> {
    let everything = call.everything()?;
    let header = &claim.header;
    let vin = header.vin.as_deref().and_then(|vin| Vin::parse(vin).ok());
    let failure_codes: BTreeSet<String> = header.failure_code.iter().map(Code::to_string).collect();
    let causal: BTreeSet<String> = header.causal_part.iter().map(Code::to_string).collect();
    let mut lookup = tx
        .gather(&everything)
        .every::<Setting>()
        .by_id::<Station>(claim.station.0)
        .one::<Vehicle>(vin.as_ref().map(Vin::as_str))
        .with::<Part>("code", &part_codes(claim))
        .with::<LaborOperation>("code", &operation_codes(claim))
        .with::<FailureCode>("code", &failure_codes)
        .with::<PartSupply>("part", &causal)
        .all::<WarrantyPolicy>("state", "PUBLISHED");
    if claim.lines.iter().any(|line| is_road(line.content.line_type)) {
        lookup = lookup.every::<RescueTariff>();
    }
    let mut found = lookup.read().await?;
    let all_settings = found.values::<Setting>()?;
    let setting = settings::of(&all_settings, call.today());
    let setting_of_prices = settings::of(&all_settings, header.repair_completion_date.unwrap_or(call.today()));
    let station = found
        .values::<Station>()?
        .pop()
        .ok_or_else(|| Refusal::fault(format!("station {} of claim {} is missing", claim.station, claim.id)))?;
    let vehicle = found.values::<Vehicle>()?.pop();
    let parts: BTreeMap<Code, Part> = by_code(found.take::<Part>()?);
    let operations: BTreeMap<Code, LaborOperation> = by_code(found.take::<LaborOperation>()?);
    let failure_code = found.values::<FailureCode>()?.pop();
    let part_supplies = found.values::<PartSupply>()?;
    let rescue_tariffs = found.values::<RescueTariff>()?;
    let policies = found.values::<WarrantyPolicy>()?;
    let campaigns = tx
        .campaigns_of_vehicle(
            vin.as_ref().map_or("", Vin::as_str),
            vehicle.as_ref().map(|vehicle| &vehicle.model),
            header.campaign.as_ref(),
            true,
        )
        .await?;
    let odometer_readings = match &vin {
        Some(vin) => tx.odometer_history(vin.as_str()).await?,
        None => Vec::new(),
    };
    let similar_claims = similar(tx, claim, i64::from(setting.duplicate_window_days)).await?;
    let same_job = match claim.job_key() {
        Some(key) => tx.claim_of_job(claim.id, &key).await?,
        None => None,
    };
    let supplemented = supplemented(tx, claim).await?;
    let drawn = drawn_on(tx, claim, vin.as_ref(), &policies).await?;
    let evidence = evidence::gather(tx, &everything, claim, &parts).await?;
    Ok(Facts {
        now: call.now,
        today: call.today(),
        setting,
        setting_of_prices,
        station,
        vehicle,
        policies,
        parts,
        operations,
        failure_code,
        part_supplies,
        first_submit_date: first_submit_date(tx, call, claim).await?,
        odometer_readings,
        similar_claims,
        same_job,
        supplemented,
        authorizations: drawn.authorizations,
        entitlements: drawn.entitlements,
        rescue_tariffs,
        tracks: drawn.tracks,
        shared_trips: drawn.shared_trips,
        earlier_repairs: drawn.earlier_repairs,
        evidence,
        campaigns,
    })
}

/// What a claim draws on. Each is asked for only where the claim needs it.
#[derive(Default)]
struct Drawn {
    authorizations: Vec<Authorization>,
    entitlements: Vec<ServiceEntitlement>,
    tracks: BTreeMap<i32, TrackSummary>,
    shared_trips: Vec<SharedTrip>,
    earlier_repairs: Vec<EarlierRepair>,
}

async fn drawn_on(tx: &mut Tx<'_>, claim: &Claim, vin: Option<&Vin>, policies: &[WarrantyPolicy]) -> Answer<Drawn> {
    let named = tx.named_authorizations(claim.station, &claim.named_authorizations()).await?;
    let mut drawn = Drawn {
        authorizations: named.into_iter().map(|stored| stored.value.without(claim.id)).collect(),
        ..Drawn::default()
    };
    match claim.kind {
        Kind::RunningInMaintenance => {
            if let Some(vin) = vin {
                let entitlements = tx.entitlements_of_vehicle(vin.as_str()).await?;
                drawn.entitlements = entitlements.into_iter().map(|stored| stored.value).collect();
            }
        }
        Kind::RoadsideRescue => {
            let points = tx.track_points(claim.id).await?;
            let trips = claim.trips().iter();
            let recorded = trips.filter_map(|trip| Some((trip, points.get(&trip.number)?)));
            drawn.tracks = recorded.map(|(trip, points)| (trip.number, track::summarize(trip, points))).collect();
            drawn.shared_trips = shared_trips(tx, claim).await?;
        }
        Kind::WarrantyRepair => {
            let promises = policies.iter().any(|policy| policy.replaced_part.is_some());
            if let Some(vin) = vin.filter(|_| promises) {
                let repairs = tx.approved_repairs(claim.id, vin.as_str()).await?;
                drawn.earlier_repairs = repairs.iter().flat_map(fitted_parts).collect();
            }
        }
        Kind::CompensationAppraisal | Kind::ExternalPurchase | Kind::MajorAssembly => {}
    }
    Ok(drawn)
}

/// The claims that trips are shared with, as far as they are rescues of the same station.
async fn shared_trips(tx: &mut Tx<'_>, claim: &Claim) -> Answer<Vec<SharedTrip>> {
    let named = claim.trips().iter().filter_map(|trip| trip.shared_with.as_deref());
    let ids = named.filter_map(|name| Uuid::parse_str(name.strip_prefix("claims/")?).ok()).collect();
    let others = tx.claims_of(&ids).await?;
    let shared = |other: Claim| SharedTrip {
        claim: other.id,
        is_rescue: other.station == claim.station
            && other.kind == Kind::RoadsideRescue
            && (other.state.word().is_live() || other.is_editable()),
        names: other.trips().iter().filter_map(|trip| trip.shared_with.clone()).collect(),
    };
    Ok(others.into_iter().map(|stored| shared(stored.value)).collect())
}

/// The parts that an approved repair fitted.
fn fitted_parts(repair: &Claim) -> Vec<EarlierRepair> {
    let header = &repair.header;
    let (Some(completion_date), Some(odometer_km)) =
        (header.repair_completion_date, header.odometer_out_km.or(header.odometer_in_km))
    else {
        return Vec::new();
    };
    let approved =
        |line: &&Line| repair.decision_on(line.number).is_some_and(|(_, decision)| decision.approved.minor > 0);
    let is_part = |line: &&Line| matches!(line.content.line_type, LineType::Part | LineType::ExternalPart);
    repair
        .lines
        .iter()
        .filter(is_part)
        .filter(approved)
        .filter_map(|line| line.content.part.clone())
        .map(|part| EarlierRepair {
            number: repair.number.to_string(),
            station: repair.station,
            part,
            completion_date,
            odometer_km,
        })
        .collect()
}

/// Lines that a rescue tariff pays or limits.
fn is_road(line_type: LineType) -> bool {
    matches!(line_type, LineType::Travel | LineType::Towing)
}

fn part_codes(claim: &Claim) -> BTreeSet<String> {
    let header = claim.header.causal_part.iter().chain(&claim.header.related_parts);
    header.chain(claim.lines.iter().filter_map(|line| line.content.part.as_ref())).map(Code::to_string).collect()
}

fn operation_codes(claim: &Claim) -> BTreeSet<String> {
    claim.lines.iter().filter_map(|line| line.content.operation.as_ref()).map(Code::to_string).collect()
}

async fn similar(tx: &mut Tx<'_>, claim: &Claim, window_days: i64) -> Answer<Vec<SimilarClaim>> {
    let header = &claim.header;
    let (Some(vin), Some(part), Some(completed)) = (&header.vin, &header.causal_part, header.repair_completion_date)
    else {
        return Ok(Vec::new());
    };
    let window = Duration::days(window_days);
    let from = completed.checked_sub_signed(window).unwrap_or(completed);
    let to = completed.checked_add_signed(window).unwrap_or(completed);
    Ok(tx.similar_claims(claim.id, vin, part.as_str(), from, to).await?)
}

/// The key of the claim that one adds to.
pub(super) fn original_of(claim: &Claim) -> Option<Uuid> {
    Uuid::parse_str(claim.header.supplement_of.as_deref()?.strip_prefix("claims/")?).ok()
}

/// What is known of the claim that this one adds to.
async fn supplemented(tx: &mut Tx<'_>, claim: &Claim) -> Answer<Option<Supplemented>> {
    let (Some(original), Some(vin)) = (original_of(claim), &claim.header.vin) else { return Ok(None) };
    let Some((original, supplements)) = tx.supplemented(claim.id, original, claim.station, vin).await? else {
        return Ok(None);
    };
    Ok(Some(Supplemented {
        number: original.number.to_string(),
        state: original.state.word(),
        is_supplement: original.header.supplement_of.is_some(),
        decide_date: original.decisions.last().map(|round| round.decide_date),
        supplements,
    }))
}

/// A copied claim keeps the first submission date of the one it was copied from.
async fn first_submit_date(tx: &mut Tx<'_>, call: &Call, claim: &Claim) -> Answer<Option<chrono::NaiveDate>> {
    let own = claim.submission.as_ref().map(|submission| submission.first_submit_time);
    let copied =
        claim.header.copied_from.as_deref().and_then(|name| Uuid::parse_str(name.strip_prefix("claims/")?).ok());
    let first = match (own, copied) {
        (Some(own), _) => Some(own),
        (None, Some(copied)) => {
            let vin = claim.header.vin.as_deref().unwrap_or_default();
            tx.first_submit_time(copied, claim.station, vin).await?
        }
        (None, None) => None,
    };
    Ok(first.map(|instant| call.inner.zone.date_of(instant)))
}
