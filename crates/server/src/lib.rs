//! The process: command line, configuration, sockets, and what one port answers.

mod app;
mod auth;
pub mod cli;
pub mod config;
pub mod demo;
pub mod docs;
mod edge;
mod health;
pub mod limits;
mod oauth;
pub mod process;
mod serving;
pub mod start;
mod telemetry;

use std::io::Write;

use cli::{Cli, Command};
use config::Config;

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
        Command::Serve(args) => {
            let mut config = configured(&args.store)?;
            config.listen = args.listen.unwrap_or(config.listen);
            config.grpc_listen = args.grpc_listen.or(config.grpc_listen);
            if args.demo && args.store.database.is_none() && std::env::var_os("RECOURSE_DATABASE").is_none() {
                // Demo data never mixes with a store somebody may care for.
                config.database = demo::DATABASE.to_owned();
            }
            start::serve(config, args.demo).await
        }
        Command::Worker(args) => start::worker(configured(&args)?).await,
        Command::Migrate(args) => start::migrate(configured(&args)?).await,
        Command::Demo(args) => {
            let mut config = configured(&args)?;
            if args.database.is_none() && std::env::var_os("RECOURSE_DATABASE").is_none() {
                config.database = demo::DATABASE.to_owned();
            }
            start::demo(config).await
        }
        Command::CreateAdmin(args) => start::create_admin(configured(&args.store)?, &args.user_name).await,
        Command::Openapi => print(docs::document_text()),
        Command::Config(args) => {
            let shown = configured(&args)?.redacted();
            let text = serde_json::to_string_pretty(&shown).map_err(|error| StartError::new("configuration", error))?;
            print(&format!("{text}\n"))
        }
    }
}

fn configured(args: &cli::StoreArgs) -> Result<Config, StartError> {
    let mut config = Config::load(args.config.as_deref()).map_err(|error| StartError(error.to_string()))?;
    if let Some(database) = &args.database {
        config.database.clone_from(database);
    }
    telemetry::begin(&config);
    Ok(config)
}

/// Writes to standard output; a reader that has gone away is no fault.
fn print(text: &str) -> Result<(), StartError> {
    match std::io::stdout().write_all(text.as_bytes()) {
        Ok(()) => Ok(()),
        Err(error) if error.kind() == std::io::ErrorKind::BrokenPipe => Ok(()),
        Err(error) => Err(StartError::new("standard output", error)),
    }
}
