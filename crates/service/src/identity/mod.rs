//! Who signs in: people with a password, programs with a secret, and the tokens that both get.

mod accounts;
mod api_clients;
pub mod authentication;
pub mod oauth;
pub mod passwords;
mod sessions;
pub mod tokens;
mod users;

pub use accounts::OEM_NAME;
