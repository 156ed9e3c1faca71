//! What is recorded of a vehicle and was wrong. A correction is asked for and approved elsewhere
//! ([`crate::corrections`]); here stands what it does to the vehicle, and that its history names it.

use chrono::NaiveDate;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::event::{refuse_earlier, refuse_future};
use super::{EventDetail, Sale, Vehicle, VehicleEvent};
use crate::catalog::Record;
use crate::ids::CorrectionId;
use crate::text::Violation;

/// The dates of a sale.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SaleDates {
    /// Date of the invoice.
    pub invoice_date: NaiveDate,
    /// Day of the delivery.
    pub delivery_date: Option<NaiveDate>,
}

impl SaleDates {
    /// Day on which the warranty begins.
    pub fn warranty_start(&self) -> NaiveDate {
        self.delivery_date.unwrap_or(self.invoice_date)
    }
}

impl Sale {
    /// Its dates.
    pub fn dates(&self) -> SaleDates {
        SaleDates { invoice_date: self.invoice_date, delivery_date: self.delivery_date }
    }
}

impl Vehicle {
    /// Corrects the dates of the last sale: from then on the warranty begins on the right day. Events and owners
    /// that came after stay, so the right day can't be later than theirs.
    pub fn correct_sale_dates(
        mut self,
        right: SaleDates,
        correction: CorrectionId,
        id: Uuid,
        today: NaiveDate,
    ) -> Result<Self, Violation> {
        const FIELD: &str = "sale_date.invoice_date";
        let Some(sale) = &mut self.sale else {
            return Err(Violation::new(
                "vin",
                "NO_SALE_RECORD",
                "no sale is recorded; record it with :recordSale",
                "尚无销售记录；请使用 :recordSale 登记",
            ));
        };
        let (before, start) = (sale.warranty_start(), right.warranty_start());
        refuse_future(start.max(right.invoice_date), today, FIELD)?;
        (sale.invoice_date, sale.delivery_date) = (right.invoice_date, right.delivery_date);
        let sale = sale.clone();
        let is_sale = |event: &VehicleEvent| matches!(event.detail, EventDetail::Sale(_));
        if let Some(place) = self.events.iter().rposition(is_sale) {
            let happened = |event: &&VehicleEvent| !matches!(event.detail, EventDetail::Corrected { .. });
            let (earlier, later) = (self.events.iter().take(place), self.events.iter().skip(place + 1));
            let last = earlier.filter(happened).map(|event| event.date).max();
            refuse_earlier(start, last, FIELD, "its event before the sale", "销售之前的事件")?;
            if let Some(next) = later.filter(happened).map(|event| event.date).min().filter(|next| *next < start) {
                return Err(Violation::new(
                    FIELD,
                    "TOO_LATE",
                    format!("is later than what happened after the sale, on {next}"),
                    format!("晚于销售之后于 {next} 发生的事件"),
                ));
            }
            if let Some(event) = self.events.get_mut(place) {
                *event = VehicleEvent { id: event.id, date: start, detail: EventDetail::Sale(sale) };
            }
        }
        if let Some(period) = self.ownership_periods.iter_mut().rfind(|period| period.from_date == before) {
            period.from_date = start;
        }
        let corrected = self.corrected(correction, id, today);
        // What holds of a sale when a vehicle is created holds of it now too.
        let wrong = corrected.check().into_iter().find(|violation| violation.field.starts_with("sale"));
        wrong.map_or(Ok(corrected), |violation| Err(Violation { field: FIELD.to_owned(), ..violation }))
    }

    /// Notes that something recorded of it was corrected.
    #[must_use]
    pub fn corrected(mut self, correction: CorrectionId, id: Uuid, today: NaiveDate) -> Self {
        self.events.push(VehicleEvent { id, date: today, detail: EventDetail::Corrected { correction } });
        self
    }
}

#[cfg(test)]
mod tests {
    use super::super::tests::sold;
    use super::*;
    use crate::vehicle::VehicleUse;

    fn day(text: &str) -> NaiveDate {
        text.parse().unwrap()
    }

    fn dates(invoice: &str, delivery: Option<&str>) -> SaleDates {
        SaleDates { invoice_date: day(invoice), delivery_date: delivery.map(day) }
    }

    fn corrected(vehicle: Vehicle, right: SaleDates) -> Result<Vehicle, &'static str> {
        let (correction, id) = (CorrectionId(Uuid::from_u128(9)), Uuid::from_u128(10));
        vehicle.correct_sale_dates(right, correction, id, day("2026-11-20")).map_err(|violation| violation.rule)
    }

    #[test]
    fn the_warranty_begins_on_the_right_day_and_the_history_says_why() {
        let vehicle = sold("2026-01-10", VehicleUse::Family);
        let after = corrected(vehicle, dates("2026-01-05", Some("2026-01-08"))).unwrap();
        assert_eq!(after.warranty_start(), Some(day("2026-01-08")));
        assert_eq!(after.sale_on(day("2026-01-08")).map(Sale::dates), Some(dates("2026-01-05", Some("2026-01-08"))));
        assert_eq!(after.ownership_periods[0].from_date, day("2026-01-08"));
        let last = after.events.last().unwrap();
        assert!(matches!(last.detail, EventDetail::Corrected { correction } if correction.0 == Uuid::from_u128(9)));
        // A correction is nothing that happened to the vehicle: it can still be taken back on an earlier day.
        let returned = after.mark_returned("lemon".to_owned(), day("2026-02-01"), Uuid::nil(), day("2026-11-20"));
        assert!(returned.is_ok(), "{returned:?}");
    }

    #[test]
    fn the_right_day_fits_between_what_happened_before_and_after() {
        let vehicle = sold("2026-01-10", VehicleUse::Family);
        assert_eq!(corrected(vehicle.clone(), dates("2025-11-30", None)), Err("SOLD_BEFORE_BUILT"));
        assert_eq!(corrected(vehicle.clone(), dates("2026-11-21", None)), Err("IN_THE_FUTURE"));
        let owned = vehicle.clone().transfer_owner(None, day("2026-03-01"), Uuid::nil(), day("2026-11-20")).unwrap();
        assert_eq!(corrected(owned.clone(), dates("2026-03-02", None)), Err("TOO_LATE"));
        assert!(corrected(owned, dates("2026-03-01", None)).is_ok());
        let unsold = Vehicle { sale: None, events: Vec::new(), ..vehicle };
        assert_eq!(corrected(unsold, dates("2026-01-10", None)), Err("NO_SALE_RECORD"));
    }
}
