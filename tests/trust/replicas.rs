//! Two servers over one database: what one of them takes away, the other does not honour a second later; and
//! a new signing key is taken up by both without a restart.

use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::harness::Server;
use crate::harness::client::Client;
use crate::harness::world::{PASSWORD, World};
use crate::on_both_databases;
use crate::operations::{Folder, printed, run};

/// Waits until every caller is refused, and tells how long that took.
async fn out(callers: &[&Client], path: &str) -> Duration {
    let began = Instant::now();
    loop {
        let mut statuses = Vec::new();
        for caller in callers {
            statuses.push(caller.get(path).await.status);
        }
        if statuses.iter().all(|status| *status == 401 || *status == 403) {
            return began.elapsed();
        }
        assert!(began.elapsed() < Duration::from_secs(10), "still let in: {statuses:?}");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

/// A second, and what a loaded machine may add to it between two looks.
const SOON: Duration = Duration::from_millis(1_500);

async fn jwks(server: &Server) -> Vec<String> {
    let keys = Client::anonymous(server).get("/.well-known/jwks.json").await.ok();
    keys["keys"].as_array().unwrap().iter().map(|key| key["kid"].as_str().unwrap().to_owned()).collect()
}

/// The key that signed a token.
fn kid(client: &Client) -> String {
    use base64::Engine;
    let header = client.token().unwrap().split('.').next().unwrap();
    let header = base64::engine::general_purpose::URL_SAFE_NO_PAD.decode(header).unwrap();
    serde_json::from_slice::<Value>(&header).unwrap()["kid"].as_str().unwrap().to_owned()
}

/// The same caller at another server.
fn at(server: &Server, client: &Client) -> Client {
    Client::anonymous(server).with_token(client.token().unwrap())
}

on_both_databases! {
    async fn what_one_server_takes_away_the_other_does_not_honour(server) {
        let other = server.another(|_| ()).await;
        let here = World::load(&server).await;
        let there = World::load(&other).await;

        // A disabled user.
        let me = there.technician.get("/v1/users/me").await.ok();
        here.technician.get("/v1/users/me").await.ok();
        here.admin.post(&format!("/v1/{}:disable", me["name"].as_str().unwrap()), json!({})).await.ok();
        let passed = out(&[&here.technician, &there.technician], "/v1/users/me").await;
        assert!(passed < SOON, "a disabled user: {passed:?}");

        // An ended session.
        let tablet = there.anonymous.sign_in("s002", PASSWORD).await;
        let tablet_here = at(&server, &tablet);
        tablet_here.get("/v1/users/me").await.ok();
        tablet.delete("/v1/sessions/current").await.ok();
        let passed = out(&[&tablet, &tablet_here], "/v1/users/me").await;
        assert!(passed < SOON, "an ended session: {passed:?}");
        there.other_station.get("/v1/users/me").await.ok();

        // A revoked program.
        let client = json!({"displayName": "DMS", "membership": {"organization": "stations/S-001", "roles": ["STATION"]}});
        let created = here.station.post("/v1/apiClients", client).await.ok();
        let id = created["name"].as_str().unwrap().trim_start_matches("apiClients/");
        let form = format!("grant_type=client_credentials&client_id={id}&client_secret={}", created["secret"].as_str().unwrap());
        let token: Value = reqwest::Client::new()
            .post(format!("{}/oauth2/token", other.base))
            .header("content-type", "application/x-www-form-urlencoded")
            .body(form)
            .send()
            .await
            .unwrap()
            .json()
            .await
            .unwrap();
        let dms_there = there.anonymous.with_token(token["access_token"].as_str().unwrap());
        let dms_here = at(&server, &dms_there);
        dms_here.get("/v1/claims").await.ok();
        dms_there.get("/v1/claims").await.ok();
        here.station.delete(&format!("/v1/apiClients/{id}")).await.ok();
        let passed = out(&[&dms_here, &dms_there], "/v1/claims").await;
        assert!(passed < SOON, "a revoked client: {passed:?}");

        // A role that was taken away: the token still names it, and it counts for nothing.
        let auditor = there.auditor.get("/v1/users/me").await.ok();
        here.auditor.get("/v1/events:denials").await.ok();
        there.auditor.get("/v1/events:denials").await.ok();
        let memberships = json!({"memberships": [{"organization": "organizations/OEM", "roles": ["FINANCE"]}]});
        here.admin.patch(&format!("/v1/{}", auditor["name"].as_str().unwrap()), memberships).await.ok();
        let passed = out(&[&here.auditor, &there.auditor], "/v1/events:denials").await;
        assert!(passed < SOON, "a role taken away: {passed:?}");
    }

    async fn keys_follow_one_another_without_a_restart(server) {
        let other = server.another(|_| ()).await;
        let old = Client::anonymous(&server).sign_in("s001", PASSWORD).await;
        let before = jwks(&server).await;
        assert_eq!(before, [kid(&old)]);

        let (next, _) = server.running.api.rotate_keys(chrono::TimeDelta::seconds(2), false).await.unwrap();
        let again = other.running.api.rotate_keys(chrono::TimeDelta::seconds(2), false).await.unwrap();
        assert_eq!(again.0, next, "one rotation at a time");
        tokio::time::sleep(Duration::from_millis(900)).await;
        for replica in [&server, &other] {
            assert_eq!(jwks(replica).await, [next.clone(), before[0].clone()], "the next is told beforehand");
        }
        tokio::time::sleep(Duration::from_millis(1_300)).await;
        let new = Client::anonymous(&other).sign_in("s001", PASSWORD).await;
        assert_eq!(kid(&new), next);
        for replica in [&server, &other] {
            at(replica, &new).get("/v1/users/me").await.ok();
            at(replica, &old).get("/v1/users/me").await.ok();
        }
        assert_eq!(kid(&Client::anonymous(&server).sign_in("s002", PASSWORD).await), next);
    }

    async fn a_token_of_a_key_made_this_moment_is_good_everywhere(server) {
        let other = server.another(|_| ()).await;
        let (next, _) = server.running.api.rotate_keys(chrono::TimeDelta::zero(), false).await.unwrap();
        let new = Client::anonymous(&server).sign_in("s001", PASSWORD).await;
        assert_eq!(kid(&new), next);
        at(&other, &new).get("/v1/users/me").await.ok();
    }

    async fn a_list_is_read_on_over_a_rotation_of_its_key_and_begun_again_after_a_theft(server) {
        let other = server.another(|_| ()).await;
        let (here, there) = (World::load(&server).await.admin, World::load(&other).await.admin);
        let page = |token: &str| format!("/v1/parts?pageSize=1&pageToken={token}");
        let next_of = |answer: Value| answer["nextPageToken"].as_str().expect("another page").to_owned();
        let old = next_of(here.get(&page("")).await.ok());
        server.running.api.rotate_page_key(chrono::TimeDelta::seconds(2), false).await.unwrap();
        tokio::time::sleep(Duration::from_millis(2_300)).await;
        let new = next_of(there.get(&page("")).await.ok());
        assert_ne!(new, old, "another key seals, on the server that did not rotate too");
        let second = here.get(&page(&old)).await.ok();
        for caller in [&here, &there] {
            for token in [&old, &new] {
                assert_eq!(caller.get(&page(token)).await.ok()["parts"], second["parts"], "no page is lost or told twice");
            }
        }

        let began = Instant::now();
        other.running.api.rotate_page_key(chrono::TimeDelta::hours(1), true).await.unwrap();
        for caller in [&there, &here] {
            while caller.get(&page(&new)).await.status == 200 {
                assert!(began.elapsed() < SOON, "still opened");
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
            let refused = caller.get(&page(&old)).await.refused(400, "INVALID_PAGE_TOKEN");
            assert!(refused["detail"].as_str().unwrap().contains("begin again"), "{refused:#}");
        }
        let again = next_of(here.get(&page("")).await.ok());
        assert_eq!(there.get(&page(&again)).await.ok()["parts"], second["parts"]);
    }

    async fn after_a_theft_the_old_keys_count_for_nothing(server) {
        let other = server.another(|_| ()).await;
        let here = World::load(&server).await;
        let there = World::load(&other).await;
        here.station.get("/v1/users/me").await.ok();
        there.station.get("/v1/users/me").await.ok();
        let (next, _) = server.running.api.rotate_keys(chrono::TimeDelta::hours(1), true).await.unwrap();
        let passed = out(&[&here.station, &there.station], "/v1/users/me").await;
        assert!(passed < SOON, "{passed:?}");
        assert_eq!(jwks(&server).await, std::slice::from_ref(&next));
        let again = there.anonymous.sign_in("s001", PASSWORD).await;
        assert_eq!(kid(&again), next);
        at(&server, &again).get("/v1/users/me").await.ok();
    }
}

#[test]
fn the_key_of_page_tokens_is_rotated_from_the_command_line() {
    let folder = Folder::new();
    let made = run(&folder.0, &["migrate", "--database", "sqlite:pages.db"]);
    assert!(made.status.success(), "{}", crate::operations::complaint(&made));
    for (options, told) in [
        (&[][..], "tokens of before work for a day more"),
        (&["--after", "0"], "tokens of before work for a day more"),
        (&["--end-old"], "no token of before works any more"),
    ] {
        let ended =
            run(&folder.0, &[&["rotate-keys", "--page-tokens", "--database", "sqlite:pages.db"], options].concat());
        let said = printed(&ended);
        assert!(said.contains(told), "{said} {}", crate::operations::complaint(&ended));
    }
}
