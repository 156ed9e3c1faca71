//! How the database is: what `doctor` and the metrics ask. None of it belongs to a caller.

use std::collections::BTreeSet;
use std::sync::atomic::Ordering;

use chrono::{DateTime, Utc};
use recourse_migrations::{Migrator, MigratorTrait};
use uuid::Uuid;

use crate::error::StoreError;
use crate::sql::Sql;
use crate::store::{POSTGRES_LIMITS, Reader, Store};

/// Changes without a place in the feed that are counted; more of them are told as this many.
const MOST_COUNTED: u32 = 10_000;

/// Connections of a pool.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PoolCondition {
    /// `writer` and `reader` of SQLite, `all` of PostgreSQL.
    pub pool: &'static str,
    /// Open.
    pub open: u32,
    /// Of these, not in use.
    pub idle: u32,
}

/// Changes that wait for their place in the feed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct FeedBacklog {
    /// How many, ten thousand at most.
    pub waiting: i64,
    /// When the one that waits longest was made.
    pub oldest: Option<DateTime<Utc>>,
}

/// A lease of a job.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LeaseRow {
    /// The job.
    pub name: String,
    /// Who holds it.
    pub holder: Uuid,
    /// Until when.
    pub expires: DateTime<Utc>,
}

/// How far the schema is.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SchemaCondition {
    /// Steps that were taken.
    pub taken: Vec<String>,
    /// Steps of this release that were not.
    pub pending: Vec<String>,
    /// Steps that this release does not know: a newer one was here.
    pub foreign: Vec<String>,
}

/// A setting of the database that its safety hangs on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SettingCondition {
    /// Its name.
    pub name: String,
    /// What it is.
    pub found: String,
    /// What it must be.
    pub expected: String,
}

impl Store {
    /// How often a transaction was run again because the database asked for it.
    pub fn transactions_retried(&self) -> u64 {
        self.retried.load(Ordering::Relaxed)
    }

    /// The pools of connections.
    pub fn pools(&self) -> Vec<PoolCondition> {
        let idle = |number: usize| u32::try_from(number).unwrap_or(u32::MAX);
        match &self.reader {
            Reader::Postgres(connections) => {
                let (open, free) = connections.condition();
                vec![PoolCondition { pool: "all", open, idle: idle(free) }]
            }
            Reader::Embedded(reader, _) => [("writer", &self.writer), ("reader", reader)]
                .map(|(name, connection)| {
                    let pool = connection.get_sqlite_connection_pool();
                    PoolCondition { pool: name, open: pool.size(), idle: idle(pool.num_idle()) }
                })
                .to_vec(),
        }
    }

    /// What waits for its place in the feed.
    pub async fn feed_backlog(&self) -> Result<FeedBacklog, StoreError> {
        let row = Sql::new(&format!(
            "SELECT COUNT(*) AS waiting FROM (SELECT change_id FROM change_pending LIMIT {MOST_COUNTED}) p"
        ))
        .one(&self.reader)
        .await?;
        let waiting = row.map_or(Ok(0), |row| row.get("waiting"))?;
        let oldest = Sql::new(
            "SELECT time FROM change WHERE id = (SELECT change_id FROM change_pending ORDER BY change_id LIMIT 1)",
        )
        .one(&self.reader)
        .await?;
        Ok(FeedBacklog { waiting, oldest: oldest.map(|row| row.instant("time")).transpose()? })
    }

    /// The leases of jobs.
    pub async fn leases(&self) -> Result<Vec<LeaseRow>, StoreError> {
        let rows =
            Sql::new("SELECT name, holder, expires FROM lease ORDER BY name LIMIT 100").all(&self.reader).await?;
        rows.iter()
            .map(|row| {
                Ok(LeaseRow { name: row.get("name")?, holder: row.get("holder")?, expires: row.instant("expires")? })
            })
            .collect()
    }

    /// What the database calls itself.
    pub async fn database_version(&self) -> Result<String, StoreError> {
        let sql = if self.is_postgres() {
            "SELECT 'PostgreSQL ' || current_setting('server_version') AS version"
        } else {
            "SELECT 'SQLite ' || sqlite_version() AS version"
        };
        Sql::new(sql).one(&self.reader).await?.map_or(Ok(String::new()), |row| row.get("version"))
    }

    /// The clock of the database's machine; nothing where it is this one.
    pub async fn database_clock(&self) -> Result<Option<DateTime<Utc>>, StoreError> {
        if !self.is_postgres() {
            return Ok(None);
        }
        let sql = "SELECT CAST(EXTRACT(EPOCH FROM clock_timestamp()) * 1000000 AS BIGINT) AS time";
        Sql::new(sql).one(&self.reader).await?.map(|row| row.instant("time")).transpose()
    }

    /// How far the schema is. A database without any has taken no step.
    pub async fn schema(&self) -> Result<SchemaCondition, StoreError> {
        let ours: Vec<String> = Migrator::migrations().iter().map(|step| step.name().to_owned()).collect();
        let known: BTreeSet<&str> = ours.iter().map(String::as_str).collect();
        let taken = self.steps_taken().await?;
        let (mine, foreign): (Vec<String>, Vec<String>) =
            taken.into_iter().partition(|step| known.contains(step.as_str()));
        let pending = ours.iter().filter(|step| !mine.contains(step)).cloned().collect();
        Ok(SchemaCondition { taken: mine, pending, foreign })
    }

    async fn steps_taken(&self) -> Result<Vec<String>, StoreError> {
        let there = if self.is_postgres() {
            "SELECT 1 AS one FROM information_schema.tables WHERE table_schema = current_schema() AND table_name = 'seaql_migrations'"
        } else {
            "SELECT 1 AS one FROM sqlite_master WHERE name = 'seaql_migrations'"
        };
        if Sql::new(there).one(&self.reader).await?.is_none() {
            return Ok(Vec::new());
        }
        let rows = Sql::new("SELECT version FROM seaql_migrations ORDER BY version").all(&self.reader).await?;
        rows.iter().map(|row| row.get("version")).collect()
    }

    /// The settings that safety hangs on, as the database has them for us.
    pub async fn settings_in_force(&self) -> Result<Vec<SettingCondition>, StoreError> {
        let mut found = Vec::new();
        if self.is_postgres() {
            let limits = POSTGRES_LIMITS.iter().map(|(name, value)| (*name, *value));
            let durable = [("fsync", "on"), ("full_page_writes", "on"), ("synchronous_commit", "on")];
            for (name, expected) in limits.chain(durable) {
                let row = Sql::new("SELECT current_setting(?) AS value").bind(name).one(&self.reader).await?;
                let value: String = row.map_or(Ok(String::new()), |row| row.get("value"))?;
                // Stronger than "on" there is "remote_apply"; both wait for the disk.
                let value =
                    if name == "synchronous_commit" && value == "remote_apply" { "on".to_owned() } else { value };
                found.push(SettingCondition { name: name.to_owned(), found: value, expected: expected.to_owned() });
            }
            return Ok(found);
        }
        for (pragma, expected) in [("journal_mode", "wal"), ("synchronous", "2"), ("foreign_keys", "1")] {
            let sql = format!("SELECT CAST({pragma} AS TEXT) AS value FROM pragma_{pragma}");
            let row = Sql::new(&sql).one(&self.writer).await?;
            let value: String = row.map_or(Ok(String::new()), |row| row.get("value"))?;
            found.push(SettingCondition { name: pragma.to_owned(), found: value, expected: expected.to_owned() });
        }
        Ok(found)
    }

    /// Which secrets and keys of the deployment there are, by name.
    pub async fn key_names(&self) -> Result<Vec<String>, StoreError> {
        let rows = Sql::new(
            "SELECT name FROM key_store UNION ALL SELECT 'signing key ' || kid AS name FROM signing_key \
             WHERE retire_time IS NULL ORDER BY name",
        )
        .all(&self.reader)
        .await?;
        rows.iter().map(|row| row.get("name")).collect()
    }

    /// The currencies in which the ledger does not sum to zero.
    pub async fn unbalanced_currencies(&self) -> Result<Vec<(String, i64)>, StoreError> {
        let rows = Sql::new(
            "SELECT currency, CAST(SUM(amount_minor) AS BIGINT) AS total FROM ledger_posting \
             GROUP BY currency HAVING SUM(amount_minor) <> 0 ORDER BY currency",
        )
        .all(&self.reader)
        .await?;
        rows.iter().map(|row| Ok((row.get("currency")?, row.get("total")?))).collect()
    }
}
