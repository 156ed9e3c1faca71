//! The API as its callers use it, a file per noun.

mod access;
mod adjudication;
mod appraisals;
pub mod attachments;
mod catalog;
mod claim_holds;
mod claim_notes;
mod claims;
mod errors;
mod escalations;
mod events;
mod evidence;
mod expert_signatures;
mod exports;
mod forecasts;
mod goodwill_budgets;
mod field_sight;
mod grpc;
mod idempotency;
mod imports;
mod kinds;
mod ledger;
mod queues;
mod recovery_claims;
mod review;
mod sessions;
mod sharing;
