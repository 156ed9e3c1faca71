//! Adjudication rules as the store sees them: which set is in force, what its rules matched, what was submitted
//! before a claim, and the claims of a queue.

use chrono::{DateTime, Duration, NaiveDate, Utc};
use recourse_domain::access::{Permit, Scope};
use recourse_domain::adjudication::History;
use recourse_domain::catalog::Stored;
use recourse_domain::claims::{Claim, Kind, Revision};
use recourse_domain::ids::{ClaimId, Code, OrgId, UserId};
use recourse_domain::query::page::{Key, Keys};
use uuid::Uuid;

use crate::claims;
use crate::error::StoreError;
use crate::scope;
use crate::sql::Sql;
use crate::store::Tx;

/// Claims of a station that are counted.
const STATION_CLAIMS: u32 = 1000;
/// Claims with a part that are summed.
const PART_CLAIMS: u32 = 200;
/// Claims of a vehicle that are counted.
const VEHICLE_CLAIMS: u32 = 200;

/// What became of a claim that a rule matched.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum HitOutcome {
    /// The rule approved it.
    Approved,
    /// The rule rejected it.
    Rejected,
    /// The rule returned it.
    Returned,
    /// A person decides.
    Person,
}

impl HitOutcome {
    fn word(self) -> &'static str {
        match self {
            HitOutcome::Approved => "APPROVED",
            HitOutcome::Rejected => "REJECTED",
            HitOutcome::Returned => "RETURNED",
            HitOutcome::Person => "PERSON",
        }
    }
}

/// A rule that matched a submission.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RuleHit {
    /// The claim.
    pub claim: ClaimId,
    /// The revision that was submitted.
    pub revision: u32,
    /// Key of the rule set.
    pub rule_set: Uuid,
    /// Code of the rule.
    pub rule: Code,
    /// What became of it.
    pub outcome: HitOutcome,
    /// Whether it was a sample.
    pub sampled: bool,
    /// What the rule approved, in minor units.
    pub approved_minor: i64,
    /// When.
    pub time: DateTime<Utc>,
}

/// How a rule fared.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RuleFigures {
    /// Code of the rule.
    pub rule: String,
    /// Submissions that it matched.
    pub hits: i64,
    /// Claims that it approved.
    pub approved: i64,
    /// Claims that it rejected.
    pub rejected: i64,
    /// Claims that it returned.
    pub returned: i64,
    /// Claims that went to a person.
    pub routed: i64,
    /// Those of them that were samples.
    pub sampled: i64,
    /// Its decisions after which another amount is approved now.
    pub overturned: i64,
}

/// What is asked about what was submitted before a claim.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Before {
    /// The claim, which does not count itself.
    pub claim: ClaimId,
    /// Its station.
    pub station: OrgId,
    /// Its vehicle.
    pub vin: Option<String>,
    /// Its causal part.
    pub causal_part: Option<Code>,
    /// Its currency.
    pub currency: String,
    /// Before which instant.
    pub at: DateTime<Utc>,
}

/// Which submitted claims are looked at.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Submissions {
    /// First instant.
    pub from: DateTime<Utc>,
    /// First instant that is too late.
    pub to: DateTime<Utc>,
    /// Kinds; empty: all.
    pub kinds: Vec<Kind>,
}

/// A claim as it stands, and its newest submission.
#[derive(Clone, Debug)]
pub struct SubmittedClaim {
    /// As it stands.
    pub claim: Claim,
    /// As it was submitted.
    pub revision: Revision,
    /// Its place in the order of submission.
    pub place: Keys,
}

impl Tx<'_> {
    /// Key and version of the rule set that is in force on a day: of those published, the one that began last.
    pub async fn rule_set_in_force(
        &mut self,
        scope: &Scope,
        day: NaiveDate,
    ) -> Result<Option<(Uuid, i64)>, StoreError> {
        let mut sql = Sql::new(
            "SELECT id, version FROM adjudication_rule_set WHERE state = 'PUBLISHED' AND retire_time IS NULL \
             AND valid_from <= ? AND ",
        )
        .bind(day);
        sql.append(scope::condition(scope, &scope::record("adjudication_rule_set")));
        sql.push(" ORDER BY valid_from DESC, version_number DESC, code DESC LIMIT 1");
        sql.one(&self.db).await?.map(|row| Ok((row.get("id")?, row.get("version")?))).transpose()
    }

    /// Counts an automatic approval of a rule set; which one it is, from 1. Two servers that approve at once wait
    /// for each other here, so none is left out and none counted twice.
    pub async fn count_approval(&mut self, _permit: &Permit, rule_set: Uuid) -> Result<u64, StoreError> {
        let row = Sql::new(
            "INSERT INTO adjudication_sample (rule_set, approvals) VALUES (?, 1) ON CONFLICT (rule_set) \
             DO UPDATE SET approvals = adjudication_sample.approvals + 1 RETURNING approvals",
        )
        .bind(rule_set)
        .one(&self.db)
        .await?
        .ok_or_else(|| StoreError::Database("an approval was not counted".to_owned()))?;
        let nth: i64 = row.get("approvals")?;
        u64::try_from(nth).map_err(|error| row.corrupt("approvals", error))
    }

    /// Notes that a rule matched a submission.
    pub async fn insert_rule_hit(&mut self, _permit: &Permit, hit: &RuleHit) -> Result<(), StoreError> {
        let row = Sql::new(
            "INSERT INTO adjudication_hit (claim_id, revision, rule_set, rule, outcome, sampled, approved_minor, time) \
             VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
        )
        .bind(hit.claim.0)
        .bind(i64::from(hit.revision))
        .bind(hit.rule_set)
        .bind(hit.rule.as_str())
        .bind(hit.outcome.word())
        .bind(hit.sampled)
        .bind(hit.approved_minor)
        .bind(hit.time);
        self.db.write_together(Vec::new(), row, None).await.map(|_| ()).map_err(|error| match error {
            StoreError::AlreadyExists { .. } => StoreError::Stale,
            other => other,
        })
    }

    /// How the rules of a set fared, in one query.
    pub async fn rule_figures(&mut self, rule_set: Uuid) -> Result<Vec<RuleFigures>, StoreError> {
        let count =
            |holds: &str, name: &str| format!(", CAST(SUM(CASE WHEN {holds} THEN 1 ELSE 0 END) AS BIGINT) AS {name}");
        let mut sql = Sql::new("SELECT h.rule AS rule, COUNT(*) AS hits");
        for (holds, name) in [
            ("h.outcome = 'APPROVED'", "approved"),
            ("h.outcome = 'REJECTED'", "rejected"),
            ("h.outcome = 'RETURNED'", "returned"),
            ("h.outcome = 'PERSON'", "routed"),
            ("h.sampled", "sampled"),
            ("h.outcome IN ('APPROVED', 'REJECTED') AND c.approved_minor <> h.approved_minor", "overturned"),
        ] {
            sql.push(&count(holds, name));
        }
        sql.push(
            " FROM adjudication_hit h JOIN claim c ON c.id = h.claim_id WHERE h.rule_set = ? GROUP BY h.rule ORDER BY h.rule",
        )
        .add(rule_set);
        let rows = sql.all(&self.db).await?;
        rows.iter()
            .map(|row| {
                Ok(RuleFigures {
                    rule: row.get("rule")?,
                    hits: row.get("hits")?,
                    approved: row.get("approved")?,
                    rejected: row.get("rejected")?,
                    returned: row.get("returned")?,
                    routed: row.get("routed")?,
                    sampled: row.get("sampled")?,
                    overturned: row.get("overturned")?,
                })
            })
            .collect()
    }

    /// What was submitted before claims, in their order, in one query. It looks past the caller's scope: rules
    /// judge by it, and nobody is told.
    pub async fn histories(&mut self, asked: &[Before]) -> Result<Vec<History>, StoreError> {
        if asked.is_empty() {
            return Ok(Vec::new());
        }
        let mut sql = Sql::new("");
        for (index, before) in asked.iter().enumerate() {
            sql.push(if index > 0 { " UNION ALL " } else { "" });
            sql.append(history(index, before));
        }
        sql.push(" ORDER BY n");
        let rows = sql.all(&self.db).await?;
        rows.iter()
            .map(|row| {
                Ok(History {
                    station_claims: row.get("station_claims")?,
                    station_claims_90d: row.get("station_claims_90d")?,
                    station_rejected_90d: row.get("station_rejected_90d")?,
                    vehicle_claims_365d: row.get("vehicle_claims")?,
                    vehicle_part_claims_365d: row.get("vehicle_part_claims")?,
                    part_claims_365d: row.get("part_claims")?,
                    part_sum_minor: row.get("part_sum")?,
                })
            })
            .collect()
    }

    /// Claims by their newest submission, in the order of submission, after a place.
    pub async fn submitted_claims(
        &mut self,
        scope: &Scope,
        asked: &Submissions,
        after: Option<&Keys>,
        limit: u32,
    ) -> Result<Vec<SubmittedClaim>, StoreError> {
        let mut sql = Sql::new(
            "SELECT claim.id AS id, claim.body AS body, claim.submit_order AS submit_order, r.body AS submitted \
             FROM claim JOIN claim_revision r ON r.claim_id = claim.id AND r.number = claim.revision \
             WHERE claim.submit_order > 0 AND claim.submit_order >= ? AND claim.submit_order < ? AND ",
        )
        .bind(asked.from)
        .bind(asked.to);
        sql.append(scope::condition(scope, &scope::CLAIM));
        if !asked.kinds.is_empty() {
            sql.push(" AND claim.kind IN ").push_list(asked.kinds.iter().map(|kind| kind.word()));
        }
        if let Some(Keys { value: Key::Number(order), id }) = after {
            sql.push(" AND (claim.submit_order > ? OR (claim.submit_order = ? AND claim.id > ?))");
            sql.add(*order).add(*order).add(*id);
        }
        sql.push(&format!(" ORDER BY claim.submit_order, claim.id LIMIT {limit}"));
        let rows = sql.all(&self.db).await?;
        rows.iter()
            .map(|row| {
                Ok(SubmittedClaim {
                    claim: row.document("body")?,
                    revision: row.document("submitted")?,
                    place: Keys { value: Key::Number(row.get("submit_order")?), id: row.get("id")? },
                })
            })
            .collect()
    }

    /// The claim of a queue that is due first; none in a queue is the queue without a name. One that another
    /// auditor is just taking is passed over, as are those that are held, and those that `not_by` created, submitted or
    /// defended. Who did the latter two stands in the documents only; they are looked at in the order of the queue, until
    /// the first that fits.
    pub async fn next_in_queue(
        &mut self,
        scope: &Scope,
        queue: Option<&Code>,
        not_by: UserId,
    ) -> Result<Option<Stored<Claim>>, StoreError> {
        let mut sql = Sql::new(&format!(
            "SELECT {} FROM claim WHERE state = 'SUBMITTED' AND queue_order = ? AND created_by <> ? \
             AND hold_reason IS NULL AND body NOT LIKE ? AND body NOT LIKE ? AND ",
            claims::COLUMNS
        ))
        .bind(queue.map_or("", Code::as_str))
        .bind(not_by.0)
        .bind(format!("%\"submitted_by\":\"{}\"%", not_by.0))
        .bind(format!("%\"appealed_by\":\"{}\"%", not_by.0));
        sql.append(scope::condition(scope, &scope::CLAIM));
        sql.push(" ORDER BY review_due_order, id LIMIT 1");
        if self.is_postgres() {
            sql.push(" FOR UPDATE SKIP LOCKED");
        }
        sql.one(&self.db).await?.as_ref().map(claims::stored).transpose()
    }
}

/// One row of figures about what was submitted before a claim. Whole numbers stand in the text: of a parameter
/// in a list of columns PostgreSQL would not know the type.
fn history(index: usize, before: &Before) -> Sql {
    let Before { claim, station, vin, causal_part, currency, at } = before;
    let since = |days: i64| at.checked_sub_signed(Duration::days(days)).unwrap_or(DateTime::UNIX_EPOCH);
    let mut sql = Sql::new(&format!("SELECT {index} AS n"));
    let mut counted = |name: &str, what: &str, rows: Sql| {
        sql.push(&format!(", (SELECT {what} FROM (")).append(rows).push(&format!(") {name}_rows) AS {name}"));
    };
    let of_station = |days: Option<i64>, also: &str| {
        let mut rows =
            Sql::new("SELECT 1 AS one FROM claim WHERE submit_order > 0 AND station_id = ? AND submit_order < ?")
                .bind(station.0)
                .bind(*at);
        if let Some(days) = days {
            rows.push(" AND submit_order >= ?").add(since(days));
        }
        rows.push(" AND id <> ?").add(claim.0);
        rows.push(&format!("{also} LIMIT {STATION_CLAIMS}"));
        rows
    };
    counted("station_claims", "COUNT(*)", of_station(None, ""));
    counted("station_claims_90d", "COUNT(*)", of_station(Some(90), ""));
    counted("station_rejected_90d", "COUNT(*)", of_station(Some(90), " AND state = 'REJECTED'"));
    let of_vehicle = |same_part: bool| {
        let mut rows = Sql::new(
            "SELECT 1 AS one FROM claim WHERE vin = ? AND submit_order > 0 AND submit_order < ? AND submit_order >= ? \
             AND id <> ? AND state <> 'WITHDRAWN'",
        )
        .bind(vin.clone().unwrap_or_default())
        .bind(*at)
        .bind(since(365))
        .bind(claim.0);
        if same_part {
            rows.push(" AND causal_part = ?").add(causal_part.as_ref().map(Code::to_string));
        }
        rows.push(&format!(" LIMIT {VEHICLE_CLAIMS}"));
        rows
    };
    counted("vehicle_claims", "COUNT(*)", of_vehicle(false));
    counted("vehicle_part_claims", "COUNT(*)", of_vehicle(true));
    let of_part = || {
        let mut rows = Sql::new(
            "SELECT requested_minor FROM claim WHERE causal_part = ? AND submit_order > 0 AND submit_order < ? \
             AND submit_order >= ? AND id <> ? AND currency = ?",
        )
        .bind(causal_part.as_ref().map(Code::to_string))
        .bind(*at)
        .bind(since(365))
        .bind(claim.0)
        .bind(currency.as_str());
        rows.push(&format!(" ORDER BY submit_order DESC, id LIMIT {PART_CLAIMS}"));
        rows
    };
    counted("part_claims", "COUNT(*)", of_part());
    counted("part_sum", "CAST(COALESCE(SUM(requested_minor), 0) AS BIGINT)", of_part());
    sql
}
