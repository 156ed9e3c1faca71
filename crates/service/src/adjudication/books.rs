//! Rule sets that have been read and whose conditions have been compiled. A version never changes without its
//! number, so what is kept is never old.

use std::sync::{Arc, Mutex, PoisonError};

use recourse_domain::access::Scope;
use recourse_domain::adjudication::RuleBook;
use recourse_domain::catalog::AdjudicationRuleSet;
use recourse_repository::Tx;
use uuid::Uuid;

use crate::error::{Answer, Refusal};

/// Sets that are kept: the one in force, and those of dry runs.
const KEPT: usize = 8;

/// A set with the version of its row.
type Kept = (Uuid, i64, Arc<RuleBook>);

/// The sets that were used last, the newest at the end.
#[derive(Debug, Default)]
pub(crate) struct RuleBooks(Mutex<Vec<Kept>>);

impl RuleBooks {
    /// The rules of a set as of a version.
    pub(crate) async fn of(&self, tx: &mut Tx<'_>, scope: &Scope, id: Uuid, version: i64) -> Answer<Arc<RuleBook>> {
        if let Some(book) = self.kept(id, version) {
            return Ok(book);
        }
        let stored = tx
            .record_by_id::<AdjudicationRuleSet>(scope, id)
            .await?
            .ok_or_else(|| Refusal::fault(format!("rule set {id} is missing")))?;
        let book = Arc::new(RuleBook::of(&stored.value));
        self.keep((id, stored.version, Arc::clone(&book)));
        Ok(book)
    }

    fn kept(&self, id: Uuid, version: i64) -> Option<Arc<RuleBook>> {
        let books = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        books.iter().find(|kept| (kept.0, kept.1) == (id, version)).map(|kept| Arc::clone(&kept.2))
    }

    fn keep(&self, kept: Kept) {
        let mut books = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        books.retain(|other| (other.0, other.1) != (kept.0, kept.1));
        books.push(kept);
        let too_many = books.len().saturating_sub(KEPT);
        books.drain(..too_many);
    }
}
