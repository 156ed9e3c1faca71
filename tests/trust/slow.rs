//! Clients that take their time: they are ended, and nobody else notices them.

use std::time::{Duration, Instant};

use tokio::task::JoinSet;

use crate::harness::wire::{Wire, get, percentile};
use crate::harness::{Backend, Server};

/// Clients of each kind.
const MANY: usize = 40;
/// What a loaded machine may add.
const SLACK: Duration = Duration::from_secs(3);

/// Starts clients that drip something; each answers what it was told and after how long it was ended.
fn dripping(
    clients: &mut JoinSet<(&'static str, String, Duration)>,
    server: &Server,
    kind: &'static str,
    first: &str,
    piece: &'static str,
) {
    for _ in 0..MANY {
        let (base, first) = (server.base.clone(), first.to_owned());
        clients.spawn(async move {
            let (said, took) = Wire::connect(&base).await.drip(&first, piece, Duration::from_millis(200)).await;
            (kind, said, took)
        });
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn slow_clients_are_ended_and_others_do_not_notice() {
    let server = Server::start_with(Backend::Sqlite, |config| {
        config.limits.max_in_flight = 8;
        config.limits.header_time = Duration::from_secs(1);
        config.limits.idle_time = Duration::from_secs(2);
        config.limits.body_grace = Duration::from_secs(1);
        config.limits.body_time = Duration::from_secs(2);
    });
    let server = server.await.expect("SQLite is always there");
    let mut clients = JoinSet::new();
    let token = &server.tokens["s001"];
    dripping(&mut clients, &server, "headers", "GET /v1/claims HTTP/1.1\r\nhost: x\r\n", "x-a: b\r\n");
    dripping(&mut clients, &server, "silent", "", "");
    dripping(&mut clients, &server, "kept alive", &get("/healthz", token), "");
    dripping(&mut clients, &server, "HTTP/2 preface", "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", "");
    let head =
        "POST /v1/claims HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\ncontent-length: 100000\r\n\r\n{";
    dripping(&mut clients, &server, "body", head, " ");

    // The half of them that send bodies are more than there are places for calls.
    let normal = tokio::spawn({
        let (base, call) = (server.base.clone(), get("/v1/vehicles/LSVAA4187S2184841", token));
        async move {
            let (began, mut times) = (Instant::now(), Vec::new());
            while began.elapsed() < Duration::from_secs(3) {
                let sent = Instant::now();
                let mut wire = Wire::connect(&base).await;
                wire.send(&call).await.expect("an open connection");
                assert_eq!(wire.reply().await.expect("an answer").status, 200);
                times.push(sent.elapsed());
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
            times
        }
    });
    while let Some(client) = clients.join_next().await {
        let (kind, said, took) = client.expect("a client");
        let (least, most) = match kind {
            "headers" | "kept alive" => (1, 1),
            "body" => (1, 2),
            // Asked to end after two seconds, cut two seconds later if need be.
            _ => (2, 4),
        };
        let (least, most) = (Duration::from_secs(least), Duration::from_secs(most) + SLACK);
        assert!(took >= least - Duration::from_millis(50) && took <= most, "{kind} ended after {took:?}: {said}");
        if kind == "body" {
            assert!(said.starts_with("HTTP/1.1 408"), "{said}");
            assert!(said.contains("BODY_TOO_SLOW"), "{said}");
        }
    }
    let mut times = normal.await.expect("a normal client");
    let (count, p99) = (times.len(), percentile(&mut times, 0.99));
    assert!(count >= 20 && p99 <= Duration::from_millis(500), "{count} calls, p99 {p99:?}");
    server.running.stop().await;
}

/// A body that comes slowly but steadily is no attack.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_steady_body_is_waited_for() {
    let server = Server::start_with(Backend::Sqlite, |config| {
        config.limits.body_grace = Duration::from_millis(400);
        config.limits.min_body_bytes_per_second = 100;
    });
    let server = server.await.expect("SQLite is always there");
    let mut wire = Wire::connect(&server.base).await;
    let body = format!("{{\"filter\":\"{}\"}}", "x".repeat(388));
    let head = format!(
        "POST /v1/sessions HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\ncontent-length: {}\r\n\r\n",
        body.len()
    );
    wire.send(&head).await.unwrap();
    for piece in body.as_bytes().chunks(100) {
        wire.send(std::str::from_utf8(piece).unwrap()).await.unwrap();
        tokio::time::sleep(Duration::from_millis(300)).await;
    }
    assert_eq!(wire.reply().await.expect("an answer").status, 400, "read as a whole, and then refused");
    server.running.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn one_address_has_its_share_of_connections() {
    let server = Server::start_with(Backend::Sqlite, |config| config.limits.max_connections_per_address = 2);
    let server = server.await.expect("SQLite is always there");
    let call = get("/healthz", "");
    let (mut first, mut second) = (Wire::connect(&server.base).await, Wire::connect(&server.base).await);
    for wire in [&mut first, &mut second] {
        wire.send(&call).await.unwrap();
        assert_eq!(wire.reply().await.expect("an answer").status, 200);
    }
    let mut third = Wire::connect(&server.base).await;
    drop(third.send(&call).await);
    assert_eq!(third.reply().await, None, "closed without a word");
    drop(first);
    for _ in 0..50 {
        let mut next = Wire::connect(&server.base).await;
        drop(next.send(&call).await);
        if next.reply().await.is_some() {
            server.running.stop().await;
            return;
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    panic!("the place of a closed connection is not given back");
}
