//! What the filter language says, and what it refuses.

use chrono::{DateTime, NaiveDate};

use super::*;
use crate::catalog::FieldKind;

const FIELDS: &[Field] = &[
    field("state", FieldKind::Text, false),
    field("vin", FieldKind::Text, true),
    field("km", FieldKind::Integer, false),
    field("active", FieldKind::Bool, false),
    field("day", FieldKind::Date, false),
    field("create_time", FieldKind::Time, false),
];

const fn field(name: &'static str, kind: FieldKind, prefix: bool) -> Field {
    Field { name, column: name, kind, sortable: false, prefix }
}

fn eq(column: &'static str, value: &str) -> Expr {
    Expr::Compare { column, op: Op::Eq, value: ColumnValue::Text(Some(value.to_owned())) }
}

#[test]
fn or_binds_tighter_than_and() {
    let expected =
        Expr::And(vec![eq("state", "A"), Expr::Or(vec![eq("state", "B"), eq("state", "C")]), eq("vin", "D")]);
    assert_eq!(parse(r#"state = "A" AND state = B OR state = C AND vin = 'D'"#, FIELDS), Ok(expected));
}

#[test]
fn a_field_has_two_spellings_and_a_value_has_its_own() {
    let two = [
        ("createTime > 2026-01-31T12:30:00Z AND state = A", "create_time > 2026-01-31T12:30:00Z AND state = A"),
        (
            "NOT (createTime:* OR -createTime < 2026-01-31T12:30:00Z)",
            "NOT (create_time:* OR -create_time < 2026-01-31T12:30:00Z)",
        ),
        ("state='createTime = 1' OR  vin = createTime", "state='createTime = 1' OR  vin = createTime"),
        ("state = \"é createTime\" AND createTime:*", "state = \"é createTime\" AND create_time:*"),
    ];
    for (json, proto) in two {
        assert_eq!(parse(json, FIELDS), parse(proto, FIELDS));
        assert!(parse(json, FIELDS).is_ok(), "{json}");
        assert_eq!(in_proto_names(json), proto);
        assert_eq!(in_proto_names(proto), proto);
    }
    assert_eq!(in_proto_names("createTime = \"open"), "createTime = \"open", "what is no filter stays");
    let refused = parse("updateTime = x", FIELDS).unwrap_err();
    let offered = "updateTime is not a field to filter by; the fields are state, vin, km, active, day, create_time";
    assert_eq!(refused.text.en, offered, "as it was written, and the fields as the contract names them");
    for neither in ["CreateTime:*", "create_Time:*", "CREATE_TIME:*"] {
        assert!(parse(neither, FIELDS).is_err(), "{neither}");
    }
}

#[test]
fn values_have_the_type_of_their_field() {
    let typed = [
        ("km >= -5", ColumnValue::Integer(Some(-5))),
        ("active = true", ColumnValue::Bool(Some(true))),
        ("day < 2026-01-31", ColumnValue::Date(NaiveDate::from_ymd_opt(2026, 1, 31))),
        ("create_time > 2026-01-31T12:30:00Z", ColumnValue::Time(DateTime::from_timestamp(1_769_862_600, 0))),
    ];
    for (text, expected) in typed {
        let parsed = parse(text, FIELDS);
        assert!(matches!(&parsed, Ok(Expr::Compare { value, .. }) if *value == expected), "{text}: {parsed:?}");
    }
}

#[test]
fn negation_presence_and_prefix() {
    assert_eq!(parse("-state = A", FIELDS), Ok(Expr::Not(Box::new(eq("state", "A")))));
    assert_eq!(parse("NOT (state:A)", FIELDS), Ok(Expr::Not(Box::new(eq("state", "A")))));
    assert_eq!(parse("vin:*", FIELDS), Ok(Expr::Present { column: "vin" }));
    assert_eq!(parse("vin = LSV*", FIELDS), Ok(Expr::Prefix { column: "vin", prefix: "LSV".to_owned() }));
}

#[test]
fn what_can_not_be_read_is_refused_with_a_way_out() {
    let deep = format!("{}state = A{}", "(".repeat(30), ")".repeat(30));
    let many = vec!["state = A"; 60].join(" OR ");
    let long = format!("state = \"{}\"", "x".repeat(3000));
    let bad = [
        "state",
        "state =",
        "= A",
        "state = A state = B",
        "(state = A",
        "state = A)",
        "secret = x",
        "state ! A",
        "state = \"A",
        "km = x",
        "day = tomorrow",
        "active = 1",
        "state = A*",
        "NOT",
        "AND",
        "state = A AND",
        "\u{1f600}",
        &deep,
        &many,
        &long,
    ];
    for text in bad {
        let violation = parse(text, FIELDS).err();
        assert!(violation.is_some_and(|found| found.field == "filter" && !found.text.zh_cn.is_empty()), "{text}");
    }
}

proptest::proptest! {
    #[test]
    fn no_text_makes_the_reader_panic(text in ".{0,200}", grammar in "[a-z=<>!:()*\"'\\\\ANDORT0-9 .-]{0,80}") {
        drop(parse(&text, FIELDS));
        drop(parse(&grammar, FIELDS));
        let both = format!("{grammar}{text}");
        let once = in_proto_names(&both).into_owned();
        proptest::prop_assert_eq!(in_proto_names(&once), once.as_str());
        proptest::prop_assert_eq!(parse(&in_proto_names(&both), FIELDS).ok(), parse(&both, FIELDS).ok());
        drop(parse(&format!("state = A AND {grammar} OR vin = {text}"), FIELDS));
    }
}
