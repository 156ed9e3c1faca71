//! `[limits]`: what one client, and all of them together, may take from this process.
//!
//! Spans of time are written as people say them: `"30s"`, `"250ms"`, `"10m"`.

use std::time::Duration;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::limits;

/// The limits of calls, connections and bodies.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Limits {
    /// Calls that are worked on at once. Twice the connections of the store (`max_connections`) keep it and the
    /// processors busy; more would only wait inside, where nobody can turn them away any more.
    pub max_in_flight: usize,
    /// Sign-ins at once, beside the calls: they wait for hashes, which take long by intent.
    pub max_sign_ins: usize,
    /// Calls that may wait for one of those places; twice as many as there are places while the queue does not empty any
    /// more. More are turned away at once, and the log tells once a second how many.
    pub max_waiting: usize,
    /// For how long a call waits for a place in a burst.
    #[serde(with = "humantime_serde")]
    #[schemars(with = "String")]
    pub max_wait: Duration,
    /// For how long it waits while the queue does not empty any more: a standing queue delays everybody and
    /// serves nobody sooner.
    #[serde(with = "humantime_serde")]
    #[schemars(with = "String")]
    pub max_wait_overloaded: Duration,
    /// Streams (`events:watch`, imports, uploads, downloads) that are open at once, beside the calls.
    pub max_streams: usize,
    /// Streams that one caller may have open, so that nobody has them all.
    pub max_streams_per_caller: usize,
    /// Exports of lists that run at once, beside the calls. Each reads page after page, for minutes.
    pub max_exports: usize,
    /// Exports that one caller may have open, so that nobody has them all.
    pub max_exports_per_caller: usize,
    /// Time that one call may take, from its complete body to its answer. Streams are exempt.
    #[serde(with = "humantime_serde")]
    #[schemars(with = "String")]
    pub request_time: Duration,
    /// Time that a client has for its headers. On HTTP/1.1 also the time that a connection may be idle.
    #[serde(with = "humantime_serde")]
    #[schemars(with = "String")]
    pub header_time: Duration,
    /// Time that a client has for a whole body. A streamed body has no end to wait for, only a rate.
    #[serde(with = "humantime_serde")]
    #[schemars(with = "String")]
    pub body_time: Duration,
    /// Time before the rate of a body counts.
    #[serde(with = "humantime_serde")]
    #[schemars(with = "String")]
    pub body_grace: Duration,
    /// Bytes a second that a body must come with after that.
    pub min_body_bytes_per_second: u64,
    /// Time after which a connection without a call is closed: silent from its start, or idle on HTTP/2.
    #[serde(with = "humantime_serde")]
    #[schemars(with = "String")]
    pub idle_time: Duration,
    /// Time for the TLS handshake.
    #[serde(with = "humantime_serde")]
    #[schemars(with = "String")]
    pub handshake_time: Duration,
    /// Time that a client may take nothing of an answer that is being sent.
    #[serde(with = "humantime_serde")]
    #[schemars(with = "String")]
    pub write_time: Duration,
    /// Age at which a connection is asked to end, give or take a tenth, so that clients spread over replicas.
    #[serde(with = "humantime_serde")]
    #[schemars(with = "String")]
    pub connection_age: Duration,
    /// Time that its open calls then have. Streams are left alone.
    #[serde(with = "humantime_serde")]
    #[schemars(with = "String")]
    pub connection_grace: Duration,
    /// Connections at once.
    pub max_connections: usize,
    /// Connections of one address (IPv6: one /64); 0 for no limit. Behind a proxy, all clients are one address.
    pub max_connections_per_address: usize,
    /// Calls that one HTTP/2 connection may have open.
    pub max_streams_per_connection: u32,
    /// Largest body of one call or line of a stream, in bytes, before and after decompression.
    pub max_body_bytes: usize,
    /// Bytes of bodies that are held for all calls together.
    pub max_buffered_bytes: usize,
    /// Bytes of all headers of one request.
    pub max_header_bytes: usize,
    /// Headers of one request.
    pub max_headers: usize,
    /// Bytes of path and query.
    pub max_uri_bytes: usize,
    /// JSON answers of at least this size are compressed for clients that accept gzip.
    pub compress_from_bytes: u64,
    /// After SIGTERM: time in which the process says that it is not ready, but still takes calls, so that a
    /// balancer sees it.
    #[serde(with = "humantime_serde")]
    #[schemars(with = "String")]
    pub drain_delay: Duration,
    /// Time that open calls have to end after that; then connections are cut.
    #[serde(with = "humantime_serde")]
    #[schemars(with = "String")]
    pub drain_time: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            max_in_flight: 32,
            max_sign_ins: 64,
            max_waiting: 256,
            max_wait: Duration::from_millis(500),
            max_wait_overloaded: Duration::from_millis(20),
            max_streams: 100,
            max_streams_per_caller: 24,
            max_exports: 8,
            max_exports_per_caller: 2,
            request_time: Duration::from_secs(30),
            header_time: Duration::from_secs(20),
            body_time: Duration::from_secs(60),
            body_grace: Duration::from_secs(10),
            min_body_bytes_per_second: 500,
            idle_time: Duration::from_secs(75),
            handshake_time: Duration::from_secs(10),
            write_time: Duration::from_secs(30),
            connection_age: Duration::from_secs(30 * 60),
            connection_grace: Duration::from_secs(60),
            max_connections: 4096,
            max_connections_per_address: 1024,
            max_streams_per_connection: 200,
            max_body_bytes: limits::MAX_BODY_BYTES,
            max_buffered_bytes: 128 * 1024 * 1024,
            max_header_bytes: 32 * 1024,
            max_headers: 100,
            max_uri_bytes: 8 * 1024,
            compress_from_bytes: 1024,
            drain_delay: Duration::from_secs(2),
            drain_time: Duration::from_secs(15),
        }
    }
}

impl Limits {
    /// What can't be meant.
    pub(super) fn fault(&self) -> Option<String> {
        let positive = [
            ("max_in_flight", self.max_in_flight),
            ("max_sign_ins", self.max_sign_ins),
            ("max_streams_per_caller", self.max_streams_per_caller),
            ("max_exports", self.max_exports),
            ("max_exports_per_caller", self.max_exports_per_caller),
            ("max_connections", self.max_connections),
            ("max_streams_per_connection", usize::try_from(self.max_streams_per_connection).unwrap_or(usize::MAX)),
            ("max_body_bytes", self.max_body_bytes),
            ("max_headers", self.max_headers),
            ("max_uri_bytes", self.max_uri_bytes),
        ];
        if let Some((name, _)) = positive.iter().find(|(_, value)| *value == 0) {
            return Some(format!("limits.{name} must be at least 1"));
        }
        let spans = [
            ("request_time", self.request_time),
            ("header_time", self.header_time),
            ("body_time", self.body_time),
            ("idle_time", self.idle_time),
            ("handshake_time", self.handshake_time),
            ("write_time", self.write_time),
            ("connection_age", self.connection_age),
        ];
        if let Some((name, _)) = spans.iter().find(|(_, span)| span.is_zero()) {
            return Some(format!("limits.{name} must be more than 0s: nothing would be in time"));
        }
        if self.max_header_bytes < limits::LEAST_HEADER_BYTES {
            // Below this the HTTP/1.1 parser refuses to begin.
            return Some(format!("limits.max_header_bytes must be at least {}", limits::LEAST_HEADER_BYTES));
        }
        if self.max_buffered_bytes < self.max_body_bytes {
            return Some("limits.max_buffered_bytes must hold at least one body of max_body_bytes".to_owned());
        }
        if self.max_buffered_bytes > tokio::sync::Semaphore::MAX_PERMITS
            || self.max_body_bytes > limits::MOST_BODY_BYTES
        {
            return Some(
                "limits.max_body_bytes must be at most 1 GiB, max_buffered_bytes far below all memory".to_owned(),
            );
        }
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_defaults_can_be_meant_and_zeros_can_not() {
        assert_eq!(Limits::default().fault(), None);
        let closed = Limits { max_in_flight: 0, ..Limits::default() };
        assert_eq!(closed.fault().as_deref(), Some("limits.max_in_flight must be at least 1"));
        let never = Limits { idle_time: Duration::ZERO, ..Limits::default() };
        assert_eq!(never.fault().as_deref(), Some("limits.idle_time must be more than 0s: nothing would be in time"));
        let small = Limits { max_buffered_bytes: 1024, ..Limits::default() };
        assert!(small.fault().is_some());
    }

    #[test]
    fn the_defaults_leave_a_stop_within_twenty_seconds() {
        let limits = Limits::default();
        assert!(limits.drain_delay + limits.drain_time + crate::limits::CUT <= Duration::from_secs(20));
    }
}
