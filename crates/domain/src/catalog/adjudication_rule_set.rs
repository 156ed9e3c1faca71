//! Sets of adjudication rules: what is decided about a claim at its submission, without a person.
//!
//! Each version is a record of its own (`CLASSIC.3`) within a family (`CLASSIC`), as policies are: a claim names
//! the version that decided it, and that one never changes.

use chrono::{DateTime, NaiveDate, Utc};
use serde::{Deserialize, Serialize};

use super::common::{Checks, coded, date, number, reference, text, text_value, title, title_value, words};
use super::record::{ColumnValue, Field, Record, Reference};
use crate::adjudication::{Condition, MAX_STEPS};
use crate::change::Audience;
use crate::claims::{Kind, Reason};
use crate::ids::Code;
use crate::text::Violation;

/// One version of a set of rules.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AdjudicationRuleSet {
    /// Code of the version: `CLASSIC.3`.
    pub code: Code,
    /// Name.
    pub display_name: String,
    /// What the versions are versions of: `CLASSIC`.
    pub family: Code,
    /// Counts the versions of the family, from 1.
    pub version_number: i32,
    /// Whether it can still be changed, and whether it counts.
    pub state: RuleSetState,
    /// When it was published.
    pub publish_time: Option<DateTime<Utc>>,
    /// When it was taken out of force.
    pub end_time: Option<DateTime<Utc>>,
    /// First day on which it is in force.
    pub valid_from: NaiveDate,
    /// Every n-th automatic approval goes to a person; 0: none.
    pub sample_every: i32,
    /// The queue of those.
    pub sample_queue: Option<Code>,
    /// The queue of what no rule matches.
    pub default_queue: Option<Code>,
    /// The rules.
    pub rules: Vec<AdjudicationRule>,
    /// Its key in the system of whoever created it.
    pub external_ref: String,
    /// Whether its rules approve requests for leave too.
    #[serde(default)]
    pub may_authorize: bool,
}

/// Whether a version can still be changed, and whether it counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum RuleSetState {
    /// Being written; decides nothing.
    Draft,
    /// Immutable, and in force from its day until the next version's.
    Published,
    /// Out of force.
    Retired,
}

/// One rule: when it matches, and what is done then.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AdjudicationRule {
    /// Its code within the set.
    pub id: Code,
    /// Rules are tried from the smallest to the largest.
    pub priority: i32,
    /// When it matches.
    pub condition: String,
    /// What is done.
    pub action: RuleAction,
    /// The queue, for ROUTE.
    pub queue: Option<Code>,
    /// Why, for RETURN and REJECT.
    pub reasons: Vec<Reason>,
    /// Which evidence, for REQUIRE_EVIDENCE, in English.
    pub evidence: String,
    /// The same in Chinese.
    pub evidence_zh: String,
    /// Kinds of claim; empty means all.
    pub kinds: Vec<Kind>,
    /// What it is for, in English.
    pub description: String,
    /// The same in Chinese.
    pub description_zh: String,
    /// Leaves it out.
    pub disabled: bool,
}

/// What a rule does.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum RuleAction {
    /// Approves every line in full.
    Approve,
    /// Leaves the decision to a person of a queue.
    Route,
    /// Returns the claim for correction.
    Return,
    /// Rejects every line.
    Reject,
    /// Returns the claim and asks for evidence.
    RequireEvidence,
}

words! {
    RuleSetState { Draft = "DRAFT", Published = "PUBLISHED", Retired = "RETIRED" }
    RuleAction {
        Approve = "APPROVE", Route = "ROUTE", Return = "RETURN", Reject = "REJECT", RequireEvidence = "REQUIRE_EVIDENCE",
    }
}

impl AdjudicationRuleSet {
    /// The same version, published. Only a draft can be, and not for days that have passed: claims were decided
    /// on them.
    pub fn publish(self, now: DateTime<Utc>, today: NaiveDate) -> Result<Self, Violation> {
        match self.state {
            RuleSetState::Draft if self.valid_from < today => Err(Violation::new(
                "valid_from",
                "IN_THE_PAST",
                format!("valid_from {} has passed; set it to {today} or later, then publish", self.valid_from),
                format!("valid_from {} 已过；请改为 {today} 或以后，再发布", self.valid_from),
            )),
            RuleSetState::Draft if self.rules.iter().all(|rule| rule.disabled) => Err(Violation::new(
                "rules",
                "REQUIRED",
                "a set without a rule decides nothing; write one, then publish",
                "没有规则的规则集不起作用；请先编写规则，再发布",
            )),
            RuleSetState::Draft => Ok(Self { state: RuleSetState::Published, publish_time: Some(now), ..self }),
            RuleSetState::Published | RuleSetState::Retired => Err(Violation::new(
                "state",
                "ALREADY_PUBLISHED",
                "this version has been published; create the next version of its family instead",
                "该版本已发布过；请为同一规则集系列创建下一版本",
            )),
        }
    }

    /// The same version, out of force.
    pub fn retire(self, now: DateTime<Utc>) -> Result<Self, Violation> {
        match self.state {
            RuleSetState::Draft | RuleSetState::Published => {
                Ok(Self { state: RuleSetState::Retired, end_time: Some(now), ..self })
            }
            RuleSetState::Retired => {
                Err(Violation::new("state", "ALREADY_RETIRED", "this version is out of force", "该版本已停用"))
            }
        }
    }

    fn check_rule(checks: &mut Checks, at: &dyn Fn(&str) -> String, rule: &AdjudicationRule) -> u64 {
        checks.must(
            (rule.action == RuleAction::Route) == rule.queue.is_some(),
            &at("queue"),
            "QUEUE_AND_ACTION",
            "ROUTE names a queue, and no other action does",
            "ROUTE 需指定队列，其他动作不得指定",
        );
        let gives_reasons = match rule.action {
            RuleAction::Return | RuleAction::Reject => true,
            RuleAction::Approve | RuleAction::Route | RuleAction::RequireEvidence => false,
        };
        checks.must(
            gives_reasons != rule.reasons.is_empty(),
            &at("reasons"),
            "REASONS_AND_ACTION",
            "RETURN and REJECT say why, and no other action does",
            "RETURN 与 REJECT 需填写原因，其他动作不得填写",
        );
        checks.must(
            rule.reasons.iter().all(|reason| reason.deadline.is_none()),
            &at("reasons"),
            "NO_DEADLINE",
            "a rule can't know a day; leave the deadline out",
            "规则无法预知日期；请勿填写 deadline",
        );
        let asks = rule.action == RuleAction::RequireEvidence;
        for (text, field) in [(&rule.evidence, "evidence"), (&rule.evidence_zh, "evidence_zh")] {
            checks.must(
                asks != text.trim().is_empty(),
                &at(field),
                "EVIDENCE_AND_ACTION",
                "REQUIRE_EVIDENCE says which, in both languages, and no other action does",
                "REQUIRE_EVIDENCE 需以中英文写明所需证明，其他动作不得填写",
            );
        }
        checks.distinct(&rule.kinds, &at("kinds"));
        match Condition::compile(&rule.condition) {
            Ok(condition) => condition.steps(),
            Err(fault) => {
                let (id, line, column) = (&rule.id, fault.line, fault.column);
                let (en, zh) = (
                    format!("rule {id}, line {line}, column {column}: {}", fault.text.en),
                    format!("规则 {id} 第 {line} 行第 {column} 列：{}", fault.text.zh_cn),
                );
                checks.all(vec![Violation::new(at("condition"), "BAD_CONDITION", en, zh)]);
                0
            }
        }
    }
}

impl Record for AdjudicationRuleSet {
    const COLLECTION: &'static str = "adjudicationRuleSets";
    const TABLE: &'static str = "adjudication_rule_set";
    const FIELDS: &'static [Field] = &[
        title("display_name"),
        coded("family"),
        number("version_number"),
        text("state"),
        date("valid_from", true),
        text("external_ref"),
    ];

    fn code(&self) -> &str {
        self.code.as_str()
    }

    fn columns(&self) -> Vec<ColumnValue> {
        vec![
            title_value(&self.display_name),
            text_value(self.family.as_str()),
            ColumnValue::Integer(Some(i64::from(self.version_number))),
            text_value(self.state.word()),
            ColumnValue::Date(Some(self.valid_from)),
            text_value(&self.external_ref),
        ]
    }

    fn check(&self) -> Vec<Violation> {
        let mut checks = Checks::default();
        checks.filled(&self.display_name, "display_name");
        checks.must(self.version_number >= 1, "version_number", "NOT_POSITIVE", "counts from 1", "版本号从 1 开始");
        checks.must(self.sample_every >= 0, "sample_every", "NEGATIVE", "must not be below zero", "不能为负数");
        let ids: Vec<&Code> = self.rules.iter().map(|rule| &rule.id).collect();
        checks.distinct(&ids, "rules");
        let mut steps = 0_u64;
        for (index, rule) in self.rules.iter().enumerate() {
            steps =
                steps.saturating_add(Self::check_rule(&mut checks, &|field| format!("rules[{index}].{field}"), rule));
        }
        checks.must(
            steps <= MAX_STEPS,
            "rules",
            "TOO_MUCH_WORK",
            "a claim with many lines would keep all these conditions busy for too long; look through lists in fewer of them",
            "索赔行较多时全部条件执行时间过长；请减少遍历列表的条件",
        );
        checks.found()
    }

    fn check_change(&self, before: &Self, _today: NaiveDate) -> Vec<Violation> {
        let mut checks = Checks::default();
        checks.must(
            before.state == RuleSetState::Draft || self == before,
            "state",
            "PUBLISHED",
            "a version that was published is immutable; create the next version of its family",
            "已发布的版本不可修改；请为同一规则集系列创建下一版本",
        );
        checks.found()
    }

    fn references(&self) -> Vec<Reference> {
        let queue = |field: String, code: &Code| reference(field, "review_queue", "reviewQueues", code);
        let mut references = Vec::new();
        references.extend(self.sample_queue.iter().map(|code| queue("sample_queue".to_owned(), code)));
        references.extend(self.default_queue.iter().map(|code| queue("default_queue".to_owned(), code)));
        for (index, rule) in self.rules.iter().enumerate() {
            references.extend(rule.queue.iter().map(|code| queue(format!("rules[{index}].queue"), code)));
        }
        references
    }

    fn audience(&self, _id: uuid::Uuid) -> Audience {
        // Whoever knows the limits stays just below them.
        Audience::Oem
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;
    use crate::claims::Code as ReasonCode;

    pub(crate) fn code(text: &str) -> Code {
        Code::parse(text).unwrap()
    }

    pub(crate) fn rule(id: &str, priority: i32, condition: &str, action: RuleAction) -> AdjudicationRule {
        AdjudicationRule {
            id: code(id),
            priority,
            condition: condition.to_owned(),
            action,
            queue: (action == RuleAction::Route).then(|| code("QUEUE")),
            reasons: match action {
                RuleAction::Return | RuleAction::Reject => vec![Reason::of(ReasonCode::Other)],
                RuleAction::Approve | RuleAction::Route | RuleAction::RequireEvidence => Vec::new(),
            },
            evidence: if action == RuleAction::RequireEvidence { "a photo".to_owned() } else { String::new() },
            evidence_zh: if action == RuleAction::RequireEvidence { "照片".to_owned() } else { String::new() },
            kinds: Vec::new(),
            description: String::new(),
            description_zh: String::new(),
            disabled: false,
        }
    }

    pub(crate) fn set(rules: Vec<AdjudicationRule>) -> AdjudicationRuleSet {
        AdjudicationRuleSet {
            code: code("CLASSIC.1"),
            display_name: "Classic".to_owned(),
            family: code("CLASSIC"),
            version_number: 1,
            state: RuleSetState::Draft,
            publish_time: None,
            end_time: None,
            valid_from: "2026-11-20".parse().unwrap(),
            sample_every: 0,
            sample_queue: None,
            default_queue: None,
            rules,
            external_ref: String::new(),
            may_authorize: false,
        }
    }

    fn day(text: &str) -> NaiveDate {
        text.parse().unwrap()
    }

    #[test]
    fn a_draft_is_published_from_today_on_and_then_immutable() {
        let now = "2026-11-20T08:00:00Z".parse().unwrap();
        let draft = set(vec![rule("R-1", 1, "true", RuleAction::Approve)]);
        assert_eq!(draft.check(), []);
        assert_eq!(draft.columns().len(), AdjudicationRuleSet::FIELDS.len());
        assert_eq!(draft.clone().publish(now, day("2026-11-21")).unwrap_err().rule, "IN_THE_PAST");
        assert_eq!(set(Vec::new()).publish(now, day("2026-11-20")).unwrap_err().rule, "REQUIRED");
        let published = draft.clone().publish(now, day("2026-11-20")).unwrap();
        assert_eq!((published.state, published.publish_time), (RuleSetState::Published, Some(now)));
        assert_eq!(published.clone().publish(now, day("2026-11-20")).unwrap_err().rule, "ALREADY_PUBLISHED");
        let changed = AdjudicationRuleSet { sample_every: 5, ..published.clone() };
        assert_eq!(changed.check_change(&published, day("2026-11-20"))[0].rule, "PUBLISHED");
        assert_eq!(changed.check_change(&draft, day("2026-11-20")), []);
        let retired = published.retire(now).unwrap();
        assert_eq!((retired.state, retired.end_time), (RuleSetState::Retired, Some(now)));
        assert_eq!(retired.retire(now).unwrap_err().rule, "ALREADY_RETIRED");
    }

    #[test]
    fn a_rule_says_what_its_action_needs_and_nothing_else() {
        let faults = |rule: AdjudicationRule| {
            let found = set(vec![rule]).check();
            found.into_iter().map(|violation| format!("{} {}", violation.field, violation.rule)).collect::<Vec<_>>()
        };
        let plain = |action| rule("R-1", 1, "true", action);
        for action in [
            RuleAction::Approve,
            RuleAction::Route,
            RuleAction::Return,
            RuleAction::Reject,
            RuleAction::RequireEvidence,
        ] {
            assert_eq!(faults(plain(action)), Vec::<String>::new(), "{action:?}");
        }
        assert_eq!(
            faults(AdjudicationRule { queue: None, ..plain(RuleAction::Route) }),
            ["rules[0].queue QUEUE_AND_ACTION"]
        );
        assert_eq!(
            faults(AdjudicationRule { queue: Some(code("X")), ..plain(RuleAction::Approve) }),
            ["rules[0].queue QUEUE_AND_ACTION"]
        );
        assert_eq!(
            faults(AdjudicationRule { reasons: Vec::new(), ..plain(RuleAction::Reject) }),
            ["rules[0].reasons REASONS_AND_ACTION"]
        );
        assert_eq!(
            faults(AdjudicationRule { evidence_zh: String::new(), ..plain(RuleAction::RequireEvidence) }),
            ["rules[0].evidence_zh EVIDENCE_AND_ACTION"]
        );
        let dated = Reason { deadline: Some(day("2026-12-01")), ..Reason::of(ReasonCode::Other) };
        assert_eq!(
            faults(AdjudicationRule { reasons: vec![dated], ..plain(RuleAction::Return) }),
            ["rules[0].reasons NO_DEADLINE"]
        );
    }

    #[test]
    fn a_condition_that_makes_no_sense_is_refused_with_its_place() {
        let broken = rule("R-7", 1, "claim.kind == \"X\" &&\n  vehicle.milage > 5", RuleAction::Approve);
        let found = set(vec![rule("R-1", 1, "true", RuleAction::Approve), broken]).check();
        assert_eq!(found.len(), 1);
        assert_eq!((found[0].field.as_str(), found[0].rule), ("rules[1].condition", "BAD_CONDITION"));
        assert!(
            found[0].text.en.starts_with("rule R-7, line 2, column 3: vehicle has no `milage`"),
            "{}",
            found[0].text.en
        );
        assert!(found[0].text.zh_cn.starts_with("规则 R-7 第 2 行第 3 列："), "{}", found[0].text.zh_cn);
    }

    #[test]
    fn what_rules_name_must_exist() {
        let mut named = set(vec![rule("R-1", 1, "true", RuleAction::Route)]);
        named.default_queue = Some(code("D"));
        named.sample_queue = Some(code("S"));
        let fields: Vec<String> = named.references().into_iter().map(|reference| reference.field).collect();
        assert_eq!(fields, ["sample_queue", "default_queue", "rules[0].queue"]);
    }
}
