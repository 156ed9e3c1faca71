use super::*;
use crate::claims::draft::NewClaim;
use crate::claims::review::{Review, Verdict};
use crate::claims::sample::{
    AUDITOR, CLERK, added, cny, code, day, facts, header, in_state, labor_line, new_claim, now, part_line, setting,
};
use crate::claims::{Header, LineContent, MajorAssemblyDetails, Outcome, pricing};

fn asked(action: AssemblyAction) -> Claim {
    let details = MajorAssemblyDetails {
        assembly: Some(code("P-100")),
        assembly_serial_number: Some("OLD-1".to_owned()),
        action: Some(action),
        ..MajorAssemblyDetails::default()
    };
    let header = Header { details: Some(Details::MajorAssembly(details)), ..header() };
    let lines = vec![added(part_line()), added(labor_line())];
    let new = NewClaim { kind: Kind::MajorAssembly, id: ClaimId(Uuid::from_u128(0xa)), ..new_claim() };
    let mut claim = Claim::create(new, header, lines).unwrap();
    pricing::price(&mut claim, &facts());
    decided(claim, &[Outcome::Approved, Outcome::Approved])
}

/// The claim after a decision; what is not approved is rejected.
fn decided(claim: Claim, outcomes: &[Outcome]) -> Claim {
    let reviewed = in_state(StateWord::InReview);
    let claim = Claim { state: reviewed.state, submission: reviewed.submission, ..claim };
    let verdicts = claim.lines.iter().zip(outcomes).map(|(line, outcome)| Verdict {
        line: line.number,
        outcome: *outcome,
        approved: None,
        goodwill: None,
        reasons: match outcome {
            Outcome::Approved => Vec::new(),
            Outcome::Reduced | Outcome::Rejected => {
                vec![crate::claims::Reason::of(crate::claims::Code::NotCovered)]
            }
        },
        note: String::new(),
        internal_note: String::new(),
    });
    let review = Review {
        auditor: AUDITOR,
        level: 0,
        may_grant_goodwill: false,
        verdicts: verdicts.collect(),
        note: String::new(),
        internal_note: String::new(),
    };
    claim.adjudicate(review, now(), today(), &setting()).unwrap()
}

fn today() -> NaiveDate {
    day("2026-11-23")
}

fn issued(action: AssemblyAction) -> Authorization {
    let id = AuthorizationId(Uuid::from_u128(0xa1));
    Authorization::issue(&asked(action), id, Uuid::from_u128(0x21), today(), &setting()).unwrap()
}

/// A repair that names the authorisation on its part line, in a state.
fn repair(number: u128, state: StateWord) -> Claim {
    let line = LineContent { authorization: Some(issued(AssemblyAction::Replace).name()), ..part_line() };
    let new = NewClaim { id: ClaimId(Uuid::from_u128(number)), ..new_claim() };
    let mut claim = Claim::create(new, header(), vec![added(line)]).unwrap();
    pricing::price(&mut claim, &facts());
    let of_state = in_state(state);
    Claim { state: of_state.state, submission: of_state.submission, ..claim }
}

#[test]
fn the_approved_lines_of_a_request_are_what_is_authorised() {
    let authorization = issued(AssemblyAction::Replace);
    assert_eq!(authorization.number, "AU-2611-00000011");
    assert_eq!(authorization.expire_date, day("2027-01-22"), "60 days, the first not counted");
    let items: Vec<_> = authorization
        .items
        .iter()
        .map(|item| (item.number, item.line_type, item.limit_quantity, item.limit_amount))
        .collect();
    assert_eq!(items, [(1, LineType::Part, Some(Quantity(1_000)), cny("500")), (2, LineType::Labor, None, cny("96"))]);
    assert_eq!(authorization.limit_amount(), Ok(cny("596")));
    assert_eq!(authorization.assembly_serial_number.as_deref(), Some("OLD-1"));
    let rejected = decided(
        Claim { decisions: Vec::new(), ..asked(AssemblyAction::Replace) },
        &[Outcome::Rejected, Outcome::Rejected],
    );
    let id = AuthorizationId(Uuid::from_u128(1));
    assert_eq!(Authorization::issue(&rejected, id, Uuid::nil(), today(), &setting()), None);
    assert_eq!(Authorization::issue(&repair(5, StateWord::Approved), id, Uuid::nil(), today(), &setting()), None);
}

/// The truth table: what each state of a claim holds of what its lines name.
#[test]
fn a_claim_holds_what_its_state_says() {
    for state in StateWord::ALL {
        let claim = match state {
            StateWord::Approved | StateWord::Settled | StateWord::Closed => {
                Claim { state: in_state(state).state, ..decided(repair(7, StateWord::InReview), &[Outcome::Approved]) }
            }
            StateWord::Draft
            | StateWord::Submitted
            | StateWord::InReview
            | StateWord::Rejected
            | StateWord::Returned
            | StateWord::Withdrawn
            | StateWord::Lapsed => repair(7, state),
        };
        let after = issued(AssemblyAction::Replace).reconciled(&claim, today()).unwrap();
        let expected = match state {
            StateWord::Submitted | StateWord::InReview => (AuthorizationState::UsedUp, vec![(cny("500"), false)]),
            StateWord::Approved | StateWord::Settled | StateWord::Closed => {
                (AuthorizationState::UsedUp, vec![(cny("500"), true)])
            }
            StateWord::Draft | StateWord::Rejected | StateWord::Returned | StateWord::Withdrawn | StateWord::Lapsed => {
                (AuthorizationState::Active, Vec::new())
            }
        };
        let uses: Vec<_> = after.uses.iter().map(|used| (used.amount, used.approved)).collect();
        assert_eq!((after.state, uses), expected, "{state:?}");
        assert_eq!(after.clone().reconciled(&claim, today()), Ok(after), "asked twice is asked once: {state:?}");
    }
}

/// A request as an appeal leaves it: a further round of decisions on its lines.
fn after_appeal(request: Claim, outcomes: &[Outcome]) -> Claim {
    let before = request.decisions.clone();
    let again = decided(Claim { decisions: Vec::new(), ..request }, outcomes);
    let round = again.decisions.iter().cloned().map(|round| crate::claims::DecisionRound { number: 2, ..round });
    Claim { decisions: before.into_iter().chain(round).collect(), ..again }
}

#[test]
fn a_later_decision_on_the_request_gives_more_or_takes_all_of_it_back() {
    let issued = issued(AssemblyAction::Replace);
    let nothing = after_appeal(asked(AssemblyAction::Replace), &[Outcome::Rejected, Outcome::Rejected]);
    let taken_back = issued.clone().reissued(&nothing, today());
    assert_eq!((taken_back.items.len(), taken_back.state), (0, AuthorizationState::UsedUp));
    let vin = issued.vin.clone();
    assert_eq!(taken_back.usable(&vin, today()), Err(Unusable::UsedUp), "nothing may begin to use it");
    let less = after_appeal(asked(AssemblyAction::Replace), &[Outcome::Approved, Outcome::Rejected]);
    assert_eq!(issued.clone().reissued(&less, today()).items.len(), 1);
    // A request is closed once its authorisation is used up, and an appeal may still give more.
    let state = in_state(StateWord::Closed).state;
    let closed = Claim { state, ..after_appeal(less, &[Outcome::Approved, Outcome::Approved]) };
    assert_eq!(issued.clone().reissued(&closed, today()).items, issued.items);
}

#[test]
fn of_two_claims_for_the_last_piece_the_second_finds_nothing() {
    let taken = issued(AssemblyAction::Replace).reconciled(&repair(7, StateWord::Submitted), today()).unwrap();
    assert_eq!(taken.clone().reconciled(&repair(8, StateWord::Submitted), today()), Err(Overdrawn));
    let given_back = taken.reconciled(&repair(7, StateWord::Withdrawn), today()).unwrap();
    let second = given_back.reconciled(&repair(8, StateWord::Submitted), today()).unwrap();
    assert_eq!(second.uses.iter().map(|used| used.claim).collect::<Vec<_>>(), [ClaimId(Uuid::from_u128(8))]);
}

#[test]
fn a_replacement_that_was_approved_has_a_certificate_with_both_serial_numbers() {
    let waiting = issued(AssemblyAction::Replace).reconciled(&repair(7, StateWord::Submitted), today()).unwrap();
    assert_eq!(waiting.certificate, None);
    assert!(!waiting.is_over(), "the claim that uses it may still be rejected");
    let approved = decided(repair(7, StateWord::InReview), &[Outcome::Approved]);
    let done = waiting.reconciled(&approved, today()).unwrap();
    let certificate = done.certificate.clone().unwrap();
    assert_eq!(
        (certificate.original_serial_number.as_str(), certificate.replacement_serial_number.as_str()),
        ("OLD-1", "NEW-1")
    );
    assert!(done.is_over());
    let rejected = decided(repair(7, StateWord::InReview), &[Outcome::Rejected]);
    let undone = done.reconciled(&rejected, today()).unwrap();
    assert_eq!((undone.certificate, undone.state), (None, AuthorizationState::Active));
    let repaired = issued(AssemblyAction::Repair).reconciled(&approved, today()).unwrap();
    assert_eq!(repaired.certificate, None);
}

#[test]
fn it_is_revoked_while_something_is_left_and_expires_after_its_last_day() {
    let revoked = issued(AssemblyAction::Replace).revoke(CLERK, "wrong part".to_owned(), now()).unwrap();
    assert_eq!((revoked.state, revoked.is_over()), (AuthorizationState::Revoked, true));
    assert_eq!(revoked.usable(&revoked.vin, today()), Err(Unusable::Revoked));
    assert_eq!(revoked.clone().reconciled(&repair(7, StateWord::Submitted), today()), Err(Overdrawn));
    assert_eq!(revoked.revoke(CLERK, String::new(), now()), Err(AuthorizationState::Revoked));
    let last = day("2027-01-22");
    let state = |date| issued(AssemblyAction::Replace).on(date).state;
    assert_eq!((state(last), state(day("2027-01-23"))), (AuthorizationState::Active, AuthorizationState::Expired));
    let vin = issued(AssemblyAction::Replace).vin;
    assert_eq!(issued(AssemblyAction::Replace).usable(&vin, last), Ok(()));
    assert_eq!(issued(AssemblyAction::Replace).usable(&vin, day("2027-01-23")), Err(Unusable::Expired(last)));
}
