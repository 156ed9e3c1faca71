//! The one test binary: black box and conformance, on embedded SQLite and on a real PostgreSQL.
#![expect(clippy::unwrap_used, clippy::expect_used, clippy::print_stderr, reason = "tests stop where something is wrong")]

mod api;
mod architecture;
mod contract;
mod harness;
mod scenarios;
mod store;
