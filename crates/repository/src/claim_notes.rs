//! Notes on claims. They are only added; the database refuses to change one.

use recourse_domain::access::{Permit, Scope};
use recourse_domain::catalog::Stored;
use recourse_domain::claim_notes::ClaimNote;
use recourse_domain::ids::ClaimId;
use recourse_domain::query::page::{ListQuery, Page};
use sea_orm::Value;
use uuid::Uuid;

use crate::aggregates::{self, Aggregate};
use crate::changes::ChangeNote;
use crate::error::StoreError;
use crate::scope::{self, Dimensions};
use crate::sql::{IntoValue, Sql};
use crate::store::{Store, Tx};

impl Aggregate for ClaimNote {
    const TABLE: &'static str = "claim_note";
    const DIMENSIONS: Dimensions = scope::CLAIM_NOTE;

    fn id(&self) -> Uuid {
        self.id
    }

    fn columns(&self) -> Vec<(&'static str, Value)> {
        vec![
            ("claim_id", self.claim.0.into_value()),
            ("station_id", self.station.0.into_value()),
            ("visibility", self.visibility.word().into_value()),
        ]
    }
}

impl Store {
    /// The note of a key.
    pub async fn claim_note(&self, scope: &Scope, id: Uuid) -> Result<Option<Stored<ClaimNote>>, StoreError> {
        aggregates::by_id(&self.reader, scope, id).await
    }

    /// A page of the notes on a claim.
    pub async fn claim_notes(
        &self,
        scope: &Scope,
        claim: ClaimId,
        query: &ListQuery,
    ) -> Result<Page<Stored<ClaimNote>>, StoreError> {
        self.aggregates(scope, query, Some(Sql::new("claim_id = ?").bind(claim.0))).await
    }
}

impl Tx<'_> {
    /// Writes a note and its change row.
    pub async fn insert_claim_note(
        &mut self,
        permit: &Permit,
        note: ClaimNote,
        change: ChangeNote,
    ) -> Result<Stored<ClaimNote>, StoreError> {
        self.insert_aggregate(permit, note, change).await
    }
}
