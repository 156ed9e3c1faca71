use super::*;
use crate::claims::clock::PauseReason;
use crate::claims::sample::{AUDITOR, CLERK, OTHER_AUDITOR, approve_all, day, facts, in_state, now, setting, time};
use crate::claims::state::StateWord;
use crate::claims::{AppealError, ApprovalError, Approver, Hold, NewAppeal, Proposal};
use crate::claims::{Code, Kind};

/// Where verbs lead. Every pair of state and verb that is not listed is refused.
const STEPS: [(StateWord, Verb, StateWord); 53] = [
    (StateWord::Draft, Verb::Update, StateWord::Draft),
    (StateWord::Draft, Verb::Submit, StateWord::Submitted),
    (StateWord::Draft, Verb::Withdraw, StateWord::Withdrawn),
    (StateWord::Submitted, Verb::StartReview, StateWord::InReview),
    (StateWord::Submitted, Verb::Withdraw, StateWord::Withdrawn),
    (StateWord::InReview, Verb::StartReview, StateWord::InReview),
    (StateWord::InReview, Verb::Adjudicate, StateWord::Approved),
    (StateWord::InReview, Verb::Return, StateWord::Returned),
    (StateWord::Returned, Verb::Update, StateWord::Returned),
    (StateWord::Returned, Verb::Submit, StateWord::Submitted),
    (StateWord::Returned, Verb::Withdraw, StateWord::Withdrawn),
    (StateWord::Returned, Verb::Lapse, StateWord::Lapsed),
    (StateWord::Approved, Verb::Settle, StateWord::Settled),
    (StateWord::Approved, Verb::Close, StateWord::Closed),
    (StateWord::Submitted, Verb::DeemApproved, StateWord::Approved),
    (StateWord::InReview, Verb::DeemApproved, StateWord::Approved),
    (StateWord::Submitted, Verb::Reassign, StateWord::InReview),
    (StateWord::InReview, Verb::Reassign, StateWord::InReview),
    (StateWord::InReview, Verb::ReleaseReview, StateWord::Submitted),
    (StateWord::InReview, Verb::ApproveDecision, StateWord::Approved),
    (StateWord::InReview, Verb::DeclineDecision, StateWord::InReview),
    (StateWord::Approved, Verb::Appeal, StateWord::Approved),
    (StateWord::Rejected, Verb::Appeal, StateWord::Rejected),
    (StateWord::Settled, Verb::Appeal, StateWord::Settled),
    (StateWord::Closed, Verb::Appeal, StateWord::Closed),
    (StateWord::Approved, Verb::DecideAppeal, StateWord::Approved),
    (StateWord::Rejected, Verb::DecideAppeal, StateWord::Approved),
    (StateWord::Settled, Verb::DecideAppeal, StateWord::Settled),
    (StateWord::Closed, Verb::DecideAppeal, StateWord::Closed),
    (StateWord::Approved, Verb::WithdrawAppeal, StateWord::Approved),
    (StateWord::Rejected, Verb::WithdrawAppeal, StateWord::Rejected),
    (StateWord::Settled, Verb::WithdrawAppeal, StateWord::Settled),
    (StateWord::Closed, Verb::WithdrawAppeal, StateWord::Closed),
    (StateWord::Submitted, Verb::Escalate, StateWord::Submitted),
    (StateWord::InReview, Verb::Escalate, StateWord::InReview),
    (StateWord::Approved, Verb::Escalate, StateWord::Approved),
    (StateWord::Rejected, Verb::Escalate, StateWord::Rejected),
    (StateWord::Settled, Verb::Escalate, StateWord::Settled),
    (StateWord::Closed, Verb::Escalate, StateWord::Closed),
    (StateWord::Submitted, Verb::Hold, StateWord::Submitted),
    (StateWord::InReview, Verb::Hold, StateWord::InReview),
    (StateWord::Returned, Verb::Hold, StateWord::Returned),
    (StateWord::Approved, Verb::Hold, StateWord::Approved),
    (StateWord::Rejected, Verb::Hold, StateWord::Rejected),
    (StateWord::Settled, Verb::Hold, StateWord::Settled),
    (StateWord::Closed, Verb::Hold, StateWord::Closed),
    (StateWord::Submitted, Verb::ReleaseHold, StateWord::Submitted),
    (StateWord::InReview, Verb::ReleaseHold, StateWord::InReview),
    (StateWord::Returned, Verb::ReleaseHold, StateWord::Returned),
    (StateWord::Approved, Verb::ReleaseHold, StateWord::Approved),
    (StateWord::Rejected, Verb::ReleaseHold, StateWord::Rejected),
    (StateWord::Settled, Verb::ReleaseHold, StateWord::Settled),
    (StateWord::Closed, Verb::ReleaseHold, StateWord::Closed),
];

fn leads_to(state: StateWord, verb: Verb) -> Option<StateWord> {
    STEPS.into_iter().find(|step| (step.0, step.1) == (state, verb)).map(|step| step.2)
}

fn returning(auditor: UserId) -> Returning {
    Returning {
        auditor,
        reasons: vec![Reason::of(Code::EvidenceMissing)],
        note: "photo".to_owned(),
        internal_note: String::new(),
    }
}

/// Does the verb in earnest, long after every deadline.
fn perform(claim: Claim, verb: Verb) -> Result<Claim, TransitionError> {
    let late = time("2027-06-01T00:00:00Z");
    match verb {
        Verb::Update => {
            let header = claim.header.clone();
            claim.update(header, Vec::new()).map_err(|error| match error {
                crate::claims::draft::UpdateError::Transition(error) => error,
                crate::claims::draft::UpdateError::Content(violations) => panic!("{violations:?}"),
            })
        }
        Verb::Submit => match claim.submit(&facts(), CLERK) {
            Ok(submitted) => Ok(submitted.claim),
            Err(SubmitError::Transition(error)) => Err(error),
            Err(other) => panic!("{other:?}"),
        },
        Verb::StartReview => claim.start_review(AUDITOR, now()),
        Verb::Adjudicate => {
            let review = approve_all(&claim);
            claim.adjudicate(review, now(), day("2026-11-23"), &setting()).map_err(|error| match error {
                ReviewError::Transition(error) => error,
                other => panic!("{other:?}"),
            })
        }
        Verb::Return => claim.return_(returning(AUDITOR), now(), &setting()),
        Verb::Withdraw => claim.withdraw(CLERK, "twice".to_owned(), now()),
        Verb::Lapse => claim.lapse(late),
        Verb::Settle => claim.settle(now()),
        Verb::Close => claim.close(now()),
        Verb::DeemApproved => {
            let setting = crate::catalog::Setting { deemed_approval: true, ..setting() };
            claim.deem_approved(late, day("2027-06-01"), &setting).map_err(|error| match error {
                ReviewError::Transition(error) => error,
                other => panic!("{other:?}"),
            })
        }
        Verb::ReleaseReview => claim.release_review(AUDITOR),
        Verb::Reassign => {
            let to = crate::claims::Assignee::Auditor(OTHER_AUDITOR);
            claim.reassign(crate::claims::Assignment { to, by: AUDITOR, note: "holiday".to_owned() }, now())
        }
        Verb::ApproveDecision => of_approval(with_proposal(claim).approve_decision(
            Approver { user: OTHER_AUDITOR, level: 1 },
            now(),
            day("2026-11-23"),
            &setting(),
        )),
        Verb::DeclineDecision => of_approval(with_proposal(claim).decline_decision(OTHER_AUDITOR)),
        Verb::Appeal => of_transition(with_rejection(claim).appeal(appeal(), CLERK.into(), now(), &setting())),
        Verb::DecideAppeal => {
            let claim = with_open_appeal(claim);
            let review = Review { auditor: OTHER_AUDITOR, ..approve_all(&claim) };
            of_transition(claim.decide_appeal(1, review, now(), day("2026-11-23"), &setting()))
        }
        Verb::WithdrawAppeal => of_transition(with_open_appeal(claim).withdraw_appeal(1, CLERK, now())),
        Verb::Hold => with_appeal_if_decided(claim).hold_for(hold()),
        Verb::ReleaseHold => Claim { hold: Some(hold()), ..with_appeal_if_decided(claim) }.release_hold(late),
        Verb::Escalate => {
            let step = crate::catalog::setting::EscalationStep { days_overdue: 0, queue: None };
            let setting = crate::catalog::Setting { escalations: vec![step], ..setting() };
            with_appeal_if_decided(claim).escalate(late, &setting)
        }
    }
}

fn hold() -> Hold {
    Hold {
        reason: PauseReason::Investigation,
        hold_time: now(),
        until: None,
        end_time: None,
        held_by: AUDITOR,
        internal_note: String::new(),
    }
}

/// What is decided waits for something only while an appeal is open.
fn with_appeal_if_decided(claim: Claim) -> Claim {
    match claim.state.word() {
        StateWord::Approved | StateWord::Rejected | StateWord::Settled | StateWord::Closed => with_open_appeal(claim),
        StateWord::Draft
        | StateWord::Submitted
        | StateWord::InReview
        | StateWord::Returned
        | StateWord::Withdrawn
        | StateWord::Lapsed => claim,
    }
}

#[test]
fn what_is_decided_is_neither_held_nor_escalated_unless_an_appeal_is_open() {
    let step = crate::catalog::setting::EscalationStep { days_overdue: 0, queue: None };
    let escalating = crate::catalog::Setting { escalations: vec![step], ..setting() };
    for state in [StateWord::Approved, StateWord::Rejected, StateWord::Settled, StateWord::Closed] {
        let refused = in_state(state).escalate(time("2027-06-01T00:00:00Z"), &escalating);
        assert_eq!(refused, Err(TransitionError::WrongState { verb: Verb::Escalate, state }));
        let refused = in_state(state).hold_for(hold());
        assert_eq!(refused, Err(TransitionError::WrongState { verb: Verb::Hold, state }));
    }
}

/// With a decision that waits for approval, whatever the state says.
fn with_proposal(claim: Claim) -> Claim {
    let reviewed = in_state(StateWord::InReview);
    let review = approve_all(&reviewed);
    let decided = reviewed.adjudicate(review, now(), day("2026-11-23"), &setting()).unwrap();
    let round = decided.decisions[0].clone();
    Claim { proposal: Some(Box::new(Proposal { round, level: 0 })), ..claim }
}

fn of_approval(moved: Result<Claim, ApprovalError>) -> Result<Claim, TransitionError> {
    moved.map_err(|error| match error {
        ApprovalError::Transition(error) => error,
        other => panic!("{other:?}"),
    })
}

fn appeal() -> NewAppeal {
    NewAppeal {
        lines: vec![1, 2],
        grounds: "it was covered".to_owned(),
        evidence: Vec::new(),
        external_ref: String::new(),
    }
}

/// With the round that rejected its lines, whatever the state says.
fn with_rejection(claim: Claim) -> Claim {
    let mut reviewed = in_state(StateWord::InReview);
    let mut review = approve_all(&reviewed);
    for verdict in &mut review.verdicts {
        verdict.outcome = Outcome::Rejected;
        verdict.reasons = vec![Reason::of(Code::NotCovered)];
    }
    reviewed = reviewed.adjudicate(review, now(), day("2026-11-23"), &setting()).unwrap();
    Claim { decisions: reviewed.decisions, ..claim }
}

/// With an appeal against that round.
fn with_open_appeal(claim: Claim) -> Claim {
    let rejected = with_rejection(in_state(StateWord::Rejected));
    let appealed = rejected.appeal(appeal(), CLERK.into(), now(), &setting()).unwrap();
    Claim { decisions: appealed.decisions, appeals: appealed.appeals, ..claim }
}

fn of_transition(moved: Result<Claim, AppealError>) -> Result<Claim, TransitionError> {
    moved.map_err(|error| match error {
        AppealError::Transition(error) => error,
        other => panic!("{other:?}"),
    })
}

#[test]
fn the_truth_table_of_states_and_verbs() {
    for state in StateWord::ALL {
        for verb in Verb::ALL {
            let moved = perform(in_state(state), verb);
            match leads_to(state, verb) {
                Some(next) => assert_eq!(moved.map(|claim| claim.state.word()), Ok(next), "{state:?} {verb:?}"),
                None => assert_eq!(moved, Err(TransitionError::WrongState { verb, state }), "{state:?} {verb:?}"),
            }
        }
    }
}

#[test]
fn a_refused_verb_says_where_it_is_possible() {
    let error = perform(in_state(StateWord::Settled), Verb::Withdraw).unwrap_err();
    let said = "the claim is SETTLED; withdraw is possible in DRAFT, SUBMITTED, RETURNED";
    assert!(error.text().en.starts_with(said), "{}", error.text().en);
    assert!(error.text().zh_cn.contains("SETTLED"));
}

#[test]
fn a_submission_freezes_a_revision_and_sets_the_review_due() {
    let submitted = in_state(StateWord::Draft).submit(&facts(), CLERK).unwrap();
    assert_eq!((submitted.revision.number, submitted.claim.revision()), (1, 1));
    assert_eq!(submitted.revision.claim, submitted.claim);
    assert_eq!(submitted.claim.state.review_due_time(), Some(time("2026-11-30T08:00:00Z")));
}

#[test]
fn a_resubmission_is_the_next_revision_and_keeps_the_first_date() {
    let mut later = facts();
    later.now = time("2026-11-25T08:00:00Z");
    let submitted = in_state(StateWord::Returned).submit(&later, CLERK).unwrap();
    let submission = submitted.claim.submission.unwrap();
    assert_eq!((submission.revision, submission.first_submit_time, submission.submit_time), (2, now(), later.now));
    assert_eq!(submitted.revision.number, 2);
}

#[test]
fn errors_refuse_a_submission_and_every_finding_is_told() {
    let mut claim = in_state(StateWord::Draft);
    claim.header.failure_code = None;
    claim.header.cause_description = String::new();
    match claim.submit(&facts(), CLERK) {
        Err(SubmitError::HasErrors(findings)) => {
            let fields: Vec<_> =
                findings.iter().filter(|finding| finding.blocks()).map(|finding| finding.field.as_str()).collect();
            assert_eq!(fields, ["cause_description", "failure_code"]);
        }
        other => panic!("{other:?}"),
    }
}

#[test]
fn another_auditor_takes_over_and_the_same_one_changes_nothing() {
    let claim = in_state(StateWord::InReview);
    let later = time("2026-11-24T08:00:00Z");
    assert_eq!(claim.clone().start_review(AUDITOR, later), Ok(claim.clone()));
    let taken = claim.start_review(OTHER_AUDITOR, later).unwrap();
    assert_eq!(taken.state.auditor(), Some(OTHER_AUDITOR));
    assert_eq!(taken.state.review_due_time(), in_state(StateWord::InReview).state.review_due_time());
}

#[test]
fn only_the_auditor_who_reviews_returns() {
    let refused = in_state(StateWord::InReview).return_(returning(OTHER_AUDITOR), now(), &setting());
    assert_eq!(refused, Err(TransitionError::AnotherAuditor));
}

#[test]
fn kinds_that_are_not_returned_are_refused() {
    let mut setting = setting();
    setting.returnable_kinds = vec![Kind::MajorAssembly];
    for kind in Kind::ALL {
        let mut claim = in_state(StateWord::InReview);
        claim.kind = kind;
        let returned = claim.return_(returning(AUDITOR), now(), &setting);
        let expected =
            if kind == Kind::MajorAssembly { Ok(StateWord::Returned) } else { Err(TransitionError::NotReturnable) };
        assert_eq!(returned.map(|claim| claim.state.word()), expected, "{kind:?}");
    }
}

#[test]
fn a_return_says_until_when_and_lapses_only_after_that() {
    let returned = in_state(StateWord::InReview).return_(returning(AUDITOR), now(), &setting()).unwrap();
    let due = time("2026-12-23T08:00:00Z");
    assert_eq!(returned.state.answer_due_time(), Some(due));
    assert_eq!(returned.clone().lapse(due), Err(TransitionError::NotDue));
    let lapsed = returned.lapse(due + Duration::milliseconds(1)).unwrap();
    assert_eq!(lapsed.state.word(), StateWord::Lapsed);
}

#[test]
fn a_withdrawn_or_rejected_claim_takes_back_its_odometer_reading_and_its_job() {
    for state in StateWord::ALL {
        let claim = in_state(state);
        let live = match state {
            StateWord::Submitted
            | StateWord::InReview
            | StateWord::Approved
            | StateWord::Returned
            | StateWord::Settled
            | StateWord::Closed => true,
            StateWord::Draft | StateWord::Rejected | StateWord::Withdrawn | StateWord::Lapsed => false,
        };
        assert_eq!(claim.odometer_reading().is_some(), live, "{state:?}");
        assert_eq!(claim.index().unwrap().open_job_key.is_some(), live, "{state:?}");
    }
}

#[test]
fn a_claim_in_any_state_survives_its_document() {
    for state in StateWord::ALL {
        let claim = in_state(state);
        let document = serde_json::to_string(&claim).unwrap();
        assert!(document.contains(&format!("\"state\":\"{}\"", state.word())), "{document}");
        assert_eq!(serde_json::from_str::<Claim>(&document).unwrap(), claim);
    }
}
