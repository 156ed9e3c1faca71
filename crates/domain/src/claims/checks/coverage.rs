//! Whether the warranty covers the repair, asked with the same function as `:checkCoverage`.
//!
//! The causal part decides: what it damaged is repaired with it. Other parts of the claim are asked about on
//! their own unless the claim names them as damaged in consequence, and operations only for exclusions.

use super::{at, own_warranty, positions};
use crate::claims::finding::Code;
use crate::claims::{Claim, ClaimCoverage, Facts, Finding, LineType};
use crate::coverage::{
    CoverageAnswer, CoverageCode, CoverageQuestion, CoverageReason, CoveringTerm, Subject, check_coverage,
};
use crate::ids::Code as CatalogCode;
use crate::text::Lang;
use crate::vehicle::Sale;

pub(super) fn check(claim: &Claim, facts: &Facts) -> Vec<Finding> {
    if claim.covering_campaign(facts).is_some() {
        return Vec::new();
    }
    let Some(causal) = &claim.header.causal_part else { return Vec::new() };
    let Some(answer) = ask_about_part(claim, facts, causal) else { return Vec::new() };
    // Without a sale there is no warranty to ask; the vehicle's check says so.
    if answer.reasons.iter().any(|reason| reason.code == CoverageCode::NoSaleRecord) {
        return Vec::new();
    }
    if !answer.covered {
        return vec![refusal(claim, &answer, "causal_part".to_owned(), causal)];
    }
    let header = &claim.header;
    // The work on a part with a warranty of its own goes with the part, unless it is excluded.
    let by_own = own_warranty::cover(claim, facts, causal).is_some_and(|own| answer.by == Some(own));
    let excluded = |answer: &CoverageAnswer| answer.reasons.iter().any(|reason| reason.code == CoverageCode::Excluded);
    let mut findings = Vec::new();
    for (position, line) in positions(claim) {
        let content = &line.content;
        let finding = match (content.line_type, &content.part, &content.operation) {
            (LineType::Part | LineType::ExternalPart, Some(part), _)
                if part != causal && !header.related_parts.contains(part) =>
            {
                let answer = ask_about_part(claim, facts, part);
                answer
                    .filter(|answer| !answer.covered)
                    .map(|answer| refusal(claim, &answer, at(position, "part"), part))
            }
            (LineType::Labor | LineType::Diagnosis, _, Some(operation)) => {
                let category = facts.parts.get(causal).map(|part| &part.category);
                let subject = Subject { part: None, labor_operation: Some(operation), part_category: category };
                let answer = ask(claim, facts, subject);
                answer
                    .filter(|answer| !answer.covered && (!by_own || excluded(answer)))
                    .map(|answer| refusal(claim, &answer, at(position, "operation"), operation))
            }
            (
                LineType::Part
                | LineType::ExternalPart
                | LineType::Labor
                | LineType::Diagnosis
                | LineType::Sublet
                | LineType::Travel
                | LineType::Towing
                | LineType::MaintenanceFee
                | LineType::CourtesyCar
                | LineType::Freight
                | LineType::Allowance,
                _,
                _,
            ) => None,
        };
        findings.extend(finding.map(|finding| finding.on_line(line.number)));
    }
    findings
}

/// What the warranty says about the causal part, to be frozen with the submission: the version of the policy
/// that counted can still be named when another is in force.
pub(in crate::claims) fn of_claim(claim: &Claim, facts: &Facts) -> Option<ClaimCoverage> {
    if let Some(fact) = claim.covering_campaign(facts) {
        let sale = facts.vehicle.as_ref().and_then(|vehicle| vehicle.sale_on(claim.campaign_day(facts)));
        return Some(ClaimCoverage {
            covered: true,
            policy: None,
            term: None,
            clause: fact.campaign.authority_number.clone(),
            warranty_start: sale.map(Sale::warranty_start),
            last_day: fact.campaign.valid_until,
            limit_km: None,
            campaign: Some(fact.campaign.code.clone()),
        });
    }
    let answer = ask_about_part(claim, facts, claim.header.causal_part.as_ref()?)?;
    let by = answer.by.as_ref();
    Some(ClaimCoverage {
        covered: answer.covered,
        policy: by.map(|term| term.policy.clone()),
        term: by.map(|term| term.term.clone()),
        clause: by.map(|term| term.clause.clone()).unwrap_or_default(),
        warranty_start: answer.warranty_start,
        last_day: by.map(|term| term.expires_on),
        limit_km: by.and_then(|term| term.km_limit),
        campaign: None,
    })
}

fn ask_about_part(claim: &Claim, facts: &Facts, part: &CatalogCode) -> Option<CoverageAnswer> {
    let known = facts.parts.get(part)?;
    let subject = Subject { part: Some(part), labor_operation: None, part_category: Some(&known.category) };
    Some(with_own_warranty(claim, facts, part, ask(claim, facts, subject)?))
}

/// A part that a repair fitted has a warranty of its own; the longer of the two counts. What is excluded stays
/// so, and without a sale, or once the manufacturer took the vehicle back, there is nothing to add to.
fn with_own_warranty(claim: &Claim, facts: &Facts, part: &CatalogCode, answer: CoverageAnswer) -> CoverageAnswer {
    let none_at_all = answer.reasons.iter().any(|reason| {
        matches!(
            reason.code,
            CoverageCode::NoSaleRecord
                | CoverageCode::ReturnedVehicle
                | CoverageCode::BeforeWarrantyStart
                | CoverageCode::Excluded
        )
    });
    let longer = |own: &CoveringTerm| {
        let length = |term: &CoveringTerm| (term.expires_on, term.km_limit.unwrap_or(i64::MAX));
        answer.by.as_ref().is_none_or(|by| length(own) > length(by))
    };
    match own_warranty::cover(claim, facts, part).filter(|own| !none_at_all && longer(own)) {
        Some(own) => CoverageAnswer { covered: true, by: Some(own), ..answer },
        None => answer,
    }
}

/// None if the claim does not say enough to ask.
fn ask(claim: &Claim, facts: &Facts, subject: Subject<'_>) -> Option<CoverageAnswer> {
    let vehicle = facts.vehicle.as_ref()?;
    let (date, odometer_km) = (claim.header.complaint_date?, claim.header.odometer_in_km?);
    Some(check_coverage(&CoverageQuestion { vehicle, subject, date, odometer_km, policies: &facts.policies }))
}

fn refusal(claim: &Claim, answer: &CoverageAnswer, field: String, subject: &CatalogCode) -> Finding {
    let code = if answer.is_expired() { Code::ExpiredWarranty } else { Code::NotCovered };
    let telling = answer.telling_reasons();
    let reasons = |lang: Lang| {
        let texts: Vec<String> = telling.iter().map(|reason| reason.text().in_lang(lang).to_owned()).collect();
        texts.join("; ")
    };
    let header = &claim.header;
    Finding::warning(code, field)
        .by(telling.iter().map(|reason| clause(reason)).find(|clause| !clause.is_empty()).unwrap_or_default())
        .with("subject", subject)
        .with("date", header.complaint_date.map(|date| date.to_string()).unwrap_or_default())
        .with("odometer_km", header.odometer_in_km.unwrap_or_default())
        .with("reason_en", reasons(Lang::En))
        .with("reason_zh", reasons(Lang::ZhCn))
}

/// The policy and clause that a reason rests on.
fn clause(reason: &CoverageReason) -> String {
    reason
        .policy
        .as_ref()
        .map(|policy| format!("warrantyPolicies/{policy} {}", reason.clause).trim().to_owned())
        .unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::catalog::Exclusion;
    use crate::claims::sample::{added, code, day, draft, facts, header, labor_line, part, part_line};
    use crate::claims::{LineContent, text};

    fn found(claim: &Claim, facts: &Facts) -> Vec<(Code, String, bool)> {
        check(claim, facts).into_iter().map(|finding| (finding.code, finding.field.clone(), finding.blocks())).collect()
    }

    fn at_drop_off(date: &str, km: i64) -> Claim {
        let mut claim = draft();
        claim.header.complaint_date = Some(day(date));
        claim.header.odometer_in_km = Some(km);
        claim
    }

    /// The sample was sold on 2025-06-01 with three years or 60,000 km.
    #[test]
    fn the_last_day_and_the_last_kilometre_are_covered() {
        assert_eq!(found(&at_drop_off("2028-06-01", 60_000), &facts()), []);
        let expected = [(Code::ExpiredWarranty, "causal_part".to_owned(), false)];
        assert_eq!(found(&at_drop_off("2028-06-02", 60_000), &facts()), expected);
        assert_eq!(found(&at_drop_off("2028-06-01", 60_001), &facts()), expected);
    }

    #[test]
    fn the_drop_off_counts_not_the_completion() {
        let mut claim = at_drop_off("2028-06-01", 60_000);
        claim.header.repair_completion_date = Some(day("2028-07-01"));
        assert_eq!(found(&claim, &facts()), []);
    }

    #[test]
    fn a_refusal_names_policy_clause_and_reason() {
        let findings = check(&at_drop_off("2028-06-02", 1), &facts());
        assert_eq!(findings[0].clause, "warrantyPolicies/BASE-2025.1 § 3");
        let told = text(&findings[0], Lang::En);
        assert!(told.message.contains("2028-06-01") && told.message.contains("BASE-2025.1"), "{}", told.message);
        assert!(text(&findings[0], Lang::ZhCn).message.contains("保修期"));
    }

    #[test]
    fn a_refusal_speaks_of_the_warranty_that_ended_not_of_policies_for_other_models() {
        let mut facts = facts();
        let mut other = facts.policies[0].clone();
        (other.code, other.policy_family) = (code("EV-2024.1"), code("EV-2024"));
        other.models = vec![code("OTHER")];
        facts.policies.insert(0, other);
        let findings = check(&at_drop_off("2028-06-02", 1), &facts);
        assert_eq!(findings[0].clause, "warrantyPolicies/BASE-2025.1 § 3");
        let told = text(&findings[0], Lang::En).message;
        assert!(told.contains("2028-06-01") && !told.contains("EV-2024.1"), "{told}");
        // Where nothing else is to say, the reader learns at least which policies were looked at.
        facts.policies[1].models = vec![code("OTHER")];
        let told = text(&check(&draft(), &facts)[0], Lang::En).message;
        assert!(told.contains("EV-2024.1") && told.contains("BASE-2025.1"), "{told}");
    }

    #[test]
    fn what_no_policy_covers_is_not_covered() {
        let mut facts = facts();
        facts.policies[0].models = vec![code("OTHER")];
        assert_eq!(found(&draft(), &facts), [(Code::NotCovered, "causal_part".to_owned(), false)]);
    }

    #[test]
    fn parts_beside_the_causal_one_are_asked_about_unless_damaged_in_consequence() {
        let mut facts = facts();
        let mut wiper = part("P-200");
        wiper.category = code("WIPER");
        facts.parts.insert(code("P-200"), wiper);
        facts.policies[0].exclusions = vec![Exclusion {
            part_categories: vec![code("WIPER")],
            parts: Vec::new(),
            labor_operations: Vec::new(),
            description: "wear".to_owned(),
            clause: "§ 7".to_owned(),
        }];
        let line = LineContent { part: Some(code("P-200")), ..part_line() };
        let mut claim = draft().update(header(), vec![added(part_line()), added(line)]).unwrap();
        assert_eq!(found(&claim, &facts), [(Code::NotCovered, "lines[1].part".to_owned(), false)]);
        claim.header.related_parts = vec![code("P-200")];
        assert_eq!(found(&claim, &facts), []);
    }

    #[test]
    fn an_excluded_operation_is_not_covered() {
        let mut facts = facts();
        facts.policies[0].exclusions = vec![Exclusion {
            part_categories: Vec::new(),
            parts: Vec::new(),
            labor_operations: vec![code("OP-10")],
            description: "adjustment".to_owned(),
            clause: "§ 8".to_owned(),
        }];
        let claim = draft().update(header(), vec![added(part_line()), added(labor_line())]).unwrap();
        assert_eq!(found(&claim, &facts), [(Code::NotCovered, "lines[1].operation".to_owned(), false)]);
    }

    #[test]
    fn what_was_asked_is_frozen_with_its_policy() {
        let coverage = of_claim(&draft(), &facts()).unwrap();
        assert!(coverage.covered);
        assert_eq!(
            (coverage.policy, coverage.last_day, coverage.limit_km),
            (Some(code("BASE-2025.1")), Some(day("2028-06-01")), Some(60_000))
        );
        let expired = of_claim(&at_drop_off("2028-06-02", 1), &facts()).unwrap();
        assert_eq!((expired.covered, expired.policy), (false, None));
    }
}
