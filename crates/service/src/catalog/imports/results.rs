//! The results of an import on their way to the caller, read from the store when the caller takes them.

use std::collections::VecDeque;
use std::sync::Arc;

use futures::StreamExt;
use futures::stream::{self, BoxStream};
use recourse_domain::imports::ImportOutcome;
use recourse_domain::text::{Lang, Text};
use recourse_proto::v1;
use recourse_proto::v1::import_report::Report;
use recourse_repository::{ImportJob, ImportRow};
use tokio::sync::watch;
use tonic::Status;

use super::Progress;
use super::row::Why;
use crate::context::Call;
use crate::convert;
use crate::error::{Answer, Refusal};

/// Results, and the sums at the end.
pub(crate) type Reports = BoxStream<'static, Result<v1::ImportReport, Status>>;

/// Results that are read at once.
const PAGE: i64 = 500;

struct Results {
    call: Arc<Call>,
    job: ImportJob,
    progress: watch::Receiver<Progress>,
    /// The row whose result is told next.
    next: i64,
    read: VecDeque<ImportRow>,
    is_over: bool,
}

/// The results of a job from its first row on, as far as it is done, until its end.
pub(super) fn stream(call: Arc<Call>, job: ImportJob, progress: watch::Receiver<Progress>) -> Reports {
    let results = Results { call, job, progress, next: 1, read: VecDeque::new(), is_over: false };
    stream::unfold(results, |mut results| async move {
        if results.is_over {
            return None;
        }
        let report = results.report().await.map_err(|refusal| {
            results.is_over = true;
            refusal.status(results.call.lang)
        });
        Some((report, results))
    })
    .boxed()
}

impl Results {
    async fn report(&mut self) -> Answer<v1::ImportReport> {
        loop {
            if let Some(row) = self.read.pop_front() {
                self.next = row.number + 1;
                return Ok(v1::ImportReport { report: Some(Report::Row(self.result(row)?)) });
            }
            let Progress { done, ended } = self.progress.borrow_and_update().clone();
            if self.next <= done {
                let last = done.min(self.next + PAGE - 1);
                self.read = self.call.inner.store.import_results(self.job.id, self.next, last).await?.into();
                if self.read.is_empty() {
                    return Err(Refusal::fault(format!("the results of rows {} to {last} are gone", self.next)));
                }
                continue;
            }
            if let Some(ended) = ended {
                self.is_over = true;
                return Ok(v1::ImportReport { report: Some(Report::Summary(ended?)) });
            }
            if self.progress.changed().await.is_err() {
                return Err(Refusal::fault("an import ended without saying how"));
            }
        }
    }

    fn result(&self, row: ImportRow) -> Answer<v1::ImportResult> {
        let ImportRow { number, hash: _, outcome, name, version, command: _, send, detail } = row;
        let lang = self.call.lang;
        let waits =
            detail.as_deref().filter(|_| outcome == ImportOutcome::Waiting).map(|proposal| waits(proposal, lang));
        let why: Option<Why> = detail
            .filter(|_| outcome != ImportOutcome::Waiting)
            .map(|detail| serde_json::from_str(&detail))
            .transpose()
            .map_err(|error| Refusal::fault(format!("why row {number} was refused can't be read: {error}")))?;
        let violations = why.iter().flat_map(|why| why.violations(lang));
        Ok(v1::ImportResult {
            row: number,
            name,
            outcome: shown(outcome).into(),
            etag: version.map(convert::etag).unwrap_or_default(),
            repeated: send != self.job.send,
            reason: why.as_ref().map(Why::reason).unwrap_or_default().into(),
            detail: waits.or(why.as_ref().map(|why| why.text(lang))).unwrap_or_default(),
            violations: violations
                .map(|(field, reason, description)| v1::ImportViolation { field, reason, description })
                .collect(),
        })
    }
}

/// What a row is told that waits in a proposal.
fn waits(proposal: &str, lang: Lang) -> String {
    let text = Text::new(
        format!(
            "waits for a second person in changeProposals/{proposal}, which is made when the import ends; send the import \
             again after its confirmation"
        ),
        format!("等待第二人在 changeProposals/{proposal} 中确认（导入结束时生成）；确认后请再次发送本导入"),
    );
    text.in_lang(lang).to_owned()
}

fn shown(outcome: ImportOutcome) -> v1::import_result::Outcome {
    match outcome {
        ImportOutcome::Created => v1::import_result::Outcome::Created,
        ImportOutcome::Updated => v1::import_result::Outcome::Updated,
        ImportOutcome::Unchanged => v1::import_result::Outcome::Unchanged,
        ImportOutcome::Refused => v1::import_result::Outcome::Refused,
        ImportOutcome::Waiting => v1::import_result::Outcome::Waiting,
    }
}
