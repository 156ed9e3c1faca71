//! How many connections there are, in all and of each address.

use std::collections::HashMap;
use std::net::{IpAddr, Ipv6Addr};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::gauge::Gauge;

use crate::config::Limits;

/// What the metrics tell of connections.
#[derive(Clone, Debug, Default)]
pub(crate) struct Sockets {
    /// Those that are open.
    pub(crate) open: Gauge,
    /// Those that found no room.
    pub(crate) refused: Counter,
}

/// The counters.
pub(super) struct Doors {
    counts: Arc<Mutex<Counts>>,
    sockets: Sockets,
    most: usize,
    most_of_one: usize,
}

#[derive(Default)]
struct Counts {
    all: usize,
    by_address: HashMap<IpAddr, usize>,
}

/// One open connection; gives its place back when dropped.
pub(super) struct Ticket {
    counts: Arc<Mutex<Counts>>,
    open: Gauge,
    address: IpAddr,
}

impl Doors {
    /// Doors with the limits of the configuration.
    pub(super) fn new(limits: &Limits, sockets: Sockets) -> Self {
        let most_of_one = match limits.max_connections_per_address {
            0 => usize::MAX,
            most => most,
        };
        Self { counts: Arc::default(), sockets, most: limits.max_connections, most_of_one }
    }

    /// Lets a connection in, if there is room for it.
    pub(super) fn open(&self, address: IpAddr) -> Option<Ticket> {
        let ticket = self.ticket(neighbourhood(address));
        if ticket.is_some() {
            self.sockets.open.inc();
        } else {
            self.sockets.refused.inc();
        }
        ticket
    }

    fn ticket(&self, address: IpAddr) -> Option<Ticket> {
        let mut counts = lock(&self.counts);
        if counts.all >= self.most {
            return None;
        }
        let of_one = counts.by_address.entry(address).or_default();
        if *of_one >= self.most_of_one {
            return None;
        }
        *of_one += 1;
        counts.all += 1;
        Some(Ticket { counts: Arc::clone(&self.counts), open: self.sockets.open.clone(), address })
    }
}

impl Drop for Ticket {
    fn drop(&mut self) {
        self.open.dec();
        let mut counts = lock(&self.counts);
        counts.all = counts.all.saturating_sub(1);
        if let Some(of_one) = counts.by_address.get_mut(&self.address) {
            *of_one = of_one.saturating_sub(1);
            if *of_one == 0 {
                // The table holds only those who are here.
                counts.by_address.remove(&self.address);
            }
        }
    }
}

fn lock(counts: &Mutex<Counts>) -> MutexGuard<'_, Counts> {
    counts.lock().unwrap_or_else(PoisonError::into_inner)
}

/// One IPv6 customer has a whole /64 to connect from.
fn neighbourhood(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V4(address) => IpAddr::V4(address),
        IpAddr::V6(address) => {
            let [a, b, c, d, ..] = address.segments();
            IpAddr::V6(Ipv6Addr::new(a, b, c, d, 0, 0, 0, 0))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_address_can_not_take_every_door() {
        let limits = Limits { max_connections: 3, max_connections_per_address: 2, ..Limits::default() };
        let sockets = Sockets::default();
        let doors = Doors::new(&limits, sockets.clone());
        let address = |text: &str| text.parse::<IpAddr>().unwrap();
        let first = doors.open(address("2001:db8::1"));
        let _second = doors.open(address("2001:db8::2"));
        assert!(first.is_some() && doors.open(address("2001:db8::3")).is_none(), "the same /64");
        let third = doors.open(address("192.0.2.1"));
        assert!(third.is_some() && doors.open(address("192.0.2.2")).is_none(), "the process is full");
        drop(first);
        assert!(doors.open(address("2001:db8::3")).is_some());
        drop(third);
        assert_eq!(lock(&doors.counts).by_address.len(), 1, "who has gone is forgotten");
        assert_eq!((sockets.open.get(), sockets.refused.get()), (1, 2));
    }
}
