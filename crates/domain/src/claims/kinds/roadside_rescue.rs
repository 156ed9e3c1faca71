//! Help on the road: trips by the tariff, towing by invoice.

use super::{Details, Effect, RequiredField, Spec, missing};
use crate::claims::line::LineType;

/// Help on the road: trips by the tariff, towing by invoice.
pub(super) struct RoadsideRescue;

impl Spec for RoadsideRescue {
    fn code(&self) -> &'static str {
        "ROADSIDE_RESCUE"
    }

    fn prefix(&self) -> &'static str {
        "RR"
    }

    fn required(&self) -> &'static [RequiredField] {
        &[
            RequiredField::Vin,
            RequiredField::ComplaintDescription,
            RequiredField::OdometerIn,
            RequiredField::ComplaintDate,
            RequiredField::RepairCompletionDate,
            RequiredField::Lines,
        ]
    }

    /// When the customer called and each trip began; and why anybody went a second time.
    fn missing_details(&self, details: Option<&Details>) -> Vec<String> {
        let details = match details {
            Some(Details::RoadsideRescue(details)) => details,
            Some(
                Details::WarrantyRepair(_)
                | Details::RunningInMaintenance(_)
                | Details::ExternalPurchase(_)
                | Details::MajorAssembly(_)
                | Details::CompensationAppraisal(_),
            )
            | None => return missing(&[("roadside_rescue", true)]),
        };
        let mut found = missing(&[
            ("roadside_rescue.call_time", details.call_time.is_none()),
            ("roadside_rescue.location", details.location.trim().is_empty()),
        ]);
        for (index, trip) in details.trips.iter().enumerate() {
            let at = |field: &str| format!("roadside_rescue.trips[{index}].{field}");
            found.extend(trip.depart_time.is_none().then(|| at("depart_time")));
            found.extend((trip.number > 1 && trip.reason.trim().is_empty()).then(|| at("reason")));
        }
        found
    }

    fn line_types(&self) -> &'static [LineType] {
        &[
            LineType::Part,
            LineType::Labor,
            LineType::Diagnosis,
            LineType::Travel,
            LineType::Towing,
            LineType::CourtesyCar,
            LineType::Allowance,
        ]
    }

    fn returnable(&self) -> bool {
        false
    }

    fn effect(&self) -> Effect {
        Effect::Pays
    }
}
