//! A chunk of rows: one command, in a number of statements that does not grow with the rows.

use std::collections::{BTreeMap, BTreeSet};

use recourse_domain::access::Scope;
use recourse_domain::catalog::Record;
use recourse_domain::ids::CommandId;
use recourse_domain::imports::{Again, ImportOutcome, Waits, again, waits};
use recourse_proto::v1::error_reason::Code as Reason;
use recourse_repository::{ChangeNote, ImportRow, RecordWrite, Tx};
use uuid::Uuid;

use super::planning::{Agreed, Plan, Planned, Task, plan_all};
use super::proposal::Waiting;
use super::row::{Row, Why};
use super::{CHUNK_BYTES, CHUNK_ROWS, Importer};
use crate::catalog::{Resource, collection, name_of};
use crate::error::{Answer, Refusal};

/// Rows that are written together; no two of them are about one resource.
pub(super) struct Chunk<R: Resource> {
    first: i64,
    rows: Vec<Row<R>>,
    bytes: usize,
    codes: BTreeSet<String>,
}

/// What became of the rows of a chunk.
#[derive(Default)]
pub(super) struct Written {
    /// The outcomes, and which of them an earlier call had brought about.
    pub outcomes: Vec<(ImportOutcome, bool)>,
    /// The rows that wait for a second person from now on.
    pub waiting: Vec<Waiting>,
}

impl<R: Resource> Chunk<R> {
    /// An empty chunk whose first row will have this number.
    pub(super) fn from(first: i64) -> Self {
        Self { first, rows: Vec::new(), bytes: 0, codes: BTreeSet::new() }
    }

    /// The number of the row that comes next.
    pub(super) fn next(&self) -> i64 {
        self.rows.last().map_or(self.first, |row| row.number + 1)
    }

    pub(super) fn is_empty(&self) -> bool {
        self.rows.is_empty()
    }

    pub(super) fn is_full(&self) -> bool {
        self.rows.len() >= CHUNK_ROWS || self.bytes >= CHUNK_BYTES
    }

    /// Whether a row is about a resource that one in here is about too.
    pub(super) fn holds(&self, row: &Row<R>) -> bool {
        self.codes.contains(&row.code)
    }

    pub(super) fn add(&mut self, row: Row<R>) {
        self.bytes += row.bytes;
        if !row.code.is_empty() {
            self.codes.insert(row.code.clone());
        }
        self.rows.push(row);
    }

    /// Writes the rows and what became of them, in one transaction.
    pub(super) async fn write(&self, importer: &Importer) -> Answer<Written> {
        let scope = &importer.call.everything()?;
        importer.call.inner.store.run(|tx| Box::pin(self.write_in(tx, importer, scope))).await
    }

    async fn write_in(&self, tx: &mut Tx<'_>, importer: &Importer, scope: &Scope) -> Answer<Written> {
        let job = &importer.job;
        tx.hold_import(job.id, importer.call.now).await?;
        let before = tx.import_rows(job.id, self.first, self.next() - 1).await?;
        let before: BTreeMap<i64, ImportRow> = before.into_iter().map(|row| (row.number, row)).collect();
        let (mut written, mut proposals) = (Written::default(), BTreeMap::new());
        let mut to_do = Vec::with_capacity(self.rows.len());
        for row in &self.rows {
            let known = before.get(&row.number).map(|known| (known, again(known.outcome, known.hash == row.hash)));
            match known {
                Some((known, Again::Stands)) => written.outcomes.push((known.outcome, true)),
                Some((_, Again::Differs)) => return Err(other_content(&importer.whole.name, row.number)),
                Some((_, Again::TriedAnew)) | None => to_do.push(Task { row, agreed: None }),
                Some((known, Again::AsProposed)) => match as_proposed(tx, scope, known, &mut proposals).await? {
                    Waits::Still => written.outcomes.push((known.outcome, true)),
                    Waits::TriedAnew => to_do.push(Task { row, agreed: None }),
                    Waits::Agreed(command) => {
                        to_do.push(Task { row, agreed: Some(Agreed { command, version: known.version }) });
                    }
                },
            }
        }
        if to_do.is_empty() {
            return Ok(written);
        }
        let planned = plan_all(tx, importer, scope, &to_do).await?;
        let command = CommandId(importer.call.new_id());
        let (results, waiting) = write_all(tx, importer, command, &to_do, planned).await?;
        written.outcomes.extend(results.iter().map(|result| (result.outcome, false)));
        if let Some(proposing) = &importer.proposing {
            tx.note_proposed(proposing.id, waiting.iter().map(|row| row.name.as_str())).await?;
        }
        written.waiting = waiting;
        tx.write_import_rows(job.id, results).await?;
        Ok(written)
    }
}

/// What a row does that was sent before and waits: by where its proposal stands, which is read once a chunk.
async fn as_proposed(
    tx: &mut Tx<'_>,
    scope: &Scope,
    row: &ImportRow,
    read: &mut BTreeMap<String, Waits>,
) -> Answer<Waits> {
    let proposal = row.detail.clone().unwrap_or_default();
    if let Some(known) = read.get(&proposal) {
        return Ok(*known);
    }
    let id = Uuid::parse_str(&proposal).map_err(|error| {
        Refusal::fault(format!("in which proposal row {} waits can't be read: {error}", row.number))
    })?;
    let stored = tx.change_proposal(scope, id).await?;
    let found = waits(stored.as_ref().map(|stored| &stored.value.state));
    read.insert(proposal, found);
    Ok(found)
}

/// Writes what is to be written, and answers what became of each row, and which rows wait.
async fn write_all<R: Resource>(
    tx: &mut Tx<'_>,
    importer: &Importer,
    command: CommandId,
    tasks: &[Task<'_, R>],
    planned: Vec<Planned<R>>,
) -> Answer<(Vec<ImportRow>, Vec<Waiting>)> {
    let (mut results, mut writes, mut written) = (Vec::with_capacity(tasks.len()), Vec::new(), Vec::new());
    let mut waiting = Vec::new();
    for (Task { row, agreed }, planned) in tasks.iter().zip(planned) {
        // What two persons did has the command of the confirmation, which leads to both.
        let command = agreed.map_or(command, |agreed| agreed.command);
        let (outcome, version, detail) = match planned {
            Planned::Write(plan) => {
                let outcome = if plan.before.is_none() { ImportOutcome::Created } else { ImportOutcome::Updated };
                written.push(results.len());
                writes.push(write_of::<R>(importer, command, *plan));
                (outcome, None, None)
            }
            Planned::Waits(plan, row) => {
                waiting.push(row);
                let proposal = importer.proposing.as_ref().map(|proposing| proposing.id.to_string());
                (ImportOutcome::Waiting, plan.before.map(|before| before.version), proposal)
            }
            Planned::Unchanged { version } => (ImportOutcome::Unchanged, Some(version), None),
            Planned::Refused(why) => (ImportOutcome::Refused, None, Some(document(&why)?)),
        };
        let name = if row.code.is_empty() { String::new() } else { name_of::<R>(&row.code) };
        let (number, hash, send) = (row.number, row.hash.clone(), importer.job.send);
        results.push(ImportRow { number, hash, outcome, name, version, command, send, detail });
    }
    let versions = tx.write_records(&importer.permit, writes).await?;
    for (index, version) in written.into_iter().zip(versions) {
        if let Some(result) = results.get_mut(index) {
            result.version = Some(version);
        }
    }
    Ok((results, waiting))
}

fn write_of<R: Resource>(importer: &Importer, command: CommandId, plan: Plan<R>) -> RecordWrite<R::Record> {
    let Plan { record, before, paths, references: _, agreed: _ } = plan;
    let call = &importer.call;
    let id = before.as_ref().map_or_else(|| call.new_id(), |before| before.id);
    let verb = if before.is_none() { "create" } else { "update" };
    let note = call.note(verb, name_of::<R>(record.code()), collection::<R>(), paths, &record.audience(id));
    RecordWrite { id, before, record, note: ChangeNote { command, ..note } }
}

fn document(why: &Why) -> Answer<String> {
    serde_json::to_string(why).map_err(|error| Refusal::fault(format!("a refusal has no JSON: {error}")))
}

fn other_content(name: &str, row: i64) -> Refusal {
    Refusal::new(
        Reason::IdempotencyKeyReused,
        format!("the import {name} has done row {row} with other content; other rows need another name"),
        format!("导入 {name} 已按不同内容处理过第 {row} 行；内容不同的数据请另起名称"),
    )
    .with("row", row.to_string())
}
