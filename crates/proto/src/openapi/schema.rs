//! Messages and enums as JSON schemas, exactly as the gateway writes and reads
//! them.

use std::collections::{BTreeMap, BTreeSet};

use prost_reflect::{EnumDescriptor, FieldDescriptor, Kind, MessageDescriptor};
use serde_json::{Map, Value, json};

use super::options::{Limits, Options};
use crate::{redact::RoleSet, validate::TextFormat};

mod field;
mod known;

/// What a schema of a message is for.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Form {
    /// The message itself.
    Whole,
    /// The message with an update mask: nothing is required.
    Patch,
    /// The message as the body of an rpc whose path sets some of its fields.
    Body { method: String, without: Vec<String> },
}

/// The schemas that the document refers to, made as they are asked for.
pub(super) struct Schemas<'a> {
    pub(super) options: &'a Options,
    package: String,
    /// Messages that clients send; their limits apply.
    inputs: BTreeSet<String>,
    done: BTreeMap<String, Value>,
    asked: Vec<(String, MessageDescriptor, Form)>,
    seen: BTreeSet<String>,
}

impl<'a> Schemas<'a> {
    pub(super) fn new(options: &'a Options, package: &str, inputs: impl Iterator<Item = &'static str>) -> Self {
        let roots = inputs.filter_map(|name| options.pool.get_message_by_name(name)).collect();
        let mut schemas = Self {
            options,
            package: package.to_owned(),
            inputs: messages_sent(options, roots),
            done: BTreeMap::new(),
            asked: Vec::new(),
            seen: BTreeSet::new(),
        };
        // Problems refer to it, no message does.
        if let Some(reasons) = options.pool.get_enum_by_name("recourse.v1.ErrorReason.Code") {
            schemas.enumeration(&reasons);
        }
        schemas
    }

    /// All schemas that were asked for, with those that they ask for.
    pub(super) fn finish(mut self) -> Map<String, Value> {
        while let Some((name, message, form)) = self.asked.pop() {
            let schema = self.object(&message, &form);
            self.done.insert(name, schema);
        }
        let mut components = Map::new();
        components.insert("schemas".into(), self.done.into_iter().collect());
        components
    }

    /// A reference to the schema of a message, or the schema of a known type.
    pub(super) fn message(&mut self, message: &MessageDescriptor, form: &Form) -> Value {
        if let Some(schema) = known::schema(message.full_name()) {
            let Some(name) = known::component(message.full_name()) else { return schema };
            self.done.insert(name.to_owned(), schema);
            return reference(name);
        }
        let form =
            if *form == Form::Patch && !self.has_required(message, &mut BTreeSet::new()) { &Form::Whole } else { form };
        let name = match form {
            Form::Whole => self.name(message.full_name()),
            Form::Patch => format!("{}Patch", self.name(message.full_name())),
            Form::Body { method, .. } => format!("{method}Body"),
        };
        if self.seen.insert(name.clone()) {
            self.asked.push((name.clone(), message.clone(), form.clone()));
        }
        reference(&name)
    }

    /// A reference to the schema of a line of a stream.
    pub(super) fn line(&mut self, message: &MessageDescriptor) -> Value {
        let name = format!("{}OrFailure", self.name(message.full_name()));
        let one = self.message(message, &Form::Whole);
        let text = "A line of a stream; a failure is the last one.";
        let line = json!({"description": text, "oneOf": [one, reference("StreamFailure")]});
        self.done.insert(name.clone(), line);
        reference(&name)
    }

    /// The schema of a field's value, without what the field adds to it.
    fn value(&mut self, kind: &Kind, form: &Form) -> Value {
        match kind {
            Kind::Double | Kind::Float => {
                json!({"type": "number", "format": if *kind == Kind::Double { "double" } else { "float" }})
            }
            Kind::Int32 | Kind::Sint32 | Kind::Sfixed32 => {
                json!({"type": "integer", "format": "int32", "minimum": i32::MIN, "maximum": i32::MAX})
            }
            Kind::Uint32 | Kind::Fixed32 => json!({"type": "integer", "minimum": 0, "maximum": u32::MAX}),
            Kind::Int64 | Kind::Sint64 | Kind::Sfixed64 => {
                json!({"type": "string", "format": "int64", "pattern": "^-?[0-9]{1,19}$"})
            }
            Kind::Uint64 | Kind::Fixed64 => json!({"type": "string", "format": "uint64", "pattern": "^[0-9]{1,20}$"}),
            Kind::Bool => json!({"type": "boolean"}),
            Kind::String => json!({"type": "string"}),
            Kind::Bytes => json!({"type": "string", "contentEncoding": "base64"}),
            Kind::Message(message) => self.message(message, form),
            Kind::Enum(descriptor) => self.enumeration(descriptor),
        }
    }

    fn enumeration(&mut self, descriptor: &EnumDescriptor) -> Value {
        let name = self.enum_name(descriptor);
        if self.seen.insert(name.clone()) {
            let file = descriptor.parent_file();
            let mut text = self.options.comment(&file, descriptor.path()).unwrap_or_default().to_owned();
            let mut names = Vec::new();
            for value in descriptor.values() {
                let comment = self
                    .options
                    .comment(&file, value.path())
                    .unwrap_or_default()
                    .split_whitespace()
                    .collect::<Vec<_>>()
                    .join(" ");
                text.push_str(&format!("\n- `{}`: {comment}", value.name()));
                names.push(value.name().to_owned());
            }
            self.done.insert(name.clone(), json!({"type": "string", "enum": names, "description": text}));
        }
        reference(&name)
    }

    fn object(&mut self, message: &MessageDescriptor, form: &Form) -> Value {
        let without: &[String] = if let Form::Body { without, .. } = form { without } else { &[] };
        let (mut properties, mut required) = (Map::new(), Vec::new());
        for field in message.fields().filter(|field| !without.iter().any(|name| name == field.name())) {
            properties.insert(field.json_name().to_owned(), self.field(&field, form));
            if *form != Form::Patch && self.is_required(&field) {
                required.push(field.json_name().to_owned());
            }
        }
        let mut schema = json!({"type": "object", "properties": properties, "additionalProperties": false});
        if let Some(text) = self.options.comment(&message.parent_file(), message.path()) {
            schema["description"] = json!(text);
        }
        if !required.is_empty() {
            schema["required"] = json!(required);
        }
        if is_choice(message) {
            schema["maxProperties"] = json!(1);
        } else if let Some(pairs) = exclusions(message) {
            schema["not"] = pairs;
        }
        schema
    }

    /// Whether a valid message always has the field in JSON: numbers and
    /// booleans may be zero, which is left out, and a hidden field is left out
    /// for those who may not see it.
    fn is_required(&self, field: &FieldDescriptor) -> bool {
        let behavior = self.options.behavior(field);
        let shown = matches!(field.kind(), Kind::String | Kind::Message(_) | Kind::Enum(_))
            || field.is_list()
            || field.supports_presence();
        behavior.required
            && !behavior.output_only
            && shown
            && field.containing_oneof().is_none_or(|oneof| oneof.is_synthetic())
            && self.options.visible(field).is_none()
    }

    /// Whether a message always has one of its fields in JSON, other than those named.
    pub(super) fn requires(&self, message: &MessageDescriptor, without: &[String]) -> bool {
        message.fields().any(|field| !without.iter().any(|name| name == field.name()) && self.is_required(&field))
    }

    fn has_required(&self, message: &MessageDescriptor, visited: &mut BTreeSet<String>) -> bool {
        if known::schema(message.full_name()).is_some() || !visited.insert(message.full_name().to_owned()) {
            return false;
        }
        message.fields().any(|field| {
            let inner = match field.kind() {
                Kind::Message(inner) if !field.is_list() && !field.is_map() => self.has_required(&inner, visited),
                _ => false,
            };
            inner || self.is_required(&field)
        })
    }

    /// An enum `Code` in a message that does nothing but hold it has the message's name: `FindingCode`, which is
    /// not a `FindingCodeCode` in anybody's program.
    fn enum_name(&self, descriptor: &EnumDescriptor) -> String {
        match descriptor.parent_message() {
            Some(holder) if descriptor.name() == "Code" && holder.fields().len() == 0 => self.name(holder.full_name()),
            _ => self.name(descriptor.full_name()),
        }
    }

    /// Our names without the package, others in full.
    fn name(&self, full_name: &str) -> String {
        let ours = full_name
            .strip_prefix(&self.package)
            .or_else(|| full_name.strip_prefix("recourse.v1"))
            .and_then(|rest| rest.strip_prefix('.'));
        match ours {
            // Generated clients have a class of this name themselves: the one that sends.
            Some("ApiClient") => "ClientProgram".to_owned(),
            Some(ours) => ours.to_owned(),
            None => full_name.to_owned(),
        }
    }
}

fn reference(name: &str) -> Value {
    json!({"$ref": format!("#/components/schemas/{name}")})
}

/// Whether a message is one choice and nothing else.
fn is_choice(message: &MessageDescriptor) -> bool {
    let mut oneofs = message.oneofs().filter(|oneof| !oneof.is_synthetic());
    match (oneofs.next(), oneofs.next()) {
        (Some(only), None) => only.fields().len() == message.fields().len(),
        (Some(_) | None, _) => false,
    }
}

/// What a message must not be: one with two members of a oneof at once. Written as one `not`, for generators take
/// an `allOf` for a parent class.
fn exclusions(message: &MessageDescriptor) -> Option<Value> {
    let mut pairs = Vec::new();
    for oneof in message.oneofs().filter(|oneof| !oneof.is_synthetic()) {
        let names: Vec<_> = oneof.fields().map(|field| field.json_name().to_owned()).collect();
        for (index, first) in names.iter().enumerate() {
            pairs.extend(names[index + 1..].iter().map(|second| {
                // Named, so that linters do not take them for misspelt.
                json!({"required": [first, second], "properties": {first: true, second: true}})
            }));
        }
    }
    (!pairs.is_empty()).then(|| json!({"anyOf": pairs}))
}

/// The messages that clients send, without what only the server sets.
fn messages_sent(options: &Options, roots: Vec<MessageDescriptor>) -> BTreeSet<String> {
    let (mut found, mut queue) = (BTreeSet::new(), roots);
    while let Some(message) = queue.pop() {
        if !found.insert(message.full_name().to_owned()) {
            continue;
        }
        queue.extend(message.fields().filter(|field| !options.behavior(field).output_only).filter_map(|field| {
            match field.kind() {
                Kind::Message(inner) => Some(inner),
                _ => None,
            }
        }));
    }
    found
}

/// Who sees a field, in words and for programs.
fn visibility(roles: u16, own: u16) -> (String, Value) {
    let names =
        |bits: u16| RoleSet::from_bits(bits).iter().map(|role| role.as_str_name().to_owned()).collect::<Vec<_>>();
    let (roles, own) = (names(roles), names(own));
    let everywhere = if roles.is_empty() { Vec::new() } else { vec![format!("by {}", roles.join(", "))] };
    let at_home = if own.is_empty() {
        Vec::new()
    } else {
        vec![format!("by {} on rows of their own organisation", own.join(", "))]
    };
    let text = format!("Seen {}.", [everywhere, at_home].concat().join("; "));
    (text, json!({"roles": roles, "own": own}))
}

/// The limits of a string.
fn limit_text(schema: &mut Value, limits: &Limits, required: bool) {
    schema["maxLength"] = json!(limits.most_characters());
    if required {
        schema["minLength"] = json!(limits.min_length.max(1));
    }
    let format = TextFormat::of_number(limits.format);
    if let Some(pattern) = format.pattern() {
        schema["pattern"] = json!(pattern);
    }
    if let Some(example) = format.example() {
        schema["examples"] = json!([example]);
    }
}
