//! Verification: what should be posted against what is.

use std::collections::BTreeMap;

use super::{Account, Posting, Proposal, sums};
use crate::ids::{ClaimId, OrgId};
use crate::money::{Currency, Money, MoneyError};

/// An entry as it stands in the store, trusted for nothing: verification reads what is there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FoundEntry {
    /// What caused it.
    pub cause: String,
    /// Its postings.
    pub postings: Vec<Posting>,
}

/// What differs between the ledger and what should stand in it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum DifferenceKind {
    /// An entry is missing.
    Missing,
    /// An entry has no cause that would post it.
    Unexpected,
    /// An amount differs.
    Amount,
    /// An entry does not sum to zero.
    Unbalanced,
}

/// A difference that verification found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Difference {
    /// The cause of the entry.
    pub cause: String,
    /// What differs.
    pub kind: DifferenceKind,
    /// The account whose amount differs; none if the whole entry does.
    pub account: Option<Account>,
    /// The claim's line.
    pub line: Option<u32>,
    /// What should be posted.
    pub expected: Option<Money>,
    /// What is posted.
    pub found: Option<Money>,
}

/// Compares what should be posted with what is. Both lists concern the same claims.
pub fn compare(expected: &[Proposal], found: &[FoundEntry]) -> Result<Vec<Difference>, MoneyError> {
    let mut differences = Vec::new();
    let whole = |cause: &str, kind| Difference {
        cause: cause.to_owned(),
        kind,
        account: None,
        line: None,
        expected: None,
        found: None,
    };
    for entry in found {
        for sum in sums(&entry.postings)?.into_values().filter(|sum| !sum.is_zero()) {
            differences.push(Difference { found: Some(sum), ..whole(&entry.cause, DifferenceKind::Unbalanced) });
        }
    }
    for proposal in expected {
        let mut entries = found.iter().filter(|entry| entry.cause == proposal.cause);
        match entries.next() {
            None => differences.push(whole(&proposal.cause, DifferenceKind::Missing)),
            Some(entry) => differences.extend(compare_postings(proposal, &entry.postings)?),
        }
        // The store allows a cause once; a second entry would be counted twice.
        differences.extend(entries.map(|entry| whole(&entry.cause, DifferenceKind::Unexpected)));
    }
    for entry in found.iter().filter(|entry| expected.iter().all(|proposal| proposal.cause != entry.cause)) {
        differences.push(whole(&entry.cause, DifferenceKind::Unexpected));
    }
    Ok(differences)
}

/// Where an amount stands within an entry.
type Place = (Account, Option<OrgId>, Option<ClaimId>, Option<u32>, Currency);

fn compare_postings(proposal: &Proposal, found: &[Posting]) -> Result<Vec<Difference>, MoneyError> {
    let (expected, found) = (by_place(&proposal.postings)?, by_place(found)?);
    let mut places: Vec<Place> = expected.keys().chain(found.keys()).copied().collect();
    places.sort_unstable();
    places.dedup();
    let differing = places.into_iter().filter(|place| expected.get(place) != found.get(place));
    Ok(differing
        .map(|place| Difference {
            cause: proposal.cause.clone(),
            kind: DifferenceKind::Amount,
            account: Some(place.0),
            line: place.3,
            expected: expected.get(&place).copied(),
            found: found.get(&place).copied(),
        })
        .collect())
}

fn by_place(postings: &[Posting]) -> Result<BTreeMap<Place, Money>, MoneyError> {
    let mut amounts = BTreeMap::new();
    for posting in postings {
        let currency = posting.amount.currency;
        let place = (posting.account, posting.sub_account, posting.claim, posting.line, currency);
        let sum = amounts.get(&place).copied().unwrap_or(Money::zero(currency)).try_add(posting.amount)?;
        amounts.insert(place, sum);
    }
    Ok(amounts)
}
