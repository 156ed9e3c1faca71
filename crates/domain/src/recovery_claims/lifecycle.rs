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
use serde::{Deserialize, Serialize};

use super::clock::{Missing, Pause};
use super::{Issue, Liable, PendingAnswer, Posted, PostedEvent, RecoveryClaim, State, Unresolved, Waiver};
use crate::claims::Claim;
use crate::ids::{Code, UserId};
use crate::money::{BasisPoints, Money, MoneyError};
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
            Verb::RecordDelivery | Verb::Pause | Verb::Resume | Verb::PassSilence => &[S::Issued],
            Verb::Answer | Verb::ConfirmAnswer => &ANSWERABLE,
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

/// What a supplier answers to a line.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "answer", rename_all = "SCREAMING_SNAKE_CASE")]
pub enum LineAnswer {
    /// It bears its share.
    Confirm,
    /// It offers another share.
    Counter {
        /// The share.
        share_bp: BasisPoints,
        /// Why.
        reason: String,
    },
    /// It bears nothing of it.
    Dispute {
        /// Why.
        reason: String,
    },
    /// Another supplier made the piece.
    Reroute {
        /// Which.
        supplier: Code,
        /// Why.
        reason: String,
    },
}

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

    /// The supplier answers every open line. What it confirms stands and is posted; the rest is to be decided.
    pub fn answer(mut self, answers: Vec<(u32, LineAnswer)>, moment: Moment) -> Result<Self, RecoveryError> {
        self.check_answer(Verb::Answer, &answers)?;
        for (number, answer) in answers {
            let Some(line) = self.lines.iter_mut().find(|line| line.line == number) else { continue };
            line.accepted = match &answer {
                LineAnswer::Confirm => Some(line.at(line.share_bp)?),
                LineAnswer::Counter { .. } | LineAnswer::Dispute { .. } | LineAnswer::Reroute { .. } => None,
            };
            line.answer = Some(answer);
        }
        self.escalate_time = None;
        self.pending_answer = None;
        self.state = self.state_of_lines()?;
        self.settle_books(moment.today)
    }

    /// Records what a supplier wrote in a letter. It counts once a second person has confirmed it.
    pub fn record_answer(
        mut self,
        answers: Vec<(u32, LineAnswer)>,
        letter: String,
        by: UserId,
        now: DateTime<Utc>,
    ) -> Result<Self, RecoveryError> {
        self.check_answer(Verb::Answer, &answers)?;
        self.pending_answer = Some(PendingAnswer { lines: answers, letter, by, time: now });
        Ok(self)
    }

    /// A second person confirms the recorded answer. Who that may be is a matter of the permit.
    pub fn confirm_answer(mut self, moment: Moment) -> Result<Self, RecoveryError> {
        self.expect(Verb::ConfirmAnswer)?;
        let pending = self.pending_answer.take().ok_or(RecoveryError::NothingToConfirm)?;
        self.answer(pending.lines, moment)
    }

    /// Lets silence have its consequence once the time to answer has passed: it confirms if the contract says so and
    /// delivery is proved, else a person is told.
    pub fn pass_silence(mut self, moment: Moment) -> Result<Self, RecoveryError> {
        self.expect(Verb::PassSilence)?;
        if self.silence_due_time().is_none_or(|due| moment.now <= due) {
            return Err(RecoveryError::NotDue);
        }
        let confirms = self.supplier.as_ref().is_some_and(|liable| liable.terms.contract.deemed_clause);
        if !confirms || self.delivery_proof.is_empty() {
            self.escalate_time = Some(moment.now);
            return Ok(self);
        }
        for line in self.lines.iter_mut().filter(|line| line.accepted.is_none()) {
            line.accepted = Some(line.at(line.share_bp)?);
        }
        self.state = State::DeemedConfirmed;
        self.settle_books(moment.today)
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
        self = self.priced(claim)?;
        let (nothing, open) = (self.asks_for_nothing()?, self.open_lines().next().is_some());
        self.state = match self.state {
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

    fn check_answer(&self, verb: Verb, answers: &[(u32, LineAnswer)]) -> Result<(), RecoveryError> {
        self.expect(verb)?;
        self.check_lines(answers.iter().map(|(line, _)| *line))?;
        let mut found = Vec::new();
        for (index, (number, answer)) in answers.iter().enumerate() {
            let asked = self.lines.iter().find(|line| line.line == *number).map(|line| line.share_bp);
            let (reason, wrong) = match answer {
                LineAnswer::Confirm => continue,
                LineAnswer::Counter { share_bp, reason } => {
                    (reason, (asked.is_some_and(|asked| *share_bp >= asked) || share_bp.0 < 0).then_some("share_bp"))
                }
                LineAnswer::Dispute { reason } => (reason, None),
                LineAnswer::Reroute { supplier, reason } => {
                    let own = self.supplier.as_ref().is_some_and(|liable| &liable.code == supplier);
                    (reason, own.then_some("supplier"))
                }
            };
            if let Some(field) = wrong {
                found.push(Violation::new(
                    format!("lines[{index}].{field}"),
                    "NOT_ANOTHER",
                    "a counter-offer is less than the share that is asked for, and a reroute names another supplier",
                    "还价份额应低于所要求的份额；转指应填写其他供应商",
                ));
            }
            if reason.trim().is_empty() {
                let field = format!("lines[{index}].reason");
                found.push(Violation::new(
                    field,
                    "REQUIRED",
                    "say why, unless it is confirmed",
                    "不确认时必须说明理由",
                ));
            }
        }
        if found.is_empty() { Ok(()) } else { Err(RecoveryError::Invalid(found)) }
    }

    /// Every open line, and nothing else, is named once.
    pub(super) fn check_lines(&self, named: impl Iterator<Item = u32>) -> Result<(), RecoveryError> {
        let mut named: Vec<u32> = named.collect();
        named.sort_unstable();
        let mut open: Vec<u32> = self.open_lines().map(|line| line.line).collect();
        open.sort_unstable();
        if named == open {
            return Ok(());
        }
        let open: Vec<String> = open.iter().map(ToString::to_string).collect();
        let open = open.join(", ");
        Err(RecoveryError::Invalid(vec![Violation::new(
            "lines",
            "EVERY_OPEN_LINE_ONCE",
            format!("name every open line exactly once; open are: {open}"),
            format!("每个未决行必须且只能填写一次；未决行：{open}"),
        )]))
    }

    pub(super) fn expect(&self, verb: Verb) -> Result<(), RecoveryError> {
        if verb.from().contains(&self.state) {
            Ok(())
        } else {
            Err(RecoveryError::WrongState { verb, state: self.state })
        }
    }
}
