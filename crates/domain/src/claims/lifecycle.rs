//! The life of a claim. Every verb consumes the claim and answers the next one, or says why not.
//!
//! ```text
//! DRAFT ─submit→ SUBMITTED ─start_review→ IN_REVIEW ─adjudicate→ APPROVED ─settle→ SETTLED
//!                   ↑ submit                  │                     └─close→ CLOSED
//!                RETURNED ←──────return_──────┤
//!                   └─lapse→ LAPSED           └─adjudicate→ REJECTED
//! WITHDRAWN ←withdraw─ DRAFT, SUBMITTED, RETURNED
//! ```
//!
//! An appeal ([`super::appeals`]) leaves a decided claim where it is, or moves it between APPROVED and REJECTED.

use chrono::{DateTime, Duration, NaiveDate, Utc};

use super::decision::{DecisionRound, Outcome, Reason, Return};
use super::facts::Facts;
use super::finding::Finding;
use super::review::{self, Review, ReviewError};
use super::revision::Revision;
use super::state::State;
use super::transition::{TransitionError, Verb};
use super::{Claim, Effect, Submission, checks, pricing};
use crate::access::Author;
use crate::catalog::Setting;
use crate::dates::plus_days;
use crate::ids::UserId;
use crate::money::MoneyError;

/// What an auditor says when a claim is returned. The service sees to it that there is a reason.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Returning {
    /// Who returns it.
    pub auditor: UserId,
    /// What is wrong or missing.
    pub reasons: Vec<Reason>,
    /// A note to the station.
    pub note: String,
    /// A note for the manufacturer only.
    pub internal_note: String,
}

/// A claim after its submission, with the revision that was frozen.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Submitted {
    /// The claim.
    pub claim: Claim,
    /// The revision to be stored.
    pub revision: Revision,
}

/// Why a claim was not submitted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SubmitError {
    /// It is not where it can be submitted.
    Transition(TransitionError),
    /// Findings block it; warnings are listed too.
    HasErrors(Vec<Finding>),
    /// Its amounts are too large.
    Money(MoneyError),
}

impl From<TransitionError> for SubmitError {
    fn from(error: TransitionError) -> Self {
        SubmitError::Transition(error)
    }
}

impl From<MoneyError> for SubmitError {
    fn from(error: MoneyError) -> Self {
        SubmitError::Money(error)
    }
}

impl Claim {
    /// The claim as a submission would see it: with its amounts and everything that is found, in any state.
    pub fn precheck(mut self, facts: &Facts) -> (Claim, Vec<Finding>) {
        self.note_tracks(facts);
        pricing::price(&mut self, facts);
        self.coverage = checks::coverage_of(&self, facts);
        let findings = checks::check(&self, facts);
        (self, findings)
    }

    /// Submits it as its next revision. Amounts are computed at the prices of the completion date and
    /// frozen. Errors refuse; warnings go to the auditor.
    pub fn submit(self, facts: &Facts, by: impl Into<Author>) -> Result<Submitted, SubmitError> {
        self.expect(Verb::Submit)?;
        let (mut claim, findings) = self.precheck(facts);
        if findings.iter().any(Finding::blocks) {
            return Err(SubmitError::HasErrors(findings));
        }
        let (now, by) = (facts.now, by.into());
        let before = claim.submission.take();
        claim.submission = Some(Submission {
            revision: before.as_ref().map_or(0, |submission| submission.revision).saturating_add(1),
            first_submit_time: before.map_or(now, |submission| submission.first_submit_time),
            submit_time: now,
            submitted_by: by.id,
            submitted_by_client: by.is_client,
            evidence: claim.evidence_hashes(&facts.evidence),
        });
        claim.state = State::Submitted { review_due_time: Some(after_days(now, facts.setting.review_due_days)) };
        claim.escalation = None;
        claim.findings = findings;
        claim.totals()?;
        let revision = Revision::freeze(&claim);
        Ok(Submitted { revision, claim })
    }

    /// Takes it into review. On a claim in review another auditor takes over; for its own auditor nothing
    /// changes.
    pub fn start_review(mut self, by: UserId, now: DateTime<Utc>) -> Result<Claim, TransitionError> {
        self.expect(Verb::StartReview)?;
        if self.state.auditor() == Some(by) {
            return Ok(self);
        }
        let awaiting_appraisal = matches!(self.state, State::InReview { awaiting_appraisal: true, .. });
        self.proposal = None;
        self.state = State::InReview {
            review_due_time: self.state.review_due_time(),
            auditor: by,
            review_start_time: now,
            awaiting_appraisal,
        };
        Ok(self)
    }

    /// Decides every line. Any approved amount makes it approved, none rejected. Beyond the auditor's own level it
    /// is a proposal that waits for a higher one.
    pub fn adjudicate(
        self,
        review: Review,
        now: DateTime<Utc>,
        today: NaiveDate,
        setting: &Setting,
    ) -> Result<Claim, ReviewError> {
        self.expect(Verb::Adjudicate)?;
        self.expect_auditor(review.auditor)?;
        self.expect_no_appraisal()?;
        self.expect_not_held()?;
        let lines: Vec<u32> = self.lines.iter().map(|line| line.number).collect();
        let level = review.level;
        let round = review::decide(&self, &lines, review, now, today)?;
        Ok(self.decide_or_propose(round, level, setting)?)
    }

    /// Lets a decided round stand: the claim follows it.
    pub(super) fn stand(&mut self, round: DecisionRound, setting: &Setting) -> Result<(), MoneyError> {
        let (decide_time, today) = (round.decide_time, round.decide_date);
        let appeal_due_time = Some(after_days(decide_time, setting.appeal_days));
        let promised_pay_date = match self.kind.spec().effect() {
            Effect::Pays => Some(plus_days(today, u32::try_from(setting.payment_days).unwrap_or(0))),
            Effect::Authorizes => None,
        };
        self.state = match round.outcome {
            Outcome::Approved | Outcome::Reduced => State::Approved { decide_time, promised_pay_date, appeal_due_time },
            Outcome::Rejected => State::Rejected { decide_time, appeal_due_time },
        };
        self.proposal = None;
        self.decisions.push(round);
        self.totals().map(|_| ())
    }

    /// Returns it to its station for correction, with reasons and a deadline. Which kinds can be returned is
    /// set by the deployment.
    pub fn return_(
        mut self,
        returning: Returning,
        now: DateTime<Utc>,
        setting: &Setting,
    ) -> Result<Claim, TransitionError> {
        self.expect(Verb::Return)?;
        self.expect_auditor(returning.auditor)?;
        self.expect_no_appraisal()?;
        self.expect_not_held()?;
        if !setting.is_returnable(self.kind) {
            return Err(TransitionError::NotReturnable);
        }
        let Returning { auditor, reasons, note, internal_note } = returning;
        self.proposal = None;
        self.last_return = Some(Return {
            revision: self.revision(),
            return_time: now,
            auditor,
            reasons,
            note,
            internal_note,
            rule: None,
        });
        self.state = State::Returned { return_time: now, answer_due_time: after_days(now, setting.return_answer_days) };
        Ok(self)
    }

    /// Takes it back.
    pub fn withdraw(mut self, by: UserId, reason: String, now: DateTime<Utc>) -> Result<Claim, TransitionError> {
        self.expect(Verb::Withdraw)?;
        self.end_hold(now);
        self.state = State::Withdrawn { withdraw_time: now, withdrawn_by: by, reason };
        Ok(self)
    }

    /// Lets an unanswered return have its consequence once its deadline has passed.
    pub fn lapse(mut self, now: DateTime<Utc>) -> Result<Claim, TransitionError> {
        self.expect(Verb::Lapse)?;
        if self.answer_due_time().is_none_or(|due| now <= due) {
            return Err(TransitionError::NotDue);
        }
        self.state = State::Lapsed { lapse_time: now };
        Ok(self)
    }

    /// Notes that its statement was paid.
    pub fn settle(mut self, now: DateTime<Utc>) -> Result<Claim, TransitionError> {
        self.expect(Verb::Settle)?;
        self.state = State::Settled { settle_time: now, appeal_due_time: self.state.appeal_due_time() };
        Ok(self)
    }

    /// Notes that nothing is owed for it (any more).
    pub fn close(mut self, now: DateTime<Utc>) -> Result<Claim, TransitionError> {
        self.expect(Verb::Close)?;
        self.state = State::Closed { close_time: now, appeal_due_time: self.state.appeal_due_time() };
        Ok(self)
    }

    /// Refuses a verb that does not lead on from here.
    pub(super) fn expect(&self, verb: Verb) -> Result<(), TransitionError> {
        let state = self.state.word();
        if verb.from().contains(&state) { Ok(()) } else { Err(TransitionError::WrongState { verb, state }) }
    }

    /// A claim in review is decided by the auditor who reviews it: taking it over is a step of its own.
    fn expect_auditor(&self, by: UserId) -> Result<(), TransitionError> {
        if self.state.auditor() == Some(by) { Ok(()) } else { Err(TransitionError::AnotherAuditor) }
    }
}

fn after_days(now: DateTime<Utc>, days: i32) -> DateTime<Utc> {
    now.checked_add_signed(Duration::days(i64::from(days))).unwrap_or(DateTime::<Utc>::MAX_UTC)
}

#[cfg(test)]
mod tests;
