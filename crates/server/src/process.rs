//! What only a process has: the time of day and new ids. Everybody else is given them.

use std::sync::Mutex;
use std::time::Instant;

use chrono::{DateTime, Duration, TimeDelta, Utc};
use recourse_domain::clock::{Clock, IdSource};
use uuid::Uuid;

/// Asks the system for small pages of memory. With huge ones a server that needs 60 MiB holds 90: whatever is
/// touched once brings two megabytes with it. Where the system knows no such wish nothing happens.
pub fn use_small_pages() {
    #[cfg(target_os = "linux")]
    if let Err(error) = rustix::thread::disable_transparent_huge_pages(true) {
        tracing::debug!(%error, "huge pages stay on");
    }
}

/// The machine's clock, to the microsecond.
pub struct SystemClock;

impl Clock for SystemClock {
    #[expect(clippy::disallowed_methods, reason = "the one place that asks the machine for the time")]
    fn now(&self) -> DateTime<Utc> {
        to_micros(Utc::now())
    }
}

/// A clock that begins at a given instant and then runs: the demo's, so that its answers never rot.
pub struct AnchoredClock {
    anchor: DateTime<Utc>,
    started: Instant,
}

impl AnchoredClock {
    /// A clock that shows `anchor` now.
    pub fn new(anchor: DateTime<Utc>) -> Self {
        Self { anchor, started: Instant::now() }
    }
}

impl Clock for AnchoredClock {
    fn now(&self) -> DateTime<Utc> {
        let passed = TimeDelta::from_std(self.started.elapsed()).unwrap_or(TimeDelta::zero());
        to_micros(self.anchor + passed)
    }
}

/// A clock that is set by hand: the demo's while it makes history, and the tests'.
pub struct SetClock(Mutex<DateTime<Utc>>);

impl SetClock {
    /// A clock that shows `now` until it is set.
    pub fn new(now: DateTime<Utc>) -> Self {
        Self(Mutex::new(now))
    }

    /// Sets the clock.
    pub fn set(&self, now: DateTime<Utc>) {
        *self.0.lock().unwrap_or_else(std::sync::PoisonError::into_inner) = now;
    }

    /// Moves the clock on.
    pub fn advance(&self, by: Duration) {
        let mut now = self.0.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        *now += by;
    }
}

impl Clock for SetClock {
    fn now(&self) -> DateTime<Utc> {
        *self.0.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
    }
}

/// Random keys, ordered by time (UUIDv7).
pub struct RandomIds;

impl IdSource for RandomIds {
    #[expect(clippy::disallowed_methods, reason = "the one place that makes random keys")]
    fn new_id(&self) -> Uuid {
        Uuid::now_v7()
    }
}

fn to_micros(instant: DateTime<Utc>) -> DateTime<Utc> {
    DateTime::from_timestamp_micros(instant.timestamp_micros()).unwrap_or(instant)
}
