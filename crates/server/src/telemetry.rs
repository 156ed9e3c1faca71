//! Log lines: for people or for machines, never with a secret.

use std::io::IsTerminal;

use tracing_subscriber::EnvFilter;
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::util::SubscriberInitExt;

use crate::config::{Config, LogFormat};

/// Libraries that write out what passes through them when they are asked for more: headers, statements.
const CAPPED: [&str; 5] = ["h2=info", "hyper=info", "hyper_util=info", "sqlx=warn", "tonic=info"];

/// Begins to write log lines to standard error. A second call is without effect, as tests need it.
pub(crate) fn begin(config: &Config) {
    let mut filter = EnvFilter::try_new(&config.log).unwrap_or_else(|_| EnvFilter::new("info"));
    for directive in CAPPED.iter().filter_map(|text| text.parse().ok()) {
        filter = filter.add_directive(directive);
    }
    let registry = tracing_subscriber::registry().with(filter);
    #[cfg(feature = "otlp")]
    let registry = registry.with(crate::otlp::layer(&config.telemetry));
    let begun = match config.log_format {
        LogFormat::Text => {
            // In a journal or a file, colours are escape codes between the words.
            let colours = std::io::stderr().is_terminal();
            let lines = tracing_subscriber::fmt::layer().with_writer(std::io::stderr).with_target(false);
            registry.with(lines.with_ansi(colours)).try_init()
        }
        LogFormat::Json => {
            let lines = tracing_subscriber::fmt::layer().with_writer(std::io::stderr).json();
            // The one span of a call tells its ids; a list of it would tell them twice.
            registry.with(lines.with_span_list(false)).try_init()
        }
    };
    match begun {
        Ok(()) => tell_panics(),
        Err(_) => tracing::debug!("log lines are written already"),
    }
}

/// Tells of panics as of everything else, in one line. A message that was put together may hold what a caller
/// sent, so only one that stands in the program is told; where it happened is told always.
fn tell_panics() {
    std::panic::set_hook(Box::new(|panic| {
        let place = panic.location().map(ToString::to_string).unwrap_or_default();
        let message = panic.payload().downcast_ref::<&'static str>().copied().unwrap_or("(a message with values)");
        tracing::error!(place, message, "panic");
    }));
}
