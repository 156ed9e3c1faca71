//! Every earlier schema with data of its time becomes today's, once, whoever comes first and whatever happens.

use std::process::Stdio;
use std::sync::Arc;
use std::time::{Duration, Instant};

use recourse_repository::{Store, StoreOptions};
use recourse_server::config::Config;
use recourse_server::process::{RandomIds, SystemClock};
use recourse_server::start;
use sea_orm::{ConnectionTrait, Statement, TransactionTrait};

use super::{Folder, complaint, recourse, run, sql};
use crate::harness::process::Process;
use crate::harness::{Backend, Database};

/// What every document's row begins with, in columns and in values.
macro_rules! document {
    ($table:literal, $columns:literal, $values:literal) => {
        (
            concat!($table, " (id, version, create_time, update_time, head_hash, body_version, body, ", $columns, ")"),
            concat!("{key}, 1, 1, 1, {bytes}, 1, '{}', ", $values),
        )
    };
}

/// Rows as each step's release wrote them: the table, and the values of one row.
const ROWS: [&[(&str, &str)]; 22] = [
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
    &[document!("supplier", "code, active, display_name", "'SUP-1', TRUE, 'Pumps Ltd'")],
    &[
        (
            "claim_revision (claim_id, number, submit_time, submitted_by, body_version, body)",
            "{key}, 1, 1, {key}, 1, '{}'",
        ),
        document!(
            "claim",
            "number, station_id, station, created_by, kind, state, submit_order, review_due_time, currency, requested_minor, computed_minor, approved_minor, revision, finding_errors, finding_warnings",
            "'C-1', {key}, 'S-1', {key}, 'WARRANTY_REPAIR', 'SUBMITTED', 1, 777, 'CNY', 1, 1, 0, 1, 0, 0"
        ),
    ],
    &[
        (
            "ledger_entry (id, cause, event, effective_date, posted_time, actor, actor_org)",
            "{key}, 'claims/1/decisions/1', 'claim_decided', '2026-11-20', 1, {key}, {key}",
        ),
        (
            "ledger_posting (entry_id, position, account, amount_minor, currency)",
            "{key}, 0, 'expense:goodwill', 1, 'CNY'",
        ),
    ],
    &[(
        "import_job (id, principal, collection, name, mode, sends, create_time, update_time)",
        "{key}, {key}, 'vehicles', 'fleet', 'UPSERT', 1, 1, 1",
    )],
    &[("outside_identity (issuer, subject, user_id)", "'https://id.example.org', 'w', {key}")],
    // How values are compressed: no tables.
    &[],
    &[document!(
        "prior_authorization",
        "number, state, kind, station_id, station, vin, claim, claim_id, expire_date",
        "'A-1', 'ACTIVE', 'MAJOR_ASSEMBLY', {key}, 'S-1', 'LSVAA4187S2184841', 'claims/1', {key}, '2026-12-31'"
    )],
    &[
        document!(
            "attachment",
            "station_id, station, category, state, created_by",
            "{key}, 'S-1', 'PHOTO', 'COMPLETE', {key}"
        ),
        ("attachment_part (attachment_id, start, size, object)", "{key}, 0, 4096, {key}"),
        ("attachment_part (attachment_id, start, size, object)", "{key}, 4096, 904, {key}"),
    ],
    &[document!("review_queue", "code, active, display_name", "'SAFETY', TRUE, 'Safety'")],
    &[
        document!(
            "appraisal",
            "number, claim_id, station_id, appraiser_id, appraiser, state",
            "'AP-1', {key}, {key}, {key}, 'AP-1', 'REQUESTED'"
        ),
        document!("recovery_claim", "number, claim_id, state, escalated", "'R-1', {key}, 'UNRESOLVED', FALSE"),
    ],
    // A column of claims.
    &[],
    &[("campaign_reach (model, campaign, campaign_id)", "'M-1', 'C-1', {key}")],
    &[document!("correction", "correction_type, state, vin", "'ODOMETER', 'REQUESTED', 'LSVAA4187S2184841'")],
    &[document!("claim_note", "claim_id, station_id, visibility", "{key}, {key}, 'INTERNAL'")],
    &[document!(
        "exchange_rate",
        "code, active, base_currency, quote_currency, valid_from",
        "'CNY-EUR.1', TRUE, 'CNY', 'EUR', '2026-11-20'"
    )],
    // A column of claims, which older rows lack until they change.
    &[],
    &[(
        "change_proposal (id, version, create_time, update_time, head_hash, body_version, body, kind, operation, state, proposed_by, expire_time)",
        "{key}, 1, 1, 1, {bytes}, 1, '{\"commands\":[{\"resource\":\"parts/P-9\"}]}', 'PRICES', 'PartService.UpdatePart', 'PENDING', {key}, 1",
    )],
    &[(
        "odometer_reading (id, vin, date, km, source, retracted, recorded_time, origin_id, external_ref)",
        "{key}, 'LSVAA4187S2184841', '2026-11-20', 1, 'INSPECTION', FALSE, 1, {key}, 'DMS-1'",
    )],
    &[("change_proposal_resource (resource, proposal_id)", "'parts/P-1', {key}")],
    // Columns of claims and indexes.
    &[],
];

/// Columns that a later step fills from what older rows say: releases whose rows lack them, the question, the answer.
const FILLED: [(std::ops::RangeInclusive<usize>, &str, i64); 3] = [
    (4..=10, "SELECT review_due_order AS n FROM claim", 777),
    (10..=16, "SELECT size AS n FROM attachment", 5_000),
    (19..=20, "SELECT COUNT(*) AS n FROM change_proposal_resource WHERE resource = 'parts/P-9'", 1),
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

/// What the first releases wrote is there, and what later steps make of it.
async fn is_all_there(database: &Database, steps: usize) {
    for (table, values) in ROWS.iter().take(steps).copied().flatten() {
        let taken = in_dialect(&format!("INSERT INTO {table} VALUES ({values})"), &database.url);
        let connection = sea_orm::Database::connect(&database.url).await.unwrap();
        let again = connection.execute_unprepared(&taken).await.unwrap_err().to_string().to_lowercase();
        assert!(again.contains("unique"), "the row of {table} is gone: {again}");
        connection.close().await.unwrap();
    }
    for (releases, question, answer) in FILLED {
        if releases.contains(&steps) {
            assert_eq!(number(&database.url, question).await, answer, "{steps} steps: {question}");
        }
    }
}

async fn number(url: &str, question: &str) -> i64 {
    let connection = sea_orm::Database::connect(url).await.unwrap();
    let statement = Statement::from_string(connection.get_database_backend(), question);
    let row = connection.query_one_raw(statement).await.unwrap().unwrap();
    let number = row.try_get::<i64>("", "n").unwrap();
    connection.close().await.unwrap();
    number
}

async fn every_earlier_schema(backend: Backend) {
    let Some(empty) = Database::create(backend).await else { return };
    let newest = opened(&empty).await.schema().await.unwrap().pending.len();
    assert_eq!(newest, ROWS.len(), "each step says here which rows its release wrote");
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
        is_all_there(&database, steps).await;
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

/// What documents of before say stands in the columns by which jobs and checks find them.
async fn documents_fill_what_is_searched_for(backend: Backend) {
    let Some(database) = of_release(backend, 20).await else { return };
    let claim = r#"{"header":{"supplement_of":"claims/0199A000-0000-7000-8000-000000000001"},"appeals":[
        {"state":"WITHDRAWN","decision_due_time":"2027-01-01T00:00:00Z"},
        {"state":"OPEN","decision_due_time":"2026-11-20T08:00:01.0045Z"}]}"#;
    let recovery = r#"{"issue":{"time":"2026-11-20T08:00:01.0045Z"},"supplier":{"terms":{"contract":{"answer_days":15}}},"pending_answer":{"letter":"9"},"pauses":[],"escalate_time":null}"#;
    for change in [
        format!("UPDATE claim SET body = '{claim}', open_appeal = 'claims/1/appeals/2', open_job_key = 'job'"),
        format!("UPDATE recovery_claim SET body = '{recovery}', state = 'ISSUED'"),
    ] {
        sql(&database.url, &change).await;
    }
    opened(&database).await.migrate().await.unwrap();
    let due = 1_795_161_601_004_500;
    assert_eq!(number(&database.url, "SELECT decision_due_time AS n FROM claim").await, due);
    let supplements = "SELECT COUNT(*) AS n FROM claim WHERE open_job_key IS NULL \
                       AND supplement_of = 'claims/0199a000-0000-7000-8000-000000000001'";
    assert_eq!(number(&database.url, supplements).await, 1);
    let days = 29 * 24 * 3_600 * 1_000_000;
    assert_eq!(number(&database.url, "SELECT answer_due_time AS n FROM recovery_claim").await, due + days);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn documents_of_before_fill_what_is_searched_for_on_sqlite() {
    documents_fill_what_is_searched_for(Backend::Sqlite).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn documents_of_before_fill_what_is_searched_for_on_postgres() {
    documents_fill_what_is_searched_for(Backend::Postgres).await;
}

/// Several processes at once: of the steps each is taken once, and nobody fails for the others.
async fn processes_at_once(backend: Backend) {
    let Some(database) = of_release(backend, 4).await else { return };
    let folder = Folder::new();
    let migrating: Vec<_> = (0..4)
        .map(|_| {
            let mut command = recourse(&folder.0, &["migrate", "--database", &database.url]);
            command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap()
        })
        .collect();
    for process in migrating {
        let ended = process.wait_with_output().unwrap();
        assert!(ended.status.success(), "{}", complaint(&ended));
    }
    let schema = opened(&database).await.schema().await.unwrap();
    assert_eq!((schema.taken.len(), schema.pending.len(), schema.foreign.len()), (ROWS.len(), 0, 0));
    is_all_there(&database, 4).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn processes_that_migrate_at_once_migrate_once_on_sqlite() {
    processes_at_once(Backend::Sqlite).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn processes_that_migrate_at_once_migrate_once_on_postgres() {
    processes_at_once(Backend::Postgres).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_servers_that_start_at_once_over_an_old_schema_both_serve() {
    let Some(database) = of_release(Backend::Postgres, 4).await else { return };
    let (one, other) = tokio::join!(Process::over(&database.url), Process::over(&database.url));
    for server in [&one, &other] {
        assert!(server.is_ready_within(Duration::from_secs(10)).await);
    }
    let schema = opened(&database).await.schema().await.unwrap();
    assert_eq!((schema.taken.len(), schema.pending.len(), schema.foreign.len()), (ROWS.len(), 0, 0));
    one.kill();
    other.kill();
}

/// The embedded database has nothing to wait for, so the process is killed at many moments: spread over the time that
/// it takes, and when the first pages of the commit reach the log of the database.
#[tokio::test]
async fn a_migration_that_is_killed_leaves_the_old_schema_or_the_new_one() {
    let prepared = of_release(Backend::Sqlite, 4).await.unwrap();
    let folder = Folder::new();
    let start = |database: &Database| recourse(&folder.0, &["migrate", "--database", &database.url]).spawn().unwrap();
    let whole = Database::copy_of(Backend::Sqlite, Some(&prepared)).await.unwrap();
    let began = Instant::now();
    assert!(start(&whole).wait().unwrap().success());
    let (takes, mut unfinished) = (began.elapsed(), 0);
    for round in 0..16 {
        let database = Database::copy_of(Backend::Sqlite, Some(&prepared)).await.unwrap();
        let log = format!("{}-wal", database.url.trim_start_matches("sqlite:"));
        let mut process = start(&database);
        let began = Instant::now();
        let at_commit = round % 2 == 1;
        let wait = if at_commit { takes * 3 } else { takes * round / 16 };
        while began.elapsed() < wait && process.try_wait().unwrap().is_none() {
            if at_commit && std::fs::metadata(&log).is_ok_and(|log| log.len() > 0) {
                break;
            }
            tokio::time::sleep(Duration::from_micros(200)).await;
        }
        // It may have ended by itself; then there is nothing to kill.
        drop(process.kill());
        process.wait().unwrap();
        let store = opened(&database).await;
        let taken = store.schema().await.unwrap().taken.len();
        assert!(taken == 4 || taken == ROWS.len(), "round {round}: {taken} steps");
        unfinished += usize::from(taken == 4);
        store.close().await.unwrap();
        // Whatever was reached, the next one goes on from there.
        let again = run(&folder.0, &["migrate", "--database", &database.url]);
        assert!(again.status.success(), "{}", complaint(&again));
        assert_eq!(opened(&database).await.schema().await.unwrap().taken.len(), ROWS.len());
        is_all_there(&database, 4).await;
    }
    assert!(unfinished > 0, "no migration was killed in time");
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
