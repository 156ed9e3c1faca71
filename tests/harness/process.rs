//! The built binary as a process of its own, for tests that end it without asking.

use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

/// A running `recourse serve`.
pub struct Process {
    child: Child,
    /// Where it answers.
    pub base: String,
    /// From the start of the process until it was ready.
    pub ready_after: Duration,
}

impl Process {
    /// Starts the server over a database and waits until it is ready.
    pub async fn serve(database: &str, settings: &[(&str, &str)]) -> Self {
        let port =
            std::net::TcpListener::bind("127.0.0.1:0").and_then(|free| free.local_addr()).expect("a port").port();
        let began = Instant::now();
        let child = Command::new(env!("CARGO_BIN_EXE_recourse"))
            .args(["serve", "--listen", &format!("127.0.0.1:{port}"), "--database", database])
            .current_dir(std::env::temp_dir())
            .env("RECOURSE_LOG", "warn")
            .envs(settings.iter().copied())
            .stdout(Stdio::null())
            .stderr(Stdio::inherit())
            .spawn()
            .expect("the binary");
        let mut process = Self { child, base: format!("http://127.0.0.1:{port}"), ready_after: Duration::ZERO };
        assert!(process.is_ready_within(Duration::from_secs(60)).await, "the server did not become ready");
        process.ready_after = began.elapsed();
        process
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
}

impl Drop for Process {
    fn drop(&mut self) {
        drop(self.child.kill());
        drop(self.child.wait());
    }
}
