//! Everything one port answers: gRPC, gRPC-Web, REST, documentation, OAuth and health.

use std::sync::Arc;

use axum::Router;
use axum::extract::{Request, State};
use axum::middleware::{self, Next};
use axum::response::{Html, IntoResponse, Redirect, Response};
use axum::routing::{get, post};
use http::{Extensions, HeaderMap, StatusCode, Version, header};
use recourse_proto::gateway::{Gateway, GatewayOptions};
use recourse_service::Api;
use tonic_web::GrpcWebLayer;
use tower_http::catch_panic::CatchPanicLayer;
use tower_http::compression::predicate::{Predicate, SizeAbove};
use tower_http::compression::{CompressionLayer, CompressionLevel};

use crate::auth::{self, Door, RestAdmission};
use crate::config::Config;
use crate::edge::{self, Edge, Shed, headers};
use crate::exports::Exports;
use crate::health::{self, Readiness};
use crate::metrics::Metrics;
use crate::rates::{self, Rates};
use crate::serving::Front;
use crate::{docs, downloads, limits, oauth, observe, reflection, uploads};

/// What a port answers, over the given use cases.
pub(crate) struct App {
    api: Api,
    /// Who asks, and from where.
    door: Arc<Door>,
    /// How often one caller may call.
    rates: Arc<Rates>,
    exports: Arc<Exports>,
    readiness: Readiness,
    metrics: Arc<Metrics>,
    gateway: Gateway<Api>,
    edge: Arc<Edge>,
    config: Config,
}

impl App {
    /// The answers of one process; its ports share one edge.
    pub(crate) fn new(config: &Config, api: Api, readiness: Readiness, metrics: Arc<Metrics>) -> Self {
        let options = GatewayOptions { max_body_bytes: config.limits.max_body_bytes, max_export: limits::MAX_EXPORT };
        let gateway = Gateway::new(api.clone(), Arc::new(RestAdmission(api.clone())), options);
        let edge = Arc::new(Edge::new(&config.limits, gateway.clone()));
        let door = Arc::new(Door { api: api.clone(), proxies: config.accounts.proxies() });
        let rates = Arc::new(config.accounts.rates(config.limits.max_streams_per_caller));
        let exports = Arc::new(Exports::new(&config.limits, gateway.clone()));
        Self { api, door, rates, exports, readiness, metrics, gateway, edge, config: config.clone() }
    }

    /// gRPC alone, for a port of its own.
    pub(crate) fn grpc(&self) -> Front {
        self.guarded(self.grpc_routes())
    }

    /// Everything.
    pub(crate) fn everything(&self) -> Front {
        let own = Router::new()
            .route("/oauth2/token", post(oauth::token))
            .route("/oauth2/revoke", post(oauth::revoke))
            .route("/.well-known/jwks.json", get(oauth::jwks))
            .route("/.well-known/conclusion-keys.json", get(oauth::conclusion_keys))
            .route("/.well-known/oauth-authorization-server", get(oauth::metadata))
            .with_state(self.api.clone())
            .route("/", get(|| async { Redirect::temporary("/docs/") }))
            .route("/docs/errors", get(|| async { Html(docs::error_page()) }))
            .route("/docs/star", get(|| async { Html(docs::star_page()) }))
            .route("/openapi.json", get(docs::openapi_json))
            .merge(docs::reference())
            .merge(uploads::routes(self.api.clone()))
            .merge(health::routes(self.readiness.clone()));
        let long = middleware::from_fn_with_state((self.api.clone(), Arc::clone(&self.exports)), long_answers);
        let rest = Router::new().fallback_service(self.gateway.clone()).layer(long);
        self.guarded(own.merge(self.grpc_routes()).fallback_service(rest))
    }

    fn grpc_routes(&self) -> Router {
        let routes = recourse_proto::grpc_routes(self.api.clone(), self.config.limits.max_body_bytes)
            .add_service(self.readiness.grpc());
        let routes = routes.prepare().into_axum_router().merge(reflection::routes());
        let admission = middleware::from_fn_with_state(self.api.clone(), auth::admit_grpc);
        routes.layer(admission).layer(GrpcWebLayer::new())
    }

    /// What stands in front of every answer, outermost last.
    fn guarded(&self, router: Router) -> Front {
        let compressed = SizeAbove::new(self.config.limits.compress_from_bytes).and(is_compressible);
        let router = router
            .layer(middleware::from_fn_with_state(Arc::clone(&self.rates), rates::limit))
            .layer(middleware::from_fn_with_state(Arc::clone(&self.door), auth::identify))
            .layer(middleware::from_fn_with_state(Arc::clone(&self.edge), edge::guard))
            .layer(CompressionLayer::new().gzip(true).quality(CompressionLevel::Fastest).compress_when(compressed));
        let router = match headers::cors(&self.config.cors) {
            Some(cors) => router.layer(cors),
            None => router,
        };
        let policy = headers::Policy::new(&self.config);
        let told = (Arc::clone(&self.metrics), Arc::clone(&self.edge.turned_away));
        let router = router
            .layer(CatchPanicLayer::custom(panicked))
            .layer(middleware::from_fn_with_state(policy.clone(), headers::write))
            .layer(middleware::from_fn_with_state(told, observe::call));
        match Shed::new(Arc::clone(&self.edge), Arc::clone(&self.metrics), policy) {
            Some(shed) => Front::new(router, move |parts| shed.refuse(parts)),
            None => router.into(),
        }
    }
}

/// In front of the gateway: downloads are answered apart, and exports need a place. One layer, for each costs a
/// little of every call.
async fn long_answers(State((api, exports)): State<(Api, Arc<Exports>)>, request: Request, next: Next) -> Response {
    if exports.is_one(&request) {
        exports.run(request, next).await
    } else {
        downloads::serve(&api, request, next).await
    }
}

/// Streams are never compressed: their items would wait for each other. Files are sent as they are, so that
/// their length and the ranges of them are what they say.
fn is_compressible(_: StatusCode, _: Version, headers: &HeaderMap, _: &Extensions) -> bool {
    if headers.contains_key(header::CONTENT_DISPOSITION) {
        return false;
    }
    let kind = headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let essence = kind.split(';').next().unwrap_or_default().trim();
    const KINDS: [&str; 6] = [
        "application/json",
        "application/problem+json",
        "text/html",
        "text/css",
        "text/javascript",
        "application/javascript",
    ];
    KINDS.contains(&essence)
}

fn panicked(_: Box<dyn std::any::Any + Send + 'static>) -> Response {
    // What panicked is in the log already; nothing of it belongs in an answer.
    let body = r#"{"type":"/docs/errors#INTERNAL_FAULT","title":"Internal Server Error","status":500,"code":"INTERNAL","reason":"INTERNAL_FAULT"}"#;
    (StatusCode::INTERNAL_SERVER_ERROR, [(header::CONTENT_TYPE, "application/problem+json")], body).into_response()
}
