//! Traces.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Where traces go.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct TelemetrySection {
    /// The collector that traces are sent to over OTLP (gRPC, in clear): `http://127.0.0.1:4317`. Without it no
    /// traces are sent, nor with a `log` of less than `info`. Calls never wait for it: while it is away or slow,
    /// traces are dropped, and one line of the log says so.
    pub otlp_endpoint: Option<String>,
}

impl TelemetrySection {
    /// Refuses what this binary can't do.
    pub(super) fn check(&self) -> Result<(), String> {
        match &self.otlp_endpoint {
            None => Ok(()),
            Some(endpoint) if !endpoint.starts_with("http://") => {
                Err(format!("telemetry.otlp_endpoint: an address that begins with http://, not {endpoint:?}"))
            }
            Some(_) if cfg!(feature = "otlp") => Ok(()),
            Some(_) => Err("telemetry.otlp_endpoint: this binary was built without the feature otlp".to_owned()),
        }
    }
}
