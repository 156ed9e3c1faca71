//! Server reflection: what a gRPC client learns of the contract without its files.
//!
//! The descriptors are decoded when the first client asks. Decoded and indexed they are many times as large as
//! encoded, and most servers are never asked.

use std::convert::Infallible;
use std::sync::LazyLock;

use axum::Router;
use axum::extract::Request;
use axum::response::Response;
use axum::routing::any;
use tonic::Status;
use tonic::service::Routes;
use tonic_reflection::server::{Builder, Error};
use tower::ServiceExt;

static SERVICES: LazyLock<Result<Router, Error>> = LazyLock::new(|| {
    // The reflection client of Python speaks v1alpha only.
    Ok(Routes::new(descriptors().build_v1()?).add_service(descriptors().build_v1alpha()?).prepare().into_axum_router())
});

fn descriptors() -> Builder<'static> {
    Builder::configure()
        .register_encoded_file_descriptor_set(recourse_proto::DESCRIPTOR_SET)
        .register_encoded_file_descriptor_set(tonic_health::pb::FILE_DESCRIPTOR_SET)
}

/// Both versions of the service.
pub(crate) fn routes() -> Router {
    Router::new()
        .route("/grpc.reflection.v1.ServerReflection/{*method}", any(answer))
        .route("/grpc.reflection.v1alpha.ServerReflection/{*method}", any(answer))
}

async fn answer(request: Request) -> Result<Response, Infallible> {
    match SERVICES.as_ref() {
        Ok(services) => services.clone().oneshot(request).await,
        Err(error) => Ok(Status::internal(format!("server reflection: {error}")).into_http()),
    }
}
