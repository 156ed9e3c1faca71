//! A repair under warranty: the most common claim. Everything about the failure is needed.

use super::{Details, Effect, RequiredField, Spec};
use crate::claims::line::LineType;

/// A repair under warranty: the most common claim. Everything about the failure is needed.
pub(super) struct WarrantyRepair;

impl Spec for WarrantyRepair {
    fn code(&self) -> &'static str {
        "WARRANTY_REPAIR"
    }

    fn prefix(&self) -> &'static str {
        "WR"
    }

    fn required(&self) -> &'static [RequiredField] {
        &[
            RequiredField::Vin,
            RequiredField::ComplaintDescription,
            RequiredField::CauseDescription,
            RequiredField::CorrectionDescription,
            RequiredField::FailureCode,
            RequiredField::CausalPart,
            RequiredField::OdometerIn,
            RequiredField::ComplaintDate,
            RequiredField::RepairCompletionDate,
            RequiredField::Lines,
        ]
    }

    fn missing_details(&self, _details: Option<&Details>) -> Vec<String> {
        Vec::new()
    }

    fn line_types(&self) -> &'static [LineType] {
        &[
            LineType::Part,
            LineType::Labor,
            LineType::Diagnosis,
            LineType::ExternalPart,
            LineType::Sublet,
            LineType::Towing,
            LineType::CourtesyCar,
            LineType::Freight,
        ]
    }

    fn returnable(&self) -> bool {
        true
    }

    fn effect(&self) -> Effect {
        Effect::Pays
    }
}
