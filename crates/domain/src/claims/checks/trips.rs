//! What a rescue trip says of itself, against its own times: by night or by day, and the distance by the map. Both
//! move what is paid, and neither refuses by itself.

use chrono::{DateTime, TimeDelta, Timelike, Utc};

use crate::catalog::rescue_tariff::{GAP_KM, GAP_MINUTES, NightHours};
use crate::claims::finding::Code;
use crate::claims::rescue::tariff;
use crate::claims::{Claim, Facts, Finding, LineType, RescueTrip};
use crate::clock::Zone;

/// Kilometres an hour that no rescue keeps up on the road.
const FASTEST_KM_PER_HOUR: i64 = 130;
/// By the map it may be so many times as far as it was driven, in percent, and so many kilometres more.
const MAP_PERCENT: i64 = 150;
const MAP_MORE_KM: i64 = 2;
/// Kilometres an hour that a tow on bad roads still makes, and the hours at the place of the breakdown.
const SLOWEST_KM_PER_HOUR: i64 = 20;
const LONGEST_STAY_HOURS: i64 = 12;
/// Trips of a day and longer are by day and by night.
const MINUTES_OF_DAY: i64 = 24 * 60;

pub(super) fn check(claim: &Claim, facts: &Facts) -> Vec<Finding> {
    let trips = claim.trips().iter().enumerate();
    trips
        .flat_map(|(index, trip)| {
            [night(claim, index, trip, facts), by_map(claim, index, trip, facts), duration(claim, index, trip, facts)]
        })
        .flatten()
        .collect()
}

/// Whether a span has minutes by night, and by day.
fn parts_of_day(night: NightHours, zone: Zone, from: DateTime<Utc>, to: DateTime<Utc>) -> (bool, bool) {
    let minutes = (to - from).num_minutes().clamp(0, MINUTES_OF_DAY);
    let by_night = |minute: i64| {
        let local = from.checked_add_signed(TimeDelta::minutes(minute)).unwrap_or(from).with_timezone(&zone.0);
        night.holds(local.hour() * 60 + local.minute())
    };
    ((0..=minutes).any(by_night), (0..=minutes).any(|minute| !by_night(minute)))
}

/// A trip by night has a part that was; a trip by day has one that was not.
fn night(claim: &Claim, index: usize, trip: &RescueTrip, facts: &Facts) -> Option<Finding> {
    let hours = tariff(claim, facts)?.night_hours?;
    let depart = trip.depart_time?;
    let back = trip.return_time.or(trip.arrive_time).unwrap_or(depart);
    let (by_night, by_day) = parts_of_day(hours, facts.setting.zone(), depart, back);
    let fits = if trip.night { by_night } else { by_day };
    let (night, day) = (("by night", "夜间"), ("by day", "白天"));
    let (said, was) = if trip.night { (night, day) } else { (day, night) };
    let (from, to) = hours.texts();
    (!fits).then(|| {
        Finding::warning(Code::NightFlag, format!("roadside_rescue.trips[{index}].night"))
            .with("trip", trip.number)
            .with("said_en", said.0)
            .with("said_zh", said.1)
            .with("was_en", was.0)
            .with("was_zh", was.1)
            .with("night", format!("{from}–{to}"))
    })
}

/// By the map it is not much further than a track without gaps, nor than the time of the trip allows: the longer of
/// map and track is what is paid.
fn by_map(claim: &Claim, index: usize, trip: &RescueTrip, facts: &Facts) -> Option<Finding> {
    let map_km = trip.map_distance_km?;
    let tariff = tariff(claim, facts);
    let minutes = i64::from(tariff.map_or(GAP_MINUTES, |tariff| tariff.gap_minutes));
    let gap_km = tariff.map_or(GAP_KM, |tariff| tariff.gap_km);
    let whole = facts.tracks.get(&trip.number).filter(|track| {
        track.points > 1 && track.longest_gap_seconds <= minutes * 60 && track.longest_gap_meters <= gap_km * 1_000
    });
    let driven_km = whole.map(|track| track.meters / 1_000);
    let most_driven = driven_km.map(|km| km.saturating_mul(MAP_PERCENT) / 100 + MAP_MORE_KM);
    let took = trip.depart_time.zip(trip.return_time).map(|(depart, back)| (back - depart).num_minutes());
    let most_in_time = took.filter(|took| *took > 0).map(|took| took.saturating_mul(FASTEST_KM_PER_HOUR) / 60);
    let (en, zh) = if let (Some(driven), Some(most)) = (driven_km, most_driven)
        && map_km > most
    {
        (format!("the recorded track has {driven} km"), format!("记录轨迹为 {driven} 公里"))
    } else if let (Some(took), Some(most)) = (took, most_in_time)
        && map_km > most
    {
        (format!("the trip took {took} minutes"), format!("该次出行历时 {took} 分钟"))
    } else {
        return None;
    };
    Some(
        Finding::warning(Code::MapDistance, format!("roadside_rescue.trips[{index}].map_distance"))
            .with("trip", trip.number)
            .with("map_km", map_km)
            .with("than_en", en)
            .with("than_zh", zh),
    )
}

/// Hours are paid as they are written: what neither the way nor the work explains is told.
fn duration(claim: &Claim, index: usize, trip: &RescueTrip, facts: &Facts) -> Option<Finding> {
    let minutes = trip.depart_time.zip(trip.return_time).map(|(depart, back)| (back - depart).num_minutes())?;
    let driven_km = facts.tracks.get(&trip.number).map(|track| track.meters / 1_000);
    let travel = claim.lines.iter().filter(|line| line.content.line_type == LineType::Travel);
    let claimed_km = travel.filter_map(|line| line.content.distance_km).max().map(|km| km.saturating_mul(2));
    let km = driven_km.max(trip.map_distance_km).or(claimed_km).unwrap_or(0);
    let most_hours = LONGEST_STAY_HOURS.saturating_add(km / SLOWEST_KM_PER_HOUR);
    (minutes > most_hours.saturating_mul(60)).then(|| {
        Finding::warning(Code::RescueDuration, format!("roadside_rescue.trips[{index}].return_time"))
            .with("trip", trip.number)
            .with("hours", minutes / 60)
            .with("km", km)
            .with("most_hours", most_hours)
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::catalog::rescue_tariff::tests::tariff as sample_tariff;
    use crate::claims::draft::NewClaim;
    use crate::claims::sample::{facts, header, new_claim, time};
    use crate::claims::track::TrackSummary;
    use crate::claims::{Details, Header, Kind, RoadsideRescueDetails};

    fn found(trip: RescueTrip, track: Option<TrackSummary>) -> Vec<&'static str> {
        let details = RoadsideRescueDetails { trips: vec![trip], ..RoadsideRescueDetails::default() };
        let header = Header { details: Some(Details::RoadsideRescue(details)), ..header() };
        let claim = Claim::create(NewClaim { kind: Kind::RoadsideRescue, ..new_claim() }, header, Vec::new()).unwrap();
        let mut facts = facts();
        facts.rescue_tariffs = vec![sample_tariff()];
        facts.tracks.extend(track.map(|track| (1, track)));
        check(&claim, &facts)
            .iter()
            .inspect(|finding| assert!(!finding.blocks()))
            .map(|finding| finding.code.word())
            .collect()
    }

    /// Times where the deployment is, eight hours ahead.
    fn trip(depart: &str, back: &str, night: bool) -> RescueTrip {
        RescueTrip {
            number: 1,
            depart_time: Some(time(&format!("{depart}:00+08:00"))),
            return_time: Some(time(&format!("{back}:00+08:00"))),
            night,
            ..RescueTrip::default()
        }
    }

    #[test]
    fn by_night_means_that_some_of_it_was() {
        for (depart, back, said, told) in [
            ("2026-11-10T14:00", "2026-11-10T16:00", true, true),
            ("2026-11-10T14:00", "2026-11-10T16:00", false, false),
            ("2026-11-10T21:30", "2026-11-10T22:30", true, false),
            ("2026-11-10T21:30", "2026-11-10T22:30", false, false),
            ("2026-11-10T23:00", "2026-11-11T02:00", true, false),
            ("2026-11-10T23:00", "2026-11-11T02:00", false, true),
            ("2026-11-10T05:00", "2026-11-12T05:00", false, false),
        ] {
            let expected: &[&str] = if told { &["NIGHT_FLAG"] } else { &[] };
            let mut found = found(trip(depart, back, said), None);
            found.retain(|code| *code == "NIGHT_FLAG");
            assert_eq!(found, expected, "{depart} {back} {said}");
        }
        let without_times = RescueTrip { number: 1, night: true, ..RescueTrip::default() };
        assert_eq!(found(without_times, None), [""; 0]);
    }

    #[test]
    fn the_map_is_held_against_track_and_time() {
        let by_map =
            |km: i64| RescueTrip { map_distance_km: Some(km), ..trip("2026-11-10T14:00", "2026-11-10T16:00", false) };
        let track = |meters, gap| TrackSummary { points: 9, meters, longest_gap_seconds: gap, longest_gap_meters: 0 };
        // 80 km driven: up to 122 are told by nobody.
        assert_eq!(found(by_map(122), Some(track(80_000, 60))), [""; 0]);
        assert_eq!(found(by_map(123), Some(track(80_000, 60))), ["MAP_DISTANCE"]);
        assert_eq!(found(by_map(123), Some(track(80_000, 601))), [""; 0], "a track with a gap misses some of the way");
        // Two hours at 130 km an hour.
        assert_eq!(found(by_map(260), None), [""; 0]);
        assert_eq!(found(by_map(261), None), ["MAP_DISTANCE"]);
    }

    #[test]
    fn hours_that_the_way_does_not_explain_are_told() {
        let took = |back: &str, km| {
            found(RescueTrip { map_distance_km: Some(km), ..trip("2026-11-10T14:00", back, false) }, None)
        };
        // Twelve hours at the place, and one for each twenty kilometres.
        assert_eq!(took("2026-11-11T04:00", 40), [""; 0]);
        assert_eq!(took("2026-11-11T04:01", 40), ["RESCUE_DURATION"]);
        assert_eq!(took("2026-11-11T04:01", 60), [""; 0]);
        assert_eq!(
            found(trip("0001-01-02T00:00", "2026-11-10T14:00", false), None),
            ["RESCUE_DURATION"],
            "of two millennia"
        );
    }
}
