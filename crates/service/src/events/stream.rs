//! The feed as a stream: told as it becomes visible, for as long as the caller's leave lasts.

use std::pin::Pin;
use std::time::Duration;

use recourse_proto::v1;
use recourse_proto::v1::error_reason::Code as Reason;
use recourse_repository::FeedItem;
use tokio::time::Instant;
use tokio_stream::Stream;
use tonic::Status;

use super::feed::{Reading, cursor, cursor_expired, item};
use crate::context::{Boxed, Call};
use crate::error::{Answer, Refusal};
use crate::identity::leave;

/// How often a watching stream looks for something new.
const LOOK: Duration = Duration::from_millis(250);
/// After so long without an item a stream says that it is still there, where its readers know such a thing.
const SILENCE: Duration = Duration::from_secs(15);

/// What a stream tells of the changes that it finds.
pub(crate) trait Teller: Send + Sync + 'static {
    /// One thing that is told.
    type Item: Send + 'static;
    /// Changes that are read at once.
    const AT_ONCE: u32;
    /// Items that may wait for a slow reader.
    const WAITING: usize;

    /// What is told of some changes.
    fn tell<'t>(&'t self, call: &'t Call, changes: &'t [FeedItem]) -> Boxed<'t, Answer<Vec<Self::Item>>>;

    /// What is told when nothing was for a while, if anything is. The cursor is where the stream stands.
    fn still_here(&self, cursor: String) -> Option<Self::Item>;
}

/// Tells of each change that it happened; the values come by reading the resource.
pub(super) struct Changes;

impl Teller for Changes {
    type Item = v1::ChangeItem;
    const AT_ONCE: u32 = 200;
    const WAITING: usize = 64;

    fn tell<'t>(&'t self, call: &'t Call, changes: &'t [FeedItem]) -> Boxed<'t, Answer<Vec<v1::ChangeItem>>> {
        Box::pin(async move { changes.iter().map(|change| item(call, change)).collect() })
    }

    fn still_here(&self, _: String) -> Option<v1::ChangeItem> {
        // Its readers know no heartbeat; what carries the stream keeps it alive.
        None
    }
}

/// A stream of items.
pub(crate) type Told<T> = Pin<Box<dyn Stream<Item = Result<T, Status>> + Send>>;

/// What is told as it becomes visible. The caller's leave is looked at again while the stream lasts: a stream
/// outlives no token.
pub(crate) fn stream<T: Teller>(call: Call, reading: Reading, teller: T) -> Answer<Told<T::Item>> {
    let place = call.inner.watchers.enter(call.actor()?.user)?;
    let (sender, receiver) = tokio::sync::mpsc::channel(T::WAITING);
    tokio::spawn(async move {
        let _place = place;
        if let Err(refusal) = feed(&call, reading, &teller, &sender).await {
            // A reader that has gone away needs no error.
            drop(sender.send(Err(refusal.status(call.lang))).await);
        }
    });
    Ok(Box::pin(tokio_stream::wrappers::ReceiverStream::new(receiver)))
}

async fn feed<T: Teller>(
    call: &Call,
    mut reading: Reading,
    teller: &T,
    sender: &tokio::sync::mpsc::Sender<Result<T::Item, Status>>,
) -> Answer<()> {
    let store = &call.inner.store;
    let (mut checked, mut told) = (Instant::now(), Instant::now());
    let mut stopping = call.inner.stopping.subscribe();
    loop {
        if *stopping.borrow_and_update() {
            return Err(server_stopping());
        }
        let silent = told.elapsed() >= SILENCE;
        // Where the feed stood before it was read: a reader with nothing to read moves there, and no further.
        let newest = if silent { store.feed_ends().await?.newest } else { reading.position };
        let collections = Some(reading.collections.as_slice());
        let changes = store.changes_after(&reading.orgs, reading.position, collections, T::AT_ONCE).await?;
        // A reader who is so slow that its place is not kept any more is told so, and skips nothing unknowingly.
        if (silent || !changes.is_empty()) && reading.position < store.feed_ends().await?.oldest {
            return Err(cursor_expired());
        }
        for item in teller.tell(call, &changes).await? {
            if sender.send(Ok(item)).await.is_err() {
                return Ok(());
            }
            told = Instant::now();
        }
        reading.position = changes.last().map_or(reading.position.max(newest), |last| last.position);
        if silent && told.elapsed() >= SILENCE {
            told = Instant::now();
            if let Some(item) = teller.still_here(cursor(reading.position))
                && sender.send(Ok(item)).await.is_err()
            {
                return Ok(());
            }
        }
        if sender.is_closed() {
            return Ok(());
        }
        if checked.elapsed() > Duration::from_millis(500) {
            checked = Instant::now();
            still_signed_in(call).await?;
        }
        if changes.is_empty() {
            tokio::select! {
                () = tokio::time::sleep(LOOK) => {}
                // The sender is a part of the api, which this call holds: there is no error.
                _ = stopping.changed() => {}
            }
        }
    }
}

pub(crate) fn server_stopping() -> Refusal {
    let mut refusal = Refusal::new(
        Reason::ServerStopping,
        "this server is stopping; connect again and go on from the last cursor",
        "服务器正在停机；请重新连接并从最后的 cursor 继续",
    );
    refusal.retry_after = Some(1);
    refusal
}

/// Ends a stream whose caller was signed out, disabled or revoked, or lost what it was let in for.
async fn still_signed_in(call: &Call) -> Answer<()> {
    if leave::is_still_given(call).await? {
        return Ok(());
    }
    Err(Refusal::new(
        Reason::TokenInvalid,
        "you were signed out, or may do less than before; sign in and go on from the last cursor",
        "您已退出登录或权限已变更；请重新登录并从最后的 cursor 继续",
    ))
}
