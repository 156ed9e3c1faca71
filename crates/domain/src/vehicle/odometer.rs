//! Odometer readings: append-only, and never falling but by a correction.

use chrono::{DateTime, NaiveDate, Utc};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::catalog::common::words;
use crate::ids::{ClaimId, OrgId};
use crate::vin::Vin;

/// What an odometer showed on a day.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct OdometerReading {
    /// Key of the reading.
    pub id: Uuid,
    /// The vehicle.
    pub vin: Vin,
    /// Day on which it was read.
    pub date: NaiveDate,
    /// Kilometres.
    pub km: i64,
    /// How it became known.
    pub source: OdometerSource,
    /// The claim that gave it.
    pub claim: Option<ClaimId>,
    /// It does not count: its claim was withdrawn or rejected.
    pub retracted: bool,
    /// When it was recorded.
    pub recorded_time: DateTime<Utc>,
    /// Who sent it; none: the system recorded it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub origin: Option<Origin>,
}

/// Who sent a reading.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Origin {
    /// The organisation.
    pub org: OrgId,
    /// Its key for it; empty: none.
    pub external_ref: String,
}

/// How a reading became known.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum OdometerSource {
    /// At the sale.
    Sale,
    /// On a repair order.
    RepairOrder,
    /// With a claim.
    Claim,
    /// At an inspection.
    Inspection,
    /// Sent by the vehicle.
    Telematics,
    /// After the instrument was replaced or a wrong reading found: from here on only later readings count.
    Correction,
}

words! {
    OdometerSource {
        Sale = "SALE", RepairOrder = "REPAIR_ORDER", Claim = "CLAIM", Inspection = "INSPECTION",
        Telematics = "TELEMATICS", Correction = "CORRECTION",
    }
}

/// How a reading contradicts another.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OdometerIssue<'a> {
    /// It is lower than the last one before it.
    BelowEarlier(&'a OdometerReading),
    /// It is higher than the first one after it.
    AboveLater(&'a OdometerReading),
}

/// How a reading contradicts the history of its vehicle, by more than a tolerance.
///
/// Compared are the last reading up to its day and the first one after; of several on a day the last recorded
/// counts. Retracted readings count for nothing, and a correction is compared with by nothing before it.
pub fn check_reading(
    history: &[OdometerReading],
    date: NaiveDate,
    km: i64,
    tolerance_km: i64,
) -> Vec<OdometerIssue<'_>> {
    let order = |reading: &&OdometerReading| (reading.date, reading.recorded_time, reading.id);
    let counting = || history.iter().filter(|reading| !reading.retracted);
    let earlier = counting().filter(|reading| reading.date <= date).max_by_key(order);
    let later = counting().filter(|reading| reading.date > date).min_by_key(order);
    let below = earlier.filter(|reading| km < reading.km.saturating_sub(tolerance_km));
    let above = later
        .filter(|reading| reading.source != OdometerSource::Correction && km > reading.km.saturating_add(tolerance_km));
    below.map(OdometerIssue::BelowEarlier).into_iter().chain(above.map(OdometerIssue::AboveLater)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn reading(date: &str, km: i64, recorded: i64, source: OdometerSource) -> OdometerReading {
        OdometerReading {
            id: Uuid::nil(),
            vin: Vin::parse("LJCPCBLCX11000237").unwrap(),
            date: date.parse().unwrap(),
            km,
            source,
            claim: None,
            retracted: false,
            recorded_time: DateTime::from_timestamp(recorded, 0).unwrap(),
            origin: None,
        }
    }

    fn issues(history: &[OdometerReading], date: &str, km: i64, tolerance: i64) -> Vec<String> {
        check_reading(history, date.parse().unwrap(), km, tolerance)
            .into_iter()
            .map(|issue| match issue {
                OdometerIssue::BelowEarlier(other) => format!("below {}", other.km),
                OdometerIssue::AboveLater(other) => format!("above {}", other.km),
            })
            .collect()
    }

    #[test]
    fn an_odometer_does_not_fall() {
        use OdometerSource::{Inspection, RepairOrder};
        let history = [reading("2026-01-01", 1_000, 1, RepairOrder), reading("2026-03-01", 3_000, 2, Inspection)];
        for (date, km, expected) in [
            ("2026-02-01", 2_000, vec![]),
            ("2026-02-01", 1_000, vec![]),
            ("2026-02-01", 999, vec!["below 1000"]),
            ("2026-02-01", 3_000, vec![]),
            ("2026-02-01", 3_001, vec!["above 3000"]),
            ("2026-03-01", 2_999, vec!["below 3000"]),
            ("2026-04-01", 90_000, vec![]),
            ("2025-12-31", 1_001, vec!["above 1000"]),
        ] {
            assert_eq!(issues(&history, date, km, 0), expected, "{date} {km}");
        }
        assert_eq!(issues(&history, "2026-02-01", 990, 10), [""; 0]);
        assert_eq!(issues(&history, "2026-02-01", 989, 10), ["below 1000"]);
        assert_eq!(issues(&[], "2026-02-01", 0, 0), [""; 0]);
    }

    #[test]
    fn a_retracted_reading_counts_for_nothing() {
        let wrong = OdometerReading { retracted: true, ..reading("2026-01-01", 90_000, 1, OdometerSource::Claim) };
        assert_eq!(issues(&[wrong], "2026-02-01", 10, 0), [""; 0]);
    }

    #[test]
    fn after_a_correction_only_later_readings_count() {
        let history = [
            reading("2026-01-01", 90_000, 1, OdometerSource::RepairOrder),
            reading("2026-01-01", 9_000, 2, OdometerSource::Correction),
        ];
        assert_eq!(issues(&history, "2026-02-01", 9_500, 0), [""; 0]);
        assert_eq!(issues(&history, "2026-02-01", 8_999, 0), ["below 9000"]);
        assert_eq!(issues(&history, "2025-12-01", 80_000, 0), [""; 0]);
    }
}
