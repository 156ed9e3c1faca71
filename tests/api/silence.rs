//! Claims that nobody decides in time: which of them count as approved, and when the others are looked at again.

use chrono::Duration;
use recourse_domain::clock::Clock;
use serde_json::{Value, json};

use crate::harness::Server;
use crate::harness::world::{World, cny, date, pump_claim, setting};
use crate::on_both_databases;

/// From so many days on silence approves what nobody needs a level for.
async fn silent(server: &Server, world: &World, id: &str, in_days: i64, limit: i64) {
    let mut changed = setting();
    changed["validFrom"] = date(&(server.clock.now() + Duration::days(in_days)).date_naive().to_string());
    changed["deemedApproval"] = json!(true);
    changed["approvalLimits"] = json!([{"level": 0, "currency": "CNY", "limit": cny(limit)}]);
    world.admin.post(&format!("/v1/settings?settingId={id}"), changed).await.ok();
}

/// The part alone: 450 yuan.
fn small_claim() -> Value {
    let mut claim = pump_claim();
    claim["externalJob"] = json!("2");
    claim["lines"] = json!([claim["lines"][0]]);
    claim
}

async fn pass(server: &Server, time: Duration) {
    server.clock.advance(time);
    server.running.api.enforce_deadlines().await.expect("deadlines");
}

async fn state(world: &World, name: &str) -> Value {
    world.auditor.get(&format!("/v1/{name}")).await.ok()["state"].clone()
}

on_both_databases! {
    async fn what_silence_does_not_approve_holds_up_nobody_and_is_asked_again_under_another_setting(server) {
        let world = World::load(&server).await;
        silent(&server, &world, "TIGHT", 1, 50_000).await;
        silent(&server, &world, "WIDE", 12, 100_000).await;
        server.clock.advance(Duration::days(2));
        let large = world.submitted(pump_claim()).await;
        server.clock.advance(Duration::days(1));
        let small = world.submitted(small_claim()).await;
        pass(&server, Duration::days(6) + Duration::hours(1)).await;
        assert_eq!((state(&world, &large).await, state(&world, &small).await), (json!("SUBMITTED"), json!("SUBMITTED")));
        // What becomes overdue after one that does not pass has its turn at once.
        pass(&server, Duration::days(1)).await;
        assert_eq!((state(&world, &large).await, state(&world, &small).await), (json!("SUBMITTED"), json!("APPROVED")));
        let events = world.auditor.get(&format!("/v1/events?resource={large}")).await.ok();
        assert!(!events.to_string().contains("deemApproved"), "a look is no change: {events:#}");
        pass(&server, Duration::days(2)).await;
        assert_eq!(state(&world, &large).await, json!("APPROVED"), "the wider limit is in force");
    }

    async fn a_claim_that_was_held_beyond_its_time_passes_within_an_hour(server) {
        let world = World::load(&server).await;
        silent(&server, &world, "SILENT", 1, 100_000).await;
        server.clock.advance(Duration::days(2));
        let claim = world.submitted(pump_claim()).await;
        server.clock.advance(Duration::days(7) + Duration::hours(1));
        world.auditor.post(&format!("/v1/{claim}:hold"), json!({"reason": "INVESTIGATION"})).await.ok();
        pass(&server, Duration::zero()).await;
        assert_eq!(state(&world, &claim).await, json!("SUBMITTED"));
        world.auditor.post(&format!("/v1/{claim}:releaseHold"), json!({})).await.ok();
        pass(&server, Duration::hours(1)).await;
        assert_eq!(state(&world, &claim).await, json!("APPROVED"));
    }
}
