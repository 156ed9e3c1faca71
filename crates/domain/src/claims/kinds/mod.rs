//! The kinds of claim. They share header, lines, life, review and settlement; a kind answers only what
//! differs.

mod compensation_appraisal;
mod external_purchase;
mod major_assembly;
mod roadside_rescue;
mod running_in;
mod warranty_repair;

use serde::{Deserialize, Serialize};

use super::header::{Details, Header};
use super::line::LineType;

/// What is claimed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum Kind {
    /// A repair under warranty.
    WarrantyRepair,
    /// The maintenance after running-in.
    RunningInMaintenance,
    /// Damage to be appraised and compensated.
    CompensationAppraisal,
    /// Help on the road.
    RoadsideRescue,
    /// Leave to buy a part elsewhere.
    ExternalPurchase,
    /// Leave to replace a major assembly.
    MajorAssembly,
}

impl Kind {
    /// Every kind.
    pub const ALL: [Kind; 6] = [
        Kind::WarrantyRepair,
        Kind::RunningInMaintenance,
        Kind::CompensationAppraisal,
        Kind::RoadsideRescue,
        Kind::ExternalPurchase,
        Kind::MajorAssembly,
    ];

    /// What differs for this kind.
    pub fn spec(self) -> &'static dyn Spec {
        match self {
            Kind::WarrantyRepair => &warranty_repair::WarrantyRepair,
            Kind::RunningInMaintenance => &running_in::RunningIn,
            Kind::CompensationAppraisal => &compensation_appraisal::CompensationAppraisal,
            Kind::RoadsideRescue => &roadside_rescue::RoadsideRescue,
            Kind::ExternalPurchase => &external_purchase::ExternalPurchase,
            Kind::MajorAssembly => &major_assembly::MajorAssembly,
        }
    }

    /// The word of the kind.
    pub fn word(self) -> &'static str {
        self.spec().code()
    }

    /// The kind of a word, if there is one.
    pub fn from_word(word: &str) -> Option<Kind> {
        Kind::ALL.into_iter().find(|kind| kind.word() == word)
    }
}

/// What differs between the kinds of claim.
pub trait Spec: Sync {
    /// The word of the kind in documents and on the wire.
    fn code(&self) -> &'static str;

    /// The letters in front of a claim's number.
    fn prefix(&self) -> &'static str;

    /// Fields of the header that a submission needs.
    fn required(&self) -> &'static [RequiredField];

    /// Fields of its details that a submission needs and that are empty, as paths of the contract.
    fn missing_details(&self, details: Option<&Details>) -> Vec<String>;

    /// Types of line that it may have.
    fn line_types(&self) -> &'static [LineType];

    /// Whether an auditor may return it for correction. The default of the trade; a policy may differ.
    fn returnable(&self) -> bool;

    /// What an approval does.
    fn effect(&self) -> Effect;
}

/// Puts the paths of what is missing into a list.
fn missing(fields: &[(&str, bool)]) -> Vec<String> {
    fields.iter().filter(|(_, is_missing)| *is_missing).map(|(path, _)| (*path).to_owned()).collect()
}

/// What the approval of a claim does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Effect {
    /// The station is paid.
    Pays,
    /// The station may do something; nothing is paid.
    Authorizes,
}

/// A field of the header that a kind may need.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RequiredField {
    /// The vehicle.
    Vin,
    /// The complaint in words.
    ComplaintDescription,
    /// The cause in words.
    CauseDescription,
    /// The correction in words.
    CorrectionDescription,
    /// The code of the failure.
    FailureCode,
    /// The causal part.
    CausalPart,
    /// The odometer at drop-off.
    OdometerIn,
    /// The day of the drop-off.
    ComplaintDate,
    /// The day of completion.
    RepairCompletionDate,
    /// At least one line.
    Lines,
}

impl RequiredField {
    /// Path of the field in the contract.
    pub fn path(self) -> &'static str {
        match self {
            RequiredField::Vin => "vin",
            RequiredField::ComplaintDescription => "complaint_description",
            RequiredField::CauseDescription => "cause_description",
            RequiredField::CorrectionDescription => "correction_description",
            RequiredField::FailureCode => "failure_code",
            RequiredField::CausalPart => "causal_part",
            RequiredField::OdometerIn => "odometer_in",
            RequiredField::ComplaintDate => "complaint_date",
            RequiredField::RepairCompletionDate => "repair_completion_date",
            RequiredField::Lines => "lines",
        }
    }

    /// Whether it is empty.
    pub fn is_missing(self, header: &Header, lines: usize) -> bool {
        match self {
            RequiredField::Vin => header.vin.is_none(),
            RequiredField::ComplaintDescription => header.complaint_description.trim().is_empty(),
            RequiredField::CauseDescription => header.cause_description.trim().is_empty(),
            RequiredField::CorrectionDescription => header.correction_description.trim().is_empty(),
            RequiredField::FailureCode => header.failure_code.is_none(),
            RequiredField::CausalPart => header.causal_part.is_none(),
            RequiredField::OdometerIn => header.odometer_in_km.is_none(),
            RequiredField::ComplaintDate => header.complaint_date.is_none(),
            RequiredField::RepairCompletionDate => header.repair_completion_date.is_none(),
            RequiredField::Lines => lines == 0,
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn words_and_prefixes_are_unique_and_lead_back() {
        let prefixes: BTreeSet<_> = Kind::ALL.iter().map(|kind| kind.spec().prefix()).collect();
        assert_eq!(prefixes.len(), Kind::ALL.len());
        for kind in Kind::ALL {
            assert_eq!(Kind::from_word(kind.word()), Some(kind));
            assert_eq!(serde_json::to_value(kind).ok(), Some(serde_json::Value::from(kind.word())));
        }
    }

    #[test]
    fn three_kinds_can_be_returned_and_two_only_authorise() {
        let of = |test: fn(Kind) -> bool| Kind::ALL.into_iter().filter(|kind| test(*kind)).collect::<Vec<_>>();
        assert_eq!(
            of(|kind| kind.spec().returnable()),
            [Kind::WarrantyRepair, Kind::CompensationAppraisal, Kind::MajorAssembly]
        );
        assert_eq!(
            of(|kind| kind.spec().effect() == Effect::Authorizes),
            [Kind::ExternalPurchase, Kind::MajorAssembly]
        );
    }
}
