//! Rows with validity dates: prices, rates, markups, contracts.
//!
//! A row is in force from `valid_from` (inclusive) to `valid_to` (exclusive, open if absent). Rows of one key
//! (a currency, a grade) don't overlap. What was in force stays as it was: such a row keeps its values for
//! ever, and only its end may still move, and only among days that have not come.

use chrono::NaiveDate;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::text::Violation;

/// What a dated row holds.
pub trait DatedValue: Clone + PartialEq {
    /// Rows with the same key may not overlap: the currency of a price, the grade and currency of a rate.
    fn key(&self) -> String;
}

/// A value that is in force for some days.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Dated<T> {
    /// Key of the row: a price that was used is named by it.
    pub id: Uuid,
    /// First day on which it is in force.
    pub valid_from: NaiveDate,
    /// First day on which it is not in force any more; none while it is open.
    pub valid_to: Option<NaiveDate>,
    /// The value.
    pub value: T,
}

impl<T> Dated<T> {
    /// Whether it is in force on a date.
    pub fn is_on(&self, date: NaiveDate) -> bool {
        self.valid_from <= date && self.valid_to.is_none_or(|end| date < end)
    }
}

/// Dated rows of one owner and kind.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct DatedList<T>(pub Vec<Dated<T>>);

impl<T> Default for DatedList<T> {
    fn default() -> Self {
        Self(Vec::new())
    }
}

impl<T: DatedValue> DatedList<T> {
    /// The row that is in force on a date and fits; at most one does per key.
    pub fn on(&self, date: NaiveDate, fits: impl Fn(&T) -> bool) -> Option<&Dated<T>> {
        self.0.iter().find(|row| row.is_on(date) && fits(&row.value))
    }

    /// What is wrong with the rows as they stand. `field` is the list's path in the contract.
    pub fn check(&self, field: &str) -> Vec<Violation> {
        let mut violations = Vec::new();
        for (index, row) in self.0.iter().enumerate() {
            if row.valid_to.is_some_and(|end| end <= row.valid_from) {
                violations.push(Violation::new(
                    format!("{field}[{index}].valid_to"),
                    "ENDS_BEFORE_IT_BEGINS",
                    "valid_to is the first day without it and must be later than valid_from",
                    "valid_to 为失效首日，必须晚于 valid_from",
                ));
            }
            for other in &self.0[..index] {
                if other.id == row.id {
                    violations.push(Violation::new(
                        format!("{field}[{index}].id"),
                        "DUPLICATE_ID",
                        "two rows have the same id; leave the id of a new row empty",
                        "两行的 id 相同；新增行请将 id 留空",
                    ));
                }
                if other.value.key() == row.value.key() && overlap(other, row) {
                    violations.push(Violation::new(
                        format!("{field}[{index}].valid_from"),
                        "OVERLAP",
                        format!(
                            "overlaps the row that begins on {}; end that row with valid_to = {} first",
                            other.valid_from, row.valid_from
                        ),
                        format!("与 {} 生效的行重叠；请先将该行的 valid_to 设为 {}", other.valid_from, row.valid_from),
                    ));
                }
            }
        }
        violations
    }

    /// What is wrong with the step from `before`: days that are over must read as they did.
    pub fn check_change(&self, before: &Self, today: NaiveDate, field: &str) -> Vec<Violation> {
        let mut violations = Vec::new();
        for old in before.0.iter().filter(|row| row.valid_from <= today) {
            let Some(index) = self.0.iter().position(|row| row.id == old.id) else {
                violations.push(Violation::new(
                    field,
                    "ROW_IN_FORCE",
                    format!(
                        "the row that is in force since {} (id {}) can't be removed; keep it and set its valid_to",
                        old.valid_from, old.id
                    ),
                    format!("自 {} 起生效的行（id {}）不能删除；请保留并设置其 valid_to", old.valid_from, old.id),
                ));
                continue;
            };
            let new = &self.0[index];
            if new.value != old.value || new.valid_from != old.valid_from {
                violations.push(Violation::new(
                    format!("{field}[{index}]"),
                    "ROW_IN_FORCE",
                    format!("in force since {}, so it stays as it is; end it and add a new row", old.valid_from),
                    format!("自 {} 起已生效，不能修改；请终止该行并新增一行", old.valid_from),
                ));
            } else if new.valid_to != old.valid_to && (is_past(new.valid_to, today) || is_past(old.valid_to, today)) {
                violations.push(Violation::new(
                    format!("{field}[{index}].valid_to"),
                    "PAST_END",
                    format!("the end of a row in force can only move among days from {today} on"),
                    format!("已生效行的失效日只能在 {today} 及以后调整"),
                ));
            }
        }
        violations
    }
}

/// Whether rows of the same key share a day.
fn overlap<T>(one: &Dated<T>, other: &Dated<T>) -> bool {
    one.valid_to.is_none_or(|end| other.valid_from < end) && other.valid_to.is_none_or(|end| one.valid_from < end)
}

/// Whether an end lies before today, so that moving it would change days that are over.
fn is_past(end: Option<NaiveDate>, today: NaiveDate) -> bool {
    end.is_some_and(|end| end < today)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Clone, Debug, PartialEq)]
    struct Price(&'static str, i64);

    impl DatedValue for Price {
        fn key(&self) -> String {
            self.0.to_owned()
        }
    }

    fn day(text: &str) -> NaiveDate {
        text.parse().unwrap()
    }

    fn row(id: u128, from: &str, to: Option<&str>, price: Price) -> Dated<Price> {
        Dated { id: Uuid::from_u128(id), valid_from: day(from), valid_to: to.map(day), value: price }
    }

    fn rules(violations: Vec<Violation>) -> Vec<&'static str> {
        violations.into_iter().map(|violation| violation.rule).collect()
    }

    #[test]
    fn the_first_day_counts_and_the_end_does_not() {
        let list = DatedList(vec![
            row(1, "2026-01-01", Some("2026-07-01"), Price("CNY", 10)),
            row(2, "2026-07-01", None, Price("CNY", 12)),
            row(3, "2026-01-01", None, Price("EUR", 2)),
        ]);
        let cny = |date| list.on(day(date), |price| price.0 == "CNY").map(|row| row.value.1);
        assert_eq!(cny("2025-12-31"), None);
        assert_eq!(cny("2026-01-01"), Some(10));
        assert_eq!(cny("2026-06-30"), Some(10));
        assert_eq!(cny("2026-07-01"), Some(12));
        assert_eq!(rules(list.check("prices")), [""; 0]);
    }

    #[test]
    fn rows_of_one_currency_do_not_overlap() {
        let list = DatedList(vec![
            row(1, "2026-01-01", None, Price("CNY", 10)),
            row(2, "2026-07-01", None, Price("CNY", 12)),
            row(3, "2026-07-01", None, Price("EUR", 2)),
        ]);
        assert_eq!(rules(list.check("prices")), ["OVERLAP"]);
        assert_eq!(list.check("prices")[0].field, "prices[1].valid_from");
        let list = DatedList(vec![
            row(1, "2026-01-01", Some("2026-01-01"), Price("CNY", 10)),
            row(1, "2026-07-01", None, Price("CNY", 12)),
        ]);
        assert_eq!(rules(list.check("prices")), ["ENDS_BEFORE_IT_BEGINS", "DUPLICATE_ID"]);
    }

    #[test]
    fn what_was_in_force_stays_as_it_was() {
        let today = day("2026-03-10");
        let price = || Price("CNY", 10);
        let open = row(1, "2026-01-01", None, price());
        type Case = (&'static str, Dated<Price>, Option<Dated<Price>>, &'static [&'static str]);
        let cases: [Case; 12] = [
            ("unchanged", open.clone(), Some(open.clone()), &[]),
            ("removed", open.clone(), None, &["ROW_IN_FORCE"]),
            ("value", open.clone(), Some(row(1, "2026-01-01", None, Price("CNY", 11))), &["ROW_IN_FORCE"]),
            ("start", open.clone(), Some(row(1, "2026-01-02", None, price())), &["ROW_IN_FORCE"]),
            ("end today", open.clone(), Some(row(1, "2026-01-01", Some("2026-03-10"), price())), &[]),
            ("end later", open.clone(), Some(row(1, "2026-01-01", Some("2026-04-01"), price())), &[]),
            ("end past", open.clone(), Some(row(1, "2026-01-01", Some("2026-03-09"), price())), &["PAST_END"]),
            ("reopen a future end", row(1, "2026-01-01", Some("2026-04-01"), price()), Some(open.clone()), &[]),
            ("reopen a past end", row(1, "2026-01-01", Some("2026-02-01"), price()), Some(open.clone()), &["PAST_END"]),
            ("begins today", row(1, "2026-03-10", None, price()), None, &["ROW_IN_FORCE"]),
            ("future row removed", row(1, "2026-03-11", None, price()), None, &[]),
            (
                "future row changed",
                row(1, "2026-03-11", None, price()),
                Some(row(1, "2026-03-12", None, Price("CNY", 11))),
                &[],
            ),
        ];
        for (case, old, new, expected) in cases {
            let before = DatedList(vec![old]);
            let after = DatedList(new.into_iter().collect());
            assert_eq!(rules(after.check_change(&before, today, "prices")), expected, "{case}");
        }
    }

    #[test]
    fn a_back_dated_row_may_fill_a_gap() {
        let before = DatedList(vec![row(1, "2026-01-01", None, Price("CNY", 10))]);
        let mut after = before.clone();
        after.0.push(row(2, "2025-01-01", Some("2026-01-01"), Price("CNY", 9)));
        assert_eq!(rules(after.check("prices")), [""; 0]);
        assert_eq!(rules(after.check_change(&before, day("2026-03-10"), "prices")), [""; 0]);
    }
}
