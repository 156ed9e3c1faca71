//! Appeals: a station holds lines of a decision to be wrong, and an auditor who had no part in it decides them
//! anew.
//!
//! The claim keeps its state while an appeal is open. The outcome is a further round of decisions on the lines
//! under appeal; what it changes is posted as a difference. A line that was decided on appeal is final, so that a
//! dispute ends.

use chrono::{DateTime, Duration, NaiveDate, Utc};
use serde::{Deserialize, Serialize};

use super::review::{self, Review, ReviewError};
use super::state::State;
use super::{Claim, Effect, StateWord, TransitionError, Verb};
use crate::access::Author;
use crate::catalog::Setting;
use crate::dates::plus_days;
use crate::ids::UserId;
use crate::money::Money;
use crate::text::{Text, Violation};

/// An appeal against the decision on lines of a claim.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Appeal {
    /// Its number, from 1.
    pub number: u32,
    /// The lines whose decision it holds to be wrong.
    pub lines: Vec<u32>,
    /// Why.
    pub grounds: String,
    /// Attachments that prove it.
    #[serde(default)]
    pub evidence: Vec<String>,
    /// Its key in the system of whoever made it.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub external_ref: String,
    /// Who appealed.
    pub appealed_by: UserId,
    /// Whether that was a program in its own name.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub appealed_by_client: bool,
    /// When.
    pub appeal_time: DateTime<Utc>,
    /// Until when it should be decided.
    pub decision_due_time: DateTime<Utc>,
    /// Where it stands.
    #[serde(flatten)]
    pub state: AppealState,
}

/// Where an appeal stands.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "state", rename_all = "SCREAMING_SNAKE_CASE")]
pub enum AppealState {
    /// Waits for an auditor.
    Open,
    /// Decided.
    Decided {
        /// When.
        decide_time: DateTime<Utc>,
        /// The round that decided it.
        round: u32,
    },
    /// The station took it back.
    Withdrawn {
        /// When.
        withdraw_time: DateTime<Utc>,
        /// Who.
        withdrawn_by: UserId,
    },
}

/// What a station writes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewAppeal {
    /// The lines.
    pub lines: Vec<u32>,
    /// Why the decision is wrong.
    pub grounds: String,
    /// Attachments that prove it.
    pub evidence: Vec<String>,
    /// Its key in the station's own system.
    pub external_ref: String,
}

/// Why an appeal was not made, decided or taken back.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum AppealError {
    /// Nothing was decided that could be appealed against, or the claim is elsewhere.
    Transition(TransitionError),
    /// The time for it is over.
    TooLate {
        /// When it ended.
        due: DateTime<Utc>,
    },
    /// Another appeal is open.
    OpenAlready {
        /// Its number.
        number: u32,
    },
    /// It is not open any more.
    NotOpen,
    /// Lines that can't be appealed against.
    Lines(Vec<Violation>),
    /// The auditor had a part in a decision on the claim.
    SameAuditor,
    /// The auditor's level does not cover what would be approved.
    LevelTooLow,
    /// The verdicts break rules.
    Review(ReviewError),
}

impl From<TransitionError> for AppealError {
    fn from(error: TransitionError) -> Self {
        AppealError::Transition(error)
    }
}

impl From<ReviewError> for AppealError {
    fn from(error: ReviewError) -> Self {
        AppealError::Review(error)
    }
}

impl AppealError {
    /// What people are told where the claim's own refusals don't say it.
    pub fn text(&self) -> Text {
        match self {
            AppealError::TooLate { due } => Text::new(
                format!("the time to appeal ended at {}; a supplement may still be claimed", due.to_rfc3339()),
                format!("申诉期已于 {} 结束；仍可提交追加索赔", due.to_rfc3339()),
            ),
            AppealError::OpenAlready { number } => Text::new(
                format!("appeal {number} is open; withdraw it, or wait until it is decided"),
                format!("申诉 {number} 尚未结束；请先撤回，或等待裁定"),
            ),
            AppealError::NotOpen => Text::new(
                "the appeal is not open any more; read it for what became of it",
                "该申诉已结束；请读取该申诉以查看结果",
            ),
            AppealError::SameAuditor => Text::new(
                "an appeal is decided by an auditor who had no part in a decision on the claim; leave it to a colleague",
                "申诉须由未参与过该索赔判定的审核员裁定；请由其他审核员处理",
            ),
            AppealError::LevelTooLow => Text::new(
                "the amount is beyond your level of approval; leave the appeal to a colleague of a higher one",
                "金额超出您的批准级别；请由更高级别的审核员处理",
            ),
            AppealError::Transition(error) => error.text(),
            AppealError::Lines(_) | AppealError::Review(_) => {
                Text::new("lines of the appeal can't be decided so", "申诉的行无法如此判定")
            }
        }
    }
}

impl Claim {
    /// The appeal that is open.
    pub fn open_appeal(&self) -> Option<&Appeal> {
        self.appeals.iter().find(|appeal| appeal.state == AppealState::Open)
    }

    /// The appeal of a number.
    pub fn appeal_of(&self, number: u32) -> Option<&Appeal> {
        self.appeals.iter().find(|appeal| appeal.number == number)
    }

    /// Public name of an appeal.
    pub fn appeal_name(&self, number: u32) -> String {
        format!("claims/{}/appeals/{number}", self.id)
    }

    /// Appeals against the decision on some lines.
    pub fn appeal(
        mut self,
        new: NewAppeal,
        by: Author,
        now: DateTime<Utc>,
        setting: &Setting,
    ) -> Result<Claim, AppealError> {
        self.expect(Verb::Appeal)?;
        if let Some(open) = self.open_appeal() {
            return Err(AppealError::OpenAlready { number: open.number });
        }
        if let Some(due) = self.appeal_due_time().filter(|due| now > *due) {
            return Err(AppealError::TooLate { due });
        }
        let violations = self.unappealable(&new.lines);
        if !violations.is_empty() {
            return Err(AppealError::Lines(violations));
        }
        let number = u32::try_from(self.appeals.len()).unwrap_or(u32::MAX).saturating_add(1);
        let NewAppeal { mut lines, grounds, evidence, external_ref } = new;
        lines.sort_unstable();
        let due = now.checked_add_signed(Duration::days(i64::from(setting.review_due_days)));
        self.appeals.push(Appeal {
            number,
            lines,
            grounds,
            evidence,
            external_ref,
            appealed_by: by.id,
            appealed_by_client: by.is_client,
            appeal_time: now,
            decision_due_time: due.unwrap_or(DateTime::<Utc>::MAX_UTC),
            state: AppealState::Open,
        });
        // How late the decision was that it is against is history; what is awaited now is another.
        self.escalation = None;
        Ok(self)
    }

    /// What is wrong with the lines of an appeal.
    fn unappealable(&self, lines: &[u32]) -> Vec<Violation> {
        let mut violations = Vec::new();
        let mut refuse = |at: String, rule: &'static str, en: String, zh: String| {
            violations.push(Violation::new(at, rule, en, zh));
        };
        if lines.is_empty() {
            refuse(
                "appeal.line_numbers".to_owned(),
                "REQUIRED",
                "name the lines whose decision is appealed against".to_owned(),
                "请填写申诉所针对的行号".to_owned(),
            );
        }
        for (position, number) in lines.iter().enumerate() {
            let at = format!("appeal.line_numbers[{position}]");
            let decided = self.line(*number).zip(self.decision_on(*number));
            let Some((line, (round, decision))) = decided else {
                let (en, zh) = (
                    format!("line {number} is not among the decided lines of the claim"),
                    format!("第 {number} 行不在已判定的行中"),
                );
                refuse(at, "UNKNOWN_LINE", en, zh);
                continue;
            };
            let requested = line.pricing.as_ref().map(|pricing| pricing.requested);
            if lines.iter().take(position).any(|earlier| earlier == number) {
                let (en, zh) = (format!("line {number} is named twice"), format!("第 {number} 行重复"));
                refuse(at, "LINE_NAMED_TWICE", en, zh);
            } else if round.appeal.is_some() {
                let (en, zh) = (
                    format!("line {number} was decided on appeal, which is final"),
                    format!("第 {number} 行已经申诉裁定，为最终结果"),
                );
                refuse(at, "DECIDED_ON_APPEAL", en, zh);
            } else if requested.is_some_and(|requested| decision.approved.minor >= requested.minor) {
                let (en, zh) = (
                    format!("line {number} was approved as requested; leave it out"),
                    format!("第 {number} 行已全额核准；请去掉"),
                );
                refuse(at, "APPROVED_AS_REQUESTED", en, zh);
            }
        }
        violations
    }

    /// Decides the lines of the open appeal in a further round.
    ///
    /// Who approves more than stood needs a level for all of the claim as it stands then: in pieces nobody goes beyond
    /// a limit. Who leaves it, or takes something back, needs none.
    pub fn decide_appeal(
        mut self,
        number: u32,
        review: Review,
        now: DateTime<Utc>,
        today: NaiveDate,
        setting: &Setting,
    ) -> Result<Claim, AppealError> {
        self.expect(Verb::DecideAppeal)?;
        let Some(appeal) = self.open_appeal().filter(|appeal| appeal.number == number) else {
            return Err(AppealError::NotOpen);
        };
        self.expect_not_held()?;
        if self.decisions.iter().any(|round| round.is_by(review.auditor)) {
            return Err(AppealError::SameAuditor);
        }
        let level = review.level;
        let mut round = review::decide(&self, &appeal.lines, review, now, today)?;
        round.appeal = Some(self.appeal_name(number));
        let decided = AppealState::Decided { decide_time: now, round: round.number };
        let before = self.approved_in_all()?;
        self.decisions.push(round);
        let after = self.approved_in_all()?;
        // What stands already and what is added count together: line by line nobody gets beyond their level.
        if after.minor > before.minor && !setting.may_approve(level, after) {
            return Err(AppealError::LevelTooLow);
        }
        if let Some(appeal) = self.appeals.iter_mut().find(|appeal| appeal.number == number) {
            appeal.state = decided;
        }
        self.follow_decisions(now, today, setting);
        self.totals().map_err(ReviewError::Money)?;
        Ok(self)
    }

    fn approved_in_all(&self) -> Result<Money, ReviewError> {
        Ok(self.totals()?.approved.unwrap_or(Money::zero(self.currency)))
    }

    /// Takes an open appeal back.
    pub fn withdraw_appeal(mut self, number: u32, by: UserId, now: DateTime<Utc>) -> Result<Claim, AppealError> {
        self.expect(Verb::WithdrawAppeal)?;
        match self.appeals.iter_mut().find(|appeal| appeal.number == number && appeal.state == AppealState::Open) {
            Some(appeal) => appeal.state = AppealState::Withdrawn { withdraw_time: now, withdrawn_by: by },
            None => return Err(AppealError::NotOpen),
        }
        // It waits for nothing any more.
        self.end_hold(now);
        Ok(self)
    }

    /// A claim that was rejected and of which anything is approved now is approved, and the reverse. What is
    /// paid or closed stays so: the difference is paid, or taken back, with the next statement. The time to
    /// appeal against other lines does not begin anew.
    fn follow_decisions(&mut self, now: DateTime<Utc>, today: NaiveDate, setting: &Setting) {
        let approves = self
            .lines
            .iter()
            .any(|line| self.decision_on(line.number).is_some_and(|(_, decision)| decision.approved.minor > 0));
        let appeal_due_time = self.state.appeal_due_time();
        match (self.state.word(), approves) {
            (StateWord::Rejected, true) => {
                let promised_pay_date = match self.kind.spec().effect() {
                    Effect::Pays => Some(plus_days(today, u32::try_from(setting.payment_days).unwrap_or(0))),
                    Effect::Authorizes => None,
                };
                self.state = State::Approved { decide_time: now, promised_pay_date, appeal_due_time };
            }
            (StateWord::Approved, false) => self.state = State::Rejected { decide_time: now, appeal_due_time },
            (
                StateWord::Rejected
                | StateWord::Approved
                | StateWord::Draft
                | StateWord::Submitted
                | StateWord::InReview
                | StateWord::Returned
                | StateWord::Withdrawn
                | StateWord::Settled
                | StateWord::Closed
                | StateWord::Lapsed,
                _,
            ) => {}
        }
    }
}

#[cfg(test)]
mod tests;
