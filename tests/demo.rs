//! The demo: the same on every load, in every state, and in balance.

use std::collections::BTreeMap;
use std::sync::Arc;

use recourse_domain::clock::Clock;
use recourse_server::config::Config;
use recourse_server::demo::{self, Size};
use recourse_server::process::{RandomIds, SetClock};
use recourse_server::start;
use serde_json::{Value, json};

use crate::harness::client::Client;
use crate::harness::{Backend, Database, Server};

/// A server over a freshly loaded small demo; on SQLite where the machine lacks the database.
async fn loaded(backend: Backend) -> Server {
    let database = match Database::create(backend).await {
        Some(database) => database,
        None => Database::create(Backend::Sqlite).await.expect("SQLite is always there"),
    };
    let config = Config {
        listen: "127.0.0.1:0".parse().unwrap(),
        database: database.url.clone(),
        max_connections: 4,
        ..Config::default()
    };
    let store = database.store().await;
    let first = demo::prepare_size(&config, &store, Size::Small).await.unwrap();
    assert!(first.accounts.contains("auditor"), "{}", first.accounts);
    let began = std::time::Instant::now();
    let again = demo::prepare_size(&config, &store, Size::Small).await.unwrap();
    assert!(began.elapsed().as_secs() < 1, "a loaded demo is there at once");
    assert!(again.clock.now() >= demo::anchor());
    Server::over(database, BTreeMap::new()).await
}

async fn all(caller: &Client, path: &str, list: &str) -> Vec<Value> {
    let (mut items, mut token) = (Vec::new(), String::new());
    loop {
        let page = caller.get(&format!("{path}?pageSize=200&pageToken={token}")).await.ok();
        items.extend(page[list].as_array().cloned().unwrap_or_default());
        match page["nextPageToken"].as_str() {
            Some(next) if !next.is_empty() => token = next.to_owned(),
            _ => return items,
        }
    }
}

/// What must be the same each time, of everything.
async fn content(caller: &Client) -> (Vec<Value>, Vec<Value>, Vec<Value>) {
    let claims = all(caller, "/v1/claims", "claims").await;
    let vehicles = all(caller, "/v1/vehicles", "vehicles").await;
    let parts = all(caller, "/v1/parts", "parts").await;
    (claims, vehicles, parts)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_demo_repeats_itself_and_balances() {
    let (one, other) = (loaded(Backend::Sqlite).await, loaded(Backend::Postgres).await);
    let auditor = Client::anonymous(&one).sign_in("auditor", demo::PASSWORD).await;
    let claims = content(&auditor).await;
    let second = Client::anonymous(&other).sign_in("auditor", demo::PASSWORD).await;
    assert_eq!(claims, content(&second).await, "two loads differ");

    let mut states: BTreeMap<&str, usize> = BTreeMap::new();
    for claim in &claims.0 {
        *states.entry(claim["state"].as_str().unwrap_or_default()).or_default() += 1;
    }
    let expected = ["APPROVED", "DRAFT", "IN_REVIEW", "LAPSED", "REJECTED", "RETURNED", "SUBMITTED", "WITHDRAWN"];
    assert_eq!(states.keys().copied().collect::<Vec<_>>(), expected, "{states:?}");
    assert!(claims.0.iter().any(|claim| claim["revision"] == 2), "nothing was corrected");
    let kinds: std::collections::BTreeSet<&str> = claims.0.iter().filter_map(|claim| claim["kind"].as_str()).collect();
    assert_eq!(kinds.len(), 6, "{kinds:?}");
    let appraisals = all(&auditor, "/v1/appraisals", "appraisals").await;
    assert!(appraisals.iter().any(|appraisal| appraisal["state"] == "DRAFT_SHARED"), "{appraisals:#?}");
    let recoveries = all(&auditor, "/v1/recoveryClaims", "recoveryClaims").await;
    for state in ["OPEN", "ISSUED", "CONFIRMED", "DISPUTED", "UNRESOLVED"] {
        assert!(recoveries.iter().any(|recovery| recovery["state"] == state), "no recovery is {state}");
    }

    let finance = Client::anonymous(&one).sign_in("finance", demo::PASSWORD).await;
    let verified = finance.get("/v1/ledger:verify").await.ok();
    assert_eq!(verified["intact"], true, "{verified:#}");
    let totals = finance.get("/v1/ledger:trialBalance").await.ok()["totals"].clone();
    let totals = totals.as_array().expect("totals");
    assert!(!totals.is_empty());
    for total in totals {
        assert!(total["debit"]["units"].is_string(), "{total:#}");
        assert_eq!(total["debit"], total["credit"], "{total:#}");
    }
    one.running.stop().await;
    other.running.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_tours_claim_can_be_submitted() {
    let server = loaded(Backend::Sqlite).await;
    let clerk = Client::anonymous(&server).sign_in("s001", demo::PASSWORD).await;
    let day = |day: i64| json!({"year": 2026, "month": 11, "day": day});
    let claim = json!({
        "kind": "WARRANTY_REPAIR",
        "vin": demo::TOUR_VIN,
        "complaintDescription": "stalls when hot",
        "causeDescription": "fuel pump seized",
        "correctionDescription": "fuel pump replaced",
        "failureCode": format!("failureCodes/{}", demo::TOUR_FAILURE_CODE),
        "causalPart": format!("parts/{}", demo::TOUR_PART),
        "odometerIn": {"value": "21050", "unit": "KILOMETER"},
        "complaintDate": day(17),
        "repairCompletionDate": day(18),
        "lines": [
            {"type": "PART", "part": format!("parts/{}", demo::TOUR_PART), "quantity": {"value": "1"}, "isCausal": true},
            {"type": "LABOR", "operation": format!("laborOperations/{}", demo::TOUR_OPERATION)},
        ],
    });
    let created = clerk.post("/v1/claims", claim).await.ok();
    let name = created["name"].as_str().expect("a name");
    let submitted = clerk.post(&format!("/v1/{name}:submit"), json!({})).await.ok();
    assert_eq!(submitted["findings"].as_array().map_or(0, Vec::len), 0, "{submitted:#}");
    assert_eq!(submitted["claim"]["coverage"]["covered"], true);
    // 450.00 for the part and 1.80 hours at 120.00.
    assert_eq!(submitted["claim"]["totals"]["requested"]["units"], "666");
    server.running.stop().await;
}

/// A copy of what a station once submitted, under a job of its own.
fn copy(revision: &Value, job: usize) -> Value {
    let keep = |from: &Value, fields: &[&str]| {
        let fields = fields.iter().filter_map(|field| Some(((*field).to_owned(), from.get(field)?.clone())));
        Value::Object(fields.collect())
    };
    let claim = &revision["claim"];
    let mut copy = keep(
        claim,
        &[
            "kind",
            "vin",
            "complaintDescription",
            "causeDescription",
            "correctionDescription",
            "failureCode",
            "locationCode",
            "causalPart",
            "relatedParts",
            "dtcs",
            "odometerIn",
            "odometerOut",
            "complaintDate",
            "repairStartDate",
            "repairCompletionDate",
            "warrantyRepair",
        ],
    );
    copy["externalRepairOrder"] = json!("RO-COPY");
    copy["externalJob"] = json!(job.to_string());
    let line = [
        "type",
        "part",
        "operation",
        "description",
        "quantity",
        "hours",
        "actualHours",
        "additionalHours",
        "additionalHoursComment",
        "requestedAmount",
        "originalSerialNumber",
        "replacementSerialNumber",
        "isCausal",
        "outsidePartInvoiceNumber",
        "subletInvoiceNumber",
        "distance",
    ];
    copy["lines"] = claim["lines"].as_array().expect("lines").iter().map(|from| keep(from, &line)).collect();
    copy
}

fn fen(money: &Value) -> i64 {
    let units: i64 = money["units"].as_str().map_or(0, |units| units.parse().expect("a number"));
    units * 100 + money["nanos"].as_i64().unwrap_or(0) / 10_000_000
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_dry_run_over_the_demo_tells_to_the_cent_what_applying_the_set_does() {
    let server = loaded(Backend::Sqlite).await;
    let anonymous = Client::anonymous(&server);
    let auditor = anonymous.sign_in("auditor", demo::PASSWORD).await;
    let day = |month: i64, day: i64| json!({"year": 2026, "month": month, "day": day});
    let rule = |id: &str, priority: i64, action: &str, condition: &str| {
        let mut rule = json!({"ruleId": id, "priority": priority, "action": action, "condition": condition});
        match action {
            "ROUTE" => rule["queue"] = json!("reviewQueues/SAFETY"),
            "REJECT" => rule["reasons"] = json!([{"code": "EXCESSIVE_PART_COST"}]),
            _ => {}
        }
        rule
    };
    let set = json!({
        "displayName": "Amounts", "family": "AMOUNTS", "versionNumber": 1, "validFrom": day(11, 20),
        "rules": [
            rule("SAFETY", 10, "ROUTE", "failure.safety || lines.exists(l, l.part_restricted != \"\")"),
            rule("LARGE", 20, "REJECT", "claim.amount_minor > 800000"),
            rule("HOURS", 30, "ROUTE", "lines.exists(l, l.hours_hundredths > l.standard_hours_hundredths && l.type == \"LABOR\")"),
            rule("REST", 40, "APPROVE", "vehicle.known && claim.submission_count >= 1"),
        ],
    });
    auditor.post("/v1/adjudicationRuleSets?adjudicationRuleSetId=AMOUNTS.1", set).await.ok();
    let period =
        json!({"fromDate": {"year": 2024, "month": 1, "day": 1}, "toDate": day(11, 19), "kinds": ["WARRANTY_REPAIR"]});
    let mut told = auditor.lines("/v1/adjudicationRuleSets/AMOUNTS.1:dryRun", period).await;
    let sums = told.pop().expect("the sums")["summary"].clone();
    assert_eq!(sums["claims"].as_u64(), Some(told.len() as u64), "{sums:#}");
    assert!(told.len() > 20, "the demo has claims: {sums:#}");
    auditor.post("/v1/adjudicationRuleSets/AMOUNTS.1:publish", json!({})).await.ok();
    let told: Vec<&Value> = told.iter().map(|line| &line["claim"]).collect();
    let would: i64 = told.iter().map(|told| fen(&told["wouldApprove"])).sum();
    assert_eq!(would, fen(&sums["money"][0]["byRules"]), "the sum is that of the claims: {sums:#}");
    // People of two stations can sign in; of the others a program claims.
    let mut stations = BTreeMap::new();
    for (station, user) in [("stations/S-001", "s001"), ("stations/S-002", "s002")] {
        stations.insert(station, anonymous.sign_in(user, demo::PASSWORD).await);
    }
    let (mut applied, mut approved, mut expected) = (BTreeMap::<String, usize>::new(), 0, 0);
    for (job, told) in told.into_iter().enumerate() {
        let name = told["claim"].as_str().expect("a name");
        let claim = auditor.get(&format!("/v1/{name}")).await.ok();
        let Some(clerk) = stations.get(claim["station"].as_str().expect("a station")) else { continue };
        let revision = auditor.get(&format!("/v1/{name}/revisions/{}", claim["revision"])).await.ok();
        let created = clerk.post("/v1/claims", copy(&revision, job)).await.ok();
        let created = created["name"].as_str().expect("a name");
        let decided = clerk.post(&format!("/v1/{created}:submit"), json!({})).await.ok()["claim"].clone();
        let action = match decided["state"].as_str().expect("a state") {
            "APPROVED" => "APPROVE",
            "REJECTED" => "REJECT",
            "SUBMITTED" => "ROUTE",
            other => panic!("{other}"),
        };
        assert_eq!(told["action"], action, "{name} {told:#} {decided:#}");
        *applied.entry(action.to_owned()).or_default() += 1;
        approved += fen(&decided["totals"]["approved"]);
        expected += fen(&told["wouldApprove"]);
    }
    assert_eq!(approved, expected, "to the cent");
    assert!(approved > 0 && applied.len() >= 2 && applied.values().sum::<usize>() > 10, "{applied:?}");
    let finance = anonymous.sign_in("finance", demo::PASSWORD).await;
    assert_eq!(finance.get("/v1/ledger:verify").await.ok()["intact"], true);
    server.running.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_example_rules_stand_ready_and_decide_nothing_yet() {
    let server = loaded(Backend::Sqlite).await;
    let auditor = Client::anonymous(&server).sign_in("auditor", demo::PASSWORD).await;
    let set = auditor.get("/v1/adjudicationRuleSets/CLASSIC.1").await.ok();
    assert_eq!(set["state"], "PUBLISHED");
    assert!(set["rules"].as_array().expect("rules").len() >= 28);
    let figures = auditor.get("/v1/adjudicationRuleSets/CLASSIC.1:statistics").await.ok();
    assert!(figures.get("rules").is_none(), "people decided the demo's claims: {figures:#}");
    let body =
        json!({"fromDate": {"year": 2024, "month": 1, "day": 1}, "toDate": {"year": 2026, "month": 11, "day": 20}});
    let told = auditor.lines("/v1/adjudicationRuleSets/CLASSIC.1:dryRun", body).await;
    let sums = &told.last().expect("the sums")["summary"];
    assert!(sums.get("faulty").is_none(), "no condition fails on a claim of the demo: {sums:#}");
    let hit = sums["rules"].as_array().expect("rules").iter().filter(|row| row["hits"].as_i64().unwrap_or(0) > 0);
    assert!(hit.count() >= 5, "{sums:#}");
    server.running.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_half_loaded_demo_is_loaded_again_and_foreign_data_is_left_alone() {
    for (user_name, again) in [("demo-loader", true), ("somebody", false)] {
        let database = Database::create(Backend::Sqlite).await.expect("SQLite is always there");
        let config = Config { database: database.url.clone(), ..Config::default() };
        let store = database.store().await;
        let clock = Arc::new(SetClock::new(demo::anchor()));
        let api = start::open_api(&config, store.clone(), clock, Arc::new(RandomIds)).await.unwrap();
        api.add_admin(user_name, demo::PASSWORD).await.unwrap();
        let outcome = demo::prepare_size(&config, &store, Size::Small).await;
        assert_eq!(outcome.is_ok(), again, "{user_name}");
        assert_eq!(store.sign_in_user("auditor").await.unwrap().is_some(), again, "{user_name}");
    }
}
