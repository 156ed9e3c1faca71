//! Queues of claims: who gets the next one, who gives it back, who hands it on.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use crate::harness::world::{World, pump_claim};
use crate::on_both_databases;

async fn queue(world: &World, code: &str, more: Value) {
    let mut queue = json!({"displayName": code, "displayNameZh": "队列"});
    for (name, value) in more.as_object().into_iter().flatten() {
        queue[name] = value.clone();
    }
    world.admin.post(&format!("/v1/reviewQueues?reviewQueueId={code}"), queue).await.ok();
}

/// Submits so many claims; answers their names in the order of submission.
async fn submitted(world: &World, count: usize) -> Vec<String> {
    let mut names = Vec::new();
    for job in 0..count {
        let mut claim = pump_claim();
        claim["externalJob"] = json!(format!("q-{job}"));
        names.push(world.submitted(claim).await);
    }
    names
}

async fn user_named(world: &World, name: &str) -> String {
    let users = world.admin.get(&format!("/v1/users?filter=user_name%3D%22{name}%22")).await.ok();
    users["users"][0]["name"].as_str().unwrap().to_owned()
}

on_both_databases! {
    async fn a_claim_waits_in_the_queue_that_serves_it_and_lists_find_it_there(server) {
        let world = World::load(&server).await;
        queue(&world, "ALL", json!({})).await;
        queue(&world, "EAST", json!({"regions": ["EAST"], "kinds": ["WARRANTY_REPAIR"]})).await;
        queue(&world, "WEST", json!({"regions": ["WEST"]})).await;
        let names = submitted(&world, 2).await;
        let listed = world.auditor.get("/v1/claims?filter=queue%3D%22EAST%22&orderBy=review_due_time").await.ok();
        let found: Vec<_> = listed["claims"].as_array().unwrap().iter().map(|claim| claim["name"].as_str().unwrap()).collect();
        assert_eq!(found, names, "the one that is due first comes first");
        assert_eq!(listed["claims"][0]["queue"], "reviewQueues/EAST");
        let ordered = world.auditor.get("/v1/claims?orderBy=queue").await.ok();
        assert_eq!(ordered["claims"].as_array().unwrap().len(), 2);
        let until = "filter=review_due_time%3C%222026-11-20T00:00:00Z%22";
        assert!(world.auditor.get(&format!("/v1/claims?{until}")).await.ok().get("claims").is_none());
        for hidden in ["filter=queue%3D%22EAST%22", "filter=auditor%3D%22users/x%22", "orderBy=queue"] {
            let answer = world.station.get(&format!("/v1/claims?{hidden}")).await;
            assert_eq!(answer.status, 400, "what a station does not see it can't ask for: {hidden}");
        }
        world.station.get("/v1/reviewQueues").await.refused(403, "ROLE_NOT_ALLOWED");
    }

    async fn two_auditors_never_get_the_same_claim(server) {
        let world = World::load(&server).await;
        queue(&world, "EAST", json!({"regions": ["EAST"]})).await;
        let names = submitted(&world, 8).await;
        let other = server.beside().await;
        let beside = World::load(&other).await;
        let takes = (0..12).map(|index| {
            let auditor = if index % 2 == 0 { &world.auditor } else { &beside.second_auditor };
            async move { auditor.post("/v1/claims:next", json!({"queue": "reviewQueues/EAST"})).await.ok() }
        });
        let answers = futures::future::join_all(takes).await;
        let taken: Vec<&str> = answers.iter().filter_map(|answer| answer["claim"]["name"].as_str()).collect();
        let distinct: BTreeSet<&str> = taken.iter().copied().collect();
        assert_eq!((taken.len(), distinct.len()), (8, 8), "each of the eight once: {taken:?}");
        assert_eq!(distinct, names.iter().map(String::as_str).collect());
        assert!(answers.iter().filter(|answer| answer.get("claim").is_none()).count() == 4, "then there is none");
        assert!(answers.iter().filter_map(|answer| answer.get("claim")).all(|claim| claim["state"] == "IN_REVIEW"));
        other.running.stop().await;
    }

    async fn a_repeat_of_the_same_request_gets_the_same_claim(server) {
        let world = World::load(&server).await;
        let names = submitted(&world, 2).await;
        let body = json!({"requestId": "0199a000-0000-7000-8000-0000000000aa"});
        let first = world.auditor.post("/v1/claims:next", body.clone()).await.ok();
        assert_eq!(first["claim"]["name"], json!(names[0]), "without a queue: those in none");
        let again = world.auditor.post("/v1/claims:next", body).await.ok();
        assert_eq!(again["claim"]["name"], first["claim"]["name"]);
        world.auditor.post("/v1/claims:next", json!({"queue": "reviewQueues/NONE"})).await.refused(400, "INVALID_FIELDS");
        world.station.post("/v1/claims:next", json!({})).await.refused(403, "ROLE_NOT_ALLOWED");
    }

    async fn a_claim_is_given_back_by_its_auditor_only_and_keeps_its_due_time(server) {
        let world = World::load(&server).await;
        let names = submitted(&world, 1).await;
        let taken = world.auditor.post("/v1/claims:next", json!({})).await.ok()["claim"].clone();
        let path = format!("/v1/{}", names[0]);
        world.second_auditor.post(&format!("{path}:releaseReview"), json!({})).await.refused(400, "STATE_CONFLICT");
        let stale = json!({"etag": "W/\"x\""});
        assert_ne!(world.auditor.post(&format!("{path}:releaseReview"), stale).await.status, 200);
        let released = world.auditor.post(&format!("{path}:releaseReview"), json!({"etag": taken["etag"]})).await.ok();
        assert_eq!((released["state"].as_str(), &released["reviewDueTime"]), (Some("SUBMITTED"), &taken["reviewDueTime"]));
        assert!(released.get("auditor").is_none());
        world.auditor.post(&format!("{path}:releaseReview"), json!({})).await.refused(400, "STATE_CONFLICT");
        let next = world.second_auditor.post("/v1/claims:next", json!({})).await.ok();
        assert_eq!(next["claim"]["name"], json!(names[0]), "it waits again");
    }

    async fn a_claim_is_handed_to_an_auditor_or_into_a_queue(server) {
        let world = World::load(&server).await;
        queue(&world, "WEST", json!({})).await;
        let path = format!("/v1/{}:reassign", submitted(&world, 1).await[0]);
        let second = user_named(&world, "auditor2").await;
        let handed = world.auditor.post(&path, json!({"auditor": second, "note": "holiday"})).await.ok();
        assert_eq!((handed["state"].as_str(), handed["auditor"].as_str()), (Some("IN_REVIEW"), Some(second.as_str())));
        assert_eq!(handed["routing"]["note"], "holiday");
        let own = format!("/v1/claims?filter=auditor%3D%22{second}%22");
        assert_eq!(world.auditor.get(&own).await.ok()["claims"].as_array().unwrap().len(), 1);
        let queued = world.second_auditor.post(&path, json!({"queue": "reviewQueues/WEST", "note": "prices"})).await.ok();
        assert_eq!((queued["state"].as_str(), queued["queue"].as_str()), (Some("SUBMITTED"), Some("reviewQueues/WEST")));
        let clerk = user_named(&world, "s001").await;
        for (body, field) in [
            (json!({"auditor": clerk, "note": "x"}), "auditor"),
            (json!({"auditor": "users/0199a000-0000-7000-8000-00000000dead", "note": "x"}), "auditor"),
            (json!({"auditor": second, "queue": "reviewQueues/WEST", "note": "x"}), "auditor"),
            (json!({"queue": "reviewQueues/NONE", "note": "x"}), "queue"),
            (json!({"queue": "reviewQueues/WEST"}), "note"),
            (json!({"note": "x"}), "auditor"),
        ] {
            let refused = world.auditor.post(&path, body.clone()).await.refused(400, "INVALID_FIELDS");
            assert_eq!(refused["violations"][0]["field"], field, "{body} {refused:#}");
        }
        assert_eq!(server.running.api.store().verify_rows().await.unwrap().faults, Vec::<String>::new());
    }
}
