//! What holds under load, faults and attack. The quick part runs with every test; the recipes of the justfile
//! (`just crash`, `just soak`, `just fuzz`) run the same code for longer.

mod accounts;
mod client_keys;
mod crash;
mod denials;
mod drain;
mod edge;
// A build without debug assertions has no places to stop at.
#[cfg(debug_assertions)]
mod failpoints;
mod faults;
mod headers;
mod hoarding;
mod http2;
mod limits;
mod load;
mod outside;
mod races;
mod rates;
mod replicas;
mod slow;
mod soak;
mod startup;
mod tls;

use crate::harness::Server;

/// Everything that change rows say, as text.
async fn change_texts(server: &Server) -> Vec<String> {
    use sea_orm::{ConnectionTrait, Statement};
    let connection = sea_orm::Database::connect(&server.database.url).await.unwrap();
    let statement = Statement::from_string(
        connection.get_database_backend(),
        "SELECT resource, verb, paths, snapshot, audience FROM change",
    );
    let rows = connection.query_all_raw(statement).await.unwrap();
    let text = |row: &sea_orm::QueryResult, column: &str| row.try_get::<String>("", column).unwrap();
    let texts = rows
        .iter()
        .map(|row| ["resource", "verb", "paths", "snapshot", "audience"].map(|column| text(row, column)).join(" "))
        .collect();
    connection.close().await.unwrap();
    texts
}
