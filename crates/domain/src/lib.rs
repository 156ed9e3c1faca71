//! The rules of automotive after-sales, pure: no database, no network, no clock, no randomness.
//!
//! What this crate needs from outside (the time, new ids, facts about vehicles and parts) is passed in as
//! values. Every rule can therefore be read, and tested, as a function.

pub mod access;
pub mod adjudication;
pub mod appraisals;
pub mod attachments;
pub mod attempts;
pub mod authorizations;
pub mod canonical;
pub mod catalog;
pub mod change;
pub mod change_proposals;
pub mod claim_notes;
pub mod claims;
pub mod clock;
pub mod corrections;
pub mod coverage;
pub mod dates;
pub mod dtc;
pub mod entitlements;
pub mod identity;
pub mod ids;
pub mod imports;
pub mod ledger;
pub mod money;
pub mod posting_rules;
pub mod query;
pub mod recovery_claims;
pub mod second_person;
pub mod spelling;
pub mod text;
pub mod timer;
pub mod vehicle;
pub mod vin;
