//! A gRPC client over cleartext HTTP/2, small enough to see what goes over the wire.

use bytes::{BufMut, Bytes, BytesMut};
use http::{HeaderMap, Request};
use http_body_util::{BodyExt, Full};
use hyper::client::conn::http2::{SendRequest, handshake};
use hyper_util::rt::{TokioExecutor, TokioIo};
use prost::Message;
use recourse_proto::status::Details;
use tonic::{Code, Status};

use super::Server;

/// One answer.
#[derive(Debug)]
pub struct Reply {
    /// The status that ended the call; OK without a message.
    pub status: Status,
    /// Response metadata.
    pub metadata: HeaderMap,
    /// The messages, still encoded.
    pub messages: Vec<Bytes>,
}

impl Reply {
    /// The one message of a success.
    #[track_caller]
    pub fn ok<M: Message + Default>(self) -> M {
        assert_eq!(self.status.code(), Code::Ok, "{:?}", self.status);
        let message = self.messages.first().expect("a message");
        M::decode(message.clone()).expect("a message of its type")
    }

    /// The messages of a success.
    #[track_caller]
    pub fn all<M: Message + Default>(self) -> Vec<M> {
        assert_eq!(self.status.code(), Code::Ok, "{:?}", self.status);
        self.messages.into_iter().map(|message| M::decode(message).expect("a message of its type")).collect()
    }

    /// The details of a refusal with this code and reason.
    #[track_caller]
    pub fn refused(&self, code: Code, reason: &str) -> Details {
        let details = Details::of(&self.status);
        assert_eq!((self.status.code(), details.reason.as_str()), (code, reason), "{:?}", self.status);
        details
    }
}

/// A caller of one server.
#[derive(Clone)]
pub struct Grpc {
    connection: SendRequest<Full<Bytes>>,
    authority: String,
    token: Option<String>,
}

impl Grpc {
    /// A caller who has not signed in.
    pub async fn connect(server: &Server) -> Self {
        let authority = server.base.trim_start_matches("http://").to_owned();
        let socket = tokio::net::TcpStream::connect(&authority).await.expect("the server");
        let (connection, driver) =
            handshake(TokioExecutor::new(), TokioIo::new(socket)).await.expect("HTTP/2 without an upgrade");
        tokio::spawn(driver);
        Self { connection, authority, token: None }
    }

    /// The same caller with a token.
    pub fn with_token(&self, token: &str) -> Self {
        Self { token: Some(token.to_owned()), ..self.clone() }
    }

    /// Calls an rpc with one message.
    pub async fn call<M: Message>(&self, path: &str, message: &M) -> Reply {
        self.call_with(path, message, &[]).await
    }

    /// The same with metadata.
    pub async fn call_with<M: Message>(&self, path: &str, message: &M, metadata: &[(&str, &str)]) -> Reply {
        self.call_raw(path, frame(message), metadata).await
    }

    /// Calls an rpc with a stream of messages that is sent at once.
    pub async fn call_all<M: Message>(&self, path: &str, messages: &[M]) -> Reply {
        let frames: Vec<u8> = messages.iter().flat_map(frame).collect();
        self.call_raw(path, frames.into(), &[]).await
    }

    /// The same with a body that is framed already.
    pub async fn call_raw(&self, path: &str, body: Bytes, metadata: &[(&str, &str)]) -> Reply {
        Self::reply(self.send(path, body, metadata).await).await
    }

    async fn reply(response: http::Response<hyper::body::Incoming>) -> Reply {
        let (parts, body) = response.into_parts();
        let collected = body.collect().await.expect("a whole body");
        let trailers = collected.trailers().cloned().unwrap_or_default();
        let messages = frames(collected.to_bytes()).into_iter().map(|(_, message)| message).collect();
        let status = Status::from_header_map(&parts.headers).or_else(|| Status::from_header_map(&trailers));
        Reply { status: status.expect("a status in headers or trailers"), metadata: parts.headers, messages }
    }

    /// How a call begins: the refusal that is the whole answer, or nothing. For streams that don't end.
    pub async fn refusal<M: Message>(&self, path: &str, message: &M) -> Option<Status> {
        let response = self.send(path, frame(message), &[]).await;
        Status::from_header_map(response.headers()).filter(|status| status.code() != Code::Ok)
    }

    /// Begins a call: its head has come, its messages may still come.
    pub async fn send(
        &self,
        path: &str,
        body: Bytes,
        metadata: &[(&str, &str)],
    ) -> http::Response<hyper::body::Incoming> {
        let mut request = Request::post(format!("http://{}{path}", self.authority))
            .header("content-type", "application/grpc")
            .header("te", "trailers");
        if let Some(token) = &self.token {
            request = request.header("authorization", format!("Bearer {token}"));
        }
        for (name, value) in metadata {
            request = request.header(*name, *value);
        }
        let request = request.body(Full::new(body)).expect("a request");
        self.connection.clone().send_request(request).await.expect("an answer")
    }
}

/// A message in its frame: no compression, length, bytes.
pub fn frame<M: Message>(message: &M) -> Bytes {
    let encoded = message.encode_to_vec();
    let mut frame = BytesMut::with_capacity(encoded.len() + 5);
    frame.put_u8(0);
    frame.put_u32(u32::try_from(encoded.len()).expect("a small message"));
    frame.put_slice(&encoded);
    frame.freeze()
}

/// The frames of a body, each with its flags.
pub fn frames(mut body: Bytes) -> Vec<(u8, Bytes)> {
    let mut frames = Vec::new();
    while body.len() >= 5 {
        let head = body.split_to(5);
        let length = usize::try_from(u32::from_be_bytes([head[1], head[2], head[3], head[4]])).expect("a length");
        frames.push((head[0], body.split_to(length)));
    }
    assert!(body.is_empty(), "half a frame");
    frames
}
