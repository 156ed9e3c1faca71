//! Whether the process lives, and whether it takes calls.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use axum::extract::State;
use axum::routing::get;
use axum::{Json, Router};
use http::StatusCode;
use recourse_repository::Store;
use serde_json::{Value, json};
use tonic_health::ServingStatus;
use tonic_health::pb::health_server::HealthServer;
use tonic_health::server::{HealthReporter, HealthService};

/// Whether the process takes calls. It stops doing so before the sockets close, so that a load balancer has
/// time to notice.
#[derive(Clone)]
pub(crate) struct Readiness {
    taking_calls: Arc<AtomicBool>,
    /// The same for those who ask `grpc.health.v1`.
    reporter: HealthReporter,
    store: Store,
}

impl Readiness {
    /// Ready as soon as the store answers.
    pub(crate) fn new(store: Store) -> Self {
        Self { taking_calls: Arc::new(AtomicBool::new(true)), reporter: HealthReporter::new(), store }
    }

    /// From now on, not ready.
    pub(crate) async fn stop(&self) {
        self.taking_calls.store(false, Ordering::Relaxed);
        self.reporter.set_service_status("", ServingStatus::NotServing).await;
    }

    /// `grpc.health.v1`.
    pub(crate) fn grpc(&self) -> HealthServer<HealthService> {
        HealthServer::new(HealthService::from_health_reporter(self.reporter.clone()))
    }
}

/// `/healthz` and `/readyz`.
pub(crate) fn routes(readiness: Readiness) -> Router {
    Router::new()
        .route("/healthz", get(|| async { Json(json!({"status": "ok"})) }))
        .route("/readyz", get(ready))
        .with_state(readiness)
}

async fn ready(State(readiness): State<Readiness>) -> (StatusCode, Json<Value>) {
    if !readiness.taking_calls.load(Ordering::Relaxed) {
        return (StatusCode::SERVICE_UNAVAILABLE, Json(json!({"status": "stopping"})));
    }
    match readiness.store.ping().await {
        Ok(()) => (StatusCode::OK, Json(json!({"status": "ok"}))),
        Err(_) => (StatusCode::SERVICE_UNAVAILABLE, Json(json!({"status": "store unavailable"}))),
    }
}
