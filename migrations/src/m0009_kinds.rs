//! What the kinds of claim draw on: prior authorisations, entitlements to free services, rescue tariffs, and
//! the points of rescue tracks. Undoing loses all of it.

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
            "CREATE TABLE prior_authorization (
                id KEY_ NOT NULL PRIMARY KEY, version NUMBER_ NOT NULL, create_time MOMENT_ NOT NULL, update_time MOMENT_ NOT NULL,
                head_hash BYTES_ NOT NULL, body_version NUMBER_ NOT NULL, body TEXT NOT NULL,
                number WORD_ NOT NULL, state WORD_ NOT NULL, kind WORD_ NOT NULL, station_id KEY_ NOT NULL, station WORD_ NOT NULL,
                vin WORD_ NOT NULL, claim WORD_ NOT NULL, claim_id KEY_ NOT NULL, expire_date WORD_ NOT NULL) ;;
             CREATE UNIQUE INDEX ux_prior_authorization__number ON prior_authorization (number) ;;
             CREATE UNIQUE INDEX ux_prior_authorization__claim_id ON prior_authorization (claim_id) ;;
             CREATE INDEX ix_prior_authorization_station ON prior_authorization (station_id, create_time, id) ;;
             CREATE INDEX ix_prior_authorization_create ON prior_authorization (create_time, id) ;;
             CREATE INDEX ix_prior_authorization_update ON prior_authorization (update_time, id) ;;
             CREATE INDEX ix_prior_authorization_expire ON prior_authorization (expire_date, id) ;;
             CREATE INDEX ix_prior_authorization_state ON prior_authorization (state, expire_date) ;;
             CREATE INDEX ix_prior_authorization_vin ON prior_authorization (vin) ;;
             CREATE TABLE service_entitlement (
                id KEY_ NOT NULL PRIMARY KEY, version NUMBER_ NOT NULL, create_time MOMENT_ NOT NULL, update_time MOMENT_ NOT NULL,
                head_hash BYTES_ NOT NULL, body_version NUMBER_ NOT NULL, body TEXT NOT NULL,
                card_number WORD_ NOT NULL, vin WORD_ NOT NULL, sequence NUMBER_ NOT NULL, state WORD_ NOT NULL,
                claim_id KEY_, last_date WORD_ NOT NULL, open_key WORD_) ;;
             CREATE UNIQUE INDEX ux_service_entitlement__card_number ON service_entitlement (card_number) ;;
             CREATE UNIQUE INDEX ux_service_entitlement__open_key ON service_entitlement (open_key) WHERE open_key IS NOT NULL ;;
             CREATE INDEX ix_service_entitlement_vin ON service_entitlement (vin, create_time, id) ;;
             CREATE INDEX ix_service_entitlement_create ON service_entitlement (create_time, id) ;;
             CREATE INDEX ix_service_entitlement_last_date ON service_entitlement (last_date, id) ;;
             CREATE INDEX ix_service_entitlement_state ON service_entitlement (state, last_date) ;;
             CREATE INDEX ix_service_entitlement_claim ON service_entitlement (claim_id) ;;
             CREATE TABLE rescue_track_point (claim_id KEY_ NOT NULL, trip NUMBER_ NOT NULL, time MOMENT_ NOT NULL,
                latitude_e7 NUMBER_ NOT NULL, longitude_e7 NUMBER_ NOT NULL, accuracy_m NUMBER_ NOT NULL,
                PRIMARY KEY (claim_id, trip, time)) KEYED_ ;;
             CREATE INDEX ix_rescue_track_point_time ON rescue_track_point (time)",
        )
        .await?;
        record_table(
            manager,
            "rescue_tariff",
            "display_name WORD_ NOT NULL, currency WORD_, valid_from WORD_ NOT NULL, valid_to WORD_, external_ref WORD_",
            &["display_name", "valid_from"],
        )
        .await
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        drop_tables(manager, &["rescue_tariff", "rescue_track_point", "service_entitlement", "prior_authorization"])
            .await
    }
}
