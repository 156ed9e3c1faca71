//! The number that a thing has in the system of whoever created it, also for attachments, entitlements, odometer
//! readings, people and programs; of a reading also which organisation sent it.
//!
//! Undoing forgets the numbers of people, programs and readings; those of documents stay in them.

use sea_orm_migration::prelude::*;

use crate::dialect::run;

/// This step.
#[derive(DeriveMigrationName)]
pub(crate) struct Migration;

/// Tables whose rows get such a number.
const TABLES: [&str; 5] = ["attachment", "service_entitlement", "odometer_reading", "person", "api_client"];

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        for table in TABLES {
            run(manager, &format!("ALTER TABLE {table} ADD COLUMN external_ref WORD_")).await?;
        }
        run(manager, "ALTER TABLE odometer_reading ADD COLUMN origin_id KEY_").await
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        run(manager, "ALTER TABLE odometer_reading DROP COLUMN origin_id").await?;
        for table in TABLES {
            run(manager, &format!("ALTER TABLE {table} DROP COLUMN external_ref")).await?;
        }
        Ok(())
    }
}
