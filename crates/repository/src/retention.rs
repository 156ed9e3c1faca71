//! Forgetting what has aged, a bounded piece in each transaction: whoever writes meanwhile waits for one piece at
//! most, and a server that stops in the middle has lost nothing and holds nobody up.
//!
//! What bounds every table is told in the README of the migrations.

use chrono::{DateTime, Utc};
use uuid::Uuid;

use crate::changes::to_the_microsecond;
use crate::error::StoreError;
use crate::sql::Sql;
use crate::store::Store;

/// Rows that are forgotten in one transaction, and a few of the same instant as the last of them.
pub const FORGOTTEN_AT_ONCE: u32 = 1_000;

/// Rows that are good for nothing once they are so old.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Aged {
    /// Records of requests that were done under a key.
    Requests,
    /// Attempts that were refused.
    Denials,
    /// What replicas are told of tokens that were revoked.
    Revocations,
    /// Refresh tokens, by their end.
    RefreshTokens,
    /// Assertions of programs that were used up, by their end.
    Assertions,
    /// Points of rescue tracks.
    TrackPoints,
}

impl Aged {
    /// All of them.
    pub const ALL: [Aged; 6] =
        [Aged::Requests, Aged::Denials, Aged::Revocations, Aged::RefreshTokens, Aged::Assertions, Aged::TrackPoints];

    /// The table, and the column with an index that says how old a row is.
    pub fn place(self) -> (&'static str, &'static str) {
        match self {
            Aged::Requests => ("idempotency", "time"),
            Aged::Denials => ("denial", "time"),
            Aged::Revocations => ("revocation", "time"),
            Aged::RefreshTokens => ("refresh_token", "expires"),
            Aged::Assertions => ("used_assertion", "expires"),
            Aged::TrackPoints => ("rescue_track_point", "time"),
        }
    }
}

impl Store {
    /// Forgets the oldest rows of before an instant, [`FORGOTTEN_AT_ONCE`] or few more; answers how many. Fewer than
    /// that means that none is left.
    pub async fn forget(&self, what: Aged, before: DateTime<Utc>) -> Result<u64, StoreError> {
        let (table, column) = what.place();
        let before = to_the_microsecond(before);
        // Most often nothing has aged since the last look: then nobody waits for a writer.
        let any = format!("SELECT {column} AS age FROM {table} WHERE {column} < ? ORDER BY {column} LIMIT 1");
        if Sql::new(&any).bind(before).one(&self.reader).await?.is_none() {
            return Ok(0);
        }
        let (any, table) = (&any, &table);
        self.run(|tx| {
            Box::pin(async move {
                // Neither database deletes "the first thousand": the age of the last of them says where to end.
                let last = Sql::new(&format!("{any} OFFSET {}", FORGOTTEN_AT_ONCE - 1)).bind(before).one(&tx.db);
                let ended = match last.await? {
                    Some(row) => {
                        Sql::new(&format!("DELETE FROM {table} WHERE {column} <= ?")).bind(row.get::<i64>("age")?)
                    }
                    None => Sql::new(&format!("DELETE FROM {table} WHERE {column} < ?")).bind(before),
                };
                ended.execute(&tx.db).await
            })
        })
        .await
    }

    /// Forgets sessions that nobody has used since an instant and that no refresh token could continue, at most
    /// [`FORGOTTEN_AT_ONCE`]; answers how many.
    pub async fn forget_sessions(&self, before: DateTime<Utc>) -> Result<u64, StoreError> {
        let before = to_the_microsecond(before);
        let dead = "last_used_time < ? AND NOT EXISTS (SELECT 1 FROM refresh_token r WHERE r.session_id = session.id)";
        let found = format!("SELECT id FROM session WHERE {dead} ORDER BY last_used_time LIMIT {FORGOTTEN_AT_ONCE}");
        let rows = Sql::new(&found).bind(before).all(&self.reader).await?;
        let sessions: Vec<Uuid> = rows.iter().map(|row| row.get("id")).collect::<Result<_, _>>()?;
        if sessions.is_empty() {
            return Ok(0);
        }
        let sessions = &sessions;
        self.run(|tx| {
            Box::pin(async move {
                let mut ended = Sql::new(&format!("DELETE FROM session WHERE {dead} AND id IN ")).bind(before);
                ended.push_list(sessions.iter().copied());
                ended.execute(&tx.db).await
            })
        })
        .await
    }
}
