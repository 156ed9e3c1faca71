//! What a column of a CSV file holds.

use std::collections::BTreeSet;

use prost_reflect::{FieldDescriptor, Kind, MessageDescriptor};
use tonic::Status;

use super::BYTE_ORDER_MARK;
use crate::{
    Lang,
    gateway::refuse::{self, Fault},
    merge::join,
};

/// Messages within messages are followed this deep; what lies deeper is JSON text.
const MOST_LEVELS: usize = 6;
/// Elements of a list that may have columns of their own.
const MOST_ELEMENTS: usize = 100;

/// A column.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::gateway) struct Column {
    /// Its name in the header.
    pub(super) name: String,
    /// The way from the message to the value.
    pub(super) steps: Vec<Step>,
    /// How the value is written.
    pub(super) form: Form,
    /// What an absent value stands for, where proto3 JSON leaves it out.
    pub(super) default: &'static str,
}

impl Column {
    /// Its name in the header.
    pub(in crate::gateway) fn name(&self) -> &str {
        &self.name
    }
}

/// One step of the way to a value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Step {
    Key(String),
    Index(usize),
}

/// How a value is written in a cell.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Form {
    /// Text, a word of an enum, an instant.
    Text,
    Number,
    Bool,
    Date,
    Decimal,
    /// The amount of a `google.type.Money`; its currency is a column of text.
    Money,
    Json,
}

/// The columns that a header names.
pub(super) fn columns(header: &[String], row: &MessageDescriptor, lang: Lang) -> Result<Vec<Column>, Status> {
    let (mut columns, mut faults, mut names) = (Vec::with_capacity(header.len()), Vec::new(), BTreeSet::new());
    for (index, cell) in header.iter().enumerate() {
        let cell = if index == 0 { cell.trim_start_matches(BYTE_ORDER_MARK) } else { cell };
        let name = cell.trim();
        match column(name, row) {
            Some(column) if names.insert(column.steps_text()) => columns.push(column),
            Some(_) => faults.push(Fault::given_twice(name.to_owned())),
            None => faults.push(Fault::unknown(name.to_owned())),
        }
    }
    if faults.is_empty() { Ok(columns) } else { Err(refuse::fields(&faults, lang)) }
}

impl Column {
    /// Two spellings of one field have the same.
    fn steps_text(&self) -> String {
        format!("{:?} {:?}", self.steps, self.form)
    }
}

/// The column of a name, by JSON names or the contract's own.
fn column(name: &str, row: &MessageDescriptor) -> Option<Column> {
    let mut message = Some(row.clone());
    let mut steps = Vec::new();
    let mut form = None;
    for part in name.split('.') {
        let (key, index) = match part.split_once('[') {
            Some((key, rest)) => (key, Some(rest.strip_suffix(']')?.parse::<usize>().ok()?)),
            None => (part, None),
        };
        let within = message.take()?;
        let field = within.get_field_by_json_name(key).or_else(|| within.get_field_by_name(key))?;
        if steps.len() >= 2 * MOST_LEVELS || index.is_some_and(|index| index >= MOST_ELEMENTS || !field.is_list()) {
            return None;
        }
        steps.push(Step::Key(field.json_name().to_owned()));
        steps.extend(index.map(Step::Index));
        let is_whole_list = field.is_map() || (field.is_list() && index.is_none());
        form = Some(if is_whole_list { Form::Json } else { form_of(&field) });
        if !is_whole_list && let Kind::Message(inner) = field.kind() {
            message = Some(inner);
        }
    }
    Some(Column { name: name.to_owned(), steps, form: form?, default: "" })
}

/// The form of one value of a field.
fn form_of(field: &FieldDescriptor) -> Form {
    match field.kind() {
        Kind::Bool => Form::Bool,
        Kind::String | Kind::Bytes | Kind::Enum(_) => Form::Text,
        Kind::Message(message) => match message.full_name() {
            "google.type.Date" => Form::Date,
            "google.type.Decimal" => Form::Decimal,
            "google.type.Money" => Form::Money,
            "google.protobuf.Timestamp" | "google.protobuf.Duration" | "google.protobuf.FieldMask" => Form::Text,
            _ => Form::Json,
        },
        Kind::Double
        | Kind::Float
        | Kind::Int32
        | Kind::Int64
        | Kind::Uint32
        | Kind::Uint64
        | Kind::Sint32
        | Kind::Sint64
        | Kind::Fixed32
        | Kind::Fixed64
        | Kind::Sfixed32
        | Kind::Sfixed64 => Form::Number,
    }
}

/// The columns of a message: every field, those of messages within by a dotted name, lists whole. `is_hidden`
/// tells fields that some readers don't see: absent then says nothing of the value.
pub(in crate::gateway) fn columns_of(
    message: &MessageDescriptor,
    is_hidden: &dyn Fn(&FieldDescriptor) -> bool,
) -> Vec<Column> {
    let mut columns = Vec::new();
    let level = Level { name: String::new(), steps: Vec::new(), within: vec![message.full_name().to_owned()] };
    add(message, &level, is_hidden, &mut columns);
    columns
}

/// Where columns are being listed.
struct Level {
    name: String,
    steps: Vec<Step>,
    /// Messages on the way here: one that holds itself is not followed.
    within: Vec<String>,
}

fn add(
    message: &MessageDescriptor,
    level: &Level,
    is_hidden: &dyn Fn(&FieldDescriptor) -> bool,
    columns: &mut Vec<Column>,
) {
    for field in message.fields() {
        let name = join(&level.name, field.json_name());
        let mut steps = level.steps.clone();
        steps.push(Step::Key(field.json_name().to_owned()));
        let form = if field.is_list() || field.is_map() { Form::Json } else { form_of(&field) };
        match (form, field.kind()) {
            (Form::Json, Kind::Message(inner))
                if !field.is_list()
                    && !field.is_map()
                    && inner.package_name() != "google.protobuf"
                    && level.within.len() < MOST_LEVELS
                    && !level.within.iter().any(|outer| outer == inner.full_name()) =>
            {
                let within = [level.within.clone(), vec![inner.full_name().to_owned()]].concat();
                add(&inner, &Level { name, steps, within }, is_hidden, columns);
            }
            (form, _) => {
                let is_plain = !field.supports_presence() && !is_hidden(&field);
                let default = match form {
                    Form::Bool if is_plain => "false",
                    Form::Number if is_plain => "0",
                    Form::Bool | Form::Number | Form::Text | Form::Date | Form::Decimal | Form::Money | Form::Json => {
                        ""
                    }
                };
                columns.push(Column { name: name.clone(), steps: steps.clone(), form, default });
                if form == Form::Money {
                    steps.push(Step::Key("currencyCode".to_owned()));
                    let name = format!("{name}.currencyCode");
                    columns.push(Column { name, steps, form: Form::Text, default: "" });
                }
            }
        }
    }
}
