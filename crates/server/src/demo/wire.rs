//! Values of the contract, written shortly, and the calls that carry them.

use std::sync::Arc;

use chrono::{Datelike, NaiveDate};
use recourse_domain::money::{Hours, Quantity};
use recourse_proto::Method;
use recourse_proto::google::r#type as google;
use recourse_proto::status::Details;
use recourse_proto::v1;
use recourse_service::Api;
use recourse_service::admission::{self, Identity};
use tonic::{Request, Response, Status};

use crate::StartError;
use crate::process::SetClock;

/// The use cases with the clock of their business, as the demo calls them.
pub(super) struct Desk {
    /// The use cases.
    pub api: Api,
    /// The time of business.
    pub clock: Arc<SetClock>,
}

impl Desk {
    /// A request of somebody who signed in, admitted as one from outside is.
    pub(super) fn ask<M>(&self, who: &Identity, method: Method, message: M) -> Result<Request<M>, StartError> {
        let caller = admission::admit(method, Some(who))
            .map_err(|refusal| StartError::new(method.full_name(), refusal.text.en))?;
        let mut request = Request::new(message);
        request.extensions_mut().insert(caller);
        Ok(request)
    }
}

/// What was answered; a refusal is told with everything that it says.
pub(super) fn answered<T>(what: &str, answer: Result<Response<T>, Status>) -> Result<T, StartError> {
    answer.map(Response::into_inner).map_err(|status| {
        let violations = Details::of(&status).violations;
        let violations: Vec<String> =
            violations.iter().map(|found| format!("{}: {}", found.field, found.description)).collect();
        StartError::new(&format!("demo, {what}"), format!("{} {}", status.message(), violations.join("; ")))
    })
}

/// A date of the contract.
pub(super) fn date(day: NaiveDate) -> Option<google::Date> {
    let [month, day_of_month] = [day.month(), day.day()].map(|part| i32::try_from(part).unwrap_or(0));
    Some(google::Date { year: day.year(), month, day: day_of_month })
}

/// An amount in fen.
pub(super) fn cny(fen: i64) -> Option<google::Money> {
    let nanos = i32::try_from(fen % 100 * 10_000_000).unwrap_or(0);
    Some(google::Money { currency_code: "CNY".to_owned(), units: fen / 100, nanos })
}

/// The fen of an amount.
pub(super) fn fen(amount: Option<&google::Money>) -> i64 {
    amount.map_or(0, |amount| amount.units * 100 + i64::from(amount.nanos) / 10_000_000)
}

/// So many whole pieces.
pub(super) fn pieces(count: i64) -> Option<google::Decimal> {
    Some(google::Decimal { value: Quantity(count * Quantity::ONE).to_string() })
}

/// Hours, in hundredths.
pub(super) fn hours(centi: i64) -> Option<google::Decimal> {
    Some(google::Decimal { value: Hours(centi).to_string() })
}

/// Kilometres.
pub(super) fn km(value: i64) -> Option<v1::Distance> {
    Some(v1::Distance { value, unit: v1::distance::Unit::Kilometer.into() })
}

/// A day that the program itself names.
pub(super) fn day(year: i32, month: u32, day: u32) -> NaiveDate {
    NaiveDate::from_ymd_opt(year, month, day).unwrap_or_default()
}

/// First day of all master data.
pub(super) fn first_day() -> NaiveDate {
    day(2024, 1, 1)
}
