//! The edge: what stands between the sockets and the use cases, and costs little for what it turns away.
//!
//! A call that finds the gate full goes no further (`shed.rs`). A call's head is judged first, then the gate is looked at, then the body is read as a whole, without a
//! place: a slow body holds none. Only a complete call takes a place, and only then is its token looked at
//! and the store asked. Streams have places of their own, and so have exports (`exports.rs`), whose first page
//! takes one of a call besides. Probes pass always.

mod body;
mod deadline;
mod gate;
pub(crate) mod headers;
mod refusal;
mod shed;
mod tally;

use std::sync::Arc;

use axum::body::Body;
use axum::extract::{Request, State};
use axum::middleware::Next;
use axum::response::Response;
use http::HeaderMap;
use http::header::CONTENT_TYPE;
use http::request::Parts;
use http_body::Body as _;
use recourse_proto::Method;
use recourse_proto::gateway::Gateway;
use recourse_service::admission::Deadline;
use recourse_service::{Api, Refusal};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::Instant;

use crate::config::Limits;
use crate::observe::Facts;
use crate::serving::{CallHandle, CallKind, Kept};
use crate::uploads;
use body::Paced;
use gate::Gate;
pub(crate) use refusal::{Asker, too_many_streams_of_one};
pub(crate) use shed::Shed;
pub(crate) use tally::Tally;

/// Bytes of a gRPC message's frame beside the message.
const FRAME: usize = 5;

/// What all listeners of the process share.
pub(crate) struct Edge {
    limits: Limits,
    calls: Gate,
    /// Sign-ins wait for their hashes, which take long by intent: they have a gate of their own, so that a
    /// morning's rush of them stops nobody who is signed in.
    sign_ins: Gate,
    streams: Arc<Semaphore>,
    /// Bytes of bodies that may still be held.
    room: Semaphore,
    gateway: Gateway<Api>,
    /// What the log is told of those turned away.
    pub(crate) turned_away: Arc<Tally>,
}

/// Set on a request that holds a place of a stream for as long as its bodies last.
#[derive(Clone, Copy)]
pub(crate) struct LongCall;

/// How a call uses its bodies.
#[derive(Debug, PartialEq, Eq)]
enum Shape {
    /// One message in, one out.
    Whole,
    /// The same, with a password or a secret in it.
    SigningIn,
    /// One message in, a stream out.
    Watching,
    /// A stream in.
    Sending,
}

impl Edge {
    /// An edge with these limits; the gateway knows which path leads to which rpc.
    pub(crate) fn new(limits: &Limits, gateway: Gateway<Api>) -> Self {
        Self {
            calls: Gate::new(limits.max_in_flight, limits),
            sign_ins: Gate::new(limits.max_sign_ins, limits),
            streams: Arc::new(Semaphore::new(limits.max_streams.min(Semaphore::MAX_PERMITS))),
            room: Semaphore::new(limits.max_buffered_bytes),
            limits: limits.clone(),
            gateway,
            turned_away: Arc::default(),
        }
    }

    fn check_head(&self, parts: &Parts) -> Result<(), Refusal> {
        let limits = &self.limits;
        let uri = parts.uri.path_and_query().map_or(0, |text| text.as_str().len());
        if uri > limits.max_uri_bytes {
            return Err(refusal::uri_too_long(limits.max_uri_bytes));
        }
        let bytes: usize = parts.headers.iter().map(|(name, value)| name.as_str().len() + value.len() + 4).sum();
        if parts.headers.len() > limits.max_headers || bytes > limits.max_header_bytes {
            return Err(refusal::headers_too_large(limits.max_headers, limits.max_header_bytes));
        }
        Ok(())
    }

    /// The rpc that is called.
    fn method(&self, parts: &Parts) -> Option<Method> {
        let path = parts.uri.path();
        Method::from_grpc_path(path).or_else(|| self.gateway.method_of(&parts.method, path))
    }

    fn shape(parts: &Parts, method: Option<Method>) -> Shape {
        let sends = method.map_or_else(
            || is_lines(&parts.headers) || uploads::is_piece(parts),
            |method| method.spec().client_streaming,
        );
        let watches = method.is_some_and(|method| method.spec().server_streaming);
        let signs_in = parts.uri.path() == "/oauth2/token" || method == Some(Method::SessionServiceCreateSession);
        match (sends, watches) {
            (true, _) => Shape::Sending,
            (false, true) => Shape::Watching,
            (false, false) if signs_in => Shape::SigningIn,
            (false, false) => Shape::Whole,
        }
    }

    async fn answer(&self, mut parts: Parts, body: Body, next: Next) -> Result<Response, Refusal> {
        let arrived = Instant::now();
        self.check_head(&parts)?;
        let method = self.method(&parts);
        if let Some(method) = method {
            // Whoever is refused here is counted by what was called too.
            Facts::calls(&parts.extensions, method);
        }
        let shape = Self::shape(&parts, method);
        let stream = match shape {
            Shape::Whole | Shape::SigningIn => None,
            Shape::Watching | Shape::Sending => {
                let place = Arc::clone(&self.streams).try_acquire_owned();
                let place = place.map_err(|_| refusal::too_many_streams())?;
                mark(&parts.extensions, CallKind::Stream);
                parts.extensions.insert(LongCall);
                Some(place)
            }
        };
        if shape == Shape::Sending {
            let body = body::unpacked(&mut parts.headers, Body::new(Paced::stream(body, &self.limits)))?;
            let response = next.run(Request::from_parts(parts, body)).await;
            return Ok(holding(response, stream));
        }
        let gate = if shape == Shape::SigningIn { &self.sign_ins } else { &self.calls };
        gate.check().map_err(|_| refusal::overloaded())?;
        let asked = deadline::asked(&parts.headers);
        let held = if body.is_end_stream() {
            None
        } else {
            let body = body::unpacked(&mut parts.headers, Body::new(Paced::whole(body, &self.limits)))?;
            Some(body::read_whole(body, self.limits.max_body_bytes, FRAME, &self.room).await?)
        };
        let place = gate.enter().await.map_err(|_| refusal::overloaded())?;
        let (bytes, share) = held.map_or_else(Default::default, |held| (held.bytes, held.share));
        let ours = Instant::now() + self.limits.request_time;
        let deadline = asked.and_then(|asked| arrived.checked_add(asked)).map_or(ours, |theirs| theirs.min(ours));
        parts.extensions.insert(Deadline(deadline));
        let run = next.run(Request::from_parts(parts, Body::from(bytes)));
        // Work that is not waited for any more is dropped, and its transaction with it.
        let response = tokio::time::timeout_at(deadline, run).await.map_err(|_| refusal::took_too_long())?;
        drop((place, share));
        Ok(holding(response, stream))
    }
}

/// The layer: lets a request through to what is behind it, or turns it away.
pub(crate) async fn guard(State(edge): State<Arc<Edge>>, request: Request, next: Next) -> Response {
    if is_probe(request.uri().path()) {
        mark(request.extensions(), CallKind::Probe);
        return next.run(request).await;
    }
    let (parts, body) = request.into_parts();
    let asker = Asker::of(&parts);
    match edge.answer(parts, body, next).await {
        Ok(response) => response,
        Err(refusal) => asker.refuse(refusal),
    }
}

/// What tells an orchestrator how the process is: it must answer most of all when nothing else does.
fn is_probe(path: &str) -> bool {
    matches!(path, "/healthz" | "/readyz" | "/grpc.health.v1.Health/Check" | "/grpc.health.v1.Health/Watch")
}

/// Whether a body outside of the contract's rpcs comes as lines, however many.
fn is_lines(headers: &HeaderMap) -> bool {
    let kind = headers.get(CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let essence = kind.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
    matches!(essence.as_str(), "application/x-ndjson" | "application/ndjson" | "application/jsonl" | "text/csv")
}

/// A response that keeps a place until its body has ended.
fn holding(response: Response, place: Option<OwnedSemaphorePermit>) -> Response {
    match place {
        Some(place) => response.map(|body| Body::new(Kept::new(body, place))),
        None => response,
    }
}

/// Tells the connection what kind of call it has.
pub(crate) fn mark(extensions: &http::Extensions, kind: CallKind) {
    if let Some(call) = extensions.get::<CallHandle>() {
        call.is_a(kind);
    }
}
