//! The same repair claimed twice.

use crate::catalog::Setting;
use crate::claims::finding::Code;
use crate::claims::{Claim, Facts, Finding, SimilarClaim};
use crate::dates::days_between;

pub(super) fn check(claim: &Claim, facts: &Facts) -> Vec<Finding> {
    let mut findings: Vec<Finding> = same_job(claim, facts).into_iter().collect();
    // What a supplement adds to is no duplicate of it.
    let original = claim.header.supplement_of.as_deref();
    let others = facts.similar_claims.iter().filter(|other| original != Some(format!("claims/{}", other.id).as_str()));
    findings.extend(others.filter_map(|other| similar(claim, other, &facts.setting)));
    findings
}

/// A job of a repair order is claimed once. The store guards it too.
fn same_job(claim: &Claim, facts: &Facts) -> Option<Finding> {
    let other = facts.same_job.as_ref().filter(|other| other.id != claim.id && other.state.is_live())?;
    let header = &claim.header;
    Some(
        Finding::error(Code::RepairOrderJobClaimed, "external_job")
            .with("other", &other.number)
            .with("repair_order", header.external_repair_order.as_deref().unwrap_or_default())
            .with("job", header.external_job.as_deref().unwrap_or_default()),
    )
}

/// The same vehicle and causal part within the window. The number of another station's claim is not told.
fn similar(claim: &Claim, other: &SimilarClaim, setting: &Setting) -> Option<Finding> {
    let window = setting.duplicate_window_days;
    let header = &claim.header;
    let (vin, part, completed) = (header.vin.as_ref()?, header.causal_part.as_ref()?, header.repair_completion_date?);
    let other_completed = other.repair_completion_date?;
    let same = other.id != claim.id
        && other.state.is_live()
        && other.vin.as_ref() == Some(vin)
        && other.causal_part.as_ref() == Some(part)
        && days_between(other_completed, completed).abs() <= i64::from(window);
    if !same {
        return None;
    }
    let (en, zh) = if other.station == claim.station {
        (format!("claim {}", other.number), format!("索赔单 {}", other.number))
    } else {
        ("a claim of another station".to_owned(), "其他服务站的索赔单".to_owned())
    };
    Some(
        Finding::warning(Code::Duplicate, "causal_part")
            .by(format!("settings/{}: duplicate_window_days = {window}", setting.code))
            .with("other_en", en)
            .with("other_zh", zh)
            .with("other_date", other_completed)
            .with("window_days", window),
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::claims::StateWord;
    use crate::claims::sample::{STATION, code, day, draft, facts};
    use crate::ids::{ClaimId, OrgId};
    use crate::text::Lang;
    use uuid::Uuid;

    fn other() -> SimilarClaim {
        SimilarClaim {
            id: ClaimId(Uuid::from_u128(99)),
            number: "WR-2611-OTHER000".to_owned(),
            station: STATION,
            vin: draft().header.vin,
            causal_part: Some(code("P-100")),
            repair_completion_date: Some(day("2026-10-01")),
            state: StateWord::Submitted,
        }
    }

    fn found(other: SimilarClaim) -> Vec<Finding> {
        let mut facts = facts();
        facts.setting.duplicate_window_days = 60;
        facts.similar_claims = vec![other];
        check(&draft(), &facts)
    }

    #[test]
    fn one_part_of_one_vehicle_twice_within_the_window_warns() {
        let findings = found(other());
        assert_eq!(
            findings.iter().map(|finding| (finding.code, finding.blocks())).collect::<Vec<_>>(),
            [(Code::Duplicate, false)]
        );
        assert!(crate::claims::text(&findings[0], Lang::En).message.contains("WR-2611-OTHER000"));
    }

    #[test]
    fn another_stations_number_is_not_told() {
        let findings = found(SimilarClaim { station: OrgId(Uuid::from_u128(5)), ..other() });
        let told = serde_json::to_string(&findings).unwrap();
        assert_eq!(findings.len(), 1);
        assert!(!told.contains("OTHER000"), "{told}");
        assert!(crate::claims::text(&findings[0], Lang::En).message.starts_with("a claim of another station"));
    }

    #[test]
    fn what_is_not_the_same_does_not_warn() {
        // The sample was repaired on 2026-11-12; 60 days before is 2026-09-13.
        let dated = |text: &str| SimilarClaim { repair_completion_date: Some(day(text)), ..other() };
        assert_eq!(found(dated("2026-09-13")).len(), 1);
        assert_eq!(found(dated("2026-09-12")), []);
        assert_eq!(found(SimilarClaim { causal_part: Some(code("P-200")), ..other() }), []);
        assert_eq!(found(SimilarClaim { vin: None, ..other() }), []);
        assert_eq!(found(SimilarClaim { id: draft().id, ..other() }), []);
        let mut supplement = draft();
        supplement.header.supplement_of = Some(format!("claims/{}", other().id));
        assert_eq!(check(&supplement, &crate::claims::Facts { similar_claims: vec![other()], ..facts() }), []);
        for state in [StateWord::Draft, StateWord::Rejected, StateWord::Withdrawn, StateWord::Lapsed] {
            assert_eq!(found(SimilarClaim { state, ..other() }), [], "{state:?}");
        }
    }

    #[test]
    fn a_job_of_a_repair_order_is_claimed_once() {
        let mut facts = facts();
        facts.same_job = Some(other());
        let findings = check(&draft(), &facts);
        assert_eq!(
            findings.iter().map(|finding| (finding.code, finding.blocks())).collect::<Vec<_>>(),
            [(Code::RepairOrderJobClaimed, true)]
        );
        facts.same_job = Some(SimilarClaim { state: StateWord::Withdrawn, ..other() });
        assert_eq!(check(&draft(), &facts), []);
        facts.same_job = Some(SimilarClaim { id: draft().id, ..other() });
        assert_eq!(check(&draft(), &facts), []);
    }
}
