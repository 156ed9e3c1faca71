//! The maintenance after running-in, free for the customer: a fixed fee for an entitlement.

use super::{Details, Effect, RequiredField, Spec, missing};
use crate::claims::line::LineType;

/// The maintenance after running-in, free for the customer: a fixed fee for an entitlement.
pub(super) struct RunningIn;

impl Spec for RunningIn {
    fn code(&self) -> &'static str {
        "RUNNING_IN_MAINTENANCE"
    }

    fn prefix(&self) -> &'static str {
        "RI"
    }

    fn required(&self) -> &'static [RequiredField] {
        &[
            RequiredField::Vin,
            RequiredField::OdometerIn,
            RequiredField::ComplaintDate,
            RequiredField::RepairCompletionDate,
            RequiredField::Lines,
        ]
    }

    /// The entitlement, by any of its names.
    fn missing_details(&self, details: Option<&Details>) -> Vec<String> {
        let named = match details {
            Some(Details::RunningInMaintenance(details)) => {
                details.entitlement.is_some() || details.card_number.is_some() || details.sequence.is_some()
            }
            Some(
                Details::WarrantyRepair(_)
                | Details::RoadsideRescue(_)
                | Details::ExternalPurchase(_)
                | Details::MajorAssembly(_)
                | Details::CompensationAppraisal(_),
            )
            | None => false,
        };
        missing(&[("running_in.sequence", !named)])
    }

    fn line_types(&self) -> &'static [LineType] {
        &[LineType::MaintenanceFee]
    }

    fn returnable(&self) -> bool {
        false
    }

    fn effect(&self) -> Effect {
        Effect::Pays
    }
}
