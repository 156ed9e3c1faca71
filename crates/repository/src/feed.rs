//! The change feed: committed changes get their positions afterwards, from one numberer under a lease.
//!
//! A cursor over the changes' own ids would skip a transaction that began earlier and commits later. Here a
//! change is pending until it was seen committed; only then is it given the next position, and positions are
//! never given twice or left out.

use chrono::{DateTime, Utc};
use recourse_domain::change::Change;
use recourse_domain::ids::OrgId;
use std::collections::{BTreeMap, BTreeSet};
use uuid::Uuid;

use crate::changes::{change, to_the_microsecond};
use crate::error::StoreError;
use crate::sql::{Row, Runs, Sql};
use crate::store::{Store, Tx};

/// Changes that are numbered in one transaction.
pub const NUMBERED_AT_ONCE: u32 = 500;
const BATCH: u32 = NUMBERED_AT_ONCE;
/// Organisations asked for in one statement; SQLite joins 500 parts at most.
const ORGS_AT_ONCE: usize = 200;

/// A change in the feed.
#[derive(Clone, Debug)]
pub struct FeedItem {
    /// Its position.
    pub position: i64,
    /// The change.
    pub change: Change,
}

/// A page of the feed.
#[derive(Clone, Debug)]
pub struct FeedPage {
    /// Its items.
    pub items: Vec<FeedItem>,
    /// Where to go on.
    pub position: i64,
    /// Whether more is waiting now.
    pub has_more: bool,
}

/// What a step of forgetting left of the feed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ForgottenFeed {
    /// Position of the oldest change that is kept, less one.
    pub oldest: i64,
    /// Whether more may have aged: then another step is due.
    pub has_more: bool,
}

/// Where the feed begins and ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FeedEnds {
    /// Position of the oldest change that is kept, less one.
    pub oldest: i64,
    /// Position of the newest change.
    pub newest: i64,
}

impl Store {
    /// Gives positions to committed changes that have none; answers how many it gave. Safe to run anywhere,
    /// any time: two numberers wait for one another on the counter's row.
    pub async fn number_changes(&self) -> Result<u32, StoreError> {
        let waiting = Sql::new("SELECT change_id FROM change_pending LIMIT 1").one(&self.reader).await?;
        if waiting.is_none() {
            return Ok(0);
        }
        self.run(|tx| Box::pin(number_batch(tx))).await
    }

    /// Changes after a position that these organisations may follow, in order; without `collections`, of all
    /// of them. A reader of no collection reads nothing: an empty list never comes to mean all.
    pub async fn changes_after(
        &self,
        orgs: &BTreeSet<OrgId>,
        position: i64,
        collections: Option<&[String]>,
        limit: u32,
    ) -> Result<Vec<FeedItem>, StoreError> {
        if orgs.is_empty() || collections.is_some_and(<[String]>::is_empty) {
            return Ok(Vec::new());
        }
        let mut found: BTreeMap<i64, Change> = BTreeMap::new();
        let orgs: Vec<OrgId> = orgs.iter().copied().collect();
        for orgs in orgs.chunks(ORGS_AT_ONCE) {
            for item in self.changes_for(orgs, position, collections, limit).await? {
                found.insert(item.position, item.change);
            }
        }
        let most = usize::try_from(limit).unwrap_or(usize::MAX);
        Ok(found.into_iter().take(most).map(|(position, change)| FeedItem { position, change }).collect())
    }

    /// Each organisation's entries are read from their place in its own index, and no further than the limit;
    /// a change that several of them may follow is told once.
    async fn changes_for(
        &self,
        orgs: &[OrgId],
        position: i64,
        collections: Option<&[String]>,
        limit: u32,
    ) -> Result<Vec<FeedItem>, StoreError> {
        let mut sql = Sql::new("SELECT f.position AS position, c.* FROM (");
        for (index, org) in orgs.iter().enumerate() {
            sql.push(if index > 0 { " UNION " } else { "" });
            sql.push("SELECT position, change_id FROM (SELECT position, change_id FROM feed_entry WHERE org_id = ? AND position > ?");
            sql.add(org.0).add(position);
            if let Some(collections) = collections {
                sql.push(" AND collection IN ").push_list(collections.iter());
            }
            sql.push(&format!(" ORDER BY position LIMIT {limit}) o{index}"));
        }
        // A cross join keeps its order on SQLite, which else may scan all changes to look each up among the few.
        sql.push(&format!(") f CROSS JOIN change c WHERE c.id = f.change_id ORDER BY f.position LIMIT {limit}"));
        let rows = sql.all(&self.reader).await?;
        rows.iter().map(|row| Ok(FeedItem { position: row.get("position")?, change: change(row)? })).collect()
    }

    /// A page of the feed, and where to go on; none if what follows the position is not kept any more. A reader that
    /// finds nothing still moves on, so that its place doesn't grow older than what is kept.
    pub async fn feed_page(
        &self,
        orgs: &BTreeSet<OrgId>,
        position: i64,
        collections: Option<&[String]>,
        limit: u32,
    ) -> Result<Option<FeedPage>, StoreError> {
        // The end is read first: what is numbered meanwhile belongs to the next page.
        let newest = self.feed_ends().await?.newest;
        let mut items = self.changes_after(orgs, position, collections, limit.saturating_add(1)).await?;
        let most = usize::try_from(limit).unwrap_or(usize::MAX);
        let has_more = items.len() > most;
        items.truncate(most);
        let last = items.last().map_or(position, |item| item.position);
        // And the beginning last: what was forgotten while it was read may be missing among the items.
        if position < self.feed_ends().await?.oldest {
            return Ok(None);
        }
        let position = if has_more { last } else { last.max(newest) };
        Ok(Some(FeedPage { items, position, has_more }))
    }

    /// Forgets the feed's oldest entries of changes before an instant, those of [`NUMBERED_AT_ONCE`] changes at most;
    /// the changes themselves stay. Cursors that point before what is kept have expired then.
    pub async fn forget_feed(&self, before: DateTime<Utc>) -> Result<ForgottenFeed, StoreError> {
        let before = to_the_microsecond(before);
        // Most often nothing has aged since the last look: then the numberer is not held up.
        let oldest = self.feed_ends().await?.oldest;
        if aged(&self.reader, oldest, before, 1).await?.is_none() {
            return Ok(ForgottenFeed { oldest, has_more: false });
        }
        self.run(|tx| {
            Box::pin(async move {
                let oldest = counter(tx).await?.oldest;
                let Some(aged) = aged(&tx.db, oldest, before, BATCH).await? else {
                    return Ok(ForgottenFeed { oldest, has_more: false });
                };
                // By the key, which begins with the reader: by their position alone all entries would be looked at.
                let mut entries =
                    Sql::new("DELETE FROM feed_entry WHERE position > ? AND position <= ? AND org_id IN ");
                entries.add(oldest).add(aged.last).push_list(aged.readers.iter().map(|org| org.0));
                entries.execute(&tx.db).await?;
                Sql::new("UPDATE feed_counter SET oldest = ? WHERE id = 1").bind(aged.last).execute(&tx.db).await?;
                Ok(ForgottenFeed { oldest: aged.last, has_more: aged.has_more })
            })
        })
        .await
    }

    /// Where the feed begins and ends.
    pub async fn feed_ends(&self) -> Result<FeedEnds, StoreError> {
        ends(Sql::new(ENDS).one(&self.reader).await?)
    }
}

const ENDS: &str = "SELECT position, oldest FROM feed_counter WHERE id = 1";

fn ends(row: Option<Row>) -> Result<FeedEnds, StoreError> {
    match row {
        Some(row) => Ok(FeedEnds { oldest: row.get("oldest")?, newest: row.get("position")? }),
        None => Err(StoreError::corrupt("feed_counter", "id", 1, "the row is missing")),
    }
}

/// Takes the counter's row, so that whoever numbers or forgets takes turns, and reads it.
async fn counter(tx: &mut Tx<'_>) -> Result<FeedEnds, StoreError> {
    Sql::new("UPDATE feed_counter SET position = position WHERE id = 1").execute(&tx.db).await?;
    ends(Sql::new(ENDS).one(&tx.db).await?)
}

/// Changes at the beginning of the feed that were made before an instant.
struct AgedEntries {
    /// Position of the last of them.
    last: i64,
    /// Whose entries of them there are.
    readers: BTreeSet<OrgId>,
    /// Whether all that were looked at are among them.
    has_more: bool,
}

/// The next entries after a position, up to the first whose change is not of before an instant. The manufacturer
/// follows everything, so its entries are the whole feed.
async fn aged(
    on: &impl Runs,
    after: i64,
    before: DateTime<Utc>,
    limit: u32,
) -> Result<Option<AgedEntries>, StoreError> {
    let rows = Sql::new(&format!(
        "SELECT f.position AS position, c.time AS time, c.audience AS audience FROM feed_entry f CROSS JOIN change c \
         WHERE c.id = f.change_id AND f.org_id = ? AND f.position > ? ORDER BY f.position LIMIT {limit}"
    ))
    .bind(OrgId::OEM.0)
    .bind(after)
    .all(on)
    .await?;
    let mut found: Option<AgedEntries> = None;
    for row in &rows {
        if row.instant("time")? >= before {
            return Ok(found.map(|found| AgedEntries { has_more: false, ..found }));
        }
        let audience: Vec<OrgId> = row.document("audience")?;
        let mut readers = found.map(|found| found.readers).unwrap_or_default();
        readers.extend(audience);
        found = Some(AgedEntries { last: row.get("position")?, readers, has_more: true });
    }
    Ok(found)
}

async fn number_batch(tx: &mut Tx<'_>) -> Result<u32, StoreError> {
    let mut position = counter(tx).await?.newest;
    // The few that wait come first, whatever the databases believe to know of their number: joined, SQLite with
    // statistics scanned every change there is for them.
    let rows = Sql::new(&format!(
        "SELECT id, audience, collection FROM change WHERE id IN \
         (SELECT change_id FROM change_pending ORDER BY change_id LIMIT {BATCH}) ORDER BY id"
    ))
    .all(&tx.db)
    .await?;
    if rows.is_empty() {
        return Ok(0);
    }
    let mut entries = Sql::new("INSERT INTO feed_entry (org_id, position, change_id, collection) VALUES ");
    let mut numbered: Vec<Uuid> = Vec::with_capacity(rows.len());
    let mut first = true;
    for row in &rows {
        let id: Uuid = row.get("id")?;
        let audience: Vec<OrgId> = row.document("audience")?;
        let collection: String = row.get("collection")?;
        position += 1;
        for org in audience {
            entries.push(if std::mem::take(&mut first) { "(?, ?, ?, ?)" } else { ", (?, ?, ?, ?)" });
            entries.add(org.0).add(position).add(id).add(&collection);
        }
        numbered.push(id);
    }
    let count = u32::try_from(numbered.len()).unwrap_or(u32::MAX);
    if !first {
        entries.execute(&tx.db).await?;
    }
    let mut done = Sql::new("DELETE FROM change_pending WHERE change_id IN ");
    done.push_list(numbered);
    done.execute(&tx.db).await?;
    Sql::new("UPDATE feed_counter SET position = ? WHERE id = 1").bind(position).execute(&tx.db).await?;
    Ok(count)
}
