//! What business events post: one function per event, balanced by construction. Nothing else posts.

use std::collections::BTreeMap;

use crate::appraisals::Appraisal;
use crate::claims::{Claim, DecisionRound, Effect};
use crate::ledger::{Account, Posting, Proposal};
use crate::money::{Money, MoneyError};
use crate::recovery_claims::{Posted, PostedEvent, RecoveryClaim, State};

/// What was approved for a line, as far as the ledger has it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ApprovedParts {
    /// What the warranty owes.
    pub warranty: Money,
    /// What is given beyond that.
    pub goodwill: Money,
}

/// The cause of a decision round's entry.
pub fn decision_cause(claim: &Claim, round: u32) -> String {
    format!("claims/{}/decisions/{round}", claim.id)
}

/// A claim was decided: each approved line is an expense of its kind (its goodwill part an expense of its
/// own) against what is owed to the station. A later round posts the difference to what stands already, and
/// nothing if nothing changed. A claim that only authorises posts nothing.
///
/// The entry counts from the day of the decision.
pub fn claim_decided(
    claim: &Claim,
    round: &DecisionRound,
    previous: &BTreeMap<u32, ApprovedParts>,
) -> Result<Option<Proposal>, MoneyError> {
    match claim.kind.spec().effect() {
        Effect::Authorizes => return Ok(None),
        Effect::Pays => {}
    }
    let zero = Money::zero(claim.currency);
    let mut postings = Vec::new();
    for decision in &round.lines {
        let before = previous.get(&decision.line).copied().unwrap_or(ApprovedParts { warranty: zero, goodwill: zero });
        let warranty = decision.approved.try_sub(decision.goodwill)?.try_sub(before.warranty)?;
        let goodwill = decision.goodwill.try_sub(before.goodwill)?;
        let owed = warranty.try_add(goodwill)?.try_neg()?;
        let posted = [
            (Account::WarrantyExpense(claim.kind), warranty),
            (Account::GoodwillExpense, goodwill),
            (Account::StationAccrued, owed),
        ];
        postings.extend(posted.into_iter().filter(|(_, amount)| !amount.is_zero()).map(|(account, amount)| Posting {
            account,
            sub_account: Some(claim.station),
            amount,
            claim: Some(claim.id),
            line: Some(decision.line),
        }));
    }
    if postings.is_empty() {
        return Ok(None);
    }
    Ok(Some(Proposal {
        cause: decision_cause(claim, round.number),
        event: "claim_decided",
        effective_date: round.decide_date,
        claim: Some(claim.id),
        postings,
    }))
}

/// What the rounds before a number have approved, line by line.
pub fn approved_before(claim: &Claim, round: u32) -> Result<BTreeMap<u32, ApprovedParts>, MoneyError> {
    let mut approved = BTreeMap::new();
    for earlier in claim.decisions.iter().filter(|earlier| earlier.number < round) {
        for decision in &earlier.lines {
            let warranty = decision.approved.try_sub(decision.goodwill)?;
            approved.insert(decision.line, ApprovedParts { warranty, goodwill: decision.goodwill });
        }
    }
    Ok(approved)
}

/// What the newest decision of a claim posts.
pub fn newest_decision(claim: &Claim) -> Result<Option<Proposal>, MoneyError> {
    let Some(round) = claim.decisions.last() else { return Ok(None) };
    claim_decided(claim, round, &approved_before(claim, round.number)?)
}

/// Everything that a claim should have posted so far, computed from the claim alone.
pub fn expected_entries(claim: &Claim) -> Result<Vec<Proposal>, MoneyError> {
    let mut expected = Vec::new();
    for round in &claim.decisions {
        expected.extend(claim_decided(claim, round, &approved_before(claim, round.number)?)?);
    }
    Ok(expected)
}

/// The cause of the entry of an appraiser's fee.
pub fn fee_cause(appraisal: &Appraisal) -> String {
    format!("appraisals/{}/fee", appraisal.id)
}

/// An appraisal became final: what its appraiser charges is an expense against what is owed to the appraiser, in
/// the currency of the fee. A second opinion that takes its place takes nothing back: the first was delivered, and
/// has its own fee. Before it is final nothing is owed, so whatever ends without a conclusion posts nothing; nor does
/// a laboratory of the manufacturer's own, which is no other party.
///
/// The design of the accounts had no rule for it: these two accounts and this cause are the rule.
pub fn appraisal_fee(appraisal: &Appraisal) -> Result<Option<Proposal>, MoneyError> {
    let Some((fee, date)) = appraisal.fee_owed() else { return Ok(None) };
    let posting = |account, amount| Posting {
        account,
        sub_account: Some(appraisal.appraiser),
        amount,
        claim: Some(appraisal.claim),
        line: None,
    };
    Ok(Some(Proposal {
        cause: fee_cause(appraisal),
        event: "appraisal_fee",
        effective_date: date,
        claim: Some(appraisal.claim),
        postings: vec![posting(Account::AppraisalExpense, fee), posting(Account::AppraiserAccrued, fee.try_neg()?)],
    }))
}

/// The cause of what a recovery claim posts.
pub fn recovery_cause(recovery: &RecoveryClaim, number: u32) -> String {
    format!("recoveryClaims/{}/postings/{number}", recovery.id)
}

/// A supplier confirmed, silence or a decision confirmed for it, an approved line changed later (then the difference),
/// or what was confirmed was given up: each is one entry. Nothing is posted before somebody has agreed.
pub fn recovery_posted(recovery: &RecoveryClaim, posted: &Posted) -> Result<Option<Proposal>, MoneyError> {
    let Some(liable) = &recovery.supplier else { return Ok(None) };
    let (event, debit, credit) = match posted.event {
        PostedEvent::Confirmed => ("recovery_confirmed", Account::SupplierRecoverable, Account::RecoveryIncome),
        PostedEvent::Waived => ("recovery_waived", Account::RecoveryWaivedExpense, Account::SupplierRecoverable),
    };
    let posting = |account, amount| Posting {
        account,
        sub_account: Some(liable.org),
        amount,
        claim: Some(recovery.claim),
        line: None,
    };
    Ok(Some(Proposal {
        cause: recovery_cause(recovery, posted.number),
        event,
        effective_date: posted.date,
        claim: Some(recovery.claim),
        postings: vec![posting(debit, posted.amount), posting(credit, posted.amount.try_neg()?)],
    }))
}

/// Everything that a recovery claim should have posted so far.
pub fn expected_recovery_entries(recovery: &RecoveryClaim) -> Result<Vec<Proposal>, MoneyError> {
    let mut expected = Vec::new();
    for posted in &recovery.postings {
        expected.extend(recovery_posted(recovery, posted)?);
    }
    Ok(expected)
}

/// What a recovery claim asks for and what it has posted, held against its claim: none, if both are what the claim's
/// decisions lead to; else what should stand and what does.
pub fn recovery_fault(recovery: &RecoveryClaim, claim: &Claim) -> Result<Option<(Money, Money)>, MoneyError> {
    if matches!(recovery.state, State::Waived | State::Unresolved) {
        return Ok(None);
    }
    let fresh = recovery.clone().priced(claim)?;
    let asked = (fresh.totals()?.total, recovery.totals()?.total);
    let stands = (fresh.confirmed()?.total, recovery.posted()?);
    Ok([asked, stands].into_iter().find(|(expected, found)| expected != found))
}

#[cfg(test)]
mod steps;
#[cfg(test)]
mod tests;
