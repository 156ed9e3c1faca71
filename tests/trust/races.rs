//! Many callers at once, over two servers on one database: one of them succeeds, the ledger is posted once.

use std::collections::BTreeSet;

use recourse_domain::clock::IdSource;
use recourse_server::process::RandomIds;
use reqwest::Method;
use serde_json::{Value, json};

use crate::harness::client::{Answer, Client};
use crate::harness::world::{World, cny, date, pump_claim};
use crate::on_both_databases;

/// Callers at once.
const MANY: usize = 64;

/// The same caller at another server.
fn at(server: &crate::harness::Server, caller: &Client) -> Client {
    Client::anonymous(server).with_token(caller.token().expect("signed in"))
}

/// A claim in review: its name, and what decides it.
async fn in_review(world: &World) -> (String, String) {
    let name = world.submitted(pump_claim()).await;
    let reviewed = world.auditor.post(&format!("/v1/{name}:startReview"), json!({})).await.ok();
    (name, reviewed["etag"].as_str().expect("an etag").to_owned())
}

fn decision(etag: &str, outcome: &str) -> Value {
    let line = |number: i64| match outcome {
        "APPROVED" => json!({"lineNumber": number, "outcome": "APPROVED"}),
        outcome => json!({"lineNumber": number, "outcome": outcome, "reasons": [{"code": "NOT_COVERED"}]}),
    };
    json!({"etag": etag, "lineDecisions": [line(1), line(2)]})
}

/// Calls as an honest program does: turned away with `Retry-After`, because the machine is busy, it asks again under
/// the same key.
async fn patiently(caller: &Client, path: &str, body: Value, headers: &[(&str, &str)]) -> Answer {
    asked_again(caller, Method::POST, path, Some(body), headers).await
}

async fn asked_again(
    caller: &Client,
    verb: Method,
    path: &str,
    body: Option<Value>,
    headers: &[(&str, &str)],
) -> Answer {
    let mut tries = 0;
    loop {
        let answer = caller.call(verb.clone(), path, body.clone(), headers).await;
        tries += 1;
        if answer.status != 503 || tries == 20 {
            return answer;
        }
        assert!(answer.headers.contains_key("retry-after"), "{:?}", answer.body);
        tokio::time::sleep(std::time::Duration::from_millis(250)).await;
    }
}

fn count(answers: &[Answer], status: u16) -> usize {
    answers.iter().filter(|answer| answer.status == status).count()
}

async fn ledger_of(world: &World) -> (usize, Value) {
    let entries = world.finance.get("/v1/ledger/entries").await.ok();
    let balance = world.finance.get("/v1/ledger:trialBalance").await.ok();
    assert_eq!(world.finance.get("/v1/ledger:verify").await.ok()["intact"], true);
    (entries["entries"].as_array().map_or(0, Vec::len), balance["totals"].clone())
}

on_both_databases! {
    async fn of_many_approvals_one_succeeds_and_posts(server) {
        let second = server.beside().await;
        let world = World::load(&server).await;
        let (name, etag) = in_review(&world).await;
        let (path, here, there) = (format!("/v1/{name}:adjudicate"), &world.auditor, at(&second, &world.auditor));
        let attempts = (0..MANY).map(|n| (if n % 2 == 0 { here } else { &there }).post(&path, decision(&etag, "APPROVED")));
        let answers = futures::future::join_all(attempts).await;
        let fault = answers.iter().find(|answer| ![200, 409].contains(&answer.status)).map(|answer| &answer.body);
        assert_eq!((count(&answers, 200), count(&answers, 409)), (1, MANY - 1), "{fault:?}");
        let (entries, totals) = ledger_of(&world).await;
        assert_eq!(entries, 1);
        assert_eq!(totals[0]["debit"], cny(66_600));
    }

    async fn of_an_approval_and_a_rejection_one_succeeds(server) {
        let second = server.beside().await;
        let world = World::load(&server).await;
        let there = at(&second, &world.auditor);
        for _ in 0..4 {
            let mut claim = pump_claim();
            claim["externalRepairOrder"] = json!(RandomIds.new_id().to_string());
            let name = world.submitted(claim).await;
            let reviewed = world.auditor.post(&format!("/v1/{name}:startReview"), json!({})).await.ok();
            let (path, etag) = (format!("/v1/{name}:adjudicate"), reviewed["etag"].as_str().expect("an etag"));
            let (approved, rejected) = tokio::join!(
                world.auditor.post(&path, decision(etag, "APPROVED")),
                there.post(&path, decision(etag, "REJECTED")),
            );
            let mut statuses = [approved.status, rejected.status];
            statuses.sort_unstable();
            assert_eq!(statuses, [200, 409]);
            let state = world.auditor.get(&format!("/v1/{name}")).await.ok()["state"].clone();
            assert_eq!(state, if approved.status == 200 { "APPROVED" } else { "REJECTED" });
        }
        ledger_of(&world).await;
    }

    async fn of_many_who_grant_the_last_of_a_budget_one_succeeds(server) {
        let second = server.beside().await;
        let world = World::load(&server).await;
        let budget = json!({"region": "EAST", "validFrom": date("2026-10-01"), "validTo": date("2027-01-01"), "amount": cny(10_000)});
        world.finance.post("/v1/goodwillBudgets?goodwillBudgetId=EAST", budget).await.ok();
        let there = at(&second, &world.second_auditor);
        let mut decisions = Vec::new();
        for job in 0..8 {
            let mut claim = pump_claim();
            claim["externalJob"] = json!(format!("b-{job}"));
            let name = world.submitted(claim).await;
            let reviewed = world.second_auditor.post(&format!("/v1/{name}:startReview"), json!({})).await.ok();
            let lines = json!([
                {"lineNumber": 1, "outcome": "APPROVED", "approvedAmount": cny(45_000), "goodwillAmount": cny(6_000)},
                {"lineNumber": 2, "outcome": "APPROVED"}]);
            decisions.push((format!("/v1/{name}:adjudicate"), json!({"etag": reviewed["etag"], "lineDecisions": lines})));
        }
        let attempts = decisions.into_iter().enumerate().map(|(n, (path, decision))| {
            let caller = if n % 2 == 0 { &world.second_auditor } else { &there };
            async move { caller.post(&path, decision).await }
        });
        let answers = futures::future::join_all(attempts).await;
        assert_eq!(count(&answers, 200), 1, "{:?}", answers.iter().map(|a| a.status).collect::<Vec<_>>());
        for refused in answers.iter().filter(|answer| answer.status != 200) {
            assert_eq!((refused.status, refused.body["reason"].as_str()), (400, Some("GOODWILL_BUDGET_EXCEEDED")));
        }
        let left = world.auditor.get("/v1/goodwillBudgets/EAST").await.ok();
        assert_eq!((&left["used"], &left["left"]), (&cny(6_000), &cny(4_000)));
        assert_eq!(ledger_of(&world).await.0, 1);
        assert_eq!(server.running.api.store().verify_rows().await.unwrap().faults, Vec::<String>::new());
    }

    async fn many_creations_under_one_key_make_one_claim(server) {
        let second = server.beside().await;
        let world = World::load(&server).await;
        let there = at(&second, &world.station);
        let path = "/v1/claims?requestId=0199a1b2-0000-7000-8000-0000000000aa";
        let attempts = (0..MANY).map(|n| patiently(if n % 2 == 0 { &world.station } else { &there }, path, pump_claim(), &[]));
        let others = (0..8).map(|_| asked_again(&world.auditor, Method::GET, "/v1/parts", None, &[]));
        let (answers, others) = tokio::join!(futures::future::join_all(attempts), futures::future::join_all(others));
        assert_eq!(count(&answers, 200), MANY, "{:?}", answers.iter().map(|a| a.status).collect::<Vec<_>>());
        let names: BTreeSet<&str> = answers.iter().filter_map(|answer| answer.body["name"].as_str()).collect();
        assert_eq!(names.len(), 1);
        let replayed = answers.iter().filter(|answer| answer.headers.contains_key("idempotent-replayed")).count();
        assert_eq!(replayed, MANY - 1);
        assert_eq!(count(&others, 200), 8, "others had connections meanwhile");
        assert_eq!(world.station.get("/v1/claims").await.ok()["claims"].as_array().map(Vec::len), Some(1));
    }

    async fn a_decision_under_one_key_is_made_once_and_answered_to_all(server) {
        let second = server.beside().await;
        let world = World::load(&server).await;
        let (name, etag) = in_review(&world).await;
        let (path, there) = (format!("/v1/{name}:adjudicate"), at(&second, &world.auditor));
        let key = [("idempotency-key", "0199a1b2-0000-7000-8000-0000000000bb")];
        let attempts = (0..MANY).map(|n| {
            let caller = if n % 2 == 0 { &world.auditor } else { &there };
            patiently(caller, &path, decision(&etag, "APPROVED"), &key)
        });
        let answers = futures::future::join_all(attempts).await;
        assert_eq!(count(&answers, 200), MANY, "{:?}", answers.iter().map(|a| a.status).collect::<Vec<_>>());
        assert!(answers.iter().all(|answer| answer.body["state"] == "APPROVED"));
        assert_eq!(ledger_of(&world).await.0, 1);
        // The same key for something else, and the same key from somebody else.
        let other = world.auditor.call(Method::POST, &path, Some(decision(&etag, "REJECTED")), &key).await;
        other.refused(400, "IDEMPOTENCY_KEY_REUSED");
        let elsewhere = world.second_auditor.call(Method::POST, &path, Some(decision(&etag, "APPROVED")), &key).await;
        elsewhere.refused(409, "STALE_ETAG");
    }

    async fn of_many_claims_for_one_repair_all_but_the_first_are_known_for_duplicates(server) {
        let second = server.beside().await;
        let world = World::load(&server).await;
        let there = at(&second, &world.station);
        let mut names = Vec::new();
        for job in 0..8 {
            // Another job each, so that nothing but the vehicle and its part tells that they are one repair.
            let mut claim = pump_claim();
            claim["externalJob"] = json!(format!("d-{job}"));
            names.push(world.station.post("/v1/claims", claim).await.ok()["name"].as_str().expect("a name").to_owned());
        }
        let attempts = names.iter().enumerate().map(|(n, name)| {
            let caller = if n % 2 == 0 { &world.station } else { &there };
            let path = format!("/v1/{name}:submit");
            async move { patiently(caller, &path, json!({}), &[]).await.ok() }
        });
        let submitted = futures::future::join_all(attempts).await;
        let told = |answer: &Value| {
            let findings = answer["findings"].as_array();
            findings.is_some_and(|all| all.iter().any(|finding| finding["code"] == "DUPLICATE"))
        };
        // A rule that approves what has no finding would otherwise pay the repair more than once.
        assert_eq!(submitted.iter().filter(|answer| !told(answer)).count(), 1);
    }

    async fn of_many_who_assign_the_whole_of_a_claim_one_succeeds(server) {
        let second = server.beside().await;
        let world = World::load(&server).await;
        let there = at(&second, &world.second_auditor);
        let claim = world.in_review(pump_claim()).await;
        let suppliers = ["suppliers/SUP-017", "suppliers/SUP-018"];
        let order = json!({
            "claim": claim, "appraiser": "appraisers/A-01", "questions": ["who?"], "dueTime": "2026-12-10T00:00:00Z",
            "suppliers": suppliers,
        });
        let appraisal = format!("/v1/{}", world.auditor.post("/v1/appraisals", order).await.ok()["name"].as_str().expect("a name"));
        let expert = world.admin.get("/v1/appraisers/A-01").await.ok()["experts"][0]["id"].clone();
        world.appraiser.post(&format!("{appraisal}:accept"), json!({"expert": expert})).await.ok();
        world.appraiser.post(&format!("{appraisal}:start"), json!({})).await.ok();
        let findings = json!({"coverage": "COVERED", "summary": "both", "causeContributions": [{"cause": "MATERIAL", "shareBp": 10_000}]});
        world.appraiser.post(&format!("{appraisal}:conclude"), json!({"findings": findings})).await.ok();
        let shares = suppliers.map(|supplier| json!({"party": "SUPPLIER", "supplier": supplier, "shareBp": 5_000}));
        let etag = world.auditor.get(&appraisal).await.ok()["etag"].clone();
        world.auditor.post(&format!("{appraisal}:decideLiability"), json!({"etag": etag, "shares": shares})).await.ok();
        world.auditor.post(&format!("{appraisal}:finalize"), json!({})).await.ok();
        // Neither has a contract yet, so that both halves wait for somebody who says who bears them.
        world.approved(&claim).await;
        for supplier in ["SUP-017", "SUP-018"] {
            world.agree_on_recovery(supplier, true).await;
        }
        let waiting = world.auditor.get(&format!("/v1/recoveryClaims?filter=claim%3D%22{claim}%22")).await.ok();
        let waiting = waiting["recoveryClaims"].as_array().expect("two").clone();
        assert_eq!(waiting.len(), 2, "{waiting:#?}");
        let attempts = (0..8).map(|n| {
            let (recovery, supplier) = (&waiting[n % 2], suppliers[n % 2]);
            let path = format!("/v1/{}:assign", recovery["name"].as_str().expect("a name"));
            let whole = json!({"etag": recovery["etag"], "supplier": supplier, "shareBp": 10_000, "reason": "all of it"});
            let caller = if n < 4 { &world.auditor } else { &there };
            async move { patiently(caller, &path, whole, &[]).await }
        });
        let answers = futures::future::join_all(attempts).await;
        assert_eq!(count(&answers, 200), 1, "{:?}", answers.iter().map(|a| a.status).collect::<Vec<_>>());
    }

    async fn of_many_submissions_of_one_job_one_succeeds(server) {
        let second = server.beside().await;
        let world = World::load(&server).await;
        let there = at(&second, &world.station);
        let mut names = Vec::new();
        for _ in 0..8 {
            let created = world.station.post("/v1/claims", pump_claim()).await.ok();
            names.push(created["name"].as_str().expect("a name").to_owned());
        }
        let attempts = names.iter().enumerate().map(|(n, name)| {
            let caller = if n % 2 == 0 { &world.station } else { &there };
            let path = format!("/v1/{name}:submit");
            async move { caller.post(&path, json!({})).await }
        });
        let answers = futures::future::join_all(attempts).await;
        assert_eq!(count(&answers, 200), 1, "{:?}", answers.iter().map(|a| a.status).collect::<Vec<_>>());
        for refused in answers.iter().filter(|answer| answer.status != 200) {
            assert_eq!((refused.status, refused.body["reason"].as_str()), (400, Some("CLAIM_HAS_ERRORS")));
        }
    }
}
