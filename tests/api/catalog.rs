//! Master data: one path for all of it.

use serde_json::{Value, json};

use crate::harness::world::{VIN, World, cny, date};
use crate::on_both_databases;

on_both_databases! {
    async fn a_code_is_normalised_taken_once_and_never_given_again(server) {
        let world = World::load(&server).await;
        let part = json!({"displayName": "Clip", "category": "BODY", "unit": "PIECE", "assemblyClass": "ORDINARY", "usedPartRule": "NONE"});
        let created = world.admin.post("/v1/parts?partId=c-77", part.clone()).await.ok();
        assert_eq!(created["name"], "parts/C-77");
        assert_eq!(created["active"], true);
        world.admin.post("/v1/parts?partId=C-77", part.clone()).await.refused(409, "RESOURCE_ALREADY_EXISTS");
        world.admin.post("/v1/parts?partId=bad%20code", part.clone()).await.refused(400, "INVALID_FIELDS");
        let retired = world.admin.delete("/v1/parts/C-77").await.ok();
        assert!(retired.get("active").is_none() && retired["retireTime"].is_string());
        world.admin.post("/v1/parts?partId=C-77", part).await.refused(409, "RESOURCE_ALREADY_EXISTS");
        world.admin.patch("/v1/parts/C-77", json!({"displayName": "Clip 2"})).await.refused(400, "RESOURCE_RETIRED");
        let names = |page: Value| -> Vec<String> {
            page["parts"].as_array().unwrap().iter().map(|part| part["name"].as_str().unwrap().to_owned()).collect()
        };
        assert!(!names(world.admin.get("/v1/parts").await.ok()).contains(&"parts/C-77".to_owned()));
        assert!(names(world.admin.get("/v1/parts?showDeleted=true").await.ok()).contains(&"parts/C-77".to_owned()));
        world.admin.get("/v1/parts/C-77").await.ok();
    }

    async fn an_update_changes_what_the_mask_names_under_an_etag(server) {
        let world = World::load(&server).await;
        let before = world.admin.get("/v1/stations/S-001").await.ok();
        let changed = world
            .admin
            .patch("/v1/stations/S-001?updateMask=region", json!({"region": "WEST", "displayName": "ignored", "etag": before["etag"]}))
            .await
            .ok();
        assert_eq!((changed["region"].as_str(), &changed["displayName"]), (Some("WEST"), &before["displayName"]));
        assert_ne!(changed["etag"], before["etag"]);
        world
            .admin
            .patch("/v1/stations/S-001", json!({"region": "NORTH", "etag": before["etag"]}))
            .await
            .refused(409, "STALE_ETAG");
        world.admin.patch("/v1/stations/S-001?updateMask=createTime", json!({})).await.refused(400, "INVALID_UPDATE_MASK");
        world.admin.patch("/v1/stations/S-001?updateMask=nonsense", json!({})).await.refused(400, "INVALID_UPDATE_MASK");
        let dry = world.admin.patch("/v1/stations/S-001?validateOnly=true", json!({"region": "SOUTH"})).await.ok();
        assert_eq!(dry["region"], "SOUTH");
        assert_eq!(world.admin.get("/v1/stations/S-001").await.ok()["region"], "WEST");
        world.station.patch("/v1/stations/S-001", json!({"region": "MINE"})).await.refused(403, "ROLE_NOT_ALLOWED");
    }

    async fn an_update_of_one_field_asks_for_no_other_and_keeps_the_limits(server) {
        let world = World::load(&server).await;
        let one = |field: &str, value: Value| -> Value { [(field.to_owned(), value)].into_iter().collect::<serde_json::Map<_, _>>().into() };
        // Numbers with a least value can't tell "not given" from 0 in the request: these two were refused once.
        let policy = json!({
            "displayName": "Base 2027", "policyFamily": "BASE-2027", "versionNumber": 1, "validFrom": date("2027-01-01"),
            "terms": [{"code": "GENERAL", "kind": "GENERAL", "months": 36}]});
        world.admin.post("/v1/warrantyPolicies?warrantyPolicyId=BASE-2027.1", policy).await.ok();
        let renamed = world.admin.patch("/v1/warrantyPolicies/BASE-2027.1", one("displayName", json!("Base"))).await.ok();
        assert_eq!((renamed["displayName"].as_str(), &renamed["versionNumber"]), (Some("Base"), &json!(1)));
        let settings = world.admin.get("/v1/settings").await.ok();
        let setting = json!({
            "validFrom": date("2027-01-01"), "timeZone": "Asia/Shanghai", "submissionWindowDays": 30, "returnAnswerDays": 15,
            "appealDays": 30, "reviewDueDays": 7, "paymentDays": 30, "statementObjectionDays": 5, "usedPartShipDays": 10});
        assert!(settings["settings"].is_array(), "{settings:#}");
        world.admin.post("/v1/settings?settingId=2027", setting).await.ok();
        let changed = world.admin.patch("/v1/settings/2027?updateMask=appealDays", one("appealDays", json!(20))).await.ok();
        assert_eq!((&changed["appealDays"], &changed["submissionWindowDays"]), (&json!(20), &json!(30)));
        let field = |problem: Value| problem["violations"][0]["field"].as_str().map(str::to_owned);
        let too_few = world.admin.patch("/v1/settings/2027?updateMask=appealDays", one("appealDays", json!(0))).await;
        assert_eq!(field(too_few.refused(400, "INVALID_FIELDS")).as_deref(), Some("setting.appeal_days"));
        let cleared = world.admin.patch("/v1/stations/S-001?updateMask=displayName", json!({})).await;
        assert_eq!(field(cleared.refused(400, "INVALID_FIELDS")).as_deref(), Some("station.display_name"));
        let unknown = world.admin.patch("/v1/stations/S-001?updateMask=region,active", one("region", json!("EAST"))).await;
        let told = unknown.refused(400, "INVALID_UPDATE_MASK");
        assert!(told["violations"][0]["description"].as_str().unwrap().starts_with("active: "), "{told:#}");
    }

    async fn prices_of_one_kind_do_not_overlap_and_references_must_exist(server) {
        let world = World::load(&server).await;
        let part = |prices: Value, supplier: &str| json!({
            "displayName": "Clip", "category": "BODY", "unit": "PIECE", "assemblyClass": "ORDINARY", "usedPartRule": "NONE",
            "claimPrices": prices, "defaultSupplier": supplier});
        let overlapping = json!([
            {"validFrom": date("2026-01-01"), "price": cny(100)},
            {"validFrom": date("2026-06-01"), "price": cny(200)}]);
        let problem = world.admin.post("/v1/parts?partId=C-1", part(overlapping, "")).await.refused(400, "INVALID_FIELDS");
        assert!(problem["violations"][0]["field"].as_str().unwrap().starts_with("part.claim_prices"), "{problem:#}");
        let problem = world.admin.post("/v1/parts?partId=C-1", part(json!([]), "suppliers/NOBODY")).await.refused(400, "INVALID_FIELDS");
        assert_eq!(problem["violations"][0]["reason"], "UNKNOWN_REFERENCE");
        let cents = json!([{"validFrom": date("2026-01-01"), "price": {"currencyCode": "CNY", "units": "1", "nanos": 5_000_000}}]);
        world.admin.post("/v1/parts?partId=C-1", part(cents, "")).await.refused(400, "INVALID_FIELDS");
    }

    async fn a_published_policy_stays_as_it_is(server) {
        let world = World::load(&server).await;
        let policy = world.station.get("/v1/warrantyPolicies/BASE-2024.1").await.ok();
        assert_eq!(policy["state"], "PUBLISHED");
        let mut terms = policy["terms"].clone();
        terms[0]["months"] = json!(12);
        world.admin.patch("/v1/warrantyPolicies/BASE-2024.1", json!({"terms": terms})).await.refused(400, "INVALID_FIELDS");
    }

    async fn coverage_is_answered_with_policy_term_and_what_is_left(server) {
        let world = World::load(&server).await;
        let ask = |query: &str| format!("/v1/vehicles/{VIN}:checkCoverage?{query}");
        let covered = world.station.get(&ask("part=parts/P-1001&onDate=2026-11-16&odometerKm=21000")).await.ok();
        assert_eq!(covered["covered"], true, "{covered:#}");
        assert_eq!(covered["policy"], "warrantyPolicies/BASE-2024.1");
        assert_eq!(covered["kmLeft"], "39000", "{covered:#}");
        let late = world.station.get(&ask("part=parts/P-1001&onDate=2028-10-11&odometerKm=21000")).await.ok();
        assert!(late.get("covered").is_none(), "the last day is 2028-10-10: {late:#}");
        let last = world.station.get(&ask("part=parts/P-1001&onDate=2028-10-10&odometerKm=60000")).await.ok();
        assert_eq!(last["covered"], true, "the last day and the last kilometre count");
        let unknown = world.station.get(&ask("part=parts/NONE&onDate=2026-11-16&odometerKm=1")).await;
        assert_eq!(unknown.refused(400, "INVALID_FIELDS")["violations"][0]["field"], "part");
        world.supplier.get(&ask("part=parts/P-1001&onDate=2026-11-16&odometerKm=1")).await.refused(403, "ROLE_NOT_ALLOWED");
    }

    async fn vehicles_are_decoded_and_their_history_kept(server) {
        let world = World::load(&server).await;
        let decoded = world.station.get(&format!("/v1/vehicles:decodeVin?vin={}", VIN.to_lowercase())).await.ok();
        assert_eq!(decoded["vin"], VIN, "{decoded:#}");
        let wrong = json!({"vin": "LSVAA4180S2184841", "model": "M1", "drivetrain": "COMBUSTION"});
        world.admin.post("/v1/vehicles?vehicleId=LSVAA4180S2184841", wrong).await.refused(400, "INVALID_FIELDS");
        let reading = |km: &str, day: &str| json!({"date": date(day), "odometer": {"value": km}, "source": "INSPECTION"});
        let path = format!("/v1/vehicles/{VIN}/odometerReadings");
        world.station.post(&path, reading("15000", "2026-06-01")).await.ok();
        world.station.post(&path, reading("14000", "2026-07-01")).await.refused(400, "INVALID_FIELDS");
        let listed = world.station.get(&path).await.ok();
        assert_eq!(listed["odometerReadings"].as_array().map(Vec::len), Some(1), "{listed:#}");
        let history = world.station.get(&format!("/v1/vehicles/{VIN}/history")).await.ok();
        assert!(!history["entries"].as_array().unwrap().is_empty(), "{history:#}");
        world.station.get("/v1/vehicles").await.refused(403, "ROLE_NOT_ALLOWED");
        world.auditor.get("/v1/vehicles?filter=model%3DM1").await.ok();
    }
}
