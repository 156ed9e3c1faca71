//! Writers that know what was acknowledged to them, and what they asked for and never heard of again.

use std::collections::BTreeMap;
use std::time::Duration;

use recourse_domain::clock::IdSource;
use recourse_server::process::RandomIds;
use serde_json::{Value, json};
use uuid::Uuid;

use crate::harness::world::pump_claim;

/// One step of a claim on its way.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Step {
    /// Create the draft.
    Create,
    /// Submit it.
    Submit,
    /// Take it into review.
    StartReview,
    /// Approve its lines.
    Approve,
}

const STEPS: [Step; 4] = [Step::Create, Step::Submit, Step::StartReview, Step::Approve];

/// A claim as its writer knows it.
#[derive(Clone, Debug)]
pub struct Followed {
    id: Uuid,
    /// The last step that was acknowledged.
    pub acknowledged: Option<Step>,
    /// The step that was asked for and not answered, under which key.
    pending: Option<(Step, Uuid)>,
    etag: String,
}

/// One writer: it makes claims one after the other, each through all steps, every step under a key of its own.
pub struct Writer {
    http: reqwest::Client,
    station: String,
    auditor: String,
    /// Everything it has begun.
    pub claims: Vec<Followed>,
    /// How often it was told to come back later.
    pub put_off: usize,
}

/// How an attempt ended.
enum Heard {
    Done(Value),
    /// Refused for now: the server says that it did not do it, or doesn't know. The same is asked again.
    Later,
    /// No answer.
    Nothing,
}

impl Writer {
    /// A writer with tokens of a station and of an auditor.
    pub fn new(tokens: &BTreeMap<&'static str, String>) -> Self {
        let http = reqwest::Client::builder().timeout(Duration::from_secs(20)).build().expect("a client");
        Self {
            http,
            station: tokens["s001"].clone(),
            auditor: tokens["auditor"].clone(),
            claims: Vec::new(),
            put_off: 0,
        }
    }

    /// Goes on until the server is gone or `until` is reached: first what is pending, then new claims.
    pub async fn work(&mut self, base: &str, until: tokio::time::Instant) {
        while tokio::time::Instant::now() < until {
            let unfinished = self.claims.iter().position(|claim| claim.acknowledged != Some(Step::Approve));
            let place = unfinished.unwrap_or_else(|| {
                let id = RandomIds.new_id();
                self.claims.push(Followed { id, acknowledged: None, pending: None, etag: String::new() });
                self.claims.len() - 1
            });
            if !self.advance(base, place).await {
                return;
            }
        }
    }

    /// Finishes what is pending, without beginning anything.
    pub async fn finish(&mut self, base: &str) {
        for place in 0..self.claims.len() {
            while self.claims[place].pending.is_some() {
                assert!(self.advance(base, place).await, "the server answers");
            }
        }
    }

    /// Takes a claim one step on; whether there was an answer.
    async fn advance(&mut self, base: &str, place: usize) -> bool {
        let claim = &self.claims[place];
        let (step, key) = claim.pending.unwrap_or_else(|| {
            let next =
                claim.acknowledged.map_or(0, |done| STEPS.iter().position(|step| *step == done).expect("a step") + 1);
            (STEPS[next], RandomIds.new_id())
        });
        self.claims[place].pending = Some((step, key));
        match self.ask(base, place, step, key).await {
            Heard::Done(answer) => {
                let claim = &mut self.claims[place];
                claim.acknowledged = Some(step);
                claim.pending = None;
                if let Some(etag) = answer["etag"].as_str() {
                    claim.etag = etag.to_owned();
                }
                true
            }
            Heard::Later => {
                self.put_off += 1;
                tokio::time::sleep(Duration::from_millis(50)).await;
                true
            }
            Heard::Nothing => false,
        }
    }

    async fn ask(&self, base: &str, place: usize, step: Step, key: Uuid) -> Heard {
        let claim = &self.claims[place];
        let id = claim.id;
        let (token, path, body) = match step {
            Step::Create => {
                let mut body = pump_claim();
                body["externalRef"] = json!(id.to_string());
                body["externalRepairOrder"] = json!(id.to_string());
                (&self.station, format!("/v1/claims?claimId={id}"), body)
            }
            Step::Submit => (&self.station, format!("/v1/claims/{id}:submit"), json!({})),
            Step::StartReview => (&self.auditor, format!("/v1/claims/{id}:startReview"), json!({})),
            Step::Approve => {
                let lines = [1, 2].map(|number| json!({"lineNumber": number, "outcome": "APPROVED"}));
                let body = json!({"etag": claim.etag, "lineDecisions": lines});
                (&self.auditor, format!("/v1/claims/{id}:adjudicate"), body)
            }
        };
        let request = self.http.post(format!("{base}{path}")).bearer_auth(token);
        let request = request.header("content-type", "application/json").header("idempotency-key", key.to_string());
        let Ok(answer) = request.body(body.to_string()).send().await else { return Heard::Nothing };
        let status = answer.status().as_u16();
        let Ok(text) = answer.text().await else { return Heard::Nothing };
        let reason = || serde_json::from_str::<Value>(&text).map(|body| body["reason"].clone()).unwrap_or_default();
        match status {
            200 => Heard::Done(serde_json::from_str(&text).expect("JSON")),
            // Busy, unavailable, too slow, or another attempt under the same key is still at it.
            429 | 503 | 504 => Heard::Later,
            409 if reason() == "IDEMPOTENCY_KEY_IN_FLIGHT" => Heard::Later,
            _ => panic!("{step:?} of {id}: {status} {text}"),
        }
    }

    /// Every claim stands where its writer was told that it stands, once, and the ledger has it once.
    pub async fn verify(&self, base: &str) {
        for claim in &self.claims {
            let got = self.read(base, &format!("/v1/claims/{}", claim.id), &self.auditor).await;
            let Some(step) = claim.acknowledged else { continue };
            let claim_at = got.unwrap_or_else(|| panic!("lost: {} was acknowledged {step:?}", claim.id));
            let states: &[&str] = match step {
                Step::Create => &["DRAFT"],
                Step::Submit => &["SUBMITTED"],
                Step::StartReview => &["IN_REVIEW"],
                Step::Approve => &["APPROVED"],
            };
            assert!(
                states.contains(&claim_at["state"].as_str().unwrap_or_default()),
                "{} was acknowledged {step:?}, is {}",
                claim.id,
                claim_at["state"]
            );
            let filter = format!("claim%3D%22claims%2F{}%22", claim.id);
            let entries = self.read(base, &format!("/v1/ledger/entries?filter={filter}"), &self.auditor).await;
            let posted = entries.and_then(|page| page["entries"].as_array().map(Vec::len)).unwrap_or(0);
            assert_eq!(posted, usize::from(step == Step::Approve), "entries of {}", claim.id);
        }
    }

    /// Reads a path, if it is there.
    pub async fn read(&self, base: &str, path: &str, token: &str) -> Option<Value> {
        let answer = self.http.get(format!("{base}{path}")).bearer_auth(token).send().await.expect("an answer");
        let (status, text) = (answer.status().as_u16(), answer.text().await.expect("a body"));
        match status {
            200 => Some(serde_json::from_str(&text).expect("JSON")),
            404 => None,
            _ => panic!("{path}: {status} {text}"),
        }
    }
}

/// Lets writers work at once; gives them back.
pub async fn all_work(writers: Vec<Writer>, base: &str, time: Duration) -> Vec<Writer> {
    let until = tokio::time::Instant::now() + time;
    let tasks = writers.into_iter().map(|mut writer| {
        let base = base.to_owned();
        tokio::spawn(async move {
            writer.work(&base, until).await;
            writer
        })
    });
    futures::future::join_all(tasks.collect::<Vec<_>>())
        .await
        .into_iter()
        .map(|ended| ended.expect("a writer"))
        .collect()
}

/// Finishes what is pending, then holds everything against the server: nothing lost, nothing twice, no ghosts, the
/// ledger at zero. Answers how many steps were acknowledged.
pub async fn settle_and_verify(writers: &mut [Writer], base: &str) -> usize {
    for writer in writers.iter_mut() {
        writer.finish(base).await;
    }
    let mut begun = 0;
    for writer in writers.iter() {
        writer.verify(base).await;
        begun += writer.claims.iter().filter(|claim| claim.acknowledged.is_some()).count();
    }
    let one = &writers[0];
    let (mut found, mut token) = (0, String::new());
    loop {
        let path = format!("/v1/claims?pageSize=1000&pageToken={token}");
        let page = one.read(base, &path, &one.auditor).await.expect("a page");
        found += page["claims"].as_array().map_or(0, Vec::len);
        token = page["nextPageToken"].as_str().unwrap_or_default().to_owned();
        if token.is_empty() {
            break;
        }
    }
    assert_eq!(found, begun, "claims that nobody was told of, or that are there twice");
    let verified = one.read(base, "/v1/ledger:verify", &one.auditor).await.expect("a report");
    assert_eq!(verified["intact"], true, "{verified:#}");
    let balance = one.read(base, "/v1/ledger:trialBalance", &one.auditor).await.expect("a balance");
    for total in balance["totals"].as_array().into_iter().flatten() {
        assert_eq!(total["debit"], total["credit"], "{balance:#}");
    }
    acknowledged_steps(writers)
}

/// How many steps were acknowledged.
pub fn acknowledged_steps(writers: &[Writer]) -> usize {
    let place = |done: Step| STEPS.iter().position(|step| *step == done).expect("a step") + 1;
    let steps = |claim: &Followed| claim.acknowledged.map_or(0, place);
    writers.iter().flat_map(|writer| writer.claims.iter().map(steps)).sum()
}
