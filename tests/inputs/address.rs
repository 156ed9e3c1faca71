//! Where a call goes, and the short words in it: paths and queries, codes, hours of the night.

use recourse_domain::attachments::Hash;
use recourse_domain::catalog::rescue_tariff::NightHours;
use recourse_domain::ids::Code;
use recourse_domain::ledger::Account;
use recourse_proto::gateway::readers::Paths;
use recourse_proto::{Method, v1};

use super::files::refused;
use super::targets::{Outcome, outcome, sound};

/// What addresses are made of.
pub const WORDS: &[&str] = &[
    "GET ",
    "POST ",
    "PATCH ",
    "DELETE ",
    "/v1/",
    "claims",
    "vehicles",
    "parts",
    "/",
    ":submit",
    ":checkCoverage",
    "%2F",
    "%3A",
    "%00",
    "%FF",
    "?",
    "&",
    "=",
    "+",
    "filter=",
    "pageSize=",
    "page_size=",
    "view=FULL",
    "onDate=2026-01-31",
    "odometerKm=",
];

/// A verb, a path and a query.
pub fn address(paths: &Paths, input: &str) -> Outcome {
    let (verb, target) = input.split_once(' ').unwrap_or(("GET", input));
    let Ok(verb) = verb.parse() else { return outcome(false, "no verb") };
    let (path, query) = target.split_once('?').unwrap_or((target, ""));
    let Some(place) = paths.find(&verb, path) else { return outcome(false, "nowhere") };
    for (field, value) in &place.variables {
        assert!(!value.is_empty(), "{field} of {path:?} is empty");
    }
    let read = match place.method {
        Method::ClaimServiceListClaims => place.read::<v1::ListClaimsRequest>(query).map(|message| sound(&message)),
        Method::VehicleServiceCheckCoverage => {
            place.read::<v1::CheckCoverageRequest>(query).map(|message| sound(&message))
        }
        other => return outcome(true, other.full_name()),
    };
    match read {
        Ok(said) => outcome(true, (place.method.full_name(), said)),
        Err(status) => outcome(false, (place.method.full_name(), refused(&status))),
    }
}

/// A code of the trade, the digits of a hash, or the code of an account.
pub fn code(input: &str) -> Outcome {
    let (code, hash, account) = (Code::parse(input).ok(), Hash::parse(input), Account::parse(input).ok());
    if let Some(code) = &code {
        assert_eq!(Code::parse(code.as_str()).as_ref(), Ok(code), "the canonical form is a code");
        assert!((1..=40).contains(&code.as_str().len()) && code.as_str().is_ascii(), "{code}");
    }
    if let Some(hash) = &hash {
        assert_eq!(Hash::parse(hash.as_str()).as_ref(), Some(hash), "the canonical form is a hash");
    }
    if let Some(account) = &account {
        assert_eq!(account.code(), input, "an account has one code");
    }
    let kinds = (code.map(|code| code.as_str().len()), hash.is_some(), account.is_some());
    outcome(kinds.0.is_some() || kinds.1 || kinds.2, kinds)
}

/// When it is night: `22:00-06:00`.
pub fn night_hours(input: &str) -> Outcome {
    let (from, to) = input.split_once('-').unwrap_or((input, ""));
    match NightHours::parse(from, to) {
        Some(night) => {
            let (from, to) = night.texts();
            assert_eq!(NightHours::parse(&from, &to), Some(night), "what is printed is read");
            assert!(night.from_minute < 1440 && night.to_minute < 1440, "a minute of the day: {night:?}");
            outcome(true, night.from_minute < night.to_minute)
        }
        None => outcome(false, input.len().min(12)),
    }
}
