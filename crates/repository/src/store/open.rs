//! How the store is opened: the connections of each database, and what each is told to keep to.

use std::sync::Arc;
use std::time::Duration;

use sea_orm::{ConnectOptions, Database};

use super::{Reader, Store};
use crate::error::StoreError;
use crate::postgres::Connections;
use crate::sqlite::Writer;

/// Time that a unit of work waits for a connection, or for the one writer.
pub(crate) const ACQUIRE: Duration = Duration::from_secs(5);
/// What PostgreSQL stops by itself, so that nothing of ours waits for ever: a statement, the wait for a lock,
/// a transaction whose server is gone.
pub(crate) const POSTGRES_LIMITS: [(&str, &str); 3] =
    [("statement_timeout", "15s"), ("lock_timeout", "2s"), ("idle_in_transaction_session_timeout", "30s")];

/// Where the store is, and how it is opened.
#[derive(Clone)]
pub struct StoreOptions {
    /// `sqlite:FILE`, `sqlite::memory:` or `postgres://…`.
    pub url: String,
    /// Connections: to PostgreSQL in all, to SQLite for reading.
    pub max_connections: u32,
    /// SQLite only: a crash may lose everything. For the loading of a demo that would be made again.
    pub throw_away: bool,
}

impl StoreOptions {
    /// The usual options for an address.
    pub fn new(url: &str) -> Self {
        Self { url: url.to_owned(), max_connections: 16, throw_away: false }
    }
}

/// The address may hold a password, so it is not told.
impl std::fmt::Debug for StoreOptions {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let scheme = self.url.split(':').next().unwrap_or_default();
        write!(f, "StoreOptions {{ {scheme}, max_connections: {} }}", self.max_connections)
    }
}

impl Store {
    /// Opens the store. Nothing is created but, for SQLite, the file.
    pub async fn open(options: StoreOptions) -> Result<Self, StoreError> {
        if options.url.starts_with("sqlite:") {
            Self::open_sqlite(&options).await
        } else {
            Self::open_postgres(&options).await
        }
    }

    async fn open_sqlite(options: &StoreOptions) -> Result<Self, StoreError> {
        let in_memory = options.url.contains(":memory:");
        if !in_memory {
            create_private(&options.url)?;
        }
        let connect = |connections: u32, writes: bool| {
            let mut connecting = ConnectOptions::new(options.url.clone());
            let synchronous = if options.throw_away { "OFF" } else { "FULL" };
            connecting
                .max_connections(connections)
                .min_connections(1)
                .acquire_timeout(ACQUIRE)
                .test_before_acquire(false)
                .sqlx_logging(false)
                .map_sqlx_sqlite_opts(move |sqlite| {
                    let sqlite = sqlite
                        .create_if_missing(writes)
                        .foreign_keys(true)
                        .busy_timeout(Duration::from_secs(10))
                        .pragma("journal_mode", "WAL")
                        .pragma("synchronous", synchronous)
                        // The one writer keeps the pages that it changes again and again; readers are many.
                        .pragma("cache_size", if writes { "-32000" } else { "-4000" })
                        .pragma("temp_store", "MEMORY")
                        // A command writes thirty pages: at the usual thousand every thirtieth would copy them back.
                        .pragma("wal_autocheckpoint", "4000")
                        .statement_cache_capacity(200)
                        // A page of a list in one piece: else the reader's thread is woken for every few rows.
                        .row_buffer_size(1_100);
                    // A write that slips onto a reader's connection fails, instead of meeting the writer.
                    if writes { sqlite } else { sqlite.pragma("query_only", "ON") }
                });
            if in_memory {
                // The database lives as long as its connection.
                connecting.idle_timeout(None::<Duration>).max_lifetime(None::<Duration>);
            }
            connecting
        };
        let writer = Database::connect(connect(1, true)).await?;
        let reader = if in_memory {
            writer.clone()
        } else {
            Database::connect(connect(options.max_connections.max(1), false)).await?
        };
        let place = Writer::new(writer.get_sqlite_connection_pool().clone());
        Ok(Self { writer, reader: Reader::Embedded(reader, place), retried: Arc::default() })
    }

    async fn open_postgres(options: &StoreOptions) -> Result<Self, StoreError> {
        let mut connecting = ConnectOptions::new(options.url.clone());
        let most = options.max_connections.max(2);
        connecting
            // One more than units of work hold: migrations have theirs beside them.
            .max_connections(most.saturating_add(1))
            .min_connections(1)
            .acquire_timeout(ACQUIRE)
            .test_before_acquire(false)
            .sqlx_logging(false)
            .map_sqlx_postgres_opts(|postgres| postgres.options(POSTGRES_LIMITS).statement_cache_capacity(300));
        let pool = Database::connect(connecting).await?;
        let connections = Connections::new(pool.get_postgres_connection_pool().clone(), most);
        Ok(Self { writer: pool, reader: Reader::Postgres(connections), retried: Arc::default() })
    }
}
/// Creates the file of an embedded database that is not there yet, for its owner only: it holds keys and the
/// hashes of passwords. SQLite gives its side files the same mode.
fn create_private(url: &str) -> Result<(), StoreError> {
    use std::os::unix::fs::OpenOptionsExt;
    let file = url.trim_start_matches("sqlite://").trim_start_matches("sqlite:");
    let file = file.split('?').next().unwrap_or(file);
    match std::fs::OpenOptions::new().write(true).create_new(true).mode(0o600).open(file) {
        Ok(_) => Ok(()),
        Err(error) if error.kind() == std::io::ErrorKind::AlreadyExists => Ok(()),
        Err(error) => Err(StoreError::Unavailable(format!("{file}: {error}"))),
    }
}
