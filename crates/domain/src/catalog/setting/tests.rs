//! What a setting says, and what of it may change.

use uuid::Uuid;

use super::*;
use crate::catalog::record::Record;
use crate::catalog::station::LaborRate;

fn code(text: &str) -> Code {
    Code::parse(text).unwrap()
}

fn day(text: &str) -> NaiveDate {
    text.parse().unwrap()
}

pub(crate) fn setting(name: &str, from: &str) -> Setting {
    Setting { code: code(name), valid_from: day(from), ..Setting::default() }
}

fn grade_rate(id: u128, from: &str, minor: i64) -> Dated<GradeRate> {
    Dated {
        id: Uuid::from_u128(id),
        valid_from: day(from),
        valid_to: None,
        value: GradeRate {
            grade: code("A"),
            labor_rate: LaborRate { rate: Money::new(Currency::CNY, minor), night_rate: None },
        },
    }
}

#[test]
fn the_latest_setting_that_has_begun_counts() {
    let settings = [setting("2027", "2027-01-01"), setting("2025", "2025-01-01"), setting("2026", "2026-01-01")];
    let on = |text| Setting::on(&settings, day(text)).map(|setting| setting.code.as_str());
    assert_eq!(on("2024-12-31"), None);
    assert_eq!(on("2025-12-31"), Some("2025"));
    assert_eq!(on("2026-01-01"), Some("2026"));
    assert_eq!(on("2030-01-01"), Some("2027"));
}

#[test]
fn a_setting_in_force_only_gains_rows() {
    let today = day("2026-06-01");
    let before = setting("2026", "2026-01-01");
    assert_eq!(before.check(), []);
    let rules = |after: &Setting, before: &Setting| {
        after.check_change(before, today).into_iter().map(|violation| violation.rule).collect::<Vec<_>>()
    };
    let changed = Setting { appeal_days: 60, ..before.clone() };
    assert_eq!(rules(&changed, &before), ["IN_FORCE"]);
    let rated = Setting { grade_rates: DatedList(vec![grade_rate(1, "2026-07-01", 12_000)]), ..before.clone() };
    assert_eq!(rules(&rated, &before), [""; 0]);
    let to_come = setting("2027", "2027-01-01");
    assert_eq!(rules(&Setting { appeal_days: 60, ..to_come.clone() }, &to_come), [""; 0]);
    assert_eq!(rules(&Setting { valid_from: today, ..to_come.clone() }, &to_come), ["IN_THE_PAST"]);
}

#[test]
fn each_step_of_an_escalation_is_later_than_the_one_before() {
    let step = |days_overdue| EscalationStep { days_overdue, queue: None };
    let steps = |days: &[i32]| {
        let escalations = days.iter().copied().map(step).collect();
        let setting = Setting { escalations, ..setting("2026", "2026-01-01") };
        setting.check().into_iter().map(|violation| violation.field).collect::<Vec<_>>()
    };
    assert_eq!(steps(&[0, 3, 10]), [""; 0]);
    assert_eq!(steps(&[0, 0]), ["escalations[1].days_overdue"]);
    assert_eq!(steps(&[3, 1, -1]), ["escalations[1].days_overdue", "escalations[2].days_overdue"]);
    let queued = EscalationStep { queue: Some(code("LEAD")), ..step(0) };
    let setting = Setting { escalations: vec![step(0), queued], ..setting("2026", "2026-01-01") };
    assert_eq!(setting.references()[0].field, "escalations[1].queue");
}

#[test]
fn nobody_overdraws_unless_a_level_may() {
    let level = |goodwill_overdraft_level| Setting { goodwill_overdraft_level, ..setting("2026", "2026-01-01") };
    assert!(!level(0).may_overdraw(9));
    assert!(!level(3).may_overdraw(2) && level(3).may_overdraw(3) && level(3).may_overdraw(4));
}

#[test]
fn a_grade_has_one_rate_per_currency_and_day() {
    let rates = DatedList(vec![grade_rate(1, "2026-01-01", 12_000), grade_rate(2, "2026-07-01", 13_000)]);
    let setting = Setting { grade_rates: rates, ..setting("2026", "2026-01-01") };
    assert_eq!(setting.check()[0].rule, "OVERLAP");
    let found = setting.grade_rate_on(day("2026-06-01"), &code("A"), Currency::CNY);
    assert_eq!(found.map(|row| row.value.labor_rate.rate.minor), Some(12_000));
    assert!(setting.grade_rate_on(day("2026-06-01"), &code("B"), Currency::CNY).is_none());
    let text = serde_json::to_string(&setting).unwrap();
    assert_eq!(serde_json::from_str::<Setting>(&text).unwrap(), setting);
}
