//! The store, and the only door to a transaction.
//!
//! SQLite has one writer connection, which every writing unit takes with `BEGIN IMMEDIATE`: a transaction
//! that reads and then writes can't fail half-way because another wrote meanwhile. Readers have connections
//! of their own. PostgreSQL has one pool; a unit of work holds one connection from its begin to its end.

use std::future::Future;
use std::hash::{BuildHasher, Hasher, RandomState};
use std::marker::PhantomData;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use recourse_migrations::{Migrator, MigratorTrait};
use sea_orm::{
    ConnectOptions, ConnectionTrait, Database, DatabaseConnection, DatabaseTransaction, DbBackend, QueryResult,
    SqliteTransactionMode, Statement, TransactionOptions, TransactionTrait,
};
use uuid::Uuid;

use crate::error::{CommandError, StoreError};
#[cfg(debug_assertions)]
use crate::failpoints::{self, Place};
use crate::postgres::{self, Connections, PgUnit};
use crate::sql::{Runs, Sql};
use crate::sqlite::SqliteUnit;

/// For how long a transaction is run again when the database asks for it.
const PATIENCE: Duration = Duration::from_secs(3);
/// Time that a unit of work waits for a connection.
const ACQUIRE: Duration = Duration::from_secs(5);
/// For how long another connection is tried when one turns out to be dead.
const RECONNECT: Duration = Duration::from_secs(1);
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

/// A step of the schema that was not taken yet.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PendingStep {
    /// Its name.
    pub name: String,
    /// The statements that it runs on this database.
    pub statements: Vec<String>,
}

/// A boxed future, as closures return them.
pub type Boxed<'t, T> = Pin<Box<dyn Future<Output = T> + Send + 't>>;

/// The store.
#[derive(Clone)]
pub struct Store {
    pub(crate) writer: DatabaseConnection,
    pub(crate) reader: Reader,
    /// Transactions that were run again, for the metrics.
    pub(crate) retried: Arc<AtomicU64>,
}

/// What reads that stand alone run on.
#[derive(Clone)]
pub(crate) enum Reader {
    /// Readers of the embedded database.
    Embedded(DatabaseConnection),
    /// Any connection to PostgreSQL.
    Postgres(Arc<Connections>),
}

/// Where a unit of work runs.
pub(crate) enum Unit {
    /// A transaction of the embedded database.
    Embedded(Box<SqliteUnit>),
    /// A unit on PostgreSQL.
    Postgres(Box<PgUnit>),
}

/// A unit of work that writes: one transaction on one connection.
///
/// `'a` is the lifetime of what the unit's closure borrows.
pub struct Tx<'a> {
    pub(crate) db: Unit,
    /// How often the unit was tried, this time included.
    pub(crate) attempt: u32,
    /// Whether the unit will be taken back whatever it does.
    only_tried: bool,
    _borrows: PhantomData<&'a ()>,
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
        Ok(Self { writer, reader: Reader::Embedded(reader), retried: Arc::default() })
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

    /// Whether the store stands on PostgreSQL.
    pub fn is_postgres(&self) -> bool {
        self.writer.get_database_backend() == DbBackend::Postgres
    }

    /// Brings the schema up to date, in one transaction: a server that dies in it leaves the schema as it was.
    /// Two servers that start at once migrate once; the second waits and finds nothing to do.
    pub async fn migrate(&self) -> Result<(), StoreError> {
        let tx = self.begin_migration().await?;
        Migrator::up(&tx, None).await?;
        Ok(tx.commit().await?)
    }

    /// Takes the first steps of those that are pending: a schema of an earlier release, for tests.
    pub async fn migrate_up(&self, steps: u32) -> Result<(), StoreError> {
        let tx = self.begin_migration().await?;
        Migrator::up(&tx, Some(steps)).await?;
        Ok(tx.commit().await?)
    }

    /// The steps that [`Store::migrate`] would take, with their statements. They are run in a transaction that
    /// is rolled back: nothing changes, and a step that can't be taken shows.
    pub async fn pending_steps(&self) -> Result<Vec<PendingStep>, StoreError> {
        let tx = self.begin_migration().await?;
        let names: Vec<String> =
            Migrator::get_pending_migrations(&tx).await?.iter().map(|step| step.name().to_owned()).collect();
        let mut steps = Vec::with_capacity(names.len());
        for name in names {
            let (taken, statements) = recourse_migrations::recorded(Migrator::up(&tx, Some(1))).await;
            taken?;
            steps.push(PendingStep { name, statements });
        }
        tx.rollback().await?;
        Ok(steps)
    }

    /// Takes the newest steps of the schema back; all of them without a number. For tests and for undoing by
    /// hand: what only the newer schema could hold is lost.
    pub async fn migrate_down(&self, steps: Option<u32>) -> Result<(), StoreError> {
        let tx = self.begin_migration().await?;
        Migrator::down(&tx, steps).await?;
        Ok(tx.commit().await?)
    }

    pub(crate) async fn begin_migration(&self) -> Result<DatabaseTransaction, StoreError> {
        let tx = self.begin_writing().await?;
        if self.is_postgres() {
            // A long step is no hanging statement, and another server's migration may take its time.
            tx.execute_unprepared(
                "SET LOCAL statement_timeout = 0; SET LOCAL lock_timeout = 0; SELECT pg_advisory_xact_lock(4242042)",
            )
            .await?;
        }
        Ok(tx)
    }

    async fn begin_writing(&self) -> Result<DatabaseTransaction, StoreError> {
        let sqlite_transaction_mode = Some(SqliteTransactionMode::Immediate);
        self.begin(&self.writer, TransactionOptions { sqlite_transaction_mode, ..Default::default() }).await
    }

    /// Begins a transaction. A connection that died in the pool, when the database was restarted, shows only
    /// here; nothing has been done with it yet, so the next one is taken.
    async fn begin(
        &self,
        pool: &DatabaseConnection,
        options: TransactionOptions,
    ) -> Result<DatabaseTransaction, StoreError> {
        let began = tokio::time::Instant::now();
        loop {
            match pool.begin_with_options(options).await.map_err(StoreError::from) {
                Err(StoreError::Unavailable(why)) if began.elapsed() < RECONNECT => {
                    tracing::debug!(why, "a connection is gone; the next one is tried");
                    tokio::time::sleep(Duration::from_millis(20)).await;
                }
                ended => return ended,
            }
        }
    }

    /// Closes every connection: what was written is in the database file, and a copy of it is whole.
    pub async fn close(&self) -> Result<(), StoreError> {
        match &self.reader {
            Reader::Embedded(reader) => reader.clone().close().await?,
            Reader::Postgres(connections) => connections.close().await,
        }
        Ok(self.writer.clone().close().await?)
    }

    /// Whether the database answers.
    pub async fn ping(&self) -> Result<(), StoreError> {
        Sql::new("SELECT 1 AS one").one(&self.reader).await.map(|_| ())
    }

    /// Runs a writing unit of work in one transaction: commits if it ends well, leaves nothing behind if not.
    ///
    /// The closure may be run again, when the database asks for it; it must change nothing outside.
    pub async fn run<'a, T, E, F>(&'a self, work: F) -> Result<T, E>
    where
        F: for<'t> Fn(&'t mut Tx<'a>) -> Boxed<'t, Result<T, E>> + Send + Sync,
        T: Send,
        E: CommandError + Send,
    {
        let began = tokio::time::Instant::now();
        let mut attempt = 1;
        loop {
            let unit = self.attempt(&work, attempt);
            #[cfg(debug_assertions)]
            let unit = failpoints::within(unit);
            match unit.await {
                // Between two attempts nobody holds a connection.
                Err(error) if error.is_retryable() && began.elapsed() < PATIENCE => {
                    self.retried.fetch_add(1, Ordering::Relaxed);
                    tokio::time::sleep(pause(attempt)).await;
                    attempt += 1;
                }
                ended => return ended,
            }
        }
    }

    async fn attempt<'a, T, E, F>(&'a self, work: &F, attempt: u32) -> Result<T, E>
    where
        F: for<'t> Fn(&'t mut Tx<'a>) -> Boxed<'t, Result<T, E>> + Send + Sync,
        T: Send,
        E: CommandError + Send,
    {
        let db = match &self.reader {
            Reader::Embedded(_) => {
                Unit::Embedded(Box::new(SqliteUnit::writing(self.writer.get_sqlite_connection_pool()).await?))
            }
            Reader::Postgres(connections) => Unit::Postgres(Box::new(PgUnit::new(connections))),
        };
        let mut tx = Tx { db, attempt, only_tried: false, _borrows: PhantomData };
        // Dropping an unfinished transaction rolls it back.
        let done = work(&mut tx).await;
        match done {
            Ok(value) => {
                tx.db.commit().await?;
                Ok(value)
            }
            Err(error) => {
                if let Err(lost) = tx.db.rollback().await {
                    tracing::debug!(error = %lost, "the transaction was rolled back by its connection's end");
                }
                Err(error)
            }
        }
    }

    /// Runs several reads on one connection that all see the same moment.
    pub async fn read<'a, T, E, F>(&'a self, work: F) -> Result<T, E>
    where
        F: for<'t> FnOnce(&'t mut Tx<'a>) -> Boxed<'t, Result<T, E>> + Send,
        T: Send,
        E: From<StoreError> + Send,
    {
        let db = match &self.reader {
            Reader::Embedded(reader) => {
                Unit::Embedded(Box::new(SqliteUnit::reading(reader.get_sqlite_connection_pool()).await?))
            }
            Reader::Postgres(connections) => Unit::Postgres(Box::new(PgUnit::snapshot(connections).await?)),
        };
        let mut tx = Tx { db, attempt: 1, only_tried: false, _borrows: PhantomData };
        let done = work(&mut tx).await;
        if let Err(lost) = tx.db.rollback().await {
            tracing::debug!(error = %lost, "a reading transaction ended with its connection");
        }
        done
    }
}

impl Tx<'_> {
    /// Whether the unit runs on PostgreSQL.
    pub(crate) fn is_postgres(&self) -> bool {
        self.db.backend() == DbBackend::Postgres
    }

    /// Says that the unit will be taken back at its end, whatever it does: a command that is only tried.
    pub fn only_try(&mut self) {
        self.only_tried = true;
    }

    /// From here on the unit only writes, and ends with the next version of the aggregate `last`; `answer` is the
    /// name of what the command answers with. PostgreSQL is given all of it as one statement; the embedded database
    /// commits with the last.
    pub async fn seal(&mut self, answer: &str, last: Uuid) {
        if self.only_tried {
            // A sealed unit commits by its last write, and this one must not.
            return;
        }
        #[cfg(debug_assertions)]
        failpoints::sealed(last);
        match &self.db {
            Unit::Embedded(unit) => unit.seal(answer, last).await,
            Unit::Postgres(unit) => unit.seal(answer, last).await,
        }
    }
}

impl Unit {
    async fn commit(self) -> Result<(), StoreError> {
        #[cfg(debug_assertions)]
        failpoints::reached(Place::BeforeCommit).await;
        match self {
            Unit::Embedded(unit) => unit.commit().await,
            Unit::Postgres(unit) => unit.commit().await,
        }?;
        #[cfg(debug_assertions)]
        failpoints::reached(Place::AfterCommit).await;
        Ok(())
    }

    async fn rollback(self) -> Result<(), StoreError> {
        match self {
            Unit::Embedded(unit) => unit.rollback().await,
            Unit::Postgres(unit) => unit.rollback().await,
        }
    }

    /// Runs writes that belong together; how many rows the last of them changed. Both databases do them in one
    /// trip: PostgreSQL over the wire, SQLite to the thread that has the connection. `version_of` is the aggregate
    /// whose version they are, if they are one.
    pub(crate) async fn write_together(
        &self,
        before: Vec<Sql>,
        last: Sql,
        version_of: Option<Uuid>,
    ) -> Result<u64, StoreError> {
        #[cfg(debug_assertions)]
        failpoints::before_write(version_of).await;
        let written = match self {
            Unit::Embedded(unit) => unit.write_together(before, last, version_of).await,
            Unit::Postgres(unit) => unit.write_together(before, last, version_of).await,
        };
        #[cfg(debug_assertions)]
        if self.sealed_as().await.is_some() {
            failpoints::reached(Place::AfterCommit).await;
        }
        written
    }

    /// Whether the unit has committed by its last write, and under which name.
    pub(crate) async fn sealed_as(&self) -> Option<String> {
        match self {
            Unit::Embedded(unit) => unit.sealed_as().await,
            Unit::Postgres(unit) => unit.sealed_as().await,
        }
    }
}

impl Runs for Unit {
    fn backend(&self) -> DbBackend {
        match self {
            Unit::Embedded(_) => DbBackend::Sqlite,
            Unit::Postgres(_) => DbBackend::Postgres,
        }
    }

    async fn write(&self, statement: Statement) -> Result<u64, StoreError> {
        #[cfg(debug_assertions)]
        failpoints::before_write(None).await;
        match self {
            Unit::Embedded(unit) => unit.write(statement).await,
            Unit::Postgres(unit) => unit.write(statement).await,
        }
    }

    async fn rows(&self, statement: Statement, only_one: bool) -> Result<Vec<QueryResult>, StoreError> {
        match self {
            Unit::Embedded(unit) => unit.rows(statement, only_one).await,
            Unit::Postgres(unit) => unit.rows(statement, only_one).await,
        }
    }
}

impl Runs for Reader {
    fn backend(&self) -> DbBackend {
        match self {
            Reader::Embedded(reader) => reader.get_database_backend(),
            Reader::Postgres(_) => DbBackend::Postgres,
        }
    }

    async fn write(&self, statement: Statement) -> Result<u64, StoreError> {
        match self {
            Reader::Embedded(reader) => reader.write(statement).await,
            Reader::Postgres(_) => Err(StoreError::Database("a reader writes nothing".to_owned())),
        }
    }

    async fn rows(&self, statement: Statement, only_one: bool) -> Result<Vec<QueryResult>, StoreError> {
        match self {
            Reader::Embedded(reader) => reader.rows(statement, only_one).await,
            Reader::Postgres(connections) => postgres::rows_alone(connections, statement, only_one).await,
        }
    }
}

/// A short pause that grows, and differs between those who collided: 2 ms at first, 128 ms at most.
fn pause(attempt: u32) -> Duration {
    let longest = 2_000_u64 << attempt.min(6);
    // Every hasher of the standard library begins with keys of its own.
    let spread = RandomState::new().build_hasher().finish();
    Duration::from_micros(longest / 2 + spread % (longest / 2))
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
