//! OAuth: tokens for programs, refreshed tokens for everybody, and their end.

use std::net::IpAddr;

use chrono::TimeDelta;
use recourse_domain::identity::Session;
use recourse_domain::ids::{SessionId, UserId};
use recourse_proto::v1::error_reason::Code as Reason;
use recourse_repository::{RefreshUse, StoreError};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::client_keys;
use super::guard::Attempt;
use super::outside::OutsideFault;
use super::passwords::{fingerprint, random_secret, same};
use super::sessions::REFRESH_LIFETIME;
use super::tokens::ACCESS_SECONDS;
use crate::api::Api;
use crate::error::Refusal;

/// How long the same refresh, repeated, is taken for a retry of a lost answer.
const RETRY_GRACE: TimeDelta = TimeDelta::seconds(30);

/// The grant by which a token of an outside issuer is exchanged (RFC 7523).
pub const JWT_BEARER: &str = "urn:ietf:params:oauth:grant-type:jwt-bearer";
/// What the log of denials calls the endpoint.
const TOKEN_ENDPOINT: &str = "oauth2/token";

/// The form of `POST /oauth2/token`.
#[derive(Clone, Debug, Default, Deserialize)]
pub struct TokenForm {
    /// `client_credentials` or `refresh_token`.
    pub grant_type: Option<String>,
    /// The client's id.
    pub client_id: Option<String>,
    /// The client's secret.
    pub client_secret: Option<String>,
    /// The refresh token.
    pub refresh_token: Option<String>,
    /// How a program proves itself without a secret: `urn:ietf:params:oauth:client-assertion-type:jwt-bearer`.
    pub client_assertion_type: Option<String>,
    /// The assertion that a program signed.
    pub client_assertion: Option<String>,
    /// The token of an outside issuer.
    pub assertion: Option<String>,
    /// The organisation to act for, with an outside token of a user who belongs to several.
    pub organization: Option<String>,
    /// Not used: a token carries what the membership allows.
    pub scope: Option<String>,
}

/// The form of `POST /oauth2/revoke`.
#[derive(Clone, Debug, Default, Deserialize)]
pub struct RevokeForm {
    /// The refresh token.
    pub token: Option<String>,
}

/// The answer of `POST /oauth2/token`.
#[derive(Clone, Debug, Serialize)]
pub struct TokenReply {
    /// JWT.
    pub access_token: String,
    /// Always `Bearer`.
    pub token_type: &'static str,
    /// Seconds.
    pub expires_in: i64,
    /// The next refresh token.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub refresh_token: Option<String>,
}

/// Why there is no token (RFC 6749, 5.2).
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum OAuthFault {
    /// A parameter is missing.
    #[error("{0} is missing")]
    InvalidRequest(&'static str),
    /// The client is not known, or its secret is wrong.
    #[error("client and secret do not fit together, or the client is revoked")]
    InvalidClient,
    /// The refresh token is not good any more.
    #[error("the refresh token has ended, or was used before; sign in again")]
    InvalidGrant,
    /// The token of an outside issuer is not good, or means nobody here.
    #[error(
        "the assertion opens nothing here: its issuer, audience, times or signature do not fit, or no enabled user of \
         that organization is linked with its subject"
    )]
    InvalidAssertion,
    /// A scope that is not offered.
    #[error("scopes are not offered; leave the parameter out")]
    InvalidScope,
    /// Another grant.
    #[error("grant_type is client_credentials, refresh_token or {JWT_BEARER}; people sign in at POST /v1/sessions")]
    UnsupportedGrantType,
    /// Too many that failed, or too many at once: seconds until the next attempt.
    #[error("too many attempts; try again in {0} s")]
    TooMany(u32),
    /// The store can't be reached.
    #[error("the service is not available; try again")]
    Unavailable,
}

impl OAuthFault {
    /// The code of the RFC.
    pub fn code(&self) -> &'static str {
        match self {
            OAuthFault::InvalidRequest(_) => "invalid_request",
            OAuthFault::InvalidClient => "invalid_client",
            OAuthFault::InvalidGrant | OAuthFault::InvalidAssertion => "invalid_grant",
            OAuthFault::InvalidScope => "invalid_scope",
            OAuthFault::UnsupportedGrantType => "unsupported_grant_type",
            OAuthFault::TooMany(_) | OAuthFault::Unavailable => "temporarily_unavailable",
        }
    }
}

impl From<StoreError> for OAuthFault {
    fn from(error: StoreError) -> Self {
        tracing::error!(%error, "token endpoint");
        OAuthFault::Unavailable
    }
}

impl From<Refusal> for OAuthFault {
    fn from(refusal: Refusal) -> Self {
        if refusal.reason == Reason::TooManyRequests {
            return OAuthFault::TooMany(refusal.retry_after.unwrap_or(1));
        }
        tracing::error!(cause = refusal.cause, "token endpoint");
        OAuthFault::Unavailable
    }
}

impl Api {
    /// Answers `POST /oauth2/token`.
    pub async fn token(&self, form: TokenForm, from: Option<IpAddr>) -> Result<TokenReply, OAuthFault> {
        if form.scope.as_deref().is_some_and(|scope| !scope.trim().is_empty()) {
            return Err(OAuthFault::InvalidScope);
        }
        match form.grant_type.as_deref() {
            Some("client_credentials") => self.client_token(form, from).await,
            Some("refresh_token") => self.refreshed_token(form, from).await,
            Some(JWT_BEARER) => self.exchanged_token(form, from).await,
            Some(_) => Err(OAuthFault::UnsupportedGrantType),
            None => Err(OAuthFault::InvalidRequest("grant_type")),
        }
    }

    /// A program shows its secret, which is too long to be guessed: mistakes are counted after the fact.
    async fn client_token(&self, form: TokenForm, from: Option<IpAddr>) -> Result<TokenReply, OAuthFault> {
        if let Some(assertion) = form.client_assertion {
            if form.client_assertion_type.as_deref() != Some(client_keys::ASSERTION_TYPE) {
                return Err(OAuthFault::InvalidRequest("client_assertion_type"));
            }
            // Two proofs at once are none (RFC 6749, 2.3).
            if form.client_secret.is_some() {
                return Err(OAuthFault::InvalidClient);
            }
            return self.asserted_token(&assertion, form.client_id.as_deref(), from).await;
        }
        let (id, secret) = form.client_id.zip(form.client_secret).ok_or(OAuthFault::InvalidClient)?;
        let id =
            Uuid::parse_str(id.strip_prefix("apiClients/").unwrap_or(&id)).map_err(|_| OAuthFault::InvalidClient)?;
        let attempt = self.inner.guard.client(&id.to_string(), from);
        self.inner.guard.look(&attempt).await?;
        let found = self.inner.store.client_of_token(UserId(id)).await?;
        let shown = fingerprint(&secret);
        let known = found.as_ref().map_or_else(Vec::new, |(_, hash)| hash.clone());
        let fits = same(&shown, &known);
        let known_id = found.as_ref().map(|(client, _)| client.id);
        // Who has keys has no secret, though one was made.
        let good = found.filter(|(client, _)| fits && !client.revoked && client.public_keys.is_empty());
        let Some((client, _)) = good else { return Err(self.client_refused(known_id, &attempt).await?) };
        let access_token = self.inner.authenticator.access_token(client.id, &client.membership, None)?;
        Ok(TokenReply { access_token, token_type: "Bearer", expires_in: ACCESS_SECONDS, refresh_token: None })
    }

    async fn refreshed_token(&self, form: TokenForm, from: Option<IpAddr>) -> Result<TokenReply, OAuthFault> {
        let shown = form.refresh_token.ok_or(OAuthFault::InvalidRequest("refresh_token"))?;
        let attempt = self.inner.guard.token(from);
        self.inner.guard.look(&attempt).await?;
        let replacement = random_secret().map_err(|_| OAuthFault::Unavailable)?;
        let now = self.inner.wall.now();
        let (shown, next) = (&fingerprint(&shown), &fingerprint(&replacement));
        let revocation = self.inner.ids.new_id();
        let used = self
            .inner
            .store
            .run(|tx| {
                Box::pin(
                    async move { tx.use_refresh(shown, next, now, RETRY_GRACE, REFRESH_LIFETIME, revocation).await },
                )
            })
            .await?;
        let session = match used {
            RefreshUse::Rotated(session) | RefreshUse::Retried(session) => session,
            RefreshUse::Reused => {
                tracing::warn!("a refresh token was used twice; its session has been ended");
                self.inner.denials.note(None, TOKEN_ENDPOINT, Reason::TokenInvalid, None);
                return Err(OAuthFault::InvalidGrant);
            }
            RefreshUse::Unknown => {
                self.inner.guard.fail(&attempt).await?;
                self.inner.denials.note(None, TOKEN_ENDPOINT, Reason::TokenInvalid, None);
                return Err(OAuthFault::InvalidGrant);
            }
        };
        let user = self.inner.store.user_of_token(session.user).await?;
        let user = user.filter(|user| !user.disabled).ok_or(OAuthFault::InvalidGrant)?;
        let membership = user.membership(session.org).ok_or(OAuthFault::InvalidGrant)?;
        let access_token = self.inner.authenticator.access_token(user.id, membership, Some(session.id))?;
        Ok(TokenReply {
            access_token,
            token_type: "Bearer",
            expires_in: ACCESS_SECONDS,
            refresh_token: Some(replacement),
        })
    }

    /// A program signs an assertion with its own key, for one use.
    async fn asserted_token(
        &self,
        assertion: &str,
        client_id: Option<&str>,
        from: Option<IpAddr>,
    ) -> Result<TokenReply, OAuthFault> {
        let id = client_keys::claimed_client(assertion).ok_or(OAuthFault::InvalidClient)?;
        let named = client_id.map(|id| id.strip_prefix("apiClients/").unwrap_or(id));
        if named.is_some_and(|named| Uuid::parse_str(named) != Ok(id)) {
            return Err(OAuthFault::InvalidClient);
        }
        let attempt = self.inner.guard.client(&id.to_string(), from);
        self.inner.guard.look(&attempt).await?;
        let found = self.inner.store.client_of_token(UserId(id)).await?.map(|(client, _)| client);
        let known_id = found.as_ref().map(|client| client.id);
        let issuer = self.issuer();
        let audiences = [format!("{issuer}/oauth2/token"), issuer];
        let now = self.inner.wall.now();
        let verified = found.filter(|client| !client.revoked && !client.public_keys.is_empty()).and_then(|client| {
            match client_keys::verify(&client, assertion, &audiences, now) {
                Ok(verified) => Some((client, verified)),
                Err(fault) => {
                    tracing::info!(%fault, "client assertion refused");
                    None
                }
            }
        });
        let Some((client, used)) = verified else { return Err(self.client_refused(known_id, &attempt).await?) };
        let used = &used;
        let first: Result<bool, StoreError> =
            self.inner.store.run(|tx| Box::pin(async move { tx.use_assertion(&used.hash, used.expires).await })).await;
        if !first? {
            return Err(self.client_refused(known_id, &attempt).await?);
        }
        let access_token = self.inner.authenticator.access_token(client.id, &client.membership, None)?;
        Ok(TokenReply { access_token, token_type: "Bearer", expires_in: ACCESS_SECONDS, refresh_token: None })
    }

    /// Counts and notes the failure of a program to prove itself.
    async fn client_refused(&self, known: Option<UserId>, attempt: &Attempt) -> Result<OAuthFault, OAuthFault> {
        self.inner.guard.fail(attempt).await?;
        self.inner.denials.note(known, TOKEN_ENDPOINT, Reason::CredentialsInvalid, None);
        Ok(OAuthFault::InvalidClient)
    }

    /// Exchanges the token of an outside issuer: who it means is what an administrator wrote at the user, what
    /// they may do is what our memberships say now.
    async fn exchanged_token(&self, form: TokenForm, from: Option<IpAddr>) -> Result<TokenReply, OAuthFault> {
        let assertion = form.assertion.ok_or(OAuthFault::InvalidRequest("assertion"))?;
        let attempt = self.inner.guard.token(from);
        self.inner.guard.look(&attempt).await?;
        let now = self.inner.wall.now();
        let identity = match self.inner.outside.verify(&assertion, now).await {
            Ok(identity) => identity,
            Err(OutsideFault::Unavailable(fault)) => {
                tracing::warn!(%fault, "an outside token can't be verified");
                return Err(OAuthFault::Unavailable);
            }
            Err(fault) => {
                tracing::info!(%fault, "outside token refused");
                self.inner.guard.fail(&attempt).await?;
                self.inner.denials.note(None, TOKEN_ENDPOINT, Reason::TokenInvalid, None);
                return Err(OAuthFault::InvalidAssertion);
            }
        };
        let user = self.inner.store.user_of_outside(&identity).await?;
        let known = user.as_ref().map(|user| user.id);
        let Some(user) = user.filter(|user| !user.disabled) else {
            self.inner.denials.note(known, TOKEN_ENDPOINT, Reason::CredentialsInvalid, None);
            return Err(OAuthFault::InvalidAssertion);
        };
        let membership = match (form.organization.as_deref(), user.memberships.as_slice()) {
            (None, [only]) => only,
            (None, _) => return Err(OAuthFault::InvalidRequest("organization")),
            (Some(name), several) => several
                .iter()
                .find(|membership| membership.org_name.eq_ignore_ascii_case(name))
                .ok_or(OAuthFault::InvalidAssertion)?,
        };
        let fresh = &Session {
            id: SessionId(self.inner.ids.new_id()),
            user: user.id,
            org: membership.org,
            device: identity.issuer.clone(),
            create_time: now,
            last_used_time: now,
            revoke_time: None,
        };
        let session: Result<SessionId, StoreError> =
            self.inner.store.run(|tx| Box::pin(async move { tx.session_of_device(fresh).await })).await;
        let access_token = self.inner.authenticator.access_token(user.id, membership, Some(session?))?;
        Ok(TokenReply { access_token, token_type: "Bearer", expires_in: ACCESS_SECONDS, refresh_token: None })
    }

    /// Answers `POST /oauth2/revoke`. Whether the token was known is not told.
    pub async fn revoke_token(&self, form: RevokeForm) -> Result<(), OAuthFault> {
        let token = form.token.ok_or(OAuthFault::InvalidRequest("token"))?;
        let (hash, now, revocation) = (&fingerprint(&token), self.inner.wall.now(), self.inner.ids.new_id());
        let ended = self
            .inner
            .store
            .run(|tx| {
                Box::pin(async move {
                    let session = tx.session_of_refresh(hash).await?;
                    if let Some(session) = session {
                        tx.end_session(session, now, revocation).await?;
                    }
                    Ok::<_, StoreError>(session)
                })
            })
            .await?;
        if let Some(session) = ended {
            self.inner.authenticator.forget(session.0);
        }
        Ok(())
    }
}
