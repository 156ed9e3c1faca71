//! Appraisals, and who has sight of a claim because of one.

use chrono::{DateTime, Utc};
use recourse_domain::access::{Permit, Scope};
use recourse_domain::appraisals::Appraisal;
use recourse_domain::catalog::{Field, FieldKind, Stored};
use recourse_domain::ids::{ClaimId, OrgId};
use recourse_domain::query::page::{ListQuery, Page};
use sea_orm::Value;
use uuid::Uuid;

use crate::aggregates::{self, Aggregate};
use crate::changes::ChangeNote;
use crate::error::StoreError;
use crate::scope::{self, Dimensions};
use crate::sql::{IntoValue, Sql};
use crate::store::{Store, Tx};

const fn field(name: &'static str, column: &'static str, kind: FieldKind, sortable: bool, prefix: bool) -> Field {
    Field { name, column, kind, sortable, prefix }
}

/// What lists of appraisals may be filtered and ordered by.
pub const APPRAISAL_FIELDS: &[Field] = &[
    field("number", "number", FieldKind::CODE, false, true),
    field("state", "state", FieldKind::Text, false, false),
    field("claim", "claim_id", FieldKind::Uuid, false, false),
    field("appraiser", "appraiser", FieldKind::code_of("appraisers"), false, false),
    field("due_time", "due_time", FieldKind::Time, false, false),
    field("external_ref", "external_ref", FieldKind::Text, false, true),
    field("create_time", "create_time", FieldKind::Time, true, false),
    field("update_time", "update_time", FieldKind::Time, true, false),
];

impl Aggregate for Appraisal {
    const TABLE: &'static str = "appraisal";
    const DIMENSIONS: Dimensions = scope::APPRAISAL;

    fn id(&self) -> Uuid {
        self.id.0
    }

    fn columns(&self) -> Vec<(&'static str, Value)> {
        let word = self.state.word();
        let external_ref = Some(self.external_ref.clone()).filter(|text| !text.is_empty());
        vec![
            ("number", self.number.clone().into_value()),
            ("claim_id", self.claim.0.into_value()),
            ("station_id", self.station.0.into_value()),
            ("appraiser_id", self.appraiser.0.into_value()),
            ("appraiser", self.appraiser_code.to_string().into_value()),
            ("state", word.word().into_value()),
            ("open_claim_id", Some(self.claim.0).filter(|_| word.is_open()).into_value()),
            ("due_time", self.due_time().into_value()),
            ("access_end_time", self.state.access_end_time().into_value()),
            ("external_ref", external_ref.into_value()),
        ]
    }
}

impl Store {
    /// The appraisal of a key.
    pub async fn appraisal(&self, scope: &Scope, id: Uuid) -> Result<Option<Stored<Appraisal>>, StoreError> {
        aggregates::by_id(&self.reader, scope, id).await
    }

    /// A page of appraisals.
    pub async fn appraisals(&self, scope: &Scope, query: &ListQuery) -> Result<Page<Stored<Appraisal>>, StoreError> {
        self.aggregates(scope, query, None).await
    }

    /// Final appraisals whose appraiser's access is over, the oldest first.
    pub async fn ended_access(&self, scope: &Scope, now: DateTime<Utc>, limit: u32) -> Result<Vec<Uuid>, StoreError> {
        let mut sql = Sql::new("SELECT id FROM appraisal WHERE access_end_time < ? AND ").bind(now);
        sql.append(scope::condition(scope, &scope::APPRAISAL));
        sql.push(&format!(" ORDER BY access_end_time LIMIT {limit}"));
        sql.all(&self.reader).await?.iter().map(|row| row.get("id")).collect()
    }
}

impl Tx<'_> {
    /// The appraisal of a key.
    pub async fn appraisal(&mut self, scope: &Scope, id: Uuid) -> Result<Option<Stored<Appraisal>>, StoreError> {
        aggregates::by_id(&self.db, scope, id).await
    }

    /// The appraisals of these claims, in one query.
    pub async fn appraisals_of_claims(
        &mut self,
        scope: &Scope,
        claims: &[ClaimId],
    ) -> Result<Vec<Stored<Appraisal>>, StoreError> {
        aggregates::with_keys(&self.db, scope, "claim_id", claims.iter().map(|claim| claim.0)).await
    }

    /// Writes a new appraisal, its parties and its change row.
    pub async fn insert_appraisal(
        &mut self,
        permit: &Permit,
        appraisal: Appraisal,
        note: ChangeNote,
    ) -> Result<Stored<Appraisal>, StoreError> {
        for (org, _) in &appraisal.suppliers {
            Sql::new("INSERT INTO appraisal_party (appraisal_id, org_id) VALUES (?, ?) ON CONFLICT DO NOTHING")
                .bind(appraisal.id.0)
                .bind(org.0)
                .execute(&self.db)
                .await?;
        }
        self.insert_aggregate(permit, appraisal, note).await
    }

    /// Writes a changed appraisal and its change row, if nobody else changed it meanwhile.
    pub async fn update_appraisal(
        &mut self,
        permit: &Permit,
        before: &Stored<Appraisal>,
        appraisal: Appraisal,
        note: ChangeNote,
    ) -> Result<Stored<Appraisal>, StoreError> {
        self.update_aggregate(permit, before, appraisal, note).await
    }

    /// Gives an organisation sight of a claim. The claim's change row says so.
    pub async fn give_sight(
        &mut self,
        _permit: &Permit,
        claim: ClaimId,
        org: OrgId,
        since: DateTime<Utc>,
    ) -> Result<(), StoreError> {
        Sql::new("INSERT INTO claim_sight (claim_id, org_id, since) VALUES (?, ?, ?) ON CONFLICT DO NOTHING")
            .bind(claim.0)
            .bind(org.0)
            .bind(since)
            .execute(&self.db)
            .await
            .map(|_| ())
    }

    /// Takes sight of a claim from an organisation. The claim's change row says so.
    pub async fn take_sight(&mut self, _permit: &Permit, claim: ClaimId, org: OrgId) -> Result<(), StoreError> {
        Sql::new("DELETE FROM claim_sight WHERE claim_id = ? AND org_id = ?")
            .bind(claim.0)
            .bind(org.0)
            .execute(&self.db)
            .await
            .map(|_| ())
    }
}
