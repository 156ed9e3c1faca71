//! One field of a message: its value, its limits, who sets and sees it.

use prost_reflect::{FieldDescriptor, Kind};
use serde_json::{Value, json};

use super::{Form, Schemas, limit_text, visibility};
use crate::openapi::options::Limits;

impl Schemas<'_> {
    /// The schema of a field with its comment.
    pub(in crate::openapi) fn field(&mut self, field: &FieldDescriptor, form: &Form) -> Value {
        let behavior = self.options.behavior(field);
        let limits = self.options.limits(field);
        let required = behavior.required && *form != Form::Patch;
        let is_sent = !behavior.output_only && self.inputs.contains(field.parent_message().full_name());
        let mut schema = if field.is_map() {
            self.map(field)
        } else if field.is_list() {
            // Lists are replaced whole, so their elements are whole too.
            let mut items = self.value(&field.kind(), &Form::Whole);
            limit(&mut items, &field.kind(), &limits, false, is_sent);
            json!({"type": "array", "items": items})
        } else {
            let deeper = if *form == Form::Patch || limits.partial { Form::Patch } else { Form::Whole };
            let mut value = self.value(&field.kind(), &deeper);
            limit(&mut value, &field.kind(), &limits, required, is_sent);
            value
        };
        if is_sent && field.is_map() {
            schema["maxProperties"] = json!(limits.most_items());
        } else if is_sent && field.is_list() {
            schema["maxItems"] = json!(limits.most_items());
            if required {
                schema["minItems"] = json!(1);
            }
        }
        // Which resource an update is about stands in its path, or else in the body: a command within a proposal.
        if behavior.output_only || (behavior.identifier && *form != Form::Patch) {
            schema["readOnly"] = json!(true);
        }
        let visible = self.options.visible(field).map(|(roles, own)| visibility(roles, own));
        let mut text =
            self.options.comment(&field.parent_message().parent_file(), field.path()).unwrap_or_default().to_owned();
        if behavior.immutable {
            text.push_str(" It can't change once set.");
        }
        text.push_str(&wide_range(field, &limits).unwrap_or_default());
        if let Some((sentence, rule)) = visible {
            text = format!("{text} {sentence}");
            schema["x-visible"] = rule;
        }
        schema["description"] = json!(text.trim());
        schema
    }

    fn map(&mut self, field: &FieldDescriptor) -> Value {
        let Kind::Message(entry) = field.kind() else { return json!({"type": "object"}) };
        let value = self.value(&entry.map_entry_value_field().kind(), &Form::Whole);
        json!({"type": "object", "additionalProperties": value})
    }
}

/// The limits of one value; those that nobody wrote down apply to what clients send.
fn limit(schema: &mut Value, kind: &Kind, limits: &Limits, required: bool, is_sent: bool) {
    match kind {
        Kind::String if is_sent => limit_text(schema, limits, required),
        Kind::Double | Kind::Float | Kind::Int32 | Kind::Sint32 | Kind::Sfixed32 | Kind::Uint32 | Kind::Fixed32 => {
            for (key, bound) in [("minimum", limits.min), ("maximum", limits.max)] {
                if let Some(bound) = bound {
                    schema[key] = json!(bound);
                }
            }
        }
        _ => {}
    }
}

/// The range of a number that is a string in JSON.
fn wide_range(field: &FieldDescriptor, limits: &Limits) -> Option<String> {
    let is_wide = matches!(field.kind(), Kind::Int64 | Kind::Sint64 | Kind::Sfixed64 | Kind::Uint64 | Kind::Fixed64);
    match (is_wide, limits.min, limits.max) {
        (true, Some(min), Some(max)) => Some(format!(" From {min} to {max}.")),
        (true, Some(min), None) => Some(format!(" At least {min}.")),
        (true, None, Some(max)) => Some(format!(" At most {max}.")),
        _ => None,
    }
}
