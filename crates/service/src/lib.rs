//! Use cases: what a call does, from its message to its answer. The only room where the contract's messages
//! meet the domain's values.

mod adjudication;
pub mod admission;
mod api;
mod appeals;
mod appraisals;
pub mod attachments;
mod authorizations;
pub mod callers;
mod campaigns;
mod catalog;
mod change_proposals;
mod claim_notes;
mod claims;
mod context;
mod convert;
mod corrections;
mod denials;
mod entitlements;
mod error;
mod events;
mod goodwill_budgets;
pub mod identity;
mod jobs;
mod ledger;
mod lists;
mod page_keys;
mod recovery_claims;
mod rpcs;
mod second_person;
mod settings;
mod sight;
mod signatures;
mod vehicles;
pub mod verify;
mod watchers;

pub use api::{Api, ApiParts};
pub use error::{Answer, Refusal};
pub use identity::authentication::Authenticator;
pub use jobs::retention::Retention;
pub use signatures::experts::{ExpertCheck, TrustAnchors, check as check_expert_signature};

use recourse_domain::text::Lang;

/// The language that a request asks for.
pub fn language(headers: &http::HeaderMap) -> Lang {
    convert::lang(recourse_proto::Lang::from_headers(headers))
}
