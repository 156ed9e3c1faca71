//! Entitlements to the free services after running-in: one service is paid once, whoever claims it.
//!
//! `ISSUED → RESERVED → USED`; a claim that is rejected, withdrawn or lapses leaves `RELEASED` behind, which
//! can be claimed again. Past its window and the time to claim it has `EXPIRED`; the manufacturer may take one
//! back (`VOID`).

use chrono::NaiveDate;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::catalog::{Field, FieldKind, PolicyState, RunningInService, WarrantyPolicy};
use crate::claims::{Claim, StateWord};
use crate::dates::plus_months;
use crate::ids::{ClaimId, Code, EntitlementId, OrgId, readable_number};
use crate::money::Money;
use crate::vehicle::Vehicle;

/// What lists of entitlements may be filtered and ordered by.
pub const ENTITLEMENT_FIELDS: &[Field] = &[
    field("state", FieldKind::Text, false, false),
    field("card_number", FieldKind::CODE, false, true),
    field("vin", FieldKind::VIN, false, true),
    field("sequence", FieldKind::Integer, false, false),
    field("last_date", FieldKind::Date, true, false),
    field("external_ref", FieldKind::Text, false, false),
    field("create_time", FieldKind::Time, true, false),
];

const fn field(name: &'static str, kind: FieldKind, sortable: bool, prefix: bool) -> Field {
    Field { name, column: name, kind, sortable, prefix }
}

/// The entitlement of a vehicle to one free service.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ServiceEntitlement {
    /// Its key.
    pub id: EntitlementId,
    /// Number of the service card.
    pub card_number: String,
    /// The vehicle.
    pub vin: String,
    /// Which of the free services, from 1.
    pub sequence: i32,
    /// The version of the policy that gives it; none if it was issued by hand on other terms.
    #[serde(default)]
    pub policy: Option<Code>,
    /// Fewest kilometres.
    pub from_km: i64,
    /// Most kilometres, inclusive.
    pub to_km: i64,
    /// The first day of its window: the warranty's.
    pub first_day: NaiveDate,
    /// The last day of its window, inclusive.
    pub last_day: NaiveDate,
    /// What the station is paid.
    pub fee: Money,
    /// Where it stands.
    #[serde(flatten)]
    pub state: EntitlementState,
    /// Why it was issued by hand, or taken back.
    #[serde(default)]
    pub reason: String,
    /// Its key in the system of whoever issued it by hand.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub external_ref: String,
}

/// Where an entitlement stands.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "state", rename_all = "SCREAMING_SNAKE_CASE")]
pub enum EntitlementState {
    /// Can be claimed.
    Issued,
    /// A claim waits for its decision.
    Reserved(Holder),
    /// A claim was approved.
    Used(Holder),
    /// A claim was not approved: it can be claimed again.
    Released,
    /// Its time is over.
    Expired,
    /// It was taken back.
    Void,
}

/// The claim that holds an entitlement.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Holder {
    /// The claim.
    pub claim: ClaimId,
    /// Its station.
    pub station: OrgId,
}

impl EntitlementState {
    /// The word on the wire and in filters.
    pub fn word(&self) -> &'static str {
        match self {
            EntitlementState::Issued => "ISSUED",
            EntitlementState::Reserved(_) => "RESERVED",
            EntitlementState::Used(_) => "USED",
            EntitlementState::Released => "RELEASED",
            EntitlementState::Expired => "EXPIRED",
            EntitlementState::Void => "VOID",
        }
    }

    /// Who holds it.
    pub fn holder(&self) -> Option<Holder> {
        match self {
            EntitlementState::Reserved(holder) | EntitlementState::Used(holder) => Some(*holder),
            EntitlementState::Issued
            | EntitlementState::Released
            | EntitlementState::Expired
            | EntitlementState::Void => None,
        }
    }

    /// Whether it can be claimed.
    pub fn is_free(&self) -> bool {
        match self {
            EntitlementState::Issued | EntitlementState::Released => true,
            EntitlementState::Reserved(_)
            | EntitlementState::Used(_)
            | EntitlementState::Expired
            | EntitlementState::Void => false,
        }
    }
}

/// An entitlement can't do a step from where it stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NotPossible;

/// The free services that a policy gives a vehicle, with the version that does: the one in force when its
/// warranty began. Of several policies the first by code gives them.
pub fn services_of<'p>(
    vehicle: &Vehicle,
    policies: &'p [WarrantyPolicy],
    date: NaiveDate,
) -> Option<(&'p WarrantyPolicy, &'p [RunningInService])> {
    let start = vehicle.sale_on(date)?.warranty_start();
    let in_force = |policy: &&WarrantyPolicy| {
        policy.state == PolicyState::Published
            && policy.is_for(&vehicle.model)
            && policy.valid_from <= start
            && policy.valid_to.is_none_or(|end| start < end)
            && !policy.running_in_services.is_empty()
    };
    let newest = |one: &&WarrantyPolicy, other: &&WarrantyPolicy| {
        (one.valid_from, one.version_number, &other.code).cmp(&(other.valid_from, other.version_number, &one.code))
    };
    let policy = policies.iter().filter(in_force).max_by(newest)?;
    Some((policy, &policy.running_in_services))
}

impl ServiceEntitlement {
    /// The entitlement to a service of a policy.
    pub fn of_policy(
        vehicle: &Vehicle,
        warranty_start: NaiveDate,
        policy: &WarrantyPolicy,
        service: &RunningInService,
        key: (EntitlementId, Uuid),
        today: NaiveDate,
    ) -> ServiceEntitlement {
        ServiceEntitlement {
            id: key.0,
            card_number: readable_number("SC", today, key.1),
            vin: vehicle.vin.to_string(),
            sequence: service.sequence,
            policy: Some(policy.code.clone()),
            from_km: service.from_km,
            to_km: service.to_km,
            first_day: warranty_start,
            last_day: plus_months(warranty_start, u32::try_from(service.months).unwrap_or(0)),
            fee: service.fee,
            state: EntitlementState::Issued,
            reason: String::new(),
            external_ref: String::new(),
        }
    }

    /// An entitlement that no policy gives: within a window of days, up to a reading, for a fee.
    pub fn on_own_terms(
        vehicle: &Vehicle,
        sequence: i32,
        (first_day, last_day): (NaiveDate, NaiveDate),
        to_km: i64,
        fee: Money,
        key: (EntitlementId, Uuid),
        today: NaiveDate,
    ) -> ServiceEntitlement {
        ServiceEntitlement {
            id: key.0,
            card_number: readable_number("SC", today, key.1),
            vin: vehicle.vin.to_string(),
            sequence,
            policy: None,
            from_km: 0,
            to_km,
            first_day,
            last_day,
            fee,
            state: EntitlementState::Issued,
            reason: String::new(),
            external_ref: String::new(),
        }
    }

    /// Its public name.
    pub fn name(&self) -> String {
        format!("serviceEntitlements/{}", self.id)
    }

    /// What no two that stand may share: a vehicle has one entitlement to a service within one warranty. Void
    /// ones make room.
    pub fn open_key(&self) -> Option<String> {
        match self.state {
            EntitlementState::Void => None,
            EntitlementState::Issued
            | EntitlementState::Reserved(_)
            | EntitlementState::Used(_)
            | EntitlementState::Released
            | EntitlementState::Expired => Some(format!("{}|{}|{}", self.vin, self.sequence, self.first_day)),
        }
    }

    /// The entitlement after a step of the claim that chose it: reserved while a decision is awaited, used by
    /// an approval, released by everything that ends the claim without one. A returned claim keeps it. One that a
    /// rejection released may have expired when an appeal is granted: the service was claimed in time.
    ///
    /// # Errors
    ///
    /// Another claim holds it, or it can't be claimed any more.
    pub fn reconciled(mut self, claim: &Claim) -> Result<ServiceEntitlement, NotPossible> {
        let holder = Holder { claim: claim.id, station: claim.station };
        let own = self.state.holder().is_some_and(|held| held.claim == claim.id);
        let (state, in_time) = match claim.state.word() {
            StateWord::Submitted | StateWord::InReview | StateWord::Returned => {
                (EntitlementState::Reserved(holder), false)
            }
            StateWord::Approved | StateWord::Settled | StateWord::Closed => {
                (EntitlementState::Used(holder), self.state == EntitlementState::Expired)
            }
            StateWord::Draft | StateWord::Rejected | StateWord::Withdrawn | StateWord::Lapsed => {
                if own {
                    self.state = EntitlementState::Released;
                }
                return Ok(self);
            }
        };
        if !own && !in_time && !self.state.is_free() {
            return Err(NotPossible);
        }
        self.state = state;
        Ok(self)
    }

    /// The same of a warranty whose first day was corrected: who holds it keeps it, so that the service is not paid
    /// a second time.
    #[must_use]
    pub fn of_warranty_from(self, first_day: NaiveDate) -> ServiceEntitlement {
        ServiceEntitlement { first_day, ..self }
    }

    /// No longer held by a claim that chose another.
    #[must_use]
    pub fn released(mut self) -> ServiceEntitlement {
        self.state = EntitlementState::Released;
        self
    }

    /// Its time is over: the window, and the days in which a service done in time can be claimed.
    pub fn expire(mut self, today: NaiveDate, submission_window_days: i32) -> Result<ServiceEntitlement, NotPossible> {
        let last = crate::dates::plus_days(self.last_day, u32::try_from(submission_window_days).unwrap_or(0));
        if !self.state.is_free() || today <= last {
            return Err(NotPossible);
        }
        self.state = EntitlementState::Expired;
        Ok(self)
    }

    /// Takes it back, if no claim holds it.
    pub fn void(mut self, reason: String) -> Result<ServiceEntitlement, NotPossible> {
        match self.state {
            EntitlementState::Issued | EntitlementState::Released | EntitlementState::Expired => {}
            EntitlementState::Reserved(_) | EntitlementState::Used(_) | EntitlementState::Void => {
                return Err(NotPossible);
            }
        }
        self.state = EntitlementState::Void;
        self.reason = reason;
        Ok(self)
    }
}

#[cfg(test)]
mod tests;
