//! Every reply of the suites is held against the OpenAPI document.

use std::collections::HashMap;
use std::sync::{LazyLock, Mutex};

use serde_json::{Value, json};

static DOCUMENT: LazyLock<Value> = LazyLock::new(recourse_server::docs::document);
static VALIDATORS: LazyLock<Mutex<HashMap<String, std::sync::Arc<jsonschema::Validator>>>> =
    LazyLock::new(|| Mutex::new(HashMap::new()));

/// Checks one answer: its path and verb, its status and its content type are documented, and its body fits
/// the schema that stands there.
pub fn check(verb: &str, path: &str, status: u16, content_type: &str, body: &Value) {
    let (template, item) = path_item(path).unwrap_or_else(|| panic!("{verb} {path} is not in the document"));
    let operation = &item[verb.to_lowercase()];
    if operation.is_null() {
        assert_eq!(status, 405, "{verb} {template} is not in the document");
        return;
    }
    let responses = operation["responses"].as_object().expect("responses");
    // `default` is for clients that ask for nothing else; it excuses no status that nobody wrote down.
    let key = [status.to_string(), format!("{}XX", status / 100)]
        .into_iter()
        .find(|key| responses.contains_key(key))
        .unwrap_or_else(|| panic!("{verb} {template}: status {status} is not documented"));
    let content = &responses[&key]["content"];
    if content.is_null() {
        return;
    }
    let media = content_type.split(';').next().unwrap_or_default().trim();
    assert!(!content[media].is_null(), "{verb} {template} {status}: {media} is not documented");
    let pointer = format!(
        "/paths/{}/{}/responses/{key}/content/{}/schema",
        template.replace('~', "~0").replace('/', "~1"),
        verb.to_lowercase(),
        media.replace('/', "~1")
    );
    let validator = validator(&pointer);
    let errors: Vec<String> =
        validator.iter_errors(body).map(|error| format!("{}: {error}", error.instance_path())).collect();
    assert!(errors.is_empty(), "{verb} {path} {status} does not fit the document: {errors:#?}\n{body:#}");
}

/// The longest documented path that fits: literals beat parameters.
fn path_item(path: &str) -> Option<(String, &'static Value)> {
    let path = path.split('?').next().unwrap_or_default();
    let paths = DOCUMENT["paths"].as_object()?;
    if let Some(item) = paths.get(path) {
        return Some((path.to_owned(), item));
    }
    let mut fitting: Vec<(&String, &Value)> = paths.iter().filter(|(template, _)| fits(template, path)).collect();
    fitting.sort_by_key(|(template, _)| template.matches('{').count());
    fitting.first().map(|(template, item)| ((*template).clone(), *item))
}

fn fits(template: &str, path: &str) -> bool {
    let split = |text: &str| -> (Vec<String>, Option<String>) {
        let mut segments: Vec<String> = text.split('/').map(str::to_owned).collect();
        let verb = segments.last().and_then(|last| last.rsplit_once(':').map(|(_, verb)| verb.to_owned()));
        if let (Some(last), Some(verb)) = (segments.last_mut(), &verb) {
            last.truncate(last.len() - verb.len() - 1);
        }
        (segments, verb)
    };
    let ((left, left_verb), (right, right_verb)) = (split(template), split(path));
    left_verb == right_verb
        && left.len() == right.len()
        && left.iter().zip(&right).all(|(pattern, segment)| {
            (pattern.starts_with('{') && pattern.ends_with('}') && !segment.is_empty()) || pattern == segment
        })
}

fn validator(pointer: &str) -> std::sync::Arc<jsonschema::Validator> {
    let mut known = VALIDATORS.lock().unwrap();
    if let Some(validator) = known.get(pointer) {
        return std::sync::Arc::clone(validator);
    }
    // The schema refers into the document's components, so both travel together.
    let schema = json!({
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "components": DOCUMENT["components"],
        "allOf": [DOCUMENT.pointer(pointer).unwrap_or_else(|| panic!("{pointer} is not in the document"))],
    });
    let validator = std::sync::Arc::new(jsonschema::draft202012::new(&schema).expect("a schema of the document"));
    known.insert(pointer.to_owned(), std::sync::Arc::clone(&validator));
    validator
}
