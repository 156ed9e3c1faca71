//! What may be granted as goodwill to the stations of a region, for a time.
//!
//! The record says how much there is. What decisions have drawn on it stands in the decisions, and its sum beside
//! the record in the store, where the last of it is granted once.

use std::cmp::Reverse;

use chrono::NaiveDate;
use serde::{Deserialize, Serialize};

use super::common::{Checks, coded, date, text, text_value};
use super::record::{ColumnValue, Field, Record};
use crate::change::Audience;
use crate::claims::Kind;
use crate::ids::Code;
use crate::money::{Currency, Money, MoneyError};
use crate::text::Violation;

/// What may be granted as goodwill to the stations of a region, for a time.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct GoodwillBudget {
    /// Its code.
    pub code: Code,
    /// The region, as stations have it.
    pub region: String,
    /// First day on which decisions draw on it.
    pub valid_from: NaiveDate,
    /// First day on which they don't any more.
    pub valid_to: NaiveDate,
    /// The whole of it.
    pub amount: Money,
    /// Kinds of claim that it is for; empty means all.
    pub kinds: Vec<Kind>,
    /// Brands of vehicles that it is for; empty means all.
    pub brands: Vec<Code>,
    /// Its key in the system of whoever created it.
    pub external_ref: String,
}

/// A claim, as far as the choice of a budget depends on it.
#[derive(Clone, Copy, Debug)]
pub struct Granting<'c> {
    /// The region of its station.
    pub region: &'c str,
    /// Its currency.
    pub currency: Currency,
    /// Its kind.
    pub kind: Kind,
    /// The brand of its vehicle, if that is known.
    pub brand: Option<&'c Code>,
    /// The day of the decision.
    pub day: NaiveDate,
}

/// What decisions have of a budget.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BudgetUse {
    /// What those that stand have granted.
    pub used: Money,
    /// What those would grant that wait for a higher level.
    pub reserved: Money,
}

impl BudgetUse {
    /// Of which nothing was used yet.
    pub fn none(currency: Currency) -> Self {
        Self { used: Money::zero(currency), reserved: Money::zero(currency) }
    }

    /// What is left of an amount; below zero if it was overdrawn.
    pub fn left_of(self, amount: Money) -> Result<Money, MoneyError> {
        amount.try_sub(self.used)?.try_sub(self.reserved)
    }
}

impl GoodwillBudget {
    /// The budget on which a decision draws: of those that fit the one that names most of kind and brand, then
    /// the one that began last, then the one with the first code. The answer never depends on the order of rows.
    pub fn of<'b>(budgets: impl IntoIterator<Item = &'b Self>, granting: &Granting<'_>) -> Option<&'b Self> {
        let names = |budget: &Self| u8::from(!budget.kinds.is_empty()) + u8::from(!budget.brands.is_empty());
        budgets
            .into_iter()
            .filter(|budget| budget.fits(granting))
            .min_by_key(|budget| (Reverse(names(budget)), Reverse(budget.valid_from), &budget.code))
    }

    fn fits(&self, granting: &Granting<'_>) -> bool {
        let Granting { region, currency, kind, brand, day } = *granting;
        self.region == region
            && self.amount.currency == currency
            && (self.valid_from <= day && day < self.valid_to)
            && (self.kinds.is_empty() || self.kinds.contains(&kind))
            && (self.brands.is_empty() || brand.is_some_and(|brand| self.brands.contains(brand)))
    }
}

impl Record for GoodwillBudget {
    const COLLECTION: &'static str = "goodwillBudgets";
    const TABLE: &'static str = "goodwill_budget";
    const FIELDS: &'static [Field] =
        &[text("region"), coded("currency"), date("valid_from", true), date("valid_to", false), text("external_ref")];

    fn code(&self) -> &str {
        self.code.as_str()
    }

    fn columns(&self) -> Vec<ColumnValue> {
        vec![
            text_value(&self.region),
            text_value(self.amount.currency.code()),
            ColumnValue::Date(Some(self.valid_from)),
            ColumnValue::Date(Some(self.valid_to)),
            text_value(&self.external_ref),
        ]
    }

    fn check(&self) -> Vec<Violation> {
        let mut checks = Checks::default();
        checks.filled(&self.region, "region");
        checks.lasts(self.valid_from, Some(self.valid_to));
        checks.not_negative(Some(self.amount), "amount");
        checks.distinct(&self.kinds, "kinds");
        checks.distinct(&self.brands, "brands");
        checks.found()
    }

    fn check_change(&self, before: &Self, today: NaiveDate) -> Vec<Violation> {
        let mut checks = Checks::default();
        checks.must(
            self.amount.currency == before.amount.currency,
            "amount",
            "CURRENCY_FIXED",
            "a budget keeps its currency; create another",
            "预算币种不可更改；请另建",
        );
        let kept = Self {
            amount: before.amount,
            valid_to: before.valid_to,
            external_ref: before.external_ref.clone(),
            ..self.clone()
        };
        checks.must(
            before.valid_from > today || &kept == before,
            "valid_from",
            "IN_FORCE",
            "a budget that has begun stays as it is, but for its amount and its end; create another",
            "已生效的预算除金额与终止日外不可修改；请另建",
        );
        checks.found()
    }

    fn audience(&self, _id: uuid::Uuid) -> Audience {
        // How much may be given away is not for those who ask for it.
        Audience::Oem
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn code(text: &str) -> Code {
        Code::parse(text).unwrap()
    }

    fn day(text: &str) -> NaiveDate {
        text.parse().unwrap()
    }

    fn budget(name: &str, kinds: &[Kind], brands: &[&str]) -> GoodwillBudget {
        GoodwillBudget {
            code: code(name),
            region: "EAST".to_owned(),
            valid_from: day("2026-10-01"),
            valid_to: day("2027-01-01"),
            amount: Money::new(Currency::CNY, 100_000),
            kinds: kinds.to_vec(),
            brands: brands.iter().map(|brand| code(brand)).collect(),
            external_ref: String::new(),
        }
    }

    fn granting<'c>(region: &'c str, brand: Option<&'c Code>, on: &str) -> Granting<'c> {
        Granting { region, currency: Currency::CNY, kind: Kind::WarrantyRepair, brand, day: day(on) }
    }

    #[test]
    fn a_budget_fits_its_region_currency_days_kinds_and_brands() {
        let (rc, xx) = (code("RC"), code("XX"));
        let all = budget("ALL", &[], &[]);
        let of = |budget: &GoodwillBudget, granting: Granting<'_>| GoodwillBudget::of([budget], &granting).is_some();
        assert!(of(&all, granting("EAST", None, "2026-10-01")), "the first day counts");
        assert!(!of(&all, granting("EAST", None, "2026-09-30")));
        assert!(of(&all, granting("EAST", None, "2026-12-31")));
        assert!(!of(&all, granting("EAST", None, "2027-01-01")), "the end is exclusive");
        assert!(!of(&all, granting("WEST", None, "2026-11-01")));
        let euro = Granting { currency: Currency::parse("EUR").unwrap(), ..granting("EAST", None, "2026-11-01") };
        assert!(!of(&all, euro));
        assert!(!of(&budget("K", &[Kind::RoadsideRescue], &[]), granting("EAST", None, "2026-11-01")));
        let branded = budget("B", &[], &["RC"]);
        assert!(of(&branded, granting("EAST", Some(&rc), "2026-11-01")));
        assert!(!of(&branded, granting("EAST", Some(&xx), "2026-11-01")));
        assert!(!of(&branded, granting("EAST", None, "2026-11-01")), "of an unknown vehicle no brand is known");
    }

    #[test]
    fn of_several_that_fit_the_one_that_names_most_counts_whatever_their_order() {
        let rc = code("RC");
        let mut late = budget("A-LATE", &[], &[]);
        late.valid_from = day("2026-11-01");
        let mut all = vec![
            budget("ALL", &[], &[]),
            late,
            budget("KIND", &[Kind::WarrantyRepair], &[]),
            budget("BOTH", &[Kind::WarrantyRepair], &["RC"]),
        ];
        for _ in 0..all.len() {
            all.rotate_left(1);
            let chosen = |granting| GoodwillBudget::of(&all, &granting).map(|budget| budget.code.as_str());
            assert_eq!(chosen(granting("EAST", Some(&rc), "2026-11-10")), Some("BOTH"));
            assert_eq!(chosen(granting("EAST", None, "2026-11-10")), Some("KIND"));
            let rescue = |on| Granting { kind: Kind::RoadsideRescue, ..granting("EAST", None, on) };
            assert_eq!(chosen(rescue("2026-11-10")), Some("A-LATE"));
            assert_eq!(chosen(rescue("2026-10-10")), Some("ALL"));
        }
    }

    #[test]
    fn what_has_begun_changes_its_amount_and_its_end_only() {
        let before = budget("B", &[], &[]);
        let rules = |after: &GoodwillBudget, today: &str| {
            after.check_change(&before, day(today)).into_iter().map(|found| found.rule).collect::<Vec<_>>()
        };
        let raised =
            GoodwillBudget { amount: Money::new(Currency::CNY, 1), valid_to: day("2027-02-01"), ..before.clone() };
        assert_eq!(rules(&raised, "2026-11-01"), [""; 0]);
        let moved = GoodwillBudget { region: "WEST".to_owned(), ..before.clone() };
        assert_eq!(rules(&moved, "2026-11-01"), ["IN_FORCE"]);
        assert_eq!(rules(&moved, "2026-09-30"), [""; 0]);
        let euro = GoodwillBudget { amount: Money::new(Currency::parse("EUR").unwrap(), 1), ..before.clone() };
        assert_eq!(rules(&euro, "2026-09-30"), ["CURRENCY_FIXED"]);
        let bad = GoodwillBudget {
            amount: Money::new(Currency::CNY, -1),
            valid_to: before.valid_from,
            region: " ".to_owned(),
            ..before.clone()
        };
        let fields: Vec<_> = bad.check().into_iter().map(|found| found.field).collect();
        assert_eq!(fields, ["region", "valid_to", "amount"]);
        assert_eq!(before.columns().len(), GoodwillBudget::FIELDS.len());
    }

    #[test]
    fn what_is_left_may_be_below_zero() {
        let cny = |minor| Money::new(Currency::CNY, minor);
        let used = BudgetUse { used: cny(70), reserved: cny(20) };
        assert_eq!(used.left_of(cny(100)), Ok(cny(10)));
        assert_eq!(used.left_of(cny(80)), Ok(cny(-10)));
        assert_eq!(BudgetUse::none(Currency::CNY).left_of(cny(5)), Ok(cny(5)));
    }
}
