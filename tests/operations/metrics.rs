//! What `/metrics` counts, and that its labels stay few.

use serde_json::json;

use recourse_server::config::MetricsListen;

use crate::harness::world::{World, pump_claim};
use crate::on_both_databases;

fn value(text: &str, line: &str) -> f64 {
    let found = text.lines().find_map(|candidate| candidate.strip_prefix(line));
    found.unwrap_or_else(|| panic!("{line} is not in\n{text}")).trim().parse().unwrap()
}

on_both_databases! {
    async fn calls_are_counted_by_rpc_status_and_reason(server) {
        let world = World::load(&server).await;
        let mut server = server;
        let at = MetricsListen::At("127.0.0.1:0".parse().unwrap());
        let address = server.running.serve_metrics(at).await.unwrap().unwrap();
        let name = world.submitted(pump_claim()).await;
        world.station.get(&format!("/v1/{name}")).await.ok();
        for number in 0..20 {
            world.station.get(&format!("/v1/claims/0199a000-0000-7000-8000-0000000000{number:02}")).await.refused(404, "RESOURCE_NOT_FOUND");
            world.anonymous.get("/v1/claims").await.refused(401, "TOKEN_INVALID");
        }
        assert_eq!(reqwest::get(format!("{}/v1/no/such/route", server.base)).await.unwrap().status().as_u16(), 404);
        world.station.post(&format!("/v1/{name}:submit"), json!({})).await.refused(400, "STATE_CONFLICT");
        // Refused before anything is read of it, and told of by what was called all the same.
        let packed = reqwest::Client::new().post(format!("{}/v1/claims", server.base)).header("content-encoding", "br");
        assert_eq!(packed.header("content-type", "application/json").body("{}").send().await.unwrap().status().as_u16(), 415);
        let text = reqwest::get(format!("http://{address}/metrics")).await.unwrap().text().await.unwrap();
        let claim = |rpc: &str, status: &str| {
            format!("recourse_calls_total{{call=\"recourse.v1.ClaimService.{rpc}\",transport=\"rest\",status=\"{status}\"}}")
        };
        assert_eq!(value(&text, &claim("GetClaim", "200")), 1.0);
        assert_eq!(value(&text, &claim("GetClaim", "404")), 20.0);
        assert_eq!(value(&text, &claim("ListClaims", "401")), 20.0);
        assert_eq!(value(&text, &claim("CreateClaim", "415")), 1.0);
        assert_eq!(value(&text, "recourse_calls_total{call=\"unmatched\",transport=\"rest\",status=\"404\"}"), 1.0);
        assert_eq!(value(&text, "recourse_refusals_total{reason=\"TOKEN_INVALID\"}"), 20.0);
        assert_eq!(value(&text, "recourse_refusals_total{reason=\"STATE_CONFLICT\"}"), 1.0);
        assert_eq!(value(&text, "recourse_calls_in_flight"), 0.0);
        assert_eq!(value(&text, "recourse_store_up"), 1.0);
        assert!(value(&text, "recourse_process_resident_memory_bytes") > 1e6);
        assert!(value(&text, "recourse_process_cpu_seconds_total") > 0.0);
        assert!(value(&text, "recourse_process_start_time_seconds") > 1.7e9);
        assert!(value(&text, "recourse_connections_open") >= 1.0, "{text}");
        assert_eq!(value(&text, "recourse_connections_refused_total"), 0.0);
        assert_eq!(value(&text, concat!("recourse_build_info{version=\"", env!("CARGO_PKG_VERSION"), "\"}")), 1.0);
        assert!(text.contains("# TYPE recourse_transactions_retried counter"), "{text}");
        assert!(text.contains("recourse_store_connections{pool="), "{text}");
        assert!(text.contains("recourse_call_duration_seconds_bucket{"), "{text}");
        assert!(text.contains("recourse_feed_lag_seconds "), "{text}");
        assert!(value(&text, "recourse_feed_kept") > 0.0, "what the world was loaded with");
        // A path would make a label of every claim.
        assert!(!text.contains("0199a000") && !text.contains("/no/such"), "{text}");
        let ready = reqwest::get(format!("http://{address}/readyz")).await.unwrap();
        assert_eq!(ready.status().as_u16(), 200);
        let taken = server.running.serve_metrics(MetricsListen::At(address)).await;
        assert!(taken.is_err(), "an address that was asked for must be had");
        assert_eq!(server.running.serve_metrics(MetricsListen::IfFree(address)).await.unwrap(), None);
        assert_eq!(server.running.serve_metrics(MetricsListen::Off).await.unwrap(), None);
        server.running.stop().await;
    }

    async fn a_call_has_one_id_in_answer_problem_and_trace(server) {
        let world = World::load(&server).await;
        let parent = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";
        let sent = [("x-request-id", "shop-7"), ("traceparent", parent)];
        let answer = world.station.call(reqwest::Method::GET, "/v1/claims/none", None, &sent).await;
        assert_eq!(answer.headers["x-request-id"], "shop-7");
        assert_eq!(answer.body["requestId"], "shop-7");
        let trace = answer.headers["traceresponse"].to_str().unwrap();
        assert!(trace.starts_with("00-0af7651916cd43dd8448eb211c80319c-"), "{trace}");
        let fresh = world.station.get("/v1/claims/none").await;
        let id = fresh.headers["x-request-id"].to_str().unwrap();
        assert_eq!((fresh.body["requestId"].as_str(), id.len()), (Some(id), 36));
    }
}
