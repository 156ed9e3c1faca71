//! The feed is kept for its time: who is behind is told, and who follows never falls behind.

use chrono::Duration;
use serde_json::json;

use crate::harness::Server;
use crate::harness::client::Client;
use crate::harness::world::{World, pump_claim};
use crate::on_both_databases;

/// The cursor of the end of the feed, once everything has a place in it.
async fn end_of_feed(server: &Server, client: &Client) -> String {
    while server.running.api.store().number_changes().await.unwrap() > 0 {}
    client.get("/v1/events:changes?cursor=now").await.ok()["nextCursor"].as_str().unwrap().to_owned()
}

async fn days_pass(server: &Server, days: i64) {
    server.clock.advance(Duration::days(days));
    server.running.api.forget_aged().await;
}

on_both_databases! {
    async fn a_cursor_older_than_what_is_kept_has_expired_and_the_answer_says_the_way_out(server) {
        let world = World::load(&server).await;
        world.submitted(pump_claim()).await;
        let first = world.station.get("/v1/events:changes?pageSize=1").await.ok();
        let old = first["nextCursor"].as_str().unwrap().to_owned();
        let last = end_of_feed(&server, &world.station).await;
        days_pass(&server, 89).await;
        assert!(world.station.get(&format!("/v1/events:changes?cursor={old}")).await.ok().get("changes").is_some());
        days_pass(&server, 2).await;
        for path in ["events:changes", "events:watch", "claims:watch"] {
            let refused = world.station.get(&format!("/v1/{path}?cursor={old}")).await.refused(400, "CURSOR_EXPIRED");
            assert!(refused["detail"].as_str().unwrap().contains("cursor=now"), "{refused:#}");
        }
        // The last cursor there was stands at the end of what was forgotten, and is good.
        let rest = world.station.get(&format!("/v1/events:changes?cursor={last}")).await.ok();
        assert!(rest.get("changes").is_none(), "{rest:#}");
        // The way out: now, then the lists, then on from there.
        let now = world.station.get("/v1/events:changes?cursor=now").await.ok()["nextCursor"].as_str().unwrap().to_owned();
        let claims = world.station.get("/v1/claims").await.ok();
        assert_eq!(claims["claims"].as_array().map(Vec::len), Some(1), "the claims themselves stay");
        let name = claims["claims"][0]["name"].as_str().unwrap().to_owned();
        world.station.post(&format!("/v1/{name}:withdraw"), json!({})).await.ok();
        end_of_feed(&server, &world.station).await;
        let told = world.station.get(&format!("/v1/events:changes?cursor={now}")).await.ok();
        assert_eq!((told["changes"][0]["resource"].as_str(), told["changes"][0]["verb"].as_str()), (Some(name.as_str()), Some("withdraw")));
        let events = world.station.get(&format!("/v1/events?resource={name}")).await.ok();
        assert_eq!(events["events"].as_array().map(Vec::len), Some(3), "the trail has all of it");
        let from_the_oldest = world.station.get("/v1/events:changes").await.ok();
        assert_eq!(from_the_oldest["changes"].as_array().map(Vec::len), Some(1), "{from_the_oldest:#}");
    }

    async fn a_follower_with_nothing_to_read_moves_on_and_never_expires(server) {
        let world = World::load(&server).await;
        // Of claims of other stations it is told nothing, but the feed goes on.
        let mut cursor = end_of_feed(&server, &world.other_station).await;
        let silent = cursor.clone();
        let mut job = 0;
        for _ in 0..4 {
            server.clock.advance(Duration::days(60));
            job += 1;
            let mut claim = pump_claim();
            claim["externalJob"] = json!(job.to_string());
            world.station.post("/v1/claims", claim).await.ok();
            end_of_feed(&server, &world.station).await;
            let page = world.other_station.get(&format!("/v1/events:changes?cursor={cursor}")).await.ok();
            assert!(page.get("changes").is_none(), "{page:#}");
            let next = page["nextCursor"].as_str().unwrap().to_owned();
            assert_ne!(next, cursor, "it moves on all the same");
            cursor = next;
            days_pass(&server, 0).await;
        }
        world.other_station.get(&format!("/v1/events:changes?cursor={silent}")).await.refused(400, "CURSOR_EXPIRED");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_deployment_may_keep_its_feed_for_ever() {
    let Some(server) =
        Server::start_with(crate::harness::Backend::Sqlite, |config| config.retention.feed_days = 0).await
    else {
        return;
    };
    let world = World::load(&server).await;
    world.submitted(pump_claim()).await;
    end_of_feed(&server, &world.station).await;
    days_pass(&server, 4_000).await;
    let told = world.station.get("/v1/events:changes?types=claims").await.ok();
    assert_eq!(told["changes"].as_array().map(Vec::len), Some(2));
    server.running.stop().await;
}
