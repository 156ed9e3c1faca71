//! Who signs in: people with a password, programs with a secret, and the tokens that both get.

mod accounts;
pub(crate) mod api_clients;
pub mod authentication;
pub mod client_keys;
pub(crate) mod guard;
pub(crate) mod leave;
pub mod oauth;
mod options;
pub mod outside;
pub mod passwords;
mod sessions;
pub mod tokens;
pub(crate) mod users;

pub use accounts::OEM_NAME;
pub use options::AccountOptions;
