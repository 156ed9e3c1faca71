//! Who sees what: rows of others are not there, and fields that are not one's business are left out.

use recourse_proto::method::Rpc;
use serde_json::json;

use crate::harness::world::{World, pump_claim};
use crate::on_both_databases;

on_both_databases! {
    async fn a_claim_of_another_station_is_not_there(server) {
        let world = World::load(&server).await;
        let name = world.submitted(pump_claim()).await;
        let path = format!("/v1/{name}");
        world.other_station.get(&path).await.refused(404, "RESOURCE_NOT_FOUND");
        world.other_station.patch(&path, json!({"causeCode": "X"})).await.refused(404, "RESOURCE_NOT_FOUND");
        world.other_station.post(&format!("{path}:submit"), json!({})).await.refused(404, "RESOURCE_NOT_FOUND");
        world.other_station.post(&format!("{path}:withdraw"), json!({})).await.refused(404, "RESOURCE_NOT_FOUND");
        world.supplier.get(&path).await.refused(404, "RESOURCE_NOT_FOUND");
        world.appraiser.get(&path).await.refused(404, "RESOURCE_NOT_FOUND");
        world.technician.get(&path).await.refused(404, "RESOURCE_NOT_FOUND");
        world.anonymous.get(&path).await.refused(401, "TOKEN_INVALID");
        assert!(world.other_station.get("/v1/claims").await.ok().get("claims").is_none());
        let mut stolen = pump_claim();
        stolen["station"] = json!("stations/S-001");
        world.other_station.post("/v1/claims", stolen).await.refused(400, "INVALID_FIELDS");
    }

    async fn a_technician_writes_drafts_and_leaves_submission_to_the_clerk(server) {
        let world = World::load(&server).await;
        let draft = world.technician.post("/v1/claims", pump_claim()).await.ok();
        let path = format!("/v1/{}", draft["name"].as_str().unwrap());
        assert!(draft["totals"].is_null(), "amounts are not a technician's business");
        world.technician.patch(&path, json!({"causeDescription": "corroded"})).await.ok();
        world.technician.post(&format!("{path}:submit"), json!({})).await.refused(403, "ROLE_NOT_ALLOWED");
        assert_eq!(world.station.get(&path).await.ok()["causeDescription"], "corroded");
        world.station.post(&format!("{path}:submit"), json!({})).await.ok();
    }

    async fn prices_are_seen_by_those_whose_prices_they_are(server) {
        let world = World::load(&server).await;
        let seen = |part: &serde_json::Value| {
            ["retailPrices", "claimPrices", "dealerNetPrices", "recoveryPrices"].map(|kind| part.get(kind).is_some())
        };
        assert_eq!(seen(&world.auditor.get("/v1/parts/P-1001").await.ok()), [true, true, true, true]);
        assert_eq!(seen(&world.station.get("/v1/parts/P-1001").await.ok()), [true, true, true, false]);
        assert_eq!(seen(&world.technician.get("/v1/parts/P-1001").await.ok()), [true, false, false, false]);
        assert_eq!(seen(&world.supplier.get("/v1/parts/P-1001").await.ok()), [true, false, false, true]);
    }

    async fn of_another_station_one_sees_the_name_and_not_the_rates(server) {
        let world = World::load(&server).await;
        let own = world.station.get("/v1/stations/S-001").await.ok();
        let other = world.station.get("/v1/stations/S-002").await.ok();
        assert!(own.get("grade").is_some() && own.get("paymentContract").is_some());
        assert_eq!(other["displayName"], "Station S-002");
        assert!(other.get("paymentContract").is_none() && other.get("bankAccount").is_none(), "{other:#}");
    }

    async fn every_rpc_is_closed_to_those_without_a_grant(server) {
        let world = World::load(&server).await;
        let callers = [
            ("STATION", &world.station),
            ("TECHNICIAN", &world.technician),
            ("AUDITOR", &world.auditor),
            ("FINANCE", &world.finance),
            ("APPRAISER", &world.appraiser),
            ("SUPPLIER", &world.supplier),
            ("ADMIN", &world.admin),
        ];
        let mut wrong = Vec::new();
        for method in recourse_proto::Method::ALL {
            let rule = &method.http()[0];
            // A path of the right shape; that the thing does not exist is found out after the access rule.
            let path = rule.template.split('/').map(filled).collect::<Vec<_>>().join("/");
            let body = (!rule.body.is_empty()).then(|| json!({}));
            let verb = reqwest::Method::from_bytes(rule.verb.as_str().as_bytes()).unwrap();
            if method.server_streaming() {
                continue;
            }
            let anonymous = world.anonymous.call(verb.clone(), &path, body.clone(), &[]).await;
            if method.access().public == (anonymous.body["reason"] == "TOKEN_INVALID") {
                wrong.push(format!("{} anonymous: {}", method.full_name(), anonymous.status));
            }
            for (role, caller) in callers {
                let code = recourse_proto::v1::role::Code::from_str_name(role).unwrap();
                let granted = method.access().public
                    || method.access().self_only
                    || method.access().scope_of(code).is_some();
                let answer = caller.call(verb.clone(), &path, body.clone(), &[]).await;
                let refused = answer.body["reason"] == "ROLE_NOT_ALLOWED";
                if granted == refused || answer.status >= 500 {
                    wrong.push(format!("{} {role}: {} {}", method.full_name(), answer.status, answer.body["reason"]));
                }
            }
        }
        assert!(wrong.is_empty(), "{wrong:#?}");
    }
}

/// A segment of a path template with something that does not exist in place of a variable.
fn filled(segment: &str) -> String {
    let nothing = "0199a1b2-0000-7000-8000-0000000000ff";
    let text = segment.replace("{name=", "").replace("{parent=", "");
    let text = match text.split_once('=') {
        // `{claim.name=claims/*}`
        Some((variable, rest)) if variable.starts_with('{') => rest.to_owned(),
        _ => text,
    };
    text.replace(['{', '}'], "").replace('*', nothing)
}

#[test]
fn the_access_matrix_is_the_committed_one() {
    use std::fmt::Write;
    let roles = ["STATION", "TECHNICIAN", "AUDITOR", "FINANCE", "APPRAISER", "SUPPLIER", "CUSTOMER", "ADMIN"];
    let mut matrix = format!("{:<58}{}\n", "rpc", roles.map(|role| format!("{role:<13}")).concat().trim_end());
    for method in <recourse_proto::Method as Rpc>::ALL {
        let access = method.access();
        let cells = roles.map(|role| {
            let code = recourse_proto::v1::role::Code::from_str_name(role).unwrap();
            let cell = match (access.public, access.self_only, access.scope_of(code)) {
                (true, _, _) => "public",
                (_, _, Some(scope)) => scope.as_str_name(),
                (_, true, None) => "self",
                (_, false, None) => "-",
            };
            format!("{cell:<13}", cell = cell.replace("OWN_ORGANIZATION", "OWN_ORG"))
        });
        let _ =
            writeln!(matrix, "{:<58}{}", format!("{}.{}", method.service(), method.name()), cells.concat().trim_end());
    }
    let path = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/access-matrix.txt");
    let committed = std::fs::read_to_string(&path).unwrap_or_default();
    if committed != matrix {
        std::fs::write(path.with_extension("txt.new"), &matrix).unwrap();
        panic!("the access matrix changed; compare tests/access-matrix.txt.new and commit it as access-matrix.txt");
    }
}
