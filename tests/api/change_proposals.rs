//! What nobody does alone: prices, policies, grants of roles and bank accounts are proposed by one person and confirmed
//! by another, on a server that is told to ask for that.

use reqwest::Method;
use serde_json::{Value, json};

use super::imports::{ndjson, send};
use crate::harness::client::{Answer, Client};
use crate::harness::world::{PASSWORD, VIN, World, cny, date};
use crate::harness::{Backend, Database, Server};
use crate::on_both_databases;

/// What people choose who are asked to.
pub(super) const OWN_PASSWORD: &str = "green harbours hum";

/// A house with two administrators in which two are needed. The server is the one that asks for it.
pub(super) struct House {
    pub server: Server,
    pub world: World,
    pub second_admin: Client,
}

pub(super) async fn house(first: &Server) -> House {
    let world = World::load(first).await;
    let user =
        json!({"userName": "admin2", "memberships": [{"organization": "organizations/OEM", "roles": ["ADMIN"]}]});
    world.admin.post("/v1/users", json!({"user": user, "password": PASSWORD})).await.ok();
    let server = first.another(|config| config.control.second_person = true).await;
    let world = World::load(&server).await;
    let second_admin = world.anonymous.sign_in("admin2", PASSWORD).await;
    for caller in [&world.admin, &world.auditor, &world.second_auditor, &world.finance, &second_admin] {
        choose_password(caller, PASSWORD).await;
    }
    House { server, world, second_admin }
}

/// Takes a password that nobody else knows, as whoever proposes and confirms must.
pub(super) async fn choose_password(caller: &Client, current: &str) {
    let passwords = json!({"currentPassword": current, "newPassword": OWN_PASSWORD});
    caller.post("/v1/users/me:changePassword", passwords).await.ok();
}

/// The claim prices of the pump with a new one from next year on.
async fn dearer(world: &World, minor: i64) -> Value {
    let mut prices = world.admin.get("/v1/parts/P-1001").await.ok()["claimPrices"].clone();
    prices[0]["validTo"] = date("2027-01-01");
    prices.as_array_mut().unwrap().truncate(1);
    prices.as_array_mut().unwrap().push(json!({"validFrom": date("2027-01-01"), "price": cny(minor)}));
    prices
}

pub(super) async fn dearer_pump(world: &World, minor: i64) -> Value {
    json!([{"updatePart": {"part": {"name": "parts/P-1001", "claimPrices": dearer(world, minor).await}}}])
}

fn because(commands: &Value) -> Value {
    json!({"commands": commands, "reason": "the price list of 2027"})
}

pub(super) async fn proposed(caller: &Client, commands: &Value) -> Value {
    caller.post("/v1/changeProposals", because(commands)).await.ok()
}

pub(super) async fn decide(caller: &Client, proposal: &Value, verb: &str, more: Value) -> Answer {
    let mut body = json!({"etag": proposal["etag"]});
    for (name, value) in more.as_object().unwrap() {
        body[name] = value.clone();
    }
    caller.post(&format!("/v1/{}:{verb}", proposal["name"].as_str().unwrap()), body).await
}

pub(super) async fn confirm(caller: &Client, proposal: &Value) -> Answer {
    decide(caller, proposal, "confirm", json!({})).await
}

async fn price_of_2027(world: &World) -> Option<Value> {
    let prices = world.admin.get("/v1/parts/P-1001").await.ok()["claimPrices"].clone();
    prices.as_array().unwrap().iter().find(|row| row["validFrom"] == date("2027-01-01")).map(|row| row["price"].clone())
}

pub(super) fn me(client: &Client) -> impl Future<Output = String> {
    let client = client.clone();
    async move { client.get("/v1/users/me").await.ok()["name"].as_str().unwrap().to_owned() }
}

on_both_databases! {
    async fn a_price_is_changed_by_two(first) {
        let House { server: _kept, world, .. } = house(&first).await;
        // Alone it is refused, in both languages and with the way out; nothing is written.
        let prices = dearer(&world, 46_000).await;
        let alone = world.auditor.patch("/v1/parts/P-1001", json!({"claimPrices": prices})).await;
        let refused = alone.refused(400, "SECOND_PERSON_NEEDED");
        let text = refused["detail"].as_str().unwrap();
        assert!(text.contains("/v1/changeProposals") && text.contains("updatePart"), "{text}");
        assert_eq!(refused["metadata"]["kind"], "PRICES", "{refused:#}");
        let chinese = world.auditor.reading("zh-CN").patch("/v1/parts/P-1001", json!({"claimPrices": prices})).await;
        assert!(chinese.body.to_string().contains("不得由一人变更"), "{:#}", chinese.body);
        let dry = world.admin.patch("/v1/parts/P-1001?validateOnly=true", json!({"claimPrices": prices})).await;
        dry.refused(400, "SECOND_PERSON_NEEDED");
        assert_eq!(price_of_2027(&world).await, None);
        // What decides no amount goes through.
        world.auditor.patch("/v1/parts/P-1001", json!({"displayName": "Fuel pump, electric"})).await.ok();
        world.auditor.patch("/v1/parts/P-1001", json!({"displayName": "Fuel pump"})).await.ok();
        // One proposes, and sees what would become different.
        let proposal = proposed(&world.auditor, &dearer_pump(&world, 46_000).await).await;
        assert_eq!((&proposal["state"], &proposal["kind"]), (&json!("PENDING"), &json!("PRICES")), "{proposal:#}");
        assert_eq!(proposal["operation"], "PartService.UpdatePart");
        let changes = proposal["changes"].as_array().unwrap();
        assert_eq!(changes.len(), 1, "{changes:#?}");
        assert_eq!((&changes[0]["resource"], &changes[0]["field"]), (&json!("parts/P-1001"), &json!("claim_prices")));
        let side = |side: &str| serde_json::from_str::<Value>(changes[0][side].as_str().unwrap()).unwrap();
        assert_eq!((side("before").as_array().map(Vec::len), side("after").as_array().map(Vec::len)), (Some(1), Some(2)));
        assert_eq!(side("after")[1]["price"], cny(46_000));
        assert_eq!(price_of_2027(&world).await, None, "a proposal changes nothing");
        // Not the one who proposed it, nor who may not give the command, nor who has not read it.
        confirm(&world.auditor, &proposal).await.refused(403, "SAME_PERSON");
        decide(&world.auditor, &proposal, "reject", json!({"note": "no"})).await.refused(403, "SAME_PERSON");
        confirm(&world.finance, &proposal).await.refused(404, "RESOURCE_NOT_FOUND");
        confirm(&world.station, &proposal).await.refused(403, "ROLE_NOT_ALLOWED");
        let name = proposal["name"].as_str().unwrap();
        world.admin.post(&format!("/v1/{name}:confirm"), json!({})).await.refused(400, "INVALID_FIELDS");
        world.finance.get(&format!("/v1/{name}")).await.refused(404, "RESOURCE_NOT_FOUND");
        // Another auditor confirms, and the price stands, in the name of who confirmed it.
        let confirmed = confirm(&world.second_auditor, &proposal).await.ok();
        assert_eq!(confirmed["state"], "CONFIRMED", "{confirmed:#}");
        assert_eq!(price_of_2027(&world).await, Some(cny(46_000)));
        let people = [&confirmed["proposedBy"], &confirmed["decidedBy"]];
        assert_eq!(people, [&json!(me(&world.auditor).await), &json!(me(&world.second_auditor).await)]);
        let trail = world.admin.get("/v1/events?resource=parts/P-1001").await.ok();
        let last = trail["events"].as_array().unwrap().last().unwrap().clone();
        assert_eq!((&last["verb"], &last["actor"]), (&json!("update"), &confirmed["decidedBy"]));
        assert_eq!(last["commandId"], confirmed["commandId"]);
        let own = world.admin.get(&format!("/v1/events?resource={name}")).await.ok();
        let own: Vec<(&Value, &Value)> =
            own["events"].as_array().unwrap().iter().map(|event| (&event["verb"], &event["actor"])).collect();
        assert_eq!(own, [(&json!("create"), people[0]), (&json!("confirm"), people[1])]);
        let of_command = format!("/v1/changeProposals?filter=command_id%3D%22{}%22", last["commandId"].as_str().unwrap());
        assert_eq!(world.admin.get(&of_command).await.ok()["changeProposals"][0]["name"], name);
        confirm(&world.admin, &proposal).await.refused(400, "PROPOSAL_ENDED");
        decide(&world.admin, &confirmed, "reject", json!({"note": "late"})).await.refused(400, "PROPOSAL_ENDED");
    }

    async fn what_changed_meanwhile_is_not_confirmed(first) {
        let House { server: _kept, world, .. } = house(&first).await;
        let proposal = proposed(&world.auditor, &dearer_pump(&world, 46_000).await).await;
        world.auditor.patch("/v1/parts/P-1001", json!({"displayName": "Pump"})).await.ok();
        let refused = confirm(&world.admin, &proposal).await.refused(400, "STATE_CONFLICT");
        assert_eq!(refused["metadata"]["changed"], "parts/P-1001", "{refused:#}");
        assert!(refused["detail"].as_str().unwrap().contains("propose anew"), "{refused:#}");
        let path = format!("/v1/{}", proposal["name"].as_str().unwrap());
        let still = world.admin.get(&path).await.ok();
        assert_eq!((&still["state"], &still["etag"]), (&json!("PENDING"), &proposal["etag"]), "nothing was written");
        assert_eq!(price_of_2027(&world).await, None);
        // Of two proposals about one thing the first that is confirmed stands.
        let commands = dearer_pump(&world, 47_000).await;
        let (one, other) = (proposed(&world.auditor, &commands).await, proposed(&world.admin, &commands).await);
        confirm(&world.admin, &one).await.ok();
        confirm(&world.auditor, &other).await.refused(400, "STATE_CONFLICT");
        // A code that was given meanwhile is not given twice.
        let clip = json!({
            "displayName": "Clip", "category": "BODY", "unit": "PIECE", "assemblyClass": "ORDINARY", "usedPartRule": "NONE",
        });
        let mut priced = clip.clone();
        priced["claimPrices"] = json!([{"validFrom": date("2026-12-01"), "price": cny(100)}]);
        let commands = json!([{"createPart": {"partId": "c-9", "part": priced}}]);
        let new = proposed(&world.auditor, &commands).await;
        assert_eq!(new["changes"][0]["resource"], "parts/C-9");
        world.admin.post("/v1/parts?partId=C-9", clip).await.ok();
        confirm(&world.admin, &new).await.refused(400, "STATE_CONFLICT");
        proposed_in_vain(&world.auditor, &commands, 409, "RESOURCE_ALREADY_EXISTS").await;
    }

    async fn a_proposal_is_rejected_withdrawn_or_forgotten(first) {
        let House { server, world, .. } = house(&first).await;
        let commands = dearer_pump(&world, 46_000).await;
        let rejected = proposed(&world.auditor, &commands).await;
        decide(&world.admin, &rejected, "reject", json!({})).await.refused(400, "INVALID_FIELDS");
        let rejected = decide(&world.admin, &rejected, "reject", json!({"note": "too dear"})).await.ok();
        assert_eq!((&rejected["state"], &rejected["decisionNote"]), (&json!("REJECTED"), &json!("too dear")));
        confirm(&world.second_auditor, &rejected).await.refused(400, "PROPOSAL_ENDED");
        let withdrawn = proposed(&world.auditor, &commands).await;
        let refused = decide(&world.admin, &withdrawn, "withdraw", json!({})).await.refused(403, "NOT_PERMITTED");
        assert!(refused["detail"].as_str().unwrap().contains("`:reject`"), "{refused:#}");
        let withdrawn = decide(&world.auditor, &withdrawn, "withdraw", json!({})).await.ok();
        assert_eq!((&withdrawn["state"], withdrawn.get("decidedBy")), (&json!("WITHDRAWN"), None));
        confirm(&world.admin, &withdrawn).await.refused(400, "PROPOSAL_ENDED");
        // Fourteen days are its life, whether or not the job has passed by.
        let forgotten = proposed(&world.auditor, &commands).await;
        assert!(forgotten["expireTime"].as_str().unwrap().starts_with("2026-12-04"), "{forgotten:#}");
        server.clock.advance(chrono::Duration::days(14));
        let late = confirm(&world.admin, &forgotten).await.refused(400, "PROPOSAL_ENDED");
        assert_eq!(late["metadata"]["state"], "EXPIRED", "{late:#}");
        server.running.api.enforce_deadlines().await.unwrap();
        let path = format!("/v1/{}", forgotten["name"].as_str().unwrap());
        let expired = world.admin.get(&path).await.ok();
        assert_eq!((&expired["state"], &expired["decideTime"]), (&json!("EXPIRED"), &expired["expireTime"]));
        confirm(&world.admin, &expired).await.refused(400, "PROPOSAL_ENDED");
        assert_eq!(price_of_2027(&world).await, None);
        let listed = world.admin.get("/v1/changeProposals?filter=state%3DWITHDRAWN%20AND%20kind%3DPRICES").await.ok();
        assert_eq!(listed["changeProposals"].as_array().map(Vec::len), Some(1));
        assert!(listed["changeProposals"][0].get("commands").is_none(), "lists are short");
        let by = format!("/v1/changeProposals?filter=proposed_by%3D%22{}%22&pageSize=2", me(&world.auditor).await);
        let page = world.admin.get(&by).await.ok();
        let next = world.admin.get(&format!("{by}&pageToken={}", page["nextPageToken"].as_str().unwrap())).await.ok();
        assert_eq!((page["changeProposals"].as_array().unwrap().len(), next["changeProposals"].as_array().unwrap().len()), (2, 1));
        assert!(world.finance.get("/v1/changeProposals").await.ok().get("changeProposals").is_none());
        world.station.get("/v1/changeProposals").await.refused(403, "ROLE_NOT_ALLOWED");
    }

    async fn a_repeat_has_no_further_effect_and_of_two_confirmations_one_counts(first) {
        let House { server: _kept, world, .. } = house(&first).await;
        let id = "0199a000-0000-7000-8000-00000000c0f0";
        let create = format!("/v1/changeProposals?changeProposalId={id}");
        let commands = dearer_pump(&world, 46_000).await;
        let dry = world.auditor.post(&format!("{create}&validateOnly=true"), because(&commands)).await.ok();
        assert_eq!(dry["changes"][0]["field"], "claim_prices");
        world.auditor.get(&format!("/v1/changeProposals/{id}")).await.refused(404, "RESOURCE_NOT_FOUND");
        let key = [("idempotency-key", "0199a000-0000-7000-8000-00000000c0f1")];
        let post = |caller: &Client, path: String, body: Value, key: [(&'static str, &'static str); 1]| {
            let caller = caller.clone();
            async move { caller.call(Method::POST, &path, Some(body), &key).await }
        };
        let proposal = post(&world.auditor, create.clone(), because(&commands), key).await.ok();
        assert_eq!(post(&world.auditor, create.clone(), because(&commands), key).await.ok()["name"], proposal["name"]);
        let confirm_path = format!("/v1/changeProposals/{id}:confirm");
        let body = || json!({"etag": proposal["etag"]});
        let (one, other) = tokio::join!(
            world.admin.post(&confirm_path, body()),
            post(&world.second_auditor, confirm_path.clone(), body(), [("idempotency-key", "0199a000-0000-7000-8000-00000000c0f2")]),
        );
        let mut statuses = [one.status, other.status];
        statuses.sort_unstable();
        assert_eq!(statuses, [200, 400], "{one:?} {other:?}");
        let late = if one.status == 400 { one } else { other };
        late.refused(400, "PROPOSAL_ENDED");
        let versions = world.admin.get("/v1/events?resource=parts/P-1001").await.ok();
        let updates = versions["events"].as_array().unwrap().iter().filter(|event| event["verb"] == "update").count();
        assert_eq!((updates, price_of_2027(&world).await), (1, Some(cny(46_000))));
        // The proposal is repeated after it was confirmed: what it would do now is not asked any more.
        assert_eq!(post(&world.auditor, create, because(&commands), key).await.ok()["state"], "CONFIRMED");
        // So is a confirmation.
        let second = proposed(&world.auditor, &dearer_pump(&world, 48_000).await).await;
        let path = format!("/v1/{}:confirm", second["name"].as_str().unwrap());
        let key = [("idempotency-key", "0199a000-0000-7000-8000-00000000c0f3")];
        for _ in 0..2 {
            let confirmed = post(&world.admin, path.clone(), json!({"etag": second["etag"]}), key).await.ok();
            assert_eq!(confirmed["state"], "CONFIRMED");
        }
        assert_eq!(price_of_2027(&world).await, Some(cny(48_000)));
    }

    async fn many_commands_are_one_proposal_and_all_or_nothing(first) {
        let House { server: _kept, world, .. } = house(&first).await;
        let price = |code: &str, row: &Value| {
            let mut row = row.clone();
            row["validTo"] = date("2027-01-01");
            let new = json!({"validFrom": date("2027-01-01"), "price": cny(2_000_000)});
            json!({"updatePart": {"part": {"name": format!("parts/{code}"), "claimPrices": [row, new]}}})
        };
        let row = |part: Value| part["claimPrices"][0].clone();
        let two = row(world.admin.get("/v1/parts/P-1002").await.ok());
        let three = row(world.admin.get("/v1/parts/P-1003").await.ok());
        let commands = json!([price("P-1002", &two), price("P-1003", &three)]);
        let proposal = proposed(&world.auditor, &commands).await;
        assert_eq!(proposal["changes"].as_array().map(Vec::len), Some(2));
        // The second is not what it was: the first is not done either.
        world.auditor.patch("/v1/parts/P-1003", json!({"displayName": "Motor"})).await.ok();
        confirm(&world.admin, &proposal).await.refused(400, "STATE_CONFLICT");
        let rows = |part: Value| part["claimPrices"].as_array().map(Vec::len);
        assert_eq!(rows(world.admin.get("/v1/parts/P-1002").await.ok()), Some(1));
        let proposal = proposed(&world.auditor, &commands).await;
        confirm(&world.admin, &proposal).await.ok();
        assert_eq!(rows(world.admin.get("/v1/parts/P-1002").await.ok()), Some(2));
        assert_eq!(rows(world.admin.get("/v1/parts/P-1003").await.ok()), Some(2));
        // What makes no sense is told to who proposes it, and where it stands.
        let field = |problem: Value| problem["violations"][0]["field"].as_str().unwrap_or_default().to_owned();
        let twice = json!([price("P-1002", &two), price("p-1002", &two)]);
        let problem = proposed_in_vain(&world.auditor, &twice, 400, "INVALID_FIELDS").await;
        assert_eq!(field(problem), "change_proposal.commands[1]");
        let mixed = json!([price("P-1002", &two), {"deleteSetting": {"name": "settings/2024"}}]);
        assert_eq!(field(proposed_in_vain(&world.admin, &mixed, 400, "INVALID_FIELDS").await), "change_proposal.commands[1]");
        let overlap = json!([{"updatePart": {"part": {"name": "parts/P-1001", "claimPrices": [
            {"validFrom": date("2027-01-01"), "price": cny(1)}, {"validFrom": date("2027-06-01"), "price": cny(2)}]}}}]);
        let problem = field(proposed_in_vain(&world.auditor, &overlap, 400, "INVALID_FIELDS").await);
        assert!(problem.starts_with("change_proposal.commands[0].update_part.part.claim_prices"), "{problem}");
        let harmless = json!([{"updatePart": {"part": {"name": "parts/P-1001", "displayName": "Pump"}}}]);
        let problem = proposed_in_vain(&world.auditor, &harmless, 400, "INVALID_FIELDS").await;
        assert_eq!(problem["violations"][0]["reason"], "NEEDS_NO_SECOND_PERSON");
        proposed_in_vain(&world.auditor, &json!([{}]), 400, "INVALID_FIELDS").await;
        proposed_in_vain(&world.auditor, &json!([]), 400, "INVALID_FIELDS").await;
        let nothing = json!([{"deleteShareAgreement": {"name": "shareAgreements/NONE"}}]);
        proposed_in_vain(&world.auditor, &nothing, 404, "RESOURCE_NOT_FOUND").await;
        proposed_in_vain(&world.auditor, &json!([{"deleteSetting": {"name": "settings/2024"}}]), 403, "ROLE_NOT_ALLOWED").await;
    }

    async fn roles_are_granted_by_two_and_taken_away_by_one(first) {
        let House { server: _kept, world, second_admin } = house(&first).await;
        let membership = |roles: &[&str]| json!([{"organization": "organizations/OEM", "roles": roles}]);
        let user = json!({"userName": "li", "displayName": "Li Na", "memberships": membership(&["FINANCE"])});
        let alone = world.admin.post("/v1/users", json!({"user": user, "password": PASSWORD})).await;
        let refused = alone.refused(400, "SECOND_PERSON_NEEDED");
        assert!(refused["detail"].as_str().unwrap().contains("leave out `memberships`"), "{refused:#}");
        // The person is created, and can do nothing yet.
        let user = json!({"userName": "li", "displayName": "Li Na"});
        let created = world.admin.post("/v1/users", json!({"user": user, "password": PASSWORD})).await.ok();
        let name = created["name"].as_str().unwrap();
        let session = json!({"userName": "li", "password": PASSWORD});
        world.anonymous.post("/v1/sessions", session.clone()).await.refused(401, "CREDENTIALS_INVALID");
        let grant = |roles: &[&str]| json!([{"updateUser": {"user": {"name": name, "memberships": membership(roles)}}}]);
        let path = format!("/v1/{name}");
        world.admin.patch(&path, json!({"memberships": membership(&["FINANCE"])})).await.refused(400, "SECOND_PERSON_NEEDED");
        world.admin.patch(&path, json!({"phone": "+86-139-5550-1177"})).await.ok();
        // Of the person nothing stands in a proposal.
        let person = json!([{"updateUser": {"user": {"name": name, "phone": "+86-139-5550-1178", "memberships": membership(&["FINANCE"])}}}]);
        let problem = proposed_in_vain(&world.admin, &person, 400, "INVALID_FIELDS").await;
        assert_eq!(problem["violations"][0]["reason"], "MEMBERSHIPS_ONLY", "{problem:#}");
        let proposal = proposed(&world.admin, &grant(&["FINANCE"])).await;
        assert_eq!((&proposal["kind"], &proposal["changes"][0]["field"]), (&json!("ROLE_GRANTS"), &json!("memberships")));
        assert!(!proposal.to_string().contains("5550"), "{proposal:#}");
        let auditors = world.auditor.get(&format!("/v1/{}", proposal["name"].as_str().unwrap())).await;
        auditors.refused(404, "RESOURCE_NOT_FOUND");
        confirm(&world.admin, &proposal).await.refused(403, "SAME_PERSON");
        confirm(&second_admin, &proposal).await.ok();
        let li = world.anonymous.sign_in("li", PASSWORD).await;
        li.get("/v1/ledger:trialBalance").await.ok();
        // Nobody confirms what is granted to them.
        let myself = me(&second_admin).await;
        let mine = json!([{"updateUser": {"user": {"name": myself, "memberships": membership(&["ADMIN", "AUDITOR"])}}}]);
        let proposal = proposed(&world.admin, &mine).await;
        confirm(&second_admin, &proposal).await.refused(403, "SAME_PERSON");
        // `users/me` is who proposed it, whoever reads it.
        let mine = json!([{"updateUser": {"user": {"name": "users/me", "memberships": membership(&["ADMIN", "AUDITOR"])}}}]);
        let proposal = proposed(&second_admin, &mine).await;
        assert_eq!(proposal["commands"][0]["updateUser"]["user"]["name"], json!(myself));
        confirm(&world.admin, &proposal).await.ok();
        assert_eq!(world.admin.get(&format!("/v1/{myself}")).await.ok()["memberships"][0]["roles"], json!(["AUDITOR", "ADMIN"]));
        // Nor does anybody sign in as a colleague to confirm.
        let link = json!({"outsideIdentities": [{"issuer": "https://id.example.org", "subject": "s-1"}]});
        let refused = world.admin.patch(&format!("/v1/{myself}"), link.clone()).await.refused(400, "SECOND_PERSON_NEEDED");
        assert!(refused["detail"].as_str().unwrap().contains("take the memberships away"), "{refused:#}");
        let nobody = world.admin.post("/v1/users", json!({"user": {"userName": "linked"}, "password": PASSWORD})).await.ok();
        world.admin.patch(&format!("/v1/{}", nobody["name"].as_str().unwrap()), link).await.ok();
        // What is taken away is taken away at once, by one.
        world.admin.patch(&format!("/v1/{myself}"), json!({"memberships": membership(&["AUDITOR"])})).await.ok();
        world.admin.post(&format!("{path}:disable"), json!({})).await.ok();
        // A station's people are its own manager's affair.
        let technician = json!({"userName": "t2", "memberships": [{"organization": "stations/S-001", "roles": ["TECHNICIAN"]}]});
        world.station.post("/v1/users", json!({"user": technician, "password": PASSWORD})).await.ok();
        let other = json!({"userName": "t3", "memberships": [{"organization": "stations/S-001", "roles": ["TECHNICIAN"]}]});
        world.admin.post("/v1/users", json!({"user": other, "password": PASSWORD})).await.refused(400, "SECOND_PERSON_NEEDED");
    }

    async fn a_program_is_made_by_two_and_is_nobodys_second_person(first) {
        let House { server, world, second_admin } = house(&first).await;
        let client = json!({"displayName": "ERP", "membership": {"organization": "organizations/OEM", "roles": ["ADMIN"]}});
        world.admin.post("/v1/apiClients", client.clone()).await.refused(400, "SECOND_PERSON_NEEDED");
        let proposal = proposed(&world.admin, &json!([{"createApiClient": {"apiClient": client}}])).await;
        let confirmed = confirm(&second_admin, &proposal).await.ok();
        let name = confirmed["changes"][0]["resource"].as_str().unwrap();
        assert!(!confirmed.to_string().contains("\"secret\""), "{confirmed:#}");
        let told = world.admin.post(&format!("/v1/{name}:rotateSecret"), json!({})).await.ok();
        let (id, secret) = (name.trim_start_matches("apiClients/"), told["secret"].as_str().unwrap());
        let token = reqwest::Client::new()
            .post(format!("{}/oauth2/token", server.base))
            .header("content-type", "application/x-www-form-urlencoded")
            .body(format!("grant_type=client_credentials&client_id={id}&client_secret={secret}"))
            .send()
            .await
            .unwrap();
        let token: Value = token.json().await.unwrap();
        let program = world.anonymous.with_token(token["access_token"].as_str().unwrap());
        let commands = dearer_pump(&world, 46_000).await;
        let refused = proposed_in_vain(&program, &commands, 403, "NOT_PERMITTED").await;
        assert!(refused["detail"].as_str().unwrap().contains("a program proposes nothing"), "{refused:#}");
        let path = "/v1/parts:import?importId=two&mode=UPSERT&proposalReason=x";
        let (status, told) = send(&server, &program, path, "application/x-ndjson", ndjson(&[json!({"name": "parts/P-1001"})])).await;
        assert_eq!((status, &told[0]["reason"]), (403, &json!("NOT_PERMITTED")), "{told:#?}");
        let proposal = proposed(&world.admin, &commands).await;
        confirm(&program, &proposal).await.refused(403, "NOT_PERMITTED");
        let alone = program.patch("/v1/parts/P-1001", json!({"claimPrices": dearer(&world, 46_000).await})).await;
        alone.refused(400, "SECOND_PERSON_NEEDED");
        confirm(&second_admin, &proposal).await.ok();
    }

    async fn a_campaign_is_activated_by_two_for_it_covers_whatever_the_warranty_says(first) {
        let House { server: _kept, world, .. } = house(&first).await;
        let campaign = json!({
            "displayName": "Pump", "type": "SERVICE_CAMPAIGN", "validFrom": date("2026-06-01"), "scope": {"models": ["M1"]},
            "remedies": [{"remedyId": "A", "parts": [{"part": "parts/P-1001", "quantity": {"value": "1"}}]}],
        });
        world.auditor.post("/v1/campaigns?campaignId=C-OWN", campaign).await.ok();
        let alone = world.auditor.post("/v1/campaigns/C-OWN:activate", json!({})).await;
        assert_eq!(alone.refused(400, "SECOND_PERSON_NEEDED")["metadata"]["kind"], "POLICIES");
        let proposal = proposed(&world.auditor, &json!([{"activateCampaign": {"name": "campaigns/C-OWN"}}])).await;
        assert_eq!(world.admin.get("/v1/campaigns/C-OWN").await.ok()["state"], "DRAFT");
        confirm(&world.auditor, &proposal).await.refused(403, "SAME_PERSON");
        confirm(&world.second_auditor, &proposal).await.ok();
        assert_eq!(world.station.get("/v1/campaigns/C-OWN").await.ok()["state"], "ACTIVE");
        let reached = world.station.get(&format!("/v1/vehicles/{VIN}/campaigns")).await.ok();
        assert_eq!(reached["campaigns"][0]["campaign"], "campaigns/C-OWN", "{reached:#}");
    }

    async fn policies_settings_and_bank_accounts_are_changed_by_two(first) {
        let House { server: _kept, world, second_admin } = house(&first).await;
        // A draft is anybody's; that it binds is not.
        let policy = json!({
            "displayName": "Base 2027", "policyFamily": "BASE", "versionNumber": 2, "validFrom": date("2027-01-01"), "models": ["M1"],
            "terms": [{"code": "GENERAL", "kind": "GENERAL", "months": 24}],
        });
        world.auditor.post("/v1/warrantyPolicies?warrantyPolicyId=BASE-2027.2", policy.clone()).await.ok();
        let publish = "/v1/warrantyPolicies/BASE-2027.2:publish";
        world.auditor.post(publish, json!({})).await.refused(400, "SECOND_PERSON_NEEDED");
        let proposal = proposed(&world.auditor, &json!([{"publishWarrantyPolicy": {"name": "warrantyPolicies/BASE-2027.2"}}])).await;
        assert_eq!(proposal["kind"], "POLICIES");
        let states: Vec<&Value> = proposal["changes"].as_array().unwrap().iter().map(|change| &change["field"]).collect();
        assert!(states.contains(&&json!("state")), "{proposal:#}");
        // A draft that is changed after that is not what was read.
        world.auditor.patch("/v1/warrantyPolicies/BASE-2027.2", json!({"displayName": "Base"})).await.ok();
        confirm(&world.second_auditor, &proposal).await.refused(400, "STATE_CONFLICT");
        let proposal = proposed(&world.auditor, &json!([{"publishWarrantyPolicy": {"name": "warrantyPolicies/BASE-2027.2"}}])).await;
        confirm(&world.second_auditor, &proposal).await.ok();
        assert_eq!(world.station.get("/v1/warrantyPolicies/BASE-2027.2").await.ok()["state"], "PUBLISHED");
        world.admin.delete("/v1/warrantyPolicies/BASE-2027.2").await.refused(400, "SECOND_PERSON_NEEDED");
        let mut draft = policy;
        draft["versionNumber"] = json!(3);
        world.admin.post("/v1/warrantyPolicies?warrantyPolicyId=BASE-2027.3", draft).await.ok();
        world.admin.delete("/v1/warrantyPolicies/BASE-2027.3").await.ok();
        // Settings are an administrator's, and so is their confirmation.
        let mut setting = crate::harness::world::setting();
        setting["validFrom"] = date("2027-01-01");
        setting["proposalDays"] = json!(3);
        world.admin.post("/v1/settings?settingId=2027", setting.clone()).await.refused(400, "SECOND_PERSON_NEEDED");
        let proposal = proposed(&world.admin, &json!([{"createSetting": {"settingId": "2027", "setting": setting}}])).await;
        confirm(&world.auditor, &proposal).await.refused(404, "RESOURCE_NOT_FOUND");
        confirm(&second_admin, &proposal).await.ok();
        assert_eq!(world.admin.get("/v1/settings/2027").await.ok()["proposalDays"], 3);
        // A budget is finance's too.
        let budget = json!({
            "region": "EAST", "validFrom": date("2026-01-01"), "validTo": date("2027-01-01"), "amount": cny(1_000_000),
        });
        world.finance.post("/v1/goodwillBudgets?goodwillBudgetId=EAST-2026", budget.clone()).await.refused(400, "SECOND_PERSON_NEEDED");
        let command = json!([{"createGoodwillBudget": {"goodwillBudgetId": "EAST-2026", "goodwillBudget": budget}}]);
        let proposal = proposed(&world.finance, &command).await;
        assert_eq!(world.finance.get("/v1/changeProposals").await.ok()["changeProposals"].as_array().map(Vec::len), Some(1));
        confirm(&world.admin, &proposal).await.ok();
        // Where money goes is the most delicate of all.
        let account = json!({"bankName": "ICBC", "bankCode": "102", "holder": "Station 1", "number": "6222"});
        let change = json!({"openingHours": "09:00-17:00", "bankAccount": account});
        let alone = world.auditor.patch("/v1/stations/S-001", change.clone()).await.refused(400, "SECOND_PERSON_NEEDED");
        assert_eq!(alone["metadata"]["kind"], "BANK_ACCOUNTS");
        world.auditor.patch("/v1/stations/S-001", json!({"openingHours": "09:00-17:00"})).await.ok();
        let mut station = change;
        station["name"] = json!("stations/S-001");
        station["grade"] = json!("B");
        let proposal = proposed(&world.auditor, &json!([{"updateStation": {"station": station}}])).await;
        assert_eq!(proposal["kind"], "BANK_ACCOUNTS");
        confirm(&world.admin, &proposal).await.ok();
        let station = world.admin.get("/v1/stations/S-001").await.ok();
        assert_eq!((&station["bankAccount"]["number"], &station["grade"]), (&json!("6222"), &json!("B")));
        world.admin.patch("/v1/suppliers/SUP-017", json!({"bankAccount": account})).await.refused(400, "SECOND_PERSON_NEEDED");
        for (path, body) in [
            ("/v1/exchangeRates?exchangeRateId=E-1", json!({
                "baseCurrency": "CNY", "quoteCurrency": "EUR", "rate": {"value": "0.13"}, "validFrom": date("2026-12-01")})),
            ("/v1/laborOperations?laborOperationId=OP-9", json!({
                "displayName": "Operation 9", "partCategory": "ENGINE", "models": ["M1"], "defaultHours": {"value": "1.0"}})),
            ("/v1/shareAgreements?shareAgreementId=SA-9", json!({
                "part": "parts/P-1001", "supplier": "suppliers/SUP-017", "validFrom": date("2024-01-01"), "shareBp": 8_000})),
        ] {
            world.auditor.post(path, body).await.refused(400, "SECOND_PERSON_NEEDED");
        }
    }

    async fn a_row_of_an_import_is_as_good_as_a_command(first) {
        let House { server, world, .. } = house(&first).await;
        let part = |code: &str, name: &str| json!({
            "name": format!("parts/{code}"), "displayName": name, "category": "BODY", "unit": "PIECE",
            "assemblyClass": "ORDINARY", "usedPartRule": "NONE"});
        let mut priced = part("I-2", "Priced");
        priced["claimPrices"] = json!([{"validFrom": date("2026-12-01"), "price": cny(100)}]);
        let renamed = json!({"name": "parts/P-1001", "displayName": "Fuel pump II"});
        // The last makes another kind of part of one that is there.
        let rows = [part("I-1", "Clip"), priced, renamed, part("P-1002", "Engine")];
        let path = "/v1/parts:import?importId=two&mode=UPSERT";
        let (status, lines) = send(&server, &world.admin, path, "application/x-ndjson", ndjson(&rows)).await;
        assert_eq!(status, 200, "{lines:#?}");
        let told: Vec<(&str, &str)> = lines
            .iter()
            .filter_map(|line| line.get("row"))
            .map(|row| (row["outcome"].as_str().unwrap(), row["reason"].as_str().unwrap_or_default()))
            .collect();
        assert_eq!(told, [("CREATED", ""), ("REFUSED", "SECOND_PERSON_NEEDED"), ("UPDATED", ""), ("REFUSED", "SECOND_PERSON_NEEDED")], "{lines:#?}");
        world.admin.get("/v1/parts/I-2").await.refused(404, "RESOURCE_NOT_FOUND");
        assert_eq!(world.admin.get("/v1/parts/P-1001").await.ok()["displayName"], "Fuel pump II", "no price was touched");
    }
}

pub(super) async fn proposed_in_vain(caller: &Client, commands: &Value, status: u16, reason: &str) -> Value {
    caller.post("/v1/changeProposals", because(commands)).await.refused(status, reason)
}

/// The first administrator of an empty deployment sets the house up alone: master data with prices, a policy, and the
/// second administrator, who must be one. From then on two are needed, and whoever is left alone gets help from the
/// machine's operator only.
async fn a_house_is_set_up_by_one(backend: Backend) {
    let Some(database) = Database::create(backend).await else { return };
    let on = |config: &mut recourse_server::config::Config| config.control.second_person = true;
    let server = Server::over_with(database, std::collections::BTreeMap::new(), on).await;
    let first_password = server.running.api.create_first_admin("first").await.unwrap();
    let anonymous = Client::anonymous(&server);
    let first = anonymous.sign_in("first", &first_password).await;
    first.post("/v1/settings?settingId=2024", crate::harness::world::setting()).await.ok();
    let part = json!({
        "displayName": "Clip", "category": "BODY", "unit": "PIECE", "assemblyClass": "ORDINARY", "usedPartRule": "NONE",
        "claimPrices": [{"validFrom": date("2024-01-01"), "price": cny(100)}],
    });
    first.post("/v1/parts?partId=C-1", part.clone()).await.ok();
    let member = |name: &str, roles: &[&str]| {
        let user = json!({"userName": name, "memberships": [{"organization": "organizations/OEM", "roles": roles}]});
        json!({"user": user, "password": PASSWORD})
    };
    let refused = first.post("/v1/users", member("auditor", &["AUDITOR"])).await.refused(400, "SECOND_PERSON_NEEDED");
    assert!(refused["detail"].as_str().unwrap().contains("another administrator"), "{refused:#}");
    first
        .post("/v1/users", json!({"user": {"userName": "nobody"}, "password": PASSWORD}))
        .await
        .refused(400, "SECOND_PERSON_NEEDED");
    let second = first.post("/v1/users", member("second", &["ADMIN"])).await.ok();
    // The door is shut, and stays so when the second is gone again.
    first.post("/v1/parts?partId=C-2", part.clone()).await.refused(400, "SECOND_PERSON_NEEDED");
    first.post("/v1/users", member("third", &["ADMIN"])).await.refused(400, "SECOND_PERSON_NEEDED");
    assert!(server.running.api.create_first_admin("third").await.is_err(), "there are two");
    first.delete(&format!("/v1/{}", second["name"].as_str().unwrap())).await.ok();
    first.post("/v1/parts?partId=C-2", part.clone()).await.refused(400, "SECOND_PERSON_NEEDED");
    first.post("/v1/users", member("third", &["ADMIN"])).await.refused(400, "SECOND_PERSON_NEEDED");
    let taken = server.running.api.create_first_admin("first").await.unwrap_err();
    assert!(taken.text.en.contains("user first is taken"), "{taken}");
    let password = server.running.api.create_first_admin("third").await.unwrap();
    let third = anonymous.sign_in("third", &password).await;
    let commands = json!([{"createPart": {"partId": "C-2", "part": part}}]);
    // Whoever worked on the machine knows the passwords that were made there.
    proposed_in_vain(&first, &commands, 403, "NOT_PERMITTED").await;
    choose_password(&first, &first_password).await;
    let proposal = proposed(&first, &commands).await;
    confirm(&third, &proposal).await.refused(403, "NOT_PERMITTED");
    choose_password(&third, &password).await;
    confirm(&third, &proposal).await.ok();
    assert_eq!(first.get("/v1/parts/C-2").await.ok()["claimPrices"].as_array().map(Vec::len), Some(1));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_house_is_set_up_by_one_on_sqlite() {
    a_house_is_set_up_by_one(Backend::Sqlite).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_house_is_set_up_by_one_on_postgres() {
    a_house_is_set_up_by_one(Backend::Postgres).await;
}
