//! The filter language of lists: the AIP-160 subset that the contract documents.
//!
//! Comparisons `=`, `!=`, `<`, `<=`, `>`, `>=`, `:` (has: equals, or for `field:*` is set), `AND`, `OR` (which
//! binds tighter than `AND`), `NOT` and `-`, parentheses, and `*` at the end of a string on the fields that
//! allow it. A field is named as the contract does or as JSON does (`create_time`, `createTime`). Only fields of the method's allow-list exist: a filter on a hidden field would be an oracle.
//! An absent value matches nothing, also under `NOT`.

mod literal;
mod parser;
mod tokens;

use std::borrow::Cow;

use tokens::Token;

use super::names::proto_name;
use crate::catalog::{ColumnValue, Field};
use crate::text::Violation;

/// Longest filter.
const MAX_LENGTH: usize = 2000;

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
    parser::read(tokens::tokenize(text)?.into_iter().map(|(token, _)| token).collect(), fields)
}

/// The same filter with its fields named as the contract names them: what a page token is bound to. What is no filter
/// stays as it is written.
pub fn in_proto_names(text: &str) -> Cow<'_, str> {
    let Ok(tokens) = tokens::tokenize(text) else { return Cow::Borrowed(text) };
    let mut spelled = Cow::Borrowed(text);
    // From behind, so that the places before stay what they are.
    for pair in tokens.windows(2).rev() {
        let [(Token::Word(name), place), (Token::Op(_) | Token::Has, _)] = pair else { continue };
        if let Cow::Owned(name) = proto_name(name) {
            spelled.to_mut().replace_range(place.clone(), &name);
        }
    }
    spelled
}

fn refused(en: String, zh: String) -> Violation {
    Violation::new("filter", "BAD_FILTER", en, zh)
}

#[cfg(test)]
mod tests;
