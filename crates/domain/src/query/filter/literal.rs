//! What the text on the right of a comparison means to its field.

use chrono::{DateTime, NaiveDate, Utc};
use uuid::Uuid;

use super::refused;
use crate::catalog::{ColumnValue, Field, FieldKind};
use crate::spelling::Spelling;
use crate::text::Violation;

/// The value of a text for a field, or why it is none.
pub(super) fn typed(field: Field, text: &str) -> Result<ColumnValue, Violation> {
    let bad = |en: &str, zh: &str| Err(refused(format!("{}: {en}", field.name), format!("{}：{zh}", field.name)));
    match field.kind {
        FieldKind::Text | FieldKind::Spelled(_) | FieldKind::SmallLetters => {
            Ok(ColumnValue::Text(Some(kept(field.kind, text))))
        }
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

/// A text in the form in which the columns of its kind hold it, as the field itself would have been read.
fn kept(kind: FieldKind, text: &str) -> String {
    let in_form =
        |spelling: Spelling, text: &str| spelling.respell(text).map_or_else(|| text.to_owned(), |(in_form, _)| in_form);
    match kind {
        FieldKind::Spelled(Spelling::Named(collection)) => {
            let name = in_form(Spelling::Named(collection), text);
            without(collection, &name).unwrap_or(&name).to_owned()
        }
        FieldKind::Spelled(Spelling::Vin) => in_form(Spelling::Vin, without("vehicles", text).unwrap_or(text)),
        FieldKind::Spelled(spelling) => in_form(spelling, text),
        FieldKind::SmallLetters => text.trim().to_lowercase(),
        FieldKind::Text
        | FieldKind::Integer
        | FieldKind::Bool
        | FieldKind::Date
        | FieldKind::Time
        | FieldKind::Uuid => text.to_owned(),
    }
}

/// The beginnings that `text*` may mean. That of a VIN is no VIN yet: it is searched for in capitals, and as it was
/// written too, for what is no VIN stands on a claim as it was written.
pub(super) fn beginnings(kind: FieldKind, text: &str) -> Vec<String> {
    if kind != FieldKind::VIN {
        return vec![kept(kind, text)];
    }
    let written = without("vehicles", text).unwrap_or(text);
    let capitals = kept(FieldKind::CODE, written);
    if capitals == written { vec![capitals] } else { vec![capitals, written.to_owned()] }
}

/// The code in a public name of a collection.
fn without<'t>(collection: &str, name: &'t str) -> Option<&'t str> {
    name.strip_prefix(collection)?.strip_prefix('/')
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What a literal is compared as, by the kind of its field; what is in its form already, or beyond it, stays as it
    /// is written.
    #[test]
    fn the_truth_table_of_literals() {
        let parts = FieldKind::code_of("parts");
        let table = [
            (FieldKind::VIN, "lsvaa4187s2184841", "LSVAA4187S2184841"),
            (FieldKind::VIN, "ＬＳＶＡＡ４１８７Ｓ２１８４８４１", "LSVAA4187S2184841"),
            (FieldKind::VIN, " LSV AA4187 S2184841 ", "LSVAA4187S2184841"),
            (FieldKind::VIN, "vehicles/lsvaa4187s2184841", "LSVAA4187S2184841"),
            (FieldKind::VIN, "LSVAA4187S2184841", "LSVAA4187S2184841"),
            (FieldKind::VIN, "as on the plate", "as on the plate"),
            (FieldKind::CODE, "p0230", "P0230"),
            (FieldKind::CODE, "ｒｅａｒ", "REAR"),
            (FieldKind::CODE, "S–001", "S-001"),
            (FieldKind::CODE, "C-2611-8F3K2M7Q", "C-2611-8F3K2M7Q"),
            (FieldKind::CODE, "c-2611-8f3k2m7q", "C-2611-8F3K2M7Q"),
            (parts, "p-100", "P-100"),
            (parts, "parts/p-100", "P-100"),
            (parts, "Parts/P-100", "P-100"),
            (parts, "ｐａｒｔｓ／Ｐ−１００", "P-100"),
            (parts, "parts/P-100", "P-100"),
            (parts, "stations/P-100", "stations/P-100"),
            (FieldKind::NUMBER, " ＲＯ－１ａ ", "RO-1a"),
            (FieldKind::NUMBER, "ro 1–a", "ro 1–a"),
            (FieldKind::SmallLetters, " Wang.Fang ", "wang.fang"),
            (FieldKind::SmallLetters, "ABCDEF", "abcdef"),
            (FieldKind::Text, " As Written ", " As Written "),
            (FieldKind::Text, "approved", "approved"),
        ];
        for (kind, written, compared) in table {
            let field = Field { name: "f", column: "f", kind, sortable: false, prefix: false };
            let expected = Ok(ColumnValue::Text(Some(compared.to_owned())));
            assert_eq!(typed(field, written), expected, "{kind:?} {written:?}");
            assert_eq!(typed(field, compared), expected, "{compared:?} is its own form");
        }
    }

    #[test]
    fn the_truth_table_of_beginnings() {
        let table: [(FieldKind, &str, &[&str]); 7] = [
            (FieldKind::VIN, "LSV", &["LSV"]),
            (FieldKind::VIN, "lsv", &["LSV", "lsv"]),
            (FieldKind::VIN, "vehicles/LSV", &["LSV"]),
            (FieldKind::code_of("parts"), "parts/p-1", &["P-1"]),
            (FieldKind::code_of("parts"), "", &[""]),
            (FieldKind::NUMBER, "ＲＯ", &["RO"]),
            (FieldKind::Text, "Ab", &["Ab"]),
        ];
        for (kind, written, searched) in table {
            assert_eq!(beginnings(kind, written), searched, "{kind:?} {written:?}");
        }
    }
}
