//! `[tls]`: certificates. Without them the listeners speak cleartext, for a proxy that ends TLS.

use std::path::PathBuf;
use std::time::Duration;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// The certificate of the listeners.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Tls {
    /// The certificate and its chain (PEM).
    pub certificate: Option<PathBuf>,
    /// Its private key (PEM).
    pub key: Option<PathBuf>,
    /// For how long browsers are told to come back by HTTPS only (`Strict-Transport-Security`); zero for not.
    #[serde(with = "humantime_serde")]
    #[schemars(with = "String")]
    pub hsts: Duration,
}

/// A year as spans of time are written.
const YEAR: Duration = Duration::from_secs(31_557_600);

impl Default for Tls {
    fn default() -> Self {
        Self { certificate: None, key: None, hsts: YEAR }
    }
}

impl Tls {
    /// What can't be meant.
    pub(super) fn fault(&self) -> Option<String> {
        (self.certificate.is_some() != self.key.is_some())
            .then(|| "tls.certificate and tls.key belong together; give both or none".to_owned())
    }

    /// Whether the listeners speak TLS.
    pub fn is_on(&self) -> bool {
        self.certificate.is_some()
    }
}
