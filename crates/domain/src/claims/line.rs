//! Lines of a claim: what is claimed, and the amounts that follow from it.

use chrono::NaiveDate;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::ids::Code;
use crate::money::{BasisPoints, Hours, Money, Quantity};

/// What a line is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum LineType {
    /// A part of the catalogue.
    Part,
    /// An operation of the catalogue.
    Labor,
    /// Finding the fault.
    Diagnosis,
    /// A part bought elsewhere.
    ExternalPart,
    /// Work given to others.
    Sublet,
    /// A trip to the vehicle.
    Travel,
    /// Towing.
    Towing,
    /// The fixed fee of a maintenance.
    MaintenanceFee,
    /// A courtesy car.
    CourtesyCar,
    /// Freight.
    Freight,
    /// An allowance by rule.
    Allowance,
}

impl LineType {
    /// Every type.
    pub const ALL: [LineType; 11] = [
        LineType::Part,
        LineType::Labor,
        LineType::Diagnosis,
        LineType::ExternalPart,
        LineType::Sublet,
        LineType::Travel,
        LineType::Towing,
        LineType::MaintenanceFee,
        LineType::CourtesyCar,
        LineType::Freight,
        LineType::Allowance,
    ];

    /// The word of the type.
    pub fn word(self) -> &'static str {
        match self {
            LineType::Part => "PART",
            LineType::Labor => "LABOR",
            LineType::Diagnosis => "DIAGNOSIS",
            LineType::ExternalPart => "EXTERNAL_PART",
            LineType::Sublet => "SUBLET",
            LineType::Travel => "TRAVEL",
            LineType::Towing => "TOWING",
            LineType::MaintenanceFee => "MAINTENANCE_FEE",
            LineType::CourtesyCar => "COURTESY_CAR",
            LineType::Freight => "FREIGHT",
            LineType::Allowance => "ALLOWANCE",
        }
    }
}

/// What the station writes on a line. Field names are those of the contract.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LineContent {
    /// What it is for.
    #[serde(rename = "type")]
    pub line_type: LineType,
    /// The part.
    #[serde(default)]
    pub part: Option<Code>,
    /// The operation.
    #[serde(default)]
    pub operation: Option<Code>,
    /// What it is, in words.
    #[serde(default)]
    pub description: String,
    /// How many pieces.
    #[serde(default)]
    pub quantity: Option<Quantity>,
    /// Hours that are claimed; none means the standard.
    #[serde(default)]
    pub hours: Option<Hours>,
    /// Hours that were worked.
    #[serde(default)]
    pub actual_hours: Option<Hours>,
    /// Hours beyond the standard.
    #[serde(default)]
    pub additional_hours: Option<Hours>,
    /// Why more hours were needed.
    #[serde(default)]
    pub additional_hours_comment: String,
    /// What the station requests; none means the computed amount.
    #[serde(default)]
    pub requested_amount: Option<Money>,
    /// Serial number that was removed.
    #[serde(default)]
    pub original_serial_number: Option<String>,
    /// Serial number that was fitted.
    #[serde(default)]
    pub replacement_serial_number: Option<String>,
    /// The line's part is the causal part.
    #[serde(default)]
    pub is_causal: bool,
    /// Invoice of a part bought elsewhere.
    #[serde(default)]
    pub outside_part_invoice_number: Option<String>,
    /// Invoice of work given to others.
    #[serde(default)]
    pub sublet_invoice_number: Option<String>,
    /// Prior authorisation that the line uses.
    #[serde(default)]
    pub authorization: Option<String>,
    /// Code of the tax category.
    #[serde(default)]
    pub tax_category: Option<String>,
    /// Distance of a trip or a tow.
    #[serde(default)]
    pub distance_km: Option<i64>,
    /// The hours were worked by night.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub by_night: bool,
}

impl LineContent {
    /// An empty line of a type.
    pub fn new(line_type: LineType) -> Self {
        Self {
            line_type,
            part: None,
            operation: None,
            description: String::new(),
            quantity: None,
            hours: None,
            actual_hours: None,
            additional_hours: None,
            additional_hours_comment: String::new(),
            requested_amount: None,
            original_serial_number: None,
            replacement_serial_number: None,
            is_causal: false,
            outside_part_invoice_number: None,
            sublet_invoice_number: None,
            authorization: None,
            tax_category: None,
            distance_km: None,
            by_night: false,
        }
    }
}

/// A line as a caller sends it: 0 asks for a new number.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LineInput {
    /// Number of an existing line, or 0.
    pub number: u32,
    /// What is claimed.
    pub content: LineContent,
}

/// A line of a claim.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Line {
    /// Its number, from 1, never used again.
    pub number: u32,
    /// What is claimed.
    pub content: LineContent,
    /// Its amounts: for information on a draft, frozen by a submission.
    #[serde(default)]
    pub pricing: Option<LinePricing>,
}

/// The amounts of a line and where they come from.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LinePricing {
    /// What is requested: what the station wrote, else what was computed.
    pub requested: Money,
    /// Price per piece or rate per hour.
    pub unit_price: Option<Money>,
    /// Where it comes from.
    pub source: Option<PriceSource>,
    /// What the system computes; none if no price is in force.
    pub computed: Option<Money>,
}

/// Where a price or rate comes from.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PriceSource {
    /// Which list.
    pub kind: PriceSourceKind,
    /// The row of the list.
    #[serde(default)]
    pub row: Option<Uuid>,
    /// First day on which the row is in force.
    #[serde(default)]
    pub valid_from: Option<NaiveDate>,
    /// The day whose prices count.
    #[serde(default)]
    pub price_date: Option<NaiveDate>,
    /// Mark-up on the dealer's net price.
    #[serde(default)]
    pub markup: Option<BasisPoints>,
    /// The policy or tariff that holds it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub list: Option<String>,
}

/// Which list a price comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum PriceSourceKind {
    /// The part's claim price.
    ClaimPrice,
    /// The part's dealer net price with the station's mark-up.
    DealerNet,
    /// The station's own labour rate.
    StationRate,
    /// The rate of the station's grade.
    GradeRate,
    /// The invoice that the station names.
    Invoice,
    /// A tariff.
    Tariff,
    /// A fee or allowance of the policy.
    Policy,
}
