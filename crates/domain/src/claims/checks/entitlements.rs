//! The entitlement of a maintenance after running-in: there is one, nobody else claims it, it is in time.

use super::{at, positions};
use crate::claims::finding::Code;
use crate::claims::{Claim, EntitlementChoice, Facts, Finding, Kind, LineType};
use crate::entitlements::{EntitlementState, ServiceEntitlement, services_of};
use crate::text::Text;

const FIELD: &str = "running_in.sequence";

pub(super) fn check(claim: &Claim, facts: &Facts) -> Vec<Finding> {
    match claim.kind {
        Kind::RunningInMaintenance => {}
        Kind::WarrantyRepair
        | Kind::CompensationAppraisal
        | Kind::RoadsideRescue
        | Kind::ExternalPurchase
        | Kind::MajorAssembly => return Vec::new(),
    }
    // Without a choice the form says what is missing, without a vehicle its own check does.
    if facts.vehicle.is_none() || !claim.kind.spec().missing_details(claim.header.details.as_ref()).is_empty() {
        return Vec::new();
    }
    let mut findings = second_fees(claim);
    match claim.entitlement(facts) {
        EntitlementChoice::Missing => {
            let why = Text::new("the policy of this vehicle gives none of this number", "该车的政策没有此次免费保养");
            findings.push(not_usable(&why));
        }
        EntitlementChoice::Issued(issued) => {
            findings.extend(stands(claim, issued));
            let window = (issued.from_km, issued.to_km, issued.last_day);
            findings.extend(window_of(claim, issued.sequence, issued.first_day, window));
            findings.extend(sequence(claim, issued.sequence, facts));
        }
        EntitlementChoice::OfPolicy { service, warranty_start, .. } => {
            let months = u32::try_from(service.months).unwrap_or(0);
            let last_day = crate::dates::plus_months(warranty_start, months);
            let window = (service.from_km, service.to_km, last_day);
            findings.extend(window_of(claim, service.sequence, warranty_start, window));
            findings.extend(sequence(claim, service.sequence, facts));
        }
    }
    findings
}

/// One entitlement pays one fee.
fn second_fees(claim: &Claim) -> Vec<Finding> {
    let fees = positions(claim).filter(|(_, line)| line.content.line_type == LineType::MaintenanceFee);
    let second = fees.skip(1).map(|(position, line)| {
        Finding::error(Code::FreeServiceLimit, at(position, "type")).on_line(line.number).with("sequence", 1)
    });
    second.collect()
}

/// A second claim of one service is refused, whoever makes it.
fn stands(claim: &Claim, issued: &ServiceEntitlement) -> Option<Finding> {
    match &issued.state {
        EntitlementState::Issued | EntitlementState::Released => None,
        EntitlementState::Reserved(holder) | EntitlementState::Used(holder) if holder.claim == claim.id => None,
        EntitlementState::Reserved(_) | EntitlementState::Used(_) => {
            Some(Finding::error(Code::FreeServiceLimit, FIELD).with("sequence", issued.sequence))
        }
        EntitlementState::Expired => Some(not_usable(&Text::new(
            format!("its window ended on {}, and so did the time to claim it", issued.last_day),
            format!("期限已于 {} 届满，申报时限亦已过", issued.last_day),
        ))),
        EntitlementState::Void => Some(not_usable(&Text::new("it was taken back", "该权益已作废"))),
    }
}

fn not_usable(why: &Text) -> Finding {
    Finding::error(Code::EntitlementNotUsable, FIELD).with("reason_en", &why.en).with("reason_zh", &why.zh_cn)
}

/// Days and kilometres count at the drop-off.
fn window_of(
    claim: &Claim,
    sequence: i32,
    first_day: chrono::NaiveDate,
    (from_km, to_km, last_day): (i64, i64, chrono::NaiveDate),
) -> Option<Finding> {
    let (date, km) = (claim.header.complaint_date?, claim.header.odometer_in_km?);
    let within = (first_day..=last_day).contains(&date) && (from_km..=to_km).contains(&km);
    (!within).then(|| {
        Finding::warning(Code::OutsideServiceWindow, "odometer_in")
            .with("sequence", sequence)
            .with("from_km", from_km)
            .with("to_km", to_km)
            .with("last_day", last_day)
            .with("date", date)
            .with("odometer_km", km)
    })
}

/// An earlier service that nobody claimed here, or a later one that somebody did. It is told and never
/// refused: where a vehicle is maintained is its owner's choice.
fn sequence(claim: &Claim, sequence: i32, facts: &Facts) -> Option<Finding> {
    let date = claim.header.complaint_date.unwrap_or(facts.today);
    let vehicle = facts.vehicle.as_ref()?;
    let start = vehicle.sale_on(date)?.warranty_start();
    let (_, services) = services_of(vehicle, &facts.policies, date)?;
    let claimed = |number: i32| {
        let of_this = |one: &&ServiceEntitlement| one.sequence == number && one.first_day == start;
        facts.entitlements.iter().filter(of_this).any(|one| one.state.holder().is_some())
    };
    let others: Vec<String> = services
        .iter()
        .filter_map(|service| match service.sequence {
            earlier if earlier < sequence && !claimed(earlier) => Some(format!("{earlier} NOT CLAIMED")),
            later if later > sequence && claimed(later) => Some(format!("{later} CLAIMED")),
            _ => None,
        })
        .collect();
    (!others.is_empty()).then(|| {
        Finding::warning(Code::ServiceSequence, FIELD).with("sequence", sequence).with("others", others.join(", "))
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::catalog::RunningInService;
    use crate::claims::draft::NewClaim;
    use crate::claims::sample::{STATION, added, cny, code, day, facts, header, new_claim};
    use crate::claims::{Details, Header, LineContent, RunningInDetails, pricing};
    use crate::entitlements::Holder;
    use crate::ids::{ClaimId, EntitlementId};
    use uuid::Uuid;

    fn service(sequence: i32, from_km: i64, to_km: i64, months: i32) -> RunningInService {
        RunningInService { sequence, from_km, to_km, months, fee: cny("180") }
    }

    /// The sample's vehicle was sold on 2025-06-01; it is serviced on 2026-11-10 at 20,000 km.
    fn with_services() -> Facts {
        let mut facts = facts();
        facts.policies[0].running_in_services =
            vec![service(1, 1_000, 5_000, 6), service(2, 15_000, 25_000, 18), service(3, 30_000, 40_000, 24)];
        facts
    }

    fn issued(sequence: i32, state: EntitlementState) -> ServiceEntitlement {
        ServiceEntitlement {
            id: EntitlementId(Uuid::from_u128(0xe0 + u128::try_from(sequence).unwrap())),
            card_number: format!("SC-2506-{sequence}"),
            vin: "LSVAM4186C2184841".to_owned(),
            sequence,
            policy: Some(code("BASE-2025.1")),
            from_km: 15_000,
            to_km: 25_000,
            first_day: day("2025-06-01"),
            last_day: day("2026-12-01"),
            fee: cny("180"),
            state,
            reason: String::new(),
            external_ref: String::new(),
        }
    }

    fn maintenance(sequence: i32, fees: usize) -> Claim {
        let details = RunningInDetails { sequence: Some(sequence), ..RunningInDetails::default() };
        let header = Header { details: Some(Details::RunningInMaintenance(details)), ..header() };
        let lines = (0..fees).map(|_| added(LineContent::new(LineType::MaintenanceFee))).collect();
        Claim::create(NewClaim { kind: Kind::RunningInMaintenance, ..new_claim() }, header, lines).unwrap()
    }

    fn found(claim: &Claim, facts: &Facts) -> Vec<(Code, bool)> {
        check(claim, facts).into_iter().map(|finding| (finding.code, finding.blocks())).collect()
    }

    fn other() -> Holder {
        Holder { claim: ClaimId(Uuid::from_u128(77)), station: STATION }
    }

    #[test]
    fn the_policy_pays_its_fee_for_a_service_in_time() {
        let mut facts = with_services();
        facts.entitlements = vec![issued(1, EntitlementState::Used(other()))];
        let mut claim = maintenance(2, 1);
        assert_eq!(found(&claim, &facts), []);
        pricing::price(&mut claim, &facts);
        let pricing = claim.lines[0].pricing.clone().unwrap();
        assert_eq!((pricing.computed, pricing.requested), (Some(cny("180")), cny("180")));
        assert_eq!(pricing.source.unwrap().list.as_deref(), Some("warrantyPolicies/BASE-2025.1"));
    }

    #[test]
    fn a_second_claim_of_one_service_is_refused() {
        let mut facts = with_services();
        for state in [EntitlementState::Reserved(other()), EntitlementState::Used(other())] {
            facts.entitlements = vec![issued(1, EntitlementState::Used(other())), issued(2, state)];
            assert_eq!(found(&maintenance(2, 1), &facts), [(Code::FreeServiceLimit, true)]);
        }
        let own = Holder { claim: maintenance(2, 1).id, station: STATION };
        facts.entitlements =
            vec![issued(1, EntitlementState::Used(other())), issued(2, EntitlementState::Reserved(own))];
        assert_eq!(found(&maintenance(2, 1), &facts), [], "the claim itself holds it");
        facts.entitlements = vec![issued(1, EntitlementState::Used(other())), issued(2, EntitlementState::Released)];
        assert_eq!(found(&maintenance(2, 1), &facts), []);
        assert_eq!(found(&maintenance(2, 2), &facts), [(Code::FreeServiceLimit, true)], "one fee");
    }

    #[test]
    fn a_service_that_nobody_gave_is_refused_and_one_out_of_time_is_told() {
        let facts = with_services();
        assert_eq!(found(&maintenance(4, 1), &facts), [(Code::EntitlementNotUsable, true)]);
        assert_eq!(
            found(&maintenance(3, 1), &facts),
            [(Code::OutsideServiceWindow, false), (Code::ServiceSequence, false)]
        );
        let mut facts = with_services();
        for state in [EntitlementState::Expired, EntitlementState::Void] {
            facts.entitlements = vec![issued(2, state)];
            let mut claim = maintenance(2, 1);
            claim.header.details = Some(Details::RunningInMaintenance(RunningInDetails {
                card_number: Some("sc-2506-2".to_owned()),
                ..RunningInDetails::default()
            }));
            assert_eq!(found(&claim, &facts)[0], (Code::EntitlementNotUsable, true));
        }
    }

    #[test]
    fn the_window_has_its_last_day_and_its_last_kilometre() {
        let mut facts = with_services();
        facts.entitlements = vec![issued(1, EntitlementState::Used(other())), issued(2, EntitlementState::Issued)];
        for (date, km, outside) in [
            ("2025-06-01", 15_000, false),
            ("2026-12-01", 25_000, false),
            ("2025-05-31", 15_000, true),
            ("2026-12-02", 25_000, true),
            ("2026-12-01", 25_001, true),
            ("2026-12-01", 14_999, true),
        ] {
            let mut claim = maintenance(2, 1);
            (claim.header.complaint_date, claim.header.odometer_in_km) = (Some(day(date)), Some(km));
            let told = found(&claim, &facts).contains(&(Code::OutsideServiceWindow, false));
            assert_eq!(told, outside, "{date} at {km} km");
        }
    }

    #[test]
    fn maintenance_elsewhere_is_a_warning_and_never_an_error() {
        assert_eq!(found(&maintenance(2, 1), &with_services()), [(Code::ServiceSequence, false)]);
    }
}
