//! What stands after a decision or a return: outcomes, amounts, reasons.

use chrono::{DateTime, NaiveDate, Utc};
use serde::{Deserialize, Serialize};

use super::finding::Code;
use super::goodwill::GoodwillDraw;
use crate::ids::UserId;
use crate::money::{BasisPoints, Money};

/// Outcome of a decision.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum Outcome {
    /// All that is due is approved.
    Approved,
    /// Less is approved.
    Reduced,
    /// Nothing is approved.
    Rejected,
}

/// Why something was decided, and what would help.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Reason {
    /// The reason.
    pub code: Code,
    /// The clause it rests on.
    #[serde(default)]
    pub clause: String,
    /// Which evidence is needed; empty: the standard text of the code.
    #[serde(default)]
    pub evidence_needed: String,
    /// What would put it right; empty: the standard text of the code.
    #[serde(default)]
    pub fix: String,
    /// Until when.
    #[serde(default)]
    pub deadline: Option<NaiveDate>,
    /// Path of the field it is about.
    #[serde(default)]
    pub field: String,
}

impl Reason {
    /// A reason with the standard texts of its code.
    pub fn of(code: Code) -> Self {
        Self {
            code,
            clause: String::new(),
            evidence_needed: String::new(),
            fix: String::new(),
            deadline: None,
            field: String::new(),
        }
    }
}

/// What was decided on a line.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LineDecision {
    /// Number of the line.
    pub line: u32,
    /// The outcome.
    pub outcome: Outcome,
    /// The approved amount, goodwill included.
    pub approved: Money,
    /// The part of it that is goodwill.
    pub goodwill: Money,
    /// The share of the requested amount, if goodwill was given as one.
    #[serde(default)]
    pub goodwill_percent: Option<BasisPoints>,
    /// Why.
    #[serde(default)]
    pub reasons: Vec<Reason>,
    /// A note to the station.
    #[serde(default)]
    pub note: String,
    /// A note for the manufacturer only.
    #[serde(default)]
    pub internal_note: String,
}

/// A decision on a claim. Its number makes the cause of its ledger entry: `claims/{id}/decisions/{n}`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct DecisionRound {
    /// Its number, from 1.
    pub number: u32,
    /// The revision it decides.
    pub revision: u32,
    /// Level of approval, from 1.
    pub level: u32,
    /// Who decided.
    pub auditor: UserId,
    /// When.
    pub decide_time: DateTime<Utc>,
    /// The day of it where the deployment is: its ledger entry counts from then.
    pub decide_date: NaiveDate,
    /// Approved if any amount is, else rejected.
    pub outcome: Outcome,
    /// The decision on each line.
    pub lines: Vec<LineDecision>,
    /// A note to the station.
    #[serde(default)]
    pub note: String,
    /// A note for the manufacturer only.
    #[serde(default)]
    pub internal_note: String,
    /// The rule and version that decided instead of a person.
    #[serde(default)]
    pub rule: Option<String>,
    /// The appeal that it answers.
    #[serde(default)]
    pub appeal: Option<String>,
    /// Who approved it at higher levels, in order.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub approvals: Vec<Approval>,
    /// What its goodwill draws on budgets, or gives back.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub goodwill_draws: Vec<GoodwillDraw>,
}

/// A step of approval beyond the auditor who decided.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Approval {
    /// Who approved.
    pub auditor: UserId,
    /// Their level.
    pub level: i32,
    /// When.
    pub approve_time: DateTime<Utc>,
}

/// Why a claim was returned.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Return {
    /// The revision that was returned.
    pub revision: u32,
    /// When.
    pub return_time: DateTime<Utc>,
    /// Who returned it.
    pub auditor: UserId,
    /// What is wrong or missing.
    pub reasons: Vec<Reason>,
    /// A note to the station.
    #[serde(default)]
    pub note: String,
    /// A note for the manufacturer only.
    #[serde(default)]
    pub internal_note: String,
    /// The rule and version that returned it instead of a person.
    #[serde(default)]
    pub rule: Option<String>,
}
