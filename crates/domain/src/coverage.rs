//! Whether a vehicle's warranty covers a part or an operation on a day, and why.
//!
//! The day and the odometer are those of the drop-off. Of each policy family the version counts that was in
//! force when the warranty began, and beside it later versions that say they serve sold vehicles too. Last
//! days and last kilometres are covered. Of several terms that cover, the most favourable to the customer is
//! named: the one that ends last, and of those the one with the most kilometres. Every reason is given, also
//! those for which other terms did not cover.
//!
//! The same function answers `:checkCoverage` and the check of a claim.

mod reason;

use chrono::NaiveDate;

pub use reason::{CoverageCode, CoverageReason};

use crate::catalog::{CoverageTerm, Exclusion, PolicyState, TermKind, WarrantyPolicy};
use crate::claims::CampaignFact;
use crate::dates::{days_between, plus_months};
use crate::ids::Code;
use crate::vehicle::{Vehicle, VehicleUse};

/// What the warranty is asked about: a part, an operation, or both.
#[derive(Clone, Copy, Debug, Default)]
pub struct Subject<'a> {
    /// The part.
    pub part: Option<&'a Code>,
    /// The operation.
    pub labor_operation: Option<&'a Code>,
    /// The category of the part, or that the operation works on. Without one only terms for everything cover.
    pub part_category: Option<&'a Code>,
}

/// A question to the warranty.
#[derive(Clone, Copy, Debug)]
pub struct CoverageQuestion<'a> {
    /// The vehicle.
    pub vehicle: &'a Vehicle,
    /// What about.
    pub subject: Subject<'a>,
    /// Day of the drop-off.
    pub date: NaiveDate,
    /// Odometer at the drop-off.
    pub odometer_km: i64,
    /// The policies there are; drafts among them count for nothing.
    pub policies: &'a [WarrantyPolicy],
}

/// What the warranty answers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CoverageAnswer {
    /// Whether it covers.
    pub covered: bool,
    /// By which term; only if it covers.
    pub by: Option<CoveringTerm>,
    /// Day on which the warranty began, if the vehicle was sold.
    pub warranty_start: Option<NaiveDate>,
    /// The campaign that covers, if one was asked about.
    pub campaign: Option<Code>,
    /// Why, and why other policies and terms don't.
    pub reasons: Vec<CoverageReason>,
}

/// The term that covers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CoveringTerm {
    /// The version of the policy: `BASE-2026.1`.
    pub policy: Code,
    /// Its family: `BASE`.
    pub policy_family: Code,
    /// Its number within the family.
    pub policy_version: i32,
    /// The term within the version.
    pub term: Code,
    /// The clause of the booklet.
    pub clause: String,
    /// The last day that it covers.
    pub expires_on: NaiveDate,
    /// Days left after the day asked about; 0 on the last day.
    pub days_left: i64,
    /// The last kilometre that it covers; none: unlimited.
    pub km_limit: Option<i64>,
    /// Kilometres left; none: unlimited.
    pub km_left: Option<i64>,
}

impl CoverageAnswer {
    /// Whether there was a warranty for this, but it has ended by date or distance.
    pub fn is_expired(&self) -> bool {
        !self.covered && self.reasons.iter().any(CoverageReason::is_end)
    }

    /// The reasons that a reader of a refusal needs: where a warranty has ended, its end; else why the
    /// policies for this vehicle don't cover; policies that were never meant for it only where there is
    /// nothing else to say.
    pub fn telling_reasons(&self) -> Vec<&CoverageReason> {
        let only = |wanted: fn(&CoverageReason) -> bool| -> Vec<&CoverageReason> {
            self.reasons.iter().filter(|reason| wanted(reason)).collect()
        };
        [only(CoverageReason::is_end), only(|reason| !reason.is_of_another()), self.reasons.iter().collect()]
            .into_iter()
            .find(|reasons| !reasons.is_empty())
            .unwrap_or_default()
    }

    fn refused(warranty_start: Option<NaiveDate>, reason: CoverageReason) -> Self {
        Self { covered: false, by: None, warranty_start, campaign: None, reasons: vec![reason] }
    }

    /// The same answer where the work would belong to a campaign, which covers whatever the warranty says. `fact`
    /// is none if there is no such campaign.
    #[must_use]
    pub fn under_campaign(self, named: &Code, fact: Option<&CampaignFact>, question: &CoverageQuestion<'_>) -> Self {
        let CoverageQuestion { vehicle, date, .. } = *question;
        let covers = fact.is_some_and(|fact| fact.covers(vehicle, date));
        let code = if covers { CoverageCode::CoveredByCampaign } else { CoverageCode::NotCoveredByCampaign };
        let mut reasons = vec![CoverageReason::new(code).with("campaign", named).with("date", &date)];
        reasons.extend(self.reasons);
        Self {
            covered: self.covered || covers,
            by: self.by,
            warranty_start: self.warranty_start,
            campaign: covers.then(|| named.clone()),
            reasons,
        }
    }
}

/// Asks the warranty.
pub fn check_coverage(question: &CoverageQuestion<'_>) -> CoverageAnswer {
    let CoverageQuestion { vehicle, date, policies, .. } = *question;
    let Some(sale) = vehicle.sale_on(date) else {
        return CoverageAnswer::refused(None, CoverageReason::new(CoverageCode::NoSaleRecord));
    };
    let start = sale.warranty_start();
    if date < start {
        let reason = CoverageReason::new(CoverageCode::BeforeWarrantyStart).with("start", &start).with("date", &date);
        return CoverageAnswer::refused(Some(start), reason);
    }
    if let Some(day) = vehicle.returned_on(date) {
        let reason = CoverageReason::new(CoverageCode::ReturnedVehicle).with("date", &day);
        return CoverageAnswer::refused(Some(start), reason);
    }
    let vehicle_use = vehicle.use_on(date).unwrap_or(sale.vehicle_use);
    let mut reasons = Vec::new();
    let mut covering = Vec::new();
    for policy in versions_that_count(question, start, &mut reasons) {
        ask_policy(question, policy, start, vehicle_use, &mut covering, &mut reasons);
    }
    if policies.iter().all(|policy| policy.state == PolicyState::Draft) {
        reasons.push(CoverageReason::new(CoverageCode::NoPolicy).with("model", &vehicle.model));
    }
    // Stable: of equals the policy that comes first by code is named, whatever the order they were read in.
    covering.sort_by(|one: &CoveringTerm, other| favour(other).cmp(&favour(one)).then(one.policy.cmp(&other.policy)));
    let mut listed: Vec<CoverageReason> = Vec::with_capacity(covering.len() + reasons.len());
    for (rank, term) in covering.iter().enumerate() {
        let code = if rank == 0 { CoverageCode::Covered } else { CoverageCode::AlsoCovered };
        let reason = CoverageReason::of_term(code, &term.policy, &term.term, &term.clause);
        listed.push(reason.with("last_day", &term.expires_on).with_limit(term.km_limit));
    }
    listed.append(&mut reasons);
    let by = covering.into_iter().next();
    CoverageAnswer { covered: by.is_some(), by, warranty_start: Some(start), campaign: None, reasons: listed }
}

/// What makes a term favourable: its last day, then its kilometres.
fn favour(term: &CoveringTerm) -> (NaiveDate, i64) {
    (term.expires_on, term.km_limit.unwrap_or(i64::MAX))
}

/// The versions that serve the vehicle: of each family the one in force at the warranty start, and later ones
/// that say they serve sold vehicles and have begun by the day asked about.
fn versions_that_count<'a>(
    question: &CoverageQuestion<'a>,
    start: NaiveDate,
    reasons: &mut Vec<CoverageReason>,
) -> Vec<&'a WarrantyPolicy> {
    let mut published: Vec<&WarrantyPolicy> =
        question.policies.iter().filter(|policy| policy.state == PolicyState::Published).collect();
    published.sort_by(|one, other| {
        (&one.policy_family, one.valid_from, one.version_number).cmp(&(
            &other.policy_family,
            other.valid_from,
            other.version_number,
        ))
    });
    let mut counting = Vec::new();
    for family in published.chunk_by(|one, other| one.policy_family == other.policy_family) {
        let of_model: Vec<&WarrantyPolicy> =
            family.iter().copied().filter(|policy| policy.is_for(&question.vehicle.model)).collect();
        if of_model.is_empty() {
            let newest = family.last().map(|policy| &policy.code);
            let reason = CoverageReason::of_policy(CoverageCode::ModelNotInPolicy, newest);
            reasons.push(reason.with("model", &question.vehicle.model));
            continue;
        }
        let at_start = of_model
            .iter()
            .copied()
            .rfind(|policy| policy.valid_from <= start && policy.valid_to.is_none_or(|end| start < end));
        let later = |policy: &&WarrantyPolicy| {
            policy.applies_to_sold_vehicles && policy.valid_from > start && policy.valid_from <= question.date
        };
        let before = counting.len();
        counting.extend(at_start);
        counting.extend(of_model.iter().copied().filter(later));
        if counting.len() == before {
            let newest = of_model.last().map(|policy| &policy.code);
            reasons.push(CoverageReason::of_policy(CoverageCode::NotInForceAtStart, newest).with("start", &start));
        }
    }
    counting
}

/// What one version says.
fn ask_policy(
    question: &CoverageQuestion<'_>,
    policy: &WarrantyPolicy,
    start: NaiveDate,
    vehicle_use: VehicleUse,
    covering: &mut Vec<CoveringTerm>,
    reasons: &mut Vec<CoverageReason>,
) {
    let excluded = policy.exclusions.iter().filter(|exclusion| excludes(exclusion, question.subject));
    let before = reasons.len();
    reasons.extend(excluded.map(|exclusion| {
        let reason = CoverageReason::of_policy(CoverageCode::Excluded, Some(&policy.code));
        reason.with("description", &exclusion.description).clause(&exclusion.clause)
    }));
    if reasons.len() > before {
        return;
    }
    let terms = terms_for(policy, question.subject.part_category);
    if terms.is_empty() {
        let category = question.subject.part_category.map_or_else(|| "-".to_owned(), ToString::to_string);
        let reason = CoverageReason::of_policy(CoverageCode::CategoryNotCovered, Some(&policy.code));
        reasons.push(reason.with("category", &category));
    }
    for term in terms {
        let refusal = |code| CoverageReason::of_term(code, &policy.code, &term.code, &term.clause);
        if term.vehicle_use.is_some_and(|only| only != vehicle_use) {
            reasons.push(refusal(CoverageCode::UseNotCovered).with("use", &vehicle_use.word()));
            continue;
        }
        let expires_on = plus_months(start, u32::try_from(term.months).unwrap_or(0));
        let late = question.date > expires_on;
        let far = term.km.filter(|limit| question.odometer_km > *limit);
        if late {
            let reason = refusal(CoverageCode::ExpiredByDate).with("last_day", &expires_on).with("start", &start);
            reasons.push(reason.with("months", &term.months).with("date", &question.date));
        }
        if let Some(limit) = far {
            let reason = refusal(CoverageCode::ExpiredByDistance).with("limit_km", &limit);
            reasons.push(reason.with("odometer_km", &question.odometer_km));
        }
        if !late && far.is_none() {
            covering.push(CoveringTerm {
                policy: policy.code.clone(),
                policy_family: policy.policy_family.clone(),
                policy_version: policy.version_number,
                term: term.code.clone(),
                clause: term.clause.clone(),
                expires_on,
                days_left: days_between(question.date, expires_on),
                km_limit: term.km,
                km_left: term.km.map(|limit| limit - question.odometer_km),
            });
        }
    }
}

/// The terms of a version that speak of a category. Where wear-part terms name it, they alone do.
fn terms_for<'a>(policy: &'a WarrantyPolicy, category: Option<&Code>) -> Vec<&'a CoverageTerm> {
    let names = |term: &CoverageTerm| category.is_some_and(|category| term.part_categories.contains(category));
    let wear: Vec<&CoverageTerm> =
        policy.terms.iter().filter(|term| term.kind == TermKind::WearPart && names(term)).collect();
    if !wear.is_empty() {
        return wear;
    }
    let general = policy.terms.iter().filter(|term| term.kind == TermKind::General);
    general.filter(|term| term.part_categories.is_empty() || names(term)).collect()
}

fn excludes(exclusion: &Exclusion, subject: Subject<'_>) -> bool {
    let among = |list: &[Code], code: Option<&Code>| code.is_some_and(|code| list.contains(code));
    among(&exclusion.part_categories, subject.part_category)
        || among(&exclusion.parts, subject.part)
        || among(&exclusion.labor_operations, subject.labor_operation)
}

#[cfg(test)]
mod tests;
