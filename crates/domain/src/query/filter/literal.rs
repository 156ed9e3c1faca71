//! What the text on the right of a comparison means to its field.

use chrono::{DateTime, NaiveDate, Utc};
use uuid::Uuid;

use super::refused;
use crate::catalog::{ColumnValue, Field, FieldKind};
use crate::text::Violation;

/// The value of a text for a field, or why it is none.
pub(super) fn typed(field: Field, text: &str) -> Result<ColumnValue, Violation> {
    let bad = |en: &str, zh: &str| Err(refused(format!("{}: {en}", field.name), format!("{}：{zh}", field.name)));
    match field.kind {
        FieldKind::Text => Ok(ColumnValue::Text(Some(text.to_owned()))),
        FieldKind::Integer => match text.parse() {
            Ok(number) => Ok(ColumnValue::Integer(Some(number))),
            Err(_) => bad("a whole number is needed", "须为整数"),
        },
        FieldKind::Bool => match text {
            "true" => Ok(ColumnValue::Bool(Some(true))),
            "false" => Ok(ColumnValue::Bool(Some(false))),
            _ => bad("true or false is needed", "须为 true 或 false"),
        },
        FieldKind::Date => match NaiveDate::parse_from_str(text, "%Y-%m-%d") {
            Ok(date) => Ok(ColumnValue::Date(Some(date))),
            Err(_) => bad("a date like 2026-01-31 is needed", "须为 2026-01-31 形式的日期"),
        },
        FieldKind::Time => match DateTime::parse_from_rfc3339(text) {
            Ok(instant) => Ok(ColumnValue::Time(Some(instant.with_timezone(&Utc)))),
            Err(_) => bad("an instant like 2026-01-31T12:00:00Z is needed", "须为 2026-01-31T12:00:00Z 形式的时间"),
        },
        FieldKind::Uuid => match Uuid::parse_str(text.rsplit('/').next().unwrap_or(text)) {
            Ok(id) => Ok(ColumnValue::Uuid(Some(id))),
            Err(_) => bad("a UUID is needed", "须为 UUID"),
        },
    }
}
