//! Tokens to identities: verified once, cached until they end or are revoked.

use std::collections::{BTreeSet, HashMap};
use std::future::Future;
use std::sync::{Arc, Mutex, PoisonError, RwLock};
use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use recourse_domain::access::{Actor, Role};
use recourse_domain::clock::{Clock, IdSource};
use recourse_domain::identity::{Duty, Membership};
use recourse_domain::ids::{OrgId, SessionId, UserId};
use recourse_repository::{KeyTimes, Store, StoreError};
use serde_json::Value;
use sha2::{Digest, Sha256};
use uuid::Uuid;

use super::tokens::{ACCESS_SECONDS, AccessClaims, StoredKey, TokenFault, TokenKeys, generate_key};
use crate::admission::Identity;
use crate::api::ApiParts;
use crate::error::{Answer, Refusal};

/// How often revocations are looked for: a revoked token works for less than a second more.
const FOLLOW: Duration = Duration::from_millis(400);
/// How often keys are asked for because of a token that names one that is not known.
const ASK: TimeDelta = TimeDelta::milliseconds(500);
/// How long before it signs a key is told to those who keep copies of the key set.
const ANNOUNCE: TimeDelta = TimeDelta::days(1);
/// How much longer than its last token a key verifies: clocks differ.
const GRACE: TimeDelta = TimeDelta::minutes(1);
/// Tokens that are remembered at most.
const MAX_CACHED: usize = 50_000;

/// Reads tokens, remembers them, and makes new ones.
pub struct Authenticator {
    issuer: String,
    audience: String,
    keys: RwLock<Arc<TokenKeys>>,
    /// When keys were last asked for because a token named one that is not known.
    asked: Mutex<Option<DateTime<Utc>>>,
    store: Store,
    wall: Arc<dyn Clock>,
    ids: Arc<dyn IdSource>,
    cache: RwLock<HashMap<[u8; 32], Cached>>,
}

async fn stored_keys(store: &Store) -> Result<Vec<StoredKey>, StoreError> {
    let rows = store.signing_keys().await?;
    Ok(rows.into_iter().map(|(times, pkcs8)| StoredKey { times, pkcs8 }).collect())
}

#[derive(Clone)]
struct Cached {
    actor: Arc<Actor>,
    ends: i64,
}

impl Authenticator {
    /// Reads the signing keys; makes the first if there is none.
    pub(crate) async fn open(parts: &ApiParts) -> Answer<Self> {
        let now = parts.wall.now();
        if parts.store.signing_keys().await?.is_empty() {
            let kid = parts.ids.new_id().simple().to_string();
            let key = generate_key(kid, now).map_err(|error| Refusal::fault(format!("signing key: {error}")))?;
            parts.store.add_first_signing_key(&key.times.kid, &key.pkcs8, now).await?;
        }
        let stored = stored_keys(&parts.store).await?;
        let keys = TokenKeys::new(parts.issuer.clone(), parts.audience.clone(), &stored)
            .map_err(|error| Refusal::fault(format!("signing keys: {error}")))?;
        Ok(Self {
            issuer: parts.issuer.clone(),
            audience: parts.audience.clone(),
            keys: RwLock::new(Arc::new(keys)),
            asked: Mutex::new(None),
            store: parts.store.clone(),
            wall: Arc::clone(&parts.wall),
            ids: Arc::clone(&parts.ids),
            cache: RwLock::default(),
        })
    }

    /// The public keys.
    pub(crate) fn jwks(&self) -> Value {
        self.keys().jwks(self.wall.now())
    }

    fn keys(&self) -> Arc<TokenKeys> {
        Arc::clone(&self.keys.read().unwrap_or_else(PoisonError::into_inner))
    }

    /// The issuer.
    pub(crate) fn issuer(&self) -> String {
        self.issuer.clone()
    }

    /// Who a token names.
    pub async fn identify(&self, token: &str) -> Identity {
        let fingerprint: [u8; 32] = Sha256::digest(token.as_bytes()).into();
        let now = self.wall.now();
        if let Some(actor) = self.remembered(&fingerprint, now) {
            return Identity::Known(actor);
        }
        let mut verified = self.keys().verify(token, now);
        if verified == Err(TokenFault::UnknownKey) && self.may_ask_for_keys(now) {
            // Another server may have made it this very moment.
            match self.refresh_keys().await {
                Ok(()) => verified = self.keys().verify(token, now),
                Err(error) => tracing::warn!(%error, "signing keys can't be read"),
            }
        }
        let claims = match verified {
            Ok(claims) => claims,
            Err(fault) => {
                tracing::info!(%fault, "token refused");
                return Identity::Refused;
            }
        };
        match self.resolve(&claims).await {
            Ok(Some(actor)) => {
                let actor = Arc::new(actor);
                self.remember(fingerprint, Cached { actor: Arc::clone(&actor), ends: claims.exp });
                Identity::Known(actor)
            }
            Ok(None) => {
                tracing::info!(fault = "revoked", "token refused");
                Identity::Refused
            }
            Err(error) => {
                tracing::error!(%error, "token can't be resolved");
                Identity::Unavailable
            }
        }
    }

    /// Makes an access token.
    pub(super) fn access_token(
        &self,
        subject: UserId,
        membership: &Membership,
        session: Option<SessionId>,
    ) -> Answer<String> {
        let instant = self.wall.now();
        let now = instant.timestamp();
        let claims = AccessClaims {
            sub: subject.0,
            org: membership.org.0,
            roles: membership.roles.iter().map(|role| role.word().to_owned()).collect(),
            sid: session.map(|session| session.0),
            client_id: if session.is_none() { Some(subject.0) } else { None },
            scope: String::new(),
            iat: now,
            exp: now + ACCESS_SECONDS,
            iss: self.issuer.clone(),
            aud: self.audience.clone(),
            jti: self.ids.new_id(),
        };
        self.keys().sign(&claims, instant).map_err(|error| Refusal::fault(format!("token can't be signed: {error}")))
    }

    /// Of many tokens with made-up keys, one in half a second leads to a question.
    fn may_ask_for_keys(&self, now: DateTime<Utc>) -> bool {
        let mut asked = self.asked.lock().unwrap_or_else(PoisonError::into_inner);
        let free = asked.is_none_or(|before| now - before >= ASK || now < before);
        if free {
            *asked = Some(now);
        }
        free
    }

    /// Takes up keys that were made, or ended, by any server.
    async fn refresh_keys(&self) -> Result<(), StoreError> {
        if self.store.signing_key_times().await? == self.keys().times() {
            return Ok(());
        }
        let stored = stored_keys(&self.store).await?;
        match TokenKeys::new(self.issuer.clone(), self.audience.clone(), &stored) {
            Ok(keys) => {
                *self.keys.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(keys);
                // What was verified with a key that has ended is verified no more.
                self.forget_all();
                tracing::info!("signing keys have changed");
            }
            Err(fault) => tracing::error!(%fault, "signing keys can't be used; the ones before stay"),
        }
        Ok(())
    }

    /// Lets a new key follow the one that signs: it is told to every replica and in the key set from now on,
    /// and signs after `after`. What the old keys signed is verified until it has ended. With a key that
    /// waits already, nothing is done.
    pub(crate) async fn rotate_keys(&self, after: TimeDelta) -> Answer<KeyTimes> {
        let now = self.wall.now();
        let activates = now + after;
        let fresh = generate_key(self.ids.new_id().simple().to_string(), activates)
            .map_err(|error| Refusal::fault(format!("signing key: {error}")))?;
        let until = activates + TimeDelta::seconds(ACCESS_SECONDS) + GRACE;
        let next = self.store.add_next_signing_key(&fresh.times, &fresh.pkcs8, until, now).await?;
        self.refresh_keys().await?;
        Ok(next)
    }

    /// Ends every key but the newest at once: all tokens of the others are refused within a second.
    pub(crate) async fn end_older_keys(&self, newest: &str) -> Answer<()> {
        self.store.end_older_signing_keys(newest, self.wall.now()).await?;
        Ok(self.refresh_keys().await?)
    }

    /// Lets the next key be made when the one that signs is old, early enough for key sets to be read.
    pub(crate) async fn rotate_aged_keys(&self, age: TimeDelta) -> Answer<()> {
        self.refresh_keys().await?;
        let now = self.wall.now();
        let newest = self.keys().times().into_iter().next();
        let due = newest.is_some_and(|newest| newest.activate_time + age - ANNOUNCE <= now);
        if due { self.rotate_keys(ANNOUNCE.min(age / 2)).await.map(|_| ()) } else { Ok(()) }
    }

    /// What a token's subject may do now: what it was given then, as far as it still has it.
    async fn resolve(&self, claims: &AccessClaims) -> Result<Option<Actor>, StoreError> {
        let subject = UserId(claims.sub);
        let org = OrgId(claims.org);
        let (membership, orgs) = if let Some(session) = claims.sid.map(SessionId) {
            if !self.store.session_is_open(session).await? {
                return Ok(None);
            }
            let Some(user) = self.store.user_of_token(subject).await? else { return Ok(None) };
            if user.disabled {
                return Ok(None);
            }
            let Some(membership) = user.membership(org).cloned() else { return Ok(None) };
            (membership, BTreeSet::from([org]))
        } else {
            let Some((client, _)) = self.store.client_of_token(subject).await? else { return Ok(None) };
            if client.revoked || client.membership.org != org || claims.client_id != Some(claims.sub) {
                return Ok(None);
            }
            let mut orgs: BTreeSet<OrgId> = client.consenting.iter().map(|(org, _)| *org).collect();
            orgs.insert(org);
            (client.membership, orgs)
        };
        let claimed: BTreeSet<Role> = claims.roles.iter().filter_map(|word| Role::from_word(word)).collect();
        Ok(Some(Actor {
            user: subject,
            org,
            orgs,
            roles: membership.roles.iter().copied().filter(|role| claimed.contains(role)).collect(),
            rights: membership.rights.iter().copied().collect(),
            approval_level: membership.approval_level,
            reads_only: membership.duties.contains(&Duty::ReadOnly),
            session: claims.sid.map(SessionId),
            job: None,
        }))
    }

    fn remembered(&self, fingerprint: &[u8; 32], now: DateTime<Utc>) -> Option<Arc<Actor>> {
        let cache = self.cache.read().unwrap_or_else(std::sync::PoisonError::into_inner);
        cache.get(fingerprint).filter(|cached| cached.ends > now.timestamp()).map(|cached| Arc::clone(&cached.actor))
    }

    fn remember(&self, fingerprint: [u8; 32], cached: Cached) {
        let now = self.wall.now().timestamp();
        let mut cache = self.cache.write().unwrap_or_else(std::sync::PoisonError::into_inner);
        if cache.len() >= MAX_CACHED {
            cache.retain(|_, cached| cached.ends > now);
        }
        if cache.len() < MAX_CACHED {
            cache.insert(fingerprint, cached);
        }
    }

    /// Forgets what is remembered of a user, client or session: the next call asks the store.
    pub(crate) fn forget(&self, subject: Uuid) {
        let mut cache = self.cache.write().unwrap_or_else(std::sync::PoisonError::into_inner);
        cache.retain(|_, cached| {
            cached.actor.user.0 != subject && cached.actor.session.is_none_or(|session| session.0 != subject)
        });
    }

    fn forget_all(&self) {
        self.cache.write().unwrap_or_else(std::sync::PoisonError::into_inner).clear();
    }

    /// Follows revocations of all replicas until `stop`. While the store can't be asked, nothing is
    /// remembered: a token that can't be checked is not taken on trust.
    pub async fn follow_revocations(self: Arc<Self>, stop: impl Future<Output = ()> + Send) {
        let mut stop = std::pin::pin!(stop);
        let mut seen: BTreeSet<(Uuid, DateTime<Utc>)> = BTreeSet::new();
        loop {
            tokio::select! {
                () = &mut stop => return,
                () = tokio::time::sleep(FOLLOW) => {}
            }
            // Looks back a little: a row of a slow transaction, or of a clock that lags, is not missed.
            if let Err(error) = self.refresh_keys().await {
                tracing::warn!(%error, "signing keys can't be read");
            }
            let since = self.wall.now() - TimeDelta::seconds(30);
            match self.store.revoked_since(since).await {
                Ok(rows) => {
                    seen.retain(|(_, time)| *time >= since);
                    for row in rows {
                        if seen.insert(row) {
                            self.forget(row.0);
                        }
                    }
                }
                Err(error) => {
                    tracing::warn!(%error, "revocations can't be followed");
                    self.forget_all();
                }
            }
        }
    }
}
