//! What a filter's literal may be written like.

use serde_json::{Value, json};

use crate::harness::client::Client;
use crate::harness::world::{VIN, World, pump_claim};
use crate::on_both_databases;

/// How many a list finds with a filter.
async fn found(caller: &Client, collection: &str, filter: &str) -> usize {
    let written: String = filter.bytes().map(|byte| format!("%{byte:02X}")).collect();
    let list = caller.get(&format!("/v1/{collection}?filter={written}")).await.ok();
    list[collection].as_array().map_or(0, Vec::len)
}

fn full_width(text: &str) -> String {
    let wide = |c: char| char::from_u32(u32::from(c) + 0xfee0).filter(|_| c.is_ascii_graphic()).unwrap_or(c);
    text.chars().map(wide).collect()
}

on_both_databases! {
    async fn a_literal_is_read_as_its_field_is(server) {
        let world = World::load(&server).await;
        let mut claim = pump_claim();
        claim["externalRef"] = json!("Job 7-a");
        let claim = world.submitted(claim).await;
        let number = world.station.get(&format!("/v1/{claim}")).await.ok()["number"].as_str().unwrap().to_lowercase();
        // What is no VIN stands on a draft as it was written.
        world.station.post("/v1/claims", json!({"kind": "WARRANTY_REPAIR", "vin": "lsv on the plate"})).await.ok();
        let (small, wide) = (VIN.to_lowercase(), full_width(VIN));
        for (filter, claims) in [
            (format!("vin = \"{VIN}\""), 1),
            (format!("vin = {small}"), 1),
            (format!("vin = \"{wide}\""), 1),
            (format!("vin = \"vehicles/{small}\""), 1),
            (format!("NOT vin = {small}"), 1),
            ("vin = LSV*".to_owned(), 1),
            ("vin = lsv*".to_owned(), 2),
            ("NOT vin = lsv*".to_owned(), 0),
            ("vin = \"lsv on the plate\"".to_owned(), 1),
            (format!("number = {number}"), 1),
            ("causal_part = p-1001".to_owned(), 1),
            ("causal_part = parts/p-1001".to_owned(), 1),
            ("causal_part = p-10*".to_owned(), 1),
            ("causal_part = stations/P-1001".to_owned(), 0),
            ("failure_code = f-101".to_owned(), 1),
            ("station = stations/s-001".to_owned(), 2),
            ("external_ref = \" Ｊｏｂ 7-a \"".to_owned(), 1),
            // A number of another system has a case of its own.
            ("external_ref = \"job 7-a\"".to_owned(), 0),
            ("external_repair_order = ro-1".to_owned(), 0),
            ("external_repair_order = \"ＲＯ-1\"".to_owned(), 1),
        ] {
            assert_eq!(found(&world.station, "claims", &filter).await, claims, "{filter}");
        }
    }

    async fn so_it_is_in_the_lists_of_master_data_and_accounts(server) {
        let world = World::load(&server).await;
        let parts: Value = world.auditor.get("/v1/parts?pageSize=1").await.ok()["parts"][0].clone();
        let category = parts["category"].as_str().unwrap();
        let of_category = found(&world.auditor, "parts", &format!("category = {category}")).await;
        assert!(of_category > 0);
        assert_eq!(found(&world.auditor, "parts", &format!("category = {}", category.to_lowercase())).await, of_category);
        let model = found(&world.auditor, "vehicles", "model = M1").await;
        assert!(model > 0);
        assert_eq!(found(&world.auditor, "vehicles", "model = m1").await, model);
        assert_eq!(found(&world.auditor, "stations", "currency = cny").await, 2);
        let user = world.admin.get("/v1/users?pageSize=1").await.ok()["users"][0]["userName"].clone();
        let capitals = user.as_str().unwrap().to_uppercase();
        assert_eq!(found(&world.admin, "users", &format!("user_name = \"{capitals}\"")).await, 1, "{capitals}");
    }
}
