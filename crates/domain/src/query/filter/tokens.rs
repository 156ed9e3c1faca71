//! The words of a filter: names, texts, comparisons, parentheses.

use std::ops::Range;

use super::{Op, refused};
use crate::text::Violation;

#[derive(Clone, Debug, PartialEq)]
pub(super) enum Token {
    Word(String),
    Quoted(String),
    Op(Op),
    Has,
    Open,
    Close,
    Minus,
}

/// The words of a text, with their places in it.
pub(super) fn tokenize(text: &str) -> Result<Vec<(Token, Range<usize>)>, Violation> {
    let mut tokens = Vec::new();
    let mut chars = Chars { rest: text };
    while let Some(c) = chars.peek() {
        let begin = text.len() - chars.rest.len();
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
        tokens.push((token, begin..text.len() - chars.rest.len()));
    }
    Ok(tokens)
}

/// The characters that are left of a text.
struct Chars<'t> {
    rest: &'t str,
}

impl Chars<'_> {
    fn peek(&self) -> Option<char> {
        self.rest.chars().next()
    }

    fn next(&mut self) -> Option<char> {
        let mut chars = self.rest.chars();
        let next = chars.next();
        self.rest = chars.as_str();
        next
    }
}

fn one(chars: &mut Chars<'_>, token: Token) -> Token {
    chars.next();
    token
}

fn operator(chars: &mut Chars<'_>) -> Result<Token, Violation> {
    let first = chars.next();
    let with_equals = chars.peek() == Some('=');
    if with_equals {
        chars.next();
    }
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
    while let Some(c) = chars.peek() {
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
