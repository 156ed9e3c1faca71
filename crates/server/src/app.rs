//! Everything one port answers: gRPC, gRPC-Web, REST, documentation, OAuth and health.

use std::sync::Arc;

use axum::Router;
use axum::extract::Request;
use axum::middleware::{self, Next};
use axum::response::{Html, IntoResponse, Redirect, Response};
use axum::routing::{get, post};
use http::{HeaderName, HeaderValue, StatusCode, header};
use recourse_proto::gateway::{Gateway, GatewayOptions};
use recourse_service::{Api, Authenticator};
use tonic_web::GrpcWebLayer;
use tower_http::catch_panic::CatchPanicLayer;
use tower_http::request_id::{MakeRequestUuid, PropagateRequestIdLayer, SetRequestIdLayer};

use crate::auth::{self, RestAdmission};
use crate::health::{self, Readiness};
use crate::{docs, limits, oauth};

/// Services that cannot be assembled: the contract's descriptors are damaged.
#[derive(Debug, thiserror::Error)]
#[error("server reflection: {0}")]
pub(crate) struct AssemblyError(#[from] tonic_reflection::server::Error);

/// What a port answers, over the given use cases.
pub(crate) struct App {
    /// The use cases.
    pub(crate) api: Api,
    /// Tokens to identities.
    pub(crate) authenticator: Arc<Authenticator>,
    /// Whether the process takes calls.
    pub(crate) readiness: Readiness,
}

impl App {
    /// gRPC alone, for a port of its own.
    pub(crate) fn grpc(&self) -> Result<Router, AssemblyError> {
        Ok(self.guarded(self.grpc_routes()?))
    }

    /// Everything.
    pub(crate) fn everything(&self) -> Result<Router, AssemblyError> {
        let gateway = Gateway::new(
            self.api.clone(),
            Arc::new(RestAdmission),
            GatewayOptions { max_body_bytes: limits::MAX_BODY_BYTES, max_export: limits::MAX_EXPORT },
        );
        let own = Router::new()
            .route("/oauth2/token", post(oauth::token))
            .route("/oauth2/revoke", post(oauth::revoke))
            .route("/.well-known/jwks.json", get(oauth::jwks))
            .route("/.well-known/oauth-authorization-server", get(oauth::metadata))
            .with_state(self.api.clone())
            .route("/", get(|| async { Redirect::temporary("/docs/") }))
            .route("/docs/errors", get(|| async { Html(docs::error_page()) }))
            .route("/openapi.json", get(docs::openapi_json))
            .merge(docs::reference())
            .merge(health::routes(self.readiness.clone()));
        Ok(self.guarded(own.merge(self.grpc_routes()?).fallback_service(gateway)))
    }

    fn grpc_routes(&self) -> Result<Router, AssemblyError> {
        let (reporter, health) = tonic_health::server::health_reporter();
        drop(reporter);
        let reflection = || {
            tonic_reflection::server::Builder::configure()
                .register_encoded_file_descriptor_set(recourse_proto::DESCRIPTOR_SET)
                .register_encoded_file_descriptor_set(tonic_health::pb::FILE_DESCRIPTOR_SET)
        };
        // The reflection client of Python speaks v1alpha only.
        let routes = recourse_proto::grpc_routes(self.api.clone(), limits::MAX_BODY_BYTES)
            .add_service(health)
            .add_service(reflection().build_v1()?)
            .add_service(reflection().build_v1alpha()?);
        Ok(routes.prepare().into_axum_router().layer(middleware::from_fn(auth::admit_grpc)).layer(GrpcWebLayer::new()))
    }

    /// What stands in front of every answer, outermost last.
    fn guarded(&self, router: Router) -> Router {
        let request_id = HeaderName::from_static("x-request-id");
        router
            .layer(middleware::from_fn_with_state(Arc::clone(&self.authenticator), auth::identify))
            .layer(middleware::from_fn(log_call))
            .layer(middleware::from_fn(security_headers))
            .layer(CatchPanicLayer::custom(panicked))
            .layer(PropagateRequestIdLayer::new(request_id.clone()))
            .layer(SetRequestIdLayer::new(request_id, MakeRequestUuid))
    }
}

/// Writes one line a call, with the id that the caller was told.
async fn log_call(request: Request, next: Next) -> Response {
    let method = request.method().clone();
    let path = request.uri().path().to_owned();
    let request_id =
        request.headers().get("x-request-id").and_then(|value| value.to_str().ok()).unwrap_or_default().to_owned();
    let response = next.run(request).await;
    tracing::debug!(%method, path, status = response.status().as_u16(), request_id, "answered");
    response
}

async fn security_headers(request: Request, next: Next) -> Response {
    let mut response = next.run(request).await;
    let headers = response.headers_mut();
    headers.insert(header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    headers.insert(header::X_FRAME_OPTIONS, HeaderValue::from_static("DENY"));
    headers.insert(header::REFERRER_POLICY, HeaderValue::from_static("no-referrer"));
    response
}

fn panicked(_: Box<dyn std::any::Any + Send + 'static>) -> Response {
    // What panicked is in the log already; nothing of it belongs in an answer.
    tracing::error!("a call panicked");
    let body = r#"{"type":"/docs/errors#INTERNAL_FAULT","title":"Internal Server Error","status":500,"code":"INTERNAL","reason":"INTERNAL_FAULT"}"#;
    (StatusCode::INTERNAL_SERVER_ERROR, [(header::CONTENT_TYPE, "application/problem+json")], body).into_response()
}
