//! Master data: one table a kind, all of one shape, with the columns that its lists ask for.

use sea_orm_migration::prelude::*;

use crate::dialect::{drop_tables, record_table, run};

/// This step.
#[derive(DeriveMigrationName)]
pub(crate) struct Migration;

/// Table, its own columns, and those with an index.
const RECORDS: [(&str, &str, &[&str]); 10] = [
    (
        "station",
        "display_name WORD_ NOT NULL, region WORD_, grade WORD_, currency WORD_, external_ref WORD_",
        &["display_name"],
    ),
    ("supplier", "display_name WORD_ NOT NULL, currency WORD_, external_ref WORD_", &["display_name"]),
    ("appraiser", "display_name WORD_ NOT NULL, in_house FLAG_, external_ref WORD_", &["display_name"]),
    (
        "part",
        "display_name WORD_ NOT NULL, category WORD_, assembly_class WORD_, system WORD_, serialized FLAG_, safety FLAG_, \
         restricted_kind WORD_, superseded_by WORD_, default_supplier WORD_, external_ref WORD_",
        &["display_name", "category", "default_supplier"],
    ),
    (
        "labor_operation",
        "display_name WORD_ NOT NULL, part_category WORD_, skill WORD_, overlap_group WORD_, external_ref WORD_",
        &["display_name"],
    ),
    (
        "failure_code",
        "display_name WORD_ NOT NULL, component_group WORD_, failure_mode WORD_, problem_group WORD_, safety FLAG_, \
         external_ref WORD_",
        &["display_name"],
    ),
    (
        "warranty_policy",
        "display_name WORD_ NOT NULL, policy_family WORD_, version_number NUMBER_, state WORD_, valid_from WORD_ NOT NULL, \
         valid_to WORD_, external_ref WORD_",
        &["display_name", "valid_from", "policy_family"],
    ),
    (
        "part_supply",
        "part WORD_, supplier WORD_, plant WORD_, lot WORD_, valid_from WORD_ NOT NULL, valid_to WORD_, external_ref WORD_",
        &["part", "supplier", "valid_from"],
    ),
    ("setting", "valid_from WORD_ NOT NULL, external_ref WORD_", &["valid_from"]),
    (
        "vehicle",
        "brand WORD_, model WORD_, plant WORD_, lot WORD_, build_date WORD_, drivetrain WORD_, engine_type WORD_, \
         seller WORD_, warranty_start WORD_, vehicle_use WORD_, returned FLAG_, external_ref WORD_",
        &["model", "seller", "warranty_start"],
    ),
];

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        for (table, columns, indexed) in RECORDS {
            record_table(manager, table, columns, indexed).await?;
        }
        run(
            manager,
            "CREATE TABLE odometer_reading (
                id KEY_ NOT NULL PRIMARY KEY, vin WORD_ NOT NULL, date WORD_ NOT NULL, km NUMBER_ NOT NULL,
                source WORD_ NOT NULL, claim_id KEY_, retracted FLAG_ NOT NULL, recorded_time MOMENT_ NOT NULL) ;;
             CREATE INDEX ix_odometer_reading_vin ON odometer_reading (vin, date, id) ;;
             CREATE INDEX ix_odometer_reading_claim ON odometer_reading (claim_id)",
        )
        .await
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        drop_tables(manager, &["odometer_reading"]).await?;
        let tables: Vec<&str> = RECORDS.iter().rev().map(|(table, _, _)| *table).collect();
        drop_tables(manager, &tables).await
    }
}
