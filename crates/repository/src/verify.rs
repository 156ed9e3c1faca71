//! Whether the rows say one thing: references lead somewhere, the ledger sums to zero, documents are what the
//! change rows say of them, and columns are what the documents say.
//!
//! The hash chain is verified in `audit.rs`; what the ledger should hold is recomputed by the service.

use recourse_domain::appraisals::Appraisal;
use recourse_domain::authorizations::Authorization;
use recourse_domain::claim_notes::ClaimNote;
use recourse_domain::corrections::Correction;
use recourse_domain::entitlements::ServiceEntitlement;
use recourse_domain::ids::OrgId;
use recourse_domain::recovery_claims::RecoveryClaim;
use sea_orm::Value;
use std::collections::BTreeSet;
use uuid::Uuid;

use crate::aggregates;
use crate::changes::AGGREGATES;
use crate::claim_heads;
use crate::claims;
use crate::error::StoreError;
use crate::goodwill_budgets;
use crate::sql::{Row, Runs, Sql};
use crate::store::{Store, Tx};

/// Claims that are compared at once.
const BATCH: usize = 200;
/// Faults that are told of one check.
const MAX_FAULTS: u32 = 100;

/// Columns that name a row of another table by its key: table, column, the other table.
const REFERENCES: [(&str, &str, &str); 30] = [
    ("adjudication_hit", "claim_id", "claim"),
    ("adjudication_hit", "rule_set", "adjudication_rule_set"),
    ("adjudication_sample", "rule_set", "adjudication_rule_set"),
    ("appraisal", "claim_id", "claim"),
    ("attachment", "claim_id", "claim"),
    ("attachment_part", "attachment_id", "attachment"),
    ("attachment_use", "attachment_id", "attachment"),
    ("attachment_use", "claim_id", "claim"),
    ("campaign_reach", "campaign_id", "campaign"),
    ("campaign_vehicle", "claim_id", "claim"),
    ("change_pending", "change_id", "change"),
    ("claim", "station_id", "station"),
    ("claim_note", "claim_id", "claim"),
    ("claim_note", "station_id", "station"),
    ("claim_revision", "claim_id", "claim"),
    ("claim_sight", "claim_id", "claim"),
    ("correction", "station_id", "station"),
    ("feed_entry", "change_id", "change"),
    ("goodwill_account", "budget_id", "goodwill_budget"),
    ("ledger_entry", "claim_id", "claim"),
    ("ledger_entry", "reverses", "ledger_entry"),
    ("ledger_posting", "entry_id", "ledger_entry"),
    ("odometer_reading", "claim_id", "claim"),
    ("person", "user_id", "user_account"),
    ("prior_authorization", "claim_id", "claim"),
    ("prior_authorization", "station_id", "station"),
    ("rescue_track_point", "claim_id", "claim"),
    ("service_entitlement", "claim_id", "claim"),
    ("recovery_claim", "claim_id", "claim"),
    ("session", "user_id", "user_account"),
];

/// What the verification of the rows found.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RowsReport {
    /// Claims whose columns were compared with their documents.
    pub claims: u64,
    /// Postings that were summed.
    pub postings: i64,
    /// What is wrong, at most a hundred faults of each check.
    pub faults: Vec<String>,
}

impl Store {
    /// Verifies the rows against each other, as they stood at one moment.
    pub async fn verify_rows(&self) -> Result<RowsReport, StoreError> {
        self.read(|tx| Box::pin(verify(tx))).await
    }
}

async fn verify(tx: &mut Tx<'_>) -> Result<RowsReport, StoreError> {
    let mut report = RowsReport::default();
    if !tx.is_postgres() {
        embedded_file(&tx.db, &mut report).await?;
    }
    for (table, column, target) in REFERENCES {
        references(&tx.db, table, column, target, &mut report).await?;
    }
    owners(&tx.db, &mut report).await?;
    sums(&tx.db, &mut report).await?;
    for (collection, table) in AGGREGATES {
        documents(&tx.db, collection, table, &mut report).await?;
    }
    revisions(&tx.db, &mut report).await?;
    columns(&tx.db, &mut report).await?;
    let most = usize::try_from(MAX_FAULTS).unwrap_or(usize::MAX);
    report.faults.extend(aggregates::faults::<Appraisal>(&tx.db, most).await?);
    report.faults.extend(aggregates::faults::<RecoveryClaim>(&tx.db, most).await?);
    report.faults.extend(aggregates::faults::<Authorization>(&tx.db, most).await?);
    report.faults.extend(aggregates::faults::<ServiceEntitlement>(&tx.db, most).await?);
    report.faults.extend(aggregates::faults::<Correction>(&tx.db, most).await?);
    report.faults.extend(aggregates::faults::<ClaimNote>(&tx.db, most).await?);
    report.faults.extend(goodwill_budgets::faults(&tx.db, most).await?);
    sights(&tx.db, &mut report).await?;
    Ok(report)
}

/// SQLite keeps no watch over its file while it runs; PostgreSQL has page checksums of its own.
async fn embedded_file(db: &impl Runs, report: &mut RowsReport) -> Result<(), StoreError> {
    for row in Sql::new("SELECT quick_check AS said FROM pragma_quick_check").all(db).await? {
        let said: String = row.get("said")?;
        if said != "ok" {
            report.faults.push(format!("database file: {said}"));
        }
    }
    for row in Sql::new("SELECT \"table\" AS said FROM pragma_foreign_key_check").all(db).await? {
        report.faults.push(format!("foreign key: a row of {} refers to nothing", row.get::<String>("said")?));
    }
    Ok(())
}

async fn references(
    db: &impl Runs,
    table: &str,
    column: &str,
    target: &str,
    report: &mut RowsReport,
) -> Result<(), StoreError> {
    let rows = Sql::new(&format!(
        "SELECT t.{column} AS missing FROM {table} t WHERE t.{column} IS NOT NULL \
         AND NOT EXISTS (SELECT 1 FROM {target} x WHERE x.id = t.{column}) LIMIT {MAX_FAULTS}"
    ))
    .all(db)
    .await?;
    for row in rows {
        let missing: Uuid = row.get("missing")?;
        report.faults.push(format!("{table}.{column}: there is no {target} {missing}"));
    }
    Ok(())
}

/// An attachment is of a station, a supplier, an appraiser or the manufacturer.
async fn owners(db: &impl Runs, report: &mut RowsReport) -> Result<(), StoreError> {
    let mut sql =
        Sql::new("SELECT a.station_id AS missing FROM attachment a WHERE a.station_id <> ?").bind(OrgId::OEM.0);
    for table in ["station", "supplier", "appraiser"] {
        sql.push(&format!(" AND NOT EXISTS (SELECT 1 FROM {table} x WHERE x.id = a.station_id)"));
    }
    sql.push(&format!(" LIMIT {MAX_FAULTS}"));
    for row in sql.all(db).await? {
        let missing: Uuid = row.get("missing")?;
        report.faults.push(format!("attachment.station_id: there is no organisation {missing}"));
    }
    Ok(())
}

/// Every currency sums to zero, and so does every entry in each of its currencies.
async fn sums(db: &impl Runs, report: &mut RowsReport) -> Result<(), StoreError> {
    let rows = Sql::new(
        "SELECT currency, COUNT(*) AS postings, CAST(SUM(amount_minor) AS BIGINT) AS total FROM ledger_posting \
         GROUP BY currency ORDER BY currency",
    )
    .all(db)
    .await?;
    for row in rows {
        let (currency, total): (String, i64) = (row.get("currency")?, row.get("total")?);
        report.postings += row.get::<i64>("postings")?;
        if total != 0 {
            report.faults.push(format!("ledger: {currency} sums to {total} minor units, not to zero"));
        }
    }
    let rows = Sql::new(&format!(
        "SELECT entry_id, currency, CAST(SUM(amount_minor) AS BIGINT) AS total FROM ledger_posting \
         GROUP BY entry_id, currency HAVING SUM(amount_minor) <> 0 LIMIT {MAX_FAULTS}"
    ))
    .all(db)
    .await?;
    for row in rows {
        let (entry, currency, total): (Uuid, String, i64) =
            (row.get("entry_id")?, row.get("currency")?, row.get("total")?);
        report.faults.push(format!("ledger/entries/{entry}: {currency} sums to {total} minor units, not to zero"));
    }
    let rows = Sql::new(&format!(
        "SELECT id FROM ledger_entry e WHERE NOT EXISTS (SELECT 1 FROM ledger_posting p WHERE p.entry_id = e.id) \
         LIMIT {MAX_FAULTS}"
    ))
    .all(db)
    .await?;
    for row in rows {
        report.faults.push(format!("ledger/entries/{}: has no postings", row.get::<Uuid>("id")?));
    }
    Ok(())
}

/// The document of an aggregate is the snapshot of its newest change row. Users' and clients' snapshots leave
/// out what may be erased or is secret, so of them only version and head are compared.
async fn documents(db: &impl Runs, collection: &str, table: &str, report: &mut RowsReport) -> Result<(), StoreError> {
    let whole = !matches!(table, "user_account" | "api_client");
    let same = if whole { " AND c.snapshot = t.body" } else { "" };
    let rows = Sql::new(&format!(
        "SELECT t.id AS id FROM {table} t WHERE NOT EXISTS (SELECT 1 FROM change c WHERE c.resource_id = t.id \
         AND c.version = t.version AND c.hash = t.head_hash{same}) LIMIT {MAX_FAULTS}"
    ))
    .all(db)
    .await?;
    for row in rows {
        let id: Uuid = row.get("id")?;
        report.faults.push(format!("{collection} {id}: the row is not what its newest change row says"));
    }
    Ok(())
}

/// A claim has as many revisions as it says, numbered from one, and each can be read.
async fn revisions(db: &impl Runs, report: &mut RowsReport) -> Result<(), StoreError> {
    let rows = Sql::new(&format!(
        "SELECT id FROM claim WHERE revision <> (SELECT COUNT(*) FROM claim_revision r WHERE r.claim_id = claim.id \
         AND r.number BETWEEN 1 AND claim.revision) OR EXISTS (SELECT 1 FROM claim_revision r \
         WHERE r.claim_id = claim.id AND (r.number < 1 OR r.number > claim.revision)) LIMIT {MAX_FAULTS}"
    ))
    .all(db)
    .await?;
    for row in rows {
        report.faults.push(format!("claims/{}: a revision is missing or stands too many", row.get::<Uuid>("id")?));
    }
    Ok(())
}

/// What lists and guards find claims by is what the claims' documents say; every revision can be read.
async fn columns(db: &impl Runs, report: &mut RowsReport) -> Result<(), StoreError> {
    let mut after = Uuid::nil();
    loop {
        let sql = format!("SELECT * FROM claim WHERE id > ? ORDER BY id LIMIT {BATCH}");
        let rows = Sql::new(&sql).bind(after).all(db).await?;
        let Some(last) = rows.last() else { return Ok(()) };
        after = last.get("id")?;
        let mut ids = Vec::with_capacity(rows.len());
        for row in &rows {
            report.claims += 1;
            ids.push(row.get::<Uuid>("id")?);
            if let Err(error) = compare(row, report) {
                report.faults.push(error.to_string());
            }
        }
        let mut sql = Sql::new("SELECT claim_id, number, body FROM claim_revision WHERE claim_id IN ");
        sql.push_list(ids);
        for row in sql.all(db).await? {
            if let Err(error) = claims::revision(&row) {
                report.faults.push(error.to_string());
            }
        }
    }
}

/// Whom a claim's document says that it is shared with is who has sight of it.
async fn sights(db: &impl Runs, report: &mut RowsReport) -> Result<(), StoreError> {
    let mut sights: BTreeSet<(Uuid, Uuid)> = BTreeSet::new();
    for row in Sql::new("SELECT claim_id, org_id FROM claim_sight").all(db).await? {
        sights.insert((row.get("claim_id")?, row.get("org_id")?));
    }
    let mut told: BTreeSet<(Uuid, Uuid)> = BTreeSet::new();
    // Claims that are shared are few: the word stands in their documents only.
    for row in Sql::new("SELECT * FROM claim WHERE body LIKE '%\"shared_with\"%'").all(db).await? {
        let claim = claims::stored(&row)?;
        told.extend(claim.value.shared_with.iter().map(|org| (claim.id, org.0)));
    }
    for (claim, org) in sights.symmetric_difference(&told) {
        report.faults.push(format!("claims/{claim}: sight of {org} is not what the document says"));
    }
    Ok(())
}

/// Whether an appeal would be looked at later than it is due. A look that comes too early finds nothing to do: claims
/// that were there before the column may have such a time.
fn is_late(found: Option<i64>, expected: &Value) -> bool {
    match (found, expected) {
        (_, Value::BigInt(None)) => false,
        (Some(found), Value::BigInt(Some(due))) => found > *due,
        (None, _) | (Some(_), _) => true,
    }
}

fn compare(row: &Row, report: &mut RowsReport) -> Result<(), StoreError> {
    let stored = claims::stored(row)?;
    let id = stored.id;
    for (column, expected) in claims::columns(&stored.value)? {
        if column == "head" && !claim_heads::is_read(row)? {
            continue;
        }
        let found = match &expected {
            Value::String(_) => Value::from(row.get::<Option<String>>(column)?),
            Value::BigInt(_) => Value::from(row.get::<Option<i64>>(column)?),
            Value::Uuid(_) => Value::from(row.get::<Option<Uuid>>(column)?),
            other => return Err(StoreError::corrupt("claim", column, id, format!("unexpected {other:?}"))),
        };
        if column == "decision_due_time" && !is_late(row.get(column)?, &expected) {
            continue;
        }
        if found != expected {
            report.faults.push(format!("claims/{id}: the column {column} is not what the document says"));
        }
    }
    Ok(())
}
