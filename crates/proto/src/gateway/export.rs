//! A list as one stream: every page of a query, one after the other, as NDJSON or CSV.
//!
//! It is the same rpc that answers a page, asked again with the token of the next: so access, scope, filter,
//! order and redaction are those of the list, and nothing is kept between two pages. The next page is read
//! when the client has taken the one before. Pages are read at different moments; a row that is there all the
//! while comes once.

use std::{
    collections::BTreeMap,
    sync::{Arc, OnceLock},
    time::Duration,
};

use axum::body::Body;
use bytes::Bytes;
use futures::stream;
use http::{HeaderMap, HeaderValue, Response, header};
use prost_reflect::{FieldDescriptor, Kind, MessageDescriptor};
use serde_json::{Map, Value, json, value::RawValue};
use tokio::time::Instant;
use tonic::Status;

use super::{
    Call, Reply, ReplyFuture,
    csv::{BYTE_ORDER_MARK, Column, columns_of},
    problem::{Problem, ProblemContext},
    refuse,
    reply::in_band,
};
use crate::method::{HttpRule, MethodSpec};

/// Items of a page of an export.
const PAGE: u32 = 500;

/// A list that can be exported.
pub(crate) struct ListShape {
    /// JSON name of the field that holds the items.
    items: String,
    item: MessageDescriptor,
    /// The columns of CSV, made when somebody asks for it.
    columns: OnceLock<Arc<[Column]>>,
}

impl ListShape {
    /// The shape of a method if it lists: it reads, takes a page token, and answers one and one list of messages.
    pub(super) fn of(
        spec: &MethodSpec,
        rule: &HttpRule,
        input: &MessageDescriptor,
        output: &MessageDescriptor,
    ) -> Option<Self> {
        let items = items_of(spec, rule, input, output)?;
        let Kind::Message(item) = items.kind() else { return None };
        Some(Self { items: items.json_name().to_owned(), item, columns: OnceLock::new() })
    }

    fn columns(&self) -> Arc<[Column]> {
        let hidden = self.item.parent_pool().get_extension_by_name("recourse.v1.visible");
        let is_hidden = |field: &FieldDescriptor| hidden.as_ref().is_some_and(|o| field.options().has_extension(o));
        Arc::clone(self.columns.get_or_init(|| columns_of(&self.item, &is_hidden).into()))
    }
}

/// The field of a reply that an export writes, if the method is a list.
pub(crate) fn items_of(
    spec: &MethodSpec,
    rule: &HttpRule,
    input: &MessageDescriptor,
    output: &MessageDescriptor,
) -> Option<FieldDescriptor> {
    let is_text = |message: &MessageDescriptor, name: &str| {
        message.get_field_by_name(name).is_some_and(|field| field.kind() == Kind::String && !field.is_list())
    };
    let is_list = spec.name.starts_with("List") && rule.verb == http::Method::GET && !spec.server_streaming;
    if !is_list || !is_text(input, "page_token") || !is_text(output, "next_page_token") {
        return None;
    }
    let mut lists = output.fields().filter(|field| field.is_list() && matches!(field.kind(), Kind::Message(_)));
    lists.next().filter(|_| lists.next().is_none())
}

/// The form of an export.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Format {
    Ndjson,
    Csv {
        /// With the mark by which old spreadsheets know UTF-8.
        mark: bool,
    },
}

impl Format {
    /// The form that `Accept` asks for; `None` for the JSON of a page. Of equals the first counts.
    pub(super) fn accepted(headers: &HeaderMap) -> Option<Self> {
        let mut best: (u32, Option<Self>) = (0, None);
        let values = headers.get_all(header::ACCEPT);
        for range in values.iter().filter_map(|value| value.to_str().ok()).flat_map(|value| value.split(',')) {
            let mut parts = range.split(';').map(|part| part.trim().to_ascii_lowercase());
            let form = match parts.next().unwrap_or_default().as_str() {
                "application/x-ndjson" | "application/ndjson" | "application/jsonl" => Some(Self::Ndjson),
                "text/csv" => Some(Self::Csv { mark: parts.clone().any(|part| part == "bom=true") }),
                "application/json" | "application/*" | "*/*" => None,
                _ => continue,
            };
            let weight = parts.find_map(|part| thousandths(part.strip_prefix("q=")?)).unwrap_or(1000);
            if weight > best.0 {
                best = (weight, form);
            }
        }
        best.1
    }

    fn media_type(self) -> &'static str {
        match self {
            Self::Ndjson => "application/x-ndjson",
            Self::Csv { .. } => "text/csv; charset=utf-8; header=present",
        }
    }
}

/// A weight of `Accept`: `0.8`.
fn thousandths(text: &str) -> Option<u32> {
    let (whole, fraction) = text.split_once('.').unwrap_or((text, ""));
    Some(whole.parse::<u32>().ok()? * 1000 + format!("{fraction:0<3}").get(..3)?.parse::<u32>().ok()?)
}

/// Answers all pages as one body. A failure of the first page is an ordinary refusal, a later one the last line.
pub(super) async fn export(
    list: &ListShape,
    format: Format,
    call: Call,
    read: impl Fn(Call) -> ReplyFuture + Send + 'static,
    most_time: Duration,
    context: ProblemContext,
) -> Result<Reply, Status> {
    let columns = match format {
        Format::Csv { .. } => list.columns(),
        Format::Ndjson => Arc::from([]),
    };
    let token = call.query.as_ref().and_then(|query| query.get("pageToken")?.as_str()).unwrap_or_default().to_owned();
    let mut pages = Pages {
        items: list.items.clone(),
        call,
        read,
        token,
        columns,
        format,
        deadline: Instant::now() + most_time,
        context,
    };
    let first = pages.next(true).await?;
    let body = stream::unfold((pages, Some(first)), |(mut pages, first)| async move {
        let page = match first {
            Some(page) => Ok(page),
            None if pages.is_over() => return None,
            None => pages.next(false).await,
        };
        let bytes = page.unwrap_or_else(|status| pages.failed(&status));
        Some((Ok::<_, std::convert::Infallible>(bytes), (pages, None)))
    });
    let mut response = Response::new(Body::from_stream(body));
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(format.media_type()));
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-cache"));
    Ok(Reply::response(response))
}

/// The pages of a query as they are asked for.
struct Pages<R> {
    items: String,
    call: Call,
    read: R,
    /// Where the next page begins; empty after the last.
    token: String,
    columns: Arc<[Column]>,
    format: Format,
    deadline: Instant,
    context: ProblemContext,
}

impl<R: Fn(Call) -> ReplyFuture> Pages<R> {
    fn is_over(&self) -> bool {
        self.token.is_empty()
    }

    /// The next page as the client reads it.
    async fn next(&mut self, is_first: bool) -> Result<Bytes, Status> {
        if Instant::now() >= self.deadline {
            return Err(refuse::export_too_long(self.call.lang));
        }
        let json = (self.read)(self.call.page(self.query())).await?.into_json();
        let json = json.ok_or_else(|| Status::internal("a list answered no message"))?;
        let unreadable = |error: serde_json::Error| Status::internal(format!("a page can't be read: {error}"));
        let page: BTreeMap<String, &RawValue> = serde_json::from_slice(&json).map_err(unreadable)?;
        let items: Vec<&RawValue> = match page.get(&self.items) {
            Some(items) => serde_json::from_str(items.get()).map_err(unreadable)?,
            None => Vec::new(),
        };
        self.token = match page.get("nextPageToken") {
            Some(token) => serde_json::from_str(token.get()).map_err(unreadable)?,
            None => String::new(),
        };
        match self.format {
            Format::Ndjson => Ok(lines(&items)),
            Format::Csv { mark } => self.rows(&items, is_first, mark),
        }
    }

    /// The parameters of the call with those of the page.
    fn query(&self) -> Value {
        let mut query = match &self.call.query {
            Some(Value::Object(query)) => query.clone(),
            Some(_) | None => Map::new(),
        };
        query.insert("pageSize".to_owned(), json!(PAGE));
        query.insert("pageToken".to_owned(), json!(self.token));
        Value::Object(query)
    }

    fn rows(&self, items: &[&RawValue], is_first: bool, mark: bool) -> Result<Bytes, Status> {
        let unwritten = |error: String| Status::internal(format!("a row can't be written: {error}"));
        let begin = if is_first && mark { BYTE_ORDER_MARK.as_bytes().to_vec() } else { Vec::new() };
        let mut writer = csv::WriterBuilder::new().terminator(csv::Terminator::CRLF).from_writer(begin);
        if is_first {
            let header = self.columns.iter().map(Column::name);
            writer.write_record(header).map_err(|error| unwritten(error.to_string()))?;
        }
        for item in items {
            let item: Value = serde_json::from_str(item.get()).map_err(|error| unwritten(error.to_string()))?;
            let cells = self.columns.iter().map(|column| column.cell(&item));
            writer.write_record(cells).map_err(|error| unwritten(error.to_string()))?;
        }
        Ok(writer.into_inner().map_err(|error| unwritten(error.to_string()))?.into())
    }

    /// The last line of an export that failed.
    fn failed(&mut self, status: &Status) -> Bytes {
        self.token.clear();
        match self.format {
            Format::Ndjson => {
                let mut line = in_band(status, &self.context);
                line.push(b'\n');
                line.into()
            }
            Format::Csv { .. } => {
                let [code, reason, detail] = Problem::of(status, &self.context).in_short();
                let mut writer = csv::WriterBuilder::new().terminator(csv::Terminator::CRLF).from_writer(Vec::new());
                // Writing into memory does not fail; the mark alone would tell as much.
                let written = writer.write_record(["#error", &code, &reason, &detail]);
                written.ok().and_then(|()| writer.into_inner().ok()).unwrap_or_else(|| b"#error\r\n".to_vec()).into()
            }
        }
    }
}

fn lines(items: &[&RawValue]) -> Bytes {
    let mut lines = Vec::with_capacity(items.iter().map(|item| item.get().len() + 1).sum());
    for item in items {
        lines.extend_from_slice(item.get().as_bytes());
        lines.push(b'\n');
    }
    lines.into()
}

#[cfg(test)]
mod tests;
