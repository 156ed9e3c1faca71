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
use super::state::{State, StateWord};
use super::{Claim, Effect, Submission, checks, pricing};
use crate::access::Author;
use crate::catalog::Setting;
use crate::dates::plus_days;
use crate::ids::UserId;
use crate::money::MoneyError;
use crate::text::Text;

/// What can be done to a claim.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Verb {
    /// Change its content.
    Update,
    /// Submit it.
    Submit,
    /// Take it into review.
    StartReview,
    /// Decide it.
    Adjudicate,
    /// Return it for correction.
    Return,
    /// Take it back.
    Withdraw,
    /// Let its answer's deadline pass.
    Lapse,
    /// Note that it was paid.
    Settle,
    /// Note that nothing is owed.
    Close,
    /// Let the time for a decision pass.
    DeemApproved,
    /// Give it back to its queue.
    ReleaseReview,
    /// Hand it to another auditor or queue.
    Reassign,
    /// Approve the decision at a higher level.
    ApproveDecision,
    /// Give the decision back to its auditor.
    DeclineDecision,
    /// Appeal against the decision.
    Appeal,
    /// Decide the appeal.
    DecideAppeal,
    /// Take the appeal back.
    WithdrawAppeal,
}

impl Verb {
    /// Every verb.
    pub const ALL: [Verb; 17] = [
        Verb::Update,
        Verb::Submit,
        Verb::StartReview,
        Verb::Adjudicate,
        Verb::Return,
        Verb::Withdraw,
        Verb::Lapse,
        Verb::Settle,
        Verb::Close,
        Verb::DeemApproved,
        Verb::ReleaseReview,
        Verb::Reassign,
        Verb::ApproveDecision,
        Verb::DeclineDecision,
        Verb::Appeal,
        Verb::DecideAppeal,
        Verb::WithdrawAppeal,
    ];

    /// The word of the verb in change rows.
    pub fn word(self) -> &'static str {
        match self {
            Verb::Update => "update",
            Verb::Submit => "submit",
            Verb::StartReview => "startReview",
            Verb::Adjudicate => "adjudicate",
            Verb::Return => "return",
            Verb::Withdraw => "withdraw",
            Verb::Lapse => "lapse",
            Verb::Settle => "settle",
            Verb::Close => "close",
            Verb::DeemApproved => "deemApproved",
            Verb::ReleaseReview => "releaseReview",
            Verb::Reassign => "reassign",
            Verb::ApproveDecision => "approveDecision",
            Verb::DeclineDecision => "declineDecision",
            Verb::Appeal => "appeal",
            Verb::DecideAppeal => "decideAppeal",
            Verb::WithdrawAppeal => "withdrawAppeal",
        }
    }

    /// The states from which it leads on.
    pub fn from(self) -> &'static [StateWord] {
        match self {
            Verb::Update | Verb::Submit => &[StateWord::Draft, StateWord::Returned],
            Verb::StartReview | Verb::Reassign | Verb::DeemApproved => &[StateWord::Submitted, StateWord::InReview],
            Verb::Adjudicate | Verb::Return | Verb::ApproveDecision | Verb::DeclineDecision | Verb::ReleaseReview => {
                &[StateWord::InReview]
            }
            Verb::Withdraw => &[StateWord::Draft, StateWord::Submitted, StateWord::Returned],
            Verb::Lapse => &[StateWord::Returned],
            Verb::Settle | Verb::Close => &[StateWord::Approved],
            Verb::Appeal | Verb::DecideAppeal | Verb::WithdrawAppeal => {
                &[StateWord::Approved, StateWord::Rejected, StateWord::Settled, StateWord::Closed]
            }
        }
    }
}

/// Why a claim did not move.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TransitionError {
    /// The verb does not lead on from the claim's state.
    #[error("{} is not possible in state {}", .verb.word(), .state.word())]
    WrongState {
        /// What was tried.
        verb: Verb,
        /// Where the claim stands.
        state: StateWord,
    },
    /// Claims of this kind are approved or rejected, never returned.
    #[error("claims of this kind are not returned; approve or reject it")]
    NotReturnable,
    /// Another auditor reviews the claim.
    #[error("another auditor reviews the claim; take it over with startReview first")]
    AnotherAuditor,
    /// An appraisal is open, and the review waits for it.
    #[error("an appraisal of the claim is open; wait until it is final, or cancel it")]
    AwaitingAppraisal,
    /// The deadline has not passed.
    #[error("the deadline has not passed")]
    NotDue,
}

impl TransitionError {
    /// What people are told, with the way out.
    pub fn text(&self) -> Text {
        match self {
            TransitionError::WrongState { verb, state } => {
                let possible: Vec<&str> = verb.from().iter().map(|state| state.word()).collect();
                let possible = possible.join(", ");
                Text::new(
                    format!("the claim is {}; {} is possible in {possible}", state.word(), verb.word()),
                    format!("索赔单状态为 {}；{} 仅可在 {possible} 状态执行", state.word(), verb.word()),
                )
            }
            TransitionError::NotReturnable => Text::new(
                "claims of this kind are not returned; approve or reject it",
                "此类索赔不可退单；请批准或拒绝",
            ),
            TransitionError::AnotherAuditor => Text::new(
                "another auditor reviews the claim; take it over with startReview first",
                "该索赔单由其他审核员审核中；请先用 startReview 接手",
            ),
            TransitionError::AwaitingAppraisal => Text::new(
                "an appraisal of the claim is open; wait until it is final, or cancel it",
                "该索赔单的鉴定尚未结束；请等待鉴定定稿，或取消鉴定",
            ),
            TransitionError::NotDue => Text::new("the deadline has not passed", "期限未到"),
        }
    }
}

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
        self.state = State::Withdrawn { withdraw_time: now, withdrawn_by: by, reason };
        Ok(self)
    }

    /// Lets an unanswered return have its consequence once its deadline has passed.
    pub fn lapse(mut self, now: DateTime<Utc>) -> Result<Claim, TransitionError> {
        self.expect(Verb::Lapse)?;
        if self.state.answer_due_time().is_none_or(|due| now <= due) {
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
