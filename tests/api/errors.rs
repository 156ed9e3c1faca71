//! What a caller is told when something is not right.

use reqwest::Method;
use serde_json::json;

use crate::harness::world::{World, pump_claim};
use crate::on_both_databases;

/// The status of a post that declares a body of a length and sends none of it.
async fn status_of_declared_body(base: &str, token: &str, length: usize) -> String {
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    let address = base.trim_start_matches("http://");
    let mut stream = tokio::net::TcpStream::connect(address).await.unwrap();
    let head = format!(
        "POST /v1/claims HTTP/1.1\r\nhost: {address}\r\nauthorization: Bearer {token}\r\n\
         content-type: application/json\r\ncontent-length: {length}\r\n\r\n"
    );
    stream.write_all(head.as_bytes()).await.unwrap();
    let mut answer = [0_u8; 12];
    stream.read_exact(&mut answer).await.unwrap();
    String::from_utf8_lossy(&answer[9..]).into_owned()
}

on_both_databases! {
    async fn a_wrong_field_is_named_with_the_way_out_in_both_languages(server) {
        let world = World::load(&server).await;
        let mut claim = pump_claim();
        claim["lines"][1]["partNo"] = json!("P-1001");
        let problem = world.station.post("/v1/claims", claim).await.refused(400, "UNKNOWN_FIELD");
        assert_eq!(problem["violations"][0]["field"], "claim.lines[1].partNo");
        let mut claim = pump_claim();
        claim["complaintDate"] = json!({"year": 2026, "month": 2, "day": 30});
        let problem = world.station.post("/v1/claims", claim.clone()).await.refused(400, "INVALID_FIELDS");
        assert_eq!(problem["violations"][0]["field"], "claim.complaint_date");
        let chinese = world.station.reading("zh-CN").post("/v1/claims", claim).await.refused(400, "INVALID_FIELDS");
        assert_ne!(chinese["violations"][0]["description"], problem["violations"][0]["description"]);
        let long = json!({"kind": "WARRANTY_REPAIR", "complaintCode": "x".repeat(41)});
        let problem = world.station.post("/v1/claims", long).await.refused(400, "INVALID_FIELDS");
        assert_eq!(problem["violations"][0]["reason"], "TOO_LONG");
    }

    async fn paths_verbs_and_bodies_are_checked(server) {
        let world = World::load(&server).await;
        let raw = reqwest::Client::new();
        let url = |path: &str| format!("{}{path}", server.base);
        let token = world.station.token().unwrap();
        let missing = raw.get(url("/v1/claim")).bearer_auth(token).send().await.unwrap();
        assert_eq!(missing.status(), 404);
        let put = raw.put(url("/v1/claims")).bearer_auth(token).send().await.unwrap();
        assert_eq!(put.status(), 405);
        assert!(put.headers()["allow"].to_str().unwrap().contains("POST"));
        let form = raw.post(url("/v1/claims")).bearer_auth(token).body("kind=1").send().await.unwrap();
        assert_eq!(form.status(), 415);
        let broken = raw
            .post(url("/v1/claims"))
            .bearer_auth(token)
            .header("content-type", "application/json")
            .body("{\"kind\":")
            .send()
            .await
            .unwrap();
        assert_eq!(broken.status(), 400);
        assert_eq!(broken.headers()["content-type"], "application/problem+json");
        assert_eq!(status_of_declared_body(&server.base, token, 5 * 1024 * 1024).await, "413");
        let head = raw.head(url("/v1/claims")).bearer_auth(token).send().await.unwrap();
        assert_eq!(head.status(), 200);
        world.station.get("/v1/claims?bogus=1").await.refused(400, "UNKNOWN_FIELD");
        world.station.call(Method::GET, "/v1/claims?pageSize=5000", None, &[]).await.refused(400, "INVALID_FIELDS");
    }

    async fn null_is_accepted_where_proto_json_accepts_it(server) {
        let world = World::load(&server).await;
        let mut claim = pump_claim();
        claim["odometerOut"] = serde_json::Value::Null;
        claim["relatedParts"] = serde_json::Value::Null;
        claim["causeCode"] = serde_json::Value::Null;
        world.station.post("/v1/claims", claim).await.ok();
    }

    async fn filters_orders_and_page_tokens_are_bound_to_their_list(server) {
        let world = World::load(&server).await;
        for job in 0..5 {
            let mut claim = pump_claim();
            claim["externalJob"] = json!(job.to_string());
            world.station.post("/v1/claims", claim).await.ok();
        }
        let page = world.station.get("/v1/claims?pageSize=2").await.ok();
        let token = page["nextPageToken"].as_str().unwrap().to_owned();
        let mut seen: Vec<String> = Vec::new();
        let mut next = String::new();
        loop {
            let page = world.station.get(&format!("/v1/claims?pageSize=2&pageToken={next}")).await.ok();
            seen.extend(page["claims"].as_array().unwrap().iter().map(|claim| claim["name"].as_str().unwrap().to_owned()));
            match page["nextPageToken"].as_str() {
                Some(token) => next = token.to_owned(),
                None => break,
            }
        }
        assert_eq!(seen.len(), 5);
        seen.sort();
        seen.dedup();
        assert_eq!(seen.len(), 5, "each claim once");
        let bad = [format!("/v1/claims?pageSize=2&filter=state%3DDRAFT&pageToken={token}"), format!("/v1/claims?pageToken={token}x")];
        for path in bad {
            world.station.get(&path).await.refused(400, "INVALID_PAGE_TOKEN");
        }
        world.other_station.get(&format!("/v1/claims?pageToken={token}")).await.refused(400, "INVALID_PAGE_TOKEN");
        world.station.get("/v1/claims?filter=secret%3D1").await.refused(400, "INVALID_FILTER");
        world.station.get("/v1/claims?orderBy=vin").await.refused(400, "INVALID_ORDER_BY");
        let drafts = world.station.get("/v1/claims?filter=state%3D%22DRAFT%22%20AND%20vin%3A%22LSV*%22").await.ok();
        assert_eq!(drafts["claims"].as_array().map(Vec::len), Some(5));
        let none = world.station.get("/v1/claims?filter=NOT%20state%3DDRAFT").await.ok();
        assert!(none.get("claims").is_none());
    }
}
