//! What was tried in vain: counted where every replica sees it.
//!
//! A row is known by a hash: of an account, an address or a device. Names that people typed by mistake, which
//! may be passwords, are never kept.

use chrono::{DateTime, Utc};
use recourse_domain::attempts::Attempts;

use crate::error::StoreError;
use crate::sql::{Row, Runs, Sql};
use crate::store::{Store, Tx};

impl Store {
    /// What was tried so far under some keys, without a lock, in the order of the keys.
    pub async fn attempts(&self, keys: &[Vec<u8>]) -> Result<Vec<Attempts>, StoreError> {
        read(keys, "", &self.reader).await
    }
}

impl Tx<'_> {
    /// What was tried so far under some keys, locked until this unit ends, in the order of the keys. Give
    /// them sorted, so that two units do not wait for one another.
    pub async fn lock_attempts(&mut self, keys: &[Vec<u8>]) -> Result<Vec<Attempts>, StoreError> {
        let mut sql = Sql::new("INSERT INTO sign_in_attempt (key, failures, last_time, blocked_until) VALUES ");
        for (index, key) in keys.iter().enumerate() {
            sql.push(if index == 0 { "(?, 0, 0, 0)" } else { ", (?, 0, 0, 0)" }).add(key);
        }
        sql.push(" ON CONFLICT DO NOTHING");
        sql.execute(&self.db).await?;
        // The embedded database has one writer, and this unit is it.
        read(keys, if self.is_postgres() { " FOR UPDATE" } else { "" }, &self.db).await
    }

    /// Writes what was tried.
    pub async fn save_attempts(&mut self, rows: &[(Vec<u8>, Attempts)]) -> Result<(), StoreError> {
        for (key, attempts) in rows {
            Sql::new("UPDATE sign_in_attempt SET failures = ?, last_time = ?, blocked_until = ? WHERE key = ?")
                .bind(i64::from(attempts.failures))
                .bind(attempts.last)
                .bind(attempts.blocked_until)
                .bind(key)
                .execute(&self.db)
                .await?;
        }
        Ok(())
    }

    /// Forgets attempts that ended before an instant, and the oldest beyond `keep`; answers how many.
    pub async fn forget_attempts(&mut self, before: DateTime<Utc>, keep: u32) -> Result<u64, StoreError> {
        let aged = Sql::new("DELETE FROM sign_in_attempt WHERE last_time < ? AND blocked_until < ?")
            .bind(before)
            .bind(before)
            .execute(&self.db)
            .await?;
        let bound =
            Sql::new(&format!("SELECT last_time FROM sign_in_attempt ORDER BY last_time DESC LIMIT 1 OFFSET {keep}"))
                .one(&self.db)
                .await?;
        let Some(bound) = bound else { return Ok(aged) };
        let beyond = Sql::new("DELETE FROM sign_in_attempt WHERE last_time <= ?")
            .bind(bound.get::<i64>("last_time")?)
            .execute(&self.db)
            .await?;
        Ok(aged + beyond)
    }
}

async fn read(keys: &[Vec<u8>], lock: &str, on: &impl Runs) -> Result<Vec<Attempts>, StoreError> {
    let mut sql = Sql::new("SELECT key, failures, last_time, blocked_until FROM sign_in_attempt WHERE key IN ");
    sql.push_list(keys.iter()).push(" ORDER BY key").push(lock);
    let rows = sql.all(on).await?;
    let found = rows.iter().map(attempts).collect::<Result<Vec<_>, _>>()?;
    Ok(keys
        .iter()
        .map(|key| found.iter().find(|(known, _)| known == key).map_or(Attempts::NONE, |(_, attempts)| *attempts))
        .collect())
}

fn attempts(row: &Row) -> Result<(Vec<u8>, Attempts), StoreError> {
    let failures: i64 = row.get("failures")?;
    let attempts = Attempts {
        failures: u32::try_from(failures).unwrap_or(u32::MAX),
        last: row.instant("last_time")?,
        blocked_until: row.instant("blocked_until")?,
    };
    Ok((row.get("key")?, attempts))
}
