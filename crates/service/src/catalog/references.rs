//! What the records of master data name: it must be there.

use recourse_domain::catalog::{Record, Reference};
use recourse_domain::text::Violation;
use recourse_repository::Tx;

use super::Resource;
use crate::error::{Answer, Refusal};

/// Refuses names of records that do not exist or are retired. What stood before may stay: a retired part is
/// no reason to refuse a change of something else.
pub(super) async fn refuse_missing_references<R: Resource>(
    tx: &mut Tx<'_>,
    record: &R::Record,
    before: Option<&R::Record>,
) -> Answer<()> {
    let kept = before.map(Record::references).unwrap_or_default();
    let mut references = record.references();
    references.retain(|new| !kept.iter().any(|old| old.table == new.table && old.code == new.code));
    let violations = missing(tx, &references).await?;
    Refusal::check(violations.into_iter().map(|violation| violation.under(R::SINGULAR)).collect())
}

pub(super) async fn missing(tx: &mut Tx<'_>, references: &[Reference]) -> Answer<Vec<Violation>> {
    if references.is_empty() {
        return Ok(Vec::new());
    }
    let missing = tx.missing_references(references).await?;
    Ok(missing.into_iter().map(|reference| unknown(reference.field, reference.collection, &reference.code)).collect())
}

/// A record that a field names does not exist.
pub(crate) fn unknown(field: impl Into<String>, collection: &str, code: &str) -> Violation {
    Violation::new(
        field,
        "UNKNOWN_REFERENCE",
        format!("{collection}/{code} does not exist or is retired; create it first"),
        format!("{collection}/{code} 不存在或已停用；请先创建"),
    )
}
