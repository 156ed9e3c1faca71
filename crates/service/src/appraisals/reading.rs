//! Reading appraisals, their evidence, and whether a conclusion is what was signed.

use recourse_domain::access::Role;
use recourse_domain::appraisals::{Appraisal, Conclusion};
use recourse_domain::catalog::{Field, Stored};
use recourse_domain::query::order::Order;
use recourse_proto::v1::appraisal_check::Kind;
use recourse_proto::{Method, v1};
use recourse_repository::APPRAISAL_FIELDS;

use super::{COLLECTION, shown};
use crate::context::Call;
use crate::convert::{appraisals as convert_appraisals, names};
use crate::error::{Answer, Refusal};
use crate::lists::{self, ListInput};
use crate::signatures::experts::Outcome;
use crate::signatures::{self, experts};

/// Reads an appraisal. A repeated command reads through here too, with the rows that reading reaches.
pub(super) async fn get(call: &Call, request: v1::GetAppraisalRequest) -> Answer<v1::Appraisal> {
    shown(call, &stored(call, Method::AppraisalServiceGetAppraisal, &request.name).await?)
}

async fn stored(call: &Call, method: Method, name: &str) -> Answer<Stored<Appraisal>> {
    let id = names::uuid_in(name, COLLECTION)?;
    let scope = call.scope_of(method)?;
    call.inner.store.appraisal(&scope, id).await?.ok_or_else(|| Refusal::not_found(name))
}

/// Lists appraisals.
pub(super) async fn list(call: &Call, request: v1::ListAppraisalsRequest) -> Answer<v1::ListAppraisalsResponse> {
    let v1::ListAppraisalsRequest { page_size, page_token, filter, order_by } = request;
    let input = ListInput { page_size, page_token, filter, order_by, ..ListInput::default() };
    // What a reader does not see can't be asked for either: a filter would tell it.
    let actor = call.actor()?;
    let told = |field: &&Field| field.name != "external_ref" || actor.is_oem() || actor.has(Role::Appraiser);
    let fields: Vec<Field> = APPRAISAL_FIELDS.iter().filter(told).copied().collect();
    let query = lists::query(call, &input, &fields, Order::newest_first())?;
    let page = call.inner.store.appraisals(call.scope()?, &query).await?;
    let appraisals = page.items.iter().map(|stored| shown(call, stored)).collect::<Answer<_>>()?;
    Ok(v1::ListAppraisalsResponse { appraisals, next_page_token: lists::next_token(call, &input, page.next)? })
}

/// Reads the evidence pack.
pub(super) async fn pack(call: &Call, request: v1::GetEvidencePackRequest) -> Answer<v1::EvidencePack> {
    let name = request.name.strip_suffix("/evidencePack").ok_or_else(|| Refusal::not_found(&request.name))?;
    let stored = stored(call, Method::AppraisalServiceGetEvidencePack, name).await?;
    Ok(convert_appraisals::show_pack(stored.id, &stored.value.pack))
}

/// Recomputes what was signed and says of each thing whether it holds.
pub(super) async fn verify(call: &Call, request: v1::VerifyAppraisalRequest) -> Answer<v1::VerifyAppraisalResponse> {
    let stored = stored(call, Method::AppraisalServiceVerifyAppraisal, &request.name).await?;
    let Some(conclusion) = &stored.value.conclusion else {
        return Err(Refusal::state_conflict(&request.name, stored.value.state.word().word(), "verify"));
    };
    let mut checks = vec![of_pack(&stored.value)];
    let keys = call.inner.store.conclusion_keys().await?;
    let own = signatures::check_own(&conclusion.signature, &keys);
    checks.push(check(Kind::Payload, of_payload(&stored.value, conclusion, own.text)));
    checks.push(check(Kind::ServerKey, own.key.map(|()| conclusion.key_id.clone())));
    checks.push(check(Kind::ServerSignature, own.signature.map(|()| String::new())));
    if !conclusion.expert_signature.is_empty() {
        let expert = experts::check(
            &conclusion.expert_signature,
            &conclusion.payload,
            conclusion.conclude_time,
            &call.inner.trust_anchors,
            &conclusion.registered,
        );
        checks.push(told(Kind::ExpertCertificate, expert.certificate));
        checks.push(told(Kind::ExpertSignature, expert.signature));
        checks.push(told(Kind::ExpertValidity, expert.validity));
        checks.push(told(Kind::ExpertChain, expert.chain));
        checks.push(told(Kind::ExpertBinding, expert.binding));
    }
    let failed = i32::from(v1::appraisal_check::Outcome::Failed);
    Ok(v1::VerifyAppraisalResponse { valid: checks.iter().all(|check| check.outcome != failed), checks })
}

fn check(kind: Kind, result: Result<String, String>) -> v1::AppraisalCheck {
    told(kind, result.into())
}

fn told(kind: Kind, outcome: Outcome) -> v1::AppraisalCheck {
    let (outcome, text) = match outcome {
        Outcome::Passed(told) => (v1::appraisal_check::Outcome::Passed, told),
        Outcome::Failed(fault) => (v1::appraisal_check::Outcome::Failed, fault),
        Outcome::NotChecked(why) => (v1::appraisal_check::Outcome::NotChecked, why),
    };
    let passed = outcome == v1::appraisal_check::Outcome::Passed;
    let message = text.chars().take(1000).collect();
    v1::AppraisalCheck { kind: kind.into(), passed, message, outcome: outcome.into() }
}

fn of_pack(appraisal: &Appraisal) -> v1::AppraisalCheck {
    let faults = appraisal.pack.faults();
    let result = if faults.is_empty() {
        Ok(appraisal.pack.hash.clone())
    } else {
        Err(format!("altered after it was frozen: {}", faults.join(", ")))
    };
    check(Kind::EvidencePack, result)
}

/// The text that was signed must be the one that follows from what is shown.
fn of_payload(
    appraisal: &Appraisal,
    conclusion: &Conclusion,
    signed: Result<String, String>,
) -> Result<String, String> {
    let signed = signed?;
    let payload = appraisal
        .payload(&conclusion.findings, conclusion.expert, &conclusion.license_number)
        .map_err(|error| error.to_string())?;
    if payload != conclusion.payload {
        return Err("the findings that are shown are not those of the signed text".into());
    }
    let whole = Appraisal::signed_text(conclusion).map_err(|error| error.to_string())?;
    if whole == signed { Ok(String::new()) } else { Err("the signed text differs from the conclusion".into()) }
}
