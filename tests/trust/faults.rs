//! A database that goes away, falls silent, or has no room: the server stays, says what it can't do, and heals by
//! itself; nothing that it acknowledged is lost.

use std::time::{Duration, Instant};

use sea_orm::ConnectionTrait;

use super::load::{Writer, acknowledged_steps, all_work, settle_and_verify};
use crate::harness::cluster::Cluster;
use crate::harness::process::Process;
use crate::harness::small_disk::SmallDisk;
use crate::harness::{Backend, Database, postgres, world};

/// From the end of a fault until the server is ready again, on a machine with other things to do.
const HEALED: Duration = Duration::from_secs(10);

async fn until_ready(process: &mut Process, fault: &str) {
    let began = Instant::now();
    assert!(process.is_ready_within(HEALED).await, "{fault}: not ready again after {HEALED:?}");
    assert!(process.runs(), "{fault}: the server ended");
    eprintln!("{fault}: ready again {:?} after its end", began.elapsed());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn postgres_may_restart_lose_its_backends_and_freeze_under_load() {
    let Some(cluster) = Cluster::start("faults", None) else { return };
    postgres::create_database(&cluster.url("postgres"), "recourse", None).await;
    let prepared = world::prepare_in(Database::at(cluster.url("recourse"))).await;
    let mut process = Process::over(&cluster.url("recourse")).await;
    let base = process.base.clone();
    let writers: Vec<Writer> = (0..8).map(|_| Writer::new(&prepared.tokens)).collect();
    let working = tokio::spawn(async move { all_work(writers, &base, Duration::from_secs(14)).await });

    tokio::time::sleep(Duration::from_secs(1)).await;
    let admin = sea_orm::Database::connect(cluster.url("postgres")).await.expect("the cluster");
    let kill = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = 'recourse'";
    admin.execute_unprepared(kill).await.expect("the backends' end");
    until_ready(&mut process, "backends killed").await;
    drop(admin);

    tokio::time::sleep(Duration::from_secs(1)).await;
    cluster.crash_and_restart();
    until_ready(&mut process, "crashed and restarted").await;

    tokio::time::sleep(Duration::from_secs(1)).await;
    cluster.freeze(Duration::from_secs(3)).await;
    until_ready(&mut process, "frozen for 3 s").await;

    let mut writers = working.await.expect("the writers");
    let steps = settle_and_verify(&mut writers, &process.base).await;
    assert!(steps > 0, "the writers got something done");
}

fn told_to_come_back(writers: &[Writer]) -> usize {
    writers.iter().map(|writer| writer.put_off).sum()
}

/// Works until the disk is full, checks that reads go on and nothing is half written, makes room, goes on.
async fn full_and_freed(disk: &SmallDisk, room: u32, mut process: Process, mut writers: Vec<Writer>, token: &str) {
    let probe = Writer::new(&[("s001", token.to_owned()), ("auditor", token.to_owned())].into());
    let deadline = Instant::now() + Duration::from_secs(60);
    let done = loop {
        let (before, put_off) = (acknowledged_steps(&writers), told_to_come_back(&writers));
        writers = all_work(writers, &process.base, Duration::from_secs(2)).await;
        let done = acknowledged_steps(&writers);
        if done == before && told_to_come_back(&writers) > put_off {
            break done;
        }
        assert!(Instant::now() < deadline, "the disk did not fill");
    };
    assert!(process.runs(), "the server stays");
    assert!(probe.read(&process.base, "/v1/parts", token).await.is_some(), "reads go on");
    disk.grow_to_mib(room);
    until_ready(&mut process, "disk full").await;
    writers = all_work(writers, &process.base, Duration::from_secs(2)).await;
    assert!(acknowledged_steps(&writers) > done, "work goes on without a restart");
    settle_and_verify(&mut writers, &process.base).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_full_disk_under_sqlite_refuses_and_recovers() {
    let Some(prepared) = world::prepared(Backend::Sqlite).await else { return };
    let Some(disk) = SmallDisk::of_mib("sqlite", 16) else { return };
    let file = disk.path("small.db");
    std::fs::copy(prepared.database.url.trim_start_matches("sqlite:"), &file).expect("a copy");
    let process = Process::over(&format!("sqlite:{}", file.display())).await;
    disk.leave_kib(1024);
    let writers: Vec<Writer> = (0..8).map(|_| Writer::new(&prepared.tokens)).collect();
    full_and_freed(&disk, 256, process, writers, &prepared.tokens["auditor"]).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_full_disk_under_postgres_refuses_and_recovers() {
    let Some(disk) = SmallDisk::of_mib("postgres", 128) else { return };
    let Some(cluster) = Cluster::start("full", Some(&disk.folder)) else { return };
    postgres::create_database(&cluster.url("postgres"), "recourse", None).await;
    let prepared = world::prepare_in(Database::at(cluster.url("recourse"))).await;
    let process = Process::over(&cluster.url("recourse")).await;
    disk.leave_kib(1024);
    let writers: Vec<Writer> = (0..8).map(|_| Writer::new(&prepared.tokens)).collect();
    full_and_freed(&disk, 512, process, writers, &prepared.tokens["auditor"]).await;
    drop(cluster);
}
