//! One rpc under one of its bindings.

use prost_reflect::{FieldDescriptor, Kind, MessageDescriptor, MethodDescriptor};
use serde_json::{Map, Value, json};

use super::{
    problem::RESPONSES,
    schema::{Form, Schemas},
    summary,
    template::Path,
};
use crate::method::{Access, HttpRule, MethodSpec};

/// The number of the format `RESOURCE_NAME` among those of `limits`.
const RESOURCE_NAME: i32 = 5;
/// Parameters of parameters are followed this deep, as in the gateway.
const MOST_LEVELS: usize = 4;

/// The operation of the `index`-th binding of an rpc.
pub(super) fn operation(
    schemas: &mut Schemas<'_>,
    spec: &MethodSpec,
    rule: &HttpRule,
    path: &Path,
    index: usize,
) -> Value {
    let Some(method) = method_of(schemas, spec) else { return json!({}) };
    let comment =
        schemas.options.comment(&method.parent_service().parent_file(), method.path()).unwrap_or_default().to_owned();
    let suffix = if index == 0 { String::new() } else { format!("_{}", index + 1) };
    let export = if exported(&method, spec, rule).is_some() { EXPORT } else { "" };
    let mut operation = json!({
        "tags": [spec.service],
        "operationId": format!("{}_{}{suffix}", spec.service, spec.name),
        "summary": summary(&comment),
        "description": format!("{comment}{export}\n\n{}", access_text(&spec.access)),
        "x-access": access_rule(&spec.access),
        "responses": responses(schemas, &method, spec, rule, path),
    });
    let parameters = parameters(schemas, &method, rule, path);
    if !parameters.is_empty() {
        operation["parameters"] = json!(parameters);
    }
    if !rule.body.is_empty() {
        operation["requestBody"] = request_body(schemas, &method, rule, path);
    }
    if spec.access.public {
        operation["security"] = json!([]);
    }
    operation
}

fn method_of(schemas: &Schemas<'_>, spec: &MethodSpec) -> Option<MethodDescriptor> {
    let (service, name) = spec.full_name.rsplit_once('.')?;
    schemas.options.pool.get_service_by_name(service)?.methods().find(|method| method.name() == name)
}

/// Who may call it, as a table.
fn access_text(access: &Access) -> String {
    let mut text = String::from("**Access**\n\n");
    if access.public {
        text.push_str("Anyone, without a token.\n");
    }
    if access.self_only {
        text.push_str("Everyone with a token, for their own person.\n");
    }
    if !access.grants.is_empty() {
        text.push_str("| Role | Rows |\n|---|---|\n");
        for grant in access.grants {
            text.push_str(&format!("| `{}` | `{}` |\n", grant.role.as_str_name(), grant.scope.as_str_name()));
        }
    }
    text
}

fn access_rule(access: &Access) -> Value {
    let grants: Vec<_> = access
        .grants
        .iter()
        .map(|grant| json!({"role": grant.role.as_str_name(), "scope": grant.scope.as_str_name()}))
        .collect();
    json!({"public": access.public, "self": access.self_only, "grants": grants})
}

fn parameters(schemas: &mut Schemas<'_>, method: &MethodDescriptor, rule: &HttpRule, path: &Path) -> Vec<Value> {
    let mut parameters: Vec<_> = path
        .parameters
        .iter()
        .map(|parameter| {
            let (text, schema) = if parameter.is_id {
                (format!("The id in `{}`.", parameter.within), json!({"type": "string", "pattern": "^[^/:]+$"}))
            } else {
                (
                    format!("The field `{}`; a slash in it is percent-encoded.", parameter.within),
                    json!({"type": "string", "minLength": 1}),
                )
            };
            json!({"name": parameter.name, "in": "path", "required": true, "description": text, "schema": schema})
        })
        .collect();
    let input = method.input();
    if rule.body != "*" {
        query(schemas, &input, &Level { path: "", json: "", bound: path, body: rule.body, depth: 0 }, &mut parameters);
    }
    let has = |name: &str| {
        input.get_field_by_name(name).is_some_and(|field| field.kind() == Kind::String && !field.is_list())
    };
    for (field, component) in [("request_id", "IdempotencyKey"), ("etag", "IfMatch")] {
        if has(field) && !method.is_client_streaming() {
            parameters.push(json!({"$ref": format!("#/components/parameters/{component}")}));
        }
    }
    parameters.push(json!({"$ref": "#/components/parameters/AcceptLanguage"}));
    parameters
}

/// Where the query parameters of a message are being listed.
struct Level<'a> {
    path: &'a str,
    json: &'a str,
    bound: &'a Path,
    body: &'a str,
    depth: usize,
}

fn query(schemas: &mut Schemas<'_>, message: &MessageDescriptor, level: &Level<'_>, parameters: &mut Vec<Value>) {
    for field in message.fields() {
        let path = crate::merge::join(level.path, field.name());
        let json = crate::merge::join(level.json, field.json_name());
        if field.is_map() || level.bound.fields.contains(&path) || path == level.body {
            continue;
        }
        if let Some(inner) = message_parameter(&field) {
            if !field.is_list() && level.depth + 1 < MOST_LEVELS {
                query(
                    schemas,
                    &inner,
                    &Level { path: &path, json: &json, depth: level.depth + 1, ..*level },
                    parameters,
                );
            }
            continue;
        }
        parameters.push(query_parameter(schemas, &field, &json, level.depth));
    }
}

/// The message of a field that is spread over several parameters.
fn message_parameter(field: &FieldDescriptor) -> Option<MessageDescriptor> {
    let Kind::Message(message) = field.kind() else { return None };
    let fits = matches!(
        message.full_name(),
        "google.protobuf.Timestamp" | "google.protobuf.Duration" | "google.protobuf.FieldMask"
    );
    (!fits).then_some(message)
}

fn query_parameter(schemas: &mut Schemas<'_>, field: &FieldDescriptor, name: &str, depth: usize) -> Value {
    let mut schema = schemas.field(field, &Form::Whole);
    let text = schema.as_object_mut().and_then(|schema| schema.remove("description")).unwrap_or_default();
    let is_number = matches!(
        field.kind(),
        Kind::Int32 | Kind::Int64 | Kind::Uint32 | Kind::Uint64 | Kind::Bool | Kind::Float | Kind::Double
    );
    // A required field inside of an optional message is not a required parameter.
    let required = depth == 0 && schemas.options.behavior(field).required && !is_number;
    json!({"name": name, "in": "query", "required": required, "description": text, "schema": schema})
}

fn request_body(schemas: &mut Schemas<'_>, method: &MethodDescriptor, rule: &HttpRule, path: &Path) -> Value {
    let input = method.input();
    let (schema, required) = if rule.body == "*" {
        let name = format!("{}_{}", method.parent_service().name(), method.name());
        let form = if path.fields.is_empty() {
            Form::Whole
        } else {
            Form::Body { method: name, without: path.fields.clone() }
        };
        // A body without a required field may be left out; generated methods then take it last.
        (schemas.message(&input, &form), schemas.requires(&input, &path.fields))
    } else {
        let field = input.get_field_by_name(rule.body);
        let is_partial = rule.verb == http::Method::PATCH
            || field.as_ref().is_some_and(|field| schemas.options.limits(field).partial);
        let form = if is_partial { Form::Patch } else { Form::Whole };
        match field.map(|field| field.kind()) {
            Some(Kind::Message(message)) => (schemas.message(&message, &form), true),
            _ => (json!({}), true),
        }
    };
    if method.is_client_streaming() {
        let mut content = json!({"application/x-ndjson": {"schema": schema}});
        let mut text = "One message a line.";
        if rule.body != "*" {
            content["text/csv"] = json!({"schema": {"type": "string", "description": CSV}});
            text = "One of them a line, or a row of CSV each.";
        }
        return json!({"required": true, "description": text, "content": content});
    }
    json!({"required": required, "content": {"application/json": {"schema": schema}}})
}

fn responses(
    schemas: &mut Schemas<'_>,
    method: &MethodDescriptor,
    spec: &MethodSpec,
    rule: &HttpRule,
    path: &Path,
) -> Value {
    let output = method.output();
    let is_file = output.get_field_by_name("content_type").is_some()
        && output.get_field_by_name("content").is_some_and(|field| field.kind() == Kind::Bytes);
    if is_file && !spec.server_streaming {
        // The format is what generators take for a file; validators pass it by.
        let ok =
            json!({"description": "The file.", "content": {"*/*": {"schema": {"type": "string", "format": "binary"}}}});
        return with_failures(&ok, spec, rule, names_a_resource(schemas, method, path));
    }
    let content = if spec.server_streaming {
        json!({
            "application/x-ndjson": {"schema": schemas.line(&output)},
            "text/event-stream": {"schema": {"type": "string"}},
        })
    } else {
        let mut content = json!({"application/json": {"schema": schemas.message(&output, &Form::Whole)}});
        if let Some(item) = exported(method, spec, rule) {
            content["application/x-ndjson"] = json!({"schema": schemas.line(&item)});
            content["text/csv"] = json!({"schema": {"type": "string", "description": CSV}});
        }
        content
    };
    let mut ok = json!({"description": if spec.server_streaming { "One message a line, or one event each." } else { "Done." }, "content": content});
    let mut headers = Map::new();
    if output.get_field_by_name("etag").is_some() && !spec.server_streaming {
        headers.insert("ETag".into(), json!({"$ref": "#/components/headers/Etag"}));
    }
    if method.input().get_field_by_name("request_id").is_some() {
        headers.insert("Idempotent-Replayed".into(), json!({"$ref": "#/components/headers/IdempotentReplayed"}));
    }
    if !headers.is_empty() {
        ok["headers"] = Value::Object(headers);
    }
    with_failures(&ok, spec, rule, names_a_resource(schemas, method, path))
}

/// What a list says of its export.
const EXPORT: &str = "\n\nWith `Accept: application/x-ndjson` or `text/csv` all pages come as one stream, from `pageToken` \
on; `text/csv;bom=true` begins with a byte order mark. A failure on the way is the last line: `{\"error\": …}`, or \
`#error,…` in CSV. Few run at once, and two of one caller unless the deployment says otherwise; the next is answered 429 \
with `Retry-After`.";

/// What CSV looks like here.
const CSV: &str = "RFC 4180 in UTF-8, with a header. Columns are fields by their JSON names, those of messages within by \
dotted names; a date is `2026-01-31`, an amount of money plain digits beside a column `….currencyCode`, a list JSON text. \
Text that begins like a formula has an apostrophe before it.";

/// The items of a list that is exported whole to those who accept NDJSON or CSV.
fn exported(method: &MethodDescriptor, spec: &MethodSpec, rule: &HttpRule) -> Option<MessageDescriptor> {
    match crate::gateway::export::items_of(spec, rule, &method.input(), &method.output())?.kind() {
        Kind::Message(item) => Some(item),
        _ => None,
    }
}

/// Whether a request must say which resource it is about, be it in the path, the query or the body.
fn names_a_resource(schemas: &Schemas<'_>, method: &MethodDescriptor, path: &Path) -> bool {
    let is_name = |field: &FieldDescriptor| {
        schemas.options.behavior(field).required && schemas.options.limits(field).format == RESOURCE_NAME
    };
    !path.parameters.is_empty() || method.input().fields().any(|field| is_name(&field))
}

/// The success and the failures that the rpc can have.
fn with_failures(ok: &Value, spec: &MethodSpec, rule: &HttpRule, names_a_resource: bool) -> Value {
    let mut responses = json!({"200": ok, "default": {"$ref": "#/components/responses/Failure"}});
    for (status, name, _) in RESPONSES {
        let applies = match status {
            "401" => !spec.access.public || spec.name == "CreateSession",
            "403" => !spec.access.public,
            // What stands in a body may name something, too.
            "404" => names_a_resource || (!rule.body.is_empty() && !spec.access.public),
            "409" => rule.verb != http::Method::GET,
            "408" | "413" | "415" => !rule.body.is_empty(),
            _ => true,
        };
        if applies {
            responses[status] = json!({"$ref": format!("#/components/responses/{name}")});
        }
    }
    responses
}
