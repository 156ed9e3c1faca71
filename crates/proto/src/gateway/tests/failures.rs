//! Problem documents.

use super::*;
use crate::gateway::problem::http_status;

#[tokio::test]
async fn a_status_becomes_a_problem_with_all_its_details() {
    let reply = call("GET", "/v1/jobs/none", &[("accept-language", "zh-CN"), ("x-request-id", "r1")]).await;
    assert_eq!(reply.status, StatusCode::NOT_FOUND);
    assert_eq!(
        reply.json(),
        json!({
            "type": "/docs/errors#RESOURCE_NOT_FOUND",
            "title": "未找到",
            "status": 404,
            "detail": "没有此工单",
            "instance": "/v1/jobs/none",
            "code": "NOT_FOUND",
            "reason": "RESOURCE_NOT_FOUND",
            "metadata": {"name": "jobs/none"},
            "requestId": "r1",
        })
    );
}

#[tokio::test]
async fn limits_say_when_to_come_back_and_strangers_how_to_sign_in() {
    assert_eq!(call("GET", "/v1/jobs/busy", &[]).await.header("retry-after"), "2");
    let reply = call("GET", "/v1/jobs/anonymous", &[]).await;
    assert_eq!((reply.refusal().0, reply.header("www-authenticate")), (401, "Bearer"));
    assert_eq!(reply.json()["type"], "about:blank");
}

#[tokio::test]
async fn a_reply_that_can_not_be_written_is_a_fault_of_ours() {
    assert_eq!(call("GET", "/v1/jobs/broken", &[]).await.refusal().0, 500);
}

#[tokio::test]
async fn violations_speak_the_language_of_the_caller() {
    let with = [("accept-language", "zh"), ("content-type", "application/json")];
    let reply = send(&Echo::default(), request("POST", "/v1/jobs:precheck", &with, Body::from(r#"{"x":1}"#))).await;
    assert_eq!(reply.json()["detail"], "未知字段 x");
    assert_eq!(
        reply.json()["violations"],
        json!([{"field": "x", "reason": "UNKNOWN_FIELD", "description": "没有此字段，请移除或更正名称"}])
    );
}

#[test]
fn codes_map_to_http_statuses() {
    use tonic::Code;
    for (code, status) in [
        (Code::InvalidArgument, 400),
        (Code::FailedPrecondition, 400),
        (Code::OutOfRange, 400),
        (Code::Unauthenticated, 401),
        (Code::PermissionDenied, 403),
        (Code::NotFound, 404),
        (Code::Aborted, 409),
        (Code::AlreadyExists, 409),
        (Code::ResourceExhausted, 429),
        (Code::Cancelled, 499),
        (Code::Internal, 500),
        (Code::Unknown, 500),
        (Code::DataLoss, 500),
        (Code::Unimplemented, 501),
        (Code::Unavailable, 503),
        (Code::DeadlineExceeded, 504),
    ] {
        assert_eq!(http_status(code, "").as_u16(), status, "{code:?}");
    }
}
