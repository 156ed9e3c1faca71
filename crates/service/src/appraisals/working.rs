//! The appraiser's side, and what the parties say to it.

use recourse_domain::access::{Act, Permit};
use recourse_domain::appraisals::lifecycle::Concluding;
use recourse_domain::appraisals::{Appraisal, AppraisalError, Conclusion, Party, RemarkKind, Verb};
use recourse_domain::catalog::Stored;
use recourse_domain::ids::OrgId;
use recourse_proto::v1;
use recourse_repository::Tx;
use uuid::Uuid;

use super::sight::{claim_of, save_claim, share_claim};
use super::{appraiser_of, found, refused, replay, saved, shown, suppliers};
use crate::context::Call;
use crate::convert::{Reader, appraisals as convert_appraisals};
use crate::error::{Answer, Refusal};
use crate::signatures::experts::Outcome;
use crate::signatures::{self, experts};

/// Leave to work on the case: who ordered it never does.
fn work(call: &Call, stored: &Stored<Appraisal>) -> Answer<Permit> {
    call.permit(Act::WorkOnAppraisal { appraiser: stored.value.appraiser, ordered_by: stored.value.ordered_by })
}

/// A step of the appraiser that needs nothing but the appraisal.
async fn step(
    call: &Call,
    (name, etag): (&str, &str),
    verb: Verb,
    act: impl Fn(Appraisal, &Permit) -> Result<Appraisal, AppraisalError> + Send + Sync,
) -> Answer<v1::Appraisal> {
    let act = &act;
    call.run(
        false,
        |tx| {
            Box::pin(async move {
                let stored = found(tx, call.scope()?, name, etag).await?;
                let permit = work(call, &stored)?;
                let next = act(stored.value.clone(), &permit).map_err(|error| refused(name, error))?;
                let stored = saved(tx, call, &permit, &stored, next, verb).await?;
                Ok((name.to_owned(), shown(call, &stored)?))
            })
        },
        |name| replay(call, name),
    )
    .await
}

/// Accepts a case and names the expert, whose licence must be valid today.
pub(super) async fn accept(call: &Call, request: v1::AcceptAppraisalRequest) -> Answer<v1::Appraisal> {
    let expert = Uuid::parse_str(&request.expert)
        .map_err(|_| Refusal::field("expert", "BAD_FORMAT", "an expert's id is a UUID", "专家 id 必须是 UUID"))?;
    let name = request.name.as_str();
    let etag = request.etag.as_str();
    call.run(
        false,
        |tx| {
            Box::pin(async move {
                let stored = found(tx, call.scope()?, name, etag).await?;
                let permit = work(call, &stored)?;
                let appraiser = appraiser_of(tx, call, &stored.value).await?;
                let accepted = stored.value.clone().accept(expert, &appraiser, call.today(), call.now);
                let accepted = accepted.map_err(|error| refused(name, error))?;
                let stored = saved(tx, call, &permit, &stored, accepted, Verb::Accept).await?;
                Ok((name.to_owned(), shown(call, &stored)?))
            })
        },
        |name| replay(call, name),
    )
    .await
}

/// Declines a case: it goes back to the auditor, and the appraiser loses sight of the claim.
pub(super) async fn decline(call: &Call, request: v1::AppraisalNoteRequest) -> Answer<v1::Appraisal> {
    let (name, etag, text) = (request.name.as_str(), request.etag.as_str(), request.text.as_str());
    call.run(
        false,
        |tx| {
            Box::pin(async move {
                let stored = found(tx, call.scope()?, name, etag).await?;
                let permit = work(call, &stored)?;
                let declined = stored.value.clone().decline(text.to_owned(), call.now);
                let declined = declined.map_err(|error| refused(name, error))?;
                let stored = saved(tx, call, &permit, &stored, declined, Verb::Decline).await?;
                close_case(tx, call, &permit, &stored.value).await?;
                Ok((name.to_owned(), shown(call, &stored)?))
            })
        },
        |name| replay(call, name),
    )
    .await
}

/// The claim of a case that ended without a conclusion no longer waits, and the appraiser no longer sees it.
pub(super) async fn close_case(tx: &mut Tx<'_>, call: &Call, permit: &Permit, appraisal: &Appraisal) -> Answer<()> {
    let claim = claim_of(tx, call, appraisal.claim).await?;
    tx.take_sight(permit, appraisal.claim, appraisal.appraiser).await?;
    let free = claim.value.clone().end_appraisal(call.now).unshare(appraisal.appraiser);
    if free != claim.value {
        save_claim(tx, call, permit, &claim, free, "unshared", &[appraisal.appraiser]).await?;
    }
    Ok(())
}

/// Begins the work.
pub(super) async fn start(call: &Call, request: v1::AppraisalStepRequest) -> Answer<v1::Appraisal> {
    step(call, (&request.name, &request.etag), Verb::Start, |appraisal, _| appraisal.start(call.now)).await
}

/// Asks for something that is missing: the clock stands.
pub(super) async fn request_information(call: &Call, request: v1::AppraisalNoteRequest) -> Answer<v1::Appraisal> {
    step(call, (&request.name, &request.etag), Verb::RequestInformation, |appraisal, permit| {
        appraisal.request_information(request.text.clone(), permit.actor().user, call.now)
    })
    .await
}

/// Shares a draft: suppliers that may be liable get sight of the claim with it.
pub(super) async fn share_draft(call: &Call, request: v1::ShareAppraisalDraftRequest) -> Answer<v1::Appraisal> {
    let draft = convert_appraisals::read_findings("draft", request.draft).map_err(Refusal::invalid)?;
    let (name, etag, draft) = (request.name.as_str(), request.etag.as_str(), &draft);
    call.run(
        false,
        |tx| {
            Box::pin(async move {
                let stored = found(tx, call.scope()?, name, etag).await?;
                let permit = work(call, &stored)?;
                let shared = stored.value.clone().share_draft(draft.clone(), call.now);
                let shared = shared.map_err(|error| refused(name, error))?;
                share_claim(tx, call, &permit, shared.claim, suppliers(&shared)).await?;
                let stored = saved(tx, call, &permit, &stored, shared, Verb::ShareDraft).await?;
                Ok((name.to_owned(), shown(call, &stored)?))
            })
        },
        |name| replay(call, name),
    )
    .await
}

/// Concludes: the technical cause, signed by the server and, if given, by the expert.
pub(super) async fn conclude(call: &Call, request: v1::ConcludeAppraisalRequest) -> Answer<v1::Appraisal> {
    let findings = convert_appraisals::read_findings("findings", request.findings).map_err(Refusal::invalid)?;
    let mut reader = Reader::default();
    let fee = reader.money("fee", request.fee.as_ref());
    let fee = reader.finish(fee).map_err(Refusal::invalid)?;
    let key = signatures::signing_key(&call.inner.store).await?;
    let concluding = Concluding { findings, fee, expert_signature: request.expert_signature, by: call.actor()?.user };
    let (name, etag, concluding, key) = (request.name.as_str(), request.etag.as_str(), &concluding, &key);
    call.run(
        request.validate_only,
        |tx| {
            Box::pin(async move {
                let stored = found(tx, call.scope()?, name, etag).await?;
                let permit = work(call, &stored)?;
                let appraiser = appraiser_of(tx, call, &stored.value).await?;
                let concluded = stored.value.clone().conclude(concluding.clone(), &appraiser, call.today(), call.now);
                let mut concluded = concluded.map_err(|error| refused(name, error))?;
                if let Some(conclusion) = &mut concluded.conclusion {
                    // What both databases keep of an instant is what is signed.
                    let micros = conclusion.conclude_time.timestamp_micros();
                    conclusion.conclude_time =
                        chrono::DateTime::from_timestamp_micros(micros).unwrap_or(conclusion.conclude_time);
                    if !conclusion.expert_signature.is_empty() {
                        check_expert(conclusion, call)?;
                    }
                    let text = Appraisal::signed_text(conclusion)
                        .map_err(|error| Refusal::fault(format!("conclusion of {name}: {error}")))?;
                    conclusion.signature = signatures::sign(key, &text)?;
                    conclusion.key_id = key.kid.clone();
                }
                let stored = saved(tx, call, &permit, &stored, concluded, Verb::Conclude).await?;
                Ok((name.to_owned(), shown(call, &stored)?))
            })
        },
        |name| replay(call, name),
    )
    .await
}

/// An expert's signature is checked when it comes: one that does not hold would be worth nothing later.
fn check_expert(conclusion: &Conclusion, call: &Call) -> Answer<()> {
    let (anchors, registered) = (&call.inner.trust_anchors, &conclusion.registered);
    let (jws, payload, at) = (&conclusion.expert_signature, &conclusion.payload, conclusion.conclude_time);
    let check = experts::check(jws, payload, at, anchors, registered);
    match check.outcomes().into_iter().find_map(Outcome::fault) {
        None => Ok(()),
        Some(fault) => Err(Refusal::field(
            "expert_signature",
            "SIGNATURE_DOES_NOT_HOLD",
            format!(
                "{fault}; sign conclusion.payload of a dry run (validate_only) with ES256 and send the JWS detached, with x5c"
            ),
            format!(
                "专家签名无效（{fault}）；请对 validate_only 返回的 conclusion.payload 以 ES256 签名，并以附带 x5c 的分离式 JWS 提交"
            ),
        )),
    }
}

/// Provides what the appraiser asked for.
pub(super) async fn provide_information(call: &Call, request: v1::AppraisalNoteRequest) -> Answer<v1::Appraisal> {
    speak(call, &request, Verb::ProvideInformation, |appraisal, _, permit| {
        appraisal.provide_information(request.text.clone(), permit.actor().user, call.now)
    })
    .await
}

/// Comments on a draft.
pub(super) async fn comment(call: &Call, request: v1::AppraisalNoteRequest) -> Answer<v1::Appraisal> {
    speak(call, &request, Verb::Comment, |appraisal, party, permit| {
        appraisal.remark(RemarkKind::Comment, party, request.text.clone(), permit.actor().user, call.now)
    })
    .await
}

/// Objects to the appraiser.
pub(super) async fn object(call: &Call, request: v1::AppraisalNoteRequest) -> Answer<v1::Appraisal> {
    speak(call, &request, Verb::Object, |appraisal, party, permit| {
        appraisal.remark(RemarkKind::Objection, party, request.text.clone(), permit.actor().user, call.now)
    })
    .await
}

/// What somebody says in the name of the party that their organisation is.
async fn speak(
    call: &Call,
    request: &v1::AppraisalNoteRequest,
    verb: Verb,
    say: impl Fn(Appraisal, Party, &Permit) -> Result<Appraisal, AppraisalError> + Send + Sync,
) -> Answer<v1::Appraisal> {
    let (name, etag, say) = (request.name.as_str(), request.etag.as_str(), &say);
    call.run(
        false,
        |tx| {
            Box::pin(async move {
                let stored = found(tx, call.scope()?, name, etag).await?;
                let actor = call.actor()?;
                let mut orgs: Vec<OrgId> = vec![actor.org];
                orgs.extend(&actor.orgs);
                let spoken = orgs.into_iter().find_map(|org| Some((org, stored.value.party(org)?)));
                let (org, party) = spoken.ok_or_else(|| Refusal::not_found(name))?;
                let permit = call.permit(Act::SpeakFor { org })?;
                let next = say(stored.value.clone(), party, &permit).map_err(|error| refused(name, error))?;
                let stored = saved(tx, call, &permit, &stored, next, verb).await?;
                Ok((name.to_owned(), shown(call, &stored)?))
            })
        },
        |name| replay(call, name),
    )
    .await
}
