//! Settings: the message of the contract ⇄ the record of the domain.

use recourse_domain::catalog::setting::{AUTHORIZATION_DAYS, ApprovalLimit};
use recourse_domain::catalog::station::LaborRate;
use recourse_domain::catalog::{Dated, EscalationStep, GradeRate, Setting, Stored, TaxRate};
use recourse_domain::text::Violation;
use recourse_proto::v1;

use super::claims::{read_kind, show_kind};
use super::organizations::{NewId, name_or_empty, read_bp, read_rows};
use super::stations::{read_scheme, show_scheme};
use super::{Reader, basis_points, date, etag, money, timestamp};

/// The setting as its reader sees it, before redaction.
pub(crate) fn show(stored: &Stored<Setting>) -> v1::Setting {
    let Setting {
        code,
        valid_from,
        time_zone,
        submission_window_days,
        duplicate_window_days,
        return_answer_days,
        appeal_days,
        review_due_days,
        look_back_days,
        supplement_window_days,
        supplement_limit,
        payment_days,
        statement_objection_days,
        used_part_ship_days,
        hours_tolerance_bp,
        price_tolerance_bp,
        odometer_tolerance_km,
        rescue_distance_tolerance_bp,
        returnable_kinds,
        deemed_approval,
        pay_after_supplier_answer,
        grade_rates,
        tax_rates,
        authorization_days,
        approval_limits,
        external_ref,
        appraisal_access_days,
        escalations,
        goodwill_needs_budget,
        goodwill_overdraft_level,
        waiver_limits,
        proposal_days,
    } = &stored.value;
    v1::Setting {
        name: format!("settings/{code}"),
        etag: etag(stored.version),
        valid_from: date(*valid_from),
        time_zone: time_zone.clone(),
        submission_window_days: *submission_window_days,
        duplicate_window_days: *duplicate_window_days,
        return_answer_days: *return_answer_days,
        appeal_days: *appeal_days,
        review_due_days: *review_due_days,
        look_back_days: *look_back_days,
        supplement_window_days: *supplement_window_days,
        supplement_limit: *supplement_limit,
        payment_days: *payment_days,
        statement_objection_days: *statement_objection_days,
        used_part_ship_days: *used_part_ship_days,
        hours_tolerance_bp: basis_points(*hours_tolerance_bp),
        price_tolerance_bp: basis_points(*price_tolerance_bp),
        odometer_tolerance_km: *odometer_tolerance_km,
        rescue_distance_tolerance_bp: basis_points(*rescue_distance_tolerance_bp),
        returnable_kinds: returnable_kinds.iter().map(|kind| show_kind(*kind).into()).collect(),
        deemed_approval: *deemed_approval,
        pay_after_supplier_answer: *pay_after_supplier_answer,
        grade_rates: grade_rates.0.iter().map(show_grade_rate).collect(),
        tax_rates: tax_rates.0.iter().map(show_tax_rate).collect(),
        authorization_days: *authorization_days,
        approval_limits: approval_limits.iter().map(show_limit).collect(),
        external_ref: external_ref.clone(),
        appraisal_access_days: *appraisal_access_days,
        escalations: escalations.iter().map(show_step).collect(),
        goodwill_needs_budget: *goodwill_needs_budget,
        goodwill_overdraft_level: *goodwill_overdraft_level,
        waiver_limits: waiver_limits.iter().filter_map(|limit| money(*limit)).collect(),
        proposal_days: *proposal_days,
        active: stored.retire_time.is_none(),
        create_time: timestamp(stored.create_time),
        update_time: timestamp(stored.update_time),
        retire_time: stored.retire_time.and_then(timestamp),
    }
}

fn show_grade_rate(row: &Dated<GradeRate>) -> v1::GradeRate {
    let GradeRate { grade, labor_rate: LaborRate { rate, night_rate } } = &row.value;
    v1::GradeRate {
        id: row.id.to_string(),
        valid_from: date(row.valid_from),
        valid_to: row.valid_to.and_then(date),
        grade: grade.to_string(),
        rate: money(*rate),
        night_rate: night_rate.and_then(money),
    }
}

fn show_tax_rate(row: &Dated<TaxRate>) -> v1::TaxRate {
    let TaxRate { category, scheme, rate_bp } = &row.value;
    v1::TaxRate {
        id: row.id.to_string(),
        valid_from: date(row.valid_from),
        valid_to: row.valid_to.and_then(date),
        category: category.to_string(),
        scheme: show_scheme(*scheme).into(),
        rate_bp: basis_points(*rate_bp),
    }
}

fn show_step(step: &EscalationStep) -> v1::EscalationStep {
    let EscalationStep { days_overdue, queue } = step;
    v1::EscalationStep { days_overdue: *days_overdue, queue: name_or_empty("reviewQueues", queue.as_ref()) }
}

fn show_limit(row: &ApprovalLimit) -> v1::ApprovalLimit {
    let ApprovalLimit { level, currency, limit } = row;
    v1::ApprovalLimit { level: *level, currency: currency.code().to_owned(), limit: limit.and_then(money) }
}

/// The record under a code.
pub(crate) fn read(message: v1::Setting, code: &str, ids: NewId<'_>) -> Result<Setting, Vec<Violation>> {
    let v1::Setting {
        name: _,
        etag: _,
        valid_from,
        time_zone,
        submission_window_days,
        duplicate_window_days,
        return_answer_days,
        appeal_days,
        review_due_days,
        look_back_days,
        supplement_window_days,
        supplement_limit,
        payment_days,
        statement_objection_days,
        used_part_ship_days,
        hours_tolerance_bp,
        price_tolerance_bp,
        odometer_tolerance_km,
        rescue_distance_tolerance_bp,
        returnable_kinds,
        deemed_approval,
        pay_after_supplier_answer,
        grade_rates,
        tax_rates,
        authorization_days,
        approval_limits,
        external_ref,
        appraisal_access_days,
        escalations,
        goodwill_needs_budget,
        goodwill_overdraft_level,
        waiver_limits,
        proposal_days,
        active: _,
        create_time: _,
        update_time: _,
        retire_time: _,
    } = message;
    let mut reader = Reader::default();
    let code = reader.code("name", code);
    let valid_from = reader.needed_date("valid_from", valid_from.as_ref());
    let mut kinds = Vec::with_capacity(returnable_kinds.len());
    for (index, kind) in returnable_kinds.into_iter().enumerate() {
        kinds.extend(reader.choice(&format!("returnable_kinds[{index}]"), kind, read_kind));
    }
    let grade_rates = read_rows(&mut reader, "grade_rates", grade_rates, ids, |reader, at, row| {
        let grade = reader.code(&format!("{at}.grade"), &row.grade);
        let rate = reader.needed_money(&format!("{at}.rate"), row.rate.as_ref());
        let night_rate = reader.money(&format!("{at}.night_rate"), row.night_rate.as_ref());
        Some(GradeRate { grade: grade?, labor_rate: LaborRate { rate: rate?, night_rate } })
    });
    let tax_rates = read_rows(&mut reader, "tax_rates", tax_rates, ids, |reader, at, row| {
        let category = reader.code(&format!("{at}.category"), &row.category);
        let scheme = reader.choice(&format!("{at}.scheme"), row.scheme, read_scheme);
        Some(TaxRate { category: category?, scheme: scheme?, rate_bp: read_bp(row.rate_bp) })
    });
    let mut limits = Vec::with_capacity(approval_limits.len());
    for (index, row) in approval_limits.into_iter().enumerate() {
        let at = |field: &str| format!("approval_limits[{index}].{field}");
        let limit = reader.money(&at("limit"), row.limit.as_ref());
        let currency = match limit {
            Some(limit) if row.currency.is_empty() => Some(limit.currency),
            Some(_) | None => reader.currency(&at("currency"), &row.currency),
        };
        limits.extend(currency.map(|currency| ApprovalLimit { level: row.level, currency, limit }));
    }
    let steps = escalations.into_iter().enumerate();
    let escalations = steps
        .map(|(index, step)| EscalationStep {
            days_overdue: step.days_overdue,
            queue: reader.named(&format!("escalations[{index}].queue"), "reviewQueues", &step.queue),
        })
        .collect();
    let mut waivers = Vec::with_capacity(waiver_limits.len());
    for (index, limit) in waiver_limits.iter().enumerate() {
        waivers.extend(reader.money(&format!("waiver_limits[{index}]"), Some(limit)));
    }
    reader.whole(|| {
        Some(Setting {
            code: code?,
            valid_from: valid_from?,
            time_zone,
            submission_window_days,
            duplicate_window_days,
            return_answer_days,
            appeal_days,
            review_due_days,
            look_back_days,
            supplement_window_days,
            supplement_limit,
            payment_days,
            statement_objection_days,
            used_part_ship_days,
            hours_tolerance_bp: read_bp(hours_tolerance_bp),
            price_tolerance_bp: read_bp(price_tolerance_bp),
            odometer_tolerance_km,
            rescue_distance_tolerance_bp: read_bp(rescue_distance_tolerance_bp),
            returnable_kinds: kinds,
            deemed_approval,
            pay_after_supplier_answer,
            grade_rates,
            tax_rates,
            authorization_days: if authorization_days == 0 { AUTHORIZATION_DAYS } else { authorization_days },
            approval_limits: limits,
            external_ref,
            appraisal_access_days,
            escalations,
            goodwill_needs_budget,
            goodwill_overdraft_level,
            waiver_limits: waivers,
            proposal_days,
        })
    })
}
