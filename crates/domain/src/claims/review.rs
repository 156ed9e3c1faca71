//! The auditor's decision: every line of the current revision, each exactly once.
//!
//! What the warranty owes is at most the smaller of requested and computed. Goodwill may go beyond it, up to
//! what is requested, and needs a right of its own. Whatever is not approved in full says why.

use std::collections::BTreeMap;

use chrono::{DateTime, NaiveDate, Utc};

use super::decision::{DecisionRound, LineDecision, Outcome, Reason};
use super::{Claim, Line, TransitionError};
use crate::ids::UserId;
use crate::money::{BasisPoints, Money, MoneyError};
use crate::text::Violation;

/// What the auditor says about a line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Verdict {
    /// Number of the line.
    pub line: u32,
    /// The outcome.
    pub outcome: Outcome,
    /// The approved amount, goodwill included. None: what is due, or nothing if rejected.
    pub approved: Option<Money>,
    /// Goodwill as part of it.
    pub goodwill: Option<Goodwill>,
    /// Why.
    pub reasons: Vec<Reason>,
    /// A note to the station.
    pub note: String,
    /// A note for the manufacturer only.
    pub internal_note: String,
}

/// How much of an approved amount is goodwill.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Goodwill {
    /// This amount.
    Amount(Money),
    /// This share of the requested amount.
    Percent(BasisPoints),
}

/// Everything the auditor says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Review {
    /// Who decides.
    pub auditor: UserId,
    /// Up to which level they approve.
    pub level: i32,
    /// Whether they hold the goodwill right.
    pub may_grant_goodwill: bool,
    /// One verdict for every line.
    pub verdicts: Vec<Verdict>,
    /// A note to the station.
    pub note: String,
    /// A note for the manufacturer only.
    pub internal_note: String,
}

/// Why a decision was not taken.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ReviewError {
    /// The claim is not where it can be decided.
    Transition(TransitionError),
    /// Verdicts break rules.
    Verdicts(Vec<Violation>),
    /// A verdict grants goodwill and the auditor lacks the right.
    GoodwillRightMissing,
    /// An amount is too large.
    Money(MoneyError),
}

impl From<MoneyError> for ReviewError {
    fn from(error: MoneyError) -> Self {
        ReviewError::Money(error)
    }
}

impl From<TransitionError> for ReviewError {
    fn from(error: TransitionError) -> Self {
        ReviewError::Transition(error)
    }
}

/// The most that the warranty owes for a line: the smaller of requested and computed. A line without a
/// price is owed nothing; its price has to be entered and the claim returned and submitted again.
pub fn due(claim: &Claim, line: &Line) -> Money {
    let zero = Money::zero(claim.currency);
    let Some(pricing) = &line.pricing else { return zero };
    pricing
        .computed
        .map_or(zero, |computed| if computed.minor < pricing.requested.minor { computed } else { pricing.requested })
}

/// Judges the verdicts on `lines`, each exactly once, and makes the next round of them.
pub(super) fn decide(
    claim: &Claim,
    lines: &[u32],
    review: Review,
    now: DateTime<Utc>,
    today: NaiveDate,
) -> Result<DecisionRound, ReviewError> {
    let mut violations = Vec::new();
    let mut decided: BTreeMap<u32, LineDecision> = BTreeMap::new();
    let mut grants_goodwill = false;
    for (position, verdict) in review.verdicts.into_iter().enumerate() {
        let path = |field: &str| format!("line_decisions[{position}].{field}");
        let Some(line) = claim.line(verdict.line).filter(|line| lines.contains(&line.number)) else {
            let (number, to_decide) = (verdict.line, listed(lines));
            let (en, zh) = (
                format!("line {number} is not among the lines to be decided, which are {to_decide}"),
                format!("第 {number} 行不在待判定的行（{to_decide}）中"),
            );
            violations.push(Violation::new(path("line_number"), "UNKNOWN_LINE", en, zh));
            continue;
        };
        if decided.contains_key(&line.number) {
            let (en, zh) = (
                format!("line {} is decided twice; keep one verdict", line.number),
                format!("第 {} 行重复判定；请只保留一个", line.number),
            );
            violations.push(Violation::new(path("line_number"), "LINE_DECIDED_TWICE", en, zh));
            continue;
        }
        let decision = judge(claim, line, verdict, &path, &mut violations)?;
        grants_goodwill |= decision.goodwill.minor > 0;
        decided.insert(line.number, decision);
    }
    for number in lines.iter().filter(|number| !decided.contains_key(number)) {
        let (en, zh) =
            (format!("line {number} has no verdict; decide every line"), format!("第 {number} 行尚未判定；请逐行判定"));
        violations.push(Violation::new("line_decisions", "LINE_NOT_DECIDED", en, zh));
    }
    if !violations.is_empty() {
        return Err(ReviewError::Verdicts(violations));
    }
    if grants_goodwill && !review.may_grant_goodwill {
        return Err(ReviewError::GoodwillRightMissing);
    }
    let approves = decided.values().any(|decision| decision.approved.minor > 0);
    Ok(DecisionRound {
        number: u32::try_from(claim.decisions.len()).unwrap_or(u32::MAX).saturating_add(1),
        revision: claim.revision(),
        level: 1,
        auditor: review.auditor,
        decide_time: now,
        decide_date: today,
        outcome: if approves { Outcome::Approved } else { Outcome::Rejected },
        lines: decided.into_values().collect(),
        note: review.note,
        internal_note: review.internal_note,
        rule: None,
        appeal: None,
        approvals: Vec::new(),
        goodwill_draws: Vec::new(),
    })
}

fn listed(lines: &[u32]) -> String {
    lines.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ")
}

/// One verdict held against its line. What breaks a rule is added to `violations`.
fn judge(
    claim: &Claim,
    line: &Line,
    verdict: Verdict,
    path: &dyn Fn(&str) -> String,
    violations: &mut Vec<Violation>,
) -> Result<LineDecision, ReviewError> {
    let zero = Money::zero(claim.currency);
    let due = due(claim, line);
    let requested = line.pricing.as_ref().map_or(zero, |pricing| pricing.requested);
    let mut refuse = |field: &str, rule: &'static str, en: String, zh: String| {
        violations.push(Violation::new(path(field), rule, en, zh));
    };
    let foreign = |amount: &Money| amount.currency != claim.currency;

    let (goodwill, goodwill_percent) = match verdict.goodwill {
        None => (zero, None),
        Some(Goodwill::Amount(amount)) => (amount, None),
        Some(Goodwill::Percent(share)) => (requested.times_bp(share)?, Some(share)),
    };
    let approved_is_foreign = verdict.approved.as_ref().is_some_and(foreign);
    if approved_is_foreign || foreign(&goodwill) {
        refuse(
            if approved_is_foreign { "approved_amount" } else { "goodwill_amount" },
            "CURRENCY_MISMATCH",
            format!("the claim is in {}; write the amount in it", claim.currency),
            format!("索赔币种为 {}；请使用该币种", claim.currency),
        );
        return Ok(decision(line.number, verdict, zero, zero, None));
    }
    let approved = match (verdict.outcome, verdict.approved) {
        (Outcome::Approved | Outcome::Reduced | Outcome::Rejected, Some(amount)) => amount,
        (Outcome::Rejected, None) => zero,
        (Outcome::Approved, None) if goodwill.minor > due.minor => goodwill,
        (Outcome::Reduced, None) if goodwill.minor > 0 => goodwill,
        (Outcome::Approved, None) => due,
        (Outcome::Reduced, None) => {
            refuse(
                "approved_amount",
                "AMOUNT_NEEDED",
                "state the reduced amount".to_owned(),
                "请填写核减后的金额".to_owned(),
            );
            zero
        }
    };
    for (amount, field) in [(approved, "approved_amount"), (goodwill, "goodwill_amount")] {
        if amount.minor < 0 {
            refuse(
                field,
                "NEGATIVE_AMOUNT",
                "an amount is not below zero; write 0 to give nothing".to_owned(),
                "金额不得为负；不予核准请填 0".to_owned(),
            );
        }
    }
    if goodwill.minor > approved.minor {
        refuse(
            "goodwill_amount",
            "GOODWILL_OVER_APPROVED",
            format!("goodwill {goodwill} is part of the approved amount {approved}; approve at least as much"),
            format!("善意补偿 {goodwill} 是核准金额 {approved} 的一部分；不得超过它"),
        );
    }
    if approved.minor > requested.minor {
        refuse(
            "approved_amount",
            "APPROVED_OVER_REQUESTED",
            format!("{approved} is more than the {requested} requested; approve at most that"),
            format!("核准 {approved} 超过申报 {requested}；请不要超过申报金额"),
        );
    } else if approved.minor.saturating_sub(goodwill.minor.max(0)) > due.minor {
        refuse(
            "approved_amount",
            "APPROVED_OVER_COMPUTED",
            format!("the warranty owes at most {due} for this line; state what goes beyond it as goodwill"),
            format!("该行保修应付最多 {due}；超出部分请填为善意补偿"),
        );
    }
    match verdict.outcome {
        Outcome::Approved if approved.minor < due.minor => refuse(
            "outcome",
            "NOT_APPROVED_IN_FULL",
            format!("{due} is due and {approved} approved; say REDUCED or REJECTED with a reason"),
            format!("应付 {due}，核准 {approved}；请改为 REDUCED 或 REJECTED 并说明原因"),
        ),
        Outcome::Rejected if approved.minor != 0 => refuse(
            "approved_amount",
            "REJECTED_WITH_AMOUNT",
            "a rejected line has no approved amount; say REDUCED to approve a part".to_owned(),
            "拒绝的行不得有核准金额；部分核准请用 REDUCED".to_owned(),
        ),
        Outcome::Reduced if approved.minor >= requested.minor && requested.minor > 0 => refuse(
            "outcome",
            "NOT_REDUCED",
            format!("{requested} is requested and approved; say APPROVED"),
            format!("申报 {requested} 已全额核准；请改为 APPROVED"),
        ),
        Outcome::Reduced if approved.minor == 0 => refuse(
            "outcome",
            "REDUCED_TO_NOTHING",
            "nothing is approved; say REJECTED".to_owned(),
            "核准金额为零；请改为 REJECTED".to_owned(),
        ),
        Outcome::Approved | Outcome::Reduced | Outcome::Rejected => {}
    }
    match verdict.outcome {
        Outcome::Reduced | Outcome::Rejected if verdict.reasons.is_empty() => refuse(
            "reasons",
            "REASON_NEEDED",
            "say why with at least one reason code".to_owned(),
            "请至少填写一个原因代码".to_owned(),
        ),
        Outcome::Approved | Outcome::Reduced | Outcome::Rejected => {}
    }
    Ok(decision(line.number, verdict, approved, goodwill, goodwill_percent))
}

fn decision(
    line: u32,
    verdict: Verdict,
    approved: Money,
    goodwill: Money,
    goodwill_percent: Option<BasisPoints>,
) -> LineDecision {
    LineDecision {
        line,
        outcome: verdict.outcome,
        approved,
        goodwill,
        goodwill_percent,
        reasons: verdict.reasons,
        note: verdict.note,
        internal_note: verdict.internal_note,
    }
}

#[cfg(test)]
mod tests;
