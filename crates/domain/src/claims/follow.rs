//! What a claim draws on beside the catalogue: authorisations, an entitlement, recorded tracks.

use std::collections::BTreeSet;

use chrono::NaiveDate;

use super::{Claim, Details, Facts, Kind, RescueTrip, RunningInDetails};
use crate::catalog::{RunningInService, WarrantyPolicy};
use crate::entitlements::{EntitlementState, ServiceEntitlement, services_of};

/// The entitlement that a maintenance after running-in uses.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum EntitlementChoice<'f> {
    /// One that was issued.
    Issued(&'f ServiceEntitlement),
    /// One that the vehicle's policy gives and that was never issued, as for vehicles that came from another
    /// system with their sale.
    OfPolicy {
        /// The version that gives it.
        policy: &'f WarrantyPolicy,
        /// The service.
        service: &'f RunningInService,
        /// The day on which the vehicle's warranty began.
        warranty_start: NaiveDate,
    },
    /// None.
    Missing,
}

impl Claim {
    /// The authorisations that its lines name, as they are written.
    pub fn named_authorizations(&self) -> BTreeSet<&str> {
        self.lines.iter().filter_map(|line| line.content.authorization.as_deref()).collect()
    }

    /// The trips of a rescue; none for other kinds.
    pub fn trips(&self) -> &[RescueTrip] {
        match &self.header.details {
            Some(Details::RoadsideRescue(details)) => &details.trips,
            Some(
                Details::WarrantyRepair(_)
                | Details::RunningInMaintenance(_)
                | Details::ExternalPurchase(_)
                | Details::MajorAssembly(_)
                | Details::CompensationAppraisal(_),
            )
            | None => &[],
        }
    }

    /// The entitlement that it uses: by name, by card, or the vehicle's own of that number.
    pub fn entitlement<'f>(&self, facts: &'f Facts) -> EntitlementChoice<'f> {
        let Some(details) = self.running_in() else { return EntitlementChoice::Missing };
        let all = || facts.entitlements.iter();
        let named = details.entitlement.as_deref();
        if let Some(name) = named {
            return all().find(|one| one.name() == name).map_or(EntitlementChoice::Missing, EntitlementChoice::Issued);
        }
        if let Some(card) = details.card_number.as_deref() {
            let of_card = all().find(|one| one.card_number.eq_ignore_ascii_case(card));
            // Cards of other systems are as good as the number on them.
            if of_card.is_some() || details.sequence.is_none() {
                return of_card.map_or(EntitlementChoice::Missing, EntitlementChoice::Issued);
            }
        }
        self.by_sequence(details.sequence.unwrap_or_default(), facts)
    }

    fn by_sequence<'f>(&self, sequence: i32, facts: &'f Facts) -> EntitlementChoice<'f> {
        let date = self.header.complaint_date.unwrap_or(facts.today);
        let sale = facts.vehicle.as_ref().and_then(|vehicle| Some((vehicle, vehicle.sale_on(date)?.warranty_start())));
        let issued = facts.entitlements.iter().find(|one| {
            one.sequence == sequence
                && one.state != EntitlementState::Void
                && sale.is_none_or(|(_, start)| one.first_day == start)
        });
        if let Some(issued) = issued {
            return EntitlementChoice::Issued(issued);
        }
        let Some((vehicle, warranty_start)) = sale else { return EntitlementChoice::Missing };
        let given = services_of(vehicle, &facts.policies, date);
        let service = given.and_then(|(policy, services)| {
            services.iter().find(|service| service.sequence == sequence).map(|service| (policy, service))
        });
        match service {
            Some((policy, service)) => EntitlementChoice::OfPolicy { policy, service, warranty_start },
            None => EntitlementChoice::Missing,
        }
    }

    fn running_in(&self) -> Option<&RunningInDetails> {
        match (self.kind, &self.header.details) {
            (Kind::RunningInMaintenance, Some(Details::RunningInMaintenance(details))) => Some(details),
            (
                Kind::RunningInMaintenance
                | Kind::WarrantyRepair
                | Kind::CompensationAppraisal
                | Kind::RoadsideRescue
                | Kind::ExternalPurchase
                | Kind::MajorAssembly,
                _,
            ) => None,
        }
    }

    /// Notes what the recorded tracks verify. Points are deleted some day; the distance stays.
    pub(super) fn note_tracks(&mut self, facts: &Facts) {
        let Some(Details::RoadsideRescue(details)) = &mut self.header.details else { return };
        for trip in &mut details.trips {
            if let Some(track) = facts.tracks.get(&trip.number) {
                trip.verified_meters = Some(track.meters);
            }
        }
    }
}
