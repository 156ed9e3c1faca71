//! Fields that the kind of claim and the types of its lines need. All of them are errors: without them
//! nobody can judge.

use super::{at, positions};
use crate::claims::finding::Code;
use crate::claims::{Claim, Facts, Finding, LineContent, LineType};

pub(super) fn check(claim: &Claim, _facts: &Facts) -> Vec<Finding> {
    let spec = claim.kind.spec();
    let mut findings = Vec::new();
    if !spec.offered() {
        findings.push(Finding::error(Code::KindNotOfferedYet, "kind"));
    }
    for field in spec.required() {
        if field.is_missing(&claim.header, claim.lines.len()) {
            findings.push(missing(field.path().to_owned()));
        }
    }
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
        for (field, is_missing) in required(content) {
            if is_missing {
                findings.push(missing(at(position, field)).with("name", field).on_line(line.number));
            }
        }
        if needs_authorization(content.line_type) && content.authorization.is_none() {
            findings.push(
                Finding::warning(Code::AuthorizationMissing, at(position, "authorization"))
                    .on_line(line.number)
                    .with("line_type", content.line_type.word()),
            );
        }
    }
    findings
}

fn missing(field: String) -> Finding {
    let name = field.clone();
    Finding::error(Code::RequiredField, field).with("name", name)
}

/// Whether lines of a type may be claimed only by leave given before.
fn needs_authorization(line_type: LineType) -> bool {
    match line_type {
        LineType::ExternalPart => true,
        LineType::Part
        | LineType::Labor
        | LineType::Diagnosis
        | LineType::Sublet
        | LineType::Travel
        | LineType::Towing
        | LineType::MaintenanceFee
        | LineType::CourtesyCar
        | LineType::Freight
        | LineType::Allowance => false,
    }
}

/// The fields that a line of its type needs, and whether each is missing.
fn required(line: &LineContent) -> Vec<(&'static str, bool)> {
    let nothing_said = line.description.trim().is_empty();
    let requested = ("requested_amount", line.requested_amount.is_none());
    match line.line_type {
        LineType::Part => vec![("part", line.part.is_none()), ("quantity", line.quantity.is_none())],
        LineType::Labor | LineType::Diagnosis => vec![("operation", line.operation.is_none())],
        LineType::ExternalPart => vec![
            ("description", nothing_said && line.part.is_none()),
            ("quantity", line.quantity.is_none()),
            requested,
            ("outside_part_invoice_number", line.outside_part_invoice_number.is_none()),
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
    use crate::claims::sample::{added, cny, draft, facts, header, labor_line, part_line};
    use crate::claims::{Header, Kind};
    use crate::money::Quantity;

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
    fn a_part_bought_elsewhere_needs_leave() {
        let mut line = LineContent {
            description: "fuel pump".to_owned(),
            quantity: Some(Quantity(1_000)),
            requested_amount: Some(cny("480")),
            outside_part_invoice_number: Some("INV-1".to_owned()),
            ..LineContent::new(LineType::ExternalPart)
        };
        let findings = check(&with_line(line.clone()), &facts());
        assert_eq!(
            findings.iter().map(|finding| (finding.code, finding.blocks())).collect::<Vec<_>>(),
            [(Code::AuthorizationMissing, false)]
        );
        line.authorization = Some("authorizations/1".to_owned());
        assert_eq!(found(&with_line(line)), []);
    }
}
