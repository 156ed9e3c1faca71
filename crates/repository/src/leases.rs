//! Leases: of several servers that could do a job, one does it at a time.

use chrono::{DateTime, Duration, Utc};
use uuid::Uuid;

use crate::error::StoreError;
use crate::sql::Sql;
use crate::store::Store;

impl Store {
    /// Takes or renews the lease of a job; false while another holds it.
    pub async fn hold_lease(
        &self,
        name: &str,
        holder: Uuid,
        now: DateTime<Utc>,
        for_seconds: i64,
    ) -> Result<bool, StoreError> {
        let expires = now + Duration::seconds(for_seconds);
        self.run(|tx| {
            Box::pin(async move {
                let taken = Sql::new(
                    "INSERT INTO lease (name, holder, expires) VALUES (?, ?, ?) ON CONFLICT (name) DO UPDATE \
                     SET holder = excluded.holder, expires = excluded.expires \
                     WHERE lease.holder = excluded.holder OR lease.expires < ?",
                )
                .bind(name)
                .bind(holder)
                .bind(expires)
                .bind(now)
                .execute(&tx.db)
                .await?;
                Ok(taken == 1)
            })
        })
        .await
    }
}
