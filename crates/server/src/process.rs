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

/// Lets the allocator give memory back at once, not after a while: 11 of 70 MiB under load, and as quick. It reads
/// this option when the process starts, so the process starts itself again with it, under its own number. Whoever
/// sets the option decides; where the program can't be found again it goes on as it is.
pub fn give_memory_back() {
    const OPTION: &str = "MIMALLOC_PURGE_DELAY";
    #[cfg(unix)]
    if std::env::var_os(OPTION).is_none()
        && let Ok(program) = std::env::current_exe()
    {
        use std::os::unix::process::CommandExt;
        let mut arguments = std::env::args_os();
        let name = arguments.next().unwrap_or_default();
        let error = std::process::Command::new(program).arg0(name).args(arguments).env(OPTION, "0").exec();
        tracing::debug!(%error, "memory is given back later");
    }
}

/// Time of the processor that the process has taken.
pub fn processor_time() -> std::time::Duration {
    let time = rustix::time::clock_gettime(rustix::time::ClockId::ProcessCPUTime);
    std::time::Duration::try_from(time).unwrap_or_default()
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
