//! The parts of the document that every operation shares: problems, headers,
//! the security scheme.

use serde_json::{Map, Value, json};

use crate::gateway::problem::PROBLEM_JSON;

/// The shared responses: status, component, text.
pub(super) const RESPONSES: [(&str, &str, &str); 14] = [
    ("400", "InvalidRequest", "A field, the query or the body is not valid, or the state does not allow the step."),
    ("401", "NotSignedIn", "No valid token."),
    ("403", "NotPermitted", "None of the caller's roles may do this."),
    ("404", "NotFound", "No such resource among those the caller may see."),
    ("408", "BodyTooSlow", "The body came too slowly; nothing was done."),
    ("409", "Conflict", "The resource changed since it was read, or exists already."),
    ("413", "BodyTooLarge", "The body is larger than the limit."),
    ("414", "UriTooLong", "Path and query are longer than the limit; ask for less at once."),
    ("415", "UnsupportedMediaType", "The body is not of the expected media type."),
    ("429", "TooManyRequests", "Too many calls; come back later."),
    ("431", "HeadersTooLarge", "The headers are more, or longer, than the limit."),
    ("500", "InternalFault", "A fault of the server; nothing was written."),
    ("503", "Unavailable", "The server can't answer now; repeat with the same request id."),
    ("504", "TookTooLong", "The call took too long and was stopped; repeat with the same request id."),
];

/// Adds the shared components.
pub(super) fn add(components: &mut Map<String, Value>) {
    let responses: Map<String, Value> = RESPONSES
        .iter()
        .map(|(status, name, text)| ((*name).to_owned(), response(status, text)))
        .chain([("Failure".to_owned(), response("", "Any other failure."))])
        .collect();
    components.insert("responses".into(), Value::Object(responses));
    components.insert(
        "headers".into(),
        json!({
            "Etag": {"description": "The version of the resource, for `If-Match`.", "schema": {"type": "string"}},
            "IdempotentReplayed": {"description": "`true` if the request was a repeat and had no further effect.", "schema": {"type": "string", "enum": ["true"]}},
            "RateLimit": {"description": "How many calls are left (`r`) and in how many seconds all are (`t`): `\"principal\";r=4999;t=1`.", "schema": {"type": "string"}},
            "RateLimitPolicy": {"description": "How many calls are possible at once (`q`), and the seconds in which they come back (`w`): `\"principal\";q=5000;w=5`.", "schema": {"type": "string"}},
            "RetryAfter": {"description": "Seconds until the next attempt.", "schema": {"type": "integer", "minimum": 0}},
            "WwwAuthenticate": {"description": "How to authenticate.", "schema": {"type": "string"}},
        }),
    );
    components.insert(
        "parameters".into(),
        json!({
            "AcceptLanguage": {
                "name": "Accept-Language", "in": "header", "description": "The language of texts for people: `en` or `zh-CN`.",
                "schema": {"type": "string"}, "example": "zh-CN",
            },
            "IdempotencyKey": {
                "name": "Idempotency-Key", "in": "header",
                "description": "Stands for `requestId`: a repeat with the same key and body has no further effect.",
                "schema": {"type": "string", "maxLength": 200},
            },
            "IfMatch": {
                "name": "If-Match", "in": "header",
                "description": "Stands for `etag`: the request is refused if the resource has changed since.",
                "schema": {"type": "string"},
            },
        }),
    );
    components.insert(
        "securitySchemes".into(),
        json!({"bearer": {"type": "http", "scheme": "bearer", "bearerFormat": "JWT"}}),
    );
    if let Some(Value::Object(schemas)) = components.get_mut("schemas") {
        let has_reasons = schemas.contains_key("ErrorReason");
        schemas.insert("Problem".into(), problem(has_reasons));
        schemas.insert(
            "Problem.Violation".into(),
            json!({
                "type": "object", "description": "A field that was refused.",
                "required": ["field", "description"], "additionalProperties": false,
                "properties": {
                    "field": {"type": "string", "description": "The path of the field, such as `claim.lines[2].quantity`."},
                    "reason": {"type": "string", "description": "The rule, for programs."},
                    "description": {"type": "string", "description": "The rule and the way out."},
                },
            }),
        );
        schemas.insert(
            "StreamFailure".into(),
            json!({
                "type": "object", "description": "The last line of a stream that failed.", "required": ["error"],
                "properties": {"error": {"$ref": "#/components/schemas/Problem"}}, "additionalProperties": false,
            }),
        );
    }
}

fn response(status: &str, text: &str) -> Value {
    let mut response = json!({
        "description": text,
        "content": {PROBLEM_JSON: {"schema": {"$ref": "#/components/schemas/Problem"}}},
    });
    let headers: &[(&str, &str)] = match status {
        "401" => &[("WWW-Authenticate", "WwwAuthenticate")],
        "429" => &[("Retry-After", "RetryAfter"), ("RateLimit", "RateLimit"), ("RateLimit-Policy", "RateLimitPolicy")],
        "503" => &[("Retry-After", "RetryAfter")],
        _ => &[],
    };
    for (header, component) in headers {
        response["headers"][header] = json!({"$ref": format!("#/components/headers/{component}")});
    }
    response
}

fn problem(has_reasons: bool) -> Value {
    let reason =
        if has_reasons { json!({"$ref": "#/components/schemas/ErrorReason"}) } else { json!({"type": "string"}) };
    json!({
        "type": "object",
        "description": "Why a request failed (RFC 9457). Programs decide by `reason`, which stays the same; texts may change.",
        "required": ["type", "title", "status", "detail", "instance", "code"],
        "additionalProperties": false,
        "properties": {
            "type": {"type": "string", "format": "uri-reference", "description": "Where the reason is documented."},
            "title": {"type": "string", "description": "The kind of failure."},
            "status": {"type": "integer", "minimum": 400, "maximum": 599, "description": "The HTTP status."},
            "detail": {"type": "string", "description": "What happened and what would help."},
            "instance": {"type": "string", "description": "The path of the request."},
            "code": {"type": "string", "description": "The gRPC code."},
            "reason": reason,
            "metadata": {"type": "object", "additionalProperties": {"type": "string"}, "description": "Facts that go with the reason."},
            "violations": {
                "type": "array", "description": "The fields that were refused.",
                "items": {"$ref": "#/components/schemas/Problem.Violation"},
            },
            "requestId": {"type": "string", "description": "Leads to the server's log."},
        },
    })
}
