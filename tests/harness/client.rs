//! A REST client that holds every reply against the OpenAPI document.

use reqwest::Method;
use serde_json::{Value, json};

use super::{Server, openapi};

/// One answer.
#[derive(Debug)]
pub struct Answer {
    /// HTTP status.
    pub status: u16,
    /// Headers in lower case.
    pub headers: reqwest::header::HeaderMap,
    /// The body; null if there is none.
    pub body: Value,
}

impl Answer {
    /// The body of a success.
    #[track_caller]
    pub fn ok(self) -> Value {
        assert!(self.status < 300, "{} {:#}", self.status, self.body);
        self.body
    }

    /// The body of a refusal with this status and reason.
    #[track_caller]
    pub fn refused(self, status: u16, reason: &str) -> Value {
        assert_eq!((self.status, self.body["reason"].as_str()), (status, Some(reason)), "{:#}", self.body);
        self.body
    }
}

/// A caller of one server.
#[derive(Clone)]
pub struct Client {
    http: reqwest::Client,
    base: String,
    token: Option<String>,
    language: &'static str,
}

impl Client {
    /// A caller who has not signed in.
    pub fn anonymous(server: &Server) -> Self {
        Self::to(&server.base)
    }

    /// The same to any server, by its address.
    pub fn to(base: &str) -> Self {
        let http = reqwest::Client::builder().redirect(reqwest::redirect::Policy::none()).build().unwrap();
        Self { http, base: base.to_owned(), token: None, language: "en" }
    }

    /// The same caller with a token.
    pub fn with_token(&self, token: &str) -> Self {
        Self { token: Some(token.to_owned()), ..self.clone() }
    }

    /// The same caller who reads another language.
    pub fn reading(&self, language: &'static str) -> Self {
        Self { language, ..self.clone() }
    }

    /// The caller's token.
    pub fn token(&self) -> Option<&str> {
        self.token.as_deref()
    }

    /// Signs in.
    pub async fn sign_in(&self, user_name: &str, password: &str) -> Self {
        let session = self.post("/v1/sessions", json!({"userName": user_name, "password": password})).await.ok();
        self.with_token(session["accessToken"].as_str().expect("an access token"))
    }

    /// A call with any verb, body and further headers.
    pub async fn call(&self, method: Method, path: &str, body: Option<Value>, headers: &[(&str, &str)]) -> Answer {
        let mut request =
            self.http.request(method.clone(), format!("{}{path}", self.base)).header("accept-language", self.language);
        if let Some(token) = &self.token {
            request = request.bearer_auth(token);
        }
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        if let Some(body) = body {
            request = request.header("content-type", "application/json").body(body.to_string());
        }
        let response = request.send().await.expect("an answer");
        let (status, headers) = (response.status().as_u16(), response.headers().clone());
        let text = response.text().await.expect("a body");
        let content_type = headers.get("content-type").and_then(|value| value.to_str().ok()).unwrap_or_default();
        let body: Value = if text.is_empty() {
            Value::Null
        } else {
            serde_json::from_str(&text).unwrap_or_else(|error| panic!("{method} {path} {status}: {error}\n{text}"))
        };
        openapi::check(method.as_str(), path, status, content_type, &body);
        Answer { status, headers, body }
    }

    /// Begins to read a stream.
    pub async fn watch(&self, path: &str) -> reqwest::Response {
        let token = self.token.as_deref().unwrap_or_default();
        self.http.get(format!("{}{path}", self.base)).bearer_auth(token).send().await.expect("an answer")
    }

    /// Acts, and reads the stream of answers to its end.
    pub async fn lines(&self, path: &str, body: Value) -> Vec<Value> {
        let token = self.token.as_deref().unwrap_or_default();
        let request = self.http.post(format!("{}{path}", self.base)).bearer_auth(token);
        let request = request.header("content-type", "application/json").body(body.to_string());
        let response = request.send().await.expect("an answer");
        assert_eq!(response.status(), 200, "{path}");
        let text = response.text().await.expect("a body");
        text.lines().map(|line| serde_json::from_str(line).expect("a line of JSON")).collect()
    }

    /// Reads.
    pub async fn get(&self, path: &str) -> Answer {
        self.call(Method::GET, path, None, &[]).await
    }

    /// Creates, or acts.
    pub async fn post(&self, path: &str, body: Value) -> Answer {
        self.call(Method::POST, path, Some(body), &[]).await
    }

    /// Changes.
    pub async fn patch(&self, path: &str, body: Value) -> Answer {
        self.call(Method::PATCH, path, Some(body), &[]).await
    }

    /// Retires.
    pub async fn delete(&self, path: &str) -> Answer {
        self.call(Method::DELETE, path, None, &[]).await
    }
}
