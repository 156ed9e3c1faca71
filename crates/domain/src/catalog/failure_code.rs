//! Failure codes: what failed, and how.

use serde::{Deserialize, Serialize};

use super::common::{Checks, code_value, coded, flag, text, text_value, title, title_value};
use super::record::{ColumnValue, Field, Record};
use crate::ids::Code;
use crate::text::Violation;

/// A failure code: component group × failure mode.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct FailureCode {
    /// Its code.
    pub code: Code,
    /// The code as the catalogue writes it, if that has other characters.
    pub display_code: String,
    /// Name.
    pub display_name: String,
    /// What failed.
    pub component_group: Code,
    /// How it failed.
    pub failure_mode: Code,
    /// Failures of one group are "the same quality problem" of the three guarantees.
    pub problem_group: Option<Code>,
    /// A serious safety failure of the three guarantees.
    pub safety: bool,
    /// Its key in the system of whoever created it.
    pub external_ref: String,
}

impl Record for FailureCode {
    const COLLECTION: &'static str = "failureCodes";
    const TABLE: &'static str = "failure_code";
    const FIELDS: &'static [Field] = &[
        title("display_name"),
        coded("component_group"),
        coded("failure_mode"),
        coded("problem_group"),
        flag("safety"),
        text("external_ref"),
    ];

    fn code(&self) -> &str {
        self.code.as_str()
    }

    fn columns(&self) -> Vec<ColumnValue> {
        vec![
            title_value(&self.display_name),
            code_value(Some(&self.component_group)),
            code_value(Some(&self.failure_mode)),
            code_value(self.problem_group.as_ref()),
            ColumnValue::Bool(Some(self.safety)),
            text_value(&self.external_ref),
        ]
    }

    fn check(&self) -> Vec<Violation> {
        let mut checks = Checks::default();
        checks.filled(&self.display_name, "display_name");
        checks.found()
    }
}
