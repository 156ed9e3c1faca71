//! The one test binary: black box and conformance, on embedded SQLite and on a real PostgreSQL.
#![expect(clippy::unwrap_used, clippy::expect_used, reason = "tests stop where something is wrong")]
#![expect(unreachable_pub, reason = "a test binary has no outside")]

mod api;
mod architecture;
mod contract;
mod demo;
mod harness;
mod import_bench;
mod inputs;
mod operations;
mod scenarios;
mod store;
mod supply_chain;
mod tour;
mod trust;
