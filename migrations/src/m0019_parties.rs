//! Parties: which job of the system posted an entry; of attachments how large they are and what they prove; rates
//! between currencies.

use sea_orm_migration::prelude::*;

use crate::dialect::{drop_tables, record_table, run};

/// This step.
#[derive(DeriveMigrationName)]
pub(crate) struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        run(
            manager,
            "ALTER TABLE ledger_entry ADD COLUMN job WORD_ ;;
             ALTER TABLE attachment ADD COLUMN size NUMBER_ ;;
             ALTER TABLE attachment ADD COLUMN subject WORD_ ;;
             UPDATE attachment SET size = COALESCE(
                (SELECT u.size FROM attachment_upload u WHERE u.attachment_id = attachment.id),
                (SELECT CAST(SUM(p.size) AS BIGINT) FROM attachment_part p WHERE p.attachment_id = attachment.id)) ;;
             CREATE INDEX ix_attachment_size ON attachment (station_id, state, size) ;;
             CREATE INDEX ix_attachment_subject ON attachment (subject, create_time, id) WHERE subject IS NOT NULL",
        )
        .await?;
        record_table(
            manager,
            "exchange_rate",
            "base_currency WORD_ NOT NULL, quote_currency WORD_ NOT NULL, valid_from WORD_ NOT NULL, external_ref WORD_",
            &["base_currency", "valid_from"],
        )
        .await
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        drop_tables(manager, &["exchange_rate"]).await?;
        run(
            manager,
            "DROP INDEX ix_attachment_subject ;;
             DROP INDEX ix_attachment_size ;;
             ALTER TABLE attachment DROP COLUMN subject ;;
             ALTER TABLE attachment DROP COLUMN size ;;
             ALTER TABLE ledger_entry DROP COLUMN job",
        )
        .await
    }
}
