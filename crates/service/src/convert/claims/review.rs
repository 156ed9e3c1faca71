//! What is found, decided and compared: findings, decision rounds, returns, revisions.

use recourse_domain::access::Author;
use recourse_domain::claims::review::{Goodwill, Verdict};
use recourse_domain::claims::{self as domain, DifferenceKind, Finding, Outcome, Reason, Revision, Severity};
use recourse_domain::ids::UserId;
use recourse_domain::money::{Currency, Money, MoneyError};
use recourse_domain::text::{Lang, Violation};
use recourse_proto::v1;

use super::{count, document, user};
use crate::convert::names::author;
use crate::convert::{Reader, basis_points, date, money, text, timestamp};

pub(super) fn show_decision(round: u32, decision: &domain::LineDecision, lang: Lang) -> v1::LineDecision {
    v1::LineDecision {
        line_number: count(decision.line),
        outcome: show_outcome(decision.outcome).into(),
        approved_amount: money(decision.approved),
        reasons: decision.reasons.iter().map(|reason| show_reason(reason, lang)).collect(),
        note: decision.note.clone(),
        internal_note: decision.internal_note.clone(),
        goodwill_amount: if decision.goodwill.is_zero() { None } else { money(decision.goodwill) },
        goodwill_percent_bp: decision.goodwill_percent.map(basis_points).unwrap_or_default(),
        round: count(round),
    }
}

pub(super) fn show_round(
    currency: Currency,
    round: &domain::DecisionRound,
    lang: Lang,
) -> Result<v1::DecisionRound, MoneyError> {
    let total = Money::sum(currency, round.lines.iter().map(|decision| decision.approved))?;
    Ok(v1::DecisionRound {
        number: count(round.number),
        revision: count(round.revision),
        level: count(round.level),
        auditor: by_person(round.auditor),
        decide_time: timestamp(round.decide_time),
        outcome: show_outcome(round.outcome).into(),
        line_decisions: round.lines.iter().map(|decision| show_decision(round.number, decision, lang)).collect(),
        note: round.note.clone(),
        internal_note: round.internal_note.clone(),
        approved_total: money(total),
        rule: text(round.rule.as_ref()),
        appeal: text(round.appeal.as_ref()),
        approvals: round.approvals.iter().map(show_approval).collect(),
    })
}

/// The person who decided; nobody, where a rule did.
fn by_person(auditor: UserId) -> String {
    if auditor == UserId::SYSTEM { String::new() } else { user(auditor) }
}

fn show_approval(approval: &domain::Approval) -> v1::DecisionApproval {
    let domain::Approval { auditor, level, approve_time } = approval;
    v1::DecisionApproval { auditor: user(*auditor), level: *level, approve_time: timestamp(*approve_time) }
}

pub(super) fn show_return(returned: &domain::Return, lang: Lang) -> v1::ClaimReturn {
    v1::ClaimReturn {
        revision: count(returned.revision),
        return_time: timestamp(returned.return_time),
        auditor: by_person(returned.auditor),
        reasons: returned.reasons.iter().map(|reason| show_reason(reason, lang)).collect(),
        note: returned.note.clone(),
        internal_note: returned.internal_note.clone(),
        rule: text(returned.rule.as_ref()),
    }
}

pub(super) fn show_reason(reason: &Reason, lang: Lang) -> v1::DecisionReason {
    let standard = domain::reason_text(reason.code, lang);
    let or_standard = |own: &str, standard: String| if own.is_empty() { standard } else { own.to_owned() };
    v1::DecisionReason {
        code: show_code(reason.code).into(),
        clause: reason.clause.clone(),
        evidence_needed: or_standard(&reason.evidence_needed, standard.evidence_needed),
        fix: or_standard(&reason.fix, standard.fix),
        deadline: reason.deadline.and_then(date),
        field: reason.field.clone(),
        message: standard.message,
    }
}

pub(super) fn show_outcome(outcome: Outcome) -> v1::line_outcome::Code {
    match outcome {
        Outcome::Approved => v1::line_outcome::Code::Approved,
        Outcome::Reduced => v1::line_outcome::Code::Reduced,
        Outcome::Rejected => v1::line_outcome::Code::Rejected,
    }
}

/// The verdicts of an auditor.
pub(crate) fn read_verdicts(verdicts: &[v1::LineVerdict]) -> Result<Vec<Verdict>, Vec<Violation>> {
    let mut reader = Reader::default();
    let read = verdicts
        .iter()
        .enumerate()
        .filter_map(|(index, verdict)| {
            let at = |field: &str| format!("line_decisions[{index}].{field}");
            let outcome = reader.choice(&at("outcome"), verdict.outcome, |code| match code {
                v1::line_outcome::Code::Unspecified => None,
                v1::line_outcome::Code::Approved => Some(Outcome::Approved),
                v1::line_outcome::Code::Reduced => Some(Outcome::Reduced),
                v1::line_outcome::Code::Rejected => Some(Outcome::Rejected),
            });
            let approved = reader.money(&at("approved_amount"), verdict.approved_amount.as_ref());
            let granted = reader.money(&at("goodwill_amount"), verdict.goodwill_amount.as_ref());
            let percent = (verdict.goodwill_percent_bp != 0)
                .then(|| recourse_domain::money::BasisPoints(i64::from(verdict.goodwill_percent_bp)));
            if granted.is_some() && percent.is_some() {
                reader.refuse(Violation::new(
                    at("goodwill_percent_bp"),
                    "EITHER_OR",
                    "goodwill is an amount or a percentage, not both; leave one out",
                    "善意索赔可按金额或按比例填写，请只填其一",
                ));
            }
            let reasons = read_reasons(&mut reader, &at("reasons"), &verdict.reasons);
            Some(Verdict {
                line: u32::try_from(verdict.line_number).unwrap_or_default(),
                outcome: outcome?,
                approved,
                goodwill: granted.map(Goodwill::Amount).or(percent.map(Goodwill::Percent)),
                reasons,
                note: verdict.note.clone(),
                internal_note: verdict.internal_note.clone(),
            })
        })
        .collect();
    reader.finish(read)
}

/// Reasons of a decision or a return.
pub(crate) fn read_reasons(reader: &mut Reader, at: &str, reasons: &[v1::DecisionReason]) -> Vec<Reason> {
    reasons
        .iter()
        .enumerate()
        .filter_map(|(index, reason)| {
            let at = |field: &str| format!("{at}[{index}].{field}");
            let code = reader.choice(&at("code"), reason.code, read_code);
            let deadline = reader.date(&at("deadline"), reason.deadline.as_ref());
            Some(Reason {
                code: code?,
                clause: reason.clause.clone(),
                evidence_needed: reason.evidence_needed.clone(),
                fix: reason.fix.clone(),
                deadline,
                field: reason.field.clone(),
            })
        })
        .collect()
}

/// A finding with its texts, which are made when it is read.
pub(crate) fn show_finding(finding: &Finding, lang: Lang) -> v1::Finding {
    let texts = domain::text(finding, lang);
    let severity = match finding.severity {
        Severity::Error => v1::finding::Severity::Error,
        Severity::Warning => v1::finding::Severity::Warning,
    };
    v1::Finding {
        code: show_code(finding.code).into(),
        severity: severity.into(),
        field: finding.field.clone(),
        line_number: finding.line.map(count).unwrap_or_default(),
        clause: finding.clause.clone(),
        message: texts.message,
        evidence_needed: texts.evidence_needed,
        fix: texts.fix,
        parameters: finding
            .params
            .iter()
            .map(|(key, value)| v1::FindingParameter { key: key.clone(), value: value.clone() })
            .collect(),
    }
}

/// A finding as a violation of the claim that can't be submitted.
pub(crate) fn as_violation(finding: &Finding) -> Violation {
    let (en, zh) = (domain::text(finding, Lang::En), domain::text(finding, Lang::ZhCn));
    Violation::new(
        format!("claim.{}", finding.field),
        finding.code.word(),
        format!("{}. {}", en.message, en.fix),
        format!("{}。{}", zh.message, zh.fix),
    )
}

/// The contract's code of a finding or reason. Both name the same words; a test holds them together.
pub(crate) fn show_code(code: domain::Code) -> v1::finding_code::Code {
    v1::finding_code::Code::from_str_name(code.word()).unwrap_or(v1::finding_code::Code::Other)
}

/// The domain's reason; none for the unspecified.
pub(crate) fn read_code(code: v1::finding_code::Code) -> Option<domain::Code> {
    domain::Code::ALL.iter().copied().find(|known| known.word() == code.as_str_name())
}

/// A revision: the claim as it was submitted.
pub(crate) fn show_revision(revision: &Revision, lang: Lang) -> Result<v1::ClaimRevision, MoneyError> {
    Ok(v1::ClaimRevision {
        name: format!("claims/{}/revisions/{}", revision.claim_id(), revision.number),
        number: count(revision.number),
        submit_time: timestamp(revision.submit_time),
        submitted_by: author(Author {
            id: revision.submitted_by,
            is_client: revision.claim.submission.as_ref().is_some_and(|submission| submission.submitted_by_client),
        }),
        claim: Some(document(&revision.claim, revision.submit_time, lang)?),
        findings: revision.findings().iter().map(|finding| show_finding(finding, lang)).collect(),
        frozen_evidence: revision
            .claim
            .submission
            .iter()
            .flat_map(|submission| &submission.evidence)
            .map(|(key, hash)| v1::FrozenEvidence {
                attachment: format!("attachments/{key}"),
                sha256: hash.to_string(),
            })
            .collect(),
    })
}

/// One difference between two revisions.
pub(crate) fn show_difference(difference: domain::Difference, lang: Lang) -> v1::FieldDifference {
    let kind = match difference.kind {
        DifferenceKind::Added => v1::field_difference::Kind::Added,
        DifferenceKind::Removed => v1::field_difference::Kind::Removed,
        DifferenceKind::Changed => v1::field_difference::Kind::Changed,
    };
    v1::FieldDifference {
        path: difference.path,
        label: difference.label.in_lang(lang).to_owned(),
        kind: kind.into(),
        before: difference.before,
        after: difference.after,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn findings_of_contract_and_domain_are_the_same_words() {
        for code in domain::Code::ALL {
            let shown = v1::finding_code::Code::from_str_name(code.word());
            assert!(shown.is_some(), "the contract lacks {}", code.word());
            assert_eq!(shown.and_then(read_code), Some(*code));
        }
    }
}
