//! A server of one's own for every test: in this process, on a free port, over an empty database.

pub mod client;
pub mod cluster;
pub mod grpc;
pub mod openapi;
pub mod postgres;
pub mod process;
#[cfg(debug_assertions)]
pub mod proxy;
pub mod small_disk;
pub mod wire;
pub mod world;

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use chrono::{DateTime, TimeZone, Utc};
use recourse_repository::{Store, StoreOptions};
use recourse_server::config::Config;
use recourse_server::process::{RandomIds, SetClock};
use recourse_server::start::{self, Running};

/// A database that the suites run on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Backend {
    /// Embedded SQLite, in a file of its own.
    Sqlite,
    /// A database of its own in a real PostgreSQL.
    Postgres,
}

/// Runs a test body on every database there is. A body that fails names its database.
#[macro_export]
macro_rules! on_both_databases {
    ($($(#[$meta:meta])* async fn $name:ident($server:ident) $body:block)*) => {$(
        $(#[$meta])*
        async fn $name($server: $crate::harness::Server) $body

        mod $name {
            use $crate::harness::{Backend, Server};

            #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn sqlite() {
                if let Some(server) = Server::start(Backend::Sqlite).await {
                    super::$name(server).await;
                }
            }

            #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn postgres() {
                if let Some(server) = Server::start(Backend::Postgres).await {
                    super::$name(server).await;
                }
            }
        }
    )*};
}

/// The day on which every test begins.
pub fn anchor() -> DateTime<Utc> {
    Utc.with_ymd_and_hms(2026, 11, 20, 2, 0, 0).unwrap()
}

/// A database for one test, gone with it.
pub struct Database {
    /// Its address.
    pub url: String,
    folder: Option<PathBuf>,
}

impl Database {
    /// The same database for another server; it is gone with the first.
    pub fn shared(&self) -> Self {
        Self::at(self.url.clone())
    }

    /// The database of an address, which somebody else takes away.
    pub fn at(url: String) -> Self {
        Self { url, folder: None }
    }
}

impl Database {
    /// A new, empty database; `None` where the machine has no PostgreSQL.
    pub async fn create(backend: Backend) -> Option<Self> {
        Self::copy_of(backend, None).await
    }

    /// A new database, a copy of another where one is given.
    pub async fn copy_of(backend: Backend, template: Option<&Self>) -> Option<Self> {
        static COUNT: AtomicU32 = AtomicU32::new(0);
        let name = format!("recourse_{}_{}", std::process::id(), COUNT.fetch_add(1, Ordering::Relaxed));
        match backend {
            Backend::Sqlite => {
                let folder = std::env::temp_dir().join(&name);
                std::fs::create_dir_all(&folder).unwrap();
                let file = folder.join("test.db");
                if let Some(template) = template {
                    std::fs::copy(template.url.trim_start_matches("sqlite:"), &file).unwrap();
                }
                Some(Self { url: format!("sqlite:{}", file.display()), folder: Some(folder) })
            }
            Backend::Postgres => {
                let server = postgres::server()?;
                let source = template.and_then(|template| template.url.rsplit('/').next());
                postgres::create_database(server, &name, source).await;
                let (address, _) = server.rsplit_once('/').unwrap();
                // Made with the first attachment.
                let folder = Some(std::env::temp_dir().join(&name));
                Some(Self { url: format!("{address}/{name}"), folder })
            }
        }
    }

    /// Where attachments are, for a database that is no file with a place beside it.
    pub fn attachments(&self) -> Option<PathBuf> {
        let name = self.url.strip_prefix("postgres")?.rsplit('/').next()?;
        Some(std::env::temp_dir().join(name).join("attachments"))
    }

    /// Opens it with an up-to-date schema.
    pub async fn store(&self) -> Store {
        let store = Store::open(StoreOptions { max_connections: 8, ..StoreOptions::new(&self.url) }).await.unwrap();
        store.migrate().await.unwrap();
        store
    }
}

impl Drop for Database {
    fn drop(&mut self) {
        if let Some(folder) = &self.folder {
            // A file that stays behind costs a little room under the temporary folder.
            drop(std::fs::remove_dir_all(folder));
        }
    }
}

/// A running server over a database of its own.
pub struct Server {
    /// Where it answers.
    pub base: String,
    /// The time of its business; tests move it on.
    pub clock: Arc<SetClock>,
    /// Its database.
    pub database: Database,
    /// The running processes.
    pub running: Running,
    /// Access tokens of the prepared world, by user name.
    pub tokens: BTreeMap<&'static str, String>,
}

impl Server {
    /// Starts a server over a copy of the prepared world; `None` where the machine lacks the database.
    pub async fn start(backend: Backend) -> Option<Self> {
        let prepared = world::prepared(backend).await?;
        let database = Database::copy_of(backend, Some(&prepared.database)).await?;
        Some(Self::over(database, prepared.tokens.clone()).await)
    }

    /// Another server on the same database, with the same people signed in.
    pub async fn beside(&self) -> Self {
        Self::over(self.database.shared(), self.tokens.clone()).await
    }

    /// The same with a configuration of one's own.
    pub async fn start_with(backend: Backend, configure: impl FnOnce(&mut Config)) -> Option<Self> {
        let prepared = world::prepared(backend).await?;
        let database = Database::copy_of(backend, Some(&prepared.database)).await?;
        Some(Self::over_with(database, prepared.tokens.clone(), configure).await)
    }

    /// Starts a server over a database.
    pub async fn over(database: Database, tokens: BTreeMap<&'static str, String>) -> Self {
        Self::over_with(database, tokens, |_| {}).await
    }

    /// Starts another server over the same database, configured otherwise.
    pub async fn another(&self, change: impl FnOnce(&mut Config)) -> Self {
        Self::over_with(self.database.shared(), self.tokens.clone(), change).await
    }

    /// Starts a server over a database, with a configuration of one's own.
    pub async fn over_with(
        database: Database,
        tokens: BTreeMap<&'static str, String>,
        configure: impl FnOnce(&mut Config),
    ) -> Self {
        let clock = Arc::new(SetClock::new(anchor()));
        let mut config = Config {
            listen: "127.0.0.1:0".parse().unwrap(),
            database: database.url.clone(),
            max_connections: 8,
            ..Config::default()
        };
        config.attachments.folder = database.attachments();
        // One administrator loads the world; what needs two is tested where it is switched on.
        config.control.second_person = false;
        // No balancer watches the tests.
        config.limits.drain_delay = std::time::Duration::ZERO;
        configure(&mut config);
        let store = database.store().await;
        let api = start::open_api(&config, store, clock.clone(), Arc::new(RandomIds)).await.unwrap();
        let running = start::listen(&config, api).await.unwrap();
        Self { base: format!("http://{}", running.address), clock, database, running, tokens }
    }
}
