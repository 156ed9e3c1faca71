//! `impl Validate`: REQUIRED, our limits, and enum numbers, field by field.

use std::fmt::Write;

use prost_reflect::{FieldDescriptor, Kind, MessageDescriptor};

use crate::{
    contract::{Contract, real_oneof, snake, upper_camel},
    options::Limits,
};

pub(crate) fn generate(contract: &Contract) -> String {
    let mut code = String::from("use crate::validate::{Check, TextFormat, TextRule, Validate};\n");
    for message in contract.messages() {
        let body: String = message.fields().map(|field| field_checks(contract, &message, &field)).collect();
        let name = if body.is_empty() { "_check" } else { "check" };
        let _ = write!(
            code,
            "\nimpl Validate for {} {{\n    fn validate(&self, {name}: &mut Check) {{\n{body}    }}\n}}\n",
            contract.message_type(&message)
        );
    }
    // A contract may use none of these.
    code.push_str("\nconst _: Option<(TextFormat, TextRule)> = None;\n");
    code
}

fn field_checks(contract: &Contract, message: &MessageDescriptor, field: &FieldDescriptor) -> String {
    let behavior = contract.behavior(field);
    if behavior.output_only {
        return String::new();
    }
    let limits = contract.limits(field);
    let required = behavior.required;
    let (name, ident) = (field.name(), snake(field.name()));
    let place = format!("self.{ident}");

    if field.is_map() {
        return map_checks(field, &limits, required, &place);
    }
    if field.is_list() {
        return list_checks(contract, field, &limits, required, &place);
    }
    if let Some(oneof) = real_oneof(field) {
        let check = value_check(contract, field, &limits, false, "value", true);
        if check.is_empty() {
            return String::new();
        }
        let kind = contract.oneof_type(message, oneof.name());
        return format!(
            "        if let Some({kind}::{}(value)) = &self.{} {{\n            {check}\n        }}\n",
            upper_camel(name),
            snake(oneof.name())
        );
    }
    if let Kind::Message(_) = field.kind() {
        return format!("        check.message({name:?}, {place}.as_ref(), {required}, {});\n", limits.partial);
    }
    if field.supports_presence() {
        let mut code = String::new();
        if required {
            let _ = writeln!(code, "        check.present({name:?}, {place}.is_some());");
        }
        let check = value_check(contract, field, &limits, false, "value", true);
        if !check.is_empty() {
            let _ = writeln!(code, "        if let Some(value) = &{place} {{\n            {check}\n        }}");
        }
        return code;
    }
    match value_check(contract, field, &limits, required, &place, false) {
        check if check.is_empty() => check,
        check => format!("        {check}\n"),
    }
}

/// The check of one present value; `by_reference` if `value` is a reference.
fn value_check(
    contract: &Contract,
    field: &FieldDescriptor,
    limits: &Limits,
    required: bool,
    value: &str,
    by_reference: bool,
) -> String {
    let name = field.name();
    let (copy, reference) =
        if by_reference { (format!("*{value}"), value.to_owned()) } else { (value.to_owned(), format!("&{value}")) };
    match field.kind() {
        Kind::String => format!("check.text({name:?}, {reference}, &{});", text_rule(limits, required)),
        Kind::Bytes => format!("check.bytes({name:?}, {reference}, {required}, {});", limits.max_length),
        Kind::Bool => String::new(),
        Kind::Float => format!("check.number({name:?}, f64::from({copy}), {:?}, {:?});", limits.min, limits.max),
        Kind::Double => format!("check.number({name:?}, {copy}, {:?}, {:?});", limits.min, limits.max),
        Kind::Enum(descriptor) => {
            let kind = contract.enum_type(&descriptor);
            format!("check.enumeration({name:?}, {copy}, {required}, {kind}::try_from({copy}).is_ok());")
        }
        Kind::Message(_) => format!("check.message({name:?}, Some({reference}), false, {});", limits.partial),
        _ if limits.min.is_none() && limits.max.is_none() => String::new(),
        kind => {
            // A number without presence can't say whether its zero was given.
            let check = if by_reference { "integer" } else { "implicit_integer" };
            format!("check.{check}({name:?}, {}, {:?}, {:?});", integer(&kind, &copy), limits.min, limits.max)
        }
    }
}

fn list_checks(contract: &Contract, field: &FieldDescriptor, limits: &Limits, required: bool, place: &str) -> String {
    let name = field.name();
    let most = limits.most_items();
    let mut code = format!("        check.count({name:?}, {place}.len(), {required}, {most});\n");
    match field.kind() {
        Kind::String => {
            let _ = writeln!(code, "        check.texts({name:?}, &{place}, &{});", text_rule(limits, false));
        }
        Kind::Enum(descriptor) => {
            let kind = contract.enum_type(&descriptor);
            let _ = writeln!(
                code,
                "        check.enumerations({name:?}, &{place}, |number| {kind}::try_from(number).is_ok());"
            );
        }
        Kind::Message(_) => {
            let _ = writeln!(code, "        check.messages({name:?}, &{place});");
        }
        Kind::Bool | Kind::Bytes | Kind::Float | Kind::Double => {}
        _ if limits.min.is_none() && limits.max.is_none() => {}
        kind => {
            let value = integer(&kind, "*value");
            let _ = writeln!(
                code,
                "        for (index, value) in {place}.iter().enumerate() {{\n            check.element({name:?}, index, |check| check.integer(\"\", {value}, {:?}, {:?}));\n        }}",
                limits.min, limits.max
            );
        }
    }
    code
}

fn map_checks(field: &FieldDescriptor, limits: &Limits, required: bool, place: &str) -> String {
    let name = field.name();
    let mut code = format!("        check.count({name:?}, {place}.len(), {required}, {});\n", limits.most_items());
    let Kind::Message(entry) = field.kind() else { return code };
    if entry.map_entry_key_field().kind() != Kind::String {
        return code;
    }
    match entry.map_entry_value_field().kind() {
        Kind::String => {
            let _ = writeln!(code, "        check.text_map({name:?}, &{place}, &{});", text_rule(limits, false));
        }
        Kind::Message(_) => {
            let _ = writeln!(code, "        check.message_map({name:?}, &{place});");
        }
        _ => {}
    }
    code
}

fn text_rule(limits: &Limits, required: bool) -> String {
    let most = limits.most_characters();
    format!(
        "TextRule {{ required: {required}, min: {}, max: {most}, format: TextFormat::{} }}",
        limits.min_length,
        format_name(limits.format)
    )
}

/// The runtime's name of a `Limits.Format` number.
fn format_name(number: i32) -> &'static str {
    match number {
        0 => "Any",
        1 => "Code",
        2 => "Uuid",
        3 => "Date",
        4 => "Dtc",
        5 => "ResourceName",
        6 => "Currency",
        7 => "TimeZone",
        8 => "Multiline",
        other => panic!("Limits.Format {other} is unknown to build/validate.rs"),
    }
}

fn integer(kind: &Kind, value: &str) -> String {
    match kind {
        Kind::Int64 | Kind::Sint64 | Kind::Sfixed64 => value.to_owned(),
        Kind::Uint64 | Kind::Fixed64 => format!("i64::try_from({value}).unwrap_or(i64::MAX)"),
        _ => format!("i64::from({value})"),
    }
}
