//! What the cases are about: a store of one's own, people, leave to write, and a few things to store.

use std::collections::BTreeSet;
use std::sync::atomic::{AtomicU64, Ordering};

use chrono::{DateTime, Duration, NaiveDate, Utc};
use recourse_domain::access::{self, Act, Actor, ClaimParties, Grant, Permit, Role, RowScope, Rule, Scope, permit};
use recourse_domain::catalog::{FailureCode, Stored};
use recourse_domain::change::Audience;
use recourse_domain::claims::draft::NewClaim;
use recourse_domain::claims::{Claim, Header, Kind};
use recourse_domain::ids::{ClaimId, Code, CommandId, OrgId, UserId};
use recourse_domain::money::Currency;
use recourse_domain::query::filter;
use recourse_domain::query::order::Order;
use recourse_domain::query::page::ListQuery;
use recourse_repository::{ChangeNote, Store, StoreError, StoreOptions};
use sea_orm::{ConnectionTrait, DatabaseConnection, Statement};
use uuid::Uuid;

use crate::harness::{Backend, Database};

static COUNT: AtomicU64 = AtomicU64::new(1);

/// A store over a database of its own.
pub(super) struct TestStore {
    pub(super) store: Store,
    pub(super) database: Database,
}

impl std::ops::Deref for TestStore {
    type Target = Store;

    fn deref(&self) -> &Store {
        &self.store
    }
}

impl TestStore {
    /// A store with an up-to-date schema; `None` where the machine lacks the database.
    pub(super) async fn new(backend: Backend) -> Option<Self> {
        let database = Database::create(backend).await?;
        let store = database.store().await;
        Some(Self { store, database })
    }

    /// A second store over the same database, as a second server has it.
    pub(super) async fn another(&self) -> Store {
        Store::open(StoreOptions { max_connections: 8, ..StoreOptions::new(&self.database.url) }).await.unwrap()
    }

    /// Runs text past the repository, as somebody with the database's own password can.
    pub(super) async fn sql(&self, text: &str) -> Result<(), String> {
        let connection = self.connection().await;
        let done = connection.execute_unprepared(text).await.map(|_| ()).map_err(|error| error.to_string());
        connection.close().await.unwrap();
        done
    }

    /// The number that a query past the repository answers as `n`.
    pub(super) async fn number(&self, query: &str) -> i64 {
        let connection = self.connection().await;
        let statement = Statement::from_string(connection.get_database_backend(), query);
        let row = connection.query_one_raw(statement).await.unwrap().unwrap();
        let number = row.try_get("", "n").unwrap();
        connection.close().await.unwrap();
        number
    }

    /// The texts that a query past the repository answers as `name`.
    pub(super) async fn texts(&self, query: &str) -> Vec<String> {
        let connection = self.connection().await;
        let statement = Statement::from_string(connection.get_database_backend(), query);
        let rows = connection.query_all_raw(statement).await.unwrap();
        let texts = rows.iter().map(|row| row.try_get("", "name").unwrap()).collect();
        connection.close().await.unwrap();
        texts
    }

    async fn connection(&self) -> DatabaseConnection {
        sea_orm::Database::connect(&self.database.url).await.unwrap()
    }

    /// A key as the database writes it.
    pub(super) fn key(&self, id: Uuid) -> String {
        if self.is_postgres() { format!("'{id}'") } else { format!("X'{}'", id.simple()) }
    }
}

/// A key that no other has; later ones are greater.
pub(super) fn id() -> Uuid {
    Uuid::from_u128((0x0199_0000_0000_7000_u128 << 64) + u128::from(COUNT.fetch_add(1, Ordering::Relaxed)))
}

/// The instant at which cases begin, and minutes after it. It is finer than what is stored.
pub(super) fn minute(number: i64) -> DateTime<Utc> {
    DateTime::from_timestamp(1_790_000_000, 123_456_789).unwrap() + Duration::minutes(number)
}

pub(super) fn day(text: &str) -> NaiveDate {
    text.parse().unwrap()
}

pub(super) fn code(text: &str) -> Code {
    Code::parse(text).unwrap()
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
        approval_level: 0,
        reads_only: false,
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

/// What one grant reaches for an actor.
pub(super) fn scope(actor: &Actor, role: Role, scope: RowScope) -> Scope {
    access::authorize(actor, &Rule { own_person: false, grants: vec![Grant { role, scope }] }).unwrap()
}

/// Every row.
pub(super) fn all() -> Scope {
    scope(&admin(), Role::Admin, RowScope::Any)
}

/// The rows of a station.
pub(super) fn of_station(number: u128) -> Scope {
    scope(&actor(8, org(number), &[Role::Station]), Role::Station, RowScope::OwnStation)
}

/// A query of at most ten items.
pub(super) fn listing(order: Order) -> ListQuery {
    ListQuery { filter: None, order, page_size: 10, after: None, show_deleted: false }
}

/// The same, filtered.
pub(super) fn filtered(text: &str, fields: &[recourse_domain::catalog::Field], order: Order) -> ListQuery {
    let filter = (!text.is_empty()).then(|| filter::parse(text, fields).unwrap());
    ListQuery { filter, ..listing(order) }
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

/// A record for master data in general.
pub(super) fn failure_code(code_text: &str, name: &str) -> FailureCode {
    FailureCode {
        code: code(code_text),
        display_code: code_text.to_owned(),
        display_name: name.to_owned(),
        component_group: code("ENGINE"),
        failure_mode: code("LEAK"),
        problem_group: None,
        safety: false,
        external_ref: String::new(),
    }
}

pub(super) async fn create(
    store: &Store,
    record: FailureCode,
    time: DateTime<Utc>,
) -> Result<Stored<FailureCode>, StoreError> {
    let record = &record;
    store
        .run(|tx| {
            Box::pin(async move {
                let note = note("create", &format!("failureCodes/{}", record.code), "failureCodes", time);
                tx.insert_record(&keeper(), id(), record.clone(), note).await
            })
        })
        .await
}

/// Creates a record whose name is its code.
pub(super) async fn created(store: &Store, code: &str, time: DateTime<Utc>) -> Stored<FailureCode> {
    create(store, failure_code(code, code), time).await.unwrap()
}

pub(super) async fn change(
    store: &Store,
    before: &Stored<FailureCode>,
    record: FailureCode,
    time: DateTime<Utc>,
) -> Result<Stored<FailureCode>, StoreError> {
    let record = &record;
    store
        .run(|tx| {
            Box::pin(async move {
                let mut note = note("update", &format!("failureCodes/{}", record.code), "failureCodes", time);
                note.paths = vec!["display_name".to_owned()];
                tx.update_record(&keeper(), before, record.clone(), note).await
            })
        })
        .await
}

pub(super) async fn retire(store: &Store, before: &Stored<FailureCode>, time: DateTime<Utc>) -> Stored<FailureCode> {
    store
        .run(|tx| {
            Box::pin(async move {
                let note = note("retire", &format!("failureCodes/{}", before.value.code), "failureCodes", time);
                tx.retire_record(&keeper(), before, note).await
            })
        })
        .await
        .unwrap()
}

/// A draft of a station, by a person.
pub(super) fn draft(station: OrgId, created_by: u128, header: Header) -> Claim {
    let new = NewClaim {
        id: ClaimId(id()),
        seed: id(),
        kind: Kind::WarrantyRepair,
        station,
        station_code: code("S-001"),
        currency: Currency::CNY,
        created_by: UserId(Uuid::from_u128(created_by)).into(),
        today: day("2026-11-20"),
    };
    Claim::create(new, header, Vec::new()).unwrap()
}

/// Leave of its author to write a claim.
pub(super) fn drafting(claim: &Claim) -> Permit {
    let ClaimParties { station, created_by, .. } = claim.parties();
    let author = Actor { user: created_by, ..actor(0, station, &[Role::Station]) };
    permit(&author, Act::DraftClaim(claim.parties())).unwrap()
}

pub(super) async fn insert_claim(store: &Store, claim: &Claim, at: i64) -> Result<Stored<Claim>, StoreError> {
    store
        .run(|tx| {
            Box::pin(async move {
                let mut note = note("create", &format!("claims/{}", claim.id), "claims", minute(at));
                note.audience = Audience::Organizations(vec![claim.station]).orgs();
                tx.insert_claim(&drafting(claim), claim.clone(), note).await
            })
        })
        .await
}

pub(super) async fn update_claim(
    store: &Store,
    before: &Stored<Claim>,
    claim: &Claim,
    at: i64,
) -> Result<Stored<Claim>, StoreError> {
    store
        .run(|tx| {
            Box::pin(async move {
                let mut note = note("update", &format!("claims/{}", claim.id), "claims", minute(at));
                note.audience = Audience::Organizations(vec![claim.station]).orgs();
                tx.update_claim(&drafting(claim), before, claim.clone(), note).await
            })
        })
        .await
}
