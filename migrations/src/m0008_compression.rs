//! Documents are compressed with LZ4 where PostgreSQL has it, and a claim's document stands apart from its row:
//! lists read rows, twenty to a page instead of four. What is stored already stays as it is. Undoing loses nothing.

use sea_orm_migration::prelude::*;

use crate::dialect::run;

/// This step.
#[derive(DeriveMigrationName)]
pub(crate) struct Migration;

/// Tables and the columns that hold documents.
const DOCUMENTS: [(&str, &str); 3] = [("claim", "body"), ("claim_revision", "body"), ("change", "snapshot")];

async fn compress(manager: &SchemaManager<'_>, method: &str) -> Result<(), DbErr> {
    for (table, column) in DOCUMENTS {
        // A server that was built without the method, or that only speaks PostgreSQL's protocol, keeps its own.
        let script = format!(
            "@postgres DO $$ BEGIN ALTER TABLE {table} ALTER COLUMN {column} SET COMPRESSION {method}; \
             EXCEPTION WHEN feature_not_supported OR syntax_error THEN NULL; END $$"
        );
        run(manager, &script).await?;
    }
    Ok(())
}

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        compress(manager, "lz4").await?;
        run(
            manager,
            "@postgres DO $$ BEGIN ALTER TABLE claim SET (toast_tuple_target = 1024); \
             EXCEPTION WHEN feature_not_supported OR syntax_error OR invalid_parameter_value THEN NULL; END $$",
        )
        .await
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        compress(manager, "default").await?;
        run(manager, "@postgres ALTER TABLE claim RESET (toast_tuple_target)").await
    }
}
