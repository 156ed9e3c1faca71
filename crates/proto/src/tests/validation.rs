//! REQUIRED, limits, enum numbers.

use crate::{
    Lang,
    google::r#type::{Date, Decimal, Money},
    sample::v1::{
        CreateJobRequest, Job, SubmitJobRequest, UpdateJobRequest,
        job::{Cause, Line, Symptom},
    },
    validate::{Rule, Violation, violations},
    wkt::{FieldMask, Timestamp},
};

fn sound() -> Job {
    let quantity = Some(Decimal { value: "1.5".into() });
    Job { vin: "VIN-1".into(), lines: vec![Line { part: "A-1".into(), quantity, recovered: None }], ..Job::default() }
}

/// The violations of a job in a create request as `field CODE`.
fn broken(job: Job) -> Vec<String> {
    let request = CreateJobRequest { job: Some(job), ..CreateJobRequest::default() };
    violations(&request).iter().map(|v| format!("{} {}", v.field, v.rule.code())).collect()
}

#[test]
fn a_sound_job_has_no_violations() {
    assert_eq!(broken(sound()), Vec::<String>::new());
}

#[test]
fn required_means_set() {
    assert_eq!(violations(&CreateJobRequest::default()), [Violation { field: "job".into(), rule: Rule::Required }]);
    assert_eq!(
        broken(Job { lines: vec![Line::default()], ..Job::default() }),
        ["job.vin REQUIRED", "job.lines[0].part REQUIRED", "job.lines[0].quantity REQUIRED"]
    );
    assert_eq!(broken(Job { symptom: Some(Symptom::default()), ..sound() }), ["job.symptom.text REQUIRED"]);
    assert_eq!(
        broken(Job { cause: Some(Cause::OtherCause(Symptom::default())), ..sound() }),
        ["job.other_cause.text REQUIRED"]
    );
}

#[test]
fn lengths_count_characters() {
    assert_eq!(broken(Job { vin: "车".repeat(17), ..sound() }), Vec::<String>::new());
    assert_eq!(broken(Job { vin: "车".repeat(18), ..sound() }), ["job.vin TOO_LONG"]);
    assert_eq!(broken(Job { vin: "V".into(), ..sound() }), ["job.vin TOO_SHORT"]);
    assert_eq!(broken(Job { note: Some("x".repeat(201)), ..sound() }), ["job.note TOO_LONG"]);
    assert_eq!(
        broken(Job { labels: [("k".to_owned(), "x".repeat(201))].into(), ..sound() }),
        ["job.labels[\"k\"] TOO_LONG"]
    );
}

#[test]
fn numbers_lists_and_enums_have_limits() {
    assert_eq!(broken(Job { odometer_km: -1, ..sound() }), ["job.odometer_km OUT_OF_RANGE"]);
    assert_eq!(broken(Job { confidence: f64::NAN, ..sound() }), ["job.confidence OUT_OF_RANGE"]);
    assert_eq!(broken(Job { lines: vec![sound().lines.remove(0); 4], ..sound() }), ["job.lines TOO_MANY"]);
    assert_eq!(
        broken(Job { past_states: vec![1, 9, 0], ..sound() }),
        ["job.past_states[1] UNKNOWN_ENUM", "job.past_states[2] REQUIRED"]
    );
}

#[test]
fn text_has_a_form_and_no_control_characters() {
    assert_eq!(broken(Job { note: Some("a\nb".into()), ..sound() }), ["job.note CONTROL_CHARACTER"]);
    let symptom = |text: &str, code: &str| Some(Symptom { text: text.into(), code: code.into(), ..Symptom::default() });
    assert_eq!(broken(Job { symptom: symptom("a\n\tb", "P0171"), ..sound() }), Vec::<String>::new());
    assert_eq!(broken(Job { symptom: symptom("a", "Z1"), ..sound() }), ["job.symptom.code BAD_FORMAT"]);
}

#[test]
fn google_types_are_well_formed() {
    let money = Some(Money { currency_code: "cny".into(), ..Money::default() });
    let mut job = sound();
    job.lines[0].quantity = Some(Decimal { value: "1e3".into() });
    job.lines[0].recovered = money;
    job.arrival_date = Some(Date { year: 2026, month: 2, day: 30 });
    assert_eq!(
        broken(job),
        ["job.lines[0].quantity BAD_DECIMAL", "job.lines[0].recovered BAD_MONEY", "job.arrival_date BAD_DATE"]
    );
}

#[test]
fn what_only_the_server_sets_is_ignored() {
    let nonsense = Some(Timestamp { seconds: i64::MAX, nanos: -1 });
    assert_eq!(
        broken(Job { state: 99, create_time: nonsense, total: Some(Money::default()), ..sound() }),
        Vec::<String>::new()
    );
}

#[test]
fn a_partial_message_needs_nothing_but_whole_elements() {
    let job =
        Job { symptom: Some(Symptom::default()), lines: vec![Line::default()], odometer_km: -1, ..Job::default() };
    let request =
        UpdateJobRequest { job: Some(job), update_mask: Some(FieldMask::default()), request_id: String::new() };
    let fields: Vec<_> = violations(&request).into_iter().map(|v| v.field).collect();
    assert_eq!(fields, ["job.odometer_km", "job.lines[0].part", "job.lines[0].quantity"]);
    assert_eq!(violations(&UpdateJobRequest::default())[0].field, "job");
}

#[test]
fn violations_are_counted_up_to_a_hundred() {
    let job = Job { past_states: vec![7; 100_000], ..sound() };
    assert_eq!(broken(job).len(), 100);
    assert_eq!(violations(&SubmitJobRequest::default()), []);
}

#[test]
fn every_rule_says_in_both_languages_what_would_help() {
    let rules = [
        Rule::Required,
        Rule::TooShort { min: 2 },
        Rule::TooLong { max: 3 },
        Rule::TooMany { max: 4 },
        Rule::BadFormat { format: "CNY" },
        Rule::OutOfRange { min: Some(1), max: Some(2) },
        Rule::OutOfRange { min: Some(1), max: None },
        Rule::OutOfRange { min: None, max: Some(2) },
        Rule::OutOfRange { min: None, max: None },
        Rule::UnknownEnum,
        Rule::BadDate,
        Rule::BadMoney,
        Rule::BadDecimal,
        Rule::ControlCharacter,
    ];
    for rule in rules {
        assert!(rule.text(Lang::En).is_ascii() && !rule.text(Lang::ZhCn).is_ascii(), "{rule:?}");
        assert!(!rule.text(Lang::En).ends_with('.'), "{rule:?}");
    }
}
