//! The few words in which the two databases differ, so that the rest of the schema is one text.
//!
//! | word | SQLite | PostgreSQL | for |
//! |---|---|---|---|
//! | `KEY` | `BLOB` | `UUID` | keys |
//! | `BYTES` | `BLOB` | `BYTEA` | hashes, secrets |
//! | `WORD` | `TEXT` | `TEXT COLLATE "C"` | codes, names, dates `2026-01-31`: compared byte by byte on both |
//! | `TEXT` | `TEXT` | `TEXT` | documents |
//! | `NUMBER` | `BIGINT` | `BIGINT` | whole numbers, money in minor units |
//! | `MOMENT` | `BIGINT` | `BIGINT` | instants in microseconds since 1970 |
//! | `FLAG` | `BOOLEAN` | `BOOLEAN` | true or false |
//! | `KEYED` | `WITHOUT ROWID` | | small rows that are kept in their key, without a second tree |
//!
//! A unique index is called `ux_table__column__column`: that is how the repository tells what is taken.

use std::cell::RefCell;
use std::future::Future;

use sea_orm_migration::prelude::*;
use sea_orm_migration::sea_orm::DbBackend;

/// Runs a script: statements that end with `;;`, in the words above.
pub(crate) async fn run(manager: &SchemaManager<'_>, script: &str) -> Result<(), DbErr> {
    let postgres = manager.get_database_backend() == DbBackend::Postgres;
    for statement in script.split(";;").map(str::trim).filter(|statement| !statement.is_empty()) {
        let statement = in_dialect(statement, postgres);
        if !statement.is_empty() {
            manager.get_connection().execute_unprepared(&statement).await?;
            note(statement);
        }
    }
    Ok(())
}

tokio::task_local! {
    /// The statements of the steps that this task takes, while somebody wants to know.
    static RECORD: RefCell<Vec<String>>;
}

/// Takes steps and answers which statements they ran.
pub async fn recorded<T>(steps: impl Future<Output = T>) -> (T, Vec<String>) {
    RECORD
        .scope(RefCell::default(), async {
            let done = steps.await;
            (done, RECORD.with(RefCell::take))
        })
        .await
}

fn note(statement: String) {
    // Outside of `recorded` nobody wants to know.
    let _unwanted = RECORD.try_with(|record| record.borrow_mut().push(statement));
}

fn in_dialect(statement: &str, postgres: bool) -> String {
    // A statement may be for one database only.
    let statement = match (statement.strip_prefix("@sqlite"), statement.strip_prefix("@postgres")) {
        (Some(rest), _) if !postgres => rest,
        (_, Some(rest)) if postgres => rest,
        (Some(_), _) | (_, Some(_)) => return String::new(),
        (None, None) => statement,
    };
    let words: [(&str, &str, &str); 7] = [
        ("KEYED_", "WITHOUT ROWID", ""),
        ("KEY_", "BLOB", "UUID"),
        ("BYTES_", "BLOB", "BYTEA"),
        ("WORD_", "TEXT", "TEXT COLLATE \"C\""),
        ("NUMBER_", "BIGINT", "BIGINT"),
        ("MOMENT_", "BIGINT", "BIGINT"),
        ("FLAG_", "BOOLEAN", "BOOLEAN"),
    ];
    words.iter().fold(statement.trim().to_owned(), |text, (word, sqlite, pg)| {
        text.replace(word, if postgres { pg } else { sqlite })
    })
}

/// Makes the table of a kind of master data: what every record has, `columns` of its own, which its lists
/// filter by, and an index on those that are `indexed`.
pub(crate) async fn record_table(
    manager: &SchemaManager<'_>,
    table: &str,
    columns: &str,
    indexed: &[&str],
) -> Result<(), DbErr> {
    let mut script = format!(
        "CREATE TABLE {table} (
            id KEY_ NOT NULL PRIMARY KEY, code WORD_ NOT NULL, active FLAG_ NOT NULL, version NUMBER_ NOT NULL,
            create_time MOMENT_ NOT NULL, update_time MOMENT_ NOT NULL, retire_time MOMENT_,
            head_hash BYTES_ NOT NULL, body_version NUMBER_ NOT NULL, body TEXT NOT NULL, {columns}) ;;
         CREATE UNIQUE INDEX ux_{table}__code ON {table} (code) ;;
         CREATE INDEX ix_{table}_create_time ON {table} (create_time, id) ;;
         CREATE INDEX ix_{table}_update_time ON {table} (update_time, id)"
    );
    for column in indexed {
        script.push_str(&format!(" ;; CREATE INDEX ix_{table}_{column} ON {table} ({column}, id)"));
    }
    run(manager, &script).await
}

/// Makes a table append-only in both databases.
pub(crate) async fn append_only(manager: &SchemaManager<'_>, table: &str) -> Result<(), DbErr> {
    run(
        manager,
        &format!(
            "@sqlite CREATE TRIGGER {table}_no_update BEFORE UPDATE ON {table} BEGIN SELECT RAISE(ABORT, '{table} is append-only'); END ;;
             @sqlite CREATE TRIGGER {table}_no_delete BEFORE DELETE ON {table} BEGIN SELECT RAISE(ABORT, '{table} is append-only'); END ;;
             @postgres CREATE OR REPLACE FUNCTION recourse_append_only() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE EXCEPTION '% is append-only', TG_TABLE_NAME; END $$ ;;
             @postgres CREATE TRIGGER {table}_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON {table} FOR EACH STATEMENT EXECUTE FUNCTION recourse_append_only()"
        ),
    )
    .await
}

/// Drops tables, newest first.
pub(crate) async fn drop_tables(manager: &SchemaManager<'_>, tables: &[&str]) -> Result<(), DbErr> {
    for table in tables {
        manager.get_connection().execute_unprepared(&format!("DROP TABLE IF EXISTS {table}")).await?;
    }
    Ok(())
}
