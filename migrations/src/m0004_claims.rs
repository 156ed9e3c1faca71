//! Claims and their revisions. A claim is one document; what lists and checks ask for stands in columns.

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
            "CREATE TABLE claim (
                id KEY_ NOT NULL PRIMARY KEY, version NUMBER_ NOT NULL, create_time MOMENT_ NOT NULL, update_time MOMENT_ NOT NULL,
                head_hash BYTES_ NOT NULL, body_version NUMBER_ NOT NULL, body TEXT NOT NULL,
                number WORD_ NOT NULL, station_id KEY_ NOT NULL, station WORD_ NOT NULL, created_by KEY_ NOT NULL,
                kind WORD_ NOT NULL, state WORD_ NOT NULL, vin WORD_, causal_part WORD_, failure_code WORD_, campaign WORD_,
                external_ref WORD_, external_repair_order WORD_, external_job WORD_, open_job_key WORD_,
                complaint_date WORD_, repair_completion_date WORD_, submit_order MOMENT_ NOT NULL, submit_time MOMENT_, first_submit_time MOMENT_,
                review_due_time MOMENT_, answer_due_time MOMENT_, auditor KEY_, currency WORD_ NOT NULL,
                requested_minor NUMBER_ NOT NULL, computed_minor NUMBER_ NOT NULL, approved_minor NUMBER_ NOT NULL,
                revision NUMBER_ NOT NULL, finding_errors NUMBER_ NOT NULL, finding_warnings NUMBER_ NOT NULL,
                odometer_in_km NUMBER_) ;;
             CREATE UNIQUE INDEX ux_claim__number ON claim (number) ;;
             CREATE UNIQUE INDEX ux_claim__station_id__external_ref ON claim (station_id, external_ref) WHERE external_ref IS NOT NULL ;;
             CREATE UNIQUE INDEX ux_claim__open_job_key ON claim (open_job_key) WHERE open_job_key IS NOT NULL ;;
             CREATE INDEX ix_claim_station_create ON claim (station_id, create_time, id) ;;
             CREATE INDEX ix_claim_station_update ON claim (station_id, update_time, id) ;;
             CREATE INDEX ix_claim_station_state ON claim (station_id, state, create_time, id) ;;
             CREATE INDEX ix_claim_create ON claim (create_time, id) ;;
             CREATE INDEX ix_claim_update ON claim (update_time, id) ;;
             CREATE INDEX ix_claim_state ON claim (state, create_time, id) ;;
             CREATE INDEX ix_claim_submit ON claim (submit_order, id) ;;
             CREATE INDEX ix_claim_vin_part ON claim (vin, causal_part) ;;
             CREATE INDEX ix_claim_answer_due ON claim (answer_due_time) WHERE answer_due_time IS NOT NULL ;;
             CREATE TABLE claim_sight (claim_id KEY_ NOT NULL, org_id KEY_ NOT NULL, since MOMENT_ NOT NULL,
                PRIMARY KEY (org_id, claim_id)) KEYED_ ;;
             CREATE TABLE claim_revision (claim_id KEY_ NOT NULL, number NUMBER_ NOT NULL, submit_time MOMENT_ NOT NULL,
                submitted_by KEY_ NOT NULL, body_version NUMBER_ NOT NULL, body TEXT NOT NULL, PRIMARY KEY (claim_id, number))",
        )
        .await?;
        append_only(manager, "claim_revision").await
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        drop_tables(manager, &["claim_revision", "claim_sight", "claim"]).await
    }
}
