//! The verbs of a claim's life: from which states each leads on, and what is told where it does not.

use super::clock::PauseReason;
use super::state::StateWord;
use crate::text::Text;

/// What can be done to a claim.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Verb {
    /// Change its content.
    Update,
    /// Submit it.
    Submit,
    /// Take it into review.
    StartReview,
    /// Decide it.
    Adjudicate,
    /// Return it for correction.
    Return,
    /// Take it back.
    Withdraw,
    /// Let its answer's deadline pass.
    Lapse,
    /// Note that it was paid.
    Settle,
    /// Note that nothing is owed.
    Close,
    /// Let the time for a decision pass.
    DeemApproved,
    /// Give it back to its queue.
    ReleaseReview,
    /// Hand it to another auditor or queue.
    Reassign,
    /// Approve the decision at a higher level.
    ApproveDecision,
    /// Give the decision back to its auditor.
    DeclineDecision,
    /// Appeal against the decision.
    Appeal,
    /// Decide the appeal.
    DecideAppeal,
    /// Take the appeal back.
    WithdrawAppeal,
    /// Hold it.
    Hold,
    /// Let it go on.
    ReleaseHold,
    /// Tell others that the decision on it, or on its appeal, is overdue.
    Escalate,
}

impl Verb {
    /// Every verb.
    pub const ALL: [Verb; 20] = [
        Verb::Update,
        Verb::Submit,
        Verb::StartReview,
        Verb::Adjudicate,
        Verb::Return,
        Verb::Withdraw,
        Verb::Lapse,
        Verb::Settle,
        Verb::Close,
        Verb::DeemApproved,
        Verb::ReleaseReview,
        Verb::Reassign,
        Verb::ApproveDecision,
        Verb::DeclineDecision,
        Verb::Appeal,
        Verb::DecideAppeal,
        Verb::WithdrawAppeal,
        Verb::Hold,
        Verb::ReleaseHold,
        Verb::Escalate,
    ];

    /// The word of the verb in change rows.
    pub fn word(self) -> &'static str {
        match self {
            Verb::Update => "update",
            Verb::Submit => "submit",
            Verb::StartReview => "startReview",
            Verb::Adjudicate => "adjudicate",
            Verb::Return => "return",
            Verb::Withdraw => "withdraw",
            Verb::Lapse => "lapse",
            Verb::Settle => "settle",
            Verb::Close => "close",
            Verb::DeemApproved => "deemApproved",
            Verb::ReleaseReview => "releaseReview",
            Verb::Reassign => "reassign",
            Verb::ApproveDecision => "approveDecision",
            Verb::DeclineDecision => "declineDecision",
            Verb::Appeal => "appeal",
            Verb::DecideAppeal => "decideAppeal",
            Verb::WithdrawAppeal => "withdrawAppeal",
            Verb::Hold => "hold",
            Verb::ReleaseHold => "releaseHold",
            Verb::Escalate => "escalate",
        }
    }

    /// The states from which it leads on.
    pub fn from(self) -> &'static [StateWord] {
        match self {
            Verb::Update | Verb::Submit => &[StateWord::Draft, StateWord::Returned],
            Verb::StartReview | Verb::Reassign | Verb::DeemApproved => &[StateWord::Submitted, StateWord::InReview],
            // What is decided waits for another decision while an appeal is open.
            Verb::Escalate => &[
                StateWord::Submitted,
                StateWord::InReview,
                StateWord::Approved,
                StateWord::Rejected,
                StateWord::Settled,
                StateWord::Closed,
            ],
            Verb::Adjudicate | Verb::Return | Verb::ApproveDecision | Verb::DeclineDecision | Verb::ReleaseReview => {
                &[StateWord::InReview]
            }
            Verb::Withdraw => &[StateWord::Draft, StateWord::Submitted, StateWord::Returned],
            Verb::Lapse => &[StateWord::Returned],
            Verb::Settle | Verb::Close => &[StateWord::Approved],
            Verb::Appeal | Verb::DecideAppeal | Verb::WithdrawAppeal => {
                &[StateWord::Approved, StateWord::Rejected, StateWord::Settled, StateWord::Closed]
            }
            // What is decided is held while an appeal is open.
            Verb::Hold | Verb::ReleaseHold => &[
                StateWord::Submitted,
                StateWord::InReview,
                StateWord::Returned,
                StateWord::Approved,
                StateWord::Rejected,
                StateWord::Settled,
                StateWord::Closed,
            ],
        }
    }
}

/// Why a claim did not move.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TransitionError {
    /// The verb does not lead on from the claim's state.
    #[error("{} is not possible in state {}", .verb.word(), .state.word())]
    WrongState {
        /// What was tried.
        verb: Verb,
        /// Where the claim stands.
        state: StateWord,
    },
    /// Claims of this kind are approved or rejected, never returned.
    #[error("claims of this kind are not returned; approve or reject it")]
    NotReturnable,
    /// Another auditor reviews the claim.
    #[error("another auditor reviews the claim; take it over with startReview first")]
    AnotherAuditor,
    /// An appraisal is open, and the review waits for it.
    #[error("an appraisal of the claim is open; wait until it is final, or cancel it")]
    AwaitingAppraisal,
    /// The claim is held.
    #[error("the claim is held ({}); release the hold first", .reason.word())]
    Held {
        /// Why.
        reason: PauseReason,
    },
    /// The claim is held already.
    #[error("the claim is held already; release the hold, then hold it anew")]
    HeldAlready,
    /// The claim was held so often that it is not held again.
    #[error("the claim was held too often; decide it")]
    HeldTooOften,
    /// The claim is not held.
    #[error("the claim is not held")]
    NotHeld,
    /// An appraisal holds a claim by itself.
    #[error("an appraisal holds the claim by itself; order one, or choose another reason")]
    HeldByAppraisalOnly,
    /// The deadline has not passed.
    #[error("the deadline has not passed")]
    NotDue,
}

impl TransitionError {
    /// What people are told, with the way out.
    pub fn text(&self) -> Text {
        match self {
            TransitionError::WrongState { verb, state } => {
                let possible: Vec<&str> = verb.from().iter().map(|state| state.word()).collect();
                let possible = possible.join(", ");
                let (en, zh) = way_on(*verb, *state)
                    .map_or_else(Default::default, |(en, zh)| (format!("; {en}"), format!("；{zh}")));
                Text::new(
                    format!("the claim is {}; {} is possible in {possible}{en}", state.word(), verb.word()),
                    format!("索赔单状态为 {}；{} 仅可在 {possible} 状态执行{zh}", state.word(), verb.word()),
                )
            }
            TransitionError::NotReturnable => Text::new(
                "claims of this kind are not returned; approve or reject it",
                "此类索赔不可退单；请批准或拒绝",
            ),
            TransitionError::AnotherAuditor => Text::new(
                "another auditor reviews the claim; take it over with startReview first",
                "该索赔单由其他审核员审核中；请先用 startReview 接手",
            ),
            TransitionError::AwaitingAppraisal => Text::new(
                "an appraisal of the claim is open; wait until it is final, or cancel it",
                "该索赔单的鉴定尚未结束；请等待鉴定定稿，或取消鉴定",
            ),
            TransitionError::Held { reason } => Text::new(
                format!("the claim is held ({}); release the hold first", reason.word()),
                format!("该索赔单已被搁置（{}）；请先解除搁置", reason.word()),
            ),
            TransitionError::HeldAlready => Text::new(
                "the claim is held already; release the hold, then hold it anew",
                "该索赔单已被搁置；请先解除，再重新搁置",
            ),
            TransitionError::HeldTooOften => {
                Text::new("the claim was held too often; decide it", "该索赔单搁置次数过多；请作出判定")
            }
            TransitionError::NotHeld => Text::new("the claim is not held", "该索赔单未被搁置"),
            TransitionError::HeldByAppraisalOnly => Text::new(
                "an appraisal holds the claim by itself; order one, or choose another reason",
                "鉴定会自动搁置索赔单；请委托鉴定，或选择其他原因",
            ),
            TransitionError::NotDue => Text::new("the deadline has not passed", "期限未到"),
        }
    }
}

/// What leads on instead, where a verb does not lead on from a state; none where nothing does, or the texts of the
/// verb's own refusal say it.
fn way_on(verb: Verb, state: StateWord) -> Option<(&'static str, &'static str)> {
    use StateWord as S;
    let by_auditor = match verb {
        Verb::StartReview
        | Verb::Adjudicate
        | Verb::Return
        | Verb::ApproveDecision
        | Verb::DeclineDecision
        | Verb::ReleaseReview
        | Verb::Reassign => true,
        Verb::Submit | Verb::Withdraw | Verb::Appeal | Verb::DecideAppeal | Verb::WithdrawAppeal => false,
        Verb::Update
        | Verb::Lapse
        | Verb::Settle
        | Verb::Close
        | Verb::DeemApproved
        | Verb::Hold
        | Verb::ReleaseHold
        | Verb::Escalate => return None,
    };
    match state {
        S::Submitted if by_auditor => {
            Some(("take it into review with startReview first", "请先用 startReview 开始审核"))
        }
        S::Draft | S::Returned if by_auditor => Some(("its station submits it first", "须由服务站先提交")),
        S::Approved | S::Rejected | S::Settled | S::Closed if by_auditor => {
            Some(("it is decided: only an appeal of its station changes that", "已作出判定：只有服务站申诉才能改变"))
        }
        S::Approved | S::Rejected | S::Settled | S::Closed => {
            Some(("it is decided: appeal against lines of the decision", "已作出判定：可对判定的行提出申诉"))
        }
        S::Withdrawn | S::Lapsed if by_auditor => None,
        S::Submitted | S::InReview if verb == Verb::Submit => {
            Some(("it waits for its decision already", "已提交，正等待判定"))
        }
        S::InReview if verb == Verb::Withdraw => {
            Some(("an auditor has it: ask for its return", "审核员正在处理：可请其退回"))
        }
        S::Draft | S::Submitted | S::InReview | S::Returned => {
            Some(("nothing is decided yet that could be appealed against", "尚无可申诉的判定"))
        }
        S::Withdrawn | S::Lapsed => Some(("it is at its end: copy it (:copy)", "该索赔已终结：可复制（:copy）")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_refused_step_of_the_main_path_says_what_leads_on() {
        let by_station = [Verb::Submit, Verb::Withdraw, Verb::Appeal, Verb::WithdrawAppeal];
        let by_auditor = [Verb::StartReview, Verb::Adjudicate, Verb::Return, Verb::ApproveDecision, Verb::DecideAppeal];
        for verb in by_station.into_iter().chain(by_auditor) {
            for state in StateWord::ALL.into_iter().filter(|state| !verb.from().contains(state)) {
                let text = TransitionError::WrongState { verb, state }.text();
                // Nobody of the manufacturer brings back what its station ended.
                let at_its_end = matches!(state, StateWord::Withdrawn | StateWord::Lapsed);
                let parts = if at_its_end && by_auditor[..4].contains(&verb) { 2 } else { 3 };
                assert_eq!(text.en.split("; ").count(), parts, "{verb:?} {state:?}: {}", text.en);
                assert_eq!(text.zh_cn.split('；').count(), parts, "{verb:?} {state:?}: {}", text.zh_cn);
            }
        }
    }

    #[test]
    fn what_leads_on_fits_who_asks() {
        let told = |verb, state| TransitionError::WrongState { verb, state }.text().en;
        assert_eq!(
            told(Verb::Adjudicate, StateWord::Submitted),
            "the claim is SUBMITTED; adjudicate is possible in IN_REVIEW; take it into review with startReview first"
        );
        assert!(
            told(Verb::Withdraw, StateWord::Approved)
                .ends_with("; it is decided: appeal against lines of the decision")
        );
        assert!(told(Verb::Withdraw, StateWord::InReview).ends_with("; an auditor has it: ask for its return"));
        assert!(told(Verb::Appeal, StateWord::InReview).contains("nothing is decided yet"));
    }
}
