//! JSON bodies, masks, headers that stand for fields.

use super::*;

#[tokio::test]
async fn both_names_of_a_field_are_taken_and_int64_in_both_forms() {
    for body in [r#"{"job":{"odometerKm":"123","vin":"V"}}"#, r#"{"job":{"odometer_km":123,"vin":"V"}}"#] {
        assert_eq!(call_json("POST", "/v1/jobs:precheck", body).await.json(), json!({"vin": "V", "odometerKm": "123"}));
    }
}

#[tokio::test]
async fn null_means_not_set_for_every_known_field() {
    let body = r#"{"job":{"vin":null,"odometerKm":null,"state":null,"lines":null,"symptom":null,"failedPart":null,"otherCause":null,
        "labels":null,"createTime":null,"photo":null,"urgent":null,"confidence":1,"extra":{"kept":null},"parentJob":{"vin":null}}}"#;
    let expected = json!({"extra": {"kept": null}, "parentJob": {}, "confidence": 1.0});
    assert_eq!(call_json("POST", "/v1/jobs:precheck", body).await.json(), expected);
    assert_eq!(call_json("POST", "/v1/jobs:precheck", r#"{"job":null}"#).await.json()["name"], "absent");
}

#[tokio::test]
async fn what_can_not_be_read_is_told_what_could_be_in_the_words_of_the_contract() {
    for (body, told) in [
        (r#"{"job":{"odometerKm":"x"}}"#, "a whole number such as 12 or \"12\""),
        (r#"{"job":{"odometerKm":1.5}}"#, "a whole number such as 12 or \"12\""),
        (r#"{"job":{"createTime":"yesterday"}}"#, "an instant such as \"2026-01-31T12:00:00Z\""),
        (r#"{"job":{"lines":{}}}"#, "a list in [ ]"),
        (r#"{"job":{"lines":[1]}}"#, "an object in { }"),
        (r#"{"job":{"labels":{"a":1}}}"#, "text in quotes"),
        (r#"{"job":{"urgent":"yes"}}"#, "true or false"),
        (r#"{"job":[]}"#, "an object in { }"),
    ] {
        let reply = call_json("POST", "/v1/jobs:precheck", body).await.json();
        let description = reply["violations"][0]["description"].as_str().unwrap_or_default().to_owned();
        assert_eq!(description, format!("this value can't be read; write {told}"), "{body}");
    }
    let reply = call_json("POST", "/v1/jobs:precheck", r#"{"job":{"state":"NOPE"}}"#).await.json();
    let description = reply["violations"][0]["description"].as_str().unwrap_or_default();
    assert!(description.contains("write one of ") && !description.contains("UNSPECIFIED"), "{description}");
}

#[tokio::test]
async fn what_can_not_be_read_is_named_by_its_path() {
    for (body, reason, field, rule) in [
        (r#"{"job":{"lines":[{},{"bogus":1}]}}"#, "UNKNOWN_FIELD", "job.lines[1].bogus", "UNKNOWN_FIELD"),
        (r#"{"Job":{}}"#, "UNKNOWN_FIELD", "Job", "UNKNOWN_FIELD"),
        (r#"{"job":{"bogus":null}}"#, "UNKNOWN_FIELD", "job.bogus", "UNKNOWN_FIELD"),
        (r#"{"job":{"odometerKm":"x"}}"#, "INVALID_JSON", "job.odometer_km", "INVALID_VALUE"),
        (
            r#"{"job":{"lines":[{"quantity":{"value":[1]}}]}}"#,
            "INVALID_JSON",
            "job.lines[0].quantity.value",
            "INVALID_VALUE",
        ),
        (r#"{"job":{"lines":[null]}}"#, "INVALID_JSON", "job.lines[0]", "INVALID_VALUE"),
        (r#"{"job":{"labels":{"a.b":1}}}"#, "INVALID_JSON", "job.labels[\"a.b\"]", "INVALID_VALUE"),
        (r#"{"job":{"state":"NOPE"}}"#, "INVALID_JSON", "job.state", "INVALID_VALUE"),
        (r#"{"job":{"createTime":"yesterday"}}"#, "INVALID_JSON", "job.create_time", "INVALID_VALUE"),
        (r#"{"job":{"failedPart":"a","otherCause":{}}}"#, "INVALID_JSON", "job.other_cause", "INVALID_VALUE"),
        (r#"{"job":{"vin":"a","vin":"b"}}"#, "INVALID_JSON", "job.vin", "INVALID_VALUE"),
        (r#"{"job":{"odometerKm":1,"odometer_km":2}}"#, "INVALID_JSON", "job.odometer_km", "INVALID_VALUE"),
        (r#"{"job":[]}"#, "INVALID_JSON", "job", "INVALID_VALUE"),
        (r#"{"job":"#, "INVALID_JSON", "", ""),
        ("{} {}", "INVALID_JSON", "", ""),
        ("[]", "INVALID_JSON", "", "INVALID_VALUE"),
        ("null", "INVALID_JSON", "", "INVALID_VALUE"),
        ("\u{feff}{}", "INVALID_JSON", "", ""),
    ] {
        let refusal = call_json("POST", "/v1/jobs:precheck", body).await.refusal();
        assert_eq!(refusal, (400, reason.to_owned(), field.to_owned(), rule.to_owned()), "{body}");
    }
    let reply = call_json("POST", "/v1/jobs", r#"{"lines":[{},{"bogus":1}]}"#).await;
    assert_eq!(reply.refusal().2, "job.lines[1].bogus");
    let reply = call_json("POST", "/v1/jobs:precheck", r#"{"job":{"failedPart":"a","ownerCause":"b"}}"#).await;
    assert_eq!(
        reply.json()["violations"][0]["description"],
        "excludes failed_part: only one of the two can be set; remove one"
    );
}

#[tokio::test]
async fn nesting_is_limited() {
    let deep = format!("{}{}", r#"{"job":{"extra":{"a":"#, "[".repeat(200));
    assert_eq!(call_json("POST", "/v1/jobs:precheck", &deep).await.refusal().1, "INVALID_JSON");
}

#[tokio::test]
async fn an_empty_body_is_an_empty_message() {
    assert_eq!(call("POST", "/v1/jobs:precheck", &[]).await.json()["name"], "absent");
    assert_eq!(call("POST", "/v1/jobs?jobId=9", &[]).await.json()["name"], "jobs/9");
}

#[tokio::test]
async fn bodies_are_json_and_only_where_they_belong() {
    let with = |verb: &str, path: &str, kind: Option<&str>| {
        let headers: Vec<_> = kind.map(|kind| ("content-type", kind)).into_iter().collect();
        request(verb, path, &headers, Body::from("{}"))
    };
    let echo = Echo::default();
    for (kind, status) in [
        (Some("application/json"), 200),
        (Some("Application/JSON; charset=utf-8"), 200),
        (Some("text/plain"), 415),
        (Some("application/x-www-form-urlencoded"), 415),
        (None, 415),
    ] {
        assert_eq!(send(&echo, with("POST", "/v1/jobs:precheck", kind)).await.status.as_u16(), status, "{kind:?}");
    }
    for verb in ["GET", "DELETE"] {
        assert_eq!(send(&echo, with(verb, "/v1/jobs/1", Some("application/json"))).await.refusal().0, 400);
    }
}

#[tokio::test]
async fn large_bodies_are_refused_known_or_chunked() {
    let large = "x".repeat(1001);
    assert_eq!(
        call_json("POST", "/v1/jobs:precheck", &large).await.refusal(),
        (413, "BODY_TOO_LARGE".into(), String::new(), String::new())
    );
    let chunks = Body::from_stream(stream::iter(vec![Ok::<_, std::convert::Infallible>("x".repeat(600)); 2]));
    let reply =
        send(&Echo::default(), request("POST", "/v1/jobs:precheck", &[("content-type", "application/json")], chunks))
            .await;
    assert_eq!(reply.refusal().0, 413);
}

#[tokio::test]
async fn the_path_wins_over_the_body() {
    let reply = call_json("PATCH", "/v1/jobs/1", r#"{"name":"jobs/2","vin":"V"}"#).await;
    assert_eq!(reply.json()["name"], "jobs/1");
}

#[tokio::test]
async fn a_patch_without_a_mask_writes_what_its_json_names() {
    for (path, body, mask) in [
        ("/v1/jobs/1", r#"{"odometerKm":"1","note":null,"lines":[]}"#, "lines,note,odometer_km"),
        (
            "/v1/jobs/1",
            r#"{"odometer_km":0,"name":"jobs/1","state":"DRAFT","etag":"v","create_time":"2026-01-01T00:00:00Z"}"#,
            "odometer_km",
        ),
        ("/v1/jobs/1", "{}", ""),
        ("/v1/jobs/1?updateMask=odometerKm,symptom.text", r#"{"note":"x"}"#, "odometer_km,symptom.text"),
        ("/v1/jobs/1?update_mask=*", r#"{"note":"x"}"#, "*"),
    ] {
        let echo = Echo::default();
        let reply =
            send(&echo, request("PATCH", path, &[("content-type", "application/json")], Body::from(body))).await;
        assert_eq!(reply.status, StatusCode::OK, "{}", reply.text);
        assert_eq!(*echo.asked.lock().unwrap(), [format!("Some({mask:?})")], "{body}");
    }
}

#[tokio::test]
async fn the_idempotency_key_is_the_request_id() {
    let with = |key: &str, query: &str| {
        let headers = [("content-type", "application/json"), ("idempotency-key", key)];
        request("POST", &format!("/v1/jobs?jobId=1{query}"), &headers, Body::from("{}"))
    };
    let echo = Echo::default();
    for (key, query) in [("k1", ""), ("\"k1\"", ""), ("k1", "&requestId=k1")] {
        assert_eq!(send(&echo, with(key, query)).await.json()["labels"]["requestId"], "k1");
    }
    let refused = send(&echo, with("k1", "&requestId=k2")).await.refusal();
    assert_eq!((refused.0, refused.1.as_str()), (400, "IDEMPOTENCY_KEY_MISMATCH"));
}

#[tokio::test]
async fn if_match_is_the_etag() {
    for (sent, expected) in [("\"v1\"", "v1"), ("W/\"v1\"", "v1"), ("v1", "v1"), ("*", "")] {
        let echo = Echo::default();
        send(&echo, request("DELETE", "/v1/jobs/1", &[("if-match", sent)], Body::empty())).await;
        assert_eq!(*echo.asked.lock().unwrap(), [format!("{expected:?}")], "{sent}");
    }
    assert_eq!(call("DELETE", "/v1/jobs/1", &[("if-match", "\"a\", \"b\"")]).await.refusal().0, 400);
}

#[tokio::test]
async fn a_file_is_answered_as_it_is() {
    let reply = call("GET", "/v1/jobs/1:print", &[]).await;
    assert_eq!((reply.header("content-type"), reply.text.as_str()), ("image/svg+xml", "<svg/>"));
    assert_eq!(reply.header("content-disposition"), "attachment; filename*=UTF-8''jobs%2F1%2Esvg");
    assert_eq!(reply.header("x-content-type-options"), "nosniff");
}
