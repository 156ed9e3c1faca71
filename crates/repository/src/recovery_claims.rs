//! Recovery claims: one document a row, with the columns that lists and deadlines ask for beside it.

use chrono::{DateTime, Utc};
use recourse_domain::access::{Permit, Scope};
use recourse_domain::catalog::{Field, FieldKind, Stored};
use recourse_domain::ids::ClaimId;
use recourse_domain::query::page::{ListQuery, Page};
use recourse_domain::recovery_claims::RecoveryClaim;
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

/// What lists of recovery claims may be filtered and ordered by.
pub const RECOVERY_FIELDS: &[Field] = &[
    field("number", "number", FieldKind::CODE, false, true),
    field("state", "state", FieldKind::Text, false, false),
    field("claim", "claim_id", FieldKind::Uuid, false, false),
    field("supplier", "supplier", FieldKind::code_of("suppliers"), false, false),
    field("escalated", "escalated", FieldKind::Bool, false, false),
    field("answer_due_time", "answer_due_time", FieldKind::Time, false, false),
    field("create_time", "create_time", FieldKind::Time, true, false),
    field("update_time", "update_time", FieldKind::Time, true, false),
];

impl Aggregate for RecoveryClaim {
    const TABLE: &'static str = "recovery_claim";
    const DIMENSIONS: Dimensions = scope::RECOVERY_CLAIM;

    fn id(&self) -> Uuid {
        self.id.0
    }

    fn columns(&self) -> Vec<(&'static str, Value)> {
        let supplier = self.supplier.as_ref();
        vec![
            ("number", self.number.clone().into_value()),
            ("claim_id", self.claim.0.into_value()),
            ("supplier_id", supplier.map(|liable| liable.org.0).into_value()),
            ("supplier", supplier.map(|liable| liable.code.to_string()).into_value()),
            ("state", self.state.word().into_value()),
            ("escalated", self.escalate_time.is_some().into_value()),
            ("issue_time", self.issue.as_ref().map(|issue| issue.time).into_value()),
            ("answer_due_time", self.silence_due_time().into_value()),
        ]
    }
}

impl Store {
    /// The recovery claim of a key.
    pub async fn recovery_claim(&self, scope: &Scope, id: Uuid) -> Result<Option<Stored<RecoveryClaim>>, StoreError> {
        aggregates::by_id(&self.reader, scope, id).await
    }

    /// A page of recovery claims.
    pub async fn recovery_claims(
        &self,
        scope: &Scope,
        query: &ListQuery,
    ) -> Result<Page<Stored<RecoveryClaim>>, StoreError> {
        self.aggregates(scope, query, None).await
    }

    /// Issued recovery claims whose supplier is silent beyond its time, the oldest first.
    pub async fn silent_recoveries(
        &self,
        scope: &Scope,
        now: DateTime<Utc>,
        limit: u32,
    ) -> Result<Vec<Uuid>, StoreError> {
        let mut sql = Sql::new("SELECT id FROM recovery_claim WHERE answer_due_time < ? AND ").bind(now);
        sql.append(scope::condition(scope, &scope::RECOVERY_CLAIM));
        sql.push(&format!(" ORDER BY answer_due_time LIMIT {limit}"));
        sql.all(&self.reader).await?.iter().map(|row| row.get("id")).collect()
    }
}

impl Tx<'_> {
    /// The recovery claim of a key.
    pub async fn recovery_claim(
        &mut self,
        scope: &Scope,
        id: Uuid,
    ) -> Result<Option<Stored<RecoveryClaim>>, StoreError> {
        aggregates::by_id(&self.db, scope, id).await
    }

    /// The recovery claims of these keys, in one query.
    pub async fn recovery_claims_of_keys(
        &mut self,
        scope: &Scope,
        ids: &[Uuid],
    ) -> Result<Vec<Stored<RecoveryClaim>>, StoreError> {
        aggregates::with_keys(&self.db, scope, "id", ids.iter().copied()).await
    }

    /// The recovery claims of these claims, the oldest first, in one query.
    pub async fn recoveries_of_claims(
        &mut self,
        scope: &Scope,
        claims: &[ClaimId],
    ) -> Result<Vec<Stored<RecoveryClaim>>, StoreError> {
        aggregates::with_keys(&self.db, scope, "claim_id", claims.iter().map(|claim| claim.0)).await
    }

    /// Writes a new recovery claim and its change row.
    pub async fn insert_recovery_claim(
        &mut self,
        permit: &Permit,
        recovery: RecoveryClaim,
        note: ChangeNote,
    ) -> Result<Stored<RecoveryClaim>, StoreError> {
        self.insert_aggregate(permit, recovery, note).await
    }

    /// Writes a changed recovery claim and its change row, if nobody else changed it meanwhile.
    pub async fn update_recovery_claim(
        &mut self,
        permit: &Permit,
        before: &Stored<RecoveryClaim>,
        recovery: RecoveryClaim,
        note: ChangeNote,
    ) -> Result<Stored<RecoveryClaim>, StoreError> {
        self.update_aggregate(permit, before, recovery, note).await
    }
}
