//! Evidence rules: which photos, invoices and readings a claim needs.

use chrono::NaiveDate;
use serde::{Deserialize, Serialize};

use super::common::{Checks, code_value, coded, date, named, reference, text, text_value, title, title_value};
use super::record::{ColumnValue, Field, Record, Reference};
use crate::attachments::Category;
use crate::claims::Kind;
use crate::ids::Code;
use crate::money::Money;
use crate::text::Violation;

/// A rule. It applies to a claim that has all that it names.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct EvidenceRule {
    /// Its code.
    pub code: Code,
    /// Name.
    pub display_name: String,
    /// The kind of claim; none: every kind.
    pub kind: Option<Kind>,
    /// A line has this operation.
    pub operation: Option<Code>,
    /// A line has this part.
    pub part: Option<Code>,
    /// A line has a part of this category.
    pub part_category: Option<Code>,
    /// The claim has this failure.
    pub failure_code: Option<Code>,
    /// From this amount on: of the line, or of all lines if the rule names nothing of a line.
    pub from_amount: Option<Money>,
    /// What is needed.
    pub category: Category,
    /// How many of it at least.
    pub minimum_count: u32,
    /// The clause that it rests on.
    #[serde(default)]
    pub clause: String,
    /// First completion date of repairs that it is about.
    pub valid_from: NaiveDate,
    /// First day without it; none while it goes on.
    pub valid_to: Option<NaiveDate>,
    /// Its key in the system of whoever created it.
    pub external_ref: String,
}

impl EvidenceRule {
    /// Whether it is in force on a day.
    pub fn is_in_force(&self, day: NaiveDate) -> bool {
        self.valid_from <= day && self.valid_to.is_none_or(|end| day < end)
    }

    /// Whether it names something that only a line has.
    pub fn is_about_a_line(&self) -> bool {
        self.operation.is_some() || self.part.is_some() || self.part_category.is_some()
    }
}

impl Record for EvidenceRule {
    const COLLECTION: &'static str = "evidenceRules";
    const TABLE: &'static str = "evidence_rule";
    const FIELDS: &'static [Field] = &[
        title("display_name"),
        text("kind"),
        named("operation", "laborOperations"),
        named("part", "parts"),
        coded("part_category"),
        named("failure_code", "failureCodes"),
        text("category"),
        date("valid_from", true),
        date("valid_to", false),
        text("external_ref"),
    ];

    fn code(&self) -> &str {
        self.code.as_str()
    }

    fn columns(&self) -> Vec<ColumnValue> {
        vec![
            title_value(&self.display_name),
            text_value(self.kind.map_or("", Kind::word)),
            code_value(self.operation.as_ref()),
            code_value(self.part.as_ref()),
            code_value(self.part_category.as_ref()),
            code_value(self.failure_code.as_ref()),
            text_value(self.category.word()),
            ColumnValue::Date(Some(self.valid_from)),
            ColumnValue::Date(self.valid_to),
            text_value(&self.external_ref),
        ]
    }

    fn check(&self) -> Vec<Violation> {
        let mut checks = Checks::default();
        checks.filled(&self.display_name, "display_name");
        checks.not_negative(self.from_amount, "from_amount");
        checks.lasts(self.valid_from, self.valid_to);
        checks.must(
            self.part.is_none() || self.part_category.is_none(),
            "part_category",
            "EITHER_OR",
            "a rule is about a part or about a category of parts; leave one out",
            "规则按零件或按零件类别设定，请只填其一",
        );
        checks.found()
    }

    fn references(&self) -> Vec<Reference> {
        let operation =
            self.operation.iter().map(|code| reference("operation", "labor_operation", "laborOperations", code));
        let part = self.part.iter().map(|code| reference("part", "part", "parts", code));
        let failure =
            self.failure_code.iter().map(|code| reference("failure_code", "failure_code", "failureCodes", code));
        operation.chain(part).chain(failure).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rule() -> EvidenceRule {
        EvidenceRule {
            code: Code::parse("ER-1").unwrap(),
            display_name: "photo of the pump".to_owned(),
            kind: None,
            operation: None,
            part: None,
            part_category: None,
            failure_code: None,
            from_amount: None,
            category: Category::Photo,
            minimum_count: 1,
            clause: String::new(),
            valid_from: "2026-01-01".parse().unwrap(),
            valid_to: Some("2027-01-01".parse().unwrap()),
            external_ref: String::new(),
        }
    }

    #[test]
    fn the_first_day_counts_and_the_end_does_not() {
        let in_force = |day: &str| rule().is_in_force(day.parse().unwrap());
        assert_eq!([in_force("2025-12-31"), in_force("2026-01-01")], [false, true]);
        assert_eq!([in_force("2026-12-31"), in_force("2027-01-01")], [true, false]);
        assert!(EvidenceRule { valid_to: None, ..rule() }.is_in_force("2099-01-01".parse().unwrap()));
    }

    #[test]
    fn a_rule_names_a_part_or_a_category() {
        let code = |text| Some(Code::parse(text).unwrap());
        let rules = |rule: EvidenceRule| rule.check().into_iter().map(|found| found.rule).collect::<Vec<_>>();
        assert_eq!(rules(rule()), [""; 0]);
        assert_eq!(rules(EvidenceRule { part: code("P-1"), ..rule() }), [""; 0]);
        assert_eq!(rules(EvidenceRule { part: code("P-1"), part_category: code("FUEL"), ..rule() }), ["EITHER_OR"]);
        assert_eq!(rules(EvidenceRule { valid_to: Some(rule().valid_from), ..rule() }), ["ENDS_BEFORE_IT_BEGINS"]);
        assert_eq!(rule().columns().len(), EvidenceRule::FIELDS.len());
        assert!(!rule().is_about_a_line() && EvidenceRule { part: code("P-1"), ..rule() }.is_about_a_line());
    }
}
