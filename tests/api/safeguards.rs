//! Where money might slip through: shares beyond the whole, leave that outlives its request, one job paid twice, and
//! people on both sides of one claim.

use chrono::Duration;
use recourse_domain::clock::Clock;
use serde_json::{Value, json};

use crate::harness::client::Client;
use crate::harness::world::{PASSWORD, VIN, World, cny, date, pump_claim, setting};
use crate::on_both_databases;

async fn etag(client: &Client, name: &str) -> Value {
    client.get(&format!("/v1/{name}")).await.ok()["etag"].clone()
}

/// Decides the two lines of a claim in review: approved or not.
async fn decide(world: &World, name: &str, approved: [bool; 2]) -> Value {
    let lines: Vec<Value> = (1..).zip(approved).map(|(line, approved)| verdict(line, approved)).collect();
    let etag = etag(&world.auditor, name).await;
    world.auditor.post(&format!("/v1/{name}:adjudicate"), json!({"etag": etag, "lineDecisions": lines})).await.ok()
}

fn verdict(line: u32, approved: bool) -> Value {
    if approved {
        json!({"lineNumber": line, "outcome": "APPROVED"})
    } else {
        json!({"lineNumber": line, "outcome": "REJECTED", "reasons": [{"code": "NOT_COVERED"}]})
    }
}

/// Appeals against lines; answers the appeal's path.
async fn appealed(world: &World, name: &str, lines: &[u32]) -> String {
    let appeal = json!({"lineNumbers": lines, "grounds": "see the photo"});
    let appeal = world.station.post(&format!("/v1/{name}/appeals"), appeal).await.ok();
    format!("/v1/{}", appeal["name"].as_str().unwrap())
}

async fn recoveries(world: &World, claim: &str) -> Vec<Value> {
    let page = world.auditor.get(&format!("/v1/recoveryClaims?filter=claim%3D%22{claim}%22")).await.ok();
    page["recoveryClaims"].as_array().cloned().unwrap_or_default()
}

async fn intact(world: &World) {
    let verified = world.finance.get("/v1/ledger:verify").await.ok();
    assert_eq!(verified["intact"], true, "{verified:#}");
}

fn rules(problem: &Value) -> Vec<(&str, &str)> {
    let violations = problem["violations"].as_array().expect("violations").iter();
    violations.map(|one| (one["field"].as_str().unwrap(), one["reason"].as_str().unwrap())).collect()
}

on_both_databases! {
    async fn who_submitted_a_claim_never_decides_it_and_does_not_stand_in_its_way(server) {
        let world = World::load(&server).await;
        let created = world.technician.post("/v1/claims", pump_claim()).await.ok();
        let name = created["name"].as_str().unwrap();
        world.station.post(&format!("/v1/{name}:submit"), json!({})).await.ok();
        let user = world.station.get("/v1/users/me").await.ok()["name"].as_str().unwrap().to_owned();
        let oem = json!([{"organization": "organizations/OEM", "roles": ["AUDITOR"]}]);
        world.admin.patch(&format!("/v1/{user}"), json!({"memberships": oem})).await.ok();
        let turned = world.anonymous.sign_in("s001", PASSWORD).await;
        turned.post(&format!("/v1/{name}:startReview"), json!({})).await.refused(403, "SAME_PERSON");
        let handed = json!({"auditor": user, "note": "yours"});
        let refused = world.auditor.post(&format!("/v1/{name}:reassign"), handed).await.refused(400, "INVALID_FIELDS");
        assert_eq!(rules(&refused), [("auditor", "CREATED_THE_CLAIM")]);
        // Taking the next claim passes it over, and takes what comes behind it.
        assert_eq!(turned.post("/v1/claims:next", json!({})).await.ok().get("claim"), None);
        server.clock.advance(Duration::hours(1));
        let theirs = world.other_station.post("/v1/claims", pump_claim()).await.ok();
        let theirs = theirs["name"].as_str().unwrap();
        world.other_station.post(&format!("/v1/{theirs}:submit"), json!({})).await.ok();
        assert_eq!(turned.post("/v1/claims:next", json!({})).await.ok()["claim"]["name"], theirs);
        assert_eq!(world.auditor.post("/v1/claims:next", json!({})).await.ok()["claim"]["name"], name);
    }

    async fn whoever_may_grant_goodwill_keeps_no_budget_by_another_role(server) {
        let world = World::load(&server).await;
        let account = async |name: &str, rights: &[&str]| {
            let membership = json!({"organization": "organizations/OEM", "roles": ["AUDITOR", "FINANCE"], "rights": rights});
            let user = json!({"userName": name, "displayName": name, "memberships": [membership]});
            world.admin.post("/v1/users", json!({"user": user, "password": PASSWORD})).await.ok();
            world.anonymous.sign_in(name, PASSWORD).await
        };
        let budget = json!({"region": "EAST", "validFrom": date("2026-10-01"), "validTo": date("2027-01-01"), "amount": cny(1_000)});
        let (both, clerk) = (account("both", &["GOODWILL"]).await, account("clerk", &[]).await);
        both.post("/v1/goodwillBudgets?goodwillBudgetId=OWN", budget.clone()).await.refused(403, "SAME_PERSON");
        clerk.post("/v1/goodwillBudgets?goodwillBudgetId=EAST", budget).await.ok();
        both.patch("/v1/goodwillBudgets/EAST", json!({"amount": cny(900_000)})).await.refused(403, "SAME_PERSON");
        clerk.patch("/v1/goodwillBudgets/EAST", json!({"amount": cny(2_000)})).await.ok();
    }

    async fn nobody_decides_a_version_that_they_do_not_name(server) {
        let world = World::load(&server).await;
        let name = world.in_review(pump_claim()).await;
        let lines = json!([verdict(1, true), verdict(2, true)]);
        for etag in ["*", " \"*\" ", "W/*"] {
            let decision = json!({"etag": etag, "lineDecisions": lines});
            let refused = world.auditor.post(&format!("/v1/{name}:adjudicate"), decision).await.refused(400, "ETAG_REQUIRED");
            assert_eq!(rules(&refused), [("etag", "REQUIRED")]);
        }
        decide(&world, &name, [true, true]).await;
    }

    async fn a_job_that_was_claimed_anew_is_not_paid_twice_by_an_appeal(server) {
        let world = World::load(&server).await;
        let rejected = world.in_review(pump_claim()).await;
        decide(&world, &rejected, [false, false]).await;
        let anew = world.in_review(pump_claim()).await;
        let appeal = appealed(&world, &rejected, &[1, 2]).await;
        let grant = async |approved| {
            let decision = json!({"etag": etag(&world.auditor, &rejected).await, "lineDecisions": [verdict(1, approved), verdict(2, false)]});
            world.second_auditor.post(&format!("{appeal}:decide"), decision).await
        };
        let refused = grant(true).await.refused(400, "STATE_CONFLICT");
        assert!(refused["detail"].as_str().unwrap().contains("claims this job of the repair order since"), "{refused:#}");
        intact(&world).await;
        // The way out that the text names.
        decide(&world, &anew, [false, false]).await;
        grant(true).await.ok();
        assert_eq!(world.station.get(&format!("/v1/{rejected}")).await.ok()["state"], "APPROVED");
        intact(&world).await;
    }

    async fn a_returned_claim_can_not_take_the_job_of_another(server) {
        let world = World::load(&server).await;
        let name = world.in_review(pump_claim()).await;
        let back = json!({"etag": etag(&world.auditor, &name).await, "reasons": [{"code": "INSUFFICIENT_INFORMATION"}]});
        world.auditor.post(&format!("/v1/{name}:return"), back).await.ok();
        let mut other = pump_claim();
        other["externalJob"] = json!("2");
        world.submitted(other).await;
        let refused = world.station.patch(&format!("/v1/{name}"), json!({"externalJob": "2"})).await.refused(400, "INVALID_FIELDS");
        assert_eq!(rules(&refused), [("claim.external_job", "REPAIR_ORDER_JOB_CLAIMED")]);
        world.station.patch(&format!("/v1/{name}"), json!({"externalJob": "3"})).await.ok();
    }

    async fn leave_to_buy_ends_with_the_decision_that_gave_it(server) {
        let world = World::load(&server).await;
        let line = |pieces: &str| json!({
            "type": "EXTERNAL_PART", "part": "parts/P-1001", "quantity": {"value": pieces}, "requestedAmount": cny(100_000),
        });
        let request = json!({
            "kind": "EXTERNAL_PURCHASE", "vin": VIN, "complaintDescription": "none in stock", "causalPart": "parts/P-1001",
            "externalPurchase": {"vendorName": "Corner Parts", "reason": "the customer waits", "limitAmount": cny(200_000)},
            "lines": [line("1"), line("2")],
        });
        let name = world.in_review(request).await;
        let reduced = json!({
            "lineNumber": 2, "outcome": "REDUCED", "approvedAmount": cny(50_000), "reasons": [{"code": "EXCESSIVE_PART_COST"}],
        });
        let decision = json!({"etag": etag(&world.auditor, &name).await, "lineDecisions": [verdict(1, false), reduced]});
        world.auditor.post(&format!("/v1/{name}:adjudicate"), decision).await.ok();
        let leave = async || {
            let listed = world.station.get(&format!("/v1/authorizations?filter=claim%3D%22{name}%22")).await.ok();
            listed["authorizations"][0].clone()
        };
        assert_eq!(leave().await["state"], "ACTIVE");
        let appeal = appealed(&world, &name, &[2]).await;
        let decision = json!({"etag": etag(&world.auditor, &name).await, "lineDecisions": [verdict(2, false)]});
        world.second_auditor.post(&format!("{appeal}:decide"), decision).await.ok();
        assert_eq!(world.station.get(&format!("/v1/{name}")).await.ok()["state"], "REJECTED");
        let after = leave().await;
        assert_eq!((&after["state"], after.get("items")), (&json!("USED_UP"), None), "{after:#}");
        let mut bought = pump_claim();
        bought["lines"] = json!([{
            "type": "EXTERNAL_PART", "part": "parts/P-1001", "quantity": {"value": "1"}, "requestedAmount": cny(10_000),
            "outsidePartInvoiceNumber": "INV-1", "authorization": after["number"], "isCausal": true,
        }]);
        let created = world.station.post("/v1/claims", bought).await.ok();
        let submit = format!("/v1/{}:submit", created["name"].as_str().unwrap());
        let refused = world.station.post(&submit, json!({})).await.refused(400, "CLAIM_HAS_ERRORS");
        assert_eq!(rules(&refused), [("claim.lines[0].authorization", "AUTHORIZATION_NOT_USABLE")]);
    }

    async fn an_appeal_rests_on_the_stations_own_files(server) {
        let world = World::load(&server).await;
        let name = world.in_review(pump_claim()).await;
        decide(&world, &name, [false, false]).await;
        let attachment = json!({"category": "FAULT_MEMORY", "fileName": "faults.csv", "declaredContentType": "text/csv", "sizeBytes": "26"});
        let of = async |by: &Client| by.post("/v1/attachments", attachment.clone()).await.ok()["name"].clone();
        let (own, theirs) = (of(&world.station).await, of(&world.other_station).await);
        let appeal = |evidence: Value| json!({"lineNumbers": [1], "grounds": "see the file", "evidence": evidence});
        let path = format!("/v1/{name}/appeals");
        let missing = json!("attachments/0199a000-0000-7000-8000-00000000dead");
        let refused = world.station.post(&path, appeal(json!([own, theirs, missing]))).await.refused(400, "INVALID_FIELDS");
        let unknown = "UNKNOWN_REFERENCE";
        assert_eq!(rules(&refused), [("appeal.evidence[1]", unknown), ("appeal.evidence[2]", unknown)]);
        assert_eq!(world.station.post(&path, appeal(json!([own]))).await.ok()["evidence"], json!([own]));
    }

    async fn suppliers_together_never_bear_more_than_the_whole(server) {
        let world = World::load(&server).await;
        world.agree_on_recovery("SUP-017", true).await;
        let claim = world.in_review(pump_claim()).await;
        let order = json!({
            "claim": claim, "appraiser": "appraisers/A-01", "questions": ["who?"], "dueTime": "2026-12-10T00:00:00Z",
            "suppliers": ["suppliers/SUP-017", "suppliers/SUP-018"],
        });
        let ordered = world.auditor.post("/v1/appraisals", order).await.ok();
        let appraisal = ordered["name"].as_str().unwrap();
        let expert = world.admin.get("/v1/appraisers/A-01").await.ok()["experts"][0]["id"].clone();
        world.appraiser.post(&format!("/v1/{appraisal}:accept"), json!({"expert": expert})).await.ok();
        world.appraiser.post(&format!("/v1/{appraisal}:start"), json!({})).await.ok();
        let findings = json!({"coverage": "COVERED", "summary": "both", "causeContributions": [{"cause": "MATERIAL", "shareBp": 10_000}]});
        world.appraiser.post(&format!("/v1/{appraisal}:conclude"), json!({"findings": findings})).await.ok();
        let shares = ["SUP-017", "SUP-018"].map(|supplier| json!({"party": "SUPPLIER", "supplier": format!("suppliers/{supplier}"), "shareBp": 5_000}));
        let decision = json!({"etag": etag(&world.auditor, appraisal).await, "shares": shares});
        world.auditor.post(&format!("/v1/{appraisal}:decideLiability"), decision).await.ok();
        world.auditor.post(&format!("/v1/{appraisal}:finalize"), json!({})).await.ok();
        world.approved(&claim).await;
        let all = recoveries(&world, &claim).await;
        let path = |state: &str| {
            let one = all.iter().find(|one| one["state"] == state).unwrap_or_else(|| panic!("{state}: {all:#?}"));
            one["name"].as_str().unwrap().to_owned()
        };
        // One supplier has no contract yet: nobody can be charged its half, and nobody else is.
        let (open, waiting) = (path("OPEN"), path("UNRESOLVED"));
        world.agree_on_recovery("SUP-018", true).await;
        let assign = async |share: i64| {
            let assign = json!({"etag": etag(&world.auditor, &waiting).await, "supplier": "suppliers/SUP-018", "shareBp": share, "reason": "their half"});
            world.auditor.post(&format!("/v1/{waiting}:assign"), assign).await
        };
        assert_eq!(rules(&assign(5_001).await.refused(400, "INVALID_FIELDS")), [("share_bp", "OVER_THE_WHOLE")]);
        assert_eq!(assign(5_000).await.ok()["lines"][0]["amount"], cny(19_000));

        world.auditor.post(&format!("/v1/{open}:issue"), json!({})).await.ok();
        let resolve = async |share: i64| {
            let lines = [1, 2].map(|line| json!({"lineNumber": line, "shareBp": share}));
            let resolve = json!({"etag": etag(&world.auditor, &open).await, "reason": "so be it", "lines": lines});
            world.second_auditor.post(&format!("/v1/{open}:resolve"), resolve).await
        };
        resolve(5_000).await.refused(400, "STATE_CONFLICT");
        let dispute = [1, 2].map(|line| json!({"lineNumber": line, "answer": "DISPUTE", "reason": "not ours"}));
        world.supplier.post(&format!("/v1/{open}:answer"), json!({"lines": dispute})).await.ok();
        let over = resolve(5_001).await.refused(400, "INVALID_FIELDS");
        assert_eq!(rules(&over), [("lines[0].share_bp", "OVER_SHARE_ASKED"), ("lines[1].share_bp", "OVER_SHARE_ASKED")]);
        let nothing = resolve(0).await.ok();
        assert_eq!(nothing["state"], "SETTLED");
        intact(&world).await;
    }

    async fn what_nobody_knows_the_amount_of_is_not_given_up_by_one_alone(server) {
        let world = World::load(&server).await;
        let mut lenient = setting();
        lenient["validFrom"] = date(&(server.clock.now() + Duration::days(2)).date_naive().to_string());
        lenient["waiverLimits"] = json!([cny(1)]);
        world.admin.post("/v1/settings?settingId=WAIVERS", lenient).await.ok();
        let claim = world.in_review(pump_claim()).await;
        world.approved(&claim).await;
        server.clock.advance(Duration::days(3));
        let waiting = recoveries(&world, &claim).await.remove(0);
        assert_eq!(waiting["state"], "UNRESOLVED");
        let name = waiting["name"].as_str().unwrap();
        let ask = json!({"etag": waiting["etag"], "reason": "nobody knows"});
        let asked = world.finance.post(&format!("/v1/{name}:waive"), ask).await.ok();
        assert_eq!((&asked["state"], asked["waiver"].get("confirmedBy")), (&json!("UNRESOLVED"), None));
        let confirm = json!({"etag": asked["etag"]});
        world.finance.post(&format!("/v1/{name}:confirmWaiver"), confirm.clone()).await.refused(403, "SAME_PERSON");
        assert_eq!(world.auditor.post(&format!("/v1/{name}:confirmWaiver"), confirm).await.ok()["state"], "WAIVED");
    }
}
