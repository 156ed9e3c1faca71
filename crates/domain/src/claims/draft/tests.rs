use super::*;
use crate::claims::StateWord;
use crate::claims::header::{Details, RunningInDetails};
use crate::claims::sample::{added, cny, draft, header, in_state, labor_line, new_claim, part_line};
use crate::money::{Hours, Money, Quantity};

fn rules(header: Header, lines: Vec<LineInput>) -> Vec<(String, &'static str)> {
    match Claim::create(new_claim(), header, lines) {
        Ok(claim) => panic!("accepted {claim:?}"),
        Err(violations) => violations.into_iter().map(|violation| (violation.field, violation.rule)).collect(),
    }
}

#[test]
fn a_draft_may_be_empty_and_may_name_what_nobody_knows() {
    assert!(Claim::create(new_claim(), Header::default(), Vec::new()).is_ok());
    let unknown = Header { vin: Some("NOT-A-VIN".to_owned()), ..header() };
    assert!(Claim::create(new_claim(), unknown, vec![added(part_line())]).is_ok());
}

#[test]
fn every_kind_is_offered() {
    for kind in Kind::ALL {
        let claim = Claim::create(NewClaim { kind, ..new_claim() }, header(), Vec::new()).unwrap();
        assert!(claim.number.as_str().starts_with(kind.spec().prefix()), "{kind:?}");
    }
}

#[test]
fn a_copy_is_a_draft_that_keeps_where_its_first_submission_comes_from() {
    let first = Claim {
        header: Header { external_ref: Some("DMS-1".to_owned()), ..header() },
        ..in_state(StateWord::Rejected)
    };
    let id = |number| ClaimId(uuid::Uuid::from_u128(number));
    let copy = first.copy(NewClaim { id: id(2), kind: Kind::RoadsideRescue, ..new_claim() }).unwrap();
    assert_eq!((copy.kind, copy.state.word(), copy.submission.as_ref()), (first.kind, StateWord::Draft, None));
    assert_eq!(copy.header.copied_from, Some(format!("claims/{}", first.id)));
    assert_eq!((copy.header.external_ref.as_deref(), copy.header.vin.as_ref()), (None, first.header.vin.as_ref()));
    assert_eq!(copy.lines.iter().map(|line| line.number).collect::<Vec<_>>(), [1, 2]);
    assert!(copy.decisions.is_empty() && copy.findings.is_empty());
    let again = copy.copy(NewClaim { id: id(3), ..new_claim() }).unwrap();
    assert_eq!(again.header.copied_from, Some(format!("claims/{}", first.id)), "the first of them counts");
    assert_eq!(again.header.related_claims, [format!("claims/{}", copy.id)]);
}

#[test]
fn lines_are_numbered_by_the_server_and_numbers_are_never_used_again() {
    let claim = draft();
    assert_eq!(claim.lines.iter().map(|line| line.number).collect::<Vec<_>>(), [1, 2]);
    // Line 2 goes, a new one comes.
    let lines = vec![LineInput { number: 1, content: part_line() }, added(labor_line())];
    let claim = claim.update(header(), lines).unwrap();
    assert_eq!(claim.lines.iter().map(|line| line.number).collect::<Vec<_>>(), [1, 3]);
    // All go; the next line is still the fourth.
    let claim = claim.update(header(), Vec::new()).unwrap();
    let claim = claim.update(header(), vec![added(part_line())]).unwrap();
    assert_eq!(claim.lines[0].number, 4);
}

#[test]
fn a_given_number_must_exist_and_may_stand_once() {
    let update = |numbers: &[u32]| {
        let lines = numbers.iter().map(|number| LineInput { number: *number, content: part_line() }).collect();
        match draft().update(header(), lines) {
            Ok(_) => Vec::new(),
            Err(UpdateError::Content(violations)) => violations.into_iter().map(|v| (v.field, v.rule)).collect(),
            Err(UpdateError::Transition(error)) => panic!("{error}"),
        }
    };
    assert_eq!(update(&[2, 1]), []);
    assert_eq!(update(&[1, 7]), [("lines[1].number".to_owned(), "UNKNOWN_LINE")]);
    assert_eq!(update(&[1, 1]), [("lines[1].number".to_owned(), "LINE_TWICE")]);
}

#[test]
fn a_claim_is_written_as_draft_or_returned_only() {
    for state in StateWord::ALL {
        let claim = in_state(state);
        assert_eq!(claim.is_editable(), claim.update(header(), Vec::new()).is_ok(), "{state:?}");
    }
}

#[test]
fn numbers_stay_within_their_limits() {
    let part = |quantity: i64| vec![added(LineContent { quantity: Some(Quantity(quantity)), ..part_line() })];
    assert_eq!(rules(header(), part(0)), [("lines[0].quantity".to_owned(), "OUT_OF_RANGE")]);
    assert_eq!(rules(header(), part(MAX_QUANTITY_MILLI + 1)), [("lines[0].quantity".to_owned(), "OUT_OF_RANGE")]);
    assert!(Claim::create(new_claim(), header(), part(1)).is_ok());
    assert!(Claim::create(new_claim(), header(), part(MAX_QUANTITY_MILLI)).is_ok());

    let labor = |hours: i64| vec![added(LineContent { hours: Some(Hours(hours)), ..labor_line() })];
    assert_eq!(rules(header(), labor(-1)), [("lines[0].hours".to_owned(), "OUT_OF_RANGE")]);
    assert_eq!(rules(header(), labor(MAX_HOURS_CENTI + 1)), [("lines[0].hours".to_owned(), "OUT_OF_RANGE")]);
    assert!(Claim::create(new_claim(), header(), labor(MAX_HOURS_CENTI)).is_ok());

    let odometer = |km: i64| Header { odometer_in_km: Some(km), ..header() };
    assert_eq!(rules(odometer(-1), Vec::new()), [("odometer_in".to_owned(), "OUT_OF_RANGE")]);
    assert_eq!(rules(odometer(MAX_ODOMETER_KM + 1), Vec::new()), [("odometer_in".to_owned(), "OUT_OF_RANGE")]);

    let requested = |money: Money| vec![added(LineContent { requested_amount: Some(money), ..part_line() })];
    assert_eq!(rules(header(), requested(cny("-0.01"))), [("lines[0].requested_amount".to_owned(), "OUT_OF_RANGE")]);
    let usd = Money::new(Currency::parse("USD").unwrap(), 100);
    assert_eq!(rules(header(), requested(usd)), [("lines[0].requested_amount".to_owned(), "CURRENCY_MISMATCH")]);

    let many = |count: usize| (0..count).map(|_| added(part_line())).collect::<Vec<_>>();
    assert_eq!(rules(header(), many(MAX_LINES + 1)), [("lines".to_owned(), "TOO_MANY")]);
    assert!(Claim::create(new_claim(), header(), many(MAX_LINES)).is_ok());
}

#[test]
fn fields_fit_each_other() {
    let details = Header { details: Some(Details::RunningInMaintenance(RunningInDetails::default())), ..header() };
    assert_eq!(rules(details, Vec::new()), [("details".to_owned(), "DETAILS_MISMATCH")]);
    let job_alone = Header { external_repair_order: None, ..header() };
    assert_eq!(rules(job_alone, Vec::new()), [("external_repair_order".to_owned(), "REQUIRED_FIELD")]);
    let silent = LineContent { additional_hours: Some(Hours(50)), ..labor_line() };
    assert_eq!(
        rules(header(), vec![added(silent)]),
        [("lines[0].additional_hours_comment".to_owned(), "REQUIRED_FIELD")]
    );
    let hours_on_part = LineContent { hours: Some(Hours(50)), ..part_line() };
    assert_eq!(rules(header(), vec![added(hours_on_part)]), [("lines[0].hours".to_owned(), "NOT_OF_THIS_TYPE")]);
}

#[test]
fn an_amount_that_was_left_to_the_system_stays_so_when_it_is_sent_back() {
    let returned = in_state(StateWord::Returned);
    let echo = |amount: &str| {
        let content = LineContent { requested_amount: Some(cny(amount)), ..part_line() };
        let claim = returned.clone().update(header(), vec![LineInput { number: 1, content }]).unwrap();
        claim.lines[0].content.requested_amount
    };
    assert_eq!(echo("500"), None);
    assert_eq!(echo("450"), Some(cny("450")));
}
