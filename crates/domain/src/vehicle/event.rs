//! What happens to a vehicle: sale, new owner, new use, return, replaced components.

use chrono::NaiveDate;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::{Component, OwnershipPeriod, Sale, Vehicle, VehicleUse};
use crate::ids::{ClaimId, Code, CorrectionId, OrgId};
use crate::text::Violation;

/// Something that happened to a vehicle. Who recorded it and when stands in the change row.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct VehicleEvent {
    /// Key of the event.
    pub id: Uuid,
    /// Day on which it happened.
    pub date: NaiveDate,
    /// What happened.
    pub detail: EventDetail,
}

/// What happened.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum EventDetail {
    /// It was sold to a user.
    Sale(Sale),
    /// It has another owner. Rights follow the vehicle (art. 30).
    OwnerTransfer {
        /// The new owner, if known.
        owner: Option<OrgId>,
    },
    /// It is used for something else.
    UseChange {
        /// For what.
        vehicle_use: VehicleUse,
    },
    /// It was taken back under the three guarantees and must be marked so when it is sold again (art. 33).
    MarkedReturned {
        /// Why it was taken back.
        reason: String,
    },
    /// What is recorded of it was corrected.
    Corrected {
        /// By which request.
        correction: CorrectionId,
    },
}

/// A component that is fitted, in place of another.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewComponent {
    /// The part.
    pub part: Code,
    /// Its serial number.
    pub serial_number: String,
    /// Where it sits.
    pub position: String,
    /// Its lot, if known.
    pub lot: String,
    /// Who made it, if known.
    pub supplier: Option<Code>,
    /// Day on which it was fitted; none: as built.
    pub date: Option<NaiveDate>,
    /// Serial number of the component that it takes the place of; empty: of none.
    pub replaces_serial_number: String,
    /// The claim.
    pub claim: Option<ClaimId>,
}

impl Vehicle {
    /// Records a sale to a user. A vehicle is sold once, and once more after each return.
    pub fn record_sale(
        mut self,
        sale: Sale,
        owner: Option<OrgId>,
        id: Uuid,
        today: NaiveDate,
    ) -> Result<Self, Violation> {
        let start = sale.warranty_start();
        refuse_future(start.max(sale.invoice_date), today, "sale.invoice_date")?;
        if self.sale.is_some() && !self.is_returned() {
            return Err(Violation::new(
                "sale",
                "ALREADY_SOLD",
                "the vehicle is sold; record a new owner with :transferOwner, or a return with :markReturned first",
                "该车辆已售出；请使用 :transferOwner 登记新车主，或先用 :markReturned 登记退回",
            ));
        }
        refuse_earlier(start, self.build_date, "sale.invoice_date", "it was built", "生产日期")?;
        refuse_earlier(start, self.last_event_date(), "sale.invoice_date", "its last event", "最近一次事件")?;
        self.close_ownership(start);
        self.ownership_periods.push(OwnershipPeriod { owner, from_date: start, to_date: None });
        self.events.push(VehicleEvent { id, date: start, detail: EventDetail::Sale(sale.clone()) });
        self.sale = Some(sale);
        Ok(self)
    }

    /// Records a new owner.
    pub fn transfer_owner(
        mut self,
        owner: Option<OrgId>,
        date: NaiveDate,
        id: Uuid,
        today: NaiveDate,
    ) -> Result<Self, Violation> {
        self.in_users_hands(date, today)?;
        let begun = self.ownership_periods.last().map(|period| period.from_date);
        refuse_earlier(date, begun, "date", "the present owner's first day", "现车主的起始日期")?;
        self.close_ownership(date);
        self.ownership_periods.push(OwnershipPeriod { owner, from_date: date, to_date: None });
        self.events.push(VehicleEvent { id, date, detail: EventDetail::OwnerTransfer { owner } });
        Ok(self)
    }

    /// Records another use from a day on.
    pub fn change_use(
        mut self,
        vehicle_use: VehicleUse,
        date: NaiveDate,
        id: Uuid,
        today: NaiveDate,
    ) -> Result<Self, Violation> {
        self.in_users_hands(date, today)?;
        if self.use_on(date) == Some(vehicle_use) {
            return Err(Violation::new(
                "vehicle_use",
                "NO_CHANGE",
                "the vehicle is in this use on that day",
                "该车辆当日已为此用途",
            ));
        }
        self.events.push(VehicleEvent { id, date, detail: EventDetail::UseChange { vehicle_use } });
        Ok(self)
    }

    /// Records that the vehicle was taken back under the three guarantees.
    pub fn mark_returned(
        mut self,
        reason: String,
        date: NaiveDate,
        id: Uuid,
        today: NaiveDate,
    ) -> Result<Self, Violation> {
        self.in_users_hands(date, today)?;
        if reason.trim().is_empty() {
            return Err(Violation::new(
                "reason",
                "REQUIRED",
                "say why; the next buyer must be told (art. 33)",
                "请填写原因；再次销售时必须明示（第三十三条）",
            ));
        }
        refuse_earlier(date, self.last_event_date(), "date", "its last event", "最近一次事件")?;
        self.close_ownership(date);
        self.events.push(VehicleEvent { id, date, detail: EventDetail::MarkedReturned { reason } });
        Ok(self)
    }

    /// Records a component, and the end of the one that it takes the place of.
    pub fn record_component(mut self, new: NewComponent, id: Uuid, today: NaiveDate) -> Result<Self, Violation> {
        if let Some(date) = new.date {
            refuse_future(date, today, "date")?;
            refuse_earlier(date, self.build_date, "date", "it was built", "生产日期")?;
        }
        if new.serial_number.trim().is_empty() {
            return Err(Violation::new("serial_number", "REQUIRED", "must be given", "必填"));
        }
        let fitted =
            |component: &Component, serial: &str| component.to_date.is_none() && component.serial_number == serial;
        if self.components.iter().any(|other| other.part == new.part && fitted(other, &new.serial_number)) {
            return Err(Violation::new(
                "serial_number",
                "ALREADY_FITTED",
                "this piece is in the vehicle already",
                "该件已登记在此车辆上",
            ));
        }
        if !new.replaces_serial_number.is_empty() {
            // By serial number alone: the new piece may have a superseding part number.
            let replaced = self.components.iter_mut().find(|other| fitted(other, &new.replaces_serial_number));
            let Some(replaced) = replaced else {
                return Err(Violation::new(
                    "replaces_serial_number",
                    "NOT_FITTED",
                    format!("no component with serial number {} is in the vehicle", new.replaces_serial_number),
                    format!("车辆上没有序列号为 {} 的部件", new.replaces_serial_number),
                ));
            };
            let Some(date) = new.date else {
                return Err(Violation::new(
                    "date",
                    "REQUIRED",
                    "say on which day the piece was replaced",
                    "请填写更换日期",
                ));
            };
            refuse_earlier(date, replaced.from_date, "date", "the replaced piece was fitted", "被更换件的安装日期")?;
            replaced.to_date = Some(date);
        }
        self.components.push(Component {
            id,
            part: new.part,
            serial_number: new.serial_number,
            position: new.position,
            lot: new.lot,
            supplier: new.supplier,
            from_date: new.date,
            to_date: None,
            claim: new.claim,
        });
        Ok(self)
    }

    /// Owner and use belong to a vehicle that was sold and not taken back.
    fn in_users_hands(&self, date: NaiveDate, today: NaiveDate) -> Result<(), Violation> {
        refuse_future(date, today, "date")?;
        let Some(start) = self.warranty_start() else {
            return Err(Violation::new(
                "name",
                "NO_SALE_RECORD",
                "no sale is recorded; record it with :recordSale first",
                "尚无销售记录；请先使用 :recordSale 登记",
            ));
        };
        if self.is_returned() {
            return Err(Violation::new(
                "name",
                "RETURNED_VEHICLE",
                "the vehicle was taken back; record its new sale with :recordSale first",
                "该车辆已退回；请先使用 :recordSale 登记再次销售",
            ));
        }
        refuse_earlier(date, Some(start), "date", "it was sold", "销售日期")
    }

    fn last_event_date(&self) -> Option<NaiveDate> {
        // A correction is nothing that happened to the vehicle.
        let happened = |event: &&VehicleEvent| !matches!(event.detail, EventDetail::Corrected { .. });
        self.events.iter().filter(happened).map(|event| event.date).max()
    }

    fn close_ownership(&mut self, date: NaiveDate) {
        if let Some(period) = self.ownership_periods.last_mut().filter(|period| period.to_date.is_none()) {
            period.to_date = Some(date);
        }
    }
}

pub(super) fn refuse_future(date: NaiveDate, today: NaiveDate, field: &str) -> Result<(), Violation> {
    if date <= today {
        return Ok(());
    }
    Err(Violation::new(field, "IN_THE_FUTURE", format!("is later than today, {today}"), format!("晚于今天 {today}")))
}

pub(super) fn refuse_earlier(
    date: NaiveDate,
    than: Option<NaiveDate>,
    field: &str,
    what: &str,
    what_zh: &str,
) -> Result<(), Violation> {
    match than {
        Some(limit) if date < limit => Err(Violation::new(
            field,
            "TOO_EARLY",
            format!("is earlier than {what}, {limit}"),
            format!("早于{what_zh} {limit}"),
        )),
        Some(_) | None => Ok(()),
    }
}
