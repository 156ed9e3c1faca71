//! The way back: bytes to those who may read what they prove.

use std::pin::Pin;

use bytes::{Bytes, BytesMut};
use futures::{Stream, StreamExt, TryStreamExt, stream};
use http::{Extensions, HeaderMap};
use recourse_domain::attachments::{Attachment, ContentType, Hash, Sharing, without_metadata};
use recourse_proto::v1::error_reason::Code as Reason;
use recourse_proto::{Method, v1};
use recourse_repository::{FileError, Files, Part};
use sha2::{Digest, Sha256};
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
    /// The hash of what is sent: of a copy another one than the original's.
    pub sha256: String,
    /// Whether it is a copy without the metadata of the original.
    pub metadata_removed: bool,
    id: Uuid,
    source: Source,
}

/// Where the bytes come from.
#[derive(Debug)]
enum Source {
    /// The pieces of the original.
    Pieces(Vec<Part>, Files),
    /// A copy, in memory.
    Copy(Bytes),
}

impl Download {
    /// The bytes from `from` to before `to`, as they are read.
    pub fn read(&self, from: u64, to: u64) -> impl Stream<Item = Result<Bytes, FileError>> + Send + use<> {
        match &self.source {
            Source::Pieces(parts, files) => files.read(self.id, parts.clone(), from, to).left_stream(),
            Source::Copy(copy) => {
                let place = |at: u64| usize::try_from(at).unwrap_or(usize::MAX).min(copy.len());
                let piece = copy.slice(place(from)..place(to).max(place(from)));
                stream::iter((!piece.is_empty()).then_some(Ok(piece))).right_stream()
            }
        }
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
    let parts = store.attachment_parts(id).await?;
    let mut download = Download {
        attachment: shown(call, &kept)?,
        content_type: content.content_type,
        size: kept.stored.value.size,
        sha256: content.hash.to_string(),
        metadata_removed: false,
        id,
        source: Source::Pieces(parts, call.inner.attachments.files.clone()),
    };
    if third_party(call, &kept.stored.value)? {
        copy(call, name, &mut download).await?;
    }
    Ok(download)
}

/// Whether somebody asks who is neither of the manufacturer nor of the owner: the scope has let them as far as what
/// is shared with them.
fn third_party(call: &Call, attachment: &Attachment) -> Answer<bool> {
    let actor = call.actor()?;
    Ok(!actor.is_oem() && !actor.orgs.contains(&attachment.station))
}

/// Puts a copy without metadata in the place of an image. It is made for every download: the original stays the only
/// thing that is kept.
async fn copy(call: &Call, name: &str, download: &mut Download) -> Answer<()> {
    match download.content_type.sharing() {
        Sharing::AsItIs => return Ok(()),
        // Out of reach already; whoever came so far by a scope that does not know it gets nothing all the same.
        Sharing::Withheld => return Err(Refusal::not_found(name)),
        Sharing::WithoutMetadata => {}
    }
    // One image at a time is in memory, and one more for its copy.
    let _place = call.inner.copies.acquire().await.map_err(|_| Refusal::fault("the places for copies are closed"))?;
    let mut original = BytesMut::with_capacity(usize::try_from(download.size).unwrap_or_default());
    let mut pieces = std::pin::pin!(download.read(0, download.size));
    while let Some(piece) = pieces.try_next().await? {
        original.extend_from_slice(&piece);
    }
    let content_type = download.content_type;
    let copied = tokio::task::spawn_blocking(move || without_metadata(content_type, &original)).await;
    let copied = copied.map_err(|error| Refusal::fault(format!("the copy of {name}: {error}")))?;
    let Some(copied) = copied else {
        return Err(Refusal::new(
            Reason::ContentRefused,
            "the image can't be shared: its container is not as it should be, so what it tells of people can't be left out",
            "该图片无法共享：文件结构异常，无法去除其中的个人信息",
        )
        .with("resource", name));
    };
    download.size = copied.len() as u64;
    download.sha256 = Hash::of_digest(Sha256::digest(&copied).as_slice()).to_string();
    download.metadata_removed = true;
    download.source = Source::Copy(copied.into());
    Ok(())
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
        Ok(v1::DownloadAttachmentResponse { attachment: None, content, metadata_removed: false })
    });
    let metadata_removed = download.metadata_removed;
    let attachment = Some(download.attachment);
    let first = v1::DownloadAttachmentResponse { attachment, content: Vec::new(), metadata_removed };
    Ok(Box::pin(stream::once(async { Ok(first) }).chain(bytes)))
}
