//! The way back: bytes to those who may read what they prove.

use std::pin::Pin;

use futures::{Stream, StreamExt, stream};
use http::{Extensions, HeaderMap};
use recourse_domain::attachments::ContentType;
use recourse_proto::{Method, v1};
use recourse_repository::{FileError, Files, Part};
use tonic::Status;
use tonic::metadata::MetadataMap;
use uuid::Uuid;

use super::{COLLECTION, shown};
use crate::api::Api;
use crate::context::Call;
use crate::convert::names;
use crate::error::{Answer, Refusal};

/// An attachment whose bytes may be read.
#[derive(Debug)]
pub struct Download {
    /// What it is, as the caller may see it.
    pub attachment: v1::Attachment,
    /// What its bytes turned out to be.
    pub content_type: ContentType,
    /// How many there are.
    pub size: u64,
    id: Uuid,
    parts: Vec<Part>,
    files: Files,
}

impl Download {
    /// The bytes from `from` to before `to`, as they are read.
    pub fn read(&self, from: u64, to: u64) -> impl Stream<Item = Result<bytes::Bytes, FileError>> + Send + use<> {
        self.files.read(self.id, self.parts.clone(), from, to)
    }
}

impl Api {
    /// The attachment that a request asks for the bytes of, after admission.
    pub async fn download(&self, headers: &HeaderMap, extensions: &Extensions, id: &str) -> Result<Download, Status> {
        let metadata = MetadataMap::from_headers(headers.clone());
        let call = Call::begin(&self.inner, Method::AttachmentServiceDownloadAttachment, &metadata, extensions)?;
        Ok(call.answer(open(&call, &format!("{COLLECTION}/{id}")).await)?.into_inner())
    }
}

async fn open(call: &Call, name: &str) -> Answer<Download> {
    let id = names::uuid_in(name, COLLECTION)?;
    let store = &call.inner.store;
    let kept = store.attachment(call.scope()?, id).await?.ok_or_else(|| Refusal::not_found(name))?;
    let Some(content) = kept.stored.value.content() else {
        return Err(Refusal::state_conflict(name, kept.stored.value.state.word(), "download"));
    };
    Ok(Download {
        attachment: shown(call, &kept)?,
        content_type: content.content_type,
        size: kept.stored.value.size,
        id,
        parts: store.attachment_parts(id).await?,
        files: call.inner.attachments.files.clone(),
    })
}

type Pieces = Pin<Box<dyn Stream<Item = Result<v1::DownloadAttachmentResponse, Status>> + Send>>;

/// The bytes as messages; the first says what they are.
pub(super) async fn pieces(call: &Call, request: &v1::DownloadAttachmentRequest) -> Answer<Pieces> {
    let download = open(call, &request.name).await?;
    let from = u64::try_from(request.offset).unwrap_or_default();
    if from > download.size {
        return Err(Refusal::field(
            "offset",
            "OUT_OF_RANGE",
            format!("the attachment has {} bytes", download.size),
            format!("该附件共 {} 字节", download.size),
        ));
    }
    let lang = call.lang;
    let bytes = download.read(from, download.size).map(move |piece| {
        let content = piece.map_err(|error| Refusal::from(error).status(lang))?.to_vec();
        Ok(v1::DownloadAttachmentResponse { attachment: None, content })
    });
    let first = v1::DownloadAttachmentResponse { attachment: Some(download.attachment), content: Vec::new() };
    Ok(Box::pin(stream::once(async { Ok(first) }).chain(bytes)))
}
