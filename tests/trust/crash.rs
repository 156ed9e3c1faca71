//! A server that is killed without warning, under load, again and again: whatever it acknowledged is there, once,
//! and it starts again without a hand.

use std::time::Duration;

use super::load::{Writer, all_work, settle_and_verify};
use crate::harness::process::Process;
use crate::harness::{Backend, Database, world};

/// Rounds with every test; `just crash` asks for two hundred.
const ROUNDS: u32 = 3;
/// Writers at once.
const WRITERS: usize = 16;

fn rounds() -> u32 {
    std::env::var("RECOURSE_TEST_CRASH_ROUNDS").ok().and_then(|text| text.parse().ok()).unwrap_or(ROUNDS)
}

async fn killed_under_load(backend: Backend) {
    let Some(prepared) = world::prepared(backend).await else { return };
    let database = Database::copy_of(backend, Some(&prepared.database)).await.expect("a database");
    let mut writers: Vec<Writer> = (0..WRITERS).map(|_| Writer::new(&prepared.tokens)).collect();
    let mut ready = Vec::new();
    for round in 0..rounds() {
        let process = Process::over(&database.url).await;
        ready.push(process.ready_after);
        let base = process.base.clone();
        // Each round is cut at another place.
        let cut = Duration::from_millis(250 + u64::from(round) * 137 % 500);
        let killed = tokio::spawn(async move {
            tokio::time::sleep(cut).await;
            process.kill();
        });
        writers = all_work(writers, &base, Duration::from_secs(10)).await;
        killed.await.expect("the killer");
    }
    let process = Process::over(&database.url).await;
    ready.push(process.ready_after);
    let steps = settle_and_verify(&mut writers, &process.base).await;
    assert!(steps > 0, "the writers got something done");
    ready.sort();
    eprintln!(
        "{backend:?}: {} kills, {steps} acknowledged steps, 0 lost, 0 doubled; ready after {:?} (median), {:?} (longest)",
        rounds(),
        ready[ready.len() / 2],
        ready[ready.len() - 1],
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nothing_acknowledged_is_lost_on_sqlite() {
    killed_under_load(Backend::Sqlite).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nothing_acknowledged_is_lost_on_postgres() {
    killed_under_load(Backend::Postgres).await;
}
