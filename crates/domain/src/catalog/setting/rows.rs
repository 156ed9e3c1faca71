//! The rows inside a setting: who approves how much alone, what becomes of what is overdue, rates of labour and tax.

use chrono::{DateTime, Duration, Utc};
use serde::{Deserialize, Serialize};

use crate::catalog::dated::DatedValue;
use crate::catalog::station::{LaborRate, TaxScheme};
use crate::ids::Code;
use crate::money::{BasisPoints, Currency, Money};

/// Up to which amount auditors of a level decide alone.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ApprovalLimit {
    /// The level, as memberships have it.
    pub level: i32,
    /// Currency of the claims that it is about.
    pub currency: Currency,
    /// The most that is approved in all; none: any amount.
    pub limit: Option<Money>,
}

/// A step of the escalation of overdue reviews and appeals.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct EscalationStep {
    /// Days after the due time.
    pub days_overdue: i32,
    /// Where the claim is put, if anywhere.
    pub queue: Option<Code>,
}

impl EscalationStep {
    /// After which moment the step is due, for a decision that is due at a time.
    pub fn after(&self, due: DateTime<Utc>) -> DateTime<Utc> {
        let days = Duration::days(i64::from(self.days_overdue));
        due.checked_add_signed(days).unwrap_or(DateTime::<Utc>::MAX_UTC)
    }

    /// Until when a decision must have been due for the step to be due now.
    pub fn due_before(&self, now: DateTime<Utc>) -> DateTime<Utc> {
        let days = Duration::days(i64::from(self.days_overdue));
        now.checked_sub_signed(days).unwrap_or(DateTime::<Utc>::MIN_UTC)
    }
}

/// What an hour costs at stations of a grade.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct GradeRate {
    /// The grade.
    pub grade: Code,
    /// The rate, in its currency.
    #[serde(flatten)]
    pub labor_rate: LaborRate,
}

/// The tax on a category of line.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TaxRate {
    /// The category: `GOODS`, `REPAIR`, `TRANSPORT`.
    pub category: Code,
    /// The scheme of the station that invoices.
    pub scheme: TaxScheme,
    /// The rate: 1300 are 13 %.
    pub rate_bp: BasisPoints,
}

impl DatedValue for GradeRate {
    fn key(&self) -> String {
        format!("{} {}", self.grade, self.labor_rate.rate.currency)
    }
}

impl DatedValue for TaxRate {
    fn key(&self) -> String {
        format!("{} {:?}", self.category, self.scheme)
    }
}
