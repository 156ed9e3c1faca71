//! `[cors]`: which web pages of other origins may call the API from a browser. None by default.

use http::{HeaderValue, Uri};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// The allow-list of origins.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Cors {
    /// Origins as browsers send them: `https://app.example.com`, with the port if it is not the usual one.
    pub allowed_origins: Vec<String>,
}

impl Cors {
    /// What can't be meant.
    pub(super) fn fault(&self) -> Option<String> {
        let bad = self.allowed_origins.iter().find(|origin| !is_origin(origin))?;
        Some(format!("cors.allowed_origins: {bad:?} is not an origin, such as \"https://app.example.com\""))
    }
}

/// Scheme and place, and nothing after; `*` would open the API to every page there is.
fn is_origin(text: &str) -> bool {
    let Ok(uri) = text.parse::<Uri>() else { return false };
    let spelled = match (uri.scheme_str(), uri.authority()) {
        (Some(scheme @ ("http" | "https")), Some(place)) => format!("{scheme}://{place}"),
        _ => return false,
    };
    spelled == text && text == text.to_lowercase() && HeaderValue::from_str(text).is_ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_origin_is_a_scheme_and_a_place() {
        for good in ["https://app.example.com", "http://localhost:5173", "https://[::1]:8443"] {
            assert!(is_origin(good), "{good}");
        }
        for bad in ["*", "app.example.com", "https://app.example.com/", "https://a/b", "https://A.example", "null", ""]
        {
            assert!(!is_origin(bad), "{bad}");
        }
    }
}
