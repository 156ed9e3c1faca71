//! How many lists are exported at once, and by whom: an export reads page after page for as long as its client
//! takes them, and no place among the calls is kept for it meanwhile.

use std::sync::Arc;

use axum::body::Body;
use axum::extract::Request;
use axum::middleware::Next;
use axum::response::Response;
use recourse_proto::gateway::{Gateway, ProblemContext, problem};
use recourse_proto::v1::error_reason::Code as Reason;
use recourse_service::admission::Identity;
use recourse_service::{Api, Refusal, language};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use uuid::Uuid;

use crate::config::Limits;
use crate::serving::{CallKind, Kept};
use crate::{edge, limits};
use recourse_service::callers::{Callers, Open};

/// The places of exports.
pub(crate) struct Exports {
    gateway: Gateway<Api>,
    most: usize,
    most_of_one: usize,
    places: Arc<Semaphore>,
    callers: Callers,
}

/// The place of one export, until its last byte or its client's end.
struct Place {
    _of_caller: Option<Open>,
    _place: OwnedSemaphorePermit,
}

impl Exports {
    /// Places by the configuration; the gateway knows what an export is.
    pub(crate) fn new(limits: &Limits, gateway: Gateway<Api>) -> Self {
        Self {
            gateway,
            most: limits.max_exports,
            most_of_one: limits.max_exports_per_caller,
            places: Arc::new(Semaphore::new(limits.max_exports.min(Semaphore::MAX_PERMITS))),
            callers: Callers::default(),
        }
    }

    /// Whether a request is for an export.
    pub(crate) fn is_one(&self, request: &Request) -> bool {
        self.gateway.is_export(request.method(), request.uri().path(), request.headers())
    }

    /// Lets an export through if there is a place for it. Stands behind [`identify`](crate::auth::identify).
    pub(crate) async fn run(&self, request: Request, next: Next) -> Response {
        let caller = match request.extensions().get::<Identity>() {
            Some(Identity::Known(actor)) => Some(actor.user.0),
            // Whether that may export is decided by the access rule.
            Some(Identity::Anonymous | Identity::Refused | Identity::Unavailable) | None => None,
        };
        match self.enter(caller) {
            Ok(place) => {
                // It lasts for as long as its client reads; a call of that age would be cut.
                edge::mark(request.extensions(), CallKind::Stream);
                next.run(request).await.map(|body| Body::new(Kept::new(body, place)))
            }
            Err(refusal) => {
                let (parts, _) = request.into_parts();
                problem(&refusal.status(language(&parts.headers)), &ProblemContext::of(&parts))
            }
        }
    }

    fn enter(&self, caller: Option<Uuid>) -> Result<Place, Refusal> {
        let place = Arc::clone(&self.places).try_acquire_owned().map_err(|_| self.full())?;
        let open = |caller| self.callers.open(caller, self.most_of_one).ok_or_else(|| self.enough());
        Ok(Place { _of_caller: caller.map(open).transpose()?, _place: place })
    }

    fn full(&self) -> Refusal {
        let most = self.most;
        later(Refusal::new(
            Reason::TooManyRequests,
            format!(
                "{most} lists are exported at this moment, and no more are at once; come back later, or read pages"
            ),
            format!("同时进行的导出已达上限（{most} 个）；请稍后重试，或改为分页读取"),
        ))
    }

    fn enough(&self) -> Refusal {
        let most = self.most_of_one;
        later(Refusal::new(
            Reason::TooManyRequests,
            format!("one caller may have {most} exports open, and you have; let one end, or read pages"),
            format!("每个调用者最多同时打开 {most} 个导出；请等待其中之一结束，或改为分页读取"),
        ))
    }
}

fn later(mut refusal: Refusal) -> Refusal {
    refusal.retry_after = Some(u32::try_from(limits::EXPORT_LATER.as_secs()).unwrap_or(u32::MAX));
    refusal
}
