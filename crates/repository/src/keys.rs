//! Secrets of the deployment: shared by replicas, made once, whoever comes first.

use chrono::{DateTime, Utc};

use crate::error::StoreError;
use crate::sql::{Row, Sql};
use crate::store::{Store, Tx};

/// When a signing key does what: it signs from its activation until the next key's, and verifies until the
/// tokens that it signed have ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeyTimes {
    /// Name of the key in tokens.
    pub kid: String,
    /// When it begins to sign.
    pub activate_time: DateTime<Utc>,
    /// Until when it verifies, once a successor is known.
    pub verify_until: Option<DateTime<Utc>>,
}

impl KeyTimes {
    /// Whether tokens are verified with the key at an instant. The next key is, too: another server's clock
    /// may be ahead.
    pub fn verifies(&self, now: DateTime<Utc>) -> bool {
        self.verify_until.is_none_or(|until| now < until)
    }
}

/// Keys of servers before activation was a time of its own began when they were made.
const TIMES: &str = "kid, COALESCE(activate_time, create_time) AS activates, verify_until FROM signing_key \
     WHERE retire_time IS NULL ORDER BY COALESCE(activate_time, create_time) DESC, kid";

fn key_times(row: &Row) -> Result<KeyTimes, StoreError> {
    Ok(KeyTimes {
        kid: row.get("kid")?,
        activate_time: row.instant("activates")?,
        verify_until: row.instant_or_null("verify_until")?,
    })
}

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

    /// Signing keys that may still be met, the newest first, with their private parts.
    pub async fn signing_keys(&self) -> Result<Vec<(KeyTimes, Vec<u8>)>, StoreError> {
        let rows = Sql::new(&format!("SELECT pkcs8, {TIMES}")).all(&self.reader).await?;
        rows.iter().map(|row| Ok((key_times(row)?, row.get("pkcs8")?))).collect()
    }

    /// The same without the private parts: whether anything changed.
    pub async fn signing_key_times(&self) -> Result<Vec<KeyTimes>, StoreError> {
        Sql::new(&format!("SELECT {TIMES}")).all(&self.reader).await?.iter().map(key_times).collect()
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

    /// Makes a key the next one, unless one waits already; answers which is next. The keys before it verify
    /// until `verify_before_until`.
    pub async fn add_next_signing_key(
        &self,
        next: &KeyTimes,
        pkcs8: &[u8],
        verify_before_until: DateTime<Utc>,
        now: DateTime<Utc>,
    ) -> Result<KeyTimes, StoreError> {
        self.run(|tx| {
            Box::pin(async move {
                // The same lock as above: of two servers that rotate at once, one does.
                Sql::new("UPDATE feed_counter SET position = position WHERE id = 1").execute(&tx.db).await?;
                let known = Sql::new(&format!("SELECT {TIMES}")).all(&tx.db).await?;
                if let Some(newest) = known.first().map(key_times).transpose()?
                    && newest.activate_time > now
                {
                    return Ok(newest);
                }
                Sql::new("UPDATE signing_key SET verify_until = ? WHERE verify_until IS NULL")
                    .bind(verify_before_until)
                    .execute(&tx.db)
                    .await?;
                Sql::new("INSERT INTO signing_key (kid, pkcs8, create_time, activate_time) VALUES (?, ?, ?, ?)")
                    .bind(&next.kid)
                    .bind(pkcs8)
                    .bind(now)
                    .bind(next.activate_time)
                    .execute(&tx.db)
                    .await?;
                Ok(next.clone())
            })
        })
        .await
    }

    /// Ends every key but the newest at once: one of them is known to a thief.
    pub async fn end_older_signing_keys(&self, newest: &str, now: DateTime<Utc>) -> Result<(), StoreError> {
        self.run(|tx| {
            Box::pin(async move {
                Sql::new("UPDATE signing_key SET verify_until = ? WHERE kid <> ?")
                    .bind(now)
                    .bind(newest)
                    .execute(&tx.db)
                    .await
                    .map(|_| ())
            })
        })
        .await
    }
}

/// A key that signs conclusions of appraisals. It never ends: a conclusion is verified for as long as it is kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ConclusionKey {
    /// Its name in signatures.
    pub kid: String,
    /// Its private part.
    pub pkcs8: Vec<u8>,
}

impl Store {
    /// The keys of conclusions, the newest first: that one signs, all of them verify.
    pub async fn conclusion_keys(&self) -> Result<Vec<ConclusionKey>, StoreError> {
        let rows =
            Sql::new("SELECT kid, pkcs8 FROM conclusion_key ORDER BY create_time DESC, kid").all(&self.reader).await?;
        rows.iter().map(|row| Ok(ConclusionKey { kid: row.get("kid")?, pkcs8: row.get("pkcs8")? })).collect()
    }

    /// Adds a key of conclusions, which signs from now on. With `only_first` it is added only if there is none.
    pub async fn add_conclusion_key(
        &self,
        key: &ConclusionKey,
        only_first: bool,
        now: DateTime<Utc>,
    ) -> Result<(), StoreError> {
        self.run(|tx| {
            Box::pin(async move {
                // The same lock as above: of two servers that begin at once, one makes the first key.
                Sql::new("UPDATE feed_counter SET position = position WHERE id = 1").execute(&tx.db).await?;
                let guard = if only_first { " WHERE NOT EXISTS (SELECT 1 FROM conclusion_key)" } else { "" };
                Sql::new(&format!("INSERT INTO conclusion_key (kid, pkcs8, create_time) SELECT ?, ?, ?{guard}"))
                    .bind(&key.kid)
                    .bind(&key.pkcs8)
                    .bind(now)
                    .execute(&tx.db)
                    .await
                    .map(|_| ())
            })
        })
        .await
    }
}

impl Tx<'_> {
    /// Deletes keys that nothing can be verified with any more, private parts and all; answers how many.
    pub async fn forget_signing_keys(&mut self, before: DateTime<Utc>) -> Result<u64, StoreError> {
        Sql::new("DELETE FROM signing_key WHERE verify_until < ?").bind(before).execute(&self.db).await
    }
}
