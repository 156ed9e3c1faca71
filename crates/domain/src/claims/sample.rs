//! Claims for tests: one repair with a part line and a labour line.

use std::collections::BTreeMap;

use chrono::{DateTime, NaiveDate, Utc};
use uuid::Uuid;

use super::draft::NewClaim;
use super::{
    Claim, EvidenceFacts, Facts, Header, Kind, LineContent, LineInput, LinePricing, LineType, Outcome, Review, State,
    StateWord, Submission, Verdict,
};
use crate::catalog::{
    Address, AssemblyClass, Contact, CoverageTerm, Dated, DatedList, FailureCode, GradeRate, LaborOperation, LaborRate,
    Part, PartPrice, PaymentContract, PolicyState, RepairOrderSystem, Setting, Station, TaxScheme, TermKind,
    UnitOfMeasure, UsedPartRule, WarrantyPolicy,
};
use crate::ids::{ClaimId, Code, OrgId, UserId};
use crate::money::{BasisPoints, Currency, Hours, Money, Quantity};
use crate::vehicle::{Drivetrain, Sale, Vehicle, VehicleUse};
use crate::vin::Vin;

pub(crate) const CLERK: UserId = UserId(Uuid::from_u128(0xc1e4));
pub(crate) const AUDITOR: UserId = UserId(Uuid::from_u128(0xa0d1));
pub(crate) const OTHER_AUDITOR: UserId = UserId(Uuid::from_u128(0xa0d2));
pub(crate) const STATION: OrgId = OrgId(Uuid::from_u128(0x57a7));

pub(crate) fn code(text: &str) -> Code {
    Code::parse(text).unwrap()
}

pub(crate) fn day(text: &str) -> NaiveDate {
    text.parse().unwrap()
}

pub(crate) fn time(text: &str) -> DateTime<Utc> {
    text.parse().unwrap()
}

pub(crate) fn now() -> DateTime<Utc> {
    time("2026-11-23T08:00:00Z")
}

pub(crate) fn cny(text: &str) -> Money {
    Money::parse(Currency::CNY, text).unwrap()
}

pub(crate) fn header() -> Header {
    Header {
        vin: Some("LSVAM4186C2184841".to_owned()),
        complaint_description: "engine does not start".to_owned(),
        cause_description: "fuel pump does not build pressure".to_owned(),
        correction_description: "fuel pump replaced".to_owned(),
        failure_code: Some(code("F-0101")),
        causal_part: Some(code("P-100")),
        odometer_in_km: Some(20_000),
        complaint_date: Some(day("2026-11-10")),
        repair_start_date: Some(day("2026-11-10")),
        repair_completion_date: Some(day("2026-11-12")),
        external_repair_order: Some("RO-77".to_owned()),
        external_job: Some("1".to_owned()),
        ..Header::default()
    }
}

pub(crate) fn part_line() -> LineContent {
    LineContent {
        part: Some(code("P-100")),
        quantity: Some(Quantity::parse("1").unwrap()),
        is_causal: true,
        original_serial_number: Some("OLD-1".to_owned()),
        replacement_serial_number: Some("NEW-1".to_owned()),
        ..LineContent::new(LineType::Part)
    }
}

pub(crate) fn labor_line() -> LineContent {
    LineContent {
        operation: Some(code("OP-10")),
        hours: Some(Hours::parse("1.2").unwrap()),
        ..LineContent::new(LineType::Labor)
    }
}

pub(crate) fn new_claim() -> NewClaim {
    NewClaim {
        id: ClaimId(Uuid::from_u128(0x0198_0000_0000_7000_8000_0000_0000_0001)),
        seed: Uuid::from_u128(0x0198_0000_0000_7000_8000_0000_0000_0021),
        kind: Kind::WarrantyRepair,
        station: STATION,
        station_code: code("S-001"),
        currency: Currency::CNY,
        created_by: CLERK.into(),
        today: day("2026-11-23"),
    }
}

pub(crate) fn added(content: LineContent) -> LineInput {
    LineInput { number: 0, content }
}

/// A draft with a part line and a labour line, not priced.
pub(crate) fn draft() -> Claim {
    Claim::create(new_claim(), header(), vec![added(part_line()), added(labor_line())]).unwrap()
}

/// The same with the amounts 500 and 96 on its lines: as requested, as computed.
pub(crate) fn priced() -> Claim {
    let mut claim = draft();
    for (line, amount) in claim.lines.iter_mut().zip(["500", "96"]) {
        line.pricing =
            Some(LinePricing { requested: cny(amount), unit_price: None, source: None, computed: Some(cny(amount)) });
    }
    claim
}

/// What approves every line of a claim: by the auditor who reviews it, without limits.
pub(crate) fn approve_all(claim: &Claim) -> Review {
    let verdict = |line| Verdict {
        line,
        outcome: Outcome::Approved,
        approved: None,
        goodwill: None,
        reasons: Vec::new(),
        note: String::new(),
        internal_note: String::new(),
    };
    Review {
        auditor: AUDITOR,
        level: 0,
        may_grant_goodwill: false,
        verdicts: claim.lines.iter().map(|line| verdict(line.number)).collect(),
        note: String::new(),
        internal_note: String::new(),
    }
}

/// The priced claim in a state, without the rounds that would have led there.
pub(crate) fn in_state(word: StateWord) -> Claim {
    let now = now();
    let later = time("2026-12-23T08:00:00Z");
    let state = match word {
        StateWord::Draft => State::Draft,
        StateWord::Submitted => State::Submitted { review_due_time: Some(later) },
        StateWord::InReview => State::InReview {
            review_due_time: Some(later),
            auditor: AUDITOR,
            review_start_time: now,
            awaiting_appraisal: false,
        },
        StateWord::Approved => {
            State::Approved { decide_time: now, promised_pay_date: None, appeal_due_time: Some(later) }
        }
        StateWord::Rejected => State::Rejected { decide_time: now, appeal_due_time: Some(later) },
        StateWord::Returned => State::Returned { return_time: now, answer_due_time: later },
        StateWord::Withdrawn => State::Withdrawn { withdraw_time: now, withdrawn_by: CLERK, reason: String::new() },
        StateWord::Settled => State::Settled { settle_time: now, appeal_due_time: Some(later) },
        StateWord::Closed => State::Closed { close_time: now, appeal_due_time: Some(later) },
        StateWord::Lapsed => State::Lapsed { lapse_time: now },
    };
    let submission = (word != StateWord::Draft).then_some(Submission {
        revision: 1,
        first_submit_time: now,
        submit_time: now,
        submitted_by: CLERK,
        submitted_by_client: false,
        evidence: std::collections::BTreeMap::new(),
    });
    Claim { state, submission, ..priced() }
}

fn dated<T>(id: u128, value: T) -> Dated<T> {
    Dated { id: Uuid::from_u128(id), valid_from: day("2026-01-01"), valid_to: None, value }
}

pub(crate) fn setting() -> Setting {
    Setting {
        code: code("2026"),
        valid_from: day("2026-01-01"),
        time_zone: "Asia/Shanghai".to_owned(),
        submission_window_days: 30,
        duplicate_window_days: 60,
        return_answer_days: 30,
        appeal_days: 30,
        review_due_days: 7,
        look_back_days: 365,
        supplement_window_days: 90,
        supplement_limit: 1,
        payment_days: 45,
        statement_objection_days: 5,
        used_part_ship_days: 10,
        hours_tolerance_bp: BasisPoints::ZERO,
        price_tolerance_bp: BasisPoints::ZERO,
        odometer_tolerance_km: 0,
        rescue_distance_tolerance_bp: BasisPoints::ZERO,
        returnable_kinds: vec![Kind::WarrantyRepair, Kind::CompensationAppraisal, Kind::MajorAssembly],
        deemed_approval: false,
        pay_after_supplier_answer: false,
        grade_rates: DatedList(vec![dated(
            0x6a,
            GradeRate { grade: code("A"), labor_rate: LaborRate { rate: cny("80"), night_rate: None } },
        )]),
        tax_rates: DatedList::default(),
        authorization_days: 60,
        approval_limits: Vec::new(),
        external_ref: String::new(),
        appraisal_access_days: 0,
        escalations: Vec::new(),
        goodwill_needs_budget: false,
        goodwill_overdraft_level: 0,
        waiver_limits: Vec::new(),
        proposal_days: 0,
    }
}

pub(crate) fn part(number: &str) -> Part {
    let price = |id, amount: &str| DatedList(vec![dated(id, PartPrice { price: cny(amount) })]);
    Part {
        code: code(number),
        display_code: String::new(),
        display_name: "fuel pump".to_owned(),
        category: code("FUEL"),
        unit: UnitOfMeasure::Piece,
        assembly_class: AssemblyClass::Ordinary,
        system: None,
        main_part: None,
        serialized: true,
        safety: false,
        restricted_kind: None,
        superseded_by: None,
        default_supplier: None,
        used_part_rule: UsedPartRule::ReturnToOem,
        models: vec![code("M-1")],
        quantity_per_vehicle: Some(Quantity(1_000)),
        retail_prices: price(0x1a, "700"),
        claim_prices: price(0x1b, "500"),
        dealer_net_prices: price(0x1c, "400"),
        recovery_prices: price(0x1d, "450"),
        external_ref: String::new(),
    }
}

pub(crate) fn operation(number: &str) -> LaborOperation {
    LaborOperation {
        code: code(number),
        display_code: String::new(),
        display_name: "replace fuel pump".to_owned(),
        description: String::new(),
        part_category: Some(code("FUEL")),
        models: Vec::new(),
        default_hours: Some(Hours(120)),
        model_hours: Vec::new(),
        skill: None,
        skill_level: 0,
        actual_hours_allowed: false,
        actual_hours_cap: None,
        includes: Vec::new(),
        overlap_group: None,
        external_ref: String::new(),
    }
}

pub(crate) fn station() -> Station {
    Station {
        code: code("S-001"),
        display_code: String::new(),
        display_name: "浦东服务站".to_owned(),
        address: Address::default(),
        contact: Contact::default(),
        opening_hours: String::new(),
        region: "EAST".to_owned(),
        brands: Vec::new(),
        grade: Some(code("A")),
        grades: DatedList::default(),
        currency: Currency::CNY,
        payment_contract: PaymentContract::ClaimPrice,
        labor_rates: DatedList::default(),
        markups: DatedList::default(),
        tax_number: String::new(),
        tax_scheme: TaxScheme::General,
        bank_account: None,
        bays: 8,
        repair_order_system: RepairOrderSystem::External,
        self_approval_limit: None,
        external_ref: String::new(),
    }
}

pub(crate) fn vehicle() -> Vehicle {
    Vehicle {
        vin: Vin::parse("LSVAM4186C2184841").unwrap(),
        vin_override_reason: String::new(),
        brand: None,
        model: code("M-1"),
        plant: None,
        lot: String::new(),
        build_date: Some(day("2025-05-01")),
        drivetrain: Drivetrain::Combustion,
        engine_type: String::new(),
        sale: Some(Sale {
            invoice_number: "INV-1".to_owned(),
            invoice_date: day("2025-06-01"),
            delivery_date: None,
            seller: None,
            voucher_number: String::new(),
            vehicle_use: VehicleUse::Family,
            price: None,
        }),
        events: Vec::new(),
        ownership_periods: Vec::new(),
        components: Vec::new(),
        external_ref: String::new(),
    }
}

/// Three years or 60,000 km on everything.
pub(crate) fn policy() -> WarrantyPolicy {
    WarrantyPolicy {
        code: code("BASE-2025.1"),
        display_code: String::new(),
        display_name: "base warranty".to_owned(),
        policy_family: code("BASE"),
        version_number: 1,
        state: PolicyState::Published,
        publish_time: Some(now()),
        valid_from: day("2025-01-01"),
        valid_to: None,
        applies_to_sold_vehicles: false,
        models: Vec::new(),
        terms: vec![CoverageTerm {
            code: code("ALL"),
            kind: TermKind::General,
            part_categories: Vec::new(),
            vehicle_use: None,
            months: 36,
            km: Some(60_000),
            clause: "§ 3".to_owned(),
        }],
        exclusions: Vec::new(),
        running_in_services: Vec::new(),
        replaced_part: None,
        guarantee: None,
        external_ref: String::new(),
    }
}

/// Facts about the sample claim in which nothing is wrong with it.
pub(crate) fn facts() -> Facts {
    let failure_code = FailureCode {
        code: code("F-0101"),
        display_code: String::new(),
        display_name: "no fuel pressure".to_owned(),
        component_group: code("FUEL"),
        failure_mode: code("DEAD"),
        problem_group: None,
        safety: false,
        external_ref: String::new(),
    };
    Facts {
        now: now(),
        today: day("2026-11-23"),
        setting: setting(),
        setting_of_prices: setting(),
        station: station(),
        vehicle: Some(vehicle()),
        policies: vec![policy()],
        parts: ["P-100"].into_iter().map(|number| (code(number), part(number))).collect(),
        operations: ["OP-10", "OP-20"].into_iter().map(|number| (code(number), operation(number))).collect(),
        failure_code: Some(failure_code),
        part_supplies: Vec::new(),
        first_submit_date: None,
        odometer_readings: Vec::new(),
        similar_claims: Vec::new(),
        same_job: None,
        supplemented: None,
        authorizations: Vec::new(),
        entitlements: Vec::new(),
        rescue_tariffs: Vec::new(),
        tracks: BTreeMap::new(),
        shared_trips: Vec::new(),
        earlier_repairs: Vec::new(),
        evidence: EvidenceFacts::default(),
        campaigns: Vec::new(),
    }
}
