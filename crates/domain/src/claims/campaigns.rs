//! Work that belongs to a campaign: whether the campaign covers a claim, by which remedy, and how much of it the
//! remedy pays.

use std::borrow::Cow;

use chrono::NaiveDate;

use super::pricing::paid_hours;
use super::{Claim, Facts, Kind, Line, LineContent, LineType};
use crate::catalog::{Campaign, CampaignVehicle, CampaignVehicleState, Remedy};
use crate::ids::Code;
use crate::money::{Hours, Quantity};
use crate::vehicle::Vehicle;

/// A campaign, and what is known of the claim's vehicle in it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CampaignFact {
    /// The campaign.
    pub campaign: Campaign,
    /// The vehicle's row; none if it is not listed and nothing has happened.
    pub vehicle: Option<CampaignVehicle>,
}

impl CampaignFact {
    /// Whether the campaign reaches a vehicle: by its list, by its filter, or because something has happened.
    pub fn reaches(&self, vehicle: &Vehicle) -> bool {
        self.vehicle.is_some() || self.campaign.reaches(vehicle)
    }

    /// Where a vehicle that it reaches stands.
    pub fn standing(&self) -> &CampaignVehicleState {
        self.vehicle.as_ref().map_or(&CampaignVehicleState::Open, |row| &row.state)
    }

    /// Whether its work on a vehicle is to be done on a day.
    pub fn is_open_for(&self, vehicle: &Vehicle, day: NaiveDate) -> bool {
        self.campaign.is_open_on(day) && self.reaches(vehicle) && self.standing() == &CampaignVehicleState::Open
    }

    /// Whether it covers work on a vehicle that was brought in on a day.
    pub fn covers(&self, vehicle: &Vehicle, day: NaiveDate) -> bool {
        self.campaign.refusal_on(day).is_none() && self.reaches(vehicle) && self.standing().exemption().is_none()
    }
}

/// What a line asks for of a remedy.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Share {
    /// Hours of an operation.
    Hours {
        /// By this line.
        asked: Hours,
        /// By this line and those before it.
        sum: Hours,
        /// That the remedy pays.
        allowed: Hours,
    },
    /// Pieces of a part.
    Pieces {
        /// By this line.
        asked: Quantity,
        /// By this line and those before it.
        sum: Quantity,
        /// That the remedy pays.
        allowed: Quantity,
    },
    /// Nothing: it is no work of the remedy.
    Outside,
    /// Nothing that can be told: the line does not say what it is for.
    Unknown,
}

impl Claim {
    /// What is known of the campaign that it names.
    pub fn named_campaign<'f>(&self, facts: &'f Facts) -> Option<&'f CampaignFact> {
        let code = self.header.campaign.as_ref()?;
        facts.campaigns.iter().find(|fact| &fact.campaign.code == code)
    }

    /// The day that decides whether a campaign covers: the drop-off. A draft without it is told today's.
    pub fn campaign_day(&self, facts: &Facts) -> NaiveDate {
        self.header.complaint_date.unwrap_or(facts.today)
    }

    /// The campaign that covers it, whatever the warranty says.
    pub fn covering_campaign<'f>(&self, facts: &'f Facts) -> Option<&'f CampaignFact> {
        let vehicle = facts.vehicle.as_ref().filter(|_| may_name_campaign(self.kind))?;
        self.named_campaign(facts).filter(|fact| fact.covers(vehicle, self.campaign_day(facts)))
    }

    /// The remedy that it does: of those for the vehicle the one that has most of its lines; of equals the first.
    pub fn chosen_remedy<'f>(&self, facts: &'f Facts) -> Option<&'f Remedy> {
        let (fact, vehicle) = (self.covering_campaign(facts)?, facts.vehicle.as_ref()?);
        let mut chosen: Option<(usize, &Remedy)> = None;
        for remedy in fact.campaign.remedies_for(vehicle) {
            let fitting = self.lines.iter().filter(|line| is_work_of(line, remedy)).count();
            if chosen.is_none_or(|(most, _)| most < fitting) {
                chosen = Some((fitting, remedy));
            }
        }
        chosen.map(|(_, remedy)| remedy)
    }
}

/// Repairs alone are work of campaigns. Leave to buy a part pays nothing: the repair names the campaign.
pub fn may_name_campaign(kind: Kind) -> bool {
    match kind {
        Kind::WarrantyRepair => true,
        Kind::RunningInMaintenance
        | Kind::CompensationAppraisal
        | Kind::RoadsideRescue
        | Kind::ExternalPurchase
        | Kind::MajorAssembly => false,
    }
}

/// What of a remedy a line is.
enum Subject<'l> {
    Part(&'l Code),
    Operation(&'l Code),
    Other,
    Unknown,
}

fn subject(line: &LineContent) -> Subject<'_> {
    match (line.line_type, &line.part, &line.operation) {
        (LineType::Part | LineType::ExternalPart, Some(part), _) => Subject::Part(part),
        (LineType::Labor | LineType::Diagnosis, _, Some(operation)) => Subject::Operation(operation),
        (LineType::Part | LineType::Labor | LineType::Diagnosis, _, _) => Subject::Unknown,
        (
            LineType::ExternalPart
            | LineType::Sublet
            | LineType::Travel
            | LineType::Towing
            | LineType::MaintenanceFee
            | LineType::CourtesyCar
            | LineType::Freight
            | LineType::Allowance,
            _,
            _,
        ) => Subject::Other,
    }
}

fn is_work_of(line: &Line, remedy: &Remedy) -> bool {
    match subject(&line.content) {
        Subject::Part(part) => remedy.quantity_of(part).is_some(),
        Subject::Operation(operation) => remedy.hours_of(operation).is_some(),
        Subject::Other | Subject::Unknown => false,
    }
}

/// What the line at a position asks for of a remedy, after the lines before it.
pub fn share(claim: &Claim, position: usize, facts: &Facts, remedy: &Remedy) -> Share {
    let Some(line) = claim.lines.get(position) else { return Share::Unknown };
    let until = claim.lines.iter().take(position + 1).map(|line| &line.content);
    match subject(&line.content) {
        Subject::Part(part) => {
            let Some(allowed) = remedy.quantity_of(part) else { return Share::Outside };
            let asks = |line: &LineContent| line.quantity.unwrap_or(Quantity::ZERO);
            let same = until.filter(|line| matches!(subject(line), Subject::Part(other) if other == part));
            // Form limits keep 200 lines far below an overflow.
            let sum = same.fold(Quantity::ZERO, |sum, line| sum.try_add(asks(line)).unwrap_or(sum));
            Share::Pieces { asked: asks(&line.content), sum, allowed }
        }
        Subject::Operation(operation) => {
            let Some(allowed) = remedy.hours_of(operation) else { return Share::Outside };
            let asks = |line: &LineContent| asked_hours(line, facts);
            let same = until.filter(|line| matches!(subject(line), Subject::Operation(other) if other == operation));
            let sum = same.fold(Hours::ZERO, |sum, line| sum.try_add(asks(line)).unwrap_or(sum));
            Share::Hours { asked: asks(&line.content), sum, allowed }
        }
        Subject::Other => Share::Outside,
        Subject::Unknown => Share::Unknown,
    }
}

/// The hours that a line asks for: what would be paid without a campaign.
fn asked_hours(line: &LineContent, facts: &Facts) -> Hours {
    let operation = line.operation.as_ref().and_then(|code| facts.operations.get(code));
    let paid = operation.and_then(|operation| paid_hours(operation, line, facts).ok().flatten());
    let written = || line.hours.unwrap_or(Hours::ZERO).try_add(line.additional_hours.unwrap_or(Hours::ZERO));
    paid.map(|hours| hours.paid).or_else(|| written().ok()).unwrap_or(Hours::ZERO)
}

/// A line as far as the remedy pays it; a line of a claim without a campaign, and work outside of the remedy, is
/// priced as it stands.
pub(super) fn payable<'c>(claim: &'c Claim, position: usize, line: &'c Line, facts: &Facts) -> Cow<'c, LineContent> {
    let content = &line.content;
    let Some(remedy) = claim.chosen_remedy(facts) else { return Cow::Borrowed(content) };
    match share(claim, position, facts, remedy) {
        Share::Pieces { asked, sum, allowed } if sum > allowed => {
            let left = Quantity((allowed.0 - (sum.0 - asked.0)).max(0));
            let requested = content.requested_amount.and_then(|amount| amount.times_ratio(left.0, asked.0.max(1)).ok());
            // An invoice has no list: what it is paid by goes with the pieces.
            Cow::Owned(LineContent { quantity: Some(left), requested_amount: requested, ..content.clone() })
        }
        Share::Hours { asked, sum, allowed } if sum > allowed => {
            let left = Hours((allowed.0 - (sum.0 - asked.0)).max(0));
            let additional = content.additional_hours.unwrap_or(Hours::ZERO);
            let standard = Hours((asked.0 - additional.0).max(0)).min(left);
            Cow::Owned(LineContent {
                hours: Some(standard),
                additional_hours: Some(Hours(left.0 - standard.0)),
                ..content.clone()
            })
        }
        Share::Pieces { .. } | Share::Hours { .. } | Share::Outside | Share::Unknown => Cow::Borrowed(content),
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;
    use crate::catalog::campaign::tests::recall;
    use crate::catalog::{ExemptReason, Exemption, RemedyOperation, RemedyPart, ScopeFilter};
    use crate::claims::sample::{added, cny, code, day, draft, facts, header, labor_line, part_line};
    use crate::claims::{Header, LineInput, pricing};

    /// The sample's claim under the recall `R-1`, which reaches its vehicle.
    pub(crate) fn under_recall() -> (Claim, Facts) {
        with_lines(vec![part_line(), labor_line()])
    }

    fn with_lines(lines: Vec<LineContent>) -> (Claim, Facts) {
        let lines: Vec<LineInput> = lines.into_iter().map(added).collect();
        let claim = draft().update(Header { campaign: Some(code("R-1")), ..header() }, lines).unwrap();
        let mut facts = facts();
        let model = facts.vehicle.as_ref().unwrap().model.clone();
        let scope = Some(ScopeFilter { models: vec![model], ..ScopeFilter::default() });
        facts.campaigns = vec![CampaignFact { campaign: Campaign { scope, ..recall("R-1") }, vehicle: None }];
        (claim, facts)
    }

    fn computed(claim: &Claim, facts: &Facts) -> Vec<crate::money::Money> {
        let mut claim = claim.clone();
        pricing::price(&mut claim, facts);
        claim.lines.iter().map(|line| line.pricing.as_ref().unwrap().computed.unwrap()).collect()
    }

    #[test]
    fn a_campaign_covers_what_it_reaches_while_it_lasts() {
        let (claim, facts) = under_recall();
        assert!(claim.covering_campaign(&facts).is_some());
        assert_eq!(claim.chosen_remedy(&facts).unwrap().id, code("A"));
        let with = |change: &dyn Fn(&mut CampaignFact)| {
            let mut facts = facts.clone();
            change(&mut facts.campaigns[0]);
            claim.covering_campaign(&facts).is_some()
        };
        assert!(!with(&|fact| fact.campaign.scope = None));
        assert!(!with(&|fact| fact.campaign.valid_from = day("2026-11-11")), "the drop-off was on the 10th");
        assert!(!with(&|fact| fact.campaign.code = code("R-2")));
        let vin = facts.vehicle.as_ref().unwrap().vin.clone();
        let row = CampaignVehicle::open(code("R-1"), vin, true);
        let exempt = Exemption { reason: ExemptReason::Exported, note: String::new() };
        let exempt = row.clone().exempt(exempt).unwrap();
        assert!(with(&|fact| (fact.campaign.scope, fact.vehicle) = (None, Some(row.clone()))), "on the list");
        assert!(!with(&|fact| fact.vehicle = Some(exempt.clone())));
        let mut rescue = claim.clone();
        rescue.kind = Kind::RoadsideRescue;
        assert!(rescue.covering_campaign(&facts).is_none());
    }

    #[test]
    fn of_several_remedies_the_one_is_chosen_that_has_most_of_the_work() {
        let (claim, mut facts) = under_recall();
        let mut other = facts.campaigns[0].campaign.remedies[0].clone();
        other.id = code("B");
        other.operations.clear();
        facts.campaigns[0].campaign.remedies.insert(0, other.clone());
        assert_eq!(claim.chosen_remedy(&facts).unwrap().id, code("A"));
        other.id = code("C");
        other.operations = vec![RemedyOperation { operation: code("OP-10"), hours: Hours(1) }];
        other.models = vec![code("OTHER")];
        facts.campaigns[0].campaign.remedies.insert(0, other);
        assert_eq!(claim.chosen_remedy(&facts).unwrap().id, code("A"), "for another model");
        facts.campaigns[0].campaign.remedies.truncate(1);
        assert_eq!(claim.chosen_remedy(&facts), None);
    }

    #[test]
    fn a_remedy_pays_its_pieces_and_hours_and_no_more() {
        let two = LineContent { quantity: Some(Quantity(2_000)), ..part_line() };
        let (claim, mut facts) = with_lines(vec![two.clone(), part_line(), labor_line(), labor_line()]);
        // 500.00 a piece; 80.00 an hour, 1.20 hours.
        assert_eq!(computed(&claim, &facts), [cny("500"), cny("0"), cny("96"), cny("0")]);
        facts.campaigns[0].campaign.remedies[0].parts =
            vec![RemedyPart { part: code("P-100"), quantity: Quantity(3_000) }];
        facts.campaigns[0].campaign.remedies[0].operations[0].hours = Hours(200);
        assert_eq!(computed(&claim, &facts), [cny("1000"), cny("500"), cny("96"), cny("64")]);
        let more = LineContent {
            additional_hours: Some(Hours(100)),
            additional_hours_comment: "rust".to_owned(),
            ..labor_line()
        };
        let (claim, facts) = with_lines(vec![more]);
        assert_eq!(computed(&claim, &facts), [cny("96")], "additional hours are the remedy's too");
    }

    #[test]
    fn work_outside_of_the_remedy_is_priced_as_it_stands() {
        let (mut claim, facts) = under_recall();
        claim.header.campaign = None;
        let without = computed(&claim, &facts);
        claim.header.campaign = Some(code("R-1"));
        assert_eq!(computed(&claim, &facts), without);
        let remedy = claim.chosen_remedy(&facts).unwrap();
        assert_eq!(
            share(&claim, 0, &facts, remedy),
            Share::Pieces { asked: Quantity(1_000), sum: Quantity(1_000), allowed: Quantity(1_000) }
        );
        claim.lines[0].content.part = Some(code("P-200"));
        assert_eq!(share(&claim, 0, &facts, remedy), Share::Outside);
        claim.lines[0].content.part = None;
        assert_eq!(share(&claim, 0, &facts, remedy), Share::Unknown);
    }
}
