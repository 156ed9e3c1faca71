//! Open appeals, for their deadlines. An appeal itself is a part of its claim.

use chrono::{DateTime, Utc};
use recourse_domain::access::Scope;
use uuid::Uuid;

use crate::error::StoreError;
use crate::scope;
use crate::sql::Sql;
use crate::store::Store;

impl Store {
    /// Claims with an open appeal that are not held and that were not escalated to a level yet, the oldest claim first,
    /// after the one that was seen last.
    pub async fn open_appeals(
        &self,
        scope: &Scope,
        level: u32,
        after: Option<(DateTime<Utc>, Uuid)>,
        limit: u32,
    ) -> Result<Vec<(DateTime<Utc>, Uuid)>, StoreError> {
        let (created, id) = after.unwrap_or((DateTime::UNIX_EPOCH, Uuid::nil()));
        let mut sql = Sql::new(
            "SELECT id, create_time FROM claim WHERE open_appeal IS NOT NULL AND hold_reason IS NULL \
             AND escalation_level < ? AND (create_time, id) > (?, ?) AND ",
        )
        .bind(i64::from(level))
        .bind(created)
        .bind(id);
        sql.append(scope::condition(scope, &scope::CLAIM));
        sql.push(&format!(" ORDER BY create_time, id LIMIT {limit}"));
        let rows = sql.all(&self.reader).await?;
        rows.iter().map(|row| Ok((row.instant("create_time")?, row.get("id")?))).collect()
    }
}
