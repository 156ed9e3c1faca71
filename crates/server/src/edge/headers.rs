//! Headers of every answer: what a browser may do with it, and who may keep it.

use std::time::Duration;

use axum::extract::{Request, State};
use axum::middleware::Next;
use axum::response::Response;
use http::header::{self, HeaderName};
use http::{HeaderMap, HeaderValue, Method};
use tower_http::cors::{AllowOrigin, CorsLayer};

use crate::config::{Config, Cors};
use crate::downloads;

/// An answer of the API is data: a browser that shows it must run, load and frame nothing.
const DATA: &str = "default-src 'none'; frame-ancestors 'none'";
/// The same for a file that somebody has sent: whatever it is, it is not of our origin.
const FILE: &str = "default-src 'none'; frame-ancestors 'none'; sandbox";
/// The reference runs its own scripts and calls its own origin, nothing else.
const REFERENCE: &str = "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; \
     connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

/// What is the same for every answer of the process.
#[derive(Clone)]
pub(crate) struct Policy {
    hsts: Option<HeaderValue>,
}

impl Policy {
    /// HTTPS only is promised where HTTPS is spoken.
    pub(crate) fn new(config: &Config) -> Self {
        let promised = config.tls.is_on() && config.tls.hsts > Duration::ZERO;
        let value = || HeaderValue::from_str(&format!("max-age={}", config.tls.hsts.as_secs())).ok();
        Self { hsts: promised.then(value).flatten() }
    }

    /// Writes them.
    pub(super) fn write(&self, path: &str, headers: &mut HeaderMap) {
        let is_reference = path == "/docs" || path.starts_with("/docs/");
        let set = |headers: &mut HeaderMap, name: HeaderName, value: &'static str| {
            headers.insert(name, HeaderValue::from_static(value));
        };
        set(headers, header::X_CONTENT_TYPE_OPTIONS, "nosniff");
        set(headers, header::X_FRAME_OPTIONS, "DENY");
        set(headers, header::REFERRER_POLICY, "no-referrer");
        let content = if is_reference {
            REFERENCE
        } else if path.ends_with(downloads::VERB) {
            FILE
        } else {
            DATA
        };
        set(headers, header::CONTENT_SECURITY_POLICY, content);
        set(headers, HeaderName::from_static("cross-origin-opener-policy"), "same-origin");
        set(headers, HeaderName::from_static("cross-origin-resource-policy"), "same-origin");
        if is_reference || path == "/openapi.json" {
            // The same for everybody, and new with the next version: ask whether it changed.
            set(headers, header::CACHE_CONTROL, "no-cache");
        } else {
            // Personal content, tokens, or an answer of this moment.
            set(headers, header::CACHE_CONTROL, "no-store");
        }
        if let Some(hsts) = &self.hsts {
            headers.insert(header::STRICT_TRANSPORT_SECURITY, hsts.clone());
        }
    }
}

/// The layer that writes them.
pub(crate) async fn write(State(policy): State<Policy>, request: Request, next: Next) -> Response {
    let path = request.uri().path().to_owned();
    let mut response = next.run(request).await;
    policy.write(&path, response.headers_mut());
    response
}

/// Lets pages of the allowed origins call; `None` keeps browsers of other origins out.
pub(crate) fn cors(cors: &Cors) -> Option<CorsLayer> {
    let origins: Vec<HeaderValue> = cors.allowed_origins.iter().filter_map(|origin| origin.parse().ok()).collect();
    if origins.is_empty() {
        return None;
    }
    let name = HeaderName::from_static;
    Some(
        CorsLayer::new()
            .allow_origin(AllowOrigin::list(origins))
            .allow_methods([Method::GET, Method::HEAD, Method::POST, Method::PUT, Method::PATCH, Method::DELETE])
            .allow_headers([
                header::ACCEPT,
                header::ACCEPT_LANGUAGE,
                header::AUTHORIZATION,
                header::CONTENT_ENCODING,
                header::CONTENT_TYPE,
                header::IF_MATCH,
                header::IF_NONE_MATCH,
                header::IF_RANGE,
                header::RANGE,
                name("tus-resumable"),
                name("upload-checksum"),
                name("upload-length"),
                name("upload-metadata"),
                name("upload-offset"),
                name("idempotency-key"),
                name("last-event-id"),
                name("traceparent"),
                name("x-request-id"),
                name("grpc-timeout"),
                name("x-grpc-web"),
                name("x-user-agent"),
            ])
            .expose_headers([
                header::ETAG,
                header::RETRY_AFTER,
                header::ACCEPT_RANGES,
                header::CONTENT_DISPOSITION,
                header::CONTENT_RANGE,
                header::LOCATION,
                name("tus-resumable"),
                name("upload-expires"),
                name("upload-length"),
                name("upload-offset"),
                name("idempotent-replayed"),
                name("x-request-id"),
                name("grpc-status"),
                name("grpc-message"),
                name("grpc-status-details-bin"),
                name("ratelimit"),
                name("ratelimit-policy"),
            ])
            .max_age(Duration::from_secs(3600)),
    )
}
