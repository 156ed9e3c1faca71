//! What the rows of a chunk would do: each is held against what stands, against what it names, and against what one
//! person may do alone.

use std::collections::{BTreeMap, BTreeSet};

use recourse_domain::access::Scope;
use recourse_domain::catalog::{Record, Reference, Stored};
use recourse_domain::ids::CommandId;
use recourse_domain::imports::ImportMode;
use recourse_domain::text::Violation;
use recourse_proto::merge::Merge;
use recourse_proto::v1::error_reason::Code as Reason;
use recourse_repository::Tx;

use super::Importer;
use super::proposal::Waiting;
use super::row::{Content, Row, Why};
use crate::catalog::writing::{readable, refuse_change, shown_anew};
use crate::catalog::{Resource, name_of, refuse_retired, unknown};
use crate::convert;
use crate::error::{Answer, Refusal};
use crate::second_person;

/// What is to be done for a row that can be taken.
pub(super) struct Plan<R: Resource> {
    pub record: R::Record,
    pub before: Option<Stored<R::Record>>,
    pub paths: Vec<String>,
    /// Other records that it names anew.
    pub references: Vec<Reference>,
    /// A second person agreed to it.
    pub agreed: Option<Agreed>,
}

/// What a second person agreed to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Agreed {
    /// The command of the confirmation.
    pub command: CommandId,
    /// The version of the resource that it was agreed for; none: there was none.
    pub version: Option<i64>,
}

/// A row that is to be done.
pub(super) struct Task<'r, R: Resource> {
    pub row: &'r Row<R>,
    pub agreed: Option<Agreed>,
}

/// What became of a row, before it is written.
pub(super) enum Planned<R: Resource> {
    Write(Box<Plan<R>>),
    Waits(Box<Plan<R>>, Waiting),
    Unchanged { version: i64 },
    Refused(Why),
}

/// Finds out for each row what it would do: the records that exist are read at once, and so are those that
/// rows name.
pub(super) async fn plan_all<R: Resource>(
    tx: &mut Tx<'_>,
    importer: &Importer,
    scope: &Scope,
    tasks: &[Task<'_, R>],
) -> Answer<Vec<Planned<R>>> {
    let readable = tasks.iter().filter(|task| task.row.content.is_ok());
    let codes = readable.map(|task| task.row.code.as_str()).collect();
    let existing = tx.records_of::<R::Record>(scope, &codes).await?;
    let mut existing: BTreeMap<String, Stored<R::Record>> =
        existing.into_iter().map(|stored| (stored.value.code().to_owned(), stored)).collect();
    let mut planned = Vec::with_capacity(tasks.len());
    for Task { row, agreed } in tasks {
        planned.push(match &row.content {
            Err(why) => Planned::Refused(why.clone()),
            Ok(content) => plan(importer, &row.code, content, existing.remove(&row.code), *agreed)
                .unwrap_or_else(|refusal| Planned::Refused(of_row::<R>(refusal))),
        });
    }
    ask_for_a_second_person(tx, importer, tasks, &mut planned).await?;
    refuse_missing_references(tx, &mut planned).await?;
    Ok(planned)
}

/// What one row would do, if all that it names exists.
fn plan<R: Resource>(
    importer: &Importer,
    code: &str,
    content: &Content<R>,
    before: Option<Stored<R::Record>>,
    agreed: Option<Agreed>,
) -> Answer<Planned<R>> {
    let call = &importer.call;
    let name = name_of::<R>(code);
    if agreed.is_some_and(|agreed| agreed.version != before.as_ref().map(|before| before.version)) {
        return Err(changed_since(&name));
    }
    let Some(before) = before else {
        Refusal::check(content.lacking.clone())?;
        if importer.mode == ImportMode::Upsert && !R::etag(&content.message).is_empty() {
            // Whoever means to change a version has read a resource that is not there any more.
            return Err(Refusal::stale(&name));
        }
        let record = readable::<R>(call, content.message.clone(), code, None)?;
        R::authorize(call.actor()?, &record, None)?;
        let references = record.references();
        return Ok(Planned::Write(Box::new(Plan { record, before: None, paths: Vec::new(), references, agreed })));
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
    Ok(Planned::Write(Box::new(Plan { record, before: Some(before), paths, references, agreed })))
}

/// Lets rows wait that change what one person may not change alone, or refuses them where the import makes no proposal:
/// a row is as good as a command.
async fn ask_for_a_second_person<R: Resource>(
    tx: &mut Tx<'_>,
    importer: &Importer,
    tasks: &[Task<'_, R>],
    planned: &mut [Planned<R>],
) -> Answer<()> {
    let call = &importer.call;
    let Some(asking) = second_person::asking(tx, call).await? else { return Ok(()) };
    for (task, slot) in tasks.iter().zip(planned) {
        let Planned::Write(plan) = slot else { continue };
        if plan.agreed.is_some() {
            continue;
        }
        let before = plan.before.as_ref();
        let after = shown_anew::<R>(call, &plan.record, before);
        let Some((kind, differences)) = asking.guarded(before.map(R::show).as_ref(), Some(&after))? else { continue };
        let waiting = Waiting {
            name: name_of::<R>(&task.row.code),
            hash: task.row.hash.clone(),
            kind,
            is_new: before.is_none(),
            differences,
            moves: R::price_moves(before.map(|before| &before.value), &plan.record),
        };
        let refused = Planned::Refused(of_row::<R>(asking.refusal(kind)));
        *slot = match (std::mem::replace(slot, refused), &importer.proposing) {
            (Planned::Write(plan), Some(_)) => Planned::Waits(plan, waiting),
            (_, Some(_) | None) => Planned::Refused(of_row::<R>(asking.refusal(kind))),
        };
    }
    Ok(())
}

/// Refuses rows that name what does not exist. A row may name what a row before it creates.
async fn refuse_missing_references<R: Resource>(tx: &mut Tx<'_>, planned: &mut [Planned<R>]) -> Answer<()> {
    let named: Vec<Reference> = planned
        .iter()
        .flat_map(|planned| match planned {
            Planned::Write(plan) | Planned::Waits(plan, _) => plan.references.clone(),
            Planned::Unchanged { .. } | Planned::Refused(_) => Vec::new(),
        })
        .collect();
    let missing = if named.is_empty() { Vec::new() } else { tx.missing_references(&named).await? };
    let missing: BTreeSet<(&str, String)> =
        missing.into_iter().map(|reference| (reference.table, reference.code)).collect();
    // What waits will be there for what waits too, and for nothing else.
    let (mut created, mut proposed): (BTreeSet<String>, BTreeSet<String>) = Default::default();
    for planned in planned {
        let (plan, waits) = match planned {
            Planned::Write(plan) => (&*plan, false),
            Planned::Waits(plan, _) => (&*plan, true),
            Planned::Unchanged { .. } | Planned::Refused(_) => continue,
        };
        let is_missing = |reference: &&Reference| {
            let is_there = created.contains(&reference.code) || (waits && proposed.contains(&reference.code));
            let by_an_earlier_row = reference.table == R::Record::TABLE && is_there;
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
            let code = plan.record.code().to_owned();
            if waits {
                proposed.insert(code)
            } else {
                created.insert(code)
            };
        }
    }
    Ok(())
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

fn changed_since(name: &str) -> Refusal {
    Refusal::new(
        Reason::StaleEtag,
        format!("{name} was changed since the row was proposed; send the import again to propose it anew"),
        format!("{name} 在提交申请之后已被修改；请再次发送导入以重新申请"),
    )
    .with("resource", name)
}
