use super::*;
use crate::catalog::Setting;
use crate::catalog::setting::ApprovalLimit;
use crate::claims::sample::{CLERK, OTHER_AUDITOR, approve_all, cny, code, day, in_state, now, setting};
use crate::claims::{Approver, Goodwill, NewAppeal, Outcome, Reason, Review, StateWord};

const NONE: [(String, String); 0] = [];

/// Approves both lines, 500 and 96, with so much goodwill on each.
fn granting(claim: &Claim, goodwill: [&str; 2]) -> Review {
    let mut review = Review { may_grant_goodwill: true, ..approve_all(claim) };
    for (verdict, amount) in review.verdicts.iter_mut().zip(goodwill) {
        verdict.goodwill = Some(Goodwill::Amount(cny(amount)));
    }
    review
}

fn decided(goodwill: [&str; 2], setting: &Setting) -> (Claim, Claim) {
    let before = in_state(StateWord::InReview);
    let review = granting(&before, goodwill);
    let after = before.clone().adjudicate(review, now(), day("2026-11-23"), setting).unwrap();
    (before, after)
}

fn drawn(goodwill: [&str; 2], budget: &str) -> Claim {
    let (before, after) = decided(goodwill, &setting());
    after.draw_goodwill(&before, Some(&code(budget))).unwrap()
}

fn of(claim: &Claim) -> Vec<(String, String)> {
    let used = claim.goodwill_used().unwrap();
    used.into_iter().map(|(budget, amount)| (budget.to_string(), amount.minor.to_string())).collect()
}

/// An appeal on line 2 that ends with so much of it approved, all of it goodwill.
fn appealed(claim: Claim, goodwill: &str, budget: Option<&str>) -> Claim {
    let appeal =
        NewAppeal { lines: vec![2], grounds: "more".to_owned(), evidence: Vec::new(), external_ref: String::new() };
    let mut open = claim.appeal(appeal, CLERK.into(), now(), &setting()).unwrap();
    let number = open.open_appeal().unwrap().number;
    let mut review = Review { auditor: OTHER_AUDITOR, may_grant_goodwill: true, ..approve_all(&open) };
    review.verdicts.retain(|verdict| verdict.line == 2);
    let whole = goodwill == "96";
    review.verdicts[0] = crate::claims::Verdict {
        outcome: if goodwill == "0" {
            Outcome::Rejected
        } else if whole {
            Outcome::Approved
        } else {
            Outcome::Reduced
        },
        approved: Some(cny(goodwill)),
        goodwill: Some(Goodwill::Amount(cny(goodwill))),
        reasons: if whole { Vec::new() } else { vec![Reason::of(crate::claims::Code::NotCovered)] },
        ..review.verdicts[0].clone()
    };
    let before = open.clone();
    open = open.decide_appeal(number, review, now(), day("2026-11-23"), &setting()).unwrap();
    open.draw_goodwill(&before, budget.map(code).as_ref()).unwrap()
}

/// Line 2 reduced to 50, all of it goodwill, drawn on a budget beside 100 on line 1.
fn reduced() -> Claim {
    let before = in_state(StateWord::InReview);
    let mut review = granting(&before, ["100", "50"]);
    review.verdicts[1].outcome = Outcome::Reduced;
    review.verdicts[1].approved = Some(cny("50"));
    review.verdicts[1].reasons = vec![Reason::of(crate::claims::Code::NotCovered)];
    let after = before.clone().adjudicate(review, now(), day("2026-11-23"), &setting()).unwrap();
    after.draw_goodwill(&before, Some(&code("Q1"))).unwrap()
}

#[test]
fn a_round_draws_what_it_grants_and_nothing_where_nothing_is_granted_or_no_budget_is() {
    assert_eq!(of(&drawn(["100", "20"], "Q1")), [("Q1".to_owned(), "12000".to_owned())]);
    assert_eq!(of(&drawn(["0", "0"], "Q1")), NONE);
    let (before, after) = decided(["100", "0"], &setting());
    assert_eq!(after.goodwill_change(&before), Ok(cny("100")));
    assert_eq!(of(&after.draw_goodwill(&before, None).unwrap()), NONE);
}

#[test]
fn what_only_authorises_grants_nothing() {
    let (mut before, mut after) = decided(["100", "20"], &setting());
    before.kind = crate::claims::Kind::MajorAssembly;
    after.kind = before.kind;
    assert_eq!(after.goodwill_change(&before), Ok(cny("0")));
}

#[test]
fn an_appeal_draws_the_difference_on_the_budget_of_its_own_day() {
    let claim = appealed(reduced(), "96", Some("Q2"));
    assert_eq!(of(&claim), [("Q1".to_owned(), "15000".to_owned()), ("Q2".to_owned(), "4600".to_owned())]);
    assert_eq!(claim.decisions[1].goodwill_draws[0].amount, cny("46"));
    assert_eq!(claim.goodwill_fault(), Ok(None));
}

#[test]
fn an_appeal_that_lowers_gives_back_where_it_was_drawn() {
    let claim = appealed(reduced(), "0", Some("Q2"));
    assert_eq!(of(&claim), [("Q1".to_owned(), "10000".to_owned())]);
    assert_eq!(claim.decisions[1].goodwill_draws, [GoodwillDraw { budget: code("Q1"), amount: cny("-50") }]);
    assert_eq!(claim.goodwill_fault(), Ok(None));
}

#[test]
fn what_was_granted_without_a_budget_is_given_back_to_none() {
    let mut free = reduced();
    for round in &mut free.decisions {
        round.goodwill_draws.clear();
    }
    assert_eq!(of(&appealed(free, "0", None)), NONE);
}

#[test]
fn the_newest_draw_is_given_back_first_and_no_budget_more_than_it_gave() {
    let mut before = reduced();
    before.decisions[0].goodwill_draws = vec![
        GoodwillDraw { budget: code("Q1"), amount: cny("120") },
        GoodwillDraw { budget: code("Q2"), amount: cny("30") },
    ];
    let mut later = before.decisions[0].clone();
    later.goodwill_draws = vec![GoodwillDraw { budget: code("Q2"), amount: cny("-10") }];
    before.decisions.push(later);
    let back = given_back(&before, cny("-50")).unwrap();
    let amounts: Vec<_> = back.iter().map(|draw| (draw.budget.as_str(), draw.amount)).collect();
    assert_eq!(amounts, [("Q2", cny("-20")), ("Q1", cny("-30"))]);
}

#[test]
fn a_round_that_waits_reserves_and_uses_once_it_stands() {
    let limit = |level, limit| ApprovalLimit { level, currency: cny("1").currency, limit };
    let limited = Setting { approval_limits: vec![limit(0, Some(cny("10"))), limit(2, None)], ..setting() };
    let (before, after) = decided(["100", "20"], &limited);
    let waiting = after.draw_goodwill(&before, Some(&code("Q1"))).unwrap();
    assert_eq!((of(&waiting), waiting.goodwill_of(&code("Q1"))), (Vec::new(), Ok(cny("120"))));
    let by = Approver { user: OTHER_AUDITOR, level: 2 };
    let stands = waiting.clone().approve_decision(by, now(), day("2026-12-01"), &limited).unwrap();
    assert_eq!(of(&stands), [("Q1".to_owned(), "12000".to_owned())]);
    assert_eq!(stands.goodwill_reserved().unwrap(), Drawn::new());
    let declined = waiting.decline_decision(OTHER_AUDITOR).unwrap();
    assert_eq!(declined.goodwill_of(&code("Q1")), Ok(cny("0")), "nothing of it remains");
}

#[test]
fn draws_that_can_not_be_are_told() {
    let mut claim = reduced();
    claim.decisions[0].goodwill_draws[0].amount = cny("150.01");
    assert!(claim.goodwill_fault().unwrap().unwrap().contains("granted"));
    claim.decisions[0].goodwill_draws[0].amount = cny("-1");
    assert!(claim.goodwill_fault().unwrap().unwrap().contains("below zero"));
}
