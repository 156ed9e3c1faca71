//! The deployment's setting and the warranty policies.

use recourse_proto::v1::coverage_term::Kind;
use recourse_proto::v1::rescue_tariff_service_server::RescueTariffService;
use recourse_proto::v1::setting_service_server::SettingService;
use recourse_proto::v1::station::TaxScheme;
use recourse_proto::v1::vehicle_use::Code as Use;
use recourse_proto::v1::warranty_policy_service_server::WarrantyPolicyService;
use recourse_proto::{Method, v1};
use recourse_service::admission::Identity;

use super::wire::{Desk, answered, cny, date, day, first_day, km};
use crate::StartError;

/// Days in which a returned claim is answered.
pub(super) const ANSWER_DAYS: i64 = 15;

/// Creates the setting.
pub(super) async fn create_setting(desk: &Desk, loader: &Identity) -> Result<(), StartError> {
    let message =
        v1::CreateSettingRequest { setting: Some(setting()), setting_id: "2024".to_owned(), ..Default::default() };
    let request = desk.ask(loader, Method::SettingServiceCreateSetting, message)?;
    answered("setting", desk.api.create_setting(request).await).map(|_| ())
}

/// Creates and publishes the policies.
pub(super) async fn create_policies(desk: &Desk, loader: &Identity) -> Result<(), StartError> {
    for (code, policy) in policies() {
        let message = v1::CreateWarrantyPolicyRequest {
            warranty_policy: Some(policy),
            warranty_policy_id: code.to_owned(),
            ..Default::default()
        };
        let request = desk.ask(loader, Method::WarrantyPolicyServiceCreateWarrantyPolicy, message)?;
        let policy = answered(code, desk.api.create_warranty_policy(request).await)?;
        let message = v1::PublishWarrantyPolicyRequest { name: policy.name, etag: policy.etag, ..Default::default() };
        let request = desk.ask(loader, Method::WarrantyPolicyServicePublishWarrantyPolicy, message)?;
        answered(code, desk.api.publish_warranty_policy(request).await)?;
    }
    Ok(())
}

/// Creates the rescue tariff.
pub(super) async fn create_rescue_tariff(desk: &Desk, loader: &Identity) -> Result<(), StartError> {
    let bands = |near: i64, far: i64| {
        let band = |to_distance, fen| v1::DistanceBand { to_distance, price_per_km: cny(fen) };
        vec![band(km(50), near), band(None, far)]
    };
    // In fen: by day and by night, the first trip and later ones.
    let rate = |repeat_trip, night, near, far, hourly| v1::RescueRate {
        repeat_trip,
        night,
        hired_vehicle: false,
        bands: bands(near, far),
        hourly_rate: cny(hourly),
    };
    let tariff = v1::RescueTariff {
        display_name: "Rescue 2024 外出急救".to_owned(),
        currency: "CNY".to_owned(),
        valid_from: date(first_day()),
        rates: vec![
            rate(false, false, 300, 200, 6_000),
            rate(false, true, 400, 300, 9_000),
            rate(true, false, 200, 200, 6_000),
            rate(true, true, 300, 300, 9_000),
        ],
        both_ways: true,
        trip_cap: cny(300_000),
        towing_cap: cny(80_000),
        ..Default::default()
    };
    let message = v1::CreateRescueTariffRequest {
        rescue_tariff: Some(tariff),
        rescue_tariff_id: "R-2024".to_owned(),
        ..Default::default()
    };
    let request = desk.ask(loader, Method::RescueTariffServiceCreateRescueTariff, message)?;
    answered("rescue tariff", desk.api.create_rescue_tariff(request).await).map(|_| ())
}

fn setting() -> v1::Setting {
    let mut grade_rates = Vec::new();
    // In fen an hour: before July 2025, and since.
    for (grade, before, since) in [("A", 11_200, 12_000), ("B", 9_400, 10_000), ("C", 8_000, 8_500)] {
        let rate = |fen: i64| v1::GradeRate {
            grade: grade.to_owned(),
            rate: cny(fen),
            night_rate: cny(fen * 3 / 2),
            ..Default::default()
        };
        let change = date(day(2025, 7, 1));
        grade_rates.push(v1::GradeRate { valid_from: date(first_day()), valid_to: change, ..rate(before) });
        grade_rates.push(v1::GradeRate { valid_from: change, ..rate(since) });
    }
    let mut tax_rates = Vec::new();
    for (category, general) in [("GOODS", 1_300), ("REPAIR", 1_300), ("TRANSPORT", 900)] {
        for (scheme, rate_bp) in [(TaxScheme::General, general), (TaxScheme::Simplified, 300)] {
            tax_rates.push(v1::TaxRate {
                category: category.to_owned(),
                scheme: scheme.into(),
                valid_from: date(first_day()),
                rate_bp,
                ..Default::default()
            });
        }
    }
    let returnable = [v1::claim::Kind::WarrantyRepair, v1::claim::Kind::CompensationAppraisal];
    v1::Setting {
        valid_from: date(first_day()),
        time_zone: "Asia/Shanghai".to_owned(),
        submission_window_days: 30,
        duplicate_window_days: 60,
        return_answer_days: i32::try_from(ANSWER_DAYS).unwrap_or(15),
        appeal_days: 30,
        review_due_days: 7,
        look_back_days: 365,
        supplement_window_days: 90,
        supplement_limit: 1,
        payment_days: 30,
        statement_objection_days: 5,
        used_part_ship_days: 10,
        hours_tolerance_bp: 500,
        rescue_distance_tolerance_bp: 1_000,
        returnable_kinds: returnable.into_iter().map(Into::into).collect(),
        grade_rates,
        tax_rates,
        ..Default::default()
    }
}

fn policies() -> [(&'static str, v1::WarrantyPolicy); 3] {
    let change = day(2025, 7, 1);
    let base = |number: i32, general_km: i64| v1::WarrantyPolicy {
        display_name: format!("Base warranty, version {number} 基础保修第 {number} 版"),
        policy_family: "BASE".to_owned(),
        version_number: number,
        terms: vec![
            v1::CoverageTerm { vehicle_use: Use::Family.into(), ..term("GENERAL", 36, general_km, "4.1", &[]) },
            v1::CoverageTerm { vehicle_use: Use::Commercial.into(), ..term("COMMERCIAL", 12, 60_000, "4.2", &[]) },
            v1::CoverageTerm {
                vehicle_use: Use::Family.into(),
                ..term("POWERTRAIN", 60, 100_000, "4.3", &["ENGINE", "TRANSMISSION"])
            },
            v1::CoverageTerm { kind: Kind::WearPart.into(), ..term("WEAR", 6, 10_000, "5.1", &["WEAR"]) },
        ],
        running_in_services: vec![v1::RunningInService {
            sequence: 1,
            from_distance: km(3_000),
            to_distance: km(6_000),
            months: 6,
            fee: cny(18_000),
        }],
        guarantee: Some(v1::GuaranteeTerms { months: 24, distance: km(50_000), coefficient_bp: 50 }),
        ..Default::default()
    };
    let electric = v1::WarrantyPolicy {
        display_name: "High-voltage warranty 三电保修".to_owned(),
        policy_family: "EV".to_owned(),
        version_number: 1,
        valid_from: date(first_day()),
        models: vec!["E4".to_owned(), "H6".to_owned()],
        terms: vec![term("HIGH-VOLTAGE", 96, 120_000, "6.1", &["HV"])],
        ..Default::default()
    };
    [
        (
            "BASE-2024.1",
            v1::WarrantyPolicy { valid_from: date(first_day()), valid_to: date(change), ..base(1, 60_000) },
        ),
        ("BASE-2025.1", v1::WarrantyPolicy { valid_from: date(change), ..base(2, 100_000) }),
        ("EV-2024.1", electric),
    ]
}

fn term(code: &str, months: i32, kilometers: i64, clause: &str, categories: &[&str]) -> v1::CoverageTerm {
    v1::CoverageTerm {
        code: code.to_owned(),
        kind: Kind::General.into(),
        part_categories: categories.iter().map(|category| (*category).to_owned()).collect(),
        months,
        distance: km(kilometers),
        clause: clause.to_owned(),
        ..Default::default()
    }
}
