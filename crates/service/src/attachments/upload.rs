//! The bytes of an attachment on their way in: piece by piece, each durable before it counts, never more of
//! them held than one piece. What a broken line leaves is what the next attempt goes on from.

use std::collections::HashSet;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use aws_lc_rs::digest::{Context, SHA1_FOR_LEGACY_USE_ONLY, SHA256};
use bytes::{Bytes, BytesMut};
use chrono::{DateTime, Utc};
use futures::{Stream, StreamExt, stream};
use http::{Extensions, HeaderMap};
use recourse_domain::access::Permit;
use recourse_proto::v1::error_reason::Code as Reason;
use recourse_proto::{Method, v1};
use recourse_repository::{KeptAttachment, Part, StoreError};
use tokio::time::timeout;
use tonic::metadata::MetadataMap;
use tonic::{Status, Streaming};
use uuid::Uuid;

use super::{COLLECTION, content, ending, leave, refused_step, shown};
use crate::api::{Api, Inner};
use crate::context::Call;
use crate::convert::{attachments as convert_attachments, names};
use crate::error::{Answer, Refusal};

/// Bytes that are gathered before they are put: what an upload holds of memory, and loses when its server dies.
const PIECE_BYTES: usize = 1 << 20;
/// Pieces of one attachment: who sends drops is asked to begin anew.
const MOST_PIECES: usize = 5_000;
/// How long a stream of gRPC may be silent.
const PATIENCE: Duration = Duration::from_secs(60);

/// How far an upload is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Progress {
    /// The key of the attachment.
    pub id: Uuid,
    /// Bytes that are durable.
    pub offset: u64,
    /// Bytes that are awaited in all.
    pub size: u64,
    /// Until when it may be gone on with; none once all of them are there.
    pub expire_time: Option<DateTime<Utc>>,
}

/// How a checksum is computed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ChecksumKind {
    /// SHA-1, which tus asks every server to know.
    Sha1,
    /// SHA-256.
    Sha256,
}

/// What the bytes of one request should have.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Checksum {
    /// How it is computed.
    pub kind: ChecksumKind,
    /// What it is.
    pub value: Vec<u8>,
}

/// Uploads that somebody of this process sends bytes of at this moment.
#[derive(Debug, Default)]
pub(crate) struct Busy(Mutex<HashSet<Uuid>>);

/// The hold on one upload: of two writers one is turned away. Writers at two servers meet at the row.
pub(super) struct Held {
    inner: Arc<Inner>,
    id: Uuid,
}

impl Held {
    /// Takes an upload, unless somebody has it.
    pub(super) fn take(inner: &Arc<Inner>, id: Uuid) -> Option<Self> {
        let mut busy = inner.uploads.0.lock().unwrap_or_else(PoisonError::into_inner);
        busy.insert(id).then(|| Self { inner: Arc::clone(inner), id })
    }
}

impl Drop for Held {
    fn drop(&mut self) {
        self.inner.uploads.0.lock().unwrap_or_else(PoisonError::into_inner).remove(&self.id);
    }
}

impl Api {
    /// How far an upload is. One whose bytes are all there is completed, if its server died before it did.
    pub async fn upload_progress(
        &self,
        headers: &HeaderMap,
        extensions: &Extensions,
        id: &str,
    ) -> Result<Progress, Status> {
        let call = self.uploading(headers, extensions)?;
        Ok(call.answer(progress(&call, id).await)?.into_inner())
    }

    /// Adds bytes to an upload, from where it stands.
    pub async fn append_upload(
        &self,
        headers: &HeaderMap,
        extensions: &Extensions,
        id: &str,
        offset: u64,
        checksum: Option<Checksum>,
        body: impl Stream<Item = Result<Bytes, String>> + Send + Unpin + 'static,
    ) -> Result<Progress, Status> {
        let call = self.uploading(headers, extensions)?;
        let body = body.map(|piece| piece.map_err(|why| broken(&why)));
        let added = append(&call, id, offset, checksum, body).await;
        Ok(call.answer(added)?.into_inner())
    }

    /// Gives an unfinished upload up.
    pub async fn end_upload(&self, headers: &HeaderMap, extensions: &Extensions, id: &str) -> Result<(), Status> {
        let call = self.uploading(headers, extensions)?;
        let ended = async {
            let kept = found(&call, id).await?;
            let _held = Held::take(&call.inner, kept.stored.id).ok_or_else(|| busy(&kept))?;
            ending::abandon(&call, &kept, "abandon").await
        };
        call.answer(ended.await).map(|_| ())
    }

    /// Most bytes of one attachment.
    pub fn most_upload_bytes(&self) -> u64 {
        self.inner.attachments.bounds.bytes
    }

    fn uploading(&self, headers: &HeaderMap, extensions: &Extensions) -> Result<Arc<Call>, Status> {
        let metadata = MetadataMap::from_headers(headers.clone());
        Ok(Arc::new(Call::begin(&self.inner, Method::AttachmentServiceUploadAttachment, &metadata, extensions)?))
    }
}

/// Takes the bytes of a gRPC stream, whose first message says of what they are and where they begin.
pub(super) async fn stream(
    call: &Arc<Call>,
    mut pieces: Streaming<v1::UploadAttachmentRequest>,
) -> Answer<v1::Attachment> {
    let first = match timeout(PATIENCE, pieces.message()).await {
        Ok(Ok(first)) => first.unwrap_or_default(),
        Ok(Err(status)) => return Err(unread(&status)),
        Err(_) => return Err(broken("no piece came")),
    };
    let id = names::id_in(&first.name, COLLECTION)?.to_owned();
    let Ok(offset) = u64::try_from(first.offset) else {
        return Err(Refusal::field("offset", "OUT_OF_RANGE", "an offset is not below zero", "offset 不能为负数"));
    };
    let rest = stream::unfold(pieces, |mut pieces| async move {
        let next = match timeout(PATIENCE, pieces.message()).await {
            Ok(Ok(next)) => Ok(Bytes::from(next?.content)),
            Ok(Err(status)) => Err(unread(&status)),
            Err(_) => Err(broken("no piece came")),
        };
        Some((next, pieces))
    });
    let body = stream::once(async move { Ok(Bytes::from(first.content)) }).chain(rest);
    append(call, &id, offset, None, Box::pin(body)).await?;
    shown(call, &found(call, &id).await?)
}

async fn found(call: &Call, id: &str) -> Answer<KeptAttachment> {
    let name = format!("{COLLECTION}/{id}");
    let key = names::uuid_in(&name, COLLECTION)?;
    let kept = call.inner.store.attachment(call.scope()?, key).await?.ok_or_else(|| Refusal::not_found(&name))?;
    leave(call, &kept.stored.value)?;
    Ok(kept)
}

async fn progress(call: &Call, id: &str) -> Answer<Progress> {
    let kept = found(call, id).await?;
    let all_there = kept.upload.is_some_and(|upload| upload.received == kept.stored.value.size);
    if !all_there {
        return told(&kept);
    }
    let Some(_held) = Held::take(&call.inner, kept.stored.id) else { return told(&kept) };
    match content::finish(call, &kept).await {
        Ok(kept) => told(&kept),
        // It begins anew, which the answer tells.
        Err(refusal) if matches!(refusal.reason, Reason::ContentRefused | Reason::UploadOffsetConflict) => {
            told(&found(call, id).await?)
        }
        Err(refusal) => Err(refusal),
    }
}

fn told(kept: &KeptAttachment) -> Answer<Progress> {
    let (id, size) = (kept.stored.id, kept.stored.value.size);
    match (&kept.upload, kept.stored.value.content()) {
        (_, Some(_)) => Ok(Progress { id, offset: size, size, expire_time: None }),
        (Some(upload), None) => {
            Ok(Progress { id, offset: upload.received, size, expire_time: Some(upload.expire_time) })
        }
        // Given up: there is nothing to go on with.
        (None, None) => Err(Refusal::not_found(&convert_attachments::name(id))),
    }
}

async fn append(
    call: &Arc<Call>,
    id: &str,
    offset: u64,
    checksum: Option<Checksum>,
    body: impl Stream<Item = Answer<Bytes>> + Send + Unpin + 'static,
) -> Answer<Progress> {
    let kept = found(call, id).await?;
    let name = convert_attachments::name(kept.stored.id);
    kept.stored.value.expects_bytes().map_err(|error| refused_step(&name, error))?;
    let held = Held::take(&call.inner, kept.stored.id).ok_or_else(|| busy(&kept))?;
    // Read again: whoever had it before may have moved it.
    let kept = found(call, id).await?;
    let received = kept.upload.map_or(0, |upload| upload.received);
    if offset != received {
        return Err(elsewhere(&kept, received));
    }
    if call.inner.store.attachment_parts(kept.stored.id).await?.len() >= MOST_PIECES {
        return Err(too_many_pieces(&kept));
    }
    let permit = leave(call, &kept.stored.value)?;
    let size = kept.stored.value.size;
    let digest = checksum.as_ref().map(|checksum| match checksum.kind {
        ChecksumKind::Sha1 => Context::new(&SHA1_FOR_LEGACY_USE_ONLY),
        ChecksumKind::Sha256 => Context::new(&SHA256),
    });
    let writer = Writer {
        call: Arc::clone(call),
        permit,
        kept,
        size,
        at: offset,
        durable: offset,
        buffer: BytesMut::new(),
        waiting: Vec::new(),
        checksum,
        digest,
    };
    // A sender who is gone takes the call away; what came is still made durable.
    let writing = tokio::spawn(async move {
        let written = writer.write(body).await;
        drop(held);
        written
    });
    writing.await.map_err(|error| Refusal::fault(format!("an upload: {error}")))?
}

/// Puts the bytes of one request where they belong.
struct Writer {
    call: Arc<Call>,
    permit: Permit,
    kept: KeptAttachment,
    size: u64,
    /// Where the next byte stands.
    at: u64,
    /// Up to where rows say that bytes are durable.
    durable: u64,
    buffer: BytesMut,
    /// Pieces that were put but count only if the checksum is right.
    waiting: Vec<Part>,
    checksum: Option<Checksum>,
    digest: Option<Context>,
}

impl Writer {
    async fn write(mut self, mut body: impl Stream<Item = Answer<Bytes>> + Send + Unpin) -> Answer<Progress> {
        let mut cut = None;
        while let Some(next) = body.next().await {
            let bytes = match next {
                Ok(bytes) => bytes,
                Err(refusal) => {
                    cut = Some(refusal);
                    break;
                }
            };
            if self.at + bytes.len() as u64 > self.size {
                cut = Some(too_many(self.size));
                break;
            }
            self.at += bytes.len() as u64;
            if let Some(digest) = &mut self.digest {
                digest.update(&bytes);
            }
            self.buffer.extend_from_slice(&bytes);
            while self.buffer.len() >= PIECE_BYTES {
                self.put(PIECE_BYTES).await?;
            }
        }
        if let (Some(checksum), Some(digest)) = (&self.checksum, self.digest.take()) {
            let right = cut.is_none() && digest.finish().as_ref() == checksum.value.as_slice();
            if !right {
                self.discard().await?;
                return Err(cut.unwrap_or_else(|| wrong_checksum(&self.kept)));
            }
        }
        if !self.buffer.is_empty() {
            self.put(self.buffer.len()).await?;
        }
        let waiting = std::mem::take(&mut self.waiting);
        self.count(&waiting).await?;
        if let Some(refusal) = cut {
            return Err(refusal);
        }
        let (id, size) = (self.kept.stored.id, self.size);
        if self.durable < size {
            let expire_time = Some(self.call.now + self.call.inner.attachments.keep_unfinished);
            return Ok(Progress { id, offset: self.durable, size, expire_time });
        }
        content::finish(&self.call, &self.kept).await?;
        Ok(Progress { id, offset: size, size, expire_time: None })
    }

    /// Puts the first bytes of the buffer. They count at once, unless a checksum has still to tell.
    async fn put(&mut self, bytes: usize) -> Answer<()> {
        let piece = self.buffer.split_to(bytes).freeze();
        let start = self.durable + self.waiting.iter().map(|part| part.size).sum::<u64>();
        let part = Part { start, size: piece.len() as u64, object: self.call.new_id() };
        self.call.inner.attachments.files.put(self.kept.stored.id, part.object, piece).await?;
        if self.checksum.is_some() {
            self.waiting.push(part);
            return Ok(());
        }
        self.count(&[part]).await
    }

    /// Lets pieces count.
    async fn count(&mut self, parts: &[Part]) -> Answer<()> {
        if parts.is_empty() {
            return Ok(());
        }
        let (id, from, permit) = (self.kept.stored.id, self.durable, &self.permit);
        let call = &self.call;
        let (now, expires) = (call.inner.clock.now(), call.now + call.inner.attachments.keep_unfinished);
        let counted: Result<u64, StoreError> =
            call.inner.store.run(|tx| Box::pin(tx.add_parts(permit, id, from, parts, now, expires))).await;
        match counted {
            Ok(durable) => {
                self.durable = durable;
                Ok(())
            }
            Err(error) => {
                let objects: Vec<Uuid> = parts.iter().map(|part| part.object).collect();
                call.inner.attachments.files.remove(id, objects).await?;
                match error {
                    StoreError::Stale | StoreError::AlreadyExists { .. } => Err(elsewhere(&self.kept, from)),
                    other => Err(other.into()),
                }
            }
        }
    }

    async fn discard(&mut self) -> Answer<()> {
        let waiting = std::mem::take(&mut self.waiting);
        let (id, files) = (self.kept.stored.id, &self.call.inner.attachments.files);
        Ok(files.remove(id, waiting.into_iter().map(|part| part.object)).await?)
    }
}

fn resource(kept: &KeptAttachment) -> String {
    convert_attachments::name(kept.stored.id)
}

fn busy(kept: &KeptAttachment) -> Refusal {
    Refusal::new(
        Reason::UploadOffsetConflict,
        "somebody else sends bytes of this attachment at this moment; ask for the offset in a while and go on from there",
        "该附件正由其他请求上传；请稍后查询偏移量并从该处继续",
    )
    .with("resource", resource(kept))
    .with("busy", "true")
}

/// The upload stands elsewhere than the piece begins.
pub(super) fn elsewhere(kept: &KeptAttachment, received: u64) -> Refusal {
    Refusal::new(
        Reason::UploadOffsetConflict,
        format!("the upload stands at byte {received}; ask for the offset and go on from there"),
        format!("上传进度为第 {received} 字节；请查询偏移量并从该处继续"),
    )
    .with("resource", resource(kept))
    .with("offset", received.to_string())
}

fn wrong_checksum(kept: &KeptAttachment) -> Refusal {
    Refusal::new(
        Reason::ChecksumMismatch,
        "the piece has another checksum than it should, and nothing of it is kept; send it again",
        "本段内容的校验值不符，未保存；请重新发送",
    )
    .with("resource", resource(kept))
}

fn too_many(size: u64) -> Refusal {
    Refusal::new(
        Reason::BodyTooLarge,
        format!("more bytes came than the {size} that were declared; create another attachment of the right size"),
        format!("收到的内容超过申报的 {size} 字节；请按实际大小重新创建附件"),
    )
}

fn too_many_pieces(kept: &KeptAttachment) -> Refusal {
    Refusal::new(
        Reason::StateConflict,
        "the upload came in too many small pieces; end it, create another, and send larger ones",
        "上传分段过小、过多；请取消后重新创建，并使用更大的分段",
    )
    .with("resource", resource(kept))
}

/// A piece that is no message: its sender has to mend it, and would wait in vain.
fn unread(status: &Status) -> Refusal {
    if status.code() != tonic::Code::InvalidArgument {
        return broken(status.message());
    }
    Refusal::new(
        Reason::InvalidJson,
        format!("a piece can't be read ({}); what came before it is kept", status.message()),
        format!("某段内容无法读取（{}）；此前收到的部分已保存", status.message()),
    )
}

fn broken(why: &str) -> Refusal {
    let mut refusal = Refusal::new(
        Reason::BodyTooSlow,
        "the bytes stopped coming; what came is kept, ask for the offset and go on from there",
        "内容传输中断；已收到的部分已保存，请查询偏移量后继续",
    );
    refusal.metadata.insert("why".to_owned(), why.chars().take(200).collect());
    refusal
}
