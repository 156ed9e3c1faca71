//! Log lines: for people or for machines, never with a secret.

use tracing_subscriber::EnvFilter;
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::util::SubscriberInitExt;

use crate::config::{Config, LogFormat};

/// Begins to write log lines to standard error. A second call is without effect, as tests need it.
pub(crate) fn begin(config: &Config) {
    let filter = EnvFilter::try_new(&config.log).unwrap_or_else(|_| EnvFilter::new("info"));
    let registry = tracing_subscriber::registry().with(filter);
    let begun = match config.log_format {
        LogFormat::Text => {
            registry.with(tracing_subscriber::fmt::layer().with_writer(std::io::stderr).with_target(false)).try_init()
        }
        LogFormat::Json => {
            registry.with(tracing_subscriber::fmt::layer().with_writer(std::io::stderr).json()).try_init()
        }
    };
    if begun.is_err() {
        tracing::debug!("log lines are written already");
    }
}
