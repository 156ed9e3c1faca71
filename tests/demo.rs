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
