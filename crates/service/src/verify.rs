//! The verification of everything: history, rows and books, for the operator's `verify`.

use recourse_domain::access::{self, Actor};
use recourse_repository::{HistoryReport, RowsReport, Store};

use crate::error::{Answer, Refusal};
use crate::ledger::verify_books;

/// What the verification of a store found.
#[derive(Clone, Debug, Default)]
pub struct StoreReport {
    /// The chain of every resource.
    pub history: HistoryReport,
    /// References, sums, documents and revisions.
    pub rows: RowsReport,
    /// Claims whose postings were recomputed.
    pub recomputed_claims: i64,
    /// Entries that they were compared with.
    pub entries: i64,
    /// Where the ledger is not what the claims say.
    pub book_faults: Vec<String>,
}

impl StoreReport {
    /// Everything that is wrong.
    pub fn faults(&self) -> impl Iterator<Item = &str> {
        [&self.history.faults, &self.rows.faults, &self.book_faults].into_iter().flatten().map(String::as_str)
    }
}

/// Verifies a store while others use it: each part is read as it stood at one moment.
pub async fn verify_store(store: &Store) -> Answer<StoreReport> {
    let history = store.verify_history().await?;
    let rows = store.verify_rows().await?;
    let scope = access::job_scope(&Actor::job("verify")).map_err(Refusal::from)?;
    let books = store.read(move |tx| Box::pin(verify_books(tx, scope, None))).await?;
    let book_faults = books.differences.iter().map(|difference| {
        let amount = |money: Option<recourse_domain::money::Money>| {
            money.map_or_else(|| "nothing".to_owned(), |money| format!("{} {}", money.minor, money.currency.code()))
        };
        format!(
            "ledger, {}: {:?}, {} line {}: expected {}, found {} (minor units)",
            difference.cause,
            difference.kind,
            difference.account.map_or("the entry", |account| account.code()),
            difference.line.map_or_else(|| "-".to_owned(), |line| line.to_string()),
            amount(difference.expected),
            amount(difference.found),
        )
    });
    Ok(StoreReport {
        history,
        rows,
        recomputed_claims: books.claims,
        entries: books.entries,
        book_faults: book_faults.collect(),
    })
}
