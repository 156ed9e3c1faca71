//! What can be done to a recovery claim, from which states, and why it did not move.

use super::{State, Unresolved};
use crate::money::MoneyError;
use crate::text::Violation;

/// What can be done to a recovery claim.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Verb {
    /// Say who is liable.
    Assign,
    /// Issue it to the supplier.
    Issue,
    /// Record the proof that the supplier received it.
    RecordDelivery,
    /// Say that something is missing.
    Pause,
    /// Say that it is there.
    Resume,
    /// Answer its open lines.
    Answer,
    /// Confirm an answer that was recorded on the supplier's behalf.
    ConfirmAnswer,
    /// Let silence have its consequence.
    PassSilence,
    /// Decide the lines in dispute.
    Resolve,
    /// Ask to give it up.
    Waive,
    /// Give it up.
    ConfirmWaiver,
    /// Follow a later decision on the claim.
    Adjust,
}

use State as S;

/// States in which the supplier may still say something.
const ANSWERABLE: [S; 2] = [S::Issued, S::PartlyConfirmed];
/// States after the issue in which something is still to come.
const RUNNING: [S; 3] = [S::Issued, S::PartlyConfirmed, S::Disputed];
/// States before it is paid or given up.
const UNPAID: [S; 7] =
    [S::Unresolved, S::Open, S::Issued, S::Confirmed, S::PartlyConfirmed, S::Disputed, S::DeemedConfirmed];

impl Verb {
    /// Every verb.
    pub const ALL: [Verb; 12] = [
        Verb::Assign,
        Verb::Issue,
        Verb::RecordDelivery,
        Verb::Pause,
        Verb::Resume,
        Verb::Answer,
        Verb::ConfirmAnswer,
        Verb::PassSilence,
        Verb::Resolve,
        Verb::Waive,
        Verb::ConfirmWaiver,
        Verb::Adjust,
    ];

    /// The word of the verb in change rows.
    pub fn word(self) -> &'static str {
        match self {
            Verb::Assign => "assign",
            Verb::Issue => "issue",
            Verb::RecordDelivery => "recordDelivery",
            Verb::Pause => "pause",
            Verb::Resume => "resume",
            Verb::Answer => "answer",
            Verb::ConfirmAnswer => "confirmAnswer",
            Verb::PassSilence => "passSilence",
            Verb::Resolve => "resolve",
            Verb::Waive => "waive",
            Verb::ConfirmWaiver => "confirmWaiver",
            Verb::Adjust => "adjust",
        }
    }

    /// The states from which it leads on.
    pub fn from(self) -> &'static [State] {
        match self {
            Verb::Assign => &[S::Unresolved],
            Verb::Issue => &[S::Open],
            Verb::RecordDelivery | Verb::Pause | Verb::Resume => &[S::Issued],
            Verb::Answer | Verb::ConfirmAnswer | Verb::PassSilence => &ANSWERABLE,
            Verb::Resolve => &RUNNING,
            Verb::Waive | Verb::ConfirmWaiver => &UNPAID,
            Verb::Adjust => State::ALL,
        }
    }
}

/// Why a recovery claim did not move.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum RecoveryError {
    /// The verb does not lead on from its state.
    WrongState {
        /// What was tried.
        verb: Verb,
        /// Where it stands.
        state: State,
    },
    /// What was said breaks rules.
    Invalid(Vec<Violation>),
    /// The supplier can't be charged, and why.
    NotChargeable(Unresolved),
    /// There is nothing that a second person could confirm.
    NothingToConfirm,
    /// The time to answer has not passed.
    NotDue,
    /// Its amounts are too large.
    Money(MoneyError),
}

impl From<MoneyError> for RecoveryError {
    fn from(error: MoneyError) -> Self {
        RecoveryError::Money(error)
    }
}
