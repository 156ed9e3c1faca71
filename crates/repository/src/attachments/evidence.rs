//! What attachments prove: which files a submission rests on, where else a file was used, which rules ask for one.

use std::collections::{BTreeMap, BTreeSet};

use recourse_domain::access::{Permit, Scope};
use recourse_domain::attachments::{Category, Hash};
use recourse_domain::catalog::EvidenceRule;
use recourse_domain::claims::{AttachmentFact, Claim, EvidenceUse, StateWord};
use recourse_domain::ids::{ClaimId, Code, OrgId};
use uuid::Uuid;

use crate::bulk;
use crate::error::StoreError;
use crate::scope;
use crate::sql::{IntoValue, Row, Sql};
use crate::store::Tx;

/// Uses of a file by other claims that a check looks at.
const MOST_USES: u32 = 100;

impl Tx<'_> {
    /// Whether a submission rests on an attachment.
    pub async fn is_attachment_used(&mut self, id: Uuid) -> Result<bool, StoreError> {
        let sql = Sql::new("SELECT claim_id FROM attachment_use WHERE attachment_id = ? LIMIT 1").bind(id);
        Ok(sql.one(&self.db).await?.is_some())
    }

    /// Notes which files a submitted claim rests on.
    pub async fn note_evidence(&mut self, _permit: &Permit, claim: &Claim) -> Result<(), StoreError> {
        let Some(submission) = claim.submission.as_ref().filter(|submission| !submission.evidence.is_empty()) else {
            return Ok(());
        };
        let rows = submission.evidence.iter().map(|(attachment, hash)| {
            vec![
                claim.id.0.into_value(),
                attachment.into_value(),
                hash.as_str().into_value(),
                i64::from(submission.revision).into_value(),
            ]
        });
        let insert = "INSERT INTO attachment_use (claim_id, attachment_id, sha256, revision) VALUES";
        let unless_noted = " ON CONFLICT (claim_id, attachment_id) DO NOTHING";
        bulk::write_rows(&self.db, insert, rows.collect(), unless_noted).await.map(|_| ())
    }

    /// What a check needs to know of attachments, whoever's they are.
    pub async fn attachment_facts(
        &mut self,
        keys: &BTreeSet<Uuid>,
    ) -> Result<BTreeMap<Uuid, AttachmentFact>, StoreError> {
        if keys.is_empty() {
            return Ok(BTreeMap::new());
        }
        let mut sql = Sql::new("SELECT id, station_id, category, state, sha256 FROM attachment WHERE id IN ");
        sql.push_list(keys.iter().copied());
        sql.all(&self.db).await?.iter().map(fact).collect()
    }

    /// Where files prove other claims. A fact for a check, which hides what the caller may not see.
    pub async fn evidence_uses(
        &mut self,
        not: ClaimId,
        hashes: &BTreeSet<&Hash>,
    ) -> Result<Vec<EvidenceUse>, StoreError> {
        if hashes.is_empty() {
            return Ok(Vec::new());
        }
        let mut sql = Sql::new(
            "SELECT DISTINCT u.sha256 AS sha256, c.id AS id, c.number AS number, c.station_id AS station_id, \
             c.state AS state FROM attachment_use u JOIN claim c ON c.id = u.claim_id WHERE u.sha256 IN ",
        );
        sql.push_list(hashes.iter().map(|hash| hash.as_str()));
        sql.push(
            " AND c.id <> ? AND c.state IN ('SUBMITTED', 'IN_REVIEW', 'RETURNED', 'APPROVED', 'SETTLED', 'CLOSED')",
        );
        sql.add(not.0).push(&format!(" ORDER BY c.id LIMIT {MOST_USES}"));
        sql.all(&self.db).await?.iter().map(evidence_use).collect()
    }

    /// The evidence rules that may apply to a claim, in one query: those that name nothing that it has not.
    pub async fn evidence_rules_for(
        &mut self,
        scope: &Scope,
        claim: &Claim,
        part_categories: &BTreeSet<&Code>,
    ) -> Result<Vec<EvidenceRule>, StoreError> {
        let mut sql = Sql::new(
            "SELECT id, body FROM evidence_rule WHERE retire_time IS NULL AND (kind IS NULL OR kind = ?) \
             AND (failure_code IS NULL OR failure_code = ?)",
        )
        .bind(claim.kind.word())
        .bind(claim.header.failure_code.as_ref().map(Code::to_string));
        let of_lines = |of: fn(&recourse_domain::claims::LineContent) -> Option<&Code>| {
            claim.lines.iter().filter_map(|line| of(&line.content)).collect::<BTreeSet<&Code>>()
        };
        for (column, codes) in [
            ("operation", &of_lines(|content| content.operation.as_ref())),
            ("part", &of_lines(|content| content.part.as_ref())),
            ("part_category", part_categories),
        ] {
            sql.push(&format!(" AND ({column} IS NULL"));
            if !codes.is_empty() {
                sql.push(&format!(" OR {column} IN ")).push_list(codes.iter().map(|code| code.as_str()));
            }
            sql.push(")");
        }
        sql.push(" AND ").append(scope::condition(scope, &scope::record("evidence_rule"))).push(" ORDER BY code");
        sql.all(&self.db).await?.iter().map(|row| row.document("body")).collect()
    }
}

fn fact(row: &Row) -> Result<(Uuid, AttachmentFact), StoreError> {
    let (category, hash): (String, Option<String>) = (row.get("category")?, row.get("sha256")?);
    let fact = AttachmentFact {
        station: OrgId(row.get("station_id")?),
        category: Category::from_word(&category).ok_or_else(|| row.corrupt("category", &category))?,
        hash: hash.map(|text| read_hash(row, &text)).transpose()?,
        abandoned: row.get::<String>("state")? == "ABANDONED",
    };
    Ok((row.get("id")?, fact))
}

fn evidence_use(row: &Row) -> Result<EvidenceUse, StoreError> {
    let state: String = row.get("state")?;
    Ok(EvidenceUse {
        hash: read_hash(row, &row.get::<String>("sha256")?)?,
        claim: ClaimId(row.get("id")?),
        number: row.get("number")?,
        station: OrgId(row.get("station_id")?),
        state: StateWord::from_word(&state).ok_or_else(|| row.corrupt("state", &state))?,
    })
}

fn read_hash(row: &Row, text: &str) -> Result<Hash, StoreError> {
    Hash::parse(text).ok_or_else(|| row.corrupt("sha256", format!("{text} is no hash")))
}
