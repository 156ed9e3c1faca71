//! What can be seen from within only: how connections are set up, and how queries are planned. The rest of
//! the store's suite stands in `/tests/store`, for both databases.

use std::collections::BTreeSet;
use std::path::PathBuf;

use recourse_domain::access::{Actor, Grant, Role, RowScope, Rule, Scope, authorize};
use recourse_domain::ids::{OrgId, UserId};
use recourse_domain::query::filter;
use recourse_domain::query::order;
use recourse_domain::query::page::{Key, Keys, ListQuery};
use uuid::Uuid;

use crate::claims::decisions_due;
use crate::sql::{Runs, Sql};
use crate::{Aged, CLAIM_FIELDS, DueDecision, Store, StoreError, StoreOptions, lists, scope};

/// A store in a file of its own; gone with it.
struct InFile {
    store: Store,
    folder: PathBuf,
}

impl InFile {
    async fn new(name: &str) -> Self {
        let folder = std::env::temp_dir().join(format!("recourse-repository-{}-{name}", std::process::id()));
        std::fs::create_dir_all(&folder).unwrap();
        let url = format!("sqlite:{}", folder.join("test.db").display());
        let store = Store::open(StoreOptions::new(&url)).await.unwrap();
        store.migrate().await.unwrap();
        Self { store, folder }
    }
}

impl Drop for InFile {
    fn drop(&mut self) {
        drop(std::fs::remove_dir_all(&self.folder));
    }
}

async fn assert_keeps_to(connection: &impl Runs, query_only: &str) {
    for (pragma, expected) in
        [("journal_mode", "wal"), ("synchronous", "2"), ("foreign_keys", "1"), ("query_only", query_only)]
    {
        let sql = Sql::new(&format!("SELECT CAST({pragma} AS TEXT) AS found FROM pragma_{pragma}"));
        let row = sql.one(connection).await.unwrap().unwrap();
        assert_eq!(row.get::<String>("found").unwrap(), expected, "{pragma}");
    }
}

#[tokio::test]
async fn embedded_writes_are_durable_and_readers_can_not_write() {
    let file = InFile::new("pragmas").await;
    assert_keeps_to(&file.store.writer, "0").await;
    assert_keeps_to(&file.store.reader, "1").await;
    let slipped = Sql::new("DELETE FROM lease").execute(&file.store.reader).await;
    assert!(matches!(slipped, Err(StoreError::Database(_))), "{slipped:?}");
}

fn reach(role: Role, scope: RowScope) -> Scope {
    let org = OrgId(Uuid::from_u128(100));
    let actor = Actor {
        user: UserId(Uuid::from_u128(1)),
        org,
        orgs: BTreeSet::from([org]),
        roles: BTreeSet::from([role]),
        rights: BTreeSet::new(),
        approval_level: 0,
        reads_only: false,
        session: None,
        job: None,
    };
    authorize(&actor, &Rule { own_person: false, grants: vec![Grant { role, scope }] }).unwrap()
}

#[tokio::test]
async fn a_page_is_searched_for_not_scanned() {
    let file = InFile::new("plans").await;
    let (all, station) = (reach(Role::Auditor, RowScope::Any), reach(Role::Station, RowScope::OwnStation));
    for (reach, filter, order, index) in [
        (&station, "", "create_time desc", "ix_claim_station_create"),
        (&station, "", "update_time", "ix_claim_station_update"),
        (&station, "state = SUBMITTED", "create_time desc", "ix_claim_station_state"),
        (&all, "", "create_time desc", "ix_claim_create"),
        (&all, "", "update_time", "ix_claim_update"),
        (&all, "state = SUBMITTED", "create_time", "ix_claim_state"),
    ] {
        let query = ListQuery {
            filter: (!filter.is_empty()).then(|| filter::parse(filter, CLAIM_FIELDS).unwrap()),
            order: order::parse(order, CLAIM_FIELDS).unwrap(),
            page_size: 50,
            after: Some(Keys { value: Key::Number(5), id: Uuid::nil() }),
            show_deleted: false,
        };
        let mut sql = Sql::new("EXPLAIN QUERY PLAN SELECT id FROM claim WHERE ");
        sql.append(scope::condition(reach, &scope::CLAIM));
        lists::page(&mut sql, &query, "id");
        let rows = sql.all(&file.store.reader).await.unwrap();
        let plan: Vec<String> = rows.iter().map(|row| row.get("detail").unwrap()).collect();
        let plan = plan.join("; ");
        assert!(plan.contains("SEARCH") && plan.contains(index) && !plan.contains("TEMP B-TREE"), "{order}: {plan}");
    }
}

#[tokio::test]
async fn what_the_jobs_look_for_is_searched_for_not_scanned() {
    let file = InFile::new("jobs").await;
    let (all, now) = (reach(Role::Auditor, RowScope::Any), chrono::DateTime::UNIX_EPOCH);
    let plain = |text: &str| Sql::new(text);
    let mut asked: Vec<(Sql, String)> = Vec::new();
    for (decision, index) in
        [(DueDecision::OnClaim, "ix_claim_review_due"), (DueDecision::OnAppeal, "ix_claim_decision_due")]
    {
        asked.push((decisions_due(&all, decision, (1, now), None, 100), index.to_owned()));
    }
    for what in Aged::ALL {
        let (table, column) = what.place();
        let oldest = format!("SELECT {column} FROM {table} WHERE {column} < 5 ORDER BY {column} LIMIT 1 OFFSET 999");
        asked.push((plain(&oldest), column.to_owned()));
        asked.push((plain(&format!("DELETE FROM {table} WHERE {column} <= 5")), column.to_owned()));
    }
    let sessions = "SELECT id FROM session WHERE last_used_time < 5 AND NOT EXISTS \
                    (SELECT 1 FROM refresh_token r WHERE r.session_id = session.id) ORDER BY last_used_time LIMIT 9";
    asked.push((plain(sessions), "ix_session_last_used".to_owned()));
    let entries = "DELETE FROM feed_entry WHERE position > 1 AND position <= 5 AND org_id IN (X'01', X'02')";
    asked.push((plain(entries), "PRIMARY KEY".to_owned()));
    let supplements = "SELECT number FROM claim WHERE supplement_of = 'claims/1' AND id <> X'01' ORDER BY id LIMIT 9";
    asked.push((plain(supplements), "ix_claim_supplement_of".to_owned()));
    for (query, index) in asked {
        let mut sql = Sql::new("EXPLAIN QUERY PLAN ");
        sql.append(query);
        let rows = sql.all(&file.store.reader).await.unwrap();
        let plan: Vec<String> = rows.iter().map(|row| row.get("detail").unwrap()).collect();
        let plan = plan.join("; ");
        assert!(plan.contains("SEARCH") && plan.contains(&index) && !plan.contains("SCAN"), "{index}: {plan}");
    }
}
