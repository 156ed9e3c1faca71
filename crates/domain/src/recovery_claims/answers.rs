//! What the supplier says to each line, or leaves unsaid.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use super::lifecycle::Moment;
use super::{PendingAnswer, RecoveryClaim, RecoveryError, State, Verb};
use crate::ids::{Code, UserId};
use crate::money::BasisPoints;
use crate::text::Violation;

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

impl RecoveryClaim {
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
    /// delivery is proved, else a person is told. A recorded answer that nobody confirmed in its time is no answer.
    pub fn pass_silence(mut self, moment: Moment) -> Result<Self, RecoveryError> {
        self.expect(Verb::PassSilence)?;
        if self.silence_due_time().is_none_or(|due| moment.now <= due) {
            return Err(RecoveryError::NotDue);
        }
        let confirms = self.supplier.as_ref().is_some_and(|liable| liable.terms.contract.deemed_clause);
        // What is proved to be delivered is what was issued, not what a later decision added.
        if !confirms || self.delivery_proof.is_empty() || self.state != State::Issued {
            self.escalate_time = Some(moment.now);
            return Ok(self);
        }
        for line in self.lines.iter_mut().filter(|line| line.accepted.is_none()) {
            line.accepted = Some(line.at(line.share_bp)?);
        }
        self.pending_answer = None;
        self.state = State::DeemedConfirmed;
        self.settle_books(moment.today)
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
}
