//! What decides claims: policies, settings, tariffs, rates, budgets, rules of evidence and of adjudication.

use recourse_domain::attachments::Category;
use recourse_domain::catalog::setting::{ApprovalLimit, EscalationStep};
use recourse_domain::catalog::station::LaborRate;
use recourse_domain::catalog::{
    AdjudicationRule, AdjudicationRuleSet, CoverageTerm, DistanceBand, EvidenceRule, ExchangeRate, Exclusion,
    GoodwillBudget, GradeRate, GuaranteeTerms, PolicyState, ReplacedPartTerm, RescueRate, RescueTariff, ReviewQueue,
    RuleAction, RuleSetState, RunningInService, Setting, TaxRate, TaxScheme, TermKind, WarrantyPolicy,
};
use recourse_domain::claims::{Code as ReasonCode, Kind, Reason};
use recourse_domain::money::{BasisPoints, Currency, ExchangeFactor, Money};
use recourse_domain::vehicle::VehicleUse;

use super::{code, day, no_id, rows, stored, time, yuan};
use crate::convert::*;

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
        proposal_days: 21,
        waiver_limits: vec![yuan(50_000)],
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
