//! Patience with secrets that do not fit: a few mistakes are free, then each costs a longer wait.
//!
//! Nobody is locked out for ever: the wait has a ceiling, and what was counted is forgotten after a time
//! without a mistake.

use chrono::{DateTime, TimeDelta, Utc};

/// How much is forgiven.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Patience {
    /// Mistakes without a wait.
    pub free: u32,
    /// The first wait; each further mistake doubles it.
    pub first: TimeDelta,
    /// The longest wait.
    pub longest: TimeDelta,
    /// The time without a mistake after which all are forgotten.
    pub forget: TimeDelta,
}

/// What was tried in vain so far, of one account, address or device.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Attempts {
    /// Mistakes that count.
    pub failures: u32,
    /// When the last one was made.
    pub last: DateTime<Utc>,
    /// Until when no attempt is looked at.
    pub blocked_until: DateTime<Utc>,
}

impl Attempts {
    /// Nothing was tried yet.
    pub const NONE: Self =
        Self { failures: 0, last: DateTime::<Utc>::UNIX_EPOCH, blocked_until: DateTime::<Utc>::UNIX_EPOCH };

    /// How long to wait before an attempt is looked at, if at all.
    pub fn wait(&self, now: DateTime<Utc>) -> Option<TimeDelta> {
        let left = self.blocked_until - now;
        (left > TimeDelta::zero()).then_some(left)
    }

    /// Counts an attempt as a mistake, before anybody knows: of many at once no more than the free ones are
    /// looked at. [`forgiven`](Self::forgiven) takes it back when the secret fits.
    #[must_use]
    pub fn counted(self, patience: &Patience, now: DateTime<Utc>) -> Self {
        let remembered = if now - self.last > patience.forget { 0 } else { self.failures };
        let failures = remembered.saturating_add(1);
        let blocked_until = match failures.checked_sub(patience.free.max(1)) {
            None => self.blocked_until.min(now),
            Some(beyond) => now + delay(patience, beyond),
        };
        Self { failures, last: now, blocked_until }
    }

    /// Takes one counted attempt back.
    #[must_use]
    pub fn forgiven(self, patience: &Patience) -> Self {
        let failures = self.failures.saturating_sub(1);
        let blocked_until = if failures < patience.free.max(1) { Self::NONE.blocked_until } else { self.blocked_until };
        Self { failures, blocked_until, ..self }
    }
}

/// The wait after so many mistakes beyond the free ones: doubled each time, up to the longest.
fn delay(patience: &Patience, beyond: u32) -> TimeDelta {
    // 2^20 seconds are twelve days: beyond any ceiling that makes sense, and far from an overflow.
    let doubled = patience.first * (1_i32 << beyond.min(20));
    doubled.min(patience.longest)
}

#[cfg(test)]
mod tests {
    use super::*;

    const PATIENCE: Patience = Patience {
        free: 3,
        first: TimeDelta::seconds(1),
        longest: TimeDelta::seconds(10),
        forget: TimeDelta::seconds(60),
    };

    fn at(seconds: i64) -> DateTime<Utc> {
        DateTime::from_timestamp(1_790_000_000 + seconds, 0).unwrap_or_default()
    }

    #[test]
    fn waits_grow_from_the_first_mistake_too_many_to_a_ceiling() {
        // mistakes so far → seconds to wait
        let table = [(1, 0), (2, 0), (3, 1), (4, 2), (5, 4), (6, 8), (7, 10), (8, 10), (60, 10)];
        for (mistakes, seconds) in table {
            let attempts = (0..mistakes).fold(Attempts::NONE, |attempts, _| attempts.counted(&PATIENCE, at(0)));
            assert_eq!(attempts.failures, mistakes);
            let wait = attempts.wait(at(0)).unwrap_or(TimeDelta::zero());
            assert_eq!(wait, TimeDelta::seconds(seconds), "after {mistakes}");
            assert_eq!(attempts.wait(at(seconds)), None, "the wait ends");
        }
    }

    #[test]
    fn a_quiet_time_forgets() {
        let tired = (0..9).fold(Attempts::NONE, |attempts, _| attempts.counted(&PATIENCE, at(0)));
        assert_eq!(tired.counted(&PATIENCE, at(60)).failures, 10, "not yet");
        let rested = tired.counted(&PATIENCE, at(61));
        assert_eq!((rested.failures, rested.wait(at(61))), (1, None));
    }

    #[test]
    fn what_fits_is_taken_back() {
        let two = Attempts::NONE.counted(&PATIENCE, at(0)).counted(&PATIENCE, at(0));
        let third = two.counted(&PATIENCE, at(1));
        assert!(third.wait(at(1)).is_some());
        let back = third.forgiven(&PATIENCE);
        assert_eq!((back.failures, back.wait(at(1))), (2, None));
        let tired = (0..9).fold(Attempts::NONE, |attempts, _| attempts.counted(&PATIENCE, at(0)));
        assert!(tired.forgiven(&PATIENCE).wait(at(0)).is_some(), "others' mistakes still count");
        assert_eq!(Attempts::NONE.forgiven(&PATIENCE).failures, 0);
    }

    #[test]
    fn patience_of_nothing_still_looks_at_one() {
        let strict = Patience { free: 0, ..PATIENCE };
        let one = Attempts::NONE.counted(&strict, at(0));
        assert_eq!(one.wait(at(0)), Some(TimeDelta::seconds(1)));
    }
}
