//! Verification of the whole history, and the log of what was refused.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use recourse_domain::access::Scope;
use recourse_domain::catalog::{Field, FieldKind};
use recourse_domain::change::Change;
use recourse_domain::ids::{OrgId, UserId};
use recourse_domain::query::page::{ListQuery, Page};
use uuid::Uuid;

use crate::changes::{AGGREGATES, change};
use crate::error::StoreError;
use crate::lists;
use crate::sql::{Row, Runs, Sql};
use crate::store::Store;

/// Resources that are verified at once.
const BATCH: usize = 200;
/// Faults that are told.
const MAX_FAULTS: usize = 1000;

const fn field(name: &'static str, column: &'static str, kind: FieldKind, sortable: bool) -> Field {
    Field { name, column, kind, sortable, prefix: false }
}

/// What lists of refused attempts may be filtered and ordered by.
pub const DENIAL_FIELDS: &[Field] = &[
    field("denial_time", "time", FieldKind::Time, true),
    field("actor_id", "actor", FieldKind::Uuid, false),
    field("rpc", "rpc", FieldKind::Text, false),
    field("reason", "reason", FieldKind::Text, false),
];

/// What the verification of all change rows found.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct HistoryReport {
    /// Resources that were looked at.
    pub resources: u64,
    /// Change rows that were looked at.
    pub changes: u64,
    /// What is wrong, the first thousand faults.
    pub faults: Vec<String>,
}

/// An attempt that was refused.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DenialRow {
    /// Key of the row.
    pub id: Uuid,
    /// When.
    pub time: DateTime<Utc>,
    /// Who tried, if that was known.
    pub actor: Option<UserId>,
    /// For whom.
    pub actor_org: Option<OrgId>,
    /// What was called.
    pub rpc: String,
    /// The public reason.
    pub reason: String,
    /// On which resource.
    pub resource: Option<String>,
    /// How often, where several were counted together.
    pub times: i64,
}

/// What is wrong with the change rows of one resource, oldest first: a flipped byte, a gap, a head that does
/// not fit.
pub(crate) fn fault(changes: &[Change], head: &[u8]) -> Option<String> {
    let mut before: &[u8] = &[];
    for (expected, change) in (1_i64..).zip(changes) {
        let place = format!("{} version {}", change.resource, change.version);
        if change.version != expected {
            return Some(format!("{place}: a row before it is missing"));
        }
        if change.prev_hash != before {
            return Some(format!("{place}: does not follow the row before it"));
        }
        if !change.is_intact() {
            return Some(format!("{place}: was altered"));
        }
        before = &change.hash;
    }
    if before == head {
        return None;
    }
    Some(match changes.last() {
        Some(last) => format!("{}: the newest change row is missing, or the head was altered", last.resource),
        None => "a resource without change rows".to_owned(),
    })
}

impl Store {
    /// Verifies the chain of every resource: its rows follow one another unaltered, the newest is the one that
    /// the resource names, and no resource is gone. All of it is read as it stood at one moment.
    pub async fn verify_history(&self) -> Result<HistoryReport, StoreError> {
        self.read(|tx| Box::pin(verify_history(&tx.db))).await
    }

    /// Notes attempts that were refused, outside of any command's transaction, and keeps the newest `keep`.
    pub async fn log_denials(&self, denials: &[DenialRow], keep: u32) -> Result<(), StoreError> {
        if denials.is_empty() {
            return Ok(());
        }
        self.run(|tx| {
            Box::pin(async move {
                let mut sql =
                    Sql::new("INSERT INTO denial (id, time, actor, actor_org, rpc, reason, resource, times) VALUES ");
                for (index, denial) in denials.iter().enumerate() {
                    sql.push(if index == 0 { "(?, ?, ?, ?, ?, ?, ?, ?)" } else { ", (?, ?, ?, ?, ?, ?, ?, ?)" });
                    sql.add(denial.id).add(denial.time).add(denial.actor.map(|user| user.0));
                    sql.add(denial.actor_org.map(|org| org.0)).add(&denial.rpc).add(&denial.reason);
                    sql.add(denial.resource.clone()).add(denial.times);
                }
                sql.execute(&tx.db).await?;
                let bound =
                    Sql::new(&format!("SELECT time, id FROM denial ORDER BY time DESC, id DESC LIMIT 1 OFFSET {keep}"))
                        .one(&tx.db)
                        .await?;
                if let Some(row) = bound {
                    Sql::new("DELETE FROM denial WHERE (time, id) <= (?, ?)")
                        .bind(row.get::<i64>("time")?)
                        .bind(row.get::<Uuid>("id")?)
                        .execute(&tx.db)
                        .await?;
                }
                Ok(())
            })
        })
        .await
    }

    /// A page of refused attempts. Only who reaches every row sees any.
    pub async fn denials(&self, scope: &Scope, query: &ListQuery) -> Result<Page<DenialRow>, StoreError> {
        if !scope.is_any() {
            return Ok(Page { items: Vec::new(), next: None });
        }
        let mut sql = Sql::new("SELECT * FROM denial WHERE 1 = 1");
        lists::page(&mut sql, query, "id");
        let rows = sql.all(&self.reader).await?;
        lists::cut(&rows, query, "id", denial)
    }
}

async fn verify_history(db: &impl Runs) -> Result<HistoryReport, StoreError> {
    let mut report = HistoryReport::default();
    for (collection, table) in AGGREGATES {
        let mut after = Uuid::nil();
        loop {
            let rows = Sql::new(&format!("SELECT id, head_hash FROM {table} WHERE id > ? ORDER BY id LIMIT {BATCH}"))
                .bind(after)
                .all(db)
                .await?;
            let mut heads: Vec<(Uuid, Vec<u8>)> = Vec::with_capacity(rows.len());
            for row in &rows {
                heads.push((row.get("id")?, row.get("head_hash")?));
            }
            let Some((last, _)) = heads.last() else { break };
            after = *last;
            verify_batch(db, collection, &heads, &mut report).await?;
        }
        let rows = Sql::new(&format!(
            "SELECT DISTINCT resource FROM change WHERE collection = ? \
             AND NOT EXISTS (SELECT 1 FROM {table} t WHERE t.id = change.resource_id) LIMIT {MAX_FAULTS}"
        ))
        .bind(collection)
        .all(db)
        .await?;
        for row in rows {
            report.faults.push(format!("{}: the resource itself is gone", row.get::<String>("resource")?));
        }
    }
    report.faults.truncate(MAX_FAULTS);
    Ok(report)
}

async fn verify_batch(
    db: &impl Runs,
    collection: &str,
    heads: &[(Uuid, Vec<u8>)],
    report: &mut HistoryReport,
) -> Result<(), StoreError> {
    let mut sql = Sql::new("SELECT * FROM change WHERE resource_id IN ");
    sql.push_list(heads.iter().map(|(id, _)| *id)).push(" ORDER BY resource_id, version");
    let mut found: BTreeMap<Uuid, Vec<Change>> = BTreeMap::new();
    for row in sql.all(db).await? {
        let change = change(&row)?;
        found.entry(change.resource_id).or_default().push(change);
        report.changes += 1;
    }
    for (id, head) in heads {
        report.resources += 1;
        let changes = found.remove(id).unwrap_or_default();
        // The hash does not cover the collection, which follows from the resource.
        let astray = changes.iter().find(|change| change.collection != collection);
        let astray = astray.map(|change| {
            format!(
                "{} version {}: was altered, it stands among {}",
                change.resource, change.version, change.collection
            )
        });
        if let Some(fault) = fault(&changes, head).or(astray) {
            report.faults.push(if changes.is_empty() { format!("{collection} {id}: {fault}") } else { fault });
        }
    }
    Ok(())
}

fn denial(row: &Row) -> Result<DenialRow, StoreError> {
    Ok(DenialRow {
        id: row.get("id")?,
        time: row.instant("time")?,
        actor: row.get::<Option<Uuid>>("actor")?.map(UserId),
        actor_org: row.get::<Option<Uuid>>("actor_org")?.map(OrgId),
        rpc: row.get("rpc")?,
        reason: row.get("reason")?,
        resource: row.get("resource")?,
        times: row.get("times")?,
    })
}
