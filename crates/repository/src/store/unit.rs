//! Where a unit of work runs: the one face of both databases.

use std::sync::Arc;

use sea_orm::{DatabaseConnection, DbBackend, QueryResult, Statement};
use uuid::Uuid;

use crate::error::StoreError;
#[cfg(debug_assertions)]
use crate::failpoints::{self, Place};
use crate::postgres::{self, Connections, PgUnit};
use crate::sql::{Runs, Sql};
use crate::sqlite::{SqliteUnit, Writer};

/// What reads that stand alone run on.
#[derive(Clone)]
pub(crate) enum Reader {
    /// Readers of the embedded database, beside its one writer.
    Embedded(DatabaseConnection, Writer),
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

impl Unit {
    pub(super) async fn commit(self) -> Result<(), StoreError> {
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

    pub(super) async fn rollback(self) -> Result<(), StoreError> {
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
        if self.has_committed().await {
            failpoints::reached(Place::AfterCommit).await;
        }
        written
    }

    /// Whether the unit has committed by its last write.
    #[cfg(debug_assertions)]
    async fn has_committed(&self) -> bool {
        match self {
            Unit::Embedded(unit) => unit.has_committed().await,
            Unit::Postgres(unit) => unit.sealed_as().await.is_some(),
        }
    }

    /// Whether the unit has made its last write, and what it answers with.
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
            Reader::Embedded(reader, _) => reader.get_database_backend(),
            Reader::Postgres(_) => DbBackend::Postgres,
        }
    }

    async fn write(&self, statement: Statement) -> Result<u64, StoreError> {
        match self {
            Reader::Embedded(reader, _) => reader.write(statement).await,
            Reader::Postgres(_) => Err(StoreError::Database("a reader writes nothing".to_owned())),
        }
    }

    async fn rows(&self, statement: Statement, only_one: bool) -> Result<Vec<QueryResult>, StoreError> {
        match self {
            Reader::Embedded(reader, _) => reader.rows(statement, only_one).await,
            Reader::Postgres(connections) => postgres::rows_alone(connections, statement, only_one).await,
        }
    }
}
