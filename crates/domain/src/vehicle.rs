//! Vehicles: as built, as sold, as used and as repaired.
//!
//! Sale, use and owner are events. What counts on a day is read from them, so that a claim on last month's
//! repair is judged by last month's facts.

mod correction;
mod event;
mod odometer;
mod replacement;

use chrono::NaiveDate;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

pub use correction::SaleDates;
pub use event::{EventDetail, NewComponent, VehicleEvent};
pub use odometer::{OdometerIssue, OdometerReading, OdometerSource, Origin, check_reading};

use crate::catalog::common::{Checks, code_value, coded, date, flag, named, reference, text, text_value, words};
use crate::catalog::{ColumnValue, Field, Record, Reference};
use crate::change::Audience;
use crate::ids::{ClaimId, Code, OrgId};
use crate::money::Money;
use crate::text::Violation;
use crate::vin::{Vin, VinIssue, VinMarket};

/// A vehicle, by its VIN.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Vehicle {
    /// The VIN in canonical form.
    pub vin: Vin,
    /// Why a VIN that fails its check digit or year code is accepted all the same.
    pub vin_override_reason: String,
    /// Brand.
    pub brand: Option<Code>,
    /// Model.
    pub model: Code,
    /// Plant that built it.
    pub plant: Option<Code>,
    /// Production lot.
    pub lot: String,
    /// Day on which it left the line.
    pub build_date: Option<NaiveDate>,
    /// What drives it.
    pub drivetrain: Drivetrain,
    /// Type of the engine or motor.
    pub engine_type: String,
    /// The sale that counts now: the last one.
    pub sale: Option<Sale>,
    /// What happened to it, in the order of its recording.
    pub events: Vec<VehicleEvent>,
    /// Who owned it when.
    pub ownership_periods: Vec<OwnershipPeriod>,
    /// Serialised components, as built and as repaired.
    pub components: Vec<Component>,
    /// Its key in the system of whoever created it.
    pub external_ref: String,
}

/// What drives a vehicle.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum Drivetrain {
    /// An engine only.
    Combustion,
    /// An engine with a motor that can't be charged from outside.
    Hybrid,
    /// An engine with a motor that can.
    PlugInHybrid,
    /// A battery only.
    BatteryElectric,
    /// A fuel cell.
    FuelCell,
}

/// What a vehicle is used for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum VehicleUse {
    /// Family use (家庭用车): the three guarantees apply.
    Family,
    /// Commercial use (营运): they do not.
    Commercial,
}

words! {
    Drivetrain {
        Combustion = "COMBUSTION", Hybrid = "HYBRID", PlugInHybrid = "PLUG_IN_HYBRID",
        BatteryElectric = "BATTERY_ELECTRIC", FuelCell = "FUEL_CELL",
    }
    VehicleUse { Family = "FAMILY", Commercial = "COMMERCIAL" }
}

/// The sale of a vehicle to its user.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Sale {
    /// Number of the invoice.
    pub invoice_number: String,
    /// Date of the invoice.
    pub invoice_date: NaiveDate,
    /// Day of the delivery.
    pub delivery_date: Option<NaiveDate>,
    /// The station that sold it.
    pub seller: Option<Code>,
    /// Number of the three-guarantees voucher (三包凭证).
    pub voucher_number: String,
    /// What it was bought for.
    pub vehicle_use: VehicleUse,
    /// What it cost.
    pub price: Option<Money>,
}

impl Sale {
    /// Day on which the warranty begins (art. 18): the invoice's; the delivery's if the two differ.
    pub fn warranty_start(&self) -> NaiveDate {
        self.delivery_date.unwrap_or(self.invoice_date)
    }
}

/// Who owned a vehicle for some time. The person is a reference: personal data stands elsewhere.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct OwnershipPeriod {
    /// Key of the customer, if known.
    pub owner: Option<OrgId>,
    /// First day.
    pub from_date: NaiveDate,
    /// First day of the next owner.
    pub to_date: Option<NaiveDate>,
}

/// A component with a serial number, while it is or was in the vehicle.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Component {
    /// Key of the row.
    pub id: Uuid,
    /// The part.
    pub part: Code,
    /// Its serial number.
    pub serial_number: String,
    /// Where it sits, if the vehicle has several: `FRONT_LEFT`.
    pub position: String,
    /// Its lot, if known.
    pub lot: String,
    /// Who made it, if known.
    pub supplier: Option<Code>,
    /// Day on which it was fitted; none: as built.
    pub from_date: Option<NaiveDate>,
    /// Day on which it was removed.
    pub to_date: Option<NaiveDate>,
    /// The claim that it was replaced with.
    pub claim: Option<ClaimId>,
}

impl Vehicle {
    /// Completes a vehicle that is created with a sale: the sale becomes its first event and owner period.
    #[must_use]
    pub fn with_first_sale_event(mut self, id: Uuid) -> Self {
        if let Some(sale) = &self.sale
            && self.events.is_empty()
        {
            let date = sale.warranty_start();
            self.events.push(VehicleEvent { id, date, detail: EventDetail::Sale(sale.clone()) });
            self.ownership_periods.push(OwnershipPeriod { owner: None, from_date: date, to_date: None });
        }
        self
    }

    /// The sale that counts on a day: the last that had begun; before the first, the first.
    pub fn sale_on(&self, date: NaiveDate) -> Option<&Sale> {
        let mut sales = self.events.iter().filter_map(|event| match &event.detail {
            EventDetail::Sale(sale) => Some(sale),
            EventDetail::OwnerTransfer { .. }
            | EventDetail::UseChange { .. }
            | EventDetail::MarkedReturned { .. }
            | EventDetail::Corrected { .. } => None,
        });
        let first = sales.next().or(self.sale.as_ref());
        sales.rfind(|sale| sale.warranty_start() <= date).or(first)
    }

    /// Day on which the present warranty began, if the vehicle was sold.
    pub fn warranty_start(&self) -> Option<NaiveDate> {
        self.sale.as_ref().map(Sale::warranty_start)
    }

    /// What it was used for on a day, if it was sold.
    pub fn use_on(&self, date: NaiveDate) -> Option<VehicleUse> {
        let sale = self.sale_on(date)?;
        let begin = sale.warranty_start();
        let changes = self.events.iter().filter_map(|event| match &event.detail {
            EventDetail::UseChange { vehicle_use } if begin <= event.date && event.date <= date => {
                Some((event.date, *vehicle_use))
            }
            EventDetail::UseChange { .. }
            | EventDetail::Sale(_)
            | EventDetail::OwnerTransfer { .. }
            | EventDetail::MarkedReturned { .. }
            | EventDetail::Corrected { .. } => None,
        });
        // The later recording wins on one day: `max_by_key` answers the last of equals.
        Some(changes.max_by_key(|(day, _)| *day).map_or(sale.vehicle_use, |(_, vehicle_use)| vehicle_use))
    }

    /// The day on which it was marked as returned, if it stood so on a day: not sold again since.
    pub fn returned_on(&self, date: NaiveDate) -> Option<NaiveDate> {
        let mut returned = None;
        for event in &self.events {
            match &event.detail {
                EventDetail::MarkedReturned { .. } if event.date <= date => returned = Some(event.date),
                EventDetail::Sale(sale) if sale.warranty_start() <= date => returned = None,
                EventDetail::MarkedReturned { .. }
                | EventDetail::Sale(_)
                | EventDetail::UseChange { .. }
                | EventDetail::OwnerTransfer { .. }
                | EventDetail::Corrected { .. } => {}
            }
        }
        returned
    }

    /// Whether it is marked as returned now.
    pub fn is_returned(&self) -> bool {
        self.returned_on(NaiveDate::MAX).is_some()
    }

    /// What it is used for now, if it was sold.
    pub fn present_use(&self) -> Option<VehicleUse> {
        self.use_on(NaiveDate::MAX)
    }

    /// Components of a part that are in the vehicle now.
    pub fn present_components(&self, part: &Code) -> impl Iterator<Item = &Component> {
        self.components.iter().filter(move |component| component.to_date.is_none() && &component.part == part)
    }
}

impl Record for Vehicle {
    const COLLECTION: &'static str = "vehicles";
    const TABLE: &'static str = "vehicle";
    const FIELDS: &'static [Field] = &[
        coded("brand"),
        coded("model"),
        coded("plant"),
        text("lot"),
        date("build_date", false),
        text("drivetrain"),
        text("engine_type"),
        named("seller", "stations"),
        date("warranty_start", false),
        text("vehicle_use"),
        flag("returned"),
        text("external_ref"),
    ];

    fn code(&self) -> &str {
        self.vin.as_str()
    }

    fn columns(&self) -> Vec<ColumnValue> {
        vec![
            code_value(self.brand.as_ref()),
            code_value(Some(&self.model)),
            code_value(self.plant.as_ref()),
            text_value(&self.lot),
            ColumnValue::Date(self.build_date),
            text_value(self.drivetrain.word()),
            text_value(&self.engine_type),
            code_value(self.sale.as_ref().and_then(|sale| sale.seller.as_ref())),
            ColumnValue::Date(self.warranty_start()),
            text_value(self.present_use().map_or("", VehicleUse::word)),
            ColumnValue::Bool(Some(self.is_returned())),
            text_value(&self.external_ref),
        ]
    }

    fn check(&self) -> Vec<Violation> {
        let mut checks = Checks::default();
        if self.vin.market() == VinMarket::Strict && self.vin_override_reason.trim().is_empty() {
            for issue in self.vin.issues() {
                checks.all(vec![vin_violation(issue)]);
            }
        }
        if let (Some(sale), Some(built)) = (&self.sale, self.build_date) {
            checks.must(
                built <= sale.invoice_date && sale.delivery_date.is_none_or(|delivery| built <= delivery),
                "sale",
                "SOLD_BEFORE_BUILT",
                "invoice and delivery can't be earlier than build_date",
                "开票日期与交付日期不能早于生产日期",
            );
        }
        if let Some(price) = self.sale.as_ref().and_then(|sale| sale.price) {
            checks.not_negative(Some(price), "sale.price");
        }
        for (index, component) in self.components.iter().enumerate() {
            checks.filled(&component.serial_number, &format!("components[{index}].serial_number"));
        }
        checks.found()
    }

    fn check_change(&self, before: &Self, _today: NaiveDate) -> Vec<Violation> {
        let mut checks = Checks::default();
        for (same, field, verb) in [
            (self.sale == before.sale && self.events == before.events, "sale", ":recordSale"),
            (self.ownership_periods == before.ownership_periods, "ownership_periods", ":transferOwner"),
            (self.components == before.components, "components", ":recordComponent"),
        ] {
            let en = format!("is changed by {verb}, which keeps the history");
            let zh_cn = format!("请使用 {verb} 修改，以保留历史");
            checks.must(same, field, "HAS_ITS_OWN_VERB", &en, &zh_cn);
        }
        checks.found()
    }

    fn references(&self) -> Vec<Reference> {
        let seller = self.sale.iter().filter_map(|sale| sale.seller.as_ref());
        let mut references: Vec<Reference> =
            seller.map(|code| reference("sale.seller", "station", "stations", code)).collect();
        for (index, component) in self.components.iter().enumerate() {
            references.push(reference(format!("components[{index}].part"), "part", "parts", &component.part));
            references.extend(
                component
                    .supplier
                    .iter()
                    .map(|code| reference(format!("components[{index}].supplier"), "supplier", "suppliers", code)),
            );
        }
        references
    }

    fn audience(&self, _id: Uuid) -> Audience {
        // Stations and owners read one VIN at a time; nobody but the manufacturer follows the fleet.
        Audience::Oem
    }
}

/// What a doubtful VIN is refused with in a strict market, and warned of elsewhere.
pub fn vin_violation(issue: VinIssue) -> Violation {
    match issue {
        VinIssue::CheckDigit { expected, actual } => Violation::new(
            "vin",
            "VIN_CHECK_DIGIT",
            format!(
                "character 9 is {actual} and should be {expected}; correct the VIN, or let somebody with the right \
                 VIN_OVERRIDE give vin_override_reason"
            ),
            format!(
                "第 9 位为 {actual}，应为 {expected}；请更正 VIN，或由具有 VIN_OVERRIDE 权限的人员填写 vin_override_reason"
            ),
        ),
        VinIssue::YearCode { actual } => Violation::new(
            "vin",
            "VIN_YEAR_CODE",
            format!(
                "character 10 is {actual}, which is no model year; correct the VIN, or let somebody with the right \
                 VIN_OVERRIDE give vin_override_reason"
            ),
            format!(
                "第 10 位为 {actual}，不是车型年份代码；请更正 VIN，或由具有 VIN_OVERRIDE 权限的人员填写 vin_override_reason"
            ),
        ),
    }
}

#[cfg(test)]
pub(crate) mod tests;
