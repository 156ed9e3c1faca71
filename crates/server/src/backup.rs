//! Backups: one file with every row, portable between the two databases.
//!
//! The file is gzip over lines of JSON. A head names the schema; each table has a line with its columns, a line
//! a row, and a line with the number and hash of its rows; the last line sums up and holds the hash of all lines
//! before it. The same content has the same hashes, whichever database it came from.
//!
//! It holds everything: hashes of passwords and secrets, signing keys, personal data. Only its owner may read
//! it, and it is as precious as the database itself.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{BufRead, BufReader, BufWriter, Read, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use flate2::Compression;
use flate2::bufread::GzDecoder;
use flate2::write::GzEncoder;
use recourse_domain::clock::Clock;
use recourse_repository::{Cell, CellKind, Piece, Store, TableShape};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use sha2::{Digest, Sha256};

use crate::process::SystemClock;
use crate::{StartError, limits};

const FORMAT: &str = "recourse backup";
const VERSION: u32 = 1;

/// The first line.
#[derive(Debug, Serialize, Deserialize)]
struct Head {
    format: String,
    version: u32,
    create_time: String,
    schema: Vec<String>,
}

/// The line in front of a table's rows.
#[derive(Debug, Serialize, Deserialize)]
struct TableHead {
    table: String,
    columns: Vec<(String, String)>,
}

/// The line behind a table's rows.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TableSum {
    /// How many.
    pub rows: u64,
    /// SHA-256 of their lines.
    pub sha256: String,
}

/// The last line.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Manifest {
    /// Each table's rows.
    pub tables: BTreeMap<String, TableSum>,
    /// SHA-256 of all lines before this one.
    pub sha256: String,
}

impl Manifest {
    fn rows(&self) -> u64 {
        self.tables.values().map(|table| table.rows).sum()
    }
}

/// Writes a backup of the store while it is used. The file appears whole or not at all, and none is replaced.
pub async fn backup(store: &Store, file: &Path) -> Result<Manifest, StartError> {
    let failed = |error: &dyn std::fmt::Display| StartError::new("the backup could not be made", error);
    if file.exists() {
        return Err(failed(&format!("{} is there already", file.display())));
    }
    let mut name = file.file_name().unwrap_or_default().to_owned();
    name.push(format!(".{}.partial", std::process::id()));
    let partial = Partial(file.with_file_name(name));
    let created = File::options().write(true).create_new(true).mode(0o600).open(&partial.0);
    let created = created.map_err(|error| failed(&format!("{}: {error}", partial.0.display())))?;
    let mut writer = Writer::over(created);
    store.dump(|piece| writer.write(piece).map_err(|error| error.to_string())).await.map_err(|error| failed(&error))?;
    let manifest = writer.finish().map_err(|error| failed(&error))?;
    std::fs::rename(&partial.0, file).map_err(|error| failed(&error))?;
    let folder = file.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    // The new name is on the disk only when its folder is.
    File::open(folder).and_then(|folder| folder.sync_all()).map_err(|error| failed(&error))?;
    Ok(manifest)
}

/// A file that is not whole yet, and is taken away if it never becomes so.
struct Partial(PathBuf);

impl Drop for Partial {
    fn drop(&mut self) {
        // Renamed or never made, mostly: then there is nothing to take away.
        drop(std::fs::remove_file(&self.0));
    }
}

/// Reads a backup from end to end without a database: whether it is whole and unaltered.
pub fn check(file: &Path) -> Result<Manifest, StartError> {
    let mut reader = Reader::open(file).map_err(|error| unreadable(file, &error))?;
    while reader.next().map_err(|error| unreadable(file, &error))?.is_some() {}
    Ok(reader.manifest)
}

/// Fills an empty database from a backup. The file is read twice: nothing is written before all of it was seen
/// to be whole.
pub async fn restore(store: &Store, file: &Path) -> Result<Manifest, StartError> {
    let expected = check(file)?;
    let mut reader = Reader::open(file).map_err(|error| unreadable(file, &error))?;
    let source = &mut reader;
    store
        .load(move || source.next())
        .await
        .map_err(|error| StartError::new("the backup could not be restored; the database is as it was", error))?;
    if reader.manifest != expected {
        return Err(StartError::new("the backup could not be trusted", "it changed while it was read"));
    }
    Ok(expected)
}

fn unreadable(file: &Path, error: &str) -> StartError {
    StartError::new(&format!("{} is no whole backup", file.display()), error)
}

struct Writer {
    out: GzEncoder<BufWriter<File>>,
    all: Sha256,
    table: Option<(TableShape, u64, Sha256)>,
    manifest: Manifest,
}

impl Writer {
    fn over(file: File) -> Self {
        let out = GzEncoder::new(BufWriter::new(file), Compression::fast());
        Self { out, all: Sha256::new(), table: None, manifest: Manifest::default() }
    }

    fn write(&mut self, piece: Piece) -> std::io::Result<()> {
        match piece {
            Piece::Schema(schema) => {
                let create_time = SystemClock.now().to_rfc3339();
                self.line(&Head { format: FORMAT.to_owned(), version: VERSION, create_time, schema }).map(|_| ())
            }
            Piece::Table(shape) => {
                self.end_table()?;
                let columns = shape.columns.iter().map(|(name, kind)| (name.clone(), word(*kind).to_owned())).collect();
                self.line(&TableHead { table: shape.name.clone(), columns })?;
                self.table = Some((shape, 0, Sha256::new()));
                Ok(())
            }
            Piece::Row(cells) => {
                let line = self.line(&cells.into_iter().map(to_json).collect::<Vec<Value>>())?;
                if let Some((_, rows, hash)) = &mut self.table {
                    *rows += 1;
                    hash.update(&line);
                }
                Ok(())
            }
        }
    }

    fn line(&mut self, value: &impl Serialize) -> std::io::Result<Vec<u8>> {
        let mut line = serde_json::to_vec(value)?;
        line.push(b'\n');
        self.all.update(&line);
        self.out.write_all(&line)?;
        Ok(line)
    }

    fn end_table(&mut self) -> std::io::Result<()> {
        let Some((shape, rows, hash)) = self.table.take() else { return Ok(()) };
        let sum = TableSum { rows, sha256: hex::encode(hash.finalize()) };
        self.line(&sum)?;
        self.manifest.tables.insert(shape.name, sum);
        Ok(())
    }

    fn finish(mut self) -> std::io::Result<Manifest> {
        self.end_table()?;
        self.manifest.sha256 = hex::encode(self.all.clone().finalize());
        let manifest = self.manifest.clone();
        self.line(&manifest)?;
        let file = self.out.finish()?.into_inner().map_err(std::io::IntoInnerError::into_error)?;
        file.sync_all()?;
        Ok(manifest)
    }
}

struct Reader {
    lines: BufReader<GzDecoder<BufReader<File>>>,
    all: Sha256,
    table: Option<(TableShape, u64, Sha256)>,
    begun: bool,
    manifest: Manifest,
}

impl Reader {
    fn open(file: &Path) -> Result<Self, String> {
        let file = File::open(file).map_err(|error| error.to_string())?;
        let lines = BufReader::new(GzDecoder::new(BufReader::new(file)));
        Ok(Self { lines, all: Sha256::new(), table: None, begun: false, manifest: Manifest::default() })
    }

    /// The next piece; `None` once the last line was reached and everything fits it.
    fn next(&mut self) -> Result<Option<Piece>, String> {
        loop {
            let line = self.line()?;
            if !self.begun {
                self.begun = true;
                return head(&line).map(Some);
            }
            // A row is an array, everything else an object.
            if line.first() == Some(&b'[') {
                return self.row(&line).map(Some);
            }
            if self.table.is_some() {
                self.end_table(&line)?;
                continue;
            }
            if let Ok(head) = serde_json::from_slice::<TableHead>(&line) {
                let shape = shape(head)?;
                self.table = Some((shape.clone(), 0, Sha256::new()));
                return Ok(Some(Piece::Table(shape)));
            }
            return self.end(&line).map(|()| None);
        }
    }

    /// The next line, counted into the hash by whoever finds that it is not the last.
    fn line(&mut self) -> Result<Vec<u8>, String> {
        let mut line = Vec::new();
        let longest = limits::MAX_BACKUP_LINE;
        self.lines.by_ref().take(longest).read_until(b'\n', &mut line).map_err(|error| error.to_string())?;
        match line.last() {
            Some(b'\n') => {}
            Some(_) => return Err("a line is cut off".to_owned()),
            None => return Err("the end is missing".to_owned()),
        }
        if !line.starts_with(b"{\"tables\"") {
            self.all.update(&line);
        }
        Ok(line)
    }

    fn row(&mut self, line: &[u8]) -> Result<Piece, String> {
        let Some((shape, rows, hash)) = &mut self.table else {
            return Err("a row stands outside of a table".to_owned());
        };
        let values: Vec<Value> = serde_json::from_slice(line).map_err(|error| error.to_string())?;
        if values.len() != shape.columns.len() {
            return Err(format!("table {}: a row has {} values", shape.name, values.len()));
        }
        let cells = shape.columns.iter().zip(values).map(|((name, kind), value)| {
            from_json(*kind, value).ok_or_else(|| format!("table {}: a value of {name} has the wrong type", shape.name))
        });
        let cells = cells.collect::<Result<Vec<Cell>, String>>()?;
        *rows += 1;
        hash.update(line);
        Ok(Piece::Row(cells))
    }

    fn end_table(&mut self, line: &[u8]) -> Result<(), String> {
        let Some((shape, rows, hash)) = self.table.take() else { return Ok(()) };
        let told: TableSum = serde_json::from_slice(line).map_err(|error| error.to_string())?;
        let found = TableSum { rows, sha256: hex::encode(hash.finalize()) };
        if told != found {
            return Err(format!("table {}: its rows are not those that were written", shape.name));
        }
        self.manifest.tables.insert(shape.name, found);
        Ok(())
    }

    fn end(&mut self, line: &[u8]) -> Result<(), String> {
        let told: Manifest = serde_json::from_slice(line).map_err(|error| error.to_string())?;
        self.manifest.sha256 = hex::encode(self.all.clone().finalize());
        if told != self.manifest {
            return Err("its lines are not those that were written".to_owned());
        }
        // Reading on to the very end lets the compression check its own sum.
        let unread = |error: std::io::Error| error.to_string();
        let mut beyond = [0_u8];
        let more = self.lines.read(&mut beyond).map_err(unread)?;
        let behind = self.lines.get_mut().get_mut().read(&mut beyond).map_err(unread)?;
        if more + behind == 0 { Ok(()) } else { Err("something stands behind the end".to_owned()) }
    }
}

fn head(line: &[u8]) -> Result<Piece, String> {
    let head: Head = serde_json::from_slice(line).map_err(|_| "its head can't be read".to_owned())?;
    if head.format != FORMAT || head.version != VERSION {
        return Err(format!("{} version {} is not known to this release", head.format, head.version));
    }
    Ok(Piece::Schema(head.schema))
}

fn shape(head: TableHead) -> Result<TableShape, String> {
    let columns = head.columns.into_iter().map(|(name, kind)| {
        let kind = kind_of(&kind).ok_or_else(|| format!("{}.{name} is of an unknown kind {kind}", head.table))?;
        Ok((name, kind))
    });
    Ok(TableShape { columns: columns.collect::<Result<_, String>>()?, name: head.table })
}

fn word(kind: CellKind) -> &'static str {
    match kind {
        CellKind::Binary => "binary",
        CellKind::Text => "text",
        CellKind::Integer => "integer",
        CellKind::Flag => "flag",
    }
}

fn kind_of(word: &str) -> Option<CellKind> {
    Some(match word {
        "binary" => CellKind::Binary,
        "text" => CellKind::Text,
        "integer" => CellKind::Integer,
        "flag" => CellKind::Flag,
        _ => return None,
    })
}

fn to_json(cell: Cell) -> Value {
    match cell {
        Cell::Null => Value::Null,
        Cell::Binary(bytes) => Value::String(STANDARD.encode(bytes)),
        Cell::Text(text) => Value::String(text),
        Cell::Integer(number) => Value::from(number),
        Cell::Flag(flag) => Value::Bool(flag),
    }
}

fn from_json(kind: CellKind, value: Value) -> Option<Cell> {
    match (kind, value) {
        (_, Value::Null) => Some(Cell::Null),
        (CellKind::Binary, Value::String(text)) => STANDARD.decode(text).ok().map(Cell::Binary),
        (CellKind::Text, Value::String(text)) => Some(Cell::Text(text)),
        (CellKind::Integer, Value::Number(number)) => number.as_i64().map(Cell::Integer),
        (CellKind::Flag, Value::Bool(flag)) => Some(Cell::Flag(flag)),
        (CellKind::Binary | CellKind::Text | CellKind::Integer | CellKind::Flag, _) => None,
    }
}

/// What a person is told of a backup.
#[must_use]
pub fn summary(manifest: &Manifest) -> String {
    format!("{} rows of {} tables, sha256 {}", manifest.rows(), manifest.tables.len(), manifest.sha256)
}
