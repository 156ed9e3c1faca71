//! Damage to be appraised and compensated.

use super::{Effect, RequiredField, Spec};
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

    fn offered(&self) -> bool {
        false
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
