//! Attachments: one document a row, what tells of a person in a row of its own. Where the bytes are is in `uploads`,
//! what a file proves in `evidence`.

mod evidence;
mod uploads;

use chrono::{DateTime, Utc};
use recourse_domain::access::{Permit, Scope};
use recourse_domain::attachments::{Attachment, Owner, Particulars, Place};
use recourse_domain::catalog::{Field, FieldKind, Stored};
use recourse_domain::claims::Claim;
use recourse_domain::ids::OrgId;
use recourse_domain::query::page::{ListQuery, Page};
use sea_orm::Value;
use uuid::Uuid;

pub use uploads::{Part, Upload};

use crate::aggregates;
use crate::changes::{ChangeNote, Version, Writing, json};
use crate::error::StoreError;
use crate::lists;
use crate::scope;
use crate::sql::{IntoValue, Row, Runs, Sql};
use crate::store::{Store, Tx};

/// An attachment with its particulars and its upload.
const COLUMNS: &str = "id, version, create_time, update_time, head_hash, body, file_name, latitude_e7, longitude_e7, \
     received, expire_time";
const FROM: &str = "FROM attachment LEFT JOIN attachment_particulars p ON p.attachment_id = id \
     LEFT JOIN attachment_upload u ON u.attachment_id = id WHERE ";

const fn field(name: &'static str, column: &'static str, kind: FieldKind, sortable: bool) -> Field {
    Field { name, column, kind, sortable, prefix: false }
}

/// What lists of attachments may be filtered and ordered by.
pub const ATTACHMENT_FIELDS: &[Field] = &[
    field("claim", "claim_id", FieldKind::Uuid, false),
    field("station", "station", FieldKind::code_of("stations"), false),
    field("subject", "subject", FieldKind::Text, false),
    field("category", "category", FieldKind::Text, false),
    field("state", "state", FieldKind::Text, false),
    field("content_type", "content_type", FieldKind::SmallLetters, false),
    field("sha256", "sha256", FieldKind::SmallLetters, false),
    field("create_time", "create_time", FieldKind::Time, true),
];

/// What lists may be filtered by beside, for those who see it of every attachment that they reach: for others the answers
/// would tell it.
pub const OWN_ATTACHMENT_FIELDS: &[Field] = &[field("external_ref", "external_ref", FieldKind::Text, false)];

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
        let sql = aggregates::first_version("attachment", id, &version, body, columns(&attachment));
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
        let row = (stored.id, stored.version);
        let sql = aggregates::next_version("attachment", row, &version, body, columns(&attachment));
        self.write_version(&version, "attachment", sql, Writing::Changed).await?;
        let stored = version.stored(stored.id, Some(stored.create_time), None, attachment);
        Ok(KeptAttachment { stored, particulars: before.particulars.clone(), upload })
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

fn columns(attachment: &Attachment) -> Vec<(&'static str, Value)> {
    let content = attachment.content();
    // Another owner has the code of no station, whatever its own is.
    let station = if attachment.owner == Owner::Station { attachment.station_code.as_str() } else { "" };
    vec![
        ("station_id", attachment.station.0.into_value()),
        ("station", station.into_value()),
        ("size", signed(attachment.size).into_value()),
        ("subject", attachment.subject.clone().into_value()),
        ("external_ref", Some(attachment.external_ref.clone()).filter(|text| !text.is_empty()).into_value()),
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

/// A number of bytes; the databases have signed ones only.
fn signed(number: u64) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}

fn number(row: &Row, column: &str) -> Result<u64, StoreError> {
    let found: i64 = row.get(column)?;
    u64::try_from(found).map_err(|_| row.corrupt(column, format!("{found} is below zero")))
}
