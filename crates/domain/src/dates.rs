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

/// Days from `from` to `to`; negative if `to` is earlier.
pub fn days_between(from: NaiveDate, to: NaiveDate) -> i64 {
    to.signed_duration_since(from).num_days()
}

#[cfg(test)]
mod tests {
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
        assert_eq!(plus_months(day("2024-02-29"), 12), day("2025-02-28"));
        assert_eq!(plus_months(day("2024-02-29"), 48), day("2028-02-29"));
        assert_eq!(plus_months(day("2023-02-28"), 12), day("2024-02-28"));
    }

    #[test]
    fn dates_beyond_the_calendar_stay_at_its_end() {
        assert_eq!(plus_months(day("2026-01-01"), u32::MAX), NaiveDate::MAX);
    }
}
