//! A server that can be stopped at places, and those who ask something of it.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use recourse_domain::clock::IdSource;
use recourse_server::process::RandomIds;
use sea_orm::{ConnectionTrait, Statement};
use serde_json::{Value, json};
use uuid::Uuid;

use crate::harness::process::Process;
use crate::harness::proxy::Proxy;
use crate::harness::wire::{Wire, post};
use crate::harness::world::{self, pump_claim};
use crate::harness::{Backend, Database, postgres};

/// Where a command leaves something.
pub(super) const TABLES: [&str; 7] =
    ["claim", "claim_revision", "part", "change", "idempotency", "ledger_entry", "ledger_posting"];

/// How many rows each of them has.
pub(super) type Rows = [i64; TABLES.len()];

/// What happens at a place.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Fault {
    /// The process ends without a word.
    Abort,
    /// The task panics.
    Panic,
    /// The caller hangs up, and the work is dropped where it stands.
    CallerGone,
    /// The database ends all connections.
    ConnectionLost,
    /// The database does what it is asked next, and its answer is lost with the connection.
    AnswerLost,
}

impl Fault {
    /// What the server is asked to do at the place; for the rest it stands still while the test acts.
    fn word(self) -> &'static str {
        match self {
            Fault::Abort => "abort",
            Fault::Panic => "panic",
            Fault::CallerGone | Fault::ConnectionLost | Fault::AnswerLost => "wait",
        }
    }

    /// Where it can happen.
    pub(super) fn happens(self, backend: Backend, place: &str) -> bool {
        match self {
            Fault::Abort | Fault::Panic | Fault::CallerGone => true,
            Fault::ConnectionLost => backend == Backend::Postgres,
            Fault::AnswerLost => backend == Backend::Postgres && place == "before-commit",
        }
    }
}

pub(super) const FAULTS: [Fault; 5] =
    [Fault::Abort, Fault::Panic, Fault::CallerGone, Fault::ConnectionLost, Fault::AnswerLost];

/// A command that is stopped. The first two are sealed: their last write commits them. The third ends with COMMIT.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Command {
    /// A draft under an id of the caller's choice.
    Create,
    /// A decision, which posts to the ledger.
    Approve,
    /// Master data.
    Part,
}

impl Command {
    /// Each of them.
    pub(super) const ALL: [Self; 3] = [Command::Create, Command::Approve, Command::Part];

    /// Whether it comes by a place: a draft is written by one statement on PostgreSQL, so there is nothing between.
    pub(super) fn comes_by(self, backend: Backend, place: &str) -> bool {
        !(self == Command::Create && backend == Backend::Postgres && place == "between-writes")
    }
}

/// What is asked.
pub(super) struct Ask {
    pub(super) token: String,
    pub(super) path: String,
    pub(super) kind: &'static str,
    pub(super) body: String,
    /// Another body under the same key.
    pub(super) other: String,
    /// Whom it makes or changes.
    pub(super) name: String,
}

/// What was heard.
#[derive(Debug)]
pub(super) struct Heard {
    pub(super) status: u16,
    pub(super) replayed: bool,
    pub(super) text: String,
    pub(super) body: Value,
}

pub(super) const JSON: &str = "application/json";
pub(super) const NDJSON: &str = "application/x-ndjson";

/// A server that can be stopped at places, over a database of its own.
pub(super) struct Stage {
    pub(super) backend: Backend,
    pub(super) database: Database,
    proxy: Option<Proxy>,
    pub(super) folder: PathBuf,
    process: Process,
    pub(super) tokens: &'static BTreeMap<&'static str, String>,
    http: reqwest::Client,
    /// Claims so far: each has a repair order of its own.
    pub(super) claims: u32,
}

async fn serve(url: &str, folder: &Path) -> Process {
    let folder = folder.to_str().expect("a path");
    // What panics by intent needs no pages of the log.
    Process::over_with(url, &[("FAILPOINTS_FOLDER", folder), ("RECOURSE_LOG", "off"), ("RUST_BACKTRACE", "0")]).await
}

impl Stage {
    pub(super) async fn set(backend: Backend) -> Option<Self> {
        let prepared = world::prepared(backend).await?;
        let database = Database::copy_of(backend, Some(&prepared.database)).await?;
        let folder = std::env::temp_dir().join(format!("recourse-failpoints-{}-{backend:?}", std::process::id()));
        std::fs::create_dir_all(&folder).expect("a folder");
        let proxy = match backend {
            Backend::Sqlite => None,
            Backend::Postgres => Some(Proxy::before(&database.url).await),
        };
        let process = serve(proxy.as_ref().map_or(&database.url, |proxy| &proxy.url), &folder).await;
        let http = reqwest::Client::builder().timeout(Duration::from_secs(25)).build().expect("a client");
        Some(Self { backend, database, proxy, folder, process, tokens: &prepared.tokens, http, claims: 0 })
    }

    pub(super) async fn restart(&mut self) {
        self.process = serve(self.proxy.as_ref().map_or(&self.database.url, |proxy| &proxy.url), &self.folder).await;
    }

    /// Asks once; nothing if there is no answer. What is no JSON has no key either, but the name of its job.
    pub(super) async fn call(&self, ask: &Ask, key: Uuid, body: &str) -> Option<Heard> {
        let mut request = self.http.post(format!("{}{}", self.process.base, ask.path)).bearer_auth(&ask.token);
        if ask.kind == JSON {
            request = request.header("idempotency-key", key.to_string());
        }
        let answer = request.header("content-type", ask.kind).body(body.to_owned()).send().await.ok()?;
        let (status, replayed) = (answer.status().as_u16(), answer.headers().contains_key("idempotent-replayed"));
        let text = answer.text().await.ok()?;
        let body = serde_json::from_str(&text).unwrap_or_default();
        Some(Heard { status, replayed, text, body })
    }

    async fn done(&self, token: &str, path: &str, body: Value) -> Value {
        let (token, path, other, name) = (token.to_owned(), path.to_owned(), String::new(), String::new());
        let ask = Ask { token, path, kind: JSON, body: body.to_string(), other, name };
        let heard = self.call(&ask, RandomIds.new_id(), &ask.body).await.expect("an answer");
        assert_eq!(heard.status, 200, "{}: {:#}", ask.path, heard.body);
        heard.body
    }

    fn claim(&mut self) -> (Uuid, Value) {
        self.claims += 1;
        let mut claim = pump_claim();
        claim["externalRepairOrder"] = json!(format!("RO-{}", self.claims));
        (RandomIds.new_id(), claim)
    }

    /// Makes ready for a command.
    pub(super) async fn ask(&mut self, command: Command) -> Ask {
        let (id, claim) = self.claim();
        let station = self.tokens["s001"].clone();
        match command {
            Command::Create => {
                let mut other = claim.clone();
                other["causeDescription"] = json!("another cause");
                let path = format!("/v1/claims?claimId={id}");
                let (body, other) = (claim.to_string(), other.to_string());
                Ask { token: station, path, kind: JSON, body, other, name: format!("claims/{id}") }
            }
            Command::Approve => {
                let auditor = self.tokens["auditor"].clone();
                self.done(&station, &format!("/v1/claims?claimId={id}"), claim).await;
                self.done(&station, &format!("/v1/claims/{id}:submit"), json!({})).await;
                let reviewed = self.done(&auditor, &format!("/v1/claims/{id}:startReview"), json!({})).await;
                let decide = |outcome: &str| {
                    let verdicts = [1, 2].map(|number| json!({"lineNumber": number, "outcome": outcome}));
                    json!({"etag": reviewed["etag"], "lineDecisions": verdicts})
                };
                let (body, mut other) = (decide("APPROVED"), decide("APPROVED"));
                other["note"] = json!("something else");
                let path = format!("/v1/claims/{id}:adjudicate");
                let (body, other) = (body.to_string(), other.to_string());
                Ask { token: auditor, path, kind: JSON, body, other, name: format!("claims/{id}") }
            }
            Command::Part => {
                let code = format!("P-F{}", self.claims);
                let path = format!("/v1/parts?partId={code}");
                let token = self.tokens["admin"].clone();
                let (body, other) = (part("Valve").to_string(), part("Seal").to_string());
                Ask { token, path, kind: JSON, body, other, name: format!("parts/{code}") }
            }
        }
    }

    /// Rows of the tables in which commands leave something.
    pub(super) async fn rows(&self) -> Rows {
        let connection = sea_orm::Database::connect(&self.database.url).await.expect("the database");
        let counts = TABLES.map(|table| format!("(SELECT COUNT(*) FROM {table}) AS {table}")).join(", ");
        let statement = Statement::from_string(connection.get_database_backend(), format!("SELECT {counts}"));
        let row = connection.query_one_raw(statement).await.expect("counts").expect("a row");
        let rows = TABLES.map(|table| row.try_get("", table).expect("a count"));
        connection.close().await.expect("closed");
        rows
    }

    /// The id of an import's job.
    pub(super) async fn job(&self, name: &str) -> Uuid {
        let connection = sea_orm::Database::connect(&self.database.url).await.expect("the database");
        let text = format!("SELECT id FROM import_job WHERE name = '{name}'");
        let statement = Statement::from_string(connection.get_database_backend(), text);
        let row = connection.query_one_raw(statement).await.expect("jobs").expect("the job");
        connection.close().await.expect("closed");
        row.try_get("", "id").expect("an id")
    }

    /// Lets a fault wait for the command under a key.
    pub(super) fn arm(&self, key: Uuid, place: &str, fault: Fault) {
        // In one step: the server never reads half of it.
        let new = self.folder.join("new");
        std::fs::write(&new, format!("{place} {}", fault.word())).expect("a file");
        std::fs::rename(new, self.folder.join(key.to_string())).expect("a file");
    }

    /// Whether the command under a key has not come to its place.
    pub(super) fn is_armed(&self, key: Uuid) -> bool {
        self.folder.join(key.to_string()).exists()
    }

    /// Waits until the command under a key has come to its place.
    async fn until_reached(&self, key: Uuid) {
        let began = Instant::now();
        while self.is_armed(key) {
            assert!(began.elapsed() < Duration::from_secs(15), "the place was not reached");
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    }

    fn let_go(&self, key: Uuid) {
        std::fs::write(self.folder.join(format!("{key}.go")), "").expect("a file");
    }

    async fn end_connections(&self) {
        let server = postgres::server().expect("PostgreSQL");
        let name = self.database.url.rsplit('/').next().expect("a name");
        let admin = sea_orm::Database::connect(server).await.expect("the cluster");
        let end = format!("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '{name}'");
        admin.execute_unprepared(&end).await.expect("the connections' end");
        admin.close().await.expect("closed");
    }

    /// Asks, and lets the fault happen at the place; what was heard of it.
    pub(super) async fn strike(&self, ask: &Ask, key: Uuid, fault: Fault) -> Option<Heard> {
        let calls = self.call(ask, key, &ask.body);
        match fault {
            Fault::Abort | Fault::Panic => calls.await,
            Fault::CallerGone => {
                let mut wire = Wire::connect(&self.process.base).await;
                let request = post(&ask.path, &ask.token, &ask.body);
                let keyed = request.replacen("\r\n", &format!("\r\nidempotency-key: {key}\r\n"), 1);
                wire.send(&keyed).await.expect("sent");
                self.until_reached(key).await;
                None
            }
            Fault::ConnectionLost | Fault::AnswerLost => {
                let strikes = async {
                    self.until_reached(key).await;
                    if fault == Fault::AnswerLost {
                        self.proxy.as_ref().expect("a proxy").lose_answers(true);
                    } else {
                        self.end_connections().await;
                    }
                    self.let_go(key);
                };
                let (heard, ()) = tokio::join!(calls, strikes);
                if let Some(proxy) = &self.proxy {
                    proxy.lose_answers(false);
                }
                heard
            }
        }
    }

    /// Asks again until the server knows.
    pub(super) async fn again(&self, ask: &Ask, key: Uuid, body: &str, what: &str) -> Heard {
        let began = Instant::now();
        loop {
            let heard = self.call(ask, key, body).await.expect("an answer");
            let in_flight = heard.status == 409 && heard.body["reason"] == "IDEMPOTENCY_KEY_IN_FLIGHT";
            if heard.status != 503 && !in_flight {
                return heard;
            }
            assert!(began.elapsed() < Duration::from_secs(10), "{what}: still {heard:?}");
            tokio::time::sleep(Duration::from_millis(25)).await;
        }
    }

    /// What a command leaves where nothing disturbs it.
    pub(super) async fn undisturbed(&mut self, command: Command) -> Rows {
        let ask = self.ask(command).await;
        let before = self.rows().await;
        let heard = self.again(&ask, RandomIds.new_id(), &ask.body, "undisturbed").await;
        assert_eq!(heard.status, 200, "{command:?}: {:#}", heard.body);
        let after = self.rows().await;
        std::array::from_fn(|at| after[at] - before[at])
    }
}

/// A part as somebody writes it who creates one.
pub(super) fn part(name: &str) -> Value {
    json!({"displayName": name, "category": "ENGINE", "unit": "PIECE", "assemblyClass": "ORDINARY",
        "usedPartRule": "HOLD", "models": ["M1"]})
}
