//! Several recoveries of one claim from one supplier: a line was rerouted to who is asked for another line already, or
//! a claim in the queue was assigned to it.
//!
//! A contract has its fixed fee, the cap of its fee, its ceiling and its minimum once for a claim. The recovery that
//! arose first takes of them what it needs; each later one has what is left.

use serde::{Deserialize, Serialize};

use super::{RecoveryClaim, State, Totals};
use crate::money::{Money, MoneyError};

/// What earlier recoveries of the claim take of the same supplier's contract.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Beside {
    /// Of its fee.
    pub fee: Money,
    /// Of its ceiling, fee included.
    pub total: Money,
}

impl RecoveryClaim {
    /// What it takes: what stands, and what is asked for where nothing stands yet. What was given up takes nothing.
    pub fn takes(&self) -> Result<Totals, MoneyError> {
        if self.state == State::Waived {
            return Ok(Totals::nothing(self.currency));
        }
        self.summed(|line| Some(line.accepted.map_or(line.amount, |stands| stands.amount)))
    }

    /// Whether it comes after another recovery of the same claim from the same supplier.
    pub fn comes_after(&self, other: &RecoveryClaim) -> bool {
        let org = |recovery: &RecoveryClaim| recovery.supplier.as_ref().map(|liable| liable.org);
        self.claim == other.claim
            && org(self).is_some()
            && org(self) == org(other)
            && (other.arise_time, other.id) < (self.arise_time, self.id)
    }

    /// The recovery beside the others of its claim as they stand.
    pub fn beside(mut self, others: &[RecoveryClaim]) -> Result<Self, MoneyError> {
        let zero = Money::zero(self.currency);
        let mut taken = Beside { fee: zero, total: zero };
        for other in others.iter().filter(|other| self.comes_after(other)) {
            let takes = other.takes()?;
            taken.fee = taken.fee.try_add(takes.fee)?;
            taken.total = taken.total.try_add(takes.total)?;
        }
        self.beside = Some(taken).filter(|taken| !taken.total.is_zero() || !taken.fee.is_zero());
        Ok(self)
    }
}
