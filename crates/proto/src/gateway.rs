//! REST over the same service traits that gRPC calls, in this process.
//!
//! A [`Gateway`] is mounted as the fallback of the axum router: it finds the rpc
//! of a path, asks [`Admission`], decodes the request from path, query, headers
//! and body, calls the service, and writes the reply as canonical proto3 JSON.

use std::{
    convert::Infallible,
    sync::Arc,
    task::{Context, Poll},
    time::Duration,
};

use axum::{body::Body, response::IntoResponse};
use futures::future::BoxFuture;
use http::{Method as Verb, Request, Response, header, request::Parts};
use http_body::Body as _;
use tonic::Status;

mod body;
mod call;
mod csv;
pub(crate) mod export;
pub mod handler;
mod headers;
mod json;
mod lines;
pub mod problem;
mod query;
pub mod readers;
mod refuse;
mod reply;
mod router;
#[cfg(test)]
mod tests;

pub use call::{Call, File, RpcInput, RpcOutput};
pub use headers::{adopt_headers, adopt_idempotency_key, adopt_if_match};
pub use json::JsonBody;
pub use lines::UnreadRows;
pub use problem::{ProblemContext, problem};
pub use reply::{Reply, ReplyFuture};

use crate::{Api, Lang, Method, method::Rpc};
use call::{Payload, Variables};
use router::{Found, Router};

/// Decides whether a request may go on. It is asked after the path was matched
/// and before the body is read; gRPC asks the same function.
pub trait Admission<M = Method>: Send + Sync + 'static {
    /// Lets the request in, or refuses it. What it inserts into the request's
    /// extensions reaches the handler.
    fn admit(&self, method: M, request: &mut Parts) -> Result<(), Status>;
}

/// The limits of the gateway.
#[derive(Debug, Clone, Copy)]
pub struct GatewayOptions {
    /// Most bytes of a body, or of one line of a streamed body.
    pub max_body_bytes: usize,
    /// Longest time that the export of a list may take.
    pub max_export: Duration,
}

impl Default for GatewayOptions {
    fn default() -> Self {
        Self { max_body_bytes: 1 << 20, max_export: Duration::from_secs(900) }
    }
}

/// The REST gateway, a tower service. The response's extensions hold the
/// matched rpc, so that metrics can be labelled by it.
pub struct Gateway<A, M: Rpc = Method> {
    inner: Arc<Inner<A, M>>,
}

impl<A, M: Rpc> Clone for Gateway<A, M> {
    fn clone(&self) -> Self {
        Self { inner: Arc::clone(&self.inner) }
    }
}

struct Inner<A, M: Rpc> {
    api: A,
    dispatch: fn(&A, M, Call) -> ReplyFuture,
    router: Router<M>,
    admission: Arc<dyn Admission<M>>,
    options: GatewayOptions,
}

impl<A: Api> Gateway<A> {
    /// The gateway of the contract over its services.
    #[must_use]
    pub fn new(api: A, admission: Arc<dyn Admission>, options: GatewayOptions) -> Self {
        Self::over(api, crate::dispatch::<A>, crate::descriptor_pool(), admission, options)
    }
}

impl<A: Clone + Send + Sync + 'static, M: Rpc> Gateway<A, M> {
    /// The gateway of any generated package.
    pub(crate) fn over(
        api: A,
        dispatch: fn(&A, M, Call) -> ReplyFuture,
        pool: Option<&prost_reflect::DescriptorPool>,
        admission: Arc<dyn Admission<M>>,
        options: GatewayOptions,
    ) -> Self {
        Self { inner: Arc::new(Inner { api, dispatch, router: Router::new(pool), admission, options }) }
    }

    /// The rpc that a request leads to, if any.
    #[must_use]
    pub fn method_of(&self, verb: &Verb, path: &str) -> Option<M> {
        let verb = if verb == Verb::HEAD { &Verb::GET } else { verb };
        match self.inner.router.find(verb, path) {
            Found::Route(route, _) => Some(route.method),
            Found::OtherVerbs(_) | Found::Nothing => None,
        }
    }

    /// Whether a request asks for all pages of a list as one stream.
    #[must_use]
    pub fn is_export(&self, verb: &Verb, path: &str, headers: &http::HeaderMap) -> bool {
        // Most callers say nothing, or what they get anyway.
        let usual = headers.get(header::ACCEPT).is_none_or(|value| value == "application/json" || value == "*/*");
        if usual || (verb != Verb::GET && verb != Verb::HEAD) || export::Format::accepted(headers).is_none() {
            return false;
        }
        matches!(self.inner.router.find(&Verb::GET, path), Found::Route(route, _) if route.list.is_some())
    }

    /// Answers one request; every failure is a problem document.
    pub async fn handle(&self, request: Request<Body>) -> Response<Body> {
        if is_grpc(&request) {
            // A gRPC client that calls a service which does not exist.
            return Status::unimplemented("unknown service or method").into_http();
        }
        let (mut parts, body) = request.into_parts();
        let context = ProblemContext::of(&parts);
        let head = parts.method == Verb::HEAD;
        let (method, answer) = match self.inner.find(&parts) {
            Err(status) => (None, Err(status)),
            Ok((route, variables)) => {
                let answer = Arc::clone(&self.inner).answer(route, variables, &mut parts, body, &context).await;
                (Some(route.method), answer)
            }
        };
        let mut response = match answer {
            Ok(reply) => {
                reply.into_response(&parts.headers, context.clone()).unwrap_or_else(|status| problem(&status, &context))
            }
            Err(status) => problem(&status, &context),
        };
        if let Some(method) = method {
            response.extensions_mut().insert(method);
        }
        if head {
            drop_body(&mut response);
        }
        response
    }
}

impl<A: Clone + Send + Sync + 'static, M: Rpc> Inner<A, M> {
    fn find(&self, parts: &Parts) -> Result<(&router::Route<M>, Variables), Status> {
        let lang = Lang::from_headers(&parts.headers);
        let verb = if parts.method == Verb::HEAD { &Verb::GET } else { &parts.method };
        match self.router.find(verb, parts.uri.path()) {
            Found::Route(route, variables) => Ok((route, variables)),
            Found::OtherVerbs(allow) => Err(refuse::method_not_allowed(&allow, lang)),
            Found::Nothing => Err(refuse::route_not_found(parts.uri.path(), lang)),
        }
    }

    async fn answer(
        self: Arc<Self>,
        route: &router::Route<M>,
        variables: Variables,
        parts: &mut Parts,
        body: Body,
        context: &ProblemContext,
    ) -> Result<Reply, Status> {
        self.admission.admit(route.method, parts)?;
        let lang = Lang::from_headers(&parts.headers);
        let query = route.query.bind(parts.uri.query().unwrap_or_default(), lang)?;
        let payload = if route.method.spec().client_streaming {
            self.rows(route, &parts.headers, body, lang).await?
        } else {
            Payload::Whole(
                body::read(body, &parts.headers, !route.rule.body.is_empty(), self.options.max_body_bytes, lang)
                    .await?,
            )
        };
        let call = Call {
            headers: parts.headers.clone(),
            extensions: std::mem::take(&mut parts.extensions),
            lang,
            variables,
            body_field: route.rule.body,
            query,
            payload,
        };
        match (&route.list, export::Format::accepted(&parts.headers)) {
            (Some(list), Some(format)) => {
                let (api, dispatch, method) = (self.api.clone(), self.dispatch, route.method);
                let read = move |call| dispatch(&api, method, call);
                export::export(list, format, call, read, self.options.max_export, context.clone()).await
            }
            (Some(_) | None, _) => (self.dispatch)(&self.api, route.method, call).await,
        }
    }

    /// A body of rows, in the form that its type says.
    async fn rows(
        &self,
        route: &router::Route<M>,
        headers: &http::HeaderMap,
        body: Body,
        lang: Lang,
    ) -> Result<Payload, Status> {
        let most = self.options.max_body_bytes;
        match (body::rows_form(headers, lang)?, &route.row) {
            (body::RowsForm::Ndjson, _) => Ok(Payload::Lines(lines::frames(body, most, lang))),
            (body::RowsForm::Csv, Some(row)) => Ok(Payload::Lines(csv::frames(body, row, most, lang).await?)),
            (body::RowsForm::Csv, None) => Err(refuse::unsupported_media_type("application/x-ndjson", lang)),
        }
    }
}

/// HEAD tells the length of what GET would send.
fn drop_body(response: &mut Response<Body>) {
    if let Some(length) = response.body().size_hint().exact() {
        response.headers_mut().insert(header::CONTENT_LENGTH, length.into());
    }
    *response.body_mut() = Body::empty();
}

fn is_grpc(request: &Request<Body>) -> bool {
    let content_type = request.headers().get(header::CONTENT_TYPE);
    content_type.is_some_and(|value| value.as_bytes().starts_with(b"application/grpc"))
}

impl<A: Clone + Send + Sync + 'static, M: Rpc> tower::Service<Request<Body>> for Gateway<A, M> {
    type Response = Response<Body>;
    type Error = Infallible;
    type Future = BoxFuture<'static, Result<Response<Body>, Infallible>>;

    fn poll_ready(&mut self, _context: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request<Body>) -> Self::Future {
        let gateway = self.clone();
        Box::pin(async move { Ok(gateway.handle(request).await.into_response()) })
    }
}
