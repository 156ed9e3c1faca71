//! What it means that nobody decides: where the setting says so, a claim that was not decided in time counts as
//! approved.
//!
//! It is off unless a deployment wants it. Silence approves no more than an auditor of the lowest level could, pays
//! for nothing that has no price, and does not run while an appraiser or a higher level is awaited.

use chrono::{DateTime, NaiveDate, Utc};

use super::review::{self, ReviewError};
use super::state::State;
use super::{Claim, Effect, TransitionError, Verb};
use crate::adjudication::Measure;
use crate::catalog::Setting;
use crate::money::Money;

impl Claim {
    /// Approves what is due on every line, because the time for a decision has passed.
    pub fn deem_approved(self, now: DateTime<Utc>, today: NaiveDate, setting: &Setting) -> Result<Claim, ReviewError> {
        self.expect(Verb::DeemApproved)?;
        let overdue = self.review_due_time().is_some_and(|due| now > due);
        if !(setting.deemed_approval && overdue && self.waits_for_an_auditor_alone()) {
            return Err(TransitionError::NotDue.into());
        }
        let amount = Money::sum(self.currency, self.lines.iter().map(|line| review::due(&self, line)))?;
        if amount.minor <= 0 || !setting.may_approve(0, amount) {
            return Err(TransitionError::NotDue.into());
        }
        let rule = format!("settings/{}", setting.code);
        self.decide_by_rule(&Measure::Approve, rule, now, today, setting)
    }

    /// Whether nothing but an auditor's own decision is awaited.
    fn waits_for_an_auditor_alone(&self) -> bool {
        let appraised = matches!(self.state, State::InReview { awaiting_appraisal: true, .. });
        let pays = match self.kind.spec().effect() {
            Effect::Pays => true,
            Effect::Authorizes => false,
        };
        pays && !appraised && self.hold().is_none() && !self.awaits_approval()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::catalog::setting::ApprovalLimit;
    use crate::claims::sample::{cny, day, in_state, setting, time};
    use crate::claims::{Kind, StateWord};
    use crate::ids::UserId;

    fn late() -> DateTime<Utc> {
        time("2026-12-24T08:00:00Z")
    }

    fn silent() -> Setting {
        Setting { deemed_approval: true, ..setting() }
    }

    fn deemed(claim: Claim, at: DateTime<Utc>, setting: &Setting) -> Result<Claim, ReviewError> {
        claim.deem_approved(at, day("2026-12-24"), setting)
    }

    const NOT_DUE: ReviewError = ReviewError::Transition(TransitionError::NotDue);

    #[test]
    fn an_overdue_claim_is_approved_at_what_is_due_and_says_why() {
        for state in [StateWord::Submitted, StateWord::InReview] {
            let claim = deemed(in_state(state), late(), &silent()).unwrap();
            assert_eq!(claim.state.word(), StateWord::Approved, "{state:?}");
            assert_eq!(claim.totals().unwrap().approved, Some(cny("596")));
            let round = &claim.decisions[0];
            assert_eq!((round.auditor, round.decide_time), (UserId::SYSTEM, late()));
            assert_eq!(round.rule, Some(format!("settings/{}", silent().code)));
        }
    }

    #[test]
    fn silence_means_nothing_before_its_time_or_where_no_setting_says_so() {
        let due = in_state(StateWord::Submitted).state.review_due_time().unwrap();
        assert_eq!(deemed(in_state(StateWord::Submitted), due, &silent()), Err(NOT_DUE));
        assert_eq!(deemed(in_state(StateWord::Submitted), late(), &setting()), Err(NOT_DUE));
    }

    #[test]
    fn silence_does_not_run_while_somebody_else_is_awaited() {
        let mut appraised = in_state(StateWord::InReview);
        if let State::InReview { awaiting_appraisal, .. } = &mut appraised.state {
            *awaiting_appraisal = true;
        }
        assert_eq!(deemed(appraised, late(), &silent()), Err(NOT_DUE));
        let mut request = in_state(StateWord::Submitted);
        request.kind = Kind::MajorAssembly;
        assert_eq!(deemed(request, late(), &silent()), Err(NOT_DUE), "nobody gets leave by silence");
    }

    #[test]
    fn silence_approves_no_more_than_the_lowest_level_could_and_nothing_without_a_price() {
        let limit = |amount| ApprovalLimit { level: 0, currency: cny("1").currency, limit: Some(cny(amount)) };
        let limited = |amount| Setting { approval_limits: vec![limit(amount)], ..silent() };
        assert_eq!(deemed(in_state(StateWord::Submitted), late(), &limited("595.99")), Err(NOT_DUE));
        assert!(deemed(in_state(StateWord::Submitted), late(), &limited("596")).is_ok());
        let mut unpriced = in_state(StateWord::Submitted);
        for line in &mut unpriced.lines {
            line.pricing = None;
        }
        assert_eq!(deemed(unpriced, late(), &silent()), Err(NOT_DUE));
    }
}
