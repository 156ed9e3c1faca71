//! What a dealer's management system (DMS) exchanges: create-or-update by its own number, batches, spellings, and
//! the stream of what becomes of its claims.

use std::collections::BTreeSet;
use std::time::Duration;

use recourse_proto::{Method, v1};
use reqwest::Method as Verb;
use serde_json::{Value, json};

use crate::harness::client::{Answer, Client};
use crate::harness::grpc::Grpc;
use crate::harness::world::{World, cny, pump_claim};
use crate::harness::{Backend, Server};
use crate::on_both_databases;

const KEY: &str = "0199a1b2-0000-7000-8000-00000000ba7c";
const UPSERT: &str = "/v1/claims/-?allowMissing=true";

/// A claim for a failed pump under a number of the DMS, and a repair order of its own.
fn numbered(reference: &str) -> Value {
    let mut claim = pump_claim();
    claim["externalRef"] = json!(reference);
    claim["externalRepairOrder"] = json!(format!("RO-{reference}"));
    claim
}

fn create_all(claims: &[Value]) -> Value {
    let requests: Vec<Value> = claims.iter().map(|claim| json!({"claim": claim})).collect();
    json!({"requests": requests})
}

fn line_numbers(claim: &Value) -> Vec<i64> {
    claim["lines"].as_array().into_iter().flatten().map(|line| line["number"].as_i64().unwrap()).collect()
}

async fn verbs(client: &Client, name: &str) -> Vec<String> {
    let trail = client.get(&format!("/v1/events?resource={name}")).await.ok();
    trail["events"].as_array().unwrap().iter().map(|event| event["verb"].as_str().unwrap().to_owned()).collect()
}

/// A stream of claims that is being read.
struct Watching {
    response: reqwest::Response,
    text: String,
}

impl Watching {
    async fn begin(client: &Client, query: &str) -> Self {
        let response = client.watch(&format!("/v1/claims:watch?{query}")).await;
        assert_eq!(response.status(), 200);
        Self { response, text: String::new() }
    }

    /// The next item that is no heartbeat.
    async fn next(&mut self) -> Value {
        self.within(Duration::from_secs(10)).await.expect("an item in time")
    }

    async fn within(&mut self, patience: Duration) -> Option<Value> {
        loop {
            if let Some((line, rest)) = self.text.split_once('\n') {
                let item: Value = serde_json::from_str(line).expect("a line of JSON");
                self.text = rest.to_owned();
                if item["heartbeat"] != json!(true) {
                    return Some(item);
                }
                continue;
            }
            let chunk = tokio::time::timeout(patience, self.response.chunk()).await.ok()?.unwrap()?;
            self.text.push_str(std::str::from_utf8(&chunk).unwrap());
        }
    }
}

on_both_databases! {
    async fn a_claim_is_created_or_updated_by_the_number_of_the_dms(server) {
        let world = World::load(&server).await;
        let missing = world.station.patch("/v1/claims/-", numbered("DMS-1")).await.refused(404, "RESOURCE_NOT_FOUND");
        assert_eq!(missing["metadata"]["externalRef"], "DMS-1");
        let nameless = world.station.patch(UPSERT, pump_claim()).await.refused(400, "INVALID_FIELDS");
        assert_eq!(nameless["violations"][0]["field"], "claim.external_ref");
        world.station.patch(&format!("{UPSERT}&validateOnly=true"), numbered("DMS-1")).await.ok();
        world.station.post("/v1/claims?validateOnly=true", numbered("DMS-1")).await.ok();
        assert!(world.station.get("/v1/claims").await.ok().get("claims").is_none(), "nothing was written");

        let created = world.station.patch(UPSERT, numbered("DMS-1")).await.ok();
        assert_eq!((&created["state"], line_numbers(&created)), (&json!("DRAFT"), vec![1, 2]));
        let name = created["name"].as_str().unwrap();
        let mut spelled = numbered("DMS-1");
        spelled["externalRef"] = json!(" ＤＭＳ－1");
        let again = world.station.patch(UPSERT, spelled).await.ok();
        assert_eq!((&again["name"], &again["etag"]), (&created["name"], &created["etag"]), "nothing new was said");
        assert_eq!(again["normalizations"][0]["taken"], "DMS-1");

        let mut changed = numbered("DMS-1");
        changed["causeDescription"] = json!("rotor worn");
        changed["lines"][1]["hours"] = json!({"value": "2"});
        let changed = world.station.patch("/v1/claims/-", changed).await.ok();
        assert_eq!((&changed["name"], &changed["causeDescription"]), (&created["name"], &json!("rotor worn")));
        assert_eq!(line_numbers(&changed), [1, 3], "the part is the line it was, the other hours are a new line");
        let stale = json!({"externalRef": "DMS-1", "etag": created["etag"], "causeCode": "C1"});
        world.station.patch(UPSERT, stale).await.refused(409, "STALE_ETAG");

        let found = world.station.get("/v1/claims?filter=external_ref%3D%22DMS-1%22").await.ok();
        assert_eq!(found["claims"].as_array().map(Vec::len), Some(1));
        assert_eq!(found["claims"][0]["name"], created["name"]);
        let elsewhere = world.other_station.patch(UPSERT, numbered("DMS-1")).await.ok();
        assert_ne!(elsewhere["name"], created["name"], "each station has numbers of its own");
        let taken = world.technician.patch(UPSERT, numbered("DMS-1")).await.refused(409, "RESOURCE_ALREADY_EXISTS");
        assert_eq!(taken["violations"][0]["field"], "claim.external_ref");
        assert_eq!(verbs(&world.station, name).await, ["create", "update"]);
        let trail = world.station.get(&format!("/v1/events?resource={name}")).await.ok();
        assert_eq!(trail["events"][1]["changedPaths"], json!(["cause_description", "lines"]), "what differed, no more");
    }

    async fn all_that_a_dms_has_is_sent_in_bulk_as_often_as_it_likes(server) {
        let world = World::load(&server).await;
        let item = |claim: Value| {
            let mut claim = claim;
            claim["name"] = json!("claims/-");
            json!({"claim": claim, "allowMissing": true})
        };
        let night = |cause: &str| {
            let mut second = numbered("N-2");
            second["causeDescription"] = json!(cause);
            json!({"requests": [item(numbered("N-1")), item(second), item(json!({"externalRef": "N-3"}))]})
        };
        let first = world.station.post("/v1/claims:batchUpdate", night("rust")).await.ok();
        assert_eq!((&first["succeeded"], &first["refused"]), (&json!(2), &json!(1)));
        assert_eq!(first["items"][2]["error"]["violations"][0]["field"], "claim.kind");
        let second = world.station.post("/v1/claims:batchUpdate", night("corroded")).await.ok();
        let of = |answer: &Value, index: usize, field: &str| answer["items"][index]["claim"][field].clone();
        for index in [0, 1] {
            assert_eq!(of(&second, index, "name"), of(&first, index, "name"));
        }
        assert_eq!(of(&second, 0, "etag"), of(&first, 0, "etag"));
        assert_ne!(of(&second, 1, "etag"), of(&first, 1, "etag"));
        assert_eq!(of(&second, 1, "causeDescription"), "corroded");
        assert_eq!(world.station.get("/v1/claims").await.ok()["claims"].as_array().map(Vec::len), Some(2));
    }

    async fn a_claim_that_is_gone_from_the_desk_says_why_it_can_not_be_changed(server) {
        let world = World::load(&server).await;
        let created = world.station.patch(UPSERT, numbered("DMS-2")).await.ok();
        let name = created["name"].as_str().unwrap();
        world.station.post(&format!("/v1/{name}:submit"), json!({})).await.ok();
        // A program that crashed after its submission sends all of it again.
        let same = world.station.patch(UPSERT, numbered("DMS-2")).await.ok();
        assert_eq!((&same["name"], &same["state"]), (&created["name"], &json!("SUBMITTED")));
        let mut other = numbered("DMS-2");
        other["causeDescription"] = json!("something else");
        let refused = world.station.patch(UPSERT, other.clone()).await.refused(400, "STATE_CONFLICT");
        assert_eq!((&refused["metadata"]["state"], &refused["metadata"]["resource"]), (&json!("SUBMITTED"), &json!(name)));
        assert!(refused["detail"].as_str().unwrap().contains("withdraw it, copy it"), "{refused:#}");
        let chinese = world.station.reading("zh-CN").patch(UPSERT, other.clone()).await.refused(400, "STATE_CONFLICT");
        assert!(chinese["detail"].as_str().unwrap().contains("复制"), "{chinese:#}");
        // A returned one is corrected in place, by the same call.
        world.auditor.post(&format!("/v1/{name}:startReview"), json!({})).await.ok();
        let etag = world.auditor.get(&format!("/v1/{name}")).await.ok()["etag"].clone();
        let reasons = json!([{"code": "INSUFFICIENT_INFORMATION"}]);
        world.auditor.post(&format!("/v1/{name}:return"), json!({"etag": etag, "reasons": reasons})).await.ok();
        let corrected = world.station.patch(UPSERT, other).await.ok();
        assert_eq!((&corrected["state"], line_numbers(&corrected)), (&json!("RETURNED"), vec![1, 2]));
        assert_eq!(verbs(&world.station, name).await, ["create", "submit", "startReview", "return", "update"]);
    }

    async fn a_claim_of_ones_own_name_is_created_or_updated_too(server) {
        let world = World::load(&server).await;
        let path = "/v1/claims/0199a1b2-0000-7000-8000-0000000000a1";
        world.station.patch(path, pump_claim()).await.refused(404, "RESOURCE_NOT_FOUND");
        let created = world.station.patch(&format!("{path}?allowMissing=true"), pump_claim()).await.ok();
        assert_eq!(format!("/v1/{}", created["name"].as_str().unwrap()), path);
        let again = world.station.patch(&format!("{path}?allowMissing=true"), pump_claim()).await.ok();
        assert_eq!(again["etag"], created["etag"]);
        world
            .other_station
            .patch(&format!("{path}?allowMissing=true"), pump_claim())
            .await
            .refused(409, "RESOURCE_ALREADY_EXISTS");
        let kindless = json!({"vin": "LSVAA4187S2184841", "externalRef": "K-1"});
        let kindless = world.station.patch(UPSERT, kindless).await.refused(400, "INVALID_FIELDS");
        assert_eq!(kindless["violations"][0]["field"], "claim.kind");
    }

    async fn of_many_that_create_at_once_all_get_one_claim(server) {
        let second = server.beside().await;
        let world = World::load(&server).await;
        let there = Client::anonymous(&second).with_token(world.station.token().unwrap());
        let attempts = (0..32).map(|n| {
            let caller = if n % 2 == 0 { &world.station } else { &there };
            caller.patch(UPSERT, numbered("DMS-3"))
        });
        let answers: Vec<Answer> = futures::future::join_all(attempts).await;
        let statuses: BTreeSet<u16> = answers.iter().map(|answer| answer.status).collect();
        assert_eq!(statuses, BTreeSet::from([200]), "{:?}", answers.iter().find(|answer| answer.status != 200));
        let names: BTreeSet<&str> = answers.iter().filter_map(|answer| answer.body["name"].as_str()).collect();
        assert_eq!(names.len(), 1);
        let listed = world.station.get("/v1/claims").await.ok();
        assert_eq!(listed["claims"].as_array().map(Vec::len), Some(1));
        assert_eq!(verbs(&world.station, names.first().unwrap()).await, ["create"], "and says nothing twice");
    }

    async fn a_batch_has_a_result_for_each_item(server) {
        let world = World::load(&server).await;
        let mut bad = numbered("B-2");
        bad["lines"][0]["quantity"] = json!({"value": "0"});
        let mut long = numbered("B-3");
        long["complaintDescription"] = json!("x".repeat(5000));
        let claims = [numbered("B-1"), bad.clone(), long.clone(), numbered("B-1"), numbered("B-4")];
        let dry = create_all(&claims);
        let dry = json!({"requests": dry["requests"], "validateOnly": true});
        let dry = world.station.post("/v1/claims:batchCreate", dry).await.ok();
        assert_eq!((&dry["succeeded"], &dry["refused"]), (&json!(3), &json!(2)), "alike ones don't meet in a dry run");
        assert!(world.station.get("/v1/claims").await.ok().get("claims").is_none());

        let done = world.station.post("/v1/claims:batchCreate", create_all(&claims)).await.ok();
        assert_eq!((&done["succeeded"], &done["refused"]), (&json!(2), &json!(3)));
        let items = done["items"].as_array().unwrap();
        let places: Vec<i64> = items.iter().map(|item| item["index"].as_i64().unwrap_or_default()).collect();
        assert_eq!(places, [0, 1, 2, 3, 4]);
        assert_eq!(items[0]["claim"]["externalRef"], "B-1");
        assert_eq!(items[4]["claim"]["externalRef"], "B-4");
        let taken = &items[3]["error"];
        assert_eq!((&taken["code"], &taken["reason"]), (&json!("ALREADY_EXISTS"), &json!("RESOURCE_ALREADY_EXISTS")));
        // Each is refused with what the call alone would have been refused with.
        for (index, claim) in [(1, bad), (2, long)] {
            let alone = world.station.post("/v1/claims", claim).await.refused(400, "INVALID_FIELDS");
            let error = &items[index]["error"];
            for part in ["code", "reason", "detail", "violations"] {
                assert_eq!(error[part], alone[part], "{part} of item {index}");
            }
        }
        let chinese = json!({"requests": [{"claim": {"vin": "x"}}]});
        let chinese = world.station.reading("zh-CN").post("/v1/claims:batchCreate", chinese).await.ok();
        let text = chinese["items"][0]["error"]["detail"].as_str().unwrap();
        assert!(text.chars().any(|c| c > '\u{4e00}'), "{text}");
    }

    async fn a_batch_that_is_sent_again_does_nothing_twice(server) {
        let world = World::load(&server).await;
        let claims: Vec<Value> = (0..5).map(|_| pump_claim()).collect();
        let mut batch = create_all(&claims);
        batch["requestId"] = json!(KEY);
        batch["requests"][2]["requestId"] = json!("0199a1b2-0000-7000-8000-0000000000c2");
        let first = world.station.post("/v1/claims:batchCreate", batch.clone()).await.ok();
        assert_eq!(first["succeeded"], 5);
        let again = world.station.post("/v1/claims:batchCreate", batch.clone()).await.ok();
        let names = |answer: &Value| -> Vec<Value> {
            answer["items"].as_array().unwrap().iter().map(|item| item["claim"]["name"].clone()).collect()
        };
        assert_eq!(names(&again), names(&first));
        assert!(again["items"].as_array().unwrap().iter().all(|item| item["replayed"] == true), "{again:#}");
        assert!(first["items"].as_array().unwrap().iter().all(|item| item.get("replayed").is_none()));
        // The key of an item is the key of the call alone.
        let alone = [("idempotency-key", "0199a1b2-0000-7000-8000-0000000000c2")];
        let alone = world.station.call(Verb::POST, "/v1/claims", Some(pump_claim()), &alone).await;
        assert!(alone.headers.contains_key("idempotent-replayed"));
        assert_eq!(alone.ok()["name"], names(&first)[2]);
        // Another body at a place whose key was used is told; the others are repeats.
        batch["requests"][4]["claim"]["causeCode"] = json!("C4");
        let mixed = world.station.post("/v1/claims:batchCreate", batch).await.ok();
        assert_eq!(mixed["items"][4]["error"]["reason"], "IDEMPOTENCY_KEY_REUSED");
        assert_eq!((&mixed["succeeded"], &mixed["refused"]), (&json!(4), &json!(1)));
        assert_eq!(world.station.get("/v1/claims").await.ok()["claims"].as_array().map(Vec::len), Some(5));
    }

    async fn a_batch_is_refused_as_a_whole_only_for_what_is_wrong_with_the_whole(server) {
        let world = World::load(&server).await;
        let many: Vec<Value> = (0..101).map(|_| json!({"kind": "WARRANTY_REPAIR"})).collect();
        let refused = world.station.post("/v1/claims:batchCreate", create_all(&many)).await.refused(400, "INVALID_FIELDS");
        assert_eq!((&refused["violations"][0]["field"], refused["violations"].as_array().map(Vec::len)), (&json!("requests"), Some(1)));
        world.station.post("/v1/claims:batchCreate", json!({})).await.refused(400, "INVALID_FIELDS");
        let bad_key = json!({"requestId": "x", "requests": [{"claim": pump_claim()}]});
        world.station.post("/v1/claims:batchCreate", bad_key).await.refused(400, "INVALID_FIELDS");
        world.auditor.post("/v1/claims:batchCreate", create_all(&[pump_claim()])).await.refused(403, "ROLE_NOT_ALLOWED");
        world.technician.post("/v1/claims:batchSubmit", json!({"requests": [{"name": "claims/x"}]})).await.refused(403, "ROLE_NOT_ALLOWED");
        let drafts = world.technician.post("/v1/claims:batchCreate", create_all(&[pump_claim()])).await.ok();
        assert_eq!(drafts["succeeded"], 1);
        assert!(drafts["items"][0]["claim"].get("totals").is_none(), "amounts are not a technician's business");
        assert!(world.station.get("/v1/claims").await.ok()["claims"].as_array().map(Vec::len) == Some(1));
    }

    async fn claims_are_submitted_in_bulk_each_by_itself(server) {
        let world = World::load(&server).await;
        let mut unknown = numbered("S-2");
        unknown["failureCode"] = json!("failureCodes/F-999");
        let created = create_all(&[numbered("S-1"), unknown, numbered("S-3")]);
        let created = world.station.post("/v1/claims:batchCreate", created).await.ok();
        let names: Vec<Value> =
            created["items"].as_array().unwrap().iter().map(|item| item["claim"]["name"].clone()).collect();
        let foreign = world.other_station.post("/v1/claims", numbered("S-9")).await.ok();
        let requests: Vec<Value> = [&names[0], &names[1], &names[2], &names[0], &foreign["name"]]
            .iter()
            .map(|name| json!({"name": name}))
            .collect();
        let dry = json!({"requests": requests, "validateOnly": true});
        let dry = world.station.post("/v1/claims:batchSubmit", dry).await.ok();
        assert_eq!(dry["items"][1]["submitted"]["findings"][0]["code"], "UNKNOWN_FAILURE_CODE");
        assert_eq!(dry["items"][0]["submitted"]["claim"]["totals"]["computed"], cny(66_600));

        let batch = json!({"requests": requests, "requestId": KEY});
        let done = world.station.post("/v1/claims:batchSubmit", batch.clone()).await.ok();
        assert_eq!((&done["succeeded"], &done["refused"]), (&json!(2), &json!(3)));
        let reasons: Vec<&str> = done["items"]
            .as_array()
            .unwrap()
            .iter()
            .map(|item| item["error"]["reason"].as_str().unwrap_or_default())
            .collect();
        assert_eq!(reasons, ["", "CLAIM_HAS_ERRORS", "", "STATE_CONFLICT", "RESOURCE_NOT_FOUND"]);
        let errors = &done["items"][1]["error"];
        assert_eq!((&errors["code"], &errors["metadata"]["resource"]), (&json!("FAILED_PRECONDITION"), &names[1]));
        assert!(errors["violations"][0]["description"].is_string());
        assert_eq!(done["items"][2]["submitted"]["claim"]["state"], "SUBMITTED");
        // The second of two alike is a place of its own: it stays refused, and the first is not submitted again.
        let again = world.station.post("/v1/claims:batchSubmit", batch).await.ok();
        assert_eq!(again["items"][0]["replayed"], true);
        assert_eq!(again["items"][3]["error"]["reason"], "STATE_CONFLICT");
        assert_eq!(verbs(&world.station, names[0].as_str().unwrap()).await, ["create", "submit"]);
    }

    async fn batches_over_grpc_have_typed_results(server) {
        let station = Grpc::connect(&server).await.with_token(&server.tokens["s001"]);
        let claim: v1::Claim = serde_json::from_value(pump_claim()).unwrap();
        let item = |claim| v1::CreateClaimRequest { claim, ..Default::default() };
        let batch = v1::BatchCreateClaimsRequest {
            requests: vec![item(Some(claim)), item(None)],
            ..Default::default()
        };
        let path = Method::ClaimExchangeServiceBatchCreateClaims.grpc_path();
        let key = [("idempotency-key", KEY), ("accept-language", "zh-CN")];
        let done: v1::BatchCreateClaimsResponse = station.call_with(path, &batch, &key).await.ok();
        let [first, second] = done.items.as_slice() else { panic!("{done:?}") };
        assert!(matches!(first.result, Some(v1::claim_item::Result::Claim(_))));
        let Some(v1::claim_item::Result::Error(error)) = &second.result else { panic!("{second:?}") };
        assert_eq!(error.code(), recourse_proto::google::rpc::Code::InvalidArgument);
        assert_eq!(error.reason(), v1::error_reason::Code::InvalidFields);
        assert_eq!(error.violations[0].field, "claim");
        let again: v1::BatchCreateClaimsResponse = station.call_with(path, &batch, &key).await.ok();
        assert!(again.items[0].replayed);
    }

    async fn what_was_spelled_otherwise_is_taken_and_said(server) {
        let world = World::load(&server).await;
        let mut claim = pump_claim();
        claim["vin"] = json!("ｌｓｖａａ4187s 2184841\u{200b}");
        claim["causalPart"] = json!("parts/p-1001");
        claim["failureCode"] = json!("ｆ－101");
        claim["dtcs"] = json!([" p0230"]);
        claim["lines"][0]["part"] = json!("P–1001");
        claim["lines"][1]["hours"] = json!({"value": "１．８"});
        let created = world.station.post("/v1/claims", claim.clone()).await.ok();
        assert_eq!(created["vin"], "LSVAA4187S2184841");
        let said = created["normalizations"].as_array().unwrap();
        let fields: Vec<&str> = said.iter().map(|said| said["field"].as_str().unwrap()).collect();
        assert_eq!(fields, ["vin", "failure_code", "causal_part", "dtcs[0]", "lines[0].part", "lines[1].hours"]);
        assert_eq!(said[0]["rules"], json!(["FULL_WIDTH", "UPPER_CASE", "BLANKS", "INVISIBLE"]));
        assert_eq!(said[0]["given"], claim["vin"]);
        assert_eq!(said[5]["text"], "taken as 1.8: full-width characters became half-width");
        let name = created["name"].as_str().unwrap();
        assert!(world.station.get(&format!("/v1/{name}")).await.ok().get("normalizations").is_none(), "said once");
        let submitted = world.station.post(&format!("/v1/{name}:submit"), json!({})).await.ok();
        assert_eq!(submitted["claim"]["totals"]["computed"], cny(66_600), "what was taken is what counts");
        assert!(submitted["claim"].get("normalizations").is_none());

        let precheck = world.technician.reading("zh-CN").post("/v1/claims:precheck", claim.clone()).await.ok();
        let text = precheck["claim"]["normalizations"][0]["text"].as_str().unwrap();
        assert!(text.contains("全角字符转为半角"), "{text}");
        let batch = world.station.post("/v1/claims:batchCreate", create_all(&[claim])).await.ok();
        assert_eq!(batch["items"][0]["claim"]["normalizations"].as_array().map(Vec::len), Some(6));
        // What can't be meant otherwise is not guessed.
        let mut doubtful = pump_claim();
        doubtful["vin"] = json!("LSVAA4187S218484O");
        let doubtful = world.station.post("/v1/claims:precheck", doubtful).await.ok();
        assert_eq!((&doubtful["claim"]["vin"], doubtful["claim"].get("normalizations")), (&json!("LSVAA4187S218484O"), None));
        let codes: Vec<&Value> = doubtful["findings"].as_array().unwrap().iter().map(|finding| &finding["code"]).collect();
        assert!(codes.contains(&&json!("INVALID_VIN")), "{codes:?}");
        let bad = world.station.post("/v1/claims", json!({"kind": "WARRANTY_REPAIR", "dtcs": ["P9"]})).await;
        assert_eq!(bad.refused(400, "INVALID_FIELDS")["violations"][0]["field"], "claim.dtcs[0]");
    }

    async fn a_station_watches_its_claims_and_nobody_elses(server) {
        let world = World::load(&server).await;
        let mut own = Watching::begin(&world.station, "cursor=now").await;
        let mut foreign = Watching::begin(&world.other_station, "cursor=now").await;
        let mut technician = Watching::begin(&world.technician, "cursor=now").await;
        let mut decided = Watching::begin(&world.station, "cursor=now&states=APPROVED&states=REJECTED").await;
        let name = world.in_review(pump_claim()).await;
        world.approved(&name).await;
        let mut items = Vec::new();
        while items.len() < 4 {
            items.push(own.next().await);
        }
        let told: Vec<&str> = items.iter().map(|item| item["verb"].as_str().unwrap()).collect();
        assert_eq!(told, ["create", "submit", "startReview", "adjudicate"]);
        assert!(items.iter().all(|item| item["resource"] == json!(name) && item["claim"]["name"] == json!(name)));
        let claim = &items[3]["claim"];
        assert_eq!((&items[3]["etag"], &claim["state"]), (&claim["etag"], &json!("APPROVED")));
        assert_eq!(claim["decisions"][0]["lineDecisions"][0]["outcome"], "APPROVED");
        assert_eq!(claim["lines"][0]["approvedAmount"], cny(45_000));
        assert!(claim.get("auditor").is_none() && claim.get("routing").is_none(), "{claim:#}");
        let only = decided.next().await;
        assert_eq!((&only["claim"]["state"], &only["claim"]["name"]), (&json!("APPROVED"), &json!(name)));

        // Each goes on from where it stood, also in the other stream.
        let cursor = items[1]["cursor"].as_str().unwrap();
        let mut resumed = Watching::begin(&world.station, &format!("cursor={cursor}")).await;
        let next = resumed.next().await;
        assert_eq!((&next["verb"], &next["cursor"]), (&json!("startReview"), &items[2]["cursor"]));
        let page = world.station.get(&format!("/v1/events:changes?cursor={cursor}&types=claims")).await.ok();
        assert_eq!(page["changes"][0]["cursor"], items[2]["cursor"]);

        // The technician is told of the drafts that are theirs, the other station of nothing.
        let draft = world.technician.post("/v1/claims", pump_claim()).await.ok();
        let mine = technician.next().await;
        assert_eq!((&mine["verb"], &mine["claim"]["name"]), (&json!("create"), &draft["name"]));
        assert!(mine["claim"].get("totals").is_none());
        assert_eq!(foreign.within(Duration::from_millis(700)).await, None);
        let by_station = Watching::begin(&world.auditor, "stations=s-002").await.within(Duration::from_millis(700)).await;
        assert_eq!(by_station, None, "no claim of that station");
        let seen = Watching::begin(&world.auditor, "stations=stations/S-001").await.next().await;
        assert_eq!(seen["claim"]["station"], "stations/S-001");
        world.station.get("/v1/claims:watch?states=GONE").await.refused(400, "INVALID_JSON");
        world.station.get("/v1/claims:watch?cursor=czzzzzz").await.refused(400, "INVALID_FIELDS");
        world.anonymous.get("/v1/claims:watch").await.refused(401, "TOKEN_INVALID");
    }

    async fn who_is_given_sight_of_a_claim_sees_their_part_until_it_ends(server) {
        let world = World::load(&server).await;
        let mut appraiser = Watching::begin(&world.appraiser, "cursor=now").await;
        let mut supplier = Watching::begin(&world.supplier, "cursor=now").await;
        let mut stranger = Watching::begin(&world.other_appraiser, "cursor=now").await;
        let ordered = async |claim: &str| {
            let order = json!({
                "claim": claim, "appraiser": "appraisers/A-01", "questions": ["why did it seize?"],
                "dueTime": "2026-12-10T00:00:00Z", "suppliers": ["suppliers/SUP-017"],
            });
            let ordered = world.auditor.post("/v1/appraisals", order).await.ok();
            format!("/v1/{}", ordered["name"].as_str().unwrap())
        };
        let check = |item: &Value, claim: &str| {
            assert_eq!((&item["resource"], &item["claim"]["name"]), (&json!(claim), &json!(claim)), "{item:#}");
            let seen = &item["claim"];
            assert_eq!(seen["failureCode"], "failureCodes/F-101");
            for hidden in ["totals", "createdBy", "auditor", "externalRepairOrder", "findings", "decisions", "routing"] {
                assert!(seen.get(hidden).is_none(), "{hidden}: {seen:#}");
            }
            assert!(seen["lines"][0].get("requestedAmount").is_none(), "{seen:#}");
        };
        let declined = world.in_review(pump_claim()).await;
        let path = ordered(&declined).await;
        check(&appraiser.next().await, &declined);
        world.appraiser.post(&format!("{path}:decline"), json!({"text": "no bench free"})).await.ok();
        let mut last = appraiser.next().await;
        while last["verb"] != "unshared" {
            last = appraiser.next().await;
        }
        assert_eq!((&last["resource"], last.get("claim")), (&json!(declined), None));
        world.appraiser.get(&format!("/v1/{declined}")).await.refused(404, "RESOURCE_NOT_FOUND");

        let worked_on = world.in_review(numbered("A-2")).await;
        let path = ordered(&worked_on).await;
        let expert = world.admin.get("/v1/appraisers/A-01").await.ok()["experts"][0]["id"].clone();
        world.appraiser.post(&format!("{path}:accept"), json!({"expert": expert})).await.ok();
        world.appraiser.post(&format!("{path}:start"), json!({})).await.ok();
        let draft = json!({
            "coverage": "COVERED", "summary": "porous casting", "rootCause": "wrong alloy",
            "causeContributions": [{"cause": "MATERIAL", "shareBp": 10_000}],
        });
        world.appraiser.post(&format!("{path}:shareDraft"), json!({"draft": draft})).await.ok();
        // The supplier is a party from the draft on.
        check(&supplier.next().await, &worked_on);
        assert_eq!(stranger.within(Duration::from_millis(500)).await, None);
    }

    async fn a_program_of_a_dealer_group_names_the_station_in_each_item(server) {
        let world = World::load(&server).await;
        let client = json!({"displayName": "Group DMS", "consentingOrganizations": ["stations/S-002"],
            "membership": {"organization": "stations/S-001", "roles": ["STATION"]}});
        let created = world.admin.post("/v1/apiClients", client).await.ok();
        let id = created["name"].as_str().unwrap().trim_start_matches("apiClients/");
        let secret = created["secret"].as_str().unwrap();
        let form = format!("grant_type=client_credentials&client_id={id}&client_secret={secret}");
        let token: Value = reqwest::Client::new()
            .post(format!("{}/oauth2/token", server.base))
            .header("content-type", "application/x-www-form-urlencoded")
            .body(form)
            .send()
            .await
            .unwrap()
            .json()
            .await
            .unwrap();
        let dms = world.anonymous.with_token(token["access_token"].as_str().unwrap());
        let mut watching = Watching::begin(&dms, "cursor=now").await;
        let at = |station: &str| {
            let mut claim = numbered("G-1");
            claim["station"] = json!(station);
            claim
        };
        let batch = create_all(&[at("stations/S-001"), at("s-002"), numbered("G-2")]);
        let done = dms.post("/v1/claims:batchCreate", batch).await.ok();
        assert_eq!(done["items"][0]["claim"]["station"], "stations/S-001");
        assert_eq!(done["items"][1]["claim"]["station"], "stations/S-002");
        assert_eq!(done["items"][2]["error"]["violations"][0]["field"], "claim.station");
        let stations = [watching.next().await, watching.next().await].map(|item| item["claim"]["station"].clone());
        assert_eq!(stations, [json!("stations/S-001"), json!("stations/S-002")]);
        // By number, too: it is the station's, and the station must be said.
        dms.patch(UPSERT, numbered("G-1")).await.refused(400, "INVALID_FIELDS");
        let known = dms.patch(UPSERT, at("stations/S-002")).await.ok();
        assert_eq!(known["name"], done["items"][1]["claim"]["name"]);
    }
}

const ITEMS: usize = 100;

/// The time of a call bounds a batch: what it did not suffice for says so and is sent again, and nothing is done
/// twice. Who goes away in the middle, or crashes, sends the whole batch again.
async fn a_batch_that_is_cut_off_is_sent_again_until_it_is_done(backend: Backend) {
    let Some(server) = Server::start(backend).await else { return };
    let world = World::load(&server).await;
    // How long a hundred take is the machine's matter: the time is made shorter until it does not suffice.
    for (round, time) in [400, 100, 25, 6].map(Duration::from_millis).into_iter().enumerate() {
        let left_for_later = cut_off(&server, &world, round, time).await;
        let listed = world.station.get("/v1/claims?pageSize=1000").await.ok();
        assert_eq!(listed["claims"].as_array().map(Vec::len), Some(ITEMS * (round + 1)));
        if left_for_later > 0 {
            return;
        }
    }
    panic!("nothing was ever left for later: the test tests nothing");
}

/// Sends a batch until it is done; how many items were told that they were not tried.
async fn cut_off(server: &Server, world: &World, round: usize, time: Duration) -> usize {
    let slow = server.another(|config| config.limits.request_time = time).await;
    let there = Client::anonymous(&slow).with_token(world.station.token().unwrap());
    let claims: Vec<Value> = (0..ITEMS).map(|n| numbered(&format!("C-{round}-{n}"))).collect();
    let mut batch = create_all(&claims);
    batch["requestId"] = json!(format!("0199a000-0000-7000-8000-00000000c0f{round}"));
    let post = |client: &Client, batch: &Value| {
        let (client, batch) = (client.clone(), batch.clone());
        async move { client.post("/v1/claims:batchCreate", batch).await }
    };
    drop(tokio::time::timeout(time / 10, post(&there, &batch)).await);
    let mut not_tried = 0;
    let mut left = batch.clone();
    for _ in 0..ITEMS {
        let answer = post(&there, &left).await;
        if answer.status == 504 {
            // The machine was too busy even for the answer to be written.
            continue;
        }
        let answer = answer.ok();
        let items = answer["items"].as_array().unwrap();
        assert_eq!(Some(items.len()), left["requests"].as_array().map(Vec::len));
        let mut rest = Vec::new();
        for (item, request) in items.iter().zip(left["requests"].as_array().unwrap()) {
            let Some(reason) = item["error"]["reason"].as_str() else { continue };
            assert!(["OVERLOADED", "REQUEST_TIMEOUT"].contains(&reason), "{item:#}");
            assert_eq!(item["error"]["retryAfterSeconds"], 1);
            not_tried += usize::from(reason == "OVERLOADED");
            rest.push(json!({"claim": request["claim"], "requestId": item["requestId"]}));
        }
        if rest.is_empty() {
            break;
        }
        left = json!({"requests": rest});
    }
    let whole = post(&world.station, &batch).await.ok();
    assert_eq!(whole["succeeded"], ITEMS);
    // Of a time so short that nothing was ever done, this was the first.
    let replayed = whole["items"].as_array().unwrap().iter().filter(|item| item["replayed"] == true).count();
    assert!(replayed == ITEMS || time < Duration::from_millis(100), "{replayed} were done before");
    not_tried
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_batch_that_is_cut_off_is_sent_again_until_it_is_done_sqlite() {
    a_batch_that_is_cut_off_is_sent_again_until_it_is_done(Backend::Sqlite).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_batch_that_is_cut_off_is_sent_again_until_it_is_done_postgres() {
    a_batch_that_is_cut_off_is_sent_again_until_it_is_done(Backend::Postgres).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn streams_are_events_for_browsers_and_so_many_for_one_caller() {
    let server = Server::start(Backend::Sqlite).await.expect("SQLite is always there");
    let world = World::load(&server).await;
    let mut events = reqwest::Client::new()
        .get(format!("{}/v1/claims:watch?cursor=now", server.base))
        .bearer_auth(world.station.token().unwrap())
        .header("accept", "text/event-stream")
        .send()
        .await
        .unwrap();
    assert_eq!(events.headers()["content-type"], "text/event-stream");
    world.station.post("/v1/claims", pump_claim()).await.ok();
    let mut text = String::new();
    while !text.contains("\n\n") {
        let chunk = tokio::time::timeout(Duration::from_secs(5), events.chunk()).await.expect("in time").unwrap();
        text.push_str(std::str::from_utf8(&chunk.expect("more")).unwrap());
    }
    let id = text.lines().find_map(|line| line.strip_prefix("id: ")).expect("an id to go on from");
    let data = text.lines().find_map(|line| line.strip_prefix("data: ")).expect("data");
    assert_eq!(serde_json::from_str::<Value>(data).unwrap()["cursor"], id);

    let mut open = Vec::new();
    for _ in 0..15 {
        open.push(Watching::begin(&world.station, "cursor=now").await);
    }
    world.station.get("/v1/claims:watch?cursor=now").await.refused(429, "TOO_MANY_REQUESTS");
    world.station.get("/v1/events:watch?cursor=now").await.refused(429, "TOO_MANY_REQUESTS");
    drop(Watching::begin(&world.other_station, "cursor=now").await);
    drop(open);
    for _ in 0..50 {
        if world.station.watch("/v1/claims:watch?cursor=now").await.status() == 200 {
            return;
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    panic!("the places of streams that have gone are not given back");
}

/// Nothing happens for whom nothing is: a heartbeat carries the cursor on, so that it never grows too old.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_quiet_stream_says_that_it_is_still_there() {
    let server = Server::start(Backend::Sqlite).await.expect("SQLite is always there");
    let world = World::load(&server).await;
    let mut quiet = world.other_station.watch("/v1/claims:watch?cursor=now").await;
    world.submitted(pump_claim()).await;
    let chunk = tokio::time::timeout(Duration::from_secs(25), quiet.chunk()).await.expect("in time").unwrap();
    let item: Value = serde_json::from_slice(&chunk.expect("an item")).unwrap();
    assert_eq!((&item["heartbeat"], item.get("claim"), item.get("resource")), (&json!(true), None, None));
    let cursor = item["cursor"].as_str().unwrap();
    let end = world.other_station.get("/v1/events:changes?cursor=now").await.ok();
    assert_eq!(end["nextCursor"], cursor, "it stands at the end of the feed");
    let mine = world.other_station.post("/v1/claims", pump_claim()).await.ok();
    let mut resumed = Watching::begin(&world.other_station, &format!("cursor={cursor}")).await;
    assert_eq!(resumed.next().await["resource"], mine["name"]);
}
