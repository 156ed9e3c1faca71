//! A command that is stopped at each place where it matters, in each way that happens: whoever repeats it under its
//! key finds what was committed, or does it for the first time; never twice, and never half. The same for a chunk of
//! an import, whose job is sent again under its name.

mod stage;

use std::time::{Duration, Instant};

use recourse_domain::clock::IdSource;
use recourse_server::process::RandomIds;
use serde_json::json;
use uuid::Uuid;

use crate::harness::Backend;
use crate::harness::process::command;
use stage::{Ask, Command, FAULTS, Fault, NDJSON, Rows, Stage, TABLES, part};

/// The places, as `crates/repository/src/failpoints.rs` calls them.
const PLACES: [&str; 4] = ["before-first-write", "between-writes", "before-commit", "after-commit"];

/// One command, stopped once.
async fn stopped(stage: &mut Stage, command: Command, place: &str, fault: Fault, leaves: &Rows) {
    let what = format!("{:?} {command:?} {place} {fault:?}", stage.backend);
    let (ask, key) = (stage.ask(command).await, RandomIds.new_id());
    let before = stage.rows().await;
    let with_effect: Rows = std::array::from_fn(|at| before[at] + leaves[at]);
    stage.arm(key, place, fault);
    let heard = stage.strike(&ask, key, fault).await;
    assert!(!stage.is_armed(key), "{what}: the place was not reached; heard {heard:?}");
    let status = heard.as_ref().map(|heard| heard.status);
    let expected: &[Option<u16>] = match fault {
        Fault::Abort | Fault::CallerGone => &[None],
        Fault::Panic => &[Some(500)],
        // Where nothing was begun, or all is done, a lost connection need not matter.
        Fault::ConnectionLost if place == "before-first-write" || place == "after-commit" => &[Some(200), Some(503)],
        Fault::ConnectionLost | Fault::AnswerLost => &[Some(503)],
    };
    assert!(expected.contains(&status), "{what}: heard {heard:?}");
    if fault == Fault::Abort {
        stage.restart().await;
    }
    let stands = place == "after-commit" || fault == Fault::AnswerLost || status == Some(200);
    assert_eq!(stage.rows().await, if stands { with_effect } else { before }, "{what}: left in {TABLES:?}");

    let first = stage.again(&ask, key, &ask.body, &what).await;
    assert_eq!((first.status, first.replayed), (200, stands), "{what}: {:#}", first.body);
    assert_eq!(first.body["name"], ask.name, "{what}");
    assert_eq!(stage.rows().await, with_effect, "{what}: after the repeat, in {TABLES:?}");
    let second = stage.again(&ask, key, &ask.body, &what).await;
    assert_eq!((second.status, second.replayed), (200, true), "{what}: {:#}", second.body);
    assert_eq!((&second.body["name"], &second.body["etag"]), (&first.body["name"], &first.body["etag"]), "{what}");
    let other = stage.again(&ask, key, &ask.other, &what).await;
    assert_eq!((other.status, &other.body["reason"]), (400, &json!("IDEMPOTENCY_KEY_REUSED")), "{what}");
    assert_eq!(stage.rows().await, with_effect, "{what}: after another body, in {TABLES:?}");
}

/// Rows of an import's second sending; the first brings one of them.
const ROWS: i64 = 20;

/// One chunk of an import, stopped once; the job is sent again under its name.
async fn import_stopped(stage: &mut Stage, place: &str, fault: Fault) {
    let what = format!("{:?} import {place} {fault:?}", stage.backend);
    stage.claims += 1;
    let name = format!("JOB-{}", stage.claims);
    let rows: Vec<String> = (0..ROWS)
        .map(|number| {
            let mut row = part("Valve");
            row["name"] = json!(format!("P-{name}-{number}"));
            format!("{row}\n")
        })
        .collect();
    let path = format!("/v1/parts:import?importId={name}&mode=CREATE_ONLY");
    let token = stage.tokens["admin"].clone();
    let ask = Ask { token, path, kind: NDJSON, body: rows.concat(), other: String::new(), name };
    let first = stage.call(&ask, Uuid::nil(), &rows[0]).await.expect("an answer");
    assert!(first.text.contains("\"created\":\"1\""), "{what}: {}", first.text);
    let job = stage.job(&ask.name).await;
    let before = stage.rows().await;
    let with_effect: Rows =
        std::array::from_fn(|at| before[at] + if matches!(TABLES[at], "part" | "change") { ROWS - 1 } else { 0 });
    stage.arm(job, place, fault);
    let heard = stage.strike(&ask, job, fault).await;
    assert!(!stage.is_armed(job), "{what}: the place was not reached; heard {heard:?}");
    let is_told = heard.as_ref().is_some_and(|heard| heard.text.contains("\"summary\""));
    let may_be_told = fault == Fault::ConnectionLost && (place == "before-first-write" || place == "after-commit");
    assert!(may_be_told || !is_told, "{what}: heard {heard:?}");
    if fault == Fault::Abort {
        stage.restart().await;
    }
    let stands = place == "after-commit" || fault == Fault::AnswerLost || is_told;
    assert_eq!(stage.rows().await, if stands { with_effect } else { before }, "{what}: left in {TABLES:?}");
    let repeated = if stands { ROWS } else { 1 };
    let began = Instant::now();
    loop {
        let again = stage.call(&ask, job, &ask.body).await.expect("an answer");
        let told = format!("\"rows\":\"{ROWS}\",\"created\":\"{ROWS}\",\"repeated\":\"{repeated}\"");
        if again.text.contains(&told) {
            break;
        }
        // Connections that the fault has ended are found out one after the other.
        assert!(!again.text.contains("\"summary\""), "{what}: {}", again.text);
        assert!(began.elapsed() < Duration::from_secs(10), "{what}: {}", again.text);
        tokio::time::sleep(Duration::from_millis(25)).await;
    }
    assert_eq!(stage.rows().await, with_effect, "{what}: after the repeat, in {TABLES:?}");
}

async fn stopped_everywhere(backend: Backend) {
    let Some(mut stage) = Stage::set(backend).await else { return };
    let mut cases = 0;
    for command in Command::ALL {
        let leaves = stage.undisturbed(command).await;
        assert_eq!(leaves[4], 1, "{command:?} leaves its key, in {TABLES:?}: {leaves:?}");
        for place in PLACES.into_iter().filter(|place| command.comes_by(backend, place)) {
            for fault in FAULTS.into_iter().filter(|fault| fault.happens(backend, place)) {
                stopped(&mut stage, command, place, fault, &leaves).await;
                cases += 1;
            }
        }
    }
    for place in PLACES {
        // Rows that have come are written whether or not their sender is still there.
        for fault in FAULTS.into_iter().filter(|fault| fault.happens(backend, place) && *fault != Fault::CallerGone) {
            import_stopped(&mut stage, place, fault).await;
            cases += 1;
        }
    }
    let folder = std::env::temp_dir();
    let verified = command(&folder, &["verify", "--json", "--database", &stage.database.url], &[])
        .output()
        .expect("recourse verify");
    let report = String::from_utf8_lossy(&verified.stdout);
    assert!(verified.status.success() && report.contains("\"intact\": true"), "{report}");
    eprintln!("{backend:?}: {cases} commands stopped, each found or done once by its repeat; verified intact");
    drop(std::fs::remove_dir_all(&stage.folder));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_command_that_is_stopped_anywhere_is_done_once_on_sqlite() {
    stopped_everywhere(Backend::Sqlite).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_command_that_is_stopped_anywhere_is_done_once_on_postgres() {
    stopped_everywhere(Backend::Postgres).await;
}

/// Every line of the house that knows the places is compiled with debug assertions only, and nothing turns those on
/// for a release. `just soak` looks into the released binary itself.
#[test]
fn the_places_are_in_no_release() {
    let root = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let manifest = std::fs::read_to_string(root.join("Cargo.toml")).expect("Cargo.toml");
    assert!(!manifest.contains("debug-assertions"), "a profile says otherwise");
    assert!(!root.join(".cargo/config.toml").exists(), "a configuration of cargo may say otherwise");
    let (mut folders, mut mentions) = (vec![root.join("crates"), root.join("migrations/src")], 0);
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(&folder).expect("a folder").flatten() {
            let path = entry.path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|extension| extension == "rs") && !path.ends_with("failpoints.rs") {
                let text = std::fs::read_to_string(&path).expect("readable");
                let lines: Vec<&str> = text.lines().map(str::trim).collect();
                for (number, line) in lines.iter().enumerate().filter(|(_, line)| line.contains("failpoint")) {
                    mentions += 1;
                    let before = &lines[number.saturating_sub(2)..number];
                    let guarded = before.contains(&"#[cfg(debug_assertions)]");
                    assert!(guarded, "{}:{}: {line}", path.display(), number + 1);
                }
            }
        }
    }
    assert!(mentions >= 8, "{mentions}");
}
