//! Prior authorisations: leave to buy a part elsewhere, or to replace a major assembly.
//!
//! An approved claim of a kind that authorises gives one. Its approved lines are its items; lines of later
//! claims name it and use items up, by pieces and by amount. What a claim uses follows from where the claim
//! stands, and from nothing else: [`Authorization::reconciled`] is asked after every step of the claim, so a
//! use can be neither forgotten nor counted twice.

mod uses;

use chrono::{DateTime, NaiveDate, Utc};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::catalog::common::words;
use crate::catalog::{Field, FieldKind, Setting};
use crate::claims::{AssemblyAction, Claim, Details, Effect, Kind, Line, LineType, StateWord};
use crate::dates::plus_days;
use crate::ids::{AuthorizationId, ClaimId, Code, OrgId, UserId, readable_number};
use crate::money::{Currency, Money, MoneyError, Quantity};
use crate::text::Text;

pub use uses::{Overdrawn, Planned};

/// What lists of authorisations may be filtered and ordered by.
pub const AUTHORIZATION_FIELDS: &[Field] = &[
    field("number", "number", FieldKind::CODE, false, true),
    field("state", "state", FieldKind::Text, false, false),
    field("kind", "kind", FieldKind::Text, false, false),
    field("station", "station", FieldKind::code_of("stations"), false, false),
    field("vin", "vin", FieldKind::VIN, false, true),
    field("claim", "claim_id", FieldKind::Uuid, false, false),
    field("expire_date", "expire_date", FieldKind::Date, true, false),
    field("create_time", "create_time", FieldKind::Time, true, false),
    field("update_time", "update_time", FieldKind::Time, true, false),
];

const fn field(name: &'static str, column: &'static str, kind: FieldKind, sortable: bool, prefix: bool) -> Field {
    Field { name, column, kind, sortable, prefix }
}

/// Leave to do something, up to an amount, a quantity and a day.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Authorization {
    /// Its key.
    pub id: AuthorizationId,
    /// Its readable number.
    pub number: String,
    /// The kind of claim that gave it.
    pub kind: Kind,
    /// The station that may use it.
    pub station: OrgId,
    /// The code of that station.
    pub station_code: Code,
    /// The vehicle it is for.
    pub vin: String,
    /// The claim that gave it.
    pub claim: ClaimId,
    /// Currency of its amounts.
    pub currency: Currency,
    /// What may be done.
    pub items: Vec<Item>,
    /// Day on which it was given.
    pub issue_date: NaiveDate,
    /// The last day on which a claim may use it first.
    pub expire_date: NaiveDate,
    /// What claims use of it.
    #[serde(default)]
    pub uses: Vec<Use>,
    /// Whether the assembly is replaced or repaired.
    #[serde(default)]
    pub action: Option<AssemblyAction>,
    /// The assembly.
    #[serde(default)]
    pub assembly: Option<Code>,
    /// The serial number of the assembly that comes out.
    #[serde(default)]
    pub assembly_serial_number: Option<String>,
    /// The replacement that was done and approved under it.
    #[serde(default)]
    pub certificate: Option<Certificate>,
    /// Why it was taken back.
    #[serde(default)]
    pub revocation: Option<Revocation>,
    /// Where it stood when it was last written.
    pub state: AuthorizationState,
}

/// Where an authorisation stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum AuthorizationState {
    /// Nothing of it is used.
    Active,
    /// A part of it is used.
    PartlyUsed,
    /// All of it is used.
    UsedUp,
    /// Its last day is over.
    Expired,
    /// It was taken back.
    Revoked,
}

words! {
    AuthorizationState {
        Active = "ACTIVE", PartlyUsed = "PARTLY_USED", UsedUp = "USED_UP", Expired = "EXPIRED", Revoked = "REVOKED",
    }
}

/// One thing that an authorisation allows: a line that was approved.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Item {
    /// Number of that line.
    pub number: u32,
    /// The type of line that may use it.
    pub line_type: LineType,
    /// The part.
    #[serde(default)]
    pub part: Option<Code>,
    /// The operation.
    #[serde(default)]
    pub operation: Option<Code>,
    /// What it is, in words.
    #[serde(default)]
    pub description: String,
    /// How many pieces at most; none where pieces don't count.
    #[serde(default)]
    pub limit_quantity: Option<Quantity>,
    /// What it may cost at most.
    pub limit_amount: Money,
}

/// What a line of a claim uses.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Use {
    /// The claim.
    pub claim: ClaimId,
    /// Number of its line.
    pub line: u32,
    /// Number of the item.
    pub item: u32,
    /// How many pieces.
    #[serde(default)]
    pub quantity: Option<Quantity>,
    /// How much.
    pub amount: Money,
    /// The claim was approved: the use is final.
    #[serde(default)]
    pub approved: bool,
}

/// A replacement of a serialised assembly, with both serial numbers.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Certificate {
    /// The assembly.
    pub part: Code,
    /// The serial number that was removed.
    pub original_serial_number: String,
    /// The serial number that was fitted.
    pub replacement_serial_number: String,
    /// Odometer at the replacement.
    pub odometer_km: Option<i64>,
    /// Day on which the repair was completed.
    pub repair_completion_date: Option<NaiveDate>,
    /// The claim that did it.
    pub claim: ClaimId,
    /// The station that did it.
    pub station_code: Code,
    /// Day on which it was approved.
    pub issue_date: NaiveDate,
}

/// Why an authorisation was taken back.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Revocation {
    /// When.
    pub time: DateTime<Utc>,
    /// By whom.
    pub by: UserId,
    /// Why.
    pub reason: String,
}

/// Why an authorisation can't be used.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unusable {
    /// There is none of that name for the station.
    Unknown,
    /// It is for another vehicle.
    OtherVehicle,
    /// It was taken back.
    Revoked,
    /// Its last day is over.
    Expired(NaiveDate),
    /// Nothing is left.
    UsedUp,
    /// It is not for what the line claims.
    OtherItem,
}

impl Unusable {
    /// Why, in words.
    pub fn text(self) -> Text {
        match self {
            Unusable::Unknown => Text::new("your station has none of this name", "本站没有此编号的批准"),
            Unusable::OtherVehicle => Text::new("it is for another vehicle", "该批准属于其他车辆"),
            Unusable::Revoked => Text::new("it was revoked", "已被撤销"),
            Unusable::Expired(day) => Text::new(format!("its last day was {day}"), format!("有效期至 {day}")),
            Unusable::UsedUp => Text::new("it is used up", "已用完"),
            Unusable::OtherItem => {
                Text::new("it does not allow a line of this type, part or operation", "不适用于该行的类型、零件或作业")
            }
        }
    }
}

impl Authorization {
    /// What a claim that was just approved authorises; none if it pays instead.
    pub fn issue(
        claim: &Claim,
        id: AuthorizationId,
        seed: Uuid,
        today: NaiveDate,
        setting: &Setting,
    ) -> Option<Authorization> {
        if claim.kind.spec().effect() != Effect::Authorizes || claim.state.word() != StateWord::Approved {
            return None;
        }
        let assembly = match &claim.header.details {
            Some(Details::MajorAssembly(details)) => Some(details.clone()),
            Some(
                Details::WarrantyRepair(_)
                | Details::RunningInMaintenance(_)
                | Details::RoadsideRescue(_)
                | Details::ExternalPurchase(_)
                | Details::CompensationAppraisal(_),
            )
            | None => None,
        };
        Some(Authorization {
            id,
            number: readable_number("AU", today, seed),
            kind: claim.kind,
            station: claim.station,
            station_code: claim.station_code.clone(),
            vin: claim.header.vin.clone().unwrap_or_default(),
            claim: claim.id,
            currency: claim.currency,
            items: items_of(claim),
            issue_date: today,
            expire_date: plus_days(today, u32::try_from(setting.authorization_days).unwrap_or(0)),
            uses: Vec::new(),
            action: assembly.as_ref().and_then(|details| details.action),
            assembly: assembly.as_ref().and_then(|details| details.assembly.clone()),
            assembly_serial_number: assembly.and_then(|details| details.assembly_serial_number),
            certificate: None,
            revocation: None,
            state: AuthorizationState::Active,
        })
    }

    /// The same after a later decision on the request: what that authorises now, which is nothing once every line is
    /// rejected. What claims use of it stands.
    #[must_use]
    pub fn reissued(mut self, claim: &Claim, today: NaiveDate) -> Authorization {
        self.items = items_of(claim);
        self.state = self.state_on(today);
        self
    }

    /// Its public name.
    pub fn name(&self) -> String {
        format!("authorizations/{}", self.id)
    }

    /// Whether a line names it, by name or by number.
    pub fn is_named(&self, text: &str) -> bool {
        text.eq_ignore_ascii_case(&self.number)
            || text.strip_prefix("authorizations/").and_then(|id| Uuid::parse_str(id).ok()) == Some(self.id.0)
    }

    /// The same without what a claim uses: what that claim finds when it asks.
    #[must_use]
    pub fn without(mut self, claim: ClaimId) -> Self {
        self.uses.retain(|used| used.claim != claim);
        self
    }

    /// What it allows in all.
    pub fn limit_amount(&self) -> Result<Money, MoneyError> {
        Money::sum(self.currency, self.items.iter().map(|item| item.limit_amount))
    }

    /// Whether a claim for a vehicle may begin to use it on a day.
    pub fn usable(&self, vin: &str, day: NaiveDate) -> Result<(), Unusable> {
        if self.vin != vin {
            return Err(Unusable::OtherVehicle);
        }
        if self.revocation.is_some() {
            return Err(Unusable::Revoked);
        }
        if day > self.expire_date {
            return Err(Unusable::Expired(self.expire_date));
        }
        if self.is_used_up() { Err(Unusable::UsedUp) } else { Ok(()) }
    }

    /// Takes back what is left. What claims use of it stands.
    pub fn revoke(
        mut self,
        by: UserId,
        reason: String,
        now: DateTime<Utc>,
    ) -> Result<Authorization, AuthorizationState> {
        match self.state {
            AuthorizationState::Active | AuthorizationState::PartlyUsed => {
                self.revocation = Some(Revocation { time: now, by, reason });
                self.state = AuthorizationState::Revoked;
                Ok(self)
            }
            AuthorizationState::UsedUp | AuthorizationState::Expired | AuthorizationState::Revoked => Err(self.state),
        }
    }

    /// The same as a day finds it: past its last day it has expired.
    #[must_use]
    pub fn on(mut self, today: NaiveDate) -> Authorization {
        self.state = self.state_on(today);
        self
    }

    /// Whether nothing more comes of it, so that the claim that gave it can be closed: nothing can be used any
    /// more, and what was used is approved.
    pub fn is_over(&self) -> bool {
        match self.state {
            AuthorizationState::Active | AuthorizationState::PartlyUsed => false,
            AuthorizationState::UsedUp | AuthorizationState::Expired | AuthorizationState::Revoked => {
                self.uses.iter().all(|used| used.approved)
            }
        }
    }

    fn state_on(&self, today: NaiveDate) -> AuthorizationState {
        if self.revocation.is_some() {
            AuthorizationState::Revoked
        } else if self.is_used_up() {
            AuthorizationState::UsedUp
        } else if today > self.expire_date {
            AuthorizationState::Expired
        } else if self.uses.is_empty() {
            AuthorizationState::Active
        } else {
            AuthorizationState::PartlyUsed
        }
    }

    /// Pieces decide where pieces count: the work that goes with a replaced assembly may stay unclaimed.
    fn is_used_up(&self) -> bool {
        let counted = self.items.iter().any(|item| item.limit_quantity.is_some());
        self.items.iter().filter(|item| !counted || item.limit_quantity.is_some()).all(|item| {
            let (quantity, amount) = self.left_of(item);
            quantity.is_some_and(|quantity| quantity.0 <= 0) || amount.minor <= 0
        })
    }
}

/// What the newest decision on each line of a request allows.
fn items_of(claim: &Claim) -> Vec<Item> {
    claim.lines.iter().filter_map(|line| item(claim, line)).collect()
}

fn item(claim: &Claim, line: &Line) -> Option<Item> {
    let limit_amount = approved(claim, line);
    (limit_amount.minor > 0).then(|| Item {
        number: line.number,
        line_type: line.content.line_type,
        part: line.content.part.clone(),
        operation: line.content.operation.clone(),
        description: line.content.description.clone(),
        limit_quantity: counted(line),
        limit_amount,
    })
}

fn approved(claim: &Claim, line: &Line) -> Money {
    claim.decision_on(line.number).map_or(Money::zero(claim.currency), |(_, decision)| decision.approved)
}

/// Pieces of lines that are counted in pieces.
fn counted(line: &Line) -> Option<Quantity> {
    match line.content.line_type {
        LineType::Part | LineType::ExternalPart => line.content.quantity,
        LineType::Labor
        | LineType::Diagnosis
        | LineType::Sublet
        | LineType::Travel
        | LineType::Towing
        | LineType::MaintenanceFee
        | LineType::CourtesyCar
        | LineType::Freight
        | LineType::Allowance => None,
    }
}

#[cfg(test)]
mod tests;
