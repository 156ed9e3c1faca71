//! The fleet: built over two years, sold after some weeks, driven more by some than by others.

use chrono::{DateTime, Datelike, Months, NaiveDate, TimeDelta, Utc};
use recourse_domain::vin::Vin;
use recourse_proto::v1::vehicle_service_server::VehicleService;
use recourse_proto::v1::vehicle_use::Code as Use;
use recourse_proto::{Method, v1};
use recourse_service::admission::Identity;

use super::catalog::BAD_BUILDS;
use super::chance::Chance;
use super::organizations::{station_code, supplier_of};
use super::wire::{Desk, answered, cny, date, day};
use super::world::{Counts, MODELS, Model, PartKind};
use super::{TOUR_VIN, anchor, begin};
use crate::StartError;

/// Months in which the fleet was built.
const BUILD_MONTHS: usize = 24;
/// Kilometres a month that half of the drivers stay below.
const MEDIAN_KM: i64 = 1_350;

/// A vehicle before anybody wrote it down.
#[derive(Clone, Debug)]
pub(super) struct Car {
    pub vin: String,
    pub model: &'static Model,
    plant: &'static str,
    pub build: NaiveDate,
    pub delivery: Option<NaiveDate>,
    /// Position of the station that sold it, and mostly repairs it.
    pub seller: usize,
    commercial: bool,
    km_a_month: i64,
    /// Parts with serial numbers that are in it, by their position in the catalogue.
    pub serials: Vec<(usize, String)>,
    /// Its fuel pump is one of those that seize.
    pub bad_pump: bool,
}

impl Car {
    /// What its odometer shows on a day; it never falls.
    pub(super) fn km_on(&self, date: NaiveDate) -> i64 {
        let days = self.delivery.map_or(0, |delivery| (date - delivery).num_days().max(0));
        15 + days * self.km_a_month * 12 / 365
    }

    /// When it comes into the system: with its sale, or while it waits for one.
    pub(super) fn known_from(&self, chance: &mut Chance) -> DateTime<Utc> {
        let day = self.delivery.unwrap_or(self.build + TimeDelta::days(10));
        let midnight = day.and_time(chrono::NaiveTime::MIN).and_utc();
        chance.working_time(midnight, 0).max(begin() + TimeDelta::hours(6))
    }
}

/// Draws the fleet. The first vehicle is the tour's.
pub(super) fn fleet(counts: Counts, parts: &[PartKind]) -> Result<Vec<Car>, StartError> {
    let mut chance = Chance::new(11);
    let mut fleet = Vec::with_capacity(counts.vehicles);
    fleet.push(tour_car(counts, parts)?);
    for index in 1..counts.vehicles {
        let month = index * BUILD_MONTHS / counts.vehicles.max(1);
        let first = day(2024, 6, 1) + Months::new(u32::try_from(month).unwrap_or(0));
        let build = first + TimeDelta::days(chance.between(0, 27));
        let model = &MODELS[chance.weighted(MODELS.iter().map(|model| model.share))];
        let plant = if chance.happens(600) { "NJ" } else { "CQ" };
        // Two waits: to the dealer, and for a buyer.
        let wait = 7 + (chance.exponential(30) + chance.exponential(30)).min(330);
        let delivery = build + TimeDelta::days(wait);
        let commercial = chance.happens(40);
        let pace = chance.lognormal(MEDIAN_KM);
        let bad_build = plant == "NJ" && model.code != "E4" && BAD_BUILDS.contains(&(build.year(), build.month()));
        // The last of a hundred still stand at the plant.
        let sold = index * 100 < counts.vehicles * 99 && (anchor().date_naive() - delivery).num_days() > 1;
        fleet.push(Car {
            vin: vin(model, build, plant, index)?,
            model,
            plant,
            build,
            delivery: sold.then_some(delivery),
            seller: chance.index(counts.stations),
            commercial,
            km_a_month: if commercial { pace * 3 } else { pace },
            serials: serials(model, index, counts, parts),
            bad_pump: bad_build && chance.happens(350),
        });
    }
    Ok(fleet)
}

fn tour_car(counts: Counts, parts: &[PartKind]) -> Result<Car, StartError> {
    let (model, build) = (&MODELS[0], day(2025, 8, 12));
    let vin = vin(model, build, "NJ", 0)?;
    if vin != TOUR_VIN {
        return Err(StartError::new("demo, vehicle of the tour", vin));
    }
    Ok(Car {
        vin,
        model,
        plant: "NJ",
        build,
        delivery: Some(day(2025, 9, 20)),
        seller: 0,
        commercial: false,
        km_a_month: 1_512,
        serials: serials(model, 0, counts, parts),
        bad_pump: false,
    })
}

/// A VIN of our maker with the check digit that it needs.
fn vin(model: &Model, build: NaiveDate, plant: &str, index: usize) -> Result<String, StartError> {
    let year = match build.year() {
        2024 => 'R',
        2025 => 'S',
        _ => 'T',
    };
    let plant = &plant[..1];
    let rest = format!("{year}{plant}{:06}", index + 1);
    let draft =
        Vin::parse(&format!("LRC{}0{rest}", model.descriptor)).map_err(|error| StartError::new("demo, VIN", error))?;
    Ok(format!("LRC{}{}{rest}", model.descriptor, draft.decode().check_digit_expected))
}

fn serials(model: &Model, index: usize, counts: Counts, parts: &[PartKind]) -> Vec<(usize, String)> {
    model.components.iter().filter_map(|part| Some((*part, serial(parts.get(*part)?, *part, counts, index)))).collect()
}

/// A serial number: the maker's number, the part's, and a count.
pub(super) fn serial(kind: &PartKind, part: usize, counts: Counts, count: usize) -> String {
    let supplier = supplier_of(kind.category, part, counts.suppliers);
    format!("{}-{:03}-{:06}", &supplier[4..], part + 1, count + 1)
}

/// Writes a vehicle down, with its sale if it is sold.
pub(super) async fn create(
    desk: &Desk,
    loader: &Identity,
    counts: Counts,
    parts: &[PartKind],
    index: usize,
    car: &Car,
) -> Result<(), StartError> {
    let sale = car.delivery.map(|delivery| v1::VehicleSale {
        invoice_number: format!("INV-{:06}", index + 1),
        invoice_date: date(delivery),
        delivery_date: date(delivery),
        seller: format!("stations/{}", station_code(car.seller)),
        voucher_number: format!("SB-{:06}", index + 1),
        vehicle_use: if car.commercial { Use::Commercial } else { Use::Family }.into(),
        price: cny(car.model.price * 100),
    });
    let component = |(part, serial): &(usize, String)| {
        let kind = &parts[*part];
        v1::VehicleComponent {
            part: format!("parts/{}", kind.code),
            serial_number: serial.clone(),
            supplier: format!("suppliers/{}", supplier_of(kind.category, *part, counts.suppliers)),
            ..Default::default()
        }
    };
    let vehicle = v1::Vehicle {
        brand: "RC".to_owned(),
        model: car.model.code.to_owned(),
        plant: car.plant.to_owned(),
        lot: format!("{}{:02}{:02}", car.plant, car.build.year() % 100, car.build.month()),
        build_date: date(car.build),
        drivetrain: car.model.drivetrain.into(),
        engine_type: car.model.engine.to_owned(),
        sale,
        components: car.serials.iter().map(component).collect(),
        ..Default::default()
    };
    let message =
        v1::CreateVehicleRequest { vehicle: Some(vehicle), vehicle_id: car.vin.clone(), ..Default::default() };
    let request = desk.ask(loader, Method::VehicleServiceCreateVehicle, message)?;
    answered(&car.vin, desk.api.create_vehicle(request).await).map(|_| ())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::demo::world::{Size, parts};

    #[test]
    fn the_tours_vehicle_has_some_21_000_kilometres() {
        let counts = Size::S.counts();
        let fleet = fleet(counts, &parts(counts.parts).unwrap()).unwrap();
        let tour = &fleet[0];
        assert_eq!(tour.vin, TOUR_VIN);
        let km = tour.km_on(day(2026, 11, 16));
        assert!((20_900..21_100).contains(&km), "{km}");
    }

    #[test]
    fn vins_differ_and_are_right() {
        let counts = Size::S.counts();
        let fleet = fleet(counts, &parts(counts.parts).unwrap()).unwrap();
        assert_eq!(fleet.len(), 2_000);
        let vins: std::collections::BTreeSet<&str> = fleet.iter().map(|car| car.vin.as_str()).collect();
        assert_eq!(vins.len(), 2_000);
        assert!(vins.iter().all(|vin| Vin::parse(vin).unwrap().issues().is_empty()));
        let bad = fleet.iter().filter(|car| car.bad_pump).count();
        assert!((20..60).contains(&bad), "{bad}");
    }
}
