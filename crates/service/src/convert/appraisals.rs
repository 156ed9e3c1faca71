//! Appraisals: the messages of the contract ⇄ the appraisal of the domain.

use recourse_domain::appraisals::{
    Appraisal, Cause, CauseContribution, Conclusion, Coverage, EvidencePack, Findings, ItemKind, LiabilityDecision,
    LiabilityShare, LiableParty, Party, RemarkKind, State, StateWord,
};
use recourse_domain::catalog::Stored;
use recourse_domain::ids::{AppraisalId, Code, OrgId, UserId};
use recourse_domain::text::Violation;
use recourse_proto::v1;
use uuid::Uuid;

use super::organizations::{name, read_bp, same_words};
use super::{Reader, basis_points, date, etag, money, timestamp};

/// The public name of an appraisal.
pub(crate) fn named(id: Uuid) -> String {
    format!("appraisals/{id}")
}

fn other(id: AppraisalId) -> String {
    named(id.0)
}

fn user(id: UserId) -> String {
    format!("users/{id}")
}

/// Writes the way from an enum of the domain to its twin in the contract, where nothing is read back.
macro_rules! shown_words {
    ($($show:ident: $domain:ty = $wire:ty { $($variant:ident),* $(,)? })*) => {$(
        fn $show(value: $domain) -> $wire {
            match value {
                $(<$domain>::$variant => <$wire>::$variant,)*
            }
        }
    )*};
}
pub(super) use shown_words;

shown_words! {
    show_state: StateWord = v1::appraisal::State {
        Requested, Accepted, InProgress, InfoRequested, DraftShared, Concluded, Final, Declined, Cancelled, Reassigned, Superseded,
    }
    show_party: Party = v1::appraisal_remark::Party { Oem, Appraiser, Station, Supplier }
    show_remark: RemarkKind = v1::appraisal_remark::Kind { Comment, Objection }
    show_item: ItemKind = v1::evidence_item::Kind { Revision, Line, Finding, Attachment }
}

same_words! {
    show_coverage, read_coverage: Coverage = v1::appraisal_findings::Coverage { Covered, NotCovered, Undetermined }
    show_cause, read_cause: Cause = v1::cause_contribution::Cause {
        Design, Material, Manufacturing, Assembly, Repair, Maintenance, Use, External, Wear, Undetermined,
    }
    show_liable, read_liable: LiableParty = v1::liability_share::Party { Supplier, Station, Oem, Customer, None }
}

/// The appraisal as its reader sees it, before redaction. `own` are the organisations that the reader acts for: of the
/// liability a party learns its own share, once it is final.
pub(crate) fn show(stored: &Stored<Appraisal>, own: impl Fn(OrgId) -> bool) -> v1::Appraisal {
    let appraisal = &stored.value;
    let (superseded_by, reassigned_to) = match &appraisal.state {
        State::Superseded { by, .. } => (other(*by), String::new()),
        State::Reassigned { to, .. } => (String::new(), other(*to)),
        State::Requested
        | State::Accepted { .. }
        | State::InProgress { .. }
        | State::InfoRequested { .. }
        | State::DraftShared { .. }
        | State::Concluded { .. }
        | State::Final { .. }
        | State::Declined { .. }
        | State::Cancelled { .. } => (String::new(), String::new()),
    };
    v1::Appraisal {
        name: named(appraisal.id.0),
        etag: etag(stored.version),
        number: appraisal.number.clone(),
        claim: format!("claims/{}", appraisal.claim),
        appraiser: name("appraisers", &appraisal.appraiser_code),
        state: show_state(appraisal.state.word()).into(),
        questions: appraisal.questions.clone(),
        suppliers: appraisal.suppliers.iter().map(|(_, code)| name("suppliers", code)).collect(),
        due_time: timestamp(appraisal.due_so_far()),
        in_house: appraisal.in_house,
        ordered_by: user(appraisal.ordered_by),
        expert: appraisal.state.expert().map(|expert| expert.to_string()).unwrap_or_default(),
        pauses: appraisal
            .pauses
            .iter()
            .map(|pause| v1::AppraisalPause {
                start_time: timestamp(pause.start_time),
                end_time: pause.end_time.and_then(timestamp),
                question: pause.question.clone(),
                answer: pause.answer.clone(),
            })
            .collect(),
        draft: appraisal.draft.as_ref().map(show_findings),
        remarks: appraisal
            .remarks
            .iter()
            .map(|remark| v1::AppraisalRemark {
                kind: show_remark(remark.kind).into(),
                party: show_party(remark.party).into(),
                text: remark.text.clone(),
                create_time: timestamp(remark.time),
                author: user(remark.author),
            })
            .collect(),
        conclusion: appraisal.conclusion.as_ref().map(show_conclusion),
        liability: appraisal.liability.as_ref().map(show_liability),
        own_liability: own_share(appraisal, own).map(show_share),
        fee: appraisal.fee.and_then(money),
        fee_date: appraisal.fee_date.and_then(date),
        reason: appraisal.state.reason().to_owned(),
        supersedes: appraisal.supersedes.map(other).unwrap_or_default(),
        superseded_by,
        reassigned_from: appraisal.reassigned_from.map(other).unwrap_or_default(),
        reassigned_to,
        evidence_pack_hash: appraisal.pack.hash.clone(),
        access_end_time: appraisal.state.access_end_time().and_then(timestamp),
        external_ref: appraisal.external_ref.clone(),
        create_time: timestamp(stored.create_time),
        update_time: timestamp(stored.update_time),
    }
}

fn own_share(appraisal: &Appraisal, own: impl Fn(OrgId) -> bool) -> Option<&LiabilityShare> {
    let shares = appraisal.liability.as_ref().filter(|_| appraisal.state.word() == StateWord::Final)?;
    shares.shares.iter().find(|share| match share.party {
        LiableParty::Supplier => share.supplier.as_ref().is_some_and(|(org, _)| own(*org)),
        LiableParty::Station => own(appraisal.station),
        LiableParty::Oem | LiableParty::Customer | LiableParty::None => false,
    })
}

fn show_findings(findings: &Findings) -> v1::AppraisalFindings {
    let Findings { coverage, summary, root_cause, cause_contributions, evidence, answers } = findings;
    v1::AppraisalFindings {
        coverage: show_coverage(*coverage).into(),
        summary: summary.clone(),
        root_cause: root_cause.clone(),
        cause_contributions: cause_contributions
            .iter()
            .map(|contribution| v1::CauseContribution {
                cause: show_cause(contribution.cause).into(),
                share_bp: basis_points(contribution.share_bp),
                description: contribution.description.clone(),
            })
            .collect(),
        evidence: evidence.clone(),
        answers: answers.clone(),
    }
}

fn show_conclusion(conclusion: &Conclusion) -> v1::AppraisalConclusion {
    let Conclusion {
        findings,
        expert,
        license_number,
        conclude_time,
        concluded_by: _,
        payload,
        signature,
        key_id,
        expert_signature,
        registered: _,
    } = conclusion;
    v1::AppraisalConclusion {
        findings: Some(show_findings(findings)),
        expert: expert.to_string(),
        license_number: license_number.clone(),
        conclude_time: timestamp(*conclude_time),
        payload: payload.clone(),
        signature: signature.clone(),
        key_id: key_id.clone(),
        expert_signature: expert_signature.clone(),
    }
}

fn show_liability(decision: &LiabilityDecision) -> v1::LiabilityDecision {
    let LiabilityDecision { shares, note, decided_by, decide_time } = decision;
    v1::LiabilityDecision {
        shares: shares.iter().map(show_share).collect(),
        note: note.clone(),
        decided_by: user(*decided_by),
        decide_time: timestamp(*decide_time),
    }
}

fn show_share(share: &LiabilityShare) -> v1::LiabilityShare {
    let LiabilityShare { party, supplier, share_bp, reason } = share;
    v1::LiabilityShare {
        party: show_liable(*party).into(),
        supplier: supplier.as_ref().map(|(_, code)| name("suppliers", code)).unwrap_or_default(),
        share_bp: basis_points(*share_bp),
        reason: reason.clone(),
    }
}

/// The evidence pack of an appraisal.
pub(crate) fn show_pack(id: Uuid, pack: &EvidencePack) -> v1::EvidencePack {
    let EvidencePack { revision, freeze_time, hash, items, withheld } = pack;
    v1::EvidencePack {
        name: format!("{}/evidencePack", named(id)),
        revision: i32::try_from(*revision).unwrap_or(i32::MAX),
        freeze_time: timestamp(*freeze_time),
        hash: hash.clone(),
        items: items
            .iter()
            .map(|item| v1::EvidenceItem {
                kind: show_item(item.kind).into(),
                name: item.name.clone(),
                hash: item.hash.clone(),
                content: item.content.clone(),
            })
            .collect(),
        withheld: withheld
            .iter()
            .map(|left_out| v1::WithheldEvidence { what: left_out.what.clone(), reason: left_out.reason.clone() })
            .collect(),
    }
}

/// What an expert found, in the domain's form.
pub(crate) fn read_findings(field: &str, message: Option<v1::AppraisalFindings>) -> Result<Findings, Vec<Violation>> {
    let v1::AppraisalFindings { coverage, summary, root_cause, cause_contributions, evidence, answers } =
        message.unwrap_or_default();
    let mut reader = Reader::default();
    let coverage = reader.choice(&format!("{field}.coverage"), coverage, read_coverage);
    let mut contributions = Vec::with_capacity(cause_contributions.len());
    for (index, contribution) in cause_contributions.into_iter().enumerate() {
        let at = format!("{field}.cause_contributions[{index}].cause");
        let v1::CauseContribution { cause, share_bp, description } = contribution;
        if let Some(cause) = reader.choice(&at, cause, read_cause) {
            contributions.push(CauseContribution { cause, share_bp: read_bp(share_bp), description });
        }
    }
    reader.whole(|| {
        Some(Findings {
            coverage: coverage?,
            summary,
            root_cause,
            cause_contributions: contributions,
            evidence,
            answers,
        })
    })
}

/// One share of a liability as it is asked for: the supplier still by its code.
pub(crate) struct ShareInput {
    /// The party.
    pub party: LiableParty,
    /// The supplier's code.
    pub supplier: Option<Code>,
    /// The share.
    pub share_bp: i32,
    /// Why.
    pub reason: String,
}

/// Shares of a liability, in the domain's words.
pub(crate) fn read_shares(messages: Vec<v1::LiabilityShare>) -> Result<Vec<ShareInput>, Vec<Violation>> {
    let mut reader = Reader::default();
    let mut shares = Vec::with_capacity(messages.len());
    for (index, message) in messages.into_iter().enumerate() {
        let v1::LiabilityShare { party, supplier, share_bp, reason } = message;
        let party = reader.choice(&format!("shares[{index}].party"), party, read_liable);
        let supplier = reader.named(&format!("shares[{index}].supplier"), "suppliers", &supplier);
        if let Some(party) = party {
            shares.push(ShareInput { party, supplier, share_bp, reason });
        }
    }
    reader.finish(shares)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_words_of_the_contract_are_those_of_documents_and_filters() {
        for word in StateWord::ALL {
            assert_eq!(show_state(*word).as_str_name(), word.word());
        }
    }
}
