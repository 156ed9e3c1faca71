//! Traces as a collector gets them, and what calls feel of a collector that is away or never answers: nothing.

use std::convert::Infallible;
use std::io::{BufRead, BufReader};
use std::net::SocketAddr;
use std::process::{Child, Stdio};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use bytes::Bytes;
use http_body_util::{BodyExt, Full};
use hyper_util::rt::{TokioExecutor, TokioIo};
use prost::Message;
use serde_json::{Value, json};

use super::{Folder, recourse};

// The part of OTLP's messages that is looked at: opentelemetry/proto/trace/v1/trace.proto.
#[derive(Clone, PartialEq, Message)]
struct Export {
    #[prost(message, repeated, tag = "1")]
    resources: Vec<ResourceSpans>,
}

#[derive(Clone, PartialEq, Message)]
struct ResourceSpans {
    #[prost(message, optional, tag = "1")]
    resource: Option<Resource>,
    #[prost(message, repeated, tag = "2")]
    scopes: Vec<ScopeSpans>,
}

#[derive(Clone, PartialEq, Message)]
struct Resource {
    #[prost(message, repeated, tag = "1")]
    attributes: Vec<KeyValue>,
}

#[derive(Clone, PartialEq, Message)]
struct ScopeSpans {
    #[prost(message, repeated, tag = "2")]
    spans: Vec<Span>,
}

#[derive(Clone, PartialEq, Message)]
struct Span {
    #[prost(bytes = "vec", tag = "1")]
    trace_id: Vec<u8>,
    #[prost(bytes = "vec", tag = "4")]
    parent_span_id: Vec<u8>,
    #[prost(string, tag = "5")]
    name: String,
    #[prost(int32, tag = "6")]
    kind: i32,
    #[prost(message, repeated, tag = "9")]
    attributes: Vec<KeyValue>,
    #[prost(message, optional, tag = "15")]
    status: Option<Status>,
}

#[derive(Clone, PartialEq, Message)]
struct KeyValue {
    #[prost(string, tag = "1")]
    key: String,
    #[prost(message, optional, tag = "2")]
    value: Option<AnyValue>,
}

#[derive(Clone, PartialEq, Message)]
struct AnyValue {
    #[prost(string, optional, tag = "1")]
    text: Option<String>,
    #[prost(int64, optional, tag = "3")]
    whole: Option<i64>,
}

#[derive(Clone, PartialEq, Message)]
struct Status {
    #[prost(int32, tag = "3")]
    code: i32,
}

fn attribute(attributes: &[KeyValue], key: &str) -> Option<String> {
    let value = attributes.iter().find(|attribute| attribute.key == key)?.value.clone()?;
    value.text.or(value.whole.map(|number| number.to_string()))
}

impl Span {
    fn tells(&self, key: &str) -> Option<String> {
        attribute(&self.attributes, key)
    }
}

/// What a collector got: the bytes of each batch.
type Received = Arc<Mutex<Vec<Bytes>>>;

/// A collector that keeps what it gets, and answers or does not.
async fn collect_on(listener: tokio::net::TcpListener, received: Received, answers: bool) {
    while let Ok((stream, _)) = listener.accept().await {
        let received = Arc::clone(&received);
        let answer = hyper::service::service_fn(move |request: http::Request<hyper::body::Incoming>| {
            let received = Arc::clone(&received);
            async move {
                assert_eq!(request.uri().path(), "/opentelemetry.proto.collector.trace.v1.TraceService/Export");
                let body = request.into_body().collect().await.unwrap().to_bytes();
                received.lock().unwrap().push(body);
                if !answers {
                    std::future::pending::<()>().await;
                }
                // An empty message in its frame.
                let response =
                    http::Response::builder().header("content-type", "application/grpc").header("grpc-status", "0");
                Ok::<_, Infallible>(response.body(Full::new(Bytes::from_static(&[0; 5]))).unwrap())
            }
        });
        let connection = hyper::server::conn::http2::Builder::new(TokioExecutor::new())
            .serve_connection(TokioIo::new(stream), answer);
        tokio::spawn(connection);
    }
}

async fn listening() -> (tokio::net::TcpListener, SocketAddr) {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    (listener, address)
}

fn spans(received: &Received) -> Vec<Span> {
    let received = received.lock().unwrap();
    let batches = received.iter().map(|body| {
        assert_eq!(body[0], 0, "not compressed");
        Export::decode(&body[5..]).unwrap()
    });
    let resources = batches.flat_map(|batch| batch.resources);
    let scopes = resources.flat_map(|spans| {
        let attributes = spans.resource.unwrap_or_default().attributes;
        assert_eq!(attribute(&attributes, "service.name").as_deref(), Some("recourse"));
        assert!(attribute(&attributes, "service.version").is_some());
        spans.scopes
    });
    scopes.flat_map(|scope| scope.spans).collect()
}

/// A server of the built binary that sends its traces somewhere; its log is kept.
struct Traced {
    process: Child,
    base: String,
    log: Arc<Mutex<String>>,
    reader: std::thread::JoinHandle<()>,
    caller: reqwest::Client,
}

impl Traced {
    fn start(folder: &Folder, collector: SocketAddr, log: &str, settings: &[(&str, &str)]) -> Self {
        let arguments =
            ["serve", "--listen", "127.0.0.1:0", "--metrics-listen", "off", "--database", "sqlite:trace.db"];
        let mut process = recourse(&folder.0, &arguments)
            .env("RECOURSE_TELEMETRY__OTLP_ENDPOINT", format!("http://{collector}"))
            .env("RECOURSE_LOG", log)
            .env("RECOURSE_CONTROL__SECOND_PERSON", "false")
            .env("RECOURSE_LOG_FORMAT", "json")
            .envs(settings.iter().copied())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let (log, errors) = (Arc::new(Mutex::new(String::new())), process.stderr.take().unwrap());
        let kept = Arc::clone(&log);
        let reader = std::thread::spawn(move || {
            for line in BufReader::new(errors).lines() {
                kept.lock().unwrap().push_str(&(line.unwrap() + "\n"));
            }
        });
        let mut line = String::new();
        BufReader::new(process.stdout.take().unwrap()).read_line(&mut line).unwrap();
        let base = line.split_whitespace().find(|word| word.starts_with("http://")).expect("an address").to_owned();
        Self { process, base, log, reader, caller: reqwest::Client::new() }
    }

    async fn call(&self, request: reqwest::RequestBuilder) -> (u16, Value) {
        let answer = request.header("content-type", "application/json").send().await.unwrap();
        let status = answer.status().as_u16();
        (status, serde_json::from_str(&answer.text().await.unwrap()).unwrap_or_default())
    }

    fn get(&self, path: &str) -> reqwest::RequestBuilder {
        self.caller.get(format!("{}{path}", self.base))
    }

    async fn post(&self, path: &str, token: &str, body: Value) -> (u16, Value) {
        let mut request = self.caller.post(format!("{}{path}", self.base)).body(body.to_string());
        if !token.is_empty() {
            request = request.bearer_auth(token);
        }
        self.call(request).await
    }

    /// So many calls, one after the other; the longest time that one took.
    async fn calls(&self, count: usize) -> Duration {
        let mut longest = Duration::ZERO;
        for _ in 0..count {
            let began = Instant::now();
            assert_eq!(self.call(self.get("/v1/claims")).await.0, 401);
            longest = longest.max(began.elapsed());
        }
        longest
    }

    /// Stops it; answers how long that took and what it logged.
    fn stop(mut self) -> (Duration, String) {
        let pid = self.process.id().to_string();
        let began = Instant::now();
        assert!(std::process::Command::new("kill").args(["-TERM", &pid]).status().unwrap().success());
        assert!(self.process.wait().unwrap().success());
        let took = began.elapsed();
        self.reader.join().unwrap();
        let log = self.log.lock().unwrap().clone();
        (took, log)
    }
}

fn text<'v>(value: &'v Value, pointer: &str) -> &'v str {
    value.pointer(pointer).and_then(Value::as_str).unwrap_or_else(|| panic!("{pointer} in {value:#}"))
}

/// Batches often, and a short queue, so that little is waited for.
const HASTY: [(&str, &str); 3] =
    [("OTEL_BSP_SCHEDULE_DELAY", "50"), ("OTEL_BSP_MAX_QUEUE_SIZE", "64"), ("OTEL_BSP_MAX_EXPORT_BATCH_SIZE", "16")];

const PARENT: &str = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";
const NOT_RECORDED: &str = "00-0af7651916cd43dd8448eb211c80319d-b7ad6b7169203331-00";

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_call_is_a_span_of_its_callers_trace_and_tells_no_secret() {
    let folder = Folder::new();
    let created = super::run(&folder.0, &["create-admin", "--database", "sqlite:trace.db"]);
    let one_time = super::printed(&created)
        .lines()
        .find_map(|line| line.strip_prefix("first password: ").map(str::to_owned))
        .unwrap();
    let (listener, address) = listening().await;
    let received = Received::default();
    tokio::spawn(collect_on(listener, Arc::clone(&received), true));
    // Whatever is logged in a call goes into its span, so this is the most that can be sent.
    let server = Traced::start(&folder, address, "trace", &[]);

    let guess = json!({"userName": "admin", "password": "wrong-guess-7351"});
    assert_eq!(server.post("/v1/sessions", "forged.token.9182", guess).await.0, 401);
    let (status, session) = server.post("/v1/sessions", "", json!({"userName": "admin", "password": one_time})).await;
    assert_eq!(status, 200, "{session:#}");
    let change = json!({"currentPassword": one_time, "newPassword": "marmalade orchard 4417"});
    let first_token = text(&session, "/accessToken").to_owned();
    assert_eq!(server.post("/v1/users/me:changePassword", &first_token, change).await.0, 200);
    let (_, session) =
        server.post("/v1/sessions", "", json!({"userName": "admin", "password": "marmalade orchard 4417"})).await;
    let token = text(&session, "/accessToken").to_owned();
    let memberships = json!([{"organization": "organizations/OEM", "roles": ["AUDITOR"]}]);
    let user = json!({"userName": "wang", "displayName": "Wang Xiulan", "email": "xiulan@example.org",
        "phone": "+86-139-5550-1177", "memberships": memberships});
    let (status, made) = server.post("/v1/users", &token, json!({"user": user, "password": "first-secret-2288"})).await;
    assert_eq!(status, 200, "{made:#}");
    let claims = server.get("/v1/claims?filter=vin%3D%22LSVAA4187S2184841%22").bearer_auth(&token);
    assert_eq!(server.call(claims.header("traceparent", PARENT)).await.0, 200);
    let missing = server.get("/v1/vehicles/LSVAA4187S2184841").bearer_auth(&token);
    assert_eq!(server.call(missing.header("traceparent", PARENT)).await.0, 404);
    assert_eq!(
        server.call(server.get("/v1/stations").bearer_auth(&token).header("traceparent", NOT_RECORDED)).await.0,
        200
    );
    let (_, log) = server.stop();

    let spans = spans(&received);
    let trace = hex::decode(PARENT.split('-').nth(1).unwrap()).unwrap();
    let of = |name: &str| {
        let found = spans.iter().find(|span| span.name == format!("recourse.v1.{name}"));
        found.unwrap_or_else(|| {
            panic!("no span of {name}: {:?}", spans.iter().map(|span| &span.name).collect::<Vec<_>>())
        })
    };
    let listed = of("ClaimService.ListClaims");
    assert_eq!(listed.trace_id, trace, "the caller's trace");
    assert_eq!(hex::encode(&listed.parent_span_id), "b7ad6b7169203331", "below the caller's span");
    const SERVER: i32 = 2;
    assert_eq!((listed.kind, listed.tells("http.response.status_code").as_deref()), (SERVER, Some("200")));
    assert_eq!((listed.tells("http.route").as_deref(), listed.tells("error.type")), (Some("/v1/claims"), None));
    let vehicle = of("VehicleService.GetVehicle");
    assert_eq!((&vehicle.trace_id, vehicle.tells("http.response.status_code").as_deref()), (&trace, Some("404")));
    assert_eq!(vehicle.tells("http.route").as_deref(), Some("/v1/{name=vehicles/*}"), "the template, not the path");
    assert!(vehicle.tells("error.type").is_some(), "{vehicle:?}");
    // A refusal is no fault of the server.
    assert!(spans.iter().all(|span| span.status.as_ref().is_none_or(|status| status.code == 0)));
    // Calls without a trace of their own get one each, the one that the log tells.
    let created = of("UserService.CreateUser");
    assert!(created.trace_id != trace && log.contains(&hex::encode(&created.trace_id)));
    assert!(
        spans.iter().all(|span| span.name != "recourse.v1.StationService.ListStations"),
        "the caller records nothing"
    );

    let sent: Vec<u8> = received.lock().unwrap().concat();
    for secret in [
        one_time.as_str(),
        "marmalade orchard 4417",
        "wrong-guess-7351",
        "forged.token.9182",
        "first-secret-2288",
        "Wang Xiulan",
        "xiulan@example.org",
        "+86-139-5550-1177",
        "LSVAA4187S2184841",
        &first_token,
        &token,
        text(&session, "/refreshToken"),
    ] {
        let is_there = sent.windows(secret.len()).any(|window| window == secret.as_bytes());
        assert!(!is_there, "the traces tell {secret:?}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_collector_that_is_away_costs_one_line_and_gets_what_is_new_when_it_comes() {
    let folder = Folder::new();
    let (listener, address) = listening().await;
    drop(listener);
    let server = Traced::start(&folder, address, "info", &HASTY);
    let longest = server.calls(300).await;
    assert!(longest < Duration::from_secs(2), "a call took {longest:?}");
    // A batch is tried more than once before it is given up.
    let began = Instant::now();
    while !server.log.lock().unwrap().contains("traces are not sent") {
        assert!(began.elapsed() < Duration::from_secs(30), "nobody is told that the collector is away");
        server.calls(1).await;
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    server.calls(100).await;
    let received = Received::default();
    let listener = tokio::net::TcpListener::bind(address).await.unwrap();
    tokio::spawn(collect_on(listener, Arc::clone(&received), true));
    let began = Instant::now();
    while received.lock().unwrap().is_empty() {
        assert!(began.elapsed() < Duration::from_secs(20), "nothing was sent to a collector that came late");
        server.calls(1).await;
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    tokio::time::sleep(Duration::from_millis(200)).await;
    let (_, log) = server.stop();
    let lines = |says: &str| log.lines().filter(|line| line.contains(says)).count();
    assert_eq!((lines("traces are not sent"), lines("traces are sent again")), (1, 1), "{log}");
    let refused = spans(&received).into_iter().find(|span| span.name == "recourse.v1.ClaimService.ListClaims");
    assert_eq!(refused.unwrap().tells("http.response.status_code").as_deref(), Some("401"));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_collector_that_never_answers_delays_neither_calls_nor_the_end() {
    let folder = Folder::new();
    let (listener, address) = listening().await;
    let received = Received::default();
    tokio::spawn(collect_on(listener, Arc::clone(&received), false));
    let server = Traced::start(&folder, address, "info", &HASTY);
    // Several times what the queue holds.
    let began = Instant::now();
    let longest = server.calls(300).await;
    assert!(longest < Duration::from_secs(2), "a call took {longest:?}");
    // Each batch is waited for, for five seconds.
    let batches = u64::try_from(received.lock().unwrap().len()).unwrap();
    assert!(batches <= 1 + began.elapsed().as_secs() / 5, "{batches} at once");
    let (took, log) = server.stop();
    assert!(took < Duration::from_secs(15), "the end took {took:?}");
    let said = log.lines().filter(|line| line.contains("traces")).count();
    assert!((1..=2).contains(&said), "{log}");
}
