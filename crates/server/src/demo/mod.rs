//! Demo data: one brand with its stations, suppliers, fleet and two years of claims, loaded through the use
//! cases themselves, so that everything in it could have been typed in.
//!
//! It is the same on every machine and every day: chance, keys and business time repeat themselves, and time
//! ends at a fixed [`anchor`], from which the demo's clock runs on.

mod accounts;
mod adjudication;
mod campaigns;
mod cases;
mod catalog;
mod chance;
mod claims;
mod organizations;
mod plan;
mod rules;
mod vehicles;
mod verdicts;
mod wire;
mod world;

use std::collections::BTreeSet;
use std::sync::Arc;

use chrono::{DateTime, TimeDelta, Utc};
use recourse_domain::ids::OrgId;
use recourse_repository::{Store, StoreError, StoreOptions};
use recourse_service::admission::Identity;

pub use accounts::PASSWORD;
pub use world::Size;

use crate::config::{Config, ControlSection, RetentionSection};
use crate::process::{AnchoredClock, SetClock};
use crate::{StartError, start};
use chance::{Chance, DemoIds};
use claims::{Progress, Workshop};
use plan::Stage;
use wire::Desk;

/// Where demo data is kept unless the caller says otherwise.
pub const DATABASE: &str = "sqlite:recourse-demo.db";

/// One person may do everything in a demo: it is loaded by one, and who tries it out is one.
pub const CONTROL: ControlSection = ControlSection { second_person: false };

/// A demo shows its whole history, which is older than a deployment keeps in its feed.
pub const RETENTION: RetentionSection = RetentionSection { feed_days: 0, sessions_days: 0 };

/// From where a demo may be reached.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reach {
    /// From this machine only.
    Here,
    /// From everywhere its port can be reached from.
    Everywhere,
}

/// Refuses to let others than this machine reach accounts whose password stands in the documentation.
pub(crate) fn check_reach(config: &Config, reach: Reach) -> Result<(), StartError> {
    match config.exposed() {
        Some(address) if reach == Reach::Here => Err(StartError::new(
            "configuration",
            format!(
                "the password of the demo's accounts is published, and {address} can be reached from elsewhere: listen \
                 on 127.0.0.1, or say --expose-demo"
            ),
        )),
        Some(_) | None => Ok(()),
    }
}

/// Whether a store holds the demo, with its published password.
pub(crate) async fn is_demo(store: &Store) -> Result<bool, StoreError> {
    Ok(store.sign_in_user(accounts::LOADER).await?.is_some())
}

/// The tour's vehicle: sold by station S-001 on 2025-09-20, some 21,000 km at the [`anchor`].
pub const TOUR_VIN: &str = "LRCA5G15XSN000001";
/// A fuel pump, 450.00 yuan, which the tour's vehicle has; not serialised.
pub const TOUR_PART: &str = "P-1001";
/// An engine, which the tour's vehicle has; serialised.
pub const TOUR_SERIALIZED_PART: &str = "P-1002";
/// Replaces the fuel pump in 1.80 hours.
pub const TOUR_OPERATION: &str = "OP-1001";
/// The fuel pump seized.
pub const TOUR_FAILURE_CODE: &str = "F-101";

/// The end of the demo's history, where its clock begins: 10:00 in Shanghai on 20 November 2026.
pub fn anchor() -> DateTime<Utc> {
    DateTime::from_timestamp(1_795_140_000, 0).unwrap_or_default()
}

/// The beginning of the demo's history: two years before the anchor.
fn begin() -> DateTime<Utc> {
    anchor() - TimeDelta::days(730)
}

/// A store with demo data.
pub struct Loaded {
    /// The demo's clock: it begins at the anchor, or after whatever was done to the demo since.
    pub clock: AnchoredClock,
    /// Its accounts, as they are printed.
    pub accounts: String,
}

/// What a store holds, as far as the demo is concerned.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Found {
    Nothing,
    Half,
    Whole,
    SomethingElse,
}

/// Loads demo data, unless it is there.
pub async fn prepare(config: &Config, store: &Store) -> Result<Loaded, StartError> {
    prepare_size(config, store, Size::S).await
}

/// Loads demo data of a size, unless there is a demo.
pub async fn prepare_size(config: &Config, store: &Store, size: Size) -> Result<Loaded, StartError> {
    match found(store).await.map_err(|error| StartError::new("demo", error))? {
        Found::Whole => {}
        Found::Nothing => load(config, store, size).await?,
        Found::Half if store.is_postgres() => {
            return Err(StartError::new(
                &config.redacted().database,
                "the loading of the demo was interrupted; drop this database and create it again",
            ));
        }
        Found::Half => {
            tracing::warn!(database = config.database, "the loading of the demo was interrupted; it begins again");
            let again = |error| StartError::new("the half-loaded demo can't be taken away", error);
            store.migrate_down(None).await.map_err(again)?;
            store.migrate().await.map_err(again)?;
            load(config, store, size).await?;
        }
        Found::SomethingElse => {
            return Err(StartError::new(
                &config.redacted().database,
                "holds data that is not the demo's; name another database for the demo",
            ));
        }
    }
    let newest = newest(store).await.map_err(|error| StartError::new("demo", error))?;
    let now = newest.map_or_else(anchor, |newest| newest + TimeDelta::seconds(1));
    Ok(Loaded { clock: AnchoredClock::new(now.max(anchor())), accounts: accounts::listed() })
}

/// The loader's account is created before and disabled after everything else.
async fn found(store: &Store) -> Result<Found, StoreError> {
    Ok(match store.sign_in_user(accounts::LOADER).await? {
        Some((loader, _)) if loader.disabled => Found::Whole,
        Some(_) => Found::Half,
        None if store.has_users().await? => Found::SomethingElse,
        None => Found::Nothing,
    })
}

/// The time of the newest change.
async fn newest(store: &Store) -> Result<Option<DateTime<Utc>>, StoreError> {
    let newest = store.feed_ends().await?.newest;
    let last = store.changes_after(&BTreeSet::from([OrgId::OEM]), newest - 1, None, 1).await?;
    Ok(last.first().map(|item| item.change.time))
}

async fn load(config: &Config, store: &Store, size: Size) -> Result<(), StartError> {
    let config = &Config { control: CONTROL, retention: RETENTION, ..config.clone() };
    let began = std::time::Instant::now();
    let clock = Arc::new(SetClock::new(begin()));
    let ids = Arc::new(DemoIds::new(clock.clone()));
    // Without waiting for the disk: what a crash would lose is made again.
    let options = StoreOptions { max_connections: 2, throw_away: true, ..StoreOptions::new(&config.database) };
    let hasty = if config.database.contains(":memory:") {
        store.clone()
    } else {
        Store::open(options).await.map_err(|error| StartError::new("the store can't be opened", error))?
    };
    let api = start::open_api(config, hasty.clone(), clock.clone(), ids.clone()).await?;
    let loader =
        api.add_admin(accounts::LOADER, PASSWORD).await.map_err(|refusal| StartError::new("demo", refusal.text.en))?;
    let desk = Desk { api, clock: clock.clone() };
    // On the heap: unoptimised, all that it calls would be on the stack of each caller once more.
    Box::pin(fill(&desk, size.counts())).await?;
    clock.set(anchor());
    number(&hasty).await?;
    drop(hasty);
    // The last word is written with care: all before it must have reached the disk.
    settle(&config.database)?;
    let api = start::open_api(config, store.clone(), clock.clone(), ids).await?;
    accounts::retire_loader(&Desk { api, clock }, format!("users/{loader}")).await?;
    number(store).await?;
    tracing::info!(seconds = began.elapsed().as_secs(), "the demo is loaded");
    Ok(())
}

/// Numbers the feed.
async fn number(store: &Store) -> Result<(), StartError> {
    while store.number_changes().await.map_err(|error| StartError::new("demo, change feed", error))? > 0 {}
    Ok(())
}

/// Waits until the file of an SQLite store is on the disk.
fn settle(database: &str) -> Result<(), StartError> {
    let path = database.strip_prefix("sqlite:").map(|path| path.trim_start_matches("//"));
    let Some(path) = path.and_then(|path| path.split('?').next()).filter(|path| !path.contains(":memory:")) else {
        return Ok(());
    };
    let synced = std::fs::File::open(path).and_then(|file| file.sync_all());
    synced.map_err(|error| StartError::new(path, error))
}

/// What happens next in the demo's history.
#[derive(Clone, Copy, Debug)]
enum Event {
    Vehicle(usize),
    Claim(usize, Stage),
}

async fn fill(desk: &Desk, counts: world::Counts) -> Result<(), StartError> {
    let loader = accounts::sign_in(&desk.api, accounts::LOADER).await?;
    let parts = world::parts(counts.parts)?;
    rules::create_setting(desk, &loader).await?;
    organizations::create(desk, &loader, counts.stations, counts.suppliers).await?;
    let people = accounts::create(desk, &loader, counts.stations).await?;
    catalog::create(desk, &loader, counts, &parts).await?;
    rules::create_policies(desk, &loader).await?;
    rules::create_rescue_tariff(desk, &loader).await?;
    let fleet = vehicles::fleet(counts, &parts)?;
    let cars = fleet.clone();
    history(desk, &loader, &people, counts, &parts, fleet).await?;
    cases::create(desk, &people, &cars).await?;
    adjudication::create(desk, &loader).await?;
    campaigns::create(desk, &loader).await
}

/// Lets two years pass: vehicles are sold, fail, are claimed for and judged.
async fn history(
    desk: &Desk,
    loader: &Identity,
    people: &accounts::People,
    counts: world::Counts,
    parts: &[world::PartKind],
    fleet: Vec<vehicles::Car>,
) -> Result<(), StartError> {
    let plans = plan::claims(counts, &fleet, parts);
    let mut chance = Chance::new(31);
    let sold = fleet.iter().enumerate().map(|(index, car)| (car.known_from(&mut chance), Event::Vehicle(index)));
    let mut events: Vec<(DateTime<Utc>, Event)> = sold.collect();
    for (index, plan) in plans.iter().enumerate() {
        events.extend(plan.steps.iter().map(|(time, stage)| (*time, Event::Claim(index, *stage))));
    }
    // Stable: of one instant, what was drawn first comes first.
    events.sort_by_key(|(time, _)| *time);
    let mut progress: Vec<Progress> = plans.iter().map(|_| Progress::default()).collect();
    let mut workshop = Workshop { desk, people, counts, parts, fleet };
    for (time, event) in events {
        desk.clock.set(time);
        match event {
            Event::Vehicle(index) => {
                let car = workshop.fleet[index].clone();
                vehicles::create(desk, loader, counts, parts, index, &car).await?;
            }
            Event::Claim(index, stage) => {
                workshop.step(index, &plans[index], stage, &mut progress[index]).await?;
            }
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn others_reach_the_demo_only_if_somebody_says_so() {
        let exposed = Config { listen: ([0, 0, 0, 0], 8080).into(), ..Config::default() };
        assert!(check_reach(&Config::default(), Reach::Here).is_ok());
        assert!(check_reach(&exposed, Reach::Here).is_err());
        assert!(check_reach(&exposed, Reach::Everywhere).is_ok());
    }
}
