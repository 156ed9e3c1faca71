//! Beside prices, policies, grants and bank accounts: what else nobody of the manufacturer does alone, who is no second
//! person, how a proposal is found again, what is said of one that has ended, and a price list that two persons load.

use reqwest::Method;
use serde_json::{Value, json};

use super::change_proposals::{
    House, OWN_PASSWORD, choose_password, confirm, dearer_pump, decide, house, me, proposed, proposed_in_vain,
};
use super::imports::{ndjson, send};
use crate::harness::Server;
use crate::harness::client::Client;
use crate::harness::grpc::Grpc;
use crate::harness::world::{PASSWORD, World, cny, date};
use crate::on_both_databases;

fn campaign() -> Value {
    json!({
        "displayName": "Pump recall", "type": "SERVICE_CAMPAIGN", "validFrom": date("2026-11-01"),
        "scope": {"models": ["M1"]},
        "remedies": [{"remedyId": "A", "operations": [{"operation": "laborOperations/OP-1001", "hours": {"value": "1"}}]}],
    })
}

/// A part of an import with a claim price.
fn priced(code: &str, minor: i64) -> Value {
    json!({
        "name": format!("parts/{code}"), "displayName": code, "category": "BODY", "unit": "PIECE", "assemblyClass": "ORDINARY",
        "usedPartRule": "NONE", "claimPrices": [{"validFrom": date("2027-01-01"), "price": cny(minor)}],
    })
}

/// Sends an import of parts with a reason; answers what became of each row, and the sums.
async fn send_list(server: &Server, caller: &Client, id: &str, rows: &[Value]) -> (Vec<String>, Value) {
    let path = format!("/v1/parts:import?importId={id}&mode=UPSERT&proposalReason=the%20list%20of%202027");
    let (status, lines) = send(server, caller, &path, "application/x-ndjson", ndjson(rows)).await;
    assert_eq!(status, 200, "{lines:#?}");
    let told = lines.iter().filter_map(|line| line.get("row")).map(|row| {
        let reason = row["reason"].as_str().unwrap_or_default();
        format!("{} {reason}", row["outcome"].as_str().unwrap()).trim_end().to_owned()
    });
    (told.collect(), lines.last().unwrap()["summary"].clone())
}

async fn read(caller: &Client, name: &Value) -> Value {
    caller.get(&format!("/v1/{}", name.as_str().unwrap())).await.ok()
}

async fn price_of(world: &World, code: &str) -> Option<String> {
    let part = world.admin.get(&format!("/v1/parts/{code}")).await.ok();
    part["claimPrices"].as_array()?.last()?["price"]["units"].as_str().map(str::to_owned)
}

on_both_databases! {
    async fn what_a_campaign_pays_is_decided_by_two(first) {
        let House { server: _kept, world, .. } = house(&first).await;
        world.auditor.post("/v1/campaigns?campaignId=C-1", campaign()).await.ok();
        // A draft pays nothing, and is anybody's.
        let longer = json!({"remedies": [{"remedyId": "A", "operations": [
            {"operation": "laborOperations/OP-1001", "hours": {"value": "2"}}]}]});
        world.auditor.patch("/v1/campaigns/C-1", longer.clone()).await.ok();
        let refused = world.auditor.post("/v1/campaigns/C-1:activate", json!({})).await.refused(400, "SECOND_PERSON_NEEDED");
        assert_eq!(refused["metadata"]["kind"], "POLICIES", "{refused:#}");
        assert!(refused["detail"].as_str().unwrap().contains("activateCampaign"), "{refused:#}");
        let proposal = proposed(&world.auditor, &json!([{"activateCampaign": {"name": "campaigns/c-1"}}])).await;
        let fields: Vec<&str> =
            proposal["changes"].as_array().unwrap().iter().map(|change| change["field"].as_str().unwrap()).collect();
        assert_eq!(fields, ["activate_date", "state"]);
        confirm(&world.admin, &proposal).await.ok();
        assert_eq!(world.station.get("/v1/campaigns/C-1").await.ok()["state"], "ACTIVE");
        // Of an active one words are changed by one, and what it pays, or until when, by two.
        world.auditor.patch("/v1/campaigns/C-1", json!({"description": "as announced"})).await.ok();
        let mut dearer = longer;
        dearer["remedies"][0]["operations"][0]["hours"]["value"] = json!("9");
        world.auditor.patch("/v1/campaigns/C-1", dearer.clone()).await.refused(400, "SECOND_PERSON_NEEDED");
        world.auditor.patch("/v1/campaigns/C-1", json!({"validUntil": date("2028-01-01")})).await
            .refused(400, "SECOND_PERSON_NEEDED");
        dearer["name"] = json!("campaigns/C-1");
        let proposal = proposed(&world.auditor, &json!([{"updateCampaign": {"campaign": dearer}}])).await;
        assert_eq!((&proposal["kind"], &proposal["changes"][0]["field"]), (&json!("PRICES"), &json!("remedies")));
        confirm(&world.second_auditor, &proposal).await.ok();
        let stands = world.admin.get("/v1/campaigns/C-1").await.ok();
        assert_eq!(stands["remedies"][0]["operations"][0]["hours"]["value"], "9.00", "{stands:#}");
        // So does its end.
        world.admin.post("/v1/campaigns/C-1:close", json!({})).await.refused(400, "SECOND_PERSON_NEEDED");
        let proposal = proposed(&world.admin, &json!([{"closeCampaign": {"name": "campaigns/C-1"}}])).await;
        assert_eq!(proposal["kind"], "POLICIES");
        confirm(&world.auditor, &proposal).await.ok();
        assert_eq!(world.admin.get("/v1/campaigns/C-1").await.ok()["state"], "CLOSED");
    }

    async fn who_is_charged_and_what_a_part_counts_as_is_decided_by_two(first) {
        let House { server: _kept, world, .. } = house(&first).await;
        let supply = json!({
            "part": "parts/P-1001", "supplier": "suppliers/SUP-018", "validFrom": date("2024-01-01"), "quotaBp": 6000,
        });
        let alone = world.auditor.post("/v1/partSupplies?partSupplyId=PS-1", supply.clone()).await;
        assert_eq!(alone.refused(400, "SECOND_PERSON_NEEDED")["metadata"]["kind"], "PRICES");
        let command = json!([{"createPartSupply": {"partSupplyId": "PS-1", "partSupply": supply}}]);
        confirm(&world.admin, &proposed(&world.auditor, &command).await).await.ok();
        world.auditor.patch("/v1/partSupplies/PS-1", json!({"externalRef": "E-1"})).await.ok();
        world.auditor.patch("/v1/partSupplies/PS-1", json!({"quotaBp": 10000})).await.refused(400, "SECOND_PERSON_NEEDED");
        world.auditor.patch("/v1/partSupplies/PS-1", json!({"lot": "L9"})).await.refused(400, "SECOND_PERSON_NEEDED");
        world.auditor.delete("/v1/partSupplies/PS-1").await.refused(400, "SECOND_PERSON_NEEDED");
        let quota = json!([{"updatePartSupply": {"partSupply": {"name": "partSupplies/PS-1", "quotaBp": 10000}}}]);
        confirm(&world.admin, &proposed(&world.auditor, &quota).await).await.ok();
        assert_eq!(world.admin.get("/v1/partSupplies/PS-1").await.ok()["quotaBp"], 10000);
        let end = json!([{"deletePartSupply": {"name": "partSupplies/PS-1"}}]);
        confirm(&world.auditor, &proposed(&world.admin, &end).await).await.ok();
        // A new part is of some class; that it becomes another decides which policy covers it.
        for (change, kind) in [
            (json!({"category": "WEAR"}), "POLICIES"),
            (json!({"assemblyClass": "MAIN_PART", "system": "ENGINE"}), "POLICIES"),
            (json!({"defaultSupplier": "suppliers/SUP-018"}), "PRICES"),
        ] {
            let refused = world.auditor.patch("/v1/parts/P-1001", change).await.refused(400, "SECOND_PERSON_NEEDED");
            assert_eq!(refused["metadata"]["kind"], kind, "{refused:#}");
        }
        let mut part = priced("C-7", 1);
        part.as_object_mut().unwrap().remove("claimPrices");
        world.auditor.post("/v1/parts?partId=C-7", part).await.ok();
    }

    async fn whoever_was_disabled_is_let_in_again_by_two(first) {
        let House { server: _kept, world, second_admin } = house(&first).await;
        let name = me(&world.finance).await;
        let path = format!("/v1/{name}");
        world.admin.post(&format!("{path}:disable"), json!({})).await.ok();
        world.anonymous.post("/v1/sessions", json!({"userName": "finance", "password": OWN_PASSWORD})).await
            .refused(401, "CREDENTIALS_INVALID");
        let refused = world.admin.post(&format!("{path}:enable"), json!({})).await.refused(400, "SECOND_PERSON_NEEDED");
        assert!(refused["detail"].as_str().unwrap().contains("enableUser"), "{refused:#}");
        assert_eq!(refused["metadata"]["kind"], "ROLE_GRANTS");
        let proposal = proposed(&world.admin, &json!([{"enableUser": {"name": name}}])).await;
        assert_eq!((&proposal["changes"][0]["resource"], &proposal["changes"][0]["field"]), (&json!(name), &json!("disabled")));
        confirm(&world.admin, &proposal).await.refused(403, "SAME_PERSON");
        confirm(&second_admin, &proposal).await.ok();
        world.anonymous.sign_in("finance", OWN_PASSWORD).await.get("/v1/ledger:trialBalance").await.ok();
        // A station's manager lets the station's people in again alone, as ever; an account without any right is one's.
        let technician = me(&world.technician).await;
        world.station.post(&format!("/v1/{technician}:disable"), json!({})).await.ok();
        world.station.post(&format!("/v1/{technician}:enable"), json!({})).await.ok();
        let nobody = world.admin.post("/v1/users", json!({"user": {"userName": "nobody"}, "password": PASSWORD})).await.ok();
        for verb in ["disable", "enable"] {
            world.admin.post(&format!("/v1/{}:{verb}", nobody["name"].as_str().unwrap()), json!({})).await.ok();
        }
    }

    async fn an_account_whose_password_another_knows_is_no_second_person(first) {
        let House { server: _kept, world, second_admin } = house(&first).await;
        // An administrator makes an account for a colleague, and two grant it the role.
        let user = json!({"user": {"userName": "shadow"}, "password": PASSWORD});
        let shadow = world.admin.post("/v1/users", user).await.ok()["name"].clone();
        let membership = json!([{"organization": "organizations/OEM", "roles": ["ADMIN"]}]);
        let grant = json!([{"updateUser": {"user": {"name": shadow, "memberships": membership}}}]);
        confirm(&second_admin, &proposed(&world.admin, &grant).await).await.ok();
        // Whoever made it knows its password, and signs in as the colleague.
        let shadow = world.anonymous.sign_in("shadow", PASSWORD).await;
        let proposal = proposed(&world.admin, &dearer_pump(&world, 46_000).await).await;
        let refused = confirm(&shadow, &proposal).await.refused(403, "NOT_PERMITTED");
        assert_eq!(refused["metadata"]["rule"], "PASSWORD_OF_ANOTHER", "{refused:#}");
        assert!(refused["detail"].as_str().unwrap().contains("/v1/users/me:changePassword"), "{refused:#}");
        decide(&shadow, &proposal, "reject", json!({"note": "no"})).await.refused(403, "NOT_PERMITTED");
        proposed_in_vain(&shadow, &dearer_pump(&world, 47_000).await, 403, "NOT_PERMITTED").await;
        // Its holder chooses another, and then counts; the first one lets nobody in any more.
        choose_password(&shadow, PASSWORD).await;
        world.anonymous.post("/v1/sessions", json!({"userName": "shadow", "password": PASSWORD})).await
            .refused(401, "CREDENTIALS_INVALID");
        confirm(&shadow, &proposal).await.ok();
    }

    async fn who_confirms_a_grant_sees_which_issuers_sign_the_person_in(first) {
        let House { server: _kept, world, second_admin } = house(&first).await;
        let user = json!({"user": {"userName": "linked"}, "password": PASSWORD});
        let name = world.admin.post("/v1/users", user).await.ok()["name"].clone();
        let link = json!({"outsideIdentities": [{"issuer": "https://id.example.org", "subject": "s-1"}]});
        world.admin.patch(&format!("/v1/{}", name.as_str().unwrap()), link).await.ok();
        let membership = json!([{"organization": "organizations/OEM", "roles": ["FINANCE"]}]);
        let grant = json!([{"updateUser": {"user": {"name": name, "memberships": membership}}}]);
        let proposal = proposed(&world.admin, &grant).await;
        let proposal = read(&second_admin, &proposal["name"]).await;
        let change = proposal["changes"].as_array().unwrap().iter().find(|change| change["field"] == "outside_identities");
        assert!(change.unwrap()["after"].as_str().unwrap().contains("https://id.example.org"), "{proposal:#}");
        assert!(!proposal.to_string().contains("s-1"), "a proposal holds nothing of the person: {proposal:#}");
        confirm(&second_admin, &proposal).await.ok();
    }

    async fn an_ended_proposal_says_how_it_ended_and_a_repeat_is_a_repeat(first) {
        let House { server, world, .. } = house(&first).await;
        let proposal = proposed(&world.auditor, &dearer_pump(&world, 46_000).await).await;
        let path = format!("/v1/{}:confirm", proposal["name"].as_str().unwrap());
        let key = [("idempotency-key", "0199a000-0000-7000-8000-00000000c0f7")];
        let body = json!({"etag": proposal["etag"]});
        world.second_auditor.call(Method::POST, &path, Some(body.clone()), &key).await.ok();
        // The same call again is answered as the first; another is told what became of the proposal, whatever it read.
        let again = world.second_auditor.call(Method::POST, &path, Some(body.clone()), &key).await.ok();
        assert_eq!(again["state"], "CONFIRMED");
        let by = me(&world.second_auditor).await;
        for (caller, verb, more) in [
            (&world.admin, "confirm", json!({})),
            (&world.second_auditor, "confirm", json!({"note": "once more"})),
            (&world.admin, "reject", json!({"note": "late"})),
            (&world.auditor, "withdraw", json!({})),
        ] {
            let refused = decide(caller, &proposal, verb, more).await.refused(400, "PROPOSAL_ENDED");
            assert_eq!((&refused["metadata"]["state"], &refused["metadata"]["decidedBy"]), (&json!("CONFIRMED"), &json!(by)));
            assert!(refused["metadata"]["decideTime"].as_str().unwrap().starts_with("2026-11-20"), "{refused:#}");
            assert!(refused["detail"].as_str().unwrap().contains("was confirmed by"), "{refused:#}");
        }
        let chinese = world.admin.reading("zh-CN").post(&path, body.clone()).await;
        assert!(chinese.body.to_string().contains("确认并执行"), "{:#}", chinese.body);
        // Whoever may not know of it learns nothing.
        world.finance.post(&path, body).await.refused(404, "RESOURCE_NOT_FOUND");
        // The same over gRPC.
        let grpc = Grpc::connect(&server).await.with_token(world.admin.token().unwrap());
        let request = recourse_proto::v1::ConfirmChangeProposalRequest {
            name: proposal["name"].as_str().unwrap().to_owned(),
            etag: proposal["etag"].as_str().unwrap().to_owned(),
            ..Default::default()
        };
        let reply = grpc.call("/recourse.v1.ChangeProposalService/ConfirmChangeProposal", &request).await;
        let details = reply.refused(tonic::Code::FailedPrecondition, "PROPOSAL_ENDED");
        assert_eq!(details.metadata["decidedBy"], by);
        // One that was taken back was decided by nobody.
        let other = proposed(&world.auditor, &dearer_pump(&world, 47_000).await).await;
        decide(&world.auditor, &other, "withdraw", json!({})).await.ok();
        let refused = confirm(&world.admin, &other).await.refused(400, "PROPOSAL_ENDED");
        assert_eq!((&refused["metadata"]["state"], refused["metadata"].get("decidedBy")), (&json!("WITHDRAWN"), None));
    }

    async fn proposals_are_found_by_what_they_concern(first) {
        let House { server: _kept, world, .. } = house(&first).await;
        let pump = proposed(&world.auditor, &dearer_pump(&world, 46_000).await).await;
        let settings = json!([{"deleteSetting": {"name": "settings/2024"}}]);
        let setting = proposed(&world.admin, &settings).await;
        let found = |query: &str| {
            let (caller, path) = (world.admin.clone(), format!("/v1/changeProposals?{query}"));
            async move {
                let listed = caller.get(&path).await.ok();
                let names = listed["changeProposals"].as_array().cloned().unwrap_or_default();
                names.into_iter().map(|proposal| proposal["name"].clone()).collect::<Vec<Value>>()
            }
        };
        assert_eq!(found("resource=parts/P-1001").await, [pump["name"].clone()]);
        assert_eq!(found("resource=parts/p-1001&filter=state%3DPENDING").await, [pump["name"].clone()]);
        assert_eq!(found("resource=settings/2024").await, [setting["name"].clone()]);
        assert_eq!(found("resource=parts/P-1002").await, Vec::<Value>::new());
        // Nobody finds what is not for them to know.
        let listed = world.auditor.get("/v1/changeProposals?resource=settings/2024").await.ok();
        assert!(listed.get("changeProposals").is_none(), "{listed:#}");
    }

    async fn a_price_list_is_loaded_by_two(first) {
        let House { server, world, second_admin } = house(&first).await;
        let mut rows = vec![
            priced("L-1", 100), priced("L-2", 250), json!({"name": "parts/P-1002", "displayName": "Motor II"}),
            json!({"name": "parts/P-1001", "category": "WEAR"}),
        ];
        let mut broken = priced("L-3", 1);
        broken["category"] = json!("");
        rows.push(broken);
        let (told, sums) = send_list(&server, &world.auditor, "list", &rows).await;
        assert_eq!(told, ["WAITING", "WAITING", "UPDATED", "WAITING", "REFUSED INVALID_FIELDS"], "{sums:#}");
        assert_eq!((&sums["waiting"], &sums["updated"], &sums["refused"]), (&json!("3"), &json!("1"), &json!("1")));
        world.admin.get("/v1/parts/L-1").await.refused(404, "RESOURCE_NOT_FOUND");
        // What the other reads: how many, how much, and what changes most; first what has no amount.
        let proposal = read(&world.admin, &sums["changeProposal"]).await;
        assert_eq!((&proposal["operation"], &proposal["kind"]), (&json!("PartService.ImportParts"), &json!("POLICIES")));
        let import = &proposal["commands"][0]["importParts"];
        assert_eq!([&import["rows"], &import["created"], &import["updated"]], ["3", "2", "1"]);
        let moves = &import["moves"][0];
        assert_eq!((&moves["added"], &moves["addedTotal"]), (&json!("2"), &cny(350)), "{import:#}");
        assert_eq!(import["digest"].as_str().map(str::len), Some(64));
        let largest: Vec<&Value> = proposal["changes"].as_array().unwrap().iter().map(|change| &change["resource"]).collect();
        assert_eq!(largest, ["parts/P-1001", "parts/L-2", "parts/L-1"]);
        let of_part = world.admin.get("/v1/changeProposals?resource=parts/L-2").await.ok();
        assert_eq!(of_part["changeProposals"][0]["name"], proposal["name"]);
        // Sent again before the confirmation nothing happens, and it makes no second proposal.
        let (told, again) = send_list(&server, &world.auditor, "list", &rows).await;
        assert_eq!(&told[..4], ["WAITING", "WAITING", "UPDATED", "WAITING"], "{again:#}");
        assert_eq!((&again["repeated"], again.get("changeProposal")), (&json!("4"), None));
        // Another confirms, and whoever sent the list sends it again: it is written, and leads to both.
        confirm(&world.auditor, &proposal).await.refused(403, "SAME_PERSON");
        confirm(&world.finance, &proposal).await.refused(404, "RESOURCE_NOT_FOUND");
        let confirmed = confirm(&second_admin, &proposal).await.ok();
        world.admin.get("/v1/parts/L-1").await.refused(404, "RESOURCE_NOT_FOUND");
        let (told, sums) = send_list(&server, &world.auditor, "list", &rows).await;
        assert_eq!(&told[..4], ["CREATED", "CREATED", "UPDATED", "UPDATED"], "{sums:#}");
        assert_eq!(price_of(&world, "L-2").await.as_deref(), Some("2"));
        assert_eq!(world.admin.get("/v1/parts/P-1001").await.ok()["category"], "WEAR");
        for part in ["L-1", "L-2", "P-1001"] {
            let trail = world.admin.get(&format!("/v1/events?resource=parts/{part}")).await.ok();
            let last = trail["events"].as_array().unwrap().last().unwrap();
            assert_eq!((&last["commandId"], &last["actor"]), (&confirmed["commandId"], &confirmed["proposedBy"]));
        }
        let (told, sums) = send_list(&server, &world.auditor, "list", &rows).await;
        assert_eq!((&told[..2], &sums["repeated"]), (&["CREATED".to_owned(), "CREATED".to_owned()][..], &json!("4")));
        // The list of somebody else is another job: what was agreed to for the auditor is agreed to for nobody else.
        let (told, _) = send_list(&server, &world.admin, "list", &[priced("L-9", 5)]).await;
        assert_eq!(told, ["WAITING"]);
    }

    async fn what_was_agreed_to_is_written_only_as_it_was_read(first) {
        let House { server, world, .. } = house(&first).await;
        let rows = [priced("L-1", 100), priced("L-2", 200), json!({"name": "parts/P-1001", "category": "WEAR"})];
        let (_, sums) = send_list(&server, &world.auditor, "list", &rows).await;
        let proposal = read(&world.admin, &sums["changeProposal"]).await;
        // Other content in a row, and a part that was changed meanwhile: neither was agreed to.
        world.admin.patch("/v1/parts/P-1001", json!({"displayName": "Pump"})).await.ok();
        confirm(&world.admin, &proposal).await.ok();
        let changed = [rows[0].clone(), priced("L-2", 999), rows[2].clone()];
        let (told, sums) = send_list(&server, &world.auditor, "list", &changed).await;
        assert_eq!(told, ["CREATED", "WAITING", "REFUSED STALE_ETAG"], "{sums:#}");
        world.admin.get("/v1/parts/L-2").await.refused(404, "RESOURCE_NOT_FOUND");
        assert_ne!(world.admin.get("/v1/parts/P-1001").await.ok()["category"], "WEAR");
        // They are proposed anew. What is rejected waits for nobody, and is tried anew too.
        let second = read(&world.admin, &sums["changeProposal"]).await;
        assert_ne!(second["name"], proposal["name"]);
        decide(&world.admin, &second, "reject", json!({"note": "999?"})).await.ok();
        let (told, sums) = send_list(&server, &world.auditor, "list", &changed).await;
        assert_eq!(told, ["CREATED", "WAITING", "WAITING"], "{sums:#}");
        let third = read(&world.admin, &sums["changeProposal"]).await;
        assert_eq!(third["commands"][0]["importParts"]["rows"], "2");
        confirm(&world.second_auditor, &third).await.ok();
        let (told, _) = send_list(&server, &world.auditor, "list", &changed).await;
        assert_eq!(told, ["CREATED", "CREATED", "UPDATED"]);
        // Nobody writes such a proposal by hand, and nobody alone says that somebody agreed.
        let by_hand = json!([{"importParts": {"importId": "list"}}]);
        let problem = proposed_in_vain(&world.auditor, &by_hand, 400, "INVALID_FIELDS").await;
        assert!(problem.to_string().contains("proposalReason"), "{problem:#}");
        world.station.post("/v1/parts:import?importId=x&mode=UPSERT&proposalReason=x", json!({})).await
            .refused(403, "ROLE_NOT_ALLOWED");
    }
}
