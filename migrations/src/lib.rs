//! The schema, one text for SQLite and PostgreSQL. See the README beside this folder for the rules.

mod dialect;

mod m0001_foundation;
mod m0002_identity;
mod m0003_catalog;
mod m0004_claims;
mod m0005_ledger;
mod m0006_imports;
mod m0007_accounts;
mod m0008_compression;
mod m0009_kinds;
mod m0011_attachments;
mod m0012_rules;
mod m0013_appraisals;
mod m0014_review;
mod m0015_campaigns;
mod m0016_corrections;
mod m0018_review_whole;
mod m0019_parties;
mod m0020_heads;
mod m0021_proposals;
mod m0023_external_refs;
mod m0024_proposal_resources;
mod m0025_upkeep;

pub use dialect::recorded;
pub use sea_orm_migration::MigratorTrait;
use sea_orm_migration::prelude::*;

/// Every migration, in order.
pub struct Migrator;

impl MigratorTrait for Migrator {
    fn migrations() -> Vec<Box<dyn MigrationTrait>> {
        vec![
            Box::new(m0001_foundation::Migration),
            Box::new(m0002_identity::Migration),
            Box::new(m0003_catalog::Migration),
            Box::new(m0004_claims::Migration),
            Box::new(m0005_ledger::Migration),
            Box::new(m0006_imports::Migration),
            Box::new(m0007_accounts::Migration),
            Box::new(m0008_compression::Migration),
            Box::new(m0009_kinds::Migration),
            Box::new(m0011_attachments::Migration),
            Box::new(m0012_rules::Migration),
            Box::new(m0013_appraisals::Migration),
            Box::new(m0014_review::Migration),
            Box::new(m0015_campaigns::Migration),
            Box::new(m0016_corrections::Migration),
            Box::new(m0018_review_whole::Migration),
            Box::new(m0019_parties::Migration),
            Box::new(m0020_heads::Migration),
            Box::new(m0021_proposals::Migration),
            Box::new(m0023_external_refs::Migration),
            Box::new(m0024_proposal_resources::Migration),
            Box::new(m0025_upkeep::Migration),
        ]
    }
}
