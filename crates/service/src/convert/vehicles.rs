//! Vehicles: the message of the contract ⇄ the record of the domain, with everything that hangs on a VIN.

use recourse_domain::catalog::Stored;
use recourse_domain::ids::{ClaimId, OrgId};
use recourse_domain::text::{Lang, Text, Violation};
use recourse_domain::vehicle::{
    Component, Drivetrain, EventDetail, OdometerReading, OdometerSource, OwnershipPeriod, Sale, Vehicle, VehicleEvent,
    VehicleUse, vin_violation,
};
use recourse_domain::vin::{Vin, VinError, VinIssue, VinMarket, VinRegion};
use recourse_proto::v1;

use super::claims::kilometers;
use super::organizations::{NewId, name, name_or_empty, same_words};
use super::{Reader, date, etag, money, text, timestamp};

same_words! {
    show_drivetrain, read_drivetrain: Drivetrain = v1::vehicle::Drivetrain {
        Combustion, Hybrid, PlugInHybrid, BatteryElectric, FuelCell,
    }
    show_use, read_use: VehicleUse = v1::vehicle_use::Code { Family, Commercial }
    show_source, read_source: OdometerSource = v1::odometer_reading::Source {
        Sale, RepairOrder, Claim, Inspection, Telematics, Correction,
    }
}

fn owner_name(owner: Option<OrgId>) -> String {
    owner.map(|owner| format!("customers/{owner}")).unwrap_or_default()
}

fn claim_name(claim: Option<ClaimId>) -> String {
    claim.map(|claim| super::claims::name(claim.0)).unwrap_or_default()
}

/// The vehicle as its reader sees it, before redaction.
pub(crate) fn show(stored: &Stored<Vehicle>) -> v1::Vehicle {
    let vehicle = &stored.value;
    let Vehicle {
        vin,
        vin_override_reason,
        brand,
        model,
        plant,
        lot,
        build_date,
        drivetrain,
        engine_type,
        sale,
        events,
        ownership_periods,
        components,
        external_ref,
    } = vehicle;
    v1::Vehicle {
        name: format!("vehicles/{vin}"),
        etag: etag(stored.version),
        vin: vin.to_string(),
        vin_override_reason: vin_override_reason.clone(),
        brand: text(brand.as_ref()),
        model: model.to_string(),
        plant: text(plant.as_ref()),
        lot: lot.clone(),
        build_date: build_date.and_then(date),
        drivetrain: show_drivetrain(*drivetrain).into(),
        engine_type: engine_type.clone(),
        sale: sale.as_ref().map(show_sale),
        warranty_start: vehicle.warranty_start().and_then(date),
        vehicle_use: vehicle.present_use().map(show_use).unwrap_or_default().into(),
        returned: vehicle.is_returned(),
        events: events.iter().map(show_event).collect(),
        ownership_periods: ownership_periods.iter().map(show_ownership).collect(),
        components: components.iter().map(show_component).collect(),
        external_ref: external_ref.clone(),
        // What other resources say of it is told when one vehicle is read.
        open_recalls: Vec::new(),
        active: stored.retire_time.is_none(),
        create_time: timestamp(stored.create_time),
        update_time: timestamp(stored.update_time),
        retire_time: stored.retire_time.and_then(timestamp),
    }
}

fn show_sale(sale: &Sale) -> v1::VehicleSale {
    let Sale { invoice_number, invoice_date, delivery_date, seller, voucher_number, vehicle_use, price } = sale;
    v1::VehicleSale {
        invoice_number: invoice_number.clone(),
        invoice_date: date(*invoice_date),
        delivery_date: delivery_date.and_then(date),
        seller: name_or_empty("stations", seller.as_ref()),
        voucher_number: voucher_number.clone(),
        vehicle_use: show_use(*vehicle_use).into(),
        price: price.and_then(money),
    }
}

/// Something that happened to a vehicle.
pub(crate) fn show_event(event: &VehicleEvent) -> v1::VehicleEvent {
    let mut message =
        v1::VehicleEvent { id: event.id.to_string(), date: date(event.date), ..v1::VehicleEvent::default() };
    match &event.detail {
        EventDetail::Sale(sale) => {
            message.set_type(v1::vehicle_event::Type::Sale);
            message.sale = Some(show_sale(sale));
        }
        EventDetail::OwnerTransfer { owner } => {
            message.set_type(v1::vehicle_event::Type::OwnerTransfer);
            message.owner = owner_name(*owner);
        }
        EventDetail::UseChange { vehicle_use } => {
            message.set_type(v1::vehicle_event::Type::UseChange);
            message.set_vehicle_use(show_use(*vehicle_use));
        }
        EventDetail::MarkedReturned { reason } => {
            message.set_type(v1::vehicle_event::Type::MarkedReturned);
            message.reason.clone_from(reason);
        }
        EventDetail::Corrected { correction } => {
            message.set_type(v1::vehicle_event::Type::Corrected);
            message.correction = format!("corrections/{correction}");
        }
    }
    message
}

fn show_ownership(period: &OwnershipPeriod) -> v1::OwnershipPeriod {
    let OwnershipPeriod { owner, from_date, to_date } = period;
    v1::OwnershipPeriod { owner: owner_name(*owner), from_date: date(*from_date), to_date: to_date.and_then(date) }
}

/// A component that is or was in a vehicle.
pub(crate) fn show_component(component: &Component) -> v1::VehicleComponent {
    let Component { id, part, serial_number, position, lot, supplier, from_date, to_date, claim } = component;
    v1::VehicleComponent {
        id: id.to_string(),
        part: name("parts", part),
        serial_number: serial_number.clone(),
        position: position.clone(),
        lot: lot.clone(),
        supplier: name_or_empty("suppliers", supplier.as_ref()),
        from_date: from_date.and_then(date),
        to_date: to_date.and_then(date),
        claim: claim_name(*claim),
    }
}

/// A reading of a vehicle's odometer, before redaction.
pub(crate) fn show_reading(reading: &OdometerReading) -> v1::OdometerReading {
    let OdometerReading { id, vin, date: day, km, source, claim, retracted, recorded_time, origin } = reading;
    v1::OdometerReading {
        name: format!("vehicles/{vin}/odometerReadings/{id}"),
        date: date(*day),
        odometer: kilometers(*km),
        source: show_source(*source).into(),
        claim: claim_name(*claim),
        retracted: *retracted,
        external_ref: origin.as_ref().map(|origin| origin.external_ref.clone()).unwrap_or_default(),
        create_time: timestamp(*recorded_time),
    }
}

/// The record under a VIN. Events and owners are never read: they are those that stand, and a vehicle that
/// is created with a sale begins with the event of it.
pub(crate) fn read(
    message: v1::Vehicle,
    vin: &str,
    before: Option<&Vehicle>,
    ids: NewId<'_>,
) -> Result<Vehicle, Vec<Violation>> {
    let v1::Vehicle {
        name: _,
        etag: _,
        vin: _,
        vin_override_reason,
        brand,
        model,
        plant,
        lot,
        build_date,
        drivetrain,
        engine_type,
        sale,
        warranty_start: _,
        vehicle_use: _,
        returned: _,
        events: _,
        ownership_periods: _,
        components,
        external_ref,
        open_recalls: _,
        active: _,
        create_time: _,
        update_time: _,
        retire_time: _,
    } = message;
    let mut reader = Reader::default();
    let vin = match Vin::parse(vin) {
        Ok(vin) => Some(vin),
        Err(error) => {
            reader.refuse(bad_vin("name", error));
            None
        }
    };
    let brand = reader.optional_code("brand", &brand);
    let model = reader.code("model", &model);
    let plant = reader.optional_code("plant", &plant);
    let build_date = reader.date("build_date", build_date.as_ref());
    let drivetrain = reader.choice("drivetrain", drivetrain, read_drivetrain);
    let sale = sale.and_then(|sale| read_sale(&mut reader, "sale", sale));
    let mut read_components = Vec::with_capacity(components.len());
    for (index, component) in components.into_iter().enumerate() {
        read_components.extend(read_component(&mut reader, &format!("components[{index}]"), component, ids));
    }
    reader.whole(|| {
        let vehicle = Vehicle {
            vin: vin?,
            vin_override_reason,
            brand,
            model: model?,
            plant,
            lot,
            build_date,
            drivetrain: drivetrain?,
            engine_type,
            sale,
            events: before.map(|before| before.events.clone()).unwrap_or_default(),
            ownership_periods: before.map(|before| before.ownership_periods.clone()).unwrap_or_default(),
            components: read_components,
            external_ref,
        };
        Some(if before.is_none() { vehicle.with_first_sale_event(ids()) } else { vehicle })
    })
}

/// A sale.
pub(crate) fn read_sale(reader: &mut Reader, at: &str, sale: v1::VehicleSale) -> Option<Sale> {
    let v1::VehicleSale { invoice_number, invoice_date, delivery_date, seller, voucher_number, vehicle_use, price } =
        sale;
    let invoice_date = reader.needed_date(&format!("{at}.invoice_date"), invoice_date.as_ref());
    let delivery_date = reader.date(&format!("{at}.delivery_date"), delivery_date.as_ref());
    let seller = reader.named(&format!("{at}.seller"), "stations", &seller);
    let vehicle_use = reader.choice(&format!("{at}.vehicle_use"), vehicle_use, read_use);
    let price = reader.money(&format!("{at}.price"), price.as_ref());
    Some(Sale {
        invoice_number,
        invoice_date: invoice_date?,
        delivery_date,
        seller,
        voucher_number,
        vehicle_use: vehicle_use?,
        price,
    })
}

fn read_component(reader: &mut Reader, at: &str, component: v1::VehicleComponent, ids: NewId<'_>) -> Option<Component> {
    let v1::VehicleComponent { id, part, serial_number, position, lot, supplier, from_date, to_date, claim } =
        component;
    let id = reader.row_id(&format!("{at}.id"), &id, ids);
    let part = reader.needed_name(&format!("{at}.part"), "parts", &part);
    let supplier = reader.named(&format!("{at}.supplier"), "suppliers", &supplier);
    let from_date = reader.date(&format!("{at}.from_date"), from_date.as_ref());
    let to_date = reader.date(&format!("{at}.to_date"), to_date.as_ref());
    let claim = reader.claim(&format!("{at}.claim"), &claim);
    Some(Component { id: id?, part: part?, serial_number, position, lot, supplier, from_date, to_date, claim })
}

impl Reader {
    /// The customer of a public name. Whether they exist is not asked: customers are kept elsewhere.
    pub(crate) fn owner(&mut self, field: &str, value: &str) -> Option<OrgId> {
        self.named_id(field, "customers", value).map(OrgId)
    }

    /// The claim of a public name.
    pub(crate) fn claim(&mut self, field: &str, value: &str) -> Option<ClaimId> {
        self.named_id(field, "claims", value).map(ClaimId)
    }
}

/// A text is no VIN.
pub(crate) fn bad_vin(field: &str, error: VinError) -> Violation {
    let (rule, Text { en, zh_cn }) = match error {
        VinError::Length { found } => ("VIN_LENGTH", {
            Text::new(
                format!("{error}; copy it from the type plate or the registration"),
                format!("VIN 为 17 位，此处为 {found} 位；请按铭牌或行驶证填写"),
            )
        }),
        VinError::Charset { position, found } => ("VIN_CHARSET", {
            Text::new(
                format!("{error}; 1 and 0 are often read as I and O"),
                format!("VIN 第 {position} 位为“{found}”；仅允许 A-Z 与 0-9，且不含 I、O、Q（常与 1、0 混淆）"),
            )
        }),
    };
    Violation::new(field, rule, en, zh_cn)
}

/// What a VIN says. A text that is none is answered with the reason.
pub(crate) fn decode(text: &str, lang: Lang) -> v1::DecodeVinResponse {
    use v1::vin_issue::Code;
    let vin = match Vin::parse(text) {
        Ok(vin) => vin,
        Err(error) => {
            let code = match error {
                VinError::Length { .. } => Code::Length,
                VinError::Charset { .. } => Code::Charset,
            };
            let message = bad_vin("vin", error).text.in_lang(lang).to_owned();
            let issues = vec![v1::VinIssue { code: code.into(), blocking: true, message }];
            return v1::DecodeVinResponse { issues, ..v1::DecodeVinResponse::default() };
        }
    };
    let strict_market = match vin.market() {
        VinMarket::Strict => true,
        VinMarket::Lenient => false,
    };
    let issues: Vec<v1::VinIssue> = vin
        .issues()
        .into_iter()
        .map(|issue| {
            let code = match issue {
                VinIssue::CheckDigit { .. } => Code::CheckDigit,
                VinIssue::YearCode { .. } => Code::YearCode,
            };
            let message = vin_violation(issue).text.in_lang(lang).to_owned();
            v1::VinIssue { code: code.into(), blocking: strict_market, message }
        })
        .collect();
    let parts = vin.decode();
    v1::DecodeVinResponse {
        valid: issues.iter().all(|issue| !issue.blocking),
        vin: vin.to_string(),
        issues,
        wmi: parts.wmi,
        vds: parts.vds,
        vis: parts.vis,
        check_digit_expected: parts.check_digit_expected.to_string(),
        check_digit_actual: parts.check_digit_actual.to_string(),
        model_years: parts.model_years,
        plant: parts.plant.to_string(),
        small_maker: parts.small_maker,
        serial: parts.serial,
        region: show_region(parts.region).into(),
        country: parts.country.unwrap_or_default().to_owned(),
        strict_market,
    }
}

fn show_region(region: VinRegion) -> v1::decode_vin_response::Region {
    use v1::decode_vin_response::Region;
    match region {
        VinRegion::Africa => Region::Africa,
        VinRegion::Asia => Region::Asia,
        VinRegion::Europe => Region::Europe,
        VinRegion::NorthAmerica => Region::NorthAmerica,
        VinRegion::Oceania => Region::Oceania,
        VinRegion::SouthAmerica => Region::SouthAmerica,
        VinRegion::Unassigned => Region::Unspecified,
    }
}
