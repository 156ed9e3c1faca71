//! Aggregates that are one document a row, with columns beside it: the way of appraisals and recovery claims.

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
use crate::sql::{IntoValue, Row, Runs, Sql};
use crate::store::Tx;

const COLUMNS: &str = "id, version, create_time, update_time, head_hash, body";
const BODY_VERSION: i64 = 1;

/// An aggregate that is kept as a document.
pub(crate) trait Document: Serialize + DeserializeOwned + Clone + Send + Sync {
    /// Name of its table.
    const TABLE: &'static str;
    /// Which rows a scope reaches.
    const REACH: Dimensions;

    /// Its key.
    fn key(&self) -> Uuid;

    /// What lists and guards ask for.
    fn columns(&self) -> Result<Vec<(&'static str, Value)>, StoreError>;
}

/// The document of a key.
pub(crate) async fn by_id<D: Document>(
    on: &impl Runs,
    scope: &Scope,
    id: Uuid,
) -> Result<Option<Stored<D>>, StoreError> {
    let mut sql = Sql::new(&format!("SELECT {COLUMNS} FROM {} WHERE id = ? AND ", D::TABLE)).bind(id);
    sql.append(scope::condition(scope, &D::REACH));
    sql.one(on).await?.as_ref().map(stored).transpose()
}

/// The documents whose column has one of these keys, the oldest first, in one query.
pub(crate) async fn with_keys<D: Document>(
    on: &impl Runs,
    scope: &Scope,
    column: &'static str,
    keys: impl IntoIterator<Item = Uuid>,
) -> Result<Vec<Stored<D>>, StoreError> {
    let keys: Vec<Uuid> = keys.into_iter().collect();
    if keys.is_empty() {
        return Ok(Vec::new());
    }
    let mut sql = Sql::new(&format!("SELECT {COLUMNS} FROM {} WHERE {column} IN ", D::TABLE));
    sql.push_list(keys).push(" AND ").append(scope::condition(scope, &D::REACH)).push(" ORDER BY create_time, id");
    sql.all(on).await?.iter().map(stored).collect()
}

/// A page of documents.
pub(crate) async fn listed<D: Document>(
    on: &impl Runs,
    scope: &Scope,
    query: &ListQuery,
) -> Result<Page<Stored<D>>, StoreError> {
    let mut sql = Sql::new(&format!("SELECT {COLUMNS} FROM {} WHERE ", D::TABLE));
    sql.append(scope::condition(scope, &D::REACH));
    lists::page(&mut sql, query, "id");
    let rows = sql.all(on).await?;
    lists::cut(&rows, query, "id", stored)
}

impl Tx<'_> {
    /// Writes a new document and its change row.
    pub(crate) async fn insert_document<D: Document>(
        &mut self,
        permit: &Permit,
        document: D,
        note: &ChangeNote,
    ) -> Result<Stored<D>, StoreError> {
        let (body, id) = (json(&document)?, document.key());
        let version = Version::after(permit, note, id, (0, &[]), body.clone());
        let columns = document.columns()?;
        let mut sql = Sql::new(&format!(
            "INSERT INTO {} (id, version, create_time, update_time, head_hash, body_version, body",
            D::TABLE
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
        self.write_version(&version, D::TABLE, sql, Writing::New).await?;
        Ok(version.stored(id, None, None, document))
    }

    /// Writes a changed document and its change row, if nobody else changed it meanwhile.
    pub(crate) async fn update_document<D: Document>(
        &mut self,
        permit: &Permit,
        before: &Stored<D>,
        document: D,
        note: &ChangeNote,
    ) -> Result<Stored<D>, StoreError> {
        let body = json(&document)?;
        let version = Version::after(permit, note, before.id, (before.version, &before.head_hash), body.clone());
        let mut sql = Sql::new(&format!(
            "UPDATE {} SET version = ?, update_time = ?, head_hash = ?, body_version = ?, body = ?",
            D::TABLE
        ));
        sql.add(version.number()).add(version.time()).add(version.hash()).add(BODY_VERSION).add(body);
        for (name, value) in document.columns()? {
            sql.push(", ").push(name).push(" = ?").add(value);
        }
        sql.push(" WHERE id = ? AND version = ?").add(before.id).add(before.version);
        self.write_version(&version, D::TABLE, sql, Writing::Changed).await?;
        Ok(version.stored(before.id, Some(before.create_time), None, document))
    }
}

pub(crate) fn stored<D: Document>(row: &Row) -> Result<Stored<D>, StoreError> {
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

/// Whether the columns of every document are what it says; what differs, in words.
pub(crate) async fn faults<D: Document>(on: &impl Runs, limit: usize) -> Result<Vec<String>, StoreError> {
    let (mut faults, mut after) = (Vec::new(), Uuid::nil());
    loop {
        let rows = Sql::new(&format!("SELECT * FROM {} WHERE id > ? ORDER BY id LIMIT 200", D::TABLE))
            .bind(after)
            .all(on)
            .await?;
        let Some(last) = rows.last() else { return Ok(faults) };
        after = last.get("id")?;
        for row in &rows {
            let document = match stored::<D>(row) {
                Ok(stored) => stored.value,
                Err(error) => {
                    faults.push(error.to_string());
                    continue;
                }
            };
            for (column, expected) in document.columns()? {
                let found = match &expected {
                    Value::String(_) => row.get::<Option<String>>(column)?.into_value(),
                    Value::BigInt(_) => row.get::<Option<i64>>(column)?.into_value(),
                    Value::Uuid(_) => row.get::<Option<Uuid>>(column)?.into_value(),
                    _ => row.get::<bool>(column)?.into_value(),
                };
                if found != expected {
                    faults.push(format!(
                        "{} {}: the column {column} is not what the document says",
                        D::TABLE,
                        document.key()
                    ));
                }
            }
        }
        if faults.len() >= limit {
            return Ok(faults);
        }
    }
}
