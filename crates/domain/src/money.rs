//! Money, quantities, shares: whole numbers with a stated scale, never floats.
//!
//! An amount is a whole number of its currency's minor unit. Each multiplication rounds exactly once, half
//! away from zero, on a 128-bit product; what does not fit into 64 bits afterwards is an error, never a wrap.
//! Texts are plain digits: an amount with more decimals than its scale is refused, not rounded.

mod currency;
mod error;
mod numbers;

use std::fmt;

use serde::{Deserialize, Serialize};

pub use currency::Currency;
pub use error::MoneyError;
pub use numbers::{BasisPoints, ExchangeFactor, Hours, Quantity};
use numbers::{parse_scaled, print_scaled};

/// What an amount is multiplied by.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Factor {
    /// Pieces.
    Quantity(Quantity),
    /// Hours.
    Hours(Hours),
    /// A share or rate.
    Bp(BasisPoints),
}

impl Factor {
    fn parts(self) -> (i64, i64) {
        match self {
            Factor::Quantity(quantity) => (quantity.0, Quantity::ONE),
            Factor::Hours(hours) => (hours.0, Hours::ONE),
            Factor::Bp(bp) => (bp.0, BasisPoints::WHOLE.0),
        }
    }
}

/// An amount of money: a whole number of minor units of a currency.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Money {
    /// The currency.
    pub currency: Currency,
    /// Minor units: fen for CNY.
    pub minor: i64,
}

/// An amount divided among parties; the parts and the rest sum to it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Split {
    /// The parties' parts, in the order of their shares.
    pub parts: Vec<Money>,
    /// What no party bears: it stays with the manufacturer.
    pub rest: Money,
}

impl Money {
    /// So many minor units.
    pub fn new(currency: Currency, minor: i64) -> Self {
        Self { currency, minor }
    }

    /// Nothing, in a currency.
    pub fn zero(currency: Currency) -> Self {
        Self { currency, minor: 0 }
    }

    /// Whether it is nothing.
    pub fn is_zero(self) -> bool {
        self.minor == 0
    }

    /// Whether it is below zero.
    pub fn is_negative(self) -> bool {
        self.minor < 0
    }

    /// The sum; both must have one currency.
    pub fn try_add(self, other: Self) -> Result<Self, MoneyError> {
        self.same_currency(other)?;
        self.minor.checked_add(other.minor).map(|minor| Self { minor, ..self }).ok_or(MoneyError::Overflow)
    }

    /// The difference; both must have one currency.
    pub fn try_sub(self, other: Self) -> Result<Self, MoneyError> {
        self.same_currency(other)?;
        self.minor.checked_sub(other.minor).map(|minor| Self { minor, ..self }).ok_or(MoneyError::Overflow)
    }

    /// The same amount with the other sign.
    pub fn try_neg(self) -> Result<Self, MoneyError> {
        self.minor.checked_neg().map(|minor| Self { minor, ..self }).ok_or(MoneyError::Overflow)
    }

    /// The sum of many, zero if there are none.
    pub fn sum(currency: Currency, amounts: impl IntoIterator<Item = Money>) -> Result<Self, MoneyError> {
        amounts.into_iter().try_fold(Self::zero(currency), Self::try_add)
    }

    /// The smaller of two in one currency.
    pub fn try_min(self, other: Self) -> Result<Self, MoneyError> {
        self.same_currency(other)?;
        Ok(if other.minor < self.minor { other } else { self })
    }

    /// Which of two in one currency is larger.
    pub fn try_cmp(self, other: Self) -> Result<std::cmp::Ordering, MoneyError> {
        self.same_currency(other)?;
        Ok(self.minor.cmp(&other.minor))
    }

    /// Price per piece × pieces, rounded once.
    pub fn times_quantity(self, quantity: Quantity) -> Result<Self, MoneyError> {
        self.times(&[Factor::Quantity(quantity)])
    }

    /// Rate per hour × hours, rounded once.
    pub fn times_hours(self, hours: Hours) -> Result<Self, MoneyError> {
        self.times(&[Factor::Hours(hours)])
    }

    /// Amount × share, rounded once.
    pub fn times_bp(self, share: BasisPoints) -> Result<Self, MoneyError> {
        self.times(&[Factor::Bp(share)])
    }

    /// The amount × numerator / denominator, rounded once: the part of an amount that another amount is of a third.
    pub fn times_ratio(self, numerator: i64, denominator: i64) -> Result<Self, MoneyError> {
        if denominator <= 0 {
            return Err(MoneyError::BadNumber);
        }
        let product = i128::from(self.minor).checked_mul(i128::from(numerator)).ok_or(MoneyError::Overflow)?;
        let quotient = divide_half_away(product, i128::from(denominator));
        i64::try_from(quotient).map(|minor| Self { minor, ..self }).map_err(|_| MoneyError::Overflow)
    }

    /// The product with all factors, rounded once at the end: quantity × price × (1 + markup) is one line.
    pub fn times(self, factors: &[Factor]) -> Result<Self, MoneyError> {
        let mut product = i128::from(self.minor);
        let mut divisor = 1_i128;
        for factor in factors {
            let (numerator, denominator) = factor.parts();
            product = product.checked_mul(i128::from(numerator)).ok_or(MoneyError::Overflow)?;
            divisor = divisor.checked_mul(i128::from(denominator)).ok_or(MoneyError::Overflow)?;
        }
        let minor = i64::try_from(divide_half_away(product, divisor)).map_err(|_| MoneyError::Overflow)?;
        Ok(Self { minor, ..self })
    }

    /// A product that was made elsewhere, divided and rounded once: a sum of several products is rounded as one.
    pub fn of_ratio(currency: Currency, numerator: i128, denominator: i128) -> Result<Self, MoneyError> {
        if denominator <= 0 {
            return Err(MoneyError::BadNumber);
        }
        let minor = i64::try_from(divide_half_away(numerator, denominator)).map_err(|_| MoneyError::Overflow)?;
        Ok(Self { currency, minor })
    }

    /// The same in another currency, of which `units` of this one cost so much; rounded once.
    pub fn exchanged(self, factor: ExchangeFactor, units: i64, to: Currency) -> Result<Self, MoneyError> {
        let power = |currency: Currency| 10_i128.checked_pow(currency.exponent()).ok_or(MoneyError::Overflow);
        let product = i128::from(self.minor)
            .checked_mul(i128::from(factor.0))
            .and_then(|product| product.checked_mul(power(to).ok()?))
            .ok_or(MoneyError::Overflow)?;
        let divisor = i128::from(ExchangeFactor::ONE)
            .checked_mul(power(self.currency)?)
            .and_then(|divisor| divisor.checked_mul(i128::from(units)))
            .ok_or(MoneyError::Overflow)?;
        Self::of_ratio(to, product, divisor)
    }

    /// Divides an amount among parties: floors, then gives the remaining minor units by largest remainder,
    /// ties in list order. What no party bears is the rest and comes last. Parts and rest sum to the whole;
    /// a negative amount divides as the positive one does.
    pub fn split_by_shares(self, shares: &[BasisPoints]) -> Result<Split, MoneyError> {
        if shares.iter().any(|share| !share.is_share()) {
            return Err(MoneyError::BadShares);
        }
        let borne =
            shares.iter().map(|share| share.0).try_fold(0_i64, i64::checked_add).ok_or(MoneyError::BadShares)?;
        let unborne = BasisPoints::WHOLE.0 - borne;
        if unborne < 0 {
            return Err(MoneyError::BadShares);
        }
        let whole = i128::from(BasisPoints::WHOLE.0);
        let magnitude = i128::from(self.minor).abs();
        let products: Vec<i128> =
            shares.iter().map(|share| share.0).chain([unborne]).map(|share| magnitude * i128::from(share)).collect();
        let mut minors: Vec<i128> = products.iter().map(|product| product / whole).collect();
        let missing = magnitude - minors.iter().sum::<i128>();
        let mut by_remainder: Vec<usize> = (0..products.len()).collect();
        // Stable: of equal remainders the earlier party comes first.
        by_remainder.sort_by_key(|index| std::cmp::Reverse(products[*index] % whole));
        for index in by_remainder.into_iter().take(usize::try_from(missing).unwrap_or(0)) {
            minors[index] += 1;
        }
        let sign = i128::from(self.minor.signum());
        let mut parts = Vec::with_capacity(minors.len());
        for minor in minors {
            let minor = i64::try_from(minor * sign).map_err(|_| MoneyError::Overflow)?;
            parts.push(Self { minor, ..self });
        }
        let rest = parts.pop().unwrap_or(Self::zero(self.currency));
        Ok(Split { parts, rest })
    }

    /// Reads the amount in plain digits: `12.34`.
    pub fn parse(currency: Currency, text: &str) -> Result<Self, MoneyError> {
        parse_scaled(text, currency.exponent()).map(|minor| Self { currency, minor })
    }

    /// The amount in plain digits with all decimals of its currency, without the currency.
    pub fn amount(self) -> String {
        print_scaled(self.minor, self.currency.exponent())
    }

    /// Reads whole units and billionths, as the contract carries money. More decimals than the currency
    /// has are refused.
    pub fn from_units_nanos(currency: Currency, units: i64, nanos: i32) -> Result<Self, MoneyError> {
        let opposed = (units > 0 && nanos < 0) || (units < 0 && nanos > 0);
        if opposed || nanos.unsigned_abs() > 999_999_999 {
            return Err(MoneyError::BadNumber);
        }
        let step = 10_i64.pow(9 - currency.exponent().min(9));
        if i64::from(nanos) % step != 0 {
            return Err(MoneyError::TooManyDecimals(currency.exponent()));
        }
        units
            .checked_mul(10_i64.pow(currency.exponent()))
            .and_then(|minor| minor.checked_add(i64::from(nanos) / step))
            .map(|minor| Self { currency, minor })
            .ok_or(MoneyError::Overflow)
    }

    /// Whole units and billionths, both with the sign of the amount.
    pub fn to_units_nanos(self) -> (i64, i32) {
        let one = 10_i64.pow(self.currency.exponent());
        let nanos = (self.minor % one) * 10_i64.pow(9 - self.currency.exponent().min(9));
        // Below one whole unit, so below 10^9.
        (self.minor / one, i32::try_from(nanos).unwrap_or(0))
    }

    fn same_currency(self, other: Self) -> Result<(), MoneyError> {
        if self.currency == other.currency {
            Ok(())
        } else {
            Err(MoneyError::CurrencyMismatch(self.currency, other.currency))
        }
    }
}

impl fmt::Display for Money {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.amount(), self.currency)
    }
}

impl fmt::Debug for Money {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// The quotient, rounded half away from zero. The divisor is positive.
fn divide_half_away(product: i128, divisor: i128) -> i128 {
    let quotient = product / divisor;
    let remainder = (product % divisor).abs();
    if remainder >= divisor - remainder { quotient + product.signum() } else { quotient }
}

#[cfg(test)]
mod tests;
