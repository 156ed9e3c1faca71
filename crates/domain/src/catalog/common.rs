//! What several kinds of master data share: addresses, contacts, bank accounts, and the small checks.

use chrono::NaiveDate;
use serde::{Deserialize, Serialize};

use super::record::{ColumnValue, Field, FieldKind, Reference};
use crate::ids::Code;
use crate::money::Money;
use crate::text::Violation;

/// Largest amount of master data, in minor units.
const MAX_MINOR: i64 = 999_999_999_999_999;

/// Where an organisation is.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Address {
    /// Country (ISO 3166, two letters).
    pub country: String,
    /// Province or state.
    pub province: String,
    /// City.
    pub city: String,
    /// Postal code.
    pub postal_code: String,
    /// Street and number, a line each.
    pub lines: Vec<String>,
}

/// Whom to call or write to: a business contact, named on the organisation's own letter paper.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Contact {
    /// Person or desk.
    pub name: String,
    /// Telephone.
    pub phone: String,
    /// Mail address.
    pub email: String,
}

/// Where money is sent.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct BankAccount {
    /// Name of the bank.
    pub bank_name: String,
    /// Code of the branch: CNAPS number or BIC.
    pub bank_code: String,
    /// Holder.
    pub holder: String,
    /// Number or IBAN.
    pub number: String,
}

/// A text column.
pub(crate) const fn text(name: &'static str) -> Field {
    Field { name, column: name, kind: FieldKind::Text, sortable: false, prefix: false }
}

/// A column with a code.
pub(crate) const fn coded(name: &'static str) -> Field {
    Field { name, column: name, kind: FieldKind::CODE, sortable: false, prefix: false }
}

/// A column with the code of another thing, which may be named by its public name too.
pub(crate) const fn named(name: &'static str, collection: &'static str) -> Field {
    Field { name, column: name, kind: FieldKind::code_of(collection), sortable: false, prefix: false }
}

/// The name of a thing: sortable, and found by its beginning.
pub(crate) const fn title(name: &'static str) -> Field {
    Field { name, column: name, kind: FieldKind::Text, sortable: true, prefix: true }
}

/// A column with a whole number.
pub(crate) const fn number(name: &'static str) -> Field {
    Field { name, column: name, kind: FieldKind::Integer, sortable: false, prefix: false }
}

/// A yes or no column.
pub(crate) const fn flag(name: &'static str) -> Field {
    Field { name, column: name, kind: FieldKind::Bool, sortable: false, prefix: false }
}

/// A date column; one that is never empty can be sorted by.
pub(crate) const fn date(name: &'static str, sortable: bool) -> Field {
    Field { name, column: name, kind: FieldKind::Date, sortable, prefix: false }
}

/// A text value; an empty one is null and matches nothing.
pub(crate) fn text_value(value: &str) -> ColumnValue {
    ColumnValue::Text(Some(value.to_owned()).filter(|value| !value.is_empty()))
}

/// A text value of a sortable column, which is never null.
pub(crate) fn title_value(value: &str) -> ColumnValue {
    ColumnValue::Text(Some(value.to_owned()))
}

/// A code, if there is one.
pub(crate) fn code_value(code: Option<&Code>) -> ColumnValue {
    ColumnValue::Text(code.map(ToString::to_string))
}

/// The mention of another record.
pub(crate) fn reference(
    field: impl Into<String>,
    table: &'static str,
    collection: &'static str,
    code: &Code,
) -> Reference {
    Reference { field: field.into(), table, collection, code: code.to_string() }
}

/// Gives enums their words in columns and filters: the same as on the wire.
macro_rules! words {
    ($($name:ident { $($variant:ident = $word:literal),* $(,)? })*) => {
        $(impl $name {
            /// The word on the wire and in filters.
            pub fn word(self) -> &'static str {
                match self {
                    $($name::$variant => $word,)*
                }
            }
        })*
    };
}
pub(crate) use words;

/// Collects violations: each check is one line that says what must hold.
#[derive(Debug, Default)]
pub(crate) struct Checks(Vec<Violation>);

impl Checks {
    /// A violation unless the statement holds.
    pub(crate) fn must(&mut self, holds: bool, field: &str, rule: &'static str, en: &str, zh_cn: &str) {
        if !holds {
            self.0.push(Violation::new(field, rule, en, zh_cn));
        }
    }

    /// A text that says something.
    pub(crate) fn filled(&mut self, value: &str, field: &str) {
        self.must(!value.trim().is_empty(), field, "REQUIRED", "must be given", "必填");
    }

    /// An amount that is not below zero, nor so large that sums with it could not be held.
    pub(crate) fn not_negative(&mut self, amount: Option<Money>, field: &str) {
        let holds = amount.is_none_or(|amount| !amount.is_negative());
        self.must(holds, field, "NEGATIVE", "must not be below zero", "不能为负数");
        let holds = amount.is_none_or(|amount| amount.minor <= MAX_MINOR);
        self.must(
            holds,
            field,
            "OUT_OF_RANGE",
            "has at most fifteen digits, decimals included",
            "金额不得超过十五位数字（含小数）",
        );
    }

    /// A share between 0 and 100 %.
    pub(crate) fn share(&mut self, share: crate::money::BasisPoints, field: &str) {
        self.must(share.is_share(), field, "NOT_A_SHARE", "is 0 to 10000 basis points", "应为 0 至 10000 个基点");
    }

    /// A time that has a day: `valid_to` is the first one without it.
    pub(crate) fn lasts(&mut self, valid_from: NaiveDate, valid_to: Option<NaiveDate>) {
        self.must(
            valid_to.is_none_or(|end| valid_from < end),
            "valid_to",
            "ENDS_BEFORE_IT_BEGINS",
            "valid_to is the first day without it and must be later than valid_from",
            "valid_to 为失效首日，必须晚于 valid_from",
        );
    }

    /// A list that names nothing twice.
    pub(crate) fn distinct<T: PartialEq>(&mut self, values: &[T], field: &str) {
        for (index, value) in values.iter().enumerate() {
            let holds = !values[..index].contains(value);
            self.must(holds, &format!("{field}[{index}]"), "DUPLICATE", "is in the list twice", "列表中重复");
        }
    }

    /// What another check found.
    pub(crate) fn all(&mut self, violations: Vec<Violation>) {
        self.0.extend(violations);
    }

    /// What was found.
    pub(crate) fn found(self) -> Vec<Violation> {
        self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::money::Currency;

    #[test]
    fn amounts_are_neither_below_zero_nor_beyond_what_sums_can_hold() {
        let found = |minor| {
            let mut checks = Checks::default();
            checks.not_negative(Some(Money::new(Currency::CNY, minor)), "price");
            checks.found().into_iter().map(|violation| violation.rule).collect::<Vec<_>>()
        };
        assert_eq!((found(0), found(MAX_MINOR)), (Vec::new(), Vec::new()));
        assert_eq!(found(-1), ["NEGATIVE"]);
        assert_eq!((found(MAX_MINOR + 1), found(i64::MAX)), (vec!["OUT_OF_RANGE"], vec!["OUT_OF_RANGE"]));
    }
}
