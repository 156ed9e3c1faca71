//! Decisions beyond an auditor's own level: approved by somebody of a higher one, or given back.

use recourse_domain::access::Act;
use recourse_domain::claims::{ApprovalError, Approver, Verb};
use recourse_proto::v1;
use recourse_proto::v1::error_reason::Code as Reason;

use super::review::{saved, settle_newest};
use super::{found_for, found_with_setting, refused_step, replay};
use crate::context::Call;
use crate::convert;
use crate::error::{Answer, Refusal};

/// Approves the proposed decision; once a level covers its amount it stands and is posted.
pub(super) async fn approve(call: &Call, request: v1::ApproveDecisionRequest) -> Answer<v1::Claim> {
    convert::require_etag(&request.etag)?;
    let (name, etag) = (request.name.as_str(), request.etag.as_str());
    let approver = Approver { user: call.actor()?.user, level: call.actor()?.approval_level };
    call.run(
        false,
        |tx| {
            Box::pin(async move {
                let (stored, setting) = found_with_setting(tx, call, name, etag).await?;
                let permit = call.permit(Act::DecideAfterColleague(stored.value.parties()))?;
                let claim = stored
                    .value
                    .clone()
                    .approve_decision(approver, call.now, call.today(), &setting)
                    .map_err(|error| refused(name, error))?;
                settle_newest(tx, call, &permit, name, &stored.value, &claim).await?;
                let changed = ["state", "decisions", "proposed_decision", "lines", "totals"];
                saved(tx, call, &permit, stored, claim, Verb::ApproveDecision, &changed).await
            })
        },
        |name| replay(call, name),
    )
    .await
}

/// Gives the proposed decision back to the auditor who reviews the claim.
pub(super) async fn decline(call: &Call, request: v1::DeclineDecisionRequest) -> Answer<v1::Claim> {
    convert::require_etag(&request.etag)?;
    let (name, etag) = (request.name.as_str(), request.etag.as_str());
    call.run(
        false,
        |tx| {
            Box::pin(async move {
                let stored = found_for(tx, call, name, etag).await?;
                let permit = call.permit(Act::DecideClaim(stored.value.parties()))?;
                let declined = stored.value.clone().decline_decision(permit.actor().user);
                let claim = declined.map_err(|error| refused(name, error))?;
                saved(tx, call, &permit, stored, claim, Verb::DeclineDecision, &["proposed_decision"]).await
            })
        },
        |name| replay(call, name),
    )
    .await
}

fn refused(name: &str, error: ApprovalError) -> Refusal {
    let text = error.text();
    let reason = match error {
        ApprovalError::Transition(error) => return refused_step(name, error),
        ApprovalError::Money(error) => return error.into(),
        ApprovalError::SamePerson => Reason::SamePerson,
        ApprovalError::LevelTooLow { .. } => Reason::NotPermitted,
        ApprovalError::NothingProposed => Reason::StateConflict,
    };
    Refusal::new(reason, text.en, text.zh_cn).with("resource", name)
}
