//! Proposals as their readers see them: each with what its commands would do, and no reader those of commands that are
//! not for them to give.

use recourse_domain::access::Author;
use recourse_domain::catalog::{ColumnValue, Stored};
use recourse_domain::change_proposals::{
    ChangeProposal, Difference, PROPOSAL_FIELDS, ProposalState, ProposedCommand, differences,
};
use recourse_domain::query::filter::{Expr, Op};
use recourse_domain::query::order::Order;
use recourse_domain::second_person::{GUARDED, Kind};
use recourse_proto::redact::Redact;
use recourse_proto::v1::guarded_command::Request;
use recourse_proto::{Method, v1};

use super::{COLLECTION, commands};
use crate::context::{Boxed, Call};
use crate::convert::{self, names, timestamp};
use crate::error::{Answer, Refusal};
use crate::lists::{self, ListInput};
use crate::second_person::method_of;

fn show_kind(kind: Kind) -> v1::change_proposal::Kind {
    match kind {
        Kind::Prices => v1::change_proposal::Kind::Prices,
        Kind::Policies => v1::change_proposal::Kind::Policies,
        Kind::RoleGrants => v1::change_proposal::Kind::RoleGrants,
        Kind::BankAccounts => v1::change_proposal::Kind::BankAccounts,
    }
}

fn show_state(state: &ProposalState) -> v1::change_proposal::State {
    match state {
        ProposalState::Pending => v1::change_proposal::State::Pending,
        ProposalState::Confirmed { .. } => v1::change_proposal::State::Confirmed,
        ProposalState::Rejected { .. } => v1::change_proposal::State::Rejected,
        ProposalState::Withdrawn { .. } => v1::change_proposal::State::Withdrawn,
        ProposalState::Expired => v1::change_proposal::State::Expired,
    }
}

/// The proposal without its commands and what they do.
fn summary(stored: &Stored<ChangeProposal>) -> v1::ChangeProposal {
    let proposal = &stored.value;
    let ChangeProposal { id: _, operation, kind, commands: _, reason, external_ref, proposed_by, expire_time, state } =
        proposal;
    let decision = state.decision();
    let person = |id| names::author(Author { id, is_client: false });
    v1::ChangeProposal {
        name: proposal.name(),
        etag: convert::etag(stored.version),
        commands: Vec::new(),
        reason: reason.clone(),
        external_ref: external_ref.clone(),
        kind: show_kind(*kind).into(),
        state: show_state(state).into(),
        changes: Vec::new(),
        operation: operation.clone(),
        proposed_by: person(*proposed_by),
        decided_by: decision.map(|decision| person(decision.by)).unwrap_or_default(),
        decide_time: proposal.end_time().and_then(timestamp),
        decision_note: decision.map(|decision| decision.note.clone()).unwrap_or_default(),
        expire_time: timestamp(*expire_time),
        command_id: state.command().map(|command| command.to_string()).unwrap_or_default(),
        create_time: timestamp(stored.create_time),
        update_time: timestamp(stored.update_time),
    }
}

/// The whole proposal, as its reader may see it.
pub(super) fn shown(call: &Call, stored: &Stored<ChangeProposal>) -> Answer<v1::ChangeProposal> {
    let viewer = call.viewer(false);
    let mut message = summary(stored);
    for ProposedCommand { request, resource, before, after } in &stored.value.commands {
        let command = commands::read(request)?;
        let side = |shown: Option<&serde_json::Value>| {
            shown.map(|shown| commands::redacted(&command, &viewer, shown)).transpose()
        };
        let (before, after) = (side(before.as_ref())?, side(after.as_ref())?);
        if let Request::ImportParts(import) = &command {
            message.changes.extend(import.largest.iter().cloned());
        }
        for Difference { field, before, after } in differences(before.as_ref(), after.as_ref()) {
            message.changes.push(v1::ProposedChange { resource: resource.clone(), field, before, after });
        }
        message.commands.push(v1::GuardedCommand { request: Some(command) });
    }
    message.redact(&viewer);
    Ok(message)
}

/// Whether the caller may give the commands of an operation, and so know of proposals of them.
pub(super) fn may_give(call: &Call, operation: &str) -> bool {
    method_of(operation).is_some_and(|method| call.scope_of(method).is_ok())
}

pub(super) async fn get(call: &Call, request: v1::GetChangeProposalRequest) -> Answer<v1::ChangeProposal> {
    read(call, &request.name).await
}

async fn read(call: &Call, name: &str) -> Answer<v1::ChangeProposal> {
    let id = names::uuid_in(name, COLLECTION)?;
    let scope = call.scope_of(Method::ChangeProposalServiceGetChangeProposal)?;
    let stored = call.inner.store.change_proposal(&scope, id).await?;
    let stored = stored.filter(|stored| may_give(call, &stored.value.operation));
    shown(call, &stored.ok_or_else(|| Refusal::not_found(name))?)
}

pub(super) fn replay<'a>(call: &'a Call, name: String) -> Boxed<'a, Answer<v1::ChangeProposal>> {
    Box::pin(async move { read(call, &name).await })
}

/// How the name of a resource may be kept: its code in capitals, as codes are, or its id in small letters.
fn spellings(resource: &str) -> [String; 2] {
    let (collection, id) = resource.trim().split_once('/').unwrap_or((resource, ""));
    [format!("{collection}/{}", id.to_uppercase()), format!("{collection}/{}", id.to_lowercase())]
}

pub(super) async fn list(
    call: &Call,
    request: v1::ListChangeProposalsRequest,
) -> Answer<v1::ListChangeProposalsResponse> {
    let v1::ListChangeProposalsRequest { page_size, page_token, filter, order_by, resource } = request;
    let concerning = (!resource.is_empty()).then(|| spellings(&resource));
    let input = ListInput { page_size, page_token, filter, order_by, within: resource, ..ListInput::default() };
    let mut query = lists::query(call, &input, PROPOSAL_FIELDS, Order::newest_first())?;
    let known = GUARDED.iter().map(|guarded| guarded.operation).filter(|operation| may_give(call, operation));
    let known: Vec<Expr> = known
        .map(|operation| {
            let value = ColumnValue::Text(Some(operation.to_owned()));
            Expr::Compare { column: "operation", op: Op::Eq, value }
        })
        .collect();
    if known.is_empty() {
        return Ok(v1::ListChangeProposalsResponse::default());
    }
    query.narrow(Expr::Or(known));
    let page = call
        .inner
        .store
        .change_proposals(call.scope()?, &query, concerning.as_ref().map(<[String; 2]>::as_slice))
        .await?;
    let change_proposals = page.items.iter().map(summary).collect();
    Ok(v1::ListChangeProposalsResponse {
        change_proposals,
        next_page_token: lists::next_token(call, &input, page.next)?,
    })
}
