//! What is claimed later of a repair that was decided: how often, until when, and by whom.

use chrono::Duration;
use recourse_domain::clock::Clock;
use serde_json::{Value, json};

use crate::harness::Server;
use crate::harness::world::{World, date, pump_claim, setting};
use crate::on_both_databases;

/// One supplement within ten days, from tomorrow on.
async fn one_within_ten_days(server: &Server, world: &World) {
    let mut changed = setting();
    changed["validFrom"] = date(&(server.clock.now() + Duration::days(1)).date_naive().to_string());
    changed["supplementLimit"] = json!(1);
    changed["supplementWindowDays"] = json!(10);
    world.admin.post("/v1/settings?settingId=SUPPLEMENTS", changed).await.ok();
    server.clock.advance(Duration::days(1));
}

/// The labour that was forgotten, of the same job of the repair order.
fn supplement_of(original: &str) -> Value {
    let mut claim = pump_claim();
    claim["supplementOf"] = json!(original);
    claim["lines"] = json!([{"type": "LABOR", "operation": "laborOperations/OP-1002"}]);
    claim
}

fn codes(response: &Value, list: &str) -> Vec<String> {
    let found = response[list].as_array().cloned().unwrap_or_default();
    found.iter().map(|one| one["code"].as_str().or(one["reason"].as_str()).unwrap().to_owned()).collect()
}

on_both_databases! {
    async fn a_decided_claim_has_so_many_supplements_as_the_setting_says(server) {
        let world = World::load(&server).await;
        one_within_ten_days(&server, &world).await;
        let original = world.in_review(pump_claim()).await;
        let draft = world.station.post("/v1/claims", supplement_of(&original)).await.ok()["name"].as_str().unwrap().to_owned();
        let submit = format!("/v1/{draft}:submit");
        let early = world.station.post(&submit, json!({})).await.refused(400, "CLAIM_HAS_ERRORS");
        assert_eq!(codes(&early, "violations"), ["SUPPLEMENT_NOT_USABLE"], "it is not decided yet: {early:#}");
        world.approved(&original).await;
        // The same job of the same repair order is no mistake here, nor is the original a duplicate.
        let submitted = world.station.post(&submit, json!({})).await.ok();
        assert_eq!(codes(&submitted, "findings"), [""; 0], "{submitted:#}");
        let second = world.station.post("/v1/claims", supplement_of(&original)).await.ok()["name"].as_str().unwrap().to_owned();
        let refused = world.station.post(&format!("/v1/{second}:submit"), json!({})).await.refused(400, "CLAIM_HAS_ERRORS");
        assert!(codes(&refused, "violations").contains(&"SUPPLEMENT_LIMIT".to_owned()), "{refused:#}");
        // A supplement of a supplement would be a way around.
        let mut chained = supplement_of(&draft);
        chained["externalJob"] = json!("9");
        let chained = world.station.post("/v1/claims:precheck", chained).await.ok();
        assert!(codes(&chained, "findings").contains(&"SUPPLEMENT_NOT_USABLE".to_owned()), "{chained:#}");
        // One that was taken back leaves its place.
        world.station.post(&format!("/v1/{draft}:withdraw"), json!({})).await.ok();
        world.station.post(&format!("/v1/{second}:submit"), json!({})).await.ok();
        assert_eq!(server.running.api.store().verify_rows().await.unwrap().faults, Vec::<String>::new());
    }

    async fn two_supplements_at_once_are_one(server) {
        let world = World::load(&server).await;
        one_within_ten_days(&server, &world).await;
        let original = world.in_review(pump_claim()).await;
        world.approved(&original).await;
        let mut drafts = Vec::new();
        for _ in 0..6 {
            let draft = world.station.post("/v1/claims", supplement_of(&original)).await.ok();
            drafts.push(format!("/v1/{}:submit", draft["name"].as_str().unwrap()));
        }
        let answers = futures::future::join_all(drafts.iter().map(|path| world.station.post(path, json!({})))).await;
        assert_eq!(answers.iter().filter(|answer| answer.status == 200).count(), 1);
        let refused = answers.into_iter().filter(|answer| answer.status != 200);
        for answer in refused {
            answer.refused(400, "CLAIM_HAS_ERRORS");
        }
    }

    async fn a_late_supplement_warns_and_another_stations_claim_is_none_to_add_to(server) {
        let world = World::load(&server).await;
        one_within_ten_days(&server, &world).await;
        let original = world.in_review(pump_claim()).await;
        world.approved(&original).await;
        let precheck = async |claim: Value| {
            let found = world.station.post("/v1/claims:precheck", claim).await.ok();
            codes(&found, "findings")
        };
        server.clock.advance(Duration::days(10));
        assert_eq!(precheck(supplement_of(&original)).await, [""; 0]);
        server.clock.advance(Duration::days(1));
        assert_eq!(precheck(supplement_of(&original)).await, ["SUPPLEMENT_TOO_LATE"]);
        let foreign = world.other_station.post("/v1/claims:precheck", supplement_of(&original)).await.ok();
        let nobody = supplement_of("claims/0199a000-0000-7000-8000-0000000000ff");
        let unknown = world.other_station.post("/v1/claims:precheck", nobody).await.ok();
        let of = |found: &Value| found["findings"].as_array().unwrap().iter().find(|one| one["code"] == "SUPPLEMENT_NOT_USABLE").cloned();
        let (foreign, unknown) = (of(&foreign).unwrap(), of(&unknown).unwrap());
        let told = |one: &Value| one["message"].as_str().unwrap().split_once(": ").unwrap().1.to_owned();
        assert_eq!(told(&foreign), told(&unknown), "whether it is there is not told");
    }
}
