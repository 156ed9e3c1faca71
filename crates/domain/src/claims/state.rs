//! Where a claim stands. Each state carries what exists only in it.

use chrono::{DateTime, NaiveDate, Utc};
use serde::{Deserialize, Serialize};

use crate::ids::UserId;

/// The state of a claim.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "state", rename_all = "SCREAMING_SNAKE_CASE")]
pub enum State {
    /// Being written.
    Draft,
    /// Waits for an auditor.
    Submitted {
        /// Until when it should be decided.
        review_due_time: Option<DateTime<Utc>>,
    },
    /// An auditor reviews it.
    InReview {
        /// Until when it should be decided.
        review_due_time: Option<DateTime<Utc>>,
        /// Who reviews it.
        auditor: UserId,
        /// Since when.
        review_start_time: DateTime<Utc>,
        /// An appraisal is open, and the review waits for it.
        #[serde(default)]
        awaiting_appraisal: bool,
    },
    /// At least one line was approved.
    Approved {
        /// When it was decided.
        decide_time: DateTime<Utc>,
        /// Day on which payment is promised; none if nothing is paid.
        promised_pay_date: Option<NaiveDate>,
        /// Until when the station may appeal.
        appeal_due_time: Option<DateTime<Utc>>,
    },
    /// No line was approved.
    Rejected {
        /// When it was decided.
        decide_time: DateTime<Utc>,
        /// Until when the station may appeal.
        appeal_due_time: Option<DateTime<Utc>>,
    },
    /// Waits for the station's correction.
    Returned {
        /// When it was returned.
        return_time: DateTime<Utc>,
        /// Until when an answer is awaited.
        answer_due_time: DateTime<Utc>,
    },
    /// The station took it back.
    Withdrawn {
        /// When.
        withdraw_time: DateTime<Utc>,
        /// Who.
        withdrawn_by: UserId,
        /// Why.
        #[serde(default)]
        reason: String,
    },
    /// Paid.
    Settled {
        /// When.
        settle_time: DateTime<Utc>,
        /// Until when the station may appeal.
        appeal_due_time: Option<DateTime<Utc>>,
    },
    /// Nothing is owed, and nothing more happens.
    Closed {
        /// When.
        close_time: DateTime<Utc>,
        /// Until when the station may appeal.
        appeal_due_time: Option<DateTime<Utc>>,
    },
    /// Returned, and not answered in time.
    Lapsed {
        /// When.
        lapse_time: DateTime<Utc>,
    },
}

/// The name of a state.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum StateWord {
    /// Being written.
    Draft,
    /// Waits for an auditor.
    Submitted,
    /// An auditor reviews it.
    InReview,
    /// At least one line was approved.
    Approved,
    /// No line was approved.
    Rejected,
    /// Waits for the station's correction.
    Returned,
    /// The station took it back.
    Withdrawn,
    /// Paid.
    Settled,
    /// Nothing is owed.
    Closed,
    /// Not answered in time.
    Lapsed,
}

impl StateWord {
    /// Every state.
    pub const ALL: [StateWord; 10] = [
        StateWord::Draft,
        StateWord::Submitted,
        StateWord::InReview,
        StateWord::Approved,
        StateWord::Rejected,
        StateWord::Returned,
        StateWord::Withdrawn,
        StateWord::Settled,
        StateWord::Closed,
        StateWord::Lapsed,
    ];

    /// The word on the wire, in documents and in the database.
    pub fn word(self) -> &'static str {
        match self {
            StateWord::Draft => "DRAFT",
            StateWord::Submitted => "SUBMITTED",
            StateWord::InReview => "IN_REVIEW",
            StateWord::Approved => "APPROVED",
            StateWord::Rejected => "REJECTED",
            StateWord::Returned => "RETURNED",
            StateWord::Withdrawn => "WITHDRAWN",
            StateWord::Settled => "SETTLED",
            StateWord::Closed => "CLOSED",
            StateWord::Lapsed => "LAPSED",
        }
    }

    /// The state of a word, if there is one.
    pub fn from_word(word: &str) -> Option<StateWord> {
        StateWord::ALL.into_iter().find(|state| state.word() == word)
    }

    /// Whether a claim in it stands in the way of a second one for the same repair: it was submitted and is
    /// neither refused nor taken back.
    pub fn is_live(self) -> bool {
        match self {
            StateWord::Submitted
            | StateWord::InReview
            | StateWord::Approved
            | StateWord::Returned
            | StateWord::Settled
            | StateWord::Closed => true,
            StateWord::Draft | StateWord::Rejected | StateWord::Withdrawn | StateWord::Lapsed => false,
        }
    }
}

impl State {
    /// The name of the state.
    pub fn word(&self) -> StateWord {
        match self {
            State::Draft => StateWord::Draft,
            State::Submitted { .. } => StateWord::Submitted,
            State::InReview { .. } => StateWord::InReview,
            State::Approved { .. } => StateWord::Approved,
            State::Rejected { .. } => StateWord::Rejected,
            State::Returned { .. } => StateWord::Returned,
            State::Withdrawn { .. } => StateWord::Withdrawn,
            State::Settled { .. } => StateWord::Settled,
            State::Closed { .. } => StateWord::Closed,
            State::Lapsed { .. } => StateWord::Lapsed,
        }
    }

    /// Until when it should be decided, while a decision is awaited.
    pub fn review_due_time(&self) -> Option<DateTime<Utc>> {
        match self {
            State::Submitted { review_due_time } | State::InReview { review_due_time, .. } => *review_due_time,
            State::Draft
            | State::Approved { .. }
            | State::Rejected { .. }
            | State::Returned { .. }
            | State::Withdrawn { .. }
            | State::Settled { .. }
            | State::Closed { .. }
            | State::Lapsed { .. } => None,
        }
    }

    /// Until when an answer to a return is awaited.
    pub fn answer_due_time(&self) -> Option<DateTime<Utc>> {
        match self {
            State::Returned { answer_due_time, .. } => Some(*answer_due_time),
            State::Draft
            | State::Submitted { .. }
            | State::InReview { .. }
            | State::Approved { .. }
            | State::Rejected { .. }
            | State::Withdrawn { .. }
            | State::Settled { .. }
            | State::Closed { .. }
            | State::Lapsed { .. } => None,
        }
    }

    /// Until when the station may appeal against the decision.
    pub fn appeal_due_time(&self) -> Option<DateTime<Utc>> {
        match self {
            State::Approved { appeal_due_time, .. }
            | State::Rejected { appeal_due_time, .. }
            | State::Settled { appeal_due_time, .. }
            | State::Closed { appeal_due_time, .. } => *appeal_due_time,
            State::Draft
            | State::Submitted { .. }
            | State::InReview { .. }
            | State::Returned { .. }
            | State::Withdrawn { .. }
            | State::Lapsed { .. } => None,
        }
    }

    /// Day on which payment is promised.
    pub fn promised_pay_date(&self) -> Option<NaiveDate> {
        match self {
            State::Approved { promised_pay_date, .. } => *promised_pay_date,
            State::Draft
            | State::Submitted { .. }
            | State::InReview { .. }
            | State::Rejected { .. }
            | State::Returned { .. }
            | State::Withdrawn { .. }
            | State::Settled { .. }
            | State::Closed { .. }
            | State::Lapsed { .. } => None,
        }
    }

    /// Who reviews it now.
    pub fn auditor(&self) -> Option<UserId> {
        match self {
            State::InReview { auditor, .. } => Some(*auditor),
            State::Draft
            | State::Submitted { .. }
            | State::Approved { .. }
            | State::Rejected { .. }
            | State::Returned { .. }
            | State::Withdrawn { .. }
            | State::Settled { .. }
            | State::Closed { .. }
            | State::Lapsed { .. } => None,
        }
    }
}
