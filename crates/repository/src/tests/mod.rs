//! The essentials of the store, each on embedded SQLite and, where `RECOURSE_TEST_POSTGRES_URL` names a
//! server, on PostgreSQL. The suite under `/tests` holds the rest.

mod changes;
mod claims;
mod commands;
mod harness;
mod identity;
mod ledger;
mod records;
mod schema;
