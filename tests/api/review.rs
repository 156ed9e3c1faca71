//! Review beyond one auditor: levels of approval.

use chrono::Duration;
use recourse_domain::clock::Clock;
use serde_json::{Value, json};

use crate::harness::Server;
use crate::harness::world::{World, cny, date, pump_claim};
use crate::on_both_databases;

/// Lets a setting begin in which an auditor of level 0 decides up to 500 alone, and one of level 3 anything.
pub(super) async fn limit_levels(server: &Server, world: &World) {
    let found = world.admin.get("/v1/settings").await.ok();
    let mut setting = found["settings"][0].clone();
    for output in ["name", "etag", "active", "createTime", "updateTime", "retireTime"] {
        setting.as_object_mut().expect("a setting").remove(output);
    }
    for rows in ["gradeRates", "taxRates"] {
        for row in setting[rows].as_array_mut().into_iter().flatten() {
            row.as_object_mut().expect("a row").remove("id");
        }
    }
    let tomorrow = (server.clock.now() + Duration::days(2)).date_naive().to_string();
    setting["validFrom"] = date(&tomorrow);
    setting["approvalLimits"] = json!([{"level": 0, "limit": cny(50_000)}, {"level": 3, "currency": "CNY"}]);
    world.admin.post("/v1/settings?settingId=LEVELS", setting).await.ok();
    server.clock.advance(Duration::days(3));
}

fn approve_all(etag: &Value) -> Value {
    json!({"etag": etag, "lineDecisions": [
        {"lineNumber": 1, "outcome": "APPROVED"}, {"lineNumber": 2, "outcome": "APPROVED"}]})
}

/// A decision of 666 that waits for a higher level, and its etag.
pub(super) async fn proposed(world: &World) -> (String, Value) {
    let name = world.submitted(pump_claim()).await;
    let etag = world.auditor.post(&format!("/v1/{name}:startReview"), json!({})).await.ok()["etag"].clone();
    let claim = world.auditor.post(&format!("/v1/{name}:adjudicate"), approve_all(&etag)).await.ok();
    assert_eq!(claim["state"], "IN_REVIEW");
    assert_eq!(claim["waitsFor"]["step"], "APPROVAL");
    assert_eq!(claim["proposedDecision"]["approvedTotal"], cny(66_600));
    (name, claim["etag"].clone())
}

on_both_databases! {
    async fn beyond_an_auditors_level_a_decision_waits_for_a_higher_one(server) {
        let world = World::load(&server).await;
        limit_levels(&server, &world).await;
        let (name, etag) = proposed(&world).await;

        let seen = world.station.get(&format!("/v1/{name}")).await.ok();
        assert_eq!((&seen["state"], &seen["proposedDecision"]), (&json!("IN_REVIEW"), &Value::Null));
        let entries = world.finance.get("/v1/ledger/entries").await.ok();
        assert_eq!(entries["entries"], Value::Null, "nothing is posted before it stands");

        let approve = format!("/v1/{name}:approveDecision");
        let refused = world.auditor.post(&approve, json!({"etag": etag})).await;
        assert_eq!((refused.status, &refused.body["reason"]), (403, &json!("SAME_PERSON")));
        let stale = world.second_auditor.post(&approve, json!({"etag": "1"})).await;
        assert_eq!(stale.status, 409, "{:#}", stale.body);
        let refused = world.station.post(&approve, json!({"etag": etag})).await;
        assert_eq!((refused.status, &refused.body["reason"]), (403, &json!("ROLE_NOT_ALLOWED")));

        let request = json!({"etag": etag, "requestId": "0199a000-0000-4000-8000-0000000a0001"});
        let claim = world.second_auditor.post(&approve, request.clone()).await.ok();
        assert_eq!(claim["state"], "APPROVED");
        assert_eq!(claim["decisions"][0]["approvals"][0]["level"], 3);
        assert_eq!(claim["totals"]["approved"], cny(66_600));
        let again = world.second_auditor.post(&approve, request).await.ok();
        assert_eq!(again["etag"], claim["etag"], "a repeat has no further effect");

        let entries = world.finance.get("/v1/ledger/entries").await.ok();
        assert_eq!(entries["entries"].as_array().map(Vec::len), Some(1));
        assert_eq!(world.finance.get("/v1/ledger:verify").await.ok()["intact"], true);
        let seen = world.station.get(&format!("/v1/{name}")).await.ok();
        assert_eq!(seen["decisions"][0]["approvals"], Value::Null, "who approved is the manufacturer's matter");
    }

    async fn a_declined_decision_is_taken_anew_within_the_level(server) {
        let world = World::load(&server).await;
        limit_levels(&server, &world).await;
        let (name, etag) = proposed(&world).await;
        let decline = format!("/v1/{name}:declineDecision");
        let claim = world.second_auditor.post(&decline, json!({"etag": etag})).await.ok();
        assert_eq!(claim["proposedDecision"], Value::Null);
        let again = world.second_auditor.post(&decline, json!({"etag": claim["etag"]})).await;
        assert_eq!((again.status, &again.body["reason"]), (400, &json!("STATE_CONFLICT")));
        let verdicts = json!({"etag": claim["etag"], "lineDecisions": [
            {"lineNumber": 1, "outcome": "APPROVED"},
            {"lineNumber": 2, "outcome": "REJECTED", "reasons": [{"code": "LABOR_FAULT_MISMATCH"}]}]});
        let claim = world.auditor.post(&format!("/v1/{name}:adjudicate"), verdicts).await.ok();
        assert_eq!((&claim["state"], &claim["totals"]["approved"]), (&json!("APPROVED"), &cny(45_000)));
    }

    async fn an_appraisal_drops_what_was_proposed_without_its_answer(server) {
        let world = World::load(&server).await;
        limit_levels(&server, &world).await;
        let (name, _) = proposed(&world).await;
        let order = json!({"claim": name, "appraiser": "appraisers/A-01", "questions": ["why?"], "dueTime": "2026-12-10T00:00:00Z"});
        let ordered = world.auditor.post("/v1/appraisals", order).await.ok();
        let cancel = format!("/v1/{}:cancel", ordered["name"].as_str().unwrap());
        world.auditor.post(&cancel, json!({"text": "not needed"})).await.ok();
        let claim = world.auditor.get(&format!("/v1/{name}")).await.ok();
        assert_eq!((&claim["state"], claim.get("proposedDecision")), (&json!("IN_REVIEW"), None));
        assert_eq!(claim["waitsFor"]["step"], "DECISION");
        let approve = json!({"etag": claim["etag"]});
        world.second_auditor.post(&format!("/v1/{name}:approveDecision"), approve).await.refused(400, "STATE_CONFLICT");
    }

    async fn whoever_approved_at_a_higher_level_does_not_decide_the_appeal(server) {
        let world = World::load(&server).await;
        limit_levels(&server, &world).await;
        let (name, etag) = proposed(&world).await;
        let verdicts = json!({"etag": etag, "lineDecisions": [
            {"lineNumber": 1, "outcome": "APPROVED"},
            {"lineNumber": 2, "outcome": "REDUCED", "approvedAmount": cny(10_000), "reasons": [{"code": "EXCESSIVE_LABOR_HOURS"}]}]});
        let claim = world.auditor.post(&format!("/v1/{name}:adjudicate"), verdicts).await.ok();
        let claim = world.second_auditor.post(&format!("/v1/{name}:approveDecision"), json!({"etag": claim["etag"]})).await.ok();
        assert_eq!(claim["totals"]["approved"], cny(55_000));
        let appeal = world.station.post(&format!("/v1/{name}/appeals"), json!({"lineNumbers": [2], "grounds": "rusted"})).await.ok();
        let decide = format!("/v1/{}:decide", appeal["name"].as_str().unwrap());
        for auditor in [&world.auditor, &world.second_auditor] {
            let refused = auditor.post(&decide, json!({"etag": appeal["etag"], "lineDecisions": [{"lineNumber": 2, "outcome": "APPROVED"}]})).await;
            assert_eq!((refused.status, &refused.body["reason"]), (403, &json!("SAME_PERSON")));
        }
    }
}
