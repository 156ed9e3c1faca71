//! Levels of approval: what an auditor decides beyond their own limit is a proposal until somebody of a higher
//! level approves it.
//!
//! The limits are data of the setting. A proposal posts nothing and the claim stays in review; every step of it is
//! another person's. Whoever takes the review over, or returns the claim, drops the proposal.

use chrono::{DateTime, NaiveDate, Utc};
use serde::{Deserialize, Serialize};

use super::decision::{Approval, DecisionRound};
use super::state::State;
use super::{Claim, TransitionError, Verb};
use crate::catalog::Setting;
use crate::ids::UserId;
use crate::money::{Money, MoneyError};
use crate::text::Text;

/// A decision that waits for a higher level.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Proposal {
    /// The round as its auditor decided it, with the approvals so far.
    pub round: DecisionRound,
    /// The level of whoever approved last.
    pub level: i32,
}

/// Who approves.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Approver {
    /// The person.
    pub user: UserId,
    /// Their level.
    pub level: i32,
}

/// Why a proposal was not approved or declined.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ApprovalError {
    /// The claim is not in review.
    Transition(TransitionError),
    /// No decision waits for approval.
    NothingProposed,
    /// The person decided or approved it already.
    SamePerson,
    /// The level is not above that of whoever decided or approved last.
    LevelTooLow {
        /// The level that is needed at least.
        needed: i32,
    },
    /// An amount is too large.
    Money(MoneyError),
}

impl From<TransitionError> for ApprovalError {
    fn from(error: TransitionError) -> Self {
        ApprovalError::Transition(error)
    }
}

impl From<MoneyError> for ApprovalError {
    fn from(error: MoneyError) -> Self {
        ApprovalError::Money(error)
    }
}

impl ApprovalError {
    /// What people are told, with the way out.
    pub fn text(&self) -> Text {
        match self {
            ApprovalError::Transition(error) => error.text(),
            ApprovalError::NothingProposed => Text::new(
                "no decision on the claim waits for approval; adjudicate it first",
                "该索赔没有待批准的判定；请先判定",
            ),
            ApprovalError::SamePerson => Text::new(
                "you decided or approved it already; the next step is another person's",
                "您已判定或批准过；下一级须由他人处理",
            ),
            ApprovalError::LevelTooLow { needed } => Text::new(
                format!("the amount needs approval of level {needed} or above"),
                format!("该金额需要 {needed} 级或以上的批准"),
            ),
            ApprovalError::Money(error) => error.text(),
        }
    }
}

impl DecisionRound {
    /// What it approves in all.
    pub fn approved(&self, zero: Money) -> Result<Money, MoneyError> {
        self.lines.iter().try_fold(zero, |sum, line| sum.try_add(line.approved))
    }

    /// Whether a person had a part in it.
    pub fn is_by(&self, user: UserId) -> bool {
        self.auditor == user || self.approvals.iter().any(|approval| approval.auditor == user)
    }
}

impl Claim {
    /// The decision that waits for a higher level.
    pub fn proposal(&self) -> Option<&Proposal> {
        self.proposal.as_deref()
    }

    /// Approves the proposed decision. It stands once the level covers its amount; else it waits for the next.
    pub fn approve_decision(
        mut self,
        by: Approver,
        now: DateTime<Utc>,
        today: NaiveDate,
        setting: &Setting,
    ) -> Result<Claim, ApprovalError> {
        self.expect(Verb::ApproveDecision)?;
        self.expect_no_appraisal()?;
        self.expect_not_held()?;
        let Some(proposal) = self.proposal.take() else { return Err(ApprovalError::NothingProposed) };
        let Proposal { mut round, level } = *proposal;
        if round.is_by(by.user) {
            return Err(ApprovalError::SamePerson);
        }
        if by.level <= level {
            return Err(ApprovalError::LevelTooLow { needed: level.saturating_add(1) });
        }
        round.approvals.push(Approval { auditor: by.user, level: by.level, approve_time: now });
        round.level = round.level.saturating_add(1);
        let amount = round.approved(Money::zero(self.currency))?;
        if setting.may_approve(by.level, amount) {
            (round.decide_time, round.decide_date) = (now, today);
            self.stand(round, setting)?;
        } else {
            self.proposal = Some(Box::new(Proposal { round, level: by.level }));
        }
        Ok(self)
    }

    /// Gives the proposed decision back to the auditor who reviews the claim.
    pub fn decline_decision(mut self, by: UserId) -> Result<Claim, ApprovalError> {
        self.expect(Verb::DeclineDecision)?;
        match self.proposal.take() {
            Some(proposal) if proposal.round.is_by(by) => Err(ApprovalError::SamePerson),
            Some(_) => Ok(self),
            None => Err(ApprovalError::NothingProposed),
        }
    }

    /// A decided round, if the auditor's level covers it; else the proposal of it.
    pub(super) fn decide_or_propose(
        mut self,
        round: DecisionRound,
        level: i32,
        setting: &Setting,
    ) -> Result<Claim, MoneyError> {
        let amount = round.approved(Money::zero(self.currency))?;
        if setting.may_approve(level, amount) {
            self.stand(round, setting)?;
        } else {
            self.proposal = Some(Box::new(Proposal { round, level }));
        }
        Ok(self)
    }

    /// Whether a decision waits for a higher level. Only a claim in review has one.
    pub fn awaits_approval(&self) -> bool {
        matches!(self.state, State::InReview { .. }) && self.proposal.is_some()
    }
}

#[cfg(test)]
mod tests;
