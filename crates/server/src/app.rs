//! Everything one port answers: gRPC, gRPC-Web, REST, documentation, OAuth and health.

use std::sync::Arc;

use axum::Router;
use axum::extract::Request;
use axum::middleware::{self, Next};
use axum::response::{Html, IntoResponse, Redirect, Response};
use axum::routing::{get, post};
use http::{HeaderValue, StatusCode, header};
use recourse_proto::gateway::{Gateway, GatewayOptions};
use recourse_service::Api;
use tonic_web::GrpcWebLayer;
use tower_http::catch_panic::CatchPanicLayer;

use crate::auth::{self, Door, RestAdmission};
use crate::health::{self, Readiness};
use crate::metrics::Metrics;
use crate::rates::{self, Rates};
use crate::{docs, limits, oauth, observe};

/// Services that cannot be assembled: the contract's descriptors are damaged.
#[derive(Debug, thiserror::Error)]
#[error("server reflection: {0}")]
pub(crate) struct AssemblyError(#[from] tonic_reflection::server::Error);

/// What a port answers, over the given use cases.
pub(crate) struct App {
    /// The use cases.
    pub(crate) api: Api,
    /// Who asks, and from where.
    pub(crate) door: Arc<Door>,
    /// How often one caller may call.
    pub(crate) rates: Arc<Rates>,
    /// Whether the process takes calls.
    pub(crate) readiness: Readiness,
    /// What is counted.
    pub(crate) metrics: Arc<Metrics>,
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
            Arc::new(RestAdmission(self.api.clone())),
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
        let admission = middleware::from_fn_with_state(self.api.clone(), auth::admit_grpc);
        Ok(routes.prepare().into_axum_router().layer(admission).layer(GrpcWebLayer::new()))
    }

    /// What stands in front of every answer, outermost last.
    fn guarded(&self, router: Router) -> Router {
        router
            .layer(middleware::from_fn_with_state(Arc::clone(&self.rates), rates::limit))
            .layer(middleware::from_fn_with_state(Arc::clone(&self.door), auth::identify))
            .layer(middleware::from_fn(security_headers))
            .layer(CatchPanicLayer::custom(panicked))
            .layer(middleware::from_fn_with_state(Arc::clone(&self.metrics), observe::call))
    }
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
    let body = r#"{"type":"/docs/errors#INTERNAL_FAULT","title":"Internal Server Error","status":500,"code":"INTERNAL","reason":"INTERNAL_FAULT"}"#;
    (StatusCode::INTERNAL_SERVER_ERROR, [(header::CONTENT_TYPE, "application/problem+json")], body).into_response()
}
