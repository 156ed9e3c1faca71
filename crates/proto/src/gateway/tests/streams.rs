//! Streams to and from the client.

use super::*;

fn lines(reply: &Read) -> Vec<Value> {
    reply.text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

#[tokio::test]
async fn a_stream_is_ndjson() {
    let reply = call("GET", "/v1/jobs:watch?limit=2", &[]).await;
    assert_eq!(reply.header("content-type"), "application/x-ndjson");
    assert_eq!(
        lines(&reply),
        [json!({"job": {"name": "jobs/1"}, "cursor": "c1"}), json!({"job": {"name": "jobs/2"}, "cursor": "c2"})]
    );
}

#[tokio::test]
async fn a_failure_is_the_last_line() {
    let reply = call("GET", "/v1/jobs:watch?limit=5", &[]).await;
    let lines = lines(&reply);
    assert_eq!((reply.status, lines.len()), (StatusCode::OK, 3));
    assert_eq!(
        (&lines[2]["error"]["status"], &lines[2]["error"]["reason"]),
        (&json!(503), &json!("STORE_UNAVAILABLE"))
    );
}

#[tokio::test]
async fn a_failure_before_the_stream_is_a_problem() {
    assert_eq!(call("GET", "/v1/jobs:watch?limit=-1", &[("accept", "text/event-stream")]).await.refusal().0, 400);
}

#[tokio::test]
async fn a_stream_is_sse_for_those_who_accept_it() {
    let reply = call("GET", "/v1/jobs:watch?limit=4", &[("accept", "application/json, text/event-stream;q=0.9")]).await;
    assert_eq!(reply.header("content-type"), "text/event-stream");
    let events: Vec<_> = reply.text.trim_end().split("\n\n").collect();
    assert_eq!(events.len(), 3, "{}", reply.text);
    assert_eq!(events[0], "id: c1\ndata: {\"job\":{\"name\":\"jobs/1\"},\"cursor\":\"c1\"}");
    assert!(events[2].starts_with("event: error\ndata: {\"type\":\"/docs/errors#STORE_UNAVAILABLE\""), "{}", events[2]);
}

async fn import(path: &str, kind: &str, body: Body) -> Read {
    send(&Echo::default(), request("POST", path, &[("content-type", kind)], body)).await
}

#[tokio::test]
async fn lines_are_messages() {
    // The chunks of the network know nothing of lines.
    let chunks =
        ["{\"job\":{\"name\":", "\"a\"}}\r\n\n{\"job\":{\"name\":\"b\",\"vin\":null}}\n{\"job\":{\"na", "me\":\"c\"}}"];
    let body = Body::from_stream(stream::iter(chunks.map(Ok::<_, std::convert::Infallible>)));
    let reply = import("/v1/stations/S/jobs:import", "application/x-ndjson", body).await;
    assert_eq!(reply.json(), json!({"names": ["stations/S/a", "stations/S/b", "stations/S/c"]}));
    let reply = import("/v1/stations/S/jobs:import", "application/x-ndjson", Body::empty()).await;
    assert_eq!(reply.json(), json!({}));
}

#[tokio::test]
async fn a_bad_line_is_named_by_its_number() {
    let reply =
        import("/v1/stations/S/jobs:import", "application/x-ndjson", Body::from("{}\n{\"job\":{\"bogus\":1}}")).await;
    assert_eq!(reply.refusal(), (400, "UNKNOWN_FIELD".into(), "line[2].job.bogus".into(), "UNKNOWN_FIELD".into()));
}

#[tokio::test]
async fn a_long_line_ends_the_import() {
    let body = format!("{{}}\n{{\"job\":{{\"name\":\"{}\"}}}}\n", "x".repeat(1000));
    let reply = import("/v1/stations/S/jobs:import", "application/x-ndjson", Body::from(body)).await;
    assert_eq!(reply.refusal().1, "BODY_TOO_LARGE");
    assert_eq!(import("/v1/stations/S/jobs:import", "application/json", Body::from("{}")).await.refusal().0, 415);
}

#[tokio::test]
async fn both_sides_may_stream() {
    let reply =
        import("/v1/jobs:sync", "application/x-ndjson", Body::from("{\"job\":{\"name\":\"a\"}}\n{\"x\":1}")).await;
    let lines = lines(&reply);
    assert_eq!(lines[0], json!({"job": {"name": "a"}}));
    assert_eq!(lines[1]["error"]["violations"][0]["field"], "line[2].x");
}

#[tokio::test]
async fn a_browser_that_connects_again_goes_on_where_it_was() {
    let echo = Echo::default();
    send(&echo, request("GET", "/v1/jobs:watch?cursor=c1", &[("last-event-id", "c7")], Body::empty())).await;
    send(&echo, request("GET", "/v1/jobs:watch?cursor=c1", &[], Body::empty())).await;
    assert_eq!(*echo.asked.lock().unwrap(), ["\"c7\"", "\"c1\""]);
}
