//! The order of lists: `order_by` behind an allow-list.

use std::borrow::Cow;

use super::names;
use crate::catalog::{Field, FieldKind};
use crate::text::Violation;

/// An order over one column; the row's key tells equal values apart.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Order {
    /// The column.
    pub column: &'static str,
    /// What it holds.
    pub kind: FieldKind,
    /// Largest first.
    pub descending: bool,
}

impl Order {
    /// By code, as people look things up.
    pub fn by_code() -> Self {
        Self { column: "code", kind: FieldKind::Text, descending: false }
    }

    /// The newest first.
    pub fn newest_first() -> Self {
        Self { column: "create_time", kind: FieldKind::Time, descending: true }
    }

    /// By a number of its own, the smallest first.
    pub fn by_number() -> Self {
        Self { column: "number", kind: FieldKind::Integer, descending: false }
    }

    /// By a column, ascending.
    pub fn by(column: &'static str, kind: FieldKind) -> Self {
        Self { column, kind, descending: false }
    }
}

/// The same order with its field named as the contract names it: what a page token is bound to.
pub fn in_proto_names(text: &str) -> Cow<'_, str> {
    // Its other words, asc and desc, are the same in both spellings.
    let name = text.split_whitespace().next().unwrap_or_default();
    match names::proto_name(name) {
        Cow::Owned(spelled) => Cow::Owned(text.replacen(name, &spelled, 1)),
        Cow::Borrowed(_) => Cow::Borrowed(text),
    }
}

/// Reads `field`, `field asc` or `field desc`, for a field that the method sorts by.
pub fn parse(text: &str, fields: &[Field]) -> Result<Order, Violation> {
    let mut words = text.split_whitespace();
    let (name, direction, more) = (words.next(), words.next(), words.next());
    let refused = |en: String, zh: String| Err(Violation::new("order_by", "BAD_ORDER", en, zh));
    let sortable: Vec<&str> = fields.iter().filter(|field| field.sortable).map(|field| field.name).collect();
    if sortable.is_empty() {
        return refused(
            "this list has one order; leave order_by out".to_owned(),
            "此列表只有一种顺序，请勿填写 order_by".to_owned(),
        );
    }
    let offered = sortable.join(", ");
    if more.is_some() || text.contains(',') {
        return refused(
            format!("order_by takes one field, with asc or desc behind it; the fields are {offered}"),
            format!("order_by 仅接受一个字段（可加 asc 或 desc）；可用字段：{offered}"),
        );
    }
    let found = name.and_then(|name| names::field(name, fields.iter().filter(|field| field.sortable)));
    let Some(field) = found else {
        return refused(
            format!("this list is not sorted by {}; the fields are {offered}", name.unwrap_or_default()),
            format!("此列表不能按 {} 排序；可用字段：{offered}", name.unwrap_or_default()),
        );
    };
    let descending = match direction {
        None | Some("asc") => false,
        Some("desc") => true,
        Some(other) => {
            return refused(format!("{other} is neither asc nor desc"), format!("{other} 既不是 asc 也不是 desc"));
        }
    };
    Ok(Order { column: field.column, kind: field.kind, descending })
}

#[cfg(test)]
mod tests {
    use super::*;

    const FIELDS: &[Field] = &[
        Field { name: "create_time", column: "create_time", kind: FieldKind::Time, sortable: true, prefix: false },
        Field { name: "region", column: "region", kind: FieldKind::Text, sortable: false, prefix: false },
    ];

    #[test]
    fn only_fields_of_the_allow_list_sort() {
        assert_eq!(parse("create_time desc", FIELDS).map(|order| order.descending), Ok(true));
        assert_eq!(parse(" create_time ", FIELDS).map(|order| order.descending), Ok(false));
        assert_eq!(parse("createTime desc", FIELDS), parse("create_time desc", FIELDS));
        assert_eq!(in_proto_names(" createTime  desc"), " create_time  desc");
        assert_eq!(in_proto_names("create_time desc"), "create_time desc");
        for bad in ["region", "secret", "create_time up", "create_time, region", "create_time desc x", ""] {
            assert!(parse(bad, FIELDS).is_err(), "{bad}");
        }
        let refused = parse("create_time", &FIELDS[1..]).expect_err("nothing sorts");
        assert!(refused.text.en.contains("one order"), "{refused:?}");
    }
}
