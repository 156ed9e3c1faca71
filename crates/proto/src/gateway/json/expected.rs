//! What a field takes, in words, for the refusal of a value that can't be read.

use prost_reflect::{FieldDescriptor, Kind, MessageDescriptor};

/// What can be written at a place, in English and Chinese.
pub(crate) type Words = (String, String);

/// What a field takes; `is_element` for one element of a list or map.
pub(super) fn of_field(field: &FieldDescriptor, is_element: bool) -> Words {
    match (field.is_list(), field.is_map(), is_element) {
        (true, _, false) => words("a list in [ ]", "数组 [ ]"),
        (_, true, false) => words("an object in { }", "对象 { }"),
        (_, true, true) => match field.kind() {
            Kind::Message(entry) => of_kind(&entry.map_entry_value_field().kind()),
            kind => of_kind(&kind),
        },
        (_, false, _) => of_kind(&field.kind()),
    }
}

/// What a message takes: an object, unless it has a JSON form of its own.
pub(super) fn of_message(message: &MessageDescriptor) -> Words {
    match message.full_name() {
        "google.protobuf.Timestamp" => {
            words("an instant such as \"2026-01-31T12:00:00Z\"", "时间，如 \"2026-01-31T12:00:00Z\"")
        }
        "google.protobuf.Duration" => words("a duration such as \"3.5s\"", "时长，如 \"3.5s\""),
        "google.protobuf.FieldMask" => {
            words("names of fields in one text, with commas between them", "以逗号分隔的字段名文本")
        }
        _ => words("an object in { }", "对象 { }"),
    }
}

fn of_kind(kind: &Kind) -> Words {
    match kind {
        Kind::Message(message) => of_message(message),
        Kind::Enum(values) => {
            // The zero means "not said": nobody needs to write it.
            let known: Vec<String> =
                values.values().filter(|value| value.number() != 0).map(|value| value.name().to_owned()).collect();
            let known = known.join(", ");
            (format!("one of {known}"), format!("以下之一：{known}"))
        }
        Kind::Bool => words("true or false", "true 或 false"),
        Kind::String => words("text in quotes", "带引号的文本"),
        Kind::Bytes => words("base64 text in quotes", "带引号的 base64 文本"),
        Kind::Float | Kind::Double => words("a number", "数字"),
        Kind::Int64 | Kind::Sint64 | Kind::Sfixed64 => {
            words("a whole number such as 12 or \"12\"", "整数，如 12 或 \"12\"")
        }
        Kind::Uint64 | Kind::Fixed64 => {
            words("a whole number from 0 such as 12 or \"12\"", "非负整数，如 12 或 \"12\"")
        }
        Kind::Int32 | Kind::Sint32 | Kind::Sfixed32 => (
            format!("a whole number from {} to {}", i32::MIN, i32::MAX),
            format!("{} 至 {} 的整数", i32::MIN, i32::MAX),
        ),
        Kind::Uint32 | Kind::Fixed32 => {
            (format!("a whole number from 0 to {}", u32::MAX), format!("0 至 {} 的整数", u32::MAX))
        }
    }
}

pub(crate) fn words(en: &str, zh_cn: &str) -> Words {
    (en.to_owned(), zh_cn.to_owned())
}
