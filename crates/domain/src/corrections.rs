//! Requests to correct what is recorded of a vehicle: an odometer reading, or the dates of its sale.
//!
//! `REQUESTED → APPROVED | REJECTED`, decided by another person than who asked; `WITHDRAWN` by who asked. A
//! request says what it found; an approval applies it to that and to nothing else: if the value has changed
//! since, the request must be asked again.

use chrono::{DateTime, NaiveDate, Utc};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::access::Author;
use crate::catalog::{Field, FieldKind};
use crate::claims::Code as ReasonCode;
use crate::ids::{Code, CorrectionId, OrgId, UserId};
use crate::text::Violation;
use crate::vehicle::{OdometerReading, SaleDates, Vehicle};
use crate::vin::Vin;

/// What lists of corrections may be filtered and ordered by.
pub const CORRECTION_FIELDS: &[Field] = &[
    field("type", "correction_type", FieldKind::Text, false, false),
    field("state", "state", FieldKind::Text, false, false),
    field("vin", "vin", FieldKind::VIN, false, true),
    field("station", "station", FieldKind::code_of("stations"), false, false),
    field("external_ref", "external_ref", FieldKind::Text, false, false),
    field("create_time", "create_time", FieldKind::Time, true, false),
    field("update_time", "update_time", FieldKind::Time, true, false),
];

/// Most kilometres that an odometer shows.
const MAX_ODOMETER_KM: i64 = 9_999_999;

const fn field(name: &'static str, column: &'static str, kind: FieldKind, sortable: bool, prefix: bool) -> Field {
    Field { name, column, kind, sortable, prefix }
}

/// A request to correct what is recorded of a vehicle.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Correction {
    /// Its key.
    pub id: CorrectionId,
    /// The vehicle.
    pub vin: Vin,
    /// What is wrong, and what is right.
    pub value: CorrectedValue,
    /// Why.
    pub reason: String,
    /// Attachments that prove it.
    pub evidence: Vec<String>,
    /// Its key in the system of whoever created it.
    pub external_ref: String,
    /// The station that asks; none: the manufacturer.
    pub station: Option<AskingStation>,
    /// Who asks.
    pub requested_by: UserId,
    /// Whether that is a program in its own name.
    pub requested_by_client: bool,
    /// Where it stands.
    #[serde(flatten)]
    pub state: CorrectionState,
}

/// A station that asks for a correction.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AskingStation {
    /// Its key.
    pub id: OrgId,
    /// Its code.
    pub code: Code,
}

/// What is wrong, and what is right.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "SCREAMING_SNAKE_CASE")]
pub enum CorrectedValue {
    /// An odometer reading.
    Odometer(OdometerCorrection),
    /// The dates of the last sale.
    SaleDate(SaleDateCorrection),
}

/// An odometer reading that is wrong.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct OdometerCorrection {
    /// The reading.
    pub reading: Uuid,
    /// The day on which it was read.
    pub date: NaiveDate,
    /// What is recorded.
    pub recorded_km: i64,
    /// What the odometer showed.
    pub right_km: i64,
}

/// Dates of a sale that are wrong.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SaleDateCorrection {
    /// What is recorded.
    pub recorded: SaleDates,
    /// What is right.
    pub right: SaleDates,
}

/// Where a request stands.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "state", rename_all = "SCREAMING_SNAKE_CASE")]
pub enum CorrectionState {
    /// Waits for its decision.
    Requested,
    /// Approved and applied.
    Approved(CorrectionDecision),
    /// Rejected.
    Rejected(CorrectionDecision),
    /// Taken back.
    Withdrawn(CorrectionDecision),
}

/// Who ended a request, when and why.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CorrectionDecision {
    /// Who.
    pub by: UserId,
    /// Whether that is a program in its own name.
    pub by_client: bool,
    /// When.
    pub time: DateTime<Utc>,
    /// Why it was rejected.
    pub code: Option<ReasonCode>,
    /// A note.
    pub note: String,
}

/// Why a request did not move.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum NotDecided {
    /// It is decided, or taken back.
    Ended,
    /// What it would correct is not any more what it was.
    ValueChanged,
    /// The right value does not fit what is recorded beside it.
    DoesNotFit(Violation),
}

impl CorrectionState {
    /// The word on the wire and in filters.
    pub fn word(&self) -> &'static str {
        match self {
            CorrectionState::Requested => "REQUESTED",
            CorrectionState::Approved(_) => "APPROVED",
            CorrectionState::Rejected(_) => "REJECTED",
            CorrectionState::Withdrawn(_) => "WITHDRAWN",
        }
    }

    /// How it ended.
    pub fn decision(&self) -> Option<&CorrectionDecision> {
        match self {
            CorrectionState::Requested => None,
            CorrectionState::Approved(decision)
            | CorrectionState::Rejected(decision)
            | CorrectionState::Withdrawn(decision) => Some(decision),
        }
    }
}

impl CorrectedValue {
    /// The word of its type in filters.
    pub fn word(&self) -> &'static str {
        match self {
            CorrectedValue::Odometer(_) => "ODOMETER",
            CorrectedValue::SaleDate(_) => "SALE_DATE",
        }
    }

    /// What is wrong with the request itself.
    pub fn check(&self) -> Vec<Violation> {
        match self {
            CorrectedValue::Odometer(OdometerCorrection { recorded_km, right_km, .. }) => {
                if !(0..=MAX_ODOMETER_KM).contains(right_km) {
                    return vec![Violation::new(
                        "odometer.odometer",
                        "OUT_OF_RANGE",
                        format!("an odometer reads 0 to {MAX_ODOMETER_KM} km"),
                        format!("里程应为 0 到 {MAX_ODOMETER_KM} 公里"),
                    )];
                }
                if recorded_km == right_km { vec![no_change("odometer.odometer")] } else { Vec::new() }
            }
            CorrectedValue::SaleDate(SaleDateCorrection { recorded, right }) => {
                if recorded == right {
                    vec![no_change("sale_date.invoice_date")]
                } else {
                    Vec::new()
                }
            }
        }
    }
}

fn no_change(field: &str) -> Violation {
    Violation::new(field, "NO_CHANGE", "is what is recorded already", "与已登记的相同")
}

impl Correction {
    /// Its public name.
    pub fn name(&self) -> String {
        format!("corrections/{}", self.id)
    }

    /// Who asks, as it is kept.
    pub fn author(&self) -> Author {
        Author { id: self.requested_by, is_client: self.requested_by_client }
    }

    /// What no two that wait may share: one value is asked about once at a time.
    pub fn open_key(&self) -> Option<String> {
        match (&self.state, &self.value) {
            (CorrectionState::Requested, CorrectedValue::Odometer(odometer)) => {
                Some(format!("ODOMETER|{}", odometer.reading))
            }
            (CorrectionState::Requested, CorrectedValue::SaleDate(_)) => Some(format!("SALE_DATE|{}", self.vin)),
            (
                CorrectionState::Approved(_) | CorrectionState::Rejected(_) | CorrectionState::Withdrawn(_),
                CorrectedValue::Odometer(_) | CorrectedValue::SaleDate(_),
            ) => None,
        }
    }

    /// Ends the request, if it waits.
    fn ended(mut self, state: CorrectionState) -> Result<Self, NotDecided> {
        match self.state {
            CorrectionState::Requested => {
                self.state = state;
                Ok(self)
            }
            CorrectionState::Approved(_) | CorrectionState::Rejected(_) | CorrectionState::Withdrawn(_) => {
                Err(NotDecided::Ended)
            }
        }
    }

    /// Rejects it.
    pub fn reject(self, decision: CorrectionDecision) -> Result<Self, NotDecided> {
        self.ended(CorrectionState::Rejected(decision))
    }

    /// Takes it back.
    pub fn withdraw(self, decision: CorrectionDecision) -> Result<Self, NotDecided> {
        self.ended(CorrectionState::Withdrawn(decision))
    }

    /// Approves it, and answers the vehicle as it then stands. `reading` is the reading that it names, as it stands
    /// now; who applies the correction retracts it and records the right one.
    pub fn approve(
        self,
        vehicle: Vehicle,
        reading: Option<&OdometerReading>,
        decision: CorrectionDecision,
        event: Uuid,
        today: NaiveDate,
    ) -> Result<(Self, Vehicle), NotDecided> {
        let (id, value) = (self.id, self.value.clone());
        let approved = self.ended(CorrectionState::Approved(decision))?;
        let vehicle = match value {
            CorrectedValue::Odometer(odometer) => {
                let stands = reading.is_some_and(|reading| odometer.is_of(reading));
                if !stands {
                    return Err(NotDecided::ValueChanged);
                }
                vehicle.corrected(id, event, today)
            }
            CorrectedValue::SaleDate(dates) => {
                if vehicle.sale.as_ref().map(crate::vehicle::Sale::dates) != Some(dates.recorded) {
                    return Err(NotDecided::ValueChanged);
                }
                vehicle.correct_sale_dates(dates.right, id, event, today).map_err(NotDecided::DoesNotFit)?
            }
        };
        Ok((approved, vehicle))
    }
}

impl OdometerCorrection {
    /// Whether a reading is the one that it found: it counts still, and says the same.
    pub fn is_of(&self, reading: &OdometerReading) -> bool {
        reading.id == self.reading && !reading.retracted && reading.date == self.date && reading.km == self.recorded_km
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::vehicle::{OdometerSource, VehicleUse, tests::sold};

    fn day(text: &str) -> NaiveDate {
        text.parse().unwrap()
    }

    fn today() -> NaiveDate {
        day("2026-11-20")
    }

    fn decision() -> CorrectionDecision {
        CorrectionDecision {
            by: UserId(Uuid::from_u128(2)),
            by_client: false,
            time: "2026-11-20T08:00:00Z".parse().unwrap(),
            code: None,
            note: String::new(),
        }
    }

    fn request(value: CorrectedValue) -> Correction {
        Correction {
            id: CorrectionId(Uuid::from_u128(1)),
            vin: sold("2026-01-10", VehicleUse::Family).vin,
            value,
            reason: "typed wrong".to_owned(),
            evidence: Vec::new(),
            external_ref: String::new(),
            station: None,
            requested_by: UserId(Uuid::from_u128(3)),
            requested_by_client: false,
            state: CorrectionState::Requested,
        }
    }

    fn reading() -> OdometerReading {
        OdometerReading {
            id: Uuid::from_u128(7),
            vin: sold("2026-01-10", VehicleUse::Family).vin,
            date: day("2026-03-01"),
            km: 90_000,
            source: OdometerSource::Inspection,
            claim: None,
            retracted: false,
            recorded_time: "2026-03-01T08:00:00Z".parse().unwrap(),
            origin: None,
        }
    }

    fn odometer() -> Correction {
        request(CorrectedValue::Odometer(OdometerCorrection {
            reading: Uuid::from_u128(7),
            date: day("2026-03-01"),
            recorded_km: 90_000,
            right_km: 9_000,
        }))
    }

    fn dates(invoice: &str) -> SaleDates {
        SaleDates { invoice_date: day(invoice), delivery_date: None }
    }

    fn sale(recorded: &str, right: &str) -> Correction {
        let (recorded, right) = (dates(recorded), dates(right));
        request(CorrectedValue::SaleDate(SaleDateCorrection { recorded, right }))
    }

    fn approve(correction: Correction, reading: Option<&OdometerReading>) -> Result<(Correction, Vehicle), NotDecided> {
        let vehicle = sold("2026-01-10", VehicleUse::Family);
        correction.approve(vehicle, reading, decision(), Uuid::from_u128(8), today())
    }

    #[test]
    fn a_request_is_decided_once() {
        let ended = [
            approve(odometer(), Some(&reading())).unwrap().0,
            odometer().reject(decision()).unwrap(),
            odometer().withdraw(decision()).unwrap(),
        ];
        for (correction, word) in ended.into_iter().zip(["APPROVED", "REJECTED", "WITHDRAWN"]) {
            assert_eq!((correction.state.word(), correction.open_key()), (word, None));
            assert!(correction.state.decision().is_some());
            assert_eq!(approve(correction.clone(), Some(&reading())), Err(NotDecided::Ended));
            assert_eq!(correction.clone().reject(decision()), Err(NotDecided::Ended));
            assert_eq!(correction.withdraw(decision()), Err(NotDecided::Ended));
        }
        assert!(odometer().open_key().is_some_and(|key| key.starts_with("ODOMETER|")));
        let json = serde_json::to_string(&odometer()).unwrap();
        assert_eq!(serde_json::from_str::<Correction>(&json).unwrap(), odometer());
    }

    #[test]
    fn a_value_that_changed_since_is_not_corrected() {
        for changed in [
            OdometerReading { retracted: true, ..reading() },
            OdometerReading { km: 8_000, ..reading() },
            OdometerReading { id: Uuid::from_u128(6), ..reading() },
        ] {
            assert_eq!(approve(odometer(), Some(&changed)), Err(NotDecided::ValueChanged));
        }
        assert_eq!(approve(odometer(), None), Err(NotDecided::ValueChanged));
        assert_eq!(approve(sale("2026-01-09", "2026-01-05"), None), Err(NotDecided::ValueChanged));
    }

    #[test]
    fn an_approval_moves_the_warranty_and_names_itself_in_the_history() {
        let (_, vehicle) = approve(sale("2026-01-10", "2026-01-05"), None).unwrap();
        assert_eq!(vehicle.warranty_start(), Some(day("2026-01-05")));
        assert!(matches!(approve(sale("2026-01-10", "2027-01-05"), None), Err(NotDecided::DoesNotFit(_))));
        let (_, vehicle) = approve(odometer(), Some(&reading())).unwrap();
        assert_eq!(vehicle.warranty_start(), Some(day("2026-01-10")));
        assert_eq!(vehicle.events.len(), sold("2026-01-10", VehicleUse::Family).events.len() + 1);
    }

    #[test]
    fn a_request_asks_for_something() {
        assert_eq!(odometer().value.check(), []);
        let rule = |value: &CorrectedValue| value.check()[0].rule;
        let CorrectedValue::Odometer(same) = odometer().value else { panic!("an odometer") };
        let with = |right_km| CorrectedValue::Odometer(OdometerCorrection { right_km, ..same.clone() });
        assert_eq!((rule(&with(90_000)), rule(&with(-1))), ("NO_CHANGE", "OUT_OF_RANGE"));
        assert_eq!(rule(&sale("2026-01-10", "2026-01-10").value), "NO_CHANGE");
    }
}
