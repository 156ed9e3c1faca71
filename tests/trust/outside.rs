//! An outside issuer on the loopback: discovery, exchange, and what its word does not give.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, KeyPair};
use axum::routing::get;
use axum::{Json, Router};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use recourse_server::config::IssuerConfig;
use serde_json::{Value, json};

use crate::harness::Server;
use crate::harness::client::Client;
use crate::harness::world::{PASSWORD, World};
use crate::on_both_databases;

/// An issuer with one key.
struct Issuer {
    name: String,
    pair: EcdsaKeyPair,
    asked: Arc<AtomicU32>,
}

impl Issuer {
    async fn start() -> Self {
        let pair = EcdsaKeyPair::generate(&ECDSA_P256_SHA256_FIXED_SIGNING).unwrap();
        let point = pair.public_key().as_ref();
        let (x, y) = (URL_SAFE_NO_PAD.encode(&point[1..33]), URL_SAFE_NO_PAD.encode(&point[33..]));
        let keys =
            json!({"keys": [{"kty": "EC", "crv": "P-256", "use": "sig", "alg": "ES256", "kid": "k1", "x": x, "y": y}]});
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let name = format!("http://{}", listener.local_addr().unwrap());
        let metadata = json!({"issuer": name, "jwks_uri": format!("{name}/keys")});
        let asked = Arc::new(AtomicU32::new(0));
        let count = Arc::clone(&asked);
        let moved = axum::response::Redirect::temporary(&format!("{name}/keys"));
        let app = Router::new()
            .route("/.well-known/openid-configuration", get(move || async move { Json(metadata) }))
            .route("/moved", get(move || async move { moved }))
            .route("/large", get(|| async { "x".repeat(300 * 1024) }))
            .route(
                "/keys",
                get(move || async move {
                    count.fetch_add(1, Ordering::Relaxed);
                    Json(keys)
                }),
            );
        tokio::spawn(async move { axum::serve(listener, app).await });
        Self { name, pair, asked }
    }

    /// Trusted by a server, which finds the keys by discovery or at an address.
    fn config(&self, jwks: Option<&str>) -> IssuerConfig {
        IssuerConfig {
            issuer: self.name.clone(),
            audience: "recourse".to_owned(),
            jwks_uri: jwks.map(|path| format!("{}{path}", self.name)),
            algorithms: vec!["ES256".to_owned()],
        }
    }

    fn token(&self, subject: &str, kid: &str) -> String {
        let at = chrono::DateTime::<chrono::Utc>::from(std::time::UNIX_EPOCH).timestamp()
            + i64::try_from(std::time::UNIX_EPOCH.elapsed().unwrap().as_secs()).unwrap();
        let claims = json!({"iss": self.name, "aud": "recourse", "sub": subject, "iat": at, "exp": at + 300,
            "roles": ["ADMIN"], "email": "admin@example.com"});
        let header = json!({"alg": "ES256", "typ": "JWT", "kid": kid});
        let encoded = |value: &Value| URL_SAFE_NO_PAD.encode(value.to_string());
        let text = format!("{}.{}", encoded(&header), encoded(&claims));
        let signature = self.pair.sign(&SystemRandom::new(), text.as_bytes()).unwrap();
        format!("{text}.{}", URL_SAFE_NO_PAD.encode(signature))
    }
}

async fn exchange(server: &Server, assertion: &str, more: &str) -> (u16, Value) {
    let response = reqwest::Client::new()
        .post(format!("{}/oauth2/token", server.base))
        .header("content-type", "application/x-www-form-urlencoded")
        .body(format!("grant_type=urn%3Aietf%3Aparams%3Aoauth%3Agrant-type%3Ajwt-bearer&assertion={assertion}{more}"))
        .send()
        .await
        .unwrap();
    (response.status().as_u16(), response.json().await.unwrap())
}

/// A server that trusts the issuer, which stands on the loopback.
async fn trusting(server: &Server, issuer: IssuerConfig) -> Server {
    server
        .another(|config| {
            config.accounts.issuers = vec![issuer];
            config.accounts.issuer_networks = vec!["127.0.0.0/8".parse().unwrap()];
        })
        .await
}

/// Says whom the issuer means by a subject.
async fn link(admin: &Client, user: &Client, issuer: &Issuer, subject: &str) -> String {
    let name = user.get("/v1/users/me").await.ok()["name"].as_str().unwrap().to_owned();
    let identity = json!({"outsideIdentities": [{"issuer": issuer.name, "subject": subject}]});
    let linked = admin.patch(&format!("/v1/{name}"), identity).await.ok();
    assert_eq!(linked["outsideIdentities"][0]["subject"], subject);
    name
}

on_both_databases! {
    async fn an_outside_token_is_exchanged_and_roles_are_ours(server) {
        let issuer = Issuer::start().await;
        let server = trusting(&server, issuer.config(None)).await;
        let world = World::load(&server).await;
        let (status, refused) = exchange(&server, &issuer.token("u-1", "k1"), "").await;
        assert_eq!((status, refused["error"].as_str()), (400, Some("invalid_grant")), "nobody is linked by mail or by default");
        let told = refused["error_description"].as_str().unwrap_or_default();
        assert!(told.starts_with("the assertion opens nothing here"), "not of a refresh token: {told}");
        let name = link(&world.admin, &world.technician, &issuer, "u-1").await;
        let (status, reply) = exchange(&server, &issuer.token("u-1", "k1"), "").await;
        assert_eq!(status, 200, "{reply}");
        assert!(reply.get("refresh_token").is_none(), "the issuer says how long");
        let caller = world.anonymous.with_token(reply["access_token"].as_str().unwrap());
        let me = caller.get("/v1/users/me").await.ok();
        assert_eq!((me["name"].as_str(), me["memberships"][0]["roles"][0].as_str()), (Some(&*name), Some("TECHNICIAN")));
        caller.get("/v1/events:denials").await.refused(403, "ROLE_NOT_ALLOWED");
        // The outside token itself opens nothing.
        world.anonymous.with_token(&issuer.token("u-1", "k1")).get("/v1/users/me").await.refused(401, "TOKEN_INVALID");
        // A second exchange is the same device, and can be signed out like any other.
        let (_, again) = exchange(&server, &issuer.token("u-1", "k1"), "&organization=stations%2FS-001").await;
        let again = world.anonymous.with_token(again["access_token"].as_str().unwrap());
        let sessions = again.get("/v1/sessions").await.ok();
        let outside = sessions["sessions"].as_array().unwrap().iter().filter(|s| s["device"] == issuer.name.as_str()).count();
        assert_eq!(outside, 1);
        let (status, refused) = exchange(&server, &issuer.token("u-1", "k1"), "&organization=stations%2FS-002").await;
        assert_eq!((status, refused["error"].as_str()), (400, Some("invalid_grant")));
        world.admin.post(&format!("/v1/{name}:disable"), json!({})).await.ok();
        let (status, _) = exchange(&server, &issuer.token("u-1", "k1"), "").await;
        assert_eq!(status, 400, "a disabled user is out, whatever the issuer says");
        assert_eq!(issuer.asked.load(Ordering::Relaxed), 1, "keys are cached");
        for number in 0..20 {
            let (status, _) = exchange(&server, &issuer.token("u-1", &format!("made-up-{number}")), "").await;
            assert_eq!(status, 400);
        }
        assert_eq!(issuer.asked.load(Ordering::Relaxed), 1, "made-up keys lead to no question within the pause");
    }

    async fn only_an_administrator_says_whom_an_issuer_means(server) {
        let issuer = Issuer::start().await;
        let server = trusting(&server, issuer.config(Some("/keys"))).await;
        let world = World::load(&server).await;
        let technician = world.technician.get("/v1/users/me").await.ok()["name"].as_str().unwrap().to_owned();
        let identity = json!({"outsideIdentities": [{"issuer": issuer.name, "subject": "u-1"}]});
        world.station.patch(&format!("/v1/{technician}"), identity.clone()).await.refused(403, "NOT_PERMITTED");
        let user = json!({"userName": "linked", "memberships": [{"organization": "stations/S-001", "roles": ["TECHNICIAN"]}],
            "outsideIdentities": [{"issuer": issuer.name, "subject": "u-2"}]});
        let body = json!({"user": user, "password": PASSWORD});
        world.station.post("/v1/users", body.clone()).await.refused(403, "NOT_PERMITTED");
        world.admin.post("/v1/users", body).await.ok();
        link(&world.admin, &world.technician, &issuer, "u-1").await;
        // One subject is one user.
        let other = world.other_station.get("/v1/users/me").await.ok()["name"].as_str().unwrap().to_owned();
        world.admin.patch(&format!("/v1/{other}"), identity).await.refused(409, "RESOURCE_ALREADY_EXISTS");
        // A manager who changes something else keeps the link as it is.
        world.station.patch(&format!("/v1/{technician}"), json!({"displayName": "T"})).await.ok();
        let (status, _) = exchange(&server, &issuer.token("u-1", "k1"), "").await;
        assert_eq!(status, 200);
        world.admin.patch(&format!("/v1/{technician}?updateMask=outsideIdentities"), json!({})).await.ok();
        let (status, _) = exchange(&server, &issuer.token("u-1", "k1"), "").await;
        assert_eq!(status, 400, "the link is gone");
        let rows = crate::trust::change_texts(&server).await;
        assert!(rows.iter().all(|row| !row.contains("u-2") && !row.contains(&issuer.name)), "a person's data");
    }

    async fn documents_of_issuers_are_read_with_care(server) {
        let issuer = Issuer::start().await;
        let token = issuer.token("u-1", "k1");
        let closed = server.another(|config| config.accounts.issuers = vec![issuer.config(None)]).await;
        assert_eq!(exchange(&closed, &token, "").await.0, 503, "the loopback is refused unless it is allowed");
        for path in ["/moved", "/large", "/nowhere"] {
            let server = trusting(&server, issuer.config(Some(path))).await;
            assert_eq!(exchange(&server, &token, "").await.0, 503, "{path}");
        }
        assert_eq!(issuer.asked.load(Ordering::Relaxed), 0, "no redirect was followed");
        assert_eq!(exchange(&server, &token, "").await.0, 400, "an issuer that nobody trusts");
    }
}
