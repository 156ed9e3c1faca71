//! Claims from draft to decision, as stations and auditors make them.

use chrono::Duration;
use serde_json::{Value, json};

use crate::harness::world::{World, cny, date, pump_claim};
use crate::on_both_databases;

fn codes(findings: &Value) -> Vec<String> {
    let mut codes: Vec<String> = findings
        .as_array()
        .into_iter()
        .flatten()
        .map(|finding| format!("{} {}", finding["severity"].as_str().unwrap(), finding["code"].as_str().unwrap()))
        .collect();
    codes.sort();
    codes
}

fn decide(line: i64, outcome: &str, amount: Option<i64>, reason: Option<&str>) -> Value {
    let mut verdict = json!({"lineNumber": line, "outcome": outcome});
    if let Some(amount) = amount {
        verdict["approvedAmount"] = cny(amount);
    }
    if let Some(reason) = reason {
        verdict["reasons"] = json!([{"code": reason}]);
    }
    verdict
}

on_both_databases! {
    async fn a_covered_repair_is_priced_submitted_approved_and_posted(server) {
        let world = World::load(&server).await;
        let created = world.station.post("/v1/claims", pump_claim()).await.ok();
        assert_eq!(created["state"], "DRAFT");
        assert_eq!(created["station"], "stations/S-001");
        let name = created["name"].as_str().unwrap();

        let dry = world.station.post(&format!("/v1/{name}:submit"), json!({"validateOnly": true})).await.ok();
        assert_eq!(codes(&dry["findings"]), Vec::<String>::new());
        assert_eq!(world.station.get(&format!("/v1/{name}")).await.ok()["state"], "DRAFT", "nothing was written");

        let submitted = world.station.post(&format!("/v1/{name}:submit"), json!({})).await.ok();
        let claim = &submitted["claim"];
        assert_eq!((claim["state"].as_str(), claim["revision"].as_i64()), (Some("SUBMITTED"), Some(1)));
        // 1 pump at 450.00 and 1.80 h at 120.00: 450.00 + 216.00.
        assert_eq!(claim["lines"][0]["computedAmount"], cny(45_000));
        assert_eq!(claim["lines"][1]["computedAmount"], cny(21_600));
        assert_eq!(claim["totals"]["computed"], cny(66_600));
        assert_eq!(claim["lines"][0]["priceSource"]["kind"], "CLAIM_PRICE");
        assert_eq!(claim["lines"][1]["priceSource"]["kind"], "GRADE_RATE");
        assert_eq!(claim["coverage"]["policy"], "warrantyPolicies/BASE-2024.1");

        let reviewed = world.auditor.post(&format!("/v1/{name}:startReview"), json!({})).await.ok();
        assert_eq!(reviewed["state"], "IN_REVIEW");
        let decided = world
            .auditor
            .post(
                &format!("/v1/{name}:adjudicate"),
                json!({
                    "etag": reviewed["etag"],
                    "lineDecisions": [
                        decide(1, "APPROVED", None, None),
                        decide(2, "REDUCED", Some(18_000), Some("EXCESSIVE_LABOR_HOURS")),
                    ],
                }),
            )
            .await
            .ok();
        assert_eq!(decided["state"], "APPROVED");
        assert_eq!(decided["totals"]["approved"], cny(63_000));
        assert_eq!(decided["waitsFor"]["party"], "FINANCE");

        let entries = world.finance.get("/v1/ledger/entries").await.ok();
        let entry = &entries["entries"][0];
        assert_eq!(entry["cause"], format!("{name}/decisions/1"));
        assert_eq!(entries["entries"].as_array().map(Vec::len), Some(1));
        let balance = world.finance.get("/v1/ledger:trialBalance").await.ok();
        assert_eq!(balance["totals"][0]["debit"], cny(63_000));
        assert_eq!(balance["totals"][0]["credit"], cny(63_000));
        assert_eq!(balance["totals"][0]["balance"], cny(0));
        let verified = world.finance.get("/v1/ledger:verify").await.ok();
        assert_eq!((verified["intact"].as_bool(), verified["claimsChecked"].as_str()), (Some(true), Some("1")));
    }

    async fn a_draft_may_be_incomplete_and_a_submission_tells_everything_at_once(server) {
        let world = World::load(&server).await;
        let mut claim = pump_claim();
        claim["vin"] = json!("lsvaa4187s2184841");
        claim["failureCode"] = json!("failureCodes/F-999");
        claim["odometerIn"] = json!({"value": "70000"});
        claim["lines"][0]["quantity"] = json!({"value": "3"});
        claim["lines"][1]["hours"] = json!({"value": "5"});
        claim["lines"].as_array_mut().unwrap().push(json!({"type": "LABOR", "operation": "laborOperations/OP-1002"}));
        claim["lines"].as_array_mut().unwrap().push(json!({"type": "PART", "part": "parts/P-1002", "quantity": {"value": "1"}}));
        claim["lines"].as_array_mut().unwrap().push(json!({"type": "PART", "part": "parts/P-1003", "quantity": {"value": "1"}}));
        let created = world.station.post("/v1/claims", claim).await.ok();
        assert_eq!(created["vin"], "LSVAA4187S2184841", "a VIN is kept in canonical form");
        let name = created["name"].as_str().unwrap();
        let dry = world.station.post(&format!("/v1/{name}:submit"), json!({"validateOnly": true})).await.ok();
        let found = codes(&dry["findings"]);
        for expected in [
            "ERROR MISSING_SERIAL",
            "ERROR UNKNOWN_FAILURE_CODE",
            "WARNING EXCESSIVE_LABOR_HOURS",
            "WARNING EXPIRED_WARRANTY",
            "WARNING OVERLAPPING_OPERATIONS",
            "WARNING PART_MODEL_MISMATCH",
            "WARNING QUANTITY_OVER_VEHICLE_USAGE",
        ] {
            assert!(found.iter().any(|code| code == expected), "{expected} is missing in {found:?}");
        }
        for finding in dry["findings"].as_array().unwrap() {
            assert!(!finding["message"].as_str().unwrap().is_empty(), "{finding}");
            assert!(!finding["fix"].as_str().unwrap().is_empty(), "{finding}");
        }
        let problem = world
            .station
            .reading("zh-CN")
            .post(&format!("/v1/{name}:submit"), json!({}))
            .await
            .refused(400, "CLAIM_HAS_ERRORS");
        assert!(problem["violations"].as_array().unwrap().len() >= 3, "{problem:#}");
        assert!(problem["violations"][0]["description"].as_str().unwrap().chars().any(|c| c > '\u{4e00}'), "{problem:#}");
        assert_eq!(world.station.get(&format!("/v1/{name}")).await.ok()["state"], "DRAFT");
    }

    async fn a_returned_claim_is_corrected_and_its_revisions_can_be_compared(server) {
        let world = World::load(&server).await;
        let name = world.submitted(pump_claim()).await;
        let reviewed = world.auditor.post(&format!("/v1/{name}:startReview"), json!({})).await.ok();
        world
            .auditor
            .post(&format!("/v1/{name}:return"), json!({"reasons": [{"code": "INSUFFICIENT_INFORMATION"}]}))
            .await
            .refused(400, "INVALID_FIELDS");
        let returned = world
            .auditor
            .post(
                &format!("/v1/{name}:return"),
                json!({"etag": reviewed["etag"], "reasons": [{"code": "INSUFFICIENT_INFORMATION"}], "note": "what seized it?"}),
            )
            .await
            .ok();
        assert_eq!(returned["state"], "RETURNED");
        assert!(returned["answerDueTime"].is_string());

        let seen = world.station.get(&format!("/v1/{name}")).await.ok();
        assert_eq!(seen["lastReturn"]["note"], "what seized it?");
        assert!(seen["lastReturn"].get("auditor").is_none(), "the station does not learn who the auditor is");
        world
            .station
            .patch(&format!("/v1/{name}"), json!({"causeDescription": "water in the tank", "etag": seen["etag"]}))
            .await
            .ok();
        let again = world.station.post(&format!("/v1/{name}:submit"), json!({})).await.ok();
        assert_eq!(again["claim"]["revision"], 2);
        let diff = world.auditor.get(&format!("/v1/{name}:diffRevisions?fromRevision=1&toRevision=2")).await.ok();
        let differences = diff["differences"].as_array().unwrap();
        assert!(
            differences.iter().any(|d| d["path"] == "cause_description"
                && d["before"] == "fuel pump seized"
                && d["after"] == "water in the tank"
                && d["kind"] == "CHANGED"),
            "{diff:#}"
        );
        let revisions = world.station.get(&format!("/v1/{name}/revisions")).await.ok();
        assert_eq!(revisions["revisions"].as_array().map(Vec::len), Some(2));
        let first = world.station.get(&format!("/v1/{name}/revisions/1")).await.ok();
        assert_eq!(first["claim"]["causeDescription"], "fuel pump seized");
        world.other_station.get(&format!("/v1/{name}/revisions/1")).await.refused(404, "RESOURCE_NOT_FOUND");
    }

    async fn an_unanswered_return_lapses_at_its_deadline(server) {
        let world = World::load(&server).await;
        let name = world.submitted(pump_claim()).await;
        let reviewed = world.auditor.post(&format!("/v1/{name}:startReview"), json!({})).await.ok();
        world
            .auditor
            .post(
                &format!("/v1/{name}:return"),
                json!({"etag": reviewed["etag"], "reasons": [{"code": "EVIDENCE_MISSING"}]}),
            )
            .await
            .ok();
        assert_eq!(server.running.api.enforce_deadlines().await.unwrap(), 0, "the deadline is 15 days away");
        server.clock.advance(Duration::days(16));
        server.running.api.enforce_deadlines().await.unwrap();
        let lapsed = world.station.get(&format!("/v1/{name}")).await.ok();
        assert_eq!(lapsed["state"], "LAPSED");
        world.station.post(&format!("/v1/{name}:submit"), json!({})).await.refused(400, "STATE_CONFLICT");
        let trail = world.auditor.get(&format!("/v1/events?resource={name}")).await.ok();
        let last = trail["events"].as_array().unwrap().last().unwrap().clone();
        assert_eq!((last["verb"].as_str(), last["actor"].as_str()), (Some("lapse"), Some("jobs/claim-deadlines")));
    }

    async fn a_withdrawn_claim_gives_back_its_odometer_reading(server) {
        let world = World::load(&server).await;
        let mut high = pump_claim();
        high["odometerIn"] = json!({"value": "50000"});
        let name = world.submitted(high).await;
        world.station.post(&format!("/v1/{name}:withdraw"), json!({"reason": "typed wrongly"})).await.ok();
        let mut right = pump_claim();
        right["externalJob"] = json!("2");
        let created = world.station.post("/v1/claims", right).await.ok();
        let dry = world
            .station
            .post(&format!("/v1/{}:submit", created["name"].as_str().unwrap()), json!({"validateOnly": true}))
            .await
            .ok();
        assert!(!codes(&dry["findings"]).iter().any(|code| code.contains("ODOMETER")), "{dry:#}");
    }

    async fn one_job_of_a_repair_order_is_claimed_once_and_a_second_part_is_noticed(server) {
        let world = World::load(&server).await;
        world.submitted(pump_claim()).await;
        let second = world.station.post("/v1/claims", pump_claim()).await.ok();
        let second = second["name"].as_str().unwrap();
        let problem =
            world.station.post(&format!("/v1/{second}:submit"), json!({})).await.refused(400, "CLAIM_HAS_ERRORS");
        let reasons: Vec<_> =
            problem["violations"].as_array().unwrap().iter().filter_map(|v| v["reason"].as_str()).collect();
        assert!(reasons.contains(&"REPAIR_ORDER_JOB_CLAIMED"), "{problem:#}");

        let mut elsewhere = pump_claim();
        elsewhere["externalRepairOrder"] = json!("RO-77");
        let created = world.other_station.post("/v1/claims", elsewhere).await.ok();
        let dry = world
            .other_station
            .post(&format!("/v1/{}:submit", created["name"].as_str().unwrap()), json!({"validateOnly": true}))
            .await
            .ok();
        let duplicate = dry["findings"]
            .as_array()
            .unwrap()
            .iter()
            .find(|finding| finding["code"] == "DUPLICATE")
            .expect("another station's claim is noticed");
        assert_eq!(duplicate["severity"], "WARNING");
        assert!(!duplicate.to_string().contains("WR-"), "its number is not told: {duplicate:#}");
    }

    async fn a_reference_of_the_dealers_own_system_is_used_once_a_station_and_the_refusal_names_the_field(server) {
        let world = World::load(&server).await;
        let draft = |vin: &str| json!({"kind": "WARRANTY_REPAIR", "vin": vin, "externalRef": "DMS-1"});
        let first = world.station.post("/v1/claims", draft("A")).await.ok();
        let problem = world.station.post("/v1/claims", draft("B")).await.refused(409, "RESOURCE_ALREADY_EXISTS");
        assert_eq!(problem["violations"][0]["field"], "claim.external_ref");
        let found = world.station.get("/v1/claims?filter=external_ref%3D%22DMS-1%22").await.ok();
        assert_eq!(found["claims"][0]["name"], first["name"], "the way out that the text names");
        world.other_station.post("/v1/claims", draft("B")).await.ok();
    }

    async fn a_price_that_changes_later_does_not_move_a_submitted_claim(server) {
        let world = World::load(&server).await;
        let name = world.submitted(pump_claim()).await;
        let part = world.admin.get("/v1/parts/P-1001").await.ok();
        let mut prices = part["claimPrices"].clone();
        prices[0]["validTo"] = date("2026-12-01");
        prices.as_array_mut().unwrap().push(json!({"validFrom": date("2026-12-01"), "price": cny(99_900)}));
        world.admin.patch("/v1/parts/P-1001", json!({"claimPrices": prices})).await.ok();
        let claim = world.station.get(&format!("/v1/{name}")).await.ok();
        assert_eq!(claim["lines"][0]["computedAmount"], cny(45_000));
        let mut back_dated = part["claimPrices"].clone();
        back_dated[0]["price"] = cny(1);
        world.admin.patch("/v1/parts/P-1001", json!({"claimPrices": back_dated})).await.refused(400, "INVALID_FIELDS");
    }

    async fn who_created_a_claim_never_decides_it_whatever_they_become(server) {
        let world = World::load(&server).await;
        let name = world.submitted(pump_claim()).await;
        let clerk = world.station.get("/v1/users/me").await.ok();
        let user = clerk["name"].as_str().unwrap();
        let oem = json!([{"organization": "organizations/OEM", "roles": ["AUDITOR"]}]);
        world.admin.patch(&format!("/v1/{user}"), json!({"memberships": oem})).await.ok();
        world.station.get(&format!("/v1/{name}")).await.refused(401, "TOKEN_INVALID");
        let turned = world.anonymous.sign_in("s001", crate::harness::world::PASSWORD).await;
        turned.post(&format!("/v1/{name}:startReview"), json!({})).await.refused(403, "SAME_PERSON");
    }

    async fn another_auditor_takes_over_before_deciding(server) {
        let world = World::load(&server).await;
        let name = world.submitted(pump_claim()).await;
        let first = world.auditor.post(&format!("/v1/{name}:startReview"), json!({})).await.ok();
        let decision = |etag: &Value| {
            json!({"etag": etag, "lineDecisions": [
                decide(1, "APPROVED", None, None), decide(2, "REJECTED", None, Some("LABOR_FAULT_MISMATCH"))]})
        };
        world
            .second_auditor
            .post(&format!("/v1/{name}:adjudicate"), decision(&first["etag"]))
            .await
            .refused(400, "STATE_CONFLICT");
        let taken = world.second_auditor.post(&format!("/v1/{name}:startReview"), json!({})).await.ok();
        assert_ne!(taken["etag"], first["etag"]);
        world
            .auditor
            .post(&format!("/v1/{name}:adjudicate"), decision(&first["etag"]))
            .await
            .refused(409, "STALE_ETAG");
        let decided =
            world.second_auditor.post(&format!("/v1/{name}:adjudicate"), decision(&taken["etag"])).await.ok();
        assert_eq!(decided["totals"]["approved"], cny(45_000));
        world
            .second_auditor
            .post(&format!("/v1/{name}:adjudicate"), decision(&decided["etag"]))
            .await
            .refused(400, "STATE_CONFLICT");
    }

    async fn goodwill_needs_its_right_and_stands_on_an_account_of_its_own(server) {
        let world = World::load(&server).await;
        let mut claim = pump_claim();
        claim["lines"][0]["requestedAmount"] = cny(60_000);
        let name = world.submitted(claim).await;
        let goodwill = |etag: &Value| {
            json!({"etag": etag, "lineDecisions": [
                {"lineNumber": 1, "outcome": "APPROVED", "approvedAmount": cny(60_000), "goodwillAmount": cny(15_000)},
                decide(2, "APPROVED", None, None)]})
        };
        let reviewed = world.auditor.post(&format!("/v1/{name}:startReview"), json!({})).await.ok();
        world
            .auditor
            .post(&format!("/v1/{name}:adjudicate"), goodwill(&reviewed["etag"]))
            .await
            .refused(403, "NOT_PERMITTED")
            .get("metadata")
            .is_some_and(|facts| facts["right"] == "GOODWILL")
            .then_some(())
            .expect("the refusal names the right that is missing");
        let taken = world.second_auditor.post(&format!("/v1/{name}:startReview"), json!({})).await.ok();
        world.second_auditor.post(&format!("/v1/{name}:adjudicate"), goodwill(&taken["etag"])).await.ok();
        let rows = world.finance.get("/v1/ledger:trialBalance").await.ok();
        let goodwill = rows["rows"].as_array().unwrap().iter().find(|row| row["account"] == "expense:goodwill").cloned();
        assert_eq!(goodwill.expect("an account of its own")["debit"], cny(15_000));
    }
}
