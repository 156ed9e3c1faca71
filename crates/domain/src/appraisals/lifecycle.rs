//! The life of an appraisal. Every verb consumes it and answers the next one, or says why not.
//!
//! ```text
//! REQUESTED ─accept→ ACCEPTED ─start→ IN_PROGRESS ─shareDraft→ DRAFT_SHARED ─conclude→ CONCLUDED ─finalize→ FINAL
//!     │decline                          ⇅ INFO_REQUESTED                                    SUPERSEDED ←─supersede─┘
//! DECLINED        CANCELLED ←cancel─ any before CONCLUDED ─reassign→ REASSIGNED (also from DECLINED)
//! ```

use chrono::{DateTime, Duration, NaiveDate, Utc};
use uuid::Uuid;

use super::findings::{Conclusion, Findings, LiabilityDecision};
use super::state::{State, StateWord};
use super::{Appraisal, MAX_REMARKS, Party, Pause, Remark, RemarkKind};
use crate::catalog::{Appraiser, Expert, Setting};
use crate::claims::draft::MAX_AMOUNT_MINOR;
use crate::ids::{AppraisalId, UserId};
use crate::money::Money;
use crate::text::Violation;

/// What can be done to an appraisal.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Verb {
    /// Take the case.
    Accept,
    /// Not take it.
    Decline,
    /// Begin the work.
    Start,
    /// Ask for something that is missing.
    RequestInformation,
    /// Provide it.
    ProvideInformation,
    /// Share a draft.
    ShareDraft,
    /// Comment on the draft.
    Comment,
    /// Object to the appraiser.
    Object,
    /// State the technical cause.
    Conclude,
    /// Decide who is liable.
    DecideLiability,
    /// Make it final.
    Finalize,
    /// Take the order back.
    Cancel,
    /// Give the case to another appraiser.
    Reassign,
    /// Put a second opinion in its place.
    Supersede,
    /// End the appraiser's access.
    EndAccess,
}

use StateWord as S;

/// States before the conclusion.
const BEFORE_CONCLUSION: [S; 5] = [S::Requested, S::Accepted, S::InProgress, S::InfoRequested, S::DraftShared];
/// The same, and a declined case.
const REASSIGNABLE: [S; 6] = [S::Requested, S::Accepted, S::InProgress, S::InfoRequested, S::DraftShared, S::Declined];

impl Verb {
    /// Every verb.
    pub const ALL: [Verb; 15] = [
        Verb::Accept,
        Verb::Decline,
        Verb::Start,
        Verb::RequestInformation,
        Verb::ProvideInformation,
        Verb::ShareDraft,
        Verb::Comment,
        Verb::Object,
        Verb::Conclude,
        Verb::DecideLiability,
        Verb::Finalize,
        Verb::Cancel,
        Verb::Reassign,
        Verb::Supersede,
        Verb::EndAccess,
    ];

    /// The word of the verb in change rows.
    pub fn word(self) -> &'static str {
        match self {
            Verb::Accept => "accept",
            Verb::Decline => "decline",
            Verb::Start => "start",
            Verb::RequestInformation => "requestInformation",
            Verb::ProvideInformation => "provideInformation",
            Verb::ShareDraft => "shareDraft",
            Verb::Comment => "comment",
            Verb::Object => "object",
            Verb::Conclude => "conclude",
            Verb::DecideLiability => "decideLiability",
            Verb::Finalize => "finalize",
            Verb::Cancel => "cancel",
            Verb::Reassign => "reassign",
            Verb::Supersede => "supersede",
            Verb::EndAccess => "endAccess",
        }
    }

    /// The states from which it leads on.
    pub fn from(self) -> &'static [StateWord] {
        match self {
            Verb::Accept => &[S::Requested],
            Verb::Decline => &[S::Requested, S::Accepted],
            Verb::Start => &[S::Accepted],
            Verb::RequestInformation => &[S::InProgress],
            Verb::ProvideInformation => &[S::InfoRequested],
            Verb::ShareDraft | Verb::Conclude => &[S::InProgress, S::DraftShared],
            Verb::Comment => &[S::DraftShared],
            Verb::Object | Verb::Cancel => &BEFORE_CONCLUSION,
            Verb::DecideLiability | Verb::Finalize => &[S::Concluded],
            Verb::Reassign => &REASSIGNABLE,
            Verb::Supersede => &[S::Final],
            Verb::EndAccess => &[S::Final, S::Superseded],
        }
    }
}

/// Why an appraisal did not move.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum AppraisalError {
    /// The verb does not lead on from its state.
    WrongState {
        /// What was tried.
        verb: Verb,
        /// Where it stands.
        state: StateWord,
    },
    /// What was said breaks rules.
    Invalid(Vec<Violation>),
    /// It can't be final before liability is decided.
    LiabilityMissing,
    /// The auditor's level does not cover the fee that would be owed.
    LevelTooLow {
        /// The fee.
        fee: Money,
    },
}

/// What an appraiser says at the end.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Concluding {
    /// What was found.
    pub findings: Findings,
    /// What is charged.
    pub fee: Option<Money>,
    /// The expert's own signature; empty: none.
    pub expert_signature: String,
    /// Who enters it.
    pub by: UserId,
}

impl Appraisal {
    /// Takes the case and names the expert, whose licence must be valid on the day.
    pub fn accept(
        mut self,
        expert: Uuid,
        appraiser: &Appraiser,
        today: NaiveDate,
        now: DateTime<Utc>,
    ) -> Result<Self, AppraisalError> {
        self.expect(Verb::Accept)?;
        licence(appraiser, expert, today)?;
        self.state = State::Accepted { expert, accept_time: now };
        Ok(self)
    }

    /// Does not take the case.
    pub fn decline(mut self, reason: String, now: DateTime<Utc>) -> Result<Self, AppraisalError> {
        self.expect(Verb::Decline)?;
        self.state = State::Declined { end_time: now, reason };
        Ok(self)
    }

    /// Begins the work.
    pub fn start(mut self, now: DateTime<Utc>) -> Result<Self, AppraisalError> {
        let expert = self.expert_for(Verb::Start)?;
        self.state = State::InProgress { expert, start_time: now };
        Ok(self)
    }

    /// Asks for something that is missing: the clock stands.
    pub fn request_information(
        mut self,
        question: String,
        by: UserId,
        now: DateTime<Utc>,
    ) -> Result<Self, AppraisalError> {
        let expert = self.expert_for(Verb::RequestInformation)?;
        let pause =
            Pause { start_time: now, end_time: None, question, answer: String::new(), asked_by: by, answered_by: None };
        self.pauses.push(pause);
        self.state = State::InfoRequested { expert, start_time: now };
        Ok(self)
    }

    /// Provides what was asked for: the clock runs on.
    pub fn provide_information(
        mut self,
        answer: String,
        by: UserId,
        now: DateTime<Utc>,
    ) -> Result<Self, AppraisalError> {
        let expert = self.expert_for(Verb::ProvideInformation)?;
        if let Some(pause) = self.pauses.last_mut() {
            pause.end_time = Some(now);
            pause.answer = answer;
            pause.answered_by = Some(by);
        }
        self.state = State::InProgress { expert, start_time: now };
        Ok(self)
    }

    /// Shares a draft with the parties.
    pub fn share_draft(mut self, draft: Findings, now: DateTime<Utc>) -> Result<Self, AppraisalError> {
        let expert = self.expert_for(Verb::ShareDraft)?;
        refuse(draft.check("draft", self.questions.len()))?;
        self.draft = Some(draft);
        self.state = State::DraftShared { expert, share_time: now };
        Ok(self)
    }

    /// Notes what a party says: a comment on the draft, or an objection to the appraiser.
    pub fn remark(
        mut self,
        kind: RemarkKind,
        party: Party,
        text: String,
        author: UserId,
        now: DateTime<Utc>,
    ) -> Result<Self, AppraisalError> {
        self.expect(match kind {
            RemarkKind::Comment => Verb::Comment,
            RemarkKind::Objection => Verb::Object,
        })?;
        if self.remarks.len() >= MAX_REMARKS {
            let full = Violation::new("text", "TOO_MANY", "the case has 200 remarks already", "该案已有 200 条意见");
            return Err(AppraisalError::Invalid(vec![full]));
        }
        self.remarks.push(Remark { kind, party, text, time: now, author });
        Ok(self)
    }

    /// States the technical cause. The server's signature is set by whoever holds its key.
    pub fn conclude(
        mut self,
        concluding: Concluding,
        appraiser: &Appraiser,
        today: NaiveDate,
        now: DateTime<Utc>,
    ) -> Result<Self, AppraisalError> {
        let expert = self.expert_for(Verb::Conclude)?;
        let licensed = licence(appraiser, expert, today)?;
        let license_number = licensed.license_number.clone();
        let registered = licensed.registered();
        let Concluding { findings, fee, expert_signature, by } = concluding;
        let mut found = findings.check("findings", self.questions.len());
        if fee.is_some_and(Money::is_negative) {
            found.push(Violation::new("fee", "NEGATIVE", "must not be below zero", "不能为负数"));
        }
        if fee.is_some_and(|fee| fee.minor > MAX_AMOUNT_MINOR) {
            let (en, zh) = ("must be below ten thousand million", "须小于一百亿");
            found.push(Violation::new("fee", "OUT_OF_RANGE", en, zh));
        }
        refuse(found)?;
        let payload = self.payload(&findings, expert, &license_number).map_err(|error| {
            AppraisalError::Invalid(vec![Violation::new("findings", "UNREADABLE", error.to_string(), "内容无法序列化")])
        })?;
        self.conclusion = Some(Conclusion {
            findings,
            expert,
            license_number,
            conclude_time: now,
            concluded_by: by,
            payload,
            signature: String::new(),
            key_id: String::new(),
            expert_signature,
            registered,
        });
        self.fee = fee;
        self.state = State::Concluded { expert, conclude_time: now };
        Ok(self)
    }

    /// Decides who is liable. It may be decided again until the appraisal is final.
    pub fn decide_liability(mut self, decision: LiabilityDecision) -> Result<Self, AppraisalError> {
        self.expect(Verb::DecideLiability)?;
        refuse(decision.check())?;
        self.liability = Some(decision);
        Ok(self)
    }

    /// Makes it final: the appraiser keeps its access for some days, and its fee is owed from today, if an auditor of
    /// this level may approve so much. The manufacturer owes nothing to a laboratory of its own.
    pub fn finalize(
        mut self,
        level: i32,
        setting: &Setting,
        today: NaiveDate,
        now: DateTime<Utc>,
    ) -> Result<Self, AppraisalError> {
        let expert = self.expert_for(Verb::Finalize)?;
        if self.liability.is_none() {
            return Err(AppraisalError::LiabilityMissing);
        }
        let charged = self.fee.filter(|fee| !fee.is_zero() && !self.in_house);
        if let Some(fee) = charged.filter(|fee| !setting.may_approve(level, *fee)) {
            return Err(AppraisalError::LevelTooLow { fee });
        }
        let access_end_time = now.checked_add_signed(Duration::days(i64::from(setting.appraisal_access())));
        self.fee_date = charged.map(|_| today);
        self.state = State::Final { expert, final_time: now, access_end_time };
        Ok(self)
    }

    /// Takes the order back.
    pub fn cancel(mut self, reason: String, now: DateTime<Utc>) -> Result<Self, AppraisalError> {
        self.expect(Verb::Cancel)?;
        self.state = State::Cancelled { end_time: now, reason };
        Ok(self)
    }

    /// Ends it in favour of another, which has the same questions.
    pub fn reassign(mut self, to: AppraisalId, reason: String, now: DateTime<Utc>) -> Result<Self, AppraisalError> {
        self.expect(Verb::Reassign)?;
        self.state = State::Reassigned { end_time: now, reason, to };
        Ok(self)
    }

    /// Refuses a second opinion on what is not final.
    pub fn expect_supersedable(&self) -> Result<(), AppraisalError> {
        self.expect(Verb::Supersede)
    }

    /// Gives way to a second opinion that became final. What was concluded stays as it was.
    pub fn supersede(mut self, by: AppraisalId, now: DateTime<Utc>) -> Result<Self, AppraisalError> {
        let expert = self.expert_for(Verb::Supersede)?;
        let access_end_time = self.state.access_end_time();
        self.state = State::Superseded { expert, end_time: now, by, access_end_time };
        Ok(self)
    }

    /// Ends the appraiser's access.
    pub fn end_access(mut self) -> Result<Self, AppraisalError> {
        self.expect(Verb::EndAccess)?;
        if let State::Final { access_end_time, .. } | State::Superseded { access_end_time, .. } = &mut self.state {
            *access_end_time = None;
        }
        Ok(self)
    }

    fn expect(&self, verb: Verb) -> Result<(), AppraisalError> {
        let state = self.state.word();
        if verb.from().contains(&state) { Ok(()) } else { Err(AppraisalError::WrongState { verb, state }) }
    }

    /// The expert, where the verb leads on; every state from which such a verb leads on has one.
    fn expert_for(&self, verb: Verb) -> Result<Uuid, AppraisalError> {
        self.expect(verb)?;
        self.state.expert().ok_or(AppraisalError::WrongState { verb, state: self.state.word() })
    }
}

fn refuse(found: Vec<Violation>) -> Result<(), AppraisalError> {
    if found.is_empty() { Ok(()) } else { Err(AppraisalError::Invalid(found)) }
}

/// The expert, whose licence is valid on a day.
fn licence(appraiser: &Appraiser, expert: Uuid, today: NaiveDate) -> Result<&Expert, AppraisalError> {
    let refused = |rule, en: &str, zh: &str| AppraisalError::Invalid(vec![Violation::new("expert", rule, en, zh)]);
    let Some(expert) = appraiser.experts.iter().find(|other| other.id == expert) else {
        return Err(refused("UNKNOWN_EXPERT", "is no expert of this appraiser", "不是该鉴定机构的专家"));
    };
    if !expert.is_licensed_on(today) {
        return Err(refused(
            "NOT_LICENSED",
            "the expert's licence is not valid today; name another expert, or renew the licence first",
            "该专家的执照当日无效；请指定其他专家或先更新执照",
        ));
    }
    Ok(expert)
}
