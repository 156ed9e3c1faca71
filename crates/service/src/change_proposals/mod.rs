//! Proposals of changes that need a second person: the command is tried and told when it is proposed, and given in the
//! transaction in which another person confirms it.

mod commands;

use std::collections::BTreeSet;

use recourse_domain::access::{Act, Author, Permit};
use recourse_domain::catalog::{ColumnValue, Stored};
use recourse_domain::change::Audience;
use recourse_domain::change_proposals::{
    ChangeProposal, Difference, NotMoved, PROPOSAL_FIELDS, ProposalDecision, ProposalState, ProposedCommand,
    differences,
};
use recourse_domain::ids::ChangeProposalId;
use recourse_domain::query::filter::{Expr, Op};
use recourse_domain::query::order::Order;
use recourse_domain::second_person::{GUARDED, Kind};
use recourse_proto::redact::Redact;
use recourse_proto::v1::change_proposal_service_server::ChangeProposalService;
use recourse_proto::v1::error_reason::Code as Reason;
use recourse_proto::v1::guarded_command::Request as Command;
use recourse_proto::{Method, v1};
use recourse_repository::{StoreError, Tx};
use tonic::{Request, Response, Status};
use uuid::Uuid;

use crate::api::Api;
use crate::context::{Boxed, Call};
use crate::convert::{self, names, timestamp};
use crate::error::{Answer, Refusal};
use crate::identity::users;
use crate::lists::{self, ListInput};
use crate::{second_person, settings};

const COLLECTION: &str = "changeProposals";

#[tonic::async_trait]
impl ChangeProposalService for Api {
    async fn create_change_proposal(
        &self,
        request: Request<v1::CreateChangeProposalRequest>,
    ) -> Result<Response<v1::ChangeProposal>, Status> {
        let method = Method::ChangeProposalServiceCreateChangeProposal;
        let (call, request) = Call::command(&self.inner, method, request, |r| &mut r.request_id)?;
        call.answer(create(&call, request).await)
    }

    async fn get_change_proposal(
        &self,
        request: Request<v1::GetChangeProposalRequest>,
    ) -> Result<Response<v1::ChangeProposal>, Status> {
        let (call, request) = Call::read(&self.inner, Method::ChangeProposalServiceGetChangeProposal, request)?;
        call.answer(get(&call, &request.name).await)
    }

    async fn list_change_proposals(
        &self,
        request: Request<v1::ListChangeProposalsRequest>,
    ) -> Result<Response<v1::ListChangeProposalsResponse>, Status> {
        let (call, request) = Call::read(&self.inner, Method::ChangeProposalServiceListChangeProposals, request)?;
        call.answer(list(&call, request).await)
    }

    async fn confirm_change_proposal(
        &self,
        request: Request<v1::ConfirmChangeProposalRequest>,
    ) -> Result<Response<v1::ChangeProposal>, Status> {
        let method = Method::ChangeProposalServiceConfirmChangeProposal;
        let (call, request) = Call::command(&self.inner, method, request, |r| &mut r.request_id)?;
        call.answer(confirm(&call, request).await)
    }

    async fn reject_change_proposal(
        &self,
        request: Request<v1::RejectChangeProposalRequest>,
    ) -> Result<Response<v1::ChangeProposal>, Status> {
        let method = Method::ChangeProposalServiceRejectChangeProposal;
        let (call, request) = Call::command(&self.inner, method, request, |r| &mut r.request_id)?;
        call.answer(reject(&call, request).await)
    }

    async fn withdraw_change_proposal(
        &self,
        request: Request<v1::WithdrawChangeProposalRequest>,
    ) -> Result<Response<v1::ChangeProposal>, Status> {
        let method = Method::ChangeProposalServiceWithdrawChangeProposal;
        let (call, request) = Call::command(&self.inner, method, request, |r| &mut r.request_id)?;
        call.answer(withdraw(&call, request).await)
    }
}

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
fn shown(call: &Call, stored: &Stored<ChangeProposal>) -> Answer<v1::ChangeProposal> {
    let viewer = call.viewer(false);
    let mut message = summary(stored);
    for ProposedCommand { request, resource, before, after } in &stored.value.commands {
        let command = commands::read(request)?;
        let side = |shown: Option<&serde_json::Value>| {
            shown.map(|shown| commands::redacted(&command, &viewer, shown)).transpose()
        };
        let (before, after) = (side(before.as_ref())?, side(after.as_ref())?);
        for Difference { field, before, after } in differences(before.as_ref(), after.as_ref()) {
            message.changes.push(v1::ProposedChange { resource: resource.clone(), field, before, after });
        }
        message.commands.push(v1::GuardedCommand { request: Some(command) });
    }
    message.redact(&viewer);
    Ok(message)
}

/// Whether the caller may give the commands of an operation, and so know of proposals of them.
fn may_give(call: &Call, operation: &str) -> bool {
    let method = Method::ALL.iter().copied().find(|method| {
        let spec = method.spec();
        operation.split_once('.') == Some((spec.service, spec.name))
    });
    method.is_some_and(|method| call.scope_of(method).is_ok())
}

async fn get(call: &Call, name: &str) -> Answer<v1::ChangeProposal> {
    let id = names::uuid_in(name, COLLECTION)?;
    let scope = call.scope_of(Method::ChangeProposalServiceGetChangeProposal)?;
    let stored = call.inner.store.change_proposal(&scope, id).await?;
    let stored = stored.filter(|stored| may_give(call, &stored.value.operation));
    shown(call, &stored.ok_or_else(|| Refusal::not_found(name))?)
}

fn replay<'a>(call: &'a Call, name: String) -> Boxed<'a, Answer<v1::ChangeProposal>> {
    Box::pin(async move { get(call, &name).await })
}

async fn list(call: &Call, request: v1::ListChangeProposalsRequest) -> Answer<v1::ListChangeProposalsResponse> {
    let v1::ListChangeProposalsRequest { page_size, page_token, filter, order_by } = request;
    let input = ListInput { page_size, page_token, filter, order_by, ..ListInput::default() };
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
    query.filter = Some(match query.filter.take() {
        Some(asked) => Expr::And(vec![Expr::Or(known), asked]),
        None => Expr::Or(known),
    });
    let page = call.inner.store.change_proposals(call.scope()?, &query).await?;
    let change_proposals = page.items.iter().map(summary).collect();
    Ok(v1::ListChangeProposalsResponse {
        change_proposals,
        next_page_token: lists::next_token(call, &input, page.next)?,
    })
}

/// What is proposed, before it is tried.
struct Proposed {
    method: Method,
    commands: Vec<(Command, String)>,
}

/// Reads the commands of a proposal: all of one method, each about another resource.
fn read_commands(call: &Call, given: &[v1::GuardedCommand]) -> Answer<Proposed> {
    let at = |index: usize| format!("change_proposal.commands[{index}]");
    let (mut of_all, mut commands, mut about) = (None, Vec::with_capacity(given.len()), BTreeSet::new());
    for (index, command) in given.iter().enumerate() {
        let Some(mut command) = command.request.clone() else {
            return Err(Refusal::field(
                &at(index),
                "REQUIRED",
                "name one command: `updatePart`, …",
                "请填写一个命令，如 updatePart",
            ));
        };
        let method = commands::method_of(&command);
        if *of_all.get_or_insert(method) != method {
            return Err(Refusal::field(
                &at(index),
                "ONE_METHOD",
                "all commands of a proposal are of one method; make a second proposal for the others",
                "同一申请的命令须属于同一方法；其余请另行申请",
            ));
        }
        let path = format!("change_proposal.{}", commands::path(index, &command));
        let resource = commands::settle(&mut command, call).map_err(|refusal| commands::under(refusal, &path))?;
        if !about.insert(resource.clone()) {
            return Err(Refusal::field(
                &at(index),
                "DUPLICATE",
                format!("a command before it is about {resource} too; put both into one"),
                format!("前面的命令已涉及 {resource}；请合并为一条"),
            ));
        }
        commands.push((command, resource));
    }
    match of_all {
        Some(method) => Ok(Proposed { method, commands }),
        None => {
            Err(Refusal::field("change_proposal.commands", "REQUIRED", "name one command at least", "至少填写一个命令"))
        }
    }
}

/// Tries what is proposed; answers what kind of change it is, and the commands with what they do.
async fn tried(call: &Call, proposed: &Proposed) -> Answer<(Kind, Vec<ProposedCommand>)> {
    let agreed = &call.agreed(proposed.method)?;
    let found = call.try_out(|tx| {
        Box::pin(async move {
            let mut commands = Vec::with_capacity(proposed.commands.len());
            for (index, (command, resource)) in proposed.commands.iter().enumerate() {
                let path = format!("change_proposal.{}", commands::path(index, command));
                let effect = commands::tried(tx, agreed, command, resource).await;
                let effect = effect.map_err(|refusal| commands::under(refusal, &path))?;
                let mut command = command.clone();
                if let Some(version) = effect.version {
                    commands::bind(&mut command, version);
                }
                let (request, resource) = (commands::kept(&command)?, resource.clone());
                commands.push(ProposedCommand { request, resource, before: effect.before, after: effect.after });
            }
            Ok(commands)
        })
    });
    let commands = found.await?;
    let kind = agreed.guarded_kind().ok_or_else(|| {
        Refusal::field(
            "change_proposal.commands",
            "NEEDS_NO_SECOND_PERSON",
            "what this changes needs no second person; give the command itself",
            "该变更无需第二人确认；请直接执行命令",
        )
    })?;
    Ok((kind, commands))
}

/// Proposes commands, after they were tried.
async fn create(call: &Call, request: v1::CreateChangeProposalRequest) -> Answer<v1::ChangeProposal> {
    let given = request.change_proposal.unwrap_or_default();
    let permit = call.permit(Act::ProposeChange)?;
    let id = match request.change_proposal_id.as_str() {
        "" => call.new_id(),
        text => Uuid::parse_str(text).map_err(|_| {
            Refusal::field(
                "change_proposal_id",
                "BAD_FORMAT",
                "a proposal's id is a UUID",
                "change_proposal_id 必须是 UUID",
            )
        })?,
    };
    let proposed = read_commands(call, &given.commands)?;
    // What was done by an earlier call of this very request may stand in its way now: whether it is a repeat is found
    // out before it is refused.
    let found = tried(call, &proposed).await;
    if let Err(refusal) = found.as_ref().map_err(Clone::clone)
        && refusal.is_retryable()
    {
        return Err(refusal);
    }
    let (given, permit, found, operation) = (&given, &permit, &found, second_person::operation(proposed.method));
    let operation = operation.as_str();
    call.run(
        request.validate_only,
        |tx| {
            Box::pin(async move {
                let (kind, commands) = found.clone()?;
                let setting = settings::in_force(tx, call.today()).await?;
                let proposal = ChangeProposal {
                    id: ChangeProposalId(id),
                    operation: operation.to_owned(),
                    kind,
                    commands,
                    reason: given.reason.trim().to_owned(),
                    external_ref: given.external_ref.clone(),
                    proposed_by: permit.actor().user,
                    expire_time: call.now + setting.proposal_life(),
                    state: ProposalState::Pending,
                };
                let name = proposal.name();
                let note = call.note("create", name.clone(), COLLECTION, Vec::new(), &Audience::Oem);
                let inserted = tx.insert_change_proposal(permit, proposal, note).await;
                let stored = inserted.map_err(|error| match error {
                    StoreError::AlreadyExists { .. } => Refusal::already_exists(&name),
                    other => other.into(),
                })?;
                Ok((name, shown(call, &stored)?))
            })
        },
        |name| replay(call, name),
    )
    .await
}

/// The proposal of a name for a command: of those that the caller may know, and as the caller read it.
async fn found_for(tx: &mut Tx<'_>, call: &Call, name: &str, etag: &str) -> Answer<Stored<ChangeProposal>> {
    let id = names::uuid_in(name, COLLECTION)?;
    let stored = tx.change_proposal(call.scope()?, id).await?;
    let stored = stored.filter(|stored| may_give(call, &stored.value.operation));
    let stored = stored.ok_or_else(|| Refusal::not_found(name))?;
    convert::check_etag(etag, stored.version, name)?;
    Ok(stored)
}

/// Leave to decide a proposal.
fn permit_to_decide(call: &Call, proposal: &ChangeProposal) -> Answer<Permit> {
    let about_caller = proposal.is_about(call.actor()?.user);
    call.permit(Act::DecideProposal { proposed_by: proposal.proposed_by, about_caller })
}

fn decision(call: &Call, permit: &Permit, note: &str) -> ProposalDecision {
    ProposalDecision { by: permit.actor().user, time: call.now, note: note.trim().to_owned() }
}

fn not_moved(stored: &Stored<ChangeProposal>, verb: &str, why: NotMoved) -> Refusal {
    let (name, state) = (stored.value.name(), stored.value.state.word());
    match why {
        NotMoved::Ended | NotMoved::TooEarly => Refusal::state_conflict(&name, state, verb),
        NotMoved::TooLate => Refusal::new(
            Reason::StateConflict,
            "the time in which this could be confirmed is over; propose it again",
            "确认期限已过；请重新提交申请",
        )
        .with("resource", name)
        .with("state", "EXPIRED")
        .with("verb", verb),
    }
}

async fn save(
    tx: &mut Tx<'_>,
    call: &Call,
    permit: &Permit,
    before: &Stored<ChangeProposal>,
    after: ChangeProposal,
    verb: &'static str,
) -> Answer<Stored<ChangeProposal>> {
    let name = after.name();
    let paths: &[&str] = match &after.state {
        ProposalState::Confirmed { .. } => &["state", "decided_by", "decide_time", "decision_note", "command_id"],
        ProposalState::Rejected { .. } => &["state", "decided_by", "decide_time", "decision_note"],
        ProposalState::Pending | ProposalState::Withdrawn { .. } | ProposalState::Expired => &["state", "decide_time"],
    };
    let paths = paths.iter().map(|path| (*path).to_owned()).collect();
    let note = call.note(verb, name.clone(), COLLECTION, paths, &Audience::Oem);
    tx.update_change_proposal(permit, before, after, note).await.map_err(|error| match error {
        StoreError::Stale => Refusal::stale(&name),
        other => other.into(),
    })
}

/// Confirms a proposal and gives its commands, in the name of who confirms and under one command. The proposal comes
/// first: of two who confirm at once the later one meets it, and nothing else.
async fn confirm(call: &Call, request: v1::ConfirmChangeProposalRequest) -> Answer<v1::ChangeProposal> {
    convert::require_etag(&request.etag)?;
    let (request, name) = (&request, request.name.as_str());
    let confirmed = call
        .run(
            false,
            |tx| {
                Box::pin(async move {
                    let stored = found_for(tx, call, name, &request.etag).await?;
                    let permit = permit_to_decide(call, &stored.value)?;
                    let confirmed =
                        stored.value.clone().confirm(decision(call, &permit, &request.note), call.command_id());
                    let confirmed = confirmed.map_err(|why| not_moved(&stored, "confirm", why))?;
                    let after = save(tx, call, &permit, &stored, confirmed, "confirm").await?;
                    give_all(tx, call, &stored.value).await?;
                    Ok((stored.value.name(), shown(call, &after)?))
                })
            },
            |name| replay(call, name),
        )
        .await?;
    for command in &confirmed.commands {
        if let Some(v1::guarded_command::Request::UpdateUser(update)) = &command.request {
            users::forget(call, update.user.as_ref().map(|user| user.name.as_str()).unwrap_or_default());
        }
    }
    Ok(confirmed)
}

async fn give_all(tx: &mut Tx<'_>, call: &Call, proposal: &ChangeProposal) -> Answer<()> {
    for (index, ProposedCommand { request, resource, before, .. }) in proposal.commands.iter().enumerate() {
        let command = commands::read(request)?;
        let agreed = call.agreed(commands::method_of(&command))?;
        let given = commands::give(tx, &agreed, &command).await;
        given.map_err(|refusal| {
            not_given(refusal, proposal, resource, &commands::path(index, &command), before.is_some())
        })?;
    }
    Ok(())
}

/// Why a command of a proposal is refused now that was not when it was proposed. That something happened to what it is
/// about is told as what it means for the proposal.
fn not_given(refusal: Refusal, proposal: &ChangeProposal, resource: &str, path: &str, was_there: bool) -> Refusal {
    let changed = if was_there {
        [Reason::StaleEtag, Reason::ResourceNotFound, Reason::ResourceRetired].contains(&refusal.reason)
    } else {
        refusal.reason == Reason::ResourceAlreadyExists
    };
    if !changed || refusal.is_retryable() {
        return commands::under(refusal, path);
    }
    Refusal::new(
        Reason::StateConflict,
        format!("{resource} was changed since this was proposed; reject the proposal, and propose anew what shall follow upon what stands now"),
        format!("{resource} 在提交申请之后已发生变化；请驳回本申请，并就当前内容重新申请"),
    )
    .with("resource", proposal.name())
    .with("state", proposal.state.word())
    .with("verb", "confirm")
    .with("changed", resource)
}

/// Rejects a proposal, with a reason.
async fn reject(call: &Call, request: v1::RejectChangeProposalRequest) -> Answer<v1::ChangeProposal> {
    convert::require_etag(&request.etag)?;
    let (request, name) = (&request, request.name.as_str());
    call.run(
        false,
        |tx| {
            Box::pin(async move {
                let stored = found_for(tx, call, name, &request.etag).await?;
                let permit = permit_to_decide(call, &stored.value)?;
                let rejected = stored.value.clone().reject(decision(call, &permit, &request.note));
                let rejected = rejected.map_err(|why| not_moved(&stored, "reject", why))?;
                let after = save(tx, call, &permit, &stored, rejected, "reject").await?;
                Ok((stored.value.name(), shown(call, &after)?))
            })
        },
        |name| replay(call, name),
    )
    .await
}

/// Takes a proposal back.
async fn withdraw(call: &Call, request: v1::WithdrawChangeProposalRequest) -> Answer<v1::ChangeProposal> {
    let (request, name) = (&request, request.name.as_str());
    call.run(
        false,
        |tx| {
            Box::pin(async move {
                let stored = found_for(tx, call, name, &request.etag).await?;
                let permit = call.permit(Act::WithdrawProposal { proposed_by: stored.value.proposed_by })?;
                let withdrawn = stored.value.clone().withdraw(call.now);
                let withdrawn = withdrawn.map_err(|why| not_moved(&stored, "withdraw", why))?;
                let after = save(tx, call, &permit, &stored, withdrawn, "withdraw").await?;
                Ok((stored.value.name(), shown(call, &after)?))
            })
        },
        |name| replay(call, name),
    )
    .await
}

/// Notes that the time of a proposal is over.
pub(crate) async fn expire(call: &Call, id: Uuid) -> Answer<()> {
    let permit = call.permit(Act::EnforceDeadline)?;
    let permit = &permit;
    call.run(
        false,
        |tx| {
            Box::pin(async move {
                let name = format!("{COLLECTION}/{id}");
                let stored = tx.change_proposal(call.scope()?, id).await?.ok_or_else(|| Refusal::not_found(&name))?;
                let expired = stored.value.clone().expire(call.now);
                let expired = expired.map_err(|why| not_moved(&stored, "expire", why))?;
                save(tx, call, permit, &stored, expired, "expire").await?;
                Ok((name, ()))
            })
        },
        |_| Box::pin(async { Ok(()) }),
    )
    .await
}
