//! The history of a vehicle: events, readings, components and claims in one list, the newest first.
//!
//! What a vehicle went through is told to everybody who repairs it. Whose claim it was, and what it cost, is
//! told only to those whose claim it was, and to the manufacturer.

use chrono::NaiveDate;
use recourse_domain::catalog::Stored;
use recourse_domain::claims::Claim;
use recourse_domain::query::page::{Key, Keys, ListQuery};
use recourse_domain::vehicle::{Component, Vehicle};
use recourse_proto::redact::Redact;
use recourse_proto::v1;
use uuid::Uuid;

use super::readings::{newest_first, shown};
use crate::catalog::{self, VehicleResource};
use crate::context::Call;
use crate::convert::claims::{kilometers, name as claim_name, show_kind, show_state};
use crate::convert::vehicles::{show_component, show_event};
use crate::convert::{date, money};
use crate::error::{Answer, Refusal};
use crate::lists::{self, ListInput};

/// Claims of one vehicle that a history looks at.
const CLAIMS: u32 = 1000;

/// An entry and its place: the day, then the key.
struct Entry {
    day: NaiveDate,
    id: Uuid,
    message: v1::VehicleHistoryEntry,
}

/// Lists what happened to a vehicle.
pub(super) async fn list(
    call: &Call,
    request: v1::ListVehicleHistoryRequest,
) -> Answer<v1::ListVehicleHistoryResponse> {
    let v1::ListVehicleHistoryRequest { parent, page_size, page_token } = request;
    let vin = catalog::code_in::<VehicleResource>(&parent)?;
    let store = &call.inner.store;
    let vehicle = store.record::<Vehicle>(call.scope()?, &vin).await?.ok_or_else(|| Refusal::not_found(&parent))?.value;
    let input = ListInput { page_size, page_token, within: vin.clone(), ..ListInput::default() };
    let query = lists::query(call, &input, &[], newest_first())?;
    let mut entries = own_entries(&vehicle);
    for stored in &store.claims_of_vehicle(&vin, CLAIMS).await? {
        entries.push(claim_entry(call, stored)?);
    }
    // Events, components and claims are few. Readings may be many, but they stand in this order already: a
    // page of them is all that a page of the history can need.
    let readings = store.readings(&vin, &ListQuery { page_size: query.page_size + 1, ..query.clone() }).await?;
    entries.extend(readings.items.iter().map(|reading| Entry {
        day: reading.date,
        id: reading.id,
        message: v1::VehicleHistoryEntry {
            odometer_reading: Some(shown(call, reading)),
            ..v1::VehicleHistoryEntry::default()
        },
    }));
    let (entries, next) = page(entries, &query);
    Ok(v1::ListVehicleHistoryResponse {
        entries: entries.into_iter().map(|entry| finished(call, entry)).collect(),
        next_page_token: lists::next_token(call, &input, next)?,
    })
}

fn finished(call: &Call, entry: Entry) -> v1::VehicleHistoryEntry {
    let mut message = entry.message;
    // A component of unknown age stands last, without a day.
    message.date = (entry.day != NaiveDate::default()).then(|| date(entry.day)).flatten();
    message.redact(&call.viewer(false));
    message
}

/// What the vehicle itself tells.
fn own_entries(vehicle: &Vehicle) -> Vec<Entry> {
    let events = vehicle.events.iter().map(|event| Entry {
        day: event.date,
        id: event.id,
        message: v1::VehicleHistoryEntry { event: Some(show_event(event)), ..v1::VehicleHistoryEntry::default() },
    });
    let fitted = |component: &Component| component.from_date.or(vehicle.build_date).unwrap_or_default();
    let components = vehicle.components.iter().map(|component| Entry {
        day: fitted(component),
        id: component.id,
        message: v1::VehicleHistoryEntry {
            component: Some(show_component(component)),
            ..v1::VehicleHistoryEntry::default()
        },
    });
    events.chain(components).collect()
}

fn claim_entry(call: &Call, stored: &Stored<Claim>) -> Answer<Entry> {
    let claim = &stored.value;
    let header = &claim.header;
    let actor = call.actor()?;
    let mut message = v1::VehicleHistoryClaim {
        kind: show_kind(claim.kind).into(),
        state: show_state(claim.state.word()).into(),
        odometer: header.odometer_in_km.and_then(kilometers),
        causal_part: header.causal_part.as_ref().map(|code| format!("parts/{code}")).unwrap_or_default(),
        failure_code: header.failure_code.as_ref().map(|code| format!("failureCodes/{code}")).unwrap_or_default(),
        complaint_description: header.complaint_description.clone(),
        correction_description: header.correction_description.clone(),
        ..v1::VehicleHistoryClaim::default()
    };
    if actor.is_oem() || actor.orgs.contains(&claim.station) {
        message.claim = claim_name(claim.id.0);
        message.number = claim.number.to_string();
        message.station = format!("stations/{}", claim.station_code);
        message.approved_amount = claim.totals()?.approved.and_then(money);
    }
    let day = header.repair_completion_date.or(header.repair_start_date).or(header.complaint_date);
    Ok(Entry {
        day: day.unwrap_or_else(|| call.inner.zone.date_of(stored.create_time)),
        id: stored.id,
        message: v1::VehicleHistoryEntry { claim: Some(message), ..v1::VehicleHistoryEntry::default() },
    })
}

/// One page of the entries, and where the next begins.
fn page(mut entries: Vec<Entry>, query: &ListQuery) -> (Vec<Entry>, Option<Keys>) {
    let place = |entry: &Entry| (entry.day.to_string(), entry.id);
    if let Some(Keys { value: Key::Text(day), id }) = &query.after {
        entries.retain(|entry| place(entry) < (day.clone(), *id));
    }
    entries.sort_by_key(|entry| std::cmp::Reverse((entry.day, entry.id)));
    let size = usize::try_from(query.page_size).unwrap_or(usize::MAX);
    let more = entries.len() > size;
    entries.truncate(size);
    let next = entries.last().filter(|_| more).map(|last| Keys { value: Key::Text(last.day.to_string()), id: last.id });
    (entries, next)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entry(day: &str, id: u128) -> Entry {
        Entry { day: day.parse().unwrap(), id: Uuid::from_u128(id), message: v1::VehicleHistoryEntry::default() }
    }

    fn query(after: Option<Keys>) -> ListQuery {
        ListQuery { filter: None, order: newest_first(), page_size: 2, after, show_deleted: false }
    }

    #[test]
    fn pages_follow_each_other_without_gap_or_repeat() {
        let all =
            || vec![entry("2026-01-01", 1), entry("2026-03-01", 2), entry("2026-02-01", 3), entry("2026-02-01", 4)];
        let ids = |entries: Vec<Entry>| entries.into_iter().map(|entry| entry.id.as_u128()).collect::<Vec<_>>();
        let (first, next) = page(all(), &query(None));
        assert_eq!(ids(first), [2, 4]);
        let (second, next) = page(all(), &query(next));
        assert_eq!(ids(second), [3, 1]);
        assert_eq!(next, None);
    }
}
