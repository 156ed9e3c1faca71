//! Asks leave to replace a major assembly. Approved, it is an authorisation and pays nothing itself.

use super::{Details, Effect, RequiredField, Spec, missing};
use crate::claims::line::LineType;

/// Asks leave to replace a major assembly. Approved, it is an authorisation and pays nothing itself.
pub(super) struct MajorAssembly;

impl Spec for MajorAssembly {
    fn code(&self) -> &'static str {
        "MAJOR_ASSEMBLY"
    }

    fn prefix(&self) -> &'static str {
        "MA"
    }

    fn required(&self) -> &'static [RequiredField] {
        &[
            RequiredField::Vin,
            RequiredField::ComplaintDescription,
            RequiredField::CauseDescription,
            RequiredField::FailureCode,
            RequiredField::CausalPart,
            RequiredField::OdometerIn,
            RequiredField::ComplaintDate,
            RequiredField::Lines,
        ]
    }

    fn missing_details(&self, details: Option<&Details>) -> Vec<String> {
        let details = match details {
            Some(Details::MajorAssembly(details)) => details,
            Some(
                Details::WarrantyRepair(_)
                | Details::RunningInMaintenance(_)
                | Details::RoadsideRescue(_)
                | Details::ExternalPurchase(_)
                | Details::CompensationAppraisal(_),
            )
            | None => return missing(&[("major_assembly", true)]),
        };
        missing(&[
            ("major_assembly.assembly", details.assembly.is_none()),
            ("major_assembly.assembly_serial_number", details.assembly_serial_number.is_none()),
            ("major_assembly.reason", details.reason.trim().is_empty()),
            ("major_assembly.action", details.action.is_none()),
        ])
    }

    fn line_types(&self) -> &'static [LineType] {
        &[LineType::Part, LineType::Labor, LineType::Diagnosis]
    }

    fn returnable(&self) -> bool {
        true
    }

    fn effect(&self) -> Effect {
        Effect::Authorizes
    }
}
