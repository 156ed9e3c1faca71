//! Claims: the message of the contract ⇄ the claim of the domain.

mod appeals;
mod details;
mod head;
mod lines;
mod review;
mod routing;
mod words;

use chrono::{DateTime, Utc};
use recourse_domain::access::Author;
use recourse_domain::catalog::Stored;
use recourse_domain::claims::{Claim, Header, LineInput, State, StateWord};
use recourse_domain::dtc::Dtc;
use recourse_domain::ids::UserId;
use recourse_domain::money::MoneyError;
use recourse_domain::text::{Lang, Violation};
use recourse_domain::vin::Vin;
use recourse_proto::v1;
use uuid::Uuid;

pub(crate) use appeals::{read_appeal, show_appeal};
pub(crate) use head::show_head;
pub(crate) use lines::show_line_type;
pub(crate) use review::{
    as_violation, read_code as read_reason_code, read_reasons, read_verdicts, show_code, show_difference, show_finding,
    show_revision,
};
pub(crate) use words::{read_kind, show_kind, show_state};

use details::{read_details, show_details};

use lines::{read_line, show_line};
use review::{show_return, show_round};
use routing::show_routing;
use words::{show_party, show_step};

use super::names::author;
use super::{Reader, date, money, optional_text, text, timestamp};

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
    let proposed = claim.proposal().map(|proposal| show_round(claim.currency, &proposal.round, lang)).transpose()?;
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
            campaign: coverage.campaign.as_ref().map(|code| format!("campaigns/{code}")).unwrap_or_default(),
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
        open_appeal: claim.open_appeal().map(|appeal| claim.appeal_name(appeal.number)).unwrap_or_default(),
        awaiting_appraisal,
        hold: String::new(),
        promised_pay_date: claim.state.promised_pay_date().and_then(date),
        age_days: claim.age_days(now).and_then(|days| i32::try_from(days).ok()).unwrap_or_default(),
        proposed_decision: proposed,
        create_time: None,
        update_time: None,
        queue: claim.queue().map(|code| format!("reviewQueues/{code}")).unwrap_or_default(),
        routing: claim.routing.as_ref().map(show_routing),
    })
}

fn count(number: u32) -> i32 {
    i32::try_from(number).unwrap_or(i32::MAX)
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn miles_become_whole_kilometres_rounded_down() {
        let miles = v1::Distance { value: 100, unit: v1::distance::Unit::Mile.into() };
        assert_eq!(in_kilometers(&miles), 160);
        assert_eq!(in_kilometers(&v1::Distance { value: 7, unit: 0 }), 7, "kilometres unless said otherwise");
    }
}
