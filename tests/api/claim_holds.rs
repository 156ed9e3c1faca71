//! Holding claims: who may, what stands meanwhile, and what goes on afterwards.

use chrono::Duration;
use serde_json::{Value, json};

use crate::harness::Server;
use crate::harness::world::{World, date, pump_claim};
use crate::on_both_databases;

fn approve_all(etag: &Value) -> Value {
    json!({"etag": etag, "lineDecisions": [
        {"lineNumber": 1, "outcome": "APPROVED"}, {"lineNumber": 2, "outcome": "APPROVED"}]})
}

async fn pass_days(server: &Server, days: i64) {
    server.clock.advance(Duration::days(days));
    server.running.api.enforce_deadlines().await.expect("deadlines");
}

fn instant(value: &Value) -> chrono::DateTime<chrono::Utc> {
    value.as_str().expect("an instant").parse().expect("an instant")
}

on_both_databases! {
    async fn a_held_claim_is_not_decided_and_the_station_sees_why_but_not_the_note(server) {
        let world = World::load(&server).await;
        let name = world.in_review(pump_claim()).await;
        let path = format!("/v1/{name}");
        let due = world.station.get(&path).await.ok()["reviewDueTime"].clone();
        let body = json!({"reason": "PART_AWAITED", "internalNote": "the third this week", "requestId": "0199a000-0000-7000-8000-0000000000c1"});
        let held = world.second_auditor.post(&format!("{path}:hold"), body.clone()).await.ok();
        assert_eq!(held["reviewHold"]["reason"], "PART_AWAITED");
        assert_eq!(held["reviewHold"]["internalNote"], "the third this week");
        let again = world.second_auditor.post(&format!("{path}:hold"), body).await.ok();
        assert_eq!(again["etag"], held["etag"], "a repeat has no further effect");

        let seen = world.station.get(&path).await.ok();
        assert_eq!((&seen["waitsFor"]["step"], &seen["waitsFor"]["party"]), (&json!("HOLD_RELEASE"), &json!("STATION")));
        assert_eq!(seen["reviewHold"]["reason"], "PART_AWAITED");
        for hidden in ["internalNote", "heldBy"] {
            assert!(seen["reviewHold"].get(hidden).is_none(), "{seen:#}");
        }
        assert!(seen.get("reviewDueTime").is_none() && seen["pauses"][0].get("endTime").is_none(), "its clock stands");

        let etag = held["etag"].clone();
        let refused = world.auditor.post(&format!("{path}:adjudicate"), approve_all(&etag)).await.refused(400, "STATE_CONFLICT");
        assert!(refused["detail"].as_str().unwrap_or_default().contains("PART_AWAITED"), "{refused:#}");
        let back = json!({"etag": etag, "reasons": [{"code": "EVIDENCE_MISSING"}]});
        world.auditor.post(&format!("{path}:return"), back).await.refused(400, "STATE_CONFLICT");
        world.auditor.post(&format!("{path}:hold"), json!({"reason": "INVESTIGATION"})).await.refused(400, "STATE_CONFLICT");
        let listed = world.auditor.get("/v1/claims?filter=hold_reason:*").await.ok();
        assert_eq!(listed["claims"][0]["name"], json!(name));
        assert_eq!(world.station.get("/v1/claims?filter=hold_reason:*").await.status, 400);

        pass_days(&server, 3).await;
        let released = world.auditor.post(&format!("{path}:releaseHold"), json!({"etag": etag})).await.ok();
        assert!(released.get("reviewHold").is_none());
        assert_eq!(instant(&released["reviewDueTime"]) - instant(&due), Duration::days(3));
        world.auditor.post(&format!("{path}:releaseHold"), json!({})).await.refused(400, "STATE_CONFLICT");
        world.auditor.post(&format!("{path}:adjudicate"), approve_all(&released["etag"])).await.ok();
        world.auditor.post(&format!("{path}:hold"), json!({"reason": "INVESTIGATION"})).await.refused(400, "STATE_CONFLICT");
        let events = world.station.get(&format!("/v1/events?resource={name}")).await.ok();
        let verbs: Vec<_> = events["events"].as_array().unwrap().iter().map(|event| event["verb"].clone()).collect();
        assert_eq!(verbs, ["create", "submit", "startReview", "hold", "releaseHold", "adjudicate"]);
        assert_eq!(server.running.api.store().verify_rows().await.unwrap().faults, Vec::<String>::new());
    }

    async fn only_auditors_hold_with_a_reason_of_their_own_and_a_day_to_come(server) {
        let world = World::load(&server).await;
        let path = format!("/v1/{}", world.submitted(pump_claim()).await);
        let hold = format!("{path}:hold");
        for who in [&world.station, &world.finance, &world.admin, &world.supplier] {
            who.post(&hold, json!({"reason": "INVESTIGATION"})).await.refused(403, "ROLE_NOT_ALLOWED");
        }
        for (body, field) in [
            (json!({}), "reason"),
            (json!({"reason": "INVESTIGATION", "untilDate": date("2026-11-19")}), "until_date"),
        ] {
            let refused = world.auditor.post(&hold, body).await.refused(400, "INVALID_FIELDS");
            assert_eq!(refused["violations"][0]["field"], field, "{refused:#}");
        }
        world.auditor.post(&hold, json!({"reason": "APPRAISAL"})).await.refused(400, "STATE_CONFLICT");
        world.auditor.post(&hold, json!({"reason": "INVESTIGATION", "etag": "v1"})).await.refused(409, "STALE_ETAG");
        world.auditor.post(&hold, json!({"reason": "INVESTIGATION"})).await.ok();
        let next = world.auditor.post("/v1/claims:next", json!({})).await.ok();
        assert!(next.get("claim").is_none(), "nobody is given a held claim: {next:#}");
        let draft = world.station.post("/v1/claims", pump_claim()).await.ok();
        let refused = world.auditor.post(&format!("/v1/{}:hold", draft["name"].as_str().unwrap()), json!({"reason": "INVESTIGATION"})).await;
        assert_eq!(refused.status, 400, "a draft waits for nobody: {:#}", refused.body);
        world.station.post(&format!("{path}:withdraw"), json!({})).await.ok();
        assert!(world.auditor.get(&path).await.ok().get("reviewHold").is_none());
    }

    async fn a_hold_ends_by_itself_after_its_last_day(server) {
        let world = World::load(&server).await;
        let path = format!("/v1/{}", world.submitted(pump_claim()).await);
        let due = instant(&world.auditor.get(&path).await.ok()["reviewDueTime"]);
        let held = world.auditor.post(&format!("{path}:hold"), json!({"reason": "CLARIFICATION", "untilDate": date("2026-11-22")})).await.ok();
        assert_eq!((&held["waitsFor"]["party"], &held["waitsFor"]["dueTime"]), (&json!("AUDITOR"), &json!("2026-11-22T16:00:00Z")));
        pass_days(&server, 2).await;
        assert!(world.auditor.get(&path).await.ok().get("reviewHold").is_some(), "its last day is not over");
        // The work is late; the clock runs from the end of the last day all the same.
        pass_days(&server, 4).await;
        let ended = world.auditor.get(&path).await.ok();
        assert!(ended.get("reviewHold").is_none());
        assert_eq!(ended["pauses"][0]["endTime"], "2026-11-22T16:00:00Z");
        let stood = instant(&ended["pauses"][0]["endTime"]) - instant(&ended["pauses"][0]["startTime"]);
        assert_eq!(instant(&ended["reviewDueTime"]) - due, stood);
        let events = world.auditor.get(&format!("/v1/events?resource={}", &path[4..])).await.ok();
        let last = events["events"].as_array().unwrap().last().unwrap().clone();
        assert_eq!((&last["verb"], &last["actor"]), (&json!("releaseHold"), &json!("jobs/claim-deadlines")));
    }

    async fn neither_a_rule_nor_silence_decides_a_held_claim(server) {
        let world = World::load(&server).await;
        let name = world.in_review(pump_claim()).await;
        let path = format!("/v1/{name}");
        let etag = world.auditor.get(&path).await.ok()["etag"].clone();
        let back = json!({"etag": etag, "reasons": [{"code": "EVIDENCE_MISSING"}]});
        world.auditor.post(&format!("{path}:return"), back).await.ok();
        world.auditor.post(&format!("{path}:hold"), json!({"reason": "INVESTIGATION"})).await.ok();
        let rules = json!({"displayName": "All", "family": "ALL", "versionNumber": 1, "validFrom": date("2026-11-20"),
            "rules": [{"ruleId": "ALL", "priority": 1, "condition": "true", "action": "APPROVE"}]});
        world.admin.post("/v1/adjudicationRuleSets?adjudicationRuleSetId=ALL.1", rules).await.ok();
        world.admin.post("/v1/adjudicationRuleSets/ALL.1:publish", json!({})).await.ok();
        // The answer's clock stands: the return does not lapse.
        pass_days(&server, 60).await;
        assert_eq!(world.station.get(&path).await.ok()["state"], "RETURNED");
        world.station.patch(&path, json!({"causeDescription": "seized, see photo"})).await.ok();
        world.station.post(&format!("{path}:submit"), json!({})).await.ok();
        let seen = world.auditor.get(&path).await.ok();
        assert_eq!((&seen["state"], &seen["routing"]["heldBack"]), (&json!("SUBMITTED"), &json!("HELD")));
        assert_eq!(seen["reviewHold"]["reason"], "INVESTIGATION", "an answer does not end an investigation");
    }

    async fn an_appraisal_lets_the_clock_stand_and_gives_the_time_back(server) {
        let world = World::load(&server).await;
        let name = world.in_review(pump_claim()).await;
        let path = format!("/v1/{name}");
        let due = instant(&world.auditor.get(&path).await.ok()["reviewDueTime"]);
        let order = json!({"claim": name, "appraiser": "appraisers/A-01", "questions": ["what failed?"], "dueTime": "2026-12-10T00:00:00Z"});
        let appraisal = world.auditor.post("/v1/appraisals", order).await.ok();
        let waiting = world.station.get(&path).await.ok();
        assert!(waiting.get("reviewDueTime").is_none(), "{waiting:#}");
        assert_eq!(waiting["pauses"][0]["reason"], "APPRAISAL");
        // Held beside: two reasons, and each moment counts once.
        world.auditor.post(&format!("{path}:hold"), json!({"reason": "EVIDENCE_AWAITED"})).await.ok();
        let seen = world.appraiser.get(&path).await.ok();
        assert!(seen["name"].is_string(), "the appraiser has sight of the claim");
        for hidden in ["reviewHold", "pauses", "escalation", "waitsFor"] {
            assert!(seen.get(hidden).is_none(), "{hidden} {seen:#}");
        }
        world.appraiser.get(&format!("{path}/notes")).await.refused(403, "ROLE_NOT_ALLOWED");
        pass_days(&server, 2).await;
        let cancel = json!({"etag": appraisal["etag"], "text": "not needed"});
        world.auditor.post(&format!("/v1/{}:cancel", appraisal["name"].as_str().unwrap()), cancel).await.ok();
        assert!(world.station.get(&path).await.ok().get("reviewDueTime").is_none(), "it is still held");
        pass_days(&server, 3).await;
        let released = world.auditor.post(&format!("{path}:releaseHold"), json!({})).await.ok();
        assert_eq!(instant(&released["reviewDueTime"]) - due, Duration::days(5));
        assert_eq!(released["pauses"].as_array().map(Vec::len), Some(2));
    }
}
