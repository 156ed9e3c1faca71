//! What is shown and read back is what it was: for every kind of master data, with every field filled.

use chrono::{DateTime, NaiveDate, Utc};
use recourse_domain::attachments::Category;
use recourse_domain::catalog::setting::{ApprovalLimit, EscalationStep};
use recourse_domain::catalog::station::LaborRate;
use recourse_domain::catalog::{
    Address, AdjudicationRule, AdjudicationRuleSet, Appraiser, AssemblyClass, BankAccount, Contact, CoverageTerm,
    Dated, DatedList, DistanceBand, EvidenceRule, ExchangeRate, Exclusion, Expert, FailureCode, GoodwillBudget,
    GradeRate, GuaranteeTerms, HandlingFee, LaborOperation, Markup, ModelHours, Part, PartPrice, PartSupply,
    PaymentContract, PolicyState, RecoveryContract, RepairOrderSystem, ReplacedPartTerm, RescueRate, RescueTariff,
    RestrictedKind, ReviewQueue, RuleAction, RuleSetState, RunningInService, Setting, Skill, Station, Stored, Supplier,
    TaxRate, TaxScheme, TermKind, UnitOfMeasure, UsedPartRule, VehicleSystem, WarrantyPolicy,
};
use recourse_domain::claims::{Code as ReasonCode, Kind, Reason};
use recourse_domain::ids::{ClaimId, Code, OrgId};
use recourse_domain::money::{BasisPoints, Currency, ExchangeFactor, Hours, Money, Quantity};
use recourse_domain::text::Lang;
use recourse_domain::vehicle::{
    Component, Drivetrain, EventDetail, OwnershipPeriod, Sale, Vehicle, VehicleEvent, VehicleUse,
};
use recourse_domain::vin::Vin;
use recourse_proto::v1;
use uuid::Uuid;

use super::*;

fn code(text: &str) -> Code {
    Code::parse(text).unwrap()
}

fn day(text: &str) -> NaiveDate {
    text.parse().unwrap()
}

fn id(number: u128) -> Uuid {
    Uuid::from_u128(number)
}

fn yuan(minor: i64) -> Money {
    Money::new(Currency::CNY, minor)
}

fn time() -> DateTime<Utc> {
    DateTime::from_timestamp(1_800_000_000, 0).unwrap()
}

fn stored<T>(value: T) -> Stored<T> {
    Stored {
        id: id(1),
        version: 3,
        create_time: time(),
        update_time: time(),
        retire_time: None,
        head_hash: Vec::new(),
        value,
    }
}

fn rows<T>(value: T) -> DatedList<T> {
    DatedList(vec![Dated { id: id(7), valid_from: day("2026-01-01"), valid_to: Some(day("2027-01-01")), value }])
}

fn address() -> Address {
    Address {
        country: "CN".to_owned(),
        province: "上海".to_owned(),
        city: "上海".to_owned(),
        postal_code: "200120".to_owned(),
        lines: vec!["世纪大道 1 号".to_owned()],
    }
}

fn contact() -> Contact {
    Contact { name: "王经理".to_owned(), phone: "+86 21 1".to_owned(), email: "a@example.com".to_owned() }
}

fn account() -> Option<BankAccount> {
    Some(BankAccount {
        bank_name: "ICBC".to_owned(),
        bank_code: "102290000000".to_owned(),
        holder: "浦东服务站".to_owned(),
        number: "6222".to_owned(),
    })
}

/// No row in a round trip is new.
fn no_id() -> Uuid {
    panic!("a row that has a key needs no other")
}

#[test]
fn station() {
    let station = Station {
        code: code("S-001"),
        display_code: "s/001".to_owned(),
        display_name: "浦东服务站".to_owned(),
        address: address(),
        contact: contact(),
        opening_hours: "8-18".to_owned(),
        region: "EAST".to_owned(),
        brands: vec![code("B1"), code("B2")],
        grade: Some(code("A")),
        currency: Currency::CNY,
        payment_contract: PaymentContract::DealerNetPlusMarkup,
        labor_rates: rows(LaborRate { rate: yuan(12_000), night_rate: Some(yuan(18_050)) }),
        markups: rows(Markup { markup_bp: BasisPoints(-150) }),
        tax_number: "91310000".to_owned(),
        tax_scheme: TaxScheme::Simplified,
        bank_account: account(),
        bays: 8,
        repair_order_system: RepairOrderSystem::External,
        self_approval_limit: Some(yuan(100_000)),
        external_ref: "X-1".to_owned(),
    };
    let shown = stations::show(&stored(station.clone()));
    assert_eq!((shown.name.as_str(), shown.etag.as_str(), shown.active), ("stations/S-001", "v3", true));
    assert_eq!(stations::read(shown, "S-001", &no_id), Ok(station));
}

#[test]
fn supplier() {
    let supplier = Supplier {
        code: code("S-017"),
        display_code: "17".to_owned(),
        display_name: "燃油泵厂".to_owned(),
        address: address(),
        contact: contact(),
        currency: Currency::CNY,
        tax_number: "9132".to_owned(),
        bank_account: account(),
        recovery_contracts: rows(RecoveryContract {
            part_category: Some(code("FUEL")),
            part_factor_bp: BasisPoints(10_000),
            labor_factor_bp: BasisPoints(8_000),
            travel_factor_bp: BasisPoints(500),
            other_factor_bp: BasisPoints(1),
            handling_fee: Some(HandlingFee {
                fixed_amount: None,
                rate_bp: Some(BasisPoints(500)),
                cap: Some(yuan(5_000)),
            }),
            ceiling_per_claim: Some(yuan(1_000_000)),
            minimum: Some(yuan(1)),
            answer_days: 15,
            deemed_clause: true,
            covers_goodwill: true,
        }),
        external_ref: "X-2".to_owned(),
    };
    let shown = suppliers::show(&stored(supplier.clone()));
    assert_eq!(suppliers::read(shown, "S-017", &no_id), Ok(supplier));
}

#[test]
fn appraiser() {
    let appraiser = Appraiser {
        code: code("A-01"),
        display_code: "a".to_owned(),
        display_name: "质检所".to_owned(),
        in_house: true,
        address: address(),
        contact: contact(),
        regions: vec!["EAST".to_owned()],
        experts: vec![Expert {
            id: id(9),
            display_name: "王工".to_owned(),
            license_number: "EXP-1".to_owned(),
            valid_from: day("2026-01-01"),
            valid_to: Some(day("2026-12-31")),
            specialties: vec!["engine".to_owned()],
            certificate_sha256: vec!["ab".repeat(32)],
            certificate_subject: "CN=Wang".to_owned(),
        }],
        interests: vec![code("S-017")],
        station_interests: vec![code("S-001")],
        external_ref: "X-3".to_owned(),
    };
    let shown = appraisers::show(&stored(appraiser.clone()));
    assert_eq!(appraisers::read(shown, "A-01", &no_id), Ok(appraiser));
}

#[test]
fn part() {
    let part = Part {
        code: code("P-100"),
        display_code: "P 100".to_owned(),
        display_name: "动力蓄电池".to_owned(),
        category: code("HV"),
        unit: UnitOfMeasure::Set,
        assembly_class: AssemblyClass::Assembly,
        system: Some(VehicleSystem::Battery),
        main_part: Some(code("PACK")),
        serialized: true,
        safety: true,
        restricted_kind: Some(RestrictedKind::TractionBattery),
        superseded_by: Some(code("P-101")),
        default_supplier: Some(code("S-017")),
        used_part_rule: UsedPartRule::Hold,
        models: vec![code("M1")],
        quantity_per_vehicle: Some(Quantity(1_500)),
        retail_prices: rows(PartPrice { price: yuan(4) }),
        claim_prices: rows(PartPrice { price: yuan(3) }),
        dealer_net_prices: rows(PartPrice { price: yuan(2) }),
        recovery_prices: rows(PartPrice { price: yuan(1) }),
        external_ref: "X-4".to_owned(),
    };
    let shown = parts::show(&stored(part.clone()));
    assert_eq!(parts::read(shown, "P-100", &no_id), Ok(part));
}

#[test]
fn labor_operation() {
    let operation = LaborOperation {
        code: code("OP-1"),
        display_code: "OP 1".to_owned(),
        display_name: "更换燃油泵".to_owned(),
        description: "a\nb".to_owned(),
        part_category: Some(code("FUEL")),
        models: vec![code("M2")],
        default_hours: Some(Hours(150)),
        model_hours: vec![ModelHours { model: code("M2"), hours: Hours(220) }],
        skill: Some(Skill::Electrical),
        skill_level: 2,
        actual_hours_allowed: true,
        actual_hours_cap: Some(Hours(400)),
        includes: vec![code("OP-2")],
        overlap_group: Some(code("TANK")),
        external_ref: "X-5".to_owned(),
    };
    let shown = labor_operations::show(&stored(operation.clone()));
    assert_eq!(labor_operations::read(shown, "OP-1"), Ok(operation));
}

#[test]
fn failure_code() {
    let failure = FailureCode {
        code: code("F-1"),
        display_code: "f 1".to_owned(),
        display_name: "泵不工作".to_owned(),
        component_group: code("FUEL"),
        failure_mode: code("DEAD"),
        problem_group: Some(code("STALL")),
        safety: true,
        external_ref: "X-6".to_owned(),
    };
    let shown = failure_codes::show(&stored(failure.clone()));
    assert_eq!(failure_codes::read(shown, "F-1"), Ok(failure));
}

#[test]
fn evidence_rule() {
    let rule = EvidenceRule {
        code: code("ER-1"),
        display_name: "两张照片".to_owned(),
        kind: Some(Kind::WarrantyRepair),
        operation: Some(code("OP-1")),
        part: Some(code("P-1")),
        part_category: Some(code("FUEL")),
        failure_code: Some(code("F-1")),
        from_amount: Some(yuan(100_000)),
        category: Category::FaultMemory,
        minimum_count: 2,
        clause: "4.2".to_owned(),
        valid_from: day("2026-01-01"),
        valid_to: Some(day("2027-01-01")),
        external_ref: "er-1".to_owned(),
    };
    let shown = evidence_rules::show(&stored(rule.clone()));
    assert_eq!(evidence_rules::read(shown, "ER-1"), Ok(rule));
}

fn policy() -> WarrantyPolicy {
    WarrantyPolicy {
        code: code("BASE-2026.1"),
        display_code: "Base 2026/1".to_owned(),
        display_name: "整车保修".to_owned(),
        policy_family: code("BASE"),
        version_number: 1,
        state: PolicyState::Published,
        publish_time: Some(time()),
        valid_from: day("2026-01-01"),
        valid_to: Some(day("2027-01-01")),
        applies_to_sold_vehicles: true,
        models: vec![code("M1")],
        terms: vec![CoverageTerm {
            code: code("WEAR"),
            kind: TermKind::WearPart,
            part_categories: vec![code("BRAKE")],
            vehicle_use: Some(VehicleUse::Family),
            months: 6,
            km: Some(10_000),
            clause: "§ 3".to_owned(),
        }],
        exclusions: vec![Exclusion {
            part_categories: vec![code("TRIM")],
            parts: vec![code("P-9")],
            labor_operations: vec![code("OP-9")],
            description: "装饰件".to_owned(),
            clause: "§ 4".to_owned(),
        }],
        replaced_part: Some(ReplacedPartTerm { months: 24, km: Some(40_000), clause: "§ 9".to_owned() }),
        running_in_services: vec![RunningInService {
            sequence: 1,
            from_km: 1_000,
            to_km: 3_000,
            months: 6,
            fee: yuan(20_000),
        }],
        guarantee: Some(GuaranteeTerms { months: 24, km: 50_000, coefficient_bp: BasisPoints(50) }),
        external_ref: "X-7".to_owned(),
    }
}

#[test]
fn warranty_policy() {
    let shown = policies::show(&stored(policy()));
    assert_eq!(policies::read(shown.clone(), "BASE-2026.1", Some(&policy())), Ok(policy()));
    // Nobody publishes by sending a state.
    let created = policies::read(shown, "BASE-2026.1", None).unwrap();
    assert_eq!((created.state, created.publish_time), (PolicyState::Draft, None));
}

#[test]
fn part_supply() {
    let supply = PartSupply {
        code: code("PS-1"),
        part: code("P-100"),
        supplier: code("S-017"),
        plant: Some(code("SH")),
        valid_from: day("2025-01-01"),
        valid_to: Some(day("2026-01-01")),
        serial_pattern: "A*".to_owned(),
        lot: "L1".to_owned(),
        quota_bp: Some(BasisPoints(0)),
        external_ref: "X-8".to_owned(),
    };
    let shown = part_supplies::show(&stored(supply.clone()));
    assert_eq!(part_supplies::read(shown, "PS-1"), Ok(supply));
}

#[test]
fn setting() {
    let setting = Setting {
        code: code("2026"),
        valid_from: day("2026-01-01"),
        time_zone: "Europe/Berlin".to_owned(),
        submission_window_days: 1,
        duplicate_window_days: 2,
        return_answer_days: 3,
        appeal_days: 4,
        review_due_days: 5,
        look_back_days: 6,
        supplement_window_days: 7,
        supplement_limit: 8,
        payment_days: 9,
        statement_objection_days: 10,
        used_part_ship_days: 11,
        hours_tolerance_bp: BasisPoints(12),
        price_tolerance_bp: BasisPoints(13),
        odometer_tolerance_km: 14,
        rescue_distance_tolerance_bp: BasisPoints(15),
        returnable_kinds: vec![Kind::WarrantyRepair, Kind::MajorAssembly],
        deemed_approval: true,
        pay_after_supplier_answer: true,
        grade_rates: rows(GradeRate {
            grade: code("A"),
            labor_rate: LaborRate { rate: yuan(12_000), night_rate: Some(yuan(15_000)) },
        }),
        authorization_days: 45,
        tax_rates: rows(TaxRate { category: code("GOODS"), scheme: TaxScheme::General, rate_bp: BasisPoints(1_300) }),
        approval_limits: vec![
            ApprovalLimit { level: 0, currency: Currency::CNY, limit: Some(Money::new(Currency::CNY, 500_000)) },
            ApprovalLimit { level: 3, currency: Currency::CNY, limit: None },
        ],
        external_ref: "X-9".to_owned(),
        appraisal_access_days: 45,
        escalations: vec![
            EscalationStep { days_overdue: 0, queue: Some(code("LEAD")) },
            EscalationStep { days_overdue: 3, queue: None },
        ],
        goodwill_needs_budget: true,
        goodwill_overdraft_level: 4,
        waiver_limits: vec![yuan(50_000)],
        proposal_days: 21,
    };
    let shown = settings::show(&stored(setting.clone()));
    assert_eq!(settings::read(shown, "2026", &no_id), Ok(setting));
}

#[test]
fn rescue_tariff() {
    let bands = vec![
        DistanceBand { to_km: Some(50), price_per_km: yuan(300) },
        DistanceBand { to_km: None, price_per_km: yuan(200) },
    ];
    let rate =
        RescueRate { repeat_trip: true, night: true, hired_vehicle: true, bands, hourly_rate: Some(yuan(6_000)) };
    let tariff = RescueTariff {
        code: code("R-2026"),
        display_name: "外出急救".to_owned(),
        currency: Currency::CNY,
        valid_from: day("2026-01-01"),
        valid_to: Some(day("2027-01-01")),
        rates: vec![rate],
        both_ways: true,
        trip_cap: Some(yuan(200_000)),
        towing_cap: Some(yuan(80_000)),
        distance_tolerance: Some(BasisPoints(1_000)),
        gap_minutes: 12,
        gap_km: 7,
        night_hours: recourse_domain::catalog::rescue_tariff::NightHours::parse("21:30", "05:15"),
        external_ref: "X-10".to_owned(),
    };
    let shown = rescue_tariffs::show(&stored(tariff.clone()));
    assert_eq!(rescue_tariffs::read(shown, "R-2026"), Ok(tariff));
}

#[test]
fn exchange_rate() {
    let rate = ExchangeRate {
        code: code("CNY-EUR"),
        base: Currency::CNY,
        quote: Currency::parse("EUR").unwrap(),
        factor: ExchangeFactor::parse("0.12845").unwrap(),
        base_units: 100,
        valid_from: day("2026-11-01"),
        source: "PBOC".to_owned(),
        external_ref: "X-11".to_owned(),
    };
    let shown = exchange_rates::show(&stored(rate.clone()));
    assert_eq!(exchange_rates::read(shown, "CNY-EUR"), Ok(rate));
}

#[test]
fn review_queue() {
    let queue = ReviewQueue {
        code: code("EAST"),
        display_name: "East".to_owned(),
        display_name_zh: "东区".to_owned(),
        kinds: vec![Kind::WarrantyRepair, Kind::RoadsideRescue],
        regions: vec!["EAST".to_owned()],
        external_ref: "q".to_owned(),
    };
    let shown = review_queues::show(&stored(queue.clone()));
    assert_eq!(review_queues::read(shown, "EAST"), Ok(queue));
}

#[test]
fn goodwill_budget() {
    let budget = GoodwillBudget {
        code: code("EAST-2026"),
        region: "EAST".to_owned(),
        valid_from: day("2026-01-01"),
        valid_to: day("2027-01-01"),
        amount: yuan(1_000_000),
        kinds: vec![Kind::WarrantyRepair],
        brands: vec![code("RC")],
        external_ref: "X-20".to_owned(),
    };
    let shown = goodwill_budgets::show(&stored(budget.clone()));
    assert_eq!(goodwill_budgets::read(shown, "EAST-2026"), Ok(budget));
}

#[test]
fn adjudication_rule_set() {
    let reason = Reason {
        clause: "4.1".to_owned(),
        evidence_needed: "a photo".to_owned(),
        fix: "send it".to_owned(),
        field: "evidence".to_owned(),
        ..Reason::of(ReasonCode::EvidenceMissing)
    };
    let rule = |action, queue| AdjudicationRule {
        id: code("R-1"),
        priority: 7,
        condition: "claim.amount_minor > 5".to_owned(),
        action,
        queue,
        reasons: vec![reason.clone()],
        evidence: "a photo".to_owned(),
        evidence_zh: "照片".to_owned(),
        kinds: vec![Kind::MajorAssembly],
        description: "photos".to_owned(),
        description_zh: "照片".to_owned(),
        disabled: true,
    };
    let set = AdjudicationRuleSet {
        code: code("CLASSIC.2"),
        display_name: "Classic".to_owned(),
        family: code("CLASSIC"),
        version_number: 2,
        state: RuleSetState::Published,
        publish_time: Some(time()),
        end_time: Some(time()),
        valid_from: day("2026-12-01"),
        sample_every: 20,
        sample_queue: Some(code("SAMPLES")),
        default_queue: Some(code("GENERAL")),
        rules: [
            RuleAction::Approve,
            RuleAction::Route,
            RuleAction::Return,
            RuleAction::Reject,
            RuleAction::RequireEvidence,
        ]
        .map(|action| rule(action, (action == RuleAction::Route).then(|| code("SAFETY"))))
        .to_vec(),
        external_ref: "x".to_owned(),
        may_authorize: true,
    };
    let shown = adjudication_rule_sets::show(&stored(set.clone()));
    assert_eq!(adjudication_rule_sets::read(shown.clone(), "CLASSIC.2", Some(&set)), Ok(set.clone()));
    let fresh = adjudication_rule_sets::read(shown, "CLASSIC.2", None).unwrap();
    assert_eq!(
        (fresh.state, fresh.publish_time, fresh.end_time),
        (RuleSetState::Draft, None, None),
        "a new one is a draft"
    );
}

fn vehicle() -> Vehicle {
    let sale = Sale {
        invoice_number: "INV-1".to_owned(),
        invoice_date: day("2026-01-10"),
        delivery_date: Some(day("2026-01-12")),
        seller: Some(code("S-001")),
        voucher_number: "V-1".to_owned(),
        vehicle_use: VehicleUse::Family,
        price: Some(yuan(20_000_000)),
    };
    let owner = Some(OrgId(id(71)));
    let event = |number, date, detail| VehicleEvent { id: id(number), date: day(date), detail };
    Vehicle {
        vin: Vin::parse("LJCPCBLCX11000237").unwrap(),
        vin_override_reason: "as on the type plate".to_owned(),
        brand: Some(code("B1")),
        model: code("M1"),
        plant: Some(code("SH")),
        lot: "L14".to_owned(),
        build_date: Some(day("2025-12-01")),
        drivetrain: Drivetrain::PlugInHybrid,
        engine_type: "E15".to_owned(),
        sale: Some(sale.clone()),
        events: vec![
            event(1, "2026-01-12", EventDetail::Sale(sale)),
            event(2, "2026-02-01", EventDetail::OwnerTransfer { owner }),
            event(3, "2026-02-02", EventDetail::UseChange { vehicle_use: VehicleUse::Commercial }),
            event(4, "2026-02-03", EventDetail::MarkedReturned { reason: "发动机".to_owned() }),
        ],
        ownership_periods: vec![OwnershipPeriod {
            owner,
            from_date: day("2026-01-12"),
            to_date: Some(day("2026-02-01")),
        }],
        components: vec![Component {
            id: id(5),
            part: code("P-100"),
            serial_number: "A1".to_owned(),
            position: "FRONT".to_owned(),
            lot: "L1".to_owned(),
            supplier: Some(code("S-017")),
            from_date: Some(day("2025-12-01")),
            to_date: Some(day("2026-02-01")),
            claim: Some(ClaimId(id(6))),
        }],
        external_ref: "X-10".to_owned(),
    }
}

#[test]
fn a_vehicle() {
    let shown = vehicles::show(&stored(vehicle()));
    let types: Vec<_> = shown.events.iter().map(v1::VehicleEvent::r#type).collect();
    use v1::vehicle_event::Type;
    assert_eq!(types, [Type::Sale, Type::OwnerTransfer, Type::UseChange, Type::MarkedReturned]);
    assert!(shown.returned && shown.warranty_start == date(day("2026-01-12")));
    assert_eq!(vehicles::read(shown, "LJCPCBLCX11000237", Some(&vehicle()), &no_id), Ok(vehicle()));
}

#[test]
fn a_vehicle_that_is_created_sold_begins_with_the_event_of_its_sale() {
    let shown = vehicles::show(&stored(vehicle()));
    let created = vehicles::read(shown, "ljcpcblcx11000237", None, &|| id(8)).unwrap();
    let events: Vec<_> = created.events.iter().map(|event| (event.id, event.date)).collect();
    assert_eq!(events, [(id(8), day("2026-01-12"))], "events are made by the system, not sent");
    assert_eq!(created.vin.as_str(), "LJCPCBLCX11000237");
}

#[test]
fn everything_that_is_wrong_is_told_at_once() {
    let message = v1::Station {
        brands: vec!["ok".to_owned(), "no good".to_owned()],
        currency: "XXX".to_owned(),
        labor_rates: vec![v1::StationLaborRate { id: "1".to_owned(), ..v1::StationLaborRate::default() }],
        ..v1::Station::default()
    };
    let found: Vec<_> = stations::read(message, "S-001", &no_id)
        .unwrap_err()
        .into_iter()
        .map(|violation| (violation.field, violation.rule))
        .collect();
    let expected = [
        ("brands[1]", "BAD_CODE"),
        ("currency", "BAD_CURRENCY"),
        ("payment_contract", "REQUIRED"),
        ("labor_rates[0].id", "BAD_FORMAT"),
        ("labor_rates[0].valid_from", "REQUIRED"),
        ("labor_rates[0].rate", "REQUIRED"),
        ("tax_scheme", "REQUIRED"),
        ("repair_order_system", "REQUIRED"),
    ];
    assert_eq!(found, expected.map(|(field, rule)| (field.to_owned(), rule)));
}

#[test]
fn a_new_row_gets_a_key() {
    let message = v1::Part {
        category: "FUEL".to_owned(),
        unit: v1::part::UnitOfMeasure::Piece.into(),
        assembly_class: v1::part::AssemblyClass::Ordinary.into(),
        used_part_rule: v1::part::UsedPartRule::None.into(),
        claim_prices: vec![v1::PartPrice {
            id: String::new(),
            valid_from: date(day("2026-01-01")),
            valid_to: None,
            price: money(yuan(100)),
        }],
        ..v1::Part::default()
    };
    let part = parts::read(message, "p-100", &|| id(42)).unwrap();
    assert_eq!((part.code, part.claim_prices.0[0].id), (code("P-100"), id(42)));
}

#[test]
fn a_vin_is_decoded_or_told_why_not() {
    let good = vehicles::decode("ｌｊｃｐｃｂｌｃｘ11000237", Lang::En);
    assert_eq!((good.vin.as_str(), good.valid, good.country.as_str()), ("LJCPCBLCX11000237", true, "CN"));
    let issues = |text: &str| {
        let decoded = vehicles::decode(text, Lang::ZhCn);
        let codes = decoded.issues.iter().map(|issue| (issue.code(), issue.blocking)).collect::<Vec<_>>();
        (decoded.valid, codes)
    };
    use v1::vin_issue::Code as Issue;
    assert_eq!(issues("LJC"), (false, vec![(Issue::Length, true)]));
    assert_eq!(issues("LJCPCBLCXI1000237"), (false, vec![(Issue::Charset, true)]));
    assert_eq!(issues("LJCPCBLC001000237"), (false, vec![(Issue::CheckDigit, true), (Issue::YearCode, true)]));
    assert_eq!(issues("WVWZZZ1JZ3W386752"), (true, vec![(Issue::CheckDigit, false)]));
}
