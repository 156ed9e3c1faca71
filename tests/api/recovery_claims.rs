//! Recovery claims as the manufacturer and its suppliers use them, with the money that follows.

use chrono::Duration;
use recourse_domain::clock::Clock;
use serde_json::{Value, json};

use crate::harness::client::Client;
use crate::harness::world::{World, cny, date, pump_claim, setting};
use crate::on_both_databases;

/// The recovery claims of a claim, as the auditor lists them.
async fn recoveries(world: &World, claim: &str) -> Vec<Value> {
    let page = world.auditor.get(&format!("/v1/recoveryClaims?filter=claim%3D%22{claim}%22")).await.ok();
    page["recoveryClaims"].as_array().cloned().unwrap_or_default()
}

/// An approved claim with its one recovery claim: the claim's name, the recovery's path.
async fn arisen(world: &World, job: &str) -> (String, String) {
    let mut claim = pump_claim();
    claim["externalJob"] = json!(job);
    let name = world.in_review(claim).await;
    world.approved(&name).await;
    let all = recoveries(world, &name).await;
    assert_eq!(all.len(), 1, "{all:#?}");
    (name, format!("/v1/{}", all[0]["name"].as_str().unwrap()))
}

async fn issued(world: &World, job: &str) -> (String, String) {
    let (claim, path) = arisen(world, job).await;
    world.auditor.post(&format!("{path}:issue"), json!({"deliveryProof": "waybill 7"})).await.ok();
    (claim, path)
}

fn confirm() -> Value {
    json!([{"lineNumber": 1, "answer": "CONFIRM"}, {"lineNumber": 2, "answer": "CONFIRM"}])
}

async fn etag(client: &Client, path: &str) -> Value {
    client.get(path).await.ok()["etag"].clone()
}

async fn balance(world: &World, account: &str) -> Value {
    let balance = world.finance.get("/v1/ledger:trialBalance").await.ok();
    let rows = balance["rows"].as_array().cloned().unwrap_or_default();
    rows.iter().find(|row| row["account"] == account).map_or(json!(null), |row| row["balance"].clone())
}

async fn intact(world: &World) {
    let verified = world.finance.get("/v1/ledger:verify").await.ok();
    assert_eq!(verified["intact"], true, "{verified:#}");
    let totals = world.finance.get("/v1/ledger:trialBalance").await.ok();
    assert_eq!(totals["totals"][0]["balance"], cny(0));
}

on_both_databases! {
    async fn a_recovery_arises_by_the_share_agreement_and_is_posted_when_it_is_confirmed(server) {
        let world = World::load(&server).await;
        world.agree_on_recovery("SUP-017", true).await;
        let (claim, path) = arisen(&world, "1").await;
        let open = world.auditor.get(&path).await.ok();
        assert_eq!((open["state"].as_str(), open["basis"].as_str(), open["shareBp"].as_i64()), (Some("OPEN"), Some("SHARE_AGREEMENT"), Some(8_000)));
        // 1 × 380.00 × 80 % = 304.00; 216.00 × 80 % × 50 % = 86.40.
        assert_eq!((&open["lines"][0]["amount"], &open["lines"][1]["amount"]), (&cny(30_400), &cny(8_640)));
        assert_eq!(open["total"], cny(39_040));
        world.supplier.get(&path).await.refused(404, "RESOURCE_NOT_FOUND");
        assert_eq!(balance(&world, "income:recovery").await, json!(null), "nothing is booked before somebody agreed");

        world.auditor.post(&format!("{path}:issue"), json!({})).await.ok();
        let seen = world.supplier.get(&path).await.ok();
        assert_eq!(seen["answerDueTime"], "2026-12-05T02:00:00Z");
        let answered = world.supplier.post(&format!("{path}:answer"), json!({"lines": confirm()})).await.ok();
        assert_eq!((answered["state"].as_str(), &answered["confirmedTotal"]), (Some("CONFIRMED"), &cny(39_040)));
        world.supplier.post(&format!("{path}:answer"), json!({"lines": confirm()})).await.refused(400, "STATE_CONFLICT");
        assert_eq!(balance(&world, "asset:supplier-recoverable").await, cny(39_040));
        assert_eq!(balance(&world, "income:recovery").await, cny(-39_040));
        let entries = world.finance.get(&format!("/v1/ledger/entries?filter=claim%3D%22{claim}%22")).await.ok();
        assert_eq!(entries["entries"].as_array().map(Vec::len), Some(2), "the decision and the recovery");
        intact(&world).await;
        let rows = server.running.api.store().verify_rows().await.unwrap();
        assert_eq!(rows.faults, [""; 0]);
    }

    async fn a_supplier_sees_its_own_amounts_and_never_what_the_station_was_paid(server) {
        let world = World::load(&server).await;
        world.agree_on_recovery("SUP-017", true).await;
        let (claim, path) = issued(&world, "1").await;
        let seen = world.supplier.get(&path).await.ok();
        assert_eq!(seen["lines"][0]["recoveryPrice"], cny(38_000));
        for hidden in ["owner", "basisRef", "escalated", "pendingAnswer", "waiver", "ageDays"] {
            assert!(seen.get(hidden).is_none(), "{hidden}: {seen:#}");
        }
        assert!(seen["lines"][1].get("base").is_none(), "{seen:#}");
        let text = seen.to_string();
        for secret in ["users/", "S-001", "\"450\"", "\"216\""] {
            assert!(!text.contains(secret), "{secret} in {seen:#}");
        }
        let of_claim = world.supplier.get(&format!("/v1/{claim}")).await.ok();
        assert_eq!(of_claim["failureCode"], "failureCodes/F-101");
        for hidden in ["totals", "decisions", "createdBy", "auditor", "externalRepairOrder", "currency"] {
            assert!(of_claim.get(hidden).is_none(), "{hidden}: {of_claim:#}");
        }
        world.other_supplier.get(&path).await.refused(404, "RESOURCE_NOT_FOUND");
        world.station.get(&path).await.refused(403, "ROLE_NOT_ALLOWED");
        assert!(world.other_supplier.get("/v1/recoveryClaims").await.ok().get("recoveryClaims").is_none());
        world.supplier.get("/v1/recoveryClaims?filter=escalated%3Dtrue").await.refused(400, "INVALID_FILTER");
        // Asking for what is hidden, letter by letter, would tell it.
        for hidden in ["external_repair_order%3D%22R*%22", "external_ref%3D%22R*%22", "review_due_time%3E%222026-01-01T00:00:00Z%22"] {
            let asked = format!("/v1/claims?filter={hidden}");
            world.supplier.get(&asked).await.refused(400, "INVALID_FILTER");
            world.station.get(&asked).await.ok();
        }
        world.supplier.get("/v1/claims?filter=failure_code%3D%22F-101%22").await.ok();
        let trail = world.auditor.get(&format!("/v1/events?resource={claim}")).await.ok();
        assert_eq!(trail["events"].as_array().unwrap().last().unwrap()["verb"], "shared");
    }

    async fn the_share_of_a_final_appraisal_comes_before_the_agreement(server) {
        let world = World::load(&server).await;
        world.agree_on_recovery("SUP-017", true).await;
        world.agree_on_recovery("SUP-018", true).await;
        let claim = world.in_review(pump_claim()).await;
        let order = json!({
            "claim": claim, "appraiser": "appraisers/A-01", "questions": ["who?"], "dueTime": "2026-12-10T00:00:00Z",
            "suppliers": ["suppliers/SUP-017", "suppliers/SUP-018"],
        });
        let ordered = world.auditor.post("/v1/appraisals", order).await.ok();
        let path = format!("/v1/{}", ordered["name"].as_str().unwrap());
        let expert = world.admin.get("/v1/appraisers/A-01").await.ok()["experts"][0]["id"].clone();
        world.appraiser.post(&format!("{path}:accept"), json!({"expert": expert})).await.ok();
        world.appraiser.post(&format!("{path}:start"), json!({})).await.ok();
        let findings = json!({"coverage": "COVERED", "summary": "both", "causeContributions": [{"cause": "MATERIAL", "shareBp": 10_000}]});
        world.appraiser.post(&format!("{path}:conclude"), json!({"findings": findings})).await.ok();
        let shares = json!([
            {"party": "SUPPLIER", "supplier": "suppliers/SUP-017", "shareBp": 3_333},
            {"party": "SUPPLIER", "supplier": "suppliers/SUP-018", "shareBp": 3_333},
            {"party": "OEM", "shareBp": 3_334},
        ]);
        let etag = etag(&world.auditor, &path).await;
        world.auditor.post(&format!("{path}:decideLiability"), json!({"etag": etag, "shares": shares})).await.ok();
        world.auditor.post(&format!("{path}:finalize"), json!({})).await.ok();
        world.approved(&claim).await;
        let all = recoveries(&world, &claim).await;
        let mut found: Vec<_> = all
            .iter()
            .map(|recovery| (recovery["supplier"].as_str().unwrap(), recovery["basis"].as_str().unwrap(), recovery["lines"][0]["amount"].clone()))
            .collect();
        found.sort_by_key(|(supplier, ..)| *supplier);
        // 380.00 in three parts: floors, then the one fen that is left by largest remainder, ties in list order; 126.69
        // stay with the manufacturer.
        assert_eq!(found, [
            ("suppliers/SUP-017", "APPRAISAL", cny(12_666)),
            ("suppliers/SUP-018", "APPRAISAL", cny(12_665)),
        ]);
    }

    async fn unresolved_liability_waits_in_a_queue_with_owner_and_age_until_it_is_assigned(server) {
        let world = World::load(&server).await;
        let (_, path) = arisen(&world, "1").await;
        server.clock.advance(Duration::days(3));
        let queue = world.finance.get("/v1/recoveryClaims?filter=state%3D%22UNRESOLVED%22").await.ok();
        let waiting = &queue["recoveryClaims"][0];
        assert_eq!((waiting["unresolved"].as_str(), waiting["ageDays"].as_i64()), (Some("NO_SHARE_AGREEMENT"), Some(3)));
        assert_eq!(waiting["owner"], world.auditor.get("/v1/users/me").await.ok()["name"]);
        world.auditor.post(&format!("{path}:issue"), json!({})).await.refused(400, "STATE_CONFLICT");
        let assign = |etag: Value| json!({"etag": etag, "supplier": "suppliers/SUP-017", "shareBp": 5_000, "reason": "their lot"});
        let tag = etag(&world.auditor, &path).await;
        let refused = world.auditor.post(&format!("{path}:assign"), assign(tag.clone())).await.refused(400, "INVALID_FIELDS");
        assert_eq!(refused["violations"][0]["reason"], "NOT_CHARGEABLE", "no contract is in force");
        world.agree_on_recovery("SUP-017", true).await;
        let open = world.auditor.post(&format!("{path}:assign"), assign(tag)).await.ok();
        assert_eq!((open["state"].as_str(), open["basis"].as_str()), (Some("OPEN"), Some("ASSIGNED")));
        // 380.00 × 50 % + 216.00 × 50 % × 50 %.
        assert_eq!(open["total"], cny(24_400));
        intact(&world).await;
    }

    async fn an_answer_on_behalf_needs_a_letter_and_a_second_person(server) {
        let world = World::load(&server).await;
        world.agree_on_recovery("SUP-017", true).await;
        let (_, path) = issued(&world, "1").await;
        world.finance.post(&format!("{path}:answer"), json!({"lines": confirm()})).await.refused(400, "INVALID_FIELDS");
        let record = json!({"lines": confirm(), "letter": "letter of 18 November"});
        let pending = world.finance.post(&format!("{path}:answer"), record).await.ok();
        assert_eq!((pending["state"].as_str(), pending["pendingAnswer"]["letter"].as_str()), (Some("ISSUED"), Some("letter of 18 November")));
        assert_eq!(balance(&world, "income:recovery").await, json!(null));
        let step = json!({"etag": pending["etag"]});
        world.finance.post(&format!("{path}:confirmAnswer"), step.clone()).await.refused(403, "SAME_PERSON");
        let confirmed = world.auditor.post(&format!("{path}:confirmAnswer"), step).await.ok();
        assert_eq!(confirmed["state"], "CONFIRMED");
        assert_eq!(balance(&world, "income:recovery").await, cny(-39_040));
        intact(&world).await;
    }

    async fn many_are_answered_in_one_step_or_none(server) {
        let world = World::load(&server).await;
        world.agree_on_recovery("SUP-017", true).await;
        let (_, first) = issued(&world, "1").await;
        let (_, second) = issued(&world, "2").await;
        let one = |path: &str, lines: Value| json!({"name": path.trim_start_matches("/v1/"), "lines": lines});
        let bad = json!({"requests": [one(&first, confirm()), one(&second, json!([{"lineNumber": 1, "answer": "CONFIRM"}]))]});
        world.supplier.post("/v1/recoveryClaims:batchAnswer", bad).await.refused(400, "INVALID_FIELDS");
        assert_eq!(world.supplier.get(&first).await.ok()["state"], "ISSUED", "none of them was written");
        let good = json!({"requests": [one(&first, confirm()), one(&second, confirm())], "requestId": "0199a1b2-0000-7000-8000-00000000bbbb"});
        let done = world.supplier.post("/v1/recoveryClaims:batchAnswer", good.clone()).await.ok();
        let states: Vec<_> = done["recoveryClaims"].as_array().unwrap().iter().map(|one| one["state"].as_str().unwrap()).collect();
        assert_eq!(states, ["CONFIRMED", "CONFIRMED"]);
        let again = world.supplier.post("/v1/recoveryClaims:batchAnswer", good).await.ok();
        assert_eq!(again, done, "a repeat has no further effect");
        assert_eq!(balance(&world, "income:recovery").await, cny(-78_080));
        world.other_supplier.post("/v1/recoveryClaims:batchAnswer", json!({"requests": [one(&first, confirm())]})).await.refused(404, "RESOURCE_NOT_FOUND");
        intact(&world).await;
    }

    async fn a_waiver_takes_two_people_and_turns_income_into_an_expense(server) {
        let world = World::load(&server).await;
        world.agree_on_recovery("SUP-017", true).await;
        let (_, path) = issued(&world, "1").await;
        world.supplier.post(&format!("{path}:answer"), json!({"lines": confirm()})).await.ok();
        let nothing = json!({"etag": etag(&world.finance, &path).await});
        world.finance.post(&format!("{path}:confirmWaiver"), nothing).await.refused(400, "STATE_CONFLICT");
        let ask = json!({"etag": etag(&world.finance, &path).await, "reason": "insolvent"});
        let asked = world.finance.post(&format!("{path}:waive"), ask).await.ok();
        let step = json!({"etag": asked["etag"]});
        world.finance.post(&format!("{path}:confirmWaiver"), step.clone()).await.refused(403, "SAME_PERSON");
        world.supplier.post(&format!("{path}:confirmWaiver"), step.clone()).await.refused(403, "ROLE_NOT_ALLOWED");
        let waived = world.auditor.post(&format!("{path}:confirmWaiver"), step).await.ok();
        assert_eq!(waived["state"], "WAIVED");
        assert_eq!(balance(&world, "expense:recovery-waived").await, cny(39_040));
        assert_eq!(balance(&world, "asset:supplier-recoverable").await, cny(0));
        intact(&world).await;
    }

    async fn a_small_amount_is_waived_by_one_person(server) {
        let world = World::load(&server).await;
        world.agree_on_recovery("SUP-017", true).await;
        let limit = async |code: &str, days: i64, minor: i64| {
            let mut setting = setting();
            let day = (server.clock.now() + Duration::days(days)).date_naive().to_string();
            setting["validFrom"] = date(&day);
            setting["waiverLimits"] = json!([cny(minor)]);
            world.admin.post(&format!("/v1/settings?settingId={code}"), setting).await.ok();
        };
        limit("LOW", 2, 39_039).await;
        limit("HIGH", 4, 39_040).await;
        let (_, first) = issued(&world, "1").await;
        let (_, second) = issued(&world, "2").await;
        world.supplier.post(&format!("{second}:answer"), json!({"lines": confirm()})).await.ok();
        let waive = async |path: &str| {
            let ask = json!({"etag": etag(&world.finance, path).await, "reason": "not worth a letter"});
            world.finance.post(&format!("{path}:waive"), ask).await.ok()
        };
        server.clock.advance(Duration::days(3));
        assert_eq!(waive(&first).await["state"], "ISSUED", "one fen too much: a second person confirms it");
        server.clock.advance(Duration::days(2));
        let waived = waive(&second).await;
        let me = world.finance.get("/v1/users/me").await.ok()["name"].clone();
        assert_eq!((waived["state"].as_str(), &waived["waiver"]["confirmedBy"]), (Some("WAIVED"), &me));
        assert_eq!(balance(&world, "expense:recovery-waived").await, cny(39_040));
        intact(&world).await;
    }

    async fn of_confirmation_and_dispute_at_once_one_stands(server) {
        let second = server.beside().await;
        let world = World::load(&server).await;
        let there = World::load(&second).await;
        world.agree_on_recovery("SUP-017", true).await;
        let lines = [1, 2].map(|line| json!({"lineNumber": line, "answer": "DISPUTE", "reason": "not ours"}));
        let dispute = json!({"lines": lines});
        let mut expected = 0;
        for number in 1..4 {
            let (_, path) = issued(&world, &number.to_string()).await;
            let url = format!("{path}:answer");
            let (yes, no) = tokio::join!(
                world.supplier.post(&url, json!({"lines": confirm()})),
                there.supplier.post(&url, dispute.clone()),
            );
            assert_eq!([yes.status, no.status].iter().filter(|status| **status == 200).count(), 1, "{} {}", yes.status, no.status);
            let lost = if yes.status == 200 { &no } else { &yes };
            assert!(["STATE_CONFLICT", "STALE_ETAG", "INVALID_FIELDS"].contains(&lost.body["reason"].as_str().unwrap()), "{:#}", lost.body);
            let state = world.auditor.get(&path).await.ok()["state"].clone();
            assert_eq!(state, if yes.status == 200 { "CONFIRMED" } else { "DISPUTED" });
            expected += if yes.status == 200 { 39_040 } else { 0 };
        }
        let stands = if expected == 0 { json!(null) } else { cny(-expected) };
        assert_eq!(balance(&world, "income:recovery").await, stands);
        intact(&world).await;
    }

    async fn of_two_second_people_one_confirms_a_recorded_answer(server) {
        let second = server.beside().await;
        let world = World::load(&server).await;
        let there = World::load(&second).await;
        world.agree_on_recovery("SUP-017", true).await;
        let (_, path) = issued(&world, "1").await;
        let record = json!({"lines": confirm(), "letter": "letter of 18 November"});
        let pending = world.finance.post(&format!("{path}:answer"), record).await.ok();
        let step = json!({"etag": pending["etag"]});
        let url = format!("{path}:confirmAnswer");
        let (one, other) = tokio::join!(world.auditor.post(&url, step.clone()), there.second_auditor.post(&url, step));
        assert_eq!([one.status, other.status].iter().filter(|status| **status == 200).count(), 1, "{} {}", one.status, other.status);
        assert_eq!(balance(&world, "income:recovery").await, cny(-39_040));
        intact(&world).await;
    }

    async fn a_supplier_of_another_currency_is_charged_at_the_rate_of_the_repair(server) {
        let world = World::load(&server).await;
        let (claim, path) = arisen(&world, "1").await;
        let eur = |units: i64, nanos: i64| json!({"currencyCode": "EUR", "units": units.to_string(), "nanos": nanos});
        let contract = json!({
            "validFrom": date("2024-01-01"), "partFactorBp": 10_000, "laborFactorBp": 5_000, "travelFactorBp": 0,
            "otherFactorBp": 0, "answerDays": 15, "minimum": eur(10, 0),
        });
        let supplier = json!({"displayName": "Pumpen GmbH", "currency": "EUR", "recoveryContracts": [contract]});
        world.admin.post("/v1/suppliers?supplierId=SUP-EUR", supplier).await.ok();
        let assign = json!({"supplier": "suppliers/SUP-EUR", "shareBp": 8_000, "reason": "their lot", "etag": etag(&world.auditor, &path).await});
        let refused = world.auditor.post(&format!("{path}:assign"), assign.clone()).await.refused(400, "INVALID_FIELDS");
        assert_eq!(refused["violations"][0]["reason"], "NOT_CHARGEABLE", "no rate is in force");
        let rate = json!({"baseCurrency": "CNY", "quoteCurrency": "EUR", "rate": {"value": "0.12845"}, "validFrom": date("2026-11-01"), "source": "PBOC"});
        world.station.post("/v1/exchangeRates?exchangeRateId=CNY-EUR", rate.clone()).await.refused(403, "ROLE_NOT_ALLOWED");
        let mut wrong = rate.clone();
        wrong["rate"] = json!({"value": "0.1234567"});
        world.admin.post("/v1/exchangeRates?exchangeRateId=CNY-EUR", wrong).await.refused(400, "INVALID_FIELDS");
        world.admin.post("/v1/exchangeRates?exchangeRateId=CNY-EUR", rate).await.ok();
        let changed = world.admin.patch("/v1/exchangeRates/CNY-EUR", json!({"rate": {"value": "0.2"}})).await;
        assert_eq!(changed.refused(400, "INVALID_FIELDS")["violations"][0]["reason"], "IN_FORCE");
        let open = world.auditor.post(&format!("{path}:assign"), assign).await.ok();
        assert_eq!(open["exchange"], json!({"exchangeRate": "exchangeRates/CNY-EUR", "rate": {"value": "0.128450"}, "baseUnits": "1", "date": date("2026-11-17")}));
        // 450.00 at 0.12845 are 57.80, of which 80 %; 216.00 are 27.75, of which 80 % and half.
        assert_eq!((&open["lines"][0]["amount"], &open["lines"][1]["amount"]), (&eur(46, 240_000_000), &eur(11, 100_000_000)));
        world.auditor.post(&format!("{path}:issue"), json!({})).await.ok();
        let record = json!({"lines": confirm(), "letter": "letter of 18 November"});
        let pending = world.finance.post(&format!("{path}:answer"), record).await.ok();
        world.auditor.post(&format!("{path}:confirmAnswer"), json!({"etag": pending["etag"]})).await.ok();
        let verified = world.finance.get("/v1/ledger:verify").await.ok();
        assert_eq!(verified["intact"], true, "{verified:#}");
        let totals = world.finance.get("/v1/ledger:trialBalance").await.ok();
        let sums: Vec<_> = totals["totals"].as_array().unwrap().iter().map(|total| total["debit"]["currencyCode"].as_str().unwrap()).collect();
        assert_eq!(sums, ["CNY", "EUR"], "each currency balances by itself");
        let income = totals["rows"].as_array().unwrap().iter().find(|row| row["account"] == "income:recovery").unwrap().clone();
        assert_eq!(income["credit"], eur(57, 340_000_000));
        let entries = world.finance.get(&format!("/v1/ledger/entries?filter=claim%3D%22{claim}%22")).await.ok();
        assert_eq!(entries["entries"].as_array().map(Vec::len), Some(2));
    }

    async fn suppliers_that_can_not_be_told_apart_bear_their_quotas_where_they_agreed(server) {
        let world = World::load(&server).await;
        for (supplier, quota) in [("SUP-017", 6_000), ("SUP-018", 4_000)] {
            world.agree_on_recovery(supplier, true).await;
            let supply = json!({
                "part": "parts/P-1001", "supplier": format!("suppliers/{supplier}"), "validFrom": date("2020-01-01"), "quotaBp": quota,
            });
            world.admin.post(&format!("/v1/partSupplies?partSupplyId=PS-{supplier}"), supply).await.ok();
        }
        let waiting = arisen(&world, "1").await.1;
        assert_eq!(world.auditor.get(&waiting).await.ok()["unresolved"], "SEVERAL_SUPPLIERS");
        for supplier in ["SUP-017", "SUP-018"] {
            let agreement = json!({
                "part": "parts/P-1001", "supplier": format!("suppliers/{supplier}"), "validFrom": date("2026-11-01"),
                "shareBp": 8_000, "byQuota": true,
            });
            world.admin.post(&format!("/v1/shareAgreements?shareAgreementId=SQ-{supplier}"), agreement).await.ok();
        }
        let mut again = pump_claim();
        again["externalJob"] = json!("2");
        let claim = world.in_review(again).await;
        world.approved(&claim).await;
        let mut shares: Vec<_> = recoveries(&world, &claim)
            .await
            .iter()
            .map(|one| (one["supplier"].as_str().unwrap().to_owned(), one["shareBp"].as_i64().unwrap(), one["lines"][0]["amount"].clone()))
            .collect();
        shares.sort_by_key(|(supplier, ..)| supplier.clone());
        // 380.00 at 80 % of 60 % and of 40 %.
        assert_eq!(shares, [
            ("suppliers/SUP-017".to_owned(), 4_800, cny(18_240)),
            ("suppliers/SUP-018".to_owned(), 3_200, cny(12_160)),
        ]);
    }

    async fn what_silence_and_rules_post_names_the_job_that_acted(server) {
        let world = World::load(&server).await;
        world.agree_on_recovery("SUP-017", true).await;
        let (claim, path) = arisen(&world, "1").await;
        world.auditor.post(&format!("{path}:issue"), json!({"deliveryProof": "EMS 1"})).await.ok();
        server.clock.advance(Duration::days(16));
        server.running.api.enforce_deadlines().await.unwrap();
        assert_eq!(world.auditor.get(&path).await.ok()["state"], "DEEMED_CONFIRMED");
        let entries = world.finance.get(&format!("/v1/ledger/entries?filter=claim%3D%22{claim}%22")).await.ok();
        let actors: Vec<_> = entries["entries"].as_array().unwrap().iter().map(|entry| (entry["event"].as_str().unwrap(), entry["actor"].as_str().unwrap())).collect();
        let me = world.auditor.get("/v1/users/me").await.ok()["name"].as_str().unwrap().to_owned();
        assert_eq!(actors, [("recovery_confirmed", "jobs/supplier-silence"), ("claim_decided", me.as_str())]);
    }

    async fn what_goes_to_another_supplier_becomes_a_recovery_of_its_own(server) {
        let world = World::load(&server).await;
        world.agree_on_recovery("SUP-017", true).await;
        world.agree_on_recovery("SUP-018", true).await;
        let (claim, path) = issued(&world, "1").await;
        let answer = json!({"lines": [
            {"lineNumber": 1, "answer": "REROUTE", "supplier": "suppliers/SUP-018", "reason": "their pump"},
            {"lineNumber": 2, "answer": "COUNTER", "shareBp": 4_000, "reason": "too many hours"},
        ]});
        let disputed = world.supplier.post(&format!("{path}:answer"), answer).await.ok();
        assert_eq!(disputed["state"], "DISPUTED");
        let decide = json!({"etag": etag(&world.auditor, &path).await, "reason": "agreed", "lines": [
            {"lineNumber": 1, "supplier": "suppliers/SUP-018"}, {"lineNumber": 2, "shareBp": 4_000},
        ]});
        world.auditor.post(&format!("{path}:resolve"), decide.clone()).await.refused(403, "SAME_PERSON");
        let resolved = world.second_auditor.post(&format!("{path}:resolve"), decide).await.ok();
        // 216.00 × 40 % × 50 %.
        assert_eq!((resolved["state"].as_str(), &resolved["confirmedTotal"]), (Some("PARTLY_CONFIRMED"), &cny(4_320)));
        let all = recoveries(&world, &claim).await;
        let other = all.iter().find(|one| one["supplier"] == "suppliers/SUP-018").expect("a recovery of its own");
        assert_eq!((other["basis"].as_str(), &other["total"]), (Some("REROUTED"), &cny(30_400)));
        intact(&world).await;
    }

    async fn who_is_asked_for_a_second_recovery_of_a_claim_has_one_contract_for_both(server) {
        let world = World::load(&server).await;
        for (supplier, quota) in [("SUP-017", 5_000), ("SUP-018", 5_000)] {
            world.agree_on_recovery(supplier, true).await;
            let supplier_name = format!("suppliers/{supplier}");
            let supply = json!({"part": "parts/P-1001", "supplier": supplier_name, "validFrom": date("2020-01-01"), "quotaBp": quota});
            world.admin.post(&format!("/v1/partSupplies?partSupplyId=PS-{supplier}"), supply).await.ok();
            let agreement = json!({
                "part": "parts/P-1001", "supplier": supplier_name, "validFrom": date("2026-11-01"), "shareBp": 8_000, "byQuota": true,
            });
            world.admin.post(&format!("/v1/shareAgreements?shareAgreementId=SQ-{supplier}"), agreement).await.ok();
        }
        // 20.00 for handling, and 250.00 at most for a claim.
        let contract = json!({
            "validFrom": date("2024-02-01"), "partFactorBp": 10_000, "laborFactorBp": 5_000, "travelFactorBp": 0, "otherFactorBp": 0,
            "answerDays": 15, "deemedClause": true, "handlingFee": {"fixedAmount": cny(2_000)}, "ceilingPerClaim": cny(25_000),
            "partCategory": "ENGINE",
        });
        let mut contracts = world.admin.get("/v1/suppliers/SUP-018").await.ok()["recoveryContracts"].as_array().cloned().unwrap();
        contracts.push(contract);
        world.admin.patch("/v1/suppliers/SUP-018", json!({"recoveryContracts": contracts})).await.ok();
        let claim = world.in_review(pump_claim()).await;
        world.approved(&claim).await;
        let of = async |supplier: &str, basis: &str| {
            let all = recoveries(&world, &claim).await;
            let found = all.iter().find(|one| one["supplier"] == supplier && one["basis"] == basis).cloned();
            found.unwrap_or_else(|| panic!("{supplier} {basis}: {all:#?}"))
        };
        let path = |one: &Value| format!("/v1/{}", one["name"].as_str().unwrap());
        // 380.00 × 40 %, 216.00 × 40 % × 50 %, and the fee: 152.00 + 43.20 + 20.00.
        let own = of("suppliers/SUP-018", "SHARE_AGREEMENT").await;
        assert_eq!((&own["total"], &own["handlingFee"]), (&cny(21_520), &cny(2_000)));
        let first = path(&of("suppliers/SUP-017", "SHARE_AGREEMENT").await);
        world.auditor.post(&format!("{first}:issue"), json!({"deliveryProof": "waybill 7"})).await.ok();
        let answer = json!({"lines": [
            {"lineNumber": 1, "answer": "REROUTE", "supplier": "suppliers/SUP-018", "reason": "their pump"},
            {"lineNumber": 2, "answer": "CONFIRM"},
        ]});
        world.supplier.post(&format!("{first}:answer"), answer).await.ok();
        let decide = json!({"etag": etag(&world.auditor, &first).await, "reason": "agreed", "lines": [{"lineNumber": 1, "supplier": "suppliers/SUP-018"}]});
        world.second_auditor.post(&format!("{first}:resolve"), decide).await.ok();
        // 152.00 more are asked for: of the ceiling 34.80 are left, and the fee was charged.
        let rerouted = of("suppliers/SUP-018", "REROUTED").await;
        assert_eq!((&rerouted["total"], &rerouted["capped"]), (&cny(3_480), &json!(true)), "{rerouted:#}");
        assert!(rerouted.get("handlingFee").is_none_or(|fee| fee == &cny(0)), "{rerouted:#}");
        // The first falls to its labour: so much more is left for the second.
        let own = path(&own);
        world.auditor.post(&format!("{own}:issue"), json!({"deliveryProof": "waybill 8"})).await.ok();
        let answer = json!({"lines": [
            {"lineNumber": 1, "answer": "DISPUTE", "reason": "not ours"}, {"lineNumber": 2, "answer": "CONFIRM"},
        ]});
        world.other_supplier.post(&format!("{own}:answer"), answer).await.ok();
        assert_eq!(of("suppliers/SUP-018", "REROUTED").await["total"], cny(3_480), "nothing is decided yet");
        let decide = json!({"etag": etag(&world.auditor, &own).await, "reason": "agreed", "lines": [{"lineNumber": 1, "shareBp": 0}]});
        world.second_auditor.post(&format!("{own}:resolve"), decide).await.ok();
        let after = of("suppliers/SUP-018", "REROUTED").await;
        assert_eq!((&after["total"], after.get("capped")), (&cny(15_200), None), "43.20 and 20.00 of 250.00 are taken");
        intact(&world).await;
        assert_eq!(server.running.api.store().verify_rows().await.unwrap().faults, [""; 0]);
    }

    async fn a_recorded_answer_that_nobody_confirms_stops_silence_for_a_while_only(server) {
        let world = World::load(&server).await;
        world.agree_on_recovery("SUP-017", true).await;
        let (_, path) = issued(&world, "1").await;
        let letter = json!({"letter": "letter 9", "lines": [
            {"lineNumber": 1, "answer": "DISPUTE", "reason": "misuse"}, {"lineNumber": 2, "answer": "CONFIRM"},
        ]});
        world.auditor.post(&format!("{path}:answer"), letter).await.ok();
        let state = async || world.auditor.get(&path).await.ok()["state"].clone();
        // 15 days are the supplier's, and 14 more the second person's.
        for (days, expected) in [(16, "ISSUED"), (13, "ISSUED"), (1, "DEEMED_CONFIRMED")] {
            server.clock.advance(Duration::days(days));
            server.running.api.enforce_deadlines().await.unwrap();
            assert_eq!(state().await, expected);
        }
        assert!(world.auditor.get(&path).await.ok().get("pendingAnswer").is_none());
        assert_eq!(balance(&world, "income:recovery").await, cny(-39_040));
        intact(&world).await;
        assert_eq!(server.running.api.store().verify_rows().await.unwrap().faults, [""; 0]);
    }

    async fn two_answers_at_once_post_once(server) {
        let world = World::load(&server).await;
        world.agree_on_recovery("SUP-017", true).await;
        let (_, path) = issued(&world, "1").await;
        let url = format!("{path}:answer");
        let answers = futures::future::join_all((0..4).map(|_| world.supplier.post(&url, json!({"lines": confirm()})))).await;
        assert_eq!(answers.iter().filter(|answer| answer.status == 200).count(), 1);
        assert_eq!(balance(&world, "income:recovery").await, cny(-39_040));
        intact(&world).await;
    }

    async fn the_ledger_is_held_against_the_recoveries_too(server) {
        let world = World::load(&server).await;
        world.agree_on_recovery("SUP-017", true).await;
        let (_, path) = issued(&world, "1").await;
        world.supplier.post(&format!("{path}:answer"), json!({"lines": confirm()})).await.ok();
        intact(&world).await;
        let update = r#"UPDATE recovery_claim SET body = REPLACE(body, '"minor":39040', '"minor":39041')"#;
        crate::operations::sql(&server.database.url, update).await;
        let verified = world.finance.get("/v1/ledger:verify").await.ok();
        assert!(verified.get("intact").is_none(), "{verified:#}");
        let kinds: Vec<_> = verified["differences"].as_array().unwrap().iter().map(|one| one["kind"].as_str().unwrap()).collect();
        assert!(kinds.contains(&"AMOUNT"), "{verified:#}");
    }
}
