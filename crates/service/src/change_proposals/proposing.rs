//! Proposing commands: they are read, tried in a transaction that is taken back, and kept with what they would do.

use std::collections::BTreeSet;

use recourse_domain::change::Audience;
use recourse_domain::change_proposals::{ChangeProposal, ProposalState, ProposedCommand};
use recourse_domain::ids::ChangeProposalId;
use recourse_domain::second_person::Kind;
use recourse_proto::v1::guarded_command::Request as Command;
use recourse_proto::{Method, v1};
use uuid::Uuid;

use super::reading::{replay, shown};
use super::{COLLECTION, commands};
use crate::context::Call;
use crate::error::{Answer, Refusal};
use crate::{second_person, settings};

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
pub(super) async fn create(call: &Call, request: v1::CreateChangeProposalRequest) -> Answer<v1::ChangeProposal> {
    let given = request.change_proposal.unwrap_or_default();
    // What depends on the person is asked before anything is tried, and again where it is written.
    second_person::may_propose(call, true)?;
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
    let (given, found, operation) = (&given, &found, second_person::operation(proposed.method));
    let operation = operation.as_str();
    call.run(
        request.validate_only,
        |tx| {
            Box::pin(async move {
                let permit = &second_person::permit_to_propose(tx, call).await?;
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
                let stored = inserted.map_err(|error| Refusal::unless_taken(error, &name))?;
                Ok((name, shown(call, &stored)?))
            })
        },
        |name| replay(call, name),
    )
    .await
}

/// Proposes the rows of an import that wait; answers the name of the proposal.
pub(crate) async fn propose_import(
    call: &Call,
    id: Uuid,
    reason: &str,
    kind: Kind,
    import: v1::ProposedImport,
) -> Answer<String> {
    let request = &commands::kept(&Command::ImportParts(import))?;
    call.run(
        false,
        |tx| {
            Box::pin(async move {
                let permit = &second_person::permit_to_propose(tx, call).await?;
                let command = ProposedCommand {
                    request: request.clone(),
                    resource: "parts".to_owned(),
                    before: None,
                    after: None,
                };
                let proposal = ChangeProposal {
                    id: ChangeProposalId(id),
                    operation: second_person::operation(Method::PartServiceImportParts),
                    kind,
                    commands: vec![command],
                    reason: reason.trim().to_owned(),
                    external_ref: String::new(),
                    proposed_by: permit.actor().user,
                    expire_time: call.now + settings::in_force(tx, call.today()).await?.proposal_life(),
                    state: ProposalState::Pending,
                };
                let name = proposal.name();
                let note = call.note("create", name.clone(), COLLECTION, Vec::new(), &Audience::Oem);
                let inserted = tx.insert_change_proposal(permit, proposal, note).await;
                inserted.map_err(|error| Refusal::unless_taken(error, &name))?;
                Ok((name.clone(), name))
            })
        },
        |name| Box::pin(async move { Ok(name) }),
    )
    .await
}
