//! Where a rescue trip went: recorded points, and the distance that they verify.
//!
//! Distances are measured, not money: they are computed with floats leg by leg, each leg rounded to a metre,
//! and summed as whole metres.

use chrono::{DateTime, TimeDelta, Utc};

use super::RescueTrip;
use crate::text::Violation;

/// Points that are kept of one trip: one every five seconds for seven hours.
pub const MAX_POINTS: usize = 5_000;
/// Points that are less exact than this many metres don't count.
const EXACT_ENOUGH_M: i32 = 200;
/// A phone's clock may be ahead by this many minutes.
pub(super) const CLOCK_MINUTES: i64 = 5;
/// Mean radius of the earth in metres.
const EARTH_M: f64 = 6_371_008.8;

/// Where a rescue vehicle was at a time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TrackPoint {
    /// When.
    pub time: DateTime<Utc>,
    /// Latitude in ten-millionths of a degree.
    pub latitude_e7: i32,
    /// Longitude in ten-millionths of a degree.
    pub longitude_e7: i32,
    /// How exact it is, in metres.
    pub accuracy_m: i32,
}

/// What is known of a trip's track.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct TrackSummary {
    /// Points that are recorded.
    pub points: i32,
    /// Metres from the first to the last.
    pub meters: i64,
    /// The longest time without a point, from departure to return, in seconds.
    pub longest_gap_seconds: i64,
    /// The longest distance without a point, in metres.
    pub longest_gap_meters: i64,
}

/// What the points of a trip say, in the order of their times.
pub fn summarize(trip: &RescueTrip, points: &[TrackPoint]) -> TrackSummary {
    let exact: Vec<&TrackPoint> = points.iter().filter(|point| point.accuracy_m <= EXACT_ENOUGH_M).collect();
    let mut summary =
        TrackSummary { points: i32::try_from(points.len()).unwrap_or(i32::MAX), ..TrackSummary::default() };
    for leg in exact.windows(2) {
        let [from, to] = leg else { continue };
        let meters = meters_between(from, to);
        summary.meters = summary.meters.saturating_add(meters);
        summary.longest_gap_meters = summary.longest_gap_meters.max(meters);
        summary.longest_gap_seconds = summary.longest_gap_seconds.max((to.time - from.time).num_seconds());
    }
    let before = trip.depart_time.zip(exact.first()).map(|(depart, first)| first.time - depart);
    let after = trip.return_time.zip(exact.last()).map(|(back, last)| back - last.time);
    for gap in [before, after].into_iter().flatten() {
        summary.longest_gap_seconds = summary.longest_gap_seconds.max(gap.num_seconds());
    }
    summary
}

/// What is wrong with points that are to be recorded beside so many: tracks are collected during the trip only.
pub fn check_points(trip: &RescueTrip, recorded: usize, points: &[TrackPoint], now: DateTime<Utc>) -> Vec<Violation> {
    if recorded.saturating_add(points.len()) > MAX_POINTS {
        return vec![Violation::new(
            "points",
            "TOO_MANY",
            format!("{recorded} points of the trip are recorded; {MAX_POINTS} are kept at most, so send fewer"),
            format!("该次出行已记录 {recorded} 个点；最多保留 {MAX_POINTS} 个，请减少上传"),
        )];
    }
    let Some(depart) = trip.depart_time else {
        return vec![Violation::new(
            "trip",
            "TRIP_NOT_BEGUN",
            "the trip has no depart_time; say when it began first",
            "该次出行未填写 depart_time；请先填写出发时间",
        )];
    };
    let latest = now.checked_add_signed(TimeDelta::minutes(CLOCK_MINUTES)).unwrap_or(now);
    let end = trip.return_time.map_or(latest, |back| back.min(latest));
    let outside = |point: &TrackPoint| point.time < depart || point.time > end;
    points
        .iter()
        .enumerate()
        .filter(|(_, point)| outside(point))
        .map(|(index, _)| {
            Violation::new(
                format!("points[{index}].time"),
                "OUTSIDE_OF_TRIP",
                format!("is not within the trip, {depart} to {end}; tracks are recorded during a trip only"),
                format!("不在出行时间 {depart} 至 {end} 之内；轨迹仅在出行期间采集"),
            )
        })
        .collect()
}

/// Great-circle distance, rounded to a metre.
fn meters_between(from: &TrackPoint, to: &TrackPoint) -> i64 {
    let radians = |e7: i32| (f64::from(e7) / 1e7).to_radians();
    let (from_lat, to_lat) = (radians(from.latitude_e7), radians(to.latitude_e7));
    let half_lat = ((to_lat - from_lat) / 2.0).sin();
    let half_lon = ((radians(to.longitude_e7) - radians(from.longitude_e7)) / 2.0).sin();
    let haversine = half_lat * half_lat + from_lat.cos() * to_lat.cos() * half_lon * half_lon;
    let meters = 2.0 * EARTH_M * haversine.sqrt().min(1.0).asin();
    rounded(meters)
}

/// No two points of the earth are further apart than 20,040 km, so nothing is cut off.
#[expect(clippy::cast_possible_truncation, reason = "a distance on the earth fits into 32 bits")]
fn rounded(meters: f64) -> i64 {
    meters.round() as i64
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::claims::sample::time;

    fn at(minute: i64, latitude_e7: i32, longitude_e7: i32) -> TrackPoint {
        let time = time("2026-11-10T08:00:00Z") + TimeDelta::minutes(minute);
        TrackPoint { time, latitude_e7, longitude_e7, accuracy_m: 10 }
    }

    fn trip() -> RescueTrip {
        RescueTrip {
            number: 1,
            depart_time: Some(time("2026-11-10T08:00:00Z")),
            return_time: Some(time("2026-11-10T09:00:00Z")),
            ..RescueTrip::default()
        }
    }

    #[test]
    fn a_degree_of_latitude_is_a_hundred_and_eleven_kilometres() {
        let track = summarize(&trip(), &[at(0, 310_000_000, 1_210_000_000), at(60, 320_000_000, 1_210_000_000)]);
        assert_eq!((track.points, track.meters), (2, 111_195));
        assert_eq!((track.longest_gap_seconds, track.longest_gap_meters), (3_600, 111_195));
        // 60° north a degree of longitude is half as long.
        let track = summarize(&trip(), &[at(0, 600_000_000, 0), at(60, 600_000_000, 10_000_000)]);
        assert_eq!(track.meters, 55_597);
    }

    #[test]
    fn there_and_back_is_twice_the_way_and_vague_points_do_not_count() {
        let (home, half, there) = (at(0, 310_000_000, 0), at(10, 310_500_000, 0), at(20, 311_000_000, 0));
        let back = at(40, 310_000_000, 0);
        let vague = TrackPoint { accuracy_m: 5_000, ..at(30, 0, 0) };
        let track = summarize(&trip(), &[home, half, there, vague, back]);
        assert_eq!((track.points, track.meters, track.longest_gap_meters), (5, 22_240, 11_120));
        // From the last point to the return nothing was recorded for 20 minutes.
        assert_eq!(track.longest_gap_seconds, 1_200);
        assert_eq!(summarize(&trip(), &[]), TrackSummary::default());
    }

    #[test]
    fn points_belong_to_the_trip() {
        let now = time("2026-11-10T08:30:00Z");
        let rules = |trip: &RescueTrip, minute| {
            check_points(trip, 0, &[at(minute, 0, 0)], now).into_iter().map(|found| found.rule).collect::<Vec<_>>()
        };
        assert_eq!(rules(&trip(), 0), [""; 0]);
        assert_eq!(rules(&trip(), 34), [""; 0], "a phone's clock may be ahead");
        assert_eq!(rules(&trip(), -1), ["OUTSIDE_OF_TRIP"]);
        assert_eq!(rules(&trip(), 36), ["OUTSIDE_OF_TRIP"], "nobody knows where they will be");
        let over = RescueTrip { return_time: Some(time("2026-11-10T08:10:00Z")), ..trip() };
        assert_eq!(rules(&over, 11), ["OUTSIDE_OF_TRIP"]);
        assert_eq!(rules(&RescueTrip { depart_time: None, ..trip() }, 1), ["TRIP_NOT_BEGUN"]);
        let more = |recorded| check_points(&trip(), recorded, &[at(1, 0, 0)], now).len();
        assert_eq!((more(MAX_POINTS - 1), more(MAX_POINTS)), (0, 1));
    }
}
