//! Warranty policies: the message of the contract ⇄ the record of the domain.

use recourse_domain::catalog::{
    CoverageTerm, Exclusion, GuaranteeTerms, PolicyState, ReplacedPartTerm, RunningInService, Stored, TermKind,
    WarrantyPolicy,
};
use recourse_domain::text::Violation;
use recourse_proto::v1;

use super::claims::kilometers;
use super::organizations::{codes, names, read_bp, same_words};
use super::vehicles::{read_use, show_use};
use super::{Reader, basis_points, date, etag, money, timestamp};

same_words! {
    show_kind, read_kind: TermKind = v1::coverage_term::Kind { General, WearPart }
}

fn show_state(state: PolicyState) -> v1::warranty_policy::State {
    match state {
        PolicyState::Draft => v1::warranty_policy::State::Draft,
        PolicyState::Published => v1::warranty_policy::State::Published,
    }
}

/// The policy as its reader sees it, before redaction.
pub(crate) fn show(stored: &Stored<WarrantyPolicy>) -> v1::WarrantyPolicy {
    let WarrantyPolicy {
        code,
        display_code,
        display_name,
        policy_family,
        version_number,
        state,
        publish_time,
        valid_from,
        valid_to,
        applies_to_sold_vehicles,
        models,
        terms,
        exclusions,
        running_in_services,
        replaced_part,
        guarantee,
        external_ref,
    } = &stored.value;
    v1::WarrantyPolicy {
        name: format!("warrantyPolicies/{code}"),
        etag: etag(stored.version),
        display_code: display_code.clone(),
        display_name: display_name.clone(),
        policy_family: policy_family.to_string(),
        version_number: *version_number,
        state: show_state(*state).into(),
        publish_time: publish_time.and_then(timestamp),
        valid_from: date(*valid_from),
        valid_to: valid_to.and_then(date),
        applies_to_sold_vehicles: *applies_to_sold_vehicles,
        models: codes(models),
        terms: terms.iter().map(show_term).collect(),
        exclusions: exclusions.iter().map(show_exclusion).collect(),
        running_in_services: running_in_services.iter().map(show_service).collect(),
        guarantee: guarantee.as_ref().map(|terms| v1::GuaranteeTerms {
            months: terms.months,
            distance: kilometers(terms.km),
            coefficient_bp: basis_points(terms.coefficient_bp),
        }),
        replaced_part: replaced_part.as_ref().map(|term| v1::ReplacedPartTerm {
            months: term.months,
            distance: term.km.and_then(kilometers),
            clause: term.clause.clone(),
        }),
        external_ref: external_ref.clone(),
        active: stored.retire_time.is_none(),
        create_time: timestamp(stored.create_time),
        update_time: timestamp(stored.update_time),
        retire_time: stored.retire_time.and_then(timestamp),
    }
}

fn show_term(term: &CoverageTerm) -> v1::CoverageTerm {
    let CoverageTerm { code, kind, part_categories, vehicle_use, months, km, clause } = term;
    v1::CoverageTerm {
        code: code.to_string(),
        kind: show_kind(*kind).into(),
        part_categories: codes(part_categories),
        vehicle_use: vehicle_use.map(show_use).unwrap_or_default().into(),
        months: *months,
        distance: km.and_then(kilometers),
        clause: clause.clone(),
    }
}

fn show_exclusion(exclusion: &Exclusion) -> v1::CoverageExclusion {
    let Exclusion { part_categories, parts, labor_operations, description, clause } = exclusion;
    v1::CoverageExclusion {
        part_categories: codes(part_categories),
        parts: names("parts", parts),
        labor_operations: names("laborOperations", labor_operations),
        description: description.clone(),
        clause: clause.clone(),
    }
}

fn show_service(service: &RunningInService) -> v1::RunningInService {
    let RunningInService { sequence, from_km, to_km, months, fee } = service;
    v1::RunningInService {
        sequence: *sequence,
        from_distance: kilometers(*from_km),
        to_distance: kilometers(*to_km),
        months: *months,
        fee: money(*fee),
    }
}

/// The record under a code. State and time of publication are never read: they are those that stand, and a
/// new version is a draft.
pub(crate) fn read(
    message: v1::WarrantyPolicy,
    code: &str,
    before: Option<&WarrantyPolicy>,
) -> Result<WarrantyPolicy, Vec<Violation>> {
    let v1::WarrantyPolicy {
        name: _,
        etag: _,
        display_code,
        display_name,
        policy_family,
        version_number,
        state: _,
        publish_time: _,
        valid_from,
        valid_to,
        applies_to_sold_vehicles,
        models,
        terms,
        exclusions,
        running_in_services,
        guarantee,
        replaced_part,
        external_ref,
        active: _,
        create_time: _,
        update_time: _,
        retire_time: _,
    } = message;
    let mut reader = Reader::default();
    let code = reader.code("name", code);
    let policy_family = reader.code("policy_family", &policy_family);
    let valid_from = reader.needed_date("valid_from", valid_from.as_ref());
    let valid_to = reader.date("valid_to", valid_to.as_ref());
    let models = reader.plain_codes("models", &models);
    let mut read_terms = Vec::with_capacity(terms.len());
    for (index, term) in terms.into_iter().enumerate() {
        read_terms.extend(read_term(&mut reader, &format!("terms[{index}]"), term));
    }
    let mut read_exclusions = Vec::with_capacity(exclusions.len());
    for (index, exclusion) in exclusions.into_iter().enumerate() {
        read_exclusions.push(read_exclusion(&mut reader, &format!("exclusions[{index}]"), exclusion));
    }
    let mut read_services = Vec::with_capacity(running_in_services.len());
    for (index, service) in running_in_services.iter().enumerate() {
        read_services.extend(read_service(&mut reader, &format!("running_in_services[{index}]"), service));
    }
    let guarantee = guarantee.and_then(|terms| {
        Some(GuaranteeTerms {
            months: terms.months,
            km: reader.needed_distance("guarantee.distance", terms.distance.as_ref())?,
            coefficient_bp: read_bp(terms.coefficient_bp),
        })
    });
    let replaced_part = replaced_part.map(|term| ReplacedPartTerm {
        months: term.months,
        km: reader.distance(term.distance.as_ref()),
        clause: term.clause,
    });
    reader.whole(|| {
        Some(WarrantyPolicy {
            code: code?,
            display_code,
            display_name,
            policy_family: policy_family?,
            version_number,
            state: before.map_or(PolicyState::Draft, |before| before.state),
            publish_time: before.and_then(|before| before.publish_time),
            valid_from: valid_from?,
            valid_to,
            applies_to_sold_vehicles,
            models,
            terms: read_terms,
            exclusions: read_exclusions,
            running_in_services: read_services,
            replaced_part,
            guarantee,
            external_ref,
        })
    })
}

fn read_term(reader: &mut Reader, at: &str, term: v1::CoverageTerm) -> Option<CoverageTerm> {
    let v1::CoverageTerm { code, kind, part_categories, vehicle_use, months, distance, clause } = term;
    let code = reader.code(&format!("{at}.code"), &code);
    let kind = reader.choice(&format!("{at}.kind"), kind, read_kind);
    let part_categories = reader.plain_codes(&format!("{at}.part_categories"), &part_categories);
    let vehicle_use = reader.optional_choice(&format!("{at}.vehicle_use"), vehicle_use, read_use);
    let km = reader.distance(distance.as_ref());
    Some(CoverageTerm { code: code?, kind: kind?, part_categories, vehicle_use, months, km, clause })
}

fn read_exclusion(reader: &mut Reader, at: &str, exclusion: v1::CoverageExclusion) -> Exclusion {
    let v1::CoverageExclusion { part_categories, parts, labor_operations, description, clause } = exclusion;
    Exclusion {
        part_categories: reader.plain_codes(&format!("{at}.part_categories"), &part_categories),
        parts: reader.codes(&format!("{at}.parts"), "parts", &parts),
        labor_operations: reader.codes(&format!("{at}.labor_operations"), "laborOperations", &labor_operations),
        description,
        clause,
    }
}

fn read_service(reader: &mut Reader, at: &str, service: &v1::RunningInService) -> Option<RunningInService> {
    let v1::RunningInService { sequence, from_distance, to_distance, months, fee } = service;
    let from_km = reader.distance(from_distance.as_ref()).unwrap_or(0);
    let to_km = reader.needed_distance(&format!("{at}.to_distance"), to_distance.as_ref());
    let fee = reader.needed_money(&format!("{at}.fee"), fee.as_ref());
    Some(RunningInService { sequence: *sequence, from_km, to_km: to_km?, months: *months, fee: fee? })
}
