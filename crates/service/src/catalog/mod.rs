//! Master data: one path for all of it.
//!
//! A resource names its message, its record and the conversion between them ([`Resource`]); creating,
//! reading, listing, changing and retiring are the same for all and stand here once. The traits that tonic
//! generates are met by `master_data!`, one line a method.

mod imports;
mod publish;
mod resources;
mod services;

use std::collections::BTreeMap;

use chrono::NaiveDate;
use prost::Message;
use recourse_domain::access::{Act, Actor, Permit};
use recourse_domain::catalog::{Record, Reference, Stored};
use recourse_domain::ids::{Code, OrgId};
use recourse_domain::query::filter::Expr;
use recourse_domain::query::order::Order;
use recourse_domain::text::Violation;
use recourse_proto::Method;
use recourse_proto::merge::Merge;
use recourse_proto::redact::Redact;
use recourse_proto::v1::error_reason::Code as Reason;
use recourse_proto::validate::{self, Validate};
use recourse_proto::wkt::FieldMask;
use recourse_repository::{StoreError, Tx};
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::context::{Boxed, Call};
use crate::convert::organizations::NewId;
use crate::convert::{self, names};
use crate::error::{Answer, Refusal};
use crate::lists::{self, ListInput, Listed};
use crate::second_person;

pub(crate) use imports::{Reports, import};
pub(crate) use publish::publish_in;
pub(crate) use resources::{
    AdjudicationRuleSetResource, CampaignResource, CampaignVehicleResource, EvidenceRuleResource, ExchangeRateResource,
    GoodwillBudgetResource, LaborOperationResource, PartResource, RescueTariffResource, SettingResource,
    ShareAgreementResource, StationResource, SupplierResource, VehicleResource, WarrantyPolicyResource,
};

/// Records by their codes.
pub(crate) fn by_code<R: Record>(stored: Vec<Stored<R>>) -> BTreeMap<Code, R> {
    stored_by_code(stored).into_iter().map(|(code, stored)| (code, stored.value)).collect()
}

/// Records as they stand in the store, by their codes. A record whose code is no [`Code`], as a vehicle's, has no place
/// here.
pub(crate) fn stored_by_code<R: Record>(stored: Vec<Stored<R>>) -> BTreeMap<Code, Stored<R>> {
    stored.into_iter().filter_map(|stored| Some((Code::parse(stored.value.code()).ok()?, stored))).collect()
}

/// What differs between one kind of master data and another.
pub(crate) trait Resource: 'static {
    /// The message of the contract.
    type Message: Message + Merge + Redact + Validate + Serialize + DeserializeOwned + Clone + Default + Send + Sync;
    /// The record of the domain.
    type Record: Record;

    /// Field of the message in its create and update requests: `station`.
    const SINGULAR: &'static str;
    /// The method that reads one, whose access rule also says who may read the answer of a repeated command.
    const GET: Method;
    /// The act that writing one is.
    const WRITE: Act = Act::WriteMasterData;

    /// The message for a record as it stands in the store.
    fn show(stored: &Stored<Self::Record>) -> Self::Message;

    /// The record for a message. What is wrong with single values is found here, what is wrong with the
    /// whole by the record itself. What only the system writes comes from `before`, never from the message.
    fn read(
        message: Self::Message,
        code: &str,
        before: Option<&Self::Record>,
        ids: NewId<'_>,
    ) -> Result<Self::Record, Vec<Violation>>;

    /// The public name in a message.
    fn name(message: &Self::Message) -> &str;

    /// The etag in a message.
    fn etag(message: &Self::Message) -> &str;

    /// The code in canonical form; vehicles read theirs as a VIN.
    fn code(text: &str) -> Result<String, Violation> {
        Code::parse(text).map(|code| code.to_string()).map_err(|_| convert::bad_code("name"))
    }

    /// The code in a public name.
    fn code_in_name(name: &str) -> Answer<String> {
        let code = names::id_in(name, Self::Record::COLLECTION)?;
        // A name that can't be one is simply not there.
        Self::code(code).map_err(|_| Refusal::not_found(name))
    }

    /// The public name of a code.
    fn name_of_code(code: &str) -> String {
        format!("{}/{code}", Self::Record::COLLECTION)
    }

    /// The organisation whose row it is, for what only the own organisation sees.
    fn owner(stored: &Stored<Self::Record>) -> Option<OrgId> {
        let _ = stored;
        None
    }

    /// Whether the caller may know of a record that their scope reaches. [`Resource::known_where`] says the
    /// same to the store.
    fn is_known_to(actor: &Actor, record: &Self::Record) -> bool {
        let _ = (actor, record);
        true
    }

    /// The condition on lists, where not every record is known to the caller.
    fn known_where(actor: &Actor) -> Option<Expr> {
        let _ = actor;
        None
    }

    /// Refuses to retire what must not go in this way.
    fn refuse_retirement(record: &Self::Record) -> Answer<()> {
        let _ = record;
        Ok(())
    }

    /// Refuses what a value needs a right for, beside the act itself.
    fn authorize(actor: &Actor, record: &Self::Record, before: Option<&Self::Record>) -> Answer<()> {
        let _ = (actor, record, before);
        Ok(())
    }
}

fn collection<R: Resource>() -> &'static str {
    R::Record::COLLECTION
}

fn name_of<R: Resource>(code: &str) -> String {
    R::name_of_code(code)
}

/// Reads the code out of a public name.
pub(crate) fn code_in<R: Resource>(name: &str) -> Answer<String> {
    R::code_in_name(name)
}

/// The message for a record, without what the caller may not see.
pub(crate) fn shown<R: Resource>(call: &Call, stored: &Stored<R::Record>) -> Answer<R::Message> {
    let actor = call.actor()?;
    // A row that is reached through the own organisation only, as a supplier reaches its parts, is one's own.
    let reached_as_own = !call.scope_of(R::GET)?.is_any();
    let own = reached_as_own || R::owner(stored).is_some_and(|owner| actor.orgs.contains(&owner));
    let mut message = R::show(stored);
    message.redact(&call.viewer(own));
    Ok(message)
}

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
        let stored = tx.insert_record(permit, id, record.clone(), note).await.map_err(|error| match error {
            StoreError::AlreadyExists { .. } => Refusal::already_exists(name),
            other => other.into(),
        })?;
        shown::<R>(call, &stored)
    }
}

/// A record as the contract shows it, before it is written: whatever its reader may see.
fn shown_anew<R: Resource>(call: &Call, record: &R::Record, before: Option<&Stored<R::Record>>) -> R::Message {
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

/// A record of a public name as it stands, with its version, whatever its reader may see; none if there is none.
pub(crate) async fn as_it_stands<R: Resource>(
    tx: &mut Tx<'_>,
    call: &Call,
    name: &str,
) -> Answer<Option<(i64, R::Message)>> {
    let stored = tx.record::<R::Record>(call.scope()?, &code_in::<R>(name)?).await?;
    Ok(stored.map(|stored| (stored.version, R::show(&stored))))
}

/// The code that a caller chose.
fn chosen_code<R: Resource>(code: &str) -> Answer<String> {
    let named = |violation| Refusal::invalid(vec![Violation { field: format!("{}_id", R::SINGULAR), ..violation }]);
    R::code(code).map_err(named)
}

/// The public name of a code that a caller chose.
pub(crate) fn chosen_name<R: Resource>(code: &str) -> Answer<String> {
    Ok(name_of::<R>(&chosen_code::<R>(code)?))
}

/// The public name in a message, in its canonical form.
pub(crate) fn canonical_name<R: Resource>(name: &str) -> Answer<String> {
    Ok(name_of::<R>(&code_in::<R>(name)?))
}

/// Reads a record by its public name; a retired one too, for history names it.
pub(crate) async fn get<R: Resource>(call: &Call, name: &str) -> Answer<R::Message> {
    let code = code_in::<R>(name)?;
    let actor = call.actor()?;
    let stored = call
        .inner
        .store
        .record::<R::Record>(&call.scope_of(R::GET)?, &code)
        .await?
        .filter(|stored| R::is_known_to(actor, &stored.value))
        .ok_or_else(|| Refusal::not_found(name))?;
    shown::<R>(call, &stored)
}

/// Lists records.
pub(crate) async fn list<R: Resource>(call: &Call, input: ListInput) -> Answer<Listed<R::Message>> {
    let mut query = lists::query(call, &input, R::Record::FIELDS, Order::by_code())?;
    if let Some(known) = R::known_where(call.actor()?) {
        query.filter = Some(match query.filter.take() {
            Some(asked) => Expr::And(vec![known, asked]),
            None => known,
        });
    }
    let page = call.inner.store.records::<R::Record>(call.scope()?, &query).await?;
    let mut items = Vec::with_capacity(page.items.len());
    for stored in &page.items {
        items.push(shown::<R>(call, stored)?);
    }
    Ok(Listed { items, next_page_token: lists::next_token(call, &input, page.next)? })
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
        let stored = tx.update_record(permit, &stored, record, note).await.map_err(|error| stale(error, name))?;
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
    let stored = tx.retire_record(permit, &stored, note).await.map_err(|error| stale(error, &name))?;
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
    let (code, permit) = (code_in::<R>(name)?, call.permit(verb.act)?);
    let stored = stepped::<R>(tx, call, &permit, (code.as_str(), etag), verb, &step).await?;
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
    tx.update_record(permit, &stored, record, note).await.map_err(|error| stale(error, &name))
}

/// The record of a code for a command: within reach, not retired, and as the caller read it.
pub(crate) async fn present<R: Resource>(
    tx: &mut Tx<'_>,
    call: &Call,
    code: &str,
    etag: &str,
) -> Answer<Stored<R::Record>> {
    let name = name_of::<R>(code);
    let actor = call.actor()?;
    let stored = tx
        .record::<R::Record>(call.scope()?, code)
        .await?
        .filter(|stored| R::is_known_to(actor, &stored.value))
        .ok_or_else(|| Refusal::not_found(&name))?;
    refuse_retired(&stored, &name)?;
    convert::check_etag(etag, stored.version, &name)?;
    Ok(stored)
}

/// A write that came too late, told with the name of what it was for.
pub(crate) fn stale(error: StoreError, name: &str) -> Refusal {
    match error {
        StoreError::Stale => Refusal::stale(name),
        other => other.into(),
    }
}

fn readable<R: Resource>(
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

fn refuse_change<R: Resource>(record: &R::Record, before: &R::Record, today: NaiveDate) -> Answer<()> {
    Refusal::check(
        record.check_change(before, today).into_iter().map(|violation| violation.under(R::SINGULAR)).collect(),
    )
}

/// Refuses names of records that do not exist or are retired. What stood before may stay: a retired part is
/// no reason to refuse a change of something else.
async fn refuse_missing_references<R: Resource>(
    tx: &mut Tx<'_>,
    record: &R::Record,
    before: Option<&R::Record>,
) -> Answer<()> {
    let kept = before.map(Record::references).unwrap_or_default();
    let mut references = record.references();
    references.retain(|new| !kept.iter().any(|old| old.table == new.table && old.code == new.code));
    let violations = missing(tx, &references).await?;
    Refusal::check(violations.into_iter().map(|violation| violation.under(R::SINGULAR)).collect())
}

async fn missing(tx: &mut Tx<'_>, references: &[Reference]) -> Answer<Vec<Violation>> {
    if references.is_empty() {
        return Ok(Vec::new());
    }
    let missing = tx.missing_references(references).await?;
    Ok(missing.into_iter().map(|reference| unknown(reference.field, reference.collection, &reference.code)).collect())
}

/// A record that a field names does not exist.
pub(crate) fn unknown(field: impl Into<String>, collection: &str, code: &str) -> Violation {
    Violation::new(
        field,
        "UNKNOWN_REFERENCE",
        format!("{collection}/{code} does not exist or is retired; create it first"),
        format!("{collection}/{code} 不存在或已停用；请先创建"),
    )
}

fn refuse_retired<T>(stored: &Stored<T>, name: &str) -> Answer<()> {
    if stored.retire_time.is_none() {
        return Ok(());
    }
    Err(Refusal::new(
        Reason::ResourceRetired,
        format!("{name} is retired and can't be changed any more"),
        format!("{name} 已停用，不能再修改"),
    )
    .with("resource", name))
}
