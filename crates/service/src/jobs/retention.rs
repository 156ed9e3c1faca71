//! Forgetting what has aged, a bounded piece at a time. What bounds every table is told in the README of the
//! migrations.
//!
//! A look takes no longer than its pieces allow, so that deadlines and the feed never wait for a backlog: what is left
//! has its turn at the next look, seconds later. A stop needs no word: each piece is a transaction of its own.

use chrono::{DateTime, TimeDelta, Utc};
use recourse_repository::{Aged, FORGOTTEN_AT_ONCE, StoreError};

use crate::api::Api;

/// How long idempotency records are kept, and what is known of imports.
const KEEP_REQUESTS: TimeDelta = TimeDelta::days(30);
/// How long a revocation is told to replicas: longer than any access token lives.
const KEEP_REVOCATIONS: TimeDelta = TimeDelta::hours(1);
/// How long a signing key is kept after nothing is verified with it any more.
const KEEP_ENDED_KEYS: TimeDelta = TimeDelta::days(1);
/// Accounts, addresses and devices whose failed attempts are remembered at most: a flood of made-up names
/// pushes the oldest out.
const KEEP_ATTEMPTS: u32 = 500_000;
/// Pieces of one kind that are forgotten in one look.
const PIECES: u32 = 10;

/// How long a deployment keeps what it may forget; nothing means for ever.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Retention {
    /// The entries of the change feed. The changes themselves stay.
    pub feed: Option<TimeDelta>,
    /// Sessions that nobody uses and nobody could continue.
    pub sessions: Option<TimeDelta>,
}

impl Default for Retention {
    fn default() -> Self {
        Self { feed: Some(TimeDelta::days(90)), sessions: Some(TimeDelta::days(90)) }
    }
}

impl Api {
    /// Forgets what has aged, in bounded pieces. What could not be forgotten now is told to the log and tried at the
    /// next look; nothing else waits for it.
    pub async fn forget_aged(&self) {
        let (business, wall) = (self.inner.clock.now(), self.inner.wall.now());
        let accounts = &self.inner.accounts;
        told("request records", self.forget(Aged::Requests, business - KEEP_REQUESTS).await);
        told("imports", self.forget_imports(business - KEEP_REQUESTS).await);
        told("entries of the feed", self.forget_feed(business).await);
        // No token outlives an hour's revocation; a refresh token that has ended is good for nothing.
        told("revocations", self.forget(Aged::Revocations, wall - KEEP_REVOCATIONS).await);
        told("refresh tokens", self.forget(Aged::RefreshTokens, wall).await);
        told("assertions", self.forget(Aged::Assertions, wall).await);
        told("refused attempts", self.forget(Aged::Denials, wall - accounts.keep_denials).await);
        told("sessions", self.forget_sessions(wall).await);
        let aged = accounts.place.forget.max(accounts.account.forget).max(accounts.address.forget);
        told("failed sign-ins", self.forget_attempts(wall, aged).await);
    }

    /// Forgets rows of one kind.
    pub(super) async fn forget(&self, what: Aged, before: DateTime<Utc>) -> Result<(), StoreError> {
        for _ in 0..PIECES {
            if self.inner.store.forget(what, before).await? < u64::from(FORGOTTEN_AT_ONCE) {
                break;
            }
        }
        Ok(())
    }

    async fn forget_imports(&self, before: DateTime<Utc>) -> Result<(), StoreError> {
        for _ in 0..PIECES {
            if self.inner.store.forget_imports(before).await? == 0 {
                break;
            }
        }
        Ok(())
    }

    async fn forget_feed(&self, now: DateTime<Utc>) -> Result<(), StoreError> {
        let Some(keep) = self.inner.retention.feed else { return Ok(()) };
        for _ in 0..PIECES {
            if !self.inner.store.forget_feed(now - keep).await?.has_more {
                break;
            }
        }
        Ok(())
    }

    async fn forget_sessions(&self, now: DateTime<Utc>) -> Result<(), StoreError> {
        let Some(keep) = self.inner.retention.sessions else { return Ok(()) };
        for _ in 0..PIECES {
            if self.inner.store.forget_sessions(now - keep).await? < u64::from(FORGOTTEN_AT_ONCE) {
                break;
            }
        }
        Ok(())
    }

    /// Failed attempts and ended keys: few rows, by whatever bounds their number.
    async fn forget_attempts(&self, now: DateTime<Utc>, aged: TimeDelta) -> Result<(), StoreError> {
        let forgotten: Result<(), StoreError> = self
            .inner
            .store
            .run(|tx| {
                Box::pin(async move {
                    tx.forget_signing_keys(now - KEEP_ENDED_KEYS).await?;
                    tx.forget_attempts(now - aged, KEEP_ATTEMPTS).await.map(|_| ())
                })
            })
            .await;
        forgotten
    }
}

fn told(what: &str, forgotten: Result<(), StoreError>) {
    if let Err(error) = forgotten {
        tracing::warn!(%error, what, "what has aged could not be forgotten");
    }
}
