//! Parts: the message of the contract ⇄ the record of the domain.

use recourse_domain::catalog::{
    AssemblyClass, DatedList, Part, PartPrice, RestrictedKind, Stored, UnitOfMeasure, UsedPartRule, VehicleSystem,
};
use recourse_domain::text::Violation;
use recourse_proto::v1;

use super::organizations::{NewId, codes, name_or_empty, read_rows, same_words};
use super::{Reader, date, etag, money, quantity, text, timestamp};

same_words! {
    show_unit, read_unit: UnitOfMeasure = v1::part::UnitOfMeasure { Piece, Set, Liter, Kilogram, Meter }
    show_class, read_class: AssemblyClass = v1::part::AssemblyClass { Ordinary, MainPart, Assembly }
    show_system, read_system: VehicleSystem = v1::part::VehicleSystem {
        Engine, Transmission, Battery, Motor, Steering, Brakes, Suspension, Driveline, EmissionControl, Body,
    }
    show_restricted, read_restricted: RestrictedKind = v1::part::RestrictedKind { TractionBattery, Airbag, LeadAcid }
    show_used, read_used: UsedPartRule = v1::part::UsedPartRule {
        ReturnToOem, ReturnToSupplier, DiscountedDisposal, Hold, None,
    }
}

/// The part as its reader sees it, before redaction.
pub(crate) fn show(stored: &Stored<Part>) -> v1::Part {
    let Part {
        code,
        display_code,
        display_name,
        category,
        unit,
        assembly_class,
        system,
        main_part,
        serialized,
        safety,
        restricted_kind,
        superseded_by,
        default_supplier,
        used_part_rule,
        models,
        quantity_per_vehicle,
        retail_prices,
        claim_prices,
        dealer_net_prices,
        recovery_prices,
        external_ref,
    } = &stored.value;
    v1::Part {
        name: format!("parts/{code}"),
        etag: etag(stored.version),
        display_code: display_code.clone(),
        display_name: display_name.clone(),
        category: category.to_string(),
        unit: show_unit(*unit).into(),
        assembly_class: show_class(*assembly_class).into(),
        system: system.map(show_system).unwrap_or_default().into(),
        main_part: text(main_part.as_ref()),
        serialized: *serialized,
        safety: *safety,
        restricted_kind: restricted_kind.map(show_restricted).unwrap_or_default().into(),
        superseded_by: name_or_empty("parts", superseded_by.as_ref()),
        default_supplier: name_or_empty("suppliers", default_supplier.as_ref()),
        used_part_rule: show_used(*used_part_rule).into(),
        models: codes(models),
        quantity_per_vehicle: quantity_per_vehicle.and_then(quantity),
        retail_prices: show_prices(retail_prices),
        claim_prices: show_prices(claim_prices),
        dealer_net_prices: show_prices(dealer_net_prices),
        recovery_prices: show_prices(recovery_prices),
        external_ref: external_ref.clone(),
        active: stored.retire_time.is_none(),
        create_time: timestamp(stored.create_time),
        update_time: timestamp(stored.update_time),
        retire_time: stored.retire_time.and_then(timestamp),
    }
}

fn show_prices(prices: &DatedList<PartPrice>) -> Vec<v1::PartPrice> {
    let rows = prices.0.iter().map(|row| v1::PartPrice {
        id: row.id.to_string(),
        valid_from: date(row.valid_from),
        valid_to: row.valid_to.and_then(date),
        price: money(row.value.price),
    });
    rows.collect()
}

/// The record under a code.
pub(crate) fn read(message: v1::Part, code: &str, ids: NewId<'_>) -> Result<Part, Vec<Violation>> {
    let v1::Part {
        name: _,
        etag: _,
        display_code,
        display_name,
        category,
        unit,
        assembly_class,
        system,
        main_part,
        serialized,
        safety,
        restricted_kind,
        superseded_by,
        default_supplier,
        used_part_rule,
        models,
        quantity_per_vehicle,
        retail_prices,
        claim_prices,
        dealer_net_prices,
        recovery_prices,
        external_ref,
        active: _,
        create_time: _,
        update_time: _,
        retire_time: _,
    } = message;
    let mut reader = Reader::default();
    let code = reader.code("name", code);
    let category = reader.code("category", &category);
    let unit = reader.choice("unit", unit, read_unit);
    let assembly_class = reader.choice("assembly_class", assembly_class, read_class);
    let system = reader.optional_choice("system", system, read_system);
    let main_part = reader.optional_code("main_part", &main_part);
    let restricted_kind = reader.optional_choice("restricted_kind", restricted_kind, read_restricted);
    let superseded_by = reader.named("superseded_by", "parts", &superseded_by);
    let default_supplier = reader.named("default_supplier", "suppliers", &default_supplier);
    let used_part_rule = reader.choice("used_part_rule", used_part_rule, read_used);
    let models = reader.plain_codes("models", &models);
    let quantity_per_vehicle = reader.quantity("quantity_per_vehicle", quantity_per_vehicle.as_ref());
    let retail_prices = read_prices(&mut reader, "retail_prices", retail_prices, ids);
    let claim_prices = read_prices(&mut reader, "claim_prices", claim_prices, ids);
    let dealer_net_prices = read_prices(&mut reader, "dealer_net_prices", dealer_net_prices, ids);
    let recovery_prices = read_prices(&mut reader, "recovery_prices", recovery_prices, ids);
    reader.whole(|| {
        Some(Part {
            code: code?,
            display_code,
            display_name,
            category: category?,
            unit: unit?,
            assembly_class: assembly_class?,
            system,
            main_part,
            serialized,
            safety,
            restricted_kind,
            superseded_by,
            default_supplier,
            used_part_rule: used_part_rule?,
            models,
            quantity_per_vehicle,
            retail_prices,
            claim_prices,
            dealer_net_prices,
            recovery_prices,
            external_ref,
        })
    })
}

fn read_prices(reader: &mut Reader, field: &str, rows: Vec<v1::PartPrice>, ids: NewId<'_>) -> DatedList<PartPrice> {
    read_rows(reader, field, rows, ids, |reader, at, row| {
        Some(PartPrice { price: reader.needed_money(&format!("{at}.price"), row.price.as_ref())? })
    })
}
