//! A backup is one moment of everything, and can be restored into either database.

use std::os::unix::fs::PermissionsExt;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};

use recourse_proto::Method;
use recourse_repository::{Cell, CellKind, Piece, Store, StoreOptions, TableShape, TransferError};
use recourse_server::backup;
use recourse_service::verify::verify_store;
use serde_json::{Value, json};

use super::Folder;
use crate::harness::client::Client;
use crate::harness::world::{World, pump_claim};
use crate::harness::{Backend, Database, Server};
use crate::on_both_databases;

/// A database of the other kind, or of the same where there is only one.
async fn elsewhere(server: &Server) -> Database {
    let here = server.running.api.store().is_postgres();
    let other = if here { Backend::Sqlite } else { Backend::Postgres };
    match Database::create(other).await {
        Some(database) => database,
        None => Database::create(Backend::Sqlite).await.unwrap(),
    }
}

async fn opened(database: &Database) -> Store {
    Store::open(StoreOptions::new(&database.url)).await.unwrap()
}

/// A claim that was approved, so that the ledger has entries.
async fn approved(world: &World, repair_order: &str) -> String {
    let mut claim = pump_claim();
    claim["externalRepairOrder"] = json!(repair_order);
    let name = world.submitted(claim).await;
    let reviewed = world.auditor.post(&format!("/v1/{name}:startReview"), json!({})).await.ok();
    let verdicts = json!([{"lineNumber": 1, "outcome": "APPROVED"}, {"lineNumber": 2, "outcome": "APPROVED"}]);
    let decision = json!({"etag": reviewed["etag"], "lineDecisions": verdicts});
    world.auditor.post(&format!("/v1/{name}:adjudicate"), decision).await.ok();
    name
}

/// Every list of the contract as a caller reads it.
async fn lists(caller: &Client) -> Vec<(String, u16, Value)> {
    let mut found = Vec::new();
    for rule in Method::ALL.iter().flat_map(|method| method.spec().http) {
        let is_list = rule.verb == http::Method::GET && !rule.template.contains(['{', ':']);
        // What the caller's own session does meanwhile is no content.
        if is_list && !rule.template.contains("sessions") {
            let mut answer = caller.get(rule.template).await;
            if let Some(object) = answer.body.as_object_mut() {
                object.remove("requestId");
            }
            found.push((rule.template.to_owned(), answer.status, answer.body));
        }
    }
    assert!(found.iter().filter(|(_, status, _)| *status == 200).count() >= 3, "{found:?}");
    found
}

on_both_databases! {
    async fn a_backup_under_load_is_one_moment_and_restores_into_the_other_database(server) {
        let world = World::load(&server).await;
        approved(&world, "RO-1").await;
        let folder = Folder::new();
        let stop = Arc::new(AtomicBool::new(false));
        let written = Arc::new(AtomicU32::new(0));
        let writers: Vec<_> = (0..3)
            .map(|writer| {
                let (station, stop, written) = (world.station.clone(), Arc::clone(&stop), Arc::clone(&written));
                tokio::spawn(async move {
                    while !stop.load(Ordering::Relaxed) {
                        let mut claim = pump_claim();
                        let number = written.fetch_add(1, Ordering::Relaxed);
                        claim["externalRepairOrder"] = json!(format!("RO-BUSY-{writer}-{number}"));
                        let created = station.post("/v1/claims", claim).await.ok();
                        station.post(&format!("/v1/{}:submit", created["name"].as_str().unwrap()), json!({})).await.ok();
                    }
                })
            })
            .collect();
        while written.load(Ordering::Relaxed) < 6 {
            tokio::time::sleep(std::time::Duration::from_millis(10)).await;
        }
        let file = folder.file("busy.backup");
        let store = server.running.api.store();
        let taken = backup::backup(store, &file).await.unwrap();
        stop.store(true, Ordering::Relaxed);
        for writer in writers {
            writer.await.unwrap();
        }
        assert_eq!(std::fs::metadata(&file).unwrap().permissions().mode() & 0o777, 0o600);
        assert_eq!(std::fs::read_dir(&folder.0).unwrap().count(), 1, "no partial file stays");
        assert!(backup::backup(store, &file).await.is_err(), "no backup is replaced");
        assert_eq!(backup::check(&file).unwrap(), taken);
        assert!(taken.tables["claim"].rows >= 4 && taken.tables["ledger_posting"].rows >= 4, "{taken:?}");

        let database = elsewhere(&server).await;
        let target = opened(&database).await;
        assert_eq!(backup::restore(&target, &file).await.unwrap(), taken);
        let report = verify_store(&target).await.unwrap();
        assert_eq!(report.faults().collect::<Vec<_>>(), Vec::<&str>::new());
        assert!(report.entries >= 1 && report.history.changes > 20, "{report:?}");
        // The same content has the same hashes, whichever database it stands in.
        let again = backup::backup(&target, &folder.file("again.backup")).await.unwrap();
        assert_eq!(again.tables, taken.tables);

        let refused = backup::restore(&target, &file).await.unwrap_err().to_string();
        assert!(refused.contains("not empty"), "{refused}");
    }

    async fn every_list_reads_the_same_after_a_restore(server) {
        let world = World::load(&server).await;
        approved(&world, "RO-1").await;
        server.running.api.store().number_changes().await.unwrap();
        let folder = Folder::new();
        let file = folder.file("quiet.backup");
        let taken = backup::backup(server.running.api.store(), &file).await.unwrap();
        assert!(!taken.tables.contains_key("lease"), "a lease of a server that is gone would be waited for");
        let database = elsewhere(&server).await;
        backup::restore(&opened(&database).await, &file).await.unwrap();
        let restored = Server::over(database, server.tokens.clone()).await;
        let there = World::load(&restored).await;
        for (before, after) in [
            (&world.admin, &there.admin),
            (&world.auditor, &there.auditor),
            (&world.finance, &there.finance),
            (&world.station, &there.station),
        ] {
            assert_eq!(lists(after).await, lists(before).await);
        }
        // And it goes on from where it was.
        approved(&there, "RO-2").await;
        assert_eq!(there.finance.get("/v1/ledger:verify").await.ok()["intact"], json!(true));
    }

    async fn a_damaged_backup_is_refused_before_anything_is_written(server) {
        let folder = Folder::new();
        let file = folder.file("whole.backup");
        backup::backup(server.running.api.store(), &file).await.unwrap();
        let whole = std::fs::read(&file).unwrap();
        let database = elsewhere(&server).await;
        let target = opened(&database).await;
        for (index, damaged) in [
            whole[..whole.len() / 2].to_vec(),
            whole[..whole.len() - 9].to_vec(),
            [&whole[..], b"more"].concat(),
            flipped(&whole, whole.len() / 2),
            flipped(&whole, whole.len() - 30),
            b"no backup at all".to_vec(),
            Vec::new(),
        ]
        .into_iter()
        .enumerate()
        {
            let file = folder.file(&format!("damaged-{index}"));
            std::fs::write(&file, damaged).unwrap();
            let refused = backup::restore(&target, &file).await.unwrap_err().to_string();
            assert!(refused.contains("no whole backup"), "{index}: {refused}");
        }
        backup::restore(&target, &file).await.unwrap();
    }

    async fn what_fails_half_way_leaves_the_database_empty(server) {
        let steps = server.running.api.store().schema().await.unwrap().taken;
        let database = elsewhere(&server).await;
        let target = opened(&database).await;
        let table = |name: &str, column: &str, kind| {
            Piece::Table(TableShape { name: name.to_owned(), columns: vec![(column.to_owned(), kind)] })
        };
        let pending = || table("change_pending", "change_id", CellKind::Binary);
        let cases: Vec<(&str, Vec<Piece>)> = vec![
            ("begin with its schema", vec![pending()]),
            ("not one of this release", vec![Piece::Schema(vec!["m9999_of_the_future".to_owned()])]),
            ("no such table", vec![Piece::Schema(steps.clone()), table("elsewhere", "id", CellKind::Text)]),
            ("no such column", vec![Piece::Schema(steps.clone()), table("claim", "colour", CellKind::Text)]),
            ("does not fit", vec![Piece::Schema(steps.clone()), pending(), Piece::Row(vec![Cell::Integer(1)])]),
            ("before its first table", vec![Piece::Schema(steps.clone()), Piece::Row(vec![Cell::Null])]),
        ];
        for (why, pieces) in cases {
            let mut pieces = pieces.into_iter();
            let refused = target.load(move || Ok(pieces.next())).await.unwrap_err();
            assert!(!matches!(refused, TransferError::Store(_)) && refused.to_string().contains(why), "{why}: {refused}");
        }
        // An archive of an earlier release is brought up to date behind its rows.
        let earlier = steps[..2].to_vec();
        let mut pieces = [Piece::Schema(earlier), pending(), Piece::Row(vec![Cell::Binary(vec![7; 16])])].into_iter();
        target.load(move || Ok(pieces.next())).await.unwrap();
        assert_eq!(target.schema().await.unwrap().taken, steps);
        assert_eq!(target.feed_backlog().await.unwrap().waiting, 1);
    }
}

fn flipped(whole: &[u8], place: usize) -> Vec<u8> {
    let mut damaged = whole.to_vec();
    damaged[place] ^= 0x10;
    damaged
}
