//! What a browser is told: what to run, whom to tell, what to keep, and from where it may call.

use reqwest::header::HeaderMap;
use reqwest::{Method, StatusCode};

use crate::harness::{Backend, Server};

async fn head_of(server: &Server, path: &str) -> HeaderMap {
    let client = reqwest::Client::builder().redirect(reqwest::redirect::Policy::none()).build().unwrap();
    let answer = client.get(format!("{}{path}", server.base)).bearer_auth(&server.tokens["s001"]).send().await.unwrap();
    answer.headers().clone()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_answer_has_its_security_headers() {
    let server = Server::start(Backend::Sqlite).await.expect("SQLite is always there");
    let paths = [
        ("/v1/claims", "no-store"),
        ("/v1/claims?bogus=1", "no-store"),
        ("/v1/nothing", "no-store"),
        ("/v1/events:watch?cursor=now", "no-store"),
        ("/healthz", "no-store"),
        ("/.well-known/jwks.json", "no-store"),
        ("/openapi.json", "no-cache"),
        ("/docs/", "no-cache"),
        ("/docs/errors", "no-cache"),
        ("/", "no-store"),
    ];
    for (path, kept) in paths {
        let headers = head_of(&server, path).await;
        let value = |name: &str| headers.get(name).map(|value| value.to_str().unwrap()).unwrap_or_default();
        assert_eq!(value("x-content-type-options"), "nosniff", "{path}");
        assert_eq!(value("x-frame-options"), "DENY", "{path}");
        assert_eq!(value("referrer-policy"), "no-referrer", "{path}");
        assert_eq!(value("cross-origin-opener-policy"), "same-origin", "{path}");
        assert_eq!(value("cross-origin-resource-policy"), "same-origin", "{path}");
        assert_eq!(value("cache-control"), kept, "{path}");
        let policy = value("content-security-policy");
        assert!(policy.contains("default-src 'none'") && policy.contains("frame-ancestors 'none'"), "{path}: {policy}");
        assert_eq!(policy.contains("script-src"), path.starts_with("/docs/"), "{path}: {policy}");
        assert!(!headers.contains_key("strict-transport-security"), "{path}: this is cleartext");
        assert!(!headers.contains_key("server"), "{path}");
        assert!(headers.contains_key("x-request-id"), "{path}");
    }
    server.running.stop().await;
}

/// The reference asks for nothing that its own policy forbids: no script in the page, nothing from elsewhere.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_reference_keeps_to_its_policy() {
    let server = Server::start(Backend::Sqlite).await.expect("SQLite is always there");
    let read = |path: String| async { reqwest::get(path).await.unwrap().text().await.unwrap() };
    let page = read(format!("{}/docs/", server.base)).await;
    let mut scripts = 0;
    for script in page.split("<script").skip(1) {
        let (tag, rest) = script.split_once('>').unwrap();
        let source = tag.split("src=\"").nth(1).and_then(|rest| rest.split('"').next()).expect("no inline script");
        assert!(rest.trim_start().starts_with("</script>"), "an inline script: {rest}");
        let code = read(format!("{}/docs/{source}", server.base)).await;
        assert!(code.len() > 100, "{source}");
        scripts += 1;
    }
    assert!(scripts >= 2, "{page}");
    assert!(!page.contains("http://") && !page.contains("https://") && !page.contains(" onload="), "{page}");
    server.running.stop().await;
}

async fn preflight(server: &Server, origin: &str) -> (StatusCode, HeaderMap) {
    let answer = reqwest::Client::new()
        .request(Method::OPTIONS, format!("{}/v1/claims", server.base))
        .header("origin", origin)
        .header("access-control-request-method", "POST")
        .header("access-control-request-headers", "authorization,content-type,idempotency-key")
        .send()
        .await
        .unwrap();
    (answer.status(), answer.headers().clone())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn pages_of_other_origins_are_kept_out_unless_they_are_named() {
    let closed = Server::start(Backend::Sqlite).await.expect("SQLite is always there");
    let (status, headers) = preflight(&closed, "https://app.example.com").await;
    assert_eq!(status, 405);
    assert!(!headers.contains_key("access-control-allow-origin"));
    closed.running.stop().await;

    let allowed = |config: &mut recourse_server::config::Config| {
        config.cors.allowed_origins = vec!["https://app.example.com".to_owned()];
        config.limits.max_uri_bytes = 100;
    };
    let server = Server::start_with(Backend::Sqlite, allowed).await.expect("SQLite is always there");
    let (status, headers) = preflight(&server, "https://app.example.com").await;
    assert_eq!(status, 200);
    assert_eq!(headers["access-control-allow-origin"], "https://app.example.com");
    assert!(headers["access-control-allow-headers"].to_str().unwrap().contains("idempotency-key"));
    assert!(!headers.contains_key("access-control-allow-credentials"), "tokens travel in a header, not in cookies");
    let (_, headers) = preflight(&server, "https://evil.example.com").await;
    assert!(!headers.contains_key("access-control-allow-origin"));
    // A page must be able to read refusals too, those of the edge among them.
    let refused = reqwest::Client::new()
        .get(format!("{}/v1/claims?filter={}", server.base, "x".repeat(100)))
        .header("origin", "https://app.example.com")
        .send()
        .await
        .unwrap();
    assert_eq!(refused.status(), 414);
    assert_eq!(refused.headers()["access-control-allow-origin"], "https://app.example.com");
    assert!(refused.headers()["access-control-expose-headers"].to_str().unwrap().contains("retry-after"));
    server.running.stop().await;
}
