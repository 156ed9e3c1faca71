//! `[appraisals]`: whom the deployment trusts to certify experts.

use std::path::PathBuf;

use recourse_service::TrustAnchors;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// What judges the signatures of experts.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct AppraisalsSection {
    /// A file (PEM) with the certificates of those whom you trust to certify experts: roots, issuing authorities, or
    /// an expert's own certificate. An expert's signature whose certificate none of them stands behind is refused.
    /// Left out: chains are not checked, and `:verify` says so. Read at the start.
    pub trust_anchors: Option<PathBuf>,
}

impl AppraisalsSection {
    /// The certificates of the file; what can't be read is said with its name.
    pub(crate) fn anchors(&self) -> Result<TrustAnchors, String> {
        let Some(file) = &self.trust_anchors else { return Ok(TrustAnchors::default()) };
        let pem = std::fs::read(file).map_err(|error| format!("{}: {error}", file.display()))?;
        TrustAnchors::from_pem(&pem).map_err(|fault| format!("{}: {fault}", file.display()))
    }
}
