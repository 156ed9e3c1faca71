//! Whether the bytes of attachments are those that were sent.

use recourse_domain::access::{self, Actor};
use recourse_repository::{FileError, Files, Store};
use uuid::Uuid;

use super::content;
use crate::convert::attachments as convert_attachments;
use crate::error::{Answer, Refusal};

/// Attachments that are read with one query.
const BATCH: u32 = 200;

/// What the verification of files found.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct FilesReport {
    /// Attachments whose bytes were hashed again.
    pub attachments: u64,
    /// Bytes of them.
    pub bytes: u64,
    /// What is wrong.
    pub faults: Vec<String>,
}

/// Hashes the bytes of every complete attachment again, while others use the store.
pub async fn verify_files(store: &Store, files: &Files) -> Answer<FilesReport> {
    let scope = access::job_scope(&Actor::job("verify")).map_err(Refusal::from)?;
    let mut report = FilesReport::default();
    let mut after = Uuid::nil();
    loop {
        let batch = store.complete_attachments(&scope, after, BATCH).await?;
        let Some(last) = batch.last() else { return Ok(report) };
        after = last.stored.id;
        for kept in &batch {
            let (id, attachment) = (kept.stored.id, &kept.stored.value);
            let Some(content) = attachment.content() else { continue };
            report.attachments += 1;
            report.bytes += attachment.size;
            let name = convert_attachments::name(id);
            let parts = store.attachment_parts(id).await?;
            match content::digest(files, id, parts).await {
                Ok(read) if read.size == attachment.size && read.hash == content.hash => {}
                Ok(read) => report.faults.push(format!(
                    "{name}: {} bytes with the SHA-256 {}, not {} with {}",
                    read.size, read.hash, attachment.size, content.hash
                )),
                Err(FileError::Missing(what)) => report.faults.push(format!("{name}: its bytes are missing ({what})")),
                Err(error) => return Err(error.into()),
            }
        }
    }
}
