//! Parts with their prices, the labour time standard, failure codes, and who supplied what.

use std::collections::BTreeMap;

use recourse_proto::v1::failure_code_service_server::FailureCodeService;
use recourse_proto::v1::labor_operation::Skill;
use recourse_proto::v1::labor_operation_service_server::LaborOperationService;
use recourse_proto::v1::part::{AssemblyClass, UnitOfMeasure, VehicleSystem};
use recourse_proto::v1::part_service_server::PartService;
use recourse_proto::v1::part_supply_service_server::PartSupplyService;
use recourse_proto::v1::share_agreement_service_server::ShareAgreementService;
use recourse_proto::{Method, v1};
use recourse_service::admission::Identity;

use super::organizations::supplier_of;
use super::wire::{Desk, answered, cny, date, day, first_day, hours, pieces};
use super::world::{CATEGORIES, Counts, MODES, PartKind, SAFETY, failure_code};
use crate::StartError;

/// Months of build, as year and month, in which the first plant got the bad fuel pumps.
pub(super) const BAD_BUILDS: [(i32, u32); 2] = [(2025, 7), (2025, 8)];

/// The operation that replaces a part, by its position.
pub(super) fn replacement(part: usize) -> String {
    format!("OP-{}", 1_001 + part)
}

/// An operation that finds a fault in a category.
pub(super) fn diagnosis(counts: Counts, category: usize, way: usize) -> String {
    format!("OP-{}", 1_001 + counts.parts * 2 + category * counts.diagnoses + way % counts.diagnoses.max(1))
}

/// Creates the catalogue.
pub(super) async fn create(
    desk: &Desk,
    loader: &Identity,
    counts: Counts,
    parts: &[PartKind],
) -> Result<(), StartError> {
    for (index, kind) in parts.iter().enumerate() {
        let part = Some(part(index, kind, counts.suppliers));
        let message = v1::CreatePartRequest { part, part_id: kind.code.clone(), ..Default::default() };
        let request = desk.ask(loader, Method::PartServiceCreatePart, message)?;
        answered(&kind.code, desk.api.create_part(request).await)?;
    }
    for (code, operation) in operations(counts, parts) {
        let message = v1::CreateLaborOperationRequest {
            labor_operation: Some(operation),
            labor_operation_id: code.clone(),
            ..Default::default()
        };
        let request = desk.ask(loader, Method::LaborOperationServiceCreateLaborOperation, message)?;
        answered(&code, desk.api.create_labor_operation(request).await)?;
    }
    for (code, failure) in failure_codes() {
        let message = v1::CreateFailureCodeRequest {
            failure_code: Some(failure),
            failure_code_id: code.clone(),
            ..Default::default()
        };
        let request = desk.ask(loader, Method::FailureCodeServiceCreateFailureCode, message)?;
        answered(&code, desk.api.create_failure_code(request).await)?;
    }
    for (code, agreement) in agreements(counts, parts) {
        let message = v1::CreateShareAgreementRequest {
            share_agreement: Some(agreement),
            share_agreement_id: code.clone(),
            ..Default::default()
        };
        let request = desk.ask(loader, Method::ShareAgreementServiceCreateShareAgreement, message)?;
        answered(&code, desk.api.create_share_agreement(request).await)?;
    }
    for (code, supply) in supplies(counts, parts) {
        let message = v1::CreatePartSupplyRequest {
            part_supply: Some(supply),
            part_supply_id: code.clone(),
            ..Default::default()
        };
        let request = desk.ask(loader, Method::PartSupplyServiceCreatePartSupply, message)?;
        answered(&code, desk.api.create_part_supply(request).await)?;
    }
    Ok(())
}

fn part(index: usize, kind: &PartKind, suppliers: usize) -> v1::Part {
    let category = CATEGORIES[kind.category];
    let class = match kind.class {
        'A' => AssemblyClass::Assembly,
        'M' => AssemblyClass::MainPart,
        _ => AssemblyClass::Ordinary,
    };
    // Every third part became dearer in July 2025.
    let dearer = index.is_multiple_of(3);
    let prices = |percent: i64| {
        let price = kind.price * percent / 100;
        let row = |fen: i64| v1::PartPrice { price: cny(fen), valid_from: date(first_day()), ..Default::default() };
        let change = day(2025, 7, 1);
        if dearer {
            // The old price was 94 % of the present one, in whole yuan.
            let before = v1::PartPrice { valid_to: date(change), ..row(price * 94 / 10_000 * 100) };
            vec![before, v1::PartPrice { valid_from: date(change), ..row(price) }]
        } else {
            vec![row(price)]
        }
    };
    v1::Part {
        display_code: format!("RC {} {}", &kind.code[2..], category.code),
        display_name: format!("{} {}", kind.en, kind.zh),
        category: category.code.to_owned(),
        unit: if kind.en.ends_with("set") { UnitOfMeasure::Set } else { UnitOfMeasure::Piece }.into(),
        assembly_class: class.into(),
        system: system(kind.system).into(),
        serialized: kind.serialized,
        safety: kind.safety,
        restricted_kind: kind.restricted.unwrap_or_default().into(),
        used_part_rule: kind.rule.into(),
        models: kind.models.iter().map(|model| (*model).to_owned()).collect(),
        quantity_per_vehicle: pieces(1),
        default_supplier: format!("suppliers/{}", supplier_of(kind.category, index, suppliers)),
        claim_prices: prices(100),
        retail_prices: prices(135),
        dealer_net_prices: prices(88),
        recovery_prices: prices(85),
        ..Default::default()
    }
}

fn system(word: &str) -> VehicleSystem {
    VehicleSystem::from_str_name(word).unwrap_or_default()
}

fn operations(counts: Counts, parts: &[PartKind]) -> Vec<(String, v1::LaborOperation)> {
    let of = |name: String, category: usize, centi: i64| {
        let category = CATEGORIES[category];
        let skill = match category.code {
            "ELECTRICAL" | "ELECTRONICS" | "HV" | "RESTRAINT" => Skill::Electrical,
            "BODY" | "INTERIOR" => Skill::Process,
            _ => Skill::Mechanical,
        };
        v1::LaborOperation {
            display_name: name,
            part_category: category.code.to_owned(),
            default_hours: hours(centi),
            skill: skill.into(),
            skill_level: if centi > 400 { 3 } else { 1 },
            ..Default::default()
        }
    };
    let mut operations = Vec::new();
    for (index, part) in parts.iter().enumerate() {
        let models: Vec<String> = part.models.iter().map(|model| (*model).to_owned()).collect();
        // The SUV has less room to work in.
        let narrow = part.category < 4 && part.fits("X7") && part.hours >= 200;
        let model_hours = if narrow {
            vec![v1::ModelHours { model: "X7".to_owned(), hours: hours(part.hours * 6 / 5) }]
        } else {
            Vec::new()
        };
        let operation = v1::LaborOperation {
            models,
            model_hours,
            overlap_group: part.code.clone(),
            ..of(format!("Replace {} 更换{}", part.en.to_lowercase(), part.zh), part.category, part.hours)
        };
        operations.push((replacement(index), operation));
    }
    for (index, part) in parts.iter().enumerate() {
        let operation = v1::LaborOperation {
            models: part.models.iter().map(|model| (*model).to_owned()).collect(),
            overlap_group: part.code.clone(),
            ..of(
                format!("Adjust or clean {} 调整或清洁{}", part.en.to_lowercase(), part.zh),
                part.category,
                (part.hours * 2 / 5).max(20),
            )
        };
        operations.push((format!("OP-{}", 1_001 + counts.parts + index), operation));
    }
    let ways = [
        ("Read out and test-drive", "读取故障码并路试", 40),
        ("Guided fault finding", "引导型故障查询", 80),
        ("Measure and take apart", "测量与拆检", 120),
        ("Search for a noise or leak", "异响或泄漏排查", 100),
    ];
    for (category, group) in CATEGORIES.iter().enumerate() {
        for (way, (en, zh, centi)) in ways.iter().take(counts.diagnoses).enumerate() {
            let name = format!("{en}: {} {zh}：{}", group.en.to_lowercase(), group.zh);
            let operation = v1::LaborOperation {
                actual_hours_allowed: way == 2,
                actual_hours_cap: if way == 2 { hours(250) } else { None },
                ..of(name, category, *centi)
            };
            operations.push((diagnosis(counts, category, way), operation));
        }
    }
    operations
}

fn failure_codes() -> Vec<(String, v1::FailureCode)> {
    let mut codes = Vec::new();
    for (group, category) in CATEGORIES.iter().enumerate() {
        for (position, mode) in MODES.iter().enumerate() {
            let failure = v1::FailureCode {
                display_name: format!("{}: {} {}{}", category.en, mode.en, category.zh, mode.zh),
                component_group: category.code.to_owned(),
                failure_mode: mode.code.to_owned(),
                problem_group: format!("{}-{}", category.code, mode.group),
                safety: SAFETY.contains(&category.code) && mode.group != "NOISE" && mode.group != "CONTACT",
                ..Default::default()
            };
            codes.push((failure_code(group, position), failure));
        }
    }
    codes
}

/// What suppliers agreed to bear of their parts' failures. With every tenth there is no agreement, and what fails of
/// it waits in the queue of unresolved liability.
fn agreements(counts: Counts, parts: &[PartKind]) -> Vec<(String, v1::ShareAgreement)> {
    let mut agreed: BTreeMap<(String, String), v1::ShareAgreement> = BTreeMap::new();
    for (_, supply) in supplies(counts, parts) {
        let v1::PartSupply { part, supplier, .. } = supply;
        let index = agreed.len();
        let share_bp = if index.is_multiple_of(3) { 6_000 } else { 8_000 };
        let key = (part.clone(), supplier.clone());
        let agreement =
            v1::ShareAgreement { part, supplier, valid_from: date(first_day()), share_bp, ..Default::default() };
        agreed.entry(key).or_insert(agreement);
    }
    let numbered = (1..).zip(agreed.into_values()).filter(|(number, _)| number % 10 != 0);
    numbered.map(|(number, agreement): (usize, _)| (format!("SA-{number:04}"), agreement)).collect()
}

/// Each part has a supplier; every sixth has a second one for the other plant, and the fuel pump's lots are told
/// apart while the bad ones were fitted.
fn supplies(counts: Counts, parts: &[PartKind]) -> Vec<(String, v1::PartSupply)> {
    let of = |index: usize, choice: usize, plant: &str| {
        let part = &parts[index];
        let code = supplier_of(part.category, choice, counts.suppliers);
        v1::PartSupply {
            part: format!("parts/{}", part.code),
            supplier: format!("suppliers/{code}"),
            plant: plant.to_owned(),
            valid_from: date(first_day()),
            serial_pattern: if part.serialized { format!("{}*", &code[4..]) } else { String::new() },
            ..Default::default()
        }
    };
    let mut supplies = Vec::new();
    for index in 0..parts.len() {
        let number = 1_001 + index;
        if index % 6 == 0 {
            supplies.push((format!("PS-{number}-NJ"), of(index, index, "NJ")));
            supplies.push((format!("PS-{number}-CQ"), of(index, index + 1, "CQ")));
        } else {
            let quota = v1::PartSupply { quota_bp: Some(10_000), ..of(index, index, "") };
            supplies.push((format!("PS-{number}"), quota));
        }
    }
    for (year, month) in BAD_BUILDS {
        let lot = format!("FP{:02}{month:02}", year % 100);
        let supply = v1::PartSupply {
            lot: lot.clone(),
            valid_from: date(day(year, month, 1)),
            valid_to: date(day(year, month + 1, 1)),
            ..of(0, 0, "NJ")
        };
        supplies.push((format!("PS-1001-{lot}"), supply));
    }
    supplies
}
