//! Settings: the days, windows and limits of the business, effective-dated like everything that decides money.
//!
//! The setting in force on a day is the one with the latest `valid_from` not after it. A setting in force
//! never changes, so that a decision can be retraced; a new one replaces it from its own first day on. Labour
//! rates by grade and tax rates stand in dated lists inside: rows can be added and ended while the setting is
//! in force, and a new setting carries them on.

use chrono::{DateTime, Duration, NaiveDate, Utc};
use serde::{Deserialize, Serialize};

use super::common::{Checks, date, reference, text, text_value};
use super::dated::{Dated, DatedList, DatedValue};
use super::record::{ColumnValue, Field, Record, Reference};
use super::station::{LaborRate, TaxScheme};
use crate::claims::Kind;
use crate::clock::Zone;
use crate::ids::Code;
use crate::money::{BasisPoints, Currency, Money};
use crate::text::Violation;

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
    /// Who is told of an overdue review, step by step; none: nobody.
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

/// A step of the escalation of overdue reviews.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct EscalationStep {
    /// Days after the due time.
    pub days_overdue: i32,
    /// Where the claim is put, if anywhere.
    pub queue: Option<Code>,
}

impl EscalationStep {
    /// After which moment the step is due, for a review that is due at a time.
    pub fn after(&self, due: DateTime<Utc>) -> DateTime<Utc> {
        let days = Duration::days(i64::from(self.days_overdue));
        due.checked_add_signed(days).unwrap_or(DateTime::<Utc>::MAX_UTC)
    }

    /// Until when a review must have been due for the step to be due now.
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

    /// The tax rate of a category and scheme on a day.
    pub fn tax_rate_on(&self, day: NaiveDate, category: &Code, scheme: TaxScheme) -> Option<&Dated<TaxRate>> {
        self.tax_rates.on(day, |row| &row.category == category && row.scheme == scheme)
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

impl Record for Setting {
    const COLLECTION: &'static str = "settings";
    const TABLE: &'static str = "setting";
    const FIELDS: &'static [Field] = &[date("valid_from", true), text("external_ref")];

    fn code(&self) -> &str {
        self.code.as_str()
    }

    fn columns(&self) -> Vec<ColumnValue> {
        vec![ColumnValue::Date(Some(self.valid_from)), text_value(&self.external_ref)]
    }

    fn check(&self) -> Vec<Violation> {
        let mut checks = Checks::default();
        checks.must(
            self.time_zone.parse::<chrono_tz::Tz>().is_ok(),
            "time_zone",
            "UNKNOWN_TIME_ZONE",
            "is no IANA time zone; write it like Asia/Shanghai",
            "不是 IANA 时区；格式如 Asia/Shanghai",
        );
        for (days, field) in [
            (self.submission_window_days, "submission_window_days"),
            (self.return_answer_days, "return_answer_days"),
            (self.appeal_days, "appeal_days"),
            (self.review_due_days, "review_due_days"),
            (self.payment_days, "payment_days"),
            (self.statement_objection_days, "statement_objection_days"),
            (self.used_part_ship_days, "used_part_ship_days"),
            (self.authorization_days, "authorization_days"),
        ] {
            checks.must((1..=3_650).contains(&days), field, "OUT_OF_RANGE", "is 1 to 3650 days", "应为 1 至 3650 天");
        }
        for (days, field) in [
            (self.duplicate_window_days, "duplicate_window_days"),
            (self.look_back_days, "look_back_days"),
            (self.supplement_window_days, "supplement_window_days"),
            (self.appraisal_access_days, "appraisal_access_days"),
            (self.proposal_days, "proposal_days"),
        ] {
            checks.must((0..=3_650).contains(&days), field, "OUT_OF_RANGE", "is 0 to 3650 days", "应为 0 至 3650 天");
        }
        checks.must(
            (0..=100).contains(&self.supplement_limit),
            "supplement_limit",
            "OUT_OF_RANGE",
            "is 0 to 100",
            "应为 0 至 100",
        );
        checks.must(
            self.odometer_tolerance_km >= 0,
            "odometer_tolerance_km",
            "NEGATIVE",
            "must not be below zero",
            "不能为负数",
        );
        for (tolerance, field) in [
            (self.hours_tolerance_bp, "hours_tolerance_bp"),
            (self.price_tolerance_bp, "price_tolerance_bp"),
            (self.rescue_distance_tolerance_bp, "rescue_distance_tolerance_bp"),
        ] {
            checks.share(tolerance, field);
        }
        checks.distinct(&self.returnable_kinds, "returnable_kinds");
        for (index, row) in self.approval_limits.iter().enumerate() {
            let at = |field: &str| format!("approval_limits[{index}].{field}");
            checks.must(
                row.limit.is_none_or(|limit| limit.currency == row.currency && limit.minor >= 0),
                &at("limit"),
                "BAD_LIMIT",
                "is an amount of the row's currency, not below zero",
                "应为该行币种的金额，且不为负",
            );
            let same = |other: &&ApprovalLimit| (other.level, other.currency) == (row.level, row.currency);
            checks.must(
                self.approval_limits.iter().take(index).find(same).is_none(),
                &at("level"),
                "DUPLICATE",
                "a level has one limit per currency",
                "每个级别每种币种只能有一个限额",
            );
        }
        for (index, step) in self.escalations.iter().enumerate() {
            let later = |before: &EscalationStep| before.days_overdue < step.days_overdue;
            checks.must(
                (0..=3_650).contains(&step.days_overdue) && self.escalations.iter().take(index).all(later),
                &format!("escalations[{index}].days_overdue"),
                "NOT_LATER",
                "is 0 to 3650 days, and more than of the step before",
                "应为 0 至 3650 天，且大于上一级",
            );
        }
        checks.must(
            (0..=9).contains(&self.goodwill_overdraft_level),
            "goodwill_overdraft_level",
            "OUT_OF_RANGE",
            "is 0 to 9",
            "应为 0 至 9",
        );
        for (index, limit) in self.waiver_limits.iter().enumerate() {
            let field = format!("waiver_limits[{index}]");
            checks.must(limit.minor >= 0, &field, "NEGATIVE", "must not be below zero", "不能为负数");
            let before = self.waiver_limits.iter().take(index);
            checks.must(
                before.clone().all(|other| other.currency != limit.currency),
                &field,
                "DUPLICATE",
                "a currency has one limit",
                "每种币种只能有一个限额",
            );
        }
        checks.all(self.grade_rates.check("grade_rates"));
        for (index, row) in self.grade_rates.0.iter().enumerate() {
            let rate = &row.value.labor_rate;
            checks.all(rate.check(&format!("grade_rates[{index}]"), rate.rate.currency));
        }
        checks.all(self.tax_rates.check("tax_rates"));
        for (index, row) in self.tax_rates.0.iter().enumerate() {
            checks.share(row.value.rate_bp, &format!("tax_rates[{index}].rate_bp"));
        }
        checks.found()
    }

    fn references(&self) -> Vec<Reference> {
        let steps = self.escalations.iter().enumerate();
        let queued = steps.filter_map(|(index, step)| Some((index, step.queue.as_ref()?)));
        let named =
            |(index, queue)| reference(format!("escalations[{index}].queue"), "review_queue", "reviewQueues", queue);
        queued.map(named).collect()
    }

    fn check_change(&self, before: &Self, today: NaiveDate) -> Vec<Violation> {
        let mut checks = Checks::default();
        let frozen = Self {
            grade_rates: before.grade_rates.clone(),
            tax_rates: before.tax_rates.clone(),
            external_ref: before.external_ref.clone(),
            ..self.clone()
        };
        checks.must(
            before.valid_from > today || &frozen == before,
            "valid_from",
            "IN_FORCE",
            "a setting in force stays as it is, but for rows of grade_rates and tax_rates; create another with a later valid_from",
            "已生效的设置不可修改（grade_rates 与 tax_rates 的行除外）；请另建一条 valid_from 更晚的设置",
        );
        checks.must(
            before.valid_from <= today || self.valid_from > today,
            "valid_from",
            "IN_THE_PAST",
            "a setting that is yet to come can only move among days to come",
            "尚未生效的设置只能调整到未来日期",
        );
        checks.all(self.grade_rates.check_change(&before.grade_rates, today, "grade_rates"));
        checks.all(self.tax_rates.check_change(&before.tax_rates, today, "tax_rates"));
        checks.found()
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use uuid::Uuid;

    use super::*;

    fn code(text: &str) -> Code {
        Code::parse(text).unwrap()
    }

    fn day(text: &str) -> NaiveDate {
        text.parse().unwrap()
    }

    pub(crate) fn setting(name: &str, from: &str) -> Setting {
        Setting { code: code(name), valid_from: day(from), ..Setting::default() }
    }

    fn grade_rate(id: u128, from: &str, minor: i64) -> Dated<GradeRate> {
        Dated {
            id: Uuid::from_u128(id),
            valid_from: day(from),
            valid_to: None,
            value: GradeRate {
                grade: code("A"),
                labor_rate: LaborRate { rate: Money::new(Currency::CNY, minor), night_rate: None },
            },
        }
    }

    #[test]
    fn the_latest_setting_that_has_begun_counts() {
        let settings = [setting("2027", "2027-01-01"), setting("2025", "2025-01-01"), setting("2026", "2026-01-01")];
        let on = |text| Setting::on(&settings, day(text)).map(|setting| setting.code.as_str());
        assert_eq!(on("2024-12-31"), None);
        assert_eq!(on("2025-12-31"), Some("2025"));
        assert_eq!(on("2026-01-01"), Some("2026"));
        assert_eq!(on("2030-01-01"), Some("2027"));
    }

    #[test]
    fn a_setting_in_force_only_gains_rows() {
        let today = day("2026-06-01");
        let before = setting("2026", "2026-01-01");
        assert_eq!(before.check(), []);
        let rules = |after: &Setting, before: &Setting| {
            after.check_change(before, today).into_iter().map(|violation| violation.rule).collect::<Vec<_>>()
        };
        let changed = Setting { appeal_days: 60, ..before.clone() };
        assert_eq!(rules(&changed, &before), ["IN_FORCE"]);
        let rated = Setting { grade_rates: DatedList(vec![grade_rate(1, "2026-07-01", 12_000)]), ..before.clone() };
        assert_eq!(rules(&rated, &before), [""; 0]);
        let to_come = setting("2027", "2027-01-01");
        assert_eq!(rules(&Setting { appeal_days: 60, ..to_come.clone() }, &to_come), [""; 0]);
        assert_eq!(rules(&Setting { valid_from: today, ..to_come.clone() }, &to_come), ["IN_THE_PAST"]);
    }

    #[test]
    fn each_step_of_an_escalation_is_later_than_the_one_before() {
        let step = |days_overdue| EscalationStep { days_overdue, queue: None };
        let steps = |days: &[i32]| {
            let escalations = days.iter().copied().map(step).collect();
            let setting = Setting { escalations, ..setting("2026", "2026-01-01") };
            setting.check().into_iter().map(|violation| violation.field).collect::<Vec<_>>()
        };
        assert_eq!(steps(&[0, 3, 10]), [""; 0]);
        assert_eq!(steps(&[0, 0]), ["escalations[1].days_overdue"]);
        assert_eq!(steps(&[3, 1, -1]), ["escalations[1].days_overdue", "escalations[2].days_overdue"]);
        let queued = EscalationStep { queue: Some(code("LEAD")), ..step(0) };
        let setting = Setting { escalations: vec![step(0), queued], ..setting("2026", "2026-01-01") };
        assert_eq!(setting.references()[0].field, "escalations[1].queue");
    }

    #[test]
    fn nobody_overdraws_unless_a_level_may() {
        let level = |goodwill_overdraft_level| Setting { goodwill_overdraft_level, ..setting("2026", "2026-01-01") };
        assert!(!level(0).may_overdraw(9));
        assert!(!level(3).may_overdraw(2) && level(3).may_overdraw(3) && level(3).may_overdraw(4));
    }

    #[test]
    fn a_grade_has_one_rate_per_currency_and_day() {
        let rates = DatedList(vec![grade_rate(1, "2026-01-01", 12_000), grade_rate(2, "2026-07-01", 13_000)]);
        let setting = Setting { grade_rates: rates, ..setting("2026", "2026-01-01") };
        assert_eq!(setting.check()[0].rule, "OVERLAP");
        let found = setting.grade_rate_on(day("2026-06-01"), &code("A"), Currency::CNY);
        assert_eq!(found.map(|row| row.value.labor_rate.rate.minor), Some(12_000));
        assert!(setting.grade_rate_on(day("2026-06-01"), &code("B"), Currency::CNY).is_none());
        let text = serde_json::to_string(&setting).unwrap();
        assert_eq!(serde_json::from_str::<Setting>(&text).unwrap(), setting);
    }
}
