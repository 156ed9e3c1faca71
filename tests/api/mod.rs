//! The API as its callers use it, a file per noun.

mod access;
mod catalog;
mod claims;
mod errors;
mod events;
mod exports;
mod grpc;
mod idempotency;
mod imports;
mod kinds;
mod ledger;
mod sessions;
