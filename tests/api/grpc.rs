//! The same API over gRPC: the same rules, refusals and effects as over REST, on the same port.

use prost::Message;
use recourse_proto::method::Rpc;
use recourse_proto::{Method, v1};
use serde_json::{Value, json};
use tonic::Code;

use crate::harness::Server;
use crate::harness::grpc::{Grpc, frame, frames};
use crate::harness::world::{cny, pump_claim};
use crate::on_both_databases;

/// A message from its canonical JSON.
fn message<M: serde::de::DeserializeOwned>(json: Value) -> M {
    serde_json::from_value(json).expect("canonical JSON")
}

async fn caller(server: &Server, name: &str) -> Grpc {
    Grpc::connect(server).await.with_token(&server.tokens[name])
}

fn create_request() -> v1::CreateClaimRequest {
    v1::CreateClaimRequest { claim: Some(message(pump_claim())), ..Default::default() }
}

async fn created(station: &Grpc) -> v1::Claim {
    station.call(Method::ClaimServiceCreateClaim.grpc_path(), &create_request()).await.ok()
}

on_both_databases! {
    async fn the_main_job_is_done_over_grpc(server) {
        let (station, auditor) = (caller(&server, "s001").await, caller(&server, "auditor").await);
        let finance = caller(&server, "finance").await;
        let draft = created(&station).await;
        let submit = v1::SubmitClaimRequest { name: draft.name.clone(), ..Default::default() };
        let submitted: v1::SubmitClaimResponse =
            station.call(Method::ClaimServiceSubmitClaim.grpc_path(), &submit).await.ok();
        assert_eq!(submitted.claim.map(|claim| claim.revision), Some(1));
        let start = v1::StartReviewRequest { name: draft.name.clone(), ..Default::default() };
        let reviewed: v1::Claim = auditor.call(Method::ClaimServiceStartReview.grpc_path(), &start).await.ok();
        let decision: v1::AdjudicateClaimRequest = message(json!({
            "name": draft.name,
            "etag": reviewed.etag,
            "lineDecisions": [
                {"lineNumber": 1, "outcome": "APPROVED"},
                {"lineNumber": 2, "outcome": "REDUCED", "approvedAmount": cny(18_000),
                 "reasons": [{"code": "EXCESSIVE_LABOR_HOURS"}]},
            ],
        }));
        let decided: v1::Claim = auditor.call(Method::ClaimServiceAdjudicateClaim.grpc_path(), &decision).await.ok();
        let shown = serde_json::to_value(&decided).unwrap();
        assert_eq!((shown["state"].as_str(), &shown["totals"]["approved"]), (Some("APPROVED"), &cny(63_000)));
        let entries: v1::ListEntriesResponse = finance
            .call(Method::LedgerServiceListEntries.grpc_path(), &v1::ListEntriesRequest::default())
            .await
            .ok();
        assert_eq!(entries.entries.len(), 1);
        assert_eq!(entries.entries[0].cause, format!("{}/decisions/1", draft.name));
    }

    async fn refused_tokens_are_refused(server) {
        let token = server.tokens["s001"].clone();
        let mut parts: Vec<String> = token.split('.').map(str::to_owned).collect();
        let unsigned = format!("{}.{}.", parts[0], parts[1]);
        parts[2].replace_range(0..4, "AAAA");
        let tampered = parts.join(".");
        let anonymous = Grpc::connect(&server).await;
        let path = Method::ClaimServiceListClaims.grpc_path();
        let request = v1::ListClaimsRequest::default();
        for bad in ["", "x", "a.b.c", unsigned.as_str(), tampered.as_str(), &format!("{token}x"), &"e".repeat(5000)] {
            let reply = anonymous.with_token(bad).call(path, &request).await;
            reply.refused(Code::Unauthenticated, "TOKEN_INVALID");
        }
        anonymous.call(path, &request).await.refused(Code::Unauthenticated, "TOKEN_INVALID");
        let basic = anonymous.call_with(path, &request, &[("authorization", "Basic czAwMTp4")]).await;
        basic.refused(Code::Unauthenticated, "TOKEN_INVALID");
        let _: v1::ListClaimsResponse = anonymous.with_token(&token).call(path, &request).await.ok();
    }

    async fn every_rpc_is_closed_to_those_without_a_grant(server) {
        let callers = [
            ("STATION", "s001"),
            ("TECHNICIAN", "tech"),
            ("AUDITOR", "auditor"),
            ("FINANCE", "finance"),
            ("APPRAISER", "appraiser"),
            ("SUPPLIER", "supplier"),
            ("ADMIN", "admin"),
        ];
        let anonymous = Grpc::connect(&server).await;
        let mut wrong = Vec::new();
        for method in <Method as Rpc>::ALL {
            let access = method.access();
            // An empty message says nothing of the caller: whatever else is wrong with it is found later.
            let refused = anonymous.refusal(method.grpc_path(), &()).await;
            let closed = refused.as_ref().is_some_and(|status| status.code() == Code::Unauthenticated);
            if closed == access.public {
                wrong.push(format!("{} anonymous: {refused:?}", method.full_name()));
            }
            for (role, name) in callers {
                let code = v1::role::Code::from_str_name(role).unwrap();
                let granted = access.public || access.self_only || access.scope_of(code).is_some();
                let refused = anonymous.with_token(&server.tokens[name]).refusal(method.grpc_path(), &()).await;
                let closed = refused.as_ref().is_some_and(|status| {
                    recourse_proto::status::Details::of(status).reason == "ROLE_NOT_ALLOWED"
                        && status.code() == Code::PermissionDenied
                });
                let broken = refused
                    .as_ref()
                    .is_some_and(|status| matches!(status.code(), Code::Internal | Code::Unknown | Code::Unimplemented));
                if granted == closed || broken {
                    wrong.push(format!("{} {role}: {refused:?}", method.full_name()));
                }
            }
        }
        assert!(wrong.is_empty(), "{wrong:#?}");
    }

    async fn a_stale_etag_is_aborted_and_told_in_the_readers_language(server) {
        let station = caller(&server, "s001").await;
        let draft = created(&station).await;
        let change = v1::UpdateClaimRequest {
            claim: Some(v1::Claim { cause_description: "corroded".to_owned(), ..draft.clone() }),
            update_mask: Some(message(json!("causeDescription"))),
            ..Default::default()
        };
        let path = Method::ClaimServiceUpdateClaim.grpc_path();
        let changed: v1::Claim = station.call(path, &change).await.ok();
        assert_ne!(changed.etag, draft.etag);
        for (language, locale, chinese) in [("zh-CN", "zh-CN", true), ("en", "en", false)] {
            let reply = station.call_with(path, &change, &[("accept-language", language)]).await;
            let details = reply.refused(Code::Aborted, "STALE_ETAG");
            assert_eq!(details.metadata.get("resource"), Some(&draft.name));
            let text = details.localized.expect("a text for people");
            assert_eq!(text.locale, locale);
            assert_eq!(text.message.chars().any(|c| c > '\u{4e00}'), chinese, "{}", text.message);
        }
    }

    async fn a_field_at_fault_is_named_as_the_contract_spells_it(server) {
        let station = caller(&server, "s001").await;
        let mut request = create_request();
        if let Some(claim) = &mut request.claim {
            claim.complaint_description = "x".repeat(100_000);
        }
        let reply = station.call(Method::ClaimServiceCreateClaim.grpc_path(), &request).await;
        let details = reply.refused(Code::InvalidArgument, "INVALID_FIELDS");
        assert_eq!(details.violations[0].field, "claim.complaint_description");
    }

    async fn a_key_in_metadata_makes_a_command_happen_once(server) {
        let station = caller(&server, "s001").await;
        let path = Method::ClaimServiceCreateClaim.grpc_path();
        let key = [("idempotency-key", "0199a1b2-0000-7000-8000-00000000abcd")];
        let first = station.call_with(path, &create_request(), &key).await;
        assert!(first.metadata.get("idempotent-replayed").is_none());
        let first: v1::Claim = first.ok();
        let again = station.call_with(path, &create_request(), &key).await;
        assert_eq!(again.metadata.get("idempotent-replayed").map(reqwest::header::HeaderValue::as_bytes), Some(&b"true"[..]));
        assert_eq!(again.ok::<v1::Claim>().name, first.name);
        let mut other = create_request();
        if let Some(claim) = &mut other.claim {
            claim.cause_code = "C9".to_owned();
        }
        station.call_with(path, &other, &key).await.refused(Code::InvalidArgument, "IDEMPOTENCY_KEY_REUSED");
        // The field and the metadata are one key.
        let named = v1::CreateClaimRequest { request_id: key[0].1.to_owned(), ..create_request() };
        assert_eq!(station.call(path, &named).await.ok::<v1::Claim>().name, first.name);
        let listed: v1::ListClaimsResponse =
            station.call(Method::ClaimServiceListClaims.grpc_path(), &v1::ListClaimsRequest::default()).await.ok();
        assert_eq!(listed.claims.len(), 1);
    }

    async fn health_and_reflection_answer_without_a_token(server) {
        let anonymous = Grpc::connect(&server).await;
        let health: tonic_health::pb::HealthCheckResponse = anonymous
            .call("/grpc.health.v1.Health/Check", &tonic_health::pb::HealthCheckRequest::default())
            .await
            .ok();
        assert_eq!(health.status, tonic_health::pb::health_check_response::ServingStatus::Serving as i32);
        let list = tonic_reflection::pb::v1::ServerReflectionRequest {
            host: String::new(),
            message_request: Some(
                tonic_reflection::pb::v1::server_reflection_request::MessageRequest::ListServices("*".to_owned()),
            ),
        };
        // Both versions have the same messages.
        for version in ["v1", "v1alpha"] {
            let path = format!("/grpc.reflection.{version}.ServerReflection/ServerReflectionInfo");
            let reply = anonymous.call(&path, &list).await;
            assert_eq!(reply.status.code(), Code::Ok, "{version}");
            let told = String::from_utf8_lossy(&reply.messages[0]).into_owned();
            assert!(told.contains("recourse.v1.ClaimService") && told.contains("grpc.health.v1.Health"), "{version}: {told}");
        }
    }

    async fn grpc_web_answers_over_http_1(server) {
        let http = reqwest::Client::builder().http1_only().build().unwrap();
        let call = async |token: Option<&str>| {
            let mut request = http
                .post(format!("{}{}", server.base, Method::ClaimServiceListClaims.grpc_path()))
                .header("content-type", "application/grpc-web+proto")
                .header("x-grpc-web", "1")
                .body(frame(&v1::ListClaimsRequest::default()).to_vec());
            if let Some(token) = token {
                request = request.bearer_auth(token);
            }
            request.send().await.unwrap()
        };
        let answer = call(Some(&server.tokens["s001"])).await;
        assert_eq!(answer.headers()["content-type"], "application/grpc-web+proto");
        let parts = frames(answer.bytes().await.unwrap());
        let (_, listed) = &parts[0];
        assert!(v1::ListClaimsResponse::decode(listed.clone()).unwrap().claims.is_empty());
        let (flag, trailers) = parts.last().unwrap();
        assert_eq!(flag & 0x80, 0x80, "the trailers are the last frame");
        assert!(String::from_utf8_lossy(trailers).contains("grpc-status:0"));
        let refused = call(None).await;
        let in_headers = refused.headers().get("grpc-status").cloned();
        let in_body = refused.bytes().await.unwrap();
        assert!(
            in_headers.is_some_and(|status| status == "16") || String::from_utf8_lossy(&in_body).contains("grpc-status:16")
        );
    }
}
