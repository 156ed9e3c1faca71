//! Vehicles of campaigns: the message of the contract ⇄ the record of the domain.

use recourse_domain::catalog::{CampaignVehicle, CampaignVehicleState, ExemptReason, Exemption, NotFromHere, Stored};
use recourse_domain::ids::Code;
use recourse_domain::text::Violation;
use recourse_domain::vin::Vin;
use recourse_proto::v1;

use super::claims::name as claim_name;
use super::organizations::{name, same_words};
use super::{Reader, date, etag, text, timestamp};

same_words! {
    show_reason, read_reason: ExemptReason = v1::campaign_vehicle::ExemptReason {
        Exported, Scrapped, DoneInWorks, Other,
    }
}

/// Where a vehicle stands in a campaign.
pub(crate) fn show_state(state: &CampaignVehicleState) -> v1::campaign_vehicle::State {
    match state {
        CampaignVehicleState::Open => v1::campaign_vehicle::State::Open,
        CampaignVehicleState::InProgress(_) => v1::campaign_vehicle::State::InProgress,
        CampaignVehicleState::Completed(_) => v1::campaign_vehicle::State::Completed,
        CampaignVehicleState::Exempt(_) => v1::campaign_vehicle::State::Exempt,
    }
}

/// The vehicle as its reader sees it, before redaction.
pub(crate) fn show(stored: &Stored<CampaignVehicle>) -> v1::CampaignVehicle {
    v1::CampaignVehicle {
        etag: etag(stored.version),
        create_time: timestamp(stored.create_time),
        update_time: timestamp(stored.update_time),
        ..document(&stored.value)
    }
}

/// The vehicle without what only its row knows.
pub(crate) fn document(vehicle: &CampaignVehicle) -> v1::CampaignVehicle {
    let CampaignVehicle { key: _, campaign, vin, listed, state } = vehicle;
    let (job, exemption) = (state.job(), state.exemption());
    v1::CampaignVehicle {
        name: vehicle.name(),
        etag: String::new(),
        campaign: name("campaigns", campaign),
        vin: vin.to_string(),
        state: show_state(state).into(),
        listed: *listed,
        exempt_reason: exemption.map(|exemption| show_reason(exemption.reason)).unwrap_or_default().into(),
        note: exemption.map(|exemption| exemption.note.clone()).unwrap_or_default(),
        claim: job.map(|job| claim_name(job.claim.0)).unwrap_or_default(),
        station: job.map(|job| name("stations", &job.station_code)).unwrap_or_default(),
        remedy: text(job.and_then(|job| job.remedy.as_ref())),
        completion_date: job.and_then(|job| job.date).and_then(date),
        create_time: None,
        update_time: None,
    }
}

/// The record under a key: a row of a list. Where it stands follows from claims; a row may say that nothing is to
/// be done.
pub(crate) fn read(
    message: v1::CampaignVehicle,
    key: &str,
    before: Option<&CampaignVehicle>,
) -> Result<CampaignVehicle, Vec<Violation>> {
    let v1::CampaignVehicle {
        name: _,
        etag: _,
        campaign: _,
        vin: _,
        state: _,
        listed: _,
        exempt_reason,
        note,
        claim: _,
        station: _,
        remedy: _,
        completion_date: _,
        create_time: _,
        update_time: _,
    } = message;
    let mut reader = Reader::default();
    let (campaign, vin) = key.split_once('/').unwrap_or_default();
    let (campaign, vin) = (Code::parse(campaign).ok(), Vin::parse(vin).ok());
    if campaign.is_none() || vin.is_none() {
        reader.refuse(super::bad_code("name"));
    }
    let reason = reader.optional_choice("exempt_reason", exempt_reason, read_reason);
    let vehicle = reader.whole(|| {
        let vehicle = CampaignVehicle::open(campaign?, vin?, true);
        let state = before.map_or(CampaignVehicleState::Open, |before| before.state.clone());
        Some(CampaignVehicle { state, ..vehicle })
    })?;
    let Some(reason) = reason else { return Ok(vehicle) };
    vehicle.exempt(Exemption { reason, note }).map_err(|NotFromHere| {
        vec![Violation::new(
            "exempt_reason",
            "CLAIMED",
            "the work on the vehicle is claimed already; it can't be exempt any more",
            "该车辆的活动作业已申报，不能再豁免",
        )]
    })
}

/// A reason to exempt a vehicle that was asked for with a verb.
pub(crate) fn read_exemption(reason: i32, note: &str) -> Result<Exemption, Vec<Violation>> {
    let mut reader = Reader::default();
    let reason = reader.choice("reason", reason, read_reason);
    let exemption = reader.whole(|| Some(Exemption { reason: reason?, note: note.trim().to_owned() }))?;
    match exemption.check("note") {
        None => Ok(exemption),
        Some(violation) => Err(vec![violation]),
    }
}
