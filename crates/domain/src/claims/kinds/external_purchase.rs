//! Asks leave to buy a part elsewhere. Approved, it is an authorisation and pays nothing itself.

use super::{Effect, RequiredField, Spec};
use crate::claims::line::LineType;

/// Asks leave to buy a part elsewhere. Approved, it is an authorisation and pays nothing itself.
pub(super) struct ExternalPurchase;

impl Spec for ExternalPurchase {
    fn code(&self) -> &'static str {
        "EXTERNAL_PURCHASE"
    }

    fn prefix(&self) -> &'static str {
        "EP"
    }

    fn offered(&self) -> bool {
        false
    }

    fn required(&self) -> &'static [RequiredField] {
        &[RequiredField::Vin, RequiredField::ComplaintDescription, RequiredField::CausalPart, RequiredField::Lines]
    }

    fn line_types(&self) -> &'static [LineType] {
        &[LineType::ExternalPart]
    }

    fn returnable(&self) -> bool {
        false
    }

    fn effect(&self) -> Effect {
        Effect::Authorizes
    }
}
