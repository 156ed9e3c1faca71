//! The open calls of one connection: what a connection waits for before it ends, and what it doesn't.

use std::collections::BTreeMap;
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll};

use axum::body::Body;
use bytes::Bytes;
use http_body::{Frame, SizeHint};
use tokio::time::Instant;

/// What kind of call a connection has open.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    /// One message in, one out: it ends soon.
    Whole,
    /// It ends when its client wants, or when it is told that the process stops.
    Stream,
    /// It watches the health of the process, and never ends by itself: nothing waits for it.
    Probe,
}

/// The calls that one connection has open.
#[derive(Clone, Default)]
pub(super) struct Calls(Arc<Mutex<Table>>);

struct Table {
    next: u64,
    /// In the order in which they began.
    open: BTreeMap<u64, (Instant, Kind)>,
    idle_since: Instant,
}

impl Default for Table {
    fn default() -> Self {
        Self { next: 0, open: BTreeMap::new(), idle_since: Instant::now() }
    }
}

impl Calls {
    /// One more call.
    pub(super) fn open(&self) -> OpenCall {
        let mut table = self.lock();
        let id = table.next;
        table.next += 1;
        table.open.insert(id, (Instant::now(), Kind::Whole));
        OpenCall(CallHandle { calls: self.clone(), id })
    }

    /// Since when there has been no call at all; `None` while there is one.
    pub(super) fn idle_since(&self) -> Option<Instant> {
        let table = self.lock();
        table.open.is_empty().then_some(table.idle_since)
    }

    /// Since when there has been nothing to wait for; `None` while there is.
    pub(super) fn done_since(&self) -> Option<Instant> {
        let table = self.lock();
        let waits = table.open.values().any(|(_, kind)| *kind != Kind::Probe);
        (!waits).then_some(table.idle_since)
    }

    /// When the oldest call began that is to end soon.
    pub(super) fn oldest(&self) -> Option<Instant> {
        self.lock().open.values().find(|(_, kind)| *kind == Kind::Whole).map(|(began, _)| *began)
    }

    fn lock(&self) -> MutexGuard<'_, Table> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A call from its head to the last byte of its answer.
pub(super) struct OpenCall(CallHandle);

impl OpenCall {
    /// What travels with the request.
    pub(super) fn handle(&self) -> CallHandle {
        self.0.clone()
    }
}

impl Drop for OpenCall {
    fn drop(&mut self) {
        let mut table = self.0.calls.lock();
        table.open.remove(&self.0.id);
        // A probe that stays does not make the connection busy.
        if table.open.values().all(|(_, kind)| *kind == Kind::Probe) {
            table.idle_since = Instant::now();
        }
    }
}

/// A call as its request knows it: it can say what kind it is.
#[derive(Clone)]
pub(crate) struct CallHandle {
    calls: Calls,
    id: u64,
}

impl CallHandle {
    /// Says what kind of call this is.
    pub(crate) fn is_a(&self, kind: Kind) {
        if let Some((_, known)) = self.calls.lock().open.get_mut(&self.id) {
            *known = kind;
        }
    }
}

/// A body that keeps something until it has ended: a place, an open call.
pub(crate) struct Kept<T> {
    body: Body,
    _kept: T,
}

impl<T> Kept<T> {
    /// Keeps `kept` for as long as `body` lasts.
    pub(crate) fn new(body: Body, kept: T) -> Self {
        Self { body, _kept: kept }
    }
}

impl<T: Unpin> http_body::Body for Kept<T> {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
        Pin::new(&mut self.get_mut().body).poll_frame(context)
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_connection_waits_for_calls_and_streams_but_not_for_probes() {
        let calls = Calls::default();
        assert!(calls.idle_since().is_some());
        let (call, probe) = (calls.open(), calls.open());
        assert!(calls.idle_since().is_none() && calls.done_since().is_none() && calls.oldest().is_some());
        probe.handle().is_a(Kind::Probe);
        call.handle().is_a(Kind::Stream);
        assert!(calls.done_since().is_none() && calls.oldest().is_none(), "streams may last");
        drop(call);
        assert!(calls.done_since().is_some() && calls.idle_since().is_none());
        drop(probe);
        assert!(calls.idle_since().is_some());
    }
}
