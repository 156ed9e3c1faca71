use super::*;
use crate::claims::sample::{AUDITOR, CLERK, OTHER_AUDITOR, code, day, facts, in_state, now, setting};
use crate::claims::{Code as ReasonCode, StateWord};
use crate::money::Money;

fn submitted() -> Claim {
    crate::claims::sample::draft().submit(&facts(), CLERK).unwrap().claim
}

fn decided(measure: &Measure) -> Claim {
    submitted()
        .decide_by_rule(measure, "adjudicationRuleSets/X.1/rules/R-1".to_owned(), now(), day("2026-11-23"), &setting())
        .unwrap()
}

fn assignment(to: Assignee) -> Assignment {
    Assignment { to, by: AUDITOR, note: "holiday".to_owned() }
}

#[test]
fn an_approval_by_rule_is_a_round_that_names_the_rule_and_pays_what_is_due() {
    let claim = decided(&Measure::Approve);
    assert_eq!(claim.state.word(), StateWord::Approved);
    let round = &claim.decisions[0];
    assert_eq!((round.number, round.revision, round.auditor), (1, 1, UserId::SYSTEM));
    assert_eq!(round.rule.as_deref(), Some("adjudicationRuleSets/X.1/rules/R-1"));
    for (line, decision) in claim.lines.iter().zip(&round.lines) {
        let pricing = line.pricing.as_ref().unwrap();
        let due = pricing.requested.minor.min(pricing.computed.unwrap().minor);
        assert_eq!(decision.approved, Money::new(claim.currency, due));
    }
    assert_eq!(claim.auditor(), None, "a rule is nobody");
    let entry = crate::posting_rules::newest_decision(&claim).unwrap().unwrap();
    assert_eq!(entry.cause, format!("claims/{}/decisions/1", claim.id));
}

#[test]
fn a_line_that_asks_for_more_than_computed_gets_what_is_computed() {
    let mut draft = crate::claims::sample::draft();
    draft.lines[0].content.requested_amount = Some(crate::claims::sample::cny("900"));
    let claim = draft.submit(&facts(), CLERK).unwrap().claim;
    let claim = claim.decide_by_rule(&Measure::Approve, "r".to_owned(), now(), day("2026-11-23"), &setting()).unwrap();
    assert_eq!(claim.decisions[0].lines[0].approved, crate::claims::sample::cny("500"));
}

#[test]
fn a_rejection_by_rule_rejects_every_line_with_its_reasons() {
    let claim = decided(&Measure::Reject(vec![Reason::of(ReasonCode::NoSaleRecord)]));
    assert_eq!(claim.state.word(), StateWord::Rejected);
    for decision in &claim.decisions[0].lines {
        assert_eq!((decision.outcome, decision.approved.minor), (Outcome::Rejected, 0));
        assert_eq!(decision.reasons[0].code, ReasonCode::NoSaleRecord);
    }
    assert_eq!(crate::posting_rules::newest_decision(&claim).unwrap(), None, "nothing is owed");
}

#[test]
fn a_return_by_rule_names_the_rule_and_leaves_no_decision() {
    let claim = decided(&Measure::Return(vec![Reason::of(ReasonCode::EvidenceMissing)]));
    assert_eq!(claim.state.word(), StateWord::Returned);
    let returned = claim.last_return.unwrap();
    assert_eq!(
        (returned.auditor, returned.rule.as_deref()),
        (UserId::SYSTEM, Some("adjudicationRuleSets/X.1/rules/R-1"))
    );
    assert!(claim.decisions.is_empty());
}

#[test]
fn what_a_person_decides_stays_submitted() {
    assert_eq!(decided(&Measure::Person(Some(code("SAFETY")))), submitted());
}

#[test]
fn the_queue_is_the_rules_else_the_one_that_serves_the_claim() {
    let alone = submitted().routed(None, Some(code("EAST")));
    assert_eq!(alone.queue(), Some(&code("EAST")));
    assert_eq!(submitted().routed(None, None).routing, None, "nothing to say");
    assert_eq!(alone.index().unwrap().head.queue.as_deref(), Some("EAST"));
}

#[test]
fn an_auditor_gives_back_what_they_review_and_the_due_time_stays() {
    let due = in_state(StateWord::InReview).state.review_due_time();
    let released = in_state(StateWord::InReview).release_review(AUDITOR).unwrap();
    assert_eq!((released.state.word(), released.state.review_due_time()), (StateWord::Submitted, due));
    assert_eq!(
        in_state(StateWord::InReview).release_review(OTHER_AUDITOR).unwrap_err(),
        TransitionError::AnotherAuditor
    );
}

#[test]
fn a_claim_is_handed_to_an_auditor_or_into_a_queue_with_a_note() {
    let due = in_state(StateWord::InReview).state.review_due_time();
    let handed = in_state(StateWord::InReview).reassign(assignment(Assignee::Auditor(OTHER_AUDITOR)), now()).unwrap();
    assert_eq!((handed.state.auditor(), handed.state.review_due_time()), (Some(OTHER_AUDITOR), due));
    let routing = handed.routing.clone().unwrap();
    assert_eq!((routing.assigned_by, routing.note.as_str()), (Some(AUDITOR), "holiday"));
    let queued = handed.reassign(assignment(Assignee::Queue(code("WEST"))), now()).unwrap();
    assert_eq!((queued.state.word(), queued.queue()), (StateWord::Submitted, Some(&code("WEST"))));
}

#[test]
fn while_an_appraisal_is_open_somebody_waits_for_it() {
    let mut claim = in_state(StateWord::InReview);
    if let State::InReview { awaiting_appraisal, .. } = &mut claim.state {
        *awaiting_appraisal = true;
    }
    assert_eq!(claim.clone().release_review(AUDITOR).unwrap_err(), TransitionError::AwaitingAppraisal);
    let queue = assignment(Assignee::Queue(code("WEST")));
    assert_eq!(claim.clone().reassign(queue, now()).unwrap_err(), TransitionError::AwaitingAppraisal);
    let handed = claim.reassign(assignment(Assignee::Auditor(OTHER_AUDITOR)), now()).unwrap();
    assert!(matches!(handed.state, State::InReview { awaiting_appraisal: true, .. }));
}

#[test]
fn a_document_from_before_has_no_routing() {
    let mut old = serde_json::to_value(submitted()).unwrap();
    assert!(old.get("routing").is_none());
    old.as_object_mut().unwrap().remove("routing");
    assert_eq!(serde_json::from_value::<Claim>(old).unwrap().routing, None);
}
