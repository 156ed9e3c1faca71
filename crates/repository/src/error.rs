//! What can go wrong in the store, without a word of its transport or its ORM.

use sea_orm::{DbErr, RuntimeErr, SqlErr, SqlxError};

/// Why the store did not do what it was asked.
///
/// After any of these within a unit of work, the unit is over: PostgreSQL takes no further statement.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum StoreError {
    /// The row was changed since it was read.
    #[error("the row was changed since it was read")]
    Stale,
    /// A unique value is taken.
    #[error("already exists: {what}")]
    AlreadyExists {
        /// Table and columns, the same on both databases: `claim(station_id, external_ref)`, `claim(key)`.
        what: String,
    },
    /// A row refers to one that does not exist.
    #[error("reference: {0}")]
    Reference(String),
    /// A command with the same key is still running.
    #[error("a command with the same key is still running")]
    InFlight,
    /// A row that can't be read: somebody wrote it by hand, or a newer server did.
    #[error("table {table}, column {column}, row {row} can't be read: {why}")]
    CorruptRow {
        /// The table.
        table: String,
        /// The column.
        column: String,
        /// The row's key.
        row: String,
        /// What was wrong.
        why: String,
    },
    /// The database asks to run the transaction again: a serialization failure, a deadlock, a lock that was
    /// not given in time.
    #[error("the database asks to run the transaction again")]
    Retry,
    /// The database can't be reached, has no connection free in time, or has no room to write.
    #[error("the database is unavailable: {0}")]
    Unavailable(String),
    /// A statement took longer than any of ours should, and was stopped.
    #[error("a statement took too long: {0}")]
    Timeout(String),
    /// Anything else that the database says.
    #[error("database: {0}")]
    Database(String),
}

/// An error that a transaction's closure may end with.
pub trait CommandError: From<StoreError> {
    /// Whether running the transaction again may help.
    fn is_retryable(&self) -> bool;
}

impl CommandError for StoreError {
    fn is_retryable(&self) -> bool {
        matches!(self, StoreError::Retry | StoreError::InFlight)
    }
}

impl StoreError {
    /// A row that can't be read.
    pub(crate) fn corrupt(table: &str, column: &str, row: impl std::fmt::Display, why: impl std::fmt::Display) -> Self {
        Self::CorruptRow {
            table: table.to_owned(),
            column: column.to_owned(),
            row: row.to_string(),
            why: why.to_string(),
        }
    }

    /// What an error of the database means.
    pub(crate) fn of(error: &DbErr) -> Self {
        match error.sql_err() {
            Some(SqlErr::UniqueConstraintViolation(text)) => {
                return Self::AlreadyExists { what: constraint(error, &text) };
            }
            Some(SqlErr::ForeignKeyConstraintViolation(text)) => return Self::Reference(text),
            Some(_) | None => {}
        }
        if matches!(error, DbErr::ConnectionAcquire(_) | DbErr::Conn(_)) {
            return Self::Unavailable(error.to_string());
        }
        match driver(error) {
            Some(SqlxError::Database(inner)) => by_code(inner.code().unwrap_or_default().as_ref(), &inner.to_string()),
            Some(
                inner @ (SqlxError::Io(_)
                | SqlxError::Tls(_)
                | SqlxError::Protocol(_)
                | SqlxError::PoolTimedOut
                | SqlxError::PoolClosed
                | SqlxError::WorkerCrashed),
            ) => Self::Unavailable(inner.to_string()),
            Some(_) | None => Self::Database(error.to_string()),
        }
    }
}

impl From<DbErr> for StoreError {
    fn from(error: DbErr) -> Self {
        Self::of(&error)
    }
}

/// SQLSTATE of PostgreSQL, five characters; result codes of SQLite, numbers.
fn by_code(code: &str, text: &str) -> StoreError {
    match code {
        // Serialization failure, deadlock, lock timeout.
        "40001" | "40P01" | "55P03" => StoreError::Retry,
        // Query cancelled by statement_timeout.
        "57014" => StoreError::Timeout(text.to_owned()),
        // Shutting down or starting up, a connection that is gone, too many of them, no room, read-only standby.
        "57P01" | "57P02" | "57P03" | "57P05" | "25P03" | "25006" => StoreError::Unavailable(text.to_owned()),
        code if code.len() == 5 && ["08", "53", "58"].iter().any(|class| code.starts_with(class)) => {
            StoreError::Unavailable(text.to_owned())
        }
        // SQLite: the lowest byte is the primary code. BUSY and LOCKED; then IOERR, FULL, CANTOPEN.
        code => match code.parse::<i32>().map(|number| if number < 10_000 { number & 0xff } else { 0 }) {
            Ok(5 | 6) => StoreError::Retry,
            Ok(10 | 13 | 14) => StoreError::Unavailable(text.to_owned()),
            Ok(_) | Err(_) => StoreError::Database(text.to_owned()),
        },
    }
}

fn driver(error: &DbErr) -> Option<&SqlxError> {
    match error {
        DbErr::Exec(RuntimeErr::SqlxError(inner)) | DbErr::Query(RuntimeErr::SqlxError(inner)) => Some(inner),
        _ => None,
    }
}

/// The one name of a constraint: `claim(station_id, external_ref)`, and `claim(key)` for the primary key.
///
/// PostgreSQL names the index, which is therefore called `ux_table__column__column`; SQLite names the columns.
fn constraint(error: &DbErr, text: &str) -> String {
    let Some(SqlxError::Database(inner)) = driver(error) else { return text.to_owned() };
    if let Some(name) = inner.constraint() {
        if let Some(table) = name.strip_suffix("_pkey") {
            return format!("{table}(key)");
        }
        let mut parts = name.trim_start_matches("ux_").split("__");
        let table = parts.next().unwrap_or_default();
        return format!("{table}({})", parts.collect::<Vec<_>>().join(", "));
    }
    let message = inner.message();
    let columns = message.rsplit(": ").next().unwrap_or_default();
    let table = columns.split('.').next().unwrap_or_default();
    // SQLITE_CONSTRAINT_PRIMARYKEY
    if inner.code().as_deref() == Some("1555") {
        return format!("{table}(key)");
    }
    let names: Vec<&str> = columns.split(", ").filter_map(|column| column.split('.').nth(1)).collect();
    format!("{table}({})", names.join(", "))
}
