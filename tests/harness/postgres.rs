//! A real PostgreSQL for the suites: the one named by `RECOURSE_TEST_POSTGRES_URL`, else a private cluster
//! that this process starts as an unprivileged user and that ends with it.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::OnceLock;
use std::time::{Duration, Instant};

/// Address of a server on which databases can be created, if there is one.
///
/// Without PostgreSQL on the machine the answer is `None` and the caller says "skipped"; in CI that is a
/// failure, so that a broken machine can't look like a green run.
pub fn server() -> Option<&'static str> {
    static SERVER: OnceLock<Result<String, String>> = OnceLock::new();
    let server = SERVER.get_or_init(|| match std::env::var("RECOURSE_TEST_POSTGRES_URL") {
        Ok(url) => Ok(url),
        Err(_) => start_cluster(),
    });
    match server {
        Ok(url) => Some(url),
        Err(why) => {
            // A cluster that is there and does not start is a fault; one that is not there is skipped.
            let excused = std::env::var_os("CI").is_none() && why == MISSING;
            assert!(excused, "PostgreSQL: {why}");
            eprintln!("skipped: PostgreSQL suites ({why})");
            None
        }
    }
}

const MISSING: &str = "no initdb on this machine";

fn start_cluster() -> Result<String, String> {
    let bin = binaries().ok_or(MISSING)?;
    let home = std::env::temp_dir().join(format!("recourse-test-pg-{}", std::process::id()));
    std::fs::create_dir_all(&home).map_err(|error| error.to_string())?;
    let user = unprivileged_user();
    if let Some(user) = user {
        run(Command::new("chown").arg(user).arg(&home))?;
    }
    let data = home.join("data");
    run(as_user(user, &bin.join("initdb"))
        .args(["-A", "trust", "-U", "recourse", "-E", "UTF8", "--no-sync", "-D"])
        .arg(&data))?;
    let port = free_port()?;
    // The wrapper ends the server when this process is gone, however it went. Another user may not signal this
    // process, not even to ask whether it lives: there /proc tells.
    let script = format!(
        "'{postgres}' -D '{data}' -p {port} -k '{home}' -h 127.0.0.1 -F -c full_page_writes=off -c max_connections=200 \
         >'{home}/log' 2>&1 & pid=$!; while kill -0 {parent} 2>/dev/null || [ -d /proc/{parent} ]; do sleep 1; done; \
         kill -INT $pid; wait $pid; rm -rf '{home}'",
        postgres = bin.join("postgres").display(),
        data = data.display(),
        home = home.display(),
        parent = std::process::id(),
    );
    as_user(user, Path::new("/bin/sh"))
        .arg("-c")
        .arg(script)
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .map_err(|error| error.to_string())?;
    let deadline = Instant::now() + Duration::from_secs(30);
    while std::net::TcpStream::connect(("127.0.0.1", port)).is_err() {
        if Instant::now() > deadline {
            return Err(format!("the cluster in {} did not start", home.display()));
        }
        std::thread::sleep(Duration::from_millis(50));
    }
    Ok(format!("postgres://recourse@127.0.0.1:{port}/postgres"))
}

pub(super) fn binaries() -> Option<PathBuf> {
    let mut places: Vec<PathBuf> = std::env::split_paths(&std::env::var_os("PATH").unwrap_or_default()).collect();
    if let Ok(versions) = std::fs::read_dir("/usr/lib/postgresql") {
        let mut versions: Vec<PathBuf> = versions.flatten().map(|entry| entry.path().join("bin")).collect();
        versions.sort();
        // A full installation is preferred to a stray initdb on the path.
        places.splice(0..0, versions.into_iter().rev());
    }
    places.into_iter().find(|place| place.join("initdb").exists() && place.join("postgres").exists())
}

/// PostgreSQL refuses to run as root; the package's user, or nobody, lends its name.
pub(super) fn unprivileged_user() -> Option<&'static str> {
    let is_root = Command::new("id").arg("-u").output().is_ok_and(|output| output.stdout.starts_with(b"0"));
    if !is_root {
        return None;
    }
    let known = |user: &str| {
        Command::new("id").arg(user).stdout(Stdio::null()).stderr(Stdio::null()).status().is_ok_and(|s| s.success())
    };
    ["postgres", "nobody"].into_iter().find(|user| known(user))
}

pub(super) fn as_user(user: Option<&str>, program: &Path) -> Command {
    match user {
        Some(user) => {
            let mut command = Command::new("setpriv");
            command.args(["--reuid", user, "--regid", user, "--clear-groups", "--"]).arg(program);
            command.current_dir(std::env::temp_dir());
            command
        }
        None => Command::new(program),
    }
}

pub(super) fn run(command: &mut Command) -> Result<(), String> {
    let output = command.output().map_err(|error| format!("{command:?}: {error}"))?;
    if output.status.success() {
        Ok(())
    } else {
        Err(format!("{command:?}: {}", String::from_utf8_lossy(&output.stderr)))
    }
}

/// A port below those that the system gives to the many servers of the suites.
pub(super) fn free_port() -> Result<u16, String> {
    let first = 15_000 + u16::try_from(std::process::id() % 10_000).unwrap_or_default();
    (first..first + 100)
        .find(|port| std::net::TcpListener::bind(("127.0.0.1", *port)).is_ok())
        .ok_or_else(|| "no free port".to_owned())
}

/// Creates a database on the server.
pub async fn create_database(server: &str, name: &str, template: Option<&str>) {
    use sea_orm::ConnectionTrait;
    let connection = sea_orm::Database::connect(server).await.expect("the PostgreSQL server");
    let template = template.map(|source| format!(" TEMPLATE \"{source}\"")).unwrap_or_default();
    connection.execute_unprepared(&format!("CREATE DATABASE \"{name}\"{template}")).await.expect("a new database");
    connection.close().await.expect("closed");
}
