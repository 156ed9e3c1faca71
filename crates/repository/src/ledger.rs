//! The ledger: entries that are only added, and sums over their postings.

use std::collections::BTreeMap;

use chrono::NaiveDate;
use recourse_domain::access::{Permit, Scope};
use recourse_domain::catalog::{Field, FieldKind};
use recourse_domain::ids::{ClaimId, OrgId, UserId};
use recourse_domain::ledger::{Account, Entry, EntryParts, FoundEntry, Posting};
use recourse_domain::money::{Currency, Money};
use recourse_domain::query::page::{ListQuery, Page};
use uuid::Uuid;

use crate::error::StoreError;
use crate::lists;
use crate::scope;
use crate::sql::{Row, Runs, Sql};
use crate::store::{Store, Tx};

const fn field(name: &'static str, kind: FieldKind, sortable: bool) -> Field {
    Field { name, column: name, kind, sortable, prefix: false }
}

/// What lists of entries may be filtered and ordered by.
pub const ENTRY_FIELDS: &[Field] = &[
    field("event", FieldKind::Text, false),
    Field { name: "cause", column: "cause", kind: FieldKind::Text, sortable: false, prefix: true },
    Field { name: "claim", column: "claim_id", kind: FieldKind::Uuid, sortable: false, prefix: false },
    field("effective_date", FieldKind::Date, true),
    Field { name: "post_time", column: "posted_time", kind: FieldKind::Time, sortable: true, prefix: false },
];

/// The sum of an account in one currency.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Balance {
    /// The account.
    pub account: Account,
    /// The party, where the question was about parties.
    pub sub_account: Option<OrgId>,
    /// Sum of its debits.
    pub debit: Money,
    /// Sum of its credits, above zero.
    pub credit: Money,
}

impl Tx<'_> {
    /// Adds an entry. Its cause posts once: a second time is [`StoreError::AlreadyExists`].
    pub async fn insert_entry(&mut self, permit: &Permit, entry: &Entry) -> Result<(), StoreError> {
        let EntryParts {
            id,
            cause,
            event,
            effective_date,
            posted_time,
            actor,
            actor_org,
            job: _,
            claim,
            reverses,
            postings,
        } = entry.parts();
        let head = Sql::new(
            "INSERT INTO ledger_entry (id, cause, event, claim_id, effective_date, posted_time, actor, actor_org, reverses, job) \
             VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
        )
        .bind(id)
        .bind(cause)
        .bind(event)
        .bind(claim.map(|claim| claim.0))
        .bind(effective_date)
        .bind(posted_time)
        .bind(actor.0)
        .bind(actor_org.0)
        .bind(reverses)
        .bind(permit.actor().job.map(str::to_owned));
        let mut sql = Sql::new(
            "INSERT INTO ledger_posting (entry_id, position, account, sub_account, amount_minor, currency, claim_id, line) VALUES ",
        );
        for (position, posting) in (0_i64..).zip(&postings) {
            sql.push(if position == 0 { "(?, ?, ?, ?, ?, ?, ?, ?)" } else { ", (?, ?, ?, ?, ?, ?, ?, ?)" });
            sql.add(id).add(position).add(posting.account.code()).add(posting.sub_account.map(|org| org.0));
            sql.add(posting.amount.minor).add(posting.amount.currency.code());
            sql.add(posting.claim.map(|claim| claim.0)).add(posting.line.map(i64::from));
        }
        self.db.write_together(vec![head], sql, None).await?;
        Ok(())
    }

    /// Entries of many claims as they stand, for verification.
    pub async fn entries_of_claims(
        &mut self,
        scope: &Scope,
        claims: &[ClaimId],
    ) -> Result<Vec<FoundEntry>, StoreError> {
        if claims.is_empty() {
            return Ok(Vec::new());
        }
        let mut sql = Sql::new("SELECT * FROM ledger_entry WHERE claim_id IN ");
        sql.push_list(claims.iter().map(|claim| claim.0)).push(" AND ");
        sql.append(scope::condition(scope, &scope::LEDGER)).push(" ORDER BY id");
        let rows = sql.all(&self.db).await?;
        let mut entries: Vec<EntryParts> = rows.iter().map(entry).collect::<Result<_, _>>()?;
        add_postings(&self.db, &mut entries).await?;
        Ok(entries.into_iter().map(|entry| FoundEntry { cause: entry.cause, postings: entry.postings }).collect())
    }

    /// How many entries there are, and how many of them name no claim that is verified: neither one that is decided
    /// nor one whose appraisal is final. Those verification can't explain.
    pub async fn count_entries(&mut self, scope: &Scope) -> Result<(i64, Vec<String>), StoreError> {
        if !scope.is_any() {
            return Ok((0, Vec::new()));
        }
        let row = Sql::new("SELECT COUNT(*) AS entries FROM ledger_entry").one(&self.db).await?;
        let count = row.map_or(Ok(0), |row| row.get("entries"))?;
        let rows = Sql::new(
            "SELECT e.cause AS cause FROM ledger_entry e LEFT JOIN claim c ON c.id = e.claim_id \
             WHERE c.id IS NULL OR (c.state NOT IN ('APPROVED', 'REJECTED', 'SETTLED', 'CLOSED') \
             AND NOT EXISTS (SELECT 1 FROM appraisal a WHERE a.claim_id = c.id AND a.state IN ('FINAL', 'SUPERSEDED'))) \
             ORDER BY e.id LIMIT 1000",
        )
        .all(&self.db)
        .await?;
        Ok((count, rows.iter().map(|row| row.get("cause")).collect::<Result<_, _>>()?))
    }
}

impl Store {
    /// A page of entries with their postings. Only those who read the whole ledger read it.
    pub async fn entries(&self, scope: &Scope, query: &ListQuery) -> Result<Page<EntryParts>, StoreError> {
        let mut sql = Sql::new("SELECT * FROM ledger_entry WHERE ");
        sql.append(scope::condition(scope, &scope::LEDGER));
        lists::page(&mut sql, query, "id");
        let rows = sql.all(&self.reader).await?;
        let mut page = lists::cut(&rows, query, "id", entry)?;
        add_postings(&self.reader, &mut page.items).await?;
        Ok(page)
    }

    /// The entry of a key.
    pub async fn entry(&self, scope: &Scope, id: Uuid) -> Result<Option<EntryParts>, StoreError> {
        let mut sql = Sql::new("SELECT * FROM ledger_entry WHERE id = ? AND ").bind(id);
        sql.append(scope::condition(scope, &scope::LEDGER));
        let row = sql.one(&self.reader).await?;
        let Some(row) = row else { return Ok(None) };
        let mut found = vec![entry(&row)?];
        add_postings(&self.reader, &mut found).await?;
        Ok(found.pop())
    }

    /// The sums of all accounts at the end of a day, per currency; per party too, if asked.
    pub async fn balances(&self, scope: &Scope, on: NaiveDate, per_party: bool) -> Result<Vec<Balance>, StoreError> {
        let group = if per_party { "p.account, p.sub_account, p.currency" } else { "p.account, p.currency" };
        // NULL needs a type of its own on PostgreSQL.
        let party = if per_party { "p.sub_account".to_owned() } else { self.null_key() };
        let mut sql = Sql::new(&format!(
            "SELECT p.account AS account, {party} AS sub_account, p.currency AS currency, \
             CAST(SUM(CASE WHEN p.amount_minor > 0 THEN p.amount_minor ELSE 0 END) AS BIGINT) AS debit, \
             CAST(SUM(CASE WHEN p.amount_minor < 0 THEN -p.amount_minor ELSE 0 END) AS BIGINT) AS credit \
             FROM ledger_posting p JOIN ledger_entry e ON e.id = p.entry_id WHERE e.effective_date <= ? AND "
        ))
        .bind(on);
        sql.append(scope::condition(scope, &scope::LEDGER)).push(&format!(" GROUP BY {group} ORDER BY {group}"));
        let rows = sql.all(&self.reader).await?;
        rows.iter()
            .map(|row| {
                let currency = currency(row)?;
                Ok(Balance {
                    account: account(row)?,
                    sub_account: row.get::<Option<Uuid>>("sub_account")?.map(OrgId),
                    debit: Money::new(currency, row.get("debit")?),
                    credit: Money::new(currency, row.get("credit")?),
                })
            })
            .collect()
    }

    fn null_key(&self) -> String {
        if self.is_postgres() { "CAST(NULL AS UUID)".to_owned() } else { "NULL".to_owned() }
    }
}

async fn add_postings(db: &impl Runs, entries: &mut [EntryParts]) -> Result<(), StoreError> {
    if entries.is_empty() {
        return Ok(());
    }
    let mut sql = Sql::new("SELECT * FROM ledger_posting WHERE entry_id IN ");
    sql.push_list(entries.iter().map(|entry| entry.id)).push(" ORDER BY entry_id, position");
    let mut found: BTreeMap<Uuid, Vec<Posting>> = BTreeMap::new();
    for row in sql.all(db).await? {
        let (id, posting) = posting(&row)?;
        found.entry(id).or_default().push(posting);
    }
    for entry in entries {
        entry.postings = found.remove(&entry.id).unwrap_or_default();
    }
    Ok(())
}

fn entry(row: &Row) -> Result<EntryParts, StoreError> {
    Ok(EntryParts {
        id: row.get("id")?,
        cause: row.get("cause")?,
        event: row.get("event")?,
        effective_date: row.date("effective_date")?,
        posted_time: row.instant("posted_time")?,
        actor: UserId(row.get("actor")?),
        actor_org: OrgId(row.get("actor_org")?),
        job: row.get("job")?,
        claim: row.get::<Option<Uuid>>("claim_id")?.map(ClaimId),
        reverses: row.get("reverses")?,
        postings: Vec::new(),
    })
}

fn posting(row: &Row) -> Result<(Uuid, Posting), StoreError> {
    let line: Option<i64> = row.get("line")?;
    Ok((
        row.get("entry_id")?,
        Posting {
            account: account(row)?,
            sub_account: row.get::<Option<Uuid>>("sub_account")?.map(OrgId),
            amount: Money::new(currency(row)?, row.get("amount_minor")?),
            claim: row.get::<Option<Uuid>>("claim_id")?.map(ClaimId),
            line: line.and_then(|line| u32::try_from(line).ok()),
        },
    ))
}

fn account(row: &Row) -> Result<Account, StoreError> {
    let code: String = row.get("account")?;
    Account::parse(&code).map_err(|error| row.corrupt("account", error))
}

fn currency(row: &Row) -> Result<Currency, StoreError> {
    let code: String = row.get("currency")?;
    Currency::parse(&code).map_err(|error| row.corrupt("currency", error))
}
