//! Appraisals, share agreements, recovery claims, and the keys that sign conclusions.

use sea_orm_migration::prelude::*;

use crate::dialect::{drop_tables, record_table, run};

/// This step.
#[derive(DeriveMigrationName)]
pub(crate) struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        record_table(
            manager,
            "share_agreement",
            "part WORD_, supplier WORD_, valid_from WORD_ NOT NULL, valid_to WORD_, external_ref WORD_",
            &["part", "supplier", "valid_from"],
        )
        .await?;
        run(
            manager,
            "CREATE TABLE appraisal (
                id KEY_ NOT NULL PRIMARY KEY, version NUMBER_ NOT NULL, create_time MOMENT_ NOT NULL, update_time MOMENT_ NOT NULL,
                head_hash BYTES_ NOT NULL, body_version NUMBER_ NOT NULL, body TEXT NOT NULL,
                number WORD_ NOT NULL, claim_id KEY_ NOT NULL, station_id KEY_ NOT NULL, appraiser_id KEY_ NOT NULL,
                appraiser WORD_ NOT NULL, state WORD_ NOT NULL, open_claim_id KEY_, due_time MOMENT_,
                access_end_time MOMENT_, external_ref WORD_) ;;
             CREATE UNIQUE INDEX ux_appraisal__number ON appraisal (number) ;;
             CREATE UNIQUE INDEX ux_appraisal__open_claim_id ON appraisal (open_claim_id) WHERE open_claim_id IS NOT NULL ;;
             CREATE INDEX ix_appraisal_claim ON appraisal (claim_id) ;;
             CREATE INDEX ix_appraisal_station_create ON appraisal (station_id, create_time, id) ;;
             CREATE INDEX ix_appraisal_appraiser_create ON appraisal (appraiser_id, create_time, id) ;;
             CREATE INDEX ix_appraisal_create ON appraisal (create_time, id) ;;
             CREATE INDEX ix_appraisal_update ON appraisal (update_time, id) ;;
             CREATE INDEX ix_appraisal_access_end ON appraisal (access_end_time) WHERE access_end_time IS NOT NULL ;;
             CREATE TABLE appraisal_party (appraisal_id KEY_ NOT NULL, org_id KEY_ NOT NULL,
                PRIMARY KEY (org_id, appraisal_id)) KEYED_ ;;
             CREATE TABLE conclusion_key (kid WORD_ NOT NULL PRIMARY KEY, pkcs8 BYTES_ NOT NULL, create_time MOMENT_ NOT NULL) ;;
             CREATE TABLE recovery_claim (
                id KEY_ NOT NULL PRIMARY KEY, version NUMBER_ NOT NULL, create_time MOMENT_ NOT NULL, update_time MOMENT_ NOT NULL,
                head_hash BYTES_ NOT NULL, body_version NUMBER_ NOT NULL, body TEXT NOT NULL,
                number WORD_ NOT NULL, claim_id KEY_ NOT NULL, supplier_id KEY_, supplier WORD_, state WORD_ NOT NULL,
                escalated FLAG_ NOT NULL, issue_time MOMENT_, answer_due_time MOMENT_) ;;
             CREATE UNIQUE INDEX ux_recovery_claim__number ON recovery_claim (number) ;;
             CREATE INDEX ix_recovery_claim_claim ON recovery_claim (claim_id) ;;
             CREATE INDEX ix_recovery_claim_supplier_create ON recovery_claim (supplier_id, create_time, id) ;;
             CREATE INDEX ix_recovery_claim_state ON recovery_claim (state, create_time, id) ;;
             CREATE INDEX ix_recovery_claim_create ON recovery_claim (create_time, id) ;;
             CREATE INDEX ix_recovery_claim_update ON recovery_claim (update_time, id) ;;
             CREATE INDEX ix_recovery_claim_due ON recovery_claim (answer_due_time) WHERE answer_due_time IS NOT NULL",
        )
        .await
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        drop_tables(manager, &["recovery_claim", "conclusion_key", "appraisal_party", "appraisal", "share_agreement"])
            .await
    }
}
