//! Everything that a check of a claim needs to know, gathered once, in a fixed number of queries.

use std::collections::BTreeMap;

use chrono::{DateTime, NaiveDate, Utc};

use super::{EvidenceFacts, StateWord};
use crate::catalog::{FailureCode, LaborOperation, Part, PartSupply, Setting, Station, WarrantyPolicy};
use crate::ids::{ClaimId, Code, OrgId};
use crate::vehicle::{OdometerReading, Vehicle};

/// The facts about a claim's vehicle, parts, station and surroundings at one moment.
#[derive(Clone, Debug)]
pub struct Facts {
    /// The present instant.
    pub now: DateTime<Utc>,
    /// The present day where the deployment is.
    pub today: NaiveDate,
    /// Windows, limits and rates in force today.
    pub setting: Setting,
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
    /// What proves the claim.
    pub evidence: EvidenceFacts,
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
