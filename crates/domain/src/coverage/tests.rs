use super::*;
use crate::catalog::policy::tests::{policy, term};
use crate::text::Lang;
use crate::vehicle::tests::{sale, sold, vehicle};

fn code(text: &str) -> Code {
    Code::parse(text).unwrap()
}

fn day(text: &str) -> NaiveDate {
    text.parse().unwrap()
}

fn ask(vehicle: &Vehicle, category: &str, date: &str, km: i64, policies: &[WarrantyPolicy]) -> CoverageAnswer {
    let (part, category) = (code("P-100"), code(category));
    let subject = Subject { part: Some(&part), labor_operation: None, part_category: Some(&category) };
    check_coverage(&CoverageQuestion { vehicle, subject, date: day(date), odometer_km: km, policies })
}

fn words(answer: &CoverageAnswer) -> Vec<&'static str> {
    answer.reasons.iter().map(|reason| reason.code.word()).collect()
}

/// Three years or 60,000 km for everything, five years or 100,000 km for the powertrain, six months for wear.
fn base() -> WarrantyPolicy {
    let wear = CoverageTerm { kind: TermKind::WearPart, ..term("WEAR", &["PADS"], 6, Some(10_000)) };
    let terms = vec![term("GENERAL", &[], 36, Some(60_000)), term("POWERTRAIN", &["ENGINE"], 60, Some(100_000)), wear];
    policy("BASE.1", "2026-01-01", terms)
}

#[test]
fn the_last_day_and_the_last_kilometre_are_covered() {
    let vehicle = sold("2026-01-31", VehicleUse::Family);
    for (category, date, km, covered, reasons) in [
        ("FUEL", "2026-01-31", 0, true, vec!["COVERED"]),
        ("FUEL", "2029-01-31", 60_000, true, vec!["COVERED"]),
        ("FUEL", "2029-02-01", 60_000, false, vec!["EXPIRED_BY_DATE"]),
        ("FUEL", "2029-01-31", 60_001, false, vec!["EXPIRED_BY_DISTANCE"]),
        ("FUEL", "2029-02-01", 60_001, false, vec!["EXPIRED_BY_DATE", "EXPIRED_BY_DISTANCE"]),
        ("ENGINE", "2028-01-31", 50_000, true, vec!["COVERED", "ALSO_COVERED"]),
        ("ENGINE", "2031-01-31", 100_000, true, vec!["COVERED", "EXPIRED_BY_DATE", "EXPIRED_BY_DISTANCE"]),
        ("PADS", "2026-07-31", 10_000, true, vec!["COVERED"]),
        ("PADS", "2026-08-01", 1_000, false, vec!["EXPIRED_BY_DATE"]),
        ("PADS", "2026-07-31", 10_001, false, vec!["EXPIRED_BY_DISTANCE"]),
    ] {
        let answer = ask(&vehicle, category, date, km, &[base()]);
        assert_eq!((answer.covered, words(&answer)), (covered, reasons), "{category} {date} {km}");
    }
}

#[test]
fn months_end_at_the_month_end_and_leap_days_on_the_28th() {
    let one_month = || policy("BASE.1", "2020-01-01", vec![term("GENERAL", &[], 1, None)]);
    let one_year = || policy("BASE.1", "2020-01-01", vec![term("GENERAL", &[], 12, None)]);
    for (start, policy, last, next) in [
        ("2026-01-31", one_month(), "2026-02-28", "2026-03-01"),
        ("2028-01-31", one_month(), "2028-02-29", "2028-03-01"),
        ("2028-02-29", one_year(), "2029-02-28", "2029-03-01"),
    ] {
        let vehicle = sold(start, VehicleUse::Family);
        let policies = [policy];
        let answer = ask(&vehicle, "FUEL", last, 1, &policies);
        assert_eq!(
            answer.by.map(|by| (by.expires_on, by.days_left, by.km_left)),
            Some((day(last), 0, None)),
            "{start}"
        );
        assert!(!ask(&vehicle, "FUEL", next, 1, &policies).covered, "{start}");
    }
}

#[test]
fn the_answer_names_the_most_favourable_term_and_what_is_left() {
    let answer = ask(&sold("2026-01-31", VehicleUse::Family), "ENGINE", "2026-02-10", 1_000, &[base()]);
    let by = answer.by.unwrap();
    assert_eq!((by.policy.as_str(), by.policy_version, by.term.as_str()), ("BASE.1", 1, "POWERTRAIN"));
    assert_eq!((by.expires_on, by.km_limit, by.km_left), (day("2031-01-31"), Some(100_000), Some(99_000)));
    assert_eq!(by.days_left, days_between(day("2026-02-10"), day("2031-01-31")));
    assert_eq!(answer.warranty_start, Some(day("2026-01-31")));
    // Of two that end on the same day, the one with more kilometres.
    let equal = policy(
        "BASE.1",
        "2026-01-01",
        vec![term("SHORT", &[], 36, Some(60_000)), term("LONG", &[], 36, None), term("MIDDLE", &[], 36, Some(90_000))],
    );
    let answer = ask(&sold("2026-01-31", VehicleUse::Family), "FUEL", "2026-02-10", 1_000, &[equal]);
    assert_eq!(answer.by.map(|by| by.term), Some(code("LONG")));
}

#[test]
fn the_version_in_force_at_the_warranty_start_counts() {
    let version = |name: &str, from: &str, months, serves_sold| WarrantyPolicy {
        applies_to_sold_vehicles: serves_sold,
        ..policy(name, from, vec![term("GENERAL", &[], months, None)])
    };
    let vehicle = sold("2026-06-01", VehicleUse::Family);
    let named = |policies: &[WarrantyPolicy], date: &str| {
        ask(&vehicle, "FUEL", date, 1, policies).by.map(|by| by.policy.to_string())
    };
    let first = version("BASE.1", "2025-01-01", 36, false);
    let second = version("BASE.2", "2026-06-01", 24, false);
    let third = version("BASE.3", "2027-01-01", 60, false);
    assert_eq!(named(&[first.clone(), second.clone(), third.clone()], "2027-06-01"), Some("BASE.2".to_owned()));
    // The earlier, longer version was no longer in force when the warranty began.
    assert_eq!(named(&[first.clone(), second.clone()], "2028-12-01"), None);
    // A later version counts if it serves sold vehicles, from its own first day on.
    let third = WarrantyPolicy { applies_to_sold_vehicles: true, ..third };
    let all = [first, second.clone(), third.clone()];
    assert_eq!(named(&all, "2026-12-31"), Some("BASE.2".to_owned()));
    assert_eq!(named(&all, "2027-01-01"), Some("BASE.3".to_owned()));
    // The better of the two is named, also if it is the older one.
    let shorter = version("BASE.3", "2027-01-01", 12, true);
    assert_eq!(named(&[second.clone(), shorter], "2027-02-01"), Some("BASE.2".to_owned()));
    // A draft promises nothing.
    let draft = WarrantyPolicy { state: PolicyState::Draft, ..second };
    assert_eq!(words(&ask(&vehicle, "FUEL", "2027-02-01", 1, &[draft])), ["NO_POLICY"]);
    // A version that had ended by then, or begins later, leaves a reason.
    let ended = WarrantyPolicy { valid_to: Some(day("2026-06-01")), ..version("BASE.1", "2025-01-01", 36, false) };
    assert_eq!(words(&ask(&vehicle, "FUEL", "2027-02-01", 1, &[ended])), ["NOT_IN_FORCE_AT_START"]);
}

#[test]
fn several_families_each_have_their_say() {
    let vehicle = sold("2026-06-01", VehicleUse::Family);
    let other_model =
        WarrantyPolicy { models: vec![code("M2")], ..policy("EV.1", "2026-01-01", vec![term("CELL", &[], 96, None)]) };
    let long = policy("PLUS.1", "2026-01-01", vec![term("ENGINE", &["ENGINE"], 120, None)]);
    let answer = ask(&vehicle, "FUEL", "2026-07-01", 1, &[long.clone(), other_model, base()]);
    assert_eq!(words(&answer), ["COVERED", "MODEL_NOT_IN_POLICY", "CATEGORY_NOT_COVERED"]);
    let answer = ask(&vehicle, "ENGINE", "2026-07-01", 1, &[base(), long]);
    assert_eq!(answer.by.map(|by| by.policy), Some(code("PLUS.1")));
}

#[test]
fn what_is_excluded_is_not_covered_by_that_policy() {
    let exclude = |exclusion: Exclusion| WarrantyPolicy { exclusions: vec![exclusion], ..base() };
    let empty = Exclusion {
        part_categories: Vec::new(),
        parts: Vec::new(),
        labor_operations: Vec::new(),
        description: "滤芯".to_owned(),
        clause: "§ 9".to_owned(),
    };
    let vehicle = sold("2026-06-01", VehicleUse::Family);
    let asked = |exclusion| ask(&vehicle, "FUEL", "2026-07-01", 1, &[exclude(exclusion)]);
    let answer = asked(Exclusion { parts: vec![code("P-100")], ..empty.clone() });
    assert_eq!((answer.covered, words(&answer)), (false, vec!["EXCLUDED"]));
    assert_eq!(answer.reasons[0].clause, "§ 9");
    assert!(!answer.is_expired());
    assert!(!asked(Exclusion { part_categories: vec![code("FUEL")], ..empty.clone() }).covered);
    assert!(asked(Exclusion { parts: vec![code("P-200")], ..empty.clone() }).covered);
    let operation = code("OP-1");
    let policies = [exclude(Exclusion { labor_operations: vec![operation.clone()], ..empty })];
    let subject = Subject { labor_operation: Some(&operation), ..Subject::default() };
    let question =
        CoverageQuestion { vehicle: &vehicle, subject, date: day("2026-07-01"), odometer_km: 1, policies: &policies };
    assert_eq!(words(&check_coverage(&question)), ["EXCLUDED"]);
}

#[test]
fn terms_for_one_use_do_not_serve_the_other() {
    let family = CoverageTerm { vehicle_use: Some(VehicleUse::Family), ..term("FAMILY", &[], 36, Some(60_000)) };
    let commercial = CoverageTerm { vehicle_use: Some(VehicleUse::Commercial), ..term("TAXI", &[], 12, Some(100_000)) };
    let policies = [policy("BASE.1", "2026-01-01", vec![family, commercial])];
    let vehicle = sold("2026-06-01", VehicleUse::Family);
    assert_eq!(ask(&vehicle, "FUEL", "2027-05-01", 1, &policies).by.map(|by| by.term), Some(code("FAMILY")));
    let taxi =
        vehicle.change_use(VehicleUse::Commercial, day("2026-12-01"), uuid::Uuid::nil(), day("2027-12-01")).unwrap();
    let answer = ask(&taxi, "FUEL", "2027-05-01", 1, &policies);
    assert_eq!(words(&answer), ["COVERED", "USE_NOT_COVERED"]);
    assert_eq!(answer.by.map(|by| by.term), Some(code("TAXI")));
    // The day before the change it was still in family use.
    assert_eq!(ask(&taxi, "FUEL", "2026-11-30", 1, &policies).by.map(|by| by.term), Some(code("FAMILY")));
}

#[test]
fn a_vehicle_is_covered_only_while_it_is_in_a_users_hands() {
    let policies = [base()];
    let answer = ask(&vehicle(), "FUEL", "2026-07-01", 1, &policies);
    assert_eq!((words(&answer), answer.warranty_start), (vec!["NO_SALE_RECORD"], None));
    let sold = sold("2026-06-01", VehicleUse::Family);
    assert_eq!(words(&ask(&sold, "FUEL", "2026-05-31", 1, &policies)), ["BEFORE_WARRANTY_START"]);
    let today = day("2030-01-01");
    let returned = sold.mark_returned("制动失效".to_owned(), day("2026-09-01"), uuid::Uuid::nil(), today).unwrap();
    assert!(ask(&returned, "FUEL", "2026-08-31", 1, &policies).covered);
    assert_eq!(words(&ask(&returned, "FUEL", "2026-09-01", 1, &policies)), ["RETURNED_VEHICLE"]);
    let resale = sale("2027-01-01", None, VehicleUse::Family);
    let resold = returned.record_sale(resale, None, uuid::Uuid::nil(), today).unwrap();
    let answer = ask(&resold, "FUEL", "2029-12-31", 1, &policies);
    assert_eq!((answer.covered, answer.warranty_start), (true, Some(day("2027-01-01"))));
}

#[test]
fn only_terms_for_everything_cover_what_has_no_category() {
    let vehicle = sold("2026-06-01", VehicleUse::Family);
    let operation = code("OP-1");
    let subject = Subject { labor_operation: Some(&operation), ..Subject::default() };
    let ask = |policies: &[WarrantyPolicy]| {
        words(&check_coverage(&CoverageQuestion {
            vehicle: &vehicle,
            subject,
            date: day("2026-07-01"),
            odometer_km: 1,
            policies,
        }))
    };
    assert_eq!(ask(&[base()]), ["COVERED"]);
    let engine = policy("BASE.1", "2026-01-01", vec![term("ENGINE", &["ENGINE"], 60, None)]);
    assert_eq!(ask(&[engine]), ["CATEGORY_NOT_COVERED"]);
}

#[test]
fn every_reason_has_a_text_in_both_languages() {
    let answer = ask(&sold("2026-01-31", VehicleUse::Family), "FUEL", "2029-02-01", 60_001, &[base()]);
    let texts: Vec<_> = answer.reasons.iter().map(CoverageReason::text).collect();
    assert_eq!(
        texts[0].in_lang(Lang::En),
        "term GENERAL of BASE.1 ended on 2029-01-31, 36 months from 2026-01-31; 2029-02-01 is later"
    );
    assert_eq!(texts[1].in_lang(Lang::ZhCn), "BASE.1 条款 GENERAL 至 60000 公里为止，里程表为 60001 公里");
    assert!(answer.is_expired());
}
