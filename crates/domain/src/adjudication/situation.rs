//! What conditions are tried on: a submitted claim and its surroundings, in the words of the table of variables.

use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, LazyLock};

use cel::objects::Key;
use cel::{Context, Env, Value};
use chrono::{Datelike, NaiveDate};

use super::schema::{MOST_CODES, MOST_FINDINGS, MOST_LINES};
use crate::catalog::{FailureCode, LaborOperation, Part, Station};
use crate::claims::{Claim, Details, Facts, Line, LineType, review};
use crate::dates::days_between;
use crate::ids::Code;
use crate::vehicle::Vehicle;

/// What a claim alone does not tell.
#[derive(Clone, Copy, Debug)]
pub struct Surroundings<'a> {
    /// The day of the submission where the deployment is.
    pub submitted: NaiveDate,
    /// The station that claims.
    pub station: &'a Station,
    /// The vehicle, if it is known.
    pub vehicle: Option<&'a Vehicle>,
    /// The parts that the claim names, as far as they are known.
    pub parts: &'a BTreeMap<Code, Part>,
    /// The operations that it names, as far as they are known.
    pub operations: &'a BTreeMap<Code, LaborOperation>,
    /// The failure code, if it is known.
    pub failure_code: Option<&'a FailureCode>,
    /// What was submitted before.
    pub history: History,
}

impl<'a> Surroundings<'a> {
    /// What the facts of a check tell, and what was submitted before.
    pub fn of(facts: &'a Facts, history: History) -> Self {
        Self {
            submitted: facts.today,
            station: &facts.station,
            vehicle: facts.vehicle.as_ref(),
            parts: &facts.parts,
            operations: &facts.operations,
            failure_code: facts.failure_code.as_ref(),
            history,
        }
    }
}

/// What was submitted before a claim. Its own earlier submissions do not count.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct History {
    /// Claims that the station submitted before, up to 1000.
    pub station_claims: i64,
    /// Those of the last 90 days.
    pub station_claims_90d: i64,
    /// Those of them that are rejected now.
    pub station_rejected_90d: i64,
    /// Claims for the vehicle in the last 365 days.
    pub vehicle_claims_365d: i64,
    /// Those of them with the same causal part.
    pub vehicle_part_claims_365d: i64,
    /// The newest claims with the causal part in the last 365 days, in the claim's currency, up to 200.
    pub part_claims_365d: i64,
    /// The sum of what they requested.
    pub part_sum_minor: i64,
}

/// The variables of one claim.
pub struct Situation {
    context: Context<'static, 'static>,
}

/// The functions of conditions, made once.
static ENVIRONMENT: LazyLock<Arc<Env>> = LazyLock::new(|| Arc::new(Env::stdlib()));

/// Kilometres left, where there is no limit.
const UNLIMITED_KM: i64 = 9_999_999;

impl Situation {
    /// The variables of a claim right after its submission.
    pub fn of(claim: &Claim, around: &Surroundings<'_>) -> Self {
        let mut context = Context::with_env(Arc::clone(&ENVIRONMENT));
        for (name, value) in variables(claim, around) {
            context.add_variable_from_value(name, value);
        }
        Self { context }
    }

    pub(super) fn context(&self) -> &Context<'static, 'static> {
        &self.context
    }
}

/// Every variable with its value.
pub(super) fn variables(claim: &Claim, around: &Surroundings<'_>) -> Vec<(&'static str, Value)> {
    let findings = claim.findings.iter().take(MOST_FINDINGS);
    vec![
        ("claim", of_claim(claim)),
        ("lines", list(claim.lines.iter().take(MOST_LINES).map(|line| of_line(claim, line, around)))),
        (
            "findings",
            list(findings.clone().map(|finding| {
                record([
                    ("code", finding.code.word().into()),
                    ("severity", finding.severity.word().into()),
                    ("field", finding.field.as_str().into()),
                    ("line", whole(finding.line.map_or(0, i64::from))),
                ])
            })),
        ),
        ("warnings", list(findings.map(|finding| finding.code.word().into()))),
        ("repair", of_repair(claim, around.submitted)),
        ("vehicle", of_vehicle(claim, around.vehicle)),
        ("station", of_station(around.station, around.submitted)),
        ("coverage", of_coverage(claim)),
        ("failure", of_failure(around.failure_code)),
        ("history", of_history(&around.history)),
    ]
}

fn record<const N: usize>(fields: [(&'static str, Value); N]) -> Value {
    let map: HashMap<Key, Value> = fields.into_iter().map(|(name, value)| (Key::from(name), value)).collect();
    Value::from(map)
}

fn list(values: impl Iterator<Item = Value>) -> Value {
    Value::from(values.collect::<Vec<Value>>())
}

fn text<T: ToString>(value: Option<&T>) -> Value {
    value.map(ToString::to_string).unwrap_or_default().into()
}

fn flag(value: bool) -> Value {
    Value::Bool(value)
}

fn whole(value: i64) -> Value {
    Value::Int(value)
}

fn count(length: usize) -> Value {
    Value::Int(i64::try_from(length).unwrap_or(i64::MAX))
}

fn requested(line: &Line) -> i64 {
    line.pricing.as_ref().map_or(0, |pricing| pricing.requested.minor)
}

fn of_claim(claim: &Claim) -> Value {
    let header = &claim.header;
    let sum = |types: &[LineType]| {
        let lines = claim.lines.iter().filter(|line| types.contains(&line.content.line_type));
        whole(lines.fold(0_i64, |sum, line| sum.saturating_add(requested(line))))
    };
    let (goodwill, towing_km) = match &header.details {
        Some(Details::WarrantyRepair(details)) => (!details.goodwill_request.trim().is_empty(), 0),
        Some(Details::RoadsideRescue(details)) => (false, details.towing_distance_km.unwrap_or(0)),
        Some(
            Details::RunningInMaintenance(_)
            | Details::ExternalPurchase(_)
            | Details::MajorAssembly(_)
            | Details::CompensationAppraisal(_),
        )
        | None => (false, 0),
    };
    let computed = claim.lines.iter().filter_map(|line| line.pricing.as_ref()?.computed);
    record([
        ("kind", claim.kind.word().into()),
        ("currency", claim.currency.code().into()),
        ("amount_minor", whole(claim.lines.iter().fold(0, |sum, line| sum.saturating_add(requested(line))))),
        ("computed_minor", whole(computed.fold(0, |sum, amount| sum.saturating_add(amount.minor)))),
        (
            "due_minor",
            whole(claim.lines.iter().fold(0, |sum, line| sum.saturating_add(review::due(claim, line).minor))),
        ),
        ("parts_minor", sum(&[LineType::Part, LineType::ExternalPart])),
        ("labor_minor", sum(&[LineType::Labor, LineType::Diagnosis])),
        ("sublet_minor", sum(&[LineType::Sublet])),
        ("towing_minor", sum(&[LineType::Towing])),
        ("submission_count", whole(i64::from(claim.submission_count()))),
        ("failure_code", text(header.failure_code.as_ref())),
        ("location_code", text(header.location_code.as_ref())),
        ("causal_part", text(header.causal_part.as_ref())),
        ("campaign", text(header.campaign.as_ref())),
        ("dtcs", list(header.dtcs.iter().take(MOST_CODES).map(|dtc| dtc.to_string().into()))),
        ("evidence_count", count(header.evidence.len())),
        ("authorization_count", count(header.authorizations.len())),
        ("related_part_count", count(header.related_parts.len())),
        ("repeat_repair", flag(header.repeat_repair_indicator)),
        ("supplement", flag(header.supplement_of.is_some())),
        ("copied", flag(header.copied_from.is_some())),
        ("goodwill_requested", flag(goodwill)),
        ("complaint", header.complaint_description.as_str().into()),
        ("cause", header.cause_description.as_str().into()),
        ("correction", header.correction_description.as_str().into()),
        ("repair_order", text(header.external_repair_order.as_ref())),
        ("towing_km", whole(towing_km)),
    ])
}

fn of_line(claim: &Claim, line: &Line, around: &Surroundings<'_>) -> Value {
    let content = &line.content;
    let part = content.part.as_ref().and_then(|code| around.parts.get(code));
    let operation = content.operation.as_ref().and_then(|code| around.operations.get(code));
    let standard =
        operation.zip(around.vehicle).and_then(|(operation, vehicle)| operation.standard_hours(&vehicle.model));
    let computed = line.pricing.as_ref().and_then(|pricing| pricing.computed);
    let restricted = part.and_then(|part| part.restricted_kind).map_or("", |kind| kind.word());
    let system = part.and_then(|part| part.system).map_or("", |system| system.word());
    let findings = claim.findings.iter().filter(|finding| finding.line == Some(line.number)).take(20);
    record([
        ("number", whole(i64::from(line.number))),
        ("type", content.line_type.word().into()),
        ("part", text(content.part.as_ref())),
        ("part_category", text(part.map(|part| &part.category))),
        ("part_system", system.into()),
        ("part_safety", flag(part.is_some_and(|part| part.safety))),
        ("part_restricted", restricted.into()),
        (
            "part_assembly",
            flag(part.is_some_and(|part| part.assembly_class == crate::catalog::AssemblyClass::Assembly)),
        ),
        ("part_usage_thousandths", whole(part.and_then(|part| part.quantity_per_vehicle).map_or(0, |usage| usage.0))),
        ("operation", text(content.operation.as_ref())),
        ("hours_hundredths", whole(content.hours.map_or(0, |hours| hours.0))),
        ("standard_hours_hundredths", whole(standard.map_or(0, |hours| hours.0))),
        ("quantity_thousandths", whole(content.quantity.map_or(0, |quantity| quantity.0))),
        ("amount_minor", whole(requested(line))),
        ("computed_minor", whole(computed.map_or(0, |amount| amount.minor))),
        ("priced", flag(computed.is_some())),
        ("is_causal", flag(content.is_causal)),
        ("distance_km", whole(content.distance_km.unwrap_or(0))),
        ("by_night", flag(content.by_night)),
        ("authorized", flag(content.authorization.is_some())),
        ("serial_out", text(content.original_serial_number.as_ref())),
        ("serial_in", text(content.replacement_serial_number.as_ref())),
        ("findings", list(findings.map(|finding| finding.code.word().into()))),
    ])
}

fn of_repair(claim: &Claim, submitted: NaiveDate) -> Value {
    let header = &claim.header;
    let between = |from: Option<NaiveDate>, to: Option<NaiveDate>| {
        whole(from.zip(to).map_or(0, |(from, to)| days_between(from, to)))
    };
    let weekday = header.repair_completion_date.map_or(0, |day| i64::from(day.weekday().number_from_monday()));
    record([
        ("complaint_date", text(header.complaint_date.as_ref())),
        ("start_date", text(header.repair_start_date.as_ref())),
        ("completion_date", text(header.repair_completion_date.as_ref())),
        ("age_days", between(header.repair_completion_date, Some(submitted))),
        ("days", between(header.complaint_date, header.repair_completion_date)),
        ("weekday", whole(weekday)),
        ("on_weekend", flag(weekday >= 6)),
    ])
}

fn of_vehicle(claim: &Claim, vehicle: Option<&Vehicle>) -> Value {
    let header = &claim.header;
    let complaint = header.complaint_date;
    let start = vehicle.and_then(Vehicle::warranty_start);
    let age = start.zip(complaint).map_or(0, |(start, day)| days_between(start, day));
    let km = header.odometer_in_km.unwrap_or(0);
    let in_use = vehicle.zip(complaint).and_then(|(vehicle, day)| vehicle.use_on(day));
    record([
        ("known", flag(vehicle.is_some())),
        ("vin", text(header.vin.as_ref())),
        ("model", text(vehicle.map(|vehicle| &vehicle.model))),
        ("brand", text(vehicle.and_then(|vehicle| vehicle.brand.as_ref()))),
        ("drivetrain", vehicle.map_or("", |vehicle| vehicle.drivetrain.word()).into()),
        ("sold", flag(vehicle.is_some_and(|vehicle| vehicle.sale.is_some()))),
        ("use", in_use.map_or("", |usage| usage.word()).into()),
        ("age_days", whole(age)),
        ("odometer_km", whole(km)),
        ("km_per_day", whole(if age > 0 { km / age } else { 0 })),
        ("returned", flag(vehicle.is_some_and(Vehicle::is_returned))),
    ])
}

fn of_station(station: &Station, today: NaiveDate) -> Value {
    record([
        ("code", text(Some(&station.code))),
        ("grade", text(station.grade_on(today))),
        ("region", station.region.as_str().into()),
        ("has_self_approval_limit", flag(station.self_approval_limit.is_some())),
        ("self_approval_limit_minor", whole(station.self_approval_limit.map_or(0, |limit| limit.minor))),
    ])
}

fn of_coverage(claim: &Claim) -> Value {
    let coverage = claim.coverage.as_ref();
    let last_day = coverage.and_then(|coverage| coverage.last_day);
    let days_left = claim.header.complaint_date.zip(last_day).map_or(0, |(day, last)| days_between(day, last));
    let km_left = match coverage {
        Some(coverage) if coverage.covered => match (coverage.limit_km, claim.header.odometer_in_km) {
            (Some(limit), Some(km)) => limit.saturating_sub(km),
            (None, _) => UNLIMITED_KM,
            (Some(_), None) => 0,
        },
        Some(_) | None => 0,
    };
    record([
        ("covered", flag(coverage.is_some_and(|coverage| coverage.covered))),
        ("policy", text(coverage.and_then(|coverage| coverage.policy.as_ref()))),
        ("term", text(coverage.and_then(|coverage| coverage.term.as_ref()))),
        ("days_left", whole(days_left)),
        ("km_left", whole(km_left)),
    ])
}

fn of_failure(code: Option<&FailureCode>) -> Value {
    record([
        ("known", flag(code.is_some())),
        ("group", text(code.map(|code| &code.component_group))),
        ("mode", text(code.map(|code| &code.failure_mode))),
        ("problem_group", text(code.and_then(|code| code.problem_group.as_ref()))),
        ("safety", flag(code.is_some_and(|code| code.safety))),
    ])
}

fn of_history(history: &History) -> Value {
    let average = if history.part_claims_365d > 0 { history.part_sum_minor / history.part_claims_365d } else { 0 };
    record([
        ("station_claims", whole(history.station_claims)),
        ("station_claims_90d", whole(history.station_claims_90d)),
        ("station_rejected_90d", whole(history.station_rejected_90d)),
        ("vehicle_claims_365d", whole(history.vehicle_claims_365d)),
        ("vehicle_part_claims_365d", whole(history.vehicle_part_claims_365d)),
        ("part_claims_365d", whole(history.part_claims_365d)),
        ("part_average_minor", whole(average)),
    ])
}

#[cfg(test)]
mod tests;
