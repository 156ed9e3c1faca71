use uuid::Uuid;

use super::*;
use crate::catalog::rescue_tariff::tests::tariff as sample_tariff;
use crate::claims::draft::NewClaim;
use crate::claims::sample::{added, cny, facts, header, new_claim, time};
use crate::claims::{Details, Header, LineContent, RoadsideRescueDetails, pricing};

fn trip(number: i32) -> RescueTrip {
    RescueTrip {
        number,
        depart_time: Some(time("2026-11-10T08:00:00Z")),
        return_time: Some(time("2026-11-10T09:30:00Z")),
        staff_count: 2,
        ..RescueTrip::default()
    }
}

fn computed(trips: Vec<RescueTrip>, distances: &[i64]) -> Vec<Option<Money>> {
    let mut facts = facts();
    facts.rescue_tariffs = vec![sample_tariff()];
    let details = RoadsideRescueDetails { trips, ..RoadsideRescueDetails::default() };
    let header = Header { details: Some(Details::RoadsideRescue(details)), ..header() };
    let lines = distances
        .iter()
        .map(|km| added(LineContent { distance_km: Some(*km), ..LineContent::new(LineType::Travel) }))
        .collect();
    let mut claim = Claim::create(NewClaim { kind: Kind::RoadsideRescue, ..new_claim() }, header, lines).unwrap();
    pricing::price(&mut claim, &facts);
    claim.lines.into_iter().map(|line| line.pricing.unwrap().computed).collect()
}

#[test]
fn each_kilometre_is_paid_at_its_band_there_and_back_and_hours_by_the_minute() {
    // 2 × (50 × 3.00 + 10 × 2.00) + 1.5 h × 2 × 60.00.
    assert_eq!(computed(vec![trip(1)], &[60]), [Some(cny("520"))]);
    // Within the first band: 2 × 30 × 3.00 + 180.00.
    assert_eq!(computed(vec![trip(1)], &[30]), [Some(cny("360"))]);
    let by_night = RescueTrip { night: true, ..trip(1) };
    assert_eq!(computed(vec![by_night], &[30]), [Some(cny("450"))]);
    assert_eq!(computed(vec![RescueTrip { hired_vehicle: true, ..trip(1) }], &[30]), [None], "no rate for it");
}

#[test]
fn what_track_and_map_verify_is_the_most_that_is_paid() {
    let verified =
        |meters, map| RescueTrip { verified_meters: meters, map_distance_km: map, staff_count: 0, ..trip(1) };
    // 40 km there and back are 20 km one way, and a tenth is tolerated: 22 km of 30.
    assert_eq!(computed(vec![verified(Some(40_000), None)], &[30]), [Some(cny("132"))]);
    assert_eq!(computed(vec![verified(Some(40_000), Some(50))], &[30]), [Some(cny("165"))], "the map is longer");
    assert_eq!(computed(vec![verified(Some(40_000), None)], &[10]), [Some(cny("60"))], "less is claimed");
    // 40.001 km: 22.00055 km, which is 132.0033 and paid as 132.00.
    assert_eq!(computed(vec![verified(Some(40_001), None)], &[30]), [Some(cny("132"))]);
}

#[test]
fn a_cap_ends_it_and_lines_belong_to_trips_in_their_order() {
    assert_eq!(computed(vec![trip(1)], &[900]), [Some(cny("2000"))]);
    let again = RescueTrip { reason: "a second part".to_owned(), staff_count: 0, ..trip(2) };
    assert_eq!(computed(vec![again, trip(1)], &[60, 10]), [Some(cny("520")), Some(cny("60"))]);
    assert_eq!(computed(vec![trip(1)], &[10, 10]), [Some(cny("240")), None], "no second trip");
}

#[test]
fn a_tow_is_paid_up_to_the_cap_however_many_lines_it_is_written_on() {
    let mut facts = facts();
    facts.rescue_tariffs = vec![sample_tariff()];
    let towed = |kind, amounts: &[&str]| {
        let tow = |amount: &&str| {
            added(LineContent { requested_amount: Some(cny(amount)), ..LineContent::new(LineType::Towing) })
        };
        let lines = amounts.iter().map(tow).collect();
        let mut claim = Claim::create(NewClaim { kind, ..new_claim() }, header(), lines).unwrap();
        pricing::price(&mut claim, &facts);
        claim.lines.into_iter().map(|line| line.pricing.unwrap().computed.unwrap().minor / 100).collect::<Vec<_>>()
    };
    // The sample's cap is 800.00.
    assert_eq!(towed(Kind::RoadsideRescue, &["900"]), [800]);
    assert_eq!(towed(Kind::RoadsideRescue, &["500", "500", "500"]), [500, 300, 0]);
    assert_eq!(towed(Kind::RoadsideRescue, &["300", "500"]), [300, 500]);
    assert_eq!(towed(Kind::WarrantyRepair, &["500", "500"]), [500, 500], "the tariff is for rescues");
}

#[test]
fn a_shared_trip_is_paid_once() {
    let facts = {
        let mut facts = facts();
        // One kilometre costs 1.50 and a fen there and back, so that halves are odd.
        let mut tariff = sample_tariff();
        tariff.both_ways = false;
        tariff.rates[0].bands[0].price_per_km = cny("3.01");
        facts.rescue_tariffs = vec![tariff];
        facts
    };
    let of = |id: u128, other: u128| {
        let shared_with = Some(format!("claims/{}", Uuid::from_u128(other)));
        let trips = vec![RescueTrip { shared_with, staff_count: 0, ..trip(1) }];
        let details = RoadsideRescueDetails { trips, ..RoadsideRescueDetails::default() };
        let header = Header { details: Some(Details::RoadsideRescue(details)), ..header() };
        let line = added(LineContent { distance_km: Some(1), ..LineContent::new(LineType::Travel) });
        let id = crate::ids::ClaimId(Uuid::from_u128(id));
        let new = NewClaim { id, kind: Kind::RoadsideRescue, ..new_claim() };
        let mut claim = Claim::create(new, header, vec![line]).unwrap();
        pricing::price(&mut claim, &facts);
        claim.lines.remove(0).pricing.unwrap().computed
    };
    assert_eq!((of(1, 2), of(2, 1)), (Some(cny("1.51")), Some(cny("1.50"))));
}
