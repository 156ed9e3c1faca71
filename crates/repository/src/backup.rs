//! Every row of every table, out of one consistent moment and into an empty database of either kind.
//!
//! Which tables and columns there are is asked of the database itself, so that a table which a later step
//! brings can't be forgotten. Rows come by their primary key, a batch at a time: neither side ever holds more
//! than a batch, and the same content comes in the same order from both databases.

use std::collections::BTreeSet;

use recourse_migrations::{Migrator, MigratorTrait};
use sea_orm::{DbBackend, Value};
use uuid::Uuid;

use crate::error::StoreError;
use crate::sql::{Row, Runs, Sql};
use crate::store::{Store, Tx};

/// Rows that are read or written with one statement.
const BATCH: usize = 200;
/// Values of one statement: SQLite takes 32,766, PostgreSQL 65,535.
const MAX_VALUES: usize = 30_000;
/// The table in which the migrations keep their own account; the steps stand in the archive's head instead.
const STEPS: &str = "seaql_migrations";
/// What only lives while servers run: a restored lease would keep jobs waiting for a server that is gone.
const TRANSIENT: [&str; 1] = ["lease"];

/// Why rows could not be taken out or put in.
#[derive(Debug, thiserror::Error)]
pub enum TransferError {
    /// The database.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The other side: a file that can't be written, an archive that can't be read.
    #[error("{0}")]
    Archive(String),
    /// The database is not one that rows can be put into.
    #[error("{0}")]
    Target(String),
}

/// What a column holds, the same on both databases.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CellKind {
    /// Keys, hashes, secrets.
    Binary,
    /// Words and documents.
    Text,
    /// Whole numbers, money, instants.
    Integer,
    /// True or false.
    Flag,
}

/// One value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Cell {
    /// Nothing.
    Null,
    /// Of a binary column.
    Binary(Vec<u8>),
    /// Of a text column.
    Text(String),
    /// Of a column of numbers.
    Integer(i64),
    /// Of a flag.
    Flag(bool),
}

/// A table as the archive knows it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TableShape {
    /// Its name.
    pub name: String,
    /// Its columns in order, and what they hold.
    pub columns: Vec<(String, CellKind)>,
}

/// What comes out of a database, in this order: the schema once, then each table followed by its rows.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Piece {
    /// The steps that the schema has taken.
    Schema(Vec<String>),
    /// The rows that follow belong to this table.
    Table(TableShape),
    /// A row, its values in the order of the columns.
    Row(Vec<Cell>),
}

/// A column as one database has it.
struct Column {
    name: String,
    kind: CellKind,
    /// PostgreSQL keeps keys in a type of their own.
    is_uuid: bool,
}

/// A table as one database has it.
struct Table {
    name: String,
    columns: Vec<Column>,
    key: Vec<usize>,
}

impl Store {
    /// Hands out every row as it stood at one moment, while others go on writing.
    pub async fn dump<'a, W>(&'a self, write: W) -> Result<(), TransferError>
    where
        W: FnMut(Piece) -> Result<(), String> + Send + 'a,
    {
        self.read(move |tx| Box::pin(dump(tx, write))).await
    }

    /// Fills an empty database from the pieces of [`Store::dump`], in one transaction: what fails half-way
    /// leaves it empty. The schema is first brought to the steps of the archive and, once its rows are in,
    /// to today's.
    pub async fn load<R>(&self, mut next: R) -> Result<(), TransferError>
    where
        R: FnMut() -> Result<Option<Piece>, String> + Send,
    {
        let tx = self.begin_migration().await?;
        if let Some(table) = table_names(&tx).await?.into_iter().next() {
            return Err(TransferError::Target(format!(
                "the database is not empty (it has a table {table}); restore into a new one"
            )));
        }
        let Some(Piece::Schema(steps)) = next().map_err(TransferError::Archive)? else {
            return Err(TransferError::Archive("the archive does not begin with its schema".to_owned()));
        };
        Migrator::up(&tx, Some(steps_of(&steps)?)).await.map_err(StoreError::from)?;
        let mut target = None;
        let mut rows: Vec<Vec<Cell>> = Vec::new();
        while let Some(piece) = next().map_err(TransferError::Archive)? {
            match piece {
                Piece::Schema(_) => return Err(TransferError::Archive("the archive has two schemas".to_owned())),
                Piece::Table(shape) => {
                    flush(&tx, target.as_ref(), &mut rows).await?;
                    target = Some(begin_table(&tx, &shape).await?);
                }
                Piece::Row(row) => {
                    rows.push(row);
                    if rows.len() == BATCH {
                        flush(&tx, target.as_ref(), &mut rows).await?;
                    }
                }
            }
        }
        flush(&tx, target.as_ref(), &mut rows).await?;
        Migrator::up(&tx, None).await.map_err(StoreError::from)?;
        Ok(tx.commit().await.map_err(StoreError::from)?)
    }
}

/// How many steps the archive's schema has, if they are the first of ours.
fn steps_of(steps: &[String]) -> Result<u32, TransferError> {
    let ours: Vec<String> = Migrator::migrations().iter().map(|step| step.name().to_owned()).collect();
    if steps.is_empty() || !ours.starts_with(steps) {
        let newest = steps.last().map_or("nothing", String::as_str);
        return Err(TransferError::Archive(format!(
            "the archive's schema ({newest}) is not one of this release's; restore it with the release that made it"
        )));
    }
    u32::try_from(steps.len()).map_err(|_| TransferError::Archive("the archive's schema has too many steps".to_owned()))
}

async fn dump(tx: &mut Tx<'_>, mut write: impl FnMut(Piece) -> Result<(), String> + Send) -> Result<(), TransferError> {
    let names = table_names(&tx.db).await?;
    if !names.contains(STEPS) {
        return Err(TransferError::Target(
            "the database has no schema of ours; there is nothing to back up".to_owned(),
        ));
    }
    let rows = Sql::new(&format!("SELECT version FROM {STEPS} ORDER BY version")).all(&tx.db).await?;
    let steps = rows.iter().map(|row| row.get("version")).collect::<Result<Vec<String>, _>>()?;
    write(Piece::Schema(steps)).map_err(TransferError::Archive)?;
    for name in in_order_of_reference(&tx.db, names).await? {
        if name == STEPS || TRANSIENT.contains(&name.as_str()) {
            continue;
        }
        let table = table(&tx.db, &name).await?;
        let columns = table.columns.iter().map(|column| (column.name.clone(), column.kind)).collect();
        write(Piece::Table(TableShape { name, columns })).map_err(TransferError::Archive)?;
        dump_rows(&tx.db, &table, &mut write).await?;
    }
    Ok(())
}

async fn dump_rows(
    db: &impl Runs,
    table: &Table,
    write: &mut (impl FnMut(Piece) -> Result<(), String> + Send),
) -> Result<(), TransferError> {
    let columns = table.columns.iter().map(|column| column.name.as_str()).collect::<Vec<_>>().join(", ");
    let key = table.key.iter().map(|index| table.columns[*index].name.as_str()).collect::<Vec<_>>().join(", ");
    let mut last: Option<Vec<Cell>> = None;
    loop {
        let mut sql = Sql::new(&format!("SELECT {columns} FROM {}", table.name));
        if let Some(last) = &last {
            sql.push(&format!(" WHERE ({key}) > "));
            let values = table.key.iter().map(|index| value(&table.columns[*index], last[*index].clone()));
            sql.push_list(values.collect::<Option<Vec<Value>>>().ok_or_else(|| {
                TransferError::Store(StoreError::corrupt(&table.name, &key, "?", "the key has the wrong type"))
            })?);
        }
        sql.push(&format!(" ORDER BY {key} LIMIT {BATCH}"));
        let rows = sql.all(db).await?;
        let count = rows.len();
        for row in &rows {
            let cells = table.columns.iter().map(|column| cell(row, column)).collect::<Result<Vec<Cell>, _>>()?;
            last = Some(cells.clone());
            write(Piece::Row(cells)).map_err(TransferError::Archive)?;
        }
        if count < BATCH {
            return Ok(());
        }
    }
}

fn cell(row: &Row, column: &Column) -> Result<Cell, StoreError> {
    let name = column.name.as_str();
    Ok(match column.kind {
        CellKind::Binary if column.is_uuid => {
            row.get::<Option<Uuid>>(name)?.map_or(Cell::Null, |key| Cell::Binary(key.into_bytes().to_vec()))
        }
        CellKind::Binary => row.get::<Option<Vec<u8>>>(name)?.map_or(Cell::Null, Cell::Binary),
        CellKind::Text => row.get::<Option<String>>(name)?.map_or(Cell::Null, Cell::Text),
        CellKind::Integer => row.get::<Option<i64>>(name)?.map_or(Cell::Null, Cell::Integer),
        CellKind::Flag => row.get::<Option<bool>>(name)?.map_or(Cell::Null, Cell::Flag),
    })
}

/// The value of a cell for a column; `None` if the column holds another kind.
fn value(column: &Column, cell: Cell) -> Option<Value> {
    match (column.kind, cell) {
        (CellKind::Binary, Cell::Binary(bytes)) if column.is_uuid => {
            Uuid::from_slice(&bytes).ok().map(|key| Value::from(Some(key)))
        }
        (CellKind::Binary, Cell::Binary(bytes)) => Some(Value::from(Some(bytes))),
        (CellKind::Text, Cell::Text(text)) => Some(Value::from(Some(text))),
        (CellKind::Integer, Cell::Integer(number)) => Some(Value::from(Some(number))),
        (CellKind::Flag, Cell::Flag(flag)) => Some(Value::from(Some(flag))),
        (CellKind::Binary, Cell::Null) if column.is_uuid => Some(Value::from(None::<Uuid>)),
        (CellKind::Binary, Cell::Null) => Some(Value::from(None::<Vec<u8>>)),
        (CellKind::Text, Cell::Null) => Some(Value::from(None::<String>)),
        (CellKind::Integer, Cell::Null) => Some(Value::from(None::<i64>)),
        (CellKind::Flag, Cell::Null) => Some(Value::from(None::<bool>)),
        (CellKind::Binary | CellKind::Text | CellKind::Integer | CellKind::Flag, _) => None,
    }
}

/// Makes a table ready for its rows: it is there, has these columns, and holds nothing.
async fn begin_table(tx: &impl Runs, shape: &TableShape) -> Result<Table, TransferError> {
    let unfit = |what: &str| TransferError::Archive(format!("table {}: {what}", shape.name));
    if shape.name == STEPS || !table_names(tx).await?.contains(&shape.name) {
        return Err(unfit("the archive's schema has no such table"));
    }
    let found = table(tx, &shape.name).await?;
    let mut columns = Vec::with_capacity(shape.columns.len());
    for (name, kind) in &shape.columns {
        let column = found.columns.iter().find(|column| column.name == *name && column.kind == *kind);
        let column = column.ok_or_else(|| unfit(&format!("the schema has no such column {name}")))?;
        columns.push(Column { name: column.name.clone(), kind: column.kind, is_uuid: column.is_uuid });
    }
    // Rows that the migrations themselves bring stand in the archive too, as they were.
    if Sql::new(&format!("SELECT 1 AS one FROM {} LIMIT 1", shape.name)).one(tx).await?.is_some() {
        Sql::new(&format!("DELETE FROM {}", shape.name)).execute(tx).await?;
    }
    Ok(Table { name: shape.name.clone(), columns, key: Vec::new() })
}

/// Writes the rows that wait.
async fn flush(tx: &impl Runs, table: Option<&Table>, rows: &mut Vec<Vec<Cell>>) -> Result<(), TransferError> {
    if rows.is_empty() {
        return Ok(());
    }
    let Some(table) = table else {
        return Err(TransferError::Archive("the archive has a row before its first table".to_owned()));
    };
    let names = table.columns.iter().map(|column| column.name.as_str()).collect::<Vec<_>>().join(", ");
    let at_once = (MAX_VALUES / table.columns.len().max(1)).max(1);
    let mut waiting = std::mem::take(rows).into_iter().peekable();
    while waiting.peek().is_some() {
        let mut sql = Sql::new(&format!("INSERT INTO {} ({names}) VALUES ", table.name));
        let mut count = 0;
        for row in waiting.by_ref().take(at_once) {
            let values: Option<Vec<Value>> = if row.len() == table.columns.len() {
                table.columns.iter().zip(row).map(|(column, cell)| value(column, cell)).collect()
            } else {
                None
            };
            let values = values.ok_or_else(|| {
                TransferError::Archive(format!("table {}: a row does not fit its columns", table.name))
            })?;
            sql.push(if count == 0 { "" } else { ", " }).push_list(values);
            count += 1;
        }
        let written = sql.execute(tx).await?;
        if written != count {
            return Err(TransferError::Target(format!("table {}: {written} of {count} rows were written", table.name)));
        }
    }
    Ok(())
}

/// The tables of the database, in order of their names.
async fn table_names(db: &impl Runs) -> Result<BTreeSet<String>, StoreError> {
    let sql = if db.backend() == DbBackend::Postgres {
        "SELECT CAST(table_name AS TEXT) AS name FROM information_schema.tables \
         WHERE table_schema = current_schema() AND table_type = 'BASE TABLE'"
    } else {
        "SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite_%'"
    };
    Sql::new(sql).all(db).await?.iter().map(|row| row.get("name")).collect()
}

/// Tables that others refer to come first, so that every reference finds its row.
async fn in_order_of_reference(db: &impl Runs, mut waiting: BTreeSet<String>) -> Result<Vec<String>, StoreError> {
    let sql = if db.backend() == DbBackend::Postgres {
        "SELECT CAST(confrelid AS regclass)::TEXT AS name FROM pg_constraint \
         WHERE contype = 'f' AND conrelid = CAST(CAST(? AS TEXT) AS regclass)"
    } else {
        "SELECT \"table\" AS name FROM pragma_foreign_key_list(?)"
    };
    let mut references = Vec::new();
    for table in &waiting {
        for row in Sql::new(sql).bind(table).all(db).await? {
            references.push((table.clone(), row.get::<String>("name")?));
        }
    }
    let mut ordered = Vec::with_capacity(waiting.len());
    while !waiting.is_empty() {
        let is_free =
            |table: &String| !references.iter().any(|(from, to)| from == table && to != table && waiting.contains(to));
        let Some(next) = waiting.iter().find(|table| is_free(table)).cloned() else {
            return Err(StoreError::Database(format!("tables refer to each other in a circle: {waiting:?}")));
        };
        waiting.remove(&next);
        ordered.push(next);
    }
    Ok(ordered)
}

/// The columns and the key of a table.
async fn table(db: &impl Runs, name: &str) -> Result<Table, StoreError> {
    let sql = if db.backend() == DbBackend::Postgres {
        "SELECT CAST(a.attname AS TEXT) AS name, format_type(a.atttypid, NULL) AS type, \
         CAST(COALESCE(array_position(CAST(i.indkey AS INT2[]), a.attnum) + 1, 0) AS BIGINT) AS pk \
         FROM pg_attribute a LEFT JOIN pg_index i ON i.indrelid = a.attrelid AND i.indisprimary \
         WHERE a.attrelid = CAST(CAST(? AS TEXT) AS regclass) AND a.attnum > 0 AND NOT a.attisdropped ORDER BY a.attnum"
    } else {
        "SELECT name, type, CAST(pk AS BIGINT) AS pk FROM pragma_table_info(?) ORDER BY cid"
    };
    let mut columns = Vec::new();
    let mut key: Vec<(i64, usize)> = Vec::new();
    for (index, row) in Sql::new(sql).bind(name).all(db).await?.iter().enumerate() {
        let (column, native): (String, String) = (row.get("name")?, row.get("type")?);
        let (kind, is_uuid) = match native.to_ascii_lowercase().as_str() {
            "uuid" => (CellKind::Binary, true),
            "blob" | "bytea" => (CellKind::Binary, false),
            "text" => (CellKind::Text, false),
            "bigint" => (CellKind::Integer, false),
            "boolean" => (CellKind::Flag, false),
            _ => {
                return Err(StoreError::Database(format!(
                    "{name}.{column} has a type without a place in archives: {native}"
                )));
            }
        };
        let place: i64 = row.get("pk")?;
        if place > 0 {
            key.push((place, index));
        }
        columns.push(Column { name: column, kind, is_uuid });
    }
    if key.is_empty() {
        return Err(StoreError::Database(format!("table {name} has no primary key")));
    }
    key.sort_unstable();
    Ok(Table { name: name.to_owned(), columns, key: key.into_iter().map(|(_, index)| index).collect() })
}
