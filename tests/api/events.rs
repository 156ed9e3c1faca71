//! The trail of a resource and the feed of changes.

use std::time::Duration;

use serde_json::{Value, json};

use crate::harness::client::Client;
use crate::harness::world::{World, pump_claim};
use crate::on_both_databases;

/// Everything in the feed after a cursor, once at least one item satisfies `awaited`.
async fn follow(client: &Client, cursor: &str, awaited: impl Fn(&Value) -> bool) -> (Vec<Value>, String) {
    let mut cursor = cursor.to_owned();
    let mut items: Vec<Value> = Vec::new();
    for _ in 0..100 {
        let page = client.get(&format!("/v1/events:changes?cursor={cursor}&pageSize=1000")).await.ok();
        items.extend(page["changes"].as_array().into_iter().flatten().cloned());
        cursor = page["nextCursor"].as_str().unwrap().to_owned();
        if items.iter().any(&awaited) {
            return (items, cursor);
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    panic!("not seen within five seconds: {items:#?}");
}

on_both_databases! {
    async fn the_feed_tells_each_reader_what_they_may_see_and_each_thing_once(server) {
        let world = World::load(&server).await;
        let name = world.submitted(pump_claim()).await;
        let submitted = |item: &Value| item["resource"] == json!(name) && item["verb"] == "submit";
        let (own, cursor) = follow(&world.station, "", submitted).await;
        let of_claim: Vec<_> = own.iter().filter(|item| item["resource"] == json!(name)).collect();
        assert_eq!(of_claim.len(), 2, "create and submit: {of_claim:#?}");
        let (all, _) = follow(&world.auditor, "", submitted).await;
        assert!(all.len() > own.len(), "the manufacturer sees suppliers and users too");
        let (foreign, _) = follow(&world.other_station, "", |item| item["type"] == "parts").await;
        assert!(!foreign.iter().any(|item| item["type"] == "claims"), "{foreign:#?}");
        let nothing = world.station.get(&format!("/v1/events:changes?cursor={cursor}")).await.ok();
        assert!(nothing.get("changes").is_none(), "{nothing:#}");
        world.station.get("/v1/events:changes?cursor=c-1").await.refused(400, "INVALID_FIELDS");
        world.station.get("/v1/events:changes?cursor=czzzzzz").await.refused(400, "INVALID_FIELDS");
    }

    async fn a_reader_of_the_feed_is_told_only_the_types_they_ask_for_and_may_read(server) {
        let world = World::load(&server).await;
        let (seen, _) = follow(&world.supplier, "", |item| item["type"] == "parts").await;
        assert!(!seen.iter().any(|item| item["type"] == "failureCodes"), "{seen:#?}");
        let of_type = async |client: &Client, kind: &str| client.get(&format!("/v1/events:changes?types={kind}")).await;
        // A type that the reader may not read leaves nothing to tell; it must not come to mean "all types".
        let hidden = of_type(&world.supplier, "failureCodes").await.ok();
        assert!(hidden.get("changes").is_none(), "{hidden:#}");
        let told = of_type(&world.supplier, "parts").await.ok();
        assert!(told["changes"].as_array().unwrap().iter().all(|item| item["type"] == "parts"), "{told:#}");
        let refused = of_type(&world.supplier, "parts&types=part").await.refused(400, "INVALID_FIELDS");
        assert_eq!(refused["violations"][0]["field"], "types[1]");
        world.supplier.get("/v1/events:watch?types=part").await.refused(400, "INVALID_FIELDS");
    }

    async fn the_trail_says_who_did_what_to_those_who_may_know(server) {
        let world = World::load(&server).await;
        let name = world.submitted(pump_claim()).await;
        world.auditor.post(&format!("/v1/{name}:startReview"), json!({})).await.ok();
        let trail = world.station.get(&format!("/v1/events?resource={name}")).await.ok();
        let verbs: Vec<_> =
            trail["events"].as_array().unwrap().iter().map(|event| event["verb"].as_str().unwrap()).collect();
        assert_eq!(verbs, ["create", "submit", "startReview"]);
        assert!(trail["events"][0]["actor"].is_string(), "one's own people are named");
        assert!(trail["events"][2].get("actor").is_none(), "the auditor is not");
        let page = world.auditor.get(&format!("/v1/events?resource={name}&pageSize=2")).await.ok();
        let token = page["nextPageToken"].as_str().unwrap();
        let rest = world.auditor.get(&format!("/v1/events?resource={name}&pageSize=2&pageToken={token}")).await.ok();
        assert_eq!(rest["events"][0]["verb"], "startReview");
        assert!(rest["events"][0]["actor"].is_string());
        world.other_station.get(&format!("/v1/events?resource={name}")).await.refused(404, "RESOURCE_NOT_FOUND");
    }

    async fn watching_streams_what_happens_and_ends_with_the_session(server) {
        let world = World::load(&server).await;
        let url = format!("{}/v1/events:watch?cursor=now&types=claims", server.base);
        let mut stream = reqwest::Client::new()
            .get(url)
            .bearer_auth(world.station.token().unwrap())
            .send()
            .await
            .unwrap();
        assert_eq!(stream.headers()["content-type"], "application/x-ndjson");
        let name = world.submitted(pump_claim()).await;
        let mut text = String::new();
        while text.lines().count() < 2 {
            let chunk = tokio::time::timeout(Duration::from_secs(5), stream.chunk()).await.expect("in time").unwrap();
            text.push_str(std::str::from_utf8(&chunk.expect("more")).unwrap());
        }
        let verbs: Vec<String> = text
            .lines()
            .map(|line| serde_json::from_str::<Value>(line).unwrap())
            .inspect(|item| assert_eq!(item["resource"], json!(name)))
            .map(|item| item["verb"].as_str().unwrap().to_owned())
            .collect();
        assert_eq!(verbs, ["create", "submit"]);
        world.station.delete("/v1/sessions/current").await.ok();
        let mut rest = String::new();
        while let Some(chunk) = tokio::time::timeout(Duration::from_secs(5), stream.chunk()).await.expect("in time").unwrap() {
            rest.push_str(std::str::from_utf8(&chunk).unwrap());
        }
        let last: Value = serde_json::from_str(rest.lines().last().expect("an error in band")).unwrap();
        assert_eq!(last["error"]["reason"], "TOKEN_INVALID");
    }
}
