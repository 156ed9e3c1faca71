//! Too many calls, and calls that take too long.

use std::collections::BTreeSet;
use std::time::{Duration, Instant};

use recourse_proto::{Method, v1};
use sea_orm::{ConnectionTrait, Database, DatabaseTransaction, TransactionTrait};
use serde_json::json;
use tonic::Code;

use crate::harness::client::Answer;
use crate::harness::grpc::Grpc;
use crate::harness::world::{World, pump_claim};
use crate::harness::{Backend, Server};

/// Keeps everybody from writing claims until it is dropped, as a hanging neighbour would.
pub async fn lock_claims(server: &Server) -> DatabaseTransaction {
    let database = Database::connect(&server.database.url).await.expect("the database");
    let transaction = database.begin().await.expect("a transaction");
    let lock = if server.database.url.starts_with("sqlite") {
        // Any write takes SQLite's one lock.
        "UPDATE claim SET version = version"
    } else {
        "LOCK TABLE claim IN EXCLUSIVE MODE"
    };
    transaction.execute_unprepared(lock).await.expect("the lock");
    transaction
}

fn create_request() -> v1::CreateClaimRequest {
    v1::CreateClaimRequest { claim: Some(serde_json::from_value(pump_claim()).expect("a claim")), ..Default::default() }
}

/// Most are refused ahead of all layers; a page of another origin is refused behind them. Both are told the same.
async fn refused_by_its_head_as_behind_the_layers(world: &World) {
    let path = "/v1/claims/0199a000-0000-7000-8000-00000000d001";
    let client = world.auditor.reading("zh-CN");
    let early = client.get(path).await;
    let late = client.call(reqwest::Method::GET, path, None, &[("origin", "https://elsewhere.example")]).await;
    let names = |answer: &Answer| answer.headers.keys().map(|name| name.as_str().to_owned()).collect::<BTreeSet<_>>();
    assert_eq!(names(&early), names(&late));
    for name in early.headers.keys().filter(|name| !["x-request-id", "traceresponse", "date"].contains(&name.as_str()))
    {
        assert_eq!(early.headers[name], late.headers[name], "{name}");
    }
    let told = |answer: Answer| {
        let id = answer.headers["x-request-id"].to_str().expect("text").to_owned();
        let mut problem = answer.refused(503, "OVERLOADED");
        assert_eq!(problem["requestId"], id);
        problem["requestId"] = json!("");
        problem
    };
    assert_eq!(told(early), told(late));
    let own = client.call(reqwest::Method::GET, path, None, &[("x-request-id", "asked-for-1")]).await;
    assert_eq!(own.headers["x-request-id"], "asked-for-1");
    assert_eq!(own.refused(503, "OVERLOADED")["requestId"], "asked-for-1");
}

async fn more_calls_than_places_are_turned_away(backend: Backend) {
    let configure = |config: &mut recourse_server::config::Config| {
        config.limits.max_in_flight = 1;
        config.limits.max_waiting = 0;
        config.limits.max_streams = 1;
    };
    let Some(server) = Server::start_with(backend, configure).await else { return };
    let world = World::load(&server).await;
    let lock = lock_claims(&server).await;
    let hanging = tokio::spawn({
        let station = world.station.clone();
        async move { station.post("/v1/claims", pump_claim()).await }
    });
    tokio::time::sleep(Duration::from_millis(300)).await;

    let began = Instant::now();
    let refused = world.auditor.get("/v1/claims").await;
    let took = began.elapsed();
    assert_eq!(refused.headers["retry-after"], "1");
    assert_eq!(refused.headers["cache-control"], "no-store");
    let problem = refused.refused(503, "OVERLOADED");
    assert!(problem["requestId"].is_string(), "{problem:#}");
    assert!(took < Duration::from_millis(250), "turned away after {took:?}");
    let chinese = world.auditor.reading("zh-CN").get("/v1/claims").await.refused(503, "OVERLOADED");
    assert_ne!(chinese["detail"], problem["detail"]);
    refused_by_its_head_as_behind_the_layers(&world).await;

    let grpc = Grpc::connect(&server).await;
    let auditor = grpc.with_token(&server.tokens["auditor"]);
    let refused = auditor.call(Method::ClaimServiceListClaims.grpc_path(), &v1::ListClaimsRequest::default()).await;
    let details = refused.refused(Code::Unavailable, "OVERLOADED");
    assert_eq!(details.retry_after, Some(Duration::from_secs(1)));
    assert_eq!(refused.metadata["grpc-retry-pushback-ms"], "1000");

    // Sign-ins have places of their own: this one is let in, read and refused.
    world.anonymous.post("/v1/sessions", json!({})).await.refused(400, "INVALID_FIELDS");
    // Probes pass: an orchestrator must not kill a server for being busy.
    assert_eq!(world.anonymous.get("/healthz").await.status, 200);
    assert_eq!(world.anonymous.get("/readyz").await.status, 200);
    let probe = tonic_health::pb::HealthCheckRequest::default();
    let health: tonic_health::pb::HealthCheckResponse = grpc.call("/grpc.health.v1.Health/Check", &probe).await.ok();
    assert_eq!(health.status, 1, "SERVING");

    drop(lock);
    hanging.await.expect("it ends").ok();
    assert_eq!(world.auditor.get("/v1/claims").await.status, 200, "and normal again");

    let watch = || world.station.watch("/v1/events:watch?cursor=now");
    let first = watch().await;
    assert_eq!(first.status(), 200);
    assert_eq!(watch().await.status(), 503, "streams have places of their own");
    assert_eq!(world.auditor.get("/v1/claims").await.status, 200, "which calls don't need");
    drop(first);
    for _ in 0..50 {
        if watch().await.status() == 200 {
            server.running.stop().await;
            return;
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    panic!("the place of a stream that has gone is not given back");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn more_calls_than_places_are_turned_away_sqlite() {
    more_calls_than_places_are_turned_away(Backend::Sqlite).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn more_calls_than_places_are_turned_away_postgres() {
    more_calls_than_places_are_turned_away(Backend::Postgres).await;
}

async fn a_call_that_takes_too_long_is_stopped_and_leaves_nothing(backend: Backend) {
    let configure =
        |config: &mut recourse_server::config::Config| config.limits.request_time = Duration::from_millis(600);
    let Some(server) = Server::start_with(backend, configure).await else { return };
    let world = World::load(&server).await;
    let grpc = Grpc::connect(&server).await.with_token(&server.tokens["s001"]);
    let create = Method::ClaimServiceCreateClaim.grpc_path();
    let key = [("idempotency-key", "0199a000-0000-7000-8000-00000000e001")];
    let lock = lock_claims(&server).await;
    let began = Instant::now();
    let late = world.station.call(reqwest::Method::POST, "/v1/claims", Some(pump_claim()), &key).await;
    assert!((550..1500).contains(&began.elapsed().as_millis()), "{:?}", began.elapsed());
    late.refused(504, "REQUEST_TIMEOUT");
    let began = Instant::now();
    let late = grpc.call_with(create, &create_request(), &[("grpc-timeout", "100m")]).await;
    late.refused(Code::DeadlineExceeded, "REQUEST_TIMEOUT");
    assert!(began.elapsed() < Duration::from_millis(500), "the caller's own deadline is sooner: {:?}", began.elapsed());
    drop(lock);

    // Whatever the database still had in hand ends without a trace.
    tokio::time::sleep(Duration::from_millis(300)).await;
    let none = world.station.get("/v1/claims").await.ok();
    assert!(none.get("claims").is_none(), "{none:#}");
    let again = world.station.call(reqwest::Method::POST, "/v1/claims", Some(pump_claim()), &key).await;
    assert!(!again.headers.contains_key("idempotent-replayed"));
    again.ok();
    for _ in 0..8 {
        world.station.get("/v1/claims").await.ok();
    }
    server.running.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_call_that_takes_too_long_is_stopped_and_leaves_nothing_sqlite() {
    a_call_that_takes_too_long_is_stopped_and_leaves_nothing(Backend::Sqlite).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_call_that_takes_too_long_is_stopped_and_leaves_nothing_postgres() {
    a_call_that_takes_too_long_is_stopped_and_leaves_nothing(Backend::Postgres).await;
}

/// A stream lasts longer than any call may.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn streams_are_exempt_from_the_time_of_calls() {
    let configure =
        |config: &mut recourse_server::config::Config| config.limits.request_time = Duration::from_millis(300);
    let server = Server::start_with(Backend::Sqlite, configure).await.expect("SQLite is always there");
    let world = World::load(&server).await;
    let mut stream = world.station.watch("/v1/events:watch?cursor=now&types=claims").await;
    tokio::time::sleep(Duration::from_millis(700)).await;
    world.submitted(pump_claim()).await;
    let line = tokio::time::timeout(Duration::from_secs(5), stream.chunk()).await.expect("in time").unwrap();
    let item: serde_json::Value =
        serde_json::from_slice(line.expect("an item").split(|byte| *byte == b'\n').next().unwrap()).unwrap();
    assert_eq!(item["verb"], json!("create"));
    server.running.stop().await;
}

/// Batches are long: they have places of their own, so that a night's work of many dealers leaves room for people.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn batches_leave_room_for_other_calls() {
    let server = Server::start(Backend::Sqlite).await.expect("SQLite is always there");
    let world = World::load(&server).await;
    let lock = lock_claims(&server).await;
    let batch = || json!({"requests": [{"claim": pump_claim()}]});
    let hanging: Vec<_> = (0..8)
        .map(|_| {
            let station = world.station.clone();
            tokio::spawn(async move { station.post("/v1/claims:batchCreate", batch()).await })
        })
        .collect();
    tokio::time::sleep(Duration::from_millis(500)).await;
    let refused = world.station.post("/v1/claims:batchCreate", batch()).await;
    assert_eq!(refused.headers["retry-after"], "1");
    refused.refused(503, "OVERLOADED");
    assert_eq!(world.auditor.get("/v1/claims").await.status, 200);
    drop(lock);
    for done in hanging {
        assert_eq!(done.await.expect("it ends").ok()["succeeded"], 1);
    }
    world.station.post("/v1/claims:batchCreate", batch()).await.ok();
    server.running.stop().await;
}
