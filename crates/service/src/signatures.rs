//! Signatures of conclusions: the server's own (JWS, ES256, with a key that never ends), and an expert's detached
//! one with a certificate ([`experts`]).

pub(crate) mod experts;

use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::signature::{
    ECDSA_P256_SHA256_FIXED, ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, KeyPair, UnparsedPublicKey,
};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use chrono::{DateTime, Utc};
use recourse_repository::{ConclusionKey, Store};
use serde_json::{Value, json};
use uuid::Uuid;

use crate::error::{Answer, Refusal};

/// `typ` of a signed conclusion.
const TYPE: &str = "recourse-conclusion+jws";
/// Longest signature that is looked at.
const MAX_JWS_BYTES: usize = 200_000;

/// Why a signature does not hold, in words for people.
pub(crate) type Fault = String;

/// Makes a key that signs conclusions from now on; the keys before it go on to verify.
pub(crate) async fn add_key(store: &Store, kid: Uuid, only_first: bool, now: DateTime<Utc>) -> Answer<String> {
    let pkcs8 = EcdsaKeyPair::generate_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, &SystemRandom::new())
        .map_err(|_| Refusal::fault("a conclusion key could not be made"))?;
    let key = ConclusionKey { kid: kid.simple().to_string(), pkcs8: pkcs8.as_ref().to_vec() };
    store.add_conclusion_key(&key, only_first, now).await?;
    Ok(key.kid)
}

/// The key that signs.
pub(crate) async fn signing_key(store: &Store) -> Answer<ConclusionKey> {
    let newest = store.conclusion_keys().await?.into_iter().next();
    newest.ok_or_else(|| Refusal::fault("there is no conclusion key"))
}

/// The public keys as a JWK set (RFC 7517).
pub(crate) async fn jwks(store: &Store) -> Answer<Value> {
    let mut keys = Vec::new();
    for key in store.conclusion_keys().await? {
        let point = public_point(&key)?;
        let (x, y) = point.get(1..).unwrap_or_default().split_at_checked(32).unwrap_or_default();
        keys.push(json!({
            "kty": "EC", "crv": "P-256", "alg": "ES256", "use": "sig", "kid": key.kid,
            "x": URL_SAFE_NO_PAD.encode(x), "y": URL_SAFE_NO_PAD.encode(y),
        }));
    }
    Ok(json!({ "keys": keys }))
}

fn pair(key: &ConclusionKey) -> Answer<EcdsaKeyPair> {
    EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, &key.pkcs8)
        .map_err(|_| Refusal::fault(format!("conclusion key {} can't be read", key.kid)))
}

/// The public key as an uncompressed point: 0x04, x, y.
fn public_point(key: &ConclusionKey) -> Answer<Vec<u8>> {
    Ok(pair(key)?.public_key().as_ref().to_vec())
}

/// Signs a text: a compact JWS.
pub(crate) fn sign(key: &ConclusionKey, text: &str) -> Answer<String> {
    let header = json!({"alg": "ES256", "kid": key.kid, "typ": TYPE}).to_string();
    let signed = format!("{}.{}", URL_SAFE_NO_PAD.encode(header), URL_SAFE_NO_PAD.encode(text));
    let signature = pair(key)?
        .sign(&SystemRandom::new(), signed.as_bytes())
        .map_err(|_| Refusal::fault("a conclusion could not be signed"))?;
    Ok(format!("{signed}.{}", URL_SAFE_NO_PAD.encode(signature)))
}

/// The parts of a JWS: its header, what was signed, and the signature.
struct Parts {
    header: Value,
    signed: String,
    payload: String,
    signature: Vec<u8>,
}

fn parts(jws: &str, detached: Option<&str>) -> Result<Parts, Fault> {
    if jws.len() > MAX_JWS_BYTES {
        return Err("the signature is longer than any that is looked at".into());
    }
    let mut pieces = jws.split('.');
    let (Some(header), Some(payload), Some(signature), None) =
        (pieces.next(), pieces.next(), pieces.next(), pieces.next())
    else {
        return Err("a JWS has three parts, separated by dots".into());
    };
    let payload = match detached {
        Some(text) if payload.is_empty() => URL_SAFE_NO_PAD.encode(text),
        Some(_) => return Err("a detached JWS leaves its middle part empty".into()),
        None => payload.to_owned(),
    };
    let bytes = |part: &str| URL_SAFE_NO_PAD.decode(part).map_err(|_| "a part is not base64url".to_owned());
    let parsed: Value = serde_json::from_slice(&bytes(header)?).map_err(|_| "the header is not JSON".to_owned())?;
    if parsed.get("alg").and_then(Value::as_str) != Some("ES256") {
        return Err("the algorithm is not ES256".into());
    }
    if parsed.get("crit").is_some() {
        return Err("the header demands an extension".into());
    }
    let text = String::from_utf8(bytes(&payload)?).map_err(|_| "the payload is not text".to_owned())?;
    let signature = bytes(signature)?;
    Ok(Parts { header: parsed, signed: format!("{header}.{payload}"), payload: text, signature })
}

fn fits(point: &[u8], parts: &Parts) -> bool {
    UnparsedPublicKey::new(&ECDSA_P256_SHA256_FIXED, point).verify(parts.signed.as_bytes(), &parts.signature).is_ok()
}

/// What became of the server's own signature.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct ServerCheck {
    /// The text that was signed.
    pub text: Result<String, Fault>,
    /// Whether the key is known.
    pub key: Result<(), Fault>,
    /// Whether the signature fits.
    pub signature: Result<(), Fault>,
}

/// Checks the server's own signature with the keys that are known.
pub(crate) fn check_own(jws: &str, keys: &[ConclusionKey]) -> ServerCheck {
    let unread =
        |fault: Fault| ServerCheck { text: Err(fault.clone()), key: Err(fault.clone()), signature: Err(fault) };
    let parts = match parts(jws, None) {
        Ok(parts) => parts,
        Err(fault) => return unread(fault),
    };
    let kid = parts.header.get("kid").and_then(Value::as_str).unwrap_or_default();
    let point = keys.iter().find(|key| key.kid == kid).and_then(|key| public_point(key).ok());
    let (key, signature) = match point {
        None => (Err(format!("no key {kid} is known")), Err("without its key the signature can't be checked".into())),
        Some(point) if fits(&point, &parts) => (Ok(()), Ok(())),
        Some(_) => (Ok(()), Err("the signature does not fit text and key: one of them was altered".into())),
    };
    ServerCheck { text: Ok(parts.payload), key, signature }
}

#[cfg(test)]
mod tests {
    use super::*;

    type Outcome = Result<(), Box<dyn std::error::Error>>;

    fn key(kid: &str) -> Result<ConclusionKey, Box<dyn std::error::Error>> {
        let pkcs8 = EcdsaKeyPair::generate_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, &SystemRandom::new())?;
        Ok(ConclusionKey { kid: kid.into(), pkcs8: pkcs8.as_ref().to_vec() })
    }

    #[test]
    fn a_signature_names_its_key_and_notices_every_change() -> Outcome {
        let (old, new) = (key("old")?, key("new")?);
        let jws = sign(&old, "{\"a\":1}").map_err(|refusal| refusal.to_string())?;
        let both = [new.clone(), old.clone()];
        let whole = check_own(&jws, &both);
        assert_eq!((whole.text, whole.key, whole.signature), (Ok("{\"a\":1}".into()), Ok(()), Ok(())));
        let unknown = check_own(&jws, std::slice::from_ref(&new));
        assert_eq!(unknown.key, Err("no key old is known".into()));
        assert!(unknown.signature.is_err());
        let stolen = ConclusionKey { kid: "old".into(), ..new };
        let other = check_own(&jws, &[stolen]);
        assert_eq!(other.key, Ok(()));
        assert!(other.signature.is_err_and(|fault| fault.contains("altered")));
        let mut pieces: Vec<String> = jws.split('.').map(str::to_owned).collect();
        pieces[1] = URL_SAFE_NO_PAD.encode("{\"a\":2}");
        assert!(check_own(&pieces.join("."), &both).signature.is_err());
        for broken in ["", "a.b", "a.b.c.d", "é.é.é"] {
            assert!(check_own(broken, &both).text.is_err(), "{broken}");
        }
        Ok(())
    }
}
