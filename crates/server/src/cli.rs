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
    Migrate(MigrateArgs),
    /// Fill an empty store with demo data and print its accounts.
    Demo(StoreArgs),
    /// Create an administrator where there are fewer than two, the first among them, and print its first password.
    CreateAdmin(AdminArgs),
    /// Let a new key sign tokens, seal page tokens, or sign conclusions; the old ones work until they end, and no
    /// server restarts.
    RotateKeys(RotateArgs),
    /// Print the OpenAPI document.
    Openapi,
    /// Print the configuration in force and where each value came from, without secrets.
    Config(ConfigArgs),
    /// Look at what an operator would look at first: database, schema, keys, files, disk, ledger, jobs.
    Doctor(ReportArgs),
    /// Write everything to one file, while servers run. It holds secrets: keep it as you keep the database.
    Backup(BackupArgs),
    /// Fill an empty database, of either kind, from a backup.
    Restore(RestoreArgs),
    /// Verify the history's hash chains, references, documents, and the ledger against the claims.
    Verify(ReportArgs),
    /// Ask a running server whether it is well; for health checks of containers.
    Health {
        /// Where to ask.
        #[arg(default_value = "http://127.0.0.1:8080/readyz")]
        url: String,
    },
    /// Print completions for a shell.
    Completions {
        /// The shell.
        shell: clap_complete::Shell,
    },
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
    /// Where the metrics are read: an address, or `off`.
    #[arg(long)]
    pub metrics_listen: Option<String>,
    /// Fill an empty store with demo data first, and print its accounts.
    #[arg(long)]
    pub demo: bool,
    /// Let others than this machine reach the demo, although the password of its accounts is published.
    #[arg(long, requires = "demo")]
    pub expose_demo: bool,
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
    /// Rotate the key that seals page tokens instead: those of before work for a day more, or with `--end-old` are
    /// refused within a second, and their readers begin their lists again.
    #[arg(long)]
    pub page_tokens: bool,
    /// Rotate the key that signs conclusions of appraisals instead: at once, and the keys before it verify for ever.
    #[arg(long, conflicts_with_all = ["after", "end_old", "page_tokens"])]
    pub conclusions: bool,
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

/// What `migrate` can be told.
#[derive(Clone, Debug, Args)]
pub struct MigrateArgs {
    /// The store and the configuration.
    #[command(flatten)]
    pub store: StoreArgs,
    /// Print the pending steps and their SQL, and change nothing. The steps run in a transaction that is rolled
    /// back; their locks are held that long.
    #[arg(long)]
    pub dry_run: bool,
}

/// What `config` can be told.
#[derive(Clone, Debug, Args)]
pub struct ConfigArgs {
    /// The store and the configuration.
    #[command(flatten)]
    pub store: StoreArgs,
    /// As JSON.
    #[arg(long)]
    pub json: bool,
    /// Print every key with its documentation and default instead: a configuration file to begin with.
    #[arg(long, conflicts_with = "json")]
    pub reference: bool,
}

/// What commands that report can be told.
#[derive(Clone, Debug, Args)]
pub struct ReportArgs {
    /// The store and the configuration.
    #[command(flatten)]
    pub store: StoreArgs,
    /// As JSON.
    #[arg(long)]
    pub json: bool,
}

/// What `backup` can be told.
#[derive(Clone, Debug, Args)]
pub struct BackupArgs {
    /// The file; it must not be there yet.
    pub file: PathBuf,
    /// Copy the bytes of attachments into this folder too; what is there already is not copied again.
    #[arg(long)]
    pub attachments: Option<PathBuf>,
    /// The store and the configuration.
    #[command(flatten)]
    pub store: StoreArgs,
}

/// What `restore` can be told.
#[derive(Clone, Debug, Args)]
pub struct RestoreArgs {
    /// The backup.
    pub file: PathBuf,
    /// The store and the configuration.
    #[command(flatten)]
    pub store: StoreArgs,
    /// Only read the backup and tell whether it is whole.
    #[arg(long)]
    pub check: bool,
}
