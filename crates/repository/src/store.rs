//! The store, and the only door to a transaction.
//!
//! SQLite has one writer connection, which every writing unit takes with `BEGIN IMMEDIATE`: a transaction
//! that reads and then writes can't fail half-way because another wrote meanwhile; units that wait for the place
//! share a commit. Readers have connections of their own. PostgreSQL has one pool; a unit of work holds one connection from its begin to its end.

mod open;
mod schema;
mod unit;

use std::future::Future;
use std::hash::{BuildHasher, Hasher, RandomState};
use std::marker::PhantomData;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use sea_orm::{DatabaseConnection, DbBackend};
use uuid::Uuid;

pub use open::StoreOptions;
pub(crate) use open::{ACQUIRE, POSTGRES_LIMITS};
pub use schema::PendingStep;
pub(crate) use unit::{Reader, Unit};

use crate::error::{CommandError, StoreError};
#[cfg(debug_assertions)]
use crate::failpoints;
use crate::postgres::PgUnit;
use crate::sql::{IntoValue, Runs, Sql};
use crate::sqlite::SqliteUnit;

/// For how long a transaction is run again when the database asks for it.
const PATIENCE: Duration = Duration::from_secs(3);

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
    /// Whether the store stands on PostgreSQL.
    pub fn is_postgres(&self) -> bool {
        self.writer.get_database_backend() == DbBackend::Postgres
    }

    /// Closes every connection: what was written is in the database file, and a copy of it is whole.
    pub async fn close(&self) -> Result<(), StoreError> {
        match &self.reader {
            Reader::Embedded(reader, _) => reader.clone().close().await?,
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
            Reader::Embedded(_, writer) => Unit::Embedded(Box::new(SqliteUnit::writing(writer).await?)),
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
            Reader::Embedded(reader, _) => {
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

    /// Holds a row until this unit ends, and waits for whoever holds it: for what depends on rows that somebody else
    /// may be adding to it at this moment, where no version of a row would tell. It comes before they are read.
    pub(crate) async fn hold(&mut self, table: &str, key: &str, value: impl IntoValue) -> Result<(), StoreError> {
        // The embedded database has one writer, and this unit is it.
        if self.is_postgres() {
            let row = Sql::new(&format!("SELECT id FROM {table} WHERE {key} = ? FOR UPDATE")).bind(value);
            row.one(&self.db).await?;
        }
        Ok(())
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

/// A short pause that grows, and differs between those who collided: 2 ms at first, 128 ms at most.
fn pause(attempt: u32) -> Duration {
    let longest = 2_000_u64 << attempt.min(6);
    // Every hasher of the standard library begins with keys of its own.
    let spread = RandomState::new().build_hasher().finish();
    Duration::from_micros(longest / 2 + spread % (longest / 2))
}
