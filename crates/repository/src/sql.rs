//! One SQL text for both databases, its values beside it, and rows that are read without a panic.

use std::future::Future;
use std::sync::Arc;

use chrono::{DateTime, NaiveDate, Utc};
use sea_orm::{
    ConnectionTrait, DatabaseConnection, DatabaseTransaction, DbBackend, QueryResult, Statement, TryGetable, Value,
};
use serde::de::DeserializeOwned;
use uuid::Uuid;

use crate::error::StoreError;

/// A statement: text with `?` for each value.
#[derive(Clone, Debug, Default)]
pub(crate) struct Sql {
    text: String,
    values: Vec<Value>,
}

impl Sql {
    /// A statement that begins with `text`.
    pub(crate) fn new(text: &str) -> Self {
        Self { text: text.to_owned(), values: Vec::new() }
    }

    /// Adds text.
    pub(crate) fn push(&mut self, text: &str) -> &mut Self {
        self.text.push_str(text);
        self
    }

    /// Adds the value of the next `?`.
    pub(crate) fn bind(mut self, value: impl IntoValue) -> Self {
        self.values.push(value.into_value());
        self
    }

    /// Adds the value of the next `?` in place.
    pub(crate) fn add(&mut self, value: impl IntoValue) -> &mut Self {
        self.values.push(value.into_value());
        self
    }

    /// Adds `(?, ?, …)` with its values.
    pub(crate) fn push_list<V: IntoValue>(&mut self, values: impl IntoIterator<Item = V>) -> &mut Self {
        self.text.push('(');
        for (index, value) in values.into_iter().enumerate() {
            self.text.push_str(if index == 0 { "?" } else { ", ?" });
            self.values.push(value.into_value());
        }
        self.text.push(')');
        self
    }

    /// Adds another piece with its values.
    pub(crate) fn append(&mut self, other: Sql) -> &mut Self {
        self.text.push_str(&other.text);
        self.values.extend(other.values);
        self
    }

    fn statement(self, backend: DbBackend) -> Statement {
        let text = if backend == DbBackend::Postgres { numbered(&self.text) } else { self.text };
        Statement::from_sql_and_values(backend, text, self.values)
    }

    /// The statement as PostgreSQL takes it.
    pub(crate) fn postgres(self) -> Statement {
        self.statement(DbBackend::Postgres)
    }

    /// Runs it; how many rows it changed.
    pub(crate) async fn execute(self, on: &impl Runs) -> Result<u64, StoreError> {
        on.write(self.statement(on.backend())).await
    }

    /// The first row.
    pub(crate) async fn one(self, on: &impl Runs) -> Result<Option<Row>, StoreError> {
        let table = self.table();
        let rows = on.rows(self.statement(on.backend()), true).await?;
        Ok(rows.into_iter().next().map(|row| Row { row, table }))
    }

    /// All rows.
    pub(crate) async fn all(self, on: &impl Runs) -> Result<Vec<Row>, StoreError> {
        let table = self.table();
        let rows = on.rows(self.statement(on.backend()), false).await?;
        Ok(rows.into_iter().map(|row| Row { row, table: Arc::clone(&table) }).collect())
    }

    /// Writes that belong together as one statement of PostgreSQL, which counts the rows of the last.
    pub(crate) fn together(before: impl IntoIterator<Item = Sql>, last: Sql) -> Statement {
        let mut all = Sql::new("");
        for (index, sql) in before.into_iter().enumerate() {
            all.push(if index == 0 { "WITH " } else { ", " }).push(&format!("w{index} AS (")).append(sql).push(") ");
        }
        all.append(last);
        all.postgres()
    }

    /// Writes that belong together, one after another in one text, as SQLite takes them.
    pub(crate) fn one_after_another(before: impl IntoIterator<Item = Sql>, last: Sql) -> Statement {
        let mut all = Sql::new("");
        for sql in before {
            all.append(sql).push("; ");
        }
        all.append(last);
        all.statement(DbBackend::Sqlite)
    }

    /// The table that is read, for the error of a row that can't be.
    fn table(&self) -> Arc<str> {
        let behind = self.text.split(" FROM ").skip(1).find(|rest| !rest.starts_with('('));
        behind.and_then(|rest| rest.split([' ', ')']).next()).unwrap_or("?").into()
    }
}

/// What statements are run on: a pool, a transaction, a unit of work.
pub(crate) trait Runs: Sync {
    /// Whose words it takes.
    fn backend(&self) -> DbBackend;

    /// Runs a statement that writes; how many rows it changed.
    fn write(&self, statement: Statement) -> impl Future<Output = Result<u64, StoreError>> + Send;

    /// Runs a statement that reads.
    fn rows(
        &self,
        statement: Statement,
        only_one: bool,
    ) -> impl Future<Output = Result<Vec<QueryResult>, StoreError>> + Send;
}

macro_rules! runs_through_the_orm {
    ($($connection:ty),*) => {$(
        impl Runs for $connection {
            fn backend(&self) -> DbBackend {
                self.get_database_backend()
            }

            async fn write(&self, statement: Statement) -> Result<u64, StoreError> {
                Ok(self.execute_raw(statement).await?.rows_affected())
            }

            async fn rows(&self, statement: Statement, only_one: bool) -> Result<Vec<QueryResult>, StoreError> {
                if only_one {
                    Ok(self.query_one_raw(statement).await?.into_iter().collect())
                } else {
                    Ok(self.query_all_raw(statement).await?)
                }
            }
        }
    )*};
}

runs_through_the_orm!(DatabaseConnection, DatabaseTransaction);

/// PostgreSQL numbers its placeholders. Our texts hold no `?` within quotes.
fn numbered(text: &str) -> String {
    let mut out = String::with_capacity(text.len() + 16);
    let mut number = 0_u32;
    for c in text.chars() {
        if c == '?' {
            number += 1;
            out.push('$');
            out.push_str(&number.to_string());
        } else {
            out.push(c);
        }
    }
    out
}

/// A value for a statement.
pub(crate) trait IntoValue {
    /// In the ORM's form.
    fn into_value(self) -> Value;
}

macro_rules! plain {
    ($($type:ty),*) => {$(
        impl IntoValue for $type {
            fn into_value(self) -> Value {
                Value::from(self)
            }
        }
    )*};
}

plain!(i64, Option<i64>, i32, bool, String, Option<String>, Vec<u8>, Uuid, Option<Uuid>, Value);

impl IntoValue for &str {
    fn into_value(self) -> Value {
        Value::from(self.to_owned())
    }
}

impl IntoValue for &String {
    fn into_value(self) -> Value {
        Value::from(self.clone())
    }
}

impl IntoValue for &[u8] {
    fn into_value(self) -> Value {
        Value::from(self.to_vec())
    }
}

impl IntoValue for &Vec<u8> {
    fn into_value(self) -> Value {
        Value::from(self.clone())
    }
}

impl IntoValue for DateTime<Utc> {
    fn into_value(self) -> Value {
        Value::from(self.timestamp_micros())
    }
}

impl IntoValue for Option<DateTime<Utc>> {
    fn into_value(self) -> Value {
        Value::from(self.map(|instant| instant.timestamp_micros()))
    }
}

impl IntoValue for NaiveDate {
    fn into_value(self) -> Value {
        Value::from(date_text(self))
    }
}

impl IntoValue for Option<NaiveDate> {
    fn into_value(self) -> Value {
        Value::from(self.map(date_text))
    }
}

/// A date as both databases keep it: `2026-01-31`, which compares as it should.
pub(crate) fn date_text(date: NaiveDate) -> String {
    date.format("%Y-%m-%d").to_string()
}

/// A row of an answer, with the table that it was read from.
pub(crate) struct Row {
    row: QueryResult,
    table: Arc<str>,
}

impl Row {
    /// The same row, of a table that the statement doesn't tell by itself.
    pub(crate) fn read_from(self, table: &str) -> Self {
        Self { table: table.into(), ..self }
    }

    /// The value of a column; the error names table, column and row.
    pub(crate) fn get<T: TryGetable>(&self, column: &str) -> Result<T, StoreError> {
        self.row.try_get("", column).map_err(|error| self.corrupt(column, error))
    }

    /// An instant.
    pub(crate) fn instant(&self, column: &str) -> Result<DateTime<Utc>, StoreError> {
        self.to_instant(self.get(column)?, column)
    }

    /// An instant that may be null.
    pub(crate) fn instant_or_null(&self, column: &str) -> Result<Option<DateTime<Utc>>, StoreError> {
        self.get::<Option<i64>>(column)?.map(|micros| self.to_instant(micros, column)).transpose()
    }

    /// A date.
    pub(crate) fn date(&self, column: &str) -> Result<NaiveDate, StoreError> {
        self.to_date(&self.get::<String>(column)?, column)
    }

    /// A date that may be null.
    pub(crate) fn date_or_null(&self, column: &str) -> Result<Option<NaiveDate>, StoreError> {
        self.get::<Option<String>>(column)?.map(|text| self.to_date(&text, column)).transpose()
    }

    /// A document.
    pub(crate) fn document<T: DeserializeOwned>(&self, column: &str) -> Result<T, StoreError> {
        serde_json::from_str(&self.get::<String>(column)?).map_err(|error| self.corrupt(column, error))
    }

    /// Its columns one after another.
    pub(crate) fn in_order(&self) -> InOrder<'_> {
        InOrder { row: self, next: 0 }
    }

    /// The error of a value that can't be read.
    pub(crate) fn corrupt(&self, column: &str, why: impl std::fmt::Display) -> StoreError {
        // Most tables have a key; of the others, table and column must do.
        let key = self.row.try_get::<Uuid>("", "id").map_or_else(|_| "?".to_owned(), |id| id.to_string());
        StoreError::corrupt(&self.table, column, key, why)
    }

    fn to_instant(&self, micros: i64, column: &str) -> Result<DateTime<Utc>, StoreError> {
        DateTime::from_timestamp_micros(micros).ok_or_else(|| self.corrupt(column, format!("{micros} is no instant")))
    }

    fn to_date(&self, text: &str, column: &str) -> Result<NaiveDate, StoreError> {
        date_of(text).ok_or_else(|| self.corrupt(column, format!("{text:?} is no date")))
    }
}

/// The date of a text as [`date_text`] writes it.
pub(crate) fn date_of(text: &str) -> Option<NaiveDate> {
    let (year, rest) = text.split_at_checked(4)?;
    let (month, day) = rest.strip_prefix('-')?.split_once('-')?;
    let digits = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
    if !(digits(year) && digits(month) && digits(day) && month.len() == 2 && day.len() == 2) {
        return None;
    }
    NaiveDate::from_ymd_opt(year.parse().ok()?, month.parse().ok()?, day.parse().ok()?)
}

/// Columns of a row, read in the order in which the statement names them.
pub(crate) struct InOrder<'r> {
    row: &'r Row,
    next: usize,
}

impl InOrder<'_> {
    /// The value of the next column.
    pub(crate) fn next<T: TryGetable>(&mut self) -> Result<T, StoreError> {
        let place = self.next;
        self.next += 1;
        self.row.row.try_get_by_index(place).map_err(|error| self.corrupt(place, error))
    }

    /// The next column as an instant.
    pub(crate) fn instant(&mut self) -> Result<DateTime<Utc>, StoreError> {
        let place = self.next;
        let micros: i64 = self.next()?;
        self.to_instant(micros, place)
    }

    fn to_instant(&self, micros: i64, place: usize) -> Result<DateTime<Utc>, StoreError> {
        DateTime::from_timestamp_micros(micros).ok_or_else(|| self.corrupt(place, format!("{micros} is no instant")))
    }

    fn corrupt(&self, place: usize, why: impl std::fmt::Display) -> StoreError {
        let names = self.row.row.column_names();
        self.row.corrupt(names.get(place).map_or("?", String::as_str), why)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn placeholders_are_numbered_for_postgres() {
        assert_eq!(numbered("a = ? AND b IN (?, ?)"), "a = $1 AND b IN ($2, $3)");
    }

    #[test]
    fn a_date_is_read_as_it_is_written() {
        for (text, date) in [
            ("2026-01-31", NaiveDate::from_ymd_opt(2026, 1, 31)),
            ("0001-12-01", NaiveDate::from_ymd_opt(1, 12, 1)),
            ("2026-02-30", None),
            ("2026-1-31", None),
            ("2026-01-3", None),
            ("2026-+1-31", None),
            ("2026-01-31 ", None),
            ("", None),
            ("日期", None),
        ] {
            assert_eq!(date_of(text), date, "{text:?}");
            assert!(date.is_none_or(|date| date_text(date) == text), "{text:?}");
        }
    }

    #[test]
    fn the_table_that_is_read_is_known() {
        for (text, table) in [
            ("SELECT a FROM claim WHERE b = ?", "claim"),
            ("SELECT a FROM (SELECT b FROM part) p", "part"),
            ("SELECT 1 AS one", "?"),
        ] {
            assert_eq!(&*Sql::new(text).table(), table, "{text}");
        }
    }
}
