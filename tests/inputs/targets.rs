//! The readers that are fed, and what must hold of whatever they accept.

use std::hash::{DefaultHasher, Hash, Hasher};

use prost::Message;
use recourse_domain::dtc::Dtc;
use recourse_domain::money::{Currency, Factor, Hours, Money, Quantity};
use recourse_domain::query::page::Key;
use recourse_domain::query::{filter, order};
use recourse_domain::spelling::Spelling;
use recourse_domain::text::Violation;
use recourse_domain::vin::Vin;
use recourse_proto::gateway::JsonBody;
use recourse_proto::gateway::readers::Paths;
use recourse_proto::merge::{Merge, MergeError};
use recourse_proto::validate::{Validate, violations};
use recourse_proto::wkt::FieldMask;
use recourse_proto::{Lang, v1};
use recourse_repository::{CLAIM_FIELDS, PageTokens};
use serde::Serialize;
use serde::de::DeserializeOwned;
use tonic::Code;

use super::{address, cel, files};
use crate::harness::{Database, anchor};

/// What a reader made of an input.
pub struct Outcome {
    /// Whether it took it.
    pub accepted: bool,
    /// Which way through the reader it went, as far as its answer tells.
    pub kind: u64,
}

/// Reads an input.
pub type Reader = Box<dyn Fn(&[u8]) -> Outcome>;

/// A reader of outside input.
pub struct Target {
    /// Its name, and its folder in the corpus.
    pub name: &'static str,
    /// Words of its language.
    pub words: &'static [&'static str],
    /// Reads an input; panics where an answer contradicts itself.
    pub read: Reader,
}

/// All readers.
pub fn all(tokens: PageTokens) -> Vec<Target> {
    let situation = cel::situation();
    let pool = recourse_proto::descriptor_pool().expect("descriptors");
    let part = pool.get_message_by_name("recourse.v1.Part").expect("parts");
    let (paths, anchors) = (Paths::default(), files::authority());
    let (keys, known) = (files::token_keys(), files::known_tokens());
    vec![
        target("table", files::TABLE_WORDS, move |input| files::table(&part, input)),
        target("content", files::CONTENT_WORDS, files::content),
        target("signature", &["0\u{1}", "\u{3}\u{2}", "ey", "."], move |input| {
            files::signature(&anchors, anchor(), input)
        }),
        target("access_token", &[".", "eyJ", "=", "-", "_"], move |input| files::access_token(&keys, &known, input)),
        target("address", address::WORDS, move |input| text(input, |input| address::address(&paths, input))),
        target("code", &["-", "_", ".", "Ａ", "／", " ", "expense:"], |input| text(input, address::code)),
        target("night_hours", &[":", "-", "23", "24", "59", "60", " ", "+"], |input| text(input, address::night_hours)),
        target("cel", cel::WORDS, move |input| text(input, |input| cel::condition(&situation, input))),
        target(
            "json_body",
            &["\"lines\":", "\"vin\":", "\"@type\":", "{\"value\":", "\"kind\":\"", ",\"lines\":[{}]"],
            json_body,
        ),
        target("protobuf", &["\u{1}", "\n", "\u{12}", "\u{7f}"], protobuf),
        target("vin", &["I", "O", "Q", "LRC", " "], |input| text(input, vin)),
        target("dtc", &["P", "U", "-", "F"], |input| text(input, dtc)),
        target("spelling", &["\u{3000}", "\u{200b}", "Ａ", "ａ", "–", "parts/", " "], |input| {
            text(input, spelling)
        }),
        target("page_token", &["=", "_", "-", "AAAA"], move |input| text(input, |token| page_token(&tokens, token))),
        target(
            "filter",
            &[" AND ", " OR ", "NOT ", "-", "(", ")", "=", "!=", "<=", ":", "*", "\"", "state", "vin", "create_time"],
            |input| text(input, filter),
        ),
        target("order_by", &[" desc", " asc", ",", "create_time"], |input| text(input, order_by)),
        target("field_mask", &[",", ".", "*", "lines", "vin", "_"], |input| text(input, field_mask)),
        target("money", &["CNY ", "JPY ", "KWD ", ".", "-", "+"], |input| text(input, money)),
        target("accept_language", &[",", ";q=", "zh", "en", "*", "-Hans", "0.001"], |input| {
            text(input, accept_language)
        }),
    ]
}

fn target(name: &'static str, words: &'static [&'static str], read: impl Fn(&[u8]) -> Outcome + 'static) -> Target {
    Target { name, words, read: Box::new(read) }
}

/// Page tokens as a server seals them, by the key of the tokens in the corpus.
pub async fn page_tokens(database: &Database) -> PageTokens {
    let store = database.store().await;
    PageTokens::open(&store, vec![7; 32], anchor()).await.unwrap()
}

/// Strings come to these readers decoded: what is no UTF-8 has been refused, or replaced as here.
fn text(input: &[u8], read: impl Fn(&str) -> Outcome) -> Outcome {
    read(&String::from_utf8_lossy(input))
}

pub(super) fn outcome(accepted: bool, kind: impl Hash) -> Outcome {
    let mut hasher = DefaultHasher::new();
    kind.hash(&mut hasher);
    Outcome { accepted, kind: hasher.finish() }
}

/// A refusal by its words without what it quotes, so that new spellings of one mistake are one outcome.
fn refused(violation: &Violation) -> Outcome {
    let quoted = |text: &str| text.chars().filter(char::is_ascii_alphabetic).take(24).collect::<String>();
    assert!(!violation.text.en.is_empty() && !violation.text.zh_cn.is_empty(), "a refusal has words");
    outcome(false, (violation.rule, quoted(&violation.text.en)))
}

/// Rules and both forms of the wire over a message that came in.
pub(super) fn sound<M: Message + Default + PartialEq + Validate + Serialize + DeserializeOwned>(
    message: &M,
) -> Vec<String> {
    let bytes = message.encode_to_vec();
    let again = M::decode(bytes.as_slice()).expect("what was encoded decodes");
    assert_eq!(again.encode_to_vec(), bytes, "protobuf there and back");
    // An enum value or an instant that the contract does not have has no JSON; it must not be a panic.
    if let Ok(json) = serde_json::to_string(message) {
        let read: M = serde_json::from_str(&json).unwrap_or_else(|error| panic!("{error}: own JSON {json}"));
        assert_eq!(serde_json::to_string(&read).unwrap(), json, "JSON there and back");
    }
    let broken = violations(message);
    for violation in &broken {
        assert!(!violation.field.is_empty(), "a violation names its field");
    }
    broken
        .iter()
        .map(|violation| {
            format!("{} {}", violation.field.replace(|c: char| c.is_ascii_digit(), ""), violation.rule.code())
        })
        .collect()
}

fn json_body(input: &[u8]) -> Outcome {
    let read = JsonBody::new(input, Lang::ZhCn).read_field::<v1::CreateClaimRequest, v1::Claim>("claim");
    match read {
        Ok(claim) => outcome(true, sound(&v1::CreateClaimRequest { claim: Some(claim), ..Default::default() })),
        Err(status) => {
            assert_eq!(status.code(), Code::InvalidArgument, "{status:?}");
            let details = recourse_proto::status::Details::of(&status);
            let fields: Vec<_> =
                details.violations.iter().map(|it| (it.reason.clone(), it.field.len().min(40))).take(3).collect();
            outcome(false, (details.reason, fields))
        }
    }
}

fn protobuf(input: &[u8]) -> Outcome {
    // The first byte chooses the message.
    let Some((choice, bytes)) = input.split_first() else { return outcome(false, ()) };
    fn of<M: Message + Default + PartialEq + Validate + Serialize + DeserializeOwned>(bytes: &[u8]) -> Outcome {
        match M::decode(bytes) {
            Ok(message) => outcome(true, (std::any::type_name::<M>(), sound(&message))),
            Err(error) => outcome(false, (std::any::type_name::<M>(), error.to_string())),
        }
    }
    match choice % 4 {
        0 => of::<v1::CreateClaimRequest>(bytes),
        1 => of::<v1::AdjudicateClaimRequest>(bytes),
        2 => of::<v1::CreatePartRequest>(bytes),
        _ => of::<v1::CreateUserRequest>(bytes),
    }
}

fn vin(input: &str) -> Outcome {
    match Vin::parse(input) {
        Ok(vin) => {
            assert_eq!(Vin::parse(vin.as_str()).as_ref(), Ok(&vin), "the canonical form is a VIN");
            assert_eq!(vin.as_str().len(), 17);
            let parts = vin.decode();
            outcome(true, format!("{:?} {:?} {:?}", vin.market(), vin.issues(), parts.region))
        }
        Err(error) => outcome(false, std::mem::discriminant(&error)),
    }
}

fn spelling(input: &str) -> Outcome {
    let all = [Spelling::Vin, Spelling::Code, Spelling::Named("parts"), Spelling::Number, Spelling::Decimal];
    let taken = all.map(|spelling| {
        let respelled = spelling.respell(input);
        if let Some((taken, rules)) = &respelled {
            assert!(!rules.is_empty() && taken != input, "what is changed is told");
            assert_eq!(spelling.respell(taken), None, "the one form is final");
        }
        respelled.map(|(_, rules)| rules)
    });
    outcome(taken.iter().any(Option::is_some), taken)
}

fn dtc(input: &str) -> Outcome {
    match Dtc::parse(input) {
        Ok(dtc) => {
            assert_eq!(Dtc::parse(dtc.as_str()).as_ref(), Ok(&dtc), "the canonical form is a code");
            outcome(true, format!("{:?} {:?} {:?}", dtc.system(), dtc.origin(), dtc.failure_type()))
        }
        Err(_) => outcome(false, input.len().min(8)),
    }
}

fn page_token(tokens: &PageTokens, input: &str) -> Outcome {
    match tokens.open_token(input, "list", anchor()) {
        Ok(keys) => {
            // What opens is what was sealed, to the letter; and it opens nothing else.
            assert_eq!(tokens.seal(&keys, "list", anchor()), input, "a token that was changed opens");
            assert!(tokens.open_token(input, "another list", anchor()).is_err(), "a token opens another list");
            outcome(true, matches!(keys.value, Key::Text(_)))
        }
        Err(violation) => refused(&violation),
    }
}

fn filter(input: &str) -> Outcome {
    match filter::parse(input, CLAIM_FIELDS) {
        Ok(expr) => {
            let shape: String = format!("{expr:?}").chars().filter(|c| "ANOCP({[".contains(*c)).take(30).collect();
            outcome(true, shape)
        }
        Err(violation) => refused(&violation),
    }
}

fn order_by(input: &str) -> Outcome {
    match order::parse(input, CLAIM_FIELDS) {
        Ok(order) => {
            let direction = if order.descending { "desc" } else { "asc" };
            let name =
                CLAIM_FIELDS.iter().find(|field| field.column == order.column).expect("a column of the list").name;
            assert_eq!(order::parse(&format!("{name} {direction}"), CLAIM_FIELDS), Ok(order.clone()));
            outcome(true, (order.column, order.descending))
        }
        Err(violation) => refused(&violation),
    }
}

fn field_mask(input: &str) -> Outcome {
    let mask: FieldMask = serde_json::from_value(input.into()).expect("any text is a list of paths");
    let from =
        v1::Claim { vin: "LSVAA4187S2184841".to_owned(), lines: vec![v1::ClaimLine::default()], ..Default::default() };
    let claim = Merge::merge(&mut from.clone(), &from, &mask.paths);
    let part = Merge::merge(&mut v1::Part::default(), &v1::Part::default(), &mask.paths);
    for error in [claim.as_ref().err(), part.as_ref().err()].into_iter().flatten() {
        assert!(
            mask.paths.iter().any(|path| path == error.path() || path == "*"),
            "{error} is about a path of {input:?}"
        );
        assert!(!error.text(Lang::ZhCn).is_empty());
    }
    let told = |merged: &Result<(), MergeError>| merged.as_ref().err().map(MergeError::code);
    outcome(claim.is_ok() || part.is_ok(), (told(&claim), told(&part), mask.paths.len().min(6)))
}

fn money(input: &str) -> Outcome {
    let (code, amount) = input.split_once(' ').unwrap_or(("CNY", input));
    let currency = match Currency::parse(code) {
        Ok(currency) => currency,
        Err(error) => return outcome(false, std::mem::discriminant(&error)),
    };
    match Money::parse(currency, amount) {
        Ok(money) => {
            assert_eq!(Money::parse(currency, &money.amount()), Ok(money), "what is printed is read");
            let (units, nanos) = money.to_units_nanos();
            assert_eq!(Money::from_units_nanos(currency, units, nanos), Ok(money), "units and nanos there and back");
            // Arithmetic of anything that can be read ends in an amount or in an error.
            let quantity = Quantity::parse(amount).map(|quantity| money.times_quantity(quantity).is_ok());
            let hours = Hours::parse(amount).map(|hours| money.times_hours(hours).is_ok());
            let thrice =
                money.times(&[Factor::Quantity(Quantity(money.minor)), Factor::Hours(Hours(money.minor))]).is_ok();
            let negated = money.try_neg().and_then(|other| other.try_add(money));
            assert!(negated.is_err() || negated.is_ok_and(Money::is_zero), "an amount and its negative are nothing");
            outcome(true, (currency.exponent(), money.is_negative(), quantity.is_ok(), hours.is_ok(), thrice))
        }
        Err(error) => outcome(false, (std::mem::discriminant(&error), amount.len().min(24))),
    }
}

fn accept_language(input: &str) -> Outcome {
    let lang = Lang::from_accept_language(input);
    assert_eq!(Lang::from_accept_language(lang.tag()), lang, "its own tag chooses it");
    outcome(true, (lang.tag(), input.matches(',').count().min(6), input.matches(';').count().min(6)))
}
