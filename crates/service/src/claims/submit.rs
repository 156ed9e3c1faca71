//! Submitting a claim and taking it back.

use recourse_domain::access::{Act, Permit};
use recourse_domain::claims::{Claim, Facts, Finding, SubmitError};
use recourse_domain::vehicle::{OdometerReading, OdometerSource, Vehicle};
use recourse_domain::vin::Vin;
use recourse_proto::redact::Redact;
use recourse_proto::v1;
use recourse_proto::v1::error_reason::Code as Reason;
use recourse_repository::{StoreError, Tx};

use super::{COLLECTION, adjudication, audience, effects, facts, found_for, refused_step, replay, shown};
use crate::context::Call;
use crate::convert::claims as convert_claims;
use crate::error::{Answer, Refusal};

/// Submits a claim as its next revision.
///
/// Everything that is found is told at once. Errors keep it where it is; warnings travel with it to the
/// auditor. The amounts are computed at the prices of the completion date and frozen; the odometer reading
/// counts from now on. Then the rule set in force decides, or says where the claim waits for a person. With
/// `validate_only` the same is found, and nothing is written or decided.
pub(super) async fn submit(call: &Call, request: v1::SubmitClaimRequest) -> Answer<v1::SubmitClaimResponse> {
    let (name, etag, validate_only) = (request.name.as_str(), request.etag.as_str(), request.validate_only);
    call.run(
        validate_only,
        |tx| {
            Box::pin(async move {
                let stored = found_for(tx, call, name, etag).await?;
                let permit = call.permit(Act::SubmitClaim(stored.value.parties()))?;
                let made_for_it = tx.attachments_of_claim(&stored.value).await?;
                let claim = stored.value.clone().with_evidence(&made_for_it);
                let names_more = claim != stored.value;
                if !validate_only {
                    alone_with_its_vehicle(tx, &claim).await?;
                    if let Some(original) = facts::original_of(&claim) {
                        // Of two supplements that are submitted at once, the second counts the first.
                        tx.hold_claim(original).await?;
                    }
                }
                let facts = facts::gather(tx, call, &claim).await?;
                if validate_only {
                    let forecast = forecast(tx, call, &facts, &claim).await?;
                    let (claim, findings) = claim.precheck(&facts);
                    let stored = recourse_domain::catalog::Stored { value: claim, ..stored };
                    return Ok((name.to_owned(), response(call, shown(call, &stored)?, &findings, forecast)));
                }
                let submitted = claim.submit(&facts, permit.actor().author()).map_err(|error| match error {
                    SubmitError::Transition(error) => refused_step(name, error),
                    SubmitError::HasErrors(findings) => has_errors(name, &findings),
                    SubmitError::Money(error) => error.into(),
                })?;
                let judged = adjudication::judge(tx, call, &facts, submitted.claim).await?;
                let claim = &judged.claim;
                let paths = ["state", "revision", "lines", "totals", "findings", "queue", "routing"];
                let mut paths = paths.map(str::to_owned).to_vec();
                paths.extend(names_more.then(|| "evidence".to_owned()));
                let note = call.note("submit", name.to_owned(), COLLECTION, paths, &audience(claim));
                let findings = claim.findings.clone();
                effects::reserve(tx, call, &permit, claim, &facts).await?;
                tx.note_evidence(&permit, claim).await?;
                if !judged.decides() {
                    // What a rule decides is one more version of the claim.
                    tx.seal(name, claim.id.0).await;
                }
                count_submitted_reading(tx, call, &permit, claim).await?;
                tx.insert_claim_revision(&permit, &submitted.revision).await?;
                judged.note_hit(tx, call).await?;
                let stored =
                    tx.update_claim(&permit, &stored, claim.clone(), note).await.map_err(|error| match error {
                        StoreError::Stale => Refusal::stale(name),
                        // Two submissions of one repair-order job met: looked at again, the first is found and named.
                        StoreError::AlreadyExists { what } if what.contains("open_job_key") => StoreError::Retry.into(),
                        other => other.into(),
                    })?;
                let stored = judged.decide(tx, call, stored, &facts.setting).await?;
                Ok((name.to_owned(), response(call, shown(call, &stored)?, &findings, None)))
            })
        },
        |name| {
            Box::pin(async move {
                let claim = replay(call, name).await?;
                let findings = claim.findings.clone();
                Ok(v1::SubmitClaimResponse { claim: Some(claim), findings, forecast: None })
            })
        },
    )
    .await
}

/// Of two claims on one vehicle that are submitted at one moment the second finds the first: neither is live yet when
/// the other looks, and a rule would approve both.
async fn alone_with_its_vehicle(tx: &mut Tx<'_>, claim: &Claim) -> Answer<()> {
    let Some(vin) = &claim.header.vin else { return Ok(()) };
    Ok(tx.hold_record::<Vehicle>(vin).await?)
}

/// Takes a claim back. What it had marked is undone: its odometer reading no longer counts.
pub(super) async fn withdraw(call: &Call, request: v1::WithdrawClaimRequest) -> Answer<v1::Claim> {
    let (name, etag, reason) = (request.name.as_str(), request.etag.as_str(), request.reason.as_str());
    call.run(
        false,
        |tx| {
            Box::pin(async move {
                let stored = found_for(tx, call, name, etag).await?;
                let permit = call.permit(Act::SubmitClaim(stored.value.parties()))?;
                let claim = stored
                    .value
                    .clone()
                    .withdraw(permit.actor().user, reason.to_owned(), call.now)
                    .map_err(|error| refused_step(name, error))?;
                effects::follow(tx, call, &permit, &claim).await?;
                tx.seal(name, claim.id.0).await;
                tx.retract_claim_readings(&permit, claim.id).await?;
                let note =
                    call.note("withdraw", name.to_owned(), COLLECTION, vec!["state".to_owned()], &audience(&claim));
                let stored = tx
                    .update_claim(&permit, &stored, claim, note)
                    .await
                    .map_err(|error| Refusal::unless_stale(error, name))?;
                Ok((name.to_owned(), shown(call, &stored)?))
            })
        },
        |name| replay(call, name),
    )
    .await
}

/// The odometer reading of a submission counts in place of the one that an earlier submission gave.
pub(crate) async fn count_submitted_reading(
    tx: &mut Tx<'_>,
    call: &Call,
    permit: &Permit,
    claim: &Claim,
) -> Answer<()> {
    let (Some((date, km)), Some(vin)) = (claim.odometer_reading(), &claim.header.vin) else { return Ok(()) };
    tx.retract_claim_readings(permit, claim.id).await?;
    let Ok(vin) = Vin::parse(vin) else { return Ok(()) };
    let reading = OdometerReading {
        id: call.new_id(),
        vin,
        date,
        km,
        source: OdometerSource::Claim,
        claim: Some(claim.id),
        retracted: false,
        recorded_time: call.now,
        origin: None,
    };
    Ok(tx.insert_reading(permit, &reading).await?)
}

/// What the rules in force would do with a submission of the claim; none if errors, or its state, keep it from
/// being submitted.
pub(super) async fn forecast(
    tx: &mut Tx<'_>,
    call: &Call,
    facts: &Facts,
    claim: &Claim,
) -> Answer<Option<v1::SubmissionForecast>> {
    let author = call.actor()?.author();
    let Ok(submitted) = claim.clone().submit(facts, author) else { return Ok(None) };
    let ruling = adjudication::forecast(tx, call, facts, &submitted.claim).await?;
    Ok(Some(convert_claims::show_forecast(ruling.as_ref(), call.lang)))
}

fn response(
    call: &Call,
    claim: v1::Claim,
    findings: &[Finding],
    forecast: Option<v1::SubmissionForecast>,
) -> v1::SubmitClaimResponse {
    let shown = findings.iter().map(|finding| convert_claims::show_finding(finding, call.lang)).collect();
    let mut response = v1::SubmitClaimResponse { claim: Some(claim), findings: shown, forecast };
    // The claim is redacted already; the findings beside it belong to whoever may submit.
    response.redact(&call.viewer(true));
    response
}

/// The refusal of a claim with errors: the first of them as violations, and how many more there are.
fn has_errors(name: &str, findings: &[Finding]) -> Refusal {
    let errors: Vec<&Finding> = findings.iter().filter(|finding| finding.blocks()).collect();
    let count = errors.len();
    let mut refusal = Refusal::new(
        Reason::ClaimHasErrors,
        format!("{count} findings keep the claim from being submitted; validate_only shows all of them"),
        format!("有 {count} 项错误，暂不能提交；使用 validate_only 可查看全部检查结果"),
    )
    .with("resource", name)
    .with("errors", count.to_string())
    .with("warnings", (findings.len() - count).to_string());
    refusal.violations = errors.into_iter().map(convert_claims::as_violation).collect();
    refusal
}
