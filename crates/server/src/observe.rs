//! What is told of every call: one log line, counters, and the ids by which both are found again.
//!
//! A line names the rpc or the template of the route, never the path: a path holds vehicle numbers. Of the
//! caller it tells the keys of the person and the organisation. Changes, refusals and faults are told at
//! `info` and above, reads that went well at `debug`.

use std::borrow::Cow;
use std::sync::{Arc, OnceLock};
use std::time::Instant;

use axum::extract::{MatchedPath, Request, State};
use axum::middleware::Next;
use axum::response::Response;
use http::{HeaderMap, HeaderName, StatusCode, header};
use recourse_domain::ids::{OrgId, UserId};
use recourse_proto::Method;
use recourse_proto::gateway::problem::RefusedFor;
use recourse_proto::status::Details;
use recourse_service::admission::Identity;
use tonic::{Code, Status};
use tracing::Instrument;

use crate::edge::Tally;
use crate::metrics::{Metrics, Transport};
use crate::trace_ids::TraceIds;

/// The id that the caller, the answer and the log share.
pub(crate) const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");
/// Where the call stands in its trace.
pub(crate) const TRACE_RESPONSE: HeaderName = HeaderName::from_static("traceresponse");

/// The reason of those who found no place.
const OVERLOADED: &str = "OVERLOADED";

/// What the layers inside find out about a call and this one tells.
#[derive(Debug, Default)]
pub(crate) struct Facts {
    method: OnceLock<Method>,
    actor: OnceLock<(UserId, OrgId)>,
}

impl Facts {
    /// Notes which rpc is called.
    pub(crate) fn calls(extensions: &http::Extensions, method: Method) {
        if let Some(facts) = extensions.get::<Arc<Self>>() {
            facts.method.get_or_init(|| method);
        }
    }

    /// Notes who calls.
    pub(crate) fn called_by(extensions: &http::Extensions, identity: &Identity) {
        if let (Some(facts), Identity::Known(actor)) = (extensions.get::<Arc<Self>>(), identity) {
            facts.actor.get_or_init(|| (actor.user, actor.org));
        }
    }
}

/// How a call ended.
struct Ending {
    /// HTTP status, or the word of the gRPC code.
    status: Cow<'static, str>,
    reason: String,
    severity: Severity,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Severity {
    Fine,
    Refused,
    /// More calls than can be worked on.
    TurnedAway,
    Unavailable,
    Fault,
}

/// The outermost layer: gives the call its ids, counts it, and tells of its end.
pub(crate) async fn call(
    State((metrics, turned_away)): State<(Arc<Metrics>, Arc<Tally>)>,
    mut request: Request,
    next: Next,
) -> Response {
    let began = Instant::now();
    let ids = TraceIds::of(request.headers());
    // What follows reads the id from the request: the problem document tells the same one.
    request.headers_mut().insert(REQUEST_ID, ids.request_id.clone());
    let facts = Arc::new(Facts::default());
    request.extensions_mut().insert(Arc::clone(&facts));
    let transport = Transport::of(request.headers());
    let route = request.extensions().get::<MatchedPath>().cloned();
    let grpc_method = Method::from_grpc_path(request.uri().path());
    let writes = request.method() != http::Method::GET && request.method() != http::Method::HEAD;
    let span = span(&ids);
    #[cfg(feature = "otlp")]
    crate::otlp::continue_trace(&span, &ids);
    let open = metrics.begin();
    let mut response = next.run(request).instrument(span.clone()).await;
    let method = facts.method.get().copied().or(grpc_method).or_else(|| response.extensions().get::<Method>().copied());
    let name = name(method, route.as_ref());
    let ending = Ending::of(transport, &response);
    open.end(name.clone(), transport, ending.status.clone(), &ending.reason, began.elapsed());
    // An rpc changes something if its main route is no GET; it is a POST on gRPC either way.
    let changes =
        method.map_or(writes, |method| method.spec().http.first().is_none_or(|rule| rule.verb != http::Method::GET));
    #[cfg(feature = "otlp")]
    crate::otlp::end_call(
        &span,
        &crate::otlp::Ended {
            name: &name,
            // The gateway's routes are no routes of the router's.
            route: method
                .and_then(|method| method.spec().http.first())
                .map(|rule| rule.template)
                .or(route.as_ref().map(MatchedPath::as_str)),
            transport,
            status: &ending.status,
            reason: &ending.reason,
            is_fault: matches!(ending.severity, Severity::TurnedAway | Severity::Unavailable | Severity::Fault),
        },
    );
    if ending.severity == Severity::TurnedAway {
        turned_away.count();
    }
    span.in_scope(|| tell(&name, transport, &facts, &ending, changes, began));
    let headers = response.headers_mut();
    headers.insert(REQUEST_ID, ids.request_id.clone());
    headers.insert(TRACE_RESPONSE, ids.response());
    response
}

/// The span in which a call is answered; all its log lines carry the ids.
fn span(ids: &TraceIds) -> tracing::Span {
    let (request_id, parent_id) = (ids.request_id.to_str().unwrap_or_default(), ids.parent.as_deref());
    #[cfg(feature = "otlp")]
    if crate::otlp::is_on() {
        return tracing::info_span!("call", request_id, trace_id = %ids.trace_id, parent_id, otel.kind = "server");
    }
    tracing::info_span!("call", request_id, trace_id = %ids.trace_id, parent_id)
}

/// The label of a call: an rpc, or the template of a route that is none. Their number is that of the contract.
fn name(method: Option<Method>, route: Option<&MatchedPath>) -> Cow<'static, str> {
    match (method, route) {
        (Some(method), _) => Cow::Borrowed(method.spec().full_name),
        (None, Some(route)) => Cow::Owned(route.as_str().to_owned()),
        (None, None) => Cow::Borrowed("unmatched"),
    }
}

impl Ending {
    fn of(transport: Transport, response: &Response) -> Self {
        match transport {
            Transport::Grpc => Self::of_grpc(response),
            Transport::Rest => Self::of_rest(response),
        }
    }

    fn of_rest(response: &Response) -> Self {
        let status = response.status();
        let reason = response.extensions().get::<RefusedFor>().map(|refused| refused.0.clone()).unwrap_or_default();
        let severity = match status {
            _ if reason == OVERLOADED => Severity::TurnedAway,
            StatusCode::SERVICE_UNAVAILABLE | StatusCode::GATEWAY_TIMEOUT => Severity::Unavailable,
            status if status.is_server_error() => Severity::Fault,
            status if status.is_client_error() => Severity::Refused,
            _ => Severity::Fine,
        };
        Self { status: Cow::Owned(status.as_str().to_owned()), reason, severity }
    }

    /// A refused call has its status in the headers. A stream that ends badly later tells so in its trailers,
    /// which are not waited for.
    fn of_grpc(response: &Response) -> Self {
        let Some(status) = Status::from_header_map(response.headers()) else {
            if response.status().is_success() {
                return Self { status: Cow::Borrowed("OK"), reason: String::new(), severity: Severity::Fine };
            }
            return Self::of_rest(response);
        };
        let reason = Details::of(&status).reason;
        let severity = match status.code() {
            _ if reason == OVERLOADED => Severity::TurnedAway,
            Code::Ok => Severity::Fine,
            Code::Unavailable | Code::DeadlineExceeded => Severity::Unavailable,
            Code::Unknown | Code::Internal | Code::DataLoss => Severity::Fault,
            _ => Severity::Refused,
        };
        Self { status: Cow::Owned(format!("{:?}", status.code())), reason, severity }
    }
}

/// The one line of a call.
fn tell(name: &str, transport: Transport, facts: &Facts, ending: &Ending, changes: bool, began: Instant) {
    let duration_ms = u64::try_from(began.elapsed().as_micros()).unwrap_or(u64::MAX) / 1000;
    let (actor, organization) = facts.actor.get().map(|(user, org)| (user.to_string(), org.to_string())).unzip();
    let (actor, organization) = (actor.unwrap_or_default(), organization.unwrap_or_default());
    let (status, reason, transport) = (&*ending.status, ending.reason.as_str(), transport.word());
    macro_rules! line {
        ($level:ident, $text:literal) => {
            tracing::$level!(rpc = name, transport, status, reason, actor, organization, duration_ms, $text)
        };
    }
    match ending.severity {
        Severity::Fault => line!(error, "a fault of ours"),
        Severity::Unavailable => line!(warn, "unavailable"),
        // All of them have one line a second.
        Severity::TurnedAway => line!(debug, "turned away"),
        Severity::Refused => line!(info, "refused"),
        Severity::Fine if changes => line!(info, "done"),
        Severity::Fine => line!(debug, "read"),
    }
}

impl Transport {
    /// How a call with these headers came in.
    pub(crate) fn of(headers: &HeaderMap) -> Self {
        let content_type = headers.get(header::CONTENT_TYPE);
        if content_type.is_some_and(|value| value.as_bytes().starts_with(b"application/grpc")) {
            Self::Grpc
        } else {
            Self::Rest
        }
    }
}
