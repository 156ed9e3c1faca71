//! Proposals of changes that need a second person: the command is tried and told when it is proposed, and given in the
//! transaction in which another person confirms it.

mod commands;
mod deciding;
mod proposing;
mod reading;

use recourse_proto::v1;
use recourse_proto::v1::change_proposal_service_server::ChangeProposalService;

pub(crate) use deciding::expire;
pub(crate) use proposing::propose_import;

use crate::rpcs::rpcs;

const COLLECTION: &str = "changeProposals";

rpcs! {
    ChangeProposalService
    commands {
    create_change_proposal CreateChangeProposalRequest -> ChangeProposal,
        ChangeProposalServiceCreateChangeProposal = proposing::create;
    confirm_change_proposal ConfirmChangeProposalRequest -> ChangeProposal,
        ChangeProposalServiceConfirmChangeProposal = deciding::confirm;
    reject_change_proposal RejectChangeProposalRequest -> ChangeProposal,
        ChangeProposalServiceRejectChangeProposal = deciding::reject;
    withdraw_change_proposal WithdrawChangeProposalRequest -> ChangeProposal,
        ChangeProposalServiceWithdrawChangeProposal = deciding::withdraw;
    }
    readings {
    get_change_proposal GetChangeProposalRequest -> ChangeProposal,
        ChangeProposalServiceGetChangeProposal = reading::get;
    list_change_proposals ListChangeProposalsRequest -> ListChangeProposalsResponse,
        ChangeProposalServiceListChangeProposals = reading::list;
    }
}
