//! The laws of the contract. Breaking one stops the build with a sentence
//! that names the place.

use std::collections::BTreeMap;

use prost_reflect::{FileDescriptor, Kind, MethodDescriptor};

use crate::contract::{Contract, is_message, path_variables};

/// Panics with every breach at once.
pub(crate) fn enforce(contract: &Contract) {
    let mut breaches = Vec::new();
    comments(contract, &mut breaches);
    let mut routes = BTreeMap::new();
    for method in contract.methods() {
        rpc(contract, &method, &mut breaches);
        for rule in contract.http_rules(&method) {
            let route = format!("{} {}", rule.verb, shape(&rule.template));
            if let Some(other) = routes.insert(route.clone(), method.full_name().to_owned()) {
                breaches.push(format!("{route} leads to both {other} and {}", method.full_name()));
            }
        }
    }
    assert!(breaches.is_empty(), "the contract is incomplete:\n  {}\n", breaches.join("\n  "));
}

/// A template without the names of its variables.
fn shape(template: &str) -> String {
    path_variables(template).iter().fold(template.to_owned(), |shape, (field, pattern)| {
        shape.replace(&format!("{{{field}={pattern}}}"), pattern).replace(&format!("{{{field}}}"), pattern)
    })
}

/// Everything a client sees has a comment: it is the documentation.
fn comments(contract: &Contract, breaches: &mut Vec<String>) {
    let mut need = |file: FileDescriptor, path: &[i32], name: &str| {
        if contract.comment(&file, path).is_none() {
            breaches.push(format!("{name} ({}) has no comment above it", file.name()));
        }
    };
    for service in contract.services() {
        need(service.parent_file(), service.path(), service.full_name());
        for method in service.methods() {
            need(service.parent_file(), method.path(), method.full_name());
        }
    }
    for message in contract.messages() {
        need(message.parent_file(), message.path(), message.full_name());
        for field in message.fields() {
            need(message.parent_file(), field.path(), field.full_name());
        }
    }
    for descriptor in contract.enums() {
        need(descriptor.parent_file(), descriptor.path(), descriptor.full_name());
        for value in descriptor.values() {
            need(descriptor.parent_file(), value.path(), value.full_name());
        }
    }
}

/// An rpc says how it is called over HTTP and by whom.
fn rpc(contract: &Contract, method: &MethodDescriptor, breaches: &mut Vec<String>) {
    let name = method.full_name();
    match contract.access(method) {
        None => breaches.push(format!("{name} has no (recourse.v1.access) option: say who may call it")),
        Some(access) => {
            let flag = |field: &str| access.get_field_by_name(field).and_then(|v| v.as_bool()).unwrap_or_default();
            let grants = access.get_field_by_name("grants").map_or(0, |v| v.as_list().map_or(0, <[_]>::len));
            if !flag("public") && !flag("self") && grants == 0 {
                breaches.push(format!("{name}: its access option lets nobody in"));
            }
        }
    }
    let rules = contract.http_rules(method);
    if rules.is_empty() {
        breaches.push(format!("{name} has no google.api.http option: say its path"));
    }
    for rule in rules {
        if rule.template.contains("**") {
            breaches.push(format!("{name}: `**` in {} is not supported", rule.template));
        }
        for (variable, _) in path_variables(&rule.template) {
            if let Some(breach) = variable_breach(method, &variable) {
                breaches.push(format!("{name}: path variable {variable} {breach}"));
            }
        }
        if !rule.body.is_empty() && rule.body != "*" {
            let field = method.input().get_field_by_name(&rule.body);
            let whole = field.filter(|f| !f.is_list() && !f.is_map()).and_then(|f| is_message(&f));
            if whole.is_none() {
                breaches.push(format!("{name}: body {} is not a singular message field", rule.body));
            }
        }
        if method.is_client_streaming() && rule.body.is_empty() {
            breaches.push(format!("{name}: a client stream needs a body: \"*\", or the field that a line is"));
        }
    }
}

fn variable_breach(method: &MethodDescriptor, path: &str) -> Option<&'static str> {
    let mut message = method.input();
    let mut parts = path.split('.').peekable();
    while let Some(part) = parts.next() {
        let Some(field) = message.get_field_by_name(part) else { return Some("is not a field of the request") };
        if field.is_list() || field.is_map() || field.containing_oneof().is_some() {
            return Some("is a list, a map, optional or in a oneof");
        }
        match (field.kind(), parts.peek().is_some()) {
            (Kind::Message(next), true) => message = next,
            (Kind::String, false) => return None,
            _ => return Some("is not a string field"),
        }
    }
    Some("is empty")
}
