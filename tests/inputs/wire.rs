//! Messages that can't be read are the caller's fault, and told in the form that the caller reads.

use bytes::Bytes;
use recourse_proto::method::Rpc;
use recourse_proto::{Method, v1};
use serde_json::Value;
use tonic::Code;

use crate::harness::grpc::Grpc;
use crate::harness::world::World;
use crate::on_both_databases;

/// Bytes in the frame of one gRPC message.
fn framed(bytes: &[u8]) -> Bytes {
    let length = u32::try_from(bytes.len()).unwrap();
    [&[0], &length.to_be_bytes()[..], bytes].concat().into()
}

on_both_databases! {
    async fn bytes_that_are_no_message_are_the_callers_fault(server) {
        let admin = Grpc::connect(&server).await.with_token(&server.tokens["admin"]);
        for method in <Method as Rpc>::ALL {
            if method.spec().client_streaming || method.access().public {
                continue;
            }
            // A varint that never ends, a length beyond the end, a tag of zero.
            for bytes in [&[0xff; 12][..], &[0x0a, 0x7f, b'x'], &[0x00, 0x01]] {
                let reply = admin.call_raw(method.grpc_path(), framed(bytes), &[]).await;
                let code = reply.status.code();
                let expected = code == Code::InvalidArgument || code == Code::PermissionDenied;
                assert!(expected, "{} {bytes:?}: {:?}", method.full_name(), reply.status);
            }
        }
        let undecodable = framed(&[0xff; 12]);
        let reply = admin.call_raw(Method::PartServiceListParts.grpc_path(), undecodable, &[]).await;
        reply.refused(Code::InvalidArgument, "INVALID_JSON");
        assert!(reply.status.message().contains("can't be decoded"), "{:?}", reply.status);
    }

    async fn an_unknown_method_is_unimplemented_and_says_which(server) {
        let caller = Grpc::connect(&server).await.with_token(&server.tokens["s001"]);
        for path in ["/recourse.v1.ClaimService/ApproveEverything", "/recourse.v1.NoService/ListClaims", "/other.Service/Call"] {
            let reply = caller.call(path, &v1::ListClaimsRequest::default()).await;
            assert_eq!(reply.status.code(), Code::Unimplemented, "{path}");
            assert!(!reply.status.message().is_empty(), "{path}");
        }
        let reply = caller.call("/recourse.v1.ClaimService/ApproveEverything", &()).await;
        reply.refused(Code::Unimplemented, "ROUTE_NOT_FOUND");
        assert!(reply.status.message().contains("ApproveEverything"), "{:?}", reply.status);
        // What is told back of it is bounded.
        let long = format!("/recourse.v1.ClaimService/{}", "x".repeat(5_000));
        let reply = caller.call(&long, &()).await;
        reply.refused(Code::Unimplemented, "ROUTE_NOT_FOUND");
        assert!(reply.status.message().len() < 400, "{}", reply.status.message().len());
    }

    async fn what_is_no_form_is_refused_in_json(server) {
        let http = reqwest::Client::new();
        for endpoint in ["token", "revoke"] {
            for (kind, body) in [
                (None, ""),
                (Some("application/json"), "{}"),
                (Some("application/x-www-form-urlencoded"), "token=a&token=b&grant_type=x&grant_type=y"),
            ] {
                let mut request = http.post(format!("{}/oauth2/{endpoint}", server.base)).body(body);
                if let Some(kind) = kind {
                    request = request.header("content-type", kind);
                }
                let answer = request.send().await.unwrap();
                assert_eq!(answer.status(), 400, "{endpoint} {kind:?}");
                assert_eq!(answer.headers()["content-type"], "application/json", "{endpoint} {kind:?}");
                let told: Value = answer.json().await.unwrap();
                assert_eq!(told["error"], "invalid_request", "{endpoint} {kind:?}: {told}");
            }
        }
    }

    async fn a_path_that_is_no_text_names_nothing(server) {
        let world = World::load(&server).await;
        let http = reqwest::Client::new();
        for verb in ["HEAD", "PATCH", "DELETE"] {
            let request = http.request(verb.parse().unwrap(), format!("{}/v1/uploads/%FF%FE", server.base));
            let request = request.bearer_auth(world.station.token().unwrap()).header("tus-resumable", "1.0.0");
            let answer = request.send().await.unwrap();
            assert_eq!(answer.status(), 404, "{verb}");
            assert_eq!(answer.headers()["content-type"], "application/problem+json", "{verb}");
        }
        let claim = http.get(format!("{}/v1/claims/%FF%FE", server.base));
        let answer = claim.bearer_auth(world.station.token().unwrap()).send().await.unwrap();
        assert_eq!((answer.status().as_u16(), &answer.headers()["content-type"]), (404, &"application/problem+json".parse().unwrap()));
    }
}
