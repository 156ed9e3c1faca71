//! What every command needs: change rows and their feed, idempotency records, leases, keys.

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
            "CREATE TABLE change (
                id KEY_ NOT NULL PRIMARY KEY, command_id KEY_ NOT NULL, resource WORD_ NOT NULL,
                collection WORD_ NOT NULL, resource_id KEY_ NOT NULL, version NUMBER_ NOT NULL, verb WORD_ NOT NULL,
                paths TEXT NOT NULL, snapshot TEXT NOT NULL, actor KEY_ NOT NULL, actor_org KEY_ NOT NULL,
                job WORD_, time MOMENT_ NOT NULL, audience TEXT NOT NULL, prev_hash BYTES_ NOT NULL, hash BYTES_ NOT NULL
             ) ;;
             CREATE UNIQUE INDEX ux_change__resource_id__version ON change (resource_id, version) ;;
             CREATE TABLE change_pending (change_id KEY_ NOT NULL PRIMARY KEY) KEYED_ ;;
             CREATE TABLE feed_entry (org_id KEY_ NOT NULL, position NUMBER_ NOT NULL, change_id KEY_ NOT NULL,
                collection WORD_ NOT NULL, PRIMARY KEY (org_id, position)) KEYED_ ;;
             CREATE TABLE feed_counter (id NUMBER_ NOT NULL PRIMARY KEY, position NUMBER_ NOT NULL, oldest NUMBER_ NOT NULL) ;;
             INSERT INTO feed_counter (id, position, oldest) VALUES (1, 0, 0) ;;
             CREATE TABLE idempotency (
                principal KEY_ NOT NULL, rpc WORD_ NOT NULL, request_id KEY_ NOT NULL, body_hash BYTES_ NOT NULL,
                resource WORD_ NOT NULL, time MOMENT_ NOT NULL, PRIMARY KEY (principal, request_id, rpc)) KEYED_ ;;
             CREATE INDEX ix_idempotency_time ON idempotency (time) ;;
             CREATE TABLE lease (name WORD_ NOT NULL PRIMARY KEY, holder KEY_ NOT NULL, expires MOMENT_ NOT NULL) ;;
             CREATE TABLE denial (
                id KEY_ NOT NULL PRIMARY KEY, time MOMENT_ NOT NULL, actor KEY_, actor_org KEY_, rpc WORD_ NOT NULL,
                reason WORD_ NOT NULL, resource WORD_, times NUMBER_ NOT NULL) ;;
             CREATE INDEX ix_denial_time ON denial (time, id) ;;
             CREATE TABLE key_store (name WORD_ NOT NULL PRIMARY KEY, secret BYTES_ NOT NULL, create_time MOMENT_ NOT NULL)",
        )
        .await?;
        append_only(manager, "change").await
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        drop_tables(
            manager,
            &["key_store", "denial", "lease", "idempotency", "feed_counter", "feed_entry", "change_pending", "change"],
        )
        .await
    }
}
