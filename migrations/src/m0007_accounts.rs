//! Accounts under attack and in change: attempts that failed, signing keys that follow one another, and whom
//! outside issuers mean.

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
            "CREATE TABLE sign_in_attempt (
                key BYTES_ NOT NULL PRIMARY KEY, failures NUMBER_ NOT NULL, last_time MOMENT_ NOT NULL,
                blocked_until MOMENT_ NOT NULL) ;;
             CREATE INDEX ix_sign_in_attempt_last_time ON sign_in_attempt (last_time) ;;
             ALTER TABLE signing_key ADD COLUMN activate_time MOMENT_ ;;
             ALTER TABLE signing_key ADD COLUMN verify_until MOMENT_ ;;
             CREATE TABLE outside_identity (
                issuer WORD_ NOT NULL, subject WORD_ NOT NULL, user_id KEY_ NOT NULL, PRIMARY KEY (issuer, subject)) ;;
             CREATE INDEX ix_outside_identity_user ON outside_identity (user_id) ;;
             ALTER TABLE api_client ADD COLUMN public_keys TEXT ;;
             CREATE TABLE used_assertion (hash BYTES_ NOT NULL PRIMARY KEY, expires MOMENT_ NOT NULL) ;;
             CREATE INDEX ix_used_assertion_expires ON used_assertion (expires)",
        )
        .await
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        drop_tables(manager, &["used_assertion", "outside_identity", "sign_in_attempt"]).await?;
        run(
            manager,
            "ALTER TABLE api_client DROP COLUMN public_keys ;;
             ALTER TABLE signing_key DROP COLUMN verify_until ;;
             ALTER TABLE signing_key DROP COLUMN activate_time",
        )
        .await
    }
}
