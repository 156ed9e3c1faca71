//! `impl Redact`: clears what the viewer's roles may not see.

use std::{collections::BTreeSet, fmt::Write};

use prost_reflect::{FieldDescriptor, Kind, MessageDescriptor};

use crate::contract::{Contract, real_oneof, snake, upper_camel};

pub(crate) fn generate(contract: &Contract) -> String {
    let walked = messages_with_something_to_hide(contract);
    let mut code = String::from("use crate::redact::{Redact, Redaction, RoleSet, Viewer};\n");
    let mut table = String::new();
    for message in contract.messages() {
        let mut body = String::new();
        for field in message.fields() {
            let recursion = recursion(contract, &message, &field, &walked);
            let Some((roles, own)) = contract.visible(&field) else {
                if !recursion.is_empty() {
                    let _ = writeln!(body, "        {recursion}");
                }
                continue;
            };
            let _ = writeln!(
                table,
                "    Redaction {{ message: {:?}, field: {:?}, roles: RoleSet::from_bits({roles:#b}), own: RoleSet::from_bits({own:#b}) }},",
                message.full_name(),
                field.name()
            );
            let hidden = format!("viewer.hides(RoleSet::from_bits({roles:#b}), RoleSet::from_bits({own:#b}))");
            let clear = clear(contract, &message, &field);
            let _ = match recursion.as_str() {
                "" => writeln!(body, "        if {hidden} {{\n            {clear}\n        }}"),
                deeper => writeln!(
                    body,
                    "        if {hidden} {{\n            {clear}\n        }} else {{\n            {deeper}\n        }}"
                ),
            };
        }
        let name = if body.is_empty() { "_viewer" } else { "viewer" };
        let _ = write!(
            code,
            "\nimpl Redact for {} {{\n    fn redact(&mut self, {name}: &Viewer) {{\n{body}    }}\n}}\n",
            contract.message_type(&message)
        );
    }
    let _ = write!(
        code,
        "\n/// Every field that some viewers do not see, for the documents and the tests.\npub const REDACTIONS: &[Redaction] = &[\n{table}];\n\nconst _: Option<RoleSet> = None;\n"
    );
    code
}

/// The messages that hide a field, or contain one that does.
fn messages_with_something_to_hide(contract: &Contract) -> BTreeSet<String> {
    let messages = contract.messages();
    let mut walked: BTreeSet<String> = BTreeSet::new();
    loop {
        let before = walked.len();
        for message in &messages {
            let hides = message.fields().any(|field| {
                contract.visible(&field).is_some()
                    || value_message(&field).is_some_and(|inner| walked.contains(inner.full_name()))
            });
            if hides {
                walked.insert(message.full_name().to_owned());
            }
        }
        if walked.len() == before {
            return walked;
        }
    }
}

/// The message that a field, its elements or its map values are.
fn value_message(field: &FieldDescriptor) -> Option<MessageDescriptor> {
    match field.kind() {
        Kind::Message(entry) if field.is_map() => match entry.map_entry_value_field().kind() {
            Kind::Message(value) => Some(value),
            _ => None,
        },
        Kind::Message(message) => Some(message),
        _ => None,
    }
}

fn recursion(
    contract: &Contract,
    message: &MessageDescriptor,
    field: &FieldDescriptor,
    walked: &BTreeSet<String>,
) -> String {
    let Some(inner) = value_message(field) else { return String::new() };
    if !walked.contains(inner.full_name()) {
        return String::new();
    }
    let ident = snake(field.name());
    if field.is_map() {
        return format!("for value in self.{ident}.values_mut() {{ value.redact(viewer); }}");
    }
    if field.is_list() {
        return format!("for value in &mut self.{ident} {{ value.redact(viewer); }}");
    }
    if let Some(oneof) = real_oneof(field) {
        let kind = contract.oneof_type(message, oneof.name());
        let (variant, place) = (upper_camel(field.name()), snake(oneof.name()));
        return format!("if let Some({kind}::{variant}(value)) = &mut self.{place} {{ value.redact(viewer); }}");
    }
    format!("if let Some(value) = &mut self.{ident} {{ value.redact(viewer); }}")
}

fn clear(contract: &Contract, message: &MessageDescriptor, field: &FieldDescriptor) -> String {
    match real_oneof(field) {
        Some(oneof) => {
            let kind = contract.oneof_type(message, oneof.name());
            let (variant, place) = (upper_camel(field.name()), snake(oneof.name()));
            format!("if matches!(self.{place}, Some({kind}::{variant}(_))) {{ self.{place} = None; }}")
        }
        None => format!("self.{} = Default::default();", snake(field.name())),
    }
}
