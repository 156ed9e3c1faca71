//! Appraisers: the message of the contract ⇄ the record of the domain.

use recourse_domain::catalog::{Appraiser, Expert, Stored};
use recourse_domain::text::Violation;
use recourse_proto::v1;

use super::organizations::{NewId, names, read_address, read_contact, show_address, show_contact};
use super::{Reader, date, etag, timestamp};

/// The appraiser as its reader sees it, before redaction.
pub(crate) fn show(stored: &Stored<Appraiser>) -> v1::Appraiser {
    let Appraiser {
        code,
        display_code,
        display_name,
        in_house,
        address,
        contact,
        regions,
        experts,
        interests,
        station_interests,
        external_ref,
    } = &stored.value;
    v1::Appraiser {
        name: format!("appraisers/{code}"),
        etag: etag(stored.version),
        display_code: display_code.clone(),
        display_name: display_name.clone(),
        in_house: *in_house,
        address: show_address(address),
        contact: show_contact(contact),
        regions: regions.clone(),
        experts: experts.iter().map(show_expert).collect(),
        interests: names("suppliers", interests),
        station_interests: names("stations", station_interests),
        external_ref: external_ref.clone(),
        active: stored.retire_time.is_none(),
        create_time: timestamp(stored.create_time),
        update_time: timestamp(stored.update_time),
        retire_time: stored.retire_time.and_then(timestamp),
    }
}

fn show_expert(expert: &Expert) -> v1::Expert {
    let Expert {
        id,
        display_name,
        license_number,
        valid_from,
        valid_to,
        specialties,
        certificate_sha256,
        certificate_subject,
    } = expert;
    v1::Expert {
        id: id.to_string(),
        display_name: display_name.clone(),
        license_number: license_number.clone(),
        valid_from: date(*valid_from),
        valid_to: valid_to.and_then(date),
        specialties: specialties.clone(),
        certificate_sha256: certificate_sha256.clone(),
        certificate_subject: certificate_subject.clone(),
    }
}

/// The record under a code.
pub(crate) fn read(message: v1::Appraiser, code: &str, ids: NewId<'_>) -> Result<Appraiser, Vec<Violation>> {
    let v1::Appraiser {
        name: _,
        etag: _,
        display_code,
        display_name,
        in_house,
        address,
        contact,
        regions,
        experts,
        interests,
        station_interests,
        external_ref,
        active: _,
        create_time: _,
        update_time: _,
        retire_time: _,
    } = message;
    let mut reader = Reader::default();
    let code = reader.code("name", code);
    let mut read = Vec::with_capacity(experts.len());
    for (index, expert) in experts.into_iter().enumerate() {
        read.extend(read_expert(&mut reader, &format!("experts[{index}]"), expert, ids));
    }
    let interests = reader.codes("interests", "suppliers", &interests);
    let station_interests = reader.codes("station_interests", "stations", &station_interests);
    reader.whole(|| {
        Some(Appraiser {
            code: code?,
            display_code,
            display_name,
            in_house,
            address: read_address(address),
            contact: read_contact(contact),
            regions,
            experts: read,
            interests,
            station_interests,
            external_ref,
        })
    })
}

fn read_expert(reader: &mut Reader, at: &str, expert: v1::Expert, ids: NewId<'_>) -> Option<Expert> {
    let v1::Expert {
        id,
        display_name,
        license_number,
        valid_from,
        valid_to,
        specialties,
        certificate_sha256,
        certificate_subject,
    } = expert;
    // As tools print it: with colons between the bytes, in capitals.
    let plain = |hash: String| hash.replace([':', ' '], "").to_ascii_lowercase();
    let id = reader.row_id(&format!("{at}.id"), &id, ids);
    let valid_from = reader.needed_date(&format!("{at}.valid_from"), valid_from.as_ref());
    let valid_to = reader.date(&format!("{at}.valid_to"), valid_to.as_ref());
    Some(Expert {
        id: id?,
        display_name,
        license_number,
        valid_from: valid_from?,
        valid_to,
        specialties,
        certificate_sha256: certificate_sha256.into_iter().map(plain).collect(),
        certificate_subject: certificate_subject.trim().to_owned(),
    })
}
