//! What a station writes about a repair, beside the lines. Field names are those of the contract.

use chrono::{DateTime, NaiveDate, Utc};
use serde::{Deserialize, Serialize};

use super::Kind;
use crate::dtc::Dtc;
use crate::ids::Code;
use crate::money::{Money, Quantity};

/// The written part of a claim without its lines.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Header {
    /// Number of the claim in the station's own system; unique per station.
    pub external_ref: Option<String>,
    /// Vehicle identification number in canonical form; it may still be a wrong one.
    pub vin: Option<String>,
    /// Code of the complaint.
    pub complaint_code: Option<String>,
    /// The complaint in words.
    pub complaint_description: String,
    /// Code of the cause.
    pub cause_code: Option<String>,
    /// The cause in words.
    pub cause_description: String,
    /// What was done, in words.
    pub correction_description: String,
    /// Code of the failure.
    pub failure_code: Option<Code>,
    /// Code of the place in the vehicle.
    pub location_code: Option<String>,
    /// The one part whose failure started the repair.
    pub causal_part: Option<Code>,
    /// Parts damaged in consequence.
    pub related_parts: Vec<Code>,
    /// Diagnostic trouble codes that were read.
    pub dtcs: Vec<Dtc>,
    /// Odometer at drop-off. Coverage counts by it.
    pub odometer_in_km: Option<i64>,
    /// Odometer at delivery.
    pub odometer_out_km: Option<i64>,
    /// Day of the drop-off. Coverage counts on it.
    pub complaint_date: Option<NaiveDate>,
    /// Day on which the repair began.
    pub repair_start_date: Option<NaiveDate>,
    /// Day on which the repair was completed. Prices are those of this day.
    pub repair_completion_date: Option<NaiveDate>,
    /// Repair order in the dealer's own system.
    pub external_repair_order: Option<String>,
    /// Job of that repair order.
    pub external_job: Option<String>,
    /// Campaign that the work belongs to.
    pub campaign: Option<Code>,
    /// Prior authorisations that the claim rests on.
    pub authorizations: Vec<String>,
    /// The same repair was done before.
    pub repeat_repair_indicator: bool,
    /// The claim that this one adds to.
    pub supplement_of: Option<String>,
    /// The claim that this one was copied from.
    pub copied_from: Option<String>,
    /// Other claims that belong to it.
    pub related_claims: Vec<String>,
    /// Attachments that prove it.
    pub evidence: Vec<String>,
    /// What only its kind has.
    pub details: Option<Details>,
}

/// What only one kind of claim has.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "SCREAMING_SNAKE_CASE")]
pub enum Details {
    /// Of a repair under warranty.
    WarrantyRepair(WarrantyRepairDetails),
    /// Of a maintenance after running-in.
    RunningInMaintenance(RunningInDetails),
    /// Of help on the road.
    RoadsideRescue(RoadsideRescueDetails),
    /// Of a request to buy a part elsewhere.
    ExternalPurchase(ExternalPurchaseDetails),
    /// Of a request to replace a major assembly.
    MajorAssembly(MajorAssemblyDetails),
    /// Of damage to be appraised and compensated.
    CompensationAppraisal(CompensationAppraisalDetails),
}

impl Details {
    /// The kind of claim that may have them.
    pub fn kind(&self) -> Kind {
        match self {
            Details::WarrantyRepair(_) => Kind::WarrantyRepair,
            Details::RunningInMaintenance(_) => Kind::RunningInMaintenance,
            Details::RoadsideRescue(_) => Kind::RoadsideRescue,
            Details::ExternalPurchase(_) => Kind::ExternalPurchase,
            Details::MajorAssembly(_) => Kind::MajorAssembly,
            Details::CompensationAppraisal(_) => Kind::CompensationAppraisal,
        }
    }
}

/// What only a repair under warranty has.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct WarrantyRepairDetails {
    /// Day of the failure, if it differs from the drop-off.
    pub failure_date: Option<NaiveDate>,
    /// The vehicle could not be driven.
    pub immobilized: bool,
    /// It came on a tow truck.
    pub towed_in: bool,
    /// Day on which the failed part had been fitted by a repair.
    pub part_installed_date: Option<NaiveDate>,
    /// Odometer at that repair.
    pub part_installed_odometer_km: Option<i64>,
    /// Why the station asks for goodwill.
    pub goodwill_request: String,
}

/// What only a maintenance after running-in has.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct RunningInDetails {
    /// The entitlement that is used.
    pub entitlement: Option<String>,
    /// Number of the service card.
    pub card_number: Option<String>,
    /// Which of the free services, from 1.
    pub sequence: Option<i32>,
    /// Checks that were made, by code.
    pub checks: Vec<String>,
}

/// What only help on the road has.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct RoadsideRescueDetails {
    /// When the customer called.
    pub call_time: Option<DateTime<Utc>>,
    /// Where the vehicle stood.
    pub location: String,
    /// What was advised before anybody was sent.
    pub advice_before_dispatch: String,
    /// The trips.
    pub trips: Vec<RescueTrip>,
    /// Distance towed.
    pub towing_distance_km: Option<i64>,
}

/// A trip to a vehicle on the road.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct RescueTrip {
    /// Which trip, from 1.
    pub number: i32,
    /// When it began.
    pub depart_time: Option<DateTime<Utc>>,
    /// When the vehicle was reached.
    pub arrive_time: Option<DateTime<Utc>>,
    /// When the staff was back.
    pub return_time: Option<DateTime<Utc>>,
    /// Distance there and back.
    pub out_distance_km: Option<i64>,
    /// By night.
    pub night: bool,
    /// How many people went.
    pub staff_count: i32,
    /// A vehicle was hired.
    pub hired_vehicle: bool,
    /// Why a second trip was needed.
    pub reason: String,
    /// The claim that shares the trip.
    pub shared_with: Option<String>,
    /// Attachment with the track.
    pub track: Option<String>,
    /// Distance there and back by the map's route.
    pub map_distance_km: Option<i64>,
    /// Metres there and back that the recorded points verified at the last submission.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub verified_meters: Option<i64>,
}

/// What only a request to buy a part elsewhere has.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct ExternalPurchaseDetails {
    /// Who would sell it.
    pub vendor_name: String,
    /// What it would cost at most.
    pub limit_amount: Option<Money>,
    /// How many pieces at most.
    pub limit_quantity: Option<Quantity>,
    /// Day until which it is needed.
    pub needed_by: Option<NaiveDate>,
    /// Why it can't come from the manufacturer.
    pub reason: String,
    /// Attachment with the vendor's offer.
    pub quotation: Option<String>,
    /// Attachment that proves that none is in stock.
    pub stock_out_proof: Option<String>,
}

/// What only a request to replace a major assembly has.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct MajorAssemblyDetails {
    /// The assembly.
    pub assembly: Option<Code>,
    /// Its serial number.
    pub assembly_serial_number: Option<String>,
    /// Why it can't be repaired.
    pub reason: String,
    /// What was measured.
    pub measurements: String,
    /// What it would cost at most.
    pub limit_amount: Option<Money>,
    /// Whether it is to be replaced or repaired.
    pub action: Option<AssemblyAction>,
}

/// What is done to an assembly.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum AssemblyAction {
    /// It is replaced as a whole.
    Replace,
    /// It is repaired, and its serial number stays.
    Repair,
}

/// What only damage to be appraised and compensated has.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct CompensationAppraisalDetails {
    /// Day of the damage.
    pub incident_date: Option<NaiveDate>,
    /// Where it happened.
    pub location: String,
    /// What was damaged.
    pub damage_description: String,
    /// What is asked as compensation.
    pub asked_amount: Option<Money>,
    /// Somebody was hurt.
    pub injury: bool,
}
