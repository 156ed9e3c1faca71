//! What somebody tries who has an account and means no good: to write where only reading was granted, to be one's own
//! second person by a program, to be owed what nobody approved, to keep more than was asked for.

use std::time::Duration;

use serde_json::{Value, json};

use super::appraisals::{begun, findings, liable};
use super::review::{limit_levels, proposed};
use crate::harness::Server;
use crate::harness::client::Client;
use crate::harness::world::{PASSWORD, VIN, World, cny, date, pump_claim, setting};
use crate::on_both_databases;

/// A program of the manufacturer's that may do what an auditor of the highest level may.
async fn program(server: &Server, world: &World) -> Client {
    let membership = json!({"organization": "organizations/OEM", "roles": ["AUDITOR"], "approvalLevel": 3});
    let made = world.admin.post("/v1/apiClients", json!({"displayName": "Robot", "membership": membership})).await.ok();
    let (id, secret) = (made["name"].as_str().unwrap(), made["secret"].as_str().unwrap());
    let form = format!("grant_type=client_credentials&client_id={id}&client_secret={secret}");
    let token = reqwest::Client::new()
        .post(format!("{}/oauth2/token", server.base))
        .header("content-type", "application/x-www-form-urlencoded")
        .body(form)
        .send()
        .await
        .unwrap();
    let token: Value = token.json().await.unwrap();
    world.anonymous.with_token(token["access_token"].as_str().unwrap())
}

on_both_databases! {
    async fn who_only_reads_changes_nothing(server) {
        let world = World::load(&server).await;
        let membership = json!({"organization": "organizations/OEM", "roles": ["AUDITOR", "ADMIN"], "duties": ["READ_ONLY"]});
        let user = json!({"userName": "reader", "displayName": "reader", "memberships": [membership]});
        world.admin.post("/v1/users", json!({"user": user, "password": PASSWORD})).await.ok();
        let reader = world.anonymous.sign_in("reader", PASSWORD).await;
        let claim = world.submitted(pump_claim()).await;
        assert_eq!(reader.get(&format!("/v1/{claim}")).await.ok()["state"], "SUBMITTED");
        reader.post(&format!("/v1/{claim}:startReview"), json!({})).await.refused(403, "NOT_PERMITTED");
        reader.post("/v1/claims:next", json!({})).await.refused(403, "NOT_PERMITTED");
        reader.patch("/v1/parts/P-1001", json!({"displayName": "mine"})).await.refused(403, "NOT_PERMITTED");
        let price = json!({"part": {"name": "parts/P-1001", "displayName": "mine"}});
        let proposal = json!({"reason": "why not", "commands": [{"updatePart": price}]});
        reader.post("/v1/changeProposals", proposal).await.refused(403, "NOT_PERMITTED");
        let note = json!({"text": "seen", "visibility": "INTERNAL"});
        reader.post(&format!("/v1/{claim}/notes"), note).await.refused(403, "NOT_PERMITTED");
        // The own sign-in stays one's own.
        let change = json!({"currentPassword": PASSWORD, "newPassword": "green tractors hum low"});
        reader.post("/v1/users/me:changePassword", change).await.ok();
    }

    async fn a_stream_ends_when_the_role_is_taken_away_that_it_was_begun_with(server) {
        let world = World::load(&server).await;
        let as_both = |roles: &[&str]| json!([{"organization": "organizations/OEM", "roles": roles}]);
        let user = json!({"userName": "both", "displayName": "both", "memberships": as_both(&["AUDITOR", "FINANCE"])});
        let made = world.admin.post("/v1/users", json!({"user": user, "password": PASSWORD})).await.ok();
        let both = world.anonymous.sign_in("both", PASSWORD).await;
        let mut stream = both.watch("/v1/claims:watch?cursor=now").await;
        assert_eq!(stream.status(), 200);
        let path = format!("/v1/{}", made["name"].as_str().unwrap());
        world.admin.patch(&path, json!({"memberships": as_both(&["FINANCE"])})).await.ok();
        let mut text = String::new();
        while let Some(chunk) = tokio::time::timeout(Duration::from_secs(5), stream.chunk()).await.expect("in time").unwrap() {
            text.push_str(std::str::from_utf8(&chunk).unwrap());
        }
        let last: Value = serde_json::from_str(text.lines().last().expect("an error in band")).unwrap();
        assert_eq!(last["error"]["reason"], "TOKEN_INVALID", "{last:#}");
    }

    async fn a_program_approves_nothing_after_a_person(server) {
        let world = World::load(&server).await;
        limit_levels(&server, &world).await;
        let robot = program(&server, &world).await;
        let (name, etag_of_proposal) = proposed(&world).await;
        let approve = format!("/v1/{name}:approveDecision");
        robot.post(&approve, json!({"etag": etag_of_proposal})).await.refused(403, "SAME_PERSON");
        world.second_auditor.post(&approve, json!({"etag": etag_of_proposal})).await.ok();
        assert_eq!(world.finance.get("/v1/ledger:verify").await.ok()["intact"], true);
    }

    async fn a_fee_is_owed_only_if_somebody_could_approve_it(server) {
        let world = World::load(&server).await;
        limit_levels(&server, &world).await;
        let (_, path) = begun(&world).await;
        let conclude = async |fee: Value| {
            world.appraiser.post(&format!("{path}:conclude"), json!({"findings": findings(), "fee": fee})).await
        };
        for units in ["9223372036854775", "10000000001"] {
            let fee = json!({"currencyCode": "CNY", "units": units});
            conclude(fee).await.refused(400, "INVALID_FIELDS");
        }
        conclude(cny(50_001)).await.ok();
        liable(&world.auditor, &path, 7_000).await.ok();
        let last = format!("{path}:finalize");
        let refused = world.auditor.post(&last, json!({})).await.refused(403, "NOT_PERMITTED");
        assert!(refused["detail"].as_str().unwrap().contains("500.01"), "{refused:#}");
        assert_eq!(world.finance.get("/v1/ledger/entries").await.ok()["entries"], Value::Null);
        assert_eq!(world.second_auditor.post(&last, json!({})).await.ok()["state"], "FINAL");
        let books = world.finance.get("/v1/ledger:trialBalance").await.ok();
        assert_eq!(books["totals"][0]["debit"], cny(50_001));
    }

    async fn a_claim_that_chooses_another_free_service_lets_go_of_the_first(server) {
        let world = World::load(&server).await;
        let mut returnable = setting();
        returnable["validFrom"] = date("2026-11-20");
        returnable["returnableKinds"] = json!(["RUNNING_IN_MAINTENANCE"]);
        world.admin.post("/v1/settings?settingId=RETURNS", returnable).await.ok();
        let km = |value: &str| json!({"value": value});
        let services = json!([
            {"sequence": 1, "toDistance": km("25000"), "months": 18, "fee": cny(16_000)},
            {"sequence": 2, "fromDistance": km("15000"), "toDistance": km("25000"), "months": 18, "fee": cny(18_000)},
        ]);
        let policy = json!({
            "displayName": "Running-in", "policyFamily": "CARE", "versionNumber": 1, "validFrom": date("2024-01-01"),
            "models": ["M1"], "runningInServices": services,
            "terms": [{"code": "NONE", "kind": "WEAR_PART", "months": 1, "partCategories": ["NOTHING"]}],
        });
        world.admin.post("/v1/warrantyPolicies?warrantyPolicyId=CARE-2024.1", policy).await.ok();
        world.admin.post("/v1/warrantyPolicies/CARE-2024.1:publish", json!({})).await.ok();
        let name = world.submitted(json!({
            "kind": "RUNNING_IN_MAINTENANCE", "vin": VIN, "odometerIn": {"value": "21000", "unit": "KILOMETER"},
            "complaintDate": date("2026-11-16"), "repairCompletionDate": date("2026-11-16"),
            "runningIn": {"sequence": 1, "checks": ["OIL"]}, "lines": [{"type": "MAINTENANCE_FEE"}],
        })).await;
        let review = world.auditor.post(&format!("/v1/{name}:startReview"), json!({})).await.ok();
        let back = json!({"etag": review["etag"], "reasons": [{"code": "INSUFFICIENT_INFORMATION"}]});
        world.auditor.post(&format!("/v1/{name}:return"), back).await.ok();
        let change = json!({"runningIn": {"sequence": 2, "checks": ["OIL"]}});
        world.station.patch(&format!("/v1/{name}"), change).await.ok();
        world.station.post(&format!("/v1/{name}:submit"), json!({})).await.ok();
        let listed = world.station.get(&format!("/v1/vehicles/{VIN}/serviceEntitlements")).await.ok();
        let mut states: Vec<(i64, &str)> = listed["serviceEntitlements"]
            .as_array()
            .unwrap()
            .iter()
            .map(|one| (one["sequence"].as_i64().unwrap(), one["state"].as_str().unwrap()))
            .collect();
        states.sort_unstable();
        assert_eq!(states, [(1, "RELEASED"), (2, "RESERVED")], "the first can be claimed by others");
    }
}
