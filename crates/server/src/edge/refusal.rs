//! What a call is told that does not get past the edge, in the words of its own transport.

use axum::body::Body;
use axum::response::Response;
use http::header::{CONTENT_TYPE, RETRY_AFTER};
use http::request::Parts;
use http::{HeaderName, HeaderValue};
use recourse_proto::gateway::{ProblemContext, problem};
use recourse_proto::v1::error_reason::Code as Reason;
use recourse_service::{Refusal, language};

use crate::limits;

/// gRPC clients that retry by themselves read when from here.
const PUSHBACK: HeaderName = HeaderName::from_static("grpc-retry-pushback-ms");

/// Who is to be told.
pub(crate) struct Asker {
    lang: recourse_domain::text::Lang,
    transport: Transport,
}

enum Transport {
    Rest(ProblemContext),
    /// gRPC, or gRPC-Web with the content type that its client expects back.
    Grpc(Option<HeaderValue>),
}

impl Asker {
    /// Reads what a refusal would need.
    pub(crate) fn of(parts: &Parts) -> Self {
        let lang = language(&parts.headers);
        let transport = match parts.headers.get(CONTENT_TYPE) {
            Some(kind) if kind.as_bytes().starts_with(b"application/grpc-web") => Transport::Grpc(Some(kind.clone())),
            Some(kind) if kind.as_bytes().starts_with(b"application/grpc") => Transport::Grpc(None),
            Some(_) | None => Transport::Rest(ProblemContext::of(parts)),
        };
        Self { lang, transport }
    }

    /// The answer.
    pub(crate) fn refuse(&self, refusal: Refusal) -> Response {
        let retry_after = refusal.retry_after;
        let status = refusal.status(self.lang);
        match &self.transport {
            Transport::Rest(context) => problem(&status, context),
            Transport::Grpc(web) => {
                let mut response = status.into_http::<Body>();
                if let Some(kind) = web {
                    response.headers_mut().insert(CONTENT_TYPE, kind.clone());
                }
                if let Some(seconds) = retry_after {
                    response.headers_mut().insert(RETRY_AFTER, seconds.into());
                    response.headers_mut().insert(PUSHBACK, seconds.saturating_mul(1000).into());
                }
                response
            }
        }
    }
}

/// More calls, or more bytes of them, than can be held.
pub(crate) fn overloaded() -> Refusal {
    let mut refusal = Refusal::new(
        Reason::Overloaded,
        "more calls than can be worked on at once; nothing was done, repeat the call with the same request id",
        "系统繁忙，本次请求未执行；请稍后用相同的 request_id 重试",
    );
    refusal.retry_after = Some(u32::try_from(limits::COME_BACK.as_secs()).unwrap_or(u32::MAX));
    refusal
}

/// More streams than can be kept open.
pub(crate) fn too_many_streams() -> Refusal {
    let mut refusal = Refusal::new(
        Reason::Overloaded,
        "more streams than can be kept open at once; connect again later, or read events:changes",
        "打开的数据流过多；请稍后重新连接，或改为读取 events:changes",
    );
    refusal.retry_after = Some(u32::try_from(limits::COME_BACK.as_secs()).unwrap_or(u32::MAX));
    refusal
}

/// More streams than one caller may have open.
pub(crate) fn too_many_streams_of_one(most: usize) -> Refusal {
    let mut refusal = Refusal::new(
        Reason::TooManyRequests,
        format!("one caller may have {most} streams, uploads and downloads open at once; let one of yours end"),
        format!("每个调用者最多同时打开 {most} 个数据流、上传或下载；请等待其中之一结束"),
    );
    refusal.retry_after = Some(u32::try_from(limits::COME_BACK.as_secs()).unwrap_or(u32::MAX));
    refusal
}

/// The call was stopped at its deadline.
pub(crate) fn took_too_long() -> Refusal {
    Refusal::new(
        Reason::RequestTimeout,
        "the call took too long and was stopped; it was written as a whole or not at all, repeat it with the same request id",
        "请求处理超时，已被中止；数据要么全部写入，要么完全没有写入，请用相同的 request_id 重试",
    )
}

/// Path and query are too long.
pub(crate) fn uri_too_long(most: usize) -> Refusal {
    Refusal::new(
        Reason::UriTooLong,
        format!("path and query are longer than {most} bytes; ask for less at once"),
        format!("请求地址超过 {most} 字节，请缩短查询条件"),
    )
}

/// The headers are too many or too long.
pub(crate) fn headers_too_large(most: usize, most_bytes: usize) -> Refusal {
    Refusal::new(
        Reason::HeadersTooLarge,
        format!("more than {most} headers or {most_bytes} bytes of them"),
        format!("请求头超过 {most} 个或 {most_bytes} 字节"),
    )
}

/// The body is too large, compressed or not.
pub(crate) fn body_too_large(most: usize) -> Refusal {
    Refusal::new(
        Reason::BodyTooLarge,
        format!("the body is larger than {most} bytes, if need be after decompression; send less at once"),
        format!("请求体（解压后）超过 {most} 字节，请分批发送"),
    )
}

/// The body comes too slowly.
pub(crate) fn body_too_slow() -> Refusal {
    Refusal::new(
        Reason::BodyTooSlow,
        "the body came too slowly and nothing was done; send it again, or less at once",
        "请求体传输过慢，请求未执行；请重新发送或减少数据量",
    )
}

/// The body ended early, or is no gzip.
pub(crate) fn body_unreadable() -> Refusal {
    Refusal::new(
        Reason::InvalidJson,
        "the body ended before it was complete, or is not what its Content-Encoding says; send it again",
        "请求体不完整，或与 Content-Encoding 不符；请重新发送",
    )
}

/// The body is compressed in a way that is not understood.
pub(crate) fn unsupported_encoding() -> Refusal {
    Refusal::new(
        Reason::UnsupportedMediaType,
        "send the body as it is, or with Content-Encoding: gzip",
        "请求体不支持该压缩方式；请不压缩或使用 gzip",
    )
}
