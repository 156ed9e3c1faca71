//! The OpenAPI 3.1 document, made from the descriptors alone.
//!
//! It is written as JSON, not through a typed model: JSON Schema's `not`,
//! `readOnly` beside `$ref` and our `x-access` have no place in those, and the
//! keys come out sorted, so the document is the same for the same contract.

use std::collections::BTreeMap;

use prost_reflect::DescriptorPool;
use serde_json::{Map, Value, json};

use crate::{Method, method::Rpc};

mod operation;
// One reader of options for the build script and for this document.
#[path = "../build/options.rs"]
mod options;
mod problem;
mod schema;
mod template;

use options::Options;
use schema::Schemas;

/// The document of the contract. `extra` adds what is not in it: the OAuth
/// endpoints, health.
#[must_use]
pub fn document(extra: impl FnOnce(&mut Value)) -> Value {
    let mut document =
        crate::documented_pool().map_or_else(|| json!({}), |pool| describe::<Method>(&pool, "recourse.v1"));
    extra(&mut document);
    document
}

/// The document of one generated package.
pub(crate) fn describe<M: Rpc>(pool: &DescriptorPool, package: &str) -> Value {
    let options = Options::new(pool.clone());
    let mut schemas = Schemas::new(&options, package, M::ALL.iter().map(|method| method.spec().input));
    let mut paths: BTreeMap<String, Map<String, Value>> = BTreeMap::new();
    for method in M::ALL {
        for (index, rule) in method.spec().http.iter().enumerate() {
            let path = template::Path::of(rule.template);
            let operation = operation::operation(&mut schemas, method.spec(), rule, &path, index);
            paths.entry(path.text).or_default().insert(rule.verb.as_str().to_ascii_lowercase(), operation);
        }
    }
    let mut components = schemas.finish();
    problem::add(&mut components);
    json!({
        "openapi": "3.1.0",
        "info": {
            "title": "Recourse API",
            "version": env!("CARGO_PKG_VERSION"),
            "summary": "Automotive warranty: claims, repairs, parts, settlement, analysis.",
            "description": INTRODUCTION,
            "license": {"name": "Apache-2.0", "identifier": "Apache-2.0"},
        },
        "servers": [{"url": "/"}],
        "security": [{"bearer": []}],
        "tags": tags(&options, pool, package),
        "paths": paths,
        "components": components,
    })
}

const INTRODUCTION: &str = "\
The same contract is served over gRPC. JSON is canonical proto3 JSON: lowerCamelCase names, enums by name, \
64-bit integers as strings, instants as RFC 3339 in UTC. Fields that have their default value are left out of replies. \
A request may use snake_case names, and `null` for a field that is not set; an unknown field is refused with its path. \
So it is where a field is named: `filter`, `orderBy` and `updateMask` take `create_time` and `createTime` alike, and a page token \
is good for both. \
Errors are problem documents (RFC 9457).";

fn tags(options: &Options, pool: &DescriptorPool, package: &str) -> Value {
    let mut services: Vec<_> = pool.services().filter(|service| service.package_name() == package).collect();
    services.sort_by(|a, b| a.name().cmp(b.name()));
    let tags = services.iter().map(|service| {
        let text = options.comment(&service.parent_file(), service.path()).unwrap_or_default();
        json!({"name": service.name(), "description": text})
    });
    tags.collect()
}

/// The first sentence of a comment, on one line, without its full stop; only what comes before a colon or a
/// semicolon, for a summary is read in a list.
fn summary(comment: &str) -> String {
    let line = comment.split_whitespace().collect::<Vec<_>>().join(" ");
    let end = line.match_indices(". ").map(|(at, _)| at).find(|at| !line[..*at].ends_with("e.g"));
    let first = end.map_or(line.as_str(), |at| &line[..at]);
    let first = first.split(": ").next().unwrap_or(first);
    let first = first.split("; ").next().unwrap_or(first);
    first.strip_suffix('.').unwrap_or(first).to_owned()
}

#[cfg(test)]
mod tests;
