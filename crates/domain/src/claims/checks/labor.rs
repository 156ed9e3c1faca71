//! Operations against the labour time standard.

use super::{at, beyond, positions};
use crate::claims::finding::Code;
use crate::claims::pricing::paid_hours;
use crate::claims::{Claim, Facts, Finding, Line, LineType};
use crate::money::Hours;

pub(super) fn check(claim: &Claim, facts: &Facts) -> Vec<Finding> {
    let mut findings = Vec::new();
    for (position, line) in positions(claim) {
        let content = &line.content;
        let Some(code) = &content.operation else { continue };
        let Some(operation) = facts.operations.get(code) else {
            findings.push(
                Finding::error(Code::UnknownOperation, at(position, "operation"))
                    .on_line(line.number)
                    .with("operation", code),
            );
            continue;
        };
        if let Some(model) = facts.vehicle.as_ref().map(|vehicle| &vehicle.model)
            && !operation.is_for(model)
        {
            findings.push(
                Finding::warning(Code::LaborModelMismatch, at(position, "operation"))
                    .on_line(line.number)
                    .with("operation", code)
                    .with("model", model),
            );
        }
        findings.extend(unproved_night(claim, position, line));
        let hours = paid_hours(operation, content, facts).ok().flatten();
        if let Some(hours) = hours {
            let claimed =
                content.hours.unwrap_or(hours.allowed).try_add(content.additional_hours.unwrap_or(Hours::ZERO));
            if let Ok(claimed) = claimed
                && beyond(claimed.0, hours.allowed.0, facts.setting.hours_tolerance_bp)
            {
                let field = if content.additional_hours.is_some_and(|more| more > Hours::ZERO) {
                    "additional_hours"
                } else {
                    "hours"
                };
                findings.push(
                    Finding::warning(Code::ExcessiveLaborHours, at(position, field))
                        .on_line(line.number)
                        .with("hours", claimed)
                        .with("operation", code)
                        .with("standard_hours", hours.allowed),
                );
            }
        }
        if let (true, Some(claimed), Some(actual)) =
            (operation.actual_hours_allowed, content.hours, content.actual_hours)
            && claimed > actual
        {
            findings.push(
                Finding::warning(Code::HoursOverActual, at(position, "hours"))
                    .on_line(line.number)
                    .with("hours", claimed)
                    .with("actual_hours", actual),
            );
        }
    }
    findings.extend(overlaps(claim, facts));
    findings
}

/// Hours by night are dearer: a trip by night shows them, else an auditor has a look.
fn unproved_night(claim: &Claim, position: usize, line: &Line) -> Option<Finding> {
    let unproved = line.content.by_night && !claim.trips().iter().any(|trip| trip.night);
    unproved.then(|| Finding::warning(Code::NightLabor, at(position, "by_night")).on_line(line.number))
}

/// Operations that contain the same work; the later line is told about the earlier one.
fn overlaps(claim: &Claim, facts: &Facts) -> Vec<Finding> {
    let known: Vec<_> = positions(claim)
        .filter(|(_, line)| matches!(line.content.line_type, LineType::Labor | LineType::Diagnosis))
        .filter_map(|(position, line)| Some((position, line, facts.operations.get(line.content.operation.as_ref()?)?)))
        .collect();
    let mut findings = Vec::new();
    for (index, (position, line, operation)) in known.iter().enumerate() {
        let earlier =
            known.iter().take(index).find(|(_, _, other)| other.code == operation.code || other.overlaps(operation));
        if let Some((_, other_line, other)) = earlier {
            findings.push(
                Finding::warning(Code::OverlappingOperations, at(*position, "operation"))
                    .on_line(line.number)
                    .with("operation", &operation.code)
                    .with("other_operation", &other.code)
                    .with("other_line", other_line.number),
            );
        }
    }
    findings
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::catalog::LaborOperation;
    use crate::claims::LineContent;
    use crate::claims::sample::{added, code, draft, facts, header, labor_line};

    fn found(claim: &Claim, facts: &Facts) -> Vec<(Code, String, bool)> {
        check(claim, facts).into_iter().map(|finding| (finding.code, finding.field.clone(), finding.blocks())).collect()
    }

    #[test]
    fn hours_by_night_need_a_trip_by_night() {
        use crate::claims::draft::NewClaim;
        use crate::claims::sample::new_claim;
        use crate::claims::{Details, Header, Kind, RescueTrip, RoadsideRescueDetails};
        let line = |by_night| LineContent { by_night, ..labor_line() };
        let rescue = |night: bool| {
            let trips = vec![RescueTrip { number: 1, night, ..RescueTrip::default() }];
            let details = Details::RoadsideRescue(RoadsideRescueDetails { trips, ..RoadsideRescueDetails::default() });
            let header = Header { details: Some(details), ..header() };
            let new = NewClaim { kind: Kind::RoadsideRescue, ..new_claim() };
            Claim::create(new, header, vec![added(line(true))]).unwrap()
        };
        let told = vec![(Code::NightLabor, "lines[0].by_night".to_owned(), false)];
        assert_eq!(found(&with_lines(vec![line(true)]), &facts()), told);
        assert_eq!(found(&with_lines(vec![line(false)]), &facts()), []);
        assert_eq!(found(&rescue(false), &facts()), told);
        assert_eq!(found(&rescue(true), &facts()), []);
    }

    fn with_lines(lines: Vec<LineContent>) -> Claim {
        draft().update(header(), lines.into_iter().map(added).collect()).unwrap()
    }

    fn facts_with(change: impl Fn(&mut LaborOperation)) -> Facts {
        let mut facts = facts();
        if let Some(operation) = facts.operations.get_mut(&code("OP-10")) {
            change(operation);
        }
        facts
    }

    fn hours(hours: i64) -> LineContent {
        LineContent { hours: Some(Hours(hours)), ..labor_line() }
    }

    #[test]
    fn a_known_operation_within_its_standard_is_fine() {
        // The sample's standard is 1.20 h.
        for line in [hours(0), hours(120), LineContent { hours: None, ..labor_line() }] {
            assert_eq!(found(&with_lines(vec![line]), &facts()), []);
        }
    }

    #[test]
    fn an_unknown_operation_is_an_error() {
        let line = LineContent { operation: Some(code("OP-404")), ..labor_line() };
        assert_eq!(
            found(&with_lines(vec![line]), &facts()),
            [(Code::UnknownOperation, "lines[0].operation".to_owned(), true)]
        );
    }

    #[test]
    fn an_operation_of_another_model_warns() {
        let facts = facts_with(|operation| operation.models = vec![code("OTHER")]);
        let expected = [(Code::LaborModelMismatch, "lines[0].operation".to_owned(), false)];
        assert_eq!(found(&with_lines(vec![labor_line()]), &facts), expected);
    }

    #[test]
    fn hours_over_the_standard_warn() {
        let expected = [(Code::ExcessiveLaborHours, "lines[0].hours".to_owned(), false)];
        assert_eq!(found(&with_lines(vec![hours(121)]), &facts()), expected);
        let more =
            LineContent { additional_hours: Some(Hours(1)), additional_hours_comment: "rust".to_owned(), ..hours(120) };
        let expected = [(Code::ExcessiveLaborHours, "lines[0].additional_hours".to_owned(), false)];
        assert_eq!(found(&with_lines(vec![more]), &facts()), expected);
    }

    #[test]
    fn where_actual_hours_count_they_and_their_cap_are_the_measure() {
        let facts = facts_with(|operation| {
            operation.actual_hours_allowed = true;
            operation.actual_hours_cap = Some(Hours(300));
        });
        let line =
            |claimed: i64, actual: i64| vec![LineContent { actual_hours: Some(Hours(actual)), ..hours(claimed) }];
        assert_eq!(found(&with_lines(line(250, 250)), &facts), []);
        let codes = |claimed, actual| {
            found(&with_lines(line(claimed, actual)), &facts).into_iter().map(|(code, _, _)| code).collect::<Vec<_>>()
        };
        assert_eq!(codes(251, 250), [Code::ExcessiveLaborHours, Code::HoursOverActual]);
        assert_eq!(codes(301, 400), [Code::ExcessiveLaborHours]);
    }

    #[test]
    fn operations_with_common_work_warn_on_the_later_line() {
        let other = LineContent { operation: Some(code("OP-20")), hours: None, ..labor_line() };
        let lines = || vec![labor_line(), other.clone()];
        assert_eq!(found(&with_lines(lines()), &facts()), []);
        let expected = [(Code::OverlappingOperations, "lines[1].operation".to_owned(), false)];
        assert_eq!(
            found(&with_lines(lines()), &facts_with(|operation| operation.includes = vec![code("OP-20")])),
            expected
        );
        let mut grouped = facts_with(|operation| operation.overlap_group = Some(code("G-1")));
        assert_eq!(found(&with_lines(lines()), &grouped), []);
        if let Some(operation) = grouped.operations.get_mut(&code("OP-20")) {
            operation.overlap_group = Some(code("G-1"));
        }
        assert_eq!(found(&with_lines(lines()), &grouped), expected);
        assert_eq!(found(&with_lines(vec![labor_line(), labor_line()]), &facts()), expected);
    }
}
