//! What becomes of claims, as it happens: the feed of changes with the claims themselves, as their reader may see
//! them.

use std::collections::{BTreeMap, BTreeSet};

use recourse_domain::access::Scope;
use recourse_domain::catalog::Stored;
use recourse_domain::change::Change;
use recourse_domain::claims::{Claim, StateWord};
use recourse_domain::ids::Code;
use recourse_proto::{Method, v1};
use recourse_repository::FeedItem;
use uuid::Uuid;

use super::{COLLECTION, shown};
use crate::context::{Boxed, Call};
use crate::convert::{Reader, claims as convert_claims, etag, timestamp};
use crate::error::{Answer, Refusal};
use crate::events::{self, Teller, Told};

/// Follows the claims that the caller may read.
///
/// Every claim is read through the caller's scope when it is told: what a reader was given sight of later, or lost
/// sight of meanwhile, is seen or not seen as everywhere else.
pub(super) async fn watch(call: Call, request: v1::WatchClaimsRequest) -> Answer<Told<v1::ClaimChange>> {
    let claims = Claims::read(&call, &request)?;
    let mut reading = events::begin(&call, &request.cursor, &[COLLECTION.to_owned()]).await?;
    if let Some((_, orgs)) = call.scope()?.assigned() {
        // Changes are addressed to organisations; which of their claims are the person's is known by reading them.
        reading.orgs.extend(orgs);
    }
    events::stream(call, reading, claims)
}

/// Which claims are told of.
struct Claims {
    scope: Scope,
    /// None stands for all.
    states: BTreeSet<StateWord>,
    /// None stands for all.
    stations: BTreeSet<Code>,
}

impl Claims {
    fn read(call: &Call, request: &v1::WatchClaimsRequest) -> Answer<Self> {
        let mut reader = Reader::default();
        let stations = reader.codes("stations", "stations", &request.stations);
        let stations = reader.finish(stations).map_err(Refusal::invalid)?;
        Ok(Self {
            scope: call.scope_of(Method::ClaimServiceGetClaim)?,
            states: request.states().filter_map(convert_claims::read_state).collect(),
            stations: stations.into_iter().collect(),
        })
    }

    /// What is told of a change, if anything is.
    fn told(
        &self,
        call: &Call,
        change: &FeedItem,
        claims: &BTreeMap<Uuid, Stored<Claim>>,
    ) -> Answer<Option<v1::ClaimChange>> {
        let FeedItem { position, change } = change;
        let claim = match claims.get(&change.resource_id) {
            Some(stored) if self.asked_for(&stored.value) => Some(shown(call, stored)?),
            None if self.ended_sight(change) => None,
            Some(_) | None => return Ok(None),
        };
        Ok(Some(v1::ClaimChange {
            cursor: events::cursor(*position),
            resource: change.resource.clone(),
            verb: change.verb.clone(),
            changed_paths: events::paths_for(call, change)?,
            etag: etag(change.version),
            event_time: timestamp(change.time),
            command_id: change.command.to_string(),
            claim,
            heartbeat: false,
        }))
    }

    fn asked_for(&self, claim: &Claim) -> bool {
        (self.states.is_empty() || self.states.contains(&claim.state.word()))
            && (self.stations.is_empty() || self.stations.contains(&claim.station_code))
    }

    /// Whether a change took the claim out of the reader's sight. It is told to suppliers and appraisers, who are
    /// given sight of single claims; of a colleague's claim a technician learns nothing.
    fn ended_sight(&self, change: &Change) -> bool {
        let given_sight = |org| self.scope.suppliers().contains(org) || self.scope.appraisers().contains(org);
        change.verb == "unshared" && change.audience.iter().any(given_sight)
    }
}

impl Teller for Claims {
    type Item = v1::ClaimChange;
    // Claims are large, and many streams may be open.
    const AT_ONCE: u32 = 20;
    const WAITING: usize = 8;

    fn tell<'t>(&'t self, call: &'t Call, changes: &'t [FeedItem]) -> Boxed<'t, Answer<Vec<v1::ClaimChange>>> {
        Box::pin(async move {
            let ids: BTreeSet<Uuid> = changes.iter().map(|item| item.change.resource_id).collect();
            let claims = call.inner.store.claims_among(&self.scope, &ids).await?;
            let told = changes.iter().map(|change| self.told(call, change, &claims));
            told.filter_map(Result::transpose).collect()
        })
    }

    fn still_here(&self, cursor: String) -> Option<v1::ClaimChange> {
        Some(v1::ClaimChange { cursor, heartbeat: true, ..v1::ClaimChange::default() })
    }
}
