//! The end of a request: approved and applied, rejected, or taken back.

use recourse_domain::access::{Act, Permit};
use recourse_domain::catalog::{Record, Stored};
use recourse_domain::corrections::{CorrectedValue, Correction, CorrectionDecision, NotDecided, OdometerCorrection};
use recourse_domain::vehicle::{OdometerReading, OdometerSource, Vehicle};
use recourse_proto::v1;
use recourse_proto::v1::error_reason::Code as Reason;
use recourse_repository::Tx;

use super::{COLLECTION, audience, replay, shown};
use crate::context::Call;
use crate::convert::corrections as convert_corrections;
use crate::convert::{self, names};
use crate::entitlements;
use crate::error::{Answer, Refusal};

/// The request of a name for a command: within reach, and as the caller read it.
async fn found_for(tx: &mut Tx<'_>, call: &Call, name: &str, etag: &str) -> Answer<Stored<Correction>> {
    let id = names::uuid_in(name, COLLECTION)?;
    let stored = tx.correction(call.scope()?, id).await?.ok_or_else(|| Refusal::not_found(name))?;
    convert::check_etag(etag, stored.version, name)?;
    Ok(stored)
}

fn decision(call: &Call, permit: &Permit, note: &str) -> CorrectionDecision {
    let author = permit.actor().author();
    let note = note.trim().to_owned();
    CorrectionDecision { by: author.id, by_client: author.is_client, time: call.now, code: None, note }
}

fn refused(name: &str, stored: &Stored<Correction>, verb: &str, why: NotDecided) -> Refusal {
    let state = stored.value.state.word();
    match why {
        NotDecided::Ended => Refusal::state_conflict(name, state, verb),
        NotDecided::ValueChanged => Refusal::new(
            Reason::StateConflict,
            "what this would correct has changed since it was asked for; reject it, and ask again about what stands now",
            "申请之后该值已发生变化；请驳回本申请，并就当前值重新申请",
        )
        .with("resource", name)
        .with("state", state)
        .with("verb", verb),
        NotDecided::DoesNotFit(violation) => Refusal::invalid(vec![violation.under("correction")]),
    }
}

/// Approves a request and applies it: the reading is retracted and replaced, or the sale's dates corrected. The
/// vehicle counts one more version, whose history names the request.
pub(super) async fn approve(call: &Call, request: v1::ApproveCorrectionRequest) -> Answer<v1::Correction> {
    convert::require_etag(&request.etag)?;
    let (request, name) = (&request, request.name.as_str());
    call.run(
        false,
        |tx| {
            Box::pin(async move {
                let stored = found_for(tx, call, name, &request.etag).await?;
                let requested_by = stored.value.requested_by;
                let permit = call.permit(Act::DecideCorrection { requested_by })?;
                let vin = stored.value.vin.as_str();
                let vehicle = tx.record::<Vehicle>(&call.everything()?, vin).await?;
                let vehicle = vehicle.ok_or_else(|| Refusal::fault(format!("vehicle {vin} of {name} is missing")))?;
                let reading = match &stored.value.value {
                    CorrectedValue::Odometer(odometer) => tx.reading(vin, odometer.reading).await?,
                    CorrectedValue::SaleDate(_) => None,
                };
                let decision = decision(call, &permit, &request.note);
                let outcome = stored.value.clone().approve(
                    vehicle.value.clone(),
                    reading.as_ref(),
                    decision,
                    call.new_id(),
                    call.today(),
                );
                if outcome == Err(NotDecided::ValueChanged) {
                    // Another decision of this very request may have changed it, a moment ago.
                    found_for(tx, call, name, &request.etag).await?;
                }
                let (approved, corrected) = outcome.map_err(|why| refused(name, &stored, "approve", why))?;
                apply(tx, call, &permit, &approved.value, &vehicle, corrected).await?;
                save(tx, call, &permit, &stored, approved, "approve").await
            })
        },
        |name| replay(call, name),
    )
    .await
}

/// Writes what an approval changes.
async fn apply(
    tx: &mut Tx<'_>,
    call: &Call,
    permit: &Permit,
    value: &CorrectedValue,
    before: &Stored<Vehicle>,
    corrected: Vehicle,
) -> Answer<()> {
    let name = format!("vehicles/{}", corrected.vin);
    let paths: &[&str] = match value {
        CorrectedValue::Odometer(odometer) => {
            replace_reading(tx, call, permit, before, odometer).await?;
            &["odometer_readings", "events"]
        }
        CorrectedValue::SaleDate(_) => &["sale", "warranty_start", "events", "ownership_periods"],
    };
    let paths = paths.iter().map(|path| (*path).to_owned()).collect();
    let note = call.note("correct", name.clone(), Vehicle::COLLECTION, paths, &corrected.audience(before.id));
    // If something else of the vehicle was written meanwhile, whether the value stands is asked again.
    let stored = tx.update_record(permit, before, corrected, note).await.map_err(Refusal::unless_overtaken)?;
    match value {
        CorrectedValue::Odometer(_) => Ok(()),
        // The free services go with the warranty.
        CorrectedValue::SaleDate(dates) => {
            entitlements::follow_correction(tx, call, permit, &stored, dates.recorded.warranty_start()).await
        }
    }
}

async fn replace_reading(
    tx: &mut Tx<'_>,
    call: &Call,
    permit: &Permit,
    vehicle: &Stored<Vehicle>,
    odometer: &OdometerCorrection,
) -> Answer<()> {
    tx.retract_reading(permit, odometer.reading).await.map_err(Refusal::unless_overtaken)?;
    let right = OdometerReading {
        id: call.new_id(),
        vin: vehicle.value.vin.clone(),
        date: odometer.date,
        km: odometer.right_km,
        source: OdometerSource::Correction,
        claim: None,
        retracted: false,
        recorded_time: call.now,
        origin: None,
    };
    Ok(tx.insert_reading(permit, &right).await?)
}

async fn save(
    tx: &mut Tx<'_>,
    call: &Call,
    permit: &Permit,
    before: &Stored<Correction>,
    after: Correction,
    verb: &'static str,
) -> Answer<(String, v1::Correction)> {
    let name = after.name();
    let paths = ["state", "decided_by", "decide_time", "decision_code", "decision_note"].map(str::to_owned).to_vec();
    let note = call.note(verb, name.clone(), COLLECTION, paths, &audience(&after));
    let stored =
        tx.update_correction(permit, before, after, note).await.map_err(|error| Refusal::unless_stale(error, &name))?;
    Ok((name, shown(call, &stored)?))
}

/// Rejects a request, with a reason.
pub(super) async fn reject(call: &Call, request: v1::RejectCorrectionRequest) -> Answer<v1::Correction> {
    convert::require_etag(&request.etag)?;
    let code = convert_corrections::read_rejection(request.reason, &request.note).map_err(Refusal::invalid)?;
    let (request, name) = (&request, request.name.as_str());
    call.run(
        false,
        |tx| {
            Box::pin(async move {
                let stored = found_for(tx, call, name, &request.etag).await?;
                let requested_by = stored.value.requested_by;
                let permit = call.permit(Act::DecideCorrection { requested_by })?;
                let decision = CorrectionDecision { code: Some(code), ..decision(call, &permit, &request.note) };
                let rejected = stored.value.clone().reject(decision);
                let rejected = rejected.map_err(|why| refused(name, &stored, "reject", why))?;
                save(tx, call, &permit, &stored, rejected, "reject").await
            })
        },
        |name| replay(call, name),
    )
    .await
}

/// Takes a request back.
pub(super) async fn withdraw(call: &Call, request: v1::WithdrawCorrectionRequest) -> Answer<v1::Correction> {
    let (request, name) = (&request, request.name.as_str());
    call.run(
        false,
        |tx| {
            Box::pin(async move {
                let stored = found_for(tx, call, name, &request.etag).await?;
                let station = stored.value.station.as_ref().map(|station| station.id);
                let permit = call.permit(Act::AskForCorrection { station })?;
                let withdrawn = stored.value.clone().withdraw(decision(call, &permit, ""));
                let withdrawn = withdrawn.map_err(|why| refused(name, &stored, "withdraw", why))?;
                save(tx, call, &permit, &stored, withdrawn, "withdraw").await
            })
        },
        |name| replay(call, name),
    )
    .await
}
