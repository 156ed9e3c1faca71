use super::*;
use crate::claims::sample::{added, cny, draft, header, in_state, labor_line, part_line};
use crate::claims::{LineContent, RescueTrip, RoadsideRescueDetails};
use crate::money::Hours;

fn numbers(lines: &[LineInput]) -> Vec<u32> {
    lines.iter().map(|line| line.number).collect()
}

#[test]
fn lines_without_numbers_are_known_by_what_they_say() {
    let claim = draft();
    let both = claim.known_lines(vec![added(part_line()), added(labor_line())]);
    assert_eq!(numbers(&both), [1, 2]);
    let swapped = claim.known_lines(vec![added(labor_line()), added(part_line())]);
    assert_eq!(numbers(&swapped), [2, 1]);
    let longer = LineContent { hours: Some(Hours(400)), ..labor_line() };
    assert_eq!(numbers(&claim.known_lines(vec![added(part_line()), added(longer)])), [1, 0], "another line is new");
    let twice = claim.known_lines(vec![added(part_line()), added(part_line())]);
    assert_eq!(numbers(&twice), [1, 0], "a stored line is one line only");
    let named = vec![LineInput { number: 1, content: part_line() }, added(part_line())];
    assert_eq!(numbers(&claim.known_lines(named)), [1, 0], "and not another one that is named");
    let other = vec![LineInput { number: 2, content: part_line() }, added(part_line())];
    assert_eq!(numbers(&claim.known_lines(other)), [2, 1]);
}

#[test]
fn what_a_claim_says_already_is_no_change() {
    for state in StateWord::ALL {
        let claim = in_state(state);
        let lines = claim.known_lines(vec![added(part_line()), added(labor_line())]);
        assert!(claim.says(&header(), &lines), "{state:?}");
        // What was left to the system is shown with its amount, and may come back so.
        let shown = LineContent { requested_amount: Some(cny("500")), ..part_line() };
        let lines = claim.known_lines(vec![added(shown), added(labor_line())]);
        assert!(claim.says(&header(), &lines), "{state:?}");
        assert!(!claim.says(&Header { cause_description: "rust".to_owned(), ..header() }, &lines), "{state:?}");
        assert!(!claim.says(&header(), &lines[..1]), "{state:?}");
        assert!(!claim.says(&header(), &[lines[1].clone(), lines[0].clone()]), "{state:?}: their order is a change");
    }
}

#[test]
fn what_a_submission_noted_in_a_trip_is_not_the_stations_word() {
    let rescue = |verified_meters| Header {
        details: Some(Details::RoadsideRescue(RoadsideRescueDetails {
            trips: vec![RescueTrip { number: 1, verified_meters, ..RescueTrip::default() }],
            ..RoadsideRescueDetails::default()
        })),
        ..header()
    };
    let claim = Claim { header: rescue(Some(12_000)), lines: Vec::new(), ..draft() };
    assert!(claim.says(&rescue(None), &[]));
    assert!(!claim.says(&header(), &[]));
}

#[test]
fn every_state_in_which_a_claim_stands_still_has_a_way_out() {
    for state in StateWord::ALL {
        let text = way_out(state);
        assert!(!text.en.is_empty() && text.zh_cn.chars().any(|c| c > '\u{4e00}'), "{state:?}");
        assert_eq!(in_state(state).is_editable(), text.en == "change it", "{state:?}");
    }
}
