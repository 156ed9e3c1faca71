//! Claims: the message of the contract ⇄ the claim of the domain.

use chrono::{DateTime, Utc};
use recourse_domain::access::Author;
use recourse_domain::catalog::Stored;
use recourse_domain::claims::review::{Goodwill, Verdict};
use recourse_domain::claims::{
    self as domain, Claim, ClaimIndex, Details, DifferenceKind, Finding, Header, Kind, Line, LineContent, LineInput,
    LineType, Outcome, PriceSourceKind, Reason, Revision, Severity, State, StateWord,
};
use recourse_domain::dtc::Dtc;
use recourse_domain::ids::UserId;
use recourse_domain::money::{Currency, Money, MoneyError};
use recourse_domain::text::{Lang, Violation};
use recourse_domain::vin::Vin;
use recourse_proto::v1;
use uuid::Uuid;

use super::names::author;
use super::{Reader, basis_points, date, hours, money, optional_text, quantity, text, timestamp};

/// The public name of a claim.
pub(crate) fn name(id: Uuid) -> String {
    format!("claims/{id}")
}

fn user(id: UserId) -> String {
    format!("users/{id}")
}

fn part(code: impl std::fmt::Display) -> String {
    format!("parts/{code}")
}

/// Whole kilometres as a distance.
pub(crate) fn kilometers(km: i64) -> Option<v1::Distance> {
    Some(v1::Distance { value: km, unit: v1::distance::Unit::Kilometer.into() })
}

/// A distance in whole kilometres.
pub(crate) fn in_kilometers(distance: &v1::Distance) -> i64 {
    match distance.unit() {
        v1::distance::Unit::Unspecified | v1::distance::Unit::Kilometer => distance.value,
        // 1.609344 km each, rounded down; the limit of the wire keeps the product small.
        v1::distance::Unit::Mile => distance.value.saturating_mul(1_609_344) / 1_000_000,
    }
}

// ---------------------------------------------------------------- domain → contract

/// The claim as its reader sees it, before redaction.
pub(crate) fn show(stored: &Stored<Claim>, now: DateTime<Utc>, lang: Lang) -> Result<v1::Claim, MoneyError> {
    let mut message = document(&stored.value, now, lang)?;
    message.etag = super::etag(stored.version);
    message.create_time = timestamp(stored.create_time);
    message.update_time = timestamp(stored.update_time);
    if let Some(wait) = &mut message.waits_for
        && wait.since.is_none()
        && stored.value.state.word() == StateWord::Draft
    {
        wait.since = timestamp(stored.create_time);
    }
    Ok(message)
}

/// The head of a claim, from what stands in columns.
pub(crate) fn show_head(stored: &Stored<ClaimIndex>) -> Result<v1::Claim, MoneyError> {
    let head = &stored.value;
    let currency = Currency::parse(&head.currency)?;
    let amount = |minor| money(Money::new(currency, minor));
    let decided = match head.state {
        StateWord::Approved | StateWord::Rejected | StateWord::Settled | StateWord::Closed => true,
        StateWord::Draft
        | StateWord::Submitted
        | StateWord::InReview
        | StateWord::Returned
        | StateWord::Withdrawn
        | StateWord::Lapsed => false,
    };
    let named = |collection: &str, code: &Option<String>| {
        code.as_ref().map(|code| format!("{collection}/{code}")).unwrap_or_default()
    };
    Ok(v1::Claim {
        name: name(stored.id),
        etag: super::etag(stored.version),
        number: head.number.clone(),
        kind: show_kind(head.kind).into(),
        state: show_state(head.state).into(),
        station: format!("stations/{}", head.station),
        external_ref: text(head.external_ref.as_ref()),
        vin: text(head.vin.as_ref()),
        failure_code: named("failureCodes", &head.failure_code),
        causal_part: named("parts", &head.causal_part),
        campaign: named("campaigns", &head.campaign),
        odometer_in: head.odometer_in_km.and_then(kilometers),
        complaint_date: head.complaint_date.and_then(date),
        repair_completion_date: head.repair_completion_date.and_then(date),
        external_repair_order: text(head.external_repair_order.as_ref()),
        external_job: text(head.external_job.as_ref()),
        currency: head.currency.clone(),
        totals: Some(v1::ClaimTotals {
            requested: amount(head.requested_minor),
            computed: amount(head.computed_minor),
            approved: if decided { amount(head.approved_minor) } else { None },
            goodwill: None,
        }),
        revision: head.revision,
        first_submit_time: head.first_submit_time.and_then(timestamp),
        submit_time: head.submit_time.and_then(timestamp),
        created_by: user(head.created_by),
        auditor: head.auditor.map(user).unwrap_or_default(),
        review_due_time: head.review_due_time.and_then(timestamp),
        answer_due_time: head.answer_due_time.and_then(timestamp),
        create_time: timestamp(stored.create_time),
        update_time: timestamp(stored.update_time),
        ..v1::Claim::default()
    })
}

/// The claim as a document, without what only its row knows.
pub(crate) fn document(claim: &Claim, now: DateTime<Utc>, lang: Lang) -> Result<v1::Claim, MoneyError> {
    let header = &claim.header;
    let totals = claim.totals()?;
    let wait = claim.waits_for();
    let mut lines = Vec::with_capacity(claim.lines.len());
    for line in &claim.lines {
        lines.push(show_line(claim, line, lang));
    }
    let mut decisions = Vec::with_capacity(claim.decisions.len());
    for round in &claim.decisions {
        decisions.push(show_round(claim.currency, round, lang)?);
    }
    let awaiting_appraisal = match &claim.state {
        State::InReview { awaiting_appraisal, .. } => *awaiting_appraisal,
        State::Draft
        | State::Submitted { .. }
        | State::Approved { .. }
        | State::Rejected { .. }
        | State::Returned { .. }
        | State::Withdrawn { .. }
        | State::Settled { .. }
        | State::Closed { .. }
        | State::Lapsed { .. } => false,
    };
    let withdraw_reason = match &claim.state {
        State::Withdrawn { reason, .. } => reason.clone(),
        State::Draft
        | State::Submitted { .. }
        | State::InReview { .. }
        | State::Approved { .. }
        | State::Rejected { .. }
        | State::Returned { .. }
        | State::Settled { .. }
        | State::Closed { .. }
        | State::Lapsed { .. } => String::new(),
    };
    Ok(v1::Claim {
        name: name(claim.id.0),
        etag: String::new(),
        number: claim.number.to_string(),
        kind: show_kind(claim.kind).into(),
        state: show_state(claim.state.word()).into(),
        station: format!("stations/{}", claim.station_code),
        external_ref: text(header.external_ref.as_ref()),
        vin: text(header.vin.as_ref()),
        complaint_code: text(header.complaint_code.as_ref()),
        complaint_description: header.complaint_description.clone(),
        cause_code: text(header.cause_code.as_ref()),
        cause_description: header.cause_description.clone(),
        correction_description: header.correction_description.clone(),
        failure_code: header.failure_code.as_ref().map(|code| format!("failureCodes/{code}")).unwrap_or_default(),
        location_code: text(header.location_code.as_ref()),
        causal_part: header.causal_part.as_ref().map(part).unwrap_or_default(),
        related_parts: header.related_parts.iter().map(part).collect(),
        dtcs: header.dtcs.iter().map(ToString::to_string).collect(),
        odometer_in: header.odometer_in_km.and_then(kilometers),
        odometer_out: header.odometer_out_km.and_then(kilometers),
        complaint_date: header.complaint_date.and_then(date),
        repair_start_date: header.repair_start_date.and_then(date),
        repair_completion_date: header.repair_completion_date.and_then(date),
        external_repair_order: text(header.external_repair_order.as_ref()),
        external_job: text(header.external_job.as_ref()),
        campaign: header.campaign.as_ref().map(|code| format!("campaigns/{code}")).unwrap_or_default(),
        authorizations: header.authorizations.clone(),
        repeat_repair_indicator: header.repeat_repair_indicator,
        supplement_of: text(header.supplement_of.as_ref()),
        copied_from: text(header.copied_from.as_ref()),
        related_claims: header.related_claims.clone(),
        evidence: header.evidence.clone(),
        details: header.details.as_ref().map(show_details),
        lines,
        currency: claim.currency.code().to_owned(),
        totals: Some(v1::ClaimTotals {
            requested: money(totals.requested),
            computed: money(totals.computed),
            approved: totals.approved.and_then(money),
            goodwill: totals.goodwill.and_then(money),
        }),
        coverage: claim.coverage.as_ref().map(|coverage| v1::ClaimCoverage {
            covered: coverage.covered,
            policy: coverage.policy.as_ref().map(|code| format!("warrantyPolicies/{code}")).unwrap_or_default(),
            term: text(coverage.term.as_ref()),
            clause: coverage.clause.clone(),
            warranty_start_date: coverage.warranty_start.and_then(date),
            last_date: coverage.last_day.and_then(date),
            odometer_limit: coverage.limit_km.and_then(kilometers),
        }),
        revision: count(claim.revision()),
        submission_count: count(claim.submission_count()),
        first_submit_time: claim.submission.as_ref().and_then(|submission| timestamp(submission.first_submit_time)),
        submit_time: claim.submission.as_ref().and_then(|submission| timestamp(submission.submit_time)),
        created_by: author(Author { id: claim.created_by, is_client: claim.created_by_client }),
        auditor: claim.auditor().map(user).unwrap_or_default(),
        findings: claim.findings.iter().map(|finding| show_finding(finding, lang)).collect(),
        decisions,
        last_return: claim.last_return.as_ref().map(|returned| show_return(returned, lang)),
        withdraw_reason,
        waits_for: Some(v1::ClaimWait {
            party: show_party(wait.party).into(),
            step: show_step(wait.step).into(),
            since: wait.since.and_then(timestamp),
            due_time: wait.due_time.and_then(timestamp),
        }),
        review_due_time: claim.state.review_due_time().and_then(timestamp),
        answer_due_time: claim.state.answer_due_time().and_then(timestamp),
        appeal_due_time: claim.state.appeal_due_time().and_then(timestamp),
        open_appeal: String::new(),
        awaiting_appraisal,
        hold: String::new(),
        promised_pay_date: claim.state.promised_pay_date().and_then(date),
        age_days: claim.age_days(now).and_then(|days| i32::try_from(days).ok()).unwrap_or_default(),
        create_time: None,
        update_time: None,
    })
}

fn count(number: u32) -> i32 {
    i32::try_from(number).unwrap_or(i32::MAX)
}

fn show_line(claim: &Claim, line: &Line, lang: Lang) -> v1::ClaimLine {
    let LineContent {
        line_type,
        part: part_code,
        operation,
        description,
        quantity: pieces,
        hours: claimed,
        actual_hours,
        additional_hours,
        additional_hours_comment,
        requested_amount,
        original_serial_number,
        replacement_serial_number,
        is_causal,
        outside_part_invoice_number,
        sublet_invoice_number,
        authorization,
        tax_category,
        distance_km,
    } = &line.content;
    let pricing = line.pricing.as_ref();
    let decided = claim.decision_on(line.number);
    v1::ClaimLine {
        number: count(line.number),
        r#type: show_line_type(*line_type).into(),
        part: part_code.as_ref().map(part).unwrap_or_default(),
        operation: operation.as_ref().map(|code| format!("laborOperations/{code}")).unwrap_or_default(),
        description: description.clone(),
        quantity: pieces.and_then(quantity),
        hours: claimed.and_then(hours),
        actual_hours: actual_hours.and_then(hours),
        additional_hours: additional_hours.and_then(hours),
        additional_hours_comment: additional_hours_comment.clone(),
        requested_amount: pricing.map(|pricing| pricing.requested).or(*requested_amount).and_then(money),
        unit_price: pricing.and_then(|pricing| pricing.unit_price).and_then(money),
        price_source: pricing.and_then(|pricing| pricing.source.as_ref()).map(show_source),
        computed_amount: pricing.and_then(|pricing| pricing.computed).and_then(money),
        approved_amount: decided.and_then(|(_, decision)| money(decision.approved)),
        original_serial_number: text(original_serial_number.as_ref()),
        replacement_serial_number: text(replacement_serial_number.as_ref()),
        is_causal: *is_causal,
        outside_part_invoice_number: text(outside_part_invoice_number.as_ref()),
        sublet_invoice_number: text(sublet_invoice_number.as_ref()),
        authorization: text(authorization.as_ref()),
        tax_category: text(tax_category.as_ref()),
        decision: decided.map(|(round, decision)| show_decision(round.number, decision, lang)),
        distance: distance_km.and_then(kilometers),
    }
}

fn show_source(source: &domain::PriceSource) -> v1::PriceSource {
    use v1::price_source::Kind as Shown;
    let kind = match source.kind {
        PriceSourceKind::ClaimPrice => Shown::ClaimPrice,
        PriceSourceKind::DealerNet => Shown::DealerNet,
        PriceSourceKind::StationRate => Shown::StationRate,
        PriceSourceKind::GradeRate => Shown::GradeRate,
        PriceSourceKind::Invoice => Shown::Invoice,
        PriceSourceKind::Tariff => Shown::Tariff,
        PriceSourceKind::Policy => Shown::Policy,
    };
    v1::PriceSource {
        kind: kind.into(),
        row: text(source.row.as_ref()),
        valid_from: source.valid_from.and_then(date),
        price_date: source.price_date.and_then(date),
        markup_bp: source.markup.map(basis_points).unwrap_or_default(),
    }
}

fn show_decision(round: u32, decision: &domain::LineDecision, lang: Lang) -> v1::LineDecision {
    v1::LineDecision {
        line_number: count(decision.line),
        outcome: show_outcome(decision.outcome).into(),
        approved_amount: money(decision.approved),
        reasons: decision.reasons.iter().map(|reason| show_reason(reason, lang)).collect(),
        note: decision.note.clone(),
        internal_note: decision.internal_note.clone(),
        goodwill_amount: if decision.goodwill.is_zero() { None } else { money(decision.goodwill) },
        goodwill_percent_bp: decision.goodwill_percent.map(basis_points).unwrap_or_default(),
        round: count(round),
    }
}

fn show_round(currency: Currency, round: &domain::DecisionRound, lang: Lang) -> Result<v1::DecisionRound, MoneyError> {
    let total = Money::sum(currency, round.lines.iter().map(|decision| decision.approved))?;
    Ok(v1::DecisionRound {
        number: count(round.number),
        revision: count(round.revision),
        level: count(round.level),
        auditor: user(round.auditor),
        decide_time: timestamp(round.decide_time),
        outcome: show_outcome(round.outcome).into(),
        line_decisions: round.lines.iter().map(|decision| show_decision(round.number, decision, lang)).collect(),
        note: round.note.clone(),
        internal_note: round.internal_note.clone(),
        approved_total: money(total),
        rule: text(round.rule.as_ref()),
        appeal: text(round.appeal.as_ref()),
    })
}

fn show_return(returned: &domain::Return, lang: Lang) -> v1::ClaimReturn {
    v1::ClaimReturn {
        revision: count(returned.revision),
        return_time: timestamp(returned.return_time),
        auditor: user(returned.auditor),
        reasons: returned.reasons.iter().map(|reason| show_reason(reason, lang)).collect(),
        note: returned.note.clone(),
        internal_note: returned.internal_note.clone(),
    }
}

fn show_reason(reason: &Reason, lang: Lang) -> v1::DecisionReason {
    let standard = domain::reason_text(reason.code, lang);
    let or_standard = |own: &str, standard: String| if own.is_empty() { standard } else { own.to_owned() };
    v1::DecisionReason {
        code: show_code(reason.code).into(),
        clause: reason.clause.clone(),
        evidence_needed: or_standard(&reason.evidence_needed, standard.evidence_needed),
        fix: or_standard(&reason.fix, standard.fix),
        deadline: reason.deadline.and_then(date),
        field: reason.field.clone(),
        message: standard.message,
    }
}

/// A finding with its texts, which are made when it is read.
pub(crate) fn show_finding(finding: &Finding, lang: Lang) -> v1::Finding {
    let texts = domain::text(finding, lang);
    let severity = match finding.severity {
        Severity::Error => v1::finding::Severity::Error,
        Severity::Warning => v1::finding::Severity::Warning,
    };
    v1::Finding {
        code: show_code(finding.code).into(),
        severity: severity.into(),
        field: finding.field.clone(),
        line_number: finding.line.map(count).unwrap_or_default(),
        clause: finding.clause.clone(),
        message: texts.message,
        evidence_needed: texts.evidence_needed,
        fix: texts.fix,
        parameters: finding
            .params
            .iter()
            .map(|(key, value)| v1::FindingParameter { key: key.clone(), value: value.clone() })
            .collect(),
    }
}

/// A finding as a violation of the claim that can't be submitted.
pub(crate) fn as_violation(finding: &Finding) -> Violation {
    let (en, zh) = (domain::text(finding, Lang::En), domain::text(finding, Lang::ZhCn));
    Violation::new(
        format!("claim.{}", finding.field),
        finding.code.word(),
        format!("{}. {}", en.message, en.fix),
        format!("{}。{}", zh.message, zh.fix),
    )
}

/// A revision: the claim as it was submitted.
pub(crate) fn show_revision(revision: &Revision, lang: Lang) -> Result<v1::ClaimRevision, MoneyError> {
    Ok(v1::ClaimRevision {
        name: format!("claims/{}/revisions/{}", revision.claim_id(), revision.number),
        number: count(revision.number),
        submit_time: timestamp(revision.submit_time),
        submitted_by: author(Author {
            id: revision.submitted_by,
            is_client: revision.claim.submission.as_ref().is_some_and(|submission| submission.submitted_by_client),
        }),
        claim: Some(document(&revision.claim, revision.submit_time, lang)?),
        findings: revision.findings().iter().map(|finding| show_finding(finding, lang)).collect(),
    })
}

/// One difference between two revisions.
pub(crate) fn show_difference(difference: domain::Difference, lang: Lang) -> v1::FieldDifference {
    let kind = match difference.kind {
        DifferenceKind::Added => v1::field_difference::Kind::Added,
        DifferenceKind::Removed => v1::field_difference::Kind::Removed,
        DifferenceKind::Changed => v1::field_difference::Kind::Changed,
    };
    v1::FieldDifference {
        path: difference.path,
        label: difference.label.in_lang(lang).to_owned(),
        kind: kind.into(),
        before: difference.before,
        after: difference.after,
    }
}

fn show_details(details: &Details) -> v1::claim::Details {
    match details {
        Details::WarrantyRepair(d) => v1::claim::Details::WarrantyRepair(v1::WarrantyRepairDetails {
            failure_date: d.failure_date.and_then(date),
            immobilized: d.immobilized,
            towed_in: d.towed_in,
            part_installed_date: d.part_installed_date.and_then(date),
            part_installed_odometer: d.part_installed_odometer_km.and_then(kilometers),
            goodwill_request: d.goodwill_request.clone(),
        }),
        Details::RunningInMaintenance(d) => v1::claim::Details::RunningIn(v1::RunningInDetails {
            entitlement: text(d.entitlement.as_ref()),
            card_number: text(d.card_number.as_ref()),
            sequence: d.sequence.unwrap_or_default(),
            checks: d.checks.clone(),
        }),
        Details::RoadsideRescue(d) => v1::claim::Details::RoadsideRescue(v1::RoadsideRescueDetails {
            call_time: d.call_time.and_then(timestamp),
            location: d.location.clone(),
            advice_before_dispatch: d.advice_before_dispatch.clone(),
            trips: d.trips.iter().map(show_trip).collect(),
            towing_distance: d.towing_distance_km.and_then(kilometers),
        }),
        Details::ExternalPurchase(d) => v1::claim::Details::ExternalPurchase(v1::ExternalPurchaseDetails {
            vendor_name: d.vendor_name.clone(),
            limit_amount: d.limit_amount.and_then(money),
            limit_quantity: d.limit_quantity.and_then(quantity),
            needed_by: d.needed_by.and_then(date),
            reason: d.reason.clone(),
            quotation: text(d.quotation.as_ref()),
        }),
        Details::MajorAssembly(d) => v1::claim::Details::MajorAssembly(v1::MajorAssemblyDetails {
            assembly: d.assembly.as_ref().map(part).unwrap_or_default(),
            assembly_serial_number: text(d.assembly_serial_number.as_ref()),
            reason: d.reason.clone(),
            measurements: d.measurements.clone(),
            limit_amount: d.limit_amount.and_then(money),
        }),
        Details::CompensationAppraisal(d) => {
            v1::claim::Details::CompensationAppraisal(v1::CompensationAppraisalDetails {
                incident_date: d.incident_date.and_then(date),
                location: d.location.clone(),
                damage_description: d.damage_description.clone(),
                asked_amount: d.asked_amount.and_then(money),
                injury: d.injury,
            })
        }
    }
}

fn show_trip(trip: &domain::RescueTrip) -> v1::RescueTrip {
    v1::RescueTrip {
        number: trip.number,
        depart_time: trip.depart_time.and_then(timestamp),
        arrive_time: trip.arrive_time.and_then(timestamp),
        return_time: trip.return_time.and_then(timestamp),
        out_distance: trip.out_distance_km.and_then(kilometers),
        night: trip.night,
        staff_count: trip.staff_count,
        hired_vehicle: trip.hired_vehicle,
        reason: trip.reason.clone(),
        shared_with: text(trip.shared_with.as_ref()),
        track: text(trip.track.as_ref()),
    }
}

/// The contract's kind for the domain's.
pub(crate) fn show_kind(kind: Kind) -> v1::claim::Kind {
    match kind {
        Kind::WarrantyRepair => v1::claim::Kind::WarrantyRepair,
        Kind::RunningInMaintenance => v1::claim::Kind::RunningInMaintenance,
        Kind::CompensationAppraisal => v1::claim::Kind::CompensationAppraisal,
        Kind::RoadsideRescue => v1::claim::Kind::RoadsideRescue,
        Kind::ExternalPurchase => v1::claim::Kind::ExternalPurchase,
        Kind::MajorAssembly => v1::claim::Kind::MajorAssembly,
    }
}

/// The domain's kind for the contract's.
pub(crate) fn read_kind(kind: v1::claim::Kind) -> Option<Kind> {
    match kind {
        v1::claim::Kind::Unspecified => None,
        v1::claim::Kind::WarrantyRepair => Some(Kind::WarrantyRepair),
        v1::claim::Kind::RunningInMaintenance => Some(Kind::RunningInMaintenance),
        v1::claim::Kind::CompensationAppraisal => Some(Kind::CompensationAppraisal),
        v1::claim::Kind::RoadsideRescue => Some(Kind::RoadsideRescue),
        v1::claim::Kind::ExternalPurchase => Some(Kind::ExternalPurchase),
        v1::claim::Kind::MajorAssembly => Some(Kind::MajorAssembly),
    }
}

/// The contract's state for the domain's.
pub(crate) fn show_state(state: StateWord) -> v1::claim::State {
    match state {
        StateWord::Draft => v1::claim::State::Draft,
        StateWord::Submitted => v1::claim::State::Submitted,
        StateWord::InReview => v1::claim::State::InReview,
        StateWord::Approved => v1::claim::State::Approved,
        StateWord::Rejected => v1::claim::State::Rejected,
        StateWord::Returned => v1::claim::State::Returned,
        StateWord::Withdrawn => v1::claim::State::Withdrawn,
        StateWord::Settled => v1::claim::State::Settled,
        StateWord::Closed => v1::claim::State::Closed,
        StateWord::Lapsed => v1::claim::State::Lapsed,
    }
}

fn show_party(party: domain::Party) -> v1::claim_wait::Party {
    match party {
        domain::Party::Nobody => v1::claim_wait::Party::Nobody,
        domain::Party::Station => v1::claim_wait::Party::Station,
        domain::Party::Auditor => v1::claim_wait::Party::Auditor,
        domain::Party::Appraiser => v1::claim_wait::Party::Appraiser,
        domain::Party::Finance => v1::claim_wait::Party::Finance,
    }
}

fn show_step(step: domain::Step) -> v1::claim_wait::Step {
    match step {
        domain::Step::Nothing => v1::claim_wait::Step::Nothing,
        domain::Step::Submission => v1::claim_wait::Step::Submission,
        domain::Step::Review => v1::claim_wait::Step::Review,
        domain::Step::Decision => v1::claim_wait::Step::Decision,
        domain::Step::Answer => v1::claim_wait::Step::Answer,
        domain::Step::Appraisal => v1::claim_wait::Step::Appraisal,
        domain::Step::Payment => v1::claim_wait::Step::Payment,
    }
}

fn show_outcome(outcome: Outcome) -> v1::line_outcome::Code {
    match outcome {
        Outcome::Approved => v1::line_outcome::Code::Approved,
        Outcome::Reduced => v1::line_outcome::Code::Reduced,
        Outcome::Rejected => v1::line_outcome::Code::Rejected,
    }
}

fn show_line_type(line_type: LineType) -> v1::claim_line::Type {
    match line_type {
        LineType::Part => v1::claim_line::Type::Part,
        LineType::Labor => v1::claim_line::Type::Labor,
        LineType::Diagnosis => v1::claim_line::Type::Diagnosis,
        LineType::ExternalPart => v1::claim_line::Type::ExternalPart,
        LineType::Sublet => v1::claim_line::Type::Sublet,
        LineType::Travel => v1::claim_line::Type::Travel,
        LineType::Towing => v1::claim_line::Type::Towing,
        LineType::MaintenanceFee => v1::claim_line::Type::MaintenanceFee,
        LineType::CourtesyCar => v1::claim_line::Type::CourtesyCar,
        LineType::Freight => v1::claim_line::Type::Freight,
        LineType::Allowance => v1::claim_line::Type::Allowance,
    }
}

fn read_line_type(line_type: v1::claim_line::Type) -> Option<LineType> {
    match line_type {
        v1::claim_line::Type::Unspecified => None,
        v1::claim_line::Type::Part => Some(LineType::Part),
        v1::claim_line::Type::Labor => Some(LineType::Labor),
        v1::claim_line::Type::Diagnosis => Some(LineType::Diagnosis),
        v1::claim_line::Type::ExternalPart => Some(LineType::ExternalPart),
        v1::claim_line::Type::Sublet => Some(LineType::Sublet),
        v1::claim_line::Type::Travel => Some(LineType::Travel),
        v1::claim_line::Type::Towing => Some(LineType::Towing),
        v1::claim_line::Type::MaintenanceFee => Some(LineType::MaintenanceFee),
        v1::claim_line::Type::CourtesyCar => Some(LineType::CourtesyCar),
        v1::claim_line::Type::Freight => Some(LineType::Freight),
        v1::claim_line::Type::Allowance => Some(LineType::Allowance),
    }
}

/// The contract's code of a finding or reason. Both name the same words; a test holds them together.
fn show_code(code: domain::Code) -> v1::finding_code::Code {
    v1::finding_code::Code::from_str_name(code.word()).unwrap_or(v1::finding_code::Code::Other)
}

fn read_code(code: v1::finding_code::Code) -> Option<domain::Code> {
    domain::Code::ALL.iter().copied().find(|known| known.word() == code.as_str_name())
}

// ---------------------------------------------------------------- contract → domain

/// What a station writes, in the domain's form.
pub(crate) fn read(message: v1::Claim) -> Result<(Header, Vec<LineInput>), Vec<Violation>> {
    let mut reader = Reader::default();
    let kilometers = |distance: Option<&v1::Distance>| distance.map(in_kilometers);
    let header = Header {
        external_ref: optional_text(&message.external_ref),
        vin: optional_text(&message.vin).map(canonical_vin),
        complaint_code: optional_text(&message.complaint_code),
        complaint_description: message.complaint_description,
        cause_code: optional_text(&message.cause_code),
        cause_description: message.cause_description,
        correction_description: message.correction_description,
        failure_code: reader.named("failure_code", "failureCodes", &message.failure_code),
        location_code: optional_text(&message.location_code),
        causal_part: reader.named("causal_part", "parts", &message.causal_part),
        related_parts: reader.codes("related_parts", "parts", &message.related_parts),
        dtcs: read_dtcs(&mut reader, &message.dtcs),
        odometer_in_km: kilometers(message.odometer_in.as_ref()),
        odometer_out_km: kilometers(message.odometer_out.as_ref()),
        complaint_date: reader.date("complaint_date", message.complaint_date.as_ref()),
        repair_start_date: reader.date("repair_start_date", message.repair_start_date.as_ref()),
        repair_completion_date: reader.date("repair_completion_date", message.repair_completion_date.as_ref()),
        external_repair_order: optional_text(&message.external_repair_order),
        external_job: optional_text(&message.external_job),
        campaign: reader.named("campaign", "campaigns", &message.campaign),
        authorizations: message.authorizations,
        repeat_repair_indicator: message.repeat_repair_indicator,
        supplement_of: optional_text(&message.supplement_of),
        copied_from: optional_text(&message.copied_from),
        related_claims: message.related_claims,
        evidence: message.evidence,
        details: message.details.as_ref().map(|details| read_details(&mut reader, details)),
    };
    let lines = message
        .lines
        .iter()
        .enumerate()
        .filter_map(|(index, line)| read_line(&mut reader, &format!("lines[{index}]"), line))
        .collect();
    reader.finish((header, lines))
}

/// A VIN in canonical form; what is none stays as it was written, for the submission to tell.
fn canonical_vin(text: String) -> String {
    Vin::parse(&text).map_or(text, |vin| vin.to_string())
}

fn read_dtcs(reader: &mut Reader, codes: &[String]) -> Vec<Dtc> {
    codes
        .iter()
        .enumerate()
        .filter_map(|(index, code)| match Dtc::parse(code) {
            Ok(dtc) => Some(dtc),
            Err(error) => {
                reader.refuse(Violation::new(
                    format!("dtcs[{index}]"),
                    "BAD_DTC",
                    error.to_string(),
                    "故障码格式应为 P0171 或 P0171-00",
                ));
                None
            }
        })
        .collect()
}

fn read_line(reader: &mut Reader, at: &str, line: &v1::ClaimLine) -> Option<LineInput> {
    let at = |field: &str| format!("{at}.{field}");
    let line_type = reader.choice(&at("type"), line.r#type, read_line_type);
    let part = reader.named(&at("part"), "parts", &line.part);
    let operation = reader.named(&at("operation"), "laborOperations", &line.operation);
    let pieces = reader.quantity(&at("quantity"), line.quantity.as_ref());
    let claimed = reader.hours(&at("hours"), line.hours.as_ref());
    let actual_hours = reader.hours(&at("actual_hours"), line.actual_hours.as_ref());
    let additional_hours = reader.hours(&at("additional_hours"), line.additional_hours.as_ref());
    let requested_amount = reader.money(&at("requested_amount"), line.requested_amount.as_ref());
    Some(LineInput {
        number: u32::try_from(line.number).unwrap_or_default(),
        content: LineContent {
            line_type: line_type?,
            part,
            operation,
            description: line.description.clone(),
            quantity: pieces,
            hours: claimed,
            actual_hours,
            additional_hours,
            additional_hours_comment: line.additional_hours_comment.clone(),
            requested_amount,
            original_serial_number: optional_text(&line.original_serial_number),
            replacement_serial_number: optional_text(&line.replacement_serial_number),
            is_causal: line.is_causal,
            outside_part_invoice_number: optional_text(&line.outside_part_invoice_number),
            sublet_invoice_number: optional_text(&line.sublet_invoice_number),
            authorization: optional_text(&line.authorization),
            tax_category: optional_text(&line.tax_category),
            distance_km: line.distance.as_ref().map(in_kilometers),
        },
    })
}

fn read_details(reader: &mut Reader, details: &v1::claim::Details) -> Details {
    match details {
        v1::claim::Details::WarrantyRepair(d) => Details::WarrantyRepair(domain::WarrantyRepairDetails {
            failure_date: reader.date("warranty_repair.failure_date", d.failure_date.as_ref()),
            immobilized: d.immobilized,
            towed_in: d.towed_in,
            part_installed_date: reader.date("warranty_repair.part_installed_date", d.part_installed_date.as_ref()),
            part_installed_odometer_km: d.part_installed_odometer.as_ref().map(in_kilometers),
            goodwill_request: d.goodwill_request.clone(),
        }),
        v1::claim::Details::RunningIn(d) => Details::RunningInMaintenance(domain::RunningInDetails {
            entitlement: optional_text(&d.entitlement),
            card_number: optional_text(&d.card_number),
            sequence: (d.sequence != 0).then_some(d.sequence),
            checks: d.checks.clone(),
        }),
        v1::claim::Details::RoadsideRescue(d) => Details::RoadsideRescue(domain::RoadsideRescueDetails {
            call_time: reader.instant("roadside_rescue.call_time", d.call_time.as_ref()),
            location: d.location.clone(),
            advice_before_dispatch: d.advice_before_dispatch.clone(),
            trips: d.trips.iter().enumerate().map(|(index, trip)| read_trip(reader, index, trip)).collect(),
            towing_distance_km: d.towing_distance.as_ref().map(in_kilometers),
        }),
        v1::claim::Details::ExternalPurchase(d) => Details::ExternalPurchase(domain::ExternalPurchaseDetails {
            vendor_name: d.vendor_name.clone(),
            limit_amount: reader.money("external_purchase.limit_amount", d.limit_amount.as_ref()),
            limit_quantity: reader.quantity("external_purchase.limit_quantity", d.limit_quantity.as_ref()),
            needed_by: reader.date("external_purchase.needed_by", d.needed_by.as_ref()),
            reason: d.reason.clone(),
            quotation: optional_text(&d.quotation),
        }),
        v1::claim::Details::MajorAssembly(d) => Details::MajorAssembly(domain::MajorAssemblyDetails {
            assembly: reader.named("major_assembly.assembly", "parts", &d.assembly),
            assembly_serial_number: optional_text(&d.assembly_serial_number),
            reason: d.reason.clone(),
            measurements: d.measurements.clone(),
            limit_amount: reader.money("major_assembly.limit_amount", d.limit_amount.as_ref()),
        }),
        v1::claim::Details::CompensationAppraisal(d) => {
            Details::CompensationAppraisal(domain::CompensationAppraisalDetails {
                incident_date: reader.date("compensation_appraisal.incident_date", d.incident_date.as_ref()),
                location: d.location.clone(),
                damage_description: d.damage_description.clone(),
                asked_amount: reader.money("compensation_appraisal.asked_amount", d.asked_amount.as_ref()),
                injury: d.injury,
            })
        }
    }
}

fn read_trip(reader: &mut Reader, index: usize, trip: &v1::RescueTrip) -> domain::RescueTrip {
    let at = |field: &str| format!("roadside_rescue.trips[{index}].{field}");
    domain::RescueTrip {
        number: trip.number,
        depart_time: reader.instant(&at("depart_time"), trip.depart_time.as_ref()),
        arrive_time: reader.instant(&at("arrive_time"), trip.arrive_time.as_ref()),
        return_time: reader.instant(&at("return_time"), trip.return_time.as_ref()),
        out_distance_km: trip.out_distance.as_ref().map(in_kilometers),
        night: trip.night,
        staff_count: trip.staff_count,
        hired_vehicle: trip.hired_vehicle,
        reason: trip.reason.clone(),
        shared_with: optional_text(&trip.shared_with),
        track: optional_text(&trip.track),
    }
}

/// The verdicts of an auditor.
pub(crate) fn read_verdicts(verdicts: &[v1::LineVerdict]) -> Result<Vec<Verdict>, Vec<Violation>> {
    let mut reader = Reader::default();
    let read = verdicts
        .iter()
        .enumerate()
        .filter_map(|(index, verdict)| {
            let at = |field: &str| format!("line_decisions[{index}].{field}");
            let outcome = reader.choice(&at("outcome"), verdict.outcome, |code| match code {
                v1::line_outcome::Code::Unspecified => None,
                v1::line_outcome::Code::Approved => Some(Outcome::Approved),
                v1::line_outcome::Code::Reduced => Some(Outcome::Reduced),
                v1::line_outcome::Code::Rejected => Some(Outcome::Rejected),
            });
            let approved = reader.money(&at("approved_amount"), verdict.approved_amount.as_ref());
            let granted = reader.money(&at("goodwill_amount"), verdict.goodwill_amount.as_ref());
            let percent = (verdict.goodwill_percent_bp != 0)
                .then(|| recourse_domain::money::BasisPoints(i64::from(verdict.goodwill_percent_bp)));
            if granted.is_some() && percent.is_some() {
                reader.refuse(Violation::new(
                    at("goodwill_percent_bp"),
                    "EITHER_OR",
                    "goodwill is an amount or a percentage, not both; leave one out",
                    "善意索赔可按金额或按比例填写，请只填其一",
                ));
            }
            let reasons = read_reasons(&mut reader, &at("reasons"), &verdict.reasons);
            Some(Verdict {
                line: u32::try_from(verdict.line_number).unwrap_or_default(),
                outcome: outcome?,
                approved,
                goodwill: granted.map(Goodwill::Amount).or(percent.map(Goodwill::Percent)),
                reasons,
                note: verdict.note.clone(),
                internal_note: verdict.internal_note.clone(),
            })
        })
        .collect();
    reader.finish(read)
}

/// Reasons of a decision or a return.
pub(crate) fn read_reasons(reader: &mut Reader, at: &str, reasons: &[v1::DecisionReason]) -> Vec<Reason> {
    reasons
        .iter()
        .enumerate()
        .filter_map(|(index, reason)| {
            let at = |field: &str| format!("{at}[{index}].{field}");
            let code = reader.choice(&at("code"), reason.code, read_code);
            let deadline = reader.date(&at("deadline"), reason.deadline.as_ref());
            Some(Reason {
                code: code?,
                clause: reason.clause.clone(),
                evidence_needed: reason.evidence_needed.clone(),
                fix: reason.fix.clone(),
                deadline,
                field: reason.field.clone(),
            })
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn findings_of_contract_and_domain_are_the_same_words() {
        for code in domain::Code::ALL {
            let shown = v1::finding_code::Code::from_str_name(code.word());
            assert!(shown.is_some(), "the contract lacks {}", code.word());
            assert_eq!(shown.and_then(read_code), Some(*code));
        }
    }

    #[test]
    fn miles_become_whole_kilometres_rounded_down() {
        let miles = v1::Distance { value: 100, unit: v1::distance::Unit::Mile.into() };
        assert_eq!(in_kilometers(&miles), 160);
        assert_eq!(in_kilometers(&v1::Distance { value: 7, unit: 0 }), 7, "kilometres unless said otherwise");
    }
}
