//! Corrections: the message of the contract ⇄ the request of the domain.

use recourse_domain::access::Author;
use recourse_domain::catalog::Stored;
use recourse_domain::claims::Code as ReasonCode;
use recourse_domain::corrections::{
    CorrectedValue, Correction, CorrectionState, OdometerCorrection, SaleDateCorrection,
};
use recourse_domain::text::Violation;
use recourse_domain::vehicle::SaleDates;
use recourse_domain::vin::Vin;
use recourse_proto::v1;
use uuid::Uuid;

use super::claims::{kilometers, read_reason_code, show_code};
use super::names::author;
use super::organizations::name;
use super::{Reader, date, etag, timestamp};

fn show_state(state: &CorrectionState) -> v1::correction::State {
    match state {
        CorrectionState::Requested => v1::correction::State::Requested,
        CorrectionState::Approved(_) => v1::correction::State::Approved,
        CorrectionState::Rejected(_) => v1::correction::State::Rejected,
        CorrectionState::Withdrawn(_) => v1::correction::State::Withdrawn,
    }
}

/// The request as its reader sees it, before redaction.
pub(crate) fn show(stored: &Stored<Correction>) -> v1::Correction {
    let correction = &stored.value;
    let Correction {
        id: _,
        vin,
        value,
        reason,
        evidence,
        external_ref,
        station,
        requested_by: _,
        requested_by_client: _,
        state,
    } = correction;
    let change = match value {
        CorrectedValue::Odometer(OdometerCorrection { reading, date: day, recorded_km, right_km }) => {
            v1::correction::Change::Odometer(v1::OdometerCorrection {
                odometer_reading: format!("vehicles/{vin}/odometerReadings/{reading}"),
                date: date(*day),
                recorded: kilometers(*recorded_km),
                odometer: kilometers(*right_km),
            })
        }
        CorrectedValue::SaleDate(SaleDateCorrection { recorded, right }) => {
            v1::correction::Change::SaleDate(v1::SaleDateCorrection {
                recorded_invoice_date: date(recorded.invoice_date),
                recorded_delivery_date: recorded.delivery_date.and_then(date),
                invoice_date: date(right.invoice_date),
                delivery_date: right.delivery_date.and_then(date),
            })
        }
    };
    let decision = state.decision();
    let decided_by = decision.map(|decision| author(Author { id: decision.by, is_client: decision.by_client }));
    v1::Correction {
        name: correction.name(),
        etag: etag(stored.version),
        vin: vin.to_string(),
        change: Some(change),
        reason: reason.clone(),
        evidence: evidence.clone(),
        external_ref: external_ref.clone(),
        state: show_state(state).into(),
        station: station.as_ref().map(|station| name("stations", &station.code)).unwrap_or_default(),
        requested_by: author(correction.author()),
        decided_by: decided_by.unwrap_or_default(),
        decide_time: decision.and_then(|decision| timestamp(decision.time)),
        decision_code: decision.and_then(|decision| decision.code).map(show_code).unwrap_or_default().into(),
        decision_note: decision.map(|decision| decision.note.clone()).unwrap_or_default(),
        create_time: timestamp(stored.create_time),
        update_time: timestamp(stored.update_time),
    }
}

/// What is asked for, before it is held against what is recorded.
pub(crate) struct Asked {
    /// The vehicle.
    pub vin: Vin,
    /// What is wrong, and what is right.
    pub change: AskedChange,
}

/// What is wrong, and what is right.
pub(crate) enum AskedChange {
    /// A reading, and what the odometer showed.
    Odometer {
        /// Key of the reading.
        reading: Uuid,
        /// Kilometres.
        right_km: i64,
    },
    /// The right dates of the sale.
    SaleDate(SaleDates),
}

/// What is asked for.
pub(crate) fn read(vin: &str, change: Option<&v1::correction::Change>) -> Result<Asked, Vec<Violation>> {
    let mut reader = Reader::default();
    let vin = match Vin::parse(vin.strip_prefix("vehicles/").unwrap_or(vin)) {
        Ok(vin) => Some(vin),
        Err(error) => {
            reader.refuse(super::vehicles::bad_vin("vin", error));
            None
        }
    };
    let change = match change {
        Some(v1::correction::Change::Odometer(odometer)) => {
            let right_km = reader.needed_distance("odometer.odometer", odometer.odometer.as_ref());
            let reading = read_reading(&mut reader, vin.as_ref(), &odometer.odometer_reading);
            reading.zip(right_km).map(|(reading, right_km)| AskedChange::Odometer { reading, right_km })
        }
        Some(v1::correction::Change::SaleDate(dates)) => {
            let invoice_date = reader.needed_date("sale_date.invoice_date", dates.invoice_date.as_ref());
            let delivery_date = reader.date("sale_date.delivery_date", dates.delivery_date.as_ref());
            invoice_date.map(|invoice_date| AskedChange::SaleDate(SaleDates { invoice_date, delivery_date }))
        }
        None => {
            reader.refuse(Violation::new(
                "odometer",
                "REQUIRED",
                "say what is wrong: a reading (odometer) or the dates of the sale (sale_date)",
                "请填写需更正的内容：里程读数（odometer）或销售日期（sale_date）",
            ));
            None
        }
    };
    reader.whole(|| Some(Asked { vin: vin?, change: change? }))
}

/// The key in `vehicles/{vin}/odometerReadings/{uuid}`, which names the same vehicle.
fn read_reading(reader: &mut Reader, vin: Option<&Vin>, text: &str) -> Option<Uuid> {
    let parts = text.strip_prefix("vehicles/").and_then(|rest| rest.split_once("/odometerReadings/"));
    let of_vehicle = parts.filter(|(named, _)| Vin::parse(named).ok().as_ref() == vin);
    let id = of_vehicle.and_then(|(_, id)| Uuid::parse_str(id).ok());
    if id.is_none() {
        reader.refuse(Violation::new(
            "odometer.odometer_reading",
            "BAD_NAME",
            "a reading of this vehicle is vehicles/{vin}/odometerReadings/{uuid}",
            "应为该车辆的读数名称 vehicles/{vin}/odometerReadings/{uuid}",
        ));
    }
    id
}

/// Why a request is rejected.
pub(crate) fn read_rejection(reason: i32, note: &str) -> Result<ReasonCode, Vec<Violation>> {
    let mut reader = Reader::default();
    let code = reader.choice("reason", reason, read_reason_code);
    if code == Some(ReasonCode::Other) && note.trim().is_empty() {
        reader.refuse(Violation::new("note", "REQUIRED", "say which other reason", "请说明其他原因"));
    }
    reader.whole(|| code)
}
