//! Notes on claims: the message of the contract ⇄ the note of the domain.

use recourse_domain::catalog::Stored;
use recourse_domain::claim_notes::{ClaimNote, Side, Visibility};
use recourse_domain::text::Violation;
use recourse_proto::v1;

use super::names::author;
use super::organizations::same_words;
use super::{Reader, timestamp};

same_words! {
    show_visibility, read_visibility: Visibility = v1::claim_note::Visibility { Internal, External }
}

/// The note as its reader sees it: a station is not told who of the manufacturer wrote it, nor under which number.
pub(crate) fn show(stored: &Stored<ClaimNote>, reader: Side) -> v1::ClaimNote {
    let note = &stored.value;
    let is_told = match reader {
        Side::Manufacturer => true,
        Side::Station => note.side == reader,
    };
    v1::ClaimNote {
        name: note.name(),
        visibility: show_visibility(note.visibility).into(),
        text: note.text.clone(),
        author: if is_told { author(note.author()) } else { String::new() },
        external_ref: if is_told { note.external_ref.clone() } else { String::new() },
        author_side: match note.side {
            Side::Manufacturer => v1::claim_note::Side::Manufacturer,
            Side::Station => v1::claim_note::Side::Station,
        }
        .into(),
        create_time: timestamp(stored.create_time),
    }
}

/// What somebody writes: who shall see it, and the text.
pub(crate) fn read(message: &v1::ClaimNote) -> Result<(Visibility, String), Vec<Violation>> {
    let mut reader = Reader::default();
    let visibility = reader.choice("visibility", message.visibility, read_visibility);
    let text = message.text.trim().to_owned();
    if text.is_empty() {
        reader.refuse(Violation::new("text", "REQUIRED", "must be given", "必填"));
    }
    reader.whole(|| Some((visibility?, text)))
}
