//! Which resources a proposal concerns, so that it is found by them. Undoing loses nothing: the proposals themselves say it.

use sea_orm_migration::prelude::*;

use crate::dialect::{drop_tables, run};

/// This step.
#[derive(DeriveMigrationName)]
pub(crate) struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        // A row of an import is noted before the proposal stands in which it waits.
        run(
            manager,
            "CREATE TABLE change_proposal_resource (
                resource WORD_ NOT NULL, proposal_id KEY_ NOT NULL, PRIMARY KEY (resource, proposal_id)) KEYED_ ;;
             @sqlite INSERT OR IGNORE INTO change_proposal_resource (resource, proposal_id)
                SELECT json_extract(c.value, '$.resource'), p.id FROM change_proposal p, json_each(p.body, '$.commands') c ;;
             @postgres INSERT INTO change_proposal_resource (resource, proposal_id)
                SELECT c->>'resource', p.id FROM change_proposal p, json_array_elements(CAST(p.body AS json)->'commands') c
                ON CONFLICT DO NOTHING",
        )
        .await
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        drop_tables(manager, &["change_proposal_resource"]).await
    }
}
