//! Canonical proto3 JSON into messages.
//!
//! The generated code reads bytes straight into types. Only when that fails is
//! the body read a second time, slowly: nulls that proto3 JSON allows are
//! dropped, and what is wrong gets its path.

use std::collections::BTreeMap;

use prost_reflect::{FieldDescriptor, Kind, MessageDescriptor};
use serde::de::DeserializeOwned;
use serde_json::{Map, Value};
use serde_path_to_error::Segment;
use tonic::Status;

use expected::Words;

use super::{
    call::RpcInput,
    refuse::{self, Fault},
};
use crate::{Lang, merge::join as join_field};

pub(super) mod expected;
mod strict;

/// The bytes of a JSON body.
pub struct JsonBody<'a> {
    bytes: &'a [u8],
    lang: Lang,
    /// Where the paths of faults begin.
    root: Root,
}

/// Where the paths of faults begin.
enum Root {
    /// At the request message: with the field that the body is.
    Message,
    /// At a line of a streamed body, counted from 1.
    Line(usize),
    /// At the row that is read: its number is told beside.
    Row,
}

impl<'a> JsonBody<'a> {
    /// A body, and the language of what it is told.
    #[must_use]
    pub fn new(bytes: &'a [u8], lang: Lang) -> Self {
        Self { bytes, lang, root: Root::Message }
    }

    pub(super) fn at_line(mut self, line: usize) -> Self {
        self.root = Root::Line(line);
        self
    }

    pub(super) fn at_row(mut self) -> Self {
        self.root = Root::Row;
        self
    }

    /// The body as the whole request message.
    pub(super) fn read<I: RpcInput>(&self) -> Result<I, Status> {
        self.decode("", I::descriptor)
    }

    /// The body as one field of the request message.
    pub fn read_field<I: RpcInput, T: DeserializeOwned>(&self, field: &str) -> Result<T, Status> {
        self.decode(field, || match I::descriptor()?.get_field_by_name(field)?.kind() {
            Kind::Message(message) => Some(message),
            _ => None,
        })
    }

    fn decode<T: DeserializeOwned>(
        &self,
        prefix: &str,
        descriptor: impl Fn() -> Option<MessageDescriptor>,
    ) -> Result<T, Status> {
        if let Ok(message) = serde_json::from_slice(self.bytes) {
            return Ok(message);
        }
        let root = match self.root {
            Root::Line(line) => format!("line[{line}]"),
            Root::Row => String::new(),
            Root::Message => prefix.to_owned(),
        };
        self.repair(&root, descriptor().as_ref())
    }

    /// The second reading: with nulls dropped, or with the paths of the faults.
    fn repair<T: DeserializeOwned>(&self, root: &str, descriptor: Option<&MessageDescriptor>) -> Result<T, Status> {
        let mut value = match strict::value(self.bytes) {
            Ok(value) => value,
            Err(error) if error.inner().is_data() => {
                let (field, _) = place(root, error.path(), descriptor);
                return Err(refuse::fields(&[Fault::given_twice(field)], self.lang));
            }
            Err(error) => return Err(refuse::invalid_json(error.inner(), self.lang)),
        };
        let mut faults = Vec::new();
        if let Some(descriptor) = descriptor {
            normalise(&mut value, descriptor, root, &mut faults);
        }
        if !faults.is_empty() {
            return Err(refuse::fields(&faults, self.lang));
        }
        typed(value, root, descriptor).map_err(|fault| refuse::fields(&[fault], self.lang))
    }
}

/// The parameters of a query, already an object of the message, as the message.
pub(super) fn read_query<I: RpcInput>(query: Value, lang: Lang) -> Result<I, Status> {
    typed(query, "", I::descriptor().as_ref()).map_err(|fault| refuse::fields(&[fault], lang))
}

/// The keys of a JSON object, without its values.
pub(super) fn top_level_keys(body: &[u8]) -> Vec<String> {
    let keys: Result<BTreeMap<String, serde::de::IgnoredAny>, _> = serde_json::from_slice(body);
    keys.map(|keys| keys.into_keys().collect()).unwrap_or_default()
}

fn typed<T: DeserializeOwned>(value: Value, root: &str, descriptor: Option<&MessageDescriptor>) -> Result<T, Fault> {
    serde_path_to_error::deserialize(value).map_err(|error| {
        let (field, what) = place(root, error.path(), descriptor);
        Fault::invalid(field, &what)
    })
}

/// Drops legal nulls and names what does not belong: unknown fields, a field
/// under both of its names, two members of one oneof.
fn normalise(value: &mut Value, descriptor: &MessageDescriptor, path: &str, faults: &mut Vec<Fault>) {
    if descriptor.package_name() == "google.protobuf" {
        // These have JSON forms of their own.
        return;
    }
    let Value::Object(object) = value else { return };
    drop_nulls(object, descriptor);
    let mut given: BTreeMap<u32, ()> = BTreeMap::new();
    let mut chosen: BTreeMap<String, String> = BTreeMap::new();
    for (key, value) in object.iter_mut() {
        let Some(field) = field_of(descriptor, key) else {
            faults.push(Fault::unknown(join_field(path, key)));
            continue;
        };
        let place = join_field(path, field.name());
        if given.insert(field.number(), ()).is_some() {
            faults.push(Fault::given_twice(place.clone()));
        }
        if let Some(oneof) = field.containing_oneof().filter(|oneof| !oneof.is_synthetic())
            && let Some(other) = chosen.insert(oneof.name().to_owned(), field.name().to_owned())
        {
            faults.push(Fault::one_of(place.clone(), &other));
        }
        normalise_field(value, &field, &place, faults);
    }
}

/// Null means "not set" for every field, except those that are a JSON null.
fn drop_nulls(object: &mut Map<String, Value>, descriptor: &MessageDescriptor) {
    object.retain(|key, value| {
        let is_droppable = || field_of(descriptor, key).is_some_and(|field| !is_json_value(&field));
        !(value.is_null() && is_droppable())
    });
}

fn is_json_value(field: &FieldDescriptor) -> bool {
    matches!(field.kind(), Kind::Message(message) if message.full_name() == "google.protobuf.Value")
}

fn normalise_field(value: &mut Value, field: &FieldDescriptor, path: &str, faults: &mut Vec<Fault>) {
    let Kind::Message(message) = field.kind() else { return };
    if field.is_map() {
        let (Kind::Message(inner), Value::Object(entries)) = (message.map_entry_value_field().kind(), value) else {
            return;
        };
        for (key, value) in entries {
            normalise(value, &inner, &format!("{path}[{key:?}]"), faults);
        }
    } else if field.is_list() {
        let Value::Array(elements) = value else { return };
        for (index, value) in elements.iter_mut().enumerate() {
            normalise(value, &message, &format!("{path}[{index}]"), faults);
        }
    } else {
        normalise(value, &message, path, faults);
    }
}

/// A field by its JSON name or its own.
fn field_of(descriptor: &MessageDescriptor, key: &str) -> Option<FieldDescriptor> {
    descriptor.get_field_by_json_name(key).or_else(|| descriptor.get_field_by_name(key))
}

/// The path of a decode error in the contract's words, and what can be written there.
fn place(root: &str, path: &serde_path_to_error::Path, descriptor: Option<&MessageDescriptor>) -> (String, Words) {
    let mut text = root.to_owned();
    let mut what = descriptor.map_or_else(|| expected::words("another value", "其他值"), expected::of_message);
    let mut last: Option<FieldDescriptor> = None;
    let mut message = descriptor.cloned();
    let mut map_value: Option<Option<MessageDescriptor>> = None;
    for segment in path {
        match segment {
            Segment::Seq { index } => {
                text = format!("{text}[{index}]");
                what = last.as_ref().map_or(what, |field| expected::of_field(field, true));
            }
            Segment::Map { key } | Segment::Enum { variant: key } => {
                if let Some(value) = map_value.take() {
                    text = format!("{text}[{key:?}]");
                    what = last.as_ref().map_or(what, |field| expected::of_field(field, true));
                    message = value;
                    continue;
                }
                let field = message.as_ref().and_then(|message| field_of(message, key));
                text = join_field(&text, field.as_ref().map_or(key.as_str(), FieldDescriptor::name));
                what = field.as_ref().map_or(what, |field| expected::of_field(field, false));
                last.clone_from(&field);
                message = field.as_ref().and_then(|field| match field.kind() {
                    Kind::Message(inner) => Some(inner),
                    _ => None,
                });
                if let (Some(field), Some(entry)) = (field.filter(FieldDescriptor::is_map), message.clone()) {
                    map_value = Some(match entry.map_entry_value_field().kind() {
                        Kind::Message(inner) => Some(inner),
                        _ => None,
                    });
                    let _ = field;
                }
            }
            Segment::Unknown => {}
        }
    }
    (text, what)
}
