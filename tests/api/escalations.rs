//! Overdue reviews and appeals: who is told, after how many days, step by step.

use chrono::Duration;
use recourse_domain::clock::Clock;
use serde_json::json;

use crate::harness::Server;
use crate::harness::world::{World, date, pump_claim, setting};
use crate::on_both_databases;

async fn with_steps(server: &Server, world: &World) {
    for code in ["LEAD", "DIRECTOR"] {
        let queue = json!({"displayName": code});
        world.admin.post(&format!("/v1/reviewQueues?reviewQueueId={code}"), queue).await.ok();
    }
    let mut changed = setting();
    changed["validFrom"] = date(&(server.clock.now() + Duration::days(2)).date_naive().to_string());
    changed["escalations"] = json!([
        {"daysOverdue": 0, "queue": "reviewQueues/LEAD"}, {"daysOverdue": 3, "queue": "reviewQueues/DIRECTOR"}]);
    world.admin.post("/v1/settings?settingId=STEPS", changed.clone()).await.ok();
    changed["escalations"][1]["queue"] = json!("reviewQueues/NONE");
    let refused = world.admin.post("/v1/settings?settingId=OTHER", changed).await.refused(400, "INVALID_FIELDS");
    assert_eq!(refused["violations"][0]["field"], "setting.escalations[1].queue");
    server.clock.advance(Duration::days(3));
}

async fn pass_days(server: &Server, days: i64) {
    server.clock.advance(Duration::days(days));
    server.running.api.enforce_deadlines().await.expect("deadlines");
}

/// A claim that was rejected whole, and that its station appealed against at once.
async fn appealed(world: &World, claim: serde_json::Value) -> String {
    let name = world.in_review(claim).await;
    let etag = world.auditor.get(&format!("/v1/{name}")).await.ok()["etag"].clone();
    let verdict = |line: i32| json!({"lineNumber": line, "outcome": "REJECTED", "reasons": [{"code": "NOT_COVERED"}]});
    let decisions = json!({"etag": etag, "lineDecisions": [verdict(1), verdict(2)]});
    world.auditor.post(&format!("/v1/{name}:adjudicate"), decisions).await.ok();
    let appeal = json!({"lineNumbers": [1, 2], "grounds": "it is covered"});
    world.station.post(&format!("/v1/{name}/appeals"), appeal).await.ok();
    name
}

on_both_databases! {
    async fn an_overdue_review_is_escalated_step_by_step_and_each_step_once(server) {
        let world = World::load(&server).await;
        with_steps(&server, &world).await;
        let mut other = pump_claim();
        other["externalJob"] = json!("2");
        let (waits, taken) = (world.submitted(pump_claim()).await, world.in_review(other).await);
        pass_days(&server, 7).await;
        assert!(world.auditor.get(&format!("/v1/{waits}")).await.ok().get("escalation").is_none(), "due today");
        // Two servers look at once, and again.
        let second = server.beside().await;
        second.clock.advance(Duration::days(11));
        server.clock.advance(Duration::days(1));
        let (here, there) = tokio::join!(server.running.api.enforce_deadlines(), second.running.api.enforce_deadlines());
        assert!(here.is_ok() && there.is_ok());
        server.running.api.enforce_deadlines().await.expect("deadlines");
        for (name, state) in [(&waits, "SUBMITTED"), (&taken, "IN_REVIEW")] {
            let claim = world.auditor.get(&format!("/v1/{name}")).await.ok();
            assert_eq!((&claim["escalation"]["level"], &claim["state"]), (&json!(1), &json!(state)));
            assert_eq!(claim["queue"], "reviewQueues/LEAD");
            let seen = world.station.get(&format!("/v1/{name}")).await.ok();
            assert_eq!(seen["escalation"]["level"], 1);
            assert!(seen["escalation"].get("queue").is_none() && seen.get("queue").is_none(), "{seen:#}");
            let events = world.station.get(&format!("/v1/events?resource={name}")).await.ok();
            let escalated = events["events"].as_array().unwrap().iter().filter(|event| event["verb"] == "escalate").count();
            assert_eq!(escalated, 1, "{events:#}");
        }
        assert!(world.auditor.get(&format!("/v1/{taken}")).await.ok().get("auditor").is_some(), "the review stays whose it is");
        let next = world.second_auditor.post("/v1/claims:next", json!({"queue": "reviewQueues/LEAD"})).await.ok();
        assert_eq!(next["claim"]["name"], json!(waits));
        pass_days(&server, 3).await;
        let listed = world.auditor.get("/v1/claims?filter=escalation_level%3E1").await.ok();
        assert_eq!(listed["claims"].as_array().map(Vec::len), Some(2));
        assert_eq!(listed["claims"][0]["queue"], "reviewQueues/DIRECTOR");
        assert_eq!(server.running.api.store().verify_rows().await.unwrap().faults, Vec::<String>::new());
        second.running.stop().await;
    }

    async fn what_is_held_or_decided_is_not_escalated_and_a_missed_step_is_passed_over(server) {
        let world = World::load(&server).await;
        with_steps(&server, &world).await;
        let mut other = pump_claim();
        other["externalJob"] = json!("2");
        let (held, decided) = (world.submitted(pump_claim()).await, world.in_review(other).await);
        world.approved(&decided).await;
        world.auditor.post(&format!("/v1/{held}:hold"), json!({"reason": "INVESTIGATION"})).await.ok();
        pass_days(&server, 30).await;
        for name in [&held, &decided] {
            assert!(world.auditor.get(&format!("/v1/{name}")).await.ok().get("escalation").is_none(), "{name}");
        }
        world.auditor.post(&format!("/v1/{held}:releaseHold"), json!({})).await.ok();
        pass_days(&server, 11).await;
        let late = world.auditor.get(&format!("/v1/{held}")).await.ok();
        assert_eq!((&late["escalation"]["level"], &late["queue"]), (&json!(2), &json!("reviewQueues/DIRECTOR")));
    }

    async fn an_overdue_appeal_is_escalated_and_its_claim_stays_what_it_is(server) {
        let world = World::load(&server).await;
        with_steps(&server, &world).await;
        let mut other = pump_claim();
        other["externalJob"] = json!("2");
        let (waits, held) = (appealed(&world, pump_claim()).await, appealed(&world, other).await);
        world.auditor.post(&format!("/v1/{held}:hold"), json!({"reason": "INVESTIGATION"})).await.ok();
        pass_days(&server, 7).await;
        assert!(world.auditor.get(&format!("/v1/{waits}")).await.ok().get("escalation").is_none(), "due today");
        let second = server.beside().await;
        second.clock.advance(Duration::days(11));
        server.clock.advance(Duration::days(1));
        let (here, there) = tokio::join!(server.running.api.enforce_deadlines(), second.running.api.enforce_deadlines());
        assert!(here.is_ok() && there.is_ok());
        server.running.api.enforce_deadlines().await.expect("deadlines");
        let claim = world.auditor.get(&format!("/v1/{waits}")).await.ok();
        assert_eq!((&claim["escalation"]["level"], &claim["state"]), (&json!(1), &json!("REJECTED")));
        assert_eq!(claim["queue"], "reviewQueues/LEAD");
        assert_eq!(world.station.get(&format!("/v1/{waits}")).await.ok()["escalation"]["level"], 1, "its station is told");
        let events = world.station.get(&format!("/v1/events?resource={waits}")).await.ok();
        let escalated = events["events"].as_array().unwrap().iter().filter(|event| event["verb"] == "escalate").count();
        assert_eq!(escalated, 1, "{events:#}");
        let found = world.auditor.get("/v1/claims?filter=queue%3DLEAD%20AND%20open_appeal:*").await.ok();
        assert_eq!(found["claims"].as_array().map(Vec::len), Some(1), "{found:#}");
        assert!(world.auditor.get(&format!("/v1/{held}")).await.ok().get("escalation").is_none(), "its clock stands");
        pass_days(&server, 3).await;
        let late = world.auditor.get(&format!("/v1/{waits}")).await.ok();
        assert_eq!((&late["escalation"]["level"], &late["queue"]), (&json!(2), &json!("reviewQueues/DIRECTOR")));
        assert_eq!(server.running.api.store().verify_rows().await.unwrap().faults, Vec::<String>::new());
        second.running.stop().await;
    }
}
