//! The options and comments of descriptors. The build script and the OpenAPI
//! document read them with the same code.

use std::collections::BTreeMap;

use prost_reflect::{DescriptorPool, DynamicMessage, FieldDescriptor, FileDescriptor, Value};

/// The descriptors with the comments of their sources.
pub(crate) struct Options {
    pub(crate) pool: DescriptorPool,
    comments: BTreeMap<(String, Vec<i32>), String>,
}

/// What `google.api.field_behavior` says of a field.
#[derive(Default, Clone, Copy)]
pub(crate) struct Behavior {
    pub(crate) required: bool,
    pub(crate) output_only: bool,
    pub(crate) immutable: bool,
    pub(crate) identifier: bool,
}

/// Our `limits` option.
#[derive(Default)]
pub(crate) struct Limits {
    pub(crate) min_length: i32,
    pub(crate) max_length: i32,
    pub(crate) format: i32,
    pub(crate) max_items: i32,
    pub(crate) min: Option<i64>,
    pub(crate) max: Option<i64>,
    pub(crate) partial: bool,
}

impl Limits {
    /// Every string has an upper limit, also when the contract does not say it.
    pub(crate) fn most_characters(&self) -> i32 {
        if self.max_length > 0 { self.max_length } else { 200 }
    }

    /// The same for lists and maps.
    pub(crate) fn most_items(&self) -> i32 {
        if self.max_items > 0 { self.max_items } else { 100 }
    }
}

impl Options {
    pub(crate) fn new(pool: DescriptorPool) -> Self {
        let mut comments = BTreeMap::new();
        for file in pool.files() {
            let Some(source) = &file.file_descriptor_proto().source_code_info else { continue };
            for location in &source.location {
                if let Some(text) = &location.leading_comments {
                    let text =
                        text.lines().map(|line| line.strip_prefix(' ').unwrap_or(line)).collect::<Vec<_>>().join("\n");
                    comments.insert((file.name().to_owned(), location.path.clone()), text.trim().to_owned());
                }
            }
        }
        Self { pool, comments }
    }

    /// The comment above a descriptor.
    pub(crate) fn comment(&self, file: &FileDescriptor, path: &[i32]) -> Option<&str> {
        self.comments.get(&(file.name().to_owned(), path.to_vec())).map(String::as_str).filter(|text| !text.is_empty())
    }

    /// `google.api.field_behavior` of a field.
    pub(crate) fn behavior(&self, field: &FieldDescriptor) -> Behavior {
        let mut behavior = Behavior::default();
        if let Some(Value::List(values)) = self.option(&field.options(), "google.api.field_behavior") {
            for value in values {
                match value.as_enum_number() {
                    Some(2) => behavior.required = true,
                    Some(3) => behavior.output_only = true,
                    Some(5) => behavior.immutable = true,
                    Some(8) => behavior.identifier = true,
                    _ => {}
                }
            }
        }
        behavior
    }

    /// Our `limits` of a field.
    pub(crate) fn limits(&self, field: &FieldDescriptor) -> Limits {
        let Some(Value::Message(limits)) = self.option(&field.options(), "recourse.v1.limits") else {
            return Limits::default();
        };
        let int = |name: &str| limits.get_field_by_name(name).and_then(|v| v.as_i32()).unwrap_or_default();
        let bound = |name: &str| {
            if limits.has_field_by_name(name) { limits.get_field_by_name(name).and_then(|v| v.as_i64()) } else { None }
        };
        Limits {
            min_length: int("min_length"),
            max_length: int("max_length"),
            format: limits.get_field_by_name("format").and_then(|v| v.as_enum_number()).unwrap_or_default(),
            max_items: int("max_items"),
            min: bound("min"),
            max: bound("max"),
            partial: limits.get_field_by_name("partial").and_then(|v| v.as_bool()).unwrap_or_default(),
        }
    }

    /// Our `visible` option as bit sets of role numbers: everywhere, and on own rows.
    pub(crate) fn visible(&self, field: &FieldDescriptor) -> Option<(u16, u16)> {
        let Some(Value::Message(visible)) = self.option(&field.options(), "recourse.v1.visible") else { return None };
        let bits = |name: &str| {
            let values = visible.get_field_by_name(name);
            let list = values.as_ref().and_then(|v| v.as_list()).unwrap_or_default();
            list.iter().filter_map(Value::as_enum_number).fold(0u16, |bits, number| bits | 1 << number)
        };
        Some((bits("roles"), bits("own")))
    }

    /// One option by its full name.
    pub(crate) fn option(&self, options: &DynamicMessage, name: &str) -> Option<Value> {
        let extension = self.pool.get_extension_by_name(name)?;
        options.has_extension(&extension).then(|| options.get_extension(&extension).into_owned())
    }
}
