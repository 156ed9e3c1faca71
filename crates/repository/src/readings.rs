//! Odometer readings: append-only, but for a claim's reading, which ceases to count with the claim.

use recourse_domain::access::Permit;
use recourse_domain::ids::{ClaimId, OrgId};
use recourse_domain::query::page::{ListQuery, Page};
use recourse_domain::vehicle::{OdometerReading, Origin};
use recourse_domain::vin::Vin;
use uuid::Uuid;

use crate::error::StoreError;
use crate::lists;
use crate::sql::{Row, Sql};
use crate::store::{Store, Tx};

const COLUMNS: &str = "id, vin, date, km, source, claim_id, retracted, recorded_time, origin_id, external_ref";
/// Readings that a check looks at: of the newest.
const HISTORY: u32 = 500;

impl Store {
    /// A page of a vehicle's readings. Who may see the vehicle is the caller's matter.
    pub async fn readings(&self, vin: &str, query: &ListQuery) -> Result<Page<OdometerReading>, StoreError> {
        let mut sql = Sql::new(&format!("SELECT {COLUMNS} FROM odometer_reading WHERE vin = ?")).bind(vin);
        lists::page(&mut sql, query, "id");
        let rows = sql.all(&self.reader).await?;
        lists::cut(&rows, query, "id", reading)
    }
}

impl Tx<'_> {
    /// A vehicle's newest readings, oldest first.
    pub async fn odometer_history(&mut self, vin: &str) -> Result<Vec<OdometerReading>, StoreError> {
        let rows = Sql::new(&format!(
            "SELECT {COLUMNS} FROM odometer_reading WHERE vin = ? ORDER BY date DESC, id DESC LIMIT {HISTORY}"
        ))
        .bind(vin)
        .all(&self.db)
        .await?;
        rows.iter().rev().map(reading).collect()
    }

    /// Writes a reading.
    pub async fn insert_reading(&mut self, _permit: &Permit, reading: &OdometerReading) -> Result<(), StoreError> {
        let row = Sql::new(&format!("INSERT INTO odometer_reading ({COLUMNS}) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"))
            .bind(reading.id)
            .bind(reading.vin.as_str())
            .bind(reading.date)
            .bind(reading.km)
            .bind(reading.source.word())
            .bind(reading.claim.map(|claim| claim.0))
            .bind(reading.retracted)
            .bind(reading.recorded_time)
            .bind(reading.origin.as_ref().map(|origin| origin.org.0))
            .bind(reading.origin.as_ref().map(|origin| origin.external_ref.clone()).filter(|text| !text.is_empty()));
        self.db.write_together(Vec::new(), row, None).await?;
        Ok(())
    }

    /// The reading of a key, if it is one of the vehicle. Who may see the vehicle is the caller's matter.
    pub async fn reading(&mut self, vin: &str, id: Uuid) -> Result<Option<OdometerReading>, StoreError> {
        let sql = Sql::new(&format!("SELECT {COLUMNS} FROM odometer_reading WHERE id = ? AND vin = ?"));
        sql.bind(id).bind(vin).one(&self.db).await?.as_ref().map(reading).transpose()
    }

    /// Lets a reading no longer count; stale if it did not.
    pub async fn retract_reading(&mut self, _permit: &Permit, id: Uuid) -> Result<(), StoreError> {
        let row = Sql::new("UPDATE odometer_reading SET retracted = ? WHERE id = ? AND retracted = ?");
        match row.bind(true).bind(id).bind(false).execute(&self.db).await? {
            1 => Ok(()),
            _ => Err(StoreError::Stale),
        }
    }

    /// Lets the readings of a claim no longer count.
    pub async fn retract_claim_readings(&mut self, _permit: &Permit, claim: ClaimId) -> Result<(), StoreError> {
        let rows = Sql::new("UPDATE odometer_reading SET retracted = ? WHERE claim_id = ? AND retracted = ?")
            .bind(true)
            .bind(claim.0)
            .bind(false);
        self.db.write_together(Vec::new(), rows, None).await?;
        Ok(())
    }
}

fn reading(row: &Row) -> Result<OdometerReading, StoreError> {
    let id: Uuid = row.get("id")?;
    let (vin, source): (String, String) = (row.get("vin")?, row.get("source")?);
    Ok(OdometerReading {
        id,
        vin: Vin::parse(&vin).map_err(|error| row.corrupt("vin", error))?,
        date: row.date("date")?,
        km: row.get("km")?,
        source: serde_json::from_value(source.into()).map_err(|error| row.corrupt("source", error))?,
        claim: row.get::<Option<Uuid>>("claim_id")?.map(ClaimId),
        retracted: row.get("retracted")?,
        recorded_time: row.instant("recorded_time")?,
        origin: match row.get::<Option<Uuid>>("origin_id")? {
            Some(org) => Some(Origin {
                org: OrgId(org),
                external_ref: row.get::<Option<String>>("external_ref")?.unwrap_or_default(),
            }),
            None => None,
        },
    })
}
