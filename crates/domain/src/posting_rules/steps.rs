//! Whatever is decided, proposed, approved at a higher level, returned, appealed against, held or paid, in whatever
//! order: what was posted is what the newest decisions say, line by line, and budgets and recoveries follow.

use proptest::prelude::*;
use uuid::Uuid;

use super::*;
use crate::catalog::Setting;
use crate::catalog::setting::ApprovalLimit;
use crate::claims::sample::{AUDITOR, CLERK, cny, code, day, facts, in_state, now, setting};
use crate::claims::{
    Approver, Code as ReasonCode, Goodwill, Hold, NewAppeal, Outcome, PauseReason, Reason, Returning, Review,
    StateWord, Verdict,
};
use crate::ids::UserId;
use crate::ledger::{Entry, FoundEntry, compare};
use crate::money::{Currency, Quantity};
use crate::recovery_claims::LineAnswer;
use crate::recovery_claims::tests::{arisen, contract, liable, moment};

/// Things that can be tried.
const VERBS: u8 = 9;

/// One thing that somebody tries.
#[derive(Clone, Debug)]
struct Step {
    verb: u8,
    lines: [bool; 2],
    verdicts: [(u8, u8, u8); 2],
    supplier_answers: bool,
}

fn step() -> impl Strategy<Value = Step> {
    let verdict = (0_u8..4, 0_u8..=100, 0_u8..=100);
    (0_u8..VERBS, any::<[bool; 2]>(), prop::array::uniform2(verdict), any::<bool>())
        .prop_map(|(verb, lines, verdicts, supplier_answers)| Step { verb, lines, verdicts, supplier_answers })
}

/// Level 0 decides up to 100.00 alone, level 9 anything.
fn limited() -> Setting {
    let limit = |level, limit| ApprovalLimit { level, currency: Currency::CNY, limit };
    Setting { approval_limits: vec![limit(0, Some(cny("100"))), limit(9, None)], ..setting() }
}

fn verdict(claim: &Claim, line: u32, (kind, percent, gift): (u8, u8, u8)) -> Verdict {
    let known = claim.line(line).unwrap();
    let requested = known.pricing.as_ref().unwrap().requested.minor;
    let due = crate::claims::review::due(claim, known).minor;
    let of = |whole: i64, percent: u8| whole * i64::from(percent) / 100;
    let reduced = of(due, percent);
    let (outcome, approved, goodwill) = match kind {
        0 => (Outcome::Approved, None, None),
        1 if reduced > 0 && reduced < requested => (Outcome::Reduced, Some(reduced), Some(of(reduced, gift))),
        1 | 2 => (Outcome::Rejected, None, None),
        _ => (Outcome::Approved, Some(requested), Some(of(requested, gift).max(requested - due))),
    };
    let money = |minor| Money::new(Currency::CNY, minor);
    Verdict {
        line,
        outcome,
        approved: approved.map(money),
        goodwill: goodwill.map(|minor| Goodwill::Amount(money(minor))),
        reasons: vec![Reason::of(ReasonCode::NotCovered)],
        note: String::new(),
        internal_note: String::new(),
    }
}

fn review(claim: &Claim, lines: &[u32], auditor: UserId, level: i32, step: &Step) -> Review {
    let verdicts = lines.iter().filter_map(|line| {
        let place = claim.lines.iter().position(|known| known.number == *line)?;
        Some(verdict(claim, *line, *step.verdicts.get(place)?))
    });
    Review {
        auditor,
        level,
        may_grant_goodwill: true,
        verdicts: verdicts.collect(),
        note: String::new(),
        internal_note: String::new(),
    }
}

/// The claim after a step, as the services take it; none if it was refused.
fn taken(claim: &Claim, step: &Step, nth: usize) -> Option<Claim> {
    let (claim, before, today, setting) = (claim.clone(), claim.clone(), day("2026-11-23"), limited());
    let another = UserId(Uuid::from_u128(0xb000 + nth as u128));
    let budget = code(if step.lines[0] { "B-1" } else { "B-2" });
    let all: Vec<u32> = claim.lines.iter().map(|line| line.number).collect();
    let decided = match step.verb {
        verb @ (0 | 1) => {
            let level = if verb == 0 { 9 } else { 0 };
            let review = review(&claim, &all, AUDITOR, level, step);
            claim.adjudicate(review, now(), today, &setting).ok()?
        }
        2 => return claim.approve_decision(Approver { user: another, level: 9 }, now(), today, &setting).ok(),
        3 => {
            let lines = all.iter().zip(step.lines).filter(|(_, named)| *named).map(|(line, _)| *line).collect();
            let appeal =
                NewAppeal { lines, grounds: "more".to_owned(), evidence: Vec::new(), external_ref: String::new() };
            return claim.appeal(appeal, CLERK.into(), now(), &setting).ok();
        }
        4 => {
            let open = claim.open_appeal()?.clone();
            let review = review(&claim, &open.lines, another, 9, step);
            claim.decide_appeal(open.number, review, now(), today, &setting).ok()?
        }
        5 => {
            let number = claim.open_appeal()?.number;
            return claim.withdraw_appeal(number, CLERK, now()).ok();
        }
        6 => {
            let returning =
                Returning { auditor: AUDITOR, reasons: Vec::new(), note: String::new(), internal_note: String::new() };
            let returned = claim.return_(returning, now(), &setting).ok()?;
            let corrected = returned.submit(&facts(), CLERK).ok()?.claim;
            return corrected.start_review(AUDITOR, now()).ok();
        }
        7 => return claim.settle(now()).ok(),
        _ if claim.hold().is_some() => return claim.release_hold(now()).ok(),
        _ => {
            let hold = Hold {
                reason: PauseReason::Investigation,
                hold_time: now(),
                until: None,
                end_time: None,
                held_by: AUDITOR,
                internal_note: String::new(),
            };
            return claim.hold_for(hold).ok();
        }
    };
    Some(decided.draw_goodwill(&before, Some(&budget)).unwrap())
}

/// The recovery after a decision on its claim, and after its supplier did what it may.
fn followed(recovery: Option<RecoveryClaim>, claim: &Claim, decided: bool, answers: bool) -> Option<RecoveryClaim> {
    let approves = claim.totals().unwrap().approved.is_some_and(|approved| !approved.is_zero());
    let recovery = match recovery {
        None if decided && approves => {
            let arisen = arisen(claim, Ok(liable(&[3_333, 3_334], 1, contract())));
            Some(arisen).filter(|recovery| !recovery.asks_for_nothing().unwrap())?
        }
        None => return None,
        Some(recovery) if decided => recovery.adjust(claim, moment(1)).unwrap(),
        Some(recovery) => recovery,
    };
    if !answers {
        return Some(recovery);
    }
    let issued = match recovery.state {
        State::Open => recovery.issue(&[], "w".into(), AUDITOR, now()).unwrap(),
        State::Issued | State::PartlyConfirmed => recovery,
        State::Unresolved
        | State::Confirmed
        | State::Disputed
        | State::DeemedConfirmed
        | State::Settled
        | State::Waived => return Some(recovery),
    };
    let confirm = issued.open_lines().map(|line| (line.line, LineAnswer::Confirm)).collect();
    Some(issued.answer(confirm, moment(2)).unwrap())
}

/// What stands on an account for a line.
fn balance(entries: &[Proposal], account: Account, line: u32) -> i64 {
    let postings = entries.iter().flat_map(|entry| &entry.postings);
    postings.filter(|one| one.account == account && one.line == Some(line)).map(|one| one.amount.minor).sum()
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 512, ..ProptestConfig::default() })]

    #[test]
    fn whatever_is_done_to_a_claim_its_books_are_what_it_says(
        amounts in prop::array::uniform2((0_i64..=100_000, prop::option::of(0_i64..=100_000))),
        pieces in 1_i64..=3_000,
        steps in prop::collection::vec(step(), 1..14),
    ) {
        let mut claim = in_state(StateWord::InReview);
        claim.lines[0].content.quantity = Some(Quantity(pieces));
        for (line, (requested, computed)) in claim.lines.iter_mut().zip(amounts) {
            let pricing = line.pricing.as_mut().unwrap();
            pricing.requested = Money::new(Currency::CNY, requested);
            pricing.computed = computed.map(|minor| Money::new(Currency::CNY, minor));
        }
        let mut posted: Vec<Proposal> = Vec::new();
        let mut recovery: Option<RecoveryClaim> = None;
        for (nth, step) in steps.iter().enumerate() {
            // What the claim does not allow leads to the next thing that it does.
            let tried = (0..VERBS).map(|shift| Step { verb: (step.verb + shift) % VERBS, ..step.clone() });
            let next = tried.filter_map(|step| taken(&claim, &step, nth)).next().unwrap_or_else(|| claim.clone());
            let decided = next.decisions.len() > claim.decisions.len();
            if decided {
                posted.extend(newest_decision(&next).unwrap());
            }
            claim = next;
            recovery = followed(recovery, &claim, decided, step.supplier_answers);

            for line in &claim.lines {
                let stands = claim.decision_on(line.number).map(|(_, decision)| decision.clone());
                let approved = stands.as_ref().map_or(0, |decision| decision.approved.minor);
                let goodwill = stands.as_ref().map_or(0, |decision| decision.goodwill.minor);
                let on = |account| balance(&posted, account, line.number);
                prop_assert_eq!(on(Account::StationAccrued), -approved);
                prop_assert_eq!(on(Account::GoodwillExpense), goodwill);
                prop_assert_eq!(on(Account::WarrantyExpense(claim.kind)), approved - goodwill);
                let requested = line.pricing.as_ref().unwrap().requested.minor;
                prop_assert!(goodwill >= 0 && goodwill <= approved && approved <= requested);
            }
            let found: Vec<FoundEntry> = posted
                .iter()
                .map(|one| FoundEntry { cause: one.cause.clone(), postings: one.postings.clone() })
                .collect();
            prop_assert_eq!(compare(&expected_entries(&claim).unwrap(), &found).unwrap(), vec![]);
            for proposal in &posted {
                prop_assert!(Entry::of(proposal.clone(), Uuid::nil(), now(), AUDITOR, crate::ids::OrgId::OEM).is_ok());
            }
            // Every decided claim is where its decisions lead, and what waits is posted nowhere.
            let approves = claim.totals().unwrap().approved.is_some_and(|approved| approved.minor > 0);
            let word = claim.state.word();
            prop_assert!(word != StateWord::Approved || approves, "{:?}", claim.state);
            prop_assert!(word != StateWord::Rejected || !approves, "{:?}", claim.state);
            prop_assert!(claim.decisions.is_empty() || claim.proposal().is_none());
            // What was drawn is what goodwill stands, for each grant had a budget.
            prop_assert_eq!(claim.goodwill_fault().unwrap(), None);
            let drawn: i64 = claim.goodwill_used().unwrap().values().map(|amount| amount.minor).sum();
            prop_assert_eq!(drawn, claim.totals().unwrap().goodwill.map_or(0, |goodwill| goodwill.minor));
            if let Some(recovery) = &recovery {
                prop_assert_eq!(recovery_fault(recovery, &claim).unwrap(), None);
                prop_assert_eq!(recovery.posted().unwrap(), recovery.confirmed().unwrap().total);
            }
        }
    }
}
