//! The filter language of lists: the AIP-160 subset that the contract documents.
//!
//! Comparisons `=`, `!=`, `<`, `<=`, `>`, `>=`, `:` (has: equals, or for `field:*` is set), `AND`, `OR` (which
//! binds tighter than `AND`), `NOT` and `-`, parentheses, and `*` at the end of a string on the fields that
//! allow it. Only fields of the method's allow-list exist: a filter on a hidden field would be an oracle.
//! An absent value matches nothing, also under `NOT`.

mod literal;
mod parser;
mod tokens;

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
    parser::read(tokens::tokenize(text)?, fields)
}

fn refused(en: String, zh: String) -> Violation {
    Violation::new("filter", "BAD_FILTER", en, zh)
}

#[cfg(test)]
mod tests;
