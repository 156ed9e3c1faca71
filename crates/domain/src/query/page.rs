//! A page of a list: what is asked, and where the next one begins.

use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::filter::Expr;
use super::order::Order;

/// What a list is asked, checked against the method's allow-list.
#[derive(Clone, Debug)]
pub struct ListQuery {
    /// Which items.
    pub filter: Option<Expr>,
    /// In which order.
    pub order: Order,
    /// Most items.
    pub page_size: u32,
    /// Where the page before ended.
    pub after: Option<Keys>,
    /// Whether retired items are listed too.
    pub show_deleted: bool,
}

impl ListQuery {
    /// Lists only those of what is asked for that meet a further condition.
    pub fn narrow(&mut self, condition: Expr) {
        self.filter = Some(match self.filter.take() {
            Some(asked) => Expr::And(vec![condition, asked]),
            None => condition,
        });
    }
}

/// The place of a row in an order: the value it is ordered by, and its key.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Keys {
    /// The value it is ordered by.
    pub value: Key,
    /// The key of the row, which tells equal values apart.
    pub id: Uuid,
}

/// A value that a list is ordered by.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Key {
    /// Text, a date among it.
    Text(String),
    /// A whole number, an instant in microseconds among it.
    Number(i64),
}

/// A page.
#[derive(Clone, Debug)]
pub struct Page<T> {
    /// Its items.
    pub items: Vec<T>,
    /// Where the next page begins; none after the last.
    pub next: Option<Keys>,
}
