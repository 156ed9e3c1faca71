//! Scenarios as data: what happens to a claim, step by step, in files that people of the trade can read.
//!
//! A step is a call by somebody, what it should answer, and what is remembered for later steps:
//!
//! ```yaml
//! - as: station
//!   call: POST /v1/claims
//!   body: { $like: pump_claim, externalRepairOrder: RO-2 }
//!   expect: { status: 200, has: { /state: DRAFT } }
//!   save: { claim: /name }
//! - advance_days: 16
//! ```
//!
//! `{claim}` in a later path or body stands for what was saved. Time that passes lets deadlines pass.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde_json::{Map, Value, json};

use crate::harness::client::Client;
use crate::harness::world::{World, pump_claim, setting};
use crate::harness::{Backend, Server};

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Scenario {
    title: String,
    steps: Vec<Step>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Step {
    #[serde(rename = "as")]
    who: Option<String>,
    call: Option<String>,
    #[serde(default)]
    body: Option<Value>,
    #[serde(default)]
    expect: Expect,
    #[serde(default)]
    save: BTreeMap<String, String>,
    #[serde(default)]
    advance_days: i64,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct Expect {
    /// 200, unless the step says otherwise.
    status: Option<u16>,
    /// The public reason of a refusal.
    reason: Option<String>,
    /// Values at places of the answer.
    #[serde(default)]
    has: BTreeMap<String, Value>,
    /// Places where there is nothing.
    #[serde(default)]
    lacks: Vec<String>,
    /// Lists of which some item has all these members.
    #[serde(default)]
    some: BTreeMap<String, Map<String, Value>>,
}

/// Puts what was saved in the place of its name.
fn filled(value: &Value, saved: &BTreeMap<String, String>) -> Value {
    match value {
        Value::String(text) => Value::String(put_in(text, saved)),
        Value::Array(items) => items.iter().map(|item| filled(item, saved)).collect(),
        Value::Object(members) => {
            let mut whole = match members.get("$like").and_then(Value::as_str) {
                Some("pump_claim") => pump_claim(),
                Some("setting") => setting(),
                Some(other) => panic!("nothing is like {other}"),
                None => json!({}),
            };
            for (name, member) in members.iter().filter(|(name, _)| *name != "$like") {
                whole[name] = filled(member, saved);
            }
            whole
        }
        Value::Null | Value::Bool(_) | Value::Number(_) => value.clone(),
    }
}

fn put_in(text: &str, saved: &BTreeMap<String, String>) -> String {
    saved.iter().fold(text.to_owned(), |text, (name, value)| text.replace(&format!("{{{name}}}"), value))
}

fn caller<'w>(world: &'w World, who: &str) -> &'w Client {
    match who {
        "admin" => &world.admin,
        "auditor" => &world.auditor,
        "second auditor" => &world.second_auditor,
        "finance" => &world.finance,
        "station" => &world.station,
        "other station" => &world.other_station,
        "technician" => &world.technician,
        "supplier" => &world.supplier,
        "other supplier" => &world.other_supplier,
        "appraiser" => &world.appraiser,
        "other appraiser" => &world.other_appraiser,
        "nobody" => &world.anonymous,
        other => panic!("who is {other}?"),
    }
}

async fn run(text: &str, backend: Backend) {
    let scenario: Scenario = serde_norway::from_str(text).expect("a scenario");
    let Some(server) = Server::start(backend).await else { return };
    let world = World::load(&server).await;
    let mut saved = BTreeMap::new();
    for (index, step) in scenario.steps.iter().enumerate() {
        let place = format!("{}, step {} ({:?})", scenario.title, index + 1, step.call);
        if step.advance_days > 0 {
            server.clock.advance(chrono::Duration::days(step.advance_days));
            server.running.api.enforce_deadlines().await.expect("deadlines");
        }
        let Some(call) = &step.call else { continue };
        let (verb, path) = call.split_once(' ').expect("a verb and a path");
        let verb = reqwest::Method::from_bytes(verb.as_bytes()).expect("a verb");
        let body = step.body.as_ref().map(|body| filled(body, &saved));
        let who = caller(&world, step.who.as_deref().expect("who calls"));
        let answer = who.call(verb, &put_in(path, &saved), body, &[]).await;
        assert_eq!(answer.status, step.expect.status.unwrap_or(200), "{place}: {:#}", answer.body);
        check(&step.expect, &answer.body, &saved, &place);
        for (name, pointer) in &step.save {
            let value = answer.body.pointer(pointer).and_then(Value::as_str);
            let value = value.unwrap_or_else(|| panic!("{place}: nothing to save at {pointer}: {:#}", answer.body));
            saved.insert(name.clone(), value.to_owned());
        }
    }
    // However it went, the rows say one thing: history, references, documents, columns and books.
    let report = recourse_service::verify::verify_store(server.running.api.store()).await.expect("a report");
    assert_eq!(report.faults().collect::<Vec<_>>(), Vec::<&str>::new(), "{}", scenario.title);
}

fn check(expect: &Expect, body: &Value, saved: &BTreeMap<String, String>, place: &str) {
    if let Some(reason) = &expect.reason {
        assert_eq!(body["reason"], json!(reason), "{place}: {body:#}");
    }
    for (pointer, expected) in &expect.has {
        assert_eq!(body.pointer(pointer), Some(&filled(expected, saved)), "{place}: {pointer} of {body:#}");
    }
    for pointer in &expect.lacks {
        assert_eq!(body.pointer(pointer), None, "{place}: {pointer}");
    }
    for (pointer, members) in &expect.some {
        let items = body.pointer(pointer).and_then(Value::as_array).cloned().unwrap_or_default();
        let fits = |item: &Value| members.iter().all(|(name, value)| item.get(name) == Some(&filled(value, saved)));
        assert!(items.iter().any(fits), "{place}: no item of {pointer} has {members:?}: {body:#}");
    }
}

/// Each file is a scenario, and a test on every database.
macro_rules! scenarios {
    ($($name:ident)*) => {
        $(mod $name {
            use super::{Backend, run};

            const TEXT: &str = include_str!(concat!(stringify!($name), ".yaml"));

            #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn sqlite() {
                run(TEXT, Backend::Sqlite).await;
            }

            #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn postgres() {
                run(TEXT, Backend::Postgres).await;
            }
        })*

        #[test]
        fn every_file_is_run() {
            let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/../../tests/scenarios");
            let mut files: Vec<String> = std::fs::read_dir(folder)
                .expect("the folder")
                .flatten()
                .filter_map(|entry| entry.file_name().to_string_lossy().strip_suffix(".yaml").map(str::to_owned))
                .collect();
            files.sort();
            assert_eq!(files, [$(stringify!($name)),*]);
        }
    };
}

scenarios! {
    appeal
    appeal_too_late
    appraisal_conflict_of_interest
    appraisal_declined_and_reassigned
    appraisal_to_recovery
    authorization_expires
    campaign
    compensation_appraisal
    correction_keeps_free_services
    correction_of_a_reading
    correction_of_a_sale
    deemed_approved
    dms_day
    duplicate_at_another_station
    external_purchase
    goodwill
    goodwill_budget_used_up
    hold_stops_a_decision
    lapse
    major_assembly
    note_visibility
    open_recall
    overdue_review_escalates
    paid_repair
    pause_moves_the_due_date
    precheck_and_copy
    recovery_dispute_decided_by_another_auditor
    recovery_follows_an_appeal
    recovery_silence_confirms
    recovery_silence_escalates
    recovery_told_apart_by_lot
    replaced_part
    return_correct_resubmit
    roadside_rescue
    running_in
    shared_rescue
    taken_over_review
    withdrawn_and_claimed_again
}
