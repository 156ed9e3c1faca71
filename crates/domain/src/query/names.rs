//! The two spellings of a field's name: `create_time`, as the contract writes it, and `createTime`, as JSON does. Both are
//! the same field wherever a caller names one: in filters, in orders, and in what a page token is bound to.

use std::borrow::Cow;

use crate::catalog::Field;

/// A name as the contract spells it: JSON's capital letters become an underscore and a small letter. Any other name
/// stays as it is written, so that a refusal names what the caller wrote.
pub fn proto_name(name: &str) -> Cow<'_, str> {
    let begins_small = name.starts_with(|c: char| c.is_ascii_lowercase());
    let is_json = begins_small && !name.contains('_') && name.contains(|c: char| c.is_ascii_uppercase());
    if !is_json {
        return Cow::Borrowed(name);
    }
    let mut spelled = String::with_capacity(name.len() + 4);
    for c in name.chars() {
        if c.is_ascii_uppercase() {
            spelled.push('_');
        }
        spelled.push(c.to_ascii_lowercase());
    }
    Cow::Owned(spelled)
}

/// The field that a caller means, among those that are offered.
pub(super) fn field<'f>(name: &str, offered: impl IntoIterator<Item = &'f Field>) -> Option<Field> {
    let name = proto_name(name);
    offered.into_iter().find(|field| field.name == name).copied()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_truth_table_of_spellings() {
        for (written, name) in [
            ("create_time", "create_time"),
            ("createTime", "create_time"),
            ("vin", "vin"),
            ("repairCompletionDate", "repair_completion_date"),
            ("claim.createTime", "claim.create_time"),
            // Neither spelling: none of these comes to mean a field.
            ("CreateTime", "CreateTime"),
            ("create_Time", "create_Time"),
            ("VIN", "VIN"),
            ("Vin", "Vin"),
            ("_vin", "_vin"),
            ("créeTime", "crée_time"),
            ("", ""),
        ] {
            assert_eq!(proto_name(written), name, "{written}");
        }
    }
}
