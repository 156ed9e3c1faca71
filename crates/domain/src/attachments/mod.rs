//! Attachments: files that prove something. What is known of one is written first, its bytes come later, and
//! what came is never changed: a better one takes its place and the other stays.
//!
//! The document, which history keeps, holds neither the file's name nor the place of a photo: both can tell
//! of a person, and stand as [`Particulars`] in a row of their own that can be erased.

mod category;
mod content;
mod lifecycle;
mod sharing;

use std::collections::BTreeSet;

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

pub use category::Category;
pub use content::{Content, ContentFault, ContentType, HEAD_BYTES, examine};
pub use lifecycle::{NewAttachment, Received, Refused, StepError};
pub use sharing::{Sharing, without_metadata};

use crate::ids::{ClaimId, Code, OrgId, UserId};

/// SHA-256 in hexadecimal digits.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Hash(String);

impl Hash {
    /// Reads 64 hexadecimal digits.
    pub fn parse(text: &str) -> Option<Self> {
        let text = text.trim().to_ascii_lowercase();
        (text.len() == 64 && text.bytes().all(|byte| byte.is_ascii_hexdigit())).then_some(Self(text))
    }

    /// The hash of a digest.
    pub fn of_digest(digest: &[u8]) -> Self {
        Self(digest.iter().map(|byte| format!("{byte:02x}")).collect())
    }

    /// As text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl std::fmt::Display for Hash {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0)
    }
}

/// Whose an attachment is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum Owner {
    /// A station's.
    #[default]
    Station,
    /// A supplier's.
    Supplier,
    /// An appraiser's.
    Appraiser,
    /// The manufacturer's.
    Oem,
}

impl Owner {
    /// The public name of an owner with a code.
    pub fn name(self, code: &Code) -> String {
        match self {
            Owner::Station => format!("stations/{code}"),
            Owner::Supplier => format!("suppliers/{code}"),
            Owner::Appraiser => format!("appraisers/{code}"),
            Owner::Oem => format!("organizations/{code}"),
        }
    }

    /// The code of the manufacturer, which has no record of its own.
    pub fn manufacturer() -> Code {
        Code::fixed("OEM")
    }

    fn is_station(&self) -> bool {
        *self == Owner::Station
    }
}

/// What a deployment allows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Bounds {
    /// Bytes of one attachment.
    pub bytes: u64,
    /// Pixels of one image: what it takes to show it is bounded too, however small the file.
    pub pixels: u64,
}

/// A file that proves something.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Attachment {
    /// Its key.
    pub id: Uuid,
    /// The organisation that it belongs to: a station, unless `owner` says otherwise.
    pub station: OrgId,
    /// The code of that organisation.
    pub station_code: Code,
    /// What that organisation is.
    #[serde(default, skip_serializing_if = "Owner::is_station")]
    pub owner: Owner,
    /// What it is for.
    pub category: Category,
    /// The type that the sender says it has.
    #[serde(default)]
    pub declared_type: Option<ContentType>,
    /// How many bytes the sender says it has. Complete, it has as many.
    pub size: u64,
    /// The hash that the sender says its bytes have.
    #[serde(default)]
    pub declared_hash: Option<Hash>,
    /// When the photo was taken.
    #[serde(default)]
    pub taken_time: Option<DateTime<Utc>>,
    /// Who created it.
    pub created_by: UserId,
    /// Whether that was a program in its own name.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub created_by_client: bool,
    /// The claim that it belongs to.
    #[serde(default)]
    pub claim: Option<ClaimId>,
    /// What it proves, where that is no claim: `appraisals/{id}`, `recoveryClaims/{id}`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub subject: Option<String>,
    /// Its key in the system of whoever created it.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub external_ref: String,
    /// When what may tell of a person was erased.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub erase_time: Option<DateTime<Utc>>,
    /// The attachment whose place it takes.
    #[serde(default)]
    pub replaces: Option<Uuid>,
    /// The attachment that took its place.
    #[serde(default)]
    pub replaced_by: Option<Uuid>,
    /// Where it stands.
    #[serde(flatten)]
    pub state: State,
}

/// Where an attachment stands.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "state", rename_all = "SCREAMING_SNAKE_CASE")]
pub enum State {
    /// Bytes are missing.
    Awaiting,
    /// All are there, and are what they should be.
    Complete {
        /// What they turned out to be.
        content: Content,
        /// When.
        complete_time: DateTime<Utc>,
    },
    /// They never came, or the sender gave up.
    Abandoned {
        /// When.
        abandon_time: DateTime<Utc>,
    },
}

impl State {
    /// The word of the state.
    pub fn word(&self) -> &'static str {
        match self {
            State::Awaiting => "AWAITING",
            State::Complete { .. } => "COMPLETE",
            State::Abandoned { .. } => "ABANDONED",
        }
    }
}

/// What can tell of a person: kept apart from the document, so that it can be erased while history stays.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Particulars {
    /// Name of the file.
    pub file_name: String,
    /// Where a photo was taken.
    pub place: Option<Place>,
}

/// A place in ten-millionths of a degree.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Place {
    /// North.
    pub latitude_e7: i64,
    /// East.
    pub longitude_e7: i64,
}

/// The keys of attachments among public names `attachments/{id}`; names that are none are left out.
pub fn named<'n>(names: impl IntoIterator<Item = &'n str>) -> BTreeSet<Uuid> {
    names.into_iter().filter_map(key_of).collect()
}

/// The key in a public name `attachments/{id}`.
pub fn key_of(name: &str) -> Option<Uuid> {
    Uuid::parse_str(name.trim().strip_prefix("attachments/")?).ok()
}

#[cfg(test)]
mod tests;
