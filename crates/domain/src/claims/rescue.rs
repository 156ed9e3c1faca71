//! What a rescue trip is paid: the smaller of what is claimed and what track and map verify, at the tariff.

use super::facts::Facts;
use super::line::{LineType, PriceSource, PriceSourceKind};
use super::pricing::{Computed, MissingPrice, price_date};
use super::{Claim, Kind, Line, RescueTrip};
use crate::catalog::{RescueRate, RescueTariff};
use crate::money::{BasisPoints, Money, MoneyError};

/// Metres of a kilometre times minutes of an hour: what products of prices are divided by, once.
const STEPS: i128 = 60_000;

/// The tariff that counts for a claim.
pub(super) fn tariff<'f>(claim: &Claim, facts: &'f Facts) -> Option<&'f RescueTariff> {
    RescueTariff::on(&facts.rescue_tariffs, price_date(claim, facts), claim.currency)
}

/// The trip of a line of type TRAVEL, with its place among the trips: the nth line is for trip n.
pub(super) fn trip_of(claim: &Claim, position: usize) -> Option<(usize, &RescueTrip)> {
    let lines = claim.lines.iter().take(position.saturating_add(1));
    let number = lines.filter(|line| line.content.line_type == LineType::Travel).count();
    let number = i32::try_from(number).ok()?;
    claim.trips().iter().enumerate().find(|(_, trip)| trip.number == number)
}

/// Metres one way that track and map verify, with the tolerance; none if there is neither.
pub(super) fn verified_meters(claim: &Claim, trip: &RescueTrip, facts: &Facts) -> Option<i64> {
    let map = trip.map_distance_km.map(|km| km.saturating_mul(1_000));
    let both_ways = trip.verified_meters.max(map)?;
    let tolerance = tariff(claim, facts)
        .and_then(|tariff| tariff.distance_tolerance)
        .unwrap_or(facts.setting.rescue_distance_tolerance_bp);
    let whole = i128::from(BasisPoints::WHOLE.0);
    let verified = i128::from(both_ways) * (whole + i128::from(tolerance.0)) / (2 * whole);
    Some(i64::try_from(verified).unwrap_or(i64::MAX))
}

/// Computes a line of type TRAVEL.
pub(super) fn travel(claim: &Claim, position: usize, facts: &Facts) -> Result<Computed, MoneyError> {
    let line = claim.lines.get(position);
    let Some(distance_km) = line.and_then(|line| line.content.distance_km) else { return Ok(Computed::NothingToPrice) };
    let Some((_, trip)) = trip_of(claim, position) else { return Ok(Computed::NothingToPrice) };
    let Some(tariff) = tariff(claim, facts) else { return Ok(Computed::NoPrice(MissingPrice::Tariff)) };
    let Some(rate) = tariff.rate(trip.number > 1, trip.night, trip.hired_vehicle) else {
        return Ok(Computed::NoPrice(MissingPrice::Tariff));
    };
    let claimed = distance_km.saturating_mul(1_000);
    let paid = verified_meters(claim, trip, facts).map_or(claimed, |verified| claimed.min(verified));
    let product = distance_product(tariff, rate, paid)? + time_product(rate, trip);
    let mut amount = Money::of_ratio(claim.currency, product, STEPS)?;
    if let Some(cap) = tariff.trip_cap {
        amount = amount.try_min(cap)?;
    }
    Ok(Computed::Amount {
        unit_price: None,
        source: PriceSource {
            kind: PriceSourceKind::Tariff,
            row: None,
            valid_from: Some(tariff.valid_from),
            price_date: Some(price_date(claim, facts)),
            markup: None,
            list: Some(format!("rescueTariffs/{}", tariff.code)),
        },
        amount: own_part(claim, trip, amount)?,
    })
}

/// What is left of the tariff's cap for the towing line at a place, after those before it: however a tow is written
/// down, it is paid up to the cap. None where nothing limits it.
pub(super) fn towing_left(claim: &Claim, position: usize, facts: &Facts) -> Option<Money> {
    let cap = towing_cap(claim, facts)?;
    let towing = |line: &&Line| line.content.line_type == LineType::Towing;
    let before = claim.lines.iter().take(position).filter(towing).filter_map(|line| line.content.requested_amount);
    let asked = before.fold(0_i64, |sum, amount| sum.saturating_add(amount.minor));
    Some(Money { minor: cap.minor.saturating_sub(asked).max(0), ..cap })
}

/// What towing is paid at most, on a rescue.
fn towing_cap(claim: &Claim, facts: &Facts) -> Option<Money> {
    match claim.kind {
        Kind::RoadsideRescue => tariff(claim, facts)?.towing_cap,
        Kind::WarrantyRepair
        | Kind::RunningInMaintenance
        | Kind::CompensationAppraisal
        | Kind::ExternalPurchase
        | Kind::MajorAssembly => None,
    }
}

/// Each kilometre at the price of its band, there and back if the tariff says so.
fn distance_product(tariff: &RescueTariff, rate: &RescueRate, meters: i64) -> Result<i128, MoneyError> {
    let (mut product, mut from) = (0_i128, 0_i64);
    for band in &rate.bands {
        let end = band.to_km.map_or(i64::MAX, |km| km.saturating_mul(1_000)).min(meters);
        let within = i128::from(end.saturating_sub(from).max(0));
        let priced = within.checked_mul(i128::from(band.price_per_km.minor)).ok_or(MoneyError::Overflow)?;
        product = product.checked_add(priced).ok_or(MoneyError::Overflow)?;
        from = from.max(end);
    }
    let ways = if tariff.both_ways { 2 } else { 1 };
    product.checked_mul(ways * (STEPS / 1_000)).ok_or(MoneyError::Overflow)
}

/// The hours of everybody on the way, from departure to return, by the minute.
fn time_product(rate: &RescueRate, trip: &RescueTrip) -> i128 {
    let (Some(hourly), Some(depart), Some(back)) = (rate.hourly_rate, trip.depart_time, trip.return_time) else {
        return 0;
    };
    let minutes = i128::from((back - depart).num_minutes().max(0));
    minutes * i128::from(trip.staff_count.max(0)) * i128::from(hourly.minor) * (STEPS / 60)
}

/// A trip that helped two vehicles is paid once: each claim has half, and the odd minor unit goes to the one
/// with the smaller key.
fn own_part(claim: &Claim, trip: &RescueTrip, amount: Money) -> Result<Money, MoneyError> {
    let Some(other) = &trip.shared_with else { return Ok(amount) };
    let half = BasisPoints(BasisPoints::WHOLE.0 / 2);
    let split = amount.split_by_shares(&[half, half])?;
    let first = format!("claims/{}", claim.id) < *other;
    Ok(split.parts.get(usize::from(!first)).copied().unwrap_or(Money::zero(claim.currency)))
}

#[cfg(test)]
mod tests;
