//! What proves a claim: found at submission, frozen by it.

use serde_json::{Value, json};

use super::attachments::{piece, png, sent, sha256};
use crate::harness::world::{World, date, pump_claim};
use crate::on_both_databases;

/// `(code, severity, field)` of the findings of a dry submission, as far as they are about evidence.
async fn found(world: &World, claim: &str) -> Vec<(String, String, String)> {
    let answer = world.station.post(&format!("/v1/{claim}:submit"), json!({"validateOnly": true})).await.ok();
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let findings = answer["findings"].as_array().cloned().unwrap_or_default();
    findings
        .iter()
        .filter(|finding| text(&finding["code"]).contains("EVIDENCE") || text(&finding["code"]).contains("ATTACHMENT"))
        .map(|finding| (text(&finding["code"]), text(&finding["severity"]), text(&finding["field"])))
        .collect()
}

fn finding(code: &str, severity: &str, field: &str) -> (String, String, String) {
    (code.to_owned(), severity.to_owned(), field.to_owned())
}

async fn drafted(world: &World, repair_order: &str, evidence: &[&str]) -> String {
    let mut claim = pump_claim();
    claim["externalRepairOrder"] = json!(repair_order);
    claim["evidence"] = json!(evidence);
    world.station.post("/v1/claims", claim).await.ok()["name"].as_str().unwrap().to_owned()
}

on_both_databases! {
    async fn evidence_is_there_is_ones_own_and_is_frozen(server) {
        let world = World::load(&server).await;
        let (base, photo) = (server.base.as_str(), png(64, 64, 1, 2_000));
        let own = sent(&world.station, base, json!({"category": "PHOTO"}), &photo).await;
        let foreign = sent(&world.other_station, base, json!({"category": "PHOTO"}), &png(64, 64, 2, 2_000)).await;
        let later = json!({"category": "PHOTO", "sizeBytes": "2000"});
        let late = world.station.post("/v1/attachments", later).await.ok()["name"].as_str().unwrap().to_owned();
        let claim = drafted(&world, "RO-1", &[&own, &foreign, &late, "photo.jpg"]).await;
        let expected = [
            finding("UNKNOWN_ATTACHMENT", "ERROR", "evidence[1]"),
            finding("EVIDENCE_NOT_UPLOADED", "WARNING", "evidence[2]"),
            finding("UNKNOWN_ATTACHMENT", "ERROR", "evidence[3]"),
        ];
        assert_eq!(found(&world, &claim).await, expected);
        world.station.post(&format!("/v1/{claim}:submit"), json!({})).await.refused(400, "CLAIM_HAS_ERRORS");
        let put = piece(&world.station, base, late.trim_start_matches("attachments/"), 0, &png(64, 64, 3, 2_000), &[]).await;
        assert_eq!(put.status, 204);
        world.station.patch(&format!("/v1/{claim}"), json!({"evidence": [own, late]})).await.ok();
        assert_eq!(found(&world, &claim).await, []);
        world.station.post(&format!("/v1/{own}:link"), json!({"claim": claim})).await.ok();
        world.station.post(&format!("/v1/{claim}:submit"), json!({})).await.ok();
        let revision = world.auditor.get(&format!("/v1/{claim}/revisions/1")).await.ok();
        let frozen: Vec<(&str, &str)> = revision["frozenEvidence"]
            .as_array()
            .unwrap()
            .iter()
            .map(|one| (one["attachment"].as_str().unwrap(), one["sha256"].as_str().unwrap()))
            .collect();
        assert!(frozen.len() == 2 && frozen.contains(&(own.as_str(), sha256(&photo).as_str())), "{frozen:?}");
        // What a submission rests on stays with its claim.
        world.station.post(&format!("/v1/{own}:link"), json!({})).await.refused(400, "STATE_CONFLICT");
        world.station.post(&format!("/v1/{own}:link"), json!({"claim": claim})).await.ok();
    }

    async fn a_file_that_proves_another_claim_is_found(server) {
        let world = World::load(&server).await;
        let (base, photo) = (server.base.as_str(), png(64, 64, 4, 2_000));
        let first = sent(&world.station, base, json!({"category": "PHOTO"}), &photo).await;
        let claimed = drafted(&world, "RO-1", &[&first]).await;
        world.station.post(&format!("/v1/{claimed}:submit"), json!({})).await.ok();
        let number = world.station.get(&format!("/v1/{claimed}")).await.ok()["number"].as_str().unwrap().to_owned();
        // The same bytes under another name.
        let again = sent(&world.station, base, json!({"category": "PHOTO", "fileName": "other.png"}), &photo).await;
        let second = drafted(&world, "RO-2", &[&again]).await;
        assert_eq!(found(&world, &second).await, [finding("EVIDENCE_REUSED", "WARNING", "evidence[0]")]);
        let answer = world.station.post(&format!("/v1/{second}:submit"), json!({})).await.ok();
        assert!(answer["findings"].to_string().contains(&number));
        // Another station learns that, not whose it is.
        let theirs = sent(&world.other_station, base, json!({"category": "PHOTO"}), &photo).await;
        let mut other = pump_claim();
        other["evidence"] = json!([theirs]);
        let third = world.other_station.post("/v1/claims", other).await.ok()["name"].as_str().unwrap().to_owned();
        let dry = world.other_station.post(&format!("/v1/{third}:submit"), json!({"validateOnly": true})).await.ok();
        let told = dry["findings"].to_string();
        assert!(told.contains("EVIDENCE_REUSED") && !told.contains(&number), "{told}");
        // A claim that was taken back holds nothing.
        for claim in [&claimed, &second] {
            world.station.post(&format!("/v1/{claim}:withdraw"), json!({})).await.ok();
        }
        let third = drafted(&world, "RO-3", &[&first]).await;
        assert_eq!(found(&world, &third).await, []);
    }

    async fn a_rule_says_which_evidence_is_needed(server) {
        let world = World::load(&server).await;
        let rule = json!({
            "displayName": "two photos of every pump", "part": "parts/P-1001", "category": "PHOTO", "minimumCount": 2,
            "validFrom": date("2026-01-01"), "clause": "handbook 4.2",
        });
        world.station.post("/v1/evidenceRules?evidenceRuleId=ER-1", rule.clone()).await.refused(403, "ROLE_NOT_ALLOWED");
        let mut unknown = rule.clone();
        unknown["part"] = json!("parts/NONE");
        world.auditor.post("/v1/evidenceRules?evidenceRuleId=ER-1", unknown).await.refused(400, "INVALID_FIELDS");
        let created = world.auditor.post("/v1/evidenceRules?evidenceRuleId=ER-1", rule).await.ok();
        assert_eq!((&created["category"], &created["minimumCount"]), (&json!("PHOTO"), &json!(2)));
        let more = [
            json!({"displayName": "another failure", "failureCode": "failureCodes/F-101", "category": "FAULT_MEMORY", "kind": "MAJOR_ASSEMBLY", "validFrom": date("2026-01-01")}),
            json!({"displayName": "dear work", "operation": "laborOperations/OP-1001", "category": "INVOICE", "fromAmount": {"currencyCode": "CNY", "units": "1000"}, "validFrom": date("2026-01-01")}),
            json!({"displayName": "over", "category": "REPORT", "validFrom": date("2026-01-01"), "validTo": date("2026-11-17")}),
        ];
        for (index, rule) in more.into_iter().enumerate() {
            world.auditor.post(&format!("/v1/evidenceRules?evidenceRuleId=ER-1{index}"), rule).await.ok();
        }
        let photo = |number| png(64, 64, number, 1_000);
        let first = sent(&world.station, &server.base, json!({"category": "PHOTO"}), &photo(1)).await;
        let claim = drafted(&world, "RO-1", &[&first]).await;
        let dry = world.station.post(&format!("/v1/{claim}:submit"), json!({"validateOnly": true})).await.ok();
        let missing: Vec<&Value> = dry["findings"].as_array().unwrap().iter().filter(|one| one["code"] == "EVIDENCE_MISSING").collect();
        assert_eq!(missing.len(), 1, "{missing:#?}");
        assert_eq!((&missing[0]["field"], &missing[0]["lineNumber"], &missing[0]["clause"]), (&json!("lines[0]"), &json!(1), &json!("handbook 4.2")));
        assert_eq!(missing[0]["message"], "line 1: 2 of the kind photo are needed, 1 are there");
        let second = sent(&world.station, &server.base, json!({"category": "PHOTO"}), &photo(2)).await;
        world.station.patch(&format!("/v1/{claim}"), json!({"evidence": [first, second]})).await.ok();
        assert_eq!(found(&world, &claim).await, []);
        world.admin.delete("/v1/evidenceRules/ER-1").await.ok();
        world.station.patch(&format!("/v1/{claim}"), json!({"evidence": [second]})).await.ok();
        assert_eq!(found(&world, &claim).await, []);
    }
}
