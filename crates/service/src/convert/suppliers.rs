//! Suppliers: the message of the contract ⇄ the record of the domain.

use recourse_domain::catalog::{Dated, HandlingFee, RecoveryContract, Stored, Supplier};
use recourse_domain::text::Violation;
use recourse_proto::v1;

use super::organizations::{
    NewId, read_account, read_address, read_bp, read_contact, read_rows, show_account, show_address, show_contact,
};
use super::{Reader, basis_points, date, etag, money, text, timestamp};

/// The supplier as its reader sees it, before redaction.
pub(crate) fn show(stored: &Stored<Supplier>) -> v1::Supplier {
    let Supplier {
        code,
        display_code,
        display_name,
        address,
        contact,
        currency,
        tax_number,
        bank_account,
        recovery_contracts,
        external_ref,
    } = &stored.value;
    v1::Supplier {
        name: format!("suppliers/{code}"),
        etag: etag(stored.version),
        display_code: display_code.clone(),
        display_name: display_name.clone(),
        address: show_address(address),
        contact: show_contact(contact),
        currency: currency.code().to_owned(),
        tax_number: tax_number.clone(),
        bank_account: bank_account.as_ref().map(show_account),
        recovery_contracts: recovery_contracts.0.iter().map(show_recovery_contract).collect(),
        external_ref: external_ref.clone(),
        active: stored.retire_time.is_none(),
        create_time: timestamp(stored.create_time),
        update_time: timestamp(stored.update_time),
        retire_time: stored.retire_time.and_then(timestamp),
    }
}

fn show_recovery_contract(row: &Dated<RecoveryContract>) -> v1::RecoveryContract {
    let RecoveryContract {
        part_category,
        part_factor_bp,
        labor_factor_bp,
        travel_factor_bp,
        other_factor_bp,
        handling_fee,
        ceiling_per_claim,
        minimum,
        answer_days,
        deemed_clause,
        covers_goodwill,
    } = &row.value;
    v1::RecoveryContract {
        id: row.id.to_string(),
        valid_from: date(row.valid_from),
        valid_to: row.valid_to.and_then(date),
        part_category: text(part_category.as_ref()),
        part_factor_bp: basis_points(*part_factor_bp),
        labor_factor_bp: basis_points(*labor_factor_bp),
        travel_factor_bp: basis_points(*travel_factor_bp),
        other_factor_bp: basis_points(*other_factor_bp),
        handling_fee: handling_fee.as_ref().map(|fee| v1::HandlingFee {
            fixed_amount: fee.fixed_amount.and_then(money),
            rate_bp: fee.rate_bp.map(basis_points),
            cap: fee.cap.and_then(money),
        }),
        ceiling_per_claim: ceiling_per_claim.and_then(money),
        minimum: minimum.and_then(money),
        answer_days: *answer_days,
        deemed_clause: *deemed_clause,
        covers_goodwill: *covers_goodwill,
    }
}

/// The record under a code.
pub(crate) fn read(message: v1::Supplier, code: &str, ids: NewId<'_>) -> Result<Supplier, Vec<Violation>> {
    let v1::Supplier {
        name: _,
        etag: _,
        display_code,
        display_name,
        address,
        contact,
        currency,
        tax_number,
        bank_account,
        recovery_contracts,
        external_ref,
        active: _,
        create_time: _,
        update_time: _,
        retire_time: _,
    } = message;
    let mut reader = Reader::default();
    let code = reader.code("name", code);
    let currency = reader.currency("currency", &currency);
    let recovery_contracts =
        read_rows(&mut reader, "recovery_contracts", recovery_contracts, ids, |reader, at, row| {
            Some(read_recovery_contract(reader, at, &row))
        });
    reader.whole(|| {
        Some(Supplier {
            code: code?,
            display_code,
            display_name,
            address: read_address(address),
            contact: read_contact(contact),
            currency: currency?,
            tax_number,
            bank_account: bank_account.map(read_account),
            recovery_contracts,
            external_ref,
        })
    })
}

fn read_recovery_contract(reader: &mut Reader, at: &str, row: &v1::RecoveryContract) -> RecoveryContract {
    let v1::RecoveryContract {
        id: _,
        valid_from: _,
        valid_to: _,
        part_category,
        part_factor_bp,
        labor_factor_bp,
        travel_factor_bp,
        other_factor_bp,
        handling_fee,
        ceiling_per_claim,
        minimum,
        answer_days,
        deemed_clause,
        covers_goodwill,
    } = row;
    let handling_fee = handling_fee.as_ref().map(|fee| HandlingFee {
        fixed_amount: reader.money(&format!("{at}.handling_fee.fixed_amount"), fee.fixed_amount.as_ref()),
        rate_bp: fee.rate_bp.map(read_bp),
        cap: reader.money(&format!("{at}.handling_fee.cap"), fee.cap.as_ref()),
    });
    RecoveryContract {
        part_category: reader.optional_code(&format!("{at}.part_category"), part_category),
        part_factor_bp: read_bp(*part_factor_bp),
        labor_factor_bp: read_bp(*labor_factor_bp),
        travel_factor_bp: read_bp(*travel_factor_bp),
        other_factor_bp: read_bp(*other_factor_bp),
        handling_fee,
        ceiling_per_claim: reader.money(&format!("{at}.ceiling_per_claim"), ceiling_per_claim.as_ref()),
        minimum: reader.money(&format!("{at}.minimum"), minimum.as_ref()),
        answer_days: *answer_days,
        deemed_clause: *deemed_clause,
        covers_goodwill: *covers_goodwill,
    }
}
