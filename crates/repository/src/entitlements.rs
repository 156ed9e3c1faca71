//! Entitlements to free services.

use chrono::NaiveDate;
use recourse_domain::access::{Permit, Scope};
use recourse_domain::catalog::Stored;
use recourse_domain::entitlements::ServiceEntitlement;
use recourse_domain::ids::ClaimId;
use recourse_domain::query::page::{ListQuery, Page};
use sea_orm::Value;
use uuid::Uuid;

use crate::aggregates::{self, Aggregate, COLUMNS};
use crate::changes::ChangeNote;
use crate::error::StoreError;
use crate::scope::{self, Dimensions};
use crate::sql::{IntoValue, Sql};
use crate::store::{Store, Tx};

/// Entitlements of one vehicle that a check looks at: more than any policy gives.
const OF_VEHICLE: u32 = 200;

impl Aggregate for ServiceEntitlement {
    const TABLE: &'static str = "service_entitlement";
    const DIMENSIONS: Dimensions = scope::ENTITLEMENT;

    fn id(&self) -> Uuid {
        self.id.0
    }

    fn columns(&self) -> Vec<(&'static str, Value)> {
        vec![
            ("card_number", (&self.card_number).into_value()),
            ("vin", (&self.vin).into_value()),
            ("sequence", i64::from(self.sequence).into_value()),
            ("state", self.state.word().into_value()),
            ("claim_id", self.state.holder().map(|holder| holder.claim.0).into_value()),
            ("last_date", self.last_day.into_value()),
            ("external_ref", Some(self.external_ref.clone()).filter(|text| !text.is_empty()).into_value()),
            ("open_key", self.open_key().into_value()),
        ]
    }
}

impl Store {
    /// The entitlement of a key.
    pub async fn entitlement(&self, scope: &Scope, id: Uuid) -> Result<Option<Stored<ServiceEntitlement>>, StoreError> {
        aggregates::by_id(&self.reader, scope, id).await
    }

    /// A page of entitlements: of one vehicle, or of all.
    pub async fn entitlements(
        &self,
        scope: &Scope,
        vin: Option<&str>,
        query: &ListQuery,
    ) -> Result<Page<Stored<ServiceEntitlement>>, StoreError> {
        self.aggregates(scope, query, vin.map(|vin| Sql::new("vin = ?").bind(vin))).await
    }

    /// Free entitlements whose window ended before a day, the oldest first.
    pub async fn overdue_entitlements(
        &self,
        scope: &Scope,
        before: NaiveDate,
        limit: u32,
    ) -> Result<Vec<Uuid>, StoreError> {
        let mut sql =
            Sql::new("SELECT id FROM service_entitlement WHERE state IN ('ISSUED', 'RELEASED') AND last_date < ? AND ")
                .bind(before);
        sql.append(scope::condition(scope, &scope::ENTITLEMENT));
        sql.push(&format!(" ORDER BY last_date LIMIT {limit}"));
        sql.all(&self.reader).await?.iter().map(|row| row.get("id")).collect()
    }
}

impl Tx<'_> {
    /// The entitlement of a key.
    pub async fn entitlement(
        &mut self,
        scope: &Scope,
        id: Uuid,
    ) -> Result<Option<Stored<ServiceEntitlement>>, StoreError> {
        aggregates::by_id(&self.db, scope, id).await
    }

    /// The entitlements of a vehicle. A fact for a check: it looks past the caller's scope.
    pub async fn entitlements_of_vehicle(&mut self, vin: &str) -> Result<Vec<Stored<ServiceEntitlement>>, StoreError> {
        let sql = Sql::new(&format!(
            "SELECT {COLUMNS} FROM service_entitlement WHERE vin = ? ORDER BY create_time, id LIMIT {OF_VEHICLE}"
        ));
        sql.bind(vin).all(&self.db).await?.iter().map(aggregates::stored).collect()
    }

    /// The entitlements that a claim holds.
    pub async fn entitlements_of_claim(
        &mut self,
        claim: ClaimId,
    ) -> Result<Vec<Stored<ServiceEntitlement>>, StoreError> {
        let sql = Sql::new(&format!("SELECT {COLUMNS} FROM service_entitlement WHERE claim_id = ? ORDER BY id"));
        sql.bind(claim.0).all(&self.db).await?.iter().map(aggregates::stored).collect()
    }

    /// Writes a new entitlement and its change row.
    pub async fn insert_entitlement(
        &mut self,
        permit: &Permit,
        entitlement: ServiceEntitlement,
        note: ChangeNote,
    ) -> Result<Stored<ServiceEntitlement>, StoreError> {
        self.insert_aggregate(permit, entitlement, note).await
    }

    /// Writes a changed entitlement and its change row, if nobody else changed it meanwhile.
    pub async fn update_entitlement(
        &mut self,
        permit: &Permit,
        before: &Stored<ServiceEntitlement>,
        entitlement: ServiceEntitlement,
        note: ChangeNote,
    ) -> Result<Stored<ServiceEntitlement>, StoreError> {
        self.update_aggregate(permit, before, entitlement, note).await
    }
}
