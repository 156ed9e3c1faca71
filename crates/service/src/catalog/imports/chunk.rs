//! A chunk of rows: one command, in a number of statements that does not grow with the rows.

use std::collections::{BTreeMap, BTreeSet};

use recourse_domain::access::Scope;
use recourse_domain::catalog::{Record, Reference, Stored};
use recourse_domain::ids::CommandId;
use recourse_domain::imports::{Again, ImportMode, ImportOutcome, again};
use recourse_domain::text::Violation;
use recourse_proto::merge::Merge;
use recourse_proto::v1::error_reason::Code as Reason;
use recourse_repository::{ChangeNote, ImportRow, RecordWrite, Tx};

use super::row::{Content, Row, Why};
use super::{CHUNK_BYTES, CHUNK_ROWS, Importer};
use crate::catalog::writing::{readable, refuse_change, shown_anew};
use crate::catalog::{Resource, collection, name_of, refuse_retired, unknown};
use crate::convert;
use crate::error::{Answer, Refusal};
use crate::second_person;

/// Rows that are written together; no two of them are about one resource.
pub(super) struct Chunk<R: Resource> {
    first: i64,
    rows: Vec<Row<R>>,
    bytes: usize,
    codes: BTreeSet<String>,
}

/// What is to be done for a row that can be taken.
struct Plan<R: Resource> {
    record: R::Record,
    before: Option<Stored<R::Record>>,
    paths: Vec<String>,
    /// Other records that it names anew.
    references: Vec<Reference>,
}

/// What became of a row, before it is written.
enum Planned<R: Resource> {
    Write(Box<Plan<R>>),
    Unchanged { version: i64 },
    Refused(Why),
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

    /// Writes the rows and what became of them, in one transaction; answers the outcomes, and which of them
    /// an earlier call had done.
    pub(super) async fn write(&self, importer: &Importer) -> Answer<Vec<(ImportOutcome, bool)>> {
        let scope = &importer.call.everything()?;
        importer.call.inner.store.run(|tx| Box::pin(self.write_in(tx, importer, scope))).await
    }

    async fn write_in(
        &self,
        tx: &mut Tx<'_>,
        importer: &Importer,
        scope: &Scope,
    ) -> Answer<Vec<(ImportOutcome, bool)>> {
        let job = &importer.job;
        tx.hold_import(job.id, importer.call.now).await?;
        let before = tx.import_rows(job.id, self.first, self.next() - 1).await?;
        let before: BTreeMap<i64, ImportRow> = before.into_iter().map(|row| (row.number, row)).collect();
        let mut outcomes = Vec::with_capacity(self.rows.len());
        let mut to_do = Vec::with_capacity(self.rows.len());
        for row in &self.rows {
            let known =
                before.get(&row.number).map(|known| (known.outcome, again(known.outcome, known.hash == row.hash)));
            match known {
                Some((outcome, Again::Stands)) => outcomes.push((outcome, true)),
                Some((_, Again::Differs)) => return Err(other_content(&importer.name, row.number)),
                Some((_, Again::TriedAnew)) | None => to_do.push(row),
            }
        }
        if to_do.is_empty() {
            return Ok(outcomes);
        }
        let planned = plan_all(tx, importer, scope, &to_do).await?;
        let command = CommandId(importer.call.new_id());
        let results = write_all(tx, importer, command, &to_do, planned).await?;
        outcomes.extend(results.iter().map(|result| (result.outcome, false)));
        tx.write_import_rows(job.id, results).await?;
        Ok(outcomes)
    }
}

/// Finds out for each row what it would do: the records that exist are read at once, and so are those that
/// rows name.
async fn plan_all<R: Resource>(
    tx: &mut Tx<'_>,
    importer: &Importer,
    scope: &Scope,
    rows: &[&Row<R>],
) -> Answer<Vec<Planned<R>>> {
    let codes = rows.iter().filter(|row| row.content.is_ok()).map(|row| row.code.as_str()).collect();
    let existing = tx.records_of::<R::Record>(scope, &codes).await?;
    let mut existing: BTreeMap<String, Stored<R::Record>> =
        existing.into_iter().map(|stored| (stored.value.code().to_owned(), stored)).collect();
    let mut planned = Vec::with_capacity(rows.len());
    for row in rows {
        planned.push(match &row.content {
            Err(why) => Planned::Refused(why.clone()),
            Ok(content) => plan(importer, &row.code, content, existing.remove(&row.code))
                .unwrap_or_else(|refusal| Planned::Refused(of_row::<R>(refusal))),
        });
    }
    refuse_what_needs_a_second_person(tx, importer, &mut planned).await?;
    refuse_missing_references(tx, &mut planned).await?;
    Ok(planned)
}

/// What one row would do, if all that it names exists.
fn plan<R: Resource>(
    importer: &Importer,
    code: &str,
    content: &Content<R>,
    before: Option<Stored<R::Record>>,
) -> Answer<Planned<R>> {
    let call = &importer.call;
    let name = name_of::<R>(code);
    let Some(before) = before else {
        Refusal::check(content.lacking.clone())?;
        if importer.mode == ImportMode::Upsert && !R::etag(&content.message).is_empty() {
            // Whoever means to change a version has read a resource that is not there any more.
            return Err(Refusal::stale(&name));
        }
        let record = readable::<R>(call, content.message.clone(), code, None)?;
        R::authorize(call.actor()?, &record, None)?;
        let references = record.references();
        return Ok(Planned::Write(Box::new(Plan { record, before: None, paths: Vec::new(), references })));
    };
    match importer.mode {
        ImportMode::CreateOnly => return Err(Refusal::already_exists(&name)),
        ImportMode::Upsert => {}
    }
    refuse_retired(&before, &name)?;
    convert::check_etag(R::etag(&content.message), before.version, &name)?;
    let paths = content.message.populated();
    let mut merged = R::show(&before);
    Merge::merge(&mut merged, &content.message, &paths).map_err(|error| convert::mask_refusal(&error))?;
    let record = readable::<R>(call, merged, code, Some(&before.value))?;
    refuse_change::<R>(&record, &before.value, call.today())?;
    if record == before.value {
        return Ok(Planned::Unchanged { version: before.version });
    }
    R::authorize(call.actor()?, &record, Some(&before.value))?;
    let kept = before.value.references();
    let mut references = record.references();
    references.retain(|new| !kept.iter().any(|old| old.table == new.table && old.code == new.code));
    Ok(Planned::Write(Box::new(Plan { record, before: Some(before), paths, references })))
}

/// Refuses rows that change what one person may not change alone: an import has one, and a row is as good as a command.
async fn refuse_what_needs_a_second_person<R: Resource>(
    tx: &mut Tx<'_>,
    importer: &Importer,
    planned: &mut [Planned<R>],
) -> Answer<()> {
    let call = &importer.call;
    let Some(asking) = second_person::asking(tx, call).await? else { return Ok(()) };
    for planned in planned {
        let Planned::Write(plan) = planned else { continue };
        let before = plan.before.as_ref();
        let after = shown_anew::<R>(call, &plan.record, before);
        if let Some(refusal) = asking.refusal(before.map(R::show).as_ref(), Some(&after))? {
            *planned = Planned::Refused(of_row::<R>(refusal));
        }
    }
    Ok(())
}

/// Refuses rows that name what does not exist. A row may name what a row before it creates.
async fn refuse_missing_references<R: Resource>(tx: &mut Tx<'_>, planned: &mut [Planned<R>]) -> Answer<()> {
    let named: Vec<Reference> = planned
        .iter()
        .flat_map(|planned| match planned {
            Planned::Write(plan) => plan.references.clone(),
            Planned::Unchanged { .. } | Planned::Refused(_) => Vec::new(),
        })
        .collect();
    let missing = if named.is_empty() { Vec::new() } else { tx.missing_references(&named).await? };
    let missing: BTreeSet<(&str, String)> =
        missing.into_iter().map(|reference| (reference.table, reference.code)).collect();
    let mut created: BTreeSet<String> = BTreeSet::new();
    for planned in planned {
        let Planned::Write(plan) = planned else { continue };
        let is_missing = |reference: &&Reference| {
            let by_an_earlier_row = reference.table == R::Record::TABLE && created.contains(&reference.code);
            missing.contains(&(reference.table, reference.code.clone())) && !by_an_earlier_row
        };
        let violations: Vec<Violation> = plan
            .references
            .iter()
            .filter(is_missing)
            .map(|reference| unknown(reference.field.clone(), reference.collection, &reference.code))
            .collect();
        if !violations.is_empty() {
            *planned = Planned::Refused(Why::of(Refusal::invalid(violations)));
        } else if plan.before.is_none() {
            created.insert(plan.record.code().to_owned());
        }
    }
    Ok(())
}

/// Writes what is to be written, and answers what became of each row.
async fn write_all<R: Resource>(
    tx: &mut Tx<'_>,
    importer: &Importer,
    command: CommandId,
    rows: &[&Row<R>],
    planned: Vec<Planned<R>>,
) -> Answer<Vec<ImportRow>> {
    let (mut results, mut writes, mut written) = (Vec::with_capacity(rows.len()), Vec::new(), Vec::new());
    for (row, planned) in rows.iter().zip(planned) {
        let (outcome, version, detail) = match planned {
            Planned::Write(plan) => {
                let outcome = if plan.before.is_none() { ImportOutcome::Created } else { ImportOutcome::Updated };
                written.push(results.len());
                writes.push(write_of::<R>(importer, command, *plan));
                (outcome, None, None)
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
    Ok(results)
}

fn write_of<R: Resource>(importer: &Importer, command: CommandId, plan: Plan<R>) -> RecordWrite<R::Record> {
    let Plan { record, before, paths, references: _ } = plan;
    let call = &importer.call;
    let id = before.as_ref().map_or_else(|| call.new_id(), |before| before.id);
    let verb = if before.is_none() { "create" } else { "update" };
    let note = call.note(verb, name_of::<R>(record.code()), collection::<R>(), paths, &record.audience(id));
    RecordWrite { id, before, record, note: ChangeNote { command, ..note } }
}

fn document(why: &Why) -> Answer<String> {
    serde_json::to_string(why).map_err(|error| Refusal::fault(format!("a refusal has no JSON: {error}")))
}

/// A refusal with paths that begin at the row.
fn of_row<R: Resource>(mut refusal: Refusal) -> Why {
    let parent = format!("{}.", R::SINGULAR);
    for violation in &mut refusal.violations {
        if let Some(field) = violation.field.strip_prefix(&parent) {
            violation.field = field.to_owned();
        }
    }
    if refusal.reason == Reason::InvalidFields {
        let violations = std::mem::take(&mut refusal.violations);
        refusal = Refusal::invalid(violations);
    }
    Why::of(refusal)
}

fn other_content(name: &str, row: i64) -> Refusal {
    Refusal::new(
        Reason::IdempotencyKeyReused,
        format!("the import {name} has done row {row} with other content; other rows need another name"),
        format!("导入 {name} 已按不同内容处理过第 {row} 行；内容不同的数据请另起名称"),
    )
    .with("row", row.to_string())
}
