//! Stations, suppliers, appraisers: who takes part.

use recourse_domain::catalog::station::LaborRate;
use recourse_domain::catalog::{
    Appraiser, Expert, HandlingFee, Markup, PaymentContract, RecoveryContract, RepairOrderSystem, Station,
    StationGrade, Supplier, TaxScheme,
};
use recourse_domain::money::{BasisPoints, Currency};
use recourse_proto::v1;

use super::{account, address, code, contact, day, id, no_id, rows, stored, yuan};
use crate::convert::*;

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
        grades: rows(StationGrade { grade: code("B") }),
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
