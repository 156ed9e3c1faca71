//! One caller who takes all that there is: streams, uploads and downloads leave places for others.

use std::time::Duration;

use recourse_proto::{Method, v1};
use serde_json::json;
use tonic::Code;

use crate::harness::grpc::Grpc;
use crate::harness::wire::{Wire, get};
use crate::harness::world::World;
use crate::harness::{Backend, Server};

/// A server with six places of streams, of which one caller has two.
async fn start() -> (Server, World) {
    let configure = |config: &mut recourse_server::config::Config| {
        config.limits.max_streams = 6;
        config.limits.max_streams_per_caller = 2;
    };
    let server = Server::start_with(Backend::Sqlite, configure).await.expect("SQLite is always there");
    let world = World::load(&server).await;
    (server, world)
}

/// Asks until the answer is another: a place is given back a moment after its stream has ended.
async fn eventually(world: &World, path: &str) -> u16 {
    let mut status = 429;
    for _ in 0..50 {
        status = world.station.get(path).await.status;
        if status != 429 {
            break;
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    status
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn one_caller_leaves_streams_to_others() {
    let (server, world) = start().await;
    let path = "/v1/events:watch?cursor=now";
    let first = world.station.watch(path).await;
    let second = world.station.watch(path).await;
    let refused = world.station.get(path).await;
    assert_eq!(refused.headers["retry-after"], "1");
    refused.refused(429, "TOO_MANY_REQUESTS");
    // The same over gRPC, in its own words.
    let grpc = Grpc::connect(&server).await.with_token(world.station.token().expect("signed in"));
    let watch = Method::EventServiceWatchEvents.grpc_path();
    let reply = grpc.call(watch, &v1::WatchEventsRequest::default()).await;
    reply.refused(Code::ResourceExhausted, "TOO_MANY_REQUESTS");
    // Others have theirs, and calls that don't last are no streams.
    let other = world.auditor.watch(path).await;
    assert_eq!(other.status(), 200);
    world.station.get("/v1/claims").await.ok();
    drop((first, second));
    let unknown = "/v1/attachments/0199a000-0000-7000-8000-00000000dead:download";
    assert_eq!(eventually(&world, unknown).await, 404, "its places are free again");
    server.running.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn uploads_and_downloads_count_among_them() {
    let (server, world) = start().await;
    let token = world.station.token().expect("signed in");
    let mut uploads = Vec::new();
    for _ in 0..3 {
        let attachment = json!({"category": "FAULT_MEMORY", "fileName": "f.csv", "declaredContentType": "text/csv", "sizeBytes": "26"});
        let made = world.station.post("/v1/attachments", attachment).await.ok();
        let path = made["uploadPath"].as_str().expect("a path").to_owned();
        let head = format!(
            "PATCH {path} HTTP/1.1\r\nhost: recourse\r\nauthorization: Bearer {token}\r\ntus-resumable: 1.0.0\r\n\
             upload-offset: 0\r\ncontent-type: application/offset+octet-stream\r\ntransfer-encoding: chunked\r\n\r\n1\r\na\r\n"
        );
        let mut wire = Wire::connect(&server.base).await;
        wire.send(&head).await.expect("it is read");
        tokio::time::sleep(Duration::from_millis(200)).await;
        uploads.push(wire);
    }
    let third = uploads.pop().expect("three").reply().await.expect("an answer");
    assert_eq!(third.status, 429, "{}", String::from_utf8_lossy(&third.body));
    let unknown = "/v1/attachments/0199a000-0000-7000-8000-00000000dead:download";
    assert_eq!(world.station.get(unknown).await.status, 429);
    assert_eq!(world.auditor.get(unknown).await.status, 404);
    drop(uploads);
    assert_eq!(eventually(&world, unknown).await, 404);
    server.running.stop().await;
}

/// Whom a proxy in front took for the caller nobody knows.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_tokens_are_none() {
    let (server, world) = start().await;
    let (one, other) = (world.station.token().expect("signed in"), world.admin.token().expect("signed in"));
    let twice = get("/v1/users/me", one).replace("\r\n\r\n", &format!("\r\nauthorization: Bearer {other}\r\n\r\n"));
    let mut wire = Wire::connect(&server.base).await;
    wire.send(&twice).await.expect("it is read");
    let reply = wire.reply().await.expect("an answer");
    assert_eq!(reply.status, 401, "{}", String::from_utf8_lossy(&reply.body));
    server.running.stop().await;
}
