//! The vehicle: its VIN, its record, its odometer.

use super::{at, positions};
use crate::claims::finding::Code;
use crate::claims::{Claim, Facts, Finding};
use crate::vehicle::{OdometerIssue, OdometerReading, check_reading};
use crate::vin::{Vin, VinError, VinIssue, VinMarket};

pub(super) fn check(claim: &Claim, facts: &Facts) -> Vec<Finding> {
    let mut findings = identity(claim, facts);
    findings.extend(odometer(claim, facts));
    findings.extend(removed_serials(claim, facts));
    findings
}

/// A known vehicle was checked when it was recorded, and a doubtful VIN overridden then. What is doubtful
/// about an unknown one is told, for it is mostly a slip of the pen.
fn identity(claim: &Claim, facts: &Facts) -> Vec<Finding> {
    let Some(text) = &claim.header.vin else { return Vec::new() };
    let vin = match Vin::parse(text) {
        Ok(vin) => vin,
        Err(error) => {
            let (en, zh) = form_error(&error);
            return vec![
                Finding::error(Code::InvalidVin, "vin").with("vin", text).with("reason_en", en).with("reason_zh", zh),
            ];
        }
    };
    let Some(vehicle) = facts.vehicle.as_ref().filter(|vehicle| vehicle.vin == vin) else {
        let mut findings: Vec<Finding> = vin.issues().into_iter().map(|issue| doubt(&vin, issue)).collect();
        findings.push(Finding::error(Code::UnknownVehicle, "vin").with("vin", &vin));
        return findings;
    };
    // A campaign covers unsold vehicles too.
    if vehicle.sale.is_none() && claim.covering_campaign(facts).is_none() {
        return vec![Finding::warning(Code::NoSaleRecord, "vin").with("vin", &vin)];
    }
    Vec::new()
}

fn form_error(error: &VinError) -> (String, String) {
    match error {
        VinError::Length { found } => {
            (format!("it has {found} characters instead of 17"), format!("长度为 {found} 位，应为 17 位"))
        }
        VinError::Charset { position, found } => {
            (format!("character {position} is {found:?}"), format!("第 {position} 位为 {found:?}"))
        }
    }
}

fn doubt(vin: &Vin, issue: VinIssue) -> Finding {
    let raise = match vin.market() {
        VinMarket::Strict => Finding::error,
        VinMarket::Lenient => Finding::warning,
    };
    match issue {
        VinIssue::CheckDigit { expected, actual: _ } => {
            raise(Code::VinCheckDigit, "vin".to_owned()).with("vin", vin).with("expected", expected)
        }
        VinIssue::YearCode { actual: _ } => raise(Code::VinYearCode, "vin".to_owned()).with("vin", vin),
    }
}

/// The reading at drop-off against the vehicle's history, and the one at delivery against it.
fn odometer(claim: &Claim, facts: &Facts) -> Vec<Finding> {
    let header = &claim.header;
    let Some(km) = header.odometer_in_km else { return Vec::new() };
    let contradiction = |field: &str, date: String, km: i64, other_km: i64, other_date: String| {
        Finding::warning(Code::OdometerRegression, field)
            .with("odometer_km", km)
            .with("date", date)
            .with("other_km", other_km)
            .with("other_date", other_date)
    };
    let mut findings = Vec::new();
    if let Some(date) = header.complaint_date {
        let history: Vec<OdometerReading> =
            facts.odometer_readings.iter().filter(|reading| reading.claim != Some(claim.id)).cloned().collect();
        for issue in check_reading(&history, date, km, facts.setting.odometer_tolerance_km) {
            let (OdometerIssue::BelowEarlier(other) | OdometerIssue::AboveLater(other)) = issue;
            findings.push(contradiction("odometer_in", date.to_string(), km, other.km, other.date.to_string()));
        }
    }
    if let Some(out) = header.odometer_out_km.filter(|out| *out < km) {
        let day = |date: Option<chrono::NaiveDate>| date.map(|date| date.to_string()).unwrap_or_default();
        findings.push(contradiction(
            "odometer_out",
            day(header.repair_completion_date),
            out,
            km,
            day(header.complaint_date),
        ));
    }
    findings
}

/// The serial number that was removed should be one that the vehicle has.
fn removed_serials(claim: &Claim, facts: &Facts) -> Vec<Finding> {
    let Some(vehicle) = &facts.vehicle else { return Vec::new() };
    let mut findings = Vec::new();
    for (position, line) in positions(claim) {
        let (Some(part), Some(serial)) = (&line.content.part, &line.content.original_serial_number) else { continue };
        let known: Vec<&str> =
            vehicle.present_components(part).map(|component| component.serial_number.as_str()).collect();
        if !known.is_empty() && !known.contains(&serial.as_str()) {
            findings.push(
                Finding::warning(Code::SerialMismatch, at(position, "original_serial_number"))
                    .on_line(line.number)
                    .with("part", part)
                    .with("serial", serial)
                    .with("expected", known.join(", ")),
            );
        }
    }
    findings
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;
    use crate::claims::sample::{code, day, draft, facts, now};
    use crate::vehicle::{Component, OdometerSource};

    fn found(claim: &Claim, facts: &Facts) -> Vec<(Code, String, bool)> {
        check(claim, facts).into_iter().map(|finding| (finding.code, finding.field.clone(), finding.blocks())).collect()
    }

    fn with_vin(vin: &str) -> Claim {
        let mut claim = draft();
        claim.header.vin = Some(vin.to_owned());
        claim
    }

    #[test]
    fn a_known_and_sold_vehicle_is_fine() {
        assert_eq!(found(&draft(), &facts()), []);
    }

    #[test]
    fn a_text_that_is_no_vin_is_an_error() {
        for text in ["LSVAM4186C218484", "LSVAM4186C218484I"] {
            assert_eq!(found(&with_vin(text), &facts()), [(Code::InvalidVin, "vin".to_owned(), true)], "{text}");
        }
    }

    #[test]
    fn an_unknown_vehicle_is_an_error_and_its_doubts_are_told() {
        // The vector of 49 CFR 565 with the right check digit, then with a wrong one.
        assert_eq!(found(&with_vin("1M8GDM9AXKP042788"), &facts()), [(Code::UnknownVehicle, "vin".to_owned(), true)]);
        assert_eq!(
            found(&with_vin("1M8GDM9A1KP042788"), &facts()),
            [(Code::VinCheckDigit, "vin".to_owned(), true), (Code::UnknownVehicle, "vin".to_owned(), true)]
        );
        // Elsewhere the check digit is optional; 0 in position 10 is no model year.
        let european = found(&with_vin("WVWZZZ1JZ0W000001"), &facts());
        assert!(european.contains(&(Code::VinCheckDigit, "vin".to_owned(), false)), "{european:?}");
        assert!(european.contains(&(Code::VinYearCode, "vin".to_owned(), false)), "{european:?}");
    }

    #[test]
    fn a_known_vehicle_with_an_overridden_vin_is_fine() {
        let vin = "1M8GDM9A1KP042788";
        let mut facts = facts();
        if let Some(vehicle) = &mut facts.vehicle {
            vehicle.vin = Vin::parse(vin).unwrap();
        }
        assert_eq!(found(&with_vin(vin), &facts), []);
    }

    #[test]
    fn a_vehicle_without_a_sale_warns() {
        let mut facts = facts();
        if let Some(vehicle) = &mut facts.vehicle {
            vehicle.sale = None;
        }
        assert_eq!(found(&draft(), &facts), [(Code::NoSaleRecord, "vin".to_owned(), false)]);
    }

    #[test]
    fn an_odometer_that_falls_warns() {
        let read = |date: &str, km: i64, claim| OdometerReading {
            id: Uuid::from_u128(1),
            vin: Vin::parse("LSVAM4186C2184841").unwrap(),
            date: day(date),
            km,
            source: OdometerSource::Claim,
            claim,
            retracted: false,
            recorded_time: now(),
            origin: None,
        };
        // The sample reads 20000 km on 2026-11-10.
        let with = |reading: OdometerReading| {
            let mut facts = facts();
            facts.odometer_readings = vec![reading];
            found(&draft(), &facts)
        };
        let expected = [(Code::OdometerRegression, "odometer_in".to_owned(), false)];
        assert_eq!(with(read("2026-10-01", 20_000, None)), []);
        assert_eq!(with(read("2026-10-01", 20_001, None)), expected);
        assert_eq!(with(read("2026-11-15", 20_000, None)), []);
        assert_eq!(with(read("2026-11-15", 19_999, None)), expected);
        assert_eq!(with(read("2026-10-01", 30_000, Some(draft().id))), []);
        let mut backwards = draft();
        backwards.header.odometer_out_km = Some(19_999);
        assert_eq!(found(&backwards, &facts()), [(Code::OdometerRegression, "odometer_out".to_owned(), false)]);
        backwards.header.odometer_out_km = Some(20_000);
        assert_eq!(found(&backwards, &facts()), []);
    }

    #[test]
    fn a_removed_serial_number_that_the_vehicle_never_had_warns() {
        let with = |serial: &str| {
            let mut facts = facts();
            if let Some(vehicle) = &mut facts.vehicle {
                vehicle.components = vec![Component {
                    id: Uuid::from_u128(1),
                    part: code("P-100"),
                    serial_number: serial.to_owned(),
                    position: String::new(),
                    lot: String::new(),
                    supplier: None,
                    from_date: None,
                    to_date: None,
                    claim: None,
                }];
            }
            found(&draft(), &facts)
        };
        assert_eq!(with("OLD-1"), []);
        assert_eq!(with("OLD-2"), [(Code::SerialMismatch, "lines[0].original_serial_number".to_owned(), false)]);
    }
}
