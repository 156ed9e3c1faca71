//! Canonical JSON (RFC 8785) and hashes over it: what is signed must be the same text for everybody.

use serde_json::Value;
use sha2::{Digest, Sha256};

/// The canonical text of a value: members sorted, no blanks. The values that are signed here have texts, whole
/// numbers, truth values and nothing; a number with decimals never comes up, for amounts are whole.
pub fn canonical_json(value: &Value) -> String {
    let mut text = String::new();
    write(value, &mut text);
    text
}

fn write(value: &Value, text: &mut String) {
    match value {
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => text.push_str(&value.to_string()),
        Value::Array(items) => {
            text.push('[');
            for (index, item) in items.iter().enumerate() {
                if index > 0 {
                    text.push(',');
                }
                write(item, text);
            }
            text.push(']');
        }
        Value::Object(members) => {
            let mut names: Vec<&String> = members.keys().collect();
            // By UTF-16 units, as the standard wants it.
            names.sort_by(|one, other| one.encode_utf16().cmp(other.encode_utf16()));
            text.push('{');
            for (index, name) in names.into_iter().enumerate() {
                if index > 0 {
                    text.push(',');
                }
                text.push_str(&Value::String(name.clone()).to_string());
                text.push(':');
                write(members.get(name).unwrap_or(&Value::Null), text);
            }
            text.push('}');
        }
    }
}

/// SHA-256 of a text, in hexadecimal.
pub fn sha256_hex(text: &str) -> String {
    Sha256::digest(text.as_bytes()).iter().map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn members_are_sorted_and_texts_escaped_as_the_standard_says() {
        let value = json!({"b": [1, true, null], "a": {"é": "\u{8}\n\"\\", "z": "泵"}});
        assert_eq!(canonical_json(&value), "{\"a\":{\"z\":\"泵\",\"é\":\"\\b\\n\\\"\\\\\"},\"b\":[1,true,null]}");
    }

    #[test]
    fn a_known_hash() {
        assert_eq!(sha256_hex("abc"), "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
    }
}
