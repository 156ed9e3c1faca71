//! Campaigns beside what all master data has: which of them concern a vehicle, what a claim holds, and how far a
//! campaign has come. Of millions of vehicles each question reads an index, never a document.

use std::collections::BTreeMap;

use recourse_domain::access::{Permit, Scope};
use recourse_domain::catalog::{Campaign, CampaignVehicle, CompletionCount, ScopeFilter, Stored};
use recourse_domain::claims::CampaignFact;
use recourse_domain::ids::{ClaimId, Code};

use crate::bulk;
use crate::catalog;
use crate::error::StoreError;
use crate::scope;
use crate::sql::{IntoValue, Row, Runs, Sql};
use crate::store::{Store, Tx};

/// Campaigns of one vehicle that are looked at.
const OF_VEHICLE: u32 = 500;
/// The model under which a campaign is found that reaches all.
const ANY_MODEL: &str = "";

impl Tx<'_> {
    /// The campaigns that may concern a vehicle, and its row in each, in one query: active ones that list it or
    /// whose filter may reach its model, of these the safety recalls alone if only they are asked for; and the
    /// one that is named, whatever it is. A fact for a check: it looks past the caller's scope.
    pub async fn campaigns_of_vehicle(
        &mut self,
        vin: &str,
        model: Option<&Code>,
        named: Option<&Code>,
        only_safety: bool,
    ) -> Result<Vec<CampaignFact>, StoreError> {
        of_vehicle(&self.db, vin, model, named, only_safety).await
    }

    /// The rows of vehicles that a claim holds: one, or none.
    pub async fn campaign_vehicles_of_claim(
        &mut self,
        claim: ClaimId,
    ) -> Result<Vec<Stored<CampaignVehicle>>, StoreError> {
        let columns = catalog::COLUMNS;
        let sql = Sql::new(&format!("SELECT {columns} FROM campaign_vehicle WHERE claim_id = ? ORDER BY code"));
        sql.bind(claim.0).all(&self.db).await?.iter().map(catalog::stored).collect()
    }

    /// Notes which models an active campaign reaches by its filter, so that a vehicle finds it; one that is not
    /// active reaches none.
    pub async fn note_reach(
        &mut self,
        _permit: &Permit,
        campaign: &Stored<Campaign>,
        is_active: bool,
    ) -> Result<(), StoreError> {
        Sql::new("DELETE FROM campaign_reach WHERE campaign_id = ?").bind(campaign.id).execute(&self.db).await?;
        let Some(filter) = campaign.value.scope.as_ref().filter(|_| is_active) else { return Ok(()) };
        let models: Vec<&str> =
            if filter.models.is_empty() { vec![ANY_MODEL] } else { filter.models.iter().map(Code::as_str).collect() };
        let code = campaign.value.code.as_str();
        let row = |model: &str| vec![model.into_value(), code.into_value(), campaign.id.into_value()];
        let rows = models.into_iter().map(row).collect();
        bulk::write_rows(&self.db, "INSERT INTO campaign_reach (model, campaign, campaign_id) VALUES", rows, "")
            .await?;
        Ok(())
    }

    /// How far a campaign has come, by model if that is asked for, else under one empty name: at most three
    /// queries, whatever it reaches.
    pub async fn campaign_completion(
        &mut self,
        scope: &Scope,
        campaign: &Campaign,
        by_model: bool,
    ) -> Result<BTreeMap<String, CompletionCount>, StoreError> {
        let mut counts: BTreeMap<String, CompletionCount> = BTreeMap::new();
        let reach = || scope::condition(scope, &scope::record("campaign_vehicle"));
        let model = if by_model { "x.model" } else { "''" };
        let join = if by_model { " JOIN vehicle x ON x.code = v.vin" } else { "" };
        let group = if by_model { "x.model, v.state, v.listed" } else { "v.state, v.listed" };
        let mut sql = Sql::new(&format!(
            "SELECT {model} AS model, v.state AS state, v.listed AS listed, COUNT(*) AS vehicles \
             FROM campaign_vehicle v{join} WHERE v.campaign = ? AND "
        ))
        .bind(campaign.code.as_str());
        sql.append(reach()).push(&format!(" GROUP BY {group}"));
        let mut any_listed = false;
        for row in sql.all(&self.db).await? {
            let (state, listed, vehicles): (String, bool, i64) =
                (row.get("state")?, row.get("listed")?, row.get("vehicles")?);
            any_listed |= listed;
            let count = counts.entry(model_of(&row)?).or_default();
            // What is not listed has a row because the filter reached it, and is counted with the filter.
            count.in_scope += if listed { vehicles } else { 0 };
            match state.as_str() {
                "OPEN" => {}
                "IN_PROGRESS" => count.in_progress += vehicles,
                "COMPLETED" => count.completed += vehicles,
                "EXEMPT" => count.exempt += vehicles,
                other => return Err(StoreError::corrupt("campaign_vehicle", "state", &campaign.code, other)),
            }
        }
        let Some(filter) = &campaign.scope else { return Ok(counts) };
        let group = if by_model { " GROUP BY x.model" } else { "" };
        let mut sql = Sql::new(&format!("SELECT {model} AS model, COUNT(*) AS vehicles FROM vehicle x WHERE "));
        sql.append(reached_by(filter)).push(group);
        for row in sql.all(&self.db).await? {
            counts.entry(model_of(&row)?).or_default().in_scope += row.get::<i64>("vehicles")?;
        }
        if any_listed {
            // Who is on the list and within the filter is one vehicle.
            let mut sql = Sql::new(&format!(
                "SELECT {model} AS model, COUNT(*) AS vehicles FROM campaign_vehicle v \
                 JOIN vehicle x ON x.code = v.vin WHERE v.campaign = ? AND v.listed AND "
            ))
            .bind(campaign.code.as_str());
            sql.append(reached_by(filter)).push(group);
            for row in sql.all(&self.db).await? {
                counts.entry(model_of(&row)?).or_default().in_scope -= row.get::<i64>("vehicles")?;
            }
        }
        Ok(counts)
    }
}

impl Store {
    /// The active campaigns that may concern a vehicle, and its row in each: see [`Tx::campaigns_of_vehicle`].
    pub async fn campaigns_of_vehicle(
        &self,
        vin: &str,
        model: &Code,
        only_safety: bool,
    ) -> Result<Vec<CampaignFact>, StoreError> {
        of_vehicle(&self.reader, vin, Some(model), None, only_safety).await
    }

    /// How far a campaign has come, as it stood at one moment: see [`Tx::campaign_completion`].
    pub async fn campaign_completion(
        &self,
        scope: &Scope,
        campaign: &Campaign,
        by_model: bool,
    ) -> Result<BTreeMap<String, CompletionCount>, StoreError> {
        self.read(|tx| Box::pin(async move { tx.campaign_completion(scope, campaign, by_model).await })).await
    }
}

async fn of_vehicle(
    on: &impl Runs,
    vin: &str,
    model: Option<&Code>,
    named: Option<&Code>,
    only_safety: bool,
) -> Result<Vec<CampaignFact>, StoreError> {
    let named = named.map_or("", Code::as_str);
    let safety = if only_safety { " AND c.safety" } else { "" };
    let rows = Sql::new(&format!(
        "SELECT c.id AS id, c.body AS body, v.body AS vehicle_body FROM campaign c \
         LEFT JOIN campaign_vehicle v ON v.campaign = c.code AND v.vin = ? \
         WHERE c.code IN (SELECT r.campaign FROM campaign_reach r WHERE r.model IN (?, ?) \
         UNION ALL SELECT l.campaign FROM campaign_vehicle l WHERE l.vin = ? \
         UNION ALL SELECT n.code FROM campaign n WHERE n.code = ?) \
         AND (c.code = ? OR (c.state = 'ACTIVE'{safety})) ORDER BY c.code LIMIT {OF_VEHICLE}"
    ))
    .bind(vin)
    .bind(model.map_or(ANY_MODEL, Code::as_str))
    .bind(ANY_MODEL)
    .bind(vin)
    .bind(named)
    .bind(named)
    .all(on)
    .await?;
    rows.iter().map(fact).collect()
}

fn fact(row: &Row) -> Result<CampaignFact, StoreError> {
    let vehicle = row.get::<Option<String>>("vehicle_body")?;
    Ok(CampaignFact {
        campaign: row.document("body")?,
        vehicle: vehicle.map(|_| row.document("vehicle_body")).transpose()?,
    })
}

fn model_of(row: &Row) -> Result<String, StoreError> {
    Ok(row.get::<Option<String>>("model")?.unwrap_or_default())
}

/// The vehicles `x` that a filter reaches: the same as [`ScopeFilter::reaches`] says of one.
fn reached_by(filter: &ScopeFilter) -> Sql {
    let ScopeFilter { models, build_from, build_until, plants, lots, drivetrains, vin_ranges } = filter;
    let mut sql = Sql::new("1 = 1");
    let mut among = |column: &str, values: Vec<&str>| {
        if !values.is_empty() {
            sql.push(&format!(" AND {column} IN ")).push_list(values);
        }
    };
    among("x.model", models.iter().map(Code::as_str).collect());
    among("x.plant", plants.iter().map(Code::as_str).collect());
    among("x.lot", lots.iter().map(String::as_str).collect());
    among("x.drivetrain", drivetrains.iter().map(|drivetrain| drivetrain.word()).collect());
    if let Some(first) = build_from {
        sql.push(" AND x.build_date >= ?").add(*first);
    }
    if let Some(last) = build_until {
        sql.push(" AND x.build_date <= ?").add(*last);
    }
    for (index, range) in vin_ranges.iter().enumerate() {
        let (first, last) = (range.first_serial.as_str(), range.last_serial.as_str());
        sql.push(if index == 0 { " AND (" } else { " OR " });
        // The prefix as a range of the code's index: no character of a VIN comes after Z.
        sql.push("(x.code >= ? AND x.code < ? AND SUBSTR(x.code, 10, 8) BETWEEN ? AND ?)");
        sql.add(range.prefix.as_str()).add(format!("{}[", range.prefix)).add(first).add(last);
    }
    if !vin_ranges.is_empty() {
        sql.push(")");
    }
    sql
}
