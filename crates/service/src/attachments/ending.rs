//! Uploads that end by themselves: those whose bytes are all there when their server died, and those that
//! nobody went on with.

use recourse_domain::attachments::State;
use recourse_proto::Method;
use recourse_repository::KeptAttachment;
use uuid::Uuid;

use super::upload::Held;
use super::{content, leave, refused_step, saved};
use crate::api::Api;
use crate::context::Call;
use crate::convert::attachments as convert_attachments;
use crate::error::{Answer, Refusal};

/// Uploads that are ended in one go.
const BATCH: u32 = 100;
/// Seconds for which an upload whose bytes are all there is left to whoever sent them.
const LEFT_ALONE: i64 = 60;

impl Api {
    /// Ends uploads that nobody ends; answers how many.
    pub async fn end_uploads(&self) -> Answer<u32> {
        let job = || Call::job(&self.inner, "attachment-uploads", Method::AttachmentServiceGetAttachment);
        let now = job().now;
        let idle = now - chrono::TimeDelta::seconds(LEFT_ALONE);
        let mut ended = 0;
        for id in self.inner.store.uploads_to_end(now, idle, BATCH).await? {
            match end(&job(), id).await {
                Ok(()) => ended += 1,
                // Gone on with in this very moment, or refused for its content: then it may begin anew.
                Err(refusal) => tracing::info!(attachment = %id, reason = refusal.text.en, "the upload did not end"),
            }
        }
        Ok(ended)
    }
}

async fn end(call: &Call, id: Uuid) -> Answer<()> {
    let name = convert_attachments::name(id);
    let _held = Held::take(&call.inner, id).ok_or_else(|| Refusal::stale(&name))?;
    let kept = call.inner.store.attachment(call.scope()?, id).await?.ok_or_else(|| Refusal::not_found(&name))?;
    let is_whole = kept.upload.is_some_and(|upload| upload.received == kept.stored.value.size);
    match kept.stored.value.state {
        State::Awaiting if is_whole => content::finish(call, &kept).await.map(|_| ()),
        State::Awaiting => abandon(call, &kept, "expire").await,
        State::Complete { .. } | State::Abandoned { .. } => Ok(()),
    }
}

/// Gives an upload up: what came of it is removed, what is known of it stays.
pub(super) async fn abandon(call: &Call, kept: &KeptAttachment, verb: &'static str) -> Answer<()> {
    let (id, name) = (kept.stored.id, convert_attachments::name(kept.stored.id));
    call.run(
        false,
        |tx| {
            let name = name.clone();
            Box::pin(async move {
                let scope = call.everything()?;
                let kept = tx.attachment(&scope, id).await?.ok_or_else(|| Refusal::not_found(&name))?;
                let permit = leave(call, &kept.stored.value)?;
                let given_up =
                    kept.stored.value.clone().abandon(call.now).map_err(|error| refused_step(&name, error))?;
                tx.forget_parts(&permit, id).await?;
                saved(tx, call, &permit, &kept, given_up, verb, &["state"]).await?;
                Ok((name, ()))
            })
        },
        |_| Box::pin(async { Ok(()) }),
    )
    .await?;
    let files = &call.inner.attachments.files;
    let left = files.present(id).await?;
    Ok(files.remove(id, left).await?)
}
