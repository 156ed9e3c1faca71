use proptest::prelude::*;
use uuid::Uuid;

use super::*;
use crate::claims::sample::{AUDITOR, cny, day, in_state, now};
use crate::claims::{Kind, LineDecision, Outcome, StateWord};
use crate::ids::OrgId;
use crate::ledger::{Entry, FoundEntry, compare, sums};
use crate::money::Currency;

fn decision(line: u32, approved: i64, goodwill: i64) -> LineDecision {
    LineDecision {
        line,
        outcome: if approved > 0 { Outcome::Approved } else { Outcome::Rejected },
        approved: Money::new(Currency::CNY, approved),
        goodwill: Money::new(Currency::CNY, goodwill),
        goodwill_percent: None,
        reasons: Vec::new(),
        note: String::new(),
        internal_note: String::new(),
    }
}

fn round(number: u32, lines: Vec<LineDecision>) -> DecisionRound {
    let approves = lines.iter().any(|line| line.approved.minor > 0);
    DecisionRound {
        number,
        revision: 1,
        level: 1,
        auditor: AUDITOR,
        decide_time: now(),
        decide_date: day("2026-11-23"),
        outcome: if approves { Outcome::Approved } else { Outcome::Rejected },
        lines,
        note: String::new(),
        internal_note: String::new(),
        rule: None,
        appeal: None,
        approvals: Vec::new(),
        goodwill_draws: Vec::new(),
    }
}

fn decided(rounds: Vec<Vec<LineDecision>>) -> Claim {
    let mut claim = in_state(StateWord::Approved);
    claim.decisions = (1..).zip(rounds).map(|(number, lines)| round(number, lines)).collect();
    claim
}

/// The postings as text: account, line, amount.
fn posted(claim: &Claim) -> Vec<String> {
    let proposals = expected_entries(claim).unwrap();
    let postings = proposals.iter().flat_map(|proposal| &proposal.postings);
    postings
        .map(|posting| format!("{} {} {}", posting.account, posting.line.unwrap_or(0), posting.amount.amount()))
        .collect()
}

#[test]
fn an_approved_line_is_an_expense_owed_to_the_station() {
    let claim = decided(vec![vec![decision(1, 50_000, 0), decision(2, 0, 0)]]);
    assert_eq!(posted(&claim), ["expense:warranty:warranty-repair 1 500.00", "liability:station-accrued 1 -500.00"]);
    let proposal = newest_decision(&claim).unwrap().unwrap();
    assert_eq!(proposal.cause, format!("claims/{}/decisions/1", claim.id));
    assert_eq!(
        (proposal.event, proposal.effective_date, proposal.claim),
        ("claim_decided", day("2026-11-23"), Some(claim.id))
    );
    assert!(proposal.postings.iter().all(|posting| posting.sub_account == Some(claim.station)));
}

#[test]
fn goodwill_is_an_expense_of_its_own() {
    assert_eq!(
        posted(&decided(vec![vec![decision(1, 60_000, 10_000)]])),
        [
            "expense:warranty:warranty-repair 1 500.00",
            "expense:goodwill 1 100.00",
            "liability:station-accrued 1 -600.00"
        ]
    );
    assert_eq!(
        posted(&decided(vec![vec![decision(1, 60_000, 60_000)]])),
        ["expense:goodwill 1 600.00", "liability:station-accrued 1 -600.00"]
    );
}

#[test]
fn a_rejected_claim_posts_nothing() {
    assert_eq!(posted(&decided(vec![vec![decision(1, 0, 0), decision(2, 0, 0)]])), [""; 0]);
    assert_eq!(newest_decision(&decided(Vec::new())), Ok(None));
}

#[test]
fn a_later_round_posts_the_difference() {
    let raised = decided(vec![vec![decision(1, 10_000, 0), decision(2, 5_000, 0)], vec![decision(1, 12_500, 0)]]);
    let second = newest_decision(&raised).unwrap().unwrap();
    assert_eq!(second.cause, format!("claims/{}/decisions/2", raised.id));
    assert_eq!(second.postings.iter().map(|posting| posting.amount).collect::<Vec<_>>(), [cny("25"), cny("-25")]);
    // Lowered, by a third round that decides the first line again.
    let lowered =
        decided(vec![vec![decision(1, 10_000, 0)], vec![decision(1, 12_500, 0)], vec![decision(1, 9_000, 0)]]);
    let third = newest_decision(&lowered).unwrap().unwrap();
    assert_eq!(third.postings.iter().map(|posting| posting.amount).collect::<Vec<_>>(), [cny("-35"), cny("35")]);
    // Unchanged.
    let same = decided(vec![vec![decision(1, 10_000, 0)], vec![decision(1, 10_000, 0)]]);
    assert_eq!(newest_decision(&same), Ok(None));
}

#[test]
fn what_was_warranty_can_become_goodwill() {
    let claim = decided(vec![vec![decision(1, 10_000, 0)], vec![decision(1, 10_000, 4_000)]]);
    let second = newest_decision(&claim).unwrap().unwrap();
    let moved: Vec<_> = second.postings.iter().map(|posting| (posting.account, posting.amount)).collect();
    assert_eq!(
        moved,
        [(Account::WarrantyExpense(Kind::WarrantyRepair), cny("-40")), (Account::GoodwillExpense, cny("40"))]
    );
}

#[test]
fn a_claim_that_only_authorises_posts_nothing() {
    for kind in Kind::ALL {
        let mut claim = decided(vec![vec![decision(1, 10_000, 0)]]);
        claim.kind = kind;
        let pays = match kind {
            Kind::WarrantyRepair | Kind::RunningInMaintenance | Kind::CompensationAppraisal | Kind::RoadsideRescue => {
                true
            }
            Kind::ExternalPurchase | Kind::MajorAssembly => false,
        };
        assert_eq!(!posted(&claim).is_empty(), pays, "{kind:?}");
    }
}

/// Rounds of decisions on up to six lines: approved amounts with a goodwill part.
fn rounds() -> impl Strategy<Value = Vec<Vec<LineDecision>>> {
    let line = (0_i64..=1_000_000_000_000, 0_u32..=100);
    let round = prop::collection::btree_map(1_u32..=6, line, 0..=6);
    let decisions = round.prop_map(|lines| {
        lines
            .into_iter()
            .map(|(line, (approved, percent))| decision(line, approved, approved / 100 * i64::from(percent)))
            .collect()
    });
    prop::collection::vec(decisions, 0..5)
}

proptest! {
    #[test]
    fn every_entry_is_balanced_and_what_is_owed_is_what_was_approved_last(rounds in rounds()) {
        let claim = decided(rounds);
        let expected = expected_entries(&claim).unwrap();
        let mut all = Vec::new();
        for proposal in &expected {
            prop_assert!(sums(&proposal.postings).unwrap().values().all(|sum| sum.is_zero()));
            prop_assert!(Entry::of(proposal.clone(), Uuid::nil(), now(), AUDITOR, OrgId::OEM).is_ok());
            all.extend(proposal.postings.clone());
        }
        let sum = |account: Account| {
            Money::sum(Currency::CNY, all.iter().filter(|posting| posting.account == account).map(|posting| posting.amount)).unwrap()
        };
        let newest = approved_before(&claim, u32::MAX).unwrap();
        let approved = Money::sum(Currency::CNY, newest.values().map(|parts| parts.warranty.try_add(parts.goodwill).unwrap())).unwrap();
        let goodwill = Money::sum(Currency::CNY, newest.values().map(|parts| parts.goodwill)).unwrap();
        prop_assert_eq!(sum(Account::StationAccrued).try_neg().unwrap(), approved);
        prop_assert_eq!(sum(Account::GoodwillExpense), goodwill);
        prop_assert_eq!(sum(Account::WarrantyExpense(Kind::WarrantyRepair)).try_add(goodwill).unwrap(), approved);
    }

    #[test]
    fn what_was_posted_by_the_rules_verifies(rounds in rounds()) {
        let claim = decided(rounds);
        let expected = expected_entries(&claim).unwrap();
        let found: Vec<FoundEntry> = expected
            .iter()
            .map(|proposal| FoundEntry { cause: proposal.cause.clone(), postings: proposal.postings.clone() })
            .collect();
        prop_assert_eq!(compare(&expected, &found).unwrap(), vec![]);
    }
}
