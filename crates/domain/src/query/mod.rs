//! What a list is asked: filter, order and page, as values that the repository turns into SQL.

pub mod filter;
pub mod names;
pub mod order;
pub mod page;
