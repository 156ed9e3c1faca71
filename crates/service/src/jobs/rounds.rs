//! What the jobs remember of the claims on which time has nothing to do yet.
//!
//! An overdue claim that does not pass (somebody else is awaited, its amount needs a level) is overdue the next time too.
//! A round therefore goes on where the one before ended, with what has become overdue since, and begins anew when the
//! setting has changed, or after a while: what else may let a claim pass shows then. Each server has a memory of its own.

use std::sync::{Mutex, PoisonError};

use chrono::{DateTime, TimeDelta, Utc};
use recourse_domain::catalog::Setting;
use uuid::Uuid;

/// A place among claims: the instant that they are ordered by, and the claim.
pub(crate) type Place = (DateTime<Utc>, Uuid);

/// The rounds of one job.
#[derive(Debug, Default)]
pub(crate) struct Rounds(Mutex<Option<Round>>);

/// A round over all of them, and how far it has come since.
#[derive(Debug)]
struct Round {
    began: DateTime<Utc>,
    setting: Setting,
    place: Option<Place>,
}

impl Rounds {
    /// Where to go on; nothing to begin with the first, as is done again `after` a while and under another setting.
    pub(crate) fn place(&self, setting: &Setting, now: DateTime<Utc>, after: TimeDelta) -> Option<Place> {
        let remembered = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let round = remembered.as_ref()?;
        // A clock that was put back makes no round younger.
        let is_young = round.began <= now && now - round.began < after;
        round.place.filter(|_| is_young && &round.setting == setting)
    }

    /// Remembers that a round from `began_at` on came to a place, which begins anew what began with the first.
    pub(crate) fn ended(&self, setting: &Setting, now: DateTime<Utc>, began_at: Option<Place>, place: Option<Place>) {
        let mut remembered = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        match remembered.as_mut().filter(|_| began_at.is_some()) {
            Some(round) => round.place = place,
            None => *remembered = Some(Round { began: now, setting: setting.clone(), place }),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const HOUR: TimeDelta = TimeDelta::hours(1);

    fn at(minute: i64) -> DateTime<Utc> {
        DateTime::from_timestamp(1_800_000_000 + 60 * minute, 0).unwrap()
    }

    fn place(number: u8) -> Option<Place> {
        Some((at(i64::from(number)), Uuid::from_u128(number.into())))
    }

    #[test]
    fn a_round_goes_on_where_the_one_before_ended_and_begins_anew_after_a_while() {
        let (rounds, setting) = (Rounds::default(), Setting::default());
        assert_eq!(rounds.place(&setting, at(0), HOUR), None, "nothing is remembered yet");
        rounds.ended(&setting, at(0), None, place(1));
        assert_eq!(rounds.place(&setting, at(1), HOUR), place(1));
        rounds.ended(&setting, at(50), place(1), place(2));
        assert_eq!(rounds.place(&setting, at(59), HOUR), place(2));
        assert_eq!(rounds.place(&setting, at(60), HOUR), None, "counted from the last round over all of them");
        rounds.ended(&setting, at(60), None, place(2));
        assert_eq!(rounds.place(&setting, at(61), HOUR), place(2));
    }

    #[test]
    fn another_setting_and_a_clock_that_was_put_back_begin_anew() {
        let (rounds, setting) = (Rounds::default(), Setting::default());
        rounds.ended(&setting, at(10), None, place(1));
        let other = Setting { review_due_days: 99, ..Setting::default() };
        assert_eq!(rounds.place(&other, at(11), HOUR), None);
        assert_eq!(rounds.place(&setting, at(9), HOUR), None);
    }
}
