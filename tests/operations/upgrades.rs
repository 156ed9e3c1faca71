//! Every earlier schema with data of its time becomes today's, once, whoever comes first and whatever happens.

use std::sync::Arc;
use std::time::{Duration, Instant};

use recourse_repository::{Store, StoreOptions};
use recourse_server::config::Config;
use recourse_server::process::{RandomIds, SystemClock};
use recourse_server::start;
use sea_orm::{ConnectionTrait, Statement, TransactionTrait};

use super::{Folder, complaint, recourse, run, sql};
use crate::harness::{Backend, Database};

/// Rows as each step's release wrote them: the table, and the values of one row.
const ROWS: [&[(&str, &str)]; 4] = [
    &[
        ("key_store (name, secret, create_time)", "'old', {bytes}, 1"),
        (
            "idempotency (principal, rpc, request_id, body_hash, resource, time)",
            "{key}, 'a.b/C', {key}, {bytes}, 'claims/1', 1",
        ),
        (
            "change (id, command_id, resource, collection, resource_id, version, verb, paths, snapshot, actor, actor_org, time, audience, prev_hash, hash)",
            "{key}, {key}, 'parts/P-1', 'parts', {key}, 1, 'create', '[]', '{}', {key}, {key}, 1, '[]', {bytes}, {bytes}",
        ),
    ],
    &[
        (
            "user_account (id, user_name, password_hash, disabled, erased, memberships, version, create_time, update_time, head_hash)",
            "{key}, 'wang', 'x', FALSE, FALSE, '[]', 1, 1, 1, {bytes}",
        ),
        ("person (user_id, display_name, email, phone)", "{key}, '王秀兰', 'w@example.org', '1'"),
    ],
    &[(
        "supplier (id, code, active, version, create_time, update_time, head_hash, body_version, body, display_name)",
        "{key}, 'SUP-1', TRUE, 1, 1, 1, {bytes}, 1, '{}', 'Pumps Ltd'",
    )],
    &[(
        "claim_revision (claim_id, number, submit_time, submitted_by, body_version, body)",
        "{key}, 1, 1, {key}, 1, '{}'",
    )],
];

fn in_dialect(text: &str, url: &str) -> String {
    let (key, bytes) = if url.starts_with("sqlite:") {
        ("X'0199A000000070008000000000000001'", "X'0102'")
    } else {
        ("'0199a000-0000-7000-8000-000000000001'", "'\\x0102'")
    };
    text.replace("{key}", key).replace("{bytes}", bytes)
}

async fn opened(database: &Database) -> Store {
    Store::open(StoreOptions { max_connections: 3, ..StoreOptions::new(&database.url) }).await.unwrap()
}

/// A database of an earlier release: so many steps, and rows in the tables of each.
async fn of_release(backend: Backend, steps: usize) -> Option<Database> {
    let database = Database::create(backend).await?;
    let store = opened(&database).await;
    store.migrate_up(u32::try_from(steps).unwrap()).await.unwrap();
    store.close().await.unwrap();
    for (table, values) in ROWS.iter().take(steps).copied().flatten() {
        let text = in_dialect(&format!("INSERT INTO {table} VALUES ({values})"), &database.url);
        sql(&database.url, &text).await;
    }
    Some(database)
}

async fn every_earlier_schema(backend: Backend) {
    let Some(empty) = Database::create(backend).await else { return };
    let newest = opened(&empty).await.schema().await.unwrap().pending.len();
    assert!(newest >= ROWS.len(), "each step that brought tables has rows in them here");
    for steps in 1..newest {
        let database = of_release(backend, steps).await.unwrap();
        let (first, second) = (opened(&database).await, opened(&database).await);
        let before = first.schema().await.unwrap();
        assert_eq!((before.taken.len(), before.pending.len()), (steps, newest - steps));
        let dry = first.pending_steps().await.unwrap();
        assert_eq!(dry.iter().map(|step| step.name.clone()).collect::<Vec<_>>(), before.pending);
        let makes = |text: &String| text.contains("CREATE ") || text.contains("ADD COLUMN");
        let tells = |name: &str, statements: &[String]| statements.iter().any(makes) || name.contains("compression");
        assert!(dry.iter().all(|step| tells(&step.name, &step.statements)), "{dry:?}");
        assert_eq!(first.schema().await.unwrap(), before, "a dry run changes nothing");
        // Two servers of the new release start at once.
        assert_eq!(tokio::join!(first.migrate(), second.migrate()), (Ok(()), Ok(())));
        let after = second.schema().await.unwrap();
        assert_eq!((after.taken.len(), after.pending, after.foreign), (newest, Vec::new(), Vec::new()));
        // What was there is there, and the service begins over it.
        for (table, values) in ROWS.iter().take(steps).copied().flatten() {
            let taken = in_dialect(&format!("INSERT INTO {table} VALUES ({values})"), &database.url);
            let connection = sea_orm::Database::connect(&database.url).await.unwrap();
            let again = connection.execute_unprepared(&taken).await.unwrap_err().to_string().to_lowercase();
            assert!(again.contains("unique"), "the row of {table} is gone: {again}");
            connection.close().await.unwrap();
        }
        let config = Config { database: database.url.clone(), ..Config::default() };
        let ids = Arc::new(RandomIds);
        assert!(start::open_api(&config, second, Arc::new(SystemClock), ids).await.is_ok(), "{steps} steps");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_earlier_schema_is_upgraded_once_on_sqlite() {
    every_earlier_schema(Backend::Sqlite).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_earlier_schema_is_upgraded_once_on_postgres() {
    every_earlier_schema(Backend::Postgres).await;
}

/// The embedded database has nothing to wait for, so the moment can't be chosen: the process is killed at many.
#[tokio::test]
async fn a_migration_that_is_killed_leaves_the_old_schema_or_the_new_one() {
    let prepared = of_release(Backend::Sqlite, 2).await.unwrap();
    let newest = opened(&Database::create(Backend::Sqlite).await.unwrap()).await.schema().await.unwrap().pending.len();
    let folder = Folder::new();
    for round in 0..10 {
        let database = Database::copy_of(Backend::Sqlite, Some(&prepared)).await.unwrap();
        let mut process = recourse(&folder.0, &["migrate", "--database", &database.url]).spawn().unwrap();
        tokio::time::sleep(Duration::from_millis(4 * round)).await;
        // It may have ended by itself; then there is nothing to kill.
        drop(process.kill());
        process.wait().unwrap();
        let store = opened(&database).await;
        let taken = store.schema().await.unwrap().taken.len();
        assert!(taken == 2 || taken == newest, "round {round}: {taken} steps");
        store.close().await.unwrap();
        let again = run(&folder.0, &["migrate", "--database", &database.url]);
        assert!(again.status.success(), "{}", complaint(&again));
        assert_eq!(opened(&database).await.schema().await.unwrap().taken.len(), newest);
    }
}

/// A table of the same name that another has not committed yet holds the migration in its middle.
#[tokio::test]
async fn a_migration_that_is_killed_in_its_middle_starts_again_on_postgres() {
    let Some(database) = of_release(Backend::Postgres, 2).await else { return };
    let folder = Folder::new();
    let other = sea_orm::Database::connect(&database.url).await.unwrap();
    let holding = other.begin().await.unwrap();
    holding.execute_unprepared("CREATE TABLE ledger_posting (id INT)").await.unwrap();
    let mut process = recourse(&folder.0, &["migrate", "--database", &database.url]).spawn().unwrap();
    let waits =
        "SELECT COUNT(*) AS n FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'";
    let began = Instant::now();
    loop {
        let row =
            other.query_one_raw(Statement::from_string(sea_orm::DbBackend::Postgres, waits)).await.unwrap().unwrap();
        if row.try_get::<i64>("", "n").unwrap() > 0 {
            break;
        }
        assert!(began.elapsed() < Duration::from_secs(30), "the migration never came to its middle");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    process.kill().unwrap();
    process.wait().unwrap();
    holding.rollback().await.unwrap();
    let store = opened(&database).await;
    assert_eq!(store.schema().await.unwrap().taken.len(), 2, "nothing of the killed migration stays");
    let again = run(&folder.0, &["migrate", "--database", &database.url]);
    assert!(again.status.success(), "{}", complaint(&again));
    assert_eq!(store.schema().await.unwrap().pending, Vec::<String>::new());
    other.close().await.unwrap();
}
