//! CSV in and out of the gateway: the header names fields of a message, and a row becomes the same JSON that a
//! caller could have sent.
//!
//! | field | column | cell |
//! |---|---|---|
//! | text, enum, number, instant | `displayName`, `sale.invoiceNumber` | as in JSON, without quotes |
//! | `bool` | `safety` | `true` or `false` |
//! | `google.type.Date` | `buildDate` | `2026-01-31` |
//! | `google.type.Decimal` | `quantityPerVehicle` | plain digits |
//! | `google.type.Money` | `sale.price`, `sale.price.currencyCode` | plain digits; ISO code |
//! | list, map | `claimPrices` | JSON text |
//! | element of a list | `claimPrices[0].price` | as its field; for reading only |
//!
//! An empty cell is a field that is not set. Text that a spreadsheet would take for a formula is written with
//! an apostrophe before it, and read without.

use axum::body::{Body, BodyDataStream};
use bytes::{Bytes, BytesMut};
use csv_core::{ReadRecordResult, Reader};
use futures::{StreamExt, stream};
use prost_reflect::MessageDescriptor;
use tonic::Status;

use super::{lines::frame, refuse};
use crate::Lang;

mod cells;
mod columns;
#[cfg(test)]
mod tests;

pub(super) use columns::{Column, columns_of};

/// Most columns of a file.
const MOST_COLUMNS: usize = 2000;
/// What a spreadsheet writes before UTF-8.
pub(super) const BYTE_ORDER_MARK: &str = "\u{feff}";

/// The rows of a body as frames of JSON. The header is read at once: a file whose columns can't be understood
/// is refused before any row.
pub(super) async fn frames(
    body: Body,
    row: &MessageDescriptor,
    max_row_bytes: usize,
    lang: Lang,
) -> Result<Body, Status> {
    let mut records = Records {
        body: body.into_data_stream(),
        chunk: Bytes::new(),
        ended: false,
        begun: false,
        reader: Reader::new(),
        cells: vec![0; 4096],
        ends: vec![0; 64],
        max_row_bytes,
        lang,
    };
    let Some(header) = records.next().await? else { return Ok(Body::empty()) };
    let columns = columns::columns(&header, row, lang)?;
    Ok(Body::from_stream(stream::unfold(Some((records, columns)), |state| async move {
        let (mut records, columns) = state?;
        match records.next().await.transpose()? {
            Ok(cells) => {
                let json = cells::to_json(&columns, &cells);
                Some((Ok(frame(&json)), Some((records, columns))))
            }
            // The first failure ends the stream.
            Err(status) => Some((Err(status), None)),
        }
    })))
}

/// The records of a body that comes in pieces.
struct Records {
    body: BodyDataStream,
    chunk: Bytes,
    ended: bool,
    /// Whether the first bytes were looked at.
    begun: bool,
    reader: Reader,
    cells: Vec<u8>,
    ends: Vec<usize>,
    max_row_bytes: usize,
    lang: Lang,
}

impl Records {
    /// The next record that is not empty.
    async fn next(&mut self) -> Result<Option<Vec<String>>, Status> {
        if !self.begun {
            self.begin().await?;
        }
        let (mut written, mut fields) = (0, 0);
        loop {
            // To the reader an empty piece is the end, so it is given one only then.
            self.read_on().await?;
            let (result, read, wrote, ended) =
                self.reader.read_record(&self.chunk, &mut self.cells[written..], &mut self.ends[fields..]);
            self.chunk = self.chunk.split_off(read);
            written += wrote;
            fields += ended;
            match result {
                ReadRecordResult::Record => return self.record(written, fields).map(Some),
                ReadRecordResult::End => return Ok(None),
                ReadRecordResult::OutputFull if self.cells.len() > self.max_row_bytes => {
                    return Err(refuse::body_too_large(self.max_row_bytes, self.lang));
                }
                ReadRecordResult::OutputFull => self.cells.resize(self.cells.len() * 2, 0),
                ReadRecordResult::OutputEndsFull if self.ends.len() > MOST_COLUMNS => {
                    return Err(refuse::too_many_columns(MOST_COLUMNS, self.lang));
                }
                ReadRecordResult::OutputEndsFull => self.ends.resize(self.ends.len() * 2, 0),
                ReadRecordResult::InputEmpty => {}
            }
        }
    }

    /// Gathers the first bytes: the reader knows a byte order mark only if it sees the whole of it, takes one with
    /// nothing behind it for the end, and the network cuts anywhere.
    async fn begin(&mut self) -> Result<(), Status> {
        self.begun = true;
        let mut head = BytesMut::new();
        while head.len() <= BYTE_ORDER_MARK.len() {
            self.read_on().await?;
            if self.chunk.is_empty() {
                break;
            }
            head.extend_from_slice(&std::mem::take(&mut self.chunk));
        }
        self.chunk = head.freeze();
        Ok(())
    }

    /// The next piece of the body, if the present one is used up; an empty one only at its end.
    async fn read_on(&mut self) -> Result<(), Status> {
        while self.chunk.is_empty() && !self.ended {
            match self.body.next().await {
                Some(Ok(chunk)) => self.chunk = chunk,
                Some(Err(_)) => return Err(refuse::body_unreadable(self.lang)),
                None => self.ended = true,
            }
        }
        Ok(())
    }

    fn record(&self, written: usize, fields: usize) -> Result<Vec<String>, Status> {
        let text = self.cells.get(..written).and_then(|bytes| std::str::from_utf8(bytes).ok());
        let text = text.ok_or_else(|| refuse::not_utf8(self.lang))?;
        let mut from = 0;
        let mut cells = Vec::with_capacity(fields);
        for end in self.ends.iter().take(fields) {
            // A cell that ends within a character is as little text as one that holds half of it.
            cells.push(text.get(from..*end).ok_or_else(|| refuse::not_utf8(self.lang))?.to_owned());
            from = *end;
        }
        Ok(cells)
    }
}
