//! API clients: programs that call in their own name.

use std::collections::BTreeSet;

use chrono::{DateTime, Utc};
use recourse_domain::access::{Permit, Scope};
use recourse_domain::catalog::Stored;
use recourse_domain::identity::ApiClient;
use recourse_domain::ids::UserId;
use recourse_domain::query::page::{ListQuery, Page};
use uuid::Uuid;

use crate::changes::{ChangeNote, Version, Writing, json};
use crate::error::StoreError;
use crate::lists;
use crate::scope;
use crate::sql::{Row, Runs, Sql};
use crate::store::{Store, Tx};

const CLIENT_COLUMNS: &str = "id, display_name, membership, consenting, revoked, public_keys, external_ref, version, create_time, update_time, head_hash";

impl Store {
    /// An API client with the hash of its secret, whoever asks: for its own sign-in and its tokens.
    pub async fn client_of_token(&self, id: UserId) -> Result<Option<(ApiClient, Vec<u8>)>, StoreError> {
        let row = Sql::new(&format!("SELECT secret_hash, {CLIENT_COLUMNS} FROM api_client WHERE id = ?"))
            .bind(id.0)
            .one(&self.reader)
            .await?;
        row.map(|row| Ok((client(&row)?.value, row.get("secret_hash")?))).transpose()
    }

    /// Which of these ids are API clients; the others are users.
    pub async fn clients_among(&self, ids: &BTreeSet<UserId>) -> Result<BTreeSet<UserId>, StoreError> {
        if ids.is_empty() {
            return Ok(BTreeSet::new());
        }
        let mut sql = Sql::new("SELECT id FROM api_client WHERE id IN ");
        sql.push_list(ids.iter().map(|id| id.0));
        let rows = sql.all(&self.reader).await?;
        rows.iter().map(|row| Ok(UserId(row.get("id")?))).collect()
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
}

impl Tx<'_> {
    /// An API client within reach.
    pub async fn client(&mut self, scope: &Scope, id: Uuid) -> Result<Option<Stored<ApiClient>>, StoreError> {
        client_by_id(&self.db, scope, id).await
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
            "INSERT INTO api_client (id, display_name, membership, consenting, secret_hash, revoked, public_keys, \
             external_ref, version, create_time, update_time, head_hash) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
        )
        .bind(id)
        .bind(&client.display_name)
        .bind(json(&client.membership)?)
        .bind(json(&client.consenting)?)
        .bind(secret_hash)
        .bind(client.revoked)
        .bind(&client.public_keys)
        .bind(Some(&client.external_ref).filter(|text| !text.is_empty()).cloned())
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
        let mut sql =
            Sql::new("UPDATE api_client SET revoked = ?, public_keys = ?, version = ?, update_time = ?, head_hash = ?");
        sql.add(client.revoked).add(&client.public_keys).add(version.number()).add(version.time()).add(version.hash());
        if let Some(hash) = secret_hash {
            sql.push(", secret_hash = ?").add(hash);
        }
        sql.push(" WHERE id = ? AND version = ?").add(before.id).add(before.version);
        self.write_version(&version, "api_client", sql, Writing::Changed).await?;
        Ok(version.stored(before.id, Some(before.create_time), None, client))
    }
}

impl Tx<'_> {
    /// Uses an assertion, known by its hash, up; false if it was used before.
    pub async fn use_assertion(&mut self, hash: &[u8], expires: DateTime<Utc>) -> Result<bool, StoreError> {
        let used = Sql::new("INSERT INTO used_assertion (hash, expires) VALUES (?, ?) ON CONFLICT DO NOTHING")
            .bind(hash)
            .bind(expires)
            .execute(&self.db)
            .await?;
        Ok(used == 1)
    }
}

async fn client_by_id(on: &impl Runs, scope: &Scope, id: Uuid) -> Result<Option<Stored<ApiClient>>, StoreError> {
    let mut sql = Sql::new(&format!("SELECT {CLIENT_COLUMNS} FROM api_client WHERE id = ? AND ")).bind(id);
    sql.append(scope::condition(scope, &scope::API_CLIENT));
    sql.one(on).await?.as_ref().map(client).transpose()
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
            public_keys: row.get::<Option<String>>("public_keys")?.unwrap_or_default(),
            external_ref: row.get::<Option<String>>("external_ref")?.unwrap_or_default(),
        },
    })
}
