//! Resumable uploads as tus 1.0 has them (`/v1/uploads`): raw bytes have no place in the contract's
//! descriptors. They go the way of `AttachmentService.UploadAttachment`, its access rule included.
//!
//! Extensions: creation, expiration, checksum, termination.

use std::collections::BTreeMap;

use axum::Router;
use axum::body::Body;
use axum::extract::rejection::PathRejection;
use axum::extract::{Path, Request, State};
use axum::response::{IntoResponse, Response};
use axum::routing::options;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use chrono::{DateTime, Utc};
use futures::StreamExt;
use http::header::{CACHE_CONTROL, CONTENT_TYPE, LOCATION};
use http::request::Parts;
use http::{HeaderName, HeaderValue, StatusCode};
use recourse_proto::gateway::{ProblemContext, problem};
use recourse_proto::v1::attachment_service_server::AttachmentService;
use recourse_proto::v1::error_reason::Code as Reason;
use recourse_proto::wkt::Timestamp;
use recourse_proto::{Method, v1};
use recourse_service::attachments::{Checksum, ChecksumKind, Progress};
use recourse_service::{Api, Refusal, language};
use tonic::Status;
use tonic::metadata::MetadataMap;

use crate::auth;

/// Where uploads are.
pub(crate) const PATH: &str = "/v1/uploads";
const VERSION: &str = "1.0.0";
const PIECE: &str = "application/offset+octet-stream";

const TUS_RESUMABLE: HeaderName = HeaderName::from_static("tus-resumable");
const TUS_VERSION: HeaderName = HeaderName::from_static("tus-version");
const TUS_EXTENSION: HeaderName = HeaderName::from_static("tus-extension");
const TUS_MAX_SIZE: HeaderName = HeaderName::from_static("tus-max-size");
const TUS_CHECKSUM_ALGORITHM: HeaderName = HeaderName::from_static("tus-checksum-algorithm");
const UPLOAD_OFFSET: HeaderName = HeaderName::from_static("upload-offset");
const UPLOAD_LENGTH: HeaderName = HeaderName::from_static("upload-length");
const UPLOAD_METADATA: HeaderName = HeaderName::from_static("upload-metadata");
const UPLOAD_CHECKSUM: HeaderName = HeaderName::from_static("upload-checksum");
const UPLOAD_EXPIRES: HeaderName = HeaderName::from_static("upload-expires");

/// The routes of uploads.
pub(crate) fn routes(api: Api) -> Router {
    Router::new()
        .route(PATH, options(offer).post(create))
        .route("/v1/uploads/{id}", options(offer).head(ask).patch(append).delete(end))
        .with_state(api)
}

/// Whether a request sends a piece of an upload: as much as it likes, as long as it keeps coming.
pub(crate) fn is_piece(parts: &Parts) -> bool {
    parts.method == http::Method::PATCH && parts.uri.path().strip_prefix(PATH).is_some_and(|rest| rest.starts_with('/'))
}

/// `OPTIONS`: what is understood.
async fn offer(State(api): State<Api>) -> Response {
    let mut response = StatusCode::NO_CONTENT.into_response();
    let headers = response.headers_mut();
    headers.insert(TUS_RESUMABLE, HeaderValue::from_static(VERSION));
    headers.insert(TUS_VERSION, HeaderValue::from_static(VERSION));
    headers.insert(TUS_EXTENSION, HeaderValue::from_static("creation,expiration,checksum,termination"));
    headers.insert(TUS_CHECKSUM_ALGORITHM, HeaderValue::from_static("sha1,sha256"));
    headers.insert(TUS_MAX_SIZE, HeaderValue::from(api.most_upload_bytes()));
    response
}

/// `POST`: creates an attachment by its metadata.
async fn create(State(api): State<Api>, request: Request) -> Response {
    let (mut parts, _) = request.into_parts();
    if !speaks_tus(&parts) {
        return other_version();
    }
    let method = Method::AttachmentServiceCreateAttachment;
    let created = async {
        auth::admit_parts(&api, method, &mut parts)?;
        let message = asked(&parts).map_err(|refusal| refusal.status(language(&parts.headers)))?;
        let metadata = MetadataMap::from_headers(parts.headers.clone());
        let request = tonic::Request::from_parts(metadata, std::mem::take(&mut parts.extensions), message);
        Ok::<_, Status>(api.create_attachment(request).await?.into_inner())
    };
    match created.await {
        Ok(attachment) => {
            let mut response = StatusCode::CREATED.into_response();
            let headers = response.headers_mut();
            if let Ok(place) = HeaderValue::from_str(&attachment.upload_path) {
                headers.insert(LOCATION, place);
            }
            headers.insert(UPLOAD_OFFSET, HeaderValue::from(attachment.uploaded_bytes));
            let expires = attachment.upload_expire_time.and_then(Timestamp::to_datetime);
            tell_end(&mut response, expires);
            of_tus(response)
        }
        Err(status) => refused(&status, &parts),
    }
}

/// `HEAD`: how far an upload is.
async fn ask(State(api): State<Api>, id: Id, request: Request) -> Response {
    let (mut parts, _) = request.into_parts();
    if !speaks_tus(&parts) {
        return other_version();
    }
    let progress = async {
        auth::admit_parts(&api, Method::AttachmentServiceUploadAttachment, &mut parts)?;
        let id = named(id, &parts)?;
        api.upload_progress(&parts.headers, &parts.extensions, &id).await
    };
    match progress.await {
        Ok(progress) => {
            let mut response = told(StatusCode::OK, &progress);
            response.headers_mut().insert(UPLOAD_LENGTH, HeaderValue::from(progress.size));
            response.headers_mut().insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
            response
        }
        Err(status) => {
            let mut response = refused(&status, &parts);
            *response.body_mut() = Body::empty();
            response
        }
    }
}

/// `PATCH`: the next bytes.
async fn append(State(api): State<Api>, id: Id, request: Request) -> Response {
    let (mut parts, body) = request.into_parts();
    if !speaks_tus(&parts) {
        return other_version();
    }
    let added = async {
        auth::admit_parts(&api, Method::AttachmentServiceUploadAttachment, &mut parts)?;
        let id = named(id, &parts)?;
        let lang = language(&parts.headers);
        let (offset, checksum) = piece(&parts).map_err(|refusal| refusal.status(lang))?;
        let bytes = body.into_data_stream().map(|piece| piece.map_err(|error| error.to_string()));
        api.append_upload(&parts.headers, &parts.extensions, &id, offset, checksum, Box::pin(bytes)).await
    };
    match added.await {
        Ok(progress) => told(StatusCode::NO_CONTENT, &progress),
        Err(status) => refused(&status, &parts),
    }
}

/// `DELETE`: gives an unfinished upload up.
async fn end(State(api): State<Api>, id: Id, request: Request) -> Response {
    let (mut parts, _) = request.into_parts();
    if !speaks_tus(&parts) {
        return other_version();
    }
    let ended = async {
        auth::admit_parts(&api, Method::AttachmentServiceUploadAttachment, &mut parts)?;
        let id = named(id, &parts)?;
        api.end_upload(&parts.headers, &parts.extensions, &id).await
    };
    match ended.await {
        Ok(()) => of_tus(StatusCode::NO_CONTENT.into_response()),
        Err(status) => refused(&status, &parts),
    }
}

/// The id in a path, if it is one.
type Id = Result<Path<String>, PathRejection>;

/// What is no text names no upload.
fn named(id: Id, parts: &Parts) -> Result<String, Status> {
    let unknown = |_| Refusal::not_found(parts.uri.path()).status(language(&parts.headers));
    id.map(|Path(id)| id).map_err(unknown)
}

fn speaks_tus(parts: &Parts) -> bool {
    parts.headers.get(TUS_RESUMABLE).is_some_and(|version| version.as_bytes() == VERSION.as_bytes())
}

fn other_version() -> Response {
    let mut response = StatusCode::PRECONDITION_FAILED.into_response();
    response.headers_mut().insert(TUS_VERSION, HeaderValue::from_static(VERSION));
    response
}

fn of_tus(mut response: Response) -> Response {
    response.headers_mut().insert(TUS_RESUMABLE, HeaderValue::from_static(VERSION));
    response
}

fn told(status: StatusCode, progress: &Progress) -> Response {
    let mut response = status.into_response();
    response.headers_mut().insert(UPLOAD_OFFSET, HeaderValue::from(progress.offset));
    tell_end(&mut response, progress.expire_time);
    of_tus(response)
}

fn tell_end(response: &mut Response, expires: Option<DateTime<Utc>>) {
    let text = expires.map(|time| time.format("%a, %d %b %Y %H:%M:%S GMT").to_string());
    if let Some(Ok(value)) = text.map(|text| HeaderValue::from_str(&text)) {
        response.headers_mut().insert(UPLOAD_EXPIRES, value);
    }
}

fn refused(status: &Status, parts: &Parts) -> Response {
    of_tus(problem(status, &ProblemContext::of(parts)))
}

fn bad(header: &HeaderName, en: &str, zh: &str) -> Refusal {
    Refusal::field(header.as_str(), "BAD_FORMAT", en, zh)
}

fn number(parts: &Parts, header: &HeaderName) -> Result<u64, Refusal> {
    let text = parts.headers.get(header).and_then(|value| value.to_str().ok());
    text.and_then(|text| text.parse().ok()).ok_or_else(|| bad(header, "a number of bytes is needed", "请给出字节数"))
}

/// Where a piece begins, and what its bytes should have.
fn piece(parts: &Parts) -> Result<(u64, Option<Checksum>), Refusal> {
    if parts.headers.get(CONTENT_TYPE).is_none_or(|kind| kind.as_bytes() != PIECE.as_bytes()) {
        return Err(Refusal::new(
            Reason::UnsupportedMediaType,
            format!("a piece of an upload is {PIECE}"),
            format!("上传内容的类型应为 {PIECE}"),
        ));
    }
    let offset = number(parts, &UPLOAD_OFFSET)?;
    let Some(value) = parts.headers.get(UPLOAD_CHECKSUM) else { return Ok((offset, None)) };
    let read = || {
        let (kind, value) = value.to_str().ok()?.split_once(' ')?;
        let kind = match kind {
            "sha1" => ChecksumKind::Sha1,
            "sha256" => ChecksumKind::Sha256,
            _ => return None,
        };
        Some(Checksum { kind, value: STANDARD.decode(value.trim()).ok()? })
    };
    let en = "a checksum is `sha1` or `sha256`, a space, and its value in base64";
    let checksum = read().ok_or_else(|| bad(&UPLOAD_CHECKSUM, en, "校验值应为 sha1 或 sha256、空格及 base64 值"))?;
    Ok((offset, Some(checksum)))
}

/// What `Upload-Length` and `Upload-Metadata` say of a new attachment. A client that knows nothing of warranty
/// says `filename` and `filetype` only.
fn asked(parts: &Parts) -> Result<v1::CreateAttachmentRequest, Refusal> {
    let size = number(parts, &UPLOAD_LENGTH)?;
    let en = "metadata is `key base64` pairs with commas between them";
    let unreadable = || bad(&UPLOAD_METADATA, en, "元数据应为以逗号分隔的 `key base64`");
    let mut said: BTreeMap<&str, String> = BTreeMap::new();
    let text = match parts.headers.get(UPLOAD_METADATA) {
        Some(value) => value.to_str().map_err(|_| unreadable())?,
        None => "",
    };
    for pair in text.split(',').map(str::trim).filter(|pair| !pair.is_empty()) {
        let (key, value) = pair.split_once(' ').unwrap_or((pair, ""));
        let value = STANDARD.decode(value.trim()).ok().and_then(|bytes| String::from_utf8(bytes).ok());
        said.insert(key, value.ok_or_else(unreadable)?);
    }
    let mut take = |key: &str| said.remove(key).unwrap_or_default();
    let declared = take("filetype");
    let category = match take("category").as_str() {
        "" if declared.starts_with("image/") => v1::attachment_category::Code::Photo,
        "" => v1::attachment_category::Code::Other,
        word => v1::attachment_category::Code::from_str_name(word).unwrap_or_default(),
    };
    let taken_time = match take("takenTime").as_str() {
        "" => None,
        text => {
            let time = DateTime::parse_from_rfc3339(text).map_err(|_| unreadable())?;
            Some(time.with_timezone(&Utc).into())
        }
    };
    Ok(v1::CreateAttachmentRequest {
        attachment_id: take("attachmentId"),
        attachment: Some(v1::Attachment {
            category: category.into(),
            station: take("station"),
            claim: take("claim"),
            file_name: take("filename"),
            declared_content_type: declared,
            size_bytes: i64::try_from(size).unwrap_or(i64::MAX),
            sha256: take("sha256"),
            replaces: take("replaces"),
            taken_time,
            ..v1::Attachment::default()
        }),
        ..v1::CreateAttachmentRequest::default()
    })
}
