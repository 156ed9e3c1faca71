//! Recovery claims: what the manufacturer asks a supplier to bear of an approved claim.
//!
//! Whom, and for which share, is in [`liability`]; the amounts are in [`amounts`]; issue and waiver in [`lifecycle`],
//! several of one supplier in [`beside`], what suppliers say in [`answers`], what is decided on it in `disputes`, and what leads on from where in [`verbs`]; the
//! time to answer in [`clock`].

pub mod amounts;
pub mod answers;
pub mod beside;
pub mod clock;
mod disputes;
pub mod liability;
pub mod lifecycle;
pub mod verbs;

use std::collections::{BTreeMap, BTreeSet};

use chrono::{DateTime, NaiveDate, Utc};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

pub use amounts::{RecoveryLine, Totals};
pub use answers::LineAnswer;
pub use beside::Beside;
pub use clock::{Missing, Pause};
pub use disputes::{GoneLines, LineResolution};
pub use lifecycle::Moment;
pub use verbs::{RecoveryError, Verb};

use crate::catalog::{HandlingFee, RecoveryContract};
use crate::claims::Claim;
use crate::ids::{ClaimId, Code, OrgId, RecoveryClaimId, UserId, readable_number};
use crate::money::{BasisPoints, Currency, ExchangeFactor, Money, MoneyError};

/// What one supplier is asked to bear of one claim.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RecoveryClaim {
    /// Its key.
    pub id: RecoveryClaimId,
    /// Its readable number.
    pub number: String,
    /// The claim.
    pub claim: ClaimId,
    /// Currency of its amounts: the supplier's, which is the claim's unless an exchange says otherwise.
    pub currency: Currency,
    /// Who is liable; none while nobody knows.
    pub supplier: Option<Liable>,
    /// Why nobody knows.
    pub unresolved: Option<Unresolved>,
    /// Who looks after it.
    pub owner: UserId,
    /// Who decided its liability, if a person did; that person never decides its dispute.
    pub decided_by: Option<UserId>,
    /// When it arose.
    pub arise_time: DateTime<Utc>,
    /// The lines it is about, if not all of the claim's.
    pub only: Option<BTreeSet<u32>>,
    /// Lines that went to another supplier.
    pub except: BTreeSet<u32>,
    /// What is asked for, line by line.
    pub lines: Vec<RecoveryLine>,
    /// Where it stands.
    pub state: State,
    /// When and by whom it was issued.
    pub issue: Option<Issue>,
    /// When the supplier's time to answer stood.
    pub pauses: Vec<Pause>,
    /// The proof that the supplier received it; empty: none.
    pub delivery_proof: String,
    /// When a silent supplier was passed on to a person.
    pub escalate_time: Option<DateTime<Utc>>,
    /// An answer recorded on the supplier's behalf that waits for a second person.
    pub pending_answer: Option<PendingAnswer>,
    /// A waiver that was asked for, or granted.
    pub waiver: Option<Waiver>,
    /// Why a dispute was decided as it was.
    pub resolution: String,
    /// What it posted to the ledger, in order.
    pub postings: Vec<Posted>,
    /// What earlier recoveries of the claim take of the same contract, if there are any.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub beside: Option<Beside>,
}

/// Who is liable, for which share, under which terms.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Liable {
    /// The supplier.
    pub org: OrgId,
    /// Its code.
    pub code: Code,
    /// The shares of all suppliers that are liable, in the order in which remainders of a split are given.
    pub shares: Vec<BasisPoints>,
    /// Which of them is this supplier's.
    pub place: usize,
    /// What the share rests on.
    pub basis: Basis,
    /// The appraisal, agreement or recovery claim that says so.
    pub basis_ref: String,
    /// The terms, frozen when the recovery arose.
    pub terms: Terms,
    /// At which rate the claim's amounts are charged, if the supplier's currency is another one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub exchange: Option<Exchange>,
}

/// The rate at which amounts are charged in another currency, frozen when the recovery arose.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Exchange {
    /// The rate's code.
    pub rate: Code,
    /// The supplier's currency.
    pub currency: Currency,
    /// What so many units of the claim's currency cost in it.
    pub factor: ExchangeFactor,
    /// How many.
    pub base_units: i64,
    /// The day whose rate counts.
    pub date: NaiveDate,
}

impl Liable {
    /// The currency in which the supplier is charged for a claim in another, or the same.
    pub fn currency(&self, of_claim: Currency) -> Currency {
        self.exchange.as_ref().map_or(of_claim, |exchange| exchange.currency)
    }

    /// An amount of the claim as the supplier is charged it.
    pub fn charged(&self, amount: Money) -> Result<Money, MoneyError> {
        match &self.exchange {
            None => Ok(amount),
            Some(Exchange { factor, base_units, currency, .. }) => amount.exchanged(*factor, *base_units, *currency),
        }
    }

    /// The supplier's share.
    pub fn share(&self) -> BasisPoints {
        self.shares.get(self.place).copied().unwrap_or(BasisPoints::ZERO)
    }
}

/// What a share rests on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum Basis {
    /// A final appraisal.
    Appraisal,
    /// A share agreement.
    ShareAgreement,
    /// An auditor's assignment.
    Assigned,
    /// Another supplier's answer that was found right.
    Rerouted,
}

/// Why nobody knows who is liable.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum Unresolved {
    /// No supplier of the causal part is known.
    NoSupplier,
    /// Several can have made the piece.
    SeveralSuppliers,
    /// No share agreement is in force.
    NoShareAgreement,
    /// The supplier has no recovery contract in force.
    NoContract,
    /// The supplier's currency is not the claim's, and no exchange rate is in force.
    OtherCurrency,
}

/// The terms that count: the contract's row and the recovery prices, as they were when the recovery arose.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Terms {
    /// The row of the contract.
    pub row: Uuid,
    /// What it says.
    pub contract: RecoveryContract,
    /// Recovery prices of the claim's parts.
    pub prices: BTreeMap<Code, Money>,
}

impl Terms {
    /// The handling fee of the contract.
    pub fn fee(&self) -> Option<&HandlingFee> {
        self.contract.handling_fee.as_ref()
    }
}

/// The issue of a recovery claim.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Issue {
    /// When.
    pub time: DateTime<Utc>,
    /// Who.
    pub by: UserId,
}

/// An answer recorded on a supplier's behalf.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PendingAnswer {
    /// The answer, by line.
    pub lines: Vec<(u32, LineAnswer)>,
    /// The letter it rests on.
    pub letter: String,
    /// Who recorded it.
    pub by: UserId,
    /// When.
    pub time: DateTime<Utc>,
}

/// A waiver.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Waiver {
    /// Why.
    pub reason: String,
    /// Who asked for it.
    pub asked_by: UserId,
    /// When.
    pub ask_time: DateTime<Utc>,
    /// Who confirmed it.
    pub confirmed_by: Option<UserId>,
}

/// Something that it posted.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Posted {
    /// Its number, from 1: it makes the cause of the entry.
    pub number: u32,
    /// What happened.
    pub event: PostedEvent,
    /// The day on which it counts.
    pub date: NaiveDate,
    /// By how much what the supplier bears changed; with a waiver, what is given up.
    pub amount: Money,
}

/// What posts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum PostedEvent {
    /// The supplier confirmed, or a decision stands, or an approved line changed later.
    Confirmed,
    /// It was given up after it was confirmed.
    Waived,
}

/// Gives the words of states.
macro_rules! states {
    ($($(#[$doc:meta])* $variant:ident = $word:literal,)*) => {
        /// Where a recovery claim stands.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(rename_all = "SCREAMING_SNAKE_CASE")]
        pub enum State {
            $($(#[$doc])* $variant,)*
        }

        impl State {
            /// Every state.
            pub const ALL: &'static [State] = &[$(State::$variant,)*];

            /// The word on the wire, in documents and in the database.
            pub fn word(self) -> &'static str {
                match self {
                    $(State::$variant => $word,)*
                }
            }
        }
    };
}

states! {
    /// Nobody knows who is liable.
    Unresolved = "UNRESOLVED",
    /// Not yet issued.
    Open = "OPEN",
    /// The supplier is to answer.
    Issued = "ISSUED",
    /// Confirmed as a whole.
    Confirmed = "CONFIRMED",
    /// Less stands than was asked for, or lines are still open.
    PartlyConfirmed = "PARTLY_CONFIRMED",
    /// The supplier disputes it.
    Disputed = "DISPUTED",
    /// Confirmed by silence.
    DeemedConfirmed = "DEEMED_CONFIRMED",
    /// Paid, or nothing is owed.
    Settled = "SETTLED",
    /// Given up.
    Waived = "WAIVED",
}

/// What a new recovery claim is given.
#[derive(Clone, Debug)]
pub struct NewRecovery {
    /// Its key.
    pub id: RecoveryClaimId,
    /// A new UUIDv7 of the server, from which the readable number is drawn.
    pub seed: Uuid,
    /// Who looks after it.
    pub owner: UserId,
    /// Who decided its liability, if a person did.
    pub decided_by: Option<UserId>,
    /// The lines it is about, if not all of the claim's.
    pub only: Option<BTreeSet<u32>>,
    /// Now.
    pub now: DateTime<Utc>,
    /// The day where the deployment is.
    pub today: NaiveDate,
}

impl RecoveryClaim {
    /// A recovery of a claim from whoever is liable, or one that waits until somebody knows.
    pub fn arise(new: NewRecovery, claim: &Claim, liable: Result<Liable, Unresolved>) -> Result<Self, MoneyError> {
        let NewRecovery { id, seed, owner, decided_by, only, now, today } = new;
        let (supplier, unresolved) = match liable {
            Ok(liable) => (Some(liable), None),
            Err(why) => (None, Some(why)),
        };
        let recovery = Self {
            id,
            number: readable_number("RC", today, seed),
            claim: claim.id,
            currency: supplier.as_ref().map_or(claim.currency, |liable| liable.currency(claim.currency)),
            state: if supplier.is_some() { State::Open } else { State::Unresolved },
            supplier,
            unresolved,
            owner,
            decided_by,
            arise_time: now,
            only,
            except: BTreeSet::new(),
            lines: Vec::new(),
            issue: None,
            pauses: Vec::new(),
            delivery_proof: String::new(),
            escalate_time: None,
            pending_answer: None,
            waiver: None,
            resolution: String::new(),
            postings: Vec::new(),
            beside: None,
        };
        let mut recovery = recovery.priced(claim)?;
        // One of several may be too small to ask for. It is kept: a later decision may make it more.
        if recovery.asks_for_nothing()? {
            recovery.state = State::Settled;
        }
        Ok(recovery)
    }

    /// What is asked for.
    pub fn totals(&self) -> Result<Totals, MoneyError> {
        self.summed(|line| Some(line.amount))
    }

    /// What stands of it.
    pub fn confirmed(&self) -> Result<Totals, MoneyError> {
        self.summed(|line| line.accepted.as_ref().map(|accepted| accepted.amount))
    }

    /// What the ledger should have of it: confirmed, and not given up.
    pub fn posted(&self) -> Result<Money, MoneyError> {
        let confirmed = self.postings.iter().filter(|posted| posted.event == PostedEvent::Confirmed);
        Money::sum(self.currency, confirmed.map(|posted| posted.amount))
    }

    /// Lines that nobody has agreed on yet.
    pub fn open_lines(&self) -> impl Iterator<Item = &RecoveryLine> {
        self.lines.iter().filter(|line| line.accepted.is_none())
    }

    /// Open lines to which the supplier has said nothing yet.
    fn unheard_lines(&self) -> impl Iterator<Item = &RecoveryLine> {
        self.open_lines().filter(|line| line.answer.is_none())
    }

    /// Whole days since it arose.
    pub fn age_days(&self, now: DateTime<Utc>) -> i64 {
        (now - self.arise_time).num_days().max(0)
    }

    fn summed(&self, amount: impl Fn(&RecoveryLine) -> Option<Money>) -> Result<Totals, MoneyError> {
        let Some(liable) = &self.supplier else { return Ok(Totals::nothing(self.currency)) };
        amounts::total(&liable.terms, self.currency, self.lines.iter().filter_map(amount), self.beside)
    }
}

#[cfg(test)]
pub(crate) mod tests;
