//! Uploads: what is durable of an attachment, piece by piece, and until when it may be gone on with.
//!
//! An upload's progress is no version of its attachment. A piece counts from the moment in which its row stands, and of
//! two writers at one place one finds it taken.

use chrono::{DateTime, Utc};
use recourse_domain::access::Permit;
use recourse_domain::ids::OrgId;
use uuid::Uuid;

use super::{number, signed};
use crate::bulk;
use crate::error::StoreError;
use crate::sql::{IntoValue, Runs, Sql};
use crate::store::{Store, Tx};

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
}

impl Tx<'_> {
    /// Bytes that a station's unfinished uploads have asked for.
    pub async fn unfinished_bytes(&mut self, station: OrgId) -> Result<u64, StoreError> {
        let sql = "SELECT CAST(COALESCE(SUM(size), 0) AS BIGINT) AS total FROM attachment_upload WHERE station_id = ?";
        let row = Sql::new(sql).bind(station.0).one(&self.db).await?;
        row.map_or(Ok(0), |row| number(&row, "total"))
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
}
async fn parts_of(on: &impl Runs, id: Uuid) -> Result<Vec<Part>, StoreError> {
    let sql =
        Sql::new("SELECT start, size, object FROM attachment_part WHERE attachment_id = ? ORDER BY start").bind(id);
    let rows = sql.all(on).await?;
    rows.iter()
        .map(|row| Ok(Part { start: number(row, "start")?, size: number(row, "size")?, object: row.get("object")? }))
        .collect()
}
