//! Asks leave to replace a major assembly. Approved, it is an authorisation and pays nothing itself.

use super::{Effect, RequiredField, Spec};
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

    fn offered(&self) -> bool {
        false
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
