use super::*;
use crate::claims::sample::{CLERK, added, cny, code, draft, facts, header, labor_line, part_line, time};
use crate::claims::{LineInput, StateWord};
use crate::money::Quantity;

fn revision(claim: &Claim) -> Revision {
    Revision { number: 1, submit_time: time("2026-11-23T08:00:00Z"), submitted_by: CLERK, claim: claim.clone() }
}

fn told(differences: Vec<Difference>) -> Vec<(String, DifferenceKind, String, String)> {
    differences
        .into_iter()
        .map(|difference| (difference.path, difference.kind, difference.before, difference.after))
        .collect()
}

fn row(path: &str, kind: DifferenceKind, before: &str, after: &str) -> (String, DifferenceKind, String, String) {
    (path.to_owned(), kind, before.to_owned(), after.to_owned())
}

#[test]
fn equal_revisions_do_not_differ() {
    assert_eq!(diff(&revision(&draft()), &revision(&draft())), []);
}

#[test]
fn fields_of_the_header_are_told_with_label_before_and_after() {
    let mut changed = draft();
    changed.header.odometer_in_km = Some(20_500);
    changed.header.external_job = None;
    changed.header.related_parts = vec![code("P-1"), code("P-2")];
    changed.header.repeat_repair_indicator = true;
    let differences = diff(&revision(&draft()), &revision(&changed));
    assert_eq!(differences[1].label, Text::new("odometer at drop-off", "送修里程"));
    assert_eq!(
        told(differences),
        [
            row("related_parts", DifferenceKind::Added, "", "P-1, P-2"),
            row("odometer_in", DifferenceKind::Changed, "20000 km", "20500 km"),
            row("external_job", DifferenceKind::Removed, "1", ""),
            row("repeat_repair_indicator", DifferenceKind::Added, "", "true"),
        ]
    );
}

#[test]
fn lines_are_matched_by_number_not_by_position() {
    // Line 1 changes and moves behind the new line 3; line 2 goes.
    let fitted = LineContent { quantity: Some(Quantity(2_000)), requested_amount: Some(cny("900")), ..part_line() };
    let lines = vec![added(labor_line()), LineInput { number: 1, content: fitted }];
    let changed = draft().update(header(), lines).unwrap();
    let differences = diff(&revision(&draft()), &revision(&changed));
    assert_eq!(differences[0].label, Text::new("line 1: quantity", "第 1 行：数量"));
    assert_eq!(
        told(differences),
        [
            row("lines[number=1].quantity", DifferenceKind::Changed, "1.000", "2.000"),
            row("lines[number=1].requested_amount", DifferenceKind::Added, "", "900.00 CNY"),
            row("lines[number=2].type", DifferenceKind::Removed, "LABOR", ""),
            row("lines[number=2].operation", DifferenceKind::Removed, "OP-10", ""),
            row("lines[number=2].hours", DifferenceKind::Removed, "1.20", ""),
            row("lines[number=3].type", DifferenceKind::Added, "", "LABOR"),
            row("lines[number=3].operation", DifferenceKind::Added, "", "OP-10"),
            row("lines[number=3].hours", DifferenceKind::Added, "", "1.20"),
        ]
    );
}

#[test]
fn a_revision_survives_its_document_and_keeps_what_was_computed() {
    let submitted = draft().submit(&facts(), CLERK).unwrap();
    let revision = submitted.revision;
    let document = serde_json::to_string(&revision).unwrap();
    assert_eq!(serde_json::from_str::<Revision>(&document).unwrap(), revision);
    assert_eq!(revision.claim.state.word(), StateWord::Submitted);
    assert!(
        revision.claim.lines.iter().all(|line| line.pricing.as_ref().is_some_and(|pricing| pricing.computed.is_some()))
    );
    assert_eq!(revision.findings(), submitted.claim.findings);
}
