//! The example rules of the demo: each is hit by a claim that is as it says, and by no ordinary one.

use super::*;
use crate::catalog::RestrictedKind;
use crate::claims::sample::{CLERK, code, day, draft, facts};
use crate::claims::{Details, Facts, Kind, LineType, RoadsideRescueDetails, WarrantyRepairDetails};
use crate::money::{Hours, Quantity};
use serde_json::Value;

const RULES: &str = include_str!("../../../server/src/demo/adjudication_rules.json");

/// A claim after its submission, its facts, and what was submitted before it.
struct Case {
    claim: Claim,
    facts: Facts,
    history: History,
}

impl Case {
    /// An ordinary claim: nothing is wrong with it.
    fn ordinary() -> Self {
        let facts = facts();
        let claim = draft().submit(&facts, CLERK).unwrap().claim;
        let history = History {
            station_claims: 500,
            station_claims_90d: 40,
            station_rejected_90d: 2,
            vehicle_claims_365d: 1,
            vehicle_part_claims_365d: 0,
            part_claims_365d: 50,
            part_sum_minor: 50 * 60_000,
        };
        Self { claim, facts, history }
    }

    fn situation(&self) -> Situation {
        let facts = &self.facts;
        Situation::of(&self.claim, &Surroundings::of(facts, self.history))
    }

    fn warn(&mut self, code: ReasonCode) {
        self.claim.findings.push(Finding::warning(code, "lines[0]").on_line(1));
    }

    fn part(&mut self) -> &mut crate::catalog::Part {
        self.facts.parts.get_mut(&code("P-100")).unwrap()
    }

    fn amount(&mut self, line: usize, minor: i64) {
        self.claim.lines[line].pricing.as_mut().unwrap().requested.minor = minor;
    }

    fn amounts(&mut self, minor: i64) {
        self.amount(0, minor);
        self.claim.lines[0].pricing.as_mut().unwrap().computed.as_mut().unwrap().minor = minor;
    }
}

/// Makes an ordinary claim one that a rule is for.
fn provoke(rule: &str, case: &mut Case) {
    match rule {
        "NO-SALE" => case.facts.vehicle.as_mut().unwrap().sale = None,
        "GOODWILL" => {
            let details =
                WarrantyRepairDetails { goodwill_request: "a loyal customer".to_owned(), ..Default::default() };
            case.claim.header.details = Some(Details::WarrantyRepair(details));
        }
        "EXPIRED" => case.warn(ReasonCode::ExpiredWarranty),
        "NOT-COVERED" => case.warn(ReasonCode::NotCovered),
        "LATE" => {
            case.warn(ReasonCode::SubmittedTooLate);
            case.claim.header.repair_completion_date = Some(day("2026-06-11"));
        }
        "CAMPAIGN" => {
            case.claim.header.campaign = Some(code("C-1"));
            case.warn(ReasonCode::NotCampaignVehicle);
        }
        "ODOMETER" => case.warn(ReasonCode::OdometerRegression),
        "CAUSAL-PART" => case.claim.lines[0].content.is_causal = false,
        "TROUBLE-CODE" => case.part().category = code("ELECTRONICS"),
        "WORDS" => case.claim.header.cause_description = "bad".to_owned(),
        "QUANTITY" => case.claim.lines[0].content.quantity = Some(Quantity(2_000)),
        "SAME-SERIAL" => {
            let content = &mut case.claim.lines[0].content;
            content.replacement_serial_number = content.original_serial_number.clone();
        }
        "EVIDENCE" => case.amounts(600_000),
        "SAFETY" => case.facts.failure_code.as_mut().unwrap().safety = true,
        "RESTRICTED" => case.part().restricted_kind = Some(RestrictedKind::Airbag),
        "ASSEMBLY" => case.part().assembly_class = crate::catalog::AssemblyClass::Assembly,
        "DUPLICATE" => case.warn(ReasonCode::Duplicate),
        "REPEAT" => case.history.vehicle_part_claims_365d = 1,
        "VIN" => case.warn(ReasonCode::VinCheckDigit),
        "MILEAGE" => case.claim.header.odometer_in_km = Some(527 * 801),
        "TAKEN-BACK" => {
            let vehicle = case.facts.vehicle.as_mut().unwrap();
            vehicle.events.push(crate::vehicle::VehicleEvent {
                id: uuid::Uuid::nil(),
                date: day("2026-01-01"),
                detail: crate::vehicle::EventDetail::MarkedReturned { reason: "lemon".to_owned() },
            });
        }
        "HOURS" => case.claim.lines[1].content.hours = Some(Hours(181)),
        "PRICE" => case.amount(1, 10_600),
        "TOWING" => {
            let details = RoadsideRescueDetails { towing_distance_km: Some(101), ..Default::default() };
            case.claim.header.details = Some(Details::RoadsideRescue(details));
        }
        "SUBLET" => case.claim.lines[0].content.line_type = LineType::Sublet,
        "OUTLIER" => case.amounts(200_000),
        "LIMIT" => case.facts.station.self_approval_limit = Some(crate::claims::sample::cny("500")),
        "WEEKEND" => {
            case.claim.header.repair_completion_date = Some(day("2026-11-14"));
            case.claim.lines[0].content.line_type = LineType::Labor;
        }
        "LONG" => case.claim.header.complaint_date = Some(day("2026-10-10")),
        "LAST-DAYS" => case.claim.header.odometer_in_km = Some(59_500),
        "NEW-STATION" => case.history.station_claims = 19,
        "REJECTIONS" => case.history.station_rejected_90d = 9,
        "RESUBMITTED" => case.claim.submission.as_mut().unwrap().revision = 3,
        "MAINTENANCE" => case.claim.kind = Kind::RunningInMaintenance,
        other => panic!("{other} has no claim that it is for; write one here"),
    }
}

fn rules() -> Vec<Value> {
    let set: Value = serde_json::from_str(RULES).unwrap();
    set["rules"].as_array().unwrap().clone()
}

#[test]
fn each_rule_is_hit_by_its_claim_and_missed_by_an_ordinary_one() {
    assert!(rules().len() >= 26 + 2, "the classical checks, and the approvals behind them");
    for rule in rules() {
        let (id, source) = (rule["ruleId"].as_str().unwrap(), rule["condition"].as_str().unwrap());
        let condition = Condition::compile(source).unwrap_or_else(|fault| panic!("{id}: {fault:?}"));
        let ordinary = Case::ordinary();
        if id == "SMALL" {
            assert_eq!(condition.holds(&ordinary.situation()), Ok(true), "an ordinary claim is approved");
            let mut large = Case::ordinary();
            large.amounts(200_001);
            assert_eq!(condition.holds(&large.situation()), Ok(false), "a larger one is not");
            continue;
        }
        if id == "MAINTENANCE" {
            let mut found = Case::ordinary();
            found.warn(ReasonCode::FreeServiceLimit);
            assert_eq!(condition.holds(&found.situation()), Ok(false), "a service about which something was found");
        } else {
            assert_eq!(condition.holds(&ordinary.situation()), Ok(false), "{id} is hit by an ordinary claim");
        }
        let mut case = Case::ordinary();
        provoke(id, &mut case);
        assert_eq!(condition.holds(&case.situation()), Ok(true), "{id} is not hit by its claim");
    }
}
