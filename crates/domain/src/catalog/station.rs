//! Service stations: who repairs, and by which contract it is paid.

use chrono::NaiveDate;
use serde::{Deserialize, Serialize};

use super::common::{Address, BankAccount, Checks, Contact, coded, text, text_value, title, title_value};
use super::dated::{DatedList, DatedValue};
use super::record::{ColumnValue, Field, Record};
use crate::ids::Code;
use crate::money::{BasisPoints, Currency, Money};
use crate::text::Violation;

/// A service station (服务站). Others than its own people and the manufacturer see name, address and hours.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Station {
    /// Its code: `S-001`.
    pub code: Code,
    /// The code as the dealer writes it, if that has other characters.
    pub display_code: String,
    /// Name.
    pub display_name: String,
    /// Where it is.
    pub address: Address,
    /// Whom to call.
    pub contact: Contact,
    /// When it is open, in words.
    pub opening_hours: String,
    /// Sales region of the manufacturer.
    pub region: String,
    /// Brands it repairs; empty means all.
    pub brands: Vec<Code>,
    /// Grade, which decides the labour rate unless the station has its own; of days on which no row of `grades` is in
    /// force.
    pub grade: Option<Code>,
    /// Its grades by day: a station that rises keeps the rate of its former grade for repairs of before.
    #[serde(default)]
    pub grades: DatedList<StationGrade>,
    /// The one currency of its claims and statements.
    pub currency: Currency,
    /// How parts are paid.
    pub payment_contract: PaymentContract,
    /// Its own labour rates; where none is in force its grade's counts.
    pub labor_rates: DatedList<LaborRate>,
    /// Markups on dealer net prices, for [`PaymentContract::DealerNetPlusMarkup`].
    pub markups: DatedList<Markup>,
    /// Number at the tax office.
    pub tax_number: String,
    /// How it is taxed.
    pub tax_scheme: TaxScheme,
    /// Where its money goes.
    pub bank_account: Option<BankAccount>,
    /// Work places: as many appointments fit into one time slot.
    pub bays: i32,
    /// Who keeps its repair orders.
    pub repair_order_system: RepairOrderSystem,
    /// Claims up to this amount may be approved without review, if the rules of the deployment say so.
    pub self_approval_limit: Option<Money>,
    /// Its key in the system of whoever created it.
    pub external_ref: String,
}

/// How a station is paid for parts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum PaymentContract {
    /// The part's claim price.
    ClaimPrice,
    /// The part's dealer net price and the station's markup.
    DealerNetPlusMarkup,
}

/// How a station is taxed; with the category of a line it decides the rate.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum TaxScheme {
    /// General taxpayer (一般纳税人).
    General,
    /// Simple method (小规模纳税人).
    Simplified,
    /// Not registered: invoices carry no tax.
    Exempt,
}

/// Who keeps a station's repair orders.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum RepairOrderSystem {
    /// This system.
    Native,
    /// The dealer's own; claims name its repair order and job.
    External,
}

/// What an hour of warranty work costs.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LaborRate {
    /// By day.
    pub rate: Money,
    /// By night, if it differs.
    pub night_rate: Option<Money>,
}

impl LaborRate {
    /// What an hour costs by day, or by night.
    pub fn of(&self, by_night: bool) -> Money {
        self.night_rate.filter(|_| by_night).unwrap_or(self.rate)
    }
}

/// A grade that a station has for some days.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct StationGrade {
    /// The grade.
    pub grade: Code,
}

/// What a station adds to dealer net prices.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Markup {
    /// In basis points of the net price: 1500 are 15 %.
    pub markup_bp: BasisPoints,
}

impl DatedValue for LaborRate {
    fn key(&self) -> String {
        self.rate.currency.to_string()
    }
}

impl DatedValue for StationGrade {
    fn key(&self) -> String {
        String::new()
    }
}

impl DatedValue for Markup {
    fn key(&self) -> String {
        String::new()
    }
}

impl LaborRate {
    /// What is wrong with a rate at `field` that must be in `currency`, or in one of its own if none.
    pub(super) fn check(&self, field: &str, currency: Currency) -> Vec<Violation> {
        let mut checks = Checks::default();
        for (amount, name) in [(Some(self.rate), "rate"), (self.night_rate, "night_rate")] {
            let field = format!("{field}.{name}");
            checks.not_negative(amount, &field);
            let holds = amount.is_none_or(|amount| amount.currency == currency);
            checks.must(holds, &field, "CURRENCY", "must be in the station's or row's one currency", "币种必须一致");
        }
        checks.found()
    }
}

impl Station {
    /// The grade on a date.
    pub fn grade_on(&self, date: NaiveDate) -> Option<&Code> {
        self.grades.on(date, |_| true).map(|row| &row.value.grade).or(self.grade.as_ref())
    }

    /// The markup at a date.
    pub fn markup_on(&self, date: NaiveDate) -> Option<BasisPoints> {
        self.markups.on(date, |_| true).map(|row| row.value.markup_bp)
    }
}

impl Record for Station {
    const COLLECTION: &'static str = "stations";
    const TABLE: &'static str = "station";
    const FIELDS: &'static [Field] =
        &[title("display_name"), text("region"), coded("grade"), coded("currency"), text("external_ref")];

    fn code(&self) -> &str {
        self.code.as_str()
    }

    fn columns(&self) -> Vec<ColumnValue> {
        vec![
            title_value(&self.display_name),
            text_value(&self.region),
            super::common::code_value(self.grade.as_ref()),
            text_value(self.currency.code()),
            text_value(&self.external_ref),
        ]
    }

    fn check(&self) -> Vec<Violation> {
        let mut checks = Checks::default();
        checks.filled(&self.display_name, "display_name");
        checks.distinct(&self.brands, "brands");
        checks.must(self.bays >= 0, "bays", "NEGATIVE", "must not be below zero", "不能为负数");
        checks.all(self.labor_rates.check("labor_rates"));
        for (index, row) in self.labor_rates.0.iter().enumerate() {
            checks.all(row.value.check(&format!("labor_rates[{index}]"), self.currency));
        }
        checks.all(self.grades.check("grades"));
        checks.all(self.markups.check("markups"));
        for (index, row) in self.markups.0.iter().enumerate() {
            let markup = row.value.markup_bp.0;
            // A discount is negative; nothing is more than twelve times its net price.
            let holds = (-10_000..=100_000).contains(&markup);
            let field = format!("markups[{index}].markup_bp");
            checks.must(
                holds,
                &field,
                "OUT_OF_RANGE",
                "is -10000 to 100000 basis points",
                "应为 -10000 至 100000 个基点",
            );
        }
        checks.not_negative(self.self_approval_limit, "self_approval_limit");
        let holds = self.self_approval_limit.is_none_or(|limit| limit.currency == self.currency);
        checks.must(
            holds,
            "self_approval_limit",
            "CURRENCY",
            "must be in the station's currency",
            "币种必须与服务站一致",
        );
        checks.found()
    }

    fn check_change(&self, before: &Self, today: NaiveDate) -> Vec<Violation> {
        let mut checks = Checks::default();
        checks.must(
            self.currency == before.currency,
            "currency",
            "IMMUTABLE",
            "a station keeps its currency; claims and statements are written in it",
            "服务站币种不可更改；其索赔单与结算单均以该币种记账",
        );
        checks.all(self.labor_rates.check_change(&before.labor_rates, today, "labor_rates"));
        checks.all(self.grades.check_change(&before.grades, today, "grades"));
        checks.all(self.markups.check_change(&before.markups, today, "markups"));
        checks.found()
    }
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;
    use crate::catalog::dated::Dated;

    fn station() -> Station {
        Station {
            code: Code::parse("S-001").unwrap(),
            display_code: String::new(),
            display_name: "浦东服务站".to_owned(),
            address: Address::default(),
            contact: Contact::default(),
            opening_hours: String::new(),
            region: "EAST".to_owned(),
            brands: Vec::new(),
            grade: Some(Code::parse("A").unwrap()),
            grades: DatedList::default(),
            currency: Currency::CNY,
            payment_contract: PaymentContract::ClaimPrice,
            labor_rates: DatedList::default(),
            markups: DatedList::default(),
            tax_number: String::new(),
            tax_scheme: TaxScheme::General,
            bank_account: None,
            bays: 8,
            repair_order_system: RepairOrderSystem::External,
            self_approval_limit: None,
            external_ref: String::new(),
        }
    }

    #[test]
    fn rates_are_in_the_stations_currency() {
        let mut station = station();
        assert_eq!(station.check(), []);
        let euro = Currency::parse("EUR").unwrap();
        station.labor_rates.0.push(Dated {
            id: Uuid::nil(),
            valid_from: "2026-01-01".parse().unwrap(),
            valid_to: None,
            value: LaborRate { rate: Money::new(euro, 1), night_rate: Some(Money::new(Currency::CNY, -1)) },
        });
        let rules: Vec<_> = station.check().into_iter().map(|violation| (violation.field, violation.rule)).collect();
        assert_eq!(
            rules,
            [("labor_rates[0].rate".to_owned(), "CURRENCY"), ("labor_rates[0].night_rate".to_owned(), "NEGATIVE"),]
        );
    }

    #[test]
    fn a_grade_counts_on_its_days_and_the_plain_one_on_all_others() {
        let day = |text: &str| text.parse::<NaiveDate>().unwrap();
        let row = |id, from: &str, to: Option<&str>, grade: &str| Dated {
            id: Uuid::from_u128(id),
            valid_from: day(from),
            valid_to: to.map(day),
            value: StationGrade { grade: Code::parse(grade).unwrap() },
        };
        let mut station = station();
        station.grades.0 = vec![row(1, "2026-03-01", Some("2026-06-01"), "B"), row(2, "2026-09-01", None, "C")];
        assert_eq!(station.check(), []);
        for (date, grade) in [
            ("2026-02-28", "A"),
            ("2026-03-01", "B"),
            ("2026-05-31", "B"),
            ("2026-06-01", "A"),
            ("2026-09-01", "C"),
            ("2030-01-01", "C"),
        ] {
            assert_eq!(station.grade_on(day(date)).map(Code::as_str), Some(grade), "{date}");
        }
        let mut twice = station.clone();
        twice.grades.0.push(row(3, "2026-05-01", Some("2026-05-02"), "D"));
        assert!(!twice.check().is_empty(), "one grade at a time");
        let mut rewritten = station.clone();
        rewritten.grades.0[0].value.grade = Code::parse("D").unwrap();
        assert!(!rewritten.check_change(&station, day("2026-05-01")).is_empty(), "a row that has begun stays");
        station.grade = None;
        assert_eq!(station.grade_on(day("2026-02-28")), None);
    }

    #[test]
    fn a_station_keeps_its_currency() {
        let before = station();
        let after = Station { currency: Currency::parse("EUR").unwrap(), ..before.clone() };
        let rules: Vec<_> =
            after.check_change(&before, "2026-01-01".parse().unwrap()).into_iter().map(|v| v.rule).collect();
        assert_eq!(rules, ["IMMUTABLE"]);
    }

    #[test]
    fn columns_stand_in_the_order_of_the_fields() {
        assert_eq!(station().columns().len(), Station::FIELDS.len());
    }
}
