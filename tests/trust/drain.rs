//! The end of a process: everybody is told, nothing that was acknowledged is cut, and it does end.

use std::time::{Duration, Instant};

use recourse_proto::{Method, v1};
use serde_json::{Value, json};

use super::edge::lock_claims;
use crate::harness::grpc::{Grpc, frame};
use crate::harness::process::Process;
use crate::harness::wire::{Wire, get, post};
use crate::harness::world::{World, pump_claim};
use crate::harness::{Backend, Database, Server, world};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_stop_says_so_first_ends_streams_and_waits_for_calls() {
    let server = Server::start_with(Backend::Sqlite, |config| config.limits.drain_delay = Duration::from_millis(600));
    let server = server.await.expect("SQLite is always there");
    let world = World::load(&server).await;
    let token = server.tokens["s001"].clone();
    let lines = world.station.watch("/v1/events:watch?cursor=now").await;
    let events = reqwest::Client::new()
        .get(format!("{}/v1/events:watch?cursor=now", server.base))
        .bearer_auth(&token)
        .header("accept", "text/event-stream")
        .send()
        .await
        .unwrap();
    let grpc = Grpc::connect(&server).await.with_token(&token);
    let watch = v1::WatchEventsRequest { cursor: "now".into(), ..Default::default() };
    let watch = tokio::spawn({
        let grpc = grpc.clone();
        async move { grpc.call(Method::EventServiceWatchEvents.grpc_path(), &watch).await }
    });
    let probe = tonic_health::pb::HealthCheckRequest::default();
    let health = grpc.send("/grpc.health.v1.Health/Watch", frame(&probe), &[]).await;
    let mut half_open = Wire::connect(&server.base).await;
    half_open.send("GET /v1/claims HTTP/1.1\r\nhost:").await.unwrap();
    let _silent = Wire::connect(&server.base).await;
    let mut busy = Wire::connect(&server.base).await;
    let lock = lock_claims(&server).await;
    busy.send(&post("/v1/claims", &token, &pump_claim().to_string())).await.unwrap();
    let mut idle = Wire::connect(&server.base).await;
    idle.send(&get("/readyz", "")).await.unwrap();
    assert_eq!(idle.reply().await.expect("an answer").status, 200);
    tokio::time::sleep(Duration::from_millis(200)).await;

    let (base, began) = (server.base.clone(), Instant::now());
    let stopped = tokio::spawn(server.running.stop());
    tokio::time::sleep(Duration::from_millis(150)).await;
    // In the delay: not ready, but still taking calls.
    let mut ready = Vec::new();
    for path in ["/readyz", "/healthz", "/v1/claims"] {
        idle.send(&get(path, &token)).await.unwrap();
        ready.push(idle.reply().await.expect("an answer").status);
    }
    assert_eq!(ready, [503, 200, 200]);
    let status: tonic_health::pb::HealthCheckResponse = grpc.call("/grpc.health.v1.Health/Check", &probe).await.ok();
    assert_eq!(status.status, 2, "NOT_SERVING");
    drop(health);

    let last = lines.text().await.expect("a clear end");
    let last: Value = serde_json::from_str(last.lines().last().expect("a last line")).unwrap();
    assert_eq!(last["error"]["reason"], json!("SERVER_STOPPING"), "{last:#}");
    let events = events.text().await.expect("a clear end");
    assert!(events.contains("event: error") && events.contains("SERVER_STOPPING"), "{events}");
    watch.await.unwrap().refused(tonic::Code::Unavailable, "SERVER_STOPPING");
    assert!(is_closed(&base).await, "no new connections");
    tokio::time::sleep(Duration::from_millis(300)).await;
    assert!(!stopped.is_finished(), "a call is open");
    drop(lock);
    let created = busy.reply().await.expect("its answer");
    assert_eq!(created.status, 200, "{}", String::from_utf8_lossy(&created.body));
    stopped.await.expect("it stops");
    assert!(began.elapsed() < Duration::from_secs(8), "{:?}", began.elapsed());
}

/// Whether nobody takes connections any more: streams are told of the stop in the moment in which the doors close.
async fn is_closed(base: &str) -> bool {
    for _ in 0..40 {
        if tokio::net::TcpStream::connect(base.trim_start_matches("http://")).await.is_err() {
            return true;
        }
        tokio::time::sleep(Duration::from_millis(25)).await;
    }
    false
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_call_that_does_not_end_is_cut_at_the_deadline() {
    let server = Server::start_with(Backend::Sqlite, |config| config.limits.drain_time = Duration::from_millis(500));
    let server = server.await.expect("SQLite is always there");
    let mut busy = Wire::connect(&server.base).await;
    let lock = lock_claims(&server).await;
    busy.send(&post("/v1/claims", &server.tokens["s001"], &pump_claim().to_string())).await.unwrap();
    tokio::time::sleep(Duration::from_millis(200)).await;
    let began = Instant::now();
    server.running.stop().await;
    assert!((450..3000).contains(&began.elapsed().as_millis()), "{:?}", began.elapsed());
    assert_eq!(busy.reply().await, None, "cut, not answered");
    drop(lock);
}

/// The same from outside, with the signal that an orchestrator sends.
async fn the_process_ends_well_on_sigterm(backend: Backend) {
    let Some(prepared) = world::prepared(backend).await else { return };
    let database = Database::copy_of(backend, Some(&prepared.database)).await.expect("a copy");
    let folder = std::env::temp_dir();
    let settings = [("RECOURSE_LIMITS__DRAIN_DELAY", "200ms"), ("RECOURSE_LOG", "warn")];
    let process = Process::serve(&folder, &database.url, &settings).await;
    let mut others = Vec::new();
    for sent in ["", "GET /v1/cl", "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"] {
        let mut wire = Wire::connect(&process.base).await;
        wire.send(sent).await.unwrap();
        others.push(wire);
    }
    let mut idle = Wire::connect(&process.base).await;
    idle.send(&get("/v1/claims", &prepared.tokens["s001"])).await.unwrap();
    assert_eq!(idle.reply().await.expect("an answer").status, 200);
    let url = format!("{}/v1/events:watch?cursor=now", process.base);
    let stream = reqwest::Client::new().get(url).bearer_auth(&prepared.tokens["s001"]).send().await.unwrap();
    assert_eq!(stream.status(), 200);
    process.signal("-TERM");
    let (text, (code, took)) = tokio::join!(stream.text(), process.ended());
    assert!(text.expect("a clear end").contains("SERVER_STOPPING"));
    assert_eq!(code, Some(0));
    assert!(took < Duration::from_secs(10), "{took:?}");
    drop(others);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_process_ends_well_on_sigterm_sqlite() {
    the_process_ends_well_on_sigterm(Backend::Sqlite).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_process_ends_well_on_sigterm_postgres() {
    the_process_ends_well_on_sigterm(Backend::Postgres).await;
}
