//! The order of the dates, and the submission window.

use chrono::NaiveDate;

use crate::claims::finding::Code;
use crate::claims::{Claim, Facts, Finding};
use crate::dates::days_between;

pub(super) fn check(claim: &Claim, facts: &Facts) -> Vec<Finding> {
    let mut findings = order(claim, facts.today);
    findings.extend(late(claim, facts));
    findings
}

/// Drop-off, start and completion follow each other, and none lies in the future.
fn order(claim: &Claim, today: NaiveDate) -> Vec<Finding> {
    let header = &claim.header;
    let dates: Vec<(&str, NaiveDate)> = [
        ("complaint_date", header.complaint_date),
        ("repair_start_date", header.repair_start_date),
        ("repair_completion_date", header.repair_completion_date),
    ]
    .into_iter()
    .filter_map(|(field, date)| date.map(|date| (field, date)))
    .collect();
    let contradiction = |(field, date): (&str, NaiveDate), other_field: &str, other_date: NaiveDate| {
        Finding::error(Code::DatesOutOfOrder, field)
            .with("date", date)
            .with("other_field", other_field)
            .with("other_date", other_date)
    };
    let mut findings = Vec::new();
    for (earlier, later) in dates.iter().zip(dates.iter().skip(1)) {
        if later.1 < earlier.1 {
            findings.push(contradiction(*later, earlier.0, earlier.1));
        }
    }
    findings
        .extend(dates.into_iter().filter(|(_, date)| *date > today).map(|date| contradiction(date, "today", today)));
    findings
}

/// The window runs from completion to the first submission; corrections of a returned claim are not late. A copy
/// brings the first submission of the repair that it was copied from: one before this completion was another repair's.
fn late(claim: &Claim, facts: &Facts) -> Option<Finding> {
    let completed = claim.header.repair_completion_date?;
    let first = facts.first_submit_date.filter(|first| claim.submission.is_some() || completed <= *first);
    let submitted = first.unwrap_or(facts.today);
    let days = days_between(completed, submitted);
    let limit = facts.setting.submission_window_days;
    (days > i64::from(limit)).then(|| {
        Finding::warning(Code::SubmittedTooLate, "repair_completion_date")
            .by(format!("settings/{}: submission_window_days = {limit}", facts.setting.code))
            .with("days", days)
            .with("completed", completed)
            .with("limit_days", limit)
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::claims::StateWord;
    use crate::claims::sample::{day, draft, facts, in_state};

    fn with_dates(complaint: &str, start: &str, completion: &str) -> Claim {
        let mut claim = draft();
        let date = |text: &str| (!text.is_empty()).then(|| day(text));
        claim.header.complaint_date = date(complaint);
        claim.header.repair_start_date = date(start);
        claim.header.repair_completion_date = date(completion);
        claim
    }

    fn found(claim: &Claim, facts: &Facts) -> Vec<(Code, String)> {
        check(claim, facts).into_iter().map(|finding| (finding.code, finding.field)).collect()
    }

    #[test]
    fn dates_follow_each_other_and_equal_ones_are_in_order() {
        for dates in [["2026-11-10", "2026-11-10", "2026-11-10"], ["2026-11-10", "", "2026-11-12"], ["", "", ""]] {
            assert_eq!(found(&with_dates(dates[0], dates[1], dates[2]), &facts()), [], "{dates:?}");
        }
        let expected = |field: &str| [(Code::DatesOutOfOrder, field.to_owned())];
        assert_eq!(
            found(&with_dates("2026-11-11", "2026-11-10", "2026-11-12"), &facts()),
            expected("repair_start_date")
        );
        assert_eq!(
            found(&with_dates("2026-11-10", "2026-11-12", "2026-11-11"), &facts()),
            expected("repair_completion_date")
        );
        assert_eq!(found(&with_dates("2026-11-12", "", "2026-11-11"), &facts()), expected("repair_completion_date"));
    }

    #[test]
    fn no_date_lies_in_the_future() {
        // The sample's today is 2026-11-23.
        assert_eq!(found(&with_dates("2026-11-10", "", "2026-11-23"), &facts()), []);
        let tomorrow = found(&with_dates("2026-11-10", "", "2026-11-24"), &facts());
        assert_eq!(tomorrow, [(Code::DatesOutOfOrder, "repair_completion_date".to_owned())]);
    }

    #[test]
    fn the_last_day_of_the_window_is_in_time() {
        let mut facts = facts();
        facts.setting.submission_window_days = 30;
        // 30 days before 2026-11-23.
        assert_eq!(found(&with_dates("2026-10-20", "", "2026-10-24"), &facts), []);
        let late = check(&with_dates("2026-10-20", "", "2026-10-23"), &facts);
        assert_eq!(
            late.iter().map(|finding| (finding.code, finding.blocks())).collect::<Vec<_>>(),
            [(Code::SubmittedTooLate, false)]
        );
        assert_eq!(late[0].params["days"], "31");
    }

    #[test]
    fn a_correction_keeps_the_first_submission_date() {
        let mut facts = facts();
        let claim = with_dates("2026-09-01", "", "2026-09-01");
        assert_eq!(found(&claim, &facts).len(), 1);
        facts.first_submit_date = Some(day("2026-09-20"));
        assert_eq!(found(&claim, &facts), []);
    }

    #[test]
    fn a_copy_brings_no_submission_that_is_older_than_its_repair() {
        let mut facts = facts();
        let copy = with_dates("2026-09-01", "", "2026-09-01");
        facts.first_submit_date = Some(day("2026-09-01"));
        assert_eq!(found(&copy, &facts), []);
        facts.first_submit_date = Some(day("2026-08-31"));
        assert_eq!(found(&copy, &facts), [(Code::SubmittedTooLate, "repair_completion_date".to_owned())]);
        let own = Claim { submission: in_state(StateWord::Submitted).submission, ..copy };
        assert_eq!(found(&own, &facts), [], "its own first submission counts, whatever was corrected since");
    }
}
