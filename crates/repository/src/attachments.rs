//! Attachments: one document a row, what tells of a person in a row of its own, and where the bytes are.
//!
//! An upload's progress is no version of its attachment: it is what is durable, piece by piece. A piece counts
//! from the moment in which its row stands, and of two writers at one place one finds it taken.

use std::collections::{BTreeMap, BTreeSet};

use chrono::{DateTime, Utc};
use recourse_domain::access::{Permit, Scope};
use recourse_domain::attachments::{Attachment, Category, Hash, Owner, Particulars, Place};
use recourse_domain::catalog::{EvidenceRule, Field, FieldKind, Stored};
use recourse_domain::claims::{AttachmentFact, Claim, EvidenceUse, StateWord};
use recourse_domain::ids::{ClaimId, Code, OrgId};
use recourse_domain::query::page::{ListQuery, Page};
use sea_orm::Value;
use uuid::Uuid;

use crate::bulk;
use crate::changes::{ChangeNote, Version, Writing, json};
use crate::error::StoreError;
use crate::lists;
use crate::scope;
use crate::sql::{IntoValue, Row, Runs, Sql};
use crate::store::{Store, Tx};

const BODY_VERSION: i64 = 1;
/// An attachment with its particulars and its upload.
const COLUMNS: &str = "id, version, create_time, update_time, head_hash, body, file_name, latitude_e7, longitude_e7, \
     received, expire_time";
const FROM: &str = "FROM attachment LEFT JOIN attachment_particulars p ON p.attachment_id = id \
     LEFT JOIN attachment_upload u ON u.attachment_id = id WHERE ";
/// Uses of a file by other claims that a check looks at.
const MOST_USES: u32 = 100;

const fn field(name: &'static str, column: &'static str, kind: FieldKind, sortable: bool) -> Field {
    Field { name, column, kind, sortable, prefix: false }
}

/// What lists of attachments may be filtered and ordered by.
pub const ATTACHMENT_FIELDS: &[Field] = &[
    field("claim", "claim_id", FieldKind::Uuid, false),
    field("station", "station", FieldKind::Text, false),
    field("subject", "subject", FieldKind::Text, false),
    field("category", "category", FieldKind::Text, false),
    field("state", "state", FieldKind::Text, false),
    field("content_type", "content_type", FieldKind::Text, false),
    field("sha256", "sha256", FieldKind::Text, false),
    field("create_time", "create_time", FieldKind::Time, true),
];

/// An attachment as it stands in the store.
#[derive(Clone, Debug, PartialEq)]
pub struct KeptAttachment {
    /// Its document.
    pub stored: Stored<Attachment>,
    /// What may tell of a person.
    pub particulars: Particulars,
    /// How far its upload is; none once that has ended.
    pub upload: Option<Upload>,
}

/// How far an upload is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Upload {
    /// Bytes that are durable.
    pub received: u64,
    /// Until when it may be gone on with.
    pub expire_time: DateTime<Utc>,
}

/// A piece of an attachment's bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Part {
    /// Where it begins.
    pub start: u64,
    /// How long it is.
    pub size: u64,
    /// Its object among those of the attachment.
    pub object: Uuid,
}

impl Store {
    /// An attachment within reach.
    pub async fn attachment(&self, scope: &Scope, id: Uuid) -> Result<Option<KeptAttachment>, StoreError> {
        by_id(&self.reader, scope, id).await
    }

    /// A page of attachments.
    pub async fn attachments(&self, scope: &Scope, query: &ListQuery) -> Result<Page<KeptAttachment>, StoreError> {
        let mut sql = Sql::new(&format!("SELECT {COLUMNS} {FROM}"));
        sql.append(reach(scope));
        lists::page(&mut sql, query, "id");
        let rows = sql.all(&self.reader).await?;
        lists::cut(&rows, query, "id", kept)
    }

    /// The pieces of an attachment, in order. Who may read it is the caller's matter.
    pub async fn attachment_parts(&self, id: Uuid) -> Result<Vec<Part>, StoreError> {
        parts_of(&self.reader, id).await
    }

    /// Uploads whose time is over, or whose bytes are all there while nobody has looked at them since `idle`.
    pub async fn uploads_to_end(
        &self,
        now: DateTime<Utc>,
        idle: DateTime<Utc>,
        limit: u32,
    ) -> Result<Vec<Uuid>, StoreError> {
        let sql = Sql::new(&format!(
            "SELECT attachment_id FROM attachment_upload WHERE expire_time < ? OR (received = size AND last_time < ?) \
             ORDER BY expire_time LIMIT {limit}"
        ));
        let rows = sql.bind(now).bind(idle).all(&self.reader).await?;
        rows.iter().map(|row| row.get("attachment_id")).collect()
    }

    /// Complete attachments after a key, for their verification.
    pub async fn complete_attachments(
        &self,
        scope: &Scope,
        after: Uuid,
        limit: u32,
    ) -> Result<Vec<KeptAttachment>, StoreError> {
        let mut sql = Sql::new(&format!("SELECT {COLUMNS} {FROM} state = 'COMPLETE' AND id > ? AND ")).bind(after);
        sql.append(reach(scope)).push(&format!(" ORDER BY id LIMIT {limit}"));
        sql.all(&self.reader).await?.iter().map(kept).collect()
    }
}

impl Tx<'_> {
    /// An attachment within reach.
    pub async fn attachment(&mut self, scope: &Scope, id: Uuid) -> Result<Option<KeptAttachment>, StoreError> {
        by_id(&self.db, scope, id).await
    }

    /// Bytes that a station's unfinished uploads have asked for.
    pub async fn unfinished_bytes(&mut self, station: OrgId) -> Result<u64, StoreError> {
        let sql = "SELECT CAST(COALESCE(SUM(size), 0) AS BIGINT) AS total FROM attachment_upload WHERE station_id = ?";
        let row = Sql::new(sql).bind(station.0).one(&self.db).await?;
        row.map_or(Ok(0), |row| number(&row, "total"))
    }

    /// Bytes that an organisation's attachments have, or have been announced to have. Those of before this was kept
    /// count by what came of them.
    pub async fn kept_bytes(&mut self, owner: OrgId) -> Result<u64, StoreError> {
        let sql = "SELECT CAST(COALESCE(SUM(size), 0) AS BIGINT) AS total FROM attachment \
             WHERE station_id = ? AND state <> 'ABANDONED'";
        let row = Sql::new(sql).bind(owner.0).one(&self.db).await?;
        row.map_or(Ok(0), |row| number(&row, "total"))
    }

    /// The attachments that were made for a claim and that nobody has replaced, the oldest first.
    pub async fn attachments_of_claim(&mut self, claim: &Claim) -> Result<Vec<Uuid>, StoreError> {
        let sql = "SELECT body FROM attachment WHERE claim_id = ? AND station_id = ? AND state <> 'ABANDONED' \
             ORDER BY create_time, id LIMIT 500";
        let rows = Sql::new(sql).bind(claim.id.0).bind(claim.station.0).all(&self.db).await?;
        let attachments: Vec<Attachment> = rows.iter().map(|row| row.document("body")).collect::<Result<_, _>>()?;
        Ok(attachments.into_iter().filter(|one| one.replaced_by.is_none()).map(|one| one.id).collect())
    }

    /// Forgets what of an attachment may tell of a person. That it was forgotten stands in its next version.
    pub async fn forget_particulars(&mut self, _permit: &Permit, id: Uuid) -> Result<(), StoreError> {
        Sql::new("DELETE FROM attachment_particulars WHERE attachment_id = ?").bind(id).execute(&self.db).await?;
        Ok(())
    }

    /// Writes a new attachment, its particulars, the beginning of its upload, and its change row.
    pub async fn insert_attachment(
        &mut self,
        permit: &Permit,
        attachment: Attachment,
        particulars: Particulars,
        expire_time: DateTime<Utc>,
        note: ChangeNote,
    ) -> Result<KeptAttachment, StoreError> {
        let (body, id) = (json(&attachment)?, attachment.id);
        let version = Version::after(permit, &note, id, (0, &[]), body.clone());
        let columns = columns(&attachment);
        let mut sql =
            Sql::new("INSERT INTO attachment (id, version, create_time, update_time, head_hash, body_version, body");
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
        self.write_version(&version, "attachment", sql, Writing::New).await?;
        Sql::new(
            "INSERT INTO attachment_particulars (attachment_id, file_name, latitude_e7, longitude_e7) VALUES (?, ?, ?, ?)",
        )
        .bind(id)
        .bind(&particulars.file_name)
        .bind(particulars.place.map(|place| place.latitude_e7))
        .bind(particulars.place.map(|place| place.longitude_e7))
        .execute(&self.db)
        .await?;
        Sql::new(
            "INSERT INTO attachment_upload (attachment_id, station_id, size, received, last_time, expire_time) \
             VALUES (?, ?, ?, 0, ?, ?)",
        )
        .bind(id)
        .bind(attachment.station.0)
        .bind(signed(attachment.size))
        .bind(version.time())
        .bind(expire_time)
        .execute(&self.db)
        .await?;
        let upload = Some(Upload { received: 0, expire_time });
        Ok(KeptAttachment { stored: version.stored(id, None, None, attachment), particulars, upload })
    }

    /// Writes a changed attachment and its change row, if nobody else changed it meanwhile. One that takes no
    /// bytes any more has no upload any more.
    pub async fn update_attachment(
        &mut self,
        permit: &Permit,
        before: &KeptAttachment,
        attachment: Attachment,
        note: ChangeNote,
    ) -> Result<KeptAttachment, StoreError> {
        let (stored, body) = (&before.stored, json(&attachment)?);
        let version = Version::after(permit, &note, stored.id, (stored.version, &stored.head_hash), body.clone());
        let mut upload = before.upload;
        if upload.is_some() && attachment.expects_bytes().is_err() {
            let mut ended = Sql::new("DELETE FROM attachment_upload WHERE attachment_id = ?").bind(stored.id);
            if attachment.content().is_some() {
                // Its bytes were read outside of this transaction: nobody may have begun it anew since.
                ended.push(" AND received = size");
            }
            if ended.execute(&self.db).await? != 1 {
                return Err(StoreError::Stale);
            }
            upload = None;
        }
        let mut sql =
            Sql::new("UPDATE attachment SET version = ?, update_time = ?, head_hash = ?, body_version = ?, body = ?");
        sql.add(version.number()).add(version.time()).add(version.hash()).add(BODY_VERSION).add(body);
        for (name, value) in columns(&attachment) {
            sql.push(", ").push(name).push(" = ?").add(value);
        }
        sql.push(" WHERE id = ? AND version = ?").add(stored.id).add(stored.version);
        self.write_version(&version, "attachment", sql, Writing::Changed).await?;
        let stored = version.stored(stored.id, Some(stored.create_time), None, attachment);
        Ok(KeptAttachment { stored, particulars: before.particulars.clone(), upload })
    }

    /// Notes that pieces are durable, the first of them where the upload stood. [`StoreError::Stale`] if it
    /// stands elsewhere by now.
    pub async fn add_parts(
        &mut self,
        _permit: &Permit,
        id: Uuid,
        from: u64,
        parts: &[Part],
        now: DateTime<Utc>,
        expire_time: DateTime<Utc>,
    ) -> Result<u64, StoreError> {
        let received = from + parts.iter().map(|part| part.size).sum::<u64>();
        let moved = Sql::new(
            "UPDATE attachment_upload SET received = ?, last_time = ?, expire_time = ? \
             WHERE attachment_id = ? AND received = ? AND size >= ?",
        )
        .bind(signed(received))
        .bind(now)
        .bind(expire_time)
        .bind(id)
        .bind(signed(from))
        .bind(signed(received))
        .execute(&self.db)
        .await?;
        if moved != 1 {
            return Err(StoreError::Stale);
        }
        let rows = parts.iter().map(|part| {
            vec![
                id.into_value(),
                signed(part.start).into_value(),
                signed(part.size).into_value(),
                part.object.into_value(),
            ]
        });
        let insert = "INSERT INTO attachment_part (attachment_id, start, size, object) VALUES";
        bulk::write_rows(&self.db, insert, rows.collect(), "").await?;
        Ok(received)
    }

    /// Forgets the pieces of an upload, which begins anew; answers them, for their bytes to be removed. Nothing
    /// is forgotten of an upload that has ended.
    pub async fn forget_parts(&mut self, _permit: &Permit, id: Uuid) -> Result<Vec<Part>, StoreError> {
        let reset = Sql::new("UPDATE attachment_upload SET received = 0 WHERE attachment_id = ?").bind(id);
        if reset.execute(&self.db).await? != 1 {
            return Err(StoreError::Stale);
        }
        let parts = parts_of(&self.db, id).await?;
        Sql::new("DELETE FROM attachment_part WHERE attachment_id = ?").bind(id).execute(&self.db).await?;
        Ok(parts)
    }

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

/// The rows that a scope reaches: attachments of the own station, or made by the own person, or of the person's
/// own claims. Who reads a claim reads what proves it.
fn reach(scope: &Scope) -> Sql {
    let mut sql = Sql::new("(");
    sql.append(scope::condition(scope, &scope::ATTACHMENT)).push(" OR ");
    sql.append(scope::condition(scope, &scope::ATTACHMENT_OF_CLAIM)).push(")");
    sql
}

async fn by_id(on: &impl Runs, scope: &Scope, id: Uuid) -> Result<Option<KeptAttachment>, StoreError> {
    let mut sql = Sql::new(&format!("SELECT {COLUMNS} {FROM}id = ? AND ")).bind(id);
    sql.append(reach(scope));
    sql.one(on).await?.as_ref().map(kept).transpose()
}

async fn parts_of(on: &impl Runs, id: Uuid) -> Result<Vec<Part>, StoreError> {
    let sql =
        Sql::new("SELECT start, size, object FROM attachment_part WHERE attachment_id = ? ORDER BY start").bind(id);
    let rows = sql.all(on).await?;
    rows.iter()
        .map(|row| Ok(Part { start: number(row, "start")?, size: number(row, "size")?, object: row.get("object")? }))
        .collect()
}

fn columns(attachment: &Attachment) -> Vec<(&'static str, Value)> {
    let content = attachment.content();
    // Another owner has the code of no station, whatever its own is.
    let station = if attachment.owner == Owner::Station { attachment.station_code.as_str() } else { "" };
    vec![
        ("station_id", attachment.station.0.into_value()),
        ("station", station.into_value()),
        ("size", signed(attachment.size).into_value()),
        ("subject", attachment.subject.clone().into_value()),
        ("category", attachment.category.word().into_value()),
        ("state", attachment.state.word().into_value()),
        ("content_type", content.map(|content| content.content_type.media_type().to_owned()).into_value()),
        ("sha256", content.map(|content| content.hash.to_string()).into_value()),
        ("claim_id", attachment.claim.map(|claim| claim.0).into_value()),
        ("created_by", attachment.created_by.0.into_value()),
    ]
}

fn kept(row: &Row) -> Result<KeptAttachment, StoreError> {
    let received: Option<i64> = row.get("received")?;
    let upload = match (received, row.instant_or_null("expire_time")?) {
        (Some(_), Some(expire_time)) => Some(Upload { received: number(row, "received")?, expire_time }),
        (Some(_) | None, _) => None,
    };
    let place = match (row.get("latitude_e7")?, row.get("longitude_e7")?) {
        (Some(latitude_e7), Some(longitude_e7)) => Some(Place { latitude_e7, longitude_e7 }),
        (Some(_) | None, _) => None,
    };
    Ok(KeptAttachment {
        stored: Stored {
            id: row.get("id")?,
            version: row.get("version")?,
            create_time: row.instant("create_time")?,
            update_time: row.instant("update_time")?,
            retire_time: None,
            head_hash: row.get("head_hash")?,
            value: row.document("body")?,
        },
        // Particulars that were erased read as empty.
        particulars: Particulars { file_name: row.get::<Option<String>>("file_name")?.unwrap_or_default(), place },
        upload,
    })
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

/// A number of bytes; the databases have signed ones only.
fn signed(number: u64) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}

fn number(row: &Row, column: &str) -> Result<u64, StoreError> {
    let found: i64 = row.get(column)?;
    u64::try_from(found).map_err(|_| row.corrupt(column, format!("{found} is below zero")))
}
