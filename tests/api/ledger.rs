//! The ledger as finance reads it.

use serde_json::json;

use crate::harness::world::{World, cny, pump_claim};
use crate::on_both_databases;

on_both_databases! {
    async fn the_balance_is_zero_at_any_date_and_counts_from_the_day_of_the_decision(server) {
        let world = World::load(&server).await;
        let name = world.submitted(pump_claim()).await;
        let reviewed = world.auditor.post(&format!("/v1/{name}:startReview"), json!({})).await.ok();
        let verdicts = json!([{"lineNumber": 1, "outcome": "APPROVED"}, {"lineNumber": 2, "outcome": "APPROVED"}]);
        world
            .auditor
            .post(&format!("/v1/{name}:adjudicate"), json!({"etag": reviewed["etag"], "lineDecisions": verdicts}))
            .await
            .ok();
        let before = world.finance.get("/v1/ledger:trialBalance?onDate=2026-11-19").await.ok();
        assert!(before.get("rows").is_none(), "{before:#}");
        let after =
            world.finance.get("/v1/ledger:trialBalance?onDate=2026-11-20&bySubAccount=true").await.ok();
        assert_eq!(after["totals"][0]["balance"], cny(0));
        let station = after["rows"].as_array().unwrap().iter().find(|row| row["account"] == "liability:station-accrued");
        assert_eq!(station.map(|row| row["subAccount"].clone()), Some(json!("stations/S-001")));
        world.finance.get("/v1/ledger:trialBalance?onDate=yesterday").await.refused(400, "INVALID_FIELDS");

        let entries = world.finance.get(&format!("/v1/ledger/entries?filter=claim%3D%22{name}%22")).await.ok();
        let entry = entries["entries"][0]["name"].as_str().unwrap();
        let one = world.finance.get(&format!("/v1/{entry}")).await.ok();
        assert_eq!(one["postings"].as_array().map(Vec::len), Some(4), "{one:#}");
        let verified = world.finance.get(&format!("/v1/ledger:verify?claim={name}")).await.ok();
        assert_eq!(verified["intact"], json!(true));
    }

    async fn a_rejected_claim_posts_nothing(server) {
        let world = World::load(&server).await;
        let name = world.submitted(pump_claim()).await;
        let reviewed = world.auditor.post(&format!("/v1/{name}:startReview"), json!({})).await.ok();
        let reasons = json!([{"code": "CUSTOMER_DAMAGE"}]);
        let verdicts = json!([
            {"lineNumber": 1, "outcome": "REJECTED", "reasons": reasons},
            {"lineNumber": 2, "outcome": "REJECTED", "reasons": reasons}]);
        let decided = world
            .auditor
            .post(&format!("/v1/{name}:adjudicate"), json!({"etag": reviewed["etag"], "lineDecisions": verdicts}))
            .await
            .ok();
        assert_eq!(decided["state"], "REJECTED");
        assert!(world.finance.get("/v1/ledger/entries").await.ok().get("entries").is_none());
        assert_eq!(world.finance.get("/v1/ledger:verify").await.ok()["intact"], json!(true));
    }

    async fn stations_do_not_read_the_ledger(server) {
        let world = World::load(&server).await;
        for path in ["/v1/ledger/entries", "/v1/ledger/accounts", "/v1/ledger:trialBalance", "/v1/ledger:verify"] {
            world.station.get(path).await.refused(403, "ROLE_NOT_ALLOWED");
            world.anonymous.get(path).await.refused(401, "TOKEN_INVALID");
        }
        let accounts = world.finance.reading("zh-CN").get("/v1/ledger/accounts").await.ok();
        assert!(accounts["accounts"].as_array().is_some_and(|accounts| accounts.len() >= 12));
    }
}
