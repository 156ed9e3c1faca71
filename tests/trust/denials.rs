//! What was refused is on record: counted, bounded, without a secret, for those who look after the deployment.

use std::time::Duration;

use serde_json::{Value, json};

use crate::harness::client::Client;
use crate::harness::world::{World, pump_claim};
use crate::on_both_databases;

/// The rows once there are as many as expected; counts are written every other second.
async fn rows(auditor: &Client, filter: &str, expected: usize) -> Vec<Value> {
    let path = format!("/v1/events:denials?filter={filter}");
    let mut found = Vec::new();
    for _ in 0..80 {
        let listed = auditor.get(&path).await.ok();
        found = listed["denials"].as_array().cloned().unwrap_or_default();
        if found.len() >= expected {
            break;
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    found
}

fn times(rows: &[Value]) -> i64 {
    rows.iter().map(|row| row["times"].as_str().unwrap().parse::<i64>().unwrap()).sum()
}

on_both_databases! {
    async fn refused_attempts_are_on_record(server) {
        let world = World::load(&server).await;
        let station = world.station.get("/v1/users/me").await.ok()["name"].clone();
        for _ in 0..3 {
            world.station.get("/v1/events:denials").await.refused(403, "ROLE_NOT_ALLOWED");
        }
        let user = json!({"userName": "boss", "memberships": [{"organization": "organizations/OEM", "roles": ["ADMIN"]}]});
        let body = json!({"user": user, "password": "blue tractors sing"});
        world.station.post("/v1/users", body).await.refused(403, "NOT_PERMITTED");
        world.anonymous.with_token("e.e.e").get("/v1/claims").await.refused(401, "TOKEN_INVALID");
        let typed = json!({"userName": "my secret typed as a name", "password": "hidden hidden"});
        world.anonymous.post("/v1/sessions", typed).await.refused(401, "CREDENTIALS_INVALID");
        let wrong = json!({"userName": "s001", "password": "hidden hidden"});
        world.anonymous.post("/v1/sessions", wrong).await.refused(401, "CREDENTIALS_INVALID");
        // What is no attempt at what is not one's own is not on record.
        world.anonymous.get("/v1/claims").await.refused(401, "TOKEN_INVALID");
        world.station.get("/v1/claims/0199a1b2-0000-7000-8000-0000000000ff").await.refused(404, "RESOURCE_NOT_FOUND");

        let roles = rows(&world.auditor, "reason%3D%22ROLE_NOT_ALLOWED%22", 1).await;
        assert_eq!((times(&roles), &roles[0]["actor"]), (3, &station), "{roles:#?}");
        assert_eq!(roles[0]["rpc"], "recourse.v1.EventService.ListDenials");
        let permits = rows(&world.admin, "reason%3D%22NOT_PERMITTED%22", 1).await;
        assert_eq!((times(&permits), &permits[0]["actor"]), (1, &station));
        let tokens = rows(&world.auditor, "reason%3D%22TOKEN_INVALID%22", 1).await;
        assert_eq!((times(&tokens), tokens[0].get("actor")), (1, None));
        let signs = rows(&world.auditor, "reason%3D%22CREDENTIALS_INVALID%22", 2).await;
        assert_eq!(signs.len(), 2, "{signs:#?}");
        assert_eq!(signs.iter().filter(|row| row["actor"] == station).count(), 1);
        let all = world.auditor.get("/v1/events:denials?pageSize=1").await.ok();
        assert!(all["nextPageToken"].is_string());
        let text = rows(&world.auditor, "", 5).await.iter().map(Value::to_string).collect::<String>();
        assert!(!text.contains("hidden") && !text.contains("typed"), "{text}");
    }

    async fn nobody_decides_their_own_claim_unnoticed(server) {
        let world = World::load(&server).await;
        let name = world.submitted(pump_claim()).await;
        world.finance.post(&format!("/v1/{name}:adjudicate"), json!({"etag": "x"})).await.refused(403, "ROLE_NOT_ALLOWED");
        let found = rows(&world.auditor, "rpc%3D%22recourse.v1.ClaimService.AdjudicateClaim%22", 1).await;
        assert_eq!(times(&found), 1, "{found:#?}");
    }
}
