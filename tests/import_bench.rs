//! How fast a fleet is imported and exported, and what memory that takes: the server is a process of its own.
//! `just import-bench` runs it with the release build and prints the figures.

use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use futures::StreamExt;
use serde_json::{Value, json};

use crate::harness::{Backend, Database, world};

const VEHICLES: usize = 100_000;

/// A server process, ended with the test.
struct Process {
    child: Child,
    base: String,
}

impl Drop for Process {
    fn drop(&mut self) {
        // It may have ended by itself; then there is nothing to end.
        drop(self.child.kill());
        drop(self.child.wait());
    }
}

impl Process {
    async fn start(database: &str) -> Self {
        let named = std::env::var_os("RECOURSE_TEST_SERVER").map(PathBuf::from);
        let binary = named.unwrap_or_else(|| PathBuf::from(env!("CARGO_BIN_EXE_recourse")));
        let port = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        let listen = format!("127.0.0.1:{port}");
        let child = Command::new(binary)
            .args(["serve", "--database", database, "--listen", &listen])
            .current_dir(std::env::temp_dir())
            .stdout(Stdio::null())
            .spawn()
            .unwrap();
        let process = Self { child, base: format!("http://{listen}") };
        let deadline = Instant::now() + Duration::from_secs(30);
        while !reqwest::get(format!("{}/readyz", process.base)).await.is_ok_and(|answer| answer.status().is_success()) {
            assert!(Instant::now() < deadline, "the server did not start");
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        process
    }

    /// Seconds of processor time so far, and the most memory so far in MiB.
    fn cost(&self) -> (f64, u64) {
        let read = |file: &str| std::fs::read_to_string(format!("/proc/{}/{file}", self.child.id())).unwrap();
        let stat = read("stat");
        let after_name = stat.rsplit(')').next().unwrap();
        let ticks: f64 = after_name.split_whitespace().skip(11).take(2).map(|n| n.parse::<f64>().unwrap()).sum();
        let status = read("status");
        let peak = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).unwrap();
        (ticks / 100.0, peak.trim().trim_end_matches(" kB").parse::<u64>().unwrap() / 1024)
    }
}

fn fleet() -> Vec<String> {
    let row = |number: usize| {
        json!({
            "name": format!("vehicles/WDB2030{number:010}"), "model": format!("M{}", number % 9 + 1), "brand": "RC",
            "plant": "P1", "lot": format!("L{}", number / 500), "drivetrain": "COMBUSTION", "engineType": "E20",
            "buildDate": {"year": 2026, "month": number % 9 + 1, "day": number % 28 + 1},
        })
    };
    let rows: Vec<String> = (0..VEHICLES).map(|number| format!("{}\n", row(number))).collect();
    rows.chunks(100).map(<[String]>::concat).collect()
}

/// Counts the lines of an answer while it comes; answers the last one too.
async fn lines(answer: reqwest::Response) -> (usize, Value) {
    assert_eq!(answer.status(), 200);
    let (mut count, mut last, mut stream) = (0, Vec::new(), answer.bytes_stream());
    while let Some(piece) = stream.next().await {
        for byte in piece.unwrap() {
            if byte == b'\n' {
                count += 1;
                last.push(b'\n');
            } else {
                if last.last() == Some(&b'\n') {
                    last.clear();
                }
                last.push(byte);
            }
        }
    }
    (count, serde_json::from_slice(&last).unwrap())
}

/// Someone else's writes while the import runs: how long the slowest took.
async fn others(base: String, token: String) -> Duration {
    let (http, mut slowest) = (reqwest::Client::new(), Duration::ZERO);
    for lot in 0.. {
        let begun = Instant::now();
        let request = http.patch(format!("{base}/v1/vehicles/{}", world::VIN)).bearer_auth(&token);
        let body = json!({"lot": format!("L{lot}")}).to_string();
        match request.header("content-type", "application/json").body(body).send().await {
            Ok(answer) => assert_eq!(answer.status(), 200),
            // The server was ended.
            Err(_) => break,
        }
        slowest = slowest.max(begun.elapsed());
        if lot == 40 {
            break;
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    slowest
}

async fn measure(backend: Backend) {
    let Some(prepared) = world::prepared(backend).await else { return };
    let database = Database::copy_of(backend, Some(&prepared.database)).await.unwrap();
    let token = prepared.tokens["admin"].clone();
    let server = Process::start(&database.url).await;
    let fleet = fleet();
    let http = reqwest::Client::new();
    for (send, what) in ["import", "the same job again"].into_iter().enumerate() {
        let rows = futures::stream::iter(fleet.clone().into_iter().map(Ok::<_, std::io::Error>));
        let request = http
            .post(format!("{}/v1/vehicles:import?importId=fleet&mode=CREATE_ONLY", server.base))
            .bearer_auth(&token)
            .header("content-type", "application/x-ndjson")
            .body(reqwest::Body::wrap_stream(rows));
        let (begun, before) = (Instant::now(), server.cost().0);
        let meanwhile = tokio::spawn(others(server.base.clone(), token.clone()));
        let (count, last) = lines(request.send().await.unwrap()).await;
        let wall = begun.elapsed().as_secs_f64();
        let (cpu, peak) = server.cost();
        let slowest = meanwhile.await.unwrap();
        eprintln!(
            "{backend:?} {what}: {VEHICLES} vehicles in {wall:.1} s ({:.0}/s), {:.1} s of the server's processor time, \
             {peak} MiB at most, another writer waited {slowest:.0?} at most",
            VEHICLES as f64 / wall,
            cpu - before
        );
        assert_eq!((count, &last["summary"]["created"]), (VEHICLES + 1, &json!(VEHICLES.to_string())), "{last}");
        assert_eq!(last["summary"]["repeated"].as_str().map(str::to_owned), (send == 1).then(|| VEHICLES.to_string()));
    }
    for accept in ["application/x-ndjson", "text/csv"] {
        let (begun, before) = (Instant::now(), server.cost().0);
        let request = http.get(format!("{}/v1/vehicles", server.base)).bearer_auth(&token).header("accept", accept);
        let answer = request.send().await.unwrap();
        let bytes = answer.bytes().await.unwrap();
        let count = bytes.iter().filter(|byte| **byte == b'\n').count();
        let (cpu, peak) = server.cost();
        eprintln!(
            "{backend:?} export as {accept}: {count} lines, {} MiB, in {:.1} s, {:.1} s of processor time, {peak} MiB at most",
            bytes.len() / 1024 / 1024,
            begun.elapsed().as_secs_f64(),
            cpu - before
        );
        assert_eq!(count, VEHICLES + if accept == "text/csv" { 2 } else { 1 });
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "takes minutes: just import-bench"]
async fn sqlite() {
    measure(Backend::Sqlite).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "takes minutes: just import-bench"]
async fn postgres() {
    measure(Backend::Postgres).await;
}
