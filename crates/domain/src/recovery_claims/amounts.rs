//! What is asked for: the pieces at their recovery price, or the approved amount, divided among the liable.
//!
//! Each line has a base, rounded once; a supplier of another currency is charged the approved amount at the rate of the
//! day whose prices count, and its pieces at recovery prices in its own. The base is divided by the shares of all liable suppliers: floors, then the
//! remaining minor units by largest remainder, and what no supplier bears stays with the manufacturer. A factor of
//! the contract is one more product. The fee comes on top, the ceiling caps all of it, and below the minimum nothing
//! is charged.

use std::cmp::Ordering;

use serde::{Deserialize, Serialize};

use super::{Beside, Liable, LineAnswer, RecoveryClaim, State, Terms};
use crate::claims::{Claim, Line, LineDecision, LineType};
use crate::ids::Code;
use crate::money::{BasisPoints, Currency, Factor, Money, MoneyError, Quantity};

/// What is asked for a line of the claim.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RecoveryLine {
    /// Number of the claim's line.
    pub line: u32,
    /// What the line is for.
    pub line_type: LineType,
    /// The part.
    pub part: Option<Code>,
    /// How many pieces.
    pub quantity: Option<Quantity>,
    /// The recovery price of a piece, if the line is charged by it.
    pub recovery_price: Option<Money>,
    /// What is shared.
    pub base: Money,
    /// The supplier's share.
    pub share_bp: BasisPoints,
    /// The factor of the contract.
    pub factor_bp: BasisPoints,
    /// What is asked for.
    pub amount: Money,
    /// What the supplier answered.
    pub answer: Option<LineAnswer>,
    /// What stands.
    pub accepted: Option<Accepted>,
}

/// What stands of a line.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Accepted {
    /// The share.
    pub share_bp: BasisPoints,
    /// The amount.
    pub amount: Money,
}

impl RecoveryLine {
    /// What stands at a share: what was asked for at the share that was asked for, else the base at that share. A
    /// smaller share is never more, though the split may have given the fen that rounding leaves to others.
    pub fn at(&self, share_bp: BasisPoints) -> Result<Accepted, MoneyError> {
        let exact = || self.base.times(&[Factor::Bp(share_bp), Factor::Bp(self.factor_bp)]);
        let amount = match share_bp.cmp(&self.share_bp) {
            Ordering::Less => exact()?.try_min(self.amount)?,
            Ordering::Equal => self.amount,
            Ordering::Greater => exact()?,
        };
        Ok(Accepted { share_bp, amount })
    }
}

/// The sums of a recovery.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Totals {
    /// The lines.
    pub lines: Money,
    /// The handling fee.
    pub fee: Money,
    /// What is charged.
    pub total: Money,
    /// The ceiling limits it.
    pub capped: bool,
}

impl Totals {
    /// Nothing at all.
    pub fn nothing(currency: Currency) -> Self {
        let zero = Money::zero(currency);
        Self { lines: zero, fee: zero, total: zero, capped: false }
    }
}

/// Sums amounts of lines under the terms of a contract, of which earlier recoveries may have taken a part.
pub fn total(
    terms: &Terms,
    currency: Currency,
    amounts: impl IntoIterator<Item = Money>,
    beside: Option<Beside>,
) -> Result<Totals, MoneyError> {
    let zero = Money::zero(currency);
    let taken = beside.unwrap_or(Beside { fee: zero, total: zero });
    let left = |whole: Money, taken: Money| {
        let left = whole.try_sub(taken)?;
        Ok::<_, MoneyError>(if left.minor < 0 { zero } else { left })
    };
    let lines = Money::sum(currency, amounts)?;
    let nothing = Totals { lines, ..Totals::nothing(currency) };
    if lines.is_zero() {
        return Ok(nothing);
    }
    let fee = match terms.fee() {
        None => zero,
        Some(fee) => match (fee.fixed_amount, fee.rate_bp) {
            (Some(fixed), _) => left(fixed, taken.fee)?,
            (None, Some(rate)) => {
                let fee_at_rate = lines.times_bp(rate)?;
                fee.cap.map_or(Ok(fee_at_rate), |cap| fee_at_rate.try_min(left(cap, taken.fee)?))?
            }
            (None, None) => zero,
        },
    };
    let whole = lines.try_add(fee)?;
    let ceiling = terms.contract.ceiling_per_claim;
    let total = ceiling.map_or(Ok(whole), |ceiling| whole.try_min(left(ceiling, taken.total)?))?;
    if let Some(minimum) = terms.contract.minimum
        && total.try_add(taken.total)?.try_cmp(minimum)?.is_lt()
    {
        return Ok(nothing);
    }
    Ok(Totals { lines, fee, total, capped: total != whole })
}

/// The lines of a claim that a supplier is charged for, as the newest decisions on them stand.
pub fn lines(claim: &Claim, liable: &Liable) -> Result<Vec<RecoveryLine>, MoneyError> {
    let mut charged = Vec::new();
    for line in &claim.lines {
        let Some((_, decision)) = claim.decision_on(line.number) else { continue };
        let owed = recoverable(decision, &liable.terms)?;
        if !owed.is_zero() {
            charged.push(charge(line, decision, owed, liable)?);
        }
    }
    Ok(charged)
}

/// What of an approved amount may be recovered: goodwill only if the contract says so.
fn recoverable(decision: &LineDecision, terms: &Terms) -> Result<Money, MoneyError> {
    if terms.contract.covers_goodwill { Ok(decision.approved) } else { decision.approved.try_sub(decision.goodwill) }
}

fn charge(line: &Line, decision: &LineDecision, owed: Money, liable: &Liable) -> Result<RecoveryLine, MoneyError> {
    let (content, terms) = (&line.content, &liable.terms);
    let price = match content.line_type {
        LineType::Part => content.part.as_ref().and_then(|part| terms.prices.get(part)).copied(),
        LineType::Labor
        | LineType::Diagnosis
        | LineType::ExternalPart
        | LineType::Sublet
        | LineType::Travel
        | LineType::Towing
        | LineType::MaintenanceFee
        | LineType::CourtesyCar
        | LineType::Freight
        | LineType::Allowance => None,
    };
    // A part without a recovery price is charged at what was paid for it.
    let base = match price.zip(content.quantity) {
        // The price is one of the supplier's own currency already.
        Some((price, quantity)) => pieces(price, quantity, owed, decision.approved)?,
        None => liable.charged(owed)?,
    };
    let factor_bp = factor(content.line_type, terms);
    let share = base.split_by_shares(&liable.shares)?.parts.get(liable.place).copied();
    let share = share.unwrap_or(Money::zero(base.currency));
    let amount = if factor_bp == BasisPoints::WHOLE { share } else { share.times_bp(factor_bp)? };
    Ok(RecoveryLine {
        line: line.number,
        line_type: content.line_type,
        part: content.part.clone(),
        quantity: content.quantity,
        recovery_price: price,
        base,
        share_bp: liable.share(),
        factor_bp,
        amount,
        answer: None,
        accepted: None,
    })
}

/// Pieces at a price, as far as they are owed: one product, rounded once.
fn pieces(price: Money, quantity: Quantity, owed: Money, approved: Money) -> Result<Money, MoneyError> {
    let product = i128::from(price.minor)
        .checked_mul(i128::from(quantity.0))
        .and_then(|product| product.checked_mul(i128::from(owed.minor)))
        .ok_or(MoneyError::Overflow)?;
    Money::of_ratio(price.currency, product, i128::from(Quantity::ONE) * i128::from(approved.minor))
}

fn factor(line_type: LineType, terms: &Terms) -> BasisPoints {
    let contract = &terms.contract;
    match line_type {
        LineType::Part | LineType::ExternalPart => contract.part_factor_bp,
        LineType::Labor | LineType::Diagnosis => contract.labor_factor_bp,
        LineType::Travel | LineType::Towing => contract.travel_factor_bp,
        LineType::Sublet
        | LineType::MaintenanceFee
        | LineType::CourtesyCar
        | LineType::Freight
        | LineType::Allowance => contract.other_factor_bp,
    }
}

impl RecoveryClaim {
    /// The recovery with the amounts that the claim's newest decisions lead to. Answers and agreed shares stay; what
    /// was agreed follows the amount. A line that is approved only now is open.
    pub fn priced(mut self, claim: &Claim) -> Result<Self, MoneyError> {
        let Some(liable) = &self.supplier else { return Ok(self) };
        let mut fresh = lines(claim, liable)?;
        fresh.retain(|line| {
            !self.except.contains(&line.line) && self.only.as_ref().is_none_or(|only| only.contains(&line.line))
        });
        for line in &mut fresh {
            let Some(before) = self.lines.iter().find(|before| before.line == line.line) else { continue };
            line.answer = before.answer.clone();
            line.accepted = before.accepted.map(|accepted| line.at(accepted.share_bp)).transpose()?;
        }
        self.lines = fresh;
        Ok(self)
    }

    /// Whether there is nothing to ask for: no line, or less than the contract's minimum.
    pub fn asks_for_nothing(&self) -> Result<bool, MoneyError> {
        Ok(self.state != State::Unresolved && self.totals()?.total.is_zero())
    }
}
