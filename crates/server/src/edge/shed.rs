//! Turning calls away before anything is done for them.
//!
//! In an overload there are many times as many refusals as answers, and what they cost is lost to those who are served.
//! So a call over REST that finds the gate full is refused by its head alone, ahead of the router and its layers. It is
//! told what the edge would have told it, under the same headers, and counted the same. Everything else passes: gRPC,
//! browsers of other origins, routes that are no rpcs, probes and streams.

use std::sync::Arc;
use std::time::Instant;

use axum::body::{self, Body};
use axum::response::Response;
use futures::FutureExt;
use http::header::ORIGIN;
use http::request::Parts;
use http::{HeaderMap, Request, StatusCode};
use recourse_proto::{Lang, Method};

use super::refusal::{self, Asker};
use super::{Edge, Shape, headers};
use crate::metrics::{Metrics, Transport};
use crate::observe::{REQUEST_ID, TRACE_RESPONSE};
use crate::trace_ids::TraceIds;

/// What stands in a draft for the path and the id of the call.
const PATH: &str = "/path-of-the-call";
const ID: &str = "id-of-the-call";

/// Refuses by the head alone.
pub(crate) struct Shed {
    edge: Arc<Edge>,
    metrics: Arc<Metrics>,
    policy: headers::Policy,
    english: Draft,
    chinese: Draft,
}

impl Shed {
    /// Refuses for this edge; `None` if there is nothing it could say.
    pub(crate) fn new(edge: Arc<Edge>, metrics: Arc<Metrics>, policy: headers::Policy) -> Option<Self> {
        Some(Self { english: Draft::in_language("en")?, chinese: Draft::in_language("zh-CN")?, edge, metrics, policy })
    }

    /// The refusal of a call that has no prospect of a place.
    pub(crate) fn refuse(&self, parts: &Parts) -> Option<Response> {
        if self.edge.calls.check().is_ok() {
            return None;
        }
        let began = Instant::now();
        let method = self.rest_method(parts)?;
        let open = self.metrics.begin();
        let ids = TraceIds::of(&parts.headers);
        let draft = match Lang::from_headers(&parts.headers) {
            Lang::En => &self.english,
            Lang::ZhCn => &self.chinese,
        };
        let mut response = draft.for_call(parts.uri.path(), ids.request_id.to_str().ok()?);
        let headers = response.headers_mut();
        self.policy.write(parts.uri.path(), headers);
        headers.insert(TRACE_RESPONSE, ids.response());
        headers.insert(REQUEST_ID, ids.request_id);
        let status = StatusCode::SERVICE_UNAVAILABLE;
        open.end(
            method.spec().full_name.into(),
            Transport::Rest,
            status.as_str().to_owned().into(),
            "OVERLOADED",
            began.elapsed(),
        );
        self.edge.turned_away.count();
        Some(response)
    }

    /// The rpc, if this is a call over REST that waits for the gate of the calls.
    fn rest_method(&self, parts: &Parts) -> Option<Method> {
        if parts.headers.contains_key(ORIGIN) || Transport::of(&parts.headers) == Transport::Grpc {
            return None;
        }
        let method = self.edge.gateway.method_of(&parts.method, parts.uri.path())?;
        (Edge::shape(parts, Some(method)) == Shape::Whole).then_some(method)
    }
}

/// A refusal but for the path and the id of the call.
struct Draft {
    headers: HeaderMap,
    pieces: [String; 3],
}

impl Draft {
    fn in_language(language: &str) -> Option<Self> {
        let request = Request::get(PATH).header("accept-language", language).header(REQUEST_ID, ID);
        let (parts, ()) = request.body(()).ok()?.into_parts();
        let (head, body) = Asker::of(&parts).refuse(refusal::overloaded()).into_parts();
        // The body is in memory: it is there at once.
        let bytes = body::to_bytes(body, usize::MAX).now_or_never()?.ok()?;
        let text = std::str::from_utf8(&bytes).ok()?;
        let (before, rest) = text.split_once(&format!("\"{PATH}\""))?;
        let (between, after) = rest.split_once(&format!("\"{ID}\""))?;
        let pieces = [before, between, after].map(str::to_owned);
        (head.status == StatusCode::SERVICE_UNAVAILABLE).then_some(Self { headers: head.headers, pieces })
    }

    fn for_call(&self, path: &str, id: &str) -> Response {
        let [before, between, after] = &self.pieces;
        let (path, id) = (json(path), json(id));
        let mut response = Response::new(Body::from([before.as_str(), &path, between, &id, after].concat()));
        *response.status_mut() = StatusCode::SERVICE_UNAVAILABLE;
        response.headers_mut().clone_from(&self.headers);
        response
    }
}

/// A text as JSON.
fn json(text: &str) -> String {
    // A text can always be written.
    serde_json::to_string(text).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use serde_json::Value;

    use super::*;

    /// Without a draft every refusal would take the long way, and nobody would notice.
    #[tokio::test]
    async fn there_is_a_draft_in_each_language_and_it_becomes_the_answer_to_a_call() {
        let mut details = Vec::new();
        for language in ["en", "zh-CN"] {
            let draft = Draft::in_language(language).expect(language);
            let response = draft.for_call("/v1/claims/\"x\"", "id-7");
            assert_eq!(response.status(), StatusCode::SERVICE_UNAVAILABLE);
            assert_eq!(response.headers()["retry-after"], "1");
            assert_eq!(response.headers()["content-type"], "application/problem+json");
            let body = body::to_bytes(response.into_body(), usize::MAX).await.unwrap();
            let problem: Value = serde_json::from_slice(&body).unwrap();
            assert_eq!((&problem["instance"], &problem["requestId"]), (&"/v1/claims/\"x\"".into(), &"id-7".into()));
            assert_eq!(problem["reason"], "OVERLOADED");
            details.push(problem["detail"].clone());
        }
        assert_ne!(details[0], details[1]);
    }
}
