//! Where in a condition something stands: the expression library's tree has no places, so the tokens that the
//! checker complains of are looked for in the text.

/// A piece of a condition, and where it begins (in bytes).
struct Token<'s> {
    text: &'s str,
    start: usize,
}

/// Line and column, both from 1, of the first place where the tokens follow each other. Round brackets are not
/// counted, for the tree has none.
pub(super) fn of(source: &str, anchor: &[String]) -> (usize, usize) {
    let tokens = tokens(source);
    let is = |token: &Token<'_>, wanted: &str| token.text == wanted || unquoted(token.text) == Some(wanted);
    let found = |anchor: &[String]| {
        let windows = tokens.windows(anchor.len().max(1));
        let mut matching = windows.filter(|window| window.iter().zip(anchor).all(|(token, wanted)| is(token, wanted)));
        matching.next().and_then(|window| window.first().map(|token| token.start))
    };
    let start = if anchor.is_empty() {
        None
    } else {
        found(anchor).or_else(|| anchor.last().and_then(|last| found(std::slice::from_ref(last))))
    };
    at(source, start.unwrap_or(0))
}

/// Line and column of a byte.
fn at(source: &str, byte: usize) -> (usize, usize) {
    let before = source.get(..byte).unwrap_or(source);
    let line = before.matches('\n').count() + 1;
    let column = before.rsplit('\n').next().unwrap_or_default().chars().count() + 1;
    (line, column)
}

fn unquoted(text: &str) -> Option<&str> {
    let quote = text.chars().next().filter(|first| *first == '"' || *first == '\'')?;
    text.strip_prefix(quote)?.strip_suffix(quote)
}

fn tokens(source: &str) -> Vec<Token<'_>> {
    let mut tokens = Vec::new();
    let mut start = 0;
    while let Some(rest) = source.get(start..).filter(|rest| !rest.is_empty()) {
        let length = length(rest);
        let text = rest.get(..length).unwrap_or(rest);
        let blank = text.starts_with(char::is_whitespace) || text.starts_with("//") || text == "(" || text == ")";
        if !blank {
            tokens.push(Token { text, start });
        }
        start += length;
    }
    tokens
}

/// Bytes of the first token of a text that is not empty.
fn length(rest: &str) -> usize {
    let Some(first) = rest.chars().next() else { return 0 };
    let run = |holds: &dyn Fn(char) -> bool| rest.find(|c| !holds(c)).unwrap_or(rest.len());
    if first == '"' || first == '\'' {
        return string(rest, first);
    }
    if rest.starts_with("//") {
        return rest.find('\n').unwrap_or(rest.len());
    }
    if first.is_whitespace() {
        return run(&char::is_whitespace);
    }
    if first.is_ascii_digit() {
        return run(&|c| c.is_ascii_alphanumeric() || c == '.');
    }
    if first.is_alphabetic() || first == '_' {
        return run(&|c| c.is_alphanumeric() || c == '_');
    }
    if ["&&", "||", "==", "!=", "<=", ">="].iter().any(|two| rest.starts_with(two)) {
        return 2;
    }
    first.len_utf8()
}

/// Bytes of a text in quotes, escapes passed over.
fn string(rest: &str, quote: char) -> usize {
    let mut escaped = false;
    for (index, c) in rest.char_indices().skip(1) {
        match (escaped, c) {
            (true, _) => escaped = false,
            (false, '\\') => escaped = true,
            (false, c) if c == quote => return index + c.len_utf8(),
            (false, _) => {}
        }
    }
    rest.len()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(source: &str, anchor: &[&str]) -> (usize, usize) {
        of(source, &anchor.iter().map(|token| (*token).to_owned()).collect::<Vec<_>>())
    }

    #[test]
    fn tokens_are_found_by_line_and_column() {
        let source = "claim.kind == \"A\" &&\n  (vehicle.milage) > 5 // vehicle.milage\n || '车' == 车";
        assert_eq!(found(source, &["claim", ".", "kind"]), (1, 1));
        assert_eq!(found(source, &["A"]), (1, 15));
        assert_eq!(found(source, &["vehicle", ".", "milage", ">", "5"]), (2, 4), "brackets are passed over");
        assert_eq!(found(source, &["车", "==", "车"]), (3, 5), "columns are characters");
        assert_eq!(found(source, &["elsewhere"]), (1, 1), "what is not found is the beginning");
        assert_eq!(found("", &["x"]), (1, 1));
        assert_eq!(found("\"open", &["open"]), (1, 1));
    }

    #[test]
    fn a_token_is_a_number_a_name_a_text_an_operator_or_a_sign() {
        for (source, anchor, column) in [
            ("x == 2.5", "2.5", 6),
            ("2+1", "+", 2),
            ("1u == x", "1u", 1),
            ("x == part_2", "part_2", 6),
            ("x == _y", "_y", 6),
            ("a==b", "==", 2),
            ("a != b", "!=", 3),
            ("a<=b", "<=", 2),
            ("a >= b", ">=", 3),
            ("a&&b", "&&", 2),
            ("a || b", "||", 3),
            ("a < b", "<", 3),
            ("x == 'a b'", "a b", 6),
            ("x == \"a b\"", "a b", 6),
            (r#""it\"s" == x"#, "==", 9),
            (r#"'\\' == x"#, "x", 9),
            ("'a' == b", "b", 8),
        ] {
            assert_eq!(found(source, &[anchor]), (1, column), "{source}");
        }
        // What two quotes of different kinds enclose is no text.
        assert_eq!(found("x == 'a\"", &["a"]), (1, 1));
    }

    #[test]
    fn comments_blanks_and_round_brackets_are_passed_over() {
        assert_eq!(found("true // milage\n && milage", &["milage"]), (2, 5));
        assert_eq!(found("1 + size(claim)", &["size", "claim"]), (1, 5));
        assert_eq!(found("(a) == b", &["a", "==", "b"]), (1, 2));
        assert_eq!(found("a\n\n  b", &["b"]), (3, 3));
        assert_eq!(found("a / b", &["/"]), (1, 3), "one stroke is a division");
    }

    #[test]
    fn what_is_not_found_as_a_whole_is_looked_for_by_its_end() {
        assert_eq!(found("a == b", &["x", "b"]), (1, 6));
        assert_eq!(found("a == b", &[]), (1, 1));
        assert_eq!(found("a == a + b", &["a", "+"]), (1, 6), "the tokens follow each other");
    }
}
