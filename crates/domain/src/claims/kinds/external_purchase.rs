//! Asks leave to buy a part elsewhere. Approved, it is an authorisation and pays nothing itself.

use super::{Details, Effect, RequiredField, Spec, missing};
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

    fn required(&self) -> &'static [RequiredField] {
        &[RequiredField::Vin, RequiredField::ComplaintDescription, RequiredField::CausalPart, RequiredField::Lines]
    }

    fn missing_details(&self, details: Option<&Details>) -> Vec<String> {
        let details = match details {
            Some(Details::ExternalPurchase(details)) => details,
            Some(
                Details::WarrantyRepair(_)
                | Details::RunningInMaintenance(_)
                | Details::RoadsideRescue(_)
                | Details::MajorAssembly(_)
                | Details::CompensationAppraisal(_),
            )
            | None => return missing(&[("external_purchase", true)]),
        };
        missing(&[
            ("external_purchase.vendor_name", details.vendor_name.trim().is_empty()),
            ("external_purchase.limit_amount", details.limit_amount.is_none()),
            ("external_purchase.reason", details.reason.trim().is_empty()),
        ])
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
