//! Configuration: defaults < TOML file < environment < flags. Unknown keys are refused, so that a mistyped
//! limit is not silently the default.

use std::net::SocketAddr;
use std::path::Path;

use figment::Figment;
use figment::providers::{Env, Format, Serialized, Toml};
use serde::{Deserialize, Serialize};

mod cors;
mod limits;
mod tls;

pub use cors::Cors;
pub use limits::Limits;
pub use tls::Tls;

/// Everything that can be configured.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Config {
    /// Where gRPC, gRPC-Web, REST, documentation and health answer.
    pub listen: SocketAddr,
    /// A port for gRPC alone, if it is to be apart.
    pub grpc_listen: Option<SocketAddr>,
    /// The store: `sqlite:recourse.db` or `postgres://user@host/database`.
    pub database: String,
    /// Connections to the store.
    pub max_connections: u32,
    /// Whose tokens are accepted and made: the public address of this deployment.
    pub issuer: String,
    /// The audience named in tokens.
    pub audience: String,
    /// `text` for people, `json` for machines.
    pub log_format: LogFormat,
    /// Which log lines: `info`, `recourse_service=debug`.
    pub log: String,
    /// Whether `serve` also does the work of `worker`.
    pub work: bool,
    /// What one client, and all of them together, may take.
    pub limits: Limits,
    /// Certificates of the listeners.
    pub tls: Tls,
    /// Web pages of other origins that may call.
    pub cors: Cors,
}

/// The form of log lines.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
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
            database: "sqlite:recourse.db".to_owned(),
            max_connections: 16,
            issuer: "http://127.0.0.1:8080".to_owned(),
            audience: "recourse".to_owned(),
            log_format: LogFormat::Text,
            log: "info,sea_orm_migration=warn".to_owned(),
            work: true,
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
    /// Reads the layers. `file` must exist if it is named; `recourse.toml` is read if it is there.
    pub fn load(file: Option<&Path>) -> Result<Self, ConfigError> {
        let mut figment = Figment::from(Serialized::defaults(Self::default()));
        figment = match file {
            Some(path) => figment.merge(Toml::file_exact(path)),
            None => figment.merge(Toml::file("recourse.toml")),
        };
        let config: Self = figment
            // RECOURSE_TEST_… belongs to the test harness. RECOURSE_LIMITS__MAX_IN_FLIGHT is `limits.max_in_flight`.
            .merge(Env::prefixed("RECOURSE_").filter(|key| !key.starts_with("test_")).split("__"))
            .extract()
            .map_err(|error| ConfigError(error.to_string().replace('\n', "; ")))?;
        let fault = config.limits.fault().or_else(|| config.tls.fault()).or_else(|| config.cors.fault());
        fault.map_or(Ok(config), |fault| Err(ConfigError(fault)))
    }

    /// The configuration without the password that a database address may hold.
    pub fn redacted(&self) -> Self {
        let mut shown = self.clone();
        if let Some((scheme, rest)) = shown.database.split_once("://")
            && let Some((credentials, place)) = rest.rsplit_once('@')
        {
            let user = credentials.split_once(':').map_or(credentials, |(user, _)| user);
            shown.database = format!("{scheme}://{user}@{place}");
        }
        shown
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
    }
}
