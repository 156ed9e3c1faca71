//! Holding a claim: it waits for something, so nobody decides it (no auditor, no rule, no silence) and its clocks
//! stand.
//!
//! One hold at a time: who needs another reason releases it and holds it anew, and both are on record as pauses.

use chrono::{DateTime, NaiveDate, Utc};
use serde::{Deserialize, Serialize};

use super::clock::PauseReason;
use super::transition::{TransitionError, Verb};
use super::{Claim, StateWord};
use crate::ids::UserId;

/// Pauses after which a claim is not held any more: its document has an end.
const MAX_PAUSES: usize = 200;

/// Why a claim waits.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Hold {
    /// Why; an appraisal holds by itself.
    pub reason: PauseReason,
    /// Since when.
    pub hold_time: DateTime<Utc>,
    /// Its last day, if it has one.
    #[serde(default)]
    pub until: Option<NaiveDate>,
    /// The end of that day.
    #[serde(default)]
    pub end_time: Option<DateTime<Utc>>,
    /// Who holds it.
    pub held_by: UserId,
    /// A note for the manufacturer only.
    #[serde(default)]
    pub internal_note: String,
}

impl Claim {
    /// The hold, while it is held.
    pub fn hold(&self) -> Option<&Hold> {
        self.hold.as_ref()
    }

    /// Holds it.
    pub fn hold_for(mut self, hold: Hold) -> Result<Claim, TransitionError> {
        self.expect_something_awaited(Verb::Hold)?;
        if self.hold.is_some() {
            return Err(TransitionError::HeldAlready);
        }
        if self.pauses.len() >= MAX_PAUSES {
            return Err(TransitionError::HeldTooOften);
        }
        if hold.reason == PauseReason::Appraisal {
            return Err(TransitionError::HeldByAppraisalOnly);
        }
        self.pause(hold.reason, hold.hold_time);
        self.hold = Some(hold);
        Ok(self)
    }

    /// Lets it go on.
    pub fn release_hold(mut self, now: DateTime<Utc>) -> Result<Claim, TransitionError> {
        self.expect_something_awaited(Verb::ReleaseHold)?;
        if self.hold.is_none() {
            return Err(TransitionError::NotHeld);
        }
        self.end_hold(now);
        Ok(self)
    }

    /// Lets it go on because the last day of the hold is over. However late that is seen, the clocks ran from
    /// the end of that day.
    pub fn end_overdue_hold(self, now: DateTime<Utc>) -> Result<Claim, TransitionError> {
        let over = self.hold.as_ref().and_then(|hold| hold.end_time).is_some_and(|end| end <= now);
        if over { self.release_hold(now) } else { Err(TransitionError::NotDue) }
    }

    /// Ends the hold of a claim that waits for nothing any more, if there is one.
    pub(super) fn end_hold(&mut self, now: DateTime<Utc>) {
        if let Some(hold) = self.hold.take() {
            self.resume(hold.reason, hold.end_time.map_or(now, |end| end.min(now)));
        }
    }

    /// A held claim is not decided, by whomever.
    pub(super) fn expect_not_held(&self) -> Result<(), TransitionError> {
        self.hold.as_ref().map_or(Ok(()), |hold| Err(TransitionError::Held { reason: hold.reason }))
    }

    /// A claim whose decision stands waits for one again only while an appeal is open.
    pub(super) fn expect_something_awaited(&self, verb: Verb) -> Result<(), TransitionError> {
        self.expect(verb)?;
        let state = self.state.word();
        let awaited = match state {
            StateWord::Submitted | StateWord::InReview | StateWord::Returned => true,
            StateWord::Approved | StateWord::Rejected | StateWord::Settled | StateWord::Closed => {
                self.open_appeal().is_some()
            }
            StateWord::Draft | StateWord::Withdrawn | StateWord::Lapsed => false,
        };
        if awaited { Ok(()) } else { Err(TransitionError::WrongState { verb, state }) }
    }
}

#[cfg(test)]
mod tests {
    use chrono::Duration;

    use super::*;
    use crate::claims::sample::{AUDITOR, CLERK, OTHER_AUDITOR, day, facts, in_state, now, setting, time};
    use crate::claims::{ReviewError, Step};

    fn hold(until: Option<&str>) -> Hold {
        Hold {
            reason: PauseReason::EvidenceAwaited,
            hold_time: now(),
            until: until.map(day),
            end_time: until.map(|text| time(&format!("{text}T16:00:00Z"))),
            held_by: OTHER_AUDITOR,
            internal_note: "see case 7".to_owned(),
        }
    }

    fn held(state: StateWord) -> Claim {
        in_state(state).hold_for(hold(None)).unwrap()
    }

    const HELD: TransitionError = TransitionError::Held { reason: PauseReason::EvidenceAwaited };

    #[test]
    fn a_held_claim_says_what_it_waits_for_and_is_held_once() {
        let claim = held(StateWord::InReview);
        let wait = claim.waits_for();
        assert_eq!((wait.party, wait.step, wait.since), (super::super::Party::Station, Step::HoldRelease, Some(now())));
        assert_eq!(wait.due_time, None);
        assert_eq!(claim.hold_for(hold(None)), Err(TransitionError::HeldAlready));
        let appraisal = Hold { reason: PauseReason::Appraisal, ..hold(None) };
        assert_eq!(in_state(StateWord::InReview).hold_for(appraisal), Err(TransitionError::HeldByAppraisalOnly));
        assert_eq!(in_state(StateWord::InReview).release_hold(now()), Err(TransitionError::NotHeld));
        let mut often = in_state(StateWord::InReview);
        for _ in 0..MAX_PAUSES {
            often = often.hold_for(hold(None)).unwrap().release_hold(now()).unwrap();
        }
        assert_eq!(often.hold_for(hold(None)), Err(TransitionError::HeldTooOften));
        let dated = in_state(StateWord::Submitted).hold_for(hold(Some("2026-11-30"))).unwrap();
        assert_eq!(dated.waits_for().due_time, Some(time("2026-11-30T16:00:00Z")));
    }

    #[test]
    fn nobody_decides_a_held_claim() {
        let claim = held(StateWord::InReview);
        let (late, today) = (time("2027-06-01T00:00:00Z"), day("2027-06-01"));
        let review = crate::claims::sample::approve_all(&claim);
        let adjudicated = claim.clone().adjudicate(review, now(), day("2026-11-23"), &setting());
        assert_eq!(adjudicated, Err(ReviewError::Transition(HELD)));
        let silent = crate::catalog::Setting { deemed_approval: true, ..setting() };
        for state in [StateWord::Submitted, StateWord::InReview] {
            let deemed = held(state).deem_approved(late, today, &silent);
            assert_eq!(deemed, Err(ReviewError::Transition(TransitionError::NotDue)), "{state:?}");
        }
        let returning = crate::claims::Returning {
            auditor: AUDITOR,
            reasons: Vec::new(),
            note: String::new(),
            internal_note: String::new(),
        };
        assert_eq!(claim.clone().return_(returning, now(), &setting()), Err(HELD));
        assert_eq!(held(StateWord::Returned).lapse(late), Err(TransitionError::NotDue), "the answer's clock stands");
        let taken = claim.start_review(OTHER_AUDITOR, now()).unwrap();
        assert!(taken.hold().is_some(), "it can be handed on, held");
    }

    #[test]
    fn a_release_gives_the_time_back_and_a_last_day_ends_it_however_late_that_is_seen() {
        let due = in_state(StateWord::InReview).review_due_time().unwrap();
        let released = held(StateWord::InReview).release_hold(now() + Duration::days(3)).unwrap();
        assert_eq!((released.hold(), released.review_due_time()), (None, Some(due + Duration::days(3))));
        assert_eq!(released.pauses.len(), 1, "it is on record");

        let dated = in_state(StateWord::InReview).hold_for(hold(Some("2026-11-30"))).unwrap();
        let end = time("2026-11-30T16:00:00Z");
        assert_eq!(dated.clone().end_overdue_hold(end - Duration::seconds(1)), Err(TransitionError::NotDue));
        let ended = dated.end_overdue_hold(end + Duration::days(4)).unwrap();
        assert_eq!(ended.pauses[0].end_time, Some(end));
        assert_eq!(held(StateWord::InReview).end_overdue_hold(end), Err(TransitionError::NotDue), "it has no last day");
    }

    #[test]
    fn an_answer_leaves_the_hold_and_taking_the_claim_back_ends_it() {
        let submitted = held(StateWord::Returned).submit(&facts(), CLERK).unwrap().claim;
        assert!(submitted.hold().is_some(), "an investigation is not over because the station answered");
        assert_eq!(submitted.review_due_time(), None);
        let withdrawn = held(StateWord::Submitted).withdraw(CLERK, String::new(), now()).unwrap();
        assert_eq!((withdrawn.hold(), withdrawn.pauses[0].end_time), (None, Some(now())));
    }
}
