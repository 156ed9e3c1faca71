//! Programs that sign instead of showing a secret (`private_key_jwt`, RFC 7523): the secret never travels.

use chrono::{DateTime, TimeDelta, Utc};
use recourse_domain::identity::ApiClient;
use recourse_domain::text::Violation;
use serde_json::Value;
use uuid::Uuid;

use super::outside::{OutsideFault, claims_of, header_of, key_set, signed_by};
use super::passwords::fingerprint;

/// `client_assertion_type` of the RFC.
pub const ASSERTION_TYPE: &str = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer";
/// Longest life of an assertion: it is used once, now.
const MAX_LIFE: TimeDelta = TimeDelta::minutes(10);
/// Seconds by which clocks may differ.
const LEEWAY: TimeDelta = TimeDelta::seconds(30);

/// An assertion that its client signed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Assertion {
    /// By which its use is remembered.
    pub(super) hash: Vec<u8>,
    /// Until when it must be remembered.
    pub(super) expires: DateTime<Utc>,
}

/// The client that an assertion claims to be of; nothing of it is true yet.
pub(super) fn claimed_client(assertion: &str) -> Option<Uuid> {
    Uuid::parse_str(claims_of(assertion).ok()?.get("sub")?.as_str()?).ok()
}

/// Checks that a client made an assertion, for us, now.
pub(super) fn verify(
    client: &ApiClient,
    assertion: &str,
    audiences: &[String],
    now: DateTime<Utc>,
) -> Result<Assertion, OutsideFault> {
    let header = header_of(assertion)?;
    let document: Value = serde_json::from_str(&client.public_keys).map_err(|_| OutsideFault::Key)?;
    let keys = key_set(&document);
    signed_by(keys.get(&header.kid).ok_or(OutsideFault::Key)?, assertion, &header)?;
    let claims = claims_of(assertion)?;
    let text = |name: &str| claims.get(name).and_then(Value::as_str).ok_or(OutsideFault::Claims);
    let id = client.id.to_string();
    if text("iss")? != id || text("sub")? != id {
        return Err(OutsideFault::Claims);
    }
    // One audience, and that one ours: an assertion made for another server is none for us.
    let audience = match claims.get("aud") {
        Some(Value::String(one)) => one.as_str(),
        Some(Value::Array(one)) if one.len() == 1 => one.first().and_then(Value::as_str).unwrap_or_default(),
        Some(_) | None => return Err(OutsideFault::Claims),
    };
    if !audiences.iter().any(|ours| ours == audience) {
        return Err(OutsideFault::Audience);
    }
    let ends = claims.get("exp").and_then(Value::as_i64).and_then(|seconds| DateTime::from_timestamp(seconds, 0));
    let ends = ends.ok_or(OutsideFault::Claims)?;
    let not_before = match claims.get("nbf") {
        None => None,
        Some(value) => Some(value.as_i64().ok_or(OutsideFault::Claims)?),
    };
    let early = not_before.is_some_and(|seconds| seconds > (now + LEEWAY).timestamp());
    if ends <= now - LEEWAY || ends > now + MAX_LIFE + LEEWAY || early {
        return Err(OutsideFault::Time);
    }
    let jti = text("jti")?;
    if jti.is_empty() || jti.len() > 255 {
        return Err(OutsideFault::Claims);
    }
    Ok(Assertion { hash: fingerprint(&format!("{id} {jti}")), expires: ends + LEEWAY })
}

/// What is wrong with the public keys of a client at `field`.
pub(super) fn check(field: &str, text: &str) -> Vec<Violation> {
    let refused = |en: &str, zh: &str| vec![Violation::new(field, "BAD_KEY_SET", en, zh)];
    let Ok(document) = serde_json::from_str::<Value>(text) else {
        return refused("a JWK set is JSON: {\"keys\": [...]}", "JWK set 必须是 JSON：{\"keys\": [...]}");
    };
    let listed = document.get("keys").and_then(Value::as_array).map_or(&[][..], Vec::as_slice);
    if listed.iter().any(|key| ["d", "p", "q", "k"].iter().any(|private| key.get(private).is_some())) {
        return refused(
            "this set holds a private key, which is known to others now; make a new pair and send its public part",
            "该集合包含私钥，私钥已泄露；请重新生成密钥对并仅提交公钥部分",
        );
    }
    if listed.is_empty() || key_set(&document).len() != listed.len() {
        return refused(
            "each key needs a kid of its own and is for signatures: EC P-256 or P-384, Ed25519, RSA of 2048 bits or more",
            "每个密钥须有唯一的 kid 且用于签名：EC P-256 或 P-384、Ed25519、2048 位以上 RSA",
        );
    }
    Vec::new()
}
