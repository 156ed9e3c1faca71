//! Campaigns: whether the claim may be made under the one that it names, whether its lines are the campaign's
//! work, and which safety recalls of the vehicle are open.

use super::{at, positions};
use crate::claims::campaigns::{CampaignFact, Share, may_name_campaign, share};
use crate::claims::finding::Code;
use crate::claims::{Claim, Facts, Finding};
use crate::ids::Code as CatalogCode;
use crate::text::Text;

const FIELD: &str = "campaign";

pub(super) fn check(claim: &Claim, facts: &Facts) -> Vec<Finding> {
    let mut findings = claim.header.campaign.as_ref().map_or_else(Vec::new, |named| under(claim, facts, named));
    findings.extend(open_recalls(claim, facts));
    findings
}

/// What is found about a claim under a campaign.
fn under(claim: &Claim, facts: &Facts, named: &CatalogCode) -> Vec<Finding> {
    if !may_name_campaign(claim.kind) {
        let kind = claim.kind.word();
        let why = Text::new(
            format!("a claim of kind {kind} belongs to no campaign; claim the repair under it"),
            format!("{kind} 类索赔不属于任何活动；请以维修索赔单申报"),
        );
        return vec![not_usable(named, &why)];
    }
    let Some(fact) = claim.named_campaign(facts) else {
        return vec![not_usable(named, &Text::new("there is no such campaign", "没有该活动"))];
    };
    if let Some(why) = fact.campaign.refusal_on(claim.campaign_day(facts)) {
        return vec![not_usable(named, &why)];
    }
    if let Some(refused) = vehicle(claim, facts, fact) {
        return vec![refused];
    }
    lines(claim, facts, named)
}

fn not_usable(named: &CatalogCode, why: &Text) -> Finding {
    Finding::error(Code::CampaignNotUsable, FIELD)
        .with("campaign", named)
        .with("reason_en", &why.en)
        .with("reason_zh", &why.zh_cn)
}

/// Why the campaign is not for this vehicle, or not for this claim. An unknown vehicle has its own finding.
fn vehicle(claim: &Claim, facts: &Facts, fact: &CampaignFact) -> Option<Finding> {
    let vehicle = facts.vehicle.as_ref()?;
    let campaign = &fact.campaign.code;
    let not_for = |en: String, zh: String| {
        Finding::error(Code::NotCampaignVehicle, FIELD)
            .with("campaign", campaign)
            .with("vin", &vehicle.vin)
            .with("reason_en", en)
            .with("reason_zh", zh)
    };
    if !fact.reaches(vehicle) {
        let en = "it is neither on its list nor within its filter";
        return Some(not_for(en.to_owned(), "不在其清单内，也不符合其筛选条件".to_owned()));
    }
    if let Some(exemption) = fact.standing().exemption() {
        let word = exemption.reason.word();
        return Some(not_for(format!("it is exempt ({word})"), format!("该车辆已豁免（{word}）")));
    }
    let other = fact.standing().job().filter(|job| job.claim != claim.id)?;
    let own = other.station == claim.station;
    let finding = Finding::error(Code::CampaignAlreadyClaimed, FIELD)
        .with("campaign", campaign)
        .with("vin", &vehicle.vin)
        .with("state", fact.standing().word());
    // Another station's claim is not told.
    Some(if own { finding.with("claim", format!("claims/{}", other.claim)) } else { finding })
}

/// The lines against the remedy: work outside of it, more than it pays, parts that could not be had.
fn lines(claim: &Claim, facts: &Facts, campaign: &CatalogCode) -> Vec<Finding> {
    if facts.vehicle.is_none() {
        return Vec::new();
    }
    let remedy = claim.chosen_remedy(facts);
    let id = remedy.map_or("-", |remedy| remedy.id.as_str());
    let about = |finding: Finding| finding.with("campaign", campaign).with("remedy", id);
    let mut findings = Vec::new();
    let ready = remedy.and_then(|remedy| remedy.parts_ready_date);
    if let Some((ready, date)) = ready.zip(claim.header.repair_completion_date)
        && date < ready
    {
        let finding = Finding::warning(Code::CampaignPartsNotReady, "repair_completion_date");
        findings.push(about(finding.with("ready", ready).with("date", date)));
    }
    for (position, line) in positions(claim) {
        let content = &line.content;
        let subject = content.part.as_ref().or(content.operation.as_ref());
        let subject = subject.map_or(content.line_type.word(), CatalogCode::as_str);
        let exceeds = |field: &str, claimed: String, allowed: String| {
            Finding::warning(Code::ExceedsCampaignRemedy, at(position, field))
                .with("claimed", claimed)
                .with("allowed", allowed)
        };
        let found = match remedy.map_or(Share::Outside, |remedy| share(claim, position, facts, remedy)) {
            Share::Pieces { sum, allowed, .. } if sum > allowed => {
                Some(exceeds("quantity", sum.to_string(), allowed.to_string()))
            }
            Share::Hours { sum, allowed, .. } if sum > allowed => {
                Some(exceeds("hours", format!("{sum} h"), format!("{allowed} h")))
            }
            Share::Outside => Some(Finding::warning(Code::OutsideCampaignRemedy, at(position, "type"))),
            Share::Pieces { .. } | Share::Hours { .. } | Share::Unknown => None,
        };
        findings.extend(found.map(|finding| about(finding.with("subject", subject)).on_line(line.number)));
    }
    findings
}

/// Whoever has the vehicle in the workshop is told what should be done to it before it leaves.
fn open_recalls(claim: &Claim, facts: &Facts) -> Vec<Finding> {
    let Some(vehicle) = &facts.vehicle else { return Vec::new() };
    let is_other = |fact: &&CampaignFact| claim.header.campaign.as_ref() != Some(&fact.campaign.code);
    // What this claim held, and names no longer, is to be done again.
    let let_go = |fact: &CampaignFact| fact.standing().job().is_some_and(|job| job.claim == claim.id);
    let is_open = |fact: &&CampaignFact| {
        fact.is_open_for(vehicle, facts.today) || (let_go(fact) && fact.campaign.is_open_on(facts.today))
    };
    let safety = facts.campaigns.iter().filter(|fact| fact.campaign.safety);
    safety
        .filter(is_other)
        .filter(is_open)
        .map(|fact| {
            let names = fact.campaign.names();
            Finding::warning(Code::OpenRecall, "vin")
                .by(fact.campaign.authority_number.clone())
                .with("campaign", &fact.campaign.code)
                .with("name_en", names.en)
                .with("name_zh", names.zh_cn)
                .with("vin", &vehicle.vin)
        })
        .collect()
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;
    use crate::catalog::{CampaignVehicle, ExemptReason, Exemption};
    use crate::claims::campaigns::tests::under_recall;
    use crate::claims::sample::{code, day};
    use crate::claims::{Kind, LineContent, LineType, StateWord, text};
    use crate::ids::{ClaimId, OrgId};
    use crate::money::Quantity;
    use crate::text::Lang;
    use uuid::Uuid;

    fn found(claim: &Claim, facts: &Facts) -> Vec<(Code, String, bool)> {
        check(claim, facts).into_iter().map(|finding| (finding.code, finding.field.clone(), finding.blocks())).collect()
    }

    /// Claims that together raise whatever can be found about campaigns.
    pub(in crate::claims::checks) fn troubled() -> Vec<(Claim, Facts)> {
        let (claim, facts) = under_recall();
        let with = |change: &dyn Fn(&mut Claim, &mut Facts)| {
            let (mut claim, mut facts) = (claim.clone(), facts.clone());
            change(&mut claim, &mut facts);
            (claim, facts)
        };
        let mut other = claim.clone();
        other.id = ClaimId(Uuid::from_u128(77));
        other.state = crate::claims::sample::in_state(StateWord::Submitted).state;
        let row = CampaignVehicle::open(code("R-1"), facts.vehicle.as_ref().unwrap().vin.clone(), false);
        let taken = row.clone().reconciled(&other, None).ok();
        let exempt = row.exempt(Exemption { reason: ExemptReason::Exported, note: String::new() }).ok();
        vec![
            with(&|claim, _| claim.header.campaign = Some(code("R-9"))),
            with(&|claim, _| claim.kind = Kind::ExternalPurchase),
            with(&|_, facts| facts.campaigns[0].campaign.scope = None),
            with(&|_, facts| facts.campaigns[0].vehicle.clone_from(&taken)),
            with(&|_, facts| facts.campaigns[0].vehicle.clone_from(&exempt)),
            with(&|claim, facts| {
                claim.lines[0].content.quantity = Some(Quantity(2_000));
                claim.lines[1].content.line_type = LineType::Freight;
                facts.campaigns[0].campaign.remedies[0].parts_ready_date = Some(day("2026-11-13"));
            }),
        ]
    }

    fn refused(code: Code) -> [(Code, String, bool); 1] {
        [(code, FIELD.to_owned(), true)]
    }

    #[test]
    fn the_campaigns_own_work_is_in_order_and_covered() {
        let (mut claim, mut facts) = under_recall();
        assert_eq!(found(&claim, &facts), []);
        // Long after the warranty's end, and even without a sale.
        claim.header.odometer_in_km = Some(900_000);
        facts.vehicle.as_mut().unwrap().sale = None;
        assert_eq!(claim.clone().precheck(&facts).1, []);
        let coverage = super::super::coverage_of(&claim, &facts).unwrap();
        assert_eq!((coverage.covered, coverage.policy, coverage.campaign), (true, None, Some(code("R-1"))));
    }

    #[test]
    fn an_unknown_campaign_and_one_out_of_its_days_are_refused() {
        let (claim, facts) = under_recall();
        let with = |change: &dyn Fn(&mut CampaignFact)| {
            let mut facts = facts.clone();
            change(&mut facts.campaigns[0]);
            found(&claim, &facts)
        };
        assert_eq!(with(&|fact| fact.campaign.code = code("R-9"))[0], refused(Code::CampaignNotUsable)[0]);
        assert_eq!(with(&|fact| fact.campaign.valid_from = day("2026-11-11")), refused(Code::CampaignNotUsable));
        assert_eq!(with(&|fact| fact.campaign.close_date = Some(day("2026-11-09"))), refused(Code::CampaignNotUsable));
        let mut request = claim.clone();
        request.kind = Kind::ExternalPurchase;
        assert_eq!(found(&request, &facts), refused(Code::CampaignNotUsable));
    }

    #[test]
    fn a_vehicle_out_of_scope_and_one_that_is_exempt_are_refused() {
        let (claim, mut facts) = under_recall();
        facts.campaigns[0].campaign.scope = None;
        assert_eq!(found(&claim, &facts), refused(Code::NotCampaignVehicle));
        let row = CampaignVehicle::open(code("R-1"), facts.vehicle.as_ref().unwrap().vin.clone(), true);
        facts.campaigns[0].vehicle = Some(row.clone());
        assert_eq!(found(&claim, &facts), []);
        let exempt = Exemption { reason: ExemptReason::DoneInWorks, note: String::new() };
        facts.campaigns[0].vehicle = row.exempt(exempt).ok();
        assert_eq!(found(&claim, &facts), refused(Code::NotCampaignVehicle));
    }

    #[test]
    fn the_work_is_claimed_once_and_another_stations_claim_is_not_told() {
        let (claim, mut facts) = under_recall();
        let mut other = claim.clone();
        other.id = ClaimId(Uuid::from_u128(77));
        other.state = crate::claims::sample::in_state(StateWord::Submitted).state;
        let row = CampaignVehicle::open(code("R-1"), facts.vehicle.as_ref().unwrap().vin.clone(), false);
        facts.campaigns[0].vehicle = row.clone().reconciled(&other, None).ok();
        assert_eq!(found(&claim, &facts), refused(Code::CampaignAlreadyClaimed));
        assert!(check(&claim, &facts)[0].params.contains_key("claim"));
        other.station = OrgId(Uuid::from_u128(5));
        facts.campaigns[0].vehicle = row.clone().reconciled(&other, None).ok();
        let finding = &check(&claim, &facts)[0];
        assert!(!finding.params.contains_key("claim") && finding.code == Code::CampaignAlreadyClaimed);
        let mut own = claim.clone();
        own.state = crate::claims::sample::in_state(StateWord::Returned).state;
        facts.campaigns[0].vehicle = row.reconciled(&own, None).ok();
        assert_eq!(found(&claim, &facts), [], "the claim itself holds it");
    }

    #[test]
    fn work_outside_of_the_remedy_and_more_than_it_pays_warn() {
        let (mut claim, mut facts) = under_recall();
        claim.lines[0].content.quantity = Some(Quantity(2_000));
        let mut sublet = claim.lines[1].clone();
        (sublet.number, sublet.content) = (5, LineContent::new(LineType::Sublet));
        claim.lines.push(sublet);
        facts.campaigns[0].campaign.remedies[0].operations[0].hours.0 = 100;
        facts.campaigns[0].campaign.remedies[0].parts_ready_date = Some(day("2026-11-13"));
        assert_eq!(
            found(&claim, &facts),
            [
                (Code::CampaignPartsNotReady, "repair_completion_date".to_owned(), false),
                (Code::ExceedsCampaignRemedy, "lines[0].quantity".to_owned(), false),
                (Code::ExceedsCampaignRemedy, "lines[1].hours".to_owned(), false),
                (Code::OutsideCampaignRemedy, "lines[2].type".to_owned(), false),
            ]
        );
        let told = text(&check(&claim, &facts)[2], Lang::En).message;
        assert_eq!(told, "line 4: 1.20 h of OP-10 are claimed; R-1's remedy A pays 1.00 h");
        facts.campaigns[0].campaign.remedies[0].models = vec![code("OTHER")];
        let codes: Vec<Code> = check(&claim, &facts).into_iter().map(|finding| finding.code).collect();
        assert_eq!(codes, [Code::OutsideCampaignRemedy; 3], "no remedy is for this vehicle");
    }

    #[test]
    fn an_open_safety_recall_is_told_on_any_other_claim() {
        let (mut claim, mut facts) = under_recall();
        claim.header.campaign = None;
        let warned = [(Code::OpenRecall, "vin".to_owned(), false)];
        assert_eq!(found(&claim, &facts), warned);
        claim.header.campaign = Some(code("R-2"));
        assert_eq!(found(&claim, &facts).last(), Some(&warned[0]));
        claim.header.campaign = None;
        claim.kind = Kind::RoadsideRescue;
        assert_eq!(found(&claim, &facts), warned);
        let row = CampaignVehicle::open(code("R-1"), facts.vehicle.as_ref().unwrap().vin.clone(), false);
        let mut held = under_recall().0;
        held.state = crate::claims::sample::in_state(StateWord::Returned).state;
        facts.campaigns[0].vehicle = row.clone().reconciled(&held, None).ok();
        assert_eq!(found(&claim, &facts), warned, "the claim lets go of it");
        held.id = ClaimId(Uuid::from_u128(77));
        facts.campaigns[0].vehicle = row.reconciled(&held, None).ok();
        assert_eq!(found(&claim, &facts), [], "another claim does it");
        facts.campaigns[0].vehicle = None;
        facts.campaigns[0].campaign.safety = false;
        assert_eq!(found(&claim, &facts), []);
        facts.campaigns[0].campaign.safety = true;
        facts.campaigns[0].campaign.close_date = Some(day("2026-11-01"));
        assert_eq!(found(&claim, &facts), []);
    }
}
