//! What aggregates that are one document a row share: each version is written with its change row, and columns
//! stand beside the document for lists and guards.

use recourse_domain::access::{Permit, Scope};
use recourse_domain::catalog::Stored;
use recourse_domain::query::page::{ListQuery, Page};
use sea_orm::Value;
use serde::Serialize;
use serde::de::DeserializeOwned;
use uuid::Uuid;

use crate::changes::{ChangeNote, Version, Writing, json};
use crate::error::StoreError;
use crate::lists;
use crate::scope::{self, Dimensions};
use crate::sql::{Row, Runs, Sql};
use crate::store::{Store, Tx};

pub(crate) const COLUMNS: &str = "id, version, create_time, update_time, head_hash, body";
const BODY_VERSION: i64 = 1;

/// A document with a key of its own and columns beside it.
pub(crate) trait Aggregate: Serialize + DeserializeOwned + Send + Sync {
    /// Its table.
    const TABLE: &'static str;
    /// Which of its rows a scope reaches.
    const DIMENSIONS: Dimensions;

    /// Its key.
    fn id(&self) -> Uuid;

    /// Its columns beside the document.
    fn columns(&self) -> Vec<(&'static str, Value)>;
}

impl Store {
    /// A page of aggregates.
    pub(crate) async fn aggregates<A: Aggregate>(
        &self,
        scope: &Scope,
        query: &ListQuery,
        only: Option<Sql>,
    ) -> Result<Page<Stored<A>>, StoreError> {
        let mut sql = Sql::new(&format!("SELECT {}, {COLUMNS} FROM {} WHERE ", query.order.column, A::TABLE));
        sql.append(scope::condition(scope, &A::DIMENSIONS));
        if let Some(only) = only {
            sql.push(" AND ").append(only);
        }
        lists::page(&mut sql, query, "id");
        let rows = sql.all(&self.reader).await?;
        lists::cut(&rows, query, "id", stored)
    }
}

impl Tx<'_> {
    /// Writes a new aggregate and its change row.
    pub(crate) async fn insert_aggregate<A: Aggregate>(
        &mut self,
        permit: &Permit,
        aggregate: A,
        note: ChangeNote,
    ) -> Result<Stored<A>, StoreError> {
        let body = json(&aggregate)?;
        let id = aggregate.id();
        let version = Version::after(permit, &note, id, (0, &[]), body.clone());
        let columns = aggregate.columns();
        let mut sql = Sql::new(&format!(
            "INSERT INTO {} (id, version, create_time, update_time, head_hash, body_version, body",
            A::TABLE
        ));
        for (name, _) in &columns {
            sql.push(", ").push(name);
        }
        sql.push(") VALUES (?, ?, ?, ?, ?, ?, ?");
        sql.add(id).add(version.number()).add(version.time()).add(version.time());
        sql.add(version.hash()).add(BODY_VERSION).add(body);
        for (_, value) in columns {
            sql.push(", ?").add(value);
        }
        sql.push(")");
        self.write_version(&version, A::TABLE, sql, Writing::New).await?;
        Ok(version.stored(id, None, None, aggregate))
    }

    /// Writes a changed aggregate and its change row, if nobody else changed it meanwhile.
    pub(crate) async fn update_aggregate<A: Aggregate>(
        &mut self,
        permit: &Permit,
        before: &Stored<A>,
        aggregate: A,
        note: ChangeNote,
    ) -> Result<Stored<A>, StoreError> {
        let body = json(&aggregate)?;
        let version = Version::after(permit, &note, before.id, (before.version, &before.head_hash), body.clone());
        let mut sql = Sql::new(&format!(
            "UPDATE {} SET version = ?, update_time = ?, head_hash = ?, body_version = ?, body = ?",
            A::TABLE
        ));
        sql.add(version.number()).add(version.time()).add(version.hash()).add(BODY_VERSION).add(body);
        for (name, value) in aggregate.columns() {
            sql.push(", ").push(name).push(" = ?").add(value);
        }
        sql.push(" WHERE id = ? AND version = ?").add(before.id).add(before.version);
        self.write_version(&version, A::TABLE, sql, Writing::Changed).await?;
        Ok(version.stored(before.id, Some(before.create_time), None, aggregate))
    }
}

/// The aggregate of a key.
pub(crate) async fn by_id<A: Aggregate>(
    on: &impl Runs,
    scope: &Scope,
    id: Uuid,
) -> Result<Option<Stored<A>>, StoreError> {
    let mut sql = Sql::new(&format!("SELECT {COLUMNS} FROM {} WHERE id = ? AND ", A::TABLE)).bind(id);
    sql.append(scope::condition(scope, &A::DIMENSIONS));
    sql.one(on).await?.as_ref().map(stored).transpose()
}

/// A row as its aggregate.
pub(crate) fn stored<A: Aggregate>(row: &Row) -> Result<Stored<A>, StoreError> {
    Ok(Stored {
        id: row.get("id")?,
        version: row.get("version")?,
        create_time: row.instant("create_time")?,
        update_time: row.instant("update_time")?,
        retire_time: None,
        head_hash: row.get("head_hash")?,
        value: row.document("body")?,
    })
}
