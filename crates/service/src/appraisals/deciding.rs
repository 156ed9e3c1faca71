//! The manufacturer's side of a concluded appraisal: who is liable, and that it is final.

use std::collections::BTreeSet;

use recourse_domain::access::{Act, Permit};
use recourse_domain::appraisals::{Appraisal, LiabilityDecision, LiabilityShare, Verb};
use recourse_domain::catalog::Supplier;
use recourse_domain::ids::{Code, OrgId};
use recourse_domain::ledger::Entry;
use recourse_domain::posting_rules;
use recourse_proto::v1;
use recourse_repository::{StoreError, Tx};

use super::sight::{claim_of, save_claim};
use super::working::close_case;
use super::{found, refused, replay, saved, shown};
use crate::context::Call;
use crate::convert::appraisals::{ShareInput, named, read_shares};
use crate::convert::organizations::read_bp;
use crate::convert::{self};
use crate::error::{Answer, Refusal};
use crate::settings;

/// Decides who is liable under the contracts: another question than why it failed, and another's answer.
pub(super) async fn decide_liability(call: &Call, request: v1::DecideLiabilityRequest) -> Answer<v1::Appraisal> {
    convert::require_etag(&request.etag)?;
    let shares = read_shares(request.shares).map_err(Refusal::invalid)?;
    let (name, etag, note, shares) = (request.name.as_str(), request.etag.as_str(), request.note.as_str(), &shares);
    call.run(
        false,
        |tx| {
            Box::pin(async move {
                let stored = found(tx, call.scope()?, name, etag).await?;
                let claim = claim_of(tx, call, stored.value.claim).await?;
                let permit = call.permit(Act::DecideClaim(claim.value.parties()))?;
                let decision = LiabilityDecision {
                    shares: with_keys(tx, call, shares).await?,
                    note: note.to_owned(),
                    decided_by: permit.actor().user,
                    decide_time: call.now,
                };
                let decided = stored.value.clone().decide_liability(decision);
                let decided = decided.map_err(|error| refused(name, error))?;
                let stored = saved(tx, call, &permit, &stored, decided, Verb::DecideLiability).await?;
                Ok((name.to_owned(), shown(call, &stored)?))
            })
        },
        |name| replay(call, name),
    )
    .await
}

/// Shares with the keys of their suppliers.
async fn with_keys(tx: &mut Tx<'_>, call: &Call, shares: &[ShareInput]) -> Answer<Vec<LiabilityShare>> {
    let codes: BTreeSet<String> =
        shares.iter().filter_map(|share| share.supplier.as_ref()).map(Code::to_string).collect();
    let records = tx.active_records::<Supplier>(&call.everything()?, &codes).await?;
    let mut whole = Vec::with_capacity(shares.len());
    for (index, share) in shares.iter().enumerate() {
        let supplier = match &share.supplier {
            None => None,
            Some(code) => {
                let record = records.iter().find(|record| &record.value.code == code).ok_or_else(|| {
                    Refusal::field(
                        &format!("shares[{index}].supplier"),
                        "UNKNOWN_REFERENCE",
                        format!("supplier {code} does not exist or is retired"),
                        format!("供应商 {code} 不存在或已停用"),
                    )
                })?;
                Some((OrgId(record.id), code.clone()))
            }
        };
        let share_bp = read_bp(share.share_bp);
        whole.push(LiabilityShare { party: share.party, supplier, share_bp, reason: share.reason.clone() });
    }
    Ok(whole)
}

/// Makes an appraisal final: the claim no longer waits, and a first opinion gives way.
pub(super) async fn finalize(call: &Call, request: v1::AppraisalStepRequest) -> Answer<v1::Appraisal> {
    let (name, etag) = (request.name.as_str(), request.etag.as_str());
    call.run(
        false,
        |tx| {
            Box::pin(async move {
                let stored = found(tx, call.scope()?, name, etag).await?;
                let claim = claim_of(tx, call, stored.value.claim).await?;
                let permit = call.permit(Act::DecideClaim(claim.value.parties()))?;
                let setting = settings::in_force(tx, call.today()).await?;
                let level = permit.actor().approval_level;
                let last = stored.value.clone().finalize(level, &setting, call.today(), call.now);
                let last = last.map_err(|error| refused(name, error))?;
                if let Some(first) = last.supersedes {
                    let first_name = named(first.0);
                    let first = found(tx, call.scope()?, &first_name, "").await?;
                    let gives_way = first.value.clone().supersede(last.id, call.now);
                    let gives_way = gives_way.map_err(|error| refused(&first_name, error))?;
                    saved(tx, call, &permit, &first, gives_way, Verb::Supersede).await?;
                }
                let free = claim.value.clone().end_appraisal(call.now);
                if free != claim.value {
                    save_claim(tx, call, &permit, &claim, free, "endAppraisal", &[]).await?;
                }
                post_fee(tx, call, &permit, &last).await?;
                let stored = saved(tx, call, &permit, &stored, last, Verb::Finalize).await?;
                Ok((name.to_owned(), shown(call, &stored)?))
            })
        },
        |name| replay(call, name),
    )
    .await
}

/// Posts what is owed to the appraiser. The appraisal's version decides who finalises it, so the cause is new.
async fn post_fee(tx: &mut Tx<'_>, call: &Call, permit: &Permit, appraisal: &Appraisal) -> Answer<()> {
    let Some(proposal) = posting_rules::appraisal_fee(appraisal)? else { return Ok(()) };
    let (name, actor) = (named(appraisal.id.0), permit.actor());
    let entry = Entry::of(proposal, call.new_id(), call.now, actor.user, actor.org)
        .map_err(|error| Refusal::fault(format!("fee of {name}: {error}")))?;
    tx.insert_entry(permit, &entry).await.map_err(|error| match error {
        // Somebody else finalised the same version first.
        StoreError::AlreadyExists { .. } => Refusal::stale(&name),
        other => other.into(),
    })
}

/// Takes an order back: the claim no longer waits, and the appraiser no longer sees it.
pub(super) async fn cancel(call: &Call, request: v1::AppraisalNoteRequest) -> Answer<v1::Appraisal> {
    let (name, etag, text) = (request.name.as_str(), request.etag.as_str(), request.text.as_str());
    call.run(
        false,
        |tx| {
            Box::pin(async move {
                let stored = found(tx, call.scope()?, name, etag).await?;
                let claim = claim_of(tx, call, stored.value.claim).await?;
                let permit = call.permit(Act::DecideClaim(claim.value.parties()))?;
                let cancelled = stored.value.clone().cancel(text.to_owned(), call.now);
                let cancelled = cancelled.map_err(|error| refused(name, error))?;
                let stored = saved(tx, call, &permit, &stored, cancelled, Verb::Cancel).await?;
                close_case(tx, call, &permit, &stored.value).await?;
                Ok((name.to_owned(), shown(call, &stored)?))
            })
        },
        |name| replay(call, name),
    )
    .await
}
