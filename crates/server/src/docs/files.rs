//! What the document says of raw bytes: uploads by tus 1.0, which stand outside the descriptors, and downloads,
//! which are an rpc but answer the file itself.

use serde_json::{Map, Value, json};

use crate::{downloads, uploads};

/// A number of bytes.
const NUMBER: &str = "^[0-9]{1,15}$";
/// Pairs of a key and a value in base64.
const METADATA: &str = "^[A-Za-z0-9]+( [A-Za-z0-9+/]*={0,2})?(,[A-Za-z0-9]+( [A-Za-z0-9+/]*={0,2})?)*$";
/// An algorithm, and a value in base64.
const CHECKSUM: &str = "^(sha1|sha256) [A-Za-z0-9+/]+={0,2}$";

/// The paths of uploads, with their operations.
pub(super) fn uploads() -> Vec<(String, Value)> {
    let header = |name: &str, pattern: &str, required: bool, text: &str| {
        json!({"name": name, "in": "header", "required": required, "description": text,
            "schema": {"type": "string", "pattern": pattern}})
    };
    let version = || header("Tus-Resumable", r"^1\.0\.0$", true, "`1.0.0`");
    let id = || {
        json!({"name": "id", "in": "path", "required": true, "description": "The id of the attachment.",
            "schema": {"type": "string", "pattern": "^[^/:]+$"}})
    };
    let failures = [
        ("400", "InvalidRequest"),
        ("401", "NotSignedIn"),
        ("403", "NotPermitted"),
        ("404", "NotFound"),
        ("408", "BodyTooSlow"),
        ("409", "Conflict"),
        ("413", "BodyTooLarge"),
        ("415", "UnsupportedMediaType"),
        ("429", "TooManyRequests"),
        ("500", "InternalFault"),
        ("503", "Unavailable"),
        ("504", "TookTooLong"),
    ];
    let answers = |status: &str, text: &str, told: &[&str]| {
        let headers: Map<String, Value> =
            told.iter().map(|name| ((*name).to_owned(), json!({"schema": {"type": "string"}}))).collect();
        let mut answers = json!({
            "412": {"description": "`Tus-Resumable` is missing or of another version; `Tus-Version` says which are known."},
            "460": {"$ref": "#/components/responses/Failure"},
        });
        answers[status] = json!({"description": text, "headers": headers});
        for (status, name) in failures {
            answers[status] = json!({"$ref": format!("#/components/responses/{name}")});
        }
        answers
    };
    let offer = |operation: &str| {
        json!({
            "tags": ["Uploads"], "operationId": operation, "summary": "What is understood of tus", "security": [],
            "responses": {"204": {"description": "`Tus-Version`, `Tus-Extension`, `Tus-Max-Size`, `Tus-Checksum-Algorithm`"},
                "400": {"$ref": "#/components/responses/InvalidRequest"},
                "429": {"$ref": "#/components/responses/TooManyRequests"},
                "503": {"$ref": "#/components/responses/Unavailable"}}
        })
    };
    let with_id = |mut operation: Value| {
        if operation["parameters"].is_null() {
            operation["parameters"] = json!([]);
        }
        if let Some(parameters) = operation["parameters"].as_array_mut() {
            parameters.insert(0, id());
        }
        operation
    };
    let create = json!({
        "tags": ["Uploads"], "operationId": "Uploads_Create", "summary": "Create an attachment by its metadata",
        "description": "tus 1.0, creation. `Upload-Metadata` holds `filename` and `filetype`, and of what an attachment \
            has: `category`, `attachmentId`, `claim`, `station`, `sha256`, `takenTime`, `replaces`. `POST /v1/attachments` \
            does the same with JSON; its upload is at `uploadPath`.",
        "parameters": [version(), header("Upload-Length", NUMBER, true, "How many bytes will come."),
            header("Upload-Metadata", METADATA, false, "`key base64` pairs with commas between them.")],
        "responses": answers("201", "Created; its bytes go to `Location`.",
            &["Location", "Upload-Offset", "Upload-Expires", "Tus-Resumable"]),
    });
    let ask = json!({
        "tags": ["Uploads"], "operationId": "Uploads_Progress", "summary": "How far an upload is",
        "description": "The bytes that the server has and keeps, whatever happens to it.",
        "parameters": [version()],
        "responses": answers("200", "`Upload-Offset` of `Upload-Length`.",
            &["Upload-Offset", "Upload-Length", "Upload-Expires", "Tus-Resumable"]),
    });
    let append = json!({
        "tags": ["Uploads"], "operationId": "Uploads_Append", "summary": "Send bytes of an attachment",
        "description": "From where the upload stands. What came before a line broke is kept. With the last byte the \
            attachment is complete, or refused for its content (`CONTENT_REFUSED`) and begun anew. Of two senders at \
            once one is refused (409).",
        "parameters": [version(), header("Upload-Offset", NUMBER, true, "Where the bytes begin."),
            header("Upload-Checksum", CHECKSUM, false, "`sha1` or `sha256`, a space, and the checksum of the bytes in base64.")],
        "requestBody": {"required": true, "content": {"application/offset+octet-stream": {"schema": {"type": "string", "format": "binary"}}}},
        "responses": answers("204", "They are durable.", &["Upload-Offset", "Upload-Expires", "Tus-Resumable"]),
    });
    let end = json!({
        "tags": ["Uploads"], "operationId": "Uploads_End", "summary": "Give an unfinished upload up",
        "parameters": [version()],
        "responses": answers("204", "Its bytes are gone.", &["Tus-Resumable"]),
    });
    vec![
        (uploads::PATH.to_owned(), json!({"options": offer("Uploads_Options"), "post": create})),
        (
            format!("{}/{{id}}", uploads::PATH),
            json!({"options": with_id(offer("Uploads_OptionsOfOne")), "head": with_id(ask), "patch": with_id(append),
                "delete": with_id(end)}),
        ),
    ]
}

/// A download answers the file, not messages around it.
pub(super) fn describe_downloads(paths: &mut Map<String, Value>) {
    let found =
        paths.iter_mut().find(|(path, _)| path.starts_with("/v1/attachments/") && path.ends_with(downloads::VERB));
    let Some((_, item)) = found else { return };
    let operation = &mut item["get"];
    if let Some(parameters) = operation["parameters"].as_array_mut() {
        // What `Range` says over HTTP.
        parameters.retain(|parameter| parameter["in"] != "query");
        for (name, text) in [
            ("Range", "`bytes=0-1023`: one range; several are answered with the whole."),
            ("If-Range", "The range is of these bytes only; else all of them come."),
            ("If-None-Match", "Nothing comes if these are the bytes."),
        ] {
            parameters.push(json!({"name": name, "in": "header", "description": text, "schema": {"type": "string"}}));
        }
    }
    let headers = json!({
        "ETag": {"$ref": "#/components/headers/Etag"},
        "Content-Disposition": {"description": "Its name, for saving.", "schema": {"type": "string"}},
        "Repr-Digest": {"description": "SHA-256 of all bytes (RFC 9530).", "schema": {"type": "string"}},
        "Metadata-Removed": {
            "description": "`true`: the bytes are a copy without the metadata of the original, as third parties get it.",
            "schema": {"type": "string"},
        },
    });
    // The format is what generators take for a file.
    let bytes = json!({"*/*": {"schema": {"type": "string", "format": "binary"}}});
    operation["responses"]["200"] = json!({"description": "The file.", "headers": headers, "content": bytes});
    operation["responses"]["206"] = json!({"description": "A part of it.", "headers": headers, "content": bytes});
    operation["responses"]["304"] = json!({"description": "The caller has it."});
    operation["responses"]["416"] =
        json!({"description": "It has no such bytes; `Content-Range` says how many it has."});
}
