//! Ending proposals: they are confirmed and their commands given, rejected, taken back, or their time is over.

use recourse_domain::access::{Act, Permit};
use recourse_domain::catalog::Stored;
use recourse_domain::change::Audience;
use recourse_domain::change_proposals::{ChangeProposal, NotMoved, ProposalDecision, ProposalState, ProposedCommand};
use recourse_proto::v1;
use recourse_proto::v1::error_reason::Code as Reason;
use recourse_repository::Tx;
use uuid::Uuid;

use super::reading::{may_give, replay, shown};
use super::{COLLECTION, commands};
use crate::context::Call;
use crate::convert::{self, names};
use crate::error::{Answer, Refusal};
use crate::identity::users;

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
    tx.update_change_proposal(permit, before, after, note).await.map_err(|error| Refusal::unless_stale(error, &name))
}

/// Confirms a proposal and gives its commands, in the name of who confirms and under one command. The proposal comes
/// first: of two who confirm at once the later one meets it, and nothing else.
pub(super) async fn confirm(call: &Call, request: v1::ConfirmChangeProposalRequest) -> Answer<v1::ChangeProposal> {
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
pub(super) async fn reject(call: &Call, request: v1::RejectChangeProposalRequest) -> Answer<v1::ChangeProposal> {
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
pub(super) async fn withdraw(call: &Call, request: v1::WithdrawChangeProposalRequest) -> Answer<v1::ChangeProposal> {
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
