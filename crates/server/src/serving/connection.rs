//! The life of one connection: how long it may be silent, how old it becomes, and how it ends.

use std::convert::Infallible;
use std::hash::{BuildHasher, Hasher, RandomState};
use std::net::SocketAddr;
use std::time::Duration;

use axum::body::Body;
use axum::extract::ConnectInfo;
use hyper::body::Incoming;
use hyper::rt::{Read, Write};
use hyper_util::rt::TokioExecutor;
use hyper_util::server::conn::auto::Builder;
use tokio::sync::watch;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use super::Front;
use super::calls::{Calls, Kept, OpenCall};
use crate::config::Limits;
use crate::limits;

/// How often a connection is looked at that was asked to end.
const LOOK: Duration = Duration::from_millis(100);

/// The times of one connection.
pub(super) struct Life {
    calls: Calls,
    idle_time: Duration,
    /// When it is asked to end because of its age.
    old_at: Instant,
    grace: Duration,
    /// The longest that a call can take: body, work, answer. What takes longer does not get rid of its answer.
    longest_call: Duration,
    asked: Option<(Instant, Ask)>,
    stopping: watch::Receiver<bool>,
    cut: CancellationToken,
}

/// Why a connection was asked to end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Ask {
    Idle,
    Old,
    Stopping,
}

/// What is to be done now.
#[derive(Debug, PartialEq, Eq)]
enum Step {
    Wait(Instant),
    Ask(Ask),
    Cut(&'static str),
}

impl Life {
    /// A life that begins now.
    pub(super) fn new(limits: &Limits, stopping: watch::Receiver<bool>, cut: CancellationToken) -> Self {
        Self {
            calls: Calls::default(),
            idle_time: limits.idle_time,
            old_at: Instant::now() + jittered(limits.connection_age),
            grace: limits.connection_grace,
            longest_call: limits.body_time + limits.request_time + limits.write_time,
            asked: None,
            stopping,
            cut,
        }
    }

    /// Serves the connection until it ends, by itself or by its times.
    pub(super) async fn run<I>(mut self, builder: &Builder<TokioExecutor>, io: I, peer: SocketAddr, front: Front)
    where
        I: Read + Write + Unpin + Send + 'static,
    {
        let calls = self.calls.clone();
        let service = hyper::service::service_fn(move |request: hyper::Request<Incoming>| {
            let (front, call) = (front.clone(), calls.open());
            async move { Ok::<_, Infallible>(answer(front, request, peer, call).await) }
        });
        let mut connection = std::pin::pin!(builder.serve_connection(io, service));
        let mut stopping = self.stopping.clone();
        let mut step = self.step(Instant::now());
        loop {
            let look = match step {
                Step::Wait(until) => until,
                Step::Ask(why) => {
                    connection.as_mut().graceful_shutdown();
                    self.asked = Some((Instant::now(), why));
                    Instant::now() + LOOK
                }
                Step::Cut(why) => {
                    tracing::debug!(%peer, why, "connection cut");
                    return;
                }
            };
            let is_told = self.asked.is_some_and(|(_, why)| why == Ask::Stopping);
            tokio::select! {
                ended = connection.as_mut() => {
                    if let Err(error) = ended {
                        tracing::debug!(%peer, %error, "connection ended early");
                    }
                    return;
                }
                () = self.cut.cancelled() => return,
                // An error says that the sender is gone, and so is the process.
                _ = stopping.wait_for(|stop| *stop), if !is_told => step = Step::Ask(Ask::Stopping),
                () = tokio::time::sleep_until(look) => step = self.step(Instant::now()),
            }
        }
    }

    fn step(&self, now: Instant) -> Step {
        if let Some(oldest) = self.calls.oldest()
            && now.duration_since(oldest) > self.longest_call
        {
            return Step::Cut("a call does not get rid of its answer");
        }
        let Some((asked, why)) = self.asked else {
            let idle_at = self.calls.idle_since().map_or(now + self.idle_time, |since| since + self.idle_time);
            return match (now >= idle_at, now >= self.old_at) {
                (true, _) => Step::Ask(Ask::Idle),
                (false, true) => Step::Ask(Ask::Old),
                (false, false) => Step::Wait(idle_at.min(self.old_at)),
            };
        };
        if self.calls.done_since().is_some_and(|since| now >= since.max(asked) + limits::GOODBYE) {
            return Step::Cut("it was asked to end and has no call");
        }
        let is_late = self.calls.oldest().is_some() && now >= asked + self.grace;
        match why {
            Ask::Idle | Ask::Old if is_late => Step::Cut("it was asked to end and its calls did not"),
            // The drain has a deadline of its own.
            Ask::Idle | Ask::Old | Ask::Stopping => Step::Wait(now + LOOK),
        }
    }
}

async fn answer(
    front: Front,
    request: hyper::Request<Incoming>,
    peer: SocketAddr,
    call: OpenCall,
) -> hyper::Response<Kept<OpenCall>> {
    let (parts, body) = request.into_parts();
    let response = match front.early(&parts) {
        Some(response) => response,
        None => {
            let mut request = hyper::Request::from_parts(parts, Body::new(body));
            request.extensions_mut().insert(ConnectInfo(peer));
            request.extensions_mut().insert(call.handle());
            front.answer(request).await
        }
    };
    response.map(|body| Kept::new(body, call))
}

/// A tenth more or less, so that connections that began together don't end together.
fn jittered(age: Duration) -> Duration {
    // Every hasher of the standard library begins with keys of its own.
    let spread = RandomState::new().build_hasher().finish() % 2001;
    let tenth = age / 10;
    age - tenth + tenth * u32::try_from(spread).unwrap_or_default() / 1000
}

#[cfg(test)]
mod tests {
    use super::*;

    fn life() -> (Life, watch::Sender<bool>) {
        let (stop, stopping) = watch::channel(false);
        (Life::new(&Limits::default(), stopping, CancellationToken::new()), stop)
    }

    #[test]
    fn ages_differ_by_a_tenth_at_most() {
        let age = Duration::from_secs(1000);
        let ages: Vec<Duration> = (0..200).map(|_| jittered(age)).collect();
        assert!(ages.iter().all(|one| (900..=1100).contains(&one.as_secs())), "{ages:?}");
        assert!(ages.iter().any(|one| *one != ages[0]), "all the same");
    }

    #[test]
    fn a_silent_connection_is_asked_to_end_and_then_cut() {
        let (mut life, _stop) = life();
        let (now, idle) = (Instant::now(), Limits::default().idle_time);
        assert!(matches!(life.step(now), Step::Wait(until) if until <= now + idle));
        assert_eq!(life.step(now + idle), Step::Ask(Ask::Idle));
        life.asked = Some((now + idle, Ask::Idle));
        assert!(matches!(life.step(now + idle), Step::Wait(_)));
        assert!(matches!(life.step(now + idle + limits::GOODBYE), Step::Cut(_)));
    }

    #[test]
    fn an_old_connection_ends_after_its_calls_but_waits_for_streams() {
        let (mut life, _stop) = life();
        let (now, defaults) = (Instant::now(), Limits::default());
        let call = life.calls.open();
        assert!(matches!(life.step(now + defaults.idle_time), Step::Wait(_)), "a call is open");
        call.handle().is_a(super::super::calls::Kind::Stream);
        let old = now + defaults.connection_age * 2;
        assert_eq!(life.step(old), Step::Ask(Ask::Old));
        life.asked = Some((old, Ask::Old));
        assert!(matches!(life.step(old + defaults.connection_grace * 2), Step::Wait(_)), "a stream may last");
        drop(call);
        assert!(matches!(life.step(old + limits::GOODBYE), Step::Cut(_)));
    }

    #[test]
    fn a_call_that_does_not_get_rid_of_its_answer_costs_the_connection() {
        let (life, _stop) = life();
        let _call = life.calls.open();
        assert!(matches!(life.step(Instant::now() + Duration::from_secs(121)), Step::Cut(_)));
    }
}
