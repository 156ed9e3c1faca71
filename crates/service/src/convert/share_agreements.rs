//! Share agreements: the message of the contract ⇄ the record of the domain.

use recourse_domain::catalog::{ShareAgreement, Stored};
use recourse_domain::text::Violation;
use recourse_proto::v1;

use super::organizations::{name, read_bp};
use super::{Reader, basis_points, date, etag, timestamp};

/// The agreement as its reader sees it.
pub(crate) fn show(stored: &Stored<ShareAgreement>) -> v1::ShareAgreement {
    let ShareAgreement { code, part, supplier, valid_from, valid_to, share_bp, by_quota, external_ref } = &stored.value;
    v1::ShareAgreement {
        name: format!("shareAgreements/{code}"),
        etag: etag(stored.version),
        part: name("parts", part),
        supplier: name("suppliers", supplier),
        valid_from: date(*valid_from),
        valid_to: valid_to.and_then(date),
        share_bp: basis_points(*share_bp),
        by_quota: *by_quota,
        external_ref: external_ref.clone(),
        active: stored.retire_time.is_none(),
        create_time: timestamp(stored.create_time),
        update_time: timestamp(stored.update_time),
        retire_time: stored.retire_time.and_then(timestamp),
    }
}

/// The record under a code.
pub(crate) fn read(message: v1::ShareAgreement, code: &str) -> Result<ShareAgreement, Vec<Violation>> {
    let v1::ShareAgreement {
        name: _,
        etag: _,
        part,
        supplier,
        valid_from,
        valid_to,
        share_bp,
        by_quota,
        external_ref,
        active: _,
        create_time: _,
        update_time: _,
        retire_time: _,
    } = message;
    let mut reader = Reader::default();
    let code = reader.code("name", code);
    let part = reader.needed_name("part", "parts", &part);
    let supplier = reader.needed_name("supplier", "suppliers", &supplier);
    let valid_from = reader.needed_date("valid_from", valid_from.as_ref());
    let valid_to = reader.date("valid_to", valid_to.as_ref());
    reader.whole(|| {
        Some(ShareAgreement {
            code: code?,
            part: part?,
            supplier: supplier?,
            valid_from: valid_from?,
            valid_to,
            share_bp: read_bp(share_bp),
            by_quota,
            external_ref,
        })
    })
}
