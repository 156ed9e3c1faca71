//! Secrets of the deployment: shared by replicas, made once, whoever comes first.

use chrono::{DateTime, Utc};

use crate::error::StoreError;
use crate::sql::Sql;
use crate::store::Store;

impl Store {
    /// The secret of a name; `fresh` becomes it if there is none.
    pub async fn secret(&self, name: &str, fresh: Vec<u8>, now: DateTime<Utc>) -> Result<Vec<u8>, StoreError> {
        let fresh = &fresh;
        self.run(|tx| {
            Box::pin(async move {
                Sql::new("INSERT INTO key_store (name, secret, create_time) VALUES (?, ?, ?) ON CONFLICT DO NOTHING")
                    .bind(name)
                    .bind(fresh)
                    .bind(now)
                    .execute(&tx.db)
                    .await?;
                let row = Sql::new("SELECT secret FROM key_store WHERE name = ?").bind(name).one(&tx.db).await?;
                match row {
                    Some(row) => row.get("secret"),
                    None => Err(StoreError::corrupt("key_store", "name", name, "the row is missing")),
                }
            })
        })
        .await
    }

    /// Signing keys in use, newest first.
    pub async fn signing_keys(&self) -> Result<Vec<(String, Vec<u8>)>, StoreError> {
        let rows =
            Sql::new("SELECT kid, pkcs8 FROM signing_key WHERE retire_time IS NULL ORDER BY create_time DESC, kid")
                .all(&self.reader)
                .await?;
        rows.iter().map(|row| Ok((row.get("kid")?, row.get("pkcs8")?))).collect()
    }

    /// Adds the first signing key, unless another server was faster.
    pub async fn add_first_signing_key(&self, kid: &str, pkcs8: &[u8], now: DateTime<Utc>) -> Result<(), StoreError> {
        self.run(|tx| {
            Box::pin(async move {
                // The counter's row is a lock that every server has: the check and the insert are one step.
                Sql::new("UPDATE feed_counter SET position = position WHERE id = 1").execute(&tx.db).await?;
                Sql::new(
                    "INSERT INTO signing_key (kid, pkcs8, create_time) SELECT ?, ?, ? \
                     WHERE NOT EXISTS (SELECT 1 FROM signing_key WHERE retire_time IS NULL)",
                )
                .bind(kid)
                .bind(pkcs8)
                .bind(now)
                .execute(&tx.db)
                .await
                .map(|_| ())
            })
        })
        .await
    }
}
