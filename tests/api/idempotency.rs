//! A command under a key is done once.

use reqwest::Method;
use serde_json::json;

use crate::harness::world::{World, pump_claim};
use crate::on_both_databases;

const KEY: &str = "0199a1b2-0000-7000-8000-00000000aaaa";

on_both_databases! {
    async fn a_repeat_answers_the_same_resource_as_it_is_now(server) {
        let world = World::load(&server).await;
        let path = format!("/v1/claims?requestId={KEY}");
        let first = world.station.post(&path, pump_claim()).await;
        assert!(!first.headers.contains_key("idempotent-replayed"));
        let first = first.ok();
        let name = first["name"].as_str().unwrap();
        world.station.patch(&format!("/v1/{name}"), json!({"causeDescription": "rust"})).await.ok();
        let again = world.station.post(&path, pump_claim()).await;
        assert_eq!(again.headers.get("idempotent-replayed").map(reqwest::header::HeaderValue::as_bytes), Some(&b"true"[..]));
        let again = again.ok();
        assert_eq!(again["name"], first["name"]);
        assert_eq!(again["causeDescription"], "rust", "its present state, not a stored answer");
        let listed = world.station.get("/v1/claims").await.ok();
        assert_eq!(listed["claims"].as_array().map(Vec::len), Some(1));
    }

    async fn another_body_or_a_second_key_is_refused_and_another_caller_is_apart(server) {
        let world = World::load(&server).await;
        world.station.post(&format!("/v1/claims?requestId={KEY}"), pump_claim()).await.ok();
        let mut other = pump_claim();
        other["causeDescription"] = json!("something else");
        world
            .station
            .post(&format!("/v1/claims?requestId={KEY}"), other.clone())
            .await
            .refused(400, "IDEMPOTENCY_KEY_REUSED");
        world
            .station
            .call(
                Method::POST,
                &format!("/v1/claims?requestId={KEY}"),
                Some(pump_claim()),
                &[("idempotency-key", "0199a1b2-0000-7000-8000-00000000bbbb")],
            )
            .await
            .refused(400, "IDEMPOTENCY_KEY_MISMATCH");
        let elsewhere = world.other_station.post(&format!("/v1/claims?requestId={KEY}"), other).await.ok();
        assert_eq!(elsewhere["station"], "stations/S-002");
        let header = [("idempotency-key", KEY)];
        let by_header = world.station.call(Method::POST, "/v1/claims", Some(pump_claim()), &header).await;
        assert!(by_header.headers.contains_key("idempotent-replayed"), "header and field are one key");
    }

    async fn a_refused_or_dry_command_leaves_no_record(server) {
        let world = World::load(&server).await;
        let path = format!("/v1/claims?requestId={KEY}");
        world.station.post(&format!("{path}&validateOnly=true"), pump_claim()).await.ok();
        world.station.post(&path, json!({"kind": "ROADSIDE_RESCUE", "externalJob": "1"})).await.refused(400, "INVALID_FIELDS");
        world.station.post(&path, pump_claim()).await.ok();
    }

    async fn sixty_four_creates_with_one_key_make_one_claim(server) {
        let world = World::load(&server).await;
        let path = format!("/v1/claims?requestId={KEY}");
        let calls = (0..64).map(|_| {
            let (station, path) = (world.station.clone(), path.clone());
            tokio::spawn(async move { station.post(&path, pump_claim()).await })
        });
        let mut names = std::collections::BTreeSet::new();
        for call in calls.collect::<Vec<_>>() {
            let answer = call.await.unwrap();
            // A busy moment may be told as such; a second claim may not.
            if answer.status == 409 || answer.status == 503 {
                assert!(answer.body["reason"].is_string());
                continue;
            }
            names.insert(answer.ok()["name"].as_str().unwrap().to_owned());
        }
        assert_eq!(names.len(), 1, "{names:?}");
        assert_eq!(world.station.get("/v1/claims").await.ok()["claims"].as_array().map(Vec::len), Some(1));
    }

    async fn sixty_four_approvals_post_once(server) {
        let world = World::load(&server).await;
        let name = world.submitted(pump_claim()).await;
        let reviewed = world.auditor.post(&format!("/v1/{name}:startReview"), json!({})).await.ok();
        let body = json!({"etag": reviewed["etag"], "lineDecisions": [
            {"lineNumber": 1, "outcome": "APPROVED"}, {"lineNumber": 2, "outcome": "APPROVED"}]});
        let calls = (0..64).map(|_| {
            let (auditor, name, body) = (world.auditor.clone(), name.clone(), body.clone());
            tokio::spawn(async move { auditor.post(&format!("/v1/{name}:adjudicate"), body).await.status })
        });
        let mut statuses = Vec::new();
        for call in calls.collect::<Vec<_>>() {
            statuses.push(call.await.unwrap());
        }
        assert_eq!(statuses.iter().filter(|status| **status == 200).count(), 1, "{statuses:?}");
        let entries = world.finance.get("/v1/ledger/entries").await.ok();
        assert_eq!(entries["entries"].as_array().map(Vec::len), Some(1));
    }
}
