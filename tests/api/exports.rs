//! Exports: a list as one stream is what its pages are together.

use std::time::Duration;

use recourse_proto::Method;
use serde_json::{Value, json};

use super::imports::{ndjson, send, vehicle, vin};
use crate::harness::client::Client;
use crate::harness::world::World;
use crate::harness::{Server, openapi};
use crate::on_both_databases;

/// Status, media type and text of an answer to whoever accepts something else than JSON.
async fn fetch(server: &Server, caller: &Client, path: &str, accept: &str) -> (u16, String, String) {
    let request = reqwest::Client::new().get(format!("{}{path}", server.base)).header("accept", accept);
    let response = request.bearer_auth(caller.token().unwrap_or_default()).send().await.unwrap();
    let kind = response.headers()["content-type"].to_str().unwrap().to_owned();
    (response.status().as_u16(), kind, response.text().await.unwrap())
}

/// The items of a list, page by page.
async fn paged(caller: &Client, path: &str, items: &str) -> Vec<Value> {
    let (mut all, mut token) = (Vec::new(), String::new());
    loop {
        let page = caller.get(&format!("{path}&pageSize=400&pageToken={token}")).await.ok();
        all.extend(page[items].as_array().cloned().unwrap_or_default());
        match page["nextPageToken"].as_str() {
            Some(next) => token = next.replace('+', "%2B"),
            None => return all,
        }
    }
}

/// Begins an export and takes no more of it than a window of HTTP/2 lets come by itself.
async fn begun(server: &Server, caller: &Client) -> reqwest::Response {
    let narrow = reqwest::Client::builder().http2_prior_knowledge().http2_initial_stream_window_size(16 * 1024);
    let request = narrow.build().unwrap().get(format!("{}/v1/vehicles", server.base));
    let request = request.header("accept", "application/x-ndjson").bearer_auth(caller.token().unwrap());
    request.send().await.unwrap()
}

async fn refused(caller: &Client) -> String {
    let answer = caller.call(reqwest::Method::GET, "/v1/vehicles", None, &[("accept", "text/csv")]).await;
    assert_eq!(answer.headers["retry-after"], "5");
    answer.refused(429, "TOO_MANY_REQUESTS")["detail"].as_str().unwrap().to_owned()
}

async fn load_vehicles(server: &Server, world: &World, count: usize) {
    let mut rows: Vec<Value> = (0..count).map(vehicle).collect();
    rows[1]["lot"] = json!("=1+1");
    rows[2]["engineType"] = json!("2.0, \"turbo\"");
    rows[3]["sale"] = json!({
        "invoiceNumber": "-7", "invoiceDate": {"year": 2026, "month": 2, "day": 3}, "vehicleUse": "COMMERCIAL",
        "seller": "stations/S-001", "price": {"currencyCode": "CNY", "units": "99", "nanos": 500_000_000}});
    let path = "/v1/vehicles:import?importId=fleet&mode=CREATE_ONLY";
    let (_, lines) = send(server, &world.admin, path, "application/x-ndjson", ndjson(&rows)).await;
    assert_eq!(lines.last().unwrap()["summary"]["created"], count.to_string());
}

on_both_databases! {
    async fn an_export_is_the_union_of_the_pages(server) {
        let world = World::load(&server).await;
        load_vehicles(&server, &world, 1100).await;
        for query in ["filter=lot%3D%22L1%22", "pageSize=3", "orderBy=name%20desc"] {
            let path = format!("/v1/vehicles?{query}");
            let pages = match query {
                "pageSize=3" => paged(&world.auditor, "/v1/vehicles?", "vehicles").await,
                _ => {
                    let page = world.auditor.get(&path).await;
                    if page.status == 400 { continue } else { paged(&world.auditor, &path, "vehicles").await }
                }
            };
            let (status, kind, text) = fetch(&server, &world.auditor, &path, "application/x-ndjson").await;
            assert_eq!((status, kind.as_str()), (200, "application/x-ndjson"), "{text}");
            let lines: Vec<Value> = text.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
            assert!(lines.len() >= 1098, "{}", lines.len());
            for line in &lines {
                openapi::check("GET", &path, 200, "application/x-ndjson", line);
            }
            assert_eq!(lines, pages);
        }
    }

    async fn csv_is_safe_to_open_and_comes_back_as_it_was(server) {
        let world = World::load(&server).await;
        load_vehicles(&server, &world, 20).await;
        let (status, kind, text) = fetch(&server, &world.admin, "/v1/vehicles?filter=model%3D%22M1%22", "text/csv").await;
        assert_eq!((status, kind.as_str()), (200, "text/csv; charset=utf-8; header=present"), "{text}");
        let lines: Vec<&str> = text.split_terminator("\r\n").collect();
        assert_eq!(lines.len(), 22, "a header, the vehicle of the world, and twenty more");
        assert!(lines[0].starts_with("name,etag,vin,") && lines[0].contains("sale.price,sale.price.currencyCode"), "{}", lines[0]);
        let line = |number: usize| lines.iter().find(|line| line.starts_with(&format!("vehicles/{}", vin(number)))).unwrap();
        assert!(line(1).contains(",'=1+1,"), "{}", line(1));
        assert!(line(2).contains(",\"2.0, \"\"turbo\"\"\","), "{}", line(2));
        assert!(line(3).contains(",'-7,2026-02-03,") && line(3).contains(",99.5,CNY,"), "{}", line(3));
        let (_, lines) = send(&server, &world.admin, "/v1/vehicles:import?importId=back&mode=UPSERT", "text/csv", text).await;
        assert_eq!(lines.last().unwrap()["summary"]["unchanged"], "21", "{lines:#?}");
        let (_, _, marked) = fetch(&server, &world.admin, "/v1/parts", "text/csv;bom=true").await;
        assert!(marked.starts_with("\u{feff}name,"), "{marked}");
        let (_, lines) = send(&server, &world.admin, "/v1/parts:import?importId=back&mode=UPSERT", "text/csv", marked).await;
        assert_eq!(lines.last().unwrap()["summary"]["unchanged"], "3", "{lines:#?}");
    }

    async fn an_export_shows_what_the_list_shows(server) {
        let world = World::load(&server).await;
        let (status, kind, _) = fetch(&server, &world.station, "/v1/vehicles", "text/csv").await;
        assert_eq!((status, kind.as_str()), (403, "application/problem+json"));
        assert_eq!(fetch(&server, &world.anonymous, "/v1/parts", "application/x-ndjson").await.0, 401);
        let (status, kind, text) = fetch(&server, &world.admin, "/v1/parts?filter=bogus%3D1", "text/csv").await;
        assert_eq!((status, kind.as_str(), text.contains("INVALID_FILTER")), (400, "application/problem+json", true));
        let (_, _, all) = fetch(&server, &world.auditor, "/v1/parts", "application/x-ndjson").await;
        let (_, _, few) = fetch(&server, &world.technician, "/v1/parts", "application/x-ndjson").await;
        assert!(all.contains("claimPrices") && few.contains("retailPrices") && !few.contains("claimPrices"), "{few}");
        let (_, _, own) = fetch(&server, &world.supplier, "/v1/parts", "application/x-ndjson").await;
        assert_eq!(own.lines().count(), 1, "{own}");
        let (_, kind, _) = fetch(&server, &world.admin, "/v1/parts", "text/html,*/*;q=0.8").await;
        assert_eq!(kind, "application/json");
    }

    async fn exports_have_places_and_no_caller_has_them_all(server) {
        load_vehicles(&server, &World::load(&server).await, 1100).await;
        let tight = server
            .another(|config| {
                (config.limits.max_exports, config.limits.max_exports_per_caller) = (2, 1);
            })
            .await;
        let world = World::load(&tight).await;
        let first = begun(&tight, &world.auditor).await;
        assert_eq!(first.status(), 200);
        let own = refused(&world.auditor).await;
        assert!(own.contains("one caller may have 1 exports"), "{own}");
        assert!(refused(&world.auditor.reading("zh-CN")).await.contains("每个调用者"));
        world.auditor.get("/v1/vehicles?pageSize=5").await.ok();
        let mut second = begun(&tight, &world.admin).await;
        assert_eq!(second.status(), 200, "another caller has places of their own");
        let all = refused(&world.second_auditor).await;
        assert!(all.contains("2 lists are exported at this moment"), "{all}");
        assert!(refused(&world.second_auditor.reading("zh-CN")).await.contains("同时进行"));

        // Who hangs up gives the place back, and so does who has read everything.
        drop(first);
        let mut status = 0;
        for _ in 0..100 {
            status = fetch(&tight, &world.auditor, "/v1/vehicles", "text/csv").await.0;
            if status == 200 {
                break;
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        assert_eq!(status, 200, "the place of an export that has gone is not given back");
        let mut lines = 0;
        while let Some(bytes) = second.chunk().await.unwrap() {
            lines += bytes.iter().filter(|byte| **byte == b'\n').count();
        }
        assert_eq!(lines, 1101, "what waits loses nothing");
        drop(second);
        assert_eq!(fetch(&tight, &world.admin, "/v1/vehicles", "text/csv").await.0, 200);
        tight.running.stop().await;
    }

    async fn an_export_may_last_longer_than_a_call(server) {
        load_vehicles(&server, &World::load(&server).await, 1100).await;
        let hasty = server
            .another(|config| {
                // Whatever is a call is cut after three seconds.
                config.limits.body_time = Duration::from_secs(1);
                config.limits.request_time = Duration::from_secs(1);
                config.limits.write_time = Duration::from_secs(1);
            })
            .await;
        let mut export = begun(&hasty, &World::load(&hasty).await.auditor).await;
        assert_eq!(export.status(), 200);
        let (began, mut lines) = (tokio::time::Instant::now(), 0);
        while let Some(bytes) = export.chunk().await.expect("an export that is not cut") {
            lines += bytes.iter().filter(|byte| **byte == b'\n').count();
            if began.elapsed() < Duration::from_secs(5) {
                tokio::time::sleep(Duration::from_millis(250)).await;
            }
        }
        assert_eq!(lines, 1101);
        assert!(began.elapsed() > Duration::from_secs(5), "{:?}", began.elapsed());
        hasty.running.stop().await;
    }

    async fn every_list_is_exported(server) {
        let world = World::load(&server).await;
        world.submitted(crate::harness::world::pump_claim()).await;
        let mut lists = 0;
        for method in Method::ALL.iter().filter(|method| method.name().starts_with("List")) {
            let path = method.http()[0].template;
            // What belongs to one resource needs its name, and a feed has a cursor instead of pages.
            if path.contains(['{', ':']) {
                continue;
            }
            let page = world.admin.get(path).await;
            for (accept, media) in [("text/csv", "text/csv"), ("application/x-ndjson", "application/x-ndjson")] {
                let (status, kind, text) = fetch(&server, &world.admin, path, accept).await;
                assert_eq!(status, page.status, "{path} {text}");
                if status == 200 {
                    lists += 1;
                    assert!(kind.starts_with(media), "{path}: {kind}");
                    assert!(!text.contains("#error") && !text.starts_with("{\"error\""), "{path}: {text}");
                }
            }
        }
        assert!(lists >= 20, "{lists}");
    }
}
