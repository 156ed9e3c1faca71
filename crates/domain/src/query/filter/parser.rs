//! The grammar of a filter, by recursive descent: each function reads one kind of expression.

use super::literal::{beginnings, typed};
use super::tokens::Token;
use super::{Expr, Op, refused};
use crate::catalog::Field;
use crate::query::names;
use crate::text::Violation;

/// Deepest nesting of parentheses and negations.
const MAX_DEPTH: u32 = 20;
/// Most comparisons.
const MAX_TERMS: u32 = 50;

/// Reads the words of a filter as one expression.
pub(super) fn read(tokens: Vec<Token>, fields: &[Field]) -> Result<Expr, Violation> {
    let mut parser = Parser { tokens, at: 0, fields, depth: 0, terms: 0 };
    let expr = parser.sequence()?;
    match parser.peek() {
        None => Ok(expr),
        Some(token) => Err(parser.unexpected(&token.clone())),
    }
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
        if let Some(beginning) = text.strip_suffix('*').filter(|_| op == Op::Eq && field.prefix) {
            let searched = beginnings(field.kind, beginning).into_iter();
            let mut any: Vec<Expr> = searched.map(|prefix| Expr::Prefix { column: field.column, prefix }).collect();
            return Ok(if any.len() == 1 { any.remove(0) } else { Expr::Or(any) });
        }
        if text.contains('*') && field.kind.is_text() {
            return Err(refused(
                format!("{} is not searched by prefix; give the whole value", field.name),
                format!("{} 不支持前缀匹配；请给出完整的值", field.name),
            ));
        }
        Ok(Expr::Compare { column: field.column, op, value: typed(field, &text)? })
    }

    fn field(&self, name: &str) -> Result<Field, Violation> {
        names::field(name, self.fields).ok_or_else(|| {
            let offered: Vec<&str> = self.fields.iter().map(|field| field.name).collect();
            let offered = offered.join(", ");
            refused(
                format!("{name} is not a field to filter by; the fields are {offered}"),
                format!("不能按 {name} 过滤；可用字段：{offered}"),
            )
        })
    }
}
