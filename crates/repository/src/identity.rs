//! Users, sessions, API clients and revocations.

use chrono::{DateTime, Duration, Utc};
use recourse_domain::access::{Permit, Scope};
use recourse_domain::catalog::{Field, FieldKind, Stored};
use recourse_domain::identity::{ApiClient, Person, Session, User};
use recourse_domain::ids::{OrgId, SessionId, UserId};
use recourse_domain::query::page::{ListQuery, Page};
use sea_orm::ConnectionTrait;
use uuid::Uuid;

use crate::changes::{ChangeNote, Version, Writing, json};
use crate::error::StoreError;
use crate::lists;
use crate::scope;
use crate::sql::{Row, Sql};
use crate::store::{Store, Tx};

const USER_COLUMNS: &str = "id, user_name, disabled, erased, memberships, version, create_time, update_time, head_hash";
const CLIENT_COLUMNS: &str =
    "id, display_name, membership, consenting, revoked, version, create_time, update_time, head_hash";

const fn field(name: &'static str, kind: FieldKind, sortable: bool) -> Field {
    Field { name, column: name, kind, sortable, prefix: false }
}

/// What lists of users may be filtered and ordered by.
pub const USER_FIELDS: &[Field] = &[
    Field { name: "user_name", column: "user_name", kind: FieldKind::Text, sortable: true, prefix: true },
    field("disabled", FieldKind::Bool, false),
    field("create_time", FieldKind::Time, true),
];

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
    /// What a sign-in needs of a user: the user and the password's hash.
    pub async fn sign_in_user(&self, user_name: &str) -> Result<Option<(User, String)>, StoreError> {
        let row = Sql::new(&format!("SELECT password_hash, {USER_COLUMNS} FROM user_account WHERE user_name = ?"))
            .bind(user_name)
            .one(&self.reader)
            .await?;
        row.map(|row| Ok((user(&row)?.value, row.get("password_hash")?))).transpose()
    }

    /// A user, whoever asks: for the resolution of tokens.
    pub async fn user_of_token(&self, id: UserId) -> Result<Option<User>, StoreError> {
        let row = Sql::new(&format!("SELECT {USER_COLUMNS} FROM user_account WHERE id = ?"))
            .bind(id.0)
            .one(&self.reader)
            .await?;
        row.map(|row| Ok(user(&row)?.value)).transpose()
    }

    /// An API client with the hash of its secret, whoever asks: for its own sign-in and its tokens.
    pub async fn client_of_token(&self, id: UserId) -> Result<Option<(ApiClient, Vec<u8>)>, StoreError> {
        let row = Sql::new(&format!("SELECT secret_hash, {CLIENT_COLUMNS} FROM api_client WHERE id = ?"))
            .bind(id.0)
            .one(&self.reader)
            .await?;
        row.map(|row| Ok((client(&row)?.value, row.get("secret_hash")?))).transpose()
    }

    /// Whether a session is there and not ended.
    pub async fn session_is_open(&self, id: SessionId) -> Result<bool, StoreError> {
        let row = Sql::new("SELECT revoke_time FROM session WHERE id = ?").bind(id.0).one(&self.reader).await?;
        row.map_or(Ok(false), |row| Ok(row.instant_or_null("revoke_time")?.is_none()))
    }

    /// A user within reach, with the personal data.
    pub async fn user(&self, scope: &Scope, id: Uuid) -> Result<Option<(Stored<User>, Person)>, StoreError> {
        user_by_id(&self.reader, scope, id).await
    }

    /// A page of users with their personal data.
    pub async fn users(&self, scope: &Scope, query: &ListQuery) -> Result<Page<(Stored<User>, Person)>, StoreError> {
        let mut sql = Sql::new(&format!(
            "SELECT {USER_COLUMNS}, display_name, email, phone FROM user_account LEFT JOIN person ON user_id = id WHERE "
        ));
        sql.append(scope::condition(scope, &scope::USER));
        lists::page(&mut sql, query, "id");
        let rows = sql.all(&self.reader).await?;
        lists::cut(&rows, query, "id", |row| Ok((user(row)?, person(row)?)))
    }

    /// An API client within reach.
    pub async fn client(&self, scope: &Scope, id: Uuid) -> Result<Option<Stored<ApiClient>>, StoreError> {
        client_by_id(&self.reader, scope, id).await
    }

    /// A page of API clients.
    pub async fn clients(&self, scope: &Scope, query: &ListQuery) -> Result<Page<Stored<ApiClient>>, StoreError> {
        let mut sql = Sql::new(&format!("SELECT {CLIENT_COLUMNS} FROM api_client WHERE "));
        sql.append(scope::condition(scope, &scope::API_CLIENT));
        lists::page(&mut sql, query, "id");
        let rows = sql.all(&self.reader).await?;
        lists::cut(&rows, query, "id", client)
    }

    /// A page of a user's open sessions.
    pub async fn sessions(&self, user: UserId, query: &ListQuery) -> Result<Page<Session>, StoreError> {
        let mut sql = Sql::new("SELECT * FROM session WHERE user_id = ? AND revoke_time IS NULL").bind(user.0);
        lists::page(&mut sql, query, "id");
        let rows = sql.all(&self.reader).await?;
        lists::cut(&rows, query, "id", session)
    }

    /// Whether there is any user.
    pub async fn has_users(&self) -> Result<bool, StoreError> {
        Ok(Sql::new("SELECT id FROM user_account LIMIT 1").one(&self.reader).await?.is_some())
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
    /// A user within reach, with the personal data.
    pub async fn user(&mut self, scope: &Scope, id: Uuid) -> Result<Option<(Stored<User>, Person)>, StoreError> {
        user_by_id(&self.db, scope, id).await
    }

    /// An API client within reach.
    pub async fn client(&mut self, scope: &Scope, id: Uuid) -> Result<Option<Stored<ApiClient>>, StoreError> {
        client_by_id(&self.db, scope, id).await
    }

    /// The password's hash of a user.
    pub async fn password_hash(&mut self, _permit: &Permit, user: UserId) -> Result<Option<String>, StoreError> {
        let row = Sql::new("SELECT password_hash FROM user_account WHERE id = ?").bind(user.0).one(&self.db).await?;
        row.map(|row| row.get("password_hash")).transpose()
    }

    /// Writes a new user, the personal data, and the change row without it.
    pub async fn insert_user(
        &mut self,
        permit: &Permit,
        user: User,
        person: &Person,
        password_hash: &str,
        note: ChangeNote,
    ) -> Result<Stored<User>, StoreError> {
        let id = user.id.0;
        let version = Version::after(permit, &note, id, (0, &[]), json(&user)?);
        let row = Sql::new(
            "INSERT INTO user_account (id, user_name, password_hash, disabled, erased, memberships, version, create_time, \
             update_time, head_hash) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
        )
        .bind(id)
        .bind(&user.user_name)
        .bind(password_hash)
        .bind(user.disabled)
        .bind(user.erased)
        .bind(json(&user.memberships)?)
        .bind(version.number())
        .bind(version.time())
        .bind(version.time())
        .bind(version.hash());
        self.write_version(&version, "user_account", row, Writing::New).await?;
        self.write_person(id, person).await?;
        self.write_orgs(id, user.memberships.iter().map(|membership| membership.org)).await?;
        Ok(version.stored(id, None, None, user))
    }

    /// Writes a changed user, the personal data, and the change row without it.
    pub async fn update_user(
        &mut self,
        permit: &Permit,
        before: &Stored<User>,
        user: User,
        person: &Person,
        password_hash: Option<&str>,
        note: ChangeNote,
    ) -> Result<Stored<User>, StoreError> {
        let version = Version::after(permit, &note, before.id, (before.version, &before.head_hash), json(&user)?);
        let mut sql = Sql::new(
            "UPDATE user_account SET user_name = ?, disabled = ?, erased = ?, memberships = ?, version = ?, update_time = ?, head_hash = ?",
        );
        sql.add(&user.user_name).add(user.disabled).add(user.erased).add(json(&user.memberships)?);
        sql.add(version.number()).add(version.time()).add(version.hash());
        if let Some(hash) = password_hash {
            sql.push(", password_hash = ?").add(hash);
        }
        sql.push(" WHERE id = ? AND version = ?").add(before.id).add(before.version);
        self.write_version(&version, "user_account", sql, Writing::Changed).await?;
        self.write_person(before.id, person).await?;
        self.write_orgs(before.id, user.memberships.iter().map(|membership| membership.org)).await?;
        Ok(version.stored(before.id, Some(before.create_time), None, user))
    }

    async fn write_person(&mut self, user: Uuid, person: &Person) -> Result<(), StoreError> {
        Sql::new(
            "INSERT INTO person (user_id, display_name, email, phone) VALUES (?, ?, ?, ?) ON CONFLICT (user_id) DO UPDATE \
             SET display_name = excluded.display_name, email = excluded.email, phone = excluded.phone",
        )
        .bind(user)
        .bind(&person.display_name)
        .bind(&person.email)
        .bind(&person.phone)
        .execute(&self.db)
        .await
        .map(|_| ())
    }

    async fn write_orgs(&mut self, account: Uuid, orgs: impl Iterator<Item = OrgId>) -> Result<(), StoreError> {
        Sql::new("DELETE FROM account_org WHERE account_id = ?").bind(account).execute(&self.db).await?;
        let mut sql = Sql::new("INSERT INTO account_org (org_id, account_id) VALUES ");
        let mut any = false;
        for org in orgs {
            sql.push(if any { ", (?, ?)" } else { "(?, ?)" }).add(org.0).add(account);
            any = true;
        }
        if any { sql.execute(&self.db).await.map(|_| ()) } else { Ok(()) }
    }

    /// Writes a new API client and its change row, which knows nothing of the secret.
    pub async fn insert_client(
        &mut self,
        permit: &Permit,
        client: ApiClient,
        secret_hash: &[u8],
        note: ChangeNote,
    ) -> Result<Stored<ApiClient>, StoreError> {
        let id = client.id.0;
        let version = Version::after(permit, &note, id, (0, &[]), json(&client)?);
        let row = Sql::new(
            "INSERT INTO api_client (id, display_name, membership, consenting, secret_hash, revoked, version, create_time, \
             update_time, head_hash) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
        )
        .bind(id)
        .bind(&client.display_name)
        .bind(json(&client.membership)?)
        .bind(json(&client.consenting)?)
        .bind(secret_hash)
        .bind(client.revoked)
        .bind(version.number())
        .bind(version.time())
        .bind(version.time())
        .bind(version.hash());
        self.write_version(&version, "api_client", row, Writing::New).await?;
        self.write_orgs(id, std::iter::once(client.membership.org)).await?;
        Ok(version.stored(id, None, None, client))
    }

    /// Writes a changed API client, with a new secret if there is one.
    pub async fn update_client(
        &mut self,
        permit: &Permit,
        before: &Stored<ApiClient>,
        client: ApiClient,
        secret_hash: Option<&[u8]>,
        note: ChangeNote,
    ) -> Result<Stored<ApiClient>, StoreError> {
        let version = Version::after(permit, &note, before.id, (before.version, &before.head_hash), json(&client)?);
        let mut sql = Sql::new("UPDATE api_client SET revoked = ?, version = ?, update_time = ?, head_hash = ?");
        sql.add(client.revoked).add(version.number()).add(version.time()).add(version.hash());
        if let Some(hash) = secret_hash {
            sql.push(", secret_hash = ?").add(hash);
        }
        sql.push(" WHERE id = ? AND version = ?").add(before.id).add(before.version);
        self.write_version(&version, "api_client", sql, Writing::Changed).await?;
        Ok(version.stored(before.id, Some(before.create_time), None, client))
    }

    /// Opens a session with its first refresh token.
    pub async fn open_session(
        &mut self,
        session: &Session,
        refresh_hash: &[u8],
        expires: DateTime<Utc>,
    ) -> Result<(), StoreError> {
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
        .await?;
        self.insert_refresh(session.id, refresh_hash, expires).await
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

    /// Forgets refresh tokens that ended before an instant; answers how many.
    pub async fn forget_refresh_tokens(&mut self, before: DateTime<Utc>) -> Result<u64, StoreError> {
        Sql::new("DELETE FROM refresh_token WHERE expires < ?").bind(before).execute(&self.db).await
    }

    /// Forgets revocations older than any token.
    pub async fn forget_revocations(&mut self, before: DateTime<Utc>) -> Result<u64, StoreError> {
        Sql::new("DELETE FROM revocation WHERE time < ?").bind(before).execute(&self.db).await
    }
}

async fn user_by_id(
    on: &impl ConnectionTrait,
    scope: &Scope,
    id: Uuid,
) -> Result<Option<(Stored<User>, Person)>, StoreError> {
    let mut sql = Sql::new(&format!(
        "SELECT {USER_COLUMNS}, display_name, email, phone FROM user_account LEFT JOIN person ON user_id = id WHERE id = ? AND "
    ))
    .bind(id);
    sql.append(scope::condition(scope, &scope::USER));
    sql.one(on).await?.map(|row| Ok((user(&row)?, person(&row)?))).transpose()
}

async fn client_by_id(
    on: &impl ConnectionTrait,
    scope: &Scope,
    id: Uuid,
) -> Result<Option<Stored<ApiClient>>, StoreError> {
    let mut sql = Sql::new(&format!("SELECT {CLIENT_COLUMNS} FROM api_client WHERE id = ? AND ")).bind(id);
    sql.append(scope::condition(scope, &scope::API_CLIENT));
    sql.one(on).await?.as_ref().map(client).transpose()
}

fn user(row: &Row) -> Result<Stored<User>, StoreError> {
    let id: Uuid = row.get("id")?;
    Ok(Stored {
        id,
        version: row.get("version")?,
        create_time: row.instant("create_time")?,
        update_time: row.instant("update_time")?,
        retire_time: None,
        head_hash: row.get("head_hash")?,
        value: User {
            id: UserId(id),
            user_name: row.get("user_name")?,
            memberships: row.document("memberships")?,
            disabled: row.get("disabled")?,
            erased: row.get("erased")?,
        },
    })
}

fn person(row: &Row) -> Result<Person, StoreError> {
    let text = |column| row.get::<Option<String>>(column).map(Option::unwrap_or_default);
    Ok(Person { display_name: text("display_name")?, email: text("email")?, phone: text("phone")? })
}

fn client(row: &Row) -> Result<Stored<ApiClient>, StoreError> {
    let id: Uuid = row.get("id")?;
    Ok(Stored {
        id,
        version: row.get("version")?,
        create_time: row.instant("create_time")?,
        update_time: row.instant("update_time")?,
        retire_time: None,
        head_hash: row.get("head_hash")?,
        value: ApiClient {
            id: UserId(id),
            display_name: row.get("display_name")?,
            membership: row.document("membership")?,
            consenting: row.document("consenting")?,
            revoked: row.get("revoked")?,
        },
    })
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
