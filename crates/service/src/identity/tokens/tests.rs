//! What a token says, and what is refused of those that others made.

use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair};

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
    let text = format!("{}.{}", URL_SAFE_NO_PAD.encode(header.to_string()), URL_SAFE_NO_PAD.encode(claims.to_string()));
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
