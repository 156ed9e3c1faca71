//! What happens to claims and when, drawn before anything is written: the life of each claim, and all lives
//! together in the order of time.

use chrono::{DateTime, NaiveDate, TimeDelta, Timelike, Utc};

use super::chance::Chance;
use super::rules::ANSWER_DAYS;
use super::vehicles::Car;
use super::wire::day;
use super::world::{Counts, PartKind};
use super::{anchor, begin};

/// Where a claim ends up by the anchor, and by which way. What an auditor finds may still change an approval.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Fate {
    Draft,
    Submitted,
    InReview,
    Returned,
    /// Withdrawn as a draft, or after its submission.
    Withdrawn {
        submitted: bool,
    },
    Lapsed,
    Rejected,
    Approved,
    Reduced,
    /// Returned, corrected, submitted again, approved.
    Corrected,
}

/// Fates but the plain approval, with their number among a thousand claims.
const FATES: [(Fate, usize); 10] = [
    (Fate::Draft, 20),
    (Fate::Submitted, 22),
    (Fate::InReview, 15),
    (Fate::Returned, 14),
    (Fate::Withdrawn { submitted: false }, 6),
    (Fate::Withdrawn { submitted: true }, 12),
    (Fate::Lapsed, 12),
    (Fate::Rejected, 40),
    (Fate::Reduced, 55),
    (Fate::Corrected, 35),
];

/// A step of a claim's life.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Stage {
    Create,
    Submit,
    /// The new piece is written into the vehicle's record.
    Fit,
    Review,
    Decide,
    Return,
    Correct,
    Withdraw,
    /// Deadlines are enforced.
    Deadline,
}

/// What is unusual about a claim.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Oddity {
    None,
    /// A wear part whose warranty is over.
    Expired,
    /// More hours than the standard.
    MoreHours,
    /// More money than the list says.
    AboveList,
    /// The same part again within weeks.
    Again,
}

/// A claim before anybody wrote it.
#[derive(Clone, Debug)]
pub(super) struct ClaimPlan {
    /// Position of the vehicle.
    pub car: usize,
    /// Position of the station.
    pub station: usize,
    /// Position of the causal part.
    pub part: usize,
    pub complaint: NaiveDate,
    pub completion: NaiveDate,
    pub fate: Fate,
    pub oddity: Oddity,
    pub steps: Vec<(DateTime<Utc>, Stage)>,
}

/// Draws all claims.
pub(super) fn claims(counts: Counts, fleet: &[Car], parts: &[PartKind]) -> Vec<ClaimPlan> {
    let mut chance = Chance::new(23);
    let mut plans = vec![tour_claim(parts.len())];
    plans.extend(pump_claims(fleet, &mut chance));
    for (fate, share) in FATES {
        for _ in 0..(counts.claims * share / 1_000).max(1) {
            plans.extend(ordinary(fate, counts, fleet, parts, &mut chance));
        }
    }
    while plans.len() < counts.claims {
        let before = plans.len();
        if chance.happens(20) {
            let earlier = &plans[chance.index(before)];
            let again = again(earlier, counts, &mut chance);
            plans.extend(again);
        } else {
            plans.extend(ordinary(Fate::Approved, counts, fleet, parts, &mut chance));
        }
    }
    plans
}

/// A repair that the tour's vehicle had before: a telematics unit, or what else the catalogue begins with.
fn tour_claim(parts: usize) -> ClaimPlan {
    let mut chance = Chance::new(5);
    let completion = day(2026, 3, 11);
    let submit = chance.working_time(midnight(completion), 1);
    life(Fate::Approved, Oddity::None, submit, (0, 0, 7.min(parts - 1)), 1, 1, &mut chance)
}

fn pump_claims(fleet: &[Car], chance: &mut Chance) -> Vec<ClaimPlan> {
    let mut plans = Vec::new();
    for (index, car) in fleet.iter().enumerate().filter(|(_, car)| car.bad_pump) {
        // 26 months of characteristic life, in days.
        let (Some(delivery), Some(age)) = (car.delivery, chance.weibull(791)) else { continue };
        let lag = chance.exponential(4);
        let submit = chance.working_time(midnight(delivery + TimeDelta::days(age + 4)), lag);
        if submit < anchor() - TimeDelta::days(9) {
            plans.push(life(Fate::Approved, Oddity::None, submit, (index, car.seller, 0), 3, 2, chance));
        }
    }
    plans
}

/// A claim of a vehicle that fits; none if the vehicle drawn does not.
fn ordinary(fate: Fate, counts: Counts, fleet: &[Car], parts: &[PartKind], chance: &mut Chance) -> Option<ClaimPlan> {
    let oddity = match chance.between(0, 999) {
        0..35 => Oddity::Expired,
        35..80 => Oddity::MoreHours,
        80..92 => Oddity::AboveList,
        _ => Oddity::None,
    };
    // Nearly all within days, some later than the submission window.
    let lag = if chance.happens(30) { chance.between(31, 60) } else { chance.exponential(4) };
    let (days, after) = (chance.between(0, 3), after_submission(fate));
    // As often as needed: a young fleet has few vehicles that fit a claim of long ago.
    for _ in 0..200 {
        // The tour's vehicle keeps to its own history.
        let index = 1 + chance.index(fleet.len() - 1);
        let car = &fleet[index];
        let Some(delivery) = car.delivery else { continue };
        let last = anchor() - after;
        let sold = midnight(delivery + TimeDelta::days(lag + days + 5));
        let first = match fate {
            Fate::Draft | Fate::Submitted | Fate::InReview | Fate::Returned => last - TimeDelta::days(6),
            Fate::Withdrawn { .. }
            | Fate::Lapsed
            | Fate::Rejected
            | Fate::Approved
            | Fate::Reduced
            | Fate::Corrected => begin() + TimeDelta::days(lag + 2),
        };
        let first = first.max(sold);
        if first >= last {
            continue;
        }
        let submit = chance.instant(first, last);
        let submit = chance.working_time(submit, 0).min(last);
        let complaint = submit.date_naive() - TimeDelta::days(lag + days);
        let Some(part) = part_for(oddity, car, complaint, parts, chance) else { continue };
        let station = if chance.happens(800) { car.seller } else { chance.index(counts.stations) };
        return Some(life(fate, oddity, submit, (index, station, part), lag, days, chance));
    }
    None
}

fn part_for(oddity: Oddity, car: &Car, complaint: NaiveDate, parts: &[PartKind], chance: &mut Chance) -> Option<usize> {
    let age = car.delivery.map_or(0, |delivery| (complaint - delivery).num_days());
    let worn_out = age > 186 || car.km_on(complaint) > 10_000;
    let weights: Vec<i64> = parts
        .iter()
        .map(|kind| match (kind.fits(car.model.code), kind.wears(), oddity == Oddity::Expired) {
            (true, true, true) => i64::from(worn_out),
            (true, true, false) => {
                if worn_out {
                    0
                } else {
                    kind.weight
                }
            }
            (true, false, false) => kind.weight,
            (false, _, _) | (true, false, true) => 0,
        })
        .collect();
    weights.iter().any(|weight| *weight > 0).then(|| chance.weighted(weights.iter().copied()))
}

/// The same part once more, weeks after an approved repair.
fn again(earlier: &ClaimPlan, counts: Counts, chance: &mut Chance) -> Option<ClaimPlan> {
    let submitted = earlier.steps.first()?.0;
    let days = chance.between(12, 40);
    let submit = chance.working_time(submitted, days);
    let known = matches!(earlier.fate, Fate::Approved | Fate::Reduced) && earlier.car != 0;
    if !known || submit > anchor() - TimeDelta::days(9) {
        return None;
    }
    let station = if chance.happens(600) { earlier.station } else { chance.index(counts.stations) };
    Some(life(Fate::Approved, Oddity::Again, submit, (earlier.car, station, earlier.part), 2, 1, chance))
}

/// The longest that a fate's steps after the submission may take, so that all of them lie before the anchor.
fn after_submission(fate: Fate) -> TimeDelta {
    match fate {
        Fate::Draft | Fate::Submitted => TimeDelta::hours(3),
        Fate::InReview => TimeDelta::hours(44),
        Fate::Returned | Fate::Withdrawn { .. } => TimeDelta::days(5),
        Fate::Rejected | Fate::Approved | Fate::Reduced => TimeDelta::days(9),
        Fate::Corrected => TimeDelta::days(24),
        Fate::Lapsed => TimeDelta::days(7 + ANSWER_DAYS),
    }
}

/// The life of a claim around its (first) submission.
fn life(
    fate: Fate,
    oddity: Oddity,
    submit: DateTime<Utc>,
    (car, station, part): (usize, usize, usize),
    lag: i64,
    days: i64,
    chance: &mut Chance,
) -> ClaimPlan {
    let create = submit - TimeDelta::days(lag) - TimeDelta::minutes(chance.between(5, 90));
    let completion = create.date_naive();
    let mut steps = vec![(create, Stage::Create)];
    let mut now = submit;
    let mut hours = |now: &mut DateTime<Utc>, low: i64, high: i64| {
        *now = in_working_hours(*now + TimeDelta::minutes(chance.between(low * 60, high * 60)));
        *now
    };
    let fit = (submit + TimeDelta::minutes(20), Stage::Fit);
    match fate {
        Fate::Draft => {}
        Fate::Submitted => steps.push((now, Stage::Submit)),
        Fate::InReview => {
            steps.extend([(now, Stage::Submit), fit, (hours(&mut now, 2, 28), Stage::Review)]);
        }
        Fate::Returned => {
            steps.extend([(now, Stage::Submit), fit, (hours(&mut now, 2, 40), Stage::Review)]);
            steps.push((hours(&mut now, 1, 40), Stage::Return));
        }
        Fate::Withdrawn { submitted } => {
            if submitted {
                steps.push((now, Stage::Submit));
            }
            steps.push((hours(&mut now, 3, 90), Stage::Withdraw));
        }
        Fate::Lapsed => {
            steps.extend([(now, Stage::Submit), (hours(&mut now, 3, 60), Stage::Review)]);
            steps.push((hours(&mut now, 1, 60), Stage::Return));
            now += TimeDelta::days(ANSWER_DAYS);
            steps.push((hours(&mut now, 1, 2), Stage::Deadline));
        }
        Fate::Rejected | Fate::Approved | Fate::Reduced => {
            steps.extend([(now, Stage::Submit), fit, (hours(&mut now, 3, 80), Stage::Review)]);
            steps.push((hours(&mut now, 1, 80), Stage::Decide));
        }
        Fate::Corrected => {
            steps.extend([(now, Stage::Submit), fit, (hours(&mut now, 3, 60), Stage::Review)]);
            steps.push((hours(&mut now, 1, 40), Stage::Return));
            steps.push((hours(&mut now, 6, 240), Stage::Correct));
            steps.push((hours(&mut now, 1, 4), Stage::Submit));
            steps.push((hours(&mut now, 3, 60), Stage::Review));
            steps.push((hours(&mut now, 1, 60), Stage::Decide));
        }
    }
    ClaimPlan { car, station, part, complaint: completion - TimeDelta::days(days), completion, fate, oddity, steps }
}

/// The instant, or in the morning after it what would have been at night: offices close at 18:00.
fn in_working_hours(instant: DateTime<Utc>) -> DateTime<Utc> {
    // 10:00 UTC is 18:00 in Shanghai, and midnight there 08:00.
    if instant.hour() < 10 {
        return instant;
    }
    midnight(instant.date_naive()) + TimeDelta::days(1) + TimeDelta::minutes(i64::from(instant.minute()) + 30)
}

fn midnight(day: NaiveDate) -> DateTime<Utc> {
    day.and_time(chrono::NaiveTime::MIN).and_utc()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::demo::vehicles::fleet;
    use crate::demo::world::{Size, parts};

    #[test]
    fn lives_are_in_order_and_end_before_the_anchor() {
        for size in [Size::Small, Size::S] {
            let counts = size.counts();
            let parts = parts(counts.parts).unwrap();
            let fleet = fleet(counts, &parts).unwrap();
            let plans = claims(counts, &fleet, &parts);
            assert_eq!(plans.len(), counts.claims);
            for plan in &plans {
                assert!(plan.steps.is_sorted_by_key(|(time, _)| *time), "{plan:?}");
                assert!(plan.steps.first().is_some_and(|(time, _)| *time > begin()), "{plan:?}");
                assert!(plan.steps.last().is_some_and(|(time, _)| *time <= anchor()), "{plan:?}");
                assert!(fleet[plan.car].delivery.is_some_and(|sold| sold < plan.complaint), "{plan:?}");
            }
            for (fate, _) in FATES {
                assert!(plans.iter().any(|plan| plan.fate == fate), "{fate:?}");
            }
        }
    }
}
