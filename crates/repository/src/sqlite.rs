//! SQLite's side of a unit of work: a transaction whose state is asked of the database, never assumed.
//!
//! When the disk is full, SQLite rolls a transaction back by itself, or leaves it open, as it sees fit. The driver
//! counts begins and ends instead; once it has miscounted, it takes the next begin for a nested one, and what is
//! "committed" there is lost with the outer transaction. So begin, commit and roll-back are plain statements here:
//! a transaction that is still open makes the next begin fail, and is ended first.
//!
//! Each call of the driver is handed to the thread that has the connection, and back. While that goes on nobody else
//! writes, so a unit saves calls: its begin goes with its first statement, and what a
//! [sealed](SqliteUnit::seal) unit ends with, its last version, the answer under its key and the commit, is one text. And units that wait for one another
//! [share a commit](group): a later one is a savepoint in the transaction of those before it.

mod ending;
mod group;
#[cfg(test)]
mod tests;

use futures::TryStreamExt;
use sea_orm::sqlx::pool::PoolConnection;
use sea_orm::sqlx::{self, Sqlite, SqlitePool};
use sea_orm::{DbErr, QueryResult, RuntimeErr, Statement};
use sea_query_sqlx::SqlxValues;
use std::sync::Arc;
use tokio::sync::Mutex;
use uuid::Uuid;

use group::Place;
pub(crate) use group::Writer;

use crate::error::StoreError;
use crate::idempotency::RequestKey;
use crate::sql::Sql;

/// A unit of work on SQLite: one transaction on one connection, or a savepoint of a transaction that others share.
pub(crate) struct SqliteUnit {
    state: Mutex<State>,
}

struct State {
    /// What it runs on, until it has ended.
    on: Option<On>,
    /// How it begins, until it has begun.
    begin: Option<&'static str>,
    /// Something of it may be open.
    open: bool,
    /// The idempotency key that it has claimed.
    key: Option<RequestKey>,
    /// What it answers with, and the aggregate whose next version is its last write.
    seal: Option<(String, Uuid)>,
    /// Its last write is done. What it wrote has committed, unless it is still open: then it does with others.
    sealed: bool,
    /// Its savepoint has become part of the transaction around it.
    released: bool,
    /// Its caller has gone, and it is only being ended.
    abandoned: bool,
}

/// What a unit runs on.
enum On {
    /// A connection that reads.
    Reader(PoolConnection<Sqlite>),
    /// The only writer.
    Writer(Place),
}

impl SqliteUnit {
    /// A unit that writes: it has the only writer's place at once.
    pub(crate) async fn writing(writer: &Writer) -> Result<Self, StoreError> {
        let place = writer.place().await?;
        let begin = if place.is_shared() { "SAVEPOINT unit" } else { "BEGIN IMMEDIATE" };
        Ok(Self::new(On::Writer(place), begin))
    }

    /// A unit that reads, all of it as of one moment: that of its first statement.
    pub(crate) async fn reading(pool: &SqlitePool) -> Result<Self, StoreError> {
        let connection = pool.acquire().await.map_err(|error| acquired(&error))?;
        Ok(Self::new(On::Reader(connection), "BEGIN"))
    }

    fn new(on: On, begin: &'static str) -> Self {
        Self { state: Mutex::new(State::on(on, Some(begin))) }
    }

    /// Notes the key that this unit has claimed, so that its answer can be written with its last version.
    pub(crate) async fn has_claimed(&self, key: &RequestKey) {
        self.state.lock().await.key = Some(key.clone());
    }

    /// The next version of the aggregate `last` is the unit's last write, and `answer` what it answers with.
    pub(crate) async fn seal(&self, answer: &str, last: Uuid) {
        self.state.lock().await.seal = Some((answer.to_owned(), last));
    }

    /// Whether the unit has made its last write, and what it answers with.
    pub(crate) async fn sealed_as(&self) -> Option<String> {
        let state = self.state.lock().await;
        state.seal.as_ref().filter(|_| state.sealed).map(|(answer, _)| answer.clone())
    }

    /// Whether the unit has committed by its last write.
    #[cfg(debug_assertions)]
    pub(crate) async fn has_committed(&self) -> bool {
        let state = self.state.lock().await;
        state.sealed && !state.open
    }

    /// Runs a statement that writes; how many rows it changed.
    pub(crate) async fn write(&self, statement: Statement) -> Result<u64, StoreError> {
        Ok(self.state.lock().await.run(statement).await?.last().copied().unwrap_or_default())
    }

    /// Runs writes that belong together; how many rows the last of them changed. `version_of` is the aggregate
    /// whose version they are, if they are one: the version that a sealed unit ends with commits it.
    ///
    /// The version is what was read in this same unit: there is one writer, so nobody can have been faster.
    pub(crate) async fn write_together(
        &self,
        mut before: Vec<Sql>,
        last: Sql,
        version_of: Option<Uuid>,
    ) -> Result<u64, StoreError> {
        let mut state = self.state.lock().await;
        let answer = match &state.seal {
            Some((answer, ends)) if version_of == Some(*ends) => answer.clone(),
            Some(_) | None => {
                let changed = state.run(Sql::one_after_another(before, last)).await?;
                return Ok(changed.last().copied().unwrap_or_default());
            }
        };
        let place = before.len();
        let last = match state.key.take() {
            Some(key) => {
                before.push(last);
                key.answered(&answer)
            }
            None => last,
        };
        let changed = state.run_last(before, last).await?;
        Ok(changed.get(place).copied().unwrap_or_default())
    }

    /// Runs a statement that reads.
    pub(crate) async fn rows(&self, statement: Statement, only_one: bool) -> Result<Vec<QueryResult>, StoreError> {
        let mut state = self.state.lock().await;
        state.begin().await?;
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
        let commit = self.state.lock().await.commit().await?;
        match commit {
            Some(commit) => commit.outcome().await,
            None => Ok(()),
        }
    }

    /// Leaves nothing behind. Who was refused by what others have written waits until that stands.
    pub(crate) async fn rollback(&self) -> Result<(), StoreError> {
        let commit = self.state.lock().await.rollback().await?;
        match commit {
            Some(commit) => commit.outcome().await,
            None => Ok(()),
        }
    }
}

impl State {
    fn on(on: On, begin: Option<&'static str>) -> Self {
        Self {
            on: Some(on),
            begin,
            open: false,
            key: None,
            seal: None,
            sealed: false,
            released: false,
            abandoned: false,
        }
    }

    fn connection(&mut self) -> Result<&mut sqlx::SqliteConnection, StoreError> {
        match &mut self.on {
            Some(On::Reader(connection)) => Ok(connection),
            Some(On::Writer(place)) => place.connection(),
            None => Err(StoreError::Unavailable("the connection was given back".to_owned())),
        }
    }

    /// Whether it is a savepoint in a transaction of others.
    fn is_shared(&self) -> bool {
        matches!(&self.on, Some(On::Writer(place)) if place.is_shared())
    }

    /// Whether it may commit by itself.
    fn is_alone(&self) -> bool {
        !matches!(&self.on, Some(On::Writer(place)) if !place.is_alone())
    }

    /// Begins the transaction, if none was.
    async fn begin(&mut self) -> Result<(), StoreError> {
        let Some(text) = self.begin.take() else { return self.going_on() };
        self.open = true;
        if let Err(error) = self.say(text).await {
            if self.is_shared() {
                return Err(error);
            }
            self.end_what_was_left(error).await?;
            self.say(text).await?;
        }
        Ok(())
    }

    /// A unit that has ended takes no further statement: it would be a transaction of its own, or nobody's.
    fn going_on(&self) -> Result<(), StoreError> {
        if self.open && !self.sealed {
            return Ok(());
        }
        Err(StoreError::Database("a unit of work that has ended takes no further statement".to_owned()))
    }

    /// A transaction that somebody left open here is ended, so that the begin can be tried once more.
    async fn end_what_was_left(&mut self, error: StoreError) -> Result<(), StoreError> {
        if self.say("ROLLBACK").await.is_err() {
            self.open = false;
            return Err(error);
        }
        Ok(())
    }

    /// Runs a text of one or several statements, the first together with the begin; how many rows each changed.
    async fn run(&mut self, statement: Statement) -> Result<Vec<u64>, StoreError> {
        let Some(begin) = self.begin.take() else {
            self.going_on()?;
            return self.steps(statement).await;
        };
        self.open = true;
        let sql = [begin, "; ", &statement.sql].concat();
        let whole = Statement { sql, ..statement };
        let changed = match self.steps(whole.clone()).await {
            Err(error) if says_nested(&error) && !self.is_shared() => {
                self.end_what_was_left(error).await?;
                self.steps(whole).await?
            }
            ended => ended?,
        };
        Ok(changed.into_iter().skip(1).collect())
    }

    async fn steps(&mut self, statement: Statement) -> Result<Vec<u64>, StoreError> {
        let mut steps = sqlx::Executor::fetch_many(self.connection()?, query(&statement));
        let mut changed = Vec::new();
        while let Some(step) = steps.try_next().await.map_err(of)? {
            if let sqlx::Either::Left(done) = step {
                changed.push(done.rows_affected());
            }
        }
        Ok(changed)
    }

    async fn say(&mut self, text: &'static str) -> Result<(), StoreError> {
        sqlx::Executor::execute(self.connection()?, text).await.map(|_| ()).map_err(of)
    }
}

fn query(statement: &Statement) -> sqlx::query::Query<'_, Sqlite, SqlxValues> {
    let values = statement.values.clone().unwrap_or(sea_orm::Values(Vec::new()));
    sqlx::query_with(sqlx::AssertSqlSafe(statement.sql.as_str()), SqlxValues(values))
}

fn of(error: sqlx::Error) -> StoreError {
    StoreError::of(&DbErr::Query(RuntimeErr::SqlxError(Arc::new(error))))
}

/// Whether a begin found a transaction open.
fn says_nested(error: &StoreError) -> bool {
    matches!(error, StoreError::Database(text) if text.contains("within a transaction"))
}

fn acquired(error: &sqlx::Error) -> StoreError {
    StoreError::Unavailable(error.to_string())
}
