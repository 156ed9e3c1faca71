//! What only one kind of claim says.

use recourse_domain::claims::{self as domain, Details};
use recourse_proto::v1;

use super::{in_kilometers, kilometers, part};
use crate::convert::authorizations::{read_action, show_action};
use crate::convert::{Reader, date, money, optional_text, quantity, text, timestamp};

pub(super) fn show_details(details: &Details) -> v1::claim::Details {
    match details {
        Details::WarrantyRepair(d) => v1::claim::Details::WarrantyRepair(v1::WarrantyRepairDetails {
            failure_date: d.failure_date.and_then(date),
            immobilized: d.immobilized,
            towed_in: d.towed_in,
            part_installed_date: d.part_installed_date.and_then(date),
            part_installed_odometer: d.part_installed_odometer_km.and_then(kilometers),
            goodwill_request: d.goodwill_request.clone(),
        }),
        Details::RunningInMaintenance(d) => v1::claim::Details::RunningIn(v1::RunningInDetails {
            entitlement: text(d.entitlement.as_ref()),
            card_number: text(d.card_number.as_ref()),
            sequence: d.sequence.unwrap_or_default(),
            checks: d.checks.clone(),
        }),
        Details::RoadsideRescue(d) => v1::claim::Details::RoadsideRescue(v1::RoadsideRescueDetails {
            call_time: d.call_time.and_then(timestamp),
            location: d.location.clone(),
            advice_before_dispatch: d.advice_before_dispatch.clone(),
            trips: d.trips.iter().map(show_trip).collect(),
            towing_distance: d.towing_distance_km.and_then(kilometers),
        }),
        Details::ExternalPurchase(d) => v1::claim::Details::ExternalPurchase(v1::ExternalPurchaseDetails {
            vendor_name: d.vendor_name.clone(),
            limit_amount: d.limit_amount.and_then(money),
            limit_quantity: d.limit_quantity.and_then(quantity),
            needed_by: d.needed_by.and_then(date),
            reason: d.reason.clone(),
            quotation: text(d.quotation.as_ref()),
            stock_out_proof: text(d.stock_out_proof.as_ref()),
        }),
        Details::MajorAssembly(d) => v1::claim::Details::MajorAssembly(v1::MajorAssemblyDetails {
            assembly: d.assembly.as_ref().map(part).unwrap_or_default(),
            assembly_serial_number: text(d.assembly_serial_number.as_ref()),
            reason: d.reason.clone(),
            measurements: d.measurements.clone(),
            limit_amount: d.limit_amount.and_then(money),
            action: d.action.map(show_action).unwrap_or_default().into(),
        }),
        Details::CompensationAppraisal(d) => {
            v1::claim::Details::CompensationAppraisal(v1::CompensationAppraisalDetails {
                incident_date: d.incident_date.and_then(date),
                location: d.location.clone(),
                damage_description: d.damage_description.clone(),
                asked_amount: d.asked_amount.and_then(money),
                injury: d.injury,
            })
        }
    }
}

pub(super) fn show_trip(trip: &domain::RescueTrip) -> v1::RescueTrip {
    v1::RescueTrip {
        number: trip.number,
        depart_time: trip.depart_time.and_then(timestamp),
        arrive_time: trip.arrive_time.and_then(timestamp),
        return_time: trip.return_time.and_then(timestamp),
        out_distance: trip.out_distance_km.and_then(kilometers),
        night: trip.night,
        staff_count: trip.staff_count,
        hired_vehicle: trip.hired_vehicle,
        reason: trip.reason.clone(),
        shared_with: text(trip.shared_with.as_ref()),
        track: text(trip.track.as_ref()),
        map_distance: trip.map_distance_km.and_then(kilometers),
        verified_distance: trip.verified_meters.map(|meters| (meters + 500) / 1_000).and_then(kilometers),
    }
}

pub(super) fn read_details(reader: &mut Reader, details: &v1::claim::Details) -> Details {
    match details {
        v1::claim::Details::WarrantyRepair(d) => Details::WarrantyRepair(domain::WarrantyRepairDetails {
            failure_date: reader.date("warranty_repair.failure_date", d.failure_date.as_ref()),
            immobilized: d.immobilized,
            towed_in: d.towed_in,
            part_installed_date: reader.date("warranty_repair.part_installed_date", d.part_installed_date.as_ref()),
            part_installed_odometer_km: d.part_installed_odometer.as_ref().map(in_kilometers),
            goodwill_request: d.goodwill_request.clone(),
        }),
        v1::claim::Details::RunningIn(d) => Details::RunningInMaintenance(domain::RunningInDetails {
            entitlement: optional_text(&d.entitlement),
            card_number: optional_text(&d.card_number),
            sequence: (d.sequence != 0).then_some(d.sequence),
            checks: d.checks.clone(),
        }),
        v1::claim::Details::RoadsideRescue(d) => Details::RoadsideRescue(domain::RoadsideRescueDetails {
            call_time: reader.instant("roadside_rescue.call_time", d.call_time.as_ref()),
            location: d.location.clone(),
            advice_before_dispatch: d.advice_before_dispatch.clone(),
            trips: d.trips.iter().enumerate().map(|(index, trip)| read_trip(reader, index, trip)).collect(),
            towing_distance_km: d.towing_distance.as_ref().map(in_kilometers),
        }),
        v1::claim::Details::ExternalPurchase(d) => Details::ExternalPurchase(domain::ExternalPurchaseDetails {
            vendor_name: d.vendor_name.clone(),
            limit_amount: reader.money("external_purchase.limit_amount", d.limit_amount.as_ref()),
            limit_quantity: reader.quantity("external_purchase.limit_quantity", d.limit_quantity.as_ref()),
            needed_by: reader.date("external_purchase.needed_by", d.needed_by.as_ref()),
            reason: d.reason.clone(),
            quotation: optional_text(&d.quotation),
            stock_out_proof: optional_text(&d.stock_out_proof),
        }),
        v1::claim::Details::MajorAssembly(d) => Details::MajorAssembly(domain::MajorAssemblyDetails {
            assembly: reader.named("major_assembly.assembly", "parts", &d.assembly),
            assembly_serial_number: optional_text(&d.assembly_serial_number),
            reason: d.reason.clone(),
            measurements: d.measurements.clone(),
            limit_amount: reader.money("major_assembly.limit_amount", d.limit_amount.as_ref()),
            action: reader.optional_choice("major_assembly.action", d.action, read_action),
        }),
        v1::claim::Details::CompensationAppraisal(d) => {
            Details::CompensationAppraisal(domain::CompensationAppraisalDetails {
                incident_date: reader.date("compensation_appraisal.incident_date", d.incident_date.as_ref()),
                location: d.location.clone(),
                damage_description: d.damage_description.clone(),
                asked_amount: reader.money("compensation_appraisal.asked_amount", d.asked_amount.as_ref()),
                injury: d.injury,
            })
        }
    }
}

pub(super) fn read_trip(reader: &mut Reader, index: usize, trip: &v1::RescueTrip) -> domain::RescueTrip {
    let at = |field: &str| format!("roadside_rescue.trips[{index}].{field}");
    domain::RescueTrip {
        number: trip.number,
        depart_time: reader.instant(&at("depart_time"), trip.depart_time.as_ref()),
        arrive_time: reader.instant(&at("arrive_time"), trip.arrive_time.as_ref()),
        return_time: reader.instant(&at("return_time"), trip.return_time.as_ref()),
        out_distance_km: trip.out_distance.as_ref().map(in_kilometers),
        night: trip.night,
        staff_count: trip.staff_count,
        hired_vehicle: trip.hired_vehicle,
        reason: trip.reason.clone(),
        shared_with: optional_text(&trip.shared_with),
        track: optional_text(&trip.track),
        map_distance_km: trip.map_distance.as_ref().map(in_kilometers),
        // What the track verifies is found at submission, never taken from the caller.
        verified_meters: None,
    }
}
