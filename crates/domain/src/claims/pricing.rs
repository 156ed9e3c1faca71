//! What the system computes for each line, from the prices of the day on which the repair was completed.
//!
//! Each amount is one product, rounded once. It is stored with the row of the list it comes from, and frozen
//! by a submission: a price that is back-dated later moves nothing.

use chrono::NaiveDate;

use super::campaigns::payable;
use super::draft::MAX_AMOUNT_MINOR;
use super::facts::Facts;
use super::line::{LineContent, LinePricing, LineType, PriceSource, PriceSourceKind};
use super::{Claim, EntitlementChoice, Kind, Line, rescue};
use crate::catalog::{Dated, LaborOperation, Part, PaymentContract, PriceKind};
use crate::money::{Factor, Hours, Money, MoneyError, Quantity};

/// What became of a line's computation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Computed {
    /// An amount.
    Amount {
        /// Price per piece or rate per hour.
        unit_price: Option<Money>,
        /// Where it comes from.
        source: PriceSource,
        /// The amount.
        amount: Money,
    },
    /// No price or rate is in force.
    NoPrice(MissingPrice),
    /// The line names nothing that has a price: other findings say so.
    NothingToPrice,
    /// The amount is too large.
    OutOfRange,
}

/// Which price or rate is missing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MissingPrice {
    /// The part's claim price.
    ClaimPrice,
    /// The part's dealer net price.
    DealerNet,
    /// The station's mark-up.
    Markup,
    /// The labour rate of station or grade.
    LaborRate,
    /// The operation's standard hours.
    StandardHours,
    /// The tariff, or its rate for this sort of trip.
    Tariff,
    /// The fee, in the station's currency.
    Fee,
}

impl MissingPrice {
    /// What the price is called in findings.
    pub fn word(self) -> &'static str {
        match self {
            MissingPrice::ClaimPrice => "claim price",
            MissingPrice::DealerNet => "dealer net price",
            MissingPrice::Markup => "mark-up",
            MissingPrice::LaborRate => "labour rate",
            MissingPrice::StandardHours => "standard hours",
            MissingPrice::Tariff => "tariff",
            MissingPrice::Fee => "fee",
        }
    }
}

/// The hours of a labour line that are paid, and the standard they are held against.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PaidHours {
    /// What the operation allows on this vehicle: its standard, or its cap where actual hours count.
    pub allowed: Hours,
    /// What is paid: what is claimed, up to what is allowed, and additional hours on top for the auditor to
    /// judge.
    pub paid: Hours,
}

/// Computes every line of a claim for information or for a submission.
pub fn price(claim: &mut Claim, facts: &Facts) {
    let lines = claim.lines.iter().enumerate();
    let pricings: Vec<LinePricing> = lines.map(|(position, line)| pricing(claim, position, line, facts)).collect();
    for (line, pricing) in claim.lines.iter_mut().zip(pricings) {
        line.pricing = Some(pricing);
    }
    keep_within_authorizations(claim, facts);
}

/// What is done by prior leave is paid up to what is left of it.
fn keep_within_authorizations(claim: &mut Claim, facts: &Facts) {
    for authorization in facts.authorizations.iter().filter(|one| one.currency == claim.currency) {
        for planned in authorization.plan(claim).iter().filter(|planned| planned.item.is_some()) {
            let Some(line) = claim.lines.iter_mut().find(|line| line.number == planned.line) else { continue };
            let Some(pricing) = &mut line.pricing else { continue };
            pricing.computed = pricing
                .computed
                .map(|computed| Money { minor: computed.minor.min(planned.left_amount.minor), ..computed });
            if line.content.requested_amount.is_none() {
                pricing.requested = pricing.computed.unwrap_or(pricing.requested);
            }
        }
    }
}

fn pricing(claim: &Claim, position: usize, line: &Line, facts: &Facts) -> LinePricing {
    let (unit_price, source, computed) =
        match compute_line(claim, position, &payable(claim, position, line, facts), facts) {
            Computed::Amount { unit_price, source, amount } => (unit_price, Some(source), Some(amount)),
            Computed::NoPrice(_) | Computed::NothingToPrice | Computed::OutOfRange => (None, None, None),
        };
    let requested = line.content.requested_amount.or(computed).unwrap_or(Money::zero(claim.currency));
    LinePricing { requested, unit_price, source, computed }
}

/// The day whose prices count: the repair's completion. A draft that does not know it yet is told today's.
pub fn price_date(claim: &Claim, facts: &Facts) -> NaiveDate {
    claim.header.repair_completion_date.unwrap_or(facts.today)
}

/// Computes one line at its place: the nth trip, the one maintenance, the tow that comes after others.
pub fn compute_line(claim: &Claim, position: usize, line: &LineContent, facts: &Facts) -> Computed {
    let computed = match line.line_type {
        LineType::Travel => rescue::travel(claim, position, facts),
        LineType::MaintenanceFee => Ok(fee(claim, position, facts)),
        LineType::Towing => Ok(invoice(claim, line, rescue::towing_left(claim, position, facts), facts)),
        LineType::Part
        | LineType::Labor
        | LineType::Diagnosis
        | LineType::ExternalPart
        | LineType::Sublet
        | LineType::CourtesyCar
        | LineType::Freight
        | LineType::Allowance => Ok(compute(claim, line, facts)),
    };
    match computed {
        // What no line may ask for none is computed at either: sums of the books stay far from the type's limit.
        Ok(Computed::Amount { amount, .. }) if amount.minor > MAX_AMOUNT_MINOR => Computed::OutOfRange,
        Ok(computed) => computed,
        Err(_) => Computed::OutOfRange,
    }
}

/// The fee of the entitlement that the claim uses, on the first line that asks for it.
fn fee(claim: &Claim, position: usize, facts: &Facts) -> Computed {
    let asks_first = claim.lines.iter().position(|line| line.content.line_type == LineType::MaintenanceFee);
    if asks_first != Some(position) {
        return Computed::NothingToPrice;
    }
    let (fee, policy, valid_from) = match claim.entitlement(facts) {
        EntitlementChoice::Issued(issued) => (issued.fee, issued.policy.clone(), issued.first_day),
        EntitlementChoice::OfPolicy { policy, service, warranty_start } => {
            (service.fee, Some(policy.code.clone()), warranty_start)
        }
        EntitlementChoice::Missing => return Computed::NoPrice(MissingPrice::Fee),
    };
    if fee.currency != claim.currency {
        return Computed::NoPrice(MissingPrice::Fee);
    }
    let source = PriceSource {
        kind: PriceSourceKind::Policy,
        row: None,
        valid_from: Some(valid_from),
        price_date: Some(price_date(claim, facts)),
        markup: None,
        list: policy.map(|policy| format!("warrantyPolicies/{policy}")),
    };
    Computed::Amount { unit_price: None, source, amount: fee }
}

/// Computes a line that does not depend on its place.
fn compute(claim: &Claim, line: &LineContent, facts: &Facts) -> Computed {
    let computed = match line.line_type {
        LineType::Part => part(claim, line, facts),
        LineType::Labor | LineType::Diagnosis => labor(claim, line, facts),
        LineType::ExternalPart | LineType::Sublet | LineType::CourtesyCar | LineType::Freight => {
            Ok(invoice(claim, line, None, facts))
        }
        // What a damage is worth has no list: it is what is asked, for the appraisal and the auditor to judge.
        LineType::Allowance if claim.kind == Kind::CompensationAppraisal => Ok(invoice(claim, line, None, facts)),
        LineType::Travel | LineType::MaintenanceFee | LineType::Towing | LineType::Allowance => {
            Ok(Computed::NoPrice(MissingPrice::Tariff))
        }
    };
    computed.unwrap_or(Computed::OutOfRange)
}

/// Quantity × claim price, or × dealer net × (1 + mark-up), by the station's contract.
fn part(claim: &Claim, line: &LineContent, facts: &Facts) -> Result<Computed, MoneyError> {
    let Some(part) = line.part.as_ref().and_then(|code| facts.parts.get(code)) else {
        return Ok(Computed::NothingToPrice);
    };
    let Some(quantity) = line.quantity else { return Ok(Computed::NothingToPrice) };
    match facts.station.payment_contract {
        PaymentContract::ClaimPrice => claim_price(claim, part, quantity, facts),
        PaymentContract::DealerNetPlusMarkup => dealer_net(claim, part, quantity, facts),
    }
}

fn claim_price(claim: &Claim, part: &Part, quantity: Quantity, facts: &Facts) -> Result<Computed, MoneyError> {
    let date = price_date(claim, facts);
    let Some(row) = part.price_on(PriceKind::Claim, date, claim.currency) else {
        return Ok(Computed::NoPrice(MissingPrice::ClaimPrice));
    };
    let price = row.value.price;
    Ok(Computed::Amount {
        unit_price: Some(price),
        source: source(PriceSourceKind::ClaimPrice, row, date),
        amount: price.times_quantity(quantity)?,
    })
}

fn dealer_net(claim: &Claim, part: &Part, quantity: Quantity, facts: &Facts) -> Result<Computed, MoneyError> {
    let date = price_date(claim, facts);
    let Some(row) = part.price_on(PriceKind::DealerNet, date, claim.currency) else {
        return Ok(Computed::NoPrice(MissingPrice::DealerNet));
    };
    let Some(markup) = facts.station.markup_on(date) else { return Ok(Computed::NoPrice(MissingPrice::Markup)) };
    let price = row.value.price;
    Ok(Computed::Amount {
        unit_price: Some(price),
        source: PriceSource { markup: Some(markup), ..source(PriceSourceKind::DealerNet, row, date) },
        amount: price.times(&[Factor::Quantity(quantity), Factor::Bp(markup.on_top()?)])?,
    })
}

/// Paid hours × the station's own rate, else that of the grade that it had on the day; by night at the rate of the
/// night, where there is one.
fn labor(claim: &Claim, line: &LineContent, facts: &Facts) -> Result<Computed, MoneyError> {
    let Some(operation) = line.operation.as_ref().and_then(|code| facts.operations.get(code)) else {
        return Ok(Computed::NothingToPrice);
    };
    let Some(hours) = paid_hours(operation, line, facts)? else {
        return Ok(Computed::NoPrice(MissingPrice::StandardHours));
    };
    let date = price_date(claim, facts);
    let own = facts.station.labor_rates.on(date, |rate| rate.rate.currency == claim.currency);
    let by_night = line.by_night;
    let own = own.map(|row| (row.value.of(by_night), source(PriceSourceKind::StationRate, row, date)));
    let grade = || {
        let grade = facts.station.grade_on(date)?;
        // Of days before the first setting, or that it leaves out, today's may still say what an hour cost.
        let mut settings = [&facts.setting_of_prices, &facts.setting].into_iter();
        let row = settings.find_map(|setting| setting.grade_rate_on(date, grade, claim.currency))?;
        Some((row.value.labor_rate.of(by_night), source(PriceSourceKind::GradeRate, row, date)))
    };
    let Some((rate, source)) = own.or_else(grade) else { return Ok(Computed::NoPrice(MissingPrice::LaborRate)) };
    Ok(Computed::Amount { unit_price: Some(rate), source, amount: rate.times_hours(hours.paid)? })
}

/// The hours that are paid for an operation. None if the standard has no hours for the vehicle's model.
///
/// What is claimed counts up to the standard. Where the operation allows actual hours, and they are given,
/// they count up to its cap instead. Additional hours come on top; they always raise a finding.
pub fn paid_hours(
    operation: &LaborOperation,
    line: &LineContent,
    facts: &Facts,
) -> Result<Option<PaidHours>, MoneyError> {
    let model = facts.vehicle.as_ref().map(|vehicle| &vehicle.model);
    let Some(standard) = model.map_or(operation.default_hours, |model| operation.standard_hours(model)) else {
        return Ok(None);
    };
    let allowed = match (operation.actual_hours_allowed, line.actual_hours, operation.actual_hours_cap) {
        (true, Some(actual), Some(cap)) => actual.min(cap),
        (true, None, _) | (true, Some(_), None) | (false, _, _) => standard,
    };
    let claimed = line.hours.unwrap_or(allowed);
    let paid = claimed.min(allowed).try_add(line.additional_hours.unwrap_or(Hours::ZERO))?;
    Ok(Some(PaidHours { allowed, paid }))
}

/// The invoice that the station names, up to a cap if there is one.
fn invoice(claim: &Claim, line: &LineContent, cap: Option<Money>, facts: &Facts) -> Computed {
    let Some(requested) = line.requested_amount else { return Computed::NothingToPrice };
    let amount = cap.filter(|cap| cap.minor < requested.minor).unwrap_or(requested);
    let source = PriceSource {
        kind: PriceSourceKind::Invoice,
        row: None,
        valid_from: None,
        price_date: Some(price_date(claim, facts)),
        markup: None,
        list: None,
    };
    Computed::Amount { unit_price: None, source, amount }
}

fn source<T>(kind: PriceSourceKind, row: &Dated<T>, date: NaiveDate) -> PriceSource {
    PriceSource {
        kind,
        row: Some(row.id),
        valid_from: Some(row.valid_from),
        price_date: Some(date),
        markup: None,
        list: None,
    }
}

#[cfg(test)]
mod tests;
