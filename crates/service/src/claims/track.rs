//! Recording where a rescue trip goes.

use recourse_domain::access::Act;
use recourse_domain::claims::track::{TrackPoint, TrackSummary, check_points, summarize};
use recourse_domain::claims::{Claim, RescueTrip};
use recourse_domain::text::Violation;
use recourse_proto::v1;
use recourse_proto::v1::error_reason::Code as Reason;
use recourse_repository::Tx;

use super::{found, found_for};
use crate::context::Call;
use crate::convert::Reader;
use crate::error::{Answer, Refusal};

/// Records points of a trip while it goes. The claim itself stays as it is, so that a phone which reports every
/// minute does not get in the way of who writes the claim; the distance is taken over at submission.
pub(super) async fn record(
    call: &Call,
    request: v1::RecordRescueTrackRequest,
) -> Answer<v1::RecordRescueTrackResponse> {
    let points = read_points(&request.points).map_err(Refusal::invalid)?;
    let (name, number, points) = (request.name.as_str(), request.trip, points.as_slice());
    call.run(
        false,
        |tx| {
            Box::pin(async move {
                let stored = found_for(tx, call, name, "").await?;
                let permit = call.permit(Act::DraftClaim(stored.value.parties()))?;
                let trip = open_trip(&stored.value, name, number)?;
                let recorded = tx.track_points(stored.value.id).await?.get(&number).map_or(0, Vec::len);
                Refusal::check(check_points(trip, recorded, points, call.now))?;
                tx.insert_track_points(&permit, stored.value.id, number, points).await?;
                let summary = summary_of(tx, &stored.value, trip).await?;
                Ok((name.to_owned(), show(&summary)))
            })
        },
        |name| {
            Box::pin(async move {
                let scope = call.scope()?;
                let summary = call
                    .inner
                    .store
                    .read(|tx| {
                        Box::pin(async move {
                            let stored = found(tx, scope, &name).await?;
                            let trip = stored.value.trips().iter().find(|trip| trip.number == number);
                            let Some(trip) = trip else { return Ok(TrackSummary::default()) };
                            summary_of(tx, &stored.value, trip).await
                        })
                    })
                    .await?;
                Ok(show(&summary))
            })
        },
    )
    .await
}

/// The trip of a claim that is still written. Afterwards its track is evidence, and evidence does not change.
fn open_trip<'c>(claim: &'c Claim, name: &str, number: i32) -> Answer<&'c RescueTrip> {
    if !claim.is_editable() {
        let state = claim.state.word().word();
        return Err(Refusal::new(
            Reason::StateConflict,
            format!("{name} is {state}; a track is recorded while the claim is written"),
            format!("{name} 状态为 {state}；轨迹仅可在填写索赔单期间采集"),
        )
        .with("resource", name)
        .with("state", state));
    }
    claim.trips().iter().find(|trip| trip.number == number).ok_or_else(|| {
        Refusal::field(
            "trip",
            "UNKNOWN_TRIP",
            format!("the claim has no trip {number}; add it to roadside_rescue.trips first"),
            format!("索赔单没有第 {number} 次出行；请先在 roadside_rescue.trips 中添加"),
        )
    })
}

async fn summary_of(tx: &mut Tx<'_>, claim: &Claim, trip: &RescueTrip) -> Answer<TrackSummary> {
    let points = tx.track_points(claim.id).await?;
    Ok(points.get(&trip.number).map(|points| summarize(trip, points)).unwrap_or_default())
}

fn read_points(points: &[v1::TrackPoint]) -> Result<Vec<TrackPoint>, Vec<Violation>> {
    let mut reader = Reader::default();
    let mut read = Vec::with_capacity(points.len());
    for (index, point) in points.iter().enumerate() {
        let field = format!("points[{index}].time");
        let time = reader.instant(&field, point.time.as_ref());
        read.extend(time.map(|time| TrackPoint {
            time,
            latitude_e7: point.latitude_e7,
            longitude_e7: point.longitude_e7,
            accuracy_m: point.accuracy_m,
        }));
    }
    reader.finish(read)
}

fn show(summary: &TrackSummary) -> v1::RecordRescueTrackResponse {
    v1::RecordRescueTrackResponse {
        points: summary.points,
        verified_meters: summary.meters,
        longest_gap_seconds: summary.longest_gap_seconds,
        longest_gap_meters: summary.longest_gap_meters,
    }
}
