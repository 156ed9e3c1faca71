use chrono::{DateTime, Duration, Utc};
use uuid::Uuid;

use super::lifecycle::Concluding;
use super::*;
use crate::catalog::setting::ApprovalLimit;
use crate::catalog::{Address, Contact, Expert, Setting};
use crate::claims::draft::MAX_AMOUNT_MINOR;
use crate::claims::sample;
use crate::ledger::Account;
use crate::money::{BasisPoints, Currency};
use crate::posting_rules::appraisal_fee;

const EXPERT: Uuid = Uuid::from_u128(0xE);
const SUPPLIER: OrgId = OrgId(Uuid::from_u128(0x17));
const AUDITOR: UserId = UserId(Uuid::from_u128(0xA));

fn now() -> DateTime<Utc> {
    sample::now()
}

fn code(text: &str) -> Code {
    Code::parse(text).unwrap()
}

fn appraiser() -> Appraiser {
    Appraiser {
        code: code("A-01"),
        display_code: String::new(),
        display_name: "Fair".into(),
        in_house: false,
        address: Address::default(),
        contact: Contact::default(),
        regions: Vec::new(),
        experts: vec![Expert {
            id: EXPERT,
            display_name: "王工".into(),
            license_number: "EXP-1".into(),
            valid_from: sample::day("2026-01-01"),
            valid_to: Some(sample::day("2026-12-31")),
            specialties: Vec::new(),
            certificate_sha256: Vec::new(),
            certificate_subject: String::new(),
        }],
        interests: Vec::new(),
        station_interests: Vec::new(),
        external_ref: String::new(),
    }
}

fn order() -> Order {
    Order {
        id: AppraisalId(Uuid::from_u128(1)),
        seed: Uuid::from_u128(2),
        appraiser_id: OrgId(Uuid::from_u128(3)),
        suppliers: vec![(SUPPLIER, code("S-017"))],
        ordered_by: AUDITOR,
        questions: vec!["why?".into()],
        due_time: now() + Duration::days(10),
        external_ref: String::new(),
        now: now(),
        today: sample::day("2026-11-20"),
    }
}

fn ordered() -> Appraisal {
    Appraisal::order(order(), &sample::priced(), &appraiser()).unwrap()
}

fn findings(shares: &[i64]) -> Findings {
    let contribution = |share: &i64| CauseContribution {
        cause: Cause::Material,
        share_bp: BasisPoints(*share),
        description: String::new(),
    };
    Findings {
        coverage: Coverage::Covered,
        summary: "porous casting".into(),
        root_cause: String::new(),
        cause_contributions: shares.iter().map(contribution).collect(),
        evidence: Vec::new(),
        answers: Vec::new(),
    }
}

fn liability(shares: &[(LiableParty, bool, i64)]) -> LiabilityDecision {
    let share = |(party, named, share): &(LiableParty, bool, i64)| LiabilityShare {
        party: *party,
        supplier: named.then(|| (SUPPLIER, code("S-017"))),
        share_bp: BasisPoints(*share),
        reason: String::new(),
    };
    LiabilityDecision {
        shares: shares.iter().map(share).collect(),
        note: String::new(),
        decided_by: AUDITOR,
        decide_time: now(),
    }
}

fn in_state(word: StateWord) -> Appraisal {
    let by = AppraisalId(Uuid::from_u128(9));
    let (expert, time, reason) = (EXPERT, now(), String::new());
    let state = match word {
        StateWord::Requested => State::Requested,
        StateWord::Accepted => State::Accepted { expert, accept_time: time },
        StateWord::InProgress => State::InProgress { expert, start_time: time },
        StateWord::InfoRequested => State::InfoRequested { expert, start_time: time },
        StateWord::DraftShared => State::DraftShared { expert, share_time: time },
        StateWord::Concluded => State::Concluded { expert, conclude_time: time },
        StateWord::Final => State::Final { expert, final_time: time, access_end_time: Some(time) },
        StateWord::Declined => State::Declined { end_time: time, reason },
        StateWord::Cancelled => State::Cancelled { end_time: time, reason },
        StateWord::Reassigned => State::Reassigned { end_time: time, reason, to: by },
        StateWord::Superseded => State::Superseded { expert, end_time: time, by, access_end_time: Some(time) },
    };
    Appraisal { state, liability: Some(liability(&[(LiableParty::Oem, false, 10_000)])), ..ordered() }
}

fn act(appraisal: Appraisal, verb: Verb) -> Result<Appraisal, AppraisalError> {
    let (today, words) = (sample::day("2026-11-20"), || "words".to_owned());
    match verb {
        Verb::Accept => appraisal.accept(EXPERT, &appraiser(), today, now()),
        Verb::Decline => appraisal.decline(words(), now()),
        Verb::Start => appraisal.start(now()),
        Verb::RequestInformation => appraisal.request_information(words(), AUDITOR, now()),
        Verb::ProvideInformation => appraisal.provide_information(words(), AUDITOR, now()),
        Verb::ShareDraft => appraisal.share_draft(findings(&[10_000]), now()),
        Verb::Comment => appraisal.remark(RemarkKind::Comment, Party::Station, words(), AUDITOR, now()),
        Verb::Object => appraisal.remark(RemarkKind::Objection, Party::Station, words(), AUDITOR, now()),
        Verb::Conclude => appraisal.conclude(concluding(&[10_000]), &appraiser(), today, now()),
        Verb::DecideLiability => appraisal.decide_liability(liability(&[(LiableParty::Oem, false, 10_000)])),
        Verb::Finalize => appraisal.finalize(0, &sample::setting(), today, now()),
        Verb::Cancel => appraisal.cancel(words(), now()),
        Verb::Reassign => appraisal.reassign(AppraisalId(Uuid::from_u128(9)), words(), now()),
        Verb::Supersede => appraisal.supersede(AppraisalId(Uuid::from_u128(9)), now()),
        Verb::EndAccess => appraisal.end_access(),
    }
}

fn concluding(shares: &[i64]) -> Concluding {
    Concluding { findings: findings(shares), fee: None, expert_signature: String::new(), by: AUDITOR }
}

/// Where each verb leads from each state. What is not in the table is refused.
#[test]
fn the_truth_table_of_states_and_verbs() {
    use StateWord::{
        Accepted, Cancelled, Concluded, Declined, DraftShared, Final, InProgress, InfoRequested, Reassigned, Requested,
        Superseded,
    };
    let leads = |verb: Verb, from: StateWord| match (verb, from) {
        (Verb::Accept, Requested) => Some(Accepted),
        (Verb::Decline, Requested | Accepted) => Some(Declined),
        (Verb::Start, Accepted) | (Verb::ProvideInformation, InfoRequested) => Some(InProgress),
        (Verb::RequestInformation, InProgress) => Some(InfoRequested),
        (Verb::ShareDraft, InProgress | DraftShared) | (Verb::Comment, DraftShared) => Some(DraftShared),
        (Verb::Object, Requested | Accepted | InProgress | InfoRequested | DraftShared) => Some(from),
        (Verb::Conclude, InProgress | DraftShared) | (Verb::DecideLiability, Concluded) => Some(Concluded),
        (Verb::Finalize, Concluded) | (Verb::EndAccess, Final) => Some(Final),
        (Verb::Cancel, Requested | Accepted | InProgress | InfoRequested | DraftShared) => Some(Cancelled),
        (Verb::Reassign, Requested | Accepted | InProgress | InfoRequested | DraftShared | Declined) => {
            Some(Reassigned)
        }
        (Verb::Supersede, Final) | (Verb::EndAccess, Superseded) => Some(Superseded),
        _ => None,
    };
    for state in StateWord::ALL {
        for verb in Verb::ALL {
            let after = act(in_state(*state), verb);
            match leads(verb, *state) {
                Some(next) => assert_eq!(after.unwrap().state.word(), next, "{verb:?} from {state:?}"),
                None => {
                    assert_eq!(
                        after,
                        Err(AppraisalError::WrongState { verb, state: *state }),
                        "{verb:?} from {state:?}"
                    );
                }
            }
        }
    }
}

#[test]
fn an_appraiser_with_an_interest_in_a_party_is_refused() {
    let rules = |appraiser: &Appraiser| match Appraisal::order(order(), &sample::priced(), appraiser) {
        Ok(_) => Vec::new(),
        Err(found) => found.into_iter().map(|violation| violation.rule).collect::<Vec<_>>(),
    };
    assert_eq!(rules(&appraiser()), [""; 0]);
    assert_eq!(rules(&Appraiser { interests: vec![code("S-017")], ..appraiser() }), ["CONFLICT_OF_INTEREST"]);
    assert_eq!(rules(&Appraiser { interests: vec![code("S-018")], ..appraiser() }), [""; 0]);
    let own = sample::priced().station_code;
    assert_eq!(rules(&Appraiser { station_interests: vec![own], ..appraiser() }), ["CONFLICT_OF_INTEREST"]);
}

#[test]
fn an_order_asks_something_and_is_due_later() {
    let late = Order { due_time: now(), questions: vec![" ".into()], ..order() };
    let found = Appraisal::order(late, &sample::priced(), &appraiser()).unwrap_err();
    assert_eq!(found.into_iter().map(|violation| violation.rule).collect::<Vec<_>>(), ["REQUIRED", "IN_THE_PAST"]);
}

#[test]
fn the_experts_licence_counts_on_the_day_of_acceptance_and_of_conclusion() {
    let on = |day: &str| {
        let day = sample::day(day);
        let accepted = in_state(StateWord::Requested).accept(EXPERT, &appraiser(), day, now());
        let concluded = in_state(StateWord::InProgress).conclude(concluding(&[10_000]), &appraiser(), day, now());
        (accepted.is_ok(), concluded.is_ok())
    };
    assert_eq!(on("2026-12-31"), (true, true));
    assert_eq!(on("2027-01-01"), (false, false));
    let unknown = in_state(StateWord::Requested).accept(Uuid::nil(), &appraiser(), sample::day("2026-11-20"), now());
    assert!(matches!(unknown, Err(AppraisalError::Invalid(found)) if found[0].rule == "UNKNOWN_EXPERT"));
}

#[test]
fn the_clock_stands_while_information_is_missing_and_the_due_time_moves() {
    let due = now() + Duration::days(10);
    let asked = in_state(StateWord::InProgress).request_information("photo?".into(), AUDITOR, now()).unwrap();
    assert_eq!(asked.due_time(), None, "nobody is late while something is missing");
    let later = now() + Duration::days(3);
    let answered = asked.provide_information("here".into(), AUDITOR, later).unwrap();
    assert_eq!(answered.due_time(), Some(due + Duration::days(3)));
    let again = answered.request_information("serial?".into(), AUDITOR, later).unwrap();
    let again = again.provide_information("42".into(), AUDITOR, later + Duration::hours(1)).unwrap();
    assert_eq!(again.due_time(), Some(due + Duration::days(3) + Duration::hours(1)));
    assert_eq!(again.pauses.len(), 2, "each pause is on record");
}

#[test]
fn shares_sum_to_the_whole() {
    for (shares, whole) in [(&[10_000][..], true), (&[7_000, 3_000], true), (&[7_000, 2_999], false), (&[], false)] {
        let concluded = in_state(StateWord::InProgress).conclude(
            concluding(shares),
            &appraiser(),
            sample::day("2026-11-20"),
            now(),
        );
        assert_eq!(concluded.is_ok(), whole, "{shares:?}");
    }
    let rules = |shares: &[(LiableParty, bool, i64)]| {
        liability(shares).check().into_iter().map(|violation| violation.rule).collect::<Vec<_>>()
    };
    assert_eq!(rules(&[(LiableParty::Supplier, true, 7_000), (LiableParty::Oem, false, 3_000)]), [""; 0]);
    assert_eq!(rules(&[(LiableParty::None, false, 10_000)]), [""; 0]);
    assert_eq!(rules(&[(LiableParty::Supplier, true, 7_000)]), ["SHARES_NOT_WHOLE"]);
    assert_eq!(rules(&[(LiableParty::Supplier, false, 10_000)]), ["SUPPLIER_MISMATCH"]);
    assert_eq!(rules(&[(LiableParty::Oem, true, 10_000)]), ["SUPPLIER_MISMATCH"]);
    assert_eq!(rules(&[(LiableParty::Oem, false, 5_000), (LiableParty::Oem, false, 5_000)]), ["DUPLICATE"]);
    assert_eq!(rules(&[(LiableParty::None, false, 5_000), (LiableParty::Oem, false, 5_000)]), ["NONE_IS_ALONE"]);
}

#[test]
fn an_appraisal_is_not_final_before_liability_is_decided() {
    let undecided = Appraisal { liability: None, ..in_state(StateWord::Concluded) };
    assert_eq!(
        undecided.finalize(0, &sample::setting(), sample::day("2026-11-20"), now()),
        Err(AppraisalError::LiabilityMissing)
    );
    let last =
        in_state(StateWord::Concluded).finalize(0, &sample::setting(), sample::day("2026-11-20"), now()).unwrap();
    assert_eq!(last.state.access_end_time(), Some(now() + Duration::days(30)));
    assert_eq!(last.end_access().unwrap().state.access_end_time(), None);
}

#[test]
fn a_fee_is_owed_once_the_appraisal_is_final_and_stays_owed() {
    let (fee, day) = (sample::cny("1200"), sample::day("2026-11-20"));
    let charged = |word| Appraisal { fee: Some(fee), ..in_state(word) };
    let posted = |appraisal: &Appraisal| appraisal_fee(appraisal).unwrap();
    let concluded = charged(StateWord::Concluded);
    assert_eq!(posted(&concluded), None, "the manufacturer has not taken it yet");
    for word in [StateWord::Cancelled, StateWord::Declined, StateWord::Reassigned] {
        assert_eq!(posted(&charged(word)), None, "{}", word.word());
    }
    let last = concluded.clone().finalize(0, &sample::setting(), day, now()).unwrap();
    let entry = posted(&last).unwrap();
    assert_eq!((entry.cause.as_str(), entry.effective_date), (format!("appraisals/{}/fee", last.id).as_str(), day));
    let postings: Vec<_> = entry.postings.iter().map(|posting| (posting.account, posting.amount)).collect();
    let owed = fee.try_neg().unwrap();
    assert_eq!(postings, [(Account::AppraisalExpense, fee), (Account::AppraiserAccrued, owed)]);
    assert!(entry.postings.iter().all(|posting| posting.sub_account == Some(last.appraiser)));
    let superseded = last.supersede(AppraisalId(Uuid::from_u128(9)), now()).unwrap();
    assert_eq!(posted(&superseded), Some(entry), "the first opinion was delivered");
    let own = Appraisal { in_house: true, ..concluded.clone() };
    assert_eq!(
        posted(&own.finalize(0, &sample::setting(), day, now()).unwrap()),
        None,
        "nobody owes anything to themselves"
    );
    let free = Appraisal { fee: Some(sample::cny("0")), ..concluded };
    assert_eq!(posted(&free.finalize(0, &sample::setting(), day, now()).unwrap()), None);
}

#[test]
fn a_fee_is_an_amount_that_an_auditor_of_the_level_may_approve() {
    let (day, currency) = (sample::day("2026-11-20"), sample::cny("1").currency);
    let conclude = |minor| {
        let charging = Concluding { fee: Some(Money::new(currency, minor)), ..concluding(&[10_000]) };
        in_state(StateWord::InProgress).conclude(charging, &appraiser(), day, now())
    };
    assert!(conclude(MAX_AMOUNT_MINOR).is_ok());
    for too_much in [MAX_AMOUNT_MINOR + 1, i64::MAX, -1] {
        assert!(matches!(conclude(too_much), Err(AppraisalError::Invalid(_))), "{too_much}");
    }
    let row = |level, limit| ApprovalLimit { level, currency, limit };
    let approval_limits = vec![row(0, Some(sample::cny("1000"))), row(3, None)];
    let limited = Setting { approval_limits, ..sample::setting() };
    let charged = Appraisal { fee: Some(sample::cny("1000.01")), ..in_state(StateWord::Concluded) };
    let refused = charged.clone().finalize(0, &limited, day, now());
    assert_eq!(refused, Err(AppraisalError::LevelTooLow { fee: sample::cny("1000.01") }));
    assert!(charged.clone().finalize(3, &limited, day, now()).is_ok());
    let own = Appraisal { in_house: true, ..charged };
    assert!(own.finalize(0, &limited, day, now()).is_ok(), "nothing is owed");
}

#[test]
fn a_conclusion_keeps_the_certificates_that_were_registered() {
    let mut signing = appraiser();
    signing.experts[0].certificate_sha256 = vec!["ab".repeat(32)];
    let day = sample::day("2026-11-20");
    let concluded = in_state(StateWord::InProgress).conclude(concluding(&[10_000]), &signing, day, now()).unwrap();
    let conclusion = concluded.conclusion.unwrap();
    assert_eq!(conclusion.registered, signing.experts[0].registered());
    let json = serde_json::to_value(&conclusion).unwrap();
    let mut before = json.clone();
    before.as_object_mut().unwrap().remove("registered");
    let read: Conclusion = serde_json::from_value(before).unwrap();
    assert!(read.registered.is_empty(), "documents of before still read");
}

#[test]
fn the_pack_has_neither_prices_nor_people_and_notices_a_change() {
    let claim = sample::priced();
    let pack = EvidencePack::freeze(&claim, now());
    let text = serde_json::to_string(&pack).unwrap();
    assert!(text.contains("LABOR") && text.contains(claim.header.vin.as_deref().unwrap()));
    let external = claim.header.external_repair_order.clone().unwrap_or("RO-1".into());
    for secret in [claim.created_by.to_string(), claim.station.to_string(), claim.station_code.to_string(), external] {
        assert!(!text.contains(&secret), "{secret}");
    }
    for word in ["pricing", "amount", "CNY", "rate"] {
        let of_items = serde_json::to_string(&pack.items).unwrap();
        assert!(!of_items.contains(&format!("\\\"{word}")), "{word}");
    }
    assert!(pack.withheld.len() >= 5, "what is left out is said");
    assert_eq!(pack.faults(), [""; 0]);
    let mut altered = pack.clone();
    altered.items[1].content.push(' ');
    assert_eq!(altered.faults(), [altered.items[1].name.clone()]);
    let mut shorter = pack;
    shorter.items.pop();
    assert_eq!(shorter.faults(), ["manifest"]);
}

#[test]
fn what_is_signed_has_nothing_of_the_manufacturer_only() {
    let appraisal = in_state(StateWord::InProgress);
    let concluding = Concluding { fee: Some(Money::new(Currency::CNY, 12_345)), ..concluding(&[10_000]) };
    let concluded = appraisal.conclude(concluding, &appraiser(), sample::day("2026-11-20"), now()).unwrap();
    let conclusion = concluded.conclusion.clone().unwrap();
    for secret in ["123", &AUDITOR.to_string(), "王工", "S-017"] {
        assert!(!conclusion.payload.contains(secret), "{secret} in {}", conclusion.payload);
    }
    assert!(conclusion.payload.contains(&concluded.pack.hash));
    assert!(Appraisal::signed_text(&conclusion).unwrap().contains("porous casting"));
    let stored = serde_json::to_string(&concluded).unwrap();
    assert_eq!(serde_json::from_str::<Appraisal>(&stored).unwrap(), concluded);
}

#[test]
fn every_organisation_has_one_part_in_a_case_or_none() {
    let appraisal = ordered();
    assert_eq!(appraisal.party(OrgId::OEM), Some(Party::Oem));
    assert_eq!(appraisal.party(appraisal.appraiser), Some(Party::Appraiser));
    assert_eq!(appraisal.party(appraisal.station), Some(Party::Station));
    assert_eq!(appraisal.party(SUPPLIER), Some(Party::Supplier));
    assert_eq!(appraisal.party(OrgId(Uuid::from_u128(0xFFFF))), None);
}
