//! Suppliers: who made the part, and what the manufacturer may recover from it.

use chrono::NaiveDate;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::common::{Address, BankAccount, Checks, Contact, coded, text, text_value, title, title_value};
use super::dated::{Dated, DatedList, DatedValue};
use super::record::{ColumnValue, Field, Record};
use crate::change::Audience;
use crate::ids::{Code, OrgId};
use crate::money::{BasisPoints, Currency, Money};
use crate::text::Violation;

/// A supplier of parts. Stations never see its contract.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Supplier {
    /// Its code: `S-017`.
    pub code: Code,
    /// The code as the supplier writes it, if that has other characters.
    pub display_code: String,
    /// Name.
    pub display_name: String,
    /// Where it is.
    pub address: Address,
    /// Whom to call.
    pub contact: Contact,
    /// The one currency of its recoveries and statements.
    pub currency: Currency,
    /// Number at the tax office.
    pub tax_number: String,
    /// Where its money comes from or goes to.
    pub bank_account: Option<BankAccount>,
    /// What may be recovered, by category of parts.
    pub recovery_contracts: DatedList<RecoveryContract>,
    /// Its key in the system of whoever created it.
    pub external_ref: String,
}

/// What the contract with a supplier says on recovery for one category of parts.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RecoveryContract {
    /// The category; none: all that have no row of their own.
    pub part_category: Option<Code>,
    /// Share of the parts' recovery price that is charged.
    pub part_factor_bp: BasisPoints,
    /// Share of labour.
    pub labor_factor_bp: BasisPoints,
    /// Share of travel and towing.
    pub travel_factor_bp: BasisPoints,
    /// Share of everything else.
    pub other_factor_bp: BasisPoints,
    /// What handling costs on top.
    pub handling_fee: Option<HandlingFee>,
    /// Most that one claim may charge.
    pub ceiling_per_claim: Option<Money>,
    /// Below this nothing is charged.
    pub minimum: Option<Money>,
    /// Days in which the supplier answers.
    pub answer_days: i32,
    /// Silence confirms (with proof of delivery); otherwise it escalates.
    pub deemed_clause: bool,
    /// Goodwill is charged too.
    pub covers_goodwill: bool,
}

/// A handling fee: a fixed amount, or a share of what is recovered up to a cap.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct HandlingFee {
    /// Fixed amount per recovery.
    pub fixed_amount: Option<Money>,
    /// Share of what is recovered.
    pub rate_bp: Option<BasisPoints>,
    /// Most that the share may come to.
    pub cap: Option<Money>,
}

impl DatedValue for RecoveryContract {
    fn key(&self) -> String {
        self.part_category.as_ref().map(ToString::to_string).unwrap_or_default()
    }
}

impl RecoveryContract {
    fn check(&self, field: &str, currency: Currency) -> Vec<Violation> {
        let mut checks = Checks::default();
        for (factor, name) in [
            (self.part_factor_bp, "part_factor_bp"),
            (self.labor_factor_bp, "labor_factor_bp"),
            (self.travel_factor_bp, "travel_factor_bp"),
            (self.other_factor_bp, "other_factor_bp"),
        ] {
            // Contracts on labour go above 100 %: the station's hour costs more than the supplier's.
            let holds = (0..=50_000).contains(&factor.0);
            checks.must(
                holds,
                &format!("{field}.{name}"),
                "OUT_OF_RANGE",
                "is 0 to 50000 basis points",
                "应为 0 至 50000 个基点",
            );
        }
        let mut amounts = vec![(self.ceiling_per_claim, "ceiling_per_claim"), (self.minimum, "minimum")];
        if let Some(fee) = &self.handling_fee {
            let holds =
                fee.fixed_amount.is_some() != fee.rate_bp.is_some() && (fee.cap.is_none() || fee.rate_bp.is_some());
            let field = format!("{field}.handling_fee");
            checks.must(
                holds,
                &field,
                "ONE_OF",
                "give either fixed_amount, or rate_bp with or without a cap",
                "请填写 fixed_amount，或 rate_bp（可附 cap），二者择一",
            );
            if let Some(rate) = fee.rate_bp {
                checks.share(rate, &format!("{field}.rate_bp"));
            }
            amounts.extend([(fee.fixed_amount, "handling_fee.fixed_amount"), (fee.cap, "handling_fee.cap")]);
        }
        for (amount, name) in amounts {
            let field = format!("{field}.{name}");
            checks.not_negative(amount, &field);
            let holds = amount.is_none_or(|amount| amount.currency == currency);
            checks.must(holds, &field, "CURRENCY", "must be in the supplier's currency", "币种必须与供应商一致");
        }
        let holds = (1..=365).contains(&self.answer_days);
        checks.must(holds, &format!("{field}.answer_days"), "OUT_OF_RANGE", "is 1 to 365 days", "应为 1 至 365 天");
        checks.found()
    }
}

impl Supplier {
    /// The contract for a category of parts at a date: its own row, else the row for all.
    pub fn contract_on(&self, date: NaiveDate, part_category: &Code) -> Option<&Dated<RecoveryContract>> {
        self.recovery_contracts
            .on(date, |contract| contract.part_category.as_ref() == Some(part_category))
            .or_else(|| self.recovery_contracts.on(date, |contract| contract.part_category.is_none()))
    }
}

impl Record for Supplier {
    const COLLECTION: &'static str = "suppliers";
    const TABLE: &'static str = "supplier";
    const FIELDS: &'static [Field] = &[title("display_name"), coded("currency"), text("external_ref")];

    fn code(&self) -> &str {
        self.code.as_str()
    }

    fn columns(&self) -> Vec<ColumnValue> {
        vec![title_value(&self.display_name), text_value(self.currency.code()), text_value(&self.external_ref)]
    }

    fn check(&self) -> Vec<Violation> {
        let mut checks = Checks::default();
        checks.filled(&self.display_name, "display_name");
        checks.all(self.recovery_contracts.check("recovery_contracts"));
        for (index, row) in self.recovery_contracts.0.iter().enumerate() {
            checks.all(row.value.check(&format!("recovery_contracts[{index}]"), self.currency));
        }
        checks.found()
    }

    fn check_change(&self, before: &Self, today: NaiveDate) -> Vec<Violation> {
        let mut checks = Checks::default();
        checks.must(
            self.currency == before.currency,
            "currency",
            "IMMUTABLE",
            "a supplier keeps its currency; recoveries and statements are written in it",
            "供应商币种不可更改；其追偿单与结算单均以该币种记账",
        );
        checks.all(self.recovery_contracts.check_change(&before.recovery_contracts, today, "recovery_contracts"));
        checks.found()
    }

    fn audience(&self, id: Uuid) -> Audience {
        // Not everyone: that a contract changed is itself a secret between two parties.
        Audience::Organizations(vec![OrgId(id)])
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn contract(category: Option<&str>) -> RecoveryContract {
        RecoveryContract {
            part_category: category.map(|category| Code::parse(category).unwrap()),
            part_factor_bp: BasisPoints(10_000),
            labor_factor_bp: BasisPoints(8_000),
            travel_factor_bp: BasisPoints(0),
            other_factor_bp: BasisPoints(0),
            handling_fee: None,
            ceiling_per_claim: None,
            minimum: None,
            answer_days: 15,
            deemed_clause: false,
            covers_goodwill: false,
        }
    }

    fn supplier(contracts: Vec<RecoveryContract>) -> Supplier {
        let row = |(id, value)| Dated {
            id: Uuid::from_u128(id),
            valid_from: "2026-01-01".parse().unwrap(),
            valid_to: None,
            value,
        };
        Supplier {
            code: Code::parse("S-017").unwrap(),
            display_code: String::new(),
            display_name: "燃油泵厂".to_owned(),
            address: Address::default(),
            contact: Contact::default(),
            currency: Currency::CNY,
            tax_number: String::new(),
            bank_account: None,
            recovery_contracts: DatedList((1..).zip(contracts).map(row).collect()),
            external_ref: String::new(),
        }
    }

    #[test]
    fn the_categorys_own_row_comes_before_the_row_for_all() {
        let supplier = supplier(vec![contract(None), contract(Some("FUEL"))]);
        assert_eq!(supplier.check(), []);
        let found = |category: &str| {
            let category = Code::parse(category).unwrap();
            supplier.contract_on("2026-05-01".parse().unwrap(), &category).map(|row| row.id.as_u128())
        };
        assert_eq!((found("FUEL"), found("BRAKE")), (Some(2), Some(1)));
    }

    #[test]
    fn a_handling_fee_is_fixed_or_a_share() {
        let fee = |fixed: Option<i64>, rate: Option<i64>, cap: Option<i64>| {
            let money = |minor: Option<i64>| minor.map(|minor| Money::new(Currency::CNY, minor));
            let fee = HandlingFee { fixed_amount: money(fixed), rate_bp: rate.map(BasisPoints), cap: money(cap) };
            let contract = RecoveryContract { handling_fee: Some(fee), ..contract(None) };
            supplier(vec![contract]).check().into_iter().map(|violation| violation.rule).collect::<Vec<_>>()
        };
        assert_eq!(fee(Some(1), None, None), [""; 0]);
        assert_eq!(fee(None, Some(500), Some(1)), [""; 0]);
        assert_eq!(fee(None, None, None), ["ONE_OF"]);
        assert_eq!(fee(Some(1), Some(500), None), ["ONE_OF"]);
        assert_eq!(fee(Some(1), None, Some(1)), ["ONE_OF"]);
    }
}
