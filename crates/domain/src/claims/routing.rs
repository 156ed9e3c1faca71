//! Who shall decide a claim: a rule at its submission, or a person of a queue; and how auditors share a queue.

use chrono::{DateTime, NaiveDate, Utc};
use serde::{Deserialize, Serialize};

use super::decision::Outcome;
use super::lifecycle::Returning;
use super::review::{Review, ReviewError, Verdict};
use super::state::State;
use super::transition::{TransitionError, Verb};
use super::{Claim, Reason};
use crate::adjudication::{HeldBack, Measure, RULE_LEVEL, RuleBook, RuleFault, Ruling};
use crate::catalog::Setting;
use crate::catalog::adjudication_rule_set::RuleAction;
use crate::ids::{Code, UserId};

/// Who shall decide a claim, and what the rules said at its last submission.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Routing {
    /// The queue in which it waits, or waited last.
    #[serde(default)]
    pub queue: Option<Code>,
    /// The rule set that was in force.
    #[serde(default)]
    pub rule_set: Option<Code>,
    /// The rule that matched.
    #[serde(default)]
    pub rule: Option<Code>,
    /// What it says.
    #[serde(default)]
    pub action: Option<RuleAction>,
    /// Rules that failed.
    #[serde(default)]
    pub faults: Vec<RuleFault>,
    /// Why the rule that matched did not decide.
    #[serde(default)]
    pub held_back: Option<HeldBack>,
    /// Who put it where it is, if a person did.
    #[serde(default)]
    pub assigned_by: Option<UserId>,
    /// When.
    #[serde(default)]
    pub assign_time: Option<DateTime<Utc>>,
    /// Why.
    #[serde(default)]
    pub note: String,
}

/// To whom or where a claim is handed over.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Assignee {
    /// To this auditor.
    Auditor(UserId),
    /// Into this queue.
    Queue(Code),
}

/// A claim handed over by a person.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Assignment {
    /// To whom or where.
    pub to: Assignee,
    /// By whom.
    pub by: UserId,
    /// Why.
    pub note: String,
}

impl Claim {
    /// The queue in which it waits, or waited last.
    pub fn queue(&self) -> Option<&Code> {
        self.routing.as_ref()?.queue.as_ref()
    }

    /// The submitted claim with what the rules of a set said of it. `served_by` is the queue that serves it if
    /// the rules name none.
    #[must_use]
    pub fn routed(mut self, ruling: Option<(&RuleBook, &Ruling)>, served_by: Option<Code>) -> Self {
        let routing = match ruling {
            Some((book, ruling)) => Routing {
                queue: match &ruling.measure {
                    Measure::Person(queue) => queue.clone().or(served_by),
                    Measure::Approve | Measure::Reject(_) | Measure::Return(_) => None,
                },
                rule_set: Some(book.code.clone()),
                rule: ruling.rule.clone(),
                action: ruling.action,
                faults: ruling.faults.clone(),
                held_back: ruling.held_back,
                ..Routing::default()
            },
            None => Routing { queue: served_by, ..Routing::default() },
        };
        self.routing = (routing != Routing::default()).then_some(routing);
        self
    }

    /// Does what a rule says with a submitted claim, as an auditor would: a round of decisions, or a return. A
    /// claim that is left to a person stays as it is.
    pub fn decide_by_rule(
        self,
        measure: &Measure,
        rule: String,
        now: DateTime<Utc>,
        today: NaiveDate,
        setting: &Setting,
    ) -> Result<Claim, ReviewError> {
        let (outcome, reasons) = match measure {
            Measure::Person(_) => return Ok(self),
            Measure::Approve => (Outcome::Approved, &[][..]),
            Measure::Reject(reasons) => (Outcome::Rejected, reasons.as_slice()),
            Measure::Return(reasons) => {
                let mut claim = self.start_review(UserId::SYSTEM, now)?.return_(by_rule(reasons), now, setting)?;
                if let Some(returned) = &mut claim.last_return {
                    returned.rule = Some(rule);
                }
                return Ok(claim);
            }
        };
        let verdicts = self.lines.iter().map(|line| verdict(line.number, outcome, reasons)).collect();
        let review = Review {
            auditor: UserId::SYSTEM,
            may_grant_goodwill: false,
            level: RULE_LEVEL,
            verdicts,
            note: String::new(),
            internal_note: String::new(),
        };
        let mut claim = self.start_review(UserId::SYSTEM, now)?.adjudicate(review, now, today, setting)?;
        if let Some(round) = claim.decisions.last_mut() {
            round.rule = Some(rule);
        }
        Ok(claim)
    }

    /// Gives it back to its queue, undecided.
    pub fn release_review(mut self, by: UserId) -> Result<Claim, TransitionError> {
        self.expect(Verb::ReleaseReview)?;
        if self.state.auditor() != Some(by) {
            return Err(TransitionError::AnotherAuditor);
        }
        self.state = self.waiting_again()?;
        self.proposal = None;
        Ok(self)
    }

    /// Hands it to another auditor, or puts it into another queue. Its due time stays.
    pub fn reassign(mut self, assignment: Assignment, now: DateTime<Utc>) -> Result<Claim, TransitionError> {
        self.expect(Verb::Reassign)?;
        let Assignment { to, by, note } = assignment;
        let mut routing = self.routing.take().unwrap_or_default();
        // What another auditor proposed is theirs, not the next one's.
        self.proposal = None;
        match to {
            Assignee::Auditor(auditor) => {
                let awaiting_appraisal = matches!(self.state, State::InReview { awaiting_appraisal: true, .. });
                self.state = State::InReview {
                    review_due_time: self.state.review_due_time(),
                    auditor,
                    review_start_time: now,
                    awaiting_appraisal,
                };
            }
            Assignee::Queue(queue) => {
                self.state = self.waiting_again()?;
                routing.queue = Some(queue);
            }
        }
        self.routing = Some(Routing { assigned_by: Some(by), assign_time: Some(now), note, ..routing });
        Ok(self)
    }

    /// The state of a claim that waits for an auditor again. While an appraisal is open somebody has to wait for
    /// it.
    fn waiting_again(&self) -> Result<State, TransitionError> {
        match &self.state {
            State::InReview { awaiting_appraisal: true, .. } => Err(TransitionError::AwaitingAppraisal),
            State::Draft
            | State::Submitted { .. }
            | State::InReview { .. }
            | State::Approved { .. }
            | State::Rejected { .. }
            | State::Returned { .. }
            | State::Withdrawn { .. }
            | State::Settled { .. }
            | State::Closed { .. }
            | State::Lapsed { .. } => Ok(State::Submitted { review_due_time: self.state.review_due_time() }),
        }
    }
}

fn by_rule(reasons: &[Reason]) -> Returning {
    Returning { auditor: UserId::SYSTEM, reasons: reasons.to_vec(), note: String::new(), internal_note: String::new() }
}

fn verdict(line: u32, outcome: Outcome, reasons: &[Reason]) -> Verdict {
    Verdict {
        line,
        outcome,
        approved: None,
        goodwill: None,
        reasons: reasons.to_vec(),
        note: String::new(),
        internal_note: String::new(),
    }
}

#[cfg(test)]
mod tests;
