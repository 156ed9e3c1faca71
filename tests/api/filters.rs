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

    async fn a_field_is_named_as_the_contract_does_or_as_json_does(server) {
        let world = World::load(&server).await;
        for job in 1..=3 {
            let mut claim = pump_claim();
            claim["externalJob"] = json!(job.to_string());
            world.station.post("/v1/claims", claim).await.ok();
        }
        for filter in ["external_job = 2", "externalJob = 2", "externalJob:2 AND NOT external_job = 3", "-externalJob = 1 AND external_job < 3"] {
            assert_eq!(found(&world.station, "claims", filter).await, 1, "{filter}");
        }
        assert_eq!(found(&world.admin, "users", "userName = s001").await, found(&world.admin, "users", "user_name = s001").await);
        let unknown = world.station.get("/v1/claims?filter=externalJobs%3D1").await.refused(400, "INVALID_FILTER");
        let told = unknown["violations"][0]["description"].as_str().unwrap().to_owned();
        assert!(told.starts_with("externalJobs is not a field to filter by") && told.contains("external_job,"), "{told}");
        let unknown = world.station.get("/v1/claims?orderBy=createTimes").await.refused(400, "INVALID_ORDER_BY");
        let told = unknown["violations"][0]["description"].as_str().unwrap().to_owned();
        assert!(told.contains("createTimes") && told.contains("create_time"), "{told}");
        // A page token is good for both spellings, of the filter and of the order.
        let asked = |filter: &str, order: &str, token: &str| {
            format!("/v1/claims?pageSize=1&filter={filter}:*&orderBy={order}%20desc&pageToken={token}")
        };
        let mut token = String::new();
        let mut seen = Vec::new();
        for (filter, order) in [("externalJob", "createTime"), ("external_job", "create_time"), ("externalJob", "create_time")] {
            let page = world.station.get(&asked(filter, order, &token)).await.ok();
            seen.push(page["claims"][0]["externalJob"].as_str().unwrap().to_owned());
            token = page["nextPageToken"].as_str().unwrap_or_default().to_owned();
        }
        assert_eq!((seen, token), (vec!["3".to_owned(), "2".to_owned(), "1".to_owned()], String::new()));
        let first = world.station.get(&asked("externalJob", "createTime", "")).await.ok();
        let token = first["nextPageToken"].as_str().unwrap();
        world.station.get(&asked("externalRef", "createTime", token)).await.refused(400, "INVALID_PAGE_TOKEN");
        // Masks, too.
        for (mask, name) in [("displayName", "One"), ("display_name", "Two")] {
            let path = format!("/v1/suppliers/SUP-017?updateMask={mask}");
            let changed = world.admin.patch(&path, json!({"displayName": name, "taxNumber": "never"})).await.ok();
            assert_eq!((changed["displayName"].as_str(), changed.get("taxNumber")), (Some(name), None), "{changed:#}");
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
