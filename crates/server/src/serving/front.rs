//! What a listener answers with.

use std::sync::Arc;

use axum::Router;
use axum::body::Body;
use axum::extract::Request;
use axum::response::Response;
use http::request::Parts;
use tower::ServiceExt;

/// Answers a call by its head alone, or lets it pass.
type Early = dyn Fn(&Parts) -> Option<Response> + Send + Sync;

/// The routes with everything that stands before them, and what may answer even before that.
#[derive(Clone)]
pub(crate) struct Front {
    router: Router,
    early: Option<Arc<Early>>,
}

impl Front {
    /// Everything goes to the router that `early` does not answer. What it answers has passed none of the router's layers.
    pub(crate) fn new(router: Router, early: impl Fn(&Parts) -> Option<Response> + Send + Sync + 'static) -> Self {
        Self { router, early: Some(Arc::new(early)) }
    }

    /// The early answer to a call with this head.
    pub(super) fn early(&self, parts: &Parts) -> Option<Response> {
        self.early.as_ref().and_then(|early| early(parts))
    }

    /// The answer.
    pub(super) async fn answer(self, request: Request<Body>) -> Response {
        match self.router.oneshot(request).await {
            Ok(response) => response,
            Err(never) => match never {},
        }
    }
}

impl From<Router> for Front {
    fn from(router: Router) -> Self {
        Self { router, early: None }
    }
}
