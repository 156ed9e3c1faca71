//! Entitlements to free services: the aggregate of the domain → the message of the contract.

use recourse_domain::catalog::Stored;
use recourse_domain::entitlements::{EntitlementState, ServiceEntitlement};
use recourse_proto::v1;

use super::claims::{kilometers, name as claim_name};
use super::organizations::name_or_empty;
use super::{date, etag, money, timestamp};

fn show_state(state: &EntitlementState) -> v1::service_entitlement::State {
    match state {
        EntitlementState::Issued => v1::service_entitlement::State::Issued,
        EntitlementState::Reserved(_) => v1::service_entitlement::State::Reserved,
        EntitlementState::Used(_) => v1::service_entitlement::State::Used,
        EntitlementState::Released => v1::service_entitlement::State::Released,
        EntitlementState::Expired => v1::service_entitlement::State::Expired,
        EntitlementState::Void => v1::service_entitlement::State::Void,
    }
}

/// The entitlement as its reader sees it, before redaction.
pub(crate) fn show(stored: &Stored<ServiceEntitlement>) -> v1::ServiceEntitlement {
    let ServiceEntitlement {
        id: _,
        card_number,
        vin,
        sequence,
        policy,
        from_km,
        to_km,
        first_day,
        last_day,
        fee,
        state,
        reason,
        external_ref,
    } = &stored.value;
    v1::ServiceEntitlement {
        name: stored.value.name(),
        etag: etag(stored.version),
        card_number: card_number.clone(),
        vin: vin.clone(),
        sequence: *sequence,
        state: show_state(state).into(),
        policy: name_or_empty("warrantyPolicies", policy.as_ref()),
        from_distance: kilometers(*from_km),
        to_distance: kilometers(*to_km),
        first_date: date(*first_day),
        last_date: date(*last_day),
        fee: money(*fee),
        claim: state.holder().map(|holder| claim_name(holder.claim.0)).unwrap_or_default(),
        reason: reason.clone(),
        external_ref: external_ref.clone(),
        create_time: timestamp(stored.create_time),
        update_time: timestamp(stored.update_time),
    }
}
