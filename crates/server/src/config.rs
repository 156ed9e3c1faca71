//! Configuration: defaults < TOML file < environment < flags. Unknown keys are refused, so that a mistyped
//! limit is not silently the default.
//!
//! The comment above a field is its documentation: `recourse config --reference` prints them all, and
//! `deploy/recourse.toml` is that text. A field that holds a secret says so with
//! `#[schemars(extend("x-secret" = true))]`, and is shown nowhere.

mod accounts;
mod appraisals;
mod attachments;
mod control;
mod cors;
mod doubts;
mod keys;
mod layers;
mod limits;
mod metrics;
mod reference;
mod retention;
mod telemetry;
mod tls;
mod told;

use std::net::SocketAddr;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

pub use accounts::{AccountsConfig, IssuerConfig};
pub use appraisals::AppraisalsSection;
pub use attachments::{AttachmentsSection, FileStore};
pub use control::ControlSection;
pub use cors::Cors;
pub use layers::{Flags, Loaded};
pub use limits::Limits;
pub use metrics::MetricsListen;
pub use reference::reference;
pub use retention::RetentionSection;
pub use telemetry::TelemetrySection;
pub use tls::Tls;

pub use crate::proxies::ForwardedHeader;

/// Everything that can be configured.
#[derive(Clone, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Config {
    /// Where gRPC, gRPC-Web, REST, documentation and health answer.
    pub listen: SocketAddr,
    /// A port for gRPC alone, if it is to be apart.
    pub grpc_listen: Option<SocketAddr>,
    /// Where `GET /metrics` answers, in the text format of Prometheus: an address, `off`, or
    /// `127.0.0.1:9090 if free`, with which a second server on the same machine goes without.
    pub metrics_listen: MetricsListen,
    /// The store: `sqlite:recourse.db` or `postgres://user@host/database`. A password in it is shown nowhere;
    /// it is better kept in the environment (`RECOURSE_DATABASE`) than in a file. To a PostgreSQL on another machine:
    /// `?sslmode=verify-full`, with `&sslrootcert=FILE` for an authority that is not publicly known.
    #[schemars(extend("x-secret" = "address"))]
    pub database: String,
    /// Connections to the store.
    pub max_connections: u32,
    /// Whose tokens are accepted and made: the public address of this deployment.
    pub issuer: String,
    /// The audience named in tokens.
    pub audience: String,
    /// `text` for people, `json` for machines.
    pub log_format: LogFormat,
    /// Which log lines: `info`, `recourse_service=debug`. Changes, refusals and faults are told at `info` and
    /// above, one line a call; reads that went well at `debug`.
    pub log: String,
    /// Whether `serve` also does the work of `worker`.
    pub work: bool,
    /// Traces.
    #[serde(default)]
    pub telemetry: TelemetrySection,
    /// Sign-in, tokens, rate limits.
    #[serde(default)]
    pub accounts: AccountsConfig,
    /// Files that prove something: where their bytes are, and how large they may be.
    #[serde(default)]
    pub attachments: AttachmentsSection,
    /// Whom you trust to certify experts.
    #[serde(default)]
    pub appraisals: AppraisalsSection,
    /// What nobody does alone.
    #[serde(default)]
    pub control: ControlSection,
    /// How long what may be forgotten is kept.
    #[serde(default)]
    pub retention: RetentionSection,
    /// What one client, and all of them together, may take.
    pub limits: Limits,
    /// Certificates of the listeners.
    pub tls: Tls,
    /// Web pages of other origins that may call.
    pub cors: Cors,
}

/// The form of log lines.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum LogFormat {
    /// For people.
    Text,
    /// For machines.
    Json,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            listen: SocketAddr::from(([127, 0, 0, 1], 8080)),
            grpc_listen: None,
            metrics_listen: MetricsListen::default(),
            database: "sqlite:recourse.db".to_owned(),
            max_connections: 16,
            issuer: "http://127.0.0.1:8080".to_owned(),
            audience: "recourse".to_owned(),
            log_format: LogFormat::Text,
            log: "info,sea_orm_migration=warn".to_owned(),
            work: true,
            telemetry: TelemetrySection::default(),
            accounts: AccountsConfig::default(),
            attachments: AttachmentsSection::default(),
            appraisals: AppraisalsSection::default(),
            control: ControlSection::default(),
            retention: RetentionSection::default(),
            limits: Limits::default(),
            tls: Tls::default(),
            cors: Cors::default(),
        }
    }
}

/// A configuration that can't be used, said in one line.
#[derive(Debug, thiserror::Error)]
#[error("configuration: {0}")]
pub struct ConfigError(String);

impl Config {
    /// The configuration without its secrets.
    #[must_use]
    pub fn redacted(&self) -> Self {
        Self { database: keys::without_password(&self.database), ..self.clone() }
    }

    /// Refuses values that no process can work with, before anything is opened.
    fn check(&self) -> Result<(), ConfigError> {
        let refuse = |text: String| Err(ConfigError(text));
        if !["sqlite:", "postgres://", "postgresql://"].iter().any(|scheme| self.database.starts_with(scheme)) {
            return refuse("database: neither sqlite:FILE nor postgres://user@host/database".to_owned());
        }
        if self.max_connections == 0 {
            return refuse("max_connections: at least 1".to_owned());
        }
        if !self.issuer.starts_with("http://") && !self.issuer.starts_with("https://") {
            return refuse(format!("issuer: an address that begins with https:// (or http://), not {:?}", self.issuer));
        }
        if self.issuer.ends_with('/') {
            // Tokens name it letter by letter, and paths are put behind it.
            return refuse(format!("issuer: without the slash at the end of {:?}", self.issuer));
        }
        if self.audience.is_empty() {
            return refuse("audience: a word that tokens name, such as \"recourse\"".to_owned());
        }
        if let Err(error) = tracing_subscriber::EnvFilter::try_new(&self.log) {
            return refuse(format!("log: {error}"));
        }
        let attachments = self.attachments.fault();
        let fault = attachments
            .or_else(|| self.accounts.fault())
            .or_else(|| self.retention.fault())
            .or_else(|| self.limits.fault())
            .or_else(|| self.tls.fault())
            .or_else(|| self.cors.fault());
        if let Some(fault) = fault {
            return refuse(fault);
        }
        self.telemetry.check().map_err(ConfigError)
    }
}

/// Logs and panics print configurations with `{:?}`; none of them may learn a secret.
impl std::fmt::Debug for Config {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match serde_json::to_value(self) {
            Ok(mut shown) => {
                keys::redact(&mut shown);
                write!(f, "Config {shown}")
            }
            Err(_) => f.write_str("Config { .. }"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_password_in_the_database_address_is_not_shown() {
        let config = Config { database: "postgres://app:p@ss@db/recourse".into(), ..Config::default() };
        assert_eq!(config.redacted().database, "postgres://app@db/recourse");
        assert_eq!(Config::default().redacted().database, "sqlite:recourse.db");
        let shown = format!("{config:?}");
        assert!(shown.contains("postgres://app@db/recourse") && !shown.contains("p@ss"), "{shown}");
    }

    #[test]
    fn what_no_process_can_work_with_is_refused() {
        let bad = [
            Config { database: "mysql://db".into(), ..Config::default() },
            Config { max_connections: 0, ..Config::default() },
            Config { issuer: "example.org".into(), ..Config::default() },
            Config { issuer: "https://example.org/".into(), ..Config::default() },
            Config { audience: String::new(), ..Config::default() },
            Config { log: "recourse=loud".into(), ..Config::default() },
        ];
        for config in bad {
            assert!(config.check().is_err(), "{config:?}");
        }
        assert!(Config::default().check().is_ok());
    }
}
