//! Imports: a result for every row, one command for every chunk, and a job that can be sent again.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use futures::{SinkExt, StreamExt};
use recourse_domain::access::{Actor, job_scope};
use recourse_domain::vehicle::Vehicle;
use recourse_proto::v1;
use sea_orm::{ConnectionTrait, TransactionTrait};
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};

use crate::harness::client::Client;
use crate::harness::grpc::Grpc;
use crate::harness::world::{VIN, World, cny, date};
use crate::harness::{Server, openapi};
use crate::on_both_databases;

/// A VIN of a market where the check digit is free.
pub(super) fn vin(number: usize) -> String {
    format!("WDB20300{number:09}").chars().take(17).collect()
}

pub(super) fn vehicle(number: usize) -> Value {
    json!({"name": format!("vehicles/{}", vin(number)), "model": "M1", "drivetrain": "COMBUSTION", "lot": "L1"})
}

pub(super) fn ndjson(rows: &[Value]) -> String {
    rows.iter().map(|row| format!("{row}\n")).collect()
}

/// Sends an import; every line of a success is held against the document.
pub(super) async fn send(
    server: &Server,
    caller: &Client,
    path: &str,
    kind: &str,
    body: impl Into<reqwest::Body>,
) -> (u16, Vec<Value>) {
    let request = reqwest::Client::new().post(format!("{}{path}", server.base)).header("content-type", kind).body(body);
    let response = request.bearer_auth(caller.token().unwrap_or_default()).send().await.unwrap();
    let (status, text) = (response.status().as_u16(), response.text().await.unwrap());
    let lines: Vec<Value> = text.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    for line in lines.iter().filter(|_| status == 200) {
        openapi::check("POST", path, status, "application/x-ndjson", line);
    }
    (status, lines)
}

const NDJSON: &str = "application/x-ndjson";

async fn import(server: &Server, caller: &Client, query: &str, rows: &[Value]) -> Vec<Value> {
    let (status, lines) = send(server, caller, &format!("/v1/vehicles:import?{query}"), NDJSON, ndjson(rows)).await;
    assert_eq!(status, 200, "{lines:#?}");
    lines
}

/// `(outcome, field and rule of the first violation, or else the reason)` of each row.
fn outcomes(lines: &[Value]) -> Vec<(&str, String)> {
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let of = |row: &Value| match row["violations"].get(0) {
        Some(first) => format!("{} {}", text(&first["field"]), text(&first["reason"])),
        None => text(&row["reason"]),
    };
    lines.iter().filter_map(|line| line.get("row")).map(|row| (row["outcome"].as_str().unwrap(), of(row))).collect()
}

fn summary(lines: &[Value]) -> &Value {
    &lines.last().unwrap()["summary"]
}

fn numbers(summary: &Value) -> [u64; 6] {
    ["rows", "created", "updated", "unchanged", "refused", "repeated"]
        .map(|name| summary[name].as_str().map_or(0, |text| text.parse().unwrap()))
}

/// Version of a vehicle and the number of its change rows, the chain of which is intact.
async fn history(server: &Server, number: usize) -> (i64, usize) {
    let (store, scope) = (server.running.api.store(), job_scope(&Actor::job("test")).unwrap());
    let stored = store.record::<Vehicle>(&scope, &vin(number)).await.unwrap().unwrap();
    assert_eq!(store.verify_chain(stored.id, &stored.head_hash).await, Ok(None));
    (stored.version, store.events(stored.id, 0, 100).await.unwrap().len())
}

on_both_databases! {
    async fn every_row_has_a_result_and_a_refused_one_holds_up_no_other(server) {
        let world = World::load(&server).await;
        let mut sold = vehicle(4);
        sold["sale"] = json!({"invoiceNumber": "1", "invoiceDate": date("2026-01-05"), "vehicleUse": "FAMILY", "seller": "stations/NOBODY"});
        let rows = [
            vehicle(1),
            json!({"name": vin(2), "model": "M1", "drivetrain": "COMBUSTION"}),
            json!({"name": vin(3), "drivetrain": "COMBUSTION"}),
            sold,
            json!({"name": "vehicles/TOO-SHORT", "model": "M1"}),
            json!({"name": VIN, "lot": "L9"}),
            json!({"name": VIN, "lot": "L9"}),
            json!({"name": VIN, "lot": "L8", "etag": "v1"}),
            json!({"name": VIN, "vinOverrideReason": "typed off the plate"}),
            json!({"name": vin(5), "model": "no code!", "drivetrain": "COMBUSTION"}),
            json!({"bogus": 1}),
            json!({"lot": "L1"}),
        ];
        let body = format!("{}\n{{\"name\": \n{}\n", ndjson(&rows), vehicle(6));
        let (status, lines) = send(&server, &world.admin, "/v1/vehicles:import?importId=a&mode=UPSERT", NDJSON, body).await;
        assert_eq!(status, 200, "{lines:#?}");
        let found = outcomes(&lines);
        let expected = [
            ("CREATED", ""), ("CREATED", ""), ("REFUSED", "model REQUIRED"), ("REFUSED", "sale.seller UNKNOWN_REFERENCE"),
            ("REFUSED", "name VIN_LENGTH"), ("UPDATED", ""), ("UNCHANGED", ""), ("REFUSED", "STALE_ETAG"),
            ("REFUSED", "NOT_PERMITTED"), ("REFUSED", "model BAD_FORMAT"), ("REFUSED", "bogus UNKNOWN_FIELD"),
            ("REFUSED", "name VIN_LENGTH"), ("REFUSED", "INVALID_JSON"), ("CREATED", ""),
        ];
        for (index, (outcome, why)) in expected.iter().enumerate() {
            assert!(found[index].0 == *outcome && found[index].1.starts_with(why), "row {}: {:?}", index + 1, found[index]);
        }
        assert_eq!(numbers(summary(&lines)), [14, 3, 1, 1, 9, 0]);
        assert_eq!((&lines[5]["row"]["etag"], &lines[5]["row"]["name"]), (&json!("v2"), &json!(format!("vehicles/{VIN}"))));
        assert_eq!(world.admin.get(&format!("/v1/vehicles/{VIN}")).await.ok()["lot"], "L9");
        assert_eq!(history(&server, 1).await, (1, 1));
    }

    async fn a_part_may_name_one_that_a_row_before_it_creates(server) {
        let world = World::load(&server).await;
        let part = |code: &str, next: &str| json!({
            "name": code, "displayName": code, "category": "BODY", "unit": "PIECE", "assemblyClass": "ORDINARY",
            "usedPartRule": "NONE", "supersededBy": next, "claimPrices": [{"validFrom": date("2026-01-01"), "price": cny(950)}]});
        let rows = [part("N-1", "parts/N-2"), part("N-2", ""), part("N-3", "parts/N-2"), part("P-1001", "")];
        let path = "/v1/parts:import?importId=parts&mode=CREATE_ONLY";
        let (_, lines) = send(&server, &world.auditor, path, NDJSON, ndjson(&rows)).await;
        let expected = [("REFUSED", "superseded_by UNKNOWN_REFERENCE"), ("CREATED", ""), ("CREATED", ""), ("REFUSED", "RESOURCE_ALREADY_EXISTS")];
        assert_eq!(outcomes(&lines), expected.map(|(outcome, why)| (outcome, why.to_owned())));
        // The refused ones are tried anew: now the part is there.
        let (_, lines) = send(&server, &world.auditor, path, NDJSON, ndjson(&rows)).await;
        assert_eq!(numbers(summary(&lines)), [4, 3, 0, 0, 1, 2]);
        assert_eq!(world.admin.get("/v1/parts/N-1").await.ok()["supersededBy"], "parts/N-2");
    }

    async fn a_job_that_is_sent_again_does_nothing_twice_and_takes_no_other_rows(server) {
        let world = World::load(&server).await;
        let mut rows: Vec<Value> = (0..30).map(vehicle).collect();
        rows[7]["model"] = json!("");
        let first = import(&server, &world.admin, "importId=b&mode=CREATE_ONLY", &rows).await;
        assert_eq!(numbers(summary(&first)), [30, 29, 0, 0, 1, 0]);
        // A row that was refused may be mended under the same name.
        rows[7]["model"] = json!("M1");
        let second = import(&server, &world.admin, "importId=b&mode=CREATE_ONLY", &rows).await;
        assert_eq!(numbers(summary(&second)), [30, 30, 0, 0, 0, 29]);
        assert_eq!((second[0]["row"]["repeated"].clone(), second[7]["row"].get("repeated")), (json!(true), None));
        assert_eq!(history(&server, 0).await, (1, 1));
        // A row that was done may not.
        rows[3]["lot"] = json!("L2");
        let third = import(&server, &world.admin, "importId=b&mode=CREATE_ONLY", &rows).await;
        let error = &third.last().unwrap()["error"];
        assert_eq!((&error["reason"], &error["metadata"]["row"]), (&json!("IDEMPOTENCY_KEY_REUSED"), &json!("4")));
        assert_eq!(history(&server, 3).await, (1, 1));
        let (status, other) = send(&server, &world.admin, "/v1/vehicles:import?importId=b&mode=UPSERT", NDJSON, ndjson(&rows)).await;
        assert_eq!((status, &other[0]["reason"]), (400, &json!("IDEMPOTENCY_KEY_REUSED")));
        // A name is one person's: another's job of that name is another job.
        let others = import(&server, &world.auditor, "importId=b&mode=CREATE_ONLY", &rows[..2]).await;
        assert_eq!(outcomes(&others)[0], ("REFUSED", "RESOURCE_ALREADY_EXISTS".to_owned()));
    }

    async fn a_job_goes_on_after_sender_and_server_are_gone(server) {
        let world = World::load(&server).await;
        let rows: Vec<Value> = (0..700).map(vehicle).collect();
        let (mut sender, body) = futures::channel::mpsc::channel::<Result<String, std::io::Error>>(1);
        let request = reqwest::Client::new()
            .post(format!("{}/v1/vehicles:import?importId=c&mode=CREATE_ONLY", server.base))
            .bearer_auth(world.admin.token().unwrap())
            .header("content-type", NDJSON)
            .body(reqwest::Body::wrap_stream(body));
        let answer = tokio::spawn(async move { request.send().await.unwrap() });
        sender.send(Ok(ndjson(&rows[..510]))).await.unwrap();
        let mut results = answer.await.unwrap().bytes_stream();
        let mut told = 0;
        while told < 500 {
            told += results.next().await.unwrap().unwrap().iter().filter(|byte| **byte == b'\n').count();
        }
        // Results come while the sender still has rows to send. Then the line breaks, and the server stops.
        drop((sender, results));
        let Server { database, running, tokens, .. } = server;
        let store = running.api.store().clone();
        running.stop().await;
        store.close().await.unwrap();
        let server = Server::over(database, tokens).await;
        let world = World::load(&server).await;
        let lines = import(&server, &world.admin, "importId=c&mode=CREATE_ONLY", &rows).await;
        let [read, created, .., refused, repeated] = numbers(summary(&lines));
        assert_eq!((read, created, refused), (700, 700, 0));
        assert!((500..=510).contains(&repeated), "{repeated}");
        for number in [0, 499, 505, 699] {
            assert_eq!(history(&server, number).await, (1, 1), "{number}");
        }
    }

    async fn two_sendings_of_one_job_at_once_do_each_row_once(server) {
        let world = World::load(&server).await;
        let rows: Vec<Value> = (0..600).map(vehicle).collect();
        let once = || import(&server, &world.admin, "importId=d&mode=CREATE_ONLY", &rows);
        let (one, two) = tokio::join!(once(), once());
        let (one, two) = (numbers(summary(&one)), numbers(summary(&two)));
        assert_eq!((one[1], two[1], one[5] + two[5]), (600, 600, 600), "{one:?} {two:?}");
        assert_eq!(history(&server, 599).await, (1, 1));
    }

    async fn what_is_written_meanwhile_is_not_written_over(server) {
        let world = World::load(&server).await;
        let path = format!("/v1/vehicles/{VIN}");
        let read = world.admin.get(&path).await.ok();
        world.admin.patch(&path, json!({"lot": "MINE"})).await.ok();
        let rows = [json!({"name": VIN, "lot": "THEIRS", "etag": read["etag"]}), json!({"name": VIN, "engineType": "E20"})];
        let lines = import(&server, &world.auditor, "importId=e&mode=UPSERT", &rows).await;
        assert_eq!(outcomes(&lines), [("REFUSED", "STALE_ETAG".to_owned()), ("UPDATED", String::new())]);
        let now = world.admin.get(&path).await.ok();
        assert_eq!((&now["lot"], &now["engineType"], &now["model"]), (&json!("MINE"), &json!("E20"), &json!("M1")));
    }

    async fn a_csv_file_is_read_as_its_header_says(server) {
        let world = World::load(&server).await;
        let file = "\u{feff}name,displayName,category,unit,assemblyClass,usedPartRule,quantityPerVehicle,safety,\
                    claimPrices[0].validFrom,claimPrices[0].price,claimPrices[0].price.currencyCode\r\n\
                    parts/C-1,\"Clip, \"\"left\"\"\",BODY,PIECE,ORDINARY,NONE,2,TRUE,2026-01-01,9.50,CNY\r\n\
                    C-2,'=1+1,BODY,PIECE,ORDINARY,NONE,,,,,\r\n\
                    C-3,Clip,BODY,PIECE,ORDINARY,NONE,2,perhaps,2026-01-01,9.50,CNY\r\n\
                    C-4,Clip,BODY,PIECE,ORDINARY,NONE,2,,2026-13-01,9.50,CNY\r\n\
                    C-5,Clip,BODY,PIECE,ORDINARY,NONE,2,,2026-01-01,9.505,CNY\r\n";
        let path = "/v1/parts:import?importId=f&mode=UPSERT";
        let (status, lines) = send(&server, &world.admin, path, "text/csv; charset=utf-8", file).await;
        let found = outcomes(&lines);
        assert_eq!((status, found[0].0, found[1].0), (200, "CREATED", "CREATED"), "{lines:#?}");
        assert_eq!(found[2], ("REFUSED", "safety INVALID_VALUE".to_owned()));
        assert!(found[3].1.starts_with("claim_prices[0].valid_from"), "{found:?}");
        assert!(found[4].1.starts_with("claim_prices[0].price"), "{found:?}");
        let part = world.admin.get("/v1/parts/C-1").await.ok();
        assert_eq!((&part["displayName"], &part["safety"]), (&json!("Clip, \"left\""), &json!(true)));
        assert_eq!(part["claimPrices"][0]["price"], cny(950));
        assert_eq!(world.admin.get("/v1/parts/C-2").await.ok()["displayName"], "=1+1");
        let (status, lines) = send(&server, &world.admin, path, "text/csv", "name,colour\nC-1,red\n").await;
        assert_eq!((status, &lines[0]["violations"][0]["field"]), (400, &json!("colour")));
    }

    async fn only_those_who_keep_master_data_import(server) {
        let world = World::load(&server).await;
        let path = "/v1/vehicles:import?importId=g&mode=UPSERT";
        for caller in [&world.station, &world.technician, &world.finance, &world.supplier, &world.appraiser] {
            let (status, lines) = send(&server, caller, path, NDJSON, ndjson(&[vehicle(1)])).await;
            assert_eq!((status, &lines[0]["reason"]), (403, &json!("ROLE_NOT_ALLOWED")));
        }
        assert_eq!(send(&server, &world.anonymous, path, NDJSON, ndjson(&[vehicle(1)])).await.0, 401);
        for (query, field) in [("mode=UPSERT", "import_id"), ("importId=g", "mode"), ("importId=g&mode=X", "mode")] {
            let (status, lines) = send(&server, &world.admin, &format!("/v1/vehicles:import?{query}"), NDJSON, ndjson(&[vehicle(1)])).await;
            assert_eq!((status, &lines[0]["violations"][0]["field"]), (400, &json!(field)), "{query}");
        }
        let (status, lines) = send(&server, &world.admin, path, "application/json", "{}").await;
        assert_eq!((status, &lines[0]["reason"]), (415, &json!("UNSUPPORTED_MEDIA_TYPE")));
        world.admin.get(&format!("/v1/vehicles/{}", vin(1))).await.refused(404, "RESOURCE_NOT_FOUND");
    }

    async fn a_client_that_reads_only_after_it_has_sent_is_answered(server) {
        let world = World::load(&server).await;
        // More than the sockets hold in either direction: rows with spaces, and results with many violations.
let bad = json!({"name": vin(1), "components": vec![json!({"part": "a b", "supplier": "a b"}); 10]});
        let body = format!("{bad}{}\n", " ".repeat(6000)).repeat(1700);
        let authority = server.base.trim_start_matches("http://");
        let socket = tokio::net::TcpSocket::new_v4().unwrap();
        socket.set_recv_buffer_size(16 * 1024).unwrap();
        let mut socket = socket.connect(authority.parse().unwrap()).await.unwrap();
        let head = format!(
            "POST /v1/vehicles:import?importId=k&mode=UPSERT HTTP/1.1\r\nhost: {authority}\r\nauthorization: Bearer {}\r\n\
             content-type: {NDJSON}\r\ncontent-length: {}\r\nconnection: close\r\n\r\n",
            world.admin.token().unwrap(),
            body.len()
        );
        let sent = async {
            socket.write_all(head.as_bytes()).await.unwrap();
            socket.write_all(body.as_bytes()).await.unwrap();
        };
        tokio::time::timeout(Duration::from_secs(60), sent).await.expect("the server takes rows while nobody reads");
        let mut answer = String::new();
        socket.read_to_string(&mut answer).await.unwrap();
        assert!(answer.len() > 4_300_000, "{} bytes are no proof", answer.len());
        assert_eq!(answer.matches("\"REFUSED\"").count(), 1700);
        assert!(answer.contains("\"summary\":{\"importId\":\"k\",\"rows\":\"1700\",\"refused\":\"1700\"}"));
    }

    async fn who_is_signed_out_writes_no_further_chunk(server) {
        let world = World::load(&server).await;
        let (mut sender, body) = futures::channel::mpsc::channel::<Result<String, std::io::Error>>(1);
        let request = reqwest::Client::new()
            .post(format!("{}/v1/vehicles:import?importId=j&mode=CREATE_ONLY", server.base))
            .bearer_auth(world.auditor.token().unwrap())
            .header("content-type", NDJSON)
            .body(reqwest::Body::wrap_stream(body));
        let answer = tokio::spawn(async move { request.send().await.unwrap() });
        sender.send(Ok(ndjson(&[vehicle(1)]))).await.unwrap();
        let mut results = answer.await.unwrap().bytes_stream();
        results.next().await.unwrap().unwrap();
        world.auditor.delete("/v1/sessions/current").await.ok();
        sender.send(Ok(ndjson(&[vehicle(2)]))).await.unwrap();
        let last: Value = serde_json::from_slice(&results.next().await.unwrap().unwrap()).unwrap();
        assert_eq!(last["error"]["reason"], "TOKEN_INVALID", "{last}");
        world.admin.get(&format!("/v1/vehicles/{}", vin(1))).await.ok();
        world.admin.get(&format!("/v1/vehicles/{}", vin(2))).await.refused(404, "RESOURCE_NOT_FOUND");
    }

    async fn grpc_imports_the_same(server) {
        let world = World::load(&server).await;
        let row = |number: usize, named: bool| v1::ImportVehiclesRequest {
            import_id: if named { "h".into() } else { String::new() },
            mode: if named { v1::import_mode::Code::CreateOnly.into() } else { 0 },
            vehicle: Some(v1::Vehicle {
                name: format!("vehicles/{}", vin(number)),
                model: "M1".into(),
                drivetrain: v1::vehicle::Drivetrain::Combustion.into(),
                ..v1::Vehicle::default()
            }),
        };
        let grpc = Grpc::connect(&server).await.with_token(world.admin.token().unwrap());
        let path = "/recourse.v1.VehicleService/ImportVehicles";
        let reply = grpc.call_all(path, &[row(1, true), row(2, false), row(1, true)]).await;
        let reports: Vec<v1::ImportReport> = reply.all();
        let outcomes: Vec<_> = reports
            .iter()
            .filter_map(|report| match &report.report {
                Some(v1::import_report::Report::Row(row)) => Some((row.row, row.outcome().as_str_name(), row.etag.as_str())),
                Some(v1::import_report::Report::Summary(_)) | None => None,
            })
            .collect();
        assert_eq!(outcomes, [(1, "CREATED", "v1"), (2, "CREATED", "v1"), (3, "REFUSED", "")]);
        assert!(matches!(&reports[3].report, Some(v1::import_report::Report::Summary(sums)) if sums.created == 2));
        // What REST sent under a name is what gRPC sends under it: the content is the message, not its form.
        let again = import(&server, &world.admin, "importId=h&mode=CREATE_ONLY", &[json!({"name": format!("vehicles/{}", vin(1)), "model": "M1", "drivetrain": "COMBUSTION"})]).await;
        assert_eq!(numbers(summary(&again))[5], 1);
    }

    async fn rows_wait_outside_while_the_store_is_busy(server) {
        let world = World::load(&server).await;
        // A line of 64 KiB: what the sockets hold between the two is a hundred or two of them.
        let padding = " ".repeat(64 * 1024);
        let (mut sender, body) = futures::channel::mpsc::channel::<Result<String, std::io::Error>>(1);
        let request = reqwest::Client::new()
            .post(format!("{}/v1/vehicles:import?importId=i&mode=CREATE_ONLY", server.base))
            .bearer_auth(world.admin.token().unwrap())
            .header("content-type", NDJSON)
            .body(reqwest::Body::wrap_stream(body));
        let answer = tokio::spawn(async move { request.send().await.unwrap() });
        sender.send(Ok(ndjson(&[vehicle(0)]))).await.unwrap();
        let mut results = answer.await.unwrap().bytes_stream();
        results.next().await.unwrap().unwrap();
        // Somebody else has the tables of imports now.
        let other = sea_orm::Database::connect(&server.database.url).await.unwrap();
        let held = other.begin().await.unwrap();
        let is_sqlite = server.database.url.starts_with("sqlite:");
        held.execute_unprepared(if is_sqlite { "UPDATE import_job SET sends = sends" } else { "LOCK TABLE import_job" }).await.unwrap();
        let taken = Arc::new(AtomicUsize::new(0));
        let count = Arc::clone(&taken);
        let producer = tokio::spawn(async move {
            for number in 1..1500 {
                if sender.send(Ok(format!("{padding}{}\n", vehicle(number)))).await.is_err() {
                    return;
                }
                count.store(number, Ordering::Relaxed);
            }
        });
        let mut before = usize::MAX;
        // Until no row moves any more, for most of a second.
        while before != taken.load(Ordering::Relaxed) {
            before = taken.load(Ordering::Relaxed);
            tokio::time::sleep(Duration::from_millis(700)).await;
        }
        held.rollback().await.unwrap();
        producer.abort();
        assert!((1..1100).contains(&before), "{before} of 1500 rows were taken in while none could be written");
    }
}
