//! Access tokens: JWTs signed with ES256, and the strict reading of what others send us.
//!
//! The library checks the signature and, if told so, the registered claims it finds; it does not insist on
//! `typ`, `iat`, types of claims or an empty `crit`, and never on all at once. Here each is required by hand,
//! so that a refresh token, an ID token or a token for another service is no access token.

use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, KeyPair};
use base64::Engine;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use chrono::{DateTime, Utc};
use jsonwebtoken::errors::ErrorKind;
use jsonwebtoken::{Algorithm, DecodingKey, EncodingKey, Header, Validation};
use recourse_repository::KeyTimes;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use uuid::Uuid;

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

/// A signing key as the key store keeps it.
#[derive(Clone)]
pub struct StoredKey {
    /// Its name in tokens, and when it does what.
    pub times: KeyTimes,
    /// PKCS#8 of the private key.
    pub pkcs8: Vec<u8>,
}

/// Makes a new ES256 key pair that begins to sign at an instant.
pub fn generate_key(kid: String, activate_time: DateTime<Utc>) -> Result<StoredKey, TokenFault> {
    let pkcs8 = EcdsaKeyPair::generate_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, &SystemRandom::new())
        .map_err(|_| TokenFault::UnknownKey)?;
    let times = KeyTimes { kid, activate_time, verify_until: None };
    Ok(StoredKey { times, pkcs8: pkcs8.as_ref().to_vec() })
}

/// What a signing key is for, at an instant.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum KeyState {
    /// Told to everybody, so that nobody is surprised; it does not sign yet.
    Next,
    /// It signs.
    Active,
    /// It signs no more; what it signed is verified until it has ended.
    Retired,
    /// Nothing is verified with it.
    Ended,
}

struct TokenKey {
    times: KeyTimes,
    signing: EncodingKey,
    key: DecodingKey,
    jwk: Value,
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

fn token_key(stored: &StoredKey) -> Result<TokenKey, TokenFault> {
    let pair = EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, &stored.pkcs8)
        .map_err(|_| TokenFault::UnknownKey)?;
    // Uncompressed point: 0x04, x, y.
    let point = pair.public_key().as_ref();
    let (x, y) = point.get(1..).unwrap_or_default().split_at_checked(32).ok_or(TokenFault::UnknownKey)?;
    let (x, y) = (URL_SAFE_NO_PAD.encode(x), URL_SAFE_NO_PAD.encode(y));
    let key = DecodingKey::from_ec_components(&x, &y).map_err(|_| TokenFault::UnknownKey)?;
    let jwk = json!({
        "kty": "EC", "crv": "P-256", "alg": "ES256", "use": "sig", "kid": stored.times.kid, "x": x, "y": y,
    });
    let signing = EncodingKey::from_ec_pem(pem_of(&stored.pkcs8).as_bytes()).map_err(|_| TokenFault::UnknownKey)?;
    Ok(TokenKey { times: stored.times.clone(), signing, key, jwk })
}

fn pem_of(pkcs8: &[u8]) -> String {
    let mut pem = String::from("-----BEGIN PRIVATE KEY-----\n");
    for line in STANDARD.encode(pkcs8).as_bytes().chunks(64) {
        pem.push_str(&String::from_utf8_lossy(line));
        pem.push('\n');
    }
    pem.push_str("-----END PRIVATE KEY-----\n");
    pem
}

#[cfg(test)]
mod tests {
    use super::*;

    type Outcome = Result<(), Box<dyn std::error::Error>>;

    fn now() -> DateTime<Utc> {
        DateTime::from_timestamp(1_790_000_000, 0).unwrap_or_default()
    }

    fn claims() -> AccessClaims {
        AccessClaims {
            sub: Uuid::from_u128(1),
            org: Uuid::from_u128(2),
            roles: vec!["STATION".into()],
            sid: Some(Uuid::from_u128(3)),
            client_id: None,
            scope: String::new(),
            iat: now().timestamp(),
            exp: now().timestamp() + ACCESS_SECONDS,
            iss: "https://recourse.test".into(),
            aud: "recourse".into(),
            jti: Uuid::from_u128(4),
        }
    }

    fn keys() -> Result<(TokenKeys, StoredKey), TokenFault> {
        let key = generate_key("k1".into(), now())?;
        let keys = TokenKeys::new("https://recourse.test".into(), "recourse".into(), std::slice::from_ref(&key))?;
        Ok((keys, key))
    }

    /// Signs any header and claims with the right key, as an attacker with a confused issuer might get it.
    fn forge(key: &StoredKey, header: &Value, claims: &Value) -> Result<String, Box<dyn std::error::Error>> {
        let text =
            format!("{}.{}", URL_SAFE_NO_PAD.encode(header.to_string()), URL_SAFE_NO_PAD.encode(claims.to_string()));
        let pair = EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, &key.pkcs8)?;
        let signature = pair.sign(&SystemRandom::new(), text.as_bytes())?;
        Ok(format!("{text}.{}", URL_SAFE_NO_PAD.encode(signature)))
    }

    fn good_header() -> Value {
        json!({"alg": "ES256", "typ": "at+jwt", "kid": "k1"})
    }

    #[test]
    fn a_token_of_ours_is_read_back() -> Outcome {
        let (keys, key) = keys()?;
        assert_eq!(keys.verify(&keys.sign(&claims(), now())?, now())?, claims());
        let forged = forge(&key, &good_header(), &serde_json::to_value(claims())?)?;
        assert_eq!(keys.verify(&forged, now())?, claims(), "the forging helper itself is sound");
        Ok(())
    }

    #[test]
    fn every_claim_is_required_with_its_type() -> Outcome {
        let (keys, key) = keys()?;
        let whole = serde_json::to_value(claims())?;
        for claim in ["sub", "org", "roles", "iat", "exp", "iss", "aud", "jti"] {
            let mut without = whole.clone();
            without.as_object_mut().map(|map| map.remove(claim));
            let token = forge(&key, &good_header(), &without)?;
            assert_eq!(keys.verify(&token, now()), Err(TokenFault::Claims), "without {claim}");
            let mut odd = whole.clone();
            odd[claim] = json!({"a": 1});
            let token = forge(&key, &good_header(), &odd)?;
            assert_eq!(keys.verify(&token, now()), Err(TokenFault::Claims), "odd {claim}");
        }
        Ok(())
    }

    #[test]
    fn a_wrong_header_is_refused() -> Outcome {
        let (keys, key) = keys()?;
        let body = serde_json::to_value(claims())?;
        let cases = [
            (json!({"alg": "none", "typ": "at+jwt", "kid": "k1"}), TokenFault::Algorithm),
            (json!({"alg": "HS256", "typ": "at+jwt", "kid": "k1"}), TokenFault::Algorithm),
            (json!({"alg": "EdDSA", "typ": "at+jwt", "kid": "k1"}), TokenFault::Algorithm),
            (json!({"alg": "ES256", "typ": "JWT", "kid": "k1"}), TokenFault::Type),
            (json!({"alg": "ES256", "kid": "k1"}), TokenFault::Type),
            (json!({"alg": "ES256", "typ": "at+jwt"}), TokenFault::UnknownKey),
            (json!({"alg": "ES256", "typ": "at+jwt", "kid": "../k1"}), TokenFault::UnknownKey),
            (json!({"alg": "ES256", "typ": "at+jwt", "kid": "k1", "crit": ["b64"]}), TokenFault::Critical),
            (json!({"alg": "ES256", "typ": "at+jwt", "kid": "k1", "crit": []}), TokenFault::Critical),
        ];
        for (header, fault) in cases {
            assert_eq!(keys.verify(&forge(&key, &header, &body)?, now()), Err(fault), "{header}");
        }
        Ok(())
    }

    #[test]
    fn another_key_under_our_name_is_refused() -> Outcome {
        let (keys, _) = keys()?;
        let other = generate_key("k1".into(), now())?;
        let body = serde_json::to_value(claims())?;
        assert_eq!(keys.verify(&forge(&other, &good_header(), &body)?, now()), Err(TokenFault::Signature));
        let mut with_jwk = good_header();
        with_jwk["jwk"] =
            TokenKeys::new("a".into(), "b".into(), std::slice::from_ref(&other))?.jwks(now())["keys"][0].clone();
        assert_eq!(keys.verify(&forge(&other, &with_jwk, &body)?, now()), Err(TokenFault::Signature));
        Ok(())
    }

    #[test]
    fn time_issuer_and_audience_count() -> Outcome {
        let (keys, key) = keys()?;
        let at = now().timestamp();
        let cases = [
            ("exp", json!(at - 60), TokenFault::Time),
            ("iat", json!(at + 60), TokenFault::Time),
            ("nbf", json!(at + 60), TokenFault::Time),
            ("nbf", json!("soon"), TokenFault::Claims),
            ("exp", json!(at + 86_400), TokenFault::Time),
            ("iss", json!("https://elsewhere.test"), TokenFault::Audience),
            ("aud", json!("payments"), TokenFault::Audience),
            ("aud", json!(["recourse"]), TokenFault::Claims),
        ];
        for (claim, value, fault) in cases {
            let mut body = serde_json::to_value(claims())?;
            body[claim] = value.clone();
            let token = forge(&key, &good_header(), &body)?;
            assert_eq!(keys.verify(&token, now()), Err(fault), "{claim} = {value}");
        }
        Ok(())
    }

    #[test]
    fn garbage_is_refused_without_a_panic() -> Outcome {
        let (keys, _) = keys()?;
        let token = keys.sign(&claims(), now())?;
        let cut = token.get(..token.len() - 4).unwrap_or_default();
        for garbage in ["", ".", "..", "a.b.c", "....", cut, &"x".repeat(10_000), "ｅｙ.ｅｙ.ｅｙ"] {
            assert!(keys.verify(garbage, now()).is_err(), "{garbage}");
        }
        Ok(())
    }

    #[test]
    fn keys_follow_one_another() -> Outcome {
        let (issuer, audience) = (|| "https://recourse.test".to_owned(), || "recourse".to_owned());
        let at = |seconds: i64| now() + chrono::TimeDelta::seconds(seconds);
        let mut old = generate_key("old".into(), at(0))?;
        let before = TokenKeys::new(issuer(), audience(), std::slice::from_ref(&old))?;
        let token = before.sign(&claims(), at(0))?;
        old.times.verify_until = Some(at(100));
        let after = TokenKeys::new(issuer(), audience(), &[old, generate_key("new".into(), at(10))?])?;
        // seconds → what "new" and "old" are for, and keys in the set
        let table = [
            (0, KeyState::Next, KeyState::Active, 2),
            (9, KeyState::Next, KeyState::Active, 2),
            (10, KeyState::Active, KeyState::Retired, 2),
            (99, KeyState::Active, KeyState::Retired, 2),
            (100, KeyState::Active, KeyState::Ended, 1),
        ];
        for (seconds, new, old, keys) in table {
            assert_eq!(after.states(at(seconds)), [("new", new), ("old", old)], "at {seconds}");
            assert_eq!(after.jwks(at(seconds))["keys"].as_array().map(Vec::len), Some(keys), "at {seconds}");
            let signed_by = after.sign(&claims(), at(seconds))?;
            let verified = before.verify(&signed_by, at(seconds)).is_ok();
            assert_eq!(verified, old == KeyState::Active, "only a new key is unknown to the old set, at {seconds}");
            assert!(after.verify(&signed_by, at(seconds)).is_ok());
            let expected = if old == KeyState::Ended { Err(TokenFault::UnknownKey) } else { Ok(claims()) };
            assert_eq!(after.verify(&token, at(seconds)), expected, "at {seconds}");
        }
        let early = TokenKeys::new(issuer(), audience(), &[generate_key("only".into(), at(10))?])?;
        assert_eq!(early.states(at(0)), [("only", KeyState::Active)], "a clock that lags signs all the same");
        Ok(())
    }
}
