//! What a submission finds. Every group of checks looks at the same claim and the same facts, and all of
//! them always run: a station gets everything at once.

mod authorizations;
mod campaigns;
mod coverage;
mod dates;
mod duplicates;
mod entitlements;
mod evidence;
mod form;
mod labor;
mod own_warranty;
mod parts;
mod prices;
mod purchases;
mod rescue;
mod supplements;
mod trips;
mod vehicle;

use super::{Claim, ClaimCoverage, Facts, Finding, Line};
use crate::money::BasisPoints;

/// Everything that is found about a claim whose amounts have been computed, in the order in which a form
/// shows its fields: the header first, then the lines.
pub fn check(claim: &Claim, facts: &Facts) -> Vec<Finding> {
    let groups: [fn(&Claim, &Facts) -> Vec<Finding>; 16] = [
        form::check,
        vehicle::check,
        dates::check,
        coverage::check,
        campaigns::check,
        duplicates::check,
        supplements::check,
        own_warranty::check,
        entitlements::check,
        rescue::check,
        purchases::check,
        parts::check,
        labor::check,
        prices::check,
        authorizations::check,
        evidence::check,
    ];
    groups.iter().flat_map(|group| group(claim, facts)).collect()
}

/// What the warranty says about the causal part, if the claim says enough to ask.
pub fn coverage_of(claim: &Claim, facts: &Facts) -> Option<ClaimCoverage> {
    coverage::of_claim(claim, facts)
}

/// Lines with their position, for paths of fields.
fn positions(claim: &Claim) -> impl Iterator<Item = (usize, &Line)> {
    claim.lines.iter().enumerate()
}

/// A proof is missing: it is asked for, and never refused for.
fn lacks(field: impl Into<String>, (en, zh): (&str, &str)) -> Finding {
    Finding::warning(super::Code::EvidenceMissing, field)
        .with("category_en", en)
        .with("category_zh", zh)
        .with("needed", 1)
        .with("found", 0)
}

/// Path of a field of a line.
fn at(position: usize, field: &str) -> String {
    format!("lines[{position}].{field}")
}

/// Whether a value is above a limit by more than the tolerance that the deployment allows.
fn beyond(value: i64, limit: i64, tolerance: BasisPoints) -> bool {
    let whole = i128::from(BasisPoints::WHOLE.0);
    i128::from(value) * whole > i128::from(limit) * (whole + i128::from(tolerance.0))
}

#[cfg(test)]
mod tests;
