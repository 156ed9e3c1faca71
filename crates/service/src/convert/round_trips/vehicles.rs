//! Vehicles and their numbers.

use recourse_domain::ids::{ClaimId, OrgId};
use recourse_domain::text::Lang;
use recourse_domain::vehicle::{
    Component, Drivetrain, EventDetail, OwnershipPeriod, Sale, Vehicle, VehicleEvent, VehicleUse,
};
use recourse_domain::vin::Vin;
use recourse_proto::v1;

use super::{code, day, id, no_id, stored, yuan};
use crate::convert::*;

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
