//! Stations, suppliers and appraisers.

use recourse_proto::v1::appraiser_service_server::AppraiserService;
use recourse_proto::v1::station::{PaymentContract, RepairOrderSystem, TaxScheme};
use recourse_proto::v1::station_service_server::StationService;
use recourse_proto::v1::supplier_service_server::SupplierService;
use recourse_proto::{Method, v1};
use recourse_service::admission::Identity;

use super::wire::{Desk, answered, cny, date, day, first_day};
use super::world::CATEGORIES;
use crate::StartError;

/// The station, by its position, whose repairs take two and a half times as long as elsewhere.
pub(super) const COSTLY_STATION: usize = 22;
/// The first three suppliers of each category stand together; those of the first category begin here, so that
/// the fuel pumps come from SUP-017.
const FIRST_CATEGORY_AT: usize = 5;

const STATIONS: &str = include_str!("stations.csv");
const SUPPLIER_CITIES: [(&str, &str, &str, &str); 6] = [
    ("Wuhu", "芜湖", "Anhui", "安徽"),
    ("Wenzhou", "温州", "Zhejiang", "浙江"),
    ("Changchun", "长春", "Jilin", "吉林"),
    ("Kunshan", "昆山", "Jiangsu", "江苏"),
    ("Shiyan", "十堰", "Hubei", "湖北"),
    ("Liuzhou", "柳州", "Guangxi", "广西"),
];

/// The code of a station by its position.
pub(super) fn station_code(index: usize) -> String {
    format!("S-{:03}", index + 1)
}

/// The supplier, by its code, of the `choice`-th part of a category.
pub(super) fn supplier_of(category: usize, choice: usize, suppliers: usize) -> String {
    let first = (category + FIRST_CATEGORY_AT) % CATEGORIES.len() * 3;
    // Of three, the second makes the first part: SUP-017 the fuel pump.
    format!("SUP-{:03}", (first + (choice + 1) % 3) % suppliers + 1)
}

/// Creates them all.
pub(super) async fn create(
    desk: &Desk,
    loader: &Identity,
    stations: usize,
    suppliers: usize,
) -> Result<(), StartError> {
    for (index, line) in STATIONS.lines().take(stations).enumerate() {
        let message = v1::CreateStationRequest {
            station: Some(station(index, line)?),
            station_id: station_code(index),
            ..Default::default()
        };
        let request = desk.ask(loader, Method::StationServiceCreateStation, message)?;
        answered("station", desk.api.create_station(request).await)?;
    }
    for index in 0..suppliers {
        let message = v1::CreateSupplierRequest {
            supplier: Some(supplier(index)),
            supplier_id: format!("SUP-{:03}", index + 1),
            ..Default::default()
        };
        let request = desk.ask(loader, Method::SupplierServiceCreateSupplier, message)?;
        answered("supplier", desk.api.create_supplier(request).await)?;
    }
    for (index, appraiser) in appraisers().into_iter().enumerate() {
        let message = v1::CreateAppraiserRequest {
            appraiser: Some(appraiser),
            appraiser_id: format!("A-{:02}", index + 1),
            ..Default::default()
        };
        let request = desk.ask(loader, Method::AppraiserServiceCreateAppraiser, message)?;
        answered("appraiser", desk.api.create_appraiser(request).await)?;
    }
    Ok(())
}

fn station(index: usize, line: &str) -> Result<v1::Station, StartError> {
    let fields: Vec<&str> = line.split('|').collect();
    let [city, city_zh, province, province_zh, region] = fields[..] else {
        return Err(StartError::new("demo, list of stations", line));
    };
    let by_markup = index % 3 == 2;
    let number = i64::try_from(index).unwrap_or(0);
    let contract = if by_markup { PaymentContract::DealerNetPlusMarkup } else { PaymentContract::ClaimPrice };
    let markup = v1::StationMarkup { valid_from: date(first_day()), markup_bp: 1_500, ..Default::default() };
    let own_rate = v1::StationLaborRate {
        valid_from: date(first_day()),
        rate: cny(10_500 + number % 4 * 500),
        night_rate: cny(15_000),
        ..Default::default()
    };
    Ok(v1::Station {
        display_name: format!("{city} Recourse Service 瑞程汽车{city_zh}服务站"),
        address: Some(address((city, city_zh, province, province_zh), &format!("{} Repair Road", 8 + index * 3))),
        contact: contact("Service desk 服务台", number, &format!("s{:03}", index + 1)),
        opening_hours: "08:30-17:30".to_owned(),
        region: region.to_owned(),
        brands: vec!["RC".to_owned()],
        grade: ["A", "B", "B", "C"].get(index % 4).copied().unwrap_or("B").to_owned(),
        currency: "CNY".to_owned(),
        payment_contract: contract.into(),
        labor_rates: if index % 5 == 4 { vec![own_rate] } else { Vec::new() },
        markups: if by_markup { vec![markup] } else { Vec::new() },
        tax_number: format!("9132{:014}", 10_000 + index),
        tax_scheme: if index % 7 == 6 { TaxScheme::Simplified } else { TaxScheme::General }.into(),
        bank_account: bank(&format!("{city} Recourse Service"), index),
        bays: i32::try_from(4 + index % 5 * 2).unwrap_or(4),
        repair_order_system: RepairOrderSystem::External.into(),
        ..Default::default()
    })
}

fn supplier(index: usize) -> v1::Supplier {
    let (city, city_zh, province, province_zh) = SUPPLIER_CITIES[index % SUPPLIER_CITIES.len()];
    let category = (index / 3 + CATEGORIES.len() - FIRST_CATEGORY_AT) % CATEGORIES.len();
    let made = CATEGORIES[category];
    let number = i64::try_from(index).unwrap_or(0);
    let contract = v1::RecoveryContract {
        valid_from: date(first_day()),
        part_factor_bp: 10_000,
        labor_factor_bp: if index.is_multiple_of(2) { 8_000 } else { 10_000 },
        travel_factor_bp: 5_000,
        handling_fee: Some(v1::HandlingFee { rate_bp: Some(500), cap: cny(20_000), ..Default::default() }),
        ceiling_per_claim: cny(6_000_000),
        minimum: cny(5_000),
        answer_days: 15,
        deemed_clause: index % 4 != 3,
        ..Default::default()
    };
    v1::Supplier {
        display_name: format!("{city} {} Works {city_zh}{}有限公司", made.en, made.zh),
        address: Some(address((city, city_zh, province, province_zh), &format!("{} Industry Street", 1 + index))),
        contact: contact("Quality 质量部", 50 + number, &format!("sup{:03}", index + 1)),
        currency: "CNY".to_owned(),
        tax_number: format!("9133{:014}", 20_000 + index),
        bank_account: bank(&format!("{city} {} Works", made.en), 100 + index),
        recovery_contracts: vec![contract],
        ..Default::default()
    }
}

fn appraisers() -> Vec<v1::Appraiser> {
    let of = |name: &str, in_house: bool, regions: &[&str], expert: &str, license: &str| v1::Appraiser {
        display_name: name.to_owned(),
        in_house,
        address: Some(address(("Nanjing", "南京", "Jiangsu", "江苏"), "6 Laboratory Lane")),
        contact: contact("Office 办公室", 120, "lab"),
        regions: regions.iter().map(|region| (*region).to_owned()).collect(),
        experts: vec![v1::Expert {
            display_name: expert.to_owned(),
            license_number: license.to_owned(),
            valid_from: date(first_day()),
            valid_to: date(day(2028, 12, 31)),
            specialties: vec!["engine".to_owned(), "high voltage".to_owned()],
            ..Default::default()
        }],
        ..Default::default()
    };
    vec![
        of("Recourse Motors laboratory 瑞程汽车实验室", true, &[], "Qian Bo 钱波", "JD-2024-0101"),
        of("Jiangsu Vehicle Appraisal 江苏车辆鉴定所", false, &["EAST", "NORTH"], "Zhou Hui 周慧", "JD-2024-0217"),
        of("Sichuan Failure Analysis 四川失效分析中心", false, &["WEST", "SOUTH"], "He Tao 何涛", "JD-2024-0340"),
    ]
}

fn address((city, city_zh, province, province_zh): (&str, &str, &str, &str), line: &str) -> v1::Address {
    v1::Address {
        country: "CN".to_owned(),
        province: format!("{province} {province_zh}"),
        city: format!("{city} {city_zh}"),
        lines: vec![line.to_owned()],
        ..Default::default()
    }
}

fn contact(name: &str, number: i64, mailbox: &str) -> Option<v1::Contact> {
    Some(v1::Contact {
        name: name.to_owned(),
        phone: format!("400-820-{:04}", 1_000 + number),
        email: format!("{mailbox}@example.com"),
    })
}

fn bank(holder: &str, number: usize) -> Option<v1::BankAccount> {
    Some(v1::BankAccount {
        bank_name: "Example Bank of China".to_owned(),
        bank_code: "000000000001".to_owned(),
        holder: holder.to_owned(),
        number: format!("6200{:012}", number + 1),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_fuel_pump_comes_from_supplier_17_and_every_supplier_makes_something() {
        assert_eq!(supplier_of(0, 0, 45), "SUP-017");
        assert_eq!(supplier_of(0, 0, 18), "SUP-017");
        assert!(supplier(16).display_name.contains("Fuel"), "{}", supplier(16).display_name);
        let made: std::collections::BTreeSet<String> = (0..CATEGORIES.len())
            .flat_map(|category| (0..3).map(move |choice| supplier_of(category, choice, 45)))
            .collect();
        assert_eq!(made.len(), 45);
    }

    #[test]
    fn there_are_40_stations_in_12_provinces() {
        assert_eq!(STATIONS.lines().count(), 40);
        let provinces: std::collections::BTreeSet<&str> =
            STATIONS.lines().filter_map(|line| line.split('|').nth(2)).collect();
        assert_eq!(provinces.len(), 12);
    }
}
