//! Goodwill budgets: the message of the contract ⇄ the record of the domain.

use recourse_domain::catalog::goodwill_budget::BudgetUse;
use recourse_domain::catalog::{GoodwillBudget, Stored};
use recourse_domain::money::{Currency, Money, MoneyError};
use recourse_domain::text::Violation;
use recourse_proto::v1;

use super::organizations::codes;
use super::review_queues::{read_kinds, show_kinds};
use super::{Reader, date, etag, money, timestamp};

/// The budget as its reader sees it, without what is used of it: that stands beside the record.
pub(crate) fn show(stored: &Stored<GoodwillBudget>) -> v1::GoodwillBudget {
    let GoodwillBudget { code, region, valid_from, valid_to, amount, kinds, brands, external_ref } = &stored.value;
    v1::GoodwillBudget {
        name: format!("goodwillBudgets/{code}"),
        etag: etag(stored.version),
        region: region.clone(),
        valid_from: date(*valid_from),
        valid_to: date(*valid_to),
        amount: money(*amount),
        kinds: show_kinds(kinds),
        brands: codes(brands),
        used: None,
        reserved: None,
        left: None,
        external_ref: external_ref.clone(),
        active: stored.retire_time.is_none(),
        create_time: timestamp(stored.create_time),
        update_time: timestamp(stored.update_time),
        retire_time: stored.retire_time.and_then(timestamp),
    }
}

/// The same with what decisions have of it.
pub(crate) fn show_use(
    message: v1::GoodwillBudget,
    of_budget: Option<BudgetUse>,
) -> Result<v1::GoodwillBudget, MoneyError> {
    let Some(amount) = &message.amount else { return Ok(message) };
    let currency = Currency::parse(&amount.currency_code)?;
    let amount = Money::from_units_nanos(currency, amount.units, amount.nanos)?;
    let of_budget = of_budget.unwrap_or(BudgetUse::none(currency));
    Ok(v1::GoodwillBudget {
        used: money(of_budget.used),
        reserved: money(of_budget.reserved),
        left: money(of_budget.left_of(amount)?),
        ..message
    })
}

/// The record under a code.
pub(crate) fn read(message: v1::GoodwillBudget, code: &str) -> Result<GoodwillBudget, Vec<Violation>> {
    let v1::GoodwillBudget {
        name: _,
        etag: _,
        region,
        valid_from,
        valid_to,
        amount,
        kinds,
        brands,
        used: _,
        reserved: _,
        left: _,
        external_ref,
        active: _,
        create_time: _,
        update_time: _,
        retire_time: _,
    } = message;
    let mut reader = Reader::default();
    let code = reader.code("name", code);
    let valid_from = reader.needed_date("valid_from", valid_from.as_ref());
    let valid_to = reader.needed_date("valid_to", valid_to.as_ref());
    let amount = reader.needed_money("amount", amount.as_ref());
    let kinds = read_kinds(&mut reader, "kinds", &kinds);
    let named = brands.iter().enumerate();
    let brands = named.filter_map(|(index, brand)| reader.code(&format!("brands[{index}]"), brand)).collect();
    reader.whole(|| {
        Some(GoodwillBudget {
            code: code?,
            region: region.trim().to_owned(),
            valid_from: valid_from?,
            valid_to: valid_to?,
            amount: amount?,
            kinds,
            brands,
            external_ref,
        })
    })
}
