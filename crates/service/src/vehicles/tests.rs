//! The life of a vehicle, as use cases over a store in memory.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use chrono::{DateTime, Utc};
use recourse_domain::access::{Actor, Right, Role};
use recourse_domain::clock::{Clock, IdSource};
use recourse_domain::ids::{OrgId, UserId};
use recourse_proto::v1::error_reason::Code as Reason;
use recourse_proto::v1::part_service_server::PartService;
use recourse_proto::v1::station_service_server::StationService;
use recourse_proto::v1::vehicle_service_server::VehicleService;
use recourse_proto::v1::warranty_policy_service_server::WarrantyPolicyService;
use recourse_proto::wkt::FieldMask;
use recourse_proto::{Method, google::r#type as google, status, v1};
use recourse_repository::{Store, StoreOptions};
use tonic::{Code, Request, Status};
use uuid::Uuid;

use crate::admission::{self, Identity};
use crate::api::{Api, ApiParts};
use crate::identity::outside::{Fetch, FetchFault};

const VIN: &str = "LJCPCBLCX11000237";

struct Noon;

impl Clock for Noon {
    fn now(&self) -> DateTime<Utc> {
        "2026-06-01T04:00:00Z".parse().unwrap()
    }
}

struct Counted(AtomicU64);

impl IdSource for Counted {
    fn new_id(&self) -> Uuid {
        Uuid::from_u128(0x0190_0000_0000_7000_8000_0000_0000_0000 + u128::from(self.0.fetch_add(1, Ordering::Relaxed)))
    }
}

/// Nobody outside is asked in these tests.
struct NoFetch;

impl Fetch for NoFetch {
    fn get<'a>(&'a self, _: &'a str) -> crate::context::Boxed<'a, Result<Vec<u8>, FetchFault>> {
        Box::pin(async { Err(FetchFault::Refused("no network")) })
    }
}

async fn api() -> Api {
    let store = Store::open(StoreOptions::new("sqlite::memory:")).await.unwrap();
    store.migrate().await.unwrap();
    let parts = ApiParts {
        accounts: crate::identity::AccountOptions::default(),
        attachments: crate::attachments::AttachmentOptions {
            files: recourse_repository::Files::in_folder(std::path::Path::new("never-made")),
            bounds: recourse_domain::attachments::Bounds { bytes: 1, pixels: 1 },
            max_unfinished_bytes: 1,
            keep_unfinished: chrono::TimeDelta::days(1),
            max_owner_bytes: 1,
        },
        trust_anchors: crate::TrustAnchors::default(),
        fetch: Arc::new(NoFetch),
        second_person: true,
        retention: crate::Retention::default(),
        store,
        clock: Arc::new(Noon),
        wall: Arc::new(Noon),
        ids: Arc::new(Counted(AtomicU64::new(1))),
        issuer: "https://test".to_owned(),
        audience: "test".to_owned(),
    };
    Api::open(parts).await.unwrap()
}

fn actor(role: Role, org: OrgId, rights: &[Right]) -> Arc<Actor> {
    Arc::new(Actor {
        user: UserId(Uuid::from_u128(77)),
        org,
        orgs: BTreeSet::from([org]),
        roles: BTreeSet::from([role]),
        rights: rights.iter().copied().collect(),
        approval_level: 0,
        reads_only: false,
        session: None,
        job: None,
    })
}

fn admin() -> Arc<Actor> {
    actor(Role::Admin, OrgId::OEM, &[])
}

/// A request that was let in for a caller.
fn by<M>(actor: &Arc<Actor>, method: Method, message: M) -> Request<M> {
    let mut request = Request::new(message);
    let identity = Identity::Known(Arc::clone(actor));
    request.extensions_mut().insert(admission::admit(method, Some(&identity)).unwrap());
    request
}

fn day(year: i32, month: i32, day: i32) -> Option<google::Date> {
    Some(google::Date { year, month, day })
}

fn km(value: i64) -> Option<v1::Distance> {
    Some(v1::Distance { value, unit: v1::distance::Unit::Kilometer.into() })
}

fn rules(status: &Status) -> Vec<(String, String)> {
    let details = status::Details::of(status);
    details.violations.iter().map(|violation| (violation.field.clone(), violation.reason.clone())).collect()
}

fn only(field: &str, rule: &str) -> Vec<(String, String)> {
    vec![(field.to_owned(), rule.to_owned())]
}

async fn create_vehicle(api: &Api, actor: &Arc<Actor>, vin: &str, reason: &str) -> Result<v1::Vehicle, Status> {
    let request = v1::CreateVehicleRequest {
        vehicle: Some(v1::Vehicle {
            vin_override_reason: reason.to_owned(),
            model: "m1".to_owned(),
            build_date: day(2025, 12, 1),
            drivetrain: v1::vehicle::Drivetrain::Combustion.into(),
            ..v1::Vehicle::default()
        }),
        vehicle_id: vin.to_owned(),
        ..v1::CreateVehicleRequest::default()
    };
    let method = Method::VehicleServiceCreateVehicle;
    api.create_vehicle(by(actor, method, request)).await.map(tonic::Response::into_inner)
}

async fn create_station(api: &Api, code: &str) -> OrgId {
    let request = v1::CreateStationRequest {
        station: Some(v1::Station {
            display_name: "浦东服务站".to_owned(),
            currency: "CNY".to_owned(),
            payment_contract: v1::station::PaymentContract::ClaimPrice.into(),
            tax_scheme: v1::station::TaxScheme::General.into(),
            repair_order_system: v1::station::RepairOrderSystem::External.into(),
            ..v1::Station::default()
        }),
        station_id: code.to_owned(),
        ..v1::CreateStationRequest::default()
    };
    api.create_station(by(&admin(), Method::StationServiceCreateStation, request)).await.unwrap();
    let scope = recourse_domain::access::job_scope(&Actor::job("test")).unwrap();
    let stored = api.inner.store.record::<recourse_domain::catalog::Station>(&scope, code).await.unwrap();
    OrgId(stored.unwrap().id)
}

fn sale(seller: &str) -> v1::RecordSaleRequest {
    v1::RecordSaleRequest {
        name: format!("vehicles/{VIN}"),
        request_id: Uuid::from_u128(0x0190_0000_0000_7000_8000_0000_0000_00ff).to_string(),
        sale: Some(v1::VehicleSale {
            invoice_number: "INV-1".to_owned(),
            invoice_date: day(2026, 1, 10),
            seller: seller.to_owned(),
            vehicle_use: v1::vehicle_use::Code::Family.into(),
            ..v1::VehicleSale::default()
        }),
        ..v1::RecordSaleRequest::default()
    }
}

#[tokio::test]
async fn a_vin_is_canonical_and_a_doubtful_one_needs_a_right() {
    let api = api().await;
    let created = create_vehicle(&api, &admin(), "ｌjcpcblcx11000237", "").await.unwrap();
    assert_eq!((created.name.as_str(), created.model.as_str()), ("vehicles/LJCPCBLCX11000237", "M1"));
    let again = create_vehicle(&api, &admin(), VIN, "").await.unwrap_err();
    assert_eq!(again.code(), Code::AlreadyExists);

    let bad = create_vehicle(&api, &admin(), "LJC", "").await.unwrap_err();
    assert_eq!(rules(&bad), only("vehicle_id", "VIN_LENGTH"));
    let doubtful = "LJCPCBLC111000237";
    let refused = create_vehicle(&api, &admin(), doubtful, "").await.unwrap_err();
    assert_eq!(rules(&refused), only("vehicle.vin", "VIN_CHECK_DIGIT"));
    let refused = create_vehicle(&api, &admin(), doubtful, "as on the plate").await.unwrap_err();
    assert_eq!(refused.code(), Code::PermissionDenied);
    let entitled = actor(Role::Admin, OrgId::OEM, &[Right::VinOverride]);
    assert!(create_vehicle(&api, &entitled, doubtful, "as on the plate").await.is_ok());
}

#[tokio::test]
async fn a_station_records_its_own_sales_once() {
    let api = api().await;
    let (own, other) = (create_station(&api, "S-001").await, create_station(&api, "S-002").await);
    create_vehicle(&api, &admin(), VIN, "").await.unwrap();
    let station = actor(Role::Station, own, &[]);
    let method = Method::VehicleServiceRecordSale;

    let stranger = actor(Role::Station, other, &[]);
    let refused = api.record_sale(by(&stranger, method, sale("stations/S-001"))).await.unwrap_err();
    assert_eq!(rules(&refused), only("sale.seller", "NOT_YOUR_STATION"));

    let sold = api.record_sale(by(&station, method, sale(""))).await.unwrap().into_inner();
    let recorded = sold.sale.clone().unwrap();
    assert_eq!((recorded.seller.as_str(), sold.warranty_start), ("stations/S-001", day(2026, 1, 10)));
    assert!(sold.ownership_periods.is_empty(), "owners are the manufacturer's to see");

    // The same request again is answered, not done again.
    let repeated = api.record_sale(by(&station, method, sale(""))).await.unwrap();
    assert!(repeated.metadata().get("idempotent-replayed").is_some());
    assert_eq!(repeated.into_inner().etag, sold.etag);

    let second = v1::RecordSaleRequest { request_id: String::new(), ..sale("") };
    let refused = api.record_sale(by(&station, method, second)).await.unwrap_err();
    assert_eq!(rules(&refused), only("sale", "ALREADY_SOLD"));

    let change = v1::UpdateVehicleRequest {
        vehicle: Some(v1::Vehicle { name: format!("vehicles/{VIN}"), lot: "L1".to_owned(), ..v1::Vehicle::default() }),
        update_mask: Some(FieldMask { paths: vec!["lot".to_owned()] }),
        ..v1::UpdateVehicleRequest::default()
    };
    let changed =
        api.update_vehicle(by(&admin(), Method::VehicleServiceUpdateVehicle, change)).await.unwrap().into_inner();
    assert_eq!((changed.lot.as_str(), changed.events.len(), changed.ownership_periods.len()), ("L1", 1, 1));
}

#[tokio::test]
async fn readings_rise_and_the_history_tells_them() {
    let api = api().await;
    let own = create_station(&api, "S-001").await;
    create_vehicle(&api, &admin(), VIN, "").await.unwrap();
    let station = actor(Role::Station, own, &[]);
    api.record_sale(by(&station, Method::VehicleServiceRecordSale, sale(""))).await.unwrap();
    let record = async |who: &Arc<Actor>, date: Option<google::Date>, value, source: v1::odometer_reading::Source| {
        let request = v1::CreateOdometerReadingRequest {
            parent: format!("vehicles/{VIN}"),
            odometer_reading: Some(v1::OdometerReading {
                date,
                odometer: km(value),
                source: source.into(),
                ..v1::OdometerReading::default()
            }),
            ..v1::CreateOdometerReadingRequest::default()
        };
        api.create_odometer_reading(by(who, Method::VehicleServiceCreateOdometerReading, request)).await
    };
    use v1::odometer_reading::Source;
    let first = record(&station, day(2026, 2, 1), 1_000, Source::RepairOrder).await.unwrap().into_inner();
    assert!(first.name.starts_with("vehicles/LJCPCBLCX11000237/odometerReadings/"));
    let fallen = record(&station, day(2026, 3, 1), 900, Source::RepairOrder).await.unwrap_err();
    assert_eq!(rules(&fallen), only("odometer_reading.odometer", "ODOMETER_REGRESSION"));
    let future = record(&station, day(2026, 7, 1), 2_000, Source::Claim).await.unwrap_err();
    assert_eq!(rules(&future).len(), 2);
    for who in [&station, &admin()] {
        // A correction takes two: one who asks and one who decides.
        let refused = record(who, day(2026, 3, 1), 10, Source::Correction).await.unwrap_err();
        assert_eq!(rules(&refused), only("odometer_reading.source", "BY_THE_SYSTEM"));
    }
    record(&station, day(2026, 3, 1), 1_010, Source::Telematics).await.unwrap();
    record(&station, day(2026, 3, 2), 1_020, Source::Inspection).await.unwrap();

    let mut days = Vec::new();
    let mut page_token = String::new();
    loop {
        let parent = format!("vehicles/{VIN}");
        let request = v1::ListVehicleHistoryRequest { parent, page_size: 2, page_token };
        let request = by(&station, Method::VehicleServiceListVehicleHistory, request);
        let page = api.list_vehicle_history(request).await.unwrap().into_inner();
        days.extend(page.entries.iter().filter_map(|entry| entry.date.map(|date| (date.month, date.day))));
        page_token = page.next_page_token;
        if page_token.is_empty() {
            break;
        }
    }
    assert_eq!(days, [(3, 2), (3, 1), (2, 1), (1, 10)]);

    let request =
        v1::ListOdometerReadingsRequest { parent: format!("vehicles/{VIN}"), page_size: 2, ..Default::default() };
    let listed = api.list_odometer_readings(by(&station, Method::VehicleServiceListOdometerReadings, request)).await;
    let listed = listed.unwrap().into_inner();
    assert_eq!((listed.odometer_readings.len(), listed.next_page_token.is_empty()), (2, false));
}

#[tokio::test]
async fn the_warranty_answers_with_its_reasons() {
    let api = api().await;
    create_station(&api, "S-001").await;
    create_vehicle(&api, &admin(), VIN, "").await.unwrap();
    api.record_sale(by(&admin(), Method::VehicleServiceRecordSale, sale("stations/S-001"))).await.unwrap();
    let part = v1::CreatePartRequest {
        part: Some(v1::Part {
            display_name: "燃油泵".to_owned(),
            category: "FUEL".to_owned(),
            unit: v1::part::UnitOfMeasure::Piece.into(),
            assembly_class: v1::part::AssemblyClass::Ordinary.into(),
            used_part_rule: v1::part::UsedPartRule::None.into(),
            ..v1::Part::default()
        }),
        part_id: "P-100".to_owned(),
        ..v1::CreatePartRequest::default()
    };
    api.create_part(by(&admin(), Method::PartServiceCreatePart, part)).await.unwrap();
    let policy = v1::CreateWarrantyPolicyRequest {
        warranty_policy: Some(v1::WarrantyPolicy {
            display_name: "整车保修".to_owned(),
            policy_family: "BASE".to_owned(),
            version_number: 1,
            state: v1::warranty_policy::State::Published.into(),
            valid_from: day(2026, 1, 1),
            terms: vec![v1::CoverageTerm {
                code: "GENERAL".to_owned(),
                kind: v1::coverage_term::Kind::General.into(),
                months: 36,
                distance: km(60_000),
                ..v1::CoverageTerm::default()
            }],
            ..v1::WarrantyPolicy::default()
        }),
        warranty_policy_id: "BASE-1".to_owned(),
        ..v1::CreateWarrantyPolicyRequest::default()
    };
    let created = api
        .create_warranty_policy(by(&admin(), Method::WarrantyPolicyServiceCreateWarrantyPolicy, policy))
        .await
        .unwrap()
        .into_inner();
    assert_eq!(created.state(), v1::warranty_policy::State::Draft);

    let station = actor(Role::Station, OrgId(Uuid::from_u128(5)), &[]);
    let name = || "warrantyPolicies/BASE-1".to_owned();
    let read = async |who: &Arc<Actor>| {
        let request = v1::GetWarrantyPolicyRequest { name: name() };
        api.get_warranty_policy(by(who, Method::WarrantyPolicyServiceGetWarrantyPolicy, request)).await
    };
    let list = async |who: &Arc<Actor>| {
        let request = v1::ListWarrantyPoliciesRequest::default();
        let request = by(who, Method::WarrantyPolicyServiceListWarrantyPolicies, request);
        api.list_warranty_policies(request).await.unwrap().into_inner().warranty_policies.len()
    };
    let ask = async |part: &str| {
        let request = v1::CheckCoverageRequest {
            name: format!("vehicles/{VIN}"),
            part: part.to_owned(),
            on_date: "2026-05-01".to_owned(),
            odometer_km: 5_000,
            ..v1::CheckCoverageRequest::default()
        };
        api.check_coverage(by(&station, Method::VehicleServiceCheckCoverage, request)).await
    };
    assert_eq!(read(&station).await.unwrap_err().code(), Code::NotFound, "a draft is nobody else's affair");
    assert_eq!((list(&station).await, list(&admin()).await), (0, 1));
    assert!(!ask("parts/P-100").await.unwrap().into_inner().covered);

    let publish = async || {
        let request = v1::PublishWarrantyPolicyRequest { name: name(), ..Default::default() };
        api.publish_warranty_policy(by(&admin(), Method::WarrantyPolicyServicePublishWarrantyPolicy, request)).await
    };
    publish().await.unwrap();
    let twice = publish().await.unwrap_err();
    assert_eq!(status::Details::of(&twice).reason, Reason::StateConflict.as_str_name());
    assert!(read(&station).await.is_ok());
    assert_eq!(list(&station).await, 1);

    let answer = ask("parts/P-100").await.unwrap().into_inner();
    assert!(answer.covered);
    assert_eq!((answer.policy.as_str(), answer.expires_on), ("warrantyPolicies/BASE-1", day(2029, 1, 10)));
    assert_eq!(rules(&ask("parts/P-1").await.unwrap_err()), only("part", "UNKNOWN_REFERENCE"));
    assert_eq!(rules(&ask("").await.unwrap_err()), only("part", "REQUIRED"));
}
