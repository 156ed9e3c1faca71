//! Idempotency records: a command under a key is done once, and its record stands in its own transaction.

use chrono::{DateTime, Utc};
use recourse_domain::ids::UserId;
use uuid::Uuid;

use crate::error::StoreError;
use crate::sql::Sql;
use crate::store::{Tx, Unit};

/// Whether a key was seen before.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Seen {
    /// It is new, and claimed with the first thing that this transaction writes.
    New,
    /// A command under it has been done.
    Before {
        /// Name of the resource that it answered with.
        resource: String,
        /// Whether its body was the same.
        same_body: bool,
    },
}

/// A key under which a command is done once.
#[derive(Clone, Debug)]
pub struct RequestKey {
    /// Who asks.
    pub principal: UserId,
    /// For which rpc.
    pub rpc: &'static str,
    /// Under which id.
    pub id: Uuid,
    /// What is asked, without the id.
    pub body_hash: Vec<u8>,
    /// When.
    pub time: DateTime<Utc>,
}

impl RequestKey {
    /// The constraint that two commands under one key meet at.
    pub(crate) const TAKEN: &str = "idempotency(key)";

    /// Claims the key, or changes no row if it is taken.
    pub(crate) fn insert(&self, resource: &str) -> Sql {
        let mut sql = self.insert_new(resource);
        sql.push(" ON CONFLICT DO NOTHING");
        sql
    }

    /// Claims the key, or fails if it is taken.
    pub(crate) fn insert_new(&self, resource: &str) -> Sql {
        Sql::new(
            "INSERT INTO idempotency (principal, rpc, request_id, body_hash, resource, time) VALUES (?, ?, ?, ?, ?, ?)",
        )
        .bind(self.principal.0)
        .bind(self.rpc)
        .bind(self.id)
        .bind(&self.body_hash)
        .bind(resource)
        .bind(self.time)
    }

    /// Notes what the command under the key answered with.
    pub(crate) fn answered(&self, resource: &str) -> Sql {
        Sql::new("UPDATE idempotency SET resource = ? WHERE principal = ? AND rpc = ? AND request_id = ?")
            .bind(resource)
            .bind(self.principal.0)
            .bind(self.rpc)
            .bind(self.id)
    }
}

impl Tx<'_> {
    /// Claims a key for this transaction, or tells what was done under it.
    ///
    /// On the embedded database the key's row is written at once, for there is one writer. On PostgreSQL it is
    /// written with the first thing that the unit writes: most keys are new, and asking first would cost a trip
    /// that finds nothing. Two commands under one key meet on that row; the second gives its connection back and
    /// comes again through [`run`](crate::store::Store::run), and from then on it asks first. Whoever is refused asks
    /// [`Tx::seen_before`], for a refusal may be what the first command has left behind.
    pub async fn claim_request(&mut self, key: &RequestKey) -> Result<Seen, StoreError> {
        #[cfg(debug_assertions)]
        crate::failpoints::watch(key.id);
        match &self.db {
            Unit::Embedded(unit) => {
                if key.insert("").execute(&self.db).await? == 1 {
                    unit.has_claimed(key).await;
                    return Ok(Seen::New);
                }
                // One writer: the row that was there is still there.
                self.look_up(key).await?.ok_or(StoreError::Retry)
            }
            Unit::Postgres(unit) => {
                if self.attempt == 1 {
                    unit.claim_with_first_write(key.clone()).await;
                    return Ok(Seen::New);
                }
                if let Some(seen) = self.look_up(key).await? {
                    return Ok(seen);
                }
                unit.claim_with_first_write(key.clone()).await;
                Ok(Seen::New)
            }
        }
    }

    /// Whether a command under the key has been done, asked by one that was refused. What this unit has written
    /// is taken back first.
    pub async fn seen_before(&mut self, key: &RequestKey) -> Result<Option<Seen>, StoreError> {
        match &self.db {
            Unit::Embedded(_) => Ok(None),
            Unit::Postgres(unit) => {
                unit.rollback().await?;
                self.look_up(key).await
            }
        }
    }

    /// Notes what the command under a key answered with.
    pub async fn finish_request(&mut self, key: &RequestKey, resource: &str) -> Result<(), StoreError> {
        if let Some(noted) = self.db.sealed_as().await {
            debug_assert_eq!(noted, resource, "a sealed command answers with what it was sealed for");
            return Ok(());
        }
        key.answered(resource).execute(&self.db).await?;
        Ok(())
    }

    async fn look_up(&self, key: &RequestKey) -> Result<Option<Seen>, StoreError> {
        let row =
            Sql::new("SELECT body_hash, resource FROM idempotency WHERE principal = ? AND rpc = ? AND request_id = ?")
                .bind(key.principal.0)
                .bind(key.rpc)
                .bind(key.id)
                .one(&self.db)
                .await?;
        let Some(row) = row else { return Ok(None) };
        let before: Vec<u8> = row.get("body_hash")?;
        Ok(Some(Seen::Before { resource: row.get("resource")?, same_body: before == key.body_hash }))
    }
}
