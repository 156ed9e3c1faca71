//! The supplier's time to answer: it runs from the issue and stands while something is missing.

use chrono::{DateTime, Duration, Utc};
use serde::{Deserialize, Serialize};

use super::{RecoveryClaim, State};
use crate::timer::{Late, Timer};

/// Days beyond the supplier's time in which a recorded answer can be confirmed before silence counts.
const CONFIRMATION_DAYS: i64 = 14;

/// What a supplier may wait for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum Missing {
    /// The failed part.
    Part,
    /// Evidence.
    Evidence,
    /// The analysis of the part.
    Analysis,
}

/// A time for which the time to answer stood.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Pause {
    /// What was missing.
    pub missing: Missing,
    /// Since when.
    pub start_time: DateTime<Utc>,
    /// Until when; none while it is missing.
    pub end_time: Option<DateTime<Utc>>,
}

impl RecoveryClaim {
    /// Until when the supplier answers: none before the issue and while something is missing.
    ///
    /// What is missing at the issue is a pause from that moment on, so the time begins at the latest of issue,
    /// evidence complete and part received.
    pub fn answer_due_time(&self) -> Option<DateTime<Utc>> {
        let (issue, liable) = (self.issue.as_ref()?, self.supplier.as_ref()?);
        let days = Duration::days(i64::from(liable.terms.contract.answer_days));
        let timer = Timer { started: issue.time, due_time: issue.time.checked_add_signed(days)? };
        // Also when silence was passed on already: what is missing then begins it anew.
        timer.due(self.pauses.iter().map(|pause| (pause.start_time, pause.end_time)), Late::Counts)
    }

    /// The same while silence has a consequence: lines wait for a first answer, and nobody was told yet.
    ///
    /// An answer that was recorded on the supplier's behalf counts once a second person confirms it. It gives that
    /// person some days beyond the supplier's own time, however often it is recorded anew, and then it is none.
    pub fn silence_due_time(&self) -> Option<DateTime<Utc>> {
        let asked = match self.state {
            State::Issued => true,
            // A later decision has added lines to what was answered.
            State::PartlyConfirmed => self.unheard_lines().next().is_some(),
            State::Unresolved
            | State::Open
            | State::Confirmed
            | State::Disputed
            | State::DeemedConfirmed
            | State::Settled
            | State::Waived => false,
        };
        let waits = asked && self.escalate_time.is_none();
        let due = self.answer_due_time().filter(|_| waits)?;
        match &self.pending_answer {
            None => Some(due),
            Some(_) => due.checked_add_signed(Duration::days(CONFIRMATION_DAYS)),
        }
    }
}
