use super::*;
use crate::catalog::setting::ApprovalLimit;
use crate::claims::sample::{AUDITOR, OTHER_AUDITOR, cny, day, in_state, now, setting, time};
use crate::claims::{Outcome, Party, Review, StateWord, Step, Verdict};
use uuid::Uuid;

const DIRECTOR: UserId = UserId(Uuid::from_u128(0xd1));

/// Level 0 up to 100, level 1 up to 550, level 2 without limit.
fn limited() -> Setting {
    let limit =
        |level, amount: Option<&str>| ApprovalLimit { level, currency: cny("1").currency, limit: amount.map(cny) };
    Setting { approval_limits: vec![limit(0, Some("100")), limit(1, Some("550")), limit(2, None)], ..setting() }
}

fn approve_all(level: i32, setting: &Setting) -> Claim {
    let verdict = |line| Verdict {
        line,
        outcome: Outcome::Approved,
        approved: None,
        goodwill: None,
        reasons: Vec::new(),
        note: String::new(),
        internal_note: String::new(),
    };
    let review = Review {
        auditor: AUDITOR,
        level,
        may_grant_goodwill: false,
        verdicts: vec![verdict(1), verdict(2)],
        note: String::new(),
        internal_note: String::new(),
    };
    in_state(StateWord::InReview).adjudicate(review, now(), day("2026-11-23"), setting).unwrap()
}

fn by(user: UserId, level: i32) -> Approver {
    Approver { user, level }
}

fn approve(claim: Claim, by: Approver) -> Result<Claim, ApprovalError> {
    claim.approve_decision(by, time("2026-11-24T08:00:00Z"), day("2026-11-24"), &limited())
}

#[test]
fn without_limits_a_decision_stands_at_once() {
    assert_eq!(approve_all(0, &setting()).state.word(), StateWord::Approved);
}

#[test]
fn up_to_the_limit_a_decision_stands_and_beyond_it_waits() {
    assert_eq!(approve_all(2, &limited()).state.word(), StateWord::Approved);
    let claim = approve_all(0, &limited());
    assert_eq!(claim.state.word(), StateWord::InReview);
    assert!(claim.awaits_approval() && claim.decisions.is_empty(), "nothing stands yet");
    assert_eq!(claim.totals().unwrap().approved, None);
    let wait = claim.waits_for();
    assert_eq!((wait.party, wait.step), (Party::Auditor, Step::Approval));
}

#[test]
fn each_step_is_a_higher_level_and_another_person_until_the_amount_is_covered() {
    let claim = approve_all(0, &limited());
    assert_eq!(approve(claim.clone(), by(AUDITOR, 2)), Err(ApprovalError::SamePerson));
    assert_eq!(approve(claim.clone(), by(OTHER_AUDITOR, 0)), Err(ApprovalError::LevelTooLow { needed: 1 }));
    // 596 are more than the second level's 550.
    let claim = approve(claim, by(OTHER_AUDITOR, 1)).unwrap();
    assert_eq!(claim.state.word(), StateWord::InReview);
    assert_eq!(approve(claim.clone(), by(OTHER_AUDITOR, 2)), Err(ApprovalError::SamePerson));
    assert_eq!(approve(claim.clone(), by(DIRECTOR, 1)), Err(ApprovalError::LevelTooLow { needed: 2 }));
    let claim = approve(claim, by(DIRECTOR, 2)).unwrap();
    assert_eq!(claim.state.word(), StateWord::Approved);
    let round = &claim.decisions[0];
    assert_eq!((round.number, round.level, round.auditor), (1, 3, AUDITOR));
    assert_eq!(round.decide_date, day("2026-11-24"), "the day on which it came to stand");
    assert!([AUDITOR, OTHER_AUDITOR, DIRECTOR].into_iter().all(|user| round.is_by(user)));
    assert!(claim.proposal().is_none());
}

#[test]
fn a_declined_proposal_goes_back_to_the_auditor() {
    let claim = approve_all(0, &limited());
    assert_eq!(claim.clone().decline_decision(AUDITOR), Err(ApprovalError::SamePerson));
    let claim = claim.decline_decision(OTHER_AUDITOR).unwrap();
    assert_eq!((claim.state.word(), claim.awaits_approval()), (StateWord::InReview, false));
    assert_eq!(claim.clone().decline_decision(OTHER_AUDITOR), Err(ApprovalError::NothingProposed));
    assert_eq!(approve(claim, by(OTHER_AUDITOR, 2)), Err(ApprovalError::NothingProposed));
}

#[test]
fn taking_the_review_over_drops_the_proposal() {
    let claim = approve_all(0, &limited()).start_review(OTHER_AUDITOR, now()).unwrap();
    assert!(!claim.awaits_approval());
    let same = approve_all(0, &limited());
    assert_eq!(same.clone().start_review(AUDITOR, now()), Ok(same));
}

#[test]
fn limits_of_one_currency_say_nothing_of_another() {
    let setting = limited();
    let euro = |amount: &str| Money::parse(crate::money::Currency::parse("EUR").unwrap(), amount).unwrap();
    assert!(setting.may_approve(0, euro("1000000")));
    assert!(setting.may_approve(0, cny("100")) && !setting.may_approve(0, cny("100.01")));
    assert!(!setting.may_approve(-1, cny("0.01")), "a level below every row approves nothing");
    assert!(setting.may_approve(-1, cny("0")), "a rejection needs no level");
    assert!(setting.may_approve(7, cny("1000000")));
}
