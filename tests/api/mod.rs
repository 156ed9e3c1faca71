//! The API as its callers use it, a file per noun.

mod access;
mod appraisals;
mod catalog;
mod claims;
mod errors;
mod events;
mod exports;
mod grpc;
mod idempotency;
mod imports;
mod ledger;
mod recovery_claims;
mod sessions;
