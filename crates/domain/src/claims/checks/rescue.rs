//! Rescue trips against what was recorded: a gap asks for evidence, it never refuses.

use chrono::TimeDelta;

use super::{at, lacks, positions, trips};
use crate::catalog::rescue_tariff::{GAP_KM, GAP_MINUTES};
use crate::claims::finding::Code;
use crate::claims::rescue::{tariff, trip_of, verified_meters};
use crate::claims::track::CLOCK_MINUTES;
use crate::claims::{Claim, Facts, Finding, LineType, RescueTrip};

pub(super) fn check(claim: &Claim, facts: &Facts) -> Vec<Finding> {
    let mut findings = trips::check(claim, facts);
    for (index, trip) in claim.trips().iter().enumerate() {
        let track = format!("roadside_rescue.trips[{index}].track");
        findings.extend(evidence(claim, trip, facts, &track));
        findings.extend(shared(claim, index, trip, facts));
        findings.extend(ahead(index, trip, facts));
        if let (Some(depart), Some(back)) = (trip.depart_time, trip.return_time)
            && back < depart
        {
            findings.push(
                Finding::error(Code::DatesOutOfOrder, format!("roadside_rescue.trips[{index}].return_time"))
                    .with("date", back)
                    .with("other_field", "depart_time")
                    .with("other_date", depart),
            );
        }
    }
    for (position, line) in positions(claim).filter(|(_, line)| line.content.line_type == LineType::Travel) {
        let Some((_, trip)) = trip_of(claim, position) else {
            let missing = Finding::error(Code::RequiredField, "roadside_rescue.trips");
            findings.push(missing.with("name", "a trip for each line of type TRAVEL").on_line(line.number));
            continue;
        };
        let (Some(verified), Some(claimed_km)) = (verified_meters(claim, trip, facts), line.content.distance_km) else {
            continue;
        };
        if claimed_km.saturating_mul(1_000) > verified {
            findings.push(
                Finding::warning(Code::RescueDistance, at(position, "distance"))
                    .on_line(line.number)
                    .with("claimed_km", claimed_km)
                    .with("verified_km", verified / 1_000),
            );
        }
    }
    findings
}

/// A trip is paid by the time that it took, so it is over when it is claimed. A phone's clock may be ahead.
fn ahead(index: usize, trip: &RescueTrip, facts: &Facts) -> Option<Finding> {
    let latest = facts.now.checked_add_signed(TimeDelta::minutes(CLOCK_MINUTES)).unwrap_or(facts.now);
    let times =
        [("depart_time", trip.depart_time), ("arrive_time", trip.arrive_time), ("return_time", trip.return_time)];
    let (field, time) =
        times.into_iter().find_map(|(field, time)| Some((field, time.filter(|time| *time > latest)?)))?;
    let found = Finding::error(Code::DatesOutOfOrder, format!("roadside_rescue.trips[{index}].{field}"));
    Some(found.with("date", time).with("other_field", "now").with("other_date", facts.now))
}

/// Neither track nor map, or a track with a gap in it.
fn evidence(claim: &Claim, trip: &RescueTrip, facts: &Facts, field: &str) -> Option<Finding> {
    if trip.verified_meters.is_none() && trip.map_distance_km.is_none() {
        return Some(lacks(field, ("recorded track, or route by the map", "行驶轨迹或地图路线")));
    }
    let track = facts.tracks.get(&trip.number)?;
    let tariff = tariff(claim, facts);
    let minutes = tariff.map_or(GAP_MINUTES, |tariff| tariff.gap_minutes);
    let km = tariff.map_or(GAP_KM, |tariff| tariff.gap_km);
    let name = tariff.map_or_else(|| "rescueTariffs/-".to_owned(), |tariff| format!("rescueTariffs/{}", tariff.code));
    let gap = if track.longest_gap_seconds > i64::from(minutes).saturating_mul(60) {
        format!("{name}: track_gap_minutes = {minutes}")
    } else if track.longest_gap_meters > km.saturating_mul(1_000) {
        format!("{name}: track_gap_km = {km}")
    } else {
        return None;
    };
    Some(lacks(field, ("proof for the gap in the track", "轨迹中断说明")).by(gap))
}

/// Sharing is mutual: each of two claims has half of the trip, so neither may have it whole.
fn shared(claim: &Claim, index: usize, trip: &RescueTrip, facts: &Facts) -> Option<Finding> {
    let other = trip.shared_with.as_ref()?;
    let own = format!("claims/{}", claim.id);
    let mutual = facts
        .shared_trips
        .iter()
        .any(|found| format!("claims/{}", found.claim) == *other && found.is_rescue && found.names.contains(&own));
    (!mutual).then(|| {
        Finding::warning(Code::TripNotShared, format!("roadside_rescue.trips[{index}].shared_with"))
            .with("trip", trip.number)
            .with("other", other)
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::catalog::rescue_tariff::tests::tariff as sample_tariff;
    use crate::claims::draft::NewClaim;
    use crate::claims::sample::{added, facts, header, new_claim, time};
    use crate::claims::track::TrackSummary;
    use crate::claims::{Details, Header, Kind, LineContent, RoadsideRescueDetails, SharedTrip};
    use crate::ids::ClaimId;
    use uuid::Uuid;

    fn trip() -> RescueTrip {
        RescueTrip { number: 1, depart_time: Some(time("2026-11-10T08:00:00Z")), ..RescueTrip::default() }
    }

    fn rescue(trips: Vec<RescueTrip>, distance_km: i64) -> Claim {
        let details = RoadsideRescueDetails { trips, ..RoadsideRescueDetails::default() };
        let header = Header { details: Some(Details::RoadsideRescue(details)), ..header() };
        let line = LineContent { distance_km: Some(distance_km), ..LineContent::new(LineType::Travel) };
        Claim::create(NewClaim { kind: Kind::RoadsideRescue, ..new_claim() }, header, vec![added(line)]).unwrap()
    }

    fn found(mut claim: Claim, track: Option<TrackSummary>) -> Vec<(Code, String, bool)> {
        let mut facts = facts();
        facts.rescue_tariffs = vec![sample_tariff()];
        facts.tracks.extend(track.map(|track| (1, track)));
        claim.note_tracks(&facts);
        check(&claim, &facts)
            .into_iter()
            .map(|finding| (finding.code, finding.field.clone(), finding.blocks()))
            .collect()
    }

    const TRACK: &str = "roadside_rescue.trips[0].track";

    fn track(meters: i64, longest_gap_seconds: i64, longest_gap_meters: i64) -> TrackSummary {
        TrackSummary { points: 9, meters, longest_gap_seconds, longest_gap_meters }
    }

    #[test]
    fn a_gap_asks_for_evidence_and_never_refuses() {
        let asks = [(Code::EvidenceMissing, TRACK.to_owned(), false)];
        assert_eq!(found(rescue(vec![trip()], 50), Some(track(100_000, 600, 5_000))), []);
        assert_eq!(found(rescue(vec![trip()], 50), Some(track(100_000, 601, 5_000))), asks);
        assert_eq!(found(rescue(vec![trip()], 50), Some(track(100_000, 600, 5_001))), asks);
        assert_eq!(found(rescue(vec![trip()], 50), None), asks, "nothing at all");
        let by_map = RescueTrip { map_distance_km: Some(100), ..trip() };
        assert_eq!(found(rescue(vec![by_map], 50), None), []);
    }

    #[test]
    fn more_than_track_and_map_with_tolerance_is_told() {
        let told = [(Code::RescueDistance, "lines[0].distance".to_owned(), false)];
        // 100 km there and back are 50 km one way, and 10 % more are tolerated.
        assert_eq!(found(rescue(vec![trip()], 55), Some(track(100_000, 0, 0))), []);
        assert_eq!(found(rescue(vec![trip()], 56), Some(track(100_000, 0, 0))), told);
        let longer_by_map = RescueTrip { map_distance_km: Some(110), ..trip() };
        assert_eq!(found(rescue(vec![longer_by_map], 56), Some(track(100_000, 0, 0))), []);
    }

    #[test]
    fn a_trip_is_over_when_its_time_is_claimed() {
        let until = |back: &str| {
            let depart_time = Some(time("2026-11-23T06:00:00Z"));
            let trip = RescueTrip { depart_time, return_time: Some(time(back)), map_distance_km: Some(100), ..trip() };
            let mut found = found(rescue(vec![trip], 50), None);
            found.retain(|(code, ..)| *code == Code::DatesOutOfOrder);
            found
        };
        // The sample's now is 2026-11-23, 08:00.
        assert_eq!(until("2026-11-23T08:05:00Z"), []);
        let told = [(Code::DatesOutOfOrder, "roadside_rescue.trips[0].return_time".to_owned(), true)];
        assert_eq!(until("2026-11-23T08:06:00Z"), told);
        assert_eq!(until("2031-01-01T00:00:00Z"), told, "four years of wages");
    }

    #[test]
    fn each_travel_line_has_its_trip() {
        assert_eq!(
            found(rescue(Vec::new(), 10), None),
            [(Code::RequiredField, "roadside_rescue.trips".to_owned(), true)]
        );
    }

    #[test]
    fn a_trip_is_shared_by_both_or_by_none() {
        let other = ClaimId(Uuid::from_u128(9));
        let sharing = RescueTrip { shared_with: Some(format!("claims/{other}")), map_distance_km: Some(20), ..trip() };
        let claim = rescue(vec![sharing], 10);
        let told = [(Code::TripNotShared, "roadside_rescue.trips[0].shared_with".to_owned(), false)];
        assert_eq!(found(claim.clone(), None), told);
        let mut facts = facts();
        let names = vec![format!("claims/{}", claim.id)];
        facts.shared_trips = vec![SharedTrip { claim: other, is_rescue: true, names }];
        assert_eq!(check(&claim, &facts), []);
    }
}
