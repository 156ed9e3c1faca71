//! `impl Merge`: update masks (AIP-134) for resources and what they contain.

use std::{collections::BTreeMap, fmt::Write};

use prost_reflect::{FieldDescriptor, Kind, MessageDescriptor};

use crate::contract::{Contract, is_message, real_oneof, snake, upper_camel};

/// How a field takes part in an update.
enum Part {
    /// The server's own; naming it in a mask is an error.
    ReadOnly,
    /// The version of the resource: compared, never written.
    Etag,
    /// Set once.
    Immutable,
    /// Replaced.
    Plain,
    /// A message of ours: replaced, or entered by a dotted path.
    Nested,
}

pub(crate) fn generate(contract: &Contract) -> String {
    let mut code = String::from("use crate::merge::{Merge, MergeError};\n");
    for message in mergeable(contract).values() {
        code.push_str(&implementation(contract, message));
    }
    code.push_str("\nconst _: Option<MergeError> = None;\n");
    code
}

/// Resources, bodies of updates, and the singular messages inside them.
pub(crate) fn mergeable(contract: &Contract) -> BTreeMap<String, MessageDescriptor> {
    let mut found = BTreeMap::new();
    let mut queue: Vec<_> = contract.messages().into_iter().filter(|m| contract.resource_type(m).is_some()).collect();
    for method in contract.methods() {
        if method.input().get_field_by_name("update_mask").is_some() {
            let bodies = contract
                .http_rules(&method)
                .into_iter()
                .filter_map(|rule| method.input().get_field_by_name(&rule.body));
            queue.extend(bodies.filter_map(|field| is_message(&field)));
        }
    }
    while let Some(message) = queue.pop() {
        if !contract.owns(&message) || found.contains_key(message.full_name()) {
            continue;
        }
        queue.extend(message.fields().filter(|f| !f.is_list() && !f.is_map()).filter_map(|f| is_message(&f)));
        found.insert(message.full_name().to_owned(), message);
    }
    found
}

fn implementation(contract: &Contract, message: &MessageDescriptor) -> String {
    let (mut paths, mut all, mut populated, mut updatable) =
        (String::new(), String::new(), String::new(), String::new());
    for oneof in message.oneofs().filter(|oneof| !oneof.is_synthetic()) {
        let place = snake(oneof.name());
        let _ = writeln!(all, "        self.{place}.clone_from(&from.{place});");
    }
    for field in message.fields() {
        let part = part(contract, &field);
        let name = field.name();
        paths.push_str(&path_arms(contract, message, &field, &part));
        if real_oneof(&field).is_none() {
            all.push_str(&all_statement(&field, &part));
        }
        if matches!(part, Part::Plain | Part::Nested | Part::Immutable) {
            let _ = writeln!(
                populated,
                "        if {} {{ found.push({name:?}.to_owned()); }}",
                is_set(contract, message, &field)
            );
            let keys = if field.json_name() == name {
                format!("{name:?}")
            } else {
                format!("{:?} | {name:?}", field.json_name())
            };
            let _ = writeln!(updatable, "            {keys} => Some({name:?}),");
        }
    }
    let from = if all.is_empty() { "_from" } else { "from" };
    let full = if all.contains("full") { "full" } else { "_full" };
    let found = if populated.is_empty() {
        "Vec::new()".to_owned()
    } else {
        format!("{{ let mut found = Vec::new();\n{populated}        found }}")
    };
    let (path_from, arms) = if paths.contains("from.") { ("from", paths) } else { ("_from", paths) };
    format!(
        r"
impl Merge for {kind} {{
    fn merge_path(&mut self, {path_from}: &Self, path: &str, full: &str) -> Result<(), MergeError> {{
        let (head, tail) = crate::merge::split(path);
        match (head, tail) {{
{arms}            _ => Err(MergeError::Unknown(full.to_owned())),
        }}
    }}

    fn merge_all(&mut self, {from}: &Self, {full}: &str) -> Result<(), MergeError> {{
{all}        Ok(())
    }}

    fn populated(&self) -> Vec<String> {{
        {found}
    }}

    fn updatable(key: &str) -> Option<&'static str> {{
        match key {{
{updatable}            _ => None,
        }}
    }}
}}
",
        kind = contract.message_type(message)
    )
}

fn part(contract: &Contract, field: &FieldDescriptor) -> Part {
    let behavior = contract.behavior(field);
    if field.name() == "etag" {
        Part::Etag
    } else if behavior.output_only || behavior.identifier {
        Part::ReadOnly
    } else if behavior.immutable {
        Part::Immutable
    } else {
        match is_message(field) {
            Some(inner) if !field.is_list() && !field.is_map() && contract.owns(&inner) => Part::Nested,
            _ => Part::Plain,
        }
    }
}

/// The match arms of one field for a single path.
fn path_arms(contract: &Contract, message: &MessageDescriptor, field: &FieldDescriptor, part: &Part) -> String {
    let (name, ident) = (field.name(), snake(field.name()));
    match part {
        Part::Etag => return format!("            ({name:?}, None) => Ok(()),\n"),
        Part::ReadOnly => return format!("            ({name:?}, _) => Err(MergeError::ReadOnly(full.to_owned())),\n"),
        Part::Immutable | Part::Plain | Part::Nested => {}
    }
    if let Some(oneof) = real_oneof(field) {
        return oneof_arms(&contract.oneof_type(message, oneof.name()), &snake(oneof.name()), field, part);
    }
    match part {
        Part::Immutable => format!(
            "            ({name:?}, None) => if self.{ident} == from.{ident} {{ Ok(()) }} else {{ Err(MergeError::Immutable(full.to_owned())) }},\n"
        ),
        Part::Nested => format!(
            "            ({name:?}, None) => crate::merge::whole(&mut self.{ident}, &from.{ident}, full),\n            ({name:?}, Some(tail)) => {{\n                let absent = Default::default();\n                self.{ident}.get_or_insert_default().merge_path(from.{ident}.as_ref().unwrap_or(&absent), tail, full)\n            }}\n"
        ),
        Part::Plain | Part::Etag | Part::ReadOnly => {
            format!(
                "            ({name:?}, None) => {{\n                {}\n                Ok(())\n            }}\n",
                assign(field)
            )
        }
    }
}

fn oneof_arms(kind: &str, place: &str, field: &FieldDescriptor, part: &Part) -> String {
    let (name, variant) = (field.name(), upper_camel(field.name()));
    let mut arms = format!(
        "            ({name:?}, None) => {{\n                if matches!(from.{place}, Some({kind}::{variant}(_))) {{\n                    self.{place}.clone_from(&from.{place});\n                }} else if matches!(self.{place}, Some({kind}::{variant}(_))) {{\n                    self.{place} = None;\n                }}\n                Ok(())\n            }}\n"
    );
    if matches!(part, Part::Nested) {
        let _ = write!(
            arms,
            "            ({name:?}, Some(tail)) => {{\n                let absent = Default::default();\n                let source = if let Some({kind}::{variant}(value)) = &from.{place} {{ value }} else {{ &absent }};\n                if !matches!(self.{place}, Some({kind}::{variant}(_))) {{\n                    self.{place} = Some({kind}::{variant}(Default::default()));\n                }}\n                match &mut self.{place} {{\n                    Some({kind}::{variant}(target)) => target.merge_path(source, tail, full),\n                    _ => Ok(()),\n                }}\n            }}\n"
        );
    }
    arms
}

/// The statement of one field for the mask `*`.
fn all_statement(field: &FieldDescriptor, part: &Part) -> String {
    let ident = snake(field.name());
    match part {
        Part::Etag | Part::ReadOnly => String::new(),
        Part::Plain => format!("        {}\n", assign(field)),
        Part::Nested => {
            format!(
                "        crate::merge::whole(&mut self.{ident}, &from.{ident}, &crate::merge::join(full, {:?}))?;\n",
                field.name()
            )
        }
        Part::Immutable => format!(
            "        if !crate::merge::is_default(&from.{ident}) && from.{ident} != self.{ident} {{\n            return Err(MergeError::Immutable(crate::merge::join(full, {:?})));\n        }}\n",
            field.name()
        ),
    }
}

fn assign(field: &FieldDescriptor) -> String {
    let ident = snake(field.name());
    let heap = matches!(field.kind(), Kind::String | Kind::Bytes | Kind::Message(_));
    if field.is_list() || field.is_map() || heap {
        format!("self.{ident}.clone_from(&from.{ident});")
    } else {
        format!("self.{ident} = from.{ident};")
    }
}

fn is_set(contract: &Contract, message: &MessageDescriptor, field: &FieldDescriptor) -> String {
    let ident = snake(field.name());
    if let Some(oneof) = real_oneof(field) {
        let kind = contract.oneof_type(message, oneof.name());
        return format!("matches!(self.{}, Some({kind}::{}(_)))", snake(oneof.name()), upper_camel(field.name()));
    }
    if field.is_list() || field.is_map() {
        return format!("!self.{ident}.is_empty()");
    }
    if field.supports_presence() {
        return format!("self.{ident}.is_some()");
    }
    match field.kind() {
        Kind::String | Kind::Bytes => format!("!self.{ident}.is_empty()"),
        Kind::Bool => format!("self.{ident}"),
        Kind::Float | Kind::Double => format!("self.{ident} != 0.0"),
        _ => format!("self.{ident} != 0"),
    }
}
