//! Adjudication rules as data: written, published, in force at submission, tried on the past, counted.

use serde_json::{Value, json};

use crate::harness::client::Client;
use crate::harness::world::{World, cny, date, pump_claim};
use crate::on_both_databases;

const SETS: &str = "/v1/adjudicationRuleSets";

fn rule(id: &str, priority: i64, condition: &str, action: &str) -> Value {
    let mut rule = json!({"ruleId": id, "priority": priority, "condition": condition, "action": action});
    match action {
        "ROUTE" => rule["queue"] = json!("reviewQueues/PRICES"),
        "RETURN" | "REJECT" => rule["reasons"] = json!([{"code": "EXCESSIVE_PART_COST", "clause": "bulletin 7"}]),
        "REQUIRE_EVIDENCE" => {
            rule["evidence"] = json!("a photo of the label");
            rule["evidenceZh"] = json!("标签照片");
        }
        _ => {}
    }
    rule
}

fn set(rules: &[Value]) -> Value {
    json!({
        "displayName": "Classic", "family": "CLASSIC", "versionNumber": 1, "validFrom": date("2026-11-20"), "rules": rules,
    })
}

async fn queue(world: &World, code: &str, more: Value) {
    let mut queue = json!({"displayName": code});
    for (name, value) in more.as_object().into_iter().flatten() {
        queue[name] = value.clone();
    }
    world.admin.post(&format!("/v1/reviewQueues?reviewQueueId={code}"), queue).await.ok();
}

/// Creates and publishes a rule set; answers its name.
async fn in_force(world: &World, code: &str, set: Value) -> String {
    world.admin.post(&format!("{SETS}?adjudicationRuleSetId={code}"), set).await.ok();
    world.admin.post(&format!("{SETS}/{code}:publish"), json!({})).await.ok();
    format!("adjudicationRuleSets/{code}")
}

/// A claim of its own job, the pump priced by the station at `amount` fen.
fn claim(job: usize, amount: Option<i64>) -> Value {
    let mut claim = pump_claim();
    claim["externalJob"] = json!(job.to_string());
    if let Some(amount) = amount {
        claim["lines"][0]["requestedAmount"] = cny(amount);
    }
    claim
}

async fn submit(world: &World, claim: Value) -> Value {
    let created = world.station.post("/v1/claims", claim).await.ok();
    let name = created["name"].as_str().unwrap();
    world.station.post(&format!("/v1/{name}:submit"), json!({})).await.ok()["claim"].clone()
}

async fn read(client: &Client, claim: &Value) -> Value {
    client.get(&format!("/v1/{}", claim["name"].as_str().unwrap())).await.ok()
}

/// The items of a dry run, and its sums.
async fn dry_run(client: &Client, name: &str, more: Value) -> (Vec<Value>, Value) {
    let mut body = json!({"fromDate": date("2026-11-01"), "toDate": date("2026-12-31")});
    for (name, value) in more.as_object().into_iter().flatten() {
        body[name] = value.clone();
    }
    let mut lines = client.lines(&format!("/v1/{name}:dryRun"), body).await;
    let summary = lines.pop().expect("the sums")["summary"].clone();
    assert!(summary.is_object(), "{summary}");
    (lines.into_iter().map(|line| line["claim"].clone()).collect(), summary)
}

fn minor(money: &Value) -> i64 {
    let units: i64 = money["units"].as_str().map_or(0, |units| units.parse().unwrap());
    units * 100 + money["nanos"].as_i64().unwrap_or(0) / 10_000_000
}

on_both_databases! {
    async fn a_condition_that_makes_no_sense_is_refused_with_its_place_in_both_languages(server) {
        let world = World::load(&server).await;
        let broken = set(&[
            rule("GOOD", 1, "claim.amount_minor > 0", "APPROVE"),
            rule("R-7", 2, "claim.kind == \"X\" &&\n  vehicle.milage > 5", "APPROVE"),
            rule("R-8", 3, "claim.amount_minor <", "APPROVE"),
        ]);
        let path = format!("{SETS}?adjudicationRuleSetId=CLASSIC.1");
        let refused = world.admin.post(&path, broken.clone()).await.refused(400, "INVALID_FIELDS");
        let violations = refused["violations"].as_array().unwrap();
        assert_eq!(violations.len(), 2, "{refused:#}");
        assert_eq!(violations[0]["field"], "adjudication_rule_set.rules[1].condition", "{refused:#}");
        assert_eq!(violations[0]["reason"], "BAD_CONDITION");
        let text = violations[0]["description"].as_str().unwrap();
        assert!(text.starts_with("rule R-7, line 2, column 3: vehicle has no `milage`"), "{text}");
        assert!(violations[1]["description"].as_str().unwrap().contains("rule R-8, line 1, column"), "{refused:#}");
        let chinese = world.admin.reading("zh-CN").post(&path, broken).await.refused(400, "INVALID_FIELDS");
        let text = chinese["violations"][0]["description"].as_str().unwrap();
        assert!(text.starts_with("规则 R-7 第 2 行第 3 列："), "{text}");
    }

    async fn a_set_is_written_published_immutable_and_retired(server) {
        let world = World::load(&server).await;
        let missing = set(&[rule("R-1", 1, "true", "ROUTE")]);
        let path = format!("{SETS}?adjudicationRuleSetId=CLASSIC.1");
        let refused = world.admin.post(&path, missing.clone()).await.refused(400, "INVALID_FIELDS");
        assert_eq!(refused["violations"][0]["field"], "adjudication_rule_set.rules[0].queue", "{refused:#}");
        queue(&world, "PRICES", json!({})).await;
        let created = world.admin.post(&path, missing).await.ok();
        assert_eq!(created["state"], "DRAFT");
        let name = format!("{SETS}/CLASSIC.1");
        let patch = json!({"sampleEvery": 5, "etag": created["etag"]});
        let changed = world.admin.patch(&name, patch).await.ok();
        assert_eq!((changed["sampleEvery"].as_i64(), &changed["rules"]), (Some(5), &created["rules"]));
        let published = world.admin.post(&format!("{name}:publish"), json!({})).await.ok();
        assert_eq!(published["state"], "PUBLISHED");
        world.admin.patch(&name, json!({"sampleEvery": 6})).await.refused(400, "INVALID_FIELDS");
        world.admin.post(&format!("{name}:publish"), json!({})).await.refused(400, "STATE_CONFLICT");
        world.admin.delete(&name).await.refused(400, "STATE_CONFLICT");
        world.station.get(&name).await.refused(403, "ROLE_NOT_ALLOWED");
        let retired = world.admin.post(&format!("{name}:retire"), json!({})).await.ok();
        assert_eq!(retired["state"], "RETIRED");
        let listed = world.auditor.get(&format!("{SETS}?filter=state%3D%22RETIRED%22")).await.ok();
        assert_eq!(listed["adjudicationRuleSets"].as_array().unwrap().len(), 1);
        let past = json!({"displayName": "Old", "family": "OLD", "versionNumber": 1, "validFrom": date("2026-11-19"),
            "rules": [rule("R-1", 1, "true", "APPROVE")]});
        world.admin.post(&format!("{SETS}?adjudicationRuleSetId=OLD.1"), past).await.ok();
        world.admin.post(&format!("{SETS}/OLD.1:publish"), json!({})).await.refused(400, "STATE_CONFLICT");
    }

    async fn a_rule_approves_at_submission_and_the_ledger_has_it_as_from_an_auditor(server) {
        let world = World::load(&server).await;
        let name = in_force(&world, "CLASSIC.1", set(&[
            rule("SMALL", 10, "claim.amount_minor <= 100000 && size(findings) == 0 && coverage.covered", "APPROVE"),
        ])).await;
        let decided = submit(&world, claim(1, None)).await;
        assert_eq!(decided["state"], "APPROVED", "the answer shows the decided claim: {decided:#}");
        assert_eq!(decided["totals"]["approved"], cny(66_600));
        let round = &decided["decisions"][0];
        assert_eq!(round["rule"], json!(format!("{name}/rules/SMALL")));
        assert_eq!((round["number"].as_i64(), round["revision"].as_i64()), (Some(1), Some(1)));
        let seen = read(&world.auditor, &decided).await;
        assert!(seen["decisions"][0].get("auditor").is_none() && seen.get("auditor").is_none(), "a rule is nobody");
        assert_eq!(seen["routing"]["rule"], json!(format!("{name}/rules/SMALL")));
        let claim_name = decided["name"].as_str().unwrap();
        let filter = format!("/v1/ledger/entries?filter=claim%3D%22{claim_name}%22");
        let entries = world.finance.get(&filter).await.ok();
        let entries = entries["entries"].as_array().unwrap();
        assert_eq!(entries.len(), 1, "one entry");
        assert_eq!(entries[0]["cause"], json!(format!("{claim_name}/decisions/1")));
        let debit: i64 = entries[0]["postings"].as_array().unwrap().iter()
            .filter(|posting| posting["side"] == "DEBIT").map(|posting| minor(&posting["amount"])).sum();
        assert_eq!(debit, 66_600);
        assert_eq!(world.finance.get("/v1/ledger:verify").await.ok()["intact"], true);
        let events = world.auditor.get(&format!("/v1/events?resource={claim_name}")).await.ok();
        let told: Vec<_> = events["events"].as_array().unwrap().iter()
            .map(|event| (event["verb"].as_str().unwrap(), event["actor"].as_str().unwrap().starts_with("jobs/adjudication-rules")))
            .collect();
        assert_eq!(told, [("create", false), ("submit", false), ("adjudicate", true)]);
        assert_eq!(events["events"][1]["commandId"], events["events"][2]["commandId"], "one command");
        let rows = server.running.api.store().verify_rows().await.unwrap();
        assert_eq!(rows.faults, Vec::<String>::new());
    }

    async fn rules_reject_return_route_and_ask_for_evidence(server) {
        let world = World::load(&server).await;
        queue(&world, "PRICES", json!({})).await;
        in_force(&world, "CLASSIC.1", set(&[
            rule("REJECT", 10, "claim.amount_minor > 400000", "REJECT"),
            rule("RETURN", 20, "claim.amount_minor > 300000", "RETURN"),
            rule("ROUTE", 30, "lines.exists(l, \"PRICE_ABOVE_LIST\" in l.findings) && claim.amount_minor > 200000", "ROUTE"),
            rule("EVIDENCE", 40, "claim.amount_minor > 100000 && claim.evidence_count == 0", "REQUIRE_EVIDENCE"),
        ])).await;
        let rejected = submit(&world, claim(1, Some(500_000))).await;
        assert_eq!(rejected["state"], "REJECTED");
        let reason = &rejected["decisions"][0]["lineDecisions"][1]["reasons"][0];
        assert_eq!((reason["code"].as_str(), reason["clause"].as_str()), (Some("EXCESSIVE_PART_COST"), Some("bulletin 7")));
        let returned = submit(&world, claim(2, Some(350_000))).await;
        assert_eq!(returned["state"], "RETURNED");
        assert_eq!(returned["lastReturn"]["rule"], "adjudicationRuleSets/CLASSIC.1/rules/RETURN");
        assert!(returned["answerDueTime"].is_string());
        let routed = submit(&world, claim(3, Some(250_000))).await;
        assert_eq!(routed["state"], "SUBMITTED");
        assert!(routed.get("queue").is_none() && routed.get("routing").is_none(), "the station does not see it");
        let seen = read(&world.auditor, &routed).await;
        assert_eq!((&seen["queue"], &seen["routing"]["action"]), (&json!("reviewQueues/PRICES"), &json!("ROUTE")));
        let asked = submit(&world, claim(4, Some(150_000))).await;
        assert_eq!(asked["state"], "RETURNED");
        let reason = &asked["lastReturn"]["reasons"][0];
        assert_eq!(reason["code"], "EVIDENCE_MISSING");
        assert_eq!(reason["evidenceNeeded"], "a photo of the label / 标签照片");
        let nobodys = submit(&world, claim(5, None)).await;
        assert_eq!(nobodys["state"], "SUBMITTED", "no rule matches: as without rules");
        assert_eq!(server.running.api.store().verify_rows().await.unwrap().faults, Vec::<String>::new());
        // A rejected claim's odometer reading does not count; a corrected claim is judged again.
        let path = format!("/v1/{}", returned["name"].as_str().unwrap());
        world.station.patch(&path, json!({"lines": [
            {"number": 1, "type": "PART", "part": "parts/P-1001", "quantity": {"value": "1"}, "isCausal": true},
            {"number": 2, "type": "LABOR", "operation": "laborOperations/OP-1001"}]})).await.ok();
        let again = world.station.post(&format!("{path}:submit"), json!({})).await.ok();
        assert_eq!((again["claim"]["state"].as_str(), again["claim"]["revision"].as_i64()), (Some("SUBMITTED"), Some(2)));
    }

    async fn past_a_rule_that_fails_a_person_decides(server) {
        let world = World::load(&server).await;
        queue(&world, "GENERAL", json!({})).await;
        let mut rules = set(&[
            rule("BROKEN", 10, "claim.amount_minor / history.station_claims > 5", "REJECT"),
            rule("ALL", 20, "true", "APPROVE"),
        ]);
        rules["defaultQueue"] = json!("reviewQueues/GENERAL");
        in_force(&world, "CLASSIC.1", rules).await;
        let held = submit(&world, claim(1, None)).await;
        assert_eq!(held["state"], "SUBMITTED");
        let seen = read(&world.auditor, &held).await;
        assert_eq!(seen["queue"], "reviewQueues/GENERAL");
        assert_eq!(seen["routing"]["heldBack"], "RULE_FAILED");
        assert_eq!(seen["routing"]["faults"][0]["rule"], "BROKEN");
        // The second claim of the station has one before it, so the rule works.
        server.clock.set(crate::harness::anchor() + chrono::Duration::seconds(1));
        assert_eq!(submit(&world, claim(2, None)).await["state"], "REJECTED");
    }

    async fn the_newest_set_whose_day_has_come_is_in_force(server) {
        let world = World::load(&server).await;
        assert_eq!(submit(&world, claim(1, None)).await["state"], "SUBMITTED", "without rules people decide");
        in_force(&world, "A.1", set(&[rule("ALL", 1, "true", "APPROVE")])).await;
        let mut later = set(&[rule("ALL", 1, "true", "REJECT")]);
        later["validFrom"] = date("2026-11-22");
        in_force(&world, "B.1", later).await;
        assert_eq!(submit(&world, claim(2, None)).await["state"], "APPROVED");
        server.clock.set(crate::harness::anchor() + chrono::Duration::days(2));
        assert_eq!(submit(&world, claim(3, None)).await["state"], "REJECTED");
        world.admin.post(&format!("{SETS}/B.1:retire"), json!({})).await.ok();
        assert_eq!(submit(&world, claim(4, None)).await["state"], "APPROVED", "the one before is in force again");
        world.admin.post(&format!("{SETS}/A.1:retire"), json!({})).await.ok();
        assert_eq!(submit(&world, claim(5, None)).await["state"], "SUBMITTED");
    }

    async fn every_nth_approval_is_a_sample_over_two_servers(server) {
        let world = World::load(&server).await;
        queue(&world, "SAMPLES", json!({})).await;
        let mut rules = set(&[rule("ALL", 1, "true", "APPROVE")]);
        rules["sampleEvery"] = json!(3);
        rules["sampleQueue"] = json!("reviewQueues/SAMPLES");
        in_force(&world, "CLASSIC.1", rules).await;
        let other = server.beside().await;
        let beside = World::load(&other).await;
        let mut names = Vec::new();
        for job in 0..12 {
            names.push(world.station.post("/v1/claims", claim(job, None)).await.ok()["name"].as_str().unwrap().to_owned());
        }
        let submissions = names.iter().enumerate().map(|(index, name)| {
            let station = if index % 2 == 0 { &world.station } else { &beside.station };
            async move { station.post(&format!("/v1/{name}:submit"), json!({})).await.ok()["claim"]["state"].clone() }
        });
        let states = futures::future::join_all(submissions).await;
        assert_eq!(states.iter().filter(|state| **state == "APPROVED").count(), 8, "{states:?}");
        assert_eq!(states.iter().filter(|state| **state == "SUBMITTED").count(), 4, "{states:?}");
        let samples = world.auditor.get("/v1/claims?filter=queue%3D%22SAMPLES%22&view=FULL").await.ok();
        let samples = samples["claims"].as_array().unwrap();
        assert_eq!(samples.len(), 4);
        assert!(samples.iter().all(|claim| claim["routing"]["sampled"] == true), "{samples:#?}");
        let figures = world.auditor.get(&format!("{SETS}/CLASSIC.1:statistics")).await.ok();
        let figures = &figures["rules"][0];
        assert_eq!((figures["hits"].as_i64(), figures["approved"].as_i64(), figures["sampled"].as_i64()), (Some(12), Some(8), Some(4)));
        other.running.stop().await;
    }

    async fn a_dry_run_agrees_to_the_cent_with_applying_the_set(server) {
        let world = World::load(&server).await;
        queue(&world, "PRICES", json!({})).await;
        // The past: people decided.
        let amounts = [None, Some(45_001), Some(60_000), Some(30_050), Some(250_000), Some(45_000)];
        for (job, amount) in amounts.into_iter().enumerate() {
            let submitted = submit(&world, claim(job, amount)).await;
            let name = submitted["name"].as_str().unwrap();
            let etag = world.auditor.post(&format!("/v1/{name}:startReview"), json!({})).await.ok()["etag"].clone();
            let verdict = |line: i64| match (job, line) {
                (3, 1) => json!({"lineNumber": 1, "outcome": "REDUCED", "approvedAmount": cny(20_025), "reasons": [{"code": "EXCESSIVE_PART_COST"}]}),
                (5, _) => json!({"lineNumber": line, "outcome": "REJECTED", "reasons": [{"code": "NOT_COVERED"}]}),
                _ => json!({"lineNumber": line, "outcome": "APPROVED"}),
            };
            let body = json!({"etag": etag, "lineDecisions": [verdict(1), verdict(2)]});
            world.auditor.post(&format!("/v1/{name}:adjudicate"), body).await.ok();
        }
        // Drafts and claims outside the period are not tried.
        world.station.post("/v1/claims", claim(99, None)).await.ok();
        let rules = set(&[
            rule("HIGH", 10, "claim.amount_minor > 200000", "REJECT"),
            rule("ABOVE", 20, "claim.amount_minor > claim.computed_minor + 10000", "ROUTE"),
            rule("REST", 30, "history.station_claims < 1000 && !(\"X\" in warnings)", "APPROVE"),
        ]);
        world.admin.post(&format!("{SETS}?adjudicationRuleSetId=CLASSIC.1"), rules).await.ok();
        let (claims, sums) = dry_run(&world.auditor, "adjudicationRuleSets/CLASSIC.1", json!({})).await;
        assert_eq!((claims.len(), sums["claims"].as_i64()), (6, Some(6)));
        let actions: Vec<_> = claims.iter().map(|claim| claim["action"].as_str().unwrap()).collect();
        assert_eq!(actions, ["APPROVE", "APPROVE", "ROUTE", "APPROVE", "REJECT", "APPROVE"], "in the order of submission");
        let money = &sums["money"][0];
        // Approved: the smaller of requested and computed for the pump, and 216.00 for the work.
        let by_rules = 66_600 + 66_600 + (30_050 + 21_600) + 66_600;
        let as_decided = 66_600 + 66_600 + (20_025 + 21_600) + 66_600;
        assert_eq!(minor(&money["byRules"]), by_rules, "{sums:#}");
        assert_eq!(minor(&money["asDecided"]), as_decided, "{sums:#}");
        assert_eq!(minor(&money["difference"]), by_rules - as_decided, "{sums:#}");
        assert_eq!(minor(&money["leftToPeople"]), 66_600, "{sums:#}");
        assert_eq!(sums["differing"], 3, "reduced by a person, rejected by the rule, rejected by a person: {sums:#}");
        let hits: Vec<_> = sums["rules"].as_array().unwrap().iter()
            .map(|row| (row["rule"].as_str().unwrap(), row["hits"].as_i64().unwrap_or(0))).collect();
        assert_eq!(hits, [("HIGH", 1), ("ABOVE", 1), ("REST", 4)]);
        let (only, again) = dry_run(&world.auditor, "adjudicationRuleSets/CLASSIC.1", json!({"onlyDifferences": true})).await;
        assert_eq!((only.len(), &again), (3, &sums), "nothing was written, and the sums are of all");
        let (two, _) = dry_run(&world.auditor, "adjudicationRuleSets/CLASSIC.1", json!({"limit": 2})).await;
        assert_eq!(two.len(), 2);
        let kinds = json!({"kinds": ["ROADSIDE_RESCUE"]});
        assert_eq!(dry_run(&world.auditor, "adjudicationRuleSets/CLASSIC.1", kinds).await.0.len(), 0);
        // The same claims, really submitted with the set in force.
        world.admin.post(&format!("{SETS}/CLASSIC.1:publish"), json!({})).await.ok();
        let (mut approved, mut outcomes) = (0, Vec::new());
        for (job, amount) in amounts.into_iter().enumerate() {
            let decided = submit(&world, claim(100 + job, amount)).await;
            approved += minor(&decided["totals"]["approved"]);
            outcomes.push(match decided["state"].as_str().unwrap() {
                "APPROVED" => "APPROVE",
                "REJECTED" => "REJECT",
                "SUBMITTED" => "ROUTE",
                other => panic!("{other}"),
            });
        }
        assert_eq!((outcomes, approved), (actions, by_rules), "the dry run told what applying does, to the cent");
    }

    async fn what_is_overturned_later_is_counted_against_its_rule(server) {
        let world = World::load(&server).await;
        in_force(&world, "CLASSIC.1", set(&[
            rule("BIG", 1, "claim.amount_minor > 60000", "APPROVE"),
            rule("REST", 2, "true", "APPROVE"),
        ])).await;
        let overturned = submit(&world, claim(1, None)).await;
        submit(&world, claim(2, None)).await;
        submit(&world, claim(3, Some(10_000))).await;
        // A later round, as an appeal or a chargeback makes one: here by the store's own hand.
        let store = server.running.api.store();
        let id: uuid::Uuid = overturned["name"].as_str().unwrap().trim_start_matches("claims/").parse().unwrap();
        revise(store, id).await;
        let figures = world.finance.get(&format!("{SETS}/CLASSIC.1:statistics")).await.ok();
        let rows = figures["rules"].as_array().unwrap();
        let row = |rule: &str| rows.iter().find(|row| row["rule"] == rule).unwrap().clone();
        assert_eq!((row("BIG")["hits"].as_i64(), row("BIG")["overturned"].as_i64(), row("BIG")["overturnRateBp"].as_i64()), (Some(2), Some(1), Some(5_000)));
        assert_eq!((row("REST")["approved"].as_i64(), row("REST").get("overturned")), (Some(1), None));
        world.station.get(&format!("{SETS}/CLASSIC.1:statistics")).await.refused(403, "ROLE_NOT_ALLOWED");
    }
}

/// Makes a second round that approves nothing.
async fn revise(store: &recourse_repository::Store, id: uuid::Uuid) {
    use recourse_domain::access::{Act, Actor, job_scope, permit};
    let actor = Actor::job("appeals");
    let (scope, permit) = (job_scope(&actor).unwrap(), permit(&actor, Act::AdjudicateByRule).unwrap());
    let (scope, permit) = (&scope, &permit);
    store
        .run(|tx| {
            Box::pin(async move {
                let stored = tx.claim(scope, id).await?.unwrap();
                let mut claim = stored.value.clone();
                let mut round = claim.decisions[0].clone();
                round.number = 2;
                for decision in &mut round.lines {
                    decision.approved.minor = 0;
                }
                claim.decisions.push(round);
                let note = recourse_repository::ChangeNote {
                    id: uuid::Uuid::from_u128(0xa1),
                    command: recourse_domain::ids::CommandId(uuid::Uuid::from_u128(0xa2)),
                    resource: format!("claims/{id}"),
                    collection: "claims",
                    verb: "adjudicate",
                    paths: Vec::new(),
                    audience: Vec::new(),
                    time: crate::harness::anchor(),
                };
                tx.update_claim(permit, &stored, claim, note).await.map(|_| ())
            })
        })
        .await
        .unwrap();
}
