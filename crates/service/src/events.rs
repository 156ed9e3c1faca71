//! What happened: the trail of one resource, and the feed of everything that a caller may see.

use std::borrow::Cow;
use std::collections::BTreeSet;
use std::pin::Pin;
use std::time::Duration;

use recourse_domain::access::{self, Author};
use recourse_domain::change::Change;
use recourse_domain::ids::{OrgId, UserId};
use recourse_domain::query::page::{Key, Keys};
use recourse_proto::redact::Redact;
use recourse_proto::v1::error_reason::Code as Reason;
use recourse_proto::v1::event_service_server::EventService;
use recourse_proto::{Method, v1};
use recourse_repository::FeedItem;
use tokio::time::Instant;
use tokio_stream::Stream;
use tonic::{Request, Response, Status};

use crate::admission::rule_of;
use crate::api::Api;
use crate::context::{Boxed, Call};
use crate::convert::names::author;
use crate::convert::{etag, timestamp};
use crate::denials;
use crate::error::{Answer, Refusal};
use crate::lists::{self, ListInput};
use crate::sight;

/// How often a watching stream looks for something new.
const LOOK: Duration = Duration::from_millis(250);
/// After so long without an item a stream says that it is still there, where its readers know such a thing.
const SILENCE: Duration = Duration::from_secs(15);

/// The collections of the feed, and the method by which each is read: who may call that sees its changes.
const COLLECTIONS: [(&str, Method); 30] = [
    ("claims", Method::ClaimServiceGetClaim),
    ("claimNotes", Method::ClaimNoteServiceGetClaimNote),
    ("goodwillBudgets", Method::GoodwillBudgetServiceGetGoodwillBudget),
    ("authorizations", Method::AuthorizationServiceGetAuthorization),
    ("serviceEntitlements", Method::ServiceEntitlementServiceGetServiceEntitlement),
    ("rescueTariffs", Method::RescueTariffServiceGetRescueTariff),
    ("attachments", Method::AttachmentServiceGetAttachment),
    ("stations", Method::StationServiceGetStation),
    ("suppliers", Method::SupplierServiceGetSupplier),
    ("appraisers", Method::AppraiserServiceGetAppraiser),
    ("parts", Method::PartServiceGetPart),
    ("laborOperations", Method::LaborOperationServiceGetLaborOperation),
    ("failureCodes", Method::FailureCodeServiceGetFailureCode),
    ("evidenceRules", Method::EvidenceRuleServiceGetEvidenceRule),
    ("warrantyPolicies", Method::WarrantyPolicyServiceGetWarrantyPolicy),
    ("partSupplies", Method::PartSupplyServiceGetPartSupply),
    ("shareAgreements", Method::ShareAgreementServiceGetShareAgreement),
    ("appraisals", Method::AppraisalServiceGetAppraisal),
    ("recoveryClaims", Method::RecoveryServiceGetRecoveryClaim),
    ("settings", Method::SettingServiceGetSetting),
    ("vehicles", Method::VehicleServiceGetVehicle),
    ("adjudicationRuleSets", Method::AdjudicationRuleSetServiceGetAdjudicationRuleSet),
    ("reviewQueues", Method::ReviewQueueServiceGetReviewQueue),
    ("exchangeRates", Method::ExchangeRateServiceGetExchangeRate),
    ("campaigns", Method::CampaignServiceGetCampaign),
    ("campaignVehicles", Method::CampaignServiceGetCampaignVehicle),
    ("corrections", Method::CorrectionServiceGetCorrection),
    ("changeProposals", Method::ChangeProposalServiceGetChangeProposal),
    ("users", Method::UserServiceGetUser),
    ("apiClients", Method::ApiClientServiceGetApiClient),
];

#[tonic::async_trait]
impl EventService for Api {
    async fn list_events(
        &self,
        request: Request<v1::ListEventsRequest>,
    ) -> Result<Response<v1::ListEventsResponse>, Status> {
        let (call, request) = Call::read(&self.inner, Method::EventServiceListEvents, request)?;
        call.answer(trail(&call, request).await)
    }

    async fn list_changes(
        &self,
        request: Request<v1::ListChangesRequest>,
    ) -> Result<Response<v1::ListChangesResponse>, Status> {
        let (call, request) = Call::read(&self.inner, Method::EventServiceListChanges, request)?;
        call.answer(changes(&call, request).await)
    }

    async fn list_denials(
        &self,
        request: Request<v1::ListDenialsRequest>,
    ) -> Result<Response<v1::ListDenialsResponse>, Status> {
        let (call, request) = Call::read(&self.inner, Method::EventServiceListDenials, request)?;
        call.answer(denials::list(&call, request).await)
    }

    type WatchEventsStream = Told<v1::ChangeItem>;

    async fn watch_events(
        &self,
        request: Request<v1::WatchEventsRequest>,
    ) -> Result<Response<Self::WatchEventsStream>, Status> {
        let (call, request) = Call::read(&self.inner, Method::EventServiceWatchEvents, request)?;
        let lang = call.lang;
        let stream = match begin(&call, &request.cursor, &request.types).await {
            Ok(reading) => stream(call, reading, Changes),
            Err(refusal) => Err(refusal),
        };
        Ok(Response::new(stream.map_err(|refusal| refusal.status(lang))?))
    }
}

/// The trail of one resource. Reading the resource is what it takes: a resource out of reach has no events.
async fn trail(call: &Call, request: v1::ListEventsRequest) -> Answer<v1::ListEventsResponse> {
    let name = request.resource.as_str();
    let not_found = || Refusal::not_found(name);
    let (collection, id) = place_of(name).ok_or_else(not_found)?;
    let id = id.as_ref();
    let (_, method) = COLLECTIONS.iter().find(|(known, _)| *known == collection).ok_or_else(not_found)?;
    let scope = access::authorize(call.actor()?, &rule_of(*method)).map_err(|_| not_found())?;
    let found = call.inner.store.resource_key(&scope, collection, id).await?;
    let resource_id = found.ok_or_else(not_found)?;
    let input = ListInput {
        page_size: request.page_size,
        page_token: request.page_token,
        within: request.resource.clone(),
        ..ListInput::default()
    };
    let query = lists::query(call, &input, &[], recourse_domain::query::order::Order::by_number())?;
    let after = match &query.after {
        Some(Keys { value: Key::Number(version), .. }) => *version,
        Some(_) | None => 0,
    };
    let changes = call.inner.store.events(resource_id, after, query.page_size.saturating_add(1)).await?;
    let size = usize::try_from(query.page_size).unwrap_or(usize::MAX);
    let next = changes
        .get(size.saturating_sub(1))
        .filter(|_| changes.len() > size)
        .map(|last| Keys { value: Key::Number(last.version), id: resource_id });
    let shown = || changes.iter().take(size);
    let clients = call.inner.store.clients_among(&shown().map(|change| change.actor).collect()).await?;
    let events = shown().map(|change| event(call, change, &clients)).collect::<Answer<_>>()?;
    Ok(v1::ListEventsResponse { events, next_page_token: lists::next_token(call, &input, next)? })
}

/// The collection of a resource and its id in it. A note is a child of its claim by name, and a resource of its own.
fn place_of(name: &str) -> Option<(&str, Cow<'_, str>)> {
    match name.split('/').collect::<Vec<_>>().as_slice() {
        ["claims", _, "notes", note] => Some(("claimNotes", Cow::Borrowed(*note))),
        ["campaigns", campaign, "vehicles", vin] => Some(("campaignVehicles", Cow::Owned(format!("{campaign}/{vin}")))),
        [..] => name.split_once('/').map(|(collection, id)| (collection, Cow::Borrowed(id))),
    }
}

fn event(call: &Call, change: &Change, clients: &BTreeSet<UserId>) -> Answer<v1::Event> {
    let actor = match &change.job {
        Some(job) => format!("jobs/{job}"),
        None => author(Author { id: change.actor, is_client: clients.contains(&change.actor) }),
    };
    let mut event = v1::Event {
        event_id: change.id.to_string(),
        command_id: change.command.to_string(),
        resource: change.resource.clone(),
        verb: change.verb.clone(),
        changed_paths: paths_for(call, change)?,
        etag: etag(change.version),
        event_time: timestamp(change.time),
        actor,
    };
    // Who acted is told to the manufacturer, and to the organisation that the person acted for.
    event.redact(&call.viewer(call.actor()?.orgs.contains(&change.actor_org)));
    Ok(event)
}

/// The changed paths of which the reader may hear. Whose row it is does not stand in a change row; its audience does,
/// and nobody else hears of it, so the roles decide alone.
pub(crate) fn paths_for(call: &Call, change: &Change) -> Answer<Vec<String>> {
    let known = COLLECTIONS.iter().find(|(name, _)| *name == change.collection);
    let (_, method) = known.ok_or_else(|| Refusal::fault(format!("collection {} is unknown", change.collection)))?;
    Ok(sight::told(&call.viewer(true), method.spec().output, &change.paths))
}

/// Who reads the feed, and what of it.
pub(crate) struct Reading {
    /// The organisations whose changes are read.
    pub orgs: BTreeSet<OrgId>,
    collections: Vec<String>,
    position: i64,
}

/// What a stream tells of the changes that it finds.
pub(crate) trait Teller: Send + Sync + 'static {
    /// One thing that is told.
    type Item: Send + 'static;
    /// Changes that are read at once.
    const AT_ONCE: u32;
    /// Items that may wait for a slow reader.
    const WAITING: usize;

    /// What is told of some changes.
    fn tell<'t>(&'t self, call: &'t Call, changes: &'t [FeedItem]) -> Boxed<'t, Answer<Vec<Self::Item>>>;

    /// What is told when nothing was for a while, if anything is. The cursor is where the stream stands.
    fn still_here(&self, cursor: String) -> Option<Self::Item>;
}

/// Tells of each change that it happened; the values come by reading the resource.
struct Changes;

impl Teller for Changes {
    type Item = v1::ChangeItem;
    const AT_ONCE: u32 = 200;
    const WAITING: usize = 64;

    fn tell<'t>(&'t self, call: &'t Call, changes: &'t [FeedItem]) -> Boxed<'t, Answer<Vec<v1::ChangeItem>>> {
        Box::pin(async move { changes.iter().map(|change| item(call, change)).collect() })
    }

    fn still_here(&self, _: String) -> Option<v1::ChangeItem> {
        // Its readers know no heartbeat; what carries the stream keeps it alive.
        None
    }
}

fn reading(call: &Call, types: &[String]) -> Answer<(BTreeSet<OrgId>, Vec<String>)> {
    if let Some((index, asked)) =
        types.iter().enumerate().find(|(_, asked)| !COLLECTIONS.iter().any(|(name, _)| name == asked))
    {
        let known: Vec<&str> = COLLECTIONS.iter().map(|(name, _)| *name).collect();
        return Err(Refusal::field(
            &format!("types[{index}]"),
            "UNKNOWN_TYPE",
            format!("{asked} is no type of resource; the types are {}", known.join(", ")),
            format!("没有资源类型 {asked}；可用类型：{}", known.join(", ")),
        ));
    }
    let actor = call.actor()?;
    let readable = |method: Method| access::authorize(actor, &rule_of(method)).is_ok();
    let collections = COLLECTIONS
        .iter()
        .filter(|(name, method)| (types.is_empty() || types.iter().any(|asked| asked == name)) && readable(*method))
        .map(|(name, _)| (*name).to_owned())
        .collect();
    Ok((call.scope()?.audience(), collections))
}

/// The position of a cursor. Cursors are positions; they are opaque to callers and harmless to guess, for
/// the reader's own scope decides what is told.
async fn position(call: &Call, cursor: &str) -> Answer<i64> {
    let ends = call.inner.store.feed_ends().await?;
    let bad = || {
        Refusal::field(
            "cursor",
            "BAD_CURSOR",
            "a cursor comes from an answer before; leave it out to begin at the oldest change, or use now",
            "cursor 须取自之前的应答；留空表示从最早的变更开始，或使用 now",
        )
    };
    match cursor {
        "" => Ok(ends.oldest),
        "now" => Ok(ends.newest),
        cursor => {
            let position: i64 =
                cursor.strip_prefix('c').and_then(|number| i64::from_str_radix(number, 36).ok()).ok_or_else(bad)?;
            if position < 0 || position > ends.newest {
                return Err(bad());
            }
            if position < ends.oldest {
                return Err(Refusal::new(
                    Reason::CursorExpired,
                    "the cursor is older than what is kept; list the resources afresh, then follow from cursor=now",
                    "cursor 已过期；请重新列出资源，然后从 cursor=now 继续",
                ));
            }
            Ok(position)
        }
    }
}

/// The cursor of a position.
pub(crate) fn cursor(position: i64) -> String {
    let mut digits = Vec::new();
    let mut rest = position.unsigned_abs();
    loop {
        let digit = u32::try_from(rest % 36).unwrap_or_default();
        digits.push(char::from_digit(digit, 36).unwrap_or('0'));
        rest /= 36;
        if rest == 0 {
            break;
        }
    }
    digits.push('c');
    digits.iter().rev().collect()
}

async fn changes(call: &Call, request: v1::ListChangesRequest) -> Answer<v1::ListChangesResponse> {
    let (orgs, collections) = reading(call, &request.types)?;
    let start = position(call, &request.cursor).await?;
    let size = match u32::try_from(request.page_size).unwrap_or_default() {
        0 => 50,
        size => size.min(1000),
    };
    // Where the feed stood before it was read: an empty answer moves the cursor there, and no further.
    let newest = call.inner.store.feed_ends().await?.newest;
    let items = call.inner.store.changes_after(&orgs, start, Some(&collections), size + 1).await?;
    let limit = usize::try_from(size).unwrap_or(usize::MAX);
    let has_more = items.len() > limit;
    let shown = items.iter().take(limit).map(|found| item(call, found)).collect::<Answer<Vec<_>>>()?;
    let next = match items.get(limit.saturating_sub(1)).filter(|_| has_more) {
        Some(last) => last.position,
        None => items.last().map_or(start, |last| last.position).max(newest),
    };
    Ok(v1::ListChangesResponse { changes: shown, next_cursor: cursor(next), has_more })
}

fn item(call: &Call, item: &FeedItem) -> Answer<v1::ChangeItem> {
    let change = &item.change;
    Ok(v1::ChangeItem {
        cursor: cursor(item.position),
        resource: change.resource.clone(),
        r#type: change.collection.clone(),
        verb: change.verb.clone(),
        changed_paths: paths_for(call, change)?,
        etag: etag(change.version),
        event_time: timestamp(change.time),
        command_id: change.command.to_string(),
    })
}

/// Begins to follow the changes of some types after a cursor.
pub(crate) async fn begin(call: &Call, cursor: &str, types: &[String]) -> Answer<Reading> {
    let (orgs, collections) = reading(call, types)?;
    Ok(Reading { orgs, collections, position: position(call, cursor).await? })
}

/// A stream of items.
pub(crate) type Told<T> = Pin<Box<dyn Stream<Item = Result<T, Status>> + Send>>;

/// What is told as it becomes visible. The caller's leave is looked at again while the stream lasts: a stream
/// outlives no token.
pub(crate) fn stream<T: Teller>(call: Call, reading: Reading, teller: T) -> Answer<Told<T::Item>> {
    let place = call.inner.watchers.enter(call.actor()?.user)?;
    let (sender, receiver) = tokio::sync::mpsc::channel(T::WAITING);
    tokio::spawn(async move {
        let _place = place;
        if let Err(refusal) = feed(&call, reading, &teller, &sender).await {
            // A reader that has gone away needs no error.
            drop(sender.send(Err(refusal.status(call.lang))).await);
        }
    });
    Ok(Box::pin(tokio_stream::wrappers::ReceiverStream::new(receiver)))
}

async fn feed<T: Teller>(
    call: &Call,
    mut reading: Reading,
    teller: &T,
    sender: &tokio::sync::mpsc::Sender<Result<T::Item, Status>>,
) -> Answer<()> {
    let store = &call.inner.store;
    let (mut checked, mut told) = (Instant::now(), Instant::now());
    let mut stopping = call.inner.stopping.subscribe();
    loop {
        if *stopping.borrow_and_update() {
            return Err(server_stopping());
        }
        let silent = told.elapsed() >= SILENCE;
        // Where the feed stood before it was read: a reader with nothing to read moves there, and no further.
        let newest = if silent { store.feed_ends().await?.newest } else { reading.position };
        let collections = Some(reading.collections.as_slice());
        let changes = store.changes_after(&reading.orgs, reading.position, collections, T::AT_ONCE).await?;
        for item in teller.tell(call, &changes).await? {
            if sender.send(Ok(item)).await.is_err() {
                return Ok(());
            }
            told = Instant::now();
        }
        reading.position = changes.last().map_or(reading.position.max(newest), |last| last.position);
        if silent && told.elapsed() >= SILENCE {
            told = Instant::now();
            if let Some(item) = teller.still_here(cursor(reading.position))
                && sender.send(Ok(item)).await.is_err()
            {
                return Ok(());
            }
        }
        if sender.is_closed() {
            return Ok(());
        }
        if checked.elapsed() > Duration::from_millis(500) {
            checked = Instant::now();
            still_signed_in(call).await?;
        }
        if changes.is_empty() {
            tokio::select! {
                () = tokio::time::sleep(LOOK) => {}
                // The sender is a part of the api, which this call holds: there is no error.
                _ = stopping.changed() => {}
            }
        }
    }
}

pub(crate) fn server_stopping() -> Refusal {
    let mut refusal = Refusal::new(
        Reason::ServerStopping,
        "this server is stopping; connect again and go on from the last cursor",
        "服务器正在停机；请重新连接并从最后的 cursor 继续",
    );
    refusal.retry_after = Some(1);
    refusal
}

/// Ends a stream whose caller was signed out, disabled or revoked.
async fn still_signed_in(call: &Call) -> Answer<()> {
    let actor = call.actor()?;
    let store = &call.inner.store;
    let open = match actor.session {
        Some(session) => store.session_is_open(session).await?,
        None => store.client_of_token(actor.user).await?.is_some_and(|(client, _)| !client.revoked),
    };
    if open {
        return Ok(());
    }
    Err(Refusal::new(
        Reason::TokenInvalid,
        "you were signed out; sign in and go on from the last cursor",
        "您已退出登录；请重新登录并从最后的 cursor 继续",
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cursor_reads_back_as_its_position() {
        for position in [0, 1, 35, 36, 1_000_000, i64::MAX] {
            let text = cursor(position);
            let read = text.strip_prefix('c').and_then(|number| i64::from_str_radix(number, 36).ok());
            assert_eq!(read, Some(position), "{text}");
        }
    }

    #[test]
    fn the_feed_and_the_store_know_the_same_collections() {
        let readable: BTreeSet<&str> = COLLECTIONS.iter().map(|(name, _)| *name).collect();
        assert_eq!(readable, recourse_repository::collections().collect());
    }

    #[test]
    fn every_collection_of_the_feed_is_read_by_a_method_of_its_name() {
        for (collection, method) in COLLECTIONS {
            let template = method.http().first().map(|rule| rule.template).unwrap_or_default();
            let name = match collection {
                "claimNotes" => "claims/*/notes",
                "campaignVehicles" => "campaigns/*/vehicles",
                plain => plain,
            };
            assert!(template.contains(&format!("name={name}/*")), "{collection}: {template}");
        }
    }
}
