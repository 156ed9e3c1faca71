//! When a time is over that was given from a moment on and stands for a while: the one arithmetic of pauses.
//!
//! Claims, appraisals and recovery claims keep their own pauses, each with its own reasons; here they are spans of time.
//! Spans may overlap, and each moment counts once.

use chrono::{DateTime, Utc};

/// A time for which a timer stood: from when, and until when; no end while it lasts.
pub type Span = (DateTime<Utc>, Option<DateTime<Utc>>);

/// What a pause does that begins after the time was over.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Late {
    /// Nothing: what is over is over.
    RevivesNothing,
    /// It moves the end like any other: what time it takes is given back.
    Counts,
}

/// A time that was given.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Timer {
    /// When it began. Pauses before that are another timer's.
    pub started: DateTime<Utc>,
    /// When it would be over if it never stood.
    pub due_time: DateTime<Utc>,
}

impl Timer {
    /// When it is over; none while it stands.
    pub fn due(self, spans: impl IntoIterator<Item = Span>, late: Late) -> Option<DateTime<Utc>> {
        let mut spans: Vec<Span> = spans.into_iter().map(|(start, end)| (start.max(self.started), end)).collect();
        spans.sort_unstable();
        let (mut due, mut counted) = (self.due_time, self.started);
        for (start, end) in spans {
            if start > due && late == Late::RevivesNothing {
                break;
            }
            let end = end?;
            let start = start.max(counted);
            if end > start {
                due = due.checked_add_signed(end - start).unwrap_or(DateTime::<Utc>::MAX_UTC);
                counted = end;
            }
        }
        Some(due)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(day: u32) -> DateTime<Utc> {
        format!("2026-12-{day:02}T08:00:00Z").parse().unwrap()
    }

    fn pause(start: u32, end: Option<u32>) -> Span {
        (at(start), end.map(at))
    }

    /// What is told, the pauses, and the two days.
    type Case<'c> = (&'c str, &'c [Span], Option<u32>, Option<u32>);

    /// A timer that begins on the 2nd and is due on the 9th: when it is over where a late pause revives nothing, and
    /// where it counts.
    #[test]
    fn the_truth_table_of_due_times() {
        let timer = Timer { started: at(2), due_time: at(9) };
        let cases: [Case<'_>; 14] = [
            ("never stood", &[], Some(9), Some(9)),
            ("stood for three days", &[pause(3, Some(6))], Some(12), Some(12)),
            ("stood twice", &[pause(3, Some(4)), pause(6, Some(8))], Some(12), Some(12)),
            ("in any order", &[pause(6, Some(8)), pause(3, Some(4))], Some(12), Some(12)),
            ("overlapping pauses count once", &[pause(3, Some(6)), pause(4, Some(8))], Some(14), Some(14)),
            ("one within the other counts once", &[pause(3, Some(8)), pause(4, Some(5))], Some(14), Some(14)),
            ("a pause before it began is another timer's", &[pause(1, Some(2))], Some(9), Some(9)),
            ("of a pause that began before only the rest counts", &[pause(1, Some(4))], Some(11), Some(11)),
            ("from the very beginning", &[pause(2, Some(4))], Some(11), Some(11)),
            ("stands", &[pause(5, None)], None, None),
            ("stands, whatever was before", &[pause(3, Some(4)), pause(5, None)], None, None),
            ("a pause after it was over", &[pause(10, Some(20))], Some(9), Some(19)),
            ("one that lasts", &[pause(10, None)], Some(9), None),
            ("at the due time itself it is not over yet", &[pause(9, Some(11))], Some(11), Some(11)),
        ];
        for (why, spans, due, with_late) in cases {
            assert_eq!(timer.due(spans.iter().copied(), Late::RevivesNothing), due.map(at), "{why}");
            assert_eq!(timer.due(spans.iter().copied(), Late::Counts), with_late.map(at), "{why}; late ones count");
        }
        let moved = [pause(8, Some(12)), pause(12, Some(14))];
        let due = timer.due(moved, Late::RevivesNothing);
        assert_eq!(due, Some(at(15)), "a pause within the time that the one before gave counts");
    }
}
