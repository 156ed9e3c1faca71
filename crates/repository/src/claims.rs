//! Claims: one document a row, with the columns that lists and checks ask for beside it.

use std::collections::{BTreeMap, BTreeSet};

use chrono::{DateTime, NaiveDate, Utc};
use recourse_domain::access::{Permit, Scope};
use recourse_domain::catalog::{Field, FieldKind, Stored};
use recourse_domain::claims::{Claim, ClaimHead, PauseReason, Revision, SimilarClaim, StateWord};
use recourse_domain::ids::{ClaimId, Code, OrgId};
use recourse_domain::money::MoneyError;
use recourse_domain::query::page::{Key, Keys, ListQuery, Page};
use sea_orm::Value;
use uuid::Uuid;

use crate::changes::{ChangeNote, Version, Writing, json};
use crate::claim_heads;
use crate::error::StoreError;
use crate::goodwill_budgets;
use crate::lists;
use crate::scope;
use crate::sql::{IntoValue, Row, Runs, Sql};
use crate::store::{Store, Tx};

pub(crate) const COLUMNS: &str = "id, version, create_time, update_time, head_hash, body";
const BODY_VERSION: i64 = 1;
/// Repairs of a vehicle that a check looks at.
const REPAIRS: u32 = 50;
/// Similar claims that a check looks at.
const SIMILAR: u32 = 20;
/// Supplements of one claim that a check looks at: as many as a setting may allow, and one more.
const SUPPLEMENTS: u32 = 101;

const fn field(name: &'static str, kind: FieldKind, sortable: bool, prefix: bool) -> Field {
    Field { name, column: name, kind, sortable, prefix }
}

/// What lists of claims may be filtered and ordered by.
pub const CLAIM_FIELDS: &[Field] = &[
    field("number", FieldKind::CODE, true, true),
    field("kind", FieldKind::Text, false, false),
    field("state", FieldKind::Text, false, false),
    field("station", FieldKind::code_of("stations"), false, false),
    field("vin", FieldKind::VIN, false, true),
    field("causal_part", FieldKind::code_of("parts"), false, true),
    field("failure_code", FieldKind::code_of("failureCodes"), false, false),
    field("campaign", FieldKind::code_of("campaigns"), false, false),
    field("external_ref", FieldKind::NUMBER, false, true),
    field("external_repair_order", FieldKind::NUMBER, false, true),
    field("complaint_date", FieldKind::Date, false, false),
    field("repair_completion_date", FieldKind::Date, false, false),
    field("external_job", FieldKind::NUMBER, false, false),
    field("submit_time", FieldKind::Time, true, false),
    field("answer_due_time", FieldKind::Time, false, false),
    field("review_due_time", FieldKind::Time, true, false),
    field("open_appeal", FieldKind::Text, false, false),
    field("revision", FieldKind::Integer, false, false),
    field("create_time", FieldKind::Time, true, false),
    field("update_time", FieldKind::Time, true, false),
];

/// What the manufacturer's lists may be filtered and ordered by beside: others don't see it, and a filter would
/// tell.
pub const OEM_CLAIM_FIELDS: &[Field] = &[
    field("queue", FieldKind::code_of("reviewQueues"), true, false),
    field("auditor", FieldKind::Uuid, false, false),
    field("hold_reason", FieldKind::Text, false, false),
    field("escalation_level", FieldKind::Integer, false, false),
];

/// Which decision is awaited.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DueDecision {
    /// That on a claim in review.
    OnClaim,
    /// That on its open appeal.
    OnAppeal,
}

impl DueDecision {
    /// Both.
    pub const ALL: [DueDecision; 2] = [DueDecision::OnClaim, DueDecision::OnAppeal];

    /// The column that says when it is due.
    fn column(self) -> &'static str {
        match self {
            DueDecision::OnClaim => "review_due_order",
            DueDecision::OnAppeal => "decision_due_time",
        }
    }
}

/// Decisions that were due before a moment, by the index of those that are due at all.
pub(crate) fn decisions_due(
    scope: &Scope,
    decision: DueDecision,
    (level, due_before): (u32, DateTime<Utc>),
    after: Option<(DateTime<Utc>, Uuid)>,
    limit: u32,
) -> Sql {
    let (due, id) = after.unwrap_or((DateTime::UNIX_EPOCH, Uuid::nil()));
    let column = decision.column();
    let is_due = match decision {
        DueDecision::OnClaim => "review_due_order > 0",
        DueDecision::OnAppeal => "decision_due_time IS NOT NULL",
    };
    let mut sql = Sql::new(&format!(
        "SELECT id, {column} FROM claim WHERE {is_due} AND {column} < ? AND escalation_level < ? \
         AND hold_reason IS NULL AND ({column}, id) > (?, ?) AND ",
    ))
    .bind(due_before)
    .bind(i64::from(level))
    .bind(due)
    .bind(id);
    sql.append(scope::condition(scope, &scope::CLAIM));
    sql.push(&format!(" ORDER BY {column}, id LIMIT {limit}"));
    sql
}

impl Store {
    /// The claim of a key.
    pub async fn claim(&self, scope: &Scope, id: Uuid) -> Result<Option<Stored<Claim>>, StoreError> {
        by_id(&self.reader, scope, id).await
    }

    /// The claim of a readable number.
    pub async fn claim_by_number(&self, scope: &Scope, number: &str) -> Result<Option<Stored<Claim>>, StoreError> {
        let mut sql = Sql::new(&format!("SELECT {COLUMNS} FROM claim WHERE number = ? AND ")).bind(number);
        sql.append(scope::condition(scope, &scope::CLAIM));
        sql.one(&self.reader).await?.as_ref().map(stored).transpose()
    }

    /// The claim that a station knows by a number of its own system.
    pub async fn claim_by_external_ref(
        &self,
        scope: &Scope,
        station: OrgId,
        external_ref: &str,
    ) -> Result<Option<Stored<Claim>>, StoreError> {
        by_external_ref(&self.reader, scope, station, external_ref).await
    }

    /// The claims among many keys that a scope reaches, by their keys.
    pub async fn claims_among(
        &self,
        scope: &Scope,
        ids: &BTreeSet<Uuid>,
    ) -> Result<BTreeMap<Uuid, Stored<Claim>>, StoreError> {
        if ids.is_empty() {
            return Ok(BTreeMap::new());
        }
        let mut sql = Sql::new(&format!("SELECT {COLUMNS} FROM claim WHERE id IN "));
        sql.push_list(ids.iter().copied()).push(" AND ");
        sql.append(scope::condition(scope, &scope::CLAIM));
        let rows = sql.all(&self.reader).await?;
        rows.iter().map(|row| stored(row).map(|stored| (stored.id, stored))).collect()
    }

    /// A page of claims.
    pub async fn claims(&self, scope: &Scope, query: &ListQuery) -> Result<Page<Stored<Claim>>, StoreError> {
        let query = &in_never_null_order(query);
        let mut sql = Sql::new(&format!("SELECT {}, {COLUMNS} FROM claim WHERE ", query.order.column));
        sql.append(scope::condition(scope, &scope::CLAIM));
        lists::page(&mut sql, query, "id");
        let rows = sql.all(&self.reader).await?;
        lists::cut(&rows, query, "id", stored)
    }

    /// A page of the heads of claims, without reading a document.
    pub async fn claim_heads(&self, scope: &Scope, query: &ListQuery) -> Result<Page<Stored<ClaimHead>>, StoreError> {
        let query = &in_never_null_order(query);
        let place = query.order.column;
        let mut sql = Sql::new(&format!("SELECT {}", claim_heads::COLUMNS));
        if !["create_time", "update_time"].contains(&place) {
            sql.push(", ").push(place);
        }
        sql.push(" FROM claim WHERE ");
        sql.append(scope::condition(scope, &scope::CLAIM));
        lists::page(&mut sql, query, "id");
        let rows = sql.all(&self.reader).await?;
        let page = lists::cut(&rows, query, "id", claim_heads::head)?;
        let unread = page.items.iter().filter(|item| item.value.is_none()).map(|item| item.id).collect();
        let whole = self.claims_among(scope, &unread).await?;
        let mut items = Vec::with_capacity(page.items.len());
        for item in page.items {
            items.extend(claim_heads::complete(item, &whole)?);
        }
        Ok(Page { items, next: page.next })
    }

    /// One revision of a claim. Who may see the claim is the caller's matter.
    pub async fn claim_revision(&self, claim: ClaimId, number: u32) -> Result<Option<Revision>, StoreError> {
        let row = Sql::new("SELECT claim_id, number, body FROM claim_revision WHERE claim_id = ? AND number = ?")
            .bind(claim.0)
            .bind(i64::from(number))
            .one(&self.reader)
            .await?;
        row.as_ref().map(revision).transpose()
    }

    /// A page of a claim's revisions, oldest first.
    pub async fn claim_revisions(&self, claim: ClaimId, query: &ListQuery) -> Result<Page<Revision>, StoreError> {
        let after = match &query.after {
            Some(Keys { value: Key::Number(number), .. }) => *number,
            Some(_) | None => 0,
        };
        let size = usize::try_from(query.page_size).unwrap_or(usize::MAX);
        let rows = Sql::new(&format!(
            "SELECT claim_id, number, body FROM claim_revision WHERE claim_id = ? AND number > ? ORDER BY number LIMIT {}",
            u64::from(query.page_size) + 1
        ))
        .bind(claim.0)
        .bind(after)
        .all(&self.reader)
        .await?;
        let items: Vec<Revision> = rows.iter().take(size).map(revision).collect::<Result<_, _>>()?;
        let next = items
            .last()
            .filter(|_| rows.len() > size)
            .map(|last| Keys { value: Key::Number(i64::from(last.number)), id: claim.0 });
        Ok(Page { items, next })
    }

    /// Returned claims whose answer is overdue, the oldest first.
    pub async fn overdue_returns(
        &self,
        scope: &Scope,
        now: DateTime<Utc>,
        limit: u32,
    ) -> Result<Vec<Uuid>, StoreError> {
        let mut sql = Sql::new("SELECT id FROM claim WHERE state = 'RETURNED' AND answer_due_time < ? AND ").bind(now);
        sql.append(scope::condition(scope, &scope::CLAIM));
        sql.push(&format!(" ORDER BY answer_due_time LIMIT {limit}"));
        sql.all(&self.reader).await?.iter().map(|row| row.get("id")).collect()
    }

    /// Claims whose decision is overdue, the longest overdue first, after the one that was seen last.
    pub async fn overdue_reviews(
        &self,
        scope: &Scope,
        now: DateTime<Utc>,
        after: Option<(DateTime<Utc>, Uuid)>,
        limit: u32,
    ) -> Result<Vec<(DateTime<Utc>, Uuid)>, StoreError> {
        let (due, id) = after.unwrap_or((DateTime::UNIX_EPOCH, Uuid::nil()));
        let mut sql = Sql::new(
            "SELECT id, review_due_order FROM claim WHERE review_due_order > 0 AND review_due_order < ? \
             AND (review_due_order, id) > (?, ?) AND ",
        )
        .bind(now)
        .bind(due)
        .bind(id);
        sql.append(scope::condition(scope, &scope::CLAIM));
        sql.push(&format!(" ORDER BY review_due_order, id LIMIT {limit}"));
        let rows = sql.all(&self.reader).await?;
        rows.iter().map(|row| Ok((row.instant("review_due_order")?, row.get("id")?))).collect()
    }

    /// Claims whose hold has come to its end, the oldest first.
    pub async fn ended_holds(&self, scope: &Scope, now: DateTime<Utc>, limit: u32) -> Result<Vec<Uuid>, StoreError> {
        let mut sql = Sql::new("SELECT id FROM claim WHERE hold_end_time <= ? AND ").bind(now);
        sql.append(scope::condition(scope, &scope::CLAIM));
        sql.push(&format!(" ORDER BY hold_end_time LIMIT {limit}"));
        sql.all(&self.reader).await?.iter().map(|row| row.get("id")).collect()
    }

    /// Claims whose decision was due before a moment and that were not escalated to a level yet, the longest overdue
    /// first, after the one that was seen last.
    pub async fn decisions_to_escalate(
        &self,
        scope: &Scope,
        decision: DueDecision,
        (level, due_before): (u32, DateTime<Utc>),
        after: Option<(DateTime<Utc>, Uuid)>,
        limit: u32,
    ) -> Result<Vec<(DateTime<Utc>, Uuid)>, StoreError> {
        let rows = decisions_due(scope, decision, (level, due_before), after, limit).all(&self.reader).await?;
        rows.iter().map(|row| Ok((row.instant(decision.column())?, row.get("id")?))).collect()
    }

    /// Claims of one vehicle, the newest first, for its history.
    pub async fn claims_of_vehicle(&self, vin: &str, limit: u32) -> Result<Vec<Stored<Claim>>, StoreError> {
        let rows = Sql::new(&format!(
            "SELECT {COLUMNS} FROM claim WHERE vin = ? AND state NOT IN ('DRAFT', 'WITHDRAWN') ORDER BY id DESC LIMIT {limit}"
        ))
        .bind(vin)
        .all(&self.reader)
        .await?;
        rows.iter().map(stored).collect()
    }
}

impl Tx<'_> {
    /// The claim of a key.
    pub async fn claim(&mut self, scope: &Scope, id: Uuid) -> Result<Option<Stored<Claim>>, StoreError> {
        by_id(&self.db, scope, id).await
    }

    /// The claim that a station knows by a number of its own system.
    pub async fn claim_by_external_ref(
        &mut self,
        scope: &Scope,
        station: OrgId,
        external_ref: &str,
    ) -> Result<Option<Stored<Claim>>, StoreError> {
        by_external_ref(&self.db, scope, station, external_ref).await
    }

    /// Claims with a decision or a final appraisal, after a key, for the verification of the ledger.
    pub async fn decided_claims(
        &mut self,
        scope: &Scope,
        after: Option<Uuid>,
        limit: u32,
    ) -> Result<Vec<Stored<Claim>>, StoreError> {
        let mut sql = Sql::new(&format!(
            "SELECT {COLUMNS} FROM claim WHERE (state IN ('APPROVED', 'REJECTED', 'SETTLED', 'CLOSED') OR EXISTS \
             (SELECT 1 FROM appraisal a WHERE a.claim_id = claim.id AND a.state IN ('FINAL', 'SUPERSEDED'))) \
             AND id > ? AND "
        ))
        .bind(after.unwrap_or(Uuid::nil()));
        sql.append(scope::condition(scope, &scope::CLAIM));
        sql.push(&format!(" ORDER BY id LIMIT {limit}"));
        sql.all(&self.db).await?.iter().map(stored).collect()
    }

    /// Writes a new claim and its change row.
    pub async fn insert_claim(
        &mut self,
        permit: &Permit,
        claim: Claim,
        note: ChangeNote,
    ) -> Result<Stored<Claim>, StoreError> {
        let body = json(&claim)?;
        let id = claim.id.0;
        let version = Version::after(permit, &note, id, (0, &[]), body.clone());
        let columns = columns(&claim)?;
        let mut sql =
            Sql::new("INSERT INTO claim (id, version, create_time, update_time, head_hash, body_version, body");
        for (name, _) in &columns {
            sql.push(", ").push(name);
        }
        sql.push(") VALUES (?, ?, ?, ?, ?, ?, ?");
        sql.add(id).add(version.number()).add(version.time()).add(version.time());
        sql.add(version.hash()).add(BODY_VERSION).add(body);
        for (_, value) in columns {
            sql.push(", ?").add(value);
        }
        sql.push(")");
        self.write_version(&version, "claim", sql, Writing::New).await?;
        Ok(version.stored(id, None, None, claim))
    }

    /// Writes a changed claim and its change row, if nobody else changed it meanwhile.
    pub async fn update_claim(
        &mut self,
        permit: &Permit,
        before: &Stored<Claim>,
        claim: Claim,
        note: ChangeNote,
    ) -> Result<Stored<Claim>, StoreError> {
        let body = json(&claim)?;
        let version = Version::after(permit, &note, before.id, (before.version, &before.head_hash), body.clone());
        let mut sql =
            Sql::new("UPDATE claim SET version = ?, update_time = ?, head_hash = ?, body_version = ?, body = ?");
        sql.add(version.number()).add(version.time()).add(version.hash()).add(BODY_VERSION).add(body);
        for (name, value) in columns(&claim)? {
            sql.push(", ").push(name).push(" = ?").add(value);
        }
        sql.push(" WHERE id = ? AND version = ?").add(before.id).add(before.version);
        for change in goodwill_budgets::moves(&before.value, &claim)? {
            self.db.write_together(Vec::new(), change, None).await?;
        }
        self.write_version(&version, "claim", sql, Writing::Changed).await?;
        Ok(version.stored(before.id, Some(before.create_time), None, claim))
    }

    /// Freezes a revision.
    pub async fn insert_claim_revision(&mut self, _permit: &Permit, revision: &Revision) -> Result<(), StoreError> {
        let row = Sql::new(
            "INSERT INTO claim_revision (claim_id, number, submit_time, submitted_by, body_version, body) VALUES (?, ?, ?, ?, ?, ?)",
        )
        .bind(revision.claim_id().0)
        .bind(i64::from(revision.number))
        .bind(revision.submit_time)
        .bind(revision.submitted_by.0)
        .bind(BODY_VERSION)
        .bind(json(revision)?);
        self.db.write_together(Vec::new(), row, None).await.map(|_| ()).map_err(|error| match error {
            StoreError::AlreadyExists { .. } => StoreError::Stale,
            other => other,
        })
    }

    /// Live claims for the same part of the same vehicle, repaired between two days. A fact for a check: it
    /// looks past the caller's scope, and the check hides what the caller may not see.
    pub async fn similar_claims(
        &mut self,
        not: ClaimId,
        vin: &str,
        causal_part: &str,
        from: NaiveDate,
        to: NaiveDate,
    ) -> Result<Vec<SimilarClaim>, StoreError> {
        let rows = Sql::new(&format!(
            "SELECT id, number, station_id, vin, causal_part, repair_completion_date, state FROM claim \
             WHERE vin = ? AND causal_part = ? AND repair_completion_date BETWEEN ? AND ? AND id <> ? \
             AND state IN ('SUBMITTED', 'IN_REVIEW', 'RETURNED', 'APPROVED', 'SETTLED', 'CLOSED') \
             ORDER BY id LIMIT {SIMILAR}"
        ))
        .bind(vin)
        .bind(causal_part)
        .bind(from)
        .bind(to)
        .bind(not.0)
        .all(&self.db)
        .await?;
        rows.iter().map(similar).collect()
    }

    /// Approved repairs of a vehicle, the newest first: what they fitted has a warranty of its own. A fact for
    /// a check, like [`Tx::similar_claims`].
    pub async fn approved_repairs(&mut self, not: ClaimId, vin: &str) -> Result<Vec<Claim>, StoreError> {
        let rows = Sql::new(&format!(
            "SELECT {COLUMNS} FROM claim WHERE vin = ? AND id <> ? AND kind = 'WARRANTY_REPAIR' \
             AND state IN ('APPROVED', 'SETTLED', 'CLOSED') ORDER BY id DESC LIMIT {REPAIRS}"
        ))
        .bind(vin)
        .bind(not.0)
        .all(&self.db)
        .await?;
        rows.iter().map(|row| Ok(stored(row)?.value)).collect()
    }

    /// Claims of many keys. A fact for a check, like [`Tx::similar_claims`].
    pub async fn claims_of(&mut self, ids: &BTreeSet<Uuid>) -> Result<Vec<Stored<Claim>>, StoreError> {
        if ids.is_empty() {
            return Ok(Vec::new());
        }
        let mut sql = Sql::new(&format!("SELECT {COLUMNS} FROM claim WHERE id IN "));
        sql.push_list(ids.iter().copied()).push(" ORDER BY id");
        sql.all(&self.db).await?.iter().map(stored).collect()
    }

    /// Holds a claim until this unit ends: of two units that count what refers to it, one waits for the other.
    pub async fn hold_claim(&mut self, claim: Uuid) -> Result<(), StoreError> {
        self.hold("claim", "id", claim).await
    }

    /// The claim that another of the same station on the same vehicle adds to, and numbers of the live ones that do. A
    /// fact for a check, like [`Tx::similar_claims`]; of another station or vehicle there is none to add to.
    pub async fn supplemented(
        &mut self,
        not: ClaimId,
        original: Uuid,
        station: OrgId,
        vin: &str,
    ) -> Result<Option<(Claim, Vec<String>)>, StoreError> {
        let row = Sql::new(&format!("SELECT {COLUMNS} FROM claim WHERE id = ? AND station_id = ? AND vin = ?"))
            .bind(original)
            .bind(station.0)
            .bind(vin)
            .one(&self.db)
            .await?;
        let Some(row) = row else { return Ok(None) };
        let others = Sql::new(&format!(
            "SELECT number FROM claim WHERE supplement_of = ? AND id <> ? \
             AND state IN ('SUBMITTED', 'IN_REVIEW', 'RETURNED', 'APPROVED', 'SETTLED', 'CLOSED') \
             ORDER BY id LIMIT {SUPPLEMENTS}"
        ))
        .bind(format!("claims/{original}"))
        .bind(not.0)
        .all(&self.db)
        .await?;
        let numbers = others.iter().map(|row| row.get("number")).collect::<Result<_, _>>()?;
        Ok(Some((stored(&row)?.value, numbers)))
    }

    /// The live claim for a job of a repair order.
    pub async fn claim_of_job(&mut self, not: ClaimId, job_key: &str) -> Result<Option<SimilarClaim>, StoreError> {
        let row = Sql::new(
            "SELECT id, number, station_id, vin, causal_part, repair_completion_date, state FROM claim \
             WHERE open_job_key = ? AND id <> ?",
        )
        .bind(job_key)
        .bind(not.0)
        .one(&self.db)
        .await?;
        row.as_ref().map(similar).transpose()
    }

    /// When another claim was first submitted, for one that was copied from it.
    ///
    /// Only a claim of the same station on the same vehicle has a date to keep: any other would be a way around
    /// the submission window.
    pub async fn first_submit_time(
        &mut self,
        claim: Uuid,
        station: OrgId,
        vin: &str,
    ) -> Result<Option<DateTime<Utc>>, StoreError> {
        let row = Sql::new("SELECT first_submit_time FROM claim WHERE id = ? AND station_id = ? AND vin = ?")
            .bind(claim)
            .bind(station.0)
            .bind(vin)
            .one(&self.db)
            .await?;
        row.map_or(Ok(None), |row| row.instant_or_null("first_submit_time"))
    }
}

/// A draft has no submission, and a place in an order needs a value: `submit_order` is the submission's
/// instant, or 0; so are the due time's and the queue's.
fn in_never_null_order(query: &ListQuery) -> ListQuery {
    let mut query = query.clone();
    query.order.column = match query.order.column {
        "submit_time" => "submit_order",
        "review_due_time" => "review_due_order",
        "queue" => "queue_order",
        other => other,
    };
    query
}

pub(crate) fn columns(claim: &Claim) -> Result<Vec<(&'static str, Value)>, StoreError> {
    let index =
        claim.index().map_err(|error: MoneyError| StoreError::Database(format!("claim {}: {error}", claim.id)))?;
    let head = index.head;
    Ok(vec![
        ("head", claim_heads::packed(&head).into_value()),
        ("number", head.number.into_value()),
        ("station_id", head.station_id.0.into_value()),
        ("station", head.station.into_value()),
        ("created_by", index.created_by.0.into_value()),
        ("kind", head.kind.word().into_value()),
        ("state", head.state.word().into_value()),
        ("vin", head.vin.into_value()),
        ("causal_part", head.causal_part.into_value()),
        ("failure_code", head.failure_code.into_value()),
        ("campaign", head.campaign.into_value()),
        ("external_ref", head.external_ref.into_value()),
        ("external_repair_order", head.external_repair_order.into_value()),
        ("external_job", head.external_job.into_value()),
        ("open_job_key", index.open_job_key.into_value()),
        ("complaint_date", head.complaint_date.into_value()),
        ("repair_completion_date", head.repair_completion_date.into_value()),
        ("submit_order", head.submit_time.map_or(0, |time| time.timestamp_micros()).into_value()),
        ("submit_time", head.submit_time.into_value()),
        ("first_submit_time", head.first_submit_time.into_value()),
        ("review_due_time", head.review_due_time.into_value()),
        ("answer_due_time", head.answer_due_time.into_value()),
        ("auditor", head.auditor.map(|user| user.0).into_value()),
        ("currency", head.currency.into_value()),
        ("requested_minor", head.requested_minor.into_value()),
        ("computed_minor", head.computed_minor.into_value()),
        ("approved_minor", head.approved_minor.into_value()),
        ("revision", head.revision.into_value()),
        ("finding_errors", index.finding_errors.into_value()),
        ("finding_warnings", index.finding_warnings.into_value()),
        ("odometer_in_km", head.odometer_in_km.into_value()),
        ("queue", head.queue.clone().into_value()),
        ("queue_order", head.queue.unwrap_or_default().into_value()),
        ("review_due_order", head.review_due_time.map_or(0, |time| time.timestamp_micros()).into_value()),
        ("open_appeal", head.open_appeal.into_value()),
        ("hold_reason", index.hold_reason.map(PauseReason::word).map(str::to_owned).into_value()),
        ("hold_end_time", index.hold_end_time.into_value()),
        ("escalation_level", index.escalation_level.into_value()),
        ("decision_due_time", index.decision_due_time.into_value()),
        ("supplement_of", index.supplement_of.into_value()),
    ])
}

async fn by_id(on: &impl Runs, scope: &Scope, id: Uuid) -> Result<Option<Stored<Claim>>, StoreError> {
    let mut sql = Sql::new(&format!("SELECT {COLUMNS} FROM claim WHERE id = ? AND ")).bind(id);
    sql.append(scope::condition(scope, &scope::CLAIM));
    sql.one(on).await?.as_ref().map(stored).transpose()
}

async fn by_external_ref(
    on: &impl Runs,
    scope: &Scope,
    station: OrgId,
    external_ref: &str,
) -> Result<Option<Stored<Claim>>, StoreError> {
    let sql = Sql::new(&format!("SELECT {COLUMNS} FROM claim WHERE station_id = ? AND external_ref = ? AND "));
    let mut sql = sql.bind(station.0).bind(external_ref);
    sql.append(scope::condition(scope, &scope::CLAIM));
    sql.one(on).await?.as_ref().map(stored).transpose()
}

pub(crate) fn stored(row: &Row) -> Result<Stored<Claim>, StoreError> {
    Ok(Stored {
        id: row.get("id")?,
        version: row.get("version")?,
        create_time: row.instant("create_time")?,
        update_time: row.instant("update_time")?,
        retire_time: None,
        head_hash: row.get("head_hash")?,
        value: row.document("body")?,
    })
}

pub(crate) fn revision(row: &Row) -> Result<Revision, StoreError> {
    let body: String = row.get("body")?;
    let (claim, number): (Uuid, i64) = (row.get("claim_id")?, row.get("number")?);
    serde_json::from_str(&body)
        .map_err(|error| StoreError::corrupt("claim_revision", "body", format!("{claim}/{number}"), error))
}

fn similar(row: &Row) -> Result<SimilarClaim, StoreError> {
    let id: Uuid = row.get("id")?;
    let state: String = row.get("state")?;
    let causal_part: Option<String> = row.get("causal_part")?;
    let corrupt = |column, why: String| StoreError::corrupt("claim", column, id, why);
    Ok(SimilarClaim {
        id: ClaimId(id),
        number: row.get("number")?,
        station: OrgId(row.get("station_id")?),
        vin: row.get("vin")?,
        causal_part: causal_part
            .map(|part| Code::parse(&part).map_err(|error| corrupt("causal_part", error.to_string())))
            .transpose()?,
        repair_completion_date: row.date_or_null("repair_completion_date")?,
        state: StateWord::from_word(&state).ok_or_else(|| corrupt("state", state.clone()))?,
    })
}
