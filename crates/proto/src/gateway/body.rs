//! The body of a request: its type, its size, its bytes.

use axum::body::Body;
use bytes::Bytes;
use http::{HeaderMap, header};
use http_body::Body as _;
use http_body_util::{BodyExt, LengthLimitError, Limited};
use tonic::Status;

use super::refuse;
use crate::Lang;

/// Reads a whole body. A method without one refuses it.
pub(super) async fn read(
    body: Body,
    headers: &HeaderMap,
    is_taken: bool,
    max_bytes: usize,
    lang: Lang,
) -> Result<Bytes, Status> {
    if body.is_end_stream() {
        return Ok(Bytes::new());
    }
    if body.size_hint().lower() > max_bytes as u64 {
        return Err(refuse::body_too_large(max_bytes, lang));
    }
    let bytes = match Limited::new(body, max_bytes).collect().await {
        Ok(collected) => collected.to_bytes(),
        Err(error) if error.is::<LengthLimitError>() => return Err(refuse::body_too_large(max_bytes, lang)),
        Err(_) => return Err(refuse::body_unreadable(lang)),
    };
    match (bytes.is_empty(), is_taken) {
        (true, _) => Ok(bytes),
        (false, false) => Err(refuse::body_not_taken(lang)),
        (false, true) if media_type(headers) == Some("application/json".to_owned()) => Ok(bytes),
        (false, true) => Err(refuse::unsupported_media_type("application/json", lang)),
    }
}

/// How a stream of messages is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum RowsForm {
    /// A line of JSON each.
    Ndjson,
    /// A row each, below a header.
    Csv,
}

/// The form of a stream of messages, from its media type.
pub(super) fn rows_form(headers: &HeaderMap, lang: Lang) -> Result<RowsForm, Status> {
    match media_type(headers).as_deref() {
        Some("application/x-ndjson" | "application/ndjson" | "application/jsonl") => Ok(RowsForm::Ndjson),
        Some("text/csv") => Ok(RowsForm::Csv),
        _ => Err(refuse::unsupported_media_type("application/x-ndjson", lang)),
    }
}

/// The media type without parameters, in lower case.
fn media_type(headers: &HeaderMap) -> Option<String> {
    let value = headers.get(header::CONTENT_TYPE)?.to_str().ok()?;
    let essence = value.split(';').next().unwrap_or_default();
    Some(essence.trim().to_ascii_lowercase())
}
