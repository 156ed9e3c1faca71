//! A body of JSON lines as a stream of messages.
//!
//! tonic's `Streaming` reads length-prefixed frames. Each line becomes one
//! frame, and the decoder reads JSON out of it, so nothing is encoded twice.

use std::marker::PhantomData;

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
    let lines = Lines { body: body.into_data_stream(), buffer: BytesMut::new(), ended: false, max_line_bytes, lang };
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
        let end = self.buffer.iter().position(|byte| *byte == b'\n').map(|at| at + 1);
        let end = end.or((self.ended && !self.buffer.is_empty()).then_some(self.buffer.len()))?;
        Some(self.buffer.split_to(end).freeze())
    }
}

fn frame(line: &Bytes) -> Bytes {
    let mut frame = BytesMut::with_capacity(line.len() + 5);
    frame.put_u8(0);
    // A line is limited far below 4 GiB.
    frame.put_u32(u32::try_from(line.len()).unwrap_or(u32::MAX));
    frame.extend_from_slice(line);
    frame.freeze()
}

/// Reads one message from each frame.
pub(super) struct JsonLines<I> {
    line: usize,
    variables: Variables,
    lang: Lang,
    message: PhantomData<fn() -> I>,
}

impl<I> JsonLines<I> {
    pub(super) fn new(variables: Variables, lang: Lang) -> Self {
        Self { line: 0, variables, lang, message: PhantomData }
    }
}

impl<I: RpcInput> Decoder for JsonLines<I> {
    type Item = I;
    type Error = Status;

    fn decode(&mut self, source: &mut tonic::codec::DecodeBuf<'_>) -> Result<Option<I>, Status> {
        let bytes = source.copy_to_bytes(source.remaining());
        self.line += 1;
        let mut message: I = JsonBody::new(&bytes, self.lang).at_line(self.line).read()?;
        for (field, value) in &self.variables {
            message.set_variable(field, value.clone());
        }
        Ok(Some(message))
    }
}
