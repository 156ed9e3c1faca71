//! Prior authorisations.

use std::collections::BTreeSet;

use chrono::NaiveDate;
use recourse_domain::access::{Permit, Scope};
use recourse_domain::authorizations::Authorization;
use recourse_domain::catalog::Stored;
use recourse_domain::ids::{ClaimId, OrgId};
use recourse_domain::query::page::{ListQuery, Page};
use sea_orm::Value;
use uuid::Uuid;

use crate::aggregates::{self, Aggregate, COLUMNS};
use crate::changes::ChangeNote;
use crate::error::StoreError;
use crate::scope::{self, Dimensions};
use crate::sql::{IntoValue, Sql};
use crate::store::{Store, Tx};

impl Aggregate for Authorization {
    const TABLE: &'static str = "prior_authorization";
    const DIMENSIONS: Dimensions = scope::AUTHORIZATION;

    fn id(&self) -> Uuid {
        self.id.0
    }

    fn columns(&self) -> Vec<(&'static str, Value)> {
        vec![
            ("number", (&self.number).into_value()),
            ("state", self.state.word().into_value()),
            ("kind", self.kind.word().into_value()),
            ("station_id", self.station.0.into_value()),
            ("station", self.station_code.as_str().into_value()),
            ("vin", (&self.vin).into_value()),
            ("claim", format!("claims/{}", self.claim).into_value()),
            ("claim_id", self.claim.0.into_value()),
            ("expire_date", self.expire_date.into_value()),
        ]
    }
}

impl Store {
    /// The authorisation of a key.
    pub async fn authorization(&self, scope: &Scope, id: Uuid) -> Result<Option<Stored<Authorization>>, StoreError> {
        aggregates::by_id(&self.reader, scope, id).await
    }

    /// A page of authorisations.
    pub async fn authorizations(
        &self,
        scope: &Scope,
        query: &ListQuery,
    ) -> Result<Page<Stored<Authorization>>, StoreError> {
        self.aggregates(scope, query, None).await
    }

    /// Authorisations whose last day is over and that don't say so, the oldest first.
    pub async fn expired_authorizations(
        &self,
        scope: &Scope,
        today: NaiveDate,
        limit: u32,
    ) -> Result<Vec<Uuid>, StoreError> {
        let mut sql = Sql::new(
            "SELECT id FROM prior_authorization WHERE state IN ('ACTIVE', 'PARTLY_USED') AND expire_date < ? AND ",
        )
        .bind(today);
        sql.append(scope::condition(scope, &scope::AUTHORIZATION));
        sql.push(&format!(" ORDER BY expire_date LIMIT {limit}"));
        sql.all(&self.reader).await?.iter().map(|row| row.get("id")).collect()
    }
}

impl Tx<'_> {
    /// The authorisation of a key.
    pub async fn authorization(
        &mut self,
        scope: &Scope,
        id: Uuid,
    ) -> Result<Option<Stored<Authorization>>, StoreError> {
        aggregates::by_id(&self.db, scope, id).await
    }

    /// The authorisations of a station that are named, by name or by number, in one query. A claim uses what is
    /// its station's, whoever submits or decides it, so no scope is asked.
    pub async fn named_authorizations(
        &mut self,
        station: OrgId,
        names: &BTreeSet<&str>,
    ) -> Result<Vec<Stored<Authorization>>, StoreError> {
        if names.is_empty() {
            return Ok(Vec::new());
        }
        let key = |name: &&str| Uuid::parse_str(name.strip_prefix("authorizations/").unwrap_or(name)).ok();
        let keys: Vec<Uuid> = names.iter().filter_map(key).collect();
        let mut sql =
            Sql::new(&format!("SELECT {COLUMNS} FROM prior_authorization WHERE station_id = ? AND (number IN "));
        sql.add(station.0).push_list(names.iter().map(|name| name.to_ascii_uppercase()));
        if !keys.is_empty() {
            sql.push(" OR id IN ").push_list(keys);
        }
        sql.push(") ORDER BY id");
        sql.all(&self.db).await?.iter().map(aggregates::stored).collect()
    }

    /// The authorisation that a claim gave.
    pub async fn authorization_of_claim(
        &mut self,
        claim: ClaimId,
    ) -> Result<Option<Stored<Authorization>>, StoreError> {
        let sql = Sql::new(&format!("SELECT {COLUMNS} FROM prior_authorization WHERE claim_id = ?")).bind(claim.0);
        sql.one(&self.db).await?.as_ref().map(aggregates::stored).transpose()
    }

    /// Writes a new authorisation and its change row.
    pub async fn insert_authorization(
        &mut self,
        permit: &Permit,
        authorization: Authorization,
        note: ChangeNote,
    ) -> Result<Stored<Authorization>, StoreError> {
        self.insert_aggregate(permit, authorization, note).await
    }

    /// Writes a changed authorisation and its change row, if nobody else changed it meanwhile.
    pub async fn update_authorization(
        &mut self,
        permit: &Permit,
        before: &Stored<Authorization>,
        authorization: Authorization,
        note: ChangeNote,
    ) -> Result<Stored<Authorization>, StoreError> {
        self.update_aggregate(permit, before, authorization, note).await
    }
}
