//! The compiled contract and the options that we read from it.

use std::ops::Deref;

use heck::{ToSnakeCase, ToUpperCamelCase};
use prost_reflect::{
    DescriptorError, DescriptorPool, DynamicMessage, EnumDescriptor, FieldDescriptor, Kind, MessageDescriptor,
    MethodDescriptor, ServiceDescriptor, Value,
};

use crate::options::Options;

/// The descriptors of one package with the comments of its sources.
pub(crate) struct Contract {
    options: Options,
    package: String,
    /// The Rust module of the package's messages.
    pub(crate) module: String,
    /// The Rust function that answers the descriptors at run time.
    pub(crate) pool_path: String,
}

impl Deref for Contract {
    type Target = Options;

    fn deref(&self) -> &Options {
        &self.options
    }
}

/// One `google.api.http` binding.
pub(crate) struct HttpRule {
    pub(crate) verb: &'static str,
    pub(crate) template: String,
    pub(crate) body: String,
}

impl Contract {
    pub(crate) fn decode(set: &[u8], package: &str, module: &str, pool_path: &str) -> Result<Self, DescriptorError> {
        let options = Options::new(DescriptorPool::decode(set)?);
        Ok(Self { options, package: package.to_owned(), module: module.to_owned(), pool_path: pool_path.to_owned() })
    }

    /// The messages of the package, nested ones included, without map entries.
    pub(crate) fn messages(&self) -> Vec<MessageDescriptor> {
        let mut found: Vec<_> =
            self.pool.all_messages().filter(|m| m.package_name() == self.package && !m.is_map_entry()).collect();
        found.sort_by(|a, b| a.full_name().cmp(b.full_name()));
        found
    }

    /// The enums of the package.
    pub(crate) fn enums(&self) -> Vec<EnumDescriptor> {
        self.pool.all_enums().filter(|e| e.package_name() == self.package).collect()
    }

    /// The services of the package by name.
    pub(crate) fn services(&self) -> Vec<ServiceDescriptor> {
        let mut found: Vec<_> = self.pool.services().filter(|s| s.package_name() == self.package).collect();
        found.sort_by(|a, b| a.full_name().cmp(b.full_name()));
        found
    }

    /// Every rpc of the package, by service, in the order of the files.
    pub(crate) fn methods(&self) -> Vec<MethodDescriptor> {
        self.services().iter().flat_map(|s| s.methods().collect::<Vec<_>>()).collect()
    }

    /// Whether the message's code is generated from this package.
    pub(crate) fn owns(&self, message: &MessageDescriptor) -> bool {
        message.package_name() == self.package && !message.is_map_entry()
    }

    /// The bindings of `google.api.http`, the main one first.
    pub(crate) fn http_rules(&self, method: &MethodDescriptor) -> Vec<HttpRule> {
        let Some(Value::Message(rule)) = self.option(&method.options(), "google.api.http") else { return Vec::new() };
        let mut rules = Vec::new();
        push_rule(&rule, &mut rules);
        if let Some(more) = rule.get_field_by_name("additional_bindings") {
            for binding in more.as_list().unwrap_or_default() {
                if let Some(binding) = binding.as_message() {
                    push_rule(binding, &mut rules);
                }
            }
        }
        rules
    }

    /// Our `access` option of an rpc.
    pub(crate) fn access(&self, method: &MethodDescriptor) -> Option<DynamicMessage> {
        match self.option(&method.options(), "recourse.v1.access") {
            Some(Value::Message(access)) => Some(access),
            _ => None,
        }
    }

    /// The type of `google.api.resource` if the message is one.
    pub(crate) fn resource_type(&self, message: &MessageDescriptor) -> Option<String> {
        match self.option(&message.options(), "google.api.resource") {
            Some(Value::Message(resource)) => Some(text(&resource, "type")),
            _ => None,
        }
    }

    /// The type named by `google.api.resource_reference`.
    pub(crate) fn referenced_type(&self, field: &FieldDescriptor) -> Option<String> {
        match self.option(&field.options(), "google.api.resource_reference") {
            Some(Value::Message(reference)) => Some(text(&reference, "type")).filter(|name| !name.is_empty()),
            _ => None,
        }
    }

    /// The Rust type of a message, from anywhere in the crate.
    pub(crate) fn message_type(&self, message: &MessageDescriptor) -> String {
        self.type_path(message.full_name(), message.package_name())
    }

    /// The Rust type of an enum, from anywhere in the crate.
    pub(crate) fn enum_type(&self, descriptor: &EnumDescriptor) -> String {
        self.type_path(descriptor.full_name(), descriptor.package_name())
    }

    fn type_path(&self, full_name: &str, package: &str) -> String {
        let root = match package {
            own if own == self.package => self.module.clone(),
            "recourse.v1" => "crate::recourse::v1".to_owned(),
            "google.type" => "crate::google::r#type".to_owned(),
            "google.rpc" => "crate::google::rpc".to_owned(),
            "google.protobuf" if full_name.ends_with(".Timestamp") || full_name.ends_with(".FieldMask") => {
                "crate::wkt".to_owned()
            }
            "google.protobuf" => "::pbjson_types".to_owned(),
            other => panic!("package {other} has no Rust module: add it to build/contract.rs"),
        };
        let mut parts: Vec<&str> = full_name[package.len() + 1..].split('.').collect();
        let last = parts.pop().map(upper_camel).unwrap_or_default();
        let mut path = root;
        for parent in parts {
            path = format!("{path}::{}", snake(parent));
        }
        format!("{path}::{last}")
    }

    /// The Rust enum of a oneof.
    pub(crate) fn oneof_type(&self, message: &MessageDescriptor, oneof: &str) -> String {
        let owner = self.message_type(message);
        let (module, name) = owner.rsplit_once("::").unwrap_or(("crate", &owner));
        format!("{module}::{}::{}", snake(name), upper_camel(oneof))
    }
}

fn push_rule(rule: &DynamicMessage, rules: &mut Vec<HttpRule>) {
    assert!(text(rule, "response_body").is_empty(), "response_body is not supported by the gateway");
    for (field, verb) in [("get", "GET"), ("put", "PUT"), ("post", "POST"), ("delete", "DELETE"), ("patch", "PATCH")] {
        if rule.has_field_by_name(field) {
            rules.push(HttpRule { verb, template: text(rule, field), body: text(rule, "body") });
        }
    }
}

fn text(message: &DynamicMessage, field: &str) -> String {
    message.get_field_by_name(field).and_then(|v| v.as_str().map(str::to_owned)).unwrap_or_default()
}

/// The variables of a path template: field path and pattern.
pub(crate) fn path_variables(template: &str) -> Vec<(String, String)> {
    let mut variables = Vec::new();
    let mut rest = template;
    while let Some(open) = rest.find('{') {
        let close = rest.find('}').unwrap_or_else(|| panic!("unbalanced braces in {template}"));
        let inner = &rest[open + 1..close];
        let (field, pattern) = inner.split_once('=').unwrap_or((inner, "*"));
        variables.push((field.to_owned(), pattern.to_owned()));
        rest = &rest[close + 1..];
    }
    variables
}

/// Whether a message field can be left unset (a scalar without presence can't).
pub(crate) fn is_message(field: &FieldDescriptor) -> Option<MessageDescriptor> {
    match field.kind() {
        Kind::Message(message) => Some(message),
        _ => None,
    }
}

/// The oneof that a field is a member of; proto3 `optional` does not count.
pub(crate) fn real_oneof(field: &FieldDescriptor) -> Option<prost_reflect::OneofDescriptor> {
    field.containing_oneof().filter(|oneof| !oneof.is_synthetic())
}

/// A Rust field or module name as prost-build makes it.
pub(crate) fn snake(name: &str) -> String {
    let ident = name.to_snake_case();
    const KEYWORDS: [&str; 47] = [
        "as", "break", "const", "continue", "else", "enum", "false", "fn", "for", "if", "impl", "in", "let", "loop",
        "match", "mod", "move", "mut", "pub", "ref", "return", "static", "struct", "trait", "true", "type", "unsafe",
        "use", "where", "while", "dyn", "abstract", "become", "box", "do", "final", "macro", "override", "priv",
        "typeof", "unsized", "virtual", "yield", "async", "await", "try", "gen",
    ];
    match ident.as_str() {
        "super" | "self" | "extern" | "crate" => format!("{ident}_"),
        keyword if KEYWORDS.contains(&keyword) => format!("r#{ident}"),
        _ => ident,
    }
}

/// A Rust type or variant name as prost-build makes it.
pub(crate) fn upper_camel(name: &str) -> String {
    let ident = name.to_upper_camel_case();
    if ident == "Self" { "Self_".to_owned() } else { ident }
}

/// The variant of an enum value: the enum's name is no part of it.
pub(crate) fn variant(descriptor: &EnumDescriptor, number: i32) -> String {
    let value =
        descriptor.get_value(number).unwrap_or_else(|| panic!("{} has no value {number}", descriptor.full_name()));
    let (prefix, name) = (upper_camel(descriptor.name()), upper_camel(value.name()));
    match name.strip_prefix(&prefix) {
        Some(rest) if rest.starts_with(char::is_uppercase) => upper_camel(rest),
        _ => name,
    }
}
