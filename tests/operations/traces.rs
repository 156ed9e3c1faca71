//! Traces as a collector gets them; only in binaries that can send any (`cargo test --features otlp`).

use std::convert::Infallible;
use std::io::{BufRead, BufReader};
use std::process::Stdio;
use std::sync::{Arc, Mutex};

use bytes::Bytes;
use http_body_util::{BodyExt, Full};
use hyper_util::rt::{TokioExecutor, TokioIo};

use super::{Folder, recourse};

/// A collector that keeps what it gets.
async fn collector() -> (String, Arc<Mutex<Vec<u8>>>) {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = format!("http://{}", listener.local_addr().unwrap());
    let received = Arc::new(Mutex::new(Vec::new()));
    let kept = Arc::clone(&received);
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            let kept = Arc::clone(&kept);
            let answer = hyper::service::service_fn(move |request: http::Request<hyper::body::Incoming>| {
                let kept = Arc::clone(&kept);
                async move {
                    assert_eq!(request.uri().path(), "/opentelemetry.proto.collector.trace.v1.TraceService/Export");
                    let body = request.into_body().collect().await.unwrap().to_bytes();
                    kept.lock().unwrap().extend_from_slice(&body);
                    // An empty message in its frame.
                    let response =
                        http::Response::builder().header("content-type", "application/grpc").header("grpc-status", "0");
                    Ok::<_, Infallible>(response.body(Full::new(Bytes::from_static(&[0; 5]))).unwrap())
                }
            });
            tokio::spawn(
                hyper::server::conn::http2::Builder::new(TokioExecutor::new())
                    .serve_connection(TokioIo::new(stream), answer),
            );
        }
    });
    (address, received)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_call_is_a_span_of_its_callers_trace() {
    let folder = Folder::new();
    let (address, received) = collector().await;
    let arguments = ["serve", "--listen", "127.0.0.1:0", "--metrics-listen", "off", "--database", "sqlite:trace.db"];
    let mut process = recourse(&folder.0, &arguments)
        .env("RECOURSE_TELEMETRY__OTLP_ENDPOINT", &address)
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut line = String::new();
    BufReader::new(process.stdout.take().unwrap()).read_line(&mut line).unwrap();
    let base = line.split_whitespace().find(|word| word.starts_with("http://")).expect("an address");
    let parent = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";
    let answer = reqwest::Client::new().get(format!("{base}/v1/claims")).header("traceparent", parent).send().await;
    assert_eq!(answer.unwrap().status().as_u16(), 401);
    let pid = process.id().to_string();
    assert!(std::process::Command::new("kill").args(["-TERM", &pid]).status().unwrap().success());
    assert!(process.wait().unwrap().success());
    let received = received.lock().unwrap();
    let holds = |bytes: &[u8]| received.windows(bytes.len()).any(|window| window == bytes);
    assert!(holds(&hex::decode("0af7651916cd43dd8448eb211c80319c").unwrap()), "{received:?}");
    assert!(holds(&hex::decode("b7ad6b7169203331").unwrap()), "the caller's span is the parent");
    assert!(holds(b"recourse.v1.ClaimService.ListClaims"), "the rpc is named");
}
