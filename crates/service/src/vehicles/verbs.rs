//! What happens to a vehicle. Each verb reads its input, asks the domain for the next state, and leaves a
//! change row that names it.

use recourse_domain::access::Act;
use recourse_domain::catalog::{Record, Reference, Station};
use recourse_domain::ids::{ClaimId, Code, OrgId};
use recourse_domain::text::Violation;
use recourse_domain::vehicle::{NewComponent, Sale, Vehicle};
use recourse_proto::{Method, v1};

use crate::catalog::{self, VehicleResource, Verb};
use crate::context::Call;
use crate::convert::Reader;
use crate::convert::vehicles::{read_sale, read_use};
use crate::entitlements;
use crate::error::{Answer, Refusal};

/// Records the sale to a user. A station records its own sales only. With it the vehicle has the entitlements
/// that its policy gives.
pub(super) async fn record_sale(call: &Call, request: v1::RecordSaleRequest) -> Answer<v1::Vehicle> {
    let v1::RecordSaleRequest { name, etag, request_id: _, sale, owner } = request;
    let mut reader = Reader::default();
    let sale = read_sale(&mut reader, "sale", sale.unwrap_or_default());
    let owner = reader.owner("owner", &owner);
    let mut sale = reader.whole(|| sale).map_err(Refusal::invalid)?;
    sale.seller = seller(call, sale.seller.take()).await?;
    let references = sale.seller.iter().map(|code| reference::<Station>("sale.seller", code)).collect();
    let sale: &Sale = &sale;
    let verb = verb("recordSale", &["sale", "events", "ownership_periods"], references);
    let step = |vehicle: Vehicle| {
        let vehicle = vehicle.record_sale(sale.clone(), owner, call.new_id(), call.today())?;
        // What holds of a sale when a vehicle is created holds of it now too.
        vehicle.check().into_iter().find(|violation| violation.field.starts_with("sale")).map_or(Ok(vehicle), Err)
    };
    let step = |vehicle| step(vehicle).map_err(|violation| Refusal::invalid(vec![violation]));
    catalog::step_and::<VehicleResource>(call, &name, &etag, verb, step, entitlements::issue_for_sale).await
}

/// Records a new owner.
pub(super) async fn transfer_owner(call: &Call, request: v1::TransferOwnerRequest) -> Answer<v1::Vehicle> {
    let v1::TransferOwnerRequest { name, etag, request_id: _, owner, date } = request;
    let mut reader = Reader::default();
    let owner = reader.owner("owner", &owner);
    let date = reader.needed_date("date", date.as_ref());
    let date = reader.whole(|| date).map_err(Refusal::invalid)?;
    let verb = verb("transferOwner", &["ownership_periods", "events"], Vec::new());
    change(call, &name, &etag, verb, |vehicle| vehicle.transfer_owner(owner, date, call.new_id(), call.today())).await
}

/// Records another use.
pub(super) async fn change_use(call: &Call, request: v1::ChangeUseRequest) -> Answer<v1::Vehicle> {
    let v1::ChangeUseRequest { name, etag, request_id: _, vehicle_use, date } = request;
    let mut reader = Reader::default();
    let vehicle_use = reader.choice("vehicle_use", vehicle_use, read_use);
    let date = reader.needed_date("date", date.as_ref());
    let (vehicle_use, date) = reader.whole(|| vehicle_use.zip(date)).map_err(Refusal::invalid)?;
    let verb = verb("changeUse", &["vehicle_use", "events"], Vec::new());
    change(call, &name, &etag, verb, |vehicle| vehicle.change_use(vehicle_use, date, call.new_id(), call.today())).await
}

/// Records that the manufacturer took the vehicle back: its own decision, so no station's fact.
pub(super) async fn mark_returned(call: &Call, request: v1::MarkReturnedRequest) -> Answer<v1::Vehicle> {
    let v1::MarkReturnedRequest { name, etag, request_id: _, reason, date } = request;
    let mut reader = Reader::default();
    let date = reader.needed_date("date", date.as_ref());
    let date = reader.whole(|| date).map_err(Refusal::invalid)?;
    let paths = &["returned", "events", "ownership_periods"];
    let verb = Verb { act: Act::WriteMasterData, ..verb("markReturned", paths, Vec::new()) };
    let reason = reason.as_str();
    change(call, &name, &etag, verb, |vehicle| {
        vehicle.mark_returned(reason.to_owned(), date, call.new_id(), call.today())
    })
    .await
}

/// Records a component, and the end of the one that it takes the place of.
pub(super) async fn record_component(call: &Call, request: v1::RecordComponentRequest) -> Answer<v1::Vehicle> {
    let v1::RecordComponentRequest {
        name,
        etag,
        request_id: _,
        part,
        serial_number,
        position,
        lot,
        supplier,
        date,
        replaces_serial_number,
        claim,
    } = request;
    let mut reader = Reader::default();
    let part = reader.needed_name("part", "parts", &part);
    let supplier = reader.named("supplier", "suppliers", &supplier);
    let date = reader.date("date", date.as_ref());
    let claim = reader.claim("claim", &claim);
    let part = reader.whole(|| part).map_err(Refusal::invalid)?;
    let mut references = vec![reference::<recourse_domain::catalog::Part>("part", &part)];
    references.extend(supplier.iter().map(|code| reference::<recourse_domain::catalog::Supplier>("supplier", code)));
    if let Some(claim) = claim {
        refuse_foreign_claim(call, claim, &catalog::code_in::<VehicleResource>(&name)?).await?;
    }
    let new = NewComponent { part, serial_number, position, lot, supplier, date, replaces_serial_number, claim };
    let new = &new;
    let verb = verb("recordComponent", &["components"], references);
    change(call, &name, &etag, verb, |vehicle| vehicle.record_component(new.clone(), call.new_id(), call.today())).await
}

fn verb(word: &'static str, paths: &'static [&'static str], references: Vec<Reference>) -> Verb {
    Verb { word, paths, act: Act::RecordVehicleFact, references }
}

fn reference<R: Record>(field: &str, code: &Code) -> Reference {
    Reference { field: field.to_owned(), table: R::TABLE, collection: R::COLLECTION, code: code.to_string() }
}

async fn change(
    call: &Call,
    name: &str,
    etag: &str,
    verb: Verb,
    step: impl Fn(Vehicle) -> Result<Vehicle, Violation> + Send + Sync,
) -> Answer<v1::Vehicle> {
    let step = |vehicle| step(vehicle).map_err(|violation| Refusal::invalid(vec![violation]));
    catalog::step::<VehicleResource>(call, name, etag, verb, step).await
}

/// The station that sold: the one that is named. Who acts for stations names one of theirs, or none if they
/// act for one only.
async fn seller(call: &Call, named: Option<Code>) -> Answer<Option<Code>> {
    let actor = call.actor()?;
    if actor.is_oem() {
        return Ok(named);
    }
    let scope = &call.scope_of(Method::StationServiceGetStation)?;
    let alone = (actor.orgs.len() <= 1).then_some(actor.org);
    let named = named.as_ref();
    let station = call
        .inner
        .store
        .read(|tx| {
            Box::pin(async move {
                let found = match (named, alone) {
                    (Some(code), _) => tx.record::<Station>(scope, code.as_str()).await?,
                    (None, Some(own)) => tx.record_by_id::<Station>(scope, own.0).await?,
                    (None, None) => None,
                };
                Ok::<_, Refusal>(found)
            })
        })
        .await?;
    let own = station.filter(|station| actor.orgs.contains(&OrgId(station.id))).ok_or_else(|| {
        Refusal::field(
            "sale.seller",
            "NOT_YOUR_STATION",
            "a station records its own sales: name a station that you act for, such as stations/S-001",
            "服务站只能登记本站的销售：请填写您所代表的服务站，如 stations/S-001",
        )
    })?;
    Ok(Some(own.value.code))
}

/// The claim of a component is one that the caller reads, and of this vehicle.
async fn refuse_foreign_claim(call: &Call, claim: ClaimId, vin: &str) -> Answer<()> {
    let scope = call.scope_of(Method::ClaimServiceGetClaim)?;
    let stored = call.inner.store.claim(&scope, claim.0).await?;
    if stored.is_some_and(|stored| stored.value.header.vin.as_deref() == Some(vin)) {
        return Ok(());
    }
    Err(Refusal::field(
        "claim",
        "UNKNOWN_REFERENCE",
        "is no claim on this vehicle among those you may see; leave it empty if there was none",
        "在您可查看的范围内不是该车辆的索赔单；没有索赔时请留空",
    ))
}
