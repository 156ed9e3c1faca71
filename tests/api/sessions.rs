//! Signing in and out, refreshing, and what a stolen token is worth.

use std::time::Duration;

use serde_json::{Value, json};

use crate::harness::Server;
use crate::harness::world::{PASSWORD, World};
use crate::on_both_databases;

async fn token_endpoint(server: &Server, form: &[(&str, &str)]) -> (u16, Value) {
    let body: Vec<String> = form.iter().map(|(key, value)| format!("{key}={value}")).collect();
    let response = reqwest::Client::new()
        .post(format!("{}/oauth2/token", server.base))
        .header("content-type", "application/x-www-form-urlencoded")
        .body(body.join("&"))
        .send()
        .await
        .unwrap();
    assert_eq!(response.headers()["cache-control"], "no-store");
    (response.status().as_u16(), response.json().await.unwrap())
}

on_both_databases! {
    async fn a_wrong_password_and_an_unknown_name_are_answered_alike(server) {
        let world = World::load(&server).await;
        let mut answers = Vec::new();
        for (name, password) in [("s001", "wrong wrong wrong"), ("nobody", PASSWORD)] {
            let body = json!({"userName": name, "password": password});
            let mut problem = world.anonymous.post("/v1/sessions", body).await.refused(401, "CREDENTIALS_INVALID");
            problem["requestId"] = Value::Null;
            answers.push(problem);
        }
        assert_eq!(answers[0], answers[1]);
    }

    async fn a_refresh_token_rotates_and_a_quick_repeat_is_a_retry(server) {
        let world = World::load(&server).await;
        let session = world
            .anonymous
            .post("/v1/sessions", json!({"userName": "S001", "password": PASSWORD, "device": "tablet"}))
            .await
            .ok();
        let first = session["refreshToken"].as_str().unwrap();
        let (status, second) =
            token_endpoint(&server, &[("grant_type", "refresh_token"), ("refresh_token", first)]).await;
        assert_eq!(status, 200, "{second}");
        // The same refresh repeated at once is a lost answer, not a theft.
        let (status, retried) =
            token_endpoint(&server, &[("grant_type", "refresh_token"), ("refresh_token", first)]).await;
        assert_eq!(status, 200, "{retried}");
        let next = second["refresh_token"].as_str().unwrap();
        let (status, _) = token_endpoint(&server, &[("grant_type", "refresh_token"), ("refresh_token", next)]).await;
        assert_eq!(status, 200);
        let (status, refused) =
            token_endpoint(&server, &[("grant_type", "refresh_token"), ("refresh_token", "made-up")]).await;
        assert_eq!((status, refused["error"].as_str()), (400, Some("invalid_grant")));
        let (status, refused) =
            token_endpoint(&server, &[("grant_type", "password"), ("username", "s001"), ("password", PASSWORD)]).await;
        assert_eq!((status, refused["error"].as_str()), (400, Some("unsupported_grant_type")));
    }

    async fn signing_out_ends_the_access_token_too(server) {
        let world = World::load(&server).await;
        let sessions = world.station.get("/v1/sessions").await.ok();
        let current = sessions["sessions"].as_array().unwrap().iter().find(|session| session["current"] == true);
        assert!(current.is_some(), "{sessions:#}");
        world.station.delete("/v1/sessions/current").await.ok();
        world.station.get("/v1/users/me").await.refused(401, "TOKEN_INVALID");
    }

    async fn a_disabled_user_is_out_within_a_second(server) {
        let world = World::load(&server).await;
        let me = world.technician.get("/v1/users/me").await.ok();
        let name = me["name"].as_str().unwrap();
        world.admin.post(&format!("/v1/{name}:disable"), json!({})).await.ok();
        tokio::time::sleep(Duration::from_millis(900)).await;
        world.technician.get("/v1/users/me").await.refused(401, "TOKEN_INVALID");
        let body = json!({"userName": "tech", "password": PASSWORD});
        world.anonymous.post("/v1/sessions", body.clone()).await.refused(401, "CREDENTIALS_INVALID");
        world.admin.post(&format!("/v1/{name}:enable"), json!({})).await.ok();
        world.anonymous.post("/v1/sessions", body).await.ok();
    }

    async fn a_manager_keeps_the_users_of_the_own_organisation_only(server) {
        let world = World::load(&server).await;
        let user = |name: &str, organization: &str, role: &str| {
            json!({"user": {"userName": name, "memberships": [{"organization": organization, "roles": [role]}]}, "password": PASSWORD})
        };
        world.station.post("/v1/users", user("mine", "stations/S-001", "TECHNICIAN")).await.ok();
        world.station.post("/v1/users", user("theirs", "stations/S-002", "STATION")).await.refused(403, "NOT_PERMITTED");
        world.station.post("/v1/users", user("boss", "organizations/OEM", "ADMIN")).await.refused(403, "NOT_PERMITTED");
        world.other_station.post("/v1/users", user("x1", "stations/S-002", "STATION")).await.refused(403, "NOT_PERMITTED");
        world.station.post("/v1/users", user("odd", "stations/S-001", "AUDITOR")).await.refused(400, "INVALID_FIELDS");
        world.station.post("/v1/users", user("mine", "stations/S-001", "STATION")).await.refused(409, "RESOURCE_ALREADY_EXISTS");
        let listed = world.station.get("/v1/users").await.ok();
        let names: Vec<_> = listed["users"].as_array().unwrap().iter().map(|user| user["userName"].as_str().unwrap()).collect();
        assert_eq!(names, ["mine", "s001", "tech"]);
    }

    async fn a_changed_password_signs_the_other_devices_out(server) {
        let world = World::load(&server).await;
        let other_device = world.anonymous.sign_in("s002", PASSWORD).await;
        let change = |current: &str, new: &str| json!({"currentPassword": current, "newPassword": new});
        world
            .other_station
            .post("/v1/users/me:changePassword", change("wrong", "green tractors hum"))
            .await
            .refused(401, "CREDENTIALS_INVALID");
        world
            .other_station
            .post("/v1/users/me:changePassword", change(PASSWORD, "short"))
            .await
            .refused(400, "INVALID_FIELDS");
        world.other_station.post("/v1/users/me:changePassword", change(PASSWORD, "green tractors hum")).await.ok();
        world.other_station.get("/v1/users/me").await.ok();
        tokio::time::sleep(Duration::from_millis(900)).await;
        other_device.get("/v1/users/me").await.refused(401, "TOKEN_INVALID");
        world.anonymous.sign_in("s002", "green tractors hum").await;
    }

    async fn a_program_gets_tokens_with_its_secret_until_it_is_revoked(server) {
        let world = World::load(&server).await;
        let client = json!({
            "displayName": "DMS", "membership": {"organization": "stations/S-001", "roles": ["STATION"]}});
        let created = world.station.post("/v1/apiClients", client).await.ok();
        let (name, secret) = (created["name"].as_str().unwrap(), created["secret"].as_str().unwrap());
        assert!(world.station.get(&format!("/v1/{name}")).await.ok().get("secret").is_none(), "told once");
        let id = name.trim_start_matches("apiClients/");
        let form = [("grant_type", "client_credentials"), ("client_id", id), ("client_secret", secret)];
        let (status, token) = token_endpoint(&server, &form).await;
        assert_eq!(status, 200, "{token}");
        let dms = world.anonymous.with_token(token["access_token"].as_str().unwrap());
        let draft = dms.post("/v1/claims", json!({"kind": "WARRANTY_REPAIR"})).await.ok();
        assert_eq!((&draft["station"], &draft["createdBy"]), (&json!("stations/S-001"), &created["name"]));
        let trail = world.station.get(&format!("/v1/events?resource={}", draft["name"].as_str().unwrap())).await.ok();
        assert_eq!(trail["events"][0]["actor"], created["name"], "a program acts in its own name");
        let (status, refused) =
            token_endpoint(&server, &[("grant_type", "client_credentials"), ("client_id", id), ("client_secret", "no")]).await;
        assert_eq!((status, refused["error"].as_str()), (401, Some("invalid_client")));
        let rotated = world.station.post(&format!("/v1/{name}:rotateSecret"), json!({})).await.ok();
        assert_ne!(rotated["secret"], created["secret"]);
        assert_eq!(token_endpoint(&server, &form).await.0, 401, "the old secret");
        world.station.delete(&format!("/v1/{name}")).await.ok();
        tokio::time::sleep(Duration::from_millis(900)).await;
        dms.get("/v1/claims").await.refused(401, "TOKEN_INVALID");
        world.other_station.get(&format!("/v1/{name}")).await.refused(404, "RESOURCE_NOT_FOUND");
    }

    async fn one_program_of_a_dealer_group_acts_for_each_station_that_consented_and_names_it(server) {
        let world = World::load(&server).await;
        let client = |consenting: &[&str]| {
            json!({"displayName": "Group DMS", "consentingOrganizations": consenting,
                "membership": {"organization": "stations/S-001", "roles": ["STATION"]}})
        };
        // A station's manager can't consent for another station; an administrator writes down what both signed.
        world.station.post("/v1/apiClients", client(&["stations/S-002"])).await.refused(403, "NOT_PERMITTED");
        let mixed = world.admin.post("/v1/apiClients", client(&["suppliers/SUP-017"])).await.refused(400, "INVALID_FIELDS");
        assert_eq!(mixed["violations"][0]["reason"], "ONE_KIND");
        let created = world.admin.post("/v1/apiClients", client(&["stations/S-002"])).await.ok();
        let (name, secret) = (created["name"].as_str().unwrap(), created["secret"].as_str().unwrap());
        let form = [
            ("grant_type", "client_credentials"),
            ("client_id", name.trim_start_matches("apiClients/")),
            ("client_secret", secret),
        ];
        let (status, token) = token_endpoint(&server, &form).await;
        assert_eq!(status, 200, "{token}");
        let dms = world.anonymous.with_token(token["access_token"].as_str().unwrap());
        let draft = |station: &str| json!({"kind": "WARRANTY_REPAIR", "station": station});
        let unnamed = dms.post("/v1/claims", json!({"kind": "WARRANTY_REPAIR"})).await.refused(400, "INVALID_FIELDS");
        assert_eq!(unnamed["violations"][0]["field"], "claim.station");
        let first = dms.post("/v1/claims", draft("stations/S-001")).await.ok();
        let second = dms.post("/v1/claims", draft("stations/S-002")).await.ok();
        assert_eq!((&first["station"], &second["station"]), (&json!("stations/S-001"), &json!("stations/S-002")));
        let listed = dms.get("/v1/claims").await.ok();
        assert_eq!(listed["claims"].as_array().map(Vec::len), Some(2), "one list over both: {listed:#}");
        // Each station sees its own, and no more through the program that they share.
        let path = |claim: &Value| format!("/v1/{}", claim["name"].as_str().unwrap());
        world.other_station.get(&path(&second)).await.ok();
        world.other_station.get(&path(&first)).await.refused(404, "RESOURCE_NOT_FOUND");
        world.station.get(&path(&second)).await.refused(404, "RESOURCE_NOT_FOUND");
    }

    async fn keys_and_metadata_are_public(server) {
        let anonymous = crate::harness::client::Client::anonymous(&server);
        let keys = anonymous.get("/.well-known/jwks.json").await.ok();
        assert_eq!(keys["keys"][0]["alg"], "ES256");
        assert!(keys["keys"][0].get("d").is_none(), "no private part");
        let metadata = anonymous.get("/.well-known/oauth-authorization-server").await.ok();
        assert!(metadata["token_endpoint"].as_str().unwrap().ends_with("/oauth2/token"));
    }

    async fn refused_tokens_are_refused(server) {
        let world = World::load(&server).await;
        let token = world.station.token().unwrap().to_owned();
        let mut parts: Vec<String> = token.split('.').map(str::to_owned).collect();
        let unsigned = format!("{}.{}.", parts[0], parts[1]);
        parts[2].replace_range(0..4, "AAAA");
        let tampered = parts.join(".");
        for bad in ["", "x", "a.b.c", unsigned.as_str(), tampered.as_str(), &format!("{token}x"), &"e".repeat(9000)] {
            let answer = world.anonymous.with_token(bad).get("/v1/claims").await;
            assert!(answer.status == 401 || answer.status == 431, "{bad}: {}", answer.status);
        }
        let refresh = world.anonymous.post("/v1/sessions", json!({"userName": "s001", "password": PASSWORD})).await.ok();
        let refresh = refresh["refreshToken"].as_str().unwrap();
        world.anonymous.with_token(refresh).get("/v1/claims").await.refused(401, "TOKEN_INVALID");
    }
}
