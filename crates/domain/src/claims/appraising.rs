//! What appraisals and recoveries do to a claim: it waits while one is open, and others get sight of it.

use chrono::{DateTime, Utc};

use super::Claim;
use super::clock::PauseReason;
use super::state::{State, StateWord};
use super::transition::TransitionError;
use crate::ids::OrgId;

impl Claim {
    /// The claim while an appraisal is open. Only a claim in review waits for one, and for one at a time. What was
    /// proposed before was proposed without its answer, and is dropped.
    pub fn await_appraisal(mut self, now: DateTime<Utc>) -> Result<Claim, StateWord> {
        match &mut self.state {
            State::InReview { awaiting_appraisal, .. } if !*awaiting_appraisal => {
                *awaiting_appraisal = true;
                self.proposal = None;
                self.pause(PauseReason::Appraisal, now);
                Ok(self)
            }
            State::InReview { .. }
            | State::Draft
            | State::Submitted { .. }
            | State::Approved { .. }
            | State::Rejected { .. }
            | State::Returned { .. }
            | State::Withdrawn { .. }
            | State::Settled { .. }
            | State::Closed { .. }
            | State::Lapsed { .. } => Err(self.state.word()),
        }
    }

    /// The claim after its appraisal has ended: its clocks run again.
    #[must_use]
    pub fn end_appraisal(mut self, now: DateTime<Utc>) -> Claim {
        if let State::InReview { awaiting_appraisal, .. } = &mut self.state {
            *awaiting_appraisal = false;
        }
        self.resume(PauseReason::Appraisal, now);
        self
    }

    /// Whether an organisation beside the station has sight of it.
    pub fn is_shared_with(&self, org: OrgId) -> bool {
        self.shared_with.contains(&org)
    }

    /// The claim with sight given to an organisation.
    #[must_use]
    pub fn share_with(mut self, org: OrgId) -> Claim {
        if !self.is_shared_with(org) {
            self.shared_with.push(org);
        }
        self
    }

    /// The claim with sight taken from an organisation.
    #[must_use]
    pub fn unshare(mut self, org: OrgId) -> Claim {
        self.shared_with.retain(|other| *other != org);
        self
    }

    /// A claim is neither decided nor returned while an appraisal is open: it would decide without its answer.
    pub(super) fn expect_no_appraisal(&self) -> Result<(), TransitionError> {
        if matches!(self.state, State::InReview { awaiting_appraisal: true, .. }) {
            return Err(TransitionError::AwaitingAppraisal);
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::catalog::Setting;
    use crate::catalog::setting::ApprovalLimit;
    use crate::claims::{ApprovalError, Approver, sample};

    #[test]
    fn a_claim_waits_for_one_appraisal_at_a_time_and_only_in_review() {
        let draft = sample::draft();
        let now = sample::now();
        assert_eq!(draft.await_appraisal(now), Err(StateWord::Draft));
        let claim = sample::in_state(StateWord::InReview);
        let waiting = claim.clone().await_appraisal(now).unwrap();
        assert_eq!(waiting.expect_no_appraisal(), Err(TransitionError::AwaitingAppraisal));
        assert_eq!(waiting.clone().await_appraisal(now), Err(StateWord::InReview));
        assert_eq!(waiting.review_due_time(), None, "its clock stands");
        let later = now + chrono::Duration::days(2);
        let free = waiting.end_appraisal(later);
        assert_eq!(free.state, claim.state);
        assert_eq!(free.review_due_time(), claim.review_due_time().map(|due| due + chrono::Duration::days(2)));
    }

    #[test]
    fn what_was_proposed_without_the_answer_is_dropped() {
        let currency = sample::cny("1").currency;
        let limits = vec![ApprovalLimit { level: 0, currency, limit: Some(sample::cny("100")) }];
        let setting = Setting { approval_limits: limits, ..sample::setting() };
        let claim = sample::in_state(StateWord::InReview);
        let review = sample::approve_all(&claim);
        let proposed = claim.adjudicate(review, sample::now(), sample::day("2026-11-23"), &setting).unwrap();
        assert!(proposed.awaits_approval());
        let appraised = proposed.await_appraisal(sample::now()).unwrap().end_appraisal(sample::now());
        assert!(!appraised.awaits_approval());
        let approver = Approver { user: sample::OTHER_AUDITOR, level: 9 };
        let approved = appraised.approve_decision(approver, sample::now(), sample::day("2026-11-24"), &setting);
        assert_eq!(approved, Err(ApprovalError::NothingProposed));
    }

    #[test]
    fn sight_is_given_once_and_taken() {
        let org = OrgId(uuid::Uuid::from_u128(7));
        let claim = sample::draft().share_with(org).share_with(org);
        assert_eq!(claim.shared_with, [org]);
        assert!(!claim.unshare(org).is_shared_with(org));
    }
}
