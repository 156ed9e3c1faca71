//! Requests to correct what is recorded of vehicles.

use recourse_domain::access::{Permit, Scope};
use recourse_domain::catalog::Stored;
use recourse_domain::corrections::Correction;
use recourse_domain::query::page::{ListQuery, Page};
use sea_orm::Value;
use uuid::Uuid;

use crate::aggregates::{self, Aggregate};
use crate::changes::ChangeNote;
use crate::error::StoreError;
use crate::scope::{self, Dimensions};
use crate::sql::IntoValue;
use crate::store::{Store, Tx};

impl Aggregate for Correction {
    const TABLE: &'static str = "correction";
    const DIMENSIONS: Dimensions = scope::CORRECTION;

    fn id(&self) -> Uuid {
        self.id.0
    }

    fn columns(&self) -> Vec<(&'static str, Value)> {
        let station = self.station.as_ref();
        let external_ref = Some(self.external_ref.clone()).filter(|text| !text.is_empty());
        vec![
            ("correction_type", self.value.word().into_value()),
            ("state", self.state.word().into_value()),
            ("vin", self.vin.as_str().into_value()),
            ("station_id", station.map(|station| station.id.0).into_value()),
            ("station", station.map(|station| station.code.to_string()).into_value()),
            ("external_ref", external_ref.into_value()),
            ("open_key", self.open_key().into_value()),
        ]
    }
}

impl Store {
    /// The correction of a key.
    pub async fn correction(&self, scope: &Scope, id: Uuid) -> Result<Option<Stored<Correction>>, StoreError> {
        aggregates::by_id(&self.reader, scope, id).await
    }

    /// A page of corrections.
    pub async fn corrections(&self, scope: &Scope, query: &ListQuery) -> Result<Page<Stored<Correction>>, StoreError> {
        self.aggregates(scope, query, None).await
    }
}

impl Tx<'_> {
    /// The correction of a key.
    pub async fn correction(&mut self, scope: &Scope, id: Uuid) -> Result<Option<Stored<Correction>>, StoreError> {
        aggregates::by_id(&self.db, scope, id).await
    }

    /// Writes a new correction and its change row.
    pub async fn insert_correction(
        &mut self,
        permit: &Permit,
        correction: Correction,
        note: ChangeNote,
    ) -> Result<Stored<Correction>, StoreError> {
        self.insert_aggregate(permit, correction, note).await
    }

    /// Writes a changed correction and its change row, if nobody else changed it meanwhile.
    pub async fn update_correction(
        &mut self,
        permit: &Permit,
        before: &Stored<Correction>,
        correction: Correction,
        note: ChangeNote,
    ) -> Result<Stored<Correction>, StoreError> {
        self.update_aggregate(permit, before, correction, note).await
    }
}
