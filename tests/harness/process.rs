//! The built binary as a process of its own.

use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

/// The binary: the one that was built with the tests, or the one named by `RECOURSE_TEST_BINARY`.
pub fn binary() -> PathBuf {
    std::env::var_os("RECOURSE_TEST_BINARY").map_or_else(|| env!("CARGO_BIN_EXE_recourse").into(), PathBuf::from)
}

/// The binary with arguments, in a folder of its own and without settings of this machine.
pub fn command(folder: &Path, arguments: &[&str], settings: &[(&str, &str)]) -> Command {
    let mut command = Command::new(binary());
    command.current_dir(folder).args(arguments).stdin(Stdio::null());
    for (name, _) in std::env::vars_os() {
        if name.to_string_lossy().starts_with("RECOURSE_") {
            command.env_remove(name);
        }
    }
    command.envs(settings.iter().copied());
    command
}

/// A server that says little, measures for nobody and lets its testers call as often as they like, and alone.
const QUIET: [(&str, &str); 5] = [
    ("RECOURSE_LOG", "error"),
    ("RECOURSE_METRICS_LISTEN", "off"),
    ("RECOURSE_ACCOUNTS__CALLS_PER_SECOND", "0"),
    ("RECOURSE_LIMITS__DRAIN_DELAY", "0s"),
    ("RECOURSE_CONTROL__SECOND_PERSON", "false"),
];

/// A running `recourse serve`.
pub struct Process {
    /// Where it answers.
    pub base: String,
    /// From the start of the process until it served.
    pub ready_after: Duration,
    child: Child,
}

impl Process {
    /// Starts a server on a free port over a database, and waits until it serves.
    pub async fn serve(folder: &Path, database: &str, settings: &[(&str, &str)]) -> Self {
        let began = Instant::now();
        let arguments = ["serve", "--listen", "127.0.0.1:0", "--database", database];
        let mut child = command(folder, &arguments, settings).stdout(Stdio::piped()).spawn().expect("a process");
        let mut output = BufReader::new(child.stdout.take().expect("its output"));
        let greeting = tokio::task::spawn_blocking(move || {
            let mut line = String::new();
            output.read_line(&mut line).map(|_| line)
        });
        let greeting = greeting.await.expect("a reader").expect("a greeting");
        let address = greeting.split(' ').find(|word| word.starts_with("http"));
        let base = address.unwrap_or_else(|| panic!("no address in {greeting:?}")).to_owned();
        Self { base, ready_after: began.elapsed(), child }
    }

    /// The same in the temporary folder, with few words.
    pub async fn over(database: &str) -> Self {
        Self::over_with(database, &[]).await
    }

    /// The same with further settings.
    pub async fn over_with(database: &str, more: &[(&str, &str)]) -> Self {
        let settings: Vec<(&str, &str)> = QUIET.iter().chain(more).copied().collect();
        Self::serve(&std::env::temp_dir(), database, &settings).await
    }

    /// Whether the server says that it is ready before a time has passed.
    pub async fn is_ready_within(&self, time: Duration) -> bool {
        let (http, began) = (reqwest::Client::new(), Instant::now());
        while began.elapsed() < time {
            let answer = http.get(format!("{}/readyz", self.base)).timeout(Duration::from_secs(5)).send().await;
            if answer.is_ok_and(|answer| answer.status().is_success()) {
                return true;
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        false
    }

    /// Ends it at once, as a power cut does.
    pub fn kill(mut self) {
        self.child.kill().expect("a running process");
        self.child.wait().expect("its end");
    }

    /// Whether it still runs.
    pub fn runs(&mut self) -> bool {
        self.child.try_wait().expect("a child").is_none()
    }

    /// Its process id.
    pub fn id(&self) -> u32 {
        self.child.id()
    }

    /// Sends it a signal (`-TERM`, `-HUP`).
    pub fn signal(&self, signal: &str) {
        let sent = Command::new("kill").arg(signal).arg(self.id().to_string()).status().expect("kill");
        assert!(sent.success());
    }

    /// Waits for its end; answers its exit code and how long it took.
    pub async fn ended(mut self) -> (Option<i32>, Duration) {
        let began = Instant::now();
        while began.elapsed() < Duration::from_secs(30) {
            if let Some(status) = self.child.try_wait().expect("a status") {
                return (status.code(), began.elapsed());
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        panic!("it does not end");
    }

    /// Its share of the machine's memory in kB (PSS); 0 where that can't be read.
    pub fn memory_kb(&self) -> u64 {
        let text = std::fs::read_to_string(format!("/proc/{}/smaps_rollup", self.id())).unwrap_or_default();
        let line = text.lines().find(|line| line.starts_with("Pss:")).unwrap_or_default();
        line.split_whitespace().nth(1).and_then(|number| number.parse().ok()).unwrap_or_default()
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        // It has ended already, or its test has failed.
        drop(self.child.kill());
        drop(self.child.wait());
    }
}
