//! The command line: one binary, one subcommand per process it can be.

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand};

/// After-sales and warranty backend: JSON and gRPC on one port.
#[derive(Debug, Parser)]
#[command(name = "recourse", version, about)]
pub struct Cli {
    /// What to do.
    #[command(subcommand)]
    pub command: Command,
}

/// What the binary can be.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Serve gRPC, REST, documentation and health; migrates the store first.
    Serve(ServeArgs),
    /// Run the background jobs only: the change feed's numbering, deadlines.
    Worker(StoreArgs),
    /// Bring the store's schema up to date.
    Migrate(StoreArgs),
    /// Fill an empty store with demo data and print its accounts.
    Demo(StoreArgs),
    /// Create the first administrator and print a one-time password.
    CreateAdmin(AdminArgs),
    /// Let a new key sign tokens; the old ones work until they end, and no server restarts.
    RotateKeys(RotateArgs),
    /// Print the OpenAPI document.
    Openapi,
    /// Print the configuration in force, without secrets.
    Config(StoreArgs),
}

/// What every process that opens the store can be told.
#[derive(Clone, Debug, Default, Args)]
pub struct StoreArgs {
    /// Configuration file (TOML).
    #[arg(long)]
    pub config: Option<PathBuf>,
    /// The store: `sqlite:FILE` or `postgres://…`.
    #[arg(long)]
    pub database: Option<String>,
}

/// What `serve` can be told.
#[derive(Clone, Debug, Default, Args)]
pub struct ServeArgs {
    /// The store and the configuration.
    #[command(flatten)]
    pub store: StoreArgs,
    /// Address of the one port.
    #[arg(long)]
    pub listen: Option<std::net::SocketAddr>,
    /// A port for gRPC alone.
    #[arg(long)]
    pub grpc_listen: Option<std::net::SocketAddr>,
    /// Fill an empty store with demo data first, and print its accounts.
    #[arg(long)]
    pub demo: bool,
}

/// What `rotate-keys` can be told.
#[derive(Clone, Debug, Args)]
pub struct RotateArgs {
    /// The store and the configuration.
    #[command(flatten)]
    pub store: StoreArgs,
    /// Seconds until the new key signs: time for those who keep copies of the key set.
    #[arg(long, default_value_t = 60)]
    pub after: u32,
    /// A key was stolen: the new one signs now, and tokens of all others are refused at once.
    #[arg(long)]
    pub end_old: bool,
}

/// What `create-admin` can be told.
#[derive(Clone, Debug, Args)]
pub struct AdminArgs {
    /// The store and the configuration.
    #[command(flatten)]
    pub store: StoreArgs,
    /// What the administrator signs in with.
    #[arg(long, default_value = "admin")]
    pub user_name: String,
}
