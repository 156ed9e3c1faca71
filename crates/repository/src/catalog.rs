//! Master data of every kind, through one path.

use chrono::{DateTime, Utc};
use recourse_domain::access::{Permit, Scope};
use recourse_domain::catalog::{Record, Reference, Stored};
use recourse_domain::query::page::{ListQuery, Page};
use std::collections::{BTreeMap, BTreeSet};
use uuid::Uuid;

use crate::bulk;
use crate::changes::{ChangeNote, Version, Writing, json, to_the_microsecond};
use crate::error::StoreError;
use crate::lists;
use crate::scope;
use crate::sql::{IntoValue, Row, Runs, Sql};
use crate::store::{Store, Tx};

pub(crate) const COLUMNS: &str = "id, active, version, create_time, update_time, retire_time, head_hash, body, code";
const BODY_VERSION: i64 = 1;

/// One record of many that are written together.
#[derive(Clone, Debug)]
pub struct RecordWrite<R> {
    /// Key of its row.
    pub id: Uuid,
    /// The record as it stood, if it is not new.
    pub before: Option<Stored<R>>,
    /// The record as it shall stand.
    pub record: R,
    /// What its change row says beside.
    pub note: ChangeNote,
}

impl Store {
    /// The record of a code, retired or not.
    pub async fn record<R: Record>(&self, scope: &Scope, code: &str) -> Result<Option<Stored<R>>, StoreError> {
        by_code(&self.reader, scope, code).await
    }

    /// A page of records.
    pub async fn records<R: Record>(&self, scope: &Scope, query: &ListQuery) -> Result<Page<Stored<R>>, StoreError> {
        listed(&self.reader, scope, query).await
    }
}

impl Tx<'_> {
    /// The record of a code, retired or not.
    pub async fn record<R: Record>(&mut self, scope: &Scope, code: &str) -> Result<Option<Stored<R>>, StoreError> {
        by_code(&self.db, scope, code).await
    }

    /// Holds a record until this unit ends: of two units that count what refers to it, one waits for the other.
    pub async fn hold_record<R: Record>(&mut self, code: &str) -> Result<(), StoreError> {
        self.hold(R::TABLE, "code", code).await
    }

    /// The record of a key.
    pub async fn record_by_id<R: Record>(&mut self, scope: &Scope, id: Uuid) -> Result<Option<Stored<R>>, StoreError> {
        let mut sql = Sql::new(&format!("SELECT {COLUMNS} FROM {} WHERE id = ? AND ", R::TABLE)).bind(id);
        sql.append(scope::condition(scope, &scope::record(R::TABLE)));
        sql.one(&self.db).await?.as_ref().map(stored::<R>).transpose()
    }

    /// The active records of many codes, in one query.
    pub async fn active_records<R: Record>(
        &mut self,
        scope: &Scope,
        codes: &BTreeSet<String>,
    ) -> Result<Vec<Stored<R>>, StoreError> {
        self.records_where(scope, "code", codes).await
    }

    /// The active records whose column has one of many values, in one query.
    pub async fn records_where<R: Record>(
        &mut self,
        scope: &Scope,
        column: &'static str,
        values: &BTreeSet<String>,
    ) -> Result<Vec<Stored<R>>, StoreError> {
        if values.is_empty() {
            return Ok(Vec::new());
        }
        let mut sql =
            Sql::new(&format!("SELECT {COLUMNS} FROM {} WHERE retire_time IS NULL AND {column} IN ", R::TABLE));
        sql.push_list(values.iter()).push(" AND ").append(scope::condition(scope, &scope::record(R::TABLE)));
        sql.push(" ORDER BY code");
        sql.all(&self.db).await?.iter().map(stored::<R>).collect()
    }

    /// All records of a kind that a deployment has few of, retired ones left out.
    pub async fn every_record<R: Record>(&mut self, scope: &Scope) -> Result<Vec<Stored<R>>, StoreError> {
        let mut sql = Sql::new(&format!("SELECT {COLUMNS} FROM {} WHERE retire_time IS NULL AND ", R::TABLE));
        sql.append(scope::condition(scope, &scope::record(R::TABLE))).push(" ORDER BY code LIMIT 1000");
        sql.all(&self.db).await?.iter().map(stored::<R>).collect()
    }

    /// All records whose column has a value, retired ones too: history was made under them.
    pub async fn all_records<R: Record>(
        &mut self,
        scope: &Scope,
        column: &'static str,
        value: &str,
    ) -> Result<Vec<Stored<R>>, StoreError> {
        let mut sql = Sql::new(&format!("SELECT {COLUMNS} FROM {} WHERE {column} = ? AND ", R::TABLE)).bind(value);
        sql.append(scope::condition(scope, &scope::record(R::TABLE))).push(" ORDER BY code");
        sql.all(&self.db).await?.iter().map(stored::<R>).collect()
    }

    /// Writes a new record and its change row.
    pub async fn insert_record<R: Record>(
        &mut self,
        permit: &Permit,
        id: Uuid,
        record: R,
        note: ChangeNote,
    ) -> Result<Stored<R>, StoreError> {
        let body = json(&record)?;
        let version = Version::after(permit, &note, id, (0, &[]), body.clone());
        let mut sql = Sql::new(&format!(
            "INSERT INTO {} (id, code, active, version, create_time, update_time, head_hash, body_version, body",
            R::TABLE
        ));
        for field in R::FIELDS {
            sql.push(", ").push(field.column);
        }
        sql.push(") VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?");
        sql.add(id).add(record.code()).add(true).add(version.number()).add(version.time()).add(version.time());
        sql.add(version.hash()).add(BODY_VERSION).add(body);
        for value in record.columns() {
            sql.push(", ?").add(lists::value_of(&value));
        }
        sql.push(")");
        self.write_version(&version, R::TABLE, sql, Writing::New).await?;
        Ok(version.stored(id, None, None, record))
    }

    /// Writes a changed record and its change row, if nobody else changed it meanwhile.
    pub async fn update_record<R: Record>(
        &mut self,
        permit: &Permit,
        before: &Stored<R>,
        record: R,
        note: ChangeNote,
    ) -> Result<Stored<R>, StoreError> {
        self.write_record(permit, before, record, note, before.retire_time).await
    }

    /// Retires a record: it stays for what names it.
    pub async fn retire_record<R: Record>(
        &mut self,
        permit: &Permit,
        before: &Stored<R>,
        note: ChangeNote,
    ) -> Result<Stored<R>, StoreError> {
        let time = to_the_microsecond(note.time);
        self.write_record(permit, before, before.value.clone(), note, Some(time)).await
    }

    async fn write_record<R: Record>(
        &mut self,
        permit: &Permit,
        before: &Stored<R>,
        record: R,
        note: ChangeNote,
        retire_time: Option<DateTime<Utc>>,
    ) -> Result<Stored<R>, StoreError> {
        let body = json(&record)?;
        let version = Version::after(permit, &note, before.id, (before.version, &before.head_hash), body.clone());
        let mut sql = Sql::new(&format!(
            "UPDATE {} SET active = ?, version = ?, update_time = ?, retire_time = ?, head_hash = ?, body_version = ?, body = ?",
            R::TABLE
        ));
        sql.add(retire_time.is_none()).add(version.number()).add(version.time()).add(retire_time);
        sql.add(version.hash()).add(BODY_VERSION).add(body);
        for (field, value) in R::FIELDS.iter().zip(record.columns()) {
            sql.push(", ").push(field.column).push(" = ?").add(lists::value_of(&value));
        }
        sql.push(" WHERE id = ? AND version = ?").add(before.id).add(before.version);
        self.write_version(&version, R::TABLE, sql, Writing::Changed).await?;
        Ok(version.stored(before.id, Some(before.create_time), retire_time, record))
    }

    /// The records of many codes, retired or not, in one query.
    pub async fn records_of<R: Record>(
        &mut self,
        scope: &Scope,
        codes: &BTreeSet<&str>,
    ) -> Result<Vec<Stored<R>>, StoreError> {
        if codes.is_empty() {
            return Ok(Vec::new());
        }
        let codes: Vec<&str> = codes.iter().copied().collect();
        let mut sql = Sql::new(&format!("SELECT {COLUMNS} FROM {} WHERE code IN ", R::TABLE));
        sql.push_list(bulk::padded(&codes)).push(" AND ").append(scope::condition(scope, &scope::record(R::TABLE)));
        sql.all(&self.db).await?.iter().map(stored::<R>).collect()
    }

    /// Writes many records and their change rows, no record twice, in a number of statements that does not
    /// grow with theirs; answers the versions. If somebody else wrote one of them meanwhile, the unit of work
    /// is run again.
    pub async fn write_records<R: Record>(
        &mut self,
        permit: &Permit,
        writes: Vec<RecordWrite<R>>,
    ) -> Result<Vec<i64>, StoreError> {
        let (mut versions, mut rows) = (Vec::with_capacity(writes.len()), Vec::with_capacity(writes.len()));
        for RecordWrite { id, before, record, note } in &writes {
            let body = json(record)?;
            let place = before.as_ref().map_or((0, &[][..]), |before| (before.version, &before.head_hash));
            let version = Version::after(permit, note, *id, place, body.clone());
            let create_time = before.as_ref().map_or(version.time(), |before| before.create_time);
            let mut row = vec![
                id.into_value(),
                record.code().into_value(),
                true.into_value(),
                version.number().into_value(),
                create_time.into_value(),
                version.time().into_value(),
                version.hash().into_value(),
                BODY_VERSION.into_value(),
                body.into_value(),
            ];
            row.extend(record.columns().iter().map(lists::value_of));
            rows.push(row);
            versions.push(version);
        }
        let meanwhile = |error| match error {
            // The code of a new record was given, or the version of another was made.
            StoreError::AlreadyExists { .. } => StoreError::Retry,
            other => other,
        };
        self.write_changes(&versions).await.map_err(meanwhile)?;
        let (before, after) = upsert::<R>();
        let written = bulk::write_rows(&self.db, &before, rows, &after).await.map_err(meanwhile)?;
        if written != versions.len() as u64 {
            return Err(StoreError::Retry);
        }
        Ok(versions.iter().map(Version::number).collect())
    }

    /// References that lead nowhere: their code does not exist or is retired. One query a table.
    pub async fn missing_references(&mut self, references: &[Reference]) -> Result<Vec<Reference>, StoreError> {
        let mut wanted: BTreeMap<&'static str, BTreeSet<&str>> = BTreeMap::new();
        for reference in references {
            wanted.entry(reference.table).or_default().insert(&reference.code);
        }
        let mut found: BTreeSet<(&'static str, String)> = BTreeSet::new();
        for (table, codes) in wanted {
            let mut sql = Sql::new(&format!("SELECT code FROM {table} WHERE retire_time IS NULL AND code IN "));
            sql.push_list(codes);
            for row in sql.all(&self.db).await? {
                found.insert((table, row.get("code")?));
            }
        }
        let missing = |reference: &&Reference| !found.contains(&(reference.table, reference.code.clone()));
        Ok(references.iter().filter(missing).cloned().collect())
    }
}

/// The statement of many records, before and after its rows: each is new, or follows the version before.
fn upsert<R: Record>() -> (String, String) {
    let table = R::TABLE;
    let fields: String = R::FIELDS.iter().map(|field| format!(", {}", field.column)).collect();
    let changed = ["active", "version", "update_time", "head_hash", "body_version", "body"];
    let set: Vec<String> = changed
        .into_iter()
        .chain(R::FIELDS.iter().map(|field| field.column))
        .map(|column| format!("{column} = excluded.{column}"))
        .collect();
    (
        format!(
            "INSERT INTO {table} (id, code, active, version, create_time, update_time, head_hash, body_version, body{fields}) VALUES"
        ),
        format!(" ON CONFLICT (id) DO UPDATE SET {} WHERE {table}.version = excluded.version - 1", set.join(", ")),
    )
}

async fn by_code<R: Record>(on: &impl Runs, scope: &Scope, code: &str) -> Result<Option<Stored<R>>, StoreError> {
    let mut sql = Sql::new(&format!("SELECT {COLUMNS} FROM {} WHERE code = ? AND ", R::TABLE)).bind(code);
    sql.append(scope::condition(scope, &scope::record(R::TABLE)));
    sql.one(on).await?.as_ref().map(stored::<R>).transpose()
}

async fn listed<R: Record>(on: &impl Runs, scope: &Scope, query: &ListQuery) -> Result<Page<Stored<R>>, StoreError> {
    let mut sql = Sql::new(&format!("SELECT {}, {COLUMNS} FROM {} WHERE ", query.order.column, R::TABLE));
    sql.append(scope::condition(scope, &scope::record(R::TABLE)));
    if !query.show_deleted {
        sql.push(" AND retire_time IS NULL");
    }
    lists::page(&mut sql, query, "id");
    let rows = sql.all(on).await?;
    lists::cut(&rows, query, "id", stored::<R>)
}

/// A row as its record.
pub(crate) fn stored<R: Record>(row: &Row) -> Result<Stored<R>, StoreError> {
    Ok(Stored {
        id: row.get("id")?,
        version: row.get("version")?,
        create_time: row.instant("create_time")?,
        update_time: row.instant("update_time")?,
        retire_time: row.instant_or_null("retire_time")?,
        head_hash: row.get("head_hash")?,
        value: row.document("body")?,
    })
}
