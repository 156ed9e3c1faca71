//! Ordering an appraisal: the first, another in the place of one, a second opinion.

use std::collections::BTreeSet;

use chrono::{DateTime, Utc};
use recourse_domain::access::{Act, Permit};
use recourse_domain::appraisals::{Appraisal, Order, Verb};
use recourse_domain::catalog::{Appraiser, Stored, Supplier};
use recourse_domain::claims::Claim;
use recourse_domain::ids::{AppraisalId, Code, OrgId};
use recourse_domain::recovery_claims::liability;
use recourse_domain::text::Violation;
use recourse_proto::v1;
use recourse_proto::v1::error_reason::Code as Reason;
use recourse_repository::{StoreError, Tx};
use uuid::Uuid;

use super::sight::{claim_of, save_claim};
use super::{COLLECTION, already_open, audience, found, refused, replay, saved, shown};
use crate::context::Call;
use crate::convert::{Reader, appraisals as convert_appraisals, names};
use crate::error::{Answer, Refusal};
use crate::recovery_claims::facts_of;

/// What is asked of an appraiser.
struct Ask {
    appraiser: Code,
    suppliers: Vec<Code>,
    questions: Vec<String>,
    due_time: DateTime<Utc>,
    external_ref: String,
}

/// Orders an appraisal of a claim in review.
///
/// The evidence is frozen, the appraiser gets sight of the claim, and the claim waits. An appraiser with an interest
/// in a party is refused.
pub(super) async fn create(call: &Call, request: v1::CreateAppraisalRequest) -> Answer<v1::Appraisal> {
    let message = request.appraisal.unwrap_or_default();
    let id = if request.appraisal_id.is_empty() {
        call.new_id()
    } else {
        Uuid::parse_str(&request.appraisal_id).map_err(|_| {
            Refusal::field("appraisal_id", "BAD_FORMAT", "an appraisal id is a UUID", "appraisal_id 必须是 UUID")
        })?
    };
    let claim = names::uuid_in(&message.claim, "claims")?;
    let mut reader = Reader::default();
    let appraiser = reader.needed_name("appraisal.appraiser", "appraisers", &message.appraiser);
    let suppliers = reader.codes("appraisal.suppliers", "suppliers", &message.suppliers);
    let due_time = needed_instant(&mut reader, "appraisal.due_time", message.due_time.as_ref());
    let ask = reader
        .whole(|| {
            Some(Ask {
                appraiser: appraiser?,
                suppliers,
                questions: message.questions,
                due_time: due_time?,
                external_ref: message.external_ref,
            })
        })
        .map_err(Refusal::invalid)?;
    let (ask, claim_name) = (&ask, message.claim.as_str());
    call.run(
        request.validate_only,
        |tx| {
            Box::pin(async move {
                let everything = call.everything()?;
                let claim = tx.claim(&everything, claim).await?.ok_or_else(|| Refusal::not_found(claim_name))?;
                let permit = call.permit(Act::DecideClaim(claim.value.parties()))?;
                let (order, appraiser) = order(tx, call, id, ask, &claim.value).await?;
                let appraisal =
                    Appraisal::order(order, &claim.value, &appraiser).map_err(|found| under(found, "appraisal"))?;
                let stored = begin(tx, call, &permit, appraisal, claim).await?;
                Ok((convert_appraisals::named(id), shown(call, &stored)?))
            })
        },
        |name| replay(call, name),
    )
    .await
}

/// Gives the case to another appraiser: the one before loses sight of the claim.
pub(super) async fn reassign(call: &Call, request: v1::ReassignAppraisalRequest) -> Answer<v1::Appraisal> {
    again(call, request, Verb::Reassign).await
}

/// Orders a second opinion. The first counts until the second is final.
pub(super) async fn supersede(call: &Call, request: v1::ReassignAppraisalRequest) -> Answer<v1::Appraisal> {
    again(call, request, Verb::Supersede).await
}

async fn again(call: &Call, request: v1::ReassignAppraisalRequest, verb: Verb) -> Answer<v1::Appraisal> {
    let mut reader = Reader::default();
    let appraiser = reader.needed_name("appraiser", "appraisers", &request.appraiser);
    let due_time = needed_instant(&mut reader, "due_time", request.due_time.as_ref());
    let asked = reader.whole(|| Some((appraiser?, due_time?))).map_err(Refusal::invalid)?;
    let (id, asked, request) = (call.new_id(), &asked, &request);
    let name = request.name.as_str();
    call.run(
        false,
        |tx| {
            Box::pin(async move {
                let first = found(tx, call.scope()?, name, &request.etag).await?;
                let claim = claim_of(tx, call, first.value.claim).await?;
                let permit = call.permit(Act::DecideClaim(claim.value.parties()))?;
                let ask = Ask {
                    appraiser: asked.0.clone(),
                    suppliers: first.value.suppliers.iter().map(|(_, code)| code.clone()).collect(),
                    questions: if request.questions.is_empty() {
                        first.value.questions.clone()
                    } else {
                        request.questions.clone()
                    },
                    due_time: asked.1,
                    external_ref: String::new(),
                };
                if ask.appraiser == first.value.appraiser_code {
                    return Err(Refusal::field(
                        "appraiser",
                        "SAME_APPRAISER",
                        "name another appraiser than the one who has, or had, the case",
                        "请指定与原鉴定机构不同的机构",
                    ));
                }
                let (order, appraiser) = order(tx, call, id, &ask, &claim.value).await?;
                let mut next = Appraisal::order(order, &claim.value, &appraiser).map_err(Refusal::invalid)?;
                let claim = if verb == Verb::Supersede {
                    first.value.expect_supersedable().map_err(|error| refused(name, error))?;
                    next.supersedes = Some(first.value.id);
                    claim
                } else {
                    next.reassigned_from = Some(first.value.id);
                    give_up(tx, call, &permit, &first, claim, (AppraisalId(id), &request.reason)).await?
                };
                let stored = begin(tx, call, &permit, next, claim).await?;
                Ok((convert_appraisals::named(id), shown(call, &stored)?))
            })
        },
        |name| replay(call, name),
    )
    .await
}

/// Ends the case of the appraiser before: it loses sight of the claim, which for the moment waits for nobody.
async fn give_up(
    tx: &mut Tx<'_>,
    call: &Call,
    permit: &Permit,
    first: &Stored<Appraisal>,
    claim: Stored<Claim>,
    (to, reason): (AppraisalId, &str),
) -> Answer<Stored<Claim>> {
    let name = convert_appraisals::named(first.id);
    let org = first.value.appraiser;
    let ended = first.value.clone().reassign(to, reason.to_owned(), call.now).map_err(|error| refused(&name, error))?;
    tx.take_sight(permit, ended.claim, org).await?;
    saved(tx, call, permit, first, ended, Verb::Reassign).await?;
    let free = claim.value.clone().end_appraisal(call.now).unshare(org);
    if free == claim.value {
        return Ok(claim);
    }
    save_claim(tx, call, permit, &claim, free, "unshared", &[org]).await
}

/// Writes a new appraisal; its appraiser gets sight of the claim, which waits from now on.
async fn begin(
    tx: &mut Tx<'_>,
    call: &Call,
    permit: &Permit,
    appraisal: Appraisal,
    claim: Stored<Claim>,
) -> Answer<Stored<Appraisal>> {
    let name = convert_appraisals::named(appraisal.id.0);
    let claim_name = format!("claims/{}", claim.id);
    let waiting = claim.value.clone().await_appraisal(call.now).map_err(|state| {
        if claim.value.state.word() == recourse_domain::claims::StateWord::InReview {
            already_open(&name)
        } else {
            Refusal::new(
                Reason::StateConflict,
                format!("the claim is {}; an appraisal is ordered while it is IN_REVIEW", state.word()),
                format!("索赔单状态为 {}；只有审核中（IN_REVIEW）的索赔单可以委托鉴定", state.word()),
            )
            .with("resource", &claim_name)
            .with("state", state.word())
        }
    })?;
    tx.give_sight(permit, appraisal.claim, appraisal.appraiser, call.now).await?;
    let shared = waiting.share_with(appraisal.appraiser);
    save_claim(tx, call, permit, &claim, shared, "shared", &[]).await?;
    let note = call.note("create", name.clone(), COLLECTION, Vec::new(), &audience(&appraisal));
    tx.insert_appraisal(permit, appraisal, note).await.map_err(|error| match error {
        StoreError::AlreadyExists { what } if what.contains("number") => Refusal::overtaken(),
        StoreError::AlreadyExists { what } if what.contains("open_claim_id") => already_open(&name),
        StoreError::AlreadyExists { .. } => Refusal::already_exists(&name),
        other => other.into(),
    })
}

/// The order with its parties: named suppliers, else those that can have made the causal part.
async fn order(tx: &mut Tx<'_>, call: &Call, id: Uuid, ask: &Ask, claim: &Claim) -> Answer<(Order, Appraiser)> {
    let everything = call.everything()?;
    let unknown = |field: &str, code: &Code| {
        Refusal::field(
            field,
            "UNKNOWN_REFERENCE",
            format!("{code} does not exist or is retired"),
            format!("{code} 不存在或已停用"),
        )
    };
    let active = |retired: Option<DateTime<Utc>>| retired.is_none();
    let appraiser = tx.record::<Appraiser>(&everything, ask.appraiser.as_str()).await?;
    let appraiser =
        appraiser.filter(|found| active(found.retire_time)).ok_or_else(|| unknown("appraiser", &ask.appraiser))?;
    let named = if ask.suppliers.is_empty() {
        liability::candidates(claim, &facts_of(tx, call, claim).await?)
    } else {
        ask.suppliers.clone()
    };
    let codes: BTreeSet<String> = named.iter().map(Code::to_string).collect();
    let records = tx.active_records::<Supplier>(&everything, &codes).await?;
    let mut suppliers = Vec::with_capacity(named.len());
    for code in &named {
        match records.iter().find(|record| &record.value.code == code) {
            Some(record) => suppliers.push((OrgId(record.id), code.clone())),
            // A candidate that is gone is no party any more; one that is named must be there.
            None if ask.suppliers.is_empty() => {}
            None => return Err(unknown("suppliers", code)),
        }
    }
    let order = Order {
        id: AppraisalId(id),
        seed: call.new_id(),
        appraiser_id: OrgId(appraiser.id),
        suppliers,
        ordered_by: call.actor()?.user,
        questions: ask.questions.clone(),
        due_time: ask.due_time,
        external_ref: ask.external_ref.clone(),
        now: call.now,
        today: call.today(),
    };
    Ok((order, appraiser.value))
}

fn needed_instant(
    reader: &mut Reader,
    field: &str,
    value: Option<&recourse_proto::wkt::Timestamp>,
) -> Option<DateTime<Utc>> {
    if value.is_none() {
        reader.refuse(Violation::new(field, "REQUIRED", "must be given", "必填"));
    }
    reader.instant(field, value)
}

fn under(found: Vec<Violation>, parent: &str) -> Refusal {
    Refusal::invalid(found.into_iter().map(|violation| violation.under(parent)).collect())
}
