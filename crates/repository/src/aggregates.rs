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
use crate::sql::{IntoValue, Row, Runs, Sql};
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
        let sql = first_version(A::TABLE, id, &version, body, aggregate.columns());
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
        let sql = next_version(A::TABLE, (before.id, before.version), &version, body, aggregate.columns());
        self.write_version(&version, A::TABLE, sql, Writing::Changed).await?;
        Ok(version.stored(before.id, Some(before.create_time), None, aggregate))
    }
}

/// The statement that writes the first version of a row, with the columns beside its document.
pub(crate) fn first_version(
    table: &str,
    id: Uuid,
    version: &Version,
    body: String,
    columns: Vec<(&'static str, Value)>,
) -> Sql {
    let mut sql =
        Sql::new(&format!("INSERT INTO {table} (id, version, create_time, update_time, head_hash, body_version, body"));
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
    sql
}

/// The statement that writes the next version of a row, unless another was written since `before` was read.
pub(crate) fn next_version(
    table: &str,
    before: (Uuid, i64),
    version: &Version,
    body: String,
    columns: Vec<(&'static str, Value)>,
) -> Sql {
    let mut sql = Sql::new(&format!(
        "UPDATE {table} SET version = ?, update_time = ?, head_hash = ?, body_version = ?, body = ?"
    ));
    sql.add(version.number()).add(version.time()).add(version.hash()).add(BODY_VERSION).add(body);
    for (name, value) in columns {
        sql.push(", ").push(name).push(" = ?").add(value);
    }
    sql.push(" WHERE id = ? AND version = ?").add(before.0).add(before.1);
    sql
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

/// The aggregates whose column has one of these keys, the oldest first, in one query.
pub(crate) async fn with_keys<A: Aggregate>(
    on: &impl Runs,
    scope: &Scope,
    column: &'static str,
    keys: impl IntoIterator<Item = Uuid>,
) -> Result<Vec<Stored<A>>, StoreError> {
    let keys: Vec<Uuid> = keys.into_iter().collect();
    if keys.is_empty() {
        return Ok(Vec::new());
    }
    let mut sql = Sql::new(&format!("SELECT {COLUMNS} FROM {} WHERE {column} IN ", A::TABLE));
    sql.push_list(keys).push(" AND ").append(scope::condition(scope, &A::DIMENSIONS)).push(" ORDER BY create_time, id");
    sql.all(on).await?.iter().map(stored).collect()
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

/// Whether the columns of every aggregate are what its document says; what differs, in words.
pub(crate) async fn faults<A: Aggregate>(on: &impl Runs, limit: usize) -> Result<Vec<String>, StoreError> {
    let (mut faults, mut after) = (Vec::new(), Uuid::nil());
    loop {
        let rows = Sql::new(&format!("SELECT * FROM {} WHERE id > ? ORDER BY id LIMIT 200", A::TABLE))
            .bind(after)
            .all(on)
            .await?;
        let Some(last) = rows.last() else { return Ok(faults) };
        after = last.get("id")?;
        for row in &rows {
            let aggregate = match stored::<A>(row) {
                Ok(stored) => stored.value,
                Err(error) => {
                    faults.push(error.to_string());
                    continue;
                }
            };
            for (column, expected) in aggregate.columns() {
                let found = match &expected {
                    Value::String(_) => row.get::<Option<String>>(column)?.into_value(),
                    Value::BigInt(_) => row.get::<Option<i64>>(column)?.into_value(),
                    Value::Uuid(_) => row.get::<Option<Uuid>>(column)?.into_value(),
                    _ => row.get::<bool>(column)?.into_value(),
                };
                if found != expected {
                    faults.push(format!(
                        "{} {}: the column {column} is not what the document says",
                        A::TABLE,
                        aggregate.id()
                    ));
                }
            }
        }
        if faults.len() >= limit {
            return Ok(faults);
        }
    }
}
