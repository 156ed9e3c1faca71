//! Campaigns, where each vehicle stands in each, and which models an active campaign reaches by its filter.
//! Undoing loses all of it; claims keep the code of the campaign that they name.

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
            "campaign",
            "display_name WORD_ NOT NULL, campaign_type WORD_, safety FLAG_, state WORD_, valid_from WORD_ NOT NULL, \
             valid_until WORD_, authority_number WORD_, external_ref WORD_",
            &["display_name", "valid_from"],
        )
        .await?;
        record_table(
            manager,
            "campaign_vehicle",
            "campaign WORD_, vin WORD_, state WORD_, listed FLAG_, claim_id KEY_, exempt_reason WORD_, \
             completion_date WORD_",
            &[],
        )
        .await?;
        run(
            manager,
            "CREATE INDEX ix_campaign_vehicle_vin ON campaign_vehicle (vin, campaign) ;;
             CREATE INDEX ix_campaign_vehicle_place ON campaign_vehicle (campaign, code, id) ;;
             CREATE INDEX ix_campaign_vehicle_state ON campaign_vehicle (campaign, state, listed, code, id) ;;
             CREATE INDEX ix_campaign_vehicle_claim ON campaign_vehicle (claim_id) WHERE claim_id IS NOT NULL ;;
             CREATE TABLE campaign_reach (model WORD_ NOT NULL, campaign WORD_ NOT NULL, campaign_id KEY_ NOT NULL,
                PRIMARY KEY (model, campaign)) KEYED_ ;;
             CREATE INDEX ix_vehicle_model_build ON vehicle (model, build_date)",
        )
        .await
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        run(manager, "DROP INDEX ix_vehicle_model_build").await?;
        drop_tables(manager, &["campaign_reach", "campaign_vehicle", "campaign"]).await
    }
}
