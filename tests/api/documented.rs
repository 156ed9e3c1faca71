//! What the document promises of lists is what they take.

use serde_json::Value;

use crate::harness::client::Client;
use crate::harness::world::{VIN, World};
use crate::on_both_databases;

/// The words in backticks between two marks of a description; a field may have `desc` behind it.
fn names(description: &str, begin: &str, ends: &[&str]) -> Vec<String> {
    let text = description.split_whitespace().collect::<Vec<_>>().join(" ");
    let Some((_, rest)) = text.split_once(begin) else { return Vec::new() };
    let end = ends.iter().filter_map(|end| rest.find(end)).min().unwrap_or(rest.len());
    let words = rest[..end].split('`').skip(1).step_by(2).filter_map(|word| word.split(' ').next());
    let is_name = |word: &&str| {
        !word.is_empty()
            && word.chars().all(|letter| letter.is_ascii_lowercase() || letter == '_' || letter.is_ascii_digit())
    };
    words.filter(is_name).map(str::to_owned).collect()
}

/// Somebody who may call the operation.
fn reader<'a>(world: &'a World, operation: &Value) -> &'a Client {
    let grants = operation["x-access"]["grants"].as_array().expect("grants");
    let may = |role: &str| grants.iter().any(|grant| grant["role"] == role);
    match (may("AUDITOR"), may("FINANCE")) {
        (true, _) => &world.auditor,
        (false, true) => &world.finance,
        (false, false) => &world.admin,
    }
}

on_both_databases! {
    async fn every_field_that_a_list_names_can_be_filtered_and_ordered_by(server) {
        let world = World::load(&server).await;
        let document = recourse_server::docs::document();
        let mut asked = 0;
        for (path, item) in document["paths"].as_object().expect("paths") {
            let operation = &item["get"];
            let parameters = operation["parameters"].as_array().cloned().unwrap_or_default();
            if !parameters.iter().any(|parameter| parameter["name"] == "filter") {
                continue;
            }
            let caller = reader(&world, operation);
            let path = path.replace("{vehicle}", VIN);
            let description = operation["description"].as_str().expect("a description");
            let ends = ["With `Accept", "**Access"];
            for name in names(description, "Filter:", &["Order:", ends[0], ends[1]]) {
                let answer = caller.get(&format!("{path}?pageSize=1&filter={name}%3D%22x%22")).await;
                let text = answer.body.to_string();
                assert!(!text.contains("is not a field to filter by"), "{path} filters by {name}: {text}");
                asked += 1;
            }
            for name in names(description, "Order:", &ends) {
                caller.get(&format!("{path}?pageSize=1&orderBy={name}")).await.ok();
                asked += 1;
            }
        }
        assert!(asked > 100, "only {asked} fields were found in the document");
    }
}
