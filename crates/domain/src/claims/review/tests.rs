use super::*;
use crate::claims::Code;
use crate::claims::sample::{AUDITOR, cny, day, in_state, now, setting};
use crate::claims::{StateWord, Verb};
use crate::money::Currency;

fn approve(line: u32) -> Verdict {
    Verdict {
        line,
        outcome: Outcome::Approved,
        approved: None,
        goodwill: None,
        reasons: Vec::new(),
        note: String::new(),
        internal_note: String::new(),
    }
}

fn reduce(line: u32, amount: &str) -> Verdict {
    Verdict {
        outcome: Outcome::Reduced,
        approved: Some(cny(amount)),
        reasons: vec![Reason::of(Code::ExcessivePartCost)],
        ..approve(line)
    }
}

fn reject(line: u32) -> Verdict {
    Verdict { outcome: Outcome::Rejected, reasons: vec![Reason::of(Code::NotCovered)], ..approve(line) }
}

fn review(verdicts: Vec<Verdict>) -> Review {
    Review {
        auditor: AUDITOR,
        level: 0,
        may_grant_goodwill: false,
        verdicts,
        note: String::new(),
        internal_note: String::new(),
    }
}

fn adjudicate(claim: Claim, review: Review) -> Result<Claim, ReviewError> {
    claim.adjudicate(review, now(), day("2026-11-23"), &setting())
}

/// The rules that the verdicts break, with their fields.
fn broken(review: Review) -> Vec<(String, &'static str)> {
    match adjudicate(in_state(StateWord::InReview), review) {
        Err(ReviewError::Verdicts(violations)) => violations.into_iter().map(|v| (v.field, v.rule)).collect(),
        other => panic!("expected violations, got {other:?}"),
    }
}

fn rules(review: Review) -> Vec<&'static str> {
    broken(review).into_iter().map(|(_, rule)| rule).collect()
}

#[test]
fn any_approved_amount_makes_the_claim_approved() {
    let claim = adjudicate(in_state(StateWord::InReview), review(vec![approve(1), reject(2)])).unwrap();
    assert_eq!(claim.state.word(), StateWord::Approved);
    let totals = claim.totals().unwrap();
    assert_eq!(totals.approved, Some(cny("500")));
    assert_eq!(totals.goodwill, Some(cny("0")));
    let round = &claim.decisions[0];
    assert_eq!((round.number, round.revision, round.outcome), (1, 1, Outcome::Approved));
}

#[test]
fn no_approved_amount_makes_the_claim_rejected() {
    let claim = adjudicate(in_state(StateWord::InReview), review(vec![reject(1), reject(2)])).unwrap();
    assert_eq!(claim.state.word(), StateWord::Rejected);
    assert_eq!(claim.decisions[0].outcome, Outcome::Rejected);
    assert_eq!(claim.totals().unwrap().approved, Some(cny("0")));
}

#[test]
fn every_line_is_decided_exactly_once() {
    assert_eq!(broken(review(vec![approve(1)])), [("line_decisions".to_owned(), "LINE_NOT_DECIDED")]);
    assert_eq!(
        broken(review(vec![approve(1), approve(2), approve(2)])),
        [("line_decisions[2].line_number".to_owned(), "LINE_DECIDED_TWICE")]
    );
    assert_eq!(
        broken(review(vec![approve(1), approve(2), approve(9)])),
        [("line_decisions[2].line_number".to_owned(), "UNKNOWN_LINE")]
    );
}

#[test]
fn whatever_is_not_approved_in_full_says_why() {
    let silent = |verdict: Verdict| Verdict { reasons: Vec::new(), ..verdict };
    assert_eq!(rules(review(vec![silent(reduce(1, "400")), approve(2)])), ["REASON_NEEDED"]);
    assert_eq!(rules(review(vec![silent(reject(1)), approve(2)])), ["REASON_NEEDED"]);
}

#[test]
fn outcome_and_amount_fit_each_other() {
    for (verdict, rule) in [
        (Verdict { approved: Some(cny("499.99")), ..approve(1) }, "NOT_APPROVED_IN_FULL"),
        (Verdict { approved: Some(cny("0.01")), ..reject(1) }, "REJECTED_WITH_AMOUNT"),
        (reduce(1, "500"), "NOT_REDUCED"),
        (reduce(1, "0"), "REDUCED_TO_NOTHING"),
        (Verdict { approved: None, ..reduce(1, "1") }, "AMOUNT_NEEDED"),
        (
            Verdict { approved: Some(Money::new(Currency::parse("USD").unwrap(), 1)), ..reduce(1, "1") },
            "CURRENCY_MISMATCH",
        ),
        (reduce(1, "-1"), "NEGATIVE_AMOUNT"),
    ] {
        let found = rules(review(vec![verdict, approve(2)]));
        assert!(found.contains(&rule), "{rule}: {found:?}");
    }
    for verdict in [reduce(1, "0.01"), reduce(1, "499.99"), Verdict { approved: Some(cny("500")), ..approve(1) }] {
        assert!(adjudicate(in_state(StateWord::InReview), review(vec![verdict, approve(2)])).is_ok());
    }
}

#[test]
fn an_amount_that_is_wrong_is_told_at_its_own_field() {
    let given = |amount: Money| Verdict { goodwill: Some(Goodwill::Amount(amount)), ..approve(1) };
    let told = |verdict| broken(review(vec![verdict, approve(2)]));
    let euro = Money::new(Currency::parse("EUR").unwrap(), 1);
    let at = |field: &str| format!("line_decisions[0].{field}");
    assert_eq!(told(given(euro)), [(at("goodwill_amount"), "CURRENCY_MISMATCH")]);
    assert_eq!(told(given(cny("-1"))), [(at("goodwill_amount"), "NEGATIVE_AMOUNT")]);
    let foreign = Verdict { approved: Some(euro), ..reduce(1, "1") };
    assert_eq!(told(foreign), [(at("approved_amount"), "CURRENCY_MISMATCH")]);
}

#[test]
fn no_more_is_approved_than_is_requested_and_computed() {
    assert_eq!(
        rules(review(vec![Verdict { approved: Some(cny("500.01")), ..approve(1) }, approve(2)])),
        ["APPROVED_OVER_REQUESTED"]
    );

    // 600 requested, 500 computed: 500 is due.
    let mut claim = in_state(StateWord::InReview);
    if let Some(pricing) = &mut claim.lines[0].pricing {
        pricing.requested = cny("600");
    }
    let over = Verdict { approved: Some(cny("500.01")), ..approve(1) };
    let found = match adjudicate(claim.clone(), review(vec![over, approve(2)])) {
        Err(ReviewError::Verdicts(violations)) => violations.into_iter().map(|v| v.rule).collect::<Vec<_>>(),
        other => panic!("{other:?}"),
    };
    assert_eq!(found, ["APPROVED_OVER_COMPUTED"]);
    let decided = adjudicate(claim, review(vec![approve(1), approve(2)])).unwrap();
    assert_eq!(decided.totals().unwrap().approved, Some(cny("596")));
}

#[test]
fn a_line_without_a_price_is_owed_nothing() {
    let mut claim = in_state(StateWord::InReview);
    if let Some(pricing) = &mut claim.lines[0].pricing {
        pricing.computed = None;
    }
    let verdict = Verdict { approved: Some(cny("1")), ..reduce(1, "1") };
    assert!(matches!(adjudicate(claim, review(vec![verdict, approve(2)])), Err(ReviewError::Verdicts(_))));
}

#[test]
fn goodwill_needs_the_right_and_may_go_beyond_what_is_computed() {
    let mut claim = in_state(StateWord::InReview);
    if let Some(pricing) = &mut claim.lines[0].pricing {
        pricing.requested = cny("600");
    }
    let generous =
        || Verdict { approved: Some(cny("600")), goodwill: Some(Goodwill::Amount(cny("100"))), ..approve(1) };
    let refused = adjudicate(claim.clone(), review(vec![generous(), approve(2)]));
    assert_eq!(refused, Err(ReviewError::GoodwillRightMissing));
    let with_right = |verdicts| Review { may_grant_goodwill: true, ..review(verdicts) };
    let decided = adjudicate(claim.clone(), with_right(vec![generous(), approve(2)])).unwrap();
    let totals = decided.totals().unwrap();
    assert_eq!((totals.approved, totals.goodwill), (Some(cny("696")), Some(cny("100"))));

    // The warranty's own part stays bounded: 501 of 600 would be warranty.
    let greedy = Verdict { goodwill: Some(Goodwill::Amount(cny("99"))), ..generous() };
    assert!(matches!(adjudicate(claim.clone(), with_right(vec![greedy, approve(2)])), Err(ReviewError::Verdicts(_))));
    // Goodwill is part of the approved amount.
    let inverted = Verdict { goodwill: Some(Goodwill::Amount(cny("700"))), ..generous() };
    assert!(matches!(adjudicate(claim, with_right(vec![inverted, approve(2)])), Err(ReviewError::Verdicts(_))));
}

#[test]
fn goodwill_as_a_share_is_a_share_of_what_is_requested() {
    let half = Verdict {
        approved: Some(cny("250")),
        goodwill: Some(Goodwill::Percent(BasisPoints(5_000))),
        ..reduce(1, "250")
    };
    let review = Review { may_grant_goodwill: true, ..review(vec![half, approve(2)]) };
    let decided = adjudicate(in_state(StateWord::InReview), review).unwrap();
    let (_, decision) = decided.decision_on(1).unwrap();
    assert_eq!((decision.approved, decision.goodwill), (cny("250"), cny("250")));
    assert_eq!(decision.goodwill_percent, Some(BasisPoints(5_000)));
}

#[test]
fn only_the_auditor_who_reviews_decides() {
    let other = Review { auditor: crate::claims::sample::OTHER_AUDITOR, ..review(vec![approve(1), approve(2)]) };
    let refused = adjudicate(in_state(StateWord::InReview), other.clone());
    assert_eq!(refused, Err(ReviewError::Transition(TransitionError::AnotherAuditor)));
    let taken_over = in_state(StateWord::InReview).start_review(other.auditor, now()).unwrap();
    assert!(adjudicate(taken_over, other).is_ok());
}

#[test]
fn a_decided_claim_is_not_decided_again() {
    let decided = adjudicate(in_state(StateWord::InReview), review(vec![approve(1), approve(2)])).unwrap();
    let again = adjudicate(decided, review(vec![reject(1), reject(2)]));
    let wrong = TransitionError::WrongState { verb: Verb::Adjudicate, state: StateWord::Approved };
    assert_eq!(again, Err(ReviewError::Transition(wrong)));
}
