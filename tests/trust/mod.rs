//! What the process does under load, faults and attack.

mod drain;
mod edge;
mod headers;
mod http2;
mod limits;
mod slow;
mod soak;
mod startup;
mod tls;
