//! How often one caller may call, and what the answers say of it, on both transports.

use recourse_proto::v1;
use tonic::Code;

use crate::harness::client::{Answer, Client};
use crate::harness::grpc::Grpc;
use crate::harness::world::World;
use crate::on_both_databases;

fn header<'a>(answer: &'a Answer, name: &str) -> &'a str {
    answer.headers.get(name).map(|value| value.to_str().unwrap()).unwrap_or_default()
}

on_both_databases! {
    async fn a_caller_without_calls_left_is_told_when_to_come_back(server) {
        let tight = server
            .another(|config| {
                config.accounts.calls_per_second = 1;
                config.accounts.calls_at_once = 40;
                config.accounts.anonymous_calls_per_second = 1;
                config.accounts.anonymous_calls_at_once = 30;
            })
            .await;
        let world = World::load(&tight).await;
        let answer = world.station.get("/v1/users/me").await;
        assert_eq!(header(&answer, "ratelimit-policy"), "\"principal\";q=40;w=40");
        assert!(header(&answer, "ratelimit").starts_with("\"principal\";r=39;t="), "{}", header(&answer, "ratelimit"));
        let mut refused = None;
        for _ in 0..200 {
            let answer = world.station.reading("zh-CN").get("/v1/users/me").await;
            if answer.status == 429 {
                refused = Some(answer);
                break;
            }
        }
        let refused = refused.expect("a limit");
        assert!(header(&refused, "ratelimit").starts_with("\"principal\";r=0;t="));
        assert!(header(&refused, "retry-after").parse::<u64>().unwrap() >= 1);
        assert!(refused.refused(429, "TOO_MANY_REQUESTS")["detail"].as_str().unwrap().contains("秒后重试"));

        // The same caller over gRPC has the same bucket.
        let grpc = Grpc::connect(&tight).await.with_token(world.station.token().unwrap());
        let get_me = v1::GetUserRequest { name: "users/me".into() };
        let mut limited = None;
        for _ in 0..20 {
            let reply = grpc.call("/recourse.v1.UserService/GetUser", &get_me).await;
            if reply.status.code() != Code::Ok {
                limited = Some(reply);
                break;
            }
        }
        let limited = limited.expect("a limit on gRPC");
        let details = limited.refused(Code::ResourceExhausted, "TOO_MANY_REQUESTS");
        assert!(details.retry_after.is_some());
        assert!(limited.metadata["ratelimit"].to_str().unwrap().starts_with("\"principal\";r=0;t="));

        // Another caller is not disturbed; neither are probes.
        world.auditor.get("/v1/users/me").await.ok();
        let anonymous = Client::anonymous(&tight);
        let mut statuses = Vec::new();
        for _ in 0..120 {
            statuses.push(anonymous.get("/.well-known/jwks.json").await.status);
        }
        assert!(statuses.contains(&200) && statuses.contains(&429), "{statuses:?}");
        anonymous.get("/healthz").await.ok();
        world.auditor.get("/v1/users/me").await.ok();
    }

    async fn the_usual_limit_is_far_away(server) {
        let world = World::load(&server).await;
        let answer = world.station.get("/v1/users/me").await;
        assert_eq!(header(&answer, "ratelimit-policy"), "\"principal\";q=5000;w=5");
        let unlimited = server.another(|config| config.accounts.calls_per_second = 0).await;
        let answer = World::load(&unlimited).await.station.get("/v1/users/me").await;
        assert!(answer.headers.get("ratelimit").is_none());
    }
}
