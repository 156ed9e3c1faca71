//! Idempotency records: a command under a key is done once, and its record stands in its own transaction.

use chrono::{DateTime, Utc};
use recourse_domain::ids::UserId;
use uuid::Uuid;

use crate::error::StoreError;
use crate::sql::Sql;
use crate::store::{Store, Tx};

/// Longest wait of a command for a lock: then it gives its connection back, and tries again.
const LOCK_WAIT: &str = "100ms";

/// Whether a key was seen before.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Seen {
    /// It is new, and now claimed by this transaction.
    New,
    /// A command under it has been done.
    Before {
        /// Name of the resource that it answered with.
        resource: String,
        /// Whether its body was the same.
        same_body: bool,
    },
}

impl Tx<'_> {
    /// Claims a key for this transaction, or tells what was done under it.
    ///
    /// Two commands under one key meet on the key's row. The second gives way at once, lets its connection
    /// go, and comes back through [`Store::run`] until the first has ended, or answers
    /// [`StoreError::InFlight`] when that takes too long. A command that is refused leaves no record, for its
    /// transaction leaves nothing.
    pub async fn claim_request(
        &mut self,
        principal: UserId,
        rpc: &str,
        request_id: Uuid,
        body_hash: &[u8],
        now: DateTime<Utc>,
    ) -> Result<Seen, StoreError> {
        let mut claim = Sql::new(
            "INSERT INTO idempotency (principal, rpc, request_id, body_hash, resource, time) SELECT ?, ?, ?, ?, '', ?",
        )
        .bind(principal.0)
        .bind(rpc)
        .bind(request_id)
        .bind(body_hash)
        .bind(now);
        if self.is_postgres() {
            // The same statement bounds every wait for a lock in this unit of work.
            claim.push(" FROM (SELECT set_config('lock_timeout', ?, true) AS bound) bounded WHERE bound IS NOT NULL");
            claim.add(LOCK_WAIT);
        } else {
            // Without a WHERE, SQLite takes ON for a join.
            claim.push(" WHERE 1 = 1");
        }
        claim.push(" ON CONFLICT DO NOTHING");
        let claimed = claim.execute(&self.db).await.map_err(|error| match error {
            StoreError::Retry => StoreError::InFlight,
            other => other,
        })?;
        if claimed == 1 {
            return Ok(Seen::New);
        }
        let row =
            Sql::new("SELECT body_hash, resource FROM idempotency WHERE principal = ? AND rpc = ? AND request_id = ?")
                .bind(principal.0)
                .bind(rpc)
                .bind(request_id)
                .one(&self.db)
                .await?;
        match row {
            Some(row) => {
                let before: Vec<u8> = row.get("body_hash")?;
                Ok(Seen::Before { resource: row.get("resource")?, same_body: before == body_hash })
            }
            // The first command was rolled back while we waited: try again.
            None => Err(StoreError::Retry),
        }
    }

    /// Notes what the command under a key answered with.
    pub async fn finish_request(
        &mut self,
        principal: UserId,
        rpc: &str,
        request_id: Uuid,
        resource: &str,
    ) -> Result<(), StoreError> {
        Sql::new("UPDATE idempotency SET resource = ? WHERE principal = ? AND rpc = ? AND request_id = ?")
            .bind(resource)
            .bind(principal.0)
            .bind(rpc)
            .bind(request_id)
            .execute(&self.db)
            .await?;
        Ok(())
    }
}

impl Store {
    /// Forgets records older than an instant; answers how many.
    pub async fn forget_requests(&self, before: DateTime<Utc>) -> Result<u64, StoreError> {
        self.run(|tx| {
            Box::pin(
                async move { Sql::new("DELETE FROM idempotency WHERE time < ?").bind(before).execute(&tx.db).await },
            )
        })
        .await
    }
}
