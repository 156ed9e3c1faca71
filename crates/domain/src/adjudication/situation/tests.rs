//! Values of the variables where a claim has little, much, or none of it.

use super::super::Condition;
use super::*;
use crate::claims::sample::{CLERK, cny, code, day, draft, facts};
use crate::claims::{Code as ReasonCode, Facts, Finding, RoadsideRescueDetails};

fn submitted(facts: &Facts) -> Claim {
    draft().submit(facts, CLERK).unwrap().claim
}

fn around(facts: &Facts) -> Surroundings<'_> {
    Surroundings::of(facts, History::default())
}

fn assert_holds(claim: &Claim, facts: &Facts, conditions: &[&str]) {
    let situation = Situation::of(claim, &around(facts));
    for source in conditions {
        let condition = Condition::compile(source).unwrap_or_else(|fault| panic!("{source}: {fault:?}"));
        assert_eq!(condition.holds(&situation), Ok(true), "{source}");
    }
}

#[test]
fn a_finding_stands_on_its_line_and_among_all() {
    let facts = facts();
    let mut claim = submitted(&facts);
    claim.findings = vec![
        Finding::warning(ReasonCode::Duplicate, "vin"),
        Finding::warning(ReasonCode::PriceAboveList, "lines[1].price").on_line(2),
    ];
    assert_holds(
        &claim,
        &facts,
        &[
            "size(lines[0].findings) == 0 && lines[1].findings == [\"PRICE_ABOVE_LIST\"]",
            "warnings == [\"DUPLICATE\", \"PRICE_ABOVE_LIST\"]",
            "findings[0].line == 0 && findings[1].line == 2 && findings[1].field == \"lines[1].price\"",
            "findings.all(f, f.severity == \"WARNING\")",
        ],
    );
}

#[test]
fn sums_are_by_the_type_of_the_line() {
    let facts = facts();
    let mut claim = submitted(&facts);
    assert_holds(
        &claim,
        &facts,
        &["claim.parts_minor == 50000 && claim.labor_minor == 9600 && claim.sublet_minor == 0"],
    );
    claim.lines[0].content.line_type = LineType::Sublet;
    claim.lines[1].content.line_type = LineType::Towing;
    assert_holds(
        &claim,
        &facts,
        &["claim.sublet_minor == 50000 && claim.towing_minor == 9600 && claim.parts_minor + claim.labor_minor == 0"],
    );
    claim.lines[0].pricing = None;
    claim.lines[1].pricing.as_mut().unwrap().computed = Some(cny("90"));
    assert_holds(
        &claim,
        &facts,
        &["claim.amount_minor == 9600 && claim.computed_minor == 9000 && claim.due_minor == 9000", "!lines[0].priced"],
    );
}

#[test]
fn kilometres_are_left_only_of_what_covers() {
    let facts = facts();
    let mut claim = submitted(&facts);
    let limit = |claim: &mut Claim, covered, limit_km, odometer| {
        let coverage = claim.coverage.as_mut().unwrap();
        (coverage.covered, coverage.limit_km) = (covered, limit_km);
        claim.header.odometer_in_km = odometer;
    };
    for (covered, limit_km, odometer, left) in [
        (true, Some(60_000), Some(20_000), 40_000),
        (true, Some(60_000), Some(60_001), -1),
        (true, Some(60_000), None, 0),
        (true, None, Some(20_000), 9_999_999),
        (false, Some(60_000), Some(20_000), 0),
        (false, None, None, 0),
    ] {
        limit(&mut claim, covered, limit_km, odometer);
        assert_holds(&claim, &facts, &[&format!("coverage.km_left == {left} && coverage.covered == {covered}")]);
    }
}

#[test]
fn days_are_counted_from_day_to_day() {
    let facts = facts();
    let mut claim = submitted(&facts);
    for (completed, weekday, weekend) in
        [("2026-11-13", 5, false), ("2026-11-14", 6, true), ("2026-11-15", 7, true), ("2026-11-16", 1, false)]
    {
        claim.header.repair_completion_date = Some(day(completed));
        assert_holds(&claim, &facts, &[&format!("repair.weekday == {weekday} && repair.on_weekend == {weekend}")]);
    }
    assert_holds(&claim, &facts, &["repair.days == 6 && repair.age_days == 7 && vehicle.age_days == 527"]);
    // On its first day a vehicle has no kilometres a day yet, whatever it has run.
    claim.header.complaint_date = Some(day("2025-06-01"));
    assert_holds(&claim, &facts, &["vehicle.age_days == 0 && vehicle.km_per_day == 0 && vehicle.odometer_km == 20000"]);
    claim.header.complaint_date = Some(day("2025-06-02"));
    assert_holds(&claim, &facts, &["vehicle.age_days == 1 && vehicle.km_per_day == 20000"]);
}

#[test]
fn a_part_is_described_by_its_master_data() {
    let mut facts = facts();
    let part = facts.parts.get_mut(&code("P-100")).unwrap();
    part.safety = true;
    let claim = submitted(&facts);
    assert_holds(
        &claim,
        &facts,
        &[
            "!lines[0].part_assembly && lines[0].part_category == \"FUEL\" && lines[0].part_usage_thousandths == 1000",
            "lines[0].part_safety && !lines[1].part_safety && !lines[1].is_causal",
            "lines[0].quantity_thousandths == 1000 && lines[0].serial_out == \"OLD-1\" && lines[0].serial_in == \"NEW-1\"",
            "lines[1].part == \"\" && lines[1].operation == \"OP-10\" && lines[1].standard_hours_hundredths == 120",
            "history.part_average_minor == 0 && history.station_claims == 0",
        ],
    );
}

#[test]
fn a_rescue_tells_how_far_it_towed() {
    let facts = facts();
    let mut claim = submitted(&facts);
    let details = RoadsideRescueDetails { towing_distance_km: Some(42), ..Default::default() };
    claim.header.details = Some(Details::RoadsideRescue(details));
    assert_holds(&claim, &facts, &["claim.towing_km == 42 && !claim.goodwill_requested"]);
}
