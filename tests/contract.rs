//! The contract as it is published: the committed OpenAPI document is the generated one.

use std::path::Path;

#[test]
fn the_committed_openapi_document_is_the_generated_one() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../openapi/openapi.json");
    let committed = std::fs::read_to_string(path).unwrap_or_default();
    assert!(committed == recourse_server::docs::document_text(), "run `just gen` and commit openapi/openapi.json");
}

#[test]
fn every_reason_has_a_meaning_and_an_example() {
    let page = recourse_server::docs::error_page();
    for (name, _) in recourse_server::docs::reasons() {
        assert!(page.contains(&format!("id=\"{name}\"")), "{name}");
    }
    let without: Vec<_> = recourse_server::docs::reasons()
        .into_iter()
        .filter(|(_, text)| !text.contains("Example:"))
        .map(|(name, _)| name)
        .collect();
    assert!(without.is_empty(), "without an example: {without:?}");
}
