//! Corrections of what is recorded of a vehicle: stale values, races, repeats, and who sees them.

use serde_json::{Value, json};

use crate::harness::world::{VIN, World, date};
use crate::on_both_databases;

async fn reading(world: &World, km: &str, day: &str) -> String {
    let body = json!({"date": date(day), "odometer": {"value": km, "unit": "KILOMETER"}, "source": "INSPECTION"});
    let created = world.station.post(&format!("/v1/vehicles/{VIN}/odometerReadings"), body).await.ok();
    created["name"].as_str().unwrap().to_owned()
}

fn of_reading(name: &str, km: &str) -> Value {
    json!({"vin": VIN, "odometer": {"odometerReading": name, "odometer": {"value": km}}, "reason": "typed wrong"})
}

fn of_sale(day: &str) -> Value {
    json!({"vin": VIN, "saleDate": {"invoiceDate": date(day), "deliveryDate": date(day)}, "reason": "the invoice says so"})
}

fn path(correction: &Value, verb: &str) -> String {
    format!("/v1/{}:{verb}", correction["name"].as_str().unwrap())
}

on_both_databases! {
    async fn a_value_that_changed_since_is_not_corrected(server) {
        let world = World::load(&server).await;
        let first = world.station.post("/v1/corrections", of_sale("2025-10-05")).await.ok();
        world.auditor.post(&path(&first, "approve"), json!({"etag": "v1"})).await.ok();
        // Two ask about two values; the second decision finds the sale as it was asked about.
        let name = reading(&world, "30000", "2026-11-01").await;
        let odometer = world.station.post("/v1/corrections", of_reading(&name, "3000")).await.ok();
        let sale = world.station.post("/v1/corrections", of_sale("2025-10-06")).await.ok();
        world.auditor.post(&path(&odometer, "approve"), json!({"etag": "v1"})).await.ok();
        // The vehicle changed, the value that this is about did not.
        world.auditor.post(&path(&sale, "approve"), json!({"etag": "v1"})).await.ok();
        assert_eq!(world.station.get(&format!("/v1/vehicles/{VIN}")).await.ok()["warrantyStart"], date("2025-10-06"));
        // Now the value itself changes under a request: the vehicle is taken back and sold again.
        let stale = world.station.post("/v1/corrections", of_sale("2025-10-07")).await.ok();
        let vehicle = format!("/v1/vehicles/{VIN}");
        world.admin.post(&format!("{vehicle}:markReturned"), json!({"reason": "lemon", "date": date("2026-11-02")})).await.ok();
        let again = json!({"sale": {"invoiceNumber": "INV-2", "invoiceDate": date("2026-11-10"), "vehicleUse": "FAMILY"}});
        world.station.post(&format!("{vehicle}:recordSale"), again).await.ok();
        let refused = world.auditor.post(&path(&stale, "approve"), json!({"etag": "v1"})).await.refused(400, "STATE_CONFLICT");
        assert!(refused["detail"].as_str().unwrap().contains("ask again"), "{refused:#}");
        assert_eq!(world.station.get(&vehicle).await.ok()["warrantyStart"], date("2026-11-10"));
        world.auditor.post(&path(&stale, "reject"), json!({"etag": "v1", "reason": "INSUFFICIENT_INFORMATION"})).await.ok();
        // A right day that does not fit between the return and today is refused, and the request waits still.
        let early = world.station.post("/v1/corrections", of_sale("2026-11-01")).await.ok();
        let refused = world.auditor.post(&path(&early, "approve"), json!({"etag": "v1"})).await.refused(400, "INVALID_FIELDS");
        assert_eq!(refused["violations"][0]["reason"], "TOO_EARLY", "{refused:#}");
        let name = early["name"].as_str().unwrap();
        assert_eq!(world.station.get(&format!("/v1/{name}")).await.ok()["state"], "REQUESTED");
    }

    async fn a_reading_that_ceased_to_count_is_not_corrected(server) {
        let world = World::load(&server).await;
        let name = reading(&world, "30000", "2026-11-01").await;
        let correction = world.station.post("/v1/corrections", of_reading(&name, "3000")).await.ok();
        world.auditor.post(&path(&correction, "approve"), json!({"etag": "v1"})).await.ok();
        let again = world.station.post("/v1/corrections", of_reading(&name, "4000")).await.refused(400, "INVALID_FIELDS");
        assert_eq!(again["violations"][0]["reason"], "UNKNOWN_REFERENCE");
        let foreign = json!({"vin": "WDB20300000000001", "odometer": {"odometerReading": name, "odometer": {"value": "1"}}, "reason": "x"});
        world.station.post("/v1/corrections", foreign).await.refused(400, "INVALID_FIELDS");
        let neither = json!({"vin": VIN, "reason": "x"});
        world.station.post("/v1/corrections", neither).await.refused(400, "INVALID_FIELDS");
    }

    async fn of_two_decisions_at_once_one_is_told_that_it_is_late(server) {
        let world = World::load(&server).await;
        let name = reading(&world, "30000", "2026-11-01").await;
        let correction = world.station.post("/v1/corrections", of_reading(&name, "3000")).await.ok();
        let approve = path(&correction, "approve");
        let (one, other) = tokio::join!(
            world.auditor.post(&approve, json!({"etag": "v1"})),
            world.second_auditor.post(&approve, json!({"etag": "v1"})),
        );
        let mut statuses = [one.status, other.status];
        statuses.sort_unstable();
        assert_eq!(statuses, [200, 409], "{one:?} {other:?}");
        let readings = world.station.get(&format!("/v1/vehicles/{VIN}/odometerReadings")).await.ok();
        let corrected = readings["odometerReadings"].as_array().unwrap().iter().filter(|row| row["source"] == "CORRECTION");
        assert_eq!(corrected.count(), 1);
    }

    async fn a_repeat_has_no_further_effect_and_a_list_shows_ones_own(server) {
        let world = World::load(&server).await;
        let id = "0199a000-0000-7000-8000-00000000c0c0";
        let headers = [("idempotency-key", "0199a000-0000-7000-8000-00000000c0c1")];
        let create = format!("/v1/corrections?correctionId={id}");
        let dry = world.station.post(&format!("{create}&validateOnly=true"), of_sale("2025-10-05")).await.ok();
        assert_eq!(dry["state"], "REQUESTED");
        world.station.get(&format!("/v1/corrections/{id}")).await.refused(404, "RESOURCE_NOT_FOUND");
        for _ in 0..2 {
            let created = world.station.call(reqwest::Method::POST, &create, Some(of_sale("2025-10-05")), &headers).await.ok();
            assert_eq!((&created["name"], &created["etag"]), (&json!(format!("corrections/{id}")), &json!("v1")));
        }
        let listed = world.auditor.get("/v1/corrections?filter=state%3DREQUESTED%20AND%20type%3DSALE_DATE").await.ok();
        assert_eq!(listed["corrections"].as_array().map(Vec::len), Some(1));
        assert!(listed["corrections"][0]["requestedBy"].is_string());
        assert!(world.other_station.get("/v1/corrections").await.ok().get("corrections").is_none());
        world.supplier.get("/v1/corrections").await.refused(403, "ROLE_NOT_ALLOWED");
        let decide = format!("/v1/corrections/{id}:approve");
        world.admin.post(&decide, json!({})).await.refused(400, "INVALID_FIELDS");
        let approved = world.admin.post(&decide, json!({"etag": "v1"})).await.ok();
        assert!(approved["decidedBy"].is_string());
        let own = world.station.get(&format!("/v1/corrections/{id}")).await.ok();
        assert_eq!((&own["state"], own.get("decidedBy")), (&json!("APPROVED"), None));
        let trail = world.station.get(&format!("/v1/events?resource=corrections/{id}")).await.ok();
        assert_eq!(trail["events"].as_array().map(Vec::len), Some(2));
    }
}
