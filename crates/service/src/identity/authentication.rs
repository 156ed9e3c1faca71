//! Tokens to identities: verified once, cached until they end or are revoked.

use std::collections::{BTreeSet, HashMap};
use std::future::Future;
use std::sync::{Arc, RwLock};
use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use recourse_domain::access::{Actor, Role};
use recourse_domain::clock::{Clock, IdSource};
use recourse_domain::identity::Membership;
use recourse_domain::ids::{OrgId, SessionId, UserId};
use recourse_repository::{Store, StoreError};
use serde_json::Value;
use sha2::{Digest, Sha256};
use uuid::Uuid;

use super::tokens::{ACCESS_SECONDS, AccessClaims, StoredKey, TokenKeys, generate_key};
use crate::admission::Identity;
use crate::api::ApiParts;
use crate::error::{Answer, Refusal};

/// How often revocations are looked for: a revoked token works for less than a second more.
const FOLLOW: Duration = Duration::from_millis(400);
/// Tokens that are remembered at most.
const MAX_CACHED: usize = 50_000;

/// Reads tokens, remembers them, and makes new ones.
pub struct Authenticator {
    keys: TokenKeys,
    store: Store,
    wall: Arc<dyn Clock>,
    ids: Arc<dyn IdSource>,
    cache: RwLock<HashMap<[u8; 32], Cached>>,
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
            let key = generate_key(kid).map_err(|error| Refusal::fault(format!("signing key: {error}")))?;
            parts.store.add_first_signing_key(&key.kid, &key.pkcs8, now).await?;
        }
        let stored: Vec<StoredKey> =
            parts.store.signing_keys().await?.into_iter().map(|(kid, pkcs8)| StoredKey { kid, pkcs8 }).collect();
        let keys = TokenKeys::new(parts.issuer.clone(), parts.audience.clone(), &stored)
            .map_err(|error| Refusal::fault(format!("signing keys: {error}")))?;
        Ok(Self {
            keys,
            store: parts.store.clone(),
            wall: Arc::clone(&parts.wall),
            ids: Arc::clone(&parts.ids),
            cache: RwLock::default(),
        })
    }

    /// The public keys.
    pub(crate) fn jwks(&self) -> Value {
        self.keys.jwks()
    }

    /// The issuer.
    pub(crate) fn issuer(&self) -> String {
        self.keys.issuer().to_owned()
    }

    /// Who a token names.
    pub async fn identify(&self, token: &str) -> Identity {
        let fingerprint: [u8; 32] = Sha256::digest(token.as_bytes()).into();
        let now = self.wall.now();
        if let Some(actor) = self.remembered(&fingerprint, now) {
            return Identity::Known(actor);
        }
        let claims = match self.keys.verify(token, now) {
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
        let now = self.wall.now().timestamp();
        let claims = AccessClaims {
            sub: subject.0,
            org: membership.org.0,
            roles: membership.roles.iter().map(|role| role.word().to_owned()).collect(),
            sid: session.map(|session| session.0),
            client_id: if session.is_none() { Some(subject.0) } else { None },
            scope: String::new(),
            iat: now,
            exp: now + ACCESS_SECONDS,
            iss: self.keys.issuer().to_owned(),
            aud: self.keys.audience().to_owned(),
            jti: self.ids.new_id(),
        };
        self.keys.sign(&claims).map_err(|error| Refusal::fault(format!("token can't be signed: {error}")))
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
