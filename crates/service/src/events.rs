//! What happened: the trail of one resource, and the feed of everything that a caller may see.

mod feed;
mod stream;

use std::borrow::Cow;
use std::collections::BTreeSet;

use recourse_domain::access::{self, Author};
use recourse_domain::change::Change;
use recourse_domain::ids::UserId;
use recourse_domain::query::page::{Key, Keys};
use recourse_proto::redact::Redact;
use recourse_proto::v1::event_service_server::EventService;
use recourse_proto::{Method, v1};
use tonic::{Request, Response, Status};

pub(crate) use feed::{begin, cursor};
pub(crate) use stream::{Teller, Told, server_stopping, stream};

use crate::admission::rule_of;
use crate::api::Api;
use crate::context::Call;
use crate::convert::names::author;
use crate::convert::{etag, timestamp};
use crate::denials;
use crate::error::{Answer, Refusal};
use crate::lists::{self, ListInput};
use crate::sight;

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
        call.answer(feed::changes(&call, request).await)
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
            Ok(reading) => stream(call, reading, stream::Changes),
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

#[cfg(test)]
mod tests {
    use super::*;

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
