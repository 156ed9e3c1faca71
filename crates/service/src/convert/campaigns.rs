//! Campaigns: the message of the contract ⇄ the record of the domain.

use recourse_domain::catalog::{
    Campaign, CampaignState, CampaignType, CompletionCount, Remedy, RemedyOperation, RemedyPart, ScopeFilter, Stored,
    VinRange,
};
use recourse_domain::claims::CampaignFact;
use recourse_domain::text::{Lang, Violation};
use recourse_domain::vehicle::{Drivetrain, Vehicle};
use recourse_proto::v1;

use super::campaign_vehicles::show_state as show_standing;
use super::organizations::{codes, name, same_words};
use super::vehicles::{read_drivetrain, show_drivetrain};
use super::{Reader, date, etag, hours, quantity, timestamp};

same_words! {
    show_type, read_type: CampaignType = v1::campaign::Type { Recall, ServiceCampaign, SoftwareUpdate }
}

fn show_state(state: CampaignState) -> v1::campaign::State {
    match state {
        CampaignState::Draft => v1::campaign::State::Draft,
        CampaignState::Active => v1::campaign::State::Active,
        CampaignState::Closed => v1::campaign::State::Closed,
    }
}

/// The campaign as its reader sees it.
pub(crate) fn show(stored: &Stored<Campaign>) -> v1::Campaign {
    let Campaign {
        code,
        display_code,
        display_name,
        display_name_en,
        campaign_type,
        authority_number,
        safety,
        description,
        valid_from,
        valid_until,
        state,
        activate_date,
        close_date,
        remedies,
        scope,
        external_ref,
    } = &stored.value;
    v1::Campaign {
        name: name("campaigns", code),
        etag: etag(stored.version),
        display_code: display_code.clone(),
        display_name: display_name.clone(),
        display_name_en: display_name_en.clone(),
        r#type: show_type(*campaign_type).into(),
        authority_number: authority_number.clone(),
        safety: *safety,
        description: description.clone(),
        valid_from: date(*valid_from),
        valid_until: valid_until.and_then(date),
        state: show_state(*state).into(),
        activate_date: activate_date.and_then(date),
        close_date: close_date.and_then(date),
        remedies: remedies.iter().map(show_remedy).collect(),
        scope: scope.as_ref().map(show_scope),
        external_ref: external_ref.clone(),
        active: stored.retire_time.is_none(),
        create_time: timestamp(stored.create_time),
        update_time: timestamp(stored.update_time),
        retire_time: stored.retire_time.and_then(timestamp),
    }
}

fn show_remedy(remedy: &Remedy) -> v1::CampaignRemedy {
    let Remedy { id, description, models, drivetrains, operations, parts, parts_ready_date } = remedy;
    let operations = operations.iter().map(|row| v1::CampaignOperation {
        operation: name("laborOperations", &row.operation),
        hours: hours(row.hours),
    });
    let parts =
        parts.iter().map(|row| v1::CampaignPart { part: name("parts", &row.part), quantity: quantity(row.quantity) });
    v1::CampaignRemedy {
        remedy_id: id.to_string(),
        description: description.clone(),
        models: codes(models),
        drivetrains: show_drivetrains(drivetrains),
        operations: operations.collect(),
        parts: parts.collect(),
        parts_ready_date: parts_ready_date.and_then(date),
    }
}

fn show_drivetrains(drivetrains: &[Drivetrain]) -> Vec<i32> {
    drivetrains.iter().map(|drivetrain| show_drivetrain(*drivetrain).into()).collect()
}

fn show_scope(scope: &ScopeFilter) -> v1::CampaignScope {
    let ScopeFilter { models, build_from, build_until, plants, lots, drivetrains, vin_ranges } = scope;
    let ranges = vin_ranges.iter().map(|range| {
        let VinRange { prefix, first_serial, last_serial } = range.clone();
        v1::VinRange { prefix, first_serial, last_serial }
    });
    v1::CampaignScope {
        models: codes(models),
        build_from: build_from.and_then(date),
        build_until: build_until.and_then(date),
        plants: codes(plants),
        lots: lots.clone(),
        drivetrains: show_drivetrains(drivetrains),
        vin_ranges: ranges.collect(),
    }
}

/// The record under a code. Where it stands is never read: it is what its verbs made of it, and a new one is a
/// draft.
pub(crate) fn read(message: v1::Campaign, code: &str, before: Option<&Campaign>) -> Result<Campaign, Vec<Violation>> {
    let v1::Campaign {
        name: _,
        etag: _,
        display_code,
        display_name,
        display_name_en,
        r#type: campaign_type,
        authority_number,
        safety,
        description,
        valid_from,
        valid_until,
        state: _,
        activate_date: _,
        close_date: _,
        remedies,
        scope,
        external_ref,
        active: _,
        create_time: _,
        update_time: _,
        retire_time: _,
    } = message;
    let mut reader = Reader::default();
    let code = reader.code("name", code);
    let campaign_type = reader.choice("type", campaign_type, read_type);
    let valid_from = reader.needed_date("valid_from", valid_from.as_ref());
    let valid_until = reader.date("valid_until", valid_until.as_ref());
    let mut read_remedies = Vec::with_capacity(remedies.len());
    for (index, remedy) in remedies.into_iter().enumerate() {
        read_remedies.extend(read_remedy(&mut reader, &format!("remedies[{index}]"), remedy));
    }
    let scope = scope.map(|scope| read_scope(&mut reader, scope));
    reader.whole(|| {
        Some(Campaign {
            code: code?,
            display_code,
            display_name,
            display_name_en,
            campaign_type: campaign_type?,
            authority_number,
            safety,
            description,
            valid_from: valid_from?,
            valid_until,
            state: before.map_or(CampaignState::Draft, |before| before.state),
            activate_date: before.and_then(|before| before.activate_date),
            close_date: before.and_then(|before| before.close_date),
            remedies: read_remedies,
            scope,
            external_ref,
        })
    })
}

fn read_remedy(reader: &mut Reader, at: &str, remedy: v1::CampaignRemedy) -> Option<Remedy> {
    let v1::CampaignRemedy { remedy_id, description, models, drivetrains, operations, parts, parts_ready_date } =
        remedy;
    let id = reader.code(&format!("{at}.remedy_id"), &remedy_id);
    let models = reader.plain_codes(&format!("{at}.models"), &models);
    let drivetrains = read_drivetrains(reader, &format!("{at}.drivetrains"), &drivetrains);
    let mut read_operations = Vec::with_capacity(operations.len());
    for (index, row) in operations.iter().enumerate() {
        let at = format!("{at}.operations[{index}]");
        let operation = reader.needed_name(&format!("{at}.operation"), "laborOperations", &row.operation);
        let hours = reader.needed_hours(&format!("{at}.hours"), row.hours.as_ref());
        read_operations.extend(operation.zip(hours).map(|(operation, hours)| RemedyOperation { operation, hours }));
    }
    let mut read_parts = Vec::with_capacity(parts.len());
    for (index, row) in parts.iter().enumerate() {
        let at = format!("{at}.parts[{index}]");
        let part = reader.needed_name(&format!("{at}.part"), "parts", &row.part);
        let quantity = reader.needed_quantity(&format!("{at}.quantity"), row.quantity.as_ref());
        read_parts.extend(part.zip(quantity).map(|(part, quantity)| RemedyPart { part, quantity }));
    }
    let parts_ready_date = reader.date(&format!("{at}.parts_ready_date"), parts_ready_date.as_ref());
    let (operations, parts) = (read_operations, read_parts);
    Some(Remedy { id: id?, description, models, drivetrains, operations, parts, parts_ready_date })
}

fn read_drivetrains(reader: &mut Reader, at: &str, drivetrains: &[i32]) -> Vec<Drivetrain> {
    let mut read = Vec::with_capacity(drivetrains.len());
    for (index, drivetrain) in drivetrains.iter().enumerate() {
        read.extend(reader.choice(&format!("{at}[{index}]"), *drivetrain, read_drivetrain));
    }
    read
}

fn read_scope(reader: &mut Reader, scope: v1::CampaignScope) -> ScopeFilter {
    let v1::CampaignScope { models, build_from, build_until, plants, lots, drivetrains, vin_ranges } = scope;
    let upper = |text: String| text.trim().to_ascii_uppercase();
    let ranges = vin_ranges.into_iter().map(|range| VinRange {
        prefix: upper(range.prefix),
        first_serial: upper(range.first_serial),
        last_serial: upper(range.last_serial),
    });
    ScopeFilter {
        models: reader.plain_codes("scope.models", &models),
        build_from: reader.date("scope.build_from", build_from.as_ref()),
        build_until: reader.date("scope.build_until", build_until.as_ref()),
        plants: reader.plain_codes("scope.plants", &plants),
        lots,
        drivetrains: read_drivetrains(reader, "scope.drivetrains", &drivetrains),
        vin_ranges: ranges.collect(),
    }
}

/// A campaign as it concerns one vehicle.
pub(crate) fn show_of_vehicle(fact: &CampaignFact, vehicle: &Vehicle, lang: Lang) -> v1::VehicleCampaign {
    let campaign = &fact.campaign;
    v1::VehicleCampaign {
        campaign: name("campaigns", &campaign.code),
        display_name: campaign.names().in_lang(lang).to_owned(),
        r#type: show_type(campaign.campaign_type).into(),
        safety: campaign.safety,
        authority_number: campaign.authority_number.clone(),
        state: show_standing(fact.standing()).into(),
        valid_from: date(campaign.valid_from),
        remedies: campaign.remedies_for(vehicle).map(show_remedy).collect(),
    }
}

/// Vehicles by where they stand.
pub(crate) fn show_count(count: &CompletionCount) -> v1::CompletionCount {
    let CompletionCount { in_scope, in_progress, completed, exempt } = *count;
    v1::CompletionCount { in_scope, open: count.open(), in_progress, completed, exempt, rate_bp: count.rate_bp() }
}

#[cfg(test)]
mod tests {
    use chrono::{DateTime, NaiveDate};
    use recourse_domain::ids::Code;
    use recourse_domain::money::{Hours, Quantity};
    use uuid::Uuid;

    use super::*;

    fn code(text: &str) -> Code {
        Code::parse(text).unwrap()
    }

    fn day(text: &str) -> NaiveDate {
        text.parse().unwrap()
    }

    fn campaign() -> Campaign {
        Campaign {
            code: code("R-1"),
            display_code: "召回一".to_owned(),
            display_name: "泵".to_owned(),
            display_name_en: "Pump".to_owned(),
            campaign_type: CampaignType::ServiceCampaign,
            authority_number: "S2026M0001".to_owned(),
            safety: true,
            description: "it seizes\nwhen hot".to_owned(),
            valid_from: day("2026-01-01"),
            valid_until: Some(day("2026-12-31")),
            state: CampaignState::Closed,
            activate_date: Some(day("2026-01-02")),
            close_date: Some(day("2026-06-01")),
            remedies: vec![Remedy {
                id: code("A"),
                description: "replace it".to_owned(),
                models: vec![code("M1")],
                drivetrains: vec![Drivetrain::Hybrid],
                operations: vec![RemedyOperation { operation: code("OP-1"), hours: Hours(120) }],
                parts: vec![RemedyPart { part: code("P-1"), quantity: Quantity(2_000) }],
                parts_ready_date: Some(day("2026-02-01")),
            }],
            scope: Some(ScopeFilter {
                models: vec![code("M1")],
                build_from: Some(day("2025-01-01")),
                build_until: Some(day("2025-02-01")),
                plants: vec![code("P1")],
                lots: vec!["L1".to_owned()],
                drivetrains: vec![Drivetrain::FuelCell],
                vin_ranges: vec![VinRange {
                    prefix: "LSVAA418".to_owned(),
                    first_serial: "S2100001".to_owned(),
                    last_serial: "S2184841".to_owned(),
                }],
            }),
            external_ref: "X-1".to_owned(),
        }
    }

    #[test]
    fn what_is_shown_and_read_back_is_what_it_was() {
        let time = DateTime::from_timestamp(1_800_000_000, 0).unwrap();
        let stored = Stored {
            id: Uuid::from_u128(1),
            version: 3,
            create_time: time,
            update_time: time,
            retire_time: None,
            head_hash: Vec::new(),
            value: campaign(),
        };
        let shown = show(&stored);
        assert_eq!(read(shown.clone(), "r-1", Some(&campaign())), Ok(campaign()));
        let fresh = read(shown, "R-2", None).unwrap();
        let standing = (fresh.state, fresh.activate_date, fresh.close_date);
        assert_eq!(standing, (CampaignState::Draft, None, None), "a new one is a draft");
    }

    #[test]
    fn everything_that_is_wrong_is_told_at_once() {
        let message = v1::Campaign {
            remedies: vec![v1::CampaignRemedy {
                remedy_id: "a b".to_owned(),
                drivetrains: vec![0],
                operations: vec![v1::CampaignOperation::default()],
                parts: vec![v1::CampaignPart::default()],
                ..v1::CampaignRemedy::default()
            }],
            ..v1::Campaign::default()
        };
        let found: Vec<String> =
            read(message, "R-1", None).unwrap_err().into_iter().map(|violation| violation.field).collect();
        let expected = [
            "type",
            "valid_from",
            "remedies[0].remedy_id",
            "remedies[0].drivetrains[0]",
            "remedies[0].operations[0].operation",
            "remedies[0].operations[0].hours",
            "remedies[0].parts[0].part",
            "remedies[0].parts[0].quantity",
        ];
        assert_eq!(found, expected);
    }
}
