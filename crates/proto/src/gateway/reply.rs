//! A service's answer on its way to HTTP.

use std::{cell::RefCell, convert::Infallible, pin::Pin, time::Duration};

use axum::{
    body::Body,
    response::{
        IntoResponse, Sse,
        sse::{Event, KeepAlive},
    },
};
use bytes::Bytes;
use futures::{Stream, StreamExt, future::BoxFuture, stream};
use http::{HeaderMap, HeaderName, HeaderValue, Response, header};
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use tonic::{Status, metadata::MetadataMap};

use super::{
    call::{File, RpcOutput},
    problem::{Problem, ProblemContext},
};

/// A comment this often keeps proxies from closing a quiet stream.
const KEEP_ALIVE: Duration = Duration::from_secs(15);

/// The future of an answer.
pub type ReplyFuture = BoxFuture<'static, Result<Reply, Status>>;

type Items = Pin<Box<dyn Stream<Item = Result<Item, Status>> + Send>>;

/// An answer, already JSON.
pub struct Reply {
    metadata: MetadataMap,
    extensions: http::Extensions,
    content: Content,
}

enum Content {
    Message { json: Vec<u8>, etag: Option<String> },
    File(Response<Body>),
    Stream(Items),
}

/// One message of a stream.
struct Item {
    json: Vec<u8>,
    cursor: Option<String>,
}

impl Reply {
    /// The answer of a method that answers one message.
    pub(super) fn unary<O: RpcOutput>(response: tonic::Response<O>) -> Result<Self, Status> {
        let (metadata, message, extensions) = response.into_parts();
        let content = match message.file() {
            Some(file) => Content::File(download(&file)?),
            None => Content::Message { json: encode(&message)?, etag: message.etag().map(str::to_owned) },
        };
        Ok(Self { metadata, extensions, content })
    }

    /// The answer of a method that answers a stream.
    pub(super) fn stream<O, S>(response: tonic::Response<S>) -> Self
    where
        O: RpcOutput,
        S: Stream<Item = Result<O, Status>> + Send + 'static,
    {
        let (metadata, messages, extensions) = response.into_parts();
        let items = messages.map(|message| {
            let message = message?;
            Ok(Item { json: encode(&message)?, cursor: message.cursor().map(str::to_owned) })
        });
        Self { metadata, extensions, content: Content::Stream(Box::pin(items)) }
    }

    /// An answer that is a response already.
    pub(super) fn response(response: Response<Body>) -> Self {
        Self { metadata: MetadataMap::new(), extensions: http::Extensions::new(), content: Content::File(response) }
    }

    /// The JSON of a message.
    pub(super) fn into_json(self) -> Option<Vec<u8>> {
        match self.content {
            Content::Message { json, .. } => Some(json),
            Content::File(_) | Content::Stream(_) => None,
        }
    }

    /// The HTTP response. Streams are NDJSON, or SSE if the client accepts that.
    pub(super) fn into_response(self, request: &HeaderMap, context: ProblemContext) -> Result<Response<Body>, Status> {
        let mut response = match self.content {
            Content::Message { json, etag } => message(json, etag)?,
            Content::File(response) => response,
            Content::Stream(items) if accepts_events(request) => events(items, context),
            Content::Stream(items) => lines(items, context),
        };
        for (name, value) in &self.metadata.into_headers() {
            if is_for_clients(name) {
                response.headers_mut().append(name.clone(), value.clone());
            }
        }
        response.extensions_mut().extend(self.extensions);
        Ok(response)
    }
}

thread_local! {
    /// Where replies are written: a vector that begins small would be moved ten times until it holds a page.
    static DRAFT: RefCell<Vec<u8>> = const { RefCell::new(Vec::new()) };
}

/// Bytes of a draft that a thread keeps. Larger replies are rare.
const KEPT: usize = 256 * 1024;

fn encode(message: &impl RpcOutput) -> Result<Vec<u8>, Status> {
    DRAFT.with_borrow_mut(|draft| {
        draft.clear();
        serde_json::to_writer(&mut *draft, message).map_err(|error| {
            tracing::error!(%error, "a reply can't be written as JSON");
            Status::internal("the reply can't be written as JSON")
        })?;
        if draft.capacity() > KEPT { Ok(std::mem::take(draft)) } else { Ok(draft.clone()) }
    })
}

fn message(json: Vec<u8>, etag: Option<String>) -> Result<Response<Body>, Status> {
    let mut response = Response::new(Body::from(json));
    response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
    if let Some(etag) = etag {
        let quoted = HeaderValue::from_str(&format!("\"{etag}\""))
            .map_err(|_| Status::internal("the etag is not a header value"))?;
        response.headers_mut().insert(header::ETAG, quoted);
    }
    Ok(response)
}

/// The bytes of a file. A browser saves it and never guesses its type: it may
/// be one that somebody uploaded.
fn download(file: &File<'_>) -> Result<Response<Body>, Status> {
    let header = |value: &str| {
        HeaderValue::from_str(value).map_err(|_| Status::internal("the file's type is not a header value"))
    };
    let disposition = match file.name {
        "" => "attachment".to_owned(),
        name => format!("attachment; filename*=UTF-8''{}", utf8_percent_encode(name, NON_ALPHANUMERIC)),
    };
    let mut response = Response::new(Body::from(file.content.to_vec()));
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, header(file.media_type)?);
    headers.insert(header::CONTENT_DISPOSITION, header(&disposition)?);
    headers.insert(header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    Ok(response)
}

/// Newline-delimited JSON; a failure is the last line.
fn lines(items: Items, context: ProblemContext) -> Response<Body> {
    let lines = until_failure(items).map(move |item| {
        let mut line = match item {
            Ok(item) => item.json,
            Err(status) => in_band(&status, &context),
        };
        line.push(b'\n');
        Ok::<_, Infallible>(Bytes::from(line))
    });
    let mut response = Response::new(Body::from_stream(lines));
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/x-ndjson"));
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-cache"));
    response
}

/// `{"error": {problem}}`: no message of ours has a field of that name alone.
pub(super) fn in_band(status: &Status, context: &ProblemContext) -> Vec<u8> {
    let mut line = b"{\"error\":".to_vec();
    line.extend(Problem::of(status, context).to_json());
    line.push(b'}');
    line
}

/// Server-sent events; a failure is the last event, named `error`.
fn events(items: Items, context: ProblemContext) -> Response<Body> {
    let events = until_failure(items).map(move |item| {
        let event = match item {
            Ok(item) => match item.cursor.filter(|cursor| !cursor.contains(['\n', '\r', '\0'])) {
                Some(cursor) => Event::default().id(cursor).data(text(item.json)),
                None => Event::default().data(text(item.json)),
            },
            Err(status) => Event::default().event("error").data(text(Problem::of(&status, &context).to_json())),
        };
        Ok::<_, Infallible>(event)
    });
    Sse::new(events).keep_alive(KeepAlive::new().interval(KEEP_ALIVE)).into_response()
}

fn text(json: Vec<u8>) -> String {
    String::from_utf8(json).unwrap_or_default()
}

/// A stream that ends with its first failure.
fn until_failure(items: Items) -> impl Stream<Item = Result<Item, Status>> + Send {
    stream::unfold(Some(items), |items| async move {
        let mut items = items?;
        let item = items.next().await?;
        let rest = item.is_ok().then_some(items);
        Some((item, rest))
    })
}

/// Whether `Accept` names server-sent events.
fn accepts_events(headers: &HeaderMap) -> bool {
    let values = headers.get_all(header::ACCEPT);
    let mut types = values.iter().filter_map(|value| value.to_str().ok()).flat_map(|value| value.split(','));
    types.any(|kind| kind.split(';').next().unwrap_or_default().trim().eq_ignore_ascii_case("text/event-stream"))
}

/// Metadata that is not gRPC's own or HTTP's business.
fn is_for_clients(name: &HeaderName) -> bool {
    const RESERVED: [&str; 11] = [
        "content-type",
        "content-length",
        "content-encoding",
        "transfer-encoding",
        "connection",
        "te",
        "trailer",
        "upgrade",
        "keep-alive",
        "date",
        "host",
    ];
    let name = name.as_str();
    !(RESERVED.contains(&name) || name.starts_with("grpc-") || name.ends_with("-bin"))
}
