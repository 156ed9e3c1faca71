//! Parts and failure codes against the catalogue, the vehicle's model and the vehicle's own pieces.

use std::collections::BTreeMap;

use super::{at, positions};
use crate::claims::finding::Code;
use crate::claims::{Claim, Facts, Finding, LineType};
use crate::ids::Code as CatalogCode;
use crate::money::Quantity;

pub(super) fn check(claim: &Claim, facts: &Facts) -> Vec<Finding> {
    let mut findings = header(claim, facts);
    findings.extend(lines(claim, facts));
    findings.extend(quantities(claim, facts));
    findings
}

fn header(claim: &Claim, facts: &Facts) -> Vec<Finding> {
    let header = &claim.header;
    let mut findings = Vec::new();
    if let Some(code) = &header.failure_code
        && facts.failure_code.as_ref().is_none_or(|known| &known.code != code)
    {
        findings.push(Finding::error(Code::UnknownFailureCode, "failure_code").with("failure_code", code));
    }
    let named = header.causal_part.iter().map(|part| ("causal_part".to_owned(), part));
    let related =
        header.related_parts.iter().enumerate().map(|(index, part)| (format!("related_parts[{index}]"), part));
    for (field, part) in named.chain(related) {
        findings.extend(identity(part, field, facts));
    }
    findings
}

/// An unknown part, or one that is not for the vehicle's model.
fn identity(part: &CatalogCode, field: String, facts: &Facts) -> Option<Finding> {
    let Some(known) = facts.parts.get(part) else {
        return Some(Finding::error(Code::UnknownPart, field).with("part", part));
    };
    let model = facts.vehicle.as_ref().map(|vehicle| &vehicle.model)?;
    (!known.fits(model))
        .then(|| Finding::warning(Code::PartModelMismatch, field).with("part", part).with("model", model))
}

fn lines(claim: &Claim, facts: &Facts) -> Vec<Finding> {
    let mut findings = Vec::new();
    for (position, line) in positions(claim) {
        let content = &line.content;
        let Some(code) = &content.part else { continue };
        findings.extend(identity(code, at(position, "part"), facts).map(|finding| finding.on_line(line.number)));
        if content.line_type != LineType::Part {
            continue;
        }
        let Some(part) = facts.parts.get(code).filter(|part| part.serialized) else { continue };
        for (field, serial) in [
            ("original_serial_number", &content.original_serial_number),
            ("replacement_serial_number", &content.replacement_serial_number),
        ] {
            if serial.as_deref().is_none_or(|serial| serial.trim().is_empty()) {
                findings.push(
                    Finding::error(Code::MissingSerial, at(position, field))
                        .on_line(line.number)
                        .with("part", &part.code),
                );
            }
        }
    }
    findings
}

/// All lines of one part together against what a vehicle has of it.
fn quantities(claim: &Claim, facts: &Facts) -> Vec<Finding> {
    let mut sums: BTreeMap<&CatalogCode, Quantity> = BTreeMap::new();
    let mut findings = Vec::new();
    for (position, line) in positions(claim).filter(|(_, line)| line.content.line_type == LineType::Part) {
        let (Some(code), Some(quantity)) = (&line.content.part, line.content.quantity) else { continue };
        let before = sums.get(code).copied().unwrap_or(Quantity::ZERO);
        // Form limits keep 200 lines far below an overflow; if one came, the line alone is judged.
        let sum = before.try_add(quantity).unwrap_or(quantity);
        sums.insert(code, sum);
        let Some(usage) = facts.parts.get(code).and_then(|part| part.quantity_per_vehicle) else { continue };
        if sum > usage {
            findings.push(
                Finding::warning(Code::QuantityOverVehicleUsage, at(position, "quantity"))
                    .on_line(line.number)
                    .with("quantity", sum)
                    .with("part", code)
                    .with("usage", usage),
            );
        }
    }
    findings
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::claims::LineContent;
    use crate::claims::sample::{added, code, draft, facts, header, part_line};

    fn found(claim: &Claim, facts: &Facts) -> Vec<(Code, String, bool)> {
        check(claim, facts).into_iter().map(|finding| (finding.code, finding.field.clone(), finding.blocks())).collect()
    }

    fn with_lines(lines: Vec<LineContent>) -> Claim {
        draft().update(header(), lines.into_iter().map(added).collect()).unwrap()
    }

    fn facts_with(change: impl Fn(&mut crate::catalog::Part)) -> Facts {
        let mut facts = facts();
        if let Some(part) = facts.parts.get_mut(&code("P-100")) {
            change(part);
        }
        facts
    }

    #[test]
    fn known_parts_of_the_model_are_fine() {
        assert_eq!(found(&draft(), &facts()), []);
    }

    #[test]
    fn an_unknown_part_or_failure_code_is_an_error_wherever_it_stands() {
        let mut claim = with_lines(vec![LineContent { part: Some(code("P-404")), ..part_line() }]);
        claim.header.causal_part = Some(code("P-404"));
        claim.header.related_parts = vec![code("P-100"), code("P-405")];
        claim.header.failure_code = Some(code("F-404"));
        assert_eq!(
            found(&claim, &facts()),
            [
                (Code::UnknownFailureCode, "failure_code".to_owned(), true),
                (Code::UnknownPart, "causal_part".to_owned(), true),
                (Code::UnknownPart, "related_parts[1]".to_owned(), true),
                (Code::UnknownPart, "lines[0].part".to_owned(), true),
            ]
        );
    }

    #[test]
    fn a_part_of_another_model_warns() {
        let facts = facts_with(|part| part.models = vec![code("OTHER")]);
        assert_eq!(
            found(&draft(), &facts),
            [
                (Code::PartModelMismatch, "causal_part".to_owned(), false),
                (Code::PartModelMismatch, "lines[0].part".to_owned(), false),
            ]
        );
    }

    #[test]
    fn a_serialised_part_needs_both_serial_numbers() {
        let line = LineContent {
            original_serial_number: None,
            replacement_serial_number: Some(" ".to_owned()),
            ..part_line()
        };
        let serialised = facts_with(|part| part.serialized = true);
        assert_eq!(
            found(&with_lines(vec![line.clone()]), &serialised),
            [
                (Code::MissingSerial, "lines[0].original_serial_number".to_owned(), true),
                (Code::MissingSerial, "lines[0].replacement_serial_number".to_owned(), true),
            ]
        );
        assert_eq!(found(&with_lines(vec![part_line()]), &serialised), []);
        assert_eq!(found(&with_lines(vec![line]), &facts_with(|part| part.serialized = false)), []);
    }

    #[test]
    fn all_lines_of_a_part_together_are_held_against_the_vehicle() {
        let facts = facts_with(|part| part.quantity_per_vehicle = Some(Quantity(2_000)));
        assert_eq!(found(&with_lines(vec![part_line(), part_line()]), &facts), []);
        assert_eq!(
            found(&with_lines(vec![part_line(), part_line(), part_line()]), &facts),
            [(Code::QuantityOverVehicleUsage, "lines[2].quantity".to_owned(), false)]
        );
        let unknown = facts_with(|part| part.quantity_per_vehicle = None);
        assert_eq!(found(&with_lines(vec![part_line(), part_line(), part_line()]), &unknown), []);
    }
}
