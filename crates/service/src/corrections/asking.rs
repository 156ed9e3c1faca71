//! Asking for a correction: who asks, what is recorded now, what proves the other.

use recourse_domain::access::Act;
use recourse_domain::catalog::Station;
use recourse_domain::corrections::{
    AskingStation, CorrectedValue, Correction, CorrectionState, OdometerCorrection, SaleDateCorrection,
};
use recourse_domain::ids::{Code, CorrectionId, OrgId};
use recourse_domain::text::Violation;
use recourse_domain::vehicle::{Sale, Vehicle};
use recourse_proto::v1::error_reason::Code as Reason;
use recourse_proto::{Method, v1};
use recourse_repository::{StoreError, Tx};
use uuid::Uuid;

use super::{COLLECTION, audience, replay, shown};
use crate::attachments::unknown_attachments;
use crate::catalog::unknown;
use crate::context::Call;
use crate::convert;
use crate::convert::corrections::{self as convert_corrections, Asked, AskedChange};
use crate::error::{Answer, Refusal};

/// Asks for a correction of what is recorded now.
pub(super) async fn create(call: &Call, request: v1::CreateCorrectionRequest) -> Answer<v1::Correction> {
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
