//! The number that a thing has in the system of whoever created it: kept, told to those who may know, and found by.

use serde_json::{Value, json};

use super::attachments::raw;
use crate::harness::client::Client;
use crate::harness::world::{PASSWORD, VIN, World, cny, date, pump_claim};
use crate::on_both_databases;

const REF: &str = "DMS-77";

async fn reference(caller: &Client, name: &str) -> Value {
    caller.get(&format!("/v1/{name}")).await.ok()["externalRef"].clone()
}

/// How many a list finds by the number.
async fn found(caller: &Client, list: &str, items: &str) -> usize {
    let list = caller.get(&format!("/v1/{list}?filter=external_ref%3D%22{REF}%22")).await.ok();
    list[items].as_array().map_or(0, Vec::len)
}

on_both_databases! {
    async fn of_an_attachment_its_owner_and_the_manufacturer_know_it(server) {
        let world = World::load(&server).await;
        let file = json!({"category": "PHOTO", "sizeBytes": "10", "externalRef": REF});
        let name = world.station.post("/v1/attachments", file).await.ok()["name"].as_str().unwrap().to_owned();
        world.station.post("/v1/attachments", json!({"category": "PHOTO", "sizeBytes": "10"})).await.ok();
        for (caller, of_theirs) in [(&world.station, 1), (&world.auditor, 1), (&world.other_station, 0)] {
            assert_eq!(found(caller, "attachments", "attachments").await, of_theirs);
        }
        assert_eq!(reference(&world.station, &name).await, REF);
        assert_eq!(reference(&world.admin, &name).await, REF);
        let own = json!({"category": "REPORT", "sizeBytes": "10", "externalRef": REF});
        let report = world.supplier.post("/v1/attachments", own).await.ok()["name"].as_str().unwrap().to_owned();
        assert_eq!(reference(&world.supplier, &report).await, REF);
        let asked = format!("/v1/attachments?filter=external_ref%3D%22{REF}%22");
        for caller in [&world.supplier, &world.appraiser] {
            caller.get(&asked).await.refused(400, "INVALID_FILTER");
        }
    }

    async fn of_an_appeal_it_stays_with_its_claim(server) {
        let world = World::load(&server).await;
        let name = world.in_review(pump_claim()).await;
        let etag = world.auditor.get(&format!("/v1/{name}")).await.ok()["etag"].clone();
        let verdict = |line: i32| json!({"lineNumber": line, "outcome": "REJECTED", "reasons": [{"code": "NOT_COVERED"}]});
        let decisions = json!({"etag": etag, "lineDecisions": [verdict(1), verdict(2)]});
        world.auditor.post(&format!("/v1/{name}:adjudicate"), decisions).await.ok();
        let appeal = json!({"lineNumbers": [1], "grounds": "it is covered", "externalRef": REF});
        let appeal = world.station.post(&format!("/v1/{name}/appeals"), appeal).await.ok();
        assert_eq!(appeal["externalRef"], REF);
        assert_eq!(reference(&world.auditor, appeal["name"].as_str().unwrap()).await, REF);
    }

    async fn of_an_entitlement_only_the_manufacturer_knows_it(server) {
        let world = World::load(&server).await;
        let issue = json!({"sequence": 1, "reason": "courtesy", "lastDate": date("2027-01-01"), "fee": cny(10_000),
            "toDistance": {"value": "50000", "unit": "KILOMETER"}, "externalRef": REF});
        let path = format!("/v1/vehicles/{VIN}/serviceEntitlements");
        let issued = world.auditor.post(&format!("{path}:issue"), issue).await.ok();
        assert_eq!(issued["externalRef"], REF);
        let name = issued["name"].as_str().unwrap();
        assert_eq!(reference(&world.finance, name).await, REF);
        assert_eq!(reference(&world.station, name).await, Value::Null);
        let list = format!("vehicles/{VIN}/serviceEntitlements");
        assert_eq!(found(&world.auditor, &list, "serviceEntitlements").await, 1);
        let asked = format!("{path}?filter=external_ref%3D%22{REF}%22");
        world.station.get(&asked).await.refused(400, "INVALID_FILTER");
        assert_eq!(server.running.api.store().verify_rows().await.unwrap().faults, Vec::<String>::new());
    }

    async fn of_an_odometer_reading_the_station_that_sent_it_knows_it_and_no_other(server) {
        let world = World::load(&server).await;
        let path = format!("/v1/vehicles/{VIN}/odometerReadings");
        let body = json!({"date": date("2026-11-01"), "odometer": {"value": "20000", "unit": "KILOMETER"},
            "source": "INSPECTION", "externalRef": REF});
        let created = world.station.post(&path, body).await.ok();
        assert_eq!(created["externalRef"], REF);
        let told = async |caller: &Client| caller.get(&path).await.ok()["odometerReadings"][0]["externalRef"].clone();
        assert_eq!(told(&world.station).await, REF);
        assert_eq!(told(&world.technician).await, REF);
        assert_eq!(told(&world.auditor).await, REF);
        assert_eq!(told(&world.other_station).await, Value::Null);
    }

    async fn of_a_user_it_is_personal_and_erased_with_the_person(server) {
        let world = World::load(&server).await;
        let user = json!({"userName": "clerk77", "displayName": "Li", "externalRef": REF,
            "memberships": [{"organization": "stations/S-001", "roles": ["STATION"]}]});
        let body = json!({"user": user, "password": PASSWORD});
        let name = world.station.post("/v1/users", body).await.ok()["name"].as_str().unwrap().to_owned();
        assert_eq!(reference(&world.station, &name).await, REF);
        assert_eq!(found(&world.station, "users", "users").await, 1);
        assert_eq!(found(&world.admin, "users", "users").await, 1);
        world.station.patch(&format!("/v1/{name}?updateMask=externalRef"), json!({"externalRef": "DMS-78"})).await.ok();
        assert_eq!((reference(&world.station, &name).await, found(&world.station, "users", "users").await), (json!("DMS-78"), 0));
        let trail = world.admin.get(&format!("/v1/events?resource={name}")).await.ok();
        assert_eq!(trail["events"][1]["changedPaths"], json!(["external_ref"]), "that it changed, not to what: {trail:#}");
        let path = format!("/v1/{name}");
        let erased = raw(&world.admin, &server.base, "DELETE", &path, &[], Vec::new()).await;
        let body: Value = serde_json::from_slice(&erased.body).unwrap();
        assert_eq!((erased.status, &body["erased"], body.get("externalRef")), (200, &json!(true), None), "{body:#}");
        let list = world.admin.get("/v1/users?filter=external_ref%3D%22DMS-78%22").await.ok();
        assert!(list.get("users").is_none(), "{list:#}");
    }

    async fn of_a_note_the_manufacturer_knows_it_and_the_station_its_own(server) {
        let world = World::load(&server).await;
        let claim = world.submitted(pump_claim()).await;
        let path = format!("/v1/{claim}/notes");
        let note = json!({"visibility": "EXTERNAL", "text": "the part is on its way", "externalRef": REF});
        let of_station = world.station.post(&path, note.clone()).await.ok();
        let of_auditor = world.auditor.post(&path, note).await.ok();
        assert_eq!((&of_station["externalRef"], &of_auditor["externalRef"]), (&json!(REF), &json!(REF)));
        let name = |note: &Value| note["name"].as_str().unwrap().to_owned();
        assert_eq!(reference(&world.auditor, &name(&of_station)).await, REF);
        assert_eq!(reference(&world.station, &name(&of_station)).await, REF);
        assert_eq!(reference(&world.station, &name(&of_auditor)).await, Value::Null);
    }

    async fn of_a_program_it_stays_whatever_becomes_of_it(server) {
        let world = World::load(&server).await;
        let client = json!({"displayName": "DMS", "externalRef": REF,
            "membership": {"organization": "stations/S-001", "roles": ["STATION"]}});
        let name = world.station.post("/v1/apiClients", client).await.ok()["name"].as_str().unwrap().to_owned();
        assert_eq!(reference(&world.station, &name).await, REF);
        world.station.post(&format!("/v1/{name}:rotateSecret"), json!({})).await.ok();
        world.station.delete(&format!("/v1/{name}")).await.ok();
        assert_eq!(reference(&world.station, &name).await, REF);
        let text = world.station.get("/v1/apiClients").await.ok().to_string();
        assert!(text.contains(REF), "{text}");
    }
}
