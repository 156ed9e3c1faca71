//! Signing keys: made, stored, and what each of them is for.

use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, KeyPair};
use base64::Engine;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use chrono::{DateTime, Utc};
use jsonwebtoken::{DecodingKey, EncodingKey};
use recourse_repository::KeyTimes;
use serde_json::{Value, json};

use super::TokenFault;

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

/// A signing key, ready to sign and to verify.
pub(super) struct TokenKey {
    pub(super) times: KeyTimes,
    pub(super) signing: EncodingKey,
    pub(super) key: DecodingKey,
    pub(super) jwk: Value,
}

pub(super) fn token_key(stored: &StoredKey) -> Result<TokenKey, TokenFault> {
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
