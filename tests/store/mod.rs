//! One suite for the store, the same on embedded SQLite and on a real PostgreSQL: what one does the other does
//! too, and where they can't be alike the case says so.

mod adjudication;
mod attachments;
mod attempts;
mod campaigns;
mod changes;
mod claims;
mod commands;
mod feed;
mod filters;
mod fixture;
mod identity;
mod imports;
mod kinds;
mod ledger;
mod lookups;
mod pages;
mod readings;
mod records;
mod retention;
mod schema;
mod scopes;
mod sealed;
mod units;

/// Runs a case on every database there is, over an up-to-date schema of its own. The case's name tells what
/// holds, the name behind it on which database.
macro_rules! on_both_stores {
    ($(async fn $name:ident($store:ident) $body:block)*) => {$(
        async fn $name($store: $crate::store::fixture::TestStore) $body

        mod $name {
            use $crate::harness::Backend;
            use $crate::store::fixture::TestStore;

            #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn sqlite() {
                if let Some(store) = TestStore::new(Backend::Sqlite).await {
                    super::$name(store).await;
                }
            }

            #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn postgres() {
                if let Some(store) = TestStore::new(Backend::Postgres).await {
                    super::$name(store).await;
                }
            }
        }
    )*};
}
use on_both_stores;
