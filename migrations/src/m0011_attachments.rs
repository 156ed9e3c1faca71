//! Attachments: what is known of files, where their bytes are, which claims rest on them, and which claims
//! need some. Undoing loses all of it but the bytes.

use sea_orm_migration::prelude::*;

use crate::dialect::{drop_tables, record_table, run};

/// This step.
#[derive(DeriveMigrationName)]
pub(crate) struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        run(
            manager,
            "CREATE TABLE attachment (
                id KEY_ NOT NULL PRIMARY KEY, version NUMBER_ NOT NULL, create_time MOMENT_ NOT NULL,
                update_time MOMENT_ NOT NULL, head_hash BYTES_ NOT NULL, body_version NUMBER_ NOT NULL, body TEXT NOT NULL,
                station_id KEY_ NOT NULL, station WORD_ NOT NULL, category WORD_ NOT NULL, state WORD_ NOT NULL,
                content_type WORD_, sha256 WORD_, claim_id KEY_, created_by KEY_ NOT NULL) ;;
             CREATE INDEX ix_attachment_create_time ON attachment (create_time, id) ;;
             CREATE INDEX ix_attachment_station ON attachment (station_id, create_time, id) ;;
             CREATE INDEX ix_attachment_claim ON attachment (claim_id) ;;
             CREATE INDEX ix_attachment_sha256 ON attachment (sha256) ;;
             CREATE TABLE attachment_particulars (
                attachment_id KEY_ NOT NULL PRIMARY KEY REFERENCES attachment (id), file_name TEXT NOT NULL,
                latitude_e7 NUMBER_, longitude_e7 NUMBER_) ;;
             CREATE TABLE attachment_upload (
                attachment_id KEY_ NOT NULL PRIMARY KEY REFERENCES attachment (id), station_id KEY_ NOT NULL,
                size NUMBER_ NOT NULL, received NUMBER_ NOT NULL, last_time MOMENT_ NOT NULL, expire_time MOMENT_ NOT NULL) ;;
             CREATE INDEX ix_attachment_upload_station ON attachment_upload (station_id) ;;
             CREATE INDEX ix_attachment_upload_expire_time ON attachment_upload (expire_time) ;;
             CREATE TABLE attachment_part (
                attachment_id KEY_ NOT NULL REFERENCES attachment (id), start NUMBER_ NOT NULL, size NUMBER_ NOT NULL,
                object KEY_ NOT NULL, PRIMARY KEY (attachment_id, start)) KEYED_ ;;
             CREATE TABLE attachment_use (
                claim_id KEY_ NOT NULL, attachment_id KEY_ NOT NULL, sha256 WORD_ NOT NULL, revision NUMBER_ NOT NULL,
                PRIMARY KEY (claim_id, attachment_id)) KEYED_ ;;
             CREATE INDEX ix_attachment_use_sha256 ON attachment_use (sha256) ;;
             CREATE INDEX ix_attachment_use_attachment ON attachment_use (attachment_id)",
        )
        .await?;
        record_table(
            manager,
            "evidence_rule",
            "display_name WORD_ NOT NULL, kind WORD_, operation WORD_, part WORD_, part_category WORD_, failure_code WORD_, \
             category WORD_, valid_from WORD_ NOT NULL, valid_to WORD_, external_ref WORD_",
            &["display_name", "valid_from"],
        )
        .await
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let tables = [
            "evidence_rule",
            "attachment_use",
            "attachment_part",
            "attachment_upload",
            "attachment_particulars",
            "attachment",
        ];
        drop_tables(manager, &tables).await
    }
}
