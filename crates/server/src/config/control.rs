//! `[control]`: what nobody does alone.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// What a deployment asks of its own people.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct ControlSection {
    /// Changes of prices, policies, grants of roles and bank accounts need a second person: they are proposed
    /// (`POST /v1/changeProposals`) and confirmed by another. Both sign in with passwords that they chose themselves.
    /// The only user of a new deployment sets it up alone; the second must be an administrator. The demo goes without it.
    pub second_person: bool,
}

impl Default for ControlSection {
    fn default() -> Self {
        Self { second_person: true }
    }
}
