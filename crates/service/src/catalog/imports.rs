//! Imports: any number of rows into one collection, each with its result.
//!
//! Rows come in as fast as they are written and no faster: one chunk is held in memory, and the store is the
//! buffer of results. So it does not matter whether a client reads results while it sends, or sends the whole
//! file first: neither side ever waits for the other's pipe. A job is known by its name; what became of each
//! row stands in the same transaction as what the row wrote.

mod chunk;
mod planning;
mod proposal;
mod results;
mod row;

use std::sync::Arc;
use std::time::Duration;

use recourse_domain::access::{Act, Permit};
use recourse_domain::imports::{ImportMode, ImportOutcome};
use recourse_domain::text::Violation;
use recourse_proto::gateway::UnreadRows;
use recourse_proto::v1::error_reason::Code as Reason;
use recourse_proto::validate::Validate;
use recourse_proto::{Method, v1};
use recourse_repository::ImportJob;
use tokio::sync::watch;
use tokio::time::timeout;
use tonic::{Request, Response, Status, Streaming};

use super::Resource;
use super::resources::{CampaignVehicleResource, PartResource, VehicleResource};
use crate::api::Inner;
use crate::campaigns;
use crate::context::{Boxed, Call};
use crate::error::{Answer, Refusal};
use crate::identity::leave;
use crate::second_person;
use chunk::{Chunk, Written};
use proposal::Proposing;
pub(crate) use results::Reports;

/// Rows that are written in one transaction.
const CHUNK_ROWS: usize = 500;
/// Bytes of them, from which on no further row is added.
const CHUNK_BYTES: usize = 1 << 20;
/// How long a chunk waits for its next row: a slow sender sees results soon.
const LINGER: Duration = Duration::from_millis(200);
/// How long the import waits for a row.
const PATIENCE: Duration = Duration::from_secs(60);
/// Characters of a job's name.
const MAX_NAME: usize = 100;

/// A message that brings one row, and what it says of the whole.
pub(crate) trait ImportRequest: Default + Send + Sync + 'static {
    /// The master data that rows are of.
    type Resource: Resource<Message: Validate>;

    /// What the message says of the whole, and the row.
    fn parts(self) -> (Job, Option<<Self::Resource as Resource>::Message>);

    /// The name or code of the resource that a row is about.
    fn named(row: &<Self::Resource as Resource>::Message) -> &str;

    /// Refuses an import into a parent that takes none.
    fn admit<'c>(call: &'c Call, parent: &'c str) -> Boxed<'c, Answer<()>> {
        let _ = (call, parent);
        Box::pin(async { Ok(()) })
    }

    /// Puts a row into the parent that the whole import is for.
    fn place(row: &mut <Self::Resource as Resource>::Message, parent: &str) {
        let _ = (row, parent);
    }
}

/// What the messages of an import say of the whole: the first says it, the others may repeat it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Job {
    /// The resource within which rows are; empty where they are in none.
    parent: String,
    /// Name of the job.
    name: String,
    /// What becomes of rows whose resource exists.
    mode: i32,
    /// Why rows change what needs a second person; empty: they are refused.
    reason: String,
}

impl ImportRequest for v1::ImportVehiclesRequest {
    type Resource = VehicleResource;

    fn parts(self) -> (Job, Option<v1::Vehicle>) {
        let Self { import_id, mode, vehicle } = self;
        (Job { name: import_id, mode, ..Job::default() }, vehicle)
    }

    fn named(row: &v1::Vehicle) -> &str {
        if row.name.is_empty() { &row.vin } else { &row.name }
    }
}

impl ImportRequest for v1::ImportPartsRequest {
    type Resource = PartResource;

    fn parts(self) -> (Job, Option<v1::Part>) {
        let Self { import_id, mode, part, proposal_reason } = self;
        (Job { name: import_id, mode, reason: proposal_reason, ..Job::default() }, part)
    }

    fn named(row: &v1::Part) -> &str {
        &row.name
    }
}

impl ImportRequest for v1::ImportCampaignVehiclesRequest {
    type Resource = CampaignVehicleResource;

    fn parts(self) -> (Job, Option<v1::CampaignVehicle>) {
        let Self { parent, import_id, mode, campaign_vehicle } = self;
        (Job { parent, name: import_id, mode, ..Job::default() }, campaign_vehicle)
    }

    fn named(row: &v1::CampaignVehicle) -> &str {
        &row.name
    }

    fn admit<'c>(call: &'c Call, parent: &'c str) -> Boxed<'c, Answer<()>> {
        Box::pin(campaigns::admit_list(call, parent))
    }

    fn place(row: &mut v1::CampaignVehicle, parent: &str) {
        let vin = row.name.rsplit('/').next().filter(|_| row.vin.is_empty()).unwrap_or(&row.vin);
        row.name = format!("{parent}/vehicles/{vin}");
    }
}

/// Imports rows. The call is refused before any answer if its first row does not name a job; what happens
/// later ends the stream of results.
pub(crate) async fn import<I: ImportRequest>(
    inner: &Arc<Inner>,
    method: Method,
    request: Request<Streaming<I>>,
) -> Result<Response<Reports>, Status> {
    let (metadata, extensions, mut rows) = request.into_parts();
    let call = Arc::new(Call::begin(inner, method, &metadata, &extensions)?);
    let permit = call.permit(Act::WriteMasterData).map_err(|refusal| refusal.status(call.lang))?;
    let first = match timeout(PATIENCE, rows.message()).await {
        Ok(first) => first?,
        Err(_) => return Err(no_row_came().status(call.lang)),
    };
    let (whole, first) = first.unwrap_or_default().parts();
    I::admit(&call, &whole.parent).await.map_err(|refusal| refusal.status(call.lang))?;
    let begun = begin::<I::Resource>(&call, &permit, &whole).await;
    let (job, mode) = begun.map_err(|refusal| refusal.status(call.lang))?;
    let (progress, watched) = watch::channel(Progress { done: 0, ended: None });
    let results = results::stream(Arc::clone(&call), job.clone(), watched);
    let unread = extensions.get::<UnreadRows>().cloned().unwrap_or_default();
    let proposing = (!whole.reason.is_empty()).then(|| Proposing::new(call.new_id(), whole.reason.clone()));
    let sums = v1::ImportSummary::default();
    let importer = Importer { call, permit, whole, mode, job, unread, progress, sums, proposing };
    // Rows are taken in whether or not results are fetched. It ends when the sender does, or is gone.
    tokio::spawn(importer.run(rows, first));
    Ok(Response::new(results))
}

/// Begins the job, or goes on with it.
async fn begin<R: Resource>(call: &Call, permit: &Permit, whole: &Job) -> Answer<(ImportJob, ImportMode)> {
    let name = whole.name.as_str();
    let mode = match v1::import_mode::Code::try_from(whole.mode) {
        Ok(v1::import_mode::Code::CreateOnly) => Some(ImportMode::CreateOnly),
        Ok(v1::import_mode::Code::Upsert) => Some(ImportMode::Upsert),
        Ok(v1::import_mode::Code::Unspecified) | Err(_) => None,
    };
    let mut violations = Vec::new();
    if name.trim().is_empty() || name.chars().count() > MAX_NAME || name.chars().any(char::is_control) {
        violations.push(Violation::new(
            "import_id",
            "REQUIRED",
            format!("the first row needs the name of the job, 1 to {MAX_NAME} characters: ?importId=stock-2026-11-20"),
            format!("首行须给出任务名称（1 至 {MAX_NAME} 个字符），如 ?importId=stock-2026-11-20"),
        ));
    }
    if mode.is_none() {
        violations.push(Violation::new(
            "mode",
            "REQUIRED",
            "the first row needs the mode: ?mode=CREATE_ONLY or ?mode=UPSERT",
            "首行须给出模式：?mode=CREATE_ONLY 或 ?mode=UPSERT",
        ));
    }
    let Some(mode) = mode.filter(|_| violations.is_empty()) else { return Err(Refusal::invalid(violations)) };
    // A job is one of its collection: two parents may each have a job of one name.
    let within = format!("{}/{}", super::collection::<R>(), whole.parent);
    let (collection, now) = (within.trim_end_matches('/'), call.now);
    let job = call
        .inner
        .store
        .run(|tx| {
            Box::pin(async move {
                if !whole.reason.is_empty() {
                    second_person::permit_to_propose(tx, call).await?;
                }
                let job = tx.begin_import(permit, call.new_id(), collection, name, mode, now).await?;
                // The refusal takes back that the job was sent.
                if job.mode == mode.word() { Ok(job) } else { Err(other_mode(name, &job.mode)) }
            })
        })
        .await?;
    Ok((job, mode))
}

/// How far an import is.
#[derive(Clone, Debug)]
struct Progress {
    /// The last row whose result stands.
    done: i64,
    /// Its end.
    ended: Option<Answer<v1::ImportSummary>>,
}

/// An import that is running.
struct Importer {
    call: Arc<Call>,
    permit: Permit,
    whole: Job,
    mode: ImportMode,
    job: ImportJob,
    unread: UnreadRows,
    progress: watch::Sender<Progress>,
    sums: v1::ImportSummary,
    /// The proposal that is made of rows that need a second person.
    proposing: Option<Proposing>,
}

/// What came instead of a row.
enum Next<M> {
    Row(Option<M>),
    /// Nothing for a while.
    Pause,
    End,
    /// Nobody waits for results any more.
    Gone,
}

impl Importer {
    async fn run<I: ImportRequest>(mut self, rows: Streaming<I>, first: Option<<I::Resource as Resource>::Message>) {
        if let Some(ended) = self.take_in(rows, first).await.transpose() {
            self.progress.send_modify(|progress| progress.ended = Some(ended));
        }
    }

    /// Takes all rows in; `None` if the caller went away. What is done by then stands, and the job can be sent
    /// again.
    async fn take_in<I: ImportRequest>(
        &mut self,
        mut rows: Streaming<I>,
        first: Option<<I::Resource as Resource>::Message>,
    ) -> Answer<Option<v1::ImportSummary>> {
        let mut chunk: Chunk<I::Resource> = Chunk::from(1);
        chunk.add(row::read::<I>(1, self.placed::<I>(first), &self.unread));
        loop {
            match self.next::<I>(&mut rows, chunk.is_empty()).await? {
                Next::Row(row) => {
                    let row = row::read::<I>(chunk.next(), row, &self.unread);
                    // The later of two rows on one resource sees what the earlier wrote.
                    if chunk.holds(&row) {
                        chunk = self.write(chunk).await?;
                    }
                    chunk.add(row);
                    if chunk.is_full() {
                        chunk = self.write(chunk).await?;
                    }
                }
                Next::Pause => chunk = self.write(chunk).await?,
                Next::Gone => return Ok(None),
                Next::End => {
                    self.write(chunk).await?;
                    let change_proposal = match self.proposing.take() {
                        Some(proposing) => proposing.propose(self).await?,
                        None => String::new(),
                    };
                    let (sums, import_id) = (std::mem::take(&mut self.sums), self.whole.name.clone());
                    return Ok(Some(v1::ImportSummary { import_id, change_proposal, ..sums }));
                }
            }
        }
    }

    async fn next<I: ImportRequest>(
        &self,
        rows: &mut Streaming<I>,
        nothing_waits: bool,
    ) -> Answer<Next<<I::Resource as Resource>::Message>> {
        let wait = if nothing_waits { PATIENCE } else { LINGER };
        let next = tokio::select! {
            () = self.progress.closed() => return Ok(Next::Gone),
            next = timeout(wait, rows.message()) => next,
        };
        match next {
            Err(_) if nothing_waits => Err(no_row_came()),
            Err(_) => Ok(Next::Pause),
            Ok(Ok(Some(message))) => {
                let (Job { parent, name, mode, reason }, row) = message.parts();
                let same = (parent.is_empty() || parent == self.whole.parent)
                    && (name.is_empty() || name == self.whole.name)
                    && (mode == 0 || mode == i32::from(mode_of(self.mode)))
                    && (reason.is_empty() || reason == self.whole.reason);
                if same { Ok(Next::Row(self.placed::<I>(row))) } else { Err(other_job()) }
            }
            Ok(Ok(None)) => Ok(Next::End),
            Ok(Err(status)) => Err(row::refusal_of(&status)),
        }
    }

    fn placed<I: ImportRequest>(
        &self,
        row: Option<<I::Resource as Resource>::Message>,
    ) -> Option<<I::Resource as Resource>::Message> {
        row.map(|mut row| {
            I::place(&mut row, &self.whole.parent);
            row
        })
    }

    /// An import may outlast the token that it was begun with, but not its caller's being let in: whoever was
    /// signed out, disabled or revoked since, or lost the role, writes no further chunk.
    async fn refuse_who_is_out(&self) -> Answer<()> {
        if leave::is_still_given(&self.call).await? { Ok(()) } else { Err(signed_out()) }
    }

    /// Writes a chunk and tells; answers the empty one that follows.
    async fn write<R: Resource>(&mut self, chunk: Chunk<R>) -> Answer<Chunk<R>> {
        let next = Chunk::from(chunk.next());
        if !chunk.is_empty() {
            self.refuse_who_is_out().await?;
            let Written { outcomes, waiting } = chunk.write(self).await?;
            if let Some(proposing) = &mut self.proposing {
                waiting.into_iter().for_each(|row| proposing.add(row));
            }
            for (outcome, repeated) in outcomes {
                let sums = &mut self.sums;
                sums.rows += 1;
                sums.repeated += i64::from(repeated);
                match outcome {
                    ImportOutcome::Created => sums.created += 1,
                    ImportOutcome::Updated => sums.updated += 1,
                    ImportOutcome::Unchanged => sums.unchanged += 1,
                    ImportOutcome::Refused => sums.refused += 1,
                    ImportOutcome::Waiting => sums.waiting += 1,
                }
            }
            self.progress.send_modify(|progress| progress.done = next.next() - 1);
        }
        Ok(next)
    }
}

fn mode_of(mode: ImportMode) -> v1::import_mode::Code {
    match mode {
        ImportMode::CreateOnly => v1::import_mode::Code::CreateOnly,
        ImportMode::Upsert => v1::import_mode::Code::Upsert,
    }
}

fn signed_out() -> Refusal {
    Refusal::new(
        Reason::TokenInvalid,
        "you were signed out; rows so far stand, sign in and send the same import again to go on",
        "您已被登出；已处理的行有效，请重新登录并发送同一导入以继续",
    )
}

fn no_row_came() -> Refusal {
    let seconds = PATIENCE.as_secs();
    Refusal::new(
        Reason::StreamTimeout,
        format!("no row came for {seconds} seconds; rows so far stand, send the same import again to go on"),
        format!("{seconds} 秒内未收到数据行；已处理的行有效，重新发送同一导入即可继续"),
    )
}

fn other_job() -> Refusal {
    Refusal::field(
        "import_id",
        "DIFFERS",
        "name, mode and reason of an import are those of its first row; leave them out of the others",
        "导入的名称、模式与原因以首行为准；其余行请留空",
    )
}

fn other_mode(name: &str, mode: &str) -> Refusal {
    Refusal::new(
        Reason::IdempotencyKeyReused,
        format!("the import {name} was begun with mode {mode}; use that, or another name"),
        format!("导入 {name} 开始时的模式为 {mode}；请使用该模式或另起名称"),
    )
}
