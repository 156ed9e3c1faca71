//! The only room that knows SQL: rows ⇄ the domain's values, on SQLite and on PostgreSQL.
//!
//! Every read of rows that belong to somebody takes a [`Scope`](recourse_domain::access::Scope), every write a
//! [`Permit`](recourse_domain::access::Permit) and, for aggregates, a [`ChangeNote`]: the change row is
//! written by the same call. [`Store::run`] is the only way to a writing transaction.

#![warn(missing_docs)]

mod api_clients;
mod audit;
mod bulk;
mod catalog;
mod changes;
mod claims;
mod error;
mod feed;
mod idempotency;
mod imports;
mod keys;
mod leases;
mod ledger;
mod lists;
mod page_tokens;
mod readings;
mod scope;
mod sessions;
mod sql;
mod store;
#[cfg(test)]
mod tests;
mod users;

pub use audit::{DenialRow, HistoryReport};
pub use catalog::RecordWrite;
pub use changes::ChangeNote;
pub use claims::CLAIM_FIELDS;
pub use error::{CommandError, StoreError};
pub use feed::{FeedEnds, FeedItem, FeedPage};
pub use idempotency::Seen;
pub use imports::{ImportJob, ImportRow};
pub use ledger::{Balance, ENTRY_FIELDS};
pub use page_tokens::PageTokens;
pub use sessions::RefreshUse;
pub use store::{Boxed, Store, StoreOptions, Tx};
pub use users::USER_FIELDS;
