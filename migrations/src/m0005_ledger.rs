//! The ledger: entries and postings that nothing can change, and causes that post once.

use sea_orm_migration::prelude::*;

use crate::dialect::{append_only, drop_tables, run};

/// This step.
#[derive(DeriveMigrationName)]
pub(crate) struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        run(
            manager,
            "CREATE TABLE ledger_entry (
                id KEY_ NOT NULL PRIMARY KEY, cause WORD_ NOT NULL, event WORD_ NOT NULL, claim_id KEY_,
                effective_date WORD_ NOT NULL, posted_time MOMENT_ NOT NULL, actor KEY_ NOT NULL, actor_org KEY_ NOT NULL,
                reverses KEY_) ;;
             CREATE UNIQUE INDEX ux_ledger_entry__cause ON ledger_entry (cause) ;;
             CREATE INDEX ix_ledger_entry_posted ON ledger_entry (posted_time, id) ;;
             CREATE INDEX ix_ledger_entry_effective ON ledger_entry (effective_date, id) ;;
             CREATE INDEX ix_ledger_entry_claim ON ledger_entry (claim_id) ;;
             CREATE TABLE ledger_posting (
                entry_id KEY_ NOT NULL REFERENCES ledger_entry (id), position NUMBER_ NOT NULL, account WORD_ NOT NULL,
                sub_account KEY_, amount_minor NUMBER_ NOT NULL, currency WORD_ NOT NULL, claim_id KEY_, line NUMBER_,
                PRIMARY KEY (entry_id, position)) ;;
             CREATE INDEX ix_ledger_posting_account ON ledger_posting (account, sub_account, currency) ;;
             CREATE INDEX ix_ledger_posting_claim ON ledger_posting (claim_id)",
        )
        .await?;
        append_only(manager, "ledger_entry").await?;
        append_only(manager, "ledger_posting").await
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        drop_tables(manager, &["ledger_posting", "ledger_entry"]).await
    }
}
