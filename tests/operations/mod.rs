//! What an operator does: starts, configures, upgrades, watches, saves and verifies.

mod attachments;
mod backup;
mod configuration;
mod deployment;
mod lifetime;
mod logs;
mod metrics;
#[cfg(feature = "otlp")]
mod traces;
mod upgrades;
mod verification;

use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};

use sea_orm::ConnectionTrait;

/// A folder that goes with the test.
pub(super) struct Folder(pub(super) PathBuf);

impl Folder {
    pub(super) fn new() -> Self {
        static COUNT: AtomicU32 = AtomicU32::new(0);
        let name = format!("recourse-ops-{}-{}", std::process::id(), COUNT.fetch_add(1, Ordering::Relaxed));
        let folder = std::env::temp_dir().join(name);
        std::fs::create_dir_all(&folder).unwrap();
        Self(folder)
    }

    pub(super) fn file(&self, name: &str) -> PathBuf {
        self.0.join(name)
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        drop(std::fs::remove_dir_all(&self.0));
    }
}

/// The built binary, in a folder where it finds no configuration but what the test puts there.
pub(super) fn recourse(folder: &Path, arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_recourse"));
    command.args(arguments).current_dir(folder).env_remove("RECOURSE_DATABASE").stdin(Stdio::null());
    command
}

/// Runs it to its end.
pub(super) fn run(folder: &Path, arguments: &[&str]) -> Output {
    recourse(folder, arguments).output().unwrap()
}

/// What it printed.
pub(super) fn printed(output: &Output) -> String {
    String::from_utf8(output.stdout.clone()).unwrap()
}

/// What it complained of.
pub(super) fn complaint(output: &Output) -> String {
    String::from_utf8(output.stderr.clone()).unwrap()
}

/// Runs text past the repository, as somebody with the database's own password can.
pub(super) async fn sql(url: &str, text: &str) {
    let connection = sea_orm::Database::connect(url).await.unwrap();
    connection.execute_unprepared(text).await.unwrap_or_else(|error| panic!("{text}: {error}"));
    connection.close().await.unwrap();
}
