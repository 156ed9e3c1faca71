//! Supply relations: the message of the contract ⇄ the record of the domain.

use recourse_domain::catalog::{PartSupply, Stored};
use recourse_domain::text::Violation;
use recourse_proto::v1;

use super::organizations::{name, read_bp};
use super::{Reader, basis_points, date, etag, text, timestamp};

/// The relation as its reader sees it.
pub(crate) fn show(stored: &Stored<PartSupply>) -> v1::PartSupply {
    let PartSupply { code, part, supplier, plant, valid_from, valid_to, serial_pattern, lot, quota_bp, external_ref } =
        &stored.value;
    v1::PartSupply {
        name: format!("partSupplies/{code}"),
        etag: etag(stored.version),
        part: name("parts", part),
        supplier: name("suppliers", supplier),
        plant: text(plant.as_ref()),
        valid_from: date(*valid_from),
        valid_to: valid_to.and_then(date),
        serial_pattern: serial_pattern.clone(),
        lot: lot.clone(),
        quota_bp: quota_bp.map(basis_points),
        external_ref: external_ref.clone(),
        active: stored.retire_time.is_none(),
        create_time: timestamp(stored.create_time),
        update_time: timestamp(stored.update_time),
        retire_time: stored.retire_time.and_then(timestamp),
    }
}

/// The record under a code.
pub(crate) fn read(message: v1::PartSupply, code: &str) -> Result<PartSupply, Vec<Violation>> {
    let v1::PartSupply {
        name: _,
        etag: _,
        part,
        supplier,
        plant,
        valid_from,
        valid_to,
        serial_pattern,
        lot,
        quota_bp,
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
    let plant = reader.optional_code("plant", &plant);
    let valid_from = reader.needed_date("valid_from", valid_from.as_ref());
    let valid_to = reader.date("valid_to", valid_to.as_ref());
    reader.whole(|| {
        Some(PartSupply {
            code: code?,
            part: part?,
            supplier: supplier?,
            plant,
            valid_from: valid_from?,
            valid_to,
            serial_pattern,
            lot,
            quota_bp: quota_bp.map(read_bp),
            external_ref,
        })
    })
}
