//! Warranty policies: what the manufacturer promises, for how long, and what it does not.
//!
//! Each version is a record of its own (`BASE-2026.1`) within a family (`BASE`). A draft can be changed; a
//! published version never, for vehicles were sold under it.

use chrono::{DateTime, NaiveDate, Utc};
use serde::{Deserialize, Serialize};

use super::common::{Checks, coded, date, number, reference, text, text_value, title, title_value, words};
use super::record::{ColumnValue, Field, Record, Reference};
use crate::change::Audience;
use crate::ids::Code;
use crate::money::{BasisPoints, Money};
use crate::text::Violation;
use crate::vehicle::VehicleUse;

/// One version of a warranty policy.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct WarrantyPolicy {
    /// Code of the version: `BASE-2026.1`.
    pub code: Code,
    /// The code as it is printed, if that has other characters.
    pub display_code: String,
    /// Name, as in the warranty booklet.
    pub display_name: String,
    /// What the versions are versions of: `BASE`.
    pub policy_family: Code,
    /// Counts the versions of the family, from 1.
    pub version_number: i32,
    /// Whether it can still be changed.
    pub state: PolicyState,
    /// When it was published.
    pub publish_time: Option<DateTime<Utc>>,
    /// First day of warranty starts that it is for.
    pub valid_from: NaiveDate,
    /// First day of warranty starts that it is not for any more.
    pub valid_to: Option<NaiveDate>,
    /// It also serves vehicles whose warranty began before `valid_from`.
    pub applies_to_sold_vehicles: bool,
    /// Models that it is for; empty means all.
    pub models: Vec<Code>,
    /// What it covers.
    pub terms: Vec<CoverageTerm>,
    /// What it does not cover.
    pub exclusions: Vec<Exclusion>,
    /// Free services after running-in.
    pub running_in_services: Vec<RunningInService>,
    /// What is promised for parts that a repair fitted.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub replaced_part: Option<ReplacedPartTerm>,
    /// The period and coefficient of the three guarantees, where they apply.
    pub guarantee: Option<GuaranteeTerms>,
    /// Its key in the system of whoever created it.
    pub external_ref: String,
}

/// Whether a version can still be changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum PolicyState {
    /// Being written; covers nothing.
    Draft,
    /// In force from its dates, and immutable.
    Published,
}

words! { PolicyState { Draft = "DRAFT", Published = "PUBLISHED" } }

/// A promise for some categories of parts: so many months and kilometres, whichever ends first.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CoverageTerm {
    /// Name of the term within the version: `POWERTRAIN`.
    pub code: Code,
    /// General, or for wear parts.
    pub kind: TermKind,
    /// Categories of parts; empty means all.
    pub part_categories: Vec<Code>,
    /// Vehicles in this use only; none: any.
    pub vehicle_use: Option<VehicleUse>,
    /// Months from the warranty start; the last day is covered.
    pub months: i32,
    /// Kilometres; the last one is covered. None: unlimited.
    pub km: Option<i64>,
    /// The clause of the booklet.
    pub clause: String,
}

/// What a term is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum TermKind {
    /// Any part of its categories that no wear-part term names.
    General,
    /// Wear parts: for the categories it names no general term of the version counts.
    WearPart,
}

/// Something that a version does not cover. Anything that it names is enough.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Exclusion {
    /// Categories of parts.
    pub part_categories: Vec<Code>,
    /// Parts.
    pub parts: Vec<Code>,
    /// Operations.
    pub labor_operations: Vec<Code>,
    /// Why, in words.
    pub description: String,
    /// The clause of the booklet.
    pub clause: String,
}

/// One of the free services after running-in.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RunningInService {
    /// Which one, from 1.
    pub sequence: i32,
    /// Fewest kilometres.
    pub from_km: i64,
    /// Most kilometres, inclusive.
    pub to_km: i64,
    /// Most months since the warranty start.
    pub months: i32,
    /// What the station is paid.
    pub fee: Money,
}

/// The own warranty of a part that a repair under warranty fitted.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ReplacedPartTerm {
    /// Months from the completion of that repair; the last day is covered.
    pub months: i32,
    /// Kilometres since that repair; the last one is covered. None: unlimited.
    pub km: Option<i64>,
    /// The clause of the booklet.
    pub clause: String,
}

/// What the three guarantees promise beyond the warranty.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct GuaranteeTerms {
    /// Months (三包有效期).
    pub months: i32,
    /// Kilometres.
    pub km: i64,
    /// Coefficient n of the use compensation: 50 are 0.5 %.
    pub coefficient_bp: BasisPoints,
}

impl WarrantyPolicy {
    /// The same version, published. Only a draft can be.
    pub fn publish(self, now: DateTime<Utc>) -> Result<Self, Violation> {
        match self.state {
            PolicyState::Draft => Ok(Self { state: PolicyState::Published, publish_time: Some(now), ..self }),
            PolicyState::Published => Err(Violation::new(
                "state",
                "ALREADY_PUBLISHED",
                "this version is published; create the next version of its family instead",
                "该版本已发布；请为同一政策系列创建下一版本",
            )),
        }
    }

    /// Whether it is for a model.
    pub fn is_for(&self, model: &Code) -> bool {
        self.models.is_empty() || self.models.contains(model)
    }
}

impl Record for WarrantyPolicy {
    const COLLECTION: &'static str = "warrantyPolicies";
    const TABLE: &'static str = "warranty_policy";
    const FIELDS: &'static [Field] = &[
        title("display_name"),
        coded("policy_family"),
        number("version_number"),
        text("state"),
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
            text_value(self.policy_family.as_str()),
            ColumnValue::Integer(Some(i64::from(self.version_number))),
            text_value(self.state.word()),
            ColumnValue::Date(Some(self.valid_from)),
            ColumnValue::Date(self.valid_to),
            text_value(&self.external_ref),
        ]
    }

    fn check(&self) -> Vec<Violation> {
        let mut checks = Checks::default();
        checks.filled(&self.display_name, "display_name");
        checks.must(self.version_number >= 1, "version_number", "NOT_POSITIVE", "counts from 1", "版本号从 1 开始");
        checks.lasts(self.valid_from, self.valid_to);
        checks.distinct(&self.models, "models");
        checks.must(
            !self.terms.is_empty(),
            "terms",
            "REQUIRED",
            "a policy covers something",
            "政策至少应有一条保修条款",
        );
        let names: Vec<&Code> = self.terms.iter().map(|term| &term.code).collect();
        checks.distinct(&names, "terms");
        for (index, term) in self.terms.iter().enumerate() {
            let at = |name: &str| format!("terms[{index}].{name}");
            checks.must(
                (1..=600).contains(&term.months),
                &at("months"),
                "OUT_OF_RANGE",
                "is 1 to 600 months",
                "应为 1 至 600 个月",
            );
            checks.must(
                term.km.is_none_or(|km| km > 0),
                &at("distance"),
                "NOT_POSITIVE",
                "must be above zero",
                "必须大于零",
            );
            checks.distinct(&term.part_categories, &at("part_categories"));
            checks.must(
                term.kind == TermKind::General || !term.part_categories.is_empty(),
                &at("part_categories"),
                "REQUIRED",
                "a term for wear parts names their categories",
                "易损件条款必须列明零件类别",
            );
        }
        for (index, exclusion) in self.exclusions.iter().enumerate() {
            let named = exclusion.part_categories.len() + exclusion.parts.len() + exclusion.labor_operations.len();
            let field = format!("exclusions[{index}]");
            checks.must(named > 0, &field, "REQUIRED", "names nothing that it excludes", "未列明任何排除对象");
        }
        for (index, service) in self.running_in_services.iter().enumerate() {
            let at = |name: &str| format!("running_in_services[{index}].{name}");
            let expected = i32::try_from(index).map_or(i32::MAX, |index| index.saturating_add(1));
            checks.must(
                service.sequence == expected,
                &at("sequence"),
                "OUT_OF_ORDER",
                "counts from 1",
                "应从 1 连续编号",
            );
            checks.must(
                0 <= service.from_km && service.from_km <= service.to_km,
                &at("to_distance"),
                "OUT_OF_ORDER",
                "must not be below from_distance",
                "不能小于 from_distance",
            );
            checks.must(service.months > 0, &at("months"), "NOT_POSITIVE", "must be above zero", "必须大于零");
            checks.not_negative(Some(service.fee), &at("fee"));
        }
        if let Some(term) = &self.replaced_part {
            checks.must(
                (1..=600).contains(&term.months),
                "replaced_part.months",
                "OUT_OF_RANGE",
                "is 1 to 600 months",
                "应为 1 至 600 个月",
            );
            checks.must(
                term.km.is_none_or(|km| km > 0),
                "replaced_part.distance",
                "NOT_POSITIVE",
                "must be above zero",
                "必须大于零",
            );
        }
        if let Some(guarantee) = &self.guarantee {
            let holds = guarantee.months > 0 && guarantee.km > 0;
            checks.must(
                holds,
                "guarantee",
                "NOT_POSITIVE",
                "months and distance must be above zero",
                "月数与里程必须大于零",
            );
            checks.share(guarantee.coefficient_bp, "guarantee.coefficient_bp");
        }
        checks.found()
    }

    fn check_change(&self, before: &Self, _today: NaiveDate) -> Vec<Violation> {
        let mut checks = Checks::default();
        checks.must(
            before.state == PolicyState::Draft || self == before,
            "state",
            "PUBLISHED",
            "a published version is immutable; create the next version of its family",
            "已发布的版本不可修改；请为同一政策系列创建下一版本",
        );
        checks.found()
    }

    fn references(&self) -> Vec<Reference> {
        let mut references = Vec::new();
        for (index, exclusion) in self.exclusions.iter().enumerate() {
            for (at, code) in exclusion.parts.iter().enumerate() {
                references.push(reference(format!("exclusions[{index}].parts[{at}]"), "part", "parts", code));
            }
            for (at, code) in exclusion.labor_operations.iter().enumerate() {
                let field = format!("exclusions[{index}].labor_operations[{at}]");
                references.push(reference(field, "labor_operation", "laborOperations", code));
            }
        }
        references
    }

    fn audience(&self, _id: uuid::Uuid) -> Audience {
        match self.state {
            // What the manufacturer plans to promise is its own affair until it does.
            PolicyState::Draft => Audience::Oem,
            PolicyState::Published => Audience::Everyone,
        }
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;

    fn code(text: &str) -> Code {
        Code::parse(text).unwrap()
    }

    pub(crate) fn term(name: &str, categories: &[&str], months: i32, km: Option<i64>) -> CoverageTerm {
        CoverageTerm {
            code: code(name),
            kind: TermKind::General,
            part_categories: categories.iter().map(|category| code(category)).collect(),
            vehicle_use: None,
            months,
            km,
            clause: format!("§ {name}"),
        }
    }

    pub(crate) fn policy(name: &str, from: &str, terms: Vec<CoverageTerm>) -> WarrantyPolicy {
        let (family, version) = name.split_once('.').unwrap();
        WarrantyPolicy {
            code: code(name),
            display_code: String::new(),
            display_name: name.to_owned(),
            policy_family: code(family),
            version_number: version.parse().unwrap(),
            state: PolicyState::Published,
            publish_time: None,
            valid_from: from.parse().unwrap(),
            valid_to: None,
            applies_to_sold_vehicles: false,
            models: Vec::new(),
            terms,
            exclusions: Vec::new(),
            running_in_services: Vec::new(),
            replaced_part: None,
            guarantee: None,
            external_ref: String::new(),
        }
    }

    #[test]
    fn a_draft_is_published_once_and_then_immutable() {
        let now = DateTime::from_timestamp(1_800_000_000, 0).unwrap();
        let today = now.date_naive();
        let draft = WarrantyPolicy {
            state: PolicyState::Draft,
            ..policy("BASE.1", "2026-01-01", vec![term("GENERAL", &[], 36, Some(60_000))])
        };
        assert_eq!(draft.check(), []);
        let changed = WarrantyPolicy { display_name: "other".to_owned(), ..draft.clone() };
        assert_eq!(changed.check_change(&draft, today), []);
        let published = draft.publish(now).unwrap();
        assert_eq!((published.state, published.publish_time), (PolicyState::Published, Some(now)));
        assert_eq!(published.clone().publish(now).unwrap_err().rule, "ALREADY_PUBLISHED");
        let changed = WarrantyPolicy { valid_to: Some(today), ..published.clone() };
        assert_eq!(changed.check_change(&published, today)[0].rule, "PUBLISHED");
        assert_eq!(published.check_change(&published, today), []);
        assert_eq!(published.columns().len(), WarrantyPolicy::FIELDS.len());
    }

    #[test]
    fn a_policy_promises_something_for_some_time() {
        let rules = |policy: &WarrantyPolicy| policy.check().into_iter().map(|v| v.rule).collect::<Vec<_>>();
        assert_eq!(rules(&policy("BASE.1", "2026-01-01", vec![])), ["REQUIRED"]);
        let endless = term("GENERAL", &[], 0, Some(0));
        assert_eq!(rules(&policy("BASE.1", "2026-01-01", vec![endless])), ["OUT_OF_RANGE", "NOT_POSITIVE"]);
        let wear = CoverageTerm { kind: TermKind::WearPart, ..term("WEAR", &[], 6, None) };
        assert_eq!(rules(&policy("BASE.1", "2026-01-01", vec![wear])), ["REQUIRED"]);
    }
}
