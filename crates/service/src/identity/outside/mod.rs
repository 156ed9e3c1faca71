//! Outside issuers (OpenID Connect): their tokens are exchanged for ours, and for nothing else.
//!
//! A token of an outside issuer is shown once, at `POST /oauth2/token` (RFC 7523, `jwt-bearer`), and answered
//! with an access token of ours; no other endpoint reads it. So whatever revokes a session of ours revokes
//! these too, and the hot path knows one kind of token. There is no refresh token: who lost the account at the
//! issuer is out with the next exchange.
//!
//! Whom a token means is said by `iss` and `sub` together, which an administrator wrote at the user. A mail
//! address is never asked: at many issuers people choose their own. Roles come from our memberships only.

mod keys;

use std::sync::Arc;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use chrono::{DateTime, Utc};
use jsonwebtoken::{Algorithm, Validation};
use recourse_domain::identity::OutsideIdentity;
use serde_json::Value;
use tokio::sync::Mutex;

pub use self::keys::FetchFault;
use self::keys::KeySet;
pub(super) use self::keys::{IssuerKey, key_set};
use crate::context::Boxed;

/// Longest token of an outside issuer that is looked at.
const MAX_TOKEN_BYTES: usize = 16 * 1024;
/// Seconds by which clocks may differ.
const LEEWAY: i64 = 30;
/// Longest life of a token that is taken: one that lives longer is no proof of a sign-in.
const MAX_LIFE: i64 = 24 * 60 * 60;

/// An outside issuer that the deployment trusts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TrustedIssuer {
    /// As its tokens name it.
    pub issuer: String,
    /// What its tokens must be for: the client id that the issuer gave to this deployment.
    pub audience: String,
    /// Where its keys are; found by discovery if it is not said.
    pub jwks_uri: Option<String>,
    /// Algorithms that are taken from it.
    pub algorithms: Vec<Algorithm>,
}

/// Reads documents of issuers: within the rules for addresses, sizes and times that the process has.
pub trait Fetch: Send + Sync {
    /// The document at an address.
    fn get<'a>(&'a self, url: &'a str) -> Boxed<'a, Result<Vec<u8>, FetchFault>>;
}

/// Why an outside token is refused. For the log; the caller is told that the grant is not valid.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum OutsideFault {
    /// It is no token, or one that demands what we don't have.
    #[error("malformed")]
    Malformed,
    /// Its issuer is not one of ours.
    #[error("unknown issuer")]
    Issuer,
    /// `alg` is not allowed for the issuer, or not for the key.
    #[error("algorithm")]
    Algorithm,
    /// Its key is not among the issuer's.
    #[error("unknown key")]
    Key,
    /// The signature does not fit.
    #[error("signature")]
    Signature,
    /// It is for somebody else.
    #[error("audience")]
    Audience,
    /// It has ended, or not begun, or lives too long.
    #[error("time")]
    Time,
    /// A required claim is missing or of another type.
    #[error("claims")]
    Claims,
    /// The issuer's keys can't be read now.
    #[error("the issuer's keys can't be read: {0}")]
    Unavailable(FetchFault),
}

/// The outside issuers of a deployment, with what is known of their keys.
pub(crate) struct Outside {
    issuers: Vec<(TrustedIssuer, Mutex<KeySet>)>,
    fetch: Arc<dyn Fetch>,
}

impl Outside {
    /// Issuers, and how their documents are read.
    pub(crate) fn new(issuers: Vec<TrustedIssuer>, fetch: Arc<dyn Fetch>) -> Self {
        Self { issuers: issuers.into_iter().map(|issuer| (issuer, Mutex::default())).collect(), fetch }
    }

    /// Whom a token means.
    pub(crate) async fn verify(&self, token: &str, now: DateTime<Utc>) -> Result<OutsideIdentity, OutsideFault> {
        let header = header_of(token)?;
        let claimed = claims_of(token)?;
        let named = claimed.get("iss").and_then(Value::as_str).ok_or(OutsideFault::Claims)?;
        // An issuer that we don't know is never asked for anything.
        let known = self.issuers.iter().find(|(trusted, _)| trusted.issuer == named);
        let (trusted, keys) = known.ok_or(OutsideFault::Issuer)?;
        if !trusted.algorithms.contains(&header.algorithm) {
            return Err(OutsideFault::Algorithm);
        }
        let key = keys.lock().await.key(trusted, &header.kid, self.fetch.as_ref(), now).await?;
        signed_by(&key, token, &header)?;
        checked(&claimed, trusted, now)
    }
}

/// What the header of a token says that is of use.
pub(super) struct TokenHeader {
    pub(super) kid: String,
    algorithm: Algorithm,
}

/// Whether a key signed a token, by an algorithm that is the key's.
pub(super) fn signed_by(key: &IssuerKey, token: &str, header: &TokenHeader) -> Result<(), OutsideFault> {
    if !key.algorithms.contains(&header.algorithm) {
        return Err(OutsideFault::Algorithm);
    }
    let mut validation = Validation::new(header.algorithm);
    // Signature and algorithm only: the claims are checked apart, each by hand and against our clock.
    validation.required_spec_claims.clear();
    validation.validate_exp = false;
    validation.validate_aud = false;
    jsonwebtoken::decode::<Value>(token, &key.key, &validation).map(|_| ()).map_err(|_| OutsideFault::Signature)
}

fn part(token: &str, index: usize) -> Result<Value, OutsideFault> {
    if token.len() > MAX_TOKEN_BYTES || token.split('.').count() != 3 {
        return Err(OutsideFault::Malformed);
    }
    let encoded = token.split('.').nth(index).unwrap_or_default();
    let bytes = URL_SAFE_NO_PAD.decode(encoded).map_err(|_| OutsideFault::Malformed)?;
    serde_json::from_slice(&bytes).map_err(|_| OutsideFault::Malformed)
}

/// Reads the header of a token.
pub(super) fn header_of(token: &str) -> Result<TokenHeader, OutsideFault> {
    let header = part(token, 0)?;
    if header.get("crit").is_some() {
        return Err(OutsideFault::Malformed);
    }
    let typ = header.get("typ").map_or(Some("JWT"), Value::as_str).ok_or(OutsideFault::Malformed)?;
    if !typ.eq_ignore_ascii_case("jwt") && !typ.eq_ignore_ascii_case("at+jwt") {
        return Err(OutsideFault::Malformed);
    }
    let kid = header.get("kid").and_then(Value::as_str).ok_or(OutsideFault::Key)?.to_owned();
    let word = header.get("alg").and_then(Value::as_str).ok_or(OutsideFault::Algorithm)?;
    let algorithm = word.parse().map_err(|_| OutsideFault::Algorithm)?;
    Ok(TokenHeader { kid, algorithm })
}

/// What the token claims; nothing of it is true before the signature was checked.
pub(super) fn claims_of(token: &str) -> Result<Value, OutsideFault> {
    part(token, 1)
}

fn checked(claims: &Value, trusted: &TrustedIssuer, now: DateTime<Utc>) -> Result<OutsideIdentity, OutsideFault> {
    let ours = |value: &Value| value.as_str() == Some(trusted.audience.as_str());
    let audiences = match claims.get("aud") {
        Some(Value::Array(several)) => several.as_slice(),
        Some(one @ Value::String(_)) => std::slice::from_ref(one),
        Some(_) | None => return Err(OutsideFault::Claims),
    };
    // A token for several must have been asked for by us (OpenID Connect Core, 3.1.3.7).
    let asked_by_us = audiences.len() == 1 || claims.get("azp").is_some_and(ours);
    if !audiences.iter().any(ours) || !asked_by_us {
        return Err(OutsideFault::Audience);
    }
    let instant = |name: &str| claims.get(name).and_then(Value::as_i64).ok_or(OutsideFault::Claims);
    let (begins, ends, seconds) = (instant("iat")?, instant("exp")?, now.timestamp());
    let not_before = if claims.get("nbf").is_some() { instant("nbf")? } else { begins };
    let too_long = ends.saturating_sub(begins) > MAX_LIFE;
    if ends <= seconds - LEEWAY || begins.max(not_before) > seconds + LEEWAY || too_long {
        return Err(OutsideFault::Time);
    }
    let subject = claims.get("sub").and_then(Value::as_str).ok_or(OutsideFault::Claims)?;
    if subject.is_empty() || subject.len() > 255 {
        return Err(OutsideFault::Claims);
    }
    Ok(OutsideIdentity { issuer: trusted.issuer.clone(), subject: subject.to_owned() })
}

#[cfg(test)]
mod tests;
