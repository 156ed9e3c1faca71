//! Currencies: those of ISO 4217 that have a minor unit.

use std::fmt;

use serde::{Deserialize, Serialize};

use super::MoneyError;

/// A currency of ISO 4217, with the number of decimals it has.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Currency {
    code: [u8; 3],
    exponent: u8,
}

impl Currency {
    /// Renminbi: the currency of the demo and of most deployments.
    pub const CNY: Currency = Currency { code: *b"CNY", exponent: 2 };

    /// Reads a code such as `CNY`; case and surrounding blanks do not count.
    pub fn parse(text: &str) -> Result<Self, MoneyError> {
        let upper = text.trim().to_ascii_uppercase();
        let code: [u8; 3] = upper.as_bytes().try_into().map_err(|_| MoneyError::UnknownCurrency)?;
        let exponent = iso_currency::Currency::from_code(&upper)
            .and_then(iso_currency::Currency::exponent)
            .and_then(|exponent| u8::try_from(exponent).ok())
            .filter(|exponent| *exponent <= 9)
            .ok_or(MoneyError::UnknownCurrency)?;
        Ok(Self { code, exponent })
    }

    /// The code: `CNY`.
    pub fn code(&self) -> &str {
        // The bytes came out of a `str` of three ASCII letters.
        std::str::from_utf8(&self.code).unwrap_or("XXX")
    }

    /// Decimals of the currency: 2 for CNY, 0 for JPY, 3 for KWD.
    pub fn exponent(self) -> u32 {
        u32::from(self.exponent)
    }
}

impl fmt::Display for Currency {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.code())
    }
}

impl fmt::Debug for Currency {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.code())
    }
}

impl TryFrom<String> for Currency {
    type Error = MoneyError;

    fn try_from(text: String) -> Result<Self, MoneyError> {
        Self::parse(&text)
    }
}

impl From<Currency> for String {
    fn from(currency: Currency) -> Self {
        currency.code().to_owned()
    }
}
