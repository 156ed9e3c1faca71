//! Stations: the message of the contract ⇄ the record of the domain.

use recourse_domain::catalog::{
    LaborRate, Markup, PaymentContract, RepairOrderSystem, Station, StationGrade, Stored, TaxScheme,
};
use recourse_domain::text::Violation;
use recourse_proto::v1;

use super::organizations::{
    NewId, codes, read_account, read_address, read_bp, read_contact, read_rows, same_words, show_account, show_address,
    show_contact,
};
use super::{Reader, basis_points, date, etag, money, text, timestamp};

same_words! {
    show_contract, read_contract: PaymentContract = v1::station::PaymentContract { ClaimPrice, DealerNetPlusMarkup }
    show_scheme, read_scheme: TaxScheme = v1::station::TaxScheme { General, Simplified, Exempt }
    show_system, read_system: RepairOrderSystem = v1::station::RepairOrderSystem { Native, External }
}

/// The station as its reader sees it, before redaction.
pub(crate) fn show(stored: &Stored<Station>) -> v1::Station {
    let Station {
        code,
        display_code,
        display_name,
        address,
        contact,
        opening_hours,
        region,
        brands,
        grade,
        grades,
        currency,
        payment_contract,
        labor_rates,
        markups,
        tax_number,
        tax_scheme,
        bank_account,
        bays,
        repair_order_system,
        self_approval_limit,
        external_ref,
    } = &stored.value;
    let labor_rates = labor_rates.0.iter().map(|row| v1::StationLaborRate {
        id: row.id.to_string(),
        valid_from: date(row.valid_from),
        valid_to: row.valid_to.and_then(date),
        rate: money(row.value.rate),
        night_rate: row.value.night_rate.and_then(money),
    });
    let grades = grades.0.iter().map(|row| v1::StationGrade {
        id: row.id.to_string(),
        valid_from: date(row.valid_from),
        valid_to: row.valid_to.and_then(date),
        grade: row.value.grade.to_string(),
    });
    let markups = markups.0.iter().map(|row| v1::StationMarkup {
        id: row.id.to_string(),
        valid_from: date(row.valid_from),
        valid_to: row.valid_to.and_then(date),
        markup_bp: basis_points(row.value.markup_bp),
    });
    v1::Station {
        name: format!("stations/{code}"),
        etag: etag(stored.version),
        display_code: display_code.clone(),
        display_name: display_name.clone(),
        address: show_address(address),
        contact: show_contact(contact),
        opening_hours: opening_hours.clone(),
        region: region.clone(),
        brands: codes(brands),
        grade: text(grade.as_ref()),
        grades: grades.collect(),
        currency: currency.code().to_owned(),
        payment_contract: show_contract(*payment_contract).into(),
        labor_rates: labor_rates.collect(),
        markups: markups.collect(),
        tax_number: tax_number.clone(),
        tax_scheme: show_scheme(*tax_scheme).into(),
        bank_account: bank_account.as_ref().map(show_account),
        bays: *bays,
        repair_order_system: show_system(*repair_order_system).into(),
        self_approval_limit: self_approval_limit.and_then(money),
        external_ref: external_ref.clone(),
        active: stored.retire_time.is_none(),
        create_time: timestamp(stored.create_time),
        update_time: timestamp(stored.update_time),
        retire_time: stored.retire_time.and_then(timestamp),
    }
}

/// The record under a code.
pub(crate) fn read(message: v1::Station, code: &str, ids: NewId<'_>) -> Result<Station, Vec<Violation>> {
    let v1::Station {
        name: _,
        etag: _,
        display_code,
        display_name,
        address,
        contact,
        opening_hours,
        region,
        brands,
        grade,
        grades,
        currency,
        payment_contract,
        labor_rates,
        markups,
        tax_number,
        tax_scheme,
        bank_account,
        bays,
        repair_order_system,
        self_approval_limit,
        external_ref,
        active: _,
        create_time: _,
        update_time: _,
        retire_time: _,
    } = message;
    let mut reader = Reader::default();
    let code = reader.code("name", code);
    let brands = reader.plain_codes("brands", &brands);
    let grade = reader.optional_code("grade", &grade);
    let currency = reader.currency("currency", &currency);
    let payment_contract = reader.choice("payment_contract", payment_contract, read_contract);
    let labor_rates = read_rows(&mut reader, "labor_rates", labor_rates, ids, |reader, at, row| {
        let rate = reader.needed_money(&format!("{at}.rate"), row.rate.as_ref());
        let night_rate = reader.money(&format!("{at}.night_rate"), row.night_rate.as_ref());
        Some(LaborRate { rate: rate?, night_rate })
    });
    let grades = read_rows(&mut reader, "grades", grades, ids, |reader, at, row| {
        Some(StationGrade { grade: reader.code(&format!("{at}.grade"), &row.grade)? })
    });
    let markups =
        read_rows(&mut reader, "markups", markups, ids, |_, _, row| Some(Markup { markup_bp: read_bp(row.markup_bp) }));
    let tax_scheme = reader.choice("tax_scheme", tax_scheme, read_scheme);
    let repair_order_system = reader.choice("repair_order_system", repair_order_system, read_system);
    let self_approval_limit = reader.money("self_approval_limit", self_approval_limit.as_ref());
    reader.whole(|| {
        Some(Station {
            code: code?,
            display_code,
            display_name,
            address: read_address(address),
            contact: read_contact(contact),
            opening_hours,
            region,
            brands,
            grade,
            grades,
            currency: currency?,
            payment_contract: payment_contract?,
            labor_rates,
            markups,
            tax_number,
            tax_scheme: tax_scheme?,
            bank_account: bank_account.map(read_account),
            bays,
            repair_order_system: repair_order_system?,
            self_approval_limit,
            external_ref,
        })
    })
}
