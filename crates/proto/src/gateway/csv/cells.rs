//! Cells ⇄ JSON.

use serde_json::{Map, Value, json};

use super::columns::{Column, Form, Step};

/// A row as JSON of the message. What can't be read is left for the reader of messages to find and to name.
pub(super) fn to_json(columns: &[Column], cells: &[String]) -> Vec<u8> {
    let mut row = Value::Object(Map::new());
    for (column, cell) in columns.iter().zip(cells) {
        if !cell.is_empty() {
            put(&mut row, &column.steps, value(column.form, cell));
        }
    }
    for (index, cell) in cells.iter().enumerate().skip(columns.len()) {
        if !cell.is_empty() {
            // No field has such a name: the row is refused with it.
            row[format!("column {}", index + 1)] = json!(cell);
        }
    }
    if columns.iter().any(|column| column.steps.iter().any(|step| matches!(step, Step::Index(_)))) {
        drop_gaps(&mut row);
    }
    // Text and numbers can always be written.
    serde_json::to_vec(&row).unwrap_or_default()
}

fn value(form: Form, cell: &str) -> Value {
    match form {
        Form::Text => json!(without_guard(cell)),
        Form::Number => json!(cell.trim()),
        Form::Bool => match cell.trim().to_ascii_lowercase().as_str() {
            "true" => json!(true),
            "false" => json!(false),
            _ => json!(cell),
        },
        Form::Date => date(cell.trim()).unwrap_or_else(|| json!(cell)),
        Form::Decimal => json!({"value": cell.trim()}),
        Form::Money => money(cell.trim()),
        Form::Json => serde_json::from_str(cell).unwrap_or_else(|_| json!(cell)),
    }
}

fn date(text: &str) -> Option<Value> {
    let mut parts = text.splitn(3, '-').map(|part| part.parse::<u16>().ok());
    let (year, month, day) = (parts.next()??, parts.next()??, parts.next()??);
    Some(json!({"year": year, "month": month, "day": day}))
}

/// `-12.5` as units and nanos.
fn money(text: &str) -> Value {
    let (whole, fraction) = text.split_once('.').unwrap_or((text, ""));
    let is_digits = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
    let sign = if whole.starts_with('-') { "-" } else { "" };
    let digits = whole.strip_prefix('-').unwrap_or(whole);
    if digits.is_empty() || !is_digits(digits) || !is_digits(fraction) || fraction.len() > 9 {
        // No number: the reader says so of the units.
        return json!({"units": text});
    }
    let nanos = format!("{sign}{fraction:0<9}").parse::<i64>().unwrap_or_default();
    json!({"units": format!("{sign}{digits}"), "nanos": nanos})
}

/// Puts a value where the steps lead. An amount and its currency meet in one object.
fn put(place: &mut Value, steps: &[Step], value: Value) {
    let Some((step, rest)) = steps.split_first() else {
        match (place, value) {
            (Value::Object(there), Value::Object(new)) => there.extend(new),
            (place, value) => *place = value,
        }
        return;
    };
    match step {
        Step::Key(key) => {
            if !place.is_object() {
                *place = Value::Object(Map::new());
            }
            put(&mut place[key.as_str()], rest, value);
        }
        Step::Index(index) => {
            if !place.is_array() {
                *place = Value::Array(Vec::new());
            }
            if let Value::Array(elements) = place {
                if elements.len() <= *index {
                    elements.resize(index + 1, Value::Null);
                }
                put(&mut elements[*index], rest, value);
            }
        }
    }
}

/// Elements none of whose cells is filled are not there.
fn drop_gaps(value: &mut Value) {
    match value {
        Value::Array(elements) => {
            elements.retain(|element| !element.is_null());
            elements.iter_mut().for_each(drop_gaps);
        }
        Value::Object(fields) => fields.values_mut().for_each(drop_gaps),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}

/// The first characters by which a spreadsheet knows a formula, and the one that guards against that.
const GUARDED: [char; 7] = ['=', '+', '-', '@', '\t', '\r', '\''];

fn without_guard(cell: &str) -> &str {
    cell.strip_prefix('\'').filter(|text| text.starts_with(GUARDED)).unwrap_or(cell)
}

fn guarded(text: &str) -> String {
    if text.starts_with(GUARDED) { format!("'{text}") } else { text.to_owned() }
}

impl Column {
    /// The cell of a message.
    pub(in crate::gateway) fn cell(&self, message: &Value) -> String {
        let (last, parents) = match self.steps.split_last() {
            Some((Step::Key(last), parents)) => (last, parents),
            Some((Step::Index(_), _)) | None => return String::new(),
        };
        let mut place = message;
        for step in parents {
            let next = match step {
                Step::Key(key) => place.get(key),
                Step::Index(index) => place.get(index),
            };
            // What stands in a message that is absent has no default either.
            let Some(next) = next else { return String::new() };
            place = next;
        }
        place.get(last).map_or_else(|| self.default.to_owned(), |value| text(self.form, value))
    }
}

fn text(form: Form, value: &Value) -> String {
    match (form, value) {
        (Form::Text, Value::String(text)) => guarded(text),
        // Numbers stay numbers, also those below zero.
        (Form::Number, Value::String(number)) => number.clone(),
        (Form::Date, Value::Object(date)) => {
            let part = |name: &str| date.get(name).and_then(Value::as_u64).unwrap_or_default();
            format!("{:04}-{:02}-{:02}", part("year"), part("month"), part("day"))
        }
        (Form::Decimal, Value::Object(decimal)) => number_or_text(decimal.get("value")),
        (Form::Money, Value::Object(money)) => amount(money),
        (_, Value::Null) => String::new(),
        (_, other) => guarded(&other.to_string()),
    }
}

fn number_or_text(value: Option<&Value>) -> String {
    let text = value.and_then(Value::as_str).unwrap_or_default();
    let digits = text.strip_prefix('-').unwrap_or(text);
    if digits.bytes().all(|byte| byte.is_ascii_digit() || byte == b'.') { text.to_owned() } else { guarded(text) }
}

/// Units and nanos as plain digits, without zeros at the end.
fn amount(money: &Map<String, Value>) -> String {
    let units = money.get("units").and_then(Value::as_str).unwrap_or("0");
    let nanos = money.get("nanos").and_then(Value::as_i64).unwrap_or_default();
    let sign = if nanos < 0 && !units.starts_with('-') { "-" } else { "" };
    let fraction = format!("{:09}", nanos.unsigned_abs());
    let fraction = fraction.trim_end_matches('0');
    let point = if fraction.is_empty() { "" } else { "." };
    format!("{sign}{units}{point}{fraction}")
}
