//! What a list shows of a claim is one value of its row, and less is written with each change: PostgreSQL keeps a
//! change's document in its row, and an index that no query asks for is gone.
//!
//! Claims that are stored already have no such value; they are read from their documents until they change.
//! Undoing loses nothing.

use sea_orm_migration::prelude::*;

use crate::dialect::run;

/// This step.
#[derive(DeriveMigrationName)]
pub(crate) struct Migration;

/// All columns of a change that could be moved out of its row. A row that is written once and hardly read costs
/// twice as much in two tables; and if one column stays, the others would be moved in its place.
const OF_A_CHANGE: [&str; 9] =
    ["resource", "collection", "verb", "paths", "snapshot", "job", "audience", "prev_hash", "hash"];

async fn keep_changes(manager: &SchemaManager<'_>, storage: &str) -> Result<(), DbErr> {
    let columns = OF_A_CHANGE.map(|column| format!("ALTER COLUMN {column} SET STORAGE {storage}")).join(", ");
    leniently(manager, &format!("ALTER TABLE change {columns}")).await
}

/// A server that only speaks PostgreSQL's protocol keeps its own way of storing.
async fn leniently(manager: &SchemaManager<'_>, statement: &str) -> Result<(), DbErr> {
    let script = format!(
        "@postgres DO $$ BEGIN {statement}; EXCEPTION WHEN feature_not_supported OR syntax_error \
         OR invalid_parameter_value THEN NULL; END $$"
    );
    run(manager, &script).await
}

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        keep_changes(manager, "MAIN").await?;
        run(
            manager,
            "ALTER TABLE claim ADD COLUMN head TEXT ;;
             DROP INDEX ix_ledger_posting_claim",
        )
        .await?;
        leniently(manager, "ALTER TABLE claim ALTER COLUMN head SET STORAGE MAIN").await?;
        leniently(manager, "ALTER TABLE claim SET (toast_tuple_target = 1536)").await
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        keep_changes(manager, "EXTENDED").await?;
        run(
            manager,
            "CREATE INDEX ix_ledger_posting_claim ON ledger_posting (claim_id) ;;
             ALTER TABLE claim DROP COLUMN head",
        )
        .await?;
        leniently(manager, "ALTER TABLE claim SET (toast_tuple_target = 1024)").await
    }
}
