//! Damage to be appraised and compensated.

use super::{Details, Effect, RequiredField, Spec, missing};
use crate::claims::line::LineType;

/// Damage to be appraised and compensated.
pub(super) struct CompensationAppraisal;

impl Spec for CompensationAppraisal {
    fn code(&self) -> &'static str {
        "COMPENSATION_APPRAISAL"
    }

    fn prefix(&self) -> &'static str {
        "CA"
    }

    fn required(&self) -> &'static [RequiredField] {
        &[
            RequiredField::Vin,
            RequiredField::ComplaintDescription,
            RequiredField::OdometerIn,
            RequiredField::ComplaintDate,
            RequiredField::Lines,
        ]
    }

    fn missing_details(&self, details: Option<&Details>) -> Vec<String> {
        let details = match details {
            Some(Details::CompensationAppraisal(details)) => details,
            Some(
                Details::WarrantyRepair(_)
                | Details::RunningInMaintenance(_)
                | Details::RoadsideRescue(_)
                | Details::ExternalPurchase(_)
                | Details::MajorAssembly(_),
            )
            | None => return missing(&[("compensation_appraisal", true)]),
        };
        missing(&[
            ("compensation_appraisal.incident_date", details.incident_date.is_none()),
            ("compensation_appraisal.damage_description", details.damage_description.trim().is_empty()),
        ])
    }

    fn line_types(&self) -> &'static [LineType] {
        &[
            LineType::Part,
            LineType::Labor,
            LineType::Diagnosis,
            LineType::Sublet,
            LineType::Towing,
            LineType::CourtesyCar,
            LineType::Freight,
            LineType::Allowance,
        ]
    }

    fn returnable(&self) -> bool {
        true
    }

    fn effect(&self) -> Effect {
        Effect::Pays
    }
}
