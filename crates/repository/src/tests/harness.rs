//! A database of its own for each test, and the few things that tests are about.

use std::collections::BTreeSet;
use std::path::PathBuf;
use std::sync::atomic::{AtomicU64, Ordering};

use chrono::{DateTime, Duration, NaiveDate, Utc};
use recourse_domain::access::{self, Act, Actor, ClaimParties, Grant, Permit, Role, RowScope, Rule, Scope, permit};
use recourse_domain::catalog::{FailureCode, Stored};
use recourse_domain::change::Audience;
use recourse_domain::claims::draft::NewClaim;
use recourse_domain::claims::{Claim, Header, Kind};
use recourse_domain::ids::{ClaimId, Code, CommandId, OrgId, UserId};
use recourse_domain::money::Currency;
use sea_orm::{ConnectionTrait, Database};
use uuid::Uuid;

use crate::{ChangeNote, Store, StoreError, StoreOptions};

static COUNT: AtomicU64 = AtomicU64::new(1);

/// A store over a database of its own; gone with it.
pub(super) struct TestStore {
    pub(super) store: Store,
    pub(super) url: String,
    folder: Option<PathBuf>,
}

impl std::ops::Deref for TestStore {
    type Target = Store;

    fn deref(&self) -> &Store {
        &self.store
    }
}

impl Drop for TestStore {
    fn drop(&mut self) {
        if let Some(folder) = &self.folder {
            drop(std::fs::remove_dir_all(folder));
        }
    }
}

impl TestStore {
    /// Runs text as it is.
    pub(super) async fn sql(&self, text: &str) -> Result<(), StoreError> {
        Ok(self.store.writer.execute_unprepared(text).await.map(|_| ())?)
    }

    /// A second store over the same database, as a second server has it.
    pub(super) async fn another(&self) -> Store {
        Store::open(StoreOptions { max_connections: 8, ..StoreOptions::new(&self.url) }).await.unwrap()
    }
}

/// New, empty databases: one in a file, one on PostgreSQL if there is one.
pub(super) async fn empty_stores() -> Vec<TestStore> {
    let name = format!("recourse_r_{}_{}", std::process::id(), COUNT.fetch_add(1, Ordering::Relaxed));
    let folder = std::env::temp_dir().join(&name);
    std::fs::create_dir_all(&folder).unwrap();
    let mut places = vec![(format!("sqlite:{}", folder.join("test.db").display()), Some(folder))];
    if let Ok(server) = std::env::var("RECOURSE_TEST_POSTGRES_URL") {
        let connection = Database::connect(&server).await.unwrap();
        connection.execute_unprepared(&format!("CREATE DATABASE {name}")).await.unwrap();
        connection.close().await.unwrap();
        let (address, _) = server.rsplit_once('/').unwrap();
        places.push((format!("{address}/{name}"), None));
    }
    let mut stores = Vec::new();
    for (url, folder) in places {
        let store = Store::open(StoreOptions { max_connections: 8, ..StoreOptions::new(&url) }).await.unwrap();
        stores.push(TestStore { store, url, folder });
    }
    stores
}

/// The same with an up-to-date schema.
pub(super) async fn stores() -> Vec<TestStore> {
    let stores = empty_stores().await;
    for store in &stores {
        store.migrate().await.unwrap();
    }
    stores
}

/// A key that no other has, in the order in which they are made.
pub(super) fn id() -> Uuid {
    Uuid::from_u128((0x0199_0000_0000_7000_u128 << 64) + u128::from(COUNT.fetch_add(1, Ordering::Relaxed)))
}

/// The instant at which tests begin, and minutes after it.
pub(super) fn minute(number: i64) -> DateTime<Utc> {
    DateTime::from_timestamp(1_790_000_000, 123_456_789).unwrap() + Duration::minutes(number)
}

pub(super) fn day(text: &str) -> NaiveDate {
    text.parse().unwrap()
}

pub(super) fn org(number: u128) -> OrgId {
    OrgId(Uuid::from_u128(number))
}

pub(super) fn actor(user: u128, org: OrgId, roles: &[Role]) -> Actor {
    Actor {
        user: UserId(Uuid::from_u128(user)),
        org,
        orgs: BTreeSet::from([org]),
        roles: roles.iter().copied().collect(),
        rights: BTreeSet::new(),
        session: None,
        job: None,
    }
}

pub(super) fn admin() -> Actor {
    actor(1, OrgId::OEM, &[Role::Admin])
}

/// Leave to write master data.
pub(super) fn keeper() -> Permit {
    permit(&admin(), Act::WriteMasterData).unwrap()
}

pub(super) fn scope(actor: &Actor, role: Role, scope: RowScope) -> Scope {
    access::authorize(actor, &Rule { own_person: false, grants: vec![Grant { role, scope }] }).unwrap()
}

/// Every row.
pub(super) fn all() -> Scope {
    scope(&admin(), Role::Admin, RowScope::Any)
}

pub(super) fn note(verb: &'static str, resource: &str, collection: &'static str, time: DateTime<Utc>) -> ChangeNote {
    ChangeNote {
        id: id(),
        command: CommandId(id()),
        resource: resource.to_owned(),
        collection,
        verb,
        paths: Vec::new(),
        audience: Audience::Oem.orgs(),
        time,
    }
}

pub(super) fn failure_code(code: &str, name: &str) -> FailureCode {
    FailureCode {
        code: Code::parse(code).unwrap(),
        display_code: code.to_owned(),
        display_name: name.to_owned(),
        component_group: Code::parse("ENGINE").unwrap(),
        failure_mode: Code::parse("LEAK").unwrap(),
        problem_group: None,
        safety: false,
        external_ref: String::new(),
    }
}

pub(super) async fn insert_code(store: &Store, code: &str, time: DateTime<Utc>) -> Stored<FailureCode> {
    let name = format!("failureCodes/{code}");
    let name = name.as_str();
    store
        .run(|tx| {
            Box::pin(async move {
                let note = note("create", name, "failureCodes", time);
                tx.insert_record(&keeper(), id(), failure_code(code, code), note).await
            })
        })
        .await
        .unwrap()
}

/// A draft of a station.
pub(super) fn draft(station: OrgId, created_by: u128, header: Header) -> Claim {
    let new = NewClaim {
        id: ClaimId(id()),
        seed: id(),
        kind: Kind::WarrantyRepair,
        station,
        station_code: Code::parse("S-001").unwrap(),
        currency: Currency::CNY,
        created_by: UserId(Uuid::from_u128(created_by)),
        today: day("2026-11-20"),
    };
    Claim::create(new, header, Vec::new()).unwrap()
}

pub(super) fn drafting(claim: &Claim) -> Permit {
    let ClaimParties { station, created_by } = claim.parties();
    permit(&Actor { user: created_by, ..actor(0, station, &[Role::Station]) }, Act::DraftClaim(claim.parties()))
        .unwrap()
}

pub(super) async fn insert_claim(store: &Store, claim: &Claim, minutes: i64) -> Result<Stored<Claim>, StoreError> {
    store
        .run(|tx| {
            Box::pin(async move {
                let mut note = note("create", &format!("claims/{}", claim.id), "claims", minute(minutes));
                note.audience = Audience::Organizations(vec![claim.station]).orgs();
                tx.insert_claim(&drafting(claim), claim.clone(), note).await
            })
        })
        .await
}
