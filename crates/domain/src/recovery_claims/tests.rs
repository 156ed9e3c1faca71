use chrono::{DateTime, Duration, Utc};
use proptest::prelude::*;

use super::liability::{self, LiabilityFacts};
use super::*;
use crate::catalog::{Address, Contact, Dated, DatedList, PartSupply, ShareAgreement, Stored, Supplier};
use crate::claims::{DecisionRound, LineDecision, Outcome, StateWord, sample};
use crate::ledger::{Account, Entry, sums};
use crate::posting_rules::{expected_recovery_entries, recovery_fault};

const ORG: OrgId = OrgId(Uuid::from_u128(0x17));
const OWNER: UserId = UserId(Uuid::from_u128(0xA));

fn now() -> DateTime<Utc> {
    sample::now()
}

pub(crate) fn moment(days: i64) -> Moment {
    Moment { now: now() + Duration::days(days), today: sample::day("2026-11-20") + Duration::days(days) }
}

fn code(text: &str) -> Code {
    Code::parse(text).unwrap()
}

fn cny(minor: i64) -> Money {
    Money::new(Currency::CNY, minor)
}

pub(crate) fn contract() -> RecoveryContract {
    RecoveryContract {
        part_category: None,
        part_factor_bp: BasisPoints(10_000),
        labor_factor_bp: BasisPoints(5_000),
        travel_factor_bp: BasisPoints(0),
        other_factor_bp: BasisPoints(0),
        handling_fee: None,
        ceiling_per_claim: None,
        minimum: None,
        answer_days: 15,
        deemed_clause: true,
        covers_goodwill: false,
    }
}

fn terms(contract: RecoveryContract) -> Terms {
    Terms { row: Uuid::nil(), contract, prices: BTreeMap::from([(code("P-100"), cny(38_000))]) }
}

pub(crate) fn liable(shares: &[i64], place: usize, contract: RecoveryContract) -> Liable {
    Liable {
        org: ORG,
        code: code("S-017"),
        shares: shares.iter().map(|share| BasisPoints(*share)).collect(),
        place,
        basis: Basis::ShareAgreement,
        basis_ref: "shareAgreements/SA-1".into(),
        terms: terms(contract),
        exchange: None,
    }
}

/// A claim approved with these amounts and goodwill parts on its part line and its labour line.
fn approved(rounds: &[[(i64, i64); 2]]) -> Claim {
    let mut claim = sample::in_state(StateWord::Approved);
    for (number, amounts) in (1..).zip(rounds) {
        let lines = (1..).zip(amounts).map(|(line, (approved, goodwill))| LineDecision {
            line,
            outcome: Outcome::Approved,
            approved: cny(*approved),
            goodwill: cny(*goodwill),
            goodwill_percent: None,
            reasons: Vec::new(),
            note: String::new(),
            internal_note: String::new(),
        });
        claim.decisions.push(DecisionRound {
            number,
            revision: 1,
            level: 1,
            auditor: OWNER,
            decide_time: now(),
            decide_date: sample::day("2026-11-20"),
            outcome: Outcome::Approved,
            lines: lines.collect(),
            note: String::new(),
            internal_note: String::new(),
            rule: None,
            appeal: None,
            approvals: Vec::new(),
            goodwill_draws: Vec::new(),
        });
    }
    claim
}

pub(crate) fn arisen(claim: &Claim, liable: Result<Liable, Unresolved>) -> RecoveryClaim {
    let new = NewRecovery {
        id: RecoveryClaimId(Uuid::from_u128(1)),
        seed: Uuid::from_u128(2),
        owner: OWNER,
        decided_by: None,
        only: None,
        now: now(),
        today: sample::day("2026-11-20"),
    };
    RecoveryClaim::arise(new, claim, liable).unwrap()
}

fn issued(contract: RecoveryContract) -> RecoveryClaim {
    let claim = approved(&[[(45_000, 0), (21_600, 0)]]);
    arisen(&claim, Ok(liable(&[8_000], 0, contract))).issue(&[], "waybill 7".into(), OWNER, now()).unwrap()
}

fn dispute() -> LineAnswer {
    LineAnswer::Dispute { reason: "misuse".into() }
}

#[test]
fn parts_are_charged_at_the_recovery_price_and_the_rest_at_share_and_factor() {
    let claim = approved(&[[(45_000, 0), (21_600, 0)]]);
    let recovery = arisen(&claim, Ok(liable(&[8_000], 0, contract())));
    // 1 × 380.00 × 80 % = 304.00; 216.00 × 80 % × 50 % = 86.40.
    assert_eq!(recovery.lines.iter().map(|line| line.amount.minor).collect::<Vec<_>>(), [30_400, 8_640]);
    assert_eq!(recovery.totals().unwrap().total, cny(39_040));
    let without_price =
        Liable { terms: Terms { prices: BTreeMap::new(), ..terms(contract()) }, ..liable(&[8_000], 0, contract()) };
    let recovery = arisen(&claim, Ok(without_price));
    assert_eq!(recovery.lines[0].amount, cny(36_000), "without a recovery price: 80 % of what was paid");
}

#[test]
fn goodwill_is_charged_only_by_contract() {
    let claim = approved(&[[(45_000, 15_000), (21_600, 21_600)]]);
    let recovery = arisen(&claim, Ok(liable(&[10_000], 0, contract())));
    // Two thirds of the part were owed; the labour was a gift.
    assert_eq!(recovery.lines.iter().map(|line| (line.line, line.amount.minor)).collect::<Vec<_>>(), [(1, 25_333)]);
    let covered = RecoveryContract { covers_goodwill: true, ..contract() };
    let recovery = arisen(&claim, Ok(liable(&[10_000], 0, covered)));
    assert_eq!(recovery.lines.iter().map(|line| line.amount.minor).collect::<Vec<_>>(), [38_000, 10_800]);
}

#[test]
fn fee_ceiling_and_minimum() {
    let fee = |fixed: Option<i64>, rate: Option<i64>, cap: Option<i64>| {
        Some(HandlingFee { fixed_amount: fixed.map(cny), rate_bp: rate.map(BasisPoints), cap: cap.map(cny) })
    };
    let of = |handling_fee, ceiling: Option<i64>, minimum: Option<i64>| {
        let contract = RecoveryContract {
            handling_fee,
            ceiling_per_claim: ceiling.map(cny),
            minimum: minimum.map(cny),
            ..contract()
        };
        let totals = total(&terms(contract), [10_000, 5_000]);
        (totals.fee.minor, totals.total.minor, totals.capped)
    };
    assert_eq!(of(None, None, None), (0, 15_000, false));
    assert_eq!(of(fee(Some(1_000), None, None), None, None), (1_000, 16_000, false));
    assert_eq!(of(fee(None, Some(1_000), None), None, None), (1_500, 16_500, false));
    assert_eq!(of(fee(None, Some(1_000), Some(700)), None, None), (700, 15_700, false));
    assert_eq!(of(fee(Some(1_000), None, None), Some(15_500), None), (1_000, 15_500, true));
    assert_eq!(of(None, None, Some(15_000)), (0, 15_000, false));
    assert_eq!(of(None, None, Some(15_001)), (0, 0, false), "below the minimum nothing is charged");
    assert_eq!(total(&terms(contract()), []).total, cny(0), "a fee alone is never charged");
}

fn total<const N: usize>(terms: &Terms, amounts: [i64; N]) -> Totals {
    amounts::total(terms, Currency::CNY, amounts.map(cny), None).unwrap()
}

#[test]
fn what_earlier_recoveries_took_of_a_contract_is_not_there_again() {
    let fee = |fixed: Option<i64>, rate: Option<i64>, cap: Option<i64>| {
        Some(HandlingFee { fixed_amount: fixed.map(cny), rate_bp: rate.map(BasisPoints), cap: cap.map(cny) })
    };
    // The contract, what was taken of fee and total, what 100.00 on lines become: fee, total.
    for (handling_fee, ceiling, minimum, (fee_taken, taken), expected) in [
        (fee(Some(1_000), None, None), None, None, (0, 0), (1_000, 11_000)),
        (fee(Some(1_000), None, None), None, None, (1_000, 5_000), (0, 10_000)),
        (fee(Some(1_000), None, None), None, None, (600, 5_000), (400, 10_400)),
        (fee(None, Some(1_000), None), None, None, (900, 9_900), (1_000, 11_000)),
        (fee(None, Some(1_000), Some(1_500)), None, None, (900, 9_900), (600, 10_600)),
        (fee(None, Some(1_000), Some(1_500)), None, None, (1_500, 20_000), (0, 10_000)),
        (None, Some(15_000), None, (0, 4_000), (0, 10_000)),
        (None, Some(15_000), None, (0, 9_000), (0, 6_000)),
        (None, Some(15_000), None, (0, 15_000), (0, 0)),
        // Together they are worth asking for.
        (None, None, Some(12_000), (0, 0), (0, 0)),
        (None, None, Some(12_000), (0, 2_000), (0, 10_000)),
    ] {
        let contract = RecoveryContract {
            handling_fee,
            ceiling_per_claim: ceiling.map(cny),
            minimum: minimum.map(cny),
            ..contract()
        };
        let beside = Beside { fee: cny(fee_taken), total: cny(taken) };
        let totals = amounts::total(&terms(contract), Currency::CNY, [cny(10_000)], Some(beside)).unwrap();
        assert_eq!((totals.fee.minor, totals.total.minor), expected, "{ceiling:?} {minimum:?} {fee_taken} {taken}");
    }
}

/// A second recovery of the claim from the same supplier, for its labour line; it arose a moment later.
fn second(claim: &Claim, contract: RecoveryContract) -> RecoveryClaim {
    let recovery = arisen(claim, Ok(liable(&[10_000], 0, contract)));
    let id = RecoveryClaimId(Uuid::from_u128(3));
    RecoveryClaim { id, only: Some(BTreeSet::from([2])), arise_time: now() + Duration::days(2), ..recovery }
        .priced(claim)
        .unwrap()
}

#[test]
fn a_fixed_fee_and_a_ceiling_count_once_for_a_claim_and_supplier() {
    let fee = HandlingFee { fixed_amount: Some(cny(2_000)), rate_bp: None, cap: None };
    let contract = RecoveryContract { handling_fee: Some(fee), ceiling_per_claim: Some(cny(45_000)), ..contract() };
    let claim = approved(&[[(45_000, 0), (21_600, 0)]]);
    let first = arisen(&claim, Ok(liable(&[10_000], 0, contract.clone())));
    let first = RecoveryClaim { only: Some(BTreeSet::from([1])), ..first }.priced(&claim).unwrap();
    // 380.00 and the fee; 108.00 of labour beside it have 50.00 of the ceiling left, and no second fee.
    assert_eq!(first.totals().unwrap().total, cny(40_000));
    let alone = second(&claim, contract.clone());
    assert_eq!(alone.totals().unwrap().total, cny(12_800));
    let beside = alone.clone().beside(&[first.clone(), alone.clone()]).unwrap();
    let totals = beside.totals().unwrap();
    assert_eq!((totals.fee, totals.total, totals.capped), (cny(0), cny(5_000), true));
    // What does not come before it takes nothing of it: itself, a later one, another supplier's, one that was given up.
    let others_org = Liable { org: OrgId(Uuid::from_u128(0x18)), ..liable(&[10_000], 0, contract.clone()) };
    let foreign = RecoveryClaim { supplier: Some(others_org), ..first.clone() };
    let waived = RecoveryClaim { state: State::Waived, ..first.clone() };
    assert_eq!(alone.clone().beside(&[alone.clone(), foreign, waived]).unwrap(), alone);
    assert_eq!(first.clone().beside(std::slice::from_ref(&beside)).unwrap(), first, "the first has the whole contract");
    // What stands of the first is less than was asked for: the second has more left.
    let issued = first.issue(&[], "w".into(), OWNER, now()).unwrap();
    let disputed = issued.answer(vec![(1, dispute())], moment(1)).unwrap();
    assert_eq!(disputed.takes().unwrap().total, cny(40_000), "nothing stands yet");
    let half = [(1, LineResolution::Stands(BasisPoints(5_000)))];
    let (decided, _) = disputed.resolve(&half, "half".into(), moment(2)).unwrap();
    let after = beside.beside(&[decided]).unwrap();
    assert_eq!((after.totals().unwrap().fee, after.totals().unwrap().total), (cny(0), cny(10_800)));
    // Nothing is left: it is kept, and asked for when something is.
    let least = RecoveryContract { ceiling_per_claim: Some(cny(40_000)), ..contract };
    let first = arisen(&claim, Ok(liable(&[10_000], 0, least.clone())));
    let first = RecoveryClaim { only: Some(BTreeSet::from([1])), ..first }.priced(&claim).unwrap();
    let exhausted = second(&claim, least).beside(&[first]).unwrap().adjust(&claim, moment(2)).unwrap();
    assert_eq!((exhausted.state, exhausted.totals().unwrap().total), (State::Settled, cny(0)));
    assert_eq!(recovery_fault(&exhausted, &claim).unwrap(), None);
}

#[test]
fn a_confirmed_line_is_posted_once_and_a_disputed_one_waits_for_its_decision() {
    let answers = vec![(1, LineAnswer::Confirm), (2, dispute())];
    let partly = issued(contract()).answer(answers, moment(1)).unwrap();
    assert_eq!((partly.state, partly.posted().unwrap()), (State::PartlyConfirmed, cny(30_400)));
    let (decided, gone) =
        partly.resolve(&[(2, LineResolution::Stands(BasisPoints(4_000)))], "half".into(), moment(2)).unwrap();
    // 216.00 × 40 % × 50 % = 43.20.
    assert_eq!((decided.state, decided.posted().unwrap()), (State::PartlyConfirmed, cny(34_720)));
    assert_eq!((gone.len(), decided.postings.len()), (0, 2));
    let whole = issued(contract()).answer(vec![(1, LineAnswer::Confirm), (2, LineAnswer::Confirm)], moment(1)).unwrap();
    assert_eq!((whole.state, whole.posted().unwrap(), whole.postings.len()), (State::Confirmed, cny(39_040), 1));
    let all = issued(contract()).answer(vec![(1, dispute()), (2, dispute())], moment(1)).unwrap();
    assert_eq!((all.state, all.postings.len()), (State::Disputed, 0));
    let nothing = [(1, LineResolution::Stands(BasisPoints(0))), (2, LineResolution::Stands(BasisPoints(0)))];
    let (ended, _) = all.resolve(&nothing, "misuse it was".into(), moment(2)).unwrap();
    assert_eq!((ended.state, ended.postings.len()), (State::Settled, 0));
}

#[test]
fn every_open_line_is_answered_once_and_with_a_reason() {
    let rules = |answers: Vec<(u32, LineAnswer)>| match issued(contract()).answer(answers, moment(1)) {
        Err(RecoveryError::Invalid(found)) => found.into_iter().map(|violation| violation.rule).collect::<Vec<_>>(),
        other => panic!("{other:?}"),
    };
    assert_eq!(rules(vec![(1, LineAnswer::Confirm)]), ["EVERY_OPEN_LINE_ONCE"]);
    assert_eq!(rules(vec![(1, LineAnswer::Confirm), (1, LineAnswer::Confirm)]), ["EVERY_OPEN_LINE_ONCE"]);
    let counter = |share, reason: &str| LineAnswer::Counter { share_bp: BasisPoints(share), reason: reason.into() };
    assert_eq!(rules(vec![(1, counter(8_000, "x")), (2, LineAnswer::Confirm)]), ["NOT_ANOTHER"]);
    assert_eq!(rules(vec![(1, counter(4_000, " ")), (2, LineAnswer::Confirm)]), ["REQUIRED"]);
    let own = LineAnswer::Reroute { supplier: code("S-017"), reason: "x".into() };
    assert_eq!(rules(vec![(1, own), (2, LineAnswer::Confirm)]), ["NOT_ANOTHER"]);
}

#[test]
fn a_line_that_goes_to_another_supplier_leaves_with_its_amount() {
    let reroute = LineAnswer::Reroute { supplier: code("S-018"), reason: "their lot".into() };
    let answered = issued(contract()).answer(vec![(1, reroute), (2, LineAnswer::Confirm)], moment(1)).unwrap();
    let goes = [(1, LineResolution::GoesTo(code("S-018")))];
    let (kept, gone) = answered.resolve(&goes, "right".into(), moment(2)).unwrap();
    assert_eq!(gone, [(code("S-018"), vec![1])]);
    assert_eq!((kept.state, kept.lines.len(), kept.posted().unwrap()), (State::Confirmed, 1, cny(8_640)));
    let claim = approved(&[[(45_000, 0), (21_600, 0)]]);
    assert_eq!(recovery_fault(&kept, &claim).unwrap(), None, "the line that went is not expected here");
}

fn broken<T: std::fmt::Debug>(result: Result<T, RecoveryError>) -> Vec<(String, &'static str)> {
    match result {
        Err(RecoveryError::Invalid(found)) => found.into_iter().map(|one| (one.field, one.rule)).collect(),
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_dispute_is_decided_at_what_was_asked_for_or_less_and_goes_to_somebody_else() {
    let disputed = || issued(contract()).answer(vec![(1, dispute()), (2, dispute())], moment(1)).unwrap();
    let resolve = |one: LineResolution| {
        let stands = LineResolution::Stands(BasisPoints(8_000));
        disputed().resolve(&[(1, one), (2, stands)], String::new(), moment(2))
    };
    // Another supplier may bear the rest: more than 80 % would be more than the whole.
    let over = resolve(LineResolution::Stands(BasisPoints(8_001)));
    assert_eq!(broken(over), [("lines[0].share_bp".to_owned(), "OVER_SHARE_ASKED")]);
    let negative = resolve(LineResolution::Stands(BasisPoints(-1)));
    assert_eq!(broken(negative), [("lines[0].share_bp".to_owned(), "OVER_SHARE_ASKED")]);
    let own = resolve(LineResolution::GoesTo(code("S-017")));
    assert_eq!(broken(own), [("lines[0].supplier".to_owned(), "NOT_ANOTHER")]);
    assert_eq!(resolve(LineResolution::Stands(BasisPoints(8_000))).unwrap().0.posted().unwrap(), cny(39_040));
}

#[test]
fn nothing_is_decided_before_the_supplier_was_heard() {
    let stands = [1, 2].map(|line| (line, LineResolution::Stands(BasisPoints(8_000))));
    let unheard = issued(contract());
    assert_eq!(unheard.resolve(&stands, String::new(), moment(1)).map(|_| ()), Err(RecoveryError::NotDue));
    let silent = issued(RecoveryContract { deemed_clause: false, ..contract() }).pass_silence(moment(16)).unwrap();
    let (decided, _) = silent.resolve(&stands, String::new(), moment(17)).unwrap();
    assert_eq!((decided.state, decided.posted().unwrap()), (State::Confirmed, cny(39_040)));
}

#[test]
fn what_a_later_decision_adds_is_asked_of_the_supplier_before_it_is_decided() {
    let first = approved(&[[(45_000, 0), (0, 0)]]);
    let both = approved(&[[(45_000, 0), (0, 0)], [(45_000, 0), (21_600, 0)]]);
    let asked = || arisen(&first, Ok(liable(&[8_000], 0, contract()))).issue(&[], "w".into(), OWNER, now()).unwrap();
    for answer in [LineAnswer::Confirm, dispute()] {
        let answered = asked().answer(vec![(1, answer.clone())], moment(1)).unwrap();
        let grown = answered.adjust(&both, moment(20)).unwrap();
        assert_eq!(grown.state, State::PartlyConfirmed, "{answer:?}");
        let open: Vec<u32> = grown.open_lines().map(|line| line.line).collect();
        let charge: Vec<_> = open.iter().map(|line| (*line, LineResolution::Stands(BasisPoints(8_000)))).collect();
        let decide = |recovery: RecoveryClaim, day| recovery.resolve(&charge, String::new(), moment(day)).map(|_| ());
        assert_eq!(decide(grown.clone(), 21), Err(RecoveryError::NotDue), "it was not heard on what was added");
        assert_eq!(grown.clone().pass_silence(moment(35)), Err(RecoveryError::NotDue), "its time began anew");
        let silent = grown.clone().pass_silence(moment(36)).unwrap();
        assert_eq!(
            (silent.state, silent.posted()),
            (State::PartlyConfirmed, grown.posted()),
            "silence confirms nothing"
        );
        assert_eq!(silent.silence_due_time(), None, "a person was told, once");
        assert_eq!(decide(silent, 37), Ok(()));
        let answers = open.iter().map(|line| (*line, LineAnswer::Confirm)).collect();
        assert_eq!(grown.answer(answers, moment(22)).unwrap().state, State::Confirmed);
    }
    // What was answered, and only moved, is not asked for again.
    let disputed = asked().answer(vec![(1, dispute())], moment(1)).unwrap();
    let raised = disputed.adjust(&approved(&[[(45_000, 0), (0, 0)], [(40_000, 0), (0, 0)]]), moment(20)).unwrap();
    assert_eq!((raised.state, raised.silence_due_time()), (State::Disputed, None));
}

#[test]
fn what_was_decided_for_the_supplier_is_not_asked_for_again() {
    let all = issued(contract()).answer(vec![(1, dispute()), (2, dispute())], moment(1)).unwrap();
    let nothing = [1, 2].map(|line| (line, LineResolution::Stands(BasisPoints(0))));
    let (ended, _) = all.resolve(&nothing, "misuse it was".into(), moment(2)).unwrap();
    let raised = approved(&[[(45_000, 0), (21_600, 0)], [(45_000, 0), (30_000, 0)]]);
    let after = ended.adjust(&raised, moment(3)).unwrap();
    assert_eq!((after.state, after.postings.len()), (State::Settled, 0), "the shares that stand are nothing still");

    // A line that is approved only now was not decided.
    let first = approved(&[[(45_000, 0), (0, 0)]]);
    let one = arisen(&first, Ok(liable(&[8_000], 0, contract()))).issue(&[], "w".into(), OWNER, now()).unwrap();
    let one = one.answer(vec![(1, dispute())], moment(1)).unwrap();
    let (ended, _) = one.resolve(&nothing[..1], "misuse it was".into(), moment(2)).unwrap();
    let both = ended.adjust(&approved(&[[(45_000, 0), (0, 0)], [(45_000, 0), (21_600, 0)]]), moment(3)).unwrap();
    assert_eq!(both.state, State::Open);
    assert_eq!(both.open_lines().map(|line| line.line).collect::<Vec<_>>(), [2]);

    // What stood and was less than the contract's minimum is posted once it is more.
    let least = RecoveryContract { minimum: Some(cny(20_000)), ..contract() };
    let all = issued(least).answer(vec![(1, dispute()), (2, dispute())], moment(1)).unwrap();
    let labor = [(1, LineResolution::Stands(BasisPoints(0))), (2, LineResolution::Stands(BasisPoints(8_000)))];
    let (ended, _) = all.resolve(&labor, "the work".into(), moment(2)).unwrap();
    assert_eq!((ended.state, ended.posted().unwrap()), (State::Settled, cny(0)), "86.40 are less than 200.00");
    let raised = approved(&[[(45_000, 0), (21_600, 0)], [(45_000, 0), (60_000, 0)]]);
    let after = ended.adjust(&raised, moment(3)).unwrap();
    assert_eq!((after.state, after.posted().unwrap()), (State::PartlyConfirmed, cny(24_000)));
}

#[test]
fn a_smaller_share_never_costs_more() {
    // 5 fen in 32, 32 and 36 %: the second gets one of them, though 32 % are 1.6.
    let claim = approved(&[[(5, 0), (0, 0)]]);
    let terms = Terms { prices: BTreeMap::new(), ..terms(contract()) };
    let second = Liable { terms, ..liable(&[3_200, 3_200, 3_600], 1, contract()) };
    let line = arisen(&claim, Ok(second)).lines.remove(0);
    assert_eq!(line.amount, cny(1));
    assert_eq!(line.at(BasisPoints(3_100)).unwrap().amount, cny(1), "31 % are 1.55");
    assert_eq!(line.at(BasisPoints(2_900)).unwrap().amount, cny(1));
    assert_eq!(line.at(BasisPoints(900)).unwrap().amount, cny(0));
}

#[test]
fn pieces_that_are_goodwill_in_part_are_one_product_rounded_once() {
    // Half of half a piece at 1.01 is 0.2525; rounded twice it would be 0.26.
    let mut claim = approved(&[[(100, 50), (0, 0)]]);
    claim.lines[0].content.quantity = Some(crate::money::Quantity(500));
    let prices = BTreeMap::from([(code("P-100"), cny(101))]);
    let liable = Liable { terms: Terms { prices, ..terms(contract()) }, ..liable(&[10_000], 0, contract()) };
    assert_eq!(arisen(&claim, Ok(liable)).lines[0].base, cny(25));
}

#[test]
fn one_of_several_that_is_too_small_is_kept_and_follows_later_decisions() {
    let least = RecoveryContract { minimum: Some(cny(10_000)), ..contract() };
    let claim = approved(&[[(45_000, 0), (0, 0)]]);
    let large = arisen(&claim, Ok(liable(&[8_000, 2_000], 0, least.clone())));
    let small = arisen(&claim, Ok(liable(&[8_000, 2_000], 1, least)));
    assert_eq!((large.state, small.state), (State::Open, State::Settled));
    let raised = approved(&[[(45_000, 0), (0, 0)], [(45_000, 0), (60_000, 0)]]);
    // 380.00 and half of 600.00: 20 % are 136.00.
    let after = small.adjust(&raised, moment(2)).unwrap();
    assert_eq!((after.state, after.totals().unwrap().total), (State::Open, cny(13_600)));
}

#[test]
fn what_is_assigned_stands_beside_what_others_are_asked_to_bear() {
    let claim = approved(&[[(45_001, 0), (21_600, 0)]]);
    let other = RecoveryClaim {
        id: RecoveryClaimId(Uuid::from_u128(7)),
        ..arisen(
            &claim,
            Ok(Liable {
                terms: Terms { prices: BTreeMap::new(), ..terms(contract()) },
                ..liable(&[5_000, 5_000], 0, contract())
            }),
        )
    };
    let unknown = arisen(&claim, Err(Unresolved::NoContract));
    let beside = |others: &[RecoveryClaim], share| unknown.shares_beside(others, BasisPoints(share));
    assert_eq!(beside(std::slice::from_ref(&unknown), 10_000), Ok((vec![BasisPoints(10_000)], 0)), "it alone");
    let others = [unknown.clone(), other.clone()];
    assert_eq!(broken(beside(&others, 5_001)), [("share_bp".to_owned(), "OVER_THE_WHOLE")]);
    let (shares, place) = beside(&others, 5_000).unwrap();
    let assigned =
        Liable { terms: Terms { prices: BTreeMap::new(), ..terms(contract()) }, ..liable(&[], place, contract()) };
    let assigned = unknown.clone().assign(Ok(Liable { shares, ..assigned }), &claim, OWNER).unwrap();
    // 450.01 are 225.01 and 225.00, as if both had been known at once.
    assert_eq!((other.lines[0].amount, assigned.lines[0].amount), (cny(22_501), cny(22_500)));
    let waived = RecoveryClaim { state: State::Waived, ..other.clone() };
    assert_eq!(beside(&[waived], 10_000), Ok((vec![BasisPoints(10_000)], 0)));
    let elsewhere = RecoveryClaim { only: Some(BTreeSet::from([2])), ..unknown.clone() };
    let first_only = RecoveryClaim { lines: other.lines[..1].to_vec(), ..other };
    assert_eq!(elsewhere.shares_beside(&[first_only], BasisPoints(10_000)), Ok((vec![BasisPoints(10_000)], 0)));
}

#[test]
fn silence_confirms_only_with_the_clause_and_with_proof_of_delivery() {
    let silent = |deemed_clause, proof: &str| {
        let claim = approved(&[[(45_000, 0), (21_600, 0)]]);
        let contract = RecoveryContract { deemed_clause, ..contract() };
        let issued = arisen(&claim, Ok(liable(&[8_000], 0, contract))).issue(&[], proof.into(), OWNER, now()).unwrap();
        assert_eq!(issued.clone().pass_silence(moment(15)), Err(RecoveryError::NotDue), "the last day counts");
        let passed = issued.pass_silence(moment(16)).unwrap();
        (passed.state, passed.escalate_time.is_some(), passed.posted().unwrap().minor)
    };
    assert_eq!(silent(true, "waybill 7"), (State::DeemedConfirmed, false, 39_040));
    assert_eq!(silent(true, ""), (State::Issued, true, 0));
    assert_eq!(silent(false, "waybill 7"), (State::Issued, true, 0));
}

#[test]
fn a_recorded_answer_that_nobody_confirms_stops_silence_for_a_while_only() {
    let recorded = |deemed_clause| {
        let issued = issued(RecoveryContract { deemed_clause, ..contract() });
        let answers = vec![(1, dispute()), (2, LineAnswer::Confirm)];
        issued.record_answer(answers, "letter 9".into(), OWNER, now()).unwrap()
    };
    // 15 days to answer, and 14 more for the second person.
    let pending = recorded(true);
    assert_eq!(pending.silence_due_time(), Some(now() + Duration::days(29)));
    assert_eq!(pending.clone().pass_silence(moment(29)), Err(RecoveryError::NotDue), "the last day counts");
    let confirmed = pending.clone().confirm_answer(moment(29)).unwrap();
    assert_eq!((confirmed.state, confirmed.silence_due_time()), (State::PartlyConfirmed, None));
    // Recorded anew, it has no longer: the time is counted from the supplier's.
    let answers = vec![(1, dispute()), (2, dispute())];
    let again = pending.clone().record_answer(answers, "letter 10".into(), OWNER, moment(28).now).unwrap();
    assert_eq!(again.silence_due_time(), pending.silence_due_time());
    let passed = again.pass_silence(moment(30)).unwrap();
    assert_eq!((passed.state, passed.posted().unwrap()), (State::DeemedConfirmed, cny(39_040)));
    assert_eq!(passed.pending_answer, None, "a record that nobody confirmed is no answer");
    // Where silence does not confirm, a person is told, and the record can still be confirmed.
    let passed = recorded(false).pass_silence(moment(30)).unwrap();
    assert_eq!((passed.state, passed.escalate_time.is_some()), (State::Issued, true));
    assert_eq!(passed.confirm_answer(moment(31)).map(|recovery| recovery.state), Ok(State::PartlyConfirmed));
}

#[test]
fn the_time_to_answer_begins_when_nothing_is_missing_and_stands_when_something_is() {
    let claim = approved(&[[(45_000, 0), (21_600, 0)]]);
    let open = arisen(&claim, Ok(liable(&[8_000], 0, contract())));
    let at = |days| now() + Duration::days(days);
    let issued = open.issue(&[Missing::Part, Missing::Evidence], "w".into(), OWNER, now()).unwrap();
    assert_eq!(issued.answer_due_time(), None);
    let evidence = issued.resume(Missing::Evidence, at(2)).unwrap();
    assert_eq!(evidence.answer_due_time(), None, "the part is still under way");
    let complete = evidence.resume(Missing::Part, at(5)).unwrap();
    assert_eq!(complete.answer_due_time(), Some(at(20)), "15 days from the latest of the three");
    let analysis = complete.pause(Missing::Analysis, at(10)).unwrap();
    assert_eq!(analysis.clone().pass_silence(moment(100)), Err(RecoveryError::NotDue));
    let twice = analysis.pause(Missing::Part, at(11)).unwrap().resume(Missing::Analysis, at(13)).unwrap();
    let done = twice.resume(Missing::Part, at(14)).unwrap();
    assert_eq!(done.answer_due_time(), Some(at(24)), "overlapping pauses count once: four days");
    assert_eq!(done.pauses.len(), 4, "each pause is on record");
}

#[test]
fn a_later_decision_moves_what_was_confirmed_by_the_difference() {
    let confirmed =
        issued(contract()).answer(vec![(1, LineAnswer::Confirm), (2, LineAnswer::Confirm)], moment(1)).unwrap();
    let appealed = approved(&[[(45_000, 0), (21_600, 0)], [(45_000, 0), (10_000, 0)]]);
    let adjusted = confirmed.clone().adjust(&appealed, moment(9)).unwrap();
    // The labour fell from 216.00 to 100.00: 46.40 less.
    assert_eq!(adjusted.postings.last().map(|posted| posted.amount.minor), Some(-4_640));
    assert_eq!(recovery_fault(&adjusted, &appealed).unwrap(), None);
    assert!(recovery_fault(&confirmed, &appealed).unwrap().is_some(), "verification sees a delta that is missing");
    assert_eq!(adjusted.clone().adjust(&appealed, moment(9)).unwrap(), adjusted, "once");
    let rejected = approved(&[[(45_000, 0), (21_600, 0)], [(0, 0), (0, 0)]]);
    let taken_back = confirmed.adjust(&rejected, moment(9)).unwrap();
    assert_eq!(taken_back.posted().unwrap(), cny(0));
    let unanswered = issued(contract()).adjust(&rejected, moment(9)).unwrap();
    assert_eq!((unanswered.state, unanswered.postings.len()), (State::Settled, 0));
    let again = unanswered.adjust(&approved(&[[(45_000, 0), (21_600, 0)]]), moment(9)).unwrap();
    assert_eq!(again.state, State::Open);
}

#[test]
fn a_waiver_takes_two_and_is_an_expense_only_after_confirmation() {
    let open = issued(contract());
    assert_eq!(open.clone().confirm_waiver(OWNER, moment(1)), Err(RecoveryError::NothingToConfirm));
    let waived = open.waive("too small".into(), OWNER, now()).unwrap().confirm_waiver(OWNER, moment(1)).unwrap();
    assert_eq!((waived.state, waived.postings.len()), (State::Waived, 0));
    let confirmed =
        issued(contract()).answer(vec![(1, LineAnswer::Confirm), (2, LineAnswer::Confirm)], moment(1)).unwrap();
    let waived = confirmed.waive("insolvent".into(), OWNER, now()).unwrap().confirm_waiver(OWNER, moment(2)).unwrap();
    let entries = expected_recovery_entries(&waived).unwrap();
    let balance = |account| {
        let postings = entries.iter().flat_map(|entry| &entry.postings).filter(|posting| posting.account == account);
        Money::sum(Currency::CNY, postings.map(|posting| posting.amount)).unwrap().minor
    };
    assert_eq!(balance(Account::SupplierRecoverable), 0);
    assert_eq!(balance(Account::RecoveryWaivedExpense), 39_040);
    assert_eq!(balance(Account::RecoveryIncome), -39_040);
    let told: Vec<_> = entries.iter().map(|entry| (entry.cause.clone(), entry.event, entry.effective_date)).collect();
    let cause = |number| format!("recoveryClaims/{}/postings/{number}", waived.id);
    assert_eq!(
        told,
        [
            (cause(1), "recovery_confirmed", sample::day("2026-11-21")),
            (cause(2), "recovery_waived", sample::day("2026-11-22"))
        ]
    );
    let all_named = |entry: &crate::ledger::Proposal| {
        let is_its =
            |posting: &crate::ledger::Posting| (posting.sub_account, posting.claim) == (Some(ORG), Some(waived.claim));
        entry.claim == Some(waived.claim) && entry.postings.iter().all(is_its)
    };
    assert!(entries.iter().all(all_named));
}

#[test]
fn what_is_at_stake_is_what_is_asked_for_until_more_stands() {
    let open = issued(contract());
    assert_eq!(open.at_stake().unwrap(), Some(cny(39_040)));
    let confirmed = open.answer(vec![(1, LineAnswer::Confirm), (2, LineAnswer::Confirm)], moment(1)).unwrap();
    assert_eq!(confirmed.at_stake().unwrap(), Some(cny(39_040)));
    let unknown = arisen(&approved(&[[(45_000, 0), (21_600, 0)]]), Err(Unresolved::NoSupplier));
    assert_eq!(unknown.at_stake().unwrap(), None, "while nobody knows who is liable it may be anything");
    let setting = crate::catalog::Setting { waiver_limits: vec![cny(39_040)], ..sample::setting() };
    for (amount, alone) in [(cny(39_040), true), (cny(39_041), false), (cny(0), true)] {
        assert_eq!(setting.waives_alone(amount), alone, "{amount:?}");
    }
    assert!(!sample::setting().waives_alone(cny(0)), "without a limit always two");
    assert!(!setting.waives_alone(Money::new(Currency::parse("EUR").unwrap(), 1)), "a limit is of its currency");
}

#[test]
fn the_truth_table_of_states_and_verbs() {
    for state in State::ALL {
        for verb in Verb::ALL {
            let recovery = RecoveryClaim {
                state: *state,
                pending_answer: None,
                waiver: Some(Waiver { reason: String::new(), asked_by: OWNER, ask_time: now(), confirmed_by: None }),
                ..issued(contract())
            };
            let confirm = || vec![(1, LineAnswer::Confirm), (2, LineAnswer::Confirm)];
            let stands = [1, 2].map(|line| (line, LineResolution::Stands(BasisPoints(8_000))));
            let claim = approved(&[[(45_000, 0), (21_600, 0)]]);
            let after = match verb {
                Verb::Assign => recovery.assign(Ok(liable(&[8_000], 0, contract())), &claim, OWNER),
                Verb::Issue => recovery.issue(&[], String::new(), OWNER, now()),
                Verb::RecordDelivery => recovery.record_delivery("w".into()),
                Verb::Pause => recovery.pause(Missing::Part, now()),
                Verb::Resume => recovery.resume(Missing::Part, now()),
                Verb::Answer => recovery.answer(confirm(), moment(1)),
                Verb::ConfirmAnswer => {
                    let pending = PendingAnswer { lines: confirm(), letter: "l".into(), by: OWNER, time: now() };
                    RecoveryClaim { pending_answer: Some(pending), ..recovery }.confirm_answer(moment(1))
                }
                Verb::PassSilence => recovery.pass_silence(moment(16)),
                Verb::Resolve => {
                    let silent = RecoveryClaim { escalate_time: Some(now()), ..recovery };
                    silent.resolve(&stands, String::new(), moment(1)).map(|(recovery, _)| recovery)
                }
                Verb::Waive => recovery.waive("w".into(), OWNER, now()),
                Verb::ConfirmWaiver => recovery.confirm_waiver(OWNER, moment(1)),
                Verb::Adjust => recovery.adjust(&claim, moment(1)),
            };
            let next = match (verb, state) {
                (Verb::Assign, State::Unresolved) | (Verb::Adjust, State::Settled) => Some(State::Open),
                (Verb::Issue, State::Open) | (Verb::RecordDelivery | Verb::Pause | Verb::Resume, State::Issued) => {
                    Some(State::Issued)
                }
                (Verb::Answer | Verb::ConfirmAnswer, State::Issued | State::PartlyConfirmed)
                | (Verb::Resolve, State::Issued | State::PartlyConfirmed | State::Disputed) => Some(State::Confirmed),
                (Verb::PassSilence, State::Issued) => Some(State::DeemedConfirmed),
                (Verb::PassSilence, State::PartlyConfirmed) => Some(State::PartlyConfirmed),
                (Verb::Waive, state) if !matches!(state, State::Settled | State::Waived) => Some(*state),
                (Verb::ConfirmWaiver, state) if !matches!(state, State::Settled | State::Waived) => Some(State::Waived),
                // The lines of the sample are open: what was confirmed no longer is as a whole.
                (Verb::Adjust, State::Confirmed | State::PartlyConfirmed | State::DeemedConfirmed) => {
                    Some(State::PartlyConfirmed)
                }
                (Verb::Adjust, state) => Some(*state),
                _ => None,
            };
            match next {
                Some(next) => assert_eq!(after.map(|recovery| recovery.state), Ok(next), "{verb:?} from {state:?}"),
                None => assert_eq!(after, Err(RecoveryError::WrongState { verb, state: *state }), "{verb:?} {state:?}"),
            }
        }
    }
}

fn supplier(name: &str, currency: Currency) -> Stored<Supplier> {
    let row =
        Dated { id: Uuid::from_u128(5), valid_from: sample::day("2026-01-01"), valid_to: None, value: contract() };
    let value = Supplier {
        code: code(name),
        display_code: String::new(),
        display_name: name.into(),
        address: Address::default(),
        contact: Contact::default(),
        currency,
        tax_number: String::new(),
        bank_account: None,
        recovery_contracts: DatedList(vec![row]),
        external_ref: String::new(),
    };
    let (id, time) = (ORG.0, now());
    Stored { id, version: 1, create_time: time, update_time: time, retire_time: None, head_hash: Vec::new(), value }
}

fn facts() -> LiabilityFacts {
    let supply = |name: &str, lot: &str| PartSupply {
        code: code(&format!("PS-{name}")),
        part: code("P-100"),
        supplier: code(name),
        plant: None,
        valid_from: sample::day("2020-01-01"),
        valid_to: None,
        serial_pattern: String::new(),
        lot: lot.into(),
        quota_bp: None,
        external_ref: String::new(),
    };
    let agreement = |name: &str, share| ShareAgreement {
        code: code(&format!("SA-{name}")),
        part: code("P-100"),
        supplier: code(name),
        valid_from: sample::day("2026-01-01"),
        valid_to: None,
        share_bp: BasisPoints(share),
        by_quota: false,
        external_ref: String::new(),
    };
    let suppliers = ["S-017", "S-018"].map(|name| (code(name), supplier(name, Currency::CNY)));
    LiabilityFacts {
        vehicle: Some(sample::vehicle()),
        parts: BTreeMap::from([(code("P-100"), sample::part("P-100"))]),
        supplies: vec![supply("S-017", "L1"), supply("S-018", "L2")],
        agreements: vec![agreement("S-017", 8_000), agreement("S-018", 6_000)],
        suppliers: BTreeMap::from(suppliers),
        rates: Vec::new(),
    }
}

fn only(found: Result<Vec<Liable>, Unresolved>) -> Result<Liable, Unresolved> {
    found.map(|mut all| {
        assert_eq!(all.len(), 1);
        all.remove(0)
    })
}

#[test]
fn pieces_that_nothing_tells_apart_are_borne_by_quota_only_where_all_agreements_say_so() {
    let claim = approved(&[[(45_000, 0), (21_600, 0)]]);
    let mut facts = facts();
    for (supply, quota) in facts.supplies.iter_mut().zip([6_000, 3_333]) {
        supply.quota_bp = Some(BasisPoints(quota));
    }
    let of = |facts: &LiabilityFacts| {
        let found = liability::by_agreement(&claim, facts)?;
        Ok(found.iter().map(|liable| (liable.code.to_string(), liable.share().0)).collect::<Vec<_>>())
    };
    assert_eq!(of(&facts), Err(Unresolved::SeveralSuppliers), "quotas alone say nothing of liability");
    facts.agreements[0].by_quota = true;
    assert_eq!(of(&facts), Err(Unresolved::SeveralSuppliers), "one of two agreed");
    facts.agreements[1].by_quota = true;
    // 80 % of 60 %, and 60 % of 33.33 % in whole basis points.
    assert_eq!(of(&facts), Ok(vec![("S-017".to_owned(), 4_800), ("S-018".to_owned(), 1_999)]));
    let recoveries: Vec<RecoveryClaim> =
        liability::by_agreement(&claim, &facts).unwrap().into_iter().map(|liable| arisen(&claim, Ok(liable))).collect();
    // 450.00 in two shares: floors, then the one fen that is left by largest remainder, ties in list order.
    assert_eq!(recoveries.iter().map(|one| one.lines[0].base).collect::<Vec<_>>(), [cny(45_000), cny(45_000)]);
    assert_eq!(recoveries.iter().map(|one| one.lines[0].amount).collect::<Vec<_>>(), [cny(21_600), cny(8_996)]);
    let mut told_apart = facts.clone();
    told_apart.vehicle = told_apart.vehicle.map(|vehicle| crate::vehicle::Vehicle { lot: "L2".into(), ..vehicle });
    assert_eq!(of(&told_apart), Ok(vec![("S-018".to_owned(), 6_000)]), "what is certain needs no quota");
    facts.supplies[1].quota_bp = None;
    assert_eq!(of(&facts), Err(Unresolved::SeveralSuppliers));
    facts.supplies[1].quota_bp = Some(BasisPoints(10_000));
    facts.supplies[0].quota_bp = Some(BasisPoints(10_000));
    assert_eq!(of(&facts), Err(Unresolved::SeveralSuppliers), "more than the whole demand");
}

#[test]
fn a_supplier_of_another_currency_is_charged_at_the_rate_of_the_price_date() {
    let eur = Currency::parse("EUR").unwrap();
    let claim = approved(&[[(45_000, 0), (21_600, 0)]]);
    let mut facts = facts();
    facts.supplies.truncate(1);
    facts.suppliers.insert(code("S-017"), supplier("S-017", eur));
    let rate = crate::catalog::exchange_rate::tests::rate;
    facts.rates =
        vec![rate("OLD", "2026-01-01", "0.1"), rate("NEW", "2026-11-01", "0.12845"), rate("LATE", "2026-11-18", "0.2")];
    let liable = only(liability::by_agreement(&claim, &facts)).unwrap();
    let exchange = liable.exchange.clone().unwrap();
    assert_eq!((exchange.rate, exchange.date), (code("NEW"), sample::day("2026-11-12")));
    let recovery = arisen(&claim, Ok(liable));
    let money = |minor| Money::new(eur, minor);
    assert_eq!(recovery.currency, eur);
    // 450.00 and 216.00 at 0.12845 are 57.80 and 27.75; 80 %, and half of that for the work.
    let lines: Vec<_> = recovery.lines.iter().map(|line| (line.base, line.amount)).collect();
    assert_eq!(lines, [(money(5_780), money(4_624)), (money(2_775), money(1_110))]);
    let confirmed = recovery
        .issue(&[], String::new(), OWNER, now())
        .unwrap()
        .answer(vec![(1, LineAnswer::Confirm), (2, LineAnswer::Confirm)], moment(1))
        .unwrap();
    assert_eq!(confirmed.postings[0].amount, money(5_734));
    assert_eq!(recovery_fault(&confirmed, &claim).unwrap(), None);
    // A later decision moves it at the rate that was frozen.
    let raised = approved(&[[(45_000, 0), (21_600, 0)], [(45_000, 0), (30_000, 0)]]);
    let adjusted = confirmed.adjust(&raised, moment(2)).unwrap();
    assert_eq!(adjusted.lines[1].base, money(3_854));
    assert_eq!(recovery_fault(&adjusted, &raised).unwrap(), None);
    // A recovery price in the supplier's own currency needs no rate.
    let part = facts.parts.get_mut(&code("P-100")).unwrap();
    part.recovery_prices.0[0].value.price = money(4_000);
    let priced = arisen(&claim, Ok(only(liability::by_agreement(&claim, &facts)).unwrap()));
    assert_eq!(priced.lines[0].base, money(4_000));
}

#[test]
fn two_suppliers_of_one_part_are_told_apart_by_lot_or_wait_in_the_queue() {
    let claim = approved(&[[(45_000, 0), (21_600, 0)]]);
    let of_lot = |lot: &str| {
        let mut facts = facts();
        facts.vehicle = facts.vehicle.map(|vehicle| crate::vehicle::Vehicle { lot: lot.into(), ..vehicle });
        only(liability::by_agreement(&claim, &facts)).map(|liable| (liable.code.to_string(), liable.share().0))
    };
    assert_eq!(of_lot("L1"), Ok(("S-017".into(), 8_000)));
    assert_eq!(of_lot("L2"), Ok(("S-018".into(), 6_000)));
    assert_eq!(of_lot(""), Err(Unresolved::SeveralSuppliers));
}

#[test]
fn what_is_not_certain_waits_with_its_reason() {
    let claim = approved(&[[(45_000, 0), (21_600, 0)]]);
    let one = || {
        let mut facts = facts();
        facts.supplies.truncate(1);
        facts.vehicle = None;
        facts
    };
    let of =
        |facts: &LiabilityFacts| only(liability::by_agreement(&claim, facts)).map(|liable| liable.code.to_string());
    assert_eq!(of(&one()), Ok("S-017".into()));
    let mut without = one();
    without.agreements.clear();
    assert_eq!(of(&without), Err(Unresolved::NoShareAgreement));
    let mut foreign = one();
    foreign.suppliers.insert(code("S-017"), supplier("S-017", Currency::parse("EUR").unwrap()));
    assert_eq!(of(&foreign), Err(Unresolved::OtherCurrency));
    let mut ended = one();
    let mut no_contract = supplier("S-017", Currency::CNY);
    no_contract.value.recovery_contracts = DatedList::default();
    ended.suppliers.insert(code("S-017"), no_contract);
    assert_eq!(of(&ended), Err(Unresolved::NoContract));
    let mut unknown = one();
    unknown.supplies.clear();
    unknown.parts.clear();
    assert_eq!(of(&unknown), Err(Unresolved::NoSupplier));
    assert_eq!(arisen(&claim, Err(Unresolved::NoSupplier)).state, State::Unresolved);
}

proptest! {
    /// Whatever the shares and amounts: the parts of the liable never sum to more than the base, and whole shares
    /// give away all of it.
    #[test]
    fn what_the_liable_bear_of_a_line_never_exceeds_its_base(
        shares in prop::collection::vec(1_i64..=3_333, 1..=3),
        part in 1_i64..=1_000_000_000,
        labor in 0_i64..=1_000_000_000,
    ) {
        let claim = approved(&[[(part, 0), (labor, 0)]]);
        let full = RecoveryContract { labor_factor_bp: BasisPoints(10_000), ..contract() };
        let all: Vec<RecoveryClaim> =
            (0..shares.len()).map(|place| arisen(&claim, Ok(liable(&shares, place, full.clone())))).collect();
        for line in [1_u32, 2] {
            let of_line = |recovery: &RecoveryClaim| recovery.lines.iter().find(|other| other.line == line).cloned();
            let lines: Vec<RecoveryLine> = all.iter().filter_map(of_line).collect();
            let Some(base) = lines.first().map(|line| line.base.minor) else { continue };
            let sum: i64 = lines.iter().map(|line| line.amount.minor).sum();
            let borne: i64 = shares.iter().sum();
            prop_assert!(sum <= base);
            let exact = i128::from(base) * i128::from(borne) / 10_000;
            prop_assert!((i128::from(sum) - exact).abs() <= shares.len() as i128);
        }
    }

    /// Whatever is answered, decided and changed afterwards: entries balance, what was posted is what stands, and the
    /// books verify against the claim.
    #[test]
    fn the_books_of_a_recovery_are_what_stands(
        first in prop::array::uniform2((0_i64..=1_000_000, 0_i64..=100)),
        second in prop::array::uniform2((0_i64..=1_000_000, 0_i64..=100)),
        answers in prop::array::uniform2(0_u8..3),
        decided in 0_i64..=3_334,
    ) {
        let amounts = |lines: [(i64, i64); 2]| lines.map(|(approved, percent)| (approved, approved * percent / 100));
        let claim = approved(&[amounts(first)]);
        let fee = HandlingFee { fixed_amount: None, rate_bp: Some(BasisPoints(333)), cap: Some(cny(9_999)) };
        let terms = RecoveryContract { handling_fee: Some(fee), ceiling_per_claim: Some(cny(700_000)), ..contract() };
        let open = arisen(&claim, Ok(liable(&[3_333, 3_334], 1, terms)));
        prop_assume!(!open.lines.is_empty() && !open.asks_for_nothing().unwrap());
        let issued = open.issue(&[], "w".into(), OWNER, now()).unwrap();
        let answered: Vec<(u32, LineAnswer)> = issued.lines.iter().zip(answers).map(|(line, answer)| {
            let reason = || "why".to_owned();
            let answer = match answer {
                0 => LineAnswer::Confirm,
                1 => LineAnswer::Counter { share_bp: BasisPoints(1_000), reason: reason() },
                _ => LineAnswer::Dispute { reason: reason() },
            };
            (line.line, answer)
        }).collect();
        let mut recovery = issued.answer(answered, moment(1)).unwrap();
        let open: Vec<(u32, LineResolution)> =
            recovery.open_lines().map(|line| (line.line, LineResolution::Stands(BasisPoints(decided)))).collect();
        if !open.is_empty() {
            recovery = recovery.resolve(&open, String::new(), moment(2)).unwrap().0;
        }
        prop_assert_eq!(recovery_fault(&recovery, &claim).unwrap(), None);
        let later = approved(&[amounts(first), amounts(second)]);
        let recovery = recovery.adjust(&later, moment(3)).unwrap();
        prop_assert_eq!(recovery_fault(&recovery, &later).unwrap(), None);
        prop_assert_eq!(recovery.posted().unwrap(), recovery.confirmed().unwrap().total);
        for proposal in expected_recovery_entries(&recovery).unwrap() {
            prop_assert!(sums(&proposal.postings).unwrap().values().all(|sum| sum.is_zero()));
            prop_assert!(Entry::of(proposal, Uuid::nil(), now(), OWNER, OrgId::OEM).is_ok());
        }
    }
}
