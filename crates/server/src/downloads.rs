//! The bytes of attachments over REST: the file itself, for saving and never for showing, with `ETag` and
//! `Range`. It is `AttachmentService.DownloadAttachment`, whose stream of messages gRPC has.

use axum::body::Body;
use axum::extract::Request;
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use futures::StreamExt;
use http::header::{
    ACCEPT_RANGES, CONTENT_DISPOSITION, CONTENT_LENGTH, CONTENT_RANGE, CONTENT_TYPE, ETAG, IF_NONE_MATCH, IF_RANGE,
    RANGE,
};
use http::request::Parts;
use http::{HeaderMap, HeaderName, HeaderValue, Method as Verb, StatusCode};
use recourse_proto::Method;
use recourse_proto::gateway::{ProblemContext, problem};
use recourse_service::attachments::Download;
use recourse_service::{Api, Refusal, language};
use tonic::Status;

use crate::serving::CallKind;
use crate::{auth, edge};

/// Where the custom verb of downloads ends a path.
pub(crate) const VERB: &str = ":download";
const REPR_DIGEST: HeaderName = HeaderName::from_static("repr-digest");
/// Says that the bytes are a copy without the metadata of the original.
const METADATA_REMOVED: HeaderName = HeaderName::from_static("metadata-removed");

/// In front of the gateway: answers downloads itself.
pub(crate) async fn serve(api: &Api, request: Request, next: Next) -> Response {
    let reads = request.method() == Verb::GET || request.method() == Verb::HEAD;
    let Some(id) = asked(request.uri().path()).filter(|_| reads).map(str::to_owned) else {
        return next.run(request).await;
    };
    let (mut parts, _) = request.into_parts();
    let context = ProblemContext::of(&parts);
    match answer(api, &mut parts, &id).await {
        Ok(response) => response,
        Err(status) => problem(&status, &context),
    }
}

fn asked(path: &str) -> Option<&str> {
    let id = path.strip_prefix("/v1/attachments/")?.strip_suffix(VERB)?;
    (!id.is_empty() && !id.contains('/')).then_some(id)
}

async fn answer(api: &Api, parts: &mut Parts, id: &str) -> Result<Response, Status> {
    auth::admit_parts(api, Method::AttachmentServiceDownloadAttachment, parts)?;
    // A film over a telephone takes its time: it ends when its reader takes nothing of it any more.
    edge::mark(&parts.extensions, CallKind::Stream);
    let download = api.download(&parts.headers, &parts.extensions, id).await?;
    let etag = format!("\"{}\"", download.sha256);
    let headers = &parts.headers;
    let same = |value: &HeaderValue| value.to_str().is_ok_and(|tags| tags.trim() == "*" || tags.contains(&etag));
    let (status, from, to) = if headers.get(IF_NONE_MATCH).is_some_and(same) {
        (StatusCode::NOT_MODIFIED, 0, 0)
    } else {
        match wanted(headers, &etag, download.size) {
            Wanted::Whole => (StatusCode::OK, 0, download.size),
            Wanted::From(from, to) => (StatusCode::PARTIAL_CONTENT, from, to),
            Wanted::Nothing => (StatusCode::RANGE_NOT_SATISFIABLE, 0, 0),
        }
    };
    let mut response = status.into_response();
    describe(response.headers_mut(), &download, &etag)?;
    let told = response.headers_mut();
    match status {
        StatusCode::RANGE_NOT_SATISFIABLE => {
            told.insert(CONTENT_RANGE, text(&format!("bytes */{}", download.size))?);
            told.remove(CONTENT_TYPE);
        }
        StatusCode::PARTIAL_CONTENT => {
            told.insert(CONTENT_RANGE, text(&format!("bytes {from}-{}/{}", to - 1, download.size))?);
        }
        _ => {}
    }
    if status.is_success() {
        told.insert(CONTENT_LENGTH, HeaderValue::from(to - from));
        if parts.method == Verb::GET {
            *response.body_mut() =
                body(&download, from, to).await.map_err(|refusal| refusal.status(language(&parts.headers)))?;
        }
    }
    Ok(response)
}

/// The bytes. The first are read before the answer begins: what is not there is told, not cut off.
async fn body(download: &Download, from: u64, to: u64) -> Result<Body, Refusal> {
    let mut bytes = Box::pin(download.read(from, to)).peekable();
    if let Some(Err(error)) = std::pin::Pin::new(&mut bytes).peek().await {
        return Err(error.clone().into());
    }
    Ok(Body::from_stream(bytes))
}

fn describe(headers: &mut HeaderMap, download: &Download, etag: &str) -> Result<(), Status> {
    let attachment = &download.attachment;
    headers.insert(CONTENT_TYPE, text(download.content_type.media_type())?);
    headers.insert(CONTENT_DISPOSITION, text(&disposition(&attachment.file_name))?);
    headers.insert(ETAG, text(etag)?);
    headers.insert(ACCEPT_RANGES, HeaderValue::from_static("bytes"));
    if download.metadata_removed {
        headers.insert(METADATA_REMOVED, HeaderValue::from_static("true"));
    }
    if let Ok(digest) = hex::decode(&download.sha256) {
        headers.insert(REPR_DIGEST, text(&format!("sha-256=:{}:", STANDARD.encode(digest)))?);
    }
    Ok(())
}

/// The name under which it is saved (RFC 6266): plain for the old, in full for the rest.
fn disposition(name: &str) -> String {
    if name.is_empty() {
        return "attachment".to_owned();
    }
    let plain: String = name
        .chars()
        .map(|c| if c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '_' | ' ') { c } else { '_' })
        .collect();
    let full: String = name
        .bytes()
        .map(|byte| match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'.' | b'-' | b'_' => char::from(byte).to_string(),
            other => format!("%{other:02X}"),
        })
        .collect();
    format!("attachment; filename=\"{plain}\"; filename*=UTF-8''{full}")
}

fn text(value: &str) -> Result<HeaderValue, Status> {
    HeaderValue::from_str(value).map_err(|_| Status::internal("a header of the file is none"))
}

/// Which bytes are asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Wanted {
    Whole,
    /// From one to before the other.
    From(u64, u64),
    /// None of those that there are.
    Nothing,
}

/// One range is kept to; several, other units and what can't be read are answered with the whole (RFC 9110).
fn wanted(headers: &HeaderMap, etag: &str, size: u64) -> Wanted {
    let changed = headers.get(IF_RANGE).is_some_and(|tag| tag.as_bytes() != etag.as_bytes());
    let range = headers.get(RANGE).filter(|_| !changed).and_then(|value| value.to_str().ok());
    let Some((first, last)) = range.and_then(|text| text.strip_prefix("bytes=")?.split_once('-')) else {
        return Wanted::Whole;
    };
    match (first.trim().parse::<u64>(), last.trim().parse::<u64>()) {
        (Ok(first), Ok(last)) if first > last => Wanted::Whole,
        (Ok(first), _) if first >= size && (last.trim().is_empty() || last.trim().parse::<u64>().is_ok()) => {
            Wanted::Nothing
        }
        (Ok(first), Ok(last)) => Wanted::From(first, last.saturating_add(1).min(size)),
        (Ok(first), Err(_)) if last.trim().is_empty() => Wanted::From(first, size),
        (Err(_), Ok(0)) if first.trim().is_empty() => Wanted::Nothing,
        (Err(_), Ok(many)) if first.trim().is_empty() => Wanted::From(size.saturating_sub(many), size),
        (Ok(_) | Err(_), _) => Wanted::Whole,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_range_is_kept_to_or_answered_with_the_whole() {
        let of = |range: &'static str, if_range: Option<&'static str>| {
            let mut headers = HeaderMap::new();
            headers.insert(RANGE, HeaderValue::from_static(range));
            if let Some(tag) = if_range {
                headers.insert(IF_RANGE, HeaderValue::from_static(tag));
            }
            wanted(&headers, "\"a\"", 10)
        };
        for (range, expected) in [
            ("bytes=0-3", Wanted::From(0, 4)),
            ("bytes=4-", Wanted::From(4, 10)),
            ("bytes=4-99", Wanted::From(4, 10)),
            ("bytes=-3", Wanted::From(7, 10)),
            ("bytes=-99", Wanted::From(0, 10)),
            ("bytes=9-9", Wanted::From(9, 10)),
            ("bytes=10-", Wanted::Nothing),
            ("bytes=-0", Wanted::Nothing),
            ("bytes=3-1", Wanted::Whole),
            ("bytes=0-1,3-4", Wanted::Whole),
            ("lines=0-1", Wanted::Whole),
            ("bytes=x-", Wanted::Whole),
        ] {
            assert_eq!(of(range, None), expected, "{range}");
        }
        assert_eq!(of("bytes=4-", Some("\"a\"")), Wanted::From(4, 10));
        assert_eq!(of("bytes=4-", Some("\"b\"")), Wanted::Whole);
        assert_eq!(wanted(&HeaderMap::new(), "\"a\"", 10), Wanted::Whole);
    }

    #[test]
    fn a_name_can_not_leave_its_header() {
        assert_eq!(disposition(""), "attachment");
        let said = disposition("泵 \"1\"\r\nx: y.jpg");
        assert_eq!(
            said,
            "attachment; filename=\"_ _1___x_ y.jpg\"; filename*=UTF-8''%E6%B3%B5%20%221%22%0D%0Ax%3A%20y.jpg"
        );
        assert_eq!(asked("/v1/attachments/1:download"), Some("1"));
        assert_eq!(asked("/v1/attachments/1/2:download"), None);
        assert_eq!(asked("/v1/attachments/:download"), None);
    }
}
