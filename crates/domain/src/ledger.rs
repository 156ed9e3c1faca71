//! The double-entry ledger: accounts, entries that can only be made balanced, and their verification.
//!
//! An entry is never changed. A correction is an entry that reverses it. Each entry names what caused it,
//! and no two entries have one cause, so a retry or a second replica can't post twice.

mod account;
mod verify;

use std::collections::BTreeMap;

use chrono::{DateTime, NaiveDate, Utc};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

pub use account::{Account, Side, SubAccounts, UnknownAccount};
pub use verify::{Difference, DifferenceKind, FoundEntry, compare};

use crate::ids::{ClaimId, OrgId, UserId};
use crate::money::{Currency, Money, MoneyError};

/// One posting: an amount on an account.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Posting {
    /// The account.
    pub account: Account,
    /// The party whose sub-account it is.
    pub sub_account: Option<OrgId>,
    /// The amount: a debit above zero, a credit below.
    pub amount: Money,
    /// The claim it concerns.
    pub claim: Option<ClaimId>,
    /// The line of that claim.
    pub line: Option<u32>,
}

impl Posting {
    /// The side it stands on.
    pub fn side(&self) -> Side {
        if self.amount.is_negative() { Side::Credit } else { Side::Debit }
    }
}

/// What a business event wants posted, before it has a key and a time.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Proposal {
    /// What caused it, unique: `claims/{id}/decisions/{n}`.
    pub cause: String,
    /// The business event: `claim_decided`.
    pub event: &'static str,
    /// The day on which it counts.
    pub effective_date: NaiveDate,
    /// The claim it concerns.
    pub claim: Option<ClaimId>,
    /// The postings.
    pub postings: Vec<Posting>,
}

/// An entry: postings that sum to zero per currency. Whoever holds one knows that it is balanced.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    id: Uuid,
    cause: String,
    event: String,
    effective_date: NaiveDate,
    posted_time: DateTime<Utc>,
    actor: UserId,
    actor_org: OrgId,
    job: Option<String>,
    claim: Option<ClaimId>,
    reverses: Option<Uuid>,
    postings: Vec<Posting>,
}

/// The parts of an entry, to be read freely and to be made into one again.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EntryParts {
    /// Its key.
    pub id: Uuid,
    /// What caused it.
    pub cause: String,
    /// The business event.
    pub event: String,
    /// The day on which it counts.
    pub effective_date: NaiveDate,
    /// When it was written.
    pub posted_time: DateTime<Utc>,
    /// Who acted.
    pub actor: UserId,
    /// For whom.
    pub actor_org: OrgId,
    /// The job of the system that acted, if no person did: it is known once the entry is written.
    pub job: Option<String>,
    /// The claim it concerns.
    pub claim: Option<ClaimId>,
    /// The entry it reverses.
    pub reverses: Option<Uuid>,
    /// Its postings.
    pub postings: Vec<Posting>,
}

/// Why postings make no entry.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum EntryError {
    /// Fewer than two postings.
    #[error("an entry has at least two postings")]
    TooFewPostings,
    /// A posting of nothing.
    #[error("a posting on {0} is of nothing")]
    ZeroPosting(Account),
    /// The postings don't sum to zero.
    #[error("the postings of {cause} sum to {sum} instead of zero")]
    Unbalanced {
        /// The cause.
        cause: String,
        /// What they sum to.
        sum: Money,
    },
    /// An account with sub-accounts is posted without one, or the reverse.
    #[error("{0} is posted without its sub-account, or with one it does not have")]
    SubAccount(Account),
    /// A sum is too large.
    #[error(transparent)]
    Money(#[from] MoneyError),
}

impl Entry {
    /// An entry of these parts, if they balance.
    pub fn balanced(parts: EntryParts) -> Result<Self, EntryError> {
        if parts.postings.len() < 2 {
            return Err(EntryError::TooFewPostings);
        }
        for posting in &parts.postings {
            if posting.amount.is_zero() {
                return Err(EntryError::ZeroPosting(posting.account));
            }
            if posting.sub_account.is_some() != (posting.account.sub_accounts() != SubAccounts::None) {
                return Err(EntryError::SubAccount(posting.account));
            }
        }
        if let Some(sum) = sums(&parts.postings)?.into_values().find(|sum| !sum.is_zero()) {
            return Err(EntryError::Unbalanced { cause: parts.cause, sum });
        }
        let EntryParts {
            id,
            cause,
            event,
            effective_date,
            posted_time,
            actor,
            actor_org,
            job,
            claim,
            reverses,
            postings,
        } = parts;
        Ok(Self { id, cause, event, effective_date, posted_time, actor, actor_org, job, claim, reverses, postings })
    }

    /// The entry that a business event proposes, written now by an actor.
    pub fn of(
        proposal: Proposal,
        id: Uuid,
        posted_time: DateTime<Utc>,
        actor: UserId,
        actor_org: OrgId,
    ) -> Result<Self, EntryError> {
        let Proposal { cause, event, effective_date, claim, postings } = proposal;
        let event = event.to_owned();
        Self::balanced(EntryParts {
            id,
            cause,
            event,
            effective_date,
            posted_time,
            actor,
            actor_org,
            job: None,
            claim,
            reverses: None,
            postings,
        })
    }

    /// The entry that takes this one back on a day: the same postings with the other sign.
    pub fn reversal(
        &self,
        id: Uuid,
        effective_date: NaiveDate,
        posted_time: DateTime<Utc>,
        actor: UserId,
        actor_org: OrgId,
    ) -> Result<Self, EntryError> {
        let mut postings = Vec::with_capacity(self.postings.len());
        for posting in &self.postings {
            postings.push(Posting { amount: posting.amount.try_neg()?, ..posting.clone() });
        }
        Self::balanced(EntryParts {
            id,
            cause: format!("{}/reversal", self.cause),
            event: "reversal".to_owned(),
            effective_date,
            posted_time,
            actor,
            actor_org,
            job: None,
            claim: self.claim,
            reverses: Some(self.id),
            postings,
        })
    }

    /// Its key.
    pub fn id(&self) -> Uuid {
        self.id
    }

    /// What caused it.
    pub fn cause(&self) -> &str {
        &self.cause
    }

    /// The postings.
    pub fn postings(&self) -> &[Posting] {
        &self.postings
    }

    /// All its parts.
    pub fn parts(&self) -> EntryParts {
        let Self { id, cause, event, effective_date, posted_time, actor, actor_org, job, claim, reverses, postings } =
            self.clone();
        EntryParts { id, cause, event, effective_date, posted_time, actor, actor_org, job, claim, reverses, postings }
    }
}

/// The sum of postings per currency.
pub fn sums(postings: &[Posting]) -> Result<BTreeMap<Currency, Money>, MoneyError> {
    let mut sums = BTreeMap::new();
    for posting in postings {
        let currency = posting.amount.currency;
        let sum = sums.get(&currency).copied().unwrap_or(Money::zero(currency)).try_add(posting.amount)?;
        sums.insert(currency, sum);
    }
    Ok(sums)
}

#[cfg(test)]
mod tests;
