use super::*;
use crate::catalog::setting::ApprovalLimit;
use crate::claims::sample::{AUDITOR, CLERK, OTHER_AUDITOR, cny, day, in_state, now, setting, time};
use crate::claims::{Code, LineDecision, Outcome, Party, Reason, Step, Verdict};
use crate::posting_rules;

fn later() -> DateTime<Utc> {
    time("2026-11-26T08:00:00Z")
}

fn verdict(line: u32, outcome: Outcome, approved: Option<&str>) -> Verdict {
    Verdict {
        line,
        outcome,
        approved: approved.map(cny),
        goodwill: None,
        reasons: if outcome == Outcome::Approved { Vec::new() } else { vec![Reason::of(Code::NotCovered)] },
        note: String::new(),
        internal_note: String::new(),
    }
}

fn review(auditor: UserId, verdicts: Vec<Verdict>) -> Review {
    Review { auditor, level: 0, may_grant_goodwill: false, verdicts, note: String::new(), internal_note: String::new() }
}

/// Decided by the first auditor: what was approved of 500 and of 96.
fn decided(verdicts: Vec<Verdict>) -> Claim {
    in_state(StateWord::InReview).adjudicate(review(AUDITOR, verdicts), now(), day("2026-11-23"), &setting()).unwrap()
}

fn rejected() -> Claim {
    decided(vec![verdict(1, Outcome::Rejected, None), verdict(2, Outcome::Rejected, None)])
}

fn reduced() -> Claim {
    decided(vec![verdict(1, Outcome::Approved, None), verdict(2, Outcome::Reduced, Some("40"))])
}

fn against(lines: &[u32]) -> NewAppeal {
    NewAppeal {
        lines: lines.to_vec(),
        grounds: "the photo shows it".to_owned(),
        evidence: Vec::new(),
        external_ref: String::new(),
    }
}

fn appealed(claim: Claim, lines: &[u32]) -> Claim {
    claim.appeal(against(lines), CLERK.into(), now(), &setting()).unwrap()
}

fn answer(claim: Claim, auditor: UserId, verdicts: Vec<Verdict>) -> Result<Claim, AppealError> {
    claim.decide_appeal(1, review(auditor, verdicts), later(), day("2026-11-26"), &setting())
}

fn rules(claim: Claim, lines: &[u32]) -> Vec<&'static str> {
    match claim.appeal(against(lines), CLERK.into(), now(), &setting()) {
        Err(AppealError::Lines(violations)) => violations.into_iter().map(|violation| violation.rule).collect(),
        other => panic!("{other:?}"),
    }
}

#[test]
fn an_open_appeal_leaves_the_claim_where_it_is_and_says_who_has_to_act() {
    let before = reduced();
    let claim = appealed(before.clone(), &[2]);
    assert_eq!(claim.state, before.state);
    let wait = claim.waits_for();
    assert_eq!((wait.party, wait.step, wait.since), (Party::Auditor, Step::AppealDecision, Some(now())));
    assert_eq!(wait.due_time, Some(time("2026-11-30T08:00:00Z")));
    assert_eq!(claim.open_appeal().map(|appeal| appeal.lines.clone()), Some(vec![2]));
    assert_eq!(claim.totals().unwrap(), before.totals().unwrap());
}

#[test]
fn an_appeal_names_decided_lines_that_have_something_to_gain() {
    assert_eq!(rules(reduced(), &[]), ["REQUIRED"]);
    assert_eq!(rules(reduced(), &[9]), ["UNKNOWN_LINE"]);
    assert_eq!(rules(reduced(), &[2, 2]), ["LINE_NAMED_TWICE"]);
    assert_eq!(rules(reduced(), &[1, 2]), ["APPROVED_AS_REQUESTED"]);
}

#[test]
fn one_appeal_is_open_at_a_time_and_only_until_its_deadline() {
    let claim = appealed(rejected(), &[1]);
    let again = claim.clone().appeal(against(&[2]), CLERK.into(), now(), &setting());
    assert_eq!(again, Err(AppealError::OpenAlready { number: 1 }));
    let due = rejected().state.appeal_due_time().unwrap();
    assert!(rejected().appeal(against(&[1]), CLERK.into(), due, &setting()).is_ok(), "on the last instant");
    let late = rejected().appeal(against(&[1]), CLERK.into(), due + Duration::milliseconds(1), &setting());
    assert_eq!(late, Err(AppealError::TooLate { due }));
}

#[test]
fn an_appeal_is_decided_by_a_level_that_covers_it() {
    let currency = cny("1").currency;
    let limits = vec![ApprovalLimit { level: 0, currency, limit: Some(cny("100")) }];
    let limited = Setting { approval_limits: limits, ..setting() };
    let claim = appealed(rejected(), &[1]);
    let review = review(OTHER_AUDITOR, vec![verdict(1, Outcome::Approved, None)]);
    let refused = claim.decide_appeal(1, review, later(), day("2026-11-26"), &limited);
    assert_eq!(refused, Err(AppealError::LevelTooLow));
}

#[test]
fn what_an_appeal_adds_needs_a_level_for_the_whole_claim() {
    let currency = cny("1").currency;
    // 500 and 40 stand; the appeal is about the second line, of which 96 were asked.
    for (limit, outcome, approved, refused) in [
        ("595.99", Outcome::Approved, None, true),
        ("596", Outcome::Approved, None, false),
        ("540", Outcome::Reduced, Some("40.01"), true),
        ("540.01", Outcome::Reduced, Some("40.01"), false),
        // Nothing is added: no limit is gone beyond, however low it is.
        ("1", Outcome::Reduced, Some("40"), false),
        ("1", Outcome::Reduced, Some("39"), false),
        ("1", Outcome::Rejected, None, false),
    ] {
        let limits = vec![ApprovalLimit { level: 0, currency, limit: Some(cny(limit)) }];
        let limited = Setting { approval_limits: limits, ..setting() };
        let review = review(OTHER_AUDITOR, vec![verdict(2, outcome, approved)]);
        let decided = appealed(reduced(), &[2]).decide_appeal(1, review, later(), day("2026-11-26"), &limited);
        let expected = if refused { Some(AppealError::LevelTooLow) } else { None };
        assert_eq!(decided.err(), expected, "{limit} {outcome:?} {approved:?}");
    }
}

#[test]
fn appeals_line_by_line_do_not_lead_beyond_a_level() {
    let currency = cny("1").currency;
    let row = |level, limit: Option<&str>| ApprovalLimit { level, currency, limit: limit.map(cny) };
    let limited = Setting { approval_limits: vec![row(0, Some("550")), row(3, None)], ..setting() };
    // 500 and 96: each is within the first level, both together are not.
    let first = answer(appealed(rejected(), &[1]), OTHER_AUDITOR, vec![verdict(1, Outcome::Approved, None)]).unwrap();
    let decide = |level, outcome| {
        let review = Review { level, ..review(CLERK, vec![verdict(2, outcome, None)]) };
        appealed(first.clone(), &[2]).decide_appeal(2, review, later(), day("2026-11-26"), &limited)
    };
    assert_eq!(decide(0, Outcome::Approved), Err(AppealError::LevelTooLow));
    assert!(decide(3, Outcome::Approved).is_ok());
    assert!(decide(0, Outcome::Rejected).is_ok(), "nothing is added");
}

#[test]
fn whoever_decided_the_claim_does_not_decide_its_appeal() {
    let claim = appealed(rejected(), &[1]);
    let verdicts = vec![verdict(1, Outcome::Approved, None)];
    assert_eq!(answer(claim.clone(), AUDITOR, verdicts.clone()), Err(AppealError::SameAuditor));
    assert!(answer(claim, OTHER_AUDITOR, verdicts).is_ok());
}

#[test]
fn a_rejected_claim_whose_appeal_succeeds_is_approved_and_posts_the_difference() {
    let claim = appealed(rejected(), &[1]);
    let claim = answer(claim, OTHER_AUDITOR, vec![verdict(1, Outcome::Approved, None)]).unwrap();
    assert_eq!(claim.state.word(), StateWord::Approved);
    assert_eq!(claim.state.promised_pay_date(), Some(day("2027-01-10")));
    assert_eq!(claim.state.appeal_due_time(), rejected().state.appeal_due_time(), "no new time for other lines");
    assert_eq!(claim.totals().unwrap().approved, Some(cny("500")));
    let round = claim.decisions.last().unwrap();
    assert_eq!((round.number, round.lines.len()), (2, 1), "only the lines under appeal");
    assert_eq!(round.appeal, Some(claim.appeal_name(1)));
    let state = &claim.appeal_of(1).unwrap().state;
    assert_eq!(*state, AppealState::Decided { decide_time: later(), round: 2 });
    let entry = posting_rules::newest_decision(&claim).unwrap().unwrap();
    assert_eq!(entry.effective_date, day("2026-11-26"), "dated the day of the decision");
    assert_eq!(entry.postings.iter().map(|posting| posting.amount).collect::<Vec<_>>(), [cny("500"), cny("-500")]);
}

#[test]
fn a_raise_posts_only_what_is_more_and_a_confirmation_nothing() {
    let raised = answer(appealed(reduced(), &[2]), OTHER_AUDITOR, vec![verdict(2, Outcome::Approved, None)]).unwrap();
    let entry = posting_rules::newest_decision(&raised).unwrap().unwrap();
    assert_eq!(entry.postings.iter().map(|posting| posting.amount).collect::<Vec<_>>(), [cny("56"), cny("-56")]);
    let same = vec![verdict(2, Outcome::Reduced, Some("40"))];
    let confirmed = answer(appealed(reduced(), &[2]), OTHER_AUDITOR, same).unwrap();
    assert_eq!(posting_rules::newest_decision(&confirmed).unwrap(), None);
    assert_eq!(confirmed.state, reduced().state);
}

#[test]
fn an_appeal_that_loses_everything_leaves_a_rejected_claim() {
    let only_second = decided(vec![verdict(1, Outcome::Rejected, None), verdict(2, Outcome::Reduced, Some("40"))]);
    let claim = appealed(only_second, &[2]);
    let claim = answer(claim, OTHER_AUDITOR, vec![verdict(2, Outcome::Rejected, None)]).unwrap();
    assert_eq!(claim.state.word(), StateWord::Rejected);
    let entry = posting_rules::newest_decision(&claim).unwrap().unwrap();
    assert_eq!(entry.postings.iter().map(|posting| posting.amount).collect::<Vec<_>>(), [cny("-40"), cny("40")]);
}

#[test]
fn what_is_paid_stays_paid_and_the_difference_is_a_supplement() {
    let mut claim = reduced();
    claim = claim.settle(now()).unwrap();
    let settled = claim.state.clone();
    let claim = answer(appealed(claim, &[2]), OTHER_AUDITOR, vec![verdict(2, Outcome::Approved, None)]).unwrap();
    assert_eq!(claim.state, settled);
    assert_eq!(claim.totals().unwrap().approved, Some(cny("596")));
}

#[test]
fn the_lines_under_appeal_are_decided_all_of_them_and_no_others() {
    let claim = appealed(rejected(), &[1]);
    let both = vec![verdict(1, Outcome::Approved, None), verdict(2, Outcome::Approved, None)];
    for (verdicts, rule) in [(both, "UNKNOWN_LINE"), (Vec::new(), "LINE_NOT_DECIDED")] {
        match answer(claim.clone(), OTHER_AUDITOR, verdicts) {
            Err(AppealError::Review(ReviewError::Verdicts(found))) => assert_eq!(found[0].rule, rule),
            other => panic!("{other:?}"),
        }
    }
}

#[test]
fn a_line_that_was_decided_on_appeal_is_final_and_the_others_are_not() {
    let claim = answer(appealed(rejected(), &[1]), OTHER_AUDITOR, vec![verdict(1, Outcome::Rejected, None)]).unwrap();
    assert_eq!(rules(claim.clone(), &[1]), ["DECIDED_ON_APPEAL"]);
    assert_eq!(appealed(claim, &[2]).open_appeal().map(|appeal| appeal.number), Some(2));
}

#[test]
fn a_withdrawn_appeal_changes_nothing_and_its_lines_may_be_appealed_again() {
    let claim = appealed(rejected(), &[1]).withdraw_appeal(1, CLERK, later()).unwrap();
    assert_eq!(claim.open_appeal(), None);
    assert_eq!(claim.clone().withdraw_appeal(1, CLERK, later()), Err(AppealError::NotOpen));
    let verdicts = vec![verdict(1, Outcome::Approved, None)];
    assert_eq!(answer(claim.clone(), OTHER_AUDITOR, verdicts), Err(AppealError::NotOpen));
    assert_eq!(appealed(claim, &[1]).open_appeal().map(|appeal| appeal.number), Some(2));
}

#[test]
fn a_claim_with_appeals_survives_its_document() {
    let claim = answer(appealed(rejected(), &[1]), OTHER_AUDITOR, vec![verdict(1, Outcome::Approved, None)]).unwrap();
    let claim = appealed(claim, &[2]);
    let document = serde_json::to_string(&claim).unwrap();
    assert_eq!(serde_json::from_str::<Claim>(&document).unwrap(), claim);
    let lines: Vec<&LineDecision> = claim.decisions.iter().flat_map(|round| &round.lines).collect();
    assert_eq!(lines.len(), 3);
}
