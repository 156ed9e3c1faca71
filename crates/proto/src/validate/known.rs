//! The rules of Google's types that the contract uses.

use super::{Check, Rule, Validate};
use crate::{
    google::r#type::{Date, Decimal, Money},
    wkt::{FieldMask, Timestamp},
};

/// A mask names fields of one resource; no resource has as many.
const MOST_PATHS: usize = 100;
/// About 10,000 years, the limit of the type.
const MOST_SECONDS: i64 = 315_576_000_000;

impl Validate for Date {
    fn validate(&self, check: &mut Check) {
        let day = u32::try_from(self.month).ok().zip(u32::try_from(self.day).ok());
        let valid = (1..=9999).contains(&self.year)
            && day.is_some_and(|(month, day)| chrono::NaiveDate::from_ymd_opt(self.year, month, day).is_some());
        if !valid {
            check.violate("", Rule::BadDate);
        }
    }
}

impl Validate for Money {
    fn validate(&self, check: &mut Check) {
        let in_range = (-999_999_999..=999_999_999).contains(&self.nanos);
        let same_sign = self.units == 0 || self.nanos == 0 || (self.units > 0) == (self.nanos > 0);
        if !(is_currency(&self.currency_code) && in_range && same_sign) {
            check.violate("", Rule::BadMoney);
        }
    }
}

impl Validate for Decimal {
    fn validate(&self, check: &mut Check) {
        if !is_decimal(&self.value) {
            check.violate("", Rule::BadDecimal);
        }
    }
}

impl Validate for Timestamp {
    fn validate(&self, check: &mut Check) {
        if self.to_datetime().is_none() {
            check.violate("", Rule::BadFormat { format: "2026-01-31T08:00:00Z" });
        }
    }
}

impl Validate for FieldMask {
    fn validate(&self, check: &mut Check) {
        if self.paths.len() > MOST_PATHS {
            check.violate("", Rule::TooMany { max: MOST_PATHS });
        }
    }
}

impl Validate for pbjson_types::Duration {
    fn validate(&self, check: &mut Check) {
        let in_range = (-MOST_SECONDS..=MOST_SECONDS).contains(&self.seconds)
            && (-999_999_999..=999_999_999).contains(&self.nanos);
        let same_sign = self.seconds == 0 || self.nanos == 0 || (self.seconds > 0) == (self.nanos > 0);
        if !(in_range && same_sign) {
            check.violate("", Rule::BadFormat { format: "3.5s" });
        }
    }
}

impl Validate for pbjson_types::Empty {
    fn validate(&self, _check: &mut Check) {}
}

/// Free-form JSON; the limit of the request bounds it.
impl Validate for pbjson_types::Struct {
    fn validate(&self, _check: &mut Check) {}
}

/// Free-form JSON; the limit of the request bounds it.
impl Validate for pbjson_types::Value {
    fn validate(&self, _check: &mut Check) {}
}

/// Only the server sends it.
impl Validate for crate::google::rpc::Status {
    fn validate(&self, _check: &mut Check) {}
}

pub(super) fn is_currency(value: &str) -> bool {
    value.len() == 3 && value.bytes().all(|b| b.is_ascii_uppercase())
}

/// `-?\d{1,15}(\.\d{1,6})?`
fn is_decimal(value: &str) -> bool {
    let digits = |text: &str, most: usize| (1..=most).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_digit());
    let plain = value.strip_prefix('-').unwrap_or(value);
    match plain.split_once('.') {
        Some((whole, fraction)) => digits(whole, 15) && digits(fraction, 6),
        None => digits(plain, 15),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::validate::violations;

    #[test]
    fn dates_are_days_of_the_calendar() {
        for (year, month, day, valid) in [
            (2024, 2, 29, true),
            (2026, 2, 29, false),
            (2026, 0, 0, false),
            (0, 1, 1, false),
            (2026, 13, 1, false),
            (2026, -1, 1, false),
            (10000, 1, 1, false),
        ] {
            assert_eq!(violations(&Date { year, month, day }).is_empty(), valid, "{year}-{month}-{day}");
        }
    }

    #[test]
    fn money_has_a_currency_and_one_sign() {
        for (currency_code, units, nanos, valid) in [
            ("CNY", 1, 500_000_000, true),
            ("CNY", -1, -5, true),
            ("CNY", 0, -5, true),
            ("CNY", 1, -5, false),
            ("CNY", 1, 1_000_000_000, false),
            ("CNY", 1, i32::MIN, false),
            ("cny", 1, 0, false),
            ("", 0, 0, false),
        ] {
            let money = Money { currency_code: currency_code.to_owned(), units, nanos };
            assert_eq!(violations(&money).is_empty(), valid, "{money:?}");
        }
    }

    #[test]
    fn decimals_are_plain_digits() {
        for (value, valid) in [
            ("0", true),
            ("-12.5", true),
            ("123456789012345.123456", true),
            ("1234567890123456", false),
            ("1.1234567", false),
            ("1e3", false),
            ("+1", false),
            (".5", false),
            ("1.", false),
            ("", false),
            ("-", false),
            ("１", false),
        ] {
            assert_eq!(violations(&Decimal { value: value.to_owned() }).is_empty(), valid, "{value:?}");
        }
    }
}
