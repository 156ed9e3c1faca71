//! Conditions of adjudication rules: whatever is accepted runs on a claim without breaking off, and soon.

use std::collections::BTreeMap;

use recourse_domain::adjudication::{Condition, History, Situation, Surroundings};
use recourse_domain::catalog::{Address, Contact, DatedList, PaymentContract, RepairOrderSystem, Station, TaxScheme};
use recourse_domain::claims::draft::NewClaim;
use recourse_domain::claims::{Claim, Code as FindingCode, Finding, Header, Kind, LineContent, LineInput, LineType};
use recourse_domain::ids::{ClaimId, Code, OrgId, UserId};
use recourse_domain::money::{Currency, Hours, Money, Quantity};
use uuid::Uuid;

use super::targets::{Outcome, outcome};

/// Words of the language, and some of its variables.
pub const WORDS: &[&str] = &[
    " && ",
    " || ",
    "!",
    "(",
    ")",
    "[",
    "]",
    " == ",
    " != ",
    " <= ",
    " > ",
    " in ",
    " + ",
    " - ",
    " * ",
    " / ",
    " % ",
    " ? ",
    " : ",
    "\"",
    "'",
    ".exists(l, ",
    ".all(l, ",
    ".filter(l, ",
    ".map(l, ",
    "size(",
    "has(",
    "l.",
    "claim.",
    "lines",
    "findings",
    "warnings",
    "amount_minor",
    "kind",
    "type",
    "true",
    "0",
    "9223372036854775807",
    "\\u0041",
    "//",
    "{",
    "}",
    "r\"",
    "b'",
    "1u",
    "1.5",
    "null",
];

/// A claim with some lines and findings, on which accepted conditions are tried.
pub fn situation() -> Situation {
    let code = |text: &str| Code::parse(text).expect("a code");
    let amount = Some(Money::new(Currency::CNY, 45_000));
    let line = |line_type| LineContent { requested_amount: amount, ..LineContent::new(line_type) };
    let lines = [
        LineContent { part: Some(code("P-1")), quantity: Some(Quantity(1_000)), ..line(LineType::Part) },
        LineContent { operation: Some(code("OP-1")), hours: Some(Hours(150)), ..line(LineType::Labor) },
        line(LineType::Sublet),
    ];
    let lines = lines.map(|content| LineInput { number: 0, content }).to_vec();
    let new = NewClaim {
        id: ClaimId(Uuid::from_u128(1)),
        seed: Uuid::from_u128(2),
        kind: Kind::WarrantyRepair,
        station: OrgId(Uuid::from_u128(3)),
        station_code: code("S-001"),
        currency: Currency::CNY,
        created_by: UserId(Uuid::from_u128(4)).into(),
        today: crate::harness::anchor().date_naive(),
    };
    let header = Header { complaint_description: "stalls when hot".to_owned(), ..Header::default() };
    let mut claim = Claim::create(new, header, lines).expect("a claim");
    claim.findings = (1..=3).map(|number| Finding::warning(FindingCode::PriceAboveList, "x").on_line(number)).collect();
    let station = Station {
        code: code("S-001"),
        display_code: String::new(),
        display_name: "station".to_owned(),
        address: Address::default(),
        contact: Contact::default(),
        opening_hours: String::new(),
        region: "EAST".to_owned(),
        brands: Vec::new(),
        grade: None,
        grades: DatedList::default(),
        currency: Currency::CNY,
        payment_contract: PaymentContract::ClaimPrice,
        labor_rates: DatedList::default(),
        markups: DatedList::default(),
        tax_number: String::new(),
        tax_scheme: TaxScheme::General,
        bank_account: None,
        bays: 1,
        repair_order_system: RepairOrderSystem::External,
        self_approval_limit: None,
        external_ref: String::new(),
    };
    let around = Surroundings {
        submitted: crate::harness::anchor().date_naive(),
        station: &station,
        vehicle: None,
        parts: &BTreeMap::new(),
        operations: &BTreeMap::new(),
        failure_code: None,
        history: History::default(),
    };
    Situation::of(&claim, &around)
}

/// Reads a condition, and tries it if it is one.
pub fn condition(situation: &Situation, input: &str) -> Outcome {
    match Condition::compile(input) {
        Ok(condition) => {
            let tried = condition.holds(situation);
            if let Err(message) = &tried {
                assert!(!message.contains("broke off"), "{message}");
                assert!(!message.contains("neither true nor false"), "the checker let it through: {message}");
                assert!(!message.contains("no matching overload"), "the checker let it through: {message}");
            }
            let words = |text: &str| text.chars().filter(char::is_ascii_alphabetic).take(16).collect::<String>();
            outcome(true, (tried.map_err(|message| words(&message)), condition.steps()))
        }
        Err(fault) => {
            assert!(!fault.text.en.contains("broke off"), "{}", fault.text.en);
            assert!(!fault.text.en.is_empty() && !fault.text.zh_cn.is_empty(), "a fault has words");
            assert!(fault.line >= 1 && fault.column >= 1, "a fault has a place");
            let words: String = fault.text.en.chars().filter(char::is_ascii_alphabetic).take(24).collect();
            outcome(false, words)
        }
    }
}
