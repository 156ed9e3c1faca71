use super::*;
use crate::catalog::adjudication_rule_set::tests::{code, rule, set};
use crate::catalog::setting::ApprovalLimit;
use crate::claims::sample::{CLERK, day, draft, facts, setting};
use crate::claims::{Facts, Hold, Kind, PauseReason};
use cel::Value;

fn submitted(facts: &Facts) -> Claim {
    draft().submit(facts, CLERK).unwrap().claim
}

fn around(facts: &Facts) -> Surroundings<'_> {
    Surroundings::of(
        facts,
        History { station_claims: 7, part_claims_365d: 3, part_sum_minor: 100_000, ..History::default() },
    )
}

fn situation() -> Situation {
    let facts = facts();
    Situation::of(&submitted(&facts), &around(&facts))
}

fn judged(rules: Vec<crate::catalog::AdjudicationRule>) -> Ruling {
    let facts = facts();
    let claim = submitted(&facts);
    RuleBook::of(&set(rules)).judge(&claim, &Situation::of(&claim, &around(&facts)), &setting())
}

/// The type of the table, held against a value.
fn fits(ty: Ty, value: &Value, path: &str) {
    match (ty, value) {
        (Ty::Bool, Value::Bool(_)) | (Ty::Int, Value::Int(_)) | (Ty::Text, Value::String(_)) => {}
        (Ty::List(element), Value::List(values)) => {
            for value in values.iter() {
                fits(*element, value, path);
            }
        }
        (Ty::Record(shape), Value::Map(map)) => {
            let mut names: Vec<String> = map.map.keys().map(ToString::to_string).collect();
            let mut known: Vec<&str> = shape.fields.iter().map(|field| field.name).collect();
            names.sort();
            known.sort_unstable();
            assert_eq!(names, known, "{path}");
            for field in shape.fields {
                let value = map.get(&cel::objects::Key::from(field.name)).unwrap();
                fits(field.ty, value, &format!("{path}.{}", field.name));
            }
        }
        (ty, value) => panic!("{path} is {value:?}, and the table says {}", ty.word()),
    }
}

#[test]
fn the_variables_are_those_of_the_table() {
    let mut facts = facts();
    facts.setting.submission_window_days = 1;
    let claim = submitted(&facts);
    assert!(!claim.findings.is_empty(), "a list of findings that holds some");
    let variables = situation::variables(&claim, &around(&facts));
    let names: Vec<&str> = variables.iter().map(|(name, _)| *name).collect();
    let known: Vec<&str> = VARIABLES.fields.iter().map(|field| field.name).collect();
    assert_eq!(names, known);
    for ((name, value), variable) in variables.iter().zip(VARIABLES.fields) {
        fits(variable.ty, value, name);
    }
}

#[test]
fn the_readme_has_the_table() {
    let table = table();
    assert!(table.contains("| `lines[].priced` | bool | a price was found |\n"), "{table}");
    assert!(include_str!("README.md").ends_with(&table), "write this into README.md:\n{table}");
}

#[test]
fn conditions_hold_or_not() {
    let situation = situation();
    for (source, expected) in [
        ("true", true),
        ("claim.kind == \"WARRANTY_REPAIR\" && claim.amount_minor == 59600", true),
        ("claim.amount_minor > 59600", false),
        ("claim.due_minor <= claim.computed_minor", true),
        ("lines.exists(l, l.type == 'PART' && l.part == 'P-100' && l.is_causal)", true),
        ("lines.all(l, l.priced)", true),
        ("lines.exists_one(l, l.type == \"LABOR\")", true),
        ("size(lines.filter(l, l.hours_hundredths > l.standard_hours_hundredths)) > 0", false),
        ("lines.map(l, l.amount_minor).exists(a, a == 50000)", true),
        ("\"EXPIRED_WARRANTY\" in warnings || size(findings) > 3", false),
        ("claim.causal_part in [\"P-100\", \"P-200\"]", true),
        ("vehicle.known && vehicle.sold && vehicle.use == \"FAMILY\"", true),
        ("vehicle.age_days > 500 && vehicle.km_per_day == 37", true),
        ("coverage.covered && coverage.km_left == 40000 && coverage.days_left > 0", true),
        (
            "repair.completion_date == \"2026-11-12\" && repair.age_days == 11 && repair.weekday == 4 && !repair.on_weekend",
            true,
        ),
        ("station.grade == \"A\" && !station.has_self_approval_limit", true),
        ("failure.known && failure.group == \"FUEL\" && !failure.safety", true),
        ("history.station_claims == 7 && history.part_average_minor == 33333", true),
        ("claim.amount_minor > history.part_average_minor * 3 / 2", true),
        ("claim.complaint.contains(\"start\") && claim.cause.startsWith('fuel') && size(claim.correction) > 5", true),
        ("claim.submission_count > 2 ? true : false", false),
        ("has(claim.kind)", true),
        ("lines[0].number == 1", true),
    ] {
        let condition = Condition::compile(source).unwrap_or_else(|fault| panic!("{source}: {fault:?}"));
        assert_eq!(condition.holds(&situation), Ok(expected), "{source}");
    }
}

#[test]
fn what_makes_no_sense_is_refused_with_line_column_and_the_way_out() {
    for (source, line, column, says) in [
        ("", 1, 1, "CEL"),
        ("claim.amount_minor <", 1, 21, "CEL"),
        ("claim.amount_minor <= 5 5", 1, 25, "CEL"),
        ("claim.kind == \"open", 1, 15, "CEL"),
        ("clam.kind == \"X\"", 1, 1, "unknown variable `clam`"),
        ("true &&\n vehicle.milage > 5", 2, 2, "vehicle has no `milage`"),
        ("claim.kind == 5", 1, 1, "`==` does not take string and int"),
        ("claim.amount_minor > \"5\"", 1, 1, "`>` does not take int and string"),
        ("claim.amount_minor > 100.5", 1, 22, "numbers are whole"),
        ("claim.kind == null", 1, 15, "neither null"),
        ("claim.amount_minor", 1, 1, "a condition is true or false, and this is int"),
        ("claim.kind && true", 1, 1, "`&&` does not take string and bool"),
        ("true && (false || claim.kind)", 1, 10, "`||` does not take bool and string"),
        ("lines.exists(l, l.part)", 1, 17, "does not take bool and string"),
        ("lines.exists(l, l.prt == \"\")", 1, 17, "line has no `prt`"),
        ("claim.kind.exists(l, true)", 1, 1, "only a list can be looked through"),
        ("claim.kind.matches(\"a+\")", 1, 12, "there is no function `matches`"),
        ("timestamp(\"2026-01-01T00:00:00Z\") > 1", 1, 1, "there is no function `timestamp`"),
        ("size(claim) > 1", 1, 1, "`size` does not take (claim)"),
        ("\"a\" in [1, 2]", 1, 1, "`in` does not take string and list(int)"),
        ("[1, \"a\"] == [1]", 1, 5, "a list holds things of one type"),
        ("{\"a\": 1} == {\"a\": 1}", 1, 1, "maps have no place"),
        ("lines == lines[0]", 1, 1, "`==` does not take"),
        (
            "lines.exists(l, findings.exists(f, findings.exists(g, g.line == l.number && f.line == 1)))",
            1,
            1,
            "too long",
        ),
    ] {
        let fault = Condition::compile(source).map(|_| ()).unwrap_err();
        assert_eq!((fault.line, fault.column), (line, column), "{source}: {}", fault.text.en);
        assert!(fault.text.en.contains(says), "{source}: {}", fault.text.en);
        assert!(!fault.text.zh_cn.is_empty());
    }
}

#[test]
fn length_and_nesting_are_bounded() {
    let long = format!("\"{}\" == \"\"", "a".repeat(MAX_CONDITION));
    assert!(Condition::compile(&long).unwrap_err().text.en.contains("2000 characters"));
    for (open, close) in [("[", "]"), ("size(", ")"), ("true ? ", " : true"), ("{1:", "}"), ("lines.all(l, ", ")")] {
        let deep = format!("{}true{}", open.repeat(100), close.repeat(100));
        assert!(Condition::compile(&deep).is_err(), "{open}");
    }
    // Brackets and double negations leave no trace in the tree; reading them must end all the same.
    for (open, close) in [("(", ")"), ("!", "")] {
        let deep = format!("{}true{}", open.repeat(960), close.repeat(960));
        assert!(Condition::compile(&deep).is_ok_and(|condition| condition.holds(&situation()) == Ok(true)), "{open}");
    }
    let sum = format!("{} > 0", vec!["1"; 400].join("+"));
    assert!(Condition::compile(&sum).unwrap_err().text.en.contains("nested more than"));
    let chain = vec!["claim.amount_minor == 1"; 60].join(" || ");
    let chain = Condition::compile(&chain).expect("a long chain of alternatives is flat enough");
    assert_eq!(chain.holds(&situation()), Ok(false));
}

#[test]
fn the_first_rule_by_priority_decides() {
    let ruling = judged(vec![
        rule("LAST", 30, "true", RuleAction::Approve),
        rule("SECOND", 20, "claim.amount_minor > 0", RuleAction::Route),
        rule("FIRST", 10, "claim.amount_minor > 1000000", RuleAction::Reject),
    ]);
    assert_eq!((ruling.rule, ruling.action), (Some(code("SECOND")), Some(RuleAction::Route)));
    assert_eq!(ruling.measure, Measure::Person(Some(code("QUEUE"))));
}

#[test]
fn rules_of_other_kinds_and_disabled_rules_are_passed_over() {
    let mut other = rule("OTHER", 1, "true", RuleAction::Reject);
    other.kinds = vec![Kind::RoadsideRescue];
    let mut off = rule("OFF", 2, "true", RuleAction::Reject);
    off.disabled = true;
    let mut mine = rule("MINE", 3, "true", RuleAction::Approve);
    mine.kinds = vec![Kind::WarrantyRepair, Kind::RoadsideRescue];
    assert_eq!(judged(vec![other, off, mine]).measure, Measure::Approve);
    assert_eq!(judged(Vec::new()).measure, Measure::Person(None));
}

#[test]
fn past_a_rule_that_failed_only_a_person_decides() {
    let broken = || rule("BROKEN", 1, "claim.amount_minor / history.vehicle_claims_365d > 5", RuleAction::Reject);
    for action in [RuleAction::Approve, RuleAction::Reject, RuleAction::Return, RuleAction::RequireEvidence] {
        let ruling = judged(vec![broken(), rule("NEXT", 2, "true", action)]);
        assert_eq!(ruling.measure, Measure::Person(None), "{action:?}");
        assert_eq!(ruling.held_back, Some(HeldBack::RuleFailed));
        assert_eq!(ruling.faults.len(), 1);
        assert_eq!(ruling.faults[0].rule, code("BROKEN"));
        assert!(ruling.faults[0].message.contains("ivision"), "{}", ruling.faults[0].message);
    }
    let routed = judged(vec![broken(), rule("NEXT", 2, "true", RuleAction::Route)]);
    assert_eq!(routed.measure, Measure::Person(Some(code("QUEUE"))), "a queue is a person too");
    let beyond = judged(vec![rule("INDEX", 1, "lines[9].priced", RuleAction::Approve)]);
    assert_eq!((beyond.measure, beyond.faults.len()), (Measure::Person(None), 1));
}

#[test]
fn an_approval_needs_prices_something_owed_and_no_errors() {
    let facts = facts();
    let book = RuleBook::of(&set(vec![rule("R", 1, "true", RuleAction::Approve)]));
    let held = |claim: &Claim| {
        let ruling = book.judge(claim, &Situation::of(claim, &around(&facts)), &setting());
        (ruling.measure, ruling.held_back)
    };
    let good = submitted(&facts);
    assert_eq!(held(&good), (Measure::Approve, None));
    let mut unpriced = good.clone();
    unpriced.lines[1].pricing.as_mut().unwrap().computed = None;
    assert_eq!(held(&unpriced), (Measure::Person(None), Some(HeldBack::NoPrice)));
    let mut nothing = good.clone();
    for line in &mut nothing.lines {
        line.pricing.as_mut().unwrap().requested.minor = 0;
    }
    assert_eq!(held(&nothing), (Measure::Person(None), Some(HeldBack::NothingDue)));
    let mut wrong = good.clone();
    wrong.findings.push(Finding::error(ReasonCode::InvalidVin, "vin"));
    assert_eq!(held(&wrong), (Measure::Person(None), Some(HeldBack::Errors)));
    let mut leave = good.clone();
    leave.kind = Kind::ExternalPurchase;
    assert_eq!(held(&leave), (Measure::Person(None), Some(HeldBack::Authorizes)));
    let waits = Claim { hold: Some(hold()), ..good };
    assert_eq!(held(&waits), (Measure::Person(None), Some(HeldBack::Held)));
}

fn hold() -> Hold {
    Hold {
        reason: PauseReason::Investigation,
        hold_time: crate::claims::sample::now(),
        until: None,
        end_time: None,
        held_by: crate::claims::sample::AUDITOR,
        internal_note: String::new(),
    }
}

#[test]
fn requests_for_leave_are_approved_by_a_set_that_may_within_the_first_level() {
    let facts = facts();
    let set = AdjudicationRuleSet { may_authorize: true, ..set(vec![rule("R", 1, "true", RuleAction::Approve)]) };
    let book = RuleBook::of(&set);
    let mut leave = submitted(&facts);
    leave.kind = Kind::ExternalPurchase;
    let judged = |setting: &Setting| book.judge(&leave, &Situation::of(&leave, &around(&facts)), setting).held_back;
    assert_eq!(judged(&setting()), None);
    let limit = ApprovalLimit { level: 0, currency: leave.currency, limit: Some(Money::new(leave.currency, 1)) };
    let limited = Setting { approval_limits: vec![limit], ..setting() };
    assert_eq!(judged(&limited), Some(HeldBack::HigherLevel));
}

#[test]
fn what_is_not_returned_goes_to_a_person() {
    let facts = facts();
    let mut claim = submitted(&facts);
    for action in [RuleAction::Return, RuleAction::RequireEvidence] {
        let book = RuleBook::of(&set(vec![rule("R", 1, "true", action)]));
        claim.kind = Kind::WarrantyRepair;
        let ruling = book.judge(&claim, &Situation::of(&claim, &around(&facts)), &setting());
        let Measure::Return(reasons) = ruling.measure else { panic!("{ruling:?}") };
        if action == RuleAction::RequireEvidence {
            assert_eq!(reasons[0].code, ReasonCode::EvidenceMissing);
            assert_eq!(reasons[0].evidence_needed, "a photo / 照片");
            assert_eq!(reasons[0].field, "evidence");
        }
        claim.kind = Kind::RoadsideRescue;
        let ruling = book.judge(&claim, &Situation::of(&claim, &around(&facts)), &setting());
        assert_eq!((ruling.measure, ruling.held_back), (Measure::Person(None), Some(HeldBack::NotReturnable)));
    }
}

#[test]
fn every_nth_approval_is_a_sample() {
    let mut rules = set(vec![rule("R", 1, "true", RuleAction::Approve)]);
    rules.sample_every = 3;
    rules.default_queue = Some(code("DEFAULT"));
    let book = RuleBook::of(&rules);
    let samples: Vec<u64> = (1..=9).filter(|nth| book.is_sample(*nth)).collect();
    assert_eq!(samples, [3, 6, 9]);
    let ruling = judged(vec![rule("R", 1, "true", RuleAction::Approve)]);
    let sampled = book.sampled(ruling.clone());
    assert_eq!(sampled.measure, Measure::Person(Some(code("DEFAULT"))));
    assert_eq!((sampled.rule, sampled.held_back), (Some(code("R")), Some(HeldBack::Sampled)));
    rules.sample_queue = Some(code("SAMPLES"));
    assert_eq!(RuleBook::of(&rules).sampled(ruling).measure, Measure::Person(Some(code("SAMPLES"))));
    rules.sample_every = 0;
    assert!(!RuleBook::of(&rules).is_sample(3) && !RuleBook::of(&rules).is_sample(0));
}

#[test]
fn a_set_knows_whether_it_asks_for_history() {
    let asks = |condition| RuleBook::of(&set(vec![rule("R", 1, condition, RuleAction::Approve)])).asks_history();
    assert!(asks("history.station_claims < 10"));
    assert!(!asks("claim.amount_minor < 10"));
}

#[test]
fn a_set_names_its_rules_in_the_order_in_which_they_are_tried() {
    let mut off = rule("OFF", 1, "true", RuleAction::Approve);
    off.disabled = true;
    let book = RuleBook::of(&set(vec![
        rule("B", 2, "true", RuleAction::Approve),
        off,
        rule("A", 1, "true", RuleAction::Approve),
    ]));
    assert_eq!(book.rule_ids().cloned().collect::<Vec<_>>(), [code("A"), code("B")]);
    assert_eq!(book.name_of(&code("A")), "adjudicationRuleSets/CLASSIC.1/rules/A");
}

#[test]
fn why_a_rule_does_not_decide_is_told_as_it_is_stored() {
    for held_back in [
        HeldBack::RuleFailed,
        HeldBack::NotReturnable,
        HeldBack::Authorizes,
        HeldBack::Errors,
        HeldBack::NoPrice,
        HeldBack::NothingDue,
        HeldBack::HigherLevel,
        HeldBack::Sampled,
        HeldBack::Held,
    ] {
        assert_eq!(serde_json::to_value(held_back).unwrap(), held_back.word());
    }
}

#[test]
fn a_condition_may_be_as_long_as_the_limit_says() {
    let filled = |length: usize| {
        let rest = " == \"\"";
        format!("\"{}\"{rest}", "a".repeat(length - rest.len() - 2))
    };
    assert!(Condition::compile(&filled(MAX_CONDITION)).is_ok());
    assert!(Condition::compile(&filled(MAX_CONDITION + 1)).is_err());
    // Characters count, not bytes.
    assert!(Condition::compile(&filled(MAX_CONDITION).replace('a', "车")).is_ok());
}

#[test]
fn a_claim_about_which_nothing_is_known_can_be_judged() {
    let facts = facts();
    let mut claim = submitted(&facts);
    claim.header = crate::claims::Header::default();
    claim.coverage = None;
    claim.lines.clear();
    let bare = Surroundings {
        vehicle: None,
        parts: &std::collections::BTreeMap::new(),
        operations: &std::collections::BTreeMap::new(),
        failure_code: None,
        submitted: day("2026-11-23"),
        ..around(&facts)
    };
    for ((name, value), variable) in situation::variables(&claim, &bare).iter().zip(VARIABLES.fields) {
        fits(variable.ty, value, name);
    }
    let unknown =
        Condition::compile("!vehicle.known && vehicle.age_days == 0 && repair.weekday == 0 && !coverage.covered");
    assert_eq!(unknown.unwrap().holds(&Situation::of(&claim, &bare)), Ok(true));
}

/// The figure of the README: two hundred rules, a claim of five lines. Run with `--release`.
#[test]
#[ignore = "a measurement: cargo test --release -p recourse-domain --lib two_hundred_rules -- --ignored --nocapture"]
#[expect(clippy::print_stdout, reason = "the figure is what it is run for")]
fn two_hundred_rules_take_less_than_a_millisecond() {
    let facts = facts();
    let mut claim = submitted(&facts);
    while claim.lines.len() < 5 {
        let mut line = claim.lines[claim.lines.len() % 2].clone();
        line.number = u32::try_from(claim.lines.len()).unwrap() + 1;
        claim.lines.push(line);
    }
    let conditions = [
        "claim.amount_minor > 100000000",
        "lines.exists(l, l.part_restricted != \"\")",
        "\"EXPIRED_WARRANTY\" in warnings && !coverage.covered",
        "claim.kind == \"WARRANTY_REPAIR\" && vehicle.km_per_day > 1000 && history.station_claims < 3",
        "lines.exists(l, l.type == \"LABOR\" && l.hours_hundredths > l.standard_hours_hundredths * 2)",
    ];
    let rules =
        (0..200).map(|n| rule(&format!("R-{n}"), n, conditions[usize::try_from(n).unwrap() % 5], RuleAction::Reject));
    let book = RuleBook::of(&set(rules.collect()));
    let mut took: Vec<std::time::Duration> = (0..200)
        .map(|_| {
            let begun = std::time::Instant::now();
            let ruling = book.judge(&claim, &Situation::of(&claim, &around(&facts)), &setting());
            assert_eq!(ruling.rule, None);
            begun.elapsed()
        })
        .collect();
    took.sort();
    println!("200 rules, 5 lines: median {:?}, slowest of 200 {:?}", took[100], took[199]);
    assert!(cfg!(debug_assertions) || took[100] < std::time::Duration::from_millis(2), "{:?}", took[100]);
}
