//! Chance that repeats itself: a small generator, the distributions the demo draws from, and its keys.
//!
//! Distributions are tables of quantiles with straight lines between them: whole numbers give the same demo
//! on every machine.

use std::sync::{Arc, Mutex, PoisonError};

use chrono::{DateTime, TimeDelta, Utc};
use recourse_domain::clock::{Clock, IdSource};
use uuid::Uuid;

/// A generator of pseudo-random numbers (SplitMix64). It keeps no secret: never use it for one.
#[derive(Clone, Debug)]
pub(super) struct Chance(u64);

/// Quantiles of the exponential distribution of mean 1, in thousandths, at every sixteenth.
const EXPONENTIAL: [i64; 17] =
    [0, 65, 134, 208, 288, 375, 470, 575, 693, 827, 981, 1_163, 1_386, 1_674, 2_079, 2_773, 4_600];
/// Quantiles of the lognormal distribution of median 1 and σ 0.55, in thousandths, at every sixteenth.
const LOGNORMAL: [i64; 17] =
    [242, 430, 531, 614, 690, 764, 839, 917, 1_000, 1_090, 1_192, 1_309, 1_449, 1_629, 1_882, 2_325, 4_130];
/// The lower quantiles of the Weibull distribution of shape 1.5 and scale 1, in thousandths, at every
/// thirty-second. The upper ones lie beyond what the demo sees.
const WEIBULL: [i64; 13] = [0, 100, 161, 213, 261, 307, 350, 393, 436, 478, 520, 562, 604];

impl Chance {
    /// A generator of its own for a purpose.
    pub(super) fn new(seed: u64) -> Self {
        Self(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) ^ 0x5265_636f_7572_7365)
    }

    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    /// A number from `low` to `high`, both included.
    pub(super) fn between(&mut self, low: i64, high: i64) -> i64 {
        let span = u64::try_from(high.saturating_sub(low)).unwrap_or(0).saturating_add(1);
        // The bias of the remainder is far below what a demo shows.
        low.saturating_add(i64::try_from(self.next() % span.max(1)).unwrap_or(0))
    }

    /// An index below `count`.
    pub(super) fn index(&mut self, count: usize) -> usize {
        usize::try_from(self.between(0, i64::try_from(count).unwrap_or(1) - 1)).unwrap_or(0)
    }

    /// Whether something happens that happens so often in a thousand.
    pub(super) fn happens(&mut self, permille: i64) -> bool {
        self.between(0, 999) < permille
    }

    /// An index, drawn by weight.
    pub(super) fn weighted(&mut self, weights: impl Iterator<Item = i64> + Clone) -> usize {
        let mut left = self.between(1, weights.clone().sum::<i64>().max(1));
        for (index, weight) in weights.enumerate() {
            left -= weight;
            if left <= 0 {
                return index;
            }
        }
        0
    }

    /// A waiting time with this mean, in the unit of the mean.
    pub(super) fn exponential(&mut self, mean: i64) -> i64 {
        mean * self.quantile(&EXPONENTIAL, 16) / 1_000
    }

    /// A lognormal number with this median and σ 0.55.
    pub(super) fn lognormal(&mut self, median: i64) -> i64 {
        median * self.quantile(&LOGNORMAL, 16) / 1_000
    }

    /// A life of shape 1.5 and this scale; none if it is longer than six tenths of the scale.
    pub(super) fn weibull(&mut self, scale: i64) -> Option<i64> {
        let seen = i64::try_from(WEIBULL.len()).unwrap_or(0) - 1;
        (self.between(0, 31) < seen).then(|| scale * self.quantile(&WEIBULL, seen) / 1_000)
    }

    fn quantile(&mut self, table: &[i64], steps: i64) -> i64 {
        let at = self.between(0, steps * 1_000 - 1);
        let (step, part) = (usize::try_from(at / 1_000).unwrap_or(0), at % 1_000);
        let low = table.get(step).copied().unwrap_or(0);
        let high = table.get(step + 1).copied().unwrap_or(low);
        low + (high - low) * part / 1_000
    }

    /// An instant in the working hours of China after so many days.
    pub(super) fn working_time(&mut self, from: DateTime<Utc>, days: i64) -> DateTime<Utc> {
        // 08:30 to 17:30 in Shanghai, where the offset has been +8 for decades.
        let midnight = from.timestamp().div_euclid(86_400) + days;
        let second = self.between(30 * 60, 9 * 3_600 + 1_800);
        DateTime::from_timestamp(midnight * 86_400 + second, 0).unwrap_or(from)
    }

    /// An instant between two others.
    pub(super) fn instant(&mut self, from: DateTime<Utc>, to: DateTime<Utc>) -> DateTime<Utc> {
        from + TimeDelta::seconds(self.between(0, to.signed_duration_since(from).num_seconds().max(0)))
    }
}

/// Keys that repeat themselves: UUIDv7 of the business time, a counter and chance.
pub(super) struct DemoIds {
    clock: Arc<dyn Clock>,
    state: Mutex<(u64, u32, Chance)>,
}

impl DemoIds {
    /// Keys of a business time.
    pub(super) fn new(clock: Arc<dyn Clock>) -> Self {
        Self { clock, state: Mutex::new((0, 0, Chance::new(7))) }
    }
}

impl IdSource for DemoIds {
    fn new_id(&self) -> Uuid {
        let millis = u64::try_from(self.clock.now().timestamp_millis()).unwrap_or(0);
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        let (last, count, chance) = &mut *state;
        if millis > *last {
            (*last, *count) = (millis, 0);
        } else {
            *count = count.wrapping_add(1);
        }
        // 48 bits of time, version, 12 and 20 bits of counter around the variant, 42 bits of chance.
        let value = u128::from(*last) << 80
            | 7 << 76
            | u128::from(*count >> 20) << 64
            | 0b10 << 62
            | u128::from(*count & 0xf_ffff) << 42
            | u128::from(chance.next() >> 22);
        Uuid::from_u128(value)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::process::SetClock;

    #[test]
    fn chance_repeats_itself_and_stays_in_bounds() {
        let (mut one, mut other) = (Chance::new(3), Chance::new(3));
        for _ in 0..1_000 {
            let drawn = one.between(-5, 5);
            assert!((-5..=5).contains(&drawn));
            assert_eq!(drawn, other.between(-5, 5));
        }
        assert!((0..1_000).all(|_| one.index(3) < 3));
        assert_eq!(one.weighted([0, 1, 0].into_iter()), 1);
    }

    #[test]
    fn distributions_have_about_their_means() {
        let mut chance = Chance::new(1);
        let mean = (0..10_000).map(|_| chance.exponential(1_000)).sum::<i64>() / 10_000;
        assert!((950..1_060).contains(&mean), "{mean}");
        let below = (0..10_000).filter(|_| chance.lognormal(1_350) < 1_350).count();
        assert!((4_800..5_200).contains(&below), "{below}");
        let failed = (0..10_000).filter(|_| chance.weibull(791).is_some()).count();
        assert!((3_500..4_000).contains(&failed), "{failed}");
    }

    #[test]
    fn keys_are_of_version_7_and_in_order() {
        let clock = Arc::new(SetClock::new(DateTime::from_timestamp(1_800_000_000, 0).unwrap()));
        let ids = DemoIds::new(clock.clone());
        let mut last = ids.new_id();
        assert_eq!(last.get_version_num(), 7);
        for step in 0..100 {
            if step % 10 == 0 {
                clock.advance(TimeDelta::milliseconds(1));
            }
            let next = ids.new_id();
            assert!(next > last, "{next} {last}");
            last = next;
        }
    }
}
