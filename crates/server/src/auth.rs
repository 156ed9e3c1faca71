//! Who asks: one layer in front of both transports turns a bearer token into an identity, and one layer in
//! front of gRPC applies the access rule, as the gateway does in front of REST.

use std::net::SocketAddr;
use std::sync::Arc;

use axum::extract::{ConnectInfo, Request, State};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use http::header::AUTHORIZATION;
use http::request::Parts;
use recourse_proto::gateway::Admission;
use recourse_proto::v1::error_reason::Code as Reason;
use recourse_proto::{Method, status};
use recourse_service::admission::{Identity, Origin, admit};
use recourse_service::{Api, language};
use tonic::{Code, Status};

use crate::observe::Facts;
use crate::proxies::TrustedProxies;

/// What stands in front of every call.
pub(crate) struct Door {
    /// The use cases, for what a token means and for the log of denials.
    pub(crate) api: Api,
    /// Whose word counts on where a call comes from.
    pub(crate) proxies: TrustedProxies,
}

/// Finds out where a call comes from and who asks and leaves it with the request. Whether that matters is decided by the access rule.
pub(crate) async fn identify(State(door): State<Arc<Door>>, mut request: Request, next: Next) -> Response {
    if let Some(ConnectInfo(peer)) = request.extensions().get::<ConnectInfo<SocketAddr>>().copied() {
        let address = door.proxies.origin(peer.ip(), request.headers());
        request.extensions_mut().insert(Origin { address });
    }
    let mut shown = request.headers().get_all(AUTHORIZATION).iter();
    let identity = match (shown.next(), shown.next()) {
        (None, _) => Identity::Anonymous,
        (Some(value), None) => match value.to_str().ok().and_then(bearer) {
            Some(token) => door.api.authenticator().identify(token).await,
            None => Identity::Refused,
        },
        // Whom a proxy in front took for the caller nobody knows.
        (Some(_), Some(_)) => Identity::Refused,
    };
    Facts::called_by(request.extensions(), &identity);
    request.extensions_mut().insert(identity);
    next.run(request).await
}

fn bearer(value: &str) -> Option<&str> {
    let (scheme, token) = value.split_once(' ')?;
    (scheme.eq_ignore_ascii_case("bearer") && !token.trim().is_empty()).then(|| token.trim())
}

/// Lets a call in, or not: the caller goes on with the request.
pub(crate) fn admit_parts(api: &Api, method: Method, parts: &mut Parts) -> Result<(), Status> {
    Facts::calls(&parts.extensions, method);
    let identity = parts.extensions.get::<Identity>();
    let caller = admit(method, identity).map_err(|refusal| {
        match identity {
            Some(Identity::Known(actor)) => api.note_denial(Some(actor.user), method.full_name(), &refusal),
            Some(Identity::Refused) => api.note_denial(None, method.full_name(), &refusal),
            // Who shows no token tried nothing.
            Some(Identity::Anonymous | Identity::Unavailable) | None => {}
        }
        refusal.status(language(&parts.headers))
    })?;
    parts.extensions.insert(caller);
    Ok(())
}

/// The access rule in front of REST.
pub(crate) struct RestAdmission(pub(crate) Api);

impl Admission for RestAdmission {
    fn admit(&self, method: Method, request: &mut Parts) -> Result<(), Status> {
        admit_parts(&self.0, method, request)
    }
}

/// Where the paths of our own services begin.
const OURS: &str = "/recourse.v1.";
/// Most bytes of a path that are told back.
const MOST_NAMED: usize = 200;

fn unknown_method(path: &str) -> Response {
    // A message travels as a header, which has its limit.
    let named = path.get(..MOST_NAMED).unwrap_or(path);
    let message = format!("there is no method {named}; server reflection lists those that there are");
    let status = status::Refusal::new(Code::Unimplemented, Reason::RouteNotFound, message).into_status();
    status.into_http::<axum::body::Body>().into_response()
}

/// The access rule in front of gRPC. Health and reflection are no methods of ours and pass.
pub(crate) async fn admit_grpc(State(api): State<Api>, request: Request, next: Next) -> Response {
    let path = request.uri().path();
    let Some(method) = Method::from_grpc_path(path) else {
        // A service of ours without that method: tonic would say so without a word.
        return if path.starts_with(OURS) { unknown_method(path) } else { next.run(request).await };
    };
    let (mut parts, body) = request.into_parts();
    match admit_parts(&api, method, &mut parts) {
        Ok(()) => next.run(Request::from_parts(parts, body)).await,
        Err(status) => status.into_http::<axum::body::Body>().into_response(),
    }
}
