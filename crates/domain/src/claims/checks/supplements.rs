//! What a supplement adds to: a decided claim of the same station on the same vehicle, in time, and not too often.

use chrono::NaiveDate;

use crate::claims::facts::Supplemented;
use crate::claims::finding::Code;
use crate::claims::{Claim, Facts, Finding, StateWord};
use crate::dates::days_between;

pub(super) fn check(claim: &Claim, facts: &Facts) -> Vec<Finding> {
    let Some(named) = &claim.header.supplement_of else { return Vec::new() };
    let Some(original) = &facts.supplemented else {
        let none = ("no claim of your station on this vehicle is called so", "本站没有此车辆的该索赔单");
        return vec![not_usable(named, none)];
    };
    if let Some(why) = why_not(original) {
        return vec![not_usable(&original.number, why)];
    }
    let limit = facts.setting.supplement_limit;
    let mut findings = Vec::new();
    if original.supplements.len() >= usize::try_from(limit).unwrap_or_default() {
        findings.push(
            Finding::error(Code::SupplementLimit, "supplement_of")
                .by(format!("settings/{}: supplement_limit = {limit}", facts.setting.code))
                .with("other", &original.number)
                .with("limit", limit)
                .with("found", original.supplements.len()),
        );
    }
    findings.extend(original.decide_date.and_then(|decided| late(claim, decided, facts)));
    findings
}

/// Whether a claim that was found adds nothing that could be added to, and why.
fn why_not(original: &Supplemented) -> Option<(&'static str, &'static str)> {
    if original.is_supplement {
        return Some(("it adds to another claim itself; name that one", "它本身是追加索赔单；请填写其原索赔单"));
    }
    match original.state {
        StateWord::Approved | StateWord::Rejected | StateWord::Settled | StateWord::Closed => None,
        StateWord::Draft | StateWord::Submitted | StateWord::InReview | StateWord::Returned => {
            Some(("it is not decided yet; claim all of the repair with it", "尚未判定；请在原索赔单中一并申报"))
        }
        StateWord::Withdrawn | StateWord::Lapsed => Some(("it was given up", "该索赔单已撤回或失效")),
    }
}

fn not_usable(other: &str, (en, zh): (&str, &str)) -> Finding {
    Finding::error(Code::SupplementNotUsable, "supplement_of")
        .with("other", other)
        .with("reason_en", en)
        .with("reason_zh", zh)
}

/// The window runs from the decision to the first submission of the supplement; its correction is not late.
fn late(claim: &Claim, decided: NaiveDate, facts: &Facts) -> Option<Finding> {
    let first = facts.first_submit_date.filter(|_| claim.submission.is_some());
    let days = days_between(decided, first.unwrap_or(facts.today));
    let limit = facts.setting.supplement_window_days;
    (days > i64::from(limit)).then(|| {
        Finding::warning(Code::SupplementTooLate, "supplement_of")
            .by(format!("settings/{}: supplement_window_days = {limit}", facts.setting.code))
            .with("days", days)
            .with("decided", decided)
            .with("limit_days", limit)
    })
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;
    use crate::claims::sample::{day, draft, facts};

    pub(in crate::claims::checks) fn original() -> Supplemented {
        Supplemented {
            number: "WR-2611-FIRST000".to_owned(),
            state: StateWord::Approved,
            is_supplement: false,
            decide_date: Some(day("2026-11-20")),
            supplements: Vec::new(),
        }
    }

    fn supplement() -> Claim {
        let mut claim = draft();
        claim.header.supplement_of = Some("claims/00000000-0000-0000-0000-000000000063".to_owned());
        claim
    }

    fn found(original: Option<Supplemented>, change: impl Fn(&mut Facts)) -> Vec<(Code, bool)> {
        let mut facts = Facts { supplemented: original, ..facts() };
        facts.setting.supplement_limit = 2;
        facts.setting.supplement_window_days = 10;
        change(&mut facts);
        check(&supplement(), &facts).iter().map(|finding| (finding.code, finding.blocks())).collect()
    }

    #[test]
    fn a_claim_that_adds_to_none_is_no_supplement() {
        assert_eq!(check(&draft(), &Facts { supplemented: Some(original()), ..facts() }), []);
    }

    #[test]
    fn the_truth_table_of_what_can_be_added_to() {
        for state in StateWord::ALL {
            let decided =
                matches!(state, StateWord::Approved | StateWord::Rejected | StateWord::Settled | StateWord::Closed);
            let expected: &[_] = if decided { &[] } else { &[(Code::SupplementNotUsable, true)] };
            assert_eq!(found(Some(Supplemented { state, ..original() }), |_| {}), expected, "{state:?}");
        }
        let unknown = [(Code::SupplementNotUsable, true)];
        assert_eq!(found(None, |_| {}), unknown, "another station's is not told from one that is not there");
        assert_eq!(found(Some(Supplemented { is_supplement: true, ..original() }), |_| {}), unknown);
    }

    #[test]
    fn the_truth_table_of_the_limit() {
        for (limit, others, blocks) in
            [(0, 0, true), (1, 0, false), (1, 1, true), (2, 1, false), (2, 2, true), (2, 3, true)]
        {
            let supplements = (0..others).map(|number| format!("WR-{number}")).collect();
            let expected: &[_] = if blocks { &[(Code::SupplementLimit, true)] } else { &[] };
            let found = found(Some(Supplemented { supplements, ..original() }), |facts| {
                facts.setting.supplement_limit = limit;
            });
            assert_eq!(found, expected, "{others} of {limit}");
        }
    }

    #[test]
    fn a_supplement_after_its_window_warns_and_its_correction_does_not() {
        for (today, late) in [("2026-11-30", false), ("2026-12-01", true)] {
            let expected: &[_] = if late { &[(Code::SupplementTooLate, false)] } else { &[] };
            assert_eq!(found(Some(original()), |facts| facts.today = day(today)), expected, "{today}");
        }
        let mut corrected = crate::claims::sample::in_state(StateWord::Returned);
        corrected.header.supplement_of = supplement().header.supplement_of;
        let mut facts = Facts { supplemented: Some(original()), today: day("2027-06-01"), ..facts() };
        facts.first_submit_date = Some(day("2026-11-30"));
        facts.setting.supplement_window_days = 10;
        assert_eq!(check(&corrected, &facts), []);
    }
}
