//! Rates between currencies, each from a day on: at which a recovery is charged to a supplier of another currency.

use chrono::NaiveDate;
use serde::{Deserialize, Serialize};

use super::common::{Checks, coded, date, text, text_value};
use super::record::{ColumnValue, Field, Record};
use crate::change::Audience;
use crate::ids::Code;
use crate::money::{Currency, ExchangeFactor};
use crate::text::Violation;

/// A rate between two currencies, from a day on.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ExchangeRate {
    /// Its code: `CNY-EUR-2026-11`.
    pub code: Code,
    /// The currency that is exchanged.
    pub base: Currency,
    /// The currency in which the rate is told.
    pub quote: Currency,
    /// What so many units of the base cost.
    pub factor: ExchangeFactor,
    /// How many: small currencies are quoted by the hundred or more.
    pub base_units: i64,
    /// First day on which it counts.
    pub valid_from: NaiveDate,
    /// Who published it.
    pub source: String,
    /// Its key in the system of whoever created it.
    pub external_ref: String,
}

impl ExchangeRate {
    /// The rate in force on a day: of one pair the one that began last, of those the one with the first code. A rate
    /// is never turned round: what a deployment buys at is not what it sells at.
    pub fn on(rates: &[Self], base: Currency, quote: Currency, day: NaiveDate) -> Option<&Self> {
        rates
            .iter()
            .filter(|rate| rate.base == base && rate.quote == quote && rate.valid_from <= day)
            .min_by_key(|rate| (std::cmp::Reverse(rate.valid_from), &rate.code))
    }
}

impl Record for ExchangeRate {
    const COLLECTION: &'static str = "exchangeRates";
    const TABLE: &'static str = "exchange_rate";
    const FIELDS: &'static [Field] =
        &[coded("base_currency"), coded("quote_currency"), date("valid_from", true), text("external_ref")];

    fn code(&self) -> &str {
        self.code.as_str()
    }

    fn columns(&self) -> Vec<ColumnValue> {
        vec![
            text_value(self.base.code()),
            text_value(self.quote.code()),
            ColumnValue::Date(Some(self.valid_from)),
            text_value(&self.external_ref),
        ]
    }

    fn check(&self) -> Vec<Violation> {
        let mut checks = Checks::default();
        checks.must(
            self.base != self.quote,
            "quote_currency",
            "SAME_CURRENCY",
            "a rate is between two currencies",
            "汇率应为两种不同货币之间",
        );
        checks.must(self.factor.0 > 0, "rate", "OUT_OF_RANGE", "must be above zero", "必须大于零");
        checks.must(
            [1, 10, 100, 1_000, 10_000, 1_000_000].contains(&self.base_units),
            "base_units",
            "OUT_OF_RANGE",
            "is 1, 10, 100, 1000, 10000 or 1000000",
            "应为 1、10、100、1000、10000 或 1000000",
        );
        checks.found()
    }

    fn check_change(&self, before: &Self, today: NaiveDate) -> Vec<Violation> {
        let mut checks = Checks::default();
        let frozen = Self { external_ref: self.external_ref.clone(), ..before.clone() };
        checks.must(
            before.valid_from > today || *self == frozen,
            "rate",
            "IN_FORCE",
            "a rate in force stays as it is; create another with a later valid_from",
            "已生效的汇率不可修改；请另建一条 valid_from 更晚的汇率",
        );
        checks.found()
    }

    fn audience(&self, _id: uuid::Uuid) -> Audience {
        Audience::Oem
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;

    pub(crate) fn rate(code: &str, from: &str, factor: &str) -> ExchangeRate {
        ExchangeRate {
            code: Code::parse(code).unwrap(),
            base: Currency::CNY,
            quote: Currency::parse("EUR").unwrap(),
            factor: ExchangeFactor::parse(factor).unwrap(),
            base_units: 1,
            valid_from: from.parse().unwrap(),
            source: "PBOC".to_owned(),
            external_ref: String::new(),
        }
    }

    #[test]
    fn the_rate_that_began_last_counts_in_its_direction_only() {
        let rates = [rate("B", "2026-11-01", "0.13"), rate("A", "2026-11-01", "0.12"), rate("C", "2026-10-01", "0.11")];
        let eur = Currency::parse("EUR").unwrap();
        let on = |base, quote, day: &str| {
            ExchangeRate::on(&rates, base, quote, day.parse().unwrap()).map(|rate| rate.code.to_string())
        };
        assert_eq!(on(Currency::CNY, eur, "2026-11-20").as_deref(), Some("A"));
        assert_eq!(on(Currency::CNY, eur, "2026-10-31").as_deref(), Some("C"));
        assert_eq!(on(Currency::CNY, eur, "2026-09-30"), None);
        assert_eq!(on(eur, Currency::CNY, "2026-11-20"), None);
    }

    #[test]
    fn a_rate_in_force_stays_as_it_is() {
        let rules = |violations: Vec<Violation>| violations.into_iter().map(|found| found.rule).collect::<Vec<_>>();
        let today = "2026-11-20".parse().unwrap();
        let (now, later) = (rate("A", "2026-11-01", "0.12"), rate("A", "2026-12-01", "0.12"));
        let other = |rate: &ExchangeRate| ExchangeRate { factor: ExchangeFactor(1), ..rate.clone() };
        assert_eq!(rules(other(&now).check_change(&now, today)), ["IN_FORCE"]);
        assert_eq!(other(&later).check_change(&later, today), []);
        assert_eq!(now.check(), []);
        let wrong = ExchangeRate { quote: Currency::CNY, factor: ExchangeFactor(0), base_units: 7, ..now };
        assert_eq!(rules(wrong.check()), ["SAME_CURRENCY", "OUT_OF_RANGE", "OUT_OF_RANGE"]);
        assert_eq!(wrong.columns().len(), ExchangeRate::FIELDS.len());
    }
}
