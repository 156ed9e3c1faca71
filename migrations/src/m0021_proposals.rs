//! Proposals of changes that need a second person. Undoing forgets who proposed and confirmed; what was changed stays
//! so.

use sea_orm_migration::prelude::*;

use crate::dialect::{drop_tables, run};

/// This step.
#[derive(DeriveMigrationName)]
pub(crate) struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        run(
            manager,
            "CREATE TABLE change_proposal (
                id KEY_ NOT NULL PRIMARY KEY, version NUMBER_ NOT NULL, create_time MOMENT_ NOT NULL, update_time MOMENT_ NOT NULL,
                head_hash BYTES_ NOT NULL, body_version NUMBER_ NOT NULL, body TEXT NOT NULL,
                kind WORD_ NOT NULL, operation WORD_ NOT NULL, state WORD_ NOT NULL, proposed_by KEY_ NOT NULL,
                expire_time MOMENT_ NOT NULL, command_id WORD_, external_ref WORD_) ;;
             CREATE INDEX ix_change_proposal_create ON change_proposal (create_time, id) ;;
             CREATE INDEX ix_change_proposal_update ON change_proposal (update_time, id) ;;
             CREATE INDEX ix_change_proposal_state ON change_proposal (state, create_time, id) ;;
             CREATE INDEX ix_change_proposal_proposer ON change_proposal (proposed_by, create_time, id) ;;
             CREATE INDEX ix_change_proposal_command ON change_proposal (command_id) WHERE command_id IS NOT NULL ;;
             CREATE INDEX ix_change_proposal_expire ON change_proposal (expire_time) WHERE state = 'PENDING'",
        )
        .await
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        drop_tables(manager, &["change_proposal"]).await
    }
}
