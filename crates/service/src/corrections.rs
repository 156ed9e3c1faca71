//! Corrections of what is recorded of a vehicle: asked for by a station or the manufacturer, decided by another
//! person of the manufacturer, applied with the approval.

use recourse_domain::access::{Act, Permit};
use recourse_domain::catalog::{Record, Station, Stored};
use recourse_domain::change::Audience;
use recourse_domain::corrections::{
    AskingStation, CORRECTION_FIELDS, CorrectedValue, Correction, CorrectionDecision, CorrectionState, NotDecided,
    OdometerCorrection, SaleDateCorrection,
};
use recourse_domain::ids::{Code, CorrectionId, OrgId};
use recourse_domain::query::order::Order;
use recourse_domain::text::Violation;
use recourse_domain::vehicle::{OdometerReading, OdometerSource, Sale, Vehicle};
use recourse_proto::redact::Redact;
use recourse_proto::v1::correction_service_server::CorrectionService;
use recourse_proto::v1::error_reason::Code as Reason;
use recourse_proto::{Method, v1};
use recourse_repository::{StoreError, Tx};
use tonic::{Request, Response, Status};
use uuid::Uuid;

use crate::api::Api;
use crate::attachments::unknown_attachments;
use crate::catalog::unknown;
use crate::context::{Boxed, Call};
use crate::convert::corrections::{self as convert_corrections, Asked, AskedChange};
use crate::convert::{self, names};
use crate::entitlements;
use crate::error::{Answer, Refusal};
use crate::lists::{self, ListInput};

const COLLECTION: &str = "corrections";

#[tonic::async_trait]
impl CorrectionService for Api {
    async fn create_correction(
        &self,
        request: Request<v1::CreateCorrectionRequest>,
    ) -> Result<Response<v1::Correction>, Status> {
        let (call, request) =
            Call::command(&self.inner, Method::CorrectionServiceCreateCorrection, request, |r| &mut r.request_id)?;
        call.answer(create(&call, request).await)
    }

    async fn get_correction(
        &self,
        request: Request<v1::GetCorrectionRequest>,
    ) -> Result<Response<v1::Correction>, Status> {
        let (call, request) = Call::read(&self.inner, Method::CorrectionServiceGetCorrection, request)?;
        call.answer(get(&call, &request.name).await)
    }

    async fn list_corrections(
        &self,
        request: Request<v1::ListCorrectionsRequest>,
    ) -> Result<Response<v1::ListCorrectionsResponse>, Status> {
        let (call, request) = Call::read(&self.inner, Method::CorrectionServiceListCorrections, request)?;
        call.answer(list(&call, request).await)
    }

    async fn approve_correction(
        &self,
        request: Request<v1::ApproveCorrectionRequest>,
    ) -> Result<Response<v1::Correction>, Status> {
        let (call, request) =
            Call::command(&self.inner, Method::CorrectionServiceApproveCorrection, request, |r| &mut r.request_id)?;
        call.answer(approve(&call, request).await)
    }

    async fn reject_correction(
        &self,
        request: Request<v1::RejectCorrectionRequest>,
    ) -> Result<Response<v1::Correction>, Status> {
        let (call, request) =
            Call::command(&self.inner, Method::CorrectionServiceRejectCorrection, request, |r| &mut r.request_id)?;
        call.answer(reject(&call, request).await)
    }

    async fn withdraw_correction(
        &self,
        request: Request<v1::WithdrawCorrectionRequest>,
    ) -> Result<Response<v1::Correction>, Status> {
        let (call, request) =
            Call::command(&self.inner, Method::CorrectionServiceWithdrawCorrection, request, |r| &mut r.request_id)?;
        call.answer(withdraw(&call, request).await)
    }
}

fn shown(call: &Call, stored: &Stored<Correction>) -> Answer<v1::Correction> {
    let orgs = &call.actor()?.orgs;
    let own = stored.value.station.as_ref().is_some_and(|station| orgs.contains(&station.id));
    let mut message = convert_corrections::show(stored);
    message.redact(&call.viewer(own));
    Ok(message)
}

async fn get(call: &Call, name: &str) -> Answer<v1::Correction> {
    let id = names::uuid_in(name, COLLECTION)?;
    let scope = call.scope_of(Method::CorrectionServiceGetCorrection)?;
    let stored = call.inner.store.correction(&scope, id).await?.ok_or_else(|| Refusal::not_found(name))?;
    shown(call, &stored)
}

fn replay<'a>(call: &'a Call, name: String) -> Boxed<'a, Answer<v1::Correction>> {
    Box::pin(async move { get(call, &name).await })
}

async fn list(call: &Call, request: v1::ListCorrectionsRequest) -> Answer<v1::ListCorrectionsResponse> {
    let v1::ListCorrectionsRequest { page_size, page_token, filter, order_by } = request;
    let input = ListInput { page_size, page_token, filter, order_by, ..ListInput::default() };
    let query = lists::query(call, &input, CORRECTION_FIELDS, Order::newest_first())?;
    let page = call.inner.store.corrections(call.scope()?, &query).await?;
    let corrections = page.items.iter().map(|stored| shown(call, stored)).collect::<Answer<_>>()?;
    Ok(v1::ListCorrectionsResponse { corrections, next_page_token: lists::next_token(call, &input, page.next)? })
}

/// Who may follow the changes of a request: the station that asks.
fn audience(correction: &Correction) -> Audience {
    Audience::Organizations(correction.station.iter().map(|station| station.id).collect())
}

/// Asks for a correction of what is recorded now.
async fn create(call: &Call, request: v1::CreateCorrectionRequest) -> Answer<v1::Correction> {
    let given = request.correction.unwrap_or_default();
    let asked = convert_corrections::read(&given.vin, given.change.as_ref())
        .map_err(|found| Refusal::invalid(under_correction(found)))?;
    let id = match request.correction_id.as_str() {
        "" => call.new_id(),
        text => Uuid::parse_str(text).map_err(|_| {
            Refusal::field("correction_id", "BAD_FORMAT", "a correction's id is a UUID", "correction_id 必须是 UUID")
        })?,
    };
    let (given, asked) = (&given, &asked);
    call.run(
        request.validate_only,
        |tx| {
            Box::pin(async move {
                let station = asking_station(tx, call, &given.station).await?;
                let permit = call.permit(Act::AskForCorrection { station: station.as_ref().map(|asks| asks.id) })?;
                let value = recorded(tx, call, asked).await?;
                let mut found = value.check();
                found.extend(unknown_attachments(tx, &given.evidence, station.as_ref().map(|asks| asks.id)).await?);
                Refusal::check(under_correction(found))?;
                let author = permit.actor().author();
                let correction = Correction {
                    id: CorrectionId(id),
                    vin: asked.vin.clone(),
                    value,
                    reason: given.reason.trim().to_owned(),
                    evidence: given.evidence.clone(),
                    external_ref: given.external_ref.clone(),
                    station,
                    requested_by: author.id,
                    requested_by_client: author.is_client,
                    state: CorrectionState::Requested,
                };
                let name = correction.name();
                let note = call.note("create", name.clone(), COLLECTION, Vec::new(), &audience(&correction));
                let stored = tx.insert_correction(&permit, correction, note).await.map_err(|error| match error {
                    StoreError::AlreadyExists { what } if what.contains("open_key") => asked_already(),
                    StoreError::AlreadyExists { .. } => Refusal::already_exists(&name),
                    other => other.into(),
                })?;
                Ok((name, shown(call, &stored)?))
            })
        },
        |name| replay(call, name),
    )
    .await
}

fn under_correction(found: Vec<Violation>) -> Vec<Violation> {
    found.into_iter().map(|violation| violation.under("correction")).collect()
}

fn asked_already() -> Refusal {
    Refusal::new(
        Reason::ResourceAlreadyExists,
        "a correction of this value is asked for already and waits for its decision; find it by vin and state",
        "该值已有待审核的更正申请；请按 vin 与 state 查询",
    )
}

/// The station that asks; none if the manufacturer does.
async fn asking_station(tx: &mut Tx<'_>, call: &Call, named: &str) -> Answer<Option<AskingStation>> {
    let actor = call.actor()?;
    if actor.is_oem() {
        return Ok(None);
    }
    let scope = call.scope_of(Method::StationServiceGetStation)?;
    let stored = if named.is_empty() {
        tx.record_by_id::<Station>(&scope, actor.org.0).await?
    } else {
        let code = Code::parse(named.strip_prefix("stations/").unwrap_or(named))
            .map_err(|_| Refusal::invalid(vec![convert::bad_code("correction.station")]))?;
        tx.record::<Station>(&scope, code.as_str()).await?
    };
    let own = stored.filter(|stored| actor.orgs.contains(&OrgId(stored.id))).ok_or_else(|| {
        Refusal::field(
            "correction.station",
            "UNKNOWN_REFERENCE",
            "a correction is asked for by a station that you act for; leave the field empty for your own",
            "只能为您所代表的服务站申请更正；本站可留空",
        )
    })?;
    Ok(Some(AskingStation { id: OrgId(own.id), code: own.value.code }))
}

/// What is asked for, held against what is recorded now.
async fn recorded(tx: &mut Tx<'_>, call: &Call, asked: &Asked) -> Answer<CorrectedValue> {
    let scope = call.scope_of(Method::VehicleServiceGetVehicle)?;
    let vin = asked.vin.as_str();
    let refused = |violation: Violation| Refusal::invalid(vec![violation.under("correction")]);
    let vehicle = tx.record::<Vehicle>(&scope, vin).await?.ok_or_else(|| refused(unknown("vin", "vehicles", vin)))?;
    match asked.change {
        AskedChange::Odometer { reading: id, right_km } => {
            let reading = tx.reading(vin, id).await?.filter(|reading| !reading.retracted).ok_or_else(|| {
                refused(Violation::new(
                    "odometer.odometer_reading",
                    "UNKNOWN_REFERENCE",
                    "the vehicle has no such reading, or it does not count any more",
                    "该车辆没有此读数，或该读数已不计入",
                ))
            })?;
            let (date, recorded_km) = (reading.date, reading.km);
            Ok(CorrectedValue::Odometer(OdometerCorrection { reading: id, date, recorded_km, right_km }))
        }
        AskedChange::SaleDate(right) => {
            let recorded = vehicle.value.sale.as_ref().map(Sale::dates).ok_or_else(|| {
                refused(Violation::new(
                    "sale_date",
                    "NO_SALE_RECORD",
                    "no sale is recorded; record it with :recordSale",
                    "尚无销售记录；请使用 :recordSale 登记",
                ))
            })?;
            Ok(CorrectedValue::SaleDate(SaleDateCorrection { recorded, right }))
        }
    }
}

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
async fn approve(call: &Call, request: v1::ApproveCorrectionRequest) -> Answer<v1::Correction> {
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
    let stored = tx.update_record(permit, before, corrected, note).await.map_err(|error| match error {
        // Something else of the vehicle was written meanwhile: whether the value stands is asked again.
        StoreError::Stale => StoreError::Retry.into(),
        other => Refusal::from(other),
    })?;
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
    tx.retract_reading(permit, odometer.reading).await.map_err(|error| match error {
        StoreError::Stale => StoreError::Retry,
        other => other,
    })?;
    let right = OdometerReading {
        id: call.new_id(),
        vin: vehicle.value.vin.clone(),
        date: odometer.date,
        km: odometer.right_km,
        source: OdometerSource::Correction,
        claim: None,
        retracted: false,
        recorded_time: call.now,
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
    let stored = tx.update_correction(permit, before, after, note).await.map_err(|error| match error {
        StoreError::Stale => Refusal::stale(&name),
        other => other.into(),
    })?;
    Ok((name, shown(call, &stored)?))
}

/// Rejects a request, with a reason.
async fn reject(call: &Call, request: v1::RejectCorrectionRequest) -> Answer<v1::Correction> {
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
async fn withdraw(call: &Call, request: v1::WithdrawCorrectionRequest) -> Answer<v1::Correction> {
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
