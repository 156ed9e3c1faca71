//! Everything that a check of a claim needs to know, gathered once, in a fixed number of queries.

use std::collections::BTreeMap;

use chrono::{DateTime, NaiveDate, Utc};

use super::track::TrackSummary;
use super::{CampaignFact, EvidenceFacts, StateWord};
use crate::authorizations::Authorization;
use crate::catalog::{FailureCode, LaborOperation, Part, PartSupply, RescueTariff, Setting, Station, WarrantyPolicy};
use crate::entitlements::ServiceEntitlement;
use crate::ids::{ClaimId, Code, OrgId};
use crate::vehicle::{OdometerReading, Vehicle};

/// The facts about a claim's vehicle, parts, station and surroundings at one moment.
#[derive(Clone, Debug)]
pub struct Facts {
    /// The present instant.
    pub now: DateTime<Utc>,
    /// The present day where the deployment is.
    pub today: NaiveDate,
    /// Windows and limits in force today.
    pub setting: Setting,
    /// The setting that was in force on the day whose prices count: labour rates of grades are its own.
    pub setting_of_prices: Setting,
    /// The station that claims.
    pub station: Station,
    /// The vehicle, if it is known.
    pub vehicle: Option<Vehicle>,
    /// Published policies that may cover the vehicle.
    pub policies: Vec<WarrantyPolicy>,
    /// The parts that the claim names, as far as they exist and are active.
    pub parts: BTreeMap<Code, Part>,
    /// The operations that the claim names, as far as they exist and are active.
    pub operations: BTreeMap<Code, LaborOperation>,
    /// The failure code that the claim names, if it exists and is active.
    pub failure_code: Option<FailureCode>,
    /// Who may have supplied the parts.
    pub part_supplies: Vec<PartSupply>,
    /// Day on which this claim, or the one it was copied from, was first submitted.
    pub first_submit_date: Option<NaiveDate>,
    /// Odometer readings of the vehicle; the one of this claim does not count.
    pub odometer_readings: Vec<OdometerReading>,
    /// Live claims with the same vehicle and causal part, repaired within the duplicate window; never this
    /// claim itself.
    pub similar_claims: Vec<SimilarClaim>,
    /// The live claim of the same station for the same job of the same repair order.
    pub same_job: Option<SimilarClaim>,
    /// The claim that this one adds to, if it is one of the station's on the same vehicle.
    pub supplemented: Option<Supplemented>,
    /// The station's authorisations that lines name, without what this claim uses of them.
    pub authorizations: Vec<Authorization>,
    /// The vehicle's entitlements to free services; asked for a maintenance after running-in only.
    pub entitlements: Vec<ServiceEntitlement>,
    /// Rescue tariffs; asked for claims with trips or towing only.
    pub rescue_tariffs: Vec<RescueTariff>,
    /// What the recorded track of each trip says, by its number.
    pub tracks: BTreeMap<i32, TrackSummary>,
    /// Claims that trips are shared with.
    pub shared_trips: Vec<SharedTrip>,
    /// Approved repairs of the vehicle with the same parts, the newest first; asked where a policy promises
    /// something for replaced parts.
    pub earlier_repairs: Vec<EarlierRepair>,
    /// What proves the claim.
    pub evidence: EvidenceFacts,
    /// The campaign that the claim names, and active safety recalls that may concern the vehicle.
    pub campaigns: Vec<CampaignFact>,
}

/// A part that an earlier repair fitted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EarlierRepair {
    /// Number of its claim. Told only to its own station and the manufacturer.
    pub number: String,
    /// Its station.
    pub station: OrgId,
    /// The part.
    pub part: Code,
    /// When the repair was completed.
    pub completion_date: NaiveDate,
    /// Odometer then.
    pub odometer_km: i64,
}

/// Another claim that a trip is shared with.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SharedTrip {
    /// Its key.
    pub claim: ClaimId,
    /// Whether it is a rescue of the same station that is not given up.
    pub is_rescue: bool,
    /// The claims that its trips name.
    pub names: Vec<String>,
}

/// A claim that another one adds to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Supplemented {
    /// Its number.
    pub number: String,
    /// Where it stands.
    pub state: StateWord,
    /// Whether it adds to another one itself.
    pub is_supplement: bool,
    /// The day of the newest decision on it.
    pub decide_date: Option<NaiveDate>,
    /// Numbers of the live claims that add to it; never of the one that is checked.
    pub supplements: Vec<String>,
}

/// What a check needs to know of another claim.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SimilarClaim {
    /// Its key.
    pub id: ClaimId,
    /// Its number. Told only to its own station and the manufacturer.
    pub number: String,
    /// Its station.
    pub station: OrgId,
    /// Its vehicle.
    pub vin: Option<String>,
    /// Its causal part.
    pub causal_part: Option<Code>,
    /// When its repair was completed.
    pub repair_completion_date: Option<NaiveDate>,
    /// Where it stands.
    pub state: StateWord,
}
