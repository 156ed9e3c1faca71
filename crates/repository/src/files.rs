//! The bytes of attachments, behind one interface: a folder of this machine, or a store that speaks S3.
//!
//! An object is called by the keys of its attachment and its piece; no name that anybody chose ever becomes a
//! path. What was put is durable before the call ends, and is never written over.

use std::path::{Path as FilePath, PathBuf};
use std::sync::{Arc, OnceLock};

use bytes::Bytes;
use futures::{Stream, StreamExt, TryStreamExt, stream};
use object_store::local::LocalFileSystem;
use object_store::path::Path;
use object_store::{GetOptions, GetRange, ObjectStore, ObjectStoreExt, PutMode, PutOptions};
use uuid::Uuid;

use crate::attachments::Part;

/// What went wrong with the bytes of an attachment.
#[derive(Clone, Debug, thiserror::Error)]
pub enum FileError {
    /// There is no such object, though there should be one.
    #[error("{0} is missing")]
    Missing(String),
    /// The store of files can't be reached, or has no room.
    #[error("the store of files is unavailable: {0}")]
    Unavailable(String),
}

/// Where the bytes of attachments are.
#[derive(Clone, Debug)]
pub struct Files(Arc<Place>);

#[derive(Debug)]
enum Place {
    /// A folder, made when the first byte comes.
    Folder { path: PathBuf, opened: OnceLock<LocalFileSystem> },
    /// Any other store.
    #[cfg_attr(not(feature = "s3"), expect(dead_code, reason = "made by the feature `s3` only"))]
    Remote(Arc<dyn ObjectStore>),
}

/// How to reach a store that speaks S3.
#[cfg(feature = "s3")]
#[derive(Clone)]
pub struct S3Options {
    /// The bucket.
    pub bucket: String,
    /// Its region.
    pub region: String,
    /// The address, unless it is Amazon's own.
    pub endpoint: Option<String>,
    /// Who asks; without it the environment of the machine says.
    pub access_key_id: Option<String>,
    /// The secret.
    pub secret_access_key: Option<String>,
}

impl Files {
    /// Files in a folder, which only its owner may read.
    pub fn in_folder(path: &FilePath) -> Self {
        Self(Arc::new(Place::Folder { path: path.to_owned(), opened: OnceLock::new() }))
    }

    /// Files in a store that speaks S3.
    #[cfg(feature = "s3")]
    pub fn in_s3(options: S3Options) -> Result<Self, FileError> {
        let S3Options { bucket, region, endpoint, access_key_id, secret_access_key } = options;
        let mut builder = object_store::aws::AmazonS3Builder::from_env().with_bucket_name(bucket).with_region(region);
        if let Some(endpoint) = endpoint {
            builder = builder.with_allow_http(endpoint.starts_with("http://")).with_endpoint(endpoint);
        }
        if let (Some(id), Some(secret)) = (access_key_id, secret_access_key) {
            builder = builder.with_access_key_id(id).with_secret_access_key(secret);
        }
        let store = builder.build().map_err(|error| unavailable(&error))?;
        Ok(Self(Arc::new(Place::Remote(Arc::new(store)))))
    }

    /// The folder, if the files are in one.
    pub fn folder(&self) -> Option<&FilePath> {
        match &*self.0 {
            Place::Folder { path, .. } => Some(path),
            Place::Remote(_) => None,
        }
    }

    /// The store itself; a folder is made if it is not there yet.
    fn store(&self) -> Result<&dyn ObjectStore, FileError> {
        match &*self.0 {
            Place::Remote(store) => Ok(&**store),
            Place::Folder { path, opened } => {
                if let Some(store) = opened.get() {
                    return Ok(store);
                }
                make_private(path)?;
                let store = LocalFileSystem::new_with_prefix(path).map_err(|error| unavailable(&error))?;
                // A piece counts once its row stands, so it must be on the disk before.
                Ok(opened.get_or_init(|| store.with_fsync(true)))
            }
        }
    }

    /// Puts a piece of an attachment's bytes; it is durable when this ends.
    pub async fn put(&self, attachment: Uuid, object: Uuid, bytes: Bytes) -> Result<(), FileError> {
        let options = PutOptions { mode: PutMode::Create, ..PutOptions::default() };
        self.store()?.put_opts(&path(attachment, object), bytes.into(), options).await.map_err(|error| of(&error))?;
        Ok(())
    }

    /// The bytes of an attachment from `from` to before `to`, as they are read: no more of them are held than
    /// one piece of the store's own.
    pub fn read(
        &self,
        attachment: Uuid,
        parts: Vec<Part>,
        from: u64,
        to: u64,
    ) -> impl Stream<Item = Result<Bytes, FileError>> + Send + use<> {
        let files = self.clone();
        let wanted = parts.into_iter().filter_map(move |part| {
            let (begin, end) = (from.max(part.start), to.min(part.start + part.size));
            (begin < end).then(|| (part, begin - part.start..end - part.start))
        });
        stream::iter(wanted)
            .then(move |(part, range)| {
                let files = files.clone();
                async move {
                    let options = GetOptions { range: Some(GetRange::Bounded(range)), ..GetOptions::default() };
                    let found = files.store()?.get_opts(&path(attachment, part.object), options).await;
                    let bytes = found.map_err(|error| of(&error))?.into_stream();
                    Ok::<_, FileError>(bytes.map_err(|error| of(&error)))
                }
            })
            .try_flatten()
    }

    /// Copies a piece to other files.
    pub async fn copy(&self, to: &Files, attachment: Uuid, part: Part) -> Result<(), FileError> {
        let found = self.store()?.get(&path(attachment, part.object)).await.map_err(|error| of(&error))?;
        let bytes = found.bytes().await.map_err(|error| of(&error))?;
        to.put(attachment, part.object, bytes).await
    }

    /// Removes pieces. One that is gone already is removed too.
    pub async fn remove(&self, attachment: Uuid, objects: impl IntoIterator<Item = Uuid>) -> Result<(), FileError> {
        for object in objects {
            match self.store()?.delete(&path(attachment, object)).await.map_err(|error| of(&error)) {
                Ok(()) | Err(FileError::Missing(_)) => {}
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }

    /// The pieces of an attachment that are there: also those that no row knows, left by a crash.
    pub async fn present(&self, attachment: Uuid) -> Result<Vec<Uuid>, FileError> {
        let prefix = Path::from(attachment.to_string());
        let found: Vec<_> =
            self.store()?.list(Some(&prefix)).try_collect().await.map_err(|error: object_store::Error| of(&error))?;
        let keys = found.into_iter().filter_map(|meta| Uuid::parse_str(meta.location.filename()?).ok());
        Ok(keys.collect())
    }
}

fn path(attachment: Uuid, object: Uuid) -> Path {
    Path::from(format!("{attachment}/{object}"))
}

fn make_private(path: &FilePath) -> Result<(), FileError> {
    use std::os::unix::fs::DirBuilderExt;
    let made = std::fs::DirBuilder::new().recursive(true).mode(0o700).create(path);
    made.map_err(|error| FileError::Unavailable(format!("{}: {error}", path.display())))
}

fn unavailable(error: &dyn std::fmt::Display) -> FileError {
    FileError::Unavailable(error.to_string())
}

fn of(error: &object_store::Error) -> FileError {
    // The enum is the library's and grows.
    if let object_store::Error::NotFound { path, .. } = error {
        return FileError::Missing(path.clone());
    }
    unavailable(error)
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    fn id(number: u128) -> Uuid {
        Uuid::from_u128(number)
    }

    async fn all(files: &Files, parts: &[Part], from: u64, to: u64) -> Result<Vec<u8>, FileError> {
        let mut bytes = Vec::new();
        let mut pieces = std::pin::pin!(files.read(id(1), parts.to_vec(), from, to));
        while let Some(piece) = pieces.try_next().await? {
            bytes.extend_from_slice(&piece);
        }
        Ok(bytes)
    }

    /// What holds wherever the bytes are.
    async fn keeps_its_word(files: &Files) {
        files.put(id(1), id(10), Bytes::from_static(b"abcd")).await.unwrap();
        files.put(id(1), id(11), Bytes::from_static(b"efg")).await.unwrap();
        assert!(files.put(id(1), id(10), Bytes::from_static(b"xxxx")).await.is_err());
        let parts = [Part { start: 0, size: 4, object: id(10) }, Part { start: 4, size: 3, object: id(11) }];
        for (from, to, expected) in [
            (0, u64::MAX, "abcdefg"),
            (0, 4, "abcd"),
            (3, 5, "de"),
            (4, 7, "efg"),
            (6, 7, "g"),
            (7, 7, ""),
            (9, 20, ""),
        ] {
            assert_eq!(all(files, &parts, from, to).await.unwrap(), expected.as_bytes(), "{from} to {to}");
        }
        let mut present = files.present(id(1)).await.unwrap();
        present.sort();
        assert_eq!(present, [id(10), id(11)]);
        assert!(files.present(id(2)).await.unwrap().is_empty());
        files.remove(id(1), [id(10), id(99)]).await.unwrap();
        assert!(matches!(all(files, &parts, 0, 7).await, Err(FileError::Missing(_))));
    }

    #[tokio::test]
    async fn a_folder_reads_pieces_as_one_and_writes_none_over() {
        let folder = std::env::temp_dir().join(format!("recourse-files-{}", std::process::id()));
        let files = Files::in_folder(&folder);
        assert!(!folder.exists(), "nothing is made before the first byte");
        keeps_its_word(&files).await;
        assert_eq!(std::fs::metadata(&folder).unwrap().permissions().mode() & 0o777, 0o700);
        std::fs::remove_dir_all(&folder).unwrap();
    }

    /// Needs a store that speaks S3 with a bucket `recourse`: its address is in `RECOURSE_TEST_S3`.
    #[cfg(feature = "s3")]
    #[tokio::test]
    async fn a_store_that_speaks_s3_does_the_same() {
        let Ok(endpoint) = std::env::var("RECOURSE_TEST_S3") else {
            eprintln!("skipped: S3 (RECOURSE_TEST_S3 names no store)");
            return;
        };
        let options = S3Options {
            bucket: "recourse".to_owned(),
            region: "us-east-1".to_owned(),
            endpoint: Some(endpoint),
            access_key_id: Some("test".to_owned()),
            secret_access_key: Some("test".to_owned()),
        };
        keeps_its_word(&Files::in_s3(options).unwrap()).await;
    }
}
