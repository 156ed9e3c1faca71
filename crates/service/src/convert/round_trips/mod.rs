//! What is shown and read back is what it was: for every kind of master data, with every field filled.

mod parties;
mod parts;
mod rules;
mod vehicles;

use chrono::{DateTime, NaiveDate, Utc};
use recourse_domain::catalog::{Address, BankAccount, Contact, Dated, DatedList, Stored};
use recourse_domain::ids::Code;
use recourse_domain::money::{Currency, Money};
use uuid::Uuid;

fn code(text: &str) -> Code {
    Code::parse(text).unwrap()
}

fn day(text: &str) -> NaiveDate {
    text.parse().unwrap()
}

fn id(number: u128) -> Uuid {
    Uuid::from_u128(number)
}

fn yuan(minor: i64) -> Money {
    Money::new(Currency::CNY, minor)
}

fn time() -> DateTime<Utc> {
    DateTime::from_timestamp(1_800_000_000, 0).unwrap()
}

fn stored<T>(value: T) -> Stored<T> {
    Stored {
        id: id(1),
        version: 3,
        create_time: time(),
        update_time: time(),
        retire_time: None,
        head_hash: Vec::new(),
        value,
    }
}

fn rows<T>(value: T) -> DatedList<T> {
    DatedList(vec![Dated { id: id(7), valid_from: day("2026-01-01"), valid_to: Some(day("2027-01-01")), value }])
}

fn address() -> Address {
    Address {
        country: "CN".to_owned(),
        province: "上海".to_owned(),
        city: "上海".to_owned(),
        postal_code: "200120".to_owned(),
        lines: vec!["世纪大道 1 号".to_owned()],
    }
}

fn contact() -> Contact {
    Contact { name: "王经理".to_owned(), phone: "+86 21 1".to_owned(), email: "a@example.com".to_owned() }
}

fn account() -> Option<BankAccount> {
    Some(BankAccount {
        bank_name: "ICBC".to_owned(),
        bank_code: "102290000000".to_owned(),
        holder: "浦东服务站".to_owned(),
        number: "6222".to_owned(),
    })
}

/// No row in a round trip is new.
fn no_id() -> Uuid {
    panic!("a row that has a key needs no other")
}
