//! Demo data. (Being written.)

use recourse_repository::Store;

use crate::StartError;
use crate::config::Config;
use crate::process::AnchoredClock;

/// Where demo data is kept unless the caller says otherwise.
pub const DATABASE: &str = "sqlite:recourse-demo.db";

/// A store with demo data.
pub struct Loaded {
    /// The demo's clock.
    pub clock: AnchoredClock,
    /// Its accounts, as they are printed.
    pub accounts: String,
}

/// Loads demo data.
pub async fn prepare(_config: &Config, _store: &Store) -> Result<Loaded, StartError> {
    Err(StartError::new("demo", "not yet"))
}
