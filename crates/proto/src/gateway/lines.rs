//! A body of JSON lines as a stream of messages.
//!
//! tonic's `Streaming` reads length-prefixed frames. Each line becomes one
//! frame, and the decoder reads JSON out of it, so nothing is encoded twice.

use std::{
    collections::VecDeque,
    marker::PhantomData,
    sync::{Arc, Mutex, PoisonError},
};

use axum::body::{Body, BodyDataStream};
use bytes::{Buf, BufMut, Bytes, BytesMut};
use futures::{StreamExt, stream};
use tonic::{Status, codec::Decoder};

use super::{
    call::{RpcInput, Variables},
    json::JsonBody,
    refuse,
};
use crate::Lang;

/// The lines of a body as frames. Empty lines are skipped.
pub(super) fn frames(body: Body, max_line_bytes: usize, lang: Lang) -> Body {
    let lines = Lines {
        body: body.into_data_stream(),
        buffer: BytesMut::new(),
        searched: 0,
        ended: false,
        max_line_bytes,
        lang,
    };
    Body::from_stream(stream::unfold(Some(lines), |lines| async move {
        let mut lines = lines?;
        match lines.next().await? {
            Ok(line) => Some((Ok(frame(&line)), Some(lines))),
            // The first failure ends the stream.
            Err(status) => Some((Err(status), None)),
        }
    }))
}

struct Lines {
    body: BodyDataStream,
    buffer: BytesMut,
    /// Bytes of the buffer that hold no end of a line.
    searched: usize,
    ended: bool,
    max_line_bytes: usize,
    lang: Lang,
}

impl Lines {
    async fn next(&mut self) -> Option<Result<Bytes, Status>> {
        loop {
            if let Some(line) = self.take_line() {
                if line.len() > self.max_line_bytes {
                    return Some(Err(refuse::body_too_large(self.max_line_bytes, self.lang)));
                }
                if !line.trim_ascii().is_empty() {
                    return Some(Ok(line));
                }
                continue;
            }
            if self.ended {
                return None;
            }
            if self.buffer.len() > self.max_line_bytes {
                return Some(Err(refuse::body_too_large(self.max_line_bytes, self.lang)));
            }
            match self.body.next().await {
                Some(Ok(chunk)) => self.buffer.extend_from_slice(&chunk),
                Some(Err(_)) => return Some(Err(refuse::body_unreadable(self.lang))),
                None => self.ended = true,
            }
        }
    }

    /// The next complete line, or the rest of the body once it has ended.
    fn take_line(&mut self) -> Option<Bytes> {
        let rest = self.buffer.get(self.searched..).unwrap_or_default();
        let end = rest.iter().position(|byte| *byte == b'\n').map(|at| self.searched + at + 1);
        self.searched = self.buffer.len();
        let end = end.or((self.ended && !self.buffer.is_empty()).then_some(self.buffer.len()))?;
        self.searched = 0;
        Some(self.buffer.split_to(end).freeze())
    }
}

pub(super) fn frame(line: &[u8]) -> Bytes {
    let mut frame = BytesMut::with_capacity(line.len() + 5);
    frame.put_u8(0);
    // A line is limited far below 4 GiB.
    frame.put_u32(u32::try_from(line.len()).unwrap_or(u32::MAX));
    frame.extend_from_slice(line);
    frame.freeze()
}

/// Rows of a streamed body that could not be read. Such a row arrives as a message without it, and why stands
/// here: one bad row need not end an import.
#[derive(Debug, Clone, Default)]
pub struct UnreadRows(Arc<Mutex<VecDeque<(u64, Status)>>>);

impl UnreadRows {
    /// Why the row of a number, counted from 1, could not be read. Rows are asked for in their order.
    #[must_use]
    pub fn take(&self, row: u64) -> Option<Status> {
        let mut waiting = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        while waiting.front().is_some_and(|(number, _)| *number < row) {
            waiting.pop_front();
        }
        if waiting.front()?.0 == row { waiting.pop_front().map(|(_, status)| status) } else { None }
    }

    fn note(&self, row: u64, status: Status) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).push_back((row, status));
    }
}

/// Reads one message from each frame.
pub(super) struct JsonLines<I> {
    line: usize,
    variables: Variables,
    lang: Lang,
    row: Option<Row<I>>,
    message: PhantomData<fn() -> I>,
}

/// A line that is one field of the message.
struct Row<I> {
    field: &'static str,
    /// The message that the first row is put into.
    first: Option<I>,
    unread: UnreadRows,
}

impl<I> JsonLines<I> {
    pub(super) fn new(variables: Variables, lang: Lang) -> Self {
        Self { line: 0, variables, lang, row: None, message: PhantomData }
    }

    /// A line is a field of the message; one that can't be read is noted.
    pub(super) fn of_field(mut self, field: &'static str, first: I, unread: UnreadRows) -> Self {
        self.row = Some(Row { field, first: Some(first), unread });
        self
    }
}

impl<I: RpcInput> Decoder for JsonLines<I> {
    type Item = I;
    type Error = Status;

    fn decode(&mut self, source: &mut tonic::codec::DecodeBuf<'_>) -> Result<Option<I>, Status> {
        let bytes = source.copy_to_bytes(source.remaining());
        self.line += 1;
        let body = JsonBody::new(&bytes, self.lang);
        let mut message: I = match &mut self.row {
            None => body.at_line(self.line).read()?,
            Some(row) => {
                let mut message = row.first.take().unwrap_or_default();
                if let Err(status) = message.read_body_field(row.field, &body.at_row()) {
                    row.unread.note(self.line as u64, status);
                }
                message
            }
        };
        for (field, value) in &self.variables {
            message.set_variable(field, value.clone());
        }
        Ok(Some(message))
    }
}
