//! Parts, who supplies them, and the work of fitting them.

use recourse_domain::catalog::{
    AssemblyClass, FailureCode, LaborOperation, ModelHours, Part, PartPrice, PartSupply, RestrictedKind, Skill,
    UnitOfMeasure, UsedPartRule, VehicleSystem,
};
use recourse_domain::money::{BasisPoints, Hours, Quantity};
use recourse_proto::v1;

use super::{code, day, id, no_id, rows, stored, yuan};
use crate::convert::*;

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
