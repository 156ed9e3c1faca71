//! Goodwill budgets: what may be granted in a region, what is left of it, and who may go beyond.

use chrono::Duration;
use recourse_domain::clock::Clock;
use serde_json::{Value, json};

use crate::harness::Server;
use crate::harness::client::{Answer, Client};
use crate::harness::world::{PASSWORD, World, cny, date, pump_claim, setting};
use crate::on_both_databases;

fn budget(amount: i64) -> Value {
    json!({"region": "EAST", "validFrom": date("2026-10-01"), "validTo": date("2027-01-01"), "amount": cny(amount)})
}

async fn with_budget(world: &World, code: &str, amount: i64) {
    world.finance.post(&format!("/v1/goodwillBudgets?goodwillBudgetId={code}"), budget(amount)).await.ok();
}

/// The sums of a budget, in fen: used, reserved, left.
async fn sums(world: &World, code: &str) -> [i64; 3] {
    let budget = world.auditor.get(&format!("/v1/goodwillBudgets/{code}")).await.ok();
    ["used", "reserved", "left"].map(|name| {
        let money = &budget[name];
        let units: i64 = money["units"].as_str().map_or(0, |units| units.parse().unwrap());
        units * 100 + money["nanos"].as_i64().unwrap_or(0) / 10_000_000
    })
}

/// A claim of its own job, in review by an auditor; answers its name.
async fn reviewed(world: &World, by: &Client, job: usize) -> String {
    let mut claim = pump_claim();
    claim["externalJob"] = json!(format!("g-{job}"));
    let name = world.submitted(claim).await;
    by.post(&format!("/v1/{name}:startReview"), json!({})).await.ok();
    name
}

/// Approves both lines, so much of the first (in fen) as goodwill.
async fn grant(by: &Client, name: &str, goodwill: i64) -> Answer {
    let etag = by.get(&format!("/v1/{name}")).await.ok()["etag"].clone();
    let lines = json!([
        {"lineNumber": 1, "outcome": "APPROVED", "approvedAmount": cny(45_000), "goodwillAmount": cny(goodwill)},
        {"lineNumber": 2, "outcome": "APPROVED"},
    ]);
    by.post(&format!("/v1/{name}:adjudicate"), json!({"etag": etag, "lineDecisions": lines})).await
}

/// An auditor who may grant goodwill, of a level.
async fn auditor(world: &World, name: &str, level: i32) -> Client {
    let membership = json!({"organization": "organizations/OEM", "roles": ["AUDITOR"], "rights": ["GOODWILL"], "approvalLevel": level});
    let user = json!({"userName": name, "displayName": name, "memberships": [membership]});
    world.admin.post("/v1/users", json!({"user": user, "password": PASSWORD})).await.ok();
    world.anonymous.sign_in(name, PASSWORD).await
}

/// Lets a setting with more in it begin.
async fn with_setting(server: &Server, world: &World, more: Value) {
    let mut changed = setting();
    changed["validFrom"] = date(&(server.clock.now() + Duration::days(2)).date_naive().to_string());
    for (name, value) in more.as_object().into_iter().flatten() {
        changed[name] = value.clone();
    }
    world.admin.post("/v1/settings?settingId=GOODWILL", changed).await.ok();
    server.clock.advance(Duration::days(3));
}

async fn is_intact(server: &Server) {
    let report = recourse_service::verify::verify_store(server.running.api.store()).await.unwrap();
    assert_eq!(report.faults().collect::<Vec<_>>(), Vec::<&str>::new());
}

on_both_databases! {
    async fn goodwill_draws_on_the_budget_of_the_region_until_it_is_used_up(server) {
        let world = World::load(&server).await;
        with_budget(&world, "EAST-Q4", 15_000).await;
        assert_eq!(sums(&world, "EAST-Q4").await, [0, 0, 15_000]);
        let by = &world.second_auditor;
        let first = reviewed(&world, by, 1).await;
        let decided = grant(by, &first, 10_000).await.ok();
        assert_eq!(decided["decisions"][0]["goodwillDraws"], json!([{"budget": "goodwillBudgets/EAST-Q4", "amount": cny(10_000)}]));
        assert_eq!(sums(&world, "EAST-Q4").await, [10_000, 0, 5_000]);
        let seen = world.station.get(&format!("/v1/{first}")).await.ok();
        assert!(seen["decisions"][0].get("goodwillDraws").is_none(), "what is left is not the station's business");

        let second = reviewed(&world, by, 2).await;
        let refused = grant(by, &second, 5_001).await.refused(400, "GOODWILL_BUDGET_EXCEEDED");
        let text = refused["detail"].as_str().unwrap_or_default().to_owned();
        assert!(text.contains("50.00") && text.contains("50.01") && text.contains("EAST-Q4"), "{refused:#}");
        assert_eq!(refused["metadata"]["budget"], "goodwillBudgets/EAST-Q4", "{refused:#}");
        assert_eq!(sums(&world, "EAST-Q4").await, [10_000, 0, 5_000], "what was refused leaves nothing behind");
        grant(by, &second, 5_000).await.ok();
        assert_eq!(sums(&world, "EAST-Q4").await, [15_000, 0, 0]);
        let third = reviewed(&world, by, 3).await;
        grant(by, &third, 1).await.refused(400, "GOODWILL_BUDGET_EXCEEDED");
        grant(by, &third, 0).await.ok();
        world.finance.patch("/v1/goodwillBudgets/EAST-Q4", json!({"amount": cny(15_001)})).await.ok();
        let fourth = reviewed(&world, by, 4).await;
        grant(by, &fourth, 1).await.ok();
        assert_eq!(sums(&world, "EAST-Q4").await, [15_001, 0, 0]);
        is_intact(&server).await;
    }

    async fn budgets_are_written_by_those_who_grant_none_and_stations_see_none(server) {
        let world = World::load(&server).await;
        let path = "/v1/goodwillBudgets?goodwillBudgetId=EAST";
        for who in [&world.auditor, &world.second_auditor, &world.station, &world.supplier] {
            who.post(path, budget(1)).await.refused(403, "ROLE_NOT_ALLOWED");
        }
        world.admin.post(path, budget(100)).await.ok();
        world.station.get("/v1/goodwillBudgets/EAST").await.refused(403, "ROLE_NOT_ALLOWED");
        let listed = world.auditor.get("/v1/goodwillBudgets?filter=region%3D%22EAST%22").await.ok();
        assert_eq!(listed["goodwillBudgets"][0]["left"], cny(100));
        let moved = world.finance.patch("/v1/goodwillBudgets/EAST", json!({"region": "WEST"})).await.refused(400, "INVALID_FIELDS");
        assert_eq!(moved["violations"][0]["field"], "goodwill_budget.valid_from");
        let changes = world.station.get("/v1/events:changes?pageSize=1000").await.ok();
        let told = changes["changes"].as_array().into_iter().flatten().any(|item| item["type"] == "goodwillBudgets");
        assert!(!told, "{changes:#}");
        let retired = world.finance.delete("/v1/goodwillBudgets/EAST").await.ok();
        assert!(retired.get("active").is_none());
        let name = reviewed(&world, &world.second_auditor, 1).await;
        let decided = grant(&world.second_auditor, &name, 5_000).await.ok();
        assert!(decided["decisions"][0].get("goodwillDraws").is_none(), "nothing is drawn on a retired budget");
    }

    async fn an_appeal_gives_back_the_difference(server) {
        let world = World::load(&server).await;
        with_budget(&world, "EAST-Q4", 20_000).await;
        let by = &world.second_auditor;
        let name = reviewed(&world, by, 1).await;
        let etag = by.get(&format!("/v1/{name}")).await.ok()["etag"].clone();
        let lines = json!([
            {"lineNumber": 1, "outcome": "APPROVED"},
            {"lineNumber": 2, "outcome": "REDUCED", "approvedAmount": cny(10_000), "goodwillAmount": cny(10_000),
             "reasons": [{"code": "NOT_COVERED"}]},
        ]);
        by.post(&format!("/v1/{name}:adjudicate"), json!({"etag": etag, "lineDecisions": lines})).await.ok();
        assert_eq!(sums(&world, "EAST-Q4").await, [10_000, 0, 10_000]);
        let appeal = world.station.post(&format!("/v1/{name}/appeals"), json!({"lineNumbers": [2], "grounds": "it is covered"})).await.ok();
        let decide = format!("/v1/{}:decide", appeal["name"].as_str().unwrap());
        let verdict = json!({"etag": appeal["etag"], "lineDecisions": [{"lineNumber": 2, "outcome": "APPROVED"}]});
        let decided = world.auditor.post(&decide, verdict).await.ok();
        assert_eq!(decided["decision"]["goodwillDraws"][0]["amount"], json!({"currencyCode": "CNY", "units": "-100"}));
        assert_eq!(sums(&world, "EAST-Q4").await, [0, 0, 20_000], "the warranty owes it after all");
        is_intact(&server).await;
    }

    async fn what_waits_for_a_higher_level_is_reserved_and_a_high_level_may_overdraw(server) {
        let world = World::load(&server).await;
        let limits = json!([{"level": 0, "limit": cny(50_000)}, {"level": 3, "limit": cny(60_000)}, {"level": 5, "currency": "CNY"}]);
        with_setting(&server, &world, json!({"approvalLimits": limits, "goodwillOverdraftLevel": 5})).await;
        with_budget(&world, "EAST-Q4", 15_000).await;
        let (by, director) = (&world.second_auditor, auditor(&world, "director", 5).await);
        let name = reviewed(&world, by, 1).await;
        let path = format!("/v1/{name}");
        grant(by, &name, 10_000).await.ok();
        assert_eq!(sums(&world, "EAST-Q4").await, [0, 10_000, 5_000]);
        // Nothing of a decision that is declined remains, nor of one whose review somebody takes over.
        let etag = director.get(&path).await.ok()["etag"].clone();
        director.post(&format!("{path}:declineDecision"), json!({"etag": etag})).await.ok();
        assert_eq!(sums(&world, "EAST-Q4").await, [0, 0, 15_000]);
        grant(by, &name, 15_000).await.ok();
        grant(by, &name, 12_000).await.ok();
        assert_eq!(sums(&world, "EAST-Q4").await, [0, 12_000, 3_000], "decided anew, its own reservation is no obstacle");
        let etag = director.get(&path).await.ok()["etag"].clone();
        director.post(&format!("{path}:approveDecision"), json!({"etag": etag})).await.ok();
        assert_eq!(sums(&world, "EAST-Q4").await, [12_000, 0, 3_000]);

        let second = reviewed(&world, by, 2).await;
        let refused = grant(by, &second, 5_000).await.refused(400, "GOODWILL_BUDGET_EXCEEDED");
        assert!(refused["detail"].as_str().unwrap_or_default().contains("level 5"), "{refused:#}");
        grant(by, &second, 3_000).await.ok();
        director.post(&format!("/v1/{second}:startReview"), json!({})).await.ok();
        assert_eq!(sums(&world, "EAST-Q4").await, [12_000, 0, 3_000], "a review that is taken over reserves nothing");
        grant(&director, &second, 5_000).await.ok();
        assert_eq!(sums(&world, "EAST-Q4").await, [17_000, 0, -2_000], "overdrawn");
        let third = reviewed(&world, by, 3).await;
        grant(by, &third, 1).await.refused(400, "GOODWILL_BUDGET_EXCEEDED");
        is_intact(&server).await;
    }

    async fn where_goodwill_needs_a_budget_none_is_granted_without_one(server) {
        let world = World::load(&server).await;
        with_setting(&server, &world, json!({"goodwillNeedsBudget": true})).await;
        let by = &world.second_auditor;
        let name = reviewed(&world, by, 1).await;
        grant(by, &name, 100).await.refused(400, "GOODWILL_BUDGET_EXCEEDED");
        // Of another region, another brand, and a kind that it is not.
        for (code, other) in [
            ("WEST", json!({"region": "WEST"})),
            ("BRAND", json!({"brands": ["XX"]})),
            ("KIND", json!({"kinds": ["ROADSIDE_RESCUE"]})),
            ("OVER", json!({"validTo": date("2026-11-01")})),
        ] {
            let mut made = budget(1_000);
            for (name, value) in other.as_object().unwrap() {
                made[name] = value.clone();
            }
            world.finance.post(&format!("/v1/goodwillBudgets?goodwillBudgetId={code}"), made).await.ok();
        }
        grant(by, &name, 100).await.refused(400, "GOODWILL_BUDGET_EXCEEDED");
        let mut branded = budget(1_000);
        branded["brands"] = json!(["RC"]);
        world.finance.post("/v1/goodwillBudgets?goodwillBudgetId=RC", branded).await.ok();
        grant(by, &name, 100).await.ok();
        assert_eq!(sums(&world, "RC").await, [100, 0, 900]);
        let without = reviewed(&world, by, 2).await;
        grant(by, &without, 0).await.ok();
        is_intact(&server).await;
    }
}
