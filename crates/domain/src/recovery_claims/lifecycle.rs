//! The life of a recovery claim. Every verb consumes it and answers the next one, or says why not.
//!
//! ```text
//! UNRESOLVED ─assign→ OPEN ─issue→ ISSUED ─answer→ CONFIRMED | PARTLY_CONFIRMED | DISPUTED ─resolve→ CONFIRMED | …
//!                                    └─silence→ DEEMED_CONFIRMED, or passed on to a person
//! WAIVED ←waive, confirmed by a second person─ any of them before it is paid
//! ```
//!
//! What the supplier bears is posted when it is confirmed, deemed confirmed or decided, and again by how much a later
//! change moves it: `settle_books` notes the difference between what stands and what was posted.

use chrono::{DateTime, NaiveDate, Utc};

use super::clock::{Missing, Pause};
use super::{Issue, Liable, Posted, PostedEvent, RecoveryClaim, RecoveryError, State, Unresolved, Verb, Waiver};
use crate::claims::Claim;
use crate::ids::UserId;
use crate::money::{Money, MoneyError};
use crate::text::Violation;

/// When something happens: the instant, and the day where the deployment is.
#[derive(Clone, Copy, Debug)]
pub struct Moment {
    /// The instant.
    pub now: DateTime<Utc>,
    /// The day.
    pub today: NaiveDate,
}

impl RecoveryClaim {
    /// Says who is liable, where nobody knew.
    pub fn assign(
        mut self,
        liable: Result<Liable, Unresolved>,
        claim: &Claim,
        by: UserId,
    ) -> Result<Self, RecoveryError> {
        self.expect(Verb::Assign)?;
        let liable = liable.map_err(RecoveryError::NotChargeable)?;
        self.currency = liable.currency(claim.currency);
        self.supplier = Some(liable);
        (self.unresolved, self.state, self.decided_by) = (None, State::Open, Some(by));
        Ok(self.priced(claim)?)
    }

    /// Issues it. What is missing then keeps the time to answer from beginning.
    pub fn issue(
        mut self,
        missing: &[Missing],
        delivery_proof: String,
        by: UserId,
        now: DateTime<Utc>,
    ) -> Result<Self, RecoveryError> {
        self.expect(Verb::Issue)?;
        if self.asks_for_nothing()? {
            let nothing = Violation::new(
                "name",
                "NOTHING_TO_CHARGE",
                "there is nothing to charge: no line is approved, or the total is below the contract's minimum",
                "无可追偿金额：没有批准的行，或合计低于合同最低额",
            );
            return Err(RecoveryError::Invalid(vec![nothing]));
        }
        self.issue = Some(Issue { time: now, by });
        self.delivery_proof = delivery_proof;
        for missing in missing {
            self = self.stood(*missing, now);
        }
        self.state = State::Issued;
        Ok(self)
    }

    /// Records the proof that the supplier received it.
    pub fn record_delivery(mut self, proof: String) -> Result<Self, RecoveryError> {
        self.expect(Verb::RecordDelivery)?;
        self.delivery_proof = proof;
        Ok(self)
    }

    /// Says that something is missing: the time to answer stands. A silence that was passed on begins anew.
    pub fn pause(mut self, missing: Missing, now: DateTime<Utc>) -> Result<Self, RecoveryError> {
        self.expect(Verb::Pause)?;
        self.escalate_time = None;
        Ok(self.stood(missing, now))
    }

    /// Says that it is there.
    pub fn resume(mut self, missing: Missing, now: DateTime<Utc>) -> Result<Self, RecoveryError> {
        self.expect(Verb::Resume)?;
        for pause in self.pauses.iter_mut().filter(|pause| pause.missing == missing && pause.end_time.is_none()) {
            pause.end_time = Some(now);
        }
        Ok(self)
    }

    /// Asks to give it up.
    pub fn waive(mut self, reason: String, by: UserId, now: DateTime<Utc>) -> Result<Self, RecoveryError> {
        self.expect(Verb::Waive)?;
        self.waiver = Some(Waiver { reason, asked_by: by, ask_time: now, confirmed_by: None });
        Ok(self)
    }

    /// What giving it up would cost at most: what is asked for, or what stands of it, if that is more. None while
    /// nobody knows who is liable: it may be anything.
    pub fn at_stake(&self) -> Result<Option<Money>, MoneyError> {
        if self.supplier.is_none() {
            return Ok(None);
        }
        let (asked, stands) = (self.totals()?.total, self.posted()?);
        Ok(Some(if asked.try_cmp(stands)?.is_lt() { stands } else { asked }))
    }

    /// A second person gives it up, or the first where the amount is small. What stood becomes an expense.
    pub fn confirm_waiver(mut self, by: UserId, moment: Moment) -> Result<Self, RecoveryError> {
        self.expect(Verb::ConfirmWaiver)?;
        let waiver = self.waiver.as_mut().ok_or(RecoveryError::NothingToConfirm)?;
        waiver.confirmed_by = Some(by);
        let stood = self.posted()?;
        self.state = State::Waived;
        if !stood.is_zero() {
            self.post(PostedEvent::Waived, stood, moment.today);
        }
        Ok(self)
    }

    /// Follows a later decision on the claim: what is asked for changes, and so does what was agreed, by the
    /// difference. What was given up or paid stays as it is.
    pub fn adjust(mut self, claim: &Claim, moment: Moment) -> Result<Self, RecoveryError> {
        if matches!(self.state, State::Waived | State::Unresolved) {
            return Ok(self);
        }
        let asked: Vec<u32> = self.open_lines().map(|line| line.line).collect();
        self = self.priced(claim)?;
        let (nothing, open) = (self.asks_for_nothing()?, self.open_lines().next().is_some());
        let added = self.unheard_lines().any(|line| !asked.contains(&line.line));
        self.state = match self.state {
            // What the decision added is asked of the supplier like the rest: it answers, and its time begins anew.
            State::Confirmed | State::PartlyConfirmed | State::DeemedConfirmed | State::Disputed if added => {
                self.escalate_time = None;
                if let Some(issue) = &mut self.issue {
                    issue.time = moment.now;
                }
                State::PartlyConfirmed
            }
            State::Open | State::Issued | State::Disputed if nothing => State::Settled,
            State::Confirmed | State::PartlyConfirmed | State::DeemedConfirmed if open => State::PartlyConfirmed,
            // What ended because nothing was owed is asked for anew when something is; what was decided stays decided.
            State::Settled if self.postings.is_empty() && !nothing => {
                if open {
                    State::Open
                } else {
                    self.state_of_lines()?
                }
            }
            State::Unresolved
            | State::Open
            | State::Issued
            | State::Disputed
            | State::Confirmed
            | State::PartlyConfirmed
            | State::DeemedConfirmed
            | State::Settled
            | State::Waived => self.state,
        };
        self.settle_books(moment.today)
    }

    /// Notes what is to be posted: the difference between what stands and what was posted.
    pub(super) fn settle_books(mut self, today: NaiveDate) -> Result<Self, RecoveryError> {
        let difference = self.confirmed()?.total.try_sub(self.posted()?)?;
        if !difference.is_zero() {
            self.post(PostedEvent::Confirmed, difference, today);
        }
        Ok(self)
    }

    fn post(&mut self, event: PostedEvent, amount: Money, date: NaiveDate) {
        let number = u32::try_from(self.postings.len()).unwrap_or(u32::MAX).saturating_add(1);
        self.postings.push(Posted { number, event, date, amount });
    }

    fn stood(mut self, missing: Missing, now: DateTime<Utc>) -> Self {
        if !self.pauses.iter().any(|pause| pause.missing == missing && pause.end_time.is_none()) {
            self.pauses.push(Pause { missing, start_time: now, end_time: None });
        }
        self
    }

    /// The state that follows from what stands on each line.
    pub(super) fn state_of_lines(&self) -> Result<State, MoneyError> {
        let open = self.open_lines().count();
        let whole = self.lines.iter().all(|line| line.accepted.is_some_and(|stands| stands.share_bp == line.share_bp));
        Ok(if open == self.lines.len() && open > 0 {
            State::Disputed
        } else if open > 0 {
            State::PartlyConfirmed
        } else if self.confirmed()?.total.is_zero() && self.postings.is_empty() {
            State::Settled
        } else if whole {
            State::Confirmed
        } else {
            State::PartlyConfirmed
        })
    }

    pub(super) fn expect(&self, verb: Verb) -> Result<(), RecoveryError> {
        if verb.from().contains(&self.state) {
            Ok(())
        } else {
            Err(RecoveryError::WrongState { verb, state: self.state })
        }
    }
}
