//! Query parameters.

use super::*;

#[tokio::test]
async fn every_kind_of_parameter_is_bound() {
    let query = "pageSize=10&states=DRAFT&states=SUBMITTED&created.startTime=2026-01-02T03:04:05.5Z&created.end_time=2026-02-01T00:00:00%2B08:00\
        &minTotal=9007199254740993&max_age=1.5s&hasNote=true&vins=A&vins=B%20C&readMask=odometerKm,vin";
    let reply = call("GET", &format!("/v1/jobs?{query}"), &[]).await;
    assert_eq!(
        reply.json()["asked"],
        json!({
            "pageSize": 10,
            "states": ["DRAFT", "SUBMITTED"],
            "created": {"startTime": "2026-01-02T03:04:05.500Z", "endTime": "2026-01-31T16:00:00Z"},
            "minTotal": "9007199254740993",
            "maxAge": "1.500s",
            "hasNote": true,
            "vins": ["A", "B C"],
            "readMask": "odometerKm,vin",
        })
    );
}

#[tokio::test]
async fn a_false_optional_is_not_an_absent_one() {
    assert_eq!(call("GET", "/v1/jobs?hasNote=false", &[]).await.json()["asked"], json!({"hasNote": false}));
}

#[tokio::test]
async fn what_can_not_be_bound_is_named() {
    for (query, reason, field, rule) in [
        ("bogus=1", "UNKNOWN_FIELD", "bogus", "UNKNOWN_FIELD"),
        ("created=x", "UNKNOWN_FIELD", "created", "UNKNOWN_FIELD"),
        ("pageSize=1&page_size=2", "INVALID_JSON", "page_size", "INVALID_VALUE"),
        ("pageSize=x", "INVALID_JSON", "page_size", "INVALID_VALUE"),
        ("pageSize=", "INVALID_JSON", "page_size", "INVALID_VALUE"),
        ("states=DRAFT&states=NOPE", "INVALID_JSON", "states[1]", "INVALID_VALUE"),
        ("hasNote=yes", "INVALID_JSON", "has_note", "INVALID_VALUE"),
        ("created.startTime=now", "INVALID_JSON", "created.start_time", "INVALID_VALUE"),
        ("=", "UNKNOWN_FIELD", "", "UNKNOWN_FIELD"),
    ] {
        let refusal = call("GET", &format!("/v1/jobs?{query}"), &[]).await.refusal();
        assert_eq!(refusal, (400, reason.to_owned(), field.to_owned(), rule.to_owned()), "{query}");
    }
}

#[tokio::test]
async fn what_path_or_body_bind_is_no_parameter() {
    assert_eq!(call("GET", "/v1/jobs/1?name=jobs/2", &[]).await.refusal().2, "name");
    assert_eq!(call("GET", "/v1/vehicles/V/jobs?parent=vehicles/W", &[]).await.refusal().2, "parent");
    assert_eq!(call_json("POST", "/v1/jobs?job.vin=V", "{}").await.refusal().2, "job.vin");
    assert_eq!(call_json("POST", "/v1/jobs:precheck?jobId=1", "{}").await.refusal().2, "jobId");
    let reply = call_json("POST", "/v1/jobs?job_id=7&validateOnly=true", r#"{"vin":"V"}"#).await;
    assert_eq!((reply.json()["name"].clone(), reply.json()["vin"].clone()), (json!("jobs/7"), json!("V")));
}
