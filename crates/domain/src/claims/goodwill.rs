//! What decisions draw on goodwill budgets.
//!
//! The draws stand in the rounds themselves, so what is used of a budget is the sum over decisions and can be
//! proved from them. A round draws what its claim's goodwill grew by, on one budget; where it shrank, the round
//! gives back to the budgets that were drawn on, the newest draw first. Goodwill that was granted where there was
//! no budget is on none.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::{Claim, DecisionRound, Effect};
use crate::ids::Code;
use crate::money::{Money, MoneyError};

/// What a round draws on a budget; below zero it gives back.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct GoodwillDraw {
    /// The budget.
    pub budget: Code,
    /// How much.
    pub amount: Money,
}

/// What a claim has of each budget.
pub type Drawn = BTreeMap<Code, Money>;

impl Claim {
    /// What rounds that stand have drawn, by budget.
    pub fn goodwill_used(&self) -> Result<Drawn, MoneyError> {
        sums(self.decisions.iter())
    }

    /// What the round that waits for a higher level would draw, by budget.
    pub fn goodwill_reserved(&self) -> Result<Drawn, MoneyError> {
        sums(self.proposal().map(|proposal| &proposal.round).into_iter())
    }

    /// What it has of a budget in all.
    pub fn goodwill_of(&self, budget: &Code) -> Result<Money, MoneyError> {
        let of = |drawn: Drawn| drawn.get(budget).copied().unwrap_or(Money::zero(self.currency));
        of(self.goodwill_used()?).try_add(of(self.goodwill_reserved()?))
    }

    /// By how much the round that a step has just brought changes the goodwill that stood before. Nothing, if the
    /// step brought none; and a claim that only authorises grants nothing.
    pub fn goodwill_change(&self, before: &Claim) -> Result<Money, MoneyError> {
        let zero = Money::zero(self.currency);
        match self.kind.spec().effect() {
            Effect::Authorizes => return Ok(zero),
            Effect::Pays => {}
        }
        let Some(round) = self.new_round(before) else { return Ok(zero) };
        round.lines.iter().try_fold(zero, |sum, decision| {
            let stood = before.decision_on(decision.line).map_or(zero, |(_, stood)| stood.goodwill);
            sum.try_add(decision.goodwill.try_sub(stood)?)
        })
    }

    /// Lets the round that a step has just brought draw on a budget what it grants beyond what stood, or give
    /// back what it takes away.
    pub fn draw_goodwill(mut self, before: &Claim, budget: Option<&Code>) -> Result<Claim, MoneyError> {
        let change = self.goodwill_change(before)?;
        let draws = if change.minor > 0 {
            budget.map(|budget| GoodwillDraw { budget: budget.clone(), amount: change }).into_iter().collect()
        } else {
            given_back(before, change)?
        };
        if let Some(round) = self.new_round_mut(before) {
            round.goodwill_draws = draws;
        }
        Ok(self)
    }

    /// Why its draws can't be: a budget was given back more than it was drawn on, or drawn on for more than was
    /// granted. Nothing, if they can.
    pub fn goodwill_fault(&self) -> Result<Option<String>, MoneyError> {
        let used = self.goodwill_used()?;
        if let Some((budget, amount)) = used.iter().find(|(_, amount)| amount.is_negative()) {
            return Ok(Some(format!("has {amount} of goodwill budget {budget}, which is below zero")));
        }
        let drawn = Money::sum(self.currency, used.into_values())?;
        let granted = self.totals()?.goodwill.unwrap_or(Money::zero(self.currency));
        let fits = drawn.minor <= granted.minor;
        Ok((!fits).then(|| format!("has drawn {drawn} on goodwill budgets and granted {granted}")))
    }

    /// The round that a step has just brought: one that stands, or one that waits for a higher level.
    fn new_round(&self, before: &Claim) -> Option<&DecisionRound> {
        if self.decisions.len() > before.decisions.len() {
            return self.decisions.last();
        }
        let proposal = self.proposal.as_ref().filter(|_| self.proposal != before.proposal)?;
        Some(&proposal.round)
    }

    fn new_round_mut(&mut self, before: &Claim) -> Option<&mut DecisionRound> {
        if self.decisions.len() > before.decisions.len() {
            return self.decisions.last_mut();
        }
        let is_new = self.proposal != before.proposal;
        self.proposal.as_mut().filter(|_| is_new).map(|proposal| &mut proposal.round)
    }
}

fn sums<'r>(rounds: impl Iterator<Item = &'r DecisionRound>) -> Result<Drawn, MoneyError> {
    let mut drawn = Drawn::new();
    for draw in rounds.flat_map(|round| &round.goodwill_draws) {
        let sum = drawn.get(&draw.budget).copied().unwrap_or(Money::zero(draw.amount.currency));
        drawn.insert(draw.budget.clone(), sum.try_add(draw.amount)?);
    }
    Ok(drawn)
}

/// What is given back of the draws that stand, the newest first, for a change below zero.
fn given_back(before: &Claim, change: Money) -> Result<Vec<GoodwillDraw>, MoneyError> {
    let (mut held, mut rest) = (before.goodwill_used()?, change.try_neg()?);
    let mut draws = Vec::new();
    let newest_first = before.decisions.iter().rev().flat_map(|round| &round.goodwill_draws);
    for draw in newest_first {
        // Each budget gives once: what it was given back before is in the sum.
        let Some(of_budget) = held.remove(&draw.budget) else { continue };
        let back = Money { minor: of_budget.minor.min(rest.minor), ..rest };
        if back.minor > 0 {
            rest = rest.try_sub(back)?;
            draws.push(GoodwillDraw { budget: draw.budget.clone(), amount: back.try_neg()? });
        }
    }
    Ok(draws)
}

#[cfg(test)]
mod tests;
