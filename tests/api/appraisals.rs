//! Appraisals as their parties use them: what each may do, what each sees, and what a signature proves.

use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::signature::{ECDSA_P256_SHA256_FIXED, ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, UnparsedPublicKey};
use base64::Engine;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use chrono::Duration;
use serde_json::{Value, json};

use crate::harness::client::Client;
use crate::harness::world::{World, cny, pump_claim};
use crate::on_both_databases;

fn order(claim: &str) -> Value {
    json!({
        "claim": claim, "appraiser": "appraisers/A-01", "questions": ["why did it seize?"],
        "dueTime": "2026-12-10T00:00:00Z", "suppliers": ["suppliers/SUP-017"],
    })
}

pub(super) fn findings() -> Value {
    json!({
        "coverage": "COVERED", "summary": "porous casting", "rootCause": "wrong alloy",
        "causeContributions": [{"cause": "MATERIAL", "shareBp": 7000}, {"cause": "UNDETERMINED", "shareBp": 3000}],
    })
}

async fn expert(world: &World, appraiser: &str) -> Value {
    world.admin.get(&format!("/v1/appraisers/{appraiser}")).await.ok()["experts"][0]["id"].clone()
}

/// An appraisal of a claim in review, taken and begun.
pub(super) async fn begun(world: &World) -> (String, String) {
    let claim = world.in_review(pump_claim()).await;
    let ordered = world.auditor.post("/v1/appraisals", order(&claim)).await.ok();
    let path = format!("/v1/{}", ordered["name"].as_str().unwrap());
    let expert = expert(world, "A-01").await;
    world.appraiser.post(&format!("{path}:accept"), json!({"expert": expert})).await.ok();
    world.appraiser.post(&format!("{path}:start"), json!({})).await.ok();
    (claim, path)
}

/// The same, concluded.
pub(super) async fn concluded(world: &World) -> (String, String) {
    let (claim, path) = begun(world).await;
    world.appraiser.post(&format!("{path}:shareDraft"), json!({"draft": findings()})).await.ok();
    let fee = json!({"findings": findings(), "fee": cny(120_000)});
    world.appraiser.post(&format!("{path}:conclude"), fee).await.ok();
    (claim, path)
}

pub(super) async fn liable(client: &Client, path: &str, share: i64) -> crate::harness::client::Answer {
    let etag = client.get(path).await.ok()["etag"].clone();
    let shares = json!([
        {"party": "SUPPLIER", "supplier": "suppliers/SUP-017", "shareBp": share, "reason": "casting"},
        {"party": "OEM", "shareBp": 10_000 - share},
    ]);
    client.post(&format!("{path}:decideLiability"), json!({"etag": etag, "shares": shares})).await
}

/// A self-signed certificate and its key, as an expert brings them.
fn expert_key() -> (EcdsaKeyPair, String) {
    let key = rcgen::KeyPair::generate_for(&rcgen::PKCS_ECDSA_P256_SHA256).unwrap();
    let mut params = rcgen::CertificateParams::new(vec!["expert.example".to_owned()]).unwrap();
    params.not_before = rcgen::date_time_ymd(2026, 1, 1);
    params.not_after = rcgen::date_time_ymd(2027, 1, 1);
    let certificate = params.self_signed(&key).unwrap();
    let pair = EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, &key.serialize_der()).unwrap();
    (pair, STANDARD.encode(certificate.der()))
}

/// A detached JWS over a text.
fn detached((pair, certificate): &(EcdsaKeyPair, String), text: &str) -> String {
    signed_by(pair, std::slice::from_ref(certificate), text)
}

/// The same with a chain of certificates, the signer's first.
pub(super) fn signed_by(pair: &EcdsaKeyPair, chain: &[String], text: &str) -> String {
    let header = URL_SAFE_NO_PAD.encode(json!({"alg": "ES256", "x5c": chain}).to_string());
    let signed = format!("{header}.{}", URL_SAFE_NO_PAD.encode(text));
    let signature = pair.sign(&SystemRandom::new(), signed.as_bytes()).unwrap();
    format!("{header}..{}", URL_SAFE_NO_PAD.encode(signature))
}

/// Checks a compact JWS with a public key set and nothing else; answers what was signed.
fn verified(jws: &str, keys: &Value) -> Option<Value> {
    let parts: Vec<&str> = jws.split('.').collect();
    let decoded = |text: &str| URL_SAFE_NO_PAD.decode(text).ok();
    let header: Value = serde_json::from_slice(&decoded(parts[0])?).ok()?;
    let key = keys["keys"].as_array()?.iter().find(|key| key["kid"] == header["kid"])?;
    let mut point = vec![4_u8];
    for coordinate in ["x", "y"] {
        point.extend(decoded(key[coordinate].as_str()?)?);
    }
    let signed = format!("{}.{}", parts[0], parts[1]);
    let key = UnparsedPublicKey::new(&ECDSA_P256_SHA256_FIXED, point);
    key.verify(signed.as_bytes(), &decoded(parts[2])?).ok()?;
    serde_json::from_slice(&decoded(parts[1])?).ok()
}

fn failed(verification: &Value) -> Vec<&str> {
    let checks = verification["checks"].as_array().unwrap().iter();
    checks.filter(|check| check["passed"] != true).map(|check| check["kind"].as_str().unwrap()).collect()
}

on_both_databases! {
    async fn an_order_freezes_the_evidence_gives_sight_and_lets_the_claim_wait(server) {
        let world = World::load(&server).await;
        let claim = world.in_review(pump_claim()).await;
        let claim_path = format!("/v1/{claim}");
        world.appraiser.get(&claim_path).await.refused(404, "RESOURCE_NOT_FOUND");
        let ordered = world.auditor.post("/v1/appraisals", order(&claim)).await.ok();
        assert_eq!(ordered["state"], "REQUESTED");
        assert!(ordered["number"].as_str().unwrap().starts_with("AP-2611-"));
        let path = format!("/v1/{}", ordered["name"].as_str().unwrap());

        let waiting = world.station.get(&claim_path).await.ok();
        assert_eq!((waiting["awaitingAppraisal"].as_bool(), waiting["waitsFor"]["party"].as_str()), (Some(true), Some("APPRAISER")));
        let verdicts = json!([{"lineNumber": 1, "outcome": "APPROVED"}, {"lineNumber": 2, "outcome": "APPROVED"}]);
        let etag = world.auditor.get(&claim_path).await.ok()["etag"].clone();
        let decide = json!({"etag": etag, "lineDecisions": verdicts});
        world.auditor.post(&format!("{claim_path}:adjudicate"), decide).await.refused(400, "STATE_CONFLICT");
        let back = json!({"etag": etag, "reasons": [{"code": "EVIDENCE_MISSING"}]});
        world.auditor.post(&format!("{claim_path}:return"), back).await.refused(400, "STATE_CONFLICT");
        world.auditor.post("/v1/appraisals", order(&claim)).await.refused(400, "STATE_CONFLICT");

        let seen = world.appraiser.get(&claim_path).await.ok();
        for hidden in ["totals", "decisions", "createdBy", "auditor", "externalRepairOrder", "currency", "findings"] {
            assert!(seen.get(hidden).is_none(), "{hidden}: {seen:#}");
        }
        assert!(seen["lines"][0].get("computedAmount").is_none() && seen["lines"][0].get("unitPrice").is_none(), "{seen:#}");
        let trail = world.auditor.get(&format!("/v1/events?resource={claim}")).await.ok();
        assert_eq!(trail["events"].as_array().unwrap().last().unwrap()["verb"], "shared");
        world.other_appraiser.get(&path).await.refused(404, "RESOURCE_NOT_FOUND");
        world.other_station.get(&path).await.refused(404, "RESOURCE_NOT_FOUND");
        world.supplier.get(&path).await.refused(404, "RESOURCE_NOT_FOUND");
    }

    async fn the_evidence_pack_has_what_failed_and_nothing_of_prices_and_people(server) {
        let world = World::load(&server).await;
        let (_, path) = begun(&world).await;
        let pack = world.appraiser.get(&format!("{path}/evidencePack")).await.ok();
        assert_eq!(pack, world.auditor.get(&format!("{path}/evidencePack")).await.ok());
        let text = pack["items"].to_string();
        assert!(text.contains("fuel pump seized") && text.contains("P-1001"), "{pack:#}");
        for secret in ["450", "216", "RO-1", "S-001", "s001", "users/", "CNY"] {
            assert!(!text.contains(secret), "{secret} in {pack:#}");
        }
        let withheld = pack["withheld"].to_string();
        assert!(withheld.contains("customer") && withheld.contains("prices"), "{withheld}");
        world.station.get(&format!("{path}/evidencePack")).await.refused(403, "ROLE_NOT_ALLOWED");
        world.supplier.get(&format!("{path}/evidencePack")).await.refused(403, "ROLE_NOT_ALLOWED");
    }

    async fn an_appraiser_reads_the_vehicles_of_its_cases_and_no_other(server) {
        let world = World::load(&server).await;
        let all = world.auditor.get("/v1/vehicles").await.ok();
        let vins: Vec<_> = all["vehicles"].as_array().unwrap().iter().map(|one| one["vin"].as_str().unwrap().to_owned()).collect();
        for vin in &vins {
            world.appraiser.get(&format!("/v1/vehicles/{vin}")).await.refused(404, "RESOURCE_NOT_FOUND");
        }
        let (claim, _) = begun(&world).await;
        let own = world.auditor.get(&format!("/v1/{claim}")).await.ok()["vin"].as_str().unwrap().to_owned();
        let path = format!("/v1/vehicles/{own}");
        let vehicle = world.appraiser.get(&path).await.ok();
        assert_eq!(vehicle["vin"], *own);
        assert!(vehicle["sale"].get("price").is_none() && vehicle.get("ownershipPeriods").is_none(), "{vehicle:#}");
        let history = world.appraiser.get(&format!("{path}/history")).await.ok();
        let entries = history["entries"].as_array().unwrap();
        let of_claim = &entries.iter().find(|entry| entry.get("claim").is_some()).unwrap()["claim"];
        assert_eq!(of_claim["causalPart"], "parts/P-1001");
        for hidden in ["claim", "number", "station", "approvedAmount"] {
            assert!(of_claim.get(hidden).is_none(), "{hidden}: {of_claim:#}");
        }
        world.appraiser.get(&format!("{path}:checkCoverage?part=parts/P-1001&onDate=2026-11-16&odometerKm=21500")).await.ok();
        for other in vins.iter().filter(|vin| **vin != own) {
            world.appraiser.get(&format!("/v1/vehicles/{other}")).await.refused(404, "RESOURCE_NOT_FOUND");
        }
        world.other_appraiser.get(&path).await.refused(404, "RESOURCE_NOT_FOUND");
        world.appraiser.get("/v1/vehicles").await.refused(403, "ROLE_NOT_ALLOWED");
    }

    async fn the_clock_stands_while_the_appraiser_waits_for_information(server) {
        let world = World::load(&server).await;
        let (_, path) = begun(&world).await;
        let asked = world.appraiser.post(&format!("{path}:requestInformation"), json!({"text": "serial number?"})).await.ok();
        assert_eq!((asked["state"].as_str(), asked["dueTime"].as_str()), (Some("INFO_REQUESTED"), Some("2026-12-10T00:00:00Z")));
        let early = json!({"findings": findings()});
        world.appraiser.post(&format!("{path}:conclude"), early).await.refused(400, "STATE_CONFLICT");
        server.clock.advance(Duration::days(2));
        let answered = world.station.post(&format!("{path}:provideInformation"), json!({"text": "it has none"})).await.ok();
        assert_eq!((answered["state"].as_str(), answered["dueTime"].as_str()), (Some("IN_PROGRESS"), Some("2026-12-12T00:00:00Z")));
        assert_eq!(answered["pauses"][0]["answer"], "it has none");
    }

    async fn a_conclusion_is_verified_with_the_public_keys_only_and_so_is_the_experts_own(server) {
        let world = World::load(&server).await;
        let (_, path) = begun(&world).await;
        let key = expert_key();
        let mut conclude = json!({"findings": findings(), "validateOnly": true});
        let dry = world.appraiser.post(&format!("{path}:conclude"), conclude.clone()).await.ok();
        let payload = dry["conclusion"]["payload"].as_str().unwrap().to_owned();
        assert_eq!(world.appraiser.get(&path).await.ok()["state"], "IN_PROGRESS", "nothing was written");
        conclude["validateOnly"] = json!(false);
        conclude["expertSignature"] = json!(detached(&key, "something else"));
        let refused = world.appraiser.post(&format!("{path}:conclude"), conclude.clone()).await.refused(400, "INVALID_FIELDS");
        assert_eq!(refused["violations"][0]["field"], "expert_signature");
        conclude["expertSignature"] = json!(detached(&key, &payload));
        let done = world.appraiser.post(&format!("{path}:conclude"), conclude).await.ok();
        let conclusion = &done["conclusion"];
        assert_eq!(conclusion["payload"], json!(payload), "what was signed is what was told");

        let keys = world.anonymous.get("/.well-known/conclusion-keys.json").await.ok();
        let signed = verified(conclusion["signature"].as_str().unwrap(), &keys).expect("the public keys are enough");
        assert_eq!(signed["conclusion"], serde_json::from_str::<Value>(&payload).unwrap());
        assert_eq!(signed["expertSignature"], conclusion["expertSignature"]);
        server.running.api.rotate_conclusion_key().await.unwrap();
        let rotated = world.anonymous.get("/.well-known/conclusion-keys.json").await.ok();
        assert_eq!(rotated["keys"].as_array().map(Vec::len), Some(2));
        assert!(verified(conclusion["signature"].as_str().unwrap(), &rotated).is_some(), "old conclusions verify for ever");
        let others = json!({"keys": [rotated["keys"][0]]});
        assert!(verified(conclusion["signature"].as_str().unwrap(), &others).is_none(), "another key does not fit");

        for reader in [&world.auditor, &world.appraiser, &world.station] {
            let verification = reader.get(&format!("{path}:verify")).await.ok();
            assert_eq!(verification["valid"].as_bool(), Some(true), "{verification:#}");
            // Nobody is trusted in this world, and the expert has registered nothing: that is said, and is no fault.
            assert_eq!(failed(&verification), ["EXPERT_CHAIN", "EXPERT_BINDING"]);
            let outcomes = verification["checks"].as_array().unwrap().iter().map(|check| check["outcome"].as_str().unwrap());
            assert_eq!(outcomes.collect::<Vec<_>>(), [[ "PASSED"; 7].as_slice(), &["NOT_CHECKED"; 2]].concat());
        }
    }

    async fn verification_says_exactly_what_was_altered(server) {
        let world = World::load(&server).await;
        let (_, path) = concluded(&world).await;
        let id = path.rsplit('/').next().unwrap().replace('-', "");
        let key = if server.database.url.starts_with("sqlite:") { format!("X'{id}'") } else { format!("'{id}'") };
        let whole = world.auditor.get(&format!("{path}:verify")).await.ok();
        assert_eq!(whole["valid"], true, "{whole:#}");
        let update = format!("UPDATE appraisal SET body = REPLACE(body, 'porous casting', 'misuse') WHERE id = {key}");
        crate::operations::sql(&server.database.url, &update).await;
        let altered = world.auditor.get(&format!("{path}:verify")).await.ok();
        assert_eq!((altered["valid"].as_bool(), failed(&altered)), (None, vec!["PAYLOAD"]), "{altered:#}");
        let update = format!("UPDATE appraisal SET body = REPLACE(body, 'fuel pump seized', 'fuel pump abused') WHERE id = {key}");
        crate::operations::sql(&server.database.url, &update).await;
        let altered = world.auditor.get(&format!("{path}:verify")).await.ok();
        assert_eq!(failed(&altered), ["EVIDENCE_PACK", "PAYLOAD"], "{altered:#}");
    }

    async fn parties_see_the_draft_and_of_the_liability_only_their_own_share(server) {
        let world = World::load(&server).await;
        let (claim, path) = begun(&world).await;
        world.supplier.get(&path).await.refused(404, "RESOURCE_NOT_FOUND");
        let object = json!({"text": "they bid for our contract"});
        world.station.post(&format!("{path}:object"), object).await.ok();
        world.station.post(&format!("{path}:comment"), json!({"text": "early"})).await.refused(400, "STATE_CONFLICT");
        world.appraiser.post(&format!("{path}:shareDraft"), json!({"draft": findings()})).await.ok();
        world.supplier.post(&format!("{path}:comment"), json!({"text": "the alloy was yours"})).await.ok();
        let fee = json!({"findings": findings(), "fee": cny(120_000)});
        world.appraiser.post(&format!("{path}:conclude"), fee).await.ok();
        liable(&world.appraiser, &path, 7_000).await.refused(403, "ROLE_NOT_ALLOWED");
        liable(&world.auditor, &path, 7_000).await.ok();
        assert!(world.supplier.get(&path).await.ok().get("ownLiability").is_none(), "not before it is final");
        world.auditor.post(&format!("{path}:finalize"), json!({})).await.ok();

        let supplier = world.supplier.get(&path).await.ok();
        assert_eq!(supplier["ownLiability"]["shareBp"], 7_000);
        assert_eq!(supplier["conclusion"]["findings"]["rootCause"], "wrong alloy");
        let station = world.station.get(&path).await.ok();
        for (who, seen) in [("supplier", &supplier), ("station", &station)] {
            for hidden in ["liability", "fee", "orderedBy", "suppliers", "evidencePackHash", "expert"] {
                assert!(seen.get(hidden).is_none(), "{who} sees {hidden}: {seen:#}");
            }
            assert_eq!(seen["remarks"].as_array().map(Vec::len), Some(2));
            assert!(!seen["remarks"].to_string().contains("users/"), "{seen:#}");
        }
        let appraiser = world.appraiser.get(&path).await.ok();
        assert_eq!(appraiser["fee"], cny(120_000));
        assert!(appraiser.get("liability").is_none() && appraiser.get("orderedBy").is_none(), "{appraiser:#}");
        let auditor = world.auditor.get(&path).await.ok();
        assert_eq!(auditor["liability"]["shares"].as_array().map(Vec::len), Some(2));

        let of_claim = world.supplier.get(&format!("/v1/{claim}")).await.ok();
        assert_eq!(of_claim["causeDescription"], "fuel pump seized", "failure data is told");
        for hidden in ["totals", "decisions", "createdBy", "auditor", "externalRepairOrder", "externalRef", "coverage"] {
            assert!(of_claim.get(hidden).is_none(), "{hidden}: {of_claim:#}");
        }
        world.other_supplier.get(&format!("/v1/{claim}")).await.refused(404, "RESOURCE_NOT_FOUND");
        world.other_supplier.get(&path).await.refused(404, "RESOURCE_NOT_FOUND");
    }

    async fn who_ordered_an_appraisal_never_concludes_it(server) {
        let world = World::load(&server).await;
        let (_, path) = begun(&world).await;
        let user = world.auditor.get("/v1/users/me").await.ok()["name"].as_str().unwrap().to_owned();
        let moved = json!([{"organization": "appraisers/A-01", "roles": ["APPRAISER"]}]);
        world.admin.patch(&format!("/v1/{user}"), json!({"memberships": moved})).await.ok();
        let turned = world.anonymous.sign_in("auditor", crate::harness::world::PASSWORD).await;
        let conclude = json!({"findings": findings()});
        turned.post(&format!("{path}:conclude"), conclude).await.refused(403, "SAME_PERSON");
    }

    async fn a_second_opinion_names_the_first_and_takes_its_place_when_it_is_final(server) {
        let world = World::load(&server).await;
        let (claim, first) = concluded(&world).await;
        let another = json!({"appraiser": "appraisers/A-02", "dueTime": "2026-12-20T00:00:00Z", "reason": "doubt"});
        world.auditor.post(&format!("{first}:supersede"), another.clone()).await.refused(400, "STATE_CONFLICT");
        world.auditor.post(&format!("{first}:finalize"), json!({})).await.refused(400, "STATE_CONFLICT");
        liable(&world.auditor, &first, 7_000).await.ok();
        world.auditor.post(&format!("{first}:finalize"), json!({})).await.ok();
        assert!(world.auditor.get(&format!("/v1/{claim}")).await.ok().get("awaitingAppraisal").is_none());
        let ordered = world.auditor.post(&format!("{first}:supersede"), another).await.ok();
        assert_eq!(ordered["supersedes"], json!(first.trim_start_matches("/v1/")));
        assert_eq!(world.auditor.get(&first).await.ok()["state"], "FINAL", "it counts until the second is final");
        let second = format!("/v1/{}", ordered["name"].as_str().unwrap());
        let expert = expert(&world, "A-02").await;
        world.other_appraiser.post(&format!("{second}:accept"), json!({"expert": expert})).await.ok();
        world.other_appraiser.post(&format!("{second}:start"), json!({})).await.ok();
        world.other_appraiser.post(&format!("{second}:conclude"), json!({"findings": findings()})).await.ok();
        liable(&world.auditor, &second, 2_000).await.ok();
        world.auditor.post(&format!("{second}:finalize"), json!({})).await.ok();
        let replaced = world.auditor.get(&first).await.ok();
        assert_eq!((replaced["state"].as_str(), &replaced["supersededBy"]), (Some("SUPERSEDED"), &ordered["name"]));
        let intact = world.auditor.get(&format!("{first}:verify")).await.ok();
        assert_eq!(intact["valid"], true, "a supplement never overwrites: {intact:#}");
    }

    async fn an_appraisers_access_ends_some_days_after_the_end(server) {
        let world = World::load(&server).await;
        let (claim, path) = concluded(&world).await;
        liable(&world.auditor, &path, 7_000).await.ok();
        world.auditor.post(&format!("{path}:finalize"), json!({})).await.ok();
        server.clock.advance(Duration::days(29));
        server.running.api.enforce_deadlines().await.unwrap();
        world.appraiser.get(&path).await.ok();
        world.appraiser.get(&format!("/v1/{claim}")).await.ok();
        server.clock.advance(Duration::days(2));
        server.running.api.enforce_deadlines().await.unwrap();
        world.appraiser.get(&path).await.refused(404, "RESOURCE_NOT_FOUND");
        world.appraiser.get(&format!("/v1/{claim}")).await.refused(404, "RESOURCE_NOT_FOUND");
        world.appraiser.get(&format!("{path}/evidencePack")).await.refused(404, "RESOURCE_NOT_FOUND");
        let trail = world.auditor.get(&format!("/v1/events?resource={claim}")).await.ok();
        let last = trail["events"].as_array().unwrap().last().unwrap().clone();
        assert_eq!((last["verb"].as_str(), last["actor"].as_str()), (Some("unshared"), Some("jobs/appraisal-access")));
        world.supplier.get(&path).await.ok();
        let rows = server.running.api.store().verify_rows().await.unwrap();
        assert_eq!(rows.faults, [""; 0]);
    }

    async fn the_fee_of_a_final_appraisal_is_owed_to_its_appraiser_once(server) {
        let world = World::load(&server).await;
        let (claim, path) = concluded(&world).await;
        let balance = async |account: &str, appraiser: &str| {
            let all = world.finance.get("/v1/ledger:trialBalance?bySubAccount=true").await.ok();
            let rows = all["rows"].as_array().cloned().unwrap_or_default();
            let own = rows.iter().find(|row| row["account"] == account && row["subAccount"] == appraiser);
            own.map_or(Value::Null, |row| row["balance"].clone())
        };
        let intact = async || {
            let verified = world.finance.get("/v1/ledger:verify").await.ok();
            assert_eq!(verified["intact"], true, "{verified:#}");
        };
        assert_eq!(balance("liability:appraiser-accrued", "appraisers/A-01").await, Value::Null, "not taken yet");
        liable(&world.auditor, &path, 7_000).await.ok();
        let last = world.auditor.post(&format!("{path}:finalize"), json!({})).await.ok();
        assert_eq!(last["feeDate"], crate::harness::world::date("2026-11-20"));
        assert_eq!(world.appraiser.get(&path).await.ok()["feeDate"], last["feeDate"]);
        assert!(world.station.get(&path).await.ok().get("feeDate").is_none(), "what it cost is not the station's business");
        world.auditor.post(&format!("{path}:finalize"), json!({})).await.refused(400, "STATE_CONFLICT");
        assert_eq!(balance("expense:appraisal", "appraisers/A-01").await, cny(120_000));
        assert_eq!(balance("liability:appraiser-accrued", "appraisers/A-01").await, cny(-120_000));
        // The claim is not decided yet, and its books are verified all the same.
        intact().await;
        let entries = world.finance.get(&format!("/v1/ledger/entries?filter=claim%3D%22{claim}%22")).await.ok();
        let entry = &entries["entries"][0];
        assert_eq!((entry["event"].as_str(), entry["cause"].as_str()), (Some("appraisal_fee"), Some(format!("{}/fee", &path[4..]).as_str())));
        assert_eq!(entry["actor"], world.auditor.get("/v1/users/me").await.ok()["name"]);

        // A second opinion has a fee of its own, and takes nothing of the first.
        let another = json!({"appraiser": "appraisers/A-02", "dueTime": "2026-12-20T00:00:00Z", "reason": "doubt"});
        let ordered = world.auditor.post(&format!("{path}:supersede"), another).await.ok();
        let second = format!("/v1/{}", ordered["name"].as_str().unwrap());
        let expert = expert(&world, "A-02").await;
        world.other_appraiser.post(&format!("{second}:accept"), json!({"expert": expert})).await.ok();
        world.other_appraiser.post(&format!("{second}:start"), json!({})).await.ok();
        let charged = json!({"findings": findings(), "fee": cny(50_000)});
        world.other_appraiser.post(&format!("{second}:conclude"), charged).await.ok();
        liable(&world.auditor, &second, 2_000).await.ok();
        world.auditor.post(&format!("{second}:finalize"), json!({})).await.ok();
        assert_eq!(balance("liability:appraiser-accrued", "appraisers/A-01").await, cny(-120_000));
        assert_eq!(balance("liability:appraiser-accrued", "appraisers/A-02").await, cny(-50_000));
        intact().await;
        // What the ledger has is held against what the appraisal says.
        let update = r#"UPDATE appraisal SET body = REPLACE(body, '"minor":120000', '"minor":120001')"#;
        crate::operations::sql(&server.database.url, update).await;
        let verified = world.finance.get("/v1/ledger:verify").await.ok();
        assert_eq!(verified["differences"][0]["cause"], json!(format!("{}/fee", &path[4..])), "{verified:#}");
    }

    async fn a_case_that_ends_without_a_conclusion_costs_nothing(server) {
        let world = World::load(&server).await;
        let (_, path) = begun(&world).await;
        world.auditor.post(&format!("{path}:cancel"), json!({"text": "not needed"})).await.ok();
        let all = world.finance.get("/v1/ledger:trialBalance").await.ok();
        assert!(!all.to_string().contains("appraisal"), "{all:#}");
    }

    async fn a_repeated_order_is_one_order(server) {
        let world = World::load(&server).await;
        let claim = world.in_review(pump_claim()).await;
        let key = [("idempotency-key", "0199a1b2-0000-7000-8000-00000000aaaa")];
        let post = async || world.auditor.call(reqwest::Method::POST, "/v1/appraisals", Some(order(&claim)), &key).await.ok();
        let (first, again) = (post().await, post().await);
        assert_eq!(first["name"], again["name"]);
        let listed = world.auditor.get(&format!("/v1/appraisals?filter=claim%3D%22{claim}%22")).await.ok();
        assert_eq!(listed["appraisals"].as_array().map(Vec::len), Some(1));
        assert!(world.other_appraiser.get("/v1/appraisals").await.ok().get("appraisals").is_none());
    }
}
