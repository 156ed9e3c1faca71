//! The number people read aloud: short, unique, without letters that sound or look alike.

use std::fmt;

use chrono::NaiveDate;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::Kind;
use crate::ids::readable_number;

/// Readable number of a claim: `WR-2611-8F3K2M7Q`.
///
/// It is made of the kind, the month of creation and 40 random bits. It is no key: the store keeps it
/// unique and a new one is drawn in the rare case that it is taken.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct ClaimNumber(String);

impl ClaimNumber {
    /// The number of a claim of `kind` created on `day`. `seed` is a new UUIDv7, never one that a caller
    /// chose, so that nobody can aim at a number.
    pub fn draw(kind: Kind, day: NaiveDate, seed: Uuid) -> Self {
        Self(readable_number(kind.spec().prefix(), day, seed))
    }

    /// The number as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for ClaimNumber {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_number_names_kind_month_and_forty_random_bits() {
        let day = NaiveDate::from_ymd_opt(2026, 11, 23).unwrap_or_default();
        let seed = Uuid::from_u128(0x0198_0000_0000_7000_8000_00ff_ffff_ffff);
        assert_eq!(ClaimNumber::draw(Kind::WarrantyRepair, day, seed).as_str(), "WR-2611-ZZZZZZZZ");
        let seed = Uuid::from_u128(0x0198_0000_0000_7000_8000_0000_0000_0021);
        assert_eq!(ClaimNumber::draw(Kind::RoadsideRescue, day, seed).as_str(), "RR-2611-00000011");
    }
}
