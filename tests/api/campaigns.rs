//! Campaigns: lists of vehicles in bulk, how far a campaign has come, and the work that is claimed once however
//! many ask at once.

use recourse_proto::v1;
use serde_json::{Value, json};

use super::imports::{ndjson, send, vehicle, vin};
use crate::harness::Server;
use crate::harness::client::Client;
use crate::harness::grpc::Grpc;
use crate::harness::world::{VIN, World, date, pump_claim};
use crate::on_both_databases;

const NDJSON: &str = "application/x-ndjson";

/// A campaign of one hour and one pump.
fn campaign(scope: Value) -> Value {
    let mut campaign = json!({
        "displayName": "泵", "displayNameEn": "Pump", "type": "SERVICE_CAMPAIGN", "validFrom": date("2026-06-01"),
        "remedies": [{
            "remedyId": "A", "operations": [{"operation": "laborOperations/OP-1001", "hours": {"value": "1.80"}}],
            "parts": [{"part": "parts/P-1001", "quantity": {"value": "1"}}],
        }],
    });
    if !scope.is_null() {
        campaign["scope"] = scope;
    }
    campaign
}

async fn active(world: &World, code: &str, scope: Value) {
    world.admin.post(&format!("/v1/campaigns?campaignId={code}"), campaign(scope)).await.ok();
    world.admin.post(&format!("/v1/campaigns/{code}:activate"), json!({})).await.ok();
}

/// So many vehicles, numbered from 0.
async fn fleet(server: &Server, world: &World, vehicles: usize) {
    let rows: Vec<Value> = (0..vehicles).map(vehicle).collect();
    let path = "/v1/vehicles:import?importId=fleet&mode=CREATE_ONLY";
    let (status, lines) = send(server, &world.admin, path, NDJSON, ndjson(&rows)).await;
    assert_eq!((status, &lines.last().unwrap()["summary"]["created"]), (200, &json!(vehicles.to_string())));
}

async fn listed(server: &Server, caller: &Client, code: &str, query: &str, rows: &[Value]) -> (u16, Vec<Value>) {
    send(server, caller, &format!("/v1/campaigns/{code}/vehicles:import?{query}"), NDJSON, ndjson(rows)).await
}

fn sums(lines: &[Value]) -> [u64; 6] {
    let sums = &lines.last().unwrap()["summary"];
    ["rows", "created", "updated", "unchanged", "refused", "repeated"]
        .map(|name| sums[name].as_str().map_or(0, |text| text.parse().unwrap()))
}

fn row(number: usize) -> Value {
    json!({"vin": vin(number)})
}

async fn completion(world: &World, code: &str) -> [i64; 6] {
    let answer = world.auditor.get(&format!("/v1/campaigns/{code}:completion?byModel=true")).await.ok();
    let number = |count: &Value, name: &str| count[name].as_str().map_or(0, |text| text.parse::<i64>().unwrap());
    let rate = answer["total"]["rateBp"].as_i64().unwrap_or(0);
    let counts = ["inScope", "open", "inProgress", "completed", "exempt"].map(|name| number(&answer["total"], name));
    let by_model = answer["models"].as_array().into_iter().flatten().map(|model| number(&model["count"], "inScope"));
    assert_eq!(by_model.sum::<i64>(), counts[0], "{answer:#}");
    let plain = world.auditor.get(&format!("/v1/campaigns/{code}:completion")).await.ok();
    assert_eq!((&plain["total"], plain.get("models")), (&answer["total"], None));
    [counts[0], counts[1], counts[2], counts[3], counts[4], rate]
}

on_both_databases! {
    async fn a_list_comes_as_a_stream_with_a_result_for_every_row_and_is_sent_again_without_harm(server) {
        let world = World::load(&server).await;
        fleet(&server, &world, 600).await;
        active(&world, "C-1", Value::Null).await;
        active(&world, "C-2", Value::Null).await;
        let mut rows: Vec<Value> = (0..600).map(row).collect();
        rows[3] = json!({"vin": vin(9_999)});
        rows[4] = json!({"vin": "TOO-SHORT"});
        rows[5] = json!({"name": format!("campaigns/C-1/vehicles/{}", vin(5)), "exemptReason": "DONE_IN_WORKS"});
        rows[6] = json!({"vin": vin(6), "exemptReason": "OTHER"});
        let (status, lines) = listed(&server, &world.admin, "C-1", "importId=a&mode=UPSERT", &rows).await;
        assert_eq!((status, sums(&lines)), (200, [600, 597, 0, 0, 3, 0]), "{:#?}", &lines[..8]);
        assert_eq!(lines[0]["row"]["name"], json!(format!("campaigns/C-1/vehicles/{}", vin(0))));
        let fault = |index: usize| lines[index]["row"]["violations"][0]["field"].as_str().unwrap().to_owned();
        assert_eq!([fault(3), fault(4), fault(6)], ["vin", "vin", "note"]);
        assert_eq!(completion(&world, "C-1").await, [597, 596, 0, 0, 1, 0]);
        // Mended and sent again; the same name is another job of another campaign.
        rows[3] = row(3);
        rows[4] = row(4);
        rows[6] = row(6);
        let (_, lines) = listed(&server, &world.admin, "C-1", "importId=a&mode=UPSERT", &rows).await;
        assert_eq!(sums(&lines), [600, 600, 0, 0, 0, 597]);
        let (_, lines) = listed(&server, &world.admin, "C-2", "importId=a&mode=CREATE_ONLY", &rows[..3]).await;
        assert_eq!(sums(&lines), [3, 3, 0, 0, 0, 0]);
        let (_, lines) = listed(&server, &world.admin, "C-2", "importId=b&mode=UPSERT", &rows[..4]).await;
        assert_eq!(sums(&lines), [4, 1, 0, 3, 0, 0]);
        let csv = format!("vin,exemptReason,note\n{},EXPORTED,to Chile\n", vin(0));
        let path = "/v1/campaigns/C-2/vehicles:import?importId=c&mode=UPSERT";
        let (status, lines) = send(&server, &world.auditor, path, "text/csv", csv).await;
        assert_eq!((status, sums(&lines)), (200, [1, 0, 1, 0, 0, 0]), "{lines:#?}");
        // Read page by page, filtered, and all at once.
        let page = world.finance.get("/v1/campaigns/C-2/vehicles?pageSize=3").await.ok();
        assert_eq!(page["campaignVehicles"].as_array().map(Vec::len), Some(3));
        let token = page["nextPageToken"].as_str().unwrap();
        let rest = world.finance.get(&format!("/v1/campaigns/C-2/vehicles?pageSize=3&pageToken={token}")).await.ok();
        assert_eq!(rest["campaignVehicles"].as_array().map(Vec::len), Some(1));
        let exempt = world.finance.get("/v1/campaigns/-/vehicles?filter=state%3DEXEMPT").await.ok();
        assert_eq!(exempt["campaignVehicles"].as_array().map(Vec::len), Some(2), "{exempt:#}");
        let of_one = world.auditor.get(&format!("/v1/campaigns/-/vehicles?filter=vin%3D%22{}%22", vin(1))).await.ok();
        assert_eq!(of_one["campaignVehicles"].as_array().map(Vec::len), Some(2));
        world.station.get("/v1/campaigns/C-2/vehicles").await.refused(403, "ROLE_NOT_ALLOWED");
        assert_eq!(world.station.get(&format!("/v1/campaigns/C-2/vehicles/{}", vin(1))).await.ok()["state"], "OPEN");
        world.supplier.get(&format!("/v1/campaigns/C-2/vehicles/{}", vin(1))).await.refused(403, "ROLE_NOT_ALLOWED");
    }

    async fn a_list_goes_only_into_a_campaign_that_is_there_and_not_over(server) {
        let world = World::load(&server).await;
        let (status, lines) = listed(&server, &world.admin, "C-9", "importId=a&mode=UPSERT", &[row(1)]).await;
        assert_eq!((status, &lines[0]["reason"]), (404, &json!("RESOURCE_NOT_FOUND")));
        active(&world, "C-1", Value::Null).await;
        let (status, lines) = listed(&server, &world.station, "C-1", "importId=a&mode=UPSERT", &[row(1)]).await;
        assert_eq!((status, &lines[0]["reason"]), (403, &json!("ROLE_NOT_ALLOWED")));
        world.admin.post("/v1/campaigns/C-1:close", json!({})).await.ok();
        let (status, lines) = listed(&server, &world.admin, "C-1", "importId=a&mode=UPSERT", &[row(1)]).await;
        assert_eq!((status, &lines[0]["reason"]), (400, &json!("STATE_CONFLICT")));
    }

    async fn grpc_lists_vehicles_of_one_campaign(server) {
        let world = World::load(&server).await;
        fleet(&server, &world, 2).await;
        active(&world, "C-1", Value::Null).await;
        let grpc = Grpc::connect(&server).await.with_token(world.admin.token().unwrap());
        let path = "/recourse.v1.CampaignService/ImportCampaignVehicles";
        let row = |parent: &str, first: bool, number: usize| v1::ImportCampaignVehiclesRequest {
            parent: parent.to_owned(),
            import_id: if first { "g".to_owned() } else { String::new() },
            mode: if first { v1::import_mode::Code::Upsert.into() } else { 0 },
            campaign_vehicle: Some(v1::CampaignVehicle { vin: vin(number), ..v1::CampaignVehicle::default() }),
        };
        let reports: Vec<v1::ImportReport> = grpc.call_all(path, &[row("campaigns/C-1", true, 0), row("", false, 1)]).await.all();
        let last = reports.last().and_then(|report| report.report.clone());
        assert!(matches!(&last, Some(v1::import_report::Report::Summary(sums)) if sums.created == 2), "{reports:?}");
    }

    async fn list_and_filter_reach_each_vehicle_once(server) {
        let world = World::load(&server).await;
        fleet(&server, &world, 10).await;
        // The filter reaches the ten by their lot; the list has two of them and one more.
        active(&world, "C-1", json!({"lots": ["L1"], "models": ["M1"]})).await;
        assert_eq!(completion(&world, "C-1").await, [10, 10, 0, 0, 0, 0]);
        let rows = [row(0), row(1), json!({"vin": VIN})];
        listed(&server, &world.admin, "C-1", "importId=a&mode=UPSERT", &rows).await;
        assert_eq!(completion(&world, "C-1").await, [11, 11, 0, 0, 0, 0]);
        // One that only the filter reaches gets its row by what happens to it.
        let one = format!("/v1/campaigns/C-1/vehicles/{}", vin(5));
        let unwritten = world.station.get(&one).await.ok();
        assert_eq!((&unwritten["state"], unwritten.get("etag"), unwritten.get("listed")), (&json!("OPEN"), None, None));
        world.admin.post(&format!("{one}:exempt"), json!({"reason": "SCRAPPED"})).await.ok();
        assert_eq!(completion(&world, "C-1").await, [11, 10, 0, 0, 1, 0]);
        let mut claim = pump_claim();
        claim["campaign"] = json!("campaigns/C-1");
        let name = world.in_review(claim).await;
        assert_eq!(completion(&world, "C-1").await, [11, 9, 1, 0, 1, 0]);
        world.approved(&name).await;
        assert_eq!(completion(&world, "C-1").await, [11, 9, 0, 1, 1, 1_000]);
        let trail = world.station.get(&format!("/v1/events?resource=campaigns/C-1/vehicles/{VIN}")).await.ok();
        let verbs: Vec<&str> = trail["events"].as_array().unwrap().iter().map(|event| event["verb"].as_str().unwrap()).collect();
        assert_eq!(verbs, ["create", "begin", "complete"]);
        // The commands of claim and vehicle are one.
        let claims = world.auditor.get(&format!("/v1/events?resource={name}")).await.ok();
        let commands: Vec<&Value> = claims["events"].as_array().unwrap().iter().map(|event| &event["commandId"]).collect();
        assert!(commands.contains(&&trail["events"][1]["commandId"]) && commands.contains(&&trail["events"][2]["commandId"]));
    }

    async fn of_many_claims_for_one_vehicles_work_one_succeeds(server) {
        let second = server.beside().await;
        let world = World::load(&server).await;
        active(&world, "C-1", json!({"models": ["M1"]})).await;
        let mut submissions = Vec::new();
        for number in 0..6 {
            let caller = if number % 2 == 0 { &world.station } else { &world.other_station };
            let mut claim = pump_claim();
            claim["campaign"] = json!("campaigns/C-1");
            claim["externalJob"] = json!(number.to_string());
            let created = caller.post("/v1/claims", claim).await.ok();
            let path = format!("/v1/{}:submit", created["name"].as_str().unwrap());
            let caller = if number < 3 { caller.clone() } else { Client::anonymous(&second).with_token(caller.token().unwrap()) };
            submissions.push(async move { caller.post(&path, json!({})).await });
        }
        let answers = futures::future::join_all(submissions).await;
        let mut statuses: Vec<u16> = answers.iter().map(|answer| answer.status).collect();
        statuses.sort_unstable();
        assert_eq!(statuses, [200, 400, 400, 400, 400, 400]);
        for refused in answers.iter().filter(|answer| answer.status == 400) {
            assert_eq!(refused.body["violations"][0]["reason"], "CAMPAIGN_ALREADY_CLAIMED", "{:#}", refused.body);
        }
        assert_eq!(completion(&world, "C-1").await, [1, 0, 1, 0, 0, 0]);
    }

    async fn a_rule_that_approves_completes_the_work_in_the_same_command(server) {
        let world = World::load(&server).await;
        active(&world, "C-1", json!({"models": ["M1"]})).await;
        let set = json!({
            "displayName": "Campaigns", "family": "CAMPAIGNS", "versionNumber": 1, "validFrom": date("2026-11-20"),
            "rules": [{"ruleId": "ALL", "priority": 1, "action": "APPROVE", "condition": "claim.campaign == \"C-1\""}],
        });
        world.auditor.post("/v1/adjudicationRuleSets?adjudicationRuleSetId=CAMPAIGNS.1", set).await.ok();
        world.auditor.post("/v1/adjudicationRuleSets/CAMPAIGNS.1:publish", json!({})).await.ok();
        let mut claim = pump_claim();
        claim["campaign"] = json!("campaigns/C-1");
        let name = world.submitted(claim).await;
        assert_eq!(world.station.get(&format!("/v1/{name}")).await.ok()["state"], "APPROVED");
        assert_eq!(completion(&world, "C-1").await, [1, 0, 0, 1, 0, 10_000]);
    }
}
