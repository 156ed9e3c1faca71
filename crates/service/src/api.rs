//! The use cases as one value: what serves gRPC and REST, and what jobs and the demo call in process.

use std::sync::Arc;

use chrono::{DateTime, TimeDelta, Utc};
use recourse_domain::clock::{Clock, IdSource, Zone};
use recourse_repository::{PageTokens, Store};
use serde_json::Value;
use tokio::sync::{Semaphore, watch};

use crate::adjudication::RuleBooks;
use crate::attachments::{AttachmentOptions, Busy};
use crate::denials::Denials;
use crate::error::Answer;
use crate::identity::AccountOptions;
use crate::identity::authentication::Authenticator;
use crate::identity::guard::Guard;
use crate::identity::outside::{Fetch, Outside};
use crate::identity::passwords::{Passwords, random_secret};
use crate::jobs::retention::Retention;
use crate::jobs::rounds::Rounds;
use crate::signatures;
use crate::signatures::experts::TrustAnchors;
use crate::watchers::Watchers;

/// Images that are copied at once for third parties: so many times the largest attachment, and again its copy, is
/// what they take of memory.
const COPIES_AT_ONCE: usize = 2;

/// What the use cases are made of.
pub struct ApiParts {
    /// The store.
    pub store: Store,
    /// The time of business: what is written, what is due.
    pub clock: Arc<dyn Clock>,
    /// The time of day, which tokens and sessions live by. The demo's business time stands elsewhere.
    pub wall: Arc<dyn Clock>,
    /// New keys.
    pub ids: Arc<dyn IdSource>,
    /// Whose tokens these are.
    pub issuer: String,
    /// For whom they are.
    pub audience: String,
    /// What the deployment decides about its accounts.
    pub accounts: AccountOptions,
    /// Where the bytes of attachments are, and what may be sent.
    pub attachments: AttachmentOptions,
    /// Those whom the deployment trusts to certify experts.
    pub trust_anchors: TrustAnchors,
    /// Reads the documents of outside issuers.
    pub fetch: Arc<dyn Fetch>,
    /// Whether prices, policies, grants of roles and bank accounts need a second person.
    pub second_person: bool,
    /// How long what may be forgotten is kept.
    pub retention: Retention,
}

/// The rooms behind the api.
pub(crate) struct Inner {
    /// The store.
    pub store: Store,
    /// The time of business.
    pub clock: Arc<dyn Clock>,
    /// The time of day.
    pub wall: Arc<dyn Clock>,
    /// New keys.
    pub ids: Arc<dyn IdSource>,
    /// The time zone of dates.
    pub zone: Zone,
    /// Seals page tokens.
    pub page_tokens: PageTokens,
    /// Hashes passwords.
    pub passwords: Passwords,
    /// Reads and makes tokens.
    pub authenticator: Arc<Authenticator>,
    /// Slows down those who guess.
    pub guard: Guard,
    /// Outside issuers.
    pub outside: Outside,
    /// Adjudication rules that were read.
    pub rule_books: RuleBooks,
    /// Refused attempts that wait to be written.
    pub denials: Denials,
    /// What the deployment decides about its accounts.
    pub accounts: AccountOptions,
    /// Where the bytes of attachments are, and what may be sent.
    pub attachments: AttachmentOptions,
    /// Those whom the deployment trusts to certify experts.
    pub trust_anchors: TrustAnchors,
    /// Copies of images for third parties that are made at this moment: each holds its image in memory.
    pub copies: Semaphore,
    /// Uploads that are written at this moment.
    pub uploads: Busy,
    /// Streams that callers have open.
    pub watchers: Watchers,
    /// Places of batches that are worked on at once.
    pub batches: Semaphore,
    /// Whether guarded commands need a second person.
    pub second_person: bool,
    /// How long what may be forgotten is kept.
    pub retention: Retention,
    /// Whether streams are to end, for the process is stopping.
    pub stopping: watch::Sender<bool>,
    /// Overdue reviews that were looked at.
    pub overdue_reviews: Rounds,
}

/// The use cases.
#[derive(Clone)]
pub struct Api {
    pub(crate) inner: Arc<Inner>,
}

impl Api {
    /// Opens the use cases over a migrated store: reads its keys and settings, makes what is missing.
    pub async fn open(parts: ApiParts) -> Answer<Self> {
        let authenticator = Authenticator::open(&parts).await?;
        if parts.store.conclusion_keys().await?.is_empty() {
            signatures::add_key(&parts.store, parts.ids.new_id(), true, parts.wall.now()).await?;
        }
        let fresh = random_secret()?.into_bytes();
        let page_tokens = PageTokens::open(&parts.store, fresh, parts.wall.now()).await?;
        let zone = crate::settings::zone(&parts.store).await?;
        let passwords = Passwords::new(&parts.accounts)?;
        let guard = Guard::open(&parts.store, &parts.wall, &parts.accounts).await?;
        Ok(Self {
            inner: Arc::new(Inner {
                store: parts.store,
                clock: parts.clock,
                wall: parts.wall,
                ids: parts.ids,
                zone,
                page_tokens,
                passwords,
                authenticator: Arc::new(authenticator),
                guard,
                outside: Outside::new(parts.accounts.issuers.clone(), parts.fetch),
                rule_books: RuleBooks::default(),
                denials: Denials::default(),
                accounts: parts.accounts,
                attachments: parts.attachments,
                trust_anchors: parts.trust_anchors,
                copies: Semaphore::new(COPIES_AT_ONCE),
                uploads: Busy::default(),
                watchers: Watchers::default(),
                batches: Semaphore::new(crate::claims::BATCHES_AT_ONCE),
                second_person: parts.second_person,
                retention: parts.retention,
                stopping: watch::Sender::new(false),
                overdue_reviews: Rounds::default(),
            }),
        })
    }

    /// The store.
    pub fn store(&self) -> &Store {
        &self.inner.store
    }

    /// Ends every open stream with a last word to its reader, who will find another server. Other calls go on.
    pub fn end_streams(&self) {
        self.inner.stopping.send_replace(true);
    }

    /// What turns tokens into identities.
    pub fn authenticator(&self) -> Arc<Authenticator> {
        Arc::clone(&self.inner.authenticator)
    }

    /// The public keys of access tokens.
    pub fn jwks(&self) -> Value {
        self.inner.authenticator.jwks()
    }

    /// The public keys of signed conclusions.
    pub async fn conclusion_keys(&self) -> Answer<Value> {
        signatures::jwks(&self.inner.store).await
    }

    /// Makes a new key sign conclusions from now on; answers its name. What the keys before it signed verifies for ever.
    pub async fn rotate_conclusion_key(&self) -> Answer<String> {
        signatures::add_key(&self.inner.store, self.inner.ids.new_id(), false, self.inner.wall.now()).await
    }

    /// Lets a new signing key follow the one in use, which signs after `after`; answers its name and when it
    /// begins. With `end_old`, tokens of all other keys are refused at once: one of them is known to a thief.
    pub async fn rotate_keys(&self, after: TimeDelta, end_old: bool) -> Answer<(String, DateTime<Utc>)> {
        let next = self.inner.authenticator.rotate_keys(if end_old { TimeDelta::zero() } else { after }).await?;
        if end_old {
            self.inner.authenticator.end_older_keys(&next.kid).await?;
        }
        Ok((next.kid, next.activate_time))
    }

    /// Whose tokens these are.
    pub fn issuer(&self) -> String {
        self.inner.authenticator.issuer()
    }
}
