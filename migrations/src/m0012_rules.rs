//! Adjudication rules, the queues of claims that wait for an auditor, what rules matched, and the count by which
//! automatic approvals are sampled. Undoing forgets which rule decided what; the decisions stay in the claims.

use sea_orm_migration::prelude::*;

use crate::dialect::{append_only, drop_tables, record_table, run};

/// This step.
#[derive(DeriveMigrationName)]
pub(crate) struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        record_table(manager, "review_queue", "display_name WORD_ NOT NULL, external_ref WORD_", &["display_name"])
            .await?;
        record_table(
            manager,
            "adjudication_rule_set",
            "display_name WORD_ NOT NULL, family WORD_, version_number NUMBER_, state WORD_, valid_from WORD_ NOT NULL, \
             external_ref WORD_",
            &["display_name", "valid_from"],
        )
        .await?;
        run(
            manager,
            "ALTER TABLE claim ADD COLUMN queue WORD_ ;;
             ALTER TABLE claim ADD COLUMN queue_order WORD_ NOT NULL DEFAULT '' ;;
             ALTER TABLE claim ADD COLUMN review_due_order MOMENT_ NOT NULL DEFAULT 0 ;;
             UPDATE claim SET review_due_order = review_due_time WHERE review_due_time IS NOT NULL ;;
             CREATE INDEX ix_claim_queue_due ON claim (queue_order, review_due_order, id) WHERE state = 'SUBMITTED' ;;
             CREATE INDEX ix_claim_queue ON claim (queue_order, id) WHERE queue_order > '' ;;
             CREATE INDEX ix_claim_review_due ON claim (review_due_order, id) WHERE review_due_order > 0 ;;
             CREATE INDEX ix_claim_station_submit ON claim (station_id, submit_order) WHERE submit_order > 0 ;;
             CREATE INDEX ix_claim_part_submit ON claim (causal_part, submit_order) WHERE submit_order > 0 ;;
             CREATE TABLE adjudication_hit (claim_id KEY_ NOT NULL, revision NUMBER_ NOT NULL, rule_set KEY_ NOT NULL,
                rule WORD_ NOT NULL, outcome WORD_ NOT NULL, sampled FLAG_ NOT NULL, approved_minor NUMBER_ NOT NULL,
                time MOMENT_ NOT NULL, PRIMARY KEY (claim_id, revision)) ;;
             CREATE INDEX ix_adjudication_hit_rule ON adjudication_hit (rule_set, rule) ;;
             CREATE TABLE adjudication_sample (rule_set KEY_ NOT NULL PRIMARY KEY, approvals NUMBER_ NOT NULL)",
        )
        .await?;
        append_only(manager, "adjudication_hit").await
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        drop_tables(manager, &["adjudication_sample", "adjudication_hit"]).await?;
        run(
            manager,
            "DROP INDEX ix_claim_queue_due ;; DROP INDEX ix_claim_queue ;; DROP INDEX ix_claim_review_due ;;
             DROP INDEX ix_claim_station_submit ;; DROP INDEX ix_claim_part_submit ;;
             ALTER TABLE claim DROP COLUMN review_due_order ;;
             ALTER TABLE claim DROP COLUMN queue_order ;;
             ALTER TABLE claim DROP COLUMN queue",
        )
        .await?;
        drop_tables(manager, &["adjudication_rule_set", "review_queue"]).await
    }
}
