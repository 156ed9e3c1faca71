//! The maintenance after running-in, free for the customer: a fixed fee for an entitlement.

use super::{Effect, RequiredField, Spec};
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

    fn offered(&self) -> bool {
        false
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
