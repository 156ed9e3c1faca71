//! PostgreSQL's side of a unit of work: a connection that stays with its unit, a transaction that begins when
//! it must, and the one statement that a command can end with.
//!
//! Three habits of the stack cost more than the statements themselves: a connection is checked out for each
//! statement, the driver asks each returned connection whether it lives, and a transaction spends two trips on
//! its begin and its end. So idle connections are kept here, and a unit takes its one connection with the first
//! statement. Reads run by themselves, as they would in READ COMMITTED. The first write begins the transaction,
//! unless the unit is [sealed](PgUnit::seal): then everything it writes goes with its last write as one
//! statement, which is a transaction of its own.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use sea_orm::sqlx::pool::PoolConnection;
use sea_orm::sqlx::{self, PgPool, Postgres};
use sea_orm::{DbErr, QueryResult, RuntimeErr, Statement};
use sea_query_sqlx::SqlxValues;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use uuid::Uuid;

use crate::error::StoreError;
use crate::idempotency::RequestKey;
use crate::sql::Sql;
use crate::store::ACQUIRE;

/// For how long another connection is tried when one turns out to be dead.
const RECONNECT: Duration = Duration::from_secs(1);
/// A connection that is older is closed, so that the server's memory for it is given back.
const MAX_AGE: Duration = Duration::from_secs(30 * 60);

/// The connections to a PostgreSQL server.
pub(crate) struct Connections {
    pool: PgPool,
    idle: Mutex<Vec<Pinned>>,
    places: Arc<Semaphore>,
}

struct Pinned {
    connection: PoolConnection<Postgres>,
    born: Instant,
}

impl Connections {
    /// Connections out of a pool of `most`.
    pub(crate) fn new(pool: PgPool, most: u32) -> Arc<Self> {
        let places = usize::try_from(most).unwrap_or(usize::MAX).min(Semaphore::MAX_PERMITS);
        Arc::new(Self { pool, idle: Mutex::default(), places: Arc::new(Semaphore::new(places)) })
    }

    /// One connection, for as long as it is held.
    async fn lend(self: &Arc<Self>) -> Result<Lent, StoreError> {
        let waited = tokio::time::timeout(ACQUIRE, Arc::clone(&self.places).acquire_owned()).await;
        let place = match waited {
            Ok(Ok(place)) => place,
            Ok(Err(_)) => return Err(StoreError::Unavailable("the store is closed".to_owned())),
            Err(_) => return Err(StoreError::Unavailable("no connection came free in time".to_owned())),
        };
        let kept = self.idle.lock().unwrap_or_else(PoisonError::into_inner).pop();
        let pinned = match kept.filter(|pinned| pinned.born.elapsed() < MAX_AGE) {
            Some(pinned) => pinned,
            None => Pinned { connection: self.pool.acquire().await.map_err(of)?, born: Instant::now() },
        };
        Ok(Lent { pinned: Some(pinned), home: Arc::clone(self), _place: place, keep: true })
    }

    /// Makes ready for another connection after one that was dead.
    async fn next(&self, why: &StoreError) {
        tracing::debug!(%why, "a connection is gone; the next one is tried");
        self.forget_idle();
        tokio::time::sleep(Duration::from_millis(10)).await;
    }

    /// Forgets the idle connections: one of them was dead, so most are.
    fn forget_idle(&self) {
        let dead = std::mem::take(&mut *self.idle.lock().unwrap_or_else(PoisonError::into_inner));
        for pinned in dead {
            drop(pinned.connection.detach());
        }
    }

    /// How many connections are open, and how many of them nobody holds.
    pub(crate) fn condition(&self) -> (u32, usize) {
        let kept = self.idle.lock().unwrap_or_else(PoisonError::into_inner).len();
        (self.pool.size(), kept + self.pool.num_idle())
    }

    /// Closes every connection.
    pub(crate) async fn close(&self) {
        self.places.close();
        self.forget_idle();
        self.pool.close().await;
    }
}

/// A connection that is lent. It goes back when it is dropped, unless something may still be going on in it.
struct Lent {
    pinned: Option<Pinned>,
    home: Arc<Connections>,
    _place: OwnedSemaphorePermit,
    /// Nothing is under way in it: no statement that was left in the middle, no transaction.
    keep: bool,
}

impl Drop for Lent {
    fn drop(&mut self) {
        let Some(pinned) = self.pinned.take() else { return };
        if self.keep && !self.home.places.is_closed() {
            self.home.idle.lock().unwrap_or_else(PoisonError::into_inner).push(pinned);
        } else {
            // The server ends what was under way when it sees the connection close.
            drop(pinned.connection.detach());
        }
    }
}

/// What is wanted of a statement.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Want {
    Count,
    One,
    All,
}

/// What a statement gave.
enum Given {
    Count(u64),
    Rows(Vec<QueryResult>),
}

impl Lent {
    async fn run(&mut self, statement: Statement, want: Want) -> Result<Given, StoreError> {
        let Some(pinned) = &mut self.pinned else { return Err(gone()) };
        let was_kept = std::mem::replace(&mut self.keep, false);
        let values = statement.values.unwrap_or(sea_orm::Values(Vec::new()));
        let query = sqlx::query_with(sqlx::AssertSqlSafe(statement.sql), SqlxValues(values));
        let connection = &mut *pinned.connection;
        let given = match want {
            Want::Count => query.execute(connection).await.map(|done| Given::Count(done.rows_affected())),
            Want::One => query
                .fetch_optional(connection)
                .await
                .map(|row| Given::Rows(row.into_iter().map(QueryResult::from).collect())),
            Want::All => query
                .fetch_all(connection)
                .await
                .map(|rows| Given::Rows(rows.into_iter().map(QueryResult::from).collect())),
        };
        self.settle(was_kept, given)
    }

    /// Text without values: begin, commit, roll back.
    async fn say(&mut self, text: &'static str) -> Result<(), StoreError> {
        let Some(pinned) = &mut self.pinned else { return Err(gone()) };
        self.keep = false;
        let done = sqlx::Executor::execute(&mut *pinned.connection, text).await;
        // Whether the connection may be kept is for who knows what was said.
        self.settle(false, done.map(|_| ()))
    }

    /// An answer, good or bad, leaves the connection as it was; one that is lost leaves it unusable.
    fn settle<T>(&mut self, was_kept: bool, given: Result<T, sqlx::Error>) -> Result<T, StoreError> {
        let given = given.map_err(of);
        if !matches!(given, Err(StoreError::Unavailable(_))) {
            self.keep = was_kept;
        }
        given
    }
}

fn of(error: sqlx::Error) -> StoreError {
    StoreError::of(&DbErr::Query(RuntimeErr::SqlxError(Arc::new(error))))
}

fn gone() -> StoreError {
    StoreError::Unavailable("the connection was given back".to_owned())
}

/// Rows of a read that stands alone. A connection that died while it was idle is no reason to fail: another is taken.
pub(crate) async fn rows_alone(
    home: &Arc<Connections>,
    statement: Statement,
    only_one: bool,
) -> Result<Vec<QueryResult>, StoreError> {
    let (began, want) = (Instant::now(), if only_one { Want::One } else { Want::All });
    loop {
        let given = match home.lend().await {
            Ok(mut lent) => lent.run(statement.clone(), want).await,
            Err(error) => Err(error),
        };
        match given {
            Ok(Given::Rows(rows)) => return Ok(rows),
            Ok(Given::Count(_)) => return Ok(Vec::new()),
            Err(error) if may_try_again(&error, began) => home.next(&error).await,
            Err(error) => return Err(error),
        }
    }
}

/// Whether another connection may do what this one could not, because nothing has been done yet.
fn may_try_again(error: &StoreError, began: Instant) -> bool {
    matches!(error, StoreError::Unavailable(_)) && began.elapsed() < RECONNECT
}

/// How far a unit of work is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Stage {
    /// Nothing was written; reads run by themselves.
    Open,
    /// A transaction was begun.
    Begun,
    /// A statement of the transaction failed: it can only be rolled back.
    Failed,
    /// Everything was written by one statement, which committed.
    Sealed,
}

/// A unit of work on PostgreSQL.
pub(crate) struct PgUnit {
    home: Arc<Connections>,
    state: tokio::sync::Mutex<UnitState>,
}

/// How a unit ends.
struct Seal {
    /// The name that it notes under its key.
    answer: String,
    /// The aggregate whose next version is its last write.
    last: Uuid,
}

struct UnitState {
    lent: Option<Lent>,
    stage: Stage,
    /// Whether a statement was answered: from then on a lost connection is a lost unit.
    answered: bool,
    /// The idempotency key that the first write claims.
    key: Option<RequestKey>,
    seal: Option<Seal>,
    /// Writes that wait for the one they can go with.
    waiting: Vec<Sql>,
    /// Versions of other aggregates are among them.
    versions_wait: bool,
}

impl PgUnit {
    /// A unit that has done nothing yet.
    pub(crate) fn new(home: &Arc<Connections>) -> Self {
        let state = UnitState {
            lent: None,
            stage: Stage::Open,
            answered: false,
            key: None,
            seal: None,
            waiting: Vec::new(),
            versions_wait: false,
        };
        Self { home: Arc::clone(home), state: tokio::sync::Mutex::new(state) }
    }

    /// A unit that only reads, all of it as of one moment.
    pub(crate) async fn snapshot(home: &Arc<Connections>) -> Result<Self, StoreError> {
        let unit = Self::new(home);
        let mut state = unit.state.lock().await;
        state.say_first(home, "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY").await?;
        drop(state);
        Ok(unit)
    }

    /// Notes the key that the first write will claim.
    pub(crate) async fn claim_with_first_write(&self, key: RequestKey) {
        self.state.lock().await.key = Some(key);
    }

    /// Everything that is written from now on may go as one statement with the next version of the aggregate
    /// `last`, which is the unit's last write. `answer` is what the command answers with.
    pub(crate) async fn seal(&self, answer: &str, last: Uuid) {
        self.state.lock().await.seal = Some(Seal { answer: answer.to_owned(), last });
    }

    /// Whether the unit has committed by its one statement, and under which name.
    pub(crate) async fn sealed_as(&self) -> Option<String> {
        let state = self.state.lock().await;
        state.seal.as_ref().filter(|_| state.stage == Stage::Sealed).map(|seal| seal.answer.clone())
    }

    /// Runs a statement that reads: by itself, or in the transaction if there is one.
    pub(crate) async fn rows(&self, statement: Statement, only_one: bool) -> Result<Vec<QueryResult>, StoreError> {
        let mut state = self.state.lock().await;
        let want = if only_one { Want::One } else { Want::All };
        if !state.waiting.is_empty() || !reads_only(&statement.sql) {
            state.begin(&self.home).await?;
        }
        match state.run(&self.home, statement, want).await? {
            Given::Rows(rows) => Ok(rows),
            Given::Count(_) => Ok(Vec::new()),
        }
    }

    /// Runs a statement that writes.
    pub(crate) async fn write(&self, statement: Statement) -> Result<u64, StoreError> {
        let mut state = self.state.lock().await;
        state.begin(&self.home).await?;
        state.count(&self.home, statement).await
    }

    /// Runs writes as one statement; how many rows the last of them changed. In a sealed unit they wait for the
    /// version that ends it. `version_of` is the aggregate whose version they are, if they are one.
    ///
    /// A version that waits can't be counted. It needn't be: the change row beside it stands already if somebody
    /// else was faster, and then nothing of the unit is written.
    pub(crate) async fn write_together(
        &self,
        before: Vec<Sql>,
        last: Sql,
        version_of: Option<Uuid>,
    ) -> Result<u64, StoreError> {
        let mut state = self.state.lock().await;
        let ends = match &state.seal {
            Some(seal) if state.stage == Stage::Open => Some(version_of == Some(seal.last)),
            Some(_) | None => None,
        };
        if ends == Some(false) {
            state.versions_wait |= version_of.is_some();
            state.waiting.extend(before);
            state.waiting.push(last);
            return Ok(1);
        }
        if ends == Some(true) {
            return state.finish(&self.home, before, last).await;
        }
        state.begin(&self.home).await?;
        state.count(&self.home, Sql::together(before, last)).await
    }

    /// Makes what was written last.
    pub(crate) async fn commit(&self) -> Result<(), StoreError> {
        let mut state = self.state.lock().await;
        if !state.waiting.is_empty() {
            state.begin(&self.home).await?;
        }
        match state.stage {
            Stage::Open | Stage::Sealed => Ok(()),
            // PostgreSQL would answer COMMIT with a roll-back that looks like a success.
            Stage::Failed => Err(StoreError::Database("a unit whose statement failed can't be committed".to_owned())),
            Stage::Begun => state.end("COMMIT").await,
        }
    }

    /// Leaves nothing behind.
    pub(crate) async fn rollback(&self) -> Result<(), StoreError> {
        let mut state = self.state.lock().await;
        state.waiting.clear();
        state.versions_wait = false;
        match state.stage {
            Stage::Open | Stage::Sealed => Ok(()),
            Stage::Begun | Stage::Failed => state.end("ROLLBACK").await,
        }
    }
}

impl UnitState {
    async fn lent(&mut self, home: &Arc<Connections>) -> Result<&mut Lent, StoreError> {
        let lent = match self.lent.take() {
            Some(lent) => lent,
            None => home.lend().await?,
        };
        Ok(self.lent.insert(lent))
    }

    /// Runs a statement; the first of a unit finds another connection if its own is dead.
    async fn run(&mut self, home: &Arc<Connections>, statement: Statement, want: Want) -> Result<Given, StoreError> {
        if self.stage == Stage::Sealed || self.stage == Stage::Failed {
            return Err(StoreError::Database("a unit that has ended takes no further statement".to_owned()));
        }
        let given = if self.stage == Stage::Open && !self.answered && want != Want::Count {
            let began = Instant::now();
            loop {
                self.lent = None;
                let given = match self.lent(home).await {
                    Ok(lent) => lent.run(statement.clone(), want).await,
                    Err(error) => Err(error),
                };
                match given {
                    Err(error) if may_try_again(&error, began) => home.next(&error).await,
                    ended => break ended,
                }
            }
        } else {
            self.lent(home).await?.run(statement, want).await
        };
        self.answered = true;
        if given.is_err() && self.stage == Stage::Begun {
            self.stage = Stage::Failed;
        }
        given
    }

    async fn count(&mut self, home: &Arc<Connections>, statement: Statement) -> Result<u64, StoreError> {
        match self.run(home, statement, Want::Count).await? {
            Given::Count(count) => Ok(count),
            Given::Rows(_) => Ok(0),
        }
    }

    async fn say_first(&mut self, home: &Arc<Connections>, text: &'static str) -> Result<(), StoreError> {
        let (began, first) = (Instant::now(), !self.answered);
        loop {
            let said = match self.lent(home).await {
                Ok(lent) => lent.say(text).await,
                Err(error) => Err(error),
            };
            match said {
                Ok(()) => break,
                Err(error) if first && may_try_again(&error, began) => {
                    home.next(&error).await;
                    self.lent = None;
                }
                Err(error) => return Err(error),
            }
        }
        self.answered = true;
        self.stage = Stage::Begun;
        Ok(())
    }

    /// Begins the transaction, if none was: claims the key and does what waited.
    async fn begin(&mut self, home: &Arc<Connections>) -> Result<(), StoreError> {
        if self.stage != Stage::Open {
            return Ok(());
        }
        let Some(key) = self.key.take() else {
            self.say_first(home, "BEGIN").await?;
            return self.catch_up(home).await;
        };
        // Whoever meets another command under the same key lets its connection go soon, and comes back.
        self.say_first(home, "BEGIN; SET LOCAL lock_timeout = '100ms'").await?;
        let claimed = self.count(home, key.insert("").postgres()).await.map_err(|error| match error {
            StoreError::Retry => StoreError::InFlight,
            other => other,
        })?;
        if claimed == 0 {
            return Err(StoreError::InFlight);
        }
        self.catch_up(home).await
    }

    async fn catch_up(&mut self, home: &Arc<Connections>) -> Result<(), StoreError> {
        let mut waiting = std::mem::take(&mut self.waiting);
        if let Some(last) = waiting.pop() {
            let versions_wait = self.versions_wait;
            let done = self.count(home, Sql::together(waiting, last)).await;
            done.map_err(|error| overtaken(error, versions_wait))?;
        }
        Ok(())
    }

    /// The one statement of a sealed unit: the key, what waited, and the version that ends it. It commits by
    /// itself; every part of it stands or none.
    async fn finish(&mut self, home: &Arc<Connections>, before: Vec<Sql>, last: Sql) -> Result<u64, StoreError> {
        let answer = self.seal.as_ref().map_or_else(String::new, |seal| seal.answer.clone());
        let versions_wait = self.versions_wait;
        let key = self.key.take();
        let has_key = key.is_some();
        let mut all: Vec<Sql> = key.into_iter().map(|key| key.insert_new(&answer)).collect();
        all.append(&mut self.waiting);
        all.extend(before);
        let count = self.count(home, Sql::together(all, last)).await.map_err(|error| match error {
            StoreError::AlreadyExists { what } if has_key && what == RequestKey::TAKEN => StoreError::InFlight,
            other => overtaken(other, versions_wait),
        })?;
        self.stage = Stage::Sealed;
        Ok(count)
    }

    async fn end(&mut self, text: &'static str) -> Result<(), StoreError> {
        let Some(lent) = &mut self.lent else { return Ok(()) };
        lent.say(text).await?;
        lent.keep = true;
        self.stage = Stage::Open;
        self.key = None;
        self.seal = None;
        self.versions_wait = false;
        Ok(())
    }
}

/// Where several versions go as one statement, nobody can tell which of them was overtaken: the unit is run again
/// over what stands then, and says by itself what is stale.
fn overtaken(error: StoreError, versions_wait: bool) -> StoreError {
    match error {
        StoreError::AlreadyExists { .. } if versions_wait => StoreError::Retry,
        other => other,
    }
}

/// Whether a statement takes no lock and changes nothing, so that it needs no transaction.
fn reads_only(sql: &str) -> bool {
    sql.starts_with("SELECT") && !sql.contains(" FOR UPDATE")
}
