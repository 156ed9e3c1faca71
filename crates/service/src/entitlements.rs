//! Entitlements to free services: issued with a sale or by hand, taken back, expired by time. Claiming them is
//! a matter of claims.

use recourse_domain::access::{Act, Permit};
use recourse_domain::catalog::{Field, FieldKind, Stored, WarrantyPolicy};
use recourse_domain::change::Audience;
use recourse_domain::claims::draft::MAX_AMOUNT_MINOR;
use recourse_domain::entitlements::{ENTITLEMENT_FIELDS, EntitlementState, ServiceEntitlement, services_of};
use recourse_domain::ids::EntitlementId;
use recourse_domain::query::order::Order;
use recourse_domain::text::Violation;
use recourse_domain::vehicle::Vehicle;
use recourse_proto::redact::Redact;
use recourse_proto::v1::error_reason::Code as Reason;
use recourse_proto::v1::service_entitlement_service_server::ServiceEntitlementService;
use recourse_proto::{Method, v1};
use recourse_repository::Tx;
use tonic::{Request, Response, Status};
use uuid::Uuid;

use crate::api::Api;
use crate::catalog::{self, VehicleResource};
use crate::claims::effects;
use crate::context::{Boxed, Call};
use crate::convert::{self, Reader, entitlements as convert_entitlements, names};
use crate::error::{Answer, Refusal};
use crate::lists::{self, ListInput};
use crate::sight;

const COLLECTION: &str = "serviceEntitlements";

#[tonic::async_trait]
impl ServiceEntitlementService for Api {
    async fn get_service_entitlement(
        &self,
        request: Request<v1::GetServiceEntitlementRequest>,
    ) -> Result<Response<v1::ServiceEntitlement>, Status> {
        let method = Method::ServiceEntitlementServiceGetServiceEntitlement;
        let (call, request) = Call::read(&self.inner, method, request)?;
        call.answer(get(&call, &request.name).await)
    }

    async fn list_service_entitlements(
        &self,
        request: Request<v1::ListServiceEntitlementsRequest>,
    ) -> Result<Response<v1::ListServiceEntitlementsResponse>, Status> {
        let method = Method::ServiceEntitlementServiceListServiceEntitlements;
        let (call, request) = Call::read(&self.inner, method, request)?;
        call.answer(list(&call, request).await)
    }

    async fn issue_service_entitlement(
        &self,
        request: Request<v1::IssueServiceEntitlementRequest>,
    ) -> Result<Response<v1::ServiceEntitlement>, Status> {
        let method = Method::ServiceEntitlementServiceIssueServiceEntitlement;
        let (call, request) = Call::command(&self.inner, method, request, |r| &mut r.request_id)?;
        call.answer(issue(&call, request).await)
    }

    async fn void_service_entitlement(
        &self,
        request: Request<v1::VoidServiceEntitlementRequest>,
    ) -> Result<Response<v1::ServiceEntitlement>, Status> {
        let method = Method::ServiceEntitlementServiceVoidServiceEntitlement;
        let (call, request) = Call::command(&self.inner, method, request, |r| &mut r.request_id)?;
        call.answer(void(&call, request).await)
    }
}

fn shown(call: &Call, stored: &Stored<ServiceEntitlement>) -> Answer<v1::ServiceEntitlement> {
    let orgs = &call.actor()?.orgs;
    let own = stored.value.state.holder().is_some_and(|holder| orgs.contains(&holder.station));
    let mut message = convert_entitlements::show(stored);
    message.redact(&call.viewer(own));
    Ok(message)
}

async fn get(call: &Call, name: &str) -> Answer<v1::ServiceEntitlement> {
    let id = names::uuid_in(name, COLLECTION)?;
    let scope = call.scope_of(Method::ServiceEntitlementServiceGetServiceEntitlement)?;
    let stored = call.inner.store.entitlement(&scope, id).await?.ok_or_else(|| Refusal::not_found(name))?;
    shown(call, &stored)
}

/// Lists those of one vehicle; only the manufacturer looks at all of them.
async fn list(call: &Call, request: v1::ListServiceEntitlementsRequest) -> Answer<v1::ListServiceEntitlementsResponse> {
    let v1::ListServiceEntitlementsRequest { parent, page_size, page_token, filter, order_by } = request;
    let vin = match names::id_in(&parent, "vehicles")? {
        "-" if call.actor()?.is_oem() => None,
        "-" => {
            return Err(Refusal::new(
                Reason::NotPermitted,
                "only the manufacturer lists the entitlements of all vehicles; name a vehicle",
                "只有主机厂可列出全部车辆的保养权益；请指定车辆",
            ));
        }
        _ => Some(catalog::code_in::<VehicleResource>(&parent)?),
    };
    let input = ListInput { page_size, page_token, filter, order_by, within: parent, ..ListInput::default() };
    // Who doesn't see a field doesn't filter by it: the answers would tell it.
    let viewer = call.viewer(true);
    let seen = |field: &&Field| !sight::hides_field(&viewer, "recourse.v1.ServiceEntitlement", field.name);
    let fields: Vec<Field> = ENTITLEMENT_FIELDS.iter().filter(seen).copied().collect();
    let query = lists::query(call, &input, &fields, Order::by("create_time", FieldKind::Time))?;
    let page = call.inner.store.entitlements(call.scope()?, vin.as_deref(), &query).await?;
    Ok(v1::ListServiceEntitlementsResponse {
        service_entitlements: page.items.iter().map(|stored| shown(call, stored)).collect::<Answer<_>>()?,
        next_page_token: lists::next_token(call, &input, page.next)?,
    })
}

/// What an entitlement that is issued by hand has of its own; the policy gives the rest.
struct Terms {
    last_day: Option<chrono::NaiveDate>,
    to_km: Option<i64>,
    fee: Option<recourse_domain::money::Money>,
}

/// Issues one by hand.
async fn issue(call: &Call, request: v1::IssueServiceEntitlementRequest) -> Answer<v1::ServiceEntitlement> {
    let permit = call.permit(Act::ManageEntitlement)?;
    let mut reader = Reader::default();
    let terms = Terms {
        last_day: reader.date("last_date", request.last_date.as_ref()),
        to_km: reader.distance(request.to_distance.as_ref()),
        fee: reader.money("fee", request.fee.as_ref()),
    };
    let terms = reader.finish(terms).map_err(Refusal::invalid)?;
    let vin = catalog::code_in::<VehicleResource>(&request.parent)?;
    let (request, permit, terms, vin) = (&request, &permit, &terms, vin.as_str());
    call.run(
        false,
        |tx| {
            Box::pin(async move {
                let everything = call.everything()?;
                let vehicle = tx.record::<Vehicle>(&everything, vin).await?;
                let vehicle = vehicle.ok_or_else(|| Refusal::not_found(&request.parent))?.value;
                let policies = policies(tx, call).await?;
                let new = by_hand(call, request, terms, &vehicle, &policies)?;
                let existing = tx.entitlements_of_vehicle(vin).await?;
                if existing.iter().any(|stored| stored.value.open_key() == new.open_key()) {
                    return Err(Refusal::new(
                        Reason::ResourceAlreadyExists,
                        "the vehicle has an entitlement to this service; void it first, or claim it",
                        "该车已有此次保养的权益；请先作废，或直接申报",
                    )
                    .with("resource", &request.parent));
                }
                let name = new.name();
                let stored = effects::insert_entitlement(tx, call, permit, new, &Audience::Oem).await?;
                Ok((name, shown(call, &stored)?))
            })
        },
        |name| Box::pin(async move { get(call, &name).await }),
    )
    .await
}

fn by_hand(
    call: &Call,
    request: &v1::IssueServiceEntitlementRequest,
    terms: &Terms,
    vehicle: &Vehicle,
    policies: &[WarrantyPolicy],
) -> Answer<ServiceEntitlement> {
    let today = call.today();
    let key = (EntitlementId(call.new_id()), call.new_id());
    let start = vehicle.warranty_start();
    let given = services_of(vehicle, policies, today).and_then(|(policy, services)| {
        services.iter().find(|service| service.sequence == request.sequence).map(|service| (policy, service))
    });
    let mut new = match (given, start, terms.last_day, terms.to_km, terms.fee) {
        (Some((policy, service)), Some(start), ..) => {
            ServiceEntitlement::of_policy(vehicle, start, policy, service, key, today)
        }
        (_, _, Some(last_day), Some(to_km), Some(fee)) => ServiceEntitlement::on_own_terms(
            vehicle,
            request.sequence,
            (start.unwrap_or(today), last_day),
            to_km,
            fee,
            key,
            today,
        ),
        _ => {
            return Err(Refusal::field(
                "sequence",
                "NOT_IN_POLICY",
                "the vehicle's policy gives no service of this number; say last_date, to_distance and fee",
                "该车的政策没有此次保养；请填写 last_date、to_distance 与 fee",
            ));
        }
    };
    new.last_day = terms.last_day.unwrap_or(new.last_day);
    new.to_km = terms.to_km.unwrap_or(new.to_km);
    new.fee = terms.fee.unwrap_or(new.fee);
    new.reason = request.reason.trim().to_owned();
    new.external_ref = request.external_ref.trim().to_owned();
    Refusal::check(wrong_terms(&new))?;
    Ok(new)
}

fn wrong_terms(new: &ServiceEntitlement) -> Vec<Violation> {
    let mut found = Vec::new();
    if new.last_day < new.first_day {
        found.push(Violation::new("last_date", "OUT_OF_ORDER", "is before the warranty begins", "早于质保起始日"));
    }
    if new.to_km < new.from_km {
        found.push(Violation::new("to_distance", "OUT_OF_ORDER", "is below the fewest kilometres", "小于最低里程"));
    }
    if new.fee.is_negative() {
        found.push(Violation::new("fee", "NEGATIVE", "must not be below zero", "不能为负数"));
    }
    if new.fee.minor > MAX_AMOUNT_MINOR {
        found.push(Violation::new("fee", "OUT_OF_RANGE", "must be below ten thousand million", "须小于一百亿"));
    }
    found
}

async fn found(tx: &mut Tx<'_>, call: &Call, name: &str) -> Answer<Stored<ServiceEntitlement>> {
    let id = names::uuid_in(name, COLLECTION)?;
    tx.entitlement(call.scope()?, id).await?.ok_or_else(|| Refusal::not_found(name))
}

/// Takes one back that no claim holds.
async fn void(call: &Call, request: v1::VoidServiceEntitlementRequest) -> Answer<v1::ServiceEntitlement> {
    let permit = call.permit(Act::ManageEntitlement)?;
    let (request, permit, name) = (&request, &permit, request.name.as_str());
    call.run(
        false,
        |tx| {
            Box::pin(async move {
                let stored = found(tx, call, name).await?;
                convert::check_etag(&request.etag, stored.version, name)?;
                let state = stored.value.state.word();
                let void = stored.value.clone().void(request.reason.trim().to_owned());
                let void = void.map_err(|_| Refusal::state_conflict(name, state, "void"))?;
                effects::save_entitlement(tx, call, permit, &stored, void, "void", &Audience::Oem).await?;
                let after = found(tx, call, name).await?;
                Ok((name.to_owned(), shown(call, &after)?))
            })
        },
        |name| Box::pin(async move { get(call, &name).await }),
    )
    .await
}

/// Notes that the time of an entitlement is over.
pub(crate) async fn expire(call: &Call, id: Uuid, submission_window_days: i32) -> Answer<()> {
    let permit = call.permit(Act::EnforceDeadline)?;
    let permit = &permit;
    call.run(
        false,
        |tx| {
            Box::pin(async move {
                let name = format!("{COLLECTION}/{id}");
                let stored = found(tx, call, &name).await?;
                if let Ok(expired) = stored.value.clone().expire(call.today(), submission_window_days) {
                    effects::save_entitlement(tx, call, permit, &stored, expired, "expire", &Audience::Oem).await?;
                }
                Ok((name, ()))
            })
        },
        |_| Box::pin(async { Ok(()) }),
    )
    .await
}

/// After a sale: issues what the vehicle's policy gives, and voids what an earlier sale had left.
pub(crate) fn issue_for_sale<'t>(
    tx: &'t mut Tx<'_>,
    call: &'t Call,
    permit: &'t Permit,
    vehicle: &'t Stored<Vehicle>,
) -> Boxed<'t, Answer<()>> {
    Box::pin(async move {
        let vehicle = &vehicle.value;
        let Some(start) = vehicle.warranty_start() else { return Ok(()) };
        let existing = tx.entitlements_of_vehicle(vehicle.vin.as_str()).await?;
        for stored in existing.iter().filter(|stored| stored.value.first_day != start && stored.value.state.is_free()) {
            if let Ok(void) = stored.value.clone().void("the vehicle was sold again".to_owned()) {
                effects::save_entitlement(tx, call, permit, stored, void, "void", &Audience::Oem).await?;
            }
        }
        let policies = policies(tx, call).await?;
        let Some((policy, services)) = services_of(vehicle, &policies, start) else { return Ok(()) };
        for service in services {
            let stands = existing.iter().map(|stored| &stored.value).any(|one| {
                one.sequence == service.sequence && one.first_day == start && one.state != EntitlementState::Void
            });
            if !stands {
                let key = (EntitlementId(call.new_id()), call.new_id());
                let new = ServiceEntitlement::of_policy(vehicle, start, policy, service, key, call.today());
                effects::insert_entitlement(tx, call, permit, new, &Audience::Oem).await?;
            }
        }
        Ok(())
    })
}

/// After the first day of a warranty was corrected: what claims hold goes with the warranty, the rest is issued
/// anew.
pub(crate) async fn follow_correction(
    tx: &mut Tx<'_>,
    call: &Call,
    permit: &Permit,
    vehicle: &Stored<Vehicle>,
    before: chrono::NaiveDate,
) -> Answer<()> {
    let Some(start) = vehicle.value.warranty_start().filter(|start| *start != before) else { return Ok(()) };
    let existing = tx.entitlements_of_vehicle(vehicle.value.vin.as_str()).await?;
    for stored in existing.iter().filter(|stored| stored.value.first_day == before) {
        if stored.value.state.holder().is_some() {
            let moved = stored.value.clone().of_warranty_from(start);
            effects::save_entitlement(tx, call, permit, stored, moved, "correct", &Audience::Oem).await?;
        } else if let Ok(void) = stored.value.clone().void("the warranty begins on another day".to_owned()) {
            effects::save_entitlement(tx, call, permit, stored, void, "void", &Audience::Oem).await?;
        }
    }
    issue_for_sale(tx, call, permit, vehicle).await
}

async fn policies(tx: &mut Tx<'_>, call: &Call) -> Answer<Vec<WarrantyPolicy>> {
    let everything = call.everything()?;
    let policies = tx.all_records::<WarrantyPolicy>(&everything, "state", "PUBLISHED").await?;
    Ok(policies.into_iter().map(|stored| stored.value).collect())
}
