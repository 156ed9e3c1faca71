//! The bytes of attachments outlive their server, are verified, and are copied with a backup.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::time::Duration;

use serde_json::{Value, json};

use super::{Folder, complaint, printed, run, sql};
use crate::api::attachments::{offset, piece, png, raw, sent};
use crate::harness::client::Client;
use crate::harness::process::Process;
use crate::harness::wire::Wire;
use crate::harness::world::World;
use crate::harness::{Backend, Database, world};
use crate::on_both_databases;

const QUIET: [(&str, &str); 3] =
    [("RECOURSE_LOG", "error"), ("RECOURSE_METRICS_LISTEN", "off"), ("RECOURSE_ACCOUNTS__CALLS_PER_SECOND", "0")];

async fn killed_in_an_upload(backend: Backend) {
    let Some(prepared) = world::prepared(backend).await else { return };
    let database = Database::copy_of(backend, Some(&prepared.database)).await.unwrap();
    let (folder, bytes) = (Folder::new(), png(640, 480, 1, 5_000_000));
    let files = folder.0.join("files").display().to_string();
    let settings = [&QUIET[..], &[("RECOURSE_ATTACHMENTS__FOLDER", files.as_str())]].concat();
    let process = Process::serve(&folder.0, &database.url, &settings).await;
    let station = Client::to(&process.base).with_token(&prepared.tokens["s001"]);
    let attachment = json!({"category": "PHOTO", "sizeBytes": bytes.len().to_string()});
    let created = station.post("/v1/attachments", attachment).await.ok();
    let id = created["name"].as_str().unwrap().trim_start_matches("attachments/").to_owned();
    let mut line = Wire::connect(&process.base).await;
    let head = format!(
        "PATCH /v1/uploads/{id} HTTP/1.1\r\nhost: recourse\r\nauthorization: Bearer {}\r\ntus-resumable: 1.0.0\r\n\
         content-type: application/offset+octet-stream\r\nupload-offset: 0\r\ncontent-length: {}\r\n\r\n",
        prepared.tokens["s001"],
        bytes.len()
    );
    line.send(&head).await.unwrap();
    line.send_bytes(&bytes[..3_500_000]).await.unwrap();
    let mut told = 0;
    while told < 2_000_000 {
        tokio::time::sleep(Duration::from_millis(20)).await;
        told = offset(&station, &process.base, &id).await;
    }
    process.kill();
    let process = Process::serve(&folder.0, &database.url, &settings).await;
    let station = Client::to(&process.base).with_token(&prepared.tokens["s001"]);
    let from = offset(&station, &process.base, &id).await;
    assert!((told..=3_500_000).contains(&from), "{told} bytes were told, {from} are there");
    assert_eq!(piece(&station, &process.base, &id, from, &bytes[from..], &[]).await.status, 204);
    let file = raw(&station, &process.base, "GET", &format!("/v1/attachments/{id}:download"), &[], Vec::new()).await;
    assert!(file.body == bytes);
    process.kill();
    // What the killed server left beside its rows is gone.
    let objects = std::fs::read_dir(Path::new(&files).join(&id)).unwrap().count();
    assert!((5..=7).contains(&objects), "{objects}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_upload_goes_on_after_its_server_was_killed_on_sqlite() {
    killed_in_an_upload(Backend::Sqlite).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_upload_goes_on_after_its_server_was_killed_on_postgres() {
    killed_in_an_upload(Backend::Postgres).await;
}

/// Every object under a folder.
fn objects(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(folder).into_iter().flatten().flatten() {
        let path = entry.path();
        if path.is_dir() { found.extend(objects(&path)) } else { found.push(path) }
    }
    found.sort();
    found
}

on_both_databases! {
    async fn flipped_and_missing_bytes_are_found_and_a_copy_mends_them(server) {
        let world = World::load(&server).await;
        let (base, folder) = (server.base.as_str(), Folder::new());
        sent(&world.station, base, json!({"category": "PHOTO"}), &png(64, 64, 1, 1_500_000)).await;
        sent(&world.station, base, json!({"category": "OTHER"}), b"words").await;
        let url = server.database.url.clone();
        let files = server.database.attachments().unwrap_or_else(|| Path::new(url.trim_start_matches("sqlite:")).with_file_name("test-attachments"));
        let setting = files.display().to_string();
        let look = || {
            let settings = [("RECOURSE_ATTACHMENTS__FOLDER", setting.as_str())];
            let verified = crate::harness::process::command(&folder.0, &["verify", "--json", "--database", &url], &settings).output().unwrap();
            let report: Value = serde_json::from_slice(&verified.stdout).unwrap_or_else(|_| panic!("{}", complaint(&verified)));
            (verified.status.success(), report)
        };
        let (well, report) = look();
        assert!(well && report["attachments"] == 2 && report["attachmentBytes"] == 1_500_005, "{report:#}");
        let pieces = objects(&files);
        assert_eq!(pieces.len(), 3);
        let (backup, copy) = (folder.0.join("all.gz").display().to_string(), folder.0.join("copy"));
        let arguments = ["backup", &backup, "--database", &url, "--attachments", &copy.display().to_string()];
        let settings = [("RECOURSE_ATTACHMENTS__FOLDER", setting.as_str())];
        let made = crate::harness::process::command(&folder.0, &arguments, &settings).output().unwrap();
        assert!(made.status.success() && printed(&made).contains("2 attachments, 3 pieces"), "{} {}", printed(&made), complaint(&made));
        assert_eq!(objects(&copy).len(), 3);
        let told = run(&folder.0, &["backup", &folder.0.join("two.gz").display().to_string(), "--database", &url]);
        assert!(printed(&told).contains("not in it"), "{}", printed(&told));

        let mut bytes = std::fs::read(&pieces[0]).unwrap();
        bytes[3] ^= 1;
        std::fs::write(&pieces[0], &bytes).unwrap();
        let (well, report) = look();
        assert!(!well && report["faults"].as_array().is_some_and(|faults| faults.len() == 1), "{report:#}");
        assert!(report["faults"][0].as_str().is_some_and(|fault| fault.contains("SHA-256")), "{report:#}");
        std::fs::remove_file(&pieces[2]).unwrap();
        let (well, report) = look();
        assert!(!well && report["faults"].as_array().is_some_and(|faults| faults.len() == 2), "{report:#}");
        assert!(report["faults"].to_string().contains("missing"), "{report:#}");
        for (from, to) in objects(&copy).iter().zip(&pieces) {
            std::fs::copy(from, to).unwrap();
        }
        assert!(look().0);
        // A row that says otherwise than the bytes is a fault as well.
        sql(&url, "DELETE FROM attachment_part WHERE start > 0").await;
        assert!(!look().0);
    }
}

/// A copy that is made while files are sent holds the bytes of every attachment that its backup names.
async fn copied_while_files_are_sent(server: crate::harness::Server) {
    let world = World::load(&server).await;
    let folder = Folder::new();
    let url = server.database.url.clone();
    let files = server
        .database
        .attachments()
        .unwrap_or_else(|| Path::new(url.trim_start_matches("sqlite:")).with_file_name("test-attachments"));
    let stop = Arc::new(AtomicBool::new(false));
    let written = Arc::new(AtomicU32::new(0));
    let writers: Vec<_> = (0..3_u8)
        .map(|writer| {
            let (station, base) = (world.station.clone(), server.base.clone());
            let (stop, written) = (Arc::clone(&stop), Arc::clone(&written));
            tokio::spawn(async move {
                let mut number = 0_u32;
                while !stop.load(Ordering::Relaxed) {
                    number += 1;
                    let bytes = png(64 + number, 64, writer, 40_000 + usize::from(writer));
                    sent(&station, &base, json!({"category": "PHOTO"}), &bytes).await;
                    written.fetch_add(1, Ordering::Relaxed);
                }
            })
        })
        .collect();
    while written.load(Ordering::Relaxed) < 6 {
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    let (backup, copy) = (folder.0.join("busy.gz").display().to_string(), folder.0.join("copy").display().to_string());
    let setting = files.display().to_string();
    let command = |arguments: &[&str], attachments: &str| {
        let settings = [("RECOURSE_ATTACHMENTS__FOLDER", attachments)];
        let output = crate::harness::process::command(&folder.0, arguments, &settings).output().unwrap();
        assert!(output.status.success(), "{arguments:?}: {} {}", printed(&output), complaint(&output));
        printed(&output)
    };
    // The writers go on meanwhile.
    tokio::task::block_in_place(|| command(&["backup", &backup, "--database", &url, "--attachments", &copy], &setting));
    stop.store(true, Ordering::Relaxed);
    for writer in writers {
        writer.await.unwrap();
    }
    let restored = Database::create(Backend::Sqlite).await.unwrap();
    command(&["restore", &backup, "--database", &restored.url], &copy);
    let report: Value =
        serde_json::from_str(&command(&["verify", "--json", "--database", &restored.url], &copy)).unwrap();
    assert_eq!((&report["intact"], report["attachments"].as_u64().unwrap() >= 6), (&json!(true), true), "{report:#}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_copy_under_load_is_whole_on_sqlite() {
    copied_while_files_are_sent(crate::harness::Server::start(Backend::Sqlite).await.unwrap()).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_copy_under_load_is_whole_on_postgres() {
    if let Some(server) = crate::harness::Server::start(Backend::Postgres).await {
        copied_while_files_are_sent(server).await;
    }
}
