//! Proposals of changes that need a second person.

use chrono::{DateTime, Utc};
use recourse_domain::access::{Permit, Scope};
use recourse_domain::catalog::Stored;
use recourse_domain::change_proposals::ChangeProposal;
use recourse_domain::query::page::{ListQuery, Page};
use sea_orm::Value;
use uuid::Uuid;

use crate::aggregates::{self, Aggregate};
use crate::bulk;
use crate::changes::ChangeNote;
use crate::error::StoreError;
use crate::scope::{self, Dimensions};
use crate::sql::{IntoValue, Sql};
use crate::store::{Store, Tx};

impl Aggregate for ChangeProposal {
    const TABLE: &'static str = "change_proposal";
    const DIMENSIONS: Dimensions = scope::CHANGE_PROPOSAL;

    fn id(&self) -> Uuid {
        self.id.0
    }

    fn columns(&self) -> Vec<(&'static str, Value)> {
        let external_ref = Some(self.external_ref.clone()).filter(|text| !text.is_empty());
        vec![
            ("kind", self.kind.word().into_value()),
            ("operation", self.operation.as_str().into_value()),
            ("state", self.state.word().into_value()),
            ("proposed_by", self.proposed_by.0.into_value()),
            ("expire_time", self.expire_time.into_value()),
            ("command_id", self.state.command().map(|command| command.to_string()).into_value()),
            ("external_ref", external_ref.into_value()),
        ]
    }
}

impl Store {
    /// The proposal of a key.
    pub async fn change_proposal(&self, scope: &Scope, id: Uuid) -> Result<Option<Stored<ChangeProposal>>, StoreError> {
        aggregates::by_id(&self.reader, scope, id).await
    }

    /// A page of proposals; with `concerning` only those that concern a resource of one of these names.
    pub async fn change_proposals(
        &self,
        scope: &Scope,
        query: &ListQuery,
        concerning: Option<&[String]>,
    ) -> Result<Page<Stored<ChangeProposal>>, StoreError> {
        let only = concerning.map(|names| {
            let mut sql = Sql::new("id IN (SELECT proposal_id FROM change_proposal_resource WHERE resource IN ");
            sql.push_list(names.iter().map(String::as_str)).push(")");
            sql
        });
        self.aggregates(scope, query, only).await
    }

    /// Proposals that wait although their time is over, the oldest first.
    pub async fn overdue_proposals(
        &self,
        scope: &Scope,
        now: DateTime<Utc>,
        limit: u32,
    ) -> Result<Vec<Uuid>, StoreError> {
        let mut sql =
            Sql::new("SELECT id FROM change_proposal WHERE state = 'PENDING' AND expire_time <= ? AND ").bind(now);
        sql.append(scope::condition(scope, &scope::CHANGE_PROPOSAL));
        sql.push(&format!(" ORDER BY expire_time LIMIT {limit}"));
        sql.all(&self.reader).await?.iter().map(|row| row.get("id")).collect()
    }
}

impl Tx<'_> {
    /// The proposal of a key.
    pub async fn change_proposal(
        &mut self,
        scope: &Scope,
        id: Uuid,
    ) -> Result<Option<Stored<ChangeProposal>>, StoreError> {
        aggregates::by_id(&self.db, scope, id).await
    }

    /// Writes a new proposal and its change row.
    pub async fn insert_change_proposal(
        &mut self,
        permit: &Permit,
        proposal: ChangeProposal,
        note: ChangeNote,
    ) -> Result<Stored<ChangeProposal>, StoreError> {
        let stored = self.insert_aggregate(permit, proposal, note).await?;
        let resources = stored.value.commands.iter().map(|command| command.resource.as_str());
        self.note_proposed(stored.id, resources).await?;
        Ok(stored)
    }

    /// Notes which resources a proposal concerns, also one that is made at the end of an import.
    pub async fn note_proposed(
        &mut self,
        proposal: Uuid,
        resources: impl Iterator<Item = &str>,
    ) -> Result<(), StoreError> {
        bulk::write_rows(
            &self.db,
            "INSERT INTO change_proposal_resource (resource, proposal_id) VALUES",
            resources.map(|resource| vec![resource.into_value(), proposal.into_value()]).collect(),
            " ON CONFLICT (resource, proposal_id) DO NOTHING",
        )
        .await
        .map(|_| ())
    }

    /// Writes a changed proposal and its change row, if nobody else changed it meanwhile.
    pub async fn update_change_proposal(
        &mut self,
        permit: &Permit,
        before: &Stored<ChangeProposal>,
        proposal: ChangeProposal,
        note: ChangeNote,
    ) -> Result<Stored<ChangeProposal>, StoreError> {
        self.update_aggregate(permit, before, proposal, note).await
    }
}
