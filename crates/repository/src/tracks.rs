//! Points of rescue tracks: append-only while they are kept, and deleted when the look-back is over. They say
//! where people were, so they stand in no change row.

use std::collections::BTreeMap;

use recourse_domain::access::Permit;
use recourse_domain::claims::track::TrackPoint;
use recourse_domain::ids::ClaimId;

use crate::bulk;
use crate::error::StoreError;
use crate::sql::{IntoValue, Row, Sql};
use crate::store::Tx;

/// Points of one claim that are read: ten trips of some hours, a point every few seconds.
const POINTS: u32 = 50_000;

impl Tx<'_> {
    /// The recorded points of a claim's trips, in the order of their times. Who may see the claim is the
    /// caller's matter.
    pub async fn track_points(&mut self, claim: ClaimId) -> Result<BTreeMap<i32, Vec<TrackPoint>>, StoreError> {
        let rows = Sql::new(&format!(
            "SELECT trip, time, latitude_e7, longitude_e7, accuracy_m FROM rescue_track_point WHERE claim_id = ? \
             ORDER BY trip, time LIMIT {POINTS}"
        ))
        .bind(claim.0)
        .all(&self.db)
        .await?;
        let mut points: BTreeMap<i32, Vec<TrackPoint>> = BTreeMap::new();
        for row in &rows {
            points.entry(number(row, "trip")?).or_default().push(TrackPoint {
                time: row.instant("time")?,
                latitude_e7: number(row, "latitude_e7")?,
                longitude_e7: number(row, "longitude_e7")?,
                accuracy_m: number(row, "accuracy_m")?,
            });
        }
        Ok(points)
    }

    /// Records points of a trip; those of a time that is recorded already change nothing.
    pub async fn insert_track_points(
        &mut self,
        _permit: &Permit,
        claim: ClaimId,
        trip: i32,
        points: &[TrackPoint],
    ) -> Result<(), StoreError> {
        let rows = points
            .iter()
            .map(|point| {
                vec![
                    claim.0.into_value(),
                    i64::from(trip).into_value(),
                    point.time.into_value(),
                    i64::from(point.latitude_e7).into_value(),
                    i64::from(point.longitude_e7).into_value(),
                    i64::from(point.accuracy_m).into_value(),
                ]
            })
            .collect();
        let before =
            "INSERT INTO rescue_track_point (claim_id, trip, time, latitude_e7, longitude_e7, accuracy_m) VALUES";
        bulk::write_rows(&self.db, before, rows, " ON CONFLICT (claim_id, trip, time) DO NOTHING").await?;
        Ok(())
    }
}

fn number(row: &Row, column: &str) -> Result<i32, StoreError> {
    i32::try_from(row.get::<i64>(column)?).map_err(|error| row.corrupt(column, error))
}
