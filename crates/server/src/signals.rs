//! What the system and people tell a process.

use tokio::signal::unix::{SignalKind, signal};

/// What told the process to stop.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Signal {
    /// SIGTERM: an orchestrator.
    Terminate,
    /// Ctrl-C: a person.
    Interrupt,
}

/// Waits until somebody wants the process to stop.
pub(crate) async fn signalled() -> Signal {
    let terminate = async {
        match signal(SignalKind::terminate()) {
            Ok(mut signals) => {
                signals.recv().await;
            }
            Err(error) => {
                tracing::warn!(%error, "SIGTERM can't be followed");
                std::future::pending::<()>().await;
            }
        }
    };
    tokio::select! {
        () = terminate => Signal::Terminate,
        interrupted = tokio::signal::ctrl_c() => {
            if let Err(error) = interrupted {
                tracing::warn!(%error, "ctrl-c can't be followed");
            }
            Signal::Interrupt
        }
    }
}

/// SIGHUP reads the certificate again. Where there is none it ends nothing either: whoever reloads every service of a
/// machine means no harm.
pub(crate) fn outlive_hangups(has_certificate: bool) {
    if has_certificate {
        return;
    }
    match signal(SignalKind::hangup()) {
        Ok(mut hangups) => {
            tokio::spawn(async move {
                while hangups.recv().await.is_some() {
                    tracing::info!("SIGHUP: there is no certificate to be read again");
                }
            });
        }
        Err(error) => tracing::warn!(%error, "SIGHUP can't be followed"),
    }
}
