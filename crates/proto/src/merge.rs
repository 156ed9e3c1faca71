//! Update masks (AIP-134): which fields of a resource an update writes.

use std::fmt;

/// A path of the mask that can't be written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum MergeError {
    /// There is no such field.
    Unknown(String),
    /// The server sets it.
    ReadOnly(String),
    /// It was set once and stays.
    Immutable(String),
}

impl MergeError {
    /// The path that was refused.
    #[must_use]
    pub fn path(&self) -> &str {
        match self {
            Self::Unknown(path) | Self::ReadOnly(path) | Self::Immutable(path) => path,
        }
    }

    /// The word for programs.
    #[must_use]
    pub fn code(&self) -> &'static str {
        match self {
            Self::Unknown(_) => "UNKNOWN_FIELD",
            Self::ReadOnly(_) => "READ_ONLY",
            Self::Immutable(_) => "IMMUTABLE",
        }
    }

    /// The sentence for people.
    #[must_use]
    pub fn text(&self, lang: crate::Lang) -> String {
        let (en, zh) = match self {
            Self::Unknown(_) => {
                ("the resource has no such field; remove it from the mask", "资源没有此字段，请从更新掩码中移除")
            }
            Self::ReadOnly(_) => (
                "only the server sets this field; remove it from the mask",
                "此字段只能由服务器设置，请从更新掩码中移除",
            ),
            Self::Immutable(_) => (
                "the field can't change once set; send its present value or leave it out",
                "此字段设置后不可更改，请保持原值或不发送",
            ),
        };
        lang.pick(en, zh).to_owned()
    }
}

impl fmt::Display for MergeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.path(), self.text(crate::Lang::En))
    }
}

impl std::error::Error for MergeError {}

/// A message that update masks apply to.
///
/// Lists and maps are replaced whole. `etag` is skipped. After an error the
/// target may be half written: merge into a copy.
pub trait Merge: Sized {
    /// Writes the fields that `paths` name from `from`; `*` names all that can
    /// be updated.
    fn merge(&mut self, from: &Self, paths: &[String]) -> Result<(), MergeError> {
        for path in paths {
            if path == "*" {
                self.merge_all(from, "")?;
            } else {
                self.merge_path(from, path, path)?;
            }
        }
        Ok(())
    }

    /// Writes one path; `full` is the path as the caller wrote it.
    #[doc(hidden)]
    fn merge_path(&mut self, from: &Self, path: &str, full: &str) -> Result<(), MergeError>;

    /// Writes everything that can be updated; `full` is where the message is.
    #[doc(hidden)]
    fn merge_all(&mut self, from: &Self, full: &str) -> Result<(), MergeError>;

    /// The top-level fields that are set and that the caller may write: the mask
    /// of an update without one.
    fn populated(&self) -> Vec<String>;

    /// The field of a JSON key, if an update may write it.
    fn updatable(key: &str) -> Option<&'static str>;
}

impl<T: Merge> Merge for Box<T> {
    fn merge_path(&mut self, from: &Self, path: &str, full: &str) -> Result<(), MergeError> {
        (**self).merge_path(from, path, full)
    }

    fn merge_all(&mut self, from: &Self, full: &str) -> Result<(), MergeError> {
        (**self).merge_all(from, full)
    }

    fn populated(&self) -> Vec<String> {
        (**self).populated()
    }

    fn updatable(key: &str) -> Option<&'static str> {
        T::updatable(key)
    }
}

/// Replaces a message, except what the server has set in it.
pub(crate) fn whole<T: Merge + Clone>(target: &mut Option<T>, from: &Option<T>, full: &str) -> Result<(), MergeError> {
    match (target.as_mut(), from) {
        (Some(present), Some(value)) => present.merge_all(value, full),
        _ => {
            target.clone_from(from);
            Ok(())
        }
    }
}

/// Whether a field was not set.
pub(crate) fn is_default<T: Default + PartialEq>(value: &T) -> bool {
    *value == T::default()
}

/// The first part of a path and what follows it.
pub(crate) fn split(path: &str) -> (&str, Option<&str>) {
    path.split_once('.').map_or((path, None), |(head, tail)| (head, Some(tail)))
}

/// A path one level deeper.
pub(crate) fn join(parent: &str, field: &str) -> String {
    if parent.is_empty() { field.to_owned() } else { format!("{parent}.{field}") }
}
