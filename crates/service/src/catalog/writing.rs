//! Master data is created, changed, led through its life and retired: each as a command of its own, or (`…_in`) as a part
//! of another.

use chrono::NaiveDate;
use recourse_domain::access::{Act, Permit};
use recourse_domain::catalog::{Record, Reference, Stored};
use recourse_proto::merge::Merge;
use recourse_proto::validate;
use recourse_proto::wkt::FieldMask;
use recourse_repository::Tx;

use super::references::{missing, refuse_missing_references};
use super::{Resource, chosen_code, code_in, collection, get, name_of, present, shown};
use crate::context::{Boxed, Call};
use crate::convert;
use crate::error::{Answer, Refusal};
use crate::second_person;

/// Creates a record under a code of the caller's choice.
pub(crate) async fn create<R: Resource>(
    call: &Call,
    message: Option<R::Message>,
    code: &str,
    validate_only: bool,
) -> Answer<R::Message> {
    let creation = &Creation::<R>::read(call, message, code)?;
    call.run(
        validate_only,
        |tx| Box::pin(async move { Ok((creation.name.clone(), creation.write(tx, call).await?)) }),
        |name| Box::pin(async move { get::<R>(call, &name).await }),
    )
    .await
}

/// Creates a record as a part of another command.
pub(crate) async fn create_in<R: Resource>(
    tx: &mut Tx<'_>,
    call: &Call,
    message: Option<R::Message>,
    code: &str,
) -> Answer<R::Message> {
    Creation::<R>::read(call, message, code)?.write(tx, call).await
}

/// A record that is to be created.
struct Creation<R: Resource> {
    name: String,
    record: R::Record,
    permit: Permit,
}

impl<R: Resource> Creation<R> {
    /// Reads what is to be created, and checks what can be without the store.
    fn read(call: &Call, message: Option<R::Message>, code: &str) -> Answer<Self> {
        let code = chosen_code::<R>(code)?;
        let record = readable::<R>(call, message.unwrap_or_default(), &code, None)?;
        let permit = call.permit(R::WRITE)?;
        R::authorize(call.actor()?, &record, None)?;
        Ok(Self { name: name_of::<R>(&code), record, permit })
    }

    async fn write(&self, tx: &mut Tx<'_>, call: &Call) -> Answer<R::Message> {
        let Self { name, record, permit } = self;
        second_person::ask(tx, call, || (None, Some(shown_anew::<R>(call, record, None)))).await?;
        refuse_missing_references::<R>(tx, record, None).await?;
        let id = call.new_id();
        let note = call.note("create", name.clone(), collection::<R>(), Vec::new(), &record.audience(id));
        let stored = tx
            .insert_record(permit, id, record.clone(), note)
            .await
            .map_err(|error| Refusal::unless_taken(error, name))?;
        shown::<R>(call, &stored)
    }
}

/// A record as the contract shows it, before it is written: whatever its reader may see.
pub(super) fn shown_anew<R: Resource>(
    call: &Call,
    record: &R::Record,
    before: Option<&Stored<R::Record>>,
) -> R::Message {
    R::show(&Stored {
        id: before.map(|before| before.id).unwrap_or_default(),
        version: before.map(|before| before.version).unwrap_or_default(),
        create_time: before.map_or(call.now, |before| before.create_time),
        update_time: before.map_or(call.now, |before| before.update_time),
        retire_time: before.and_then(|before| before.retire_time),
        head_hash: Vec::new(),
        value: record.clone(),
    })
}

/// A record before a change and afterwards, as the contract shows it.
fn before_and_after<R: Resource>(
    call: &Call,
    before: &Stored<R::Record>,
    after: &R::Record,
) -> (Option<R::Message>, Option<R::Message>) {
    (Some(R::show(before)), Some(shown_anew::<R>(call, after, Some(before))))
}

/// Changes the fields that the mask names.
pub(crate) async fn update<R: Resource>(
    call: &Call,
    message: Option<R::Message>,
    mask: Option<FieldMask>,
    validate_only: bool,
) -> Answer<R::Message> {
    let update = &Update::<R>::read(call, message, mask)?;
    call.run(
        validate_only,
        |tx| Box::pin(async move { Ok((update.name.clone(), update.write(tx, call).await?)) }),
        |name| Box::pin(async move { get::<R>(call, &name).await }),
    )
    .await
}

/// Changes the fields that the mask names, as a part of another command.
pub(crate) async fn update_in<R: Resource>(
    tx: &mut Tx<'_>,
    call: &Call,
    message: Option<R::Message>,
    mask: Option<FieldMask>,
) -> Answer<R::Message> {
    Update::<R>::read(call, message, mask)?.write(tx, call).await
}

/// A change of a record.
struct Update<R: Resource> {
    code: String,
    name: String,
    message: R::Message,
    paths: Vec<String>,
    permit: Permit,
}

impl<R: Resource> Update<R> {
    fn read(call: &Call, message: Option<R::Message>, mask: Option<FieldMask>) -> Answer<Self> {
        let message = message.unwrap_or_default();
        let code = code_in::<R>(R::name(&message))?;
        let paths =
            mask.map(|mask| mask.paths).filter(|paths| !paths.is_empty()).unwrap_or_else(|| message.populated());
        Ok(Self { name: name_of::<R>(&code), code, message, paths, permit: call.permit(R::WRITE)? })
    }

    async fn write(&self, tx: &mut Tx<'_>, call: &Call) -> Answer<R::Message> {
        let Self { code, name, message, paths, permit } = self;
        let stored = present::<R>(tx, call, code, R::etag(message)).await?;
        let mut merged = R::show(&stored);
        Merge::merge(&mut merged, message, paths).map_err(|error| convert::mask_refusal(&error))?;
        refuse_broken_limits::<R>(&merged, paths)?;
        let record = readable::<R>(call, merged, code, Some(&stored.value))?;
        refuse_change::<R>(&record, &stored.value, call.today())?;
        if record == stored.value {
            return shown::<R>(call, &stored);
        }
        R::authorize(call.actor()?, &record, Some(&stored.value))?;
        second_person::ask(tx, call, || before_and_after::<R>(call, &stored, &record)).await?;
        refuse_missing_references::<R>(tx, &record, Some(&stored.value)).await?;
        let audience = record.audience(stored.id);
        let note = call.note("update", name.clone(), collection::<R>(), paths.clone(), &audience);
        let stored = tx
            .update_record(permit, &stored, record, note)
            .await
            .map_err(|error| Refusal::unless_stale(error, name))?;
        shown::<R>(call, &stored)
    }
}

/// Retires a record: it stays for what names it, and its code is never given to something else.
pub(crate) async fn retire<R: Resource>(call: &Call, name: &str, etag: &str) -> Answer<R::Message> {
    let code = code_in::<R>(name)?;
    let permit = call.permit(R::WRITE)?;
    let (code, permit) = (code.as_str(), &permit);
    call.run(
        false,
        |tx| Box::pin(async move { Ok((name_of::<R>(code), retired::<R>(tx, call, permit, code, etag).await?)) }),
        |name| Box::pin(async move { get::<R>(call, &name).await }),
    )
    .await
}

/// Retires a record as a part of another command.
pub(crate) async fn retire_in<R: Resource>(tx: &mut Tx<'_>, call: &Call, name: &str, etag: &str) -> Answer<R::Message> {
    retired::<R>(tx, call, &call.permit(R::WRITE)?, &code_in::<R>(name)?, etag).await
}

async fn retired<R: Resource>(
    tx: &mut Tx<'_>,
    call: &Call,
    permit: &Permit,
    code: &str,
    etag: &str,
) -> Answer<R::Message> {
    let stored = present::<R>(tx, call, code, etag).await?;
    R::refuse_retirement(&stored.value)?;
    second_person::ask(tx, call, || (Some(R::show(&stored)), None)).await?;
    let name = name_of::<R>(code);
    let audience = stored.value.audience(stored.id);
    let note = call.note("retire", name.clone(), collection::<R>(), vec!["active".to_owned()], &audience);
    let stored = tx.retire_record(permit, &stored, note).await.map_err(|error| Refusal::unless_stale(error, &name))?;
    shown::<R>(call, &stored)
}

/// What a verb of a resource does, beside its step.
pub(crate) struct Verb {
    /// Its word in change rows: `recordSale`.
    pub word: &'static str,
    /// The fields that it changes.
    pub paths: &'static [&'static str],
    /// The act that it is.
    pub act: Act,
    /// Other records that its input names.
    pub references: Vec<Reference>,
}

/// Does one step of a record's life, as a verb of its own: publishes, sells, returns.
pub(crate) async fn step<R: Resource>(
    call: &Call,
    name: &str,
    etag: &str,
    verb: Verb,
    step: impl Fn(R::Record) -> Answer<R::Record> + Send + Sync,
) -> Answer<R::Message> {
    step_and::<R>(call, name, etag, verb, step, |_, _, _, _| Box::pin(async { Ok(()) })).await
}

/// What follows from a step in the same transaction: with the permit of the step, over the record as it stands.
pub(crate) type Then<R> =
    for<'t, 'a> fn(&'t mut Tx<'a>, &'t Call, &'t Permit, &'t Stored<<R as Resource>::Record>) -> Boxed<'t, Answer<()>>;

/// Does one step of a record's life, and what follows from it.
pub(crate) async fn step_and<R: Resource>(
    call: &Call,
    name: &str,
    etag: &str,
    verb: Verb,
    step: impl Fn(R::Record) -> Answer<R::Record> + Send + Sync,
    then: Then<R>,
) -> Answer<R::Message> {
    let code = code_in::<R>(name)?;
    let permit = call.permit(verb.act)?;
    let (code, permit, verb, step) = (code.as_str(), &permit, &verb, &step);
    call.run(
        false,
        |tx| {
            Box::pin(async move {
                let stored = stepped::<R>(tx, call, permit, (code, etag), verb, step).await?;
                then(tx, call, permit, &stored).await?;
                Ok((name_of::<R>(code), shown::<R>(call, &stored)?))
            })
        },
        |name| Box::pin(async move { get::<R>(call, &name).await }),
    )
    .await
}

/// Does one step of a record's life as a part of another command.
pub(crate) async fn step_in<R: Resource>(
    tx: &mut Tx<'_>,
    call: &Call,
    name: &str,
    etag: &str,
    verb: &Verb,
    step: impl Fn(R::Record) -> Answer<R::Record> + Send + Sync,
) -> Answer<R::Message> {
    step_and_in::<R>(tx, call, name, etag, verb, step, |_, _, _, _| Box::pin(async { Ok(()) })).await
}

/// Does one step of a record's life, and what follows from it, as a part of another command.
pub(crate) async fn step_and_in<R: Resource>(
    tx: &mut Tx<'_>,
    call: &Call,
    name: &str,
    etag: &str,
    verb: &Verb,
    step: impl Fn(R::Record) -> Answer<R::Record> + Send + Sync,
    then: Then<R>,
) -> Answer<R::Message> {
    let (code, permit) = (code_in::<R>(name)?, call.permit(verb.act)?);
    let stored = stepped::<R>(tx, call, &permit, (code.as_str(), etag), verb, &step).await?;
    then(tx, call, &permit, &stored).await?;
    shown::<R>(call, &stored)
}

async fn stepped<R: Resource>(
    tx: &mut Tx<'_>,
    call: &Call,
    permit: &Permit,
    (code, etag): (&str, &str),
    verb: &Verb,
    step: &(impl Fn(R::Record) -> Answer<R::Record> + Send + Sync),
) -> Answer<Stored<R::Record>> {
    let stored = present::<R>(tx, call, code, etag).await?;
    let record = step(stored.value.clone())?;
    second_person::ask(tx, call, || before_and_after::<R>(call, &stored, &record)).await?;
    Refusal::check(missing(tx, &verb.references).await?)?;
    let name = name_of::<R>(code);
    let paths = verb.paths.iter().map(|path| (*path).to_owned()).collect();
    let audience = record.audience(stored.id);
    let note = call.note(verb.word, name.clone(), collection::<R>(), paths, &audience);
    tx.update_record(permit, &stored, record, note).await.map_err(|error| Refusal::unless_stale(error, &name))
}

pub(super) fn readable<R: Resource>(
    call: &Call,
    message: R::Message,
    code: &str,
    before: Option<&R::Record>,
) -> Answer<R::Record> {
    let violations = match R::read(message, code, before, &|| call.new_id()) {
        Ok(record) => {
            let violations = record.check();
            if violations.is_empty() {
                return Ok(record);
            }
            violations
        }
        Err(violations) => violations,
    };
    Err(Refusal::invalid(violations.into_iter().map(|violation| violation.under(R::SINGULAR)).collect()))
}

/// Refuses an update that leaves a field outside the contract's limits. The request alone can't tell: a zero
/// in it may mean that the field was not given. Fields that the update does not write are as they were.
fn refuse_broken_limits<R: Resource>(merged: &R::Message, paths: &[String]) -> Answer<()> {
    let top = |path: &str| path.split(['.', '[']).next().unwrap_or_default().to_owned();
    let written = |field: &str| paths.iter().any(|path| path == "*" || top(path) == top(field));
    let broken = validate::violations(merged).into_iter().filter(|violation| written(&violation.field)).collect();
    Refusal::check(convert::violations(broken).into_iter().map(|found| found.under(R::SINGULAR)).collect())
}

pub(super) fn refuse_change<R: Resource>(record: &R::Record, before: &R::Record, today: NaiveDate) -> Answer<()> {
    Refusal::check(
        record.check_change(before, today).into_iter().map(|violation| violation.under(R::SINGULAR)).collect(),
    )
}
