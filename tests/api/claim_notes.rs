//! Notes on claims: who writes which, who sees which, and who is told.

use std::time::Duration;

use serde_json::{Value, json};

use crate::harness::client::Client;
use crate::harness::world::{World, pump_claim};
use crate::on_both_databases;

async fn texts(client: &Client, path: &str) -> Vec<Value> {
    let listed = client.get(path).await.ok();
    listed["claimNotes"].as_array().into_iter().flatten().map(|note| note["text"].clone()).collect()
}

/// The names of notes that the feed tells a reader, once the newest change is in it.
async fn told(client: &Client, last: &str) -> Vec<Value> {
    for _ in 0..100 {
        let feed = client.get("/v1/events:changes?pageSize=1000").await.ok();
        let items: Vec<Value> = feed["changes"].as_array().into_iter().flatten().cloned().collect();
        if items.iter().any(|item| item["resource"] == json!(last)) {
            return items
                .into_iter()
                .filter(|item| item["type"] == "claimNotes")
                .map(|item| item["resource"].clone())
                .collect();
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    panic!("{last} was not seen within five seconds");
}

on_both_databases! {
    async fn internal_notes_stay_with_the_manufacturer_and_external_ones_are_shared(server) {
        let world = World::load(&server).await;
        let name = world.submitted(pump_claim()).await;
        let etag = world.auditor.get(&format!("/v1/{name}")).await.ok()["etag"].clone();
        let path = format!("/v1/{name}/notes");
        let internal = world.auditor.post(&path, json!({"visibility": "INTERNAL", "text": "ask quality"})).await.ok();
        let external = world.auditor.post(&path, json!({"visibility": "EXTERNAL", "text": "please send the part"})).await.ok();
        let answer = world.station.post(&path, json!({"visibility": "EXTERNAL", "text": "sent\ntoday"})).await.ok();
        assert_eq!(answer["authorSide"], "STATION");
        assert_eq!(world.auditor.get(&format!("/v1/{name}")).await.ok()["etag"], etag, "who decides is not disturbed");

        for who in [&world.auditor, &world.finance, &world.admin] {
            assert_eq!(texts(who, &path).await, ["ask quality", "please send the part", "sent\ntoday"]);
        }
        assert_eq!(texts(&world.station, &path).await, ["please send the part", "sent\ntoday"]);
        let internal = internal["name"].as_str().unwrap().to_owned();
        world.station.get(&format!("/v1/{internal}")).await.refused(404, "RESOURCE_NOT_FOUND");
        let seen = world.station.get(&format!("/v1/{}", external["name"].as_str().unwrap())).await.ok();
        assert_eq!((&seen["authorSide"], seen.get("author")), (&json!("MANUFACTURER"), None), "people of the other side are not named");
        assert!(external["author"].as_str().unwrap().starts_with("users/") && answer["author"].is_string());

        let answered = answer["name"].as_str().unwrap();
        let (external, answer) = (external["name"].clone(), answer["name"].clone());
        assert_eq!(told(&world.station, answered).await, [external.clone(), answer.clone()]);
        assert_eq!(told(&world.auditor, answered).await, [json!(internal), external, answer]);
        let trail = world.auditor.get(&format!("/v1/events?resource={internal}")).await.ok();
        assert_eq!(trail["events"][0]["verb"], "create");
        world.station.get(&format!("/v1/events?resource={internal}")).await.refused(404, "RESOURCE_NOT_FOUND");
        let report = recourse_service::verify::verify_store(server.running.api.store()).await.unwrap();
        assert_eq!(report.faults().collect::<Vec<_>>(), Vec::<&str>::new());
    }

    async fn others_see_and_write_none(server) {
        let world = World::load(&server).await;
        let name = world.submitted(pump_claim()).await;
        let path = format!("/v1/{name}/notes");
        let note = json!({"visibility": "EXTERNAL", "text": "hello"});
        for who in [&world.technician, &world.supplier, &world.appraiser] {
            who.post(&path, note.clone()).await.refused(403, "ROLE_NOT_ALLOWED");
            who.get(&path).await.refused(403, "ROLE_NOT_ALLOWED");
        }
        world.other_station.post(&path, note.clone()).await.refused(404, "RESOURCE_NOT_FOUND");
        world.other_station.get(&path).await.refused(404, "RESOURCE_NOT_FOUND");
        world.station.post(&path, json!({"visibility": "INTERNAL", "text": "x"})).await.refused(403, "NOT_PERMITTED");
        for (body, field) in [
            (json!({"text": "x"}), "claim_note.visibility"),
            (json!({"visibility": "EXTERNAL"}), "claim_note.text"),
            (json!({"visibility": "EXTERNAL", "text": "  "}), "claim_note.text"),
            (json!({"visibility": "EXTERNAL", "text": "x".repeat(4001)}), "claim_note.text"),
        ] {
            let refused = world.auditor.post(&path, body).await.refused(400, "INVALID_FIELDS");
            assert_eq!(refused["violations"][0]["field"], field, "{refused:#}");
        }
    }

    async fn a_note_is_written_once_under_its_id_and_pages_go_on(server) {
        let world = World::load(&server).await;
        let name = world.submitted(pump_claim()).await;
        let id = "0199a000-0000-7000-8000-0000000000e1";
        let path = format!("/v1/{name}/notes?claimNoteId={id}&requestId=0199a000-0000-7000-8000-0000000000e2");
        let note = json!({"visibility": "EXTERNAL", "text": "first"});
        let first = world.station.post(&path, note.clone()).await.ok();
        assert_eq!(first["name"], json!(format!("{name}/notes/{id}")));
        assert_eq!(world.station.post(&path, note.clone()).await.ok(), first, "a repeat has no further effect");
        world.station.post(&format!("/v1/{name}/notes?claimNoteId={id}"), note).await.refused(409, "RESOURCE_ALREADY_EXISTS");
        let list = format!("/v1/{name}/notes");
        for text in ["second", "third"] {
            world.auditor.post(&list, json!({"visibility": "EXTERNAL", "text": text})).await.ok();
        }
        let page = world.station.get(&format!("{list}?pageSize=2")).await.ok();
        assert_eq!(page["claimNotes"].as_array().map(Vec::len), Some(2));
        let rest = format!("{list}?pageSize=2&pageToken={}", page["nextPageToken"].as_str().unwrap());
        assert_eq!(texts(&world.station, &rest).await, ["third"]);
    }
}
