//! `recourse verify`: whether history, rows and books of a store hold together.

use recourse_service::verify::{StoreReport, verify_store};
use serde_json::json;

use crate::StartError;
use crate::config::Config;
use crate::start;

/// Verifies the store and prints what was found; faults end in a failure.
pub(crate) async fn verify(config: &Config, as_json: bool) -> Result<(), StartError> {
    let store = start::open_present(config).await?;
    let report = verify_store(&store).await.map_err(|error| StartError::new("the store can't be verified", error))?;
    let faults = report.faults().count();
    crate::print(&if as_json { json_text(&report) } else { text(&report) })?;
    if faults == 0 { Ok(()) } else { Err(StartError::new("verify", format!("{faults} faults"))) }
}

fn text(report: &StoreReport) -> String {
    let mut text = format!(
        "history: {} resources, {} changes\nrows: {} claims, {} postings\nbooks: {} claims recomputed against {} entries\n",
        report.history.resources,
        report.history.changes,
        report.rows.claims,
        report.rows.postings,
        report.recomputed_claims,
        report.entries,
    );
    for fault in report.faults() {
        text.push_str(&format!("FAULT {fault}\n"));
    }
    text
}

fn json_text(report: &StoreReport) -> String {
    let shown = json!({
        "intact": report.faults().next().is_none(),
        "resources": report.history.resources,
        "changes": report.history.changes,
        "claims": report.rows.claims,
        "postings": report.rows.postings,
        "recomputedClaims": report.recomputed_claims,
        "entries": report.entries,
        "faults": report.faults().collect::<Vec<_>>(),
    });
    format!("{shown:#}\n")
}
