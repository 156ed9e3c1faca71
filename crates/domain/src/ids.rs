//! Identifiers: the codes people read, and the keys rows have.

use std::fmt;

use chrono::{Datelike, NaiveDate};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

/// Declares a key type: a UUID that can't be mistaken for the key of something else.
macro_rules! key {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(transparent)]
        pub struct $name(pub Uuid);

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.fmt(f)
            }
        }
    };
}

key!(/// Key of an organisation: the manufacturer, a station, a supplier, an appraiser, a customer.
    OrgId);
key!(/// Key of a person or machine that signs in.
    UserId);
key!(/// Key of a claim.
    ClaimId);
key!(/// Key of a prior authorisation.
    AuthorizationId);
key!(/// Key of an entitlement to a free service.
    EntitlementId);
key!(/// Key of an appraisal.
    AppraisalId);
key!(/// Key of a recovery claim.
    RecoveryClaimId);
key!(/// Key of a correction of what is recorded of a vehicle.
    CorrectionId);
key!(/// Key of a proposal of a change that needs a second person.
    ChangeProposalId);
key!(/// Key of a sign-in session.
    SessionId);
key!(/// Key of one command: all change rows of a command carry it.
    CommandId);

impl UserId {
    /// Nobody: what a job of the system does, a rule that decides.
    pub const SYSTEM: UserId = UserId(Uuid::nil());
}

impl OrgId {
    /// The vehicle manufacturer. There is exactly one per deployment, so its key is fixed.
    pub const OEM: OrgId = OrgId(Uuid::from_u128(0x0000_0000_0000_7000_8000_0000_0000_0001));
    /// Not an organisation: the address of change rows that every signed-in organisation may read.
    pub const EVERYONE: OrgId = OrgId(Uuid::nil());
}

/// A code under which the trade knows something: a part number, a station's code, a failure code.
///
/// Codes are `[A-Z0-9][A-Z0-9._-]{0,39}`. They are part of public names and never given to something else.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Code(String);

/// Why a text is no code.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a code is 1 to 40 of A-Z, 0-9, '.', '_', '-' and begins with a letter or digit")]
pub struct BadCode;

impl Code {
    /// Reads a code as people write it: surrounding blanks are dropped, full-width and lower-case
    /// characters become their plain upper-case form.
    pub fn parse(text: &str) -> Result<Self, BadCode> {
        let code: String = text.trim().chars().map(half_width).map(|c| c.to_ascii_uppercase()).collect();
        let mut chars = code.chars();
        let first = chars.next().ok_or(BadCode)?;
        let fits = first.is_ascii_alphanumeric()
            && code.len() <= 40
            && chars.all(|c| c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '-'));
        if fits { Ok(Self(code)) } else { Err(BadCode) }
    }

    /// A code that stands in the program itself.
    pub(crate) fn fixed(code: &'static str) -> Self {
        debug_assert!(Self::parse(code).is_ok_and(|read| read.0 == code), "{code} is no code");
        Self(code.to_owned())
    }

    /// The code as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Code {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl AsRef<str> for Code {
    fn as_ref(&self) -> &str {
        &self.0
    }
}

/// Crockford's base 32: digits and letters without I, L, O, U.
const ALPHABET: &[u8; 32] = b"0123456789ABCDEFGHJKMNPQRSTVWXYZ";

/// A number that people read aloud: `AP-2611-8F3K2M7Q`. It is made of a prefix, the month and 40 random bits of
/// `seed`, which is a new UUIDv7 and never one that a caller chose, so that nobody can aim at a number. It is no
/// key: the store keeps it unique, and a new one is drawn in the rare case that it is taken.
pub fn readable_number(prefix: &str, day: NaiveDate, seed: Uuid) -> String {
    let mut bits = seed.as_u128() & ((1 << 40) - 1);
    let mut tail = [b'0'; 8];
    for place in tail.iter_mut().rev() {
        let index = usize::try_from(bits & 31).unwrap_or(0);
        *place = ALPHABET.get(index).copied().unwrap_or(b'0');
        bits >>= 5;
    }
    let tail: String = tail.into_iter().map(char::from).collect();
    format!("{prefix}-{:02}{:02}-{tail}", day.year().rem_euclid(100), day.month())
}

/// The half-width form of a full-width character, as Chinese input methods produce them.
pub fn half_width(c: char) -> char {
    match c {
        '\u{3000}' => ' ',
        '\u{ff01}'..='\u{ff5e}' => char::from_u32(u32::from(c) - 0xfee0).unwrap_or(c),
        other => other,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_code_is_read_as_people_write_it() {
        assert_eq!(Code::parse(" s-001 ").map(|c| c.to_string()), Ok("S-001".to_owned()));
        assert_eq!(Code::parse("Ｓ－００１").map(|c| c.to_string()), Ok("S-001".to_owned()));
    }

    #[test]
    fn a_code_has_a_form() {
        for bad in ["", " ", "-A", "A B", "A/B", "Ä", &"A".repeat(41)] {
            assert_eq!(Code::parse(bad), Err(BadCode), "{bad}");
        }
        assert!(Code::parse(&"A".repeat(40)).is_ok());
    }
}
