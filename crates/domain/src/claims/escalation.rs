//! What it means that a decision is overdue, on a claim or on an appeal: the setting says after how many days who is
//! told, step by step.
//!
//! A claim that waits is put into the queue of the step. One in review stays with its auditor, whose work is not
//! taken away, and is found in that queue too, as is one whose appeal waits. While the clock stands nothing is overdue.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use super::Claim;
use super::state::State;
use super::transition::{TransitionError, Verb};
use crate::catalog::Setting;
use crate::ids::Code;

/// How far an overdue decision has come.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Escalation {
    /// The step of the setting that was reached, from 1.
    pub level: u32,
    /// When.
    pub escalate_time: DateTime<Utc>,
    /// The queue that it was put into, if the step names one.
    #[serde(default)]
    pub queue: Option<Code>,
}

impl Claim {
    /// How far the decision that it waits for was escalated; 0: not.
    pub fn escalation_level(&self) -> u32 {
        self.escalation.as_ref().map_or(0, |escalation| escalation.level)
    }

    /// Takes the furthest step of escalation that is due and was not taken. Steps that were missed are passed
    /// over: what counts is who should know today.
    pub fn escalate(mut self, now: DateTime<Utc>, setting: &Setting) -> Result<Claim, TransitionError> {
        self.expect_something_awaited(Verb::Escalate)?;
        let appraised = matches!(self.state, State::InReview { awaiting_appraisal: true, .. });
        let due = match self.open_appeal() {
            Some(appeal) => self.decision_due_time(appeal),
            None => self.review_due_time(),
        };
        let due = due.filter(|_| self.hold.is_none() && !appraised);
        let due = due.ok_or(TransitionError::NotDue)?;
        let due_steps = (1_u32..).zip(&setting.escalations).filter(|(_, step)| now > step.after(due));
        let reached = due_steps.last().filter(|(level, _)| *level > self.escalation_level());
        let Some((level, step)) = reached else { return Err(TransitionError::NotDue) };
        if let Some(queue) = &step.queue {
            self.routing.get_or_insert_default().queue = Some(queue.clone());
        }
        self.escalation = Some(Escalation { level, escalate_time: now, queue: step.queue.clone() });
        Ok(self)
    }
}

#[cfg(test)]
mod tests {
    use chrono::Duration;

    use super::*;
    use crate::catalog::setting::EscalationStep;
    use crate::claims::clock::PauseReason;
    use crate::claims::sample::{AUDITOR, CLERK, approve_all, code, day, in_state, now, setting};
    use crate::claims::{Code as ReasonCode, NewAppeal, Outcome, Reason, StateWord};

    /// Told the team lead at once, the director after three days more; the third step only marks it.
    fn steps() -> Setting {
        let step = |days_overdue, queue: Option<&str>| EscalationStep { days_overdue, queue: queue.map(code) };
        Setting { escalations: vec![step(0, Some("LEAD")), step(3, Some("DIRECTOR")), step(10, None)], ..setting() }
    }

    fn due() -> DateTime<Utc> {
        in_state(StateWord::Submitted).review_due_time().unwrap()
    }

    #[test]
    fn the_truth_table_of_steps() {
        let second = Duration::seconds(1);
        for (after_due, level, queue) in [
            (second, 1, Some("LEAD")),
            (Duration::days(3), 1, Some("LEAD")),
            (Duration::days(3) + second, 2, Some("DIRECTOR")),
            (Duration::days(10) + second, 3, None),
        ] {
            for state in [StateWord::Submitted, StateWord::InReview] {
                let claim = in_state(state).escalate(due() + after_due, &steps()).unwrap();
                assert_eq!((claim.escalation_level(), claim.queue().map(Code::as_str)), (level, queue), "{after_due}");
                assert_eq!(claim.state, in_state(state).state, "an auditor keeps the review");
            }
        }
    }

    #[test]
    fn a_step_is_taken_once_and_the_next_when_it_is_due() {
        let at = due() + Duration::hours(1);
        let first = in_state(StateWord::Submitted).escalate(at, &steps()).unwrap();
        assert_eq!(first.clone().escalate(at, &steps()), Err(TransitionError::NotDue));
        let second = first.escalate(due() + Duration::days(4), &steps()).unwrap();
        assert_eq!((second.escalation_level(), second.queue().map(Code::as_str)), (2, Some("DIRECTOR")));
        let third = second.escalate(due() + Duration::days(11), &steps()).unwrap();
        assert_eq!(third.queue().map(Code::as_str), Some("DIRECTOR"), "a step without a queue leaves it where it is");
    }

    /// Rejected, and appealed against at once.
    fn appealed() -> Claim {
        let mut review = approve_all(&in_state(StateWord::InReview));
        for verdict in &mut review.verdicts {
            verdict.outcome = Outcome::Rejected;
            verdict.reasons = vec![Reason::of(ReasonCode::NotCovered)];
        }
        let reviewed = in_state(StateWord::InReview);
        let escalation = Some(Escalation { level: 1, escalate_time: now(), queue: Some(code("LEAD")) });
        let late = Claim { escalation, ..reviewed };
        let rejected = late.adjudicate(review, now(), day("2026-11-23"), &steps()).unwrap();
        assert_eq!(rejected.escalation_level(), 1, "that the decision came late stays with it");
        let appeal = NewAppeal {
            lines: vec![1, 2],
            grounds: "it was covered".to_owned(),
            evidence: Vec::new(),
            external_ref: String::new(),
        };
        rejected.appeal(appeal, CLERK.into(), now(), &steps()).unwrap()
    }

    #[test]
    fn an_overdue_appeal_is_escalated_as_a_review_is_and_from_the_first_step() {
        let claim = appealed();
        assert_eq!(claim.escalation, None, "another decision is awaited");
        let due = claim.decision_due_time(claim.open_appeal().unwrap()).unwrap();
        let refused = Err(TransitionError::NotDue);
        assert_eq!(claim.clone().escalate(due, &steps()), refused);
        let first = claim.escalate(due + Duration::seconds(1), &steps()).unwrap();
        assert_eq!((first.escalation_level(), first.queue().map(Code::as_str)), (1, Some("LEAD")));
        assert_eq!((first.state.word(), first.open_appeal().is_some()), (StateWord::Rejected, true));
        let second = first.clone().escalate(due + Duration::days(4), &steps()).unwrap();
        assert_eq!((second.escalation_level(), second.queue().map(Code::as_str)), (2, Some("DIRECTOR")));
        let mut held = first.clone();
        held.pause(PauseReason::Investigation, due);
        assert_eq!(held.escalate(due + Duration::days(4), &steps()), refused, "its clock stands");
        let withdrawn = first.withdraw_appeal(1, CLERK, due).unwrap();
        assert!(withdrawn.escalate(due + Duration::days(4), &steps()).is_err(), "nothing is awaited");
    }

    #[test]
    fn nothing_is_escalated_before_its_time_while_the_clock_stands_or_without_steps() {
        let late = due() + Duration::days(30);
        let refused = Err(TransitionError::NotDue);
        assert_eq!(in_state(StateWord::Submitted).escalate(due(), &steps()), refused);
        assert_eq!(in_state(StateWord::Submitted).escalate(late, &setting()), refused);
        let mut paused = in_state(StateWord::Submitted);
        paused.pause(PauseReason::Investigation, due() - Duration::days(1));
        assert_eq!(paused.clone().escalate(late, &steps()), refused);
        paused.resume(PauseReason::Investigation, late);
        assert_eq!(paused.clone().escalate(late, &steps()), refused, "a day is left");
        assert!(paused.escalate(late + Duration::days(2), &steps()).is_ok());
        let mut appraised = in_state(StateWord::InReview);
        appraised.state = State::InReview {
            review_due_time: Some(due()),
            auditor: AUDITOR,
            review_start_time: due(),
            awaiting_appraisal: true,
        };
        assert_eq!(appraised.escalate(late, &steps()), refused);
    }
}
