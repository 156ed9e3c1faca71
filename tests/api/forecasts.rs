//! What the rules would do with a submission: said beforehand, without rules and queues.

use serde_json::{Value, json};

use crate::harness::world::{World, cny, date, pump_claim};
use crate::on_both_databases;

async fn in_force(world: &World, rules: Value, more: Value) {
    let mut set = json!({"displayName": "First", "family": "FIRST", "versionNumber": 1, "validFrom": date("2026-11-20"), "rules": rules});
    for (name, value) in more.as_object().into_iter().flatten() {
        set[name] = value.clone();
    }
    world.admin.post("/v1/adjudicationRuleSets?adjudicationRuleSetId=FIRST.1", set).await.ok();
    world.admin.post("/v1/adjudicationRuleSets/FIRST.1:publish", json!({})).await.ok();
}

fn claim(job: &str, amount: i64) -> Value {
    let mut claim = pump_claim();
    claim["externalJob"] = json!(job);
    claim["lines"][0]["requestedAmount"] = cny(amount);
    claim
}

on_both_databases! {
    async fn a_station_learns_what_would_become_of_a_claim_before_and_at_submission(server) {
        let world = World::load(&server).await;
        let open = world.station.post("/v1/claims:precheck", claim("0", 45_000)).await.ok();
        assert_eq!(open["forecast"], json!({"outcome": "PERSON"}), "without rules");
        let rule = |id: &str, priority: i64, condition: &str, action: &str| {
            json!({"ruleId": id, "priority": priority, "condition": condition, "action": action})
        };
        let mut evidence = rule("LARGE", 2, "claim.amount_minor > 200000", "REQUIRE_EVIDENCE");
        (evidence["evidence"], evidence["evidenceZh"]) = (json!("a photo"), json!("照片"));
        let mut reject = rule("HUGE", 1, "claim.amount_minor > 400000", "REJECT");
        reject["reasons"] = json!([{"code": "EXCESSIVE_PART_COST"}]);
        let small = rule("SMALL", 3, "claim.amount_minor <= 100000", "APPROVE");
        in_force(&world, json!([reject, evidence, small]), json!({"sampleEvery": 1000})).await;
        for (job, amount, outcome, state) in [
            ("1", 45_000, "APPROVED_BY_RULE", "APPROVED"),
            ("2", 150_000, "PERSON", "SUBMITTED"),
            ("3", 250_000, "EVIDENCE_NEEDED", "RETURNED"),
            ("4", 450_000, "REJECTED_BY_RULE", "REJECTED"),
        ] {
            let told = world.station.post("/v1/claims:precheck", claim(job, amount)).await.ok();
            let created = world.station.post("/v1/claims", claim(job, amount)).await.ok();
            let path = format!("/v1/{}:submit", created["name"].as_str().unwrap());
            let dry = world.station.post(&path, json!({"validateOnly": true})).await.ok();
            assert_eq!((&told["forecast"]["outcome"], &dry["forecast"]["outcome"]), (&json!(outcome), &json!(outcome)));
            let said = dry["forecast"].to_string();
            assert!(!said.contains("FIRST") && !said.contains("SMALL"), "which rule it is, is not told: {said}");
            let submitted = world.station.post(&path, json!({})).await.ok();
            assert_eq!(submitted["claim"]["state"], state, "and so it was");
            assert!(submitted.get("forecast").is_none());
        }
        let needed = world.station.post("/v1/claims:precheck", claim("5", 250_000)).await.ok();
        assert_eq!(needed["forecast"]["reasons"][0]["evidenceNeeded"], "a photo / 照片");
        let mut broken = claim("6", 45_000);
        broken.as_object_mut().unwrap().remove("failureCode");
        let broken = world.station.post("/v1/claims:precheck", broken).await.ok();
        assert!(broken.get("forecast").is_none(), "what can't be submitted has no future: {broken:#}");
        let shown = world.auditor.get("/v1/adjudicationRuleSets/FIRST.1:statistics").await.ok();
        let hits: i64 = shown["rules"].as_array().unwrap().iter().map(|rule| rule["hits"].as_i64().unwrap_or(0)).sum();
        assert_eq!(hits, 3, "only submissions are counted: {shown:#}");
    }

    async fn a_set_that_may_approves_requests_for_leave(server) {
        let world = World::load(&server).await;
        let rules = json!([{"ruleId": "LEAVE", "priority": 1, "condition": "claim.amount_minor <= 100000", "action": "APPROVE"}]);
        in_force(&world, rules, json!({"mayAuthorize": true})).await;
        let request = json!({
            "kind": "EXTERNAL_PURCHASE", "vin": crate::harness::world::VIN, "complaintDescription": "no pump in stock",
            "causalPart": "parts/P-1001",
            "externalPurchase": {"vendorName": "Corner Parts", "limitAmount": cny(48_000), "reason": "the customer needs the car"},
            "lines": [{"type": "EXTERNAL_PART", "part": "parts/P-1001", "description": "fuel pump", "quantity": {"value": "1"},
                "requestedAmount": cny(48_000)}],
        });
        let told = world.station.post("/v1/claims:precheck", request.clone()).await.ok();
        assert_eq!(told["forecast"]["outcome"], "APPROVED_BY_RULE", "{told:#}");
        let created = world.station.post("/v1/claims", request).await.ok();
        let name = created["name"].as_str().unwrap();
        let decided = world.station.post(&format!("/v1/{name}:submit"), json!({})).await.ok();
        assert_eq!(decided["claim"]["state"], "APPROVED");
        let given = world.station.get(&format!("/v1/authorizations?filter=claim%3D%22{name}%22")).await.ok();
        assert_eq!((&given["authorizations"][0]["state"], &given["authorizations"][0]["limitAmount"]), (&json!("ACTIVE"), &cny(48_000)));
        assert_eq!(server.running.api.store().verify_rows().await.unwrap().faults, Vec::<String>::new());
    }
}
