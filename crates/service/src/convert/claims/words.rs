//! The words of kinds, states and steps.

use recourse_domain::claims::{self as domain, Kind, StateWord};
use recourse_proto::v1;

/// The contract's kind for the domain's.
pub(crate) fn show_kind(kind: Kind) -> v1::claim::Kind {
    match kind {
        Kind::WarrantyRepair => v1::claim::Kind::WarrantyRepair,
        Kind::RunningInMaintenance => v1::claim::Kind::RunningInMaintenance,
        Kind::CompensationAppraisal => v1::claim::Kind::CompensationAppraisal,
        Kind::RoadsideRescue => v1::claim::Kind::RoadsideRescue,
        Kind::ExternalPurchase => v1::claim::Kind::ExternalPurchase,
        Kind::MajorAssembly => v1::claim::Kind::MajorAssembly,
    }
}

/// The domain's kind for the contract's.
pub(crate) fn read_kind(kind: v1::claim::Kind) -> Option<Kind> {
    match kind {
        v1::claim::Kind::Unspecified => None,
        v1::claim::Kind::WarrantyRepair => Some(Kind::WarrantyRepair),
        v1::claim::Kind::RunningInMaintenance => Some(Kind::RunningInMaintenance),
        v1::claim::Kind::CompensationAppraisal => Some(Kind::CompensationAppraisal),
        v1::claim::Kind::RoadsideRescue => Some(Kind::RoadsideRescue),
        v1::claim::Kind::ExternalPurchase => Some(Kind::ExternalPurchase),
        v1::claim::Kind::MajorAssembly => Some(Kind::MajorAssembly),
    }
}

/// The contract's state for the domain's.
pub(crate) fn show_state(state: StateWord) -> v1::claim::State {
    match state {
        StateWord::Draft => v1::claim::State::Draft,
        StateWord::Submitted => v1::claim::State::Submitted,
        StateWord::InReview => v1::claim::State::InReview,
        StateWord::Approved => v1::claim::State::Approved,
        StateWord::Rejected => v1::claim::State::Rejected,
        StateWord::Returned => v1::claim::State::Returned,
        StateWord::Withdrawn => v1::claim::State::Withdrawn,
        StateWord::Settled => v1::claim::State::Settled,
        StateWord::Closed => v1::claim::State::Closed,
        StateWord::Lapsed => v1::claim::State::Lapsed,
    }
}

/// The domain's state for the contract's.
pub(crate) fn read_state(state: v1::claim::State) -> Option<StateWord> {
    match state {
        v1::claim::State::Unspecified => None,
        v1::claim::State::Draft => Some(StateWord::Draft),
        v1::claim::State::Submitted => Some(StateWord::Submitted),
        v1::claim::State::InReview => Some(StateWord::InReview),
        v1::claim::State::Approved => Some(StateWord::Approved),
        v1::claim::State::Rejected => Some(StateWord::Rejected),
        v1::claim::State::Returned => Some(StateWord::Returned),
        v1::claim::State::Withdrawn => Some(StateWord::Withdrawn),
        v1::claim::State::Settled => Some(StateWord::Settled),
        v1::claim::State::Closed => Some(StateWord::Closed),
        v1::claim::State::Lapsed => Some(StateWord::Lapsed),
    }
}

pub(super) fn show_party(party: domain::Party) -> v1::claim_wait::Party {
    match party {
        domain::Party::Nobody => v1::claim_wait::Party::Nobody,
        domain::Party::Station => v1::claim_wait::Party::Station,
        domain::Party::Auditor => v1::claim_wait::Party::Auditor,
        domain::Party::Appraiser => v1::claim_wait::Party::Appraiser,
        domain::Party::Finance => v1::claim_wait::Party::Finance,
    }
}

pub(super) fn show_step(step: domain::Step) -> v1::claim_wait::Step {
    match step {
        domain::Step::Nothing => v1::claim_wait::Step::Nothing,
        domain::Step::Submission => v1::claim_wait::Step::Submission,
        domain::Step::Review => v1::claim_wait::Step::Review,
        domain::Step::Decision => v1::claim_wait::Step::Decision,
        domain::Step::Answer => v1::claim_wait::Step::Answer,
        domain::Step::Appraisal => v1::claim_wait::Step::Appraisal,
        domain::Step::Payment => v1::claim_wait::Step::Payment,
        domain::Step::AppealDecision => v1::claim_wait::Step::AppealDecision,
        domain::Step::Approval => v1::claim_wait::Step::Approval,
        domain::Step::HoldRelease => v1::claim_wait::Step::HoldRelease,
    }
}
