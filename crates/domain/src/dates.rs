//! Calendar arithmetic as the law counts (Civil Code art. 201-203): the day of the event is not counted, a
//! period of days ends on `start + n`, one of months or years on the same day of its last month or, where
//! that month is shorter, on its last day. Last days belong to the period.
//!
//! That a last day on a holiday moves to the next working day is deliberately absent: it needs a calendar of
//! holidays, which is data.

use chrono::{Days, Months, NaiveDate};

/// The last day of a period of so many days that began with an event on `start`.
pub fn plus_days(start: NaiveDate, days: u32) -> NaiveDate {
    start.checked_add_days(Days::new(u64::from(days))).unwrap_or(NaiveDate::MAX)
}

/// The last day of a period of so many months: 31 January and one month is the last of February.
pub fn plus_months(start: NaiveDate, months: u32) -> NaiveDate {
    start.checked_add_months(Months::new(months)).unwrap_or(NaiveDate::MAX)
}

/// The last day of a period of so many years: 29 February and one year is 28 February.
pub fn plus_years(start: NaiveDate, years: u32) -> NaiveDate {
    plus_months(start, years.saturating_mul(12))
}

/// Complete months from `from` to `to`: the largest m with `from` + m months ≤ `to`; 0 if `to` is earlier.
pub fn complete_months(from: NaiveDate, to: NaiveDate) -> u32 {
    use chrono::Datelike;
    let index = |date: NaiveDate| i64::from(date.year()) * 12 + i64::from(date.month0());
    let apart = u32::try_from(index(to) - index(from)).unwrap_or(0);
    // The calendar months apart are the answer or one too many.
    if plus_months(from, apart) <= to { apart } else { apart.saturating_sub(1) }
}

/// Days from `from` to `to`; negative if `to` is earlier.
pub fn days_between(from: NaiveDate, to: NaiveDate) -> i64 {
    to.signed_duration_since(from).num_days()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn day(text: &str) -> NaiveDate {
        text.parse().unwrap()
    }

    #[test]
    fn a_period_of_days_does_not_count_its_first_day() {
        assert_eq!(plus_days(day("2026-01-31"), 7), day("2026-02-07"));
        assert_eq!(plus_days(day("2026-01-01"), 60), day("2026-03-02"));
    }

    #[test]
    fn months_end_on_the_same_day_or_the_month_end() {
        for (start, months, last) in [
            ("2026-01-31", 1, "2026-02-28"),
            ("2028-01-31", 1, "2028-02-29"),
            ("2026-01-31", 2, "2026-03-31"),
            ("2026-01-31", 3, "2026-04-30"),
            ("2026-01-15", 0, "2026-01-15"),
            ("2026-12-15", 1, "2027-01-15"),
        ] {
            assert_eq!(plus_months(day(start), months), day(last), "{start} + {months}");
        }
    }

    #[test]
    fn a_leap_day_ends_on_the_28th() {
        assert_eq!(plus_years(day("2024-02-29"), 1), day("2025-02-28"));
        assert_eq!(plus_years(day("2024-02-29"), 4), day("2028-02-29"));
        assert_eq!(plus_years(day("2023-02-28"), 1), day("2024-02-28"));
    }

    #[test]
    fn months_count_when_they_are_complete() {
        for (from, to, months) in [
            ("2026-01-31", "2026-02-27", 0),
            ("2026-01-31", "2026-02-28", 1),
            ("2026-01-31", "2026-03-30", 1),
            ("2026-01-31", "2026-03-31", 2),
            ("2026-01-15", "2026-01-15", 0),
            ("2026-01-15", "2025-01-15", 0),
            ("2024-02-29", "2025-02-28", 12),
        ] {
            assert_eq!(complete_months(day(from), day(to)), months, "{from} to {to}");
        }
    }

    #[test]
    fn dates_beyond_the_calendar_stay_at_its_end() {
        assert_eq!(plus_years(day("2026-01-01"), u32::MAX), NaiveDate::MAX);
    }

    proptest! {
        #[test]
        fn complete_months_is_the_largest_that_fits(start in 0_i64..40_000, length in 0_i64..10_000) {
            let from = day("1980-01-01") + chrono::TimeDelta::days(start);
            let to = from + chrono::TimeDelta::days(length);
            let months = complete_months(from, to);
            prop_assert!(plus_months(from, months) <= to);
            prop_assert!(plus_months(from, months + 1) > to);
        }
    }
}
