//! Bodies of requests: how fast they must come, how large they may be, and how they are unpacked.

use std::error::Error as StdError;
use std::io;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use async_compression::tokio::bufread::GzipDecoder;
use axum::body::Body;
use bytes::{Bytes, BytesMut};
use futures::TryStreamExt;
use http::HeaderMap;
use http::header::{CONTENT_ENCODING, CONTENT_LENGTH};
use http_body::{Body as _, Frame, SizeHint};
use http_body_util::BodyExt;
use recourse_service::Refusal;
use tokio::sync::{Semaphore, SemaphorePermit};
use tokio::time::{Instant, Sleep};
use tokio_util::io::{ReaderStream, StreamReader};

use super::refusal;
use crate::config::Limits;

/// The body came too slowly.
#[derive(Debug, thiserror::Error)]
#[error("the body came too slowly")]
struct TooSlow;

/// A body that must keep coming.
pub(crate) struct Paced {
    inner: Body,
    pace: Pace,
    timer: Pin<Box<Sleep>>,
}

/// By when a body must have come.
enum Pace {
    /// As a whole: some grace, longer with every byte, up to an end.
    Whole { began: Instant, grace: Duration, most: Duration, bytes_per_second: u64, bytes: u64 },
    /// As a stream: the next piece within some time. It counts only while somebody waits for it, so that a
    /// client is not blamed for our own slowness.
    Stream { patience: Duration, waits: bool },
}

impl Paced {
    /// The body of a call.
    pub(crate) fn whole(inner: Body, limits: &Limits) -> Self {
        let began = Instant::now();
        let pace = Pace::Whole {
            began,
            grace: limits.body_grace.min(limits.body_time),
            most: limits.body_time,
            bytes_per_second: limits.min_body_bytes_per_second.max(1),
            bytes: 0,
        };
        let timer = Box::pin(tokio::time::sleep_until(began + limits.body_grace.min(limits.body_time)));
        Self { inner, pace, timer }
    }

    /// The body of a stream of messages.
    pub(crate) fn stream(inner: Body, limits: &Limits) -> Self {
        let pace = Pace::Stream { patience: limits.body_time, waits: false };
        Self { inner, pace, timer: Box::pin(tokio::time::sleep(limits.body_time)) }
    }
}

impl http_body::Body for Paced {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
        let this = self.get_mut();
        if let Poll::Ready(frame) = Pin::new(&mut this.inner).poll_frame(context) {
            let came =
                frame.as_ref().and_then(|frame| frame.as_ref().ok()).and_then(Frame::data_ref).map_or(0, Bytes::len);
            match &mut this.pace {
                Pace::Whole { began, grace, most, bytes_per_second, bytes } => {
                    *bytes = bytes.saturating_add(came as u64);
                    let earned = Duration::from_millis(bytes.saturating_mul(1000) / *bytes_per_second);
                    this.timer.as_mut().reset(*began + (*grace + earned).min(*most));
                }
                Pace::Stream { waits, .. } => *waits = false,
            }
            return Poll::Ready(frame);
        }
        if let Pace::Stream { patience, waits } = &mut this.pace
            && !*waits
        {
            *waits = true;
            this.timer.as_mut().reset(Instant::now() + *patience);
        }
        std::task::ready!(this.timer.as_mut().poll(context));
        Poll::Ready(Some(Err(axum::Error::new(TooSlow))))
    }

    fn is_end_stream(&self) -> bool {
        self.inner.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.inner.size_hint()
    }
}

/// Unpacks a body that its headers call compressed, and mends the headers.
pub(crate) fn unpacked(headers: &mut HeaderMap, body: Body) -> Result<Body, Refusal> {
    let Some(encoding) = headers.get(CONTENT_ENCODING) else { return Ok(body) };
    let encoding = encoding.to_str().unwrap_or_default().trim().to_ascii_lowercase();
    if headers.get_all(CONTENT_ENCODING).iter().count() > 1 {
        return Err(refusal::unsupported_encoding());
    }
    let body = match encoding.as_str() {
        "" | "identity" => body,
        "gzip" | "x-gzip" => {
            headers.remove(CONTENT_LENGTH);
            let pieces = TryStreamExt::map_err(body.into_data_stream(), io::Error::other);
            let mut decoder = GzipDecoder::new(StreamReader::new(pieces));
            decoder.multiple_members(true);
            Body::from_stream(ReaderStream::new(decoder))
        }
        _ => return Err(refusal::unsupported_encoding()),
    };
    headers.remove(CONTENT_ENCODING);
    Ok(body)
}

/// A whole body, and its share of what all bodies together may hold.
pub(crate) struct Held<'a> {
    /// The bytes.
    pub(crate) bytes: Bytes,
    /// The share, given back when the call ends.
    pub(crate) share: Option<SemaphorePermit<'a>>,
}

/// Reads a whole body of at most `most` bytes, and what frames it.
pub(crate) async fn read_whole<'a>(
    mut body: Body,
    most: usize,
    frame_bytes: usize,
    room: &'a Semaphore,
) -> Result<Held<'a>, Refusal> {
    let framed = most.saturating_add(frame_bytes);
    if body.size_hint().lower() > framed as u64 {
        return Err(refusal::body_too_large(most));
    }
    let mut held = Held { bytes: Bytes::new(), share: None };
    let mut pieces: Option<BytesMut> = None;
    while let Some(frame) = body.frame().await {
        let Ok(piece) = frame.map_err(|error| blame(&error))?.into_data() else { continue };
        let length = held.bytes.len() + pieces.as_ref().map_or(0, BytesMut::len) + piece.len();
        if length > framed {
            return Err(refusal::body_too_large(most));
        }
        let size = u32::try_from(piece.len()).map_err(|_| refusal::body_too_large(most))?;
        let share = room.try_acquire_many(size).map_err(|_| refusal::overloaded())?;
        match &mut held.share {
            Some(before) => before.merge(share),
            None => held.share = Some(share),
        }
        // Most bodies come in one piece, which is not copied.
        match &mut pieces {
            Some(pieces) => pieces.extend_from_slice(&piece),
            None if held.bytes.is_empty() => held.bytes = piece,
            None => {
                let mut both = BytesMut::with_capacity(length.max(2 * held.bytes.len()));
                both.extend_from_slice(&std::mem::take(&mut held.bytes));
                both.extend_from_slice(&piece);
                pieces = Some(both);
            }
        }
    }
    if let Some(pieces) = pieces {
        held.bytes = pieces.freeze();
    }
    Ok(held)
}

/// Why a body could not be read: the error of our own that is inside, or the client's fault.
fn blame(error: &axum::Error) -> Refusal {
    let mut cause: Option<&(dyn StdError + 'static)> = Some(error);
    while let Some(error) = cause {
        if error.is::<TooSlow>() {
            return refusal::body_too_slow();
        }
        // An io::Error that wraps another shows the inner one only so.
        cause = match error.downcast_ref::<io::Error>().and_then(io::Error::get_ref) {
            Some(inner) => Some(inner),
            None => error.source(),
        };
    }
    refusal::body_unreadable()
}
