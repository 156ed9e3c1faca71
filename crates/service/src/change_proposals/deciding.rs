//! Ending proposals: they are confirmed and their commands given, rejected, taken back, or their time is over.

use chrono::SecondsFormat;
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
use crate::second_person;

/// The proposal of a name for a command: of those that the caller may know, still open, and as the caller read it. That it
/// has ended comes before the version: its end is what made the version another.
async fn found_for(tx: &mut Tx<'_>, call: &Call, name: &str, etag: &str) -> Answer<Stored<ChangeProposal>> {
    let id = names::uuid_in(name, COLLECTION)?;
    let stored = tx.change_proposal(call.scope()?, id).await?;
    let stored = stored.filter(|stored| may_give(call, &stored.value.operation));
    let stored = stored.ok_or_else(|| Refusal::not_found(name))?;
    if stored.value.state != ProposalState::Pending {
        return Err(ended(&stored.value));
    }
    convert::check_etag(etag, stored.version, name)?;
    Ok(stored)
}

/// Leave to decide a proposal.
async fn permit_to_decide(tx: &mut Tx<'_>, call: &Call, proposal: &ChangeProposal) -> Answer<Permit> {
    let about_caller = proposal.is_about(call.actor()?.user);
    let own_password = second_person::has_own_password(tx, call).await?;
    call.permit(Act::DecideProposal { proposed_by: proposal.proposed_by, about_caller, own_password })
}

fn decision(call: &Call, permit: &Permit, note: &str) -> ProposalDecision {
    ProposalDecision { by: permit.actor().user, time: call.now, note: note.trim().to_owned() }
}

fn not_moved(stored: &Stored<ChangeProposal>, verb: &str, why: NotMoved) -> Refusal {
    let proposal = &stored.value;
    match why {
        NotMoved::TooEarly => Refusal::state_conflict(&proposal.name(), proposal.state.word(), verb),
        NotMoved::Ended => ended(proposal),
        // Its time is over, whether or not the job has passed by.
        NotMoved::TooLate => ended(&ChangeProposal { state: ProposalState::Expired, ..proposal.clone() }),
    }
}

/// Why nothing becomes of a proposal any more: how it ended, when, and by whom. Whoever may know of the proposal may know
/// that too.
fn ended(proposal: &ChangeProposal) -> Refusal {
    let name = proposal.name();
    let by = proposal.state.decision().map(|decision| format!("users/{}", decision.by)).unwrap_or_default();
    let time = proposal.end_time().map(|time| time.to_rfc3339_opts(SecondsFormat::Secs, true)).unwrap_or_default();
    let (en, zh) = match &proposal.state {
        ProposalState::Pending => (format!("{name} is still open"), format!("{name} 尚未结束")),
        ProposalState::Confirmed { .. } => (
            format!("{name} was confirmed by {by} at {time} and is done; nothing is left to do"),
            format!("{name} 已由 {by} 于 {time} 确认并执行，无需再操作"),
        ),
        ProposalState::Rejected { .. } => (
            format!("{name} was rejected by {by} at {time}; read why, and propose anew what is still wanted"),
            format!("{name} 已由 {by} 于 {time} 驳回；请查看原因，如仍需变更请重新申请"),
        ),
        ProposalState::Withdrawn { .. } => (
            format!("{name} was taken back by who proposed it at {time}; propose anew what is still wanted"),
            format!("{name} 已由申请人于 {time} 撤回；如仍需变更请重新申请"),
        ),
        ProposalState::Expired => (
            format!("the time to confirm {name} was over at {time}; propose it again"),
            format!("{name} 的确认期限已于 {time} 届满；请重新提交申请"),
        ),
    };
    let refusal = Refusal::new(Reason::ProposalEnded, en, zh).with("resource", name);
    let refusal = refusal.with("state", proposal.state.word()).with("decideTime", time);
    if by.is_empty() { refusal } else { refusal.with("decidedBy", by) }
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
    let note = call.note(verb, name, COLLECTION, paths, &Audience::Oem);
    // Whoever was overtaken by a colleague is told of that end, not of an old version.
    tx.update_change_proposal(permit, before, after, note).await.map_err(Refusal::unless_overtaken)
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
                    let permit = permit_to_decide(tx, call, &stored.value).await?;
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
        } else if let Some(v1::guarded_command::Request::EnableUser(enable)) = &command.request {
            users::forget(call, &enable.name);
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
                let permit = permit_to_decide(tx, call, &stored.value).await?;
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

fn of_another() -> Refusal {
    Refusal::new(
        Reason::NotPermitted,
        "only who proposed it takes it back; reject it, with a reason (`:reject`)",
        "只有申请人可以撤回；如不同意请驳回并说明原因（`:reject`）",
    )
}

/// Takes a proposal back.
pub(super) async fn withdraw(call: &Call, request: v1::WithdrawChangeProposalRequest) -> Answer<v1::ChangeProposal> {
    let (request, name) = (&request, request.name.as_str());
    call.run(
        false,
        |tx| {
            Box::pin(async move {
                let stored = found_for(tx, call, name, &request.etag).await?;
                let permit = call.permit(Act::WithdrawProposal { proposed_by: stored.value.proposed_by });
                let permit = permit.map_err(|_| of_another())?;
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
