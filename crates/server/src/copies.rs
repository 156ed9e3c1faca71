//! Copies of attachments' bytes: what a backup of the database leaves out.
//!
//! Bytes never change once they count, so a copy is made piece by piece into the same layout, and what is there
//! already is not copied again. The copy can be used as the folder of a restored server as it is.

use std::path::Path;

use recourse_domain::access::{Actor, job_scope};
use recourse_repository::{Files, Store};
use uuid::Uuid;

use crate::StartError;

/// Attachments that are read with one query.
const BATCH: u32 = 200;

/// What was copied.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Copied {
    /// Complete attachments that there are.
    pub attachments: u64,
    /// Pieces that were not in the copy before.
    pub pieces: u64,
}

/// Copies the bytes of every complete attachment into a folder. Made after the backup of the database, the copy
/// holds at least what that backup knows.
pub async fn copy(store: &Store, files: &Files, folder: &Path) -> Result<Copied, StartError> {
    let failed = |error: &dyn std::fmt::Display| StartError::new("the attachments could not be copied", error);
    let scope = job_scope(&Actor::job("backup")).map_err(|error| failed(&error))?;
    let target = Files::in_folder(folder);
    let (mut copied, mut after) = (Copied::default(), Uuid::nil());
    loop {
        let batch = store.complete_attachments(&scope, after, BATCH).await.map_err(|error| failed(&error))?;
        let Some(last) = batch.last() else { return Ok(copied) };
        after = last.stored.id;
        for kept in &batch {
            let id = kept.stored.id;
            copied.attachments += 1;
            let present = target.present(id).await.map_err(|error| failed(&error))?;
            let parts = store.attachment_parts(id).await.map_err(|error| failed(&error))?;
            for part in parts.into_iter().filter(|part| !present.contains(&part.object)) {
                files.copy(&target, id, part).await.map_err(|error| failed(&error))?;
                copied.pieces += 1;
            }
        }
    }
}
