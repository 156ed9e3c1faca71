//! The figures of slow clients and of overload: the built binary with its default limits, over minutes.
//!
//! `just soak` runs it against the release binary and prints the figures. Ignored in the suite, for it takes
//! minutes and wants the machine for itself. Half of the processors are the server's and the database's, the other
//! half the callers': ten times the calls are made by somebody else's machine, not by the one that is measured.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, LazyLock};
use std::time::{Duration, Instant};

use serde_json::json;
use tokio::task::JoinSet;

use crate::harness::client::Client;
use crate::harness::process::Process;
use crate::harness::wire::{Wire, get, percentile, post};
use crate::harness::world::{self, VIN, pump_claim};
use crate::harness::{Backend, Database};

/// Slow clients of each of three kinds.
const SLOW: usize = 200;
/// Connections of the overload.
const CROWD: usize = 600;

struct Stage {
    process: Process,
    token: String,
    _database: Database,
}

/// Keeps this process, with all its threads, and what it starts from now on to some of the processors.
fn keep_to(processors: &str) -> bool {
    let own = std::process::id().to_string();
    let kept = std::process::Command::new("taskset").args(["-acp", processors, &own]).output();
    kept.is_ok_and(|output| output.status.success())
}

/// The processors of the server, and those of its callers; `None` if there is but one. Found out once: later this
/// process has but its half.
static HALVES: LazyLock<Option<[String; 2]>> = LazyLock::new(|| {
    let count = std::thread::available_parallelism().map_or(1, usize::from);
    (count > 1).then(|| [format!("0-{}", count / 2 - 1), format!("{}-{}", count / 2, count - 1)])
});

/// A server with its database on one half of the machine, and this process on the other.
async fn stage(backend: Backend) -> Option<Stage> {
    let is_apart = HALVES.as_ref().is_some_and(|[servers, _]| keep_to(servers));
    let stage = stage_here(backend).await;
    if let Some([_, callers]) = HALVES.as_ref().filter(|_| is_apart) {
        assert!(keep_to(callers), "callers on {callers}");
    } else {
        eprintln!("server, database and callers share the processors: the figures are worse than they are");
    }
    stage
}

async fn stage_here(backend: Backend) -> Option<Stage> {
    let prepared = world::prepared(backend).await?;
    let database = Database::copy_of(backend, Some(&prepared.database)).await?;
    // The crowd stands for many callers and has one account: what one caller may do is not what is measured.
    let settings = [("RECOURSE_LOG", "error"), ("RECOURSE_ACCOUNTS__CALLS_PER_SECOND", "0")];
    let process = Process::serve(&std::env::temp_dir(), &database.url, &settings).await;
    Some(Stage { process, token: prepared.tokens["s001"].clone(), _database: database })
}

/// A client that calls one after the other until it is told to stop; its times in the order of its calls.
fn normal_client(base: &str, call: String, stop: &Arc<AtomicBool>) -> tokio::task::JoinHandle<Vec<Duration>> {
    let (base, stop) = (base.to_owned(), Arc::clone(stop));
    tokio::spawn(async move {
        let (mut wire, mut times) = (Wire::connect(&base).await, Vec::new());
        while !stop.load(Ordering::Relaxed) {
            let sent = Instant::now();
            let answered = wire.send(&call).await.is_ok();
            match wire.reply().await.filter(|_| answered) {
                Some(reply) => assert_eq!(reply.status, 200),
                // Closed between two calls: a library would connect again, too.
                None => wire = Wire::connect(&base).await,
            }
            times.push(sent.elapsed());
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        times
    })
}

async fn slow_clients(backend: Backend) {
    let Some(stage) = stage(backend).await else { return };
    let (base, call) = (stage.process.base.clone(), get(&format!("/v1/vehicles/{VIN}"), &stage.token));
    let quiet = Arc::new(AtomicBool::new(false));
    let before = normal_client(&base, call.clone(), &quiet);
    tokio::time::sleep(Duration::from_secs(3)).await;
    quiet.store(true, Ordering::Relaxed);
    let mut before = before.await.expect("a client");
    let memory_before = stage.process.memory_kb();

    let body =
        "POST /v1/claims HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\ncontent-length: 1000000\r\n\r\n{";
    let kinds =
        [("headers", "GET /v1/claims HTTP/1.1\r\nhost: x\r\n", "x-a: b\r\n"), ("silent", "", ""), ("body", body, " ")];
    let mut clients = JoinSet::new();
    for (kind, first, piece) in kinds {
        for _ in 0..SLOW {
            let base = base.clone();
            clients.spawn(async move {
                let (_, took) = Wire::connect(&base).await.drip(first, piece, Duration::from_secs(1)).await;
                (kind, took)
            });
        }
    }
    let stop = Arc::new(AtomicBool::new(false));
    let normal = normal_client(&base, call, &stop);
    tokio::time::sleep(Duration::from_secs(5)).await;
    let memory = stage.process.memory_kb().saturating_sub(memory_before);
    let mut longest = [Duration::ZERO; 3];
    while let Some(client) = clients.join_next().await {
        let (kind, took) = client.expect("a client");
        let place = kinds.iter().position(|(known, ..)| *known == kind).expect("a kind");
        longest[place] = longest[place].max(took);
    }
    stop.store(true, Ordering::Relaxed);
    let mut times = normal.await.expect("a client");
    let (p99, p99_before) = (percentile(&mut times, 0.99), percentile(&mut before, 0.99));
    eprintln!(
        "{backend:?}: {} slow clients: headers ended after {:.1?} (goal 35 s), silent {:.1?} (90 s), bodies {:.1?} (70 s); \
         a normal client's p99 {p99:.1?} of {} calls (goal 500 ms; alone {p99_before:.1?}); memory +{} MiB (goal 128)",
        3 * SLOW,
        longest[0],
        longest[1],
        longest[2],
        times.len(),
        memory / 1024
    );
    assert!(longest[0] <= Duration::from_secs(35) && longest[1] <= Duration::from_secs(90));
    assert!(longest[2] <= Duration::from_secs(70) && p99 <= Duration::from_millis(500));
    assert!(memory <= 128 * 1024);
    stage.process.signal("-TERM");
    assert_eq!(stage.process.ended().await.0, Some(0));
}

/// What a crowd got in a while.
#[derive(Default)]
struct Got {
    served: Vec<Duration>,
    refused: Vec<Duration>,
    other: u64,
}

/// Calls at a rate over many connections, whether or not the answers come in time.
async fn crowd(base: &str, call: &str, connections: usize, rate: f64, lasts: Duration) -> Got {
    let mut clients = JoinSet::new();
    let sent = Arc::new(AtomicU64::new(0));
    let began = Instant::now();
    for _ in 0..connections {
        let (base, call, sent) = (base.to_owned(), call.to_owned(), Arc::clone(&sent));
        clients.spawn(async move {
            let (mut wire, mut got) = (Wire::connect(&base).await, Got::default());
            loop {
                #[expect(clippy::cast_precision_loss, reason = "a count of calls")]
                let due = began + Duration::from_secs_f64(sent.fetch_add(1, Ordering::Relaxed) as f64 / rate);
                if due > began + lasts || Instant::now() > began + lasts {
                    return got;
                }
                tokio::time::sleep_until(due.into()).await;
                let at = Instant::now();
                let answered = wire.send(&call).await.is_ok();
                match wire.told().await.filter(|_| answered) {
                    Some(told) if told.status == 200 => got.served.push(at.elapsed()),
                    Some(told) if told.status == 503 => {
                        assert!(told.retry_after, "a refusal says when to come again");
                        got.refused.push(at.elapsed());
                    }
                    Some(_) => got.other += 1,
                    None => wire = Wire::connect(&base).await,
                }
            }
        });
    }
    let mut all = Got::default();
    while let Some(client) = clients.join_next().await {
        let got = client.expect("a client");
        all.served.extend(got.served);
        all.refused.extend(got.refused);
        all.other += got.other;
    }
    all
}

#[expect(clippy::cast_precision_loss, reason = "counts of calls")]
async fn overload(backend: Backend, name: &str, call: &str, stage: &Stage) -> Option<String> {
    let lasts = Duration::from_secs(10);
    let base = &stage.process.base;
    // As many at once as the store has connections: they keep it busy, and nobody is refused.
    let mut alone = crowd(base, call, 16, 1e9, Duration::from_secs(5)).await;
    let capacity = alone.served.len() as f64 / 5.0;
    assert_eq!((alone.refused.len(), alone.other), (0, 0), "not overloaded");
    let alone_p99 = percentile(&mut alone.served, 0.99);
    let mut got = crowd(base, call, CROWD, capacity * 10.0, lasts).await;
    let offered = (got.served.len() + got.refused.len()) as f64 / lasts.as_secs_f64();
    let goodput = got.served.len() as f64 / lasts.as_secs_f64() / capacity;
    let began = Instant::now();
    let after = loop {
        let mut again = crowd(base, call, 4, 1e9, Duration::from_millis(500)).await;
        if again.refused.is_empty() && percentile(&mut again.served, 0.99) <= alone_p99 * 2 {
            break began.elapsed();
        }
        assert!(began.elapsed() < Duration::from_secs(10), "not normal again");
    };
    let count = got.refused.len();
    eprintln!(
        "{backend:?} {name}: capacity {capacity:.0}/s; offered {:.1}× for {lasts:?}: goodput {:.0} % (goal 70), p99 of the \
         accepted {:.0?} (goal 1 s; alone {alone_p99:.0?}), {count} refused with p50 {:.1?}, p99 {:.1?} (goal 50 ms), \
         {} other; normal again within {after:.1?} (goal 10 s)",
        offered / capacity,
        goodput * 100.0,
        percentile(&mut got.served, 0.99),
        percentile(&mut got.refused, 0.5),
        percentile(&mut got.refused, 0.99),
        got.other
    );
    assert_eq!(got.other, 0);
    let in_time = percentile(&mut got.served, 0.99) <= Duration::from_secs(1);
    let refused_soon = percentile(&mut got.refused, 0.99) <= Duration::from_millis(50);
    let met = goodput >= 0.7 && in_time && refused_soon;
    (!met).then(|| format!("{backend:?} {name}"))
}

/// What missed its goal; each is measured, whatever missed before it.
async fn overloads(backend: Backend) -> Vec<String> {
    let Some(stage) = stage(backend).await else { return Vec::new() };
    let world = Client::to(&stage.process.base).with_token(&stage.token);
    for number in 0..300 {
        let mut claim = pump_claim();
        claim["externalRepairOrder"] = json!(format!("RO-{number}"));
        world.post("/v1/claims", claim).await.ok();
    }
    let page = get("/v1/claims?pageSize=200", &stage.token);
    let mut missed = Vec::from_iter(overload(backend, "pages of 200 claims", &page, &stage).await);
    let create = post("/v1/claims", &stage.token, &pump_claim().to_string());
    missed.extend(overload(backend, "creates", &create, &stage).await);
    stage.process.signal("-TERM");
    assert_eq!(stage.process.ended().await.0, Some(0));
    missed
}

/// A released binary can't be told to stop at a place: neither the places nor the variable that arms them are in it.
#[test]
#[ignore = "looks into the released binary: just soak"]
fn soak_no_failpoints() {
    let binary = crate::harness::process::binary();
    let searched = std::process::Command::new("grep").args(["-qa", "FAILPOINTS_FOLDER"]).arg(&binary).status();
    let has_places = searched.expect("grep").code();
    let is_released = std::env::var_os("RECOURSE_TEST_BINARY").is_some() || !cfg!(debug_assertions);
    assert_eq!(has_places, Some(i32::from(is_released)), "{}", binary.display());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "minutes on a machine of its own: just soak"]
async fn soak_slow_clients() {
    slow_clients(Backend::Sqlite).await;
    slow_clients(Backend::Postgres).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "minutes on a machine of its own: just soak"]
async fn soak_overload() {
    let mut missed = overloads(Backend::Sqlite).await;
    missed.extend(overloads(Backend::Postgres).await);
    assert!(missed.is_empty(), "{missed:?} missed a goal");
}
