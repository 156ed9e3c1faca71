//! What an expert found, and who is liable for it: two statements, by two parties.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::catalog::RegisteredCertificates;
use crate::ids::{Code, OrgId, UserId};
use crate::money::BasisPoints;
use crate::text::Violation;

/// Whether a failure falls under the warranty.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum Coverage {
    /// It does.
    Covered,
    /// It does not.
    NotCovered,
    /// It can't be said.
    Undetermined,
}

/// A technical cause.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum Cause {
    /// How the part or the vehicle was designed.
    Design,
    /// What the part was made of.
    Material,
    /// How the part was made.
    Manufacturing,
    /// How it was built into the vehicle.
    Assembly,
    /// How it was repaired or fitted later.
    Repair,
    /// Maintenance that was missing or wrong.
    Maintenance,
    /// How the vehicle was used.
    Use,
    /// An event from outside.
    External,
    /// Ordinary wear.
    Wear,
    /// It could not be determined.
    Undetermined,
}

/// A technical cause and its share.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct CauseContribution {
    /// The cause.
    pub cause: Cause,
    /// Its share.
    pub share_bp: BasisPoints,
    /// The cause in words.
    pub description: String,
}

/// What an expert found. Its JSON form is what is signed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Findings {
    /// Whether the failure falls under the warranty.
    pub coverage: Coverage,
    /// The findings in words.
    pub summary: String,
    /// The root cause in words.
    pub root_cause: String,
    /// What contributed, in shares that sum to the whole.
    pub cause_contributions: Vec<CauseContribution>,
    /// Attachments that it rests on.
    pub evidence: Vec<String>,
    /// Answers to the questions, in their order.
    pub answers: Vec<String>,
}

impl Findings {
    /// What is wrong with it, seen from the field that holds it.
    pub fn check(&self, field: &str, questions: usize) -> Vec<Violation> {
        let mut found = Vec::new();
        if self.summary.trim().is_empty() {
            found.push(Violation::new(format!("{field}.summary"), "REQUIRED", "must be given", "必填"));
        }
        let shares = self.cause_contributions.iter().map(|contribution| contribution.share_bp);
        found.extend(not_whole(shares, &format!("{field}.cause_contributions")));
        if self.answers.len() > questions {
            found.push(Violation::new(
                format!("{field}.answers"),
                "TOO_MANY",
                format!("there are {questions} questions; give at most one answer to each"),
                format!("共有 {questions} 个问题；每个问题至多一个回答"),
            ));
        }
        found
    }
}

/// A signed conclusion.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Conclusion {
    /// What was found.
    pub findings: Findings,
    /// The expert.
    pub expert: Uuid,
    /// Number of the expert's licence.
    pub license_number: String,
    /// When.
    pub conclude_time: DateTime<Utc>,
    /// Who entered it.
    pub concluded_by: UserId,
    /// The canonical text of the conclusion.
    pub payload: String,
    /// The server's signature.
    pub signature: String,
    /// The key of that signature.
    pub key_id: String,
    /// The expert's own signature; empty if none was given.
    pub expert_signature: String,
    /// The certificates that were registered for the expert then: what the expert's signature is bound to.
    #[serde(default, skip_serializing_if = "RegisteredCertificates::is_empty")]
    pub registered: RegisteredCertificates,
}

/// Who may be liable.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum LiableParty {
    /// A supplier.
    Supplier,
    /// The station.
    Station,
    /// The manufacturer.
    Oem,
    /// The customer.
    Customer,
    /// Nobody.
    None,
}

/// The liability of one party.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LiabilityShare {
    /// The party.
    pub party: LiableParty,
    /// The supplier, if the party is one.
    pub supplier: Option<(OrgId, Code)>,
    /// Its share.
    pub share_bp: BasisPoints,
    /// Why this party.
    pub reason: String,
}

/// Who is liable, decided by the manufacturer.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LiabilityDecision {
    /// The shares, in the order in which remainders of a split are given.
    pub shares: Vec<LiabilityShare>,
    /// Why.
    pub note: String,
    /// Who decided.
    pub decided_by: UserId,
    /// When.
    pub decide_time: DateTime<Utc>,
}

impl LiabilityDecision {
    /// What is wrong with it.
    pub fn check(&self) -> Vec<Violation> {
        let mut found = not_whole(self.shares.iter().map(|share| share.share_bp), "shares");
        for (index, share) in self.shares.iter().enumerate() {
            let field = format!("shares[{index}]");
            if (share.party == LiableParty::Supplier) != share.supplier.is_some() {
                found.push(Violation::new(
                    format!("{field}.supplier"),
                    "SUPPLIER_MISMATCH",
                    "a share of party SUPPLIER names its supplier, and no other does",
                    "责任方为 SUPPLIER 时必须填写供应商，其他责任方不得填写",
                ));
            }
            let twice = |other: &LiabilityShare| other.party == share.party && other.supplier == share.supplier;
            if self.shares[..index].iter().any(twice) {
                found.push(Violation::new(field.clone(), "DUPLICATE", "the party is in the list twice", "责任方重复"));
            }
            if share.party == LiableParty::None && self.shares.len() > 1 {
                found.push(Violation::new(
                    field,
                    "NONE_IS_ALONE",
                    "NONE stands alone: where nobody is liable nobody has a share",
                    "NONE 只能单独出现：无责任方时不得再列其他份额",
                ));
            }
        }
        found
    }
}

fn not_whole(shares: impl Iterator<Item = BasisPoints>, field: &str) -> Vec<Violation> {
    let sum: i64 = shares.fold(0_i64, |sum, share| sum.saturating_add(share.0));
    if sum == BasisPoints::WHOLE.0 {
        return Vec::new();
    }
    vec![Violation::new(
        field,
        "SHARES_NOT_WHOLE",
        format!("the shares sum to {sum} basis points; they must sum to 10000 (100 %)"),
        format!("份额合计为 {sum} 个基点；必须合计 10000（100 %）"),
    )]
}
