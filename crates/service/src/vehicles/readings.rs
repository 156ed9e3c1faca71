//! Odometer readings: written once, never changed, never falling but by a correction.

use chrono::NaiveDate;
use recourse_domain::access::Act;
use recourse_domain::catalog::{ColumnValue, FieldKind, Record};
use recourse_domain::query::filter::{Expr, Op};
use recourse_domain::query::order::Order;
use recourse_domain::query::page::ListQuery;
use recourse_domain::text::Violation;
use recourse_domain::vehicle::{OdometerIssue, OdometerReading, OdometerSource, Origin, Vehicle, check_reading};
use recourse_proto::redact::Redact;
use recourse_proto::v1;
use recourse_repository::Tx;
use uuid::Uuid;

use crate::catalog::{self, Resource, VehicleResource, present};
use crate::context::Call;
use crate::convert::vehicles::{read_source, show_reading};
use crate::convert::{Reader, names};
use crate::error::{Answer, Refusal};
use crate::lists::{self, ListInput};
use crate::settings;

/// Readings of a vehicle, the newest first.
pub(super) fn newest_first() -> Order {
    Order { column: "date", kind: FieldKind::Date, descending: true }
}

/// What is recorded, before it is checked against the others.
struct Given {
    date: NaiveDate,
    km: i64,
    source: OdometerSource,
    external_ref: String,
}

/// Records a reading. The vehicle counts one more version, so that the feed tells of it.
pub(super) async fn create(call: &Call, request: v1::CreateOdometerReadingRequest) -> Answer<v1::OdometerReading> {
    let v1::CreateOdometerReadingRequest { parent, odometer_reading, request_id: _, validate_only } = request;
    let vin = catalog::code_in::<VehicleResource>(&parent)?;
    let given = read(call, &odometer_reading.unwrap_or_default())?;
    let permit = call.permit(Act::RecordVehicleFact)?;
    let (vin, given, permit) = (vin.as_str(), &given, &permit);
    call.run(
        validate_only,
        |tx| {
            Box::pin(async move {
                let vehicle = present::<VehicleResource>(tx, call, vin, "").await?;
                refuse_contradiction(tx, call, &vehicle.value, given).await?;
                let reading = OdometerReading {
                    id: call.new_id(),
                    vin: vehicle.value.vin.clone(),
                    date: given.date,
                    km: given.km,
                    source: given.source,
                    claim: None,
                    retracted: false,
                    recorded_time: call.now,
                    origin: Some(Origin { org: permit.actor().org, external_ref: given.external_ref.clone() }),
                };
                tx.insert_reading(permit, &reading).await?;
                let name = format!("vehicles/{vin}");
                let paths = vec!["odometer_readings".to_owned()];
                let audience = vehicle.value.audience(vehicle.id);
                let note = call.note("recordOdometer", name.clone(), Vehicle::COLLECTION, paths, &audience);
                let record = vehicle.value.clone();
                tx.update_record(permit, &vehicle, record, note)
                    .await
                    .map_err(|error| Refusal::unless_stale(error, &name))?;
                let message = shown(call, &reading);
                Ok((message.name.clone(), message))
            })
        },
        |name| Box::pin(async move { again(call, &name).await }),
    )
    .await
}

/// Lists the readings of a vehicle, the newest first.
pub(super) async fn list(
    call: &Call,
    request: v1::ListOdometerReadingsRequest,
) -> Answer<v1::ListOdometerReadingsResponse> {
    let v1::ListOdometerReadingsRequest { parent, page_size, page_token } = request;
    let vin = known(call, &parent).await?;
    let input = ListInput { page_size, page_token, within: vin.clone(), ..ListInput::default() };
    let query = lists::query(call, &input, &[], newest_first())?;
    let page = call.inner.store.readings(&vin, &query).await?;
    Ok(v1::ListOdometerReadingsResponse {
        odometer_readings: page.items.iter().map(|reading| shown(call, reading)).collect(),
        next_page_token: lists::next_token(call, &input, page.next)?,
    })
}

/// The VIN of a vehicle that the caller may read.
async fn known(call: &Call, parent: &str) -> Answer<String> {
    let vin = catalog::code_in::<VehicleResource>(parent)?;
    let vehicle = call.inner.store.record::<Vehicle>(call.scope()?, &vin).await?;
    if vehicle.is_some() { Ok(vin) } else { Err(Refusal::not_found(parent)) }
}

/// A reading as the caller may see it.
pub(super) fn shown(call: &Call, reading: &OdometerReading) -> v1::OdometerReading {
    let mut message = show_reading(reading);
    let sent_by = reading.origin.as_ref().map(|origin| origin.org);
    let own = call.actor().is_ok_and(|actor| sent_by.is_some_and(|org| actor.orgs.contains(&org)));
    message.redact(&call.viewer(own));
    message
}

fn read(call: &Call, message: &v1::OdometerReading) -> Answer<Given> {
    let v1::OdometerReading { name: _, date, odometer, source, claim: _, retracted: _, external_ref, create_time: _ } =
        message;
    let external_ref = external_ref.trim().to_owned();
    let mut reader = Reader::default();
    let date = reader.needed_date("date", date.as_ref());
    let km = reader.needed_distance("odometer", odometer.as_ref());
    let source = reader.choice("source", *source, read_source);
    let given =
        reader.whole(|| Some(Given { date: date?, km: km?, source: source?, external_ref })).map_err(of_reading)?;
    let mut violations = Vec::new();
    let today = call.today();
    if given.date > today {
        violations.push(Violation::new(
            "date",
            "IN_THE_FUTURE",
            format!("is later than today, {today}"),
            format!("晚于今天 {today}"),
        ));
    }
    match given.source {
        OdometerSource::Sale | OdometerSource::Claim | OdometerSource::Correction => violations.push(Violation::new(
            "source",
            "BY_THE_SYSTEM",
            "SALE, CLAIM and CORRECTION are recorded by the system; use REPAIR_ORDER, INSPECTION or TELEMATICS, or ask for a \
             correction (POST /v1/corrections), which another person decides",
            "SALE、CLAIM 与 CORRECTION 由系统登记；请使用 REPAIR_ORDER、INSPECTION 或 TELEMATICS，或提交更正申请（POST /v1/corrections），由另一人审批",
        )),
        OdometerSource::RepairOrder | OdometerSource::Inspection | OdometerSource::Telematics => {}
    }
    if violations.is_empty() { Ok(given) } else { Err(of_reading(violations)) }
}

/// Refuses a reading that contradicts the others by more than is tolerated.
async fn refuse_contradiction(tx: &mut Tx<'_>, call: &Call, vehicle: &Vehicle, given: &Given) -> Answer<()> {
    if let Some(built) = vehicle.build_date.filter(|built| given.date < *built) {
        return Err(of_reading(vec![Violation::new(
            "date",
            "TOO_EARLY",
            format!("is earlier than the vehicle was built, {built}"),
            format!("早于生产日期 {built}"),
        )]));
    }
    let tolerance = settings::in_force(tx, call.today()).await?.odometer_tolerance_km;
    let history = tx.odometer_history(vehicle.vin.as_str()).await?;
    let issues = check_reading(&history, given.date, given.km, tolerance);
    let violations: Vec<Violation> = issues.iter().map(|issue| contradiction(given.km, issue)).collect();
    if violations.is_empty() { Ok(()) } else { Err(of_reading(violations)) }
}

fn contradiction(km: i64, issue: &OdometerIssue<'_>) -> Violation {
    let (en, zh) = match issue {
        OdometerIssue::BelowEarlier(other) => (
            format!("{km} km is less than the {} km of {}", other.km, other.date),
            format!("{km} 公里小于 {} 的 {} 公里", other.date, other.km),
        ),
        OdometerIssue::AboveLater(other) => (
            format!("{km} km is more than the {} km of the later {}", other.km, other.date),
            format!("{km} 公里大于之后 {} 的 {} 公里", other.date, other.km),
        ),
    };
    Violation::new(
        "odometer",
        "ODOMETER_REGRESSION",
        format!(
            "{en}; check date and value; if the other reading is wrong or the instrument was replaced, ask for a correction of \
             it (POST /v1/corrections)"
        ),
        format!("{zh}；请核对日期与读数；如另一读数有误或已更换仪表，请申请更正该读数（POST /v1/corrections）"),
    )
}

fn of_reading(violations: Vec<Violation>) -> Refusal {
    Refusal::invalid(violations.into_iter().map(|violation| violation.under("odometer_reading")).collect())
}

/// Answers a repeated command with the reading that it wrote.
async fn again(call: &Call, name: &str) -> Answer<v1::OdometerReading> {
    let (vin, id) = names::child_in(name, "vehicles", "odometerReadings")?;
    let id = Uuid::parse_str(id).map_err(|_| Refusal::not_found(name))?;
    let vin = VehicleResource::code(vin).map_err(|_| Refusal::not_found(name))?;
    let of_id = Expr::Compare { column: "id", op: Op::Eq, value: ColumnValue::Uuid(Some(id)) };
    let query =
        ListQuery { filter: Some(of_id), order: newest_first(), page_size: 1, after: None, show_deleted: false };
    let page = call.inner.store.readings(&vin, &query).await?;
    page.items.first().map(|reading| shown(call, reading)).ok_or_else(|| Refusal::not_found(name))
}
