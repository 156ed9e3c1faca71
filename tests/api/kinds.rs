//! What the kinds of claim draw on, under many callers at once: authorisations, entitlements, and the number of
//! questions that a check asks.

use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::harness::Server;
use crate::harness::client::{Answer, Client};
use crate::harness::world::{VIN, World, cny, date, pump_claim};
use crate::on_both_databases;

/// The same caller at another server.
fn at(server: &Server, caller: &Client) -> Client {
    Client::anonymous(server).with_token(caller.token().expect("signed in"))
}

fn statuses(answers: &[Answer]) -> Vec<u16> {
    let mut statuses: Vec<u16> = answers.iter().map(|answer| answer.status).collect();
    statuses.sort_unstable();
    statuses
}

/// An approved request to buy pumps elsewhere: the number of the authorisation.
async fn authorized(world: &World, pieces: &str) -> String {
    let request = json!({
        "kind": "EXTERNAL_PURCHASE", "vin": VIN, "complaintDescription": "none in stock", "causalPart": "parts/P-1001",
        "externalPurchase": {
            "vendorName": "Corner Parts", "reason": "the customer waits", "limitAmount": cny(100_000),
        },
        "lines": [{
            "type": "EXTERNAL_PART", "part": "parts/P-1001", "quantity": {"value": pieces}, "requestedAmount": cny(100_000),
        }],
    });
    let name = world.submitted(request).await;
    let reviewed = world.auditor.post(&format!("/v1/{name}:startReview"), json!({})).await.ok();
    let decision = json!({"etag": reviewed["etag"], "lineDecisions": [{"lineNumber": 1, "outcome": "APPROVED"}]});
    world.auditor.post(&format!("/v1/{name}:adjudicate"), decision).await.ok();
    let listed = world.station.get(&format!("/v1/authorizations?filter=claim%3D%22{name}%22")).await.ok();
    listed["authorizations"][0]["number"].as_str().expect("an authorisation").to_owned()
}

fn bought(order: usize, number: &str) -> Value {
    let mut claim = pump_claim();
    claim["externalRepairOrder"] = json!(format!("RO-{order}"));
    claim["lines"] = json!([{
        "type": "EXTERNAL_PART", "part": "parts/P-1001", "quantity": {"value": "1"}, "requestedAmount": cny(10_000),
        "outsidePartInvoiceNumber": format!("INV-{order}"), "authorization": number, "isCausal": true,
    }]);
    claim
}

async fn care_policy(world: &World) {
    let policy = json!({
        "displayName": "Running-in", "policyFamily": "CARE", "versionNumber": 1, "validFrom": date("2020-01-01"), "models": ["M1"],
        "terms": [{"code": "NONE", "kind": "WEAR_PART", "months": 1, "partCategories": ["NOTHING"]}],
        "runningInServices": [
            {"sequence": 1, "fromDistance": {"value": "15000"}, "toDistance": {"value": "25000"}, "months": 18, "fee": cny(18_000)},
            {"sequence": 2, "fromDistance": {"value": "30000"}, "toDistance": {"value": "40000"}, "months": 36, "fee": cny(20_000)},
        ],
    });
    world.admin.post("/v1/warrantyPolicies?warrantyPolicyId=CARE-2020.1", policy).await.ok();
    world.admin.post("/v1/warrantyPolicies/CARE-2020.1:publish", json!({})).await.ok();
}

fn maintenance() -> Value {
    json!({
        "kind": "RUNNING_IN_MAINTENANCE", "vin": VIN, "odometerIn": {"value": "21000", "unit": "KILOMETER"},
        "complaintDate": date("2026-11-16"), "repairCompletionDate": date("2026-11-16"), "runningIn": {"sequence": 1},
        "lines": [{"type": "MAINTENANCE_FEE"}],
    })
}

/// Creates claims and submits them all at once, half of them at another server.
async fn raced(second: &Server, callers: &[&Client], claims: Vec<Value>) -> Vec<Answer> {
    let mut submissions = Vec::new();
    for (index, claim) in claims.into_iter().enumerate() {
        let caller = callers[index % callers.len()];
        let created = caller.post("/v1/claims", claim).await.ok();
        let path = format!("/v1/{}:submit", created["name"].as_str().expect("a name"));
        let caller = if index % 2 == 0 { caller.clone() } else { at(second, caller) };
        submissions.push(async move { caller.post(&path, json!({})).await });
    }
    futures::future::join_all(submissions).await
}

on_both_databases! {
    async fn of_many_claims_for_the_last_pieces_no_more_succeed_than_there_are(server) {
        let second = server.beside().await;
        let world = World::load(&server).await;
        let number = authorized(&world, "2").await;
        let claims = (0..6).map(|order| bought(order, &number)).collect();
        let answers = raced(&second, &[&world.station], claims).await;
        assert_eq!(statuses(&answers), [200, 200, 400, 400, 400, 400]);
        for refused in answers.iter().filter(|answer| answer.status == 400) {
            assert_eq!(refused.body["reason"], "CLAIM_HAS_ERRORS", "{:#}", refused.body);
        }
        let listed = world.station.get(&format!("/v1/authorizations?filter=number%3D%22{number}%22")).await.ok();
        let authorization = &listed["authorizations"][0];
        assert_eq!(authorization["state"], "USED_UP");
        assert_eq!(authorization["uses"].as_array().map(Vec::len), Some(2));
        assert_eq!(authorization["remainingAmount"], cny(80_000));
    }

    async fn of_many_claims_of_one_free_service_one_succeeds(server) {
        let second = server.beside().await;
        let world = World::load(&server).await;
        care_policy(&world).await;
        // Nobody issued the entitlement: the first claim that is submitted does.
        let callers = [&world.station, &world.other_station, &world.station];
        let answers = raced(&second, &callers, (0..6).map(|_| maintenance()).collect()).await;
        assert_eq!(statuses(&answers), [200, 400, 400, 400, 400, 400]);
        let listed = world.auditor.get("/v1/vehicles/-/serviceEntitlements").await.ok();
        let entitlements = listed["serviceEntitlements"].as_array().expect("entitlements");
        assert_eq!(entitlements.len(), 1, "{listed:#}");
        assert_eq!(entitlements[0]["state"], "RESERVED");
    }

    async fn a_sale_brings_the_entitlements_of_its_policy(server) {
        let world = World::load(&server).await;
        care_policy(&world).await;
        let vin = "LSVAM4186C2184841";
        let vehicle = json!({"vin": vin, "model": "M1", "brand": "RC", "drivetrain": "COMBUSTION", "buildDate": date("2026-08-01")});
        world.admin.post(&format!("/v1/vehicles?vehicleId={vin}"), vehicle).await.ok();
        let sale = json!({"sale": {"invoiceNumber": "INV-9", "invoiceDate": date("2026-11-01"), "vehicleUse": "FAMILY"}});
        world.station.post(&format!("/v1/vehicles/{vin}:recordSale"), sale).await.ok();
        let listed = world.station.get(&format!("/v1/vehicles/{vin}/serviceEntitlements")).await.ok();
        let entitlements = listed["serviceEntitlements"].as_array().expect("entitlements");
        assert_eq!(entitlements.len(), 2, "{listed:#}");
        assert_eq!(entitlements[0]["policy"], "warrantyPolicies/CARE-2020.1");
        assert_eq!(entitlements[0]["lastDate"], date("2028-05-01"));
        assert_eq!(entitlements[1]["fee"], cny(20_000));
        let name = entitlements[0]["name"].as_str().expect("a name");
        let trail = world.auditor.get(&format!("/v1/events?resource={name}")).await.ok();
        assert_eq!(trail["events"][0]["verb"], "issue");
        // Nobody claimed it: its window passes, and then the time to claim it.
        server.clock.advance(chrono::Duration::days(600));
        server.running.api.enforce_deadlines().await.unwrap();
        assert_eq!(world.auditor.get(&format!("/v1/{name}")).await.ok()["state"], "EXPIRED");
    }
}

/// A check asks the database a fixed number of questions, however many lines there are.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn sixty_lines_take_at_most_twice_the_time_of_five() {
    let server = Server::start(crate::harness::Backend::Sqlite).await.expect("SQLite");
    let world = World::load(&server).await;
    let number = authorized(&world, "100").await;
    let claim = |lines: usize| {
        let mut claim = bought(1, &number);
        let line = claim["lines"][0].clone();
        claim["lines"] = (0..lines).map(|_| line.clone()).collect();
        claim
    };
    let mut fastest = [Duration::MAX; 2];
    for _ in 0..12 {
        for (lines, fastest) in [5, 60].into_iter().zip(&mut fastest) {
            let created = world.station.post("/v1/claims", claim(lines)).await.ok();
            let url = format!("{}/v1/{}:submit", server.base, created["name"].as_str().expect("a name"));
            let http = reqwest::Client::new();
            // The first call opens the connection; what is checked and not written can be asked again.
            let ask = async || {
                let began = Instant::now();
                let token = world.station.token().expect("signed in");
                let body = json!({"validateOnly": true}).to_string();
                let asked = http.post(&url).bearer_auth(token).header("content-type", "application/json").body(body);
                let answer = asked.send().await.expect("an answer");
                assert_eq!(answer.status(), 200);
                answer.bytes().await.expect("a body");
                began.elapsed()
            };
            ask().await;
            *fastest = ask().await.min(*fastest);
        }
    }
    let [five, sixty] = fastest;
    assert!(sixty <= five * 2 + Duration::from_millis(20), "5 lines take {five:?}, 60 lines {sixty:?}");
}
