//! Programs that sign instead of showing a secret.

use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, KeyPair};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Value, json};

use crate::harness::Server;
use crate::harness::world::World;
use crate::on_both_databases;

fn pair() -> EcdsaKeyPair {
    EcdsaKeyPair::generate(&ECDSA_P256_SHA256_FIXED_SIGNING).unwrap()
}

fn jwk(pair: &EcdsaKeyPair, kid: &str) -> Value {
    let point = pair.public_key().as_ref();
    let (x, y) = (URL_SAFE_NO_PAD.encode(&point[1..33]), URL_SAFE_NO_PAD.encode(&point[33..]));
    json!({"kty": "EC", "crv": "P-256", "use": "sig", "alg": "ES256", "kid": kid, "x": x, "y": y})
}

fn sign(pair: &EcdsaKeyPair, kid: &str, claims: &Value) -> String {
    let encoded = |value: &Value| URL_SAFE_NO_PAD.encode(value.to_string());
    let text = format!("{}.{}", encoded(&json!({"alg": "ES256", "typ": "JWT", "kid": kid})), encoded(claims));
    let signature = pair.sign(&SystemRandom::new(), text.as_bytes()).unwrap();
    format!("{text}.{}", URL_SAFE_NO_PAD.encode(signature))
}

fn claims(id: &str, jti: &str) -> Value {
    let at = std::time::UNIX_EPOCH.elapsed().unwrap().as_secs();
    json!({"iss": id, "sub": id, "aud": "http://127.0.0.1:8080/oauth2/token", "exp": at + 120, "jti": jti})
}

async fn token(server: &Server, assertion: &str, more: &str) -> (u16, Value) {
    let kind = "urn%3Aietf%3Aparams%3Aoauth%3Aclient-assertion-type%3Ajwt-bearer";
    let body = format!("grant_type=client_credentials&client_assertion_type={kind}&client_assertion={assertion}{more}");
    let response = reqwest::Client::new()
        .post(format!("{}/oauth2/token", server.base))
        .header("content-type", "application/x-www-form-urlencoded")
        .body(body)
        .send()
        .await
        .unwrap();
    (response.status().as_u16(), response.json().await.unwrap())
}

fn client(keys: &[Value]) -> Value {
    json!({"displayName": "DMS", "membership": {"organization": "stations/S-001", "roles": ["STATION"]},
        "publicKeys": json!({"keys": keys}).to_string()})
}

on_both_databases! {
    async fn a_program_signs_for_each_token_once(server) {
        // No wait spoils the count of refusals.
        let server = server.another(|config| config.accounts.free_failures = 100).await;
        let world = World::load(&server).await;
        let key = pair();
        let created = world.station.post("/v1/apiClients", client(&[jwk(&key, "k1")])).await.ok();
        assert!(created.get("secret").is_none(), "who has keys needs no secret");
        let name = created["name"].as_str().unwrap();
        let id = name.trim_start_matches("apiClients/");
        let good = sign(&key, "k1", &claims(id, "1"));
        let (status, reply) = token(&server, &good, &format!("&client_id={id}")).await;
        assert_eq!(status, 200, "{reply}");
        let dms = world.anonymous.with_token(reply["access_token"].as_str().unwrap());
        dms.get("/v1/claims").await.ok();
        let (status, refused) = token(&server, &good, "").await;
        assert_eq!((status, refused["error"].as_str()), (401, Some("invalid_client")), "an assertion is used once");

        let at = std::time::UNIX_EPOCH.elapsed().unwrap().as_secs();
        let table = [
            ("aud", json!("https://elsewhere.example.com")),
            ("aud", json!(["http://127.0.0.1:8080", "https://elsewhere.example.com"])),
            ("exp", json!(at - 60)),
            ("exp", json!(at + 3_600)),
            ("exp", Value::Null),
            ("nbf", json!(at + 60)),
            ("jti", json!("")),
            ("iss", json!("0199a1b2-0000-7000-8000-0000000000ff")),
            ("sub", json!("0199a1b2-0000-7000-8000-0000000000ff")),
        ];
        for (number, (claim, value)) in table.into_iter().enumerate() {
            let mut claims = claims(id, &format!("bad-{number}"));
            claims[claim] = value.clone();
            let (status, _) = token(&server, &sign(&key, "k1", &claims), "").await;
            assert_eq!(status, 401, "{claim} = {value}");
        }
        assert_eq!(token(&server, &sign(&pair(), "k1", &claims(id, "thief")), "").await.0, 401, "another key");
        assert_eq!(token(&server, &sign(&key, "k2", &claims(id, "name")), "").await.0, 401, "another name");
        assert_eq!(token(&server, "a.b.c", "").await.0, 401);
        let both = sign(&key, "k1", &claims(id, "both"));
        assert_eq!(token(&server, &both, "&client_secret=x").await.0, 401, "two proofs are none");

        // New keys: those in both sets work all the time, those left out no more.
        let next = pair();
        let keys = json!({"publicKeys": json!({"keys": [jwk(&next, "k2")]}).to_string()});
        world.station.post(&format!("/v1/{name}:rotateSecret"), json!({})).await.refused(400, "INVALID_FIELDS");
        let rotated = world.station.post(&format!("/v1/{name}:rotateSecret"), keys).await.ok();
        assert!(rotated.get("secret").is_none());
        assert_eq!(token(&server, &sign(&key, "k1", &claims(id, "2")), "").await.0, 401);
        assert_eq!(token(&server, &sign(&next, "k2", &claims(id, "3")), "").await.0, 200);
        world.station.delete(&format!("/v1/{name}")).await.ok();
        assert_eq!(token(&server, &sign(&next, "k2", &claims(id, "4")), "").await.0, 401, "revoked");
    }

    async fn a_key_set_is_public_and_of_use(server) {
        let world = World::load(&server).await;
        let mut private = jwk(&pair(), "k1");
        private["d"] = json!("AAAA");
        let mut nameless = jwk(&pair(), "k1");
        nameless["kid"] = Value::Null;
        let shared = json!({"kty": "oct", "k": "c2VjcmV0", "kid": "k1"});
        for keys in [vec![private], vec![nameless], vec![shared], vec![], vec![jwk(&pair(), "k"), jwk(&pair(), "k")]] {
            let problem = world.station.post("/v1/apiClients", client(&keys)).await.refused(400, "INVALID_FIELDS");
            assert_eq!(problem["violations"][0]["reason"], "BAD_KEY_SET");
        }
        let secret = json!({"displayName": "DMS", "membership": {"organization": "stations/S-001", "roles": ["STATION"]}});
        let created = world.station.post("/v1/apiClients", secret).await.ok();
        let keys = json!({"publicKeys": json!({"keys": [jwk(&pair(), "k1")]}).to_string()});
        let path = format!("/v1/{}:rotateSecret", created["name"].as_str().unwrap());
        world.station.post(&path, keys).await.refused(400, "INVALID_FIELDS");
    }
}
