//! How many calls were turned away, told once a second: a line for each would be part of the overload.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

/// How long calls are counted before they are told of.
const TOLD_EVERY: Duration = Duration::from_secs(1);

/// Calls turned away that were not told of yet.
#[derive(Default)]
pub(crate) struct Tally(AtomicU64);

impl Tally {
    /// One more. The first has the log told of all that come within a second.
    pub(crate) fn count(self: &Arc<Self>) {
        if self.0.fetch_add(1, Ordering::Relaxed) == 0 {
            let tally = Arc::clone(self);
            tokio::spawn(async move {
                tokio::time::sleep(TOLD_EVERY).await;
                tally.tell();
            });
        }
    }

    fn tell(&self) {
        let calls = self.0.swap(0, Ordering::Relaxed);
        tracing::warn!(calls, reason = "OVERLOADED", "turned away: more calls than can be worked on at once");
    }
}
