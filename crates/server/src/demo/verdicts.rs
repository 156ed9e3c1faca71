//! How the demo's auditors judge: what they find decides before what was planned.

use recourse_proto::v1;
use recourse_proto::v1::claim_line::Type as LineType;
use recourse_proto::v1::finding_code::Code as Finding;
use recourse_proto::v1::line_outcome::Code as Outcome;
use recourse_service::admission::Identity;

use super::accounts::People;
use super::chance::Chance;
use super::plan::{ClaimPlan, Fate};
use super::wire::{cny, fen};

/// What an auditor makes of a claim.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Judgement {
    kind: Kind,
    /// The second auditor reviews it.
    second: bool,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Kind {
    #[default]
    Approve,
    /// Less work than claimed.
    Reduce,
    /// Nothing is due, and a share is given.
    Goodwill(Finding),
    Reject(Finding),
}

impl Judgement {
    /// Who reviews and decides.
    pub(super) fn auditor(self, people: &People) -> &Identity {
        if self.second { &people.second_auditor } else { &people.auditor }
    }
}

/// Judges a claim by its plan and by what its submission found.
pub(super) fn judge(index: usize, plan: &ClaimPlan, found: &[Finding]) -> Judgement {
    let mut chance = Chance::new(20_000 + index as u64);
    let second = chance.happens(300);
    let over = [Finding::ExpiredWarranty, Finding::NotCovered].into_iter().find(|code| found.contains(code));
    let planned = match plan.fate {
        Fate::Rejected => {
            let reasons = [Finding::CustomerDamage, Finding::NoDefectFound, Finding::LaborFaultMismatch];
            Kind::Reject(reasons[chance.index(reasons.len())])
        }
        Fate::Reduced => Kind::Reduce,
        Fate::Draft
        | Fate::Submitted
        | Fate::InReview
        | Fate::Returned
        | Fate::Withdrawn { .. }
        | Fate::Lapsed
        | Fate::Approved
        | Fate::Corrected => Kind::Approve,
    };
    let kind = if let Some(code) = over {
        if chance.happens(450) { Kind::Goodwill(code) } else { Kind::Reject(code) }
    } else if found.contains(&Finding::Duplicate) && chance.happens(650) {
        Kind::Reject(Finding::Duplicate)
    } else if planned == Kind::Approve && found.contains(&Finding::ExcessiveLaborHours) && chance.happens(400) {
        Kind::Reduce
    } else {
        planned
    };
    let second = match kind {
        // Only the second auditor may give what is not due.
        Kind::Goodwill(_) => true,
        Kind::Approve | Kind::Reduce | Kind::Reject(_) => second,
    };
    Judgement { kind, second }
}

/// The verdict on each line, and the note to the station.
pub(super) fn verdicts(
    index: usize,
    plan: &ClaimPlan,
    judgement: Judgement,
    claim: &v1::Claim,
) -> (Vec<v1::LineVerdict>, &'static str) {
    let mut chance = Chance::new(30_000 + index as u64 * 2 + u64::from(plan.fate == Fate::Corrected));
    let share = i32::try_from(chance.between(3, 8)).unwrap_or(5) * 1_000;
    let kept = chance.between(60, 90);
    let line_decisions = claim
        .lines
        .iter()
        .map(|line| {
            let verdict = |outcome: Outcome| v1::LineVerdict {
                line_number: line.number,
                outcome: outcome.into(),
                ..Default::default()
            };
            match judgement.kind {
                Kind::Reduce if line.r#type() == LineType::Labor => {
                    let requested = fen(line.requested_amount.as_ref());
                    v1::LineVerdict {
                        approved_amount: cny((requested * kept / 100).max(1)),
                        reasons: vec![reason(Finding::ExcessiveLaborHours)],
                        ..verdict(Outcome::Reduced)
                    }
                }
                Kind::Approve | Kind::Reduce => verdict(Outcome::Approved),
                Kind::Goodwill(code) => v1::LineVerdict {
                    goodwill_percent_bp: share,
                    reasons: vec![reason(code)],
                    ..verdict(Outcome::Reduced)
                },
                Kind::Reject(code) => v1::LineVerdict { reasons: vec![reason(code)], ..verdict(Outcome::Rejected) },
            }
        })
        .collect();
    let note = match judgement.kind {
        Kind::Approve => "",
        Kind::Reduce => "Standard hours apply / 按标准工时核定",
        Kind::Goodwill(_) => "A share as goodwill / 按善意补偿部分承担",
        Kind::Reject(_) => "See the reasons / 见拒绝原因",
    };
    (line_decisions, note)
}

fn reason(code: Finding) -> v1::DecisionReason {
    v1::DecisionReason { code: code.into(), ..Default::default() }
}
