//! What a check of a claim found. Code and values are stored; texts are made when they are read.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

/// Declares the codes with their words, so that neither can be forgotten.
macro_rules! codes {
    ($($(#[$doc:meta])* $name:ident = $word:literal,)*) => {
        /// A rule that a finding breaks, or a reason of a decision: one vocabulary for both.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        pub enum Code {
            $($(#[$doc])* #[serde(rename = $word)] $name,)*
        }

        impl Code {
            /// Every code.
            pub const ALL: &'static [Code] = &[$(Code::$name,)*];

            /// The stable word of the code on the wire and in documents.
            pub fn word(self) -> &'static str {
                match self {
                    $(Code::$name => $word,)*
                }
            }
        }
    };
}

codes! {
    /// The warranty had ended at the drop-off.
    ExpiredWarranty = "EXPIRED_WARRANTY",
    /// No policy covers it.
    NotCovered = "NOT_COVERED",
    /// The submission window was over.
    SubmittedTooLate = "SUBMITTED_TOO_LATE",
    /// Another claim has the same vehicle and causal part.
    Duplicate = "DUPLICATE",
    /// More hours than the standard.
    ExcessiveLaborHours = "EXCESSIVE_LABOR_HOURS",
    /// The work does not fit the failure.
    LaborFaultMismatch = "LABOR_FAULT_MISMATCH",
    /// The operation is not for the model.
    LaborModelMismatch = "LABOR_MODEL_MISMATCH",
    /// The part is not for the model.
    PartModelMismatch = "PART_MODEL_MISMATCH",
    /// The odometer is lower than before.
    OdometerRegression = "ODOMETER_REGRESSION",
    /// The VIN has no valid form.
    InvalidVin = "INVALID_VIN",
    /// The sale is not recorded.
    NoSaleRecord = "NO_SALE_RECORD",
    /// More pieces than the vehicle has.
    QuantityOverVehicleUsage = "QUANTITY_OVER_VEHICLE_USAGE",
    /// A prior authorisation is missing.
    AuthorizationMissing = "AUTHORIZATION_MISSING",
    /// More than the authorisation allows.
    ExceedsAuthorization = "EXCEEDS_AUTHORIZATION",
    /// The description does not suffice.
    InsufficientInformation = "INSUFFICIENT_INFORMATION",
    /// Evidence is missing.
    EvidenceMissing = "EVIDENCE_MISSING",
    /// The part costs too much.
    ExcessivePartCost = "EXCESSIVE_PART_COST",
    /// Work given to others costs too much.
    ExcessiveSublet = "EXCESSIVE_SUBLET",
    /// The customer caused it.
    CustomerDamage = "CUSTOMER_DAMAGE",
    /// A supplier settles directly.
    SupplierResponsible = "SUPPLIER_RESPONSIBLE",
    /// The old part came too late.
    PartNotReturnedInTime = "PART_NOT_RETURNED_IN_TIME",
    /// The old part was packed badly.
    PartDamagedByPacking = "PART_DAMAGED_BY_PACKING",
    /// The old part is good.
    NoDefectFound = "NO_DEFECT_FOUND",
    /// The vehicle is not in the campaign.
    NotCampaignVehicle = "NOT_CAMPAIGN_VEHICLE",
    /// The station may not do this work.
    FacilityNotAuthorized = "FACILITY_NOT_AUTHORIZED",
    /// The free services are used up.
    FreeServiceLimit = "FREE_SERVICE_LIMIT",
    /// The repair was done before.
    RepeatRepair = "REPEAT_REPAIR",
    /// Only a part is covered.
    PartialCoverage = "PARTIAL_COVERAGE",
    /// The VIN's check digit does not fit.
    VinCheckDigit = "VIN_CHECK_DIGIT",
    /// The VIN's model year does not exist.
    VinYearCode = "VIN_YEAR_CODE",
    /// The vehicle is not known.
    UnknownVehicle = "UNKNOWN_VEHICLE",
    /// The part is not known.
    UnknownPart = "UNKNOWN_PART",
    /// The operation is not known.
    UnknownOperation = "UNKNOWN_OPERATION",
    /// The failure code is not known.
    UnknownFailureCode = "UNKNOWN_FAILURE_CODE",
    /// A serial number is missing.
    MissingSerial = "MISSING_SERIAL",
    /// Two operations contain the same work.
    OverlappingOperations = "OVERLAPPING_OPERATIONS",
    /// More is requested than the list allows.
    PriceAboveList = "PRICE_ABOVE_LIST",
    /// The job was claimed before.
    RepairOrderJobClaimed = "REPAIR_ORDER_JOB_CLAIMED",
    /// The dates contradict each other.
    DatesOutOfOrder = "DATES_OUT_OF_ORDER",
    /// A field that is needed is empty.
    RequiredField = "REQUIRED_FIELD",
    /// No price is in force.
    NoPrice = "NO_PRICE",
    /// The type of line has no place here.
    LineTypeNotAllowed = "LINE_TYPE_NOT_ALLOWED",
    /// The kind is not offered yet.
    KindNotOfferedYet = "KIND_NOT_OFFERED_YET",
    /// The authorisation is over, used up or revoked.
    AuthorizationNotUsable = "AUTHORIZATION_NOT_USABLE",
    /// More hours than were worked.
    HoursOverActual = "HOURS_OVER_ACTUAL",
    /// The removed serial number is not the one on record.
    SerialMismatch = "SERIAL_MISMATCH",
    /// An amount is in a foreign currency.
    CurrencyMismatch = "CURRENCY_MISMATCH",
    /// An amount is larger than can be held.
    AmountOutOfRange = "AMOUNT_OUT_OF_RANGE",
    /// The offer or limit is less than the lines.
    QuoteTooLow = "QUOTE_TOO_LOW",
    /// Outside of a free service's window.
    OutsideServiceWindow = "OUTSIDE_SERVICE_WINDOW",
    /// An earlier free service was not claimed.
    ServiceSequence = "SERVICE_SEQUENCE",
    /// There is no such free service, or not any more.
    EntitlementNotUsable = "ENTITLEMENT_NOT_USABLE",
    /// More kilometres than track and map verify.
    RescueDistance = "RESCUE_DISTANCE",
    /// The other claim does not share the trip.
    TripNotShared = "TRIP_NOT_SHARED",
    /// A safety recall of the vehicle is open.
    OpenRecall = "OPEN_RECALL",
    /// There is no such attachment of the station.
    UnknownAttachment = "UNKNOWN_ATTACHMENT",
    /// The bytes of an attachment are not there yet.
    EvidenceNotUploaded = "EVIDENCE_NOT_UPLOADED",
    /// The same file proves another claim.
    EvidenceReused = "EVIDENCE_REUSED",
    /// Hours by night that no trip by night shows.
    NightLabor = "NIGHT_LABOR",
    /// What the claim adds to is no decided claim of the station on the vehicle.
    SupplementNotUsable = "SUPPLEMENT_NOT_USABLE",
    /// As many supplements as the setting allows are there.
    SupplementLimit = "SUPPLEMENT_LIMIT",
    /// The window for supplements was over.
    SupplementTooLate = "SUPPLEMENT_TOO_LATE",
    /// By night or by day, against the times of the trip.
    NightFlag = "NIGHT_FLAG",
    /// The map's distance does not fit what was driven.
    MapDistance = "MAP_DISTANCE",
    /// A trip took far longer than its distance explains.
    RescueDuration = "RESCUE_DURATION",
    /// The campaign is not known or not active.
    CampaignNotUsable = "CAMPAIGN_NOT_USABLE",
    /// Another claim does the campaign's work on this vehicle.
    CampaignAlreadyClaimed = "CAMPAIGN_ALREADY_CLAIMED",
    /// The line is no work of the campaign's remedy.
    OutsideCampaignRemedy = "OUTSIDE_CAMPAIGN_REMEDY",
    /// More than the campaign's remedy pays.
    ExceedsCampaignRemedy = "EXCEEDS_CAMPAIGN_REMEDY",
    /// The parts of the campaign's remedy are not ready.
    CampaignPartsNotReady = "CAMPAIGN_PARTS_NOT_READY",
    /// In the auditor's own words.
    Other = "OTHER",
}

/// Weight of a finding.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum Severity {
    /// Blocks the submission.
    Error,
    /// Informs; judgement and goodwill decide.
    Warning,
}

impl Severity {
    /// The word of the severity.
    pub fn word(self) -> &'static str {
        match self {
            Severity::Error => "ERROR",
            Severity::Warning => "WARNING",
        }
    }
}

/// Something that a check found, without its texts: [`super::text`] makes them.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Finding {
    /// What was found.
    pub code: Code,
    /// Whether it blocks.
    pub severity: Severity,
    /// Path of the field in the claim: `lines[2].quantity`, positions from 0. Empty: the whole claim.
    #[serde(default)]
    pub field: String,
    /// Number of the line it is about.
    #[serde(default)]
    pub line: Option<u32>,
    /// The clause it rests on: a policy with its version, a setting with its value.
    #[serde(default)]
    pub clause: String,
    /// The values that its texts name.
    #[serde(default)]
    pub params: BTreeMap<String, String>,
}

impl Finding {
    /// An error about `field`: it blocks the submission.
    pub fn error(code: Code, field: impl Into<String>) -> Self {
        Self::new(code, Severity::Error, field.into())
    }

    /// A warning about `field`.
    pub fn warning(code: Code, field: impl Into<String>) -> Self {
        Self::new(code, Severity::Warning, field.into())
    }

    fn new(code: Code, severity: Severity, field: String) -> Self {
        Self { code, severity, field, line: None, clause: String::new(), params: BTreeMap::new() }
    }

    /// The same finding with a value that its texts name.
    #[must_use]
    #[expect(
        clippy::needless_pass_by_value,
        reason = "callers hand over numbers, dates, codes and their references alike"
    )]
    pub fn with(mut self, key: &str, value: impl ToString) -> Self {
        self.params.insert(key.to_owned(), value.to_string());
        self
    }

    /// The same finding about a line.
    #[must_use]
    pub fn on_line(mut self, number: u32) -> Self {
        self.line = Some(number);
        self.with("line", number)
    }

    /// The same finding resting on a clause.
    #[must_use]
    pub fn by(mut self, clause: impl Into<String>) -> Self {
        self.clause = clause.into();
        self
    }

    /// Whether it blocks the submission.
    pub fn blocks(&self) -> bool {
        self.severity == Severity::Error
    }
}
