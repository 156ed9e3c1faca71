//! What the log tells of calls, and what it never tells.

use std::io::{BufRead, BufReader, Read};
use std::process::{Child, Stdio};

use serde_json::{Value, json};

use super::{Folder, recourse};

/// A server of the built binary whose log is kept.
struct Logged {
    process: Child,
    base: String,
    log: std::thread::JoinHandle<String>,
}

impl Logged {
    fn start(folder: &Folder, log: &str) -> Self {
        let mut process = recourse(
            &folder.0,
            &["serve", "--listen", "127.0.0.1:0", "--metrics-listen", "off", "--database", "sqlite:log.db"],
        )
        .env("RECOURSE_LOG", log)
        .env("RECOURSE_CONTROL__SECOND_PERSON", "false")
        .env("RECOURSE_LOG_FORMAT", "json")
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
        let mut errors = process.stderr.take().unwrap();
        let log = std::thread::spawn(move || {
            let mut text = String::new();
            errors.read_to_string(&mut text).unwrap();
            text
        });
        let mut line = String::new();
        BufReader::new(process.stdout.take().unwrap()).read_line(&mut line).unwrap();
        let base = line.split_whitespace().find(|word| word.starts_with("http://")).expect("an address").to_owned();
        Self { process, base, log }
    }

    /// Stops it and answers what it logged.
    fn stop(mut self) -> String {
        let pid = self.process.id().to_string();
        assert!(std::process::Command::new("kill").args(["-TERM", &pid]).status().unwrap().success());
        assert!(self.process.wait().unwrap().success());
        self.log.join().unwrap()
    }
}

/// One call over REST; its status and body.
async fn call(base: &str, token: Option<&str>, verb: reqwest::Method, path: &str, body: Value) -> (u16, Value) {
    let mut request =
        reqwest::Client::new().request(verb, format!("{base}{path}")).header("content-type", "application/json");
    if let Some(token) = token {
        request = request.bearer_auth(token);
    }
    let body = if body.is_null() { String::new() } else { body.to_string() };
    let answer = request.body(body).send().await.unwrap();
    let status = answer.status().as_u16();
    (status, serde_json::from_str(&answer.text().await.unwrap()).unwrap_or_default())
}

async fn form(base: &str, path: &str, fields: &str) -> (u16, Value) {
    let request = reqwest::Client::new()
        .post(format!("{base}{path}"))
        .header("content-type", "application/x-www-form-urlencoded");
    let answer = request.body(fields.to_owned()).send().await.unwrap();
    let status = answer.status().as_u16();
    (status, serde_json::from_str(&answer.text().await.unwrap()).unwrap_or_default())
}

fn text<'v>(value: &'v Value, pointer: &str) -> &'v str {
    value.pointer(pointer).and_then(Value::as_str).unwrap_or_else(|| panic!("{pointer} in {value:#}"))
}

#[tokio::test]
async fn no_secret_and_no_personal_data_reach_the_log_at_any_level() {
    let folder = Folder::new();
    let created = super::run(&folder.0, &["create-admin", "--database", "sqlite:log.db"]);
    let one_time = super::printed(&created)
        .lines()
        .find_map(|line| line.strip_prefix("first password: ").map(str::to_owned))
        .unwrap();
    let server = Logged::start(&folder, "trace");
    let base = server.base.clone();
    let mut secrets = vec![one_time.clone(), "wrong-guess-7351".to_owned(), "forged.token.9182".to_owned()];
    let post = reqwest::Method::POST;

    let (status, _) =
        call(&base, None, post.clone(), "/v1/sessions", json!({"userName": "admin", "password": "wrong-guess-7351"}))
            .await;
    assert_eq!(status, 401);
    let (status, session) =
        call(&base, None, post.clone(), "/v1/sessions", json!({"userName": "admin", "password": one_time})).await;
    assert_eq!(status, 200, "{session:#}");
    let new_password = "marmalade orchard 4417";
    let change = json!({"currentPassword": one_time, "newPassword": new_password});
    call(&base, Some(text(&session, "/accessToken")), post.clone(), "/v1/users/me:changePassword", change).await;
    secrets.push(new_password.to_owned());
    let mut token = text(&session, "/accessToken").to_owned();
    for field in ["/accessToken", "/refreshToken"] {
        secrets.push(text(&session, field).to_owned());
    }
    for password in [new_password, &one_time] {
        let (status, session) =
            call(&base, None, post.clone(), "/v1/sessions", json!({"userName": "admin", "password": password})).await;
        if status == 200 {
            token = text(&session, "/accessToken").to_owned();
            secrets.push(token.clone());
        }
    }
    call(&base, Some("forged.token.9182"), reqwest::Method::GET, "/v1/claims", Value::Null).await;
    let membership = json!([{"organization": "organizations/OEM", "roles": ["AUDITOR"]}]);
    let user = json!({"userName": "wang", "displayName": "Wang Xiulan", "email": "xiulan@example.org", "phone": "+86-139-5550-1177", "memberships": membership});
    let (status, made) =
        call(&base, Some(&token), post.clone(), "/v1/users", json!({"user": user, "password": "first-secret-2288"}))
            .await;
    assert_eq!(status, 200, "{made:#}");
    secrets.extend(["first-secret-2288", "Wang Xiulan", "xiulan@example.org", "+86-139-5550-1177"].map(str::to_owned));
    // A body that can't be read is refused without being quoted.
    let (status, _) = call(
        &base,
        Some(&token),
        post.clone(),
        "/v1/users",
        json!({"user": {"userName": 7, "email": "broken@example.org"}, "password": ["array-secret-9"]}),
    )
    .await;
    assert_eq!(status, 400);
    secrets.extend(["broken@example.org", "array-secret-9"].map(str::to_owned));
    let client =
        json!({"displayName": "DMS", "membership": {"organization": "organizations/OEM", "roles": ["AUDITOR"]}});
    let (status, client) = call(&base, Some(&token), post.clone(), "/v1/apiClients", client).await;
    assert_eq!(status, 200, "{client:#}");
    let secret = find_secret(&client).expect("a client's secret").to_owned();
    let id = find_id(&client);
    secrets.push(secret.clone());
    let (status, granted) =
        form(&base, "/oauth2/token", &format!("grant_type=client_credentials&client_id={id}&client_secret={secret}"))
            .await;
    assert_eq!(status, 200, "{granted:#}");
    secrets.push(text(&granted, "/access_token").to_owned());
    form(&base, "/oauth2/token", "grant_type=refresh_token&refresh_token=stolen-refresh-5566").await;
    form(&base, "/oauth2/revoke", "token=stolen-refresh-5566").await;
    secrets.push("stolen-refresh-5566".to_owned());
    let (status, _) = call(
        &base,
        Some(text(&granted, "/access_token")),
        reqwest::Method::GET,
        "/v1/claims?filter=vin%3D%22LSVAA4187S2184841%22",
        Value::Null,
    )
    .await;
    assert_eq!(status, 200);
    secrets.push("LSVAA4187S2184841".to_owned());

    let log = server.stop();
    assert!(log.contains("\"refused\"") && log.contains("\"done\"") && log.contains("\"read\""), "{log}");
    for secret in &secrets {
        assert!(secret.len() >= 6, "{secret:?} is too short to be looked for");
        assert!(
            !log.contains(secret.as_str()),
            "the log tells {secret:?}:\n{}",
            log.lines().find(|line| line.contains(secret.as_str())).unwrap_or_default()
        );
    }
    // Every line is JSON, and the lines of calls tell what an operator asks for.
    let lines: Vec<Value> =
        log.lines().map(|line| serde_json::from_str(line).unwrap_or_else(|error| panic!("{error}: {line}"))).collect();
    let done = lines
        .iter()
        .find(|line| {
            line["fields"]["rpc"] == "recourse.v1.UserService.CreateUser" && line["fields"]["message"] == "done"
        })
        .expect("a line of the creation");
    for field in ["status", "actor", "organization", "transport"] {
        assert!(!done["fields"][field].as_str().unwrap_or_default().is_empty(), "{field}: {done}");
    }
    assert!(done["fields"]["duration_ms"].is_u64(), "{done}");
    assert!(
        done["span"]["request_id"].is_string() && done["span"]["trace_id"].as_str().is_some_and(|id| id.len() == 32),
        "{done}"
    );
    let guess =
        lines.iter().find(|line| line["fields"]["reason"] == "CREDENTIALS_INVALID").expect("a line of the refusal");
    assert_eq!(guess["level"], "INFO");
}

/// The secret of a new client, whatever the field is called.
fn find_secret(value: &Value) -> Option<&str> {
    match value {
        Value::Object(fields) => fields.iter().find_map(|(name, value)| match value {
            Value::String(text) if name.to_ascii_lowercase().contains("secret") => Some(text.as_str()),
            other => find_secret(other),
        }),
        _ => None,
    }
}

fn find_id(client: &Value) -> String {
    let name =
        client.pointer("/apiClient/name").or_else(|| client.pointer("/name")).and_then(Value::as_str).expect("a name");
    name.rsplit('/').next().unwrap().to_owned()
}
