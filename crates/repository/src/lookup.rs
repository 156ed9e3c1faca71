//! Records of several kinds in one statement: what a command must know of master data before it can decide.
//!
//! Each kind is an arm of a `UNION ALL`, so a command makes one trip for all of them. The lists of codes are one
//! value each, so the text does not depend on how many lines a claim has, and is prepared once.

use std::collections::BTreeSet;

use recourse_domain::access::Scope;
use recourse_domain::appraisals::Appraisal;
use recourse_domain::catalog::{Record, Stored, Supplier};
use recourse_domain::claims::Claim;
use recourse_domain::ids::ClaimId;
use recourse_domain::recovery_claims::RecoveryClaim;
use uuid::Uuid;

use crate::aggregates::{self, Aggregate};
use crate::claims;
use crate::error::StoreError;
use crate::scope;
use crate::sql::{Row, Sql};
use crate::store::Tx;

const CLAIM: &str = "claim";
/// Between the codes of a list; no code holds it.
const SEPARATOR: &str = "\u{1f}";

/// What shall be looked up, arm by arm.
pub struct Lookup<'l, 'a> {
    tx: &'l mut Tx<'a>,
    scope: &'l Scope,
    arms: Vec<(&'static str, Sql)>,
}

/// What was found, by table.
pub struct Found {
    tables: Vec<(&'static str, Vec<Row>)>,
}

impl<'a> Tx<'a> {
    /// Begins to look up records of several kinds in one statement.
    pub fn gather<'l>(&'l mut self, scope: &'l Scope) -> Lookup<'l, 'a> {
        Lookup { tx: self, scope, arms: Vec::new() }
    }
}

impl Lookup<'_, '_> {
    /// The active records whose column has one of many codes.
    #[must_use]
    pub fn with<R: Record>(self, column: &'static str, codes: &BTreeSet<String>) -> Self {
        if codes.is_empty() {
            return self;
        }
        let mut wanted = Sql::new(&format!("retire_time IS NULL AND {column} "));
        wanted.append(self.one_of(codes));
        self.arm::<R>(wanted)
    }

    /// The record of a code, retired or not.
    #[must_use]
    pub fn one<R: Record>(self, code: Option<&str>) -> Self {
        match code {
            Some(code) => self.arm::<R>(Sql::new("code = ?").bind(code)),
            None => self,
        }
    }

    /// The record of a key, retired or not.
    #[must_use]
    pub fn by_id<R: Record>(self, id: Uuid) -> Self {
        self.arm::<R>(Sql::new("id = ?").bind(id))
    }

    /// All active records of a kind that a deployment has few of.
    #[must_use]
    pub fn every<R: Record>(self) -> Self {
        self.arm::<R>(Sql::new("retire_time IS NULL"))
    }

    /// All records whose column has a value, retired ones too: history was made under them.
    #[must_use]
    pub fn all<R: Record>(self, column: &'static str, value: &str) -> Self {
        self.arm::<R>(Sql::new(&format!("{column} = ?")).bind(value))
    }

    /// The active suppliers that are named, that supply the causal parts, or that parts name as theirs.
    #[must_use]
    pub fn suppliers(self, named: &BTreeSet<String>, causal: &BTreeSet<String>, parts: &BTreeSet<String>) -> Self {
        let mut wanted = Sql::new("retire_time IS NULL AND code IN (SELECT supplier FROM part_supply WHERE part ");
        wanted
            .append(self.one_of(causal))
            .push(" AND retire_time IS NULL UNION SELECT default_supplier FROM part WHERE code ");
        wanted.append(self.one_of(parts));
        if !named.is_empty() {
            wanted.push(" UNION SELECT code FROM supplier WHERE code ").append(self.one_of(named));
        }
        wanted.push(")");
        self.arm::<Supplier>(wanted)
    }

    /// The claim of a key, if its own scope reaches it.
    #[must_use]
    pub fn claim(mut self, scope: &Scope, id: Uuid) -> Self {
        let mut sql = Sql::new(
            "id, version, create_time, update_time, CAST(NULL AS BIGINT) AS retire_time, head_hash, body FROM claim \
             WHERE id = ? AND ",
        )
        .bind(id);
        sql.append(scope::condition(scope, &scope::CLAIM));
        self.arms.push((CLAIM, sql));
        self
    }

    /// The recovery claims of a claim.
    #[must_use]
    pub fn recoveries_of(self, claim: ClaimId) -> Self {
        self.of_claim::<RecoveryClaim>(claim)
    }

    /// The appraisals of a claim.
    #[must_use]
    pub fn appraisals_of(self, claim: ClaimId) -> Self {
        self.of_claim::<Appraisal>(claim)
    }

    /// Looks all of it up.
    pub async fn read(self) -> Result<Found, StoreError> {
        let Lookup { tx, arms, .. } = self;
        let mut tables: Vec<(&'static str, Vec<Row>)> = arms.iter().map(|(table, _)| (*table, Vec::new())).collect();
        let mut sql = Sql::new("");
        for (place, (_, arm)) in arms.into_iter().enumerate() {
            sql.push(if place == 0 { "" } else { " UNION ALL " });
            sql.push(&format!("SELECT {place} AS arm, ")).append(arm);
        }
        if tables.is_empty() {
            return Ok(Found { tables });
        }
        for row in sql.all(&tx.db).await? {
            let arm: i32 = row.get("arm")?;
            match usize::try_from(arm).ok().and_then(|place| tables.get_mut(place)) {
                Some((table, rows)) => rows.push(row.read_from(table)),
                None => return Err(row.corrupt("arm", "there is no such arm")),
            }
        }
        Ok(Found { tables })
    }

    fn arm<R: Record>(mut self, wanted: Sql) -> Self {
        let mut sql = Sql::new(&format!(
            "id, version, create_time, update_time, retire_time, head_hash, body FROM {} WHERE ",
            R::TABLE
        ));
        sql.append(wanted).push(" AND ").append(scope::condition(self.scope, &scope::record(R::TABLE)));
        self.arms.push((R::TABLE, sql));
        self
    }

    fn of_claim<A: Aggregate>(mut self, claim: ClaimId) -> Self {
        let mut sql = Sql::new(&format!(
            "id, version, create_time, update_time, CAST(NULL AS BIGINT) AS retire_time, head_hash, body FROM {} \
             WHERE claim_id = ? AND ",
            A::TABLE
        ))
        .bind(claim.0);
        sql.append(scope::condition(self.scope, &A::DIMENSIONS));
        self.arms.push((A::TABLE, sql));
        self
    }

    /// The condition that a column has one of many codes, in a text that does not depend on how many.
    fn one_of(&self, codes: &BTreeSet<String>) -> Sql {
        if self.tx.is_postgres() {
            let joined = codes.iter().map(String::as_str).collect::<Vec<_>>().join(SEPARATOR);
            Sql::new("= ANY(string_to_array(?, '\u{1f}'))").bind(joined)
        } else {
            let joined = serde_json::json!(codes).to_string();
            Sql::new("IN (SELECT value FROM json_each(?))").bind(joined)
        }
    }
}

impl Found {
    /// The records of a kind, by code.
    pub fn take<R: Record>(&mut self) -> Result<Vec<Stored<R>>, StoreError> {
        let mut records: Vec<Stored<R>> =
            self.rows(R::TABLE).iter().map(crate::catalog::stored::<R>).collect::<Result<_, _>>()?;
        records.sort_by(|one, other| one.value.code().cmp(other.value.code()));
        Ok(records)
    }

    /// The same, without what the store keeps beside them.
    pub fn values<R: Record>(&mut self) -> Result<Vec<R>, StoreError> {
        Ok(self.take::<R>()?.into_iter().map(|stored| stored.value).collect())
    }

    /// The claim.
    pub fn claim(&mut self) -> Result<Option<Stored<Claim>>, StoreError> {
        self.rows(CLAIM).first().map(claims::stored).transpose()
    }

    /// The recovery claims, the oldest first.
    pub fn recoveries(&mut self) -> Result<Vec<Stored<RecoveryClaim>>, StoreError> {
        self.aggregates()
    }

    /// The appraisals, the oldest first.
    pub fn appraisals(&mut self) -> Result<Vec<Stored<Appraisal>>, StoreError> {
        self.aggregates()
    }

    fn aggregates<A: Aggregate>(&mut self) -> Result<Vec<Stored<A>>, StoreError> {
        let mut found: Vec<Stored<A>> = self.rows(A::TABLE).iter().map(aggregates::stored).collect::<Result<_, _>>()?;
        found.sort_by_key(|stored| (stored.create_time, stored.id));
        Ok(found)
    }

    /// The rows of a table; none if it was not asked for.
    fn rows(&mut self, table: &str) -> Vec<Row> {
        self.tables.iter_mut().filter(|(name, _)| *name == table).flat_map(|(_, rows)| std::mem::take(rows)).collect()
    }
}
