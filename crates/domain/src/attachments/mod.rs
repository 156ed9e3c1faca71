//! Attachments: files that prove something. What is known of one is written first, its bytes come later, and
//! what came is never changed: a better one takes its place and the other stays.
//!
//! The document, which history keeps, holds neither the file's name nor the place of a photo: both can tell
//! of a person, and stand as [`Particulars`] in a row of their own that can be erased.

mod content;
mod sharing;

use std::collections::BTreeSet;

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

pub use content::{Content, ContentFault, ContentType, HEAD_BYTES, examine};
pub use sharing::{Sharing, without_metadata};

use crate::access::Author;
use crate::ids::{ClaimId, Code, OrgId, UserId};
use crate::text::{Text, Violation};

/// What a file is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum Category {
    /// A photo.
    Photo,
    /// An invoice.
    Invoice,
    /// A reading of the fault memory.
    FaultMemory,
    /// A signature of the customer.
    Signature,
    /// The track of a trip.
    Track,
    /// The offer of a vendor.
    Quotation,
    /// A proof that the manufacturer could not deliver.
    StockOutProof,
    /// A report of an examination.
    Report,
    /// Something else.
    Other,
}

impl Category {
    /// Every category.
    pub const ALL: [Category; 9] = [
        Category::Photo,
        Category::Invoice,
        Category::FaultMemory,
        Category::Signature,
        Category::Track,
        Category::Quotation,
        Category::StockOutProof,
        Category::Report,
        Category::Other,
    ];

    /// The word of the category.
    pub fn word(self) -> &'static str {
        match self {
            Category::Photo => "PHOTO",
            Category::Invoice => "INVOICE",
            Category::FaultMemory => "FAULT_MEMORY",
            Category::Signature => "SIGNATURE",
            Category::Track => "TRACK",
            Category::Quotation => "QUOTATION",
            Category::StockOutProof => "STOCK_OUT_PROOF",
            Category::Report => "REPORT",
            Category::Other => "OTHER",
        }
    }

    /// The category of a word, if there is one.
    pub fn from_word(word: &str) -> Option<Category> {
        Category::ALL.into_iter().find(|category| category.word() == word)
    }

    /// What people call it.
    pub fn text(self) -> Text {
        match self {
            Category::Photo => Text::new("photo", "照片"),
            Category::Invoice => Text::new("invoice", "发票"),
            Category::FaultMemory => Text::new("reading of the fault memory", "故障码读数"),
            Category::Signature => Text::new("signature", "签名"),
            Category::Track => Text::new("track of the trip", "行程轨迹"),
            Category::Quotation => Text::new("offer of the vendor", "供应商报价"),
            Category::StockOutProof => Text::new("proof of missing stock", "缺货证明"),
            Category::Report => Text::new("report", "报告"),
            Category::Other => Text::new("other document", "其他材料"),
        }
    }
}

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

/// What a new attachment begins with.
#[derive(Clone, Debug)]
pub struct NewAttachment {
    /// Its key.
    pub id: Uuid,
    /// The organisation that it belongs to.
    pub station: OrgId,
    /// The code of that organisation.
    pub station_code: Code,
    /// What that organisation is.
    pub owner: Owner,
    /// What it is for.
    pub category: Category,
    /// The media type that the sender says.
    pub declared_type: String,
    /// The bytes that the sender says.
    pub size: u64,
    /// The hash that the sender says.
    pub declared_hash: String,
    /// When the photo was taken.
    pub taken_time: Option<DateTime<Utc>>,
    /// Who creates it.
    pub created_by: Author,
    /// The claim that it belongs to.
    pub claim: Option<ClaimId>,
    /// What it proves, where that is no claim.
    pub subject: Option<String>,
    /// The attachment whose place it takes.
    pub replaces: Option<Uuid>,
}

/// Why an attachment did not move.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum StepError {
    /// Its bytes are there, or given up.
    #[error("the attachment takes no bytes any more")]
    NotAwaiting,
    /// A submission has used it.
    #[error("a submission has used the attachment")]
    Used,
    /// Another has taken its place.
    #[error("another attachment has taken its place")]
    Replaced,
}

impl StepError {
    /// What people are told, with the way out.
    pub fn text(self) -> Text {
        match self {
            StepError::NotAwaiting => Text::new(
                "the attachment takes no bytes any more; create another, which may replace it",
                "该附件不再接收内容；请另建附件，可注明替换此附件",
            ),
            StepError::Used => Text::new(
                "a submission has used the attachment, so it stays with its claim",
                "该附件已被提交的索赔引用，不可改挂",
            ),
            StepError::Replaced => Text::new(
                "another attachment has taken its place already; replace that one",
                "该附件已被其他附件替换；请替换最新的附件",
            ),
        }
    }
}

/// What an upload turned out to be, once all of it is there.
#[derive(Clone, Debug)]
pub struct Received<'a> {
    /// Its first bytes, [`HEAD_BYTES`] at most.
    pub head: &'a [u8],
    /// How many there are.
    pub size: u64,
    /// Their hash.
    pub hash: Hash,
}

impl Attachment {
    /// Creates one whose bytes are yet to come.
    pub fn create(new: NewAttachment, bounds: Bounds) -> Result<Self, Vec<Violation>> {
        let mut found = Vec::new();
        if new.size == 0 || new.size > bounds.bytes {
            found.push(Violation::new(
                "size_bytes",
                "OUT_OF_RANGE",
                format!("an attachment has 1 to {} bytes", bounds.bytes),
                format!("附件大小应为 1 至 {} 字节", bounds.bytes),
            ));
        }
        let declared_type = match new.declared_type.trim() {
            "" => None,
            text => match ContentType::of_media_type(text) {
                Some(declared) => Some(declared),
                None => {
                    let known = ContentType::list();
                    found.push(Violation::new(
                        "declared_content_type",
                        "TYPE_NOT_ALLOWED",
                        format!("files of this type are not taken; those that are: {known}"),
                        format!("不接收此类文件；可接收：{known}"),
                    ));
                    None
                }
            },
        };
        let declared_hash = match new.declared_hash.trim() {
            "" => None,
            text => match Hash::parse(text) {
                Some(hash) => Some(hash),
                None => {
                    found.push(Violation::new(
                        "sha256",
                        "BAD_FORMAT",
                        "a SHA-256 is 64 hexadecimal digits",
                        "SHA-256 应为 64 位十六进制数字",
                    ));
                    None
                }
            },
        };
        if new.replaces == Some(new.id) {
            found.push(Violation::new(
                "replaces",
                "SELF_REFERENCE",
                "an attachment can't replace itself",
                "附件不能替换自身",
            ));
        }
        if !found.is_empty() {
            return Err(found);
        }
        Ok(Self {
            id: new.id,
            station: new.station,
            station_code: new.station_code,
            owner: new.owner,
            category: new.category,
            declared_type,
            size: new.size,
            declared_hash,
            taken_time: new.taken_time,
            created_by: new.created_by.id,
            created_by_client: new.created_by.is_client,
            claim: new.claim,
            subject: new.subject,
            erase_time: None,
            replaces: new.replaces,
            replaced_by: None,
            state: State::Awaiting,
        })
    }

    /// Whether it takes bytes.
    pub fn expects_bytes(&self) -> Result<(), StepError> {
        match self.state {
            State::Awaiting => Ok(()),
            State::Complete { .. } | State::Abandoned { .. } => Err(StepError::NotAwaiting),
        }
    }

    /// What its bytes turned out to be, once they are there.
    pub fn content(&self) -> Option<&Content> {
        match &self.state {
            State::Complete { content, .. } => Some(content),
            State::Awaiting | State::Abandoned { .. } => None,
        }
    }

    /// All bytes are there: they are what the sender said and what a deployment allows, or nothing of them is
    /// kept and the upload begins anew.
    pub fn complete(mut self, received: &Received<'_>, bounds: Bounds, now: DateTime<Utc>) -> Result<Self, Refused> {
        self.expects_bytes().map_err(Refused::Step)?;
        if received.size != self.size {
            return Err(Refused::Content(ContentFault::WrongSize { declared: self.size, found: received.size }));
        }
        if let Some(declared) = self.declared_hash.as_ref().filter(|declared| **declared != received.hash) {
            return Err(Refused::Content(ContentFault::WrongHash {
                declared: declared.clone(),
                found: received.hash.clone(),
            }));
        }
        let content = examine(received, self.declared_type, bounds).map_err(Refused::Content)?;
        self.state = State::Complete { content, complete_time: now };
        Ok(self)
    }

    /// The bytes never came, or the sender gives up.
    pub fn abandon(mut self, now: DateTime<Utc>) -> Result<Self, StepError> {
        self.expects_bytes()?;
        self.state = State::Abandoned { abandon_time: now };
        Ok(self)
    }

    /// Says to which claim it belongs. `used` tells whether a submission rests on it.
    pub fn link(mut self, claim: Option<ClaimId>, used: bool) -> Result<Self, StepError> {
        if used && self.claim != claim {
            return Err(StepError::Used);
        }
        self.claim = claim;
        Ok(self)
    }

    /// What may tell of a person is gone; once is enough.
    pub fn erase(mut self, now: DateTime<Utc>) -> Self {
        self.erase_time = self.erase_time.or(Some(now));
        self
    }

    /// Another takes its place. The first that is complete does.
    pub fn replaced(mut self, by: Uuid) -> Result<Self, StepError> {
        if self.replaced_by.is_some_and(|other| other != by) {
            return Err(StepError::Replaced);
        }
        self.replaced_by = Some(by);
        Ok(self)
    }
}

/// Why bytes that came are not kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Refused {
    /// It takes none.
    Step(StepError),
    /// They are not what they should be.
    Content(ContentFault),
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
