//! Google's types, as they are in JSON and as `Validate` takes them.

use serde_json::{Value, json};

/// The name of a type that is a component of its own, so that a generated client has one class for all amounts, not
/// one for each field that is an amount. No language has a class of these names already.
pub(super) fn component(full_name: &str) -> Option<&'static str> {
    Some(match full_name {
        "google.type.Date" => "CalendarDate",
        "google.type.Decimal" => "DecimalNumber",
        "google.type.Money" => "Money",
        "google.rpc.Status" => "Status",
        _ => return None,
    })
}

/// The schema of a type that is not described by its own fields.
pub(super) fn schema(full_name: &str) -> Option<Value> {
    Some(match full_name {
        "google.protobuf.Timestamp" => {
            json!({"type": "string", "format": "date-time", "examples": ["2026-01-31T08:00:00Z"]})
        }
        "google.protobuf.Duration" => {
            json!({"type": "string", "pattern": r"^-?[0-9]{1,12}(\.[0-9]{1,9})?s$", "examples": ["3.5s"]})
        }
        "google.protobuf.FieldMask" => json!({"type": "string", "examples": ["odometerKm,complaint"]}),
        "google.protobuf.Empty" => json!({"type": "object", "additionalProperties": false}),
        "google.protobuf.Struct" => json!({"type": "object", "additionalProperties": true}),
        "google.protobuf.Value" => json!({"description": "Any JSON value."}),
        "google.protobuf.ListValue" => json!({"type": "array", "items": {}}),
        "google.protobuf.Any" => {
            json!({"type": "object", "required": ["@type"], "properties": {"@type": {"type": "string"}}})
        }
        "google.type.Date" => json!({
            "type": "object", "description": "A day of the calendar (`google.type.Date`).", "required": ["year", "month", "day"], "additionalProperties": false,
            "properties": {
                "year": {"type": "integer", "minimum": 1, "maximum": 9999},
                "month": {"type": "integer", "minimum": 1, "maximum": 12},
                "day": {"type": "integer", "minimum": 1, "maximum": 31},
            },
            "examples": [{"year": 2026, "month": 1, "day": 31}],
        }),
        "google.type.Decimal" => json!({
            "type": "object", "description": "A number in plain digits, exact (`google.type.Decimal`).", "required": ["value"], "additionalProperties": false,
            "properties": {"value": {"type": "string", "pattern": r"^-?[0-9]{1,15}(\.[0-9]{1,6})?$"}},
            "examples": [{"value": "1.5"}],
        }),
        "google.type.Money" => json!({
            "type": "object", "description": "An amount: whole units, and billionths of one (`google.type.Money`).", "required": ["currencyCode"], "additionalProperties": false,
            "properties": {
                "currencyCode": {"type": "string", "pattern": "^[A-Z]{3}$"},
                "units": {"type": "string", "format": "int64", "pattern": "^-?[0-9]{1,19}$"},
                "nanos": {"type": "integer", "minimum": -999_999_999, "maximum": 999_999_999},
            },
            "examples": [{"currencyCode": "CNY", "units": "120", "nanos": 500_000_000}],
        }),
        "google.rpc.Status" => json!({
            "type": "object", "description": "Why one of many failed.", "additionalProperties": false,
            "properties": {
                "code": {"type": "integer", "format": "int32"},
                "message": {"type": "string"},
                "details": {"type": "array", "items": {"type": "object", "additionalProperties": true}},
            },
        }),
        _ => return None,
    })
}
