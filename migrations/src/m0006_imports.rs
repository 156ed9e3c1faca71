//! Imports: jobs by name, and what became of each of their rows, so that a job can be sent again.

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
            "CREATE TABLE import_job (
                id KEY_ NOT NULL PRIMARY KEY, principal KEY_ NOT NULL, collection WORD_ NOT NULL, name WORD_ NOT NULL,
                mode WORD_ NOT NULL, sends NUMBER_ NOT NULL, create_time MOMENT_ NOT NULL, update_time MOMENT_ NOT NULL) ;;
             CREATE UNIQUE INDEX ux_import_job__principal__collection__name ON import_job (principal, collection, name) ;;
             CREATE INDEX ix_import_job_update_time ON import_job (update_time) ;;
             CREATE TABLE import_row (
                job_id KEY_ NOT NULL REFERENCES import_job (id), number NUMBER_ NOT NULL, hash BYTES_ NOT NULL,
                outcome WORD_ NOT NULL, name WORD_ NOT NULL, version NUMBER_, command_id KEY_ NOT NULL,
                send NUMBER_ NOT NULL, detail TEXT, PRIMARY KEY (job_id, number)) KEYED_",
        )
        .await
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        drop_tables(manager, &["import_row", "import_job"]).await
    }
}
