//! The API as its callers use it, a file per noun.

mod access;
mod adjudication;
mod appraisals;
pub mod attachments;
mod catalog;
mod claims;
mod documented;
mod errors;
mod events;
mod evidence;
mod exports;
mod grpc;
mod idempotency;
mod imports;
mod kinds;
mod ledger;
mod queues;
mod recovery_claims;
mod review;
mod sessions;
