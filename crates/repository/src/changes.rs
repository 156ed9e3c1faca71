//! Change rows: every write of an aggregate brings its own, so none can be forgotten.

use chrono::{DateTime, Utc};
use std::collections::{BTreeMap, BTreeSet};

use recourse_domain::access::{Permit, Scope};
use recourse_domain::catalog::Stored;
use recourse_domain::change::Change;
use recourse_domain::ids::{CommandId, OrgId, UserId};
use sea_orm::Value;
use uuid::Uuid;

use crate::audit::fault;
use crate::bulk;
use crate::error::StoreError;
use crate::scope;
use crate::sql::{IntoValue, Row, Sql};
use crate::store::{Store, Tx};

/// What a change row says beside the aggregate itself.
#[derive(Clone, Debug)]
pub struct ChangeNote {
    /// Key of the row.
    pub id: Uuid,
    /// The command; rows of one command share it.
    pub command: CommandId,
    /// Public name of the resource.
    pub resource: String,
    /// Its collection.
    pub collection: &'static str,
    /// What was done.
    pub verb: &'static str,
    /// Which fields changed; empty for a creation.
    pub paths: Vec<String>,
    /// Who may follow it.
    pub audience: Vec<OrgId>,
    /// When.
    pub time: DateTime<Utc>,
}

/// Every kind of resource that change rows are written for, and its table.
pub(crate) const AGGREGATES: [(&str, &str); 30] = [
    ("claims", "claim"),
    ("claimNotes", "claim_note"),
    ("goodwillBudgets", "goodwill_budget"),
    ("authorizations", "prior_authorization"),
    ("serviceEntitlements", "service_entitlement"),
    ("attachments", "attachment"),
    ("users", "user_account"),
    ("apiClients", "api_client"),
    ("stations", "station"),
    ("suppliers", "supplier"),
    ("appraisers", "appraiser"),
    ("parts", "part"),
    ("laborOperations", "labor_operation"),
    ("failureCodes", "failure_code"),
    ("evidenceRules", "evidence_rule"),
    ("warrantyPolicies", "warranty_policy"),
    ("partSupplies", "part_supply"),
    ("shareAgreements", "share_agreement"),
    ("appraisals", "appraisal"),
    ("recoveryClaims", "recovery_claim"),
    ("settings", "setting"),
    ("rescueTariffs", "rescue_tariff"),
    ("vehicles", "vehicle"),
    ("adjudicationRuleSets", "adjudication_rule_set"),
    ("reviewQueues", "review_queue"),
    ("exchangeRates", "exchange_rate"),
    ("campaigns", "campaign"),
    ("campaignVehicles", "campaign_vehicle"),
    ("corrections", "correction"),
    ("changeProposals", "change_proposal"),
];

/// The collections that change rows are written for.
pub fn collections() -> impl Iterator<Item = &'static str> {
    AGGREGATES.iter().map(|(collection, _)| *collection)
}

/// Tables whose rows have no code: their public name is the key.
const KEYED_BY_UUID: [&str; 11] = [
    "claim",
    "claim_note",
    "prior_authorization",
    "service_entitlement",
    "attachment",
    "user_account",
    "api_client",
    "appraisal",
    "recovery_claim",
    "correction",
    "change_proposal",
];

/// How an aggregate's row is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Writing {
    /// Its first version, by an INSERT.
    New,
    /// A later version, by an UPDATE that names the version before it.
    Changed,
}

/// An aggregate's new version before it is written: its change row, sealed.
#[must_use = "a version that is not written leaves no trace"]
pub(crate) struct Version(Change);

impl Version {
    /// The change row of the version that follows `before`, which is its number and its head hash.
    pub(crate) fn after(
        permit: &Permit,
        note: &ChangeNote,
        resource_id: Uuid,
        before: (i64, &[u8]),
        snapshot: String,
    ) -> Self {
        let actor = permit.actor();
        let change = Change {
            id: note.id,
            command: note.command,
            resource: note.resource.clone(),
            collection: note.collection.to_owned(),
            resource_id,
            version: before.0 + 1,
            verb: note.verb.to_owned(),
            paths: note.paths.clone(),
            snapshot,
            actor: actor.user,
            actor_org: actor.org,
            job: actor.job.map(str::to_owned),
            time: to_the_microsecond(note.time),
            audience: note.audience.clone(),
            prev_hash: before.1.to_vec(),
            hash: Vec::new(),
        };
        Self(change.seal())
    }

    /// Its number.
    pub(crate) fn number(&self) -> i64 {
        self.0.version
    }

    /// The hash that the aggregate's row keeps as its head.
    pub(crate) fn hash(&self) -> &[u8] {
        &self.0.hash
    }

    /// When it was made.
    pub(crate) fn time(&self) -> DateTime<Utc> {
        self.0.time
    }

    /// The aggregate as it stands in the store once the version is written.
    pub(crate) fn stored<T>(
        self,
        id: Uuid,
        create_time: Option<DateTime<Utc>>,
        retire_time: Option<DateTime<Utc>>,
        value: T,
    ) -> Stored<T> {
        let Change { version, time, hash, .. } = self.0;
        let create_time = create_time.unwrap_or(time);
        Stored { id, version, create_time, update_time: time, retire_time, head_hash: hash, value }
    }
}

impl Tx<'_> {
    /// Writes an aggregate's row, its change row, and the note that the change has no place in the feed yet.
    /// `table` is the aggregate's. The change row says which version it is, so two writers of one version
    /// meet there, and one of them is [`StoreError::Stale`].
    pub(crate) async fn write_version(
        &mut self,
        version: &Version,
        table: &str,
        row: Sql,
        writing: Writing,
    ) -> Result<(), StoreError> {
        let change = &version.0;
        let mut change_row = Sql::new(INSERT_CHANGE);
        change_row.push(" ").push_list(values(change)?);
        let pending = Sql::new("INSERT INTO change_pending (change_id) VALUES (?)").bind(change.id);
        let written = self.db.write_together(vec![change_row, pending], row, Some(change.resource_id)).await;
        match (written, writing) {
            (Ok(1), Writing::New | Writing::Changed) => Ok(()),
            (Ok(_), Writing::New | Writing::Changed) => Err(StoreError::Stale),
            // The version stands already: somebody else changed the row, or the key of a new one is taken.
            (Err(StoreError::AlreadyExists { what }), Writing::Changed) if STALE.contains(&what.as_str()) => {
                Err(StoreError::Stale)
            }
            (Err(StoreError::AlreadyExists { what }), Writing::New) if what == SAME_VERSION => {
                Err(StoreError::AlreadyExists { what: format!("{table}(key)") })
            }
            (Err(error), Writing::New | Writing::Changed) => Err(error),
        }
    }
}

const INSERT_CHANGE: &str = "INSERT INTO change (id, command_id, resource, collection, resource_id, version, verb, paths, \
    snapshot, actor, actor_org, job, time, audience, prev_hash, hash) VALUES";

/// The values of a change row, in the order of [`INSERT_CHANGE`].
fn values(change: &Change) -> Result<Vec<Value>, StoreError> {
    Ok(vec![
        change.id.into_value(),
        change.command.0.into_value(),
        (&change.resource).into_value(),
        (&change.collection).into_value(),
        change.resource_id.into_value(),
        change.version.into_value(),
        (&change.verb).into_value(),
        json(&change.paths)?.into_value(),
        (&change.snapshot).into_value(),
        change.actor.0.into_value(),
        change.actor_org.0.into_value(),
        change.job.clone().into_value(),
        change.time.into_value(),
        json(&change.audience)?.into_value(),
        (&change.prev_hash).into_value(),
        (&change.hash).into_value(),
    ])
}

impl Tx<'_> {
    /// Writes the change rows of many versions, and the notes that they have no place in the feed yet. The
    /// aggregates' rows are the caller's to write.
    pub(crate) async fn write_changes(&mut self, versions: &[Version]) -> Result<(), StoreError> {
        let changes = versions.iter().map(|version| values(&version.0)).collect::<Result<_, _>>()?;
        bulk::write_rows(&self.db, INSERT_CHANGE, changes, "").await?;
        let pending = versions.iter().map(|version| vec![version.0.id.into_value()]).collect();
        bulk::write_rows(&self.db, "INSERT INTO change_pending (change_id) VALUES", pending, "").await?;
        Ok(())
    }
}

/// The constraint that two writers of one version meet at.
const SAME_VERSION: &str = "change(resource_id, version)";
/// Where a later writer of one version may meet the earlier: what went with that version stands already.
const STALE: [&str; 3] = [SAME_VERSION, "claim_revision(key)", "ledger_entry(cause)"];

/// What both databases keep of an instant.
pub(crate) fn to_the_microsecond(instant: DateTime<Utc>) -> DateTime<Utc> {
    DateTime::from_timestamp_micros(instant.timestamp_micros()).unwrap_or(instant)
}

impl Store {
    /// Events of one resource after a version, oldest first. Who may read the resource is the caller's matter.
    pub async fn events(&self, resource_id: Uuid, after: i64, limit: u32) -> Result<Vec<Change>, StoreError> {
        let rows = Sql::new(&format!(
            "SELECT * FROM change WHERE resource_id = ? AND version > ? ORDER BY version LIMIT {limit}"
        ))
        .bind(resource_id)
        .bind(after)
        .all(&self.reader)
        .await?;
        rows.iter().map(change).collect()
    }

    /// The key of a resource by its public name, if the scope reaches it.
    pub async fn resource_key(&self, scope: &Scope, collection: &str, id: &str) -> Result<Option<Uuid>, StoreError> {
        let Some((_, table)) = AGGREGATES.iter().find(|(known, _)| *known == collection) else { return Ok(None) };
        let dimensions = match *table {
            "claim" => scope::CLAIM,
            "claim_note" => scope::CLAIM_NOTE,
            "prior_authorization" => scope::AUTHORIZATION,
            "appraisal" => scope::APPRAISAL,
            "recovery_claim" => scope::RECOVERY_CLAIM,
            "correction" => scope::CORRECTION,
            "attachment" => scope::ATTACHMENT,
            "user_account" => scope::USER,
            "api_client" => scope::API_CLIENT,
            record => scope::record(record),
        };
        let mut sql = Sql::new(&format!("SELECT id FROM {table} WHERE "));
        if KEYED_BY_UUID.contains(table) {
            let Ok(key) = Uuid::parse_str(id) else { return Ok(None) };
            sql.push("id = ? AND ").add(key);
        } else {
            sql.push("code = ? AND ").add(id);
        }
        sql.append(scope::condition(scope, &dimensions));
        sql.one(&self.reader).await?.map(|row| row.get("id")).transpose()
    }

    /// The public names of organisations.
    pub async fn organization_names(&self, orgs: BTreeSet<OrgId>) -> Result<BTreeMap<OrgId, String>, StoreError> {
        let mut names = BTreeMap::new();
        if orgs.is_empty() {
            return Ok(names);
        }
        let mut sql = Sql::new("");
        for (index, (table, collection)) in
            [("station", "stations/"), ("supplier", "suppliers/"), ("appraiser", "appraisers/")].iter().enumerate()
        {
            sql.push(if index == 0 { "" } else { " UNION ALL " });
            sql.push(&format!("SELECT id, '{collection}' || code AS name FROM {table} WHERE id IN "));
            sql.push_list(orgs.iter().map(|org| org.0));
        }
        for row in sql.all(&self.reader).await? {
            names.insert(OrgId(row.get("id")?), row.get("name")?);
        }
        Ok(names)
    }

    /// What is wrong with the chain of a resource: a flipped byte, a gap, a head that does not fit.
    pub async fn verify_chain(&self, resource_id: Uuid, head: &[u8]) -> Result<Option<String>, StoreError> {
        let rows = Sql::new("SELECT * FROM change WHERE resource_id = ? ORDER BY version")
            .bind(resource_id)
            .all(&self.reader)
            .await?;
        let changes: Vec<Change> = rows.iter().map(change).collect::<Result<_, _>>()?;
        Ok(fault(&changes, head))
    }
}

/// A change row.
pub(crate) fn change(row: &Row) -> Result<Change, StoreError> {
    Ok(Change {
        id: row.get("id")?,
        command: CommandId(row.get("command_id")?),
        resource: row.get("resource")?,
        collection: row.get("collection")?,
        resource_id: row.get("resource_id")?,
        version: row.get("version")?,
        verb: row.get("verb")?,
        paths: row.document("paths")?,
        snapshot: row.get("snapshot")?,
        actor: UserId(row.get("actor")?),
        actor_org: OrgId(row.get("actor_org")?),
        job: row.get("job")?,
        time: row.instant("time")?,
        audience: row.document("audience")?,
        prev_hash: row.get("prev_hash")?,
        hash: row.get("hash")?,
    })
}

/// A value as JSON text.
pub(crate) fn json(value: &impl serde::Serialize) -> Result<String, StoreError> {
    serde_json::to_string(value).map_err(|error| StoreError::Database(format!("a value has no JSON: {error}")))
}
