//! Rescue tariffs: the message of the contract ⇄ the record of the domain.

use recourse_domain::catalog::rescue_tariff::{GAP_KM, GAP_MINUTES, NightHours};
use recourse_domain::catalog::{DistanceBand, RescueRate, RescueTariff, Stored};
use recourse_domain::text::Violation;
use recourse_proto::v1;

use super::claims::kilometers;
use super::organizations::read_bp;
use super::{Reader, basis_points, date, etag, money, timestamp};

/// The tariff as its reader sees it.
pub(crate) fn show(stored: &Stored<RescueTariff>) -> v1::RescueTariff {
    let RescueTariff {
        code,
        display_name,
        currency,
        valid_from,
        valid_to,
        rates,
        both_ways,
        trip_cap,
        towing_cap,
        distance_tolerance,
        gap_minutes,
        gap_km,
        night_hours,
        external_ref,
    } = &stored.value;
    let (night_from, night_to) = night_hours.map(NightHours::texts).unwrap_or_default();
    v1::RescueTariff {
        name: format!("rescueTariffs/{code}"),
        etag: etag(stored.version),
        display_name: display_name.clone(),
        currency: currency.code().to_owned(),
        valid_from: date(*valid_from),
        valid_to: valid_to.and_then(date),
        rates: rates.iter().map(show_rate).collect(),
        both_ways: *both_ways,
        trip_cap: trip_cap.and_then(money),
        towing_cap: towing_cap.and_then(money),
        distance_tolerance_bp: distance_tolerance.map(basis_points).unwrap_or_default(),
        track_gap_minutes: *gap_minutes,
        track_gap_km: *gap_km,
        night_from,
        night_to,
        external_ref: external_ref.clone(),
        active: stored.retire_time.is_none(),
        create_time: timestamp(stored.create_time),
        update_time: timestamp(stored.update_time),
        retire_time: stored.retire_time.and_then(timestamp),
    }
}

fn show_rate(rate: &RescueRate) -> v1::RescueRate {
    let RescueRate { repeat_trip, night, hired_vehicle, bands, hourly_rate } = rate;
    let show_band = |band: &DistanceBand| v1::DistanceBand {
        to_distance: band.to_km.and_then(kilometers),
        price_per_km: money(band.price_per_km),
    };
    v1::RescueRate {
        repeat_trip: *repeat_trip,
        night: *night,
        hired_vehicle: *hired_vehicle,
        bands: bands.iter().map(show_band).collect(),
        hourly_rate: hourly_rate.and_then(money),
    }
}

/// The record under a code.
pub(crate) fn read(message: v1::RescueTariff, code: &str) -> Result<RescueTariff, Vec<Violation>> {
    let v1::RescueTariff {
        name: _,
        etag: _,
        display_name,
        currency,
        valid_from,
        valid_to,
        rates,
        both_ways,
        trip_cap,
        towing_cap,
        distance_tolerance_bp,
        track_gap_minutes,
        track_gap_km,
        night_from,
        night_to,
        external_ref,
        active: _,
        create_time: _,
        update_time: _,
        retire_time: _,
    } = message;
    let mut reader = Reader::default();
    let code = reader.code("name", code);
    let currency = reader.currency("currency", &currency);
    let valid_from = reader.needed_date("valid_from", valid_from.as_ref());
    let valid_to = reader.date("valid_to", valid_to.as_ref());
    let mut read_rates = Vec::with_capacity(rates.len());
    for (index, rate) in rates.iter().enumerate() {
        read_rates.push(read_rate(&mut reader, &format!("rates[{index}]"), rate));
    }
    let trip_cap = reader.money("trip_cap", trip_cap.as_ref());
    let towing_cap = reader.money("towing_cap", towing_cap.as_ref());
    let night_hours = NightHours::parse(&night_from, &night_to);
    if night_hours.is_none() && !(night_from.is_empty() && night_to.is_empty()) {
        let (en, zh) = (
            "a night begins and ends at two times, such as 22:00 and 06:00",
            "夜间起止应为两个不同时刻，如 22:00 和 06:00",
        );
        reader.refuse(Violation::new("night_from", "BAD_NIGHT", en, zh));
    }
    reader.whole(|| {
        Some(RescueTariff {
            code: code?,
            display_name,
            currency: currency?,
            valid_from: valid_from?,
            valid_to,
            rates: read_rates,
            both_ways,
            trip_cap,
            towing_cap,
            distance_tolerance: (distance_tolerance_bp != 0).then(|| read_bp(distance_tolerance_bp)),
            gap_minutes: if track_gap_minutes == 0 { GAP_MINUTES } else { track_gap_minutes },
            gap_km: if track_gap_km == 0 { GAP_KM } else { track_gap_km },
            night_hours,
            external_ref,
        })
    })
}

fn read_rate(reader: &mut Reader, at: &str, rate: &v1::RescueRate) -> RescueRate {
    let v1::RescueRate { repeat_trip, night, hired_vehicle, bands, hourly_rate } = rate;
    let mut read_bands = Vec::with_capacity(bands.len());
    for (index, band) in bands.iter().enumerate() {
        let price = reader.needed_money(&format!("{at}.bands[{index}].price_per_km"), band.price_per_km.as_ref());
        let to_km = reader.distance(band.to_distance.as_ref());
        read_bands.extend(price.map(|price_per_km| DistanceBand { to_km, price_per_km }));
    }
    RescueRate {
        repeat_trip: *repeat_trip,
        night: *night,
        hired_vehicle: *hired_vehicle,
        bands: read_bands,
        hourly_rate: reader.money(&format!("{at}.hourly_rate"), hourly_rate.as_ref()),
    }
}
