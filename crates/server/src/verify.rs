//! `recourse verify`: whether history, rows and books of a store hold together.

use recourse_service::attachments::{FilesReport, verify_files};
use recourse_service::verify::{StoreReport, verify_store};
use serde_json::json;

use crate::StartError;
use crate::config::Config;
use crate::start;

/// Verifies the store and prints what was found; faults end in a failure.
pub(crate) async fn verify(config: &Config, as_json: bool) -> Result<(), StartError> {
    let store = start::open_present(config).await?;
    let report = verify_store(&store).await.map_err(|error| StartError::new("the store can't be verified", error))?;
    let files = verify_files(&store, &start::open_files(config)?).await;
    let files = files.map_err(|error| StartError::new("the attachments can't be verified", error))?;
    let faults = report.faults().count() + files.faults.len();
    crate::print(&if as_json { json_text(&report, &files) } else { text(&report, &files) })?;
    if faults == 0 { Ok(()) } else { Err(StartError::new("verify", crate::doctor::count(faults))) }
}

fn text(report: &StoreReport, files: &FilesReport) -> String {
    let mut text = format!(
        "history: {} resources, {} changes\nrows: {} claims, {} postings\nbooks: {} claims recomputed against {} entries\n\
         files: {} attachments, {} bytes\n",
        report.history.resources,
        report.history.changes,
        report.rows.claims,
        report.rows.postings,
        report.recomputed_claims,
        report.entries,
        files.attachments,
        files.bytes,
    );
    for fault in faults(report, files) {
        text.push_str(&format!("FAULT {fault}\n"));
    }
    text
}

/// Everything that is wrong.
fn faults<'r>(report: &'r StoreReport, files: &'r FilesReport) -> impl Iterator<Item = &'r str> {
    report.faults().chain(files.faults.iter().map(String::as_str))
}

fn json_text(report: &StoreReport, files: &FilesReport) -> String {
    let shown = json!({
        "intact": faults(report, files).next().is_none(),
        "resources": report.history.resources,
        "changes": report.history.changes,
        "claims": report.rows.claims,
        "postings": report.rows.postings,
        "recomputedClaims": report.recomputed_claims,
        "entries": report.entries,
        "attachments": files.attachments,
        "attachmentBytes": files.bytes,
        "faults": faults(report, files).collect::<Vec<_>>(),
    });
    format!("{shown:#}\n")
}
