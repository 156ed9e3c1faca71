//! Fields that the kind of claim and the types of its lines need. All of them are errors: without them
//! nobody can judge.

use super::{at, positions};
use crate::claims::finding::Code;
use crate::claims::{Claim, Effect, Facts, Finding, LineContent, LineType};

pub(super) fn check(claim: &Claim, _facts: &Facts) -> Vec<Finding> {
    let spec = claim.kind.spec();
    let mut findings = Vec::new();
    for field in spec.required() {
        if field.is_missing(&claim.header, claim.lines.len()) {
            findings.push(missing(field.path().to_owned()));
        }
    }
    findings.extend(spec.missing_details(claim.header.details.as_ref()).into_iter().map(missing));
    for (position, line) in positions(claim) {
        let content = &line.content;
        if !spec.line_types().contains(&content.line_type) {
            findings.push(
                Finding::error(Code::LineTypeNotAllowed, at(position, "type"))
                    .on_line(line.number)
                    .with("line_type", content.line_type.word())
                    .with("kind", spec.code()),
            );
        }
        for (field, is_missing) in required(spec.effect(), content) {
            if is_missing {
                findings.push(missing(at(position, field)).with("name", field).on_line(line.number));
            }
        }
    }
    findings
}

fn missing(field: String) -> Finding {
    let name = field.clone();
    Finding::error(Code::RequiredField, field).with("name", name)
}

/// The fields that a line of its type needs, and whether each is missing.
///
/// Who asks leave to buy a part has no invoice of it yet.
fn required(effect: Effect, line: &LineContent) -> Vec<(&'static str, bool)> {
    let nothing_said = line.description.trim().is_empty();
    let requested = ("requested_amount", line.requested_amount.is_none());
    match line.line_type {
        LineType::Part => vec![("part", line.part.is_none()), ("quantity", line.quantity.is_none())],
        LineType::Labor | LineType::Diagnosis => vec![("operation", line.operation.is_none())],
        LineType::ExternalPart => vec![
            ("description", nothing_said && line.part.is_none()),
            ("quantity", line.quantity.is_none()),
            requested,
            ("outside_part_invoice_number", effect == Effect::Pays && line.outside_part_invoice_number.is_none()),
        ],
        LineType::Sublet | LineType::Towing | LineType::Freight | LineType::CourtesyCar => {
            vec![
                ("description", nothing_said),
                requested,
                ("sublet_invoice_number", line.sublet_invoice_number.is_none()),
            ]
        }
        LineType::Travel => vec![("distance", line.distance_km.is_none())],
        LineType::MaintenanceFee => Vec::new(),
        LineType::Allowance => vec![("description", nothing_said), requested],
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::claims::sample::{added, draft, facts, header, labor_line, part_line};
    use crate::claims::{Header, Kind};

    fn found(claim: &Claim) -> Vec<(Code, String)> {
        check(claim, &facts()).into_iter().map(|finding| (finding.code, finding.field)).collect()
    }

    fn with_line(line: LineContent) -> Claim {
        draft().update(header(), vec![added(line)]).unwrap()
    }

    #[test]
    fn a_complete_claim_has_every_field_it_needs() {
        assert_eq!(found(&draft()), []);
    }

    #[test]
    fn every_field_that_the_kind_needs_is_asked_for_at_once() {
        let empty = draft().update(Header::default(), Vec::new()).unwrap();
        let fields: Vec<String> = found(&empty).into_iter().map(|(_, field)| field).collect();
        let required: Vec<&str> = Kind::WarrantyRepair.spec().required().iter().map(|field| field.path()).collect();
        assert_eq!(fields, required);
        assert!(check(&empty, &facts()).iter().all(Finding::blocks));
    }

    #[test]
    fn lines_need_what_their_type_needs() {
        let missing = |line_type| {
            let fields = found(&with_line(LineContent::new(line_type)));
            fields
                .into_iter()
                .filter(|(code, _)| *code == Code::RequiredField)
                .map(|(_, field)| field)
                .collect::<Vec<_>>()
        };
        assert_eq!(missing(LineType::Part), ["lines[0].part", "lines[0].quantity"]);
        assert_eq!(missing(LineType::Labor), ["lines[0].operation"]);
        assert_eq!(missing(LineType::Diagnosis), ["lines[0].operation"]);
        assert_eq!(
            missing(LineType::ExternalPart),
            [
                "lines[0].description",
                "lines[0].quantity",
                "lines[0].requested_amount",
                "lines[0].outside_part_invoice_number"
            ]
        );
        for line_type in [LineType::Sublet, LineType::Towing, LineType::Freight, LineType::CourtesyCar] {
            assert_eq!(
                missing(line_type),
                ["lines[0].description", "lines[0].requested_amount", "lines[0].sublet_invoice_number"],
                "{line_type:?}"
            );
        }
        assert_eq!(missing(LineType::Travel), ["lines[0].distance"]);
        assert_eq!(found(&with_line(part_line())), []);
        assert_eq!(found(&with_line(labor_line())), []);
    }

    #[test]
    fn a_maintenance_fee_has_no_place_in_a_repair() {
        let claim = with_line(LineContent::new(LineType::MaintenanceFee));
        assert_eq!(found(&claim), [(Code::LineTypeNotAllowed, "lines[0].type".to_owned())]);
    }

    #[test]
    fn who_asks_leave_to_buy_has_no_invoice_yet() {
        let line = LineContent::new(LineType::ExternalPart);
        let asks = |effect| required(effect, &line).into_iter().filter(|(_, missing)| *missing).count();
        assert_eq!((asks(Effect::Pays), asks(Effect::Authorizes)), (4, 3));
    }
}
