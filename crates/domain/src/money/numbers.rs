//! Numbers beside money: hours, pieces, exchange factors and shares, each with a fixed count of decimals.

use std::fmt;

use serde::{Deserialize, Serialize};

use super::MoneyError;

/// Declares a number with a fixed count of decimals, kept as a whole number of its smallest step.
macro_rules! scaled {
    ($(#[$doc:meta])* $name:ident, $scale:literal) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(transparent)]
        pub struct $name(pub i64);

        impl $name {
            /// None of it.
            pub const ZERO: $name = $name(0);
            /// How many decimals it has.
            pub const SCALE: u32 = $scale;
            /// Steps in one whole.
            pub const ONE: i64 = 10_i64.pow($scale);

            /// So many wholes.
            pub fn whole(count: i64) -> Result<Self, MoneyError> {
                count.checked_mul(Self::ONE).map(Self).ok_or(MoneyError::Overflow)
            }

            /// Reads plain digits; decimals beyond the scale are refused unless they are zeros.
            pub fn parse(text: &str) -> Result<Self, MoneyError> {
                parse_scaled(text, $scale).map(Self)
            }

            /// The sum.
            pub fn try_add(self, other: Self) -> Result<Self, MoneyError> {
                self.0.checked_add(other.0).map(Self).ok_or(MoneyError::Overflow)
            }

            /// The difference.
            pub fn try_sub(self, other: Self) -> Result<Self, MoneyError> {
                self.0.checked_sub(other.0).map(Self).ok_or(MoneyError::Overflow)
            }

            /// Whether it is below zero.
            pub fn is_negative(self) -> bool {
                self.0 < 0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&print_scaled(self.0, $scale))
            }
        }
    };
}

scaled!(/// Hours of work, in hundredths: `1.50`.
    Hours, 2);
scaled!(/// A count of pieces, litres or metres, in thousandths: `4.500`.
    Quantity, 3);

scaled!(/// What some units of a currency cost in another, in millionths: `0.128450`.
    ExchangeFactor, 6);

/// A share, rate or markup in hundredths of a per cent: 10,000 are the whole.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct BasisPoints(pub i64);

impl BasisPoints {
    /// Nothing.
    pub const ZERO: BasisPoints = BasisPoints(0);
    /// The whole: 100 %.
    pub const WHOLE: BasisPoints = BasisPoints(10_000);

    /// The factor of a markup: 100 % and so much more.
    pub fn on_top(self) -> Result<Self, MoneyError> {
        self.0.checked_add(Self::WHOLE.0).map(Self).ok_or(MoneyError::Overflow)
    }

    /// Whether it is a share: between nothing and the whole.
    pub fn is_share(self) -> bool {
        (0..=Self::WHOLE.0).contains(&self.0)
    }
}

impl fmt::Display for BasisPoints {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} %", print_scaled(self.0, 2))
    }
}

pub(super) fn parse_scaled(text: &str, scale: u32) -> Result<i64, MoneyError> {
    let (negative, digits) = match text.strip_prefix('-') {
        Some(rest) => (true, rest),
        None => (false, text),
    };
    let (whole, decimals) = match digits.split_once('.') {
        Some((_, "")) => return Err(MoneyError::BadNumber),
        Some((whole, decimals)) => (whole, decimals),
        None => (digits, ""),
    };
    let plain = |part: &str| part.bytes().all(|byte| byte.is_ascii_digit());
    if whole.is_empty() || !plain(whole) || !plain(decimals) {
        return Err(MoneyError::BadNumber);
    }
    // Zeros say nothing and are dropped; what remains must fit the scale.
    let decimals = decimals.trim_end_matches('0');
    let width = usize::try_from(scale).unwrap_or(usize::MAX);
    if decimals.len() > width {
        return Err(MoneyError::TooManyDecimals(scale));
    }
    let mut value = 0_i64;
    for byte in whole.bytes().chain(decimals.bytes()).chain(std::iter::repeat_n(b'0', width - decimals.len())) {
        let digit = i64::from(byte - b'0');
        let signed = if negative { -digit } else { digit };
        value = value.checked_mul(10).and_then(|value| value.checked_add(signed)).ok_or(MoneyError::Overflow)?;
    }
    Ok(value)
}

pub(super) fn print_scaled(value: i64, scale: u32) -> String {
    let sign = if value < 0 { "-" } else { "" };
    let magnitude = value.unsigned_abs();
    if scale == 0 {
        return format!("{sign}{magnitude}");
    }
    let one = 10_u64.pow(scale);
    let width = usize::try_from(scale).unwrap_or(0);
    format!("{sign}{}.{:0width$}", magnitude / one, magnitude % one)
}
