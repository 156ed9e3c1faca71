//! Review: which claims have an open appeal, for the auditors' lists.

use sea_orm_migration::prelude::*;

use crate::dialect::run;

/// This step.
#[derive(DeriveMigrationName)]
pub(crate) struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        run(
            manager,
            "ALTER TABLE claim ADD COLUMN open_appeal WORD_ ;;
             CREATE INDEX ix_claim_open_appeal ON claim (create_time, id) WHERE open_appeal IS NOT NULL",
        )
        .await
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        run(
            manager,
            "DROP INDEX ix_claim_open_appeal ;;
             ALTER TABLE claim DROP COLUMN open_appeal",
        )
        .await
    }
}
