//! Access tokens: JWTs signed with ES256, and the strict reading of what others send us.
//!
//! The library checks the signature and, if told so, the registered claims it finds; it does not insist on
//! `typ`, `iat`, types of claims or an empty `crit`, and never on all at once. Here each is required by hand,
//! so that a refresh token, an ID token or a token for another service is no access token.

mod keys;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use chrono::{DateTime, Utc};
use jsonwebtoken::errors::ErrorKind;
use jsonwebtoken::{Algorithm, Header, Validation};
use recourse_repository::KeyTimes;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use uuid::Uuid;

pub use self::keys::{KeyState, StoredKey, generate_key};
use self::keys::{TokenKey, token_key};

/// `typ` of an access token (RFC 9068).
const TYPE: &str = "at+jwt";
/// Seconds by which clocks may differ.
const LEEWAY: i64 = 5;
/// Seconds that an access token lives.
pub const ACCESS_SECONDS: i64 = 15 * 60;
/// Longest token that is looked at.
const MAX_TOKEN_BYTES: usize = 4096;

/// Claims of an access token.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AccessClaims {
    /// The user or API client.
    pub sub: Uuid,
    /// The acting organisation.
    pub org: Uuid,
    /// Roles in that organisation when the token was made.
    pub roles: Vec<String>,
    /// The sign-in session, for people.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub sid: Option<Uuid>,
    /// The API client, for machines.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub client_id: Option<Uuid>,
    /// OAuth scope; empty for everything that the roles allow.
    #[serde(skip_serializing_if = "String::is_empty", default)]
    pub scope: String,
    /// Seconds since 1970 when it was made.
    pub iat: i64,
    /// Seconds since 1970 when it ends.
    pub exp: i64,
    /// Who made it.
    pub iss: String,
    /// For whom it is.
    pub aud: String,
    /// Its own key.
    pub jti: Uuid,
}

/// Why a token is refused. One word for the log; the caller is told only that the token is not valid.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TokenFault {
    /// It is longer than any of ours.
    #[error("too long")]
    TooLong,
    /// It has not three parts of base64url JSON.
    #[error("malformed")]
    Malformed,
    /// `alg` is not the key's.
    #[error("algorithm")]
    Algorithm,
    /// `typ` is not `at+jwt`.
    #[error("type")]
    Type,
    /// It demands an extension that we don't have.
    #[error("critical extension")]
    Critical,
    /// `kid` names no key of ours.
    #[error("unknown key")]
    UnknownKey,
    /// The signature does not fit.
    #[error("signature")]
    Signature,
    /// A required claim is missing or of another type.
    #[error("claims")]
    Claims,
    /// `iss` or `aud` is not ours.
    #[error("issuer or audience")]
    Audience,
    /// It has ended, or not begun.
    #[error("time")]
    Time,
}

/// The keys of one issuer, the newest first: one signs, and those that have not ended verify.
pub struct TokenKeys {
    issuer: String,
    audience: String,
    keys: Vec<TokenKey>,
}

impl TokenKeys {
    /// The keys. There must be one.
    pub fn new(issuer: String, audience: String, keys: &[StoredKey]) -> Result<Self, TokenFault> {
        if keys.is_empty() {
            return Err(TokenFault::UnknownKey);
        }
        let mut keys = keys.iter().map(token_key).collect::<Result<Vec<_>, _>>()?;
        keys.sort_by_key(|key| std::cmp::Reverse(key.times.activate_time));
        Ok(Self { issuer, audience, keys })
    }

    /// When each key does what, the newest first.
    pub fn times(&self) -> Vec<KeyTimes> {
        self.keys.iter().map(|key| key.times.clone()).collect()
    }

    /// What each key is for at an instant, the newest first.
    pub fn states(&self, now: DateTime<Utc>) -> Vec<(&str, KeyState)> {
        let signing = self.signing(now).map(|key| key.times.kid.as_str());
        let state = |times: &KeyTimes| match times {
            times if times.verify_until.is_some_and(|until| until <= now) => KeyState::Ended,
            times if signing == Some(&times.kid) => KeyState::Active,
            times if times.activate_time > now => KeyState::Next,
            _ => KeyState::Retired,
        };
        self.keys.iter().map(|key| (key.times.kid.as_str(), state(&key.times))).collect()
    }

    /// The key that signs: the newest that has begun. A clock that lags may know of none yet; then the oldest.
    fn signing(&self, now: DateTime<Utc>) -> Option<&TokenKey> {
        let mut alive = self.keys.iter().filter(|key| key.times.verifies(now));
        let begun = alive.clone().find(|key| key.times.activate_time <= now);
        begun.or_else(|| alive.next_back())
    }

    /// The issuer named in tokens.
    pub fn issuer(&self) -> &str {
        &self.issuer
    }

    /// The audience named in tokens.
    pub fn audience(&self) -> &str {
        &self.audience
    }

    /// Signs claims.
    pub fn sign(&self, claims: &AccessClaims, now: DateTime<Utc>) -> Result<String, TokenFault> {
        let key = self.signing(now).ok_or(TokenFault::UnknownKey)?;
        let mut header = Header::new(Algorithm::ES256);
        header.typ = Some(TYPE.to_owned());
        header.kid = Some(key.times.kid.clone());
        jsonwebtoken::encode(&header, claims, &key.signing).map_err(|_| TokenFault::Claims)
    }

    /// The public keys as a JWK set (RFC 7517): the next, the active one, and those whose tokens still live.
    pub fn jwks(&self, now: DateTime<Utc>) -> Value {
        let keys: Vec<&Value> = self.keys.iter().filter(|key| key.times.verifies(now)).map(|key| &key.jwk).collect();
        json!({ "keys": keys })
    }

    /// Reads a token and checks everything that it says of itself.
    pub fn verify(&self, token: &str, now: DateTime<Utc>) -> Result<AccessClaims, TokenFault> {
        if token.len() > MAX_TOKEN_BYTES {
            return Err(TokenFault::TooLong);
        }
        let key = self.key_for(token, now)?;
        let mut validation = Validation::new(Algorithm::ES256);
        // Signature and algorithm only: the claims are checked below, each by hand and against our clock.
        validation.required_spec_claims.clear();
        validation.validate_exp = false;
        validation.validate_aud = false;
        let claims = jsonwebtoken::decode::<Value>(token, &key.key, &validation)
            .map_err(|error| match error.kind() {
                ErrorKind::InvalidSignature => TokenFault::Signature,
                // The library reads the registered claims too, and stumbles over a wrong type before we do.
                _ => TokenFault::Claims,
            })?
            .claims;
        if let Some(not_before) = claims.get("nbf") {
            let begins = not_before.as_i64().ok_or(TokenFault::Claims)?;
            if begins > now.timestamp() + LEEWAY {
                return Err(TokenFault::Time);
            }
        }
        let claims: AccessClaims = serde_json::from_value(claims).map_err(|_| TokenFault::Claims)?;
        if claims.iss != self.issuer || claims.aud != self.audience {
            return Err(TokenFault::Audience);
        }
        let seconds = now.timestamp();
        let ended = claims.exp <= seconds - LEEWAY;
        let not_begun = claims.iat > seconds + LEEWAY;
        let too_long = claims.exp - claims.iat > ACCESS_SECONDS + LEEWAY;
        if ended || not_begun || too_long { Err(TokenFault::Time) } else { Ok(claims) }
    }

    /// The key that the header names; `kid` is an opaque map key, and nothing else in the header leads to one.
    fn key_for(&self, token: &str, now: DateTime<Utc>) -> Result<&TokenKey, TokenFault> {
        let (encoded, rest) = token.split_once('.').ok_or(TokenFault::Malformed)?;
        if rest.split('.').count() != 2 {
            return Err(TokenFault::Malformed);
        }
        let bytes = URL_SAFE_NO_PAD.decode(encoded).map_err(|_| TokenFault::Malformed)?;
        let header: Value = serde_json::from_slice(&bytes).map_err(|_| TokenFault::Malformed)?;
        if header.get("alg").and_then(Value::as_str) != Some("ES256") {
            return Err(TokenFault::Algorithm);
        }
        if header.get("typ").and_then(Value::as_str) != Some(TYPE) {
            return Err(TokenFault::Type);
        }
        if header.get("crit").is_some() {
            return Err(TokenFault::Critical);
        }
        let kid = header.get("kid").and_then(Value::as_str).ok_or(TokenFault::UnknownKey)?;
        let known = self.keys.iter().find(|key| key.times.kid == kid);
        known.filter(|key| key.times.verifies(now)).ok_or(TokenFault::UnknownKey)
    }
}

#[cfg(test)]
mod tests;
