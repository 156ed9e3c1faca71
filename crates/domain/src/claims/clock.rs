//! The clocks of a claim: until when it is to be decided, answered, appealed against. All of them stand while an
//! appraisal is open or the claim is held.
//!
//! A due time is computed from facts alone: when the clock began, what it was given, and the pauses on record. A pause
//! that begins after the time was over revives nothing.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use super::state::State;
use super::{Appeal, Claim, Party};
use crate::timer::{Late, Timer};

/// Why the clocks of a claim stand.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum PauseReason {
    /// An appraisal is open.
    Appraisal,
    /// The failed part is awaited.
    PartAwaited,
    /// Evidence is awaited that was asked for.
    EvidenceAwaited,
    /// The manufacturer looks into something beyond the claim.
    Investigation,
    /// The manufacturer clarifies how the policy is meant.
    Clarification,
}

impl PauseReason {
    /// The word of it in columns and filters: the same as on the wire.
    pub fn word(self) -> &'static str {
        match self {
            PauseReason::Appraisal => "APPRAISAL",
            PauseReason::PartAwaited => "PART_AWAITED",
            PauseReason::EvidenceAwaited => "EVIDENCE_AWAITED",
            PauseReason::Investigation => "INVESTIGATION",
            PauseReason::Clarification => "CLARIFICATION",
        }
    }

    /// Who has to act.
    pub fn party(self) -> Party {
        match self {
            PauseReason::Appraisal => Party::Appraiser,
            PauseReason::PartAwaited | PauseReason::EvidenceAwaited => Party::Station,
            PauseReason::Investigation | PauseReason::Clarification => Party::Auditor,
        }
    }
}

/// A time for which the clocks stood.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Pause {
    /// Why.
    pub reason: PauseReason,
    /// Since when.
    pub start_time: DateTime<Utc>,
    /// Until when; none while it lasts.
    #[serde(default)]
    pub end_time: Option<DateTime<Utc>>,
}

impl Claim {
    /// Until when it should be decided; none while the clock stands, and where no decision is awaited.
    pub fn review_due_time(&self) -> Option<DateTime<Utc>> {
        self.due(self.submission.as_ref()?.submit_time, self.state.review_due_time()?)
    }

    /// Until when the return is to be answered; none while the clock stands.
    pub fn answer_due_time(&self) -> Option<DateTime<Utc>> {
        match &self.state {
            State::Returned { return_time, answer_due_time } => self.due(*return_time, *answer_due_time),
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

    /// Until when the station may appeal against the decision; none while the clock stands.
    pub fn appeal_due_time(&self) -> Option<DateTime<Utc>> {
        let due = self.state.appeal_due_time()?;
        // The time was given once, with the first decision.
        self.due(self.decisions.first().map_or(due, |round| round.decide_time), due)
    }

    /// Until when an appeal should be decided; none while the clock stands.
    pub fn decision_due_time(&self, appeal: &Appeal) -> Option<DateTime<Utc>> {
        self.due(appeal.appeal_time, appeal.decision_due_time)
    }

    fn due(&self, started: DateTime<Utc>, due_time: DateTime<Utc>) -> Option<DateTime<Utc>> {
        let spans = self.pauses.iter().map(|pause| (pause.start_time, pause.end_time));
        Timer { started, due_time }.due(spans, Late::RevivesNothing)
    }

    /// Lets the clocks stand from a moment on.
    pub(super) fn pause(&mut self, reason: PauseReason, now: DateTime<Utc>) {
        self.pauses.push(Pause { reason, start_time: now, end_time: None });
    }

    /// Lets the clocks run again, as far as this was why they stood.
    pub(super) fn resume(&mut self, reason: PauseReason, at: DateTime<Utc>) {
        for pause in self.pauses.iter_mut().filter(|pause| pause.reason == reason && pause.end_time.is_none()) {
            pause.end_time = Some(at.max(pause.start_time));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::claims::DecisionRound;
    use crate::claims::StateWord;
    use crate::claims::sample::{approve_all, day, in_state, now, setting};

    fn at(day: u32) -> DateTime<Utc> {
        format!("2026-12-{day:02}T08:00:00Z").parse().unwrap()
    }

    fn approved_round() -> DecisionRound {
        let claim = in_state(StateWord::InReview);
        let review = approve_all(&claim);
        claim.adjudicate(review, now(), day("2026-11-23"), &setting()).unwrap().decisions.remove(0)
    }

    #[test]
    fn every_clock_of_a_claim_stands_and_runs_again() {
        let due = |claim: &Claim| claim.review_due_time().or(claim.answer_due_time()).or(claim.appeal_due_time());
        for state in [StateWord::Submitted, StateWord::InReview, StateWord::Returned, StateWord::Approved] {
            let mut claim = in_state(state);
            if state == StateWord::Approved {
                claim.decisions = vec![approved_round()];
            }
            let before = due(&claim).unwrap();
            claim.pause(PauseReason::PartAwaited, at(1));
            assert_eq!(due(&claim), None, "{state:?}");
            claim.resume(PauseReason::Appraisal, at(2));
            assert_eq!(due(&claim), None, "{state:?}: it stands for another reason");
            claim.resume(PauseReason::PartAwaited, at(4));
            assert_eq!(due(&claim), Some(before + chrono::Duration::days(3)), "{state:?}");
        }
    }
}
