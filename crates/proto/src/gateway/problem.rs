//! A gRPC status as an RFC 9457 problem document. There is no other way to
//! answer an error over REST, so the two transports always say the same.

use std::collections::BTreeMap;

use axum::body::Body;
use http::{HeaderValue, Response, StatusCode, header, request::Parts};
use serde::Serialize;
use tonic::{Code, Status};

use crate::{Lang, status::Details};

/// The media type of a problem document.
pub const PROBLEM_JSON: &str = "application/problem+json";

/// The reason of a refusal, in the response's extensions: what logs and metrics are told.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RefusedFor(pub String);

/// What a problem document says of the request.
#[derive(Debug, Clone, Default)]
pub struct ProblemContext {
    /// The language of texts.
    pub lang: Lang,
    /// The path of the request.
    pub instance: String,
    /// The id of the request, from the `x-request-id` header.
    pub request_id: Option<String>,
}

impl ProblemContext {
    /// Reads the context of a request.
    #[must_use]
    pub fn of(parts: &Parts) -> Self {
        let request_id = parts.headers.get("x-request-id").and_then(|value| value.to_str().ok());
        Self {
            lang: Lang::from_headers(&parts.headers),
            instance: parts.uri.path().to_owned(),
            request_id: request_id.map(str::to_owned),
        }
    }
}

/// The document; fields without a value are left out.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Problem {
    r#type: String,
    title: &'static str,
    status: u16,
    detail: String,
    instance: String,
    code: &'static str,
    #[serde(skip_serializing_if = "String::is_empty")]
    reason: String,
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    metadata: BTreeMap<String, String>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    violations: Vec<ProblemViolation>,
    #[serde(skip_serializing_if = "Option::is_none")]
    request_id: Option<String>,
}

#[derive(Debug, Serialize)]
struct ProblemViolation {
    field: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    reason: String,
    description: String,
}

impl Problem {
    pub(crate) fn of(status: &Status, context: &ProblemContext) -> Self {
        Self::with(status, Details::of(status), context)
    }

    fn with(status: &Status, details: Details, context: &ProblemContext) -> Self {
        let http_status = http_status(status.code(), &details.reason);
        let violations = details.violations.into_iter().map(|violation| ProblemViolation {
            field: violation.field,
            reason: violation.reason,
            description: violation.localized_message.map_or(violation.description, |text| text.message),
        });
        Self {
            r#type: if details.reason.is_empty() {
                "about:blank".to_owned()
            } else {
                format!("/docs/errors#{}", details.reason)
            },
            title: title(status.code(), &details.reason, context.lang),
            status: http_status.as_u16(),
            detail: details.localized.map_or_else(|| status.message().to_owned(), |text| text.message),
            instance: context.instance.clone(),
            code: code_name(status.code()),
            reason: details.reason,
            metadata: details.metadata,
            violations: violations.collect(),
            request_id: context.request_id.clone(),
        }
    }

    /// Code, reason and detail.
    pub(crate) fn in_short(self) -> [String; 3] {
        [self.code.to_owned(), self.reason, self.detail]
    }

    /// The document as JSON.
    pub(crate) fn to_json(&self) -> Vec<u8> {
        // Strings and numbers can always be written.
        serde_json::to_vec(self).unwrap_or_default()
    }
}

/// The response to a failed request.
#[must_use]
pub fn problem(status: &Status, context: &ProblemContext) -> Response<Body> {
    let details = Details::of(status);
    let retry_after = details.retry_after;
    let allow = details.metadata.get("allow").and_then(|verbs| HeaderValue::from_str(verbs).ok());
    let document = Problem::with(status, details, context);
    let http_status = StatusCode::from_u16(document.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    let mut response = Response::new(Body::from(document.to_json()));
    *response.status_mut() = http_status;
    if !document.reason.is_empty() {
        response.extensions_mut().insert(RefusedFor(document.reason));
    }
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(PROBLEM_JSON));
    if http_status == StatusCode::UNAUTHORIZED {
        headers.insert(header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
    }
    if let Some(allow) = allow.filter(|_| http_status == StatusCode::METHOD_NOT_ALLOWED) {
        headers.insert(header::ALLOW, allow);
    }
    if let Some(delay) =
        retry_after.filter(|_| matches!(http_status, StatusCode::TOO_MANY_REQUESTS | StatusCode::SERVICE_UNAVAILABLE))
    {
        // Whole seconds, and never too early.
        let seconds = delay.as_secs() + u64::from(delay.subsec_nanos() > 0);
        headers.insert(header::RETRY_AFTER, HeaderValue::from(seconds));
    }
    response
}

/// The HTTP status of a gRPC code; a few reasons of the transport have their own.
#[must_use]
pub fn http_status(code: Code, reason: &str) -> StatusCode {
    match (code, reason) {
        (_, "METHOD_NOT_ALLOWED") => StatusCode::METHOD_NOT_ALLOWED,
        (_, "UNSUPPORTED_MEDIA_TYPE") => StatusCode::UNSUPPORTED_MEDIA_TYPE,
        (_, "BODY_TOO_LARGE") => StatusCode::PAYLOAD_TOO_LARGE,
        (_, "BODY_TOO_SLOW") => StatusCode::REQUEST_TIMEOUT,
        (_, "URI_TOO_LONG") => StatusCode::URI_TOO_LONG,
        (_, "HEADERS_TOO_LARGE") => StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE,
        // tus 1.0 has a number of its own for it.
        (_, "CHECKSUM_MISMATCH") => StatusCode::from_u16(460).unwrap_or(StatusCode::BAD_REQUEST),
        (Code::Ok, _) => StatusCode::OK,
        (Code::InvalidArgument | Code::FailedPrecondition | Code::OutOfRange, _) => StatusCode::BAD_REQUEST,
        (Code::Unauthenticated, _) => StatusCode::UNAUTHORIZED,
        (Code::PermissionDenied, _) => StatusCode::FORBIDDEN,
        (Code::NotFound, _) => StatusCode::NOT_FOUND,
        (Code::Aborted | Code::AlreadyExists, _) => StatusCode::CONFLICT,
        (Code::ResourceExhausted, _) => StatusCode::TOO_MANY_REQUESTS,
        // nginx's "client closed request"; RFC 9110 has none.
        (Code::Cancelled, _) => StatusCode::from_u16(499).unwrap_or(StatusCode::BAD_REQUEST),
        (Code::Unimplemented, _) => StatusCode::NOT_IMPLEMENTED,
        (Code::Unavailable, _) => StatusCode::SERVICE_UNAVAILABLE,
        (Code::DeadlineExceeded, _) => StatusCode::GATEWAY_TIMEOUT,
        (Code::Unknown | Code::Internal | Code::DataLoss, _) => StatusCode::INTERNAL_SERVER_ERROR,
    }
}

fn code_name(code: Code) -> &'static str {
    match code {
        Code::Ok => "OK",
        Code::Cancelled => "CANCELLED",
        Code::Unknown => "UNKNOWN",
        Code::InvalidArgument => "INVALID_ARGUMENT",
        Code::DeadlineExceeded => "DEADLINE_EXCEEDED",
        Code::NotFound => "NOT_FOUND",
        Code::AlreadyExists => "ALREADY_EXISTS",
        Code::PermissionDenied => "PERMISSION_DENIED",
        Code::ResourceExhausted => "RESOURCE_EXHAUSTED",
        Code::FailedPrecondition => "FAILED_PRECONDITION",
        Code::Aborted => "ABORTED",
        Code::OutOfRange => "OUT_OF_RANGE",
        Code::Unimplemented => "UNIMPLEMENTED",
        Code::Internal => "INTERNAL",
        Code::Unavailable => "UNAVAILABLE",
        Code::DataLoss => "DATA_LOSS",
        Code::Unauthenticated => "UNAUTHENTICATED",
    }
}

fn title(code: Code, reason: &str, lang: Lang) -> &'static str {
    let (en, zh_cn) = match (code, reason) {
        (_, "METHOD_NOT_ALLOWED") => ("Method not allowed", "请求方法不受支持"),
        (_, "UNSUPPORTED_MEDIA_TYPE") => ("Unsupported media type", "媒体类型不受支持"),
        (_, "BODY_TOO_LARGE") => ("Body too large", "请求体过大"),
        (_, "BODY_TOO_SLOW") => ("Body too slow", "请求体传输过慢"),
        (_, "URI_TOO_LONG") => ("URI too long", "请求地址过长"),
        (_, "HEADERS_TOO_LARGE") => ("Headers too large", "请求头过大"),
        (Code::Ok, _) => ("OK", "成功"),
        (Code::InvalidArgument, _) => ("Invalid request", "请求无效"),
        (Code::FailedPrecondition, _) => ("Not possible now", "当前状态不允许此操作"),
        (Code::OutOfRange, _) => ("Out of range", "超出范围"),
        (Code::Unauthenticated, _) => ("Not signed in", "未登录"),
        (Code::PermissionDenied, _) => ("Not permitted", "无权执行此操作"),
        (Code::NotFound, _) => ("Not found", "未找到"),
        (Code::Aborted, _) => ("Conflict", "冲突"),
        (Code::AlreadyExists, _) => ("Already exists", "已存在"),
        (Code::ResourceExhausted, _) => ("Too many requests", "请求过多"),
        (Code::Cancelled, _) => ("Cancelled", "已取消"),
        (Code::Unimplemented, _) => ("Not implemented", "尚未实现"),
        (Code::Unavailable, _) => ("Unavailable", "服务暂不可用"),
        (Code::DeadlineExceeded, _) => ("Took too long", "处理超时"),
        (Code::Unknown | Code::Internal | Code::DataLoss, _) => ("Internal fault", "内部错误"),
    };
    lang.pick(en, zh_cn)
}
