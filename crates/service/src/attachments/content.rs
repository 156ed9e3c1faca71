//! The end of an upload: all bytes are read once more, for their hash and for what they are.

use aws_lc_rs::digest::{Context, SHA256};
use futures::TryStreamExt;
use recourse_domain::access::Permit;
use recourse_domain::attachments::{HEAD_BYTES, Hash, Received, Refused};
use recourse_proto::v1::error_reason::Code as Reason;
use recourse_repository::{FileError, Files, KeptAttachment, Part, StoreError, Tx};
use uuid::Uuid;

use super::upload::elsewhere;
use super::{COLLECTION, leave, refused_step, saved};
use crate::context::Call;
use crate::convert::attachments as convert_attachments;
use crate::error::{Answer, Refusal};

/// What some pieces hold together: their beginning, their number of bytes and their hash.
pub(super) struct Read {
    head: Vec<u8>,
    pub(super) size: u64,
    pub(super) hash: Hash,
}

/// Reads all pieces of an attachment, a few bytes at a time.
pub(super) async fn digest(files: &Files, id: Uuid, parts: Vec<Part>) -> Result<Read, FileError> {
    let mut hash = Context::new(&SHA256);
    let (mut head, mut size) = (Vec::new(), 0_u64);
    let mut pieces = std::pin::pin!(files.read(id, parts, 0, u64::MAX));
    while let Some(piece) = pieces.try_next().await? {
        hash.update(&piece);
        size += piece.len() as u64;
        let room = HEAD_BYTES.saturating_sub(head.len()).min(piece.len());
        head.extend_from_slice(&piece[..room]);
    }
    Ok(Read { head, size, hash: Hash::of_digest(hash.finish().as_ref()) })
}

/// Completes an attachment whose bytes are all there. If they are not what they should be, nothing of them is
/// kept, and the upload may begin anew.
pub(super) async fn finish(call: &Call, kept: &KeptAttachment) -> Answer<KeptAttachment> {
    let (id, files) = (kept.stored.id, &call.inner.attachments.files);
    let parts = call.inner.store.attachment_parts(id).await?;
    let found = match digest(files, id, parts).await {
        Ok(found) => found,
        // Rows of a backup whose files were not copied: what is not there can only be sent again.
        Err(FileError::Missing(_)) => return Err(begin_anew(call, kept).await?),
        Err(error) => return Err(error.into()),
    };
    let received = Received { head: &found.head, size: found.size, hash: found.hash };
    let bounds = call.inner.attachments.bounds;
    let received = &received;
    let name = convert_attachments::name(id);
    let done = call
        .run(
            false,
            |tx| {
                let name = name.clone();
                Box::pin(async move {
                    let scope = call.everything()?;
                    let kept = tx.attachment(&scope, id).await?.ok_or_else(|| Refusal::not_found(&name))?;
                    if kept.stored.value.content().is_some() {
                        return Ok((name, Ok(kept)));
                    }
                    let permit = leave(call, &kept.stored.value)?;
                    let complete = match kept.stored.value.clone().complete(received, bounds, call.now) {
                        Ok(complete) => complete,
                        Err(Refused::Step(error)) => return Err(refused_step(&name, error)),
                        Err(Refused::Content(fault)) => {
                            let parts = tx.forget_parts(&permit, id).await?;
                            return Ok((name, Err((fault, parts))));
                        }
                    };
                    let changed = ["state", "content_type", "sha256", "complete_time"];
                    let replaces = complete.replaces;
                    let kept = saved(tx, call, &permit, &kept, complete, "complete", &changed).await?;
                    if let Some(key) = replaces {
                        take_place(tx, call, &permit, key, id).await?;
                    }
                    Ok((name, Ok(kept)))
                })
            },
            |_| Box::pin(async { Err(Refusal::fault("the end of an upload has no key")) }),
        )
        .await?;
    match done {
        Ok(kept) => {
            remove_strays(call, id).await;
            Ok(kept)
        }
        Err((fault, parts)) => {
            files.remove(id, parts.into_iter().map(|part| part.object)).await?;
            let text = fault.text();
            Err(Refusal::new(Reason::ContentRefused, text.en, text.zh_cn)
                .with("resource", format!("{COLLECTION}/{id}"))
                .with("rule", fault.rule()))
        }
    }
}

/// Lets an upload begin anew; answers what its sender is told.
async fn begin_anew(call: &Call, kept: &KeptAttachment) -> Answer<Refusal> {
    let (id, permit) = (kept.stored.id, leave(call, &kept.stored.value)?);
    let permit = &permit;
    let forgotten: Result<Vec<Part>, StoreError> =
        call.inner.store.run(|tx| Box::pin(tx.forget_parts(permit, id))).await;
    call.inner.attachments.files.remove(id, forgotten?.into_iter().map(|part| part.object)).await?;
    Ok(elsewhere(kept, 0))
}

/// The older attachment says who took its place, if nobody has before.
async fn take_place(tx: &mut Tx<'_>, call: &Call, permit: &Permit, older: Uuid, newer: Uuid) -> Answer<()> {
    let Some(before) = tx.attachment(&call.everything()?, older).await? else { return Ok(()) };
    if let Ok(after) = before.stored.value.clone().replaced(newer) {
        saved(tx, call, permit, &before, after, "replace", &["replaced_by"]).await?;
    }
    Ok(())
}

/// Removes objects that no piece names: a server that dies between an object and its row leaves one behind.
async fn remove_strays(call: &Call, id: Uuid) {
    let files = &call.inner.attachments.files;
    let removed = async {
        let known: Vec<Uuid> =
            call.inner.store.attachment_parts(id).await?.into_iter().map(|part| part.object).collect();
        let present = files.present(id).await?;
        files.remove(id, present.into_iter().filter(|object| !known.contains(object))).await?;
        Ok::<_, Refusal>(())
    };
    if let Err(refusal) = removed.await {
        // They cost room and nothing else.
        tracing::warn!(attachment = %id, reason = refusal.text.en, "strays of an upload could not be removed");
    }
}
