//! The keys that seal page tokens follow one another without downtime, as those that sign access tokens do.

use std::future::Future;
use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};

use crate::api::Api;
use crate::error::Answer;
use crate::identity::passwords::random_secret;

/// How often keys are looked for that another server made, or ended.
const FOLLOW: Duration = Duration::from_millis(500);
/// How long before it seals the successor of an aged key is in the store, where every server finds it.
const ANNOUNCE: TimeDelta = TimeDelta::hours(1);

impl Api {
    /// Lets a new key follow the one that seals page tokens, after `after`; answers from when. What the keys before
    /// it sealed opens for a day more. With `end_old` it seals at once, and what others sealed is refused.
    pub async fn rotate_page_key(&self, after: TimeDelta, end_old: bool) -> Answer<DateTime<Utc>> {
        let inner = &self.inner;
        let (now, fresh) = (inner.wall.now(), random_secret()?);
        let begins = if end_old { now } else { now + after };
        Ok(inner.page_tokens.rotate(&inner.store, fresh.as_bytes(), begins, now, end_old).await?)
    }

    /// Follows the keys that other servers make and end, until `stop`.
    pub async fn follow_page_keys(self, stop: impl Future<Output = ()> + Send) {
        let mut stop = std::pin::pin!(stop);
        loop {
            tokio::select! {
                () = &mut stop => return,
                () = tokio::time::sleep(FOLLOW) => {}
            }
            if let Err(error) = self.inner.page_tokens.refresh(&self.inner.store).await {
                tracing::warn!(%error, "keys of page tokens can't be read");
            }
        }
    }

    /// Makes the next key when the newest is old, and deletes those that open nothing any more.
    pub(crate) async fn tend_page_keys(&self, now: DateTime<Utc>) -> Answer<()> {
        let (tokens, store) = (&self.inner.page_tokens, &self.inner.store);
        tokens.refresh(store).await?;
        if let (Some(age), Some(newest)) = (self.inner.accounts.rotate_keys_after, tokens.newest())
            && newest + age - ANNOUNCE <= now
        {
            self.rotate_page_key(ANNOUNCE.min(age / 2), false).await?;
        }
        let ended = tokens.forget_ended(store, now).await?;
        if ended > 0 {
            tracing::info!(ended, "keys of page tokens have ended");
        }
        Ok(())
    }
}
