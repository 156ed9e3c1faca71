//! Time and new ids come from outside, so that a demo or a test can repeat itself.

use chrono::{DateTime, NaiveDate, NaiveTime, Utc};
use chrono_tz::Tz;
use uuid::Uuid;

/// Tells the time, to the microsecond: finer parts would be lost in PostgreSQL and make texts differ.
pub trait Clock: Send + Sync {
    /// The present instant.
    fn now(&self) -> DateTime<Utc>;
}

/// Makes new keys, ordered by time (UUIDv7), and unguessable text.
pub trait IdSource: Send + Sync {
    /// A new key.
    fn new_id(&self) -> Uuid;
}

/// The time zone in which the deployment turns instants into dates: "today", a deadline's day.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Zone(pub Tz);

impl Zone {
    /// The calendar date of an instant where the deployment is.
    pub fn date_of(self, instant: DateTime<Utc>) -> NaiveDate {
        instant.with_timezone(&self.0).date_naive()
    }

    /// The first instant of a day where the deployment is. Where clocks are put forward at midnight, the day begins
    /// when they are.
    pub fn start_of(self, day: NaiveDate) -> DateTime<Utc> {
        let midnight = day.and_time(NaiveTime::MIN);
        let hours = (0..3).filter_map(|hour| midnight.checked_add_signed(chrono::Duration::hours(hour)));
        let first = hours.filter_map(|time| time.and_local_timezone(self.0).earliest()).next();
        first.map_or(midnight.and_utc(), |first| first.to_utc())
    }
}
