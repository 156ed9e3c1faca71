//! Labour operations: what is done to a vehicle, and how long it takes.

use serde::{Deserialize, Serialize};

use super::common::{Checks, code_value, coded, reference, text, text_value, title, title_value, words};
use super::record::{ColumnValue, Field, Record, Reference};
use crate::ids::Code;
use crate::money::Hours;
use crate::text::Violation;

/// An operation of the labour time standard.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LaborOperation {
    /// Its code.
    pub code: Code,
    /// The code as the standard writes it, if that has other characters.
    pub display_code: String,
    /// Name.
    pub display_name: String,
    /// What is done, and from where to where.
    pub description: String,
    /// Category of parts that it works on, by which policies cover it.
    pub part_category: Option<Code>,
    /// Models that it is for; empty means all.
    pub models: Vec<Code>,
    /// Hours on models without hours of their own.
    pub default_hours: Option<Hours>,
    /// Hours by model.
    pub model_hours: Vec<ModelHours>,
    /// The skill it needs.
    pub skill: Option<Skill>,
    /// Least level of that skill; 0 is the lowest.
    pub skill_level: i32,
    /// Hours that were really worked may be claimed instead of the standard.
    pub actual_hours_allowed: bool,
    /// Most hours that may then be claimed.
    pub actual_hours_cap: Option<Hours>,
    /// Operations whose work it contains: they can't be claimed beside it.
    pub includes: Vec<Code>,
    /// Operations of one group share work: only one of them can be claimed.
    pub overlap_group: Option<Code>,
    /// Its key in the system of whoever created it.
    pub external_ref: String,
}

/// Standard hours on one model.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ModelHours {
    /// The model.
    pub model: Code,
    /// The hours.
    pub hours: Hours,
}

/// What a technician must be able to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum Skill {
    /// Mechanical work.
    Mechanical,
    /// Electrical work.
    Electrical,
    /// Process work: body, paint, trim.
    Process,
}

words! { Skill { Mechanical = "MECHANICAL", Electrical = "ELECTRICAL", Process = "PROCESS" } }

impl LaborOperation {
    /// Whether it is for a model.
    pub fn is_for(&self, model: &Code) -> bool {
        self.models.is_empty() || self.models.contains(model)
    }

    /// Standard hours on a model, if the standard says so.
    pub fn standard_hours(&self, model: &Code) -> Option<Hours> {
        let own = self.model_hours.iter().find(|row| &row.model == model).map(|row| row.hours);
        own.or(self.default_hours)
    }

    /// Whether two operations contain the same work, so that only one of them can be claimed.
    pub fn overlaps(&self, other: &Self) -> bool {
        self.includes.contains(&other.code)
            || other.includes.contains(&self.code)
            || (self.overlap_group.is_some() && self.overlap_group == other.overlap_group)
    }
}

impl Record for LaborOperation {
    const COLLECTION: &'static str = "laborOperations";
    const TABLE: &'static str = "labor_operation";
    const FIELDS: &'static [Field] =
        &[title("display_name"), coded("part_category"), text("skill"), coded("overlap_group"), text("external_ref")];

    fn code(&self) -> &str {
        self.code.as_str()
    }

    fn columns(&self) -> Vec<ColumnValue> {
        vec![
            title_value(&self.display_name),
            code_value(self.part_category.as_ref()),
            text_value(self.skill.map_or("", Skill::word)),
            code_value(self.overlap_group.as_ref()),
            text_value(&self.external_ref),
        ]
    }

    fn check(&self) -> Vec<Violation> {
        let mut checks = Checks::default();
        checks.filled(&self.display_name, "display_name");
        checks.distinct(&self.models, "models");
        checks.distinct(&self.includes, "includes");
        checks.must(
            !self.includes.contains(&self.code),
            "includes",
            "SELF_REFERENCE",
            "an operation can't include itself",
            "工序不能包含自身",
        );
        let models: Vec<&Code> = self.model_hours.iter().map(|row| &row.model).collect();
        checks.distinct(&models, "model_hours");
        let hours = self.model_hours.iter().map(|row| row.hours);
        for hours in hours.chain(self.default_hours).chain(self.actual_hours_cap) {
            checks.must(
                !hours.is_negative(),
                "model_hours",
                "NEGATIVE",
                "hours must not be below zero",
                "工时不能为负数",
            );
        }
        for (index, row) in self.model_hours.iter().enumerate() {
            let field = format!("model_hours[{index}].model");
            let holds = self.is_for(&row.model);
            checks.must(
                holds,
                &field,
                "MODEL_NOT_LISTED",
                "is not among models; add it there",
                "不在 models 中；请先添加",
            );
        }
        checks.must(
            self.actual_hours_allowed || self.actual_hours_cap.is_none(),
            "actual_hours_cap",
            "NOT_ALLOWED",
            "has no meaning unless actual_hours_allowed is set",
            "仅在 actual_hours_allowed 为真时有效",
        );
        checks.must(
            !self.actual_hours_allowed || self.actual_hours_cap.is_some(),
            "actual_hours_cap",
            "REQUIRED",
            "actual hours need a cap",
            "允许按实际工时申报时必须设置上限",
        );
        checks.found()
    }

    fn references(&self) -> Vec<Reference> {
        let included = self.includes.iter().enumerate();
        included
            .map(|(index, code)| reference(format!("includes[{index}]"), "labor_operation", "laborOperations", code))
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn code(text: &str) -> Code {
        Code::parse(text).unwrap()
    }

    fn operation(text: &str) -> LaborOperation {
        LaborOperation {
            code: code(text),
            display_code: String::new(),
            display_name: "更换燃油泵".to_owned(),
            description: String::new(),
            part_category: Some(code("FUEL")),
            models: Vec::new(),
            default_hours: Some(Hours(150)),
            model_hours: vec![ModelHours { model: code("M2"), hours: Hours(220) }],
            skill: Some(Skill::Mechanical),
            skill_level: 1,
            actual_hours_allowed: false,
            actual_hours_cap: None,
            includes: Vec::new(),
            overlap_group: None,
            external_ref: String::new(),
        }
    }

    #[test]
    fn a_models_own_hours_come_before_the_default() {
        assert_eq!(operation("OP-1").standard_hours(&code("M2")), Some(Hours(220)));
        assert_eq!(operation("OP-1").standard_hours(&code("M1")), Some(Hours(150)));
        assert_eq!(LaborOperation { default_hours: None, ..operation("OP-1") }.standard_hours(&code("M1")), None);
    }

    #[test]
    fn operations_overlap_by_inclusion_or_group() {
        let plain = operation("OP-1");
        let wide = LaborOperation { includes: vec![code("OP-1")], ..operation("OP-2") };
        assert!(wide.overlaps(&plain) && plain.overlaps(&wide));
        assert!(!plain.overlaps(&operation("OP-3")));
        let group = |text| LaborOperation { overlap_group: Some(code("TANK")), ..operation(text) };
        assert!(group("OP-4").overlaps(&group("OP-5")));
    }

    #[test]
    fn actual_hours_need_a_cap() {
        let rules = |allowed, cap: Option<i64>| {
            let operation =
                LaborOperation { actual_hours_allowed: allowed, actual_hours_cap: cap.map(Hours), ..operation("OP-1") };
            operation.check().into_iter().map(|violation| violation.rule).collect::<Vec<_>>()
        };
        assert_eq!(rules(false, None), [""; 0]);
        assert_eq!(rules(true, Some(400)), [""; 0]);
        assert_eq!(rules(true, None), ["REQUIRED"]);
        assert_eq!(rules(false, Some(400)), ["NOT_ALLOWED"]);
    }

    #[test]
    fn hours_are_only_for_models_of_the_operation() {
        let operation = LaborOperation { models: vec![code("M1")], ..operation("OP-1") };
        let found: Vec<_> = operation.check().into_iter().map(|violation| (violation.field, violation.rule)).collect();
        assert_eq!(found, [("model_hours[0].model".to_owned(), "MODEL_NOT_LISTED")]);
        assert_eq!(operation.columns().len(), LaborOperation::FIELDS.len());
    }
}
