//! Paths, verbs, admission.

use super::*;

#[tokio::test]
async fn a_resource_name_is_rebuilt_from_the_path() {
    let reply = call("GET", "/v1/jobs/1", &[]).await;
    assert_eq!((reply.status, reply.json()["name"].clone()), (StatusCode::OK, json!("jobs/1")));
    assert_eq!(reply.header("etag"), "\"v7\"");
    assert_eq!(reply.header("content-type"), "application/json");
}

#[tokio::test]
async fn segments_are_percent_decoded() {
    assert_eq!(call("GET", "/v1/jobs/a%20%E5%88%B9%3A", &[]).await.json()["name"], "jobs/a 刹:");
    assert_eq!(call("GET", "/v1/legacyJobs/jobs%2F1", &[]).await.json()["name"], "jobs/1");
    // A slash in an id would name another resource.
    assert_eq!(call("GET", "/v1/jobs/a%2Fb", &[]).await.refusal().1, "ROUTE_NOT_FOUND");
    assert_eq!(call("GET", "/v1/jobs/%FF", &[]).await.refusal().1, "ROUTE_NOT_FOUND");
}

#[tokio::test]
async fn a_literal_beats_a_variable_where_it_takes_the_verb() {
    assert_eq!(call("GET", "/v1/jobs/mine", &[]).await.json()["name"], "mine");
    assert_eq!(call("DELETE", "/v1/jobs/mine", &[]).await.text, "{}");
}

#[tokio::test]
async fn additional_bindings_lead_to_the_same_rpc() {
    assert_eq!(call("GET", "/v1/vehicles/V1/jobs", &[]).await.json()["asked"]["parent"], "vehicles/V1");
    assert_eq!(call("GET", "/v1/jobs", &[]).await.json()["asked"], json!({}));
}

#[tokio::test]
async fn custom_verbs_are_found_on_items_and_collections() {
    assert_eq!(call_json("POST", "/v1/jobs/1:submit", r#"{"comment":"x"}"#).await.json()["note"], "x");
    assert_eq!(call_json("POST", "/v1/jobs:precheck", r#"{"job":{"vin":"V"}}"#).await.json()["vin"], "V");
    assert_eq!(call("POST", "/v1/jobs/1:bogus", &[]).await.refusal().1, "ROUTE_NOT_FOUND");
    assert_eq!(call("GET", "/v1/jobs/1:", &[]).await.status, StatusCode::OK);
}

#[tokio::test]
async fn unknown_paths_are_problems() {
    for path in ["/", "/v1", "/v1/", "/v1/jobs/", "/v1/jobs/1/x", "/v2/jobs/1", "//v1/jobs/1"] {
        assert_eq!(call("GET", path, &[]).await.refusal().1, "ROUTE_NOT_FOUND", "{path}");
    }
}

#[tokio::test]
async fn other_verbs_are_told_which_are_allowed() {
    let reply = call("PUT", "/v1/jobs/1", &[]).await;
    assert_eq!(reply.refusal().0, 405);
    assert_eq!(reply.header("allow"), "DELETE, GET, HEAD, PATCH");
    assert_eq!(call("OPTIONS", "/v1/jobs/1:submit", &[]).await.header("allow"), "POST");
}

#[tokio::test]
async fn head_is_get_without_a_body() {
    let reply = call("HEAD", "/v1/jobs/1", &[]).await;
    assert_eq!((reply.status, reply.text.as_str(), reply.header("etag")), (StatusCode::OK, "", "\"v7\""));
    let get = call("GET", "/v1/jobs/1", &[]).await;
    assert_eq!(reply.header("content-length"), get.text.len().to_string());
}

#[tokio::test]
async fn admission_is_asked_first_and_speaks_to_the_handler() {
    let reply = call("POST", "/v1/jobs:precheck", &[("x-nobody", "1"), ("content-type", "text/plain")]).await;
    assert_eq!(reply.refusal().0, 403);
    let reply = call_json("POST", "/v1/jobs?jobId=1", "{}").await;
    assert_eq!(reply.json()["labels"]["caller"], "somebody");
}

#[tokio::test]
async fn metadata_becomes_headers_except_reserved_ones() {
    let reply = call_json("POST", "/v1/jobs?jobId=1", "{}").await;
    assert_eq!(reply.header("idempotent-replayed"), "true");
    assert_eq!(reply.header("content-type"), "application/json");
}

#[tokio::test]
async fn the_response_names_its_method() {
    let response = gateway(&Echo::default()).handle(request("GET", "/v1/jobs/1", &[], Body::empty())).await;
    assert_eq!(response.extensions().get::<Method>(), Some(&Method::JobServiceGetJob));
}

#[tokio::test]
async fn grpc_to_an_unknown_service_is_unimplemented() {
    let reply = call("POST", "/nothing.Service/Method", &[("content-type", "application/grpc")]).await;
    assert_eq!((reply.status, reply.header("grpc-status")), (StatusCode::OK, "12"));
}

#[test]
fn methods_know_their_grpc_paths_and_access() {
    let method = Method::from_grpc_path("/sample.v1.JobService/CreateJob").unwrap();
    assert_eq!(
        (method.full_name(), method.resource_type()),
        ("sample.v1.JobService.CreateJob", Some("sample.dev/Job"))
    );
    assert_eq!(method.access().scope_of(crate::v1::role::Code::Admin), Some(crate::v1::row_scope::Code::Any));
    assert_eq!(method.access().scope_of(crate::v1::role::Code::Customer), None);
    assert!(Method::JobServiceGetMyJob.access().self_only && Method::JobServiceListJobs.access().public);
    assert_eq!(Method::from_grpc_path("/sample.v1.JobService/Nothing"), None);
    for method in crate::Method::ALL {
        assert_eq!(crate::Method::from_grpc_path(method.grpc_path()), Some(*method));
    }
}

#[tokio::test]
async fn the_same_service_answers_grpc() {
    use prost::Message;
    use tower::ServiceExt;

    let message = GetJobRequest { name: "jobs/1".into(), ..GetJobRequest::default() }.encode_to_vec();
    let frame = [&[0, 0, 0, 0, u8::try_from(message.len()).unwrap()], message.as_slice()].concat();
    let routes = crate::sample::services::grpc_routes(Echo::default(), 1000).prepare().into_axum_router();
    let path = Method::JobServiceGetJob.grpc_path();
    let request = request("POST", path, &[("content-type", "application/grpc")], Body::from(frame));
    let body = routes.oneshot(request).await.unwrap().into_body().collect().await.unwrap().to_bytes();
    assert_eq!(Job::decode(&body[5..]).unwrap(), Job { etag: "v7".into(), ..job("jobs/1") });
}
