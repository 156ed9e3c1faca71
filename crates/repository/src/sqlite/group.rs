//! The one writer's place, and the commits that units share.
//!
//! A durable commit waits for the disk, and while it does nobody else writes. So a unit that ends while others wait
//! for the place leaves its transaction open for them, and each of them is a savepoint in it. Nobody is told of an end
//! before all of it has committed, or that it has failed if it could not. A unit that nobody waits for commits at once:
//! no unit waits for company.
//!
//! What was left open is always closed: whoever leaves a transaction open first sends a task after those who wait, and
//! it commits what it finds. Callers who hang up, with a unit begun or while they wait, take nobody along.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use sea_orm::sqlx::pool::PoolConnection;
use sea_orm::sqlx::{self, Sqlite, SqlitePool};
use tokio::runtime::Handle;
use tokio::sync::{Mutex, OwnedMutexGuard, watch};

use super::of;
use crate::error::StoreError;
use crate::store::ACQUIRE;

/// Most units that share a commit.
const MOST: usize = 8;
/// How long a transaction may have been open to be left open for others.
const LONGEST: Duration = Duration::from_millis(20);

/// The one writer of an embedded database.
#[derive(Clone)]
pub(crate) struct Writer {
    pool: SqlitePool,
    place: Arc<Mutex<Option<Group>>>,
    /// Units that wait for the place.
    waiting: Arc<AtomicUsize>,
    /// A transaction that has been open for longer is left open for nobody.
    pub(super) longest: Duration,
}

/// Units that commit together.
struct Group {
    connection: PoolConnection<Sqlite>,
    /// Units that have ended in it, and wait for its commit.
    members: usize,
    began: Instant,
    /// Whether somebody is under way who closes it.
    is_followed: bool,
    outcome: watch::Sender<Option<Result<(), StoreError>>>,
}

/// The writer's place, while a unit has it.
pub(super) struct Place {
    group: OwnedMutexGuard<Option<Group>>,
    writer: Writer,
}

/// The commit that a unit which has ended waits for.
pub(super) struct Commit(watch::Receiver<Option<Result<(), StoreError>>>);

impl Writer {
    /// The writer that a pool of one connection is.
    pub(crate) fn new(pool: SqlitePool) -> Self {
        Self { pool, place: Arc::default(), waiting: Arc::default(), longest: LONGEST }
    }

    /// The place, for one unit.
    pub(super) async fn place(&self) -> Result<Place, StoreError> {
        let waits = Waits::of(&self.waiting);
        let taken = tokio::time::timeout(ACQUIRE, Arc::clone(&self.place).lock_owned()).await;
        let late = |_| StoreError::Unavailable("the writer's place came not free in time".to_owned());
        let mut group = taken.map_err(late)?;
        drop(waits);
        if group.is_none() {
            let connection = self.pool.acquire().await.map_err(|error| super::acquired(&error))?;
            *group = Some(Group {
                connection,
                members: 0,
                began: Instant::now(),
                is_followed: false,
                outcome: watch::Sender::new(None),
            });
        }
        Ok(Place { group, writer: self.clone() })
    }

    /// Closes what was left open, after those who wait now.
    async fn follow(self) {
        let group = self.place.clone().lock_owned().await;
        close(group).await;
    }
}

/// Counts as waiting for as long as it is held.
struct Waits<'w>(&'w AtomicUsize);

impl<'w> Waits<'w> {
    fn of(count: &'w AtomicUsize) -> Self {
        count.fetch_add(1, Ordering::Relaxed);
        Self(count)
    }
}

impl Drop for Waits<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

impl Place {
    pub(super) fn connection(&mut self) -> Result<&mut sqlx::SqliteConnection, StoreError> {
        let gone = || StoreError::Unavailable("the connection was given back".to_owned());
        Ok(&mut self.group.as_mut().ok_or_else(gone)?.connection)
    }

    /// Whether others have ended in the same transaction.
    pub(super) fn is_shared(&self) -> bool {
        self.group.as_ref().is_some_and(|group| group.members > 0)
    }

    /// Whether the unit may commit by itself: no other depends on it, and nobody waits for the place.
    pub(super) fn is_alone(&self) -> bool {
        !self.is_shared() && !self.is_awaited()
    }

    fn is_awaited(&self) -> bool {
        self.writer.waiting.load(Ordering::Relaxed) > 0
    }

    /// Gives the place up with no transaction open.
    pub(super) fn leave(mut self) {
        // The connection is back before the place is free.
        drop(self.group.take());
    }

    /// Gives the place up in the middle of a transaction in which the unit has ended. With `counts`, the unit is one of
    /// those whose writes it holds. Without a runtime there is nobody left to commit, and all are told so.
    pub(super) fn pass_on(mut self, counts: bool) -> Option<Commit> {
        let is_awaited = self.is_awaited();
        let group = self.group.as_mut()?;
        group.members += usize::from(counts);
        let commit = Commit(group.outcome.subscribe());
        let Ok(runtime) = Handle::try_current() else {
            self.leave();
            return Some(commit);
        };
        if !is_awaited || group.members >= MOST || group.began.elapsed() > self.writer.longest {
            self.end();
        } else if !std::mem::replace(&mut group.is_followed, true) {
            drop(self.group);
            runtime.spawn(self.writer.follow());
        }
        Some(commit)
    }

    /// Ends the transaction for all of its units at once: one of them found it broken.
    pub(super) fn end(self) {
        match Handle::try_current() {
            Ok(runtime) => drop(runtime.spawn(close(self.group))),
            Err(_) => self.leave(),
        }
    }
}

/// Commits what is open, and tells those who wait for it.
async fn close(mut place: OwnedMutexGuard<Option<Group>>) {
    let Some(mut group) = place.take() else { return };
    let connection = &mut *group.connection;
    let outcome = sqlx::Executor::execute(&mut *connection, "COMMIT").await.map(|_| ()).map_err(of);
    if outcome.is_err() {
        // Whether it is still open or was ended by the failure: after this it is over.
        drop(sqlx::Executor::execute(connection, "ROLLBACK").await);
    }
    group.outcome.send_replace(Some(outcome));
}

impl Commit {
    /// Waits for it.
    pub(super) async fn outcome(mut self) -> Result<(), StoreError> {
        let lost = || StoreError::Unavailable("the transaction was given up before its commit".to_owned());
        let outcome = self.0.wait_for(Option::is_some).await.map_err(|_| lost())?;
        outcome.clone().unwrap_or_else(|| Err(lost()))
    }
}
