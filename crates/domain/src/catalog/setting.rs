//! Settings: the days, windows and limits of the business, effective-dated like everything that decides money.
//!
//! The setting in force on a day is the one with the latest `valid_from` not after it. A setting in force
//! never changes, so that a decision can be retraced; a new one replaces it from its own first day on. Labour
//! rates by grade and tax rates stand in dated lists inside: rows can be added and ended while the setting is
//! in force, and a new setting carries them on.

mod record;
mod rows;

use chrono::{Duration, NaiveDate};
use serde::{Deserialize, Serialize};

pub use rows::{ApprovalLimit, EscalationStep, GradeRate, TaxRate};

use super::dated::{Dated, DatedList};
use crate::claims::Kind;
use crate::clock::Zone;
use crate::ids::Code;
use crate::money::{BasisPoints, Currency, Money};

/// Days in which a prior authorisation can be used, unless a setting says otherwise.
pub const AUTHORIZATION_DAYS: i32 = 60;

/// The settings of the deployment from a day on.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Setting {
    /// Its code: `2026`.
    pub code: Code,
    /// First day on which it counts.
    pub valid_from: NaiveDate,
    /// The time zone that makes dates of instants (IANA).
    pub time_zone: String,
    /// Days from the completion of a repair in which its claim is submitted; later is a warning.
    pub submission_window_days: i32,
    /// Repair dates so many days apart make two claims on one causal part look like one.
    pub duplicate_window_days: i32,
    /// Days in which a returned claim is answered before it lapses.
    pub return_answer_days: i32,
    /// Days in which a decision can be appealed.
    pub appeal_days: i32,
    /// Days in which a claim is reviewed.
    pub review_due_days: i32,
    /// Days after payment in which a chargeback is possible.
    pub look_back_days: i32,
    /// Days after the decision in which a supplement may name a claim.
    pub supplement_window_days: i32,
    /// Most supplements of one claim; 0: none.
    pub supplement_limit: i32,
    /// Days in which a claim is paid after approval: the promised pay date.
    pub payment_days: i32,
    /// Days after which a statement can't be disputed any more.
    pub statement_objection_days: i32,
    /// Days in which a replaced part is on its way back.
    pub used_part_ship_days: i32,
    /// So much above the standard hours is no finding.
    pub hours_tolerance_bp: BasisPoints,
    /// So much above the list price is no finding.
    pub price_tolerance_bp: BasisPoints,
    /// So many kilometres below the last reading are no finding.
    pub odometer_tolerance_km: i64,
    /// Rescue trips may be so much longer than track or map say.
    pub rescue_distance_tolerance_bp: BasisPoints,
    /// Kinds of claim that can be returned for correction; the others are approved or rejected.
    pub returnable_kinds: Vec<Kind>,
    /// A claim that nobody reviews in time counts as approved.
    pub deemed_approval: bool,
    /// Stations are paid only when the supplier has answered.
    pub pay_after_supplier_answer: bool,
    /// Labour rates of grades, for stations without their own.
    pub grade_rates: DatedList<GradeRate>,
    /// Tax rates by category of line and scheme of station.
    pub tax_rates: DatedList<TaxRate>,
    /// Days in which a prior authorisation can be used.
    #[serde(default = "authorization_days")]
    pub authorization_days: i32,
    /// Up to which amount a level of auditors decides alone; without a row of a claim's currency: any.
    #[serde(default)]
    pub approval_limits: Vec<ApprovalLimit>,
    /// Its key in the system of whoever created it.
    pub external_ref: String,
    /// Days after a final appraisal in which its appraiser still sees the claim; 0: the custom of 30.
    #[serde(default)]
    pub appraisal_access_days: i32,
    /// Who is told of an overdue review or appeal, step by step; none: nobody.
    #[serde(default)]
    pub escalations: Vec<EscalationStep>,
    /// Goodwill is granted only out of a budget.
    #[serde(default)]
    pub goodwill_needs_budget: bool,
    /// Auditors of this level and above may overdraw a goodwill budget; 0: nobody.
    #[serde(default)]
    pub goodwill_overdraft_level: i32,
    /// Up to which amount one person gives a recovery up, one row per currency.
    #[serde(default)]
    pub waiver_limits: Vec<Money>,
    /// Days in which a proposed change can be confirmed; 0: the custom of 14.
    #[serde(default)]
    pub proposal_days: i32,
}

/// The days of a setting that was written before it could say so.
fn authorization_days() -> i32 {
    AUTHORIZATION_DAYS
}

/// What counts while no setting is loaded: the customs of the trade here, with nothing tolerated and nothing
/// paid automatically. It is never stored; an administrator who loads a setting replaces all of it.
impl Default for Setting {
    fn default() -> Self {
        Self {
            code: Code::fixed("DEFAULT"),
            valid_from: NaiveDate::default(),
            time_zone: "Asia/Shanghai".to_owned(),
            submission_window_days: 30,
            duplicate_window_days: 30,
            return_answer_days: 30,
            appeal_days: 30,
            review_due_days: 10,
            look_back_days: 365,
            supplement_window_days: 90,
            supplement_limit: 1,
            payment_days: 30,
            statement_objection_days: 5,
            used_part_ship_days: 10,
            hours_tolerance_bp: BasisPoints(0),
            price_tolerance_bp: BasisPoints(0),
            odometer_tolerance_km: 0,
            rescue_distance_tolerance_bp: BasisPoints(1_000),
            returnable_kinds: vec![Kind::WarrantyRepair, Kind::CompensationAppraisal, Kind::MajorAssembly],
            deemed_approval: false,
            pay_after_supplier_answer: false,
            grade_rates: DatedList::default(),
            tax_rates: DatedList::default(),
            authorization_days: AUTHORIZATION_DAYS,
            approval_limits: Vec::new(),
            external_ref: String::new(),
            appraisal_access_days: 0,
            escalations: Vec::new(),
            goodwill_needs_budget: false,
            goodwill_overdraft_level: 0,
            waiver_limits: Vec::new(),
            proposal_days: 0,
        }
    }
}

impl Setting {
    /// Days in which a proposed change can be confirmed.
    pub fn proposal_life(&self) -> Duration {
        Duration::days(i64::from(if self.proposal_days == 0 { 14 } else { self.proposal_days }))
    }

    /// Days after a final appraisal in which its appraiser still sees the claim.
    pub fn appraisal_access(&self) -> i32 {
        if self.appraisal_access_days == 0 { 30 } else { self.appraisal_access_days }
    }

    /// The time zone that makes dates of instants. A setting is checked when it is written, so the fallback
    /// serves only a zone that a later database of time zones dropped.
    pub fn zone(&self) -> Zone {
        Zone(self.time_zone.parse().unwrap_or(chrono_tz::Asia::Shanghai))
    }

    /// The setting in force on a day.
    pub fn on(settings: &[Setting], day: NaiveDate) -> Option<&Setting> {
        settings
            .iter()
            .filter(|setting| setting.valid_from <= day)
            .max_by(|one, other| (one.valid_from, &one.code).cmp(&(other.valid_from, &other.code)))
    }

    /// The labour rate of a grade on a day, in a currency.
    pub fn grade_rate_on(&self, day: NaiveDate, grade: &Code, currency: Currency) -> Option<&Dated<GradeRate>> {
        self.grade_rates.on(day, |row| &row.grade == grade && row.labor_rate.rate.currency == currency)
    }

    /// Whether an auditor of a level approves an amount alone. The highest row that is not above the level counts;
    /// below the lowest row nothing but nothing is approved.
    pub fn may_approve(&self, level: i32, amount: Money) -> bool {
        let rows = || self.approval_limits.iter().filter(|row| row.currency == amount.currency);
        if amount.minor <= 0 || rows().next().is_none() {
            return true;
        }
        let row = rows().filter(|row| row.level <= level).max_by_key(|row| row.level);
        row.is_some_and(|row| row.limit.is_none_or(|limit| amount.minor <= limit.minor))
    }

    /// Whether an auditor of a level may overdraw a goodwill budget.
    pub fn may_overdraw(&self, level: i32) -> bool {
        self.goodwill_overdraft_level > 0 && level >= self.goodwill_overdraft_level
    }

    /// Whether one person may give up an amount of a recovery; of a currency without a row nobody may alone.
    pub fn waives_alone(&self, amount: Money) -> bool {
        self.waiver_limits.iter().any(|limit| limit.currency == amount.currency && amount.minor.abs() <= limit.minor)
    }

    /// Whether a kind of claim can be returned for correction.
    pub fn is_returnable(&self, kind: Kind) -> bool {
        self.returnable_kinds.contains(&kind)
    }
}

#[cfg(test)]
pub(crate) mod tests;
