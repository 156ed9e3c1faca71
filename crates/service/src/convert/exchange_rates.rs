//! Exchange rates: the message of the contract ⇄ the record of the domain.

use recourse_domain::catalog::{ExchangeRate, Stored};
use recourse_domain::money::ExchangeFactor;
use recourse_domain::text::Violation;
use recourse_proto::google::r#type as google;
use recourse_proto::v1;

use super::{Reader, date, etag, timestamp};

/// The rate as its reader sees it.
pub(crate) fn show(stored: &Stored<ExchangeRate>) -> v1::ExchangeRate {
    let ExchangeRate { code, base, quote, factor, base_units, valid_from, source, external_ref } = &stored.value;
    v1::ExchangeRate {
        name: format!("exchangeRates/{code}"),
        etag: etag(stored.version),
        base_currency: base.code().to_owned(),
        quote_currency: quote.code().to_owned(),
        rate: show_factor(*factor),
        base_units: *base_units,
        valid_from: date(*valid_from),
        source: source.clone(),
        external_ref: external_ref.clone(),
        active: stored.retire_time.is_none(),
        create_time: timestamp(stored.create_time),
        update_time: timestamp(stored.update_time),
        retire_time: stored.retire_time.and_then(timestamp),
    }
}

/// A factor in plain digits.
pub(crate) fn show_factor(factor: ExchangeFactor) -> Option<google::Decimal> {
    Some(google::Decimal { value: factor.to_string() })
}

/// The record under a code.
pub(crate) fn read(message: v1::ExchangeRate, code: &str) -> Result<ExchangeRate, Vec<Violation>> {
    let v1::ExchangeRate {
        name: _,
        etag: _,
        base_currency,
        quote_currency,
        rate,
        base_units,
        valid_from,
        source,
        external_ref,
        active: _,
        create_time: _,
        update_time: _,
        retire_time: _,
    } = message;
    let mut reader = Reader::default();
    let code = reader.code("name", code);
    let base = reader.currency("base_currency", &base_currency);
    let quote = reader.currency("quote_currency", &quote_currency);
    let valid_from = reader.needed_date("valid_from", valid_from.as_ref());
    let factor = match ExchangeFactor::parse(&rate.unwrap_or_default().value) {
        Ok(factor) => Some(factor),
        Err(error) => {
            let zh = "汇率为普通数字，最多六位小数";
            reader.refuse(Violation::new("rate", "BAD_RATE", error.to_string(), zh));
            None
        }
    };
    reader.whole(|| {
        Some(ExchangeRate {
            code: code?,
            base: base?,
            quote: quote?,
            factor: factor?,
            base_units: if base_units == 0 { 1 } else { base_units },
            valid_from: valid_from?,
            source,
            external_ref,
        })
    })
}
