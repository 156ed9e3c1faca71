use super::*;
use crate::text::Violation;

fn code(text: &str) -> Code {
    Code::parse(text).unwrap()
}

fn day(text: &str) -> NaiveDate {
    text.parse().unwrap()
}

/// A vehicle of model M1, built on 2025-12-01, not sold.
pub(crate) fn vehicle() -> Vehicle {
    Vehicle {
        vin: Vin::parse("LJCPCBLCX11000237").unwrap(),
        vin_override_reason: String::new(),
        brand: None,
        model: code("M1"),
        plant: Some(code("P1")),
        lot: "L14".to_owned(),
        build_date: Some(day("2025-12-01")),
        drivetrain: Drivetrain::Combustion,
        engine_type: "E1".to_owned(),
        sale: None,
        events: Vec::new(),
        ownership_periods: Vec::new(),
        components: Vec::new(),
        external_ref: String::new(),
    }
}

pub(crate) fn sale(invoice: &str, delivery: Option<&str>, vehicle_use: VehicleUse) -> Sale {
    Sale {
        invoice_number: "INV-1".to_owned(),
        invoice_date: day(invoice),
        delivery_date: delivery.map(day),
        seller: Some(code("S-001")),
        voucher_number: "V-1".to_owned(),
        vehicle_use,
        price: None,
    }
}

/// The same vehicle, sold on a day.
pub(crate) fn sold(invoice: &str, vehicle_use: VehicleUse) -> Vehicle {
    vehicle().record_sale(sale(invoice, None, vehicle_use), None, id(1), TODAY).unwrap()
}

const TODAY: NaiveDate = NaiveDate::from_ymd_opt(2030, 1, 1).unwrap();

fn id(number: u128) -> Uuid {
    Uuid::from_u128(number)
}

fn rule<T: std::fmt::Debug>(result: Result<T, Violation>) -> &'static str {
    result.unwrap_err().rule
}

#[test]
fn the_warranty_begins_with_the_invoice_or_a_differing_delivery() {
    let start = |delivery| sale("2026-01-10", delivery, VehicleUse::Family).warranty_start();
    assert_eq!(start(None), day("2026-01-10"));
    assert_eq!(start(Some("2026-01-10")), day("2026-01-10"));
    assert_eq!(start(Some("2026-01-25")), day("2026-01-25"));
    assert_eq!(start(Some("2026-01-05")), day("2026-01-05"));
}

#[test]
fn a_vehicle_is_sold_once_and_again_only_after_a_return() {
    let again = || sale("2026-06-01", None, VehicleUse::Family);
    let first = sold("2026-01-10", VehicleUse::Commercial);
    assert_eq!(rule(first.clone().record_sale(again(), None, id(2), TODAY)), "ALREADY_SOLD");
    let returned = first.mark_returned("刹车失灵".to_owned(), day("2026-03-01"), id(2), TODAY).unwrap();
    assert!(returned.is_returned());
    assert_eq!(
        rule(returned.clone().change_use(VehicleUse::Family, day("2026-04-01"), id(3), TODAY)),
        "RETURNED_VEHICLE"
    );
    let resold = returned.record_sale(again(), None, id(3), TODAY).unwrap();
    assert!(!resold.is_returned());
    assert_eq!(resold.warranty_start(), Some(day("2026-06-01")));
    // Each day keeps its own facts.
    let start_on = |date: &str| resold.sale_on(day(date)).map(Sale::warranty_start);
    assert_eq!(start_on("2025-12-31"), Some(day("2026-01-10")));
    assert_eq!(start_on("2026-05-31"), Some(day("2026-01-10")));
    assert_eq!(start_on("2026-06-01"), Some(day("2026-06-01")));
    assert_eq!(resold.returned_on(day("2026-05-31")), Some(day("2026-03-01")));
    assert_eq!(resold.returned_on(day("2026-02-28")), None);
    assert_eq!(resold.returned_on(day("2026-06-01")), None);
}

#[test]
fn a_sale_is_neither_before_the_build_nor_in_the_future() {
    let record = |invoice: &str, today: &str| {
        vehicle().record_sale(sale(invoice, None, VehicleUse::Family), None, id(1), day(today))
    };
    assert_eq!(rule(record("2025-11-30", "2026-01-01")), "TOO_EARLY");
    assert_eq!(rule(record("2026-01-02", "2026-01-01")), "IN_THE_FUTURE");
    assert!(record("2026-01-01", "2026-01-01").is_ok());
}

#[test]
fn use_and_owner_need_a_sale() {
    assert_eq!(rule(vehicle().change_use(VehicleUse::Family, day("2026-02-01"), id(1), TODAY)), "NO_SALE_RECORD");
    assert_eq!(rule(vehicle().transfer_owner(None, day("2026-02-01"), id(1), TODAY)), "NO_SALE_RECORD");
    assert_eq!(rule(vehicle().mark_returned("x".to_owned(), day("2026-02-01"), id(1), TODAY)), "NO_SALE_RECORD");
}

#[test]
fn the_use_on_a_day_is_that_of_the_last_change_until_then() {
    let family = sold("2026-01-10", VehicleUse::Family);
    assert_eq!(rule(family.clone().change_use(VehicleUse::Family, day("2026-02-01"), id(2), TODAY)), "NO_CHANGE");
    let changed = family.change_use(VehicleUse::Commercial, day("2026-02-01"), id(2), TODAY).unwrap();
    assert_eq!(changed.use_on(day("2026-01-31")), Some(VehicleUse::Family));
    assert_eq!(changed.use_on(day("2026-02-01")), Some(VehicleUse::Commercial));
    assert_eq!(changed.present_use(), Some(VehicleUse::Commercial));
    assert_eq!(vehicle().present_use(), None);
}

#[test]
fn owners_follow_each_other_without_gap() {
    let (first, second) = (Some(OrgId(id(71))), Some(OrgId(id(72))));
    let vehicle = vehicle().record_sale(sale("2026-01-10", None, VehicleUse::Family), first, id(1), TODAY).unwrap();
    assert_eq!(rule(vehicle.clone().transfer_owner(second, day("2026-01-09"), id(2), TODAY)), "TOO_EARLY");
    let vehicle = vehicle.transfer_owner(second, day("2026-05-01"), id(2), TODAY).unwrap();
    let periods: Vec<_> =
        vehicle.ownership_periods.iter().map(|period| (period.owner, period.from_date, period.to_date)).collect();
    assert_eq!(periods, [(first, day("2026-01-10"), Some(day("2026-05-01"))), (second, day("2026-05-01"), None)]);
}

#[test]
fn a_new_component_takes_the_place_of_the_old_one() {
    let new = |serial: &str, replaces: &str, date: Option<&str>| NewComponent {
        part: code("P-100"),
        serial_number: serial.to_owned(),
        position: String::new(),
        lot: String::new(),
        supplier: None,
        date: date.map(day),
        replaces_serial_number: replaces.to_owned(),
        claim: None,
    };
    let built = vehicle().record_component(new("A1", "", None), id(1), TODAY).unwrap();
    assert_eq!(rule(built.clone().record_component(new("A1", "", None), id(2), TODAY)), "ALREADY_FITTED");
    assert_eq!(rule(built.clone().record_component(new("A2", "XX", Some("2026-02-01")), id(2), TODAY)), "NOT_FITTED");
    assert_eq!(rule(built.clone().record_component(new("A2", "A1", None), id(2), TODAY)), "REQUIRED");
    let repaired = built.record_component(new("A2", "A1", Some("2026-02-01")), id(2), TODAY).unwrap();
    let present: Vec<_> =
        repaired.present_components(&code("P-100")).map(|component| component.serial_number.as_str()).collect();
    assert_eq!(present, ["A2"]);
    assert_eq!(repaired.components[0].to_date, Some(day("2026-02-01")));
}

#[test]
fn a_doubtful_vin_needs_a_reason_in_a_strict_market() {
    let with = |vin: &str, reason: &str| Vehicle {
        vin: Vin::parse(vin).unwrap(),
        vin_override_reason: reason.to_owned(),
        ..vehicle()
    };
    let rules = |vehicle: Vehicle| vehicle.check().into_iter().map(|violation| violation.rule).collect::<Vec<_>>();
    assert_eq!(rules(with("LJCPCBLC001000237", "")), ["VIN_CHECK_DIGIT", "VIN_YEAR_CODE"]);
    assert_eq!(rules(with("LJCPCBLC001000237", "as on the type plate")), [""; 0]);
    assert_eq!(rules(with("WVWZZZ1JZ3W386752", "")), [""; 0]);
}

#[test]
fn what_has_its_own_verb_is_not_changed_by_an_update() {
    let before = sold("2026-01-10", VehicleUse::Family);
    let renamed = Vehicle { lot: "L15".to_owned(), ..before.clone() };
    assert_eq!(renamed.check_change(&before, TODAY), []);
    let unsold = Vehicle { sale: None, ..before.clone() };
    assert_eq!(unsold.check_change(&before, TODAY)[0].rule, "HAS_ITS_OWN_VERB");
    assert_eq!(before.columns().len(), Vehicle::FIELDS.len());
}

#[test]
fn a_vehicle_created_with_a_sale_has_the_event_of_it() {
    let created = Vehicle { sale: Some(sale("2026-01-10", None, VehicleUse::Family)), ..vehicle() };
    assert_eq!(created.with_first_sale_event(id(1)), sold("2026-01-10", VehicleUse::Family));
    let text = serde_json::to_string(&sold("2026-01-10", VehicleUse::Family)).unwrap();
    assert_eq!(serde_json::from_str::<Vehicle>(&text).unwrap(), sold("2026-01-10", VehicleUse::Family));
}
