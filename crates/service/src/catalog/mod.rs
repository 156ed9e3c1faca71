//! Master data: one path for all of it.
//!
//! A resource names its message, its record and the conversion between them ([`Resource`]); creating,
//! reading, listing, changing and retiring are the same for all and stand here once. The traits that tonic
//! generates are met by `master_data!`, one line a method.

mod imports;
mod publish;
mod references;
mod resources;
mod services;
mod writing;

use std::collections::BTreeMap;

use prost::Message;
use recourse_domain::access::{Act, Actor};
use recourse_domain::catalog::{PriceMove, Record, Stored};
use recourse_domain::ids::{Code, OrgId};
use recourse_domain::query::filter::Expr;
use recourse_domain::query::order::Order;
use recourse_domain::text::Violation;
use recourse_proto::Method;
use recourse_proto::merge::Merge;
use recourse_proto::redact::Redact;
use recourse_proto::v1::error_reason::Code as Reason;
use recourse_proto::validate::Validate;
use recourse_repository::Tx;
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::context::Call;
use crate::convert::organizations::NewId;
use crate::convert::{self, names};
use crate::error::{Answer, Refusal};
use crate::lists::{self, ListInput, Listed};

pub(crate) use imports::{Reports, import};
pub(crate) use publish::publish_in;
pub(crate) use references::unknown;
pub(crate) use resources::{
    AdjudicationRuleSetResource, CampaignResource, CampaignVehicleResource, EvidenceRuleResource, ExchangeRateResource,
    GoodwillBudgetResource, LaborOperationResource, PartResource, PartSupplyResource, RescueTariffResource,
    SettingResource, ShareAgreementResource, StationResource, SupplierResource, VehicleResource,
    WarrantyPolicyResource,
};

pub(crate) use writing::{
    Verb, create, create_in, retire, retire_in, step, step_and, step_and_in, step_in, update, update_in,
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

    /// What a change means in prices, for who is to agree to it.
    fn price_moves(before: Option<&Self::Record>, after: &Self::Record) -> Vec<PriceMove> {
        let _ = (before, after);
        Vec::new()
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
        query.narrow(known);
    }
    let page = call.inner.store.records::<R::Record>(call.scope()?, &query).await?;
    let mut items = Vec::with_capacity(page.items.len());
    for stored in &page.items {
        items.push(shown::<R>(call, stored)?);
    }
    Ok(Listed { items, next_page_token: lists::next_token(call, &input, page.next)? })
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
