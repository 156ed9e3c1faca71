//! The checker, operator by operator: what each takes, what it says of the rest, and what it counts.

use super::super::Condition;
use super::*;

fn fault(source: &str) -> Fault {
    match Condition::compile(source) {
        Ok(_) => panic!("{source} is accepted"),
        Err(fault) => fault,
    }
}

fn accepted(source: &str) -> bool {
    Condition::compile(source).is_ok()
}

#[test]
fn each_operator_says_what_it_does_not_take() {
    for (source, en, zh) in [
        ("1 && true", "`&&` does not take int and bool; both sides are true or false", "int 与 bool；两侧应为真或假"),
        ("true || 1", "`||` does not take bool and int; both sides are true or false", "bool 与 int；两侧应为真或假"),
        ("!claim.kind", "`!` does not take string", "`!` 不接受 string"),
        ("lines[0] == lines[0]", "`==` does not take line and line; both sides are of one type", "；两侧类型应一致"),
        ("1 != \"a\"", "`!=` does not take int and string; both sides are of one type", "；两侧类型应一致"),
        ("true < false", "`<` does not take bool and bool; both sides are of one type", "；两侧类型应一致"),
        ("1 <= \"a\"", "`<=` does not take int and string; both sides are of one type", "；两侧类型应一致"),
        ("1 > \"a\"", "`>` does not take int and string; both sides are of one type", "；两侧类型应一致"),
        ("1 >= \"a\"", "`>=` does not take int and string; both sides are of one type", "；两侧类型应一致"),
        ("1 + \"a\" == 1", "`+` does not take int and string", "`+` 不接受 int 与 string"),
        ("\"b\" - \"a\" == 1", "`-` does not take string and string", "`-` 不接受 string 与 string"),
        ("-claim.kind == 1", "`-` does not take string", "`-` 不接受 string"),
        ("1 * true == 1", "`*` does not take int and bool", "`*` 不接受 int 与 bool"),
        ("1 / \"a\" == 1", "`/` does not take int and string", "`/` 不接受 int 与 string"),
        ("1 % \"a\" == 1", "`%` does not take int and string", "`%` 不接受 int 与 string"),
        ("(true ? 1 : \"a\") == 1", "`?` does not take bool and int and string", "`?` 不接受 bool, int, string"),
        ("1 in [\"a\"]", "`in` does not take int and list(string)", "`in` 不接受 int 与 list(string)"),
        ("lines[0] in lines", "`in` does not take line and list(line)", "`in` 不接受 line 与 list(line)"),
        ("lines[\"a\"].priced", "`[` does not take list(line) and string", "`[` 不接受 list(line) 与 string"),
        ("contains(\"a\", \"b\")", "`contains` does not take (string, string)", "`contains` 不接受 (string, string)"),
        ("[1] + [\"a\"] == [1]", "`+` does not take list(int) and list(string)", "list(int) 与 list(string)"),
        ("[claim] == []", "a list can't hold this", "列表不能包含该值"),
        ("[[1]] == []", "lists of lists have no place", "嵌套列表"),
        ("claim.kind.part == \"\"", "string has no fields, so no `part`", "string 没有字段 `part`"),
    ] {
        let text = fault(source).text;
        assert!(text.en.starts_with(en), "{source}: {}", text.en);
        assert!(text.zh_cn.contains(zh), "{source}: {}", text.zh_cn);
    }
    for (source, en) in [("1 + true == 1", "`+`"), ("1 in [\"a\"]", "`in`"), ("!1", "`!`")] {
        assert!(!fault(source).text.en.contains(';'), "{en} has no two sides of one type");
    }
}

#[test]
fn each_operator_takes_what_it_should() {
    for source in [
        "true && (false || !false)",
        "1 < 2 && 2 <= 2 && \"b\" > \"a\" && \"b\" >= \"b\"",
        "claim.kind != \"\" && true == true && [1] != [2]",
        "\"a\" in claim.dtcs || 1 in [1, 2]",
        "claim.kind.contains(\"a\") || claim.kind.startsWith(\"a\") || claim.kind.endsWith(\"a\")",
        "1 + 2 * 3 - 4 / 5 % 6 == -1",
        "\"a\" + \"b\" == \"ab\"",
        "[1] + [2] == [1, 2] && [] + [1] == [1]",
        "size(claim.supplement ? [] : [1]) == 1",
        "(claim.supplement ? \"a\" : \"b\") == \"b\"",
        "claim.dtcs[0] == \"\" && lines[0].priced",
        "size(\"abc\") == size(lines) && size([]) == 0",
        "lines.map(l, l.priced, l.number) == [1, 2]",
        "[lines[0]].exists(l, l.priced) && [findings[0]].all(f, f.code == \"\")",
        "lines.exists(claim, claim.priced)",
        ".claim.supplement",
    ] {
        assert!(accepted(source), "{source}: {:?}", Condition::compile(source).err());
    }
    // What a list that may be empty holds is known all the same.
    assert!(!accepted("(claim.supplement ? [] : [1]).exists(x, x == \"a\")"));
    assert!(!accepted("(claim.supplement ? [] : 1) == 1"));
    assert!(!accepted("lines.map(l, l.number).exists(n, n == \"a\")"));
    // A name is bound within its brackets alone.
    assert!(!accepted("lines.exists(l, l.priced) && l.priced"));
}

#[test]
fn a_fault_is_shown_where_it_stands() {
    for (source, column) in [
        ("1 == 1 && claim.amount_minor + 1 == \"a\"", 32),
        ("claim.kind.contains(\"a\") == 5", 26),
        ("size(claim.kind) == \"a\"", 18),
        ("lines[0] == 5", 10),
        ("true && !claim.kind", 9),
        ("true && -claim.kind == 1", 9),
        ("has(claim.kind) == 1", 5),
        ("size(lines) > 0 && lines[\"x\"].priced", 20),
        ("claim.amount_minor + history.station_claims", 1),
        ("true && 1u == 1", 9),
        ("true && b\"x\" == b\"x\"", 9),
        ("claim.kind == \"a\" || claim.kind == null", 36),
        ("claim.supplement && (claim.copied ? claim.kind : 1)", 22),
    ] {
        let fault = fault(source);
        assert_eq!((fault.line, fault.column), (1, column), "{source}: {}", fault.text.en);
    }
}

#[test]
fn steps_are_counted_for_the_largest_claim() {
    for (source, steps) in [
        ("true", 1),
        ("claim.kind == \"X\"", 4),
        ("has(claim.kind)", 2),
        ("size(lines) > 0", 4),
        // Comparing and containing go through lists.
        ("[1, 2] == [3]", 6 + 3),
        ("claim.kind in [\"A\", \"B\", \"C\"]", 7 + 3),
        ("\"E\" in claim.dtcs", 4 + 50),
        ("\"E\" in warnings", 3 + 200),
        ("[1] + [2] == [1, 2]", 9 + 4),
        // A comprehension takes its condition, its step and two more for each element.
        ("[1, 2].exists(n, n == 1)", 3 + 2 * (3 + 5 + 2) + 2),
        ("lines.exists(l, l.priced)", 1 + 200 * (3 + 4 + 2) + 2),
        ("lines.all(l, l.priced)", 1 + 200 * (2 + 4 + 2) + 2),
        ("lines.exists_one(l, l.priced)", 1 + 200 * (1 + 7 + 2) + 4),
        ("claim.dtcs.exists(d, d == \"P0230\")", 2 + 50 * (3 + 5 + 2) + 2),
        ("size(lines.filter(l, l.priced)) > 0", 1 + 200 * (1 + 8 + 2) + 2 + 3),
        // What was gathered has as many elements as what it was gathered from.
        ("lines.filter(l, l.priced).exists(l, l.priced)", 2203 + 200 * 9 + 2),
        ("lines.map(l, l.number).exists(n, n == 1)", 1603 + 200 * (3 + 5 + 2) + 2),
        // Of two lists one is looked through.
        ("(true ? lines : lines).exists(l, l.priced)", 4 + 200 * 9 + 2),
    ] {
        let condition = Condition::compile(source).unwrap_or_else(|fault| panic!("{source}: {fault:?}"));
        assert_eq!(condition.steps(), steps, "{source}");
    }
}

#[test]
fn what_takes_more_steps_than_can_be_counted_is_refused_wherever_it_stands() {
    // Nine loops within one another over two hundred lines each: more than 2^64 steps.
    let busy = format!("{}true{}", "lines.all(l, ".repeat(9), ")".repeat(9));
    for source in [
        busy.clone(),
        format!("[{busy}][0]"),
        format!("lines.filter(l, {busy})[0].priced"),
        format!("has(lines.filter(l, {busy})[0].priced)"),
        format!("size([{busy}].filter(b, b)) > 0"),
        format!("{busy} && {busy}"),
    ] {
        let text = fault(&source).text;
        assert!(text.en.contains("keep this busy for too long"), "{source}: {}", text.en);
    }
}

#[test]
fn every_kind_of_nesting_counts_to_the_same_limit() {
    // Below so many additions, and a comparison, the inner expression begins one deeper than there are additions.
    let nested = |inner: &str, additions: usize| format!("{inner}{} > 0", " + 1".repeat(additions));
    for (inner, own_depth) in [
        ("1", 0),
        ("claim.amount_minor", 1),
        ("size([1])", 2),
        // The step of a filter: the choice, the sum, the list, the name in it.
        ("size(lines.filter(l, true))", 5),
        // The condition of a search goes deeper than its step.
        ("(lines.exists(l, true) ? 1 : 0)", 4),
        // What is looked through goes deeper than what is done with it.
        ("size([1 + 1 + 1 + 1 + 1 + 1].filter(n, true))", 8),
        ("(has(claim.kind) ? 1 : 0)", 2),
    ] {
        let most = 31 - own_depth;
        assert!(accepted(&nested(inner, most)), "{inner}: {:?}", Condition::compile(&nested(inner, most)).err());
        let text = fault(&nested(inner, most + 1)).text;
        assert!(text.en.contains("nested more than 32 deep"), "{inner}: {}", text.en);
    }
}

#[test]
fn a_type_is_one_of_its_kind_and_an_empty_list_fits_all() {
    let element = |name: &str| match VARIABLES.field(name).map(|variable| variable.ty) {
        Some(Ty::List(element)) => *element,
        other => panic!("{name} is {other:?}"),
    };
    let (line, finding) = (element("lines"), element("findings"));
    let types = [Ty::Bool, Ty::Int, Ty::Text, Ty::List(&INT), Ty::List(&TEXT), line, finding];
    for (one, ty) in types.iter().enumerate() {
        for (other, theirs) in types.iter().enumerate() {
            assert_eq!(ty == theirs, one == other, "{} {}", ty.word(), theirs.word());
        }
        assert!([*ty, Ty::Any] == [Ty::Any, *ty], "an empty list fits {}", ty.word());
    }
    assert!(Ty::List(&ANY) == Ty::List(&INT));
    let words = ["bool", "int", "string", "list(int)", "list(string)", "line", "finding"];
    assert_eq!(types.map(Ty::word), words);
    assert_eq!(Ty::Any.word(), "any");
    assert!(VARIABLES.field("claims").is_none());
}
