//! A PostgreSQL of one test's own, which it may restart, freeze and starve. Durable, unlike the suites' common one.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;

use super::postgres::{as_user, binaries, free_port, run, unprivileged_user};

/// A running cluster; it ends with the value.
pub struct Cluster {
    bin: PathBuf,
    user: Option<&'static str>,
    data: PathBuf,
    home: PathBuf,
    port: u16,
}

impl Cluster {
    /// Starts a cluster; `None` where the machine has no PostgreSQL. Its data may stand on a disk of its own; its
    /// log of changes never does.
    pub fn start(name: &str, data_on: Option<&Path>) -> Option<Self> {
        let Some(bin) = binaries() else {
            assert!(std::env::var_os("CI").is_none(), "PostgreSQL is needed in CI");
            eprintln!("skipped: faults of PostgreSQL (it is not installed)");
            return None;
        };
        let home = std::env::temp_dir().join(format!("recourse-cluster-{}-{name}", std::process::id()));
        std::fs::create_dir_all(&home).expect("a folder");
        let user = unprivileged_user();
        if let Some(user) = user {
            run(Command::new("chown").arg(user).arg(&home)).expect("the folder's owner");
        }
        let data = data_on.unwrap_or(&home).join("data");
        run(as_user(user, &bin.join("initdb"))
            .args(["-A", "trust", "-U", "recourse", "-E", "UTF8", "--no-sync", "-D"])
            .arg(&data)
            .arg("--waldir")
            .arg(home.join("wal")))
        .expect("initdb");
        let port = free_port().expect("a port");
        let cluster = Self { bin, user, data, home, port };
        cluster.control(&["start"]);
        Some(cluster)
    }

    /// Address of a database in it.
    pub fn url(&self, database: &str) -> String {
        format!("postgres://recourse@127.0.0.1:{}/{database}", self.port)
    }

    /// Ends the cluster as a crash does, and starts it again.
    pub fn crash_and_restart(&self) {
        self.control(&["stop", "-m", "immediate"]);
        self.control(&["start"]);
    }

    /// Takes connections by TLS only from now on, with this certificate and its key.
    pub fn insist_on_tls(&self, certificate: &str, key: &str) {
        use std::os::unix::fs::PermissionsExt;
        for (name, text) in [("server.crt", certificate), ("server.key", key)] {
            let file = self.data.join(name);
            std::fs::write(&file, text).expect("a file");
            std::fs::set_permissions(&file, std::fs::Permissions::from_mode(0o600)).expect("its mode");
            if let Some(user) = self.user {
                run(Command::new("chown").arg(user).arg(&file)).expect("its owner");
            }
        }
        let rules = self.data.join("pg_hba.conf");
        let text = std::fs::read_to_string(&rules).expect("the rules");
        std::fs::write(&rules, text.replace("\nhost ", "\nhostssl ")).expect("the rules");
        let settings = self.data.join("postgresql.conf");
        let text = std::fs::read_to_string(&settings).expect("the settings");
        std::fs::write(&settings, text + "\nssl = on\n").expect("the settings");
        self.crash_and_restart();
    }

    /// Stops every process of the cluster for a time; clients see a server that says nothing.
    pub async fn freeze(&self, time: Duration) {
        self.signal("STOP");
        tokio::time::sleep(time).await;
        self.signal("CONT");
    }

    fn signal(&self, signal: &str) {
        let postmaster = std::fs::read_to_string(self.data.join("postmaster.pid")).expect("the postmaster's number");
        let postmaster = postmaster.lines().next().unwrap_or_default();
        let children = Command::new("pgrep").args(["-P", postmaster]).output().expect("pgrep");
        let children = String::from_utf8_lossy(&children.stdout).into_owned();
        run(Command::new("kill").arg(format!("-{signal}")).arg(postmaster).args(children.split_whitespace()))
            .unwrap_or_else(|error| eprintln!("a process ended meanwhile: {error}"));
    }

    fn control(&self, arguments: &[&str]) {
        let options = format!("-p {} -k '{}' -h 127.0.0.1 -c max_connections=100", self.port, self.home.display());
        let mut command = as_user(self.user, &self.bin.join("pg_ctl"));
        command.arg("-D").arg(&self.data).arg("-w").arg("-l").arg(self.home.join("log")).arg("-o").arg(options);
        let done = command.args(arguments).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).status();
        assert!(
            done.is_ok_and(|status| status.success()),
            "pg_ctl {arguments:?}; see {}",
            self.home.join("log").display()
        );
    }
}

impl Drop for Cluster {
    fn drop(&mut self) {
        let mut command = as_user(self.user, &self.bin.join("pg_ctl"));
        let stopped = command.arg("-D").arg(&self.data).args(["-m", "immediate", "-w", "stop"]);
        drop(stopped.stdout(Stdio::null()).stderr(Stdio::null()).status());
        drop(std::fs::remove_dir_all(&self.home));
    }
}
