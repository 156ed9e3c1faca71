//! How much one call may bring: path, headers, body, compressed or nested.

use std::io::Write;
use std::time::{Duration, Instant};

use bytes::{BufMut, Bytes, BytesMut};
use flate2::Compression;
use flate2::write::GzEncoder;
use prost::Message;
use recourse_proto::{Method, v1};
use serde_json::{Value, json};
use tonic::Code;

use crate::harness::grpc::Grpc;
use crate::harness::world::{World, pump_claim};
use crate::harness::{Backend, Server};

fn packed(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::best());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

/// A gzip body of a few kB that unpacks to 64 MiB.
fn bomb() -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::best());
    let zeros = vec![b' '; 1024 * 1024];
    for _ in 0..64 {
        encoder.write_all(&zeros).unwrap();
    }
    encoder.finish().unwrap()
}

async fn start() -> (Server, World) {
    let server = Server::start(Backend::Sqlite).await.expect("SQLite is always there");
    let world = World::load(&server).await;
    (server, world)
}

/// Posts raw bytes to the claims; answers status and body.
async fn post(server: &Server, body: Vec<u8>, encoding: &str) -> (u16, Value) {
    let answer = reqwest::Client::new()
        .post(format!("{}/v1/claims", server.base))
        .bearer_auth(&server.tokens["s001"])
        .header("content-type", "application/json")
        .header("content-encoding", encoding)
        .body(body)
        .send()
        .await
        .expect("an answer");
    (answer.status().as_u16(), serde_json::from_str(&answer.text().await.unwrap()).unwrap())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn paths_and_headers_are_bounded() {
    let (server, world) = start().await;
    let long = format!("/v1/claims?filter={}", "x".repeat(9000));
    world.station.get(&long).await.refused(414, "URI_TOO_LONG");
    let many: Vec<(String, String)> = (0..120).map(|number| (format!("x-{number}"), "y".to_owned())).collect();
    let large = [("x-large".to_owned(), "y".repeat(40_000))];
    for headers in [many.as_slice(), &large] {
        for is_http2 in [false, true] {
            let client = reqwest::Client::builder();
            let client = if is_http2 { client.http2_prior_knowledge() } else { client.http1_only() };
            let mut request = client.build().unwrap().get(format!("{}/v1/claims", server.base));
            for (name, value) in headers {
                request = request.header(name, value);
            }
            let answer = request.send().await.expect("an answer");
            assert_eq!(answer.status(), 431, "HTTP/2: {is_http2}");
        }
    }
    assert_eq!(world.station.get("/v1/claims").await.status, 200);
    server.running.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn bodies_are_bounded_also_after_decompression() {
    let (server, world) = start().await;
    let body = serde_json::to_vec(&pump_claim()).unwrap();
    let (status, claim) = post(&server, packed(&body), "gzip").await;
    assert_eq!((status, claim["state"].as_str()), (200, Some("DRAFT")), "{claim:#}");

    let bomb = bomb();
    assert!(bomb.len() < 100_000, "{}", bomb.len());
    let began = Instant::now();
    let (status, problem) = post(&server, bomb, "gzip").await;
    assert_eq!((status, problem["reason"].as_str()), (413, Some("BODY_TOO_LARGE")), "{problem:#}");
    let told = problem["detail"].as_str().unwrap_or_default();
    assert!(told.contains("larger than 4194304 bytes"), "the limit as it is configured: {told}");
    assert!(began.elapsed() < Duration::from_secs(2), "{:?}", began.elapsed());
    let (status, problem) = post(&server, b"no gzip at all".to_vec(), "gzip").await;
    assert_eq!((status, problem["reason"].as_str()), (400, Some("INVALID_JSON")), "{problem:#}");
    let half = packed(&body);
    let (status, problem) = post(&server, half[..half.len() / 2].to_vec(), "gzip").await;
    assert_eq!((status, problem["reason"].as_str()), (400, Some("INVALID_JSON")), "{problem:#}");
    for encoding in ["br", "zstd", "gzip, gzip"] {
        let (status, problem) = post(&server, body.clone(), encoding).await;
        assert_eq!((status, problem["reason"].as_str()), (415, Some("UNSUPPORTED_MEDIA_TYPE")), "{problem:#}");
    }
    let large = json!({"kind": "WARRANTY_REPAIR", "complaintDescription": "x".repeat(5 * 1024 * 1024)}).to_string();
    // The answer comes before the body has gone; a client that still writes may lose it with the connection.
    let mut told = None;
    for _ in 0..20 {
        let request = reqwest::Client::new().post(format!("{}/v1/claims", server.base));
        let request = request.bearer_auth(world.station.token().unwrap()).header("content-type", "application/json");
        if let Ok(answer) = request.body(large.clone()).send().await {
            told = Some((answer.status().as_u16(), answer.text().await.unwrap()));
            break;
        }
    }
    let (status, problem) = told.expect("an answer in twenty attempts");
    assert_eq!(status, 413, "{problem}");
    assert!(problem.contains("BODY_TOO_LARGE"), "{problem}");
    server.running.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nesting_is_bounded() {
    let (server, world) = start().await;
    let deep = format!("{{\"lines\":{}1{}}}", "[".repeat(100_000), "]".repeat(100_000));
    let (status, problem) = post(&server, deep.into_bytes(), "identity").await;
    assert_eq!((status, problem["reason"].as_str()), (400, Some("INVALID_JSON")), "{problem:#}");
    assert_eq!(world.station.get("/v1/claims").await.status, 200);
    server.running.stop().await;
}

/// A gRPC message compressed by its client.
fn packed_frame(bytes: &[u8]) -> Bytes {
    let packed = packed(bytes);
    let mut frame = BytesMut::new();
    frame.put_u8(1);
    frame.put_u32(u32::try_from(packed.len()).unwrap());
    frame.put_slice(&packed);
    frame.freeze()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn grpc_messages_are_bounded_also_after_decompression() {
    let (server, _world) = start().await;
    let station = Grpc::connect(&server).await.with_token(&server.tokens["s001"]);
    let path = Method::ClaimServiceCreateClaim.grpc_path();
    let claim = serde_json::from_value(pump_claim()).unwrap();
    let mut request = v1::CreateClaimRequest { claim: Some(claim), ..Default::default() };
    let gzip = [("grpc-encoding", "gzip")];
    let created: v1::Claim = station.call_raw(path, packed_frame(&request.encode_to_vec()), &gzip).await.ok();
    assert!(!created.name.is_empty());
    let bomb = station.call_raw(path, packed_frame(&vec![0; 64 * 1024 * 1024]), &gzip).await;
    assert_eq!(bomb.status.code(), Code::ResourceExhausted, "{:?}", bomb.status);
    request.claim.as_mut().unwrap().complaint_description = "x".repeat(5 * 1024 * 1024);
    station.call(path, &request).await.refused(Code::InvalidArgument, "BODY_TOO_LARGE");
    server.running.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn answers_are_compressed_for_those_who_ask() {
    let (server, world) = start().await;
    for number in 0..5 {
        let mut claim = pump_claim();
        claim["externalRepairOrder"] = json!(format!("RO-{number}"));
        world.station.post("/v1/claims", claim).await.ok();
    }
    let list = |encoding: &'static str| {
        reqwest::Client::new()
            .get(format!("{}/v1/claims", server.base))
            .bearer_auth(&server.tokens["s001"])
            .header("accept-encoding", encoding)
            .send()
    };
    let plain = list("br").await.unwrap();
    assert!(!plain.headers().contains_key("content-encoding"));
    let plain = plain.bytes().await.unwrap();
    let answer = list("gzip").await.unwrap();
    assert_eq!(answer.headers()["content-encoding"], "gzip");
    let bytes = answer.bytes().await.unwrap();
    assert!(bytes.len() * 2 < plain.len(), "{} of {}", bytes.len(), plain.len());
    let unpacked: Value = serde_json::from_reader(flate2::read::GzDecoder::new(bytes.as_ref())).unwrap();
    assert_eq!(unpacked, serde_json::from_slice::<Value>(&plain).unwrap());
    server.running.stop().await;
}
