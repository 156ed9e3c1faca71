//! Help on the road: trips by the tariff, towing by invoice.

use super::{Effect, RequiredField, Spec};
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

    fn offered(&self) -> bool {
        false
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
