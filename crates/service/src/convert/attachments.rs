//! Attachments: the message of the contract ⇄ the attachment of the domain.

use recourse_domain::access::Author;
use recourse_domain::attachments::{Category, Owner, Particulars, Place, State};
use recourse_domain::text::Violation;
use recourse_proto::v1;
use recourse_repository::KeptAttachment;
use uuid::Uuid;

use super::names::author;
use super::{Reader, etag, timestamp};

/// Ten-millionths of a degree in a degree.
const E7: f64 = 1e7;

/// The public name of an attachment.
pub(crate) fn name(id: Uuid) -> String {
    format!("attachments/{id}")
}

/// The contract's category for the domain's.
pub(crate) fn show_category(category: Category) -> v1::attachment_category::Code {
    match category {
        Category::Photo => v1::attachment_category::Code::Photo,
        Category::Invoice => v1::attachment_category::Code::Invoice,
        Category::FaultMemory => v1::attachment_category::Code::FaultMemory,
        Category::Signature => v1::attachment_category::Code::Signature,
        Category::Track => v1::attachment_category::Code::Track,
        Category::Quotation => v1::attachment_category::Code::Quotation,
        Category::StockOutProof => v1::attachment_category::Code::StockOutProof,
        Category::Report => v1::attachment_category::Code::Report,
        Category::Other => v1::attachment_category::Code::Other,
    }
}

/// The domain's category for the contract's.
pub(crate) fn read_category(code: v1::attachment_category::Code) -> Option<Category> {
    match code {
        v1::attachment_category::Code::Unspecified => None,
        v1::attachment_category::Code::Photo => Some(Category::Photo),
        v1::attachment_category::Code::Invoice => Some(Category::Invoice),
        v1::attachment_category::Code::FaultMemory => Some(Category::FaultMemory),
        v1::attachment_category::Code::Signature => Some(Category::Signature),
        v1::attachment_category::Code::Track => Some(Category::Track),
        v1::attachment_category::Code::Quotation => Some(Category::Quotation),
        v1::attachment_category::Code::StockOutProof => Some(Category::StockOutProof),
        v1::attachment_category::Code::Report => Some(Category::Report),
        v1::attachment_category::Code::Other => Some(Category::Other),
    }
}

/// The attachment as its reader sees it, before redaction.
pub(crate) fn show(kept: &KeptAttachment) -> v1::Attachment {
    let KeptAttachment { stored, particulars, upload } = kept;
    let attachment = &stored.value;
    let content = attachment.content();
    let awaits = matches!(attachment.state, State::Awaiting);
    let (state, complete_time) = match &attachment.state {
        State::Awaiting => (v1::attachment::State::Awaiting, None),
        State::Complete { complete_time, .. } => (v1::attachment::State::Complete, timestamp(*complete_time)),
        State::Abandoned { .. } => (v1::attachment::State::Abandoned, None),
    };
    let uploaded = match content {
        Some(_) => attachment.size,
        None => upload.map_or(0, |upload| upload.received),
    };
    let hash = content.map(|content| &content.hash).or(attachment.declared_hash.as_ref());
    let pixels = |side: Option<u32>| side.and_then(|side| i32::try_from(side).ok()).unwrap_or_default();
    v1::Attachment {
        name: name(attachment.id),
        etag: etag(stored.version),
        category: show_category(attachment.category).into(),
        station: match attachment.owner {
            Owner::Station => attachment.owner.name(&attachment.station_code),
            Owner::Supplier | Owner::Appraiser | Owner::Oem => String::new(),
        },
        owner: attachment.owner.name(&attachment.station_code),
        subject: attachment.subject.clone().unwrap_or_default(),
        external_ref: attachment.external_ref.clone(),
        erase_time: attachment.erase_time.and_then(timestamp),
        claim: attachment.claim.map(|claim| format!("claims/{claim}")).unwrap_or_default(),
        file_name: particulars.file_name.clone(),
        declared_content_type: attachment.declared_type.map(|kind| kind.media_type().to_owned()).unwrap_or_default(),
        size_bytes: bytes(attachment.size),
        sha256: hash.map(ToString::to_string).unwrap_or_default(),
        taken_time: attachment.taken_time.and_then(timestamp),
        place: particulars.place.map(show_place),
        replaces: attachment.replaces.map(name).unwrap_or_default(),
        replaced_by: attachment.replaced_by.map(name).unwrap_or_default(),
        state: state.into(),
        content_type: content.map(|content| content.content_type.media_type().to_owned()).unwrap_or_default(),
        width: pixels(content.and_then(|content| content.width)),
        height: pixels(content.and_then(|content| content.height)),
        uploaded_bytes: bytes(uploaded),
        upload_path: if awaits { format!("/v1/uploads/{}", attachment.id) } else { String::new() },
        upload_expire_time: upload.and_then(|upload| timestamp(upload.expire_time)),
        complete_time,
        created_by: author(Author { id: attachment.created_by, is_client: attachment.created_by_client }),
        create_time: timestamp(stored.create_time),
        update_time: timestamp(stored.update_time),
    }
}

/// What may tell of a person.
pub(crate) fn read_particulars(reader: &mut Reader, message: &v1::Attachment) -> Particulars {
    let place = message.place.as_ref().map(|place| {
        if !(place.latitude.is_finite() && place.longitude.is_finite()) {
            reader.refuse(Violation::new("place", "BAD_PLACE", "degrees are numbers", "经纬度应为数字"));
        }
        Place { latitude_e7: scaled(place.latitude), longitude_e7: scaled(place.longitude) }
    });
    // A name is a name: what a path would need has no place in it.
    let file_name = message.file_name.rsplit(['/', '\\']).next().unwrap_or_default().trim().to_owned();
    Particulars { file_name, place }
}

fn show_place(place: Place) -> v1::GeoPoint {
    v1::GeoPoint { latitude: degrees(place.latitude_e7), longitude: degrees(place.longitude_e7) }
}

/// The wire bounds degrees; what is no number was refused.
fn scaled(degrees: f64) -> i64 {
    (degrees * E7).round() as i64
}

fn degrees(scaled: i64) -> f64 {
    scaled as f64 / E7
}

/// A number of bytes on the wire.
pub(crate) fn bytes(number: u64) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}
