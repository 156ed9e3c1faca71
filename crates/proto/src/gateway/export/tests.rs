//! Exports of a list that is told what to answer.

use http_body_util::BodyExt;
use serde::Serialize;

use super::*;
use crate::{
    Lang,
    gateway::{RpcOutput, call::Payload},
    status::Refusal,
    v1::error_reason,
};

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct PartsPage {
    parts: Vec<Value>,
    next_page_token: String,
}

impl RpcOutput for PartsPage {}

/// Three pages of two parts; the page of a token `bad` fails.
fn answer(call: Call) -> ReplyFuture {
    let query = call.query.unwrap_or_default();
    assert_eq!((&query["pageSize"], &query["filter"]), (&json!(PAGE), &json!("x")), "the query goes on");
    let token = query["pageToken"].as_str().unwrap_or_default().to_owned();
    Box::pin(async move {
        let (number, next) = match token.as_str() {
            "" => (1, "2"),
            "2" => (2, "3"),
            "3" => (3, ""),
            "late" => (9, "bad"),
            _ => {
                return Err(Refusal::new(
                    tonic::Code::Unavailable,
                    error_reason::Code::StoreUnavailable,
                    "gone, \"now\"",
                )
                .into_status());
            }
        };
        let parts =
            vec![json!({"name": format!("parts/P-{number}"), "displayName": "=a,b"}), json!({"name": "parts/Q"})];
        Reply::unary(tonic::Response::new(PartsPage { parts, next_page_token: next.to_owned() }))
    })
}

async fn exported(format: Format, from: &str, most_time: Duration) -> Result<String, Status> {
    let item = crate::descriptor_pool().and_then(|pool| pool.get_message_by_name("recourse.v1.Part")).unwrap();
    let list = ListShape { items: "parts".to_owned(), item, columns: OnceLock::new() };
    let call = Call {
        headers: HeaderMap::new(),
        extensions: http::Extensions::new(),
        lang: Lang::En,
        variables: Vec::new(),
        body_field: "",
        query: Some(json!({"filter": "x", "pageToken": from})),
        payload: Payload::Whole(Bytes::new()),
    };
    let reply = export(&list, format, call, answer, most_time, ProblemContext::default()).await?;
    let response = reply.into_response(&HeaderMap::new(), ProblemContext::default())?;
    let bytes = response.into_body().collect().await.unwrap().to_bytes();
    Ok(String::from_utf8(bytes.to_vec()).unwrap())
}

const LONG: Duration = Duration::from_secs(60);

#[tokio::test]
async fn all_pages_come_from_the_given_one_on() {
    let names = |text: &str| -> Vec<String> {
        text.lines().map(|line| serde_json::from_str::<Value>(line).unwrap()["name"].to_string()).collect()
    };
    let all = exported(Format::Ndjson, "", LONG).await.unwrap();
    assert_eq!(names(&all).len(), 6);
    assert_eq!(names(&exported(Format::Ndjson, "3", LONG).await.unwrap()), ["\"parts/P-3\"", "\"parts/Q\""]);
}

#[tokio::test]
async fn csv_has_one_header_and_a_mark_if_asked() {
    let text = exported(Format::Csv { mark: false }, "", LONG).await.unwrap();
    let lines: Vec<_> = text.split_terminator("\r\n").collect();
    assert_eq!(lines.len(), 7);
    assert!(lines[0].starts_with("name,etag,displayCode,displayName,category"), "{}", lines[0]);
    assert!(lines[1].starts_with("parts/P-1,,,\"'=a,b\","), "{}", lines[1]);
    let marked = exported(Format::Csv { mark: true }, "", LONG).await.unwrap();
    assert_eq!(marked, format!("\u{feff}{text}"));
}

#[tokio::test]
async fn a_failure_on_the_way_is_the_last_line_and_one_at_the_start_a_refusal() {
    let text = exported(Format::Ndjson, "late", LONG).await.unwrap();
    let last: Value = serde_json::from_str(text.lines().last().unwrap()).unwrap();
    assert_eq!((text.lines().count(), &last["error"]["reason"]), (3, &json!("STORE_UNAVAILABLE")));
    let text = exported(Format::Csv { mark: false }, "late", LONG).await.unwrap();
    assert!(text.ends_with("\r\n#error,UNAVAILABLE,STORE_UNAVAILABLE,\"gone, \"\"now\"\"\"\r\n"), "{text}");
    assert_eq!(exported(Format::Ndjson, "bad", LONG).await.unwrap_err().code(), tonic::Code::Unavailable);
    let late = exported(Format::Ndjson, "", Duration::ZERO).await.unwrap_err();
    assert_eq!(late.code(), tonic::Code::DeadlineExceeded);
}

#[test]
fn the_form_is_the_one_that_is_liked_best() {
    let csv = |mark| Some(Format::Csv { mark });
    for (accept, form) in [
        ("", None),
        ("*/*", None),
        ("text/csv", csv(false)),
        ("Text/CSV; BOM=true", csv(true)),
        ("application/json, text/csv", None),
        ("text/csv;q=0.5, application/json", None),
        ("text/html, text/csv;q=0.9, */*;q=0.8", csv(false)),
        ("application/jsonl;q=0.2, text/csv;q=0.1", Some(Format::Ndjson)),
        ("text/csv;q=0", None),
    ] {
        let headers = HeaderMap::from_iter([(header::ACCEPT, HeaderValue::from_str(accept).unwrap())]);
        assert_eq!(Format::accepted(&headers), form, "{accept}");
    }
}
