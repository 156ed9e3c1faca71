//! Who signs in: users and their memberships, sessions, API clients, signing keys. Personal data stands in a
//! table of its own, so that it can be erased while history stays.

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
            "CREATE TABLE user_account (
                id KEY_ NOT NULL PRIMARY KEY, user_name WORD_ NOT NULL, password_hash TEXT NOT NULL, disabled FLAG_ NOT NULL,
                erased FLAG_ NOT NULL, memberships TEXT NOT NULL, version NUMBER_ NOT NULL, create_time MOMENT_ NOT NULL,
                update_time MOMENT_ NOT NULL, head_hash BYTES_ NOT NULL) ;;
             CREATE UNIQUE INDEX ux_user_account__user_name ON user_account (user_name) ;;
             CREATE INDEX ix_user_account_create_time ON user_account (create_time, id) ;;
             CREATE TABLE person (user_id KEY_ NOT NULL PRIMARY KEY, display_name TEXT NOT NULL, email TEXT NOT NULL,
                phone TEXT NOT NULL) ;;
             CREATE TABLE account_org (org_id KEY_ NOT NULL, account_id KEY_ NOT NULL, PRIMARY KEY (org_id, account_id)) ;;
             CREATE INDEX ix_account_org_account ON account_org (account_id) ;;
             CREATE TABLE session (
                id KEY_ NOT NULL PRIMARY KEY, user_id KEY_ NOT NULL, org_id KEY_ NOT NULL, device TEXT NOT NULL,
                create_time MOMENT_ NOT NULL, last_used_time MOMENT_ NOT NULL, revoke_time MOMENT_) ;;
             CREATE INDEX ix_session_user ON session (user_id, id) ;;
             CREATE TABLE refresh_token (
                hash BYTES_ NOT NULL PRIMARY KEY, session_id KEY_ NOT NULL, used_time MOMENT_, expires MOMENT_ NOT NULL) ;;
             CREATE INDEX ix_refresh_token_session ON refresh_token (session_id) ;;
             CREATE TABLE api_client (
                id KEY_ NOT NULL PRIMARY KEY, display_name TEXT NOT NULL, membership TEXT NOT NULL, consenting TEXT NOT NULL,
                secret_hash BYTES_ NOT NULL, revoked FLAG_ NOT NULL, version NUMBER_ NOT NULL, create_time MOMENT_ NOT NULL,
                update_time MOMENT_ NOT NULL, head_hash BYTES_ NOT NULL) ;;
             CREATE TABLE signing_key (kid WORD_ NOT NULL PRIMARY KEY, pkcs8 BYTES_ NOT NULL, create_time MOMENT_ NOT NULL,
                retire_time MOMENT_) ;;
             CREATE TABLE revocation (id KEY_ NOT NULL PRIMARY KEY, subject KEY_ NOT NULL, time MOMENT_ NOT NULL) ;;
             CREATE INDEX ix_revocation_time ON revocation (time)",
        )
        .await
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        drop_tables(
            manager,
            &[
                "revocation",
                "signing_key",
                "api_client",
                "refresh_token",
                "session",
                "account_org",
                "person",
                "user_account",
            ],
        )
        .await
    }
}
