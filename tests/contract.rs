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

/// The words of the trade's warranty claim that the contract took over: each has its row.
const WORDS_OF_THE_TRADE: [&str; 26] = [
    "complaint_code",
    "complaint_description",
    "cause_code",
    "cause_description",
    "correction_description",
    "failure_code",
    "location_code",
    "causal_part",
    "related_parts",
    "operation",
    "default_hours",
    "actual_hours",
    "additional_hours",
    "unit_price",
    "markup_bp",
    "outside_part_invoice_number",
    "original_serial_number",
    "replacement_serial_number",
    "sublet_invoice_number",
    "authorization",
    "campaign",
    "submission_count",
    "repeat_repair_indicator",
    "out_distance",
    "towing_distance",
    "goodwill_percent_bp",
];

#[test]
fn every_path_of_the_star_mapping_exists() {
    let pool = recourse_proto::descriptor_pool().expect("descriptors");
    let exists = |path: &str| {
        let Some((message, field)) = path.split_once('.') else {
            return pool.get_message_by_name(&format!("recourse.v1.{path}")).is_some();
        };
        let message = pool.get_message_by_name(&format!("recourse.v1.{message}"));
        message.is_some_and(|message| message.get_field_by_name(field).is_some())
    };
    let (mut paths, mut wrong) = (Vec::new(), Vec::new());
    for line in recourse_server::docs::STAR.lines().filter(|line| line.starts_with('|')) {
        let cells: Vec<&str> = line.trim_matches('|').split('|').map(str::trim).collect();
        assert_eq!(cells.len(), 3, "{line}");
        if cells[1] == "Recourse" || cells[1].starts_with("--") {
            continue;
        }
        // A code word is a path, a value in capitals, or the name of a message.
        let words: Vec<&str> = cells[1].split('`').skip(1).step_by(2).collect();
        if words.is_empty() && (cells[1] != "—" || cells[0].is_empty()) {
            wrong.push(format!("neither a path nor a dash: {line}"));
        }
        for word in words {
            let value = word.chars().all(|c| c.is_ascii_uppercase() || c == '_');
            if value {
                let known = ["Claim.Kind", "Claim.State"].iter().any(|name| {
                    let values = pool.get_enum_by_name(&format!("recourse.v1.{name}")).expect("an enum");
                    values.get_value_by_name(word).is_some()
                });
                if !known {
                    wrong.push(format!("no value {word}: {line}"));
                }
            } else if !exists(word) {
                wrong.push(format!("no field {word}: {line}"));
            }
            paths.push(word);
        }
    }
    assert_eq!(wrong, Vec::<String>::new());
    for word in WORDS_OF_THE_TRADE {
        assert!(paths.iter().any(|path| path.ends_with(&format!(".{word}"))), "{word} has no row");
    }
    for (name, word) in [("Claim.Kind", "kind"), ("Claim.State", "state")] {
        let values = pool.get_enum_by_name(&format!("recourse.v1.{name}")).expect("an enum");
        for value in values.values().filter(|value| value.number() != 0) {
            assert!(paths.contains(&value.name()), "the {word} {} has no row", value.name());
        }
    }
    let page = recourse_server::docs::star_page();
    assert!(page.contains("<code>Claim.external_ref</code>") && !page.contains('`'), "the page shows the tables");
}
