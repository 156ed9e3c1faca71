//! SQLite's side of a unit of work: a transaction whose state is asked of the database, never assumed.
//!
//! When the disk is full, SQLite rolls a transaction back by itself, or leaves it open, as it sees fit. The driver
//! counts begins and ends instead; once it has miscounted, it takes the next begin for a nested one, and what is
//! "committed" there is lost with the outer transaction. So begin, commit and roll-back are plain statements here:
//! a transaction that is still open makes the next begin fail, and is ended first.

use futures::TryStreamExt;
use sea_orm::sqlx::pool::PoolConnection;
use sea_orm::sqlx::{self, Sqlite, SqlitePool};
use sea_orm::{DbErr, QueryResult, RuntimeErr, Statement};
use sea_query_sqlx::SqlxValues;
use std::sync::Arc;
use tokio::sync::Mutex;

use crate::error::StoreError;

/// A unit of work on SQLite: one transaction on one connection.
pub(crate) struct SqliteUnit {
    state: Mutex<State>,
}

struct State {
    connection: Option<PoolConnection<Sqlite>>,
    /// A transaction may be open.
    open: bool,
}

impl SqliteUnit {
    /// Begins a unit that writes: it takes the only writer's place at once.
    pub(crate) async fn writing(pool: &SqlitePool) -> Result<Self, StoreError> {
        Self::begin(pool, "BEGIN IMMEDIATE").await
    }

    /// Begins a unit that reads, all of it as of one moment.
    pub(crate) async fn reading(pool: &SqlitePool) -> Result<Self, StoreError> {
        Self::begin(pool, "BEGIN").await
    }

    async fn begin(pool: &SqlitePool, text: &'static str) -> Result<Self, StoreError> {
        let mut state = State { connection: Some(pool.acquire().await.map_err(|error| acquired(&error))?), open: true };
        if let Err(error) = state.say(text).await {
            // A transaction that somebody left open here is ended; then it is tried once more.
            if state.say("ROLLBACK").await.is_err() {
                state.open = false;
                return Err(error);
            }
            state.say(text).await?;
        }
        Ok(Self { state: Mutex::new(state) })
    }

    /// Runs a statement that writes, or several of one text; how many rows the last of them changed.
    pub(crate) async fn write(&self, statement: Statement) -> Result<u64, StoreError> {
        let mut state = self.state.lock().await;
        let connection = state.connection()?;
        let mut steps = sqlx::Executor::fetch_many(connection, query(&statement));
        let mut changed = 0;
        while let Some(step) = steps.try_next().await.map_err(of)? {
            if let sqlx::Either::Left(done) = step {
                changed = done.rows_affected();
            }
        }
        Ok(changed)
    }

    /// Runs a statement that reads.
    pub(crate) async fn rows(&self, statement: Statement, only_one: bool) -> Result<Vec<QueryResult>, StoreError> {
        let mut state = self.state.lock().await;
        let connection = state.connection()?;
        let rows = if only_one {
            query(&statement).fetch_optional(connection).await.map(|row| row.into_iter().collect())
        } else {
            query(&statement).fetch_all(connection).await
        };
        Ok(rows.map_err(of)?.into_iter().map(QueryResult::from).collect())
    }

    /// Makes what was written last, and durable.
    pub(crate) async fn commit(&self) -> Result<(), StoreError> {
        let mut state = self.state.lock().await;
        let done = state.say("COMMIT").await;
        if done.is_err() {
            // Whether it is still open or was ended by the failure: after this it is over.
            drop(state.say("ROLLBACK").await);
        }
        state.open = false;
        done
    }

    /// Leaves nothing behind.
    pub(crate) async fn rollback(&self) -> Result<(), StoreError> {
        let mut state = self.state.lock().await;
        let done = state.say("ROLLBACK").await;
        state.open = false;
        done
    }
}

impl State {
    fn connection(&mut self) -> Result<&mut sqlx::SqliteConnection, StoreError> {
        let gone = || StoreError::Unavailable("the connection was given back".to_owned());
        Ok(self.connection.as_mut().ok_or_else(gone)?)
    }

    async fn say(&mut self, text: &'static str) -> Result<(), StoreError> {
        sqlx::Executor::execute(self.connection()?, text).await.map(|_| ()).map_err(of)
    }
}

impl Drop for State {
    fn drop(&mut self) {
        let Some(mut connection) = self.connection.take().filter(|_| self.open) else { return };
        // The unit was given up in the middle. Until its transaction is ended, nobody else can write.
        if let Ok(runtime) = tokio::runtime::Handle::try_current() {
            runtime.spawn(async move {
                if let Err(error) = sqlx::Executor::execute(&mut *connection, "ROLLBACK").await {
                    tracing::debug!(%error, "the abandoned transaction had ended already");
                }
            });
        }
    }
}

fn query(statement: &Statement) -> sqlx::query::Query<'_, Sqlite, SqlxValues> {
    let values = statement.values.clone().unwrap_or(sea_orm::Values(Vec::new()));
    sqlx::query_with(sqlx::AssertSqlSafe(statement.sql.as_str()), SqlxValues(values))
}

fn of(error: sqlx::Error) -> StoreError {
    StoreError::of(&DbErr::Query(RuntimeErr::SqlxError(Arc::new(error))))
}

fn acquired(error: &sqlx::Error) -> StoreError {
    StoreError::Unavailable(error.to_string())
}
