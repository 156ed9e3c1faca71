//! What the jobs look for is found by an index: refresh tokens and sessions by their age, appeals by when their decision
//! is due, supplements by the claim that they add to. Silence counts for recoveries, too, whose recorded answer nobody
//! confirmed in its time.
//!
//! What adds to another claim holds no job of a repair order any more. Rows of before are filled from their documents.
//! Where a clock stood meanwhile, an appeal is looked at too early, which finds nothing to do. Undoing loses nothing.

use sea_orm_migration::prelude::*;

use crate::dialect::run;

/// This step.
#[derive(DeriveMigrationName)]
pub(crate) struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        run(
            manager,
            "CREATE INDEX ix_refresh_token_expires ON refresh_token (expires) ;;
             CREATE INDEX ix_session_last_used ON session (last_used_time) ;;
             ALTER TABLE claim ADD COLUMN decision_due_time MOMENT_ ;;
             @sqlite UPDATE claim SET decision_due_time =
                (SELECT MAX(CAST(strftime('%s', substr(due, 1, 19)) AS INTEGER) * 1000000
                    + CAST(substr(substr(rtrim(due, 'Z'), 21) || '000000', 1, 6) AS INTEGER))
                 FROM (SELECT json_extract(value, '$.decision_due_time') AS due FROM json_each(claim.body, '$.appeals')
                       WHERE json_extract(value, '$.state') = 'OPEN'))
                WHERE open_appeal IS NOT NULL AND hold_reason IS NULL ;;
             @postgres UPDATE claim SET decision_due_time =
                (SELECT MAX(CAST(EXTRACT(EPOCH FROM CAST(appeal->>'decision_due_time' AS TIMESTAMPTZ)) * 1000000 AS BIGINT))
                 FROM jsonb_array_elements(COALESCE(CAST(claim.body AS JSONB)->'appeals', '[]')) AS appeal
                 WHERE appeal->>'state' = 'OPEN')
                WHERE open_appeal IS NOT NULL AND hold_reason IS NULL ;;
             CREATE INDEX ix_claim_decision_due ON claim (decision_due_time, id) WHERE decision_due_time IS NOT NULL ;;
             @sqlite UPDATE recovery_claim SET answer_due_time =
                CAST(strftime('%s', substr(json_extract(body, '$.issue.time'), 1, 19)) AS INTEGER) * 1000000
                + CAST(substr(substr(rtrim(json_extract(body, '$.issue.time'), 'Z'), 21) || '000000', 1, 6) AS INTEGER)
                + (json_extract(body, '$.supplier.terms.contract.answer_days') + 14) * 86400000000
                WHERE state = 'ISSUED' AND body LIKE '%\"pending_answer\":{%' AND body LIKE '%\"pauses\":[]%'
                AND body LIKE '%\"escalate_time\":null%' ;;
             @postgres UPDATE recovery_claim SET answer_due_time =
                CAST(EXTRACT(EPOCH FROM CAST(CAST(body AS JSONB)#>>'{issue,time}' AS TIMESTAMPTZ)) * 1000000 AS BIGINT)
                + (CAST(CAST(body AS JSONB)#>>'{supplier,terms,contract,answer_days}' AS BIGINT) + 14) * 86400000000
                WHERE state = 'ISSUED' AND body LIKE '%\"pending_answer\":{%' AND body LIKE '%\"pauses\":[]%'
                AND body LIKE '%\"escalate_time\":null%' ;;
             ALTER TABLE claim ADD COLUMN supplement_of WORD_ ;;
             @sqlite UPDATE claim SET supplement_of = lower(json_extract(body, '$.header.supplement_of'))
                WHERE body LIKE '%\"supplement_of\":\"%' ;;
             @postgres UPDATE claim SET supplement_of = lower(CAST(body AS JSONB)->'header'->>'supplement_of')
                WHERE body LIKE '%\"supplement_of\":\"%' ;;
             UPDATE claim SET open_job_key = NULL WHERE supplement_of IS NOT NULL ;;
             CREATE INDEX ix_claim_supplement_of ON claim (supplement_of) WHERE supplement_of IS NOT NULL",
        )
        .await
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        run(
            manager,
            "DROP INDEX ix_claim_supplement_of ;;
             ALTER TABLE claim DROP COLUMN supplement_of ;;
             DROP INDEX ix_claim_decision_due ;;
             ALTER TABLE claim DROP COLUMN decision_due_time ;;
             DROP INDEX ix_session_last_used ;;
             DROP INDEX ix_refresh_token_expires",
        )
        .await
    }
}
