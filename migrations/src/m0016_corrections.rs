//! Requests to correct what is recorded of a vehicle. Undoing forgets who asked and decided; what was corrected
//! stays so.

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
            "CREATE TABLE correction (
                id KEY_ NOT NULL PRIMARY KEY, version NUMBER_ NOT NULL, create_time MOMENT_ NOT NULL, update_time MOMENT_ NOT NULL,
                head_hash BYTES_ NOT NULL, body_version NUMBER_ NOT NULL, body TEXT NOT NULL,
                correction_type WORD_ NOT NULL, state WORD_ NOT NULL, vin WORD_ NOT NULL, station_id KEY_, station WORD_,
                external_ref WORD_, open_key WORD_) ;;
             CREATE UNIQUE INDEX ux_correction__open_key ON correction (open_key) WHERE open_key IS NOT NULL ;;
             CREATE INDEX ix_correction_station ON correction (station_id, create_time, id) ;;
             CREATE INDEX ix_correction_create ON correction (create_time, id) ;;
             CREATE INDEX ix_correction_update ON correction (update_time, id) ;;
             CREATE INDEX ix_correction_state ON correction (state, create_time, id) ;;
             CREATE INDEX ix_correction_vin ON correction (vin, create_time, id)",
        )
        .await
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        drop_tables(manager, &["correction"]).await
    }
}
