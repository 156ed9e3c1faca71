//! Review: goodwill budgets and what is drawn on them, holds and escalations of claims, notes on claims.

use sea_orm_migration::prelude::*;

use crate::dialect::{append_only, drop_tables, record_table, run};

/// This step.
#[derive(DeriveMigrationName)]
pub(crate) struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        record_table(
            manager,
            "goodwill_budget",
            "region WORD_, currency WORD_, valid_from WORD_ NOT NULL, valid_to WORD_, external_ref WORD_",
            &["region", "valid_from"],
        )
        .await?;
        run(
            manager,
            "CREATE TABLE goodwill_account (budget_id KEY_ NOT NULL PRIMARY KEY, used_minor NUMBER_ NOT NULL,
                reserved_minor NUMBER_ NOT NULL) KEYED_ ;;
             ALTER TABLE claim ADD COLUMN hold_reason WORD_ ;;
             ALTER TABLE claim ADD COLUMN hold_end_time MOMENT_ ;;
             ALTER TABLE claim ADD COLUMN escalation_level NUMBER_ NOT NULL DEFAULT 0 ;;
             CREATE INDEX ix_claim_hold_end ON claim (hold_end_time) WHERE hold_end_time IS NOT NULL ;;
             CREATE TABLE claim_note (
                id KEY_ NOT NULL PRIMARY KEY, version NUMBER_ NOT NULL, create_time MOMENT_ NOT NULL, update_time MOMENT_ NOT NULL,
                head_hash BYTES_ NOT NULL, body_version NUMBER_ NOT NULL, body TEXT NOT NULL,
                claim_id KEY_ NOT NULL, station_id KEY_ NOT NULL, visibility WORD_ NOT NULL) ;;
             CREATE INDEX ix_claim_note_claim ON claim_note (claim_id, create_time, id)",
        )
        .await?;
        append_only(manager, "claim_note").await
    }

    /// Notes, holds, escalations and the sums of what is drawn are lost; what was drawn stands in the decisions.
    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        run(
            manager,
            "DROP INDEX ix_claim_hold_end ;;
             ALTER TABLE claim DROP COLUMN escalation_level ;;
             ALTER TABLE claim DROP COLUMN hold_end_time ;;
             ALTER TABLE claim DROP COLUMN hold_reason",
        )
        .await?;
        drop_tables(manager, &["claim_note", "goodwill_account", "goodwill_budget"]).await
    }
}
