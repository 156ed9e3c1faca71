//! The keys of an outside issuer: found by discovery, cached, refreshed, and asked for no oftener than we
//! decide, whatever tokens name.

use std::collections::HashMap;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use chrono::{DateTime, TimeDelta, Utc};
use jsonwebtoken::jwk::{AlgorithmParameters, EllipticCurve, Jwk, PublicKeyUse};
use jsonwebtoken::{Algorithm, DecodingKey};
use serde_json::Value;

use super::{Fetch, OutsideFault, TrustedIssuer};

/// Age at which keys are read again.
const REFRESH: TimeDelta = TimeDelta::hours(1);
/// Age at which keys that could not be read again count for nothing.
const STALE: TimeDelta = TimeDelta::hours(24);
/// Time between two questions, however many tokens name keys that are not there.
const PAUSE: TimeDelta = TimeDelta::seconds(30);
/// Keys that are taken from one issuer.
const MAX_KEYS: usize = 100;
/// Fewest bytes of an RSA modulus: 2048 bits.
const MIN_RSA_BYTES: usize = 256;

/// Why a document of an issuer was not read.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum FetchFault {
    /// The address is none that we go to.
    #[error("the address is refused: {0}")]
    Refused(&'static str),
    /// It does not answer, or not in time.
    #[error("no answer: {0}")]
    Unreachable(String),
    /// It answers something else than a document of the size that we take.
    #[error("not the document: {0}")]
    Unfit(&'static str),
    /// It was asked a moment ago.
    #[error("asked a moment ago")]
    Paused,
}

/// A key of an issuer, and the algorithms that it is for.
#[derive(Clone)]
pub(in crate::identity) struct IssuerKey {
    pub(super) key: DecodingKey,
    pub(super) algorithms: Vec<Algorithm>,
}

/// What is known of an issuer's keys.
#[derive(Default)]
pub(super) struct KeySet {
    keys: HashMap<String, IssuerKey>,
    read: Option<DateTime<Utc>>,
    asked: Option<DateTime<Utc>>,
}

impl KeySet {
    /// The key of a name. The issuer is asked if the keys are old or the name is new, but not again within
    /// the pause: the answer "not there" is remembered as well.
    pub(super) async fn key(
        &mut self,
        trusted: &TrustedIssuer,
        kid: &str,
        fetch: &dyn Fetch,
        now: DateTime<Utc>,
    ) -> Result<IssuerKey, OutsideFault> {
        let age = self.read.map(|read| now - read);
        let due = age.is_none_or(|age| age > REFRESH) || !self.keys.contains_key(kid);
        let mut fault = None;
        if due {
            let paused = self.asked.is_some_and(|asked| now - asked < PAUSE);
            if paused {
                fault = Some(FetchFault::Paused);
            } else {
                self.asked = Some(now);
                match read(trusted, fetch).await {
                    Ok(keys) => {
                        self.keys = keys;
                        self.read = Some(now);
                    }
                    Err(why) => {
                        tracing::warn!(issuer = trusted.issuer, %why, "the keys of an outside issuer can't be read");
                        fault = Some(why);
                    }
                }
            }
        }
        match self.read {
            Some(read) if now - read <= STALE => self.keys.get(kid).cloned().ok_or(OutsideFault::Key),
            Some(_) | None => Err(OutsideFault::Unavailable(fault.unwrap_or(FetchFault::Paused))),
        }
    }
}

async fn read(trusted: &TrustedIssuer, fetch: &dyn Fetch) -> Result<HashMap<String, IssuerKey>, FetchFault> {
    let address = match &trusted.jwks_uri {
        Some(address) => address.clone(),
        None => discover(trusted, fetch).await?,
    };
    let document = parsed(&fetch.get(&address).await?)?;
    let keys = key_set(&document);
    if keys.is_empty() { Err(FetchFault::Unfit("no key of use")) } else { Ok(keys) }
}

/// The keys of a JWK set that are of use, by name.
pub(in crate::identity) fn key_set(document: &Value) -> HashMap<String, IssuerKey> {
    let listed = document.get("keys").and_then(Value::as_array);
    listed.into_iter().flatten().take(MAX_KEYS).filter_map(usable).collect()
}

/// Where the keys are, as the issuer itself says (OpenID Connect Discovery): the document must be its own.
async fn discover(trusted: &TrustedIssuer, fetch: &dyn Fetch) -> Result<String, FetchFault> {
    let address = format!("{}/.well-known/openid-configuration", trusted.issuer.trim_end_matches('/'));
    let document = parsed(&fetch.get(&address).await?)?;
    if document.get("issuer").and_then(Value::as_str) != Some(trusted.issuer.as_str()) {
        return Err(FetchFault::Unfit("the metadata of another issuer"));
    }
    let address = document.get("jwks_uri").and_then(Value::as_str);
    address.map(str::to_owned).ok_or(FetchFault::Unfit("metadata without jwks_uri"))
}

fn parsed(bytes: &[u8]) -> Result<Value, FetchFault> {
    serde_json::from_slice(bytes).map_err(|_| FetchFault::Unfit("no JSON"))
}

/// A key that signs, by a public algorithm, with a name. What else stands in a set is passed over.
fn usable(document: &Value) -> Option<(String, IssuerKey)> {
    let jwk: Jwk = serde_json::from_value(document.clone()).ok()?;
    if jwk.common.public_key_use.as_ref().is_some_and(|purpose| *purpose != PublicKeyUse::Signature) {
        return None;
    }
    let kid = jwk.common.key_id.clone()?;
    let mut algorithms = algorithms_of(&jwk)?;
    if let Some(named) = document.get("alg").and_then(Value::as_str) {
        algorithms.retain(|algorithm| format!("{algorithm:?}") == named);
    }
    let key = DecodingKey::from_jwk(&jwk).ok()?;
    Some((kid, IssuerKey { key, algorithms }))
}

/// The algorithms of a key's family. A shared secret in a public document is no secret, and has none.
fn algorithms_of(jwk: &Jwk) -> Option<Vec<Algorithm>> {
    if let AlgorithmParameters::RSA(rsa) = &jwk.algorithm {
        let modulus = URL_SAFE_NO_PAD.decode(&rsa.n).ok()?;
        let bytes = modulus.iter().skip_while(|byte| **byte == 0).count();
        use Algorithm::{PS256, PS384, PS512, RS256, RS384, RS512};
        return (bytes >= MIN_RSA_BYTES).then(|| vec![RS256, RS384, RS512, PS256, PS384, PS512]);
    }
    if let AlgorithmParameters::EllipticCurve(curve) = &jwk.algorithm {
        let known = [(EllipticCurve::P256, Algorithm::ES256), (EllipticCurve::P384, Algorithm::ES384)];
        return known.into_iter().find(|(name, _)| *name == curve.curve).map(|(_, algorithm)| vec![algorithm]);
    }
    if let AlgorithmParameters::OctetKeyPair(pair) = &jwk.algorithm {
        return (pair.curve == EllipticCurve::Ed25519).then(|| vec![Algorithm::EdDSA]);
    }
    None
}
