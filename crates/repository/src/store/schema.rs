//! The schema of the store: brought up to date, looked at beforehand, taken back.

use std::time::Duration;

use recourse_migrations::{Migrator, MigratorTrait};
use sea_orm::{
    ConnectionTrait, DatabaseConnection, DatabaseTransaction, SqliteTransactionMode, TransactionOptions,
    TransactionTrait,
};

use super::Store;
use crate::error::StoreError;

/// For how long another connection is tried when one turns out to be dead.
const RECONNECT: Duration = Duration::from_secs(1);

/// A step of the schema that was not taken yet.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PendingStep {
    /// Its name.
    pub name: String,
    /// The statements that it runs on this database.
    pub statements: Vec<String>,
}

impl Store {
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
}
