//! The process: command line, configuration, sockets, and what one port answers.

mod app;
mod auth;
pub mod backup;
pub mod cli;
pub mod config;
pub mod copies;
pub mod demo;
pub mod docs;
mod doctor;
mod downloads;
mod edge;
mod exports;
mod fetch;
mod health;
pub mod limits;
pub mod metrics;
mod oauth;
mod observe;
#[cfg(feature = "otlp")]
mod otlp;
mod probe;
pub mod process;
mod proxies;
mod rates;
mod reflection;
mod serving;
mod signals;
pub mod start;
mod telemetry;
mod trace_ids;
mod uploads;
mod verify;

use std::io::Write;

use cli::{Cli, Command};
use config::{Config, Flags};

/// Why a process could not do what it was asked, in one line.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub struct StartError(String);

impl StartError {
    /// What was tried, and what stood in the way.
    pub fn new(tried: &str, error: impl std::fmt::Display) -> Self {
        Self(format!("{tried}: {error}"))
    }
}

/// Does what the command line says.
pub async fn run(cli: Cli) -> Result<(), StartError> {
    match cli.command {
        Command::Serve(args) => serve(args).await,
        Command::Worker(args) => start::worker(configured(&args)?.config).await,
        Command::Migrate(args) => {
            let config = configured(&args.store)?.config;
            if args.dry_run { start::migrate_dry(&config).await } else { start::migrate(config).await }
        }
        Command::Demo(args) => start::demo(for_demo(configured(&args)?)).await,
        Command::CreateAdmin(args) => start::create_admin(configured(&args.store)?.config, &args.user_name).await,
        Command::RotateKeys(args) if args.conclusions => {
            start::rotate_conclusion_key(configured(&args.store)?.config).await
        }
        Command::RotateKeys(args) => {
            let after = chrono::TimeDelta::seconds(i64::from(args.after));
            let config = configured(&args.store)?.config;
            if args.page_tokens {
                start::rotate_page_key(config, after, args.end_old).await
            } else {
                start::rotate_keys(config, after, args.end_old).await
            }
        }
        Command::Openapi => print(docs::document_text()),
        Command::Config(args) if args.reference => print(&config::reference()),
        Command::Config(args) => {
            let loaded = load(&args.store, Flags::default())?;
            let text = if args.json { loaded.json().map(|shown| format!("{shown:#}\n")) } else { loaded.text() };
            print(&text.map_err(|error| StartError(error.to_string()))?)
        }
        Command::Doctor(args) => {
            doctor::doctor(&configured(&args.store)?, args.store.config.as_deref(), args.json).await
        }
        Command::Backup(args) => {
            start::backup(&configured(&args.store)?.config, &args.file, args.attachments.as_deref()).await
        }
        Command::Restore(args) if args.check => {
            let manifest = backup::check(&args.file)?;
            print(&format!("{} is whole: {}\n", args.file.display(), backup::summary(&manifest)))
        }
        Command::Restore(args) => start::restore(&configured(&args.store)?.config, &args.file).await,
        Command::Verify(args) => verify::verify(&configured(&args.store)?.config, args.json).await,
        Command::Health { url } => probe::probe(&url).await,
        Command::Completions { shell } => {
            let mut script = Vec::new();
            clap_complete::generate(shell, &mut <Cli as clap::CommandFactory>::command(), "recourse", &mut script);
            print(&String::from_utf8_lossy(&script))
        }
    }
}

async fn serve(args: cli::ServeArgs) -> Result<(), StartError> {
    let flags = Flags::default()
        .with("listen", args.listen)
        .with("grpc_listen", args.grpc_listen)
        .with("metrics_listen", args.metrics_listen);
    let loaded = load(&args.store, flags)?;
    telemetry::begin(&loaded.config);
    let reach = if args.expose_demo { demo::Reach::Everywhere } else { demo::Reach::Here };
    let config = if args.demo { for_demo(loaded) } else { loaded.config };
    start::serve(config, args.demo.then_some(reach)).await
}

/// Demo data never mixes with a store somebody may care for.
fn for_demo(loaded: config::Loaded) -> Config {
    let database = if loaded.was_said("database") { loaded.config.database } else { demo::DATABASE.to_owned() };
    Config { database, ..loaded.config }
}

fn load(args: &cli::StoreArgs, flags: Flags) -> Result<config::Loaded, StartError> {
    let flags = flags.with("database", args.database.as_ref());
    Config::load(args.config.as_deref(), flags).map_err(|error| StartError(error.to_string()))
}

fn configured(args: &cli::StoreArgs) -> Result<config::Loaded, StartError> {
    let loaded = load(args, Flags::default())?;
    telemetry::begin(&loaded.config);
    Ok(loaded)
}

/// Writes to standard output; a reader that has gone away is no fault.
pub(crate) fn print(text: &str) -> Result<(), StartError> {
    match std::io::stdout().write_all(text.as_bytes()) {
        Ok(()) => Ok(()),
        Err(error) if error.kind() == std::io::ErrorKind::BrokenPipe => Ok(()),
        Err(error) => Err(StartError::new("standard output", error)),
    }
}
