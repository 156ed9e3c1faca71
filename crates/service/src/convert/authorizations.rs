//! Prior authorisations: the aggregate of the domain → the message of the contract.

use recourse_domain::authorizations::{Authorization, AuthorizationState, Certificate, Item, Use};
use recourse_domain::catalog::Stored;
use recourse_domain::claims::AssemblyAction;
use recourse_domain::money::{Money, MoneyError};
use recourse_proto::v1;

use super::claims::{kilometers, name as claim_name, show_kind, show_line_type};
use super::organizations::{name_or_empty, same_words};
use super::{date, etag, money, quantity, text, timestamp};

same_words! {
    show_action, read_action: AssemblyAction = v1::major_assembly_details::Action { Replace, Repair }
}

fn show_state(state: AuthorizationState) -> v1::authorization::State {
    match state {
        AuthorizationState::Active => v1::authorization::State::Active,
        AuthorizationState::PartlyUsed => v1::authorization::State::PartlyUsed,
        AuthorizationState::UsedUp => v1::authorization::State::UsedUp,
        AuthorizationState::Expired => v1::authorization::State::Expired,
        AuthorizationState::Revoked => v1::authorization::State::Revoked,
    }
}

/// The authorisation as its reader sees it, before redaction.
pub(crate) fn show(stored: &Stored<Authorization>) -> Result<v1::Authorization, MoneyError> {
    let authorization = &stored.value;
    let Authorization {
        id: _,
        number,
        kind,
        station: _,
        station_code,
        vin,
        claim,
        currency,
        items,
        issue_date,
        expire_date,
        uses,
        action,
        assembly: _,
        assembly_serial_number,
        certificate,
        revocation,
        state,
    } = authorization;
    let remaining = Money::sum(*currency, items.iter().map(|item| authorization.left_of(item).1))?;
    Ok(v1::Authorization {
        name: authorization.name(),
        etag: etag(stored.version),
        number: number.clone(),
        kind: show_kind(*kind).into(),
        state: show_state(*state).into(),
        station: format!("stations/{station_code}"),
        vin: vin.clone(),
        claim: claim_name(claim.0),
        items: items.iter().map(|item| show_item(authorization, item)).collect(),
        issue_date: date(*issue_date),
        expire_date: date(*expire_date),
        limit_amount: money(authorization.limit_amount()?),
        remaining_amount: money(remaining),
        uses: uses.iter().map(show_use).collect(),
        action: action.map(show_action).unwrap_or_default().into(),
        assembly_serial_number: text(assembly_serial_number.as_ref()),
        certificate: certificate.as_ref().map(|certificate| show_certificate(number, vin, certificate)),
        revoke_reason: revocation.as_ref().map(|revocation| revocation.reason.clone()).unwrap_or_default(),
        revoke_time: revocation.as_ref().and_then(|revocation| timestamp(revocation.time)),
        create_time: timestamp(stored.create_time),
        update_time: timestamp(stored.update_time),
    })
}

fn show_item(authorization: &Authorization, item: &Item) -> v1::AuthorizationItem {
    let (left_quantity, left_amount) = authorization.left_of(item);
    let Item { number, line_type, part, operation, description, limit_quantity, limit_amount } = item;
    v1::AuthorizationItem {
        number: i32::try_from(*number).unwrap_or(i32::MAX),
        r#type: show_line_type(*line_type).into(),
        part: name_or_empty("parts", part.as_ref()),
        operation: name_or_empty("laborOperations", operation.as_ref()),
        description: description.clone(),
        limit_quantity: limit_quantity.and_then(quantity),
        remaining_quantity: left_quantity.and_then(quantity),
        limit_amount: money(*limit_amount),
        remaining_amount: money(left_amount),
    }
}

fn show_use(used: &Use) -> v1::AuthorizationUse {
    let Use { claim, line, item, quantity: pieces, amount, approved } = used;
    v1::AuthorizationUse {
        claim: claim_name(claim.0),
        line_number: i32::try_from(*line).unwrap_or(i32::MAX),
        item_number: i32::try_from(*item).unwrap_or(i32::MAX),
        quantity: pieces.and_then(quantity),
        amount: money(*amount),
        approved: *approved,
    }
}

fn show_certificate(number: &str, vin: &str, certificate: &Certificate) -> v1::ReplacementCertificate {
    let Certificate {
        part,
        original_serial_number,
        replacement_serial_number,
        odometer_km,
        repair_completion_date,
        claim,
        station_code,
        issue_date,
    } = certificate;
    v1::ReplacementCertificate {
        number: format!("{number}-C"),
        vin: vin.to_owned(),
        part: format!("parts/{part}"),
        original_serial_number: original_serial_number.clone(),
        replacement_serial_number: replacement_serial_number.clone(),
        odometer: odometer_km.and_then(kilometers),
        repair_completion_date: repair_completion_date.and_then(date),
        claim: claim_name(claim.0),
        station: format!("stations/{station_code}"),
        issue_date: date(*issue_date),
    }
}
