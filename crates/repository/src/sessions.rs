//! Sessions, their refresh tokens, and what every replica is told of their end.

use chrono::{DateTime, Duration, Utc};
use recourse_domain::identity::Session;
use recourse_domain::ids::{OrgId, SessionId, UserId};
use recourse_domain::query::page::{ListQuery, Page};
use uuid::Uuid;

use crate::error::StoreError;
use crate::lists;
use crate::sql::{Row, Sql};
use crate::store::{Store, Tx};

/// What became of a refresh token that was shown.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum RefreshUse {
    /// It was good; a new one replaces it.
    Rotated(Session),
    /// It was used moments ago, by the same refresh repeated: a new one is given once more.
    Retried(Session),
    /// It was used before: somebody has a copy. Its session has been ended.
    Reused,
    /// It is not known, or its time or session has ended.
    Unknown,
}

impl Store {
    /// Whether a session is there and not ended.
    pub async fn session_is_open(&self, id: SessionId) -> Result<bool, StoreError> {
        let row = Sql::new("SELECT revoke_time FROM session WHERE id = ?").bind(id.0).one(&self.reader).await?;
        row.map_or(Ok(false), |row| Ok(row.instant_or_null("revoke_time")?.is_none()))
    }

    /// A page of a user's open sessions.
    pub async fn sessions(&self, user: UserId, query: &ListQuery) -> Result<Page<Session>, StoreError> {
        let mut sql = Sql::new("SELECT * FROM session WHERE user_id = ? AND revoke_time IS NULL").bind(user.0);
        lists::page(&mut sql, query, "id");
        let rows = sql.all(&self.reader).await?;
        lists::cut(&rows, query, "id", session)
    }

    /// Subjects (users, clients, sessions) whose tokens were revoked since an instant.
    pub async fn revoked_since(&self, since: DateTime<Utc>) -> Result<Vec<(Uuid, DateTime<Utc>)>, StoreError> {
        let rows = Sql::new("SELECT subject, time FROM revocation WHERE time >= ? ORDER BY time LIMIT 10000")
            .bind(since)
            .all(&self.reader)
            .await?;
        rows.iter().map(|row| Ok((row.get("subject")?, row.instant("time")?))).collect()
    }
}

impl Tx<'_> {
    /// Opens a session with its first refresh token.
    pub async fn open_session(
        &mut self,
        session: &Session,
        refresh_hash: &[u8],
        expires: DateTime<Utc>,
    ) -> Result<(), StoreError> {
        self.insert_session(session).await?;
        self.insert_refresh(session.id, refresh_hash, expires).await
    }

    /// The open session of a user for an organisation on one device, opened if there is none, without a refresh
    /// token: for sign-ins that another issuer renews.
    pub async fn session_of_device(&mut self, fresh: &Session) -> Result<SessionId, StoreError> {
        let known = Sql::new(
            "SELECT id FROM session WHERE user_id = ? AND org_id = ? AND device = ? AND revoke_time IS NULL LIMIT 1",
        )
        .bind(fresh.user.0)
        .bind(fresh.org.0)
        .bind(&fresh.device)
        .one(&self.db)
        .await?;
        let Some(known) = known else {
            self.insert_session(fresh).await?;
            return Ok(fresh.id);
        };
        let id: Uuid = known.get("id")?;
        Sql::new("UPDATE session SET last_used_time = ? WHERE id = ?")
            .bind(fresh.last_used_time)
            .bind(id)
            .execute(&self.db)
            .await?;
        Ok(SessionId(id))
    }

    async fn insert_session(&mut self, session: &Session) -> Result<(), StoreError> {
        Sql::new(
            "INSERT INTO session (id, user_id, org_id, device, create_time, last_used_time) VALUES (?, ?, ?, ?, ?, ?)",
        )
        .bind(session.id.0)
        .bind(session.user.0)
        .bind(session.org.0)
        .bind(&session.device)
        .bind(session.create_time)
        .bind(session.last_used_time)
        .execute(&self.db)
        .await
        .map(|_| ())
    }

    async fn insert_refresh(
        &mut self,
        session: SessionId,
        hash: &[u8],
        expires: DateTime<Utc>,
    ) -> Result<(), StoreError> {
        Sql::new("INSERT INTO refresh_token (hash, session_id, expires) VALUES (?, ?, ?)")
            .bind(hash)
            .bind(session.0)
            .bind(expires)
            .execute(&self.db)
            .await
            .map(|_| ())
    }

    /// Uses a refresh token: rotates it, takes a quick repeat for a retry, and ends the session of one that
    /// was used before.
    pub async fn use_refresh(
        &mut self,
        shown: &[u8],
        replacement: &[u8],
        now: DateTime<Utc>,
        grace: Duration,
        lifetime: Duration,
        revocation: Uuid,
    ) -> Result<RefreshUse, StoreError> {
        // Marking it used is the lock: of two at once, one finds it unused.
        let fresh =
            Sql::new("UPDATE refresh_token SET used_time = ? WHERE hash = ? AND used_time IS NULL AND expires > ?")
                .bind(now)
                .bind(shown)
                .bind(now)
                .execute(&self.db)
                .await?
                == 1;
        let row = Sql::new(
            "SELECT s.*, r.used_time AS used_time, r.expires AS expires FROM refresh_token r \
             JOIN session s ON s.id = r.session_id WHERE r.hash = ?",
        )
        .bind(shown)
        .one(&self.db)
        .await?;
        let Some(row) = row else { return Ok(RefreshUse::Unknown) };
        let session = session(&row)?;
        if session.revoke_time.is_some() || row.instant("expires")? <= now {
            return Ok(RefreshUse::Unknown);
        }
        let used = row.instant_or_null("used_time")?;
        if !fresh && used.is_none_or(|used| now - used > grace) {
            self.end_session(session.id, now, revocation).await?;
            return Ok(RefreshUse::Reused);
        }
        if !fresh {
            // The answer that was lost is not waited for: of two who go on from one token, a thief and its owner, the
            // one who was answered first shows a used one next time.
            Sql::new("UPDATE refresh_token SET used_time = ? WHERE session_id = ? AND used_time IS NULL")
                .bind(now)
                .bind(session.id.0)
                .execute(&self.db)
                .await?;
        }
        self.insert_refresh(session.id, replacement, now + lifetime).await?;
        Sql::new("UPDATE session SET last_used_time = ? WHERE id = ?")
            .bind(now)
            .bind(session.id.0)
            .execute(&self.db)
            .await?;
        Ok(if fresh { RefreshUse::Rotated(session) } else { RefreshUse::Retried(session) })
    }

    /// The session that a refresh token belongs to.
    pub async fn session_of_refresh(&mut self, hash: &[u8]) -> Result<Option<SessionId>, StoreError> {
        let row = Sql::new("SELECT session_id FROM refresh_token WHERE hash = ?").bind(hash).one(&self.db).await?;
        row.map(|row| Ok(SessionId(row.get("session_id")?))).transpose()
    }

    /// Ends a session of a user; false if the user has no such session.
    pub async fn end_own_session(
        &mut self,
        user: UserId,
        session: SessionId,
        now: DateTime<Utc>,
        revocation: Uuid,
    ) -> Result<bool, StoreError> {
        let row = Sql::new("SELECT id FROM session WHERE id = ? AND user_id = ? AND revoke_time IS NULL")
            .bind(session.0)
            .bind(user.0)
            .one(&self.db)
            .await?;
        if row.is_none() {
            return Ok(false);
        }
        self.end_session(session, now, revocation).await?;
        Ok(true)
    }

    /// Ends a session: its tokens stop working wherever revocations are followed.
    pub async fn end_session(&mut self, session: SessionId, now: DateTime<Utc>, id: Uuid) -> Result<(), StoreError> {
        Sql::new("UPDATE session SET revoke_time = ? WHERE id = ? AND revoke_time IS NULL")
            .bind(now)
            .bind(session.0)
            .execute(&self.db)
            .await?;
        self.revoke(session.0, now, id).await
    }

    /// Ends all sessions of a user but one.
    pub async fn end_sessions_of(
        &mut self,
        user: UserId,
        except: Option<SessionId>,
        now: DateTime<Utc>,
        new_id: &(dyn Fn() -> Uuid + Sync),
    ) -> Result<(), StoreError> {
        let rows = Sql::new("SELECT id FROM session WHERE user_id = ? AND revoke_time IS NULL AND id <> ?")
            .bind(user.0)
            .bind(except.map_or(Uuid::nil(), |session| session.0))
            .all(&self.db)
            .await?;
        for row in rows {
            self.end_session(SessionId(row.get("id")?), now, new_id()).await?;
        }
        Ok(())
    }

    /// Tells every replica that the tokens of a user, client or session are to be looked at again.
    pub async fn revoke(&mut self, subject: Uuid, now: DateTime<Utc>, id: Uuid) -> Result<(), StoreError> {
        Sql::new("INSERT INTO revocation (id, subject, time) VALUES (?, ?, ?)")
            .bind(id)
            .bind(subject)
            .bind(now)
            .execute(&self.db)
            .await
            .map(|_| ())
    }
}

fn session(row: &Row) -> Result<Session, StoreError> {
    Ok(Session {
        id: SessionId(row.get("id")?),
        user: UserId(row.get("user_id")?),
        org: OrgId(row.get("org_id")?),
        device: row.get("device")?,
        create_time: row.instant("create_time")?,
        last_used_time: row.instant("last_used_time")?,
        revoke_time: row.instant_or_null("revoke_time")?,
    })
}
