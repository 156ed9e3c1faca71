//! The life of an attachment: created while its bytes are yet to come, complete once they are what they should be,
//! linked, replaced, erased.
//!
//! ```text
//! AWAITING ─all bytes, as declared→ COMPLETE
//!     └─given up, or too late→ ABANDONED
//! ```

use chrono::{DateTime, Utc};
use uuid::Uuid;

use super::{Attachment, Bounds, Category, Content, ContentFault, ContentType, Hash, Owner, State, examine};
use crate::access::Author;
use crate::ids::{ClaimId, Code, OrgId};
use crate::text::{Text, Violation};

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
    /// Its key in the system of whoever creates it.
    pub external_ref: String,
    /// The attachment whose place it takes.
    pub replaces: Option<Uuid>,
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
            external_ref: new.external_ref,
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
    /// Its first bytes, [`super::HEAD_BYTES`] at most.
    pub head: &'a [u8],
    /// How many there are.
    pub size: u64,
    /// Their hash.
    pub hash: Hash,
}

/// Why bytes that came are not kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Refused {
    /// It takes none.
    Step(StepError),
    /// They are not what they should be.
    Content(ContentFault),
}
