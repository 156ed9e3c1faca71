//! Imports: jobs by name, and what became of each row. A chunk of rows is written with what it did, in one
//! transaction: after a crash the job knows exactly which rows are done.

use chrono::{DateTime, Utc};
use recourse_domain::access::Permit;
use recourse_domain::ids::CommandId;
use recourse_domain::imports::{ImportMode, ImportOutcome};
use uuid::Uuid;

use crate::bulk;
use crate::error::StoreError;
use crate::retention::FORGOTTEN_AT_ONCE;
use crate::sql::{IntoValue, Row, Sql};
use crate::store::{Store, Tx};

const ROW: &str = "number, hash, outcome, name, version, command_id, send, detail";
/// Jobs whose rows are forgotten in one go.
const JOBS_AT_ONCE: u32 = 10;

/// A job that was begun, or is gone on with.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ImportJob {
    /// Its key.
    pub id: Uuid,
    /// The word of the mode that it was begun with.
    pub mode: String,
    /// How often it was sent, this time included.
    pub send: i64,
}

/// What became of a row.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ImportRow {
    /// Its number, from 1.
    pub number: i64,
    /// Hash of its content.
    pub hash: Vec<u8>,
    /// What became of it.
    pub outcome: ImportOutcome,
    /// Public name of the resource; empty if the row names none.
    pub name: String,
    /// Version of the resource after the row.
    pub version: Option<i64>,
    /// The command that did it.
    pub command: CommandId,
    /// The sending of the job that did it.
    pub send: i64,
    /// Why it was refused, as a document of the caller.
    pub detail: Option<String>,
}

impl Tx<'_> {
    /// Begins the job of a name, or goes on with it: one person's job of one collection.
    pub async fn begin_import(
        &mut self,
        permit: &Permit,
        new_id: Uuid,
        collection: &str,
        name: &str,
        mode: ImportMode,
        now: DateTime<Utc>,
    ) -> Result<ImportJob, StoreError> {
        let row = Sql::new(
            "INSERT INTO import_job (id, principal, collection, name, mode, sends, create_time, update_time) \
             VALUES (?, ?, ?, ?, ?, 1, ?, ?) ON CONFLICT (principal, collection, name) \
             DO UPDATE SET sends = import_job.sends + 1, update_time = excluded.update_time RETURNING id, mode, sends",
        )
        .bind(new_id)
        .bind(permit.actor().user.0)
        .bind(collection)
        .bind(name)
        .bind(mode.word())
        .bind(now)
        .bind(now)
        .one(&self.db)
        .await?
        .ok_or_else(|| StoreError::Database("a job was neither begun nor found".to_owned()))?;
        Ok(ImportJob { id: row.get("id")?, mode: row.get("mode")?, send: row.get("sends")? })
    }

    /// Takes the job for this transaction: of two calls of one job, one waits.
    pub async fn hold_import(&mut self, job: Uuid, now: DateTime<Utc>) -> Result<(), StoreError> {
        #[cfg(debug_assertions)]
        crate::failpoints::watch(job);
        let held = Sql::new("UPDATE import_job SET update_time = ? WHERE id = ? AND sends > 0").bind(now).bind(job);
        match held.execute(&self.db).await? {
            1 => Ok(()),
            // It was forgotten while it was sent, which takes weeks of silence.
            _ => Err(StoreError::Stale),
        }
    }

    /// What became of the rows from one number to another, as far as they were sent before.
    pub async fn import_rows(&mut self, job: Uuid, first: i64, last: i64) -> Result<Vec<ImportRow>, StoreError> {
        rows_between(job, first, last).all(&self.db).await?.iter().map(row).collect()
    }

    /// Notes what became of rows. A row that was refused before is written over.
    pub async fn write_import_rows(&mut self, job: Uuid, rows: Vec<ImportRow>) -> Result<(), StoreError> {
        let rows = rows.into_iter().map(|row| {
            let ImportRow { number, hash, outcome, name, version, command, send, detail } = row;
            vec![
                job.into_value(),
                number.into_value(),
                hash.into_value(),
                outcome.word().into_value(),
                name.into_value(),
                version.into_value(),
                command.0.into_value(),
                send.into_value(),
                detail.into_value(),
            ]
        });
        bulk::write_rows(
            &self.db,
            &format!("INSERT INTO import_row (job_id, {ROW}) VALUES"),
            rows.collect(),
            " ON CONFLICT (job_id, number) DO UPDATE SET hash = excluded.hash, outcome = excluded.outcome, \
             name = excluded.name, version = excluded.version, command_id = excluded.command_id, \
             send = excluded.send, detail = excluded.detail",
        )
        .await
        .map(|_| ())
    }
}

impl Store {
    /// The results of rows from one number to another.
    pub async fn import_results(&self, job: Uuid, first: i64, last: i64) -> Result<Vec<ImportRow>, StoreError> {
        rows_between(job, first, last).all(&self.reader).await?.iter().map(row).collect()
    }

    /// Forgets what was last sent before an instant: the rows of a job, a bounded piece in each transaction, and then
    /// the job. Of many rows only some are forgotten in one go. Answers how many jobs and rows went; none when nothing
    /// is left to forget. What they wrote stays.
    pub async fn forget_imports(&self, before: DateTime<Utc>) -> Result<u64, StoreError> {
        let old = &format!("SELECT id FROM import_job WHERE update_time < ? ORDER BY update_time LIMIT {JOBS_AT_ONCE}");
        let mut forgotten = 0;
        for job in Sql::new(old).bind(before).all(&self.reader).await? {
            let job: Uuid = job.get("id")?;
            forgotten += self.run(|tx| Box::pin(forget_rows(tx, job, before))).await?;
            if forgotten >= u64::from(FORGOTTEN_AT_ONCE) {
                break;
            }
        }
        Ok(forgotten)
    }
}

/// Forgets rows of a job, and the job itself with the last of them.
///
/// The job's name is given back first, in the same transaction as the first rows: whoever sends it again begins anew,
/// and nobody goes on with a job that knows only some of its rows.
async fn forget_rows(tx: &mut Tx<'_>, job: Uuid, before: DateTime<Utc>) -> Result<u64, StoreError> {
    let ended = Sql::new("UPDATE import_job SET sends = 0, name = ? WHERE id = ? AND update_time < ?");
    // A name that nobody gives: the key of a job is told to nobody.
    if ended.bind(format!("/{job}")).bind(job).bind(before).execute(&tx.db).await? == 0 {
        return Ok(0);
    }
    let beyond =
        format!("SELECT number FROM import_row WHERE job_id = ? ORDER BY number LIMIT 1 OFFSET {FORGOTTEN_AT_ONCE}");
    if let Some(row) = Sql::new(&beyond).bind(job).one(&tx.db).await? {
        let rows = Sql::new("DELETE FROM import_row WHERE job_id = ? AND number < ?");
        return rows.bind(job).bind(row.get::<i64>("number")?).execute(&tx.db).await;
    }
    let rows = Sql::new("DELETE FROM import_row WHERE job_id = ?").bind(job).execute(&tx.db).await?;
    Ok(rows + Sql::new("DELETE FROM import_job WHERE id = ?").bind(job).execute(&tx.db).await?)
}

fn rows_between(job: Uuid, first: i64, last: i64) -> Sql {
    Sql::new(&format!("SELECT {ROW} FROM import_row WHERE job_id = ? AND number BETWEEN ? AND ? ORDER BY number"))
        .bind(job)
        .bind(first)
        .bind(last)
}

fn row(row: &Row) -> Result<ImportRow, StoreError> {
    let word: String = row.get("outcome")?;
    Ok(ImportRow {
        number: row.get("number")?,
        hash: row.get("hash")?,
        outcome: ImportOutcome::of_word(&word).ok_or_else(|| row.corrupt("outcome", &word))?,
        name: row.get("name")?,
        version: row.get("version")?,
        command: CommandId(row.get("command_id")?),
        send: row.get("send")?,
        detail: row.get("detail")?,
    })
}
