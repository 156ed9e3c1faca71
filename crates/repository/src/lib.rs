//! The only room that knows SQL: rows ⇄ the domain's values, on SQLite and on PostgreSQL.
//!
//! Every read of rows that belong to somebody takes a [`Scope`](recourse_domain::access::Scope), every write a
//! [`Permit`](recourse_domain::access::Permit) and, for aggregates, a [`ChangeNote`]: the change row is
//! written by the same call. [`Store::run`] is the only way to a writing transaction.

#![warn(missing_docs)]

mod adjudication;
mod aggregates;
mod api_clients;
mod appraisals;
mod attachments;
mod attempts;
mod audit;
mod authorizations;
mod backup;
mod bulk;
mod campaigns;
mod catalog;
mod change_proposals;
mod changes;
mod claim_heads;
mod claim_notes;
mod claims;
mod condition;
mod corrections;
mod entitlements;
mod error;
#[cfg(debug_assertions)]
mod failpoints;
mod feed;
mod files;
mod goodwill_budgets;
mod idempotency;
mod imports;
mod keys;
mod leases;
mod ledger;
mod lists;
mod lookup;
mod page_tokens;
mod postgres;
mod readings;
mod recovery_claims;
mod retention;
mod scope;
mod sessions;
mod sql;
mod sqlite;
mod store;
#[cfg(test)]
mod tests;
mod tracks;
mod users;
mod verify;

pub use adjudication::{Before, HitOutcome, RuleFigures, RuleHit, Submissions, SubmittedClaim};
pub use appraisals::APPRAISAL_FIELDS;
pub use attachments::{ATTACHMENT_FIELDS, KeptAttachment, OWN_ATTACHMENT_FIELDS, Part, Upload};
pub use audit::{DENIAL_FIELDS, DenialRow, HistoryReport};
pub use backup::{Cell, CellKind, Piece, TableShape, TransferError};
pub use catalog::RecordWrite;
pub use changes::{ChangeNote, collections};
pub use claims::{CLAIM_FIELDS, DueDecision, OEM_CLAIM_FIELDS};
pub use condition::{FeedBacklog, LeaseRow, PoolCondition, SchemaCondition, SettingCondition};
pub use error::{CommandError, StoreError};
pub use feed::{FeedEnds, FeedItem, FeedPage, ForgottenFeed, NUMBERED_AT_ONCE};
#[cfg(feature = "s3")]
pub use files::S3Options;
pub use files::{FileError, Files};
pub use idempotency::{RequestKey, Seen};
pub use imports::{ImportJob, ImportRow};
pub use keys::{ConclusionKey, KeyTimes};
pub use ledger::{Balance, ENTRY_FIELDS};
pub use lookup::{Found, Lookup};
pub use page_tokens::PageTokens;
pub use recovery_claims::RECOVERY_FIELDS;
pub use retention::{Aged, FORGOTTEN_AT_ONCE};
pub use sessions::RefreshUse;
pub use store::{Boxed, PendingStep, Store, StoreOptions, Tx};
pub use users::USER_FIELDS;
pub use verify::RowsReport;
