//! Where the metrics are read.

use std::net::SocketAddr;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Where `GET /metrics` answers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(into = "String", try_from = "String")]
#[schemars(with = "String")]
pub enum MetricsListen {
    /// Nowhere.
    Off,
    /// Here; a port that is taken is a fault.
    At(SocketAddr),
    /// Here, unless the port is taken: of several servers on one machine the first is read.
    IfFree(SocketAddr),
}

/// The words behind an address that may be taken.
const IF_FREE: &str = " if free";

impl Default for MetricsListen {
    fn default() -> Self {
        Self::IfFree(SocketAddr::from(([127, 0, 0, 1], 9090)))
    }
}

impl From<MetricsListen> for String {
    fn from(listen: MetricsListen) -> Self {
        match listen {
            MetricsListen::Off => "off".to_owned(),
            MetricsListen::At(address) => address.to_string(),
            MetricsListen::IfFree(address) => format!("{address}{IF_FREE}"),
        }
    }
}

impl TryFrom<String> for MetricsListen {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        if text == "off" {
            return Ok(Self::Off);
        }
        let (address, if_free) = text.strip_suffix(IF_FREE).map_or((text.as_str(), false), |address| (address, true));
        let address = address.parse().map_err(|_| format!("`{text}` is neither an address with a port nor `off`"))?;
        Ok(if if_free { Self::IfFree(address) } else { Self::At(address) })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_is_read_again() {
        for text in ["off", "127.0.0.1:9090", "[::1]:9090 if free"] {
            assert_eq!(String::from(MetricsListen::try_from(text.to_owned()).unwrap()), text);
        }
        assert!(MetricsListen::try_from("9090".to_owned()).is_err());
    }
}
