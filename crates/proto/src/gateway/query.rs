//! Query parameters into a JSON object of the request message, which the typed
//! reader then takes. The table of parameters is made once per route.

use std::{borrow::Cow, collections::HashMap};

use prost_reflect::{FieldDescriptor, Kind, MessageDescriptor};
use serde_json::{Map, Value};
use tonic::Status;

use super::json::expected::words;
use super::refuse::{self, Fault};
use crate::{Lang, merge::join};

/// Parameters of parameters are followed this deep: `created.range.start`.
const MOST_LEVELS: usize = 4;

/// The parameters that one route takes, by each of their names.
#[derive(Default)]
pub(crate) struct QueryTable {
    parameters: HashMap<String, Parameter>,
}

#[derive(Clone)]
struct Parameter {
    /// The JSON names from the message to the field.
    keys: Vec<String>,
    /// The path in the contract's words.
    path: String,
    form: Form,
    is_list: bool,
}

/// How the text of a parameter is written in JSON.
#[derive(Clone, Copy)]
enum Form {
    /// Numbers, names, times: the typed reader parses strings.
    Text,
    Bool,
    /// A name, or the number of an unknown value.
    Enum,
}

impl QueryTable {
    /// The parameters of a message without those that the path or body binds.
    pub(crate) fn of(message: &MessageDescriptor, body: &str, bound: &[&str]) -> Self {
        let mut table = Self::default();
        if body != "*" {
            table.add(
                message,
                &Level { body, bound, spellings: vec![String::new()], keys: Vec::new(), path: String::new() },
            );
        }
        table
    }

    fn add(&mut self, message: &MessageDescriptor, level: &Level<'_>) {
        for field in message.fields() {
            let path = join(&level.path, field.name());
            if field.is_map() || level.bound.contains(&path.as_str()) || path == level.body {
                continue;
            }
            let names = [field.json_name(), field.name()];
            let mut spellings: Vec<_> =
                level.spellings.iter().flat_map(|before| names.map(|name| join(before, name))).collect();
            spellings.dedup();
            let mut keys = level.keys.clone();
            keys.push(field.json_name().to_owned());
            match (form(&field), field.kind()) {
                (Some(form), _) => {
                    let parameter = Parameter { keys, path, form, is_list: field.is_list() };
                    self.parameters.extend(spellings.into_iter().map(|name| (name, parameter.clone())));
                }
                (None, Kind::Message(inner)) if !field.is_list() && keys.len() < MOST_LEVELS => {
                    self.add(&inner, &Level { spellings, keys, path, ..*level });
                }
                _ => {}
            }
        }
    }

    /// The parameters as an object, `None` if there are none.
    pub(crate) fn bind(&self, query: &str, lang: Lang) -> Result<Option<Value>, Status> {
        if query.is_empty() {
            return Ok(None);
        }
        let (mut object, mut faults) = (Map::new(), Vec::new());
        for (name, text) in form_urlencoded::parse(query.as_bytes()) {
            match self.parameters.get(name.as_ref()) {
                Some(parameter) => faults.extend(parameter.put(&mut object, text).err()),
                None => faults.push(Fault::unknown(name.into_owned())),
            }
        }
        if faults.is_empty() { Ok(Some(Value::Object(object))) } else { Err(refuse::fields(&faults, lang)) }
    }
}

/// Where the table is being made.
#[derive(Clone)]
struct Level<'a> {
    body: &'a str,
    bound: &'a [&'a str],
    /// Every way to write the path so far.
    spellings: Vec<String>,
    keys: Vec<String>,
    path: String,
}

impl Parameter {
    fn put(&self, object: &mut Map<String, Value>, text: Cow<'_, str>) -> Result<(), Fault> {
        let value = self.value(text)?;
        let (last, parents) = self.keys.split_last().ok_or_else(|| Fault::unknown(self.path.clone()))?;
        let mut place = object;
        for key in parents {
            let inner = place.entry(key.clone()).or_insert_with(|| Value::Object(Map::new()));
            place = inner.as_object_mut().ok_or_else(|| Fault::given_twice(self.path.clone()))?;
        }
        match place.get_mut(last) {
            None if self.is_list => {
                place.insert(last.clone(), Value::Array(vec![value]));
            }
            None => {
                place.insert(last.clone(), value);
            }
            Some(Value::Array(elements)) => elements.push(value),
            Some(_) => return Err(Fault::given_twice(self.path.clone())),
        }
        Ok(())
    }

    fn value(&self, text: Cow<'_, str>) -> Result<Value, Fault> {
        match self.form {
            Form::Bool => match text.as_ref() {
                "true" => Ok(Value::Bool(true)),
                "false" => Ok(Value::Bool(false)),
                _ => Err(Fault::invalid(self.path.clone(), &words("true or false", "true 或 false"))),
            },
            Form::Enum => Ok(text.parse::<i32>().map_or_else(|_| Value::String(text.into_owned()), Value::from)),
            Form::Text => Ok(Value::String(text.into_owned())),
        }
    }
}

/// The form of a field that fits into one parameter.
fn form(field: &FieldDescriptor) -> Option<Form> {
    match field.kind() {
        Kind::Bool => Some(Form::Bool),
        Kind::Enum(_) => Some(Form::Enum),
        Kind::Message(message) => match message.full_name() {
            "google.protobuf.Timestamp" | "google.protobuf.Duration" | "google.protobuf.FieldMask" => Some(Form::Text),
            _ => None,
        },
        _ => Some(Form::Text),
    }
}
