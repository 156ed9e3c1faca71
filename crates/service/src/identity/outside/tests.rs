//! An issuer made of two documents, and what its tokens are worth.

use std::sync::atomic::{AtomicU32, Ordering};

use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, KeyPair};
use chrono::TimeDelta;
use serde_json::json;

use super::*;

const ISSUER: &str = "https://login.example.com/realm";

type Outcome = Result<(), Box<dyn std::error::Error>>;

/// Answers from memory, and counts.
struct Documents {
    jwks: std::sync::Mutex<Option<Value>>,
    metadata_issuer: &'static str,
    asked: AtomicU32,
}

impl Fetch for Documents {
    fn get<'a>(&'a self, url: &'a str) -> Boxed<'a, Result<Vec<u8>, FetchFault>> {
        Box::pin(async move {
            let metadata = json!({"issuer": self.metadata_issuer, "jwks_uri": "https://keys.example.com/set"});
            if url == "https://login.example.com/realm/.well-known/openid-configuration" {
                return Ok(metadata.to_string().into_bytes());
            }
            assert_eq!(url, "https://keys.example.com/set");
            self.asked.fetch_add(1, Ordering::Relaxed);
            let jwks = self.jwks.lock().map_err(|_| FetchFault::Paused)?.clone();
            jwks.map(|jwks| jwks.to_string().into_bytes()).ok_or(FetchFault::Unfit("no keys"))
        })
    }
}

struct Issuer {
    pair: EcdsaKeyPair,
    documents: Arc<Documents>,
    outside: Outside,
}

fn now() -> DateTime<Utc> {
    DateTime::from_timestamp(1_790_000_000, 0).unwrap_or_default()
}

fn jwk(pair: &EcdsaKeyPair, kid: &str) -> Value {
    let point = pair.public_key().as_ref();
    let (x, y) = (URL_SAFE_NO_PAD.encode(&point[1..33]), URL_SAFE_NO_PAD.encode(&point[33..]));
    json!({"kty": "EC", "crv": "P-256", "use": "sig", "alg": "ES256", "kid": kid, "x": x, "y": y})
}

fn issuer() -> Result<Issuer, Box<dyn std::error::Error>> {
    let pair = EcdsaKeyPair::generate(&ECDSA_P256_SHA256_FIXED_SIGNING)?;
    let secret = json!({"kty": "oct", "k": "c2VjcmV0", "kid": "shared", "alg": "HS256"});
    let weak =
        json!({"kty": "RSA", "n": URL_SAFE_NO_PAD.encode([0xff; 128]), "e": "AQAB", "kid": "weak", "alg": "RS256"});
    let encrypts = json!({"kty": "EC", "crv": "P-256", "use": "enc", "kid": "enc", "x": "AA", "y": "AA"});
    let jwks = json!({"keys": [secret, weak, encrypts, {"kty": "new"}, jwk(&pair, "k1")]});
    let documents = Arc::new(Documents {
        jwks: std::sync::Mutex::new(Some(jwks)),
        metadata_issuer: ISSUER,
        asked: AtomicU32::new(0),
    });
    let trusted = TrustedIssuer {
        issuer: ISSUER.into(),
        audience: "recourse".into(),
        jwks_uri: None,
        algorithms: vec![Algorithm::ES256, Algorithm::RS256],
    };
    let outside = Outside::new(vec![trusted], documents.clone());
    Ok(Issuer { pair, documents, outside })
}

fn claims() -> Value {
    let at = now().timestamp();
    json!({"iss": ISSUER, "aud": "recourse", "sub": "u-1", "iat": at, "exp": at + 300})
}

fn sign(pair: &EcdsaKeyPair, header: &Value, claims: &Value) -> Result<String, Box<dyn std::error::Error>> {
    let text = format!("{}.{}", URL_SAFE_NO_PAD.encode(header.to_string()), URL_SAFE_NO_PAD.encode(claims.to_string()));
    let signature = pair.sign(&SystemRandom::new(), text.as_bytes())?;
    Ok(format!("{text}.{}", URL_SAFE_NO_PAD.encode(signature)))
}

fn header() -> Value {
    json!({"alg": "ES256", "typ": "JWT", "kid": "k1"})
}

#[tokio::test]
async fn a_token_means_whom_issuer_and_subject_say() -> Outcome {
    let issuer = issuer()?;
    let token = sign(&issuer.pair, &header(), &claims())?;
    let found = issuer.outside.verify(&token, now()).await?;
    assert_eq!((found.issuer.as_str(), found.subject.as_str()), (ISSUER, "u-1"));
    Ok(())
}

#[tokio::test]
async fn what_a_token_says_of_itself_is_checked() -> Outcome {
    let at = now().timestamp();
    let table = [
        (json!({"aud": "another"}), Some(OutsideFault::Audience)),
        (json!({"aud": ["recourse", "another"]}), Some(OutsideFault::Audience)),
        (json!({"aud": ["recourse", "another"], "azp": "recourse"}), None),
        (json!({"aud": ["recourse"], "azp": "front-end"}), None),
        (json!({"aud": 5}), Some(OutsideFault::Claims)),
        (json!({"iss": "https://login.example.com"}), Some(OutsideFault::Issuer)),
        (json!({"iss": 5}), Some(OutsideFault::Claims)),
        (json!({"exp": at - 31}), Some(OutsideFault::Time)),
        (json!({"exp": at - 29}), None),
        (json!({"exp": at + 90_000}), Some(OutsideFault::Time)),
        (json!({"exp": "soon"}), Some(OutsideFault::Claims)),
        (json!({"iat": at + 31}), Some(OutsideFault::Time)),
        (json!({"nbf": at + 31}), Some(OutsideFault::Time)),
        (json!({"nbf": "now"}), Some(OutsideFault::Claims)),
        (json!({"sub": ""}), Some(OutsideFault::Claims)),
        (json!({"sub": null}), Some(OutsideFault::Claims)),
        (json!({"roles": ["ADMIN"], "email": "boss@example.com"}), None),
    ];
    let issuer = issuer()?;
    for (change, fault) in table {
        let mut claims = claims();
        for (name, value) in change.as_object().into_iter().flatten() {
            claims[name] = value.clone();
        }
        let token = sign(&issuer.pair, &header(), &claims)?;
        assert_eq!(issuer.outside.verify(&token, now()).await.err(), fault, "{change}");
    }
    Ok(())
}

#[tokio::test]
async fn the_header_leads_to_no_other_key() -> Outcome {
    let table = [
        (json!({"alg": "none", "kid": "k1"}), OutsideFault::Algorithm),
        (json!({"alg": "HS256", "kid": "shared"}), OutsideFault::Algorithm),
        (json!({"alg": "EdDSA", "kid": "k1"}), OutsideFault::Algorithm),
        (json!({"alg": "RS256", "kid": "k1"}), OutsideFault::Algorithm),
        (json!({"alg": "RS256", "kid": "weak"}), OutsideFault::Key),
        (json!({"alg": "ES256", "kid": "enc"}), OutsideFault::Key),
        (json!({"alg": "ES256"}), OutsideFault::Key),
        (json!({"alg": "ES256", "kid": "k1", "crit": ["x"]}), OutsideFault::Malformed),
        (json!({"alg": "ES256", "kid": "k1", "typ": "logout+jwt"}), OutsideFault::Malformed),
    ];
    let issuer = issuer()?;
    for (header, fault) in table {
        let token = sign(&issuer.pair, &header, &claims())?;
        assert_eq!(issuer.outside.verify(&token, now()).await, Err(fault), "{header}");
    }
    let thief = EcdsaKeyPair::generate(&ECDSA_P256_SHA256_FIXED_SIGNING)?;
    let mut with_own_key = header();
    with_own_key["jwk"] = jwk(&thief, "k1");
    let token = sign(&thief, &with_own_key, &claims())?;
    assert_eq!(issuer.outside.verify(&token, now()).await, Err(OutsideFault::Signature));
    for garbage in ["", "a.b", "a.b.c", "....", &"x".repeat(20_000)] {
        assert_eq!(issuer.outside.verify(garbage, now()).await, Err(OutsideFault::Malformed), "{garbage}");
    }
    Ok(())
}

#[tokio::test]
async fn keys_are_read_again_for_new_names_but_not_for_every_token() -> Outcome {
    let issuer = issuer()?;
    let asked = || issuer.documents.asked.load(Ordering::Relaxed);
    let known = sign(&issuer.pair, &header(), &claims())?;
    issuer.outside.verify(&known, now()).await?;
    issuer.outside.verify(&known, now()).await?;
    assert_eq!(asked(), 1);
    // A new key appears; within the pause nobody asks, however many tokens name it.
    let second = EcdsaKeyPair::generate(&ECDSA_P256_SHA256_FIXED_SIGNING)?;
    if let Ok(mut jwks) = issuer.documents.jwks.lock() {
        *jwks = Some(json!({"keys": [jwk(&second, "k2")]}));
    }
    let new = sign(&second, &json!({"alg": "ES256", "kid": "k2"}), &claims())?;
    for _ in 0..50 {
        assert_eq!(issuer.outside.verify(&new, now()).await, Err(OutsideFault::Key));
    }
    assert_eq!(asked(), 1);
    let later = now() + TimeDelta::seconds(31);
    issuer.outside.verify(&new, later).await?;
    assert_eq!(asked(), 2);
    assert_eq!(issuer.outside.verify(&known, later).await, Err(OutsideFault::Key), "what was withdrawn is gone");
    Ok(())
}

#[tokio::test]
async fn an_issuer_that_is_away_is_remembered_for_a_day_and_no_longer() -> Outcome {
    let issuer = issuer()?;
    let token_at = |at: DateTime<Utc>| {
        let mut claims = claims();
        claims["iat"] = json!(at.timestamp());
        claims["exp"] = json!(at.timestamp() + 300);
        sign(&issuer.pair, &header(), &claims)
    };
    issuer.outside.verify(&token_at(now())?, now()).await?;
    if let Ok(mut jwks) = issuer.documents.jwks.lock() {
        *jwks = None;
    }
    let later = now() + TimeDelta::hours(23);
    issuer.outside.verify(&token_at(later)?, later).await?;
    let too_late = now() + TimeDelta::hours(25);
    let refused = issuer.outside.verify(&token_at(too_late)?, too_late).await;
    assert!(matches!(refused, Err(OutsideFault::Unavailable(_))), "{refused:?}");
    Ok(())
}

#[tokio::test]
async fn the_metadata_of_another_issuer_is_no_ones_word() -> Outcome {
    let mut issuer = issuer()?;
    let jwks = issuer.documents.jwks.lock().map_err(|error| error.to_string())?.clone();
    let documents = Documents {
        jwks: std::sync::Mutex::new(jwks),
        metadata_issuer: "https://login.example.com/other",
        asked: AtomicU32::new(0),
    };
    issuer.outside.fetch = Arc::new(documents);
    let token = sign(&issuer.pair, &header(), &claims())?;
    let refused = issuer.outside.verify(&token, now()).await;
    assert!(matches!(refused, Err(OutsideFault::Unavailable(FetchFault::Unfit(_)))), "{refused:?}");
    Ok(())
}
