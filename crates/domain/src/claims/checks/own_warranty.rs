//! The own warranty of parts that a repair fitted: it may last longer than the vehicle's, and a repair answers
//! for itself as long as it lasts.

use chrono::NaiveDate;

use super::lacks;
use crate::catalog::{PolicyState, ReplacedPartTerm, WarrantyPolicy};
use crate::claims::finding::Code;
use crate::claims::{Claim, Details, EarlierRepair, Facts, Finding, WarrantyRepairDetails};
use crate::coverage::CoveringTerm;
use crate::dates::{days_between, plus_months};
use crate::ids::Code as CatalogCode;

/// A part that was fitted by a repair, with what the policy promises for it.
struct Fitted<'f> {
    policy: &'f WarrantyPolicy,
    term: &'f ReplacedPartTerm,
    date: NaiveDate,
    odometer_km: Option<i64>,
    /// The repair, if it is one of ours; otherwise the station says so.
    repair: Option<&'f EarlierRepair>,
}

pub(super) fn check(claim: &Claim, facts: &Facts) -> Vec<Finding> {
    let Some(part) = &claim.header.causal_part else { return Vec::new() };
    let Some(fitted) = fitted(claim, facts, part) else { return Vec::new() };
    let Some(by) = cover(claim, facts, part) else { return Vec::new() };
    match fitted.repair {
        Some(repair) => vec![repeated(claim, part, repair, &by)],
        None => vec![
            lacks("warranty_repair.part_installed_date", ("record of the repair that fitted the part", "装件维修记录"))
                .by(by.clause),
        ],
    }
}

/// The term of a replaced part that covers the repair, if one does.
pub(super) fn cover(claim: &Claim, facts: &Facts, part: &CatalogCode) -> Option<CoveringTerm> {
    let Fitted { policy, term, date, odometer_km, .. } = fitted(claim, facts, part)?;
    let (asked, asked_km) = (claim.header.complaint_date?, claim.header.odometer_in_km?);
    let expires_on = plus_months(date, u32::try_from(term.months).unwrap_or(0));
    let km_limit = term.km.zip(odometer_km).map(|(km, fitted_km)| fitted_km.saturating_add(km));
    let covers = (date..=expires_on).contains(&asked) && km_limit.is_none_or(|limit| asked_km <= limit);
    covers.then(|| CoveringTerm {
        policy: policy.code.clone(),
        policy_family: policy.policy_family.clone(),
        policy_version: policy.version_number,
        term: CatalogCode::fixed("REPLACED-PART"),
        clause: term.clause.clone(),
        expires_on,
        days_left: days_between(asked, expires_on),
        km_limit,
        km_left: km_limit.map(|limit| limit - asked_km),
    })
}

/// When the part was fitted: by the newest approved repair before the drop-off, else as the station says.
fn fitted<'f>(claim: &Claim, facts: &'f Facts, part: &CatalogCode) -> Option<Fitted<'f>> {
    let asked = claim.header.complaint_date?;
    let repair = facts
        .earlier_repairs
        .iter()
        .filter(|repair| &repair.part == part && repair.completion_date <= asked)
        .max_by_key(|repair| repair.completion_date);
    let (date, odometer_km) = match (repair, declared(claim)) {
        (Some(repair), _) => (repair.completion_date, Some(repair.odometer_km)),
        (None, Some(details)) if claim.header.causal_part.as_ref() == Some(part) => {
            (details.part_installed_date?, details.part_installed_odometer_km)
        }
        (None, Some(_) | None) => return None,
    };
    let model = &facts.vehicle.as_ref()?.model;
    let counts = |policy: &&WarrantyPolicy| {
        policy.state == PolicyState::Published
            && policy.is_for(model)
            && policy.replaced_part.is_some()
            && policy.valid_from <= date
            && policy.valid_to.is_none_or(|end| date < end)
    };
    let policy =
        facts.policies.iter().filter(counts).max_by_key(|policy| (policy.valid_from, policy.version_number))?;
    Some(Fitted { policy, term: policy.replaced_part.as_ref()?, date, odometer_km, repair })
}

fn declared(claim: &Claim) -> Option<&WarrantyRepairDetails> {
    match &claim.header.details {
        Some(Details::WarrantyRepair(details)) => Some(details),
        Some(
            Details::RunningInMaintenance(_)
            | Details::RoadsideRescue(_)
            | Details::ExternalPurchase(_)
            | Details::MajorAssembly(_)
            | Details::CompensationAppraisal(_),
        )
        | None => None,
    }
}

/// A repeat repair is the free rework of who did the first one, unless the new part itself failed. The number
/// of another station's claim is not told.
fn repeated(claim: &Claim, part: &CatalogCode, repair: &EarlierRepair, by: &CoveringTerm) -> Finding {
    let (en, zh) = if repair.station == claim.station {
        (format!("your claim {}", repair.number), format!("本站索赔单 {} ", repair.number))
    } else {
        ("another station".to_owned(), "其他服务站".to_owned())
    };
    Finding::warning(Code::RepeatRepair, "causal_part")
        .by(format!("{} {}", by.policy, by.clause).trim().to_owned())
        .with("part", part)
        .with("other_en", en)
        .with("other_zh", zh)
        .with("fitted", repair.completion_date)
        .with("last_day", by.expires_on)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::claims::checks::coverage_of;
    use crate::claims::sample::{STATION, code, day, draft, facts, header};
    use crate::claims::{Header, text};
    use crate::ids::OrgId;
    use crate::text::Lang;
    use uuid::Uuid;

    fn promising() -> Facts {
        let mut facts = facts();
        facts.policies[0].replaced_part =
            Some(ReplacedPartTerm { months: 24, km: Some(40_000), clause: "§ 9".to_owned() });
        facts
    }

    fn repaired(date: &str, odometer_km: i64, station: OrgId) -> Facts {
        let repair = EarlierRepair {
            number: "WR-2609-OTHER000".to_owned(),
            station,
            part: code("P-100"),
            completion_date: day(date),
            odometer_km,
        };
        Facts { earlier_repairs: vec![repair], ..promising() }
    }

    fn codes(claim: &Claim, facts: &Facts) -> Vec<Code> {
        check(claim, facts).into_iter().map(|finding| finding.code).collect()
    }

    /// The sample's own warranty ends on 2028-06-01 or at 60,000 km; the drop-off is on 2026-11-10 at 20,000 km.
    #[test]
    fn the_longer_of_the_two_is_named() {
        let named = |facts: &Facts| coverage_of(&draft(), facts).and_then(|coverage| coverage.last_day);
        assert_eq!(named(&promising()), Some(day("2028-06-01")));
        assert_eq!(named(&repaired("2026-09-01", 19_000, STATION)), Some(day("2028-09-01")));
        assert_eq!(named(&repaired("2025-09-01", 3_000, STATION)), Some(day("2028-06-01")));
    }

    #[test]
    fn a_replaced_part_is_covered_when_the_vehicle_is_not() {
        let claim = draft().update(Header { odometer_in_km: Some(61_000), ..header() }, Vec::new()).unwrap();
        let covered = |facts: &Facts| coverage_of(&claim, facts).is_some_and(|coverage| coverage.covered);
        assert!(!covered(&promising()));
        assert!(covered(&repaired("2026-09-01", 21_000, STATION)), "40,000 km since");
        assert!(!covered(&repaired("2026-09-01", 20_999, STATION)), "one more");
        assert!(!covered(&repaired("2024-11-09", 50_000, STATION)), "24 months are over");
    }

    #[test]
    fn a_repeat_within_its_own_quality_period_is_told() {
        let own = repaired("2026-09-01", 19_000, STATION);
        assert_eq!(codes(&draft(), &own), [Code::RepeatRepair]);
        let other = repaired("2026-09-01", 19_000, OrgId(Uuid::from_u128(4)));
        let finding = check(&draft(), &other).remove(0);
        assert!(!finding.blocks());
        assert!(!text(&finding, Lang::En).message.contains("WR-2609"), "{finding:?}");
        assert_eq!(codes(&draft(), &repaired("2024-11-09", 1, STATION)), []);
    }

    #[test]
    fn what_only_the_station_says_asks_for_evidence() {
        let details = WarrantyRepairDetails {
            part_installed_date: Some(day("2026-03-01")),
            part_installed_odometer_km: Some(10_000),
            ..WarrantyRepairDetails::default()
        };
        let header = Header { details: Some(Details::WarrantyRepair(details)), ..header() };
        let claim = draft().update(header, Vec::new()).unwrap();
        assert_eq!(codes(&claim, &promising()), [Code::EvidenceMissing]);
        assert_eq!(codes(&claim, &facts()), []);
    }
}
