//! The filter language of lists: the AIP-160 subset that the contract documents.
//!
//! Comparisons `=`, `!=`, `<`, `<=`, `>`, `>=`, `:` (has: equals, or for `field:*` is set), `AND`, `OR` (which
//! binds tighter than `AND`), `NOT` and `-`, parentheses, and `*` at the end of a string on the fields that
//! allow it. Only fields of the method's allow-list exist: a filter on a hidden field would be an oracle.
//! An absent value matches nothing, also under `NOT`.

use chrono::{DateTime, NaiveDate, Utc};
use uuid::Uuid;

use crate::catalog::{ColumnValue, Field, FieldKind};
use crate::text::Violation;

/// Longest filter.
const MAX_LENGTH: usize = 2000;
/// Deepest nesting of parentheses and negations.
const MAX_DEPTH: u32 = 20;
/// Most comparisons.
const MAX_TERMS: u32 = 50;

/// A filter.
#[derive(Clone, Debug, PartialEq)]
pub enum Expr {
    /// All of these.
    And(Vec<Expr>),
    /// Any of these.
    Or(Vec<Expr>),
    /// Not this; what is absent stays unmatched.
    Not(Box<Expr>),
    /// A comparison with a column.
    Compare {
        /// The column.
        column: &'static str,
        /// How.
        op: Op,
        /// With what.
        value: ColumnValue,
    },
    /// Text that begins like this.
    Prefix {
        /// The column.
        column: &'static str,
        /// The beginning.
        prefix: String,
    },
    /// The column has a value.
    Present {
        /// The column.
        column: &'static str,
    },
}

/// How a column is compared.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Op {
    /// Equal.
    Eq,
    /// Not equal.
    Ne,
    /// Less.
    Lt,
    /// Less or equal.
    Le,
    /// Greater.
    Gt,
    /// Greater or equal.
    Ge,
}

/// Reads a filter against the fields that a method offers.
pub fn parse(text: &str, fields: &[Field]) -> Result<Expr, Violation> {
    if text.len() > MAX_LENGTH {
        return Err(refused(
            format!("a filter has at most {MAX_LENGTH} bytes"),
            format!("过滤条件最长 {MAX_LENGTH} 字节"),
        ));
    }
    let tokens = tokenize(text)?;
    let mut parser = Parser { tokens, at: 0, fields, depth: 0, terms: 0 };
    let expr = parser.sequence()?;
    match parser.peek() {
        None => Ok(expr),
        Some(token) => Err(parser.unexpected(&token.clone())),
    }
}

#[derive(Clone, Debug, PartialEq)]
enum Token {
    Word(String),
    Quoted(String),
    Op(Op),
    Has,
    Open,
    Close,
    Minus,
}

fn refused(en: String, zh: String) -> Violation {
    Violation::new("filter", "BAD_FILTER", en, zh)
}

fn tokenize(text: &str) -> Result<Vec<Token>, Violation> {
    let mut tokens = Vec::new();
    let mut chars = text.chars().peekable();
    while let Some(&c) = chars.peek() {
        if c.is_whitespace() {
            chars.next();
            continue;
        }
        let token = match c {
            '(' => one(&mut chars, Token::Open),
            ')' => one(&mut chars, Token::Close),
            ':' => one(&mut chars, Token::Has),
            '=' => one(&mut chars, Token::Op(Op::Eq)),
            '!' | '<' | '>' => operator(&mut chars)?,
            '"' | '\'' => Token::Quoted(quoted(&mut chars, c)?),
            '-' => {
                chars.next();
                match chars.peek() {
                    // A negative number, unless something to negate follows.
                    Some(next) if next.is_ascii_digit() => Token::Word(format!("-{}", word(&mut chars))),
                    _ => Token::Minus,
                }
            }
            _ => {
                let word = word(&mut chars);
                if word.is_empty() {
                    return Err(refused(format!("{c:?} has no place here"), format!("此处不允许 {c:?}")));
                }
                Token::Word(word)
            }
        };
        tokens.push(token);
    }
    Ok(tokens)
}

type Chars<'t> = std::iter::Peekable<std::str::Chars<'t>>;

fn one(chars: &mut Chars<'_>, token: Token) -> Token {
    chars.next();
    token
}

fn operator(chars: &mut Chars<'_>) -> Result<Token, Violation> {
    let first = chars.next();
    let with_equals = chars.next_if_eq(&'=').is_some();
    match (first, with_equals) {
        (Some('!'), true) => Ok(Token::Op(Op::Ne)),
        (Some('<'), true) => Ok(Token::Op(Op::Le)),
        (Some('<'), false) => Ok(Token::Op(Op::Lt)),
        (Some('>'), true) => Ok(Token::Op(Op::Ge)),
        (Some('>'), false) => Ok(Token::Op(Op::Gt)),
        _ => Err(refused("use NOT, - or != to negate".to_owned(), "取反请用 NOT、- 或 !=".to_owned())),
    }
}

fn quoted(chars: &mut Chars<'_>, quote: char) -> Result<String, Violation> {
    chars.next();
    let mut text = String::new();
    while let Some(c) = chars.next() {
        if c == quote {
            return Ok(text);
        }
        if c == '\\' {
            match chars.next() {
                Some(escaped) => text.push(escaped),
                None => break,
            }
        } else {
            text.push(c);
        }
    }
    Err(refused("a quotation is not closed".to_owned(), "引号未闭合".to_owned()))
}

fn word(chars: &mut Chars<'_>) -> String {
    let mut text = String::new();
    // A colon belongs to an instant (12:30:00), not to a word that names a field.
    while let Some(&c) = chars.peek() {
        let within_instant = c == ':' && text.as_bytes().get(10) == Some(&b'T');
        if c.is_alphanumeric() || matches!(c, '_' | '.' | '-' | '/' | '*' | '+') || within_instant {
            text.push(c);
            chars.next();
        } else {
            break;
        }
    }
    text
}

struct Parser<'f> {
    tokens: Vec<Token>,
    at: usize,
    fields: &'f [Field],
    depth: u32,
    terms: u32,
}

impl Parser<'_> {
    fn peek(&self) -> Option<&Token> {
        self.tokens.get(self.at)
    }

    fn next(&mut self) -> Option<Token> {
        let token = self.tokens.get(self.at).cloned();
        self.at += 1;
        token
    }

    fn is_word(&self, word: &str) -> bool {
        matches!(self.peek(), Some(Token::Word(found)) if found == word)
    }

    fn unexpected(&self, token: &Token) -> Violation {
        let shown = match token {
            Token::Word(word) | Token::Quoted(word) => word.clone(),
            Token::Op(_) => "a comparison".to_owned(),
            Token::Has => ":".to_owned(),
            Token::Open => "(".to_owned(),
            Token::Close => ")".to_owned(),
            Token::Minus => "-".to_owned(),
        };
        let place = self.at + 1;
        refused(
            format!("{shown} is not expected as word {place}; write `field = value`, joined by AND, OR, NOT"),
            format!("第 {place} 个词 {shown} 不合语法；请写成“字段 = 值”，并用 AND、OR、NOT 连接"),
        )
    }

    fn ended(&self) -> Violation {
        refused("the filter ends too early".to_owned(), "过滤条件不完整".to_owned())
    }

    /// Terms joined by AND; each may be an OR, which binds tighter.
    fn sequence(&mut self) -> Result<Expr, Violation> {
        let mut all = vec![self.alternatives()?];
        loop {
            if self.is_word("AND") {
                self.at += 1;
            } else if matches!(self.peek(), None | Some(Token::Close)) {
                break;
            } else {
                let token = self.peek().cloned().ok_or_else(|| self.ended())?;
                return Err(self.unexpected(&token));
            }
            all.push(self.alternatives()?);
        }
        Ok(if all.len() == 1 { all.remove(0) } else { Expr::And(all) })
    }

    fn alternatives(&mut self) -> Result<Expr, Violation> {
        let mut any = vec![self.term()?];
        while self.is_word("OR") {
            self.at += 1;
            any.push(self.term()?);
        }
        Ok(if any.len() == 1 { any.remove(0) } else { Expr::Or(any) })
    }

    fn term(&mut self) -> Result<Expr, Violation> {
        self.depth += 1;
        if self.depth > MAX_DEPTH {
            return Err(refused(
                format!("a filter is nested at most {MAX_DEPTH} deep"),
                format!("过滤条件最多嵌套 {MAX_DEPTH} 层"),
            ));
        }
        let expr = if self.is_word("NOT") || self.peek() == Some(&Token::Minus) {
            self.at += 1;
            Expr::Not(Box::new(self.term()?))
        } else if self.peek() == Some(&Token::Open) {
            self.at += 1;
            let inner = self.sequence()?;
            match self.next() {
                Some(Token::Close) => inner,
                Some(other) => return Err(self.unexpected(&other)),
                None => return Err(refused("a parenthesis is not closed".to_owned(), "括号未闭合".to_owned())),
            }
        } else {
            self.comparison()?
        };
        self.depth -= 1;
        Ok(expr)
    }

    fn comparison(&mut self) -> Result<Expr, Violation> {
        self.terms += 1;
        if self.terms > MAX_TERMS {
            return Err(refused(
                format!("a filter has at most {MAX_TERMS} comparisons"),
                format!("过滤条件最多 {MAX_TERMS} 项比较"),
            ));
        }
        let field = match self.next() {
            Some(Token::Word(name)) => self.field(&name)?,
            Some(other) => {
                self.at -= 1;
                return Err(self.unexpected(&other));
            }
            None => return Err(self.ended()),
        };
        let has = self.peek() == Some(&Token::Has);
        let op = match self.next() {
            Some(Token::Has) => Op::Eq,
            Some(Token::Op(op)) => op,
            Some(other) => {
                self.at -= 1;
                return Err(self.unexpected(&other));
            }
            None => return Err(self.ended()),
        };
        let (text, bare) = match self.next() {
            Some(Token::Word(word)) => (word, true),
            Some(Token::Quoted(text)) => (text, false),
            Some(other) => {
                self.at -= 1;
                return Err(self.unexpected(&other));
            }
            None => return Err(self.ended()),
        };
        if has && bare && text == "*" {
            return Ok(Expr::Present { column: field.column });
        }
        if let Some(prefix) = text.strip_suffix('*').filter(|_| op == Op::Eq && field.prefix) {
            return Ok(Expr::Prefix { column: field.column, prefix: prefix.to_owned() });
        }
        if text.contains('*') && field.kind == FieldKind::Text {
            return Err(refused(
                format!("{} is not searched by prefix; give the whole value", field.name),
                format!("{} 不支持前缀匹配；请给出完整的值", field.name),
            ));
        }
        Ok(Expr::Compare { column: field.column, op, value: typed(field, &text)? })
    }

    fn field(&self, name: &str) -> Result<Field, Violation> {
        self.fields.iter().find(|field| field.name == name).copied().ok_or_else(|| {
            let offered: Vec<&str> = self.fields.iter().map(|field| field.name).collect();
            let offered = offered.join(", ");
            refused(
                format!("{name} is not a field to filter by; the fields are {offered}"),
                format!("不能按 {name} 过滤；可用字段：{offered}"),
            )
        })
    }
}

fn typed(field: Field, text: &str) -> Result<ColumnValue, Violation> {
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

#[cfg(test)]
mod tests {
    use super::*;

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
            drop(parse(&format!("state = A AND {grammar} OR vin = {text}"), FIELDS));
        }
    }
}
