//! The API reference, from the binary itself: it works without the internet.

mod files;
mod pages;

use std::sync::LazyLock;

use axum::Router;
use axum::response::{IntoResponse, Response};
use http::header;
use recourse_proto::v1::error_reason::Code as Reason;
use recourse_service::identity::client_keys::ASSERTION_TYPE;
use recourse_service::identity::oauth::JWT_BEARER;
use serde_json::{Map, Value, json};
use utoipa_swagger_ui::{Config, SwaggerUi};

static DOCUMENT: LazyLock<String> = LazyLock::new(|| format!("{:#}\n", document()));

/// The OpenAPI document: what the descriptors say, and the few endpoints outside them.
pub fn document() -> Value {
    recourse_proto::openapi::document(add_own_endpoints)
}

/// The document as the repository and the server have it.
pub fn document_text() -> &'static str {
    &DOCUMENT
}

/// `GET /openapi.json`.
pub async fn openapi_json() -> Response {
    ([(header::CONTENT_TYPE, "application/json")], DOCUMENT.as_str()).into_response()
}

/// The reference under `/docs/`.
pub fn reference() -> Router {
    SwaggerUi::new("/docs").config(Config::from("/openapi.json").persist_authorization(false)).into()
}

/// `GET /docs/errors`: every reason with its meaning and example, from the contract's own comments.
pub fn error_page() -> &'static str {
    static PAGE: LazyLock<String> = LazyLock::new(error_page_text);
    &PAGE
}

fn error_page_text() -> String {
    let mut rows = String::new();
    for (name, text) in reasons() {
        rows.push_str(&format!("<h3 id=\"{name}\">{name}</h3><p>{}</p>", escape(&text)));
    }
    format!(
        "<!doctype html><html lang=\"en\"><head><meta charset=\"utf-8\"><title>Recourse: reasons of refusals</title>\
         <style>body{{font:16px/1.5 sans-serif;max-width:50em;margin:2em auto;padding:0 1em}}h3{{font-family:monospace}}</style>\
         </head><body><h1>Reasons of refusals</h1>{rows}</body></html>"
    )
}

/// Every public reason with its meaning, as the contract has it.
pub fn reasons() -> Vec<(String, String)> {
    let Some(pool) = recourse_proto::documented_pool() else { return Vec::new() };
    let Some(message) = pool.get_enum_by_name("recourse.v1.ErrorReason.Code") else { return Vec::new() };
    let file = message.parent_file();
    let comments = file.file_descriptor_proto().source_code_info.as_ref();
    message
        .values()
        .filter(|value| value.number() != Reason::Unspecified as i32)
        .map(|value| {
            let text = comments
                .and_then(|info| info.location.iter().find(|location| location.path == value.path()))
                .and_then(|location| location.leading_comments.clone())
                .unwrap_or_default();
            (value.name().to_owned(), text.split_whitespace().collect::<Vec<_>>().join(" "))
        })
        .collect()
}

/// `GET /docs/star`: where the fields of the STAR warranty claim are.
pub fn star_page() -> String {
    pages::page("Recourse: STAR mapping", STAR)
}

/// The mapping as the repository has it.
pub const STAR: &str = include_str!("../../../proto/STAR.md");

fn escape(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}

/// What an operation can be answered before it begins: too busy, too large, too late.
fn turned_away_at_the_edge(path: &str, operation: &mut Value) {
    let is_probe = matches!(path, "/healthz" | "/readyz");
    let takes_body = operation.get("requestBody").is_some();
    let responses = &mut operation["responses"];
    // A reference says it already, and may have nothing beside it.
    if let Some(busy) = responses.get_mut("503").filter(|busy| busy.get("$ref").is_none()) {
        busy["content"]["application/problem+json"] = json!({"schema": {"$ref": "#/components/schemas/Problem"}});
    }
    let named = [
        ("408", "BodyTooSlow", takes_body),
        ("413", "BodyTooLarge", takes_body),
        ("414", "UriTooLong", true),
        ("415", "UnsupportedMediaType", takes_body),
        ("429", "TooManyRequests", !is_probe),
        ("431", "HeadersTooLarge", true),
        ("500", "InternalFault", !is_probe),
        ("503", "Unavailable", !is_probe),
        ("504", "TookTooLong", !is_probe),
    ];
    for (status, name, _) in named.into_iter().filter(|(_, _, applies)| *applies) {
        if responses[status].is_null() {
            responses[status] = json!({"$ref": format!("#/components/responses/{name}")});
        }
    }
    responses["default"] = json!({"$ref": "#/components/responses/Failure"});
}

/// The schemas of what stands outside of the descriptors.
fn own_schemas() -> Map<String, Value> {
    let object = |text: &str, required: Value, properties: Value| json!({"type": "object", "description": text, "required": required, "properties": properties});
    let own = [
        (
            "OAuth.Token",
            object(
                "An access token.",
                json!(["access_token", "token_type", "expires_in"]),
                json!({
                    "access_token": {"type": "string", "description": "JWT, for `authorization: Bearer`"},
                    "token_type": {"type": "string", "const": "Bearer"},
                    "expires_in": {"type": "integer", "description": "Seconds"},
                    "refresh_token": {"type": "string", "description": "New at each use; absent for client_credentials"},
                    "scope": {"type": "string"},
                }),
            ),
        ),
        (
            "OAuth.Error",
            object(
                "A refusal, as RFC 6749 has it.",
                json!(["error"]),
                json!({"error": {"type": "string"}, "error_description": {"type": "string"}}),
            ),
        ),
        (
            "OAuth.KeySet",
            object(
                "A JWK set (RFC 7517).",
                json!(["keys"]),
                json!({"keys": {"type": "array", "items": {"type": "object", "additionalProperties": true}}}),
            ),
        ),
        (
            "OAuth.Metadata",
            json!({"type": "object", "description": "Metadata (RFC 8414).", "additionalProperties": true}),
        ),
        ("Health", object("How the process is.", json!(["status"]), json!({"status": {"type": "string"}}))),
    ];
    own.into_iter().map(|(name, schema)| (name.to_owned(), schema)).collect()
}

fn add_own_endpoints(document: &mut Value) {
    if let Some(schemas) = document.pointer_mut("/components/schemas").and_then(Value::as_object_mut) {
        schemas.extend(own_schemas());
        // A download answers the file itself, which is not described by the message.
        for message in ["DownloadAttachmentResponse", "DownloadAttachmentResponseOrFailure"] {
            schemas.remove(message);
        }
    }
    let json_reply = |description: &str, schema: &str| {
        let schema = json!({"$ref": format!("#/components/schemas/{schema}")});
        json!({"description": description, "content": {"application/json": {"schema": schema}}})
    };
    let failure = |description: &str| json_reply(description, "OAuth.Error");
    let form = |required: Value, properties: Value| {
        json!({"required": true, "content": {"application/x-www-form-urlencoded": {
            "schema": {"type": "object", "required": required, "properties": properties}}}})
    };
    let too_many = json!({"$ref": "#/components/responses/TooManyRequests"});
    let own = [
        (
            "/oauth2/token",
            json!({"post": {
            "tags": ["OAuth"], "operationId": "OAuth_Token", "summary": "Get or refresh an access token",
            "description": "RFC 6749. `client_credentials` for programs, `refresh_token` for everybody, `jwt-bearer` \
                (RFC 7523) for people of an outside OpenID Connect issuer that the deployment trusts. A refresh \
                token changes at each use; using an old one again ends the session, unless it is the same refresh \
                within 30 seconds.",
            "security": [],
            "requestBody": form(json!(["grant_type"]), json!({
                "grant_type": {"type": "string", "enum": ["client_credentials", "refresh_token", JWT_BEARER]},
                "client_id": {"type": "string"}, "client_secret": {"type": "string"},
                "refresh_token": {"type": "string"},
                "client_assertion_type": {"type": "string", "enum": [ASSERTION_TYPE]},
                "client_assertion": {"type": "string", "description": "Signed by a program that has keys instead of a secret"},
                "assertion": {"type": "string", "description": "The token of a trusted outside issuer (RFC 7523)"},
                "organization": {"type": "string", "description": "The organisation to act for, with an assertion"},
                "scope": {"type": "string"}})),
            "responses": {"200": json_reply("The token", "OAuth.Token"), "400": failure("The request is not right"),
                "401": failure("The client is not known"), "429": failure("Too many at once"),
                "503": failure("The store is not reachable")}}}),
        ),
        (
            "/oauth2/revoke",
            json!({"post": {
            "tags": ["OAuth"], "operationId": "OAuth_Revoke", "summary": "End the session of a token",
            "description": "RFC 7009. The answer is the same whether the token was known.",
            "security": [],
            "requestBody": form(json!(["token"]), json!({
                "token": {"type": "string"}, "token_type_hint": {"type": "string"}})),
            "responses": {"200": {"description": "Done"}, "400": failure("The request is not right"),
                "429": failure("Too many calls"), "503": failure("The store is not reachable")}}}),
        ),
        (
            "/.well-known/jwks.json",
            json!({"get": {
            "tags": ["OAuth"], "operationId": "OAuth_Keys", "summary": "Public keys of access tokens",
            "security": [],
            "responses": {"200": json_reply("JWK set (RFC 7517)", "OAuth.KeySet"),
                "400": failure("The request is not right"), "429": too_many.clone()}}}),
        ),
        (
            "/.well-known/conclusion-keys.json",
            json!({"get": {
            "tags": ["AppraisalService"], "operationId": "Appraisals_ConclusionKeys",
            "summary": "Public keys of signed conclusions",
            "description": "Every key that ever signed a conclusion; the first signs now. With them anybody can check \
                `conclusion.signature` of an appraisal.",
            "security": [],
            "responses": {"200": json_reply("JWK set (RFC 7517)", "OAuth.KeySet"),
                "400": failure("The request is not right"), "429": too_many.clone()}}}),
        ),
        (
            "/.well-known/oauth-authorization-server",
            json!({"get": {
            "tags": ["OAuth"], "operationId": "OAuth_Metadata", "summary": "Where the OAuth endpoints are",
            "security": [],
            "responses": {"200": json_reply("Metadata (RFC 8414)", "OAuth.Metadata"),
                "400": failure("The request is not right"), "429": too_many}}}),
        ),
        (
            "/healthz",
            json!({"get": {
            "tags": ["Operations"], "operationId": "Operations_Health", "summary": "Whether the process lives",
            "security": [],
            "responses": {"200": json_reply("It lives", "Health"), "400": failure("The request is not right")}}}),
        ),
        (
            "/readyz",
            json!({"get": {
            "tags": ["Operations"], "operationId": "Operations_Ready", "summary": "Whether the process takes calls",
            "security": [],
            "responses": {"200": json_reply("It does", "Health"), "503": json_reply("It does not", "Health"),
                "400": failure("The request is not right")}}}),
        ),
    ];
    if let Some(paths) = document.get_mut("paths").and_then(Value::as_object_mut) {
        files::describe_downloads(paths);
        let own = own.into_iter().map(|(path, item)| (path.to_owned(), item));
        for (path, mut item) in own.chain(files::uploads()) {
            for operation in item.as_object_mut().into_iter().flat_map(|item| item.values_mut()) {
                turned_away_at_the_edge(&path, operation);
            }
            paths.insert(path, item);
        }
    }
    if let Some(tags) = document.get_mut("tags").and_then(Value::as_array_mut) {
        tags.push(json!({"name": "OAuth", "description": "Tokens, as the RFCs have them."}));
        tags.push(json!({"name": "Uploads", "description": "Bytes of attachments in pieces, resumable: tus 1.0."}));
        tags.push(json!({"name": "Operations", "description": "Health of the process."}));
    }
}
