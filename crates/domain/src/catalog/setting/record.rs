//! A setting as a record: what may stand in it, and what may change while it is in force.

use chrono::NaiveDate;

use super::{ApprovalLimit, EscalationStep, Setting};
use crate::catalog::common::{Checks, date, reference, text, text_value};
use crate::catalog::record::{ColumnValue, Field, Record, Reference};
use crate::text::Violation;

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
        self.check_days(&mut checks);
        self.check_tolerances(&mut checks);
        checks.distinct(&self.returnable_kinds, "returnable_kinds");
        self.check_limits(&mut checks);
        self.check_rates(&mut checks);
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

impl Setting {
    fn check_days(&self, checks: &mut Checks) {
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
    }

    fn check_tolerances(&self, checks: &mut Checks) {
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
    }

    /// Who may approve, overdraw and waive how much, and what becomes of what is overdue.
    fn check_limits(&self, checks: &mut Checks) {
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
    }

    fn check_rates(&self, checks: &mut Checks) {
        checks.all(self.grade_rates.check("grade_rates"));
        for (index, row) in self.grade_rates.0.iter().enumerate() {
            let rate = &row.value.labor_rate;
            checks.all(rate.check(&format!("grade_rates[{index}]"), rate.rate.currency));
        }
        checks.all(self.tax_rates.check("tax_rates"));
        for (index, row) in self.tax_rates.0.iter().enumerate() {
            checks.share(row.value.rate_bp, &format!("tax_rates[{index}].rate_bp"));
        }
    }
}
