//! `[attachments]`: where the bytes of attachments are kept, and what may be sent.

use std::path::{Path, PathBuf};
use std::time::Duration;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Where attachments are, and how large they may be.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct AttachmentsSection {
    /// `folder`: a folder of this machine, or one that all servers share. `s3`: a store that speaks S3; it needs
    /// a binary built with `--features s3`.
    pub store: FileStore,
    /// The folder. Left out: beside the database, `recourse-attachments` for `recourse.db`.
    pub folder: Option<PathBuf>,
    /// The bucket of an S3 store.
    pub s3_bucket: Option<String>,
    /// The region of an S3 store.
    pub s3_region: String,
    /// The address of an S3 store that is not Amazon's: `https://minio.example.com`.
    pub s3_endpoint: Option<String>,
    /// Who asks an S3 store. Without it the usual variables of the environment (`AWS_…`) say.
    pub s3_access_key_id: Option<String>,
    /// The secret of whoever asks an S3 store; better kept in the environment than in a file.
    #[schemars(extend("x-secret" = true))]
    pub s3_secret_access_key: Option<String>,
    /// Most bytes of one attachment.
    pub max_bytes: u64,
    /// Most pixels of one image: a small file can hold an image that takes all memory to show.
    pub max_pixels: u64,
    /// Most bytes that the unfinished uploads of one station may ask for together.
    pub max_unfinished_bytes: u64,
    /// Most bytes that the attachments of one organisation may have together: of a station, a supplier, an appraiser,
    /// and of the manufacturer.
    pub max_bytes_per_owner: u64,
    /// How long an upload waits for its next bytes before it is given up.
    #[serde(with = "humantime_serde")]
    #[schemars(with = "String")]
    pub keep_unfinished: Duration,
}

/// What keeps the bytes of attachments.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum FileStore {
    /// A folder.
    Folder,
    /// A store that speaks S3.
    S3,
}

impl Default for AttachmentsSection {
    fn default() -> Self {
        Self {
            store: FileStore::Folder,
            folder: None,
            s3_bucket: None,
            s3_region: "us-east-1".to_owned(),
            s3_endpoint: None,
            s3_access_key_id: None,
            s3_secret_access_key: None,
            max_bytes: 64 * 1024 * 1024,
            max_pixels: 100_000_000,
            max_unfinished_bytes: 4 * 1024 * 1024 * 1024,
            max_bytes_per_owner: 1024 * 1024 * 1024 * 1024,
            keep_unfinished: Duration::from_secs(7 * 24 * 60 * 60),
        }
    }
}

impl AttachmentsSection {
    /// What can't be meant.
    pub(super) fn fault(&self) -> Option<String> {
        let most = i64::MAX.unsigned_abs();
        if self.max_bytes == 0 || self.max_pixels == 0 || self.max_unfinished_bytes.max(self.max_bytes_per_owner) > most
        {
            return Some("attachments: max_bytes and max_pixels must be at least 1".to_owned());
        }
        if self.max_unfinished_bytes < self.max_bytes {
            return Some("attachments.max_unfinished_bytes must hold at least one attachment of max_bytes".to_owned());
        }
        if self.max_bytes_per_owner < self.max_bytes {
            return Some("attachments.max_bytes_per_owner must hold at least one attachment of max_bytes".to_owned());
        }
        match self.store {
            FileStore::S3 if !cfg!(feature = "s3") => {
                Some("attachments.store: this binary was built without `--features s3`".to_owned())
            }
            FileStore::S3 if self.s3_bucket.is_none() => Some("attachments.s3_bucket: which bucket?".to_owned()),
            FileStore::Folder | FileStore::S3 => None,
        }
    }

    /// The folder, beside the file of an embedded database unless it is said.
    pub(crate) fn folder(&self, database_file: Option<&Path>) -> PathBuf {
        if let Some(folder) = &self.folder {
            return folder.clone();
        }
        match database_file {
            Some(file) => {
                let stem = file.file_stem().map_or_else(|| "recourse".into(), |stem| stem.to_string_lossy());
                file.with_file_name(format!("{stem}-attachments"))
            }
            None => PathBuf::from("recourse-attachments"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn attachments_are_beside_the_database_unless_said() {
        let section = AttachmentsSection::default();
        let at = |file: &str| section.folder(Some(Path::new(file)));
        assert_eq!(at("recourse.db"), PathBuf::from("recourse-attachments"));
        assert_eq!(at("/var/lib/recourse/demo.db"), PathBuf::from("/var/lib/recourse/demo-attachments"));
        assert_eq!(section.folder(None), PathBuf::from("recourse-attachments"));
        let said = AttachmentsSection { folder: Some("/srv/files".into()), ..section };
        assert_eq!(said.folder(Some(Path::new("recourse.db"))), PathBuf::from("/srv/files"));
    }

    #[test]
    fn what_can_not_be_meant_is_refused() {
        let fault = |section: AttachmentsSection| section.fault().is_some();
        let usual = AttachmentsSection::default;
        assert!(!fault(usual()));
        assert!(fault(AttachmentsSection { max_bytes: 0, ..usual() }));
        assert!(fault(AttachmentsSection { max_pixels: 0, ..usual() }));
        assert!(fault(AttachmentsSection { max_unfinished_bytes: 1, ..usual() }));
        assert!(fault(AttachmentsSection { max_bytes_per_owner: 1, ..usual() }));
        assert!(fault(AttachmentsSection { store: FileStore::S3, ..usual() }), "no bucket, or no feature");
    }
}
