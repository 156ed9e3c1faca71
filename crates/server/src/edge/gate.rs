//! How many calls are worked on at once, and who is turned away.
//!
//! A pure limit refuses what a short wait would have served; a pure queue makes everybody wait for answers
//! that come too late. So a bounded number of calls wait, long enough for a burst to pass; and once the queue
//! has not been empty for a while, only twice as many as there are places, and only briefly: then it is no burst, and
//! whoever can't be served soon is told so at once, before anything is done for him.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::time::Duration;

use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::Instant;

use crate::config::Limits;
use crate::limits;

/// The places of calls that are worked on, and the queue before them.
pub(crate) struct Gate {
    places: Arc<Semaphore>,
    waiting: AtomicUsize,
    max_waiting: usize,
    max_waiting_overloaded: usize,
    burst: Duration,
    standing: Duration,
    began: Instant,
    /// When nobody waited, last; in milliseconds since `began`.
    emptied: AtomicU64,
}

/// Nobody can be let in now.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Full;

impl Gate {
    /// A gate with so many places, and the queue and the patience of the configuration.
    pub(crate) fn new(places: usize, limits: &Limits) -> Self {
        Self {
            places: Arc::new(Semaphore::new(places.min(Semaphore::MAX_PERMITS))),
            waiting: AtomicUsize::new(0),
            max_waiting: limits.max_waiting,
            max_waiting_overloaded: places.saturating_mul(2),
            burst: limits.max_wait,
            standing: limits.max_wait_overloaded.min(limits.max_wait),
            began: Instant::now(),
            emptied: AtomicU64::new(0),
        }
    }

    /// Whether coming in has no prospect: nothing needs to be read of such a call.
    pub(crate) fn check(&self) -> Result<(), Full> {
        let full = self.places.available_permits() == 0 && self.waiting.load(Ordering::Relaxed) >= self.room();
        if full { Err(Full) } else { Ok(()) }
    }

    /// A place, kept for as long as the value lives.
    pub(crate) async fn enter(&self) -> Result<OwnedSemaphorePermit, Full> {
        if let Ok(place) = Arc::clone(&self.places).try_acquire_owned() {
            self.note_if_empty();
            return Ok(place);
        }
        let _waiter = Waiter::join(self)?;
        let place = tokio::time::timeout(self.patience(), Arc::clone(&self.places).acquire_owned()).await;
        place.ok().and_then(Result::ok).ok_or(Full)
    }

    /// How many may wait. Of a standing queue twice as many as there are places: they keep these busy, and those
    /// behind them would mostly wait in vain.
    fn room(&self) -> usize {
        if self.stands() { self.max_waiting.min(self.max_waiting_overloaded) } else { self.max_waiting }
    }

    fn patience(&self) -> Duration {
        if self.stands() { self.standing } else { self.burst }
    }

    /// Whether somebody has waited at every moment of a while.
    fn stands(&self) -> bool {
        let emptied = Duration::from_millis(self.emptied.load(Ordering::Relaxed));
        self.began.elapsed().saturating_sub(emptied) > limits::STANDING
    }

    fn note_if_empty(&self) {
        if self.waiting.load(Ordering::Relaxed) == 0 {
            self.note_empty();
        }
    }

    fn note_empty(&self) {
        let now = u64::try_from(self.began.elapsed().as_millis()).unwrap_or(u64::MAX);
        self.emptied.store(now, Ordering::Relaxed);
    }
}

/// One who waits; leaves the queue also when the caller goes away.
struct Waiter<'a>(&'a Gate);

impl<'a> Waiter<'a> {
    fn join(gate: &'a Gate) -> Result<Self, Full> {
        let room = gate.room();
        let before = gate.waiting.fetch_add(1, Ordering::Relaxed);
        if before == 0 {
            // Until now nobody waited, however long the places have been taken.
            gate.note_empty();
        }
        if before < room {
            return Ok(Self(gate));
        }
        gate.waiting.fetch_sub(1, Ordering::Relaxed);
        Err(Full)
    }
}

impl Drop for Waiter<'_> {
    fn drop(&mut self) {
        self.0.waiting.fetch_sub(1, Ordering::Relaxed);
        self.0.note_if_empty();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn gate(max_in_flight: usize, max_waiting: usize) -> Arc<Gate> {
        let limits = Limits {
            max_waiting,
            max_wait: Duration::from_millis(400),
            max_wait_overloaded: Duration::from_millis(20),
            ..Limits::default()
        };
        Arc::new(Gate::new(max_in_flight, &limits))
    }

    #[tokio::test]
    async fn a_burst_waits_and_is_served() {
        let gate = gate(1, 1);
        let place = gate.enter().await.unwrap();
        let waiter = tokio::spawn({
            let gate = Arc::clone(&gate);
            async move { gate.enter().await.is_ok() }
        });
        tokio::time::sleep(Duration::from_millis(60)).await;
        assert_eq!(gate.check(), Err(Full), "the one place to wait in is taken");
        assert_eq!(gate.enter().await.err(), Some(Full));
        drop(place);
        assert!(waiter.await.unwrap());
        assert_eq!(gate.check(), Ok(()));
    }

    #[tokio::test]
    async fn a_standing_queue_turns_away_soon() {
        let gate = gate(1, 8);
        let _place = gate.enter().await.unwrap();
        let first = tokio::spawn({
            let gate = Arc::clone(&gate);
            async move { gate.enter().await.is_err() }
        });
        tokio::time::sleep(limits::STANDING + Duration::from_millis(50)).await;
        let began = Instant::now();
        assert_eq!(gate.enter().await.err(), Some(Full));
        assert!(began.elapsed() <= Duration::from_millis(200), "{:?}", began.elapsed());
        assert!(first.await.unwrap(), "nobody left the place");
        let began = Instant::now();
        assert_eq!(gate.enter().await.err(), Some(Full));
        assert!(began.elapsed() >= Duration::from_millis(380), "the queue was empty: this is a burst again");
    }

    #[tokio::test]
    async fn the_first_who_waits_for_long_calls_has_the_patience_of_a_burst() {
        let gate = gate(1, 8);
        let _place = gate.enter().await.unwrap();
        tokio::time::sleep(limits::STANDING + Duration::from_millis(50)).await;
        let began = Instant::now();
        assert_eq!(gate.enter().await.err(), Some(Full));
        assert!(began.elapsed() >= Duration::from_millis(380), "{:?}", began.elapsed());
    }

    #[tokio::test]
    async fn in_a_standing_queue_twice_as_many_wait_as_there_are_places() {
        let gate = gate(1, 8);
        let _place = gate.enter().await.unwrap();
        let waiters: Vec<_> = (0..2)
            .map(|_| {
                let gate = Arc::clone(&gate);
                tokio::spawn(async move { gate.enter().await.is_err() })
            })
            .collect();
        tokio::time::sleep(Duration::from_millis(50)).await;
        assert_eq!(gate.check(), Ok(()), "a burst may fill the queue");
        tokio::time::sleep(limits::STANDING).await;
        assert_eq!(gate.check(), Err(Full));
        assert_eq!(gate.enter().await.err(), Some(Full));
        for waiter in waiters {
            assert!(waiter.await.unwrap(), "nobody left the place");
        }
        assert_eq!(gate.check(), Ok(()), "the queue was empty: this is a burst again");
    }

    #[tokio::test]
    async fn who_goes_away_leaves_the_queue() {
        let gate = gate(1, 1);
        let _place = gate.enter().await.unwrap();
        let gone = tokio::time::timeout(Duration::from_millis(10), gate.enter()).await;
        assert!(gone.is_err());
        assert_eq!(gate.check(), Ok(()));
    }
}
